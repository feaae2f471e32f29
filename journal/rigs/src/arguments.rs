//! The command line. Does not know what the commands do.

use std::{path::Path, process::ExitCode};

use crate::{
    checker,
    rig::{self, Order},
    twist::Twist,
    writer,
};

const USAGE: &str = "\
usage: rigs RIG [--cases N] [--seed N] [--mutant MUTANT]
       rigs write FOLDER RECORDS [MUTANT]     append until there are so many; acknowledgements to stdout
       rigs check FOLDER [ACKNOWLEDGED]       read, open twice, compare with what the writer writes
RIG    kill | strace | shutdown-FS | block-FS | eio-FS | full-FS, where FS is ext4 or xfs
MUTANT no-fsync | no-name-sync | ack-early | retry-sync | keep-cache";
const WRONG_USAGE: u8 = 2;

pub(crate) fn dispatch(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let code = match words[..] {
        ["write", folder, records, ref mutant @ ..] => write(folder, records, mutant),
        ["check", folder] => Some(checker::run(Path::new(folder), None)),
        ["check", folder, acked] => acked.parse().ok().map(|n| checker::run(Path::new(folder), Some(n))),
        [name, ref options @ ..] => order(options).and_then(|order| rig::run(name, &order)),
        [] => None,
    };
    code.unwrap_or_else(|| {
        eprintln!("{USAGE}");
        ExitCode::from(WRONG_USAGE)
    })
}

fn write(folder: &str, records: &str, mutant: &[&str]) -> Option<ExitCode> {
    let twist = match mutant {
        [] => None,
        [name] => Some(Twist::named(name)?),
        _ => return None,
    };
    Some(writer::run(Path::new(folder), records.parse().ok()?, twist))
}

fn order(options: &[&str]) -> Option<Order> {
    let mut order = Order::default();
    for option in options.chunks(2) {
        match option {
            ["--cases", n] => order.cases = Some(n.parse().ok()?),
            ["--seed", n] => order.seed = n.parse().ok()?,
            ["--mutant", name] => order.twist = Some(Twist::named(name)?),
            _ => return None,
        }
    }
    Some(order)
}
