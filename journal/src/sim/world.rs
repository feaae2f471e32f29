//! The state behind a simulated disk: files, names, locks, and which operation fails next. Does not know what survives of
//! a file or of a name.

use std::{collections::BTreeMap, io, mem, sync::Arc};

use super::{
    Fault, Tail,
    body::Body,
    fate::Fate,
    names::{Names, Naming},
};
use crate::disk::Mode;

/// An open file. Handles are numbered in the order of opening.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Handle {
    pub(super) inode: usize,
    number: u64,
}

/// Forks share the files for as long as neither changes them.
#[derive(Clone)]
pub(super) struct World {
    fate: Fate,
    /// Whether the folder exists.
    pub(super) folder: bool,
    bodies: Vec<Arc<Body>>,
    names: Names,
    /// Which handle holds the lock of an inode.
    locks: BTreeMap<usize, u64>,
    next_handle: u64,
    /// Handles below this one were opened before the last restart.
    first_valid_handle: u64,
    /// Faults planned for a certain change.
    planned: BTreeMap<u64, Fault>,
    planned_read_errors: bool,
    /// For each kind of fault; 0 is never.
    odds: [u32; Fault::COUNT],
    pub(super) changes: u64,
    pub(super) capacity: Option<u64>,
    pub(super) off: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            fate: Fate::new(seed),
            folder: false,
            bodies: Vec::new(),
            names: Names::default(),
            locks: BTreeMap::new(),
            next_handle: 0,
            first_valid_handle: 0,
            planned: BTreeMap::new(),
            planned_read_errors: false,
            odds: [0; Fault::COUNT],
            changes: 0,
            capacity: None,
            off: false,
        }
    }

    pub(super) fn fork(&self, seed: u64) -> Self {
        let mut fork = self.clone();
        fork.fate = Fate::new(seed);
        fork.close_all();
        fork
    }

    pub(super) fn plan(&mut self, after: u64, fault: Fault) {
        if fault == Fault::ReadError {
            self.planned_read_errors = true;
        } else {
            self.planned.insert(self.changes + after, fault);
        }
    }

    pub(super) fn set_odds(&mut self, fault: Fault, one_in: u32) {
        self.odds[fault as usize] = one_in;
    }

    pub(super) fn forget_faults(&mut self) {
        self.planned.clear();
        self.planned_read_errors = false;
    }

    pub(super) fn kill(&mut self) {
        self.close_all();
        self.planned.clear();
        self.off = false;
    }

    pub(super) fn restart(&mut self, tail: Tail) {
        self.kill();
        self.names.cut(|| match tail {
            Tail::Lost => false,
            Tail::Kept | Tail::Torn(_) => true,
            Tail::Drawn => self.fate.once_in(2),
        });
        let last = self.last_written();
        for (inode, body) in self.bodies.iter_mut().enumerate().filter(|(_, body)| body.is_volatile()) {
            let body = Arc::make_mut(body);
            match tail {
                Tail::Lost => body.lose_pending(),
                Tail::Torn(part) if last == Some(inode) => body.tear(part),
                Tail::Kept | Tail::Torn(_) => body.sync(),
                Tail::Drawn => body.cut(&mut self.fate),
            }
            body.drop_cache();
        }
    }

    /// The file of the last write that is not synced.
    fn last_written(&self) -> Option<usize> {
        let writes = self.bodies.iter().enumerate();
        let writes = writes.filter_map(|(inode, body)| Some((body.last_write()?, inode)));
        writes.max().map(|(_, inode)| inode)
    }

    pub(super) fn unsynced(&self, counts: &dyn Fn(&str) -> bool) -> usize {
        let files = self.names.seen.iter().filter(|(name, _)| counts(name));
        let changes: usize = files.map(|(_, inode)| self.bodies[*inode].unsynced()).sum();
        changes + self.names.unsynced(counts)
    }

    fn close_all(&mut self) {
        self.locks.clear();
        self.first_valid_handle = self.next_handle;
    }

    /// Whether this file is still open.
    pub(super) fn check(&self, handle: Handle) -> io::Result<()> {
        self.check_power()?;
        if handle.number < self.first_valid_handle {
            return Err(io::Error::other("the file was open before the restart"));
        }
        Ok(())
    }

    pub(super) fn check_power(&self) -> io::Result<()> {
        if self.off { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Whether there can be files.
    fn check_folder(&self) -> io::Result<()> {
        self.check_power()?;
        if self.folder { Ok(()) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    /// Counts a change and says which of the faults that fit it happens.
    fn fault(&mut self, fitting: &[Fault]) -> io::Result<Option<Fault>> {
        self.check_power()?;
        let planned = self.planned.remove(&self.changes);
        self.changes += 1;
        if matches!(planned, Some(Fault::PowerCut | Fault::CutAfter)) {
            self.off = true;
            return Ok(planned);
        }
        if let Some(fault) = planned.filter(|fault| fitting.contains(fault)) {
            return Ok(Some(fault));
        }
        Ok(fitting.iter().copied().find(|fault| self.fate.once_in(self.odds[*fault as usize])))
    }

    pub(super) fn entropy(&self) -> [u8; 16] {
        // It depends on nothing but the number of files, so that a dump of a journal is the same each time.
        (self.bodies.len() as u128).to_le_bytes().map(|byte| byte ^ b'j')
    }

    pub(super) fn list(&self) -> io::Result<Vec<String>> {
        self.check_folder()?;
        Ok(self.names.seen.keys().cloned().collect())
    }

    pub(super) fn inode_of(&self, name: &str) -> io::Result<Option<usize>> {
        self.check_power()?;
        Ok(self.names.inode(name))
    }

    pub(super) fn open(&mut self, name: &str, mode: Mode) -> io::Result<Handle> {
        self.check_folder()?;
        let inode = match (self.names.inode(name), mode) {
            (Some(_), Mode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(inode), Mode::Read | Mode::Update) => inode,
            (None, Mode::Read) => return Err(io::ErrorKind::NotFound.into()),
            (None, Mode::Update | Mode::CreateNew) => self.create(name)?,
        };
        self.next_handle += 1;
        Ok(Handle { inode, number: self.next_handle - 1 })
    }

    fn create(&mut self, name: &str) -> io::Result<usize> {
        let inode = self.bodies.len();
        self.bodies.push(Arc::default());
        self.name(Naming::Link(name.to_owned(), inode))?;
        Ok(inode)
    }

    pub(super) fn publish(&mut self, from: &str, to: &str) -> io::Result<()> {
        match (self.names.inode(from), self.names.inode(to)) {
            (None, _) => Err(io::ErrorKind::NotFound.into()),
            (_, Some(_)) => Err(io::ErrorKind::AlreadyExists.into()),
            (Some(_), None) => self.name(Naming::Move(from.to_owned(), to.to_owned())),
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> io::Result<()> {
        match self.names.inode(name) {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(_) => self.name(Naming::Unlink(name.to_owned())),
        }
    }

    fn name(&mut self, naming: Naming) -> io::Result<()> {
        let fault = self.fault(&[Fault::WriteError])?;
        if is_done(fault) {
            self.names.change(naming);
        }
        outcome(fault)
    }

    pub(super) fn sync_names(&mut self) -> io::Result<()> {
        let fault = self.fault(&[Fault::SyncError])?;
        if is_done(fault) {
            self.names.sync();
        } else if fault == Some(Fault::SyncError) {
            self.names.lose_pending();
        }
        outcome(fault)
    }

    pub(super) fn is_locked(&self, name: &str) -> bool {
        self.names.inode(name).is_some_and(|inode| self.locks.contains_key(&inode))
    }

    pub(super) fn lock(&mut self, handle: Handle) -> bool {
        *self.locks.entry(handle.inode).or_insert(handle.number) == handle.number
    }

    pub(super) fn unlock(&mut self, handle: Handle) {
        if self.locks.get(&handle.inode) == Some(&handle.number) {
            self.locks.remove(&handle.inode);
        }
    }

    pub(super) fn len(&self, inode: usize) -> usize {
        self.bodies[inode].seen.len()
    }

    pub(super) fn read(&mut self, inode: usize, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let one_in = self.odds[Fault::ReadError as usize];
        if mem::take(&mut self.planned_read_errors) || self.fate.once_in(one_in) {
            return Err(failure(Fault::ReadError));
        }
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        Ok(self.bodies[inode].seen.read(at, buffer))
    }

    pub(super) fn write(&mut self, inode: usize, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let at = usize::try_from(offset).map_err(io::Error::other)?;
        let fault = self.fault(&[Fault::WriteError, Fault::NoSpace, Fault::ShortWrite])?;
        let count = match fault {
            Some(fault @ (Fault::WriteError | Fault::NoSpace)) => return Err(failure(fault)),
            Some(Fault::ShortWrite) => 1 + self.fate.below(bytes.len()),
            _ => bytes.len(),
        };
        let count = count.min(self.room(inode, at));
        let change = self.changes;
        self.body(inode).write(at, &bytes[..count], change);
        match fault {
            Some(fault @ (Fault::PowerCut | Fault::CutAfter)) => Err(failure(fault)),
            _ if count == 0 => Err(failure(Fault::NoSpace)),
            _ => Ok(count),
        }
    }

    fn body(&mut self, inode: usize) -> &mut Body {
        Arc::make_mut(&mut self.bodies[inode])
    }

    /// How many bytes can be written at `at` until the disk is full.
    fn room(&self, inode: usize, at: usize) -> usize {
        let Some(capacity) = self.capacity else { return usize::MAX };
        let used: usize = self.names.seen.values().map(|inode| self.len(*inode)).sum();
        let free = usize::try_from(capacity).unwrap_or(usize::MAX).saturating_sub(used);
        (self.len(inode) + free).saturating_sub(at)
    }

    pub(super) fn sync(&mut self, inode: usize) -> io::Result<()> {
        let fault = self.fault(&[Fault::SyncError])?;
        match fault {
            // Nothing is copied for a sync of nothing.
            _ if !self.bodies[inode].is_volatile() => {}
            Some(Fault::SyncError) => self.body(inode).lose_pending(),
            fault if is_done(fault) => self.body(inode).sync(),
            _ => {}
        }
        outcome(fault)
    }

    pub(super) fn set_len(&mut self, inode: usize, len: u64) -> io::Result<()> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let fault = self.fault(&[Fault::WriteError])?;
        if fault != Some(Fault::WriteError) {
            self.body(inode).set_len(len);
        }
        outcome(fault)
    }

    pub(super) fn drop_cache(&mut self, inode: usize) {
        if self.bodies[inode].is_volatile() {
            self.body(inode).drop_cache();
        }
    }

    pub(super) fn contents(&self, name: &str) -> Option<Vec<u8>> {
        self.names.inode(name).map(|inode| self.bodies[inode].seen.to_vec())
    }

    pub(super) fn set_contents(&mut self, name: &str, contents: Option<Vec<u8>>) {
        self.folder = true;
        match (contents, self.names.inode(name)) {
            (None, _) => self.names.set(name, None),
            (Some(contents), Some(inode)) => self.bodies[inode] = Arc::new(Body::durable(&contents)),
            (Some(contents), None) => {
                self.names.set(name, Some(self.bodies.len()));
                self.bodies.push(Arc::new(Body::durable(&contents)));
            }
        }
    }

    pub(super) fn flip(&mut self, name: &str, bit: usize) {
        let inode = self.names.inode(name).expect("a bit of an existing file is flipped");
        self.body(inode).flip(bit);
    }

    pub(super) fn flip_unsynced(&mut self, bit: usize) -> Option<String> {
        let inode = self.last_written()?;
        self.body(inode).flip_last_write(bit);
        self.names.seen.iter().find(|(_, named)| **named == inode).map(|(name, _)| name.clone())
    }
}

/// Whether a sync, or a change of a name, has happened all the same.
fn is_done(fault: Option<Fault>) -> bool {
    matches!(fault, None | Some(Fault::CutAfter))
}

fn outcome(fault: Option<Fault>) -> io::Result<()> {
    fault.map_or(Ok(()), |fault| Err(failure(fault)))
}

fn failure(fault: Fault) -> io::Error {
    match fault {
        Fault::NoSpace => io::ErrorKind::StorageFull.into(),
        Fault::PowerCut | Fault::CutAfter => io::Error::other("the power went"),
        Fault::ShortWrite | Fault::WriteError | Fault::SyncError | Fault::ReadError => {
            io::Error::other("the simulated disk failed")
        }
    }
}
