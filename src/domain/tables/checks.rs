//! A list of checks against its table.

use super::samples::{gate_ended, gate_started, no_verdict, red};
use super::{Machine, row};
use crate::checks::{Checks, Stage};
use crate::fact::{Site, Verdict};
use crate::sim;
use crate::task::Illegal;
use crate::{Event, GateScope, Oid};

/// A list, and a tally beside it of how often in a row its check ended without a verdict.
#[derive(Clone, Debug, PartialEq)]
struct List {
    checks: Checks,
    silent: u32,
}

/// What a list is told.
#[derive(Debug)]
enum Told {
    Started { n: u32, index: Option<u32> },
    Ended { n: u32, verdict: Verdict, advisory: bool },
    Opened,
}

/// The last of the two gates behind the setup.
const LAST: Option<u32> = Some(1);

fn events(list: &List) -> Vec<(String, Told)> {
    let name = |which| row(&gate_started(Site::Preflight, 1, None), which);
    let due = list.checks.due();
    let starts = [None, Some(0), Some(1), Some(2)].map(|index| {
        let which = if due == Some(index) { "of the check that is due" } else { "of any other check" };
        (name(which), Told::Started { n: 1 + list.silent, index })
    });
    let mut found: Vec<_> = starts.into();
    found.push(("`run.opened`".to_owned(), Told::Opened));
    let running = list.checks.running();
    for verdict in [Verdict::Green, red(), no_verdict()] {
        for advisory in [false, true] {
            let which =
                running.map_or("of no check that runs", |(_, index)| ended(list, &verdict, advisory, index));
            let n = running.map_or(1, |(n, _)| n);
            let event = gate_ended(n, verdict.clone());
            found.push((row(&event, which), Told::Ended { n, verdict: verdict.clone(), advisory }));
            let late = Told::Ended { n: 99, verdict: verdict.clone(), advisory };
            found.push((row(&event, "of no check that runs"), late));
        }
    }
    found
}

fn ended(list: &List, verdict: &Verdict, advisory: bool, index: Option<u32>) -> &'static str {
    match (verdict, advisory) {
        (Verdict::None { .. }, _) if list.silent == 2 => "without a verdict, the third time in a row",
        (Verdict::None { .. }, _) => "without a verdict",
        (Verdict::Red { .. }, false) => "red",
        (Verdict::Green | Verdict::Red { .. }, _) if index == LAST => "green, or red and advisory; the last",
        (Verdict::Green | Verdict::Red { .. }, _) => "green, or red and advisory; others follow",
    }
}

fn take(list: &mut List, told: &Told) -> Result<(), Illegal> {
    match told {
        Told::Started { n, index } => list.checks.started(*n, *index)?,
        Told::Ended { n, verdict, advisory } => {
            let runs = list.checks.running().is_some_and(|(running, _)| running == *n);
            list.checks.ended(*n, verdict, "", *advisory);
            match verdict {
                Verdict::None { .. } if runs => list.silent += 1,
                Verdict::Green | Verdict::Red { .. } if runs => list.silent = 0,
                Verdict::None { .. } | Verdict::Green | Verdict::Red { .. } => {}
            }
        }
        Told::Opened => {
            list.checks.opened();
            list.silent = 0;
        }
    }
    Ok(())
}

fn word(list: &List) -> &'static str {
    let checks = &list.checks;
    match (checks.passed(), checks.red(), checks.running()) {
        (true, _, _) => "green",
        (false, Some(_), _) => "red",
        (false, None, Some(_)) => "running",
        (false, None, None) => "due",
    }
}

#[test]
fn a_list_of_checks_goes_as_the_page_says() {
    let gates = [GateScope::Merge, GateScope::Both].map(sim::gate);
    let checks = Checks::new(Oid::new("c"), &gates, Stage::Merge, true);
    let machine =
        Machine { title: "A list of checks", events, take, word, column: |word| word, follow: true };
    machine.matches_the_page(vec![List { checks, silent: 0 }]);
}

#[test]
fn without_gates_there_is_nothing_to_check_but_on_the_base() {
    let none = [sim::gate(GateScope::Task)];
    let list = |stage, setup| Checks::new(Oid::new("c"), &none, stage, setup);
    assert!(list(Stage::Merge, true).passed(), "a setup alone tells nothing about a commit");
    assert_eq!(list(Stage::Task, true).due(), Some(None), "setup comes before gates");
    assert_eq!(list(Stage::Preflight, true).due(), Some(None));
    assert!(list(Stage::Preflight, false).passed(), "a gate that is left out of the preflight");
}

#[test]
fn a_red_check_is_named_with_its_place_and_its_output() {
    let gates = [sim::gate(GateScope::Both)];
    let mut checks = Checks::new(Oid::new("c"), &gates, Stage::Task, false);
    checks.started(5, Some(0)).unwrap();
    checks.ended(5, &Verdict::Red { detail: "exit 1".to_owned() }, "the tail", false);
    let red = checks.red().unwrap();
    assert_eq!(
        (red.n, red.index, red.detail.as_str(), red.tail.as_str()),
        (5, Some(0), "exit 1", "the tail")
    );
    let event = Event::from(crate::event::PreflightPassed {});
    assert_eq!(row(&event, ""), "`preflight.passed`");
}
