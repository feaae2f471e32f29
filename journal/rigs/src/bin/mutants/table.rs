//! The table of mutants, and how one is applied: a piece of source that must be there exactly once is replaced.
//!
//! Spaces and line ends do not count, so that a formatter changes nothing. Does not know Rust.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One way to break the journal.
#[derive(Debug, Default)]
pub(crate) struct Mutant {
    pub(crate) name: String,
    edits: Vec<Edit>,
}

#[derive(Debug, Default)]
struct Edit {
    file: String,
    old: String,
    new: String,
}

/// One file before and after.
pub(crate) struct Change {
    pub(crate) file: PathBuf,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Lines: `== name: what it breaks`, `@ file`, `- old`, `+ new`; `#` begins a comment.
pub(crate) fn parse(table: &str) -> Result<Vec<Mutant>, String> {
    let mut mutants: Vec<Mutant> = Vec::new();
    for line in table.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (sign, rest) = line.split_once(' ').unwrap_or((line, ""));
        if sign == "==" {
            let name = rest.split(':').next().unwrap_or(rest).to_owned();
            mutants.push(Mutant { name, edits: Vec::new() });
            continue;
        }
        let mutant = mutants.last_mut().ok_or_else(|| format!("no mutant begins before {line:?}"))?;
        if sign == "@" {
            mutant.edits.push(Edit { file: rest.to_owned(), ..Edit::default() });
            continue;
        }
        let edit = mutant.edits.last_mut().ok_or_else(|| format!("no file is named before {line:?}"))?;
        match sign {
            "-" => edit.old.push_str(rest),
            "+" => edit.new.push_str(rest),
            _ => return Err(format!("not a line of the table: {line:?}")),
        }
    }
    Ok(mutants)
}

impl Mutant {
    /// What its edits make of the files below `root`. Writes nothing.
    pub(crate) fn apply(&self, root: &Path) -> Result<Vec<Change>, String> {
        let mut changes: Vec<Change> = Vec::new();
        for Edit { file, old, new } in &self.edits {
            let path = root.join(file);
            if changes.iter().all(|change| change.file != path) {
                let before = fs::read_to_string(&path).map_err(|e| format!("{}: {file}: {e}", self.name))?;
                changes.push(Change { file: path.clone(), after: before.clone(), before });
            }
            let change = changes.iter_mut().find(|change| change.file == path).expect("it was just added");
            change.after = replaced(&change.after, old, new).map_err(|why| {
                format!("{}: {file} contains {why}, and must exactly once: {old}", self.name)
            })?;
        }
        Ok(changes)
    }
}

fn replaced(text: &str, old: &str, new: &str) -> Result<String, &'static str> {
    match places(text, old)[..] {
        [(start, end)] => Ok([&text[..start], new, &text[end..]].concat()),
        [] => Err("this no more"),
        _ => Err("this more than once"),
    }
}

/// Where `old` is in `text`, from its first byte to behind its last, whatever the spaces between.
fn places(text: &str, old: &str) -> Vec<(usize, usize)> {
    let solid = |text: &str| -> Vec<(usize, u8)> {
        text.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()).collect()
    };
    let (text, old) = (solid(text), solid(old));
    let fits = |window: &&[(usize, u8)]| window.iter().zip(&old).all(|(a, b)| a.1 == b.1);
    let found = text.windows(old.len().max(1)).filter(fits);
    found.map(|window| (window[0].0, window[window.len() - 1].0 + 1)).collect()
}
