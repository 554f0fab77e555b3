//! The world itself: a home and the servers around it.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::authority::Authority;
use crate::dns::{self, Dns};
use crate::home::Home;
use crate::proxy::Proxy;
use crate::web::Web;

/// A [`Home`] with a network: hosts, DNS, an authority. Removed when dropped.
///
/// A server starts when it is asked for the first time: what needs none starts none.
///
/// ```text
/// hosts/<host>/   what https://<host>/ serves        ca/ nginx/ dns/   the servers' own files
/// ```
#[derive(Debug)]
pub struct World {
    // Dropped in this order: the servers end before their files go.
    proxy: Proxy,
    web: Arc<Web>,
    dns: Mutex<Dns>,
    authority: Authority,
    edits: Mutex<u64>,
    home: Home,
}

impl World {
    /// Builds the world with these hosts, which should end in `.example`.
    ///
    /// # Panics
    ///
    /// When a program is missing (naming its Debian package) or a server does not start.
    #[must_use]
    pub fn new(hosts: &[&str]) -> Self {
        let home = Home::new();
        let root = home.root();
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        for host in &hosts {
            fs::create_dir_all(root.join("hosts").join(host)).expect("create a host's directory");
        }
        let authority = Authority::new(&root.join("ca"));
        // A certificate needs a name even in a world without hosts.
        let names = if hosts.is_empty() { vec!["world.example".to_owned()] } else { hosts.clone() };
        let web = Arc::new(Web::new(&root.join("nginx"), &root.join("hosts"), &authority, &names));
        let proxy = Proxy::start(Arc::clone(&web), &hosts);
        let dns = Dns::start(&root.join("dns"), &hosts);
        home.set_env("CARGO_HTTP_PROXY", &proxy.url());
        home.set_env("CARGO_HTTP_CAINFO", &authority.bundle().display().to_string());
        home.set_env("CARGO_NAMESPACES_RESOLVER", &dns.address().to_string());
        home.set_env("CARGO_NAMESPACES_TRUST_ANCHOR", &dns.trust_anchor().display().to_string());
        Self { proxy, web, dns: Mutex::new(dns), authority, edits: Mutex::default(), home }
    }

    /// What `https://<host>/` serves.
    #[must_use]
    pub fn web_root(&self, host: &str) -> PathBuf {
        self.root().join("hosts").join(host)
    }

    /// The web server, for those who reach it without the proxy.
    pub(crate) fn web(&self) -> Arc<Web> {
        Arc::clone(&self.web)
    }

    /// The authority that certified the hosts.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }
}

impl Deref for World {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // Threads that carry connections may hold it for longer.
        self.web.stop();
    }
}

/// DNS.
impl World {
    /// Replaces the TXT records of `name` (a host, `_cargo-namespace.<host>`, or `*.<host>`) and serves them before it returns.
    /// Long texts are split into strings of 255 bytes. No text removes them.
    pub fn txt(&self, name: &str, texts: &[&str]) {
        let values: Vec<String> = texts.iter().map(|text| dns::txt_value(text)).collect();
        lock(&self.dns).set(name, "TXT", &values);
    }

    /// As [`Self::txt`], with each record's strings split just so.
    pub fn txt_strings(&self, name: &str, records: &[&[&str]]) {
        let values: Vec<String> = records.iter().map(|strings| dns::txt_strings(strings)).collect();
        lock(&self.dns).set(name, "TXT", &values);
    }

    /// Replaces the records of one type at `name`; values as in a zone file.
    pub fn dns_records(&self, name: &str, kind: &str, values: &[&str]) {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        lock(&self.dns).set(name, kind, &values);
    }

    /// Removes every record of `name`: the name does not exist (NXDOMAIN) from now on.
    pub fn dns_forget(&self, name: &str) {
        lock(&self.dns).remove(name);
    }

    /// No DNS question is answered any more.
    pub fn stop_dns(&self) {
        lock(&self.dns).stop();
    }

    /// The file of the DNS root's keys in this world.
    #[must_use]
    pub fn trust_anchor(&self) -> PathBuf {
        lock(&self.dns).trust_anchor()
    }

    /// The address of the resolver, as in `CARGO_NAMESPACES_RESOLVER`.
    #[must_use]
    pub fn resolver(&self) -> SocketAddrV4 {
        lock(&self.dns).address()
    }
}

/// HTTPS.
impl World {
    /// Writes `https://<host>/<path>`.
    ///
    /// # Panics
    ///
    /// When the file cannot be written.
    pub fn serve(&self, host: &str, path: &str, content: impl AsRef<[u8]>) {
        let path = self.web_root(host).join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("create a directory");
        fs::write(&path, content).expect("write a served file");
        self.touch(&path);
    }

    /// Changes a served file in place, as somebody with access to the web server could.
    ///
    /// # Panics
    ///
    /// When the file is not there.
    #[track_caller]
    pub fn tamper(&self, host: &str, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.web_root(host).join(path);
        let mut bytes =
            fs::read(&path).unwrap_or_else(|error| panic!("{} is not served: {error}", path.display()));
        change(&mut bytes);
        fs::write(&path, bytes).expect("write a served file");
        self.touch(&path);
    }

    /// Changes the line of one version in the index file of a crate. The index is at `cargo/index/`, where a namespace has it by default.
    ///
    /// # Panics
    ///
    /// When the file or the version is not there.
    #[track_caller]
    pub fn tamper_line(
        &self,
        host: &str,
        name: &str,
        version: &str,
        change: impl FnOnce(&mut serde_json::Value),
    ) {
        let path = format!("cargo/index/{}", index_path(name));
        self.tamper(host, &path, |bytes| {
            let text = String::from_utf8(std::mem::take(bytes)).expect("an index file is text");
            let mut lines: Vec<serde_json::Value> =
                text.lines().map(|line| serde_json::from_str(line).expect("an index line is JSON")).collect();
            let line = lines.iter_mut().find(|line| line["vers"] == version);
            change(line.unwrap_or_else(|| panic!("{name} {version} is not in {path}")));
            *bytes = lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
        });
    }

    /// The path, relative to the web root, of the only served file with this name.
    ///
    /// # Panics
    ///
    /// When there is no such file, or more than one.
    #[must_use]
    #[track_caller]
    pub fn find_served(&self, host: &str, file_name: &str) -> String {
        let tree = crate::snapshot(&self.web_root(host));
        let found: Vec<&str> =
            tree.paths().filter(|path| path.rsplit('/').next() == Some(file_name)).collect();
        assert_eq!(found.len(), 1, "files called {file_name} on {host}: {found:?}");
        found[0].to_owned()
    }

    /// From now on `host` refuses connections.
    pub fn take_down(&self, host: &str) {
        self.proxy.take_down(host);
    }

    /// Ends [`Self::take_down`] and [`Self::route`].
    pub fn bring_up(&self, host: &str) {
        self.proxy.bring_up(host);
    }

    /// From now on connections to `host` go to this TLS server.
    pub fn route(&self, host: &str, address: SocketAddr) {
        self.proxy.route(host, address);
    }

    /// Every `host:443` that was asked for through the proxy, in order.
    #[must_use]
    pub fn contacted(&self) -> Vec<String> {
        self.proxy.contacted()
    }

    /// Forgets [`Self::contacted`].
    pub fn forget_contacts(&self) {
        self.proxy.forget();
    }

    /// What nginx was asked for on `host`: `GET /path 200`, in order.
    #[must_use]
    pub fn requests(&self, host: &str) -> Vec<String> {
        self.web.requests(host)
    }

    /// Gives a file a modification time that it never had: two writes within a second must not share an ETag.
    fn touch(&self, path: &Path) {
        let mut edits = lock(&self.edits);
        *edits += 1;
        let file = fs::File::options().append(true).open(path).expect("open a served file");
        file.set_modified(SystemTime::now() + Duration::from_secs(*edits)).expect("set a modification time");
    }
}

/// The path of a crate's file in an index, as Cargo lays them out.
#[must_use]
pub fn index_path(name: &str) -> String {
    let name = name.to_lowercase();
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
