//! Who may come in: a request that names the token, and whose target cannot lead anywhere but under the upstream. Knows no API.

use hyper::header::{HOST, UPGRADE};
use hyper::http::request::Parts;

use super::token::Token;

/// What a request is, before anybody asks what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    /// Somebody who does not know the token, or came by another name of this machine. It learns nothing.
    Stranger,
    /// One who may come in and asks in a way that is not understood; why.
    Refused(u16, &'static str),
    /// The path behind the token, empty or with a slash at its start.
    Path(&'a str),
}

/// Percent-encoded bytes that could mean another path to who decodes them: `/`, `\`, `.`, `%` and NUL.
const ESCAPES: [&str; 5] = ["%2f", "%5c", "%2e", "%25", "%00"];

impl<'a> Entry<'a> {
    /// Looks at a request that came to `port`.
    pub(super) fn of(head: &'a Parts, token: &Token, port: u16) -> Self {
        let path = head.uri.path();
        let first = path.strip_prefix('/').unwrap_or_default();
        let (said, rest) = first.split_at(first.find('/').unwrap_or(first.len()));
        if !token.is(said) || !is_for_us(head, port) {
            return Self::Stranger;
        }
        if head.uri.authority().is_some() {
            return Self::Refused(400, "the target of a request is a path here, and names no host");
        }
        if head.headers.contains_key(UPGRADE) {
            return Self::Refused(426, "only plain HTTP requests can be held to a budget");
        }
        if !is_harmless(rest) {
            return Self::Refused(400, "the path has empty, dotted or doubly encoded parts");
        }
        Self::Path(rest)
    }
}

/// A page in a browser can be made to ask here under a name of its own.
fn is_for_us(head: &Parts, port: u16) -> bool {
    let mut hosts = head.headers.get_all(HOST).iter();
    let ours =
        |host: &str| [format!("127.0.0.1:{port}"), format!("localhost:{port}")].contains(&host.to_owned());
    hosts.next().and_then(|host| host.to_str().ok()).is_some_and(ours) && hosts.next().is_none()
}

fn is_harmless(path: &str) -> bool {
    let encoded = path.to_ascii_lowercase();
    let mut segments = path.split('/').skip(1).peekable();
    let mut all = true;
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        all &= ![".", ".."].contains(&segment) && (last || !segment.is_empty());
    }
    all && !path.contains('\\') && !ESCAPES.iter().any(|escape| encoded.contains(escape))
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::{Entry, Token};

    fn entry(target: &str, host: &str, token: &Token) -> String {
        let target = target.replace("TOKEN", token.reveal());
        let request = Request::builder().uri(target.as_str()).header("host", host);
        let (head, ()) = request.body(()).expect("it is a request").into_parts();
        match Entry::of(&head, token, 4711) {
            Entry::Stranger => "stranger".to_owned(),
            Entry::Refused(status, _) => status.to_string(),
            Entry::Path(path) => format!("path {path}"),
        }
    }

    #[test]
    fn only_a_plain_path_behind_the_token_comes_in() {
        let token = Token::random().expect("the system has random numbers");
        let here = "127.0.0.1:4711";
        for (target, host, expected) in [
            ("/TOKEN/v1/messages?beta=true", here, "path /v1/messages"),
            ("/TOKEN/v1/messages", "localhost:4711", "path /v1/messages"),
            ("/TOKEN", here, "path "),
            ("/TOKEN/", here, "path /"),
            ("/TOKEN/models/a%3Ab", here, "path /models/a%3Ab"),
            ("/TOKEN0/v1/messages", here, "stranger"),
            ("/", here, "stranger"),
            ("//TOKEN/v1/messages", here, "stranger"),
            ("/v1/messages", here, "stranger"),
            ("/TOKEN/v1/messages", "localhost:4712", "stranger"),
            ("/TOKEN/v1/messages", "evil.example", "stranger"),
            ("http://evil.example/TOKEN/v1/messages", "evil.example", "stranger"),
            ("http://evil.example/TOKEN/v1/messages", here, "400"),
            ("http://evil.example/", here, "stranger"),
            ("*", here, "stranger"),
            ("/TOKEN/../admin", here, "400"),
            ("/TOKEN/v1/./messages", here, "400"),
            ("/TOKEN//evil.example/x", here, "400"),
            ("/TOKEN/v1/..%2fadmin", here, "400"),
            ("/TOKEN/v1/%2E%2E/admin", here, "400"),
            ("/TOKEN/v1%5Cadmin", here, "400"),
            ("/TOKEN/v1/%252e%252e/admin", here, "400"),
        ] {
            assert_eq!(entry(target, host, &token), expected, "{target} for {host}");
        }
    }
}
