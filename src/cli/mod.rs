//! The commands, one file each. They talk to people; everything below them does not.

mod agents;
mod amounts;
pub mod args;
mod attach;
mod check;
mod clean;
mod control;
mod cost;
mod demo;
mod diff;
mod doctor;
mod exit;
mod init;
mod journal;
mod land;
mod logs;
mod meta;
mod out;
mod prepare;
mod proof;
mod replay;
mod resume;
mod retry;
mod run;
mod status;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Parser};

use crate::git::Repo;
use crate::runs::{self, RunFolder};
use args::{Cli, Format, Verb};
pub use exit::Failure;

/// What every command is given.
pub struct Context {
    /// The folder to work in.
    pub dir: PathBuf,
    /// The run that `-r` names.
    pub run: Option<String>,
    /// Whether a program reads the output.
    pub json: bool,
}

impl Context {
    /// The repository of the folder.
    pub fn repo(&self) -> Result<Repo, Failure> {
        Repo::version()?;
        Ok(Repo::discover(&self.dir)?)
    }

    /// The run of a name, of `-r`, or the latest.
    pub fn find(&self, name: Option<&str>) -> Result<RunFolder, Failure> {
        let name = name.or(self.run.as_deref()).unwrap_or("latest");
        // A run folder that was copied elsewhere needs no repository.
        let repo = if runs::is_run(Path::new(name)) { None } else { Some(self.repo()?) };
        Ok(runs::find(repo.as_ref(), name)?)
    }
}

/// Runs the program with the arguments of this process: the exit code is the answer.
pub fn main() -> u8 {
    main_of(&std::env::args_os().skip(1).collect::<Vec<_>>())
}

/// Runs the program with these arguments.
pub fn main_of(args: &[OsString]) -> u8 {
    let words = std::iter::once(OsString::from("swarm")).chain(args.iter().cloned());
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and succeed; the rest is a mistake.
            if !error.use_stderr() {
                let _ = error.print();
                return exit::OK;
            }
            if wants_json(args) {
                Failure::new(exit::USAGE, error.render()).print(true);
            } else {
                let _ = error.print();
            }
            return exit::USAGE;
        }
    };
    let json = cli.format == Format::Json;
    match dispatch(cli) {
        Ok(code) => code,
        Err(failure) => {
            failure.print(json);
            failure.code
        }
    }
}

/// The writer that `swarm journal torture` kills.
pub fn torture_writer(dir: &Path) -> u8 {
    journal::torture_writer(dir).unwrap_or_else(|failure| {
        failure.print(false);
        failure.code
    })
}

/// Whether a program reads the output, of a command line that cannot be understood.
fn wants_json(args: &[OsString]) -> bool {
    args.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
        || args.iter().any(|arg| arg == "--format=json")
}

fn dispatch(cli: Cli) -> Result<u8, Failure> {
    let dir = match &cli.dir {
        Some(dir) => std::path::absolute(dir)?,
        None => std::env::current_dir().map_err(|error| {
            Failure::new(exit::ENVIRONMENT, format!("the current folder cannot be used: {error}"))
        })?,
    };
    if !dir.is_dir() {
        let failure = Failure::new(exit::ENVIRONMENT, format!("there is no folder {}", dir.display()));
        return Err(failure.hint("name the folder of your checkout: `swarm -C DIR …`"));
    }
    let context = Context { dir, run: cli.run, json: cli.format == Format::Json };
    match cli.verb {
        None => overview(&context),
        Some(Verb::Demo(args)) => demo::demo(&context, &args),
        Some(Verb::Init) => init::init(&context),
        Some(Verb::Doctor) => Ok(doctor::doctor(&context)),
        Some(Verb::Check(args)) => check::check(&context, &args),
        Some(Verb::Run(args)) => run::run(&context, &args),
        Some(Verb::Resume(args)) => resume::resume(&context, &args),
        Some(Verb::Retry(args)) => retry::retry(&context, &args),
        Some(Verb::Attach(args)) => attach::attach(&context, args.run.as_deref()),
        Some(Verb::Status(args)) => status::status(&context, args.run.as_deref()),
        Some(Verb::Ls) => status::ls(&context),
        Some(Verb::Logs(args)) => logs::logs(&context, &args),
        Some(Verb::Why(args)) => status::why(&context, &args.task),
        Some(Verb::Diff(args)) => diff::diff(&context, &args),
        Some(Verb::Cancel(args)) => control::cancel(&context, &args),
        Some(Verb::Pause(args)) => control::pause(&context, args.run.as_deref(), true),
        Some(Verb::Unpause(args)) => control::pause(&context, args.run.as_deref(), false),
        Some(Verb::Budget(args)) => control::budget(&context, &args),
        Some(Verb::Land(args)) => land::land(&context, &args),
        Some(Verb::Clean(args)) => clean::clean(&context, &args),
        Some(Verb::Replay(args)) => replay::replay(&context, &args),
        Some(Verb::Journal(args)) => journal::journal(&context, &args.verb),
        Some(Verb::Schema(args)) => Ok(meta::schema(&args)),
        Some(Verb::Completions(args)) => Ok(meta::completions(&args)),
        Some(Verb::Man) => meta::man(),
    }
}

/// Bare `swarm`: where there are runs, their list; elsewhere, the help.
fn overview(context: &Context) -> Result<u8, Failure> {
    if let Ok(repo) = context.repo()
        && runs::list(&repo).is_ok_and(|runs| !runs.is_empty())
    {
        return status::ls(context);
    }
    // Whoever closed standard error does not want to be helped.
    let _ = Cli::command().print_help();
    Ok(exit::USAGE)
}
