//! For what a package depends on another: the lock file does not say it, but the manifests do. Pure.

use cargo_metadata::DependencyKind;
use semver::{Version, VersionReq};
use toml_edit::{DocumentMut, Item, TableLike};

/// What a dependency is used for. It may be declared for several uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// `[dependencies]`: it is part of what is built.
    pub normal: bool,
    /// `[build-dependencies]`: it runs while that is built.
    pub build: bool,
    /// `[dev-dependencies]`: it is for tests, examples and benches.
    pub dev: bool,
}

impl Uses {
    pub const NORMAL: Self = Self { normal: true, build: false, dev: false };
    const BUILD: Self = Self { normal: false, build: true, dev: false };
    const DEV: Self = Self { normal: false, build: false, dev: true };

    pub fn of(kind: DependencyKind) -> Self {
        match kind {
            DependencyKind::Build => Self::BUILD,
            DependencyKind::Development => Self::DEV,
            _ => Self::NORMAL,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            normal: self.normal || other.normal,
            build: self.build || other.build,
            dev: self.dev || other.dev,
        }
    }
}

/// One dependency that a manifest declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    name: String,
    requirement: VersionReq,
    uses: Uses,
}

/// The tables, also in the spelling of old manifests.
const TABLES: [(&str, Uses); 5] = [
    ("dependencies", Uses::NORMAL),
    ("build-dependencies", Uses::BUILD),
    ("build_dependencies", Uses::BUILD),
    ("dev-dependencies", Uses::DEV),
    ("dev_dependencies", Uses::DEV),
];

/// What a published manifest declares, for every platform.
pub fn of_manifest(document: &DocumentMut) -> Vec<Declared> {
    let mut found = Vec::new();
    of_tables(document.as_table(), &mut found);
    let targets = document.get("target").and_then(Item::as_table_like);
    for (_, target) in targets.into_iter().flat_map(TableLike::iter) {
        if let Some(target) = target.as_table_like() {
            of_tables(target, &mut found);
        }
    }
    found
}

fn of_tables(above: &dyn TableLike, found: &mut Vec<Declared>) {
    for (table, uses) in TABLES {
        let table = above.get(table).and_then(Item::as_table_like);
        for (key, item) in table.into_iter().flat_map(TableLike::iter) {
            let text = |name: &str| item.get(name).and_then(Item::as_str);
            let requirement = item.as_str().or_else(|| text("version")).unwrap_or("*");
            found.push(Declared {
                name: text("package").unwrap_or(key).to_owned(),
                requirement: VersionReq::parse(requirement).unwrap_or(VersionReq::STAR),
                uses,
            });
        }
    }
}

/// What a package declares, according to Cargo.
pub fn of_package(package: &cargo_metadata::Package) -> Vec<Declared> {
    let one = |dependency: &cargo_metadata::Dependency| Declared {
        name: dependency.name.clone(),
        requirement: dependency.req.clone(),
        uses: Uses::of(dependency.kind),
    };
    package.dependencies.iter().map(one).collect()
}

/// For what a package with these declarations uses another one. If no declaration matches (a patch may have another version), it
/// counts as part of what is built.
pub fn uses(declared: &[Declared], name: &str, version: &Version) -> Uses {
    let fits = |requirement: &VersionReq| *requirement == VersionReq::STAR || requirement.matches(version);
    let meant = declared.iter().filter(|one| one.name == name && fits(&one.requirement));
    let uses = meant.fold(Uses::default(), |uses, one| uses.and(one.uses));
    if uses == Uses::default() { Uses::NORMAL } else { uses }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_table_says_what_it_is_for() {
        let text = "[dependencies]\na = \"1\"\nboth = { version = \"1\" }\n[build-dependencies]\nb = { package = \"bee\", version = \"2\" }\n\
                    both = \"1\"\n[target.'cfg(unix)'.dev_dependencies]\nd = \"1\"\nold = \"0.1\"\n[dependencies.old]\nversion = \"0.2\"\n";
        let declared = of_manifest(&text.parse().unwrap());
        let version = |text: &str| Version::parse(text).unwrap();
        let of = |name: &str, at: &str| uses(&declared, name, &version(at));
        assert_eq!(of("a", "1.2.0"), Uses::NORMAL);
        assert_eq!(of("bee", "2.0.0"), Uses::BUILD);
        assert_eq!(of("d", "1.0.0"), Uses::DEV);
        assert_eq!(of("both", "1.0.0"), Uses { normal: true, build: true, dev: false });
        // Two versions of one crate.
        assert_eq!((of("old", "0.1.3"), of("old", "0.2.0")), (Uses::DEV, Uses::NORMAL));
        // A patch may have put any version in its place.
        assert_eq!(of("d", "3.0.0"), Uses::NORMAL);
    }
}
