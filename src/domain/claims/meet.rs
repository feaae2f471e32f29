//! Whether two claim sets have a path in common. Exact: excludes count; where that would cost too much, it errs towards an overlap.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::ClaimSet;
use super::glob::{Glob, Set};

/// How many combinations of states are looked at before excludes are left out of account.
const COMBINATIONS_MAX: usize = 20_000;

/// A path that both claim. None only if there is none.
pub(super) fn common_path(a: &ClaimSet, b: &ClaimSet) -> Option<String> {
    let (a, b) = (&against(a, b), &against(b, a));
    let excludes = a.has_excludes() || b.has_excludes();
    let mut candidate = None;
    for (p, q) in a.positive().flat_map(|p| b.positive().map(move |q| (p, q))) {
        if let Some(path) = common_of_two(p, q) {
            if !excludes || (a.claims(&path) && b.claims(&path)) {
                return Some(pretty(a, b, path));
            }
            candidate = Some(path);
        }
    }
    match exact(a, b, candidate?) {
        Exact::Path(path) => Some(pretty(a, b, path)),
        Exact::Nothing => None,
    }
}

/// The set with names of files taken as files.
fn against(set: &ClaimSet, other: &ClaimSet) -> ClaimSet {
    let globs =
        set.globs.iter().map(|glob| if glob.exclude { glob.clone() } else { glob.as_file(other.positive()) });
    ClaimSet { globs: globs.collect(), own: set.own }
}

/// `.rs` is a file name, but `x.rs` is a better example for `*.rs`.
fn pretty(a: &ClaimSet, b: &ClaimSet, path: String) -> String {
    let named: Vec<String> = path
        .split('/')
        .map(|part| if part.starts_with('.') { format!("x{part}") } else { part.to_owned() })
        .collect();
    let named = named.join("/");
    if a.claims(&named) && b.claims(&named) { named } else { path }
}

/// A state of each glob, and whether a part of the path has just begun (a `/` or the end may not follow: no part is empty).
type Pair = (usize, usize, bool);

/// A path that two globs match, by a breadth-first walk through pairs of states.
fn common_of_two(p: &Glob, q: &Glob) -> Option<String> {
    let index = |(s, t, fresh): Pair| (s * q.states.len() + t) * 2 + usize::from(fresh);
    let mut from: Vec<Option<(Pair, Option<char>)>> = vec![None; p.states.len() * q.states.len() * 2];
    let start = (0, 0, true);
    from[index(start)] = Some((start, None));
    let mut queue = VecDeque::from([start]);
    while let Some(pair @ (s, t, fresh)) = queue.pop_front() {
        if !fresh && p.states[s].accepts && q.states[t].accepts {
            return Some(walk_back(&from, index, start, pair));
        }
        let mut visit = |next: Pair, c: Option<char>| {
            if from[index(next)].is_none() {
                from[index(next)] = Some((pair, c));
                queue.push_back(next);
            }
        };
        if let Some(next) = p.states[s].skip {
            visit((next, t, fresh), None);
        }
        if let Some(next) = q.states[t].skip {
            visit((s, next, fresh), None);
        }
        for (x, after_s) in &p.states[s].steps {
            for (y, after_t) in &q.states[t].steps {
                if let Some(c) = common_char(x, y).filter(|c| !fresh || *c != '/') {
                    visit((*after_s, *after_t, c == '/'), Some(c));
                }
            }
        }
    }
    None
}

fn walk_back(
    from: &[Option<(Pair, Option<char>)>],
    index: impl Fn(Pair) -> usize,
    start: Pair,
    mut at: Pair,
) -> String {
    let mut path = Vec::new();
    while at != start {
        let (before, c) = from[index(at)].expect("a visited pair was reached from another");
        path.extend(c);
        at = before;
    }
    path.iter().rev().collect()
}

/// A character of both sets, a plain letter if there is one.
///
/// What both have is a union of intervals, and each begins at an edge of a range or just past one, so looking at the edges is enough.
fn common_char(x: &Set, y: &Set) -> Option<char> {
    let mut edges = vec!['x', 'a', '0', '/'];
    for set in [x, y] {
        match set {
            Set::Char(c) => edges.push(*c),
            Set::Class { ranges, .. } => {
                edges.extend(ranges.iter().flat_map(|(first, last)| [*first, after(*last)]));
            }
            Set::NotSlash | Set::Any => {}
        }
    }
    edges.extend(['\u{1}', after('/')]);
    edges.into_iter().find(|c| x.has(*c) && y.has(*c))
}

/// The next character, which is the same one at the very end.
fn after(c: char) -> char {
    (c..=char::MAX).nth(1).unwrap_or(c)
}

enum Exact {
    Path(String),
    Nothing,
}

/// All globs of both sides at once, each with the states it may be in.
type Combination = (Vec<Vec<usize>>, Vec<Vec<usize>>, bool);

/// Walks combinations of states of all globs, so that the last match decides as it does for a path. Past the limit `fallback` is the answer.
fn exact(a: &ClaimSet, b: &ClaimSet, fallback: String) -> Exact {
    let letters = letters(a, b);
    let start: Combination = (begin(a), begin(b), true);
    let mut seen: BTreeMap<Combination, usize> = BTreeMap::from([(start.clone(), 0)]);
    let mut from: Vec<(usize, char)> = vec![(0, ' ')];
    let mut queue = VecDeque::from([(start, 0_usize)]);
    while let Some(((of_a, of_b, fresh), at)) = queue.pop_front() {
        if !fresh && claimed(a, &of_a) && claimed(b, &of_b) {
            return Exact::Path(spell(&from, at));
        }
        for &c in letters.iter().filter(|c| !fresh || **c != '/') {
            let next = (step(a, &of_a, c), step(b, &of_b, c), c == '/');
            if !hopeful(a, &next.0) || !hopeful(b, &next.1) || seen.contains_key(&next) {
                continue;
            }
            if seen.len() >= COMBINATIONS_MAX {
                return Exact::Path(fallback);
            }
            seen.insert(next.clone(), from.len());
            queue.push_back((next, from.len()));
            from.push((at, c));
        }
    }
    Exact::Nothing
}

fn begin(set: &ClaimSet) -> Vec<Vec<usize>> {
    set.globs.iter().map(|glob| glob.closed(vec![0])).collect()
}

fn step(set: &ClaimSet, at: &[Vec<usize>], c: char) -> Vec<Vec<usize>> {
    set.globs.iter().zip(at).map(|(glob, at)| glob.step(at, c)).collect()
}

fn claimed(set: &ClaimSet, at: &[Vec<usize>]) -> bool {
    let last = set.globs.iter().zip(at).rev().find(|(glob, at)| glob.accepted(at));
    last.is_some_and(|(glob, _)| !glob.exclude)
}

/// Whether some pattern that claims can still match.
fn hopeful(set: &ClaimSet, at: &[Vec<usize>]) -> bool {
    set.globs.iter().zip(at).any(|(glob, at)| !glob.exclude && !at.is_empty())
}

fn spell(from: &[(usize, char)], mut at: usize) -> String {
    let mut path = Vec::new();
    while at != 0 {
        path.push(from[at].1);
        at = from[at].0;
    }
    path.iter().rev().collect()
}

/// One character for each way the globs can tell characters apart, a plain letter for all that none of them names.
fn letters(a: &ClaimSet, b: &ClaimSet) -> Vec<char> {
    let mut edges = BTreeSet::from(['\u{1}', '/', after('/')]);
    let steps = a.globs.iter().chain(&b.globs).flat_map(|glob| &glob.states).flat_map(|state| &state.steps);
    let mut named: Vec<(char, char)> = Vec::new();
    for (set, _) in steps {
        match set {
            Set::Char(c) => named.push((*c, *c)),
            Set::Class { ranges, .. } => named.extend(ranges),
            Set::NotSlash | Set::Any => {}
        }
    }
    named.sort_unstable();
    named.dedup();
    for (first, last) in &named {
        edges.extend([*first, after(*last)]);
    }
    let unnamed = |c: &char| *c != '/' && !named.iter().any(|(first, last)| (*first..=*last).contains(c));
    let plain = ('a'..='z').chain('A'..='Z').chain('0'..='9').find(unnamed);
    let plain = plain.or_else(|| edges.iter().copied().find(unnamed));
    plain.into_iter().chain(edges.into_iter().filter(|c| !unnamed(c))).collect()
}
