//! What a program does, as steps with moments, and what comes of that in a folder. Knows no limits and no keeper.

use swarm_domain::fact::Ending;

use crate::conformance::stage::Step;

use super::tree::{Paths, Tree};

/// Steps in order, each with its moment, in milliseconds after the start.
pub(super) type Script = Vec<(u64, Step)>;

/// Programs to be run one after the other by one keeper.
#[derive(Clone, Debug, Default)]
pub(super) struct Play {
    /// Each must end with status 0 before the next begins. None cannot be started.
    pub(super) setup: Vec<Option<Script>>,
    /// None cannot be started.
    pub(super) main: Option<Script>,
    /// When their keeper is gone, in milliseconds after the start.
    pub(super) lost_after_ms: Option<u64>,
}

impl Play {
    /// What is really done in a folder with these files, how that ends and how long after the start, and how many programs
    /// were started for it.
    pub(super) fn in_a_folder(self, (mut files, paths): (Tree, &Paths)) -> (Script, (u64, Ending), usize) {
        let (mut done, mut starts) = (Script::new(), 0);
        for (step, program) in (1..).zip(self.setup) {
            starts += usize::from(program.is_some());
            let (after_ms, ending) = program.map_or((0, not_started()), |mut program| {
                let end = played(&mut program, &mut files, paths);
                done.append(&mut program);
                end
            });
            if ending != (Ending::Exited { code: 0 }) {
                let detail = "a command of the setup did not end well".to_owned();
                return (done, (after_ms, Ending::SetupFailed { step, detail }), starts);
            }
        }
        let Some(mut main) = self.main else { return (done, (0, not_started()), starts) };
        let end = played(&mut main, &mut files, paths);
        done.append(&mut main);
        (done, end, starts + 1)
    }
}

fn not_started() -> Ending {
    Ending::NotStarted { error: "no such program".to_owned() }
}

/// Cuts a script to what is done of it in a folder, and says when and how it ends: with status 0 where the steps do not
/// say otherwise.
fn played(script: &mut Script, files: &mut Tree, paths: &Paths) -> (u64, Ending) {
    let mut last_ms = 0;
    for at in 0..script.len() {
        let (after_ms, step) = &script[at];
        last_ms = *after_ms;
        let ending = match step {
            Step::Exit(code) => Ending::Exited { code: *code },
            Step::Die(signal) => Ending::Signaled { signal: *signal },
            Step::Need(path) if paths.place(path).is_none_or(|at| files[at] == 0) => {
                Ending::Exited { code: 1 }
            }
            Step::Write(path) => {
                paths.place(path).into_iter().for_each(|at| files[at] = 1);
                continue;
            }
            _ => continue,
        };
        script.truncate(at);
        return (last_ms, ending);
    }
    (last_ms, Ending::Exited { code: 0 })
}
