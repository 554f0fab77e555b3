//! A question that tests bend; `rows` has one test a row of the table, `rules` what stands around it.

mod rows;
mod rules;

use super::*;
use crate::domain_view::tests::{Domain, at, crate_name, everything, index, key};
use crate::key::SecretKey;

/// A question about `blurbs` 1.2.0 that a test bends.
struct Case {
    entering: Entering,
    signers: Vec<PublicKey>,
    pins: Option<Pins>,
    view: Option<DomainView>,
    index: IndexUrl,
    options: Options,
}

impl Case {
    fn new(entering: Entering, signer: &SecretKey) -> Self {
        Self {
            entering,
            signers: vec![signer.public()],
            pins: None,
            view: None,
            index: index(),
            options: Options::default(),
        }
    }

    fn pinned(mut self, key: &SecretKey, scope: Scope) -> Self {
        self.pins_mut().trusted.insert((key.public(), scope));
        self
    }

    fn revoked_in_file(mut self, key: &SecretKey) -> Self {
        self.pins_mut().revoked.insert(key.public());
        self
    }

    fn pins_mut(&mut self) -> &mut Pins {
        self.pins.get_or_insert_with(|| Pins {
            index: index(),
            trusted: std::collections::BTreeSet::new(),
            revoked: std::collections::BTreeSet::new(),
        })
    }

    fn asked(mut self, domain: Domain) -> Self {
        self.view = Some(domain.view());
        self
    }

    fn domain_unreachable(mut self) -> Self {
        self.view = Some(Domain::unreachable());
        self
    }

    fn also_signed_by(mut self, key: &SecretKey) -> Self {
        self.signers.push(key.public());
        self
    }

    fn strict(mut self) -> Self {
        self.options.strict = true;
        self
    }

    fn trust(mut self, key: &SecretKey) -> Self {
        self.options.trust.push(key.public());
        self
    }

    fn trust_index(mut self) -> Self {
        self.options.trust_index = true;
        self
    }

    fn from(mut self, index: &str) -> Self {
        self.index = IndexUrl::parse(index).unwrap();
        self
    }

    fn decide(&self) -> Decision {
        decide(&Question {
            name: &crate_name("blurbs"),
            version: &Version::new(1, 2, 0),
            entering: self.entering,
            index: &self.index,
            signers: &self.signers,
            pins: self.pins.as_ref(),
            view: self.view.as_ref(),
            now: at(),
            options: &self.options,
        })
    }

    fn accepted(&self) -> Accepted {
        match self.decide() {
            Decision::Accept(accepted) => accepted,
            Decision::Refuse(reason) | Decision::Stop(reason) => panic!("{reason}: {}", reason.meaning()),
        }
    }

    fn refused(&self) -> &'static str {
        match self.decide() {
            Decision::Refuse(reason) => reason.code(),
            other => panic!("{other:?}"),
        }
    }

    fn stopped(&self) -> &'static str {
        match self.decide() {
            Decision::Stop(reason) => reason.code(),
            other => panic!("{other:?}"),
        }
    }
}

fn listing(key: &SecretKey) -> Domain {
    Domain::default().lists(key, &everything())
}
