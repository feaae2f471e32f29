//! Qwen Code: `qwen -o stream-json`, the prompt on its standard input. Tried with 0.24.4.
//!
//! What is special: its records are like Claude Code's, with other totals. The final one counts calls that no message shows, and
//! is missing where a limit of its own ended the run: only standard error tells that, and of calls that are tried again.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::{Account, Tokens};
use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit,
};
use super::json::{self, count, list, text, text_or_empty};
use super::prices::Prices;
use super::reading::{Reading, kind_of_status, status_behind};
use super::talk::Talk;
use super::upstream::set;

/// The adapter.
#[derive(Debug)]
pub(super) struct Qwen;

static FACTS: Facts = Facts {
    name: "qwen",
    title: "Qwen Code",
    program: "qwen",
    install: "npm install -g @qwen-code/qwen-code",
    sign_in: "run `qwen` and type /auth, or set OPENAI_API_KEY and OPENAI_BASE_URL",
    seen: "0.24.4",
    keys: &["OPENAI_*", "QWEN_HOME", "QWEN_MODEL", "DASHSCOPE_API_KEY"],
    unset: &["QWEN_CODE", "QWEN_CODE_SESSION_ID", "QWEN_CODE_PROJECT_DIR"],
    meter: Meter::Tokens,
    own_state: true,
    // It finds a conversation only in the folder where it began, and each attempt has another one.
    resumes: false,
    permissions: &Permission::ALL,
    notes: "With both OPENAI_API_KEY and OPENAI_BASE_URL set it uses them, else what its own settings say. While it runs, its \
            tokens are a little too low: calls on the side are counted at the end.",
};

/// The variable that names its server.
const SERVER: &str = "OPENAI_BASE_URL";

/// Over these anything that the user's own settings say wins.
const DEFAULTS: &str = r#"{"general":{"enableAutoUpdate":false},"privacy":{"usageStatisticsEnabled":false}}"#;

impl Adapter for Qwen {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let mut argv = vec!["qwen", "-o", "stream-json"];
        let set = |name: &str| (ask.env)(name).is_some_and(|value| !value.is_empty());
        if set("OPENAI_API_KEY") && set("OPENAI_BASE_URL") {
            argv.extend(["--auth-type", "openai"]);
        }
        if let Some(model) = ask.model {
            argv.extend(["-m", model]);
        }
        argv.extend(permission(ask.permission));
        argv.extend(ask.args.iter().map(String::as_str));
        let defaults = ask.state.join("defaults.json");
        let mut env = vec![
            ("QWEN_CODE_NO_RELAUNCH", "true".to_owned()),
            ("QWEN_CODE_SUPPRESS_YOLO_WARNING", "1".to_owned()),
            ("QWEN_CODE_SYSTEM_DEFAULTS_PATH", defaults.display().to_string()),
        ];
        env.extend(ask.metered.then(|| (SERVER, GATEWAY.to_owned())));
        Ok(Launch {
            argv: argv.into_iter().map(str::to_owned).collect(),
            stdin: Some(ask.prompt_file.to_path_buf()),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            files: vec![(defaults, DEFAULTS.to_owned())],
            links: Vec::new(),
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
        set("OPENAI_API_KEY", env).and(set(SERVER, env)).ok_or_else(|| {
            "its login is not a key in OPENAI_API_KEY for a server in OPENAI_BASE_URL".to_owned()
        })
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        if set("OPENAI_API_KEY") && set("OPENAI_BASE_URL") {
            return Login::Yes("OPENAI_API_KEY and OPENAI_BASE_URL are set".to_owned());
        }
        let own = env("QWEN_HOME").map_or_else(|| home.join(".qwen"), Into::into);
        if own.join("oauth_creds.json").is_file() {
            return Login::Yes("its oauth_creds.json is there".to_owned());
        }
        let settings = std::fs::read_to_string(own.join("settings.json")).unwrap_or_default();
        if settings.contains("selectedType") {
            return Login::Unknown("its settings.json says where its credentials are".to_owned());
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

/// Without a terminal it refuses what it would have to ask about.
fn permission(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::ReadOnly => &["--approval-mode", "default"],
        Permission::Edit => &["--approval-mode", "auto-edit"],
        Permission::Run => &["--approval-mode", "auto-edit", "--allowed-tools", "run_shell_command"],
        Permission::Full => &["--approval-mode", "yolo"],
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    account: Account,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        Self { reading, prices: setting.prices, account: Account::default() }
    }

    fn system(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        match text_or_empty(record, "/subtype") {
            "init" => {
                if let Some(model) = text(record, "/model") {
                    self.reading.report.model = Some(model.to_owned());
                }
            }
            "retry" => self.reading.tell(Talk::Notice("a call failed; it tries again".to_owned()), talk),
            _ => {}
        }
    }

    fn assistant(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let parts = list(record, "/message/content");
        // It puts a failed call into the mouth of its agent, and a final record behind that.
        if parts.iter().any(|part| text_or_empty(part, "/text").starts_with(API_ERROR)) {
            return;
        }
        self.reading.goes_on();
        let usage = record.pointer("/message/usage").unwrap_or(&Value::Null);
        self.account.add(text_or_empty(record, "/message/model"), tokens(usage));
        self.reading.spent = self.account.priced(&self.prices);
        for part in parts {
            let item = match text_or_empty(part, "/type") {
                "text" => Talk::Says(text_or_empty(part, "/text").to_owned()),
                "tool_use" => Talk::Uses {
                    tool: text_or_empty(part, "/name").to_owned(),
                    with: part.get("input").map(json::main_argument).unwrap_or_default(),
                },
                _ => continue,
            };
            self.reading.tell(item, talk);
        }
    }

    fn user(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        for part in list(record, "/message/content") {
            if text(part, "/type") == Some("tool_result") {
                let ok = part.get("is_error").and_then(Value::as_bool) != Some(true);
                let text = part.get("content").map(json::spoken).unwrap_or_default();
                self.reading.tell(Talk::Answer { ok, text }, talk);
            }
        }
    }

    fn result(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.bill(record);
        for denial in list(record, "/permission_denials") {
            let tool = text_or_empty(denial, "/tool_name").to_owned();
            self.reading.tell(Talk::Denied(tool), talk);
        }
        let is_error = record.get("is_error").and_then(Value::as_bool) != Some(false);
        if !is_error && text(record, "/subtype") == Some("success") {
            return self.reading.done();
        }
        let said = text(record, "/error/message").unwrap_or("it ended with an error").to_owned();
        let kind = kind_of(&said);
        if kind == TroubleKind::Error && status_behind(&said, API_ERROR).is_none() {
            self.unknown_if_nothing();
        }
        self.reading.failed(kind, &said);
        self.reading.tell(Talk::Notice(said), talk);
    }

    /// An answer that broke off is paid for and not counted.
    fn unknown_if_nothing(&mut self) {
        if self.account.tokens() == Tokens::default() {
            self.reading.spent.usd_micros = None;
        }
    }

    /// All calls, those that no message showed too. Whose they were is not told.
    fn bill(&mut self, record: &Value) {
        let Some(usage) = record.get("usage") else { return };
        let model = self.reading.report.model.clone().unwrap_or_default();
        let beyond = tokens(usage).minus(self.account.tokens());
        self.account.add(&model, beyond);
        self.reading.spent = self.account.priced(&self.prices);
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        match text_or_empty(&record, "/type") {
            "system" => self.system(&record, talk),
            "assistant" => self.assistant(&record, talk),
            "user" => self.user(&record, talk),
            "result" => self.result(&record, talk),
            _ => {}
        }
    }

    fn complaint(&mut self, line: &str) {
        const ENDS: [&str; 3] = ["Run aborted: ", "Reached max session turns", "Error: "];
        let again = line.starts_with("Retrying in ") && line.contains(API_ERROR);
        if again || ENDS.iter().any(|words| line.starts_with(words)) {
            self.reading.trouble(kind_of(line), line, None);
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}

/// How it tells of a failed call: the status stands right behind, if there was an answer.
const API_ERROR: &str = "[API Error: ";

/// What a sentence of its own means.
fn kind_of(said: &str) -> TroubleKind {
    const LOGIN: [&str; 2] = ["No auth type is selected", "Missing API key"];
    match status_behind(said, API_ERROR) {
        Some(status) => kind_of_status(status),
        None if LOGIN.iter().any(|words| said.contains(words)) => TroubleKind::Login,
        None => TroubleKind::Error,
    }
}

/// What was read from a cache is part of its input.
fn tokens(usage: &Value) -> Tokens {
    let cache_read = count(usage, "/cache_read_input_tokens");
    Tokens {
        input: count(usage, "/input_tokens").saturating_sub(cache_read),
        cache_read,
        cache_write: 0,
        output: count(usage, "/output_tokens"),
        reasoning: 0,
    }
}
