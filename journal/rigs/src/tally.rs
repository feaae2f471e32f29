//! What a rig counts, and the one line that it prints. Does not know what the cases are.

use std::{fmt, process::ExitCode};

use crate::{
    life::Checked,
    say::{Said, acked},
};

/// The counts of one rig.
pub(crate) struct Tally {
    name: String,
    cases: u64,
    /// Cases in which an unfinished write was found, and rightly ignored.
    torn: u64,
    /// Records that were acknowledged while the rig ran.
    acked: u64,
    violations: u64,
}

impl Tally {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), cases: 0, torn: 0, acked: 0, violations: 0 }
    }

    /// One life of a writer: the records it was told are durable, beyond those it found.
    pub(crate) fn wrote(&mut self, said: &[Said]) {
        let found = said.iter().find_map(|said| if let Said::Acked(n) = said { Some(*n) } else { None });
        self.acked += acked(said).unwrap_or(0) - found.unwrap_or(0);
        if said.contains(&Said::Lied) {
            self.violation(&"a life", "after a failure something was called durable");
        }
    }

    /// One crash state, and what the checker found in it. A violation is told at once, with what made it.
    pub(crate) fn case(&mut self, made_by: &dyn fmt::Display, checked: &Result<Checked, String>) {
        self.cases += 1;
        match checked {
            Ok(checked) => self.torn += u64::from(checked.torn),
            Err(why) => self.violation(made_by, why),
        }
    }

    pub(crate) fn violation(&mut self, made_by: &dyn fmt::Display, why: &str) {
        self.violations += 1;
        eprintln!("  {}, {made_by}: {why}", self.name);
    }

    /// Prints the line. A control succeeds if there were violations.
    pub(crate) fn close(self, control: bool) -> ExitCode {
        let good = (self.violations > 0) == control;
        let verdict = match (control, good) {
            (false, _) => "",
            (true, true) => ": caught",
            (true, false) => ": NOT CAUGHT",
        };
        println!("{self}{verdict}");
        ExitCode::from(u8::from(!good))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, cases, torn, acked, violations } = self;
        write!(
            f,
            "{name}: {cases} cases ({torn} torn), {acked} acknowledged records, {violations} violations"
        )
    }
}
