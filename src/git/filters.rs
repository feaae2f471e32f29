//! Filter drivers as they were when a run began. A driver is a command of the user's; one that came into the configuration since may be an agent's, and is not run.

use std::collections::BTreeMap;

use super::command::Git;
use super::error::GitError;
use super::repo::Repo;

/// What a driver consists of.
const PARTS: &[&str] = &["clean", "smudge", "process"];

/// Every setting of every filter driver, from all configuration that the user's git reads.
pub type Filters = BTreeMap<String, String>;

impl Repo {
    /// The filter drivers of this moment.
    pub fn filters(&self) -> Result<Filters, GitError> {
        drivers(Git::user(self.common_dir()))
    }

    /// The same repository, in which no other filters run than these.
    #[must_use]
    pub fn with_filters(mut self, filters: Filters) -> Repo {
        self.only = Some(filters);
        self
    }

    /// Sets what filters may be run by a command that reads or writes files. A driver that is not among those that were
    /// there when the run began does nothing; one that was changed is as it was.
    pub(super) fn guarded(&self, git: Git) -> Git {
        let Some(only) = &self.only else { return git };
        // What is included can depend on the folder that git is told to use, so it is asked as the command will be. A
        // configuration that cannot be read has no driver that could run: git itself ends at once.
        let now = drivers(git.beside()).unwrap_or_default();
        let mut wanted: BTreeMap<String, &str> = BTreeMap::new();
        for key in now.keys() {
            let Some((driver, part)) = key.rsplit_once('.') else { continue };
            let value = match only.get(key) {
                Some(value) => value.as_str(),
                None if PARTS.contains(&part) => "",
                None => "false",
            };
            wanted.insert(format!("{driver}.{part}"), value);
            let known = PARTS.iter().any(|part| only.contains_key(&format!("{driver}.{part}")));
            if !known {
                wanted.insert(format!("{driver}.required"), "false");
            }
        }
        wanted.into_iter().fold(git, |git, (key, value)| git.config(key, value))
    }
}

/// The filter drivers that a command would find.
fn drivers(git: Git) -> Result<Filters, GitError> {
    let out = git.args(["config", "-z", "--get-regexp", r"^filter\."]).run_any()?;
    if !matches!(out.code, Some(0 | 1)) {
        return Err(out.into_error());
    }
    let setting = |record: &[u8]| {
        let text = String::from_utf8_lossy(record).into_owned();
        let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
        (key.to_owned(), value.to_owned())
    };
    Ok(out.records().map(setting).collect())
}
