//! Locks that last as long as the process that holds them: one live run per target, and when a lock that is held is believed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::git::Repo;
use crate::world::lock_file;

/// A process that was killed while it started another leaves its locks to that one, until it has executed its program.
const LEFT_BEHIND: Duration = Duration::from_secs(5);
/// Whoever asks whether a lock is held has it for a moment.
const ASKED: Duration = Duration::from_millis(200);
/// SIGKILL among the pending signals of a process.
const SIGKILL_BIT: u64 = 1 << 8;
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The right to land on a branch. It ends with the process, however that ends.
#[derive(Debug)]
pub struct TargetLock {
    _file: File,
}

impl TargetLock {
    /// Takes the lock of a branch; none if another live process has it.
    pub fn take(repo: &Repo, branch: &str) -> io::Result<Option<Self>> {
        let path = lock_file(repo, branch);
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        // Rust opens files close-on-exec, so that no agent inherits the lock.
        let mut file = File::options().create(true).append(true).open(&path)?;
        let doubt = Doubt::new();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if doubt.lasts(written_in(&path)) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Some(Self { _file: file }))
    }
}

fn written_in(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.parse().ok()
}

/// Doubt about a lock that is held: it may be free in a moment.
pub(super) struct Doubt(Instant);

impl Doubt {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Waits a little if the lock, which names this process as its owner, may go by itself.
    pub(super) fn lasts(&self, owner: Option<u32>) -> bool {
        let limit = if owner.is_none_or(is_another) { ASKED } else { LEFT_BEHIND };
        let lasts = self.0.elapsed() < limit;
        if lasts {
            std::thread::sleep(LOOK_AGAIN);
        }
        lasts
    }
}

/// Whether a process lives, is not about to die, and is not this one.
pub(super) fn is_another(pid: u32) -> bool {
    let dir = Path::new("/proc").join(pid.to_string());
    pid != std::process::id() && dir.exists() && !is_dying(&dir)
}

/// A process that was killed keeps its locks until its last thread has left the kernel, which a sync can hold there.
fn is_dying(dir: &Path) -> bool {
    // Gone between two looks: dead.
    let Ok(status) = fs::read_to_string(dir.join("status")) else { return true };
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let zombie = field("State:").is_some_and(|state| state.starts_with(['Z', 'X', 'x']));
    let killed = |name| {
        field(name)
            .and_then(|bits| u64::from_str_radix(bits, 16).ok())
            .is_some_and(|bits| bits & SIGKILL_BIT != 0)
    };
    zombie || killed("SigPnd:") || killed("ShdPnd:")
}
