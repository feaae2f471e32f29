//! Files that were not written to be read: too large, too deep, mutated. Whatever comes, an answer comes back soon.

use std::fmt::Write;
use std::time::Instant;

use proptest::prelude::*;

use super::super::{PLAN_BYTES_MAX, PROBLEMS_MAX, Source, Syntax, load as load_file, render, to_json};
use super::{ALL, FULL, codes, load, rewritten, sample_plan, yaml};

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str| load_file(&folder.path().join(name), 1).unwrap_err().problems[0].code;
    std::fs::write(folder.path().join("plan.txt"), "version: 1").unwrap();
    std::fs::write(folder.path().join("latin.yaml"), b"version: 1\nname: \xe4").unwrap();
    std::fs::create_dir(folder.path().join("folder.yaml")).unwrap();
    // A hole costs no disk, and a plan of this size is not read at all.
    let huge = std::fs::File::create(folder.path().join("huge.yaml")).unwrap();
    huge.set_len(100 << 20).unwrap();
    let started = Instant::now();
    assert_eq!(refused("huge.yaml"), "P0003");
    assert!(started.elapsed().as_millis() < 100);
    huge.set_len(PLAN_BYTES_MAX + 1).unwrap();
    assert_eq!(refused("huge.yaml"), "P0003");
    assert_eq!(refused("latin.yaml"), "P0004");
    assert_eq!(refused("plan.txt"), "P0005");
    assert_eq!(refused("folder.yaml"), "P0002");
    assert_eq!(refused("missing.yaml"), "P0002");
}

#[test]
fn prompts_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let plan = |file: &str| {
        let text = format!(
            "version: 1\nbudget: 1\ntasks: {{a: {{prompt_file: {file}, agent: x}}}}\nagents: {{x: {{command: x, estimate: 1}}}}"
        );
        super::super::parse(Source::new("p", &text), Syntax::Yaml, folder.path(), "p", 1)
    };
    std::fs::write(folder.path().join("big.md"), vec![b'x'; (256 << 10) + 1]).unwrap();
    std::fs::write(folder.path().join("blank.md"), " \n").unwrap();
    std::fs::write(folder.path().join("latin.md"), b"\xe4").unwrap();
    std::fs::write(folder.path().join("good.md"), vec![b'x'; 256 << 10]).unwrap();
    for bad in ["big.md", "blank.md", "latin.md", ".", "/dev/zero"] {
        assert_eq!(codes(&plan(bad)), ["P0203"], "{bad}");
    }
    assert!(plan("good.md").is_ok());
}

#[test]
fn deep_nesting_is_refused() {
    let deep = 100_000;
    for (syntax, text) in [
        (Syntax::Yaml, "[".repeat(deep)),
        (Syntax::Yaml, "- ".repeat(deep)),
        (Syntax::Yaml, "? ".repeat(deep)),
        (Syntax::Yaml, "- &a ".repeat(deep)),
        (Syntax::Yaml, "{a: ".repeat(deep)),
        (Syntax::Yaml, (0..700).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect()),
        (Syntax::Yaml, format!("a: {}{}", "[".repeat(70), "]".repeat(70))),
        (Syntax::Json, "[".repeat(deep)),
        (Syntax::Json, format!("{}{}", "[".repeat(70), "]".repeat(70))),
        (Syntax::Toml, format!("a = {}", "[".repeat(deep))),
        (Syntax::Toml, format!("a = {}{}", "[".repeat(70), "]".repeat(70))),
        (Syntax::Toml, format!("[{}a]", "a.".repeat(deep))),
        (Syntax::Toml, format!("[[a]]\n[a{}]\n[a]", ".b".repeat(deep))),
        (Syntax::Toml, format!("{}a = 1", "a . ".repeat(deep))),
        (Syntax::Toml, format!("{}a = 1", "a.".repeat(100))),
    ] {
        let start: String = text.chars().take(20).collect();
        assert_eq!(codes(&load(&text, syntax)), ["P0001"], "{syntax:?} {start}");
    }
}

#[test]
fn an_alias_bomb_fizzles() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [before.as_str(); 9].join(", ")).unwrap();
    }
    assert_eq!(codes(&yaml(&bomb)), ["P0001"]);
    let good = "version: 1\nbudget: &b 0.40\ntasks: {a: &a {run: make, budget: *b}, c: *a}";
    let draft = yaml(good).unwrap_or_else(|refused| panic!("{refused}")).draft;
    assert_eq!(draft.tasks[1].caps.usd, draft.caps.usd, "an alias as such is fine");
}

#[test]
fn a_flood_of_mistakes_is_cut_off() {
    let plan: Vec<String> = (0..100_000).map(|n| format!("key{n}: 1")).collect();
    let plan = plan.join("\n");
    let loaded = yaml(&plan);
    assert_eq!(codes(&loaded).len(), PROBLEMS_MAX);
    let refused = loaded.unwrap_err();
    let shown = render(&refused.problems, &refused.source, false);
    assert!(
        shown.ends_with("1000 errors; 900 of them not shown, `--format json` has all\n"),
        "{}",
        &shown[shown.len() - 200..]
    );
    let line = rewritten(
        &format!(
            "version: 1\nbudget: 1\ntasks:\n  a: {{run: make}}\n{}",
            plan.lines().take(2000).collect::<Vec<_>>().join("\n")
        ),
        Syntax::Json,
    );
    let refused = load(&line, Syntax::Json).unwrap_err();
    assert!(
        render(&refused.problems, &refused.source, false).len() < 200_000,
        "one long line is not shown a hundred times"
    );
}

#[test]
fn ten_thousand_tasks() {
    let plan = sample_plan(10_000);
    let started = Instant::now();
    let loaded = yaml(&plan).unwrap_or_else(|refused| panic!("{}", refused.problems[0].message));
    let took = started.elapsed();
    assert_eq!((loaded.draft.tasks.len(), loaded.warnings.len()), (10_000, 0));
    if cfg!(not(debug_assertions)) {
        assert!(took.as_millis() < 1000, "{took:?}");
    }
}

#[test]
fn a_chain_that_claims_one_file() {
    let mut plan = "version: 1\nbudget: 1\ntasks:\n  t0: {run: make, files: [CHANGELOG.md]}\n".to_owned();
    for task in 1..500 {
        writeln!(plan, "  t{task}: {{run: make, files: [CHANGELOG.md], needs: [t{}]}}", task - 1).unwrap();
    }
    assert!(yaml(&plan).is_ok());
    let cycle = plan.replace("t0: {run: make,", "t0: {run: make, needs: [t499],");
    assert_eq!(codes(&yaml(&cycle)), ["P0301"]);
}

/// Loads and shows whatever it is; the answer does not matter, that there is one does.
fn survives(text: &str, syntax: Syntax) {
    let (problems, source) = match load(text, syntax) {
        Ok(loaded) => (loaded.warnings, loaded.source),
        Err(refused) => (refused.problems, refused.source),
    };
    render(&problems, &source, true);
    to_json(&problems, &source);
}

const SCRAPS: [&str; 24] = [
    "\n", "\r\n", "\t", " ", "  ", ":", "- ", "[", "]", "{", "}", "\"", "'", "#", "é", "🚀", "\u{feff}",
    "\0", "&a ", "*a", "!x ", "1e309", "..", "$",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn mutated_plans_do_not_panic(
        syntax in prop::sample::select(ALL.to_vec()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..40_usize, prop::sample::select(SCRAPS.to_vec())), 1..6),
    ) {
        let mut text: Vec<char> = rewritten(FULL, syntax).chars().collect();
        for (at, length, scrap) in cuts {
            let at = at.index(text.len() + 1);
            let end = (at + length).min(text.len());
            text.splice(at..end, scrap.chars());
        }
        survives(&text.into_iter().collect::<String>(), syntax);
    }

    #[test]
    fn any_text_does_not_panic(syntax in prop::sample::select(ALL.to_vec()), text in "\\PC{0,60}|[\\[\\]{}:,\\-\"'#&*!|> \na1é]{0,80}") {
        survives(&text, syntax);
    }

    /// The renderer is given spans that no parser made.
    #[test]
    fn any_span_can_be_shown(text in "[aé🚀\r\n\t]{0,40}", spans in prop::collection::vec((0..60_usize, 0..60_usize), 0..4), fix in any::<bool>()) {
        use super::super::{Problem, Span};
        let source = Source::new("p\u{1b}[31m", &text);
        let mut problem = Problem::error("P0101", "a\u{1b}[31m b\nc").help("h");
        for (start, end) in spans {
            problem = problem.at(Span::new(start, end), "l");
            if fix {
                problem = problem.fix(Span::new(start, end), "instead");
            }
        }
        let shown = render(&[problem.clone()], &source, false);
        prop_assert!(!shown.contains('\u{1b}'), "a cursor could be moved");
        to_json(&[problem], &source);
    }
}
