//! `swarm journal export`: every record as a line of JSON, its bytes as they are and its event as the public stream has it.

use std::collections::VecDeque;

use serde_json::{Value, json};
use swarm_actors::{Recorded, event_of};
use swarm_domain::Event;
use swarm_journal::{Item, Record};

use super::super::args::OneRun;
use super::super::exit::{Failure, OK};
use super::super::{Context, out};
use super::{Look, gap, hex, name_of};
use crate::report::{EventStream, rfc3339};

pub(super) fn export(context: &Context, args: &OneRun) -> Result<u8, Failure> {
    let mut lines = Lines::default();
    let look = Look::at(context, args, &mut |item| lines.push(&item).into_iter().for_each(out::line))?;
    lines.rest().into_iter().for_each(out::line);
    look.damage.map_or(Ok(OK), Err)
}

/// Lines that come in the order of the records, although the stream tells of some records later than others.
#[derive(Default)]
struct Lines {
    /// None before the first record, which names the run: a folder that was copied may have another name.
    stream: Option<EventStream>,
    /// Records without an event yet: the plan, whose line names all tasks.
    waiting: VecDeque<Record>,
}

impl Lines {
    /// Takes what comes next; the lines that can be written now.
    fn push(&mut self, item: &Item<'_>) -> Vec<Value> {
        let record = match item {
            Item::Record(record) => record,
            Item::Gap(lost) => {
                let mut lines = self.rest();
                lines.push(json!({"schema": "swarm.record/1", "lost": gap(lost)}));
                return lines;
            }
        };
        self.waiting.push_back(record.to_record());
        // What this version cannot decode has bytes all the same.
        let Ok(event) = event_of(record) else { return Vec::new() };
        let run = match &event {
            Event::RunPlanned(planned) => planned.run.as_str(),
            _ => "",
        };
        let stream = self.stream.get_or_insert_with(|| EventStream::new(run));
        let events = stream.push(&Recorded { seq: record.seq, time_ms: record.time_ms, event });
        events.into_iter().flat_map(|event| self.upto(event)).collect()
    }

    /// The record of an event, after those that have none.
    fn upto(&mut self, event: Value) -> Vec<Value> {
        let seq = event["seq"].as_u64();
        let mut lines = Vec::new();
        while let Some(record) = self.waiting.pop_front() {
            if Some(record.seq) == seq {
                lines.push(line(&record, event));
                break;
            }
            lines.push(line(&record, Value::Null));
        }
        lines
    }

    /// Records at the end that never got an event.
    fn rest(&mut self) -> Vec<Value> {
        self.waiting.drain(..).map(|record| line(&record, Value::Null)).collect()
    }
}

fn line(record: &Record, event: Value) -> Value {
    let mut line = json!({
        "schema": "swarm.record/1",
        "seq": record.seq,
        "epoch": record.epoch,
        "time": rfc3339(record.time_ms),
        "kind": record.kind,
        "name": name_of(&record.as_ref()),
        "schema_version": record.schema,
        "end_of_batch": record.last_of_batch,
        "payload": hex(&record.payload),
    });
    line["event"] = event;
    line
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
        let mut lines = Lines::default();
        let mut all: Vec<Value> =
            records.iter().flat_map(|record| lines.push(&Item::Record(record.as_ref()))).collect();
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
