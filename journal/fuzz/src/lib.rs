//! A small journal, damage to it, and what reading it may then say. Does not know how journals are read.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir . decode -- -timeout=10 -max_len=512` in this folder.
//! Without cargo-fuzz: `cargo test`, which tries some thousand inputs without a fuzzer.

mod damage;
mod resign;
mod small;

use arbitrary::Arbitrary;
use swarm_journal::{JournalError, Reading, read_on};

pub use damage::Damage;
pub use resign::Resign;
use small::{Image, disk_of, open, small};

/// One way to damage the journal.
#[derive(Arbitrary, Debug)]
pub struct Input {
    damage: Vec<Damage>,
    /// Makes the checksums right again, as somebody would who means it. Otherwise the damage is an accident.
    resign: Option<Resign>,
}

/// Panics if a damaged journal is read as something that it is not. Hanging is noticed by the fuzzer.
pub fn verdict(input: &Input) {
    let (sound, records) = small();
    let damaged = input.damaged(sound);
    let disk = disk_of(&damaged);
    let read = read_on(&disk);
    let opened = open(&disk);
    if input.resign.is_some() {
        return;
    }
    let held = match read {
        Ok(Reading { records, gaps, .. }) => {
            assert!(gaps.is_empty(), "nobody repaired this journal");
            records
        }
        Err(JournalError::Io { source, .. }) => panic!("nothing failed: {source}"),
        Err(_) => return,
    };
    assert!(records.starts_with(&held), "what is read was never written");
    assert!(held.last().is_none_or(|record| record.last_of_batch), "half a batch came back");
    assert!(opened.is_ok_and(|last| last == held.len() as u64), "what is read can be opened");
    if damaged.get("HEAD") == sound.get("HEAD") {
        assert_eq!(held.len(), records.len(), "HEAD proves that all of them were durable");
    }
}

impl Input {
    fn damaged(&self, sound: &Image) -> Image {
        let mut image = sound.clone();
        for damage in &self.damage {
            damage.apply(&mut image, self.resign.is_some());
        }
        if let Some(resign) = self.resign {
            resign.apply(&mut image);
        }
        image
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arbitrary::Unstructured;

    #[test]
    fn signing_a_sound_journal_again_changes_nothing() {
        let (sound, _) = small();
        for resign in [Resign::Checksums, Resign::ChecksumsAndChain] {
            let mut image = sound.clone();
            resign.apply(&mut image);
            assert!(image == *sound, "the format is not what this crate takes it for");
        }
    }

    #[test]
    fn some_thousand_damaged_journals() {
        let mut state = 1u64;
        let mut byte = || {
            state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
            (state >> 56) as u8
        };
        for round in 0..20_000 {
            let bytes: Vec<u8> = (0..8 + round % 64).map(|_| byte()).collect();
            verdict(&Input::arbitrary(&mut Unstructured::new(&bytes)).expect("there are bytes"));
        }
    }
}
