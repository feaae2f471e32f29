//! One attempt that plants something, then the whole way of its work: kept, gated, merged, landed, shown, used again.

use crate::common::{Ran, Scene};

/// What every attempt is told apart by: swarm's git ran a program of the agent's.
const SPRUNG: &str = "sprung";

/// A run in which `a` plants something and works, and `b` works after it, so that every tree is used again.
pub(crate) struct Set {
    pub(crate) scene: Scene,
    pub(crate) ran: Ran,
}

impl Set {
    /// `plant` is Bash, with the admin folder in `$G`, the user's repository in `$R`, room for more in `$D`, and in `$T` a
    /// program that leaves a mark.
    pub(crate) fn new(tree: &str, plant: &str) -> Self {
        Self::with_gate(tree, "git status", plant)
    }

    /// The same with another gate: where the user's own settings were changed, every git but swarm's obeys them.
    pub(crate) fn with_gate(tree: &str, gate: &str, plant: &str) -> Self {
        let scene = Scene::new();
        let root = scene.root.display().to_string();
        scene.plan(
            &format!("budget: 5usd\nconcurrency: 1\nisolation: {{ wall: none, tree: {tree} }}\ngates: {{ ok: {gate} }}\ndefaults: {{ gates: [ok] }}"),
            "  a: { agent: script, prompt: Work., retries: 0 }\n  b: { needs: [a], run: echo b >b.txt }\n  c: { needs: [b], run: echo c >c.txt }\n",
        );
        let tool = format!("#!/bin/sh\necho \"$0 $*\" >>{root}/{SPRUNG}\ncat\n");
        scene.file("trap", tool);
        let script = format!(
            "T={root}/trap; R={root}/repo; D={root}/planted; G=$(git rev-parse --absolute-git-dir); mkdir -p $D; chmod +x $T\n\
             # What the agent's own git runs is its own affair.\n\
             echo one >one.txt; git add one.txt; git commit -q -m one; echo two >two.txt\n{plant}\nrm -f {root}/{SPRUNG}"
        );
        scene.script("a", &script);
        let ran = scene.run(&[]);
        Self { scene, ran }
    }

    /// Fails if a program of the agent's ran, or if its work did not land as it is.
    #[track_caller]
    pub(crate) fn assert_harmless(self) -> Scene {
        let Self { scene, ran } = self;
        let ran = ran.assert_code(0);
        for args in
            [&["diff"][..], &["diff", "a"], &["status"], &["why", "a"], &["ls"], &["clean", "--dry-run"]]
        {
            scene.swarm(args);
        }
        let sprung = std::fs::read_to_string(scene.root.join(SPRUNG)).unwrap_or_default();
        assert_eq!(sprung, "", "swarm's git ran it\n{}", ran.err);
        for (file, text) in [("one.txt", "one"), ("two.txt", "two"), ("b.txt", "b"), ("c.txt", "c")] {
            assert_eq!(scene.git(&["show", &format!("swarm/t:{file}")]), text, "{file}");
        }
        scene.assert_clean();
        scene
    }

    /// The same, and it was named.
    #[track_caller]
    pub(crate) fn assert_named(self, words: &str) -> Scene {
        let scene = self.assert_harmless();
        let notes: Vec<String> =
            scene.events().about("run.noted", "a").map(|note| note.text("text").to_owned()).collect();
        assert!(notes.iter().any(|note| note.contains(words)), "nothing of {words} in {notes:?}");
        scene
    }
}
