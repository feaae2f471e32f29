//! Walls around what swarm starts: what a process and all that comes of it may write, see and reach. Knows no plan and no run.
//!
//! | file | is about |
//! |---|---|
//! | `enclosure` | what one process gets, as data: it stands in the job of a holder |
//! | `granted` | places to write and places to keep, as a list of what is granted |
//! | `usual` | what programs write besides their work: temporary folders, devices, caches |
//! | `landlock`, `bwrap`, `network`, `powers` | the ways to enforce it |
//! | `choose` | what this machine offers |

mod bwrap;
mod choose;
mod enclosure;
mod granted;
mod landlock;
mod network;
mod powers;
mod usual;

pub use choose::{Found, NoWall, check_network, find, offers, without_network_main};
pub use enclosure::{Enclosure, Kind, WallError, raise};
pub use granted::{Places, granted, holds, lies_in};
pub use usual::{CACHES, Cache, DEVICES, PROTECTED, TEMPORARY, caches, home_path};
