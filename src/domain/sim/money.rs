//! What a run does about money while programs run: raises and their refusal, the warning, the cap on tokens.

use super::{Sim, exited, id, settings, task};
use crate::Caps;
use crate::event::{AgentExited, UsageReported};
use crate::fact::{Cap, Cause, Cost, Ending, Outcome, Request, Usage};
use crate::plan::RetryOn;
use crate::task::{End, Phase};
use crate::{Command, Effect, Event, OnUnknownCost, Refusal, Settings, TaskSpec, Usd};

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

fn usd(micros: u64) -> Usd {
    Usd::from_micros(micros)
}

/// A run in which the program of `a` runs. It reserved 40.
fn running(cap: u64, budget: Option<u64>) -> Sim {
    let a = TaskSpec { caps: Caps::of_usd(budget.map(usd)), estimate: Some(usd(40)), ..task("a") };
    let mut sim = Sim::new(Settings { caps: Caps::of_usd(Some(usd(cap))), ..settings() }, vec![a]);
    sim.settle(is_run);
    sim
}

fn report(sim: &mut Sim, micros: u64) -> Result<(), Refusal> {
    let usage = Usage { usd: Some(usd(micros)), ..Usage::default() };
    sim.turn(&Command::Fact(UsageReported { task: id("a"), attempt: 1, usage }.into()))
}

/// What `a` may spend, and which cap refused it more.
fn grant(sim: &Sim) -> (u64, Option<Cap>) {
    let run = sim.state.run();
    let attempt = run.tasks.get(&id("a")).unwrap().attempt.as_ref().unwrap();
    (run.ledger.line(&id("a"), 1).unwrap().grant.micros(), attempt.refused)
}

/// Ends the one program that runs, and lets all else go on until another runs.
fn end_program(sim: &mut Sim, usage: Usage) {
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let mut fact = exited(&run, Ending::Exited { code: 0 }, None);
    fact.usage = usage;
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
}

#[test]
fn a_raise_is_due_at_three_quarters_of_the_grant() {
    let mut sim = running(100, None);
    report(&mut sim, 29).unwrap();
    assert_eq!(grant(&sim), (40, None));
    report(&mut sim, 30).unwrap();
    assert_eq!(grant(&sim), (80, None));
    assert!(matches!(report(&mut sim, 30), Err(Refusal::Unfit(_))), "that was known");
}

#[test]
fn a_grant_is_doubled_as_far_as_the_task_and_the_run_have_money() {
    for (cap, budget, used, expected) in [
        (100, None, 30, (80, None)),
        (100, Some(60), 30, (60, None)),
        (50, None, 30, (50, None)),
        (100, Some(40), 30, (40, Some(Cap::Task))),
        (40, None, 30, (40, Some(Cap::Run))),
        // A program may pass its grant before anybody hears of it.
        (200, None, 50, (100, None)),
        (100, None, 99, (100, None)),
        (100, None, 100, (40, Some(Cap::Run))),
        (100, Some(60), 60, (40, Some(Cap::Task))),
    ] {
        let mut sim = running(cap, budget);
        report(&mut sim, used).unwrap();
        assert_eq!(grant(&sim), expected, "cap {cap}, budget {budget:?}, used {used}");
    }
}

#[test]
fn a_call_that_waits_for_more_is_granted_it_as_far_as_there_is_money() {
    for (cap, budget, used, wants, expected) in [
        // Nothing is used yet, and the first call alone may cost more than is granted.
        (200, None, None, 60, (80, None)),
        (200, None, None, 120, (120, None)),
        (200, None, Some(10), 120, (120, None)),
        (200, None, Some(10), 40, (40, None)),
        // What cannot be granted in full is granted as far as it goes: another call may fit.
        (100, None, None, 120, (100, Some(Cap::Run))),
        (100, Some(60), None, 120, (60, Some(Cap::Task))),
        (40, None, None, 41, (40, Some(Cap::Run))),
        (100, Some(40), None, 41, (40, Some(Cap::Task))),
    ] {
        let mut sim = running(cap, budget);
        let usage = Usage { usd: used.map(usd), wants: usd(wants), ..Usage::default() };
        sim.turn(&Command::Fact(UsageReported { task: id("a"), attempt: 1, usage }.into())).unwrap();
        assert_eq!(grant(&sim), expected, "cap {cap}, budget {budget:?}, used {used:?}, wants {wants}");
    }
}

#[test]
fn whoever_has_used_up_its_calls_gets_no_more_money_to_make_some() {
    let a = TaskSpec { estimate: Some(usd(40)), ..task("a") };
    let caps = Caps { calls: Some(3), ..Caps::of_usd(Some(usd(1_000))) };
    let mut sim = Sim::new(Settings { caps, ..settings() }, vec![a]);
    sim.settle(is_run);
    for (calls, micros, expected) in [(2, 30, (80, None)), (3, 50, (80, None)), (4, 70, (80, Some(Cap::Run)))]
    {
        let usage = Usage { usd: Some(usd(micros)), calls: Some(calls), ..Usage::default() };
        sim.turn(&Command::Fact(UsageReported { task: id("a"), attempt: 1, usage }.into())).unwrap();
        assert_eq!(grant(&sim), expected, "{calls} calls");
    }
}

#[test]
fn a_refusal_is_told_once() {
    let mut sim = running(40, None);
    for used in 30..35 {
        report(&mut sim, used).unwrap();
    }
    assert_eq!(sim.count("grant.refused"), 1);
}

#[test]
fn the_warning_comes_once_and_when_the_share_is_reached() {
    let mut sim =
        Sim::new(Settings { concurrency: 1, ..settings() }, ["a", "b", "c", "d", "e"].map(task).to_vec());
    sim.settle(is_run);
    let told = |sim: &Sim| -> Vec<(u32, u64)> {
        let warned = sim.events.iter().filter_map(|event| match event {
            Event::BudgetWarned(event) => Some((event.percent, event.used)),
            _ => None,
        });
        warned.collect()
    };
    for (micros, expected) in
        [(49, &[][..]), (1, &[(50, 50)]), (5, &[(50, 50)]), (45, &[(50, 50), (100, 100)])]
    {
        end_program(&mut sim, Usage { usd: Some(usd(micros)), ..Usage::default() });
        assert_eq!(told(&sim), expected, "after {micros} more");
    }
    sim.ask(Request::AddBudget { caps: Caps::of_usd(Some(usd(10))) });
    assert_eq!(told(&sim).last(), Some(&(80, 100)), "of the cap as it is now");
}

#[test]
fn what_is_unlimited_is_not_raised() {
    let mut sim = Sim::new(settings(), vec![task("a")]);
    for (more, said) in [
        (Caps { turns: Some(1), ..Caps::NONE }, "the run's turns are unlimited"),
        (Caps { time_ms: Some(1), ..Caps::NONE }, "the run's time is unlimited"),
    ] {
        let asked = Request::AddBudget { caps: more };
        let refused = sim.turn(&Command::Ask { id: "add".to_owned(), by: "test".to_owned(), request: asked });
        assert!(refused.unwrap_err().to_string().starts_with(said), "{said}");
    }
}

#[test]
fn no_attempt_starts_once_the_tokens_are_used_up() {
    for (output_tokens, starts, outcome) in [(39, 2, None), (40, 1, Some(Outcome::Budget))] {
        let settings =
            Settings { concurrency: 1, caps: Caps { tokens: Some(100), ..settings().caps }, ..settings() };
        let mut sim = Sim::new(settings, vec![task("a"), task("b")]);
        sim.settle(is_run);
        end_program(&mut sim, Usage { input_tokens: 60, output_tokens, ..Usage::default() });
        assert_eq!((sim.count("attempt.started"), sim.stopped()), (starts, outcome));
    }
}

#[test]
fn on_a_purse_that_is_overdrawn_not_even_what_asks_for_nothing_starts() {
    for (micros, starts, outcome) in [(100, 2, None), (101, 1, Some(Outcome::Budget))] {
        let mut sim = Sim::new(Settings { concurrency: 1, ..settings() }, vec![task("a"), task("b")]);
        sim.settle(is_run);
        end_program(&mut sim, Usage { usd: Some(usd(micros)), ..Usage::default() });
        assert_eq!((sim.count("attempt.started"), sim.stopped()), (starts, outcome));
    }
}

#[test]
fn a_task_that_has_spent_its_budget_fails_for_that() {
    let mut a = TaskSpec { caps: Caps::of_usd(Some(usd(40))), ..task("a") };
    a.retries.max = 3;
    a.retries.after = [RetryOn::Crash].into();
    let mut sim = Sim::new(settings(), vec![a]);
    sim.settle(is_run);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let crashed = exited(&run, Ending::Exited { code: 1 }, Some(40));
    sim.answer(&Effect::RunAttempt(run).key(), crashed);
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("attempt.started")), (Some(Outcome::Failed), 1));
    let Phase::Ended(End::Failed { cause: Cause::Budget, reason }) =
        &sim.state.run().tasks.get(&id("a")).unwrap().phase
    else {
        panic!()
    };
    assert_eq!(reason, "its budget of $0.00004 is spent");
}

fn agent(estimate: u64) -> TaskSpec {
    TaskSpec { estimate: Some(usd(estimate)), ..super::agent("a") }
}

/// What the exit of an agent that reserved 40 is recorded as, if it said what `told` says and ended with `last`.
fn settled(on_unknown_cost: OnUnknownCost, told: Option<u64>, last: Usage, ending: Ending) -> AgentExited {
    let mut sim = Sim::new(Settings { on_unknown_cost, ..settings() }, vec![agent(40)]);
    sim.settle(is_run);
    if let Some(micros) = told {
        report(&mut sim, micros).unwrap();
    }
    sim.now_ms = 77_000;
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let fact = AgentExited { usage: last, ..exited(&run, ending, None) };
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    let exit = sim.events.iter().find_map(|event| match event {
        Event::AgentExited(event) => Some(event.clone()),
        _ => None,
    });
    exit.unwrap()
}

#[test]
fn an_exit_is_charged_at_the_best_known_spend() {
    use OnUnknownCost::{Allow, Estimate};
    let (none, tokens) = (Usage::default(), Usage { input_tokens: 5, ..Usage::default() });
    let known = |micros| Usage { usd: Some(usd(micros)), ..tokens };
    let (ended, unborn) = (Ending::Exited { code: 0 }, Ending::NotStarted { error: String::new() });
    for (policy, told, last, ending, expected) in [
        (Estimate, None, known(20), &ended, (known(20), 20, Cost::Metered)),
        (Estimate, Some(25), known(20), &ended, (known(25), 25, Cost::Metered)),
        (Estimate, Some(25), tokens, &ended, (known(25), 25, Cost::Metered)),
        (Estimate, None, tokens, &ended, (tokens, 40, Cost::Estimated)),
        (Allow, None, tokens, &ended, (tokens, 0, Cost::Unknown)),
        (Estimate, None, none, &unborn, (none, 0, Cost::Metered)),
    ] {
        let exit = settled(policy, told, last, ending.clone());
        assert_eq!((exit.usage, exit.charge.micros(), exit.cost), expected, "{policy:?}, {told:?}, {last:?}");
        assert_eq!(exit.at_ms, 77_000, "when it was recorded, whatever the world's clock says");
    }
}

#[test]
fn dollars_that_a_program_names_replace_those_that_were_worked_out_whenever_they_are_told() {
    let named = |micros| Usage { usd: Some(usd(micros)), ..Usage::default() };
    let worked_out = |micros| Usage { priced: true, ..named(micros) };
    let silent = Usage::default();
    for (one, other, expected) in [
        (named(20), worked_out(50), named(20)),
        (named(20), named(30), named(30)),
        (worked_out(20), worked_out(30), worked_out(30)),
        (worked_out(20), silent, worked_out(20)),
        (named(20), silent, named(20)),
        (silent, silent, silent),
    ] {
        assert_eq!((one.max(other), other.max(one)), (expected, expected), "{one:?} and {other:?}");
    }
}
