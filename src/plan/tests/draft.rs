//! What a good plan is decoded to, and that the syntax makes no difference.

use swarm_domain::plan::{NeedWhen, OnChangeless, OnStray, RetryFrom, Work};
use swarm_domain::{
    AtCap, Caps, GateScope, HazardKind, MergeOrder, Oid, OnConflict, OnFailure, OnUnknownCost, Program,
    RetryOn, Strategy, Tree, Usd, Wall,
};

use super::super::{Draft, Resolved};
use super::{ALL, FULL, load, rewritten, yaml};

fn full() -> Draft {
    let loaded = yaml(FULL).unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(loaded.warnings, []);
    loaded.draft
}

#[test]
fn three_syntaxes_give_one_draft() {
    for syntax in ALL {
        let text = rewritten(FULL, syntax);
        let loaded = load(&text, syntax).unwrap_or_else(|refused| panic!("{syntax:?}: {refused}\n{text}"));
        assert_eq!(loaded.draft, full(), "{syntax:?}");
    }
}

#[test]
fn what_holds_for_the_run() {
    let draft = full();
    assert_eq!(
        (draft.name.as_str(), draft.base.as_deref(), draft.target.as_deref()),
        ("auth-refactor", Some("main"), Some("swarm/auth"))
    );
    assert_eq!(
        (draft.caps.usd, draft.warn.as_slice(), draft.caps.tokens),
        (Some(Usd::from_dollars(12)), &[75][..], Some(2_000_000))
    );
    let builder = Caps { usd: Some(Usd::from_dollars(8)), calls: Some(2_000), ..Caps::NONE };
    assert_eq!(draft.agent_caps, [("builder".to_owned(), builder)].into());
    assert_eq!((draft.per_day, draft.at_cap), (Some(Usd::from_dollars(40)), AtCap::Kill));
    assert_eq!(draft.on_unknown_cost, OnUnknownCost::Allow);
    assert_eq!((draft.concurrency, draft.gate_slots, draft.caps.time_ms), (3, 2, Some(28_800_000)));
    assert_eq!(draft.on_failure, OnFailure::Pause);
    assert_eq!(draft.instructions, "Follow CONTRIBUTING.md – always.\n");
    assert_eq!(
        draft.workspace.setup,
        [Program::Shell("npm ci".into()), Program::Argv(vec!["make".into(), "deps".into()])]
    );
    assert_eq!(draft.workspace.timeout_ms, 300_000);
    assert_eq!(
        (draft.merge.strategy, draft.merge.order, draft.merge.on_conflict),
        (Strategy::Merge, MergeOrder::Plan, OnConflict::Hold)
    );
}

#[test]
fn a_task_over_its_defaults() {
    let draft = full();
    let [tokens, sessions, docs] = &draft.tasks[..] else { panic!("three tasks") };
    let Work::Agent { agent, model, permission, prompt, .. } = &tokens.work else {
        panic!("an agent's task")
    };
    assert_eq!((agent.as_str(), model.as_deref(), permission.as_str()), ("builder", Some("sonnet"), "edit"));
    assert_eq!(prompt, "Extract token signing 🚀 …\n");
    assert_eq!(
        (tokens.caps.usd, tokens.estimate),
        (Some(Usd::from_dollars(2)), Some(Usd::from_micros(400_000)))
    );
    assert_eq!((tokens.timeout_ms, tokens.idle_timeout_ms), (Some(1_200_000), Some(600_000)));
    let env: Vec<(&str, &str)> =
        tokens.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        env,
        [("A", "2"), ("MODE", "agent"), ("PORT", "8080")],
        "defaults, then the agent, then the task"
    );
    assert_eq!(tokens.pass_env, ["AGENT_KEY", "B"]);
    assert_eq!(tokens.if_no_changes, OnChangeless::Fail);
    assert_eq!(
        (tokens.retries.max, tokens.retries.from, tokens.retries.delay_ms),
        (2, RetryFrom::Base, 10_000)
    );
    assert_eq!(tokens.retries.after.len(), 4);

    assert_eq!(sessions.title, "sessions");
    let names: Vec<&str> = sessions.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(names, ["unit", "web"]);
    let web = &sessions.gates[1];
    assert_eq!(
        (web.timeout_ms, web.scope, web.baseline_skip, web.dir.as_str()),
        (90_000, GateScope::Both, true, "web")
    );
    assert_eq!(
        (sessions.retries.max, sessions.retries.from, sessions.retries.factor_percent),
        (3, RetryFrom::Base, 150)
    );
    assert!(sessions.retries.after.iter().eq(&[RetryOn::Crash, RetryOn::Gate]));
    assert_eq!((sessions.retries.delay_ms, sessions.retries.delay_max_ms), (250, 5_400_000));
    assert_eq!(
        (sessions.idle_timeout_ms, sessions.on_claim_violation, sessions.if_no_changes),
        (None, OnStray::Fail, OnChangeless::Ok)
    );

    assert_eq!(docs.needs[0].1, NeedWhen::Ended);
    assert_eq!(
        (docs.caps.usd, docs.timeout_ms, docs.idle_timeout_ms, docs.optional),
        (None, Some(120_000), None, true)
    );
    assert_eq!((docs.retries.max, docs.retries.delay_ms), (0, 1_000));
    let names: Vec<&str> = docs.gates.iter().map(|gate| gate.name.as_str()).collect();
    assert_eq!(names, ["argv", "links", "gate-3"]);
}

#[test]
fn what_is_left_out_has_a_default() {
    let loaded =
        yaml("version: 1\nbudget: 5\ntasks: {a: {run: make}}").unwrap_or_else(|refused| panic!("{refused}"));
    let draft = loaded.draft;
    assert_eq!(
        (draft.name.as_str(), draft.target_name().as_str(), draft.concurrency),
        ("plan", "swarm/plan", 4)
    );
    let task = &draft.tasks[0];
    assert_eq!(
        (task.timeout_ms, task.idle_timeout_ms, task.retries.max, task.estimate),
        (None, None, 0, None)
    );
    assert_eq!(
        (task.if_no_changes, task.on_claim_violation, task.title.as_str()),
        (OnChangeless::Ok, OnStray::Warn, "a")
    );
    let resolved = Resolved {
        base: Oid::new("1234"),
        target: draft.target_name(),
        target_at: None,
        identity: ("A".into(), "a@b".into()),
        preflight: true,
    };
    let plan = draft.into_plan(resolved).unwrap();
    assert_eq!((plan.settings().target.as_str(), plan.tasks().len()), ("swarm/plan", 1));
}

#[test]
fn the_ways_to_write_a_budget() {
    for (written, cap) in [
        ("12", Some(12_000_000)),
        ("0.40", Some(400_000)),
        ("$12", Some(12_000_000)),
        ("\"$12\"", Some(12_000_000)),
        ("12usd", Some(12_000_000)),
        ("{usd: $3}", Some(3_000_000)),
        ("unlimited", None),
        ("{usd: unlimited, tokens: 5k}", None),
    ] {
        let loaded = yaml(&format!("version: 1\nbudget: {written}\ntasks: {{a: {{run: make}}}}"));
        let draft = loaded.unwrap_or_else(|refused| panic!("{written}: {refused}")).draft;
        assert_eq!(draft.caps.usd, cap.map(Usd::from_micros), "{written}");
    }
}

#[test]
fn a_list_of_tasks_and_tables_of_toml() {
    let listed =
        yaml("version: 1\nbudget: 5\ntasks: [{id: b, run: make}, {id: a, run: make, needs: [b]}]").unwrap();
    let mapped =
        yaml("version: 1\nbudget: 5\ntasks:\n  b: {run: make}\n  a: {run: make, needs: [b]}").unwrap();
    assert_eq!(listed.draft, mapped.draft);
    let tables = "version = 1\nbudget = 5\n[tasks.b]\nrun = 'make'\n[tasks.a]\nrun = 'make'\nneeds = ['b']";
    assert_eq!(
        load(tables, super::Syntax::Toml).unwrap().draft,
        mapped.draft,
        "the order is that of the file"
    );
    let array = "version = 1\nbudget = 5\n[[tasks]]\nid = 'b'\nrun = 'make'\n[[tasks]]\nid = 'a'\nrun = 'make'\nneeds = ['b']";
    assert_eq!(load(array, super::Syntax::Toml).unwrap().draft, mapped.draft);
}

#[test]
fn an_agent_may_run_commands_unless_its_program_cannot() {
    for (agent, may) in [("claude", "run"), ("aider", "edit"), ("shell", "run")] {
        let command = if agent == "shell" { ", command: x" } else { "" };
        let text = format!(
            "version: 1\nbudget: 1\nagents: {{ it: {{ adapter: {agent}{command}, estimate: 0.1 }} }}\ntasks: {{ a: {{ agent: it, prompt: p }} }}\n"
        );
        let draft = yaml(&text).unwrap().draft;
        let Work::Agent { permission, .. } = &draft.tasks[0].work else { unreachable!("it is an agent's") };
        assert_eq!(permission, may, "{agent}");
    }
}

/// A plan with one task.
fn plan(head: &str) -> Draft {
    let text = format!("version: 1\nbudget: 1usd\n{head}\ntasks:\n  a: {{ run: \"true\" }}\n");
    yaml(&text).unwrap_or_else(|refused| panic!("{refused}")).draft
}

#[test]
fn isolation_is_a_word_or_a_map_and_nothing_is_allowed_that_was_not_named() {
    let usual = plan("name: t");
    assert_eq!((usual.tree, usual.allow.len()), (Tree::Worktree, 0));
    for head in ["isolation: clone", "isolation: { tree: clone }"] {
        assert_eq!(plan(head).tree, Tree::Clone, "{head}");
    }
    assert_eq!(plan("isolation: worktree").tree, Tree::Worktree);
    let both = plan("isolation: { wall: landlock, tree: clone }");
    assert_eq!((both.tree, both.isolation.wall), (Tree::Clone, Wall::Landlock));
    assert_eq!(
        (plan("isolation: clone").isolation.wall, plan("isolation: bwrap").tree),
        (Wall::Auto, Tree::Worktree)
    );
    let allow = plan("merge: { allow: { links: [a, b/**], markers: [docs/] } }").allow;
    let kinds: Vec<HazardKind> = allow.keys().copied().collect();
    assert_eq!(kinds, [HazardKind::Link, HazardKind::Marker]);
    assert_eq!(allow[&HazardKind::Link], ["a", "b/**"]);
}

#[test]
fn isolation_is_a_wall_or_a_map_and_a_gate_has_the_network_unless_it_is_denied() {
    assert_eq!(plan("name: t").isolation.wall, Wall::Auto);
    for (word, wall) in
        [("auto", Wall::Auto), ("bwrap", Wall::Bwrap), ("landlock", Wall::Landlock), ("none", Wall::None)]
    {
        assert_eq!(plan(&format!("isolation: {word}")).isolation.wall, wall, "{word}");
        let map = plan(&format!("isolation: {{ wall: {word}, write: [~/.rustup, /srv/cache] }}"));
        assert_eq!(map.isolation.wall, wall, "{word}");
        assert_eq!(map.isolation.write, ["~/.rustup", "/srv/cache"]);
    }
    assert_eq!(plan("isolation: { write: [/srv/cache] }").isolation.wall, Wall::Auto);
    let gates = "gates: { a: { run: x, network: false }, b: x }\ndefaults: { gates: [a, b] }";
    let network: Vec<bool> = plan(gates).tasks[0].gates.iter().map(|gate| gate.network).collect();
    assert_eq!(network, [false, true]);
}

#[test]
fn places_that_a_plan_opens_are_those_of_a_machine() {
    for place in ["/", "~/", "~", "relative", "~ann/x", "/srv/../etc", ""] {
        let text = format!(
            "version: 1\nbudget: 1usd\nisolation: {{ write: [\"{place}\"] }}\ntasks:\n  a: {{ run: \"true\" }}\n"
        );
        assert!(yaml(&text).is_err(), "{place}");
    }
}
