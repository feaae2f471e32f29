//! The real agent programs against a model server of our own: headless, offline, through `swarm run`. Not run unless asked
//! for: `SWARM_AGENTS=FOLDER cargo test --test agents real -- --ignored --nocapture`, after `tests/agents/fetch FOLDER`.

use std::path::{Path, PathBuf};

use swarm::agents::Prices;

use crate::common::{Running, Scene, micros, until_true};
use crate::model::{ModelServer, Reply, Usage};

/// How a program is told to talk to our server.
struct Program {
    /// The adapter, and the agent of that name.
    name: &'static str,
    /// A model that has a price.
    model: &'static str,
    /// More keys of the agent in the plan, and variables: `@URL@` is the server.
    agent: &'static str,
    env: &'static [(&'static str, &'static str)],
    /// Whether its agent can run commands at all.
    runs_commands: bool,
    /// A file of its own in the home folder.
    file: Option<(&'static str, &'static str)>,
}

const PROGRAMS: [Program; 8] = [
    Program {
        name: "claude",
        model: "claude-sonnet-4-5",
        agent: "",
        runs_commands: true,
        env: &[("ANTHROPIC_BASE_URL", "@URL@"), ("ANTHROPIC_API_KEY", "sk-not-a-key")],
        file: None,
    },
    Program {
        name: "codex",
        model: "gpt-5.4",
        agent: "",
        runs_commands: true,
        env: &[("CODEX_API_KEY", "not-a-key"), ("OPENAI_BASE_URL", "@URL@/v1")],
        file: None,
    },
    Program {
        name: "gemini",
        model: "gemini-2.5-flash",
        agent: "",
        runs_commands: true,
        env: &[("GEMINI_API_KEY", "not-a-key"), ("GOOGLE_GEMINI_BASE_URL", "@URL@")],
        file: Some((
            ".gemini/settings.json",
            r#"{"security":{"auth":{"selectedType":"gemini-api-key"}},"privacy":{"usageStatisticsEnabled":false},"general":{"enableAutoUpdate":false}}"#,
        )),
    },
    Program {
        name: "qwen",
        model: "qwen3-coder-plus",
        agent: "",
        runs_commands: true,
        env: &[("OPENAI_API_KEY", "not-a-key"), ("OPENAI_BASE_URL", "@URL@/v1")],
        file: None,
    },
    Program {
        name: "opencode",
        model: "ours/gpt-5.4",
        agent: "",
        runs_commands: true,
        env: &[],
        file: Some((
            ".config/opencode/opencode.json",
            r#"{"provider":{"ours":{"npm":"@ai-sdk/openai-compatible","options":{"baseURL":"@URL@/v1","apiKey":"not-a-key"},"models":{"gpt-5.4":{}}}},"autoupdate":false}"#,
        )),
    },
    Program {
        name: "copilot",
        model: "gpt-5.4",
        agent: "",
        runs_commands: true,
        env: &[
            ("COPILOT_PROVIDER_BASE_URL", "@URL@/v1"),
            ("COPILOT_PROVIDER_API_KEY", "not-a-key-of-anybody"),
            ("COPILOT_MODEL", "gpt-5.4"),
        ],
        file: None,
    },
    Program {
        name: "aider",
        model: "openai/gpt-5.4",
        agent: ", args: [--edit-format, diff, hello.txt]",
        runs_commands: false,
        env: &[("OPENAI_API_KEY", "not-a-key"), ("OPENAI_API_BASE", "@URL@/v1")],
        file: None,
    },
    Program {
        name: "mini-swe-agent",
        model: "openai/gpt-5.4",
        agent: "",
        runs_commands: true,
        env: &[("OPENAI_API_KEY", "not-a-key"), ("OPENAI_API_BASE", "@URL@/v1")],
        file: None,
    },
];

/// Where the programs are; none: nobody asked for this.
fn folder() -> Option<PathBuf> {
    std::env::var_os("SWARM_AGENTS").map(|folder| Path::new(&folder).join("bin"))
}

/// The programs that are there, or the one that `SWARM_AGENT` names.
fn programs() -> Vec<&'static Program> {
    let folder = folder().expect("SWARM_AGENTS names the folder that tests/agents/fetch filled");
    let wanted = std::env::var("SWARM_AGENT").ok();
    let is_wanted = |program: &&Program| wanted.as_deref().is_none_or(|wanted| wanted == program.name);
    let is_there = |program: &&Program| {
        let facts = swarm::agents::adapter(program.name).map(swarm::agents::Adapter::facts);
        facts.is_some_and(|facts| folder.join(facts.program).exists())
    };
    PROGRAMS.iter().filter(is_wanted).filter(is_there).collect()
}

/// A scene in which a program talks to our server.
struct Stage {
    scene: Scene,
    server: ModelServer,
    program: &'static Program,
}

impl Stage {
    fn new(program: &'static Program, scenario: &str, head: &str, tasks: &[(&str, String)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (scene, server) = (Scene::below(folder), ModelServer::start());
        let url = server.url(scenario);
        if let Some((path, text)) = program.file {
            scene.file(&format!("home/{path}"), text.replace("@URL@", &url));
        }
        let env: Vec<String> = program
            .env
            .iter()
            .map(|(name, value)| format!("{name}: '{}'", value.replace("@URL@", &url)))
            .collect();
        let tasks: Vec<String> = tasks
            .iter()
            .map(|(name, prompt)| {
                format!("  {name}: {{ agent: it, prompt: \"{}\" }}", prompt.replace('\n', "\\n"))
            })
            .collect();
        let tasks = tasks.join("\n");
        let agent = format!(
            "agents:\n  it: {{ adapter: {}, model: {}, estimate: 0.50usd, env: {{ {} }}{} }}\n",
            program.name,
            program.model,
            env.join(", "),
            program.agent
        );
        scene.file(
            "plan.yaml",
            format!("version: 1\nname: t\nbudget: 50usd\n{head}\n{agent}tasks:\n{tasks}\n"),
        );
        Self { scene, server, program }
    }

    fn start(&self, args: &[&str]) -> Running {
        let folder = folder().unwrap();
        let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
        self.scene.start_with(args, |command| _ = command.env("PATH", path))
    }

    fn run(&self) -> crate::common::Ran {
        self.start_run().end()
    }

    fn start_run(&self) -> Running {
        let plan = self.scene.root.join("plan.yaml");
        self.start(&["run", plan.to_str().unwrap()])
    }

    fn spent(&self) -> (u64, String) {
        let status = self.scene.status();
        let budget = &status["budget"];
        (micros(budget["spent_usd"].as_str().unwrap()), budget["cost"].as_str().unwrap().to_owned())
    }

    /// What the server's own log says that all calls cost, at list prices.
    fn judged(&self) -> u64 {
        crate::held::handed_out(&self.server)
    }
}

/// What costs a tenth of a cent a call would take its time.
fn is_dear(program: &Program) -> bool {
    Prices::built_in().rate(program.model).is_some_and(|rate| rate.output >= 10_000_000)
}

/// The text does not end with the file's name: aider would take such a line for a caption.
fn edit(file: &str) -> String {
    format!("Write the file.\nFILE={file}\nTEXT=hello from {file} itself")
}

#[test]
#[ignore = "needs the real programs"]
fn real_programs_do_their_task_and_cost_what_the_server_says() {
    for program in programs() {
        let stage = Stage::new(program, "edit", "", &[("a", edit("hello.txt"))]);
        let ran = stage.run();
        let (spent, cost) = stage.spent();
        let (judged, calls) = (stage.judged(), stage.server.calls().len());
        println!(
            "{:15} exit {} spent {spent} {cost}, server {judged} in {calls} calls",
            program.name, ran.code
        );
        if ran.code == 0 {
            let text = stage.scene.git(&["show", "swarm/t:hello.txt"]);
            let printed = stage.scene.attempt_file("a", 1, "stdout");
            assert!(text.starts_with("hello from"), "{}: {text}\n{printed}", program.name);
            stage.scene.assert_clean();
        } else {
            println!("{}\n{}", ran.err, stage.scene.attempt_file("a", 1, "stdout"));
        }
    }
}

#[test]
#[ignore = "needs the real programs"]
fn real_programs_meet_errors() {
    for program in programs() {
        for (scenario, code) in [("err400", 4), ("err401", 8), ("err402", 8), ("cut", 4), ("err500", 4)] {
            let head = "defaults: { retries: 0, timeout: 60s }";
            let stage = Stage::new(program, scenario, head, &[("a", edit("hello.txt"))]);
            let ran = stage.run();
            let events = stage.scene.events();
            let why = events.failures("a").join("; ");
            println!("{:15} {scenario:8} exit {}  {why}", program.name, ran.code);
            ran.assert_code(code);
            assert_eq!(events.of("attempt.started").count(), 1, "{} {scenario}", program.name);
        }
    }
}

#[test]
#[ignore = "needs the real programs"]
fn real_programs_commit_and_their_commits_land() {
    for program in programs().into_iter().filter(|program| program.runs_commands) {
        let prompt = "Do it.\nRUN=echo hello >hello.txt && git add hello.txt && git commit -qm done";
        let stage = Stage::new(program, "commit", "", &[("a", prompt.to_owned())]);
        stage.run().assert_code(0);
        let subjects = stage.scene.events().first("attempt.preserved", "a").data["subjects"].clone();
        println!("{:15} committed {subjects}", program.name);
        assert_eq!(stage.scene.git(&["show", "swarm/t:hello.txt"]), "hello");
    }
}

#[test]
#[ignore = "needs the real programs"]
fn a_limit_of_a_real_program_holds_it() {
    for program in programs() {
        let stage = Stage::new(program, "err429", "defaults: { retries: 0 }", &[("a", edit("hello.txt"))]);
        let run = stage.start_run();
        let events = stage.scene.until("the hold", |events| events.any("agent.held"));
        let held = events.of("agent.held").next().unwrap();
        println!("{:15} held until {}: {}", program.name, held.data["until"], held.text("said"));
        stage.scene.swarm(&["cancel"]).assert_code(0);
        run.end();
    }
}

#[test]
#[ignore = "needs the real programs"]
fn a_real_program_that_goes_on_and_on_is_ended_at_its_budget() {
    for program in
        programs().into_iter().filter(|program| is_dear(program)).filter(|program| program.runs_commands)
    {
        let head = "defaults: { retries: 0, budget: 0.50usd, timeout: 5m }";
        let stage = Stage::new(program, "loop", head, &[("a", "Begin.".to_owned())]);
        stage.run().assert_code(4);
        let ending = stage.scene.events().first("agent.exited", "a").data["ending"]["kind"].clone();
        let (spent, cost) = stage.spent();
        println!("{:15} {ending} after {spent} {cost}, server {}", program.name, stage.judged());
    }
}

#[test]
#[ignore = "needs the real programs"]
fn eight_real_programs_that_go_on_and_on_are_held_to_the_cap() {
    for program in
        programs().into_iter().filter(|program| is_dear(program)).filter(|program| program.runs_commands)
    {
        let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
        let tasks: Vec<_> = names.iter().map(|name| (name.as_str(), "Begin.".to_owned())).collect();
        let head = "concurrency: 8\ndefaults: { retries: 0, timeout: 10m }";
        let stage = Stage::new(program, "dear", head, &tasks);
        // Four to five cents a call.
        let usage = Usage { input: 1_000, output: 3_000, ..Usage::default() };
        stage.server.script("dear", move |call| Reply::runs(format!("echo {}", call.turn)).using(usage));
        let plan = stage.scene.root.join("plan.yaml");
        let run = stage.start(&["run", plan.to_str().unwrap(), "--budget", "4usd"]);
        until_true("calls", || stage.server.calls().len() > 8);
        run.kill_9();
        let ran = stage.start(&["resume"]).end();
        let ((spent, cost), judged) = (stage.spent(), stage.judged());
        let calls = stage.server.calls().len();
        println!(
            "{:15} exit {} spent {spent} {cost}, server {judged} in {calls} calls",
            program.name, ran.code
        );
        assert!(cost != "metered" || (judged <= spent && spent <= 4_000_000));
    }
}

#[test]
#[ignore = "needs the real programs"]
fn no_tool_of_a_real_program_survives() {
    for program in programs().into_iter().filter(|program| program.runs_commands) {
        for way in ["holder", "cancel", "timeout", "swarm"] {
            let head = if way == "timeout" {
                "defaults: { retries: 0, timeout: 20s }"
            } else {
                "defaults: { retries: 0 }"
            };
            let stage = Stage::new(program, "orphan", head, &[("a", "Begin.".to_owned())]);
            let run = stage.start_run();
            let pid = stage.scene.await_event("agent.started", "a").data["pid"].as_u64().unwrap();
            let sleeping = || {
                crate::common::members_of(&stage.scene.root).into_iter().filter(|pid| is_sleep(*pid)).count()
            };
            until_true("the tools", || sleeping() >= 2);
            let seen = sleeping();
            end(&stage, run, way, u32::try_from(pid).unwrap());
            until_true("the end of all", || crate::common::members_of(&stage.scene.root).is_empty());
            println!("{:15} {way:8} {seen} sleeping tools, 0 processes left", program.name);
        }
    }
}

fn end(stage: &Stage, run: Running, way: &str, pid: u32) {
    match way {
        "cancel" => {
            stage.scene.swarm(&["cancel"]).assert_code(0);
            run.end();
        }
        "timeout" => _ = run.end(),
        "holder" => {
            crate::common::kill(crate::common::parent_of(pid).unwrap(), crate::common::Signal::KILL);
            stage.scene.await_event("agent.exited", "a");
            stage.scene.swarm(&["cancel"]).assert_code(0);
            run.end();
        }
        _ => {
            run.kill_9();
            let resumed = stage.start(&["resume"]);
            stage.scene.until("the second opening", |events| events.of("run.opened").count() == 2);
            stage.scene.swarm(&["cancel"]).assert_code(0);
            resumed.end();
        }
    }
}

fn is_sleep(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep\0"))
}

#[test]
#[ignore = "needs the real programs"]
fn eight_at_once_five_times_and_all_land() {
    for program in programs() {
        let mut landed = 0;
        for _ in 0..5 {
            let names: Vec<String> = (0..8).map(|n| format!("t{n}")).collect();
            let tasks: Vec<(&str, String)> =
                names.iter().map(|name| (name.as_str(), edit(&format!("{name}.txt")))).collect();
            let stage = Stage::new(program, "edit", "concurrency: 8\ndefaults: { retries: 0 }", &tasks);
            let ran = stage.run();
            let status = stage.scene.status();
            landed += names.iter().filter(|name| status["tasks"][name]["state"] == "merged").count();
            if ran.code != 0 {
                println!("{}: {}", stage.program.name, ran.err);
            }
        }
        println!("{:15} {landed} of 40 merged", program.name);
    }
}
