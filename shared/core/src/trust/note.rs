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
    /// The text, one sentence or two; untrusted parts are not escaped.
    pub text: String,
}

impl Note {
    fn information(code: &'static str, text: String) -> Self {
        Self { code, warning: false, text }
    }

    fn warning(code: &'static str, text: String) -> Self {
        Self { code, warning: true, text }
    }

    pub(super) fn first_contact(
        question: &Question<'_>,
        key: &PublicKey,
        scope: &Scope,
        places: &[RecordPlace],
    ) -> Self {
        let places = reason::list_places(question.name, DevRegistry::of(question.index), places, "and");
        Self::information("key-pinned", format!("trusting {key} for {scope}: listed at {places}"))
    }

    pub(super) fn endorsed(question: &Question<'_>, key: &PublicKey, by: &PublicKey, scope: &Scope) -> Self {
        let text =
            format!("trusting {key} for {scope}: it continues {by}, which signed earlier {}", question.name);
        Self::information("key-endorsed", text)
    }

    pub(super) fn said_by_user(question: &Question<'_>, key: &PublicKey, scope: &Scope) -> Self {
        let text = format!("trusting {key} for {scope} on your word (--trust), for {}", question.name);
        Self::warning("key-said-by-user", text)
    }

    pub(super) fn silent(question: &Question<'_>, key: &PublicKey, reason: &str) -> Self {
        let (name, version, domain) =
            (question.name, question.version, question.name.namespace.display_both());
        let text = format!(
            "{name} v{version} is accepted because {key} is pinned; {domain} could not be asked whether it still \
             lists the key ({reason})"
        );
        Self::warning("domain-silent", text)
    }

    pub(super) fn revoked_beside(key: &PublicKey) -> Self {
        Self::information("revoked-signer", format!("a signature by the revoked {key} is not counted"))
    }
}
