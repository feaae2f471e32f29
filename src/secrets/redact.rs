//! Takes secrets out of what is shown or stored: values that are known, and what the rules find. Writes nowhere.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::finding::Counter;
use super::scanner::{REACH, Scanner};

/// Known values that are shorter, in bytes, or of fewer different ones, are words that any text may hold.
const BYTES_MIN: usize = 8;
const DISTINCT_MIN: usize = 5;
/// The rule whose secret is spread over lines, how such a secret begins and ends, and what it may say before its base64.
pub(super) const KEY_RULE: &str = "private-key";
const KEY_BEGIN: &str = "-----BEGIN";
const KEY_END: &str = "-----END";
const KEY_HEADERS: [&str; 5] = ["Proc-Type", "DEK-Info", "Version", "Comment", "Hash"];

/// Replaces secrets by `[secret: <name>]`.
pub struct Redactor {
    /// The values of variables that are secrets, and the names of those.
    values: AhoCorasick,
    names: Vec<String>,
    spelled: Vec<String>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Redactor {
    /// Knows secrets by name and value, as in an environment. A value of fewer than 8 bytes, or of fewer than 5 different
    /// ones, is left alone: nothing would be left of the text.
    pub fn new(known: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut spelled = BTreeMap::new();
        for (name, value) in known {
            for spelling in spellings(&value).into_iter().filter(|spelling| is_telling(spelling)) {
                spelled.entry(spelling).or_insert_with(|| name.clone());
            }
        }
        let values = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(spelled.keys())
            .expect("an environment is far below the limit");
        let (spelled, names) = spelled.into_iter().unzip();
        Self { values, names, spelled }
    }

    /// The text without its secrets; itself if it has none. Line by line, use [`Redactor::lines`].
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replaced(text, &self.secrets(text.as_bytes()))
    }

    /// The same in place.
    pub fn clean(&self, text: &mut String) {
        if let Cow::Owned(clean) = self.redact(text) {
            *text = clean;
        }
    }

    /// The same for a text that people wrote, with the line and the name of each secret: what is marked there, or
    /// `allowed`, stays; known values do not.
    pub fn redact_but<'t>(
        &self,
        text: &'t str,
        allowed: impl Fn(&str) -> bool,
    ) -> (Cow<'t, str>, Vec<(u32, String)>) {
        let found = Scanner::standard().scan(None, text.as_bytes()).into_iter();
        let found = found.filter(|finding| !allowed(finding.rule));
        let found = found.map(|finding| (whole(text.as_bytes(), finding.range), finding.rule));
        let secrets = in_order(self.known(text.as_bytes()).chain(found));
        let mut counter = Counter::new(text.as_bytes());
        let places =
            secrets.iter().map(|(range, name)| (counter.place(range.start).0, (*name).to_owned())).collect();
        (replaced(text, &secrets), places)
    }

    /// Where values stand that are known, and their names.
    pub fn known<'s, 't>(
        &'s self,
        text: &'t [u8],
    ) -> impl Iterator<Item = (Range<usize>, &'s str)> + use<'s, 't> {
        self.values.find_iter(text).map(|found| (found.range(), self.names[found.pattern()].as_str()))
    }

    /// For a text that comes line by line, such as a log.
    pub fn lines(&self) -> Lines<'_> {
        Lines { redactor: self, key: Key::default() }
    }

    /// In order; one may begin inside of another.
    pub(super) fn secrets<'s>(&'s self, text: &'s [u8]) -> Vec<Secret<'s>> {
        let found = Scanner::standard().find(None, text).into_iter();
        in_order(self.known(text).chain(found.map(|hit| (whole(text, hit.secret), hit.rule))))
    }

    /// Where the first word is that a secret may stand beside, or the first value that is known. Before it there is none.
    pub(super) fn first_hint(&self, text: &[u8]) -> Option<usize> {
        let value = self.values.find(text).map(|found| found.start());
        let keyword = Scanner::standard().first_keyword(text);
        value.into_iter().chain(keyword).min()
    }

    /// How many bytes at the end of a text may be the beginning of a value that is known.
    pub(super) fn begun(&self, text: &[u8]) -> usize {
        let begun = |value: &String| {
            let longest = value.len().saturating_sub(1).min(text.len());
            (1..=longest).rev().find(|length| text.ends_with(&value.as_bytes()[..*length])).unwrap_or(0)
        };
        self.spelled.iter().map(begun).max().unwrap_or(0)
    }
}

/// Its bytes, and what it is called.
pub(super) type Secret<'s> = (Range<usize>, &'s str);

fn in_order<'s>(secrets: impl Iterator<Item = Secret<'s>>) -> Vec<Secret<'s>> {
    let mut secrets: Vec<_> = secrets.collect();
    secrets.sort_by_key(|(range, _)| range.start);
    secrets
}

fn replaced<'t>(text: &'t str, secrets: &[Secret<'_>]) -> Cow<'t, str> {
    if secrets.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut done) = (String::with_capacity(text.len()), 0);
    for (range, name) in secrets {
        // What begins inside of another secret has been replaced with it, as far as that went.
        if range.start >= done {
            out.push_str(&text[done..range.start]);
            out.push_str(&replacement(name));
        }
        done = done.max(range.end);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

pub(super) fn replacement(name: &str) -> String {
    format!("[secret: {name}]")
}

/// As it is, as JSON writes it, and if it has several lines, each of them.
fn spellings(value: &str) -> Vec<String> {
    let json = serde_json::to_string(value).expect("a string is JSON");
    let json = json[1..json.len() - 1].to_owned();
    let lines = value.lines().filter(|line| line.len() >= 2 * BYTES_MIN).map(str::to_owned);
    lines.chain([value.to_owned(), json]).collect()
}

fn is_telling(value: &str) -> bool {
    let distinct: BTreeSet<u8> = value.bytes().collect();
    value.len() >= BYTES_MIN && distinct.len() >= DISTINCT_MIN
}

/// What a rule found, to the end of the word and on the edges of characters: some rules stop before a secret does.
fn whole(text: &[u8], secret: Range<usize>) -> Range<usize> {
    let is_inside = |byte: &u8| byte & 0xC0 == 0x80;
    let rest = text[secret.end..].iter().take_while(|byte| is_of_token(**byte)).count();
    let before = text[..=secret.start.min(text.len() - 1)].iter().rev().take_while(|byte| is_inside(byte));
    let behind = text[secret.end + rest..].iter().take_while(|byte| is_inside(byte));
    secret.start - before.count()..secret.end + rest + behind.count()
}

/// Whether a secret may go on with it.
pub(super) fn is_of_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-+/=".contains(&byte)
}

/// A text line by line: what spans lines, a private key, is known from where it begins.
#[derive(Debug)]
pub struct Lines<'r> {
    redactor: &'r Redactor,
    key: Key,
}

/// How much of a private key has been left out, in bytes, while inside of one.
#[derive(Debug, Default)]
pub(super) struct Key(Option<usize>);

impl Key {
    pub(super) fn begin(&mut self) {
        self.0 = Some(0);
    }

    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the line is of the key that is open. If not, none is any more.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        let Some(passed) = self.0.take() else { return false };
        let is_end = line.contains(KEY_END);
        let taken = is_end || (passed < REACH && is_of_key(line));
        self.0 = (taken && !is_end).then_some(passed + line.len());
        taken
    }
}

impl Lines<'_> {
    /// The next line without its secrets.
    pub fn redact<'t>(&mut self, line: &'t str) -> Cow<'t, str> {
        if self.key.takes(line) {
            return Cow::Owned(replacement(KEY_RULE));
        }
        let Some(begin) = key_begin(line) else { return self.redactor.redact(line) };
        self.key.begin();
        Cow::Owned(self.redactor.redact(&line[..begin]).into_owned() + &replacement(KEY_RULE))
    }
}

/// Where a private key begins that does not end on this line.
pub(super) fn key_begin(line: &str) -> Option<usize> {
    let begin = line.find(KEY_BEGIN)?;
    let behind = &line[begin..];
    (behind.contains("PRIVATE KEY") && !behind.contains(KEY_END)).then_some(begin)
}

/// Base64, as it is or in a list of strings; a header; or what stands between the two.
fn is_of_key(line: &str) -> bool {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\\".contains(&byte);
    let line = line.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    line.bytes().all(is_base64) || line.split_once(": ").is_some_and(|(name, _)| KEY_HEADERS.contains(&name))
}
