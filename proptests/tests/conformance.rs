//! The simulated side of each port conforms as the real one does.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

use std::cell::Cell;
use std::sync::Arc;

use swarm_journal::{RealDisk, sim::SimDisk};
use swarm_proptests::conformance;

#[test]
fn the_real_disk_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let disks = Cell::new(0);
    conformance::disk(&|| {
        disks.set(disks.get() + 1);
        Arc::new(RealDisk::new(&dir.path().join(format!("{}/inner", disks.get()))))
    });
}

#[test]
fn the_simulated_disk_conforms() {
    conformance::disk(&|| Arc::new(SimDisk::new(0)));
}
