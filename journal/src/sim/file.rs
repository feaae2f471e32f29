//! One open file of the simulated disk. Does not know what survives.

use std::{
    io,
    sync::{Arc, Mutex},
};

use super::{
    lock,
    world::{Handle, World},
};
use crate::{
    bytes::offset as as_offset,
    disk::{File, Mode},
};

pub(super) struct SimFile {
    world: Arc<Mutex<World>>,
    handle: Handle,
    mode: Mode,
}

impl SimFile {
    pub(super) fn new(world: Arc<Mutex<World>>, handle: Handle, mode: Mode) -> Self {
        Self { world, handle, mode }
    }

    fn with<T>(&self, act: impl FnOnce(&mut World, usize) -> io::Result<T>) -> io::Result<T> {
        let mut world = lock(&self.world);
        match self.mode {
            // Who only reads may be another process, perhaps on another machine: it lives on.
            Mode::Read => world.check_power()?,
            Mode::Update | Mode::CreateNew => world.check(self.handle)?,
        }
        act(&mut world, self.handle.inode)
    }

    fn with_to_write<T>(&self, act: impl FnOnce(&mut World, usize) -> io::Result<T>) -> io::Result<T> {
        match self.mode {
            Mode::Read => Err(io::ErrorKind::PermissionDenied.into()),
            Mode::Update | Mode::CreateNew => self.with(act),
        }
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|world, inode| world.read(inode, buffer, offset))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with_to_write(|world, inode| world.write(inode, bytes, offset))
    }

    fn sync(&self) -> io::Result<()> {
        self.with(World::sync)
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.with(|world, inode| {
            world.drop_cache(inode);
            Ok(())
        })
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|world, inode| Ok(as_offset(world.len(inode))))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with_to_write(|world, inode| world.set_len(inode, len))
    }

    fn id(&self) -> io::Result<u64> {
        self.with(|_, inode| Ok(as_offset(inode)))
    }

    fn try_lock(&self) -> io::Result<bool> {
        self.with(|world, _| Ok(world.lock(self.handle)))
    }

    fn unlock(&self) {
        lock(&self.world).unlock(self.handle);
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        lock(&self.world).unlock(self.handle);
    }
}
