//! What people and machines are shown: problems, the summary of a good plan, and the plan that `init` writes.

use super::super::{Summary, render, starter, summary_json, summary_text, to_json};
use super::{FULL, codes, yaml};

#[test]
fn a_typo_is_shown_where_it_is() {
    let refused =
        yaml("version: 1\nbudget: 1\ntasks:\n  ä:\n    run: make\n  b:\n    run: é\n    tiemout: 5m\n")
            .unwrap_err();
    let shown = render(&refused.problems, &refused.source, false);
    let expected = "\
error[P0101]: unknown key `tiemout` in a task
 --> plan:8:5
  |
8 |     tiemout: 5m
  |     ^^^^^^^ not a key of a task
  |
help: did you mean `timeout`?
  |
8 -     tiemout: 5m
8 +     timeout: 5m
  |

2 errors
";
    assert!(shown.ends_with(expected), "{shown}");
    let json = to_json(&refused.problems, &refused.source);
    assert_eq!(
        (json[1]["code"].as_str(), json[1]["line"].as_u64(), json[1]["column"].as_u64()),
        (Some("P0101"), Some(8), Some(5))
    );
    assert_eq!(json[1]["help"], "did you mean `timeout`?");
}

#[test]
fn an_amount_that_cannot_be_meant_says_which_can() {
    for (budget, message, help) in [
        ("tokens: 0", "a cap of 0 allows nothing to start", "a number above 0, such as `2000000` or `2M`"),
        ("tokens: 99999999999999999999", "is too large", "write a smaller number, such as"),
        ("tokens: 99999999999999999G", "is too large", "write a smaller number, such as"),
        ("tokens: unlimited", "`unlimited` is not a number of tokens", "leave it out for no cap"),
        ("calls: 0k", "a cap of 0 allows nothing to start", "a number above 0, such as `400` or `2k`"),
        ("turns: many", "`many` is not a number above 0", "write `400` or `2k`; leave it out for no cap"),
        ("warn: 101", "a whole percentage from 1 to 100", ""),
        ("warn: 0", "a whole percentage from 1 to 100", ""),
        ("warn: [50, 99.5%]", "a whole percentage from 1 to 100", ""),
    ] {
        let plan = format!("version: 1\nbudget: {{usd: 1, {budget}}}\ntasks: {{a: {{run: make}}}}\n");
        let refused = yaml(&plan).unwrap_err();
        let shown = render(&refused.problems, &refused.source, false);
        assert!(shown.contains(message) && shown.contains(help), "{budget}: {shown}");
        assert_eq!(refused.problems.len(), 1, "{shown}");
    }
}

#[test]
fn a_cycle_is_drawn_as_a_path() {
    let plan = "version: 1\nbudget: 1\ntasks:\n  a:\n    run: x\n    needs: [c]\n  b: {run: x, needs: [a]}\n  c: {run: x, needs: [b]}\n  \
                d: {run: x, needs: [e]}\n  e: {run: x, needs: [d]}\n";
    let refused = yaml(plan).unwrap_err();
    let messages: Vec<&str> = refused.problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        messages,
        ["these tasks wait for one another: a → c → b → a", "these tasks wait for one another: d → e → d"]
    );
    assert_eq!(refused.problems[0].labels.len(), 3, "one label for each edge");
    assert!(render(&refused.problems, &refused.source, false).contains("`b` needs `a`"));
}

#[test]
fn an_overlap_labels_both_sides() {
    let plan = "version: 1\nbudget: 1\ntasks:\n  a: {run: x, files: [docs/**, src/**]}\n  b: {run: x, files: [src/x.rs]}\n";
    let refused = yaml(plan).unwrap_err();
    let problem = &refused.problems[0];
    assert_eq!(problem.message, "`a` and `b` can run at the same time and both claim `src/x.rs`");
    let labelled: Vec<&str> =
        problem.labels.iter().map(|label| &plan[label.span.start..label.span.end]).collect();
    assert_eq!(labelled, ["src/x.rs", "src/**"]);
    assert!(render(&refused.problems, &refused.source, false).contains("claimed by `a`"));
}

#[test]
fn places_are_those_of_an_editor() {
    for (text, place) in [
        ("version: 1\r\nbudget: 1\r\ntasks: {a: {run: é, nedds: []}}\r\n", (3, 21)),
        ("\u{feff}verison: 1\nbudget: 1\ntasks: {a: {run: x}}", (1, 1)),
    ] {
        let refused = yaml(text).unwrap_err();
        let json = to_json(&refused.problems, &refused.source);
        assert_eq!(
            (json[0]["line"].as_u64(), json[0]["column"].as_u64()),
            (Some(place.0), Some(place.1)),
            "{json}"
        );
    }
}

#[test]
fn the_summary_of_a_plan() {
    let loaded = yaml(FULL).unwrap();
    let summary = Summary::new(&loaded.draft);
    assert_eq!(
        (summary.levels, summary.critical_path, summary.parallel_max),
        (vec![vec![0], vec![1], vec![2]], vec![0, 1, 2], 1)
    );
    let text = summary_text(&loaded, Some(&["PATH", "LC_*"]));
    for expected in [
        "critical path: tokens → sessions → docs",
        "with all retries: $4.70",
        "worst case: $12.00, the cap of the run",
        "environment allowed: PATH LC_*",
        "sessions (ended)",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(!text.contains("8080") && text.contains("PORT"), "names of variables are shown, values are not");
    let json = summary_json(&loaded, None);
    assert_eq!(
        (json["max_parallel"].as_u64(), json["budget"]["worst_case_usd"].as_str()),
        (Some(1), Some("12.00"))
    );
    assert_eq!(json["resolved"], serde_json::Value::Null);
}

#[test]
fn the_worst_case_is_what_the_caps_allow_and_not_what_is_reserved() {
    let unlimited = "unlimited: the run has no cap, and some task no budget";
    for (cap, agent, a, b, retried, worst) in [
        ("$9", "", "", "", "$1.60", "$9.00, the cap of the run"),
        ("$9", "", ", budget: $3", ", budget: $2", "$1.60", "$5.00 of the cap of $9.00"),
        ("$9", "", ", budget: $0.50", ", budget: $0.60", "$1.10", "$1.10 of the cap of $9.00"),
        // Both are the same agent's, so its budget holds for both together.
        ("$9", ", budget: $4", "", "", "$1.60", "$4.00 of the cap of $9.00"),
        ("$9", ", budget: $4", ", budget: $1", "", "$1.60", "$4.00 of the cap of $9.00"),
        ("unlimited", "", ", budget: $3", "", "$1.60", unlimited),
        (
            "unlimited",
            "",
            ", budget: $3",
            ", budget: $2",
            "$1.60",
            "$5.00 by budgets, with no cap on the run",
        ),
    ] {
        let plan = format!(
            "version: 1\nbudget: {cap}\nagents: {{x: {{adapter: shell, command: x, estimate: $0.40{agent}}}}}\n\
             defaults: {{agent: x, retries: 1}}\ntasks: {{a: {{prompt: p{a}}}, b: {{prompt: p{b}}}}}"
        );
        let loaded = yaml(&plan).unwrap();
        let text = summary_text(&loaded, None);
        assert!(
            text.contains(&format!("\n  with all retries: {retried}\n  worst case: {worst}\n")),
            "{plan}\n{text}"
        );
        let json = summary_json(&loaded, None);
        assert_eq!(json["budget"]["worst_case_usd"].is_null(), worst == unlimited, "{json}");
    }
}

#[test]
fn what_init_writes_passes_the_check() {
    let files: &[&[(&str, &str)]] = &[
        &[],
        &[("Cargo.toml", "[package]"), ("Cargo.lock", "")],
        &[
            ("package.json", r#"{"scripts": {"test": "jest", "lint": "eslint"}}"#),
            ("package-lock.json", "{}"),
        ],
        &[("package.json", "not json"), ("yarn.lock", "")],
        &[
            ("pyproject.toml", ""),
            ("uv.lock", ""),
            ("go.mod", "module x"),
            ("go.sum", ""),
            ("Makefile", "all:\n\ntest: all\n"),
        ],
    ];
    for files in files {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in *files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        for installed in [true, false] {
            let text = starter(folder.path(), |_| installed);
            let loaded = yaml(&text);
            assert!(loaded.is_ok() && codes(&loaded).is_empty(), "{files:?}\n{text}\n{:?}", codes(&loaded));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Cargo.toml"), "").unwrap();
    let text = starter(folder.path(), |program| program == "claude");
    assert!(
        text.contains("test: cargo test") && text.contains("adapter: claude") && !text.contains("codex"),
        "{text}"
    );
}
