//! The single writer. Does not know who asks, what the records mean, or what time it is.
//!
//! Invariant: nothing is called durable before the sync that made it so has returned, and after any failed
//! operation nothing is ever called durable again: a second sync that succeeds says nothing about the first.

use std::{cell::RefCell, path::Path, sync::Arc};

use crate::{
    anchor::{Anchor, AnchorHasher},
    bytes::offset,
    disk::{Disk, Mode},
    error::JournalError,
    frame::{self, Fields, LAST_OF_BATCH, SEAL_BYTES, Seal, framed_bytes},
    head::{Head, HeadFile},
    header::{Before, EndedBy, Header, PAGE, file_name},
    real::RealDisk,
    record::{Entry, FIRST_RESERVED_KIND, Gap, Item, MAX_BATCH_BYTES, MAX_PAYLOAD_BYTES, TornNote},
    recover::{Recovered, Recovery, recover, segments},
    segment::{Promise, Segment, sweep},
};

/// A buffer that a large batch has grown is given back down to this, in bytes.
const BUFFER_KEPT_BYTES: usize = 1 << 20;

/// The journal, open for writing, and locked for as long as this value lives.
///
/// Dropping it is like a crash: what was not synced may be lost. [`Log::close`] seals it.
pub struct Log {
    disk: Arc<dyn Disk>,
    head: HeadFile,
    header: Header,
    segment: Segment,
    /// The frames that are not written yet.
    buffer: Vec<u8>,
    last_seq: u64,
    durable_seq: u64,
    /// The checksum that the next record names.
    chain: u32,
    /// Of the durable records. Whoever asks has what waits hashed.
    hasher: RefCell<AnchorHasher>,
    /// The room for the next segment.
    promise: Option<Promise>,
    poisoned: bool,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { last_seq, durable_seq, poisoned, header, .. } = self;
        f.debug_struct("Log")
            .field("epoch", &header.epoch)
            .field("last_seq", last_seq)
            .field("durable_seq", durable_seq)
            .field("poisoned", poisoned)
            .finish_non_exhaustive()
    }
}

/// A journal that was opened for writing.
#[derive(Debug)]
pub struct Opened {
    /// The writer.
    pub log: Log,
    /// What the end of the journal looked like, if its last writer died in the middle of a write.
    pub note: Option<TornNote>,
}

impl Log {
    /// Creates a journal in a folder that holds none; the folder is made if needed.
    ///
    /// Fails with `Exists` or `Busy` if there is one, with `NoSpace` or `Io` if the disk does.
    pub fn create(dir: &Path, run: [u8; 16]) -> Result<Self, JournalError> {
        Self::create_on(Arc::new(RealDisk::new(dir)), run)
    }

    /// [`Log::create`] on any disk.
    pub fn create_on(disk: Arc<dyn Disk>, run: [u8; 16]) -> Result<Self, JournalError> {
        let path = disk.path("");
        disk.make_folder().map_err(|e| JournalError::io("make", &path, e))?;
        let head = HeadFile::lock(&*disk)?;
        // A valid HEAD is written after the first segment has its name, so it counts as a journal too.
        if !segments(&*disk)?.is_empty() || Head::read(&*disk)?.is_some() {
            return Err(JournalError::Exists { path });
        }
        Self::begin(disk, head, run, 1)
    }

    /// The first segment of a journal, of whatever epoch.
    fn begin(disk: Arc<dyn Disk>, head: HeadFile, run: [u8; 16], epoch: u64) -> Result<Self, JournalError> {
        let (journal, len) = (disk.entropy(), disk.sizes().first_bytes);
        let header = Header { run, journal, segment: 1, epoch, len, before: Before::nothing(), crc: 0 };
        Self::start(disk, head, header, AnchorHasher::new())
    }

    /// Creates a journal to which a damaged one is carried over.
    pub(crate) fn create_copy(disk: Arc<dyn Disk>, run: [u8; 16], epoch: u64) -> Result<Self, JournalError> {
        disk.make_folder().map_err(|e| JournalError::io("make", &disk.path(""), e))?;
        let head = HeadFile::lock(&*disk)?;
        Self::begin(disk, head, run, epoch)
    }

    /// Adds a batch of which some records are lost, or one gap alone. As durable as after [`Log::append`].
    pub(crate) fn carry(&mut self, batch: &[Carried]) -> Result<(), JournalError> {
        self.refuse_if_poisoned()?;
        let bytes = batch.iter().map(Carried::framed_bytes).sum();
        if !self.segment.has_room(self.buffer.len() + bytes + SEAL_BYTES) {
            self.guarded(|log| log.roll(bytes))?;
        }
        for (left, carried) in (0..batch.len()).rev().zip(batch) {
            match carried {
                Carried::Entry(entry) => self.push(entry, left == 0),
                Carried::Gap(gap) => {
                    assert_eq!(gap.from_seq, self.last_seq + 1, "a gap stands where records are missing");
                    self.last_seq = gap.to_seq;
                    let flags = if left == 0 { LAST_OF_BATCH } else { 0 };
                    self.frame(frame::GAP, 0, 0, flags, &frame::gap_payload(gap));
                }
            }
        }
        Ok(())
    }

    /// Opens an existing journal: takes the lock, hands on everything it holds, and starts a new epoch in a new
    /// segment.
    ///
    /// Fails with `Missing` or `Busy`, with `Corrupt`, `NewerVersion` or `MadeWith` because of what is in the files,
    /// with `NoSpace` or `Io` if the disk fails. None of these changes what can be read. Damage shows only when it
    /// is met, after what is in front of it was handed on.
    pub fn open(dir: &Path, each: &mut dyn FnMut(Item<'_>)) -> Result<Opened, JournalError> {
        Self::open_on(Arc::new(RealDisk::new(dir)), each)
    }

    /// [`Log::open`] on any disk.
    pub fn open_on(disk: Arc<dyn Disk>, each: &mut dyn FnMut(Item<'_>)) -> Result<Opened, JournalError> {
        // Before the lock, so that looking for a journal where there is none leaves no file behind.
        if segments(&*disk)?.is_empty() && Head::read(&*disk)?.is_none() {
            return Err(JournalError::Missing { path: disk.path("") });
        }
        let mut lock = HeadFile::lock(&*disk)?;
        let segments = segments(&*disk)?;
        settle(&*disk, &segments)?;
        let head = Head::read(&*disk)?;
        lock.continue_after(head);
        let mut recovery = Recovery::new(&*disk, head, each).hashing();
        let Recovered { last, before, note } = recover(&mut recovery, &segments, false)?;
        let hasher = recovery.hasher.expect("it was asked for");
        let len = disk.sizes().first_bytes;
        let header = Header { segment: last.segment + 1, epoch: last.epoch + 1, len, before, crc: 0, ..last };
        Ok(Opened { log: Self::start(disk, lock, header, hasher)?, note })
    }

    fn start(
        disk: Arc<dyn Disk>,
        head: HeadFile,
        mut header: Header,
        hasher: AnchorHasher,
    ) -> Result<Self, JournalError> {
        // Nothing was written until here, so that a journal that is refused stays as it is.
        head.sign(disk.pid())?;
        sweep(&*disk).map_err(|error| JournalError::io("clean", &disk.path(""), error))?;
        let segment = Segment::create(&*disk, &mut header, None)?;
        let last_seq = header.before.last_seq;
        let mut log = Self {
            disk,
            head,
            header,
            segment,
            buffer: Vec::new(),
            last_seq,
            durable_seq: last_seq,
            chain: header.crc,
            hasher: RefCell::new(hasher),
            promise: None,
            poisoned: false,
        };
        log.publish()?;
        log.head.sync()?;
        Ok(log)
    }

    /// Adds one batch that is read back whole or not at all, and returns the number of its last record.
    ///
    /// It is durable after the next [`Log::sync`]; a full segment makes this sync by itself. `TooLarge` and
    /// `ReservedKind` change nothing; `NoSpace`, `Fenced` and `Io`, which only a full segment can lead to, poison.
    /// No entries are no batch.
    pub fn append(&mut self, batch: &[Entry]) -> Result<u64, JournalError> {
        self.refuse_if_poisoned()?;
        let bytes = size(batch)?;
        if !self.segment.has_room(self.buffer.len() + bytes + SEAL_BYTES) {
            self.guarded(|log| log.roll(bytes))?;
        }
        for (left, entry) in (0..batch.len()).rev().zip(batch) {
            self.push(entry, left == 0);
        }
        Ok(self.last_seq)
    }

    /// Makes everything appended durable: one write and one sync of the file.
    ///
    /// After `NoSpace` or `Io` it is unknown what is durable, and every later call fails with `Poisoned`. Opening
    /// the journal again tells.
    pub fn sync(&mut self) -> Result<(), JournalError> {
        self.guarded(Self::flush)
    }

    /// Makes everything durable, seals the journal and gives back the room that was not used. Fails as
    /// [`Log::sync`] does.
    pub fn close(mut self) -> Result<(), JournalError> {
        self.guarded(|log| {
            log.flush()?;
            log.seal()?;
            log.publish()?;
            log.head.sync()?;
            drop(log.promise.take().and_then(|promise| promise.keep(&*log.disk, 0)));
            sweep(&*log.disk).map_err(|error| JournalError::io("clean", &log.disk.path(""), error))
        })
    }

    /// The last record appended; 0 if there is none.
    pub fn last_seq(&self) -> u64 {
        self.last_seq
    }

    /// The last record that is durable; 0 if there is none.
    pub fn durable_seq(&self) -> u64 {
        self.durable_seq
    }

    /// How often the journal has been opened for writing, this time included.
    pub fn epoch(&self) -> u64 {
        self.header.epoch
    }

    /// The anchor of the last durable record.
    pub fn anchor(&self) -> Anchor {
        self.hasher.borrow_mut().anchor()
    }

    fn push(&mut self, entry: &Entry, last_of_batch: bool) {
        self.last_seq += 1;
        let Entry { kind, schema, time_ms, ref payload } = *entry;
        let flags = if last_of_batch { LAST_OF_BATCH } else { 0 };
        self.frame(kind, schema, time_ms, flags, payload);
    }

    fn frame(&mut self, kind: u16, schema: u8, time_ms: u64, flags: u8, payload: &[u8]) {
        let seq = self.last_seq;
        // One that does not fit proves nothing.
        let lag = u32::try_from(seq - self.durable_seq).unwrap_or(u32::MAX);
        let fields = Fields { seq, time_ms, kind, schema, flags, lag, prev: self.chain };
        self.chain = frame::push(&mut self.buffer, self.segment.salt, &fields, payload);
    }

    fn flush(&mut self) -> Result<(), JournalError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.segment.write(&self.buffer)?;
        self.head.check(&*self.disk)?;
        self.durable_seq = self.last_seq;
        self.publish()?;
        for (fields, payload) in frame::frames(&self.buffer) {
            let Fields { seq, kind, schema, time_ms, .. } = fields;
            self.hasher.get_mut().feed_parts(seq, kind, schema, time_ms, payload);
        }
        self.empty_buffer();
        if self.promise.is_none() && self.segment.is_half_full() {
            self.promise = Some(Promise::of(&self.disk, &self.header, self.next_len()));
        }
        Ok(())
    }

    fn empty_buffer(&mut self) {
        self.buffer.clear();
        self.buffer.shrink_to(BUFFER_KEPT_BYTES);
    }

    /// Tells readers, and the next opening, how far the log is durable.
    fn publish(&mut self) -> Result<(), JournalError> {
        let Header { run, journal, epoch, segment, .. } = self.header;
        let (end, durable_seq) = (self.segment.end, self.durable_seq);
        self.head.write(Head { run, journal, generation: 0, epoch, segment, end, durable_seq })
    }

    /// Closes the segment for good. Everything in it is durable already.
    fn seal(&mut self) -> Result<(), JournalError> {
        let records = self.durable_seq - self.header.before.last_seq;
        let seal = Seal { records, bytes: self.segment.end, hash: self.anchor().hash };
        self.frame(frame::SEAL, 0, 0, LAST_OF_BATCH, &seal.payload());
        self.segment.write(&self.buffer)?;
        self.empty_buffer();
        self.segment.trim()
    }

    /// Goes on in a new segment that has room for a batch of so many bytes.
    fn roll(&mut self, bytes: usize) -> Result<(), JournalError> {
        self.flush()?;
        self.seal()?;
        let needed = offset((PAGE + bytes + SEAL_BYTES).next_multiple_of(PAGE));
        let spare = self.promise.take().and_then(|promise| promise.keep(&*self.disk, needed));
        self.header.len = spare.as_ref().map_or(self.next_len().max(needed), |spare| spare.len);
        self.header.segment += 1;
        self.header.before = Before {
            ended_by: EndedBy::Seal,
            end: self.segment.end,
            last_seq: self.last_seq,
            chain: self.chain,
            ignored_bytes: 0,
            hash: self.anchor().hash,
        };
        self.segment = Segment::create(&*self.disk, &mut self.header, spare)?;
        self.chain = self.header.crc;
        self.publish()?;
        self.head.sync()
    }

    /// How large the next segment is, if no batch needs more.
    fn next_len(&self) -> u64 {
        (self.header.len * 2).min(self.disk.sizes().max_bytes)
    }

    fn refuse_if_poisoned(&self) -> Result<(), JournalError> {
        if self.poisoned { Err(JournalError::Poisoned { path: self.disk.path("") }) } else { Ok(()) }
    }

    /// Does what may fail; if it does, nothing is done any more.
    fn guarded(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), JournalError>,
    ) -> Result<(), JournalError> {
        self.refuse_if_poisoned()?;
        let result = act(self);
        self.poisoned = result.is_err();
        result
    }
}

/// What is carried over from a damaged journal.
pub(crate) enum Carried {
    Entry(Entry),
    Gap(Gap),
}

impl Carried {
    fn framed_bytes(&self) -> usize {
        match self {
            Self::Entry(entry) => framed_bytes(entry.payload.len()),
            Self::Gap(gap) => framed_bytes(frame::gap_payload(gap).len()),
        }
    }
}

/// The size of a batch in the file, in bytes, if it may be appended.
fn size(batch: &[Entry]) -> Result<usize, JournalError> {
    let mut bytes: usize = 0;
    for entry in batch {
        if entry.kind >= FIRST_RESERVED_KIND {
            return Err(JournalError::ReservedKind { kind: entry.kind });
        }
        if entry.payload.len() > MAX_PAYLOAD_BYTES {
            return Err(JournalError::TooLarge { bytes: entry.payload.len() });
        }
        bytes = bytes.saturating_add(framed_bytes(entry.payload.len()));
    }
    if bytes > MAX_BATCH_BYTES { Err(JournalError::TooLarge { bytes }) } else { Ok(bytes) }
}

/// Makes durable what an earlier writer may have left in the cache, names first: the next segment's must not
/// survive without the last one's. Then has it read from the disk itself: after a failed sync the cache may hold
/// what the disk does not. `HEAD` is left alone: what it claims was durable before it was written.
fn settle(disk: &dyn Disk, segments: &[u64]) -> Result<(), JournalError> {
    disk.sync_names().map_err(|e| JournalError::io("sync", &disk.path(""), e))?;
    let Some(last) = segments.last() else { return Ok(()) };
    let name = file_name(*last);
    disk.open(&name, Mode::Read)
        .and_then(|file| file.sync().and_then(|()| file.drop_cache()))
        .map_err(|e| JournalError::io("sync", &disk.path(&name), e))
}
