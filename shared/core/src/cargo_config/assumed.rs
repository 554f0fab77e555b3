//! The index of a namespace that declares none yet, where Cargo reads no manifest without one: the default index, with
//! a remark that it is assumed, until it is known.

use super::edit::{add_registry, set_registry_value};
use super::{CargoConfig, CargoConfigError};
use crate::name::{IndexUrl, RegistryName};
use crate::toml_text::quoted;

const REMARK: &str = "# Assumed, so that Cargo reads the manifests: no index is declared yet. The first `cargo nspublish` settles it.";

/// As [`add_registry`], with the remark where the entry is new and a table of its own.
///
/// # Errors
/// As [`add_registry`].
pub fn assume_registry(
    text: &str,
    name: &RegistryName,
    index: &IndexUrl,
) -> Result<String, CargoConfigError> {
    let added = add_registry(text, name, index)?;
    if !added.is_changed() {
        return Ok(added.text);
    }
    let table = format!("[registries.{name}]\nindex = {}\n", quoted(index.as_str()));
    Ok(added.text.replacen(&table, &format!("{REMARK}\n{table}"), 1))
}

/// Whether the index of a registry stands there with the remark.
#[must_use]
pub fn is_assumed(text: &str, name: &RegistryName) -> bool {
    text.contains(&format!("{REMARK}\n[registries.{name}]\n"))
}

/// The index that a registry has after all; the remark goes.
///
/// # Errors
/// The file does not parse.
pub fn settle_registry(
    text: &str,
    name: &RegistryName,
    index: &IndexUrl,
) -> Result<String, CargoConfigError> {
    let is_set = CargoConfig::parse(text)?.registry_index(name.as_str()).as_ref() == Some(index);
    let settled = match is_set {
        true => text.to_owned(),
        false => set_registry_value(text, name, "index", &quoted(index.as_str()))?.text,
    };
    Ok(settled.replacen(&format!("{REMARK}\n[registries.{name}]\n"), &format!("[registries.{name}]\n"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> (RegistryName, IndexUrl, IndexUrl) {
        let index = |text: &str| IndexUrl::parse(text).unwrap();
        (
            RegistryName::parse("b_example").unwrap(),
            index("sparse+https://b.example/cargo/index/"),
            index("sparse+https://crates.example/index/b.example/"),
        )
    }

    #[test]
    fn what_was_assumed_gives_way_and_takes_its_remark_along() {
        let (name, assumed, known) = parts();
        let before = "# mine\n[net]\nretry = 2\n";
        let text = assume_registry(before, &name, &assumed).unwrap();
        assert_eq!(text, format!("{before}\n{REMARK}\n[registries.b_example]\nindex = \"{assumed}\"\n"));
        assert_eq!(assume_registry(&text, &name, &assumed).unwrap(), text);
        assert!(is_assumed(&text, &name) && !is_assumed(before, &name));
        for index in [&assumed, &known] {
            let settled = settle_registry(&text, &name, index).unwrap();
            assert_eq!(settled, format!("{before}\n[registries.b_example]\nindex = \"{index}\"\n"));
            assert_eq!(settle_registry(&settled, &name, index).unwrap(), settled);
            assert!(!is_assumed(&settled, &name));
        }
    }

    #[test]
    fn tables_in_another_form_get_no_remark() {
        let (name, assumed, known) = parts();
        let before = "registries = { other = { index = \"sparse+https://o.example/\" } }\n";
        let text = assume_registry(before, &name, &assumed).unwrap();
        assert!(text.contains(assumed.as_str()) && !text.contains('#'), "{text}");
        assert!(settle_registry(&text, &name, &known).unwrap().contains(known.as_str()));
        let taken = "[registries.b_example]\nindex = \"sparse+https://o.example/\"\n";
        assert!(assume_registry(taken, &name, &assumed).is_err());
    }
}
