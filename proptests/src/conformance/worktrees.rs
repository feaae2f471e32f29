//! What holds of every worktree that a run makes: what it begins with, what an attempt leaves in it, and its end.

use swarm_domain::Effect;
use swarm_domain::fact::Start;

use super::ask::{Place, answer, make, paths};
use super::stage::Step::{Commit, DeleteWorktree, Need, Uproot, Write};
use super::stage::{Check, Deed, Stage};

/// Hands the names of all checks of worktrees to a macro, such as one that makes a test of each.
#[macro_export]
macro_rules! worktree_checks {
    ($each:ident) => {
        $each! {
            a_worktree_on_the_head_holds_exactly_the_head
            a_worktree_is_the_same_when_asked_again
            an_earlier_tip_is_rebuilt_on_the_new_head
            an_earlier_tip_that_has_landed_adds_nothing
            an_earlier_tip_in_conflict_is_put_into_the_files
            an_earlier_tip_in_conflict_can_be_left_out
            a_worktree_in_which_a_program_was_started_is_not_made_again
            commits_are_kept
            what_was_left_uncommitted_is_kept
            an_attempt_without_changes_leaves_what_it_was_given
            a_head_that_was_moved_elsewhere_is_kept_and_does_not_descend
            of_a_deleted_worktree_the_commits_are_kept
            what_was_written_outside_the_claims_is_named
            a_worktree_is_removed_and_what_was_kept_stays
            a_worktree_made_after_another_holds_nothing_of_it
        }
    };
}

macro_rules! table {
    ($($check:ident)*) => {
        /// All checks of worktrees.
        pub const CHECKS: &[Check] = &[$(Check { name: stringify!($check), on: $check }),*];
    };
}
worktree_checks!(table);

/// A worktree has the files of the target's head, and nothing else.
fn a_worktree_on_the_head_holds_exactly_the_head(stage: &mut dyn Stage) {
    stage.stranger(Deed::Commit("theirs"));
    let (place, kept) = stage.attempt("a", &[Need("theirs")]);
    assert_eq!((&place.made.start, place.made.conflicts.is_empty()), (&place.onto, true));
    assert_eq!((kept.tip, kept.changed), (place.onto, false));
}

/// To make a worktree twice is to make it once, also for an orchestrator that knows nothing of the first time.
fn a_worktree_is_the_same_when_asked_again(stage: &mut dyn Stage) {
    let first = stage.place("a").made;
    assert_eq!(stage.place("a").made, first);
    stage.crash();
    assert_eq!(stage.place("a").made, first);
}

/// The tip of an attempt that wrote `p`, and a stranger's commit on a path after it.
fn overtaken(stage: &mut dyn Stage, theirs: &'static str) -> Start {
    let (place, kept) = stage.attempt("a", &[Write("p")]);
    answer!(stage, place.remove(), WorktreeRemoved);
    stage.stranger(Deed::Commit(theirs));
    Start::Tip { attempt: 1, tip: kept.tip, base: place.onto }
}

/// The second attempt from an earlier tip: asked twice, and again after a crash.
fn again(stage: &mut dyn Stage, from: &Start, materialise: bool) -> Place {
    let onto = stage.head();
    let order = make("a", 2, &onto, from.clone(), materialise);
    let made = answer!(stage, order.clone(), WorktreeMade);
    assert_eq!(answer!(stage, order.clone(), WorktreeMade), made, "asked twice");
    stage.crash();
    assert_eq!(answer!(stage, order, WorktreeMade), made, "asked after a crash");
    Place { onto, made }
}

/// A retry begins with the earlier work as a commit on what has landed since.
fn an_earlier_tip_is_rebuilt_on_the_new_head(stage: &mut dyn Stage) {
    let from = overtaken(stage, "q");
    let place = again(stage, &from, true);
    assert_eq!((stage.changes(&place.made.start), place.made.conflicts.len()), (paths(["p", "q"]), 0));
    stage.run(&place, &[Need("p"), Need("q"), Write("r")]);
    let kept = stage.keep(&place);
    assert!(kept.changed && kept.descends, "{kept:?}");
    assert_eq!(stage.changes(&kept.tip), paths(["p", "q", "r"]));
}

/// A retry of work that is in the target by now begins at the head.
fn an_earlier_tip_that_has_landed_adds_nothing(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[Write("p")]);
    stage.landed("a", &kept.tip);
    let from = Start::Tip { attempt: 1, tip: kept.tip, base: place.onto };
    let place = again(stage, &from, true);
    assert_eq!(place.made.start, place.onto);
    stage.run(&place, &[]);
    assert!(!stage.keep(&place).changed);
}

/// Work in conflict is put into the files of the head: a program that leaves the markers is told of, one that writes the
/// path has resolved it.
fn an_earlier_tip_in_conflict_is_put_into_the_files(stage: &mut dyn Stage) {
    let from = overtaken(stage, "p");
    let place = again(stage, &from, true);
    assert_eq!((&place.made.start, &place.made.conflicts), (&place.onto, &vec!["p".to_owned()]));
    stage.run(&place, &[]);
    let kept = stage.keep(&place);
    assert_eq!((kept.markers, kept.changed), (vec!["p".to_owned()], true));

    let Start::Tip { tip, base, .. } = from else { unreachable!("an overtaken attempt left a tip") };
    let from = Start::Tip { attempt: 1, tip, base };
    let made = answer!(stage, make("a", 3, &place.onto, from, true), WorktreeMade);
    let place = Place { made, ..place };
    stage.run(&place, &[Write("p")]);
    let kept = stage.keep(&place);
    assert_eq!((kept.markers.len(), kept.changed, kept.descends), (0, true, true));
}

/// Where conflicts are not wanted in the files, the retry begins at the head, without the earlier work.
fn an_earlier_tip_in_conflict_can_be_left_out(stage: &mut dyn Stage) {
    let from = overtaken(stage, "p");
    let place = again(stage, &from, false);
    assert_eq!((&place.made.start, place.made.conflicts.len()), (&place.onto, 0));
    stage.run(&place, &[]);
    assert!(!stage.keep(&place).changed);
}

/// Law 17: where a program has worked, nothing is made anew, whoever asks; its work stays where it is.
fn a_worktree_in_which_a_program_was_started_is_not_made_again(stage: &mut dyn Stage) {
    let place = stage.place("a");
    stage.run(&place, &[Write("p")]);
    stage.crash();
    answer!(stage, make("a", 1, &place.onto, Start::Head, false), WorktreeFailed);
    let kept = stage.keep(&place);
    assert_eq!(stage.changes(&kept.tip), paths(["p"]));
}

/// Law 17: an attempt's commits are reachable, and the same tip is the answer however often it is asked for.
fn commits_are_kept(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[Write("p"), Commit, Write("q"), Commit]);
    assert_eq!((kept.changed, kept.descends, kept.missing), (true, true, false));
    assert!(stage.is_kept(&kept.tip));
    assert_eq!(stage.changes(&kept.tip), paths(["p", "q"]));
    assert_eq!(stage.keep(&place), kept, "asked twice");
    stage.crash();
    assert_eq!(stage.keep(&place), kept, "asked after a crash");
}

/// Law 17: so is what it left uncommitted, on top of its commits or alone.
fn what_was_left_uncommitted_is_kept(stage: &mut dyn Stage) {
    for (task, steps, left) in [
        ("a", [Write("p"), Commit, Write("q")].as_slice(), paths(["p", "q"])),
        ("b", &[Write("p")], paths(["p"])),
    ] {
        let (place, kept) = stage.attempt(task, steps);
        assert_eq!((kept.changed, kept.descends, kept.missing), (true, true, false), "{task}");
        assert!(stage.is_kept(&kept.tip), "{task}");
        assert_eq!(stage.changes(&kept.tip), left, "{task}");
        assert_eq!(stage.keep(&place), kept, "asked twice for {task}");
        stage.crash();
        assert_eq!(stage.keep(&place), kept, "asked after a crash for {task}");
    }
}

/// An attempt that wrote nothing leaves the commit that it began with.
fn an_attempt_without_changes_leaves_what_it_was_given(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[]);
    assert_eq!((kept.changed, kept.descends, kept.missing), (false, true, false));
    assert_eq!(kept.tip, place.made.start);
    assert!(stage.is_kept(&kept.tip));
}

/// A HEAD that no longer descends from the base is kept like any other, and the fact says what it is.
fn a_head_that_was_moved_elsewhere_is_kept_and_does_not_descend(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[Write("p"), Commit, Uproot]);
    assert_eq!((kept.changed, kept.descends, kept.missing), (true, false, false));
    assert!(stage.is_kept(&kept.tip));
    assert_eq!(stage.keep(&place), kept, "asked twice");
}

/// An attempt that deleted its worktree has taken with it what was uncommitted. Its commits are kept.
fn of_a_deleted_worktree_the_commits_are_kept(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[Write("p"), Commit, Write("q"), DeleteWorktree]);
    assert_eq!((kept.changed, kept.descends, kept.missing), (true, true, true));
    assert!(stage.is_kept(&kept.tip));
    assert_eq!(stage.changes(&kept.tip), paths(["p"]));
    assert_eq!(stage.keep(&place), kept, "asked twice");
    answer!(stage, place.remove(), WorktreeRemoved);
}

/// Paths outside the claims are named, whether they were committed or not. Whoever claims nothing is not checked.
fn what_was_written_outside_the_claims_is_named(stage: &mut dyn Stage) {
    let place = stage.place("a");
    stage.run(&place, &[Write("p"), Write("s"), Write("q"), Commit, Write("r")]);
    let mut claiming = place.preserve();
    (claiming.claims, claiming.shared) = (vec!["p".to_owned()], vec!["s".to_owned()]);
    let kept = answer!(stage, Effect::Preserve(Box::new(claiming)), Preserved);
    assert_eq!(kept.strays, ["q", "r"]);
    assert_eq!(stage.keep(&place).strays, [""; 0]);
}

/// Law 17: a worktree goes when its work is reachable, and the work stays. To remove it twice is to remove it once.
fn a_worktree_is_removed_and_what_was_kept_stays(stage: &mut dyn Stage) {
    let (place, kept) = stage.attempt("a", &[Write("p"), Commit, Write("q")]);
    assert!(stage.is_kept(&kept.tip));
    answer!(stage, place.remove(), WorktreeRemoved);
    answer!(stage, place.remove(), WorktreeRemoved);
    stage.crash();
    answer!(stage, place.remove(), WorktreeRemoved);
    assert!(stage.is_kept(&kept.tip));
    assert_eq!(stage.changes(&kept.tip), paths(["p", "q"]));
    assert_eq!(stage.keep(&place), kept, "what is known of it stays as well");
}

/// What one attempt left lying about is not there for the next, and what is still asked of the first is not done to it.
fn a_worktree_made_after_another_holds_nothing_of_it(stage: &mut dyn Stage) {
    let (first, of_first) = stage.attempt("a", &[Write("p"), Commit, Write("q")]);
    answer!(stage, first.remove(), WorktreeRemoved);
    let next = stage.place("b");
    assert_eq!(stage.keep(&first), of_first);
    stage.run(&next, &[Write("r")]);
    answer!(stage, first.remove(), WorktreeRemoved);
    let kept = stage.keep(&next);
    assert_eq!(stage.changes(&kept.tip), paths(["r"]));
    assert_eq!(stage.keep(&first), of_first);
}
