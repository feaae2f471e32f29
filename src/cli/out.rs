//! Standard output: data only. Whoever stops reading it ends the command quietly, as in a pipe to `head`.

use std::io::{self, ErrorKind, Write};

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

/// A reader that is gone has all it wanted; any other failure to write is one.
fn stop(error: &io::Error) -> ! {
    if error.kind() == ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("error: standard output cannot be written: {error}");
    std::process::exit(i32::from(super::exit::ENVIRONMENT));
}
