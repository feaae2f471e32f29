//! Plans in memory for the tests, and one plan written in all three syntaxes.

mod codes;
mod draft;
mod hostile;
mod report;
mod table;

use std::fmt::Write;
use std::path::Path;

use super::node::{Kind, Node};
use super::{Loaded, Refused, Source, Syntax, parse, syntax};

/// A plan that uses everything.
const FULL: &str = include_str!("full.yaml");

const ALL: [Syntax; 3] = [Syntax::Yaml, Syntax::Toml, Syntax::Json];

fn load(text: &str, syntax: Syntax) -> Result<Loaded, Refused> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/tests");
    parse(Source::new("plan", text), syntax, Path::new(folder), "plan", 8)
}

pub(super) fn yaml(text: &str) -> Result<Loaded, Refused> {
    load(text, Syntax::Yaml)
}

/// The codes of everything that is said of a plan, in the order of the file.
fn codes(loaded: &Result<Loaded, Refused>) -> Vec<&'static str> {
    let problems = match loaded {
        Ok(loaded) => &loaded.warnings,
        Err(refused) => &refused.problems,
    };
    problems.iter().map(|problem| problem.code).collect()
}

/// The same plan in another syntax.
fn rewritten(yaml: &str, to: Syntax) -> String {
    let Ok((root, _)) = syntax::read(&Source::new("plan", yaml), Syntax::Yaml) else {
        panic!("not YAML: {yaml}")
    };
    let mut out = String::new();
    match to {
        Syntax::Yaml => return yaml.to_owned(),
        Syntax::Json => value(&root, ": ", &mut out),
        Syntax::Toml => {
            for entry in root.entries() {
                quoted(&entry.key, &mut out);
                out.push_str(" = ");
                value(&entry.value, " = ", &mut out);
                out.push('\n');
            }
        }
    }
    out
}

fn value(node: &Node, colon: &str, out: &mut String) {
    let mut gap = "";
    match &node.kind {
        Kind::Flag(flag) => write!(out, "{flag}").unwrap(),
        Kind::Number(text) => out.push_str(text),
        Kind::Text(text) => quoted(text, out),
        Kind::List(items) => {
            out.push('[');
            for item in items {
                out.push_str(std::mem::replace(&mut gap, ", "));
                value(item, colon, out);
            }
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for entry in entries {
                out.push_str(std::mem::replace(&mut gap, ", "));
                quoted(&entry.key, out);
                out.push_str(colon);
                value(&entry.value, colon, out);
            }
            out.push('}');
        }
        Kind::Null | Kind::Foreign(_) => panic!("no such value in TOML"),
    }
}

fn quoted(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap());
}

/// A plan of `n` tasks in ten layers, each task with a folder of its own. Reservations fit the budget.
fn sample_plan(n: usize) -> String {
    let mut out = String::from(
        "version: 1\nbudget: unlimited\nagents:\n  fake: {adapter: shell, command: \"cat {prompt_file}\", estimate: $0.01}\n\
         gates:\n  unit: make test\ndefaults: {agent: fake, gates: [unit]}\ntasks:\n",
    );
    let layer = n.div_ceil(10).max(1);
    for task in 0..n {
        writeln!(out, "  t{task:05}:\n    files: [\"services/s{task}/**\", \"!services/s{task}/gen/**\"]")
            .unwrap();
        if task >= layer {
            writeln!(out, "    needs: [t{:05}, t{:05}]", task - layer, (task - layer) / layer * layer)
                .unwrap();
            out.truncate(out.trim_end().len());
            if task % layer == 0 {
                let cut = out.rfind(',').unwrap();
                out.replace_range(cut.., "]");
            }
            out.push('\n');
        }
        writeln!(out, "    prompt: |\n      Change service {task}.\n      Keep its tests green.").unwrap();
    }
    out
}
