//! The client side of a registry: the credential provider, the guide, owners and transfers.

#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

mod credential;
mod endpoint;
mod guide;
mod live;
mod owners;
mod transcript;

use std::process::Command;

use namespace_tests::{Output, Project, World, run};

use endpoint::Endpoint;

const PASSPHRASE: &str = "a passphrase of the tests";

/// An author at a desk, and the registry `crates.example`.
struct Desk {
    registry: Endpoint,
    world: World,
}

impl Desk {
    fn new() -> Self {
        let desk = Self::without_passphrase();
        desk.world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", PASSPHRASE);
        desk
    }

    fn without_passphrase() -> Self {
        let world = World::new(&["hello.example", endpoint::HOST]);
        let registry = Endpoint::start(&world);
        Self { registry, world }
    }

    /// With `hello.example` set up at the registry, keys in files.
    fn set_up() -> Self {
        let desk = Self::new();
        let index = endpoint::index("hello.example");
        desk.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes"])
            .args(&["--device-file", "device.pem", "--recovery-file", "recovery.pem"])
            .success();
        desk
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
        let index = endpoint::index("hello.example");
        self.nspublish(&["setup", "hello.example", "--index", index.as_str(), "--yes", "--well-known"])
            .arg(root.to_str().unwrap())
            .success();
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
