//! aider: one message, from a file. Tried with 0.86.2.
//!
//! What is special: its output is text, and its exit status says nothing. But it keeps a log of events for whoever wants to
//! see what its analytics would tell, also where those are off: each exchange with a model with its tokens and dollars, and
//! its end. That log is believed; an exchange that began and is not in it failed. Of the text only that is read which the log
//! does not say: what an error was, that it gave up, and whether an edit came into the files. Its tokens include what a cache
//! had, and those written to a cache twice; its dollars are right.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::Tokens;
use super::adapter::{Adapter, Ask, Facts, Launch, Login, Meter, Permission, Reader, Setting, Unfit};
use super::bill::Bill;
use super::json::{self, count, text_or_empty};
use super::litellm::Failure;
use super::prices::Prices;
use super::providers::{key_that_is_set, keys_of_providers};
use super::reading::{Reading, kind_of_status};
use super::tail::Tail;
use super::talk::Talk;
use super::upstream::{of_litellm, set, to_gateway};

/// The adapter.
#[derive(Debug)]
pub(super) struct Aider;

static FACTS: Facts = Facts {
    name: "aider",
    title: "aider",
    program: "aider",
    install: "uv tool install --python 3.12 aider-chat",
    sign_in: "set the key of a provider, such as OPENAI_API_KEY",
    seen: "0.86.2",
    keys: keys_of_providers!["AIDER_*"],
    unset: &[],
    meter: Meter::Dollars,
    own_state: false,
    resumes: false,
    // Whatever the model suggests, it runs no command while nobody is there to say yes.
    permissions: &[Permission::ReadOnly, Permission::Edit],
    notes: "It edits files and runs no commands, so a plan has to say `permission: edit`. What its second model uses, to \
            shorten a long conversation, it does not tell. It commits nothing: swarm keeps what it leaves.",
};

/// The files of the attempt.
const MESSAGE: &str = "message.md";
const LOG: &str = "events.jsonl";
/// Where it keeps what it knows of the repository. It lies in the worktree, so git is told not to see it.
const CACHE_IGNORE: &str = ".aider.tags.cache.v4/.gitignore";

/// What it does without being asked, and what it must not do.
const QUIETLY: [&str; 15] = [
    "--yes-always",
    "--no-analytics",
    "--no-check-update",
    "--no-show-release-notes",
    "--no-show-model-warnings",
    "--no-gitignore",
    // Its messages for commits come from calls of a model that it does not tell of.
    "--no-auto-commits",
    "--no-dirty-commits",
    "--no-detect-urls",
    "--no-suggest-shell-commands",
    "--no-stream",
    "--no-pretty",
    "--no-fancy-input",
    "--disable-playwright",
    "--no-notifications",
];

impl Adapter for Aider {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let file = |name: &str| ask.state.join(name).display().to_string();
        let mut argv = vec!["aider".to_owned(), "--message-file".to_owned(), file(MESSAGE)];
        argv.extend(QUIETLY.map(str::to_owned));
        for (option, name) in
            [("--analytics-log", LOG), ("--chat-history-file", "chat.md"), ("--input-history-file", "input")]
        {
            argv.extend([option.to_owned(), file(name)]);
        }
        if let Some(model) = ask.model {
            argv.extend(["--model".to_owned(), model.to_owned()]);
        }
        if ask.permission == Permission::ReadOnly {
            argv.extend(["--chat-mode".to_owned(), "ask".to_owned()]);
        }
        argv.extend(ask.args.iter().cloned());
        let env = [
            // It opens pages about an error, or to log in, in a browser.
            ("BROWSER", "true"),
            ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),
            // Each call with its HTTP status, on standard error.
            ("OPENAI_LOG", "info"),
        ];
        // A message that begins with `/` or `!` would be a command of its own, such as one for a shell.
        let message = format!("\n{}", ask.prompt);
        Ok(Launch {
            argv,
            env: env
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .chain(ask.metered.then(to_gateway).into_iter().flatten())
                .collect(),
            files: vec![
                (ask.state.join(MESSAGE), message),
                (ask.worktree.join(CACHE_IGNORE), "*\n".to_owned()),
            ],
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
        home: &Path,
    ) -> Result<String, String> {
        let names = [
            "AIDER_OPENAI_API_BASE",
            "AIDER_SET_ENV",
            "AIDER_MODEL",
            "AIDER_WEAK_MODEL",
            "AIDER_EDITOR_MODEL",
        ];
        if names.iter().any(|name| set(name, env).is_some()) || home.join(".aider.conf.yml").is_file() {
            return Err("settings of your own say what it calls".to_owned());
        }
        of_litellm(model, env)
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        if let Some(name) =
            key_that_is_set(&["AIDER_API_KEY", "AIDER_OPENAI_API_KEY", "AIDER_ANTHROPIC_API_KEY"], env)
        {
            return Login::Yes(format!("{name} is set"));
        }
        if home.join(".aider/oauth-keys.env").is_file() {
            return Login::Yes("its oauth-keys.env is there".to_owned());
        }
        if let Some(file) = [".aider.conf.yml", ".env"].iter().find(|file| home.join(file).is_file()) {
            return Login::Unknown(format!("~/{file} may hold a key"));
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    bill: Bill,
    log: PathBuf,
    tail: Tail,
    /// It has said what its model is.
    introduced: bool,
    /// Exchanges with a model that began, and those that are over.
    began: u64,
    over: u64,
    /// How it ended.
    end: Option<String>,
    failure: Option<Failure>,
    /// The HTTP status of the latest call.
    status: Option<u64>,
    /// Why it gave up, although a model answered.
    gave_up: Option<String>,
    /// Its model sent an edit that it has not said to be applied.
    edits: bool,
    /// It may not edit.
    asks: bool,
    /// What it said last.
    said: String,
}

/// How it ends when it has done what a message says.
const DONE: &str = "Completed --message-file";

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        Self {
            reading,
            prices: setting.prices,
            bill: Bill::default(),
            log: setting.state.join(LOG),
            tail: Tail::default(),
            introduced: false,
            began: 0,
            over: 0,
            end: None,
            failure: None,
            status: None,
            gave_up: None,
            edits: false,
            asks: false,
            said: String::new(),
        }
    }

    fn event(&mut self, record: &Value) {
        match text_or_empty(record, "/event") {
            "message_send_starting" => self.began += 1,
            "message_send" => self.exchange(record),
            "message_send_exception" => {
                let said = text_or_empty(record, "/properties/exception");
                self.fails(Failure::parse(said).unwrap_or_else(|| Failure::other(said)));
            }
            "oauth_flow_initiated" => {
                let said = "it has no key, and waits for somebody to log in in a browser".to_owned();
                self.fails(Failure { kind: TroubleKind::Login, said, free: true });
            }
            "exit" => self.end = Some(text_or_empty(record, "/properties/reason").to_owned()),
            _ => {}
        }
    }

    fn exchange(&mut self, record: &Value) {
        self.over += 1;
        self.failure = None;
        self.asks = text_or_empty(record, "/properties/edit_format") == "ask";
        self.reading.goes_on();
        let tokens = Tokens {
            input: count(record, "/properties/prompt_tokens"),
            output: count(record, "/properties/completion_tokens"),
            ..Tokens::default()
        };
        let model = self.reading.report.model.as_deref().unwrap_or_default();
        self.bill.add(model, tokens, json::micros(record, "/properties/cost"));
        self.reading.spent = self.bill.spent(&self.prices);
    }

    fn fails(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.settle();
    }

    /// Why no model answered. An error of no kind has that of its HTTP status.
    fn why(&self) -> Option<Failure> {
        let failure = self.failure.clone()?;
        match self.status {
            Some(status @ 400..) if failure.kind == TroubleKind::Error => {
                Some(Failure { kind: kind_of_status(status), free: true, ..failure })
            }
            _ => Some(failure),
        }
    }

    /// What is known of its end, whether its text or its log was read first.
    fn settle(&mut self) {
        let Some(end) = &self.end else {
            if let Some(failure) = self.why() {
                self.reading.trouble(failure.kind, &failure.said, None);
            }
            return;
        };
        let unapplied = (self.edits && !self.asks).then(|| format!("an edit was not applied: {}", self.said));
        let gave_up = self.gave_up.clone().or(unapplied).as_deref().map(Failure::other);
        let failure = match end.as_str() {
            DONE if self.over >= self.began => gave_up,
            DONE => self.why().or(gave_up).or(Some(Failure::other("no model answered"))),
            other => self.why().or(Some(Failure::other(other))),
        };
        let Some(failure) = failure else { return self.reading.done() };
        if failure.free {
            self.bill.add("", Tokens::default(), Some(0));
            self.reading.spent = self.bill.spent(&self.prices);
        }
        self.reading.failed(failure.kind, &failure.said);
    }
}

/// The HTTP status of a call, from its log on standard error: `HTTP Request: POST <url> "HTTP/1.1 200 OK"`.
fn answered(line: &str) -> Option<u64> {
    let (_, call) = line.split_once("HTTP Request: POST ")?;
    let (_, answer) = call.rsplit_once("\"HTTP/")?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// The model, from one of its first lines.
fn model(line: &str) -> Option<&str> {
    let behind = line.strip_prefix("Main model: ").or_else(|| line.strip_prefix("Model: "))?;
    Some(behind.split_once(" with ")?.0)
}

/// That it gave up, which its log does not say.
fn gave_up(line: &str) -> bool {
    line.starts_with("Only ") && line.ends_with(" reflections allowed, stopping.")
        || line.starts_with("Model ") && line.ends_with(" has hit a token limit!")
}

/// How an edit of its model begins, in the formats that can be told from other text.
const EDITS: [&str; 3] = ["<<<<<<< SEARCH", "*** Begin Patch", "+++ "];
/// How it says that edits are in the files. Where it fails at that by a mistake of its own, it says something else.
const APPLIED: &str = "Applied edit to ";

/// How lines begin that are its own rather than its model's.
const ITS_OWN: [&str; 12] = [
    "Added ",
    "Aider v",
    APPLIED,
    "Git repo: ",
    "HTTPSConnectionPool",
    "Main model: ",
    "Model: ",
    "Only ",
    "Repo-map: ",
    "Retrying in ",
    "Tokens: ",
    "Weak model: ",
];

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        if let Some(failure) = Failure::parse(line) {
            self.reading.tell(Talk::Notice(failure.said.clone()), talk);
            return self.fails(failure);
        }
        if let Some(model) = model(line).filter(|_| !self.introduced) {
            self.reading.report.model = Some(model.to_owned());
            self.introduced = true;
        }
        line.clone_into(&mut self.said);
        if gave_up(line) {
            self.gave_up = Some(line.to_owned());
        }
        if EDITS.iter().any(|begin| line.starts_with(begin)) {
            self.edits = true;
        } else if line.starts_with(APPLIED) {
            self.edits = false;
        }
        self.settle();
        let own = ITS_OWN.iter().any(|begin| line.starts_with(begin));
        let said = line.to_owned();
        self.reading.tell(if own { Talk::Notice(said) } else { Talk::Says(said) }, talk);
    }

    fn complaint(&mut self, line: &str) {
        if let Some(status) = answered(line) {
            self.status = Some(status);
            self.settle();
        }
    }

    fn aside(&mut self) {
        let lines = self.tail.lines(&self.log, &[r#""event""#]);
        for record in lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            self.event(&record);
        }
        if !lines.is_empty() {
            self.settle();
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
