//! The harness: simulated worlds in which the laws of a run must hold.
#![forbid(unsafe_code)]
