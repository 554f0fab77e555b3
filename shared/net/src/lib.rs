//! The network for the commands and the registry: HTTPS, DNS with DNSSEC, and the probe of a domain; the files that go with it.

pub mod interrupt;
pub mod fs;
mod runtime;
pub mod client;
pub mod resolver;
pub mod domain;
