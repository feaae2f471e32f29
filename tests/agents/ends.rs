//! How an attempt ended is what the program said, and not its exit status.

use crate::stand_in::Cast;

/// A run of one task, and the reasons of its failed attempts.
fn reasons(script: &str) -> Vec<String> {
    let cast = Cast::new();
    cast.plan("budget: 5usd\ndefaults: { retries: 0 }", &[("a", script)]);
    cast.run().assert_code(4);
    cast.scene.events().failures("a")
}

#[test]
fn an_agent_that_says_it_is_done_lands() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", "init; says m1 'I will write.'; works; done_for 0.0141")]);
    cast.run().assert_code(0).assert_says("by claude").assert_says("claude: metered");
    assert_eq!(cast.scene.git(&["show", "swarm/t:a.txt"]), "a");
    assert_eq!(cast.spent(), (14_100, "metered".to_owned()));
    let prompt = cast.left("prompt", "a", 1);
    assert!(prompt.contains("Do a."), "{prompt}");
    let env = cast.left("env", "a", 1);
    assert!(env.contains("DISABLE_AUTOUPDATER=1") && env.contains("ANTHROPIC_API_KEY=sk-not-a-key"));
    assert!(
        !env.lines().any(|line| line.starts_with("CLAUDECODE=")),
        "it must not think that it runs inside another"
    );
    let args = cast.left("args", "a", 1);
    assert!(args.contains("--permission-mode acceptEdits --allowedTools Bash"), "{args}");
    cast.scene.assert_clean();
}

#[test]
fn an_exit_status_of_0_without_a_final_record_is_a_failure() {
    assert_eq!(reasons("init; works; exit 0"), ["exited with status 0 without its final record"]);
}

#[test]
fn an_error_of_its_own_is_a_failure_whatever_it_did_and_whatever_its_status() {
    assert_eq!(reasons("init; works; fails_with 400 'API Error: 400'; exit 0"), ["API Error: 400"]);
}

#[test]
fn a_good_final_record_does_not_excuse_a_bad_exit_status() {
    assert_eq!(reasons("init; works; done_for 0.01; exit 3"), ["exited with status 3"]);
}

#[test]
fn an_agent_that_changed_nothing_failed() {
    let told = reasons("init; done_for 0.01");
    assert!(told[0].contains("changed nothing"), "{told:?}");
}

#[test]
fn what_it_was_refused_is_told_in_the_lines_in_status_and_in_why() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", r#"init; works; done_for 0.01 '{"tool_name":"WebFetch"}'"#)]);
    cast.run().assert_code(0).assert_says("its agent was refused WebFetch");
    assert_eq!(cast.scene.status()["tasks"]["a"]["denials"][0], "WebFetch");
    cast.shows(&["status"], "was refused WebFetch");
    cast.shows(&["why", "a"], "was refused WebFetch");
}

#[test]
fn a_program_that_stays_after_its_last_word_is_ended_and_its_work_lands() {
    let cast = Cast::new();
    cast.plan("budget: 5usd", &[("a", "init; works; done_for 0.01; exec sleep 1000")]);
    cast.run().assert_code(0);
    assert_eq!(cast.scene.events().first("agent.exited", "a").data["ending"]["kind"], "overstayed");
    cast.scene.assert_clean();
}

#[test]
fn a_retry_takes_up_the_conversation_and_pays_only_for_what_is_new() {
    let cast = Cast::new();
    // Programs write on where they began to write a conversation.
    let script = "echo $SWARM_ATTEMPT >>$(dirname $(dirname $SWARM_USAGE))/1/state/said; init
        if [ $SWARM_ATTEMPT = 1 ]; then works; done_for 0.02; else echo better >a.txt; done_for 0.05; fi";
    cast.plan("budget: 5usd\ndefaults: { retries: 1, gates: [good] }\ngates: { good: { run: 'grep -q better a.txt', baseline: skip } }", &[("a", script)]);
    cast.run().assert_code(0);
    let session = |attempt| {
        let args = cast.left("args", "a", attempt);
        let (_, rest) = args.split_once(if attempt == 1 { "--session-id " } else { "--resume " }).unwrap();
        rest.split(' ').next().unwrap().to_owned()
    };
    assert_eq!(session(1), session(2), "the second takes up the first");
    assert_eq!(cast.scene.attempt_file("a", 1, "state/said"), "1\n2\n");
    // The second total holds the first attempt's two cents already.
    assert_eq!(cast.spent(), (50_000, "metered".to_owned()));
    assert!(cast.left("prompt", "a", 2).contains("gate `good` is red"));
}

#[test]
fn a_conversation_that_failed_by_its_own_word_is_not_taken_up() {
    let cast = Cast::new();
    let script = "init; works\nif [ $SWARM_ATTEMPT = 1 ]; then fails_with 400 'Prompt is too long'; else done_for 0.01; fi";
    cast.plan("budget: 5usd\ndefaults: { retries: 1 }", &[("a", script)]);
    cast.run().assert_code(0);
    assert!(cast.left("args", "a", 2).contains("--session-id "));
}
