//! Between a plan's agent and its program: what its adapter wants to be there, and what its adapter understood. Knows no program itself.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use swarm_domain::effect::RunAttempt;
use swarm_domain::fact::{Ending, Usage};
use swarm_domain::plan::{Meter as Metering, OnUnknownCost};
use swarm_domain::state::State;
use swarm_domain::task::Task;
use swarm_domain::{TaskId, TaskSpec, Usd, Work};

use super::environment;
use crate::agents::{
    self, ADAPTERS, Adapter, Ask, Facts, GATEWAY, Launch, Login, Permission, Prices, Reading, Talk, Unfit,
};
use crate::holder::{self, HolderError, Job, Listen, Route};
use crate::proxy::{self, Upstream};
use crate::walls::Kind;

/// How long a program may stay, silent, after its final record, in milliseconds. Most are gone within one second; one
/// that waits for a shell of its own in the background has had its time.
const OVERSTAY_MS: u64 = 15_000;
/// How long a program may go on trying while it is refused, in milliseconds: longer than a hiccup of a provider.
const PATIENCE_MS: u64 = 60_000;
/// The end of a conversation that is recorded with the end of an attempt, in items.
const TAIL_ITEMS: usize = 12;

/// An agent whose program an adapter knows.
pub struct Agent<'a> {
    adapter: &'static dyn Adapter,
    model: Option<&'a str>,
    permission: Permission,
    args: &'a [String],
}

type Environment = BTreeMap<OsString, OsString>;

impl<'a> Agent<'a> {
    /// The agent of a piece of work, unless that is a command or a template.
    pub fn of_work(work: &'a Work) -> Option<Self> {
        let Work::Agent { adapter, model, permission, args, .. } = work else { return None };
        Some(Self {
            adapter: agents::adapter(adapter)?,
            model: model.as_deref(),
            permission: Permission::parse(permission).unwrap_or(Permission::Run),
            args,
        })
    }

    pub(super) fn of(run: &'a RunAttempt) -> Option<Self> {
        Self::of_work(&run.work)
    }

    /// What is known of its program.
    pub fn facts(&self) -> &'static Facts {
        self.adapter.facts()
    }

    /// Whether its program is logged in, as far as can be seen without asking anybody.
    pub fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login {
        self.adapter.login(env, home)
    }

    /// Where its calls go by themselves, if swarm's proxy can stand between; else why not, as the end of a sentence.
    pub fn upstream(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
        let upstream = self.adapter.upstream(self.model, env, &home(env))?;
        Upstream::parse(&upstream).map_err(|error| error.to_string())?;
        let around = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
        match around.iter().find(|name| env(name).is_some_and(|value| !value.is_empty())) {
            Some(name) if upstream.starts_with("https:") => Err(format!("its calls go through your {name}")),
            _ => Ok(upstream),
        }
    }

    /// Whether its model has a price, or is one that only its program knows.
    pub fn has_price(&self, prices: &Prices) -> bool {
        self.model.is_none_or(|model| self.adapter.is_alias(model) || prices.rate(model).is_some())
    }

    /// Names of variables that are handed on to it.
    pub(super) fn passed(&self, asked: &[String]) -> Vec<String> {
        self.facts().keys.iter().map(|name| (*name).to_owned()).chain(asked.iter().cloned()).collect()
    }

    /// Names of variables that are for its program alone, and not for what is run before it.
    fn own_keys(&self, run: &RunAttempt, env: &[(OsString, OsString)]) -> Vec<String> {
        let is_asked = |name: &str| {
            run.env.iter().any(|(set, _)| set == name)
                || run.pass_env.iter().any(|pattern| environment::names(pattern, name))
        };
        let is_own = |name: &str| self.facts().keys.iter().any(|pattern| environment::names(pattern, name));
        let names = env.iter().filter_map(|(name, _)| name.to_str());
        names.filter(|name| is_own(name) && !is_asked(name)).map(str::to_owned).collect()
    }

    /// An environment without what tells a program that it runs inside another agent.
    pub(super) fn only_its_own(mut env: Environment) -> Environment {
        let inner = ADAPTERS.iter().flat_map(|adapter| adapter.facts().unset);
        inner.for_each(|name| drop(env.remove(&OsString::from(name))));
        env
    }

    /// Whether its program could be started with this prompt, as far as that can be told before.
    pub fn try_out(&self, prompt: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<(), Unfit> {
        let nowhere = Path::new("/");
        let place = Place {
            unmounting: false,
            prompt_file: nowhere,
            worktree: nowhere,
            git_dir: nowhere,
            state: nowhere,
        };
        self.launch(prompt, &place, ("", None), false, env).map(drop)
    }

    fn launch(
        &self,
        prompt: &str,
        place: &Place<'_>,
        (nonce, bookmark): (&str, Option<&str>),
        metered: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Launch, Unfit> {
        self.adapter.launch(&Ask {
            prompt,
            prompt_file: place.prompt_file,
            model: self.model,
            permission: self.permission,
            unmounting: place.unmounting,
            worktree: place.worktree,
            git_dir: place.git_dir,
            state: place.state,
            nonce,
            bookmark,
            args: self.args,
            metered,
            home: &home(env),
            env,
        })
    }

    /// Prepares everything that its program wants, and says so in the job and the environment.
    pub(super) fn furnish(
        &self,
        run: &RunAttempt,
        dir: &Path,
        wall: Kind,
        job: &mut Job,
        env: &mut Vec<(OsString, OsString)>,
    ) -> Result<(), HolderError> {
        let state = dir.join("state");
        let unready = |source| HolderError::File { path: state.clone(), source };
        fs::create_dir_all(&state).map_err(unready)?;
        let taken_up = run.takes_up.as_ref().filter(|_| self.facts().resumes);
        if let Some(earlier) = taken_up.filter(|_| self.facts().own_state) {
            let before = dir.with_file_name(earlier.attempt.to_string()).join("state");
            copy_tree(&before, &state).map_err(unready)?;
        }
        let bookmark = taken_up.map(|earlier| earlier.bookmark.as_str());
        let prompt_file = dir.join("prompt.md");
        let place = Place {
            unmounting: wall == Kind::Landlock,
            prompt_file: &prompt_file,
            worktree: Path::new(&run.path),
            git_dir: Path::new(&run.git_dir),
            state: &state,
        };
        let look_up = look_up(env);
        let upstream = Some(run.meter).filter(|meter| *meter == Metering::Proxy);
        let upstream = upstream.and_then(|_| self.upstream(&look_up).ok());
        let named = (run.nonce.as_str(), bookmark);
        let launch = self.launch(&run.prompt, &place, named, upstream.is_some(), &look_up)?;
        lay_out(&launch).map_err(unready)?;
        // What the plan sets wins, unless it would lead around the proxy: where it leads is the proxy's upstream.
        let planned = |name: &str| run.env.iter().any(|(set, _)| set == name);
        let own = launch.env.into_iter().filter(|(name, value)| !planned(name) || value.contains(GATEWAY));
        let own: Vec<(OsString, OsString)> = own.map(|(name, value)| (name.into(), value.into())).collect();
        env.retain(|(name, _)| !own.iter().any(|(set, _)| set == name));
        env.extend(own);
        (job.main, job.stdin) = (launch.argv, launch.stdin);
        job.main_only = self.own_keys(run, env);
        // A model that is not the plan's own must not be a hole in its budget.
        let refuse_unpriced = match run.on_unknown_cost {
            OnUnknownCost::Refuse => true,
            OnUnknownCost::Estimate => {
                Prices::load(prices_file(&look_up).as_deref()).map_or(true, |prices| self.has_price(&prices))
            }
            OnUnknownCost::Allow => false,
        };
        job.route = upstream.map(|upstream| Route { upstream, refuse_unpriced });
        job.listen = Some(Listen {
            adapter: self.facts().name.to_owned(),
            model: self.model.map(str::to_owned),
            state,
            bookmark: bookmark.map(str::to_owned),
            prices: prices_file(&|name| std::env::var(name).ok()),
            overstay_ms: OVERSTAY_MS,
            patience_ms: PATIENCE_MS,
        });
        Ok(())
    }
}

/// What the agents of running attempts have said so far, from the files of their holders.
pub fn heard(run_dir: &Path, state: &State) -> BTreeMap<TaskId, Reading> {
    let running = state.parts().into_iter().flat_map(|parts| parts.tasks.in_slots());
    let folder = |task: &Task| {
        let (id, attempt) = (task.spec.id.as_str(), task.attempt_no().to_string());
        run_dir.join("attempts").join(id).join(attempt)
    };
    running
        .filter(|task| Agent::of_work(&task.spec.work).is_some())
        .filter_map(|task| Some((task.spec.id.clone(), holder::reading(&folder(task))?)))
        .collect()
}

struct Place<'a> {
    unmounting: bool,
    prompt_file: &'a Path,
    worktree: &'a Path,
    git_dir: &'a Path,
    state: &'a Path,
}

/// The user's home.
pub fn home(env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    env("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// Where the user's own prices are, if there are any.
pub fn prices_file(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let configuration = env("XDG_CONFIG_HOME")
        .filter(|path| !path.is_empty())
        .map_or_else(|| home(env).join(".config"), PathBuf::from);
    Some(configuration.join("swarm/prices.toml")).filter(|path| path.is_file())
}

fn look_up(env: &[(OsString, OsString)]) -> impl Fn(&str) -> Option<String> + use<> {
    let env: Environment = env.iter().cloned().collect();
    move |name| env.get(&OsString::from(name))?.to_str().map(str::to_owned)
}

/// The variables that an agent of a task will find, as far as they come from the caller and the plan.
pub fn seen_by(task: &TaskSpec) -> impl Fn(&str) -> Option<String> + use<'_> {
    |name| task.env.get(name).cloned().or_else(|| std::env::var(name).ok())
}

fn lay_out(launch: &Launch) -> io::Result<()> {
    for (path, content) in &launch.files {
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, content)?;
    }
    for (from, to) in &launch.links {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        if from.exists() && to.symlink_metadata().is_err() {
            symlink(from, to)?;
        }
    }
    Ok(())
}

/// Copies what an earlier attempt left. Sockets and the like are left out; links are made anew.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    fs::create_dir_all(to)?;
    for entry in entries {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_file() {
            match fs::copy(entry.path(), &target) {
                // What its owner may not read its program cannot need.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                copied => drop(copied?),
            }
        } else if kind.is_symlink() && target.symlink_metadata().is_err() {
            symlink(fs::read_link(entry.path())?, &target)?;
        }
    }
    Ok(())
}

/// What an agent's program said of its attempt. One that never ran said nothing; one whose holder is gone is heard once more.
pub(super) fn reading(run: &RunAttempt, dir: &Path, ending: &Ending) -> Option<Reading> {
    Agent::of(run)?;
    let reading = match ending {
        Ending::SetupFailed { .. } | Ending::NotStarted { .. } => None,
        // It may have been stopped during its setup.
        Ending::Stopped => holder::reading(dir),
        Ending::Unknown => Some(holder::reread(dir).unwrap_or_default()),
        _ => Some(holder::reading(dir).unwrap_or_default()),
    };
    reading.map(Reading::settled)
}

/// What an attempt used. Of a program that an adapter knows only its own word counts: what a setup command wrote into the
/// file for reports is not the program's.
pub(super) fn usage(run: &RunAttempt, dir: &Path, reading: Option<&Reading>) -> Usage {
    let (said, wants) = (said(run, dir, reading), super::wants(dir));
    if !proxy::is_metered(dir) {
        return said;
    }
    // What cannot be read may have cost anything: then it counts as what was reserved.
    let Ok(totals) = proxy::read_calls(dir) else { return Usage::default() };
    let seen = totals.calls > 0 || totals.stuck || wants > Usd::ZERO;
    if !seen {
        // Its calls took another way: only its own word is left.
        return Usage { wants, ..said };
    }
    // Nobody settles a call that is still open.
    let (most, counted) = (Usd::from_micros(totals.most_micros()), super::counted(&totals));
    if totals.unpriced {
        return partly_priced(run, most, Usage { wants, ..said.max(counted) });
    }
    Usage { usd: Some(most), turns: said.turns, wants, ..counted }
}

/// Some of its calls have no price. What the others cost counts in any case, beside its own word or what was reserved.
fn partly_priced(run: &RunAttempt, most: Usd, used: Usage) -> Usage {
    match used.usd {
        Some(said) => Usage { usd: Some(said.max(most)), ..used },
        None if run.on_unknown_cost == OnUnknownCost::Allow => {
            Usage { usd: Some(most).filter(|most| *most > Usd::ZERO), ..used }
        }
        None => Usage { usd: Some(most.max(run.grant)), priced: true, ..used },
    }
}

/// Whether its calls were to go through the proxy, and none did although it used tokens.
pub(super) fn went_around(dir: &Path, usage: &Usage) -> bool {
    let unseen = |totals: proxy::Totals| totals.calls == 0 && !totals.stuck;
    proxy::is_metered(dir) && usage.tokens() > 0 && proxy::read_calls(dir).is_ok_and(unseen)
}

fn said(run: &RunAttempt, dir: &Path, reading: Option<&Reading>) -> Usage {
    match (reading, Agent::of(run)) {
        (Some(reading), _) => super::used(&reading.spent),
        // It was ended during its setup, or could not begin.
        (None, Some(_)) => Usage { usd: Some(Usd::ZERO), ..Usage::default() },
        (None, None) => super::usage(dir),
    }
}

/// The end of a conversation, for people and for the next attempt's prompt.
pub(super) fn tail(dir: &Path) -> Option<String> {
    let mut items: std::collections::VecDeque<String> = std::collections::VecDeque::new();
    let told = holder::conversation(dir, &mut |item: Talk| {
        if items.len() == TAIL_ITEMS {
            items.pop_front();
        }
        items.push_back(item.brief());
    });
    told.ok().flatten()?;
    let complaints = holder::tail(&dir.join("stderr"), super::attempt::TAIL_BYTES);
    let lines = items.into_iter().chain(complaints.lines().map(str::to_owned));
    let text = lines.collect::<Vec<_>>().join("\n");
    Some(swarm_domain::prompt::bounded(&text).to_owned())
}
