//! What a client is told instead of an answer, in the words of the API that it speaks.

use hyper::header::{CONTENT_TYPE, HeaderName};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::api::Api;
use super::payload::Payload;

/// Programs that know this header do not try again, and the others do not do so for 402.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// A refusal of our own, final unless the upstream is at fault.
pub(super) fn refusal(api: Api, status: u16, said: &str) -> Response<Payload> {
    let document = match api {
        Api::Messages => json!({ "type": "error", "error": { "type": anthropic(status), "message": said } }),
        Api::Responses | Api::Chat => openai(status, said),
        Api::Gemini => json!({ "error": { "code": status, "message": said, "status": gemini(status) } }),
    };
    let retry = if status >= 500 { "true" } else { "false" };
    let response = Response::builder().status(status).header(SHOULD_RETRY, retry);
    let response = response.header(CONTENT_TYPE, "application/json");
    response.body(Payload::whole(document.to_string())).expect("status and headers are our own")
}

/// What who does not know the token is told: nothing.
pub(super) fn nothing() -> Response<Payload> {
    let mut response = Response::new(Payload::Whole(None));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn anthropic(status: u16) -> &'static str {
    match status {
        402 => "billing_error",
        404 => "not_found_error",
        413 => "request_too_large",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn openai(status: u16, said: &str) -> Value {
    let (kind, code) = match status {
        402 => ("insufficient_quota", json!("insufficient_quota")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    json!({ "error": { "message": said, "type": kind, "param": null, "code": code } })
}

fn gemini(status: u16) -> &'static str {
    match status {
        404 => "NOT_FOUND",
        400 | 413 | 415 => "INVALID_ARGUMENT",
        500.. => "UNAVAILABLE",
        _ => "FAILED_PRECONDITION",
    }
}
