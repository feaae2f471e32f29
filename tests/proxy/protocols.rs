//! Every protocol, streamed and not: programs hear what they would hear without a proxy, and each token is counted once.

use std::time::Duration;

use serde_json::json;
use swarm::proxy::{Api, Limits, Unpriced};

use crate::client::{get, post};
use crate::model::{Kind, ModelServer};
use crate::programs::{ANTHROPIC, CHAT, GEMINI, PROGRAMS, RESPONSES};
use crate::stage::{FOREVER, PLENTY, Stage};

const PROMPT: &str = "Please write it.\nFILE=src/a.txt\nTEXT=to be, or not";

#[test]
fn every_protocol_is_counted_exactly_streamed_and_not() {
    for program in &PROGRAMS {
        for streamed in [false, true] {
            let stage = Stage::new("edit", PLENTY);
            for used in [0, 1, 0] {
                let through = program.call(&stage.proxy.url(), PROMPT, "write_file", used, streamed);
                let heard = program.hears(&through);
                let direct = ModelServer::start();
                let plain = program.call(&direct.url("edit"), PROMPT, "write_file", used, streamed);
                assert_eq!(heard, program.hears(&plain), "{} {streamed}", program.name);
            }
            let totals = stage.settled();
            assert_eq!(totals.tokens, stage.sold_tokens(), "{} {streamed}", program.name);
            assert_eq!(totals.spent_micros, stage.sold_micros(), "{} {streamed}", program.name);
            assert_eq!((totals.calls, totals.refused, totals.unknown), (3, 0, 0));
        }
    }
}

#[test]
fn a_request_goes_on_byte_for_byte_but_for_what_makes_a_stream_count_itself() {
    let stage = Stage::new("edit", PLENTY);
    let body = r#"{ "model":"m", "max_tokens": 5.0e1, "tools":[ {"name":"x"} ], "messages":[] }"#;
    let mut client = crate::client::Client::to(&stage.proxy.url());
    let mut send = |path: &str, body: &str| {
        client.send(&hyper::Method::POST, &format!("{}{path}", stage.proxy.url()), body);
        stage.model.calls().pop().unwrap().body
    };
    assert_eq!(send("/v1/messages", body), body);
    let streamed = r#"{"model":"m","stream":true,"tools":[ {"b":1,"a":2} ]}"#;
    let counted =
        r#"{"model":"m","stream":true,"tools":[ {"b":1,"a":2} ],"stream_options":{"include_usage":true}}"#;
    assert_eq!(send("/v1/chat/completions", streamed), counted);
    assert_eq!(send("/v1/responses", streamed), streamed);
}

#[test]
fn a_maximum_is_written_into_a_request_that_has_none_if_that_is_wanted() {
    let limits = Limits { answer_assumed: 777, answer_written: true, ..Limits::default() };
    let stage = Stage::with("edit", PLENTY, |config| config.limits = limits);
    for program in [&RESPONSES, &CHAT, &GEMINI] {
        program.call(&stage.proxy.url(), PROMPT, "write_file", 0, true);
        assert!(stage.model.calls().pop().unwrap().body.contains("okens\":777"), "{}", program.name);
    }
}

#[test]
fn what_costs_nothing_passes_without_money() {
    let stage = Stage::new("edit", 0);
    let url = stage.proxy.url();
    assert_eq!(get(&format!("{url}/v1/models")).json()["data"][0]["id"], "fake-model");
    let count = post(&format!("{url}/v1/messages/count_tokens"), &json!({ "model": "m" })).json();
    assert_eq!(count, json!({ "input_tokens": ANTHROPIC.usual[0] }));
    let count = post(&format!("{url}/v1beta/models/m:countTokens"), &json!({})).json();
    assert_eq!(count, json!({ "totalTokens": GEMINI.usual[0] }));
    let totals = stage.settled();
    assert_eq!((totals.calls, totals.unknown, totals.spent_micros), (0, 0, 0));
}

#[test]
fn what_is_only_read_is_passed_and_noted_and_what_nobody_can_price_is_not_passed() {
    let stage = Stage::new("edit", PLENTY);
    let url = stage.proxy.url();
    assert_eq!(get(&format!("{url}/v1/organizations/usage?key=secret")).status, 404, "the server's answer");
    assert_eq!(stage.model.calls().pop().unwrap().kind, Kind::Unknown);
    for path in ["/v1/messages/batches", "/v1/embeddings", "/v1/images/generations", "/v1/threads"] {
        let answer = post(&format!("{url}{path}"), &json!({ "model": "m" }));
        assert_eq!((answer.status, answer.header("x-should-retry")), (404, "false"), "{path}");
        assert!(answer.body.contains("cannot put a price"), "{}", answer.body);
    }
    assert_eq!((stage.model.calls().len(), stage.settled().unknown), (1, 1));
    assert!(!stage.file().contains("secret"));
}

#[test]
fn an_api_that_is_not_wanted_is_closed() {
    let stage = Stage::with("edit", PLENTY, |config| config.apis = vec![Api::Messages]);
    for program in &PROGRAMS {
        let status = program.call(&stage.proxy.url(), PROMPT, "write_file", 0, false).status;
        assert_eq!(status, if program.name == "anthropic" { 200 } else { 404 }, "{}", program.name);
    }
}

#[test]
fn a_model_without_a_price_is_refused_in_the_words_of_its_api_or_passes_uncounted() {
    let ask = json!({ "model": "unheard-of", "max_tokens": 50, "messages": [], "tools": [{ "name": "x" }] });
    let refusing = Stage::new("edit", PLENTY);
    let answer = post(&format!("{}/v1/messages", refusing.proxy.url()), &ask);
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (402, &json!("billing_error")));
    assert!(answer.body.contains("no price for the model \\\"unheard-of\\\""), "{}", answer.body);
    assert_eq!((refusing.model.calls().len(), refusing.settled().refused), (0, 1));
    let passing = Stage::with("edit", 0, |config| config.unpriced = Unpriced::Pass);
    assert_eq!(post(&format!("{}/v1/messages", passing.proxy.url()), &ask).status, 200);
    let totals = passing.settled();
    assert_eq!((totals.spent_micros, totals.tokens), (0, passing.sold_tokens()));
}

#[test]
fn a_refusal_for_money_is_final_and_in_the_words_of_its_api() {
    let stage = Stage::new("edit", 1);
    let said = PROGRAMS.map(|program| {
        let answer = program.call(&stage.proxy.url(), PROMPT, "write_file", 0, true);
        assert_eq!((answer.status, answer.header("x-should-retry")), (402, "false"), "{}", program.name);
        assert!(answer.body.contains("the budget of this swarm attempt is spent"), "{}", answer.body);
        answer.json()
    });
    assert_eq!((&said[0]["type"], &said[0]["error"]["type"]), (&json!("error"), &json!("billing_error")));
    assert_eq!(
        (&said[1]["error"]["code"], &said[2]["error"]["type"]),
        (&json!("insufficient_quota"), &json!("insufficient_quota"))
    );
    assert_eq!(
        (&said[3]["error"]["code"], &said[3]["error"]["status"]),
        (&json!(402), &json!("FAILED_PRECONDITION"))
    );
    let totals = stage.settled();
    assert_eq!((stage.model.calls().len(), totals.calls, totals.refused), (0, 0, 4));
    assert_eq!(stage.proxy.settled(Duration::ZERO), stage.proxy.settled(FOREVER));
}

#[test]
fn requests_that_cannot_be_understood_go_nowhere() {
    let stage = Stage::new("edit", PLENTY);
    let mut client = crate::client::Client::to(&stage.proxy.url());
    let url = format!("{}/v1/messages", stage.proxy.url());
    for body in ["", "[]", "{", r#"{"max_tokens":1}"#, r#"{"model":"m","max_tokens":1,"max_tokens":9}"#] {
        assert_eq!(client.send(&hyper::Method::POST, &url, body).status, 400, "{body}");
    }
    assert_eq!((stage.model.calls().len(), stage.settled().calls), (0, 0));
}
