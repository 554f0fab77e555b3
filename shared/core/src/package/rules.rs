//! Who reads a .crate, and so what of it is refused.
//!
//! One walk knows all rules. At publishing every one of them is enforced: what is refused there costs its author a minute, and
//! nobody else ever meets it. A consumer cannot repair an archive; whatever `cargo vendor` unpacks is taken, unless it does harm
//! on this machine ([`EntryRule::does_harm`]). Rules that are broken without harm are noted in [`Odd`].

use super::error::{EntryRule, PackageError};
use crate::limits::{
    MAX_CONSUMED_PACKED, MAX_PACKED, MAX_UNPACKED, MAX_UNPACKED_RATIO, MOST_ODD_ENTRIES_KEPT,
};

/// What a .crate is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// It is to be published: it must be what `cargo package` writes, and work everywhere.
    Publish,
    /// It is used on this machine, where it must not do harm.
    Consume,
}

impl Rules {
    /// The largest .crate, packed.
    #[must_use]
    pub fn max_packed(self) -> u64 {
        match self {
            Self::Publish => MAX_PACKED,
            Self::Consume => MAX_CONSUMED_PACKED,
        }
    }

    /// To how many bytes a .crate of `packed` bytes may unpack.
    #[must_use]
    pub fn max_unpacked(self, packed: u64) -> u64 {
        match self {
            Self::Publish => MAX_UNPACKED,
            Self::Consume => MAX_UNPACKED.max(packed.saturating_mul(MAX_UNPACKED_RATIO)),
        }
    }

    fn refuses(self, rule: &EntryRule) -> bool {
        self == Self::Publish || rule.does_harm(cfg!(windows))
    }
}

/// Rules that an archive breaks without doing harm here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Odd {
    /// What is odd, as a sentence each; no more than the first few.
    pub first: Vec<String>,
    /// How much is odd.
    pub count: usize,
}

/// Applies the rules of one walk: a broken one is an error, or noted.
pub(super) struct Judge {
    rules: Rules,
    odd: Odd,
}

impl Judge {
    pub(super) fn new(rules: Rules) -> Self {
        Self { rules, odd: Odd::default() }
    }

    /// An entry breaks a rule.
    pub(super) fn entry(&mut self, path: &[u8], rule: EntryRule) -> Result<(), PackageError> {
        let refused = self.rules.refuses(&rule);
        let error = PackageError::entry(&String::from_utf8_lossy(path), rule);
        if refused { Err(error) } else { self.note(&error) }
    }

    /// The archive breaks a rule by which nobody but a publisher is bound.
    pub(super) fn archive(&mut self, error: PackageError) -> Result<(), PackageError> {
        let unreadable = matches!(error, PackageError::Io(_));
        if unreadable || self.rules == Rules::Publish { Err(error) } else { self.note(&error) }
    }

    pub(super) fn finish(self) -> Odd {
        self.odd
    }

    fn note(&mut self, error: &PackageError) -> Result<(), PackageError> {
        if self.odd.first.len() < MOST_ODD_ENTRIES_KEPT {
            self.odd.first.push(error.to_string());
        }
        self.odd.count += 1;
        Ok(())
    }
}
