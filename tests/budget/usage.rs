//! What agents report in `$SWARM_USAGE`, and what it costs when they report nothing.

use crate::common::Scene;

/// Runs one task whose agent does this, and returns the scene.
fn ran(head: &str, task: &str, script: &str) -> Scene {
    let scene = Scene::new();
    scene.plan(head, &format!("  a: {{ {task} }}\n"));
    scene.script("a", &format!("echo a >a.txt\n{script}"));
    scene.run(&[]).assert_code(0);
    scene.assert_clean();
    scene
}

fn budget(scene: &Scene, field: &str) -> String {
    scene.status()["budget"][field].as_str().unwrap_or_default().to_owned()
}

const AGENT: &str = "agent: script, prompt: Work.";

#[test]
fn the_last_figure_wins_and_none_falls() {
    let scene = ran("budget: 1usd", AGENT, "usage 0.01; usage 0.05; usage 0.03");
    assert_eq!(budget(&scene, "spent_usd"), "0.05");
    assert_eq!(budget(&scene, "cost"), "metered");
}

#[test]
fn garbage_is_skipped_and_a_line_counts_once_it_is_whole() {
    let script = r#"u="$SWARM_USAGE"; echo garbage >>$u; echo '{"usd": "much"}' >>$u; echo '{"usd": -4}' >>$u; echo '{"usd": 1e309}' >>$u
        printf '\377\376\n' >>$u; echo >>$u; echo '[]' >>$u; echo '{"usd": 0.04, "input_tokens": 12, "more": {}}' >>$u; printf '{"usd": 9' >>$u"#;
    let scene = ran("budget: 1usd", AGENT, script);
    assert_eq!(budget(&scene, "spent_usd"), "0.04");
    assert_eq!(scene.events().first("agent.exited", "a").data["input_tokens"], 12);
}

#[test]
fn an_agent_that_reports_nothing_is_charged_its_reservation() {
    let scene = ran("budget: 1usd", AGENT, "");
    assert_eq!(budget(&scene, "spent_usd"), "0.10");
    assert_eq!(budget(&scene, "cost"), "estimated");
}

#[test]
fn an_unknown_cost_may_be_allowed_and_is_marked() {
    let scene = ran("budget: { usd: 1, on_unknown_cost: allow }", AGENT, "");
    assert_eq!(budget(&scene, "spent_usd"), "0.00");
    assert_eq!(budget(&scene, "cost"), "unknown");
}

#[test]
fn a_command_that_reports_nothing_costs_nothing_and_one_that_reports_is_charged() {
    let scene = ran("budget: 1usd", "run: echo a > a.txt", "");
    assert_eq!((budget(&scene, "spent_usd").as_str(), budget(&scene, "cost").as_str()), ("0.00", "metered"));
    let scene = ran("budget: 1usd", r#"run: 'echo a > a.txt; echo "{\"usd\": 0.07}" >> $SWARM_USAGE'"#, "");
    assert_eq!(budget(&scene, "spent_usd"), "0.07");
}

#[test]
fn money_is_exact() {
    let scene = ran("budget: 1usd", AGENT, "usage 0.000001");
    assert_eq!(budget(&scene, "spent_usd"), "0.000001");
}

#[test]
fn a_usage_file_that_is_removed_or_replaced_by_a_link_harms_nobody() {
    // A wall leaves it in its place.
    let head = "budget: 1usd\nisolation: none";
    let scene = ran(head, AGENT, "usage 0.02; sleep 0.3; rm $SWARM_USAGE; ln -s /dev/zero $SWARM_USAGE");
    assert!(
        ["0.02", "0.10"].contains(&budget(&scene, "spent_usd").as_str()),
        "{}",
        budget(&scene, "spent_usd")
    );
}
