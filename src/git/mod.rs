//! Git, by its command line: each operation that swarm needs, typed. Knows no task and no journal.

mod change;
mod checkouts;
mod clone;
mod command;
mod error;
mod filters;
mod history;
mod land;
mod listing;
mod merge;
mod output;
mod pool;
mod preserve;
mod rebuild;
mod refs;
mod repo;
mod shadow;
mod snapshot;
mod submodules;
mod user_files;
mod worktree;

pub use change::{Change as RawChange, Object};
pub use error::GitError;
pub use filters::Filters;
pub use history::CommitInfo;
pub use land::{Landed, LandedHow};
pub use merge::{MergeOrder, Merged, Strategy};
pub(crate) use output::path_text;
pub use preserve::{Preserve, Preserved};
pub use rebuild::Rebuilt;
pub use repo::{Identity, Repo};
pub use snapshot::{Change, Snapshot};
pub use worktree::Worktree;
