//! The command line, as people type it. What a command does is in a file of its own.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use swarm_domain::Usd;

use crate::drive::Ui;

/// Runs a plan of coding-agent tasks: each in its own git worktree, under a hard budget, checked by your gates, and
/// landed one at a time on a branch of its own. Your checkout is never touched.
#[derive(Debug, Parser)]
#[command(name = "swarm", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Cli {
    /// Work in this folder.
    #[arg(short = 'C', long = "dir", global = true, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The run: a unique prefix of its id, `latest`, or the path of a run folder.
    #[arg(short = 'r', long = "run", id = "named-run", global = true, value_name = "RUN")]
    pub run: Option<String>,
    /// For people, or one JSON document on standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Who reads the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// People.
    Human,
    /// Programs.
    Json,
}

/// What swarm can do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Show swarm at work in a scratch repository: a gate failure, a retry and a conflict. Offline, costs nothing.
    Demo(DemoArgs),
    /// Write a commented swarm.yaml for this repository.
    Init,
    /// Which agent programs are here, and whether they are signed in. Spends nothing.
    Doctor,
    /// Validate a plan: levels, critical path, worst-case cost. Starts nothing.
    Check(CheckArgs),
    /// Run a plan.
    Run(RunArgs),
    /// Carry on an unfinished run.
    Resume(ResumeArgs),
    /// A new run on the same target, with what failed in another.
    Retry(RetryArgs),
    /// Show a live run. Ctrl-C only detaches.
    Attach(OneRun),
    /// The state of a run.
    Status(OneRun),
    /// All runs of this repository.
    Ls,
    /// What a task's program printed.
    Logs(LogsArgs),
    /// Why a task is not running, or why it ended as it did.
    Why(OneTask),
    /// What a run, or one task's attempt, changed.
    Diff(DiffArgs),
    /// End a run, or some of its tasks. What was written is kept.
    Cancel(CancelArgs),
    /// Start nothing new until `unpause`.
    Pause(OneRun),
    /// Go on after `pause`.
    Unpause(OneRun),
    /// Change the budget of a run.
    Budget(BudgetArgs),
    /// Bring what a run landed into one of your branches.
    Land(LandArgs),
    /// Remove worktrees, folders and refs of ended runs.
    Clean(CleanArgs),
    /// Rebuild a run from its journal alone, up to any moment.
    Replay(ReplayArgs),
    /// Look at a journal: check it, list it, write it out, repair it. Only a repair changes anything.
    Journal(JournalArgs),
    /// Print a JSON Schema.
    Schema(SchemaArgs),
    /// Print completions for a shell.
    Completions(CompletionsArgs),
    /// Print the manual page.
    Man,
}

/// `swarm demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Kill the run by SIGKILL in the middle, then resume it.
    #[arg(long)]
    pub crash: bool,
    /// Make the scratch repository here instead of in the temporary folder.
    #[arg(long, value_name = "DIR")]
    pub into: Option<PathBuf>,
}

/// `swarm check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The plan; default swarm.yaml, swarm.toml or swarm.json.
    pub plan: Option<PathBuf>,
    /// Every task with its agent, gates and environment.
    #[arg(long)]
    pub verbose: bool,
    /// Print the prompt of this task's first attempt.
    #[arg(long, value_name = "TASK")]
    pub prompt: Option<String>,
}

/// `swarm run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The plan; default swarm.yaml, swarm.toml or swarm.json.
    pub plan: Option<PathBuf>,
    /// Only these tasks and what they need.
    #[arg(long, value_name = "TASK", num_args = 1..)]
    pub only: Vec<String>,
    /// The run's cap instead of the plan's, such as 12usd.
    #[arg(long, value_name = "X", value_parser = usd)]
    pub budget: Option<Usd>,
    /// Attempts at once instead of the plan's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub concurrency: Option<u32>,
    /// The branch to land on instead of the plan's.
    #[arg(long, value_name = "NAME")]
    pub target: Option<String>,
    /// Do not run setup and gates on the base first.
    #[arg(long)]
    pub no_preflight: bool,
    /// How it is watched.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// How a run is watched.
#[derive(Clone, Debug, Args)]
pub struct ViewArgs {
    /// Go on in the background; `swarm attach` shows it.
    #[arg(long)]
    pub detach: bool,
    /// How it is shown.
    #[arg(long, value_enum, default_value_t = Ui::Auto, env = "SWARM_UI", value_name = "MODE")]
    pub ui: Ui,
    /// Write the event stream here, one JSON object a line; `-` is standard output.
    #[arg(long, value_name = "PATH")]
    pub events: Option<PathBuf>,
}

/// `swarm resume`.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run; default the latest.
    pub run: Option<String>,
    /// Set the run's cap first.
    #[arg(long, value_name = "X", value_parser = usd)]
    pub budget: Option<Usd>,
    /// Set the number of attempts at once first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub concurrency: Option<u32>,
    /// How it is watched.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// `swarm retry`.
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// The run (default the latest), then the tasks to run again (default all that did not land).
    #[arg(value_name = "RUN|TASK")]
    pub names: Vec<String>,
    /// Take the plan from this file instead of the run's record.
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// The new run's cap.
    #[arg(long, value_name = "X", value_parser = usd)]
    pub budget: Option<Usd>,
    /// How it is watched.
    #[command(flatten)]
    pub view: ViewArgs,
}

/// A verb on one run.
#[derive(Debug, Args)]
pub struct OneRun {
    /// The run; default the latest.
    pub run: Option<String>,
}

/// A verb on one task.
#[derive(Debug, Args)]
pub struct OneTask {
    /// The task.
    pub task: String,
}

/// `swarm logs`.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The task. Not needed with `--gate`.
    #[arg(required_unless_present = "gate")]
    pub task: Option<String>,
    /// The attempt; default the last.
    #[arg(long, value_name = "N")]
    pub attempt: Option<u32>,
    /// The last run of this gate instead; `setup` is the setup before gates.
    #[arg(long, value_name = "NAME")]
    pub gate: Option<String>,
    /// Go on printing as it grows.
    #[arg(long)]
    pub follow: bool,
    /// The bytes as they were printed, instead of an agent's conversation.
    #[arg(long)]
    pub raw: bool,
}

/// `swarm diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Only what this task's last attempt changed.
    pub task: Option<String>,
    /// Only how many lines in which files.
    #[arg(long)]
    pub stat: bool,
}

/// `swarm cancel`.
#[derive(Debug, Args)]
pub struct CancelArgs {
    /// The run; default the one that is live.
    pub run: Option<String>,
    /// Only these tasks.
    #[arg(long, value_name = "TASK", num_args = 1..)]
    pub task: Vec<String>,
}

/// `swarm budget`.
#[derive(Debug, Args)]
pub struct BudgetArgs {
    /// What to do.
    #[command(subcommand)]
    pub change: BudgetChange,
}

/// A change of a budget.
#[derive(Debug, Subcommand)]
pub enum BudgetChange {
    /// Raise caps.
    Add {
        /// The run (default the one that is live), then amounts: 5usd, 2Mtokens, 500calls, 40turns, 2h.
        #[arg(value_name = "RUN|X", num_args = 1..=6, required = true)]
        words: Vec<String>,
    },
    /// Set caps.
    Set {
        /// The run (default the one that is live), then amounts: 17usd, 5Mtokens, 2000calls, 400turns, 8h.
        #[arg(value_name = "RUN|X", num_args = 1..=6, required = true)]
        words: Vec<String>,
    },
}

/// `swarm land`.
#[derive(Debug, Args)]
pub struct LandArgs {
    /// The run; default the latest.
    pub run: Option<String>,
    /// The branch; default the one that is checked out.
    #[arg(long, value_name = "BRANCH")]
    pub into: Option<String>,
}

/// `swarm clean`.
#[derive(Debug, Args)]
pub struct CleanArgs {
    /// The runs; default all that ended.
    pub runs: Vec<String>,
    /// Only runs that began longer ago than this, such as 14d.
    #[arg(long, value_name = "AGE")]
    pub older_than: Option<String>,
    /// Only say what would be removed.
    #[arg(long)]
    pub dry_run: bool,
    /// Also remove work that is not in the target.
    #[arg(long)]
    pub discard_unmerged: bool,
}

/// `swarm replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The run, or the path of a run folder.
    pub run: Option<String>,
    /// Stop here: a seq, a time (`14:03:10` or RFC 3339), or `task:state`.
    #[arg(long, value_name = "SEQ|TIME|TASK:STATE")]
    pub at: Option<String>,
    /// Print the event stream instead of the state.
    #[arg(long)]
    pub events: bool,
    /// Fold everything, compare with what the live run reported and with the commits that landed.
    #[arg(long)]
    pub verify: bool,
}

/// `swarm journal`.
#[derive(Debug, Args)]
pub struct JournalArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: JournalVerb,
}

/// A look at a journal.
#[derive(Debug, Subcommand)]
pub enum JournalVerb {
    /// Read everything with all its checks, and compare it with the commits that landed.
    Verify(OneRun),
    /// Print the seq and the hash of the last durable record, to be written down elsewhere.
    Head(OneRun),
    /// List the records, one line each, as far as they can be read.
    Cat(OneRun),
    /// Write out the records, one JSON object a line, as far as they can be read.
    Export(OneRun),
    /// Save what is whole of a damaged journal. The damaged one is kept beside it.
    Repair(RepairArgs),
    /// Break journals on purpose, on this machine and this disk, and count what is lost.
    Torture(TortureArgs),
}

/// `swarm journal repair`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("how").required(true).args(["plan", "apply"])))]
pub struct RepairArgs {
    /// The run, or the path of a run folder.
    pub run: Option<String>,
    /// Say what would be kept and what is lost. Changes nothing.
    #[arg(long)]
    pub plan: bool,
    /// Do it.
    #[arg(long)]
    pub apply: bool,
}

/// `swarm journal torture`.
#[derive(Debug, Args)]
pub struct TortureArgs {
    /// A folder on the disk to try; what is made in it is removed again. Without one: where the repository's runs are.
    pub dir: Option<PathBuf>,
    /// How many journals die on the simulated disk, six times each.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// How many writers are killed on the real one.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    pub kills: u32,
}

/// `swarm schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Of what.
    #[arg(value_enum)]
    pub what: SchemaOf,
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The plan file.
    Plan,
    /// A line of the event stream.
    Event,
    /// The document of `swarm status`.
    Status,
}

/// `swarm completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// An amount of money on the command line. Zero would stop everything, so it is refused.
fn usd(text: &str) -> Result<Usd, String> {
    let amount = Usd::parse(text).map_err(|error| error.to_string())?;
    if amount == Usd::ZERO { Err("a budget of $0 pays for nothing".to_owned()) } else { Ok(amount) }
}
