//! What holds of every repository that a run lands in: where its target is, merges in memory, landings.

use swarm_domain::effect::BuildMerge;
use swarm_domain::{Effect, Strategy};

use super::ask::{answer, land, paths, read_target};
use super::stage::Step::{Commit, Write};
use super::stage::{Check, Deed, Stage, TARGET};

/// Hands the names of all checks of a repository to a macro, such as one that makes a test of each.
#[macro_export]
macro_rules! repository_checks {
    ($each:ident) => {
        $each! {
            a_target_is_absent_until_somebody_makes_it
            a_target_is_found_where_it_was_moved_to
            a_target_that_was_moved_back_has_lost_what_landed
            a_merge_is_made_in_memory
            a_merge_is_the_same_commit_when_asked_again
            work_on_other_paths_merges
            work_on_a_path_that_had_landed_before_merges
            work_on_one_path_conflicts
            work_that_the_target_has_is_empty
            no_merge_is_made_on_a_target_that_has_moved
            nothing_lands_on_a_target_that_is_checked_out
            a_landing_moves_the_target_once
            a_landing_under_a_later_commit_has_happened
            a_landing_that_was_undone_is_made_again
            nothing_lands_on_a_target_that_has_moved
        }
    };
}

macro_rules! table {
    ($($check:ident)*) => {
        /// All checks of a repository.
        pub const CHECKS: &[Check] = &[$(Check { name: stringify!($check), on: $check }),*];
    };
}
repository_checks!(table);

/// Before anything landed there is no target, and nothing is lost.
fn a_target_is_absent_until_somebody_makes_it(stage: &mut dyn Stage) {
    let seen = answer!(stage, read_target(None), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (None, true));
    stage.stranger(Deed::Commit("p"));
    let seen = answer!(stage, read_target(None), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(stage.head()), true));
}

/// A target that a stranger moved on is where the stranger left it, and has what landed.
fn a_target_is_found_where_it_was_moved_to(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let landed = stage.landed("a", &kept.tip);
    stage.stranger(Deed::Commit("q"));
    assert_ne!(stage.head(), landed);
    stage.crash();
    let seen = answer!(stage, read_target(Some(&landed)), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(stage.head()), true));
}

/// A target that no longer has what landed says so.
fn a_target_that_was_moved_back_has_lost_what_landed(stage: &mut dyn Stage) {
    stage.stranger(Deed::Commit("q"));
    let before = stage.head();
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let landed = stage.landed("a", &kept.tip);
    stage.stranger(Deed::MoveBack);
    let seen = answer!(stage, read_target(Some(&landed)), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(before), false));
}

/// A merge gives a commit with the work of both, by either strategy. The target knows nothing of it, and no ref has it.
fn a_merge_is_made_in_memory(stage: &mut dyn Stage) {
    stage.stranger(Deed::Commit("q"));
    let (_, kept) = stage.attempt("a", &[Write("p"), Commit]);
    let before = stage.target();
    for strategy in [Strategy::Squash, Strategy::Merge] {
        let merge = BuildMerge { strategy, ..stage.merge("a", &kept.tip) };
        let commit = stage.built(&merge);
        assert_eq!(stage.changes(&commit), paths(["p", "q"]), "{strategy:?}");
        assert_eq!((stage.target(), stage.is_kept(&commit)), (before.clone(), false), "{strategy:?}");
    }
}

/// The same order gives the same commit, whoever asks; so the commit that was gated is the one that lands.
fn a_merge_is_the_same_commit_when_asked_again(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let merge = stage.merge("a", &kept.tip);
    let commit = stage.built(&merge);
    assert_eq!(stage.built(&merge), commit, "asked twice");
    stage.crash();
    assert_eq!(stage.built(&merge), commit, "asked after a crash");
}

/// Work that was begun before others landed merges if it touches other paths.
fn work_on_other_paths_merges(stage: &mut dyn Stage) {
    let (_, a) = stage.attempt("a", &[Write("p")]);
    let (_, b) = stage.attempt("b", &[Write("q"), Commit]);
    stage.landed("a", &a.tip);
    stage.stranger(Deed::Commit("r"));
    let landed = stage.landed("b", &b.tip);
    assert_eq!(stage.changes(&landed), paths(["p", "q", "r"]));
}

/// Work on a path that had landed when it was begun merges: only what others did since counts.
fn work_on_a_path_that_had_landed_before_merges(stage: &mut dyn Stage) {
    let (_, a) = stage.attempt("a", &[Write("p")]);
    stage.landed("a", &a.tip);
    let (_, b) = stage.attempt("b", &[Write("p"), Commit]);
    stage.stranger(Deed::Commit("q"));
    let landed = stage.landed("b", &b.tip);
    assert_eq!(stage.changes(&landed), paths(["p", "q"]));
}

/// Work that touches a path which others have touched since does not merge, and the path is named.
fn work_on_one_path_conflicts(stage: &mut dyn Stage) {
    let (_, a) = stage.attempt("a", &[Write("p"), Write("q")]);
    let (_, b) = stage.attempt("b", &[Write("q"), Write("r")]);
    stage.landed("a", &a.tip);
    let before = stage.target();
    let merge = Effect::BuildMerge(Box::new(stage.merge("b", &b.tip)));
    let conflicted = answer!(stage, merge.clone(), MergeConflicted);
    assert_eq!(conflicted.paths, ["q"]);
    stage.crash();
    assert_eq!(answer!(stage, merge, MergeConflicted), conflicted, "asked after a crash");
    assert_eq!(stage.target(), before);
}

/// Work that the target has already, and no work at all, are nothing to land.
fn work_that_the_target_has_is_empty(stage: &mut dyn Stage) {
    let (_, nothing) = stage.attempt("a", &[]);
    let (_, work) = stage.attempt("b", &[Write("p")]);
    stage.landed("b", &work.tip);
    stage.stranger(Deed::Commit("q"));
    for (task, tip) in [("a", nothing.tip), ("b", work.tip)] {
        let merge = stage.merge(task, &tip);
        answer!(stage, Effect::BuildMerge(Box::new(merge)), MergeEmpty);
    }
}

/// A merge that was prepared on a head which is the head no longer is not made: the new head is the answer.
fn no_merge_is_made_on_a_target_that_has_moved(stage: &mut dyn Stage) {
    let (_, a) = stage.attempt("a", &[Write("p")]);
    let (_, b) = stage.attempt("b", &[Write("q")]);
    let landed = stage.landed("a", &a.tip);
    let merge = BuildMerge { landed: Some(landed), ..stage.merge("b", &b.tip) };
    stage.stranger(Deed::Commit("r"));
    let seen = answer!(stage, Effect::BuildMerge(Box::new(merge.clone())), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(stage.head()), true));
    stage.stranger(Deed::MoveBack);
    stage.stranger(Deed::MoveBack);
    let seen = answer!(stage, Effect::BuildMerge(Box::new(merge)), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(stage.base()), false));
}

/// Law 17: while the target is checked out nothing is built on it and nothing lands on it. When it is free, both go on.
fn nothing_lands_on_a_target_that_is_checked_out(stage: &mut dyn Stage) {
    stage.stranger(Deed::Commit("q"));
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let merge = stage.merge("a", &kept.tip);
    let commit = stage.built(&merge);
    let before = stage.target();
    stage.stranger(Deed::CheckOut);
    answer!(stage, Effect::BuildMerge(Box::new(merge.clone())), TargetHeld);
    answer!(stage, land(&merge, &commit), TargetHeld);
    assert_eq!(stage.target(), before);
    stage.stranger(Deed::Leave);
    answer!(stage, Effect::WatchTarget { seq: 20, target: TARGET.to_owned() }, TargetFreed);
    assert_eq!(stage.built(&merge), commit);
    answer!(stage, land(&merge, &commit), Merged);
}

/// Law 6: a landing that is asked for again, by the same orchestrator or by one that knows nothing of it, has happened
/// once.
fn a_landing_moves_the_target_once(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let merge = stage.merge("a", &kept.tip);
    let commit = stage.built(&merge);
    let merged = answer!(stage, land(&merge, &commit), Merged);
    assert_eq!((&merged.commit, stage.target()), (&commit, vec![commit.clone()]));
    assert_eq!(answer!(stage, land(&merge, &commit), Merged), merged, "asked twice");
    stage.crash();
    assert_eq!(answer!(stage, land(&merge, &commit), Merged), merged, "asked after a crash");
    assert_eq!(stage.target(), [commit]);
}

/// Law 6: what has landed has landed, also when somebody's commit is on top of it before it is on record.
fn a_landing_under_a_later_commit_has_happened(stage: &mut dyn Stage) {
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let merge = stage.merge("a", &kept.tip);
    let commit = stage.built(&merge);
    answer!(stage, land(&merge, &commit), Merged);
    stage.crash();
    stage.stranger(Deed::Commit("p"));
    let after = stage.target();
    assert_eq!(answer!(stage, land(&merge, &commit), Merged).commit, commit);
    assert_eq!((stage.target(), after.first()), (after.clone(), Some(&commit)));
}

/// A landing that somebody undid before it was on record has not happened: the target is where it was to begin.
fn a_landing_that_was_undone_is_made_again(stage: &mut dyn Stage) {
    stage.stranger(Deed::Commit("q"));
    let (_, kept) = stage.attempt("a", &[Write("p")]);
    let merge = stage.merge("a", &kept.tip);
    let commit = stage.built(&merge);
    answer!(stage, land(&merge, &commit), Merged);
    stage.stranger(Deed::MoveBack);
    stage.crash();
    assert!(!stage.target().contains(&commit));
    answer!(stage, land(&merge, &commit), Merged);
    assert_eq!(stage.head(), commit);
}

/// A target that is not where the intent says is left alone, whether it was made, moved on or moved back.
fn nothing_lands_on_a_target_that_has_moved(stage: &mut dyn Stage) {
    let (_, a) = stage.attempt("a", &[Write("p")]);
    let (_, b) = stage.attempt("b", &[Write("q")]);
    let to_nothing = stage.merge("a", &a.tip);
    let commit = stage.built(&to_nothing);
    stage.stranger(Deed::Commit("r"));
    let seen = answer!(stage, land(&to_nothing, &commit), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (Some(stage.head()), true));

    let landed = stage.landed("a", &a.tip);
    let merge = BuildMerge { landed: Some(landed), ..stage.merge("b", &b.tip) };
    let commit = stage.built(&merge);
    stage.stranger(Deed::Commit("s"));
    let before = stage.target();
    let seen = answer!(stage, land(&merge, &commit), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (before.last().cloned(), true));
    assert_eq!(stage.target(), before);
    stage.stranger(Deed::MoveBack);
    stage.stranger(Deed::MoveBack);
    let seen = answer!(stage, land(&merge, &commit), TargetSeen);
    assert_eq!((seen.found, seen.keeps), (before.first().cloned(), false));
}
