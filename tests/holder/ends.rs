//! How a job can end, one test each.

use std::fs;

use swarm::holder::{self, Ended, Probe};

use crate::attempt::{Attempt, contains};

#[test]
fn the_true_exit_status_is_recorded() {
    let attempt = Attempt::script("exit 3");
    let exit = attempt.run();
    assert_eq!(exit.ended, Ended::Exited { code: 3 });
    assert_eq!((exit.nonce.as_str(), exit.killed), (attempt.job.nonce.as_str(), 0));
    assert!(exit.started_ms <= exit.ended_ms);
    assert_eq!(Attempt::new(&["true"]).ended(), Ended::Exited { code: 0 });
}

#[test]
fn nothing_else_is_left_in_the_folder() {
    let attempt = Attempt::new(&["true"]);
    attempt.run();
    assert_eq!(attempt.names(), ["exit.json", "job.json", "lock", "start.json", "stderr", "stdout", "tree"]);
    assert!(!contains(&attempt.read("job.json"), b"PATH"), "no environment in a file");
}

#[test]
fn a_signal_is_not_an_exit_code() {
    assert_eq!(Attempt::script("kill -9 $$").ended(), Ended::Signaled { signal: 9 });
    assert_eq!(Attempt::script("kill -TERM $$").ended(), Ended::Signaled { signal: 15 });
}

#[test]
fn a_program_that_does_not_exist_is_not_an_exit_code() {
    let Ended::NotStarted { error } = Attempt::new(&["no-such-program-anywhere"]).ended() else { panic!() };
    assert!(error.contains("no-such-program-anywhere"), "{error}");
    assert!(matches!(Attempt::new(&[]).ended(), Ended::NotStarted { .. }));
}

#[test]
fn a_missing_working_directory_is_said() {
    let attempt = Attempt::new(&["true"]);
    fs::remove_dir(attempt.worktree()).unwrap();
    let Ended::NotStarted { error } = attempt.ended() else { panic!() };
    assert!(error.contains("worktree"), "{error}");
}

#[test]
fn an_argument_that_is_too_long_is_said() {
    let Ended::NotStarted { error } = Attempt::new(&["true", &"x".repeat(3 << 20)]).ended() else { panic!() };
    assert!(error.contains("too long"), "{error}");
}

#[test]
fn a_job_that_takes_too_long_is_ended() {
    let mut attempt = Attempt::script("sleep 1000");
    attempt.job.timeout_ms = Some(50);
    assert_eq!(attempt.ended(), Ended::TimedOut);
}

#[test]
fn a_silent_job_is_ended() {
    let mut attempt = Attempt::script("echo hello; exec sleep 1000");
    attempt.job.idle_timeout_ms = Some(100);
    assert_eq!(attempt.ended(), Ended::Idle);
}

#[test]
fn a_stopped_job_says_why() {
    let attempt = Attempt::script("echo ready >$DIR/ready; exec sleep 1000");
    attempt.launch();
    attempt.await_file("ready");
    assert!(matches!(attempt.probe(), Probe::Running { started: Some(_) }));
    holder::stop(&attempt.dir(), "the user said so", 5_000).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "the user said so".to_owned() });
}

#[test]
fn a_job_may_tidy_up_when_it_is_stopped() {
    let attempt = Attempt::script(
        "trap 'echo tidy; exit 5' TERM; echo ready >$DIR/ready; while :; do sleep 0.02; done",
    );
    attempt.launch();
    attempt.await_file("ready");
    holder::stop(&attempt.dir(), "enough", 60_000).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "enough".to_owned() });
    assert!(contains(&attempt.read("stdout"), b"tidy\n"));
}

#[test]
fn a_job_that_ignores_sigterm_is_killed() {
    let attempt = Attempt::script("trap '' TERM; echo ready >$DIR/ready; while :; do sleep 0.02; done");
    attempt.launch();
    attempt.await_file("ready");
    holder::stop(&attempt.dir(), "enough", 100).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "enough".to_owned() });
    assert!(attempt.marked().is_empty());
}

#[test]
fn a_second_stop_shortens_the_grace_of_the_first() {
    let attempt = Attempt::script(
        "trap 'echo told >$DIR/told' TERM; echo ready >$DIR/ready; while :; do sleep 0.02; done",
    );
    attempt.launch();
    attempt.await_file("ready");
    holder::stop(&attempt.dir(), "politely", 3_600_000).unwrap();
    attempt.await_file("told");
    holder::stop(&attempt.dir(), "now", 0).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "politely".to_owned() });
}

#[test]
fn setup_runs_before_main_with_the_same_output() {
    let mut attempt = Attempt::script("cat made; exit 4");
    let step = |script: &str| ["sh", "-c", script].map(str::to_owned).to_vec();
    attempt.job.setup = vec![step("echo first; echo content >made"), step("echo second >&2")];
    assert_eq!(attempt.ended(), Ended::Exited { code: 4 });
    assert_eq!(attempt.read("stdout"), b"first\ncontent\n");
    assert_eq!(attempt.read("stderr"), b"second\n");
}

#[test]
fn a_failed_setup_names_its_step_and_main_never_runs() {
    let fails = |setup: &[&[&str]], timeout_ms: u64| {
        let mut attempt = Attempt::script("echo ran >$DIR/ran");
        attempt.job.setup = setup.iter().map(|argv| argv.iter().map(ToString::to_string).collect()).collect();
        attempt.job.setup_timeout_ms = timeout_ms;
        let ended = attempt.ended();
        assert!(!attempt.names().contains(&"ran".to_owned()));
        assert!(attempt.marked().is_empty());
        ended
    };
    let failed = |step, code, timed_out| Ended::SetupFailed { step, code, timed_out };
    assert_eq!(fails(&[&["true"], &["sh", "-c", "exit 9"], &["true"]], 60_000), failed(1, Some(9), false));
    assert_eq!(fails(&[&["sh", "-c", "kill -9 $$"]], 60_000), failed(0, None, false));
    assert_eq!(fails(&[&["no-such-program-anywhere"]], 60_000), failed(0, Some(127), false));
    assert_eq!(fails(&[&["true"], &[]], 60_000), failed(1, Some(127), false));
    assert_eq!(fails(&[&["sleep", "1000"]], 50), failed(0, None, true));
}

#[test]
fn a_setup_can_be_stopped() {
    let mut attempt = Attempt::script("echo ran >$DIR/ran");
    attempt.job.setup = vec![["sh", "-c", "echo up >$DIR/up; sleep 1000"].map(str::to_owned).to_vec()];
    attempt.launch();
    attempt.await_file("up");
    holder::stop(&attempt.dir(), "enough", 1_000).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "enough".to_owned() });
    assert!(!attempt.names().contains(&"ran".to_owned()));
}

#[test]
fn the_job_reads_its_input_or_nothing() {
    assert_eq!(Attempt::script("read line").ended(), Ended::Exited { code: 1 }, "the end of an empty input");
    let mut attempt = Attempt::script("cat");
    fs::write(attempt.outside("input"), "from a file").unwrap();
    attempt.job.stdin = Some(attempt.outside("input"));
    assert_eq!(attempt.ended(), Ended::Exited { code: 0 });
    assert_eq!(attempt.read("stdout"), b"from a file");
    attempt = Attempt::script("cat");
    attempt.job.stdin = Some(attempt.outside("absent"));
    assert!(matches!(attempt.ended(), Ended::NotStarted { .. }));
}

#[test]
fn a_job_starts_with_niceness_and_limits() {
    let mut attempt = Attempt::script("nice; ulimit -c; ulimit -f");
    let own = rustix::process::getpriority_process(None).unwrap();
    attempt.job.nice = 3;
    assert_eq!(attempt.ended(), Ended::Exited { code: 0 });
    assert_eq!(attempt.read("stdout"), format!("{}\n0\n{}\n", own + 3, (8_u64 << 30) / 512).as_bytes());
}
