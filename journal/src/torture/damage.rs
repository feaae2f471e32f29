//! Damage at rest: every cut, every flipped bit, every zeroed block of a small journal. Does not know crashes.

use std::{collections::BTreeMap, sync::Arc};

use super::{RUN, Tally, entry};
use crate::{
    disk::{Disk, Sizes},
    error::JournalError,
    log::Log,
    read::{Reading, read_on},
    record::Record,
    sim::SimDisk,
};

type Image = BTreeMap<String, Vec<u8>>;

/// Every cut of every segment at every byte, with `HEAD` and without.
pub fn cuts() -> Result<Tally, String> {
    let (image, records) = journal().map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    for (file, contents) in segments(&image) {
        for head in [true, false] {
            let disk = disk_of(&image, head);
            for cut in 0..contents.len() {
                disk.set_contents(file, Some(contents[..cut].to_vec()));
                check(&disk, &records, &mut tally).map_err(|why| format!("{file} cut at {cut}: {why}"))?;
            }
        }
    }
    Ok(tally)
}

/// Every bit of every segment flipped.
pub fn flips() -> Result<Tally, String> {
    let (image, records) = journal().map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    let disk = disk_of(&image, true);
    for (file, contents) in segments(&image) {
        for bit in 0..contents.len() * 8 {
            disk.flip(file, bit);
            check(&disk, &records, &mut tally).map_err(|why| format!("bit {bit} of {file}: {why}"))?;
            disk.flip(file, bit);
        }
    }
    Ok(tally)
}

/// Every block of 512 and of 4096 bytes zeroed.
pub fn blocks() -> Result<Tally, String> {
    let (image, records) = journal().map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    for (file, contents) in segments(&image) {
        for block in [512, 4096] {
            for at in (0..contents.len()).step_by(block) {
                let mut damaged = contents.clone();
                let end = (at + block).min(contents.len());
                damaged[at..end].fill(0);
                let disk = disk_of(&image, true);
                disk.set_contents(file, Some(damaged));
                check(&disk, &records, &mut tally).map_err(|why| format!("{file} zeroed at {at}: {why}"))?;
            }
        }
    }
    Ok(tally)
}

/// A journal that was closed, opened again and left by a crash.
fn journal() -> Result<(Image, Vec<Record>), JournalError> {
    let sim = SimDisk::with_sizes(0, Sizes { first_bytes: 5_632, max_bytes: 5_632 });
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    let mut log = Log::create_on(disk.clone(), RUN)?;
    let mut n = 0;
    for life in 0..2 {
        for size in [1, 3, 1] {
            let batch: Vec<_> = (n..n + size).map(entry).collect();
            log.append(&batch)?;
            log.sync()?;
            n += size;
        }
        if life == 0 {
            log.close()?;
            log = Log::open_on(disk.clone(), &mut |_| {})?.log;
        }
    }
    sim.kill();
    let names = sim.names().unwrap_or_default();
    let image = names.into_iter().filter_map(|name| Some((name.clone(), sim.contents(&name)?))).collect();
    Ok((image, read_on(&sim)?.records))
}

fn segments(image: &Image) -> impl Iterator<Item = (&str, &Vec<u8>)> {
    let segments = image.iter().filter(|(name, _)| crate::header::segment_of(name).is_some());
    segments.map(|(name, contents)| (name.as_str(), contents))
}

fn disk_of(image: &Image, head: bool) -> SimDisk {
    let disk = SimDisk::new(0);
    for (name, contents) in image.iter().filter(|(name, _)| head || *name != crate::head::NAME) {
        disk.set_contents(name, Some(contents.clone()));
    }
    disk
}

/// A damaged journal is refused, or nothing of it is missing or changed.
fn check(disk: &SimDisk, records: &[Record], tally: &mut Tally) -> Result<(), String> {
    tally.states += 1;
    match read_on(disk) {
        Ok(Reading { records: read, note, .. }) if read == records => tally.torn += u64::from(note.is_some()),
        Ok(read) => return Err(format!("{} of {} records came back", read.records.len(), records.len())),
        Err(JournalError::Corrupt { .. }) => tally.refused += 1,
        Err(other) => return Err(other.to_string()),
    }
    Ok(())
}
