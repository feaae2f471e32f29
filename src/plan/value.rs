//! Single values of a plan: durations, money, counts, names, globs. Each has one reader, which both the check and the decoder use.

mod amounts;
mod names;
mod times;

use super::node::{Kind, Node};
use super::problem::similar;

pub use amounts::parse_count;
pub(super) use amounts::{budget, count, factor, money, percent, tokens};
use names::{branch, commit, env_name, gate_name, glob, path, place, slug};
pub(super) use names::{check_id, env_value, id, is_slug, slug_of};
pub use times::parse_duration;
pub(super) use times::{Limit, duration, limit, timeout};

/// Why a value is refused: a code, what is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The stable code.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
    /// What to do.
    pub(super) help: Option<String>,
    /// What to write instead.
    pub(super) instead: Option<String>,
}

impl Fault {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, instead: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// A kind of single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    /// The number 1.
    Version,
    /// `true` or `false`, and nothing else.
    Flag,
    /// Any text.
    Text,
    /// Text that is not blank.
    Filled,
    /// A task's id, or the name of a gate or an agent.
    Id,
    /// The name of a plan.
    Slug,
    /// The name of a branch.
    Branch,
    /// A commit-ish.
    Commit,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number between two others.
    Whole(i64, i64),
    /// A multiplier with up to two decimals.
    Factor,
    /// A share: `80%` or `80`.
    Percent,
    /// Money. Zero is refused if it says so.
    Money,
    /// Money above zero, or `unlimited`.
    Budget,
    /// A duration; zero is one.
    Duration,
    /// A duration above zero.
    Timeout,
    /// A duration above zero, or `none`.
    Limit,
    /// A number of tokens.
    Tokens,
    /// A number of calls or turns, above zero.
    Count,
    /// A gitignore glob that claims.
    Glob,
    /// A gitignore glob; `!` is refused.
    PlainGlob,
    /// A path inside the repository.
    Path,
    /// A path anywhere on the machine, absolute or below `~/`.
    Place,
    /// The name of an environment variable.
    EnvName,
    /// The same, where a final `*` stands for the rest.
    EnvPattern,
    /// The value of an environment variable.
    EnvValue,
    /// The name of a gate, with `+` to append it.
    GateName,
}

impl Scalar {
    /// What is wrong with a node as a value of this kind, if anything is.
    pub(super) fn check(self, node: &Node) -> Result<(), Fault> {
        match self {
            Self::Version => version(node),
            Self::Flag => flag(node).map(drop),
            Self::Text => text(node).map(drop),
            Self::Filled => filled(node),
            Self::Id => id(node).map(drop),
            Self::Slug => slug(node),
            Self::Branch => branch(node),
            Self::Commit => commit(node),
            Self::Word(words) => word(node, words),
            Self::Whole(first, last) => whole(node, first, last).map(drop),
            Self::Factor => factor(node).map(drop),
            Self::Percent => percent(node).map(drop),
            Self::Money => money(node).map(drop),
            Self::Budget => budget(node).map(drop),
            Self::Duration => duration(node).map(drop),
            Self::Timeout => timeout(node).map(drop),
            Self::Limit => limit(node).map(drop),
            Self::Tokens => tokens(node).map(drop),
            Self::Count => count(node).map(drop),
            Self::Glob => glob(node, true),
            Self::PlainGlob => glob(node, false),
            Self::Path => path(node),
            Self::Place => place(node),
            Self::EnvName => env_name(node, false),
            Self::EnvPattern => env_name(node, true),
            Self::EnvValue => env_value(node).map(drop),
            Self::GateName => gate_name(node),
        }
    }

    /// What it takes, for people.
    pub(super) fn expects(self) -> String {
        let fixed = match self {
            Self::Version => "the number 1",
            Self::Flag => "`true` or `false`",
            Self::Text | Self::Filled | Self::EnvValue => "text",
            Self::Id | Self::GateName => "a name of letters, digits, `.`, `_` and `-`",
            Self::Slug => "a name of `a-z`, `0-9` and `-`",
            Self::Branch => "the name of a branch",
            Self::Commit => "a branch, tag or commit",
            Self::Word(words) => {
                return words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" or ");
            }
            Self::Whole(first, last) => return format!("a whole number from {first} to {last}"),
            Self::Factor => "a number from 1 to 100",
            Self::Percent => "a whole percentage from 1 to 100, such as `80%`",
            Self::Money => "an amount such as `$2`",
            Self::Budget => "an amount such as `$2`, or `unlimited`",
            Self::Duration | Self::Timeout => "a duration such as `10s` or `1h30m`",
            Self::Limit => "a duration such as `30m`, or `none`",
            Self::Tokens => "a number of tokens such as `2000000` or `2M`",
            Self::Count => "a number such as `400` or `2k`",
            Self::Glob | Self::PlainGlob => "a path or glob such as `src/**`",
            Self::Path => "a path inside the repository",
            Self::Place => "a path from `/` or `~/`",
            Self::EnvName => "the name of a variable",
            Self::EnvPattern => "the name of a variable, such as `NPM_TOKEN` or `AWS_*`",
        };
        fixed.to_owned()
    }
}

fn wrong(node: &Node, scalar: Scalar) -> Fault {
    Fault::new("P0102", format!("expected {}, found {}", scalar.expects(), node.what()))
}
fn version(node: &Node) -> Result<(), Fault> {
    match node.whole() {
        Some(1) => Ok(()),
        Some(newer) if newer > 1 => {
            let fault =
                Fault::new("P0108", format!("the plan has version {newer}, this swarm reads version 1"));
            Err(fault.help("use a newer swarm, or write the plan for version 1"))
        }
        Some(other) => {
            Err(Fault::new("P0108", format!("there is no version {other}")).help("write `version: 1`"))
        }
        None => Err(wrong(node, Scalar::Version)),
    }
}

pub(super) fn flag(node: &Node) -> Result<bool, Fault> {
    match &node.kind {
        Kind::Flag(flag) => Ok(*flag),
        Kind::Text(text) => {
            let mut fault = wrong(node, Scalar::Flag);
            let meant = match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => Some("true"),
                "no" | "off" | "n" | "false" => Some("false"),
                _ => None,
            };
            if let Some(meant) = meant {
                fault = fault.help(format!("write `{meant}`"));
                fault.instead = Some(meant.to_owned());
            }
            Err(fault)
        }
        _ => Err(wrong(node, Scalar::Flag)),
    }
}

pub(super) fn text(node: &Node) -> Result<&str, Fault> {
    match &node.kind {
        Kind::Text(text) if text.contains('\0') => {
            Err(Fault::new("P0102", "text may not hold a NUL character"))
        }
        Kind::Text(text) => Ok(text),
        Kind::Number(written) => {
            Err(wrong(node, Scalar::Text).help(format!("put it in quotes: `\"{written}\"`")))
        }
        Kind::Flag(flag) => Err(wrong(node, Scalar::Text).help(format!("put it in quotes: `\"{flag}\"`"))),
        _ => Err(wrong(node, Scalar::Text)),
    }
}

fn filled(node: &Node) -> Result<(), Fault> {
    if text(node)?.trim().is_empty() {
        Err(Fault::new("P0102", "expected text, found only blanks"))
    } else {
        Ok(())
    }
}

fn word(node: &Node, words: &'static [&'static str]) -> Result<(), Fault> {
    let given = node.text().ok_or_else(|| wrong(node, Scalar::Word(words)))?;
    if words.contains(&given) {
        return Ok(());
    }
    let mut fault = wrong(node, Scalar::Word(words));
    if let Some(meant) = similar(given, words.iter().copied()) {
        fault = fault.help(format!("did you mean `{meant}`?"));
        fault.instead = Some(meant.to_owned());
    }
    Err(fault)
}

pub(super) fn whole(node: &Node, first: i64, last: i64) -> Result<i64, Fault> {
    node.whole()
        .filter(|number| (first..=last).contains(number))
        .ok_or_else(|| wrong(node, Scalar::Whole(first, last)))
}
