//! Connections of the agent program, and what becomes of a request before it is known to cost anything. HTTP itself is hyper's.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::api::{Api, Route};
use super::ask::Ask;
use super::call::{Call, passed};
use super::config::{Limits, Patience};
use super::door::Entry;
use super::grant::Grant;
use super::headers;
use super::ledger::Ledger;
use super::payload::Payload;
use super::refusal::{nothing, refusal};
use super::token::Token;
use super::upstream::{Sender, Upstream};

/// Twice what a provider takes.
const REQUEST_BYTES_MAX: usize = 64 << 20;
/// What passes before a connection is accepted again after that has failed.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// What all connections share.
pub(super) struct Shared {
    pub(super) port: u16,
    pub(super) token: Token,
    pub(super) upstream: Upstream,
    pub(super) sender: Sender,
    pub(super) apis: Vec<Api>,
    pub(super) limits: Limits,
    pub(super) patience: Patience,
    pub(super) grant: Arc<Grant>,
    pub(super) on_want: Arc<dyn Fn(u64) + Send + Sync>,
    pub(super) ledger: Ledger,
}

impl Shared {
    /// Puts on the disk what is in the file of the calls. It may take a while, and other calls go on.
    pub(super) async fn sync(&self) -> io::Result<()> {
        let file = self.ledger.file();
        tokio::task::spawn_blocking(move || file.sync_data()).await.map_err(io::Error::other)?
    }
}

/// Takes connections in, for ever.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, shared.clone()))),
            // Too many descriptors are open: that passes.
            Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
        }
    }
}

/// A connection that fails is a client that went away.
async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    drop(stream.set_nodelay(true));
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(respond(&shared, request).await) }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

async fn respond(shared: &Arc<Shared>, request: Request<Incoming>) -> Response<Payload> {
    let (head, body) = request.into_parts();
    let path = match Entry::of(&head, &shared.token, shared.port) {
        Entry::Stranger => return nothing(),
        Entry::Refused(status, said) => return refusal(Api::Chat, status, said),
        Entry::Path(path) => path,
    };
    let Some(uri) = shared.upstream.uri(path, head.uri.query()) else {
        return refusal(Api::Chat, 400, "the path leads nowhere");
    };
    match Route::of(&head.method, path) {
        Route::Model { api, model, streamed } if shared.apis.contains(&api) => {
            metered(shared, api, model.map(|model| (model, streamed)), uri, &head, body).await
        }
        Route::Free => pass(shared, uri, head, body).await,
        Route::Unknown => {
            shared.ledger.unknown();
            pass(shared, uri, head, body).await
        }
        Route::Model { .. } | Route::Closed => refusal(
            Api::Chat,
            404,
            "swarm cannot put a price on this, so the budget of the attempt does not let it through",
        ),
    }
}

/// Sends a request on as it is.
async fn pass(shared: &Shared, uri: Uri, head: Parts, body: Incoming) -> Response<Payload> {
    let mut request = Request::new(Payload::Passed(body));
    *request.method_mut() = head.method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers::of_request(&head.headers);
    match shared.sender.send(request).await {
        Ok(response) => passed(response),
        Err(_) => refusal(Api::Chat, 502, "the model's API cannot be reached"),
    }
}

/// Takes in a call to a model, and lets it run by itself: it must not end when its client does.
async fn metered(
    shared: &Arc<Shared>,
    api: Api,
    of_path: Option<(&str, bool)>,
    uri: Uri,
    head: &Parts,
    body: Incoming,
) -> Response<Payload> {
    if headers::is_encoded(&head.headers) {
        return refusal(api, 415, "a compressed request cannot be held to a budget");
    }
    let Some(body) = collect(body).await else {
        return refusal(api, 413, "the request is too large, or was cut off");
    };
    let ask = match Ask::read(api, of_path, body, &shared.limits) {
        Ok(ask) => ask,
        Err(said) => return refusal(api, 400, said),
    };
    let call = Call { shared: shared.clone(), ask, uri, headers: headers::of_request(&head.headers) };
    let (reply, answer) = oneshot::channel();
    tokio::spawn(call.run(reply));
    answer.await.unwrap_or_else(|_| refusal(api, 500, "the proxy is ending"))
}

/// A whole body, if it is not too large.
async fn collect(body: Incoming) -> Option<Bytes> {
    Some(Limited::new(body, REQUEST_BYTES_MAX).collect().await.ok()?.to_bytes())
}
