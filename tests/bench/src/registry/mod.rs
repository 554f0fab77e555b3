//! The registry: index reads against nginx, durable publishes, and what a million releases cost it.
//!
//! One real `cargo-nsregistry`, by plain HTTP on loopback, on a real disk. Whatever sends requests shares the machine with
//! whatever answers, so the figures are floors, and the two that compare with nginx are ratios of rounds taken in turns.
//!
//! | part | what is measured |
//! |---|---|
//! | [`reads`] | one index file of 200 releases, from the registry and from nginx on the same file; 200 and 304 |
//! | [`publishes`] | 16 publishers at a time, each release signed, checked, countersigned, durable and in the index |
//! | [`big`] | memory and start with 1,000,000 releases |

mod big;
mod disk;
mod http;
mod publishes;
mod reads;

use std::time::{Duration, Instant};

use namespace_world::figures::Numbers;
use namespace_world::{Author, World};

/// Whose crates are published.
const HOST: &str = "bench.example";

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Pairs of rounds, ours and nginx's, of each kind of read.
    pub rounds: u32,
    /// How long a round takes.
    pub round: Duration,
    /// Crates that are published to.
    pub crates: usize,
    /// Releases of each that are measured; its first one goes before.
    pub releases: usize,
    /// Crates that are generated.
    pub generated: usize,
    /// Releases of each.
    pub releases_each: usize,
    /// Index files that are read of them.
    pub reads: usize,
}

impl Scale {
    /// What the figures are for.
    pub const FULL: Self = Self {
        rounds: 5,
        round: Duration::from_secs(3),
        crates: 160,
        releases: 25,
        generated: 100_000,
        releases_each: 10,
        reads: 30_000,
    };
    /// Enough to see that everything is measured.
    pub const SMALL: Self = Self {
        rounds: 1,
        round: Duration::from_secs(1),
        crates: 4,
        releases: 8,
        generated: 1_000,
        releases_each: 10,
        reads: 500,
    };
}

/// Measures.
///
/// # Panics
///
/// When something fails.
#[must_use]
pub fn registry() -> Numbers {
    registry_at(Scale::FULL)
}

/// As [`registry`], with as much as is asked for.
///
/// # Panics
///
/// As [`registry`].
#[must_use]
pub fn registry_at(scale: Scale) -> Numbers {
    let mut numbers = Numbers::default();
    let world = World::new(&[HOST]);
    world.dns_records(HOST, "A", &["127.0.0.1"]);
    let author = Author::new(HOST);
    world.serve(HOST, ".well-known/cargo-publishers", format!("{}\n", author.record(HOST)));
    let disk = disk::Scratch::new();
    numbers.put("fdatasyncs_per_second_1", disk.syncs_per_second(1));
    numbers.put("fdatasyncs_per_second_16", disk.syncs_per_second(publishes::AT_A_TIME));
    numbers.extend(reads::measure(&world, &disk, scale));
    numbers.extend(publishes::measure(&world, &disk, &author, scale));
    numbers.extend(big::measure(&world, &disk, &author, scale));
    numbers
}

/// Says on stderr what is under way: the whole takes minutes.
fn step(text: &str) {
    eprintln!("bench: {text}");
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begin = Instant::now();
    let result = work();
    (result, begin.elapsed().as_secs_f64())
}

/// The value below which `share` of the sorted values lie.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the values")]
    let at = (sorted.len() as f64 * share) as usize;
    sorted[at.min(sorted.len() - 1)]
}
