//! `swarm run`: from a plan file to a run that is driven, here or in the background.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command as Child, Stdio};
use std::sync::Arc;

use swarm_actors::Writer;
use swarm_domain::fact::Request;
use swarm_domain::plan::Plan;
use swarm_domain::state::State;
use swarm_domain::{Command, NewRun, Oid, TaskId};
use swarm_journal::Log;

use super::Context;
use super::args::{RunArgs, ViewArgs};
use super::cost;
use super::exit::{ENVIRONMENT, Failure, OK, PLAN};
use super::out;
use super::prepare::{self, Wanted};
use crate::drive::{self, DriveError, Options, VERSION};
use crate::git::Repo;
use crate::plan::{self, Loaded};
use crate::report;
use crate::runs::{self, RunFolder, TargetLock};
use crate::walls;
use crate::world::{RealWorld, Wall};

pub(super) fn run(context: &Context, args: &RunArgs) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let file = plan_file(context, args.plan.as_deref())?;
    let Loaded { mut draft, warnings, source } = prepare::load(Some(&repo), &file, args.budget)?;
    if !warnings.is_empty() {
        eprintln!("{}", plan::render(&warnings, &source, drive::colour()).trim_end());
    }
    prepare::only(&mut draft, &args.only)?;
    draft.concurrency = args.concurrency.unwrap_or(draft.concurrency);
    let wanted = Wanted { target: args.target.as_deref(), preflight: !args.no_preflight, continues: false };
    let resolved = prepare::resolve(&repo, &draft, &wanted)?;
    let plan = draft.into_plan(resolved).map_err(|errors| bad_graph(&errors))?;
    prepare::check_surroundings(&plan)?;
    let new = New { parent: None, source: file.display().to_string(), plan, carried: BTreeMap::new() };
    begin(context, &repo, new, &args.view)
}

fn bad_graph(errors: &[swarm_domain::plan::PlanError]) -> Failure {
    let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Failure::new(PLAN, text).hint("`swarm check` shows where")
}

/// The plan file that is meant.
pub(super) fn plan_file(context: &Context, named: Option<&Path>) -> Result<PathBuf, Failure> {
    match named {
        Some(path) => Ok(context.dir.join(path)),
        None => plan::find(&context.dir).ok_or_else(|| {
            Failure::new(
                PLAN,
                format!("there is no swarm.yaml, swarm.toml or swarm.json in {}", context.dir.display()),
            )
            .hint("`swarm init` writes one; or name the plan: `swarm run plan.yaml`")
        }),
    }
}

/// How many processors there are.
pub(super) fn cpus() -> u32 {
    std::thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(u32::MAX))
}

/// A run that is to begin.
pub(super) struct New {
    pub(super) parent: Option<String>,
    pub(super) source: String,
    pub(super) plan: Plan,
    pub(super) carried: BTreeMap<TaskId, Oid>,
}

/// Records the plan, and drives it. From here on the run can be resumed.
pub(super) fn begin(context: &Context, repo: &Repo, new: New, view: &ViewArgs) -> Result<u8, Failure> {
    announce(repo, &new.plan)?;
    let target = new.plan.settings().target.clone();
    let lock = TargetLock::take(repo, &target)?.ok_or(DriveError::TargetBusy(target))?;
    let folder = runs::create(repo)?;
    if let Err(failure) = record(repo, &folder, new) {
        // Nothing ever referred to a run that could not be recorded.
        let _ = std::fs::remove_dir_all(&folder.dir);
        return Err(failure);
    }
    eprintln!("run {}", folder.id);
    // Whoever drives the run takes the target's lock again.
    drop(lock);
    if view.detach {
        return detach(context, &folder, view);
    }
    drive_here(context, repo, &folder, view, Vec::new())
}

/// What agents will see, and what they will not.
fn announce(repo: &Repo, plan: &Plan) -> Result<(), Failure> {
    let settings = plan.settings();
    let dirty = repo.dirty_count().unwrap_or(0);
    let base = settings.base.short();
    if dirty > 0 {
        let files = if dirty == 1 { "file" } else { "files" };
        eprintln!("agents see {base}, not your {dirty} uncommitted {files}");
    }
    let budget = settings.caps.usd.map_or_else(|| "no limit".to_owned(), |cap| cap.to_string());
    let agents = cost::words(plan.tasks(), settings.meter, settings.on_unknown_cost)?;
    let cost = agents.unwrap_or_else(|| "commands cost what they report".to_owned());
    let tasks = match plan.tasks().len() {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    };
    eprintln!("{}: {tasks} on {base} → {}, budget {budget}", settings.name, settings.target);
    eprintln!("cost: {cost}");
    for line in cost::unheld(plan.tasks(), settings.meter) {
        eprintln!("  {line}");
    }
    let wall = walls::find(settings.isolation.wall)?;
    eprintln!("wall: {}", report::wall(&wall.standing()));
    if settings.isolation.wall == swarm_domain::Wall::Auto && wall.kind == walls::Kind::None {
        eprintln!("  this machine offers none that works; `swarm doctor` says why");
    }
    Ok(())
}

fn record(repo: &Repo, folder: &RunFolder, new: New) -> Result<(), Failure> {
    let log = Log::create(&folder.journal(), runs::journal_id(&folder.id))?;
    let places = folder.places(repo)?;
    let target = new.plan.settings().target.clone();
    let world = RealWorld::new(repo.clone(), places, target, log.epoch(), Wall::none());
    let mut writer = Writer::new(log, State::new(), Arc::new(world));
    let command = Command::Plan(Box::new(NewRun {
        run: folder.id.clone(),
        parent: new.parent,
        version: VERSION.to_owned(),
        source: new.source,
        plan: new.plan,
        carried: new.carried,
    }));
    writer.record(&command)?;
    writer.close()?;
    Ok(())
}

/// Drives a run in this process and says how it came out.
pub(super) fn drive_here(
    context: &Context,
    repo: &Repo,
    folder: &RunFolder,
    view: &ViewArgs,
    requests: Vec<Request>,
) -> Result<u8, Failure> {
    let events = view.events.as_deref().map(event_sink).transpose()?;
    let options = Options { ui: view.ui, events, requests, by: user() };
    let state = drive::drive(repo, folder, options)?;
    Ok(conclude(context, &state, view))
}

/// The outcome, in both languages. Standard output carries data only.
pub(super) fn conclude(context: &Context, state: &State, view: &ViewArgs) -> u8 {
    eprintln!("{}", report::ending(state, drive::colour()).trim_end());
    let streams_to_stdout = view.events.as_deref() == Some(Path::new("-"));
    if context.json && !streams_to_stdout {
        let digest = swarm_actors::digest(state);
        out::line(report::status_json(state, &report::Liveness::default(), &digest));
    }
    report::exit_code(state)
}

/// Who sits at this terminal, for the record.
pub(super) fn user() -> String {
    std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "user".to_owned())
}

fn event_sink(path: &Path) -> Result<Box<dyn Write + Send>, Failure> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    let file = File::options().create(true).append(true).open(path);
    let file = file.map_err(|error| Failure::new(ENVIRONMENT, format!("{}: {error}", path.display())))?;
    Ok(Box::new(file))
}

/// Starts another process that drives the run, in a session of its own.
pub(super) fn detach(context: &Context, folder: &RunFolder, view: &ViewArgs) -> Result<u8, Failure> {
    let log = File::options().create(true).append(true).open(folder.dir.join("swarm.log"))?;
    let mut child = Child::new(std::env::current_exe()?);
    child.arg("__detached").arg("-C").arg(&context.dir).arg("resume").arg(&folder.id).args(["--ui", "none"]);
    if let Some(events) = &view.events {
        child.arg("--events").arg(events);
    }
    child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn()?;
    let id = &folder.id;
    eprintln!("it goes on in the background: `swarm attach {id}` shows it, `swarm cancel {id}` ends it");
    if context.json {
        out::line(serde_json::json!({"schema": "swarm.detached/1", "run": id}));
    }
    Ok(OK)
}
