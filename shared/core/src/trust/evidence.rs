//! What a question's pins and view say about one key: pinned, revoked, endorsed, and what to pin along.

use super::{Decision, Question, Reason, Why};
use crate::discovery::DevRegistry;
use crate::domain_view::Listing;
use crate::key::PublicKey;
use crate::statement::{Endorsement, Verified};
use crate::token::Scope;

impl Question<'_> {
    pub(super) fn refuse(&self, why: Why) -> Decision {
        Decision::Refuse(Box::new(self.reason(why)))
    }

    pub(super) fn stop(&self, why: Why) -> Decision {
        Decision::Stop(Box::new(self.reason(why)))
    }

    fn reason(&self, why: Why) -> Reason {
        let dev = DevRegistry::of(self.index);
        Reason { name: self.name.clone(), version: self.version.clone(), dev, why }
    }

    /// The widest pinned scope of `key` that covers the crate.
    pub(super) fn pinned_scope(&self, key: &PublicKey) -> Option<&Scope> {
        self.pins?.pinned(self.name, key)
    }

    pub(super) fn is_revoked(&self, key: &PublicKey) -> bool {
        self.pins.is_some_and(|pins| pins.revoked.contains(key))
            || self.view.is_some_and(|view| view.revocation_of(key, self.index).is_some())
    }

    /// Whether `key` may say that the release is yanked, or is not any more: it is pinned for the crate, or the domain
    /// lists it for the crate now, and it is not revoked.
    pub fn may_yank(&self, key: &PublicKey) -> bool {
        let stands =
            || self.view.is_some_and(|view| matches!(view.listing(key, self.name), Listing::Listed { .. }));
        !self.is_revoked(key) && (self.pinned_scope(key).is_some() || stands())
    }

    pub(super) fn revocation(&self, key: &PublicKey) -> Why {
        let statement = self.view.and_then(|view| view.revocation_of(key, self.index)).cloned();
        Why::KeyRevoked { key: *key, statement: statement.map(Box::new) }
    }

    /// Whether an endorsement counts here at all: for this index and crate, and not expired.
    fn applies(&self, endorsement: &Endorsement) -> bool {
        endorsement.index == *self.index
            && endorsement.scope.covers(self.name)
            && !endorsement.is_expired(self.now)
            && !self.is_revoked(&endorsement.by)
            && !self.is_revoked(&endorsement.key)
    }

    /// The pinned key that endorsed `key`, and the scope that `key` gets from it.
    pub(super) fn endorsed(&self, key: &PublicKey, listing: &Scope) -> Option<(PublicKey, Scope)> {
        let granted = |endorsement: &Verified<Endorsement>| {
            let pinned = self.pinned_scope(&endorsement.by)?;
            let scope = self.narrowest([pinned, &endorsement.scope, listing]);
            Some((endorsement.by, scope))
        };
        let mut found = self
            .view?
            .endorsements()
            .iter()
            .filter(|endorsement| endorsement.key == *key && self.applies(endorsement))
            .filter_map(granted)
            .collect::<Vec<_>>();
        found.sort_by_key(|(_, scope)| matches!(scope, Scope::Crate(_)));
        found.into_iter().next()
    }

    /// What to pin when `key` is pinned: itself, and the recovery keys that it endorsed and that stand, so that the
    /// loss of the key does not need a new first contact.
    pub(super) fn pins_for(&self, key: &PublicKey, scope: &Scope) -> Vec<(PublicKey, Scope)> {
        let mut pins = vec![(*key, scope.clone())];
        let Some(view) = self.view else { return pins };
        for endorsement in view.endorsements() {
            if endorsement.by != *key || !endorsement.recovery || !self.applies(endorsement) {
                continue;
            }
            let recovery = &endorsement.key;
            if pins.iter().any(|(known, _)| known == recovery) || self.pinned_scope(recovery).is_some() {
                continue;
            }
            if let Listing::Listed { scope: listing, .. } = view.listing(recovery, self.name) {
                let narrowest = self.narrowest([scope, &endorsement.scope, &listing]);
                pins.push((*recovery, narrowest));
            }
        }
        pins
    }

    /// What a key that stands with `listing` is pinned for when it brings in a new crate.
    pub(super) fn first_scope(&self, key: &PublicKey, listing: Scope) -> Scope {
        if self.pins.is_none_or(|pins| pins.trusted.is_empty()) {
            return listing;
        }
        match self.endorsed(key, &listing) {
            Some((_, granted)) => granted,
            None => Scope::Crate(self.name.clone()),
        }
    }

    /// Of scopes that all cover the crate, the narrowest: each is the namespace or the crate.
    fn narrowest(&self, scopes: [&Scope; 3]) -> Scope {
        if scopes.iter().any(|scope| matches!(scope, Scope::Crate(_))) {
            Scope::Crate(self.name.clone())
        } else {
            Scope::Namespace(self.name.namespace.clone())
        }
    }
}
