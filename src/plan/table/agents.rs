//! The keys of agents and gates.

use super::{
    COMMAND, ENV, FILLED, FLAG, Field, GLOBS, NAMES, NOTHING, Scalar, Section, Shape, TEXT, TIMEOUT, field,
};

/// An agent.
pub(in crate::plan) static AGENT: Section = Section {
    what: "an agent",
    fields: &[&[
        field(
            "adapter",
            FILLED,
            "What knows how to start the program; default: the agent's own name, or `shell` if there is a `command`.",
        ),
        field(
            "command",
            COMMAND,
            "What the `shell` adapter runs; {prompt_file}, {prompt}, {model} and {worktree} are replaced.",
        ),
        field("model", FILLED, "The model to ask for."),
        field(
            "permission",
            Shape::One(Scalar::Word(&["read-only", "edit", "run", "full"])),
            "What it may do without asking; default run: edit files and run commands.",
        ),
        field("args", Shape::List(&TEXT), "More arguments for the program, as they are."),
        field("estimate", Shape::One(Scalar::Money), "What one attempt usually costs: what it reserves."),
        field(
            "budget",
            super::money::CAPS_FORMS,
            "What all its attempts of a run together may cost: an amount or a map of caps; default the run's.",
        ),
        field("instructions", TEXT, "Put before each of its prompts."),
        field("instructions_file", FILLED, "The same from a file, relative to the plan."),
        field("env", ENV, "Variables set for it."),
        field("pass_env", NAMES, "Names of variables passed through to it."),
    ]],
    required: &[],
    foreign: &[
        ("type", "adapter"),
        ("provider", "adapter"),
        ("cmd", "command"),
        ("run", "command"),
        ("permissions", "permission"),
        ("cost", "estimate"),
        ("prompt", "instructions"),
    ],
    refused: NOTHING,
};

const GATE_FIELDS: &[Field] = &[
    field("run", COMMAND, "The command; status 0 is green."),
    field("timeout", TIMEOUT, "How long it may take; default 30m."),
    field("advisory", FLAG, "Red is shown and stops nothing; default false."),
    field("hint", TEXT, "Goes to the next attempt's prompt when the gate is red."),
    field(
        "scope",
        Shape::One(Scalar::Word(&["task", "merge", "both"])),
        "Whether it runs on the attempt, on the merged commit or on both; default merge.",
    ),
    field("dir", Shape::One(Scalar::Path), "The folder it runs in; default the top."),
    field("paths", GLOBS, "It runs only when a changed path matches; default always."),
    field("clean", FLAG, "Start from a tree without ignored files; default false."),
    field(
        "baseline",
        Shape::One(Scalar::Word(&["run", "skip"])),
        "`skip` leaves it out before the start, for a gate that a task is to make green.",
    ),
    field("pass_env", NAMES, "Names of variables passed through to it."),
    field("network", FLAG, "Whether it may use the network; default true."),
];

const GATE_FOREIGN: &[(&str, &str)] = &[
    ("command", "run"),
    ("cmd", "run"),
    ("script", "run"),
    ("workdir", "dir"),
    ("cwd", "dir"),
    ("working-directory", "dir"),
    ("timeout-minutes", "timeout"),
    ("timeout_minutes", "timeout"),
    ("continue-on-error", "advisory"),
    ("allow_failure", "advisory"),
    ("repair_hint", "hint"),
];

/// A gate under `gates`.
pub(in crate::plan) static GATE: Section = Section {
    what: "a gate",
    fields: &[GATE_FIELDS],
    required: &["run"],
    foreign: GATE_FOREIGN,
    refused: NOTHING,
};

/// A gate in a task.
pub(in crate::plan) static INLINE_GATE: Section = Section {
    what: "a gate",
    fields: &[
        &[field("name", Shape::One(Scalar::Id), "The name it is shown by; default gate-<position>.")],
        GATE_FIELDS,
    ],
    required: &["run"],
    foreign: GATE_FOREIGN,
    refused: NOTHING,
};
