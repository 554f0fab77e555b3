//! The ways of a new user: whatever is done first, what the commands say leads on.

mod advice;
mod changed_keys;
mod keys;
mod orders;
mod places;
mod shells;

use std::cell::RefCell;

use namespace_world::advice::{Advice, Follower, advice};
use namespace_world::person::Ran;
use namespace_world::registry::HOST;
use namespace_world::{Keyring, LiveRegistry, Person, World};

/// A world with a registry, and an author with a keyring whose package is in namespace notation.
struct Flow {
    world: World,
    _keyring: Keyring,
    registry: RefCell<Option<LiveRegistry>>,
}

/// What only the author knows.
const SITE: &str = "../site";

impl Flow {
    fn new() -> Self {
        let world = World::new(&["hello.example", "other.example", HOST]);
        let keyring = Keyring::start(&world);
        let registry = LiveRegistry::start(&world, "");
        world.set_env("CARGO_NAMESPACES_KEY_PASSPHRASE", "of a test, and of nothing else");
        Self { world, _keyring: keyring, registry: RefCell::new(Some(registry)) }
    }

    /// Nobody answers at the registry any more.
    fn close_registry(&self) {
        *self.registry.borrow_mut() = None;
    }

    /// Somebody does again, with the same files.
    fn open_registry(&self) {
        *self.registry.borrow_mut() = Some(LiveRegistry::start(&self.world, ""));
    }

    /// The author, in the package's directory.
    fn author(&self) -> Person<'_> {
        let mut author = Person::new(&self.world, "author").quiet();
        author.set("WWW", &self.world.web_root("hello.example").display().to_string());
        author.run("mkdir hello && git init --quiet hello").success();
        author.run("cd hello").success();
        author.write(
            "Cargo.toml",
            "[package]\nname = \"hello.example/hello\"\nversion = \"1.0.0\"\nedition = \"2021\"\nlicense = \"MIT\"\n\
             description = \"Greets\"\n\n[dependencies]\n\"itoa@crates.io\" = \"1\"\n",
        );
        author.write("src/lib.rs", "pub fn who() -> &'static str {\n    \"hello\"\n}\n");
        author
    }

    /// Somebody with a package in Cargo's own form.
    fn author_with_package(&self) -> Person<'_> {
        let mut author = self.author();
        author.run("cargo nsadd").success();
        author.run("git add --all && git commit --quiet --message One").success();
        author
    }

    /// The same, set up for the registry and published there.
    fn published_to_registry(&self) -> Person<'_> {
        let mut author = self.author_with_package();
        let line = "cargo nspublish --allow-dirty --instance https://crates.example";
        follower(&mut author, &[]).reach(line, &mut put_up);
        author
    }

    /// The author's other machine, which knows nothing yet.
    fn other_machine(&self) -> Person<'_> {
        let mut other = Person::new(&self.world, "other").quiet();
        other.run("cp -r ../author/hello . && cd hello").success();
        other.run("cd hello").success();
        other
    }

    /// Somebody else adds the crate and builds with it.
    fn is_used(&self) -> Ran {
        let mut user = Person::new(&self.world, "user").quiet();
        user.run("cargo new --quiet app").success();
        user.run("cd app").success();
        user.run("cargo nsadd hello.example/hello").success();
        user.run("cargo check").success();
        user.run("cat .cargo/config.toml").success()
    }
}

/// The command lines that a message advises.
fn commands(text: &str) -> Vec<String> {
    let commands = advice(text).into_iter().filter_map(|advice| match advice {
        Advice::Command(line) => Some(line),
        Advice::Flag(_) => None,
    });
    commands.collect()
}

/// Follows the author's messages, with what they ask for filled in.
fn follower<'p, 'w>(author: &'p mut Person<'w>, prefer: &[&'p str]) -> Follower<'p, 'w> {
    author.run("echo \"$CARGO_NAMESPACES_KEY_PASSPHRASE\" > ../passphrase").success();
    let mut follower = Follower::new(author);
    follower.fill = vec![
        ("--device-file FILE", "--device-file ../device.pem".to_owned()),
        ("passphrase-file FILE", "passphrase-file ../passphrase".to_owned()),
        ("DIR", SITE.to_owned()),
        ("https://REGISTRY", format!("https://{HOST}")),
        ("FILE", "../recovery.pem".to_owned()),
    ];
    follower.prefer = prefer.to_vec();
    follower
}

/// Puts up at the domain what a message shows: what set-up recorded.
fn put_up(author: &mut Person<'_>, ran: &Ran) -> bool {
    if !ran.text.contains("put the record up") {
        return false;
    }
    author
        .run(
            "mkdir -p $WWW/.well-known/rust-lang.org && \
             cp $CARGO_HOME/namespaces/publisher/hello.example/package-namespace.json $WWW/.well-known/rust-lang.org/",
        )
        .success();
    true
}
