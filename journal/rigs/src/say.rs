//! The words between the programs and the rigs, one line each. Does not know by which way they travel.

use std::fmt;

/// What the writer or the checker says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Said {
    /// All records up to this one are durable.
    Acked(u64),
    /// An unfinished write of so many bytes was found and ignored.
    Torn(u64),
    /// After a failure something was called durable.
    Lied,
}

impl Said {
    /// A line that is none of these words is a bug of the rigs, and is told as such.
    pub(crate) fn parse(line: &str) -> Self {
        let number = |rest: &str| rest.trim_end().parse().expect("the programs say numbers");
        match line.split_once(' ') {
            Some(("acked", rest)) => Self::Acked(number(rest)),
            Some(("torn", rest)) => Self::Torn(number(rest)),
            _ if line.trim_end() == "lied" => Self::Lied,
            _ => panic!("neither the writer nor the checker says {line:?}"),
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acked(last) => write!(f, "acked {last}"),
            Self::Torn(bytes) => write!(f, "torn {bytes}"),
            Self::Lied => f.write_str("lied"),
        }
    }
}

/// The last record that was called durable; none if not even an empty journal was.
pub(crate) fn acked(said: &[Said]) -> Option<u64> {
    let acked = |said: &Said| if let Said::Acked(last) = said { Some(*last) } else { None };
    said.iter().filter_map(acked).max()
}
