//! Each error code by the smallest plan that has it, in every syntax that can say it.

use std::path::Path;

use swarm_domain::Usd;

use super::super::{Known, PastAttempt, Place, Source, Syntax, parse_with};
use super::{ALL, codes, load, rewritten, yaml};

/// A plan that is fine but for what is put into it.
fn with(top: &str, task: &str) -> String {
    format!("version: 1\nbudget: $5\n{top}\ntasks:\n  a: {{run: make}}\n  b: {{{task}}}\n")
}

/// The code, what goes into the plan, and what goes into a task.
const CASES: &[(&str, &str, &str)] = &[
    ("P0101", "nmae: x", "run: make"),
    ("P0101", "", "run: make, tiemout: 5m"),
    ("P0101", "", "run: make, model: opus"),
    ("P0101", "defaults: {needs: [a]}", "run: make"),
    ("P0101", "defaults: {prompt: x}", "run: make"),
    ("P0101", "workspace: {before: [x]}", "run: make"),
    ("P0102", "concurrency: lots", "run: make"),
    ("P0102", "concurrency: 0", "run: make"),
    ("P0102", "concurrency: 1.5", "run: make"),
    ("P0102", "", "run: make, optional: yes"),
    ("P0102", "", "run: make, optional: 1"),
    ("P0102", "", "run: make, needs: a"),
    ("P0102", "", "run: make, gates: 5"),
    ("P0102", "", "run: [], retries: 1"),
    ("P0102", "", "run: make, retries: many"),
    ("P0102", "", "run: make, retries: {max: -1}"),
    ("P0102", "", "run: make, retries: {after: [boredom]}"),
    ("P0102", "", "run: make, title: 5"),
    ("P0102", "on_failure: contine", "run: make"),
    ("P0102", "merge: squash", "run: make"),
    ("P0103", "gates: {g: {timeout: 5m}}", "run: make, gates: [g]"),
    ("P0103", "", "prompt: x"),
    ("P0103", "agents: {x: {adapter: shell}}", "prompt: x, agent: x"),
    ("P0103", "agents: {x: {command: 'x {model}'}}", "prompt: x, agent: x, estimate: 1"),
    ("P0104", "gates: {g: x}", "run: make, gates: [g, g]"),
    ("P0104", "", "run: make, needs: [a, a]"),
    ("P0105", "", "run: make, prompt: x"),
    ("P0105", "", "title: nothing"),
    ("P0105", "instructions: x\ninstructions_file: full.yaml", "run: make"),
    ("P0106", "name: Über", "run: make"),
    ("P0106", "target: a..b", "run: make"),
    ("P0106", "deadline: 10", "run: make"),
    ("P0106", "deadline: 0s", "run: make"),
    ("P0106", "deadline: 5 minutes", "run: make"),
    ("P0106", "", "run: make, budget: -5"),
    ("P0106", "", "run: make, budget: '$1,000'"),
    ("P0106", "", "run: make, budget: 1e309"),
    ("P0106", "", "run: make, budget: NaN"),
    ("P0106", "", "run: make, env: {A-B: x}"),
    ("P0106", "pass_env: [A=b]", "run: make"),
    ("P0107", "", "run: make, depends_on: [a]"),
    ("P0107", "", "run: make, dependsOn: [a]"),
    ("P0107", "", "run: make, max_retries: 2"),
    ("P0107", "", "run: make, timeout-minutes: 5"),
    ("P0107", "", "run: make, timeout_minutes: 5"),
    ("P0107", "", "run: make, idleTimeout: 5m"),
    ("P0107", "max-parallel: 3", "run: make"),
    ("P0109", "", "run: make, files: [../x]"),
    ("P0109", "", "run: make, files: ['a[']"),
    ("P0109", "workspace: {copy: [/etc/passwd]}", "run: make"),
    ("P0201", "", "run: make, gates: [nope]"),
    ("P0202", "", "prompt: x, agent: nope"),
    ("P0203", "", "prompt_file: nope.md, agent: shell"),
    ("P0204", "agents: {x: {adapter: claude, command: claude}}", "prompt: x, agent: x, estimate: 1"),
    ("P0204", "agents: {x: {command: 'true', args: [v]}}", "prompt: x, agent: x, estimate: 1"),
    ("P0204", "agents: {x: {adapter: aider, permission: run}}", "prompt: x, agent: x, estimate: 1"),
    ("P0302", "", "run: make, needs: [zz]"),
    ("P0302", "", "run: make, needs: [b]"),
    ("P0401", "", "run: make, estimate: $3, budget: $2"),
    ("P0401", "", "run: make, estimate: $6"),
    ("P0402", "", "run: make, budget: 0"),
];

#[test]
fn every_code_in_every_syntax() {
    for (code, top, task) in CASES {
        let plan = with(top, task);
        for syntax in ALL {
            let text = rewritten(&plan, syntax);
            let loaded = load(&text, syntax);
            assert!(loaded.is_err(), "{syntax:?} took {text}");
            assert!(
                codes(&loaded).contains(code),
                "{code} is missing, {syntax:?}: {:?}\n{text}",
                codes(&loaded)
            );
        }
    }
}

#[test]
fn one_mistake_is_one_problem() {
    for (top, task) in [
        ("", "run: make, depends_on: [a]"),
        ("", "run: make, tiemout: 5m"),
        ("", "run: make, timeout_minutes: 5"),
        ("", "run: make, budget: 0"),
        ("", "run: make, gates: [x y]"),
        ("", "run: make, needs: [.x]"),
        ("", "run: make, optional: yes"),
        ("nmae: x", "run: make"),
        ("gates: {g: {timeout: 5m}}", "run: make, title: x"),
    ] {
        let loaded = yaml(&with(top, task));
        assert_eq!(codes(&loaded).len(), 1, "{task}: {:?}", loaded.map(|loaded| loaded.warnings));
    }
    // A misspelt `tasks` is read all the same, and so is another tool's.
    for plan in
        ["version: 1\nbudget: 1\ntaks: {a: {run: make}}", "version: 1\nbudget: 1\njobs: {a: {run: make}}"]
    {
        assert_eq!(codes(&yaml(plan)).len(), 1, "{plan}");
    }
}

#[test]
fn the_plan_as_a_whole() {
    for (code, plan) in [
        ("P0103", "version: 1\nbudget: 1\ntasks: {}"),
        ("P0103", "budget: 1\ntasks: {a: {run: make}}"),
        ("P0103", "version: 1\nbudget: 1"),
        ("P0108", "version: 2\nbudget: 1\ntasks: {a: {run: make}}"),
        ("P0402", "version: 1\ntasks: {a: {run: make}}"),
        ("P0402", "version: 1\nbudget: 0\ntasks: {a: {run: make}}"),
        ("P0402", "version: 1\nbudget: {usd: 0.0}\ntasks: {a: {run: make}}"),
        ("P0106", "version: 1\nbudget: 1\ntasks: {../x: {run: make}}"),
        ("P0104", "version: 1\nbudget: 1\ntasks: [{id: a, run: make}, {id: a, run: make}]"),
        ("P0301", "version: 1\nbudget: 1\ntasks: {a: {run: make, needs: [b]}, b: {run: make, needs: [a]}}"),
        (
            "P0303",
            "version: 1\nbudget: 1\ntasks: {a: {run: make, files: [src/**]}, b: {run: make, files: ['src/x.rs']}}",
        ),
    ] {
        for syntax in ALL {
            let loaded = load(&rewritten(plan, syntax), syntax);
            assert!(
                loaded.is_err() && codes(&loaded).contains(&code),
                "{code} {syntax:?}: {:?}\n{plan}",
                codes(&loaded)
            );
        }
    }
}

#[test]
fn keys_given_twice() {
    for (syntax, text) in [
        (Syntax::Yaml, "version: 1\nbudget: 1\nbudget: 2\ntasks: {a: {run: make}}"),
        (Syntax::Toml, "version = 1\nbudget = 1\nbudget = 2\n[tasks.a]\nrun = 'make'"),
        (Syntax::Json, r#"{"version": 1, "budget": 1, "budget": 2, "tasks": {"a": {"run": "make"}}}"#),
        (Syntax::Json, r#"{"version": 1, "budget": 1, "tasks": {"a": {"run": "make"}, "a": {"run": "x"}}}"#),
    ] {
        assert_eq!(codes(&load(text, syntax)), ["P0104"], "{text}");
    }
}

#[test]
fn what_is_no_plan_at_all() {
    for (syntax, text) in [
        (Syntax::Yaml, "a: [1\nb: 2"),
        (Syntax::Yaml, "a:\n\tb: 1"),
        (Syntax::Yaml, ""),
        (Syntax::Yaml, "version: 1\n---\nversion: 1\n"),
        (Syntax::Toml, "a = \nb = 2"),
        (Syntax::Json, "{'a': 1}"),
        (Syntax::Json, "{\"a\": 0x10}"),
        (Syntax::Json, ""),
    ] {
        assert_eq!(codes(&load(text, syntax)), ["P0001"], "{text:?}");
    }
    assert_eq!(codes(&yaml("- a\n- b")), ["P0102"]);
    let commented =
        "// a plan\n{\"version\": 1, \"budget\": \"$1\", \"tasks\": {\"a\": {\"run\": \"make\"},},}";
    assert!(load(commented, Syntax::Json).is_ok());
}

#[test]
fn overlaps_only_where_tasks_can_run_together() {
    let plan = |needs: &str, files: &str| {
        format!(
            "version: 1\nbudget: 1\nshared: ['*.lock']\ntasks:\n  a: {{run: make, files: [src/**, a.lock]}}\n  m: {{run: make, needs: [a]}}\n  b: {{run: make, needs: [{needs}], files: [{files}]}}\n"
        )
    };
    assert_eq!(codes(&yaml(&plan("", "src/x.rs"))), ["P0303"]);
    assert!(yaml(&plan("m", "src/x.rs")).is_ok(), "a need of a need orders them too");
    assert!(yaml(&plan("", "a.lock")).is_ok(), "what is shared is left to the merge");
    assert!(yaml(&plan("", "'docs/**', '!src/**'")).is_ok());
}

#[test]
fn a_cycle_does_not_hide_an_overlap() {
    let plan = "version: 1\nbudget: 1\ntasks:\n  up: {run: x, files: [u.md]}\n  a: {run: x, needs: [b], files: [a.md]}\n  \
                b: {run: x, needs: [a, up], files: [a.md]}\n  down: {run: x, needs: [a], files: [u.md]}\n  other: {run: x, files: [u.md]}\n";
    assert_eq!(
        codes(&yaml(plan)),
        ["P0301", "P0303", "P0303"],
        "`other` meets `up` and `down`, which wait for one another"
    );
}

#[test]
fn all_problems_at_once_in_the_order_of_the_file() {
    let plan = "version: 1\nbudget: -1\nconcurrency: x\ngates: {g: {}}\ntasks:\n  a: {run: make, needs: [zz]}\n  b: {tiemout: 5}\n";
    let Err(refused) = yaml(plan) else { panic!("a bad plan was taken") };
    let found: Vec<&str> = refused.problems.iter().map(|problem| problem.code).collect();
    assert_eq!(found, ["P0106", "P0102", "P0103", "P0302", "P0105", "P0101", "P0106"]);
    assert!(refused.problems.is_sorted_by_key(super::super::Problem::position));
}

#[test]
fn warnings_let_a_plan_pass() {
    let plan = "version: 1\nbudget: 1\nagents: {x: {command: x}, y: {command: y}}\ngates: {g: x}\n\
                tasks: {a: {prompt: p, agent: x}, b: {prompt: p, agent: x}}";
    assert_eq!(codes(&yaml(plan)), ["P0404", "P0206", "P0205", "P0403"]);
    assert!(yaml(plan).is_ok());
}

#[test]
fn money_is_judged_by_what_is_learned_and_by_the_cap_that_holds() {
    let cents = |cents: u64| Usd::from_micros(cents * 10_000);
    let past = [9, 9, 9].map(|cost| PastAttempt {
        agent: "x".to_owned(),
        adapter: "shell".to_owned(),
        model: None,
        labels: Vec::new(),
        cost: cents(cost),
    });
    let plan = "version: 1\nbudget: $0.50\nagents: {x: {adapter: shell, command: x}}\n\
                tasks: {a: {prompt: p, agent: x}, b: {prompt: p, agent: x}}";
    for (past, cap, expected) in [
        (&past[..0], None, &["P0404", "P0401", "P0403", "P0401"][..]),
        (&past, None, &[]),
        (&past[..2], None, &["P0404", "P0401", "P0403", "P0401"]),
        (&past[..0], Some(cents(300)), &["P0403"]),
        // No place of the plan says so, so they come first.
        (&past[..0], Some(cents(150)), &["P0404", "P0403"]),
        (&past, Some(cents(10)), &["P0404"]),
    ] {
        let place = Place { folder: Path::new("."), stem: "p", cpus: 8 };
        let loaded = parse_with(Source::new("p", plan), Syntax::Yaml, &place, &Known { past, cap });
        assert_eq!(codes(&loaded), expected, "{} learned, {cap:?}", past.len());
    }
}
