//! Codex: `codex exec --json`. Tried with 0.169.0.
//!
//! What is special: its stream counts the tokens of its own conversation alone, and only at a good end. What it writes of
//! every conversation into its folder, of those of its subagents too, counts each answer of a model as it comes, also after a
//! kill. So each attempt has a folder of its own, and those files are what is billed. They also name the cause of a failure,
//! which the stream tells in a sentence. An `error` item is a warning.

use std::path::Path;

use serde_json::Value;
use swarm_domain::fact::TroubleKind;

use super::account::Tokens;
use super::adapter::{
    Adapter, Ask, Facts, GATEWAY, Launch, Login, Meter, Permission, Reader, Setting, Unfit, own_file,
};
use super::bookmark::Bookmark;
use super::json::{self, count, list, number, text, text_or_empty};
use super::reading::{Reading, Spent, kind_of_status, status_behind};
use super::rollouts::Rollouts;
use super::talk::Talk;
use super::upstream::{OPENAI, one_of, set};

/// The adapter.
#[derive(Debug)]
pub(super) struct Codex;

static FACTS: Facts = Facts {
    name: "codex",
    title: "Codex",
    program: "codex",
    install: "npm install -g @openai/codex",
    sign_in: "run `codex login`, or set CODEX_API_KEY (it does not use OPENAI_API_KEY by itself)",
    seen: "0.169.0",
    // OPENAI_BASE_URL is not among them: the program itself ignores it, so a caller may have set it for others.
    keys: &["CODEX_API_KEY", "CODEX_ACCESS_TOKEN", "CODEX_HOME", "OPENAI_API_KEY"],
    unset: &[
        "CODEX_CI",
        "CODEX_SANDBOX",
        "CODEX_SANDBOX_NETWORK_DISABLED",
        "CODEX_SESSION_ID",
        "CODEX_THREAD_ID",
    ],
    meter: Meter::Tokens,
    writes: &[own_file("CODEX_HOME", ".codex", "auth.json")],
    own_state: true,
    resumes: true,
    permissions: &Permission::ALL,
    notes: "It runs with its own folder of state in each attempt, which has links to your auth.json, config.toml, .env and \
            AGENTS.md; below /tmp it cannot run commands in its sandbox. `edit` allows commands as well, but neither the \
            network nor commits.",
};

/// The variable that names another server.
const SERVER: &str = "OPENAI_BASE_URL";

/// Files of the user's own folder that it is to have as well. It writes its login back in place, so it must be the same file.
const SHARED: [&str; 4] = ["auth.json", "config.toml", ".env", "AGENTS.md"];

impl Adapter for Codex {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit> {
        let mut argv = words(&["codex", "exec", "--json"]);
        argv.extend(words(&["-c", "check_for_update_on_startup=false", "-c", "analytics.enabled=false"]));
        argv.extend(permission(ask));
        argv.extend(base_url(ask));
        if let Some(model) = ask.model {
            argv.extend(words(&["-m", model]));
        }
        argv.extend(ask.args.iter().cloned());
        if let Some(bookmark) = Bookmark::parse(ask.bookmark) {
            // Options behind `resume` are fewer, so all of them stand before it.
            argv.extend(words(&["resume", &bookmark.conversation]));
        }
        argv.push("-".to_owned());
        let own = (ask.env)("CODEX_HOME").map_or_else(|| ask.home.join(".codex"), Into::into);
        Ok(Launch {
            argv,
            stdin: Some(ask.prompt_file.to_path_buf()),
            env: vec![("CODEX_HOME".to_owned(), ask.state.display().to_string())],
            files: Vec::new(),
            links: SHARED.map(|file| (own.join(file), ask.state.join(file))).into(),
        })
    }

    fn reader(&self, setting: Setting) -> Box<dyn Reader> {
        Box::new(Stream::new(setting))
    }

    fn upstream(
        &self,
        _model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        home: &Path,
    ) -> Result<String, String> {
        let usual = set(SERVER, env).and(set("OPENAI_API_KEY", env));
        if usual.or_else(|| set("CODEX_API_KEY", env)).is_none() {
            return Err("its login is not a key in CODEX_API_KEY".to_owned());
        }
        let own = set("CODEX_HOME", env).map_or_else(|| home.join(".codex"), Into::into);
        let config = std::fs::read_to_string(own.join("config.toml")).unwrap_or_default();
        if config.contains("model_provider") || config.contains("base_url") {
            return Err("its config.toml names a provider".to_owned());
        }
        Ok(one_of(&[SERVER], env, OPENAI))
    }

    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        if let Some(name) = ["CODEX_API_KEY", "CODEX_ACCESS_TOKEN"].into_iter().find(|name| set(name)) {
            return Login::Yes(format!("{name} is set"));
        }
        if set("OPENAI_BASE_URL") && set("OPENAI_API_KEY") {
            return Login::Yes("OPENAI_BASE_URL and OPENAI_API_KEY are set".to_owned());
        }
        let own = env("CODEX_HOME").map_or_else(|| home.join(".codex"), Into::into);
        if own.join("auth.json").is_file() {
            return Login::Yes("its auth.json is there".to_owned());
        }
        let config = std::fs::read_to_string(own.join("config.toml")).unwrap_or_default();
        if config.contains("model_provider") || config.contains("cli_auth_credentials_store") {
            return Login::Unknown("its config.toml says where its credentials are".to_owned());
        }
        Login::No(FACTS.sign_in.to_owned())
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Its sandbox keeps the repository's own data from being written. A commit in a linked worktree writes to the worktree's folder
/// there and to the objects, so whoever may run commands gets those two.
fn permission(ask: &Ask<'_>) -> Vec<String> {
    let run = ask.permission == Permission::Run;
    if run && ask.unmounting {
        // Its own sandbox, without which it starts no command, is made of mounts. The wall holds instead.
        return words(&["-s", "danger-full-access"]);
    }
    let sandbox = match ask.permission {
        Permission::ReadOnly => "read-only",
        Permission::Edit | Permission::Run => "workspace-write",
        Permission::Full => return words(&["--dangerously-bypass-approvals-and-sandbox"]),
    };
    let network = format!("sandbox_workspace_write.network_access={run}");
    let mut argv = words(&["-s", sandbox, "-c", &network]);
    // A repository of its own has its objects in its own folder.
    let linked = ask.git_dir.parent().is_some_and(|parent| parent.ends_with("worktrees"));
    let common = ask.git_dir.ancestors().nth(2).filter(|_| linked);
    let objects = common.map(|common| common.join("objects"));
    for folder in [Some(ask.git_dir.to_path_buf()), objects].into_iter().flatten().filter(|_| run) {
        argv.extend(words(&["--add-dir", &folder.display().to_string()]));
    }
    argv
}

/// Another server for a plan that names one. Over its own provider the program tries a web socket seven times first, and takes
/// no key but its own; so with the usual key it gets a provider of ours.
fn base_url(ask: &Ask<'_>) -> Vec<String> {
    let Some(named) = set(SERVER, ask.env).or_else(|| ask.metered.then(String::new)) else {
        return Vec::new();
    };
    let usual = set("OPENAI_API_KEY", ask.env).filter(|_| !named.is_empty()).map(|_| "OPENAI_API_KEY");
    let url = if ask.metered { GATEWAY.to_owned() } else { named };
    // A JSON string is a TOML string.
    let url = Value::String(url).to_string();
    let Some(key) = usual.or_else(|| ask.metered.then_some("CODEX_API_KEY")) else {
        return words(&["-c", &format!("openai_base_url={url}")]);
    };
    let provider = format!(r#"{{name="swarm",base_url={url},env_key="{key}",wire_api="responses"}}"#);
    words(&["-c", "model_provider=swarm", "-c", &format!("model_providers.swarm={provider}")])
}

/// Its output.
struct Stream {
    reading: Reading,
    rollouts: Rollouts,
    before: Bookmark,
    conversation: String,
}

impl Stream {
    fn new(setting: Setting) -> Self {
        let mut reading = Reading::default();
        reading.report.model.clone_from(&setting.model);
        let before = Bookmark::parse(setting.bookmark.as_deref()).unwrap_or_default();
        let rollouts = Rollouts::new(&setting.state, setting.model, setting.prices);
        Self { reading, rollouts, before, conversation: String::new() }
    }

    fn item(&mut self, item: &Value, done: bool, talk: &mut dyn FnMut(Talk)) {
        if text(item, "/type") != Some("error") {
            self.reading.goes_on();
        }
        if let Some(item) = if done { completed(item) } else { started(item) } {
            self.reading.tell(item, talk);
        }
    }

    /// It tells of a failure, or that it tries again.
    fn error(&mut self, said: &str, talk: &mut dyn FnMut(Talk)) {
        let said = sentence(said);
        self.reading.trouble(kind_of(&said), &said, None);
        self.reading.tell(Talk::Notice(said), talk);
    }

    fn completed(&mut self, record: &Value) {
        // The files name the model, so they are read first.
        self.rollouts.look();
        self.rollouts.total(&self.conversation, tokens(record.pointer("/usage").unwrap_or(&Value::Null)));
        self.reading.done();
        self.count();
    }

    fn failed(&mut self, record: &Value) {
        let said = sentence(text_or_empty(record, "/error/message"));
        self.reading.failed(kind_of(&said), &said);
        self.aside();
        if self.reading.report.trouble.as_ref().is_some_and(|trouble| trouble.kind != TroubleKind::Error) {
            // A call that was turned away costs nothing, and nothing is counted for it: so it is known to be 0.
            self.rollouts.total(&self.conversation, Tokens::default());
            self.count();
        }
    }

    /// What the folder holds by now, less what it held before.
    fn count(&mut self) {
        let (all, before) = (self.rollouts.spent(), &self.before);
        let usd_micros = all.usd_micros.map(|usd| usd.saturating_sub(before.usd_micros));
        let tokens = all.tokens.minus(before.tokens);
        self.reading.spent = Spent { usd_micros, priced: true, tokens, ..Spent::default() };
        if !self.conversation.is_empty() {
            let bookmark = Bookmark {
                conversation: self.conversation.clone(),
                usd_micros: all.usd_micros.unwrap_or_default().max(before.usd_micros),
                tokens: all.tokens.max(before.tokens),
            };
            self.reading.report.bookmark = Some(bookmark.text());
        }
    }

    /// What the files say of the failure is surer than a sentence, and only they say when a limit ends.
    fn judge(&mut self) {
        let finished = self.reading.report.finished;
        let Some(trouble) = &mut self.reading.report.trouble else { return };
        if let Some(cause) = self.rollouts.cause(&self.conversation).filter(|_| finished) {
            trouble.kind = cause;
        }
        if trouble.kind == TroubleKind::Limit {
            trouble.until_ms = self.rollouts.until_ms().or(trouble.until_ms);
        }
    }
}

impl Reader for Stream {
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk)) {
        let Ok(record) = serde_json::from_str::<Value>(line) else { return };
        let item = record.get("item").unwrap_or(&Value::Null);
        match text_or_empty(&record, "/type") {
            "thread.started" => {
                text_or_empty(&record, "/thread_id").clone_into(&mut self.conversation);
                self.rollouts.look();
                self.count();
            }
            "item.started" => self.item(item, false, talk),
            "item.completed" => self.item(item, true, talk),
            "error" => self.error(text_or_empty(&record, "/message"), talk),
            "turn.completed" => self.completed(&record),
            "turn.failed" => self.failed(&record),
            _ => {}
        }
    }

    fn complaint(&mut self, line: &str) {
        if let Some(command) = rejected(line) {
            self.reading.denied(command);
        }
        if let Some(said) = line.strip_prefix("Error: ").or_else(|| line.strip_prefix("error: ")) {
            self.reading.trouble(kind_of(said), said, None);
        }
    }

    fn aside(&mut self) {
        if self.rollouts.look() {
            self.count();
        }
        if let Some(model) = self.rollouts.model(&self.conversation) {
            self.reading.report.model = Some(model.to_owned());
        }
        self.judge();
    }

    fn reading(&self) -> &Reading {
        &self.reading
    }
}

/// What its agent begins.
fn started(item: &Value) -> Option<Talk> {
    let uses = |tool: &str, with: String| Some(Talk::Uses { tool: tool.to_owned(), with });
    match text_or_empty(item, "/type") {
        "command_execution" => uses("exec_command", text_or_empty(item, "/command").to_owned()),
        "mcp_tool_call" => uses(
            text_or_empty(item, "/tool"),
            item.get("arguments").map(json::main_argument).unwrap_or_default(),
        ),
        "collab_tool_call" => uses(text_or_empty(item, "/tool"), text_or_empty(item, "/prompt").to_owned()),
        "web_search" => uses("web_search", text_or_empty(item, "/query").to_owned()),
        "file_change" => {
            let paths = list(item, "/changes").iter().filter_map(|change| text(change, "/path"));
            uses("apply_patch", paths.collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

/// What came of it.
fn completed(item: &Value) -> Option<Talk> {
    let status = text_or_empty(item, "/status");
    match text_or_empty(item, "/type") {
        "agent_message" => Some(Talk::Says(text_or_empty(item, "/text").to_owned())),
        "error" => Some(Talk::Notice(text_or_empty(item, "/message").to_owned())),
        "command_execution" if status == "declined" => {
            Some(Talk::Denied(text_or_empty(item, "/command").to_owned()))
        }
        "command_execution" => Some(Talk::Answer {
            ok: number(item, "/exit_code") == Some(0),
            text: text_or_empty(item, "/aggregated_output").to_owned(),
        }),
        "mcp_tool_call" => Some(Talk::Answer {
            ok: status != "failed",
            text: item.pointer("/result/content").map(json::spoken).unwrap_or_default(),
        }),
        // A change shows when it is done, and only then in some versions.
        "file_change" => started(item),
        _ => None,
    }
}

/// The command that it refused to run: it says so in its log alone.
fn rejected(line: &str) -> Option<&str> {
    let (_, behind) = line.split_once("codex_core::tools::router: error=")?.1.split_once("Rejected(")?;
    behind.split_once('`')?.1.split_once("` rejected: ").map(|(command, _)| command)
}

/// An error of an API is sometimes told as the JSON that came.
fn sentence(said: &str) -> String {
    let told = serde_json::from_str::<Value>(said).ok();
    told.as_ref().and_then(|told| text(told, "/error/message")).unwrap_or(said).to_owned()
}

/// What a sentence of its own means: all of them are in the program's 0.169.0.
pub(super) fn kind_of(said: &str) -> TroubleKind {
    const LOGIN: [&str; 6] = [
        "Quota exceeded. Check your plan and billing",
        "out of credits",
        "hit your spend cap",
        "upgrade to Plus: ",
        "Missing environment variable",
        "sign in again",
    ];
    const LIMIT: [&str; 2] = ["hit your usage limit", "model is at capacity"];
    let status = ["unexpected status ", "last status: "].iter().find_map(|words| status_behind(said, words));
    match status {
        Some(status) => kind_of_status(status),
        None if LOGIN.iter().any(|words| said.contains(words)) => TroubleKind::Login,
        None if LIMIT.iter().any(|words| said.contains(words)) => TroubleKind::Limit,
        None => TroubleKind::Error,
    }
}

/// What was read from a cache is part of its input.
pub(super) fn tokens(usage: &Value) -> Tokens {
    let (cache_read, cache_write) =
        (count(usage, "/cached_input_tokens"), count(usage, "/cache_write_input_tokens"));
    Tokens {
        input: count(usage, "/input_tokens").saturating_sub(cache_read).saturating_sub(cache_write),
        cache_read,
        cache_write,
        output: count(usage, "/output_tokens"),
        reasoning: count(usage, "/reasoning_output_tokens"),
    }
}
