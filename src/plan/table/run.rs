//! The keys that hold for the whole run.

use super::agents::{AGENT, GATE};
use super::money::BUDGET;
use super::tasks::{DEFAULTS, LISTED_TASK, TASK};
use super::{
    ARGV, COMMANDS, FILLED, FLAG, GLOBS, LIMIT, NAMES, NOTHING, PATHS, PLANNED, Scalar, Section, Shape, TEXT,
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
        field("secrets", Shape::Keys(&SECRETS), "How secrets are kept out of prompts and of what lands."),
        field(
            "isolation",
            Shape::Either(&[Shape::One(Scalar::Word(ISOLATIONS)), Shape::Keys(&ISOLATION)]),
            "How far attempts and gates are kept apart from the machine and from your repository: a word, or a map.",
        ),
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
        ("sandbox", "isolation"),
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

/// What may land although it is a hazard.
pub(in crate::plan) static ALLOW: Section = Section {
    what: "`allow`",
    fields: &[&[
        field("links", GLOBS, "Symbolic links that lead out of the repository."),
        field("clashes", GLOBS, "Paths that differ from another only in case or Unicode form."),
        field("submodules", GLOBS, "Submodules and `.gitmodules`."),
        field("markers", GLOBS, "Files that may hold conflict markers, such as the docs of a merge tool."),
    ]],
    required: &[],
    foreign: &[
        ("symlinks", "links"),
        ("case", "clashes"),
        ("gitmodules", "submodules"),
        ("conflicts", "markers"),
    ],
    refused: NOTHING,
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

/// How secrets are kept out.
pub(in crate::plan) static SECRETS: Section = Section {
    what: "`secrets`",
    fields: &[&[
        field(
            "scan",
            FLAG,
            "Whether what looks like a secret is refused in prompts and in what lands; default true.",
        ),
        field(
            "allow",
            Shape::List(&Shape::Keys(&ALLOWED_SECRET)),
            "Findings that are none: a rule, a path, or a rule in a path.",
        ),
    ]],
    required: &[],
    foreign: &[("allowlist", "allow"), ("ignore", "allow"), ("enabled", "scan")],
    refused: NOTHING,
};

/// A finding that is none.
pub(in crate::plan) static ALLOWED_SECRET: Section = Section {
    what: "an entry of `allow`",
    fields: &[&[
        field(
            "rule",
            FILLED,
            "The rule that finds it, such as `generic-api-key`, or the variable whose value it is; default any.",
        ),
        field(
            "path",
            Shape::One(Scalar::PlainGlob),
            "The files that it is in, as a gitignore glob; default everywhere.",
        ),
    ]],
    required: &[],
    foreign: &[("id", "rule"), ("rule_id", "rule"), ("file", "path"), ("files", "path"), ("paths", "path")],
    refused: NOTHING,
};

/// The walls, and what attempts can work in, as one list of words.
const ISOLATIONS: &[&str] = &["auto", "bwrap", "landlock", "none", "worktree", "clone"];

/// How far attempts and gates are kept apart from the machine and from the repository, in its long form.
pub(in crate::plan) static ISOLATION: Section = Section {
    what: "`isolation`",
    fields: &[&[
        field(
            "wall",
            Shape::One(Scalar::Word(&["auto", "bwrap", "landlock", "none"])),
            "What keeps them apart; default auto: the strongest wall that the machine offers.",
        ),
        field(
            "write",
            Shape::List(&Shape::One(Scalar::Place)),
            "More folders and files that may be written, as absolute paths or below `~/`.",
        ),
        field(
            "tree",
            Shape::One(Scalar::Word(&["worktree", "clone"])),
            "What an attempt works in: a worktree of your repository, or a repository of its own; default worktree.",
        ),
    ]],
    required: &[],
    foreign: &[("sandbox", "wall"), ("writable", "write"), ("allow_write", "write")],
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
        field(
            "allow",
            Shape::Keys(&ALLOW),
            "What may land although swarm would refuse it, by path; default nothing.",
        ),
    ]],
    required: &[],
    foreign: &[("method", "strategy"), ("mode", "strategy")],
    refused: NOTHING,
};
