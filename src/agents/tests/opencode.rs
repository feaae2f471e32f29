//! opencode 1.18.33.

use std::fs;
use std::path::Path;

use swarm_domain::fact::TroubleKind::{Error, Limit, Login};

use super::super::{Login as LoggedIn, Permission, Setting, adapter};
use super::Is::{Cut, Denied, Done, Failed, Stuck};
use super::launches::{USUAL, Wish, command, launch, login, variables};
use super::{capture, check, read, row, setting};

#[test]
fn every_capture_of_it_is_understood() {
    let rows = [
        row("cut", Done, Some(3_885), (1_200, 55)),
        row("denied", Stuck(Error, "write asks for a permission"), Some(3_885), (1_200, 55)),
        row("err400", Failed(Error, "fake bad request"), Some(0), (0, 0)),
        row("err401", Failed(Login, "invalid x-api-key"), Some(0), (0, 0)),
        row("err402", Failed(Login, "budget exhausted"), Some(0), (0, 0)),
        row("err429", Failed(Limit, "fake rate limit"), Some(0), (0, 0)),
        row("err500", Cut, None, (0, 0)),
        row("late401", Failed(Login, "late failure"), Some(3_885), (1_200, 55)),
        row("length", Failed(Error, "cut off"), Some(3_885), (1_200, 55)),
        row("nokey", Failed(Login, "Model not found: anthropic/claude-sonnet-4-5."), None, (0, 0)),
        row("ok", Done, Some(7_770), (2_400, 110)),
        row("orphan-GKILL", Cut, None, (0, 0)),
        row("orphan-INT", Cut, None, (0, 0)),
        row("orphan-KILL", Cut, None, (0, 0)),
        row("orphan-TERM", Cut, None, (0, 0)),
        row("retries", Stuck(Error, "fake server error"), None, (0, 0)),
        row("ruled", Denied(&["write"]), Some(7_770), (2_400, 110)),
        row("unpriced", Done, None, (2_400, 110)),
    ];
    check("opencode", &rows, |_| setting());
}

#[test]
fn what_it_sells_for_nothing_is_priced() {
    let asked = Setting { model: Some("openai/gpt-5".to_owned()), ..setting() };
    let spent = capture("opencode", "unpriced", asked).spent;
    // 2 x (1000 at $1.25, 200 at $0.125 and 55 at $10 for a million).
    assert_eq!((spent.usd_micros, spent.priced), (Some(3_650), true));
    assert!(!capture("opencode", "ok", setting()).spent.priced);
}

#[test]
fn a_limit_says_until_when() {
    let trouble = capture("opencode", "err429", setting()).report.trouble.unwrap();
    assert_eq!(trouble.until_ms, Some(1_795_237_538_036 + 1000));
}

#[test]
fn an_end_that_something_comes_behind_was_none() {
    let stop = r#"{"type":"step_finish","part":{"reason":"stop"}}"#;
    let start = r#"{"type":"step_start","part":{}}"#;
    let overflow =
        r#"{"type":"error","error":{"name":"ContextOverflowError","data":{"message":"too long"}}}"#;
    for (lines, finished, good) in [
        (vec![start, stop], true, true),
        (vec![start, stop, start], false, true),
        (vec![overflow], true, false),
        (vec![overflow, start], false, true),
        (vec![overflow, start, stop], true, true),
    ] {
        let report = read("opencode", setting(), &lines.join("\n"), "").report;
        assert_eq!((report.finished, report.trouble.is_none()), (finished, good), "{lines:?}");
    }
}

#[test]
fn the_cause_is_found_in_its_log_before_or_behind_the_error() {
    let error = r#"{"type":"error","error":{"name":"UnknownError","data":{"message":"Unexpected server error. See"}}}"#;
    let log = |said: &str| {
        format!(r#"level=ERROR message=failed error="ProviderModelNotFoundError: {said}" cause="x""#)
    };
    for (said, kind) in [
        ("Model not found: a/b. Did you mean: b, c?", Login),
        ("Model not found: a/b. Did you mean: c?", Error),
        ("Model not found: a/b.", Error),
    ] {
        for behind in [false, true] {
            let mut reader = adapter("opencode").unwrap().reader(setting());
            if !behind {
                reader.complaint(&log(said));
            }
            reader.line(error, &mut |_| ());
            if behind {
                reader.complaint(&log(said));
            }
            let trouble = reader.reading().report.trouble.clone().unwrap();
            assert_eq!((trouble.kind, trouble.said.as_str()), (kind, said), "behind: {behind}");
        }
    }
}

#[test]
fn a_complaint_behind_the_end_changes_nothing() {
    let complaint = "\u{1b}[91m\u{1b}[1mError: \u{1b}[0mSession not found";
    assert_eq!(read("opencode", setting(), "", complaint).report.trouble.unwrap().said, "Session not found");
    let mut reader = adapter("opencode").unwrap().reader(setting());
    reader.line(r#"{"type":"step_finish","part":{"reason":"stop"}}"#, &mut |_| ());
    reader.complaint(complaint);
    assert_eq!(reader.reading().report.trouble, None);
}

const BEGIN: &str = "opencode run --format json --title swarm --print-logs --log-level ERROR";

#[test]
fn its_command_line() {
    for (wish, expected) in [
        (USUAL, ""),
        (Wish { permission: Permission::Full, ..USUAL }, " --auto"),
        (
            Wish { model: Some("openai/gpt-5"), args: &["--variant", "high"], ..USUAL },
            " --model openai/gpt-5 --variant high",
        ),
        (Wish { bookmark: Some(r#"{"conversation":"ses_1"}"#), ..USUAL }, ""),
    ] {
        assert_eq!(command("opencode", &wish), format!("{BEGIN}{expected}"));
    }
    assert_eq!(launch("opencode", &USUAL).stdin.as_deref(), Some(Path::new("/attempt/prompt")));
}

#[test]
fn its_permissions_leave_nothing_to_ask_about() {
    let rules = |permission| {
        let set = variables("opencode", &Wish { permission, ..USUAL });
        assert!(set.contains(&"OPENCODE_DB=/attempt/state/opencode.db".to_owned()));
        let rules = set.iter().find_map(|set| set.strip_prefix("OPENCODE_PERMISSION="))?.to_owned();
        Some(serde_json::from_str::<serde_json::Value>(&rules).unwrap())
    };
    for (permission, edit, bash) in [
        (Permission::ReadOnly, "deny", "deny"),
        (Permission::Edit, "allow", "deny"),
        (Permission::Run, "allow", "allow"),
    ] {
        let rules = rules(permission).unwrap();
        let of = |tool: &str| rules[tool].as_str().or(rules[tool]["*"].as_str()).unwrap().to_owned();
        assert_eq!((of("edit").as_str(), of("bash").as_str()), (edit, bash), "{permission:?}");
        for asks in ["external_directory", "doom_loop"] {
            assert_ne!(of(asks), "ask", "{permission:?}");
        }
        assert_eq!(rules["read"]["*.env"], "deny", "{permission:?}");
        assert_eq!(rules["task"], "deny", "what its subagents use is in no record");
    }
    assert_eq!(rules(Permission::Full), None);
}

#[test]
fn it_keeps_no_copy_of_a_worktree_unless_its_settings_are_somebody_elses() {
    let settings = |env: &[(&str, &str)]| {
        let set = variables("opencode", &Wish { env, ..USUAL });
        set.into_iter().find(|set| set.starts_with("OPENCODE_CONFIG_CONTENT="))
    };
    assert_eq!(settings(&[]).as_deref(), Some(r#"OPENCODE_CONFIG_CONTENT={"snapshot":false}"#));
    assert_eq!(settings(&[("OPENCODE_CONFIG_CONTENT", "{}")]), None);
}

#[test]
fn its_login_is_a_key_or_a_file() {
    let home = tempfile::tempdir().unwrap();
    let is = |env: &[(&str, &str)]| login("opencode", env, home.path());
    assert!(matches!(is(&[]), LoggedIn::Unknown(_)));
    assert!(matches!(is(&[("GROQ_API_KEY", "k")]), LoggedIn::Yes(_)));
    assert!(matches!(is(&[("GROQ_API_KEY", "")]), LoggedIn::Unknown(_)));
    let data = home.path().join(".local/share/opencode");
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("auth.json"), "{}").unwrap();
    assert!(matches!(is(&[]), LoggedIn::Unknown(_)));
    fs::write(data.join("auth.json"), r#"{"anthropic":{"type":"api","key":"k"}}"#).unwrap();
    assert_eq!(is(&[]), LoggedIn::Yes("its auth.json has a login for anthropic".to_owned()));
    let elsewhere = home.path().join("elsewhere");
    assert!(matches!(is(&[("XDG_DATA_HOME", elsewhere.to_str().unwrap())]), LoggedIn::Unknown(_)));
}
