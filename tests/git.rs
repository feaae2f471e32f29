//! The git module against real repositories in scratch folders.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set up its scene has failed, and the line says which"
)]

#[path = "git/added.rs"]
mod added;
#[path = "git/attempts.rs"]
mod attempts;
#[path = "git/hostile.rs"]
mod hostile;
#[path = "git/landing.rs"]
mod landing;
#[path = "git/merging.rs"]
mod merging;
#[path = "git/names.rs"]
mod names;
#[path = "git/scratch.rs"]
mod scratch;
#[path = "git/untouched.rs"]
mod untouched;
#[path = "git/worktrees.rs"]
mod worktrees;
