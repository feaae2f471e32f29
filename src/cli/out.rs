//! Standard output: data only. Whoever stops reading it ends the command quietly, as in a pipe to `head`.

use std::io::{self, ErrorKind, IsTerminal, Write};

use crate::drive::colour_of;

/// Prints a line.
pub(super) fn line(text: impl std::fmt::Display) {
    text_of(&format!("{text}\n"));
}

/// Prints text as it is.
pub(super) fn text_of(text: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        stop(&error);
    }
}

/// Whether colour is wanted on standard output.
pub(super) fn colour() -> bool {
    colour_of(io::stdout().is_terminal())
}

/// The width of standard output, in columns. A file or a pipe has none: nothing is cut there.
pub(super) fn width() -> usize {
    rustix::termios::tcgetwinsize(io::stdout()).map_or(usize::MAX, |size| usize::from(size.ws_col).max(20))
}

/// A reader that is gone has all it wanted; any other failure to write is one.
fn stop(error: &io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("error: standard output cannot be written: {error}");
    std::process::exit(i32::from(super::exit::ENVIRONMENT));
}
