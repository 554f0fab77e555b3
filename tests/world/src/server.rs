//! HTTPS servers that a test writes itself: [`Server`] answers by a function, [`HostileHost`] misbehaves.
//!
//! HTTP/1.1, one request a connection, a thread a connection. [`World::route`] brings a host to it.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use flate2::{Compress, Compression, FlushCompress};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::authority::Certificate;
use crate::world::World;

/// What a client asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// `GET`, `PUT`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    /// Whether it comes from Cargo, by its own word.
    #[must_use]
    pub fn is_from_cargo(&self) -> bool {
        self.header("user-agent").is_some_and(|agent| agent.starts_with("cargo/1."))
    }
}

/// What a server answers.
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// Any status, with a body.
    #[must_use]
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// 200.
    #[must_use]
    pub fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::new(200, body)
    }

    /// 404.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not found\n")
    }

    /// 302 to `location`.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::new(302, "").header("Location", location)
    }

    /// With one header more.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes it to a connection, which is closed afterwards.
    ///
    /// # Errors
    ///
    /// The client hangs up.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        write!(
            stream,
            "HTTP/1.1 {} x\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.status,
            self.body.len()
        )?;
        for (name, value) in &self.headers {
            write!(stream, "{name}: {value}\r\n")?;
        }
        stream.write_all(b"\r\n")?;
        stream.write_all(&self.body)
    }
}

/// The plain text inside a TLS connection.
pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// A TLS server on loopback for one host of a world. It stops accepting when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Serves `host` with the answers of `handler`, in place of nginx.
    #[must_use]
    pub fn start(
        world: &World,
        host: &str,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::raw(world, host, host, move |request, stream| handler(request).write(stream))
    }

    /// As [`Self::start`], with a certificate for `certified` and a handler that writes to the connection itself.
    #[must_use]
    pub fn raw(
        world: &World,
        host: &str,
        certified: &str,
        handler: impl Fn(&Request, &mut Stream) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen for a test server");
        let address = listener.local_addr().expect("a test server has an address");
        let certificate =
            world.authority().certify(&format!("server-{}", address.port()), &[certified.to_owned()]);
        let config = Arc::new(tls_config(&certificate));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let server = Self { address, requests: Arc::clone(&requests), stopped: Arc::clone(&stopped) };
        let handler = Arc::new(handler);
        std::thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (config, requests, handler) =
                    (Arc::clone(&config), Arc::clone(&requests), Arc::clone(&handler));
                std::thread::spawn(move || {
                    // A client that hangs up, or refuses the certificate, is what some tests are about.
                    let _ = serve(socket, config, &requests, handler.as_ref());
                });
            }
        });
        world.route(host, address);
        server
    }

    /// Answers plain http on loopback, at [`Server::address`].
    #[must_use]
    pub fn plain(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen for a test server");
        let address = listener.local_addr().expect("a test server has an address");
        let (requests, stopped) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let server = Self { address, requests: Arc::clone(&requests), stopped: Arc::clone(&stopped) };
        std::thread::spawn(move || {
            for mut socket in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let _ = socket.set_read_timeout(Some(Duration::from_secs(60)));
                let Ok(request) = read_request(&mut socket) else { continue };
                requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
                let _ = handler(&request).write(&mut socket);
            }
        });
        server
    }

    /// Where it listens, for [`World::route`] of further hosts.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Every request so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn tls_config(certificate: &Certificate) -> ServerConfig {
    let chain = CertificateDer::pem_file_iter(&certificate.chain)
        .expect("open the certificate")
        .collect::<Result<Vec<_>, _>>()
        .expect("parse the certificate");
    let key = PrivateKeyDer::from_pem_file(&certificate.key).expect("parse the key");
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the default versions are supported")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("the certificate is usable")
}

fn serve(
    socket: TcpStream,
    config: Arc<ServerConfig>,
    requests: &Mutex<Vec<Request>>,
    handler: &impl Fn(&Request, &mut Stream) -> io::Result<()>,
) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut stream = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, socket);
    let request = read_request(&mut stream)?;
    requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    handler(&request, &mut stream)?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn read_request(stream: &mut (impl Read + Write)) -> io::Result<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request {
        method: first.next().unwrap_or_default(),
        path: first.next().unwrap_or_default(),
        headers,
        body: Vec::new(),
    };
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body)?;
    Ok(request)
}

/// Hosts that do what a host should not. Each takes `host` over from nginx until [`World::bring_up`].
#[derive(Debug)]
pub struct HostileHost;

impl HostileHost {
    /// Answers every request with a body without end.
    #[must_use]
    pub fn endless(world: &World, host: &str) -> Server {
        Server::raw(world, host, host, |_, stream| {
            stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b' '; 16 * 1024])?;
            }
        })
    }

    /// Serves the host's files; to Cargo alone, paths that end in `path` inflate without end.
    #[must_use]
    pub fn endless_for_cargo(world: &World, host: &str, path: &'static str) -> Server {
        let root = world.web_root(host);
        Server::raw(world, host, host, move |request, stream| {
            if request.is_from_cargo() && request.path.ends_with(path) {
                return Self::zeros(stream);
            }
            let file = std::fs::read(root.join(&request.path[1..]));
            file.map_or_else(|_| Response::not_found(), Response::ok).write(stream)
        })
    }

    /// Answers with zeros without end, compressed to a thousandth.
    ///
    /// # Errors
    ///
    /// The client hangs up.
    pub fn zeros(stream: &mut Stream) -> io::Result<()> {
        let mut mebibyte = Vec::with_capacity(1 << 16);
        let mut compress = Compress::new(Compression::best(), false);
        compress
            .compress_vec(&vec![0; 1 << 20], &mut mebibyte, FlushCompress::Full)
            .map_err(io::Error::other)?;
        stream.write_all(b"HTTP/1.1 200 x\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n")?;
        stream.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])?;
        loop {
            stream.write_all(&mebibyte)?;
        }
    }

    /// Announces a body and sends one byte of it every `pause`.
    #[must_use]
    pub fn slow(world: &World, host: &str, pause: Duration) -> Server {
        Server::raw(world, host, host, move |_, stream| {
            stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\n")?;
            loop {
                stream.write_all(b" ")?;
                stream.flush()?;
                std::thread::sleep(pause);
            }
        })
    }

    /// Accepts the request and never answers.
    #[must_use]
    pub fn silent(world: &World, host: &str) -> Server {
        Server::raw(world, host, host, |_, stream| stream.read(&mut [0]).map(|_| ()))
    }

    /// Answers every request with this status.
    #[must_use]
    pub fn status(world: &World, host: &str, status: u16) -> Server {
        Server::start(world, host, move |_| Response::new(status, "no\n"))
    }

    /// Shows a certificate of the world's authority, but for another host.
    #[must_use]
    pub fn wrong_certificate(world: &World, host: &str) -> Server {
        Server::raw(world, host, "somebody-else.example", |_, stream| Response::not_found().write(stream))
    }

    /// Redirects every request to the same path below `base`, such as `https://other.example`.
    #[must_use]
    pub fn redirect(world: &World, host: &str, base: &str) -> Server {
        let base = base.to_owned();
        Server::start(world, host, move |request| Response::redirect(&format!("{base}{}", request.path)))
    }

    /// Sends headers without end.
    #[must_use]
    pub fn endless_headers(world: &World, host: &str) -> Server {
        Server::raw(world, host, host, |_, stream| {
            stream.write_all(b"HTTP/1.1 200 x\r\n")?;
            loop {
                stream
                    .write_all(b"X-Padding: padding padding padding padding padding padding padding\r\n")?;
            }
        })
    }

    /// Promises more than it sends, and hangs up.
    #[must_use]
    pub fn truncated(world: &World, host: &str) -> Server {
        Server::raw(world, host, host, |_, stream| {
            stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 100000\r\n\r\nshort")
        })
    }
}
