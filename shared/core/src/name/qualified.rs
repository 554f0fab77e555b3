//! [`QualifiedName`], `serde.rs/serde-abc`, and [`QualifiedSpec`], the same with a version requirement.

use std::fmt;

use semver::VersionReq;

use super::{CrateName, NameError, Namespace};
use crate::limits::MAX_VERSION_REQ;
use crate::text::{excerpt, string_form};

/// A crate in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The namespace.
    pub namespace: Namespace,
    /// The crate in it.
    pub krate: CrateName,
}

impl QualifiedName {
    /// Reads `namespace/crate`.
    ///
    /// # Errors
    /// [`NameError::Qualified`] when there is no `/`; otherwise what the two parts say.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let Some((namespace, krate)) = text.split_once('/') else {
            return Err(NameError::Qualified { text: excerpt(text) });
        };
        Ok(Self { namespace: Namespace::parse(namespace)?, krate: CrateName::parse(krate)? })
    }

    /// Reads what a manifest may say in namespace notation: `namespace/crate`, or `crate@namespace`. Cargo's own name for
    /// crates.io, `crates-io`, counts as its domain.
    ///
    /// # Errors
    /// As [`QualifiedName::parse`].
    pub fn parse_notation(text: &str) -> Result<Self, NameError> {
        let (namespace, krate) = match (Self::at_parts(text), text.split_once('/')) {
            (Some((krate, namespace)), _) => (namespace, krate),
            (None, Some(parts)) => parts,
            (None, None) => return Err(NameError::Qualified { text: excerpt(text) }),
        };
        let namespace = if namespace == "crates-io" { "crates.io" } else { namespace };
        Ok(Self { namespace: Namespace::parse(namespace)?, krate: CrateName::parse(krate)? })
    }

    /// The two sides of `crate@namespace`, unread.
    pub(crate) fn at_parts(text: &str) -> Option<(&str, &str)> {
        text.split_once('@').filter(|(krate, _)| !krate.contains('/'))
    }

    /// The name as one segment of a URL or a path: `serde.rs%2Fserde-abc`.
    pub fn to_url_segment(&self) -> String {
        format!("{}%2F{}", self.namespace, self.krate)
    }

    /// What a person is shown: the namespace in both forms where they differ.
    pub fn display_both(&self) -> String {
        let unicode = self.namespace.to_unicode();
        if unicode == self.namespace.as_str() {
            self.to_string()
        } else {
            format!("{unicode}/{} ({self})", self.krate)
        }
    }
}

impl fmt::Display for QualifiedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.krate)
    }
}

string_form!(QualifiedName, NameError);

/// What a person writes on a command line: `serde.rs/serde-abc`, `serde.rs/serde-abc@1.2`, `serde.rs/serde-abc@=1.2.3`.
///
/// The requirement is kept as written too, since that is what goes into the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QualifiedSpec {
    /// The namespace, and the crate in it.
    pub name: QualifiedName,
    /// The requirement after the `@`, if there is one.
    pub req: Option<VersionReq>,
    text: Option<String>,
}

impl QualifiedSpec {
    /// Reads `namespace/crate[@req]`.
    ///
    /// # Errors
    /// What the name says, or [`NameError::Requirement`].
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let Some((name, req)) = text.split_once('@') else {
            return Ok(Self { name: QualifiedName::parse(text)?, req: None, text: None });
        };
        let name = QualifiedName::parse(name)?;
        let wrong = |problem: String| NameError::Requirement { text: excerpt(req), problem };
        if req.len() > MAX_VERSION_REQ {
            return Err(wrong(format!("it is longer than {MAX_VERSION_REQ} characters")));
        }
        let parsed = VersionReq::parse(req).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { name, req: Some(parsed), text: Some(req.to_owned()) })
    }

    /// The requirement as it was written.
    pub fn req_text(&self) -> Option<&str> {
        self.text.as_deref()
    }
}

impl fmt::Display for QualifiedSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(req) => write!(f, "{}@{req}", self.name),
            None => self.name.fmt(f),
        }
    }
}

string_form!(QualifiedSpec, NameError);
