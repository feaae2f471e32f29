//! What keeps attempts apart: the short form of a word, or a map. Each part has a default of its own.

use swarm_domain::Tree;

use crate::plan::node::{Kind, Node};

use super::read;

/// What attempts work in.
pub(super) fn tree(node: Option<&Node>) -> Tree {
    let word = node.and_then(|node| match node.kind {
        Kind::Map(_) => read::word(node, "tree"),
        _ => node.text(),
    });
    if word == Some("clone") { Tree::Clone } else { Tree::Worktree }
}
