//! A running proxy: a thread of its own with everything on it, and what its owner can ask of it.

use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::book::Totals;
use super::config::Config;
use super::error::ProxyError;
use super::ledger::Ledger;
use super::serve::{self, Shared};
use super::upstream::Sender;

/// A metering proxy on a port of 127.0.0.1. Dropped, it ends, and all calls with it: what was reserved for them stays
/// reserved.
pub struct Proxy {
    shared: Arc<Shared>,
    /// Dropped to end it.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts it. It accepts calls from here on.
    pub fn start(config: Config) -> Result<Self, ProxyError> {
        let Config { upstream, apis, prices, unpriced, dir, token, grant, on_want, limits, patience } =
            config;
        let ledger = Ledger::open(&dir, prices, unpriced, limits)?;
        let sender = Sender::to(&upstream)?;
        let (listener, port) = bind().map_err(ProxyError::Start)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(ProxyError::Start)?;
        let shared = Shared { port, token, upstream, sender, apis, limits, patience, grant, on_want, ledger };
        let shared = Arc::new(shared);
        let (stop, stopped) = oneshot::channel();
        let running = {
            let shared = shared.clone();
            move || run(runtime, listener, shared, stopped)
        };
        let thread = std::thread::Builder::new().name("proxy".to_owned()).spawn(running);
        Ok(Self { shared, stop: Some(stop), thread: Some(thread.map_err(ProxyError::Start)?) })
    }

    /// The base URL for the agent program, without a slash at its end. It is a secret.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.shared.port, self.shared.token.reveal())
    }

    /// What its calls used so far.
    pub fn totals(&self) -> Totals {
        self.shared.ledger.totals()
    }

    /// Waits until no call is open, at most this long, and says what all of them used.
    pub fn settled(&self, within: Duration) -> Totals {
        self.shared.ledger.await_settled(within);
        self.totals()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("port", &self.shared.port).finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic on that thread was told on its standard error; here is nobody who could do more about it.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn bind() -> io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// Serves until `stopped`. All calls end with the runtime; a look-up of a name that still runs is not waited for.
fn run(runtime: Runtime, listener: TcpListener, shared: Arc<Shared>, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
        tokio::select! {
            biased;
            _ = stopped => (),
            () = serve::accept(listener, shared) => (),
        }
    });
    runtime.shutdown_background();
}
