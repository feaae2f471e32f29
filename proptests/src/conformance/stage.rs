//! A world with hands: what a check may do to a world, and what it may see of it. Knows neither git nor the simulation.
//!
//! The unit of change is a path: two who touch the same path since a common base are in conflict, whatever they wrote.

use std::collections::BTreeSet;

use swarm_domain::fact::Usage;
use swarm_domain::{Effect, Event, Oid, Program, TaskId, Usd};

/// The branch that work lands on. Nobody has made it when a stage is new.
pub const TARGET: &str = "target";

/// A world behind the port of the actors, and hands for everybody else in it. Each check gets a new one.
pub trait Stage {
    /// Performs an effect to its end, and answers with what then is true. A program that waits has a limit, was told to
    /// stop, was let go or has lost its keeper, so there is an end.
    fn perform(&mut self, effect: Effect) -> Vec<Event>;

    /// Begins an effect and returns when its program waits. To perform the effect then is to wait for its end.
    fn begin(&mut self, effect: Effect);

    /// Tells an attempt's keeper what it may spend.
    fn set_grant(&mut self, task: &TaskId, attempt: u32, grant: Usd);

    /// What an attempt has used so far.
    fn usage(&mut self, task: &TaskId, attempt: u32) -> Usage;

    /// The orchestrator is killed, and another takes over that knows nothing.
    fn crash(&mut self);

    /// A program that does this. It ends with status 0 where the steps do not say otherwise.
    fn program(&mut self, steps: &[Step]) -> Program;

    /// Lets programs go on: the first call ends each program's first [`Step::Wait`], the second its second.
    fn let_go(&mut self);

    /// Somebody else does something.
    fn stranger(&mut self, deed: Deed);

    /// The commit that the run is based on.
    fn base(&self) -> Oid;

    /// What the target has beyond the base, oldest first. Nothing if there is no target.
    fn target(&self) -> Vec<Oid>;

    /// The paths in which a commit differs from the base.
    fn changes(&self, commit: &Oid) -> BTreeSet<String>;

    /// Whether a commit is reachable from a ref.
    fn is_kept(&self, commit: &Oid) -> bool;

    /// How many programs were ever started, those of setups and gates among them.
    fn starts(&self) -> usize;

    /// How many processes live that programs are made of. Their keepers do not count.
    fn living(&self) -> usize;
}

/// What a program does. A world may have names of its own for paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<Path = &'static str> {
    /// Writes a path. Nobody else writes the same.
    Write(Path),
    /// Commits what is uncommitted.
    Commit,
    /// Moves HEAD to a commit of the same files that descends from nothing.
    Uproot,
    /// Deletes its worktree.
    DeleteWorktree,
    /// Reports what it has spent in all.
    Report(Usd),
    /// Prints a text.
    Print(String),
    /// From now on SIGTERM does not end it.
    IgnoreTerm,
    /// Waits, silently, until it is let go.
    Wait,
    /// Ends with status 1 unless a path is there.
    Need(Path),
    /// Ends with a status.
    Exit(i32),
    /// Ends by a signal.
    Die(i32),
}

/// What somebody else does who knows nothing of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A commit on the target that writes a path. It makes the target where there is none.
    Commit(&'static str),
    /// The target is moved back by a commit.
    MoveBack,
    /// The target is checked out.
    CheckOut,
    /// It is checked out no more.
    Leave,
    /// The keepers of all programs are killed: nobody sees how these end.
    KillKeepers,
}

/// Something that holds of every stage, or panics.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// What holds, as a sentence.
    pub name: &'static str,
    /// Tries it on a new stage.
    pub on: fn(&mut dyn Stage),
}

impl Check {
    /// Tries it on a new stage. Whatever it is about, no program outlives it.
    pub fn hold(&self, stage: &mut dyn Stage) {
        let named = Named(self.name);
        (self.on)(stage);
        assert_eq!(stage.living(), 0, "of programs that have ended something lives");
        drop(named);
    }
}

/// Names the check that did not hold.
struct Named(&'static str);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this does not hold: {}", self.0);
        }
    }
}
