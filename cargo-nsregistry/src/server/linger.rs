//! Reads, for a while, what a client still sends after it was answered.
//!
//! Most requests are refused before their body has arrived. If a connection is closed while bytes of the body are on their way, it
//! is reset, and the client's system discards the answer: Cargo would report a broken connection instead of the refusal. So the
//! rest of a body that no handler reads is read here and discarded, while the answer is sent.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;
use hyper::body::{Frame, SizeHint};

/// How long it reads: a client stops sending when it has read the refusal.
const TIME: Duration = Duration::from_secs(5);
/// How much it reads: what a fast line carries in that time.
const MOST: usize = 16 * 1024 * 1024;

/// Wraps the body of every request.
pub async fn linger(request: Request, next: Next) -> Response {
    let linger = |body: Body| {
        if body.is_end_stream() { body } else { Body::new(Lingering { body, ended: false }) }
    };
    next.run(request.map(linger)).await
}

/// A body. If it is dropped before its end, the rest is read.
struct Lingering {
    body: Body,
    ended: bool,
}

impl HttpBody for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.ended |= matches!(polled, Poll::Ready(None | Some(Err(_))));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if self.ended || self.body.is_end_stream() {
            return;
        }
        // At the end of the process there is no runtime, and no connection.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let rest = throw_away(std::mem::take(&mut self.body));
            runtime.spawn(tokio::time::timeout(TIME, rest));
        }
    }
}

async fn throw_away(body: Body) {
    let (mut stream, mut left) = (body.into_data_stream(), MOST);
    while let Some(Ok(chunk)) = stream.next().await {
        let Some(less) = left.checked_sub(chunk.len()) else { return };
        left = less;
    }
}
