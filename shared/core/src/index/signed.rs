//! The statements that an index line stands for: what is signed is rebuilt from the line.

use super::line::IndexLine;
use crate::name::{IndexUrl, QualifiedName};
use crate::statement::{Countersignature, Nonce, ReleaseStatement, Yank, YankOperation};
use crate::time::Timestamp;

/// `name` and `index` are not in the line: whoever asks knows which crate in which canonical index they asked for, and a signature
/// over another name or another index does not hold.
impl IndexLine {
    /// That this release was published, signed at `at`.
    #[must_use]
    pub fn release_statement(
        &self,
        name: &QualifiedName,
        index: &IndexUrl,
        at: Timestamp,
    ) -> ReleaseStatement {
        let (name, version, index) = (name.clone(), self.vers.clone(), index.clone());
        ReleaseStatement { name, version, cksum: self.cksum, index, at }
    }

    /// That this release is withdrawn, or no longer is.
    #[must_use]
    pub fn yank_statement(
        &self,
        name: &QualifiedName,
        index: &IndexUrl,
        operation: YankOperation,
        at: Timestamp,
        nonce: Option<Nonce>,
    ) -> Yank {
        let (name, version, index) = (name.clone(), self.vers.clone(), index.clone());
        Yank { name, version, cksum: self.cksum, index, operation, at, nonce }
    }

    /// That a registry accepted this release at `at`.
    #[must_use]
    pub fn countersignature_of(
        &self,
        name: &QualifiedName,
        index: &IndexUrl,
        at: Timestamp,
    ) -> Countersignature {
        let (name, version, index) = (name.clone(), self.vers.clone(), index.clone());
        Countersignature { name, version, cksum: self.cksum, index, at }
    }
}
