//! Rig: a disk that is full for real, not only for the next call. Does not know how much room a journal needs.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::{
    chance::Chance,
    life::{Life, writer},
    mount::Kind,
    rig::Job,
    subject::Subject,
    tally::Tally,
    writer::STOPPED,
};

const DISK_BYTES: u64 = 320 << 20;
/// The room that is left, at most.
const ROOM_BYTES: u64 = 12 << 20;
/// More records than fit.
const RECORDS: u64 = 20_000;
/// How many more are written once there is room again.
const MORE: u64 = 100;

pub(crate) fn run(job: &Job<'_>, kind: Kind, tally: &mut Tally) -> io::Result<()> {
    let (image, folder) = (job.dir.join("disk"), job.dir.join("mounted"));
    fs::create_dir(&folder)?;
    fs::File::create(&image)?.set_len(DISK_BYTES)?;
    let mut chance = Chance::new(job.seed);
    for case in 0..job.cases {
        // Made anew each time: xfs gives the room of removed files back in its own good time.
        kind.make(&image)?;
        let mount = kind.mount(&image, &folder)?;
        let mut subject = Subject::new(&folder.join("journal"));
        let made_by = format!("full disk {case} of seed {}", job.seed);
        let ballast = fill_up(&folder, chance.below(ROOM_BYTES))?;
        let full = Life::start(writer(&subject.journal, RECORDS, job.twist))?.end()?;
        subject.lived(&full.said, tally);
        if full.status.code() != Some(STOPPED.into()) || !full.complaint.contains("no room") {
            tally.violation(&made_by, &format!("{}: {}", full.status, full.complaint));
        }
        fs::remove_file(ballast)?;
        subject.check(&made_by, tally)?;
        let held = subject.known.unwrap_or(0);
        let freed = Life::start(writer(&subject.journal, held + MORE, job.twist))?.end()?;
        subject.lived(&freed.said, tally);
        if !freed.status.success() {
            tally.violation(&made_by, &format!("there is room again: {}", freed.complaint));
        }
        subject.check(&made_by, tally)?;
        mount.unmount()?;
    }
    Ok(())
}

/// Takes all room but so many bytes; where.
fn fill_up(folder: &Path, left: u64) -> io::Result<PathBuf> {
    let path = folder.join("ballast");
    let ballast = fs::File::create(&path)?;
    let room = statvfs(folder)?;
    let bytes = (room.f_bavail * room.f_frsize).saturating_sub(left);
    fallocate(&ballast, FallocateFlags::empty(), 0, bytes)?;
    Ok(path)
}
