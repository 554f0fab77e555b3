//! The network, for the commands and the registry alike: HTTPS, DNS with DNSSEC, and the probe of a domain; and files, which
//! what is fetched is kept in.
//!
//! Everything here that waits is `async` and runs in the runtime of its caller. A process has one
//! [`Client`](client::Client). To give up, drop the future.

pub mod fs;
pub mod client;
pub mod sparse;
pub mod resolver;
pub mod domain;
