//! The registry's own TLS: certificate and key from PEM files, which are read again when they change.
//!
//! A certificate is renewed every few weeks, by a program that does not know this one. So the files are checked every few
//! seconds. When they have changed and do not change any more, they are loaded, and the next handshake uses the new
//! certificate. Open connections are not affected. If the files do not belong together (because one is not written yet, for
//! example), the old certificate stays, the log says so, and the next change is tried again.

use std::error::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use cargo_namespaces::error::one_line;

/// How often the files are checked. That takes two system calls, and a renewal happens days ahead.
const LOOK: Duration = Duration::from_secs(2);

/// What the file of certificates is called in errors.
const CHAIN: &str = "the certificate file";

/// A file cannot be used for TLS.
#[derive(Debug, thiserror::Error)]
#[error("{what} `{}` cannot be used", path.display())]
pub struct TlsError {
    what: &'static str,
    path: PathBuf,
    source: Box<dyn Error + Send + Sync>,
}

/// The certificate that handshakes use.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<CertifiedKey>>,
}

/// Shows whether the files have changed: inode, time of change and size of each.
type Stamp = [Option<(u64, i64, i64, u64)>; 2];

impl Certificate {
    /// Loads certificate chain and key.
    ///
    /// # Errors
    /// A file cannot be read, or the two do not belong together.
    pub fn load(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let current = RwLock::new(Arc::new(read(chain, key)?));
        Ok(Arc::new(Self { chain: chain.to_owned(), key: key.to_owned(), current }))
    }

    /// Makes what accepts connections, with HTTP/2 offered.
    ///
    /// # Errors
    /// The TLS library has no protocol version in common with itself, which does not happen.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable(CHAIN, &self.chain))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Follows the files until the registry stops.
    pub async fn follow(self: Arc<Self>, mut stopped: watch::Receiver<bool>) {
        let (mut loaded, mut last) = (self.stamp(), self.stamp());
        loop {
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = self.stamp();
            let still = now == last;
            last = now;
            if !still || now == loaded {
                continue;
            }
            // Even if they do not load: the same files would not load the next time.
            loaded = now;
            match read(&self.chain, &self.key) {
                Ok(new) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(new);
                }
                Err(error) => {
                    let cause = one_line(&error);
                    tracing::error!(
                        "the new certificate cannot be used, so the old one stays in use: {cause}"
                    );
                }
            }
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.chain, &self.key].map(|path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.ino(), found.mtime(), found.mtime_nsec(), found.size()))
        })
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

fn unusable<E: Error + Send + Sync + 'static>(what: &'static str, path: &Path) -> impl Fn(E) -> TlsError {
    move |source| TlsError { what, path: path.to_owned(), source: Box::new(source) }
}

fn read(chain: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let certificates = CertificateDer::pem_file_iter(chain).map_err(unusable(CHAIN, chain))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(unusable(CHAIN, chain))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(unusable("the TLS key file", key))?;
    let provider = rustls::crypto::ring::default_provider();
    CertifiedKey::from_der(certificates, secret, &provider).map_err(unusable(CHAIN, chain))
}
