//! However an answer ends, what is charged is at least what was sold, and an answer that was refused costs nothing.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;
use swarm::proxy::Totals;

use crate::client::{Client, post};
use crate::common::until_true;
use crate::hand::{Hand, Wire};
use crate::model::{End, Reply, Usage};
use crate::programs::PROGRAMS;
use crate::stage::{PLENTY, Stage, before, call, request};

#[test]
fn a_refusal_of_the_provider_is_passed_on_and_costs_nothing() {
    for status in [400, 401, 402, 429, 500, 529] {
        let stage = Stage::new(&format!("err{status}"), PLENTY);
        for program in &PROGRAMS {
            let answer = program.call(&stage.proxy.url(), "", "bash", 0, true);
            assert_eq!(answer.status, status, "{}", program.name);
            assert!(answer.body.contains("refused by the script"), "{}", answer.body);
            assert_eq!(answer.header("retry-after"), if status == 429 { "1" } else { "" });
        }
        let totals = stage.settled();
        assert_eq!((totals.calls, totals.most_micros(), stage.sold_picos()), (4, 0, 0));
    }
}

#[test]
fn an_answer_that_is_cut_is_cut_for_the_client_and_charged_in_full_at_least() {
    for program in &PROGRAMS {
        for streamed in [false, true] {
            let stage = Stage::new("cut", PLENTY);
            // So long that what it is said to have had is no more than such a request can have.
            let prompt = format!("FILE=a.txt\n{}", "word ".repeat(4_000));
            let answer = program.call(&stage.proxy.url(), &prompt, "write_file", 0, streamed);
            assert_eq!((answer.status, answer.whole), (200, false), "{} {streamed}", program.name);
            let (charged, sold) = (stage.settled().spent_micros, stage.sold_micros());
            assert!(charged >= sold && sold > 0, "{} {streamed}: {charged} for {sold}", program.name);
        }
    }
}

/// The client is gone, the provider still has it: nobody will ever know.
#[test]
fn a_call_that_hangs_and_is_given_up_costs_what_was_reserved() {
    let stage = Stage::with("hang", PLENTY, |config| config.patience.linger = Duration::ZERO);
    let url = format!("{}/v1/messages", stage.proxy.url());
    let body = request(100, "Go on.").to_string();
    Client::to(&url).abandon(&url, &body, || stage.model.open() == 1);
    let reserved = stage.proxy.totals().most_micros();
    let totals = stage.settled();
    assert_eq!((totals.spent_micros, totals.calls), (reserved, 1));
    until_true("a server that is left alone", || stage.model.calls()[0].end == End::Gone);
}

#[test]
fn a_client_that_waits_for_a_call_that_hangs_keeps_its_reservation() {
    let stage = Stage::with("hang", PLENTY, |config| config.patience.linger = Duration::ZERO);
    let _client = Wire::post(&format!("{}/v1/messages", stage.proxy.url()), &request(100, "").to_string());
    until_true("a call", || stage.model.open() == 1);
    let totals = stage.proxy.settled(Duration::from_millis(1));
    assert!(totals.reserved_micros > 0 && totals.spent_micros == 0, "{totals:?}");
}

#[test]
fn a_server_that_reports_too_little_is_charged_by_what_was_seen() {
    let stage = Stage::new("lies", PLENTY);
    let (text, used) = ("word ".repeat(3_200), Usage { input: 10, output: 1, ..Usage::default() });
    stage.model.script("lies", move |_| Reply::says(&text).using(used));
    for program in &PROGRAMS {
        for streamed in [false, true] {
            let before = stage.proxy.totals().tokens.get("m").map_or(0, |tokens| tokens.output);
            program.call(&stage.proxy.url(), "", "bash", 0, streamed);
            let after = stage.settled().tokens["m"].output;
            assert_eq!(after - before, 1_000, "{} {streamed}: 16,000 bytes", program.name);
        }
    }
}

/// What a call costs whose upstream does something else than a model's API.
fn charged(answer: &str) -> (Totals, String) {
    let hand = Hand::start();
    let (proxy, _dir) = before(&hand.url(), |_| {});
    let client = Wire::post(&format!("{}/v1/messages", proxy.url()), &request(100, "Go on.").to_string());
    let mut upstream = hand.accept();
    let reserved = proxy.totals();
    upstream.write(answer);
    upstream.close();
    until_true("a settled call", || proxy.totals().reserved_micros == 0);
    drop(client);
    let totals = proxy.totals();
    let worth = if totals.spent_micros == reserved.reserved_micros { "all" } else { "less" };
    (totals, worth.to_owned())
}

#[test]
fn what_tells_nothing_costs_what_was_reserved() {
    for answer in [
        "",
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n: hello\n\n",
    ] {
        let (totals, worth) = charged(answer);
        assert_eq!((worth.as_str(), totals.calls), ("all", 1), "{answer}");
    }
    let (totals, _) = charged(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://evil.example/\r\ncontent-length: 0\r\n\r\n",
    );
    assert_eq!(totals.most_micros(), 0);
}

#[test]
fn an_upstream_that_is_not_there_costs_nothing() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let (proxy, _dir) = before(&format!("http://127.0.0.1:{port}"), |_| {});
    let answer = call(&proxy.url(), 100, "Go on.");
    assert_eq!((answer.status, answer.header("x-should-retry")), (502, "true"));
    assert_eq!((proxy.totals().calls, proxy.totals().most_micros()), (1, 0));
    assert_eq!(post(&format!("{}/v1/messages/count_tokens", proxy.url()), &json!({})).status, 502);
}
