//! Telling Cargo of the provider: per registry, in the user's own configuration, never globally.
//!
//! ```toml
//! [registries.serde_rs]
//! index = "sparse+https://crates.example/index/serde.rs/"
//! credential-provider = ["cargo-nspublish"]
//! ```

use cargo_namespaces::cargo_config::{
    CargoConfig, CargoConfigError, add_registry, remove_registry, set_registry_value,
};
use cargo_namespaces::name::{IndexUrl, Namespace, RegistryName};
use cargo_namespaces::toml_text::Edited;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use super::known::Known;
use crate::session::Session;

/// The provider, as it stands in the configuration.
pub const PROVIDER: &str = "cargo-nspublish";

/// Registers an index: Cargo asks us for it from then on, and we answer. Made again, it changes nothing.
///
/// # Errors
/// A file cannot be read or written, or the registry's name has another index there.
pub fn install(
    session: &Session<'_>,
    namespace: &Namespace,
    index: &IndexUrl,
) -> Result<RegistryName, CliError> {
    let home = &session.settings.cargo_home;
    let name =
        session.settings.registry_name_of(index).unwrap_or_else(|| RegistryName::from_namespace(namespace));
    let mut known = Known::load(home)?;
    let path = home.join("config.toml");
    let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
    let edited = edit(&text, &name, namespace, index, &known)
        .with_context(ExitCode::InvalidInput, || format!("failed to update `{}`", path.display()))
        .map_err(|error| {
            error.hint(format!(
                "correct `[registries.{name}]` there: Cargo must know the index `{index}` by that name"
            ))
        })?;
    known.set(index, namespace);
    known.save(home)?;
    if fs::write_if_changed(&path, edited.as_bytes())? {
        session.shell.status("Registered", format!("{index} as `{name}` in {}", path.display()));
    }
    Ok(name)
}

/// Takes out what set-up registered for a namespace before, under another index: it is a static site now, which asks nobody.
///
/// # Errors
/// A file cannot be read or written.
pub fn uninstall(session: &Session<'_>, namespace: &Namespace, index: &IndexUrl) -> Result<(), CliError> {
    let home = &session.settings.cargo_home;
    let name = RegistryName::from_namespace(namespace);
    let path = home.join("config.toml");
    let text = fs::read_to_string_if_exists(&path)?.unwrap_or_default();
    let failed = || format!("failed to update `{}`", path.display());
    let config = CargoConfig::parse(&text).with_context(ExitCode::InvalidInput, failed)?;
    let is_ours = |found: &IndexUrl| found != index && installed(session, namespace, found).unwrap_or(false);
    if config.registry_index(name.as_str()).as_ref().is_some_and(is_ours) {
        let without = remove_registry(&text, &name).with_context(ExitCode::InvalidInput, failed)?;
        fs::write_atomic(&path, without.as_bytes())?;
        session.shell.status("Removed", format!("the registry `{name}` from {}", path.display()));
    }
    Ok(())
}

/// Whether set-up registered an index for a namespace.
///
/// # Errors
/// The list of known indexes cannot be read.
pub fn installed(session: &Session<'_>, namespace: &Namespace, index: &IndexUrl) -> Result<bool, CliError> {
    let known = Known::load(&session.settings.cargo_home)?;
    Ok(known.namespace_of(index) == Some(namespace))
}

/// `text` with the registry and its provider. An index that set-up itself registered for the namespace before is
/// replaced; one that somebody else wrote is not. A provider that the user named with more arguments stays.
fn edit(
    text: &str,
    name: &RegistryName,
    namespace: &Namespace,
    index: &IndexUrl,
    known: &Known,
) -> Result<String, CargoConfigError> {
    let Edited { text, .. } = match add_registry(text, name, index) {
        Err(CargoConfigError::RegistryTaken { existing, .. }) if is_ours(&existing, namespace, known) => {
            set_registry_value(text, name, "index", &format!("\"{index}\""))?
        }
        other => other?,
    };
    if has_provider(&text, name) {
        return Ok(text);
    }
    Ok(set_registry_value(&text, name, "credential-provider", &format!("[\"{PROVIDER}\"]"))?.text)
}

fn is_ours(existing: &str, namespace: &Namespace, known: &Known) -> bool {
    IndexUrl::parse(existing).is_ok_and(|index| known.namespace_of(&index) == Some(namespace))
}

fn has_provider(text: &str, name: &RegistryName) -> bool {
    let Ok(document) = text.parse::<toml_edit::DocumentMut>() else { return false };
    let registry = document.get("registries").and_then(|registries| registries.get(name.as_str()));
    let provider = registry.and_then(|registry| registry.get("credential-provider"));
    match provider {
        Some(item) if item.is_str() => item.as_str() == Some(PROVIDER),
        Some(item) => item.as_array().and_then(|array| array.get(0)?.as_str()) == Some(PROVIDER),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (RegistryName, Namespace, IndexUrl, IndexUrl) {
        let namespace = Namespace::parse("serde.rs").unwrap();
        let index = |text: &str| IndexUrl::parse(text).unwrap();
        let name = RegistryName::from_namespace(&namespace);
        (name, namespace, index("sparse+https://a.example/i/"), index("sparse+https://b.example/i/"))
    }

    #[test]
    fn registry_and_provider_are_written_once_and_comments_stay() {
        let (name, namespace, index, _) = parts();
        let text = edit("# mine\n[net]\nretry = 2\n", &name, &namespace, &index, &Known::default()).unwrap();
        assert_eq!(
            text,
            "# mine\n[net]\nretry = 2\n\n[registries.serde_rs]\nindex = \"sparse+https://a.example/i/\"\n\
             credential-provider = [\"cargo-nspublish\"]\n"
        );
        assert_eq!(edit(&text, &name, &namespace, &index, &Known::default()).unwrap(), text);
    }

    #[test]
    fn arguments_of_the_provider_stay() {
        let (name, namespace, index, _) = parts();
        let text = "[registries.serde_rs]\nindex = \"sparse+https://a.example/i/\"\n\
                    credential-provider = [\"cargo-nspublish\", \"--key\", \"ci\"]\n";
        assert_eq!(edit(text, &name, &namespace, &index, &Known::default()).unwrap(), text);
    }

    #[test]
    fn only_an_index_of_our_own_is_replaced() {
        let (name, namespace, index, other) = parts();
        let text = edit("", &name, &namespace, &other, &Known::default()).unwrap();
        assert!(edit(&text, &name, &namespace, &index, &Known::default()).is_err());
        let mut known = Known::default();
        known.set(&other, &namespace);
        let moved = edit(&text, &name, &namespace, &index, &known).unwrap();
        assert!(moved.contains("https://a.example/i/") && !moved.contains("b.example"), "{moved}");
    }
}
