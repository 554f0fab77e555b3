use std::sync::Mutex;

use semver::Version;

use super::*;
use crate::env::{Environment, Var};
use cargo_namespaces::digest::Digest;
use cargo_namespaces_net::client::{Body, TransportError, TransportErrorKind};

/// A web of files; every request is noted as `url` or `url (if etag)`.
#[derive(Default)]
struct Web {
    files: BTreeMap<String, (u16, Vec<u8>)>,
    asked: Mutex<Vec<String>>,
}

impl Web {
    fn with(mut self, url: &str, status: u16, body: &[u8]) -> Self {
        self.files.insert(url.to_owned(), (status, body.to_vec()));
        self
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

impl Transport for Web {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, Outcome)) {
        for (at, request) in requests.into_iter().enumerate() {
            let mut note = request.url.clone();
            let known = request.headers.iter().find(|(name, _)| *name == "if-none-match");
            if let Some((_, etag)) = known {
                note.push_str(&format!(" (if {etag})"));
            }
            self.asked.lock().unwrap().push(note);
            done(at, self.answer(&request, known.map(|(_, etag)| etag.as_str())));
        }
    }
}

impl Web {
    fn answer(&self, request: &Request, known: Option<&str>) -> Outcome {
        let Some((status, body)) = self.files.get(&request.url) else {
            return Ok(Response::in_memory(&request.url, 404, *b"no"));
        };
        if *status == 0 {
            return Err(TransportError::new(TransportErrorKind::Connect, &request.url, "refused"));
        }
        let etag = Digest::of(body).to_string();
        if known == Some(&etag) {
            return Ok(Response::in_memory(&request.url, 304, Vec::new()));
        }
        let mut response = Response::in_memory(&request.url, *status, body.clone());
        response.etag = Some(etag);
        if let cargo_namespaces_net::client::Sink::Directory(directory) = &request.sink {
            let file = tempfile::NamedTempFile::new_in(directory).unwrap();
            std::io::Write::write_all(&mut file.as_file(), body).unwrap();
            response.body = Body::File {
                path: file.into_temp_path(),
                digest: Digest::of(body),
                length: body.len() as u64,
            };
        }
        Ok(response)
    }
}

const INDEX: &str = "sparse+https://serde.rs/cargo/index/";
const CONFIG: &[u8] = br#"{"dl":"https://serde.rs/crates/{crate}-{version}.crate"}"#;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn settings(&self, overrides: &[&str]) -> Settings {
        let env = Environment::default().with(Var::CargoHome, self.0.path().join("home"));
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Settings::load(self.0.path(), &env, &overrides).unwrap()
    }
}

fn index() -> IndexUrl {
    IndexUrl::parse(INDEX).unwrap()
}

fn line(version: &str) -> String {
    let cksum = Digest::of(b"crate");
    format!(
        "{{\"name\":\"serde-abc\",\"vers\":\"{version}\",\"deps\":[],\"cksum\":\"{cksum}\",\
         \"features\":{{}},\"yanked\":false}}\n"
    )
}

fn web() -> Web {
    Web::default()
        .with("https://serde.rs/cargo/index/config.json", 200, CONFIG)
        .with("https://serde.rs/cargo/index/se/rd/serde-abc", 200, line("1.0.0").as_bytes())
        .with("https://serde.rs/crates/serde-abc-1.0.0.crate", 200, b"crate")
}

fn name() -> CrateName {
    CrateName::parse("serde-abc").unwrap()
}

fn wanted(bytes: &[u8]) -> CrateRef {
    CrateRef {
        origin: CrateOrigin::Index(index()),
        name: name(),
        version: Version::new(1, 0, 0),
        cksum: Digest::of(bytes),
    }
}

fn lines(client: &RegistryClient<'_>) -> Result<Vec<String>, RegistryError> {
    let mut answers = client.index_lines(&[(index(), name())]);
    let lines = answers.pop().unwrap()?;
    Ok(lines.iter().map(|line| line.vers.to_string()).collect())
}

#[test]
fn a_line_is_fetched_once_and_then_asked_for_by_its_etag() {
    let (home, web) = (Home::new(), web());
    let settings = home.settings(&[]);
    let client = RegistryClient::new(&settings, &web);
    assert_eq!(lines(&client).unwrap(), ["1.0.0"]);
    assert_eq!(web.asked(), ["https://serde.rs/cargo/index/se/rd/serde-abc"]);
    assert_eq!(lines(&client).unwrap(), ["1.0.0"]);
    let etag = Digest::of(line("1.0.0").as_bytes());
    assert_eq!(web.asked(), [format!("https://serde.rs/cargo/index/se/rd/serde-abc (if {etag})")]);
}

#[test]
fn offline_the_kept_line_is_the_answer() {
    let (home, web) = (Home::new(), web());
    let offline = home.settings(&["net.offline = true"]);
    let error = lines(&RegistryClient::new(&offline, &web)).unwrap_err();
    assert!(matches!(error, RegistryError::NotCached { .. }), "{error}");
    let online = home.settings(&[]);
    lines(&RegistryClient::new(&online, &web)).unwrap();
    web.asked();
    assert_eq!(lines(&RegistryClient::new(&offline, &web)).unwrap(), ["1.0.0"]);
    assert!(web.asked().is_empty());
}

#[test]
fn an_unknown_crate_is_looked_for_nowhere_else() {
    let (home, web) = (Home::new(), Web::default());
    let settings = home.settings(&[]);
    let error = lines(&RegistryClient::new(&settings, &web)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the crate `serde-abc` is not in the index `sparse+https://serde.rs/cargo/index/`"
    );
    assert_eq!(web.asked().len(), 1);
}

#[test]
fn a_crate_that_left_the_index_is_not_kept() {
    let home = Home::new();
    let settings = home.settings(&[]);
    lines(&RegistryClient::new(&settings, &web())).unwrap();
    let empty = Web::default();
    assert!(lines(&RegistryClient::new(&settings, &empty)).is_err());
    let offline = home.settings(&["net.offline = true"]);
    assert!(lines(&RegistryClient::new(&offline, &empty)).is_err());
}

#[test]
fn a_private_index_and_a_broken_one_are_told_apart() {
    let url = "https://serde.rs/cargo/index/se/rd/serde-abc";
    let home = Home::new();
    let settings = home.settings(&[]);
    let error = |web: Web| lines(&RegistryClient::new(&settings, &web)).unwrap_err();
    assert!(matches!(error(Web::default().with(url, 401, b"")), RegistryError::NeedsToken { .. }));
    assert!(matches!(error(Web::default().with(url, 500, b"")), RegistryError::Status { status: 500, .. }));
    assert!(matches!(error(Web::default().with(url, 0, b"")), RegistryError::Transport(_)));
    assert!(matches!(error(Web::default().with(url, 200, b"{}")), RegistryError::IndexFile { .. }));
}

#[test]
fn the_configuration_is_asked_for_once_a_run() {
    let (home, web) = (Home::new(), web());
    let settings = home.settings(&[]);
    let client = RegistryClient::new(&settings, &web);
    for config in client.index_configs(&[index(), index()]) {
        assert!(config.unwrap().dl.starts_with("https://serde.rs/"));
    }
    client.index_config(&index()).unwrap();
    assert_eq!(web.asked().len(), 1);
    let down = Web::default().with("https://serde.rs/cargo/index/config.json", 0, b"");
    let client = RegistryClient::new(&settings, &down);
    for config in client.index_configs(&[index(), index()]) {
        assert_eq!(config.unwrap_err().to_string(), "failed to connect to `serde.rs`: refused");
    }
}

#[test]
fn a_crate_is_downloaded_once() {
    let (home, web) = (Home::new(), web());
    let settings = home.settings(&[]);
    let client = RegistryClient::new(&settings, &web);
    let path = client.crate_file(&wanted(b"crate")).unwrap();
    assert_eq!(path, settings.cache().join(format!("crates/{}.crate", Digest::of(b"crate"))));
    assert_eq!(fs::read(&path).unwrap(), b"crate");
    assert_eq!(web.asked().len(), 2);
    assert_eq!(client.crate_file(&wanted(b"crate")).unwrap(), path);
    assert!(web.asked().is_empty());
}

#[test]
fn cargos_cache_is_believed_by_the_hash_only() {
    let (home, web) = (Home::new(), web());
    let settings = home.settings(&[]);
    let cached = settings.cargo_home.join("registry/cache/serde.rs-1234/serde-abc-1.0.0.crate");
    fs::write_cache(&cached, b"altered").unwrap();
    let client = RegistryClient::new(&settings, &web);
    assert_ne!(client.crate_file(&wanted(b"crate")).unwrap(), cached);
    fs::remove_dir_all(&settings.cache()).unwrap();
    fs::write_cache(&cached, b"crate").unwrap();
    assert_eq!(client.crate_file(&wanted(b"crate")).unwrap(), cached);
}

#[test]
fn an_altered_crate_is_refused_and_not_kept() {
    let home = Home::new();
    let settings = home.settings(&[]);
    let web = web().with("https://serde.rs/crates/serde-abc-1.0.0.crate", 200, b"evil");
    let client = RegistryClient::new(&settings, &web);
    let error = client.crate_file(&wanted(b"crate")).unwrap_err();
    assert!(matches!(error, RegistryError::Checksum(_)), "{error}");
    assert_eq!(error.exit(), crate::shell::ExitCode::Refused);
    assert_eq!(settings.cache().join("crates").read_dir().unwrap().count(), 0);
}

#[test]
fn what_cannot_be_had_is_said_for_each_crate() {
    let home = Home::new();
    let settings = home.settings(&[]);
    let down = Web::default().with("https://serde.rs/cargo/index/config.json", 0, b"");
    let client = RegistryClient::new(&settings, &down);
    let cached = CrateRef { origin: CrateOrigin::Cache, ..wanted(b"c") };
    let mut ended = Vec::new();
    let results = client.crate_files(&[wanted(b"a"), wanted(b"b"), cached], &mut |at| ended.push(at));
    let errors: Vec<String> = results.into_iter().map(|result| result.unwrap_err().to_string()).collect();
    assert_eq!(errors[0], "failed to connect to `serde.rs`: refused");
    assert_eq!(errors[1], errors[0]);
    assert_eq!(errors[2], "`serde-abc-1.0.0.crate` is not at `$CARGO_HOME/registry/cache`");
    assert_eq!(ended, [0, 1, 2]);
}

#[test]
fn crates_io_is_asked_for_its_own() {
    let home = Home::new();
    let settings = home.settings(&[]);
    let web =
        Web::default().with("https://static.crates.io/crates/serde-abc/serde-abc-1.0.0.crate", 200, b"crate");
    let wanted = CrateRef { origin: CrateOrigin::CratesIo, ..wanted(b"crate") };
    RegistryClient::new(&settings, &web).crate_file(&wanted).unwrap();
    let offline = home.settings(&["net.offline = true"]);
    fs::remove_dir_all(&settings.cache()).unwrap();
    let error = RegistryClient::new(&offline, &web).crate_file(&wanted).unwrap_err();
    assert!(matches!(error, RegistryError::NotCached { .. }), "{error}");
}

#[test]
fn a_mirror_is_read_in_place_of_the_index() {
    let home = Home::new();
    let settings = home.settings(&[
        "source.'sparse+https://serde.rs/cargo/index/'={registry='sparse+https://serde.rs/cargo/index/', replace-with='m'}",
        "source.m.registry='sparse+https://mirror.example/serde/'",
    ]);
    let web = Web::default()
        .with("https://mirror.example/serde/config.json", 200, br#"{"dl":"https://mirror.example/dl"}"#)
        .with("https://mirror.example/serde/se/rd/serde-abc", 200, line("1.0.0").as_bytes())
        .with("https://mirror.example/dl/serde-abc/1.0.0/download", 200, b"crate");
    let client = RegistryClient::new(&settings, &web);
    assert_eq!(lines(&client).unwrap(), ["1.0.0"]);
    client.crate_file(&wanted(b"crate")).unwrap();
    assert!(web.asked().iter().all(|url| url.starts_with("https://mirror.example/")));
}

#[test]
fn a_local_registry_is_read_from_its_directory() {
    let home = Home::new();
    let settings = home.settings(&[
        "source.'sparse+https://serde.rs/cargo/index/'={registry='sparse+https://serde.rs/cargo/index/', replace-with='l'}",
        "source.l.local-registry='local'",
    ]);
    let local = home.0.path().join("local");
    fs::write_cache(&local.join("index/se/rd/serde-abc"), line("2.0.0").as_bytes()).unwrap();
    fs::write_cache(&local.join("serde-abc-1.0.0.crate"), b"crate").unwrap();
    let web = Web::default();
    let client = RegistryClient::new(&settings, &web);
    assert_eq!(lines(&client).unwrap(), ["2.0.0"]);
    assert_eq!(client.crate_file(&wanted(b"crate")).unwrap(), local.join("serde-abc-1.0.0.crate"));
    let error = client.crate_file(&wanted(b"other")).unwrap_err();
    assert!(matches!(error, RegistryError::Checksum(_)), "{error}");
    assert!(web.asked().is_empty());
}
