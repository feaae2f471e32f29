//! The environment of what swarm starts: an allow-list of the caller's, what the plan passes through by name, and swarm's own. Values are never recorded.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use swarm_domain::effect::RunAttempt;

use super::agent::Agent;

/// Variables that are handed on without being asked for: what programs need to find themselves, their home and the network.
pub const ALLOWED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TERM",
    "COLORTERM",
    "TMPDIR",
    "XDG_*",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "GOPATH",
    "GOROOT",
    "GOCACHE",
    "GOMODCACHE",
    "JAVA_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
    "VIRTUAL_ENV",
    "PNPM_HOME",
    "DENO_DIR",
    "LD_LIBRARY_PATH",
    "NIX_*",
];

/// Git settings for everything that runs in a worktree: what it commits is as durable as what swarm commits, and no
/// housekeeping runs behind swarm's back.
const GIT_SETTINGS: &[(&str, &str)] =
    &[("core.fsync", "committed"), ("gc.auto", "0"), ("maintenance.auto", "false")];

/// What git takes for an editor and does not even start: nobody is there to type, and it would wait for them without end.
const NO_EDITOR: &str = ":";

/// Whether a variable's name is meant by a pattern: itself, or `PREFIX_*`.
pub fn names(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |prefix| name.starts_with(prefix))
}

/// Those of `wanted` that name a single variable which the caller does not have.
pub fn missing<'a>(wanted: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let absent = |name: &&String| !name.ends_with('*') && std::env::var_os(name).is_none();
    wanted.into_iter().filter(absent).cloned().collect()
}

/// The environment of an attempt.
pub(crate) fn of_attempt(run: &RunAttempt, dir: &Path) -> Vec<(OsString, OsString)> {
    let mut env = match Agent::of(run) {
        Some(agent) => Agent::only_its_own(base(&agent.passed(&run.pass_env))),
        None => base(&run.pass_env),
    };
    let (name, email) = &run.identity;
    for (key, value) in [
        ("GIT_AUTHOR_NAME", name),
        ("GIT_AUTHOR_EMAIL", email),
        ("GIT_COMMITTER_NAME", name),
        ("GIT_COMMITTER_EMAIL", email),
        ("SWARM_RUN", &run.run),
        ("SWARM_TASK", &run.task.to_string()),
        ("SWARM_ATTEMPT", &run.attempt.to_string()),
    ] {
        env.insert(key.into(), value.into());
    }
    env.insert("SWARM_USAGE".into(), dir.join("usage").into());
    env.insert("SWARM_PROMPT".into(), dir.join("prompt.md").into());
    env.extend(run.env.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))));
    env.into_iter().collect()
}

/// The environment of a gate or a setup.
pub(crate) fn of_gate(run: &str, pass_env: &[String]) -> Vec<(OsString, OsString)> {
    let mut env = base(pass_env);
    env.insert("SWARM_RUN".into(), run.into());
    env.into_iter().collect()
}

/// The caller's variables that are handed on, and git's settings.
fn base(pass_env: &[String]) -> BTreeMap<OsString, OsString> {
    let allowed = |name: &str| {
        ALLOWED.iter().any(|pattern| names(pattern, name))
            || pass_env.iter().any(|pattern| names(pattern, name))
    };
    let mut env: BTreeMap<_, _> =
        std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(allowed)).collect();
    env.insert("GIT_TERMINAL_PROMPT".into(), "0".into());
    // `GIT_SEQUENCE_EDITOR` stays unset: it would win over a `GIT_EDITOR` that a program sets for `git rebase -i`.
    env.entry("GIT_EDITOR".into()).or_insert_with(|| NO_EDITOR.into());
    env.insert("GIT_CONFIG_COUNT".into(), GIT_SETTINGS.len().to_string().into());
    for (at, (key, value)) in GIT_SETTINGS.iter().enumerate() {
        env.insert(format!("GIT_CONFIG_KEY_{at}").into(), (*key).into());
        env.insert(format!("GIT_CONFIG_VALUE_{at}").into(), (*value).into());
    }
    env
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
mod tests {
    use std::process::{Command, Stdio};

    use super::of_gate;

    #[test]
    fn git_waits_for_no_editor() {
        let dir = tempfile::tempdir().unwrap();
        let script = "git init -q; git config user.name a; git config user.email a; git config core.editor false\n\
                      for n in 1 2; do git commit -q --allow-empty -m $n; done\n\
                      git rebase -q -i HEAD~; git commit -q --allow-empty --amend; git log -1 --format=%s\n\
                      export GIT_EDITOR=false; git rebase -q -i HEAD~ || echo its own";
        let mut command = Command::new("bash");
        command.args(["-e", "-c", script]).current_dir(dir.path()).stdin(Stdio::null());
        command.env_clear().envs(of_gate("run", &[])).env("GIT_CONFIG_GLOBAL", "/dev/null");
        let out = command.output().unwrap();
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(String::from_utf8_lossy(&out.stdout), "2\nits own\n", "{error}");
    }
}
