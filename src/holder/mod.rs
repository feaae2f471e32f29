//! The holder: a small process of our own around each agent, setup and gate. Knows no plan and no journal.
//!
//! One attempt, one folder, one holder. The folder is the whole interface: who reads it needs no pipe to the
//! holder and no parenthood, so the orchestrator can be killed and started again without killing an agent.
//!
//! | file | written by | means |
//! |---|---|---|
//! | `job.json` | orchestrator | what to run and within which limits; never a secret, the environment is inherited |
//! | `lock` | holder (flock) | held: the holder lives |
//! | `tree` | holder (flock), inherited by the job | held: something of the attempt lives |
//! | `start.json` | holder, by an exclusive link | the job's process; written before it executes anything |
//! | `stdout`, `stderr` | holder | the first and the last 8 MiB of what the job printed |
//! | `usage` | job | what it has spent, one JSON object a line |
//! | `begun.json` | holder | how much output was there before main began |
//! | `reading.json` | holder | what an agent program has said and used so far |
//! | `grant` | orchestrator | what it may spend |
//! | `stop` | orchestrator | a request to end it, or not to begin |
//! | `exit.json` | holder, by fsync and rename | how it ended; written only when nothing of the attempt lives |

mod error;
mod files;
mod gateway;
mod grant;
mod group;
mod job;
mod keeper;
mod launch;
mod limits;
mod listener;
mod lock;
mod meter;
mod money;
mod output;
mod probe;
mod process;
mod signals;
mod spawn;
mod stop;
mod sweep;
mod tail;
mod trampoline;
mod tree;
mod watch;

pub use error::HolderError;
pub use gateway::read_wants;
pub use grant::write_grant;
pub use job::{Ended, Exit, Job, Listen, MARK, Route, Start, Usage};
pub use keeper::holder_main;
pub use launch::launch;
pub use listener::{Conversation, conversation, is_heard, reading, reread};
pub use meter::read_usage;
pub use probe::{Probe, probe, wait};
pub use stop::stop;
pub use sweep::sweep;
pub use tail::tail;
pub use trampoline::trampoline_main;
