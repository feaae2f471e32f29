//! Marks and colours: each meaning has one glyph, and one colour that only repeats it. Does not know what is painted.

/// What something means to whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It worked.
    Good,
    /// It did not.
    Bad,
    /// Somebody should look.
    Warn,
    /// It is going on.
    Busy,
    /// It will be tried again.
    Again,
    /// It waits.
    Wait,
    /// It will not happen.
    Skip,
    /// It is good to know.
    Note,
}

impl Mark {
    /// The sign that stands in front of the words.
    pub(super) fn glyph(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Bad => '✗',
            Self::Warn => '!',
            Self::Busy => '●',
            Self::Again => '↻',
            Self::Wait => '◌',
            Self::Skip => '-',
            Self::Note => '·',
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warn | Self::Again => "33",
            Self::Busy => "36",
            Self::Wait | Self::Skip | Self::Note => "2",
        }
    }
}

/// Whether colour is wanted, and how it is written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Paint {
    /// Whether it is wanted.
    pub(super) on: bool,
}

impl Paint {
    /// Text in the colour of its meaning.
    pub(super) fn mark(self, mark: Mark, text: &str) -> String {
        self.wrap(mark.code(), text)
    }

    /// The glyph of a meaning, in its colour.
    pub(super) fn glyph(self, mark: Mark) -> String {
        self.mark(mark, &mark.glyph().to_string())
    }

    /// Text that matters most.
    pub(super) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Text that matters least.
    pub(super) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Paint};

    #[test]
    fn colour_only_repeats_what_the_text_says() {
        assert_eq!(Paint { on: false }.mark(Mark::Bad, "failed"), "failed");
        assert_eq!(Paint { on: true }.mark(Mark::Bad, "failed"), "\x1b[31mfailed\x1b[0m");
        assert_eq!(Paint { on: true }.strong(""), "");
    }
}
