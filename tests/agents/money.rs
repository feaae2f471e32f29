//! What an agent costs: what it says at the end, what its stream tells until then, and its reservation where neither does.

use crate::common::{Signal, until_true};
use crate::stand_in::Cast;

#[test]
fn one_that_is_cancelled_is_charged_what_its_stream_told() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", "init; call m1 55; call m2 55; works; flag busy; exec sleep 1000")]);
    let run = cast.start();
    cast.scene.await_flag("busy");
    cast.scene.swarm(&["cancel"]).assert_code(0);
    run.end().assert_code(4);
    // Two calls of $0.00705 at list prices.
    assert_eq!(cast.spent(), (14_100, "estimated".to_owned()));
    cast.scene.assert_clean();
}

#[test]
fn one_whose_holder_was_killed_is_charged_what_its_stream_told() {
    let cast = Cast::new();
    let script = "init; call m1 55\nif [ $SWARM_ATTEMPT = 1 ]; then flag busy; exec sleep 1000; fi\nworks; done_for 0.00705";
    cast.plan("budget: 5usd", &[("a", script)]);
    let run = cast.start();
    cast.scene.await_flag("busy");
    until_true("its stream", || cast.scene.attempt_file("a", 1, "stdout").contains("message_delta"));
    let pid = cast.scene.await_event("agent.started", "a").data["pid"].as_u64().unwrap();
    let holder = crate::common::parent_of(u32::try_from(pid).unwrap()).unwrap();
    crate::common::kill(holder, Signal::KILL);
    run.end().assert_code(0);
    assert_eq!(cast.spent(), (14_100, "estimated".to_owned()));
    assert_eq!(cast.scene.events().failures("a").len(), 1);
    cast.scene.assert_clean();
}

#[test]
fn one_that_never_said_anything_is_charged_its_reservation() {
    let cast = Cast::new();
    cast.plan("budget: 5usd\ndefaults: { retries: 0 }", &[("a", "exit 1")]);
    cast.run().assert_code(4);
    assert_eq!(cast.spent(), (100_000, "estimated".to_owned()));
}

#[test]
fn an_agent_is_stopped_at_its_budget_by_what_its_stream_tells() {
    let cast = Cast::new();
    let script = "init; for n in $(seq 500); do call m$n 55; sleep 0.05; done; works; done_for 9";
    cast.plan("budget: 5usd\ndefaults: { retries: 0, budget: 0.20usd }", &[("a", script)]);
    cast.run().assert_code(4).assert_says("no call through swarm's meter");
    let exited = cast.scene.events().first("agent.exited", "a").clone();
    assert_eq!(exited.data["ending"]["kind"], "spent");
    let (spent, known) = cast.spent();
    assert!((200_000..2_000_000).contains(&spent), "{spent}");
    assert_eq!(known, "estimated");
}

#[test]
fn a_plan_that_refuses_unknown_costs_is_refused_before_it_costs_anything() {
    let cast = Cast::new();
    cast.scene.script("a", "true");
    let prices = cast.scene.file("home/.config/swarm/prices.toml", "[models.x]\ninput = 3\n");
    cast.plan("budget: 5usd", &[("a", "init; works; done_for 0.01")]);
    cast.run().assert_code(8).assert_says("prices.toml");
    std::fs::remove_file(prices).unwrap();
    cast.run().assert_code(0);
}

#[test]
fn one_that_was_turned_away_from_the_first_call_on_is_charged_nothing() {
    let cast = Cast::new();
    let script = "init; limited_until 1; exit 1";
    cast.plan("budget: 5usd\non_rate_limit: fail\ndefaults: { retries: 0 }", &[("a", script)]);
    cast.run().assert_code(4);
    assert_eq!(cast.spent().0, 0);
}

#[test]
fn one_that_is_stopped_during_its_setup_is_charged_nothing() {
    let cast = Cast::new();
    // The base is made ready by the same command, without an attempt.
    let begun = cast.scene.root.join("flags/begun");
    let wait = format!("[ -z \"$SWARM_ATTEMPT\" ] || {{ touch {}; exec sleep 1000; }}", begun.display());
    let setup = cast.scene.file("setup", wait);
    let head = format!("budget: 5usd\nworkspace: {{ setup: ['bash {}'] }}", setup.display());
    cast.plan(&head, &[("a", "true")]);
    let run = cast.start();
    crate::common::until_true("the setup", || begun.exists());
    cast.scene.swarm(&["cancel"]).assert_code(0);
    run.end().assert_code(4);
    assert_eq!(cast.spent().0, 0);
    cast.scene.assert_clean();
}

#[test]
fn what_a_setup_command_reports_is_not_the_word_of_its_agent() {
    let cast = Cast::new();
    let report = r#"[ -z "$SWARM_USAGE" ] || echo "{\"usd\": 0.02}" >>$SWARM_USAGE; sleep 0.5"#;
    let setup = cast.scene.file("report", report);
    let script = "init; call m1 55; works; kill -9 $$";
    let head = format!(
        "budget: 5usd\nworkspace: {{ setup: ['bash {}'] }}\ndefaults: {{ retries: 0 }}",
        setup.display()
    );
    cast.plan(&head, &[("a", script)]);
    cast.run().assert_code(4);
    assert_eq!(cast.spent(), (7_050, "estimated".to_owned()));
}

#[test]
fn a_good_end_without_a_token_is_an_unknown_cost_and_not_nothing() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", "init; works; done_for 0")]);
    cast.run().assert_code(0);
    assert_eq!(cast.spent(), (100_000, "estimated".to_owned()));
}
