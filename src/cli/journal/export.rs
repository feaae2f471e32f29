//! `swarm journal export`: every record as a line of JSON, its bytes as they are and its event as the public stream has it.

use std::collections::VecDeque;
use std::fmt::Write;

use serde_json::{Value, json};
use swarm_actors::{Recorded, event_of};
use swarm_domain::Event;
use swarm_journal::Record;

use super::super::exit::{Failure, OK};
use super::super::out;
use super::{Look, name_of};
use crate::report::{EventStream, rfc3339};

pub(super) fn export(look: Look) -> Result<u8, Failure> {
    let mut lines = Lines::new(&run_of(&look.survey.records).unwrap_or(look.folder.id));
    for record in &look.survey.records {
        lines.push(record).into_iter().for_each(out::line);
    }
    lines.rest().into_iter().for_each(out::line);
    look.damage.map_or(Ok(OK), Err)
}

/// The id of the run as it was planned: a folder that was copied may have another name.
fn run_of(records: &[Record]) -> Option<String> {
    match event_of(records.first()?).ok()? {
        Event::RunPlanned(planned) => Some(planned.run),
        _ => None,
    }
}

/// Lines that come in the order of the records, although the stream tells of some records later than others.
struct Lines<'a> {
    stream: EventStream,
    /// Records without an event yet: the plan, whose line names all tasks.
    waiting: VecDeque<&'a Record>,
}

impl<'a> Lines<'a> {
    fn new(run: &str) -> Self {
        Self { stream: EventStream::new(run), waiting: VecDeque::new() }
    }

    /// Takes the next record; the lines that can be written now.
    fn push(&mut self, record: &'a Record) -> Vec<Value> {
        self.waiting.push_back(record);
        // What this version cannot decode has bytes all the same.
        let Ok(event) = event_of(record) else { return Vec::new() };
        let events = self.stream.push(&Recorded { seq: record.seq, time_ms: record.time_ms, event });
        events.into_iter().flat_map(|event| self.upto(event)).collect()
    }

    /// The record of an event, after those that have none.
    fn upto(&mut self, event: Value) -> Vec<Value> {
        let seq = event["seq"].as_u64();
        let mut lines = Vec::new();
        while let Some(record) = self.waiting.pop_front() {
            if Some(record.seq) == seq {
                lines.push(line(record, event));
                break;
            }
            lines.push(line(record, Value::Null));
        }
        lines
    }

    /// Records at the end that never got an event.
    fn rest(&mut self) -> Vec<Value> {
        self.waiting.drain(..).map(|record| line(record, Value::Null)).collect()
    }
}

fn line(record: &Record, event: Value) -> Value {
    let mut line = json!({
        "schema": "swarm.record/1",
        "seq": record.seq,
        "epoch": record.epoch,
        "time": rfc3339(record.time_ms),
        "kind": record.kind,
        "name": name_of(record),
        "schema_version": record.schema,
        "end_of_batch": record.last_of_batch,
        "payload": hex(&record.payload),
    });
    line["event"] = event;
    line
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests {
    use super::*;
    use swarm_actors::codec::entry_of;
    use swarm_domain::event::{DeadlineReached, Noted};

    fn record(seq: u64, event: &Event) -> Record {
        let entry = entry_of(event, 1_000 + seq).unwrap();
        Record {
            seq,
            epoch: 1,
            kind: entry.kind,
            schema: entry.schema,
            time_ms: entry.time_ms,
            payload: entry.payload,
            last_of_batch: true,
            segment: 1,
            offset: 4096,
        }
    }

    #[test]
    fn a_record_of_a_later_version_has_its_bytes_and_no_event() {
        let known = record(1, &DeadlineReached {}.into());
        let unknown = Record { kind: 999, payload: vec![0, 171], ..record(2, &DeadlineReached {}.into()) };
        let broken =
            Record { payload: vec![1], ..record(3, &Noted { task: None, text: "x".to_owned() }.into()) };
        let records = [
            known,
            unknown,
            broken.clone(),
            record(4, &DeadlineReached {}.into()),
            Record { seq: 5, ..broken },
        ];
        let mut lines = Lines::new("run");
        let mut all: Vec<Value> = records.iter().flat_map(|record| lines.push(record)).collect();
        assert_eq!(all.len(), 4, "the last one waits");
        all.extend(lines.rest());
        let seqs: Vec<_> = all.iter().map(|line| line["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, [1, 2, 3, 4, 5]);
        assert_eq!(all[0]["event"]["type"], "run.deadline");
        assert_eq!((&all[1]["event"], &all[1]["name"]), (&Value::Null, &Value::Null));
        assert_eq!(all[1]["payload"], "00ab");
        assert_eq!((&all[2]["event"], &all[2]["name"]), (&Value::Null, &Value::from("run.noted")));
        assert_eq!(all[3]["event"]["seq"], 4);
    }
}
