//! `swarm schema`, `completions` and `man`: what swarm says about itself.

use clap::CommandFactory;

use super::args::{Cli, CompletionsArgs, SchemaArgs, SchemaOf};
use super::exit::{Failure, OK};
use super::out;

pub(super) fn schema(args: &SchemaArgs) -> u8 {
    let schema = match args.what {
        SchemaOf::Plan => crate::plan::plan_schema(),
        SchemaOf::Event => crate::report::schema_event(),
        SchemaOf::Status => crate::report::schema_status(),
    };
    out::line(format!("{schema:#}"));
    OK
}

pub(super) fn completions(args: &CompletionsArgs) -> u8 {
    // Into memory first: clap panics when a reader goes away.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "swarm", &mut script);
    out::text_of(&String::from_utf8_lossy(&script));
    OK
}

pub(super) fn man() -> Result<u8, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    out::text_of(&String::from_utf8_lossy(&page));
    Ok(OK)
}
