//! `.cargo-checksum.json`: every vendored package has it. It lists the package's files, and Cargo checks them when it builds.

use std::collections::BTreeMap;

use cargo_namespaces::digest::Digest;
use serde::{Deserialize, Serialize};

pub const CHECKSUMS: &str = ".cargo-checksum.json";

/// `.cargo-checksum.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksums {
    /// SHA-256 of each file, by its path with `/`.
    pub files: BTreeMap<String, Digest>,
    /// SHA-256 of the .crate; `null` for packages from git.
    pub package: Option<Digest>,
}

impl Checksums {
    /// The text of the file, as Cargo writes it.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a map of texts can be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_written_as_cargo_writes_them() {
        let mut checksums = Checksums::default();
        checksums.files.insert("b".to_owned(), Digest::of(b""));
        checksums.files.insert("a\"".to_owned(), Digest::of(b""));
        let empty = Digest::of(b"");
        assert_eq!(
            checksums.to_json(),
            format!("{{\"files\":{{\"a\\\"\":\"{empty}\",\"b\":\"{empty}\"}},\"package\":null}}")
        );
    }
}
