//! The APIs of models that are understood, and which of them a path means. Knows no request's content.

use hyper::Method;

/// A kind of API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Responses.
    Responses,
    /// OpenAI Chat Completions, and what is compatible with it.
    Chat,
    /// Gemini's `generateContent` and `streamGenerateContent`.
    Gemini,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Messages, Self::Responses, Self::Chat, Self::Gemini];
}

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// An answer of a model, which costs money. Gemini has the model in the path, and whether it is to be streamed.
    Model { api: Api, model: Option<&'a str>, streamed: bool },
    /// What is known to cost nothing.
    Free,
    /// Something that is only read.
    Unknown,
    /// What nobody can put a price on.
    Closed,
}

impl<'a> Route<'a> {
    /// The route of a path, which begins behind the token and with a slash. A version in front may be there or not.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let path = path.trim_start_matches('/');
        let rest = match path.split_once('/') {
            Some((first, rest)) if is_version(first) => rest,
            _ => path,
        };
        match method.as_str() {
            "GET" | "HEAD" if rest == "models" => Self::Free,
            "GET" | "HEAD" => Self::Unknown,
            "POST" => Self::posted(rest),
            _ => Self::Closed,
        }
    }

    fn posted(rest: &'a str) -> Self {
        let model = |api| Self::Model { api, model: None, streamed: false };
        match rest {
            "messages" => model(Api::Messages),
            "responses" | "responses/compact" => model(Api::Responses),
            "chat/completions" => model(Api::Chat),
            "messages/count_tokens" | "responses/input_tokens" => Self::Free,
            _ => Self::gemini(rest).unwrap_or(Self::Closed),
        }
    }

    fn gemini(rest: &'a str) -> Option<Self> {
        let (model, verb) = rest.rsplit('/').next()?.split_once(':')?;
        let call = |streamed| Some(Self::Model { api: Api::Gemini, model: Some(model), streamed });
        match verb {
            "generateContent" => call(false),
            "streamGenerateContent" => call(true),
            "countTokens" => Some(Self::Free),
            _ => None,
        }
    }
}

/// `v1`, `v1beta`, `v2alpha1`.
fn is_version(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('v') else { return false };
    let digits = rest.trim_start_matches(|char: char| char.is_ascii_digit());
    let tail = digits.trim_end_matches(|char: char| char.is_ascii_digit());
    digits.len() < rest.len() && ["", "alpha", "beta"].contains(&tail)
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::{Api, Route};

    #[test]
    fn only_what_is_known_exactly_is_let_through() {
        let model = |api| Route::Model { api, model: None, streamed: false };
        let gemini = |model, streamed| Route::Model { api: Api::Gemini, model: Some(model), streamed };
        for (method, path, route) in [
            (Method::POST, "/v1/messages", model(Api::Messages)),
            (Method::POST, "/messages", model(Api::Messages)),
            (Method::POST, "/v1/messages/", Route::Closed),
            (Method::POST, "/v1/messages/batches", Route::Closed),
            (Method::POST, "/v1/messages/count_tokens", Route::Free),
            (Method::GET, "/v1/messages", Route::Unknown),
            (Method::POST, "/v1/responses", model(Api::Responses)),
            (Method::POST, "/responses/compact", model(Api::Responses)),
            (Method::POST, "/v1/responses/resp_1/cancel", Route::Closed),
            (Method::POST, "/v1/chat/completions", model(Api::Chat)),
            (Method::POST, "/v1/completions", Route::Closed),
            (Method::POST, "/v1/embeddings", Route::Closed),
            (Method::POST, "/V1/messages", Route::Closed),
            (Method::PUT, "/v1/messages", Route::Closed),
            (Method::OPTIONS, "/v1/messages", Route::Closed),
            (Method::GET, "/v1/models", Route::Free),
            (Method::HEAD, "/", Route::Unknown),
            (Method::GET, "", Route::Unknown),
            (Method::POST, "", Route::Closed),
            (Method::POST, "/v1beta/models/gemini-3-pro:generateContent", gemini("gemini-3-pro", false)),
            (Method::POST, "/v1beta/models/m:streamGenerateContent", gemini("m", true)),
            (Method::POST, "/models/m:streamGenerateContent", gemini("m", true)),
            (Method::POST, "/v1beta1/projects/p/models/m:generateContent", gemini("m", false)),
            (Method::POST, "/v1beta/models/m:countTokens", Route::Free),
            (Method::POST, "/v1beta/models/m:batchGenerateContent", Route::Closed),
            (Method::POST, "/v1beta/models/m%3AgenerateContent", Route::Closed),
            (Method::POST, "/v1beta/models/m", Route::Closed),
        ] {
            assert_eq!(Route::of(&method, path), route, "{method} {path}");
        }
    }
}
