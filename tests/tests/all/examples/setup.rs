//! The worlds in which a page's examples run, by name.

use namespace_demo::{HELLO_LIBRARY, HELLO_MANIFEST, HELLO_PROGRAM};
use namespace_world::dev_registry::free_address;
use namespace_world::{Keyring, Person, SignedSite, World};

/// The hosts of every such world.
pub const HOSTS: &[&str] = &["hello.example", "other.example"];

/// A named state of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// Hosts that serve nothing; a keyring; an empty home.
    Plain,
    /// The package `hello` in namespace notation in the current directory.
    Notation,
    /// The same rewritten, with keys set up, so that `cargo nspublish --site ../site` works.
    Author,
    /// `hello.example/hello` 1.0.0 and 1.1.0 are published; a new package `app` in the current directory.
    Published,
    /// The same, added to `app` and called by it.
    Added,
    /// Nothing but the commands: no variable of the world, no keyring, and a free port for a development registry.
    Bare,
}

/// What pages without a `world` comment get.
pub const PLAIN: Setup = Setup::Plain;

/// The names in pages.
const NAMES: [(&str, Setup); 6] = [
    ("hello.example", Setup::Plain),
    ("hello in namespace notation", Setup::Notation),
    ("hello ready to publish", Setup::Author),
    ("hello.example published", Setup::Published),
    ("hello.example added", Setup::Added),
    ("nothing but the commands", Setup::Bare),
];

/// The setup that a page names.
#[must_use]
pub fn find(name: &str) -> Option<Setup> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, setup)| *setup)
}

/// A terminal in a prepared world, and what has to live as long.
#[derive(Debug)]
pub struct Prepared<'w> {
    /// Where the lines are typed.
    pub person: Person<'w>,
    _keyring: Keyring,
}

impl Setup {
    /// Brings a new world with [`HOSTS`] into this state.
    ///
    /// # Panics
    ///
    /// When a step of it fails.
    #[must_use]
    pub fn prepare(self, world: &World) -> Prepared<'_> {
        let keyring = Keyring::start(world);
        let mut person = Person::new(world, "you").quiet();
        person.set("WWW", &world.root().join("hosts").display().to_string());
        match self {
            Self::Plain => {}
            Self::Bare => {
                person.forget(&["CARGO_HTTP_", "CARGO_NAMESPACES_", "DBUS_", "WWW"]);
                person.set("CARGO_NSREGISTRY_LISTEN", &free_address().to_string());
            }
            Self::Notation => notation(&mut person),
            Self::Author => author(&mut person),
            Self::Published => published(world, &mut person),
            Self::Added => {
                published(world, &mut person);
                person.run("cargo nsadd hello.example/hello").success();
                person.write("src/main.rs", HELLO_PROGRAM);
                commit(&mut person);
            }
        }
        Prepared { person, _keyring: keyring }
    }
}

fn notation(person: &mut Person<'_>) {
    person.run("cargo new --lib hello").success();
    person.run("cd hello").success();
    person.write("Cargo.toml", HELLO_MANIFEST);
    person.write("src/lib.rs", HELLO_LIBRARY);
    commit(person);
}

fn author(person: &mut Person<'_>) {
    notation(person);
    person.run("cargo nsadd").success();
    person.run("mkdir ../stick && echo correct horse battery > ../stick/passphrase").success();
    person
        .run(
            "cargo nspublish setup hello.example --recovery-file ../stick/recovery.pem \
             --passphrase-file ../stick/passphrase --site ../site",
        )
        .success();
    commit(person);
}

fn published(world: &World, person: &mut Person<'_>) {
    let site = SignedSite::new(world, "hello.example");
    for version in ["1.0.0", "1.1.0"] {
        site.release("hello", version).file("src/lib.rs", HELLO_LIBRARY).publish();
    }
    person.run("cargo new app").success();
    person.run("cd app").success();
    commit(person);
}

fn commit(person: &mut Person<'_>) {
    person.run("git add --all && git commit --quiet --message 'As it is'").success();
}
