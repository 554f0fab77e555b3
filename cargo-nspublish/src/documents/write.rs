//! Writes the documents: the author's copy, and the `.well-known` of a directory that is served.

use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::{self, CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::set_up;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexLayout;
use cargo_namespaces_net::fs;

use super::{NamespaceDocuments, dropped};
use crate::context::Context;
use crate::options::SiteOptions;

/// A directory that is served as a domain, with its `.well-known`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellKnownDir(PathBuf);

impl WellKnownDir {
    /// The directory that the flags name for the documents of a namespace: `--well-known`, or else `--site` when that
    /// is served as the domain itself. Returns `None` if there is none; the records are then printed.
    pub fn of(
        context: &Context<'_>,
        site: &SiteOptions,
        namespace: &Namespace,
        index: &IndexUrl,
    ) -> Option<Self> {
        if let Some(directory) = &site.well_known {
            return Some(Self(context.path(directory)));
        }
        let directory = site.site.as_deref()?;
        let layout =
            StaticIndexLayout::new(namespace.clone(), index.clone(), site.site_url.as_deref()).ok()?;
        layout.serves_domain().then(|| Self(context.path(directory)))
    }

    /// As [`WellKnownDir::of`], with a note if a site is named that is not served as the domain.
    pub fn named(
        context: &Context<'_>,
        site: &SiteOptions,
        namespace: &Namespace,
        index: &IndexUrl,
    ) -> Option<Self> {
        let place = Self::of(context, site, namespace, index);
        if place.is_none() && site.site.is_some() {
            context.shell.note(format!(
                "the site is not served as {namespace} itself, so its documents are not part of it: put them up there, \
                 or name the directory that it serves with `--well-known DIR`"
            ));
        }
        place
    }

    /// Where `package-namespace.json` is.
    pub(super) fn json(&self) -> PathBuf {
        self.0.join(&PACKAGE_NAMESPACE_PATH[1..])
    }

    fn publishers(&self) -> PathBuf {
        self.0.join(&CARGO_PUBLISHERS_PATH[1..])
    }
}

impl NamespaceDocuments {
    /// Where the author's copy is.
    pub fn path(cargo_home: &Path, namespace: &Namespace) -> PathBuf {
        set_up::document_path(cargo_home, namespace)
    }

    /// Writes the author's copy.
    pub fn save(&self, context: &Context<'_>) -> Result<(), CliError> {
        let path = Self::path(&context.settings.cargo_home, &self.namespace);
        fs::write_if_changed(&path, self.doc.to_json().as_bytes())?;
        dropped::keep(context, self)
    }

    /// Writes `package-namespace.json` and `cargo-publishers` below `place`. What others put there stays.
    ///
    /// # Errors
    /// `cargo-publishers` is there and cannot be read, or a file cannot be written.
    pub fn write_well_known(&self, context: &Context<'_>, place: &WellKnownDir) -> Result<(), CliError> {
        let publishers = place.publishers();
        let existing = fs::read_to_string_if_exists(&publishers)?.unwrap_or_default();
        let text = self.cargo_publishers(&existing).with_context(ExitCode::InvalidInput, || {
            format!("failed to update `{}`", publishers.display())
        })?;
        for (path, text) in [(place.json(), self.doc.to_json()), (publishers, text)] {
            if fs::write_if_changed(&path, text.as_bytes())? {
                context.shell.status("Wrote", path.display());
            }
        }
        Ok(())
    }

    /// Returns `existing` with these records added, and without those that were taken out.
    pub fn cargo_publishers(&self, existing: &str) -> Result<String, discovery::DocumentError> {
        let records = self.records();
        let stale = |line: &str| {
            let found = discovery::parse_cargo_publishers(line.as_bytes()).unwrap_or_default().records;
            found.first().is_some_and(|record| {
                let other_index = records.iter().any(|ours| ours.token == record.token && ours != record);
                other_index || self.dropped.contains(&record.token)
            })
        };
        let kept: String = existing.split_inclusive('\n').filter(|line| !stale(line)).collect();
        discovery::with_records_added(&kept, &records)
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::SecretKey;

    use super::super::tests::documents;

    #[test]
    fn the_lines_of_others_stay_in_cargo_publishers() {
        let mut documents = documents();
        let [old, new, other] = [0, 1, 2].map(|_| SecretKey::generate().unwrap().public());
        documents.list(&old);
        documents.list(&new);
        let existing = format!(
            "# ours\n{} # no index yet\n{}\nmd5-of-somebody-else\n",
            documents.token(&old),
            documents.token(&other)
        );
        let text = documents.cargo_publishers(&existing).unwrap();
        let [old_record, new_record] = &documents.records()[..] else { panic!("two keys are listed") };
        assert_eq!(
            text,
            format!(
                "# ours\n{}\nmd5-of-somebody-else\n{old_record}\n{new_record}\n",
                documents.token(&other)
            )
        );
        documents.unlist(&old);
        let text = documents.cargo_publishers(&text).unwrap();
        assert_eq!(
            text,
            format!("# ours\n{}\nmd5-of-somebody-else\n{new_record}\n", documents.token(&other))
        );
        assert_eq!(documents.cargo_publishers(&text).unwrap(), text);
    }
}
