//! An answer of a domain.

use cargo_namespaces::time::Timestamp;
use cargo_namespaces::verdict::{DomainView, Observation};

/// What a domain was seen to say.
#[derive(Debug)]
pub struct Observed {
    /// What it means.
    pub view: DomainView,
    /// What came back from each place.
    pub observations: Vec<Observation>,
    /// When.
    pub at: Timestamp,
}
