//! The keys of tasks and of what they may leave to `defaults`.

use super::agents::INLINE_GATE;
use super::{
    ARGV, COMMAND, COMMANDS, ENV, FILLED, FLAG, Field, LIMIT, NAMES, NOTHING, PLANNED, Scalar, Section,
    Shape, field,
};

/// When a failed attempt is tried again.
pub(in crate::plan) static RETRIES: Section = Section {
    what: "`retries`",
    fields: &[&[
        field("max", Shape::One(Scalar::Whole(0, 100)), "Attempts after the first."),
        field(
            "from",
            Shape::One(Scalar::Word(&["previous", "base"])),
            "What a retry starts from; default previous: paid work is kept.",
        ),
        field(
            "after",
            Shape::List(&Shape::One(Scalar::Word(&["crash", "timeout", "gate", "conflict"]))),
            "Which failures are tried again; default all.",
        ),
        field("backoff", Shape::Keys(&BACKOFF), "The wait before a retry."),
    ]],
    required: &[],
    foreign: &[("limit", "max"), ("count", "max"), ("attempts", "max"), ("when", "after")],
    refused: NOTHING,
};

/// The wait before a retry.
pub(in crate::plan) static BACKOFF: Section = Section {
    what: "`backoff`",
    fields: &[&[
        field(
            "delay",
            Shape::One(Scalar::Duration),
            "The wait before the first retry; default 10s for agents, 1s for `run`.",
        ),
        field(
            "factor",
            Shape::One(Scalar::Factor),
            "What the wait is multiplied with after each retry; default 2.",
        ),
        field("max", Shape::One(Scalar::Duration), "The longest wait; default 5m."),
    ]],
    required: &[],
    foreign: &[("duration", "delay"), ("initial", "delay"), ("cap", "max"), ("multiplier", "factor")],
    refused: NOTHING,
};

/// A need in its long form.
pub(in crate::plan) static NEED: Section = Section {
    what: "a need",
    fields: &[&[
        field("task", Shape::One(Scalar::Id), "The id of the task that is needed."),
        field(
            "when",
            Shape::One(Scalar::Word(&["merged", "ended"])),
            "Whether it must be merged or in any final state; default merged.",
        ),
    ]],
    required: &["task"],
    foreign: &[("id", "task"), ("condition", "when")],
    refused: NOTHING,
};

const INLINE_GATES: Shape =
    Shape::List(&Shape::Either(&[Shape::One(Scalar::GateName), ARGV, Shape::Keys(&INLINE_GATE)]));

const RETRIES_FORMS: Shape = Shape::Either(&[Shape::One(Scalar::Whole(0, 100)), Shape::Keys(&RETRIES)]);
const NEEDS: Shape = Shape::List(&Shape::Either(&[Shape::One(Scalar::Id), Shape::Keys(&NEED)]));

/// Keys of tasks that `defaults` may hold too.
const COMMON: &[Field] = &[
    field("agent", FILLED, "The agent that gets the prompt."),
    field(
        "budget",
        super::money::CAPS_FORMS,
        "What all attempts of the task together may cost: an amount or a map of caps; default the run's.",
    ),
    field("estimate", Shape::One(Scalar::Money), "What one attempt reserves; default the agent's."),
    field("timeout", LIMIT, "How long one attempt may take; default 30m for agents, none for `run`."),
    field(
        "idle_timeout",
        LIMIT,
        "How long an attempt may be silent; default 10m for agents, none for `run`.",
    ),
    field("retries", RETRIES_FORMS, "When it is tried again; default 1 for agents, 0 for `run`."),
    field("gates", INLINE_GATES, "Its gates, by name or inline, instead of the defaults'; `+name` appends."),
    field(
        "if_no_changes",
        Shape::One(Scalar::Word(&["fail", "ok"])),
        "What an attempt without changes means; default fail for agents, ok for `run`.",
    ),
    field(
        "on_claim_violation",
        Shape::One(Scalar::Word(&["warn", "fail"])),
        "What a write outside the claims means; default warn.",
    ),
    field("env", ENV, "Variables set for it."),
    field("pass_env", NAMES, "Names of variables passed through to it."),
    field(
        "priority",
        Shape::One(Scalar::Whole(-1_000_000, 1_000_000)),
        "Higher starts first among ready tasks; default 0.",
    ),
];

/// Keys of tasks alone.
const OWN: &[Field] = &[
    field("title", FILLED, "The subject of its commit; default the id."),
    field("run", COMMAND, "A command to run instead of an agent."),
    field("prompt", FILLED, "What the agent is asked to do."),
    field("prompt_file", FILLED, "The same from a file, relative to the plan."),
    field("needs", NEEDS, "Tasks that come first: ids, or {task, when}."),
    field("files", Shape::List(&Shape::One(Scalar::Glob)), "What it claims to write, as gitignore globs."),
    field("setup", COMMANDS, "Setup commands after the workspace's own."),
    field("optional", FLAG, "Its failure does not change the exit code; default false."),
    field("labels", Shape::List(&FILLED), "Free labels."),
];

const TASK_FOREIGN: &[(&str, &str)] = &[
    ("depends_on", "needs"),
    ("dependsOn", "needs"),
    ("depends", "needs"),
    ("deps", "needs"),
    ("dependencies", "needs"),
    ("requires", "needs"),
    ("max_retries", "retries"),
    ("maxRetries", "retries"),
    ("retry", "retries"),
    ("retryCount", "retries"),
    ("timeout-minutes", "timeout"),
    ("timeout_minutes", "timeout"),
    ("timeout_seconds", "timeout"),
    ("time_limit", "timeout"),
    ("command", "run"),
    ("cmd", "run"),
    ("script", "run"),
    ("exec", "run"),
    ("shell", "run"),
    ("name", "title"),
    ("description", "title"),
    ("desc", "title"),
    ("claims", "files"),
    ("paths", "files"),
    ("max_cost", "budget"),
    ("max_budget_usd", "budget"),
    ("allow_failure", "optional"),
    ("allowFailure", "optional"),
    ("continue-on-error", "optional"),
    ("continue_on_error", "optional"),
    ("checks", "gates"),
    ("environment", "env"),
];

const TASK_REFUSED: &[(&str, &str)] = &[
    ("id", "the id of a task is its key; only tasks in a list have `id`"),
    ("model", "the model belongs to an agent: name it under `agents`, and the agent here"),
    ("adapter", "the adapter belongs to an agent: name it under `agents`, and the agent here"),
    ("permission", "the permission belongs to an agent: name it under `agents`, and the agent here"),
    (
        "steps",
        "a task is one `run` or one prompt; write several tasks with `needs`, or several lines in `run`",
    ),
    ("if", "a task has no condition; leave it out of the plan, or use `swarm run --only`"),
    ("runs-on", "everything runs on this machine"),
    ("uses", "there are no reusable actions; call the program in `run`"),
    ("review", PLANNED),
    ("approval", PLANNED),
    ("inputs", PLANNED),
    ("outputs", PLANNED),
    ("hooks", PLANNED),
];

/// A task under its id.
pub(in crate::plan) static TASK: Section = Section {
    what: "a task",
    fields: &[OWN, COMMON],
    required: &[],
    foreign: TASK_FOREIGN,
    refused: TASK_REFUSED,
};

/// A task in a list.
pub(in crate::plan) static LISTED_TASK: Section = Section {
    what: "a task",
    fields: &[&[field("id", Shape::One(Scalar::Id), "The task's id.")], OWN, COMMON],
    required: &["id"],
    foreign: TASK_FOREIGN,
    refused: TASK_REFUSED,
};

const NO_DEFAULT: &str = "it is each task's own and cannot be a default";

/// What tasks have that do not say otherwise.
pub(in crate::plan) static DEFAULTS: Section = Section {
    what: "`defaults`",
    fields: &[COMMON],
    required: &[],
    foreign: TASK_FOREIGN,
    refused: &[
        ("id", NO_DEFAULT),
        ("title", NO_DEFAULT),
        ("run", NO_DEFAULT),
        ("prompt", NO_DEFAULT),
        ("prompt_file", NO_DEFAULT),
        ("needs", NO_DEFAULT),
        ("files", NO_DEFAULT),
        ("optional", NO_DEFAULT),
        ("labels", NO_DEFAULT),
        ("setup", "setup for all tasks is `workspace.setup`"),
        ("model", "the model belongs to an agent: name it under `agents`"),
    ],
};
