//! The world itself: one directory, its servers, and commands that see nothing else.

use std::ffi::OsStr;
use std::fs;
use std::net::{SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::authority::Authority;
use crate::dns::{self, Dns};
use crate::project::Project;
use crate::proxy::Proxy;
use crate::web::Web;

/// A throw-away network with hosts, DNS and an authority, and a home to run commands in. Removed when dropped.
///
/// ```text
/// hosts/<host>/   what https://<host>/ serves        home/, cargo/   HOME and CARGO_HOME
/// projects/       World::project                     target/         CARGO_TARGET_DIR
/// ca/ nginx/ dns/ the servers' own files             tmp/            TMPDIR
/// ```
#[derive(Debug)]
pub struct World {
    // Dropped in this order: the servers end before their files go.
    proxy: Proxy,
    web: Arc<Web>,
    dns: Mutex<Dns>,
    authority: Authority,
    environment: Mutex<Vec<(String, String)>>,
    edits: Mutex<u64>,
    directory: TempDir,
}

impl World {
    /// Builds the world with these hosts, which should end in `.example`.
    ///
    /// # Panics
    ///
    /// When a program is missing (naming its Debian package) or a server does not start.
    #[must_use]
    pub fn new(hosts: &[&str]) -> Self {
        let directory =
            tempfile::Builder::new().prefix("world-").tempdir().expect("create the world's directory");
        let root = directory.path();
        for name in ["home", "cargo", "target", "tmp", "projects", "run"] {
            fs::create_dir_all(root.join(name)).expect("create a directory of the world");
        }
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        for host in &hosts {
            fs::create_dir_all(root.join("hosts").join(host)).expect("create a host's directory");
        }
        let authority = Authority::new(&root.join("ca"));
        // A certificate needs a name even in a world without hosts.
        let names = if hosts.is_empty() { vec!["world.example".to_owned()] } else { hosts.clone() };
        let web = Arc::new(Web::new(&root.join("nginx"), &root.join("hosts"), &authority, &names));
        let proxy = Proxy::start(Arc::clone(&web), &hosts);
        let dns = Mutex::new(Dns::start(&root.join("dns"), &hosts));
        Self { proxy, web, dns, authority, environment: Mutex::default(), edits: Mutex::default(), directory }
    }

    /// The world's directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.directory.path()
    }

    /// What `https://<host>/` serves.
    #[must_use]
    pub fn web_root(&self, host: &str) -> PathBuf {
        self.root().join("hosts").join(host)
    }

    /// `HOME` of the commands.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// `CARGO_HOME` of the commands.
    #[must_use]
    pub fn cargo_home(&self) -> PathBuf {
        self.root().join("cargo")
    }

    /// `CARGO_TARGET_DIR` of the commands.
    #[must_use]
    pub fn target_dir(&self) -> PathBuf {
        self.root().join("target")
    }

    /// The directory of the project `name`, made on first use.
    #[must_use]
    pub fn project(&self, name: &str) -> Project {
        Project::at(self.root().join("projects").join(name))
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

impl Drop for World {
    fn drop(&mut self) {
        // Threads that carry connections may hold it for longer.
        self.web.stop();
    }
}

/// Commands.
impl World {
    /// `cargo`, the stock one of the toolchain that runs the tests.
    #[must_use]
    pub fn cargo(&self) -> Command {
        self.command("cargo")
    }

    /// `cargo-nsadd`, as built beside the tests.
    #[must_use]
    pub fn nsadd(&self) -> Command {
        self.command(built("cargo-nsadd"))
    }

    /// `cargo-nspublish`, as built beside the tests.
    #[must_use]
    pub fn nspublish(&self) -> Command {
        self.command(built("cargo-nspublish"))
    }

    /// `cargo-nsvendor`, as built beside the tests.
    #[must_use]
    pub fn nsvendor(&self) -> Command {
        self.command(built("cargo-nsvendor"))
    }

    /// `cargo-nsregistry`, as built beside the tests.
    #[must_use]
    pub fn nsregistry(&self) -> Command {
        self.command(built("cargo-nsregistry"))
    }

    /// Any program, in the environment of the world and nothing else, started in the world's home.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.home());
        command
    }

    /// Adds a variable to the environment of all later commands.
    pub fn set_env(&self, name: &str, value: &str) {
        lock(&self.environment).push((name.to_owned(), value.to_owned()));
    }

    /// A variable of the environment of a command.
    ///
    /// # Panics
    ///
    /// When it is not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> String {
        let set = self.environment().into_iter().rfind(|(variable, _)| variable == name);
        set.unwrap_or_else(|| panic!("{name} is not set")).1
    }

    /// The whole environment of a command.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let path = |name: &str| self.root().join(name).display().to_string();
        let mut variables: Vec<(String, String)> = [
            ("PATH", search_path()),
            ("HOME", path("home")),
            ("CARGO_HOME", path("cargo")),
            ("CARGO_TARGET_DIR", path("target")),
            ("TMPDIR", path("tmp")),
            ("XDG_CONFIG_HOME", path("home/.config")),
            ("XDG_DATA_HOME", path("home/.local/share")),
            ("XDG_CACHE_HOME", path("home/.cache")),
            ("XDG_RUNTIME_DIR", path("run")),
            ("LANG", "C.UTF-8".to_owned()),
            ("USER", "tester".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_AUTHOR_NAME", "tester".to_owned()),
            ("GIT_AUTHOR_EMAIL", "tester@world.example".to_owned()),
            ("GIT_COMMITTER_NAME", "tester".to_owned()),
            ("GIT_COMMITTER_EMAIL", "tester@world.example".to_owned()),
            ("CARGO_TERM_COLOR", "never".to_owned()),
            ("CARGO_INCREMENTAL", "0".to_owned()),
            ("CARGO_PROFILE_DEV_DEBUG", "0".to_owned()),
            ("CARGO_HTTP_PROXY", self.proxy.url()),
            ("CARGO_HTTP_CAINFO", self.authority.bundle().display().to_string()),
            ("CARGO_NAMESPACES_RESOLVER", self.resolver().to_string()),
            ("CARGO_NAMESPACES_TRUST_ANCHOR", lock(&self.dns).trust_anchor().display().to_string()),
            ("CARGO_NAMESPACES_SPECIAL_USE", "true".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        variables.extend(toolchain());
        variables.extend(lock(&self.environment).iter().cloned());
        variables
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

/// The directory of the binaries that were built with the running one.
fn built_dir() -> PathBuf {
    let executable = std::env::current_exe().expect("the running program has a path");
    let directory = executable.parent().expect("a program is in a directory");
    // Tests are in target/debug/deps, commands in target/debug.
    if directory.ends_with("deps") {
        directory.parent().expect("deps is in a directory").to_owned()
    } else {
        directory.to_owned()
    }
}

/// A command of ours, as built beside the running program.
///
/// # Panics
///
/// When it is not built.
#[must_use]
pub fn built(program: &str) -> PathBuf {
    let path = built_dir().join(program);
    assert!(
        path.is_file(),
        "{} is not built: run `cargo build --workspace` first, or `cargo xtask test`",
        path.display()
    );
    path
}

/// Our commands first, then the caller's path, so that the toolchain is found.
fn search_path() -> String {
    let old = std::env::var("PATH").unwrap_or_default();
    format!("{}:{old}", built_dir().display())
}

/// What rustup needs to find the toolchain although the home is another one.
pub(crate) fn toolchain() -> Vec<(String, String)> {
    let home = std::env::var("HOME").unwrap_or_default();
    let mut variables =
        vec![("RUSTUP_HOME".to_owned(), std::env::var("RUSTUP_HOME").unwrap_or(format!("{home}/.rustup")))];
    if let Ok(toolchain) = std::env::var("RUSTUP_TOOLCHAIN") {
        variables.push(("RUSTUP_TOOLCHAIN".to_owned(), toolchain));
    }
    variables
}
