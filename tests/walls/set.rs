//! A scene for attacks: a home with something to lose, a victim in the same run, and a process outside of it.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use swarm::walls;

use crate::attacks::Attack;
use crate::common::{Ran, Scene, until_true, write};

/// Each wall by its name in a plan, in the order of the table.
pub(crate) const WALLS: [&str; 3] = ["bwrap", "landlock", "none"];

/// Whether this machine can put it up.
pub(crate) fn is_offered(wall: &str) -> bool {
    wall == "none" || walls::offers().into_iter().any(|(name, offer)| name == wall && offer.is_ok())
}

/// What a user has at home.
const HOME: [(&str, &str); 8] = [
    (".ssh/authorized_keys", "a key\n"),
    (".gnupg/trust", "\n"),
    (".bashrc", "\n"),
    (".profile", "\n"),
    (".zshrc", "\n"),
    ("diary", "dear diary\n"),
    ("letters", "dear Ada\n"),
    (".config/note", "\n"),
];

/// What the victim does: shows where it is, listens, and looks after its worktree.
const VICTIM: &str = r"
echo $PWD >$ROOT/flags/worktree
echo token-$$ >$ROOT/flags/socket
perl -MSocket -e 'socket(my $s, AF_UNIX, SOCK_STREAM, 0); bind($s, pack(q(S a*), AF_UNIX, qq(\0) . $ARGV[0])) or die; listen($s, 5); sleep 600' token-$$ &
bash -c 'exec -a tok-argv sleep 600' &
sleep 0.2
flag victim
await over
cp planted $ROOT/flags/seen-by-the-victim || true
kill %1 %2
";

/// The folder of the run, as an attempt finds it.
const RUN: &str = "RUN=$(dirname $(dirname $(dirname $(dirname $SWARM_USAGE))))";

/// The scene of a run.
pub(crate) struct Set {
    pub(crate) scene: Scene,
    outside: Child,
}

impl Set {
    pub(crate) fn new() -> Self {
        let scene = Scene::new();
        for (path, text) in HOME {
            write(&scene.root.join("home").join(path), text);
        }
        fs::create_dir_all(scene.root.join("flags/lost")).unwrap();
        fs::create_dir_all(scene.root.join("flags/tried")).unwrap();
        let mut sleep = Command::new("sleep");
        let outside = sleep.arg("600").current_dir("/").stdin(Stdio::null()).spawn().unwrap();
        scene.file("flags/outside", outside.id().to_string());
        Self { scene, outside }
    }

    /// A run in which each of the attacks is a task of its own, beside the victim.
    pub(crate) fn attacked(&self, wall: &str, attacks: &[&Attack]) -> Ran {
        let scene = &self.scene;
        let mut tasks = "  victim: { agent: script, prompt: stay, env: { TOKEN: tok-en } }\n".to_owned();
        scene.script("victim", VICTIM);
        for Attack { task, script, .. } in attacks {
            writeln!(tasks, "  {task}: {{ agent: script, prompt: do it }}").unwrap();
            let lines =
                format!("HERE=$ROOT\n{RUN}\nlost() {{ touch $ROOT/flags/lost/{task}; }}\nawait victim");
            scene.script(task, &format!("{lines}\n(set +e\n{script}\n) || true\nflag tried/{task}"));
        }
        let flags = scene.root.join("flags").display().to_string();
        let head = format!(
            "isolation: {{ wall: {wall}, write: ['{flags}'] }}\nbudget: 50usd\nconcurrency: 5\n\
             defaults: {{ if_no_changes: ok, retries: 0, timeout: 5m }}"
        );
        scene.plan(&head, &tasks);
        let run = scene.start_run(&[]);
        for attack in attacks {
            until_true(attack.name, || self.tried(attack).exists());
        }
        scene.flag("over");
        run.end()
    }

    /// What shows that an attack was carried out to its end.
    pub(crate) fn tried(&self, attack: &Attack) -> PathBuf {
        self.scene.root.join("flags/tried").join(attack.task)
    }
}

impl Drop for Set {
    fn drop(&mut self) {
        // An attack may have ended it.
        let _ = self.outside.kill();
        let _ = self.outside.wait();
    }
}
