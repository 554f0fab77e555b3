//! knotd as a process: its keys, its configuration, starting it and having it read a zone again.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::ask;
use super::zones::{Delegations, SIGNED, ZONES, Zones, file, zone_of};
use crate::programs;

/// A knotd that starts when it is asked for the first time; killed when dropped.
#[derive(Debug)]
pub(super) struct Knot {
    directory: PathBuf,
    address: SocketAddrV4,
    pub(super) zones: Zones,
    state: State,
}

#[derive(Debug)]
enum State {
    NotStarted,
    Running(Child, Delegations),
    Stopped,
}

impl Knot {
    /// Makes the root's key and writes the trust anchor, [`Self::trust_anchor`].
    pub(super) fn new(directory: &Path, address: SocketAddrV4, zones: Zones) -> Self {
        fs::create_dir_all(directory.join("db")).expect("create knotd's directory");
        fs::write(directory.join("knot.conf"), config(directory, address)).expect("write knot.conf");
        let knot = Self { directory: directory.to_owned(), address, zones, state: State::NotStarted };
        knot.make_key(".");
        let root = knot.keymgr(&[".", "dnskey"]);
        let root = root.lines().next().expect("the root has a key").replace(" DNSKEY ", " 3600 IN DNSKEY ");
        fs::write(knot.trust_anchor(), format!("{root}\n")).expect("write the trust anchor");
        knot
    }

    /// The root's DNSKEY in presentation format.
    pub(super) fn trust_anchor(&self) -> PathBuf {
        self.directory.join("root.key")
    }

    /// Where it listens, once it does; nothing when it was stopped.
    pub(super) fn started(&mut self) -> Option<SocketAddrV4> {
        if matches!(self.state, State::NotStarted) {
            let delegations: Delegations = SIGNED
                .into_iter()
                .filter(|zone| *zone != ".")
                .map(|zone| (zone, self.delegation(zone)))
                .collect();
            self.zones.write(&delegations);
            self.state = State::Running(spawn(&self.directory), delegations);
            self.wait_until_answering();
        }
        matches!(self.state, State::Running(..)).then_some(self.address)
    }

    /// Ends it, for good.
    pub(super) fn stop(&mut self) {
        if let State::Running(mut child, _) = std::mem::replace(&mut self.state, State::Stopped) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Serves what `zones` has at `name`, if it runs; else it will when it starts.
    pub(super) fn reload(&mut self, name: &str) {
        let State::Running(_, delegations) = &self.state else { return };
        self.zones.write(delegations);
        let zone = zone_of(name);
        let output = programs::command("knotc")
            .arg("-s")
            .arg(self.directory.join("knot.sock"))
            .args(["-b", "-t", "60", "zone-reload", zone])
            .output()
            .expect("start knotc");
        assert!(
            output.status.success(),
            "knotd refuses zone {zone}:\n{}\n{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            fs::read_to_string(file(&self.directory, zone)).unwrap_or_default(),
            self.log(),
        );
    }

    fn wait_until_answering(&mut self) {
        let expected = self.directory.display().to_string();
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = ask_txt(self.address, "world.example").unwrap_or_default();
            if answer.windows(expected.len()).any(|window| window == expected.as_bytes()) {
                return;
            }
            let State::Running(child, _) = &mut self.state else { return };
            let ended = child.try_wait().expect("ask for knotd's state");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "knotd did not start ({ended:?}):\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn log(&self) -> String {
        ["stderr.log", "knotd.log"]
            .map(|name| fs::read_to_string(self.directory.join(name)).unwrap_or_default())
            .concat()
    }

    fn make_key(&self, zone: &str) {
        self.keymgr(&[zone, "generate", "ksk=yes", "zsk=yes"]);
    }

    /// Makes the key of a zone; gives its DS.
    fn delegation(&self, zone: &str) -> String {
        self.make_key(zone);
        let records = self.keymgr(&[zone, "ds"]);
        // Algorithm 13, digest type 2 (SHA-256).
        let line = records.lines().find(|line| line.contains(" 13 2 ")).expect("keymgr prints a SHA-256 DS");
        line.to_owned()
    }

    fn keymgr(&self, arguments: &[&str]) -> String {
        let output = programs::command("keymgr")
            .arg("-c")
            .arg(self.directory.join("knot.conf"))
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
}

impl Drop for Knot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(directory: &Path) -> Child {
    let log = fs::File::create(directory.join("stderr.log")).expect("create knotd's log");
    programs::daemon("knotd")
        .arg("-c")
        .arg(directory.join("knot.conf"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("share knotd's log"))
        .stderr(log)
        .spawn()
        .expect("start knotd")
}

/// The raw answer to a question for TXT.
fn ask_txt(server: SocketAddrV4, name: &str) -> io::Result<Vec<u8>> {
    let mut query = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label is short"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 16, 0, 1]);
    ask(server, &query)
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
        let file = file(Path::new(""), zone);
        writeln!(text, "  - domain: {zone}\n    file: {}", file.display()).expect("write to a string");
        if SIGNED.contains(&zone) {
            text.push_str("    dnssec-signing: on\n    dnssec-policy: world\n");
        }
    }
    text
}
