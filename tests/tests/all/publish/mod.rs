//! `cargo nspublish --site`: a directory that any web server can serve.

mod crash;
mod refusals;
mod remembered;
mod site;
mod workspace;

use std::process::Command;

use namespace_world::{Output, Project, World, run};

/// An author: a namespace that is set up with key files, and a directory that becomes the site.
struct Author<'w> {
    world: &'w World,
    namespace: String,
}

impl<'w> Author<'w> {
    fn new(world: &'w World, namespace: &str) -> Self {
        world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "a passphrase of the tests");
        world.set_env("CARGO_NAMESPACES_NEW_KEY_PASSPHRASE", "a passphrase of the tests");
        let author = Self { world, namespace: namespace.to_owned() };
        run(author
            .nspublish(&["setup", namespace, "--yes"])
            .args(["--device-file", "device.pem"])
            .args(["--recovery-file", "recovery.pem"]))
        .success();
        author
    }

    /// The key files of the namespace lie in a directory of its own.
    fn nspublish(&self, arguments: &[&str]) -> Command {
        let keys = self.world.project(&format!("keys-{}", self.namespace));
        let mut command = self.world.nspublish();
        command.args(arguments).current_dir(keys.path());
        command
    }

    /// Publishes the project into the site.
    fn publish(&self, project: &Project, arguments: &[&str]) -> Output {
        let mut command = self.world.nspublish();
        let site = self.world.web_root(&self.namespace);
        run(command.arg("--site").arg(site).arg("--allow-dirty").args(arguments).current_dir(project.path()))
    }
}

/// A library in a namespace.
pub fn library(
    world: &World,
    directory: &str,
    qualified: &str,
    version: &str,
    dependencies: &str,
) -> Project {
    let (namespace, name) = qualified.split_once('/').expect("a qualified name");
    let project = world.project(directory).library(name, version, dependencies);
    let manifest = project.read("Cargo.toml");
    let metadata = format!("[package.metadata.namespaces]\nnamespace = \"{namespace}\"\n\n[dependencies]");
    project.write("Cargo.toml", &manifest.replace("[dependencies]", &metadata));
    project
}
