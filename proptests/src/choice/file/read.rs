//! From TOML to a scenario. Stops at the first thing that is wrong.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use super::{Cause, FileError, ScenarioFile, VERSION};
use crate::choice::{Place, Site, Values};
use crate::sabotage::Sabotage;

/// The keys that are no sites.
const KEYS: [&str; 6] = ["version", "about", "law", "found", "seed", "sabotage"];
/// A name that differs in more letters is another name.
const LETTERS_MAX: usize = 3;
const LAWS: u64 = 18;

/// What is wrong, and the bytes in which it is.
struct Wrong(Range<usize>, Cause);

type Value<'a> = Spanned<DeValue<'a>>;

pub(super) fn read(text: &str) -> Result<ScenarioFile, FileError> {
    parse(text).map_err(|Wrong(span, cause)| {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        FileError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            cause,
        }
    })
}

fn parse(text: &str) -> Result<ScenarioFile, Wrong> {
    let table = DeTable::parse(text).map_err(|error| not_toml(text, &error))?;
    let table = table.get_ref();
    let version = table.get("version").ok_or(Wrong(0..0, Cause::NoVersion))?;
    match natural(version) {
        Some(version) if version == u64::from(VERSION) => {}
        Some(newer) if newer > u64::from(VERSION) => return Err(Wrong(version.span(), Cause::Newer(newer))),
        _ => return Err(unfit(version, "version", "1")),
    }
    let mut file = ScenarioFile::default();
    // The parser's tables are sorted by key; what is wrong first is told first.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        match (Site::named(key.get_ref()), value.get_ref()) {
            (Some(site), DeValue::Table(choices)) => read_site(&mut file, site, choices)?,
            (Some(site), _) => return Err(Wrong(key.span(), Cause::NoTable(site))),
            (None, DeValue::Table(inner)) => return Err(Wrong(key.span(), no_site(key.get_ref(), inner))),
            (None, _) => read_key(&mut file, key, value)?,
        }
    }
    Ok(file)
}

fn not_toml(text: &str, error: &Error) -> Wrong {
    let span = error.span().unwrap_or(0..0);
    if error.message() == "duplicate key" {
        let key = text.get(span.clone()).unwrap_or_default().trim_matches('"').to_owned();
        return Wrong(span, Cause::Twice(key));
    }
    Wrong(span, Cause::Syntax(error.message().to_owned()))
}

fn read_key(
    file: &mut ScenarioFile,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Value<'_>,
) -> Result<(), Wrong> {
    let known = KEYS.into_iter().find(|known| known == key.get_ref());
    let Some(known) = known else {
        let near = nearest(key.get_ref(), KEYS.into_iter());
        return Err(Wrong(key.span(), Cause::UnknownKey { key: key.get_ref().to_string(), near }));
    };
    let text = || value.get_ref().as_str().map(str::to_owned).ok_or(unfit(value, known, "a text in quotes"));
    match known {
        "about" => file.about = Some(text()?),
        "found" => file.found = Some(text()?),
        "law" => {
            let law = natural(value).filter(|law| (1..=LAWS).contains(law));
            let law = law.and_then(|law| u8::try_from(law).ok());
            file.law = Some(law.ok_or(unfit(value, known, "a number from 1 to 18"))?);
        }
        "seed" => {
            let seed = natural(value).ok_or(unfit(value, known, "a number that is not negative"))?;
            file.scenario.seed = Some(seed);
        }
        "sabotage" => {
            let wanted = "one of the planted faults; `swarm-proptests list faults` shows all";
            let planted = value.get_ref().as_str().and_then(Sabotage::named);
            file.sabotage = Some(planted.ok_or(unfit(value, known, wanted))?);
        }
        _ => {}
    }
    Ok(())
}

fn read_site(file: &mut ScenarioFile, site: Site, choices: &DeTable<'_>) -> Result<(), Wrong> {
    let mut entries: Vec<_> = choices.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let place = Place::from_key(site, key.get_ref());
        let of = place.as_ref().ok().map(|place| place.who.of());
        let place = place
            .ok()
            .filter(|_| of == Some(site.of()))
            .ok_or_else(|| Wrong(key.span(), Cause::WrongWho { site, key: key.get_ref().to_string(), of }))?;
        let number = read_value(site, value)
            .ok_or_else(|| Wrong(value.span(), Cause::WrongValue { site, value: shown(value.get_ref()) }))?;
        if file.scenario.named.insert(place, number).is_some() {
            let cause = Cause::Same { key: key.get_ref().to_string(), same: place.key() };
            return Err(Wrong(key.span(), cause));
        }
    }
    Ok(())
}

fn read_value(site: Site, value: &Value<'_>) -> Option<u32> {
    match site.values() {
        Values::Named(names) => {
            let word = value.get_ref().as_str()?;
            u32::try_from(names.iter().position(|name| *name == word)?).ok()
        }
        Values::Below(end) => u32::try_from(natural(value)?).ok().filter(|number| *number < end),
    }
}

fn natural(value: &Value<'_>) -> Option<u64> {
    let number = value.get_ref().as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn unfit(value: &Value<'_>, key: &'static str, wanted: &'static str) -> Wrong {
    Wrong(value.span(), Cause::Unfit { key, wanted })
}

/// A name without its quotes is read as a table in a table: then the rest of it is the key of the inner one.
fn no_site(name: &str, inner: &DeTable<'_>) -> Cause {
    let mut names = inner.iter().map(|(key, _)| format!("{name}.{}", key.get_ref()));
    if let Some(site) = names.find_map(|name| Site::named(&name)) {
        return Cause::Unquoted(site);
    }
    let near = nearest(name, Site::ALL.iter().map(|site| site.name()));
    Cause::UnknownSite { name: name.to_owned(), near }
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(letters, _)| *letters <= LETTERS_MAX)
        .min()
        .map(|(_, known)| known)
}
