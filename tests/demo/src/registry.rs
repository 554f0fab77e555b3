//! The same crate by way of a registry: a domain claimed through the guide, publishing, building, yanking, handing over.

use super::introduce;
use super::small::{HELLO_LIBRARY, HELLO_PROGRAM};
use namespace_world::{Keyring, LiveRegistry, Person, World};

const HOST: &str = "hello.example";
/// Where `cargo nspublish` remembers, below a home, what the guide waits for; and what the domain is to serve.
const PUBLISHER: &str = ".cargo/namespaces/publisher/hello.example";

/// The package `hello`, as stock Cargo takes it.
const MANIFEST: &str = "\
[package]
name = \"hello\"
version = \"1.0.0\"
edition = \"2024\"
license = \"MIT\"
description = \"Greets\"

[package.metadata.namespaces]
namespace = \"hello.example\"
";

/// Shows it.
///
/// # Panics
///
/// When a line does not do what it should.
pub fn registry() {
    let world = World::new(&[HOST]);
    let _keyring = Keyring::start(&world);
    let mut operator = Person::new(&world, "operator");
    introduce(&world, &operator, &[HOST]);
    let registry = serve(&world, &mut operator);
    let mut author = Person::new(&world, "author");
    author.set("WWW", &world.web_root(HOST).display().to_string());
    write(&mut author);
    claim(&mut author);
    let mut user = Person::new(&world, "user");
    add(&mut user);
    yank(&mut author, &mut user);
    let mut friend = Person::new(&world, "friend");
    hand_over(&mut author, &mut friend);
    operator.say("7. Nobody can change what the registry remembers of all this.");
    operator
        .run("cargo nsregistry audit --file registry.toml")
        .success()
        .shows(" create hello.example/hello ")
        .shows(" yank hello.example/hello@1.0.0")
        .shows(" transfer-accept hello.example/hello ");
    drop(registry);
}

fn serve(world: &World, operator: &mut Person<'_>) -> LiveRegistry {
    operator.say("1. Somebody runs a registry at crates.example, with this configuration, by `cargo nsregistry serve`.");
    let registry = LiveRegistry::start(world, "");
    operator.set("REGISTRY", &world.root().join("registry").display().to_string());
    operator.run("cd $REGISTRY").success();
    operator.run("cat registry.toml").success().shows("url = \"https://crates.example/\"");
    operator.run("cargo nsregistry check-config --file registry.toml").success().shows("crates.example");
    registry
}

fn write(author: &mut Person<'_>) {
    author.say("2. The owner of hello.example has a crate, and neither keys nor a word at the domain.");
    author.run("cargo new --lib hello").success();
    author.run("cd hello").success();
    author.edit("Cargo.toml", MANIFEST);
    author.edit("src/lib.rs", HELLO_LIBRARY);
    author.run("mkdir ../stick").success();
    author.run("git add --all && git commit --quiet --message 'A greeting'").success();
}

/// From nothing to a published crate: one command and five answers.
fn claim(author: &mut Person<'_>) {
    author.say(
        "3. `cargo nspublish` at a terminal: it makes the keys, asks where the record shall stand, waits until the\n\
         registry has seen it there, and publishes.",
    );
    author.set("CARGO_NAMESPACES_KEY_PASSPHRASE", "of a demo, and of nothing else");
    let publisher = author.home().join(PUBLISHER);
    let upload = author.meanwhile(
        &publisher.join("guide.json"),
        &format!(
            "mkdir -p $WWW/.well-known/rust-lang.org && \
             cp ~/{PUBLISHER}/package-namespace.json $WWW/.well-known/rust-lang.org/"
        ),
    );
    author
        .answer(
            "cargo nspublish --instance https://crates.example",
            &[
                ("Make keys?", "y"),
                ("Recovery key file", "../stick/recovery.pem\r"),
                ("What shall the key publish?", "\r"),
                ("Where will you put the record?", "\x1b[B\x1b[B\r"),
                ("Ctrl-C stops waiting", ""),
            ],
        )
        .success()
        .shows("sparse+https://crates.example/index/hello.example/")
        .shows("upload/package-namespace.json")
        .shows("no document is there yet")
        .shows("crates.example lets `device` publish for hello.example")
        .shows("Published hello v1.0.0");
    upload.join().expect("the upload succeeds");
}

fn add(user: &mut Person<'_>) {
    user.say("4. Somebody else uses it: added and verified by `cargo nsadd`, built by stock Cargo.");
    user.run("cargo new app").success();
    user.run("cd app").success();
    user.run("cargo nsadd hello.example/hello").success();
    user.run("cat .cargo/config.toml")
        .success()
        .shows("index = \"sparse+https://crates.example/index/hello.example/\"");
    user.edit("src/main.rs", HELLO_PROGRAM);
    user.run("cargo run").success().shows("Hello, world, from a crate of hello.example!");
}

fn yank(author: &mut Person<'_>, user: &mut Person<'_>) {
    author.say("5. Plain `cargo publish` and `cargo yank` sign too, by the key in the keyring.");
    author.run("sed -i 's/^version = .*/version = \"1.0.1\"/' Cargo.toml").success();
    author.run("git commit --quiet --all --message 'Another greeting'").success();
    author.run("cargo publish --registry hello_example").success().shows("Published hello v1.0.1");
    author.run("cargo yank --registry hello_example hello@1.0.0").success().shows("hello@1.0.0");
    user.run("cargo run --locked").success().shows("Hello, world");
    user.run("cargo update").success().shows("hello v1.0.0 (registry `hello_example`) -> v1.0.1");
    user.run("cargo nsadd --sync && cargo run").success().shows("Hello, world");
}

fn hand_over(author: &mut Person<'_>, friend: &mut Person<'_>) {
    author.say("6. The crate goes to somebody else: offered by its owner, accepted by the receiver.");
    friend.set("CARGO_NAMESPACES_KEY_PASSPHRASE", "of another person of the demo");
    friend.run("cargo nspublish key new friend").success();
    let shown = friend.run("cargo nspublish key show friend").success();
    let key =
        shown.text.split_whitespace().find(|word| word.starts_with("ed25519:")).expect("a key is shown");
    author
        .run(&format!("cargo nspublish transfer hello.example/hello --yes \\\n--to {key}"))
        .success()
        .shows("cargo nspublish transfer hello.example/hello --accept");
    friend
        .run("cargo nspublish transfer hello.example/hello --accept --key friend")
        .success()
        .shows("Accepted");
    author.run("cargo nspublish owner list hello.example/hello").success().shows(key);
    author.run("sed -i 's/^version = .*/version = \"1.0.2\"/' Cargo.toml").success();
    author
        .run("cargo publish --allow-dirty --registry hello_example")
        .failure()
        .shows("already used that crate name");
}
