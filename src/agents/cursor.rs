//! Cursor Agent: `cursor-agent -p --output-format stream-json`. **Read about, never run**: it is in no package registry, so there is
//! no capture of it here. What is known is from its documentation and from records that others published (2026.07 to 2026.09).
//!
//! What is special: it ends with a `result` only when it succeeded, else with a sentence on standard error. It also succeeds when
//! every tool was refused, which only the records of the tools tell. A tool that was begun and never answered when the end comes
//! waited for somebody to allow it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::{Account, Tokens};
use super::adapter::{
    Adapter, Ask, Facts, Launch, Login, Meter, Permission, Reader, Setting, Unfit, argument, own,
};
use super::json::{self, count, list, text, text_or_empty};
use super::prices::Prices;
use super::reading::Reading;
use super::talk::Talk;

/// The adapter.
#[derive(Debug)]
pub(super) struct Cursor;

static FACTS: Facts = Facts {
    name: "cursor",
    title: "Cursor Agent",
    program: "cursor-agent",
    install: "curl https://cursor.com/install -fsS | bash",
    sign_in: "run `cursor-agent login`, or set CURSOR_API_KEY",
    seen: "none: written from its documentation",
    keys: &["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"],
    unset: &["CURSOR_AGENT", "CURSOR_TRACE_ID"],
    meter: Meter::Tokens,
    writes: &[own("", ".cursor", ""), own("XDG_CONFIG_HOME", ".config", "cursor")],
    own_state: false,
    // It keeps conversations by the folder where they began, and each attempt has another one.
    resumes: false,
    // What it edits without being allowed to run commands differs from version to version.
    permissions: &[Permission::ReadOnly, Permission::Run, Permission::Full],
    notes: "Written from its documentation and never run. Tokens come at a good end alone, and not from every version; a \
            model that it picks itself has no price.",
};

impl Adapter for Cursor {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let prompt = argument(FACTS.program, ask.prompt)?;
        let mut argv = vec![FACTS.program, "-p", "--output-format", "stream-json", "--trust"];
        argv.extend(permission(ask.permission));
        if let Some(model) = ask.model {
            argv.extend(["--model", model]);
        }
        argv.extend(ask.args.iter().map(String::as_str));
        // A prompt may begin with a dash.
        argv.extend(["--", &prompt]);
        Ok(Launch { argv: argv.into_iter().map(str::to_owned).collect(), ..Launch::default() })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = ["CURSOR_API_KEY", "CURSOR_AUTH_TOKEN"].iter().find(|name| set(name)) {
            return Login::Yes(format!("{name} is set"));
        }
        if [".config/cursor/auth.json", ".cursor/auth.json"].iter().any(|file| home.join(file).is_file()) {
            return Login::Yes("its auth.json is there".to_owned());
        }
        Login::Unknown("it may be in a keychain; `cursor-agent status` tells".to_owned())
    }
}

fn permission(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::ReadOnly => &["--mode", "ask", "--sandbox", "enabled"],
        // It does not know this level: a plan that asks for it is refused before.
        Permission::Edit => &[],
        Permission::Run => &["--force"],
        Permission::Full => &["--force", "--sandbox", "disabled", "--approve-mcps"],
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    /// The model that was asked for. What it tells is a name for people.
    asked: Option<String>,
    /// Tools that were begun and not answered, by the id of their use: what they were to be used for.
    open: BTreeMap<String, String>,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model.clone_from(&setting.model);
        Self { reading, prices: setting.prices, asked: setting.model, open: BTreeMap::new() }
    }

    fn assistant(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.reading.goes_on();
        for part in list(record, "/message/content") {
            let said = text_or_empty(part, "/text").to_owned();
            self.reading.tell(Talk::Says(said), talk);
        }
    }

    fn tool_call(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.reading.goes_on();
        let id = text_or_empty(record, "/call_id").to_owned();
        let Some((tool, call)) = tool_of(record) else { return };
        if text(record, "/subtype") == Some("started") {
            let with = call.get("args").map(json::main_argument).unwrap_or_default();
            self.open.insert(id, format!("{tool}: {with}"));
            return self.reading.tell(Talk::Uses { tool: tool.to_owned(), with }, talk);
        }
        let what = self.open.remove(&id).unwrap_or_else(|| tool.to_owned());
        let item = match call.get("result").and_then(Value::as_object).and_then(|result| result.iter().next())
        {
            Some((how, _)) if how == "rejected" || how == "writePermissionDenied" => Talk::Denied(what),
            Some((how, answer)) => Talk::Answer { ok: how == "success", text: told(answer) },
            None => Talk::Answer { ok: true, text: String::new() },
        };
        self.reading.tell(item, talk);
    }

    fn result(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.bill(record);
        for what in std::mem::take(&mut self.open).into_values() {
            self.reading.tell(Talk::Denied(what), talk);
        }
        let is_error = record.get("is_error").and_then(Value::as_bool) != Some(false);
        if !is_error && text(record, "/subtype") == Some("success") {
            return self.reading.done();
        }
        let said = text(record, "/result").unwrap_or("it ended with an error").to_owned();
        self.reading.failed(kind_of(&said).unwrap_or(TroubleKind::Error), &said);
        self.reading.tell(Talk::Notice(said), talk);
    }

    /// What was read from a cache is not part of its input.
    fn bill(&mut self, record: &Value) {
        let Some(usage) = record.get("usage") else { return };
        let tokens = Tokens {
            input: count(usage, "/inputTokens"),
            cache_read: count(usage, "/cacheReadTokens"),
            cache_write: count(usage, "/cacheWriteTokens"),
            output: count(usage, "/outputTokens"),
            reasoning: 0,
        };
        let mut account = Account::default();
        account.add(self.asked.as_deref().unwrap_or_default(), tokens);
        self.reading.spent = account.priced(&self.prices);
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        match text_or_empty(&record, "/type") {
            "system" => {
                if let Some(model) = text(&record, "/model") {
                    self.reading.report.model = Some(model.to_owned());
                }
            }
            "assistant" => self.assistant(&record, talk),
            "tool_call" => self.tool_call(&record, talk),
            "result" => self.result(&record, talk),
            _ => {}
        }
    }

    fn complaint(&mut self, line: &str) {
        let error = line.starts_with("Error: ").then_some(TroubleKind::Error);
        if let Some(kind) = kind_of(line).or(error) {
            self.reading.trouble(kind, line, None);
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}

/// The tool of a record, which stands in a field of its own name among others: `shellToolCall`.
fn tool_of(record: &Value) -> Option<(&str, &Value)> {
    let fields = record.get("tool_call")?.as_object()?;
    fields.iter().find_map(|(name, call)| Some((name.strip_suffix("ToolCall")?, call)))
}

/// What a tool answered.
fn told(answer: &Value) -> String {
    let fields = ["stdout", "stderr", "content", "error", "errorMessage", "message"];
    let told = fields.iter().filter_map(|field| answer.get(field)?.as_str()).filter(|text| !text.is_empty());
    told.collect::<Vec<_>>().join("\n")
}

/// What its sentences mean, as far as they were published.
fn kind_of(said: &str) -> Option<TroubleKind> {
    const KINDS: [(&str, TroubleKind); 8] = [
        ("Authentication required.", TroubleKind::Login),
        ("The provided API key is invalid", TroubleKind::Login),
        ("You've hit your usage limit", TroubleKind::Limit),
        ("PRO_USER_USAGE_LIMIT", TroubleKind::Limit),
        ("RATE_LIMITED", TroubleKind::Limit),
        ("Cannot use this model:", TroubleKind::Error),
        ("Workspace Trust Required", TroubleKind::Error),
        ("error: unknown option", TroubleKind::Error),
    ];
    KINDS.iter().find(|(words, _)| said.contains(words)).map(|(_, kind)| *kind)
}
