//! Questions about an index that may or may not be on a registry.

use std::time::Duration;

use cargo_namespaces::discovery::cargo_txt_url;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces_net::client::TransportError;

use super::error::{InstanceError, InstanceProblem};
use super::responses::ConfigAnswer;
use super::{requests, responses};
use cargo_namespaces_cli::network::{Network, Transport as _};

/// How long an index is waited for that may not be there yet, once: a static index is published without a network, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// The index that a registry gives a namespace, by what the registry says of itself.
pub fn index_at(
    network: &Network<'_>,
    instance: &str,
    namespace: &Namespace,
) -> Result<IndexUrl, InstanceError> {
    let index = said_by(network, instance, namespace)
        .map_err(|source| InstanceError::NotSaid { instance: instance.to_owned(), source })?;
    if index.may_serve(namespace) {
        return Ok(index);
    }
    Err(InstanceError::Development { instance: instance.to_owned(), namespace: namespace.clone() })
}

fn said_by(
    network: &Network<'_>,
    instance: &str,
    namespace: &Namespace,
) -> Result<IndexUrl, InstanceProblem> {
    let response = network.fetch_one(requests::cargo_txt(instance)).map_err(InstanceProblem::Transport)?;
    let txt = responses::cargo_txt(&response, &cargo_txt_url(instance))?;
    let template = txt.index.ok_or(InstanceProblem::NoIndex)?;
    template.for_namespace(namespace).map_err(InstanceProblem::Template)
}

/// Whether an index answers, be it one that tells nobody more than that it is private.
pub fn is_there(network: &Network<'_>, index: &IndexUrl) -> bool {
    let Ok(response) = network.fetch_one(requests::index_config(index)) else { return false };
    matches!(
        responses::index_config(&response, index),
        Ok(ConfigAnswer::Config(_) | ConfigAnswer::Private(_))
    )
}

/// Whether an index asks who reads it.
pub fn is_private(network: &Network<'_>, index: &IndexUrl) -> Result<bool, TransportError> {
    let response = network.fetch_one(requests::index_config(index))?;
    Ok(responses::asks_who_reads(&response))
}

/// Whether an index is on a registry: it names an interface, or says in the words of a registry that it is private. What does
/// not answer at once is not there yet.
pub fn is_on_registry(network: &Network<'_>, index: &IndexUrl) -> bool {
    let mut request = requests::index_config(index);
    request.timeout = PATIENCE;
    request.retry = false;
    let Ok(response) = network.fetch_one(request) else { return false };
    match responses::index_config(&response, index) {
        Ok(ConfigAnswer::Config(config)) => config.api.is_some(),
        Ok(ConfigAnswer::Private(refusal)) => refusal.text.is_some(),
        Ok(ConfigAnswer::Forbidden(_) | ConfigAnswer::Missing(_)) | Err(_) => false,
    }
}
