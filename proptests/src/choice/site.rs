//! The table of everything that chance decides: each site has a name, whom it is asked about, and its values, the kind one first.
//!
//! A scenario file uses these names, so a name is never given a second meaning.

use super::place::Of;

/// How a seed chooses among the values of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// All values are alike: what a plan or a program is like.
    Even,
    /// Small values are likelier: how many of something.
    Small,
    /// The kind value, mostly: what goes wrong. Each seed has its own rate for the site, and often it is 0.
    Fault,
    /// As `Fault`, for what is asked at every step.
    Rare,
}

/// The values of a site. The first is the kind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Each has a name.
    Named(&'static [&'static str]),
    /// The numbers below this.
    Below(u32),
}

impl Values {
    /// How many there are.
    pub fn count(self) -> u32 {
        match self {
            Self::Named(names) => u32::try_from(names.len()).expect("a table in the source is short"),
            Self::Below(end) => end,
        }
    }
}

macro_rules! sites {
    ($( $Name:ident $text:literal $of:ident $draw:ident $values:expr, $doc:literal; )*) => {
        /// A place in a run where something is not decided by swarm.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Site { $( #[doc = $doc] $Name ),* }

        impl Site {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$( Self::$Name ),*];

            /// Its name in scenario files.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$Name => $text ),* }
            }

            /// Whom it is asked about.
            pub const fn of(self) -> Of {
                match self { $( Self::$Name => Of::$of ),* }
            }

            /// How a seed chooses.
            pub const fn draw(self) -> Draw {
                match self { $( Self::$Name => Draw::$draw ),* }
            }

            /// Its values.
            pub const fn values(self) -> Values {
                match self { $( Self::$Name => $values ),* }
            }

            /// What it decides, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $( Self::$Name => $doc ),* }
            }
        }
    };
}

const fn named(names: &'static [&'static str]) -> Values {
    Values::Named(names)
}

const fn below(end: u32) -> Values {
    Values::Below(end)
}

sites! {
    PlanTasks "plan.tasks" Run Small below(64), "How many tasks the plan has, less one.";
    PlanSlots "plan.slots" Run Even below(6), "How many attempts may run at once, less one.";
    PlanCap "plan.cap" Run Even named(&["none", "tight", "fair", "ample"]), "The cap on money.";
    PlanUnknown "plan.unknown cost" Run Even named(&["estimate", "allow"]), "What an unknown cost counts as.";
    PlanMeter "plan.meter" Run Even named(&["proxy", "reported"]), "Who says what programs use: a proxy that holds each call to the grant, or they themselves.";
    PlanTokens "plan.tokens" Run Fault named(&["none", "few"]), "The cap on tokens.";
    PlanCalls "plan.calls" Run Fault named(&["no cap", "few calls", "few turns"]), "The caps on calls and turns.";
    PlanAgents "plan.agents" Run Fault named(&["no caps", "money", "calls", "time"]), "What the attempts of one agent may use up together.";
    PlanAtCap "plan.at cap" Run Even named(&["finish", "kill"]), "What running attempts do at a cap that others share.";
    PlanDeadline "plan.deadline" Run Fault named(&["none", "far", "near"]), "The run's deadline.";
    PlanOnFailure "plan.on failure" Run Even named(&["continue", "stop", "pause"]), "What a failed task does to the run.";
    PlanLimit "plan.on rate limit" Run Fault named(&["wait", "fail"]), "What a rate limit of an agent program leads to.";
    PlanOrder "plan.order" Run Even named(&["ready", "plan"]), "The order of landings.";
    PlanConflict "plan.on conflict" Run Even named(&["retry", "hold", "fail", "agent"]), "What a conflict leads to.";
    PlanPreflight "plan.preflight" Run Even named(&["no", "yes"]), "Whether gates run on the base first.";
    PlanGateSlots "plan.gate slots" Run Even below(2), "How many gates may run at once, less one.";
    PlanSetup "plan.setup" Run Fault named(&["none", "some"]), "Whether worktrees need a setup.";

    TaskWork "task.work" Task Even named(&["agent", "command"]), "What does the work.";
    TaskAgent "task.agent" Task Even named(&["one", "another", "one that nobody understands"]), "Which agent program does it, if one does.";
    TaskNeeds "task.needs" Task Even below(3), "How many tasks before it are needed.";
    TaskNeed "task.need" Task Even below(64), "How far back a needed task is, less one.";
    TaskNeedWhen "task.need when" Task Fault named(&["merged", "ended"]), "When a need is met.";
    TaskPaths "task.paths" Task Even below(36), "The paths that it writes: one of six, or two.";
    TaskBudget "task.budget" Task Even named(&["none", "tight", "fair"]), "Its own budget.";
    TaskCaps "task.caps" Task Fault named(&["none", "calls", "time"]), "What else its attempts may use up together.";
    TaskEstimate "task.estimate" Task Even named(&["none", "low", "high"]), "Its estimate.";
    TaskRetries "task.retries" Task Even below(3), "How often it is tried again.";
    TaskRetryFrom "task.retry from" Task Even named(&["previous", "base"]), "What a retry starts from.";
    TaskRetryDelay "task.retry delay" Task Even below(3), "How long a retry waits, in seconds.";
    TaskGates "task.gates" Task Even named(&["none", "own", "merge", "both", "two"]), "Its gates.";
    TaskPriority "task.priority" Task Fault below(3), "Its priority.";
    TaskOptional "task.optional" Task Fault named(&["no", "yes"]), "Whether the run can do without it.";
    TaskStrays "task.on stray" Task Fault named(&["warn", "fail"]), "What a write outside its claims leads to.";
    TaskTimeout "task.timeout" Task Even named(&["long", "short"]), "How long it may take.";

    AgentFate "agent.fate" Attempt Fault named(&[
        "works", "fails", "dies", "dies after committing", "changes nothing", "hangs", "is silent", "wrecks its worktree",
        "moves HEAD away", "leaves markers", "strays", "does not start", "fails in setup", "loses its holder",
        "is limited", "is limited until a time", "is logged out", "has no last word",
    ]), "What becomes of the program.";
    AgentTime "agent.time" Attempt Even below(5), "How long it takes: 20 ms, and four times as much for each step.";
    AgentCost "agent.cost" Attempt Even below(8), "What it costs, in eighths of twice its first grant.";
    AgentMeter "agent.meter" Attempt Fault named(&["as it goes", "at the end", "never"]), "When it says what it has used.";
    AgentDeaf "agent.deaf" Attempt Fault named(&["no", "yes"]), "Whether it ignores the first kill.";
    AgentFlood "agent.flood" Attempt Fault named(&["no", "yes"]), "Whether it prints without end.";
    AgentEcho "agent.echo" Attempt Fault named(&["no", "yes"]), "Whether all that it led to is reported once more, long after.";

    WorktreeMake "worktree.make" Attempt Fault named(&["made", "fails"]), "Whether its worktree can be made.";
    WorktreeKeep "worktree.preserve" Attempt Fault named(&["kept", "fails", "may not land"]), "Whether its work can be kept, and may land.";
    WorktreeRemove "worktree.remove" Attempt Fault named(&["removed", "stays"]), "Whether its worktree can be removed.";
    GateVerdict "gate.verdict" Number Fault named(&["green", "red", "killed"]), "What a gate finds, by the number of its run.";
    GateTime "gate.time" Number Even below(4), "How long a gate takes: 20 ms, and four times as much for each step.";
    MergeGit "merge.git" Attempt Fault named(&["works", "fails", "refuses"]), "Whether git can merge at all, and whether what comes of it may land.";
    Stranger "target.stranger" Attempt Fault named(&["none", "lands aside", "lands on the same path", "checks it out", "rewinds it", "lands the same"]),
        "What somebody else does to the target just before a merge or a landing.";
    EffectTime "effect.time" Attempt Even below(4), "How long a step of git takes: 10 ms, and ten more for each.";
    EffectTwice "effect.twice" Attempt Rare named(&["once", "twice"]), "Whether an effect is performed twice.";

    Crash "crash.at" Number Rare named(&[
        "never", "before append", "inside append", "after sync", "before reply", "between effects",
    ]), "Where swarm dies, by the number of the writer's turn.";
    CrashTail "crash.tail" Number Even named(&["lost", "kept", "torn"]), "What becomes of what was not synced, by the number of the crash.";
    CrashPower "crash.power" Number Even named(&["power", "process"]), "Whether the machine dies with it.";
    CrashOpening "crash.opening" Number Fault below(14), "At which change of the disk the opening dies, from 1.";
    CrashHand "crash.hand" Attempt Even named(&["not done", "done"]), "Whether what git was at when swarm died happened all the same.";
    DiskFault "disk.fault" Number Rare named(&["none", "short write", "no room", "write error", "sync error"]), "What the disk does to a turn.";
    DiskFlip "disk.flip" Number Fault named(&["none", "a bit"]), "Whether the journal rots while nobody runs, by the number of the opening.";
    DiskBit "disk.bit" Number Even below(4096), "Where it rots, in parts of its last segment.";
    Room "room.lost" Number Rare named(&["no", "for a while", "for long"]), "Whether the disk fills up, by the number of the turn.";
    ClockStep "clock.step" Number Rare named(&["no", "an hour on", "an hour back"]), "How the clock is set, by the number of the turn.";
    Person "person.asks" Number Rare named(&[
        "nothing", "drain", "interrupt", "pause", "unpause", "more slots", "one slot", "cancel one", "cancel all",
        "more money", "less money", "nonsense",
    ]), "What somebody asks for, by the number of the turn.";
    PersonWhom "person.whom" Number Even below(64), "Which task is meant.";
    Yield "shell.yield" Number Even below(4), "How often an actor lets others go first, by the number of the message.";
}

impl Site {
    /// The site with a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|site| site.name() == name)
    }

    /// How a value of it is written: by its name, or as a number.
    pub fn word(self, value: u32) -> String {
        match self.values() {
            Values::Named(names) => {
                names.get(value as usize).map_or_else(|| value.to_string(), |name| (*name).to_owned())
            }
            Values::Below(_) => value.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Site, Values};

    #[test]
    fn names_are_unique_and_each_site_has_a_choice() {
        for (at, site) in Site::ALL.iter().enumerate() {
            assert_eq!(Site::named(site.name()), Some(*site));
            assert_eq!(*site as usize, at);
            assert!(site.values().count() > 1, "{}", site.name());
            if let Values::Named(names) = site.values() {
                let all: std::collections::BTreeSet<_> = names.iter().collect();
                assert_eq!(all.len(), names.len(), "{}", site.name());
            }
        }
    }
}
