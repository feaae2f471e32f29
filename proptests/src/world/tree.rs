//! What a commit or a folder holds, path by path, and how two branches meet. Knows no commits.

/// How many paths there are.
pub(super) const PATHS: usize = 7;
/// The paths of a simulated run. Tasks write those before the last one, which is a stranger's.
const NAMES: [&str; PATHS] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
pub(super) const STRANGERS_PATH: usize = PATHS - 1;
/// Contents with this bit have conflict markers in them.
const MARKED: u64 = 1 << 63;

/// What each path holds. 0 is what the base has: nothing.
pub(super) type Tree = [u64; PATHS];

/// The names of all paths that a world has.
#[derive(Clone, Debug)]
pub(super) struct Paths([&'static str; PATHS]);

impl Paths {
    /// The paths of a run.
    pub(super) fn of_run() -> Self {
        Self(NAMES)
    }

    /// Paths that are named by whoever names them first.
    pub(super) fn unnamed() -> Self {
        Self([""; PATHS])
    }

    /// Where a path is in a tree.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|path| *path == name)
    }

    /// The same for a path that may be new.
    pub(super) fn named(&mut self, name: &'static str) -> usize {
        let place = self.place(name).or_else(|| self.place("")).expect("a world has seven paths");
        self.0[place] = name;
        place
    }

    pub(super) fn name(&self, place: usize) -> &'static str {
        self.0[place]
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.0.into_iter()
    }

    /// The paths in which two trees differ, in order.
    pub(super) fn between(&self, one: &Tree, other: &Tree) -> impl Iterator<Item = &'static str> {
        (0..PATHS).filter(|place| one[*place] != other[*place]).map(|place| self.name(place))
    }
}

pub(super) fn is_marked(content: u64) -> bool {
    content & MARKED != 0
}

/// Path by path: who did not change it takes the other's. Where both did, the tree has markers and the path is named.
pub(super) fn three_way(base: &Tree, ours: &Tree, theirs: &Tree) -> (Tree, Vec<usize>) {
    let mut tree = *ours;
    let mut conflicts = Vec::new();
    for path in 0..PATHS {
        if theirs[path] == base[path] || theirs[path] == ours[path] {
            continue;
        }
        if ours[path] == base[path] {
            tree[path] = theirs[path];
        } else {
            tree[path] = MARKED | mixed(&[ours[path], theirs[path]], "");
            conflicts.push(path);
        }
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
