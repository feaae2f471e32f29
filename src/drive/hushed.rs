//! The run's own log, into which no secret is written. Knows what a line is, and not what is in it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};

use swarm_domain::plan::Secrets;

use crate::world::guard::Guard;

/// A file that is handed whole lines, and gets them without secrets.
pub(super) struct Hushed {
    file: File,
    guard: Guard,
}

impl Hushed {
    /// Law 18: of the caller's environment every variable counts here that says by its name that it is a secret.
    pub(super) fn new(file: File) -> Self {
        let all = BTreeSet::from(["*".to_owned()]);
        Self { file, guard: Guard::new(&Secrets::default(), &all) }
    }
}

impl Write for Hushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.file.write_all(self.guard.clean(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::Hushed;

    #[test]
    fn a_line_is_written_without_its_secrets() {
        let dir = tempfile::tempdir().expect("a scratch folder can be written");
        let path = dir.path().join("log");
        let mut log = Hushed::new(std::fs::File::create(&path).expect("a scratch folder can be written"));
        let token = format!("gh{}_{}", "p", "x7Kq2mW9vB4nR8tY3cZ6jH1dF5gS0aLpQeUi");
        writeln!(log, "git said: {token} is wrong").expect("the file is open");
        let text = std::fs::read_to_string(&path).expect("it was written");
        assert!(!text.contains(&token) && text.contains("[secret: github-pat] is wrong"), "{text}");
    }
}
