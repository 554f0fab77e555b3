//! The namespaces and crates of the project around the current directory, for completion. What cannot be read is nothing:
//! nobody wants an error at the Tab key.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::complete::Word;
use crate::env::Environment;
use crate::set_up;
use crate::settings::Settings;
use cargo_namespaces::lockfile::LockFile;
use cargo_namespaces::manifest::ManifestInfo;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::trust_file::TrustFile;
use cargo_namespaces_net::fs;

/// What is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) namespaces: Vec<Word>,
    /// Crates, and before them each namespace with a `/`.
    pub(super) crates: Vec<Word>,
}

impl Known {
    /// Of the current directory.
    pub(super) fn here(env: &Environment) -> Self {
        let Ok(directory) = std::env::current_dir() else { return Self::default() };
        let home = Settings::load(&directory, env, &[]).map(|settings| settings.cargo_home).ok();
        Self::of(&directory, home.as_deref())
    }

    /// The project's trust file, its lock file and the nearest manifest; and the namespaces that are set up in Cargo's home.
    fn of(directory: &Path, cargo_home: Option<&Path>) -> Self {
        let read = |path: &Path| fs::read_to_string_if_exists(path).ok().flatten();
        let nearest = |name: &str| directory.ancestors().find_map(|above| read(&above.join(name)));
        let trust = nearest(".cargo/namespaces.toml").and_then(|text| TrustFile::parse(&text).ok());
        let lock = nearest("Cargo.lock").and_then(|text| LockFile::parse(&text).ok());
        let manifest = nearest("Cargo.toml").and_then(|text| ManifestInfo::parse(&text).ok());
        let pins = trust.unwrap_or_default().namespaces;
        let own = manifest.and_then(|info| info.package).and_then(|package| package.namespace);
        let mut namespaces: BTreeSet<Namespace> = pins.keys().cloned().chain(own).collect();
        namespaces.extend(cargo_home.map(set_up::namespaces).unwrap_or_default());
        let homes: BTreeMap<&IndexUrl, &Namespace> =
            pins.iter().map(|(name, pins)| (&pins.index, name)).collect();
        let locked: BTreeMap<String, String> = lock
            .iter()
            .flat_map(LockFile::from_registries)
            .filter_map(|(package, index)| {
                let name = format!("{}/{}", homes.get(index)?, package.name);
                Some((name, format!("v{}, in Cargo.lock", package.version)))
            })
            .collect();
        let open = namespaces.iter().map(|name| Word::new(format!("{name}/"), "namespace"));
        Self {
            crates: open.chain(locked.into_iter().map(|(name, help)| Word::new(name, help))).collect(),
            namespaces: namespaces.iter().map(|name| Word::new(name.as_str(), "namespace")).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_project_uses_and_what_is_set_up() {
        let directory = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            fs::write_atomic(&directory.path().join(path), text.as_bytes()).unwrap();
        };
        let index = "sparse+https://a.example/cargo/index/";
        write("app/.cargo/namespaces.toml", &format!("[\"a.example\"]\nindex = \"{index}\"\ntrusted = []\n"));
        write(
            "app/Cargo.lock",
            &format!(
                "version = 4\n\n[[package]]\nname = \"hello\"\nversion = \"1.0.0\"\nsource = \"{index}\"\n\
                 checksum = \"{}\"\n",
                "0".repeat(64)
            ),
        );
        write("app/Cargo.toml", "[package]\nname = \"b.example/app\"\n");
        write("home/namespaces/publisher/c.example/package-namespace.json", "{}");
        let known = Known::of(&directory.path().join("app/src"), Some(&directory.path().join("home")));
        let texts = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&known.namespaces), ["a.example", "b.example", "c.example"]);
        assert_eq!(texts(&known.crates), ["a.example/", "b.example/", "c.example/", "a.example/hello"]);
        assert_eq!(known.crates[3].help, "v1.0.0, in Cargo.lock");
        write("app/Cargo.lock", "no lock file");
        assert_eq!(Known::of(&directory.path().join("app"), None).crates.len(), 2);
    }
}
