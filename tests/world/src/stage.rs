//! A registry to do harm to: one crate, one author, plain HTTP, and the questions that are asked after every harm.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::{IndexLine, parse_index_file};
use serde_json::Value;

use crate::plain_http::{Answer, exchange};
use crate::registry::{Front, publish_body};
use crate::{Archive, Author, LiveRegistry, World};

/// A world with a registry, and an author whose domain lists the key.
#[derive(Debug)]
pub struct Stage {
    pub registry: LiveRegistry,
    /// The author.
    pub author: Author,
    /// The world.
    pub world: World,
}

const INDEX: &str = "/index/hello.example/he/ll/hello";

impl Stage {
    /// With further settings, and by way of another program as [`LiveRegistry::start_within`] takes it; `@DATA` in its
    /// words is the data directory.
    ///
    /// # Panics
    ///
    /// When the world or the registry does not start.
    #[must_use]
    pub fn set(settings: &str, within: &[&str]) -> Self {
        let world = World::new(&["hello.example"]);
        let author = Author::new("hello.example");
        let record = format!("{}\n", author.record("hello.example"));
        world.serve("hello.example", ".well-known/cargo-publishers", record);
        let data = world.root().join("registry/data");
        fs::create_dir_all(&data).expect("create the data directory");
        let within: Vec<String> =
            within.iter().map(|word| word.replace("@DATA", &data.display().to_string())).collect();
        let within: Vec<&str> = within.iter().map(String::as_str).collect();
        let registry = LiveRegistry::start_within(&world, settings, Front::Behind, &within);
        Self { registry, author, world }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.registry.address()
    }

    /// The data directory, as the registry's process sees it.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        let inside = self.world.root().join("registry/data");
        let relative = inside.strip_prefix("/").expect("a world has an absolute path");
        PathBuf::from(format!("/proc/{}/root", self.registry.pid())).join(relative)
    }

    /// Publishes `hello` of this version, with a file of `filling` in it.
    ///
    /// # Errors
    /// The connection breaks.
    pub fn publish(&self, version: &str, filling: &[u8]) -> std::io::Result<Answer> {
        publish_to(self.address(), &self.author, version, filling)
    }

    /// Publishes, and it succeeds.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn publishes(&self, version: &str) {
        let answer = self.publish(version, b"").expect("the registry answers");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Publishes until it succeeds, as somebody would who tries again; how long it took.
    ///
    /// # Panics
    ///
    /// When it does not within a minute.
    #[track_caller]
    pub fn publishes_again(&self, version: &str) -> Duration {
        let begin = Instant::now();
        loop {
            let answer = self.publish(version, b"").expect("the registry answers");
            if answer.status == 200 {
                return begin.elapsed();
            }
            assert!(begin.elapsed() < Duration::from_secs(60), "it does not come back: {}", answer.text());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Asks for a path.
    ///
    /// # Panics
    ///
    /// When nothing is answered.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Answer {
        exchange(self.address(), &format!("GET {path} HTTP/1.1"), b"").expect("the registry answers")
    }

    /// The index file's lines.
    ///
    /// # Panics
    ///
    /// When it is not served.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Vec<IndexLine> {
        let answer = self.get(INDEX);
        assert_eq!(answer.status, 200, "{}", answer.text());
        parse_index_file(&answer.body).expect("the index file is whole")
    }

    /// Every line's .crate and envelope are served whole, and the crate's rows hold no fewer and no more than its index
    /// file. The versions.
    ///
    /// # Panics
    ///
    /// When that is not so.
    #[track_caller]
    pub fn agrees(&self) -> BTreeSet<String> {
        let lines = self.whole();
        let rows = self.get("/api/v1/crate/hello.example/hello");
        assert_eq!(rows.status, 200, "{}", rows.text());
        let rows: Value = serde_json::from_slice(&rows.body).expect("JSON");
        let rows: BTreeMap<String, String> = rows["versions"]
            .as_array()
            .expect("a list of versions")
            .iter()
            .map(|row| {
                (row["version"].to_string().replace('"', ""), row["cksum"].to_string().replace('"', ""))
            })
            .collect();
        let index: BTreeMap<String, String> =
            lines.iter().map(|line| (line.vers.to_string(), line.cksum.to_string())).collect();
        assert_eq!(index, rows, "the index file and the rows hold the same releases");
        index.into_keys().collect()
    }

    /// Every line's .crate and envelope are served whole. The lines.
    ///
    /// # Panics
    ///
    /// When that is not so.
    #[track_caller]
    pub fn whole(&self) -> Vec<IndexLine> {
        let lines = self.lines();
        for line in &lines {
            let path = format!("/index/hello.example/crates/hello/hello-{}", line.vers);
            let archive = self.get(&format!("{path}.crate"));
            assert_eq!(archive.status, 200, "{path}.crate is in the index");
            assert_eq!(Digest::of(&archive.body), line.cksum, "{path}.crate is whole");
            assert_eq!(self.get(&format!("{path}.dsse.json")).status, 200, "{path} has its envelope");
        }
        lines
    }

    /// Waits until the index holds a version.
    ///
    /// # Panics
    ///
    /// When it does not come within a minute.
    #[track_caller]
    pub fn appears(&self, version: &str) -> Duration {
        let begin = Instant::now();
        while !self.lines().iter().any(|line| line.vers.to_string() == version) {
            assert!(begin.elapsed() < Duration::from_secs(60), "{version} does not appear by itself");
            std::thread::sleep(Duration::from_millis(50));
        }
        begin.elapsed()
    }

    /// How long an answer with this status takes, of so many the longest, in milliseconds.
    ///
    /// # Panics
    ///
    /// When another status is answered.
    #[must_use]
    #[track_caller]
    pub fn longest_read(&self, times: usize) -> f64 {
        let one = || {
            let begin = Instant::now();
            assert_eq!(self.get(INDEX).status, 200);
            begin.elapsed().as_secs_f64() * 1000.0
        };
        (0..times).map(|_| one()).fold(0.0, f64::max)
    }
}

/// Publishes to a registry at an address, which may end meanwhile.
///
/// # Errors
/// The connection breaks.
pub fn publish_to(
    address: SocketAddr,
    author: &Author,
    version: &str,
    filling: &[u8],
) -> std::io::Result<Answer> {
    let archive = Archive::package("hello", version).file("filling", filling).build();
    let token = author.publish_token("hello", version, &archive);
    let head = format!("PUT /ns/hello.example/api/v1/crates/new HTTP/1.1\r\nAuthorization: {token}");
    exchange(address, &head, &publish_body("hello", version, &archive))
}

/// Bytes that do not compress, the same each time.
#[must_use]
pub fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        // xorshift: quick, and gzip finds nothing in it.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
