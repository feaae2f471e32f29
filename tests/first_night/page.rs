//! A page of the guide as a list of steps. Knows no shell and no program.

/// Something the page asks its reader to do.
#[derive(Debug)]
pub(crate) enum Step {
    /// Write a file.
    Write { file: String, text: String },
    /// Type a command, see these lines and this exit status.
    Run { command: String, shows: Vec<String>, exit: i32 },
}

/// The steps of a page, in order.
pub(crate) fn steps(page: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let file = info.split_whitespace().find_map(|word| word.strip_prefix("file="));
        match (info, file) {
            (_, Some(file)) => {
                steps.push(Step::Write { file: file.to_owned(), text: body.join("\n") + "\n" });
            }
            ("console", None) => console(&body, &mut steps),
            _ => {}
        }
    }
    steps
}

fn console(body: &[&str], steps: &mut Vec<Step>) {
    for line in body {
        if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step::Run { command: command.to_owned(), shows: Vec::new(), exit: 0 });
            continue;
        }
        let Some(Step::Run { command, shows, exit }) = steps.last_mut() else {
            panic!("a console block begins with `$ `, not with `{line}`");
        };
        if let Some(more) = line.strip_prefix("> ") {
            command.push('\n');
            command.push_str(more);
        } else if let Some(code) = line.strip_prefix("# exit ") {
            *exit = code.parse().unwrap();
        } else {
            shows.push((*line).to_owned());
        }
    }
}

/// Whether all lines are there, in order. The error is the first that is not.
pub(crate) fn shown(shows: &[String], seen: &str) -> Result<(), String> {
    let mut rest = seen.lines();
    for line in shows.iter().filter(|line| *line != "…") {
        if !rest.any(|seen| fits(line, seen)) {
            return Err(line.clone());
        }
    }
    Ok(())
}

/// Whether a line is the one that is shown, with `…` for anything.
fn fits(shown: &str, seen: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = seen.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}
