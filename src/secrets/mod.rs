//! Looks for secrets in text, by the rules of gitleaks, and takes them out of what is shown. Pure: knows no run, no git and no plan.
//!
//! A [`Scanner`] goes over the text once for the keywords of all rules. A rule's expression is tried only where one of its
//! keywords stands, so what costs time is that one pass. A [`Redactor`] also knows values, which need no rule to be taken out.
//! No type here shows a secret when it is printed.

mod allow;
mod exemption;
mod finding;
mod flow;
mod patterns;
mod redact;
mod rules;
mod scanner;
#[cfg(test)]
mod tests;
pub mod variable;

pub use allow::{Allow, AllowError};
pub use finding::{Finding, line_of};
pub use flow::Flow;
pub use redact::{Lines, Redactor};
pub use scanner::{MARK, Scanner};
