//! One connection: which requests are under way on it, and how long its client may keep the registry waiting.
//!
//! A connection holds a slot, and a request holds memory, for as long as the registry waits for the client. The same deadlines
//! hold for every protocol (TLS or not, HTTP/1 or HTTP/2) and are kept outside of it: a client that answers every ping, or
//! sends the head of a request a byte at a time, gains no time.
//!
//! | the registry waits for | at most |
//! |---|---|
//! | the first whole head of a request, with everything before it: TLS, HTTP/2's preface and settings | [`HEAD_TIMEOUT`] |
//! | the next whole head, from the end of the last answer | [`IDLE_TIMEOUT`] |
//! | room for the next piece of any answer | [`WRITE_TIMEOUT`] |
//! | room for the next piece of one answer, while others get it | [`WRITE_TIMEOUT`], and `TURN` for each answer under way |
//! | the body of a request | see `handlers::upload` |
//!
//! If one answer stalls and others on the same connection do not, the registry accepts no new requests on it, and the others
//! have [`FINISH`] to end.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

/// From the accepted connection to the first whole head. A TLS handshake and a head are four round trips.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two requests. Proxies close idle connections after 60 seconds, and must be the first to do so: else they send a
/// request on a connection that is just being closed.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// How long a client may read nothing of its answers.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How much longer one answer may wait for each answer under way on the same connection: they share the line, and the slowest
/// line that is accepted (64 KiB in a second, as for the body of a request) carries one piece of an answer in this time.
const TURN: Duration = Duration::from_secs(1);
/// How long the other answers of a connection may take after one has stalled.
pub const FINISH: Duration = Duration::from_secs(30);

/// What one request waits for.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Its body; the last piece came then.
    Receiving(Instant),
    Working,
    /// The client, which last took a piece of the answer then.
    Sending(Instant),
}

/// What a connection waits for; the smallest value is the most dispensable connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// A request, since then.
    Idle(Instant),
    /// The client, for every request under way; something last moved then.
    Transferring(Instant),
    Working,
}

/// What a connection is due for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing before this moment.
    At(Instant),
    /// One answer has stalled, and others have not.
    Stalled,
    /// The client had its time: the connection is to be closed.
    Over,
}

/// The requests of one connection.
#[derive(Debug)]
pub struct Activity {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    asked: bool,
    since: Instant,
    requests: HashMap<u64, Phase>,
    next: u64,
}

impl Activity {
    /// A connection that begins now.
    pub fn new() -> Arc<Self> {
        let inner = Inner { asked: false, since: Instant::now(), requests: HashMap::new(), next: 0 };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a request whose head has come. It ends when the guard is dropped.
    pub fn begin(self: &Arc<Self>, has_body: bool) -> Arc<RequestGuard> {
        let mut inner = self.lock();
        let id = inner.next;
        inner.next += 1;
        inner.asked = true;
        let phase = if has_body { Phase::Receiving(Instant::now()) } else { Phase::Working };
        inner.requests.insert(id, phase);
        Arc::new(RequestGuard { activity: Arc::clone(self), id })
    }

    /// Returns whether the client has had its time, or when to look again.
    pub fn due(&self, now: Instant) -> Due {
        let inner = self.lock();
        if inner.requests.is_empty() {
            let end = inner.since + if inner.asked { IDLE_TIMEOUT } else { HEAD_TIMEOUT };
            return if end <= now { Due::Over } else { Due::At(end) };
        }
        let moved = |phase: &Phase| if let Phase::Sending(at) = phase { *at } else { now };
        let (first, last) = inner
            .requests
            .values()
            .map(moved)
            .fold((now, None), |(first, last), at| (first.min(at), last.max(Some(at))));
        let turn = WRITE_TIMEOUT + TURN * u32::try_from(inner.requests.len()).unwrap_or(u32::MAX);
        match (first + turn, last.unwrap_or(now) + WRITE_TIMEOUT) {
            (_, all) if all <= now => Due::Over,
            (one, _) if one <= now => Due::Stalled,
            (one, all) => Due::At(one.min(all)),
        }
    }

    /// Returns what the connection waits for.
    pub fn state(&self) -> ConnectionState {
        let inner = self.lock();
        if inner.requests.is_empty() {
            return ConnectionState::Idle(inner.since);
        }
        let moved = |phase: &Phase| match phase {
            Phase::Receiving(at) | Phase::Sending(at) => ConnectionState::Transferring(*at),
            Phase::Working => ConnectionState::Working,
        };
        inner.requests.values().map(moved).max().unwrap_or(ConnectionState::Working)
    }

    fn end(&self, id: u64) {
        let mut inner = self.lock();
        inner.requests.remove(&id);
        if inner.requests.is_empty() {
            inner.since = Instant::now();
        }
    }
}

/// One request of a connection. It is under way until this is dropped.
#[derive(Debug)]
pub struct RequestGuard {
    activity: Arc<Activity>,
    id: u64,
}

impl RequestGuard {
    fn note(&self, change: impl FnOnce(Phase) -> Phase) {
        if let Some(phase) = self.activity.lock().requests.get_mut(&self.id) {
            *phase = change(*phase);
        }
    }

    /// Notes progress of the request's body. Once there is an answer, only the answer counts: reading the rest of the body
    /// gains no time.
    fn note_body(&self, now: Phase) {
        self.note(|phase| if let Phase::Sending(_) = phase { phase } else { now });
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.activity.end(self.id);
    }
}

/// The body of a request, which notes when a piece of it comes.
#[derive(Debug)]
pub struct RequestBody<B> {
    body: B,
    request: Arc<RequestGuard>,
}

impl<B> RequestBody<B> {
    /// Wraps the body of a request.
    pub fn new(body: B, request: Arc<RequestGuard>) -> Self {
        Self { body, request }
    }
}

impl<B: Body + Unpin> Body for RequestBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match polled {
            Poll::Ready(Some(_)) => self.request.note_body(Phase::Receiving(Instant::now())),
            Poll::Ready(None) => self.request.note_body(Phase::Working),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B> Drop for RequestBody<B> {
    fn drop(&mut self) {
        // The handler needs no more of it.
        self.request.note_body(Phase::Working);
    }
}

/// The body of an answer, which notes when the client takes a piece of it. `K` is kept until it is dropped.
#[derive(Debug)]
pub struct ResponseBody<B, K> {
    body: B,
    request: Arc<RequestGuard>,
    _kept: K,
}

impl<B, K> ResponseBody<B, K> {
    /// Wraps the body of an answer that is ready to be sent.
    pub fn new(body: B, request: Arc<RequestGuard>, kept: K) -> Self {
        request.note(|_| Phase::Sending(Instant::now()));
        Self { body, request, _kept: kept }
    }
}

impl<B: Body + Unpin, K: Unpin> Body for ResponseBody<B, K> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        // The connection asks for the next piece when it can send it.
        self.request.note(|_| Phase::Sending(Instant::now()));
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body as Full;
    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use futures_util::future::poll_fn;

    use super::*;

    const MOMENT: Duration = Duration::from_secs(1);

    async fn next<B: Body + Unpin>(body: &mut B) -> bool {
        poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await.is_some()
    }

    fn pieces(count: usize) -> Full {
        let piece = |()| Ok::<_, std::io::Error>(Bytes::from_static(b"piece"));
        Full::from_stream(futures_util::stream::iter(vec![(); count]).map(piece))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_and_the_next_have_a_deadline_each() {
        let activity = Activity::new();
        let begin = Instant::now();
        assert_eq!(activity.due(begin), Due::At(begin + HEAD_TIMEOUT));
        assert_eq!(activity.due(begin + HEAD_TIMEOUT), Due::Over);
        tokio::time::advance(MOMENT).await;
        drop(activity.begin(false));
        assert_eq!(activity.due(begin + HEAD_TIMEOUT), Due::At(begin + MOMENT + IDLE_TIMEOUT));
        assert_eq!(activity.due(begin + MOMENT + IDLE_TIMEOUT), Due::Over);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_registry_takes_is_not_the_clients_time() {
        let activity = Activity::new();
        let request = activity.begin(false);
        tokio::time::advance(IDLE_TIMEOUT * 2).await;
        assert!(matches!(activity.due(Instant::now()), Due::At(_)));
        assert_eq!(activity.state(), ConnectionState::Working);
        drop(request);
        assert!(matches!(activity.due(Instant::now()), Due::At(_)), "the next head has its time");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_read_slowly_goes_on_and_one_that_is_not_read_ends() {
        let activity = Activity::new();
        let mut slow = ResponseBody::new(pieces(10), activity.begin(false), ());
        for _ in 0..10 {
            tokio::time::advance(WRITE_TIMEOUT - MOMENT).await;
            assert!(matches!(activity.due(Instant::now()), Due::At(_)));
            assert!(next(&mut slow).await);
        }
        tokio::time::advance(WRITE_TIMEOUT).await;
        assert_eq!(activity.due(Instant::now()), Due::Over);
        let mut other = ResponseBody::new(pieces(10), activity.begin(false), ());
        assert!(next(&mut other).await);
        assert!(matches!(activity.due(Instant::now()), Due::At(_)), "it may wait for its turn");
        tokio::time::advance(TURN * 2).await;
        assert_eq!(activity.due(Instant::now()), Due::Stalled, "one of two");
        drop(slow);
        assert!(matches!(activity.due(Instant::now()), Due::At(_)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_answers_on_the_slowest_line_wait_for_their_turn() {
        let activity = Activity::new();
        let mut answers: Vec<_> =
            (0..100).map(|_| ResponseBody::new(pieces(10), activity.begin(false), ())).collect();
        for _ in 0..5 {
            // 32 KiB and what frames them, at 64 KiB a second.
            for answer in &mut answers {
                tokio::time::advance(MOMENT * 3 / 5).await;
                assert!(matches!(activity.due(Instant::now()), Due::At(_)));
                assert!(next(answer).await);
            }
        }
        tokio::time::advance(WRITE_TIMEOUT).await;
        assert_eq!(activity.due(Instant::now()), Due::Over, "but if none moves, all end");
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_of_a_body_after_the_answer_has_begun_wins_no_time() {
        for (read, dropped) in [(0, true), (1, false), (1, true), (3, false), (3, true)] {
            let activity = Activity::new();
            let request = activity.begin(true);
            let mut upload = RequestBody::new(pieces(2), Arc::clone(&request));
            let begin = Instant::now();
            let answer = ResponseBody::new(pieces(10), request, ());
            for _ in 0..read {
                tokio::time::advance(MOMENT).await;
                next(&mut upload).await;
            }
            let kept = (!dropped).then_some(upload);
            assert_eq!(activity.state(), ConnectionState::Transferring(begin), "{read} {dropped}");
            assert_eq!(activity.due(begin + WRITE_TIMEOUT), Due::Over, "{read} {dropped}");
            drop((kept, answer));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_state_of_a_connection_is_what_it_waits_for() {
        let activity = Activity::new();
        let begin = Instant::now();
        assert_eq!(activity.state(), ConnectionState::Idle(begin));
        let request = activity.begin(true);
        let mut upload = RequestBody::new(pieces(2), Arc::clone(&request));
        tokio::time::advance(MOMENT).await;
        assert_eq!(activity.state(), ConnectionState::Transferring(begin));
        assert!(next(&mut upload).await);
        assert_eq!(activity.state(), ConnectionState::Transferring(begin + MOMENT));
        drop(upload);
        assert_eq!(activity.state(), ConnectionState::Working);
        let answer = ResponseBody::new(pieces(1), request, ());
        assert_eq!(activity.state(), ConnectionState::Transferring(begin + MOMENT));
        drop(answer);
        assert_eq!(activity.state(), ConnectionState::Idle(begin + MOMENT));
    }
}
