//! The trust table, as one pure function: is this release, which is verified, to be trusted?
//!
//! [`integrity`](crate::integrity) has said which keys signed a release, [`domain_view`](crate::domain_view) what the domain says
//! now, [`trust_file`](crate::trust_file) what the project pinned. [`decide`] puts the three together, for every command alike.
//! *Listed*: the key's token is at the domain now, for the namespace or this crate. *Pinned*: the key is in the trust file, with a
//! scope that covers the crate.
//!
//! | what enters | listed | pinned | |
//! |---|---|---|---|
//! | a crate new to the project | yes | | accept, pin, show the key and how it was proven |
//! | | no | | refuse |
//! | a new release of a locked crate | yes | yes | accept |
//! | | yes | no, but endorsed by a pinned key | accept, pin, say so |
//! | | yes | no | stop: the key changed; `--trust KEY` |
//! | | no (the domain answers) | yes | stop: the domain no longer lists this key; `--trust KEY` |
//! | | domain unreachable | yes | accept with a warning; refuse with `--strict` |
//! | a release already locked | | yes | accept |
//! | | | no | refuse |
//! | any, by a revoked key | | | refuse, naming the revocation |
//! | any, where the declared index is not the pinned one | | | stop; `--trust-index` |
//!
//! What the table leaves open is decided against the release: a new release by a key that neither stands nor is
//! pinned is refused; by an unknown key while the domain is unreachable, stopped. A release may be signed by several keys:
//! one that is acceptable suffices, and revoked ones do not count.
//!
//! A key that is new to a namespace whose crates the project uses already, and that no pinned key endorsed, is pinned
//! for the new crate alone: who buys a lapsed domain may offer crates of their own, and must not extend those of the
//! previous owner through them.
//!
//! An **endorsement** lets a key follow a pinned one. It counts only when a pinned key that is not revoked signed it,
//! and gives no more than the narrowest of what it says, what is pinned and what stands.

mod evidence;
mod note;
mod reason;
#[cfg(test)]
mod tests;

use semver::Version;

pub use note::Note;
pub use reason::{IndexSource, Reason, Why};

use crate::domain_view::{DomainView, IndexError, Listing, RecordPlace};
use crate::key::PublicKey;
use crate::name::{IndexUrl, QualifiedName};
use crate::time::Timestamp;
use crate::token::Scope;
use crate::trust_file::Pins;

/// What a release is to the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entering {
    /// No release of the crate was locked before.
    NewCrate,
    /// Another release of the crate was locked before.
    NewRelease,
    /// This very release was locked before.
    Locked,
}

/// What the user said on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--strict`: an unreachable domain is a refusal.
    pub strict: bool,
    /// `--trust KEY`, any number of times.
    pub trust: Vec<PublicKey>,
    /// `--trust-index`: the index that the domain declares now is right, though another is pinned.
    pub trust_index: bool,
}

/// Everything that the decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The crate, by its name in the namespace.
    pub name: &'a QualifiedName,
    /// The release.
    pub version: &'a Version,
    /// What it is to the project.
    pub entering: Entering,
    /// The registry it comes from, as the lock file names it.
    pub index: &'a IndexUrl,
    /// The keys whose signature on the release holds.
    pub signers: &'a [PublicKey],
    /// What the project pinned for the namespace, if anything.
    pub pins: Option<&'a Pins>,
    /// What the domain says; `None` when it was not asked (`--offline`).
    pub view: Option<&'a DomainView>,
    /// The client's clock, for the expiry of endorsements.
    pub now: Timestamp,
    /// What the user said.
    pub options: &'a Options,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Trusted. What to pin is in it; the caller pins [`Question::index`] with it.
    Accept(Accepted),
    /// Not trusted, and no flag changes that.
    Refuse(Box<Reason>),
    /// Not trusted until a person decides; the reason names the flag.
    Stop(Box<Reason>),
}

/// A trusted release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The signer on whose account it is trusted.
    pub key: PublicKey,
    /// Why that one.
    pub how: TrustBasis,
    /// What to add to the trust file, each with its scope; empty when nothing is new.
    pub pins: Vec<(PublicKey, Scope)>,
    /// What to tell the user.
    pub notes: Vec<Note>,
}

/// Why a key was acceptable, best first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustBasis {
    /// Pinned, and it stands.
    PinnedAndListed,
    /// Pinned, and the release was locked before.
    PinnedAndLocked,
    /// First contact: it stands, at these places.
    Listed(Vec<RecordPlace>),
    /// It stands, and this pinned key endorsed it.
    Endorsed(PublicKey),
    /// `--trust`.
    SaidByUser,
    /// Pinned; the domain was unreachable.
    PinnedDomainUnreachable,
}

impl TrustBasis {
    /// Stable code for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PinnedAndListed => "pinned-and-stands",
            Self::PinnedAndLocked => "pinned-and-locked",
            Self::Listed(_) => "stands",
            Self::Endorsed(_) => "endorsed",
            Self::SaidByUser => "said-by-user",
            Self::PinnedDomainUnreachable => "pinned-domain-silent",
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::PinnedAndListed | Self::PinnedAndLocked => 0,
            Self::Listed(_) => 1,
            Self::Endorsed(_) => 2,
            Self::SaidByUser => 3,
            Self::PinnedDomainUnreachable => 4,
        }
    }
}

/// Decides by the table above.
pub fn decide(question: &Question<'_>) -> Decision {
    if let Some(decision) = check_index(question) {
        return decision;
    }
    let (revoked, signers): (Vec<&PublicKey>, Vec<&PublicKey>) =
        question.signers.iter().partition(|key| question.is_revoked(key));
    let mut decisions: Vec<Decision> = signers.into_iter().map(|key| judge(question, key)).collect();
    if decisions.is_empty() {
        let why = match revoked.first() {
            Some(key) => question.revocation(key),
            None => Why::Unsigned,
        };
        return question.refuse(why);
    }
    let (accepts, others): (Vec<Decision>, Vec<Decision>) =
        decisions.drain(..).partition(|decision| matches!(decision, Decision::Accept(_)));
    match best(accepts) {
        Some(mut accepted) => {
            accepted.notes.extend(revoked.into_iter().map(Note::revoked_beside));
            Decision::Accept(accepted)
        }
        // A stop names a way on; where there is one, it says more than a refusal.
        None => {
            let stop = others.iter().position(|decision| matches!(decision, Decision::Stop(_))).unwrap_or(0);
            others.into_iter().nth(stop).expect("there was a decision, and none accepts")
        }
    }
}

/// The best of several accepted signers. On first contact all that stand are pinned: the domain named each of them,
/// and each signed this very release.
fn best(accepts: Vec<Decision>) -> Option<Accepted> {
    let mut accepts: Vec<Accepted> = accepts
        .into_iter()
        .filter_map(|decision| match decision {
            Decision::Accept(accepted) => Some(accepted),
            Decision::Refuse(_) | Decision::Stop(_) => None,
        })
        .collect();
    accepts.sort_by_key(|accepted| accepted.how.rank());
    let mut accepts = accepts.into_iter();
    let mut first = accepts.next()?;
    if matches!(first.how, TrustBasis::Listed(_)) {
        for other in accepts.filter(|accepted| matches!(accepted.how, TrustBasis::Listed(_))) {
            first.notes.extend(other.notes);
            let new = other.pins.into_iter().filter(|pin| !first.pins.contains(pin)).collect::<Vec<_>>();
            first.pins.extend(new);
        }
    }
    Some(first)
}

/// The rows about the index alone, without the signers: `None` when it is the right one.
pub fn check_index(question: &Question<'_>) -> Option<Decision> {
    let pinned = question.pins.map(|pins| &pins.index);
    let (declared, unknown) = match question.view.map(DomainView::declared_index) {
        Some(Ok(index)) => (Some(index), String::new()),
        Some(Err(error @ IndexError::Contradiction { .. })) => {
            return Some(question.refuse(Why::IndexContradiction { problem: error.to_string() }));
        }
        Some(Err(IndexError::Unknown { reason, .. })) => (None, reason),
        None => (None, "the domain was not asked".to_owned()),
    };
    let (expected, source) = match (pinned, declared) {
        (Some(pinned), Some(declared)) if *pinned != declared && !question.options.trust_index => {
            let why = Why::IndexMoved { pinned: pinned.clone(), declared };
            return Some(question.stop(why));
        }
        (_, Some(declared)) => (declared, IndexSource::Declared),
        (Some(pinned), None) => (pinned.clone(), IndexSource::Pinned),
        (None, None) => return Some(question.refuse(Why::IndexUnknown { reason: unknown })),
    };
    (*question.index != expected)
        .then(|| question.refuse(Why::IndexWrong { found: question.index.clone(), expected, source }))
}

/// The rows about one signer that is not revoked.
fn judge(question: &Question<'_>, key: &PublicKey) -> Decision {
    let listing = match question.view {
        Some(view) => view.listing(key, question.name),
        None => Listing::Unreachable { reason: "the domain was not asked".to_owned() },
    };
    let pinned = question.pinned_scope(key);
    match question.entering {
        Entering::NewCrate => new_crate(question, key, listing, pinned),
        Entering::NewRelease => new_release(question, key, listing, pinned),
        Entering::Locked => locked(question, key, listing, pinned),
    }
}

fn new_crate(question: &Question<'_>, key: &PublicKey, listing: Listing, pinned: Option<&Scope>) -> Decision {
    match (listing, pinned) {
        (Listing::Listed { .. }, Some(_)) => accept(key, TrustBasis::PinnedAndListed, Vec::new(), Vec::new()),
        (Listing::Listed { scope, places }, None) => {
            let scope = question.first_scope(key, scope);
            let pins = question.pins_for(key, &scope);
            let note = Note::first_contact(question, key, &scope, &places);
            accept(key, TrustBasis::Listed(places), pins, vec![note])
        }
        (Listing::NotListed { remarks }, _) => question.refuse(Why::KeyNotListed { key: *key, remarks }),
        (Listing::Unreachable { reason }, _) => question.refuse(Why::DomainUnreachable { key: *key, reason }),
    }
}

fn new_release(
    question: &Question<'_>,
    key: &PublicKey,
    listing: Listing,
    pinned: Option<&Scope>,
) -> Decision {
    let said = question.options.trust.contains(key);
    match (listing, pinned) {
        (Listing::Listed { .. }, Some(_)) => accept(key, TrustBasis::PinnedAndListed, Vec::new(), Vec::new()),
        (Listing::Listed { scope, places }, None) => {
            if let Some((by, granted)) = question.endorsed(key, &scope) {
                let note = Note::endorsed(question, key, &by, &granted);
                accept(key, TrustBasis::Endorsed(by), question.pins_for(key, &granted), vec![note])
            } else if said {
                let note = Note::said_by_user(question, key, &scope);
                accept(key, TrustBasis::SaidByUser, question.pins_for(key, &scope), vec![note])
            } else {
                let known =
                    question.pins.map(|pins| pins.trusted.iter().cloned().collect()).unwrap_or_default();
                question.stop(Why::KeyChanged { key: *key, scope, places, known })
            }
        }
        (Listing::NotListed { .. }, Some(scope)) if said => {
            accept(key, TrustBasis::SaidByUser, Vec::new(), vec![Note::said_by_user(question, key, scope)])
        }
        (Listing::NotListed { remarks }, Some(_)) => {
            question.stop(Why::KeyNoLongerListed { key: *key, remarks })
        }
        (Listing::NotListed { remarks }, None) => question.refuse(Why::KeyNotListed { key: *key, remarks }),
        (Listing::Unreachable { reason }, _) if question.options.strict => {
            question.refuse(Why::DomainUnreachableStrict { key: *key, reason })
        }
        (Listing::Unreachable { reason }, Some(_)) => accept(
            key,
            TrustBasis::PinnedDomainUnreachable,
            Vec::new(),
            vec![Note::unreachable(question, key, &reason)],
        ),
        (Listing::Unreachable { .. }, None) if said => said_unseen(question, key),
        (Listing::Unreachable { reason }, None) => {
            question.stop(Why::KeyUnknownDomainUnreachable { key: *key, reason })
        }
    }
}

fn locked(question: &Question<'_>, key: &PublicKey, listing: Listing, pinned: Option<&Scope>) -> Decision {
    match pinned {
        Some(_) if matches!(listing, Listing::Listed { .. }) => {
            accept(key, TrustBasis::PinnedAndListed, Vec::new(), Vec::new())
        }
        Some(_) => accept(key, TrustBasis::PinnedAndLocked, Vec::new(), Vec::new()),
        None if question.options.trust.contains(key) => said_unseen(question, key),
        None => {
            let elsewhere = question
                .pins
                .and_then(|pins| pins.trusted.iter().find(|(known, _)| known == key))
                .map(|(_, scope)| scope.clone());
            let listing = question.view.map(|_| listing);
            let is_first = question.pins.is_none_or(|pins| pins.trusted.is_empty());
            question.refuse(Why::KeyNotPinned { key: *key, elsewhere, listing, is_first })
        }
    }
}

/// `--trust` for a key that the domain was not heard about: pinned for this crate and no more.
fn said_unseen(question: &Question<'_>, key: &PublicKey) -> Decision {
    let scope = Scope::Crate(question.name.clone());
    let note = Note::said_by_user(question, key, &scope);
    accept(key, TrustBasis::SaidByUser, vec![(*key, scope)], vec![note])
}

fn accept(key: &PublicKey, how: TrustBasis, pins: Vec<(PublicKey, Scope)>, notes: Vec<Note>) -> Decision {
    Decision::Accept(Accepted { key: *key, how, pins, notes })
}
