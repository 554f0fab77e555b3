//! What knotd is to serve, as zone files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// The signed zones, parents before children.
pub(super) const SIGNED: [&str; 3] = [".", "example.", "bogus.example."];
/// All zones that have a zone file, most specific first.
pub(super) const ZONES: [&str; 4] = ["bogus.example.", "insecure.example.", "example.", "."];

/// What is to be served.
#[derive(Debug)]
pub(super) struct Zones {
    directory: PathBuf,
    /// Of the name servers.
    address: Ipv4Addr,
    /// Text after the name in a zone file, such as `TXT "…"`, by absolute name with its final dot.
    records: BTreeMap<String, Vec<String>>,
    serial: u32,
}

/// DS records of the signed zones below the root, as lines of a zone file.
pub(super) type Delegations = BTreeMap<&'static str, String>;

impl Zones {
    /// Only addresses of the hosts.
    pub(super) fn new(directory: &Path, address: Ipv4Addr, hosts: &[String]) -> Self {
        let mut records: BTreeMap<String, Vec<String>> =
            hosts.iter().map(|host| (absolute(host), vec!["A 127.0.0.1".to_owned()])).collect();
        // By this record a world recognises its own server.
        records.insert("world.example.".to_owned(), vec![format!("TXT \"{}\"", directory.display())]);
        Self { directory: directory.to_owned(), address, records, serial: 0 }
    }

    /// Replaces the records of one type at `name`; each value is the text after the type.
    pub(super) fn set(&mut self, name: &str, kind: &str, values: &[String]) {
        let records = self.records.entry(absolute(name)).or_default();
        records.retain(|record| !record.starts_with(&format!("{kind} ")));
        records.extend(values.iter().map(|value| format!("{kind} {value}")));
    }

    /// Removes everything at `name`.
    pub(super) fn remove(&mut self, name: &str) {
        self.records.remove(&absolute(name));
    }

    /// Writes all zone files.
    pub(super) fn write(&mut self, delegations: &Delegations) {
        self.serial += 10;
        for zone in ZONES {
            // Renamed into place: knotd must never read half a zone.
            let temporary = self.directory.join("zone.new");
            fs::write(&temporary, self.text(zone, delegations)).expect("write a zone");
            fs::rename(&temporary, file(&self.directory, zone)).expect("put a zone in place");
        }
    }

    fn text(&self, zone: &str, delegations: &Delegations) -> String {
        let server = format!("ns.{}", if zone == "." { "example." } else { zone });
        // Negative answers live for five seconds: short, but long enough to be seen.
        let mut text = format!(
            "$TTL 60\n{zone} SOA {server} hostmaster.example. {} 3600 600 86400 5\n{zone} NS {server}\n",
            self.serial
        );
        let mut line = |line: &str| writeln!(text, "{line}").expect("write to a string");
        line(&format!("{server} A {}", self.address));
        match zone {
            "." => {
                line("example. NS ns.example.");
                line(&delegations["example."]);
            }
            "example." => {
                for child in ["insecure.example.", "bogus.example.", "broken.example."] {
                    line(&format!("{child} NS ns.{child}"));
                    line(&format!("ns.{child} A {}", self.address));
                }
                line(&wrong(&delegations["bogus.example."]));
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

/// The name with its final dot.
fn absolute(name: &str) -> String {
    if name.ends_with('.') { name.to_owned() } else { format!("{name}.") }
}

/// The zone in which a name lies.
pub(super) fn zone_of(name: &str) -> &'static str {
    let name = absolute(name);
    ZONES
        .into_iter()
        .find(|zone| *zone == "." || name == *zone || name.ends_with(&format!(".{zone}")))
        .unwrap_or(".")
}

/// The file of a zone.
pub(super) fn file(directory: &Path, zone: &str) -> PathBuf {
    directory.join(format!("{}zone", if zone == "." { "root." } else { zone }))
}

/// The same DS with its first hexadecimal digit changed: a digest that no key has.
fn wrong(delegation: &str) -> String {
    let (head, digest) = delegation.rsplit_once(' ').expect("a DS has several fields");
    let first = if digest.starts_with('0') { "1" } else { "0" };
    format!("{head} {first}{}", &digest[1..])
}
