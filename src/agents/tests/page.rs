//! The page on agents says what the adapters say of themselves. `SWARM_BLESS=1` writes it anew.

use std::fmt::Write;
use std::path::Path;

use super::super::{ADAPTERS, Adapter, Ask, Launch, Meter, Permission};

const BEGIN: &str = "<!-- Made from the adapters by a test; SWARM_BLESS=1 writes it anew. -->\n";
const END: &str = "<!-- End of what is made. -->\n";

/// How an attempt of an adapter is started, with names in place of what differs from attempt to attempt.
pub(super) fn launch(adapter: &dyn Adapter, permission: Permission, bookmark: Option<&str>) -> Launch {
    let ask = Ask {
        prompt: "PROMPT",
        prompt_file: Path::new("PROMPT.md"),
        model: Some("MODEL"),
        permission,
        worktree: Path::new("WORKTREE"),
        git_dir: Path::new("REPOSITORY/.git/worktrees/NAME"),
        state: Path::new("STATE"),
        nonce: "0123456789abcdef0123456789abcdef",
        bookmark,
        args: &[],
        metered: false,
        home: Path::new("HOME"),
        env: &|_| None,
    };
    adapter.launch(&ask).unwrap()
}

fn shown(word: &str) -> String {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./,:=@+".contains(c));
    if plain { word.to_owned() } else { format!("'{word}'") }
}

fn command(adapter: &dyn Adapter, permission: Permission) -> String {
    let launch = launch(adapter, permission, None);
    let words = launch.argv.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
    let input = launch.stdin.map(|path| format!(" < {}", path.display())).unwrap_or_default();
    format!("{words}{input}")
}

fn page() -> String {
    let mut text = String::from(
        "| agent | program | tried with | tells | takes up a conversation | state of its own |\n|---|---|---|---|---|---|\n",
    );
    let yes = |yes: bool| if yes { "yes" } else { "no" };
    for facts in ADAPTERS.iter().map(|adapter| adapter.facts()) {
        let meter = match facts.meter {
            Meter::Dollars => "dollars",
            Meter::Tokens => "tokens",
            Meter::Nothing => "nothing",
        };
        let _ = writeln!(
            text,
            "| `{}` | {}, `{}` | {} | {meter} | {} | {} |",
            facts.name,
            facts.title,
            facts.program,
            facts.seen,
            yes(facts.resumes),
            yes(facts.own_state)
        );
    }
    for adapter in ADAPTERS {
        text += &section(*adapter);
    }
    text
}

fn section(adapter: &dyn Adapter) -> String {
    let facts = adapter.facts();
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let mut text = format!("\n### {}\n\n{}\n\n", facts.title, facts.notes);
    let _ = writeln!(text, "* Install: `{}`\n* Sign in: {}", facts.install, facts.sign_in);
    let _ = writeln!(text, "* Gets from your environment: {}", names(facts.keys));
    if !facts.unset.is_empty() {
        let _ = writeln!(text, "* Never gets: {}", names(facts.unset));
    }
    let env = launch(adapter, *facts.permissions.last().unwrap(), None).env;
    let set: Vec<String> = env.iter().map(|(name, _)| name.clone()).collect();
    if !set.is_empty() {
        let _ =
            writeln!(text, "* Is set for it: {}", names(&set.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text += "\n| permission | is started as |\n|---|---|\n";
    for permission in facts.permissions {
        let command = command(adapter, *permission).replace('|', "\\|");
        let _ = writeln!(text, "| `{}` | `{command}` |", permission.word());
    }
    text
}

#[test]
fn the_page_on_agents_says_what_the_adapters_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/agents.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (made, after) = rest.split_once(END).unwrap();
    let wanted = format!("\n{}\n", page());
    if std::env::var_os("SWARM_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
        return;
    }
    assert!(
        made == wanted,
        "docs/reference/agents.md is not what the adapters say; SWARM_BLESS=1 writes it anew"
    );
}
