//! Landlock: rules that a process gives itself, and that hold for all that comes of it. Writing is ruled; reading is not.

use std::path::PathBuf;

use ::landlock::{
    ABI, Access, AccessFs, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated,
    RulesetCreatedAttr, RulesetStatus, Scope, path_beneath_rules,
};

use super::enclosure::WallError;

/// The latest rights that are asked for. Later ones forbid to talk to other programs' sockets, which nobody has tried.
const RIGHTS: ABI = ABI::V5;
/// Where rules for signals and abstract sockets came.
const SCOPES: ABI = ABI::V6;

/// What the kernel offers of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each came with a kernel of its own")]
pub(super) struct Offer {
    /// It can rule writing at all (Linux 5.13).
    pub(super) writing: bool,
    /// Files can be moved between granted folders, and no others (5.19).
    pub(super) moving: bool,
    /// It rules emptying a file by its path (6.2).
    pub(super) emptying: bool,
    /// It rules signals and abstract sockets (6.12).
    pub(super) scopes: bool,
}

/// Asks the kernel; nothing is restricted by that.
pub(super) fn offer() -> Offer {
    Offer {
        writing: can(AccessFs::from_write(ABI::V1)),
        moving: can(AccessFs::Refer.into()),
        emptying: can(AccessFs::Truncate.into()),
        scopes: Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .scope(Scope::from_all(SCOPES))
            .and_then(Ruleset::create)
            .is_ok(),
    }
}

fn can(rights: BitFlags<AccessFs>) -> bool {
    let asked = Ruleset::default().set_compatibility(CompatLevel::HardRequirement).handle_access(rights);
    asked.and_then(Ruleset::create).is_ok()
}

/// From here on this process may write to these places and no others. A place that is gone is left out.
pub(super) fn restrict(write: &[PathBuf]) -> Result<(), WallError> {
    let handled = AccessFs::from_write(RIGHTS);
    // A device file would be a way around everything for whoever is root.
    let granted = handled & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let status = Ruleset::default()
        .handle_access(handled)
        .and_then(|rules| rules.scope(Scope::from_all(SCOPES)))
        .and_then(Ruleset::create)
        .and_then(|rules| rules.add_rules(path_beneath_rules(write, granted)))
        .and_then(RulesetCreated::restrict_self)
        .map_err(|error| WallError::Landlock(error.to_string()))?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(WallError::Landlock("this kernel does not offer it".to_owned()));
    }
    Ok(())
}

/// From here on signals and abstract sockets of this process end at itself and what comes of it, where the kernel can do that.
pub(super) fn scope() -> Result<(), WallError> {
    if !offer().scopes {
        return Ok(());
    }
    Ruleset::default()
        .scope(Scope::from_all(SCOPES))
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self)
        .map(drop)
        .map_err(|error| WallError::Landlock(error.to_string()))
}
