//! What a user says is no secret, or may be one: by rule and by path. Knows no text.

use swarm_domain::claims::{self, ClaimSet};
use thiserror::Error;

use super::scanner::Scanner;

/// Findings that are none: of a rule, in certain files, or both.
#[derive(Clone, Debug)]
pub struct Allow {
    rule: Option<String>,
    paths: Option<ClaimSet>,
}

/// Why an exception is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AllowError {
    /// It would cover everything.
    #[error("it names neither a rule nor a path, and so would allow every secret")]
    Everything,
    /// It would cover nothing.
    #[error("there is no rule `{0}`")]
    NoSuchRule(String),
    /// The path is no gitignore glob.
    #[error("the path `{glob}` is no glob: {problem}")]
    Glob {
        /// What was given.
        glob: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl Allow {
    /// An exception for a rule by its name, in files by a gitignore glob; where one is absent, any.
    pub fn new(rule: Option<String>, path: Option<String>) -> Result<Self, AllowError> {
        if rule.is_none() && path.is_none() {
            return Err(AllowError::Everything);
        }
        if let Some(rule) = rule.as_ref().filter(|rule| Scanner::standard().description(rule).is_none()) {
            return Err(AllowError::NoSuchRule(rule.clone()));
        }
        Ok(Self { rule, paths: path.map(paths).transpose()? })
    }

    /// An exception for the value of a variable, in files by a gitignore glob; without one, in any.
    pub fn variable(name: String, path: Option<String>) -> Result<Self, AllowError> {
        Ok(Self { rule: Some(name), paths: path.map(paths).transpose()? })
    }

    /// Whether it is about findings of this rule, or about this variable, wherever they are.
    pub fn is_all_of(&self, rule: &str) -> bool {
        self.paths.is_none() && self.covers(rule, None)
    }

    /// Whether a finding of this rule in this file is none. Text without a path is in no file.
    pub fn covers(&self, rule: &str, path: Option<&str>) -> bool {
        self.rule.as_ref().is_none_or(|own| own == rule)
            && self.paths.as_ref().is_none_or(|paths| path.is_some_and(|path| paths.claims(path)))
    }
}

fn paths(glob: String) -> Result<ClaimSet, AllowError> {
    match claims::check(&glob) {
        Ok(()) => Ok(ClaimSet::new(&[glob], &[])),
        Err(problem) => Err(AllowError::Glob { glob, problem }),
    }
}
