//! The configuration in words, for `check-config`.

use std::fmt::Write as _;

use cargo_namespaces::settings::ResolverSetting;

use super::{Config, DefaultRegistry, Revalidate};

impl Config {
    /// What is in force, one line a matter.
    pub fn summary(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let _ = writeln!(text, "{name:<18} {value}");
        };
        let default = if self.public.is_default { " (the default: set it)" } else { "" };
        line("url", &format!("{}{default}", self.public.url()));
        line("contact", self.public.contact.as_deref().unwrap_or("none"));
        let tls = if self.server.tls.is_some() { "TLS" } else { "plain HTTP, for a proxy in front" };
        line("listen", &format!("{} ({tls})", self.server.listen));
        line("data", &self.storage.data.display().to_string());
        line("database", &self.storage.database);
        line("objects", &self.storage.objects.display().to_string());
        let resolvers: Vec<String> = self.validation.resolvers.iter().map(resolver).collect();
        line("resolvers", &resolvers.join(", "));
        let revalidate = match self.policy.revalidate {
            Revalidate::Creation => "at the first release of a crate",
            Revalidate::EveryPublish => "at every release",
        };
        line("domains are asked", revalidate);
        let default_registry = match self.policy.default_registry {
            DefaultRegistry::Allow => "allowed",
            DefaultRegistry::Warn => "warned about",
            DefaultRegistry::Deny => "refused in new crates",
        };
        line("no registry named", default_registry);
        let private = self.namespaces.iter().filter(|(_, rules)| rules.auth_required);
        let private: Vec<String> = private.map(|(name, _)| name.to_string()).collect();
        line("private", if private.is_empty() { "none" } else { "" });
        for name in private {
            line("", &name);
        }
        text.trim_end().to_owned()
    }
}

fn resolver(setting: &ResolverSetting) -> String {
    match setting {
        ResolverSetting::System => "the system's".to_owned(),
        ResolverSetting::Server(address) => address.to_string(),
        ResolverSetting::Doh(url) => url.clone(),
    }
}
