//! Keys end to end: the real keyring, `openssl`, a terminal, and what clients make of the documents.

#![expect(clippy::unwrap_used, reason = "a helper of tests that cannot go on fails the test")]

mod documents;
mod no_keyring;
mod passphrases;
mod releases;
mod store;
mod terminal;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use cargo_namespaces::key::{PublicKey, SecretKey};
use namespace_world::{Keyring, Output, Project, World, at_terminal, programs, run};
use serde_json::Value;

/// An author's desk: a world with a keyring, and a record of everything that the commands said there.
struct Desk {
    _keyring: Keyring,
    world: World,
    said: Mutex<String>,
}

impl Desk {
    fn new() -> Self {
        let world = World::new(&["serde.example"]);
        let keyring = Keyring::start(&world);
        Self { _keyring: keyring, world, said: Mutex::default() }
    }

    /// `cargo nspublish` with these arguments, as a command of the world.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.world.nspublish();
        command.args(arguments);
        command
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> Output {
        self.hear(run(&mut self.command(arguments)))
    }

    /// With a passphrase in the variables.
    #[track_caller]
    fn run_with(&self, passphrase: &str, arguments: &[&str]) -> Output {
        let variables = ["CARGO_NAMESPACES_KEY_PASSPHRASE", "CARGO_NAMESPACES_NEW_KEY_PASSPHRASE"];
        self.hear(run(self.command(arguments).envs(variables.map(|name| (name, passphrase)))))
    }

    #[track_caller]
    fn at_terminal(&self, arguments: &[&str], answers: &[(&str, &str)]) -> Output {
        self.hear(at_terminal(&self.command(arguments), answers))
    }

    fn hear(&self, output: Output) -> Output {
        let mut said = self.said.lock().unwrap();
        said.push_str(&output.stdout);
        said.push_str(&output.stderr);
        output
    }

    /// The library `serde.example/serde-abc`.
    fn project(&self, version: &str) -> Project {
        let project = self.world.project("serde-abc").library("serde-abc", version, "");
        let manifest = project.read("Cargo.toml");
        let metadata = "[package.metadata.namespaces]\nnamespace = \"serde.example\"\n\n[dependencies]";
        project.write("Cargo.toml", &manifest.replace("[dependencies]", metadata));
        project
    }

    /// A file in the home of the author.
    fn file(&self, name: &str) -> PathBuf {
        self.world.home().join(name)
    }

    /// The JSON lines of a command.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(&[arguments, &["--message-format", "json"]].concat()).success();
        output.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// The public key of the key with this name.
    #[track_caller]
    fn public_key(&self, name: &str) -> PublicKey {
        let shown = self.json(&["key", "show", name]);
        shown[0]["public_key"].as_str().unwrap().parse().unwrap()
    }

    /// The keys here by name, with role and place.
    #[track_caller]
    fn names(&self) -> Vec<String> {
        let of = |key: &Value| ["name", "role", "store"].map(|field| key[field].as_str().unwrap().to_owned());
        self.json(&["key", "list"]).iter().map(|key| of(key).join(" ")).collect()
    }

    /// Nothing that was said, and no file in `directory`, holds the secret of a key that is also in the plain `pem`.
    #[track_caller]
    fn assert_secret(&self, pem: &Path, directory: &Path) {
        let text = std::fs::read_to_string(pem).unwrap();
        let body = text.lines().nth(1).expect("a PEM file has a body").to_owned();
        let seed = &body[body.len() - 40..];
        let grep = run(Command::new("grep").args(["-rl", seed]).arg(directory));
        assert_eq!(grep.stdout, "", "the secret is in a file");
        assert!(!self.said.lock().unwrap().contains(seed), "the secret was said");
    }
}

/// What `openssl pkey` makes of a key file: the public key.
#[track_caller]
fn openssl_public(file: &Path, passphrase: Option<&str>) -> PublicKey {
    let mut command = programs::command("openssl");
    command.args(["pkey", "-pubout", "-outform", "DER", "-in"]).arg(file);
    if let Some(passphrase) = passphrase {
        command.arg("-passin").arg(format!("pass:{passphrase}"));
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let der = output.stdout;
    PublicKey::from_bytes(der[der.len() - 32..].try_into().unwrap()).unwrap()
}

/// The secret key in a file.
#[track_caller]
fn secret_of(file: &Path, passphrase: Option<&str>) -> SecretKey {
    SecretKey::from_pkcs8_pem(&std::fs::read_to_string(file).unwrap(), passphrase).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of the world is text")
}
