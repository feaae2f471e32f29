//! An event of every kind, and of every shape that a kind can have. No run: they do not follow from one another.

use swarm_domain::event::{
    AgentExited, AgentFreed, AgentHeld, AgentStarted, AttemptFailed, AttemptPassed, AttemptStarted,
    BudgetWarned, DaySeen, DeadlineReached, GateEnded, GateStarted, GrantRaised, MergeBuilt, MergeConflicted,
    MergeEmpty, MergeFailed, MergeIntended, MergePrepared, MergeRefused, Merged, Noted, Opened,
    PreflightFailed, PreflightPassed, PreserveFailed, Preserved, RaiseRefused, RecordsLost, Requested,
    RetryDue, RetryScheduled, RoomBack, RoomLost, RunFinished, RunPaused, RunStopped, StopAsked, TargetFreed,
    TargetHeld, TargetSeen, TaskCancelled, TaskDone, TaskFailed, TaskHeld, TaskQueued, TaskSkipped,
    UsageReported, WorktreeFailed, WorktreeKept, WorktreeMade, WorktreeRemoved,
};
use swarm_domain::fact::{
    Cap, Cause, Cost, Ending, Leak, Outcome, Report, Request, Site, Standing, Start, Stop, Trouble,
    TroubleKind, Usage, Verdict,
};
use swarm_domain::{Caps, Event, Hazard, HazardKind, Measure, Oid, TaskId, Usd};

pub(crate) fn task(name: &str) -> TaskId {
    TaskId::new(name).unwrap()
}

pub(crate) fn oid(digit: char) -> Oid {
    Oid::new(&String::from(digit).repeat(40))
}

pub(crate) fn text(text: &str) -> String {
    text.to_owned()
}

/// When things happen; each time is another one.
const MS: u64 = 1_700_000_000_000;

/// All of them. No two fields of one type have one value, so that fields that change places are told apart.
pub(crate) fn samples() -> Vec<Event> {
    let mut all = super::plans::samples();
    all.extend(run());
    all.extend(target());
    all.extend(gates());
    all.extend(attempts());
    all.extend(exits());
    all.extend(last_words());
    all.extend(holds());
    all.extend(budget());
    all.extend(work());
    all.extend(merges());
    all.extend(tasks());
    all.extend(requests());
    all.extend(ends());
    all
}

fn run() -> Vec<Event> {
    vec![
        Opened { epoch: 2, pid: 4711, version: text("0.1.0"), at_ms: MS + 1, wall: standing() }.into(),
        RunPaused { because: task("api") }.into(),
        DeadlineReached {}.into(),
        RoomLost { detail: text("no space left on device"), at_ms: MS + 2 }.into(),
        RoomBack {}.into(),
        RecordsLost { from: 41, to: 43 }.into(),
        Noted { task: Some(task("api")), text: text("a ref of yours moved") }.into(),
        Noted { task: None, text: text("80 % of the budget") }.into(),
    ]
}

fn target() -> Vec<Event> {
    vec![
        TargetSeen { found: Some(oid('a')), keeps: true }.into(),
        TargetSeen { found: None, keeps: false }.into(),
        TargetHeld { path: text("/home/ada/shop") }.into(),
        TargetFreed {}.into(),
        PreflightPassed {}.into(),
        PreflightFailed { name: text("tests"), n: 1 }.into(),
    ]
}

fn gates() -> Vec<Event> {
    let started = |n, site, index| -> Event {
        let (name, nonce) = (text("tests"), text("9f8e7d6c5b4a3210"));
        GateStarted { n, site, index, name, commit: oid('b'), nonce, slot: 7 }.into()
    };
    let ended =
        |n, verdict| -> Event { GateEnded { n, verdict, tail: text("3 passed\n"), took_ms: 1500 }.into() };
    vec![
        started(1, Site::Preflight, None),
        started(2, Site::Task { task: task("api"), attempt: 3 }, Some(4)),
        started(3, Site::Train { task: task("api"), attempt: 3 }, Some(5)),
        ended(1, Verdict::Green),
        ended(2, Verdict::Red { detail: text("exit status 1") }),
        ended(3, Verdict::None { detail: text("killed") }),
    ]
}

fn attempts() -> Vec<Event> {
    let started = |attempt, from| -> Event {
        let (task, nonce, onto) = (task("api"), text("0123456789abcdef"), oid('c'));
        let reserve = Usd::from_micros(400_000);
        AttemptStarted { task, attempt, nonce, reserve, onto, from, at_ms: MS + 3 }.into()
    };
    let mut all = vec![
        started(1, Start::Head),
        started(2, Start::Tip { attempt: 1, tip: oid('d'), base: oid('e') }),
        WorktreeMade {
            task: task("api"),
            attempt: 2,
            start: oid('f'),
            path: text("/state/worktrees/api-2"),
            git_dir: text("/repo/.git/worktrees/api-2"),
            conflicts: vec![text("src/lib.rs"), text("src/main.rs")],
        }
        .into(),
        WorktreeFailed { task: task("api"), attempt: 2, error: text("no such folder") }.into(),
        AgentStarted { task: task("api"), attempt: 2, pid: 4712 }.into(),
        GrantRaised { task: task("api"), attempt: 2, grant: Usd::from_micros(800_000) }.into(),
    ];
    all.extend([Some(Usd::from_micros(310_000)), None].map(|usd| {
        let usage = Usage { usd, calls: Some(9), turns: None, wants: Usd::ZERO, ..exit().usage };
        UsageReported { task: task("api"), attempt: 2, usage }.into()
    }));
    all.extend(
        [Cap::Task, Cap::Run, Cap::Agent, Cap::Day]
            .map(|cap| RaiseRefused { task: task("api"), attempt: 2, cap }.into()),
    );
    let capped = Stop::Capped { cap: Cap::Agent, measure: Measure::Turns };
    let stops = [Stop::Cancelled, Stop::Interrupted, Stop::Deadline, capped];
    all.extend(stops.map(|why| StopAsked { task: task("api"), attempt: 2, why }.into()));
    all
}

/// One end of a program, which the samples vary.
fn exit() -> AgentExited {
    AgentExited {
        task: task("api"),
        attempt: 2,
        nonce: text("0123456789abcdef"),
        ending: Ending::Exited { code: -1 },
        report: None,
        usage: Usage {
            usd: Some(Usd::from_micros(310_000)),
            priced: false,
            input_tokens: 52_000,
            output_tokens: 1_800,
            calls: None,
            turns: Some(7),
            wants: Usd::from_micros(5),
        },
        charge: Usd::from_micros(320_000),
        cost: Cost::Metered,
        tail: text("done\n"),
        stragglers: 3,
        at_ms: MS + 4,
    }
}

fn exits() -> Vec<Event> {
    let endings = [
        (Ending::Exited { code: -1 }, Cost::Metered),
        (Ending::Signaled { signal: 11 }, Cost::Estimated),
        (Ending::TimedOut, Cost::Unknown),
        (Ending::Idle, Cost::Metered),
        (Ending::Spent, Cost::Metered),
        (Ending::Stopped, Cost::Metered),
        (Ending::SetupFailed { step: 2, detail: text("exit status 1") }, Cost::Metered),
        (Ending::NotStarted { error: text("no such program") }, Cost::Metered),
        (Ending::Unknown, Cost::Estimated),
        (Ending::Overstayed, Cost::Metered),
    ];
    endings.map(|(ending, cost)| AgentExited { ending, cost, ..exit() }.into()).into()
}

/// What agent programs say of their own ends.
fn last_words() -> Vec<Event> {
    let told = |report: Report, priced| -> Event {
        let usage = Usage { priced, ..exit().usage };
        AgentExited { report: Some(Box::new(report)), usage, ..exit() }.into()
    };
    let well = Report {
        finished: true,
        trouble: None,
        model: Some(text("large")),
        denials: vec![text("Bash"), text("Write")],
        bookmark: Some(text("7f3a")),
    };
    let troubles =
        [(TroubleKind::Error, None), (TroubleKind::Limit, Some(MS + 5)), (TroubleKind::Login, None)];
    let ill = troubles.map(|(kind, until_ms)| {
        let trouble = Trouble { kind, said: text("429 Too Many Requests"), until_ms };
        told(Report { trouble: Some(trouble), ..Report::default() }, true)
    });
    std::iter::once(told(well, false)).chain(ill).collect()
}

fn holds() -> Vec<Event> {
    let held = |until_ms| -> Event {
        AgentHeld { agent: text("claude"), until_ms, said: text("usage limit") }.into()
    };
    vec![held(Some(MS + 7)), held(None), AgentFreed { agent: text("claude") }.into()]
}

/// One of each kind.
fn hazards() -> Vec<Hazard> {
    let hazard = |kind| Hazard { kind, path: text("lib/x"), detail: text("leads out") };
    HazardKind::ALL.map(hazard).into()
}

fn leaks() -> Vec<Leak> {
    vec![Leak { rule: text("github-pat"), path: text("src/lib.rs"), line: 12 }]
}

fn budget() -> Vec<Event> {
    let warned = |measure, cap, agent: &str| -> Event {
        BudgetWarned { cap, agent: text(agent), measure, percent: 80, used: 81, of: 100 }.into()
    };
    let day = DaySeen {
        date: text("2026-11-21"),
        until_ms: MS + 9,
        elsewhere: Usd::from_micros(1_500_000),
        allowed: Usd::from_micros(2_500_000),
    };
    let mut all: Vec<Event> = Measure::ALL.map(|measure| warned(measure, Cap::Run, "")).into();
    all.extend([warned(Measure::Usd, Cap::Agent, "builder"), warned(Measure::Usd, Cap::Day, ""), day.into()]);
    all
}

fn work() -> Vec<Event> {
    let preserved = |changed, descends, missing| -> Event {
        Preserved {
            task: task("api"),
            attempt: 2,
            tip: oid('1'),
            changed,
            descends,
            missing,
            strays: vec![text("notes.txt")],
            markers: vec![text("src/lib.rs")],
            subjects: vec![text("Add the api"), text("Fix it")],
            hazards: hazards(),
            secrets: leaks(),
        }
        .into()
    };
    let failed = |cause| -> Event {
        let (reason, tail, hint) = (text("3 tests fail"), text("assert failed\n"), text("run `make test`"));
        AttemptFailed { task: task("api"), attempt: 2, cause, reason, counts: true, tail, hint }.into()
    };
    let mut all = vec![
        preserved(true, false, false),
        preserved(false, true, false),
        preserved(false, false, true),
        PreserveFailed { task: task("api"), attempt: 2, error: text("disk quota exceeded") }.into(),
        WorktreeRemoved { task: task("api"), attempt: 2 }.into(),
        WorktreeKept { task: task("api"), attempt: 2, error: text("it is locked") }.into(),
        AttemptPassed { task: task("api"), attempt: 2, setup: true }.into(),
    ];
    let causes = [
        Cause::Crash,
        Cause::Timeout,
        Cause::Gate,
        Cause::Conflict,
        Cause::Claims,
        Cause::Budget,
        Cause::Environment,
        Cause::Lost,
        Cause::Interrupted,
        Cause::Limit,
        Cause::Login,
        Cause::Hazard,
        Cause::Secret,
    ];
    all.extend(causes.map(failed));
    all
}

fn merges() -> Vec<Event> {
    let prepared = |old| -> Event {
        MergePrepared {
            task: task("api"),
            attempt: 2,
            old,
            onto: oid('3'),
            tip: oid('4'),
            at_s: 1_700_000_005,
            anchor_seq: 41,
            anchor_hash: text("ba1ab8"),
        }
        .into()
    };
    let intended =
        |old| -> Event { MergeIntended { task: task("api"), attempt: 2, old, commit: oid('5') }.into() };
    vec![
        TaskQueued { task: task("api"), attempt: 2, tip: oid('4') }.into(),
        prepared(Some(oid('2'))),
        prepared(None),
        MergeBuilt { task: task("api"), attempt: 2, commit: oid('5'), tree: oid('6'), secrets: leaks() }
            .into(),
        MergeEmpty { task: task("api"), attempt: 2 }.into(),
        MergeConflicted {
            task: task("api"),
            attempt: 2,
            paths: vec![text("src/lib.rs"), text("src/main.rs")],
            detail: text("CONFLICT (content)"),
        }
        .into(),
        intended(Some(oid('2'))),
        intended(None),
        Merged { task: task("api"), attempt: 2, commit: oid('5') }.into(),
        MergeFailed { task: task("api"), attempt: 2, error: text("unable to write") }.into(),
        MergeRefused { task: task("api"), attempt: 2, hazards: hazards() }.into(),
    ]
}

fn tasks() -> Vec<Event> {
    vec![
        RetryScheduled { task: task("api"), at_ms: MS + 6 }.into(),
        RetryDue { task: task("api") }.into(),
        TaskDone { task: task("api"), reason: text("nothing to land") }.into(),
        TaskFailed { task: task("api"), cause: Cause::Gate, reason: text("3 tests fail") }.into(),
        TaskSkipped { task: task("docs"), because: task("api") }.into(),
        TaskCancelled { task: task("api"), reason: text("asked for") }.into(),
        TaskHeld { task: task("api"), reason: text("a conflict") }.into(),
    ]
}

fn requests() -> Vec<Event> {
    let asked = |request| -> Event { Requested { id: text("k3f9"), by: text("ada"), request }.into() };
    let requests = [
        Request::Cancel { tasks: vec![task("api"), task("docs")] },
        Request::Pause,
        Request::Unpause,
        Request::AddBudget {
            caps: Caps { usd: Some(Usd::from_micros(2_500_000)), calls: Some(5), ..Caps::NONE },
        },
        Request::SetBudget { caps: Caps::of_usd(Some(Usd::from_micros(9_000_000))) },
        Request::SetConcurrency { slots: 6 },
        Request::Drain { signal: 2 },
        Request::Interrupt { signal: 15 },
    ];
    requests.map(asked).into()
}

fn ends() -> Vec<Event> {
    let outcomes = [
        Outcome::Landed,
        Outcome::Partial,
        Outcome::Failed,
        Outcome::Budget,
        Outcome::Deadline,
        Outcome::Cancelled,
        Outcome::Merge,
        Outcome::Environment,
        Outcome::Paused,
        Outcome::Interrupted { signal: 15 },
    ];
    let stopped = |outcome| -> Event { RunStopped { outcome, detail: text("no more money") }.into() };
    let finished = |outcome| -> Event { RunFinished { outcome }.into() };
    outcomes.into_iter().map(finished).chain([stopped(Outcome::Budget)]).collect()
}

fn standing() -> Standing {
    Standing { wall: text("landlock"), lacks: vec![text("it does not hide what other attempts wrote")] }
}
