//! A real `cargo-nsregistry` as `https://crates.example/` of a world, and people who sign for it with the library.
//!
//! It validates as in production: it resolves through the world's DNS, dials what it finds there, and verifies TLS. Two
//! settings of its operator make loopback a network like another: the range is allowed, and the port is that of a small
//! forwarder to the world's nginx.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::SecretKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::statement::{Nonce, Predicate as _, ReleaseStatement, Yank, YankOperation};
use cargo_namespaces::token::{Record, Scope, Token};
use cargo_namespaces_cli::clock;
use toml_edit::DocumentMut;

use crate::programs;
use crate::relay::relay;
use crate::web::Web;
use crate::world::World;

/// The registry's host.
pub const HOST: &str = "crates.example";

/// How a registry is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// It speaks TLS itself.
    OwnTls,
    /// Something in front does.
    Behind,
}

/// A running registry; killed when dropped.
#[derive(Debug)]
pub struct LiveRegistry {
    directory: PathBuf,
    within: Vec<String>,
    address: SocketAddr,
    child: Child,
}

impl LiveRegistry {
    /// Starts one with its own TLS; `settings` are further lines of its configuration.
    #[must_use]
    pub fn start(world: &World, settings: &str) -> Self {
        let registry = Self::start_as(world, settings, Front::OwnTls);
        world.route(HOST, registry.address);
        registry
    }

    /// Starts one; behind a proxy it speaks plain HTTP at [`Self::address`].
    ///
    /// # Panics
    ///
    /// When it does not come up.
    #[must_use]
    pub fn start_as(world: &World, settings: &str, front: Front) -> Self {
        Self::start_in(world, &world.root().join("registry"), settings, front)
    }

    /// As [`Self::start_as`], with its files in `directory`, where an earlier one may have left some.
    ///
    /// # Panics
    ///
    /// As [`Self::start_as`].
    #[must_use]
    pub fn start_in(world: &World, directory: &Path, settings: &str, front: Front) -> Self {
        Self::begin(world, directory, settings, front, &[])
    }

    /// As [`Self::start_as`], by way of a program that runs the command which follows its arguments, in its own process.
    ///
    /// # Panics
    ///
    /// As [`Self::start_as`].
    #[must_use]
    pub fn start_within(world: &World, settings: &str, front: Front, within: &[&str]) -> Self {
        Self::begin(world, &world.root().join("registry"), settings, front, within)
    }

    fn begin(world: &World, directory: &Path, settings: &str, front: Front, within: &[&str]) -> Self {
        let within: Vec<String> = within.iter().map(|word| (*word).to_owned()).collect();
        fs::create_dir_all(directory).expect("create the registry's directory");
        let tls = if front == Front::OwnTls {
            let certificate = world.authority().certify("registry", &[HOST.to_owned()]);
            format!("tls-certificate = {:?}\ntls-key = {:?}\n", certificate.chain, certificate.key)
        } else {
            String::new()
        };
        let port = forward_to(world.web());
        let config = format!(
            "url = \"https://{HOST}/\"\n[server]\nlisten = \"127.0.0.1:0\"\n{tls}[storage]\ndata = \"data\"\n\
             [validation]\nresolvers = [\"{}\"]\ntrust-anchor = {:?}\nca-file = {:?}\nallow = [\"127.0.0.0/8\"]\nport = {port}\n\
             [policy]\nspecial-use = true\n[log]\nlevel = \"error\"\n",
            world.resolver(),
            world.trust_anchor(),
            world.authority().bundle(),
        );
        let config = with(&config, settings);
        fs::write(directory.join("registry.toml"), config).expect("write the registry's configuration");
        let (child, address) = spawn(world, directory, &within);
        Self { directory: directory.to_owned(), within, address, child }
    }

    /// Kills it, as a power cut would, and starts it again on the same files.
    pub fn kill_and_restart(&mut self, world: &World) {
        self.child.kill().expect("kill the registry");
        self.child.wait().expect("a killed registry ends");
        let (child, address) = spawn(world, &self.directory, &self.within);
        (self.child, self.address) = (child, address);
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its configuration file.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.directory.join("registry.toml")
    }

    /// A figure of its memory as the kernel gives it, in MiB: `VmRSS` is what it takes now, `VmHWM` the most it ever took.
    ///
    /// # Panics
    ///
    /// When there is no such figure.
    #[must_use]
    pub fn memory_mib(&self, field: &str) -> f64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("read its status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.unwrap_or_else(|| panic!("no {field} in:\n{status}")) / 1024.0
    }

    /// The processor time that it took so far, in seconds.
    ///
    /// # Panics
    ///
    /// When the kernel does not say.
    #[must_use]
    pub fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("read its state");
        // After the program's name come the state and ten numbers, then user and system time in hundredths.
        let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').skip(11).take(2));
        let ticks: f64 = fields.into_iter().flatten().filter_map(|field| field.parse::<f64>().ok()).sum();
        ticks / 100.0
    }

    /// How many files and sockets it has open.
    ///
    /// # Panics
    ///
    /// When the kernel does not say.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).expect("list its descriptors").count()
    }

    /// Sends it a signal, `TERM` for one.
    ///
    /// # Panics
    ///
    /// When it has ended before.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(sent.expect("run kill").success(), "no such process");
    }

    /// Waits for its end, at most so long; `None` when it has not ended.
    ///
    /// # Panics
    ///
    /// When its state cannot be asked for.
    pub fn ended(&mut self, most: Duration) -> Option<ExitStatus> {
        let begin = Instant::now();
        loop {
            let ended = self.child.try_wait().expect("ask for the registry's state");
            if ended.is_some() || begin.elapsed() >= most {
                return ended;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

impl Drop for LiveRegistry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The configuration with further settings, which begin in `[policy]`.
fn with(config: &str, settings: &str) -> String {
    let mut config: DocumentMut = config.parse().expect("the configuration is TOML");
    let more: DocumentMut = format!("[policy]\n{settings}").parse().expect("the settings are TOML");
    for (name, table) in more.iter() {
        let own = config.entry(name).or_insert_with(toml_edit::table);
        for (key, value) in table.as_table().expect("settings stand in tables") {
            own[key] = value.clone();
        }
    }
    config.to_string()
}

fn spawn(world: &World, directory: &Path, within: &[String]) -> (Child, SocketAddr) {
    let log = fs::File::create(directory.join("log")).expect("create the registry's log");
    let program = world.nsregistry().get_program().to_owned();
    let mut command = world.command(programs::find("setpriv"));
    command.args(["--pdeathsig", "KILL", "--"]).args(within).arg(program);
    command.arg("serve").arg("--file").arg(directory.join("registry.toml"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().expect("start the registry");
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let said = fs::read_to_string(directory.join("log")).unwrap_or_default();
        let line = said.lines().find(|line| line.contains("Serving") && said.ends_with('\n'));
        let address = line.and_then(|line| line.split(' ').find_map(|word| word.parse().ok()));
        if let Some(address) = address {
            return (child, address);
        }
        let ended = child.try_wait().expect("ask for the registry's state");
        assert!(
            ended.is_none() && Instant::now() < deadline,
            "the registry did not start ({ended:?}):\n{said}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A port that leads to the world's web server.
fn forward_to(web: Arc<Web>) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listen for the forwarder");
    let port = listener.local_addr().expect("the forwarder has an address").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let web = Arc::clone(&web);
            // When the world is gone, nobody is there to forward to.
            std::thread::spawn(move || web.connect().and_then(|server| relay(client, server)));
        }
    });
    port
}

/// Somebody with a key who publishes in a namespace of the registry.
#[derive(Debug)]
pub struct Author {
    pub key: SecretKey,
    pub namespace: Namespace,
    /// Its index on the registry.
    pub index: IndexUrl,
}

impl Author {
    /// A new key for the namespace of `host`.
    ///
    /// # Panics
    ///
    /// When `host` is no namespace.
    #[must_use]
    pub fn new(host: &str) -> Self {
        let namespace = Namespace::parse(host).expect("a host of a world is a namespace");
        let index = IndexUrl::parse(&format!("sparse+https://{HOST}/index/{host}/")).expect("an index URL");
        Self { key: SecretKey::generate().expect("there is randomness"), namespace, index }
    }

    /// The record for the whole namespace, or for one crate.
    ///
    /// # Panics
    ///
    /// When `scope` is none.
    #[must_use]
    pub fn record(&self, scope: &str) -> String {
        let scope = Scope::parse(scope).expect("a scope");
        let mut record = Record::new(Token::compute(&scope, &self.key.public()));
        record.index = Some(self.index.clone());
        record.to_string()
    }

    /// The name of a crate of the namespace.
    ///
    /// # Panics
    ///
    /// When `krate` is none.
    #[must_use]
    pub fn name(&self, krate: &str) -> QualifiedName {
        QualifiedName { namespace: self.namespace.clone(), krate: krate.parse().expect("a crate name") }
    }

    /// The name that Cargo's configuration has for the registry.
    #[must_use]
    pub fn registry_name(&self) -> String {
        self.namespace.as_str().replace('.', "_")
    }

    /// `.cargo/config.toml` with the registry.
    #[must_use]
    pub fn cargo_config(&self) -> String {
        format!("[registries.{}]\nindex = \"{}\"\n", self.registry_name(), self.index)
    }

    /// The token that publishes a .crate.
    ///
    /// # Panics
    ///
    /// When the name or the version is none.
    #[must_use]
    pub fn publish_token(&self, krate: &str, version: &str, archive: &[u8]) -> String {
        let statement = ReleaseStatement {
            name: self.name(krate),
            version: version.parse().expect("a version"),
            cksum: Digest::of(archive),
            index: self.index.clone(),
            at: clock::now(),
        };
        statement.sign(&self.key).to_header()
    }

    /// The token that yanks a release, or takes that back.
    ///
    /// # Panics
    ///
    /// When the name or the version is none.
    #[must_use]
    pub fn yank_token(&self, krate: &str, version: &str, archive: &[u8], operation: YankOperation) -> String {
        let statement = Yank {
            name: self.name(krate),
            version: version.parse().expect("a version"),
            cksum: Digest::of(archive),
            index: self.index.clone(),
            operation,
            at: clock::now(),
            nonce: Some(Nonce::generate().expect("there is randomness")),
        };
        statement.sign(&self.key).to_header()
    }
}

/// The body of a publish, as Cargo sends it.
///
/// # Panics
///
/// When a part is larger than 4 GiB.
#[must_use]
pub fn publish_body(krate: &str, version: &str, archive: &[u8]) -> Vec<u8> {
    let json = format!(r#"{{"name":"{krate}","vers":"{version}","deps":[],"features":{{}}}}"#);
    let mut body = Vec::new();
    for part in [json.as_bytes(), archive] {
        body.extend(u32::try_from(part.len()).expect("a small part").to_le_bytes());
        body.extend(part);
    }
    body
}
