//! OpenAI Chat Completions: `POST /v1/chat/completions`.

use serde_json::{Value, json};

use super::protocol::{Protocol, Said, halves};
use super::request::{Party, Request, content, list, text};
use super::tools::Tool;
use super::usage::Usage;

/// The protocol.
pub(super) static PROTOCOL: Protocol = Protocol {
    read,
    stream,
    whole,
    refusal,
    counted: |tokens| json!({ "input_tokens": tokens }),
    usual: Usage { input: 1000, cache_read: 200, cache_write: 0, output: 55, reasoning: 10 },
};

fn read(_path: &str, body: &Value) -> Request {
    let mut request = Request {
        model: text(body, "/model").to_owned(),
        streamed: body["stream"] == true,
        output_max: body["max_completion_tokens"].as_u64().or(body["max_tokens"].as_u64()),
        ..Request::default()
    };
    for message in list(body, "/messages") {
        let party = match text(message, "/role") {
            "system" | "developer" => Party::System,
            "assistant" => Party::Model,
            "tool" | "function" => Party::Tool,
            _ => Party::User,
        };
        request.say(party, content(&message["content"]));
    }
    request.tools = list(body, "/tools").iter().map(|tool| self::tool(&tool["function"])).collect();
    request
}

fn tool(function: &Value) -> Tool {
    Tool { name: text(function, "/name").to_owned(), schema: function["parameters"].clone() }
}

fn calls(said: &Said<'_>) -> Option<Value> {
    let uses = said.uses?;
    let function = json!({ "name": uses.tool, "arguments": uses.input.to_string() });
    Some(
        json!([{ "index": 0, "id": format!("call_{:08}", said.number), "type": "function", "function": function }]),
    )
}

fn finish(said: &Said<'_>) -> &'static str {
    if said.uses.is_some() { "tool_calls" } else { "stop" }
}

fn usage(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.sent(), "completion_tokens": usage.output, "total_tokens": usage.sent() + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cache_read },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

fn document(said: &Said<'_>, object: &str, choices: &Value) -> Value {
    json!({
        "id": format!("chatcmpl-{:08}", said.number), "object": object, "created": 1_795_000_000,
        "model": said.model, "choices": choices,
    })
}

fn whole(said: &Said<'_>) -> Value {
    let mut message = json!({ "role": "assistant", "content": said.text });
    if let Some(calls) = calls(said) {
        message["tool_calls"] = calls;
    }
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish(said) });
    let mut document = document(said, "chat.completion", &json!([choice]));
    document["usage"] = usage(said.usage);
    document
}

fn stream(said: &Said<'_>) -> Vec<String> {
    let mut deltas = vec![json!({ "role": "assistant", "content": "" })];
    deltas.extend(
        halves(said.text).into_iter().filter(|half| !half.is_empty()).map(|half| json!({ "content": half })),
    );
    deltas.extend(calls(said).iter().flat_map(call_deltas));
    let chunk = |delta: &Value, finish: Value| {
        document(
            said,
            "chat.completion.chunk",
            &json!([{ "index": 0, "delta": delta, "finish_reason": finish }]),
        )
    };
    let mut chunks: Vec<Value> = deltas.iter().map(|delta| chunk(delta, Value::Null)).collect();
    chunks.push(chunk(&json!({}), json!(finish(said))));
    let mut last = document(said, "chat.completion.chunk", &json!([]));
    last["usage"] = usage(said.usage);
    chunks.push(last);
    let end = "data: [DONE]\n\n".to_owned();
    chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).chain([end]).collect()
}

/// The name of the tool, then its arguments in two parts.
fn call_deltas(calls: &Value) -> Vec<Value> {
    let mut named = calls.clone();
    named[0]["function"]["arguments"] = json!("");
    let rest = halves(text(calls, "/0/function/arguments"));
    let rest = rest.map(|half| json!([{ "index": 0, "function": { "arguments": half } }]));
    std::iter::once(named).chain(rest).map(|calls| json!({ "tool_calls": calls })).collect()
}

/// Also what the Responses say when they refuse.
pub(super) fn refusal(status: u16, said: &str) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", json!("invalid_api_key")),
        402 => ("insufficient_quota", json!("insufficient_quota")),
        429 => ("requests", json!("rate_limit_exceeded")),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    };
    // LiteLLM goes by these words, not by the status.
    let said = if status == 401 { format!("Incorrect API key provided: {said}") } else { said.to_owned() };
    json!({ "error": { "message": said, "type": kind, "param": null, "code": code } })
}
