//! What a person writes for a crate, and what they may have meant.

use cargo_namespaces::name::{CrateName, Namespace, QualifiedSpec};
use cargo_namespaces_cli::shell::CliError;

/// A crate to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Of crates.io or wherever the flags say; handed to `cargo add` as it is.
    Plain(String),
    /// Of a namespace.
    Qualified(QualifiedSpec),
}

/// What is wrong with a text, and what was probably meant.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpecError {
    message: String,
    hint: Option<String>,
}

impl From<SpecError> for CliError {
    fn from(error: SpecError) -> Self {
        let made = Self::usage(error.message);
        match error.hint {
            Some(hint) => made.hint(hint),
            None => made,
        }
    }
}

/// Reads one positional argument.
///
/// # Errors
/// It is neither `namespace/crate[@req]` nor a crate name; with a suggestion where one is at hand.
pub fn parse(text: &str) -> Result<Wanted, SpecError> {
    if let Some(meant) = meant(text) {
        let message = format!("`{text}` is not of the form NAMESPACE/CRATE");
        return Err(SpecError { message, hint: Some(format!("did you mean `{meant}`?")) });
    }
    if is_path(text) {
        let message = format!("`{text}` is a path, and a crate of a namespace is not added by path");
        return Err(SpecError {
            message,
            hint: Some(format!("for a local crate: `cargo add --path {text}`")),
        });
    }
    let Some((namespace, krate)) = text.split_once('/') else {
        return if is_domain(text) { Err(no_crate(text)) } else { Ok(Wanted::Plain(text.to_owned())) };
    };
    if krate.is_empty() {
        return Err(no_crate(namespace));
    }
    if matches!(namespace, "crates.io" | "crates-io") {
        return Ok(Wanted::Plain(krate.to_owned()));
    }
    QualifiedSpec::parse(text)
        .map(Wanted::Qualified)
        .map_err(|error| SpecError { hint: error.hint().map(str::to_owned), message: error.to_string() })
}

/// `serde.rs`: no crate's name has a dot.
fn is_domain(text: &str) -> bool {
    !text.contains('@') && Namespace::parse(text).is_ok()
}

fn no_crate(namespace: &str) -> SpecError {
    SpecError {
        message: format!("`{namespace}` is a namespace, and names no crate"),
        hint: Some(format!(
            "write `{namespace}/CRATE`; to write only its registry: `cargo nsadd --register {namespace}`"
        )),
    }
}

fn is_path(text: &str) -> bool {
    text.starts_with(['.', '/', '\\', '~'])
}

/// Another spelling that is well-formed, for the mistakes that people make.
fn meant(text: &str) -> Option<String> {
    let candidate = if let Some((_, rest)) = text.split_once("://") {
        // A URL, as copied from a browser.
        rest.split(['?', '#']).next()?.trim_end_matches('/').to_owned()
    } else if let Some(rest) = text.strip_prefix('@') {
        // As npm writes scopes.
        rest.to_owned()
    } else if let Some((krate, domain)) = text.split_once('@').filter(|_| !text.contains('/')) {
        // As an address: `serde-abc@serde.rs`. A requirement is no domain, but `1.x` could pass for one.
        if !domain.contains(|c: char| c.is_ascii_alphabetic()) || semver::VersionReq::parse(domain).is_ok() {
            return None;
        }
        format!("{domain}/{krate}")
    } else if text.contains(':') && !text.contains("::") {
        text.replacen(':', "/", 1)
    } else if text.contains("::") {
        text.replacen("::", "/", 1)
    } else if text.matches('/').count() == 2 {
        // With a version as in a path, or one slash too many at the end.
        let (name, version) = text.rsplit_once('/')?;
        if version.is_empty() { name.to_owned() } else { format!("{name}@{version}") }
    } else {
        return None;
    };
    QualifiedSpec::parse(&candidate).ok().map(|spec| spec.to_string())
}

/// The most `-` and `_` of a name that are tried in both ways: 32 spellings, one request each.
const MAX_SEPARATORS: usize = 5;

/// The other spellings of a crate's name under which an index may have it. Index files are named in lower case; so only `-` and
/// `_` differ.
pub fn twins(krate: &CrateName) -> Vec<CrateName> {
    let text = krate.as_str();
    let places: Vec<usize> = text.match_indices(['-', '_']).map(|(at, _)| at).collect();
    let mut spellings: Vec<String> = if places.len() > MAX_SEPARATORS {
        vec![text.replace('_', "-"), text.replace('-', "_")]
    } else {
        let spelled = |bits: usize| {
            let mut bytes = text.as_bytes().to_vec();
            for (number, at) in places.iter().enumerate() {
                bytes[*at] = if bits & (1 << number) == 0 { b'-' } else { b'_' };
            }
            String::from_utf8(bytes).unwrap_or_default()
        };
        (0..1 << places.len()).map(spelled).collect()
    };
    spellings.retain(|spelling| spelling != text);
    spellings.iter().filter_map(|spelling| CrateName::parse(spelling).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(text: &str) -> String {
        parse(text).unwrap_err().hint.unwrap_or_default()
    }

    #[test]
    fn crates_of_namespaces_and_of_crates_io() {
        assert_eq!(parse("regex@1"), Ok(Wanted::Plain("regex@1".into())));
        assert_eq!(parse("crates-io/regex"), Ok(Wanted::Plain("regex".into())));
        let Wanted::Qualified(spec) = parse("serde.rs/serde-abc@1.2").unwrap() else { panic!() };
        assert_eq!(spec.to_string(), "serde.rs/serde-abc@1.2");
    }

    #[test]
    fn typing_mistakes_are_understood() {
        for text in [
            "https://serde.rs/serde-abc",
            "https://serde.rs/serde-abc/?x=1#top",
            "serde.rs/serde-abc/",
            "@serde.rs/serde-abc",
            "serde-abc@serde.rs",
            "serde.rs:serde-abc",
            "serde.rs::serde-abc",
        ] {
            assert_eq!(hint(text), "did you mean `serde.rs/serde-abc`?", "{text}");
        }
        assert_eq!(hint("serde.rs/serde-abc/1.2"), "did you mean `serde.rs/serde-abc@1.2`?");
        assert!(hint("serde.rs/").contains("serde.rs/CRATE"));
        assert!(hint("serde.rs").contains("--register serde.rs"));
        assert!(hint("./serde").contains("cargo add --path ./serde"));
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for text in ["co.uk/x", "serde.rs/0x", "127.0.0.1/x", "serde.rs/a b", "serde/serde-abc"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn twins_are_other_spellings() {
        let found = |name: &str| -> Vec<String> {
            twins(&CrateName::parse(name).unwrap()).iter().map(ToString::to_string).collect()
        };
        assert_eq!(found("Serde_a-b"), ["Serde-a-b", "Serde-a_b", "Serde_a_b"]);
        assert!(found("memchr").is_empty());
        assert_eq!(found("a-b-c-d-e-f_g"), ["a-b-c-d-e-f-g", "a_b_c_d_e_f_g"]);
    }
}
