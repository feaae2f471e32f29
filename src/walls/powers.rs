//! What root keeps of its powers behind a wall: those over files that it may write. With the others it could look into every
//! process, or take the wall down. Whoever is not root has none to lose.

use rustix::thread::{CapabilitySet, remove_capability_from_bounding_set};

/// Powers that stay, with their names for a command line.
pub(super) const KEPT: [(&str, CapabilitySet); 8] = [
    ("CAP_CHOWN", CapabilitySet::CHOWN),
    ("CAP_DAC_OVERRIDE", CapabilitySet::DAC_OVERRIDE),
    ("CAP_FOWNER", CapabilitySet::FOWNER),
    ("CAP_FSETID", CapabilitySet::FSETID),
    ("CAP_KILL", CapabilitySet::KILL),
    // Without it a program of root's cannot make a namespace of its own for what it starts, as codex does. Files with
    // capabilities give nothing: no program gains rights behind a wall.
    ("CAP_SETFCAP", CapabilitySet::SETFCAP),
    ("CAP_SETGID", CapabilitySet::SETGID),
    ("CAP_SETUID", CapabilitySet::SETUID),
];

/// Whether there are powers to lose.
pub(super) fn we_are_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Takes the rest away from whatever this process becomes. Where that is not allowed there is nothing worth taking.
pub(super) fn drop_for_good() {
    if !we_are_root() {
        return;
    }
    let kept = KEPT.iter().fold(CapabilitySet::empty(), |all, (_, one)| all | *one);
    for power in CapabilitySet::all().iter().filter(|power| !kept.contains(*power)) {
        let _ = remove_capability_from_bounding_set(power);
    }
}
