//! `swarm journal repair`: what can be saved of a damaged journal, and a sound one made of it. The damaged one is kept.

use serde_json::{Value, json};
use swarm_journal::{Salvage, plan_repair};

use super::super::args::RepairArgs;
use super::super::exit::{Failure, JOURNAL, OK};
use super::super::{Context, out};
use super::gap;
use crate::runs::{self, RunFolder};

pub(super) fn repair(context: &Context, args: &RepairArgs) -> Result<u8, Failure> {
    let folder = context.find(args.run.as_deref())?;
    // As it was typed: a copy elsewhere is not the run of the same name here.
    let name = args.run.as_deref().or(context.run.as_deref()).unwrap_or(&folder.id);
    let (salvage, original) = if args.apply {
        match swarm_journal::repair(&folder.journal())? {
            Some(done) => (Some(done.salvage), Some(done.original)),
            None => (None, None),
        }
    } else {
        (plan_repair(&folder.journal())?, None)
    };
    if context.json {
        out::line(document(&folder, salvage.as_ref(), original.as_deref()));
        return Ok(OK);
    }
    let Some(salvage) = salvage else {
        out::line(format!("the journal of run {} is sound; there is nothing to repair", folder.id));
        return Ok(OK);
    };
    tell(&salvage);
    if salvage.run != runs::journal_id(&folder.id) {
        eprintln!("note: these are the records of another run than the name of the folder says");
    }
    match original {
        None => {
            eprintln!("  next: swarm journal repair {name} --apply   (the damaged journal is kept)");
        }
        Some(original) => {
            eprintln!("repaired; the damaged journal is kept in {}", original.display());
            return next(&folder, name);
        }
    }
    Ok(OK)
}

fn tell(salvage: &Salvage) {
    let (whole, lost) = (counted(salvage.records()), counted(salvage.lost()));
    out::line(format!("{whole} can be kept: {}", ranges(&salvage.kept)));
    let gaps: Vec<(u64, u64)> = salvage.gaps.iter().map(|gap| (gap.from_seq, gap.to_seq)).collect();
    if gaps.is_empty() {
        out::line("no record is lost; what is damaged is between them");
    } else {
        out::line(format!("{lost} lost for good: {}", ranges(&gaps)));
    }
    for gap in salvage.gaps.iter().filter(|gap| gap.bytes > 0) {
        let (segment, offset, bytes) = (gap.segment, gap.offset, gap.bytes);
        out::line(format!("  segment {segment}: {bytes} bytes from byte {offset} on are no records"));
    }
}

fn counted(records: u64) -> String {
    if records == 1 { "1 record".to_owned() } else { format!("{records} records") }
}

fn ranges(ranges: &[(u64, u64)]) -> String {
    let range =
        |(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from} to {to}") };
    if ranges.is_empty() {
        "none".to_owned()
    } else {
        ranges.iter().map(range).collect::<Vec<_>>().join(", ")
    }
}

/// A run without its plan cannot go on; with it, what was lost is asked of the world again.
fn next(folder: &RunFolder, run: &str) -> Result<u8, Failure> {
    match runs::read_state(&folder.journal()) {
        Err(error) => {
            return Err(Failure::new(JOURNAL, format!("the run itself cannot go on: {error}")).hint(
                format!("`swarm journal export {run}` writes out what is left; what landed is in git"),
            ));
        }
        Ok(state) if state.parts().is_some_and(|parts| parts.run.finished.is_some()) => {
            eprintln!("  next: swarm replay {run} --verify");
        }
        Ok(_) => {
            eprintln!("what was spent in the lost records is not known: look at `swarm status {run}` first");
            eprintln!("  next: swarm resume {run}");
        }
    }
    Ok(OK)
}

fn document(folder: &RunFolder, salvage: Option<&Salvage>, original: Option<&std::path::Path>) -> Value {
    json!({
        "schema": "swarm.repair/1",
        "run": folder.id,
        "damaged": salvage.is_some(),
        "kept": salvage.map(|salvage| &salvage.kept),
        "gaps": salvage.map(|salvage| salvage.gaps.iter().map(gap).collect::<Vec<_>>()),
        "records": salvage.map(Salvage::records),
        "lost": salvage.map(Salvage::lost),
        "original": original,
    })
}
