//! A FUSE file system of two files: `disk`, whose every write and flush is recorded, and `said`, whose lines are
//! recorded among them, so that it is known which acknowledgement came before which write.
//!
//! A loop device over `disk` is a disk with a write cache that shows everything it is asked. Does not know what
//! the disk is used for. Requests are served one after the other: their order is the record.

use std::{
    ffi::OsStr,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyWrite, Request, WriteFlags,
};

use crate::{
    image::{Image, Write},
    say::Said,
};

/// xfs makes no file system below 300 MB. What is not written takes no memory.
const DISK_BYTES: u64 = 320 << 20;
const DISK: INodeNo = INodeNo(2);
const SAID: INodeNo = INodeNo(3);
/// Nothing changes behind the kernel's back while a file is open.
const LONG: Duration = Duration::from_hours(1);

/// What happened to the disk, and what was said meanwhile.
pub(crate) enum Event {
    Write(Write),
    Flush,
    Said(Said),
}

#[derive(Default)]
struct State {
    image: Image,
    /// None while nothing is recorded.
    events: Option<Vec<Event>>,
    /// After how many more writes one is refused.
    refused: Option<u64>,
}

/// The mounted file system.
pub(crate) struct Recorder {
    state: Arc<Mutex<State>>,
    session: BackgroundSession,
}

impl Recorder {
    pub(crate) fn mount(at: &Path) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("rigs".to_owned())];
        let session = fuser::spawn_mount(Files(state.clone()), at, &config)?;
        Ok(Self { state, session })
    }

    /// Puts another disk in. `disk` must not be open.
    pub(crate) fn insert(&self, image: Image) {
        *lock(&self.state) = State { image, ..State::default() };
    }

    /// The disk as it is now.
    pub(crate) fn image(&self) -> Image {
        lock(&self.state).image.clone()
    }

    /// Lets the disk refuse the write that comes after so many others, and only that one.
    pub(crate) fn refuse_after(&self, writes: u64) {
        lock(&self.state).refused = Some(writes);
    }

    /// Records from now on; returns the disk as it is now.
    pub(crate) fn start(&self) -> Image {
        let mut state = lock(&self.state);
        state.events = Some(Vec::new());
        state.image.clone()
    }

    /// What happened since the start.
    pub(crate) fn stop(&self) -> Vec<Event> {
        lock(&self.state).events.take().unwrap_or_default()
    }

    pub(crate) fn unmount(self) -> io::Result<()> {
        self.session.umount_and_join()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nothing panics while it holds the recorded disk")
}

impl State {
    /// Whether it is this write's turn to be refused.
    fn refuses(&mut self) -> bool {
        let refuses = self.refused == Some(0);
        self.refused = self.refused.and_then(|left| left.checked_sub(1));
        refuses
    }

    fn record(&mut self, event: Event) {
        if let Some(events) = &mut self.events {
            events.push(event);
        }
    }
}

struct Files(Arc<Mutex<State>>);

impl Filesystem for Files {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match name.to_str() {
            Some("disk") => reply.entry(&LONG, &attributes(DISK), Generation(0)),
            Some("said") => reply.entry(&LONG, &attributes(SAID), Generation(0)),
            _ => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, file: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&LONG, &attributes(file));
    }

    /// Past the kernel's cache, which would neither show each write nor notice another disk.
    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        at: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let size = u64::from(size).min(DISK_BYTES.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(size).expect("a request fits into memory")];
        lock(&self.0).image.read(at, &mut bytes);
        reply.data(&bytes);
    }

    fn write(
        &self,
        _: &Request,
        file: INodeNo,
        _: FileHandle,
        at: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let mut state = lock(&self.0);
        if file == SAID {
            state.record(Event::Said(Said::parse(&String::from_utf8_lossy(data))));
        } else if state.refuses() {
            return reply.error(Errno::EIO);
        } else {
            state.image.write(at, data);
            state.record(Event::Write(Write { at, bytes: data.to_vec() }));
        }
        reply.written(u32::try_from(data.len()).expect("a request fits 32 bits"));
    }

    fn fsync(&self, _: &Request, file: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        if file == DISK {
            lock(&self.0).record(Event::Flush);
        }
        reply.ok();
    }
}

fn attributes(file: INodeNo) -> FileAttr {
    let folder = file == INodeNo::ROOT;
    FileAttr {
        ino: file,
        size: if file == DISK { DISK_BYTES } else { 0 },
        blocks: 0,
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: if folder { FileType::Directory } else { FileType::RegularFile },
        perm: if folder { 0o755 } else { 0o600 },
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}
