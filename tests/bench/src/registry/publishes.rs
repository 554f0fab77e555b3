//! Publishing, 16 at a time.
//!
//! Each crate's first release goes before, through the validator and a domain's record as for anybody; what is measured are
//! further releases by the crates' owner. Packages and signatures are made before the clock starts, for a publisher's
//! machine makes them in life. An acknowledgement is 200; afterwards every release must stand in its index file.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::disk::Scratch;
use super::http::{Connection, request};
use super::{Scale, quantile, step, timed};
use namespace_world::figures::Numbers;
use namespace_world::registry::{Front, publish_body};
use namespace_world::{Archive, Author, LiveRegistry, World};

/// Publishers at a time.
pub const AT_A_TIME: usize = 16;
/// Bytes of code in a package; they are words, and compress to about a third.
const CODE: usize = 9_000;

/// Measures.
pub fn measure(world: &World, disk: &Scratch, author: &Author, scale: Scale) -> Numbers {
    let registry = LiveRegistry::start_in(world, &disk.directory("publishes"), "", Front::Behind);
    let address = registry.address();
    let names: Vec<String> = (0..scale.crates).map(|at| format!("published-{at}")).collect();
    step(&format!("publishes: {} crates, then {} releases of each", scale.crates, scale.releases));
    let firsts: Vec<Vec<u8>> = names.iter().map(|name| publish(author, name, 0)).collect();
    let (_, first_seconds) = timed(|| send_all(address, &firsts));
    let requests: Vec<Vec<u8>> =
        (1..=scale.releases).flat_map(|at| names.iter().map(move |name| publish(author, name, at))).collect();
    let bytes: usize = requests.iter().map(Vec::len).sum();
    let cpu = registry.cpu_seconds();
    let (mut times, seconds) = timed(|| send_all(address, &requests));
    let cpu = registry.cpu_seconds() - cpu;
    times.sort_by(f64::total_cmp);
    let mut connection = Connection::open(address);
    for name in &names {
        let file = connection.get(&index_path(author, name)).body;
        let releases = file.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(releases, scale.releases + 1, "every release of {name} that was acknowledged is listed");
    }
    let count = requests.len() as f64;
    let mut numbers = Numbers::default();
    numbers.put("publishes_per_second", count / seconds);
    numbers.put("publish_p99_ms", quantile(&times, 0.99));
    numbers.put("publish_p50_ms", quantile(&times, 0.5));
    numbers.put("publish_max_ms", quantile(&times, 1.0));
    numbers.put("publishes", count);
    numbers.put("publish_bytes", bytes as f64 / count);
    numbers.put("publish_cpu_ms", cpu * 1000.0 / count);
    numbers.put("first_publishes_per_second", scale.crates as f64 / first_seconds);
    numbers
}

/// Where a crate with a long name has its index file.
pub fn index_path(author: &Author, name: &str) -> String {
    format!("/index/{}/{}", author.namespace, namespace_world::world::index_path(name))
}

/// The request that publishes version `1.<at>.0`.
pub fn publish(author: &Author, name: &str, at: usize) -> Vec<u8> {
    let version = format!("1.{at}.0");
    let archive = Archive::package(name, &version).file("src/code.rs", code(name, at)).build();
    let token = author.publish_token(name, &version, &archive);
    let head = format!("PUT /ns/{}/api/v1/crates/new\r\nAuthorization: {token}", author.namespace);
    request(&head, &publish_body(name, &version, &archive))
}

/// Text that no two releases share and that compresses as code does.
fn code(name: &str, at: usize) -> String {
    let mut state = cargo_namespaces::digest::Digest::of(format!("{name} {at}").as_bytes()).to_string();
    let mut text = String::new();
    while text.len() < CODE {
        text.push_str(&format!("pub fn f{}() -> &'static str {{ \"{}\" }}\n", &state[..6], &state[6..26]));
        state = cargo_namespaces::digest::Digest::of(state.as_bytes()).to_string();
    }
    text
}

/// Sends all, so many at a time; how many milliseconds each took.
pub fn send_all(address: SocketAddr, requests: &[Vec<u8>]) -> Vec<f64> {
    let next = AtomicUsize::new(0);
    let times = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                let mut connection = Connection::open(address);
                let mut own = Vec::new();
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begin = Instant::now();
                    let answer = connection.send(request);
                    own.push(begin.elapsed().as_secs_f64() * 1000.0);
                    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
                }
                times.lock().expect("nobody panics with the times").extend(own);
            });
        }
    });
    times.into_inner().expect("nobody panics with the times")
}
