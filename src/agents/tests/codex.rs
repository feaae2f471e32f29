//! Codex 0.169.0.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swarm_domain::fact::TroubleKind::{Error, Limit, Login};

use super::super::{Login as LoggedIn, Permission, Prices, Setting, Talk, adapter};
use super::Is::{Cut, Denied, Done, Failed, Stuck};
use super::launches::{USUAL, Wish, command, launch, login, variables};
use super::{capture, captures, check, row, setting, text};

/// Where the conversation of `codex-ok` had stopped.
const BOOKMARK: &str = concat!(
    r#"{"conversation":"01a1fc77-1556-7f22-905d-d59ac41bce58","usd_micros":6750,"#,
    r#""tokens":{"input":2000,"cache_read":400,"cache_write":0,"output":110,"reasoning":20}}"#
);

/// Where that of `codex-kill-KILL` had stopped: the capture has no files, which would tell.
const AFTER_A_KILL: &str = concat!(
    r#"{"conversation":"01a1fc77-7d3c-7741-a4f1-882a2d294650","usd_micros":16875,"#,
    r#""tokens":{"input":5000,"cache_read":1000,"cache_write":0,"output":275,"reasoning":50}}"#
);

/// The files that a capture left in its folder of state: the conversation's name, and the text.
fn rollouts(case: &str) -> Vec<(String, String)> {
    let files =
        fs::read_dir(captures()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut own: Vec<_> = files
        .filter_map(|file| {
            let name =
                file.strip_prefix(&format!("codex-{case}."))?.strip_suffix(".rollout.jsonl")?.to_owned();
            Some((name, text(&file)))
        })
        .collect();
    own.sort();
    own
}

fn rollout(state: &Path, name: &str) -> PathBuf {
    let day = state.join("sessions/2026/11/21");
    fs::create_dir_all(&day).unwrap();
    day.join(format!("rollout-2026-11-21T05-00-00-{name}.jsonl"))
}

/// A folder of state as a capture left it.
fn state(dir: &Path, case: &str) -> PathBuf {
    let state = dir.join(case);
    for (name, text) in rollouts(case) {
        fs::write(rollout(&state, &name), text).unwrap();
    }
    state
}

fn asked(dir: &Path, case: &str) -> Setting {
    let bookmark = match case {
        "resume-codex-ok" => Some(BOOKMARK.to_owned()),
        "resume-codex-kill-KILL" => Some(AFTER_A_KILL.to_owned()),
        _ => None,
    };
    Setting { model: Some("gpt-5.4".to_owned()), state: state(dir, case), bookmark, ..setting() }
}

#[test]
fn every_capture_of_it_is_understood() {
    let dir = tempfile::tempdir().unwrap();
    let rows = [
        row("agents", Done, None, (6_000, 275)),
        row("badflag", Stuck(Error, "unexpected argument '--nope'"), None, (0, 0)),
        row("cut", Failed(Error, "stream disconnected"), None, (0, 0)),
        row("denied-readonly", Done, Some(6_750), (2_400, 110)),
        row("err400", Failed(Error, "fake bad request"), None, (0, 0)),
        row("err401", Failed(Login, "401 Unauthorized"), Some(0), (0, 0)),
        row("err402", Failed(Login, "402 Payment Required"), Some(0), (0, 0)),
        row("err429", Failed(Limit, "429 Too Many Requests"), Some(0), (0, 0)),
        row("err500", Failed(Error, "high demand"), None, (0, 0)),
        row("kill-INT", Cut, None, (0, 0)),
        row("kill-KILL", Cut, None, (0, 0)),
        row("kill-TERM", Cut, None, (0, 0)),
        row("killed", Cut, Some(3_375), (1_200, 55)),
        row("nokey", Failed(Login, "Missing environment variable"), Some(0), (0, 0)),
        row("ok", Done, Some(6_750), (2_400, 110)),
        row("orphan-GKILL", Cut, None, (0, 0)),
        row("orphan-KILL", Cut, None, (0, 0)),
        row("orphan-TERM", Cut, None, (0, 0)),
        row("orphan-bwrap-KILL", Cut, None, (0, 0)),
        row("prompt2long", Failed(Error, "prompt is too long"), None, (0, 0)),
        row("quota", Failed(Login, "Quota exceeded"), Some(0), (0, 0)),
        row(
            "rejected",
            Denied(&["/bin/bash -lc 'rm -rf /nothing/here; git push --force'"]),
            Some(6_750),
            (2_400, 110),
        ),
        row("resume-codex-kill-KILL", Done, Some(3_375), (1_200, 55)),
        row("resume-codex-ok", Done, Some(3_375), (1_200, 55)),
        row("rollout-budget", Failed(Error, "budget reached"), None, (0, 0)),
        row("usage-limit", Failed(Limit, "hit your usage limit"), Some(0), (0, 0)),
    ];
    check("codex", &rows, |case| asked(dir.path(), case));
}

#[test]
fn a_conversation_that_is_not_there_cannot_be_taken_up() {
    let trouble = capture("codex", "resume-bad", setting()).report.trouble.unwrap();
    assert_eq!(trouble.kind, Error);
    assert!(trouble.said.contains("no rollout found"), "{}", trouble.said);
}

#[test]
fn its_files_say_until_when_a_usage_limit_holds() {
    let dir = tempfile::tempdir().unwrap();
    let trouble = capture("codex", "usage-limit", asked(dir.path(), "usage-limit")).report.trouble.unwrap();
    assert_eq!(trouble.until_ms, Some(1_795_275_317_000));
}

#[test]
fn its_files_are_believed_where_its_words_are_new() {
    let dir = tempfile::tempdir().unwrap();
    let setting = asked(dir.path(), "usage-limit");
    let mut reader = adapter("codex").unwrap().reader(setting);
    for line in
        text("codex-usage-limit.stdout.jsonl").replace("hit your usage limit", "used it all up").lines()
    {
        reader.line(line, &mut |_| ());
    }
    assert_eq!(reader.reading().report.trouble.as_ref().unwrap().kind, Limit);
}

#[test]
fn what_its_subagents_use_is_billed_at_the_price_of_their_model() {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("prices.toml");
    let price =
        |model: &str, price: &str| format!("[models.\"{model}\"]\ninput = \"{price}\"\noutput = \"0\"\n");
    fs::write(&own, price("gpt-6.1-sol", "1") + &price("gpt-6-luna", "100")).unwrap();
    let prices = Arc::new(Prices::load(Some(&own)).unwrap());
    let reading = capture("codex", "agents", Setting { prices, ..asked(dir.path(), "agents") });
    // Four answers of the main conversation and one of its subagent, which its stream does not count.
    assert_eq!(reading.spent.usd_micros, Some(4 * 1_200 + 1_200 * 100));
    assert_eq!(reading.report.model.as_deref(), Some("gpt-6.1-sol"));
}

#[test]
fn its_files_are_read_as_they_grow() {
    let dir = tempfile::tempdir().unwrap();
    let [(name, text)] = rollouts("killed").try_into().unwrap();
    let setting = Setting { state: dir.path().to_owned(), ..asked(dir.path(), "none") };
    let mut reader = adapter("codex").unwrap().reader(setting);
    reader.line(&format!(r#"{{"type":"thread.started","thread_id":"{name}"}}"#), &mut |_| ());
    let mut file = fs::File::create(rollout(dir.path(), &name)).unwrap();
    let mut sent = Vec::new();
    for piece in text.as_bytes().chunks(700) {
        file.write_all(piece).unwrap();
        reader.aside();
        sent.push(reader.reading().spent.tokens.sent());
    }
    assert_eq!((sent.first(), sent.last()), (Some(&0), Some(&1_200)));
    assert!(sent.is_sorted(), "{sent:?}");
}

#[test]
fn a_conversation_taken_up_pays_only_for_what_is_new_in_its_folder() {
    let dir = tempfile::tempdir().unwrap();
    let first = capture("codex", "killed", asked(dir.path(), "killed"));
    let [(name, text)] = rollouts("killed").try_into().unwrap();
    assert_eq!(first.spent.tokens.sent(), 1_200);
    let again = Setting { bookmark: first.report.bookmark, ..asked(dir.path(), "killed") };
    let mut reader = adapter("codex").unwrap().reader(again);
    reader.line(&format!(r#"{{"type":"thread.started","thread_id":"{name}"}}"#), &mut |_| ());
    assert_eq!(reader.reading().spent.tokens.sent(), 0);
    let more = text.lines().last().unwrap().replace(r#""input_tokens":1200"#, r#""input_tokens":1900"#);
    fs::write(rollout(&dir.path().join("killed"), &name), text + &more + "\n").unwrap();
    reader.aside();
    assert_eq!(reader.reading().spent.tokens.sent(), 700);
    assert_eq!(reader.reading().spent.usd_micros, Some(1_750));
}

#[test]
fn it_tells_what_it_does() {
    let mut reader = adapter("codex").unwrap().reader(setting());
    let mut told = Vec::new();
    for line in [
        r#"{"type":"item.started","item":{"type":"command_execution","command":"ls","status":"in_progress"}}"#,
        r#"{"type":"item.completed","item":{"type":"command_execution","command":"ls","aggregated_output":"a","exit_code":1,"status":"failed"}}"#,
        r#"{"type":"item.completed","item":{"type":"command_execution","command":"rm","exit_code":null,"status":"declined"}}"#,
        r#"{"type":"item.completed","item":{"type":"file_change","changes":[{"path":"a.rs","kind":"update"}],"status":"completed"}}"#,
        r#"{"type":"item.completed","item":{"type":"agent_message","text":"Done."}}"#,
        r#"{"type":"error","message":"Reconnecting... 1/5 (unexpected status 503 Service Unavailable: x)"}"#,
    ] {
        reader.line(line, &mut |item: Talk| told.push(item.brief()));
    }
    let reconnecting = "Reconnecting... 1/5 (unexpected status 503 Service Unavailable: x)";
    assert_eq!(
        told,
        ["exec_command: ls", "failed: a", "denied: rm", "apply_patch: a.rs", "Done.", reconnecting]
    );
    assert_eq!(reader.reading().report.trouble.as_ref().unwrap().kind, Limit);
    assert_eq!(reader.reading().report.denials, ["rm"]);
    reader.line(r#"{"type":"item.completed","item":{"type":"reasoning","text":"hm"}}"#, &mut |_| ());
    assert_eq!(reader.reading().report.trouble, None, "it goes on");
}

const BEGIN: &str = "codex exec --json -c check_for_update_on_startup=false -c analytics.enabled=false";

#[test]
fn its_command_line() {
    let network = "-c sandbox_workspace_write.network_access";
    let run = format!(
        "-s workspace-write {network}=true --add-dir /repo/.git/worktrees/t-1 --add-dir /repo/.git/objects"
    );
    let resume = format!("{run} -p mine resume 01a1fc77-1556-7f22-905d-d59ac41bce58 -");
    let other = r#"-c model_provider=swarm -c model_providers.swarm={name="swarm",base_url="http://a/v1",env_key="OPENAI_API_KEY",wire_api="responses"}"#;
    let url = ("OPENAI_BASE_URL", "http://a/v1");
    for (wish, expected) in [
        (Wish { permission: Permission::ReadOnly, ..USUAL }, format!("-s read-only {network}=false -")),
        (Wish { permission: Permission::Edit, ..USUAL }, format!("-s workspace-write {network}=false -")),
        (USUAL, format!("{run} -")),
        (Wish { unmounting: true, ..USUAL }, "-s danger-full-access -".to_owned()),
        (
            Wish { permission: Permission::Edit, unmounting: true, ..USUAL },
            format!("-s workspace-write {network}=false -"),
        ),
        (
            Wish { permission: Permission::Full, ..USUAL },
            "--dangerously-bypass-approvals-and-sandbox -".to_owned(),
        ),
        (Wish { model: Some("gpt-5.4"), ..USUAL }, format!("{run} -m gpt-5.4 -")),
        (Wish { bookmark: Some(BOOKMARK), args: &["-p", "mine"], ..USUAL }, resume),
        (Wish { env: &[url], ..USUAL }, format!(r#"{run} -c openai_base_url="http://a/v1" -"#)),
        (Wish { env: &[url, ("OPENAI_API_KEY", "k")], ..USUAL }, format!("{run} {other} -")),
    ] {
        assert_eq!(command("codex", &wish), format!("{BEGIN} {expected}"));
    }
}

#[test]
fn its_folder_is_the_attempts_own_and_has_the_users_login() {
    let begun = launch("codex", &USUAL);
    assert_eq!(begun.stdin.as_deref(), Some(Path::new("/attempt/prompt")));
    assert_eq!(variables("codex", &USUAL), ["CODEX_HOME=/attempt/state"]);
    let login = ("/home/user/.codex/auth.json".into(), "/attempt/state/auth.json".into());
    assert!(begun.links.contains(&login), "{:?}", begun.links);
    let elsewhere = launch("codex", &Wish { env: &[("CODEX_HOME", "/own")], ..USUAL });
    assert!(elsewhere.links.contains(&("/own/config.toml".into(), "/attempt/state/config.toml".into())));
}

#[test]
fn its_login_is_a_key_or_a_file() {
    let home = tempfile::tempdir().unwrap();
    let is = |env: &[(&str, &str)]| login("codex", env, home.path());
    assert!(matches!(is(&[]), LoggedIn::No(_)));
    assert!(matches!(is(&[("OPENAI_API_KEY", "k")]), LoggedIn::No(_)), "it does not use that");
    assert!(matches!(is(&[("CODEX_API_KEY", "k")]), LoggedIn::Yes(_)));
    let own = home.path().join(".codex");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("config.toml"), "model_provider = \"azure\"").unwrap();
    assert!(matches!(is(&[]), LoggedIn::Unknown(_)));
    fs::write(own.join("auth.json"), "{}").unwrap();
    assert!(matches!(is(&[]), LoggedIn::Yes(_)));
}
