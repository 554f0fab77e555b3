//! The places where filters are written: flags, `[workspace.metadata.namespaces.vendor]`, and the record in the vendored directory.
//!
//! ```toml
//! [workspace.metadata.namespaces.vendor]
//! platforms = ["*-unknown-linux-gnu"]
//! tier = "2"
//! features = ["tls"]              # or all-features = true; no-default-features = true
//! keep-dep-kinds = "no-dev"
//! exclude-crate-paths = ["curl-sys#curl", { name = "*", exclude = "tests" }]
//! ```
//!
//! A package that is not in a workspace may use `[package.metadata.namespaces.vendor]`. A flag overrides the setting of its name.
//! An unknown key is an error, since a misspelt filter would have no effect.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, InlineTable, Item, TableLike, Value};

use super::select::DepKinds;
use super::tiers::{Tier, TierError};
use super::{ExcludedPath, ExcludedPathError, FeatureChoice, Filters};
use crate::suggest::UnknownWord;

/// The record at the top of the vendored directory.
pub const RECORD: &str = ".nsvendor.toml";

const KEYS: [&str; 7] = [
    "all-features",
    "exclude-crate-paths",
    "features",
    "keep-dep-kinds",
    "no-default-features",
    "platforms",
    "tier",
];

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("{0}")]
    NotToml(String),
    #[error("it is there for the workspace and for the package: one of the two would have no effect")]
    Twice,
    #[error("it is not a table")]
    NotATable,
    #[error("`{key}`: {problem}")]
    Setting { key: String, problem: SettingProblem },
}

/// What is wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingProblem {
    #[error(transparent)]
    Word(#[from] UnknownWord),
    #[error(transparent)]
    Tier(#[from] TierError),
    #[error(transparent)]
    Path(#[from] ExcludedPathError),
    #[error("it is neither \"1\" nor \"2\"")]
    NoTier,
    #[error("it is not a text")]
    NotAText,
    #[error("it is not an array")]
    NotAnArray,
    #[error("it is not an array of texts")]
    NotTexts,
    #[error("it is neither true nor false")]
    NotABool,
    #[error("an entry is neither \"CRATE#PATH\" nor {{ name, exclude }}")]
    NotAnEntry,
    #[error("an entry has no `{0}`")]
    Incomplete(&'static str),
}

/// The filters that flags set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterFlags {
    /// `--platform`
    pub platforms: Vec<String>,
    /// `--tier`
    pub tier: Option<Tier>,
    /// `--features`, `--no-default-features`, `--all-features`
    pub features: FeatureChoice,
    /// `--keep-dep-kinds`
    pub kinds: Option<DepKinds>,
    /// `--exclude-crate-path`
    pub exclude: Vec<ExcludedPath>,
}

impl FilterFlags {
    /// Whether any was given. `--keep-dep-kinds all` counts, although it leaves nothing out.
    pub fn are_given(&self) -> bool {
        *self != Self::default()
    }

    /// The filters of `settings`, overridden by the flags.
    pub fn over(&self, mut settings: Filters) -> Filters {
        if !self.platforms.is_empty() {
            settings.platforms.clone_from(&self.platforms);
        }
        if self.tier.is_some() {
            settings.tier = self.tier;
        }
        if self.features.are_chosen() {
            settings.features = self.features.clone();
        }
        if let Some(kinds) = self.kinds {
            settings.kinds = kinds;
        }
        if !self.exclude.is_empty() {
            settings.exclude.clone_from(&self.exclude);
        }
        settings.normal()
    }
}

impl Filters {
    /// From the manifest of a workspace's root.
    ///
    /// # Errors
    /// A key or value is not known. A manifest that is not TOML has no settings: Cargo reports it.
    pub fn of_manifest(text: &str) -> Result<Self, SettingsError> {
        let Ok(document) = text.parse::<DocumentMut>() else { return Ok(Self::default()) };
        let of = |above: &str| {
            let path = [above, "metadata", "namespaces", "vendor"];
            path.iter().try_fold(document.as_item(), |item, key| item.get(key))
        };
        let item = match (of("workspace"), of("package")) {
            (None, None) => return Ok(Self::default()),
            (Some(item), None) | (None, Some(item)) => item,
            (Some(_), Some(_)) => {
                return Err(SettingsError::Twice);
            }
        };
        match item.as_table_like() {
            Some(table) => Self::of_table(table),
            None => Err(SettingsError::NotATable),
        }
    }

    /// From a record.
    ///
    /// # Errors
    /// It is not one.
    pub fn of_record(text: &str) -> Result<Self, SettingsError> {
        let document: DocumentMut = text
            .parse()
            .map_err(|error: toml_edit::TomlError| SettingsError::NotToml(error.message().to_owned()))?;
        Self::of_table(document.as_table())
    }

    fn of_table(table: &dyn TableLike) -> Result<Self, SettingsError> {
        let mut filters = Self::default();
        for (key, item) in table.iter() {
            filters
                .set(key, item)
                .map_err(|problem| SettingsError::Setting { key: key.to_owned(), problem })?;
        }
        Ok(filters.normal())
    }

    fn set(&mut self, key: &str, item: &Item) -> Result<(), SettingProblem> {
        match key {
            "platforms" => self.platforms = texts(item)?,
            "tier" => {
                let text = match (item.as_str(), item.as_integer()) {
                    (Some(text), _) => text.to_owned(),
                    (None, Some(number)) => number.to_string(),
                    (None, None) => return Err(SettingProblem::NoTier),
                };
                self.tier = Some(Tier::parse(&text)?);
            }
            "features" => self.features.named = Some(texts(item)?),
            "all-features" => self.features.all = truth(item)?,
            "no-default-features" => self.features.no_default = truth(item)?,
            "keep-dep-kinds" => self.kinds = DepKinds::parse(item.as_str().ok_or(SettingProblem::NotAText)?)?,
            "exclude-crate-paths" => {
                let array = item.as_array().ok_or(SettingProblem::NotAnArray)?;
                self.exclude = array.iter().map(exclude).collect::<Result<_, _>>()?;
            }
            other => return Err(UnknownWord::new("key", other, KEYS).into()),
        }
        Ok(())
    }

    /// Sorts the lists, and removes duplicates.
    fn normal(mut self) -> Self {
        self.platforms.sort();
        self.platforms.dedup();
        self.exclude.sort();
        self.exclude.dedup();
        if let Some(named) = &mut self.features.named {
            named.sort();
            named.dedup();
        }
        self
    }

    /// The text of the record. It has the keys of the settings.
    pub fn to_record(&self) -> String {
        let mut lines: BTreeMap<&str, Value> = BTreeMap::new();
        let array = |texts: &[String]| Value::Array(texts.iter().map(String::as_str).collect::<Array>());
        if !self.platforms.is_empty() {
            lines.insert("platforms", array(&self.platforms));
        }
        if let Some(tier) = self.tier {
            lines.insert("tier", tier.text().into());
        }
        if let Some(named) = &self.features.named {
            lines.insert("features", array(named));
        }
        if self.features.all {
            lines.insert("all-features", true.into());
        }
        if self.features.no_default {
            lines.insert("no-default-features", true.into());
        }
        if self.kinds != DepKinds::All {
            lines.insert("keep-dep-kinds", self.kinds.text().into());
        }
        if !self.exclude.is_empty() {
            let excluded = self.exclude.iter().map(|exclude| format!("{}#{}", exclude.krate, exclude.path));
            lines.insert("exclude-crate-paths", Value::Array(excluded.collect()));
        }
        let mut document = DocumentMut::new();
        for (key, value) in lines {
            document.insert(key, Item::Value(value));
        }
        format!("# What was left out here; `cargo nsvendor --check` reads it.\n{document}")
    }
}

fn texts(item: &Item) -> Result<Vec<String>, SettingProblem> {
    let array = item.as_array().ok_or(SettingProblem::NotTexts)?;
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(SettingProblem::NotTexts);
    array.iter().map(text).collect()
}

fn truth(item: &Item) -> Result<bool, SettingProblem> {
    item.as_bool().ok_or(SettingProblem::NotABool)
}

/// `"crate#path"` or `{ name = "crate", exclude = "path" }`.
fn exclude(value: &Value) -> Result<ExcludedPath, SettingProblem> {
    match value {
        Value::String(text) => Ok(ExcludedPath::parse(text.value())?),
        Value::InlineTable(table) => exclude_table(table),
        _ => Err(SettingProblem::NotAnEntry),
    }
}

fn exclude_table(table: &InlineTable) -> Result<ExcludedPath, SettingProblem> {
    if let Some((key, _)) = table.iter().find(|(key, _)| !["name", "exclude"].contains(key)) {
        return Err(UnknownWord::new("key", key, ["name", "exclude"]).into());
    }
    let text =
        |key: &'static str| table.get(key).and_then(Value::as_str).ok_or(SettingProblem::Incomplete(key));
    Ok(ExcludedPath::new(text("name")?, text("exclude")?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &str = r#"
[package]
name = "app"

[workspace.metadata.namespaces.vendor]
platforms = ["x86_64-unknown-linux-gnu", "*-musl"]
tier = 2
features = ["b", "a"]
no-default-features = true
keep-dep-kinds = "no-dev"
exclude-crate-paths = ["curl-sys#curl", { name = "*", exclude = "tests" }]
"#;

    #[test]
    fn settings_are_read_and_the_record_says_the_same() {
        let filters = Filters::of_manifest(SETTINGS).unwrap();
        assert_eq!(filters.platforms, ["*-musl", "x86_64-unknown-linux-gnu"]);
        assert_eq!(filters.features.named.as_deref(), Some(["a".to_owned(), "b".to_owned()].as_slice()));
        assert_eq!(filters.exclude[0], ExcludedPath::parse("*#tests").unwrap());
        assert!(filters.selects_packages() && !filters.is_none());
        let record = filters.to_record();
        assert_eq!(Filters::of_record(&record).unwrap(), filters, "{record}");
        assert_eq!(Filters::of_record(&Filters::default().to_record()).unwrap(), Filters::default());
        assert!(Filters::of_manifest("[package]\nname = \"a\"\n").unwrap().is_none());
    }

    #[test]
    fn what_is_misspelt_is_not_silently_without_effect() {
        let error = |line: &str| {
            let text = format!("[workspace.metadata.namespaces.vendor]\n{line}\n");
            Filters::of_manifest(&text).unwrap_err().to_string()
        };
        assert_eq!(error("platform = []"), "`platform`: unknown key `platform`; did you mean `platforms`?");
        assert!(error("keep-dep-kinds = \"no-devs\"").contains("did you mean `no-dev`"));
        assert!(error("tier = 3").contains("every platform"));
        assert!(error("features = \"a\"").contains("array"));
        assert!(
            error("exclude-crate-paths = [{ name = \"a\", path = \"b\" }]").contains("unknown key `path`")
        );
        assert!(error("exclude-crate-paths = [\"tests\"]").contains("CRATE#PATH"));
        assert!(error("all-features = \"yes\"").contains("true nor false"));
    }

    #[test]
    fn a_package_by_itself_has_settings_too_but_not_twice() {
        let of_package = SETTINGS.replace("[workspace.metadata", "[package.metadata");
        assert_eq!(Filters::of_manifest(&of_package), Filters::of_manifest(SETTINGS));
        let twice = format!("{SETTINGS}[package.metadata.namespaces.vendor]\ntier = 1\n");
        assert!(
            Filters::of_manifest(&twice)
                .unwrap_err()
                .to_string()
                .contains("for the workspace and for the package")
        );
    }

    #[test]
    fn a_flag_takes_the_place_of_its_setting() {
        let settings = Filters::of_manifest(SETTINGS).unwrap();
        let flags = FilterFlags {
            platforms: vec!["aarch64-apple-darwin".to_owned()],
            kinds: Some(DepKinds::All),
            features: FeatureChoice { all: true, ..FeatureChoice::default() },
            ..FilterFlags::default()
        };
        let filters = flags.over(settings.clone());
        assert_eq!(filters.platforms, ["aarch64-apple-darwin"]);
        assert_eq!((filters.kinds, filters.features.named.as_ref()), (DepKinds::All, None));
        assert_eq!((filters.tier, &filters.exclude), (settings.tier, &settings.exclude));
    }
}
