//! The end of `setup`: writes the documents, and says what to do next.

use std::path::PathBuf;

use cargo_namespaces_cli::shell::CliError;
use serde_json::{Value, json};

use super::SetUp;
use crate::context::Context;
use crate::documents::{NamespaceDocuments, WellKnownDir};
use crate::guide;
use crate::located::Basis;
use crate::options::SiteOptions;
use crate::static_index::remembered;

/// Writes the documents into the directories of the flags, and shows them if the flags name none that is served as the domain.
///
/// # Errors
/// A document cannot be written, or the domain's cannot be merged.
pub fn documents(context: &Context<'_>, set_up: &SetUp, site: &SiteOptions) -> Result<(), CliError> {
    let documents = &set_up.documents;
    let namespace = &documents.namespace;
    let place = WellKnownDir::named(context, site, namespace, &documents.index);
    if let Some(place) = &place {
        documents.write_well_known(context, place)?;
    }
    json(context, set_up, &guide::places(context, documents)?);
    if place.is_some() {
        return what_next(context, site, documents);
    }
    context.shell.say(format!("\nPublish these for {}:\n", namespace.display_both()));
    guide::print(context, documents)?;
    guide::print_removed(context, documents);
    Ok(())
}

/// Prints the JSON message; `places` is what belongs at each location.
pub fn json(context: &Context<'_>, set_up: &SetUp, places: &[Value]) {
    let SetUp { documents, basis, device, recovery, .. } = set_up;
    context.shell.json(
        "setup",
        &json!({
            "namespace": documents.namespace,
            "index": documents.index,
            "index_from": basis,
            "device_key": device.secret.public().to_string(),
            "recovery_keys": recovery.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "records": documents.records(),
            "places": places,
            "package_namespace_json": documents.doc.to_json(),
        }),
    );
}

/// Says what to do with the recovery key, and how to choose another index.
pub fn how_to_go_on(context: &Context<'_>, set_up: &SetUp, site: &SiteOptions) {
    if set_up.has_new_recovery {
        context.shell.say(TAKE_AWAY);
    }
    say_how_to_choose(context, set_up, site);
}

/// Says which flags choose another index, if none chose this one.
fn say_how_to_choose(context: &Context<'_>, set_up: &SetUp, site: &SiteOptions) {
    let SetUp { documents, basis, .. } = set_up;
    let is_chosen = basis.is_undecided() || *basis == Basis::SetUp;
    let namespace = &documents.namespace;
    if !is_chosen || site.site.is_some() || namespace.is_local() {
        return;
    }
    context.shell.note(format!(
        "the index is the namespace's identity: while nothing is published, another is chosen for a registry by\n    cargo \
         nspublish setup {namespace} --instance https://REGISTRY --change-index\nor for a static site of {namespace} itself \
         by\n    cargo nspublish setup {namespace} --site DIR --change-index"
    ));
}

/// What to do with a new recovery key.
const TAKE_AWAY: &str =
    "Take the recovery key's file off this machine now. It is needed when the device key is lost or stolen.";

/// Says what comes after the site was written, in two lines; with `--verbose`, also the records in it.
fn what_next(
    context: &Context<'_>,
    site: &SiteOptions,
    documents: &NamespaceDocuments,
) -> Result<(), CliError> {
    let remembered = remembered::remember(context, site, &documents.namespace)?;
    if context.shell.is_verbose() {
        context.shell.say(format!("\nPublished there for {}:\n", documents.namespace.display_both()));
        guide::print(context, documents)?;
    }
    guide::print_removed(context, documents);
    let directory =
        |dir: &PathBuf| remembered::relative(&context.directory, &context.path(dir)).display().to_string();
    let (shown_site, well_known) =
        (site.site.as_ref().map(directory), site.well_known.as_ref().map(directory));
    context.shell.say(match (&shown_site, &well_known) {
        (Some(site), _) if remembered && remembered::is_in_notation(context)? => {
            format!("Next: `cargo nsadd` rewrites the manifest for Cargo, and `cargo nspublish` publishes into `{site}`.")
        }
        (Some(site), _) if remembered => {
            format!("Next: `cargo nspublish` publishes the package into `{site}`; then upload that directory.")
        }
        (Some(site), _) => format!(
            "Next: `cargo nspublish --site {site}` in the package publishes into it; then upload that directory."
        ),
        (None, well_known) => format!(
            "Next: upload `{}` to {}; then `cargo nspublish` in the package publishes it.",
            well_known.as_deref().unwrap_or_default(),
            documents.namespace
        ),
    });
    Ok(())
}
