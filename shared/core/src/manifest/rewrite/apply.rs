//! Editing the entries of dependency tables, `[patch]`, `[replace]` and profile overrides.

use super::super::notation::{CRATES_IO, is_dotted_registry, qualified_spec};
use super::super::tables::dependency;
use super::plan::{Item, Plan, spelled};
use super::{Job, Problem, QualifiedDependency, RewriteError, is_crates_io, patch_table, refuse};
use crate::name::Namespace;
use crate::toml_text::{join, path, quoted};

impl Job<'_, '_> {
    pub(super) fn apply_dependencies(&mut self, plan: &Plan) {
        for item in &plan.items {
            self.apply(item, true);
        }
    }

    /// Writes one entry in Cargo's form. `with_registry` is off for a patch with a path or a git repository.
    fn apply(&mut self, item: &Item, with_registry: bool) {
        let dependency = &item.dependency;
        let at = dependency.entry_path();
        if dependency.registry.as_deref() == Some(CRATES_IO) {
            self.set_field(&at, "registry", "crates-io", "Cargo's name for crates.io");
        }
        let Some(name) = &item.target else { return };
        let why = match item.displaced {
            true => format!(
                "`{}` is another crate here; the code calls this one `{}`",
                name.krate,
                spelled(&item.key)
            ),
            false if is_crates_io(&name.namespace) => format!("{} of crates.io", name.krate),
            false => format!("{} of the namespace {}", name.krate, name.namespace.display_both()),
        };
        if item.key != dependency.key {
            self.editor.rename(&at, &item.key, &why);
        }
        if dependency.workspace && !dependency.table.workspace {
            return;
        }
        let package = (item.key != name.krate.as_str() || dependency.renamed).then(|| name.krate.to_string());
        let registry = self
            .registry(&name.namespace)
            .filter(|_| with_registry && dependency.git.is_none())
            .map(|registry| registry.to_string());
        if dependency.git.is_some() && dependency.table.path[0] != "patch" {
            self.notes.push(super::Note {
                position: dependency.position,
                text: format!("`{name}` comes from git here; Cargo takes no registry beside it"),
            });
        }
        if dependency.is_string(self.nodes) {
            self.expand(&at, package.as_deref(), registry.as_deref(), &why);
            return;
        }
        if let Some(package) = package {
            self.set_field(&at, "package", &package, &why);
        }
        if let Some(registry) = registry {
            self.set_field(&at, "registry", &registry, &why);
        }
    }

    /// `"1"` → `{ version = "1", registry = "…" }`
    fn expand(&mut self, at: &[String], package: Option<&str>, registry: Option<&str>, why: &str) {
        let Some(value) = self.nodes.value(at) else { return };
        if package.is_none() && registry.is_none() {
            return;
        }
        let version = &self.nodes.toml.text[value.span.clone()];
        let mut fields = Vec::new();
        fields.extend(package.map(|package| format!("package = {}", quoted(package))));
        fields.push(format!("version = {version}"));
        fields.extend(registry.map(|registry| format!("registry = {}", quoted(registry))));
        self.editor.replace_value(value, format!("{{ {} }}", fields.join(", ")), why);
    }

    /// Sets a string in an entry that is a table: in its place, else beside `version` or `path`, else at the end.
    fn set_field(&mut self, at: &[String], field: &str, value: &str, why: &str) {
        super::super::edit::set_field(&mut self.editor, at, field, &quoted(value), why);
    }

    /// `[patch]`: registries given as domains, and entries in notation.
    pub(super) fn rewrite_patches(&mut self) -> Result<Vec<QualifiedDependency>, RewriteError> {
        let mut needs = Vec::new();
        for registry in self.nodes.children(&path(["patch"])) {
            let at = path(["patch", registry]);
            let namespace = self.patch_namespace(registry, &at)?;
            if registry == CRATES_IO {
                self.editor.rename(&at, "crates-io", "Cargo's name for crates.io");
            } else if let Some(namespace) = &namespace {
                let name = self.context.registry(namespace);
                self.editor.rename(&at, name.as_str(), &format!("the registry of {namespace}"));
            }
            let namespace = namespace.or_else(|| self.context.namespace_of(registry));
            needs.extend(self.rewrite_patch_table(registry, namespace.as_ref())?);
        }
        Ok(needs)
    }

    fn patch_namespace(&self, registry: &str, at: &[String]) -> Result<Option<Namespace>, RewriteError> {
        if registry == CRATES_IO || !is_dotted_registry(registry) {
            return Ok(None);
        }
        Namespace::parse(registry).map(Some).or_else(|error| refuse(self.position(at), error))
    }

    fn rewrite_patch_table(
        &mut self,
        registry: &str,
        namespace: Option<&Namespace>,
    ) -> Result<Vec<QualifiedDependency>, RewriteError> {
        let table = patch_table(registry);
        let keys = self.nodes.children(&table.path);
        let entries: Vec<_> =
            keys.into_iter().filter_map(|key| dependency(self.nodes, &table, key)).collect();
        // A patch is no default dependency: only what it names itself counts.
        let default = self.default_namespace.take();
        let plan = self.plan_dependencies(&entries);
        self.default_namespace = default;
        let plan = plan?;
        let mut needs = Vec::new();
        for item in &plan.items {
            let elsewhere = item.dependency.path.is_some() || item.dependency.git.is_some();
            if let (Some(name), true) = (&item.target, elsewhere)
                && namespace != Some(&name.namespace)
            {
                let problem = Problem::PatchElsewhere { name: name.clone(), registry: registry.to_owned() };
                return refuse(item.dependency.position, problem);
            }
            self.apply(item, !elsewhere);
            needs.extend(item.need(self));
        }
        Ok(needs)
    }

    /// Package id specs: the keys of `[replace]` and of `[profile.*.package]`.
    pub(super) fn rewrite_specs(&mut self) -> Result<(), RewriteError> {
        let mut tables = vec![path(["replace"])];
        for profile in self.nodes.children(&path(["profile"])) {
            tables.push(path(["profile", profile, "package"]));
        }
        for table in tables {
            for key in self.nodes.children(&table) {
                let Some((name, rest)) = qualified_spec(key) else { continue };
                let at = join(&table, key);
                let name = self.qualified(self.position(&at), name)?;
                let spec = format!("{}{rest}", name.krate);
                if self.nodes.has(&join(&table, &spec)) {
                    return refuse(self.position(&at), Problem::Twice(name));
                }
                self.editor.rename(&at, &spec, "a package by its bare name");
            }
        }
        Ok(())
    }
}
