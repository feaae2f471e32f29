//! Several want to start one attempt; one does.

use std::fs;
use std::path::Path;
use std::thread;

use swarm::holder::{self, Ended, Probe};

use crate::attempt::{Attempt, SWARM};

const COUNTED: &str = "echo started >>$DIR/starts; exit 0";

#[test]
fn two_launches_start_one_job() {
    let attempt = Attempt::script(COUNTED);
    let launch = || holder::launch(&attempt.dir(), &attempt.job, Path::new(SWARM), &attempt.env()).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(launch);
        }
    });
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
    launch();
    assert_eq!(attempt.read("starts"), b"started\n");
}

#[test]
fn many_holders_start_one_job() {
    let attempt = Attempt::script(COUNTED);
    fs::write(attempt.dir().join("job.json"), serde_json::to_vec(&attempt.job).unwrap()).unwrap();
    let holders = (0..8).map(|_| attempt.bare_holder()).collect::<Vec<_>>();
    for mut holder in holders {
        assert!(holder.wait().unwrap().success());
    }
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
    assert_eq!(attempt.read("starts"), b"started\n");
}

#[test]
fn looking_does_not_keep_a_holder_from_its_lock() {
    let attempt = Attempt::script(COUNTED);
    fs::write(attempt.dir().join("lock"), "").unwrap();
    fs::write(attempt.dir().join("tree"), "").unwrap();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| while !matches!(attempt.probe(), Probe::Exited(_)) {});
        }
        attempt.launch();
        assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
    });
}

#[test]
fn a_job_of_another_nonce_is_not_ours_to_start() {
    let attempt = Attempt::script(COUNTED);
    let mut other = attempt.job.clone();
    other.nonce.push_str("-other");
    fs::write(attempt.dir().join("job.json"), serde_json::to_vec(&other).unwrap()).unwrap();
    assert!(attempt.bare_holder().wait().unwrap().success());
    assert_eq!(attempt.probe(), Probe::Absent);
    attempt.launch();
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
}

#[test]
fn a_folder_without_an_attempt_is_absent() {
    let attempt = Attempt::new(&["true"]);
    assert_eq!(attempt.probe(), Probe::Absent);
    assert_eq!(holder::wait(&attempt.dir()).unwrap(), Probe::Absent);
    assert_eq!(holder::sweep(&attempt.dir(), &attempt.job.nonce, Some(&attempt.worktree()), 0).unwrap(), 0);
    assert_eq!(holder::probe(&attempt.outside("nowhere")).unwrap(), Probe::Absent);
}

#[test]
fn a_stop_from_before_the_start_means_that_nothing_starts() {
    let attempt = Attempt::new(&["true"]);
    holder::stop(&attempt.dir(), "it came first", 0).unwrap();
    for _ in 0..2 {
        let launched = holder::launch(&attempt.dir(), &attempt.job, Path::new(SWARM), &attempt.env());
        assert!(!launched.unwrap());
        assert_eq!(attempt.probe(), Probe::Absent);
    }
    assert!(attempt.marked().is_empty());
}

#[test]
fn a_binary_that_is_gone_is_an_error() {
    let attempt = Attempt::new(&["true"]);
    let launched = holder::launch(&attempt.dir(), &attempt.job, Path::new("/no/such/binary"), &attempt.env());
    assert!(matches!(launched, Err(holder::HolderError::Spawn { .. })));
    assert_eq!(attempt.probe(), Probe::Absent);
    let launched = holder::launch(&attempt.dir(), &attempt.job, Path::new("/bin/false"), &attempt.env());
    assert!(matches!(launched, Err(holder::HolderError::GaveUp { .. })));
}
