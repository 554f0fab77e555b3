//! The DNS of a world: one knotd, authoritative for everything, on an address of its own in 127/8.
//!
//! The address is bound at once, and knotd starts behind it when the first question comes: a test that asks nothing starts
//! nothing.
//!
//! | zone | |
//! |---|---|
//! | `.` | signed; its key is the trust anchor |
//! | `example.` | signed, delegated with a DS; negative answers proven with NSEC; holds the world's hosts |
//! | `insecure.example.` | delegated without a DS, unsigned: provably nothing to validate |
//! | `bogus.example.` | signed, but the DS in `example.` is of another key: must fail validation |
//! | `broken.example.` | delegated, but the server has no data: SERVFAIL |

mod knot;
mod zones;

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

pub use zones::{txt_strings, txt_value};

use crate::programs;
use crate::relay::relay;
use knot::Knot;
use zones::Zones;

/// As long as knotd may think about a question.
const PATIENCE: Duration = Duration::from_secs(10);

/// The DNS of a world; stops when dropped.
#[derive(Debug)]
pub struct Dns {
    address: SocketAddrV4,
    knot: Arc<Mutex<Knot>>,
    threads: Vec<JoinHandle<()>>,
}

impl Dns {
    /// Listens, with the files of knotd in `directory`.
    ///
    /// # Panics
    ///
    /// When knot is not installed, or no address can be had.
    #[must_use]
    pub fn start(directory: &Path, hosts: &[String]) -> Self {
        // Missing programs are named by the test's own thread.
        for program in ["knotd", "knotc", "keymgr"] {
            let _ = programs::find(program);
        }
        let (udp, tcp, address) = listen(directory);
        let zones = Zones::new(directory, *address.ip(), hosts);
        let knot = Arc::new(Mutex::new(Knot::new(directory, behind(address), zones)));
        let (for_udp, for_tcp) = (Arc::clone(&knot), Arc::clone(&knot));
        // These start knotd, which dies with the thread that did, and they last as long as it must.
        let threads = vec![
            std::thread::spawn(move || forward_udp(&udp, &for_udp)),
            std::thread::spawn(move || forward_tcp(&tcp, &for_tcp)),
        ];
        Self { address, knot, threads }
    }

    /// Where to ask: `127.x.y.z:port`, UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// The trust anchor: the root's DNSKEY in presentation format.
    #[must_use]
    pub fn trust_anchor(&self) -> PathBuf {
        lock(&self.knot).trust_anchor()
    }

    /// Replaces all records of one type at `name` and serves them before it returns.
    /// Each value is the text after the type: `"\"a\" \"b\""` for `TXT`, `"other.example."` for `CNAME`.
    ///
    /// # Panics
    ///
    /// When knotd refuses the zone.
    pub fn set(&self, name: &str, kind: &str, values: &[String]) {
        let mut knot = lock(&self.knot);
        knot.zones.set(name, kind, values);
        knot.reload(name);
    }

    /// Removes everything at `name`, so that the name itself does not exist any more.
    ///
    /// # Panics
    ///
    /// When knotd refuses the zone.
    pub fn remove(&self, name: &str) {
        let mut knot = lock(&self.knot);
        knot.zones.remove(name);
        knot.reload(name);
    }

    /// Stops answering, for good: nobody listens at the address any more.
    pub fn stop(&mut self) {
        lock(&self.knot).stop();
        // Wakes the threads, which then see that it was stopped.
        let _ = UdpSocket::bind(("127.0.0.1", 0)).and_then(|socket| socket.send_to(&[], self.address));
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop();
    }
}

fn lock(knot: &Mutex<Knot>) -> MutexGuard<'_, Knot> {
    knot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Listens on an address that no other world has. Root has port 53, so that asking a zone's own servers works too.
fn listen(directory: &Path) -> (UdpSocket, TcpListener, SocketAddrV4) {
    use std::hash::{BuildHasher, Hasher, RandomState};
    for _ in 0..5 {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write(directory.as_os_str().as_encoded_bytes());
        let [a, b, c, ..] = hasher.finish().to_be_bytes();
        let ip = Ipv4Addr::new(127, a.clamp(1, 254), b, c.clamp(1, 254));
        for port in [53, 5300] {
            let address = SocketAddrV4::new(ip, port);
            if let (Ok(udp), Ok(tcp)) = (UdpSocket::bind(address), TcpListener::bind(address)) {
                return (udp, tcp, address);
            }
        }
    }
    panic!("no address can be had for the world's DNS");
}

/// Where knotd listens for this address of the world.
fn behind(address: SocketAddrV4) -> SocketAddrV4 {
    SocketAddrV4::new(*address.ip(), address.port() + 1)
}

/// One question after the other: knotd answers each at once.
fn forward_udp(socket: &UdpSocket, knot: &Mutex<Knot>) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    while let Ok((length, client)) = socket.recv_from(&mut buffer) {
        let Some(server) = lock(knot).started() else { return };
        if let Ok(answer) = ask(server, &buffer[..length]) {
            let _ = socket.send_to(&answer, client);
        }
    }
}

fn ask(server: SocketAddrV4, question: &[u8]) -> io::Result<Vec<u8>> {
    // A new socket each time: a late answer must not be taken for that to the next question.
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(question)?;
    let mut answer = vec![0; usize::from(u16::MAX)];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn forward_tcp(listener: &TcpListener, knot: &Mutex<Knot>) {
    for client in listener.incoming().flatten() {
        let Some(server) = lock(knot).started() else { return };
        std::thread::spawn(move || TcpStream::connect(server).and_then(|server| relay(client, server)));
    }
}
