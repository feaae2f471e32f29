//! The gates of a plan, and the list of gates of one task.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::{Gate, GateScope, Program};

use crate::plan::node::{Kind, Node};
use crate::plan::problem::{Problem, similar};
use crate::plan::source::Span;

use super::{Cx, read};

const TIMEOUT_MS: u64 = 30 * 60_000;

/// Gates by name, and which of them were asked for.
pub(super) struct Gates {
    defined: BTreeMap<String, (Gate, Span)>,
    used: BTreeSet<String>,
}

impl Gates {
    /// Decodes `gates`.
    pub(super) fn new(root: &Node) -> Self {
        let entries = root.get("gates").map(Node::entries).unwrap_or_default();
        let defined = entries.iter().filter_map(|entry| {
            let gate = gate(&entry.value, entry.key.clone())?;
            Some((entry.key.clone(), (gate, entry.key_span)))
        });
        Self { defined: defined.collect(), used: BTreeSet::new() }
    }

    /// The gates of a list. Entries that all begin with `+` go behind the defaults'; anything else replaces them.
    pub(super) fn list(&mut self, node: &Node, defaults: &[Gate], cx: &mut Cx<'_>) -> Vec<Gate> {
        let items = node.items();
        let appends = !items.is_empty()
            && items.iter().all(|item| item.word().is_some_and(|name| name.starts_with('+')));
        let mut gates = if appends { defaults.to_vec() } else { Vec::new() };
        let inherited = gates.len();
        for (at, item) in items.iter().enumerate() {
            let Some(gate) = self.item(item, at, cx) else { continue };
            match gates.iter().position(|other| other.name == gate.name) {
                None => gates.push(gate),
                // The defaults have it already, and appending says no more than that it must be there.
                Some(earlier) if earlier < inherited => {}
                Some(_) => {
                    let problem =
                        Problem::error("P0104", format!("the gate `{}` is listed twice", gate.name));
                    cx.problems.push(problem.at(item.span, "listed again"));
                }
            }
        }
        gates
    }

    fn item(&mut self, item: &Node, at: usize, cx: &mut Cx<'_>) -> Option<Gate> {
        if matches!(item.kind, Kind::List(_) | Kind::Map(_)) {
            let name = read::text(item, "name").unwrap_or_else(|| format!("gate-{}", at + 1));
            return gate(item, name);
        }
        let given = item.word()?;
        let name = given.strip_prefix('+').unwrap_or(given);
        if let Some((gate, _)) = self.defined.get(name) {
            self.used.insert(name.to_owned());
            return Some(gate.clone());
        }
        if crate::plan::value::check_id(name).is_ok() {
            let problem = self.unknown(name, given, item.span);
            cx.problems.push(problem);
        }
        None
    }

    fn unknown(&mut self, name: &str, given: &str, span: Span) -> Problem {
        let problem =
            Problem::error("P0201", format!("there is no gate `{name}`")).at(span, "not a gate of this plan");
        match similar(name, self.defined.keys().map(String::as_str)) {
            Some(meant) => {
                // Misspelt is not unused.
                self.used.insert(meant.to_owned());
                let plus = if given.starts_with('+') { "+" } else { "" };
                problem.help(format!("did you mean `{meant}`?")).fix(span, format!("{plus}{meant}"))
            }
            None => problem.help("define it under `gates`, or write the command as a list or as `{run: …}`"),
        }
    }

    /// Gates that no task has.
    pub(super) fn unused(&self) -> impl Iterator<Item = (&str, Span)> {
        let unused = self.defined.iter().filter(|(name, _)| !self.used.contains(*name));
        unused.map(|(name, (_, span))| (name.as_str(), *span))
    }
}

fn gate(node: &Node, name: String) -> Option<Gate> {
    let run = match &node.kind {
        Kind::Map(_) => read::command(node.get("run")?)?,
        _ => read::command(node)?,
    };
    Some(Gate {
        name,
        run: tidy(run),
        timeout_ms: read::duration(node, "timeout").unwrap_or(TIMEOUT_MS),
        advisory: read::flag(node, "advisory").unwrap_or(false),
        hint: read::text(node, "hint").unwrap_or_default(),
        scope: match read::word(node, "scope") {
            Some("task") => GateScope::Task,
            Some("both") => GateScope::Both,
            _ => GateScope::Merge,
        },
        dir: read::text(node, "dir").unwrap_or_default(),
        paths: read::texts(node, "paths"),
        clean: read::flag(node, "clean").unwrap_or(false),
        baseline_skip: read::word(node, "baseline") == Some("skip"),
        pass_env: read::texts(node, "pass_env"),
        network: read::flag(node, "network").unwrap_or(true),
    })
}

/// A final line break is the syntax's, not the command's.
fn tidy(run: Program) -> Program {
    match run {
        Program::Shell(text) => Program::Shell(text.trim_end().to_owned()),
        Program::Argv(parts) => Program::Argv(parts),
    }
}
