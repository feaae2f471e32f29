//! `swarm land`: brings what a run landed on its target into one of the user's branches, on request and by git's own means.

use swarm_domain::Oid;

use super::Context;
use super::args::LandArgs;
use super::exit::{BUSY, Failure, OK, TARGET, USAGE};
use super::out;
use crate::git::{GitError, LandedHow, Repo};
use crate::runs;

pub(super) fn land(context: &Context, args: &LandArgs) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let folder = context.find(args.run.as_deref())?;
    if let Some(pid) = folder.owner() {
        return Err(Failure::new(BUSY, format!("run {} is still driven by process {pid}", folder.id))
            .hint(format!("wait for its end: `swarm attach {}`", folder.id)));
    }
    let state = runs::read_state(&folder.journal())?;
    let parts = state.parts().ok_or_else(|| Failure::new(USAGE, "that run was never planned"))?;
    let target = &parts.run.settings.target;
    let Some(commit) = parts.train.landed() else {
        return Err(Failure::new(TARGET, format!("run {} has landed nothing on `{target}`", folder.id))
            .hint(format!("`swarm status {}` shows why", folder.id)));
    };
    check_held(&repo, target, commit)?;
    let into = match &args.into {
        Some(branch) => branch.clone(),
        None => repo.head_branch().ok_or_else(|| {
            Failure::new(USAGE, "no branch is checked out here")
                .hint("name the branch: `swarm land --into main`")
        })?,
    };
    let landed = repo.land(target, &into).map_err(|error| match error {
        GitError::UnknownRevision { name } => Failure::new(USAGE, format!("there is no branch `{name}`"))
            .hint("`git branch` lists the branches"),
        error => error.into(),
    })?;
    let how = match landed.how {
        LandedHow::AlreadyThere => "already has everything of",
        LandedHow::FastForward => "was fast-forwarded to",
        LandedHow::Merge => "was merged with",
    };
    if context.json {
        let document = serde_json::json!({
            "schema": "swarm.land/1", "run": folder.id, "target": target, "into": into, "commit": landed.after,
            "how": format!("{:?}", landed.how).to_lowercase(),
        });
        out::line(document);
    } else {
        out::line(format!("`{into}` {how} `{target}` ({})", landed.after.get(..10).unwrap_or(&landed.after)));
        eprintln!("  next: swarm clean {}   (removes its worktrees, refs and folder)", folder.id);
    }
    Ok(OK)
}

/// A target that was moved or deleted since has nothing of the run: landing it would bring in something else.
fn check_held(repo: &Repo, target: &str, commit: &Oid) -> Result<(), Failure> {
    let head = repo.ref_value(&format!("refs/heads/{target}"))?;
    if let Some(head) = head
        && repo.is_ancestor(commit.as_str(), &head)?
    {
        return Ok(());
    }
    let text = format!(
        "`{target}` does not hold {}, which this run landed: it was moved or deleted",
        commit.short()
    );
    Err(Failure::new(TARGET, text).hint(format!("`git branch -f {target} {commit}` puts it back")))
}
