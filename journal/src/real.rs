//! A folder of the real file system behind the [`Disk`] seam. Does not know what is in the files.

use std::{
    fs, io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{
        Advice, AtFlags, CWD, FlockOperation, RenameFlags, StatxFlags, fadvise, flock, inotify,
        renameat_with, statx,
    },
    io::Errno,
    rand::{GetRandomFlags, getrandom},
};

use crate::disk::{Disk, File, Mode, Watch};

/// How often a writer looks again while only a reader's momentary probe is in its way, and how long it waits in between:
/// a reader may lose the processor in the middle of one.
const PROBE_PATIENCE: u32 = 1000;
const PROBE_PAUSE: Duration = Duration::from_millis(1);

/// A folder.
#[derive(Clone, Debug)]
pub struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The disk that is this folder. Touches nothing.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf() }
    }
}

impl Disk for RealDisk {
    fn make_folder(&self) -> io::Result<()> {
        let missing =
            self.folder.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
        let missing = missing.count();
        fs::create_dir_all(&self.folder)?;
        // The name of a folder is durable when its parent is; at least one, in case an earlier attempt died here.
        let folder = self.folder.canonicalize()?;
        for parent in folder.ancestors().skip(1).take(missing.max(1)) {
            fs::File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.file_name().into_string().ok()));
        // A name that is not text is none of ours.
        Ok(names.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn open(&self, name: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        let mut options = fs::OpenOptions::new();
        match mode {
            Mode::Read => options.read(true),
            Mode::Update => options.read(true).write(true).create(true),
            Mode::CreateNew => options.read(true).write(true).create_new(true),
        };
        Ok(Box::new(RealFile(options.open(self.path(name))?)))
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        match renameat_with(CWD, &from, CWD, &to, RenameFlags::NOREPLACE) {
            // Some file systems do not know the flag. The lock still keeps other writers out.
            Err(Errno::INVAL | Errno::NOSYS) if to.exists() => Err(io::ErrorKind::AlreadyExists.into()),
            Err(Errno::INVAL | Errno::NOSYS) => fs::rename(from, to),
            other => Ok(other?),
        }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn id_of(&self, name: &str) -> io::Result<Option<u64>> {
        match inode(CWD, self.path(name), AtFlags::empty()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn sync_names(&self) -> io::Result<()> {
        fs::File::open(&self.folder)?.sync_all()
    }

    fn is_locked(&self, name: &str) -> bool {
        let Ok(file) = fs::File::open(self.path(name)) else { return false };
        let locked = flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK);
        RealFile(file).unlock();
        locked
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() { self.folder.clone() } else { self.folder.join(name) }
    }

    fn pid(&self) -> u32 {
        std::process::id()
    }

    fn entropy(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let filled = getrandom(&mut bytes, GetRandomFlags::empty());
        assert_eq!(filled, Ok(bytes.len()), "the system always has so few random bytes");
        bytes
    }

    fn aside(&self, work: Box<dyn FnOnce() + Send>) {
        // Without a thread the work is dropped, and whoever waits for it does it at once.
        let _ = std::thread::Builder::new().name("journal-aside".to_owned()).spawn(work);
    }

    fn watch(&self, name: &str) -> io::Result<Box<dyn Watch>> {
        let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        inotify::add_watch(&inotify, self.path(name), inotify::WatchFlags::MODIFY)?;
        Ok(Box::new(RealWatch(inotify)))
    }
}

struct RealWatch(OwnedFd);

impl Watch for RealWatch {
    fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        let at_most = Timespec::try_from(at_most).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
        match poll(&mut [PollFd::new(&self.0, PollFlags::IN)], Some(&at_most)) {
            Ok(0) | Err(Errno::INTR) => return Ok(()),
            other => other?,
        };
        // Many changes are one piece of news.
        match rustix::io::read(&self.0, &mut [0; 4096]) {
            Err(Errno::AGAIN) => Ok(()),
            other => Ok(other.map(drop)?),
        }
    }
}

/// Nothing but this is asked for: whoever asks for a file's times makes the next write to it change the inode as well,
/// which costs as much as half a sync.
fn inode(folder: impl AsFd, path: impl rustix::path::Arg, flags: AtFlags) -> io::Result<u64> {
    Ok(statx(folder, path, flags, StatxFlags::INO)?.stx_ino)
}

/// An open file.
pub(crate) struct RealFile(fs::File);

impl RealFile {
    pub(crate) fn new(file: fs::File) -> Self {
        Self(file)
    }
}

impl File for RealFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn drop_cache(&self) -> io::Result<()> {
        match fadvise(&self.0, 0, None, Advice::DontNeed) {
            // A file system without a page cache has nothing to forget.
            Err(Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
            other => Ok(other?),
        }
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn id(&self) -> io::Result<u64> {
        inode(&self.0, "", AtFlags::EMPTY_PATH)
    }

    fn try_lock(&self) -> io::Result<bool> {
        for _ in 0..PROBE_PATIENCE {
            match flock(&self.0, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(true),
                Err(Errno::WOULDBLOCK) => {}
                Err(error) => return Err(error.into()),
            }
            // If a shared lock can be had, the one in our way is only shared: a reader that is looking
            // whether somebody writes. It is gone in a moment.
            match flock(&self.0, FlockOperation::NonBlockingLockShared) {
                Ok(()) => flock(&self.0, FlockOperation::Unlock)?,
                Err(Errno::WOULDBLOCK) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            std::thread::sleep(PROBE_PAUSE);
        }
        Ok(false)
    }

    fn unlock(&self) {
        // It can only fail for a descriptor that is none; closing the file gives the lock back too.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
