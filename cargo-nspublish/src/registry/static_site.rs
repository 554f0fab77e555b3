//! Whether a namespace may be published as a static site: not where its index is on a registry, whose readers would see
//! nothing of what is written into a directory.

use std::path::Path;
use std::time::Duration;

use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_cli::shell::{CliError, ExitCode};
use cargo_namespaces_net::client::{ClientOptions, HttpClient, Request, Transport as _};

use super::texts;
use crate::publish::Located;
use crate::session::Session;
use crate::site_memory;

/// How long an index is waited for that may not be there yet, once: a site is published without a network, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Refuses the site `dir`, absolute, for a namespace whose index is on a registry. What does not answer is not there yet.
///
/// # Errors
/// The index is on a registry, or Ctrl-C.
pub fn check_is_static(
    session: &Session<'_>,
    namespace: &Namespace,
    located: &Located,
    dir: &Path,
) -> Result<(), CliError> {
    let Located { index, basis } = located;
    if session.settings.offline() || session.common.is_offline() || !is_on_registry(session, index)? {
        return Ok(());
    }
    let shown = site_memory::relative(&session.directory, dir);
    let shown = shown.display();
    let error = format!(
        "{} is published to the registry {}, not into the site `{shown}`",
        namespace.display_both(),
        index.host()
    );
    let instead = match site_memory::place_of(session, namespace, dir)? {
        Some(line) => format!("take {line} out to publish there"),
        None => "leave `--site` out to publish there".to_owned(),
    };
    Err(CliError::new(ExitCode::ActionRequired, error)
        .because(format!("its index is {index} ({basis}), and an index is the namespace's identity"))
        .hint(format!(
            "{instead}; or move the namespace, while nothing is published:\n    cargo nspublish setup {namespace} --site {shown} \
             --change-index"
        )))
}

/// A registry names its interface, or says in the words of one that an index is private.
fn is_on_registry(session: &Session<'_>, index: &IndexUrl) -> Result<bool, CliError> {
    let client = HttpClient::new(ClientOptions { retries: 0, ..session.settings.http.clone() });
    let mut request = Request::index_file(index.join("config.json"));
    request.timeout = PATIENCE;
    let answer = client.fetch_one(request);
    cargo_namespaces_net::interrupt::check()?;
    Ok(match answer {
        Ok(response) if response.status == 200 => {
            IndexConfig::parse(response.bytes(), index).is_ok_and(|config| config.api.is_some())
        }
        Ok(response) => response.status == 401 && texts(response.bytes()).is_some(),
        Err(_) => false,
    })
}
