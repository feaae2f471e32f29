//! How adapters start their programs: an attempt that asks for the usual, but for what a test says.

use std::path::Path;

use super::super::{Ask, Launch, Login, Permission, Unfit, adapter};

/// What an attempt asks for besides the usual.
pub(super) struct Wish<'a> {
    pub(super) permission: Permission,
    pub(super) prompt: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) bookmark: Option<&'a str>,
    pub(super) args: &'a [&'a str],
    pub(super) env: &'a [(&'a str, &'a str)],
    pub(super) metered: bool,
}

/// The default permission, and nothing else.
pub(super) const USUAL: Wish<'static> = Wish {
    permission: Permission::Run,
    prompt: "do it",
    model: None,
    bookmark: None,
    args: &[],
    env: &[],
    metered: false,
};

/// How the program of an adapter is started.
pub(super) fn launch(name: &str, wish: &Wish<'_>) -> Launch {
    attempt(name, wish).unwrap()
}

/// How it is started, or why it cannot be.
pub(super) fn attempt(name: &str, wish: &Wish<'_>) -> Result<Launch, Unfit> {
    let env = |variable: &str| value(wish.env, variable);
    let args: Vec<String> = wish.args.iter().map(|arg| (*arg).to_owned()).collect();
    let ask = Ask {
        prompt: wish.prompt,
        prompt_file: Path::new("/attempt/prompt"),
        model: wish.model,
        permission: wish.permission,
        worktree: Path::new("/trees/t-1"),
        git_dir: Path::new("/repo/.git/worktrees/t-1"),
        state: Path::new("/attempt/state"),
        nonce: "0123456789abcdef0123456789abcdef",
        bookmark: wish.bookmark,
        args: &args,
        metered: wish.metered,
        home: Path::new("/home/user"),
        env: &env,
    };
    adapter(name).unwrap().launch(&ask)
}

/// The words that it is started with, as one text.
pub(super) fn command(name: &str, wish: &Wish<'_>) -> String {
    launch(name, wish).argv.join(" ")
}

/// The variables that are set.
pub(super) fn variables(name: &str, wish: &Wish<'_>) -> Vec<String> {
    launch(name, wish).env.into_iter().map(|(variable, value)| format!("{variable}={value}")).collect()
}

/// Whether a program is logged in, with these variables and this home folder.
pub(super) fn login(name: &str, env: &[(&str, &str)], home: &Path) -> Login {
    adapter(name).unwrap().login(&|variable| value(env, variable), home)
}

/// Where its calls go by themselves, or why nothing can stand between.
pub(super) fn upstream(
    name: &str,
    model: Option<&str>,
    env: &[(&str, &str)],
    home: &Path,
) -> Result<String, String> {
    adapter(name).unwrap().upstream(model, &|variable| value(env, variable), home)
}

fn value(env: &[(&str, &str)], variable: &str) -> Option<String> {
    env.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
}
