//! The keys of budgets: the run's, a task's and an agent's.

use super::{NOTHING, Scalar, Section, Shape, TIMEOUT, field};

const AMOUNT: Shape = Shape::One(Scalar::Budget);
const COUNT: Shape = Shape::One(Scalar::Count);

/// Other tools' keys; the first is for the run alone.
const FOREIGN: &[(&str, &str)] = &[
    ("daily", "per_day"),
    ("max", "usd"),
    ("amount", "usd"),
    ("cap", "usd"),
    ("max_tokens", "tokens"),
    ("requests", "calls"),
    ("max_calls", "calls"),
    ("max_turns", "turns"),
    ("steps", "turns"),
    ("duration", "time"),
];

/// The run's budget in its long form.
pub(in crate::plan) static BUDGET: Section = Section {
    what: "a budget",
    fields: &[&[
        field("usd", AMOUNT, "The cap in dollars, or `unlimited`."),
        field(
            "tokens",
            Shape::One(Scalar::Tokens),
            "A cap on the tokens of all attempts together; default none.",
        ),
        field("calls", COUNT, "A cap on the model calls of all attempts together; default none."),
        field("turns", COUNT, "A cap on the turns of all attempts together; default none."),
        field("time", TIMEOUT, "Wall clock for the run: another way to write `deadline`; default none."),
        field(
            "per_day",
            Shape::One(Scalar::Money),
            "What all runs of the repository may spend on one calendar day; default no limit.",
        ),
        field(
            "warn",
            Shape::Either(&[Shape::One(Scalar::Percent), Shape::Some(&Shape::One(Scalar::Percent))]),
            "The share of a cap at which a warning is due, or several; default [50, 80, 100].",
        ),
        field(
            "at_cap",
            Shape::One(Scalar::Word(&["finish", "kill"])),
            "What running attempts do when a cap is reached that others share; default finish: they go on.",
        ),
        field(
            "on_unknown_cost",
            Shape::One(Scalar::Word(&["refuse", "estimate", "allow"])),
            "What an attempt that reports no cost settles at; default estimate: its reservation.",
        ),
        field(
            "meter",
            Shape::One(Scalar::Word(&["proxy", "reported"])),
            "Who says what agents use; default proxy: every call of theirs is let through by swarm, where that is possible.",
        ),
    ]],
    required: &["usd"],
    foreign: FOREIGN,
    refused: NOTHING,
};

/// What all attempts of a task, or of an agent in one run, may use together.
pub(in crate::plan) static CAPS: Section = Section {
    what: "a budget",
    fields: &[&[
        field("usd", AMOUNT, "The cap in dollars; default the run's."),
        field("tokens", Shape::One(Scalar::Tokens), "A cap on tokens; default none."),
        field("calls", COUNT, "A cap on model calls; default none."),
        field("turns", COUNT, "A cap on turns; default none."),
        field("time", TIMEOUT, "A cap on the time of its attempts together; default none."),
    ]],
    required: &[],
    foreign: FOREIGN.split_at(1).1,
    refused: &[
        ("per_day", "the budget of a day is the repository's: it stands in the plan's own `budget`"),
        ("warn", "warnings are set in the plan's own `budget`"),
        ("at_cap", "what happens at a cap is set in the plan's own `budget`"),
        ("meter", "who counts what agents use is set in the plan's own `budget`"),
        ("on_unknown_cost", "what an unknown cost means is set in the plan's own `budget`"),
    ],
};

/// A budget of a task or an agent: an amount of money, or several caps.
pub(super) const CAPS_FORMS: Shape = Shape::Either(&[AMOUNT, Shape::Keys(&CAPS)]);
