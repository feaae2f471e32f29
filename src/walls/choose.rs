//! What this machine offers, and what of it a run gets. Knows no path of a run.

use std::sync::OnceLock;

use swarm_domain::Wall;
use swarm_domain::fact::Standing;

use super::enclosure::Kind;
use super::{bwrap, landlock};

/// A wall that works here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What enforces it.
    pub kind: Kind,
    /// What it does not hold on this machine, each as a clause.
    pub lacks: Vec<String>,
}

impl Found {
    /// As it is recorded.
    pub fn standing(&self) -> Standing {
        Standing { wall: self.kind.word().to_owned(), lacks: self.lacks.clone() }
    }
}

/// A wall that was asked for by name is not to be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan asks for the wall `{wall}`, and {why}")]
pub struct NoWall {
    /// Its name.
    pub wall: &'static str,
    /// Why it cannot be had.
    pub why: String,
}

/// The wall for a run: the one that is asked for, or the strongest.
pub fn find(asked: Wall) -> Result<Found, NoWall> {
    match asked {
        Wall::Bwrap => with_bwrap().map_err(|why| NoWall { wall: "bwrap", why }),
        Wall::Landlock => with_landlock().map_err(|why| NoWall { wall: "landlock", why }),
        Wall::None => Ok(none()),
        Wall::Auto => Ok(with_bwrap().or_else(|_| with_landlock()).unwrap_or_else(|_| none())),
    }
}

/// Each wall, with what it lacks or why it cannot be had.
pub fn offers() -> [(&'static str, Result<Found, String>); 2] {
    [("bwrap", with_bwrap()), ("landlock", with_landlock())]
}

/// Whether a process behind this wall can be denied the network; the error is why not.
pub fn check_network(kind: Kind) -> Result<(), String> {
    static BWRAP: OnceLock<Result<(), String>> = OnceLock::new();
    static OURS: OnceLock<Result<(), String>> = OnceLock::new();
    match kind {
        Kind::Bwrap => BWRAP
            .get_or_init(|| bwrap::program().ok_or_else(gone).and_then(|bwrap| bwrap::cuts_network(&bwrap)))
            .clone(),
        Kind::Landlock | Kind::None => OURS.get_or_init(try_to_cut).clone(),
    }
}

fn gone() -> String {
    "bwrap is not on the PATH".to_owned()
}

/// In a process of its own: this one needs its network.
fn try_to_cut() -> Result<(), String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let ran = std::process::Command::new(exe).arg("__without-network").output();
    match ran {
        Ok(ran) if ran.status.success() => Ok(()),
        Ok(ran) => Err(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The hidden subcommand `__without-network`: says by its exit code whether this machine can take a process's network away.
pub fn without_network_main() -> i32 {
    match super::network::cut() {
        Ok(()) => 0,
        Err(error) => {
            use std::io::Write;
            drop(writeln!(std::io::stderr(), "{error}"));
            1
        }
    }
}

fn with_bwrap() -> Result<Found, String> {
    static WORKS: OnceLock<Result<(), String>> = OnceLock::new();
    let works = || match bwrap::program() {
        None => Err(gone()),
        Some(bwrap) => bwrap::works(&bwrap).map_err(|why| format!("bwrap does not work here: {why}")),
    };
    WORKS.get_or_init(works).clone()?;
    let mut lacks = Vec::new();
    if !landlock::offer().scopes {
        lacks.push("it does not keep from other programs' abstract sockets (before Linux 6.12)".to_owned());
    }
    Ok(Found { kind: Kind::Bwrap, lacks })
}

fn with_landlock() -> Result<Found, String> {
    let offer = landlock::offer();
    if !offer.writing {
        return Err("the kernel offers no landlock".to_owned());
    }
    let mut lacks = vec![
        "it hides nothing: all that you can read can be read".to_owned(),
        "it does not keep modes, owners and times of your files".to_owned(),
    ];
    let missing = [
        (offer.moving, "it lets nothing be moved from one folder to another (before Linux 5.19)"),
        (offer.emptying, "it does not keep files from being emptied (before Linux 6.2)"),
        (offer.scopes, "it keeps no signals in, and does not keep from abstract sockets (before Linux 6.12)"),
    ];
    lacks.extend(missing.iter().filter(|(has, _)| !has).map(|(_, lack)| (*lack).to_owned()));
    Ok(Found { kind: Kind::Landlock, lacks })
}

fn none() -> Found {
    Found { kind: Kind::None, lacks: vec!["agents and gates can write whatever you can".to_owned()] }
}
