//! Planned runs and tasks: the two events with the most in them.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::event::{RunPlanned, TaskPlanned};
use swarm_domain::plan::{
    Allowed, AllowedSecret, Command, Gate, GateScope, Isolation, MergeOrder, MergePolicy, Meter, NeedWhen,
    OnChangeless, OnConflict, OnFailure, OnLimit, OnStray, OnUnknownCost, Retries, RetryFrom, RetryOn,
    Secrets, Settings, Strategy, TaskSpec, Tree, Wall, Work, Workspace,
};
use swarm_domain::{AtCap, Caps, Event, HazardKind, Learned, Usd};

use super::samples::{oid, task, text};

pub(super) fn samples() -> Vec<Event> {
    let command = Work::Run(Command::Shell(text("make docs")));
    let tasks = [(spec(), Some(oid('7'))), (bare(), None), (TaskSpec { work: command, ..bare() }, None)];
    let tasks = tasks.map(|(spec, carried)| TaskPlanned { spec: Box::new(spec), carried }.into());
    runs().into_iter().chain(tasks).collect()
}

fn runs() -> Vec<Event> {
    let planned = |parent: Option<&str>, settings| -> Event {
        RunPlanned {
            run: text("20261121-083150-f3wm"),
            parent: parent.map(text),
            version: text("0.1.0"),
            source: text("swarm.yaml"),
            at_ms: 1_700_000_000_000,
            tasks: 2,
            settings: Box::new(settings),
        }
        .into()
    };
    let merge = |on_conflict| MergePolicy { strategy: Strategy::Merge, order: MergeOrder::Plan, on_conflict };
    vec![
        planned(Some("20261120-220000-a2b3"), settings()),
        planned(None, unlimited()),
        planned(
            None,
            Settings {
                on_failure: OnFailure::Pause,
                merge: merge(OnConflict::Hold),
                isolation: Isolation { wall: Wall::Bwrap, write: Vec::new() },
                ..unlimited()
            },
        ),
        planned(
            None,
            Settings {
                on_unknown_cost: OnUnknownCost::Refuse,
                meter: Meter::Reported,
                on_limit: OnLimit::Fail,
                merge: merge(OnConflict::Fail),
                isolation: Isolation { wall: Wall::None, write: Vec::new() },
                ..unlimited()
            },
        ),
    ]
}

/// With everything that may be there.
fn settings() -> Settings {
    Settings {
        name: text("shop"),
        base: oid('8'),
        target: text("swarm/shop"),
        target_at: Some(oid('9')),
        caps: Caps {
            usd: Some(Usd::from_micros(12_000_000)),
            tokens: Some(5_000_000),
            calls: Some(2_000),
            turns: Some(400),
            time_ms: Some(28_800_000),
        },
        agent_caps: BTreeMap::from([(text("builder"), Caps { calls: Some(500), ..Caps::NONE })]),
        per_day: Some(Usd::from_micros(40_000_000)),
        warn: vec![50, 80, 100],
        at_cap: AtCap::Kill,
        on_unknown_cost: OnUnknownCost::Estimate,
        meter: Meter::Proxy,
        concurrency: 4,
        gate_slots: 3,
        on_failure: OnFailure::Continue,
        on_limit: OnLimit::Wait,
        instructions: text("Be brief."),
        workspace: Workspace {
            setup: vec![Command::Shell(text("make deps"))],
            copy: vec![text(".env")],
            link: vec![text("node_modules")],
            timeout_ms: 600_000,
        },
        shared: vec![text("Cargo.lock")],
        pass_env: vec![text("NPM_TOKEN")],
        merge: MergePolicy {
            strategy: Strategy::Squash,
            order: MergeOrder::Ready,
            on_conflict: OnConflict::Retry,
        },
        preflight: true,
        identity: (text("Ada"), text("ada@example.org")),
        allow: HazardKind::ALL.map(|kind| (kind, vec![text("docs/**")])).into(),
        tree: Tree::Clone,
        secrets: Secrets {
            scan: true,
            allow: vec![
                AllowedSecret { rule: Some(text("generic-api-key")), path: None },
                AllowedSecret { rule: None, path: Some(text("tests/**")) },
            ],
        },
        isolation: Isolation { wall: Wall::Landlock, write: vec![text("~/.rustup")] },
    }
}

/// With nothing that need not be there.
fn unlimited() -> Settings {
    Settings {
        isolation: Isolation::default(),
        target_at: None,
        caps: Caps::NONE,
        agent_caps: BTreeMap::new(),
        per_day: None,
        warn: vec![],
        at_cap: AtCap::Finish,
        on_unknown_cost: OnUnknownCost::Allow,
        meter: Meter::Proxy,
        on_failure: OnFailure::Stop,
        on_limit: OnLimit::Wait,
        instructions: String::new(),
        workspace: Workspace::default(),
        shared: vec![],
        pass_env: vec![],
        merge: MergePolicy { on_conflict: OnConflict::Agent, ..settings().merge },
        preflight: false,
        allow: Allowed::new(),
        tree: Tree::Worktree,
        secrets: Secrets { scan: false, allow: vec![] },
        ..settings()
    }
}

fn gate(name: &str, run: Command, scope: GateScope) -> Gate {
    Gate {
        name: text(name),
        run,
        timeout_ms: 60_000,
        advisory: scope == GateScope::Both,
        hint: text("run it at home first"),
        scope,
        dir: text("server"),
        paths: vec![text("*.rs")],
        clean: scope == GateScope::Merge,
        baseline_skip: scope == GateScope::Task,
        pass_env: vec![text("CI")],
        network: true,
    }
}

/// With everything that may be there.
fn spec() -> TaskSpec {
    TaskSpec {
        id: task("api"),
        title: text("Add the api"),
        work: Work::Agent {
            agent: text("builder"),
            adapter: text("shell"),
            command: Some(Command::Argv(vec![text("agent"), text("{prompt}")])),
            model: Some(text("large")),
            permission: text("edit"),
            args: vec![text("--verbose"), text("--effort=high")],
            instructions: text("Write tests."),
            prompt: text("Add an api."),
        },
        needs: vec![(task("schema"), NeedWhen::Merged), (task("lint"), NeedWhen::Ended)],
        files: vec![text("src/"), text("!src/main.rs")],
        caps: Caps { usd: Some(Usd::from_micros(2_000_000)), turns: Some(40), ..Caps::NONE },
        estimate: Some(Usd::from_micros(400_000)),
        learned: Some(Learned {
            median: Usd::from_micros(300_000),
            p90: Usd::from_micros(700_000),
            attempts: 14,
            of: text("claude/sonnet"),
        }),
        timeout_ms: Some(1_800_000),
        idle_timeout_ms: Some(300_000),
        retries: Retries {
            max: 2,
            from: RetryFrom::Previous,
            after: BTreeSet::from([RetryOn::Crash, RetryOn::Timeout, RetryOn::Gate, RetryOn::Conflict]),
            delay_ms: 10_000,
            factor_percent: 200,
            delay_max_ms: 60_000,
        },
        gates: vec![
            gate("tests", Command::Shell(text("make test")), GateScope::Task),
            gate("build", Command::Argv(vec![text("make")]), GateScope::Merge),
            gate("spelling", Command::Shell(text("make spell")), GateScope::Both),
        ],
        if_no_changes: OnChangeless::Fail,
        on_claim_violation: OnStray::Warn,
        env: BTreeMap::from([(text("MODE"), text("test"))]),
        pass_env: vec![text("AWS_*")],
        setup: vec![Command::Shell(text("make db"))],
        priority: -3,
        optional: true,
        labels: vec![text("backend")],
    }
}

/// With nothing that need not be there.
fn bare() -> TaskSpec {
    let agent = Work::Agent {
        agent: text("builder"),
        adapter: text("shell"),
        command: None,
        model: None,
        permission: text("edit"),
        args: Vec::new(),
        instructions: String::new(),
        prompt: text("Write."),
    };
    TaskSpec {
        id: task("docs"),
        title: text("Write"),
        work: agent,
        needs: vec![],
        files: vec![],
        caps: Caps::NONE,
        estimate: None,
        learned: None,
        timeout_ms: None,
        idle_timeout_ms: None,
        retries: Retries { max: 0, from: RetryFrom::Base, after: BTreeSet::new(), ..spec().retries },
        gates: vec![],
        if_no_changes: OnChangeless::Ok,
        on_claim_violation: OnStray::Fail,
        env: BTreeMap::new(),
        pass_env: vec![],
        setup: vec![],
        optional: false,
        labels: vec![],
        ..spec()
    }
}
