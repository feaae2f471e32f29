//! `swarm journal`: looks at a journal, sound or damaged. Only a repair that is asked for changes anything.

mod cat;
mod export;
mod repair;
mod torture;
mod verify;

use std::fmt::Write;

use serde_json::{Value, json};
use swarm_domain::Event;
use swarm_journal::{Gap, Item, JournalError, RecordRef, Survey, survey};

use super::Context;
use super::args::{JournalVerb, OneRun};
use super::exit::Failure;
use crate::runs::RunFolder;

pub(super) use torture::write as torture_writer;

pub(super) fn journal(context: &Context, verb: &JournalVerb) -> Result<u8, Failure> {
    match verb {
        JournalVerb::Verify(args) => verify::verify(context, args),
        JournalVerb::Head(args) => verify::head(context, args),
        JournalVerb::Cat(args) => cat::cat(context, args),
        JournalVerb::Export(args) => export::export(context, args),
        JournalVerb::Repair(args) => repair::repair(context, args),
        JournalVerb::Torture(args) => torture::torture(context, args),
    }
}

/// The journal of a run, as far as it can be read.
struct Look {
    folder: RunFolder,
    survey: Survey,
    /// What ends the command, if the journal is damaged.
    damage: Option<Failure>,
    /// The same for programs; null if it is sound.
    damage_json: Value,
}

impl Look {
    /// Hands on what comes before the damage.
    fn at(context: &Context, args: &OneRun, each: &mut dyn FnMut(Item<'_>)) -> Result<Self, Failure> {
        let folder = context.find(args.run.as_deref())?;
        let mut survey = survey(&folder.journal(), each)?;
        let name = args.run.as_deref().or(context.run.as_deref()).unwrap_or(&folder.id);
        let damage_json = survey.refusal.as_ref().map_or(Value::Null, described);
        let damage = survey.refusal.take().map(|refusal| damaged(refusal, name));
        Ok(Self { folder, survey, damage, damage_json })
    }
}

/// A refusal says where the damage is and which records are good; here is what to do about it.
fn damaged(refusal: JournalError, name: &str) -> Failure {
    let corrupt = matches!(refusal, JournalError::Corrupt { .. });
    let failure = Failure::from(refusal);
    if !corrupt {
        return failure;
    }
    failure.hint(format!(
        "`swarm journal repair {name} --plan` says what can be saved; `swarm journal export {name}` writes out the \
         records before the damage"
    ))
}

/// Where the damage is, as fields, unless the refusal is of another kind.
fn described(refusal: &JournalError) -> Value {
    let mut described = json!({"message": refusal.to_string()});
    if let JournalError::Corrupt { file, offset, last_good_seq, proven_seq, detail } = refusal {
        described["file"] = json!(file);
        described["offset"] = json!(offset);
        described["last_good_seq"] = json!(last_good_seq);
        described["proven_seq"] = json!(proven_seq);
        described["detail"] = json!(detail);
    }
    described
}

/// The public name of a record's kind, if this version knows it.
fn name_of(record: &RecordRef<'_>) -> Option<&'static str> {
    Event::KINDS.iter().find(|(kind, _)| *kind == record.kind).map(|(_, name)| *name)
}

/// A hole, as fields.
fn gap(gap: &Gap) -> Value {
    json!({
        "from": gap.from_seq, "to": gap.to_seq, "segment": gap.segment, "offset": gap.offset, "bytes": gap.bytes,
        "blake3": hex(&gap.hash),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
