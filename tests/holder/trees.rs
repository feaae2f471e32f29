//! Whatever a job started is gone when it has ended, however it ended and however well it hid.

use swarm::holder::{self, Ended};

use crate::attempt::{Attempt, SWARM, lives, until_true};

/// Starts a child in the same group, one in its own session, and a daemon whose parents are gone, all of them deaf to
/// SIGTERM; then writes down their ids and does what follows.
fn with_family(then: &str) -> String {
    format!(
        "trap '' TERM
        stay='trap \"\" TERM; echo $$ >>$DIR/pids; while :; do sleep 0.05; done'
        sh -c \"$stay\" &
        setsid sh -c \"$stay\" &
        (setsid sh -c \"($stay) &\" &)
        while [ \"$(cat $DIR/pids 2>/dev/null | wc -l)\" -lt 3 ]; do sleep 0.02; done
        echo all >$DIR/all
        {then}"
    )
}

fn family(attempt: &Attempt) -> Vec<u32> {
    attempt.await_file("all");
    let pids = attempt.await_file("pids").lines().map(|line| line.parse().unwrap()).collect::<Vec<_>>();
    assert_eq!(pids.len(), 3);
    pids
}

fn assert_gone(attempt: &Attempt, pids: &[u32]) {
    assert!(pids.iter().all(|pid| !lives(*pid)), "something of {pids:?} lives");
    assert!(attempt.marked().is_empty());
}

#[test]
fn after_a_timeout_nothing_is_left() {
    let mut attempt = Attempt::new(&["sleep", "1000"]);
    // In the setup, so that the time of main does not run before the family is complete.
    attempt.job.setup = vec![["sh", "-c", &with_family("exit 0")].map(str::to_owned).to_vec()];
    attempt.job.timeout_ms = Some(50);
    attempt.job.grace_ms = 100;
    attempt.launch();
    let pids = family(&attempt);
    let exit = attempt.exit();
    assert_eq!(exit.ended, Ended::TimedOut);
    assert!(exit.killed >= 3, "{}", exit.killed);
    assert_gone(&attempt, &pids);
}

#[test]
fn after_a_stop_nothing_is_left() {
    let attempt = Attempt::script(&with_family("sleep 1000"));
    attempt.launch();
    let pids = family(&attempt);
    holder::stop(&attempt.dir(), "enough", 100).unwrap();
    assert_eq!(attempt.exit().ended, Ended::Stopped { reason: "enough".to_owned() });
    assert_gone(&attempt, &pids);
}

#[test]
fn after_a_normal_exit_nothing_is_left_and_the_status_is_mains() {
    let attempt = Attempt::script(&with_family("exit 6"));
    attempt.launch();
    let pids = family(&attempt);
    let exit = attempt.exit();
    assert_eq!(exit.ended, Ended::Exited { code: 6 });
    assert!(exit.killed >= 3, "{}", exit.killed);
    assert_gone(&attempt, &pids);
}

#[test]
fn a_daemon_without_the_mark_is_of_the_tree() {
    let attempt = Attempt::script("(setsid env -i sleep 1000 & echo $! >$DIR/pid); sleep 0.1; exit 0");
    let exit = attempt.run();
    assert_eq!(exit.ended, Ended::Exited { code: 0 });
    let pid = attempt.await_file("pid").trim().parse().unwrap();
    assert!(!lives(pid));
}

#[test]
fn a_job_that_signals_its_group_hits_itself_only() {
    assert_eq!(Attempt::script("kill -9 0").ended(), Ended::Signaled { signal: 9 });
}

#[test]
fn a_helper_that_ends_by_itself_may_print_its_last_words() {
    // It sees the end of its input only when main is gone.
    let attempt = Attempt::script("mkfifo pipe; (cat; echo last words) <pipe & exec 3>pipe; exit 0");
    let exit = attempt.run();
    assert_eq!((exit.ended, exit.killed), (Ended::Exited { code: 0 }, 0));
    assert_eq!(attempt.read("stdout"), b"last words\n");
}

#[test]
fn signals_to_the_holder_do_not_end_the_job() {
    let attempt =
        Attempt::script("echo ready >$DIR/ready; while ! [ -e $DIR/go ]; do sleep 0.02; done; exit 2");
    attempt.launch();
    attempt.await_file("ready");
    let holder = attempt.holder();
    for signal in [rustix::process::Signal::HUP, rustix::process::Signal::INT, rustix::process::Signal::TERM]
    {
        crate::attempt::kill(holder, signal);
    }
    std::fs::write(attempt.dir().join("go"), "").unwrap();
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 2 });
}

#[test]
fn adopted_orphans_are_reaped_while_the_job_runs() {
    let attempt = Attempt::script(
        "(true & echo $! >$DIR/orphan); echo ready >$DIR/ready; while ! [ -e $DIR/go ]; do sleep 0.02; done",
    );
    attempt.launch();
    attempt.await_file("ready");
    let orphan = attempt.await_file("orphan").trim().to_owned();
    until_true("reaped orphan", || !std::path::Path::new("/proc").join(&orphan).exists());
    std::fs::write(attempt.dir().join("go"), "").unwrap();
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
}

#[test]
fn a_holder_inside_the_tree_goes_with_its_own_tree() {
    let inner = Attempt::script("echo inner >$DIR/inner; exec sleep 1000");
    std::fs::write(inner.dir().join("job.json"), serde_json::to_vec(&inner.job).unwrap()).unwrap();
    let (nonce, dir) = (&inner.job.nonce, inner.dir());
    let dir = dir.display();
    let outer = Attempt::script(&format!("SWARM_HOLDER={nonce} DIR={dir} {SWARM} __holder {dir}"));
    outer.launch();
    inner.await_file("inner");
    let pid = inner.start().pid;
    holder::stop(&outer.dir(), "enough", 100).unwrap();
    assert_eq!(outer.exit().ended, Ended::Stopped { reason: "enough".to_owned() });
    assert!(!lives(pid) && inner.marked().is_empty() && outer.marked().is_empty());
}
