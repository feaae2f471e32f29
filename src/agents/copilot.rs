//! GitHub Copilot CLI: `copilot --output-format json`, the prompt on its standard input. Tried with 1.0.102.
//!
//! What is special: its stream counts no tokens. The file of events that it keeps of a conversation does, call by call, those
//! of its subagents too, and survives a kill. So the conversation gets a name, and the launch writes down where that file will
//! be. A program that was told to stop says `"exitCode":0` as well, behind a record that it was aborted. Calls on an account of
//! GitHub's are told in AI units; on a provider of one's own they are priced from their tokens.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit,
};
use super::bookmark::{Bookmark, uuid};
use super::json::{self, number, text, text_or_empty};
use super::prices::Prices;
use super::reading::{Reading, kind_of_status};
use super::sessions::{Session, TOTALS, WHERE};
use super::talk::Talk;
use super::upstream::set;

/// The adapter.
#[derive(Debug)]
pub(super) struct Copilot;

static FACTS: Facts = Facts {
    name: "copilot",
    title: "GitHub Copilot CLI",
    program: "copilot",
    install: "npm install -g @github/copilot",
    sign_in: "run `copilot login`, or set COPILOT_GITHUB_TOKEN, GH_TOKEN or GITHUB_TOKEN",
    seen: "1.0.102",
    keys: &[
        "COPILOT_GH_HOST",
        "COPILOT_GITHUB_TOKEN",
        "COPILOT_HOME",
        "COPILOT_MODEL",
        "COPILOT_OFFLINE",
        "COPILOT_PROVIDER_*",
        "GH_CONFIG_DIR",
        "GH_HOST",
        "GH_TOKEN",
        "GITHUB_TOKEN",
    ],
    unset: &["COPILOT_AGENT_SESSION_ID", "COPILOT_CLI", "COPILOT_LOADER_PID"],
    meter: Meter::Dollars,
    own_state: false,
    resumes: true,
    permissions: &Permission::ALL,
    notes: "An AI credit counts as $0.01, also one that your subscription includes; what it uses of a provider of your own \
            (COPILOT_PROVIDER_BASE_URL) is priced from its tokens. Below `full` it has no MCP servers of GitHub's, and no \
            command that names a path outside of its worktree and the folder for temporary files.",
};

/// The variable that names a provider of the user's own.
const SERVER: &str = "COPILOT_PROVIDER_BASE_URL";

impl Adapter for Copilot {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let words = ["copilot", "--output-format", "json", "--no-auto-update", "--no-ask-user"];
        let mut argv: Vec<String> = words.map(str::to_owned).into();
        let usage = ask.state.join(TOTALS).display().to_string();
        argv.extend(["--disable-client-telemetry".to_owned(), "--usage-output-file".to_owned(), usage]);
        let taken_up = Bookmark::parse(ask.bookmark).map(|bookmark| bookmark.conversation);
        let again = taken_up.is_some();
        let conversation = taken_up.unwrap_or_else(|| uuid(ask.nonce));
        if again {
            // By itself it goes on in the worktree where it began, which is another attempt's.
            argv.extend(["-C".to_owned(), ask.worktree.display().to_string()]);
            argv.push(format!("--resume={conversation}"));
        } else {
            argv.push(format!("--session-id={conversation}"));
        }
        if let Some(model) = ask.model {
            argv.extend(["--model".to_owned(), model.to_owned()]);
        }
        argv.extend(permission(ask.permission).iter().map(|word| (*word).to_owned()));
        argv.extend(ask.args.iter().cloned());
        let events = folder(ask.env, ask.home).join("session-state").join(conversation).join("events.jsonl");
        let server = ask.metered.then(|| (SERVER.to_owned(), GATEWAY.to_owned()));
        Ok(Launch {
            argv,
            stdin: Some(ask.prompt_file.to_path_buf()),
            env: server.into_iter().collect(),
            files: vec![(ask.state.join(WHERE), events.display().to_string())],
            ..Launch::default()
        })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn upstream(
        &self,
        _model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        _home: &Path,
    ) -> Result<String, String> {
        if set("COPILOT_PROVIDER_TYPE", env).is_some_and(|kind| kind == "azure") {
            return Err("its calls go to a cloud".to_owned());
        }
        set(SERVER, env).ok_or_else(|| "GitHub bills it, in credits".to_owned())
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
        let names = ["COPILOT_PROVIDER_BASE_URL", "COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN"];
        if let Some(name) = names.iter().find(|name| set(name)) {
            return Login::Yes(format!("{name} is set"));
        }
        if has_account(&folder(env, home).join("config.json")) {
            return Login::Yes("its config.json has an account".to_owned());
        }
        let configuration = env("XDG_CONFIG_HOME").map_or_else(|| home.join(".config"), Into::into);
        let gh = env("GH_CONFIG_DIR").map_or_else(|| configuration.join("gh"), Into::into);
        if gh.join("hosts.yml").is_file() {
            return Login::Unknown("it may use the login of the GitHub CLI".to_owned());
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

/// Its own folder.
fn folder(env: &dyn Fn(&str) -> Option<String>, home: &Path) -> PathBuf {
    let own = env("COPILOT_HOME").filter(|path| !path.is_empty());
    own.map_or_else(|| home.join(".copilot"), Into::into)
}

/// Whether somebody is logged in. The token itself is where the system keeps secrets, or in the same file, which begins with
/// comments.
fn has_account(config: &Path) -> bool {
    let text = fs::read_to_string(config).unwrap_or_default();
    let plain = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<String>();
    let config = serde_json::from_str::<Value>(&plain).unwrap_or_default();
    let some = |value: &Value| match value {
        Value::Array(users) => !users.is_empty(),
        other => !other.is_null(),
    };
    ["loggedInUsers", "lastLoggedInUser"].iter().any(|key| config.get(key).is_some_and(some))
}

/// What is not allowed is refused, for nobody is there to ask.
fn permission(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::ReadOnly => &["--disable-builtin-mcps", "--available-tools=view,grep,glob"],
        Permission::Edit => {
            &["--disable-builtin-mcps", "--allow-tool=write", "--excluded-tools=bash", "--disallow-temp-dir"]
        }
        Permission::Run => &["--disable-builtin-mcps", "--allow-all-tools"],
        Permission::Full => &["--allow-all"],
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    session: Session,
    /// The names of the tools that are used, by the id of their use.
    tools: BTreeMap<String, String>,
    /// It was told to stop.
    aborted: bool,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        let taken_up = Bookmark::parse(setting.bookmark.as_deref());
        let session = Session::new(setting.state, taken_up);
        Self { reading, prices: setting.prices, session, tools: BTreeMap::new(), aborted: false }
    }

    fn begins_call(&mut self, record: &Value) {
        let own = record.get("agentId").is_none();
        if let Some(model) = text(record, "/data/model").filter(|_| own) {
            self.reading.report.model = Some(model.to_owned());
        }
    }

    fn says(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.reading.goes_on();
        if let Some(said) = text(record, "/data/content").filter(|said| !said.is_empty()) {
            self.reading.tell(Talk::Says(said.to_owned()), talk);
        }
    }

    fn uses(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let tool = text_or_empty(record, "/data/toolName").to_owned();
        self.tools.insert(text_or_empty(record, "/data/toolCallId").to_owned(), tool.clone());
        let with = record.pointer("/data/arguments").map(json::main_argument).unwrap_or_default();
        self.reading.tell(Talk::Uses { tool, with }, talk);
    }

    fn answer(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let tool = self.tools.remove(text_or_empty(record, "/data/toolCallId"));
        let item = match text(record, "/data/error/code") {
            Some("denied") => Talk::Denied(tool.unwrap_or_default()),
            Some(_) => {
                Talk::Answer { ok: false, text: text_or_empty(record, "/data/error/message").to_owned() }
            }
            None => Talk::Answer { ok: true, text: text_or_empty(record, "/data/result/content").to_owned() },
        };
        self.reading.tell(item, talk);
    }

    /// A call failed; it may be tried again.
    fn fails(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let status = number(record, "/data/statusCode");
        if status.is_some() {
            self.session.turned_away();
            self.reading.spent = self.session.spent(&self.prices);
        }
        let error = text_or_empty(record, "/data/errorMessage");
        let message = serde_json::from_str::<Value>(error).ok();
        let said = message.as_ref().and_then(|message| text(message, "/message")).unwrap_or(error).to_owned();
        self.reading.trouble(status.map_or(TroubleKind::Error, kind_of_status), &said, None);
        self.reading.tell(Talk::Notice(format!("a call failed: {said}")), talk);
    }

    fn error(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let said = text_or_empty(record, "/data/message").to_owned();
        let kind = match (text_or_empty(record, "/data/errorType"), number(record, "/data/statusCode")) {
            ("authentication" | "authorization" | "quota", _) => TroubleKind::Login,
            ("rate_limit", _) => TroubleKind::Limit,
            (_, Some(status)) => kind_of_status(status),
            _ => TroubleKind::Error,
        };
        self.reading.trouble(kind, &said, None);
        self.reading.tell(Talk::Notice(said), talk);
    }

    fn abort(&mut self, record: &Value) {
        self.aborted = true;
        let said = format!("it was told to stop: {}", text_or_empty(record, "/data/reason"));
        self.reading.trouble(TroubleKind::Error, &said, None);
    }

    fn result(&mut self, record: &Value) {
        if let Some(name) = text(record, "/sessionId") {
            self.session.named(name);
            self.reading.report.bookmark = self.session.bookmark();
        }
        if self.aborted {
            return;
        }
        match (number(record, "/exitCode"), self.reading.report.trouble.is_some()) {
            (Some(0), false) => self.reading.done(),
            (_, true) => self.reading.report.finished = true,
            (_, false) => self.reading.failed(TroubleKind::Error, "it ended with an error"),
        }
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        match text_or_empty(&record, "/type") {
            "model.call_start" => self.begins_call(&record),
            "assistant.message" => self.says(&record, talk),
            "tool.execution_start" => self.uses(&record, talk),
            "tool.execution_complete" => self.answer(&record, talk),
            "model.call_failure" => self.fails(&record, talk),
            "session.error" => self.error(&record, talk),
            "abort" => self.abort(&record),
            "result" => self.result(&record),
            _ => {}
        }
    }

    fn complaint(&mut self, line: &str) {
        let Some(said) = line.strip_prefix("Error: ") else { return };
        if !self.reading.report.finished {
            let login =
                said.starts_with("No authentication information") || said.starts_with("Authentication ");
            let kind = if login { TroubleKind::Login } else { TroubleKind::Error };
            self.reading.trouble(kind, said, None);
        }
    }

    fn aside(&mut self) {
        if self.session.look() {
            self.reading.spent = self.session.spent(&self.prices);
            self.reading.report.bookmark = self.session.bookmark();
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
