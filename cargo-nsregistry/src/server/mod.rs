//! Sockets: accepting, TLS, HTTP/1 and HTTP/2, and a graceful end.
//!
//! [`connections`] limits how many connections there are, [`mod@connection`] how long each may keep the registry waiting. This file
//! limits what a client can pile up in memory by the protocols: heads, streams, and what waits to be sent. At the end no more
//! connections are accepted, the requests under way are finished, and then the connections of the database are closed.

pub mod connection;
pub mod connections;
pub mod limit;
pub mod linger;
pub mod request_log;
pub mod requests;
pub mod tls;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use crate::client_address::{ClientAddress, Peer};
use crate::config::Config;
use crate::handlers::error::ApiError;
use crate::handlers::index;
use crate::handlers::routes;
use crate::log::rate::Rate;
use crate::registry::{self, Registry, StartError};
use crate::{files, log, upkeep};
use connection::{Activity, ConnectionState, Due, FINISH, HEAD_TIMEOUT, RequestBody, ResponseBody};
use connections::{Connections, Remote};
use request_log::Asked;
use requests::{Counted, Requests};
use tls::Certificate;

/// Most bytes of a request's head: a statement in it takes three kilobytes, and the largest that is read thirty. While a head
/// arrives, as much again may have been read after it.
const MAX_HEAD: u32 = 32 * 1024;
/// Most requests at a time on one HTTP/2 connection: what the standard recommends as the least (RFC 9113, section 6.5.2).
const MAX_STREAMS: u32 = 100;
/// Most bytes of one HTTP/2 stream that wait to be sent, in addition to the piece that they are a part of.
const MAX_SEND: usize = 16 * 1024;
/// The least limit on requests under way; else it is that on connections. One connection may carry a hundred.
const MIN_REQUESTS: usize = 1024;
/// How often a connection is looked at, at least. A stalled answer may be noticed this much later.
const LOOK: Duration = Duration::from_secs(10);
/// How long requests under way may take at the end. Container runtimes kill a program after ten seconds.
const DRAIN: Duration = Duration::from_secs(8);
/// How long an idle connection may take at the end to close, and then the database.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long the last lines of the log may take at the end, at least: they say why the registry ended.
const LAST_LINES: Duration = Duration::from_millis(200);
/// Most connections that wait to be accepted: a client that finds no room tries again only after a second. The kernel has a limit
/// of its own (`net.core.somaxconn`, usually 4096), and takes the smaller.
const BACKLOG: u32 = 16 * 1024;
/// The wait after an accept that failed because there were no file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// A registry that is being served.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    registry: Arc<Registry>,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Running {
    /// The registry itself.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// Finishes what is under way and ends.
    pub async fn stop(self) {
        tracing::info!("stopping once what is under way is done");
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
        // The next start does what this leaves undone.
        let last = async {
            let _ = files::settle(&self.registry).await;
            self.registry.db.close().await;
        };
        let end = Instant::now() + FAREWELL;
        let _ = tokio::time::timeout_at(end, last).await;
        log::flush(end.saturating_duration_since(Instant::now()).max(LAST_LINES));
    }
}

/// Opens the registry, brings its files in line with its rows, and serves it, in the runtime that this is called in.
///
/// # Errors
/// See [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    registry::check(&config)?;
    log::start(config.log);
    let certificate =
        config.server.tls.as_ref().map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    // Before anything is created.
    let (address, dev) = (config.server.listen, config.dev.is_some());
    let failed = |source| StartError::Listen { address, dev, source };
    let listener = listen(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let registry = Arc::new(Registry::open(config).await?);
    if files::recover(&registry).await.is_err() {
        // All acknowledged releases can be served. The rest is tried again.
        tracing::error!("what was interrupted could not be finished yet; the cause is above");
    }
    let (stop, stopped) = watch::channel(false);
    let server = Arc::new(Server::new(&registry, tls));
    tokio::spawn(upkeep::settle(Arc::clone(&registry), stopped.clone()));
    tokio::spawn(upkeep::run(Arc::clone(&registry), stopped.clone()));
    if let Some(certificate) = certificate {
        tokio::spawn(certificate.follow(stopped.clone()));
    }
    let accepting = tokio::spawn(accept(listener, server, stopped));
    Ok(Running { address, registry, stop, accepting })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // The port can be used at once after a restart, even if old connections are still closing.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What every connection needs.
struct Server {
    tls: Option<TlsAcceptor>,
    registry: Arc<Registry>,
    router: TowerToHyperService<Router>,
    connections: Arc<Connections>,
    requests: Arc<Requests>,
    /// There may be thousands of clients without a slot, and one line tells the operator enough.
    no_place: Rate,
    proxies: Vec<IpNet>,
}

impl Server {
    fn new(registry: &Arc<Registry>, tls: Option<TlsAcceptor>) -> Self {
        let settings = &registry.config.server;
        let most = limit::connection_limit(settings.max_connections);
        Self {
            tls,
            registry: Arc::clone(registry),
            router: TowerToHyperService::new(routes::router(Arc::clone(registry))),
            connections: Connections::new(most),
            requests: Requests::new(most.max(MIN_REQUESTS)),
            no_place: Rate::new(1, Duration::from_secs(1)),
            proxies: settings.trusted_proxies.clone(),
        }
    }
}

impl Server {
    /// Logs that a client was sent away before it could send a request.
    fn note_no_place(&self, client: ClientAddress) {
        let Some(left_out) = self.no_place.admit(std::time::Instant::now()) else { return };
        let more = if left_out == 0 { String::new() } else { format!(", nor for {left_out} more before it") };
        tracing::warn!("there was no place for a connection of {client}{more}");
    }
}

async fn accept(listener: TcpListener, server: Arc<Server>, mut stopped: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            _ = stopped.changed() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((socket, peer)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        tokio::spawn(place(socket, peer.ip().to_canonical(), Arc::clone(&server), stopped.clone()));
    }
    drop(listener);
    if server.connections.end(DRAIN).await {
        tracing::error!("some connections did not end in time and were closed");
    }
}

/// Serves a connection as long as it has a slot.
async fn place(socket: TcpStream, peer: IpAddr, server: Arc<Server>, stopped: watch::Receiver<bool>) {
    let is_proxy = server.proxies.iter().any(|range| range.contains(&peer));
    let client = Remote { address: ClientAddress::new(peer), is_proxy };
    let Some(place) = server.connections.enter(client).await else {
        server.note_no_place(client.address);
        if server.tls.is_none() {
            refuse(&socket);
        }
        return;
    };
    let _ = socket.set_nodelay(true);
    tokio::select! {
        () = serve_socket(socket, peer, &server, place.activity(), stopped) => {}
        () = place.lost() => {}
    }
}

/// Tells a client over plain HTTP/1 that there is no slot, as far as that is possible without waiting for it.
fn refuse(socket: &TcpStream) {
    const BODY: &str =
        r#"{"errors":[{"detail":"the registry serves as many clients as it can; try again in a while"}]}"#;
    // If received bytes stay unread, the connection is reset and the client never sees the answer.
    let _ = socket.try_read(&mut [0; 4096]);
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\ncontent-length: {}\r\nretry-after: 1\r\n\
         connection: close\r\n\r\n{BODY}",
        BODY.len()
    );
    let _ = socket.try_write(answer.as_bytes());
}

async fn serve_socket(
    socket: TcpStream,
    peer: IpAddr,
    server: &Arc<Server>,
    activity: Arc<Activity>,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(tls) = &server.tls else { return serve(socket, peer, server, activity, stopped).await };
    let handshake = tokio::select! {
        _ = stopped.changed() => return,
        handshake = tokio::time::timeout(HEAD_TIMEOUT, tls.accept(socket)) => handshake,
    };
    // A failed handshake is not logged: anybody could fill the log with those.
    if let Ok(Ok(stream)) = handshake {
        serve(stream, peer, server, activity, stopped).await;
    }
}

async fn serve<S>(
    stream: S,
    peer: IpAddr,
    server: &Arc<Server>,
    activity: Arc<Activity>,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    // `Activity` has a deadline for heads, of both protocols.
    builder.http1().header_read_timeout(None).max_buf_size(MAX_HEAD as usize);
    let mut http2 = builder.http2();
    http2.max_concurrent_streams(MAX_STREAMS).max_header_list_size(MAX_HEAD).max_send_buf_size(MAX_SEND);
    let service = service_fn(|request| answer(Arc::clone(server), Arc::clone(&activity), peer, request));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let (mut stopping, mut finishing) = (None::<Instant>, None::<Instant>);
    loop {
        let now = Instant::now();
        let mut next = now + LOOK;
        match activity.due(now) {
            Due::Over => return,
            Due::At(at) => next = next.min(at),
            Due::Stalled if finishing.is_none() => {
                // No new requests; those under way may end.
                finishing = Some(now);
                connection.as_mut().graceful_shutdown();
            }
            Due::Stalled => {}
        }
        if let (Some(since), ConnectionState::Idle(idle)) = (stopping, activity.state()) {
            next = next.min(idle.max(since) + FAREWELL);
        }
        if let Some(since) = finishing {
            next = next.min(since + FINISH);
        }
        if next <= now {
            return;
        }
        tokio::select! {
            // A client that closes its connection is not an error.
            _ = connection.as_mut() => return,
            () = tokio::time::sleep_until(next) => {}
            _ = stopped.changed(), if stopping.is_none() => {
                stopping = Some(Instant::now());
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Answers a request from the cache or by the routes, if its client may have one more under way.
async fn answer(
    server: Arc<Server>,
    activity: Arc<Activity>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Response<ResponseBody<Body, Option<Counted>>>, Infallible> {
    let begin = std::time::Instant::now();
    let under_way = activity.begin(!request.body().is_end_stream());
    let client = ClientAddress::of_request(peer, request.headers(), &server.proxies);
    let Some(counted) = server.requests.begin(client) else {
        let detail = "the registry answers as many requests as it can; try again in a while";
        let asked = Asked { client: Some(client), method: request.method(), uri: request.uri() };
        request_log::turned_away(asked, detail);
        let refusal = ApiError::busy(detail, Duration::from_secs(1));
        return Ok(refusal.into_response().map(|body| ResponseBody::new(body, under_way, None)));
    };
    let response = match index::at_hand(&server.registry, &request) {
        Some(response) => {
            let asked = Asked { client: Some(client), method: request.method(), uri: request.uri() };
            request_log::answered(asked, &response, begin);
            response
        }
        None => {
            let mut request = request.map(|body| Body::new(RequestBody::new(body, Arc::clone(&under_way))));
            request.extensions_mut().insert(Peer(peer));
            server.router.call(request).await?
        }
    };
    Ok(response.map(|body| ResponseBody::new(body, under_way, Some(counted))))
}
