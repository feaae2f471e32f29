//! One pass over a text for the keywords of all rules, and each rule's expression where its keywords stand. Opens no file.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, Match};
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};

use super::exemption::{Candidate, Exemption};
use super::finding::{Counter, Finding, lines_around};
use super::rules::{Rule, RuleBook};

/// The longest match, in bytes: a private key of 16,384 bits has 13,000. Without an end to it, a text could be written
/// that costs the square of its length.
pub(super) const REACH: usize = 64 << 10;
/// How much of a line is looked at on each side of a match, in bytes.
const LINE_REACH: usize = 1024;
/// How much of a name stands before its keyword, in bytes: as much as the rules say.
const LEAD_MAX: usize = 50;
/// The rule that says least. Where another found the same, it is silent.
pub(super) const GENERIC: &str = "generic-api-key";
/// What a comment says on a line that may hold a secret.
const MARKS: [&str; 2] = ["gitleaks:allow", MARK];
/// The mark of our own.
pub const MARK: &str = "swarm:allow-secret";

static STANDARD: LazyLock<Scanner> = LazyLock::new(|| Scanner::new(RuleBook::standard()));

/// All rules, ready to be tried on any text, by any number of threads.
#[derive(Debug)]
pub struct Scanner {
    rules: Vec<Rule>,
    exemption: Exemption,
    keywords: AhoCorasick,
    /// For each keyword the rules that have it.
    tried: Vec<Vec<usize>>,
    /// For each rule whether its keywords count only where a word begins.
    begins_a_word: Vec<bool>,
}

/// What a rule took for a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit<'s> {
    pub(super) rule: &'s str,
    /// All that the rule matched.
    pub(super) matched: Range<usize>,
    pub(super) secret: Range<usize>,
}

impl Scanner {
    /// The scanner with the rules that swarm brings along, made when it is first asked for.
    pub fn standard() -> &'static Self {
        &STANDARD
    }

    fn new(book: RuleBook) -> Self {
        let mut keywords: Vec<&str> = Vec::new();
        let mut tried: Vec<Vec<usize>> = Vec::new();
        for (at, rule) in book.rules.iter().enumerate() {
            for keyword in &rule.keywords {
                if let Some(known) = keywords.iter().position(|known| known == keyword) {
                    tried[known].push(at);
                } else {
                    keywords.push(keyword);
                    tried.push(vec![at]);
                }
            }
        }
        let keywords = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&keywords)
            .expect("a few hundred words are far below the limit");
        let begins_a_word = book.rules.iter().map(Rule::begins_a_word).collect();
        Self { rules: book.rules, exemption: book.allowlist, keywords, tried, begins_a_word }
    }

    /// What the rule with this name looks for, in a sentence. None if there is no such rule.
    pub fn description(&self, rule: &str) -> Option<&str> {
        self.rules.iter().find(|known| known.id == rule).map(|rule| rule.description.as_str())
    }

    /// The names of all rules.
    pub fn rules(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }

    /// The secrets of a text, in the order in which they stand there. Its path decides about exceptions and about rules for
    /// certain files; without one neither count. Lines with a mark are left out.
    pub fn scan(&self, path: Option<&str>, text: &[u8]) -> Vec<Finding<'_>> {
        let mut counter = Counter::new(text);
        let hits = self.find(path, text).into_iter().filter(|hit| !is_marked(text, &hit.matched));
        hits.map(|Hit { rule, secret: range, .. }| {
            let (line, column) = counter.place(range.start);
            Finding { rule, line, column, range }
        })
        .collect()
    }

    /// Where the first keyword of any rule stands.
    pub(super) fn first_keyword(&self, text: &[u8]) -> Option<usize> {
        self.keywords.find(text).map(|found| found.start())
    }

    /// The same, whatever the lines are marked with.
    pub(super) fn find(&self, path: Option<&str>, text: &[u8]) -> Vec<Hit<'_>> {
        // For each rule where its next match may begin; empty until it is needed, since most lines have no keyword.
        let mut free: Vec<usize> = Vec::new();
        let mut hits = Vec::new();
        for keyword in self.keywords.find_overlapping_iter(text) {
            for &at in &self.tried[keyword.pattern()] {
                if self.begins_a_word[at] && is_inside_a_word(text, keyword.start()) {
                    continue;
                }
                if free.is_empty() {
                    free = self.beginnings(path);
                }
                let rule = &self.rules[at];
                if let Some(span) = span(rule, &keyword, free[at], text.len()) {
                    self.search(rule, Input::new(text).span(span), &mut free[at], path, &mut hits);
                }
            }
        }
        without_repeats(hits)
    }

    /// For each rule the beginning of the text, or what no text reaches if the rule is for other files.
    fn beginnings(&self, path: Option<&str>) -> Vec<usize> {
        self.rules.iter().map(|rule| if rule.is_for(path) { 0 } else { usize::MAX }).collect()
    }

    /// All matches of a rule in the span of the input; those that are secrets are added to the hits.
    fn search<'s>(
        &'s self,
        rule: &'s Rule,
        input: Input<'_>,
        free: &mut usize,
        path: Option<&str>,
        hits: &mut Vec<Hit<'s>>,
    ) {
        let anchored = if rule.window.is_some() { Anchored::No } else { Anchored::Yes };
        let mut input = input.anchored(anchored);
        let regex = rule.regex.regex();
        // Asking for no more than a yes is far cheaper, and the answer is nearly always no.
        while regex.is_match(input.clone()) {
            let mut captures = regex.create_captures();
            regex.search_captures(&input, &mut captures);
            let Some(found) = captures.get_match() else { return };
            let text = input.haystack();
            let start = if rule.has_lead() { lead(text, found.start(), *free) } else { found.start() };
            let (matched, secret) = (trimmed(text, start..found.end()), secret_of(rule, &captures));
            let candidate = Candidate {
                path,
                secret: &text[secret.clone()],
                matched: &text[matched.clone()],
                line: lines_around(text, &matched, LINE_REACH),
            };
            if rule.accepts(&candidate) && !self.exemption.covers(&candidate) {
                hits.push(Hit { rule: &rule.id, matched, secret });
            }
            // No rule matches nothing, so this goes on.
            *free = found.end();
            input.set_start(found.end());
        }
    }
}

/// The part of the text in which a rule is tried because of a keyword. None if an earlier match holds the keyword.
fn span(rule: &Rule, keyword: &Match, free: usize, len: usize) -> Option<Range<usize>> {
    let span = match rule.window {
        Some(window) => free.max(keyword.start().saturating_sub(window))..len.min(keyword.end() + window),
        None => keyword.start()..len.min(keyword.start() + rule.reach.unwrap_or(REACH)),
    };
    (free <= span.start && span.start < span.end).then_some(span)
}

/// Where the name begins that a match stands at the end of.
fn lead(text: &[u8], start: usize, free: usize) -> usize {
    let before = &text[free.max(start.saturating_sub(LEAD_MAX))..start];
    let is_of_name = |byte: &u8| is_word(*byte) || *byte == b'.' || *byte == b'-';
    start - before.iter().rev().take_while(|byte| is_of_name(byte)).count()
}

/// Without newlines at its edges: many rules end with one, and a match is not on the line behind it.
pub(super) fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let newlines = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|byte| **byte == b'\n').count();
    let start = range.start + newlines(&mut text[range.clone()].iter());
    start..range.end - newlines(&mut text[start..range.end].iter().rev())
}

fn secret_of(rule: &Rule, captures: &Captures) -> Range<usize> {
    let group = match rule.secret_group {
        Some(group) => captures.get_group(group),
        None => {
            (1..captures.group_len()).filter_map(|at| captures.get_group(at)).find(|span| !span.is_empty())
        }
    };
    group.or_else(|| captures.get_group(0)).expect("a match has a group 0").range()
}

fn is_inside_a_word(text: &[u8], at: usize) -> bool {
    at > 0 && is_word(text[at - 1])
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// In order, and without what only says again that there is something.
fn without_repeats(mut hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    hits.sort_by_key(|hit| (hit.secret.start, hit.rule == GENERIC));
    let mut covered = 0;
    hits.retain(|hit| {
        if hit.rule == GENERIC {
            return hit.secret.end > covered;
        }
        covered = covered.max(hit.secret.end);
        true
    });
    hits
}

fn is_marked(text: &[u8], matched: &Range<usize>) -> bool {
    let lines = lines_around(text, matched, LINE_REACH);
    MARKS.iter().any(|mark| lines.windows(mark.len()).any(|part| part == mark.as_bytes()))
}
