//! The configuration in words, for `check-config`.

use std::fmt::Write as _;
use std::path::PathBuf;

use cargo_namespaces::name::SpecialUseNames;
use cargo_namespaces_net::resolver::ResolverSetting;

use super::{Config, DefaultRegistry, Policy, Revalidate, Server, Storage, Validation};

impl Config {
    /// What is in force, one key of the file a line.
    pub fn summary(&self) -> String {
        let default = if self.public.is_default { " (the default: set it)" } else { "" };
        let mut lines = vec![
            ("url".to_owned(), format!("{}{default}", self.public.url())),
            ("contact".to_owned(), self.public.contact.clone().unwrap_or_else(|| "none".to_owned())),
        ];
        let tables =
            self.server.lines().into_iter().chain(self.storage.lines()).chain(self.validation.lines());
        lines.extend(tables.chain(self.policy.lines()).map(|(key, value)| (key.to_owned(), value)));
        lines.push(("log.level".to_owned(), self.log.level.to_string()));
        lines.push(("log.format".to_owned(), self.log.format.to_string()));
        for (namespace, rules) in &self.namespaces {
            let access = if rules.auth_required {
                format!("private; readers, beside the owners of its crates: {}", joined(&rules.readers))
            } else {
                "public".to_owned()
            };
            lines.push((format!("namespaces.\"{namespace}\""), access));
        }
        let mut text = String::new();
        for (key, value) in lines {
            let _ = writeln!(text, "{key:<26} {value}");
        }
        text.trim_end().to_owned()
    }
}

type Lines = Vec<(&'static str, String)>;

impl Server {
    fn lines(&self) -> Lines {
        let (speaks, files) = match &self.tls {
            None => ("plain HTTP, for a proxy in front", None),
            Some(files) => ("TLS", Some(files)),
        };
        let mut lines = vec![("server.listen", format!("{} ({speaks})", self.listen))];
        if let Some((chain, key)) = files {
            lines.push(("server.tls-certificate", chain.display().to_string()));
            lines.push(("server.tls-key", key.display().to_string()));
        }
        lines.push(("server.max-connections", self.max_connections.to_string()));
        lines.push(("server.trusted-proxies", joined(&self.trusted_proxies)));
        lines
    }
}

impl Storage {
    fn lines(&self) -> Lines {
        vec![
            ("storage.data", self.data.display().to_string()),
            ("storage.database", self.database.clone()),
            ("storage.objects", self.objects.display().to_string()),
        ]
    }
}

impl Validation {
    fn lines(&self) -> Lines {
        let or = |path: &Option<PathBuf>, other: &str| {
            path.as_ref().map_or_else(|| other.to_owned(), |path| path.display().to_string())
        };
        vec![
            ("validation.resolvers", joined(self.resolvers.iter().map(resolver))),
            ("validation.trust-anchor", or(&self.trust_anchor, "the DNS root's")),
            ("validation.ca-file", or(&self.ca_file, "the system's authorities")),
            ("validation.allow", joined(&self.allow)),
            ("validation.port", self.port.to_string()),
        ]
    }
}

impl Policy {
    fn lines(&self) -> Lines {
        let revalidate = match self.revalidate {
            Revalidate::Creation => "creation (a record must exist at the first release of a crate)",
            Revalidate::EveryPublish => "every-publish (a record must exist at every release)",
        };
        let default_registry = match self.default_registry {
            DefaultRegistry::Allow => "allow",
            DefaultRegistry::Warn => "warn",
            DefaultRegistry::Deny => "deny (new crates whose dependencies name no registry)",
        };
        vec![
            ("policy.revalidate", revalidate.to_owned()),
            ("policy.default-registry", default_registry.to_owned()),
            ("policy.special-use", (self.special_use == SpecialUseNames::All).to_string()),
        ]
    }
}

fn joined<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

fn resolver(setting: &ResolverSetting) -> String {
    match setting {
        ResolverSetting::System => "the system's".to_owned(),
        ResolverSetting::Server(address) => address.to_string(),
        ResolverSetting::Doh(url) => url.clone(),
    }
}
