//! What caps on tokens, calls, turns and time do to attempts that run and to those that would start, for each whom they cap.

use super::{Sim, agent, exited, id, settings, task};
use crate::caps::{AtCap, Caps, Measure};
use crate::event::UsageReported;
use crate::fact::{Cap, Cause, Ending, Outcome, Request, Stop, Usage};
use crate::task::{End, Phase};
use crate::{Command, Effect, Settings, TaskSpec, Usd};

const CALLS: Caps = Caps { calls: Some(10), ..Caps::NONE };

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

/// A run of two agent tasks at once and a command after them, in which both agents run.
fn running(run: Caps, of_agent: Caps, of_task: Caps, at_cap: AtCap) -> Sim {
    let agent_caps = [("claude".to_owned(), of_agent)].into();
    let caps = Caps { usd: Some(Usd::from_micros(100)), ..run };
    let capped = |name| TaskSpec { caps: of_task, ..agent(name) };
    let settings = Settings { caps, agent_caps, at_cap, warn: Vec::new(), ..settings() };
    let mut sim = Sim::new(settings, vec![capped("a"), capped("b"), capped("c"), task("x")]);
    sim.settle(is_run);
    sim
}

fn calls(sim: &mut Sim, task: &str, calls: u64) {
    let usage = Usage { calls: Some(calls), ..Usage::default() };
    sim.turn(&Command::Fact(UsageReported { task: id(task), attempt: 1, usage }.into())).unwrap();
}

/// Why each of both agents is to stop.
fn stops(sim: &Sim) -> [Option<Stop>; 2] {
    let tasks = &sim.state.run().tasks;
    ["a", "b"].map(|name| tasks.get(&id(name)).unwrap().attempt.as_ref().and_then(|attempt| attempt.stop))
}

/// Ends the program of a task.
fn end(sim: &mut Sim, task: &str, ending: Ending) {
    let run = sim.the(|effect| matches!(effect, Effect::RunAttempt(run) if run.task == id(task)));
    let Effect::RunAttempt(run) = run else { unreachable!() };
    let fact = exited(&run, ending, Some(1));
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
}

#[test]
fn a_cap_that_is_reached_ends_attempts_where_the_plan_says_so() {
    let capped = |cap| Some(Stop::Capped { cap, measure: Measure::Calls });
    let (run, agent, own) = (capped(Cap::Run), capped(Cap::Agent), capped(Cap::Task));
    for (caps, at_cap, expected) in [
        ([CALLS, Caps::NONE, Caps::NONE], AtCap::Finish, [None, None]),
        ([CALLS, Caps::NONE, Caps::NONE], AtCap::Kill, [run, run]),
        ([Caps::NONE, CALLS, Caps::NONE], AtCap::Finish, [None, None]),
        ([Caps::NONE, CALLS, Caps::NONE], AtCap::Kill, [agent, agent]),
        // A task's own cap is its own affair.
        ([Caps::NONE, Caps::NONE, CALLS], AtCap::Finish, [own, None]),
        ([Caps::NONE, Caps::NONE, CALLS], AtCap::Kill, [own, None]),
    ] {
        let mut sim = running(caps[0], caps[1], caps[2], at_cap);
        calls(&mut sim, "b", 2);
        calls(&mut sim, "a", 7);
        assert_eq!(stops(&sim), [None, None], "one call is left");
        calls(&mut sim, "a", 10);
        assert_eq!(stops(&sim), expected, "{caps:?}, {at_cap:?}");
    }
}

#[test]
fn who_is_stopped_at_a_shared_cap_keeps_its_work_and_its_retries() {
    let mut sim = running(CALLS, Caps::NONE, Caps::NONE, AtCap::Kill);
    calls(&mut sim, "a", 10);
    end(&mut sim, "a", Ending::Stopped);
    end(&mut sim, "b", Ending::Stopped);
    assert_eq!((sim.count("attempt.preserved"), sim.stopped()), (2, Some(Outcome::Budget)));
    let kept = sim.state.run().tasks.get(&id("a")).unwrap();
    assert_eq!(
        (kept.retries, kept.tip.is_some(), kept.failure.as_ref().unwrap().cause),
        (0, true, Cause::Interrupted)
    );
    let (_, detail) = sim.state.run().run.stopped.as_ref().unwrap();
    assert_eq!(detail, "the run's budget of 10 calls is used up (10 calls used)");
    sim.ask(Request::AddBudget { caps: Caps { calls: Some(5), ..Caps::NONE } });
    sim.crash();
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn at_a_cap_what_runs_finishes_and_nothing_else_starts() {
    let mut sim = running(CALLS, Caps::NONE, Caps::NONE, AtCap::Finish);
    calls(&mut sim, "a", 10);
    end(&mut sim, "a", Ending::Exited { code: 0 });
    end(&mut sim, "b", Ending::Exited { code: 0 });
    assert_eq!((sim.count("task.merged"), sim.count("attempt.started")), (2, 2));
    assert_eq!(sim.stopped(), Some(Outcome::Budget));
}

#[test]
fn the_cap_of_an_agent_leaves_others_alone() {
    let mut sim = running(Caps::NONE, CALLS, Caps::NONE, AtCap::Finish);
    calls(&mut sim, "a", 10);
    end(&mut sim, "a", Ending::Exited { code: 0 });
    assert!(sim.owes(|effect| matches!(effect, Effect::RunAttempt(run) if run.task == id("x"))));
    end(&mut sim, "x", Ending::Exited { code: 0 });
    end(&mut sim, "b", Ending::Exited { code: 0 });
    let (outcome, detail) = sim.state.run().run.stopped.clone().unwrap();
    assert_eq!(outcome, Outcome::Budget);
    assert_eq!(detail, "the budget of agent `claude` of 10 calls is used up (10 calls used)");
}

#[test]
fn what_costs_nothing_is_not_stopped_for_want_of_money() {
    let caps = Caps::of_usd(Some(Usd::from_micros(100)));
    let settings = Settings { caps, at_cap: AtCap::Kill, concurrency: 1, ..settings() };
    let mut sim = Sim::new(settings, vec![task("x"), task("y")]);
    sim.settle(is_run);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let all_of_it = exited(&run, Ending::Exited { code: 0 }, Some(100));
    sim.answer(&Effect::RunAttempt(run).key(), all_of_it);
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("attempt.stopping")), (Some(Outcome::Landed), 0));
}

#[test]
fn a_task_that_has_used_up_its_own_cap_fails_for_that() {
    let mut sim = running(Caps::NONE, Caps::NONE, CALLS, AtCap::Finish);
    calls(&mut sim, "a", 12);
    end(&mut sim, "a", Ending::Stopped);
    let Phase::Ended(End::Failed { cause, reason }) = &sim.state.run().tasks.get(&id("a")).unwrap().phase
    else {
        panic!()
    };
    assert_eq!((*cause, reason.as_str()), (Cause::Budget, "reached the task's budget of 10 calls"));
}

#[test]
fn an_attempt_may_take_as_long_as_its_task_has_left() {
    let timed = Caps { time_ms: Some(5_000), ..Caps::NONE };
    let mut a = TaskSpec { caps: timed, timeout_ms: Some(4_000), ..agent("a") };
    a.retries = crate::Retries { max: 1, after: [crate::RetryOn::Crash].into(), ..a.retries };
    let mut sim = Sim::new(settings(), vec![a]);
    for (timeout_ms, ending) in [(4_000, Ending::Exited { code: 1 }), (2_000, Ending::TimedOut)] {
        sim.settle(is_run);
        let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
        assert_eq!(run.timeout_ms, Some(timeout_ms));
        sim.now_ms += 3_000;
        end(&mut sim, "a", ending);
    }
    let failed = sim.state.run().tasks.get(&id("a")).unwrap().failure.clone().unwrap();
    assert_eq!((failed.cause, failed.reason.as_str()), (Cause::Budget, "used up the task's budget of time"));
}

#[test]
fn the_time_of_an_agent_is_up_while_its_attempts_run() {
    let timed = Caps { time_ms: Some(10_000), ..Caps::NONE };
    for (at_cap, expected) in [(AtCap::Finish, None), (AtCap::Kill, Some(6_000))] {
        let mut sim = running(Caps::NONE, timed, Caps::NONE, at_cap);
        assert_eq!(sim.state.wakeup_ms(), expected, "both started at 1000 and have ten seconds together");
        let Some(due_ms) = expected else { continue };
        sim.now_ms = due_ms;
        sim.turn(&Command::Advance).unwrap();
        assert_eq!(stops(&sim), [Some(Stop::Capped { cap: Cap::Agent, measure: Measure::Time }); 2]);
        assert_eq!(sim.state.wakeup_ms(), None, "who was told is not told again");
    }
}
