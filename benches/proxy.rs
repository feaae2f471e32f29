//! What the metering proxy adds to a call, on loopback, against the same call without it in the same minute.
//!
//! `cargo bench --bench proxy`. The upstream answers at once, so the floor is the loopback and nothing else. Each call is
//! reserved, synced to the disk, sent on, read along and settled.
#![expect(clippy::unwrap_used, reason = "a benchmark that stops there says where")]

use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use swarm::agents::Prices;
use swarm::proxy::{Api, Config, Grant, Limits, Patience, Proxy, Token, Unpriced, Upstream};

const ROUNDS: usize = 2_000;
const LIMIT: Duration = Duration::from_millis(1);

const DOCUMENT: &str = r#"{"type":"message","content":[{"type":"text","text":"Done."}],"usage":{"input_tokens":40,"output_tokens":10}}"#;
const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":40,\"output_tokens\":1}}}\n\n";
const END: &str = "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":10}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn main() {
    let (upstream, first_bytes) = serve();
    let dir = tempfile::tempdir().unwrap();
    let proxy = start(upstream, dir.path());
    let mut direct = Line::to(&format!("http://{upstream}"));
    let mut through = Line::to(&proxy.url());
    println!("{:<34} {:>9} {:>9} {:>9} {:>7} {:>8}", "row", "direct", "proxy", "added", "ratio", "limit");
    for (row, bytes) in
        [("a call of 1 KB", 1_000), ("a call of 100 KB", 100_000), ("a call of 1 MB", 1_000_000)]
    {
        let rounds = if bytes > 500_000 { ROUNDS / 10 } else { ROUNDS };
        let both =
            (0..rounds).map(|_| [&mut direct, &mut through].map(|line| line.call(bytes, &first_bytes)));
        print(row, &both.collect::<Vec<_>>());
    }
    let both = (0..ROUNDS).map(|_| [&mut direct, &mut through].map(|line| line.stream(&first_bytes)));
    print("the first byte of a stream", &both.collect::<Vec<_>>());
    println!("{:<34} {:>9.0?}", "of that, a line written and synced", sync(dir.path()));
    let totals = proxy.totals();
    println!("{} calls metered, {} micro-dollars", totals.calls, totals.spent_micros);
}

/// What it takes to have a line on this disk, in the median.
fn sync(dir: &Path) -> Duration {
    let mut file = File::create(dir.join("floor")).unwrap();
    let mut took: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&[b'x'; 130]).unwrap();
            file.sync_data().unwrap();
            begun.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[ROUNDS / 2]
}

fn start(upstream: SocketAddr, dir: &Path) -> Proxy {
    let config = Config {
        upstream: Upstream::parse(&format!("http://{upstream}")).unwrap(),
        apis: vec![Api::Messages],
        prices: Arc::new(Prices::built_in()),
        unpriced: Unpriced::Refuse,
        dir: dir.to_path_buf(),
        token: Token::random().unwrap(),
        grant: Arc::new(Grant::new(u64::MAX)),
        on_want: Arc::new(|_| {}),
        limits: Limits::default(),
        patience: Patience::default(),
    };
    Proxy::start(config).unwrap()
}

/// Of each row the median of both, and the median of what was added round by round; and the 99th of a hundred.
fn print(row: &str, rounds: &[[Duration; 2]]) {
    let at = |percent: usize, of: fn(&[Duration; 2]) -> Duration| {
        let mut values: Vec<Duration> = rounds.iter().map(of).collect();
        values.sort_unstable();
        values[values.len() * percent / 100]
    };
    for (name, percent) in [(row, 50), ("  99 of 100", 99)] {
        let (direct, through) = (at(percent, |both| both[0]), at(percent, |both| both[1]));
        let added = through.saturating_sub(direct);
        let ratio = through.as_secs_f64() / direct.as_secs_f64();
        let (limit, verdict) = match (percent, added > LIMIT) {
            (50, missed) => (format!("{LIMIT:.0?}"), if missed { "  MISSED" } else { "" }),
            _ => (String::new(), ""),
        };
        println!("{name:<34} {direct:>9.0?} {through:>9.0?} {added:>9.0?} {ratio:>7.1} {limit:>8}{verdict}");
    }
}

/// An upstream that answers at once, and says when it wrote the first byte of each answer.
fn serve() -> (SocketAddr, Receiver<Instant>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || answer(stream.unwrap(), &sender));
        }
    });
    (address, receiver)
}

fn answer(stream: TcpStream, first_bytes: &Sender<Instant>) {
    stream.set_nodelay(true).unwrap();
    let mut line = Line { stream, path: String::new(), host: String::new(), seen: Vec::new() };
    while let Some(body) = line.request() {
        let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
        let first = if body.contains("\"stream\":true") {
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n{}",
                chunk(START)
            )
        } else {
            let length = DOCUMENT.len();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{DOCUMENT}"
            )
        };
        first_bytes.send(Instant::now()).unwrap();
        line.stream.write_all(first.as_bytes()).unwrap();
        if first.contains("chunked") {
            // The rest comes when the first piece has long been read.
            thread::sleep(Duration::from_millis(2));
            line.stream.write_all(format!("{}0\r\n\r\n", chunk(END)).as_bytes()).unwrap();
        }
    }
}

/// A connection that is kept, on either side.
struct Line {
    stream: TcpStream,
    host: String,
    path: String,
    seen: Vec<u8>,
}

impl Line {
    fn to(url: &str) -> Self {
        let rest = url.strip_prefix("http://").unwrap();
        let (host, path) =
            rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, path, host: host.to_owned(), seen: Vec::new() }
    }

    /// How long a call with a request of so many bytes takes.
    fn call(&mut self, bytes: usize, first_bytes: &Receiver<Instant>) -> Duration {
        let request = self.post(&format!(
            r#"{{"model":"claude-sonnet-4-5","max_tokens":9,"messages":"{}"}}"#,
            "x".repeat(bytes)
        ));
        let begun = Instant::now();
        self.stream.write_all(&request).unwrap();
        self.read_until("\"output_tokens\":10}}");
        let took = begun.elapsed();
        first_bytes.recv().unwrap();
        took
    }

    /// How long after it was written the first piece of a stream is here.
    fn stream(&mut self, first_bytes: &Receiver<Instant>) -> Duration {
        let request =
            self.post(r#"{"model":"claude-sonnet-4-5","max_tokens":9,"stream":true,"messages":"x"}"#);
        self.stream.write_all(&request).unwrap();
        self.read_until("message_start\",");
        let arrived = Instant::now();
        self.read_until("\r\n0\r\n\r\n");
        arrived.duration_since(first_bytes.recv().unwrap())
    }

    fn post(&mut self, body: &str) -> Vec<u8> {
        self.seen.clear();
        let Self { host, path, .. } = self;
        let length = body.len();
        format!("POST {path}/v1/messages HTTP/1.1\r\nhost: {host}\r\ncontent-length: {length}\r\n\r\n{body}")
            .into_bytes()
    }

    /// The body of the next request; none: there is none.
    fn request(&mut self) -> Option<String> {
        self.seen.clear();
        let head = loop {
            if let Some(at) = find(&self.seen, b"\r\n\r\n") {
                break at + 4;
            }
            self.read()?;
        };
        let text = String::from_utf8_lossy(&self.seen[..head]).to_ascii_lowercase();
        let length: usize = text.split_once("content-length: ")?.1.lines().next()?.parse().unwrap();
        while self.seen.len() < head + length {
            self.read()?;
        }
        Some(String::from_utf8_lossy(&self.seen[head..]).into_owned())
    }

    fn read_until(&mut self, text: &str) {
        while find(&self.seen, text.as_bytes()).is_none() {
            self.read().unwrap();
        }
    }

    fn read(&mut self) -> Option<()> {
        let mut bytes = vec![0; 65_536];
        let count = self.stream.read(&mut bytes).ok().filter(|count| *count > 0)?;
        self.seen.extend_from_slice(&bytes[..count]);
        Some(())
    }
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
