//! A plan of 24 tasks of every kind, whose final tree and cost are the same however it is run: no two of them write one file.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::Scene;

/// The plan. Tasks are `t01` to `t24`.
pub(crate) struct TwentyFour;

impl TwentyFour {
    /// How many there are.
    pub(crate) const COUNT: u32 = 24;

    /// Writes the plan and what its agents do. `head` is more YAML for the top of the plan.
    pub(crate) fn write(scene: &Scene, head: &str) {
        let mut tasks = String::new();
        for number in Self::numbers() {
            scene.script(&id(number), &script(number));
            tasks.push_str(&task(scene, number));
        }
        let gate = "gates: { whole: 'test -s README.md && ! grep -rn \"<<<<<<<\" out' }";
        scene.plan(&format!("budget: 5usd\n{gate}\n{head}"), &tasks);
    }

    fn numbers() -> std::ops::RangeInclusive<u32> {
        1..=Self::COUNT
    }

    pub(crate) fn ids() -> Vec<String> {
        Self::numbers().map(id).collect()
    }

    /// What each file under `out` holds in the end.
    pub(crate) fn files() -> BTreeMap<String, String> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        for number in Self::numbers() {
            let needed = need(number).map(|need| files[&path(need)].clone()).unwrap_or_default();
            files.insert(path(number), format!("{}\n{needed}", id(number)));
        }
        files
    }

    /// What all agents report together when each works once, in micro-dollars.
    pub(crate) fn cost() -> u64 {
        Self::numbers().filter(|number| is_agent(*number)).map(|number| u64::from(number) * 1000).sum()
    }
}

fn id(number: u32) -> String {
    format!("t{number:02}")
}

fn path(number: u32) -> String {
    format!("out/{}.txt", id(number))
}

/// Every third task of the last 16 needs one that is eight before it.
fn need(number: u32) -> Option<u32> {
    (number > 8 && number.is_multiple_of(3)).then(|| number - 8)
}

fn is_agent(number: u32) -> bool {
    number % 4 != 3
}

fn task(scene: &Scene, number: u32) -> String {
    let id = id(number);
    let work = if is_agent(number) {
        "agent: script, prompt: Write your file.".to_owned()
    } else {
        format!("run: 'bash -e {}/do/{id}'", scene.root.display())
    };
    let needs = need(number).map(|need| format!(", needs: [t{need:02}]")).unwrap_or_default();
    let gates = if number.is_multiple_of(2) { ", gates: [whole]" } else { "" };
    format!("  {id}: {{ title: Task {number}, {work}{needs}{gates} }}\n")
}

/// Notes that it started, works in small steps, reports in two steps, and commits all, some or nothing of it.
fn script(number: u32) -> String {
    let (id, path) = (id(number), path(number));
    let needed = need(number).map(self::path).unwrap_or_default();
    let mut lines = format!("echo \"$SWARM_ATTEMPT\" >>\"$ROOT/flags/starts-{id}\"\nmkdir -p out\n");
    let _ = writeln!(lines, "sleep 0.0{}", 2 + number % 5);
    let _ = writeln!(lines, "{{ echo {id}; cat {needed} </dev/null; }} >{path}");
    if is_agent(number) {
        let _ = writeln!(lines, "usage 0.{:04}", number * 5);
    }
    match number % 4 {
        0 => lines.push_str("git add out; git commit -qm 'All of it'\n"),
        2 => {
            let _ = writeln!(
                lines,
                "cp {path} keep; echo part >{path}; git add out; git commit -qm Half; mv keep {path}"
            );
        }
        _ => {}
    }
    let _ = writeln!(lines, "sleep 0.{}", 1 + number % 3);
    if is_agent(number) {
        let _ = writeln!(lines, "usage 0.{number:03}");
    }
    lines
}
