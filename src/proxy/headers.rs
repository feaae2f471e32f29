//! Which headers go on. Those of the connection do not, nor those that would hide what a call costs.

use hyper::HeaderMap;
use hyper::header::{
    ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST,
};

/// What is between two neighbours and nobody else (RFC 9110, 7.6.1), with the old names that are still in use.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What would turn a request into another one behind our back.
const OVERRIDES: [&str; 3] = ["x-http-method", "x-http-method-override", "x-method-override"];

/// The headers of a request that go on. The host and the length are set anew, and an answer that comes compressed could
/// not be read.
pub(super) fn of_request(headers: &HeaderMap) -> HeaderMap {
    let mut kept = end_to_end(headers);
    for name in [HOST, CONTENT_LENGTH, ACCEPT_ENCODING, EXPECT] {
        kept.remove(name);
    }
    for name in OVERRIDES {
        kept.remove(name);
    }
    kept
}

/// The headers without those of the connection.
pub(super) fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    for name in named.flat_map(|names| names.split(',')).map(str::trim) {
        kept.remove(name);
    }
    for name in HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

/// The media type, in lower case; nothing if there is none.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a body is compressed, so that nothing can be read in it.
pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};

    use super::{HeaderMap, end_to_end, is_encoded, media_type, of_request};

    fn headers(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn headers_of_the_connection_stay_behind_and_credentials_go_on() {
        let sent = headers(&[
            ("host", "127.0.0.1:4711"),
            ("connection", "keep-alive, X-Secret-Hop"),
            ("keep-alive", "timeout=5"),
            ("x-secret-hop", "1"),
            ("proxy-authorization", "Basic eDp5"),
            ("transfer-encoding", "chunked"),
            ("accept-encoding", "gzip, br, zstd"),
            ("x-http-method-override", "POST"),
            ("te", "trailers"),
            ("x-api-key", "secret"),
            ("anthropic-beta", "a"),
            ("anthropic-beta", "b"),
        ]);
        let kept = of_request(&sent);
        assert_eq!(names(&kept), ["anthropic-beta", "x-api-key"]);
        assert_eq!(kept.get_all("anthropic-beta").iter().count(), 2);
        assert!(end_to_end(&sent).contains_key("accept-encoding"));
    }

    #[test]
    fn a_media_type_has_no_parameters_and_an_encoding_is_seen() {
        let of = |value| media_type(&headers(&[("content-type", value)]));
        assert_eq!(of("Text/Event-Stream; charset=utf-8"), "text/event-stream");
        assert_eq!(media_type(&headers(&[])), "");
        assert!(is_encoded(&headers(&[("content-encoding", "gzip")])));
        assert!(!is_encoded(&headers(&[("content-encoding", "Identity")])) && !is_encoded(&headers(&[])));
    }
}
