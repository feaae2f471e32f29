//! What a commit or a folder holds, path by path, and how two branches meet. Knows no commits.

use std::sync::Arc;

/// Contents with this bit have conflict markers in them.
const MARKED: u64 = 1 << 63;

/// What each path holds. 0 is what the base has: nothing.
pub(super) type Tree = Arc<[u64]>;

/// The names of all paths that a world has. A path without a name is nobody's yet.
#[derive(Clone, Debug)]
pub(super) struct Paths(Vec<String>);

impl Paths {
    /// The paths of a run: so many for its tasks, and one that is a stranger's.
    pub(super) fn of_run(of_tasks: usize) -> Self {
        Self((0..=of_tasks).map(|place| format!("p{place}")).collect())
    }

    /// Paths that are named by whoever names them first.
    pub(super) fn unnamed(count: usize) -> Self {
        Self(vec![String::new(); count])
    }

    /// What all of them hold in the base.
    pub(super) fn blank(&self) -> Tree {
        vec![0; self.0.len()].into()
    }

    /// Where a path is in a tree.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|path| path == name)
    }

    /// The same for a path that may be new.
    pub(super) fn named(&mut self, name: &str) -> usize {
        let place = self.place(name).or_else(|| self.place("")).expect("there are more paths than names");
        name.clone_into(&mut self.0[place]);
        place
    }

    pub(super) fn name(&self, place: usize) -> &str {
        &self.0[place]
    }

    /// The place of the path that is a stranger's.
    pub(super) fn strangers(&self) -> usize {
        self.0.len() - 1
    }
}

/// The places of the paths in which two trees differ, in order.
pub(super) fn between(one: &Tree, other: &Tree) -> impl Iterator<Item = usize> {
    let both = one.iter().zip(other.iter()).enumerate();
    both.filter(|(_, (one, other))| one != other).map(|(place, _)| place)
}

pub(super) fn is_marked(content: u64) -> bool {
    content & MARKED != 0
}

/// A tree in which somebody has seen to all conflicts.
pub(super) fn resolved(tree: &Tree) -> Tree {
    tree.iter().map(|content| content & !MARKED).collect()
}

/// Path by path: who did not change it takes the other's. Where both did, the tree has markers and the path is named.
pub(super) fn three_way(base: &Tree, ours: &Tree, theirs: &Tree) -> (Tree, Vec<usize>) {
    let mut tree = ours.clone();
    let mut conflicts = Vec::new();
    for path in 0..ours.len() {
        if theirs[path] == base[path] || theirs[path] == ours[path] {
            continue;
        }
        let met = ours[path] != base[path];
        if met {
            conflicts.push(path);
        }
        Arc::make_mut(&mut tree)[path] =
            if met { MARKED | mixed(&[ours[path], theirs[path]], "") } else { theirs[path] };
    }
    (tree, conflicts)
}

/// FNV-1a without its first bit: the content decides the name.
pub(super) fn mixed(numbers: &[u64], text: &str) -> u64 {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).chain(text.bytes());
    let hash = bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    });
    hash & !MARKED
}
