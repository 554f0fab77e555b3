//! The DNS of a world: one knotd, authoritative for everything, on an address of its own in 127/8.
//!
//! | zone | |
//! |---|---|
//! | `.` | signed; its key is the trust anchor |
//! | `example.` | signed, delegated with a DS; negative answers proven with NSEC; holds the world's hosts |
//! | `insecure.example.` | delegated without a DS, unsigned: provably nothing to validate |
//! | `bogus.example.` | signed, but the DS in `example.` is of another key: must fail validation |
//! | `broken.example.` | delegated, but the server has no data: SERVFAIL |

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::programs;

/// The signed zones, parents before children.
const SIGNED: [&str; 3] = [".", "example.", "bogus.example."];
/// All zones that have a zone file, most specific first.
const ZONES: [&str; 4] = ["bogus.example.", "insecure.example.", "example.", "."];

/// A running knotd; killed when dropped.
#[derive(Debug)]
pub struct Dns {
    zones: Zones,
    child: Child,
}

/// What is to be served.
#[derive(Debug)]
struct Zones {
    directory: PathBuf,
    address: SocketAddrV4,
    /// Text after the name in a zone file, such as `TXT "…"`, by absolute name with its final dot.
    records: BTreeMap<String, Vec<String>>,
    /// DS records of the signed zones, as lines of a zone file.
    delegations: BTreeMap<&'static str, String>,
    serial: u32,
}

impl Dns {
    /// Makes keys and zones in `directory`, and starts knotd.
    ///
    /// # Panics
    ///
    /// When knot is missing or does not come up.
    #[must_use]
    pub fn start(directory: &Path, hosts: &[String]) -> Self {
        fs::create_dir_all(directory.join("db")).expect("create knotd's directory");
        let mut zones = Zones::new(directory, hosts);
        zones.write();
        let mut dns = Self { child: spawn(directory), zones };
        // Another process may take the port between the choice and the start.
        for _ in 0..4 {
            match dns.wait_until_answering() {
                Ok(()) => return dns,
                Err(reason) => eprintln!("knotd did not start, trying another address: {reason}"),
            }
            dns.stop();
            dns.zones.address = pick_address(directory);
            dns.zones.write();
            dns.child = spawn(directory);
        }
        panic!("knotd did not start:\n{}", dns.log());
    }

    /// Where to ask: `127.x.y.z:port`, UDP and TCP.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        self.zones.address
    }

    /// The trust anchor: the root's DNSKEY in presentation format.
    #[must_use]
    pub fn trust_anchor(&self) -> PathBuf {
        self.zones.directory.join("root.key")
    }

    /// Replaces all records of one type at `name` and serves them before it returns.
    /// Each value is the text after the type: `"\"a\" \"b\""` for `TXT`, `"other.example."` for `CNAME`.
    ///
    /// # Panics
    ///
    /// When knotd refuses the zone.
    pub fn set(&mut self, name: &str, kind: &str, values: &[String]) {
        let records = self.zones.records.entry(absolute(name)).or_default();
        records.retain(|record| !record.starts_with(&format!("{kind} ")));
        records.extend(values.iter().map(|value| format!("{kind} {value}")));
        self.reload(name);
    }

    /// Removes everything at `name`, so that the name itself does not exist any more.
    ///
    /// # Panics
    ///
    /// When knotd refuses the zone.
    pub fn remove(&mut self, name: &str) {
        self.zones.records.remove(&absolute(name));
        self.reload(name);
    }

    /// Stops answering, for good.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn reload(&mut self, name: &str) {
        self.zones.write();
        let directory = &self.zones.directory;
        let zone = zone_of(&absolute(name));
        let output = programs::command("knotc")
            .arg("-s")
            .arg(directory.join("knot.sock"))
            .args(["-b", "-t", "60", "zone-reload", zone])
            .output()
            .expect("start knotc");
        assert!(
            output.status.success(),
            "knotd refuses zone {zone}:\n{}\n{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            fs::read_to_string(zone_file(directory, zone)).unwrap_or_default(),
            self.log(),
        );
    }

    fn wait_until_answering(&mut self) -> Result<(), String> {
        let expected = self.zones.directory.display().to_string();
        let deadline = Instant::now() + Duration::from_secs(20);
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().expect("ask for knotd's state") {
                return Err(format!("{status}\n{}", self.log()));
            }
            if self.log().contains("cannot bind") {
                return Err(self.log());
            }
            let answer = ask_txt(self.zones.address, "world.example").unwrap_or_default();
            if answer.windows(expected.len()).any(|window| window == expected.as_bytes()) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(self.log())
    }

    fn log(&self) -> String {
        ["stderr.log", "knotd.log"]
            .map(|name| fs::read_to_string(self.zones.directory.join(name)).unwrap_or_default())
            .concat()
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Zones {
    /// Makes the keys, too.
    fn new(directory: &Path, hosts: &[String]) -> Self {
        let mut records: BTreeMap<String, Vec<String>> =
            hosts.iter().map(|host| (absolute(host), vec!["A 127.0.0.1".to_owned()])).collect();
        // By this record a world recognises its own server.
        records.insert("world.example.".to_owned(), vec![format!("TXT \"{}\"", directory.display())]);
        let mut zones = Self {
            directory: directory.to_owned(),
            address: pick_address(directory),
            records,
            delegations: BTreeMap::new(),
            serial: 0,
        };
        zones.write_config();
        zones.delegations = make_keys(directory);
        zones
    }

    fn write_config(&self) {
        fs::write(self.directory.join("knot.conf"), config(&self.directory, self.address))
            .expect("write knot.conf");
    }

    fn write(&mut self) {
        self.write_config();
        self.serial += 10;
        for zone in ZONES {
            let text = self.text(zone);
            // Renamed into place: knotd must never read half a zone.
            let temporary = self.directory.join("zone.new");
            fs::write(&temporary, text).expect("write a zone");
            fs::rename(&temporary, zone_file(&self.directory, zone)).expect("put a zone in place");
        }
    }

    fn text(&self, zone: &str) -> String {
        let server = format!("ns.{}", if zone == "." { "example." } else { zone });
        // Negative answers live for five seconds: short, but long enough to be seen.
        let mut text = format!(
            "$TTL 60\n{zone} SOA {server} hostmaster.example. {} 3600 600 86400 5\n{zone} NS {server}\n",
            self.serial
        );
        let mut line = |line: &str| writeln!(text, "{line}").expect("write to a string");
        line(&format!("{server} A {}", self.address.ip()));
        match zone {
            "." => {
                line("example. NS ns.example.");
                line(&self.delegations["example."]);
            }
            "example." => {
                for child in ["insecure.example.", "bogus.example.", "broken.example."] {
                    line(&format!("{child} NS ns.{child}"));
                    line(&format!("ns.{child} A {}", self.address.ip()));
                }
                line(&wrong(&self.delegations["bogus.example."]));
            }
            _ => {}
        }
        for (name, records) in self.records.iter().filter(|(name, _)| zone_of(name) == zone) {
            for record in records {
                line(&format!("{name} {record}"));
            }
        }
        text
    }
}

/// The text of one TXT record for a zone file: split into strings of at most 255 bytes, escaped.
#[must_use]
pub fn txt_value(text: &str) -> String {
    let bytes = text.as_bytes();
    let strings: Vec<&[u8]> = if bytes.is_empty() { vec![&[]] } else { bytes.chunks(255).collect() };
    txt_strings(&strings)
}

/// The text of one TXT record that is split into exactly these strings.
#[must_use]
pub fn txt_strings<T: AsRef<[u8]>>(strings: &[T]) -> String {
    let quoted = strings.iter().map(|string| {
        let escaped: String = string
            .as_ref()
            .iter()
            .map(|byte| match byte {
                b'"' | b'\\' => format!("\\{}", char::from(*byte)),
                b' '..=b'~' => char::from(*byte).to_string(),
                _ => format!("\\{byte:03}"),
            })
            .collect();
        format!("\"{escaped}\"")
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

fn zone_of(name: &str) -> &'static str {
    ZONES
        .into_iter()
        .find(|zone| *zone == "." || name == *zone || name.ends_with(&format!(".{zone}")))
        .unwrap_or(".")
}

fn zone_file(directory: &Path, zone: &str) -> PathBuf {
    directory.join(format!("{}zone", if zone == "." { "root." } else { zone }))
}

/// An address that no other world has. Root listens on port 53, so that asking a zone's own servers works too.
fn pick_address(directory: &Path) -> SocketAddrV4 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let mut hasher = RandomState::new().build_hasher();
    hasher.write(directory.as_os_str().as_encoded_bytes());
    let [a, b, c, ..] = hasher.finish().to_be_bytes();
    let address = Ipv4Addr::new(127, a.clamp(1, 254), b, c.clamp(1, 254));
    // Whether port 53 may be had is found out by trying it.
    let port = if UdpSocket::bind((address, 53)).is_ok() { 53 } else { 5300 };
    SocketAddrV4::new(address, port)
}

fn spawn(directory: &Path) -> Child {
    let log = fs::File::create(directory.join("stderr.log")).expect("create knotd's log");
    let _ = fs::remove_file(directory.join("knotd.log"));
    programs::daemon("knotd")
        .arg("-c")
        .arg(directory.join("knot.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("share knotd's log"))
        .stderr(log)
        .spawn()
        .expect("start knotd")
}

/// Makes one key a signed zone, writes the trust anchor, and returns the delegations.
fn make_keys(directory: &Path) -> BTreeMap<&'static str, String> {
    for zone in SIGNED {
        keymgr(directory, &[zone, "generate", "ksk=yes", "zsk=yes"]);
    }
    let delegation = |zone| {
        let records = keymgr(directory, &[zone, "ds"]);
        // Algorithm 13, digest type 2 (SHA-256).
        let line = records.lines().find(|line| line.contains(" 13 2 ")).expect("keymgr prints a SHA-256 DS");
        (zone, line.to_owned())
    };
    let root = keymgr(directory, &[".", "dnskey"]);
    let root = root.lines().next().expect("the root has a key").replace(" DNSKEY ", " 3600 IN DNSKEY ");
    fs::write(directory.join("root.key"), format!("{root}\n")).expect("write the trust anchor");
    SIGNED.into_iter().filter(|zone| *zone != ".").map(delegation).collect()
}

fn keymgr(directory: &Path, arguments: &[&str]) -> String {
    let output = programs::command("keymgr")
        .arg("-c")
        .arg(directory.join("knot.conf"))
        .args(arguments)
        .output()
        .expect("start keymgr");
    assert!(
        output.status.success(),
        "keymgr {arguments:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("keymgr prints text")
}

/// The same DS with its first hexadecimal digit changed: a digest that no key has.
fn wrong(delegation: &str) -> String {
    let (head, digest) = delegation.rsplit_once(' ').expect("a DS has several fields");
    let first = if digest.starts_with('0') { "1" } else { "0" };
    format!("{head} {first}{}", &digest[1..])
}

/// Asks for TXT over UDP and returns the raw answer.
fn ask_txt(server: SocketAddrV4, name: &str) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label is short"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 16, 0, 1]);
    socket.send_to(&query, server)?;
    let mut answer = vec![0; 1500];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn config(directory: &Path, address: SocketAddrV4) -> String {
    let directory = directory.display();
    let mut text = format!(
        r#"server:
    rundir: "{directory}"
    listen: {ip}@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 2
log:
  - target: "{directory}/knotd.log"
    any: info
database:
    storage: "{directory}/db"
    journal-db-max-size: 8M
    kasp-db-max-size: 8M
    timer-db-max-size: 8M
policy:
  - id: world
    manual: on
    single-type-signing: on
    algorithm: ecdsap256sha256
template:
  - id: default
    storage: "{directory}"
    journal-content: none
    zonefile-sync: -1
    zonefile-load: whole
zone:
  - domain: broken.example.
    file: absent.zone
"#,
        ip = address.ip(),
        port = address.port(),
    );
    for zone in ZONES {
        let file = zone_file(Path::new(""), zone);
        writeln!(text, "  - domain: {zone}\n    file: {}", file.display()).expect("write to a string");
        if SIGNED.contains(&zone) {
            text.push_str("    dnssec-signing: on\n    dnssec-policy: world\n");
        }
    }
    text
}
