//! What programs write besides their work, everywhere and every day; and what in a home nobody may write through a wall. Decides nothing.

use std::path::{Path, PathBuf};

/// Folders for temporary files, besides `$TMPDIR`.
pub const TEMPORARY: &[&str] = &["/tmp", "/var/tmp", "/dev/shm"];

/// Devices.
pub const DEVICES: &[&str] = &[
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];

/// A cache of a tool: `base`, or where the variable says, and in it `rest`.
#[derive(Clone, Copy, Debug)]
pub struct Cache {
    /// The tool. The folder is made for it if the tool is there and the folder is not.
    pub tool: &'static str,
    /// A variable that names another base.
    pub variable: &'static str,
    /// The base, below the home.
    pub base: &'static str,
    /// What of the base; nothing: all of it.
    pub rest: &'static str,
}

const fn cache(tool: &'static str, variable: &'static str, base: &'static str, rest: &'static str) -> Cache {
    Cache { tool, variable, base, rest }
}

/// Caches that attempts and gates share. Never a folder that the user's shell runs programs from.
pub const CACHES: &[Cache] = &[
    cache("sh", "XDG_CACHE_HOME", ".cache", ""),
    cache("cargo", "CARGO_HOME", ".cargo", "registry"),
    cache("cargo", "CARGO_HOME", ".cargo", "git"),
    cache("", "CARGO_HOME", ".cargo", ".package-cache"),
    cache("", "CARGO_HOME", ".cargo", ".package-cache-mutate"),
    cache("", "CARGO_HOME", ".cargo", ".global-cache"),
    cache("npm", "", ".npm", ""),
    cache("yarn", "", ".yarn", "berry"),
    cache("pnpm", "XDG_DATA_HOME", ".local/share", "pnpm/store"),
    cache("bun", "", ".bun", "install/cache"),
    cache("", "DENO_DIR", ".cache/deno", ""),
    cache("go", "GOPATH", "go", "pkg"),
    cache("", "GOCACHE", ".cache/go-build", ""),
    cache("", "GOMODCACHE", "go/pkg/mod", ""),
    cache("mvn", "", ".m2", "repository"),
    cache("gradle", "", ".gradle", "caches"),
    cache("gradle", "", ".gradle", "daemon"),
    cache("gradle", "", ".gradle", "native"),
    cache("gradle", "", ".gradle", "notifications"),
    cache("gradle", "", ".gradle", "wrapper"),
    cache("sbt", "", ".ivy2", ""),
    cache("dotnet", "", ".nuget", "packages"),
    cache("bundle", "", ".bundle", "cache"),
    cache("composer", "", ".composer", "cache"),
    cache("mix", "", ".hex", ""),
    cache("dart", "", ".pub-cache", ""),
    cache("cabal", "", ".cabal", "packages"),
    cache("ccache", "", ".ccache", ""),
];

/// What stays as it is in a home even where the plan opens a folder above it: keys, start files of shells, settings that run
/// programs.
pub const PROTECTED: &[&str] = &[
    ".ssh",
    ".gnupg",
    ".aws",
    ".kube",
    ".docker",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".gitconfig",
    ".config/git",
    ".config/systemd",
    ".config/autostart",
    ".config/environment.d",
    ".config/fish",
    ".config/nushell",
    ".profile",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".tmux.conf",
    ".vimrc",
    ".local/bin",
    "bin",
    ".cargo/bin",
    ".cargo/env",
    ".cargo/config",
    ".cargo/config.toml",
    ".cargo/credentials.toml",
];

/// The caches of a home, with the variables that the process will find.
pub fn caches(home: &Path, env: &dyn Fn(&str) -> Option<String>, has: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    CACHES
        .iter()
        .map(|cache| {
            let own = Some(cache.variable).filter(|name| !name.is_empty()).and_then(env);
            let base =
                own.filter(|path| path.starts_with('/')).map_or_else(|| home.join(cache.base), PathBuf::from);
            let path = if cache.rest.is_empty() { base } else { base.join(cache.rest) };
            if !cache.tool.is_empty() && home.is_dir() && !path.exists() && has(cache.tool) {
                // Without it the tool would fail in the wall where it does not without one.
                let _ = std::fs::create_dir_all(&path);
            }
            path
        })
        .collect()
}

/// A path of a plan, which may begin at the home.
pub fn home_path(home: &Path, path: &str) -> PathBuf {
    path.strip_prefix("~/").map_or_else(|| PathBuf::from(path), |rest| home.join(rest))
}
