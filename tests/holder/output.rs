//! What a job prints: kept whole if it is short, its head and tail if it is not, and never a reason to wait.

use std::fs;

use swarm::holder::{self, Ended, Probe};

use crate::attempt::{Attempt, contains};

const KEEP: usize = 8 << 20;

#[test]
fn a_flood_is_bounded_and_keeps_its_head_and_tail() {
    let megabytes = if cfg!(debug_assertions) { 200 } else { 1024 };
    let attempt = Attempt::script(&format!(
        "echo BEGIN; head -c {} /dev/zero | tr '\\0' x; echo; echo END; echo on the other stream >&2",
        megabytes << 20
    ));
    attempt.launch();
    let mut most = 0;
    while matches!(attempt.probe(), Probe::Running { .. }) {
        most = most.max(size_of_streams(&attempt));
    }
    let exit = attempt.exit();
    let printed = (megabytes << 20) + "BEGIN\n\nEND\n".len();
    assert_eq!((exit.ended, exit.stdout_bytes), (Ended::Exited { code: 0 }, printed as u64));
    assert!(most <= (33 << 20), "{most} bytes on the disk");
    let kept = attempt.read("stdout");
    assert!(kept.starts_with(b"BEGIN\nxxx") && kept.ends_with(b"xxx\nEND\n"));
    let cut = format!("\n[swarm: {} bytes left out]\n", printed - 2 * KEEP);
    assert_eq!(&kept[KEEP..KEEP + cut.len()], cut.as_bytes());
    assert_eq!(kept.len(), 2 * KEEP + cut.len());
    assert_eq!(attempt.read("stderr"), b"on the other stream\n");
    assert!(attempt.names().iter().all(|name| !name.starts_with("stdout.")));
}

fn size_of_streams(attempt: &Attempt) -> u64 {
    let names = attempt.names().into_iter().filter(|name| name.starts_with("stdout"));
    names.filter_map(|name| fs::metadata(attempt.dir().join(name)).ok()).map(|metadata| metadata.len()).sum()
}

#[test]
fn what_fits_is_kept_whole() {
    let attempt = Attempt::script("head -c 12000000 /dev/zero | tr '\\0' y; echo; echo end");
    assert_eq!(attempt.run().stdout_bytes, 12_000_005);
    let kept = attempt.read("stdout");
    assert!(kept.len() == 12_000_005 && kept[..12_000_000].iter().all(|byte| *byte == b'y'));
    assert!(kept.ends_with(b"y\nend\n"));
}

#[test]
fn a_reader_sees_the_output_while_the_job_runs() {
    let attempt = Attempt::script(
        "echo early; echo ready >$DIR/ready; while ! [ -e $DIR/go ]; do sleep 0.02; done
        head -c 30000000 /dev/zero | tr '\\0' z; echo; echo late; while ! [ -e $DIR/end ]; do sleep 0.02; done",
    );
    attempt.launch();
    attempt.await_file("ready");
    crate::attempt::until_true("early output", || attempt.read("stdout") == b"early\n");
    fs::write(attempt.dir().join("go"), "").unwrap();
    let path = attempt.dir().join("stdout");
    crate::attempt::until_true("late output", || holder::tail(&path, 10) == "late\n");
    fs::write(attempt.dir().join("end"), "").unwrap();
    attempt.exit();
    assert_eq!(holder::tail(&path, 10), "late\n");
}

#[test]
fn a_stream_that_never_ends_is_not_waited_for() {
    // A stranger to the tree holds the write end: opened through the process table, not inherited.
    let attempt =
        Attempt::script("echo $$; echo ready >$DIR/ready; while ! [ -e $DIR/go ]; do sleep 0.02; done");
    attempt.launch();
    attempt.await_file("ready");
    let stdout = fs::File::options().write(true).open(format!("/proc/{}/fd/1", attempt.start().pid)).unwrap();
    fs::write(attempt.dir().join("go"), "").unwrap();
    assert_eq!(attempt.exit().ended, Ended::Exited { code: 0 });
    drop(stdout);
}

#[test]
fn bytes_are_kept_as_they_are() {
    let attempt = Attempt::script("printf 'a\\000b\\377\\n'; exit 0");
    attempt.run();
    assert_eq!(attempt.read("stdout"), b"a\0b\xff\n");
    assert!(contains(holder::tail(&attempt.dir().join("stdout"), 100).as_bytes(), "b\u{fffd}\n".as_bytes()));
}
