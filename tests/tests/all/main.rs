//! Everything end to end, as one program: real Cargo, real DNS, real HTTPS, on loopback.

#![expect(
    clippy::disallowed_methods,
    reason = "tests write throw-away files; what is banned guards user files"
)]

mod attacks;
mod bench;
mod book;
mod cargo_facts;
mod demo;
mod documentation;
mod examples;
mod flows;
mod keys;
mod layers;
mod network;
mod nsadd;
mod publish;
mod real_crates;
mod registry;
mod registry_client;
mod site_builder;
mod transcripts;
mod vendor;
mod verify;
mod world;
