//! Who signs in to private registries: Cargo's credential providers, as they are configured.
//!
//! ```toml
//! [registries.serde_rs]
//! index = "sparse+https://crates.example/index/serde.rs/"
//! credential-provider = ["cargo-nspublish"]     # or "program argument", or an alias
//! [registry]
//! global-credential-providers = ["cargo:token"] # the last is asked first; this is also the default
//! [credential-alias]
//! corp = ["corp-login", "--account", "build"]
//! ```
//!
//! A provider is a program, and it is started. So only the user's own configuration is read here, never a project's: the
//! rule of [`super`]'s `[namespaces]`. Tokens are kept where `cargo login` puts them, in `$CARGO_HOME/credentials.toml`, or
//! in `CARGO_REGISTRIES_<NAME>_TOKEN`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};

use toml_edit::DocumentMut;
use zeroize::Zeroizing;

use super::layers::Layers;
use super::{Registry, SettingsError, same_index};
use crate::env::Environment;
use cargo_namespaces::name::IndexUrl;
use cargo_namespaces_net::fs;

/// The program of this suite that is a credential provider.
const OUR_PROGRAM: &str = "cargo-nspublish";

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// `cargo:token`: the token in the configuration.
    Token,
    /// `cargo:token-from-stdout`: what this program prints.
    Stdout(Vec<String>),
    /// A program that speaks Cargo's protocol, with its arguments.
    Program(Vec<String>),
    /// Another one that is built into Cargo.
    BuiltIn(String),
}

/// The providers and tokens of all registries.
#[derive(Clone, Default)]
pub struct Credentials {
    /// By the registry's name.
    own: BTreeMap<String, Vec<Provider>>,
    /// Those of them that are written as a string, not as an array.
    written_as_string: BTreeSet<String>,
    /// For those that have none of their own, in the order of asking.
    global: Vec<Provider>,
    tokens: BTreeMap<String, Zeroizing<String>>,
    /// What providers have answered in this process. Copies of the settings share it, so that nobody is asked twice.
    #[cfg_attr(not(feature = "commands"), expect(dead_code, reason = "only the commands ask providers"))]
    pub(crate) answers: Arc<Answers>,
}

/// Whether a program was asked for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAsked {
    /// A credential provider was asked, and said what it needs.
    Program,
    /// There is no program to ask.
    Nobody,
}

/// Why there is no token for an index, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoToken {
    reason: String,
    asked: TokenAsked,
}

#[cfg(feature = "commands")]
impl NoToken {
    /// Nobody was asked.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), asked: TokenAsked::Nobody }
    }

    /// A credential provider was asked.
    pub(crate) fn of_program(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), asked: TokenAsked::Program }
    }

    pub(crate) fn asked(&self) -> TokenAsked {
        self.asked
    }
}

/// What came of asking for each index: a token, or why there is none.
pub(crate) type Answers = Mutex<BTreeMap<IndexUrl, Result<Zeroizing<String>, NoToken>>>;

/// Names only: tokens are secret.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let tokens: Vec<&String> = self.tokens.keys().collect();
        f.debug_struct("Credentials").field("own", &self.own).field("tokens", &tokens).finish_non_exhaustive()
    }
}

/// What is configured for one index.
#[derive(Clone, Debug)]
pub struct Access<'a> {
    /// The registry's name, where it has one.
    pub name: Option<&'a str>,
    /// Its providers, in the order of asking.
    pub providers: &'a [Provider],
    /// Its token.
    pub token: Option<&'a str>,
}

pub(super) fn read(
    layers: &Layers,
    registries: &BTreeMap<String, Registry>,
    env: &Environment,
    cargo_home: &Path,
) -> Result<Credentials, SettingsError> {
    let alias = |name: &str| layers.users_words(&["credential-alias", name]);
    let provider = |words: Vec<String>| -> Result<Option<Provider>, SettingsError> {
        let words = match words.as_slice() {
            [one] => alias(one)?.unwrap_or(words),
            _ => words,
        };
        Ok(Provider::of(words))
    };
    let file = stored(cargo_home)?;
    let mut found = Credentials::default();
    for name in registries.keys() {
        if let Some(words) = layers.users_words(&["registries", name, "credential-provider"])? {
            found.own.insert(name.clone(), provider(words)?.into_iter().collect());
            if layers.users_string(&["registries", name, "credential-provider"]).is_some() {
                found.written_as_string.insert(name.clone());
            }
        }
        let in_file =
            || file.as_ref()?.get("registries")?.get(name)?.get("token")?.as_str().map(str::to_owned);
        let configured = layers.users_words(&["registries", name, "token"])?.map(|words| words.concat());
        if let Some(token) = env.registry_token(name).or_else(in_file).or(configured) {
            found.tokens.insert(name.clone(), Zeroizing::new(token));
        }
    }
    let global = layers.users_list(&["registry", "global-credential-providers"])?;
    for words in global.unwrap_or_else(|| vec!["cargo:token".to_owned()]).into_iter().rev() {
        found.global.extend(provider(words.split_whitespace().map(str::to_owned).collect())?);
    }
    Ok(found)
}

/// `credentials.toml`, or `credentials`, the old name, which Cargo prefers.
fn stored(cargo_home: &Path) -> Result<Option<DocumentMut>, SettingsError> {
    for name in ["credentials", "credentials.toml"] {
        let path = cargo_home.join(name);
        let Some(text) = fs::read_to_string_if_exists(&path)? else { continue };
        let parsed = text.parse::<DocumentMut>();
        // What the parser says may quote the file, whose texts are secret.
        return parsed.map(Some).map_err(|_| SettingsError::Syntax {
            origin: path.display().to_string(),
            problem: "it is not TOML".to_owned(),
        });
    }
    Ok(None)
}

impl Provider {
    /// Whether it is the one of this suite, which signs with the user's keys and may be told of those in variables.
    pub fn is_ours(&self) -> bool {
        let Self::Program(words) = self else { return false };
        words.first().is_some_and(|program| Path::new(program).file_stem() == Some(OUR_PROGRAM.as_ref()))
    }

    fn of(words: Vec<String>) -> Option<Self> {
        let (program, rest) = words.split_first()?;
        Some(match program.as_str() {
            "cargo:token" => Self::Token,
            "cargo:token-from-stdout" => Self::Stdout(rest.to_vec()),
            name if name.starts_with("cargo:") => Self::BuiltIn(name.to_owned()),
            _ => Self::Program(words),
        })
    }
}

impl Credentials {
    /// Whether a registry's provider is written as a string. Cargo merges only values of one kind.
    pub fn is_written_as_string(&self, name: &str) -> bool {
        self.written_as_string.contains(name)
    }

    /// What is configured for the index at this URL.
    pub fn access<'a>(&'a self, registries: &'a BTreeMap<String, Registry>, index: &IndexUrl) -> Access<'a> {
        let name = registries.iter().find(|(_, registry)| same_index(&registry.index, index));
        let name = name.map(|(name, _)| name.as_str());
        let own = name.and_then(|name| self.own.get(name));
        Access {
            name,
            providers: own.unwrap_or(&self.global),
            token: name.and_then(|name| self.tokens.get(name)).map(|token| token.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    const INDEX: &str = "sparse+https://crates.example/index/serde.rs/";

    fn load(user: &str, project: &str, stored: &str) -> (tempfile::TempDir, Settings) {
        let home = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("cargo/config.toml", user),
            ("cargo/credentials.toml", stored),
            ("project/.cargo/config.toml", project),
        ] {
            let path = home.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write_atomic(&path, text.as_bytes()).unwrap();
        }
        let env = Environment::default()
            .with(crate::env::Var::CargoHome, home.path().join("cargo").display().to_string());
        let settings = Settings::load(&home.path().join("project"), &env, &[]).unwrap();
        (home, settings)
    }

    fn access(settings: &Settings) -> Access<'_> {
        settings.access(&IndexUrl::parse(INDEX).unwrap())
    }

    #[test]
    fn a_registry_has_the_provider_that_the_user_gave_it() {
        let registry = format!("[registries.serde_rs]\nindex = \"{INDEX}\"\n");
        let program =
            |words: &[&str]| vec![Provider::Program(words.iter().map(|w| (*w).to_owned()).collect())];
        let (_home, settings) =
            load(&format!("{registry}credential-provider = [\"login\", \"a b\"]\n"), "", "");
        assert_eq!(access(&settings).providers, program(&["login", "a b"]));
        let alias = "[credential-alias]\nlogin = [\"corp\", \"-x\"]\n";
        let (_home, settings) = load(&format!("{registry}credential-provider = \"login\"\n{alias}"), "", "");
        assert_eq!(access(&settings).providers, program(&["corp", "-x"]));
        let (_home, settings) = load(&registry, "", "[registries.serde_rs]\ntoken = \"abc\"\n");
        let found = access(&settings);
        assert_eq!((found.providers, found.token), (&[Provider::Token][..], Some("abc")));
        assert!(!format!("{settings:?}").contains("abc"), "a token is never shown");
    }

    #[test]
    fn a_clone_starts_no_program_of_its_own() {
        let project = format!("[registries.serde_rs]\nindex = \"{INDEX}\"\ncredential-provider = \"evil\"\n");
        let (_home, settings) = load("", &project, "");
        assert_eq!(access(&settings).providers, [Provider::Token]);
        assert_eq!(access(&settings).token, None);
    }

    #[test]
    fn the_last_global_provider_is_asked_first() {
        let user = format!(
            "[registries.serde_rs]\nindex = \"{INDEX}\"\n[registry]\n\
             global-credential-providers = [\"cargo:token\", \"cargo:token-from-stdout pass show x\", \"cargo:libsecret\"]\n"
        );
        let (_home, settings) = load(&user, "", "");
        let words = ["pass", "show", "x"].map(str::to_owned).to_vec();
        let built_in = Provider::BuiltIn("cargo:libsecret".to_owned());
        assert_eq!(access(&settings).providers, [built_in, Provider::Stdout(words), Provider::Token]);
    }
}
