//! One task: its own keys over the defaults over what is built in. The graph is not looked at here.

use std::collections::BTreeMap;

use swarm_domain::plan::{OnChangeless, OnStray, Work};
use swarm_domain::{Gate, NeedWhen, Program, TaskId, TaskSpec, Usd};

use crate::plan::draft::TaskSpots;
use crate::plan::node::{Entry, Kind, Node, short};
use crate::plan::problem::Problem;
use crate::plan::source::Span;
use crate::plan::value::{self, Limit};

use super::agents::{Agent, Agents};
use super::gates::Gates;
use super::retries::Layer;
use super::{Cx, files, read};

const TIMEOUT_MS: u64 = 30 * 60_000;
const IDLE_TIMEOUT_MS: u64 = 10 * 60_000;

/// What `defaults` say, and everything a task can name.
pub(super) struct Context {
    pub(super) agents: Agents,
    pub(super) gates: Gates,
    defaults: Node,
    default_gates: Vec<Gate>,
    default_retries: Layer,
}

impl Context {
    /// Decodes `agents`, `gates` and `defaults`.
    pub(super) fn new(root: &Node, cx: &mut Cx<'_>) -> Self {
        let nothing = Node::new(Span::default(), Kind::Map(Vec::new()));
        let defaults = root.get("defaults").cloned().unwrap_or(nothing);
        let agents = Agents::new(root, cx);
        let mut gates = Gates::new(root);
        let default_gates = defaults.get("gates").map(|list| gates.list(list, &[], cx)).unwrap_or_default();
        let default_retries = Layer::new(defaults.get("retries"));
        Self { agents, gates, defaults, default_gates, default_retries }
    }
}

/// A task's map, or the defaults where the map is silent.
struct Layers<'a> {
    task: &'a Node,
    defaults: &'a Node,
}

impl<'a> Layers<'a> {
    fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.task.entry(key).or_else(|| self.defaults.entry(key))
    }

    fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    fn limit(&self, key: &str, built_in: Limit) -> Limit {
        self.get(key).and_then(|node| value::limit(node).ok()).unwrap_or(built_in)
    }
}

/// Decodes the task `id`, which stands at `id_span`.
pub(super) fn task(
    id: TaskId,
    id_span: Span,
    map: &Node,
    context: &mut Context,
    cx: &mut Cx<'_>,
) -> (TaskSpec, TaskSpots) {
    let defaults = context.defaults.clone();
    let layers = Layers { task: map, defaults: &defaults };
    let (work, agent) = work(&id, id_span, &layers, context, cx);
    let by_agent = matches!(work, Work::Agent { .. });
    let estimate = estimate(&layers, agent.as_ref(), by_agent, cx);
    let gates = match map.get("gates") {
        Some(list) => context.gates.list(list, &context.default_gates, cx),
        None => context.default_gates.clone(),
    };
    let mut env = read::env(&defaults, "env");
    let mut pass_env = read::texts(&defaults, "pass_env");
    if let Some(agent) = &agent {
        env.extend(agent.env.clone());
        pass_env.extend(agent.pass_env.iter().cloned());
    }
    env.extend(read::env(map, "env"));
    pass_env.extend(read::texts(map, "pass_env"));
    let (needs, need_spots) = needs(map, cx);
    let (files, file_spots) = claims(map);
    let spots = TaskSpots {
        id: id_span,
        needs: need_spots,
        files: file_spots,
        budget: layers.get("budget").map(|node| node.span),
        estimate: estimate.map(|(_, span)| span),
    };
    let spec = TaskSpec {
        title: title(map, &id, cx),
        id,
        work,
        needs,
        files,
        caps: read::caps(if map.get("budget").is_some() { map } else { &defaults }, "budget"),
        estimate: estimate.map(|(amount, _)| amount),
        learned: None,
        timeout_ms: layers.limit("timeout", by_agent.then_some(TIMEOUT_MS)),
        idle_timeout_ms: layers.limit("idle_timeout", by_agent.then_some(IDLE_TIMEOUT_MS)),
        retries: Layer::new(map.get("retries")).over(&context.default_retries, by_agent),
        gates,
        if_no_changes: match layers.get("if_no_changes").and_then(Node::text) {
            Some("ok") => OnChangeless::Ok,
            None if !by_agent => OnChangeless::Ok,
            _ => OnChangeless::Fail,
        },
        on_claim_violation: match layers.get("on_claim_violation").and_then(Node::text) {
            Some("fail") => OnStray::Fail,
            _ => OnStray::Warn,
        },
        env,
        pass_env,
        setup: read::commands(map, "setup"),
        priority: layers
            .get("priority")
            .and_then(Node::whole)
            .and_then(|n| i32::try_from(n).ok())
            .unwrap_or(0),
        optional: read::flag(map, "optional").unwrap_or(false),
        labels: read::texts(map, "labels"),
    };
    (spec, spots)
}

fn title(map: &Node, id: &TaskId, cx: &mut Cx<'_>) -> String {
    let Some(node) = map.get("title") else { return id.to_string() };
    let title = node.text().unwrap_or_default().trim();
    if title.contains(['\n', '\r']) {
        let problem = Problem::error("P0102", "`title`: expected one line, found several")
            .at(node.span, "the subject of a commit");
        cx.problems.push(problem);
    }
    title.to_owned()
}

/// What one attempt reserves, and what says so.
fn estimate(
    layers: &Layers<'_>,
    agent: Option<&Agent>,
    by_agent: bool,
    cx: &mut Cx<'_>,
) -> Option<(Usd, Span)> {
    let own = layers.task.get("estimate");
    let of = |node: &Node| Some((value::money(node).ok()?, node.span));
    let found = own
        .and_then(of)
        .or_else(|| agent.and_then(|agent| agent.estimate))
        .or_else(|| layers.defaults.get("estimate").and_then(of));
    if let Some((Usd::ZERO, span)) = found
        && by_agent
    {
        let problem = Problem::error("P0106", "an estimate of 0 would reserve nothing for an agent");
        cx.problems.push(
            problem.at(span, "in `estimate`").help("write what one attempt usually costs, or leave it out"),
        );
    }
    found
}

/// What the task does: exactly one of `run`, `prompt` and `prompt_file`.
fn work(
    id: &TaskId,
    id_span: Span,
    layers: &Layers<'_>,
    context: &mut Context,
    cx: &mut Cx<'_>,
) -> (Work, Option<Agent>) {
    let given: Vec<&Entry> =
        ["run", "prompt", "prompt_file"].iter().filter_map(|key| layers.task.entry(key)).collect();
    match given[..] {
        [] => {
            let problem = Problem::error("P0105", format!("the task `{id}` has neither `run` nor `prompt`"));
            cx.problems.push(
                problem
                    .at(id_span, "nothing to do")
                    .help("give it a command to `run`, or a `prompt` for an agent"),
            );
            (nothing(), None)
        }
        [only] if only.key == "run" => (run(id, only, layers, cx), None),
        [only] => prompted(id, only, layers, context, cx),
        [first, second, ..] => {
            let text = format!("the task `{id}` has both `{}` and `{}`", first.key, second.key);
            let problem = Problem::error("P0105", text)
                .at(second.key_span, "one of the two")
                .at(first.key_span, "the other");
            cx.problems.push(problem.help("a task is one command or one prompt"));
            (nothing(), None)
        }
    }
}

/// Stands in for work that could not be decoded; such a plan is refused.
fn nothing() -> Work {
    Work::Run(Program::Shell(String::new()))
}

fn run(id: &TaskId, entry: &Entry, layers: &Layers<'_>, cx: &mut Cx<'_>) -> Work {
    if let Some(agent) = layers.task.entry("agent") {
        let problem =
            Problem::error("P0105", format!("the task `{id}` has a command to `run` and an `agent`"));
        let problem = problem.at(agent.key_span, "no agent is started").at(entry.key_span, "because of this");
        cx.problems.push(problem.help("write the `prompt` for the agent, or leave the agent out"));
    }
    Work::Run(match read::command(&entry.value) {
        Some(Program::Shell(text)) => Program::Shell(text.trim_end().to_owned()),
        Some(argv) => argv,
        None => Program::Shell(String::new()),
    })
}

fn prompted(
    id: &TaskId,
    entry: &Entry,
    layers: &Layers<'_>,
    context: &mut Context,
    cx: &mut Cx<'_>,
) -> (Work, Option<Agent>) {
    let prompt = match entry.key.as_str() {
        "prompt" => files::checked(entry.value.text().unwrap_or_default(), entry.value.span, cx),
        _ => files::from_file(&entry.value, cx),
    };
    let Some(named) = layers.get("agent") else {
        let problem = Problem::error("P0103", format!("the task `{id}` has a prompt and no agent"));
        cx.problems.push(
            problem.at(entry.key_span, "for whom?").help("write `agent: <name>` here or under `defaults`"),
        );
        return (without_agent(prompt), None);
    };
    let name = named.text().unwrap_or_default();
    let agent = if name.is_empty() { None } else { context.agents.find(name, named.span, cx) };
    let Some(agent) = agent else { return (without_agent(prompt), None) };
    let work = Work::Agent {
        agent: name.to_owned(),
        adapter: agent.adapter.clone(),
        command: agent.command.clone(),
        model: agent.model.clone(),
        permission: agent.permission.clone(),
        args: agent.args.clone(),
        instructions: agent.instructions.clone(),
        prompt,
    };
    (work, Some(agent))
}

fn without_agent(prompt: String) -> Work {
    let (agent, adapter, permission, args, instructions) = Default::default();
    Work::Agent { agent, adapter, command: None, model: None, permission, args, instructions, prompt }
}

fn needs(map: &Node, cx: &mut Cx<'_>) -> (Vec<(TaskId, NeedWhen)>, Vec<Span>) {
    let mut seen: BTreeMap<TaskId, Span> = BTreeMap::new();
    let (mut needs, mut spots) = (Vec::new(), Vec::new());
    for item in map.get("needs").map(Node::items).unwrap_or_default() {
        let named = if matches!(item.kind, Kind::Map(_)) { item.get("task") } else { Some(item) };
        let Some((named, id)) = named.and_then(|node| Some((node, value::id(node).ok()?))) else { continue };
        if let Some(first) = seen.insert(id.clone(), named.span) {
            let problem = Problem::error("P0104", format!("`{}` is needed twice", short(id.as_str())));
            cx.problems.push(problem.at(named.span, "named again").at(first, "first named here"));
            continue;
        }
        let when = if read::word(item, "when") == Some("ended") { NeedWhen::Ended } else { NeedWhen::Merged };
        needs.push((id, when));
        spots.push(named.span);
    }
    (needs, spots)
}

/// Claims that can be used, each with its place.
fn claims(map: &Node) -> (Vec<String>, Vec<Span>) {
    let items = map.get("files").map(Node::items).unwrap_or_default();
    let usable = items.iter().filter_map(|item| Some((item.text()?.to_owned(), item.span)));
    usable.filter(|(claim, _)| swarm_domain::claims::check(claim).is_ok()).unzip()
}
