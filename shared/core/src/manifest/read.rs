//! What the commands need to know of a manifest before they touch anything.

use super::ManifestError;
use super::notation::{Notation, find_notation, is_qualified};
use super::tables::{Dependency, all_dependencies};
use crate::name::{CrateName, Namespace, QualifiedName};
use crate::toml_text::{Nodes, Position, Toml, Value, ValueKind, path};

/// A manifest, as far as namespaces are concerned. Values are as written; what is inherited is not looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestInfo {
    /// `[package]`; none in a virtual workspace.
    pub package: Option<PackageInfo>,
    /// `[workspace]`
    pub workspace: Option<WorkspaceInfo>,
    /// Every dependency of every table.
    pub dependencies: Vec<Dependency>,
    /// Where namespace notation stands, in the order of the text: what [`rewrite`](super::rewrite()) would change.
    pub notation: Vec<Notation>,
}

/// `[package]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageInfo {
    /// The crate's name; of `name = "example.com/hello"`, `hello`.
    pub name: String,
    /// The version as written.
    pub version: Inherited<String>,
    /// The namespace: `package.metadata.namespaces.namespace`, else `organization`, else that of a qualified `name`.
    pub namespace: Option<Namespace>,
    /// `package.metadata.namespaces.registry`: the registry to publish through, where it is not the namespace's own.
    pub registry: Option<String>,
    /// `package.metadata.namespaces.default-registry`, else `default_registry`.
    pub default_registry: Option<String>,
    /// `package.metadata.namespaces.site`: the directory of the site that it is published into.
    pub site: Option<String>,
    /// `package.metadata.namespaces.site-url`: the URL that the site is served at.
    pub site_url: Option<String>,
    /// `publish`
    pub publish: Inherited<Publish>,
}

impl PackageInfo {
    /// The qualified name, for a package in a namespace whose name a registry takes.
    pub fn qualified(&self) -> Option<QualifiedName> {
        let krate = CrateName::parse(&self.name).ok()?;
        Some(QualifiedName { namespace: self.namespace.clone()?, krate })
    }
}

/// `[workspace]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkspaceInfo {
    /// `members`, as written.
    pub members: Vec<String>,
    /// `workspace.package.version`
    pub version: Option<String>,
    /// `workspace.package.publish`
    pub publish: Publish,
    /// `workspace.metadata.namespaces.site`: the site of all members that name none of their own.
    pub site: Option<String>,
    /// `workspace.metadata.namespaces.site-url`
    pub site_url: Option<String>,
}

/// A value that a member may inherit from its workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inherited<T> {
    /// Given here, or left out where `T` has a word for that.
    Here(T),
    /// `key.workspace = true`
    FromWorkspace,
    /// Left out.
    Absent,
}

impl<T> Inherited<T> {
    /// The value, taking the workspace's where it is inherited.
    pub fn or_inherit(self, workspace: impl FnOnce() -> Option<T>) -> Option<T> {
        match self {
            Self::Here(value) => Some(value),
            Self::FromWorkspace => workspace(),
            Self::Absent => None,
        }
    }
}

/// Where a package may be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Publish {
    /// No `publish` key, or `true`: anywhere, crates.io included.
    #[default]
    Anywhere,
    /// `false`, or an empty list.
    Nowhere,
    /// A list of registry names.
    Only(Vec<String>),
}

impl ManifestInfo {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ManifestError`], with line and column: not TOML, a name that is none, or a value of the wrong type.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let toml = Toml::parse(text)?;
        let nodes = Nodes::new(&toml);
        let reader = Reader { nodes: &nodes };
        Ok(Self {
            package: reader.package()?,
            workspace: reader.workspace()?,
            dependencies: all_dependencies(&nodes),
            notation: find_notation(&nodes),
        })
    }

    /// Whether namespace notation is present.
    pub fn has_notation(&self) -> bool {
        !self.notation.is_empty()
    }
}

struct Reader<'a> {
    nodes: &'a Nodes<'a, 'a>,
}

impl Reader<'_> {
    fn package(&self) -> Result<Option<PackageInfo>, ManifestError> {
        // Its old name, which Cargo takes up to edition 2021.
        let table = if self.nodes.has(&path(["package"])) { "package" } else { "project" };
        let Some(name) = self.string(&[table, "name"])? else { return Ok(None) };
        let qualified = match is_qualified(name) {
            true => Some(self.named(&[table, "name"], QualifiedName::parse_notation(name))?),
            false => None,
        };
        let from_name = qualified.as_ref().map(|qualified| qualified.namespace.clone());
        let metadata = [table, "metadata", "namespaces"];
        let namespace = match self.namespace(&[&metadata[..], &["namespace"]].concat())? {
            Some(namespace) => Some(namespace),
            None => self.namespace(&[table, "organization"])?.or(from_name),
        };
        let default_registry = match self.string(&[&metadata[..], &["default-registry"]].concat())? {
            Some(name) => Some(name),
            None => self.string(&[table, "default_registry"])?,
        };
        Ok(Some(PackageInfo {
            name: qualified.map_or_else(|| name.to_owned(), |qualified| qualified.krate.to_string()),
            version: match self.inherits(&[table, "version"]) {
                true => Inherited::FromWorkspace,
                false => match self.string(&[table, "version"])? {
                    Some(version) => Inherited::Here(version.to_owned()),
                    None => Inherited::Absent,
                },
            },
            namespace,
            registry: self.string(&[&metadata[..], &["registry"]].concat())?.map(str::to_owned),
            default_registry: default_registry.map(str::to_owned),
            site: self.string(&[&metadata[..], &["site"]].concat())?.map(str::to_owned),
            site_url: self.string(&[&metadata[..], &["site-url"]].concat())?.map(str::to_owned),
            publish: match self.inherits(&[table, "publish"]) {
                true => Inherited::FromWorkspace,
                false => Inherited::Here(self.publish(&[table, "publish"])?),
            },
        }))
    }

    fn workspace(&self) -> Result<Option<WorkspaceInfo>, ManifestError> {
        if !self.nodes.has(&path(["workspace"])) {
            return Ok(None);
        }
        let members =
            self.nodes.value(&path(["workspace", "members"])).and_then(Value::as_array).unwrap_or_default();
        Ok(Some(WorkspaceInfo {
            members: members.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            version: self.string(&["workspace", "package", "version"])?.map(str::to_owned),
            publish: self.publish(&["workspace", "package", "publish"])?,
            site: self.string(&["workspace", "metadata", "namespaces", "site"])?.map(str::to_owned),
            site_url: self.string(&["workspace", "metadata", "namespaces", "site-url"])?.map(str::to_owned),
        }))
    }

    fn publish(&self, at: &[&str]) -> Result<Publish, ManifestError> {
        let Some(value) = self.nodes.value(&path(at)) else { return Ok(Publish::Anywhere) };
        match &value.kind {
            ValueKind::Bool(true) => Ok(Publish::Anywhere),
            ValueKind::Bool(false) => Ok(Publish::Nowhere),
            ValueKind::Array(items) if items.is_empty() => Ok(Publish::Nowhere),
            ValueKind::Array(items) => {
                Ok(Publish::Only(items.iter().filter_map(Value::as_str).map(str::to_owned).collect()))
            }
            _ => Err(self.wrong_type(at, "true, false or a list of registries", value)),
        }
    }

    /// The string at a path; a table there (an inherited key) counts as absent.
    fn string(&self, at: &[&str]) -> Result<Option<&str>, ManifestError> {
        match self.nodes.value(&path(at)) {
            Some(value) => match &value.kind {
                ValueKind::String(text) => Ok(Some(text)),
                ValueKind::Table(_) => Ok(None),
                _ => Err(self.wrong_type(at, "a string", value)),
            },
            None => Ok(None),
        }
    }

    fn namespace(&self, at: &[&str]) -> Result<Option<Namespace>, ManifestError> {
        self.string(at)?.map(|text| self.named(at, Namespace::parse(text))).transpose()
    }

    fn named<T>(&self, at: &[&str], parsed: Result<T, crate::name::NameError>) -> Result<T, ManifestError> {
        let start = self.nodes.value(&path(at)).map_or(0, |value| value.span.start);
        let position = Position::of(self.nodes.toml.text, start);
        parsed.map_err(|source| ManifestError::Name { position, source })
    }

    fn inherits(&self, at: &[&str]) -> bool {
        let at: Vec<&str> = at.iter().copied().chain(["workspace"]).collect();
        self.nodes.value(&path(at)).and_then(Value::as_bool).unwrap_or(false)
    }

    fn wrong_type(&self, at: &[&str], expected: &'static str, value: &Value) -> ManifestError {
        let position = Position::of(self.nodes.toml.text, value.span.start);
        ManifestError::WrongType { position, key: at.join("."), expected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_stand_under_its_old_name() {
        let info =
            ManifestInfo::parse("[project]\nname = \"a\"\nversion = \"1.0.0\"\npublish = false\n").unwrap();
        let package = info.package.unwrap();
        assert_eq!((package.name.as_str(), &package.version), ("a", &Inherited::Here("1.0.0".to_owned())));
        assert_eq!(package.publish, Inherited::Here(Publish::Nowhere));
        let both = ManifestInfo::parse("[project]\nname = \"a\"\n[package]\nname = \"b\"\n").unwrap();
        assert_eq!(both.package.unwrap().name, "b");
    }

    #[test]
    fn the_namespace_from_each_of_its_places() {
        let namespace = |text: &str| {
            let package = ManifestInfo::parse(text).unwrap().package.unwrap();
            package.qualified().map(|name| name.to_string())
        };
        assert_eq!(namespace("package.name = \"example.com/hello\""), Some("example.com/hello".into()));
        assert_eq!(
            namespace("[package]\nname = \"hello\"\norganization = \"Example.com\"\n"),
            Some("example.com/hello".into())
        );
        assert_eq!(
            namespace(
                "[package]\nname = \"a\"\n[package.metadata.namespaces]\nnamespace = \"example.com\"\n"
            ),
            Some("example.com/a".into())
        );
        assert_eq!(namespace("[package]\nname = \"a\"\n"), None);
    }

    #[test]
    fn inherited_keys_are_no_errors() {
        let info = ManifestInfo::parse(
            "[package]\nname = \"a\"\nversion.workspace = true\npublish = { workspace = true }\n\
             [workspace]\nmembers = [\"b\"]\n[workspace.package]\nversion = \"2.0.0\"\npublish = false\n",
        )
        .unwrap();
        let (package, workspace) = (info.package.unwrap(), info.workspace.unwrap());
        assert_eq!(package.version.or_inherit(|| workspace.version), Some("2.0.0".into()));
        assert_eq!(package.publish.or_inherit(|| Some(workspace.publish)), Some(Publish::Nowhere));
        assert_eq!(workspace.members, ["b"]);
    }

    #[test]
    fn an_error_says_where() {
        let error = ManifestInfo::parse("[package]\nname = \"a\"\n  organization = \"com\"\n").unwrap_err();
        assert!(error.to_string().starts_with("line 3, column 18: "), "{error}");
        let error = ManifestInfo::parse("[package]\nname = 3\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 8: `package.name` must be a string");
    }
}
