//! What a run keeps secret: the values of variables that it passes through, and whatever the rules find. Every text that leaves the world passes here.

use std::borrow::Cow;
use std::collections::BTreeSet;

use swarm_domain::Event;
use swarm_domain::fact::{Ending, Verdict};
use swarm_domain::plan::{Secrets, Settings, TaskSpec};
use swarm_domain::state::Parts;

use super::environment;
use crate::agents::{ADAPTERS, said};
use crate::plan::exceptions;
use crate::secrets::{Allow, Redactor, variable};

/// Keeps the secrets of one run.
#[derive(Debug)]
pub struct Guard {
    /// Whether rules are tried on prompts and on what lands.
    pub(super) scan: bool,
    pub(super) allow: Vec<Allow>,
    pub(super) redactor: Redactor,
    names: BTreeSet<String>,
}

impl Default for Guard {
    /// Knows no more than the rules.
    fn default() -> Self {
        Self::new(&Secrets::default(), &BTreeSet::new())
    }
}

impl Guard {
    /// What a recorded run keeps secret, with the values that its variables have now.
    pub fn of_run(parts: &Parts) -> Self {
        let tasks = parts.tasks.iter().map(|task| &*task.spec);
        Self::of_plan(&parts.run.settings, tasks)
    }

    /// The same for a plan.
    pub fn of_plan<'t>(settings: &Settings, tasks: impl Iterator<Item = &'t TaskSpec>) -> Self {
        Self::new(&settings.secrets, &passed(&settings.pass_env, tasks))
    }

    /// Knows the variables of the caller's environment that these patterns name, and the keys of all agent programs.
    pub fn new(secrets: &Secrets, patterns: &BTreeSet<String>) -> Self {
        let allow = exceptions(secrets);
        let known = known(patterns, &allow);
        let names = known.iter().map(|(name, _)| name.clone()).collect();
        Self { scan: secrets.scan, allow, redactor: Redactor::new(known), names }
    }

    /// The names of the variables whose values are secret. A holder finds the values in its own environment.
    pub fn names(&self) -> Vec<String> {
        self.names.iter().cloned().collect()
    }

    /// What an agent is told, without secrets, and where and what those were. What the plan allows stays.
    pub fn prompt(&self, prompt: &str) -> (String, Vec<(u32, String)>) {
        let allowed = |rule: &str| !self.scan || self.allow.iter().any(|allow| allow.is_all_of(rule));
        let (prompt, places) = self.redactor.redact_but(prompt, allowed);
        (prompt.into_owned(), places)
    }

    /// A part of a file that the plan may have made exceptions for, without secrets, and whether there were any.
    pub fn shown(&self, path: &str, text: &str) -> (String, bool) {
        let allowed =
            |rule: &str| !self.scan || self.allow.iter().any(|allow| allow.covers(rule, Some(path)));
        let (text, left_out) = self.redactor.redact_but(text, allowed);
        (text.into_owned(), !left_out.is_empty())
    }

    /// A text without secrets.
    pub fn clean<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.redact(text)
    }

    /// The variable whose value stands in a text.
    pub fn holds(&self, text: &str) -> Option<&str> {
        self.redactor.known(text.as_bytes()).map(|(_, name)| name).next()
    }

    /// Law 18: what is recorded is what programs and git said, without secrets.
    pub(super) fn event(&self, mut event: Event) -> Event {
        for text in texts(&mut event) {
            self.redactor.clean(text);
        }
        event
    }
}

/// The patterns of the variables that a plan passes through, wherever it does.
pub fn passed<'t>(run: &[String], tasks: impl Iterator<Item = &'t TaskSpec>) -> BTreeSet<String> {
    let of = |task: &'t TaskSpec| {
        task.gates.iter().flat_map(|gate| &gate.pass_env).chain(&task.pass_env).cloned().collect::<Vec<_>>()
    };
    tasks.flat_map(of).chain(run.iter().cloned()).collect()
}

/// Names and values of the variables that are secrets. One that the plan allows everywhere is none.
fn known(patterns: &BTreeSet<String>, allow: &[Allow]) -> Vec<(String, String)> {
    let meant = |name: &str| {
        let keys = ADAPTERS.iter().flat_map(|adapter| adapter.facts().keys).copied();
        keys.chain(patterns.iter().map(String::as_str)).any(|pattern| environment::names(pattern, name))
    };
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, value)| meant(name) && variable::is_secret(name, value, patterns.contains(name)))
        .filter(|(name, _)| !allow.iter().any(|allow| allow.is_all_of(name)))
        .collect()
}

/// The texts of an event that programs, git or the system wrote. Paths that a commit changes are names, and stay.
fn texts(event: &mut Event) -> Vec<&mut String> {
    match event {
        Event::WorktreeFailed(event) => vec![&mut event.error],
        Event::WorktreeKept(event) => vec![&mut event.error],
        Event::PreserveFailed(event) => vec![&mut event.error],
        Event::Preserved(event) => event.subjects.iter_mut().collect(),
        Event::AgentExited(event) => {
            let mut texts = vec![&mut event.tail];
            match &mut event.ending {
                Ending::NotStarted { error } => texts.push(error),
                Ending::SetupFailed { detail, .. } => texts.push(detail),
                Ending::Exited { .. }
                | Ending::Signaled { .. }
                | Ending::TimedOut
                | Ending::Idle
                | Ending::Spent
                | Ending::Stopped
                | Ending::Unknown
                | Ending::Overstayed => {}
            }
            texts.extend(event.report.iter_mut().flat_map(|report| said(report)));
            texts
        }
        Event::GateEnded(event) => {
            let mut texts = vec![&mut event.tail];
            match &mut event.verdict {
                Verdict::Red { detail } | Verdict::None { detail } => texts.push(detail),
                Verdict::Green => {}
            }
            texts
        }
        Event::MergeConflicted(event) => vec![&mut event.detail],
        Event::MergeFailed(event) => vec![&mut event.error],
        Event::RoomLost(event) => vec![&mut event.detail],
        Event::Noted(event) => vec![&mut event.text],
        _ => Vec::new(),
    }
}
