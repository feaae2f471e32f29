//! When what passes: figures before bytes, and bytes as soon as they are there.

use swarm::proxy::read_calls;

use crate::common::until_true;
use crate::hand::{Hand, Wire};
use crate::stage::{before, request};

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const START: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":40,\"output_tokens\":1}}}\n\n";
const DELTA: &str =
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":10}}\n\n";
const STOP: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

/// 40 tokens sent for a dollar the million, 10 received for four.
const COST: u64 = 80;

/// A client, an upstream that has its request, and the proxy between them.
fn scene() -> (Wire, Wire, swarm::proxy::Proxy, tempfile::TempDir) {
    let hand = Hand::start();
    let (proxy, dir) = before(&hand.url(), |_| {});
    let client = Wire::post(&format!("{}/v1/messages", proxy.url()), &request(100, "Go on.").to_string());
    (client, hand.accept(), proxy, dir)
}

#[test]
fn the_first_piece_of_a_stream_passes_before_there_is_a_second() {
    let (mut client, mut upstream, proxy, dir) = scene();
    let reserved = read_calls(dir.path()).unwrap();
    assert!(
        reserved.reserved_micros > 0 && reserved.calls == 1,
        "it is on disk before it is sent: {reserved:?}"
    );
    upstream.write(HEAD);
    client.read_until("text/event-stream");
    upstream.chunk(START);
    client.read_until("message_start");
    upstream.chunk(DELTA);
    client.read_until("message_delta");
    assert_eq!(proxy.totals(), reserved, "nothing is over");
    upstream.chunk(STOP);
    client.read_until("message_stop\"}");
    let settled = read_calls(dir.path()).unwrap();
    assert_eq!(
        (settled.spent_micros, settled.reserved_micros),
        (COST, 0),
        "it is on disk before the end is told"
    );
    upstream.chunk("");
    client.read_until("\r\n0\r\n\r\n");
}

#[test]
fn the_last_piece_of_a_document_passes_once_it_is_settled() {
    let (mut client, mut upstream, proxy, dir) = scene();
    upstream.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n");
    upstream.chunk(r#"{"type":"message","#);
    upstream.chunk(r#""usage":{"input_tokens":40,"output_tokens":10}}"#);
    client.read_until("{\"type\":\"message\",");
    assert_eq!(proxy.totals().spent_micros, 0);
    upstream.chunk("");
    client.read_until("\"output_tokens\":10}}");
    assert_eq!(read_calls(dir.path()).unwrap().spent_micros, COST);
}

#[test]
fn a_stream_is_read_to_its_end_when_its_client_is_gone() {
    let (mut client, mut upstream, proxy, _dir) = scene();
    upstream.write(HEAD);
    upstream.chunk(START);
    client.read_until("message_start");
    client.close();
    upstream.chunk("event: ping\ndata: {}\n\n");
    upstream.chunk(DELTA);
    upstream.chunk(STOP);
    until_true("a settled call", || proxy.totals().spent_micros > 0);
    assert_eq!(proxy.totals().spent_micros, COST);
}

#[test]
fn an_answer_that_nobody_hears_is_waited_for_as_well() {
    let (client, mut upstream, proxy, _dir) = scene();
    client.close();
    upstream.write(HEAD);
    upstream.chunk(START);
    upstream.chunk(DELTA);
    upstream.chunk(STOP);
    until_true("a settled call", || proxy.totals().spent_micros > 0);
    assert_eq!(proxy.totals().spent_micros, COST);
}
