//! What a request refers to without holding it: earlier answers, files, pictures by address, tools that the provider runs. Its bytes say nothing of what that costs.

use serde::Deserialize;

use super::fields::Fields;

/// What such a request is reserved on top of its own size. It is a guess, and the call can cost more.
pub(super) const TOKENS: u64 = 32_000;

/// Fields of a request that stand for something else.
const FIELDS: [&str; 8] = [
    "previous_response_id",
    "conversation",
    "prompt",
    "container",
    "mcp_servers",
    "web_search_options",
    "cachedContent",
    "cached_content",
];

/// Where a conversation is.
const CONTENTS: [&str; 4] = ["messages", "input", "contents", "system"];

/// What is written in a conversation, blanks left out, where something else is meant.
const MARKS: [&str; 7] = [
    r#""file_id":"#,
    r#""file_url":"#,
    r#""fileUri":"#,
    r#""file_uri":"#,
    r#""type":"url""#,
    r#""image_url":"http"#,
    r#""image_url":{"url":"http"#,
];

/// How the types of tools begin that the program itself runs.
const OWN_TOOLS: [&str; 9] = [
    "function",
    "custom",
    "local_shell",
    "shell",
    "apply_patch",
    "bash_",
    "text_editor_",
    "computer",
    "memory_",
];

#[derive(Deserialize)]
struct Tool {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(alias = "google_search", rename = "googleSearch")]
    search: Option<serde::de::IgnoredAny>,
    #[serde(alias = "url_context", rename = "urlContext")]
    page: Option<serde::de::IgnoredAny>,
    #[serde(alias = "code_execution", rename = "codeExecution")]
    code: Option<serde::de::IgnoredAny>,
}

impl Tool {
    fn is_own(&self) -> bool {
        let known = |kind: &String| OWN_TOOLS.iter().any(|own| kind.starts_with(own));
        self.kind.as_ref().is_none_or(known)
            && self.search.is_none()
            && self.page.is_none()
            && self.code.is_none()
    }
}

/// Whether a request refers to something that it does not hold.
pub(super) fn is_in(request: &Fields) -> bool {
    let refers = FIELDS.iter().any(|name| request.get(name).is_some());
    refers || has_foreign_tool(request) || CONTENTS.iter().any(|name| request.get(name).is_some_and(has_mark))
}

fn has_foreign_tool(request: &Fields) -> bool {
    let Some(tools) = request.get("tools") else { return false };
    serde_json::from_str::<Vec<Tool>>(tools).map_or(true, |tools| !tools.iter().all(Tool::is_own))
}

/// Quotes within a text are written `\"`, so a mark is never part of what somebody says.
fn has_mark(content: &str) -> bool {
    let names = ["file_id", "file_url", "fileUri", "file_uri", "url\""];
    if !names.iter().any(|name| content.contains(name)) {
        return false;
    }
    let dense: String = content.split_ascii_whitespace().collect();
    MARKS.iter().any(|mark| dense.contains(mark))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Fields, is_in};

    fn refers(request: &Value) -> bool {
        is_in(&Fields::parse(request.to_string().as_bytes()).expect("it is an object"))
    }

    #[test]
    fn what_is_elsewhere_is_seen_and_what_is_only_spoken_of_is_not() {
        for request in [
            json!({ "previous_response_id": "resp_1" }),
            json!({ "cachedContent": "cachedContents/1" }),
            json!({ "tools": [{ "type": "web_search_20250305", "name": "web_search" }] }),
            json!({ "tools": [{ "type": "function" }, { "type": "web_search" }] }),
            json!({ "tools": [{ "googleSearch": {} }] }),
            json!({ "tools": "all" }),
            json!({ "input": [{ "content": [{ "type": "input_file", "file_id": "f" }] }] }),
            json!({ "messages": [{ "content": [{ "source": { "type": "url", "url": "https://a" } }] }] }),
            json!({ "messages": [{ "content": [{ "image_url": { "url": "https://a" } }] }] }),
            json!({ "contents": [{ "parts": [{ "fileData": { "fileUri": "gs://a" } }] }] }),
        ] {
            assert!(refers(&request), "{request}");
        }
        for request in [
            json!({}),
            json!({ "previous_response_id": null, "tools": null }),
            json!({ "tools": [{ "name": "Read", "input_schema": { "properties": { "file_id": {} } } }] }),
            json!({ "tools": [{ "type": "custom" }, { "type": "local_shell" }, { "functionDeclarations": [] }] }),
            json!({ "messages": [{ "content": "say \"file_id\": and \"type\":\"url\" " }] }),
            json!({ "messages": [{ "content": [{ "type": "tool_use", "input": { "url": "https://a" } }] }] }),
            json!({ "messages": [{ "content": [{ "image_url": { "url": "data:image/png;base64,AA" } }] }] }),
        ] {
            assert!(!refers(&request), "{request}");
        }
        assert!(is_in(&Fields::parse(br#"{"input": [ {"file_id" : "f"} ]}"#).expect("it is an object")));
    }
}
