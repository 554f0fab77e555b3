//! What a verification knows so far.

use std::collections::BTreeMap;

use super::{Problem, ProblemKind, Report, Request, SourceError, Sources, Wanted};
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::integrity::VerifiedRelease;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::trust::Note;

/// A registry whose namespace is known.
pub(super) struct Registry {
    pub(super) index: IndexUrl,
    pub(super) namespace: Namespace,
    pub(super) releases: Vec<Wanted>,
}

/// What is known so far.
pub(super) struct Run<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) sources: &'a dyn Sources,
    pub(super) problems: Vec<Problem>,
    pub(super) notes: Vec<Note>,
    pub(super) views: BTreeMap<Namespace, DomainView>,
    pub(super) report: Report,
}

/// A release whose index line was found, and whether it is verified.
pub(super) struct Checked {
    pub(super) name: QualifiedName,
    pub(super) wanted: Wanted,
    pub(super) index: IndexUrl,
    pub(super) line: IndexLine,
    pub(super) yanks: Vec<IndexLine>,
    pub(super) verified: Result<VerifiedRelease, ProblemKind>,
}

impl Run<'_> {
    pub(super) fn unavailable(&mut self, subject: String, what: &str, error: SourceError) {
        self.problem(subject, unavailable(what, error));
    }

    pub(super) fn problem(&mut self, subject: String, what: ProblemKind) {
        self.problems.push(Problem { subject, what });
    }
}

pub(super) fn unavailable(what: &str, error: SourceError) -> ProblemKind {
    let what = what.to_owned();
    match error {
        SourceError::Checksum(text) => ProblemKind::Checksum(text),
        SourceError::Unreadable(reason) => ProblemKind::Unreadable { what, reason },
        SourceError::NeedsToken { reason, asked } => {
            ProblemKind::Unreachable { what, reason, needs_token: Some(asked) }
        }
        other => ProblemKind::Unreachable { what, reason: other.to_string(), needs_token: None },
    }
}
