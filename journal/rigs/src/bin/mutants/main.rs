//! Mutation controls: changes the journal's source in one place at a time and expects its tests to fail. Does not
//! know what the changes mean; they are in the table.
//!
//! The tree is copied first, as it is, with what is not committed. Nothing outside the copy is changed.

mod copy;
mod suite;
mod table;

use std::{fs, path::Path, process::ExitCode};

use suite::Outcome;
use table::Mutant;

const TABLE: &str = include_str!("../../../mutants.table");

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match run(&wanted) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("mutants: {why}");
            ExitCode::from(2)
        }
    }
}

/// Whether every mutant was caught; only those wanted, if any are named.
fn run(wanted: &[String]) -> Result<bool, String> {
    let all = table::parse(TABLE)?;
    if let Some(unknown) = wanted.iter().find(|name| all.iter().all(|mutant| mutant.name != **name)) {
        return Err(format!("there is no mutant {unknown}"));
    }
    let chosen: Vec<_> = all.iter().filter(|m| wanted.is_empty() || wanted.contains(&m.name)).collect();
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    copy::working_tree(&root, folder.path())?;
    // All patterns are tried before any test is run: a stale one should not show after ten minutes.
    let misfits: Vec<_> = all.iter().filter_map(|mutant| mutant.apply(folder.path()).err()).collect();
    if !misfits.is_empty() {
        return Err(misfits.join("\nmutants: "));
    }
    match suite::run(folder.path())? {
        Outcome::Green => {}
        other => return Err(format!("the tests are not green without any change: {other}")),
    }
    let mut all_caught = true;
    for mutant in chosen {
        all_caught &= try_one(mutant, folder.path())?;
    }
    Ok(all_caught)
}

/// One row of the result. The source is as before when this returns.
fn try_one(mutant: &Mutant, root: &Path) -> Result<bool, String> {
    let changes = mutant.apply(root)?;
    let write = |file: &Path, text: &str| fs::write(file, text).map_err(|e| e.to_string());
    changes.iter().try_for_each(|change| write(&change.file, &change.after))?;
    let outcome = suite::run(root)?;
    changes.iter().try_for_each(|change| write(&change.file, &change.before))?;
    println!("{:<22} | {outcome}", mutant.name);
    match outcome {
        Outcome::Caught(_) => Ok(true),
        Outcome::Green => Ok(false),
        Outcome::NotBuilt(why) => Err(format!("{} does not build:\n{why}", mutant.name)),
    }
}
