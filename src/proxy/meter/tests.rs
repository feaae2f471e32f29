//! Answers as the providers document and send them, read as a stream in any pieces, as a document, cut, and damaged.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

use super::super::seen::Known;
use super::{Api, HeaderMap, Meter, Seen};
use crate::agents::Tokens;

const STREAM: &str = "text/event-stream; charset=utf-8";
const JSON: &str = "application/json";

const MESSAGES: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-4-5","content":[],"stop_reason":null,"usage":{"input_tokens":3,"cache_creation_input_tokens":1468,"cache_read_input_tokens":17921,"cache_creation":{"ephemeral_5m_input_tokens":468,"ephemeral_1h_input_tokens":1000},"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Let me see"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pk"}}

event: content_block_delta
data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"Hi ü"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"path\""}}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":3,"cache_creation_input_tokens":1468,"cache_read_input_tokens":17921,"output_tokens":190}}

event: message_stop
data: {"type":"message_stop"}

"#;

const RESPONSES: &str = r#"event: response.created
data: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","status":"in_progress","model":"gpt-5.6","output":[],"usage":null}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Hello","obfuscation":"x9Zk1PqLmN"}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":5,"item_id":"fc_1","output_index":1,"delta":"{\"a\":1}"}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":6,"text":"Hello"}

event: response.completed
data: {"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","object":"response","status":"completed","usage":{"input_tokens":2600,"input_tokens_details":{"cached_tokens":2000,"cache_write_tokens":400},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":64},"total_tokens":2687}}}

"#;

const CHAT: &str = r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"gpt-4.1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]},"finish_reason":null}],"usage":null}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":3}}}

data: [DONE]

"#;

const GEMINI: &str = "data: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"Hel\"}],\"role\": \"model\"},\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 1200,\"totalTokenCount\": 1230,\"thoughtsTokenCount\": 30}}\r\n\r\ndata: {\"candidates\": [{\"content\": {\"parts\": [{\"text\": \"lo\"},{\"functionCall\": {\"name\": \"f\",\"args\": {\"a\":1}}}],\"role\": \"model\"},\"finishReason\": \"STOP\",\"index\": 0}],\"usageMetadata\": {\"promptTokenCount\": 1200,\"candidatesTokenCount\": 20,\"totalTokenCount\": 1253,\"cachedContentTokenCount\": 1000,\"toolUsePromptTokenCount\": 3,\"thoughtsTokenCount\": 30}}\r\n\r\n";

/// Each stream, with what it used and the size of its text.
fn streams() -> [(Api, &'static str, Tokens, u64); 4] {
    let tokens = |input, cache_read, cache_write, output, reasoning| Tokens {
        input,
        cache_read,
        cache_write,
        output,
        reasoning,
    };
    [
        (Api::Messages, MESSAGES, tokens(3, 17_921, 1_468, 190, 0), 22),
        (Api::Responses, RESPONSES, tokens(200, 2_000, 400, 87, 64), 12),
        (Api::Chat, CHAT, tokens(15, 4, 0, 10, 3), 7),
        (Api::Gemini, GEMINI, tokens(203, 1_000, 0, 50, 30), 12),
    ]
}

fn meter(api: Api, media_type: &'static str, streamed: bool) -> Meter {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    Meter::new(api, &headers, streamed)
}

fn read(api: Api, media_type: &'static str, bytes: &[u8]) -> Seen {
    let mut meter = meter(api, media_type, false);
    meter.take(bytes);
    meter.end();
    *meter.seen()
}

#[test]
fn every_stream_tells_what_it_used() {
    for (api, stream, tokens, text_bytes) in streams() {
        let seen = read(api, STREAM, stream.as_bytes());
        assert_eq!((seen.tokens, seen.text_bytes), (tokens, text_bytes), "{api:?}");
        assert!(seen.known == Known::All && seen.over && !seen.failed, "{api:?}");
        assert_eq!(seen.for_an_hour, if api == Api::Messages { 1_000 } else { 0 });
    }
}

#[test]
fn every_document_tells_what_it_used() {
    let usage = |input, cache_read, output, reasoning| Tokens {
        input,
        cache_read,
        cache_write: 0,
        output,
        reasoning,
    };
    for (api, document, tokens, text_bytes) in [
        (
            Api::Messages,
            r#"{"type":"message","content":[{"type":"text","text":"Hi"},{"type":"tool_use","input":{"a":1}}],"usage":{"input_tokens":9,"output_tokens":5}}"#,
            usage(9, 0, 5, 0),
            9,
        ),
        (
            Api::Responses,
            r#"{"object":"response","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]},{"type":"function_call","arguments":"{}"}],"usage":{"input_tokens":9,"output_tokens":5,"output_tokens_details":{"reasoning_tokens":2}}}"#,
            usage(9, 0, 5, 2),
            4,
        ),
        (
            Api::Chat,
            r#"{"object":"chat.completion","choices":[{"message":{"content":"Hi","reasoning_content":"So"}}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":20}}"#,
            usage(9, 0, 11, 0),
            4,
        ),
        (
            Api::Gemini,
            r#"{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":4,"candidatesTokenCount":5}}"#,
            usage(5, 4, 5, 0),
            2,
        ),
        (
            Api::Gemini,
            r#"[{"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"usageMetadata":{"promptTokenCount":9}},{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":5}}]"#,
            usage(9, 0, 5, 0),
            2,
        ),
    ] {
        let seen = read(api, JSON, document.as_bytes());
        assert_eq!(
            (seen.tokens, seen.text_bytes, seen.known),
            (tokens, text_bytes, Known::All),
            "{document}"
        );
    }
}

#[test]
fn what_failed_or_tells_nothing_is_seen_as_such() {
    for (api, media_type, text, known, failed) in [
        (
            Api::Messages,
            STREAM,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}\n\n",
            Known::Nothing,
            true,
        ),
        (
            Api::Responses,
            STREAM,
            "data: {\"type\":\"response.failed\",\"response\":{\"usage\":null}}\n\n",
            Known::Nothing,
            true,
        ),
        (
            Api::Responses,
            STREAM,
            "data: {\"type\":\"error\",\"code\":\"server_error\"}\n\n",
            Known::Nothing,
            true,
        ),
        (
            Api::Responses,
            JSON,
            r#"{"object":"response","status":"queued","usage":null}"#,
            Known::Nothing,
            false,
        ),
        (
            Api::Responses,
            JSON,
            r#"{"object":"response","status":"failed","usage":null}"#,
            Known::Nothing,
            true,
        ),
        (
            Api::Chat,
            STREAM,
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n",
            Known::Nothing,
            false,
        ),
        (Api::Chat, STREAM, "data: {\"error\":{\"message\":\"no\"}}\n\n", Known::Nothing, true),
        (Api::Chat, JSON, "<html>", Known::Nothing, false),
        (Api::Gemini, STREAM, "data: {\"usageMetadata\":{\"promptTokenCount\":5}}\n\n", Known::Part, false),
    ] {
        let seen = read(api, media_type, text.as_bytes());
        assert_eq!((seen.known, seen.failed), (known, failed), "{text}");
    }
}

/// A server may report in every chunk, beside a choice: only the end makes that the last word.
#[test]
fn a_report_beside_a_choice_is_final_once_the_stream_is_done() {
    let chunk = r#"data: {"choices":[{"delta":{}}],"usage":{"prompt_tokens":9,"completion_tokens":5}}"#;
    assert_eq!(read(Api::Chat, STREAM, format!("{chunk}\n\n").as_bytes()).known, Known::Part);
    let done = format!("{chunk}\n\ndata: [DONE]\n\n");
    assert_eq!(read(Api::Chat, STREAM, done.as_bytes()).known, Known::All);
}

#[test]
fn what_is_compressed_is_not_read_and_a_stream_is_known_without_its_type() {
    let mut headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(STREAM))]);
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    let mut meter = Meter::new(Api::Chat, &headers, true);
    meter.take(CHAT.as_bytes());
    meter.end();
    assert_eq!(*meter.seen(), Seen::default());
    let streams = |media_type, streamed| self::meter(Api::Chat, media_type, streamed).is_stream();
    assert!(streams("", true) && streams("text/plain", true) && streams(STREAM, false));
    assert!(!streams(JSON, true) && !streams("", false));
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_pieces_an_answer_comes(which in 0_usize..4, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let (api, stream, ..) = streams()[which];
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let mut meter = meter(api, STREAM, true);
        cuts.windows(2).for_each(|ends| meter.take(&stream.as_bytes()[ends[0]..ends[1]]));
        meter.end();
        prop_assert_eq!(*meter.seen(), read(api, STREAM, stream.as_bytes()));
    }

    /// Whatever is cut off, less is never seen as the whole.
    #[test]
    fn a_stream_that_is_cut_is_final_only_if_all_is_known(which in 0_usize..4, at in any::<prop::sample::Index>()) {
        let (api, stream, tokens, _) = streams()[which];
        let seen = read(api, STREAM, &stream.as_bytes()[..at.index(stream.len())]);
        prop_assert!(seen.known != Known::All || seen.tokens == tokens);
    }

    #[test]
    fn no_bytes_make_it_stumble(which in 0_usize..4, stream: bool, at in any::<prop::sample::Index>(), junk in prop::collection::vec(any::<u8>(), 0..40)) {
        let (api, text, ..) = streams()[which];
        let mut bytes = text.as_bytes().to_vec();
        let at = at.index(bytes.len());
        let end = (at + junk.len()).min(bytes.len());
        bytes.splice(at..end, junk.iter().copied());
        read(api, if stream { STREAM } else { JSON }, &bytes);
        read(api, if stream { STREAM } else { JSON }, &junk);
    }

    /// Any document in any place of another type.
    #[test]
    fn no_document_makes_it_stumble(which in 0_usize..4, value in "(-?[0-9]{1,25}|null|\\[\\]|\\{\\}|\"x\"|[0-9]e[0-9]{1,3})") {
        let (api, stream, ..) = streams()[which];
        for figure in ["190", "17921", "2600", "87", "19", "\"Hello\"", "1200", "30", "[]"] {
            read(api, STREAM, stream.replace(figure, &value).as_bytes());
        }
    }
}
