//! Journals on a real disk: of simulated runs, damaged, with holes, and those that released versions left.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::fs;
use std::path::Path;

use swarm_actors::codec::entry_of;
use swarm_domain::plan::Plan;
use swarm_domain::state::task_of;
use swarm_domain::{Event, TaskId, Usd};
use swarm_journal::Log;
use swarm_proptests::{Explored, Recorded, RecordedError, Scenario, Setup, Site, Who, run};

/// Writes a history as a writer does whose every event is a batch, but for the plan.
fn write(dir: &Path, history: &[swarm_actors::Recorded]) {
    let mut log = Log::create(dir, [7; 16]).unwrap();
    let entries: Vec<_> =
        history.iter().map(|recorded| entry_of(&recorded.event, recorded.time_ms).unwrap()).collect();
    let plan = history.iter().take_while(|recorded| recorded.event.name().ends_with("planned")).count();
    log.append(&entries[..plan]).unwrap();
    entries[plan..].iter().for_each(|entry| {
        log.append(std::slice::from_ref(entry)).unwrap();
    });
    log.close().unwrap();
}

fn recorded(explored: &Explored) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("run/journal"), &explored.history);
    Recorded::open(dir.path().join("run")).unwrap()
}

fn explored(seed: u64) -> Explored {
    run(&Setup::of(Scenario::of_seed(seed)))
}

#[test]
fn what_a_simulated_run_recorded_keeps_the_laws_on_a_real_disk() {
    let mut rests = 0;
    for seed in 0..60 {
        let explored = explored(seed);
        let recorded = recorded(&explored);
        assert_eq!(recorded.events(), explored.history, "seed {seed}");
        let checked = recorded.check().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
        assert_eq!(checked.events, explored.history.len() as u64);
        rests += checked.rests;
    }
    assert!(rests > 1_000, "{rests}");
}

#[test]
fn a_record_that_breaks_a_law_is_found_in_a_journal() {
    let mut history = run(&Setup::of(Scenario::default().with(Site::PlanTasks, Who::Run, 2))).history;
    let start = history.iter().position(|at| at.event.name() == "attempt.started").unwrap();
    if let Event::AttemptStarted(started) = &mut history[start].event {
        started.reserve = Usd::from_dollars(7);
    }
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("journal"), &history);
    let broken = Recorded::open(dir.path()).unwrap().check().unwrap_err();
    assert_eq!(broken.law, 7, "{broken}");
}

#[test]
fn a_slot_that_is_left_empty_is_found_in_a_journal() {
    let kind = Scenario::default().with(Site::PlanTasks, Who::Run, 1).with(Site::PlanSlots, Who::Run, 1);
    let mut history = run(&Setup::of(kind)).history;
    // As if nobody had thought of the second task.
    let is_second = |event: &Event| task_of(event).is_some_and(|task| task.as_str() == "t1");
    history.retain(|recorded| !is_second(&recorded.event) && recorded.event.name() != "run.finished");
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &history);
    let broken = Recorded::open(dir.path()).unwrap().check().unwrap_err();
    assert_eq!(broken.law, 11, "{broken}");
}

/// What is wrong with the run of a task whose agent program is limited at first, after its history was changed.
fn broken_by(change: impl FnOnce(&mut Vec<swarm_actors::Recorded>)) -> String {
    const LIMITED_UNTIL_A_TIME: u32 = 15;
    let limited = Scenario::default().with(Site::AgentFate, Who::Attempt(0, 1), LIMITED_UNTIL_A_TIME);
    let mut history = run(&Setup::of(limited)).history;
    change(&mut history);
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &history);
    let broken = Recorded::open(dir.path()).unwrap().check().unwrap_err();
    assert_eq!(broken.law, 4, "{broken}");
    broken.what
}

#[test]
fn an_agent_program_that_is_not_held_as_it_must_be_is_found_in_a_journal() {
    let is = |name: &'static str| move |recorded: &swarm_actors::Recorded| recorded.event.name() == name;
    let started = broken_by(|history| history.retain(|recorded| !is("agent.freed")(recorded)));
    assert!(started.contains("t0 starts, and `one` is held until "), "{started}");
    let freed =
        broken_by(|history| history.iter_mut().find(|at| is("agent.freed")(at)).unwrap().time_ms -= 2_000);
    assert!(freed.contains("`one` is freed, and was held until "), "{freed}");
    let held = broken_by(|history| {
        let held = history.iter_mut().find(|at| is("agent.held")(at)).unwrap();
        let Event::AgentHeld(held) = &mut held.event else { unreachable!() };
        held.until_ms = held.until_ms.map(|at_ms| at_ms - 1);
    });
    assert!(held.contains("`one` is held until ") && held.contains(", and should be until "), "{held}");
}

#[test]
fn a_damaged_journal_is_refused_with_the_place_of_the_damage() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &explored(1).history);
    let file = dir.path().join("0000000001.swj");
    let mut bytes = fs::read(&file).unwrap();
    bytes[2_000] ^= 1;
    fs::write(&file, bytes).unwrap();
    let refused = Recorded::open(dir.path()).unwrap_err();
    assert!(matches!(refused, RecordedError::Journal(_)), "{refused:?}");
    let words = refused.to_string();
    assert!(words.contains("damaged") && words.contains(" at byte "), "{words}");
}

#[test]
fn a_repaired_journal_with_a_hole_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let journal = dir.path().join("journal");
    let history = explored(1).history;
    write(&journal, &history);
    let file = journal.join("0000000001.swj");
    let mut bytes = fs::read(&file).unwrap();
    // Behind the records there is room for more of them.
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[end / 2] ^= 1;
    fs::write(&file, bytes).unwrap();
    swarm_journal::repair(&journal).unwrap();
    let refused = Recorded::open(dir.path()).unwrap_err();
    assert!(matches!(refused, RecordedError::Holes { .. }), "{refused}");
}

#[test]
fn what_is_no_run_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let missing = Recorded::open(dir.path()).unwrap_err();
    assert!(missing.to_string().contains("no journal"), "{missing}");
    write(dir.path(), &[]);
    let empty = Recorded::open(dir.path()).unwrap_err();
    assert!(matches!(empty, RecordedError::Unplanned { .. }), "{empty}");
}

#[test]
fn a_run_read_back_goes_much_the_same() {
    let (mut attempts, mut same) = (0, 0);
    for seed in 0..200 {
        let before = explored(seed);
        let again = run(&recorded(&before).setup());
        assert!(again.broken.is_none(), "seed {seed}: {}", again.broken.unwrap());
        let endings = |explored: &Explored| endings(explored);
        let after = endings(&again);
        for (attempt, ending) in endings(&before) {
            attempts += 1;
            same += u32::from(after.iter().any(|(other, how)| *other == attempt && *how == ending));
        }
    }
    println!("{same} of {attempts} attempts ended the same way");
    assert!(same * 10 > attempts * 8, "{same} of {attempts} attempts ended the same way");
}

fn endings(explored: &Explored) -> Vec<(String, String)> {
    let mut endings = Vec::new();
    for recorded in &explored.history {
        if let Event::AgentExited(exited) = &recorded.event {
            let how = format!("{:?}", exited.ending);
            endings.push((format!("{}/{}", exited.task, exited.attempt), how));
        }
    }
    endings
}

/// The plan of a run, with names of a person's choosing and nothing that ends a program which hangs.
fn of_ones_own(plan: &Plan) -> Plan {
    let (settings, mut tasks) = plan.clone().into_parts();
    let named = |id: &TaskId| TaskId::new(&format!("work-{}", id.as_str())).unwrap();
    for task in &mut tasks {
        task.id = named(&task.id);
        task.needs.iter_mut().for_each(|(need, _)| *need = named(need));
        (task.timeout_ms, task.idle_timeout_ms) = (None, None);
    }
    Plan::new(settings, tasks).unwrap()
}

#[test]
fn a_plan_of_ones_own_is_explored_around_with_its_own_names() {
    let plan = of_ones_own(recorded(&explored(5)).plan());
    let before = run(&Setup { plan: Some(plan), ..Setup::of(Scenario::default()) });
    assert_eq!(before.broken, None);
    let recorded = recorded(&before);
    assert!(recorded.plan().tasks().iter().all(|task| task.timeout_ms.is_none()));
    recorded.check().unwrap();
    recorded.what_if().one_fault_anywhere().check().unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn tasks_of_ones_own_do_not_meet_unless_they_are_made_to() {
    let wide = Scenario::default().with(Site::PlanTasks, Who::Run, 11).with(Site::PlanSlots, Who::Run, 5);
    let meets = |scenario: Scenario, plan: Option<Plan>| {
        let explored = run(&Setup { plan, ..Setup::of(scenario) });
        explored.history.iter().filter(|at| at.event.name() == "merge.conflicted").count()
    };
    let plan = of_ones_own(recorded(&run(&Setup::of(wide.clone()))).plan());
    assert!(meets(wide.clone(), None) > 0);
    assert_eq!(meets(wide.clone(), Some(plan.clone())), 0);
    let two = [0, 1].into_iter().fold(wide, |all, task| all.with(Site::TaskPaths, Who::Task(task), 7));
    assert_eq!(meets(two, Some(plan)), 1);
}

#[test]
fn around_a_run_every_crash_and_every_fault_is_survived() {
    let before = explored(5);
    let recorded = recorded(&before);
    let crashed =
        recorded.what_if().crash_at_every_point().check().unwrap_or_else(|failed| panic!("{failed}"));
    assert!(crashed.crashes >= crashed.runs * 9 / 10, "{crashed:?}");
    let faulty = recorded.what_if().one_fault_anywhere().check().unwrap_or_else(|failed| panic!("{failed}"));
    assert!(faulty.runs > 400, "{faulty:?}");
}
