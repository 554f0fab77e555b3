//! The small texts of an index line: feature names and values, package names, targets.

use std::collections::{BTreeMap, BTreeSet};

use cargo_platform::Platform;

use crate::limits::{MAX_CRATE_NAME, MAX_FEATURE_NAME, MAX_LINKS, MAX_TARGET};

type Features = BTreeMap<String, Vec<String>>;

/// Splits features into those that every Cargo reads and those that need Cargo 1.60: the ones with `dep:` or `?/`,
/// and every feature that enables one of these.
pub(super) fn split(features: Features) -> (Features, Features) {
    let new_syntax = |value: &String| value.starts_with("dep:") || value.contains("?/");
    let mut moved: BTreeSet<String> = features
        .iter()
        .filter(|(_, values)| values.iter().any(new_syntax))
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let more: Vec<String> = features
            .iter()
            .filter(|(name, values)| {
                !moved.contains(*name) && values.iter().any(|value| moved.contains(value))
            })
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        moved.extend(more);
    }
    features.into_iter().partition(|(name, _)| !moved.contains(name))
}

/// A feature's name: Cargo's rule, in ASCII. It may start with a digit, and hold `+` and `.`.
pub(super) fn is_name(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
    text.len() <= MAX_FEATURE_NAME
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
        && text.bytes().all(rest)
}

/// What a feature enables: `feature`, `dep:package`, `package/feature`, `package?/feature`.
pub(super) fn is_value(text: &str) -> bool {
    if let Some(dependency) = text.strip_prefix("dep:") {
        return is_package_name(dependency);
    }
    match text.split_once('/') {
        Some((dependency, feature)) => {
            is_package_name(dependency.strip_suffix('?').unwrap_or(dependency)) && is_name(feature)
        }
        None => is_name(text),
    }
}

/// A package's name, or the name that Cargo.toml gives it. Other registries have other rules, so this is only what
/// keeps a name from being something else: ASCII, and nothing with a meaning in a path or on a terminal.
pub(super) fn is_package_name(text: &str) -> bool {
    text.len() <= MAX_CRATE_NAME
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// A target as Cargo writes it into an index, with one space on each side of `=` and one after `,`; none when Cargo
/// would refuse it.
pub(super) fn normalise_target(text: &str) -> Option<String> {
    // The cap also bounds the depth of the parser's recursion.
    if text.len() > MAX_TARGET || text.chars().any(char::is_control) {
        return None;
    }
    text.parse::<Platform>().ok().map(|platform| platform.to_string())
}

/// A native library's name: printable ASCII, and not a page of it.
pub(super) fn is_links(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_LINKS && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `1`, `1.65` or `1.65.0`: Cargo takes nothing else as a Rust version.
pub(super) fn is_rust_version(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    parts.len() <= 3
        && parts.iter().all(|part| {
            part.bytes().all(|byte| byte.is_ascii_digit())
                && part.parse::<u64>().is_ok()
                && (part.len() == 1 || !part.starts_with('0'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(pairs: &[(&str, &[&str])]) -> Features {
        pairs
            .iter()
            .map(|(name, values)| ((*name).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn features_that_enable_new_syntax_move_along() {
        let all = features(&[
            ("default", &["std"]),
            ("std", &["memchr?/std"]),
            ("simd", &["dep:memchr"]),
            ("alloc", &["other/alloc"]),
        ]);
        let (old, new) = split(all);
        assert_eq!(old, features(&[("alloc", &["other/alloc"])]));
        assert_eq!(new.keys().collect::<Vec<_>>(), ["default", "simd", "std"]);
    }

    #[test]
    fn feature_values_are_cargos() {
        for good in ["std", "dep:libc", "a/b", "a?/b", "c++20", "1_2", "v1.0"] {
            assert!(is_value(good), "{good}");
        }
        for bad in ["", "dep:", "dep:a/b", "/a", "a/", "a??/b", "a b", "a\nb", "a\u{202e}b", "-a", "./a"] {
            assert!(!is_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn targets_are_written_as_cargo_does() {
        let written = |text| normalise_target(text);
        assert_eq!(
            written(r#"cfg( any(unix,target_os="x") )"#).unwrap(),
            r#"cfg(any(unix, target_os = "x"))"#
        );
        assert_eq!(written("x86_64-pc-windows-gnu").unwrap(), "x86_64-pc-windows-gnu");
        assert_eq!(written("cfg(unix"), None);
        assert_eq!(written(&format!("cfg({}unix{})", "not(".repeat(400), ")".repeat(400))), None);
    }
}
