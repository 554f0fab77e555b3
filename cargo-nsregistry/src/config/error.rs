//! Why a configuration cannot be used.

use cargo_namespaces_net::fs::FsError;

/// The configuration cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FsError),
    /// Not TOML, or a key that nobody knows.
    #[error("failed to parse the configuration `{path}`")]
    Syntax {
        path: String,
        /// What and where.
        #[source]
        source: toml_edit::de::Error,
    },
    /// A value that means nothing.
    #[error("`{key}` is {value:?}, which is not {expected}")]
    Value {
        /// The dotted key.
        key: &'static str,
        /// What it holds.
        value: String,
        /// What it must be.
        expected: String,
    },
    /// Settings of a registry that others use.
    #[error("`{key}` is set, but a development registry does not support it")]
    NotForDevelopment {
        /// The dotted key.
        key: &'static str,
    },
    /// Two settings that make sense only together.
    #[error("`server.tls-certificate` and `server.tls-key` belong together; only one of them is set")]
    HalfTls,
}

/// The error for a value that means nothing.
pub(super) fn value(key: &'static str, value: impl Into<String>, expected: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, value: value.into(), expected: expected.into() }
}
