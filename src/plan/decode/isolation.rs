//! What keeps attempts apart: the short form of a word, or a map. Each part has a default of its own.

use swarm_domain::{Isolation, Tree, Wall};

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

/// The wall, and what is open in it.
pub(super) fn walls(node: Option<&Node>) -> Isolation {
    let Some(node) = node else { return Isolation::default() };
    let word = match node.kind {
        Kind::Map(_) => read::word(node, "wall"),
        _ => node.text(),
    };
    let wall = match word {
        Some("bwrap") => Wall::Bwrap,
        Some("landlock") => Wall::Landlock,
        Some("none") => Wall::None,
        _ => Wall::Auto,
    };
    Isolation { wall, write: read::texts(node, "write") }
}
