//! Who comes in, where a request can lead, and what is handed on with it.

use swarm::proxy::Proxy;

use crate::client::{SECRET, post};
use crate::hand::{Hand, Wire, header, host};
use crate::stage::{PLENTY, Stage, before, request};

/// What a request as it is written gets, on a connection of its own.
fn ask(proxy: &Proxy, line: &str, headers: &str) -> String {
    let url = proxy.url();
    let (host, token) = (host(&url), url.rsplit('/').next().unwrap());
    let [line, headers] = [line, headers].map(|text| text.replace("TOKEN", token).replace("HOST", host));
    let mut wire = Wire::to(&url);
    wire.write(&format!("{line} HTTP/1.1\r\n{headers}connection: close\r\n\r\n"));
    wire.read_to_end()
}

/// The same but for the time of day.
fn without_date(answer: &str) -> Vec<&str> {
    answer.lines().filter(|line| !line.starts_with("date:")).collect()
}

#[test]
fn whoever_does_not_know_the_token_learns_nothing() {
    let stage = Stage::new("edit", PLENTY);
    let expected = ask(&stage.proxy, "GET /", "host: HOST\r\n");
    assert!(
        expected.starts_with("HTTP/1.1 404 Not Found\r\n") && expected.ends_with("\r\n\r\n"),
        "{expected}"
    );
    for (line, headers) in [
        ("GET /v1/models", "host: HOST\r\n"),
        ("POST /v1/messages", "host: HOST\r\n"),
        ("GET /0123456789abcdef0123456789abcdef/v1/models", "host: HOST\r\n"),
        ("GET /TOKEN0/v1/models", "host: HOST\r\n"),
        ("GET //TOKEN/v1/models", "host: HOST\r\n"),
        ("GET /%54OKEN/v1/models", "host: HOST\r\n"),
        ("GET /TOKEN/v1/models", "host: evil.example\r\n"),
        ("GET /TOKEN/v1/models", "host: evil.example\r\nhost: HOST\r\n"),
        ("GET /TOKEN/v1/models", ""),
        ("GET http://evil.example/TOKEN/v1/models", "host: evil.example\r\n"),
        ("OPTIONS *", "host: HOST\r\n"),
        ("CONNECT evil.example:443", "host: HOST\r\n"),
    ] {
        let answer = ask(&stage.proxy, line, headers);
        assert_eq!(without_date(&answer), without_date(&expected), "{line}");
    }
    assert!(stage.model.calls().is_empty());
}

#[test]
fn nobody_leads_it_elsewhere() {
    let stage = Stage::new("edit", PLENTY);
    for (line, headers, status) in [
        ("GET http://evil.example/TOKEN/v1/models", "host: HOST\r\n", "400"),
        ("GET /TOKEN/../hang/v1/models", "host: HOST\r\n", "400"),
        ("GET /TOKEN/v1/..%2f..%2fhang/v1/models", "host: HOST\r\n", "400"),
        ("GET /TOKEN//evil.example/v1/models", "host: HOST\r\n", "400"),
        ("GET /TOKEN/v1%5c..%5cmodels", "host: HOST\r\n", "400"),
        ("GET /TOKEN/v1/responses", "host: HOST\r\nupgrade: websocket\r\n", "426"),
        ("DELETE /TOKEN/v1/models", "host: HOST\r\n", "404"),
        ("CONNECT /TOKEN/v1/models", "host: HOST\r\n", "404"),
    ] {
        let answer = ask(&stage.proxy, line, headers);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
    }
    assert!(stage.model.calls().is_empty());
    let here = ask(&stage.proxy, "GET /TOKEN/v1/models", "host: HOST\r\n");
    assert!(here.starts_with("HTTP/1.1 200 ") && stage.model.calls()[0].path == "/edit/v1/models", "{here}");
}

#[test]
fn what_belongs_to_a_connection_stays_on_it_and_the_rest_goes_on() {
    let hand = Hand::start();
    let (proxy, dir) = before(&format!("{}/base", hand.url()), |_| {});
    let url = proxy.url();
    let body = request(9, "Go on.").to_string();
    let mut client = Wire::to(&url);
    let (token, host, length) = (url.rsplit('/').next().unwrap(), host(&url), body.len());
    client.write(&format!(
        "POST /{token}/v1/messages?beta=true HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {SECRET}\r\nAnthropic-Beta: a\r\nAnthropic-Beta: b\r\n\
         Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nAccept-Encoding: gzip, zstd\r\nX-HTTP-Method-Override: GET\r\n\
         User-Agent: agent/1\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    let mut upstream = hand.accept();
    let got = upstream.read_until("\r\n\r\n");
    assert!(got.starts_with("POST /base/v1/messages?beta=true HTTP/1.1\r\n"), "{got}");
    for (name, value) in [
        ("host", Some(crate::hand::host(&hand.url()))),
        ("x-api-key", Some(SECRET)),
        ("anthropic-beta", Some("a")),
        ("user-agent", Some("agent/1")),
        ("content-length", Some(length.to_string().as_str())),
        ("x-hop", None),
        ("te", None),
        ("connection", None),
        ("accept-encoding", None),
        ("x-http-method-override", None),
        ("x-forwarded-for", None),
        ("via", None),
    ] {
        assert_eq!(header(&got, name), value, "{name} in {got}");
    }
    assert!(got.contains("anthropic-beta: b\r\n") && got.ends_with(&body), "{got}");
    let answer = r#"{"type":"message","usage":{"input_tokens":1,"output_tokens":1}}"#;
    upstream.write(&format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: r1\r\nconnection: x-hop\r\nx-hop: 1\r\n\
         keep-alive: timeout=5\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    ));
    let got = client.read_until(answer);
    assert_eq!(
        (header(&got, "request-id"), header(&got, "x-hop"), header(&got, "keep-alive")),
        (Some("r1"), None, None)
    );
    let calls = std::fs::read_to_string(dir.path().join("calls")).unwrap();
    assert!(!calls.contains(SECRET) && !calls.contains(token) && !calls.contains("Go on"), "{calls}");
}

#[test]
fn a_request_that_is_compressed_is_refused() {
    let stage = Stage::new("edit", PLENTY);
    let headers = "host: HOST\r\ncontent-encoding: zstd\r\ncontent-length: 0\r\n";
    let answer = ask(&stage.proxy, "POST /TOKEN/v1/responses", headers);
    assert!(answer.starts_with("HTTP/1.1 415 "), "{answer}");
    assert!(stage.model.calls().is_empty());
}

#[test]
fn a_proxy_that_is_dropped_is_gone() {
    let stage = Stage::new("edit", PLENTY);
    let url = stage.proxy.url();
    assert_eq!(post(&format!("{url}/v1/messages"), &request(9, "Go on.")).status, 200);
    drop(stage);
    assert!(std::net::TcpStream::connect(host(&url)).is_err());
}
