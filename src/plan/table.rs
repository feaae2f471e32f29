//! The keys of a plan, once: what each takes and means, which are required, and what other tools call them.
//!
//! The check, the suggestions and the JSON Schema are read off this table; the decoder asks only for keys that are in it.

use super::value::Scalar;

/// What a place in a plan takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A single value.
    One(Scalar),
    /// A list.
    List(&'static Shape),
    /// A list that may not be empty.
    Some(&'static Shape),
    /// A map from names to values.
    Map(Scalar, &'static Shape),
    /// A map with known keys.
    Keys(&'static Section),
    /// One of several; at most one for each of value, list and map.
    Either(&'static [Shape]),
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    /// Its name.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) shape: Shape,
    /// What it means and what it is when left out, in one sentence.
    pub(super) doc: &'static str,
}

/// A map with known keys.
#[derive(Debug)]
pub(super) struct Section {
    /// What the map is, with its article.
    pub(super) what: &'static str,
    /// Its keys.
    pub(super) fields: &'static [&'static [Field]],
    /// Keys that must be there.
    pub(super) required: &'static [&'static str],
    /// Keys of other tools, and ours.
    pub(super) foreign: &'static [(&'static str, &'static str)],
    /// Keys that are refused with a reason.
    pub(super) refused: &'static [(&'static str, &'static str)],
}

impl Section {
    /// All keys in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().flat_map(|fields| fields.iter())
    }

    /// One key.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.all().find(|field| field.name == name)
    }
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, doc }
}

const NOTHING: &[(&str, &str)] = &[];

const TEXT: Shape = Shape::One(Scalar::Text);
const FILLED: Shape = Shape::One(Scalar::Filled);
const FLAG: Shape = Shape::One(Scalar::Flag);
const TIMEOUT: Shape = Shape::One(Scalar::Timeout);
const LIMIT: Shape = Shape::One(Scalar::Limit);
const ARGV: Shape = Shape::Some(&TEXT);
const COMMAND: Shape = Shape::Either(&[FILLED, ARGV]);
const COMMANDS: Shape = Shape::List(&COMMAND);
const GLOBS: Shape = Shape::List(&Shape::One(Scalar::PlainGlob));
const PATHS: Shape = Shape::List(&Shape::One(Scalar::Path));
const NAMES: Shape = Shape::List(&Shape::One(Scalar::EnvPattern));
const ENV: Shape = Shape::Map(Scalar::EnvName, &Shape::One(Scalar::EnvValue));

/// The whole plan.
pub(super) static PLAN: Section = Section {
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

const PLANNED: &str = "it is not part of this version yet";

/// The run's budget in its long form.
pub(super) static BUDGET: Section = Section {
    what: "a budget",
    fields: &[&[
        field("usd", Shape::One(Scalar::Budget), "The cap in dollars, or `unlimited`."),
        field(
            "warn",
            Shape::One(Scalar::Percent),
            "The share of the cap at which a warning is due; default 80%.",
        ),
        field(
            "tokens",
            Shape::One(Scalar::Tokens),
            "A cap on the tokens of all attempts together; default none.",
        ),
        field(
            "on_unknown_cost",
            Shape::One(Scalar::Word(&["refuse", "estimate", "allow"])),
            "What an attempt that reports no cost settles at; default estimate: its reservation.",
        ),
    ]],
    required: &["usd"],
    foreign: &[("max", "usd"), ("amount", "usd"), ("cap", "usd"), ("max_tokens", "tokens")],
    refused: NOTHING,
};

/// How worktrees are made ready.
pub(super) static WORKSPACE: Section = Section {
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

/// An agent.
pub(super) static AGENT: Section = Section {
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
        field("estimate", Shape::One(Scalar::Money), "What one attempt usually costs: what it reserves."),
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
pub(super) static GATE: Section = Section {
    what: "a gate",
    fields: &[GATE_FIELDS],
    required: &["run"],
    foreign: GATE_FOREIGN,
    refused: NOTHING,
};

/// A gate in a task.
pub(super) static INLINE_GATE: Section = Section {
    what: "a gate",
    fields: &[
        &[field("name", Shape::One(Scalar::Id), "The name it is shown by; default gate-<position>.")],
        GATE_FIELDS,
    ],
    required: &["run"],
    foreign: GATE_FOREIGN,
    refused: NOTHING,
};

/// How finished work lands.
pub(super) static MERGE: Section = Section {
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

/// When a failed attempt is tried again.
pub(super) static RETRIES: Section = Section {
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
pub(super) static BACKOFF: Section = Section {
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
pub(super) static NEED: Section = Section {
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
        Shape::One(Scalar::Budget),
        "What all attempts of the task together may cost; default the run's cap.",
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
pub(super) static TASK: Section = Section {
    what: "a task",
    fields: &[OWN, COMMON],
    required: &[],
    foreign: TASK_FOREIGN,
    refused: TASK_REFUSED,
};

/// A task in a list.
pub(super) static LISTED_TASK: Section = Section {
    what: "a task",
    fields: &[&[field("id", Shape::One(Scalar::Id), "The task's id.")], OWN, COMMON],
    required: &["id"],
    foreign: TASK_FOREIGN,
    refused: TASK_REFUSED,
};

const NO_DEFAULT: &str = "it is each task's own and cannot be a default";

/// What tasks have that do not say otherwise.
pub(super) static DEFAULTS: Section = Section {
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
