//! Reads along with an answer while it passes. Whatever comes, it neither fails nor holds anything up.

use hyper::HeaderMap;
use serde_json::Value;

use super::api::Api;
use super::headers;
use super::seen::Seen;
use super::sse::Events;
use super::usage;

/// An answer that comes as one document and is longer is not read.
const DOCUMENT_BYTES_MAX: usize = 32 << 20;

/// A reader of one answer.
#[derive(Debug)]
pub(super) struct Meter {
    api: Api,
    form: Form,
    seen: Seen,
}

#[derive(Debug)]
enum Form {
    Events(Events),
    Document(Vec<u8>),
    /// Compressed though nobody asked for it, or too long.
    Unreadable,
}

impl Meter {
    /// Of an answer with these headers to a call that did or did not ask for a stream.
    pub(super) fn new(api: Api, headers: &HeaderMap, streamed: bool) -> Self {
        let media_type = headers::media_type(headers);
        let is_stream = media_type == "text/event-stream" || (streamed && !media_type.ends_with("json"));
        let form = match (headers::is_encoded(headers), is_stream) {
            (true, _) => Form::Unreadable,
            (_, true) => Form::Events(Events::default()),
            (_, false) => Form::Document(Vec::new()),
        };
        Self { api, form, seen: Seen::default() }
    }

    /// Whether the answer comes bit by bit and is to be handed on so.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self.form, Form::Events(_))
    }

    /// Takes in what has arrived.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let Self { api, form, seen } = self;
        match form {
            Form::Events(events) => events.take(bytes, &mut |data| event(*api, data, seen)),
            Form::Document(document) if document.len() + bytes.len() > DOCUMENT_BYTES_MAX => {
                *form = Form::Unreadable;
            }
            Form::Document(document) => document.extend_from_slice(bytes),
            Form::Unreadable => {}
        }
    }

    /// The answer is over, whether that is its proper end or not.
    pub(super) fn end(&mut self) {
        let Self { api, form, seen } = self;
        match form {
            Form::Events(events) => events.end(&mut |data| event(*api, data, seen)),
            Form::Document(document) => take(*api, document, seen),
            Form::Unreadable => {}
        }
    }

    /// What was seen by now.
    pub(super) fn seen(&self) -> &Seen {
        &self.seen
    }
}

fn event(api: Api, data: &[u8], seen: &mut Seen) {
    if data == b"[DONE]" {
        seen.over = true;
        seen.complete();
    } else {
        take(api, data, seen);
    }
}

fn take(api: Api, document: &[u8], seen: &mut Seen) {
    if let Ok(document) = serde_json::from_slice::<Value>(document) {
        usage::take(api, &document, seen);
    }
}

#[cfg(test)]
mod tests;
