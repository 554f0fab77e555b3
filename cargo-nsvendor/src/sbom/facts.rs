//! The fields of a Cargo.toml that a bill of materials repeats.

use toml_edit::{DocumentMut, Item};

use super::license::License;

/// From `[package]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFacts {
    pub license: License,
    pub description: Option<String>,
    pub authors: Vec<String>,
    pub homepage: Option<String>,
    pub repository: Option<String>,
    pub documentation: Option<String>,
}

impl Default for ManifestFacts {
    fn default() -> Self {
        Self {
            license: License::Unknown,
            description: None,
            authors: Vec::new(),
            homepage: None,
            repository: None,
            documentation: None,
        }
    }
}

impl ManifestFacts {
    /// Reads a published Cargo.toml, in which nothing is inherited. What is missing or has another type is left out.
    pub fn of_manifest(document: &DocumentMut) -> Self {
        let Some(package) = document.get("package").or_else(|| document.get("project")) else {
            return Self::default();
        };
        let text = |key: &str| package.get(key).and_then(Item::as_str);
        let authors = package.get("authors").and_then(Item::as_array).into_iter().flatten();
        Self {
            license: License::new(text("license"), text("license-file")),
            description: text("description")
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            authors: authors.filter_map(toml_edit::Value::as_str).map(str::to_owned).collect(),
            homepage: text("homepage").and_then(url),
            repository: text("repository").and_then(url),
            documentation: text("documentation").and_then(url),
        }
    }

    /// Reads the answer of `cargo metadata`, which has resolved what is inherited.
    pub fn of_package(package: &cargo_metadata::Package) -> Self {
        Self {
            license: License::new(
                package.license.as_deref(),
                package.license_file.as_ref().map(|path| path.as_str()),
            ),
            description: package
                .description
                .as_deref()
                .map(str::trim)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            authors: package.authors.clone(),
            homepage: package.homepage.as_deref().and_then(url),
            repository: package.repository.as_deref().and_then(url),
            documentation: package.documentation.as_deref().and_then(url),
        }
    }
}

/// The text, if it is a URL: manifests may have anything.
fn url(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let lexically_normal =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&byte);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let escapes = rest
        .split('%')
        .skip(1)
        .all(|after| after.len() >= 2 && after.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    let fits =
        !host.is_empty() && rest.bytes().all(lexically_normal) && escapes && rest.matches('#').count() <= 1;
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_manifest_says() {
        let text = "[package]\nname = \"a\"\nlicense = \"MIT/Apache-2.0\"\ndescription = \" Does it.\\n\"\n\
                    authors = [\"somebody <a@a.example>\"]\nhomepage = \"https://a.example/x y\"\n\
                    repository = \"https://a.example/r\"\ndocumentation = 1\n";
        let facts = ManifestFacts::of_manifest(&text.parse().unwrap());
        assert_eq!(facts.license, License::Expression("MIT OR Apache-2.0".to_owned()));
        assert_eq!(facts.description.as_deref(), Some("Does it."));
        assert_eq!(facts.authors, ["somebody <a@a.example>"]);
        assert_eq!((facts.homepage, facts.documentation), (None, None));
        assert_eq!(facts.repository.as_deref(), Some("https://a.example/r"));
        assert_eq!(ManifestFacts::of_manifest(&DocumentMut::new()), ManifestFacts::default());
    }

    #[test]
    fn only_urls_are_taken_for_urls() {
        for text in [
            "",
            "a.example",
            "https://",
            "https:///x",
            "https://a/%",
            "https://a/#b#c",
            "git@h:a",
            "https://ü",
        ] {
            assert_eq!(url(text), None, "{text}");
        }
        assert!(url("https://a.example/x?y=%20#z").is_some());
    }
}
