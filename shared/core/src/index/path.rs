//! Where a crate's file lies inside an index: Cargo's rule.

use crate::name::CrateName;

/// The path of a crate's file, relative to the index: `1/a`, `2/ab`, `3/a/abc`, `ab/cd/abcd…`, in lower case.
///
/// Only case is folded, as Cargo does: `serde_abc` and `serde-abc` have different files, so whoever writes an index
/// compares canonical names first.
#[must_use]
pub fn index_path(name: &CrateName) -> String {
    let lower = name.as_str().to_ascii_lowercase();
    format!("{}/{lower}", index_prefix(&lower))
}

/// The folder part of [`index_path`], in the case of `name`: what `{prefix}` in a `dl` template stands for.
///
/// `name` is ASCII, as every [`CrateName`] is; other text is taken whole, never cut inside a character.
#[must_use]
pub fn index_prefix(name: &str) -> String {
    match (name.len(), name.get(..1), name.get(..2), name.get(2..4)) {
        (1, ..) => "1".to_owned(),
        (2, ..) => "2".to_owned(),
        (3, Some(first), ..) => format!("3/{first}"),
        (_, _, Some(first), Some(second)) => format!("{first}/{second}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cargos() {
        for (name, path) in [
            ("a", "1/a"),
            ("ab", "2/ab"),
            ("abc", "3/a/abc"),
            ("abcd", "ab/cd/abcd"),
            ("serde-abc", "se/rd/serde-abc"),
            ("Inflector", "in/fl/inflector"),
        ] {
            assert_eq!(index_path(&name.parse().unwrap()), path);
        }
    }

    #[test]
    fn a_prefix_keeps_its_case() {
        assert_eq!(index_prefix("MyCrate"), "My/Cr");
    }
}
