//! The names of simulated files: what is seen, what is durable, and the changes between the two. Does not know what is
//! in the files.

use std::{collections::BTreeMap, mem, sync::Arc};

#[derive(Clone, Debug)]
pub(super) enum Naming {
    Link(String, usize),
    Unlink(String),
    Move(String, String),
}

type Map = BTreeMap<String, usize>;

/// Which file has which name. Forks share the maps for as long as neither changes them.
#[derive(Clone, Default, Debug)]
pub(super) struct Names {
    /// What a process sees.
    pub(super) seen: Arc<Map>,
    durable: Arc<Map>,
    pending: Vec<Naming>,
}

impl Names {
    pub(super) fn inode(&self, name: &str) -> Option<usize> {
        self.seen.get(name).copied()
    }

    pub(super) fn change(&mut self, naming: Naming) {
        rename(&mut self.seen, naming.clone());
        self.pending.push(naming);
    }

    /// Gives a name, or takes it away, durably.
    pub(super) fn set(&mut self, name: &str, inode: Option<usize>) {
        for names in [&mut self.seen, &mut self.durable] {
            match inode {
                Some(inode) => rename(names, Naming::Link(name.to_owned(), inode)),
                None => rename(names, Naming::Unlink(name.to_owned())),
            }
        }
    }

    pub(super) fn sync(&mut self) {
        self.pending.clear();
        self.durable.clone_from(&self.seen);
    }

    /// A failed sync: what is pending will not be durable, unless all names are synced once more.
    pub(super) fn lose_pending(&mut self) {
        self.pending.clear();
    }

    /// The power went: some of the changes are durable, and nothing else is seen.
    pub(super) fn cut(&mut self, mut survives: impl FnMut() -> bool) {
        for naming in mem::take(&mut self.pending) {
            if survives() {
                rename(&mut self.durable, naming);
            }
        }
        self.seen.clone_from(&self.durable);
    }

    /// How many of the names that count are not durable, or still are although they are gone.
    pub(super) fn unsynced(&self, counts: &dyn Fn(&str) -> bool) -> usize {
        let made =
            self.seen.iter().filter(|(name, inode)| counts(name) && self.durable.get(*name) != Some(inode));
        let gone = self.durable.keys().filter(|name| counts(name) && !self.seen.contains_key(*name));
        made.count() + gone.count()
    }
}

fn rename(names: &mut Arc<Map>, naming: Naming) {
    let names = Arc::make_mut(names);
    match naming {
        Naming::Link(name, inode) => {
            names.insert(name, inode);
        }
        Naming::Unlink(name) => {
            names.remove(&name);
        }
        Naming::Move(from, to) => {
            if let Some(inode) = names.remove(&from) {
                names.insert(to, inode);
            }
        }
    }
}
