//! One index file, read as fast as it goes: from the registry, and from nginx that serves the very same file.
//!
//! Both speak plain HTTP/1.1 and compress nothing (`wrk` does not ask for it). nginx has as many workers as there are cores,
//! `sendfile`, `tcp_nopush`, an open-file cache, connections that stay open and no access log; the registry has no settings.
//! A 304 is asked for with the tag that each gave.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use super::disk::Scratch;
use super::http::Connection;
use super::{HOST, Scale, step};
use namespace_world::figures::Numbers;
use namespace_world::figures::median;
use namespace_world::registry::Front;
use namespace_world::{LiveRegistry, World, programs, web};

/// At a time.
const CONNECTIONS: u32 = 32;
/// Releases in the file, and its bytes.
const RELEASES: usize = 200;
const BYTES: usize = 75_000;

/// What `wrk` saw in one round.
struct Round {
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Measures.
pub fn measure(world: &World, disk: &Scratch, scale: Scale) -> Numbers {
    let directory = disk.directory("reads");
    let path = format!("index/{HOST}/me/as/measured");
    let objects = directory.join("data/objects");
    let file = objects.join(&path);
    fs::create_dir_all(file.parent().expect("a file is in a directory")).expect("create a directory");
    fs::write(&file, index_file()).expect("write an index file");
    let registry = LiveRegistry::start_in(world, &directory, "", Front::Behind);
    let nginx = Nginx::start(&disk.directory("nginx"), &objects);
    let mut numbers = Numbers::default();
    for (kind, conditional) in [("index", false), ("not_modified", true)] {
        step(&format!("{kind}: {} rounds of {:?} each", scale.rounds, scale.round));
        let (mut ours, mut nginxs) = (Vec::new(), Vec::new());
        for round in 0..scale.rounds {
            // In turns, and each of the two first as often as second.
            if round % 2 == 0 {
                ours.push(wrk(registry.address(), &path, conditional, scale.round));
                nginxs.push(wrk(nginx.address, &path, conditional, scale.round));
            } else {
                nginxs.push(wrk(nginx.address, &path, conditional, scale.round));
                ours.push(wrk(registry.address(), &path, conditional, scale.round));
            }
        }
        let ratios: Vec<f64> =
            ours.iter().zip(&nginxs).map(|(our, nginx)| our.per_second / nginx.per_second).collect();
        numbers.put(&format!("{kind}_vs_nginx"), median(&ratios));
        for (who, rounds) in [("registry", ours), ("nginx", nginxs)] {
            let of = |field: fn(&Round) -> f64| median(&rounds.iter().map(field).collect::<Vec<_>>());
            numbers.put(&format!("{kind}_{who}_per_second"), of(|round| round.per_second));
            numbers.put(&format!("{kind}_{who}_p50_ms"), of(|round| round.p50_ms));
            numbers.put(&format!("{kind}_{who}_p99_ms"), of(|round| round.p99_ms));
        }
    }
    numbers
}

/// Releases with some dependencies, as on crates.io.
fn index_file() -> String {
    let line = |at: usize, dependencies: &str| {
        let cksum = cargo_namespaces::digest::Digest::of(&at.to_le_bytes());
        format!(
            "{{\"name\":\"measured\",\"vers\":\"1.{at}.0\",\"deps\":[{dependencies}],\"cksum\":\"{cksum}\",\"features\":{{}},\"yanked\":false}}"
        )
    };
    let dependency = |padding: usize| {
        format!(
            "{{\"name\":\"serde\",\"req\":\"^1\",\"features\":[\"derive{}\"],\"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"normal\"}}",
            "x".repeat(padding)
        )
    };
    let bare: usize = (0..RELEASES).map(|at| line(at, &dependency(0)).len() + 1).sum();
    let missing = BYTES - bare;
    let padding = |at: usize| missing / RELEASES + usize::from(at < missing % RELEASES);
    (0..RELEASES).map(|at| line(at, &dependency(padding(at))) + "\n").collect()
}

fn wrk(address: SocketAddr, path: &str, conditional: bool, time: Duration) -> Round {
    let answer = Connection::open(address).get(&format!("/{path}"));
    assert_eq!(answer.body.len(), BYTES);
    let mut command = programs::command("wrk");
    command.args(["--latency", "--threads", "2", "--connections", &CONNECTIONS.to_string()]);
    command.args(["--duration", &format!("{}s", time.as_secs())]);
    if conditional {
        let tag = answer.etag.expect("an index file has a tag");
        let again = format!("GET /{path}\r\nIf-None-Match: {tag}");
        let answer = Connection::open(address).send(&super::http::request(&again, b""));
        assert_eq!(answer.status, 304, "the tag is known again");
        command.args(["--header", &format!("If-None-Match: {tag}")]);
    }
    let output = command.arg(format!("http://{address}/{path}")).output().expect("start wrk");
    let text = String::from_utf8_lossy(&output.stdout);
    let failed = text.contains("Non-2xx") || text.contains("Socket errors");
    assert!(output.status.success() && !failed, "wrk met errors:\n{text}");
    parse(&text).unwrap_or_else(|| panic!("wrk says:\n{text}"))
}

fn parse(text: &str) -> Option<Round> {
    let after = |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name)).map(str::trim);
    let time = |name: &str| {
        let value = after(name)?;
        let at = value.find(|c: char| c.is_ascii_alphabetic())?;
        let scale = match &value[at..] {
            "us" => 0.001,
            "ms" => 1.0,
            "s" => 1000.0,
            _ => return None,
        };
        Some(value[..at].parse::<f64>().ok()? * scale)
    };
    Some(Round {
        per_second: after("Requests/sec:")?.parse().ok()?,
        p50_ms: time("50%")?,
        p99_ms: time("99%")?,
    })
}

/// A running nginx; killed when dropped, with its workers.
struct Nginx {
    address: SocketAddr,
    child: Child,
}

impl Nginx {
    fn start(directory: &Path, root: &Path) -> Self {
        // A port that was free a moment ago; two measurements at a time make no sense anyway.
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("find a free port");
        let address = free.local_addr().expect("a listener has an address");
        drop(free);
        let child = web::spawn(directory, &config(directory, root, address));
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(address).is_err() {
            let said = fs::read_to_string(directory.join("error.log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "nginx did not start:\n{said}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { address, child }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Asked to end, the master takes its workers with it; killed, it would leave them.
        let asked = programs::command("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn config(directory: &Path, root: &Path, address: SocketAddr) -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (directory, root) = (directory.display(), root.display());
    // `user` counts for root only, whose files another user's workers could not read.
    format!(
        r#"daemon off;
user root;
worker_processes {cores};
pid "{directory}/nginx.pid";
error_log "{directory}/error.log" warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 65;
    keepalive_requests 1000000;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 1s;
    default_type text/plain;
    client_body_temp_path "{directory}/body";
    proxy_temp_path "{directory}/proxy";
    fastcgi_temp_path "{directory}/fastcgi";
    uwsgi_temp_path "{directory}/uwsgi";
    scgi_temp_path "{directory}/scgi";
    server {{
        listen {address};
        root "{root}";
    }}
}}
"#
    )
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::index::parse_index_file;

    use super::*;

    #[test]
    fn the_file_is_an_index_of_the_size_that_is_named() {
        let file = index_file();
        assert_eq!(file.len(), BYTES);
        assert_eq!(parse_index_file(file.as_bytes()).unwrap().len(), RELEASES);
    }

    #[test]
    fn what_wrk_says_is_read() {
        let text =
            "  Latency Distribution\n     50%    1.50ms\n     99%  900.00us\nRequests/sec:  12345.67\n";
        let round = parse(text).unwrap();
        assert!((round.per_second - 12345.67).abs() < 0.001);
        assert!((round.p50_ms - 1.5).abs() < 0.001 && (round.p99_ms - 0.9).abs() < 0.001);
        assert!(parse("Requests/sec: none").is_none());
    }
}
