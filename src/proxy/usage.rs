//! What an answer says that it used, and how much text it has, in each API. What is missing or of another type is absent.

use serde_json::Value;

use super::api::Api;
use super::estimate::TOKENS_MAX;
use super::seen::{Known, Seen};
use crate::agents::Tokens;

/// Takes in a document of an answer: all of it, or an event of its stream.
pub(super) fn take(api: Api, said: &Value, seen: &mut Seen) {
    match api {
        Api::Messages => messages(said, seen),
        Api::Responses => responses(said, seen),
        Api::Chat => chat(said, seen),
        Api::Gemini => gemini(said, seen),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(number).unwrap_or_default().min(TOKENS_MAX)
}

/// A whole number, also as gateways of several makes write it: `12.0`, `"12"`.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.to_string().strip_suffix(".0")?.parse().ok())
        }
        Value::String(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Whether a figure is there and can be read. One that cannot is not nought: then the report is not of the whole answer.
fn is_read(value: &Value, pointer: &str) -> bool {
    value.pointer(pointer).and_then(number).is_some()
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An object, if it is there.
fn object<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    value.pointer(pointer).filter(|value| value.is_object())
}

/// The size of what the model has written at some places: texts as they are, documents as they are written.
fn written(value: &Value, pointers: &[&str]) -> u64 {
    let size = |value: &Value| match value {
        Value::String(text) => text.len(),
        Value::Object(_) => value.to_string().len(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => 0,
    };
    pointers.iter().filter_map(|pointer| value.pointer(pointer)).map(|found| size(found) as u64).sum()
}

/// `message_start` has the input, each `message_delta` the whole of the output so far and what has changed besides.
fn messages(said: &Value, seen: &mut Seen) {
    match text(said, "/type") {
        "message_start" => messages_usage(said, "/message/usage", seen),
        "message_delta" => {
            messages_usage(said, "/usage", seen);
            seen.complete();
        }
        "content_block_delta" => {
            seen.text_bytes += written(said, &["/delta/text", "/delta/thinking", "/delta/partial_json"]);
        }
        "message_stop" => seen.over = true,
        "message" => {
            messages_usage(said, "/usage", seen);
            seen.complete();
            let blocks = list(said, "/content").iter();
            seen.text_bytes +=
                blocks.map(|block| written(block, &["/text", "/thinking", "/input"])).sum::<u64>();
        }
        "error" => (seen.failed, seen.over) = (true, true),
        _ => {}
    }
}

/// The figures do not overlap here, so each for itself never falls.
fn messages_usage(said: &Value, pointer: &str, seen: &mut Seen) {
    let Some(usage) = object(said, pointer) else { return };
    let tokens = Tokens {
        input: count(usage, "/input_tokens"),
        cache_read: count(usage, "/cache_read_input_tokens"),
        cache_write: count(usage, "/cache_creation_input_tokens"),
        output: count(usage, "/output_tokens"),
        reasoning: 0,
    };
    let for_an_hour = count(usage, "/cache_creation/ephemeral_1h_input_tokens");
    seen.for_an_hour = seen.for_an_hour.max(for_an_hour);
    seen.report(seen.tokens.max(tokens), is_read(usage, "/output_tokens"));
}

fn responses(said: &Value, seen: &mut Seen) {
    let kind = text(said, "/type");
    match kind {
        "response.completed" | "response.incomplete" | "response.failed" => {
            (seen.over, seen.failed) = (true, kind == "response.failed");
            responses_usage(said, "/response/usage", seen);
        }
        "error" => (seen.failed, seen.over) = (true, true),
        "" => {
            seen.failed = text(said, "/status") == "failed";
            responses_usage(said, "/usage", seen);
            let items = list(said, "/output").iter();
            seen.text_bytes += items.map(item_bytes).sum::<u64>();
        }
        _ if kind.starts_with("response.audio.") => {}
        _ => seen.text_bytes += text(said, "/delta").len() as u64,
    }
}

fn item_bytes(item: &Value) -> u64 {
    let parts = list(item, "/content").iter().map(|part| written(part, &["/text"])).sum::<u64>();
    parts + written(item, &["/arguments", "/input"])
}

fn responses_usage(said: &Value, pointer: &str, seen: &mut Seen) {
    let Some(usage) = object(said, pointer) else { return };
    let (sent, details) = (count(usage, "/input_tokens"), "/input_tokens_details");
    let received = (count(usage, "/output_tokens"), count(usage, "/output_tokens_details/reasoning_tokens"));
    seen.report(openai(usage, sent, details, received), is_read(usage, "/output_tokens"));
    seen.complete();
}

/// The report comes last, in a chunk of its own or beside an empty choice; some servers report in every chunk.
fn chat(said: &Value, seen: &mut Seen) {
    let choices = list(said, "/choices");
    if let Some(usage) = object(said, "/usage") {
        let sent = count(usage, "/prompt_tokens");
        // Some count reasoning in the total alone.
        let beyond = count(usage, "/total_tokens").saturating_sub(sent);
        let received = count(usage, "/completion_tokens").max(beyond);
        let reasoning = count(usage, "/completion_tokens_details/reasoning_tokens");
        let tokens = openai(usage, sent, "/prompt_tokens_details", (received, reasoning));
        seen.report(tokens, is_read(usage, "/completion_tokens"));
        if choices.iter().all(|choice| choice.get("message").is_some()) {
            seen.complete();
        }
    }
    seen.failed |= object(said, "/error").is_some();
    seen.text_bytes += choices.iter().map(choice_bytes).sum::<u64>();
}

fn choice_bytes(choice: &Value) -> u64 {
    ["/delta", "/message"].iter().filter_map(|pointer| choice.pointer(pointer)).map(spoken_bytes).sum()
}

fn spoken_bytes(message: &Value) -> u64 {
    let calls = list(message, "/tool_calls").iter();
    let calls = calls.map(|call| written(call, &["/function/arguments", "/custom/input"])).sum::<u64>();
    calls + written(message, &["/content", "/reasoning_content", "/reasoning", "/function_call/arguments"])
}

/// What the two APIs of OpenAI have in common: what was read from a cache or written to one is a part of what was sent.
fn openai(usage: &Value, sent: u64, details: &str, (output, reasoning): (u64, u64)) -> Tokens {
    let part = |name: &str| count(usage, &format!("{details}/{name}"));
    let (cache_read, cache_write) = (part("cached_tokens"), part("cache_write_tokens"));
    let input = sent.saturating_sub(cache_read).saturating_sub(cache_write);
    Tokens { input, cache_read, cache_write, output, reasoning }
}

/// Each chunk reports; the one that says why it ends has the last word. A whole answer is one chunk, or a list of them.
fn gemini(said: &Value, seen: &mut Seen) {
    if let Value::Array(chunks) = said {
        return chunks.iter().for_each(|chunk| gemini(chunk, seen));
    }
    let candidates = list(said, "/candidates");
    if let Some(usage) = object(said, "/usageMetadata") {
        let sent = count(usage, "/promptTokenCount").saturating_add(count(usage, "/toolUsePromptTokenCount"));
        let (cache_read, reasoning) =
            (count(usage, "/cachedContentTokenCount"), count(usage, "/thoughtsTokenCount"));
        let output = count(usage, "/candidatesTokenCount").saturating_add(reasoning);
        let input = sent.saturating_sub(cache_read);
        // Where nothing was written there is no such figure.
        let read = usage.get("candidatesTokenCount").is_none_or(|count| number(count).is_some());
        seen.report(Tokens { input, cache_read, cache_write: 0, output, reasoning }, read);
    }
    let ended = |candidate: &Value| !text(candidate, "/finishReason").is_empty();
    let blocked = !text(said, "/promptFeedback/blockReason").is_empty();
    if blocked || candidates.iter().any(ended) {
        seen.complete();
    }
    seen.over = seen.known == Known::All;
    seen.failed |= object(said, "/error").is_some();
    let parts = candidates.iter().flat_map(|candidate| list(candidate, "/content/parts"));
    seen.text_bytes += parts.map(|part| written(part, &["/text", "/functionCall/args"])).sum::<u64>();
}
