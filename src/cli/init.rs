//! `swarm init`: writes a plan to begin with. Never writes over one.

use std::fs::File;
use std::io::Write;

use super::Context;
use super::exit::{ENVIRONMENT, Failure, OK, USAGE};
use super::out;
use crate::plan;
use crate::world::program;

pub(super) fn init(context: &Context) -> Result<u8, Failure> {
    let repo = context.repo()?;
    let top = repo.top().unwrap_or(&context.dir).to_owned();
    if let Some(found) = plan::find(&top) {
        return Err(Failure::new(USAGE, format!("{} exists already", found.display()))
            .hint("`swarm check` looks at it; remove it first if you want to begin anew"));
    }
    let text = plan::starter(&top, |name| program::find(name).is_some());
    let file = top.join("swarm.yaml");
    File::create_new(&file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| Failure::new(ENVIRONMENT, format!("{}: {error}", file.display())))?;
    if context.json {
        out::line(serde_json::json!({"schema": "swarm.init/1", "path": file}));
    } else {
        out::line(format!("wrote {}", file.display()));
    }
    eprintln!("  next: edit it, then `swarm check` and `swarm run`");
    Ok(OK)
}
