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

/// A test for each check on the simulated world, in a module that says whose `CHECKS` they are.
macro_rules! tests {
    ($($check:ident)*) => {$(
        #[test]
        fn $check() {
            let name = stringify!($check);
            let check = CHECKS.iter().find(|check| check.name == name).unwrap();
            check.hold(&mut swarm_proptests::SimStage::new());
        }
    )*};
}

mod worktrees {
    use swarm_proptests::conformance::worktrees::CHECKS;
    swarm_proptests::worktree_checks!(tests);
}

mod repository {
    use swarm_proptests::conformance::repository::CHECKS;
    swarm_proptests::repository_checks!(tests);
}

mod process {
    use swarm_proptests::conformance::process::CHECKS;
    swarm_proptests::process_checks!(tests);
}

mod gates {
    use swarm_proptests::conformance::gates::CHECKS;
    swarm_proptests::gate_checks!(tests);
}
