//! This program again as another process. Does not know what that process does.

use std::process::{Command, Stdio};

use crate::child::Part;
use crate::failure::Result;

/// This program in a part, run by another one if there is a prefix. Its arguments are to be added.
pub(crate) fn again(prefix: &[&str], part: Part) -> Result<Command> {
    let program = std::env::current_exe()?;
    let mut command = match prefix {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command.arg(part.name()).stdin(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}
