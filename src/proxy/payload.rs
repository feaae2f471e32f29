//! A body, whichever way it comes: at once, as it arrives, or from who reads it on the way.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use tokio::sync::mpsc;

type Fault = Box<dyn Error + Send + Sync>;

/// A body of a request or an answer.
pub(super) enum Payload {
    /// All of it, or nothing any more.
    Whole(Option<Bytes>),
    /// Handed on as it comes.
    Passed(Incoming),
    /// What a reader has seen and hands on, piece by piece.
    Relayed(mpsc::Receiver<io::Result<Bytes>>),
}

impl Payload {
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()).filter(|bytes: &Bytes| !bytes.is_empty()))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Passed(body) => Pin::new(body).poll_frame(context).map_err(Fault::from),
            Self::Relayed(pieces) => {
                pieces.poll_recv(context).map(|piece| Some(piece?.map(Frame::data).map_err(Fault::from)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Passed(body) => body.is_end_stream(),
            Self::Relayed(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Passed(body) => body.size_hint(),
            Self::Relayed(_) => SizeHint::default(),
        }
    }
}
