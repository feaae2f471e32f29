//! What a plan says of secrets. That an exception is for something that exists is checked here; what is a secret is not known.

use swarm_domain::TaskSpec;
use swarm_domain::plan::{AllowedSecret, Secrets};

use crate::agents;
use crate::plan::node::{Node, short};
use crate::plan::problem::{Problem, similar};
use crate::secrets::Scanner;
use crate::world::environment;

use super::{Cx, read};

/// How secrets are kept out.
pub(super) fn secrets(root: &Node, tasks: &[TaskSpec], cx: &mut Cx<'_>) -> Secrets {
    let Some(map) = root.get("secrets") else { return Secrets::default() };
    let passed = passed(root, tasks);
    let entries = map.get("allow").map(Node::items).unwrap_or_default();
    let allow = entries.iter().filter_map(|entry| allowed(entry, &passed, cx)).collect();
    Secrets { scan: read::flag(map, "scan").unwrap_or(true), allow }
}

fn allowed(entry: &Node, passed: &[String], cx: &mut Cx<'_>) -> Option<AllowedSecret> {
    let allowed = AllowedSecret { rule: read::text(entry, "rule"), path: read::text(entry, "path") };
    if allowed.rule.is_none() && allowed.path.is_none() {
        let problem = Problem::error("P0103", "an entry of `allow` has neither `rule` nor `path`");
        cx.problems
            .push(problem.at(entry.span, "would allow every secret").help("name a rule, a path, or both"));
        return None;
    }
    if let Some((rule, node)) = allowed.rule.as_deref().zip(entry.get("rule")) {
        let is_known = Scanner::standard().description(rule).is_some() || is_passed(rule, passed);
        if !is_known {
            cx.problems.push(unknown(rule, passed).at(node.span, "not a rule"));
            return None;
        }
    }
    Some(allowed)
}

/// The patterns of all variables whose values are looked for.
fn passed(root: &Node, tasks: &[TaskSpec]) -> Vec<String> {
    let keys = agents::ADAPTERS.iter().flat_map(|adapter| adapter.facts().keys);
    let own = tasks.iter().flat_map(|task| &task.pass_env);
    let gates = tasks.iter().flat_map(|task| &task.gates).flat_map(|gate| &gate.pass_env);
    let all = keys.map(|key| (*key).to_owned()).chain(own.chain(gates).cloned());
    read::texts(root, "pass_env").into_iter().chain(all).collect()
}

fn is_passed(name: &str, passed: &[String]) -> bool {
    passed.iter().any(|pattern| environment::names(pattern, name))
}

fn unknown(rule: &str, passed: &[String]) -> Problem {
    let known = Scanner::standard().rules().chain(passed.iter().map(String::as_str));
    let problem = Problem::error("P0207", format!("there is no rule `{}` for secrets", short(rule)));
    match similar(rule, known) {
        Some(meant) => problem.help(format!("did you mean `{meant}`?")),
        None => problem.help("a rule is named where it finds something; so is a variable of `pass_env`"),
    }
}
