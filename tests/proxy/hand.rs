//! HTTP by hand, on both sides of the proxy: what is sent when, and what came in which bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

/// Who waits longer has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// An upstream that answers when a test says so.
pub(crate) struct Hand(TcpListener);

impl Hand {
    pub(crate) fn start() -> Self {
        Self(TcpListener::bind(("127.0.0.1", 0)).unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Takes a connection in, and reads a request with its body.
    pub(crate) fn accept(&self) -> Wire {
        let mut wire = Wire::new(self.0.accept().unwrap().0);
        let got = wire.read_until("\r\n\r\n");
        let (head, _) = got.split_once("\r\n\r\n").unwrap();
        let length = header(head, "content-length").map_or(0, |length| length.parse().unwrap());
        while wire.seen.len() < head.len() + 4 + length {
            wire.read();
        }
        wire
    }
}

/// A connection, and what came on it.
pub(crate) struct Wire {
    stream: TcpStream,
    seen: String,
}

impl Wire {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, seen: String::new() }
    }

    /// Connects to the host of a URL.
    pub(crate) fn to(url: &str) -> Self {
        Self::new(TcpStream::connect(host(url)).unwrap())
    }

    /// Posts a document to a URL.
    pub(crate) fn post(url: &str, body: &str) -> Self {
        let mut wire = Self::to(url);
        let (host, length) = (host(url), body.len());
        let path = url.split_once(host).unwrap().1;
        wire.write(&format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}"
        ));
        wire
    }

    pub(crate) fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// A piece of a chunked body.
    pub(crate) fn chunk(&mut self, text: &str) {
        self.write(&format!("{:x}\r\n{text}\r\n", text.len()));
    }

    /// All that came, once some text is in it.
    pub(crate) fn read_until(&mut self, text: &str) -> String {
        while !self.seen.contains(text) {
            self.read();
        }
        self.seen.clone()
    }

    /// All that came until the other side ended.
    pub(crate) fn read_to_end(mut self) -> String {
        self.stream.read_to_string(&mut self.seen).unwrap();
        self.seen
    }

    /// Ends it.
    pub(crate) fn close(self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        let count = self.stream.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended: {}", self.seen);
        self.seen.push_str(std::str::from_utf8(&bytes[..count]).unwrap());
    }
}

/// The value of a header.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let named = |line: &'a str| line.split_once(':').filter(|(known, _)| known.eq_ignore_ascii_case(name));
    head.lines().skip(1).take_while(|line| !line.is_empty()).find_map(named).map(|(_, value)| value.trim())
}

/// Host and port of a URL.
pub(crate) fn host(url: &str) -> &str {
    url.strip_prefix("http://").unwrap().split('/').next().unwrap()
}
