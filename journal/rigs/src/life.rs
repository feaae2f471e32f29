//! One life of a writer, or one run of the checker, as a child process. Does not know what is killed and why.

use std::{
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use crate::{
    say::{Said, acked},
    twist::Twist,
};

/// How a life ended.
pub(crate) struct End {
    pub(crate) status: ExitStatus,
    pub(crate) said: Vec<Said>,
    /// What it wrote to standard error.
    pub(crate) complaint: String,
}

/// A child that is running.
pub(crate) struct Life {
    child: Child,
    heard: Receiver<Said>,
    said: Vec<Said>,
    errors: thread::JoinHandle<io::Result<String>>,
}

impl Life {
    pub(crate) fn start(mut command: Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("it is a pipe")).lines();
        let errors = child.stderr.take().expect("it is a pipe");
        let (tell, heard) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| tell.send(Said::parse(&line))));
        Ok(Self { child, heard, said: Vec::new(), errors: thread::spawn(|| io::read_to_string(errors)) })
    }

    /// Waits until it has spoken so often, or has ended, or the time is over.
    pub(crate) fn listen(&mut self, words: usize, at_most: Duration) {
        let end = Instant::now() + at_most;
        while self.said.len() < words {
            match self.heard.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(said) => self.said.push(said),
                Err(_) => return,
            }
        }
    }

    /// `kill -9`, and what it had said by then.
    pub(crate) fn kill(mut self) -> io::Result<End> {
        self.child.kill()?;
        self.end()
    }

    /// Waits for its own end.
    pub(crate) fn end(mut self) -> io::Result<End> {
        self.said.extend(self.heard.iter());
        let complaint = self.errors.join().expect("the reader of a pipe does not panic")?;
        Ok(End { status: self.child.wait()?, said: self.said, complaint })
    }
}

/// The command of a writer that goes on until the journal holds so many records.
pub(crate) fn writer(journal: &Path, records: u64, twist: Option<Twist>) -> Command {
    let mut command = this_program();
    command.arg("write").arg(journal).arg(records.to_string());
    command.args(twist.map(Twist::name));
    command
}

/// The command of the checker. It gets a minute; a journal that hangs is as bad as one that is wrong.
pub(crate) fn checker(journal: &Path, acked: Option<u64>) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--signal=KILL", "60"]).arg(this_program().get_program());
    command.arg("check").arg(journal).args(acked.map(|acked| acked.to_string()));
    command
}

/// Checks a journal; what is wrong, or how many records it holds and whether it was torn.
pub(crate) fn check(journal: &Path, acked_before: Option<u64>) -> io::Result<Result<Checked, String>> {
    let end = Life::start(checker(journal, acked_before))?.end()?;
    Ok(verdict(end.status, &end.said, &end.complaint))
}

/// What a checker's end means.
pub(crate) fn verdict(status: ExitStatus, said: &[Said], complaint: &str) -> Result<Checked, String> {
    if !status.success() {
        return Err(format!("{} ({status})", complaint.trim_end()));
    }
    let torn = said.iter().any(|said| matches!(said, Said::Torn(_)));
    Ok(Checked { records: acked(said).expect("it says so before it succeeds"), torn })
}

/// What a sound journal turned out to be.
#[derive(Clone, Copy)]
pub(crate) struct Checked {
    pub(crate) records: u64,
    pub(crate) torn: bool,
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().expect("this program has a path"))
}
