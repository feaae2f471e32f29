//! `swarm demo`: swarm at work in a scratch repository, offline and free of charge.

use std::path::{Path, PathBuf};
use std::process::{Command as Child, Stdio};
use std::time::{Duration, Instant};

use swarm_domain::Event;

use super::Context;
use super::args::DemoArgs;
use super::exit::{BUG, ENVIRONMENT, Failure};
use crate::git::Repo;
use crate::runs;

/// The plan: one task meets a red gate and is retried, two change the same line and conflict.
const PLAN: &str = include_str!("demo.yaml");
/// How long the run may take to reach the moment at which it is killed.
const CRASH_LIMIT: Duration = Duration::from_mins(1);

pub(super) fn demo(context: &Context, args: &DemoArgs) -> Result<u8, Failure> {
    Repo::version()?;
    let dir = scratch(context, args.into.as_deref())?;
    eprintln!("a scratch repository: {}", dir.display());
    eprintln!("its plan: {}\n", dir.join("swarm.yaml").display());
    let code = if args.crash { crash_and_resume(&dir)? } else { swarm(&dir, &["run"])? };
    if code == 0 {
        eprintln!("\nwhat landed, on a branch of its own:\n");
        git(&dir, &["--no-pager", "log", "--oneline", "--graph", "main..swarm/demo"])?;
        eprintln!("\nlook around:  cd {}", dir.display());
        eprintln!("              swarm status · swarm why greet · swarm replay · swarm diff · swarm land");
    }
    Ok(code)
}

fn scratch(context: &Context, into: Option<&Path>) -> Result<PathBuf, Failure> {
    let dir = match into {
        Some(dir) => context.dir.join(dir),
        None => std::env::temp_dir().join(format!("swarm-demo-{}", std::process::id())),
    };
    if std::fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(ENVIRONMENT, format!("{} is not empty", dir.display()))
            .hint("name another folder with --into"));
    }
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("swarm.yaml"), PLAN)?;
    std::fs::write(dir.join("words.txt"), "hello\n")?;
    git(&dir, &["init", "--quiet", "--initial-branch=main"])?;
    git(&dir, &["add", "."])?;
    git(
        &dir,
        &[
            "-c",
            "user.name=demo",
            "-c",
            "user.email=demo@localhost",
            "commit",
            "--quiet",
            "-m",
            "A scratch repository",
        ],
    )?;
    Ok(dir)
}

fn git(dir: &Path, args: &[&str]) -> Result<(), Failure> {
    let status = Child::new("git").arg("-C").arg(dir).args(args).env_remove("GIT_DIR").status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(ENVIRONMENT, format!("git {} failed", args.join(" "))))
    }
}

/// The same binary, as a user would call it.
fn command(dir: &Path, args: &[&str]) -> Result<Child, Failure> {
    let mut child = Child::new(std::env::current_exe()?);
    child.arg("-C").arg(dir).args(args).stdin(Stdio::null());
    Ok(child)
}

fn swarm(dir: &Path, args: &[&str]) -> Result<u8, Failure> {
    eprintln!("$ swarm {}", args.join(" "));
    let code = command(dir, args)?.status()?.code();
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(BUG))
}

/// Kills the run by SIGKILL once something has landed and something runs, then resumes it.
fn crash_and_resume(dir: &Path) -> Result<u8, Failure> {
    eprintln!("$ swarm run");
    let mut child = command(dir, &["run"])?.spawn()?;
    let begun = Instant::now();
    while !ripe(dir) && child.try_wait()?.is_none() && begun.elapsed() < CRASH_LIMIT {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    eprintln!("\n*** kill -9: the orchestrator is gone; its agents are not ***\n");
    swarm(dir, &["resume"])
}

/// Whether something has landed while something runs.
fn ripe(dir: &Path) -> bool {
    let Ok(run) = Repo::discover(dir)
        .map_err(|_| ())
        .and_then(|repo| runs::find(Some(&repo), "latest").map_err(|_| ()))
    else {
        return false;
    };
    runs::read(&run.journal()).is_ok_and(|history| {
        let landed = history.events.iter().any(|recorded| matches!(recorded.event, Event::Merged(_)));
        let parts = history.state.parts();
        landed
            && parts.is_some_and(|parts| {
                parts.tasks.in_slots().any(|task| task.attempt.as_ref().is_some_and(|a| a.pid.is_some()))
            })
    })
}
