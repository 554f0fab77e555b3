//! Step one: which packages are locked, and whether the lock files fit the manifests.

pub mod early;
pub mod line_manifest;
pub mod lock_freshness;
pub mod missing_checksums;
pub mod question;
pub mod stand_in;
