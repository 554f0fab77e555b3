//! Sockets: accepting, TLS, HTTP/1 and HTTP/2, and a graceful end.
//!
//! A connection may take its time, but not for ever: the handshake, each request's head and each write have a deadline, and
//! there are only so many connections. At the end no new one is accepted, what is under way is finished, and only then are the
//! database's connections closed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use cargo_namespaces::shell::Shell;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::app::{self, Registry, StartError};
use crate::config::Config;
use crate::patient::Patient;
use crate::tls::Certificate;
use crate::{files, limit, routes, upkeep};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long the head of a request may take, and a connection may stay idle before it.
const HEAD: Duration = Duration::from_secs(30);
/// How long a client may read nothing of what it asked for.
const WRITE: Duration = Duration::from_secs(30);
/// How often an idle HTTP/2 connection is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// How long what is under way may take at the end.
const DRAIN: Duration = Duration::from_secs(30);
/// Most connections that wait to be accepted: one that finds no room tries again only after a second. The kernel has a limit
/// of its own (`net.core.somaxconn`, usually 4096), and takes the smaller.
const BACKLOG: u32 = 16 * 1024;
/// The wait after an accept that failed for want of file descriptors.
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
        let _ = self.stop.send(true);
        let _ = self.accepting.await;
        // What this leaves, the next start does.
        let _ = files::settle(&self.registry).await;
        self.registry.db.close().await;
    }
}

/// Opens the registry, brings its files in line with its rows, and serves it, in the runtime that this is called in.
///
/// # Errors
/// See [`StartError`].
pub async fn start(config: Config) -> Result<Running, StartError> {
    app::check(&config)?;
    let certificate =
        config.server.tls.as_ref().map(|(chain, key)| Certificate::load(chain, key)).transpose()?;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
    let registry = Arc::new(Registry::open(config).await?);
    if files::recover(&registry).await.is_err() {
        // What was acknowledged is whole, and can be served: the rest is tried again.
        Shell::last_resort("what was interrupted could not be finished yet; the cause is above");
    }
    let address = registry.config.server.listen;
    let listener = listen(address);
    let listener = listener.map_err(|source| StartError::Listen { address, source })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
    let (stop, stopped) = watch::channel(false);
    let router = routes::router(Arc::clone(&registry));
    let places = Arc::new(Semaphore::new(limit::room_for(registry.config.server.max_connections)));
    tokio::spawn(upkeep::settle(Arc::clone(&registry), stopped.clone()));
    tokio::spawn(upkeep::run(Arc::clone(&registry), stopped.clone()));
    if let Some(certificate) = certificate {
        tokio::spawn(certificate.follow(stopped.clone()));
    }
    let accepting = tokio::spawn(accept(listener, tls, router, places, stopped));
    Ok(Running { address, registry, stop, accepting })
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // After a restart the port is ours again at once, whatever connections of before are still dying.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    places: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let graceful = Arc::new(GracefulShutdown::new());
    loop {
        let next = async {
            // Never closed, so a place always comes.
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            _ = stopped.changed() => break,
            next = next => next,
        };
        let Ok((socket, _)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let (tls, router, watcher) = (tls.clone(), router.clone(), graceful.watcher());
        tokio::spawn(async move {
            let _place = place;
            let _ = socket.set_nodelay(true);
            serve_socket(socket, tls, router, watcher).await;
        });
    }
    drop(listener);
    if let Some(graceful) = Arc::into_inner(graceful)
        && tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err()
    {
        Shell::last_resort("some connections did not end in time and were cut");
    }
}

async fn serve_socket(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let socket = Patient::new(socket, WRITE);
    match tls {
        None => serve(socket, router, watcher).await,
        Some(tls) => {
            // Whoever fails at it, or plays with it, is not worth a line in the log.
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(socket)).await {
                serve(stream, router, watcher).await;
            }
        }
    }
}

async fn serve<S>(stream: S, router: Router, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PING).max_concurrent_streams(128);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    // A client that goes away is its own affair.
    let _ = watcher.watch(connection.into_owned()).await;
}
