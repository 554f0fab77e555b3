//! The registry as it is served, on a socket: every route of the table, asked by many at once.

use std::time::{Duration, Instant};

use axum::http::Method;
use cargo_namespaces::index::tree::TreeFile;
use cargo_namespaces_net::resolver::ResolverSetting;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::*;
use crate::config::Config;
use crate::handlers::routes;
use crate::server;
use crate::server::Running;

/// How many ask for the same at once: far more than there are connections to the database.
const MANY: usize = 64;
/// How long the slowest of them may wait, in a debug build on a machine that does other things too.
const BOUND: Duration = Duration::from_secs(10);

/// A release that is asked for; it may be there or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub name: &'a str,
    pub version: &'a str,
}

impl Subject<'_> {
    /// The addresses that a route's path stands for.
    pub fn fill(&self, path: &str) -> Vec<String> {
        let (name, version) = (name(self.name), self.version);
        let (krate, parsed) = (name.krate.as_str(), super::version(version));
        let files = [
            TreeFile::Config.path(""),
            TreeFile::Index(name.krate.clone()).path(""),
            TreeFile::Crate(name.krate.clone(), parsed.clone()).path(""),
            TreeFile::Envelope(name.krate.clone(), parsed).path(""),
            "no/such/file".to_owned(),
        ];
        let one = path
            .replace("{namespace}", name.namespace.as_str())
            .replace("{crate}", krate)
            .replace("{version}", version)
            .replace("{name}", &format!("{}%2F{krate}", name.namespace));
        match one.strip_suffix("{*file}") {
            Some(index) => files.iter().map(|file| format!("{index}{file}")).collect(),
            None => vec![one],
        }
    }
}

/// The paths of all routes.
pub(super) fn paths(registry: &Arc<Registry>) -> Vec<&'static str> {
    routes::table(registry).into_iter().map(|(path, _)| path).collect()
}

/// The registry of a world on a socket, with another configuration; and a client.
pub(super) async fn serve(world: World, change: impl FnOnce(&mut Config)) -> (Running, Asking) {
    let mut config = world.registry.config.clone();
    world.registry.db.close().await;
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    // Nobody answers there.
    config.validation.resolvers = vec![ResolverSetting::Server("127.0.0.1:9".parse().unwrap())];
    change(&mut config);
    let running = server::start(config).await.unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let base = format!("http://{}", running.address);
    (running, Asking { client, base, _directory: world.directory })
}

/// A client of a registry that is served.
pub(super) struct Asking {
    client: reqwest::Client,
    base: String,
    _directory: tempfile::TempDir,
}

/// Ends it. What it asks domains with has a runtime of its own, which is dropped where that may take time.
pub(super) async fn end(running: Running) {
    let registry = Arc::clone(running.registry());
    running.stop().await;
    tokio::task::spawn_blocking(move || drop(registry)).await.unwrap();
}

/// All that an answer shows, but for the time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asking {
    pub async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<String>) -> Shown {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let shown = response.headers().iter().filter(|(name, _)| *name != "date");
        let mut headers: Vec<_> =
            shown.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        headers.sort();
        Shown { status, headers, body: response.text().await.unwrap() }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_at_every_route_at_once_are_all_answered() {
    let world = World::with("serde.rs/hello").await;
    world.publish("serde.rs/hello", "1.0.0").await.unwrap();
    let (running, asking) = serve(world, |_| ()).await;
    let subject = Subject { name: "serde.rs/hello", version: "1.0.0" };
    let mut found = 0;
    for path in paths(running.registry()).iter().flat_map(|path| subject.fill(path)) {
        let begin = Instant::now();
        let mut answers: FuturesUnordered<_> =
            (0..MANY).map(|_| asking.ask(Method::GET, &path, None, None)).collect();
        let mut statuses = Vec::new();
        while let Some(answer) = answers.next().await {
            assert!(answer.status < 500, "{path}: {answer:?}");
            statuses.push(answer.status);
        }
        assert!(begin.elapsed() < BOUND, "{path}: the last of {MANY} came after {:?}", begin.elapsed());
        statuses.dedup();
        assert_eq!(statuses.len(), 1, "{path}: {statuses:?}");
        found += usize::from(statuses == [200]);
    }
    assert_eq!(found, 15, "every address with a GET is asked for something that is there");
    end(running).await;
}

#[tokio::test]
async fn a_registry_that_cannot_read_is_not_well() {
    use axum::extract::State;
    use axum::response::IntoResponse as _;
    let world = World::new().await;
    let health = || crate::handlers::discovery::health(State(Arc::clone(&world.registry)));
    assert_eq!(health().await.unwrap().into_response().status(), 200);
    world.registry.db.close().await;
    assert_eq!(health().await.err().unwrap().into_response().status(), 503);
}
