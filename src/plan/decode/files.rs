//! Prompts and instructions: given in the plan, or in a file that is read once. Knows no task.

use std::io::Read;

use crate::plan::node::Node;
use crate::plan::problem::Problem;
use crate::plan::source::Span;

use super::{Cx, ReadFile};

/// The largest prompt or instructions file.
pub const PROMPT_BYTES_MAX: u64 = 256 << 10;

/// The instructions of a plan or an agent: `instructions` or `instructions_file`, or nothing.
pub(super) fn instructions(map: &Node, cx: &mut Cx<'_>) -> String {
    match (map.entry("instructions"), map.entry("instructions_file")) {
        (Some(text), Some(file)) => {
            let problem = Problem::error("P0105", "`instructions` and `instructions_file` are both given");
            cx.problems.push(problem.at(file.key_span, "one of the two").at(text.key_span, "the other"));
            String::new()
        }
        (Some(text), None) => checked(text.value.text().unwrap_or_default(), text.value.span, cx),
        (None, Some(file)) => from_file(&file.value, cx),
        (None, None) => String::new(),
    }
}

/// A text in the plan, which may be as large as one in a file.
pub(super) fn checked(text: &str, span: Span, cx: &mut Cx<'_>) -> String {
    if text.len() as u64 > PROMPT_BYTES_MAX {
        cx.problems.push(Problem::error("P0203", "the text is larger than 256 KiB").at(span, "too large"));
    }
    text.to_owned()
}

/// The contents of a file named in the plan, relative to the plan's folder.
pub(super) fn from_file(node: &Node, cx: &mut Cx<'_>) -> String {
    let Some(name) = node.text() else { return String::new() };
    match read(&cx.folder.join(name)) {
        Ok(text) => {
            cx.read.push(ReadFile { name: name.to_owned(), span: node.span, text: text.clone() });
            text
        }
        Err(why) => {
            let problem = Problem::error("P0203", format!("`{}` {why}", crate::plan::node::short(name)));
            cx.problems.push(
                problem.at(node.span, "this file").help("the path is relative to the folder of the plan"),
            );
            String::new()
        }
    }
}

fn read(path: &std::path::Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => "does not exist".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    // Opening a pipe would wait for its writer, so what it is comes first.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    file.take(PROMPT_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > PROMPT_BYTES_MAX {
        return Err("is larger than 256 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text)
}
