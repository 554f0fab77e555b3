//! Whose request it is, for handlers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::client_address::{ClientAddress, Peer};
use crate::registry::Registry;

impl FromRequestParts<Arc<Registry>> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, registry: &Arc<Registry>) -> Result<Self, Infallible> {
        // A request that came over no connection, as in a test of a handler, is nobody's.
        let peer = parts.extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| *peer);
        Ok(Self::of_request(peer, &parts.headers, &registry.config.server.trusted_proxies))
    }
}
