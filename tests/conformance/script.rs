//! What a program is to do, as Bash: the body of a script that a scene can run.

use std::fmt::Write;

use swarm_proptests::conformance::stage::Step;

use crate::common::Scene;

/// Nothing of the machine's configuration, as in the rest of a scene.
const SURROUNDINGS: &str = "export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1";

/// Writes the program with this number and returns the words that start it. It flags each start by its process, and
/// each wait by its place.
pub(crate) fn write(scene: &Scene, number: usize, steps: &[Step]) -> Vec<String> {
    let name = format!("program-{number}");
    let mut lines = format!("{SURROUNDINGS}\nflag started-{number}-$$\n");
    let mut waits = 0;
    for (at, step) in steps.iter().enumerate() {
        if *step == Step::Wait {
            waits += 1;
            let _ = writeln!(lines, "flag waits-{number}-{waits}; await go-{waits}");
        } else {
            lines.push_str(&line(scene, &format!("{number}-{at}"), step));
            lines.push('\n');
        }
    }
    scene.script(&name, &lines);
    ["bash", "-e", &scene.root.join("do").join(&name).to_string_lossy()].map(str::to_owned).to_vec()
}

/// A step with a mark that no other has.
fn line(scene: &Scene, mark: &str, step: &Step) -> String {
    match step {
        Step::Write(path) => format!("echo {mark} >{path}"),
        Step::Commit => "git add --all; git commit --quiet --message Work".to_owned(),
        Step::Uproot => {
            "git checkout --quiet --detach \"$(git commit-tree -m Root 'HEAD^{tree}')\"".to_owned()
        }
        Step::DeleteWorktree => "gone=$PWD; cd /; rm -rf \"$gone\"".to_owned(),
        Step::Report(total) => format!("usage {}", total.decimal()),
        // A flood is too long for a word.
        Step::Print(text) => {
            format!("cat '{}'", scene.file(&format!("texts/{mark}"), text).display())
        }
        Step::IgnoreTerm => "trap '' TERM".to_owned(),
        Step::Need(path) => format!("[ -e {path} ] || exit 1"),
        Step::Exit(code) => format!("exit {code}"),
        Step::Die(signal) => format!("kill -{signal} $$"),
        Step::Wait => unreachable!("a wait needs to know how many were before it"),
    }
}
