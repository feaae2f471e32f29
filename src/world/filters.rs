//! The user's filter drivers, written down when a run is begun: whoever drives it later runs those, and no others.

use std::path::Path;

use crate::git::{Filters, Repo};

/// The file in the run's folder.
const FILE: &str = "filters.json";

/// The repository with the filters that were there when the run began.
pub(super) fn pinned(repo: Repo, run_dir: &Path) -> Repo {
    let file = run_dir.join(FILE);
    if let Some(filters) = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
        return repo.with_filters(filters);
    }
    let filters: Filters = match repo.filters() {
        Ok(filters) => filters,
        Err(error) => {
            tracing::warn!(%error, "the filters of this repository cannot be read; none is run");
            Filters::new()
        }
    };
    let bytes = serde_json::to_vec(&filters).expect("a map of texts is JSON");
    if let Err(error) = std::fs::create_dir_all(run_dir).and_then(|()| std::fs::write(&file, bytes)) {
        tracing::warn!(%error, "the filters of this repository could not be written down");
    }
    repo.with_filters(filters)
}
