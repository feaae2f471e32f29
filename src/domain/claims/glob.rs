//! One gitignore glob as a small automaton over characters. Knows nothing of other globs.

use super::PATTERN_BYTES_MAX;

/// Characters that one step accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// This one.
    Char(char),
    /// Any but `/`.
    NotSlash,
    /// Any.
    Any,
    /// A class in brackets, which never holds `/`.
    Class {
        /// Whether the class is all that is not in the ranges.
        negated: bool,
        /// First and last characters.
        ranges: Vec<(char, char)>,
    },
}

impl Set {
    pub(super) fn has(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::NotSlash => c != '/',
            Self::Any => true,
            Self::Class { negated, ranges } => {
                c != '/' && ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
            }
        }
    }
}

/// A state: at most two steps that read a character, and at most one that reads none.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) steps: Vec<(Set, usize)>,
    pub(super) skip: Option<usize>,
    pub(super) accepts: bool,
}

/// A glob. State 0 is where a path begins.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    /// Whether it began with `!`.
    pub(super) exclude: bool,
    /// What every path it matches begins with, once a `/` is put behind the path.
    pub(super) start: String,
    /// The automaton.
    pub(super) states: Vec<State>,
    /// Parts that name folders: all but the last, and the last too if `/` follows.
    folders: Vec<String>,
    /// The last part and the state behind it, if it looks like the name of a file.
    file: Option<(String, usize)>,
    /// What the last part ends in, with a `/` before it if that is all of it. None where that says too little.
    end: Option<String>,
}

/// Names of files that no extension gives away.
const FILE_NAMES: [&str; 14] = [
    "Makefile",
    "Dockerfile",
    "Justfile",
    "Gemfile",
    "Rakefile",
    "Procfile",
    "LICENSE",
    "README",
    "CHANGELOG",
    "CODEOWNERS",
    ".gitignore",
    ".gitattributes",
    ".editorconfig",
    ".env",
];

fn literal_end(part: &str) -> Option<String> {
    if part.contains(['[', '\\']) {
        return None;
    }
    let wild = part.rfind(['*', '?']);
    Some(wild.map_or_else(|| format!("/{part}"), |at| part[at + 1..].to_owned()))
}

fn looks_like_file(part: &str) -> bool {
    let extension = part.char_indices().any(|(at, c)| c == '.' && at > 0 && at + 1 < part.len());
    extension || FILE_NAMES.contains(&part)
}

impl Glob {
    pub(super) fn new(pattern: &str) -> Result<Self, &'static str> {
        if pattern.len() > PATTERN_BYTES_MAX {
            return Err("a pattern has at most 1024 bytes");
        }
        if pattern.contains(['\0', '\n', '\r']) {
            return Err("a pattern is one line of text");
        }
        let (exclude, rest) = pattern.strip_prefix('!').map_or((false, pattern), |rest| (true, rest));
        let (folder, bare) = rest.strip_suffix('/').map_or((false, rest), |bare| (true, bare));
        let (rooted, bare) = bare.strip_prefix('/').map_or((false, bare), |bare| (true, bare));
        let parts: Vec<&str> = bare.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return Err("a pattern may not be empty or have `//` in it");
        }
        if parts.iter().any(|part| matches!(*part, "." | "..")) {
            return Err("patterns are relative to the repository's top; leave out `.` and `..`");
        }
        let mut build = Build::default();
        if !rooted && parts.len() == 1 {
            build.any_folders();
        }
        build.parts(&parts, folder)?;
        let (last, before) = parts.split_last().expect("splitting gives at least one part");
        let file = build.name_end.filter(|_| looks_like_file(last)).map(|end| ((*last).to_owned(), end));
        let folders = if folder { &parts[..] } else { before };
        let folders = folders.iter().map(|part| (*part).to_owned()).collect();
        let mut own = Self { exclude, start: build.start, states: build.states, folders, file, end: None };
        own.end = own.file.as_ref().and_then(|(name, _)| literal_end(name)).filter(|_| own.plain_folders());
        Ok(own)
    }

    /// Whether no folder could be meant by a name that looks like a file's.
    fn plain_folders(&self) -> bool {
        self.folders.iter().all(|folder| !folder.contains('.') && !FILE_NAMES.contains(&folder.as_str()))
    }

    /// Whether two globs are told apart by their ends alone: a quick look before a thorough one.
    pub(super) fn apart(&self, other: &Self) -> bool {
        match (&self.end, &other.end) {
            (Some(a), Some(b)) => !a.ends_with(b.as_str()) && !b.ends_with(a.as_str()),
            _ => false,
        }
    }

    /// The same glob without what is below it, if it looks like a file and none of `others` spells it as a folder.
    ///
    /// To gitignore `lib.rs` may be a folder, and then `*.toml` could match in it. Nobody means that.
    pub(super) fn as_file<'a>(&self, mut others: impl Iterator<Item = &'a Self>) -> Self {
        let mut own = self.clone();
        if let Some((name, end)) = &self.file
            && !others.any(|other| {
                other.folders.iter().any(|folder| Self::new(name).is_ok_and(|name| name.matches(folder)))
            })
        {
            own.states[*end].steps.clear();
        }
        own
    }

    /// The same glob as an exclude.
    pub(super) fn excluding(mut self) -> Self {
        self.exclude = true;
        self
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let mut at = self.closed(vec![0]);
        for c in path.chars() {
            at = self.step(&at, c);
            if at.is_empty() {
                return false;
            }
        }
        self.accepted(&at)
    }

    pub(super) fn accepted(&self, at: &[usize]) -> bool {
        at.iter().any(|&state| self.states[state].accepts)
    }

    /// The states after `c`, sorted.
    pub(super) fn step(&self, at: &[usize], c: char) -> Vec<usize> {
        let steps = at.iter().flat_map(|&state| &self.states[state].steps);
        self.closed(steps.filter(|(set, _)| set.has(c)).map(|(_, next)| *next).collect())
    }

    /// Adds what can be reached without reading.
    pub(super) fn closed(&self, mut at: Vec<usize>) -> Vec<usize> {
        let mut seen = 0;
        while seen < at.len() {
            if let Some(next) = self.states[at[seen]].skip {
                at.push(next);
            }
            seen += 1;
        }
        at.sort_unstable();
        at.dedup();
        at
    }
}

/// A glob under construction. The last state is always the open end, except after the closing part.
struct Build {
    states: Vec<State>,
    start: String,
    literal: bool,
    name_end: Option<usize>,
}

impl Default for Build {
    fn default() -> Self {
        Self { states: vec![State::default()], start: String::new(), literal: true, name_end: None }
    }
}

impl Build {
    fn parts(&mut self, parts: &[&str], folder: bool) -> Result<(), &'static str> {
        let (last, before) = parts.split_last().expect("splitting gives at least one part");
        for part in before {
            if *part == "**" {
                self.any_folders();
            } else {
                self.part(part)?;
                self.one(Set::Char('/'));
            }
        }
        match (*last, folder) {
            ("**", false) => self.all_below(),
            ("**", true) => {
                self.any_folders();
                self.star();
                self.one(Set::Char('/'));
                self.all_below();
            }
            (part, true) => {
                self.part(part)?;
                self.one(Set::Char('/'));
                self.all_below();
            }
            (part, false) => {
                self.part(part)?;
                self.itself_or_below();
            }
        }
        Ok(())
    }

    /// One part of a path, up to the next `/`.
    fn part(&mut self, part: &str) -> Result<(), &'static str> {
        let mut chars = part.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '*' => {
                    while chars.next_if_eq(&'*').is_some() {}
                    self.star();
                }
                '?' => self.one(Set::NotSlash),
                '[' => {
                    let class = class(&mut chars)
                        .ok_or("a `[` without its `]`; write `\\[` for the character itself")?;
                    self.one(class);
                }
                '\\' => self.one(Set::Char(chars.next().ok_or("a pattern may not end in `\\`")?)),
                c => self.one(Set::Char(c)),
            }
        }
        Ok(())
    }

    fn open(&self) -> usize {
        self.states.len() - 1
    }

    fn one(&mut self, set: Set) {
        match set {
            Set::Char(c) if self.literal => self.start.push(c),
            _ => self.literal = false,
        }
        let at = self.open();
        self.states[at].steps.push((set, at + 1));
        self.states.push(State::default());
    }

    fn star(&mut self) {
        self.literal = false;
        let at = self.open();
        self.states[at].steps.push((Set::NotSlash, at));
        self.states[at].skip = Some(at + 1);
        self.states.push(State::default());
    }

    /// `**/`: any number of whole folders.
    fn any_folders(&mut self) {
        self.literal = false;
        let at = self.open();
        self.states[at].steps.push((Set::NotSlash, at + 1));
        self.states[at].skip = Some(at + 2);
        let inside = vec![(Set::NotSlash, at + 1), (Set::Char('/'), at)];
        self.states.push(State { steps: inside, ..State::default() });
        self.states.push(State::default());
    }

    /// The end of `folder/**`: at least one more character.
    fn all_below(&mut self) {
        self.literal = false;
        let at = self.open();
        self.states[at].steps.push((Set::Any, at + 1));
        self.states.push(State { steps: vec![(Set::Any, at + 1)], skip: None, accepts: true });
    }

    /// The end of a name: the path itself, or, if it is a folder, everything in it.
    fn itself_or_below(&mut self) {
        if self.literal {
            self.start.push('/');
        }
        let at = self.open();
        self.name_end = Some(at);
        self.states[at].accepts = true;
        self.states[at].steps.push((Set::Char('/'), at + 1));
        self.states.push(State::default());
        self.literal = false;
        self.all_below();
    }
}

/// Reads a class after its `[`. None if the `]` is missing or a named class is unknown.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Set> {
    let negated = chars.next_if(|c| matches!(c, '!' | '^')).is_some();
    let mut ranges = Vec::new();
    loop {
        let first = match chars.next()? {
            ']' if !ranges.is_empty() => return Some(Set::Class { negated, ranges }),
            '[' if chars.peek() == Some(&':') => {
                ranges.extend(named(chars)?);
                continue;
            }
            '\\' => chars.next()?,
            c => c,
        };
        let mut last = first;
        if chars.peek() == Some(&'-') {
            chars.next();
            match chars.peek()? {
                ']' => ranges.push(('-', '-')),
                _ => last = chars.next().filter(|c| *c != '\\').or_else(|| chars.next())?,
            }
        }
        ranges.push((first, last));
    }
}

/// `[:alpha:]` and its like, after the inner `[`.
fn named(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Vec<(char, char)>> {
    chars.next();
    let name: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_lowercase)).collect();
    let closed = chars.next()? == ':' && chars.next()? == ']';
    let ranges: &[(char, char)] = match name.as_str() {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "digit" => &[('0', '9')],
        "lower" => &[('a', 'z')],
        "upper" => &[('A', 'Z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        "space" => &[(' ', ' '), ('\t', '\r')],
        "punct" => &[('!', '.'), (':', '@'), ('[', '`'), ('{', '~')],
        _ => return None,
    };
    closed.then(|| ranges.to_vec())
}
