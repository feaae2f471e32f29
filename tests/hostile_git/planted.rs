//! Every place in which git looks for something to run, or for where it is.

use super::set::Set;

/// Settings that run a program whenever git so much as looks.
const SETTINGS: &str = "for key in core.fsmonitor core.pager core.editor core.sshCommand core.askPass diff.external \
    gpg.program credential.helper filter.x.clean filter.x.smudge filter.x.process diff.x.command diff.x.textconv merge.x.driver \
    merge.tool alias.status alias.checkout alias.diff-tree init.templateDir uploadpack.packObjectsHook trailer.x.command; do\n\
    git config $WHERE \"$key\" \"$T\"; done; git config $WHERE core.hooksPath $(dirname $T)/hooks\n\
    git config $WHERE filter.x.required true";
/// Attributes that name them.
const ATTRIBUTES: &str = "echo '* filter=x diff=x merge=x' >.gitattributes";
const HOOKS: &str = "mkdir -p $H; for hook in pre-commit post-checkout reference-transaction post-index-change commit-msg \
    post-merge pre-auto-gc fsmonitor-watchman post-rewrite update pre-receive; do cp $T $H/$hook; chmod +x $H/$hook; done";

fn planted(plant: &str) -> Set {
    Set::new("worktree", plant)
}

fn settings(where_to: &str) -> String {
    SETTINGS.replace("$WHERE", where_to)
}

#[test]
fn a_git_file_that_leads_to_a_trap() {
    let trap = settings("--file $D/trap.git/config");
    let plant = format!(
        "git init -q --bare $D/trap.git; {}; {trap}; {ATTRIBUTES}; echo \"gitdir: $D/trap.git\" >.git",
        HOOKS.replace("$H", "$D/trap.git/hooks")
    );
    planted(&plant).assert_named(".git");
}

#[test]
fn a_git_folder_in_place_of_the_git_file() {
    let trap = settings("--file .git/config");
    planted(&format!(
        "rm .git; git init -q .; {trap}; {ATTRIBUTES}; mkdir -p .git/hooks; cp $T .git/hooks/post-checkout"
    ))
    .assert_named(".git");
}

#[test]
fn a_git_file_that_is_a_link_a_pipe_or_gone() {
    for plant in ["ln -sf $R/.git .git", "rm .git; mkfifo .git", "rm .git", "rm .git; ln -s /dev/zero .git"] {
        planted(plant).assert_named(".git");
    }
}

#[test]
fn a_commondir_that_leads_to_a_trap() {
    let trap = settings("--file $D/trap.git/config");
    let plant =
        format!("git init -q --bare $D/trap.git; {trap}; {ATTRIBUTES}; echo $D/trap.git >$G/commondir");
    planted(&plant).assert_named("commondir");
}

#[test]
fn a_gitdir_that_leads_to_the_users_checkout() {
    let scene = planted("echo $R/.git >$G/gitdir").assert_named("gitdir");
    assert_eq!(scene.git(&["status", "--porcelain"]), "");
}

#[test]
fn settings_of_the_worktree_alone() {
    let scene = planted(&format!(
        "git config extensions.worktreeConfig true; {}; {ATTRIBUTES}",
        settings("--file $G/config.worktree")
    ))
    .assert_named("config.worktree");
    let left = std::fs::read_dir(scene.repo.join(".git/worktrees")).into_iter().flatten().flatten();
    assert!(
        !left.into_iter().any(|tree| tree.path().join("config.worktree").exists()),
        "used again without it"
    );
}

/// Without a wall an agent can write the repository's own settings. They are named, for a person to undo.
#[test]
fn settings_of_the_repository() {
    let plant = format!("{}; {ATTRIBUTES}", settings("--file $R/.git/config"));
    let scene = Set::with_gate("worktree", "test -f README.md", &plant).assert_named("filter.x.clean");
    assert_eq!(
        scene.git(&["config", "--file", ".git/config", "filter.x.required"]),
        "true",
        "nothing is silently undone"
    );
}

/// The configuration that git reads depends on the folder that it is told to use.
#[test]
fn settings_that_only_swarms_own_git_would_read() {
    let plant = format!(
        "{}; {ATTRIBUTES}\n\
         for where in '**/swarm/**' '**/swarm/trees/**' '**/worktrees/**'; do\n\
         git config --file $R/.git/config \"includeIf.gitdir:$where.path\" $D/trap.config; done",
        settings("--file $D/trap.config")
    );
    Set::with_gate("worktree", "test -f README.md", &plant).assert_named("includeif.gitdir");
}

#[test]
fn hooks_in_every_place() {
    planted(&HOOKS.replace("$H", "$G/hooks")).assert_harmless();
    let users = HOOKS.replace("$H", "$R/.git/hooks");
    Set::with_gate("worktree", "test -f README.md", &users).assert_named("hooks/post-checkout");
}

#[test]
fn attributes_that_change_what_is_stored() {
    let plant = "printf '* text eol=crlf\\none.txt ident export-subst\\n*.txt -diff merge=binary\\n' >.gitattributes\n\
        mkdir -p $G/info; cp .gitattributes $G/info/attributes; printf 'two\\r\\n' >two.txt";
    planted(plant).assert_harmless();
}

/// What git cannot store as the attributes want it stays where it is. Without them, a filter that is there to keep
/// something out would not run either.
#[test]
fn attributes_under_which_nothing_can_be_stored() {
    let Set { scene, ran } = planted("echo '* working-tree-encoding=UTF-16' >.gitattributes");
    ran.assert_code(8).assert_says("its work could not be kept").assert_says("working-tree-encoding");
    let stays = scene.events().first("worktree.made", "a").text("path").to_owned();
    let two = std::path::Path::new(&stays).join("two.txt");
    assert_eq!(std::fs::read_to_string(two).unwrap(), "two\n");
}

#[test]
fn rules_of_the_worktree_alone_that_hide_files() {
    planted("mkdir -p $G/info; echo '*' >$G/info/exclude; echo '/nothing' >$G/info/sparse-checkout")
        .assert_named("sparse-checkout");
}

/// What is put right is not put right at the other end of a link.
#[test]
fn folders_that_are_links_to_the_users_own() {
    for (tree, plant) in [
        ("worktree", "rm -rf $G/info; ln -s $R/.git/info $G/info; echo x >$R/.git/info/sparse-checkout"),
        (
            "clone",
            "rm -rf $G/objects/info; ln -s $R/.git/info $G/objects/info; echo x >$R/.git/info/alternates",
        ),
    ] {
        let scene = Set::new(tree, plant).assert_harmless();
        let user = scene.repo.join(".git/info");
        assert!(user.join("sparse-checkout").exists() || user.join("alternates").exists(), "{tree}");
    }
}

#[test]
fn an_index_that_is_a_link_to_the_users_own_or_nonsense() {
    for plant in
        ["ln -sf $R/.git/index $G/index", "echo nonsense >$G/index", "head -c 3000000 /dev/urandom >$G/index"]
    {
        let scene = planted(plant).assert_harmless();
        assert_eq!(scene.git(&["status", "--porcelain"]), "", "the user's own index is untouched");
    }
}

#[test]
fn an_index_that_is_written_in_place() {
    planted("git update-index --skip-worktree README.md; cat $G/index >$G/i; dd if=$G/i of=$G/index conv=notrunc 2>/dev/null; git update-index --assume-unchanged README.md").assert_harmless();
}

#[test]
fn a_head_that_is_a_link_to_the_users_own() {
    let scene = planted("H=$(cat $G/HEAD); ln -sf $R/.git/HEAD $G/HEAD").ran.assert_code(0);
    drop(scene);
    let set = planted("ln -sf $R/.git/HEAD $G/HEAD");
    assert_eq!(
        set.scene.git(&["symbolic-ref", "HEAD"]),
        "refs/heads/main",
        "the user's own HEAD is untouched"
    );
    assert_eq!(set.scene.git(&["show", "swarm/t:one.txt"]), "one");
}

/// Without a wall an agent can put a link in place of its git folder; swarm cleans that folder after it.
#[test]
fn a_git_folder_that_is_a_link_to_the_users_own_costs_nobody_anything() {
    let set = planted("rm -rf $G; ln -s $R/.git $G");
    assert_eq!(set.scene.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    set.scene.git(&["fsck"]);
    assert_eq!(set.scene.git(&["show", "swarm/t:two.txt"]), "two");
}

#[test]
fn replaced_objects_and_grafts_change_nothing() {
    planted("git replace --graft HEAD; git replace $(git rev-parse HEAD:README.md) $(echo evil | git hash-object -w --stdin); mkdir -p $R/.git/info; git rev-parse HEAD >$R/.git/info/grafts")
        .assert_harmless();
}

/// Work whose objects lie elsewhere would be gone with that place.
#[test]
fn objects_that_are_borrowed_from_elsewhere_are_brought_home() {
    let scene = planted(
        "git init -q --bare $D/other.git; export GIT_OBJECT_DIRECTORY=$D/other.git/objects GIT_ALTERNATE_OBJECT_DIRECTORIES=$R/.git/objects\n\
         echo more >>one.txt; echo one >one.txt; echo x >three.txt; git add three.txt; git commit -q -m elsewhere\n\
         unset GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES; echo $D/other.git/objects >$R/.git/objects/info/alternates",
    )
    .assert_named("alternates");
    std::fs::remove_file(scene.repo.join(".git/objects/info/alternates")).unwrap();
    std::fs::remove_dir_all(scene.root.join("planted")).unwrap();
    scene.git(&["fsck", "--full"]);
    assert_eq!(scene.git(&["show", "swarm/t:three.txt"]), "x");
}

#[test]
fn pipes_and_devices_among_the_files_do_not_stop_it() {
    planted("mkfifo pipe; ln -s /dev/zero zero.log; mkdir -p sub; mkfifo sub/.git").assert_harmless();
}

#[test]
fn a_repository_of_its_own_is_not_trusted_either() {
    let trap = settings("--file $G/config");
    let hooks = HOOKS.replace("$H", "$G/hooks");
    Set::new("clone", &format!("{trap}; {hooks}; {ATTRIBUTES}")).assert_harmless();
    for plant in [
        "echo /nowhere >$G/objects/info/alternates",
        "rm $G/objects/info/alternates; mkfifo $G/objects/info/alternates",
        "rm .git; git init -q .",
        "git gc -q --prune=now; git pack-refs --all",
        "git switch -q -c mine",
        "git replace --graft HEAD",
    ] {
        Set::new("clone", plant).assert_harmless();
    }
}

#[test]
fn a_repository_of_its_own_has_no_way_into_the_users() {
    let plant = "git remote | grep . && exit 9; git push origin HEAD:evil 2>/dev/null && exit 9\n\
        git stash -q -u; git stash pop -q; git branch evil; git tag evil; git config user.name Eve; git notes add -m x";
    let scene = Set::new("clone", plant).assert_harmless();
    assert_eq!(
        scene.git(&[
            "for-each-ref",
            "--format=%(refname)",
            "refs/heads",
            "refs/tags",
            "refs/stash",
            "refs/notes"
        ]),
        "refs/heads/main\nrefs/heads/swarm/t"
    );
    assert_eq!(scene.git(&["config", "user.name"]), "Ada");
}

/// A commit that git's own check refuses is not taken over; the files are. The commits are nowhere else, so they stay.
#[test]
fn objects_that_git_refuses_stay_where_they_are() {
    let plant = "blob=$(echo x | git hash-object -w --stdin); tree=$(printf '100644 blob %s\\t.git\\n' $blob | git mktree)\n\
        git update-ref HEAD $(git commit-tree $tree -p HEAD -m evil)";
    let Set { scene, ran } = Set::new("clone", plant);
    ran.assert_code(0);
    assert_eq!(scene.git(&["show", "swarm/t:two.txt"]), "two");
    let objects = scene.git(&["rev-list", "--all", "--objects"]);
    assert!(!objects.lines().any(|line| line.ends_with(" .git")), "{objects}");
    let status = scene.swarm(&["status"]).out;
    assert!(status.contains("its commits could not be taken over"), "{status}");
    let left = scene.worktree_folders();
    assert!(left.iter().any(|path| path.extension().is_some_and(|name| name == "git")), "{left:?}");
}

#[test]
fn what_a_repository_of_its_own_borrows_is_not_pruned() {
    let plant = "cd $R; git -c user.name=A -c user.email=a@b commit -q --amend -m amended; git reflog expire --expire=now --all; git gc -q --prune=now; cd - >/dev/null";
    let set = Set::new("clone", plant);
    assert_eq!(set.scene.git(&["show", "swarm/t:two.txt"]), "two", "{}", set.ran.err);
}
