//! The releases on a site, when the keys that signed them change.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cargo_namespaces::key::{PublicKey, SecretKey};
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::keystore::Role;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_cli::static_index::StaticIndexEdit;

use crate::args::SiteArgs;
use crate::guide::quoted;
use crate::publish;
use crate::publisher::Publisher;
use crate::session::Session;

/// A site whose releases have been signed again, and which is not written yet.
pub struct SignedAgain {
    site: StaticIndexEdit,
    count: usize,
    directory: PathBuf,
}

impl SignedAgain {
    /// Signs with `new` what the keys `signed_by` signed on the site of the flags; `None` without one.
    ///
    /// # Errors
    /// The site cannot be read, or a release on it is not what the key had signed.
    pub fn prepare<'k>(
        session: &Session<'_>,
        flags: &SiteArgs,
        publisher: &Publisher,
        new: &SecretKey,
        signed_by: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Option<Self>, CliError> {
        let Some((mut site, directory)) = open(session, flags, publisher)? else {
            return Ok(None);
        };
        let mut count = 0;
        for old in signed_by {
            count += site.resign(old, new, clock::now()).map_err(|error| publish::site_error(&error))?;
        }
        Ok(Some(Self { site, count, directory }))
    }

    /// Writes the site.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(self, session: &Session<'_>) -> Result<(), CliError> {
        let Self { site, count, directory } = self;
        if count > 0 {
            site.write().map_err(|error| publish::site_error(&error))?;
        }
        let plural = if count == 1 { "" } else { "s" };
        session.shell.status("Signed", format!("{count} release{plural} in {} again", directory.display()));
        Ok(())
    }
}

/// Warns of the releases on the site of the flags that no key signed which the documents still list: nobody can add
/// them any more.
///
/// # Errors
/// The site cannot be read.
pub fn warn_of_orphans(
    session: &Session<'_>,
    flags: &SiteArgs,
    publisher: &Publisher,
) -> Result<(), CliError> {
    let Some((site, _)) = open(session, flags, publisher)? else {
        return Ok(());
    };
    let mut orphans = Vec::new();
    let mut signers = BTreeSet::new();
    for krate in site.crate_names().map_err(|error| publish::site_error(&error))? {
        let file = site.index_file(&krate).map_err(|error| publish::site_error(&error))?;
        let name = QualifiedName { namespace: publisher.namespace.clone(), krate };
        for line in file.lines() {
            if !line.attestations.iter().any(|signed| is_listed(publisher, &name, &signed.key)) {
                orphans.push(format!("{} v{}", name.krate, line.vers));
                signers.extend(line.attestations.iter().map(|signed| signed.key));
            }
        }
    }
    if orphans.is_empty() {
        return Ok(());
    }
    session.shell.warn(format!(
        "no key that is listed has signed {}: they are refused from now on, until a new key signs them again",
        orphans.join(", ")
    ));
    // Where no key is left that could sign, what makes one is said by whoever took the last one away.
    if !session.store.book()?.registered(&publisher.namespace, Role::Device).is_empty() {
        session.shell.hint(format!(
            "`{}` makes one",
            rotation(&publisher.namespace, None, &signers.into_iter().collect::<Vec<_>>(), flags)
        ));
    }
    Ok(())
}

/// A rotation whose new key signs again what the keys `resign` signed, as a command line.
pub fn rotation(
    namespace: &Namespace,
    endorsing: Option<&str>,
    resign: &[PublicKey],
    flags: &SiteArgs,
) -> String {
    let mut line = format!("cargo nspublish key rotate --namespace {namespace}");
    if let Some(key) = endorsing {
        line.push_str(&format!(" --key {}", quoted(key)));
    }
    for key in resign {
        line.push_str(&format!(" --resign {key}"));
    }
    line + &flags.as_flags()
}

fn is_listed(publisher: &Publisher, name: &QualifiedName, key: &PublicKey) -> bool {
    let for_crate = Token::compute(&Scope::Crate(name.clone()), key);
    publisher.revocation(key).is_none()
        && (publisher.lists(key) || publisher.doc.authorized_keys.contains(&for_crate))
}

fn open(
    session: &Session<'_>,
    flags: &SiteArgs,
    publisher: &Publisher,
) -> Result<Option<(StaticIndexEdit, PathBuf)>, CliError> {
    let Some(directory) = flags.site.as_deref().map(|path| session.path(path)) else {
        return Ok(None);
    };
    let site_url = flags.site_url.as_deref();
    let site = publish::open_site(&publisher.namespace, &publisher.index, &directory, site_url)?;
    Ok(Some((site, directory)))
}
