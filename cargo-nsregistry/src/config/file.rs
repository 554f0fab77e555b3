//! From the file, the environment and the flags to a checked [`Config`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, SpecialUseNames};
use cargo_namespaces_cli::env::{Environment, Var};
use cargo_namespaces_net::fs;
use cargo_namespaces_net::resolver::ResolverSetting;
use serde::Deserialize;

use crate::log::{self, Format, Level};

use super::development::{development, is_local};
use super::{
    Config, ConfigError, DefaultRegistry, NamespaceRules, Policy, Public, Range, Revalidate, Server, Storage,
    Validation,
};

/// The URL of a registry that was not told one: good for looking at it, not for publishing.
const DEFAULT_URL: &str = "https://localhost:7979/";
const DEFAULT_LISTEN: &str = "127.0.0.1:7979";
const DEFAULT_DATA: &str = "nsregistry-data";
const DEFAULT_DEV_DATA: &str = "nsregistry-dev";
/// Twice what a busy registry holds open; a socket costs some kilobytes.
const DEFAULT_CONNECTIONS: usize = 16_384;

/// What flags say, over everything else.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--url`.
    pub url: Option<String>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--dev`.
    pub dev: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    url: Option<String>,
    contact: Option<String>,
    server: ServerTable,
    storage: StorageTable,
    validation: ValidationTable,
    policy: PolicyTable,
    log: LogTable,
    namespaces: BTreeMap<String, NamespaceTable>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct ServerTable {
    listen: Option<String>,
    tls_certificate: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    max_connections: Option<usize>,
    trusted_proxies: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct StorageTable {
    data: Option<PathBuf>,
    database: Option<String>,
    objects: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct ValidationTable {
    resolvers: Option<Vec<String>>,
    trust_anchor: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    allow: Vec<String>,
    port: Option<u16>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct PolicyTable {
    revalidate: Revalidate,
    default_registry: DefaultRegistry,
    special_use: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct LogTable {
    level: Option<String>,
    format: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct NamespaceTable {
    auth_required: bool,
    readers: Vec<String>,
}

/// Reads the configuration: `file` (or the one that the environment names), the environment, then `flags`.
///
/// # Errors
/// [`ConfigError`] names the key.
pub fn load(file: Option<&Path>, env: &Environment, flags: &Overrides) -> Result<Config, ConfigError> {
    let path = file.map(Path::to_owned).or_else(|| env.path(Var::RegistryConfig));
    let (mut read, base) = match &path {
        None => (File::default(), PathBuf::new()),
        Some(path) => {
            let text = fs::read_to_string(path)?;
            let read = toml_edit::de::from_str(&text).map_err(|error| ConfigError::Syntax {
                path: path.display().to_string(),
                problem: error.to_string(),
            })?;
            (read, fs::directory_of(path).to_owned())
        }
    };
    read.lay_over(env, flags, &base);
    read.check(flags.dev)
}

pub(super) fn value(key: &'static str, value: impl Into<String>, expected: impl Into<String>) -> ConfigError {
    ConfigError::Value { key, value: value.into(), expected: expected.into() }
}

impl File {
    /// Makes the file's paths absolute to its directory, then puts the environment and the flags over it.
    fn lay_over(&mut self, env: &Environment, flags: &Overrides, base: &Path) {
        for path in [
            &mut self.server.tls_certificate,
            &mut self.server.tls_key,
            &mut self.storage.data,
            &mut self.storage.objects,
            &mut self.validation.trust_anchor,
            &mut self.validation.ca_file,
        ]
        .into_iter()
        .flatten()
        {
            *path = fs::clean(&base.join(&path));
        }
        let over = |own: &mut Option<String>, flag: Option<&String>, var| {
            *own = flag.cloned().or_else(|| env.get(var)).or_else(|| own.take());
        };
        over(&mut self.url, flags.url.as_ref(), Var::RegistryUrl);
        over(&mut self.server.listen, flags.listen.as_ref(), Var::RegistryListen);
        over(&mut self.storage.database, None, Var::RegistryDatabase);
        over(&mut self.log.level, None, Var::RegistryLogLevel);
        over(&mut self.log.format, None, Var::RegistryLogFormat);
        let over = |own: &mut Option<PathBuf>, flag: Option<&PathBuf>, var| {
            *own = flag.cloned().or_else(|| env.path(var)).or_else(|| own.take());
        };
        over(&mut self.storage.data, flags.data.as_ref(), Var::RegistryData);
        over(&mut self.server.tls_certificate, None, Var::RegistryTlsCertificate);
        over(&mut self.server.tls_key, None, Var::RegistryTlsKey);
    }

    fn check(mut self, is_dev: bool) -> Result<Config, ConfigError> {
        let server = self.server.check()?;
        let dev = if is_dev { Some(development(self.url.as_ref(), &server)?) } else { None };
        let special_use = match dev {
            Some(dev) => {
                self.url = Some(dev.url());
                self.storage.data.get_or_insert_with(|| DEFAULT_DEV_DATA.into());
                SpecialUseNames::Localhost
            }
            None => self.policy.special_use.into(),
        };
        if let Some(name) = self.namespaces.keys().find(|name| is_dev && !is_local(name)) {
            return Err(value(
                "namespaces",
                name,
                "a name below `localhost`, as a development registry serves",
            ));
        }
        Ok(Config {
            dev,
            public: public(self.url, self.contact, is_dev)?,
            server,
            storage: self.storage.check()?,
            validation: self.validation.check()?,
            policy: Policy {
                revalidate: self.policy.revalidate,
                default_registry: self.policy.default_registry,
                special_use,
            },
            log: self.log.check()?,
            namespaces: namespaces(self.namespaces, special_use)?,
        })
    }
}

fn public(url: Option<String>, contact: Option<String>, is_dev: bool) -> Result<Public, ConfigError> {
    let is_default = url.is_none();
    let text = url.unwrap_or_else(|| DEFAULT_URL.to_owned());
    let wrong = |_| value("url", text.clone(), "an https URL for users, such as `https://crates.example/`");
    let slash = if text.ends_with('/') { "" } else { "/" };
    let probe = IndexUrl::parse(&format!("sparse+{text}{slash}")).map_err(wrong)?;
    if probe.is_local() && !is_dev {
        return Err(value(
            "url",
            text,
            "an https URL for users (`serve --dev` is for trying things out over http)",
        ));
    }
    let url = probe.http_base().to_owned();
    IndexUrl::parse(&format!("sparse+{url}index/{}/", "a.".repeat(100) + "example"))
        .map_err(|_| value("url", text.clone(), "short enough to be part of every index URL"))?;
    if let Some(contact) = contact.as_ref().filter(|text| text.contains(char::is_control)) {
        return Err(value("contact", contact, "one line of text"));
    }
    Ok(Public { url, contact, is_default })
}

impl ServerTable {
    fn check(self) -> Result<Server, ConfigError> {
        let listen = self.listen.unwrap_or_else(|| DEFAULT_LISTEN.to_owned());
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(ConfigError::HalfTls),
        };
        let max_connections = self.max_connections.unwrap_or(DEFAULT_CONNECTIONS);
        if max_connections == 0 {
            return Err(value("server.max-connections", "0", "a number above 0"));
        }
        let parsed = listen.parse();
        let expected = "an address and a port, such as `127.0.0.1:7979`";
        let listen = parsed.map_err(|_| value("server.listen", listen, expected))?;
        let trusted_proxies = ranges("server.trusted-proxies", self.trusted_proxies)?;
        Ok(Server { listen, tls, max_connections, trusted_proxies })
    }
}

impl StorageTable {
    fn check(self) -> Result<Storage, ConfigError> {
        let data = self.data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
        let database = match self.database {
            None => format!("sqlite://{}", data.join("registry.db").display()),
            Some(url) if url.starts_with("sqlite:") => url,
            Some(url) => return Err(value("storage.database", url, "a URL that starts with `sqlite:`")),
        };
        let objects = self.objects.unwrap_or_else(|| data.join("objects"));
        Ok(Storage { data, database, objects })
    }
}

impl ValidationTable {
    fn check(self) -> Result<Validation, ConfigError> {
        let resolvers = self.resolvers.unwrap_or_else(|| vec!["system".to_owned()]);
        if resolvers.is_empty() {
            return Err(value("validation.resolvers", "[]", "a list of at least one resolver"));
        }
        let resolvers = resolvers.into_iter().map(resolver).collect::<Result<_, _>>()?;
        if self.port == Some(0) {
            return Err(value("validation.port", "0", "a port"));
        }
        Ok(Validation {
            resolvers,
            trust_anchor: self.trust_anchor,
            ca_file: self.ca_file,
            allow: ranges("validation.allow", self.allow)?,
            port: self.port.unwrap_or(443),
        })
    }
}

impl LogTable {
    fn check(self) -> Result<log::Settings, ConfigError> {
        let level = match self.level.as_deref() {
            None => Level::default(),
            Some("error") => Level::Error,
            Some("warn") => Level::Warn,
            Some("info") => Level::Info,
            Some(other) => return Err(value("log.level", other, "`error`, `warn` or `info`")),
        };
        let format = match self.format.as_deref() {
            None => Format::default(),
            Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some(other) => return Err(value("log.format", other, "`text` or `json`")),
        };
        Ok(log::Settings { level, format })
    }
}

fn ranges(key: &'static str, texts: Vec<String>) -> Result<Vec<Range>, ConfigError> {
    let range = |text: String| {
        let parsed = text.parse();
        parsed.map_err(|expected: &str| value(key, text, expected))
    };
    texts.into_iter().map(range).collect()
}

fn resolver(text: String) -> Result<ResolverSetting, ConfigError> {
    if text == "system" {
        return Ok(ResolverSetting::System);
    }
    if text.starts_with("https://") {
        return Ok(ResolverSetting::Doh(text));
    }
    let address = text.parse().ok().or_else(|| Some((text.parse::<std::net::IpAddr>().ok()?, 53).into()));
    let expected = "`system`, an IP address with or without a port, or the https URL of a DoH service";
    address.map(ResolverSetting::Server).ok_or_else(|| value("validation.resolvers", text, expected))
}

fn namespaces(
    tables: BTreeMap<String, NamespaceTable>,
    special_use: SpecialUseNames,
) -> Result<BTreeMap<Namespace, NamespaceRules>, ConfigError> {
    let mut rules = BTreeMap::new();
    for (name, table) in tables {
        let namespace = Namespace::parse(&name).and_then(|parsed| {
            parsed.check_special_use(special_use)?;
            Ok(parsed)
        });
        let namespace =
            namespace.map_err(|error| value("namespaces", name, format!("a namespace: {error}")))?;
        let readers = table.readers.into_iter().map(|key| {
            PublicKey::parse(&key)
                .map_err(|error| value("namespaces.readers", key, format!("a key: {error}")))
        });
        let readers = readers.collect::<Result<BTreeSet<_>, _>>()?;
        rules.insert(namespace, NamespaceRules { auth_required: table.auth_required, readers });
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load_text(text: &str, env: &Environment) -> Result<Config, ConfigError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("registry.toml");
        fs::write_atomic(&path, text.as_bytes()).unwrap();
        load(Some(&path), env, &Overrides::default())
    }

    #[test]
    fn nothing_needs_to_be_configured() {
        let config = load(None, &Environment::default(), &Overrides::default()).unwrap();
        assert!(config.public.is_default);
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:7979");
        assert_eq!(config.storage.database, "sqlite://nsregistry-data/registry.db");
        assert_eq!(config.policy.revalidate, Revalidate::Creation);
    }

    #[test]
    fn the_environment_is_over_the_file_and_flags_over_both() {
        let text =
            "url = \"https://a.example\"\n[server]\nlisten = \"127.0.0.1:1\"\n[storage]\ndata = \"d\"\n";
        let env = Environment::default().with(Var::RegistryListen, "127.0.0.1:2");
        let config = load_text(text, &env).unwrap();
        assert_eq!(config.public.url(), "https://a.example/");
        assert_eq!(config.server.listen.port(), 2);
        assert!(config.storage.data.is_absolute(), "relative to the file");
        let flags = Overrides { listen: Some("127.0.0.1:3".to_owned()), ..Overrides::default() };
        assert_eq!(load(None, &env, &flags).unwrap().server.listen.port(), 3);
    }

    #[test]
    fn what_is_not_known_or_means_nothing_is_an_error() {
        for (text, names) in [
            ("colour = 1", "colour"),
            ("[server]\nlissten = \"x\"", "lissten"),
            ("url = \"http://a.example/\"", "url"),
            ("url = \"http://localhost:7979/\"", "serve --dev"),
            ("[server]\nlisten = \"here\"", "server.listen"),
            ("[server]\ntls-key = \"k\"", "tls-certificate"),
            ("[validation]\nresolvers = [\"dns.example\"]", "validation.resolvers"),
            ("[validation]\nallow = [\"10.0.0.0/33\"]", "validation.allow"),
            ("[validation]\nport = 0", "validation.port"),
            ("[server]\ntrusted-proxies = [\"proxy.example\"]", "server.trusted-proxies"),
            ("[policy]\nrevalidate = \"never\"", "revalidate"),
            ("[log]\nlevel = \"debug\"", "log.level"),
            ("[log]\nformat = \"xml\"", "log.format"),
            ("[namespaces.\"co.uk\"]\n", "namespaces"),
            ("[storage]\ndatabase = \"mysql://x\"", "storage.database"),
        ] {
            let error = load_text(text, &Environment::default()).unwrap_err().to_string();
            assert!(error.contains(names), "{text}: {error}");
        }
    }

    #[test]
    fn a_private_namespace_has_readers() {
        let key = cargo_namespaces::key::SecretKey::generate().unwrap().public();
        let text = format!("[namespaces.\"corp.rs\"]\nauth-required = true\nreaders = [\"{key}\"]\n");
        let config = load_text(&text, &Environment::default()).unwrap();
        let corp = Namespace::parse("corp.rs").unwrap();
        assert!(config.is_private(&corp) && config.readers(&corp).unwrap().contains(&key));
        assert!(!config.is_private(&Namespace::parse("serde.rs").unwrap()));
    }
}
