//! aider 0.86.2.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use swarm_domain::fact::TroubleKind::{Error, Limit, Login};

use super::super::{Login as LoggedIn, Permission, Setting, adapter};
use super::Is::{Cut, Done, Failed, Stuck};
use super::launches::{USUAL, Wish, command, launch, login, variables};
use super::{capture, check, row, setting, text};

/// A folder of state with the log of a capture. The oldest captures have none.
fn asked(dir: &Path, case: &str) -> Setting {
    let state = dir.join(case);
    fs::create_dir_all(&state).unwrap();
    let log = text(&format!("aider-{case}.events.jsonl"));
    if !log.is_empty() {
        fs::write(state.join("events.jsonl"), log).unwrap();
    }
    Setting { state, ..setting() }
}

#[test]
fn every_capture_of_it_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [
        row("asked", Done, None, (1_200, 55)),
        row("cut-off", Failed(Error, "has hit a token limit"), None, (0, 0)),
        row("done", Done, None, (1_200, 55)),
        row("err400", Stuck(Error, "fake bad request"), None, (0, 0)),
        row("err401", Stuck(Login, "AuthenticationError"), None, (0, 0)),
        row("key", Failed(Login, "AuthenticationError"), Some(0), (0, 0)),
        row("killed", Cut, None, (1_200, 55)),
        row("limited", Stuck(Limit, "fake rate limit"), None, (0, 0)),
        row("login-page", Stuck(Login, "waits for somebody to log in"), None, (0, 0)),
        row("malformed", Failed(Error, "Only 3 reflections"), None, (4_800, 220)),
        row("ok", Cut, None, (0, 0)),
        row("priced", Done, Some(508), (1_200, 55)),
        row(
            "unapplied",
            Failed(Error, "an edit was not applied: list index out of range"),
            None,
            (1_200, 55),
        ),
        row("unpaid", Stuck(Login, "budget exhausted"), None, (0, 0)),
    ];
    check("aider", &rows, |case| asked(dir.path(), case));
}

#[test]
fn its_model_is_the_one_that_it_names() {
    let dir = tempfile::tempdir().unwrap();
    let aliased = Setting { model: Some("4.1-mini".to_owned()), ..asked(dir.path(), "priced") };
    let reading = capture("aider", "priced", aliased);
    assert_eq!(reading.report.model.as_deref(), Some("openai/gpt-4.1-mini"));
    assert!(!reading.spent.priced);
}

#[test]
fn its_end_is_the_same_whether_its_text_or_its_log_is_read_first() {
    let dir = tempfile::tempdir().unwrap();
    for case in ["asked", "cut-off", "done", "key", "malformed", "priced", "unapplied"] {
        let mut reader = adapter("aider").unwrap().reader(asked(dir.path(), case));
        reader.aside();
        for line in text(&format!("aider-{case}.stdout.jsonl")).lines() {
            reader.line(line, &mut |_| ());
        }
        let usual = capture("aider", case, asked(dir.path(), case));
        assert_eq!(reader.reading().report, usual.report, "{case}");
        assert_eq!(reader.reading().spent, usual.spent, "{case}");
    }
}

#[test]
fn an_error_that_it_gets_over_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("events.jsonl");
    let mut reader = adapter("aider").unwrap().reader(Setting { state: dir.path().to_owned(), ..setting() });
    let mut told = String::new();
    let mut event = |name: &str, properties: &str| {
        writeln!(told, "{{\"event\": \"{name}\", \"properties\": {{{properties}}}}}").unwrap();
        fs::write(&log, &told).unwrap();
    };
    event("message_send_starting", "");
    reader.line("litellm.RateLimitError: RateLimitError: OpenAIException - slow down", &mut |_| ());
    reader.aside();
    assert_eq!(reader.reading().report.trouble.as_ref().unwrap().kind, Limit);
    event("message_send", r#""prompt_tokens": 10, "completion_tokens": 1, "cost": 0.5"#);
    reader.aside();
    assert_eq!(reader.reading().report.trouble, None);
    event("exit", r#""reason": "Completed --message-file""#);
    reader.aside();
    assert!(reader.reading().report.finished && reader.reading().report.trouble.is_none());
    assert_eq!(reader.reading().spent.usd_micros, Some(500_000));
}

const BEGIN: &str = concat!(
    "aider --message-file /attempt/state/message.md --yes-always --no-analytics --no-check-update ",
    "--no-show-release-notes --no-show-model-warnings --no-gitignore --no-auto-commits --no-dirty-commits ",
    "--no-detect-urls --no-suggest-shell-commands --no-stream --no-pretty --no-fancy-input --disable-playwright ",
    "--no-notifications --analytics-log /attempt/state/events.jsonl --chat-history-file /attempt/state/chat.md ",
    "--input-history-file /attempt/state/input"
);

#[test]
fn its_command_line() {
    let edit = Wish { permission: Permission::Edit, ..USUAL };
    for (wish, expected) in [
        (Wish { permission: Permission::ReadOnly, ..USUAL }, " --chat-mode ask"),
        (Wish { permission: Permission::Edit, ..USUAL }, ""),
        (
            Wish {
                permission: Permission::Edit,
                model: Some("sonnet"),
                args: &["--auto-test", "--test-cmd", "make"],
                ..USUAL
            },
            " --model sonnet --auto-test --test-cmd make",
        ),
    ] {
        assert_eq!(command("aider", &wish), format!("{BEGIN}{expected}"));
    }
    assert_eq!(
        variables("aider", &edit),
        ["BROWSER=true", "LITELLM_LOCAL_MODEL_COST_MAP=True", "OPENAI_LOG=info"]
    );
    assert_eq!(adapter("aider").unwrap().facts().permissions, [Permission::ReadOnly, Permission::Edit]);
}

#[test]
fn a_prompt_is_no_command_and_its_cache_is_not_kept() {
    for prompt in ["!rm -rf .", "/run make", "do it"] {
        let files = launch("aider", &Wish { prompt, ..USUAL }).files;
        let message = (PathBuf::from("/attempt/state/message.md"), format!("\n{prompt}"));
        let ignore = (PathBuf::from("/trees/t-1/.aider.tags.cache.v4/.gitignore"), "*\n".to_owned());
        assert_eq!(files, [message, ignore]);
    }
}

#[test]
fn its_login_is_a_key() {
    let home = tempfile::tempdir().unwrap();
    let is = |env: &[(&str, &str)]| login("aider", env, home.path());
    assert!(matches!(is(&[]), LoggedIn::No(_)));
    assert!(matches!(is(&[("DEEPSEEK_API_KEY", "k")]), LoggedIn::Yes(_)));
    fs::write(home.path().join(".env"), "").unwrap();
    assert!(matches!(is(&[]), LoggedIn::Unknown(_)));
    fs::create_dir(home.path().join(".aider")).unwrap();
    fs::write(home.path().join(".aider/oauth-keys.env"), "").unwrap();
    assert!(matches!(is(&[]), LoggedIn::Yes(_)));
}
