//! A fork bomb. It takes some seconds of the whole machine, so it is tried only when asked for, as a user who is not root or
//! where control groups can be made: `cargo test --test walls bombs -- --ignored`.

use crate::common::Scene;

/// Forks until it may not, tells how far it got, and ends what it started.
const BOMB: &str = r"
perl -e '
    my @all;
    while (@all < 20000) { my $pid = fork; last unless defined $pid; if (!$pid) { sleep 600; exit } push @all, $pid }
    print scalar(@all), qq( $!\n);
    kill q(KILL), @all;
' >$ROOT/flags/forked
";

#[test]
#[ignore = "takes the machine for some seconds"]
fn a_fork_bomb_ends_at_the_limit_of_processes() {
    let scene = Scene::new();
    scene.script("a", BOMB);
    scene.plan(
        "budget: 1usd\ndefaults: { if_no_changes: ok, timeout: 5m }",
        "  a: { agent: script, prompt: x }\n",
    );
    scene.run(&[]).assert_code(0);
    let told = std::fs::read_to_string(scene.root.join("flags/forked")).unwrap();
    println!("{told}");
    let (forked, why) = told.split_once(' ').unwrap();
    // It may start 8,192 more than the machine had processes and threads when it began.
    assert!(forked.parse::<u32>().unwrap() < 20_000, "{told}");
    assert!(why.contains("Resource temporarily unavailable"), "{told}");
    scene.assert_clean();
}
