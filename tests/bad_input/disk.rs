//! A full disk: nothing is lost, and it goes on once there is room. Each test fills a small disk of its own, in a mount namespace.

use crate::common::Scene;

/// Mounts a disk of 160 MB at `../disk`, with a clone of the repository and swarm's worktrees on it. `fill` fills it up to a
/// remainder in KiB, `free` frees it.
const DISK: &str = r#"
cd ..; mkdir disk; mount -t tmpfs -o size=160m tmpfs disk
git clone -q repo disk/repo; cd disk/repo; git config user.name Ada; git config user.email ada@example.org
export SWARM_STATE_DIR=$PWD/../state; mkdir ../state
fill() { dd if=/dev/zero of=../fill bs=4k 2>/dev/null || true; truncate -s -"$1"K ../fill; }
free() { rm ../fill; }
told() { while ! $SWARM replay latest --events 2>/dev/null | grep -q "\"type\":\"$1\""; do sleep 0.05; done; }
code() { local code=0; "$@" || code=$?; echo $code; }
"#;

/// Runs a script as root of a mount namespace of its own; each line of its output is an exit code. None where this
/// machine allows no such thing.
fn on_a_small_disk(scene: &Scene, script: &str) -> Option<Vec<String>> {
    let words = ["--user", "--map-root-user", "--mount"];
    if scene.start_program("unshare", &[&words[..], &["true"]].concat()).end().code != 0 {
        eprintln!("skipped: this machine allows no mount namespace");
        return None;
    }
    let script = format!("{DISK}\n{script}");
    let ran = scene.start_program("unshare", &[&words[..], &["bash", "-ec", &script]].concat()).end();
    Some(ran.assert_code(0).out.lines().map(str::to_owned).collect())
}

#[test]
fn a_run_that_cannot_be_recorded_does_not_begin_and_one_that_can_goes_on_after_a_crash() {
    let scene = Scene::new();
    let plan = scene.plan("budget: 5usd", "  a: { agent: script, prompt: Work. }\n");
    scene.script("a", "flag runs; await go; echo a >a.txt");
    let (plan, flags) = (plan.display(), scene.root.join("flags"));
    let flags = flags.display();
    let codes = on_a_small_disk(
        &scene,
        &format!(
            "fill 0; code $SWARM run {plan}; free; ls .git/swarm/runs 2>/dev/null | wc -l
            $SWARM run {plan} & while ! [ -e {flags}/runs ]; do sleep 0.02; done; kill -9 $!; wait $! || true
            fill 0; code $SWARM resume; free
            : >{flags}/go; code $SWARM resume; code $SWARM replay latest --verify >/dev/null
            git show swarm/t:a.txt"
        ),
    );
    if let Some(codes) = codes {
        assert_eq!(codes.join(" "), "8 0 8 0 a", "the verification prints its own words: {codes:?}");
    }
}

#[test]
fn without_room_for_a_worktree_nothing_starts_until_there_is_some() {
    let scene = Scene::new();
    std::fs::write(scene.repo.join("large.bin"), vec![b'x'; 6 << 20]).unwrap();
    scene.commit("large");
    let plan = scene.plan("budget: 5usd", "  a: { run: echo a > a.txt }\n");
    let plan = plan.display();
    let codes = on_a_small_disk(
        &scene,
        &format!(
            "fill 3000; $SWARM run {plan} & run=$!
            told disk.full; $SWARM status | grep -qi 'room\\|disk'; echo $?; free
            code wait $run; git show swarm/t:a.txt; code $SWARM replay latest --verify >/dev/null"
        ),
    );
    if let Some(codes) = codes {
        assert_eq!(codes.join(" "), "0 0 a", "{codes:?}");
    }
}
