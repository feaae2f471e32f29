//! `swarm journal cat`: where each record is, for people who look into the files. What a record says is told by `replay`.

use serde_json::{Value, json};
use swarm_journal::{Item, RecordRef};

use super::super::args::OneRun;
use super::super::exit::{Failure, OK};
use super::super::{Context, out};
use super::{Look, gap, name_of};
use crate::report::rfc3339;

pub(super) fn cat(context: &Context, args: &OneRun) -> Result<u8, Failure> {
    if context.json {
        // One document: the damage is in it and not behind it.
        let mut records = Vec::new();
        let look = Look::at(context, args, &mut |item| records.push(value(&item)))?;
        out::line(json!({
            "schema": "swarm.records/1",
            "run": look.folder.id,
            "records": records,
            "damage": look.damage_json,
        }));
        return Ok(look.damage.map_or(OK, |failure| failure.code));
    }
    let look = Look::at(context, args, &mut |item| out::line(line(&item)))?;
    if let Some(torn) = &look.survey.note {
        eprintln!("note: {torn}");
    }
    look.damage.map_or(Ok(OK), Err)
}

fn line(item: &Item<'_>) -> String {
    let record = match item {
        Item::Record(record) => record,
        Item::Gap(gap) => return format!("{:>6}  lost, and all from {} on", gap.to_seq, gap.from_seq),
    };
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
fn flags(record: &RecordRef<'_>) -> &'static str {
    if record.last_of_batch { "end-of-batch" } else { "" }
}

fn value(item: &Item<'_>) -> Value {
    let record = match item {
        Item::Record(record) => record,
        Item::Gap(lost) => return json!({"lost": gap(lost)}),
    };
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
        let record = RecordRef {
            seq: 7,
            epoch: 2,
            kind: 60_000,
            schema: 1,
            time_ms: 0,
            payload: &[0; 12],
            last_of_batch: false,
            segment: 3,
            offset: 4096,
        };
        assert_eq!(
            line(&Item::Record(record)),
            "     7  1970-01-01T00:00:00.000Z  kind 60000                12 bytes  epoch 2  segment 3  byte 4096"
        );
        assert_eq!(value(&Item::Record(record))["name"], Value::Null);
        let named = line(&Item::Record(RecordRef { kind: 1, last_of_batch: true, ..record }));
        assert!(named.contains("  run.planned  ") && named.ends_with(" end-of-batch"));
        let gap = swarm_journal::Gap {
            from_seq: 8,
            to_seq: 9,
            segment: 3,
            offset: 5000,
            bytes: 200,
            hash: [1; 32],
        };
        assert_eq!(line(&Item::Gap(gap)), "     9  lost, and all from 8 on");
        assert_eq!(value(&Item::Gap(gap))["lost"]["from"], 8);
    }
}
