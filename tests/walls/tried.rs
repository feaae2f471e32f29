//! Each attack against each wall of this machine: what became of it is what the table says, and the page has the same table.

use std::fmt::Write as _;

use crate::attacks::{Attack, Fate, all};
use crate::set::{Set, WALLS, is_offered};

/// What a wall let through, or stopped in another way than the table says.
fn differences(set: &Set, attacks: &[&Attack], at: usize) -> String {
    let mut found = String::new();
    for attack in attacks {
        let harm = (attack.harm)(&set.scene);
        let said = set.scene.attempt_file(attack.task, 1, "stderr");
        let fits = match attack.fates[at] {
            Fate::Stopped(words) => !harm && said.contains(words),
            Fate::Idle(_) => !harm,
            Fate::Through => harm,
            Fate::Untried => true,
        };
        if !fits {
            writeln!(found, "{}: {:?}, harm {harm}, {said}", attack.task, attack.fates[at]).unwrap();
        }
    }
    found
}

fn attacked(wall: &str) {
    let at = WALLS.iter().position(|name| *name == wall).unwrap();
    if !is_offered(wall) {
        eprintln!("not tried: this machine does not offer {wall}");
        return;
    }
    let is_root = rustix::process::geteuid().is_root();
    let attacks: Vec<&Attack> = all()
        .filter(|attack| attack.fates[at] != Fate::Untried)
        .filter(|attack| is_root || !attack.name.contains("as root"))
        .collect();
    let set = Set::new();
    set.attacked(wall, &attacks);
    let found = differences(&set, &attacks, at);
    assert!(found.is_empty(), "{wall}\n{found}");
}

#[test]
fn bubblewrap_stops_what_the_table_says() {
    attacked("bwrap");
}

#[test]
fn landlock_stops_what_the_table_says() {
    attacked("landlock");
}

#[test]
fn nothing_stops_what_the_table_says() {
    attacked("none");
}

fn cell(fate: Fate) -> String {
    match fate {
        Fate::Stopped(words) | Fate::Idle(words) => words.to_owned(),
        Fate::Through => "**succeeds**".to_owned(),
        Fate::Untried => "–".to_owned(),
    }
}

#[test]
fn the_page_has_the_table_of_attacks() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/walls.md")).unwrap();
    let missing: Vec<String> = all()
        .map(|attack| {
            let [bwrap, landlock, none] = attack.fates.map(cell);
            format!("| {} | {bwrap} | {landlock} | {none} |", attack.name)
        })
        .filter(|row| !page.contains(row))
        .collect();
    assert!(missing.is_empty(), "docs/reference/walls.md lacks\n{}", missing.join("\n"));
}
