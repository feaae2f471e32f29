//! `swarm journal`: looks at a journal, sound or damaged. Changes nothing.

mod cat;
mod export;
mod verify;

use serde_json::{Value, json};
use swarm_domain::Event;
use swarm_journal::{JournalError, Record, Survey, survey};

use super::Context;
use super::args::{JournalVerb, OneRun};
use super::exit::Failure;
use crate::runs::RunFolder;

pub(super) fn journal(context: &Context, verb: &JournalVerb) -> Result<u8, Failure> {
    match verb {
        JournalVerb::Verify(args) => verify::verify(context, Look::at(context, args)?),
        JournalVerb::Head(args) => verify::head(context, Look::at(context, args)?),
        JournalVerb::Cat(args) => cat::cat(context, Look::at(context, args)?),
        JournalVerb::Export(args) => export::export(Look::at(context, args)?),
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
    fn at(context: &Context, args: &OneRun) -> Result<Self, Failure> {
        let folder = context.find(args.run.as_deref())?;
        let mut survey = survey(&folder.journal())?;
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
        "keep a copy of the run's folder before anything else; `swarm journal export {name}` writes out the records \
         before the damage"
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
fn name_of(record: &Record) -> Option<&'static str> {
    Event::KINDS.iter().find(|(kind, _)| *kind == record.kind).map(|(_, name)| *name)
}
