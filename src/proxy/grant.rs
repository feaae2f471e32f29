//! What an attempt may spend in all, shared between who raises it and the calls that wait for that. Knows no file.

use tokio::sync::watch;

/// A sum that can be raised while calls wait for it.
#[derive(Debug)]
pub struct Grant(watch::Sender<Terms>);

/// What may be spent, and whether it is known that no more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) micros: u64,
    pub(super) refused: bool,
}

impl Grant {
    /// Lets `micros` be spent, in micro-dollars.
    pub fn new(micros: u64) -> Self {
        Self(watch::Sender::new(Terms { micros, refused: false }))
    }

    /// Lets `micros` be spent in all. `refused`: a raise was refused, so nobody need wait for one.
    pub fn set(&self, micros: u64, refused: bool) {
        let terms = Terms { micros, refused };
        self.0.send_if_modified(|now| std::mem::replace(now, terms) != terms);
    }

    /// What may be spent in all, in micro-dollars.
    pub fn micros(&self) -> u64 {
        self.terms().micros
    }

    pub(super) fn terms(&self) -> Terms {
        *self.0.borrow()
    }

    /// Tells of changes from here on.
    pub(super) fn watch(&self) -> watch::Receiver<Terms> {
        self.0.subscribe()
    }
}
