//! `swarm journal verify` and `head`: whether a journal is what it was, and what to write down to be sure of it later.

use serde_json::{Value, json};
use swarm_journal::{Survey, TornNote};

use super::super::args::OneRun;
use super::super::exit::{Failure, JOURNAL, OK};
use super::super::proof::{self, Proof};
use super::super::{Context, out};
use super::Look;
use crate::runs::History;

/// Reading is checking: what is left is to compare with the commits, and to say what was found.
pub(super) fn verify(context: &Context, args: &OneRun) -> Result<u8, Failure> {
    let mut history = History::default();
    let mut taken = Ok(());
    let look = Look::at(context, args, &mut |item| {
        if taken.is_ok() {
            taken = history.take(&item);
        }
    })?;
    let proof = if look.damage.is_none() {
        taken?;
        proof::check(context, &look.folder, &history)?
    } else {
        // Records that are damaged prove nothing more, whatever the commits say.
        Proof::default()
    };
    let lost = history.state.parts().map_or(0, |parts| parts.run.lost);
    if context.json {
        out::line(document(&look, &proof, lost));
        let agreement = if proof.faults.is_empty() { OK } else { JOURNAL };
        return Ok(look.damage.map_or(agreement, |failure| failure.code));
    }
    if look.survey.live {
        eprintln!("note: the run is live; what was durable when it was read is checked");
    }
    tell(&look, &proof, lost);
    if let Some(damage) = look.damage {
        return Err(damage);
    }
    if proof.faults.is_empty() {
        return Ok(OK);
    }
    Err(Failure::new(JOURNAL, proof.faults.join("\n       ")).hint(
        "keep a copy of the run's folder before anything else; `git reflog` shows where the target was before",
    ))
}

fn tell(Look { survey, damage, .. }: &Look, proof: &Proof, lost: u64) {
    // Records are numbered from 1, lost ones too: the last one's number is how many there are or were.
    let records = counted(survey.anchor.seq.saturating_sub(lost), "record");
    let segments = counted(survey.stretches.len(), "segment");
    out::line(format!(
        "{records} in {segments} of {}, {} bytes{}",
        counted(epochs(survey), "epoch"),
        bytes(survey),
        if damage.is_some() { ", and then damage" } else { "" }
    ));
    match survey.head {
        Some(seq) => out::line(format!("HEAD calls everything up to record {seq} durable")),
        None => out::line("there is no valid HEAD"),
    }
    if let Some(torn) = &survey.note {
        out::line(format!("torn tail, as after a crash: {torn}"));
    }
    if lost > 0 {
        let are = if lost == 1 { "record is" } else { "records are" };
        out::line(format!("{lost} {are} lost; a repair left a hole in their place"));
    }
    if proof.incomparable > 0 {
        out::line(format!("{} from behind it cannot be compared", counted(proof.incomparable, "anchor")));
    }
    if damage.is_none() {
        out::line(format!("anchor {}:{}", survey.anchor.seq, survey.anchor.hash_hex()));
    }
    if let Some(commits) = proof.commits {
        out::line(proof::commits_line(commits));
    }
}

fn document(look: &Look, proof: &Proof, lost: u64) -> Value {
    let Look { folder, survey, damage, damage_json } = look;
    // As in `head`: no anchor of what is left.
    let anchor = || json!({"seq": survey.anchor.seq, "hash": survey.anchor.hash_hex()});
    let stretches = survey.stretches.iter().map(|stretch| {
        json!({
            "segment": stretch.segment, "epoch": stretch.epoch, "records": stretch.records,
            "bytes": stretch.bytes, "sealed": stretch.sealed,
        })
    });
    json!({
        "schema": "swarm.journal/1",
        "run": folder.id,
        "live": survey.live,
        "records": survey.anchor.seq.saturating_sub(lost),
        "segments": stretches.collect::<Vec<_>>(),
        "epochs": epochs(survey),
        "bytes": bytes(survey),
        "head_seq": survey.head,
        "lost": lost,
        "incomparable": proof.incomparable,
        "torn": survey.note.as_ref().map(torn),
        "anchor": damage.is_none().then(anchor),
        "commits": proof.commits,
        "faults": proof.faults,
        "damage": damage_json,
    })
}

fn torn(note: &TornNote) -> Value {
    json!({"file": note.file, "offset": note.offset, "bytes": note.bytes})
}

/// Segments of one epoch follow each other.
fn epochs(survey: &Survey) -> usize {
    survey.stretches.chunk_by(|a, b| a.epoch == b.epoch).count()
}

fn bytes(survey: &Survey) -> u64 {
    survey.stretches.iter().map(|stretch| stretch.bytes).sum()
}

fn counted(n: impl std::fmt::Display, noun: &str) -> String {
    let n = n.to_string();
    let plural = if n == "1" { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// Prints the last anchor. Of a damaged journal there is none: what is lost would be signed away.
pub(super) fn head(context: &Context, args: &OneRun) -> Result<u8, Failure> {
    let look = Look::at(context, args, &mut |_| {})?;
    if let Some(damage) = look.damage {
        return Err(damage);
    }
    let (seq, hash) = (look.survey.anchor.seq, look.survey.anchor.hash_hex());
    if context.json {
        out::line(json!({"schema": "swarm.anchor/1", "run": look.folder.id, "seq": seq, "hash": hash}));
    } else {
        out::line(format!("{seq}:{hash}"));
    }
    Ok(OK)
}
