//! Programs and gates under their keepers: how they are started, found again, told things and seen to end.

use swarm_domain::effect::{RunAttempt, RunGate};
use swarm_domain::event::{AgentExited, GateEnded};
use swarm_domain::fact::{Cost, Ending, Report, Request, Usage, Verdict};
use swarm_domain::{Event, Meter, TaskId, Usd, Work, claims};

use crate::marks::Mark;
use crate::plans::{SHARED_PATHS, is_understood};
use crate::sabotage::Sabotage;

use super::World;
use super::fate::{self, Hands};
use super::program::{Limits, Program};
use super::script::{Play, Script};

impl World {
    /// Starts a program, or finds the one that runs. Returns when there is something to say.
    pub(super) fn start_program(&mut self, run: &RunAttempt) -> u64 {
        let key = (run.task.clone(), run.attempt);
        let soon = self.now_ms + 10;
        let known = self.programs.get(&key).filter(|_| !self.is(Sabotage::OrphanNotAdopted));
        if let Some(program) = known {
            let over = program.is_over(self.now_ms);
            self.marks.hit(if over { Mark::FoundEnded } else { Mark::Adopted });
            return soon;
        }
        // A stop may have overtaken the start: there is no second one.
        if run.stopping || self.stopped.contains(&key) {
            self.marks.hit(Mark::StoppedBeforeItBegan);
            return soon;
        }
        self.alone(&run.task, run.attempt);
        let play = self.play_of_attempt(run, &key);
        let (timeout_ms, idle_timeout_ms) = (run.timeout_ms, run.idle_timeout_ms);
        let held = run.meter == Meter::Proxy && !self.is(Sabotage::CallsNotHeld);
        let limits = Limits { timeout_ms, idle_timeout_ms, grant: Some(run.grant), held };
        let program = Program::start(play, limits, self.repo.files(&key), soon, &self.let_go_ms);
        self.programs.insert(key, program);
        if run.takes_up.is_some() {
            self.marks.hit(Mark::TookUp);
        }
        soon
    }

    /// Laws 5 and 17: nothing else of the task runs, nothing of the attempt ran before, and its worktree is there.
    fn alone(&mut self, task: &TaskId, attempt: u32) {
        let of_task = |(whose, _): &&(TaskId, u32)| whose == task;
        let now_ms = self.now_ms;
        let live = self.programs.iter().any(|(key, program)| of_task(&key) && !program.is_over(now_ms));
        if live || self.programs.contains_key(&(task.clone(), attempt)) {
            self.blame(5, &format!("a second program starts for {task}, attempt {attempt}"));
        }
        if !self.repo.has_worktree(&(task.clone(), attempt)) {
            self.blame(17, &format!("a program of {task} starts outside a worktree of its own"));
        }
    }

    fn play_of_attempt(&mut self, run: &RunAttempt, key: &(TaskId, u32)) -> Play {
        if let Some(scripts) = &self.scripts {
            let Work::Run(program) = &run.work else { return Play::default() };
            let setup = run.setup.iter().map(|program| named(scripts, program)).collect();
            return Play { setup, main: named(scripts, program), ..Play::default() };
        }
        let who = self.who(&run.task, run.attempt);
        let place = usize::from(self.place(&run.task));
        let repo = &self.repo;
        let hands = Hands {
            own: &self.own[place],
            others: (place + 1) % SHARED_PATHS,
            has_markers: &|path| repo.has_markers(key, path),
        };
        let play = fate::of_attempt(&mut self.choices, who, (run.grant, run.meter), &hands, self.now_ms);
        let last_word = play.last_word.filter(|_| is_understood(&run.work));
        Play { last_word, ..play }
    }

    /// Starts a gate, or finds the one that runs. One that is about other paths than its commit changes does not run.
    pub(super) fn start_gate(&mut self, order: &RunGate) -> u64 {
        let soon = self.now_ms + 10;
        if self.gates.contains_key(&order.n) {
            self.marks.hit(Mark::GateFound);
        } else if self.concerns(order) {
            let play = self.play_of_gate(order);
            let timeout_ms = order.gate.as_ref().map(|gate| gate.timeout_ms);
            let files = self.repo.tree(&order.commit);
            let limits = Limits { timeout_ms, ..Limits::default() };
            let gate = Program::start(play, limits, files, soon, &self.let_go_ms);
            self.gates.insert(order.n, gate);
        }
        soon
    }

    fn concerns(&self, order: &RunGate) -> bool {
        let about = order.gate.as_ref().map_or(&[][..], |gate| &gate.paths);
        let is_about = |path| claims::matches(about, &[], self.repo.paths.name(path));
        about.is_empty()
            || order.commit == order.base
            || self.repo.changes(&order.commit, &order.base).any(is_about)
    }

    fn play_of_gate(&mut self, order: &RunGate) -> Play {
        if let Some(scripts) = &self.scripts {
            let program = |program| named(scripts, program);
            return match &order.gate {
                Some(gate) => Play { main: program(&gate.run), ..Play::default() },
                None => Play {
                    setup: order.setup.iter().map(program).collect(),
                    main: Some(Script::new()),
                    ..Play::default()
                },
            };
        }
        let on_base = order.commit == order.base || order.commit == *self.repo.base();
        fate::of_gate(&mut self.choices, order.n, on_base)
    }

    /// Whoever waits for the program says how it ended.
    pub(super) fn stop_program(&mut self, task: &TaskId, attempt: u32) -> u64 {
        let (key, now_ms) = ((task.clone(), attempt), self.now_ms);
        match self.programs.get_mut(&key) {
            Some(program) => program.stop(now_ms),
            None => _ = self.stopped.insert(key),
        }
        now_ms + 10
    }

    /// What the program of an attempt has done by now is done to its worktree.
    pub(super) fn leave(&mut self, key: &(TaskId, u32)) {
        if let Some(program) = self.programs.get_mut(key) {
            program.act(self.now_ms, |step| self.repo.act(key, step));
        }
    }

    pub(super) fn exited(&mut self, run: &RunAttempt) -> Event {
        let key = (run.task.clone(), run.attempt);
        self.leave(&key);
        let program = self.programs.get(&key);
        let not_started = || Ending::NotStarted { error: "it was stopped before it began".to_owned() };
        let exited: Event = AgentExited {
            ending: program.and_then(Program::end).map_or_else(not_started, |(_, ending)| ending.clone()),
            report: program.and_then(Program::last_word).map(Box::new),
            usage: self.usage(&run.task, run.attempt),
            tail: program.map(|program| program.tail(self.now_ms)).unwrap_or_default(),
            task: run.task.clone(),
            attempt: run.attempt,
            nonce: run.nonce.clone(),
            charge: Usd::ZERO,
            cost: Cost::Metered,
            stragglers: 0,
            at_ms: 0,
        }
        .into();
        self.echo(&run.task, run.attempt, &exited);
        exited
    }

    pub(super) fn gate_ended(&self, order: &RunGate) -> Event {
        let ending = self.gates.get(&order.n).and_then(Program::end).map(|(_, ending)| ending);
        let verdict = ending.map_or(Verdict::Green, verdict);
        GateEnded { n: order.n, verdict, tail: String::new(), took_ms: 20 }.into()
    }

    /// The programs of attempts that run now.
    pub(crate) fn running(&self) -> usize {
        self.programs.values().filter(|program| !program.is_over(self.now_ms)).count()
    }

    /// What the program said that is said to have ended.
    pub(super) fn last_word(&self, event: &Event) -> Option<Report> {
        let Event::AgentExited(exited) = event else { return None };
        self.programs.get(&(exited.task.clone(), exited.attempt))?.last_word()
    }

    /// What an attempt says that it has used.
    pub(crate) fn usage(&self, task: &TaskId, attempt: u32) -> Usage {
        let program = self.programs.get(&(task.clone(), attempt));
        program.map(|program| program.usage(self.now_ms)).unwrap_or_default()
    }

    pub(crate) fn set_grant(&mut self, task: &TaskId, attempt: u32, grant: Usd) {
        let now_ms = self.now_ms;
        if let Some(program) = self.programs.get_mut(&(task.clone(), attempt)) {
            program.grant(now_ms, grant);
        }
    }

    /// Whatever waits goes on.
    pub(super) fn let_go(&mut self) {
        let now_ms = self.now_ms;
        self.let_go_ms.push(now_ms);
        self.programs.values_mut().chain(self.gates.values_mut()).for_each(|program| program.let_go(now_ms));
    }

    /// All keepers are gone, perhaps with the whole machine.
    pub(super) fn lose_keepers(&mut self) {
        let now_ms = self.now_ms;
        self.programs.values_mut().chain(self.gates.values_mut()).for_each(|program| program.lose(now_ms));
    }

    /// Takes what was really used against the cap. Law 7, to the last micro-dollar.
    pub(super) fn compare_spent(&mut self) {
        let Some((_, most)) = self.caps else { return };
        let used = |program: &Program| program.usage(self.now_ms).usd.unwrap_or_default();
        let spent = self.programs.values().map(used).fold(Usd::ZERO, Usd::plus);
        if spent > most {
            self.blame(7, &format!("{spent} are used, and the cap was never more than {most}"));
        }
    }

    /// Takes the end of an attempt against what its program is really at. Laws 7 and 8.
    pub(super) fn compare_exit(&mut self, exited: &AgentExited) {
        let program = self.programs.get(&(exited.task.clone(), exited.attempt));
        if program.is_some_and(|program| !program.is_over(self.now_ms)) {
            self.blame(8, &format!("{} is said to have ended, and runs", exited.task));
        }
        let used = self.usage(&exited.task, exited.attempt).usd.unwrap_or_default();
        if exited.charge < used {
            self.blame(
                7,
                &format!("{} said that it used {used}, and is charged {}", exited.task, exited.charge),
            );
        }
    }
}

/// What a program does in a world where that is not chosen: it is named by its number.
fn named(scripts: &[Script], program: &swarm_domain::Program) -> Option<Script> {
    let swarm_domain::Program::Argv(words) = program else { return None };
    scripts.get(words.first()?.parse::<usize>().ok()?).cloned()
}

/// A gate that was killed by somebody, or whose end nobody saw, gave no verdict.
fn verdict(ending: &Ending) -> Verdict {
    let red = |detail: &str| Verdict::Red { detail: detail.to_owned() };
    let none = |detail: &str| Verdict::None { detail: detail.to_owned() };
    match ending {
        Ending::Exited { code: 0 } => Verdict::Green,
        Ending::Exited { .. } => red("it exited with another status than 0"),
        Ending::TimedOut => red("it took longer than its timeout"),
        Ending::SetupFailed { .. } => red("a command of the setup failed"),
        Ending::NotStarted { .. } => red("it could not be started"),
        Ending::Signaled { .. } => none("killed"),
        Ending::Stopped | Ending::Idle | Ending::Spent | Ending::Unknown | Ending::Overstayed => {
            none("nobody saw how it ended")
        }
    }
}

/// The cap and the most that it ever was, after a request.
pub(super) fn after(request: &Request, (cap, most): (Usd, Usd)) -> (Usd, Usd) {
    let cap = match request {
        Request::AddBudget { caps } => cap.plus(caps.usd.unwrap_or_default()),
        Request::SetBudget { caps } => caps.usd.unwrap_or(cap),
        _ => cap,
    };
    (cap, most.max(cap))
}
