//! Limits and logins: what stops every attempt of an agent is waited for or told, and uses up no retry.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::stand_in::Cast;

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_rate_limit_holds_the_agent_until_it_is_over_and_uses_up_no_retry() {
    let cast = Cast::new();
    let reset_s = now_s() + 6;
    let limited = format!("init; limited_until {reset_s}; fails_with 429 'your limit'; exit 1");
    let once =
        format!("if mkdir $ROOT/flags/limited 2>/dev/null; then {limited}; fi; init; works; done_for 0.01");
    cast.plan("budget: 5usd\nconcurrency: 1\ndefaults: { retries: 0 }", &[("a", &once), ("b", &once)]);
    cast.run().assert_code(0).assert_says("`claude` waits until");
    let events = cast.scene.events();
    let held = events.of("agent.held").next().unwrap().clone();
    let freed = events.of("agent.freed").next().unwrap().clone();
    assert!(held.seq < freed.seq);
    let starts: Vec<u64> = events.of("attempt.started").map(|event| event.seq).collect();
    assert!(starts.iter().all(|seq| *seq < held.seq || *seq > freed.seq), "{starts:?}");
    assert_eq!(starts.len(), 3, "only one attempt met the limit");
    assert_eq!(events.failures("a").len() + events.failures("b").len(), 1);
}

#[test]
fn while_an_agent_is_held_status_says_until_when_and_unpause_tries_again() {
    let cast = Cast::new();
    let reset_s = now_s() + 3_600;
    let limited = format!("init; limited_until {reset_s}; fails_with 429 'your limit'; exit 1");
    let once =
        format!("if mkdir $ROOT/flags/limited 2>/dev/null; then {limited}; fi; init; works; done_for 0.01");
    cast.plan("budget: 5usd", &[("a", &once)]);
    let run = cast.start();
    cast.scene.until("the hold", |events| events.any("agent.held"));
    let held = || {
        let status = cast.scene.status();
        (status["tasks"]["a"]["state"] == "limited" && status["tasks"]["a"]["until"].is_string())
            .then_some(status)
    };
    let status = crate::common::until("the state `limited`", held);
    assert_eq!(status["agents_held"][0]["agent"], "claude");
    assert!(status["next"].to_string().contains("swarm unpause"), "{}", status["next"]);
    cast.shows(&["why", "a"], "claude waits until");
    cast.scene.swarm(&["unpause"]).assert_code(0);
    run.end().assert_code(0);
}

#[test]
fn with_the_wait_switched_off_a_limit_is_a_failed_attempt() {
    let cast = Cast::new();
    let script = "init; fails_with 429 'your limit'; exit 1";
    cast.plan("budget: 5usd\non_rate_limit: fail\ndefaults: { retries: 1 }", &[("a", script)]);
    cast.run().assert_code(4);
    assert_eq!(cast.scene.events().failures("a"), ["your limit", "your limit"]);
}

#[test]
fn a_refused_login_stops_the_agent_after_one_attempt_and_a_resume_goes_on() {
    let cast = Cast::new();
    let script = "if ! [ -e $ROOT/signed-in ]; then init; fails_with 401 'Invalid API key'; exit 1; fi; init; works; done_for 0.01";
    cast.plan(
        "budget: 5usd\nconcurrency: 1\ndefaults: { retries: 3 }",
        &[("a", script), ("b", script), ("c", script)],
    );
    cast.run()
        .assert_code(8)
        .assert_says("Invalid API key")
        .assert_says("swarm doctor")
        .assert_says("swarm resume");
    assert_eq!(cast.scene.events().of("attempt.started").count(), 1, "not one attempt for each task");
    cast.scene.file("signed-in", "");
    cast.start_with(&["resume"]).end().assert_code(0);
    cast.scene.assert_clean();
}

#[test]
fn a_missing_login_or_program_is_found_before_the_first_start() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", "init; works; done_for 0.01")]);
    let plan = cast.scene.root.join("plan.yaml");
    let run = |path: String| {
        let args = ["run", plan.to_str().unwrap()];
        cast.scene.start_with(&args, |command| _ = command.env("PATH", path)).end()
    };
    let path = std::env::var("PATH").unwrap();
    run(format!("{}/bin:{path}", cast.scene.root.display())).assert_code(8).assert_says("not signed in");
    // The machine's own, if it has one.
    let without = std::env::split_paths(&path).filter(|folder| !folder.join("claude").exists());
    let without = std::env::join_paths(without).unwrap().into_string().unwrap();
    run(without).assert_code(8).assert_says("npm install").assert_says("swarm doctor");
    assert!(cast.scene.runs().is_empty());
}

#[test]
fn a_resume_finds_a_missing_login_before_it_fails_a_task_for_nothing() {
    let cast = Cast::new();
    let script = "if ! [ -e $ROOT/signed-in ]; then init; fails_with 401 'Invalid API key'; exit 1; fi; init; works; done_for 0.01";
    cast.plan("budget: 5usd", &[("a", script)]);
    cast.run().assert_code(8);
    cast.scene.file("signed-in", "");
    let path = format!("{}/bin:{}", cast.scene.root.display(), std::env::var("PATH").unwrap());
    let without_key = |command: &mut std::process::Command| _ = command.env("PATH", path);
    cast.scene.start_with(&["resume"], without_key).end().assert_code(8).assert_says("not signed in");
    cast.start_with(&["resume"]).end().assert_code(0);
}
