//! How bytes become an event: by kind and schema, an older schema by way of each later one. Knows no event and no encoding.
//!
//! Law 16: what was ever written keeps its meaning. A payload that has to change gets a new type; the old type stays,
//! with a `From` that says what it means today. A `From` cannot fail and sees nothing but the payload.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// How payloads become bytes and back. The core knows no encoding.
pub trait Codec {
    /// Why bytes are not a payload.
    type Error;
    /// The bytes of a payload.
    fn encode<T: Serialize>(&self, payload: &T) -> Result<Vec<u8>, Self::Error>;
    /// A payload from its bytes, all of them.
    fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Self::Error>;
}

/// Why a record is not an event of this version.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError<E> {
    /// A kind or schema that this version does not know.
    #[error(
        "event kind {kind} schema {schema} is unknown to this version; use the swarm that wrote it, or a newer one"
    )]
    Unknown {
        /// The kind that was found.
        kind: u16,
        /// Its schema.
        schema: u8,
    },
    /// The payload does not decode. Its checksum is good, so most likely it has a value that later versions know.
    #[error(
        "the payload of event kind {kind} schema {schema} does not decode: {error}; use the swarm that wrote it, or a newer one"
    )]
    Payload {
        /// The kind that was found.
        kind: u16,
        /// Its schema.
        schema: u8,
        /// What the codec said.
        error: E,
    },
}

/// A payload as it is in one schema. It knows the payload of the schema before, and no later one.
pub(super) trait Payload: DeserializeOwned {
    /// The number on disk.
    const SCHEMA: u8 = 1;

    /// The meaning of bytes of any schema up to this one; none: there is no such schema.
    fn read<C: Codec>(codec: &C, schema: u8, bytes: &[u8]) -> Option<Result<Self, C::Error>> {
        if schema == Self::SCHEMA {
            return Some(codec.decode(bytes));
        }
        Self::read_older(codec, schema, bytes)
    }

    /// The meaning of bytes of an earlier schema. The first has none before it.
    fn read_older<C: Codec>(_: &C, _: u8, _: &[u8]) -> Option<Result<Self, C::Error>> {
        None
    }
}

/// The payloads of events: plain structs that can be stored.
macro_rules! payloads {
    ($( $(#[$doc:meta])* $Name:ident { $( $(#[$field_doc:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $Name { $( $(#[$field_doc])* pub $field: $ty ),* }
    )* };
}
pub(super) use payloads;

/// The payloads of one kind, newest first: `AgentExited from AgentExitedV2 from AgentExitedV1` is in schema 3.
macro_rules! history {
    ($First:ident) => {
        impl Payload for $First {}
    };
    ($Name:ident from $Before:ident $($older:tt)*) => {
        impl Payload for $Name {
            const SCHEMA: u8 = $Before::SCHEMA + 1;

            fn read_older<C: Codec>(codec: &C, schema: u8, bytes: &[u8]) -> Option<Result<Self, C::Error>> {
                $Before::read(codec, schema, bytes).map(|read| read.map(Self::from))
            }
        }
        history!($Before $($older)*);
    };
}
pub(super) use history;

/// The table of kinds: the number on disk, the public name, the payload with its older ones.
macro_rules! events {
    (
        $(#[$meta:meta])* $vis:vis enum $Event:ident;
        $( $kind:literal $name:literal $Name:ident $(from $Older:ident)* $doc:literal; )*
    ) => {
        $(
            history!($Name $(from $Older)*);

            impl From<$Name> for $Event {
                fn from(event: $Name) -> Self {
                    Self::$Name(event)
                }
            }
        )*

        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        $vis enum $Event { $( #[doc = $doc] $Name($Name) ),* }

        impl $Event {
            /// Every kind with its public name, in numeric order.
            $vis const KINDS: &'static [(u16, &'static str)] = &[$( ($kind, $name) ),*];

            /// The number that stands for the kind on disk.
            $vis const fn kind(&self) -> u16 {
                match self { $( Self::$Name(_) => $kind ),* }
            }

            /// The public name of the kind.
            $vis const fn name(&self) -> &'static str {
                match self { $( Self::$Name(_) => $name ),* }
            }

            /// The version of the payload that this build writes.
            $vis const fn schema(&self) -> u8 {
                match self { $( Self::$Name(_) => $Name::SCHEMA ),* }
            }

            /// The payload's bytes.
            $vis fn encode<C: Codec>(&self, codec: &C) -> Result<Vec<u8>, C::Error> {
                match self { $( Self::$Name(event) => codec.encode(event) ),* }
            }

            /// The event of a stored record, in the words of today.
            $vis fn decode<C: Codec>(
                codec: &C,
                kind: u16,
                schema: u8,
                bytes: &[u8],
            ) -> Result<Self, DecodeError<C::Error>> {
                let read = match kind {
                    $( $kind => $Name::read(codec, schema, bytes).map(|read| read.map(Self::$Name)), )*
                    _ => None,
                };
                let read = read.ok_or(DecodeError::Unknown { kind, schema })?;
                read.map_err(|error| DecodeError::Payload { kind, schema, error })
            }
        }
    };
}
pub(super) use events;

#[cfg(test)]
#[expect(unreachable_pub, reason = "payloads are public, wherever they are")]
mod tests {
    use serde::de::value::{Error, SeqDeserializer};
    use serde::{Deserialize, Serialize, de::DeserializeOwned};

    use super::{Codec, DecodeError, Payload};

    payloads! {
        /// As it is today.
        Weighed {
            /// Schema 2 had kilos.
            grams: u32,
            /// New in schema 3.
            within: u32,
        }
        /// Schema 2.
        WeighedV2 {
            /// Schema 1 had pounds, of half a kilo each.
            kilos: u32,
        }
        /// Schema 1.
        WeighedV1 {
            /// All that was known.
            pounds: u32,
        }
        /// Never changed.
        Sold {
            /// For how much.
            cents: u32,
        }
    }

    impl From<WeighedV1> for WeighedV2 {
        fn from(old: WeighedV1) -> Self {
            Self { kilos: old.pounds / 2 }
        }
    }

    impl From<WeighedV2> for Weighed {
        fn from(old: WeighedV2) -> Self {
            Self { grams: old.kilos * 1000, within: 500 }
        }
    }

    events! {
        /// What happens in a shop.
        enum Shop;

        4 "weighed" Weighed from WeighedV2 from WeighedV1 "Something was put on the scales.";
        7 "sold" Sold "Somebody took it.";
    }

    /// What to do about an event that cannot be read.
    const NEXT: &str = "; use the swarm that wrote it, or a newer one";

    /// Reads a byte for each field. Of a payload that is written only its type is of interest here.
    struct Bytes;

    impl Codec for Bytes {
        type Error = Error;

        fn encode<T: Serialize>(&self, _: &T) -> Result<Vec<u8>, Error> {
            Ok(std::any::type_name::<T>().as_bytes().to_vec())
        }

        fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
            T::deserialize(SeqDeserializer::new(bytes.iter().map(|byte| u32::from(*byte))))
        }
    }

    fn read(kind: u16, schema: u8, bytes: &[u8]) -> Result<Shop, DecodeError<Error>> {
        Shop::decode(&Bytes, kind, schema, bytes)
    }

    #[test]
    fn every_schema_of_a_kind_is_read_as_what_it_means_today() {
        for (schema, bytes, grams, within) in
            [(1, &[5][..], 2000, 500), (2, &[3], 3000, 500), (3, &[9, 1], 9, 1)]
        {
            let event = read(4, schema, bytes).unwrap();
            assert_eq!(event, Weighed { grams, within }.into(), "schema {schema}");
        }
        assert_eq!(read(7, 1, &[99]).unwrap(), Sold { cents: 99 }.into());
    }

    #[test]
    fn the_newest_schema_is_written() {
        let event = Shop::from(Weighed { grams: 1, within: 1 });
        assert_eq!((event.kind(), event.name(), event.schema()), (4, "weighed", 3));
        assert!(event.encode(&Bytes).unwrap().ends_with(b"::Weighed"));
        assert_eq!(Shop::from(Sold { cents: 1 }).schema(), 1);
        assert_eq!(Shop::KINDS, [(4, "weighed"), (7, "sold")]);
    }

    #[test]
    fn what_no_version_so_far_wrote_is_refused_by_its_number() {
        for (kind, schema) in [(4, 0), (4, 4), (7, 0), (7, 2), (5, 1), (0, 0)] {
            let refused = read(kind, schema, &[1]).unwrap_err();
            assert!(matches!(refused, DecodeError::Unknown { .. }), "{refused}");
            let words = refused.to_string();
            assert!(words.contains(&format!("kind {kind} schema {schema} ")), "{words}");
            assert!(words.ends_with(NEXT), "{words}");
        }
    }

    #[test]
    fn an_older_payload_that_does_not_decode_is_named_by_its_own_schema() {
        let refused = read(4, 2, &[]).unwrap_err();
        assert!(matches!(refused, DecodeError::Payload { kind: 4, schema: 2, .. }), "{refused}");
        assert!(refused.to_string().ends_with(NEXT), "{refused}");
    }
}
