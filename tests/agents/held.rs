//! Calls of agents through swarm's proxy, with the model server's own log as the judge: what it handed out is within the cap,
//! and what the journal says, whoever is killed and whatever the server does.

use std::path::{Path, PathBuf};

use swarm::agents::{Prices, Tokens};

use crate::common::{Signal, kill, parent_of, until_true};
use crate::model::{ModelServer, Reply, Usage};
use crate::stand_in::Cast;

/// What a server handed out, in micro-dollars at the prices that come with swarm.
pub(crate) fn handed_out(server: &ModelServer) -> u64 {
    let prices = Prices::built_in();
    let cost = |(model, usage): (String, Usage)| {
        let Usage { input, cache_read, cache_write, output, reasoning } = usage;
        let rate = prices.rate(&model).unwrap_or_else(|| panic!("{model} has a price"));
        rate.picos(Tokens { input, cache_read, cache_write, output, reasoning })
    };
    let picos: u128 = server.totals().into_iter().map(cost).sum();
    u64::try_from(picos.div_ceil(1_000_000)).unwrap()
}

/// Eight agents that call without end, and the server that they call.
fn eight(scenario: &str, head: &str, ask: &str) -> (ModelServer, Cast) {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url(scenario));
    let tasks = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, ask));
    cast.plan(&format!("concurrency: 8\ndefaults: {{ retries: 0 }}\n{head}"), &tasks);
    (server, cast)
}

/// Fails unless the journal says what the server's log says, and neither is above the cap.
#[track_caller]
fn assert_held(server: &ModelServer, cast: &Cast, cap_micros: u64) {
    let ((spent, known), out) = (cast.spent(), handed_out(server));
    assert_eq!((spent, known.as_str()), (out, "metered"));
    assert!(out <= cap_micros, "{out} of {cap_micros}");
    assert!(server.calls().len() > 8, "{} calls were let through", server.calls().len());
}

fn in_the_middle(server: &ModelServer) {
    until_true("calls", || server.calls().len() > 10);
}

#[test]
fn eight_that_call_without_end_are_held_to_the_cap() {
    let (server, cast) = eight("loop", "budget: 0.90usd", "asks_on 1000");
    cast.run().assert_code(5);
    assert_held(&server, &cast, 900_000);
}

#[test]
fn they_are_while_nobody_lives_who_could_raise_a_grant_and_after_that() {
    let (server, cast) = eight("loop", "budget: 0.90usd", "asks_on 1000");
    let run = cast.start();
    in_the_middle(&server);
    run.kill_9();
    cast.start_with(&["resume"]).end().assert_code(5);
    assert_held(&server, &cast, 900_000);
}

/// What was under way at that moment nobody has seen the end of, so it counts as what was reserved for it.
#[test]
fn what_a_holder_was_at_when_it_was_killed_is_charged_in_full() {
    let (server, cast) = eight("loop", "budget: 0.90usd", "asks_on 1000");
    let run = cast.start();
    in_the_middle(&server);
    let pid = cast.scene.await_event("agent.started", "a").data["pid"].as_u64().unwrap();
    kill(parent_of(u32::try_from(pid).unwrap()).unwrap(), Signal::KILL);
    run.end().assert_code(5);
    let ((spent, _), out) = (cast.spent(), handed_out(&server));
    assert!(out <= spent && spent <= 900_000, "{out} were handed out, {spent} are charged");
    // One call may have been under way, for which some four and a half cents were reserved; or none was made yet, and
    // what nobody knows counts as the ten cents that the attempt had reserved.
    assert!(spent - out <= 100_000, "{out} were handed out, {spent} are charged");
}

#[test]
fn a_server_that_cuts_lies_and_fails_gets_no_more_than_the_cap() {
    let (server, cast) = eight("bad", "budget: 0.90usd", "asks_on 1000");
    server.script("bad", |call| match call.number % 4 {
        0 => Reply::says("Done.").cut(),
        1 => Reply::refuses(500),
        // It says that it used nothing, and has said something.
        2 => Reply::says("Done, all of it.").using(Usage::default()),
        _ => Reply::says("Done."),
    });
    cast.run().assert_code(5);
    let ((spent, _), out) = (cast.spent(), handed_out(&server));
    assert!(out <= spent && spent <= 900_000, "{out} were handed out, {spent} are charged");
}

#[test]
fn a_task_is_held_to_its_own_budget_and_says_why_it_ended() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    cast.plan("budget: 5usd\ndefaults: { retries: 0, budget: 0.20usd }", &[("a", "asks_on 1000")]);
    cast.run().assert_code(4);
    assert_held(&server, &cast, 200_000);
    let events = cast.scene.events();
    assert_eq!(events.first("agent.exited", "a").data["ending"]["kind"], "spent");
    assert_eq!(events.failures("a"), ["reached the task's budget"]);
}

/// A call with the usual maximum of answer costs more than all the task has, if it is used up.
#[test]
fn what_cannot_be_afforded_in_full_is_asked_for_with_a_shorter_answer() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    cast.plan("budget: 5usd\ndefaults: { retries: 0, budget: 0.40usd }", &[("a", "asks_on 32000")]);
    cast.run().assert_code(4);
    assert_held(&server, &cast, 400_000);
}

#[test]
fn nothing_is_held_if_the_plan_wants_only_what_is_reported() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    let script = "init; ask 1000; works; done_for 0.01";
    cast.plan("budget: { usd: 5, meter: reported }", &[("a", script)]);
    let ran = cast.run().assert_code(0);
    assert!(!ran.err.contains("each call"), "{}", ran.err);
    assert_eq!((cast.spent().0, server.calls().len()), (10_000, 1));
}

#[test]
fn a_model_without_a_price_is_no_way_around_the_budget() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    let script = "init; ask 1000; ask 1000 nobody-knows; echo $status >status; works; done_for 9";
    cast.plan("budget: 5usd\ndefaults: { retries: 0 }", &[("a", script)]);
    cast.run().assert_code(0);
    assert_eq!(cast.scene.git(&["show", "swarm/t:status"]), "402");
    assert_eq!((cast.spent().0, server.calls().len()), (handed_out(&server), 1));
    assert!(cast.scene.attempt_file("a", 1, "calls").contains("no price for the model"));
}

/// Whoever says that costs may be unknown still has all counted that has a price.
#[test]
fn what_has_a_price_counts_beside_what_has_none() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    let script = "init; ask 1000; ask 1000; ask 1 nobody-knows; [ $status = 200 ]; works; done_for 0.0001";
    cast.plan("budget: { usd: 5, on_unknown_cost: allow }\ndefaults: { retries: 0 }", &[("a", script)]);
    cast.run().assert_code(0);
    assert_eq!((cast.spent().0, server.calls().len()), (14_100, 3));
}

/// The address has the attempt's token in it, so whoever could read it could spend for that attempt.
#[test]
fn the_address_of_the_proxy_is_in_no_file_of_the_run() {
    let server = ModelServer::start();
    let cast = Cast::calling(server.url("loop"));
    let says = "init; ask 1000; works; echo \"$ANTHROPIC_BASE_URL\" >&2; says m1 \"$ANTHROPIC_BASE_URL\"";
    cast.plan(
        "budget: 5usd\ndefaults: { retries: 0 }",
        &[("a", &format!("{says}; fails_with 500 \"$ANTHROPIC_BASE_URL\"; exit 1"))],
    );
    cast.run().assert_code(4);
    let env = cast.left("env", "a", 1);
    let address = env.lines().find_map(|line| line.strip_prefix("ANTHROPIC_BASE_URL=")).unwrap();
    let token = address.rsplit('/').next().unwrap();
    assert_eq!(token.len(), 32, "{address}");
    assert!(cast.scene.attempt_file("a", 1, "stderr").contains("[secret:"));
    let run = cast.scene.run_dir();
    for file in files(&run) {
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(!text.contains(token), "{}", file.display());
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
