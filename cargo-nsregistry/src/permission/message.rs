//! The texts of the refusals that tell a person what to do, read in the terminal after `cargo publish`. Pure.

use std::fmt::Write as _;

use cargo_namespaces::discovery::{self, DevRegistry, PackageNamespaceDoc};
use cargo_namespaces::domain_view::{ProbeOutcome, ProbeResult, RecordPlace};
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use cargo_namespaces::token::{Record, Scope, Token};

use crate::config::Config;

/// Who asks, for what, and where.
#[derive(Clone, Debug)]
pub struct Asking<'a> {
    /// The registry's host, as a person knows it.
    pub registry: &'a str,
    pub namespace: &'a Namespace,
    /// The crate, if it is about one.
    pub name: Option<&'a QualifiedName>,
    /// The index that the namespace has here.
    pub index: IndexUrl,
    /// The key that asks.
    pub key: &'a PublicKey,
}

impl<'a> Asking<'a> {
    /// A question at the registry with this configuration.
    pub fn new(
        config: &'a Config,
        namespace: &'a Namespace,
        name: Option<&'a QualifiedName>,
        key: &'a PublicKey,
    ) -> Self {
        let index = config.public.index_of(namespace);
        Self { registry: config.public.host(), namespace, name, index, key }
    }
}

impl Asking<'_> {
    /// The crate that the domain must list the key for. Without a name any one does: only a token for the whole namespace
    /// covers it.
    pub fn subject(&self) -> QualifiedName {
        let any = || {
            let krate = "any-crate".parse().expect("a plain name");
            QualifiedName { namespace: self.namespace.clone(), krate }
        };
        self.name.cloned().unwrap_or_else(any)
    }

    /// The record that lets the key publish any crate.
    pub fn namespace_record(&self) -> Record {
        self.record(&Scope::Namespace(self.namespace.clone()))
    }

    /// The record that lets the key publish the crate.
    pub fn crate_record(&self) -> Option<Record> {
        self.name.map(|name| self.record(&Scope::Crate(name.clone())))
    }

    fn dev(&self) -> Option<DevRegistry> {
        DevRegistry::of(&self.index)
    }

    fn record(&self, scope: &Scope) -> Record {
        let mut record = Record::new(Token::compute(scope, self.key));
        record.index = Some(self.index.clone());
        record
    }

    fn document(&self) -> String {
        let record = self.namespace_record();
        let doc = PackageNamespaceDoc {
            authorized_keys: vec![record.token],
            index: record.index,
            ..PackageNamespaceDoc::default()
        };
        indented(doc.to_json().trim_end())
    }

    /// The domain lists nobody: three ways to prove that one owns it.
    pub fn unknown_domain(&self) -> String {
        let [apex, label] = discovery::txt_names(self.namespace);
        format!(
            "{registry} could not verify that you own {namespace}. To prove ownership, do one of these three:\n\n\
             a) create a DNS TXT record with the value\n\n       {record}\n\n   \
             for the domain {apex} or for {label} (in a zone that is signed with DNSSEC), or\n\n\
             b) place a text file with the line\n\n       {record}\n\n   at {publishers} or\n\n\
             c) place a file with the text\n\n{document}\n\n   at {json}\n\n\
             Nothing in it is secret. It lets your key {key} publish any crate under {namespace}.\n\
             Then run `cargo publish` again; `cargo nspublish` waits for the record and goes on by itself.",
            registry = self.registry,
            namespace = self.namespace.display_both(),
            record = self.namespace_record(),
            publishers = discovery::cargo_publishers_url(self.namespace, self.dev()),
            document = self.document(),
            json = discovery::well_known_json_url(self.namespace, self.dev()),
            key = self.key,
        )
    }

    /// The domain lists other keys.
    pub fn stranger(&self) -> String {
        let namespace = self.namespace.display_both();
        let mut text = match self.name {
            Some(name) => format!(
                "You are not allowed to publish your crate `{}` under the {namespace} namespace: no record of the domain \
                 names your key {}. Owners of the domain may add one of these records to the existing ones:\n",
                name.krate, self.key
            ),
            None => format!(
                "You are not allowed to publish under the {namespace} namespace: no record of the domain names your key \
                 {}. Owners of the domain may add this record to the existing ones:\n",
                self.key
            ),
        };
        if let (Some(name), Some(record)) = (self.name, self.crate_record()) {
            let _ = write!(text, "\na) to allow you to publish `{}`:\n\n       {record}\n", name.krate);
            let _ = write!(text, "\nb) to allow you to publish any crate under {namespace}:\n");
        }
        let _ = write!(
            text,
            "\n       {}\n\nA record is a DNS TXT record at {namespace} or {}, a line of {}, or (its first word) one of \
             the `authorized_keys` of {}, a file that must also say `\"index\": \"{}\"`. Ask the owners of the domain for \
             it.",
            self.namespace_record(),
            discovery::txt_names(self.namespace)[1],
            discovery::cargo_publishers_url(self.namespace, self.dev()),
            discovery::well_known_json_url(self.namespace, self.dev()),
            self.index,
        );
        text
    }

    /// The crate has other owners.
    pub fn others_crate(&self, name: &QualifiedName, owners: &[PublicKey]) -> String {
        let owners: Vec<String> = owners.iter().map(|owner| format!("  {owner}")).collect();
        format!(
            "You are not allowed to publish your crate `{krate}` under the {namespace} namespace, because another (perhaps \
             a previous) owner of the namespace has already used that crate name. The crate's owners are:\n{owners}\n\n\
             To share the crate, ask one of them to make you an owner too:\n  \
             cargo nspublish owner add {name} {key}\n\
             To take it over, ask one of them to hand it to you:\n  \
             cargo nspublish transfer {name} --to {key}\nand then accept it:\n  \
             cargo nspublish transfer {name} --accept\n\
             Crates of other names are free for you to publish, if the domain lists your key.",
            krate = name.krate,
            namespace = self.namespace.display_both(),
            owners = owners.join("\n"),
            key = self.key,
        )
    }

    /// The domain lists the key and names another index.
    pub fn other_index(&self, declared: &IndexUrl) -> String {
        format!(
            "the domain {namespace} lists your key, but it says that the index of the namespace is\n  {declared}\n\
             and not the one on this registry,\n  {index}\n\
             An index is part of every crate's identity, so a namespace has one. To make this registry its home (before \
             the first release; afterwards it cannot change), let every record say so:\n\n  {record}\n\n\
             and in {json} the field\n\n  \"index\": \"{index}\"",
            namespace = self.namespace.display_both(),
            index = self.index,
            record = self.namespace_record(),
            json = discovery::well_known_json_url(self.namespace, self.dev()),
        )
    }
}

/// Describes what was found in each place, one line each.
pub fn seen(asking: &Asking<'_>, observations: &[ProbeResult], at: impl std::fmt::Display) -> String {
    let (namespace, dev) = (asking.namespace, asking.dev());
    let mut text = format!("\n\nWhat was seen at {at}:");
    for ProbeResult { place, outcome } in observations {
        let _ = write!(text, "\n  {}: {}", place.describe(namespace, dev), describe(*place, outcome));
    }
    text
}

/// One outcome in words.
pub fn describe(place: RecordPlace, outcome: &ProbeOutcome) -> String {
    let records = |read: Result<discovery::Records, discovery::DocumentError>| match read {
        Ok(found) => {
            let broken: Vec<String> = found
                .malformed
                .iter()
                .map(|bad| format!("; {:?} is not a usable record: {}", bad.text, bad.problem))
                .collect();
            format!("{}{}", counted(found.records.len()), broken.concat())
        }
        Err(error) => error.to_string(),
    };
    match outcome {
        ProbeOutcome::Absent => "nothing there".to_owned(),
        ProbeOutcome::Unusable(reason) => format!("ignored: {reason}"),
        ProbeOutcome::Failed(reason) => format!("no usable answer: {reason}"),
        ProbeOutcome::Txt(found) => records(discovery::parse_txt(found)),
        ProbeOutcome::Document(bytes) if place == RecordPlace::Json => {
            match PackageNamespaceDoc::parse(bytes) {
                Ok(doc) => counted(doc.authorized_keys.len()),
                Err(error) => error.to_string(),
            }
        }
        ProbeOutcome::Document(bytes) => records(discovery::parse_cargo_publishers(bytes)),
    }
}

fn counted(records: usize) -> String {
    match records {
        0 => "no record".to_owned(),
        1 => "one record".to_owned(),
        more => format!("{more} records"),
    }
}

/// Returns whether the domain lists any key, so that a key that it does not list is a stranger to it.
pub fn is_claimed(observations: &[ProbeResult]) -> bool {
    observations.iter().any(|ProbeResult { place, outcome }| match outcome {
        ProbeOutcome::Txt(found) => discovery::parse_txt(found).is_ok_and(|read| !read.records.is_empty()),
        ProbeOutcome::Document(bytes) if *place == RecordPlace::Json => {
            PackageNamespaceDoc::parse(bytes).is_ok_and(|doc| !doc.authorized_keys.is_empty())
        }
        ProbeOutcome::Document(bytes) => {
            discovery::parse_cargo_publishers(bytes).is_ok_and(|read| !read.records.is_empty())
        }
        _ => false,
    })
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| format!("       {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::key::SecretKey;

    use super::*;

    fn with<T>(look: impl FnOnce(&Asking<'_>, &QualifiedName) -> T) -> T {
        let name = QualifiedName::parse("foobar-project.org/blurbs").unwrap();
        let index = "sparse+https://crates.example/index/foobar-project.org/".parse().unwrap();
        let key = SecretKey::generate().unwrap().public();
        let asking = Asking {
            registry: "crates.example",
            namespace: &name.namespace,
            name: Some(&name),
            index,
            key: &key,
        };
        look(&asking, &name)
    }

    #[test]
    fn an_unknown_domain_is_told_three_ways_with_the_exact_record() {
        with(|asking, _| {
            let text = asking.unknown_domain();
            let record = asking.namespace_record().to_string();
            assert_eq!(text.matches(&record).count(), 2);
            assert!(text.contains(&format!("\"{}\"", asking.namespace_record().token)), "{text}");
            for place in [
                "_cargo-namespace.foobar-project.org",
                "https://foobar-project.org/.well-known/cargo-publishers",
                "https://foobar-project.org/.well-known/rust-lang.org/package-namespace.json",
            ] {
                assert!(text.contains(place), "{place}: {text}");
            }
        });
    }

    #[test]
    fn a_stranger_is_told_a_record_for_the_crate_and_one_for_all() {
        with(|asking, _| {
            let text = asking.stranger();
            assert!(text.contains(&format!(
                "a) to allow you to publish `blurbs`:\n\n       {}",
                asking.crate_record().unwrap()
            )));
            assert!(text.contains(&asking.namespace_record().to_string()));
            let field = format!("\"index\": \"{}\"", asking.index);
            assert!(text.contains(&field), "a token alone would leave the index open: {text}");
        });
    }

    #[test]
    fn the_owner_to_ask_and_how() {
        with(|asking, name| {
            let owner = SecretKey::generate().unwrap().public();
            let text = asking.others_crate(name, &[owner]);
            assert!(text.contains(&owner.to_string()));
            assert!(text.contains(&format!("transfer foobar-project.org/blurbs --to {}", asking.key)));
        });
    }

    #[test]
    fn what_was_seen_is_told() {
        let observations = [
            ProbeResult {
                place: RecordPlace::Json,
                outcome: ProbeOutcome::Document(b"{\"authorized_keys\":[]}".to_vec()),
            },
            ProbeResult {
                place: RecordPlace::Publishers,
                outcome: ProbeOutcome::Document(b"sha256-zz\n".to_vec()),
            },
            ProbeResult { place: RecordPlace::TxtApex, outcome: ProbeOutcome::Failed("SERVFAIL".to_owned()) },
        ];
        let text = with(|asking, _| seen(asking, &observations, "noon"));
        assert!(text.contains("package-namespace.json: no record"), "{text}");
        assert!(text.contains("is not a usable record"), "{text}");
        assert!(text.contains("TXT at foobar-project.org: no usable answer: SERVFAIL"), "{text}");
        assert!(!is_claimed(&observations));
    }
}
