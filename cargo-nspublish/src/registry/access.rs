//! Reading an index that may be private. Such an index answers 401; the reader then signs a read statement and asks again.

use cargo_namespaces::name::IndexUrl;
use cargo_namespaces::statement::{Envelope, Read};
use cargo_namespaces::time::Timestamp;
use cargo_namespaces_cli::clock;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::client::{Request, Response, TransportError};
use zeroize::Zeroizing;

use cargo_namespaces_cli::network::{Network, fetch_signing};

/// How long a read statement holds: Cargo asks for a new one when it has ended, and a command may wait for a record
/// meanwhile.
pub const READ_SECONDS: u64 = 3600;

/// The statement that lets its signer read an index for a while.
pub fn read_statement(index: &IndexUrl, now: Timestamp) -> Read {
    Read { index: index.clone(), at: now, expires_at: now.plus_seconds(READ_SECONDS) }
}

/// What an index answered, and the authorization that it wanted to see for that.
pub struct SignedAnswer {
    pub response: Response,
    /// `None` for an index that everybody reads.
    pub authorization: Option<String>,
}

/// Why an index did not answer.
#[derive(Debug)]
pub enum AskError {
    /// No whole answer arrived.
    Transport(TransportError),
    /// It wants to see a signature, and there is no key.
    Key(CliError),
}

/// Asks an index. `sign` is called only if the index asks who is reading: it may have to open a key.
pub fn ask_signing(
    network: &Network<'_>,
    index: &IndexUrl,
    request: Request,
    sign: impl FnOnce(&Read) -> Result<Envelope, CliError>,
) -> Result<SignedAnswer, AskError> {
    let mut authorization = None;
    let mut sign = Some(sign);
    let sign = |_| {
        let Some(sign) = sign.take() else { return Ok(None) };
        let header = sign(&read_statement(index, clock::now())).map_err(AskError::Key)?.to_header();
        authorization = Some(header.clone());
        Ok(Some(Zeroizing::new(header)))
    };
    let mut outcomes = fetch_signing(network, &[request], sign)?;
    let response = outcomes.remove(0).map_err(AskError::Transport)?;
    Ok(SignedAnswer { response, authorization })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_statement_ends() {
        let now = Timestamp::from_unix(1_800_000_000);
        let index = IndexUrl::parse("sparse+https://crates.example/index/serde.rs/").unwrap();
        assert_eq!(read_statement(&index, now).expires_at.unix(), now.unix() + 3600);
    }
}
