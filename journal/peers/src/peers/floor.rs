//! The floor: a write and an fdatasync into a file that is there already. No framing, no checksum: it could not be recovered.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::{Appender, Peer, Purpose, Store};
use crate::failure::Result;
use crate::record::{BYTES, Tally};

const FILE: &str = "floor";
/// How much is filled with zeros before it is written to, in bytes; after that it is written to again.
const FILLED: u64 = 64 << 20;
/// How much of that at once. Larger writes make larger pages in the cache, and those make each later sync slower.
const FILL: usize = 16 << 10;
/// How much is read at once, in bytes: whole records, about a mebibyte.
const PIECE: usize = BYTES * 5000;

/// The kind of peer.
pub(crate) struct Floor;

impl Peer for Floor {
    fn name(&self) -> &'static str {
        "floor: a plain file"
    }

    fn groups(&self) -> bool {
        false
    }

    fn create(&self, dir: &Path, purpose: Purpose) -> Result<Box<dyn Store>> {
        let file = File::create(dir.join(FILE))?;
        let end = match purpose {
            Purpose::Speed => {
                for at in (0..FILLED).step_by(FILL) {
                    file.write_all_at(&[0; FILL], at)?;
                }
                file.sync_all()?;
                FILLED
            }
            Purpose::Keep => u64::MAX,
        };
        Ok(Box::new(Plain { file, end, at: Mutex::new(0) }))
    }

    fn read(&self, dir: &Path) -> Result<Tally> {
        let mut file = File::open(dir.join(FILE))?;
        let mut piece = vec![0; PIECE];
        let mut tally = Tally::default();
        let mut left = usize::try_from(fs::metadata(dir.join(FILE))?.len())?;
        while left > 0 {
            let piece = &mut piece[..left.min(PIECE)];
            file.read_exact(piece)?;
            piece.chunks(BYTES).for_each(|record| tally.add(record));
            left -= piece.len();
        }
        Ok(tally)
    }

    fn is_log(&self, file: &str) -> bool {
        file == FILE
    }
}

struct Plain {
    file: File,
    /// Where to begin again.
    end: u64,
    at: Mutex<u64>,
}

impl Store for Plain {
    fn appender(&self) -> Appender<'_> {
        Box::new(|batch| {
            let bytes = batch.as_flattened();
            let len = bytes.len() as u64;
            let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
            if *at + len > self.end {
                *at = 0;
            }
            self.file.write_all_at(bytes, *at)?;
            *at += len;
            Ok(self.file.sync_data()?)
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}
