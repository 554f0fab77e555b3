//! The CONNECT proxy through which Cargo and the commands reach a world.
//!
//! `CONNECT host:443` goes to the world's nginx, to a server of the test ([`Proxy::route`]), or nowhere ([`Proxy::take_down`]);
//! a name under `.example` or `.test` that nobody serves does not exist; everything else (crates.io) is passed through.
//! Every target asked for is recorded.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::relay::{Connection, relay};
use crate::web::Web;

/// Where a CONNECT goes.
#[derive(Clone, Debug)]
enum Route {
    Nginx,
    Server(SocketAddr),
    Down,
}

#[derive(Debug, Default)]
struct State {
    routes: HashMap<String, Route>,
    contacted: Vec<String>,
    stopped: bool,
}

/// A running proxy; stops listening when dropped.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    /// Listens on a free port; `hosts` go to the web server.
    ///
    /// # Panics
    ///
    /// When no port can be had.
    #[must_use]
    pub fn start(web: Arc<Web>, hosts: &[String]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen for the proxy");
        let address = listener.local_addr().expect("the proxy has an address");
        let routes = hosts.iter().map(|host| (host.clone(), Route::Nginx)).collect();
        let state = Arc::new(Mutex::new(State { routes, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if lock(&shared).stopped {
                    return;
                }
                let (shared, web) = (Arc::clone(&shared), Arc::clone(&web));
                std::thread::spawn(move || {
                    // A client that goes away is its own affair.
                    let _ = serve(client, &shared, &web);
                });
            }
        });
        Self { address, state }
    }

    /// For `CARGO_HTTP_PROXY`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on `host` refuses connections.
    pub fn take_down(&self, host: &str) {
        self.set(host, Route::Down);
    }

    /// From now on `host` is nginx's (again).
    pub fn bring_up(&self, host: &str) {
        self.set(host, Route::Nginx);
    }

    /// From now on `host` is served by the TLS server at `address`.
    pub fn route(&self, host: &str, address: SocketAddr) {
        self.set(host, Route::Server(address));
    }

    /// Every CONNECT target so far, `host:port`, in order, repetitions included.
    #[must_use]
    pub fn contacted(&self) -> Vec<String> {
        lock(&self.state).contacted.clone()
    }

    /// Forgets what was contacted so far.
    pub fn forget(&self) {
        lock(&self.state).contacted.clear();
    }

    fn set(&self, host: &str, route: Route) {
        lock(&self.state).routes.insert(host.to_owned(), route);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        lock(&self.state).stopped = true;
        // Wakes the listening thread, which then sees that it is to stop.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn serve(mut client: TcpStream, state: &Mutex<State>, web: &Web) -> io::Result<()> {
    let head = read_head(&mut client)?;
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if method != "CONNECT" {
        // Plain http, which nobody here serves.
        lock(state).contacted.push(target.to_owned());
        return client
            .write_all(b"HTTP/1.1 405 Method Not Allowed\r\nAllow: CONNECT\r\nContent-Length: 0\r\n\r\n");
    }
    let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
    let route = {
        let mut state = lock(state);
        state.contacted.push(target.to_owned());
        state.routes.get(host).cloned()
    };
    let ours = [".example", ".test"].iter().any(|end| host.ends_with(end));
    match route {
        Some(Route::Nginx) => connect(client, web.connect()),
        Some(Route::Server(address)) => connect(client, TcpStream::connect(address)),
        Some(Route::Down) => refuse(client, "the host is down"),
        None if ours => refuse(client, "the host does not exist"),
        None => connect(client, outside(target)),
    }
}

/// Out to the real network, through this machine's own proxy if it has one.
fn outside(target: &str) -> io::Result<TcpStream> {
    let Some(proxy) = ["HTTPS_PROXY", "https_proxy"].iter().find_map(|name| std::env::var(name).ok()) else {
        return TcpStream::connect(target);
    };
    let proxy = proxy.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(proxy)?;
    write!(stream, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")?;
    let answer = read_head(&mut stream)?;
    if answer.split_whitespace().nth(1) == Some("200") { Ok(stream) } else { Err(io::Error::other(answer)) }
}

fn connect(client: TcpStream, server: io::Result<impl Connection>) -> io::Result<()> {
    match server {
        Ok(server) => tunnel(client, server),
        Err(error) => refuse(client, &error.to_string()),
    }
}

fn refuse(mut client: TcpStream, reason: &str) -> io::Result<()> {
    let reason = reason.replace(['\r', '\n'], " ");
    write!(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: {}\r\n\r\n{reason}", reason.len())
}

/// Reads up to the empty line, byte by byte so that nothing behind it is taken.
fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 16 * 1024 || stream.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(byte[0]);
    }
    stream.set_read_timeout(None)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

const ESTABLISHED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";

fn tunnel(mut client: TcpStream, server: impl Connection) -> io::Result<()> {
    client.set_nodelay(true)?;
    client.write_all(ESTABLISHED)?;
    relay(client, server)
}
