//! `key list` and `key show`: the public side of keys.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::token::{Scope, Token};
use cargo_namespaces_cli::keystore::KeyEntry;
use cargo_namespaces_cli::shell::CliError;
use serde::Serialize;

use super::public_key;
use crate::args::ShowArgs;
use crate::session::Session;

/// A key in JSON.
#[derive(Serialize)]
struct Shown<'a> {
    name: Option<&'a str>,
    role: Option<&'static str>,
    store: Option<String>,
    public_key: String,
    fingerprint: String,
    namespaces: Vec<String>,
    replaced: Vec<String>,
    revoked: Vec<String>,
    tokens: Vec<ShownToken>,
}

/// A token in JSON.
#[derive(Serialize)]
struct ShownToken {
    scope: String,
    token: String,
}

/// Lists the keys.
///
/// # Errors
/// The key book cannot be read.
pub fn list(session: &Session<'_>) -> Result<(), CliError> {
    let book = session.store.book()?;
    let entries = book.entries();
    for (key, entry) in &entries {
        session.shell.json("key", &shown(key, Some(entry), &scopes_of(entry)));
    }
    if entries.is_empty() {
        session
            .shell
            .note("there are no keys here: `cargo nspublish setup NAMESPACE` makes the keys of a namespace");
        return Ok(());
    }
    let labels = session.store.labels()?;
    let mut rows = vec![["NAME", "ROLE", "KEPT IN", "NAMESPACES", "PUBLIC KEY"].map(str::to_owned)];
    for (key, entry) in &entries {
        rows.push([
            entry.name.to_string(),
            entry.role.to_string(),
            entry.store.to_string(),
            namespaces(entry),
            labels.get(key).map_or_else(|| key.to_string(), |label| format!("{key} ({label})")),
        ]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3].map(width);
    for (n, row) in rows.iter().enumerate() {
        let mut line = String::new();
        for (text, width) in row.iter().zip(widths) {
            line.push_str(&format!("{text:width$}  "));
        }
        line.push_str(&row[4]);
        if n == 0 { session.shell.heading(line) } else { session.shell.print(line) }
    }
    Ok(())
}

/// Shows one key.
///
/// # Errors
/// Nothing of that name, or no single key where none is named.
pub fn show(session: &Session<'_>, args: &ShowArgs) -> Result<(), CliError> {
    let book = session.store.book()?;
    let key = match &args.key {
        Some(text) => public_key(session, text, args.passphrase_file.as_deref())?,
        None => *book.only_device().map_err(cargo_namespaces_cli::keystore::KeystoreError::from)?.0,
    };
    let mut scopes: Vec<Scope> = args.namespace.iter().cloned().map(Scope::Namespace).collect();
    scopes.extend(args.krate.iter().cloned().map(Scope::Crate));
    for scope in &scopes {
        session.check(scope.namespace())?;
    }
    describe(session, &key, book.get(&key), &scopes);
    if let Some(label) = session.store.labels()?.get(&key) {
        session.shell.print(row("label", label));
    }
    Ok(())
}

/// Prints the public side of a key, with its tokens for `scopes` and for the namespaces that it is registered for.
pub fn describe(session: &Session<'_>, key: &PublicKey, entry: Option<&KeyEntry>, scopes: &[Scope]) {
    let mut all = entry.map(scopes_of).unwrap_or_default();
    all.extend(scopes.iter().filter(|scope| !all.contains(scope)).cloned().collect::<Vec<_>>());
    let shown = shown(key, entry, &all);
    let shell = session.shell;
    shell.json("key", &shown);
    if let Some(entry) = entry {
        for (label, value) in [
            ("name", entry.name.to_string()),
            ("role", entry.role.to_string()),
            ("kept in", entry.store.to_string()),
        ] {
            shell.print(row(label, &value));
        }
    }
    shell.print(row("public key", &shown.public_key));
    shell.print(row("fingerprint", &shown.fingerprint));
    for (label, list) in [("replaced in", &shown.replaced), ("revoked in", &shown.revoked)] {
        if !list.is_empty() {
            shell.print(row(label, &list.join(", ")));
        }
    }
    for token in &shown.tokens {
        shell.print(row("token", &format!("{}  {}", token.token, token.scope)));
    }
    if shown.tokens.is_empty() {
        let which = entry.map_or("KEY", |entry| entry.name.as_str());
        shell.note(format!(
            "`cargo nspublish key show {which} --namespace NAMESPACE` (or `--crate NAMESPACE/CRATE`) shows the token to \
             publish at a domain"
        ));
    }
}

fn row(label: &str, value: &str) -> String {
    format!("{label:<12} {value}")
}

fn scopes_of(entry: &KeyEntry) -> Vec<Scope> {
    entry.namespaces.iter().cloned().map(Scope::Namespace).collect()
}

fn namespaces(entry: &KeyEntry) -> String {
    let mut all: Vec<String> = entry.namespaces.iter().map(ToString::to_string).collect();
    all.extend(entry.replaced.iter().map(|name| format!("{name} (replaced)")));
    all.extend(entry.revoked.iter().map(|name| format!("{name} (revoked)")));
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

fn shown<'a>(key: &PublicKey, entry: Option<&'a KeyEntry>, scopes: &[Scope]) -> Shown<'a> {
    let texts = |set: Option<&std::collections::BTreeSet<cargo_namespaces::name::Namespace>>| {
        set.into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
    };
    let token = |scope: &Scope| ShownToken {
        scope: scope.to_string(),
        token: Token::compute(scope, key).to_string(),
    };
    Shown {
        name: entry.map(|entry| entry.name.as_str()),
        role: entry.map(|entry| entry.role.as_str()),
        store: entry.map(|entry| entry.store.to_string()),
        public_key: key.to_string(),
        fingerprint: fingerprint(key),
        namespaces: texts(entry.map(|entry| &entry.namespaces)),
        replaced: texts(entry.map(|entry| &entry.replaced)),
        revoked: texts(entry.map(|entry| &entry.revoked)),
        tokens: scopes.iter().map(token).collect(),
    }
}

/// What two people compare by voice: the first 128 bits of the SHA-256 of the key's 32 bytes, in groups of four digits.
fn fingerprint(key: &PublicKey) -> String {
    let hex = Digest::of(key.as_bytes()).to_string();
    let groups: Vec<&str> = (0..8).filter_map(|n| hex.get(n * 4..n * 4 + 4)).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_can_be_read_out() {
        let key: PublicKey = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=".parse().unwrap();
        let text = fingerprint(&key);
        assert_eq!(text.len(), 39);
        assert_eq!(text.replace(' ', ""), Digest::of(key.as_bytes()).to_string()[..32]);
    }
}
