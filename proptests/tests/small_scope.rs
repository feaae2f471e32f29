//! All histories of a small scope, and not a sample of them.

use swarm_proptests::{Scope, again, exhaust};

/// The scope that is small enough for every test run; `cargo run --release -p swarm-proptests -- exhaust` tries all.
#[test]
fn every_history_of_a_small_scope_keeps_the_laws() {
    let scope = Scope::strangers();
    let histories = exhaust(&scope, |explored| {
        assert!(explored.broken.is_none(), "{:?}: {:?}", explored.broken, again(&scope, &explored));
        true
    });
    println!("{}: {histories} histories", scope.name);
    assert!(histories > 24_000, "{}: only {histories}", scope.name);
}
