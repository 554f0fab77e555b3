//! An answer of a domain.

use cargo_namespaces::domain_view::{DomainView, ProbeResult};
use cargo_namespaces::time::Timestamp;

/// What a domain was seen to say.
#[derive(Debug)]
pub struct DomainAnswer {
    /// What it means.
    pub view: DomainView,
    /// What came back from each place.
    pub observations: Vec<ProbeResult>,
    pub at: Timestamp,
}
