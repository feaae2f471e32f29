//! What an attempt and a gate may write, see and reach: the places of a run put together for the wall that stands. Enforces nothing.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use swarm_domain::effect::{RunAttempt, RunGate};

use super::agent::Agent;
use super::{Site, agent, program};
use crate::agents::Own;
use crate::walls::{self, Enclosure, Kind, Places};

/// The wall of a run: what enforces it, and what the plan opens in it.
#[derive(Clone, Debug)]
pub struct Wall {
    kind: Kind,
    write: Vec<String>,
}

/// What the agent's program has for itself. The folders that it finds in its environment may be the attempt's by now, and
/// are the caller's here.
fn own_places(agent: &Agent<'_>, run: &RunAttempt) -> Vec<PathBuf> {
    let named = |name: &str| run.env.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
    let env = |name: &str| named(name).or_else(|| std::env::var(name).ok());
    let home = agent::home(&env);
    let place = |own: &Own| {
        let path = own.path(&env, &home);
        if own.is_folder && home.is_dir() {
            // Without it the program would fail in the wall where it does not without one.
            let _ = std::fs::create_dir_all(&path);
        }
        path
    };
    agent.facts().writes.iter().map(place).collect()
}

type Environment = Vec<(OsString, OsString)>;

impl Wall {
    /// The wall that was found for a run, with the places that its plan adds.
    pub fn new(kind: Kind, write: Vec<String>) -> Self {
        Self { kind, write }
    }

    /// What enforces it.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// No wall.
    pub fn none() -> Self {
        Self { kind: Kind::None, write: Vec::new() }
    }

    /// What an attempt gets. A folder for temporary files is made for it where the usual one cannot be granted.
    pub(super) fn of_attempt(
        &self,
        site: &Site,
        run: &RunAttempt,
        dir: &Path,
        env: &mut Environment,
    ) -> io::Result<Option<Enclosure>> {
        if self.kind == Kind::None {
            return Ok(None);
        }
        let common = site.repo.common_dir();
        let mut own = vec![PathBuf::from(&run.path), PathBuf::from(&run.git_dir)];
        own.extend([dir.join("state"), dir.join("usage")]);
        // A conversation that is taken up goes on where it began.
        own.extend((1..run.attempt).map(|earlier| dir.with_file_name(earlier.to_string()).join("state")));
        // A repository of its own has its own objects.
        if Path::new(&run.git_dir).starts_with(common) {
            own.extend([common.join("objects"), common.join("lfs")]);
        }
        if let Some(agent) = Agent::of(run) {
            own.extend(own_places(&agent, run));
        }
        self.enclosure(site, dir, own, env).map(Some)
    }

    /// What a gate gets: nothing of the repository's own data.
    pub(super) fn of_gate(
        &self,
        site: &Site,
        order: &RunGate,
        dir: &Path,
        worktree: &Path,
        env: &mut Environment,
    ) -> io::Result<Option<Enclosure>> {
        let network = order.gate.as_ref().is_none_or(|gate| gate.network);
        if self.kind == Kind::None {
            let nothing = Enclosure { network, ..Enclosure::none() };
            return Ok((!network).then_some(nothing));
        }
        let enclosure = self.enclosure(site, dir, vec![worktree.to_path_buf()], env)?;
        Ok(Some(Enclosure { network, ..enclosure }))
    }

    fn enclosure(
        &self,
        site: &Site,
        dir: &Path,
        own: Vec<PathBuf>,
        env: &mut Environment,
    ) -> io::Result<Enclosure> {
        let places = self.places(site, own, env);
        let mut write = walls::granted(&places);
        let temporary = look_up(env)("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from);
        if !walls::holds(&write, &temporary) {
            let folder = dir.join("tmp");
            std::fs::create_dir_all(&folder)?;
            env.retain(|(name, _)| name != "TMPDIR");
            env.push(("TMPDIR".into(), folder.clone().into()));
            write.push(folder.canonicalize()?);
        }
        let runs = site.repo.common_dir().join("swarm");
        let hide = vec![runs, site.places.worktrees.clone()];
        let hide = hide.into_iter().filter_map(|path| path.canonicalize().ok()).collect();
        Ok(Enclosure { wall: self.kind, write, hide, show: vec![dir.canonicalize()?], network: true })
    }

    fn places(&self, site: &Site, own: Vec<PathBuf>, env: &Environment) -> Places {
        let env = look_up(env);
        let home = agent::home(&env);
        let mut keep: Vec<PathBuf> = walls::PROTECTED.iter().map(|path| home.join(path)).collect();
        keep.extend(site.repo.top().map(Path::to_path_buf));
        keep.extend([home.clone(), site.repo.common_dir().to_path_buf(), site.places.run_dir.clone()]);
        // With those of all other runs, of this repository and of others.
        keep.extend(site.places.worktrees.ancestors().take(3).map(Path::to_path_buf));
        let mut write = own;
        let temporary = walls::TEMPORARY.iter().map(PathBuf::from).chain(env("TMPDIR").map(PathBuf::from));
        // What lies there comes and goes, so it is not granted one by one.
        write.extend(temporary.filter(|place| !walls::lies_in(place, &keep)));
        write.extend(walls::DEVICES.iter().map(PathBuf::from));
        write.extend(walls::caches(&home, &env, &|tool| program::find(tool).is_some()));
        write.extend(self.write.iter().map(|path| walls::home_path(&home, path)));
        Places { write, keep }
    }
}

fn look_up(env: &Environment) -> impl Fn(&str) -> Option<String> + use<> {
    let env = env.clone();
    move |name| env.iter().rev().find(|(set, _)| set == name)?.1.to_str().map(str::to_owned)
}
