//! Troubles of a web server with .crates: it is busy, or slow, or hangs up. nginx makes the first two itself, told by files
//! below a host's root; the third is a [`Front`] before it that cuts connections.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::world::World;

/// What is the matter with the .crates of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// They are answered with 403, 404, 429 or 503.
    Status(u16),
    /// Such answers carry `Retry-After: 2`.
    RetryAfter,
    /// Each comes at 20 kB a second.
    Slow,
}

/// One .crate as nginx delivered it.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// `HTTP/2.0`, `HTTP/1.1`.
    pub protocol: String,
    /// nginx's number of the connection.
    pub connection: String,
    pub status: u16,
    /// When it began, in seconds.
    pub began: f64,
    /// When it ended, in seconds.
    pub ended: f64,
    /// The path that was asked for.
    pub path: String,
    /// Who asked, by their own word.
    pub user_agent: String,
}

impl World {
    /// Begins a trouble.
    ///
    /// # Panics
    ///
    /// When nginx does not know the status.
    pub fn trouble(&self, host: &str, trouble: Trouble) {
        self.serve(host, &file_of(trouble), "");
    }

    /// Ends a trouble.
    ///
    /// # Panics
    ///
    /// When it had not begun.
    pub fn no_trouble(&self, host: &str, trouble: Trouble) {
        fs::remove_file(self.web_root(host).join(file_of(trouble))).expect("the trouble had begun");
    }

    /// Every answer to a question for a .crate of `host`, in the order in which they ended.
    #[must_use]
    pub fn deliveries(&self, host: &str) -> Vec<Delivery> {
        let log = fs::read_to_string(self.root().join("nginx/crates.log")).unwrap_or_default();
        log.lines().filter_map(|line| parse(line.strip_prefix(host)?.strip_prefix('\t')?)).collect()
    }

    /// How often nginx was asked for the .crate of this name on `host`.
    #[must_use]
    pub fn asked_for(&self, host: &str, file_name: &str) -> usize {
        self.deliveries(host).iter().filter(|found| found.path.ends_with(&format!("/{file_name}"))).count()
    }
}

fn file_of(trouble: Trouble) -> String {
    match trouble {
        Trouble::Status(status) => {
            assert!([403, 404, 429, 503].contains(&status), "nginx is not told how to answer {status}");
            format!(".status-{status}")
        }
        Trouble::RetryAfter => ".retry-after".to_owned(),
        Trouble::Slow => ".slow".to_owned(),
    }
}

fn parse(line: &str) -> Option<Delivery> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [protocol, connection, status, ended, took, path, user_agent] = fields[..] else { return None };
    let ended: f64 = ended.parse().ok()?;
    Some(Delivery {
        protocol: protocol.to_owned(),
        connection: connection.to_owned(),
        status: status.parse().ok()?,
        began: ended - took.parse::<f64>().ok()?,
        ended,
        path: path.to_owned(),
        user_agent: user_agent.to_owned(),
    })
}

/// A TCP front before a host's nginx that cuts connections in the middle.
#[derive(Debug)]
pub struct Front {
    address: std::net::SocketAddr,
    left: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

impl Front {
    /// Cuts the next `times` connections to `host` when the server has sent `after` bytes on them; others are carried whole.
    ///
    /// # Panics
    ///
    /// When no port can be had.
    #[must_use]
    pub fn cutting(world: &World, host: &str, times: usize, after: usize) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen for a front");
        let address = listener.local_addr().expect("a front has an address");
        let (left, stopped) = (Arc::new(AtomicUsize::new(times)), Arc::new(AtomicBool::new(false)));
        let front = Self { address, left: Arc::clone(&left), stopped: Arc::clone(&stopped) };
        let web = world.web();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let server = web.connect().expect("nginx listens");
                let left = Arc::clone(&left);
                std::thread::spawn(move || carry(client, server, after, &left));
            }
        });
        world.route(host, address);
        front
    }

    /// How many connections are still to be cut.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.load(Ordering::SeqCst)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn carry(mut client: TcpStream, mut server: UnixStream, after: usize, left: &AtomicUsize) {
    let (Ok(mut asking), Ok(mut asked)) = (client.try_clone(), server.try_clone()) else { return };
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut asking, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let (mut sent, mut buffer) = (0, [0; 4096]);
    while let Ok(length) = server.read(&mut buffer) {
        let one_less = |left: usize| left.checked_sub(1);
        if sent + length > after && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok() {
            break;
        }
        if length == 0 || client.write_all(&buffer[..length]).is_err() {
            break;
        }
        sent += length;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
}
