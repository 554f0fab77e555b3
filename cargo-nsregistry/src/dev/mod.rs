//! `serve --dev`: a registry to try things out with, on one machine, without root, DNS, TLS or a domain.
//!
//! Its namespaces are names below `localhost`, which are this machine for everybody (RFC 6761, section 6.3). So there is no
//! owner who could be asked, and the registry answers for such a domain itself: it belongs to whoever signs for it first, and
//! what it publishes are files in the registry's directory ([`domains`]), served under the domain's own name.
//!
//! It is not to be taken for a real one. It listens on loopback, and answers only requests whose `Host` is this machine, so that
//! no page in a browser reaches it under another name; it refuses every domain that somebody could own; its URL, and with it
//! the index of every crate, begins with `http://localhost:`; and its directory is marked, so that neither kind of registry is
//! started on the other's.

pub mod directory;
pub mod domains;
pub mod instructions;
