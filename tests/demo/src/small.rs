//! One small crate: keys, publishing, adding, a colleague's clone, vendoring.

use super::introduce;
use namespace_world::{Keyring, Person, World};

const HOST: &str = "hello.example";

/// The package `hello` in namespace notation.
pub const HELLO_MANIFEST: &str = "\
[package]
name = \"hello.example/hello\"
version = \"1.0.0\"
edition = \"2024\"
license = \"MIT\"
description = \"Greets\"

[dependencies]
";

/// Its `src/lib.rs`.
pub const HELLO_LIBRARY: &str = "\
/// A greeting.
pub fn greeting(name: &str) -> String {
    format!(\"Hello, {name}, from a crate of hello.example!\")
}
";

/// A `src/main.rs` that uses it.
pub const HELLO_PROGRAM: &str = "\
fn main() {
    println!(\"{}\", hello::greeting(\"world\"));
}
";

/// Shows it.
///
/// # Panics
///
/// When a line does not do what it should.
pub fn small() {
    let world = World::new(&[HOST]);
    let _keyring = Keyring::start(&world);
    let mut author = Person::new(&world, "author");
    author.set("WWW", &world.root().join("hosts").display().to_string());
    introduce(&world, &author, &[HOST]);
    publish(&mut author);
    let mut user = Person::new(&world, "user");
    add(&mut user);
    let mut colleague = Person::with_stock_cargo(&world, "colleague");
    clone(&mut colleague, &user);
    vendor(&mut user);
    world.take_down(HOST);
    offline(&mut colleague);
}

fn publish(author: &mut Person<'_>) {
    author.say(
        "1. The owner of hello.example makes two keys: one for this machine, in its keyring, and a recovery\n\
         key to be kept elsewhere. What the domain has to publish about them goes into the site.",
    );
    author.run("mkdir stick && head -c 30 /dev/urandom | base64 > stick/passphrase").success();
    author
        .run(
            "cargo nspublish setup hello.example --recovery-file stick/recovery.pem --passphrase-file stick/passphrase --site site",
        )
        .success();

    author.say("2. A crate in namespace notation, which `cargo nsadd` rewrites into what stock Cargo takes.");
    author.run("cargo new --lib hello").success();
    author.run("cd hello").success();
    author.edit("Cargo.toml", HELLO_MANIFEST);
    author.edit("src/lib.rs", HELLO_LIBRARY);
    author.run("cargo nsadd").success();
    author.run("cat Cargo.toml").success().shows("[package.metadata.namespaces]");
    author.run("git add --all && git commit --quiet --message 'A greeting'").success();

    author.say("3. It is built, checked, signed, and written into the site; then the site is uploaded.");
    author.run("cargo nspublish --site ../site").success();
    author.run("cd ../site").success();
    author.run("find . -type f | sort").success().shows("/hello-1.0.0.crate");
    author.run("cp -r . $WWW/hello.example").success();
}

fn add(user: &mut Person<'_>) {
    user.say("4. Somebody else uses it.");
    user.run("cargo new app").success();
    user.run("cd app").success();
    user.run("cargo nsadd hello.example/hello").success();
    user.run("cat Cargo.toml .cargo/config.toml .cargo/namespaces.toml")
        .success()
        .shows("registry = \"hello_example\"")
        .shows("ed25519:");
    user.edit("src/main.rs", HELLO_PROGRAM);
    user.run("cargo run").success().shows("Hello, world");
    user.run("git add --all && git commit --quiet --message 'An app'").success();
}

fn clone(colleague: &mut Person<'_>, user: &Person<'_>) {
    colleague.say("5. A colleague has stock Cargo, none of these commands, and an empty CARGO_HOME.");
    let origin = user.directory().display();
    colleague.run(&format!("git clone --quiet {origin} app")).success();
    colleague.run("cd app").success();
    colleague.run("cargo nsadd").failure().shows("no such command");
    colleague.run("cargo build").success();
    colleague.run("cargo run").success().shows("Hello, world");
}

fn vendor(user: &mut Person<'_>) {
    user.say("6. The project takes its dependencies in, every release checked again.");
    user.run("cargo nsvendor --write-config").success();
    user.run("find vendor -type f | sort").success().shows("vendor/hello.example/hello-1.0.0/src/lib.rs");
    user.run("git add --all && git commit --quiet --message 'Vendor'").success();
    user.run("cargo nsvendor --check").success();

    user.say("7. A change slips into a vendored file, and the check that CI runs finds it.");
    user.run("sed -i s/Hello/Mallory/ vendor/hello.example/hello-1.0.0/src/lib.rs").success();
    user.run("cargo nsvendor --check").failure().shows("src/lib.rs");
    user.run("git checkout --quiet vendor && cargo nsvendor --check").success();
}

fn offline(colleague: &mut Person<'_>) {
    colleague
        .say("8. hello.example is down. The colleague pulls, and builds offline with an empty CARGO_HOME.");
    colleague.run("git pull --quiet").success();
    colleague.run("export CARGO_HOME=$(mktemp -d)").success();
    colleague.run("cargo build --offline --locked --target-dir fresh").success();
    colleague.run("./fresh/debug/app").success().shows("Hello, world, from a crate of hello.example!");
}
