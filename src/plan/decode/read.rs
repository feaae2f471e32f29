//! Reads values out of a checked tree. What the check refused is absent here, so nothing is reported twice.

use std::collections::BTreeMap;

use swarm_domain::{Caps, Program, Usd};

use crate::plan::node::{Kind, Node};
use crate::plan::value::{self, Limit};

/// Text under a key.
pub(super) fn text(map: &Node, key: &str) -> Option<String> {
    map.get(key).and_then(Node::word).map(str::to_owned)
}

/// A word under a key.
pub(super) fn word<'a>(map: &'a Node, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Node::text)
}

/// A flag under a key.
pub(super) fn flag(map: &Node, key: &str) -> Option<bool> {
    value::flag(map.get(key)?).ok()
}

/// A whole number under a key, if it fits the type asked for.
pub(super) fn whole<N: TryFrom<i64>>(map: &Node, key: &str) -> Option<N> {
    N::try_from(map.get(key)?.whole()?).ok()
}

/// Money under a key.
pub(super) fn money(map: &Node, key: &str) -> Option<Usd> {
    value::money(map.get(key)?).ok()
}

/// A cap under a key; none if it is absent or `unlimited`.
pub(super) fn budget(map: &Node, key: &str) -> Option<Usd> {
    value::budget(map.get(key)?).ok().flatten()
}

/// A budget under a key: an amount of money, or a map of caps.
pub(super) fn caps(map: &Node, key: &str) -> Caps {
    let Some(node) = map.get(key) else { return Caps::NONE };
    if !matches!(node.kind, Kind::Map(_)) {
        return Caps::of_usd(value::budget(node).ok().flatten());
    }
    Caps {
        usd: budget(node, "usd"),
        tokens: node.get("tokens").and_then(|node| value::tokens(node).ok()),
        calls: node.get("calls").and_then(|node| value::count(node).ok()),
        turns: node.get("turns").and_then(|node| value::count(node).ok()),
        time_ms: duration(node, "time"),
    }
}

/// The shares under a key, rising, each once.
pub(super) fn shares(map: &Node, key: &str) -> Option<Vec<u32>> {
    let node = map.get(key)?;
    let each = if let Kind::List(items) = &node.kind { items.as_slice() } else { std::slice::from_ref(node) };
    let mut shares: Vec<u32> = each.iter().filter_map(|node| value::percent(node).ok()).collect();
    shares.sort_unstable();
    shares.dedup();
    Some(shares)
}

/// A limit under a key; none if it is absent or `none`.
pub(super) fn limit(map: &Node, key: &str) -> Limit {
    value::limit(map.get(key)?).ok().flatten()
}

/// A duration under a key.
pub(super) fn duration(map: &Node, key: &str) -> Option<u64> {
    value::duration(map.get(key)?).ok()
}

/// The texts of a list under a key.
pub(super) fn texts(map: &Node, key: &str) -> Vec<String> {
    map.get(key)
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(Node::text)
        .map(str::to_owned)
        .collect()
}

/// A command: text for a shell, or a list without one.
pub(super) fn command(node: &Node) -> Option<Program> {
    match &node.kind {
        Kind::Text(text) => Some(Program::Shell(text.clone())),
        Kind::List(items) => {
            Some(Program::Argv(items.iter().filter_map(Node::text).map(str::to_owned).collect()))
        }
        _ => None,
    }
}

/// The commands of a list under a key.
pub(super) fn commands(map: &Node, key: &str) -> Vec<Program> {
    map.get(key).map(Node::items).unwrap_or_default().iter().filter_map(command).collect()
}

/// Variables under a key.
pub(super) fn env(map: &Node, key: &str) -> BTreeMap<String, String> {
    let entries = map.get(key).map(Node::entries).unwrap_or_default();
    let value = |node| value::env_value(node).ok().map(str::to_owned);
    entries.iter().filter_map(|entry| Some((entry.key.clone(), value(&entry.value)?))).collect()
}
