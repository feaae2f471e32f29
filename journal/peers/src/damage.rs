//! A store's files as bytes in memory, and the damage that is done to its log. Does not know how a log is laid out.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::dice::Dice;
use crate::failure::{Failure, Result};
use crate::peers::Peer;

/// What a damaged disk loses at once, in bytes.
const BLOCK: usize = 4096;

/// What is done to a log.
#[derive(Clone, Copy)]
pub(crate) enum Damage {
    /// One bit is another one, anywhere.
    FlipAnywhere,
    /// One bit is another one, neither in the first quarter nor in the last.
    FlipMiddle,
    /// A block is zeros, neither in the first quarter nor in the last.
    ZeroMiddle,
    /// The file ends near its middle.
    Cut,
}

/// Everything in a folder.
#[derive(Clone)]
pub(crate) struct Image {
    folders: Vec<PathBuf>,
    files: Vec<Stored>,
}

#[derive(Clone)]
struct Stored {
    path: PathBuf,
    /// Up to the last byte that is not zero: what lies behind was set aside and never written.
    bytes: Vec<u8>,
    len: u64,
    is_log: bool,
}

impl Image {
    /// Of the store of this kind in this folder.
    pub(crate) fn take(peer: &dyn Peer, dir: &Path) -> Result<Self> {
        let mut image = Self { folders: vec![dir.to_owned()], files: Vec::new() };
        image.add(peer, dir)?;
        Ok(image)
    }

    fn add(&mut self, peer: &dyn Peer, dir: &Path) -> Result<()> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() {
                self.folders.push(path.clone());
                self.add(peer, &path)?;
            } else {
                let mut bytes = fs::read(&path)?;
                let len = bytes.len() as u64;
                let written = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                bytes.truncate(written);
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                self.files.push(Stored { is_log: peer.is_log(name), path, bytes, len });
            }
        }
        Ok(())
    }

    /// Puts everything back where it was.
    pub(crate) fn restore(&self) -> Result<()> {
        fs::remove_dir_all(&self.folders[0])?;
        for folder in &self.folders {
            fs::create_dir(folder)?;
        }
        for Stored { path, bytes, len, .. } in &self.files {
            let file = File::create(path)?;
            file.set_len(*len)?;
            file.write_all_at(bytes, 0)?;
        }
        Ok(())
    }

    /// The same, but for one damage to the log.
    pub(crate) fn damaged(&self, damage: Damage, dice: &mut Dice) -> Result<Self> {
        let mut image = self.clone();
        let (file, at) = image.place(damage, dice)?;
        match damage {
            Damage::FlipAnywhere | Damage::FlipMiddle => file.bytes[at] ^= 1 << dice.within(0..8),
            Damage::ZeroMiddle => {
                let block = at - at % BLOCK;
                file.bytes.iter_mut().skip(block).take(BLOCK).for_each(|byte| *byte = 0);
            }
            Damage::Cut => {
                file.bytes.truncate(at);
                file.len = at as u64;
            }
        }
        Ok(image)
    }

    /// A place in the log where such damage may be: in which file, and where in it.
    fn place(&mut self, damage: Damage, dice: &mut Dice) -> Result<(&mut Stored, usize)> {
        let total: u64 = self.log().map(|file| file.bytes.len() as u64).sum();
        let (quarter, half) = (total / 4, total / 2);
        if half < BLOCK as u64 {
            return Err(Failure::new("the log is too short to be damaged"));
        }
        let mut at = usize::try_from(dice.within(match damage {
            Damage::FlipAnywhere => 0..total,
            Damage::FlipMiddle | Damage::ZeroMiddle => quarter..total - quarter,
            Damage::Cut => half - BLOCK as u64 / 2..half + BLOCK as u64 / 2,
        }))?;
        for file in self.log() {
            if at < file.bytes.len() {
                return Ok((file, at));
            }
            at -= file.bytes.len();
        }
        Err(Failure::new("the place is behind the end of the log"))
    }

    fn log(&mut self) -> impl Iterator<Item = &mut Stored> {
        self.files.iter_mut().filter(|file| file.is_log)
    }
}
