//! Cargo's configuration, file by file, in order of precedence.
//!
//! From the strongest: `--config`, the environment (asked by [`super`], variable by variable), `.cargo/config.toml` in the
//! working directory, in its parents up to the root, and `$CARGO_HOME/config.toml`. A file's `include`s stand just below
//! it. The stronger value of a key wins; tables are merged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, TableLike};

use super::SettingsError;
use super::credentials::{list, words};
use cargo_namespaces::limits;
use cargo_namespaces::manifest::patched;
use cargo_namespaces_net::fs;

/// One source of configuration.
#[derive(Debug)]
pub(super) struct Layer {
    document: DocumentMut,
    /// Where it stands, for messages.
    pub(super) origin: String,
    /// The file, if it is one.
    pub(super) file: Option<PathBuf>,
    /// What its relative paths are relative to.
    base: PathBuf,
    /// True for `--config`, which wins over the environment.
    pub(super) overriding: bool,
    /// Whose file it is.
    owner: Owner,
}

/// Who wrote a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The user: `$CARGO_HOME/config.toml` or the command line.
    User,
    /// Whoever wrote the project, or something above it: in a clone, a stranger.
    Project,
}

/// The table that says who is believed. A project must not say that of itself.
const USERS_ONLY: &str = "namespaces";

/// All layers, the strongest first.
#[derive(Debug, Default)]
pub(super) struct Layers(Vec<Layer>);

/// How deep `include` may nest; Cargo's users need one.
const MAX_INCLUDES: usize = 8;

impl Layers {
    /// Reads them all.
    pub(super) fn load(
        directory: &Path,
        cargo_home: &Path,
        overrides: &[String],
    ) -> Result<Self, SettingsError> {
        let mut layers = Self::default();
        // A later `--config` wins over an earlier one.
        for given in overrides.iter().rev() {
            layers.add_override(directory, given)?;
        }
        let mut seen_home = false;
        for ancestor in directory.ancestors() {
            let config_directory = ancestor.join(".cargo");
            let home = config_directory == cargo_home;
            seen_home |= home;
            layers.add_directory(&config_directory, if home { Owner::User } else { Owner::Project })?;
        }
        if !seen_home {
            layers.add_directory(cargo_home, Owner::User)?;
        }
        Ok(layers)
    }

    /// `config` without extension is the old name; where both exist Cargo reads the old one.
    fn add_directory(&mut self, directory: &Path, owner: Owner) -> Result<(), SettingsError> {
        for name in ["config", "config.toml"] {
            let file = directory.join(name);
            if file.is_file() {
                return self.add_file(&file, MAX_INCLUDES, false, owner);
            }
        }
        Ok(())
    }

    fn add_override(&mut self, directory: &Path, given: &str) -> Result<(), SettingsError> {
        let file = directory.join(given);
        if !given.is_empty() && file.is_file() {
            return self.add_file(&file, MAX_INCLUDES, true, Owner::User);
        }
        let origin = format!("--config `{given}`");
        let document = given.parse::<DocumentMut>().map_err(|error| SettingsError::Syntax {
            origin: origin.clone(),
            problem: error.message().to_owned(),
        })?;
        if document.is_empty() {
            let problem = "expected KEY=VALUE or the path of a file".to_owned();
            return Err(SettingsError::Syntax { origin, problem });
        }
        let base = directory.to_owned();
        self.0.push(Layer { document, origin, file: None, base, overriding: true, owner: Owner::User });
        Ok(())
    }

    fn add_file(
        &mut self,
        file: &Path,
        includes: usize,
        overriding: bool,
        owner: Owner,
    ) -> Result<(), SettingsError> {
        let text = fs::read_to_string(file)?;
        let origin = file.display().to_string();
        if text.len() as u64 > limits::MAX_CARGO_CONFIG {
            let problem = format!("the file is larger than {} bytes", limits::MAX_CARGO_CONFIG);
            return Err(SettingsError::Syntax { origin, problem });
        }
        let document = text
            .parse::<DocumentMut>()
            .map_err(|error| SettingsError::Syntax { origin: origin.clone(), problem: error.to_string() })?;
        let directory = fs::directory_of(file);
        let nested = included(&document);
        self.0.push(Layer {
            document,
            origin: origin.clone(),
            file: Some(file.to_owned()),
            base: fs::directory_of(directory).to_owned(),
            overriding,
            owner,
        });
        for (path, optional) in nested.into_iter().rev() {
            let path = directory.join(path);
            if optional && !path.exists() {
                continue;
            }
            if includes == 0 {
                let problem = "`include` is nested too deeply".to_owned();
                return Err(SettingsError::Syntax { origin, problem });
            }
            self.add_file(&path, includes - 1, overriding, owner)?;
        }
        Ok(())
    }

    /// The strongest layer's item at a dotted path. What only the user may say is not read from a project's files.
    pub(super) fn find(&self, path: &[&str]) -> Option<(&Layer, &Item)> {
        let users_only = path.first() == Some(&USERS_ONLY);
        self.0
            .iter()
            .filter(|layer| !users_only || layer.owner == Owner::User)
            .find_map(|layer| Some((layer, layer.get(path)?)))
    }

    /// The words at `path`, from the user's own layers: what a project must not say either.
    pub(super) fn users_words(&self, path: &[&str]) -> Result<Option<Vec<String>>, SettingsError> {
        self.of_user(path, words, "a string, or an array of strings")
    }

    /// The string at `path`, from the user's own layers, if one stands there.
    pub(super) fn users_string(&self, path: &[&str]) -> Option<&str> {
        let mut own = self.0.iter().filter(|layer| layer.owner == Owner::User);
        own.find_map(|layer| layer.get(path))?.as_str()
    }

    /// The array of strings at `path`, from the user's own layers.
    pub(super) fn users_list(&self, path: &[&str]) -> Result<Option<Vec<String>>, SettingsError> {
        self.of_user(path, list, "an array of strings")
    }

    fn of_user<T>(
        &self,
        path: &[&str],
        read: fn(&Item) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, SettingsError> {
        let mut own = self.0.iter().filter(|layer| layer.owner == Owner::User);
        let found = own.find_map(|layer| Some((layer, layer.get(path)?)));
        found.map(|(layer, item)| read(item).ok_or_else(|| layer.wrong_type(path, expected))).transpose()
    }

    /// The string at `path`.
    pub(super) fn string(&self, path: &[&str]) -> Result<Option<(&Layer, &str)>, SettingsError> {
        self.find(path)
            .map(|(layer, item)| {
                let text = item.as_str().ok_or_else(|| layer.wrong_type(path, "a string"))?;
                Ok((layer, text))
            })
            .transpose()
    }

    /// The boolean at `path`.
    pub(super) fn flag(&self, path: &[&str]) -> Result<Option<bool>, SettingsError> {
        self.find(path)
            .map(|(layer, item)| item.as_bool().ok_or_else(|| layer.wrong_type(path, "`true` or `false`")))
            .transpose()
    }

    /// The whole number at `path`.
    pub(super) fn number(&self, path: &[&str]) -> Result<Option<u64>, SettingsError> {
        self.find(path)
            .map(|(layer, item)| {
                item.as_integer()
                    .and_then(|number| u64::try_from(number).ok())
                    .ok_or_else(|| layer.wrong_type(path, "a whole number"))
            })
            .transpose()
    }

    /// The path at `path`, made absolute as Cargo does.
    pub(super) fn path(&self, path: &[&str]) -> Result<Option<PathBuf>, SettingsError> {
        Ok(self.string(path)?.map(|(layer, text)| layer.base.join(text)))
    }

    /// The packages that the `[patch]` tables of all layers replace.
    pub(super) fn patched(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|layer| patched(layer.document.as_table())).collect()
    }

    /// The `paths` of all layers, which Cargo joins.
    pub(super) fn override_paths(&self) -> Vec<PathBuf> {
        let of_layer = |layer: &'_ Layer| {
            let paths = layer.get(&["paths"]).and_then(Item::as_array).into_iter().flatten();
            paths.filter_map(|path| Some(layer.base.join(path.as_str()?))).collect::<Vec<_>>()
        };
        self.0.iter().flat_map(of_layer).collect()
    }

    /// The names of the tables below `section`, from all layers.
    pub(super) fn names(&self, section: &str) -> Vec<String> {
        let mut names = BTreeMap::new();
        for layer in &self.0 {
            if let Some(table) = layer.get(&[section]).and_then(Item::as_table_like) {
                names.extend(table.iter().map(|(name, _)| (name.to_owned(), ())));
            }
        }
        names.into_keys().collect()
    }
}

impl Layer {
    fn get(&self, path: &[&str]) -> Option<&Item> {
        let mut at: &dyn TableLike = self.document.as_table();
        let (last, parents) = path.split_last()?;
        for key in parents {
            at = at.get(key)?.as_table_like()?;
        }
        at.get(last)
    }

    fn wrong_type(&self, path: &[&str], expected: &'static str) -> SettingsError {
        SettingsError::WrongType { key: path.join("."), origin: self.origin.clone(), expected }
    }
}

/// The `include` of a file: paths, each with whether it may be missing.
fn included(document: &DocumentMut) -> Vec<(String, bool)> {
    let one = |value: &toml_edit::Value| match value {
        toml_edit::Value::String(path) => Some((path.value().clone(), false)),
        toml_edit::Value::InlineTable(table) => {
            let optional = table.get("optional").and_then(toml_edit::Value::as_bool).unwrap_or(false);
            Some((table.get("path")?.as_str()?.to_owned(), optional))
        }
        _ => None,
    };
    match document.get("include") {
        Some(Item::Value(toml_edit::Value::Array(paths))) => paths.iter().filter_map(one).collect(),
        Some(Item::Value(value)) => one(value).into_iter().collect(),
        _ => Vec::new(),
    }
}
