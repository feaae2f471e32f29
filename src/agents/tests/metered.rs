//! Which agents can be led through a proxy: where their calls go by themselves, and that they are sent to it and nowhere else.

use std::path::Path;

use super::super::GATEWAY;
use super::launches::{USUAL, Wish, launch, upstream};

type Env = &'static [(&'static str, &'static str)];

/// An agent with a model and variables, and the server that it calls with them; none: it cannot be led elsewhere.
const ROWS: [(&str, Option<&str>, Env, Option<&str>); 33] = [
    ("claude", None, &[("ANTHROPIC_API_KEY", "k")], Some("https://api.anthropic.com")),
    ("claude", None, &[("ANTHROPIC_AUTH_TOKEN", "k"), ("ANTHROPIC_BASE_URL", "http://x")], Some("http://x")),
    ("claude", None, &[("ANTHROPIC_BASE_URL", "http://x")], None),
    ("claude", None, &[("CLAUDE_CODE_OAUTH_TOKEN", "k")], None),
    ("claude", None, &[("ANTHROPIC_API_KEY", "k"), ("CLAUDE_CODE_USE_BEDROCK", "1")], None),
    ("codex", None, &[("CODEX_API_KEY", "k")], Some("https://api.openai.com/v1")),
    ("codex", None, &[("CODEX_API_KEY", "k"), ("OPENAI_BASE_URL", "http://x/v1")], Some("http://x/v1")),
    ("codex", None, &[("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "http://x/v1")], Some("http://x/v1")),
    ("codex", None, &[("OPENAI_API_KEY", "k")], None),
    ("codex", None, &[], None),
    ("gemini", None, &[("GEMINI_API_KEY", "k")], Some("https://generativelanguage.googleapis.com")),
    ("gemini", None, &[("GEMINI_API_KEY", "k"), ("GOOGLE_GEMINI_BASE_URL", "http://x")], Some("http://x")),
    ("gemini", None, &[("GEMINI_API_KEY", "k"), ("GOOGLE_GENAI_USE_VERTEXAI", "true")], None),
    ("gemini", None, &[("GOOGLE_API_KEY", "k")], None),
    ("qwen", None, &[("OPENAI_API_KEY", "k"), ("OPENAI_BASE_URL", "http://x/v1")], Some("http://x/v1")),
    ("qwen", None, &[("OPENAI_API_KEY", "k")], None),
    ("qwen", None, &[], None),
    ("opencode", Some("anthropic/m"), &[], Some("https://api.anthropic.com/v1")),
    ("opencode", Some("openai/m"), &[], Some("https://api.openai.com/v1")),
    ("opencode", Some("groq/m"), &[], None),
    ("opencode", None, &[], None),
    ("opencode", Some("openai/m"), &[("OPENCODE_CONFIG", "/mine.json")], None),
    (
        "opencode",
        Some("mine/m"),
        &[("OPENCODE_CONFIG_CONTENT", r#"{"provider":{"mine":{"options":{"baseURL":"http://x/v1"}}}}"#)],
        Some("http://x/v1"),
    ),
    ("copilot", Some("m"), &[("COPILOT_PROVIDER_BASE_URL", "http://x/v1")], Some("http://x/v1")),
    ("copilot", Some("m"), &[("GH_TOKEN", "k")], None),
    ("aider", Some("openai/m"), &[("OPENAI_API_BASE", "http://x/v1")], Some("http://x/v1")),
    ("aider", Some("anthropic/m"), &[], Some("https://api.anthropic.com")),
    ("aider", Some("gemini/m"), &[], None),
    ("aider", Some("openai/m"), &[("AIDER_WEAK_MODEL", "groq/m")], None),
    ("mini-swe-agent", Some("openai/m"), &[("OPENAI_BASE_URL", "http://x/v1")], Some("http://x/v1")),
    ("mini-swe-agent", Some("m"), &[], None),
    ("mini-swe-agent", None, &[], None),
    ("cursor", Some("m"), &[("CURSOR_API_KEY", "k")], None),
];

#[test]
fn it_is_known_where_calls_go_or_why_nothing_can_stand_between() {
    for (name, model, env, expected) in ROWS {
        let found = upstream(name, model, env, Path::new("/home/user"));
        assert_eq!(found.as_deref().ok(), expected, "{name} {model:?} {env:?}: {found:?}");
        assert!(found.is_ok() || !found.unwrap_err().is_empty());
    }
}

#[test]
fn who_is_led_to_the_proxy_is_told_of_no_other_server() {
    let can = ROWS.into_iter().filter_map(|(name, model, env, server)| Some((name, model, env, server?)));
    for (name, model, env, server) in can {
        let told = |metered| {
            let launched = launch(name, &Wish { model, env, metered, ..USUAL });
            let set = launched.env.into_iter().map(|(name, value)| format!("{name}={value}"));
            let files = launched.files.into_iter().map(|(_, text)| text);
            launched.argv.into_iter().chain(set).chain(files).collect::<Vec<_>>().join("\n")
        };
        assert!(told(true).contains(GATEWAY), "{name} {env:?}");
        assert!(!told(true).contains(server), "{name} {env:?}: {}", told(true));
        assert!(!told(false).contains(GATEWAY), "{name} {env:?}");
    }
}

#[test]
fn settings_of_the_users_own_that_name_a_server_are_not_overruled() {
    let home = tempfile::tempdir().unwrap();
    let own = [
        ("codex", ".codex/config.toml", "model_provider = \"azure\"", &[("CODEX_API_KEY", "k")]),
        (
            "gemini",
            ".gemini/settings.json",
            r#"{"security":{"auth":{"selectedType":"oauth-personal"}}}"#,
            &[("GEMINI_API_KEY", "k")],
        ),
        (
            "opencode",
            ".config/opencode/opencode.jsonc",
            "{\"provider\":{/* mine */\"openai\":{\"options\":{\"baseURL\":\"http://x\"}}}}",
            &[("OPENAI_API_KEY", "k")],
        ),
        ("aider", ".aider.conf.yml", "openai-api-base: http://x", &[("OPENAI_API_KEY", "k")]),
    ];
    for (name, file, text, env) in own {
        assert!(upstream(name, Some("openai/m"), env, home.path()).is_ok(), "{name}");
        let file = home.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        assert!(upstream(name, Some("openai/m"), env, home.path()).is_err(), "{name}");
    }
}

#[test]
fn opencode_finds_its_servers_in_settings_of_the_users_own() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".config/opencode");
    std::fs::create_dir_all(&folder).unwrap();
    let text = r#"{"provider":{"mine":{"options":{"baseURL":"http://x/v1"}}}}"#;
    std::fs::write(folder.join("opencode.json"), text).unwrap();
    let found = |model, env| upstream("opencode", Some(model), env, home.path()).ok();
    assert_eq!(found("mine/m", &[]).as_deref(), Some("http://x/v1"));
    assert_eq!(found("openai/m", &[]).as_deref(), Some("https://api.openai.com/v1"));
    assert_eq!(found("other/m", &[]), None);
    let content = r#"{"provider":{"mine":{"options":{"baseURL":"http://y/v1"}}}}"#;
    assert_eq!(found("mine/m", &[("OPENCODE_CONFIG_CONTENT", content)]).as_deref(), Some("http://y/v1"));
}
