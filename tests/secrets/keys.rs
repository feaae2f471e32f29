//! Who gets which key: an agent those of its own program, and nobody else any, unless the plan says so.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Ran, Scene};

const KEYS: [(&str, &str); 4] = [
    ("ANTHROPIC_API_KEY", "anthropic says hello"),
    ("CODEX_API_KEY", "codex says hello"),
    ("GEMINI_API_KEY", "gemini says hello"),
    ("NPM_TOKEN", "npm says hello"),
];

/// Adds which of the keys it sees to a file of the scene.
fn look(scene: &Scene, who: &str) -> String {
    format!(
        "env | grep -oE '^({})' >>{}/flags/{who} || true",
        KEYS.map(|(name, _)| name).join("|"),
        scene.root.display()
    )
}

fn seen(scene: &Scene, who: &str) -> BTreeSet<String> {
    let text =
        std::fs::read_to_string(scene.root.join("flags").join(who)).expect("whoever looks leaves a file");
    text.lines().map(str::to_owned).collect()
}

fn run(scene: &Scene) -> Ran {
    let path = format!("{}:{}", scene.root.join("bin").display(), std::env::var("PATH").unwrap());
    let plan = scene.root.join("plan.yaml");
    let running = scene.start_with(&["run", plan.to_str().unwrap()], |command| {
        command.envs(KEYS).env("PATH", path);
    });
    running.end()
}

/// A scene in which programs of these names look around, do some work, and print a final record.
fn scene(programs: &[&str]) -> Scene {
    let scene = Scene::new();
    for program in programs {
        let (look, version) = (
            look(&scene, &format!("$SWARM_TASK.{program}")),
            "if [ \"$1\" = --version ]; then echo 9.9.9; exit; fi",
        );
        let done = r#"{"type":"result","subtype":"success","is_error":false,"session_id":"s","total_cost_usd":0.01,"permission_denials":[],"modelUsage":{}}"#;
        let text = format!(
            "#!/bin/bash\n{version}\n{look}\ncat >/dev/null\necho x >$SWARM_TASK.txt\necho '{done}'\n"
        );
        let file = scene.file(&format!("bin/{program}"), text);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    scene
}

#[test]
fn keys_reach_the_program_that_they_are_for_and_nobody_else() {
    let scene = scene(&["claude", "codex"]);
    let [setup, gate, command, template] = ["setup", "gate", "command", "template"].map(|who| {
        let file = scene.file(&format!("{who}.sh"), look(&scene, who));
        format!("bash {}", file.display())
    });
    let head = format!(
        "budget: 5usd\nworkspace: {{ setup: ['{setup}'] }}\ngates: {{ unit: '{gate}' }}\ndefaults: {{ retries: 0 }}"
    );
    scene.script("t", &format!("{template}; echo t >t.txt"));
    let tasks = format!(
        "  c: {{ agent: claude, prompt: Work, estimate: 0.10usd, gates: [unit] }}\n  x: {{ agent: codex, prompt: Work, estimate: 0.10usd, optional: true }}\n  r: {{ run: '{command}; echo r >r.txt' }}\n  t: {{ agent: script, prompt: Work }}\n"
    );
    scene.plan(&head, &tasks);
    run(&scene).assert_says("landed");
    for who in ["setup", "gate", "command", "template"] {
        assert_eq!(seen(&scene, who), BTreeSet::new(), "{who}");
    }
    assert_eq!(seen(&scene, "c.claude"), BTreeSet::from(["ANTHROPIC_API_KEY".to_owned()]));
    assert_eq!(seen(&scene, "x.codex"), BTreeSet::from(["CODEX_API_KEY".to_owned()]));
    assert_eq!(scene.state_of("c"), "merged");
}

#[test]
fn what_a_plan_passes_through_reaches_whom_it_names() {
    let scene = scene(&[]);
    let gate = scene.file("gate.sh", look(&scene, "gate"));
    let head = format!(
        "budget: 5usd\ngates: {{ unit: {{ run: 'bash {}', pass_env: [NPM_TOKEN] }} }}",
        gate.display()
    );
    scene.plan(&head, "  t: { agent: script, prompt: Work, pass_env: [GEMINI_API_KEY], gates: [unit] }\n");
    scene.script("t", &format!("{}; echo t >t.txt", look(&scene, "template")));
    run(&scene).assert_code(0);
    assert_eq!(seen(&scene, "gate"), BTreeSet::from(["NPM_TOKEN".to_owned()]));
    assert_eq!(seen(&scene, "template"), BTreeSet::from(["GEMINI_API_KEY".to_owned()]));
}
