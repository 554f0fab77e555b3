//! What to tell the user about a release that is accepted.

use super::{Question, reason};
use crate::discovery::DevRegistry;
use crate::domain_view::RecordPlace;
use crate::key::PublicKey;
use crate::token::Scope;

/// Something to tell the user about an accepted release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Stable code for machines.
    pub code: &'static str,
    /// Whether it is a warning; otherwise information.
    pub warning: bool,
    /// The key that is trusted from now on, if the note says so.
    pub trusted: Option<PublicKey>,
    /// The text, one sentence or two; untrusted parts are not escaped.
    pub text: String,
}

impl Note {
    fn information(code: &'static str, text: String) -> Self {
        Self { code, warning: false, trusted: None, text }
    }

    fn warning(code: &'static str, text: String) -> Self {
        Self { code, warning: true, trusted: None, text }
    }

    fn trusting(self, key: &PublicKey) -> Self {
        Self { trusted: Some(*key), ..self }
    }

    pub(super) fn first_contact(
        question: &Question<'_>,
        key: &PublicKey,
        scope: &Scope,
        places: &[RecordPlace],
    ) -> Self {
        let places = reason::list_places(question.name, DevRegistry::of(question.index), places, "and");
        Self::information("key-pinned", format!("trusting {key} for {scope}: listed at {places}"))
            .trusting(key)
    }

    pub(super) fn endorsed(question: &Question<'_>, key: &PublicKey, by: &PublicKey, scope: &Scope) -> Self {
        let text =
            format!("trusting {key} for {scope}: it continues {by}, which signed earlier {}", question.name);
        Self::information("key-endorsed", text).trusting(key)
    }

    pub(super) fn said_by_user(question: &Question<'_>, key: &PublicKey, scope: &Scope) -> Self {
        let text = format!("trusting {key} for {scope} because of `--trust`, for {}", question.name);
        Self::warning("key-said-by-user", text).trusting(key)
    }

    pub(super) fn unreachable(question: &Question<'_>, key: &PublicKey, reason: &str) -> Self {
        let (name, version, domain) =
            (question.name, question.version, question.name.namespace.display_both());
        let text = format!(
            "{name} v{version} is accepted because {key} is pinned; {domain} is unreachable, so whether it still lists the \
             key is unknown ({reason})"
        );
        Self::warning("domain-silent", text)
    }

    pub(super) fn revoked_beside(key: &PublicKey) -> Self {
        Self::information("revoked-signer", format!("ignoring a signature by {key}, which is revoked"))
    }
}
