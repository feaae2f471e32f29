//! What a call to a model asks for, as far as it decides what the call can cost. What has to be known to meter it is added to the request.

use hyper::body::Bytes;
use serde_json::{Value, json};

use super::api::Api;
use super::config::Limits;
use super::fields::Fields;
use super::unseen;

/// No model has a longer name.
const MODEL_BYTES_MAX: usize = 256;

/// A call to a model.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) api: Api,
    pub(super) model: String,
    /// Whether the answer is to come bit by bit.
    pub(super) streamed: bool,
    /// The most tokens that the answer may have, or what is assumed.
    pub(super) answer: u64,
    /// What is added to the estimate for what the request only refers to.
    pub(super) unseen: u64,
    /// Whether something is to be kept in the provider's cache for an hour, which costs more.
    pub(super) for_an_hour: bool,
    /// What is sent.
    pub(super) body: Bytes,
}

impl Ask {
    /// Reads a request. `of_path`: the model and whether the answer is streamed, where these are in the path.
    pub(super) fn read(
        api: Api,
        of_path: Option<(&str, bool)>,
        body: Bytes,
        limits: &Limits,
    ) -> Result<Self, &'static str> {
        let mut request =
            Fields::parse(&body).ok_or("the request is no JSON object, or has a name in it twice")?;
        let (model, streamed) = match of_path {
            Some((model, streamed)) => (Some(model.to_owned()), streamed),
            None => (request.read("model"), request.read("stream").unwrap_or(false)),
        };
        let fits = |model: &String| !model.is_empty() && model.len() <= MODEL_BYTES_MAX;
        let model = model.filter(fits).ok_or("the request names no model")?;
        let (unseen, for_an_hour) =
            (unseen::is_in(&request), api == Api::Messages && keeps_for_an_hour(&body));
        let said = maximum(api, &request);
        let counted = counts_itself(api, streamed, &mut request);
        let written = said.is_none() && limits.answer_written;
        if written {
            write_maximum(api, limits.answer_assumed, &mut request);
        }
        let body = if counted || written { request.to_bytes() } else { body };
        Ok(Self {
            api,
            model,
            streamed,
            answer: said.unwrap_or(limits.answer_assumed).saturating_mul(answers(api, &request)),
            unseen: if unseen { unseen::TOKENS } else { 0 },
            for_an_hour,
            body,
        })
    }

    /// The same, with an answer of at most so many tokens; none: it asks for no more than that.
    pub(super) fn shortened(&self, answer: u64) -> Option<Self> {
        let mut request = Fields::parse(&self.body)?;
        let answers = answers(self.api, &request);
        let each = answer / answers;
        if answer >= self.answer {
            return None;
        }
        write_maximum(self.api, each, &mut request);
        think_within(each, &mut request);
        let (model, body) = (self.model.clone(), request.to_bytes());
        Some(Self { model, body, answer: each * answers, ..*self })
    }
}

/// A whole number, also as JSON forms of protocol buffers write it.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// The largest number of those that have one of these names.
fn largest(fields: &Fields, names: &[&str]) -> Option<u64> {
    names.iter().filter_map(|name| number(&fields.read(name)?)).max()
}

/// Gemini's settings, under both of its names.
fn settings(request: &Fields) -> [Fields; 2] {
    ["generationConfig", "generation_config"].map(|name| request.object(name))
}

/// The most tokens that the answer may have, as the request says.
fn maximum(api: Api, request: &Fields) -> Option<u64> {
    match api {
        Api::Messages => largest(request, &["max_tokens"]),
        Api::Responses => largest(request, &["max_output_tokens"]),
        Api::Chat => largest(request, &["max_completion_tokens", "max_tokens"]),
        Api::Gemini => {
            let of = |settings: &Fields| largest(settings, &["maxOutputTokens", "max_output_tokens"]);
            settings(request).iter().filter_map(of).max()
        }
    }
}

/// How many answers are asked for at once.
fn answers(api: Api, request: &Fields) -> u64 {
    let asked = match api {
        Api::Messages | Api::Responses => None,
        Api::Chat => largest(request, &["n"]),
        Api::Gemini => {
            let of = |settings: &Fields| largest(settings, &["candidateCount", "candidate_count"]);
            settings(request).iter().filter_map(of).max()
        }
    };
    asked.unwrap_or(1).max(1)
}

/// Only Chat Completions have to be asked to say what a stream used.
fn counts_itself(api: Api, streamed: bool, request: &mut Fields) -> bool {
    let mut options = request.object("stream_options");
    if api != Api::Chat || !streamed || options.read("include_usage") == Some(true) {
        return false;
    }
    options.set("include_usage", &true);
    request.set("stream_options", &options);
    true
}

/// Under all names that the request has for it, or else under the usual one.
fn write_maximum(api: Api, most: u64, request: &mut Fields) {
    match api {
        Api::Messages => put(request, &["max_tokens"], most),
        Api::Responses => put(request, &["max_output_tokens"], most),
        Api::Chat => put(request, &["max_completion_tokens", "max_tokens"], most),
        Api::Gemini => {
            let both = ["generationConfig", "generation_config"];
            let there = both.into_iter().filter(|name| request.get(name).is_some()).collect::<Vec<_>>();
            for name in if there.is_empty() { vec![both[0]] } else { there } {
                let mut settings = request.object(name);
                put(&mut settings, &["maxOutputTokens", "max_output_tokens"], most);
                request.set(name, &settings);
            }
        }
    }
}

/// What is thought is part of the answer, and a request whose thoughts alone may be longer is refused. Half is for the rest.
fn think_within(most: u64, request: &mut Fields) {
    let mut thinking = request.object("thinking");
    if largest(&thinking, &["budget_tokens"]).is_some_and(|budget| budget > most / 2) {
        thinking.set("budget_tokens", &json!(most / 2));
        request.set("thinking", &thinking);
    }
}

fn put(fields: &mut Fields, names: &[&str], most: u64) {
    let there = names.iter().filter(|name| fields.get(name).is_some()).collect::<Vec<_>>();
    for name in if there.is_empty() { vec![&names[0]] } else { there } {
        fields.set(name, &json!(most));
    }
}

/// Quotes within a text are written `\"`, so this is never part of what somebody says.
fn keeps_for_an_hour(body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return false };
    text.contains(r#""ttl":"1h""#) || text.contains(r#""ttl": "1h""#)
}

#[cfg(test)]
mod tests {
    use super::{Api, Ask, Bytes, Limits};

    fn read(api: Api, body: &str, written: bool) -> Result<Ask, &'static str> {
        let of_path = (api == Api::Gemini).then_some(("gemini", true));
        let limits = Limits { answer_written: written, ..Limits::default() };
        Ask::read(api, of_path, Bytes::copy_from_slice(body.as_bytes()), &limits)
    }

    #[test]
    fn the_most_that_may_be_answered_is_found_where_each_api_has_it() {
        for (api, body, answer) in [
            (Api::Messages, r#"{"model":"m","max_tokens":7}"#, 7),
            (Api::Messages, r#"{"model":"m"}"#, 32_000),
            (Api::Responses, r#"{"model":"m","max_output_tokens":7,"max_tokens":9}"#, 7),
            (Api::Responses, r#"{"model":"m","max_output_tokens":null}"#, 32_000),
            (Api::Chat, r#"{"model":"m","max_tokens":7}"#, 7),
            (Api::Chat, r#"{"model":"m","max_tokens":7,"max_completion_tokens":9,"n":3}"#, 27),
            (Api::Chat, r#"{"model":"m","max_tokens":-1,"n":2}"#, 64_000),
            (Api::Gemini, r#"{"generationConfig":{"maxOutputTokens":7}}"#, 7),
            (Api::Gemini, r#"{"generation_config":{"max_output_tokens":"7","candidateCount":2}}"#, 14),
            (
                Api::Gemini,
                r#"{"generationConfig":{"maxOutputTokens":7},"generation_config":{"maxOutputTokens":9}}"#,
                9,
            ),
            (Api::Gemini, r#"{"generationConfig":7}"#, 32_000),
            (Api::Chat, r#"{"model":"m","max_tokens":18446744073709551615,"n":2}"#, u64::MAX),
        ] {
            let ask = read(api, body, false).expect(body);
            assert_eq!((ask.answer, &ask.body[..]), (answer, body.as_bytes()), "{body}");
        }
    }

    #[test]
    fn a_stream_is_made_to_count_itself_and_a_maximum_is_written_if_wanted() {
        let sent = |api, body: &str, written| {
            let ask = read(api, body, written).expect(body);
            String::from_utf8(ask.body.to_vec()).expect("it is text")
        };
        let streamed = r#"{"model":"m","stream":true,"stream_options":{"a":1}}"#;
        let counted = r#"{"model":"m","stream":true,"stream_options":{"a":1,"include_usage":true}}"#;
        assert_eq!(sent(Api::Chat, streamed, false), counted);
        assert_eq!(sent(Api::Chat, counted, false), counted);
        assert_eq!(sent(Api::Responses, streamed, false), streamed);
        for (api, body, after) in [
            (Api::Responses, r#"{"model":"m"}"#, r#"{"model":"m","max_output_tokens":32000}"#),
            (Api::Chat, r#"{"model":"m"}"#, r#"{"model":"m","max_completion_tokens":32000}"#),
            (Api::Gemini, r"{}", r#"{"generationConfig":{"maxOutputTokens":32000}}"#),
            (
                Api::Gemini,
                r#"{"generation_config":{"a":1}}"#,
                r#"{"generation_config":{"a":1,"maxOutputTokens":32000}}"#,
            ),
            (Api::Messages, r#"{"model":"m","max_tokens":9}"#, r#"{"model":"m","max_tokens":9}"#),
        ] {
            assert_eq!(sent(api, body, true), after);
        }
    }

    #[test]
    fn a_shorter_answer_is_written_wherever_there_is_a_maximum() {
        for (api, body, answer, expected) in [
            (
                Api::Messages,
                r#"{"model":"m","max_tokens":9}"#,
                8,
                Some((r#"{"model":"m","max_tokens":8}"#, 8)),
            ),
            (Api::Messages, r#"{"model":"m","max_tokens":9}"#, 9, None),
            (
                Api::Messages,
                r#"{"model":"m","max_tokens":9,"thinking":{"type":"enabled","budget_tokens":8}}"#,
                8,
                Some((r#"{"model":"m","max_tokens":8,"thinking":{"type":"enabled","budget_tokens":4}}"#, 8)),
            ),
            (Api::Responses, r#"{"model":"m"}"#, 7, Some((r#"{"model":"m","max_output_tokens":7}"#, 7))),
            (
                Api::Chat,
                r#"{"model":"m","max_tokens":9,"n":2}"#,
                15,
                Some((r#"{"model":"m","max_tokens":7,"n":2}"#, 14)),
            ),
            (Api::Gemini, "{}", 7, Some((r#"{"generationConfig":{"maxOutputTokens":7}}"#, 7))),
            (
                Api::Gemini,
                r#"{"generation_config":{"max_output_tokens":"9"}}"#,
                7,
                Some((r#"{"generation_config":{"max_output_tokens":7}}"#, 7)),
            ),
        ] {
            let shortened = read(api, body, false).expect(body).shortened(answer);
            let sent = shortened.map(|ask| (String::from_utf8_lossy(&ask.body).into_owned(), ask.answer));
            assert_eq!(sent, expected.map(|(body, answer)| (body.to_owned(), answer)), "{body}");
        }
    }

    #[test]
    fn the_model_and_the_stream_are_where_each_api_has_them() {
        let ask = read(Api::Gemini, "{}", false).expect("it is an object");
        assert_eq!((ask.model.as_str(), ask.streamed), ("gemini", true));
        let body = r#"{"model":"m","stream":true,"system":[{"cache_control":{"ttl": "1h"}}]}"#;
        let ask = read(Api::Messages, body, false).expect("it is an object");
        assert_eq!((ask.model.as_str(), ask.streamed, ask.for_an_hour), ("m", true, true));
        for bad in ["", "{}", r#"{"model":1}"#, r#"{"model":""}"#, r#"{"model":"a","model":"b"}"#] {
            assert!(read(Api::Chat, bad, false).is_err(), "{bad}");
        }
        assert!(read(Api::Chat, &format!(r#"{{"model":"{}"}}"#, "m".repeat(300)), false).is_err());
    }
}
