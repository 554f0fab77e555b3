//! A registry index written by hand, line by line.

use namespace_world::world::index_path;
use namespace_world::{Archive, Project, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A sparse index and its crates on one host of a world.
pub struct Index<'w> {
    world: &'w World,
    host: String,
    /// Path of the index on the host, empty or with a final slash.
    base: &'static str,
}

/// A dependency: name, requirement, and the index if it is not the dependent's own.
pub struct Dependency<'a>(pub &'a str, pub &'a str, pub Option<&'a str>);

impl<'w> Index<'w> {
    /// An empty index at `https://<host>/cargo/index/`.
    pub fn new(world: &'w World, host: &str) -> Self {
        let index = Self { world, host: host.to_owned(), base: "cargo/index/" };
        index.config(&json!({ "dl": index.downloads() }));
        index
    }

    /// crates.io, played by this world's host `index.crates.io`.
    pub fn crates_io(world: &'w World) -> Self {
        let index = Self { world, host: "index.crates.io".to_owned(), base: "" };
        index.config(&json!({ "dl": index.downloads() }));
        index
    }

    /// The URL by which Cargo knows it.
    pub fn url(&self) -> String {
        format!("sparse+https://{}/{}", self.host, self.base)
    }

    pub fn downloads(&self) -> String {
        format!("https://{}/crates", self.host)
    }

    /// Writes `config.json`.
    pub fn config(&self, config: &Value) {
        self.world.serve(&self.host, &format!("{}config.json", self.base), config.to_string());
    }

    /// Adds a version whose library has `pub fn who() -> "<name> <version> from <host>"`.
    pub fn publish(&self, name: &str, version: &str, dependencies: &[Dependency]) {
        let source = format!("pub fn who() -> &'static str {{ \"{name} {version} from {}\" }}\n", self.host);
        let manifest = manifest(name, version, dependencies);
        let archive = Archive::new(name, version).file("Cargo.toml", manifest).file("src/lib.rs", source);
        self.add(name, version, dependencies, &archive.build());
    }

    /// Adds a version with any archive.
    pub fn add(&self, name: &str, version: &str, dependencies: &[Dependency], archive: &[u8]) {
        self.add_line(&line(name, version, dependencies, archive), archive);
    }

    /// Adds a version with any line.
    pub fn add_line(&self, line: &Value, archive: &[u8]) {
        let (name, version) =
            (line["name"].as_str().expect("a name"), line["vers"].as_str().expect("a version"));
        let path = format!("{}{}", self.base, index_path(name));
        let mut text =
            std::fs::read_to_string(self.world.web_root(&self.host).join(&path)).unwrap_or_default();
        text.push_str(&format!("{line}\n"));
        self.world.serve(&self.host, &path, text);
        self.world.serve(&self.host, &format!("crates/{name}/{version}/download"), archive);
    }
}

/// A line as Cargo's registries have it.
pub fn line(name: &str, version: &str, dependencies: &[Dependency], archive: &[u8]) -> Value {
    let dependencies: Vec<Value> = dependencies
        .iter()
        .map(|Dependency(name, requirement, registry)| {
            json!({
                "name": name, "req": requirement, "features": [], "optional": false, "default_features": true,
                "target": null, "kind": "normal", "registry": registry,
            })
        })
        .collect();
    json!({
        "name": name, "vers": version, "deps": dependencies, "cksum": sha256(archive), "features": {}, "yanked": false,
    })
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A manifest in the form that `cargo package` gives it: other registries by URL.
pub fn manifest(name: &str, version: &str, dependencies: &[Dependency]) -> String {
    let mut text = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n\n[dependencies]\n"
    );
    for Dependency(name, requirement, registry) in dependencies {
        let registry = registry.map(|url| format!(", registry-index = \"{url}\"")).unwrap_or_default();
        text.push_str(&format!("{name} = {{ version = \"{requirement}\"{registry} }}\n"));
    }
    text
}

/// What a project's Cargo.lock holds besides the project: `name version source`, sorted.
pub fn locked(project: &Project) -> Vec<String> {
    let lock: toml_edit::DocumentMut = project.read("Cargo.lock").parse().expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array_of_tables().expect("Cargo.lock lists packages");
    let text = |package: &toml_edit::Table, key: &str| {
        package.get(key).and_then(|value| value.as_str()).map(str::to_owned)
    };
    let mut found: Vec<String> = packages
        .iter()
        .filter_map(|package| {
            let source = text(package, "source")?;
            Some(format!("{} {} {source}", text(package, "name")?, text(package, "version")?))
        })
        .collect();
    found.sort();
    found
}
