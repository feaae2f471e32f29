//! mini-SWE-agent: `mini`, one task. Tried with 2.4.6.
//!
//! What is special: its output is for people. What it did, what that used and how it ended is in the file of its trajectory,
//! which it writes anew after each step; so after a kill only the step that was under way is missing. A model whose price it
//! does not know must not stop it; it then counts as $0, which is not believed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::Tokens;
use super::adapter::{
    Adapter, Ask, Facts, Launch, Login, Meter, Permission, Reader, Setting, Unfit, argument,
};
use super::bill::Bill;
use super::json::{self, count, list, text, text_or_empty};
use super::litellm::Failure;
use super::prices::Prices;
use super::providers::{key_that_is_set, keys_of_providers};
use super::reading::{Reading, kind_of_status, status_behind};
use super::talk::Talk;
use super::upstream::{of_litellm, to_gateway};

/// The adapter.
#[derive(Debug)]
pub(super) struct MiniSweAgent;

static FACTS: Facts = Facts {
    name: "mini-swe-agent",
    title: "mini-SWE-agent",
    program: "mini",
    install: "uv tool install --with mcp mini-swe-agent",
    sign_in: "run `mini-extra config setup`, or set the key of a provider, such as ANTHROPIC_API_KEY",
    seen: "2.4.6",
    keys: keys_of_providers!["MSWEA_*"],
    unset: &[],
    meter: Meter::Dollars,
    own_state: false,
    resumes: false,
    // All it has is a shell, and nothing holds that.
    permissions: &[Permission::Run, Permission::Full],
    notes: "A model is named `provider/model`. Its commands are held by nothing, at `run` as at `full`, and each may take 30 \
            seconds unless `args` says otherwise (`-c mini.yaml -c environment.timeout=600`). Its own limit of $3 is off.",
};

/// The file of the attempt that it writes its trajectory to.
const TRAJECTORY: &str = "trajectory.json";
/// How often it calls a model that fails: swarm waits better than it does.
const CALLS: &str = "3";

impl Adapter for MiniSweAgent {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let trajectory = ask.state.join(TRAJECTORY).display().to_string();
        let mut argv =
            vec!["mini", "--yolo", "--exit-immediately", "--cost-limit", "0", "--output", &trajectory];
        if let Some(model) = ask.model {
            argv.extend(["--model", model]);
        }
        argv.extend(ask.args.iter().map(String::as_str));
        // A file of settings could hold the task as well, but then the user's own would not be read.
        let task = argument(FACTS.title, ask.prompt)?;
        argv.extend(["--task", &task]);
        let env = [
            ("MSWEA_CONFIGURED", "true"),
            ("MSWEA_SILENT_STARTUP", "1"),
            ("MSWEA_COST_TRACKING", "ignore_errors"),
            ("MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT", CALLS),
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
        ];
        Ok(Launch {
            argv: argv.into_iter().map(str::to_owned).collect(),
            env: env
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .chain(ask.metered.then(to_gateway).into_iter().flatten())
                .collect(),
            ..Launch::default()
        })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn upstream(
        &self,
        model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        _home: &Path,
    ) -> Result<String, String> {
        of_litellm(model, env)
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        if let Some(name) = key_that_is_set(&[], env) {
            return Login::Yes(format!("{name} is set"));
        }
        let set = |name: &str| env(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        let settings = set("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
        let folder = set("MSWEA_GLOBAL_CONFIG_DIR").unwrap_or_else(|| settings.join("mini-swe-agent"));
        let own = fs::read_to_string(folder.join(".env")).unwrap_or_default();
        if own.contains("_API_KEY=") {
            return Login::Yes("its .env has a key".to_owned());
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    trajectory: PathBuf,
    /// The length of the trajectory that was read, and when it was written.
    read: Option<(u64, SystemTime)>,
    /// The HTTP status of the call that ended it, which only its last words tell.
    status: Option<u64>,
    part: Part,
    lines: Vec<String>,
}

/// What the lines of its output are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What its agent is told.
    Prompt,
    /// What its agent says.
    Says,
    /// Code in what its agent says.
    Quotes,
    /// The command that its agent runs.
    Command,
    /// What came of it.
    Answer,
}

impl Part {
    /// The part that a line begins.
    fn begun_by(self, line: &str) -> Option<Self> {
        let step = line.starts_with("mini-swe-agent (step ") && line.ends_with("):");
        match line {
            "System:" | "User:" | "Exit:" => Some(Self::Prompt),
            "Tool:" => Some(Self::Answer),
            "```" if self == Self::Says => Some(Self::Command),
            "```" if self == Self::Command || self == Self::Quotes => Some(Self::Says),
            _ if self == Self::Says && line.starts_with("```") => Some(Self::Quotes),
            _ => step.then_some(Self::Says),
        }
    }
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        Self {
            reading,
            prices: setting.prices,
            trajectory: setting.state.join(TRAJECTORY),
            read: None,
            status: None,
            part: Part::Prompt,
            lines: Vec::new(),
        }
    }

    /// A part is over.
    fn told(&mut self, talk: &mut dyn FnMut(Talk)) {
        let lines = std::mem::take(&mut self.lines);
        let text = lines.join("\n").trim().to_owned();
        if text.is_empty() {
            return;
        }
        let item = match self.part {
            Part::Prompt => return,
            Part::Says | Part::Quotes => Talk::Says(text),
            Part::Command => Talk::Uses { tool: "bash".to_owned(), with: text },
            Part::Answer => Talk::Answer { ok: text.starts_with("<returncode>\n0\n"), text },
        };
        self.reading.tell(item, talk);
    }

    fn trajectory(&mut self, record: &Value) {
        if let Some(model) = text(record, "/info/config/model/model_name") {
            self.reading.report.model = Some(model.to_owned());
        }
        let model = self.reading.report.model.clone().unwrap_or_default();
        let mut bill = Bill::default();
        for message in list(record, "/messages") {
            if let Some(usage) = message.pointer("/extra/response/usage") {
                bill.add(&model, tokens(usage), json::micros(message, "/extra/cost"));
            }
        }
        self.reading.goes_on();
        match text_or_empty(record, "/info/exit_status") {
            "" => {}
            "Submitted" => self.reading.done(),
            status => {
                let failure = self.failure(record, status);
                if failure.free {
                    bill.add("", Tokens::default(), Some(0));
                }
                self.reading.failed(failure.kind, &failure.said);
            }
        }
        self.reading.spent = bill.spent(&self.prices);
    }

    /// Why it ended, from its last message.
    fn failure(&self, record: &Value, status: &str) -> Failure {
        let said = list(record, "/messages").last().map(|message| text_or_empty(message, "/content"));
        let said = said.filter(|said| !said.is_empty()).unwrap_or(status);
        let failure = Failure::parse(said).unwrap_or_else(|| Failure::other(said));
        match self.status {
            Some(status) if failure.kind == TroubleKind::Error => {
                Failure { kind: kind_of_status(status), free: true, ..failure }
            }
            _ => failure,
        }
    }
}

/// The first of these figures that is there.
fn figure(usage: &Value, pointers: [&str; 2]) -> u64 {
    pointers.iter().map(|pointer| count(usage, pointer)).find(|figure| *figure > 0).unwrap_or_default()
}

/// As OpenAI's two interfaces tell it. What was sent includes what a cache had of it.
fn tokens(usage: &Value) -> Tokens {
    let cache_read =
        figure(usage, ["/prompt_tokens_details/cached_tokens", "/input_tokens_details/cached_tokens"]);
    let cache_write = count(usage, "/cache_creation_input_tokens");
    let cached = cache_read.saturating_add(cache_write);
    Tokens {
        input: figure(usage, ["/prompt_tokens", "/input_tokens"]).saturating_sub(cached),
        cache_read,
        cache_write,
        output: figure(usage, ["/completion_tokens", "/output_tokens"]),
        reasoning: figure(
            usage,
            ["/completion_tokens_details/reasoning_tokens", "/output_tokens_details/reasoning_tokens"],
        ),
    }
}

/// What an exception says that ended it, or a call of a model.
fn exception(line: &str) -> Option<Failure> {
    let (before, raised) = line.split_once(" as it raised ").unwrap_or(("", line));
    let (class, said) = raised.split_once(": ")?;
    let named = class.ends_with("Error") && class.chars().all(char::is_alphanumeric);
    let known = before.is_empty() || before.starts_with("Retrying ");
    (named && known).then(|| Failure::parse(said).unwrap_or_else(|| Failure::other(said)))
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let line = line.trim_end();
        let rule = line.starts_with('─') && line.chars().all(|char| char == '─');
        let next = if rule { Some(Part::Prompt) } else { self.part.begun_by(line) };
        match next {
            Some(next) => {
                self.told(talk);
                self.part = next;
            }
            None => self.lines.push(line.to_owned()),
        }
    }

    fn complaint(&mut self, line: &str) {
        if let Some(status) = status_behind(line, "Error: Error code: ") {
            self.status = Some(status);
            self.read = None;
        }
        if let Some(failure) = exception(line).filter(|_| !self.reading.report.finished) {
            self.reading.trouble(failure.kind, &failure.said, None);
        }
    }

    fn aside(&mut self) {
        let Ok(file) = fs::metadata(&self.trajectory) else { return };
        let stamp = file.modified().ok().map(|modified| (file.len(), modified));
        if stamp.is_some() && stamp == self.read {
            return;
        }
        // It is written in place, so what is no JSON is being written.
        let text = fs::read_to_string(&self.trajectory).unwrap_or_default();
        if let Ok(record) = serde_json::from_str::<Value>(&text) {
            self.read = stamp;
            self.trajectory(&record);
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
