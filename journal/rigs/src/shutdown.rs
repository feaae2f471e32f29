//! Rig: the power cut of a whole file system, by the ioctl that ext4 and xfs have for testing just that: from one
//! moment on nothing reaches the disk any more, not even what is in the file system's own log.
//!
//! Does not know the order of the writes below the file system; see `block` for that.

use std::{fs, io, path::Path};

use rustix::ioctl::{Opcode, Setter, ioctl, opcode};

use crate::{
    chance::Chance,
    kill::some_time,
    life::{Life, writer},
    mount::Kind,
    rig::Job,
    subject::Subject,
    tally::Tally,
};

/// `FS_IOC_SHUTDOWN`, and its flag that nothing is flushed first.
const SHUTDOWN: Opcode = opcode::read::<u32>(b'X', 125);
const NO_LOG_FLUSH: u32 = 2;
/// A journal is begun anew after so many cuts.
const LIVES: u64 = 8;
const DISK_BYTES: u64 = 512 << 20;

pub(crate) fn run(job: &Job<'_>, kind: Kind, tally: &mut Tally) -> io::Result<()> {
    let (image, folder) = (job.dir.join("disk"), job.dir.join("mounted"));
    fs::create_dir(&folder)?;
    fs::File::create(&image)?.set_len(DISK_BYTES)?;
    kind.make(&image)?;
    let mut mount = kind.mount(&image, &folder)?;
    let mut subject = Subject::new(&folder.join("journal"));
    let mut chance = Chance::new(job.seed);
    for case in 0..job.cases {
        if case % LIVES == 0 {
            subject.reset()?;
        }
        let mut life = Life::start(writer(&subject.journal, u64::MAX, job.twist))?;
        some_time(&mut life, &mut chance);
        cut_power(&folder)?;
        subject.lived(&life.kill()?.said, tally);
        mount.unmount()?;
        mount = kind.mount(&image, &folder)?;
        subject.check(&format_args!("cut {case} of seed {}", job.seed), tally)?;
    }
    mount.unmount()
}

#[expect(unsafe_code, reason = "an ioctl has no type that the compiler could check")]
fn cut_power(mounted: &Path) -> io::Result<()> {
    let root = fs::File::open(mounted)?;
    // SAFETY: this ioctl reads one u32 from the pointer it is given, and that is what `Setter` points to.
    unsafe { ioctl(&root, Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH))? };
    Ok(())
}
