//! One line of work in front of one owner, whose turns serve all that waits at once. Does not know what a turn does.
//!
//! Group commit by combining (Hendler et al., *Flat Combining*, 2010): whoever finds the owner idle takes the turn
//! on its own thread, because waking another one costs a tenth of what a sync does. Once several callers meet, the
//! owner's thread takes the turns, and the running one is the time in which the next batch gathers. Either way there
//! is one owner, and one who is in charge of it.

use std::{
    mem,
    ops::ControlFlow,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::{Duration, Instant},
};

/// Work that may wait. Whoever brings more waits until it is taken.
const LINE_MAX: usize = 4096;
/// After a turn that served several, those come back with more work, and this is how long they are waited for. A sync
/// takes some hundred microseconds, and one that serves half of them makes the other half wait for two.
const GATHER: Duration = Duration::from_micros(40);

/// What the turns of a [`Group`] work on.
pub trait Owner: Send + 'static {
    /// What is asked of it, with the means to answer.
    type Work: Send + 'static;
    /// Does all of `work`, in order, and answers it. `Break` is the last turn.
    fn turn(&mut self, work: &mut Vec<Self::Work>) -> ControlFlow<()>;
    /// Nothing will be asked any more.
    fn end(self);
}

/// The owner takes no more work; what it had not taken yet is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("it takes no more work")]
pub struct Ended;

/// A line in front of an owner. Clones are the same line; when the last is gone, the owner ends.
pub struct Group<O: Owner>(Arc<Handles<O>>);

/// What all clones share, and the owner's thread does not.
struct Handles<O: Owner>(Arc<Shared<O>>);

struct Shared<O: Owner> {
    line: Mutex<Line<O::Work>>,
    /// Work was taken out of the line, or the line has ended.
    room: Condvar,
    /// How much is in the line.
    waiting: AtomicUsize,
    /// None once it has ended, and during a turn, so that one that panics is the last. Only who is in charge looks.
    owner: Mutex<Option<O>>,
    /// None if callers take every turn themselves.
    thread: OnceLock<Thread>,
}

struct Line<W> {
    work: Vec<W>,
    in_charge: InCharge,
    /// How many the last turn served.
    crowd: usize,
    closing: bool,
    ended: bool,
}

/// Who sees to it that what is in the line is done. While it is somebody, nobody else needs to care.
#[derive(Clone, Copy, PartialEq, Eq)]
enum InCharge {
    Nobody,
    Caller,
    Thread,
}

impl<O: Owner> Group<O> {
    /// A line whose owner has a thread of this name.
    pub fn spawn(name: &str, owner: O) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(owner));
        let served = shared.clone();
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || served.serve())?;
        shared.thread.get_or_init(|| thread.thread().clone());
        Ok(Self(Arc::new(Handles(shared))))
    }

    /// A line without a thread: every turn is taken by a caller, before its call returns. For one thread alone.
    pub fn inline(owner: O) -> Self {
        Self(Arc::new(Handles(Arc::new(Shared::new(owner)))))
    }

    /// Brings work. It is done in the order in which it was brought, perhaps before this returns; the answer, if
    /// there is one, comes by the work's own means. Blocks for a turn if nobody else is there to take it.
    pub fn send(&self, work: O::Work) -> Result<(), Ended> {
        self.bring(work, true)
    }

    /// Brings work and leaves it to the owner's thread, for callers that must not block. Blocks all the same while
    /// 4096 others wait. Without a thread it is [`Group::send`].
    pub fn hand_in(&self, work: O::Work) -> Result<(), Ended> {
        self.bring(work, false)
    }

    /// Lets the owner end once it has done what waits, whoever else still has a clone of this line.
    pub fn close(&self) {
        self.0.close();
    }

    fn bring(&self, work: O::Work, may_block: bool) -> Result<(), Ended> {
        let shared = &self.0.0;
        let mut line = shared.line_with_room()?;
        line.work.push(work);
        shared.waiting.store(line.work.len(), Ordering::Relaxed);
        if line.in_charge != InCharge::Nobody {
            return Ok(());
        }
        match shared.thread.get() {
            Some(thread) if line.crowd > 1 || !may_block => {
                line.in_charge = InCharge::Thread;
                drop(line);
                thread.unpark();
            }
            _ => {
                line.in_charge = InCharge::Caller;
                shared.take_turns(line);
            }
        }
        Ok(())
    }
}

impl<O: Owner> Clone for Group<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: Owner> std::fmt::Debug for Group<O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("waiting", &self.0.0.waiting).finish_non_exhaustive()
    }
}

impl<O: Owner> Handles<O> {
    fn close(&self) {
        let mut line = self.0.line();
        line.closing = true;
        if line.in_charge != InCharge::Nobody || line.ended {
            return;
        }
        if let Some(thread) = self.0.thread.get() {
            line.in_charge = InCharge::Thread;
            thread.unpark();
        } else {
            line.in_charge = InCharge::Caller;
            self.0.take_turns(line);
        }
    }
}

impl<O: Owner> Drop for Handles<O> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<O: Owner> Shared<O> {
    fn new(owner: O) -> Self {
        let in_charge = InCharge::Nobody;
        Self {
            line: Mutex::new(Line { work: Vec::new(), in_charge, crowd: 0, closing: false, ended: false }),
            room: Condvar::new(),
            waiting: AtomicUsize::new(0),
            owner: Mutex::new(Some(owner)),
            thread: OnceLock::new(),
        }
    }

    fn line(&self) -> MutexGuard<'_, Line<O::Work>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line_with_room(&self) -> Result<MutexGuard<'_, Line<O::Work>>, Ended> {
        let full = |line: &mut Line<O::Work>| line.work.len() >= LINE_MAX && !line.ended;
        let line = self.room.wait_while(self.line(), full).unwrap_or_else(PoisonError::into_inner);
        if line.ended || line.closing { Err(Ended) } else { Ok(line) }
    }

    /// A caller is in charge: it takes one turn, and leaves what came meanwhile to the thread, if there is one.
    fn take_turns<'a>(&'a self, mut line: MutexGuard<'a, Line<O::Work>>) {
        loop {
            line = self.turn(line);
            if line.at_rest() {
                line.in_charge = InCharge::Nobody;
                return;
            }
            if let Some(thread) = self.thread.get() {
                line.in_charge = InCharge::Thread;
                return thread.unpark();
            }
        }
    }

    /// The owner's thread.
    fn serve(&self) {
        let mut line = self.line();
        while !line.ended {
            if line.in_charge != InCharge::Thread {
                drop(line);
                thread::park();
                line = self.line();
                continue;
            }
            line = self.turn(line);
            if line.crowd > 1 && !line.ended {
                let crowd = line.crowd;
                drop(line);
                self.gather(crowd);
                line = self.line();
            }
            if line.at_rest() {
                line.in_charge = InCharge::Nobody;
            }
        }
    }

    /// Waits a moment for those that were just served.
    fn gather(&self, crowd: usize) {
        let since = Instant::now();
        while self.waiting.load(Ordering::Relaxed) < crowd && since.elapsed() < GATHER {
            std::hint::spin_loop();
        }
    }

    /// Does what is in the line, or ends. The caller of this is in charge.
    fn turn<'a>(&'a self, mut line: MutexGuard<'a, Line<O::Work>>) -> MutexGuard<'a, Line<O::Work>> {
        let mut work = mem::take(&mut line.work);
        self.waiting.store(0, Ordering::Relaxed);
        line.crowd = work.len();
        drop(line);
        self.room.notify_all();
        if self.act(&mut work) { self.line() } else { self.end() }
    }

    /// Whether there may be another turn.
    fn act(&self, work: &mut Vec<O::Work>) -> bool {
        let mut place = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mut owner) = place.take() else { return false };
        let mut guard = EndIfPanicking { shared: self, in_turn: true };
        let goes_on = !work.is_empty() && owner.turn(work).is_continue();
        if goes_on {
            *place = Some(owner);
        } else {
            owner.end();
        }
        guard.in_turn = false;
        goes_on
    }

    /// Lets go of everybody who waits.
    fn end(&self) -> MutexGuard<'_, Line<O::Work>> {
        let mut line = self.line();
        line.ended = true;
        line.work.clear();
        self.room.notify_all();
        // It waits for work that will not come any more.
        self.thread.get().map(Thread::unpark);
        line
    }
}

impl<W> Line<W> {
    /// Whether there is nothing to be done, be it to end.
    fn at_rest(&self) -> bool {
        self.ended || (self.work.is_empty() && !self.closing)
    }
}

/// During a turn: if it panics, the line ends.
struct EndIfPanicking<'a, O: Owner> {
    shared: &'a Shared<O>,
    in_turn: bool,
}

impl<O: Owner> Drop for EndIfPanicking<'_, O> {
    fn drop(&mut self) {
        if self.in_turn {
            drop(self.shared.end());
        }
    }
}
