//! `swarm journal cat`: where each record is, for people who look into the files. What a record says is told by `replay`.

use serde_json::{Value, json};
use swarm_journal::Record;

use super::super::exit::{Failure, OK};
use super::super::{Context, out};
use super::{Look, name_of};
use crate::report::rfc3339;

pub(super) fn cat(context: &Context, look: Look) -> Result<u8, Failure> {
    if context.json {
        // One document: the damage is in it and not behind it.
        out::line(json!({
            "schema": "swarm.records/1",
            "run": look.folder.id,
            "records": look.survey.records.iter().map(value).collect::<Vec<_>>(),
            "damage": look.damage_json,
        }));
        return Ok(look.damage.map_or(OK, |failure| failure.code));
    }
    for record in &look.survey.records {
        out::line(line(record));
    }
    if let Some(torn) = &look.survey.note {
        eprintln!("note: {torn}");
    }
    look.damage.map_or(Ok(OK), Err)
}

fn line(record: &Record) -> String {
    let name = name_of(record).map_or_else(|| format!("kind {}", record.kind), str::to_owned);
    format!(
        "{:>6}  {}  {name:<20} {:>7} bytes  epoch {}  segment {}  byte {:<8} {}",
        record.seq,
        rfc3339(record.time_ms),
        record.payload.len(),
        record.epoch,
        record.segment,
        record.offset,
        flags(record)
    )
    .trim_end()
    .to_owned()
}

/// The only flag there is.
fn flags(record: &Record) -> &'static str {
    if record.last_of_batch { "end-of-batch" } else { "" }
}

fn value(record: &Record) -> Value {
    json!({
        "segment": record.segment,
        "offset": record.offset,
        "seq": record.seq,
        "epoch": record.epoch,
        "time": rfc3339(record.time_ms),
        "kind": record.kind,
        "name": name_of(record),
        "length": record.payload.len(),
        "end_of_batch": record.last_of_batch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_is_not_known_is_shown_by_its_number() {
        let record = Record {
            seq: 7,
            epoch: 2,
            kind: 60_000,
            schema: 1,
            time_ms: 0,
            payload: vec![0; 12],
            last_of_batch: false,
            segment: 3,
            offset: 4096,
        };
        assert_eq!(
            line(&record),
            "     7  1970-01-01T00:00:00.000Z  kind 60000                12 bytes  epoch 2  segment 3  byte 4096"
        );
        assert_eq!(value(&record)["name"], Value::Null);
        let named = Record { kind: 1, last_of_batch: true, ..record };
        assert!(line(&named).contains("  run.planned  ") && line(&named).ends_with(" end-of-batch"));
    }
}
