//! A call that does not fit waits: for a raise, or for others to turn out cheaper than was reserved for them.

use std::thread;
use std::time::Duration;

use crate::common::until_true;
use crate::model::{Reply, Usage};
use crate::stage::{FOREVER, Stage, call, max_tokens};

#[test]
fn a_raise_in_the_middle_lets_a_waiting_call_through() {
    let stage = Stage::with("edit", 0, |config| config.patience.raise = FOREVER);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| stage.call().status);
        until_true("a call that asks for more", || !stage.wants.lock().unwrap().is_empty());
        let wanted = stage.wants.lock().unwrap()[0];
        stage.grant.set(wanted - 1, false);
        until_true("a call that is not content", || stage.model.calls().is_empty());
        assert!(!waiting.is_finished());
        stage.grant.set(wanted, false);
        assert_eq!(waiting.join().unwrap(), 200);
    });
    assert_eq!(stage.settled().spent_micros, stage.sold_micros());
}

#[test]
fn whoever_knows_that_no_raise_will_come_is_not_waited_for() {
    let stage = Stage::with("edit", 0, |config| config.patience.raise = FOREVER);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| stage.call().status);
        until_true("a call that asks for more", || !stage.wants.lock().unwrap().is_empty());
        stage.grant.set(0, true);
        assert_eq!(waiting.join().unwrap(), 402);
    });
    assert_eq!(stage.call().status, 402);
    assert!(stage.model.calls().is_empty());
}

#[test]
fn a_call_waits_for_a_raise_only_so_long() {
    let stage = Stage::with("edit", 0, |config| config.patience.raise = Duration::from_millis(1));
    assert_eq!(stage.call().status, 402);
    assert_eq!(stage.wants.lock().unwrap().len(), 1);
}

#[test]
fn what_does_not_fit_and_never_will_is_asked_for_with_a_shorter_answer() {
    // At 4 micro-dollars a token of answer this pays for some twelve thousand, and the input.
    let stage = Stage::new("edit", 50_000);
    assert_eq!(call(&stage.proxy.url(), 20_000, "Go on.").status, 200);
    let asked = max_tokens(&stage.model.calls()[0]);
    assert!((8_000..12_500).contains(&asked), "{asked}");
    // What is left pays for fewer than would be of any use.
    stage.grant.set(stage.sold_micros() + 30_000, true);
    assert_eq!(call(&stage.proxy.url(), 20_000, "Go on.").status, 402);
    assert_eq!(call(&stage.proxy.url(), 4_000, "Go on.").status, 200, "this one fits as it is");
    assert_eq!(stage.settled().spent_micros, stage.sold_micros());
}

/// Two reservations do not fit beside each other, two calls do.
#[test]
fn a_call_waits_for_one_that_is_under_way_and_turns_out_cheap() {
    let stage = Stage::new("cheap", 5_000);
    let cheap = Usage { input: 10, output: 5, ..Usage::default() };
    stage.model.script("cheap", move |_| Reply::says("Done.").using(cheap));
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..6).map(|_| scope.spawn(|| call(&stage.proxy.url(), 700, "Go on.").status)).collect();
        for call in calls {
            assert_eq!(call.join().unwrap(), 200);
        }
    });
    assert_eq!((stage.settled().spent_micros, stage.sold_micros()), (180, 180));
}

#[test]
fn a_client_that_leaves_while_it_waits_has_nothing_reserved() {
    let stage = Stage::with("edit", 0, |config| config.patience.raise = FOREVER);
    let url = format!("{}/v1/messages", stage.proxy.url());
    let body = crate::stage::request(100, "Go on.").to_string();
    crate::client::Client::to(&url).abandon(&url, &body, || !stage.wants.lock().unwrap().is_empty());
    // A call that comes after it is served first.
    stage.grant.set(20_000, false);
    assert_eq!(stage.call().status, 200);
    let totals = stage.settled();
    assert!(totals.calls <= 2 && totals.spent_micros == stage.sold_micros(), "{totals:?}");
}
