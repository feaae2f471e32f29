//! The fields of a JSON object, each as the text it came as: what is not looked at is sent on byte for byte. Knows no field's meaning.

use std::fmt;

use hyper::body::Bytes;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

/// An object. No name is in it twice: who reads such an object might take the other one.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Reads an object; none: it is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    /// The text of a field that is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name)?;
        Some(found.1.get()).filter(|text| *text != "null")
    }

    /// A field as a type, if it is there and of that type.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        serde_json::from_str(self.get(name)?).ok()
    }

    /// The object in a field; an empty one if there is none.
    pub(super) fn object(&self, name: &str) -> Self {
        self.read(name).unwrap_or_default()
    }

    /// Puts a field in, in the place of one of this name.
    pub(super) fn set(&mut self, name: &str, value: &impl Serialize) {
        let value =
            to_raw_value(value).expect("what is put in are numbers, words and objects that were read");
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(field) => field.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The object as text.
    pub(super) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("all of it was JSON before").into()
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if fields.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a name is there twice"));
            }
            fields.push((name, value));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::Fields;

    #[test]
    fn what_is_not_touched_stays_as_it_came() {
        let text = r#"{"z": {"b" : 1.50,"a":[ ]}, "n":null,"a":"ü\u00fc"}"#;
        let mut fields = Fields::parse(text.as_bytes()).expect("it is an object");
        assert_eq!(fields.get("z"), Some(r#"{"b" : 1.50,"a":[ ]}"#));
        assert_eq!((fields.get("n"), fields.get("y")), (None, None));
        assert_eq!(fields.read::<String>("a"), Some("üü".to_owned()));
        fields.set("n", &5);
        fields.set("y", &fields.object("z"));
        let after = r#"{"z":{"b" : 1.50,"a":[ ]},"n":5,"a":"ü\u00fc","y":{"b":1.50,"a":[ ]}}"#;
        assert_eq!(fields.to_bytes(), after);
    }

    #[test]
    fn what_is_no_object_or_can_be_read_in_two_ways_is_none() {
        for bad in ["", "[]", "1", "{", "{}x", r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#, "\u{feff}{}"] {
            assert!(Fields::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Fields::parse(b"\xff{}").is_none());
    }
}
