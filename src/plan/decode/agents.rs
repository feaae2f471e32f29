//! The agents of a plan: those it defines, and those that are built in. Which tasks use them is decided elsewhere.

use std::collections::BTreeMap;

use swarm_domain::{Caps, Program, Usd};

use crate::agents::{Facts, Permission};
use crate::plan::node::{Entry, Node};
use crate::plan::problem::{Problem, similar};
use crate::plan::source::Span;

use super::{Cx, files, read};

/// Adapters by name. Each is an agent of that name too, so a plan may use it without defining it.
pub const ADAPTERS: [&str; 10] = [
    "shell",
    "claude",
    "codex",
    "gemini",
    "qwen",
    "opencode",
    "copilot",
    "cursor",
    "aider",
    "mini-swe-agent",
];

/// An agent of the plan.
#[derive(Clone, Debug)]
pub(super) struct Agent {
    pub(super) adapter: String,
    /// Where the adapter or else the agent is named.
    pub(super) span: Span,
    pub(super) command: Option<Program>,
    pub(super) model: Option<String>,
    pub(super) permission: String,
    pub(super) args: Vec<String>,
    pub(super) estimate: Option<(Usd, Span)>,
    pub(super) caps: Caps,
    pub(super) instructions: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) pass_env: Vec<String>,
}

/// The agents, and which of them were asked for.
pub(super) struct Agents {
    defined: BTreeMap<String, (Agent, Span)>,
    used: BTreeMap<String, Span>,
}

impl Agents {
    /// Decodes `agents`.
    pub(super) fn new(root: &Node, cx: &mut Cx<'_>) -> Self {
        let entries = root.get("agents").map(Node::entries).unwrap_or_default();
        let defined = entries.iter().map(|entry| (entry.key.clone(), (agent(entry, cx), entry.key_span)));
        Self { defined: defined.collect(), used: BTreeMap::new() }
    }

    /// The agent that a task names at `span`.
    pub(super) fn find(&mut self, name: &str, span: Span, cx: &mut Cx<'_>) -> Option<Agent> {
        let agent = match self.defined.get(name) {
            Some((agent, _)) => agent.clone(),
            None if ADAPTERS.contains(&name) => built_in(name, span),
            None => {
                let known = self.defined.keys().map(String::as_str).chain(ADAPTERS);
                let problem = Problem::error(
                    "P0202",
                    format!("there is no agent `{}`", crate::plan::node::short(name)),
                );
                let problem = problem.at(span, "not an agent of this plan");
                cx.problems.push(match similar(name, known) {
                    Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(span, meant),
                    None => problem.help("define it under `agents`"),
                });
                return None;
            }
        };
        if self.used.insert(name.to_owned(), span).is_none() {
            startable(name, &agent, cx);
        }
        Some(agent)
    }

    /// The caps of those that have any.
    pub(super) fn caps(&self) -> BTreeMap<String, Caps> {
        let capped = self.defined.iter().filter(|(_, (agent, _))| agent.caps != Caps::NONE);
        capped.map(|(name, (agent, _))| (name.clone(), agent.caps)).collect()
    }

    /// Agents that no task uses.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, Span)> {
        let unused = self.defined.iter().filter(|(name, _)| !self.used.contains_key(*name));
        unused.map(|(name, (_, span))| (name.as_str(), *span))
    }
}

fn built_in(name: &str, span: Span) -> Agent {
    Agent {
        adapter: name.to_owned(),
        span,
        command: None,
        model: None,
        permission: usual(name).to_owned(),
        args: Vec::new(),
        estimate: None,
        caps: Caps::NONE,
        instructions: String::new(),
        env: BTreeMap::new(),
        pass_env: Vec::new(),
    }
}

/// What an agent may do where the plan does not say: run commands, or what comes next to that where its program cannot.
fn usual(adapter: &str) -> &'static str {
    let levels =
        crate::agents::adapter(adapter).map_or(&Permission::ALL[..], |adapter| adapter.facts().permissions);
    let usual = levels.iter().filter(|level| **level <= Permission::Run).max();
    usual.unwrap_or(&Permission::Run).word()
}

fn agent(entry: &Entry, cx: &mut Cx<'_>) -> Agent {
    let map = &entry.value;
    let command = map.get("command").and_then(read::command);
    let adapter = match (read::word(map, "adapter"), &command) {
        (Some(adapter), _) => adapter.to_owned(),
        (None, _) if ADAPTERS.contains(&entry.key.as_str()) => entry.key.clone(),
        (None, Some(_)) => "shell".to_owned(),
        (None, None) => {
            if !map.entries().is_empty() && map.get("adapter").is_none() {
                let problem = Problem::error("P0103", format!("the agent `{}` has no `adapter`", entry.key));
                cx.problems.push(
                    problem
                        .at(entry.key_span, "`adapter` is missing")
                        .help("write `adapter: shell` with a `command`"),
                );
            }
            "shell".to_owned()
        }
    };
    let estimate = map.get("estimate").and_then(|node| Some((read::money(map, "estimate")?, node.span)));
    if let Some((Usd::ZERO, span)) = estimate {
        let problem = Problem::error("P0106", "an estimate of 0 would reserve nothing for an agent");
        cx.problems.push(
            problem.at(span, "in `estimate`").help("write what one attempt usually costs, or leave it out"),
        );
    }
    let permission = read::word(map, "permission").unwrap_or_else(|| usual(&adapter)).to_owned();
    Agent {
        adapter,
        span: map.get("adapter").map_or(entry.key_span, |node| node.span),
        command,
        model: read::text(map, "model"),
        permission,
        args: read::texts(map, "args"),
        estimate,
        caps: read::caps(map, "budget"),
        instructions: files::instructions(map, cx),
        env: read::env(map, "env"),
        pass_env: read::texts(map, "pass_env"),
    }
}

/// Reports why an agent that is asked for cannot be started.
fn startable(name: &str, agent: &Agent, cx: &mut Cx<'_>) {
    let problem = match crate::agents::adapter(&agent.adapter) {
        Some(adapter) => by_adapter(name, agent, adapter.facts()),
        None if agent.adapter == "shell" => by_shell(name, agent),
        None => Some(no_adapter(agent)),
    };
    cx.problems.extend(problem);
}

fn no_adapter(agent: &Agent) -> Problem {
    let adapter = agent.adapter.as_str();
    let problem =
        Problem::error("P0202", format!("there is no adapter `{}`", crate::plan::node::short(adapter)));
    let problem = problem.at(agent.span, "not an adapter");
    match similar(adapter, ADAPTERS) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")).fix(agent.span, meant),
        None => problem.help(format!("the adapters are {}", ADAPTERS.join(", "))),
    }
}

fn by_shell(name: &str, agent: &Agent) -> Option<Problem> {
    let problem = if agent.command.is_none() {
        let problem = Problem::error("P0103", format!("the agent `{name}` has no `command`"))
            .at(agent.span, "`command` is missing");
        problem.help(format!(
            "for example `{name}: {{ adapter: shell, command: \"my-agent < {{prompt_file}}\" }}`"
        ))
    } else if agent.model.is_none() && mentions_model(agent) {
        let problem = Problem::error(
            "P0103",
            format!("the command of the agent `{name}` asks for a `{{model}}`, and there is none"),
        );
        problem.at(agent.span, "`model` is missing")
    } else if !agent.args.is_empty() {
        let problem = Problem::error(
            "P0204",
            format!("the agent `{name}` has `args`, and its `command` is all that is run"),
        );
        problem.at(agent.span, "adapter `shell`").help("put them into the `command`")
    } else {
        return None;
    };
    Some(problem)
}

/// What a program of its own kind cannot do.
fn by_adapter(name: &str, agent: &Agent, facts: &Facts) -> Option<Problem> {
    if agent.command.is_some() {
        let text =
            format!("the agent `{name}` has a `command`, and the adapter `{}` makes its own", facts.name);
        let problem = Problem::error("P0204", text).at(agent.span, "chooses the adapter");
        return Some(problem.help("leave `command` out, or write `adapter: shell`; `args` adds arguments"));
    }
    let known = Permission::parse(&agent.permission).is_none_or(|level| facts.permissions.contains(&level));
    if known {
        return None;
    }
    let levels = facts.permissions.iter().map(|level| level.word()).collect::<Vec<_>>().join(", ");
    let text = format!("{} cannot be held to `permission: {}`", facts.title, agent.permission);
    let problem = Problem::error("P0204", text).at(agent.span, "chooses the adapter");
    Some(problem.help(format!("it knows {levels}")))
}

fn mentions_model(agent: &Agent) -> bool {
    match &agent.command {
        Some(Program::Shell(text)) => text.contains("{model}"),
        Some(Program::Argv(parts)) => parts.iter().any(|part| part.contains("{model}")),
        None => false,
    }
}
