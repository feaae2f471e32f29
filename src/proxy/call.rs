//! One call to a model, from its reservation to its settlement. It runs on when its client is gone, so that what it costs is learned all the same.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::{HeaderMap, Method, Request, Response, Uri};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::ask::Ask;
use super::headers;
use super::ledger::{Reserved, Short};
use super::meter::Meter;
use super::payload::Payload;
use super::refusal::refusal;
use super::seen::Seen;
use super::serve::Shared;

/// How many pieces of an answer may wait for a client that is slower than the provider.
const PIECES_WAITING: usize = 16;

/// Who waits for the answer.
type Reply = oneshot::Sender<Response<Payload>>;

/// A call that was understood.
pub(super) struct Call {
    pub(super) shared: Arc<Shared>,
    pub(super) ask: Ask,
    pub(super) uri: Uri,
    /// The headers that go on.
    pub(super) headers: HeaderMap,
}

impl Call {
    /// Does all of it.
    pub(super) async fn run(mut self, mut reply: Reply) {
        let reserved = tokio::select! {
            biased;
            () = reply.closed() => return,
            admitted = self.admitted() => admitted,
        };
        match reserved.or_else(|short| self.shortened(short)) {
            Ok(reserved) => self.send(reserved, reply).await,
            Err(short) => {
                self.shared.ledger.refuse(&short);
                let status = if matches!(short, Short::Record(_)) { 500 } else { 402 };
                drop(reply.send(refusal(self.ask.api, status, &short.to_string())));
            }
        }
    }

    /// A reservation, for which it may have to wait.
    async fn admitted(&self) -> Result<Reserved, Short> {
        let Shared { ledger, grant, on_want, patience, .. } = &*self.shared;
        let begun = Instant::now();
        let (mut raised, mut freed) = (grant.watch(), ledger.watch());
        // What was asked for, and since when nothing but a raise can help.
        let (mut asked, mut broke) = (0, None);
        loop {
            let terms = grant.terms();
            let short = match ledger.admit(&self.ask, terms.micros) {
                Ok(reserved) => return Ok(reserved),
                Err(short) => short,
            };
            let until = match short {
                Short::Money { room: true, .. } | Short::Tokens { room: true, .. } => {
                    broke = None;
                    begun + patience.room
                }
                Short::Money { .. } if !terms.refused => {
                    *broke.get_or_insert_with(Instant::now) + patience.raise
                }
                _ => return Err(short),
            };
            if let Short::Money { want_micros, .. } = short
                && want_micros > asked
            {
                asked = want_micros;
                on_want(want_micros);
            }
            tokio::select! {
                biased;
                Ok(()) = raised.changed() => {}
                Ok(()) = freed.changed() => {}
                () = sleep_until(until) => return Err(short),
            }
        }
    }

    /// A reservation for a shorter answer, if there is money for one that is of any use.
    fn shortened(&mut self, short: Short) -> Result<Reserved, Short> {
        let Shared { ledger, grant, limits, .. } = &*self.shared;
        if !matches!(short, Short::Money { room: false, .. }) {
            return Err(short);
        }
        let granted_micros = grant.micros();
        let answer =
            Some(ledger.affords(&self.ask, granted_micros)).filter(|most| *most >= limits.answer_least);
        let Some(ask) = answer.and_then(|answer| self.ask.shortened(answer)) else { return Err(short) };
        let reserved = ledger.admit(&ask, granted_micros)?;
        self.ask = ask;
        Ok(reserved)
    }

    async fn send(self, mut reserved: Reserved, mut reply: Reply) {
        let Shared { ledger, sender, patience, .. } = &*self.shared;
        if let Err(error) = self.shared.sync().await {
            ledger.release(&mut reserved);
            let said = format!("what it costs cannot be recorded: {error}");
            return drop(reply.send(refusal(self.ask.api, 500, &said)));
        }
        if reply.is_closed() {
            return ledger.release(&mut reserved);
        }
        let answered = tokio::select! {
            biased;
            () = abandoned(&mut reply, patience.linger) => None,
            answered = sender.send(self.request()) => Some(answered),
        };
        match answered {
            Some(Ok(response)) if response.status().is_success() => {
                self.relay(reserved, response, reply).await;
            }
            Some(Ok(response)) => {
                ledger.release(&mut reserved);
                drop(reply.send(passed(response)));
            }
            // What never arrived costs nothing. Of anything else nobody knows.
            Some(Err(error)) if error.is_connect() => {
                ledger.release(&mut reserved);
                drop(reply.send(refusal(self.ask.api, 502, "the model's API cannot be reached")));
            }
            Some(Err(_)) | None => {
                ledger.settle(&mut reserved, &Seen::default());
                drop(reply.send(refusal(self.ask.api, 502, "the model's API has not answered")));
            }
        }
    }

    fn request(&self) -> Request<Payload> {
        let mut request = Request::new(Payload::whole(self.ask.body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }

    /// Hands the answer on piece by piece. It is settled before the end of it leaves.
    async fn relay(self, mut reserved: Reserved, response: Response<Incoming>, reply: Reply) {
        let Shared { ledger, patience, .. } = &*self.shared;
        let (head, mut body) = response.into_parts();
        let mut meter = Meter::new(self.ask.api, &head.headers, self.ask.streamed);
        let (to_client, pieces) = mpsc::channel(PIECES_WAITING);
        let mut answer = Response::new(Payload::Relayed(pieces));
        *answer.status_mut() = head.status;
        *answer.headers_mut() = headers::end_to_end(&head.headers);
        drop(reply.send(answer));
        let mut lost = pin!(async {
            to_client.closed().await;
            sleep(patience.linger).await;
        });
        let mut kept = None;
        let ended = loop {
            let piece = tokio::select! {
                biased;
                () = &mut lost => break Err(io::ErrorKind::TimedOut.into()),
                piece = next(&mut body) => piece,
            };
            let piece = match piece {
                Ok(Some(piece)) => piece,
                ended => break ended.map(drop),
            };
            meter.take(&piece);
            if meter.seen().over {
                ledger.settle(&mut reserved, meter.seen());
            }
            // A document has its end in its last piece, and only what comes after it tells which one that is.
            let ready = if meter.is_stream() { Some(piece) } else { kept.replace(piece) };
            if let Some(piece) = ready {
                drop(to_client.send(Ok(piece)).await);
            }
        };
        meter.end();
        ledger.settle(&mut reserved, meter.seen());
        for last in kept.map(Ok).into_iter().chain(ended.err().map(Err)) {
            drop(to_client.send(last).await);
        }
    }
}

/// An answer as it is.
pub(super) fn passed(response: Response<Incoming>) -> Response<Payload> {
    let (mut head, body) = response.into_parts();
    head.headers = headers::end_to_end(&head.headers);
    let mut passed = Response::new(Payload::Passed(body));
    (*passed.status_mut(), *passed.headers_mut()) = (head.status, head.headers);
    passed
}

/// The next piece of a body; none: that was all.
async fn next(body: &mut Incoming) -> io::Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(io::Error::other)?.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// Comes when nobody has waited for the answer for so long.
async fn abandoned(reply: &mut Reply, linger: std::time::Duration) {
    reply.closed().await;
    sleep(linger).await;
}
