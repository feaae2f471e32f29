//! Whole runs in which an agent program's provider takes no more, or refuses its login: who waits for how long, and how a run ends that waits.

use super::{Sim, exited, id, settings, task};
use crate::Caps;
use crate::event::{AgentExited, AgentHeld};
use crate::fact::{Ending, Outcome, Report, Request, Trouble, TroubleKind};
use crate::plan::{OnLimit, RetryOn, Work};
use crate::{Command, Effect, Event, OnFailure, Settings, TaskId, TaskSpec};

const MINUTE_MS: u64 = 60_000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

fn is_run(effect: &Effect) -> bool {
    matches!(effect, Effect::RunAttempt(_))
}

/// A task of the agent program `claude`.
fn agent(name: &str) -> TaskSpec {
    super::agent(name)
}

/// A task of another one.
fn of_codex(name: &str) -> TaskSpec {
    let mut task = agent(name);
    if let Work::Agent { adapter, .. } = &mut task.work {
        "codex".clone_into(adapter);
    }
    task
}

fn trouble(kind: TroubleKind, until_ms: Option<u64>) -> Report {
    let trouble = Trouble { kind, said: "no more".to_owned(), until_ms };
    Report { trouble: Some(trouble), ..Report::default() }
}

fn limit(until_ms: Option<u64>) -> Report {
    trouble(TroubleKind::Limit, until_ms)
}

fn login() -> Report {
    trouble(TroubleKind::Login, None)
}

fn well() -> Report {
    Report { finished: true, ..Report::default() }
}

fn run(tasks: Vec<TaskSpec>) -> Sim {
    under(Settings { concurrency: 4, ..settings() }, tasks)
}

fn under(settings: Settings, tasks: Vec<TaskSpec>) -> Sim {
    let mut sim = Sim::new(settings, tasks);
    sim.settle(is_run);
    sim
}

/// The program of a task ends with a last word, and all else goes on until only programs run.
fn says(sim: &mut Sim, name: &str, report: Report) {
    ends(sim, name, i32::from(!report.finished), Some(report));
}

fn ends(sim: &mut Sim, name: &str, code: i32, report: Option<Report>) {
    let of_task = |effect: &Effect| matches!(effect, Effect::RunAttempt(run) if run.task == id(name));
    let Effect::RunAttempt(run) = sim.the(of_task) else { unreachable!() };
    let report = report.map(Box::new);
    let fact = AgentExited { report, ..exited(&run, Ending::Exited { code }, None) };
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
}

/// Time passes until then.
fn at(sim: &mut Sim, now_ms: u64) {
    sim.now_ms = now_ms;
    sim.turn(&Command::Advance).unwrap();
    sim.settle(is_run);
}

/// The tasks whose programs run, in the order of their names.
fn running(sim: &Sim) -> Vec<&str> {
    let keys = sim.owed.iter().filter(|(_, effect)| is_run(effect)).map(|(key, _)| key);
    keys.filter_map(|key| key.task().map(TaskId::as_str)).collect()
}

fn word(sim: &Sim, name: &str) -> &'static str {
    sim.state.run().tasks.get(&id(name)).unwrap().word()
}

/// How long the agent is held from now, as it was recorded each time: none is until a person has seen to it.
fn holds(sim: &Sim) -> Vec<Option<u64>> {
    let held = |event: &Event| if let Event::AgentHeld(event) = event { Some(event.until_ms) } else { None };
    sim.events.iter().filter_map(held).collect()
}

#[test]
fn nothing_of_a_limited_agent_starts_before_its_time_and_all_of_it_after() {
    let agents = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut tasks: Vec<_> = agents.into_iter().map(agent).collect();
    tasks.extend([task("x"), task("y")]);
    let mut sim = under(Settings { concurrency: 1, ..settings() }, tasks);
    let until_ms = sim.now_ms + HOUR_MS;
    says(&mut sim, "a", limit(Some(until_ms)));
    assert_eq!(running(&sim), ["x"], "commands go on");
    for name in ["x", "y"] {
        at(&mut sim, until_ms - 1);
        says(&mut sim, name, well());
    }
    at(&mut sim, until_ms + 999);
    assert_eq!((running(&sim).len(), sim.stopped(), sim.count("task.merged")), (0, None, 2));
    assert!(agents.iter().all(|name| word(&sim, name) == "limited"));
    assert_eq!(sim.state.wakeup_ms(), Some(until_ms + 1_000), "a provider's clock is not ours");
    at(&mut sim, until_ms + 1_000);
    assert_eq!((sim.count("agent.freed"), running(&sim).len()), (1, 1));
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("attempt.started")), (Some(Outcome::Landed), 11));
}

#[test]
fn another_agent_goes_on() {
    let mut sim = run(vec![agent("a"), of_codex("b"), of_codex("c")]);
    says(&mut sim, "a", limit(None));
    says(&mut sim, "b", limit(None));
    let held: Vec<_> = sim.state.run().holds.iter().map(|(agent, _)| agent).collect();
    assert_eq!((held, running(&sim)), (vec!["claude", "codex"], vec!["c"]));
}

#[test]
fn a_limit_uses_up_no_retry_and_is_nobodys_fault() {
    let mut sim = run(vec![agent("a")]);
    for attempt in 1..=5 {
        says(&mut sim, "a", limit(None));
        let task = sim.state.run().tasks.get(&id("a")).unwrap();
        assert_eq!((task.attempts, task.retries, task.mishaps), (attempt, 0, 0));
        let freed_ms = sim.state.wakeup_ms().unwrap();
        at(&mut sim, freed_ms);
    }
    says(&mut sim, "a", well());
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Landed));
}

#[test]
fn a_limit_without_a_time_is_waited_for_twice_as_long_each_time_until_one_gets_through() {
    let mut sim =
        run(vec![agent("a"), TaskSpec { needs: vec![(id("a"), crate::NeedWhen::Ended)], ..agent("b") }]);
    for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
        says(&mut sim, "a", limit(None));
        let freed_ms = sim.now_ms + minutes * MINUTE_MS;
        assert_eq!(sim.state.wakeup_ms(), Some(freed_ms));
        at(&mut sim, freed_ms);
    }
    says(&mut sim, "a", well());
    says(&mut sim, "b", limit(None));
    assert_eq!(sim.state.wakeup_ms(), Some(sim.now_ms + MINUTE_MS));
}

#[test]
fn of_many_that_tell_of_one_limit_the_first_decides_unless_another_knows_more() {
    let mut sim = run(["a", "b", "c", "d"].map(agent).to_vec());
    let begun_ms = sim.now_ms;
    for name in ["a", "b"] {
        says(&mut sim, name, limit(None));
        sim.now_ms += 10;
    }
    assert_eq!(holds(&sim), [Some(begun_ms + MINUTE_MS)]);
    says(&mut sim, "c", limit(Some(begun_ms + HOUR_MS)));
    says(&mut sim, "d", limit(Some(begun_ms + HOUR_MS / 2)));
    let known_ms = begun_ms + HOUR_MS + 1_000;
    assert_eq!(holds(&sim), [Some(begun_ms + MINUTE_MS), Some(known_ms)]);
    at(&mut sim, known_ms - 1);
    assert_eq!(running(&sim).len(), 0);
    at(&mut sim, known_ms);
    says(&mut sim, "a", limit(None));
    assert_eq!(holds(&sim)[2], Some(known_ms + 2 * MINUTE_MS), "that is the second in a row");
}

#[test]
fn a_time_that_is_over_is_no_time_and_one_that_is_too_far_is_not_believed() {
    let mut sim = run(vec![agent("a")]);
    sim.now_ms = 100 * DAY_MS;
    for (stated_ms, wait_ms) in [
        (sim.now_ms + 30 * DAY_MS, 8 * DAY_MS),
        (u64::MAX, 8 * DAY_MS),
        (0, 4 * MINUTE_MS),
        (0, 8 * MINUTE_MS),
    ] {
        says(&mut sim, "a", limit(Some(stated_ms)));
        let freed_ms = sim.now_ms + wait_ms;
        assert_eq!(sim.state.wakeup_ms(), Some(freed_ms), "{stated_ms}");
        at(&mut sim, freed_ms);
    }
}

#[test]
fn where_the_plan_wants_a_limit_to_be_a_failure_it_is_one() {
    let mut spec = agent("a");
    (spec.retries.max, spec.retries.after) = (1, [RetryOn::Crash].into());
    let mut sim = under(Settings { on_limit: OnLimit::Fail, ..settings() }, vec![spec]);
    for _ in 0..2 {
        assert_eq!(running(&sim), ["a"]);
        says(&mut sim, "a", limit(None));
    }
    sim.settle(|_| false);
    assert_eq!((sim.finished(), holds(&sim).len()), (Some(Outcome::Failed), 0));
    let crashed = |event: &&Event| matches!(event, Event::AttemptFailed(event) if event.counts && event.reason == "no more");
    assert_eq!(sim.events.iter().filter(crashed).count(), 2);
}

#[test]
fn one_that_tried_in_vain_failed_for_what_it_said_and_not_for_its_silence() {
    let mut sim = under(Settings { on_limit: OnLimit::Fail, ..settings() }, vec![agent("a")]);
    let Effect::RunAttempt(run) = sim.the(is_run) else { unreachable!() };
    let report = Some(Box::new(limit(None)));
    let fact = AgentExited { report, ..exited(&run, Ending::Idle, None) };
    sim.answer(&Effect::RunAttempt(run).key(), fact);
    sim.settle(is_run);
    let told = |event: &Event| matches!(event, Event::AttemptFailed(event) if event.reason == "no more");
    assert!(sim.events.iter().any(told), "{:?}", sim.events.last());
}

#[test]
fn a_login_holds_its_agent_until_the_run_is_opened_again_whatever_the_plan_says_of_limits() {
    let tasks = || vec![agent("a"), agent("b"), task("x")];
    let mut sim = under(Settings { on_limit: OnLimit::Fail, concurrency: 1, ..settings() }, tasks());
    says(&mut sim, "a", login());
    assert_eq!((holds(&sim), running(&sim)), (vec![None], vec!["x"]));
    sim.settle(|_| false);
    let (outcome, detail) = sim.state.run().run.stopped.clone().unwrap();
    assert_eq!((outcome, detail.as_str()), (Outcome::Environment, "`claude` cannot be used: no more"));
    assert_eq!((word(&sim, "a"), word(&sim, "b")), ("limited", "limited"));
    sim.crash();
    sim.settle(is_run);
    assert_eq!(running(&sim), ["a"]);
    sim.settle(|_| false);
    assert_eq!((sim.finished(), sim.count("attempt.started")), (Some(Outcome::Landed), 4));
}

#[test]
fn a_login_is_stronger_than_a_limit() {
    let mut sim = run(["a", "b", "c"].map(agent).to_vec());
    says(&mut sim, "a", limit(None));
    says(&mut sim, "b", login());
    says(&mut sim, "c", limit(None));
    assert_eq!(holds(&sim), [Some(sim.now_ms + MINUTE_MS), None]);
    assert_eq!(sim.stopped(), Some(Outcome::Environment));
}

#[test]
fn a_run_that_waits_for_a_limit_does_not_stop_for_a_login() {
    let mut sim = run(vec![agent("a"), of_codex("b")]);
    says(&mut sim, "a", login());
    says(&mut sim, "b", limit(None));
    assert_eq!(sim.stopped(), None);
    let freed_ms = sim.state.wakeup_ms().unwrap();
    at(&mut sim, freed_ms);
    says(&mut sim, "b", well());
    sim.settle(|_| false);
    assert_eq!((sim.stopped(), word(&sim, "b")), (Some(Outcome::Environment), "merged"));
}

#[test]
fn unpause_frees_everything_at_once() {
    for report in [limit(None), login()] {
        let mut sim = run(vec![agent("a"), task("x")]);
        says(&mut sim, "a", report);
        sim.ask(Request::Pause);
        sim.ask(Request::Unpause);
        sim.settle(is_run);
        assert_eq!(running(&sim), ["a", "x"]);
        sim.settle(|_| false);
        assert_eq!(sim.finished(), Some(Outcome::Landed));
    }
}

#[test]
fn a_crash_forgets_no_limit() {
    let mut sim = run(vec![agent("a"), agent("b")]);
    says(&mut sim, "a", limit(None));
    says(&mut sim, "b", well());
    let freed_ms = sim.now_ms + MINUTE_MS;
    sim.crash();
    sim.settle(is_run);
    assert_eq!((running(&sim).len(), sim.state.wakeup_ms()), (0, Some(freed_ms)));
    at(&mut sim, freed_ms);
    assert_eq!(running(&sim), ["a"]);
}

/// A run in which nothing is left but a task that waits for a limit of an hour.
fn waits(settings: Settings) -> Sim {
    let mut sim = under(settings, vec![agent("a"), task("x")]);
    let until_ms = sim.now_ms + HOUR_MS;
    says(&mut sim, "a", limit(Some(until_ms)));
    sim
}

#[test]
fn whoever_waits_for_a_limit_ends_for_what_ends_the_run() {
    let caps = Caps { time_ms: Some(MINUTE_MS), ..settings().caps };
    let deadline = Settings { caps, warn: Vec::new(), ..settings() };
    let mut sim = waits(deadline);
    sim.settle(|_| false);
    assert_eq!(sim.stopped(), None);
    let due_ms = sim.state.wakeup_ms().unwrap();
    at(&mut sim, due_ms);
    assert_eq!((sim.now_ms, sim.stopped()), (1_000 + MINUTE_MS, Some(Outcome::Deadline)));
    for (request, outcome) in [
        (Request::Drain { signal: 2 }, Outcome::Interrupted { signal: 2 }),
        (Request::Interrupt { signal: 15 }, Outcome::Interrupted { signal: 15 }),
    ] {
        let mut sim = waits(settings());
        sim.settle(|_| false);
        sim.ask(request);
        assert_eq!(sim.stopped(), Some(outcome));
    }
    let mut sim = waits(settings());
    sim.ask(Request::Cancel { tasks: vec![id("a")] });
    assert_eq!(word(&sim, "a"), "cancelled");
    sim.settle(|_| false);
    assert_eq!(sim.finished(), Some(Outcome::Partial));
}

#[test]
fn whoever_waits_for_a_limit_is_cancelled_or_paused_by_a_failure_as_the_plan_says() {
    for (on_failure, stopped, finished) in [
        (OnFailure::Stop, None, Some(Outcome::Failed)),
        (OnFailure::Pause, Some(Outcome::Paused), None),
        (OnFailure::Continue, None, None),
    ] {
        let mut sim = waits(Settings { on_failure, ..settings() });
        ends(&mut sim, "x", 1, None);
        sim.settle(|_| false);
        assert_eq!((sim.stopped(), sim.finished()), (stopped, finished), "{on_failure:?}");
    }
}

#[test]
fn a_paused_run_waits_for_both() {
    let mut sim = waits(settings());
    sim.ask(Request::Pause);
    sim.settle(|_| false);
    let until_ms = sim.now_ms + HOUR_MS + 1_000;
    at(&mut sim, until_ms);
    assert_eq!((sim.count("agent.freed"), running(&sim).len(), sim.stopped()), (1, 0, None));
    sim.ask(Request::Unpause);
    sim.settle(is_run);
    assert_eq!(running(&sim), ["a"]);
}

#[test]
fn what_holds_an_agent_is_recorded_with_the_end_that_told_of_it() {
    let mut sim = run(vec![agent("a")]);
    says(&mut sim, "a", login());
    let exit = sim.events.iter().position(|event| event.name() == "agent.exited").unwrap();
    let held = AgentHeld { agent: "claude".to_owned(), until_ms: None, said: "no more".to_owned() };
    assert_eq!(sim.events[exit + 1], held.into());
}
