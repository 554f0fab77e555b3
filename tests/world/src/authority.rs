//! The private certificate authority of a world, made with the `openssl` command.

use std::fs;
use std::path::{Path, PathBuf};

use crate::programs;

/// A certificate and its secret key, both PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate chain.
    pub chain: PathBuf,
    /// The secret key, PKCS#8.
    pub key: PathBuf,
}

/// A private authority: `ca.pem`, `ca.key`, and `bundle.pem`, which is the system's bundle with this authority added.
#[derive(Clone, Debug)]
pub struct Authority {
    directory: PathBuf,
}

impl Authority {
    /// Makes the authority in `directory`, which must not exist yet.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory).expect("create the authority's directory");
        let authority = Self { directory: directory.to_owned() };
        openssl(
            directory,
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
                "-days",
                "2",
                "-subj",
                "/CN=Test world authority",
                "-addext",
                "basicConstraints=critical,CA:TRUE",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
            ],
        );
        let mut bundle = fs::read(system_bundle()).unwrap_or_default();
        bundle.push(b'\n');
        bundle.extend(fs::read(directory.join("ca.pem")).expect("read the authority's certificate"));
        fs::write(authority.bundle(), bundle).expect("write the CA bundle");
        authority
    }

    /// The file for `CARGO_HTTP_CAINFO`: the system's authorities and this one.
    #[must_use]
    pub fn bundle(&self) -> PathBuf {
        self.directory.join("bundle.pem")
    }

    /// A certificate for exactly these host names, in files called `name`.
    ///
    /// # Panics
    ///
    /// When `hosts` is empty or openssl refuses.
    #[must_use]
    pub fn certify(&self, name: &str, hosts: &[String]) -> Certificate {
        let names: Vec<String> = hosts.iter().map(|host| format!("DNS:{host}")).collect();
        let (chain, key) = (format!("{name}.pem"), format!("{name}.key"));
        openssl(
            &self.directory,
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-keyout",
                &key,
                "-out",
                &chain,
                "-days",
                "2",
                "-subj",
                "/CN=Test world host",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-addext",
                &format!("subjectAltName={}", names.join(",")),
            ],
        );
        Certificate { chain: self.directory.join(chain), key: self.directory.join(key) }
    }
}

/// The authorities that this machine trusts: crates.io must stay reachable through the same bundle.
fn system_bundle() -> PathBuf {
    std::env::var_os("SSL_CERT_FILE")
        .map_or_else(|| PathBuf::from("/etc/ssl/certs/ca-certificates.crt"), PathBuf::from)
}

fn openssl(directory: &Path, arguments: &[&str]) {
    // Without its system configuration file, so that only the extensions named here are added.
    let configuration = directory.join("openssl.cnf");
    fs::write(&configuration, "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\n")
        .expect("write openssl.cnf");
    let output = programs::command("openssl")
        .args(arguments)
        .env("OPENSSL_CONF", &configuration)
        .current_dir(directory)
        .output()
        .expect("start openssl");
    assert!(
        output.status.success(),
        "openssl {arguments:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
