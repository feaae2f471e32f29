//! A tree spends what it was granted and not more, whether or not somebody is there to raise the grant.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::thread::sleep;
use std::time::Duration;

use swarm::holder::{self, Ended, Usage};

use crate::attempt::{Attempt, until_true};

/// Reports 0.5 dollars, waits for the file `go`, reports 0.7 and waits for the file `end`.
const SPENDS: &str = r#"
    echo '{"usd": 0.5, "input_tokens": 10, "output_tokens": 2}' >>$SWARM_USAGE
    while ! [ -e $DIR/go ]; do sleep 0.02; done
    echo '{"usd": 0.7}' >>$SWARM_USAGE
    while ! [ -e $DIR/end ]; do sleep 0.02; done"#;

fn metered(grant_micros: u64) -> Attempt {
    let mut attempt = Attempt::script(SPENDS);
    attempt.job.metered = true;
    holder::write_grant(&attempt.dir(), grant_micros, false).unwrap();
    attempt
}

/// The lock of an owner that lives until the file is dropped.
fn owner(attempt: &mut Attempt) -> File {
    let path = attempt.outside("owner");
    let owner = File::create(&path).unwrap();
    owner.lock().unwrap();
    attempt.job.owner_lock = Some(path);
    owner
}

#[test]
fn what_is_within_the_grant_runs() {
    let attempt = metered(700_001);
    fs::write(attempt.dir().join("go"), "").unwrap();
    fs::write(attempt.dir().join("end"), "").unwrap();
    assert_eq!(attempt.ended(), Ended::Exited { code: 0 });
    let usage = holder::read_usage(&attempt.dir());
    assert_eq!(
        usage,
        Usage { usd_micros: Some(700_000), input_tokens: 10, output_tokens: 2, ..Usage::default() }
    );
}

#[test]
fn a_job_that_is_not_metered_is_not_held_to_a_grant() {
    let mut attempt = metered(1);
    attempt.job.metered = false;
    fs::write(attempt.dir().join("go"), "").unwrap();
    fs::write(attempt.dir().join("end"), "").unwrap();
    assert_eq!(attempt.ended(), Ended::Exited { code: 0 });
}

#[test]
fn without_an_owner_the_tree_ends_at_its_grant() {
    assert_eq!(metered(500_000).ended(), Ended::Grant, "reached");
    assert_eq!(metered(499_999).ended(), Ended::Grant, "passed");
    assert_eq!(metered(0).ended(), Ended::Grant, "nothing granted");
    let mut attempt = metered(400_000);
    drop(owner(&mut attempt));
    assert_eq!(attempt.ended(), Ended::Grant, "the owner is dead");
}

#[test]
fn spending_nothing_of_nothing_is_no_breach() {
    let mut attempt = Attempt::script(r#"echo '{"usd": 0}' >>$SWARM_USAGE; sleep 0.3"#);
    attempt.job.metered = true;
    assert_eq!(attempt.ended(), Ended::Exited { code: 0 });
}

#[test]
fn a_raise_in_time_lets_it_go_on() {
    let mut attempt = metered(400_000);
    let owner = owner(&mut attempt);
    attempt.launch();
    until_true("usage", || holder::read_usage(&attempt.dir()).usd_micros == Some(500_000));
    holder::write_grant(&attempt.dir(), 600_000, false).unwrap();
    // Longer than any raise is waited for: a holder that missed this one has killed the tree by then.
    sleep(Duration::from_millis(2_300));
    assert!(matches!(attempt.probe(), holder::Probe::Running { .. }));
    fs::write(attempt.dir().join("go"), "").unwrap();
    assert_eq!(attempt.exit().ended, Ended::Grant, "the raise is a limit like the first");
    drop(owner);
}

#[test]
fn a_refused_raise_ends_it_also_while_the_owner_lives() {
    let mut attempt = metered(400_000);
    let owner = owner(&mut attempt);
    holder::write_grant(&attempt.dir(), 400_000, true).unwrap();
    assert_eq!(attempt.ended(), Ended::Grant);
    drop(owner);
}

#[test]
fn usage_counts_whole_lines_and_never_falls() {
    let lines = |text: &[u8]| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("usage"), text).unwrap();
        let usage = holder::read_usage(dir.path());
        (usage.usd_micros, usage.input_tokens, usage.output_tokens, usage.skipped_lines)
    };
    for (text, expected) in [
        ("", (None, 0, 0, 0)),
        ("{\"usd\": 0.1}", (None, 0, 0, 0)),
        ("{\"usd\": 0.1}\n", (Some(100_000), 0, 0, 0)),
        ("{\"usd\": 0.1}\n{\"usd\": 0.2}\n", (Some(200_000), 0, 0, 0)),
        ("{\"usd\": 0.2}\n{\"usd\": 0.1}\n", (Some(200_000), 0, 0, 0)),
        ("{\"usd\": 0.2}\n{\"usd\": 0.9", (Some(200_000), 0, 0, 0)),
        ("{\"input_tokens\": 5}\n{\"output_tokens\": 6}\n{\"usd\": 0}\n", (Some(0), 5, 6, 0)),
        ("{}\n\n  \r\n{\"usd\": null, \"other\": [1, {}]}\n", (None, 0, 0, 0)),
        ("{\"usd\": 0.00000001}\r\n", (Some(1), 0, 0, 0)),
        (
            "{\"usd\": 1e309}\n{\"usd\": -1}\n{\"usd\": NaN}\n{\"usd\": \"1\"}\n{\"usd\": true}\n",
            (None, 0, 0, 5),
        ),
        ("garbage\n[1, 2, 3]\n7\n{\"usd\": 1, \"usd\": 2}\n", (None, 0, 0, 4)),
        ("{\"usd\": 0.5, \"input_tokens\": -3, \"output_tokens\": 4}\n", (Some(500_000), 0, 4, 1)),
        ("{\"input_tokens\": 1.5}\n{\"input_tokens\": 99999999999999999999}\n", (None, 0, 0, 2)),
    ] {
        assert_eq!(lines(text.as_bytes()), expected, "{text}");
    }
    assert_eq!(lines(b"\xff\xfe\n{\"usd\": 1}\n"), (Some(1_000_000), 0, 0, 1));
}

#[test]
fn a_line_of_any_length_costs_little_and_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = File::create(dir.path().join("usage")).unwrap();
    file.write_all(b"{\"usd\": 0.1}\n").unwrap();
    file.write_all(&vec![b' '; 20 << 20]).unwrap();
    file.write_all(b"{\"usd\": 9}\n{\"usd\": 0.3}\n").unwrap();
    let usage = holder::read_usage(dir.path());
    assert_eq!((usage.usd_micros, usage.skipped_lines), (Some(300_000), 1));
    // A hole of a terabyte stands for a file that is too big to be read whole.
    file.set_len(1 << 40).unwrap();
    let mut end = File::options().append(true).open(dir.path().join("usage")).unwrap();
    end.write_all(b"\n{\"usd\": 0.4}\n").unwrap();
    assert_eq!(holder::read_usage(dir.path()).usd_micros, Some(400_000));
}

#[test]
fn what_is_not_a_plain_file_reports_nothing() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(holder::read_usage(dir.path()), Usage::default());
    fs::write(dir.path().join("elsewhere"), "{\"usd\": 5}\n").unwrap();
    symlink(dir.path().join("elsewhere"), dir.path().join("usage")).unwrap();
    assert_eq!(holder::read_usage(dir.path()), Usage::default());
    fs::remove_file(dir.path().join("usage")).unwrap();
    fs::create_dir(dir.path().join("usage")).unwrap();
    assert_eq!(holder::read_usage(dir.path()), Usage::default());
    fs::remove_dir(dir.path().join("usage")).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    let path = dir.path().join("usage");
    rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR, 0)
        .unwrap();
    assert_eq!(holder::read_usage(dir.path()), Usage::default());
}
