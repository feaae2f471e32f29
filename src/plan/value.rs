//! Single values of a plan: durations, money, counts, names, globs. Each has one reader, which both the check and the decoder use.

use swarm_domain::{TaskId, Usd, UsdError, claims};

use super::node::{Kind, Node};
use super::problem::similar;

/// The longest duration: ten years.
const DURATION_MS_MAX: u64 = 3650 * 24 * 3_600_000;

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
    /// A gitignore glob that claims.
    Glob,
    /// A gitignore glob; `!` is refused.
    PlainGlob,
    /// A path inside the repository.
    Path,
    /// The name of an environment variable.
    EnvName,
    /// The same, where a final `*` stands for the rest.
    EnvPattern,
    /// The value of an environment variable.
    EnvValue,
    /// The name of a gate, with `+` to append it.
    GateName,
}

/// A limit of time: a duration, or none at all.
pub(super) type Limit = Option<u64>;

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
            Self::Glob => glob(node, true),
            Self::PlainGlob => glob(node, false),
            Self::Path => path(node),
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
            Self::Percent => "a share such as `80%`",
            Self::Money => "an amount such as `$2`",
            Self::Budget => "an amount such as `$2`, or `unlimited`",
            Self::Duration | Self::Timeout => "a duration such as `10s` or `1h30m`",
            Self::Limit => "a duration such as `30m`, or `none`",
            Self::Tokens => "a number of tokens such as `2000000` or `2M`",
            Self::Glob | Self::PlainGlob => "a path or glob such as `src/**`",
            Self::Path => "a path inside the repository",
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

pub(super) fn id(node: &Node) -> Result<TaskId, Fault> {
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Id))?;
    check_id(text)
}

pub(super) fn check_id(text: &str) -> Result<TaskId, Fault> {
    TaskId::new(text).map_err(|why| {
        Fault::new("P0106", format!("`{}` cannot be used as a name: {why}", super::node::short(text)))
    })
}

fn slug(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    if is_slug(text) {
        return Ok(());
    }
    let fault =
        Fault::new("P0106", format!("`{}` cannot be used as a plan's name", super::node::short(text)));
    Err(fault.help("a plan's name has 1 to 64 characters out of `a-z`, `0-9` and `-`"))
}

pub(super) fn is_slug(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// A plan's name from the stem of its file.
pub(super) fn slug_of(stem: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut slug: String = stem.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.truncate(64);
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "plan".to_owned() } else { slug.to_owned() }
}

fn branch(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    let part_is_bad = |part: &str| {
        part.is_empty()
            || part.starts_with('.')
            || part.to_ascii_lowercase().ends_with(".lock")
            || part.ends_with('.')
    };
    let bad_char = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let bad = text.split('/').any(part_is_bad)
        || text.contains("..")
        || text.contains("@{")
        || text == "@"
        || text.starts_with('-')
        || text.len() > 200
        || text.chars().any(bad_char);
    let refs = text.starts_with("refs/");
    match (bad, refs) {
        (true, _) => {
            Err(Fault::new("P0106", format!("`{}` cannot be the name of a branch", super::node::short(text))))
        }
        (false, true) => Err(Fault::new("P0106", "a branch is named without `refs/heads/`")
            .help("write the name as `git branch` shows it")),
        (false, false) => Ok(()),
    }
}

fn commit(node: &Node) -> Result<(), Fault> {
    // A commit of digits alone is a number to the parser and a commit to the user.
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Commit))?;
    if text.is_empty() || text.starts_with('-') || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Fault::new("P0106", format!("`{}` does not name a commit", super::node::short(text))));
    }
    Ok(())
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

/// A multiplier in percent.
pub(super) fn factor(node: &Node) -> Result<u32, Fault> {
    let Kind::Number(text) = &node.kind else { return Err(wrong(node, Scalar::Factor)) };
    let hundredths = Usd::parse(text)
        .ok()
        .filter(|value| value.micros() % 10_000 == 0)
        .map(|value| value.micros() / 10_000);
    let percent = hundredths
        .filter(|percent| (100..=10_000).contains(percent))
        .and_then(|percent| u32::try_from(percent).ok());
    percent.ok_or_else(|| wrong(node, Scalar::Factor))
}

pub(super) fn percent(node: &Node) -> Result<u32, Fault> {
    let bare = node.word().map(|text| text.strip_suffix('%').unwrap_or(text).trim());
    let percent = bare.and_then(|text| text.parse().ok()).filter(|percent| (1..=100).contains(percent));
    percent.ok_or_else(|| wrong(node, Scalar::Percent))
}

pub(super) fn money(node: &Node) -> Result<Usd, Fault> {
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Money))?;
    Usd::parse(text).map_err(|error| {
        let fault = Fault::new("P0106", error.to_string());
        match error {
            UsdError::Comma(_) | UsdError::Empty | UsdError::TooFine(_) | UsdError::TooLarge(_) => fault,
            UsdError::Negative(_) | UsdError::NotANumber(_) => {
                fault.help("write an amount such as `$2` or `0.40`")
            }
        }
    })
}

/// A cap; none is `unlimited`.
pub(super) fn budget(node: &Node) -> Result<Option<Usd>, Fault> {
    if node.text() == Some("unlimited") {
        return Ok(None);
    }
    if node.word().is_none() {
        return Err(wrong(node, Scalar::Budget));
    }
    let amount = money(node)?;
    if amount == Usd::ZERO {
        let fault = Fault::new("P0402", "a budget of 0 allows nothing to start");
        return Err(fault.help("write an amount above 0, or `unlimited` for no cap at all"));
    }
    Ok(Some(amount))
}

pub(super) fn duration(node: &Node) -> Result<u64, Fault> {
    match &node.kind {
        Kind::Text(text) => parse_duration(text).map_err(|why| Fault::new("P0106", why)),
        Kind::Number(text) => Err(unitless(text)),
        _ => Err(wrong(node, Scalar::Duration)),
    }
}

fn unitless(text: &str) -> Fault {
    let fault = Fault::new("P0106", format!("`{text}` has no unit of time"));
    fault.help(format!("write `{text}s` for seconds, `{text}m` for minutes or `{text}h` for hours"))
}

/// A limit above zero; none is `none`.
pub(super) fn limit(node: &Node) -> Result<Limit, Fault> {
    if node.text() == Some("none") {
        return Ok(None);
    }
    timeout(node)
        .map(Some)
        .map_err(|fault| if fault.code == "P0102" { wrong(node, Scalar::Limit) } else { fault })
}

/// A duration above zero.
pub(super) fn timeout(node: &Node) -> Result<u64, Fault> {
    match duration(node)? {
        0 => Err(Fault::new("P0106", "a limit of 0 ends everything at once")
            .help("write a longer one, or leave it out")),
        ms => Ok(ms),
    }
}

/// Reads `250ms`, `10s`, `5m`, `8h`, `14d` and sums of them such as `1h30m`, as milliseconds. The error is one sentence.
pub fn parse_duration(text: &str) -> Result<u64, String> {
    let shown = super::node::short(text.trim());
    let unreadable = || format!("`{shown}` is not a duration; write `250ms`, `10s`, `5m`, `8h` or `1h30m`");
    let mut rest = text.trim();
    if !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("`{shown}` has no unit of time; write `{shown}s`, `{shown}m` or `{shown}h`"));
    }
    let (mut total, mut larger) = (0_u64, u64::MAX);
    while !rest.is_empty() || larger == u64::MAX {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let letters = rest[digits..].bytes().take_while(u8::is_ascii_lowercase).count();
        let unit = match &rest[digits..digits + letters] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(unreadable()),
        };
        let amount: u64 = rest[..digits].parse().map_err(|_| unreadable())?;
        if unit >= larger {
            return Err(unreadable());
        }
        larger = unit;
        total = amount.checked_mul(unit).and_then(|part| total.checked_add(part)).unwrap_or(u64::MAX);
        rest = rest[digits + letters..].trim_start();
    }
    if total > DURATION_MS_MAX { Err(format!("`{shown}` is longer than ten years")) } else { Ok(total) }
}

pub(super) fn tokens(node: &Node) -> Result<u64, Fault> {
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Tokens))?;
    let (digits, unit) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], 1_000),
        Some((at, 'M')) => (&text[..at], 1_000_000),
        Some((at, 'G')) => (&text[..at], 1_000_000_000),
        _ => (text, 1_u64),
    };
    let number = digits
        .trim()
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit))
        .filter(|number| *number > 0);
    number.ok_or_else(|| {
        Fault::new("P0106", format!("`{}` is not a number of tokens", super::node::short(text)))
            .help("write `2000000` or `2M`")
    })
}

fn glob(node: &Node, may_exclude: bool) -> Result<(), Fault> {
    let text = text(node)?;
    if text.starts_with('!') && !may_exclude {
        return Err(Fault::new("P0109", "`!` excludes, and there is nothing here to exclude from"));
    }
    claims::check(text).map_err(|why| {
        Fault::new("P0109", format!("`{}` is not a usable pattern: {why}", super::node::short(text)))
    })
}

fn path(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    let outside = text.is_empty()
        || text.starts_with('/')
        || text.split('/').any(|part| part == "..")
        || text.contains(['\n', '\r']);
    if outside {
        let fault = Fault::new(
            "P0109",
            format!("`{}` is not a path inside the repository", super::node::short(text)),
        );
        return Err(fault.help("write it relative to the repository's top, without `..`"));
    }
    Ok(())
}

fn env_name(node: &Node, pattern: bool) -> Result<(), Fault> {
    let text = text(node)?;
    let fault = if let Some((name, _)) = text.split_once('=') {
        Fault::new("P0106", format!("`{}` has a value; only names go here", super::node::short(name)))
            .help("values belong under `env`; `pass_env` passes the caller's own, which is never recorded")
    } else {
        Fault::new("P0106", format!("`{}` is not the name of a variable", super::node::short(text)))
    };
    let name = if pattern { text.strip_suffix('*').unwrap_or(text) } else { text };
    if is_env_name(name) || (name.is_empty() && text == "*") { Ok(()) } else { Err(fault) }
}

pub(super) fn is_env_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A number stands for its digits: a port is a number to everybody.
pub(super) fn env_value(node: &Node) -> Result<&str, Fault> {
    match &node.kind {
        Kind::Number(text) => Ok(text),
        _ => text(node),
    }
}

fn gate_name(node: &Node) -> Result<(), Fault> {
    let given = node.word().ok_or_else(|| wrong(node, Scalar::GateName))?;
    check_id(given.strip_prefix('+').unwrap_or(given)).map(drop)
}
