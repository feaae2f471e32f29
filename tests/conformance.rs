//! The real world, held to the checks that the simulated one is held to: real git, real holders, real kills.
#![forbid(unsafe_code)]

mod common;
#[path = "conformance/real.rs"]
mod real;
#[path = "conformance/script.rs"]
mod script;

/// A test for each check, in a module that says whose `CHECKS` they are.
macro_rules! tests {
    ($($check:ident)*) => {$(
        #[test]
        fn $check() {
            let name = stringify!($check);
            let check = CHECKS.iter().find(|check| check.name == name).expect("it is in the table");
            check.hold(&mut crate::real::Real::working_in(TREE));
        }
    )*};
}

mod worktrees {
    const TREE: swarm_domain::Tree = swarm_domain::Tree::Worktree;
    use swarm_proptests::conformance::worktrees::CHECKS;
    swarm_proptests::worktree_checks!(tests);
}

/// The same in repositories of their own.
mod clones {
    const TREE: swarm_domain::Tree = swarm_domain::Tree::Clone;
    use swarm_proptests::conformance::worktrees::CHECKS;
    swarm_proptests::worktree_checks!(tests);
}

mod repository {
    const TREE: swarm_domain::Tree = swarm_domain::Tree::Clone;
    use swarm_proptests::conformance::repository::CHECKS;
    swarm_proptests::repository_checks!(tests);
}

mod process {
    const TREE: swarm_domain::Tree = swarm_domain::Tree::Worktree;
    use swarm_proptests::conformance::process::CHECKS;
    swarm_proptests::process_checks!(tests);
}

mod gates {
    const TREE: swarm_domain::Tree = swarm_domain::Tree::Worktree;
    use swarm_proptests::conformance::gates::CHECKS;
    swarm_proptests::gate_checks!(tests);
}
