//! The keys that hold for the whole run.

use super::agents::{AGENT, GATE};
use super::money::BUDGET;
use super::tasks::{DEFAULTS, LISTED_TASK, TASK};
use super::{
    ARGV, COMMANDS, FILLED, GLOBS, LIMIT, NAMES, NOTHING, PATHS, PLANNED, Scalar, Section, Shape, TEXT,
    TIMEOUT, field,
};

/// The whole plan.
pub(in crate::plan) static PLAN: Section = Section {
    what: "a plan",
    fields: &[&[
        field("version", Shape::One(Scalar::Version), "The version of the plan's format."),
        field("name", Shape::One(Scalar::Slug), "The plan's name; default: the file's name."),
        field("base", Shape::One(Scalar::Commit), "What the run is based on, resolved once; default HEAD."),
        field(
            "target",
            Shape::One(Scalar::Branch),
            "The branch that finished work lands on; default swarm/<name>.",
        ),
        field(
            "budget",
            Shape::Either(&[Shape::One(Scalar::Budget), Shape::Keys(&BUDGET)]),
            "The hard cap for the whole run, required; `unlimited` is spelled out.",
        ),
        field(
            "concurrency",
            Shape::One(Scalar::Whole(1, 10_000)),
            "Attempts at once; default the number of processors, at most 4.",
        ),
        field("gate_slots", Shape::One(Scalar::Whole(1, 1_000)), "Gates at once, on top of that; default 1."),
        field("deadline", LIMIT, "Wall clock for the run; default none."),
        field(
            "on_failure",
            Shape::One(Scalar::Word(&["continue", "stop", "pause"])),
            "What a failed task does to the rest; dependents are skipped either way; default continue.",
        ),
        field(
            "on_rate_limit",
            Shape::One(Scalar::Word(&["wait", "fail"])),
            "What a rate limit of an agent's provider means; default wait: nothing of that agent starts until it is over.",
        ),
        field("instructions", TEXT, "Put before every prompt."),
        field("instructions_file", FILLED, "The same from a file, relative to the plan."),
        field("workspace", Shape::Keys(&WORKSPACE), "How every attempt's and gate's worktree is made ready."),
        field("shared", GLOBS, "Files outside all claims, left to the merge."),
        field(
            "pass_env",
            NAMES,
            "Names of variables passed through to everything; values are never recorded.",
        ),
        field("agents", Shape::Map(Scalar::Id, &Shape::Keys(&AGENT)), "Agents by name."),
        field(
            "gates",
            Shape::Map(Scalar::Id, &Shape::Either(&[FILLED, ARGV, Shape::Keys(&GATE)])),
            "Checks by name: a command, or a map with `run`.",
        ),
        field("defaults", Shape::Keys(&DEFAULTS), "What tasks have that do not say otherwise."),
        field("merge", Shape::Keys(&MERGE), "How finished work lands."),
        field(
            "tasks",
            Shape::Either(&[
                Shape::Map(Scalar::Id, &Shape::Keys(&TASK)),
                Shape::Some(&Shape::Keys(&LISTED_TASK)),
            ]),
            "The tasks by id, or a list of tasks with `id`.",
        ),
    ]],
    required: &["version", "tasks"],
    foreign: &[
        ("jobs", "tasks"),
        ("steps", "tasks"),
        ("max_parallel", "concurrency"),
        ("max-parallel", "concurrency"),
        ("parallel", "concurrency"),
        ("parallelism", "concurrency"),
        ("workers", "concurrency"),
        ("max_workers", "concurrency"),
        ("max_cost", "budget"),
        ("max_budget", "budget"),
        ("max_budget_usd", "budget"),
        ("cost_limit", "budget"),
        ("branch", "target"),
        ("base_branch", "base"),
        ("timeout", "deadline"),
        ("checks", "gates"),
        ("default", "defaults"),
    ],
    refused: &[
        ("on", "a plan has no triggers: it runs when `swarm run` is called"),
        ("env", "variables are set per task, per agent or under `defaults`"),
        ("breaker", PLANNED),
        ("policy", PLANNED),
        ("notify", PLANNED),
        ("hooks", PLANNED),
        ("review", PLANNED),
    ],
};

/// How worktrees are made ready.
pub(in crate::plan) static WORKSPACE: Section = Section {
    what: "the workspace",
    fields: &[&[
        field("setup", COMMANDS, "Commands run in each new worktree before anything else."),
        field("copy", PATHS, "Ignored files copied in from the checkout, never committed."),
        field("link", PATHS, "The same by symbolic link, to be read only."),
        field("timeout", TIMEOUT, "How long setup may take; default 10m."),
    ]],
    required: &[],
    foreign: &[("install", "setup"), ("init", "setup")],
    refused: NOTHING,
};

/// How finished work lands.
pub(in crate::plan) static MERGE: Section = Section {
    what: "`merge`",
    fields: &[&[
        field(
            "strategy",
            Shape::One(Scalar::Word(&["squash", "merge"])),
            "One commit a task, or its own commits under a merge; default squash.",
        ),
        field(
            "order",
            Shape::One(Scalar::Word(&["ready", "plan"])),
            "As tasks become ready, or in the order of the plan; default ready.",
        ),
        field(
            "on_conflict",
            Shape::One(Scalar::Word(&["retry", "agent", "hold", "fail"])),
            "What a conflict with the target means; default retry.",
        ),
    ]],
    required: &[],
    foreign: &[("method", "strategy"), ("mode", "strategy")],
    refused: NOTHING,
};
