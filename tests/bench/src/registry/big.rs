//! Memory and start with a million releases.
//!
//! They are generated ([`generate`]). The registry was killed before the start that is measured, so its database has a log
//! to go through; the operating system has the files in its cache.

mod generate;

use super::disk::Scratch;
use super::http::{Connection, request};
use super::publishes::{self, send_all};
use super::{Scale, step, timed};
use generate::{WITH_CRATE, crate_file, index_file, krate, namespace};
use namespace_world::figures::Numbers;
use namespace_world::registry::Front;
use namespace_world::{Author, LiveRegistry, World};

/// Searches, each in another namespace.
const SEARCHES: usize = 200;
/// Releases that are published.
const PUBLISHES: usize = 320;
/// A stride that visits every crate before it comes to one again: a prime, and no divisor of their number.
const STRIDE: usize = 7_919;

/// Measures.
pub fn measure(world: &World, disk: &Scratch, author: &Author, scale: Scale) -> Numbers {
    let directory = disk.directory("big");
    let start = || LiveRegistry::start_in(world, &directory, "", Front::Behind);
    // The schema is the registry's own.
    drop(start());
    step(&format!("generating {} crates with {} releases each", scale.generated, scale.releases_each));
    let data = directory.join("data");
    let ((), generation) = timed(|| generate::all(&data, author, scale));
    let database = std::fs::metadata(data.join("registry.db")).expect("the database is there").len();
    // Once more, so that what is measured finds what a kill leaves.
    let earlier = start();
    send_all(earlier.address(), &[publish(author, 0, 999)]);
    drop(earlier);
    let (registry, startup) = timed(|| {
        let registry = start();
        Connection::open(registry.address()).get(&format!("/{}", index_file(0)));
        registry
    });
    let idle = registry.memory_mib("VmRSS");
    step("reading, searching and publishing there");
    let reads: Vec<Vec<u8>> = (0..scale.reads).map(|read| read_of(read, scale)).collect();
    let (_, reading) = timed(|| send_all(registry.address(), &reads));
    let searches: Vec<Vec<u8>> = (0..SEARCHES).map(|at| search_of(at, scale)).collect();
    let (_, searching) = timed(|| send_all(registry.address(), &searches));
    let count = PUBLISHES.min(scale.generated);
    let releases: Vec<_> =
        (0..count).map(|at| publish(author, at * STRIDE % scale.generated, 1_000)).collect();
    let (_, publishing) = timed(|| send_all(registry.address(), &releases));
    let mut numbers = Numbers::default();
    // The most that it ever took, which is stricter than what it takes afterwards.
    numbers.put("resident_mib_1m_versions", registry.memory_mib("VmHWM"));
    numbers.put("resident_mib_after_load", registry.memory_mib("VmRSS"));
    numbers.put("resident_mib_idle", idle);
    numbers.put("startup_s", startup);
    numbers.put("generated_crates", scale.generated as f64);
    numbers.put("generated_versions", (scale.generated * scale.releases_each) as f64);
    numbers.put("generation_s", generation);
    numbers.put("database_mib", database as f64 / f64::from(1 << 20));
    numbers.put("big_reads_per_second", scale.reads as f64 / reading);
    numbers.put("big_searches_per_second", SEARCHES as f64 / searching);
    numbers.put("big_publishes_per_second", count as f64 / publishing);
    numbers
}

/// Index files all over, half of them compressed, and some .crates.
fn read_of(read: usize, scale: Scale) -> Vec<u8> {
    let at = read * STRIDE % scale.generated;
    let path = if at.is_multiple_of(WITH_CRATE) { crate_file(at, 0) } else { index_file(at) };
    let gzip = if read.is_multiple_of(2) { "\r\nAccept-Encoding: gzip" } else { "" };
    request(&format!("GET /{path}{gzip}"), b"")
}

fn search_of(search: usize, scale: Scale) -> Vec<u8> {
    let at = search * STRIDE % scale.generated;
    request(&format!("GET /ns/{}/api/v1/crates?q={at}&per_page=10", namespace(at)), b"")
}

/// A further release of a generated crate, by the key that owns them all.
fn publish(author: &Author, at: usize, minor: usize) -> Vec<u8> {
    let author = Author { key: author.key.clone(), ..Author::new(&namespace(at)) };
    publishes::publish(&author, &krate(at), minor)
}
