//! The client side of a registry: the credential provider, the guide, owners and transfers.

#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

mod again;
mod credential;
mod guide;
mod labels;
mod live;
mod owners;
mod private;
mod records;
mod transcript;

use std::process::Command;

use cargo_namespaces::api::{CrateInfo, path};
use cargo_namespaces::index::{IndexLine, index_path, parse_index_file};
use cargo_namespaces::name::{IndexUrl, QualifiedName};
use cargo_namespaces_net::client::{Request, Transport as _};
use namespace_world::registry::HOST;
use namespace_world::{LiveRegistry, Output, Project, World, run};

use crate::network::client;

const PASSPHRASE: &str = "a passphrase of the tests";

/// An author at a desk, and the registry `crates.example`.
struct Desk {
    registry: Option<LiveRegistry>,
    world: World,
}

/// The index of a namespace there.
fn index(namespace: &str) -> IndexUrl {
    IndexUrl::parse(&format!("sparse+https://{HOST}/index/{namespace}/")).unwrap()
}

impl Desk {
    fn new() -> Self {
        let desk = Self::without_passphrase();
        desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", PASSPHRASE);
        desk.world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", PASSPHRASE);
        desk
    }

    fn without_passphrase() -> Self {
        let mut desk = Self::without_registry();
        desk.open_registry("");
        desk
    }

    fn without_registry() -> Self {
        Self { registry: None, world: World::new(&["hello.example", "other.example", HOST]) }
    }

    /// Starts the registry; `settings` are further lines of its configuration.
    fn open_registry(&mut self, settings: &str) {
        self.registry = None;
        self.registry = Some(LiveRegistry::start(&self.world, settings));
    }

    /// With `hello.example` set up at the registry, keys in files.
    fn set_up() -> Self {
        let desk = Self::new();
        desk.set_up_here();
        desk
    }

    fn set_up_here(&self) {
        let index = index("hello.example");
        self.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes"])
            .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
            .success();
    }

    /// `cargo nspublish` with these arguments in the home, where the key files are.
    fn nspublish(&self, arguments: &[&str]) -> Step {
        let mut command = self.world.nspublish();
        command.args(arguments);
        Step(command)
    }

    /// Stock Cargo in a project.
    fn cargo(&self, project: &Project, arguments: &[&str]) -> Step {
        let mut command = self.world.cargo();
        command.args(arguments).current_dir(project.path());
        Step(command)
    }

    /// Puts the records that set-up made where the domain serves them.
    fn put_records_up(&self) {
        let root = self.world.web_root("hello.example");
        let index = index("hello.example");
        self.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--well-known"])
            .arg(root.to_str().unwrap())
            .success();
    }

    /// What the index says of a release.
    #[track_caller]
    fn line(&self, name: &str, version: &str) -> IndexLine {
        let name = QualifiedName::parse(name).unwrap();
        let url = index(name.namespace.as_str()).join(&index_path(&name.krate));
        let file = client(&self.world).fetch_one(Request::index_file(url)).expect("the registry answers");
        let lines = parse_index_file(file.bytes()).expect("an index file");
        lines.into_iter().find(|line| line.vers.to_string() == version).expect("it is published")
    }

    /// What the registry says of a crate.
    #[track_caller]
    fn info(&self, name: &str) -> CrateInfo {
        let name = QualifiedName::parse(name).unwrap();
        let url = format!("https://{HOST}/{}", path::krate(&name));
        let answer = client(&self.world).fetch_one(Request::index_file(url)).expect("the registry answers");
        serde_json::from_slice(answer.bytes()).expect("the crate is there")
    }

    /// A package of `hello.example`.
    fn package(&self, directory: &str, name: &str, version: &str, dependencies: &str) -> Project {
        crate::publish::library(
            &self.world,
            directory,
            &format!("hello.example/{name}"),
            version,
            dependencies,
        )
    }
}

/// A command that is being put together.
struct Step(Command);

impl Step {
    fn args(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    fn arg(self, argument: &str) -> Self {
        self.args(&[argument])
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    fn within(mut self, project: &Project) -> Self {
        self.0.current_dir(project.path());
        self
    }

    #[track_caller]
    fn run(mut self) -> Output {
        run(&mut self.0)
    }

    #[track_caller]
    fn success(self) -> Output {
        self.run().success()
    }
}
