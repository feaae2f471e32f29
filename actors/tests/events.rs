//! The bytes of every kind and schema of event that was ever written, and what they mean. Law 16: that never changes.
//!
//! `SWARM_BLESS=1` adds what the table has not yet, and changes nothing in it.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

#[path = "events/plans.rs"]
mod plans;
#[path = "events/reader.rs"]
mod reader;
#[path = "events/samples.rs"]
mod samples;
#[path = "events/table.rs"]
mod table;

use swarm_actors::codec::JournalCodec;
use swarm_domain::Event;

use reader::Shapes;
use samples::samples;
use table::{Stored, Table};

fn stored(event: &Event) -> Stored {
    Stored {
        kind: event.kind(),
        schema: event.schema(),
        name: event.name().to_owned(),
        value: format!("{event:?}"),
        bytes: event.encode(&JournalCodec).unwrap(),
    }
}

#[test]
fn what_is_written_today_is_in_the_table() {
    let table = Table::read();
    let new: Vec<Stored> =
        samples().iter().map(stored).filter(|sample| !table.lines.contains(sample)).collect();
    if std::env::var_os("SWARM_BLESS").is_some() {
        return table.add(new);
    }
    let new: Vec<String> = new.iter().map(ToString::to_string).collect();
    assert!(
        new.is_empty(),
        "not in the table; if nothing else fails, SWARM_BLESS=1 adds it:\n{}",
        new.join("\n")
    );
}

#[test]
fn what_was_ever_written_keeps_its_meaning() {
    for line in Table::read().lines {
        let event = Event::decode(&JournalCodec, line.kind, line.schema, &line.bytes)
            .unwrap_or_else(|error| panic!("{error}:\n{line}"));
        assert_eq!(format!("{event:?}"), line.value, "these bytes mean something else now:\n{line}");
        assert_eq!(event.name(), line.name, "the public name changed:\n{line}");
        assert!(line.schema <= event.schema(), "a schema was taken back:\n{line}");
        if line.schema == event.schema() {
            let bytes = event.encode(&JournalCodec).unwrap();
            assert!(bytes == line.bytes, "this is written as other bytes now: that is a new schema\n{line}");
        }
    }
}

#[test]
fn the_table_has_every_kind_in_every_schema() {
    let lines = Table::read().lines;
    for (kind, name) in Event::KINDS {
        let samples = samples();
        let sample = samples.iter().find(|event| event.kind() == *kind);
        let today = sample.unwrap_or_else(|| panic!("there is no sample of {name}")).schema();
        for schema in 1..=today {
            let found = lines.iter().any(|line| (line.kind, line.schema) == (*kind, schema));
            assert!(found, "the table has no {name} in schema {schema}");
        }
    }
}

/// So a variant, an optional field or a list that is new needs a sample, and by that a line of the table.
#[test]
fn the_samples_leave_out_no_variant_no_absence_and_no_list() {
    let shapes = Shapes::default();
    for event in samples() {
        let sample = stored(&event);
        let read = Event::decode(&shapes, sample.kind, sample.schema, &sample.bytes);
        assert_eq!(read.unwrap_or_else(|error| panic!("{error}:\n{sample}")), event);
    }
    assert_eq!(shapes.missing(), [""; 0]);
}
