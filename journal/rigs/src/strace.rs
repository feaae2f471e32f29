//! Rig: a death or a failure at every single system call of a writer, injected by strace. Does not know what the
//! calls are for, only that after one that failed nothing may be acknowledged any more.

use std::{
    fs, io,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    life::{Life, writer},
    rig::Job,
    say::acked,
    subject::{Subject, copy},
    tally::Tally,
    twist::Twist,
    writer::STOPPED,
};

/// What happens at a call, and at which calls it can.
struct Sweep {
    name: &'static str,
    injected: &'static str,
    calls: &'static [&'static str],
}

const WRITES: &[&str] = &["pwrite64", "pwritev", "pwritev2", "fallocate"];
const SYNCS: &[&str] = &["fdatasync", "fsync", "rename", "renameat", "renameat2", "ftruncate"];
const SWEEPS: [Sweep; 4] = [
    Sweep { name: "SIGKILL", injected: "signal=KILL", calls: WRITES },
    Sweep { name: "SIGKILL", injected: "signal=KILL", calls: SYNCS },
    Sweep { name: "EIO", injected: "error=EIO", calls: SYNCS },
    Sweep { name: "ENOSPC", injected: "error=ENOSPC", calls: WRITES },
];

/// A writer's life: from how many records to how many. The second one fills a segment.
const LIVES: [(u64, u64); 2] = [(0, 40), (201, 820)];

/// At most so many cases of each call in each life. There is no chance in it.
pub(crate) fn run(job: &Job<'_>, tally: &mut Tally) -> io::Result<()> {
    let path = |name: &str| job.dir.join(name);
    for (from, to) in LIVES {
        let before = path(&format!("before-{from}"));
        let known = if from > 0 { Some(prepare(&before, from)?) } else { None };
        let bench = Bench { log: path("log"), before, known, to, twist: job.twist };
        for sweep in &SWEEPS {
            for call in sweep.calls {
                bench.sweep(sweep, call, job.cases, &mut Subject::new(&path("journal")), tally)?;
            }
        }
    }
    Ok(())
}

/// Writes so many records, and does not close; the last one that was acknowledged.
fn prepare(journal: &Path, records: u64) -> io::Result<u64> {
    let end = Life::start(writer(journal, records, None))?.end()?;
    assert!(end.status.success(), "nothing fails yet: {}", end.complaint);
    Ok(acked(&end.said).expect("it said what it did"))
}

struct Bench {
    log: PathBuf,
    /// The journal that each case begins with, if there is one, and what was acknowledged in it.
    before: PathBuf,
    known: Option<u64>,
    to: u64,
    twist: Option<Twist>,
}

impl Bench {
    /// Injects at the first call, the second, and so on to the last.
    fn sweep(
        &self,
        sweep: &Sweep,
        call: &str,
        cases: u64,
        subject: &mut Subject,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let calls = self.count(call, subject)?;
        let stride = calls.div_ceil(cases).max(1);
        for nth in (1..=calls).step_by(usize::try_from(stride).expect("a writer makes few calls")) {
            self.begin(subject)?;
            let injection = format!("inject={call}:{}:when={nth}", sweep.injected);
            let made_by = format!("{} at {call} {nth} of {calls}", sweep.name);
            let end = Life::start(self.traced(call, &injection, subject))?.end()?;
            let (killed, failed) = (end.status.signal().is_some(), self.was_injected()?);
            // Calls are counted per thread; the last numbers may fit none. The first one always does.
            assert!(killed || failed || nth > 1, "strace does not inject {made_by}");
            if !(killed || failed) {
                break;
            }
            subject.lived(&end.said, tally);
            if failed && (end.status.code() != Some(STOPPED.into()) || end.complaint.is_empty()) {
                tally.violation(&made_by, &format!("the failure was not told: {}", end.status));
            }
            subject.check(&made_by, tally)?;
        }
        Ok(())
    }

    /// How often a writer makes this call if nothing happens to it.
    fn count(&self, call: &str, subject: &mut Subject) -> io::Result<u64> {
        self.begin(subject)?;
        let end = Life::start(self.traced(call, "signal=none", subject))?.end()?;
        assert!(end.status.success(), "nothing fails yet: {}", end.complaint);
        Ok(fs::read_to_string(&self.log)?.lines().count() as u64)
    }

    fn begin(&self, subject: &mut Subject) -> io::Result<()> {
        subject.reset()?;
        subject.known = self.known;
        if self.known.is_some() { copy(&self.before, &subject.journal) } else { Ok(()) }
    }

    fn traced(&self, call: &str, expression: &str, subject: &Subject) -> Command {
        let writer = writer(&subject.journal, self.to, self.twist);
        let mut command = Command::new("strace");
        // Not with --seccomp-bpf, with which signals are not injected.
        command.args(["-f", "-qq", "-o"]).arg(&self.log);
        // A question mark lets strace pass over calls that this machine does not have.
        command.args(["-e", &format!("trace=?{call}"), "-e", expression]);
        command.arg(writer.get_program()).args(writer.get_args());
        command
    }

    fn was_injected(&self) -> io::Result<bool> {
        Ok(fs::read_to_string(&self.log)?.contains("(INJECTED)"))
    }
}
