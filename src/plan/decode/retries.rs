//! Retries in layers: what is built in, what `defaults` say, what the task says. Each key counts for itself.

use std::collections::BTreeSet;

use swarm_domain::{Retries, RetryFrom, RetryOn};

use crate::plan::node::{Kind, Node};
use crate::plan::value;

use super::read;

/// What one place says about retries.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    max: Option<u32>,
    from: Option<RetryFrom>,
    after: Option<BTreeSet<RetryOn>>,
    delay_ms: Option<u64>,
    factor_percent: Option<u32>,
    delay_max_ms: Option<u64>,
}

impl Layer {
    /// Decodes a number or a map.
    pub(super) fn new(node: Option<&Node>) -> Self {
        let Some(node) = node else { return Self::default() };
        if !matches!(node.kind, Kind::Map(_)) {
            return Self { max: node.whole().and_then(|max| u32::try_from(max).ok()), ..Self::default() };
        }
        let nothing = Node::new(node.span, Kind::Null);
        let backoff = node.get("backoff").unwrap_or(&nothing);
        Self {
            max: read::whole(node, "max"),
            from: read::word(node, "from")
                .map(|from| if from == "base" { RetryFrom::Base } else { RetryFrom::Previous }),
            after: node
                .get("after")
                .map(|after| after.items().iter().filter_map(Node::text).filter_map(on).collect()),
            delay_ms: read::duration(backoff, "delay"),
            factor_percent: backoff.get("factor").and_then(|factor| value::factor(factor).ok()),
            delay_max_ms: read::duration(backoff, "max"),
        }
    }

    /// The whole, with `defaults` under it and what is built in under that.
    pub(super) fn over(self, defaults: &Self, agent: bool) -> Retries {
        let (max, delay_ms) = if agent { (1, 10_000) } else { (0, 1_000) };
        Retries {
            max: self.max.or(defaults.max).unwrap_or(max),
            from: self.from.or(defaults.from).unwrap_or(RetryFrom::Previous),
            after: self.after.or_else(|| defaults.after.clone()).unwrap_or_else(all),
            delay_ms: self.delay_ms.or(defaults.delay_ms).unwrap_or(delay_ms),
            factor_percent: self.factor_percent.or(defaults.factor_percent).unwrap_or(200),
            delay_max_ms: self.delay_max_ms.or(defaults.delay_max_ms).unwrap_or(300_000),
        }
    }
}

fn all() -> BTreeSet<RetryOn> {
    BTreeSet::from([RetryOn::Crash, RetryOn::Timeout, RetryOn::Gate, RetryOn::Conflict])
}

fn on(word: &str) -> Option<RetryOn> {
    match word {
        "crash" => Some(RetryOn::Crash),
        "timeout" => Some(RetryOn::Timeout),
        "gate" => Some(RetryOn::Gate),
        "conflict" => Some(RetryOn::Conflict),
        _ => None,
    }
}
