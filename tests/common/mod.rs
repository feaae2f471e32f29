//! What the tests of the built binary share: a scratch repository, a way to run swarm in it, and what must hold afterwards.
#![allow(dead_code, unused_imports, reason = "each test crate uses another part of it")]

mod checkout;
mod events;
mod process;
mod running;
mod scene;
mod twenty_four;
mod wait;

pub(crate) use checkout::Checkout;
pub(crate) use events::{Event, Events, micros};
pub(crate) use process::{Signal, kill, lives, members_of, parent_of};
pub(crate) use running::{Ran, Running};
pub(crate) use scene::{Scene, write};
pub(crate) use twenty_four::TwentyFour;
pub(crate) use wait::{until, until_true};
