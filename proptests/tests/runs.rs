//! Runs as values of `proptest`: what the strategy promises, and that a failure of a test of one's own gets small.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestError, TestRunner};
use swarm_domain::Event;
use swarm_proptests::{Draw, Faults, Run, Runs, Sabotage, Scenario, Setup, Site, run, runs};

fn all_kinds() -> Runs {
    runs().tasks(1..=8).faults(Faults::ALL).crashes(0..=3)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::with_cases(64) })]

    #[test]
    fn the_laws_hold_in_all_kinds_of_runs(run in all_kinds()) {
        run.check()?;
    }

    #[test]
    fn nothing_goes_wrong_unless_it_may(run in runs()) {
        let faults = run.explored().made.iter().filter(|(place, _)| {
            matches!(place.site.draw(), Draw::Fault | Draw::Rare)
        });
        prop_assert_eq!(faults.count(), 0);
        prop_assert_eq!(run.explored().crashes, 0);
    }

    #[test]
    fn only_what_was_listed_goes_wrong(run in runs().tasks(2..=6).faults([Site::AgentFate, Site::Stranger])) {
        for (place, _) in &run.explored().made {
            let listed = matches!(place.site, Site::AgentFate | Site::Stranger);
            prop_assert!(listed || matches!(place.site.draw(), Draw::Even | Draw::Small), "{}", place);
        }
    }

    #[test]
    fn a_run_has_as_many_tasks_as_were_asked_for_and_no_more_crashes(run in runs().tasks(3..=5).crashes(1..=2)) {
        let tasks = run.history().iter().filter(|recorded| matches!(recorded.event, Event::TaskPlanned(_)));
        prop_assert!((3..=5).contains(&tasks.count()));
        prop_assert!(run.explored().crashes <= 2, "{}", run.explored().crashes);
    }

    #[test]
    fn a_run_is_what_its_scenario_gives(run_of in all_kinds()) {
        let again = run(&Setup::of(run_of.scenario().clone()));
        prop_assert_eq!(&again.history[..], run_of.history());
    }
}

/// The smallest run that fails a test, and how often it was asked.
fn smallest(runs: &Runs, test: impl Fn(&Run) -> bool) -> (Run, u32) {
    let asked = std::cell::Cell::new(0);
    let config = Config { failure_persistence: None, max_shrink_iters: 2_000, ..Config::with_cases(500) };
    let mut runner = TestRunner::new_with_rng(config, deterministic());
    let failed = runner.run(runs, |run| {
        asked.set(asked.get() + 1);
        prop_assert!(test(&run));
        Ok(())
    });
    match failed {
        Err(TestError::Fail(_, run)) => (run, asked.get()),
        other => panic!("{other:?}"),
    }
}

fn deterministic() -> proptest::test_runner::TestRng {
    proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha)
}

#[test]
fn a_test_of_ones_own_fails_with_the_few_choices_that_matter() {
    let retried = |run: &Run| {
        run.always(
            "no third attempt starts",
            |at| !matches!(at.event(), Event::AttemptStarted(it) if it.attempt > 2),
        )
    };
    let (run, _) = smallest(&all_kinds(), |run| retried(run).is_ok());
    assert!(run.scenario().named.len() <= 4, "{run:?}");
    let told = retried(&run).unwrap_err().to_string();
    assert!(
        told.contains("not always: no third attempt starts") && told.contains("attempt.started"),
        "{told}"
    );
}

#[test]
fn a_run_gets_no_smaller_than_what_was_asked_for() {
    let (run, _) = smallest(&runs().tasks(3..=6).crashes(2..=3), |run| run.history().len() < 10);
    let tasks = run.history().iter().filter(|recorded| matches!(recorded.event, Event::TaskPlanned(_)));
    assert_eq!((tasks.count(), run.explored().crashes), (3, 2), "{run:?}");
}

#[test]
fn what_a_setup_names_stays() {
    let scenario = Scenario::default().with(Site::AgentTime, swarm_proptests::Who::Attempt(0, 1), 4);
    let (run, _) = smallest(&runs().like(Setup::of(scenario.clone())), |_| false);
    assert_eq!(run.scenario(), &scenario);
}

#[test]
fn a_planted_fault_breaks_a_law_in_a_small_run() {
    let setup = Setup { sabotage: Some(Sabotage::OrphanNotAdopted), ..Setup::of(Scenario::default()) };
    let (run, _) = smallest(&all_kinds().like(setup), |run| run.check().is_ok());
    assert_eq!(run.check().unwrap_err().law, 5);
    assert!(run.scenario().named.len() <= 3, "{run:?}");
}

#[test]
fn a_value_that_may_not_get_smaller_stays_as_it_was_drawn() {
    let mut runner = TestRunner::new_with_rng(Config::default(), deterministic());
    let mut tree = all_kinds().new_tree(&mut runner).unwrap();
    let before = tree.current();
    // A test that passes with everything that is smaller.
    let mut steps = 0;
    let mut goes_on = tree.simplify();
    while goes_on {
        goes_on = tree.complicate();
        steps += 1;
    }
    assert!(steps > 0);
    assert_eq!(tree.current().scenario(), before.scenario());
}
