//! The journal under test, through many crashes, and what is known to be durable in it. Does not know what the
//! crashes are.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    life::check,
    say::{Said, acked},
    tally::Tally,
};

pub(crate) struct Subject {
    pub(crate) journal: PathBuf,
    /// The last record that was acknowledged; none if not even the creation was.
    pub(crate) known: Option<u64>,
}

impl Subject {
    /// A journal that does not exist yet.
    pub(crate) fn new(journal: &Path) -> Self {
        Self { journal: journal.to_path_buf(), known: None }
    }

    /// Begins anew, so that reading does not come to take longer than writing, and creation is crashed too.
    pub(crate) fn reset(&mut self) -> io::Result<()> {
        self.known = None;
        if self.journal.exists() {
            fs::remove_dir_all(&self.journal)?;
            fs::File::open(self.journal.parent().expect("it lies in a folder"))?.sync_all()?;
        }
        Ok(())
    }

    /// A writer lived, and said this.
    pub(crate) fn lived(&mut self, said: &[Said], tally: &mut Tally) {
        tally.wrote(said);
        self.known = self.known.max(acked(said));
    }

    /// Counts what the crash left. What a violation leaves says nothing about the next crash, so it is removed.
    pub(crate) fn check(&mut self, made_by: &dyn fmt::Display, tally: &mut Tally) -> io::Result<()> {
        let checked = check(&self.journal, self.known)?;
        tally.case(made_by, &checked);
        if let Ok(checked) = checked {
            self.known = Some(checked.records);
            return Ok(());
        }
        keep(&self.journal)?;
        self.reset()
    }
}

/// Copies a journal with a violation into the folder that `RIGS_KEEP` names, if it does, for somebody to look at.
pub(crate) fn keep(journal: &Path) -> io::Result<()> {
    let Some(folder) = std::env::var_os("RIGS_KEEP") else { return Ok(()) };
    let kept = fs::read_dir(&folder).map_or(0, Iterator::count);
    copy(journal, &Path::new(&folder).join(kept.to_string()))
}

/// Copies the files of a folder into a new one.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        fs::copy(file.path(), to.join(file.file_name()))?;
    }
    Ok(())
}
