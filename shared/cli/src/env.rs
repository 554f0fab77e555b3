//! Every environment variable that the suite reads, declared once.
//!
//! The only module that asks the process's environment. [`Environment`] is a copy of the declared variables, so that
//! whatever depends on several of them (the settings, the shell) is tested with a table instead of the process's own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

macro_rules! variables {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// An environment variable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Var {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Var {
            /// All of them, in the order of this page.
            pub const ALL: &'static [Var] = &[$(Var::$variant,)+];

            /// Its name, as the environment spells it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Var::$variant => $name,)+
                }
            }

            /// What it is for, as documented here.
            pub const fn about(self) -> &'static str {
                match self {
                    $(Var::$variant => concat!($($doc),+),)+
                }
            }
        }
    };
}

variables! {
    /// The cargo to run; set by Cargo for its subcommands.
    Cargo = "CARGO",
    /// Cargo's home directory; `~/.cargo` otherwise.
    CargoHome = "CARGO_HOME",
    /// The user's home directory.
    Home = "HOME",
    /// The user's home directory on Windows.
    UserProfile = "USERPROFILE",
    /// Set by build services: nothing is asked and no progress is drawn.
    Ci = "CI",
    /// The kind of terminal; `dumb` draws no progress.
    Term = "TERM",
    /// Any value: no colours, unless they are asked for expressly.
    NoColor = "NO_COLOR",
    /// `auto`, `always` or `never`.
    CargoTermColor = "CARGO_TERM_COLOR",
    /// `true`: as `--quiet`.
    CargoTermQuiet = "CARGO_TERM_QUIET",
    /// `true`: as `--verbose`.
    CargoTermVerbose = "CARGO_TERM_VERBOSE",
    /// `auto`, `always` or `never`: when a progress bar is drawn.
    CargoTermProgressWhen = "CARGO_TERM_PROGRESS_WHEN",
    /// The width of the progress bar in columns.
    CargoTermProgressWidth = "CARGO_TERM_PROGRESS_WIDTH",
    /// `true`: no network, as `--offline`.
    CargoNetOffline = "CARGO_NET_OFFLINE",
    /// How often a transient failure is tried again.
    CargoNetRetry = "CARGO_NET_RETRY",
    /// The proxy for every request.
    CargoHttpProxy = "CARGO_HTTP_PROXY",
    /// A file of PEM certificates that replaces the system's authorities.
    CargoHttpCainfo = "CARGO_HTTP_CAINFO",
    /// Seconds that a connection may take to open and to send nothing.
    CargoHttpTimeout = "CARGO_HTTP_TIMEOUT",
    /// Bytes a second below which a download is given up.
    CargoHttpLowSpeedLimit = "CARGO_HTTP_LOW_SPEED_LIMIT",
    /// `false`: no HTTP/2.
    CargoHttpMultiplexing = "CARGO_HTTP_MULTIPLEXING",
    /// What the requests say they come from.
    CargoHttpUserAgent = "CARGO_HTTP_USER_AGENT",
    /// As `CARGO_HTTP_TIMEOUT`, for curl and Cargo.
    HttpTimeout = "HTTP_TIMEOUT",
    /// Where programs are searched for.
    Path = "PATH",
    /// A proxy for http, as curl reads it.
    HttpProxyLower = "http_proxy",
    /// A proxy for https, as curl reads it (lower case first).
    HttpsProxyLower = "https_proxy",
    /// A proxy for https, as curl reads it.
    HttpsProxy = "HTTPS_PROXY",
    /// A proxy for everything, as curl reads it (lower case first).
    AllProxyLower = "all_proxy",
    /// A proxy for everything, as curl reads it.
    AllProxy = "ALL_PROXY",
    /// Hosts that are reached without a proxy (lower case first).
    NoProxyLower = "no_proxy",
    /// Hosts that are reached without a proxy.
    NoProxy = "NO_PROXY",
    /// The registry instance that the user goes through.
    NamespacesInstance = "CARGO_NAMESPACES_INSTANCE",
    /// The DNS resolver: `IP`, `IP:port`, or the `https://` address of a DoH service.
    NamespacesResolver = "CARGO_NAMESPACES_RESOLVER",
    /// A file of DS or DNSKEY records that replaces the trust anchor of the DNS root.
    NamespacesTrustAnchor = "CARGO_NAMESPACES_TRUST_ANCHOR",
    /// `true`: names under `.test`, `.example` and `localhost` are accepted as namespaces.
    NamespacesSpecialUse = "CARGO_NAMESPACES_SPECIAL_USE",
    /// The development registry that answers for names below `localhost`: `http://localhost:PORT`, as `cargo nsregistry serve
    /// --dev` prints it.
    NamespacesDev = "CARGO_NAMESPACES_DEV",
    /// A secret key, PKCS#8 PEM, where there is no keyring.
    NamespacesKey = "CARGO_NAMESPACES_KEY",
    /// A file with a secret key, PKCS#8 PEM, where there is no keyring.
    NamespacesKeyFile = "CARGO_NAMESPACES_KEY_FILE",
    /// The passphrase of an encrypted secret key.
    NamespacesKeyPassphrase = "CARGO_NAMESPACES_KEY_PASSPHRASE",
    /// The passphrase of a key file that is made, such as a new device key's.
    NamespacesNewKeyPassphrase = "CARGO_NAMESPACES_NEW_KEY_PASSPHRASE",
    /// The registry's configuration file.
    RegistryConfig = "CARGO_NSREGISTRY_CONFIG",
    /// The registry's public URL, over the configuration file's `url`.
    RegistryUrl = "CARGO_NSREGISTRY_URL",
    /// Where the registry listens, over `server.listen`.
    RegistryListen = "CARGO_NSREGISTRY_LISTEN",
    /// The registry's directory, over `storage.data`.
    RegistryData = "CARGO_NSREGISTRY_DATA",
    /// The registry's database, over `storage.database`.
    RegistryDatabase = "CARGO_NSREGISTRY_DATABASE",
    /// What the registry logs, over `log.level`.
    RegistryLogLevel = "CARGO_NSREGISTRY_LOG_LEVEL",
    /// The form of the registry's log, over `log.format`.
    RegistryLogFormat = "CARGO_NSREGISTRY_LOG_FORMAT",
    /// The registry's certificate chain, over `server.tls-certificate`.
    RegistryTlsCertificate = "CARGO_NSREGISTRY_TLS_CERTIFICATE",
    /// The registry's TLS key, over `server.tls-key`.
    RegistryTlsKey = "CARGO_NSREGISTRY_TLS_KEY",
    /// The compiler, in place of `rustc` in `PATH`; as Cargo reads it.
    Rustc = "RUSTC",
    /// Seconds since 1970 that stand for the time in what is made reproducibly
    /// (<https://reproducible-builds.org/specs/source-date-epoch/>).
    SourceDateEpoch = "SOURCE_DATE_EPOCH",
    /// The address of the session's D-Bus, through which the keyring is reached.
    DbusSessionBusAddress = "DBUS_SESSION_BUS_ADDRESS",
}

impl Var {
    /// Those whose values are secret. No program that is started inherits them, but our own credential provider: a build script
    /// would read them.
    pub const SECRETS: [Self; 3] =
        [Self::NamespacesKey, Self::NamespacesKeyPassphrase, Self::NamespacesNewKeyPassphrase];

    /// The secrets of this process, for a program that is to have them.
    pub fn secrets() -> impl Iterator<Item = (&'static str, OsString)> {
        Self::SECRETS.into_iter().filter_map(|secret| Some((secret.name(), secret.get_os()?)))
    }

    /// Its value in this process. An empty variable counts as unset.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn get_os(self) -> Option<OsString> {
        std::env::var_os(self.name()).filter(|value| !value.is_empty())
    }

    /// As [`Var::get_os`], for text; a value that is not UTF-8 is read with replacement characters.
    pub fn get(self) -> Option<String> {
        self.get_os().map(|value| value.to_string_lossy().into_owned())
    }
}

const REGISTRIES: &str = "CARGO_REGISTRIES_";
const TOKEN: &str = "_TOKEN";
const INDEX: &str = "_INDEX";

/// The declared variables that are set and not empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    declared: BTreeMap<Var, OsString>,
    /// `CARGO_REGISTRIES_<NAME>_TOKEN` and `…_INDEX`, by their whole names: Cargo makes these up from the names of registries.
    registries: BTreeMap<String, OsString>,
}

/// The names only: a key, a passphrase, or a proxy's password may be among the values.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.declared.keys().map(|var| var.name())).finish()
    }
}

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        let of_registry = |name: &str| {
            name.starts_with(REGISTRIES) && [TOKEN, INDEX].iter().any(|ending| name.ends_with(ending))
        };
        let named = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self {
            declared: Var::ALL.iter().filter_map(|var| Some((*var, var.get_os()?))).collect(),
            registries: named.filter(|(name, value)| of_registry(name) && !value.is_empty()).collect(),
        }
    }

    /// The same with one more variable; an empty value unsets it.
    #[must_use]
    pub fn with(mut self, var: Var, value: impl Into<OsString>) -> Self {
        let value = value.into();
        if value.is_empty() {
            self.declared.remove(&var);
        } else {
            self.declared.insert(var, value);
        }
        self
    }

    /// The value of `var` as text.
    pub fn get(&self, var: Var) -> Option<String> {
        self.declared.get(&var).map(|value| value.to_string_lossy().into_owned())
    }

    /// The value of `var` as a path.
    pub fn path(&self, var: Var) -> Option<PathBuf> {
        self.declared.get(&var).map(PathBuf::from)
    }

    /// The token of a registry, by its name in Cargo's configuration.
    pub fn registry_token(&self, registry: &str) -> Option<String> {
        self.of_registry(registry, TOKEN)
    }

    /// The index of a registry, by its name in Cargo's configuration.
    pub fn registry_index(&self, registry: &str) -> Option<String> {
        self.of_registry(registry, INDEX)
    }

    /// The names of the registries whose index is set; Cargo folds `-` into `_`, and so the one with `_` stands for both.
    pub fn registries(&self) -> impl Iterator<Item = String> {
        let names = self.registries.keys();
        names.filter_map(|name| Some(name.strip_prefix(REGISTRIES)?.strip_suffix(INDEX)?.to_lowercase()))
    }

    fn of_registry(&self, registry: &str, ending: &str) -> Option<String> {
        let name = registry.to_uppercase().replace('-', "_");
        let value = self.registries.get(&format!("{REGISTRIES}{name}{ending}"))?;
        Some(value.to_string_lossy().into_owned())
    }

    /// The same with the index of one more registry.
    #[must_use]
    pub fn with_registry(mut self, registry: &str, index: &str) -> Self {
        let name = registry.to_uppercase().replace('-', "_");
        self.registries.insert(format!("{REGISTRIES}{name}{INDEX}"), index.into());
        self
    }

    /// The first of `vars` that is set.
    pub fn first(&self, vars: &[Var]) -> Option<String> {
        vars.iter().find_map(|var| self.get(*var))
    }

    /// What `no_proxy` must be for this machine to be reached over http, where a proxy is set that would be asked: curl, and so
    /// Cargo, takes one for `localhost` as for any host.
    pub fn no_proxy_for_localhost(&self) -> Option<String> {
        const LOCALHOST: [&str; 2] = ["localhost", ".localhost"];
        self.first(&[Var::HttpProxyLower, Var::AllProxyLower, Var::AllProxy, Var::CargoHttpProxy])?;
        let except = self.first(&[Var::NoProxyLower, Var::NoProxy]).unwrap_or_default();
        let mut hosts: Vec<&str> = except.split([',', ' ']).filter(|host| !host.is_empty()).collect();
        let missing: Vec<&str> = LOCALHOST.into_iter().filter(|host| !hosts.contains(host)).collect();
        if missing.is_empty() || hosts == ["*"] {
            return None;
        }
        hosts.extend(missing);
        Some(hosts.join(","))
    }

    /// True when `var` is set to `true` or `1`; an unset one is `None`.
    ///
    /// # Errors
    /// Any other value than `true`, `false`, `1`, `0`.
    pub fn flag(&self, var: Var) -> Result<Option<bool>, EnvError> {
        let Some(value) = self.get(var) else {
            return Ok(None);
        };
        match value.as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(EnvError { var: var.name(), value, expected: "`true` or `false`" }),
        }
    }

    /// The whole number in `var`.
    ///
    /// # Errors
    /// The value is not a whole number.
    pub fn number(&self, var: Var) -> Result<Option<u64>, EnvError> {
        let Some(value) = self.get(var) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(EnvError { var: var.name(), value, expected: "a whole number" }),
        }
    }
}

/// Everything in this process's environment that Cargo or rustup may look at, by name, secrets apart: for telling whether
/// Cargo would be run as before.
pub fn of_cargo() -> BTreeMap<OsString, OsString> {
    let theirs = |name: &OsString| {
        let name = name.to_string_lossy();
        let secret = Var::SECRETS.iter().any(|secret| secret.name() == name);
        (name.starts_with("CARGO") || name.starts_with("RUSTUP")) && !secret
    };
    std::env::vars_os().filter(|(name, _)| theirs(name)).collect()
}

/// A variable whose value cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable `{var}` is `{value}`, expected {expected}")]
pub struct EnvError {
    /// The variable's name.
    pub var: &'static str,
    /// What it holds.
    pub value: String,
    /// What it may hold.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_declared_once() {
        let mut names: Vec<_> = Var::ALL.iter().map(|var| var.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Var::ALL.len());
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let env = Environment::default().with(Var::Ci, "1").with(Var::Ci, "");
        assert_eq!(env.get(Var::Ci), None);
    }

    #[test]
    fn flags_and_numbers_are_strict() {
        let env = Environment::default()
            .with(Var::CargoNetOffline, "true")
            .with(Var::CargoNetRetry, "many")
            .with(Var::NamespacesSpecialUse, "yes");
        assert_eq!(env.flag(Var::CargoNetOffline), Ok(Some(true)));
        assert_eq!(env.flag(Var::CargoTermQuiet), Ok(None));
        let error = env.number(Var::CargoNetRetry).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the environment variable `CARGO_NET_RETRY` is `many`, expected a whole number"
        );
        assert!(env.flag(Var::NamespacesSpecialUse).is_err());
    }

    #[test]
    fn the_first_variable_wins() {
        let env = Environment::default().with(Var::HttpsProxy, "b").with(Var::HttpsProxyLower, "a");
        assert_eq!(env.first(&[Var::HttpsProxyLower, Var::HttpsProxy]), Some("a".to_owned()));
    }

    #[test]
    fn this_machine_is_reached_past_proxies() {
        let with = |proxy, except: &str| {
            Environment::default().with(proxy, "http://proxy.example:3128").with(Var::NoProxy, except)
        };
        let needed = |proxy, except| with(proxy, except).no_proxy_for_localhost();
        assert_eq!(needed(Var::HttpProxyLower, "").as_deref(), Some("localhost,.localhost"));
        assert_eq!(needed(Var::AllProxy, "a.example").as_deref(), Some("a.example,localhost,.localhost"));
        assert_eq!(needed(Var::CargoHttpProxy, "localhost").as_deref(), Some("localhost,.localhost"));
        assert_eq!(needed(Var::HttpProxyLower, ".localhost, localhost"), None);
        assert_eq!(needed(Var::HttpProxyLower, "*"), None);
        assert_eq!(needed(Var::HttpsProxy, ""), None);
    }

    #[test]
    fn values_are_not_shown() {
        let env = Environment::default().with(Var::NamespacesKeyPassphrase, "hunter2");
        assert_eq!(format!("{env:?}"), "{\"CARGO_NAMESPACES_KEY_PASSPHRASE\"}");
    }
}
