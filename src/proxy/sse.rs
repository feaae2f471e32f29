//! Server-sent events, cut out of a stream that arrives in any pieces. Knows no event's meaning.

/// A longer event is left out. The last event of an answer can hold all of it.
const EVENT_BYTES_MAX: usize = 32 << 20;

/// A reader of a stream.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// The line that has not ended yet.
    line: Vec<u8>,
    /// Whether anything of a line was seen, kept or not.
    in_line: bool,
    /// The data of the event that has not ended yet.
    data: Vec<u8>,
    /// A line feed right behind a carriage return ends no second line.
    after_return: bool,
    too_long: bool,
}

impl Events {
    /// Takes what has arrived, and hands on the data of each event that it ends.
    pub(super) fn take(&mut self, bytes: &[u8], each: &mut dyn FnMut(&[u8])) {
        let mut rest = bytes;
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (part, end, behind) = (&rest[..at], rest[at], &rest[at + 1..]);
            rest = behind;
            let second_half = end == b'\n' && self.after_return && part.is_empty();
            self.after_return = end == b'\r';
            if !second_half {
                self.grow(part);
                self.end_line(each);
            }
        }
        if !rest.is_empty() {
            self.after_return = false;
            self.grow(rest);
        }
    }

    /// The stream is over. What is not ended properly still counts: it may tell what was used.
    pub(super) fn end(&mut self, each: &mut dyn FnMut(&[u8])) {
        self.end_line(each);
        self.end_event(each);
    }

    fn grow(&mut self, part: &[u8]) {
        self.in_line |= !part.is_empty();
        self.too_long |= self.line.len() + self.data.len() + part.len() > EVENT_BYTES_MAX;
        if !self.too_long {
            self.line.extend_from_slice(part);
        }
    }

    fn end_line(&mut self, each: &mut dyn FnMut(&[u8])) {
        let line = std::mem::take(&mut self.line);
        if !std::mem::take(&mut self.in_line) {
            self.end_event(each);
        } else if let Some(data) = line.strip_prefix(b"data:") {
            if !self.data.is_empty() {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(data.strip_prefix(b" ").unwrap_or(data));
        }
        self.line = reused(line);
    }

    fn end_event(&mut self, each: &mut dyn FnMut(&[u8])) {
        let data = std::mem::take(&mut self.data);
        if !data.is_empty() && !self.too_long {
            each(&data);
        }
        self.too_long = false;
        self.data = reused(data);
    }
}

/// The same memory, empty.
fn reused(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.clear();
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    use super::{EVENT_BYTES_MAX, Events};

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut events, mut found) = (Events::default(), Vec::new());
        let mut each = |data: &[u8]| found.push(String::from_utf8_lossy(data).into_owned());
        for piece in pieces {
            events.take(piece, &mut each);
        }
        events.end(&mut each);
        found
    }

    #[test]
    fn events_are_found_however_lines_end() {
        for (stream, found) in [
            ("data: a\n\ndata:b\n\n", vec!["a", "b"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["a", "b"]),
            ("data: a\r\rdata: b\r\r", vec!["a", "b"]),
            ("event: x\nid: 1\ndata: a\ndata: b\n: comment\n\n", vec!["a\nb"]),
            ("\n\n\ndata:\n\n: ping\n\n", vec![]),
            ("data: not ended", vec!["not ended"]),
            ("data: a\ndata: b\n", vec!["a\nb"]),
            ("database: a\n\n", vec![]),
        ] {
            assert_eq!(read(&[stream.as_bytes()]), found, "{stream:?}");
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_left_out_and_the_next_one_is_not() {
        let long = vec![b'x'; EVENT_BYTES_MAX];
        assert_eq!(read(&[b"data: ", &long, b"y\n\ndata: a\n\n"]), ["a"]);
        assert_eq!(read(&[b"data: ", &long, &long, b"\ndata: b\n\ndata: a\n\n"]), ["a"]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_stream_is_cut(stream in "(data: ?[a-c]{0,3}|[\\r\\n]|e)*", at in any::<prop::sample::Index>()) {
            let (first, second) = stream.as_bytes().split_at(at.index(stream.len() + 1));
            prop_assert_eq!(read(&[first, second]), read(&[stream.as_bytes()]));
        }
    }
}
