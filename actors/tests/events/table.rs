//! The table of stored events: for each its kind and schema, its value for people, and its bytes. Knows no event by itself.

use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// How many bytes stand on one line.
const BYTES_A_LINE: usize = 50;

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) kind: u16,
    pub(crate) schema: u8,
    pub(crate) name: String,
    /// What it is today, as `Debug` shows it.
    pub(crate) value: String,
    pub(crate) bytes: Vec<u8>,
}

impl fmt::Display for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} schema {}", self.kind, self.name, self.schema)?;
        writeln!(f, "{}", self.value)?;
        for line in self.bytes.chunks(BYTES_A_LINE) {
            writeln!(f, "{}", hex(line))?;
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("memory can be written");
        text
    })
}

impl Stored {
    fn parse(entry: &str) -> Option<Self> {
        let mut lines = entry.lines();
        let (kind, rest) = lines.next()?.split_once(' ')?;
        let (name, schema) = rest.split_once(" schema ")?;
        let value = lines.next()?.to_owned();
        let bytes = unhex(&lines.collect::<String>())?;
        Some(Self {
            kind: kind.parse().ok()?,
            schema: schema.parse().ok()?,
            name: name.to_owned(),
            value,
            bytes,
        })
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair.first()? * 16 + pair.get(1)?).ok()).collect()
}

/// The table, with what it says about itself at its beginning.
pub(crate) struct Table {
    preface: String,
    pub(crate) lines: Vec<Stored>,
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/events.txt")
}

impl Table {
    pub(crate) fn read() -> Self {
        let text = std::fs::read_to_string(path()).unwrap();
        let mut entries = text.split("\n\n");
        let preface = entries.next().unwrap().to_owned();
        let parse =
            |entry: &str| Stored::parse(entry).unwrap_or_else(|| panic!("this is no event:\n{entry}"));
        Self { preface, lines: entries.map(parse).collect() }
    }

    /// Puts lines behind those of their kind and schema. No line that is there is touched.
    pub(crate) fn add(mut self, new: Vec<Stored>) {
        self.lines.extend(new);
        self.lines.sort_by_key(|line| (line.kind, line.schema));
        let entries: Vec<String> = self.lines.iter().map(ToString::to_string).collect();
        std::fs::write(path(), format!("{}\n\n{}", self.preface, entries.join("\n"))).unwrap();
    }
}
