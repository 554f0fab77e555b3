//! The package itself: its qualified name, `organization`, `default_registry`, and the feature that unlocked them.

use super::super::notation::{CARGO_FEATURE, CRATES_IO, find_notation, is_qualified};
use super::super::{ManifestInfo, Publish};
use super::{Job, Note, Problem, RewriteError, refuse};
use crate::name::{Namespace, QualifiedName};
use crate::toml_text::{Role, ValueKind, join, path, quoted};

/// What `[package]` says in notation.
pub(super) struct PackageNotation {
    /// The package's namespace, however it is given.
    pub(super) namespace: Option<Namespace>,
    /// The namespace that `default_registry` names; none for crates.io.
    pub(super) default_namespace: Option<Namespace>,
    /// `name = "example.com/hello"`
    name: Option<QualifiedName>,
    organization: Option<Namespace>,
    default_registry: Option<String>,
}

const METADATA: [&str; 3] = ["package", "metadata", "namespaces"];

impl Job<'_, '_> {
    /// Reads the package's notation and checks that it does not contradict itself.
    pub(super) fn read_package(&self) -> Result<PackageNotation, RewriteError> {
        // For its errors: wrong types and names, with their places.
        let info = ManifestInfo::parse(self.nodes.toml.text)?;
        let name = match self.nodes.string(&path(["package", "name"])) {
            Some(text) if is_qualified(text) => {
                Some(QualifiedName::parse_notation(text).or_else(|error| self.refuse_value("name", error))?)
            }
            _ => None,
        };
        let organization = match self.nodes.string(&path(["package", "organization"])) {
            Some(text) => {
                Some(Namespace::parse(text).or_else(|error| self.refuse_value("organization", error))?)
            }
            None => None,
        };
        let default_registry = self.nodes.string(&path(["package", "default_registry"])).map(str::to_owned);
        let default_namespace = match default_registry.as_deref() {
            None | Some(CRATES_IO | "crates-io") => None,
            Some(text) if text.contains('.') => {
                Some(Namespace::parse(text).or_else(|error| self.refuse_value("default_registry", error))?)
            }
            Some(_) => None,
        };
        let namespace = info.package.and_then(|package| package.namespace).or_else(|| organization.clone());
        let of_name = name.as_ref().map(|name| &name.namespace);
        for (key, given) in [("name", of_name), ("organization", organization.as_ref())] {
            if given.is_some() && given != namespace.as_ref() {
                let one =
                    format!("{key} = \"{}\"", self.nodes.string(&path(["package", key])).unwrap_or_default());
                let other = format!("namespace {}", namespace.as_ref().map_or("", Namespace::as_str));
                return refuse(self.position(&path(["package", key])), Problem::Conflict { one, other });
            }
        }
        let settled = self.nodes.string(&[&path(METADATA)[..], &path(["default-registry"])].concat());
        if let (Some(old), Some(new)) = (settled, &default_registry)
            && old != new
        {
            let (one, other) =
                (format!("default_registry = \"{new}\""), format!("default-registry = \"{old}\""));
            return refuse(
                self.position(&path(["package", "default_registry"])),
                Problem::Conflict { one, other },
            );
        }
        Ok(PackageNotation { namespace, default_namespace, name, organization, default_registry })
    }

    fn refuse_value<T>(&self, key: &str, error: crate::name::NameError) -> Result<T, RewriteError> {
        let at = path(["package", key]);
        let start = self.nodes.value(&at).map_or(0, |value| value.span.start);
        refuse(self.position_at(start), error)
    }

    pub(super) fn rewrite_package(&mut self, package: &PackageNotation) -> Result<(), RewriteError> {
        let name_at = path(["package", "name"]);
        if let (Some(name), Some(value)) = (&package.name, self.nodes.value(&name_at)) {
            let why = format!("the package is {name}; its namespace is under [{}]", METADATA.join("."));
            self.editor.replace_value(value, quoted(name.krate.as_str()), &why);
        }
        let in_notation = package.name.is_some() || package.organization.is_some();
        if let (true, Some(namespace)) = (in_notation, &package.namespace) {
            self.limit_publish(namespace);
        }
        self.remove_notation_keys(package);
        let mut settings = Vec::new();
        if let (true, Some(namespace)) = (in_notation, &package.namespace) {
            settings.push(("namespace", quoted(namespace.as_str())));
        }
        if let Some(registry) = self.default_registry(package) {
            settings.push(("default-registry", quoted(registry)));
        }
        settings.retain(|(key, _)| !self.nodes.has(&join(&path(METADATA), key)));
        if !settings.is_empty() {
            self.editor.insert_keys(&path(METADATA), &settings, "where Cargo lets tools keep settings");
        }
        Ok(())
    }

    /// What a dependency without a registry means. A package of a namespace has to say it, and in Cargo's form it means
    /// crates.io; what is in that form already is left alone.
    fn default_registry<'p>(&self, package: &'p PackageNotation) -> Option<&'p str> {
        let to_say = package.namespace.is_some() && !find_notation(self.nodes).is_empty();
        package.default_registry.as_deref().or(to_say.then_some(CRATES_IO))
    }

    /// Adds `publish = ["example_com"]` where nothing says where the package goes.
    fn limit_publish(&mut self, namespace: &Namespace) {
        let registry = self.context.registry(namespace);
        let publish = path(["package", "publish"]);
        if !self.nodes.has(&publish) {
            let value = format!("[{}]", quoted(registry.as_str()));
            let why = "so that a plain `cargo publish` cannot put it on crates.io";
            match self
                .nodes
                .at(&path(["package", "name"]))
                .iter()
                .find(|node| matches!(node.role, Role::Entry(_)))
            {
                Some(name) => self.editor.insert_beside(name, "publish", &value, why),
                None => self.editor.set(&path(["package"]), "publish", &value, why),
            }
            return;
        }
        let Some(value) = self.nodes.value(&publish) else { return };
        let open = match &value.kind {
            ValueKind::Bool(open) => *open,
            ValueKind::Array(items) => !items.iter().any(|item| item.as_str() == Some(registry.as_str())),
            _ => false,
        };
        if open {
            let text =
                format!("`publish` does not limit the package to its own registry: [\"{registry}\"] would");
            self.notes.push(Note { position: self.position_at(value.span.start), text });
        }
    }

    fn remove_notation_keys(&mut self, package: &PackageNotation) {
        let mut gone = Vec::new();
        if package.organization.is_some() {
            gone.push("organization");
        }
        if package.default_registry.is_some() {
            gone.push("default_registry");
        }
        self.editor.remove_fields(&path(["package"]), &gone, &format!("now under [{}]", METADATA.join(".")));
    }

    /// Takes `domain-namespaces` out of `cargo-features`, and the key with its last feature.
    pub(super) fn remove_cargo_feature(&mut self) {
        let at = path(["cargo-features"]);
        let why = format!("stock Cargo has no feature `{CARGO_FEATURE}`, and needs none");
        let Some(entry) = self.nodes.entry(&at) else { return };
        let Some(items) = entry.value.as_array() else { return };
        let gone = |number: usize| items[number].as_str() == Some(CARGO_FEATURE);
        let spans: Vec<_> = items.iter().map(|item| item.span.clone()).collect();
        if items.is_empty() || !(0..items.len()).all(gone) {
            self.editor.remove_items(&spans, gone, &why);
            return;
        }
        self.editor.remove_entry(entry, false, true, &why);
    }
}

impl Publish {
    /// Whether a package may go to that registry.
    pub fn allows(&self, registry: &str) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Nowhere => false,
            Self::Only(registries) => registries.iter().any(|name| name == registry),
        }
    }
}
