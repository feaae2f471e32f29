//! The tests of the journal from outside, one file for each question.
#![expect(clippy::unwrap_used, reason = "a test that stops there says where")]

mod bytes;
mod crash;
mod damage;
mod forgery;
mod golden;
mod group;
mod journal;
mod model;
mod repair;
mod salvage;
mod seam;
mod sim;
mod subject;
mod support;
mod survey;
