//! What can happen to the bytes of a journal. Does not know what they mean.

use arbitrary::Arbitrary;

use crate::small::Image;

/// One piece of damage. Files are chosen from those there are, places from the bytes that they have.
#[derive(Arbitrary, Debug)]
pub enum Damage {
    /// One bit is another.
    Flip { file: u8, at: u16, bit: u8 },
    /// A stretch becomes zero.
    Zero { file: u8, at: u16, len: u16 },
    /// A stretch is put elsewhere too, in the same file or another.
    Copy { from: u8, at: u16, len: u16, to: u8, to_at: u16 },
    /// The file ends early.
    Cut { file: u8, len: u16 },
    /// The file is gone.
    Remove { file: u8 },
    /// Bytes that the fuzzer likes. Not by accident: given time, it finds those that make a checksum right.
    Set { file: u8, at: u16, bytes: [u8; 8] },
}

impl Damage {
    pub(crate) fn apply(&self, image: &mut Image, on_purpose: bool) {
        match *self {
            Self::Flip { file, at, bit } => change(image, file, |bytes| {
                stretch(bytes, at, 1).iter_mut().for_each(|byte| *byte ^= 1 << (bit % 8));
            }),
            Self::Zero { file, at, len } => change(image, file, |bytes| stretch(bytes, at, len).fill(0)),
            Self::Copy { from, at, len, to, to_at } => {
                let mut copied = Vec::new();
                change(image, from, |bytes| copied = stretch(bytes, at, len).to_vec());
                change(image, to, |bytes| overwrite(bytes, to_at, &copied));
            }
            Self::Cut { file, len } => change(image, file, |bytes| bytes.truncate(place(bytes, len))),
            Self::Remove { file } => drop(name(image, file).and_then(|name| image.remove(&name))),
            Self::Set { file, at, bytes: ref new } if on_purpose => {
                change(image, file, |bytes| overwrite(bytes, at, new));
            }
            Self::Set { .. } => {}
        }
    }
}

fn name(image: &Image, file: u8) -> Option<String> {
    image.keys().nth(usize::from(file) % image.len().max(1)).cloned()
}

fn change(image: &mut Image, file: u8, change: impl FnOnce(&mut Vec<u8>)) {
    if let Some(bytes) = name(image, file).and_then(|name| image.get_mut(&name)) {
        change(bytes);
    }
}

/// Any number is a place, so that no input is wasted on what is behind the end.
fn place(bytes: &[u8], at: u16) -> usize {
    usize::from(at) % (bytes.len() + 1)
}

fn stretch(bytes: &mut [u8], at: u16, len: u16) -> &mut [u8] {
    let start = place(bytes, at);
    let end = (start + usize::from(len)).min(bytes.len());
    &mut bytes[start..end]
}

fn overwrite(bytes: &mut [u8], at: u16, new: &[u8]) {
    let len = u16::try_from(new.len()).expect("it is a stretch");
    let place = stretch(bytes, at, len);
    place.copy_from_slice(&new[..place.len()]);
}
