//! Names: of tasks, plans, branches, commits, variables and files. Whether what they name exists is not known here.

use swarm_domain::{TaskId, claims};

use super::{Fault, Scalar, text, wrong};
use crate::plan::node::{Kind, Node, short};

pub(in crate::plan) fn id(node: &Node) -> Result<TaskId, Fault> {
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Id))?;
    check_id(text)
}

pub(in crate::plan) fn check_id(text: &str) -> Result<TaskId, Fault> {
    TaskId::new(text)
        .map_err(|why| Fault::new("P0106", format!("`{}` cannot be used as a name: {why}", short(text))))
}

pub(super) fn slug(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    if is_slug(text) {
        return Ok(());
    }
    let fault = Fault::new("P0106", format!("`{}` cannot be used as a plan's name", short(text)));
    Err(fault.help("a plan's name has 1 to 64 characters out of `a-z`, `0-9` and `-`"))
}

pub(in crate::plan) fn is_slug(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

/// A plan's name from the stem of its file.
pub(in crate::plan) fn slug_of(stem: &str) -> String {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut slug: String = stem.to_lowercase().chars().map(|c| if fits(c) { c } else { '-' }).collect();
    while slug.contains("--") {
        slug = slug.replace("--", "-");
    }
    slug.truncate(64);
    let slug = slug.trim_matches('-');
    if slug.is_empty() { "plan".to_owned() } else { slug.to_owned() }
}

pub(super) fn branch(node: &Node) -> Result<(), Fault> {
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
        (true, _) => Err(Fault::new("P0106", format!("`{}` cannot be the name of a branch", short(text)))),
        (false, true) => Err(Fault::new("P0106", "a branch is named without `refs/heads/`")
            .help("write the name as `git branch` shows it")),
        (false, false) => Ok(()),
    }
}

pub(super) fn commit(node: &Node) -> Result<(), Fault> {
    // A commit of digits alone is a number to the parser and a commit to the user.
    let text = node.word().ok_or_else(|| wrong(node, Scalar::Commit))?;
    if text.is_empty() || text.starts_with('-') || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(Fault::new("P0106", format!("`{}` does not name a commit", short(text))));
    }
    Ok(())
}

pub(super) fn glob(node: &Node, may_exclude: bool) -> Result<(), Fault> {
    let text = text(node)?;
    if text.starts_with('!') && !may_exclude {
        return Err(Fault::new("P0109", "`!` excludes, and there is nothing here to exclude from"));
    }
    claims::check(text)
        .map_err(|why| Fault::new("P0109", format!("`{}` is not a usable pattern: {why}", short(text))))
}

pub(super) fn path(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    let outside = text.is_empty()
        || text.starts_with('/')
        || text.split('/').any(|part| part == "..")
        || text.contains(['\n', '\r']);
    if outside {
        let fault = Fault::new("P0109", format!("`{}` is not a path inside the repository", short(text)));
        return Err(fault.help("write it relative to the repository's top, without `..`"));
    }
    Ok(())
}

/// A path on the machine. Below another user's home (`~ann/…`) is no path for us.
pub(super) fn place(node: &Node) -> Result<(), Fault> {
    let text = text(node)?;
    let rooted = text.strip_prefix("~/").or_else(|| text.strip_prefix('/'));
    let plain = |rest: &str| !rest.trim_matches('/').is_empty() && rest.split('/').all(|part| part != "..");
    if rooted.is_some_and(plain) && !text.contains(['\n', '\r']) {
        return Ok(());
    }
    let fault = Fault::new("P0109", format!("`{}` is not a path on this machine", short(text)));
    Err(fault.help(
        "write it from `/` or from `~/`, without `..`; the whole disk and the whole home cannot be named",
    ))
}

pub(super) fn env_name(node: &Node, pattern: bool) -> Result<(), Fault> {
    let text = text(node)?;
    let fault = if let Some((name, _)) = text.split_once('=') {
        Fault::new("P0106", format!("`{}` has a value; only names go here", short(name)))
            .help("values belong under `env`; `pass_env` passes the caller's own, which is never recorded")
    } else {
        Fault::new("P0106", format!("`{}` is not the name of a variable", short(text)))
    };
    let name = if pattern { text.strip_suffix('*').unwrap_or(text) } else { text };
    if is_env_name(name) || (name.is_empty() && text == "*") { Ok(()) } else { Err(fault) }
}

pub(in crate::plan) fn is_env_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A number stands for its digits: a port is a number to everybody.
pub(in crate::plan) fn env_value(node: &Node) -> Result<&str, Fault> {
    match &node.kind {
        Kind::Number(text) => Ok(text),
        _ => text(node),
    }
}

pub(super) fn gate_name(node: &Node) -> Result<(), Fault> {
    let given = node.word().ok_or_else(|| wrong(node, Scalar::GateName))?;
    check_id(given.strip_prefix('+').unwrap_or(given)).map(drop)
}
