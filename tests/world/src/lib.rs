//! The test world: everything outside the project that the commands talk to, real but on loopback.
//!
//! A [`World`] is a throw-away directory with
//!
//! - real HTTPS: nginx serving `hosts/<host>/` for every host, with a certificate of a private authority ([`web`], [`authority`]);
//! - real DNS: knotd with a signed root and a signed `example.`, an unsigned zone, a bogus one and a broken one ([`dns`]);
//! - a CONNECT proxy through which Cargo and the commands reach them, and crates.io beside them ([`proxy`]);
//! - a home, a `CARGO_HOME` and a target directory of its own, and an environment that holds nothing else ([`world`]).
//!
//! The commands get there by ordinary configuration (a proxy, a CA bundle, a resolver and its trust anchor), as in a company
//! with an internal DNS and an internal authority. There are no hooks for tests in them.
//!
//! Around it: projects ([`project`]), running and checking commands ([`run()`]), comparing directory trees ([`snapshot()`]), archives
//! that break the rules ([`archive`]), sites signed with the library ([`site_builder`]), HTTPS servers that misbehave or record what they are asked ([`server`]), and a
//! real Secret Service ([`keyring`]), a terminal to answer questions at ([`terminal`]), commands that are watched
//! while they run ([`running`]), somebody who does what messages say ([`advice`]), and what can be the matter with downloads ([`trouble`]).
//!
//! Nothing here returns errors: a test world that cannot be built is a panic that says what is missing.

#![expect(
    clippy::disallowed_methods,
    reason = "the world writes its own throw-away files and passes the toolchain's variables on; what is banned guards user files"
)]

pub mod advice;
pub mod archive;
pub mod authority;
pub mod dev_registry;
pub mod dns;
pub mod figures;
pub mod home;
pub mod http2;
pub mod keyring;
pub mod person;
pub mod programs;
pub mod project;
pub mod proxy;
pub mod registry;
mod relay;
pub mod require;
pub mod run;
pub mod running;
pub mod server;
pub mod site_builder;
pub mod snapshot;
pub mod stage;
pub mod terminal;
pub mod trouble;
pub mod validators;
pub mod web;
pub mod world;

pub use advice::Follower;
pub use archive::Archive;
pub use dev_registry::DevRegistry;
pub use home::Home;
pub use keyring::Keyring;
pub use person::Person;
pub use project::Project;
pub use registry::{Author, LiveRegistry};
pub use require::{Need, require};
pub use run::{Output, run, run_with_input};
pub use running::Running;
pub use server::{HostileHost, Server};
pub use site_builder::{Release, SignedSite};
pub use snapshot::{Snapshot, snapshot};
pub use stage::Stage;
pub use terminal::at_terminal;
pub use trouble::{Front, Trouble};
pub use world::World;
