//! One writer thread that makes one batch of all that waits. This is our doing, not that of the store behind it.

use std::iter;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread::{self, JoinHandle};

use super::{Appender, Store};
use crate::failure::{Failure, Result};
use crate::record::Record;

/// How many orders make one batch at most.
const ORDERS_MAX: usize = 1024;

/// A store with such a thread in front.
pub(crate) struct Grouped {
    queue: Sender<Order>,
    writer: JoinHandle<Result<()>>,
}

struct Order {
    records: Vec<Record>,
    reply: SyncSender<Result<()>>,
}

impl Grouped {
    /// Puts a thread in front of a store.
    pub(crate) fn new(store: Box<dyn Store>) -> Self {
        let (queue, orders) = mpsc::channel();
        Self { queue, writer: thread::spawn(move || serve(store, &orders)) }
    }
}

impl Store for Grouped {
    fn appender(&self) -> Appender<'_> {
        let queue = self.queue.clone();
        Box::new(move |batch| {
            // A channel for each order: it breaks, instead of staying silent, if the writer is gone.
            let (reply, answer) = mpsc::sync_channel(1);
            queue.send(Order { records: batch.to_vec(), reply })?;
            answer.recv()?
        })
    }

    fn close(self: Box<Self>) -> Result<()> {
        drop(self.queue);
        self.writer.join().map_err(|_| Failure::new("the writer panicked"))?
    }
}

fn serve(store: Box<dyn Store>, orders: &Receiver<Order>) -> Result<()> {
    let mut append = store.appender();
    while let Ok(first) = orders.recv() {
        let group: Vec<Order> = iter::once(first).chain(orders.try_iter().take(ORDERS_MAX - 1)).collect();
        let batch: Vec<Record> = group.iter().flat_map(|order| &order.records).copied().collect();
        let result = append(&batch);
        for order in group {
            // Whoever does not wait for the answer does not need it.
            let _ = order.reply.send(result.clone());
        }
    }
    drop(append);
    store.close()
}
