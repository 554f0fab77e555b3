//! The licence of a package: a valid SPDX expression, or the text that the package has in its place.

use spdx::{Expression, LicenseItem, ParseMode};

/// Accepts the old forms of Cargo, such as `MIT/Apache-2.0` and `GPL-2.0+`, and nothing else. Guessing the meaning of `apache2` would
/// be a claim that the package does not make.
const CARGOS: ParseMode = ParseMode { allow_imprecise_license_names: false, ..ParseMode::LAX };

/// The licence of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum License {
    /// A valid SPDX expression.
    Expression(String),
    /// A text that is not an expression.
    Text(String),
    /// `license-file`: the path in the package.
    File(String),
    Unknown,
}

impl License {
    /// Makes it of the two keys of a manifest.
    pub fn new(license: Option<&str>, file: Option<&str>) -> Self {
        let lexically_normal =
            |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        match (lexically_normal(license), lexically_normal(file)) {
            (Some(text), _) => expression(&text).map_or(Self::Text(text), Self::Expression),
            (None, Some(file)) => Self::File(file),
            (None, None) => Self::Unknown,
        }
    }

    /// The licences in an expression whose text is in the package: `LicenseRef-…`.
    pub fn references(&self) -> Vec<String> {
        let Self::Expression(text) = self else { return Vec::new() };
        let Ok(expression) = Expression::parse(text) else { return Vec::new() };
        let other = |item: &LicenseItem| match item {
            LicenseItem::Other(reference) if reference.doc_ref.is_none() => Some(reference.to_string()),
            _ => None,
        };
        expression.requirements().filter_map(|requirement| other(&requirement.req.license)).collect()
    }
}

/// The SPDX expression for `text`. Returns `None` if it is not an expression.
fn expression(text: &str) -> Option<String> {
    Expression::parse_mode(text, CARGOS).ok()?;
    let canonical = Expression::canonicalize(text).ok()?.unwrap_or_else(|| text.to_owned());
    let parsed = Expression::parse(&canonical).ok()?;
    // Licences that are explained in another document.
    let elsewhere = parsed.requirements().any(|requirement| match &requirement.req.license {
        LicenseItem::Other(reference) => reference.doc_ref.is_some(),
        LicenseItem::Spdx { .. } => false,
    });
    (!elsewhere).then_some(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> License {
        License::new(Some(text), Some("COPYING"))
    }

    #[test]
    fn cargos_old_forms_become_expressions() {
        for (given, expected) in [
            ("MIT", "MIT"),
            ("MIT/Apache-2.0", "MIT OR Apache-2.0"),
            ("MIT / Apache-2.0", "MIT OR Apache-2.0"),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", "(MIT OR Apache-2.0) AND Unicode-3.0"),
            ("Apache-2.0 WITH LLVM-exception OR MIT", "Apache-2.0 WITH LLVM-exception OR MIT"),
            ("GPL-2.0", "GPL-2.0-only"),
            ("GPL-3.0+", "GPL-3.0-or-later"),
            ("LicenseRef-mine", "LicenseRef-mine"),
        ] {
            assert_eq!(of(given), License::Expression(expected.to_owned()), "{given}");
        }
        assert_eq!(of("MIT OR LicenseRef-mine").references(), ["LicenseRef-mine"]);
    }

    #[test]
    fn what_is_no_expression_is_not_guessed_at() {
        for text in
            ["apache2", "BSD", "MIT OR", "see the file", "DocumentRef-x:LicenseRef-y", "MIT, Apache-2.0"]
        {
            assert_eq!(of(text), License::Text(text.to_owned()));
        }
        assert_eq!(License::new(None, Some("COPYING")), License::File("COPYING".to_owned()));
        assert_eq!(License::new(Some(" "), None), License::Unknown);
    }
}
