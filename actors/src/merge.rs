//! The actor of the merge queue: reads the target, merges in memory, runs the gates before a landing, moves the ref.
//!
//! One car at a time is the core's doing: it owes at most one merge. This actor is a performer like that of a task.

pub(crate) use crate::task::{Performer as MergeQueue, PerformerArgs as MergeArgs};
