//! Reservations and settlements, to the pico-dollar.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::{prop_assert, prop_assert_eq, proptest};
use tempfile::TempDir;

use super::super::api::Api;
use super::super::calls::{Calls, read_calls};
use super::{
    Ask, Known, Ledger, Limits, Prices, Rate, Reserved, Sample, Seen, Short, Tokens, Unpriced, money,
    reservation,
};

/// A dollar for a million tokens sent, 1.25 written to a cache, 4 received.
const RATE: Rate = Rate { input: 1_000_000, cache_read: 100_000, cache_write: 1_250_000, output: 4_000_000 };

fn ask(model: &str, bytes: usize, answer: u64) -> Ask {
    let body = vec![b' '; bytes].into();
    let (model, streamed) = (model.to_owned(), false);
    Ask { api: Api::Messages, model, streamed, answer, unseen: 0, for_an_hour: false, body }
}

#[test]
fn a_reservation_is_the_worst_that_the_request_can_cost() {
    let hour = Ask { for_an_hour: true, ..ask("m", 3_000, 100) };
    let refers = Ask { unseen: 500, ..ask("m", 3_000, 100) };
    let last = Some(Sample { bytes: 3_000, tokens: 800 });
    for (ask, rate, last, picos) in [
        // 1,000 tokens for 3,000 bytes and 1,000 for the frame, as if written to the cache; 100 of answer.
        (ask("m", 3_000, 100), Some(RATE), None, 2_000 * 1_250_000 + 400_000_000),
        (hour, Some(RATE), None, 2_000 * 2_000_000 + 400_000_000),
        (refers, Some(RATE), None, 2_500 * 1_250_000 + 400_000_000),
        (ask("m", 3_000, 0), Some(RATE), last, 1_900 * 1_250_000),
        (ask("m", 3_000, 100), None, None, 0),
        (ask("m", 0, u64::MAX), Some(RATE), None, u64::MAX),
    ] {
        assert_eq!(reservation(&ask, rate, last).picos, picos, "{ask:?}");
    }
}

#[test]
fn what_fits_is_decided_to_the_pico_dollar() {
    let micro = 1_000_000;
    assert!(money(0, 0, 5 * micro, 5).is_ok());
    assert!(money(3 * micro, micro, micro, 5).is_ok());
    for (spent, reserved, new, want, has_room) in [
        (0, 0, 5 * micro + 1, 6, false),
        (3 * micro, 1, 2 * micro, 6, true),
        (5 * micro, 0, 1, 6, false),
        (0, 5 * micro, 5 * micro, 10, true),
        (u128::MAX, 0, 1, u64::MAX, false),
    ] {
        match money(spent, reserved, new, 5) {
            Err(Short::Money { want_micros, room, .. }) => assert_eq!((want_micros, room), (want, has_room)),
            other => panic!("{other:?}"),
        }
    }
}

fn ledger(limits: Limits, unpriced: Unpriced) -> (TempDir, Ledger) {
    let dir = tempfile::tempdir().unwrap();
    let own = dir.path().join("prices.toml");
    let text = "[models.m]\ninput = \"1\"\ncache_read = \"0.1\"\ncache_write = \"1.25\"\noutput = \"4\"\n";
    std::fs::write(&own, text).unwrap();
    let prices = Arc::new(Prices::load(Some(&own)).unwrap());
    let ledger = Ledger::open(dir.path(), prices, unpriced, limits).unwrap();
    (dir, ledger)
}

fn used(output: u64) -> Seen {
    let tokens = Tokens { input: 10, cache_write: 6, output, ..Tokens::default() };
    Seen { tokens, for_an_hour: 4, known: Known::All, ..Seen::default() }
}

#[test]
fn a_call_is_charged_once_and_again_only_for_more() {
    let (dir, ledger) = ledger(Limits::default(), Unpriced::Refuse);
    let mut reserved = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    assert_eq!(ledger.totals().reserved_micros, 1_775);
    for output in [50, 50, 40] {
        ledger.settle(&mut reserved, &used(output));
        // 10 sent, 2 written for five minutes and 4 for an hour at twice the price, 50 received.
        assert_eq!(ledger.totals().spent_micros, 221, "10 + 2 * 1.25 + 4 * 2 + 50 * 4 = 220.5");
    }
    ledger.settle(&mut reserved, &used(60));
    let totals = ledger.totals();
    assert_eq!((totals.spent_micros, totals.reserved_micros, totals.tokens["m"].output), (261, 0, 60));
    assert_eq!(read_calls(dir.path()).unwrap(), totals);
    ledger.await_settled(Duration::MAX);
}

#[test]
fn nothing_known_costs_the_reservation_and_a_refused_call_nothing() {
    let (_dir, ledger) = ledger(Limits::default(), Unpriced::Refuse);
    let mut first = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    ledger.release(&mut first);
    assert_eq!(ledger.totals().most_micros(), 0);
    let mut second = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    ledger.settle(&mut second, &Seen::default());
    assert_eq!((ledger.totals().spent_micros, ledger.totals().tokens["m"].output), (1_775, 100));
}

/// Nothing is let through that cannot be recorded; what was let through before keeps its reservation, or more.
#[test]
fn a_disk_that_is_full_lets_nothing_through_and_forgets_nothing() {
    let (_dir, ledger) = ledger(Limits::default(), Unpriced::Refuse);
    let mut cheap = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    let mut dear = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    ledger.state().calls = Calls::full();
    assert!(matches!(ledger.admit(&ask("m", 300, 100), 10_000), Err(Short::Record(_))));
    ledger.settle(&mut cheap, &used(1));
    assert_eq!((ledger.totals().spent_micros, ledger.totals().reserved_micros), (0, 2 * 1_775));
    ledger.settle(&mut dear, &used(1_000));
    assert_eq!((ledger.totals().spent_micros, ledger.totals().reserved_micros), (4_021, 1_775));
}

#[test]
fn calls_and_tokens_can_be_limited_too() {
    let limits = Limits { calls: Some(2), tokens: Some(2_500), ..Limits::default() };
    let (_dir, ledger) = ledger(limits, Unpriced::Refuse);
    let mut first = ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    let short = ledger.admit(&ask("m", 3_000, 100), 10_000);
    assert!(matches!(short, Err(Short::Tokens { most: 2_500, room: true })), "{short:?}");
    ledger.settle(&mut first, &used(50));
    let short = ledger.admit(&ask("m", 9_000, 100), 10_000);
    assert!(matches!(short, Err(Short::Tokens { room: false, .. })), "{short:?}");
    ledger.admit(&ask("m", 300, 100), 10_000).unwrap();
    assert!(matches!(ledger.admit(&ask("m", 300, 100), 10_000), Err(Short::Calls(2))));
}

#[test]
fn a_model_without_a_price_is_refused_or_free_as_wanted() {
    let (_dir, refusing) = ledger(Limits::default(), Unpriced::Refuse);
    assert!(matches!(refusing.admit(&ask("x", 300, 100), 10_000), Err(Short::Unpriced(_))));
    let (_dir, passing) = ledger(Limits::default(), Unpriced::Pass);
    let mut reserved = passing.admit(&ask("x", 300, 100), 0).unwrap();
    passing.settle(&mut reserved, &used(50));
    let totals = passing.totals();
    assert_eq!((totals.spent_micros, totals.tokens["x"].output), (0, 50));
}

proptest! {
    /// Whoever comes, and whatever it turns out to cost up to its reservation: never more than was granted.
    #[test]
    fn what_is_admitted_never_costs_more_than_is_granted(granted in 0_u64..20_000, calls in proptest::collection::vec((0_usize..2_000, 0_u64..2_000, 0_u64..2_000, 0_u8..3), 1..40)) {
        let (dir, ledger) = ledger(Limits::default(), Unpriced::Refuse);
        let mut open = Vec::new();
        for (bytes, answer, output, how) in calls {
            open.extend(ledger.admit(&ask("m", bytes, answer), granted));
            prop_assert!(ledger.totals().most_micros() <= granted + 1, "two sums are rounded");
            let seen = |call: &Reserved| Seen { tokens: Tokens { output: output.min(call.answer), ..Tokens::default() }, ..used(0) };
            match how {
                0 => drop(open.pop().map(|mut call| { let seen = seen(&call); ledger.settle(&mut call, &seen) })),
                1 => drop(open.pop().map(|mut call| ledger.settle(&mut call, &Seen::default()))),
                _ => {}
            }
        }
        prop_assert!(ledger.totals().spent_micros <= granted);
        prop_assert_eq!(read_calls(dir.path()).unwrap(), ledger.totals());
    }
}
