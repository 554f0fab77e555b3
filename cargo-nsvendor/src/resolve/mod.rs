//! Step one: which packages are locked, and whether the lock files are up to date with the manifests.
//!
//! | | |
//! |---|---|
//! | [`lock_freshness`] | what is known of that, and remembered |
//! | [`missing_checksums`] | completing lock files |
//! | [`question`] | whether Cargo resolves what is locked from what was made |
//! | [`early`] | the same, asked before everything is made |
//! | [`stand_in`] | the same, asked about stubs made of what is in caches |

pub mod early;
pub mod line_manifest;
pub mod lock_freshness;
pub mod missing_checksums;
pub mod question;
pub mod stand_in;
