//! Claude Code: `claude -p` with streamed JSON. Tried with 2.1.329.
//!
//! What is special: an API error is a final record with `"subtype":"success"` and `"is_error":true`. `total_cost_usd`
//! counts the whole conversation, also what earlier attempts paid. A killed program says no total at all, so its tokens
//! are counted message by message as they stream.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::{Account, Tokens};
use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit, own, own_file,
};
use super::bookmark::{Bookmark, uuid};
use super::json::{self, count, list, number, text, text_or_empty};
use super::prices::Prices;
use super::reading::{Reading, Spent, kind_of_status};
use super::talk::Talk;
use super::upstream::{ANTHROPIC, one_of, set};

/// The adapter.
#[derive(Debug)]
pub(super) struct Claude;

static FACTS: Facts = Facts {
    name: "claude",
    title: "Claude Code",
    program: "claude",
    install: "npm install -g @anthropic-ai/claude-code",
    sign_in: "run `claude` and type /login, or set ANTHROPIC_API_KEY",
    seen: "2.1.329",
    keys: &["ANTHROPIC_*", "CLAUDE_CODE_OAUTH_TOKEN", "CLAUDE_CONFIG_DIR", "CLAUDE_CODE_USE_*"],
    unset: &["CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT", "CLAUDE_CODE_SESSION_ID"],
    meter: Meter::Dollars,
    writes: &[own("CLAUDE_CONFIG_DIR", ".claude", ""), own_file("", ".claude.json", "")],
    own_state: false,
    resumes: true,
    permissions: &Permission::ALL,
    notes: "Dollars are its own estimate, at list prices. With a subscription they are what the tokens would have cost.",
};

/// The variable that names another server.
const SERVER: &str = "ANTHROPIC_BASE_URL";
/// Variables that send its calls to a cloud.
const CLOUDS: [&str; 3] = ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY"];

/// Retries of a failed call by the program itself: swarm waits better than it does.
const CALL_RETRIES: &str = "2";

impl Adapter for Claude {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let mut argv: Vec<String> =
            ["claude", "-p", "--output-format", "stream-json", "--verbose", "--include-partial-messages"]
                .map(str::to_owned)
                .into();
        match Bookmark::parse(ask.bookmark) {
            Some(bookmark) => argv.extend(["--resume".to_owned(), bookmark.conversation]),
            None => argv.extend(["--session-id".to_owned(), uuid(ask.nonce)]),
        }
        if let Some(model) = ask.model {
            argv.extend(["--model".to_owned(), model.to_owned()]);
        }
        argv.extend(permission(ask.permission).iter().map(|word| (*word).to_owned()));
        argv.extend(ask.args.iter().cloned());
        let mut env = vec![
            ("DISABLE_AUTOUPDATER", "1"),
            ("DISABLE_TELEMETRY", "1"),
            ("DISABLE_ERROR_REPORTING", "1"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            ("CLAUDE_CODE_MAX_RETRIES", CALL_RETRIES),
        ];
        if ask.permission == Permission::Full {
            // Without it the program refuses to skip its questions for a user who is root.
            env.push(("IS_SANDBOX", "1"));
        }
        env.extend(ask.metered.then_some((SERVER, GATEWAY)));
        let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Launch { argv, stdin: Some(ask.prompt_file.to_path_buf()), env, ..Launch::default() })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn is_alias(&self, model: &str) -> bool {
        let name = model.split('[').next().unwrap_or(model);
        ["default", "best", "sonnet", "opus", "haiku", "opusplan"].contains(&name)
    }

    fn upstream(
        &self,
        _model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        _home: &Path,
    ) -> Result<String, String> {
        if CLOUDS.iter().any(|name| set(name, env).is_some()) {
            return Err("its calls go to a cloud".to_owned());
        }
        if ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"].iter().all(|name| set(name, env).is_none()) {
            return Err("its login is a subscription, in which no call has a price".to_owned());
        }
        Ok(one_of(&[SERVER], env, ANTHROPIC))
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &&str| env(name).is_some_and(|value| !value.is_empty());
        let named = ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];
        if let Some(name) = named.iter().find(|name| set(name)) {
            return Login::Yes(format!("{name} is set"));
        }
        if let Some(name) =
            ["CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX"].iter().find(|name| set(name))
        {
            return Login::Unknown(format!("{name} is set; its credentials are the cloud's own"));
        }
        let folder = env("CLAUDE_CONFIG_DIR").map_or_else(|| home.join(".claude"), Into::into);
        if folder.join(".credentials.json").is_file() {
            return Login::Yes("its credentials file is there".to_owned());
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

fn permission(permission: Permission) -> &'static [&'static str] {
    match permission {
        Permission::ReadOnly => &["--permission-mode", "dontAsk", "--tools", "Read,Glob,Grep"],
        Permission::Edit => &["--permission-mode", "acceptEdits", "--disallowedTools", "Bash"],
        Permission::Run => &["--permission-mode", "acceptEdits", "--allowedTools", "Bash"],
        Permission::Full => &["--permission-mode", "bypassPermissions"],
    }
}

/// Its output.
struct Stream {
    reading: Reading,
    prices: Arc<Prices>,
    before: Option<Bookmark>,
    /// What its latest final record said. Only what comes behind it is still to be counted.
    billed: Option<Spent>,
    /// Messages of the model by their id: the model, and what is known of their tokens.
    messages: BTreeMap<String, (String, Tokens)>,
    /// Their sum, as far as no final record holds it.
    account: Account,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let before = Bookmark::parse(setting.bookmark.as_deref());
        let mut reading = Reading::default();
        reading.report.model = setting.model;
        let (messages, account) = (BTreeMap::new(), Account::default());
        Self { reading, prices: setting.prices, before, billed: None, messages, account }
    }

    fn system(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        match text_or_empty(record, "/subtype") {
            "init" => {
                self.conversation(record);
                if let Some(model) = text(record, "/model") {
                    self.reading.report.model = Some(model.to_owned());
                }
            }
            "api_retry" => {
                let error = text_or_empty(record, "/error").to_owned();
                let kind = number(record, "/error_status").map_or(TroubleKind::Error, kind_of_status);
                self.reading.trouble(kind, &format!("the API answers {error}"), None);
                self.reading.tell(Talk::Notice(format!("the API answers {error}; it tries again")), talk);
            }
            "permission_denied" => {
                let tool = text_or_empty(record, "/tool_name").to_owned();
                self.reading.tell(Talk::Denied(tool), talk);
            }
            _ => {}
        }
    }

    fn conversation(&mut self, record: &Value) {
        let Some(id) = text(record, "/session_id") else { return };
        let before = self.before.as_ref().filter(|before| before.conversation == id).cloned();
        self.reading.report.bookmark = Some(before.unwrap_or_else(|| Bookmark::new(id)).text());
    }

    fn assistant(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.message(record.pointer("/message").unwrap_or(&Value::Null));
        if record.get("is_api_error_message").is_some() {
            return;
        }
        self.reading.goes_on();
        for part in list(record, "/message/content") {
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

    /// The same usage comes with every part of a message, and its output is complete only in the stream's own events.
    fn message(&mut self, message: &Value) {
        let (Some(id), Some(model)) = (text(message, "/id"), text(message, "/model")) else { return };
        let Some(usage) = message.get("usage") else { return };
        self.messages.entry(id.to_owned()).or_insert_with(|| (model.to_owned(), Tokens::default()));
        self.count(id, tokens(usage));
    }

    fn event(&mut self, record: &Value) {
        match text_or_empty(record, "/event/type") {
            "message_start" => {
                // The API has taken the call. Until the first whole part of an answer comes there may be minutes of thought.
                self.reading.goes_on();
                self.message(record.pointer("/event/message").unwrap_or(&Value::Null));
            }
            "message_delta" => {
                if let (Some(id), Some(usage)) =
                    (text(record, "/api_message_id"), record.pointer("/event/usage"))
                {
                    self.count(id, tokens(usage));
                }
            }
            _ => {}
        }
    }

    /// A message is told several times, each time with as much as is known by then.
    fn count(&mut self, id: &str, tokens: Tokens) {
        let Some((model, known)) = self.messages.get_mut(id) else { return };
        self.account.add(model, tokens.minus(*known));
        *known = known.max(tokens);
        let counted = self.account.priced(&self.prices);
        self.reading.spent = self.billed.map_or(counted, |billed| Spent {
            usd_micros: billed
                .usd_micros
                .zip(counted.usd_micros)
                .map(|(said, more)| said.saturating_add(more)),
            priced: billed.priced,
            tokens: billed.tokens.plus(counted.tokens),
            ..Spent::default()
        });
        self.calls();
    }

    /// Each message is the answer to a call, and a turn of the conversation.
    fn calls(&mut self) {
        let calls = u64::try_from(self.messages.len()).ok().filter(|calls| *calls > 0);
        (self.reading.spent.calls, self.reading.spent.turns) = (calls, calls);
    }

    fn limit(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        if text(record, "/rate_limit_info/status") == Some("rejected") {
            let until_ms = number(record, "/rate_limit_info/resetsAt").map(|at_s| at_s.saturating_mul(1000));
            let kind = text_or_empty(record, "/rate_limit_info/rateLimitType").replace('_', "-");
            let said = format!("the {kind} limit is used up");
            self.reading.trouble(TroubleKind::Limit, &said, until_ms);
            self.reading.tell(Talk::Notice(said), talk);
        }
    }

    fn result(&mut self, record: &Value, talk: &mut dyn FnMut(Talk)) {
        self.conversation(record);
        self.bill(record);
        for denial in list(record, "/permission_denials") {
            self.reading.denied(text_or_empty(denial, "/tool_name"));
        }
        let is_error = record.get("is_error").and_then(Value::as_bool) != Some(false);
        if !is_error && text(record, "/subtype") == Some("success") {
            return self.reading.done();
        }
        let said = text(record, "/result")
            .or_else(|| text(record, "/errors/0"))
            .or_else(|| text(record, "/subtype"))
            .unwrap_or("it ended with an error")
            .to_owned();
        self.reading.failed(trouble_of(record, &said), &said);
        self.reading.tell(Talk::Notice(said), talk);
    }

    /// What the whole conversation cost, less what it cost before.
    fn bill(&mut self, record: &Value) {
        let Some(total) = json::micros(record, "/total_cost_usd") else { return };
        let Some(mut bookmark) = Bookmark::parse(self.reading.report.bookmark.as_deref()) else { return };
        let used = by_model(record);
        let before = self.before.clone().unwrap_or_default();
        // A total below the one before is of a conversation that forgot it.
        let micros = total.checked_sub(before.usd_micros).unwrap_or(total);
        // It may go on after a final record, and end with another.
        let micros = micros.max(self.billed.and_then(|billed| billed.usd_micros).unwrap_or_default());
        let guessed = record
            .get("modelUsage")
            .and_then(Value::as_object)
            .is_some_and(|models| models.values().any(|model| text(model, "/costBasis") == Some("unknown")));
        let tokens = if total < before.usd_micros { used } else { used.minus(before.tokens) };
        self.reading.spent = Spent { usd_micros: Some(micros), priced: guessed, tokens, ..Spent::default() };
        self.billed = Some(self.reading.spent);
        self.calls();
        self.account = Account::default();
        (bookmark.usd_micros, bookmark.tokens) = (total, used);
        self.reading.report.bookmark = Some(bookmark.text());
    }
}

/// What its final record means. Not logged in has no status, only words; an account without credit has that of a bad request.
fn trouble_of(record: &Value, said: &str) -> TroubleKind {
    match number(record, "/api_error_status") {
        _ if said.contains("redit balance is too low") => TroubleKind::Login,
        Some(status) => kind_of_status(status),
        None if said.contains("/login") || said.contains("Invalid API key") => TroubleKind::Login,
        None => TroubleKind::Error,
    }
}

fn tokens(usage: &Value) -> Tokens {
    Tokens {
        input: count(usage, "/input_tokens"),
        cache_read: count(usage, "/cache_read_input_tokens"),
        cache_write: count(usage, "/cache_creation_input_tokens"),
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/output_tokens_details/thinking_tokens"),
    }
}

fn by_model(record: &Value) -> Tokens {
    let models = record.get("modelUsage").and_then(Value::as_object);
    models.into_iter().flat_map(serde_json::Map::values).fold(Tokens::default(), |sum, model| {
        sum.plus(Tokens {
            input: count(model, "/inputTokens"),
            cache_read: count(model, "/cacheReadInputTokens"),
            cache_write: count(model, "/cacheCreationInputTokens"),
            output: count(model, "/outputTokens"),
            reasoning: count(model, "/thinkingTokens"),
        })
    })
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        match text_or_empty(&record, "/type") {
            "system" => self.system(&record, talk),
            "assistant" => self.assistant(&record, talk),
            "user" => self.user(&record, talk),
            "stream_event" => self.event(&record),
            "rate_limit_event" => self.limit(&record, talk),
            "result" => self.result(&record, talk),
            _ => {}
        }
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}
