//! Writing the documents: the author's copy, and the `.well-known` of a directory that is served.

use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::{self, CARGO_PUBLISHERS_PATH, PACKAGE_NAMESPACE_PATH};
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::set_up;
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_cli::static_index::StaticIndexLayout;
use cargo_namespaces_net::fs;

use super::{Publisher, served};
use crate::args::SiteArgs;
use crate::registry::check_is_static;
use crate::session::Session;

/// A place that serves a domain's `.well-known`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WellKnown(PathBuf);

impl WellKnown {
    /// The directory that the flags name for the documents of a namespace: `--well-known`, or else `--site` when that
    /// is served as the domain itself. `None` when there is none, which is not an error: the records are then printed.
    pub fn of(
        session: &Session<'_>,
        site: &SiteArgs,
        namespace: &Namespace,
        index: &IndexUrl,
    ) -> Option<Self> {
        if let Some(directory) = &site.well_known {
            return Some(Self(session.path(directory)));
        }
        let directory = site.site.as_deref()?;
        let layout =
            StaticIndexLayout::new(namespace.clone(), index.clone(), site.site_url.as_deref()).ok()?;
        layout.serves_domain().then(|| Self(session.path(directory)))
    }

    /// As [`WellKnown::of`], saying so when a site is named that is not the place.
    pub fn named(
        session: &Session<'_>,
        site: &SiteArgs,
        namespace: &Namespace,
        index: &IndexUrl,
    ) -> Option<Self> {
        let place = Self::of(session, site, namespace, index);
        if place.is_none() && site.site.is_some() {
            session.shell.note(format!(
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

impl Publisher {
    /// Where the author's copy is.
    pub fn path(cargo_home: &Path, namespace: &Namespace) -> PathBuf {
        set_up::document_path(cargo_home, namespace)
    }

    /// Refuses the site of the flags where the namespace is on a registry.
    ///
    /// # Errors
    /// A registry serves the index, and a site is named.
    pub fn check_site(&self, session: &Session<'_>, site: &SiteArgs) -> Result<(), CliError> {
        match &site.site {
            Some(dir) => check_is_static(session, &self.namespace, &self.located(), &session.path(dir)),
            None => Ok(()),
        }
    }

    /// Writes the author's copy.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, session: &Session<'_>) -> Result<(), CliError> {
        let path = Self::path(&session.settings.cargo_home, &self.namespace);
        fs::write_if_changed(&path, self.doc.to_json().as_bytes())?;
        served::keep_dropped(session, self)
    }

    /// Writes `package-namespace.json` and `cargo-publishers` below `place`. What others put there stays.
    ///
    /// # Errors
    /// `cargo-publishers` is there and cannot be read, or a file cannot be written.
    pub fn write_well_known(&self, session: &Session<'_>, place: &WellKnown) -> Result<(), CliError> {
        let publishers = place.publishers();
        let existing = fs::read_to_string_if_exists(&publishers)?.unwrap_or_default();
        let text = self.cargo_publishers(&existing).with_context(ExitCode::InvalidInput, || {
            format!("failed to update `{}`", publishers.display())
        })?;
        for (path, text) in [(place.json(), self.doc.to_json()), (publishers, text)] {
            if fs::write_if_changed(&path, text.as_bytes())? {
                session.shell.status("Wrote", path.display());
            }
        }
        Ok(())
    }

    /// `existing` with our records, and without those that were taken out.
    ///
    /// # Errors
    /// It would be too long.
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

    use super::super::tests::publisher;

    #[test]
    fn the_lines_of_others_stay_in_cargo_publishers() {
        let mut publisher = publisher();
        let [old, new, other] = [0, 1, 2].map(|_| SecretKey::generate().unwrap().public());
        publisher.list(&old);
        publisher.list(&new);
        let existing = format!(
            "# ours\n{} # no index yet\n{}\nmd5-of-somebody-else\n",
            publisher.token(&old),
            publisher.token(&other)
        );
        let text = publisher.cargo_publishers(&existing).unwrap();
        let [old_record, new_record] = &publisher.records()[..] else { panic!("two keys are listed") };
        assert_eq!(
            text,
            format!(
                "# ours\n{}\nmd5-of-somebody-else\n{old_record}\n{new_record}\n",
                publisher.token(&other)
            )
        );
        publisher.unlist(&old);
        let text = publisher.cargo_publishers(&text).unwrap();
        assert_eq!(
            text,
            format!("# ours\n{}\nmd5-of-somebody-else\n{new_record}\n", publisher.token(&other))
        );
        assert_eq!(publisher.cargo_publishers(&text).unwrap(), text);
    }
}
