//! Values to payload bytes and back: the only file that knows bincode. Does not know which types exist.
//!
//! Little endian, fixed-width integers, no field names; what a type's bytes mean is fixed by its `schema` number.

use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use serde::{Serialize, de::DeserializeOwned};

use crate::record::MAX_PAYLOAD_BYTES;

/// The number that stands for this encoding in a segment's header.
pub(crate) const ID: u8 = 1;

type Wire = Configuration<LittleEndian, Fixint, Limit<MAX_PAYLOAD_BYTES>>;

/// The limit bounds what a damaged length can make us allocate.
const WIRE: Wire = bincode::config::legacy().with_limit::<MAX_PAYLOAD_BYTES>();

/// Why a value could not be turned into bytes, or bytes into a value.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The value's type cannot be encoded, or a map or sequence misreported its length.
    #[error("a value could not be encoded: {0}")]
    Encode(String),
    /// The encoded value is larger than one record may be.
    #[error("a value takes {bytes} bytes; one record holds at most {MAX_PAYLOAD_BYTES}: split it")]
    TooLarge {
        /// Size of the encoded value.
        bytes: usize,
    },
    /// The bytes are not this type.
    #[error("{bytes} bytes do not decode as {type_name}: {detail}")]
    Decode {
        /// The Rust type that was asked for.
        type_name: &'static str,
        /// How many bytes were given.
        bytes: usize,
        /// What the decoder says.
        detail: String,
    },
    /// The value ended before the bytes did: they were written by another type or version.
    #[error("{left} bytes are left over after {type_name}: they were written for another type or schema")]
    Trailing {
        /// The Rust type that was asked for.
        type_name: &'static str,
        /// How many bytes the value did not use.
        left: usize,
    },
}

/// The bytes of a value, at most 16 MiB.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    // Most payloads are that short, and growing into the room by doubling costs more than the encoding.
    let mut bytes = Vec::with_capacity(256);
    bincode::serde::encode_into_std_write(value, &mut bytes, WIRE)
        .map_err(|e| CodecError::Encode(e.to_string()))?;
    if bytes.len() > MAX_PAYLOAD_BYTES {
        return Err(CodecError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

/// Writes the bytes of a value of any size, in the same encoding: for digests, never for records.
pub fn write<T: Serialize + ?Sized>(value: &T, to: &mut impl std::io::Write) -> Result<(), CodecError> {
    let written = bincode::serde::encode_into_std_write(value, to, bincode::config::legacy());
    written.map(|_| ()).map_err(|e| CodecError::Encode(e.to_string()))
}

/// The value of these bytes, all of them: a rest is refused.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let type_name = std::any::type_name::<T>();
    let (value, used) = bincode::serde::decode_from_slice(bytes, WIRE).map_err(|e| CodecError::Decode {
        type_name,
        bytes: bytes.len(),
        detail: e.to_string(),
    })?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(CodecError::Trailing { type_name, left }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back() {
        let value = (7u8, String::from("seven"), Some(-7i64), vec![1u16, 2, 3]);
        let bytes = encode(&value).unwrap();
        assert_eq!(decode::<(u8, String, Option<i64>, Vec<u16>)>(&bytes).unwrap(), value);
    }

    #[test]
    fn unsized_values_encode() {
        assert_eq!(encode("ab").unwrap(), [2, 0, 0, 0, 0, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn a_rest_is_refused() {
        let error = decode::<u8>(&[1, 2, 3]).unwrap_err();
        assert!(matches!(error, CodecError::Trailing { left: 2, .. }), "{error}");
    }

    #[test]
    fn too_few_bytes_are_refused() {
        assert!(matches!(decode::<u32>(&[1, 2, 3]), Err(CodecError::Decode { bytes: 3, .. })));
    }

    #[test]
    fn a_huge_length_allocates_nothing() {
        let bytes = u64::MAX.to_le_bytes();
        assert!(matches!(decode::<Vec<u64>>(&bytes), Err(CodecError::Decode { .. })));
        let bytes = (1u64 << 40).to_le_bytes();
        assert!(matches!(decode::<String>(&bytes), Err(CodecError::Decode { .. })));
    }

    #[test]
    fn a_value_over_the_limit_is_refused() {
        let value = vec![0u8; MAX_PAYLOAD_BYTES];
        assert!(matches!(encode(&value), Err(CodecError::TooLarge { .. } | CodecError::Encode(_))));
    }
}
