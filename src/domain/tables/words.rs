//! What endings, troubles and causes are called on the page.

use crate::fact::{Cause, Ending, Trouble, TroubleKind};

/// All ways in which a program ends, in the words of the page.
pub(super) const ENDINGS: &[&str] = &[
    "status 0",
    "another status",
    "a signal",
    "its timeout",
    "silence",
    "its grant",
    "a stop",
    "its setup",
    "no start",
    "nobody knows",
    "staying on",
];

pub(super) fn ending(word: &str) -> Ending {
    match word {
        "status 0" => Ending::Exited { code: 0 },
        "another status" => Ending::Exited { code: 1 },
        "a signal" => Ending::Signaled { signal: 9 },
        "its timeout" => Ending::TimedOut,
        "silence" => Ending::Idle,
        "its grant" => Ending::Spent,
        "a stop" => Ending::Stopped,
        "its setup" => Ending::SetupFailed { step: 1, detail: String::new() },
        "no start" => Ending::NotStarted { error: String::new() },
        "nobody knows" => Ending::Unknown,
        "staying on" => Ending::Overstayed,
        other => unreachable!("{other}"),
    }
}

/// All troubles of an agent program, in the words of the page.
pub(super) const TROUBLES: &[&str] = &["none", "error", "limit", "login"];

pub(super) fn trouble(word: &str, until_ms: Option<u64>) -> Option<Trouble> {
    let kind = match word {
        "none" => return None,
        "error" => TroubleKind::Error,
        "limit" => TroubleKind::Limit,
        "login" => TroubleKind::Login,
        other => unreachable!("{other}"),
    };
    Some(Trouble { kind, said: "its own word".to_owned(), until_ms })
}

/// Every cause of a failure, with its word.
pub(super) const CAUSES: [(Cause, &str); 13] = [
    (Cause::Crash, "crash"),
    (Cause::Timeout, "timeout"),
    (Cause::Gate, "gate"),
    (Cause::Conflict, "conflict"),
    (Cause::Claims, "claims"),
    (Cause::Budget, "budget"),
    (Cause::Environment, "environment"),
    (Cause::Lost, "lost"),
    (Cause::Interrupted, "interrupted"),
    (Cause::Limit, "limit"),
    (Cause::Login, "login"),
    (Cause::Hazard, "hazard"),
    (Cause::Secret, "secret"),
];

pub(super) fn cause(word: &str) -> Cause {
    CAUSES.into_iter().find(|(_, name)| *name == word).expect("a word of the page").0
}

pub(super) fn word_of(cause: Cause) -> &'static str {
    CAUSES.into_iter().find(|(known, _)| *known == cause).expect("every cause has a word").1
}
