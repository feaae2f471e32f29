//! A stand-in for Claude Code: a script named `claude` on the PATH, which prints the records of the real one as a test tells it to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Ran, Running, Scene};

/// What a task's script may call. The session is what the command line says.
const CLAUDE: &str = r#"#!/bin/bash
set -e
ROOT='@ROOT@'
. "$ROOT/prelude"
if [ "$1" = --version ]; then echo '2.1.329 (Claude Code)'; exit; fi
printf '%s\n' "$*" >"$ROOT/flags/args.$SWARM_TASK.$SWARM_ATTEMPT"
env >"$ROOT/flags/env.$SWARM_TASK.$SWARM_ATTEMPT"
cat >"$ROOT/flags/prompt.$SWARM_TASK.$SWARM_ATTEMPT"
words=("$@")
for at in "${!words[@]}"; do
  case "${words[at]}" in --session-id|--resume) session=${words[at+1]};; esac
done
init() { printf '{"type":"system","subtype":"init","session_id":"%s","model":"claude-sonnet-4-5"}\n' "$session"; }
says() { printf '{"type":"assistant","message":{"id":"%s","model":"claude-sonnet-4-5","content":[{"type":"text","text":"%s"}],"usage":{"input_tokens":1200,"output_tokens":1}},"session_id":"%s"}\n' "$1" "$2" "$session"; }
# call ID OUTPUT_TOKENS: a call of 1200 + 300 + 5000 tokens, in the stream's own events.
call() {
  printf '{"type":"stream_event","event":{"type":"message_start","message":{"id":"%s","model":"claude-sonnet-4-5","usage":{"input_tokens":1200,"cache_creation_input_tokens":300,"cache_read_input_tokens":5000,"output_tokens":1}}},"session_id":"%s"}\n' "$1" "$session"
  printf '{"type":"stream_event","event":{"type":"message_delta","usage":{"output_tokens":%s}},"api_message_id":"%s","session_id":"%s"}\n' "$2" "$1" "$session"
}
done_for() { printf '{"type":"result","subtype":"success","is_error":false,"session_id":"%s","total_cost_usd":%s,"permission_denials":[%s],"modelUsage":{}}\n' "$session" "$1" "$2"; }
fails_with() { printf '{"type":"result","subtype":"success","is_error":true,"terminal_reason":"api_error","api_error_status":%s,"result":"%s","session_id":"%s","total_cost_usd":0,"modelUsage":{}}\n' "$1" "$2" "$session"; }
limited_until() { printf '{"type":"rate_limit_event","rate_limit_info":{"status":"rejected","resetsAt":%s,"rateLimitType":"five_hour"},"session_id":"%s"}\n' "$1" "$session"; }
# ask MAX_TOKENS [MODEL]: a real call to the server that the environment names. Its status is in `status`.
ask() {
  local place=${ANTHROPIC_BASE_URL#http://} body
  body="{\"model\":\"${2:-claude-sonnet-4-5}\",\"max_tokens\":$1,\"tools\":[{\"name\":\"Bash\",\"input_schema\":{}}],\"messages\":[{\"role\":\"user\",\"content\":\"Go on.\"}]}"
  status=0
  exec 9<>"/dev/tcp/${place%%:*}/$(port="${place#*:}"; echo "${port%%/*}")" || return 0
  printf 'POST /%s/v1/messages HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' \
    "$(case $place in */*) echo "${place#*/}";; esac)" "${place%%/*}" ${#body} "$body" >&9
  read -r _ status _ <&9 || true
  cat <&9 >/dev/null
  exec 9>&-
}
# asks_on MAX_TOKENS: calls until it is told that its money is spent.
asks_on() { init; while true; do ask "$1"; if [ "$status" = 402 ]; then fails_with 402 'no money'; exit 1; fi; done; }
works() { echo "$SWARM_TASK" >"$SWARM_TASK.txt"; }
. "$ROOT/do/$SWARM_TASK"
"#;

/// A scene in which `claude` is a stand-in.
pub(crate) struct Cast {
    pub(crate) scene: Scene,
    /// Where its calls go, if it makes any.
    upstream: Option<String>,
}

impl Cast {
    pub(crate) fn new() -> Self {
        let scene = Scene::new();
        let text = CLAUDE.replace("@ROOT@", &scene.root.display().to_string());
        let program = scene.file("bin/claude", text);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { scene, upstream: None }
    }

    /// The same, with somebody to call.
    pub(crate) fn calling(url: String) -> Self {
        Self { upstream: Some(url), ..Self::new() }
    }

    /// Writes the plan: tasks by name with the script that each runs, all by the agent `claude`.
    pub(crate) fn plan(&self, head: &str, tasks: &[(&str, &str)]) {
        let lines = tasks.iter().map(|(name, script)| {
            self.scene.script(name, script);
            format!("  {name}: {{ agent: claude, prompt: 'Do {name}.', estimate: 0.10usd }}\n")
        });
        let tasks: String = lines.collect();
        self.scene.plan(head, &tasks);
    }

    pub(crate) fn run(&self) -> Ran {
        self.start().end()
    }

    pub(crate) fn start(&self) -> Running {
        let plan = self.scene.root.join("plan.yaml");
        self.start_with(&["run", plan.to_str().unwrap()])
    }

    /// Starts swarm with the stand-in on its path, and a key.
    pub(crate) fn start_with(&self, args: &[&str]) -> Running {
        let path = format!("{}/bin:{}", self.scene.root.display(), std::env::var("PATH").unwrap());
        self.scene.start_with(args, |command| {
            command.env("PATH", path).env("ANTHROPIC_API_KEY", "sk-not-a-key").env("CLAUDECODE", "1");
            if let Some(url) = &self.upstream {
                command.env("ANTHROPIC_BASE_URL", url);
            }
        })
    }

    /// Fails unless a command prints this on its standard output.
    #[track_caller]
    pub(crate) fn shows(&self, args: &[&str], text: &str) {
        let ran = self.scene.swarm(args).assert_code(0);
        assert!(ran.out.contains(text), "{}", ran.out);
    }

    /// What an attempt left under a name: its arguments, its environment or its prompt.
    pub(crate) fn left(&self, what: &str, task: &str, attempt: u32) -> String {
        fs::read_to_string(self.scene.root.join(format!("flags/{what}.{task}.{attempt}"))).unwrap_or_default()
    }

    /// Micro-dollars of the run's `spent_usd`, and how well it is known.
    pub(crate) fn spent(&self) -> (u64, String) {
        let status = self.scene.status();
        let spent = crate::common::micros(status["budget"]["spent_usd"].as_str().unwrap());
        (spent, status["budget"]["cost"].as_str().unwrap().to_owned())
    }
}
