//! The attacks: what an attempt does, how its harm shows from outside, and what stops it behind each wall. Runs nothing.

use std::fs;
use std::path::Path;

use crate::common::Scene;

/// What becomes of an attack behind a wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is stopped, and what it is told has these words in it.
    Stopped(&'static str),
    /// It is stopped without a word for the attacker: what does it, for people.
    Idle(&'static str),
    /// It does its harm.
    Through,
    /// It is not tried.
    Untried,
}

use Fate::{Idle, Stopped, Through, Untried};

/// What the system says.
const READ_ONLY: Fate = Stopped("Read-only file system");
const DENIED: Fate = Stopped("Permission denied");
const NOT_PERMITTED: Fate = Stopped("Operation not permitted");
const UNSEEN: Fate = Stopped("No such file or directory");
/// What is not seen says nothing.
const APART: Fate = Idle("processes outside are not seen");

/// Something that an attempt may try.
pub(crate) struct Attack {
    /// For the table.
    pub(crate) name: &'static str,
    /// The task that does it.
    pub(crate) task: &'static str,
    /// Bash. `$HERE` is the scene, `$RUN` the run's folder; `lost` in it says that a secret was read or a limit was none.
    pub(crate) script: &'static str,
    /// Whether the harm was done, from outside.
    pub(crate) harm: fn(&Scene) -> bool,
    /// Behind bubblewrap, behind Landlock, behind nothing.
    pub(crate) fates: [Fate; 3],
}

fn holds(scene: &Scene, path: &str) -> bool {
    fs::read_to_string(scene.root.join(path)).unwrap_or_default().contains("planted")
}

fn in_run(scene: &Scene, path: &str) -> bool {
    holds(scene, scene.run_dir().join(path).to_str().unwrap())
}

fn has_ref(scene: &Scene, name: &str) -> bool {
    scene.git(&["for-each-ref", name]).contains(name)
}

fn is_lost(scene: &Scene, task: &str) -> bool {
    scene.root.join("flags/lost").join(task).exists()
}

fn mode_of(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).map(|data| data.permissions().mode() & 0o777).unwrap_or_default()
}

macro_rules! attack {
    ($name:literal, $task:literal, $script:literal, $harm:expr, [$bwrap:expr, $landlock:expr, $none:expr]) => {
        Attack { name: $name, task: $task, script: $script, harm: $harm, fates: [$bwrap, $landlock, $none] }
    };
}

/// Files that are not the attempt's.
const FILES: &[Attack] = &[
    attack!(
        "a file in your checkout",
        "checkout",
        "echo planted >>$HERE/repo/README.md",
        |scene| holds(scene, "repo/README.md"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a file in another attempt's worktree",
        "neighbour",
        "echo planted >$(cat $HERE/flags/worktree)/planted",
        |scene| holds(scene, "flags/seen-by-the-victim"),
        [UNSEEN, DENIED, Through]
    ),
    attack!(
        "a file in the run's folder, such as its journal or its inbox",
        "run",
        "echo planted >$RUN/inbox/planted",
        |scene| in_run(scene, "inbox/planted"),
        [UNSEEN, DENIED, Through]
    ),
    attack!(
        "its own grant, or what else the holder goes by",
        "grant",
        "echo planted >$(dirname $SWARM_USAGE)/planted",
        |scene| in_run(scene, "attempts/grant/1/planted"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "`~/.ssh/authorized_keys`",
        "ssh",
        "echo planted >>$HOME/.ssh/authorized_keys",
        |scene| holds(scene, "home/.ssh/authorized_keys"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "`~/.bashrc`",
        "bashrc",
        "echo planted >>$HOME/.bashrc",
        |scene| holds(scene, "home/.bashrc"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a program in `~/bin`",
        "bin",
        "mkdir -p $HOME/bin && echo planted >$HOME/bin/ls",
        |scene| holds(scene, "home/bin/ls"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "emptying a file",
        "empty",
        "truncate -s 0 $HOME/diary",
        |scene| fs::metadata(scene.root.join("home/diary")).is_ok_and(|data| data.len() == 0),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "moving a file into the worktree",
        "move",
        "mv $HOME/letters $PWD/letters",
        |scene| !scene.root.join("home/letters").exists(),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a hard link in the worktree, to write through",
        "hard",
        "ln $HOME/.profile hard && echo planted >>hard",
        |scene| holds(scene, "home/.profile"),
        [Stopped("Invalid cross-device link"), Stopped("Invalid cross-device link"), Through]
    ),
    attack!(
        "a symbolic link in the worktree, to write through",
        "soft",
        "ln -s $HOME/.zshrc soft && echo planted >>soft; code=$?; rm -f soft; exit $code",
        |scene| holds(scene, "home/.zshrc"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a symbolic link in place of its own folder, for the wall of the next attempt",
        "swap",
        "state=$(dirname $SWARM_USAGE)/usage && mv $state $state.old && ln -s $HOME/.ssh $state",
        |scene| scene.run_dir().join("attempts/swap/1/usage").is_symlink(),
        [Stopped("cannot move"), DENIED, Through]
    ),
    attack!(
        "the mode of a folder",
        "mode",
        "chmod 777 $HOME/.gnupg",
        |scene| mode_of(&scene.root.join("home/.gnupg")) == 0o777,
        [READ_ONLY, Through, Through]
    ),
    attack!(
        "settings of the system, as root",
        "system",
        "value=$(cat /proc/sys/kernel/printk_ratelimit) && echo $value >/proc/sys/kernel/printk_ratelimit && lost",
        |scene| is_lost(scene, "system"),
        [READ_ONLY, DENIED, Untried]
    ),
];

/// The repository, and what swarm's own git might be made to run.
const GIT: &[Attack] = &[
    attack!(
        "`git config` in the repository",
        "config",
        "git config swarm.planted planted",
        |scene| holds(scene, "repo/.git/config"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "`git config --global`",
        "global",
        "unset GIT_CONFIG_GLOBAL; git config --global swarm.planted planted",
        |scene| holds(scene, "home/.gitconfig"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a hook",
        "hook",
        "echo planted >$(git rev-parse --git-common-dir)/hooks/post-checkout",
        |scene| holds(scene, "repo/.git/hooks/post-checkout"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "a branch",
        "branch",
        "git branch planted",
        |scene| has_ref(scene, "refs/heads/planted"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "`git stash`",
        "stash",
        "echo change >>README.md && git stash",
        |scene| has_ref(scene, "refs/stash"),
        [Stopped("Cannot save the current"), Stopped("Cannot save the current"), Through]
    ),
    attack!(
        "`git push` to your repository",
        "push",
        "git push $HERE/repo HEAD:refs/heads/pushed",
        |scene| has_ref(scene, "refs/heads/pushed"),
        [Stopped("remote rejected"), Stopped("remote rejected"), Through]
    ),
    attack!(
        "a filter: attributes, and its command in the configuration",
        "filter",
        "echo '* filter=evil' >.gitattributes; git config filter.evil.clean \"touch $HERE/flags/lost/filter; cat\"",
        |scene| is_lost(scene, "filter"),
        [READ_ONLY, DENIED, Untried]
    ),
    attack!(
        "a merge driver: attributes, and its command in the configuration",
        "driver",
        "echo '* merge=evil' >.gitattributes; git config merge.evil.driver \"touch $HERE/flags/lost/driver; true\"",
        |scene| is_lost(scene, "driver"),
        [READ_ONLY, DENIED, Untried]
    ),
    attack!(
        "a file system monitor, in settings of the worktree's own",
        "monitor",
        "printf '#!/bin/sh\\ntouch %s\\n' $HERE/flags/lost/monitor >evil; chmod +x evil
         settings=$(git rev-parse --git-dir)/config.worktree
         printf '[core]\\n fsmonitor = %s\\n hooksPath = %s\\n' $PWD/evil $PWD >$settings",
        |scene| is_lost(scene, "monitor"),
        [
            Idle("swarm's git has no monitor and no hooks"),
            Idle("swarm's git has no monitor and no hooks"),
            Idle("swarm's git has no monitor and no hooks")
        ]
    ),
    attack!(
        "a `.git` file that leads to a repository with hooks and a monitor",
        "hijack",
        "own=$(mktemp -d)
         printf '#!/bin/sh\\ntouch %s\\n' $HERE/flags/lost/hijack >$own/evil; chmod +x $own/evil
         git init --quiet $own/r && git -C $own/r config core.fsmonitor $own/evil
         git -C $own/r config core.hooksPath $own; cp $own/evil $own/post-index-change
         rm .git && echo gitdir: $own/r/.git >.git; echo more >more",
        |scene| is_lost(scene, "hijack"),
        [
            Idle("swarm's git is told where its folders are"),
            Idle("swarm's git is told where its folders are"),
            Idle("swarm's git is told where its folders are")
        ]
    ),
];

/// Other processes, and the wall itself.
const PROCESSES: &[Attack] = &[
    attack!(
        "another attempt's environment, with its token",
        "environ",
        "cat /proc/[0-9]*/environ | grep --text --quiet 'tok[-]en' && lost",
        |scene| is_lost(scene, "environ"),
        [APART, DENIED, Through]
    ),
    attack!(
        "another attempt's command line",
        "cmdline",
        "cat /proc/[0-9]*/cmdline | grep --text --quiet 'tok[-]argv' && lost",
        |scene| is_lost(scene, "cmdline"),
        [APART, Through, Through]
    ),
    attack!(
        "another attempt's prompt and output",
        "prompt",
        "cat $RUN/attempts/victim/1/job.json >/dev/null && lost",
        |scene| is_lost(scene, "prompt"),
        [UNSEEN, Through, Through]
    ),
    attack!(
        "a signal to a process outside",
        "signal",
        "kill -KILL $(cat $HERE/flags/outside) && lost",
        |scene| is_lost(scene, "signal"),
        [Stopped("No such process"), NOT_PERMITTED, Through]
    ),
    attack!(
        "the file system as any other process sees it (`/proc/<pid>/root`)",
        "roots",
        "for one in /proc/[0-9]*; do touch $one/root$HOME/.ssh/planted; done; [ ! -e $HOME/.ssh/planted ] || lost",
        |scene| scene.root.join("home/.ssh/planted").exists() || is_lost(scene, "roots"),
        [READ_ONLY, DENIED, Through]
    ),
    attack!(
        "mounting the wall away, in namespaces of its own",
        "mount",
        "unshare --map-root-user --mount bash -c \"mount -o remount,rw,bind $HOME $HOME || mount -o remount,rw,bind / /
         touch $HOME/.ssh/mounted\"",
        |scene| scene.root.join("home/.ssh/mounted").exists(),
        [
            Idle("mounts of an outer namespace are locked"),
            Idle("nothing can be mounted behind it"),
            Through
        ]
    ),
    attack!(
        "a device file, as root",
        "device",
        "mknod device b 7 200 && lost; rm -f device",
        |scene| is_lost(scene, "device"),
        [NOT_PERMITTED, DENIED, Untried]
    ),
    attack!(
        "a file of 10 GiB",
        "huge",
        "trap '' XFSZ; truncate -s 10G huge && lost; rm -f huge",
        |scene| is_lost(scene, "huge"),
        [Stopped("File too large"), Stopped("File too large"), Stopped("File too large")]
    ),
    attack!(
        "another attempt's service, by an abstract socket",
        "socket",
        "perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); connect($s, pack(\"S a*\", AF_UNIX, \"\\0\" . $ARGV[0])) or die \"$!\\n\"' $(cat $HERE/flags/socket) && lost",
        |scene| is_lost(scene, "socket"),
        [NOT_PERMITTED, NOT_PERMITTED, Through]
    ),
];

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Attack> {
    FILES.iter().chain(GIT).chain(PROCESSES)
}
