//! opencode: `opencode run --format json`, the prompt on its standard input. Tried with 1.18.33.
//!
//! What is special: no record says that it is done. A step that ends for the reason `stop` is the last, unless another begins
//! behind it; `tool-calls` is not. A permission that nobody is there to grant ends the conversation without a word, so what it
//! would ask about is decided before. A call that fails is tried again for ever, and only its log on standard error says so.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use swarm_domain::fact::TroubleKind;

use super::account::Tokens;
use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit,
};
use super::bill::Bill;
use super::json::{self, count, number, text, text_or_empty};
use super::prices::Prices;
use super::providers::{key_that_is_set, keys_of_providers};
use super::reading::{Reading, kind_of_status};
use super::talk::Talk;
use super::upstream::{ANTHROPIC, GEMINI, OPENAI, set};

/// The adapter.
#[derive(Debug)]
pub(super) struct Opencode;

static FACTS: Facts = Facts {
    name: "opencode",
    title: "opencode",
    program: "opencode",
    install: "npm install -g opencode-ai",
    sign_in: "run `opencode auth login`, or set the key of a provider, such as ANTHROPIC_API_KEY",
    seen: "1.18.33",
    keys: keys_of_providers![
        "OPENCODE_API_KEY",
        "OPENCODE_AUTH_CONTENT",
        "OPENCODE_CONFIG",
        "OPENCODE_CONFIG_CONTENT",
        "OPENCODE_CONFIG_DIR",
        "OPENCODE_MODELS_PATH",
        "OPENCODE_MODELS_URL",
        "GOOGLE_GENERATIVE_AI_API_KEY",
    ],
    unset: &["OPENCODE", "OPENCODE_PID"],
    meter: Meter::Dollars,
    own_state: true,
    // A conversation goes on in the worktree where it began, which is another attempt's.
    resumes: false,
    permissions: &Permission::ALL,
    notes: "A model is named `provider/model`. Each attempt has a database of its own; your logins and settings are yours. Below \
            `full`, OPENCODE_PERMISSION says what it may do. What its subagents use is in no record, so only `full` has them. A \
            model whose price it does not know is priced from its tokens. Tools of your own MCP servers are not held back by \
            `read-only` and `edit`.",
};

/// Settings that it merges into those of its files.
const SETTINGS: &str = "OPENCODE_CONFIG_CONTENT";

/// Over the user's own settings, which they are merged into. Below `full` nothing is left to ask about.
const READ_ONLY: &str = concat!(
    r#"{"edit":"deny","bash":"deny","webfetch":"deny","websearch":"deny","task":"deny","doom_loop":"allow","#,
    r#""external_directory":"deny","read":{"*.env":"deny","*.env.*":"deny","*.env.example":"allow"}}"#
);
const EDIT: &str = concat!(
    r#"{"edit":{"*":"allow"},"bash":"deny","webfetch":"deny","websearch":"deny","task":"deny","doom_loop":"allow","#,
    r#""external_directory":"deny","read":{"*.env":"deny","*.env.*":"deny","*.env.example":"allow"}}"#
);
const RUN: &str = concat!(
    r#"{"edit":{"*":"allow"},"bash":{"*":"allow"},"webfetch":"allow","websearch":"allow","task":"deny","#,
    r#""doom_loop":"allow","external_directory":{"*":"deny","/tmp/*":"allow"},"#,
    r#""read":{"*.env":"deny","*.env.*":"deny","*.env.example":"allow"}}"#
);

impl Adapter for Opencode {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        // Without a title it has a model think of one, which no record tells of.
        let mut argv = vec!["opencode", "run", "--format", "json", "--title", "swarm"];
        argv.extend(["--print-logs", "--log-level", "ERROR"]);
        if let Some(model) = ask.model {
            argv.extend(["--model", model]);
        }
        if ask.permission == Permission::Full {
            argv.push("--auto");
        }
        argv.extend(ask.args.iter().map(String::as_str));
        let database = ask.state.join("opencode.db").display().to_string();
        // Several at once lock each other out of one database. Its other folders stay shared: to move them all, commands
        // that its agent runs would have to look for their own data elsewhere as well.
        let mut env = vec![("OPENCODE_DB", database.as_str())];
        env.extend([
            ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
            ("OPENCODE_DISABLE_LSP_DOWNLOAD", "1"),
            ("OPENCODE_DISABLE_SHARE", "1"),
        ]);
        let settings = settings(ask);
        env.extend(settings.as_deref().map(|settings| (SETTINGS, settings)));
        env.extend(permission(ask.permission).map(|rules| ("OPENCODE_PERMISSION", rules)));
        Ok(Launch {
            argv: argv.into_iter().map(str::to_owned).collect(),
            stdin: Some(ask.prompt_file.to_path_buf()),
            env: env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
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
        let (provider, _) =
            model.and_then(|model| model.split_once('/')).ok_or("the plan names no model for it")?;
        let folder =
            set("XDG_CONFIG_HOME", env).map_or_else(|| home.join(".config"), Into::into).join("opencode");
        let files = ["opencode.json", "opencode.jsonc", "config.json"].map(|file| folder.join(file));
        let own = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
        let own = own.filter(|text| text.contains("baseURL")).map(|text| serde_json::from_str(&text).ok());
        let Some(own) = own.collect::<Option<Vec<Value>>>().filter(|_| set("OPENCODE_CONFIG", env).is_none())
        else {
            return Err("settings of your own say what it calls".to_owned());
        };
        let settings = set(SETTINGS, env).unwrap_or_default();
        let settings = serde_json::from_str::<Value>(&settings).unwrap_or_default();
        let place = format!("/provider/{provider}/options/baseURL");
        let named = own.iter().chain([&settings]).rev().find_map(|one| one.pointer(&place)?.as_str());
        let usual = || match provider {
            "anthropic" => Some(format!("{ANTHROPIC}/v1")),
            "openai" => Some(OPENAI.to_owned()),
            "google" => Some(format!("{GEMINI}/v1beta")),
            _ => None,
        };
        let server = named.map(str::to_owned).or_else(usual);
        server.ok_or_else(|| format!("it is not known where the models of `{provider}` are"))
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        if let Some(name) = key_that_is_set(&["OPENCODE_AUTH_CONTENT", "OPENCODE_API_KEY"], env) {
            return Login::Yes(format!("{name} is set"));
        }
        let data = env("XDG_DATA_HOME").filter(|path| !path.is_empty());
        let data = data.map_or_else(|| home.join(".local/share"), Into::into);
        let logins = std::fs::read_to_string(data.join("opencode/auth.json")).unwrap_or_default();
        match serde_json::from_str::<Value>(&logins) {
            Ok(Value::Object(logins)) if !logins.is_empty() => {
                let names = logins.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                Login::Yes(format!("its auth.json has a login for {names}"))
            }
            _ => Login::Unknown(
                "no login was found; a free model, or one in its settings, needs none".to_owned(),
            ),
        }
    }
}

/// Settings over its own; none: those that the environment has.
fn settings(ask: &Ask<'_>) -> Option<String> {
    let named = (ask.env)(SETTINGS);
    // To be able to undo a step, it would keep a repository of each worktree in its data folder, for ever.
    let mut settings = match &named {
        Some(named) => serde_json::from_str(named).ok()?,
        None => json!({ "snapshot": false }),
    };
    match ask.model.and_then(|model| model.split_once('/')).filter(|_| ask.metered) {
        Some((provider, _)) => settings["provider"][provider]["options"]["baseURL"] = json!(GATEWAY),
        None if named.is_some() => return None,
        None => {}
    }
    Some(settings.to_string())
}

fn permission(permission: Permission) -> Option<&'static str> {
    match permission {
        Permission::ReadOnly => Some(READ_ONLY),
        Permission::Edit => Some(EDIT),
        Permission::Run => Some(RUN),
        Permission::Full => None,
    }
}

/// What it says instead of a cause that stands in its log.
const UNEXPLAINED: &str = "Unexpected server error";
/// How a message of its own, rather than of its log, begins.
const COMPLAINS: &str = "\u{1b}[91m\u{1b}[1mError: \u{1b}[0m";

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    bill: Bill,
    /// Why no model answers, from its log.
    cause: Option<String>,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        Self { reading, prices: setting.prices, bill: Bill::default(), cause: None }
    }

    /// What ended it was not its end, or did not end it.
    fn step(&mut self) {
        self.reading.report.finished = false;
        self.reading.goes_on();
    }

    fn says(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.reading.goes_on();
        self.reading.tell(Talk::Says(text_or_empty(record, "/part/text").to_owned()), talk);
    }

    /// A tool is told of when it is through.
    fn tool(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.reading.goes_on();
        let tool = text_or_empty(record, "/part/tool").to_owned();
        let with = record.pointer("/part/state/input").map(json::main_argument).unwrap_or_default();
        self.reading.tell(Talk::Uses { tool: tool.clone(), with }, talk);
        let error = text(record, "/part/state/error");
        let rejected = error.is_some_and(|error| error.starts_with("The user rejected permission"));
        let forbidden = error.is_some_and(|error| error.starts_with("The user has specified a rule"));
        if rejected {
            let said = format!("{tool} asks for a permission that nobody is there to grant");
            self.reading.trouble(TroubleKind::Error, &said, None);
        }
        let item = match error {
            Some(_) if rejected || forbidden => Talk::Denied(tool),
            Some(error) => Talk::Answer { ok: false, text: error.to_owned() },
            None => Talk::Answer { ok: true, text: text_or_empty(record, "/part/state/output").to_owned() },
        };
        self.reading.tell(item, talk);
    }

    fn step_ends(&mut self, record: &Value) {
        self.charge(tokens(record), json::micros(record, "/part/cost"));
        match text_or_empty(record, "/part/reason") {
            "stop" => self.reading.done(),
            "length" => {
                self.reading.failed(TroubleKind::Error, "its answer was cut off at its greatest length");
            }
            _ => {}
        }
    }

    fn charge(&mut self, tokens: Tokens, micros: Option<u64>) {
        let model = self.reading.report.model.as_deref().unwrap_or_default();
        self.bill.add(model, tokens, micros);
        self.reading.spent = self.bill.spent(&self.prices);
    }

    fn error(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        let error = record.get("error").unwrap_or(&Value::Null);
        let said =
            text(error, "/data/message").or_else(|| text(error, "/name")).unwrap_or("it failed").to_owned();
        let status = number(error, "/data/statusCode");
        if status.is_some() {
            // A call that is turned away costs nothing.
            self.charge(Tokens::default(), Some(0));
        }
        let kind = kind_of(error, status);
        let wait_s =
            text(error, "/data/responseHeaders/retry-after").and_then(|text| text.parse::<u64>().ok());
        let wait_s = wait_s.filter(|_| kind == TroubleKind::Limit);
        let until_ms = wait_s
            .zip(number(record, "/timestamp"))
            .map(|(s, now)| now.saturating_add(s.saturating_mul(1000)));
        self.reading.report.finished = true;
        self.reading.trouble(kind, &said, until_ms);
        self.reading.tell(Talk::Notice(said), talk);
        self.explain();
    }

    /// Puts the cause from its log in the place of an error without one, whichever of the two comes first.
    fn explain(&mut self) {
        let trouble = self.reading.report.trouble.as_ref();
        if trouble.is_some_and(|trouble| trouble.said.starts_with(UNEXPLAINED))
            && let Some(cause) = self.cause.take()
        {
            self.reading.trouble(why_no_model(&cause), &cause, None);
        }
    }
}

fn kind_of(error: &Value, status: Option<u64>) -> TroubleKind {
    let spent = text_or_empty(error, "/data/responseBody").contains("insufficient_quota");
    match status {
        _ if spent || text(error, "/name") == Some("ProviderAuthError") => TroubleKind::Login,
        Some(status) => kind_of_status(status),
        None => TroubleKind::Error,
    }
}

/// A model that it does not find but would suggest itself is one of a provider that is not logged in.
fn why_no_model(said: &str) -> TroubleKind {
    let known = said.split_once(". Did you mean: ").is_some_and(|(asked, known)| {
        let model = asked.rsplit_once('/').map_or(asked, |(_, model)| model);
        known.trim_end_matches('?').split(", ").any(|known| known == model)
    });
    if known { TroubleKind::Login } else { TroubleKind::Error }
}

/// The text of a field of its log.
fn logged(line: &str, field: &str) -> Option<String> {
    let (_, value) = line.split_once(field)?;
    serde_json::Deserializer::from_str(value).into_iter::<String>().next()?.ok()
}

/// Its output is without the reasoning, and its input without what was cached.
fn tokens(record: &Value) -> Tokens {
    let reasoning = count(record, "/part/tokens/reasoning");
    Tokens {
        input: count(record, "/part/tokens/input"),
        cache_read: count(record, "/part/tokens/cache/read"),
        cache_write: count(record, "/part/tokens/cache/write"),
        output: count(record, "/part/tokens/output").saturating_add(reasoning),
        reasoning,
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        match text_or_empty(&record, "/type") {
            "step_start" => self.step(),
            "text" => self.says(&record, talk),
            "tool_use" => self.tool(&record, talk),
            "step_finish" => self.step_ends(&record),
            "error" => self.error(&record, talk),
            _ => {}
        }
    }

    fn complaint(&mut self, line: &str) {
        if let Some(error) =
            logged(line, " error=").filter(|error| error.starts_with("ProviderModelNotFoundError: "))
        {
            self.cause = error.split_once(": ").map(|(_, said)| said.to_owned());
            return self.explain();
        }
        let retried = logged(line, " error.error=").filter(|_| line.contains(r#" message="stream error" "#));
        let said = retried.or_else(|| line.strip_prefix(COMPLAINS).map(str::to_owned));
        if let Some(said) = said.filter(|_| !self.reading.report.finished) {
            self.reading.trouble(TroubleKind::Error, &said, None);
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
