//! The reference pages against what they describe: keys, commands, events, exit codes, variables. Nothing is left out, nothing is made up.

use std::collections::BTreeSet;

use clap::CommandFactory;
use serde_json::Value;
use swarm::cli::args::Cli;
use swarm::plan::{Source, Syntax};
use swarm::world::environment::ALLOWED;
use swarm_domain::Event;
use swarm_domain::fact::Outcome;

use crate::{expect_none, read, root};

/// What stands between backquotes in the first column of the table rows below a heading.
fn first_column(page: &str, heading: &str) -> BTreeSet<String> {
    let text = read(page);
    let below = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{page} has no `## {heading}`"))
        .1;
    let section = below.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn the_allowed_variables_are_those_of_the_page() {
    let page = first_column("docs/reference/environment.md", "Handed on");
    let code: BTreeSet<String> = ALLOWED.iter().map(ToString::to_string).collect();
    assert_eq!(page, code);
}

#[test]
fn every_event_is_on_the_page() {
    let page = first_column("docs/reference/events.md", "Types");
    let code: BTreeSet<String> = Event::KINDS.iter().map(|(_, name)| (*name).to_owned()).collect();
    assert_eq!(page, code);
}

/// Every key of the schema, wherever it is.
fn keys(schema: &Value, found: &mut BTreeSet<String>) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Object(properties)) = map.get("properties") {
                found.extend(properties.keys().cloned());
            }
            map.values().for_each(|value| keys(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_of_a_plan_is_on_the_page() {
    let page = read("docs/reference/plan.md");
    let mut code = BTreeSet::new();
    keys(&swarm::plan::plan_schema(), &mut code);
    assert!(code.len() > 40, "the schema has hardly any keys: {code:?}");
    let absent = code.iter().filter(|key| !page.contains(&format!("| `{key}` ")));
    expect_none(&absent.map(|key| format!("plan.md has no row for `{key}`")).collect::<Vec<_>>());
}

/// The blocks of a page in a language, without those that belong to a longer story.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = read(page);
    let blocks = text.split("\n```").skip(1).step_by(2);
    blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n"))).map(str::to_owned).collect()
}

#[test]
fn plans_that_are_shown_can_be_run() {
    for page in ["README.md", "docs/reference/plan.md"] {
        let plans = blocks(page, "yaml");
        assert!(!plans.is_empty(), "{page} shows no plan");
        for plan in plans {
            let parsed = swarm::plan::parse(Source::new(page, &plan), Syntax::Yaml, &root(), "plan", 4);
            assert!(parsed.is_ok(), "{}", parsed.unwrap_err());
        }
    }
}

#[test]
fn every_command_and_option_is_on_the_page() {
    let page = read("docs/reference/cli.md");
    let mut complaints = Vec::new();
    for command in Cli::command().get_subcommands() {
        let name = command.get_name();
        let Some((_, below)) = page.split_once(&format!("\n## swarm {name}\n")) else {
            complaints.push(format!("cli.md has no `## swarm {name}`"));
            continue;
        };
        let section = below.split("\n## ").next().unwrap_or_default();
        let options = command.get_arguments().filter_map(|arg| arg.get_long());
        let absent = options.filter(|option| !section.contains(&format!("`--{option}")));
        complaints.extend(absent.map(|option| format!("cli.md does not mention `swarm {name} --{option}`")));
    }
    for option in Cli::command().get_arguments().filter_map(clap::Arg::get_long) {
        if !page.contains(&format!("`--{option}")) {
            complaints.push(format!("cli.md does not mention the global `--{option}`"));
        }
    }
    expect_none(&complaints);
}

#[test]
fn every_outcome_has_its_exit_code_on_the_page() {
    let page = read("docs/reference/exit-codes.md");
    let outcomes = [
        Outcome::Landed,
        Outcome::Partial,
        Outcome::Failed,
        Outcome::Budget,
        Outcome::Deadline,
        Outcome::Cancelled,
        Outcome::Merge,
        Outcome::Environment,
        Outcome::Paused,
        Outcome::Interrupted { signal: 2 },
        Outcome::Interrupted { signal: 15 },
    ];
    let absent = outcomes
        .iter()
        .filter(|outcome| !page.contains(&format!("| `{}` | {} |", outcome.word(), outcome.exit_code())));
    expect_none(&absent.map(|outcome| format!("no row for {outcome:?}")).collect::<Vec<_>>());
}
