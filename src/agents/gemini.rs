//! Gemini CLI: `gemini -o stream-json`, the prompt on its standard input. Tried with 0.61.0.
//!
//! What is special: its stream counts tokens only in the final record, so they are read from the file of the conversation as
//! they come. A failed call is told as JSON inside a sentence, and a call that is tried again, be it in seventeen hours, only on
//! standard error. It says that it succeeded when it gave up.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::{Account, Tokens};
use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit, own,
};
use super::bookmark::Bookmark;
use super::chats::Chats;
use super::json::{self, count, number, text, text_or_empty};
use super::prices::Prices;
use super::reading::{Reading, kind_of_status, status_behind};
use super::talk::Talk;
use super::upstream::{GEMINI, one_of, set};

/// The adapter.
#[derive(Debug)]
pub(super) struct Gemini;

static FACTS: Facts = Facts {
    name: "gemini",
    title: "Gemini CLI",
    program: "gemini",
    install: "npm install -g @google/gemini-cli",
    sign_in: "run `gemini` and sign in, or set GEMINI_API_KEY",
    seen: "0.61.0",
    keys: &["GEMINI_API_KEY", "GEMINI_CLI_HOME", "GEMINI_MODEL", "GOOGLE_*"],
    unset: &["GEMINI_CLI"],
    meter: Meter::Tokens,
    writes: &[own("GEMINI_CLI_HOME", "", ".gemini")],
    own_state: true,
    resumes: true,
    permissions: &Permission::ALL,
    notes: "Its usage statistics can be turned off in its own settings alone (privacy.usageStatisticsEnabled). With \
            GOOGLE_GEMINI_BASE_URL it needs security.auth.selectedType in them. Of its first run ever the tokens are known \
            only at the end.",
};

/// The variable that names another server.
const SERVER: &str = "GOOGLE_GEMINI_BASE_URL";
/// The variable that names a file of settings below all others.
const DEFAULTS: &str = "GEMINI_CLI_SYSTEM_DEFAULTS_PATH";
/// Asked to call another server, it wants to be told the kind of its login.
const KEY_LOGIN: &str = r#"{"security":{"auth":{"selectedType":"gemini-api-key"}}}"#;
/// Variables that send its calls to a cloud.
const CLOUDS: [&str; 2] = ["GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA"];

/// What the link to its conversations is called.
const CHATS: &str = "gemini-tmp";

impl Adapter for Gemini {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let mut argv = vec!["gemini", "-o", "stream-json"];
        // By its name a conversation is found only in the folder where it began; each attempt has another one.
        let bookmark = Bookmark::parse(ask.bookmark);
        if let Some(bookmark) = &bookmark {
            argv.extend(["--session-file", &bookmark.conversation]);
        }
        if let Some(model) = ask.model {
            argv.extend(["-m", model]);
        }
        argv.extend(permission(ask.permission));
        argv.extend(ask.args.iter().map(String::as_str));
        let env = [
            "GEMINI_CLI_TRUST_WORKSPACE=true",
            "GEMINI_CLI_NO_RELAUNCH=true",
            "GEMINI_TELEMETRY_ENABLED=false",
        ];
        let env =
            env.iter().filter_map(|set| set.split_once('=')).map(|(name, value)| (name.into(), value.into()));
        let defaults = ask.state.join("gemini-defaults.json");
        let gateway = [(SERVER, GATEWAY.to_owned()), (DEFAULTS, defaults.display().to_string())];
        let metered =
            gateway.into_iter().filter(|_| ask.metered).map(|(name, value)| (name.to_owned(), value));
        let home = (ask.env)("GEMINI_CLI_HOME").map_or_else(|| ask.home.to_path_buf(), Into::into);
        Ok(Launch {
            argv: argv.into_iter().map(str::to_owned).collect(),
            stdin: Some(ask.prompt_file.to_path_buf()),
            env: env.chain(metered).collect(),
            files: ask.metered.then(|| (defaults, KEY_LOGIN.to_owned())).into_iter().collect(),
            links: vec![(home.join(".gemini/tmp"), ask.state.join(CHATS))],
        })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn is_alias(&self, model: &str) -> bool {
        ["auto", "pro", "flash", "flash-lite"].contains(&model)
    }

    fn upstream(
        &self,
        _model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        home: &Path,
    ) -> Result<String, String> {
        if CLOUDS.iter().any(|name| set(name, env).is_some()) {
            return Err("its calls go to a cloud".to_owned());
        }
        if set("GEMINI_API_KEY", env).is_none() {
            return Err("its login is not a key in GEMINI_API_KEY".to_owned());
        }
        let own = set("GEMINI_CLI_HOME", env).map_or_else(|| home.to_path_buf(), Into::into);
        let settings = std::fs::read_to_string(own.join(".gemini/settings.json")).unwrap_or_default();
        if settings.contains("selectedType") && !settings.contains("gemini-api-key") {
            return Err("its settings.json says that its login is another one".to_owned());
        }
        Ok(one_of(&[SERVER], env, GEMINI))
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = ["GEMINI_API_KEY", "GOOGLE_API_KEY"].iter().find(|name| set(name)) {
            return Login::Yes(format!("{name} is set"));
        }
        if let Some(name) = CLOUDS.iter().find(|name| set(name)) {
            return Login::Unknown(format!("{name} is set; its credentials are the cloud's own"));
        }
        let own = env("GEMINI_CLI_HOME").map_or_else(|| home.to_path_buf(), Into::into).join(".gemini");
        let files = ["oauth_creds.json", "gemini-credentials.json", ".env"];
        if let Some(file) = files.iter().find(|file| own.join(file).is_file()) {
            return Login::Yes(format!("its {file} is there"));
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

/// Without a terminal it does not offer a tool that it would have to ask about. Its `plan` offers to write files.
fn permission(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::ReadOnly => &["--approval-mode", "default"],
        Permission::Edit => &["--approval-mode", "auto_edit"],
        Permission::Run => &["--approval-mode", "auto_edit", "--allowed-tools", "run_shell_command"],
        Permission::Full => &["--approval-mode", "yolo"],
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    chats: Chats,
    /// What its agent says comes in pieces.
    said: String,
    /// The names of the tools that are used, by the id of their use.
    tools: BTreeMap<String, String>,
    /// Why it gave up, as long as nothing comes behind that but a good end.
    gave_up: Option<String>,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        let chats = Chats::new(setting.state.join(CHATS));
        Self {
            reading,
            prices: setting.prices,
            chats,
            said: String::new(),
            tools: BTreeMap::new(),
            gave_up: None,
        }
    }

    fn goes_on(&mut self) {
        self.gave_up = None;
        self.reading.goes_on();
    }

    fn init(&mut self, record: &Value) {
        self.chats.name(text_or_empty(record, "/session_id"));
        if let Some(model) = text(record, "/model") {
            self.reading.report.model = Some(model.to_owned());
        }
    }

    fn message(&mut self, record: &Value) {
        if text(record, "/role") == Some("assistant") {
            self.goes_on();
            self.said.push_str(text_or_empty(record, "/content"));
        }
    }

    fn tool_use(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.goes_on();
        let tool = text_or_empty(record, "/tool_name").to_owned();
        self.tools.insert(text_or_empty(record, "/tool_id").to_owned(), tool.clone());
        let with = record.get("parameters").map(json::main_argument).unwrap_or_default();
        self.reading.tell(Talk::Uses { tool, with }, talk);
    }

    /// A tool that its agent is not allowed is one that it does not have.
    fn tool_result(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let tool = self.tools.remove(text_or_empty(record, "/tool_id")).unwrap_or_default();
        let item = match text(record, "/error/type") {
            Some("tool_not_registered" | "policy_violation") => Talk::Denied(tool),
            _ => Talk::Answer {
                ok: text(record, "/status") == Some("success"),
                text: text(record, "/output")
                    .unwrap_or_else(|| text_or_empty(record, "/error/message"))
                    .to_owned(),
            },
        };
        self.reading.tell(item, talk);
    }

    fn error(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let said = text_or_empty(record, "/message");
        if text(record, "/severity") == Some("error") || said.starts_with("Loop detected") {
            self.gave_up = Some(said.to_owned());
        }
        self.reading.tell(Talk::Notice(said.to_owned()), talk);
    }

    fn result(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.bill(record);
        let gave_up = self.gave_up.take();
        if text(record, "/status") == Some("success") && gave_up.is_none() {
            return self.reading.done();
        }
        let said = text(record, "/error/message").map(str::to_owned).or(gave_up);
        let (kind, status, said) = cause(said.as_deref().unwrap_or("it ended with an error"));
        let nothing = self.reading.spent.tokens == Tokens::default();
        if nothing && kind == TroubleKind::Error && status.is_none() {
            // An answer that broke off is paid for and not counted.
            self.reading.spent.usd_micros = None;
        }
        self.reading.failed(kind, &said);
        self.reading.tell(Talk::Notice(said), talk);
    }

    /// What this run used. It begins at nothing also where a conversation is taken up.
    fn bill(&mut self, record: &Value) {
        let Some(models) = record.pointer("/stats/models").and_then(Value::as_object) else { return };
        let asked = self.reading.report.model.as_deref().unwrap_or_default();
        let mut account = Account::default();
        for (model, usage) in models {
            // They have the names of those that answered: an edition without a price costs what was asked for.
            let model = if self.prices.rate(model).is_some() { model } else { asked };
            account.add(model, tokens(usage));
        }
        self.reading.spent = account.priced(&self.prices);
    }

    fn flush(&mut self, talk: &mut dyn FnMut(Talk)) {
        if !self.said.is_empty() {
            let said = std::mem::take(&mut self.said);
            self.reading.tell(Talk::Says(said), talk);
        }
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        let kind = text_or_empty(&record, "/type");
        if kind != "message" {
            self.flush(talk);
        }
        match kind {
            "init" => self.init(&record),
            "message" => self.message(&record),
            "tool_use" => self.tool_use(&record, talk),
            "tool_result" => self.tool_result(&record, talk),
            "error" => self.error(&record, talk),
            "result" => self.result(&record, talk),
            _ => {}
        }
        self.chats.search();
    }

    fn complaint(&mut self, line: &str) {
        if let Some(kind) = complaint(line) {
            self.reading.trouble(kind, line, None);
        }
    }

    fn aside(&mut self) {
        if !self.chats.look() {
            return;
        }
        if let Some(file) = self.chats.file() {
            let bookmark = Bookmark::new(&file.display().to_string());
            self.reading.report.bookmark = Some(bookmark.text());
        }
        if !self.reading.report.finished {
            self.reading.spent = self.chats.account().priced(&self.prices);
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}

/// What a line of its standard error means, of those that tell of something in its way.
fn complaint(line: &str) -> Option<TroubleKind> {
    const LOGIN: [&str; 4] = [
        "you must specify the GEMINI_API_KEY",
        "When using Vertex AI, you must specify",
        "Please set an Auth method",
        "Invalid auth method selected",
    ];
    const ERROR: [&str; 2] = ["is not running in a trusted directory", "Error importing session from file"];
    let has = |words: &[&str]| words.iter().any(|words| line.contains(words));
    if let Some(status) = status_behind(line, " failed with status ") {
        return Some(kind_of_status(status));
    }
    match line {
        // With a time it tries again only what a quota has refused.
        _ if line.starts_with("Attempt ") && line.contains(". Retrying after ") => Some(TroubleKind::Limit),
        _ if has(&LOGIN) => Some(TroubleKind::Login),
        _ if has(&ERROR) => Some(TroubleKind::Error),
        _ => None,
    }
}

/// What a failed call was about: `[API Error: {"error":{"code":401,…}}]`, or a sentence with another behind it that only a 429 has.
fn cause(said: &str) -> (TroubleKind, Option<u64>, String) {
    const BEHIND_A_429: [&str; 2] =
        ["Please wait and try again later.", "Possible quota limitations in place"];
    let told = said.strip_prefix("[API Error: ").unwrap_or(said);
    let told = told.rfind(']').map_or(told, |end| &told[..end]);
    let answer = serde_json::from_str::<Value>(told).unwrap_or(Value::Null);
    let words = text(&answer, "/error/message").unwrap_or(told);
    let status = number(&answer, "/error/code");
    let kind = match status {
        _ if told.contains("API_KEY_INVALID") => TroubleKind::Login,
        Some(status) => kind_of_status(status),
        None if BEHIND_A_429.iter().any(|words| said.contains(words)) => TroubleKind::Limit,
        None => TroubleKind::Error,
    };
    (kind, status, words.to_owned())
}

fn tokens(usage: &Value) -> Tokens {
    let sent = count(usage, "/input_tokens");
    let cache_read = count(usage, "/cached");
    // Its thoughts, which cost as much as what it says, are in the sum alone.
    let output = count(usage, "/total_tokens").saturating_sub(sent).max(count(usage, "/output_tokens"));
    Tokens { input: sent.saturating_sub(cache_read), cache_read, cache_write: 0, output, reasoning: 0 }
}
