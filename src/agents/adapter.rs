//! What swarm needs to know of an agent program, as one interface. Knows no particular program.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::prices::Prices;
use super::reading::Reading;
use super::talk::Talk;

/// What an agent may do without being asked; each level allows what the one before does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// Look, and change nothing.
    ReadOnly,
    /// Edit files of its worktree.
    Edit,
    /// Run commands there as well: the default, for an agent that cannot run the tests does no real work.
    Run,
    /// Whatever the program can do.
    Full,
}

impl Permission {
    /// All of them, the least first.
    pub const ALL: [Self; 4] = [Self::ReadOnly, Self::Edit, Self::Run, Self::Full];

    /// The word of the plan.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Edit => "edit",
            Self::Run => "run",
            Self::Full => "full",
        }
    }

    /// The level of a word of the plan.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.word() == word)
    }
}

/// What a program says of its cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meter {
    /// Dollars.
    Dollars,
    /// Tokens, which a table of prices turns into dollars.
    Tokens,
    /// Nothing.
    Nothing,
}

/// What is known of a program: shown in `swarm doctor` and in the documentation, and used to find it.
#[derive(Debug)]
pub struct Facts {
    /// The adapter's name in a plan.
    pub name: &'static str,
    /// What people call the program.
    pub title: &'static str,
    /// The executable on the `PATH`.
    pub program: &'static str,
    /// How it is installed, as a command.
    pub install: &'static str,
    /// What to type to log in.
    pub sign_in: &'static str,
    /// The version that the adapter was tried with.
    pub seen: &'static str,
    /// Variables of the caller that it gets without being asked for: keys, base URLs, its own folder.
    pub keys: &'static [&'static str],
    /// Variables that it must not inherit, because they tell it that it runs inside another agent.
    pub unset: &'static [&'static str],
    /// What it says of its cost.
    pub meter: Meter,
    /// What it writes besides its work: its own folders and files.
    pub writes: &'static [Own],
    /// Whether it needs a folder of state of its own in each attempt.
    pub own_state: bool,
    /// Whether an interrupted conversation can be taken up again.
    pub resumes: bool,
    /// The levels it knows. A level that it does not know is refused when the plan is checked.
    pub permissions: &'static [Permission],
    /// What else a user should know, in a sentence or two.
    pub notes: &'static str,
}

/// A folder or file of a program's own: `rest` of the folder that `variable` names, or else of `base` in the home.
#[derive(Clone, Copy, Debug)]
pub struct Own {
    variable: &'static str,
    base: &'static str,
    rest: &'static str,
    /// Whether it is a folder, which is made where it is not: a program that starts for the first time wants one.
    pub is_folder: bool,
}

/// A folder. Without a variable its name is empty.
pub(super) const fn own(variable: &'static str, base: &'static str, rest: &'static str) -> Own {
    Own { variable, base, rest, is_folder: true }
}

/// A file.
pub(super) const fn own_file(variable: &'static str, base: &'static str, rest: &'static str) -> Own {
    Own { variable, base, rest, is_folder: false }
}

impl Own {
    /// Where it is.
    pub fn path(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> PathBuf {
        let named = Some(self.variable).filter(|name| !name.is_empty()).and_then(env);
        let base =
            named.filter(|path| path.starts_with('/')).map_or_else(|| home.join(self.base), PathBuf::from);
        if self.rest.is_empty() { base } else { base.join(self.rest) }
    }
}

/// Stands in arguments, variables and files of a program for the base URL of swarm's proxy, which is known only when that
/// runs. No name of the top-level domain `invalid` ever leads anywhere (RFC 2606).
pub const GATEWAY: &str = "http://gateway.swarm.invalid";

/// What an attempt asks of a program.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// The prompt.
    pub prompt: &'a str,
    /// The file that holds it.
    pub prompt_file: &'a Path,
    /// The model, if the plan names one.
    pub model: Option<&'a str>,
    /// What it may do without asking.
    pub permission: Permission,
    /// Whether it stands behind a wall that lets nothing be mounted: a sandbox of its own made of mounts cannot be had there.
    pub unmounting: bool,
    /// Where it works.
    pub worktree: &'a Path,
    /// The worktree's folder in the repository's own data, which a commit writes to.
    pub git_dir: &'a Path,
    /// A folder for this attempt alone; it exists and is empty, or holds what an earlier attempt left when a conversation is taken up.
    pub state: &'a Path,
    /// 32 hexadecimal digits that no other attempt has.
    pub nonce: &'a str,
    /// Where an earlier attempt's conversation stopped, to be taken up.
    pub bookmark: Option<&'a str>,
    /// More arguments, from the plan.
    pub args: &'a [String],
    /// Whether its calls go to [`GATEWAY`] instead of where they would go.
    pub metered: bool,
    /// The home folder of the user, where logins are kept.
    pub home: &'a Path,
    /// A variable of the environment that the program will get.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

/// How to start a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launch {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What it reads on its standard input; none: nothing.
    pub stdin: Option<PathBuf>,
    /// Variables to set. What the plan sets wins.
    pub env: Vec<(String, String)>,
    /// Files to write before: path and content. Their folders are made.
    pub files: Vec<(PathBuf, String)>,
    /// Symbolic links to make before, from the second path to the first, where the first exists.
    pub links: Vec<(PathBuf, PathBuf)>,
}

/// Why a program cannot be started as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The prompt must be an argument of this program, and one argument has at most 128 KiB on Linux (`MAX_ARG_STRLEN`).
    #[error(
        "{program} takes its prompt as an argument, and this one has {bytes} bytes: the system allows {ARGUMENT_BYTES_MAX}; \
         shorten it, or put the long part into a file of the repository and name that"
    )]
    PromptTooLong {
        /// The program.
        program: &'static str,
        /// How long the prompt is.
        bytes: usize,
    },
    /// The program needs something that only the plan can say.
    #[error("{0}")]
    Missing(String),
}

/// The longest single argument, in bytes, with room for its final NUL (`MAX_ARG_STRLEN` of Linux: 32 pages).
pub(super) const ARGUMENT_BYTES_MAX: usize = 128 * 1024 - 1;

/// A prompt for a program that takes it as an argument.
pub(super) fn argument(program: &'static str, prompt: &str) -> Result<String, Unfit> {
    if prompt.len() > ARGUMENT_BYTES_MAX {
        return Err(Unfit::PromptTooLong { program, bytes: prompt.len() });
    }
    Ok(prompt.to_owned())
}

/// Whether a program is logged in, as far as can be seen without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// It has a credential; how, in a few words.
    Yes(String),
    /// It has none; what to do, in a sentence.
    No(String),
    /// It cannot be seen; why.
    Unknown(String),
}

/// What a reader of output begins with.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The model that was asked for.
    pub model: Option<String>,
    /// The attempt's own folder of state.
    pub state: PathBuf,
    /// Where the conversation stopped that was taken up.
    pub bookmark: Option<String>,
    /// What tokens cost.
    pub prices: Arc<Prices>,
}

/// Understands what a program prints, line by line. It never fails: what it does not understand it leaves out.
pub trait Reader: Send {
    /// A line of standard output, without its newline. What a person would want to see of it goes to `talk`.
    fn line(&mut self, line: &str, talk: &mut dyn FnMut(Talk));

    /// A line of standard error.
    fn complaint(&mut self, line: &str) {
        let _ = line;
    }

    /// Looks at files of the program's own that say more than its output does. Called now and then, and after its end.
    fn aside(&mut self) {}

    /// What is known by now.
    fn reading(&self) -> &Reading;
}

/// An agent program.
pub trait Adapter: Sync {
    /// What is known of it.
    fn facts(&self) -> &'static Facts;

    /// How to start it without a terminal.
    fn launch(&self, ask: &Ask<'_>) -> Result<Launch, Unfit>;

    /// What understands its output.
    fn reader(&self, setting: Setting) -> Box<dyn Reader>;

    /// The base URL of its provider, if its calls can go to [`GATEWAY`] instead, with this model and login; else why not, as the
    /// end of a sentence. Asks nobody.
    fn upstream(
        &self,
        model: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
        home: &Path,
    ) -> Result<String, String> {
        let _ = (model, env, home);
        Err(format!("{} has no setting for another server", self.facts().title))
    }

    /// Whether a model's name stands for whichever model the program takes for it.
    fn is_alias(&self, model: &str) -> bool {
        let _ = model;
        false
    }

    /// Whether it is logged in, from the environment it would get and the files in `home`. Asks nobody and spends nothing.
    fn login(&self, env: &dyn Fn(&str) -> Option<String>, home: &Path) -> Login;
}
