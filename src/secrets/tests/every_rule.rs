//! Secrets of every kind, made from the expression of each rule: all are found, and where they are.

use proptest::strategy::{Strategy, ValueTree};
use proptest::string::bytes_regex;
use proptest::test_runner::TestRunner;

use super::reading::READING;
use crate::secrets::rules::Rule;
use crate::secrets::scanner::GENERIC;
use crate::secrets::{Finding, Scanner};

/// How many secrets of each rule are looked for, and how many are made at most to have so many: the rules themselves
/// refuse what is not random enough or holds one of 1446 words.
const SECRETS: usize = 8;
const TRIES: usize = 400;

/// What the generator cannot read, the places between bytes, with what remains of the choices they are in; and dots that
/// stand for themselves in the keywords.
const READABLE: [(&str, &str); 11] = [
    (r"|\b)", ")"),
    (r"(?:\B|", "(?:"),
    (r"|\z)", ")"),
    ("|$)", ")"),
    ("(?:$|", "(?:"),
    ("(?:^|", "(?:"),
    (r"\b", ""),
    (r"\z", ""),
    ("xoxe.xox", r"xoxe\.xox"),
    ("hooks.slack.com", r"hooks\.slack\.com"),
    (".contribsys.com", r"\.contribsys\.com"),
];

/// Files of all kinds for which there are rules of their own.
const FILES: [&str; 5] = ["src/main.rs", "main.tf", "deploy.yaml", "index.php", "nuget.config"];

/// Texts with a secret of this rule, as far as the expression says.
pub(super) fn texts(rule: &Rule) -> impl Strategy<Value = Vec<u8>> {
    let replace = |source: String, (from, to): &(&str, &str)| source.replace(from, to);
    let source = READABLE.iter().fold(rule.source().to_owned(), replace);
    let made = bytes_regex(&format!("(?-u){source}")).unwrap_or_else(|error| panic!("{}: {error}", rule.id));
    // A rule with a window may want its keyword beside the secret.
    let beside = if rule.window.is_some() { rule.keywords[0].clone() } else { String::new() };
    made.prop_map(move |secret| [b"see ", beside.as_bytes(), b":\n", &secret, b"\n"].concat())
}

pub(super) fn path_for(rule: &Rule) -> &'static str {
    FILES.into_iter().find(|file| rule.is_for(Some(file))).unwrap()
}

/// A secret of the rule with this name. Not written here, so that no other scanner takes this file for a leak.
pub(super) fn token(rule: &str) -> String {
    let at = READING.book.rules.iter().position(|known| known.id == rule).unwrap();
    let texts = texts(&READING.book.rules[at]);
    let mut runner = TestRunner::deterministic();
    (0..TRIES)
        .find_map(|_| {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let secret = READING.of_rule(at, None, &text).pop()?;
            String::from_utf8(text[secret].to_vec()).ok()
        })
        .unwrap()
}

/// Whether a finding of this rule is there, or one that says more of the same bytes.
fn is_found(rule: &str, secret: &std::ops::Range<usize>, findings: &[Finding]) -> bool {
    let holds = |finding: &Finding| finding.range.start <= secret.start && secret.end <= finding.range.end;
    findings.iter().any(|finding| {
        (finding.rule == rule && finding.range == *secret) || (rule == GENERIC && holds(finding))
    })
}

#[test]
fn every_secret_of_every_rule_is_found() {
    let mut runner = TestRunner::deterministic();
    for (at, rule) in READING.book.rules.iter().enumerate() {
        let (texts, path) = (texts(rule), path_for(rule));
        let mut secrets = 0;
        for _ in 0..TRIES {
            let text = texts.new_tree(&mut runner).unwrap().current();
            let found = Scanner::standard().scan(Some(path), &text);
            for secret in READING.of_rule(at, Some(path), &text) {
                secrets += 1;
                let shown = text.escape_ascii();
                assert!(
                    is_found(&rule.id, &secret, &found),
                    "{} misses {secret:?} of {shown}: {found:?}",
                    rule.id
                );
            }
            if secrets >= SECRETS {
                break;
            }
        }
        assert!(secrets >= SECRETS, "{}: only {secrets} of {TRIES} texts had a secret", rule.id);
    }
}
