//! `swarm doctor`: what of the surroundings is there and fit. Asks no provider and spends nothing.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Context;
use super::agents::prices;
use super::exit::{ENVIRONMENT, OK};
use super::out;
use crate::agents::{ADAPTERS, Adapter, Login};
use crate::git::Repo;
use crate::report::columns;
use crate::walls;
use crate::world::agent::home;
use crate::world::program;

/// How long a program may take to say its version. Some start a whole runtime for it.
const VERSION_MS: u64 = 20_000;

/// What was found of an agent program.
struct Found {
    name: &'static str,
    title: &'static str,
    path: Option<PathBuf>,
    version: Option<String>,
    seen: &'static str,
    login: Login,
    install: &'static str,
}

pub(super) fn doctor(context: &Context) -> u8 {
    let git = Repo::version().map(|(major, minor, patch)| format!("{major}.{minor}.{patch}"));
    let prices = prices();
    // Programs take their time to start; each is asked on a thread of its own.
    let asked = ADAPTERS.iter().map(|adapter| thread::spawn(move || examine(*adapter))).collect::<Vec<_>>();
    let found: Vec<Found> = asked.into_iter().filter_map(|thread| thread.join().ok()).collect();
    if context.json {
        let (git, price_error) = (git.as_ref().ok(), prices.as_ref().err().map(|failure| &failure.text));
        let agents = found.iter().map(document).collect::<Vec<_>>();
        let prices = json!({"date": prices.as_ref().ok().map(|prices| &prices.date), "error": price_error});
        let walls: serde_json::Map<String, Value> = walls::offers().into_iter().map(wall_document).collect();
        out::line(
            json!({"schema": "swarm.doctor/1", "git": git, "prices": prices, "walls": walls, "agents": agents}),
        );
    } else {
        match &git {
            Ok(version) => out::line(format!("✓ git {version}")),
            Err(error) => out::line(format!("✗ git: {error}")),
        }
        match &prices {
            Ok(prices) => out::line(format!("✓ prices of {}{}", prices.date, own(prices.own.as_deref()))),
            Err(failure) => out::line(format!("✗ {}", failure.text)),
        }
        for (name, offer) in &walls::offers() {
            out::line(wall(name, offer));
        }
        out::line(table(&found));
        out::line(
            "next\n  swarm check   validates a plan; a run looks at the agents that its plan uses before it starts",
        );
    }
    if git.is_ok() && prices.is_ok() { OK } else { ENVIRONMENT }
}

fn own(path: Option<&Path>) -> String {
    path.map(|path| format!(", with those of {}", path.display())).unwrap_or_default()
}

fn examine(adapter: &'static dyn Adapter) -> Found {
    let facts = adapter.facts();
    let env = |name: &str| std::env::var(name).ok();
    let path = program::find(facts.program);
    Found {
        name: facts.name,
        title: facts.title,
        version: path.as_deref().and_then(version),
        path,
        seen: facts.seen,
        login: adapter.login(&env, &home(&env)),
        install: facts.install,
    }
}

/// The first version number in what `--version` prints.
fn version(program: &Path) -> Option<String> {
    let mut child = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let until = Instant::now() + Duration::from_millis(VERSION_MS);
    while child.try_wait().ok()?.is_none() {
        if Instant::now() > until {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        thread::sleep(Duration::from_millis(20));
    }
    let mut text = String::new();
    child.stdout.take()?.take(4096).read_to_string(&mut text).ok()?;
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.');
    let words = text.split(|c: char| c.is_whitespace() || c == 'v' || c == ',');
    words.into_iter().find(is_version).map(|word| word.trim_end_matches('.').to_owned())
}

fn wall(name: &str, offer: &Result<walls::Found, String>) -> String {
    match offer {
        Ok(found) if found.lacks.is_empty() => format!("✓ wall {name}"),
        Ok(found) => format!("✓ wall {name}: {}", found.lacks.join("; ")),
        Err(why) => format!("- wall {name}: {why}"),
    }
}

fn wall_document((name, offer): (&'static str, Result<walls::Found, String>)) -> (String, Value) {
    let (lacks, error) = match offer {
        Ok(found) => (Some(found.lacks), None),
        Err(why) => (None, Some(why)),
    };
    (name.to_owned(), json!({"lacks": lacks, "error": error}))
}

fn document(found: &Found) -> Value {
    let (login, detail) = match &found.login {
        Login::Yes(how) => ("yes", how),
        Login::No(way) => ("no", way),
        Login::Unknown(why) => ("unknown", why),
    };
    json!({
        "agent": found.name,
        "program": found.path,
        "version": found.version,
        "tried_with": found.seen,
        "login": login,
        "detail": detail,
        "install": found.install,
    })
}

fn table(found: &[Found]) -> String {
    let rows: Vec<[String; 4]> = found.iter().map(row).collect();
    let wide = |at: usize| rows.iter().map(|row| columns(&row[at])).max().unwrap_or_default();
    let widths = [wide(0), wide(1), wide(2)];
    let line = |row: &[String; 4]| {
        let cells = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(columns(cell)))));
        format!("{}  {}", cells.collect::<Vec<_>>().join("  "), row[3]).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn row(found: &Found) -> [String; 4] {
    if found.path.is_none() {
        let install = format!("not installed; {}", found.install);
        return [format!("- {}", found.name), found.title.to_owned(), String::new(), install];
    }
    let (mark, login) = match &found.login {
        Login::Yes(how) => ("✓", format!("signed in: {how}")),
        Login::No(way) => ("✗", format!("not signed in; {way}")),
        Login::Unknown(why) => ("?", format!("sign-in not known: {why}")),
    };
    let version = match &found.version {
        Some(version) if version == found.seen => version.clone(),
        Some(version) => format!("{version} (tried with {})", found.seen),
        None => format!("version not known (tried with {})", found.seen),
    };
    [format!("{mark} {}", found.name), found.title.to_owned(), version, login]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::version;

    #[test]
    fn a_version_is_the_first_number_with_a_dot() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        let program = dir.path().join("program");
        for (said, version_said) in [
            ("2.1.329 (Claude Code)", Some("2.1.329")),
            ("codex-cli 0.169.0", Some("0.169.0")),
            ("v1.2.3", Some("1.2.3")),
            ("none", None),
        ] {
            let script = format!("#!/bin/sh\necho '{said}'\n");
            std::fs::write(&program, script).expect("a scratch folder can be written");
            let mode = std::fs::Permissions::from_mode(0o755);
            std::fs::set_permissions(&program, mode).expect("a scratch folder can be written");
            assert_eq!(version(&program).as_deref(), version_said, "{said}");
        }
    }
}
