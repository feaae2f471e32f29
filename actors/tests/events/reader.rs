//! A second reader of payloads, written from the documentation of their encoding. It remembers which shapes it met.
//!
//! It knows no event: what it is asked for tells it which variants an enum has, and which fields may be empty.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::de::value::{Error, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::{Serialize, forward_to_deserialize_any};
use swarm_domain::event::Codec;

/// The shapes of all that was read: those that were there, and those that could have been.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    possible: RefCell<BTreeSet<String>>,
    met: RefCell<BTreeSet<String>>,
}

impl Shapes {
    /// Variants that nothing had, fields that were never empty or never anything else.
    pub(crate) fn missing(&self) -> Vec<String> {
        self.possible.borrow().difference(&self.met.borrow()).cloned().collect()
    }

    fn meet(&self, place: &str, possible: &[&str], met: &str) {
        let name = |shape: &&str| format!("{place} {shape}");
        self.possible.borrow_mut().extend(possible.iter().map(name));
        self.met.borrow_mut().insert(name(&met));
    }
}

impl Codec for Shapes {
    type Error = Error;

    fn encode<T: Serialize>(&self, _: &T) -> Result<Vec<u8>, Error> {
        Err(Error::custom("a reader does not write"))
    }

    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let mut reader = Reader { bytes, place: String::new(), shapes: self };
        let value = T::deserialize(&mut reader)?;
        if reader.bytes.is_empty() { Ok(value) } else { Err(Error::custom("bytes are left over")) }
    }
}

/// What is left to read, and where that is: the type and the field.
struct Reader<'a> {
    bytes: &'a [u8],
    place: String,
    shapes: &'a Shapes,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Error> {
        let (taken, left) = self.bytes.split_at_checked(count).ok_or_else(|| Error::custom("too short"))?;
        self.bytes = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn flag(&mut self) -> Result<bool, Error> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Error::custom(format!("{other} is neither no nor yes"))),
        }
    }

    /// A length is eight bytes.
    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(Error::custom)
    }

    fn list(&mut self) -> Result<usize, Error> {
        let length = self.length()?;
        self.shapes.meet(&self.place, &["has items"], if length > 0 { "has items" } else { "has none" });
        Ok(length)
    }

    fn items(&mut self, name: &str, fields: &'static [&'static str]) -> Items<'_, 'a> {
        let places = fields.iter().map(|field| format!("{name}.{field}")).collect();
        Items { reader: self, left: fields.len(), places }
    }
}

/// A few values one after another; of a struct, with the place of each.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: usize,
    places: Vec<String>,
}

impl<'de> SeqAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        if let Some(place) = self.places.len().checked_sub(self.left) {
            self.reader.place.clone_from(&self.places[place]);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.flag()?)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_i32(i32::from_le_bytes(self.array()?))
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u32(u32::from_le_bytes(self.array()?))
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u64(u64::from_le_bytes(self.array()?))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length()?;
        visitor.visit_str(std::str::from_utf8(self.take(length)?).map_err(Error::custom)?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let is_some = self.flag()?;
        self.shapes.meet(&self.place, &["is some", "is none"], if is_some { "is some" } else { "is none" });
        if is_some { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.list()?;
        visitor.visit_seq(Items { reader: self, left, places: vec![] })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Items { reader: self, left, places: vec![] })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.list()?;
        visitor.visit_map(Items { reader: self, left, places: vec![] })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self.items(name, fields))
    }

    /// The number of the variant is four bytes.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let index = u32::from_le_bytes(self.array()?);
        let variant = variants.get(index as usize).ok_or_else(|| Error::custom("no such variant"))?;
        self.shapes.meet(name, variants, variant);
        visitor.visit_enum(Variant { reader: self, index, name: format!("{name}::{variant}") })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom(format!("{}: no payload had such a type so far", self.place)))
    }

    forward_to_deserialize_any! {
        i8 i16 i64 i128 u8 u16 u128 f32 f64 char str bytes byte_buf unit unit_struct tuple_struct identifier
        ignored_any
    }
}

struct Variant<'r, 'a> {
    reader: &'r mut Reader<'a>,
    index: u32,
    name: String,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let index: U32Deserializer<Error> = self.index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        self.reader.place = self.name;
        seed.deserialize(self.reader)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::custom(format!("{}: no payload had such a variant so far", self.name)))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(self.reader.items(&self.name, fields))
    }
}
