//! Crates and releases as the registry itself would have left them: rows by `sqlite3`, index files in the object directory.
//!
//! Lines are of the form and size of published ones, with two signatures each, which are of something else. Of the
//! .crates, which the registry only ever streams, there is one for every hundredth crate.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Stdio;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::IndexLine;
use cargo_namespaces::statement::{Predicate as _, ReleaseStatement};
use cargo_namespaces_cli::clock;

use super::super::Scale;
use namespace_world::{Archive, Author, programs};

/// Crates in a namespace.
const IN_A_NAMESPACE: usize = 100;
/// Every so many-th crate has the .crate of its first release.
pub const WITH_CRATE: usize = 100;
/// What stands in the line that the others are made from, where theirs differ.
const NAME: &str = "template-crate";
const VERSION: &str = "0.0.0-template";

/// The name of a crate.
pub fn krate(at: usize) -> String {
    format!("crate-{at:06}")
}

/// Its namespace.
pub fn namespace(at: usize) -> String {
    format!("n{:05}.example", at / IN_A_NAMESPACE)
}

/// Where its index file is.
pub fn index_file(at: usize) -> String {
    format!("index/{}/{}", namespace(at), namespace_world::world::index_path(&krate(at)))
}

/// Where the .crate of a release is.
pub fn crate_file(at: usize, release: usize) -> String {
    let name = krate(at);
    format!("index/{}/crates/{name}/{name}-{}.crate", namespace(at), version(release))
}

fn version(release: usize) -> String {
    format!("1.{release}.0")
}

/// Generates everything into the data directory of a registry that has run once and does not run now.
pub fn all(data: &Path, author: &Author, scale: Scale) {
    let mut sqlite = programs::command("sqlite3")
        .arg("-bail")
        .arg(data.join("registry.db"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("start sqlite3");
    let mut sql = BufWriter::new(sqlite.stdin.take().expect("sqlite3 reads SQL"));
    let objects = data.join("objects");
    let template = template(author);
    let now = clock::now();
    // Nothing of this has to survive a crash; the registry sets its own mode again.
    writeln!(sql, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;").expect("write SQL");
    for at in 0..scale.generated {
        if at.is_multiple_of(IN_A_NAMESPACE) {
            let namespace = namespace(at);
            writeln!(sql, "INSERT INTO namespaces (name, created_at) VALUES ('{namespace}', '{now}');")
                .expect("write SQL");
        }
        one(&mut sql, &objects, at, &template, scale);
    }
    let key = author.key.public();
    writeln!(
        sql,
        "INSERT INTO owners (crate_id, owner_key, added_by, added_at) SELECT id, '{key}', 'domain', '{now}' FROM crates;
         INSERT INTO audit (at, actor, action, subject, detail) SELECT '{now}', '{key}', 'publish',
         crates.namespace || '/' || crates.name || '@' || version, cksum FROM versions JOIN crates ON crates.id = crate_id;
         COMMIT;"
    )
    .expect("write SQL");
    drop(sql);
    assert!(sqlite.wait().expect("wait for sqlite3").success(), "sqlite3 took everything");
}

/// A crate: its rows, its index file.
fn one(sql: &mut impl Write, objects: &Path, at: usize, template: &str, scale: Scale) {
    let (name, namespace) = (krate(at), namespace(at));
    let id = format!("{namespace}/{}", name.replace('-', "_"));
    let now = clock::now();
    writeln!(
        sql,
        "INSERT INTO crates (id, namespace, name, description, created_at) VALUES
         ('{id}', '{namespace}', '{name}', 'Does what crate number {at} is for, and some things beside that', '{now}');"
    )
    .expect("write SQL");
    let mut file = String::new();
    let mut rows = Vec::new();
    let with_crate = at.is_multiple_of(WITH_CRATE);
    for release in 0..scale.releases_each {
        let version = version(release);
        let archive = (with_crate && release == 0).then(|| Archive::package(&name, &version).build());
        let cksum = archive.as_ref().map_or_else(|| Digest::of(id.as_bytes()), |archive| Digest::of(archive));
        let line = template
            .replace(NAME, &name)
            .replace(VERSION, &version)
            .replace(&Digest::of(b"").to_string(), &cksum.to_string());
        rows.push(format!("('{id}', '{version}', '{version}', {release}, '{cksum}', '{line}', 1)"));
        file = file + &line + "\n";
        if let Some(archive) = archive {
            write(&objects.join(crate_file(at, release)), &archive);
        }
    }
    let rows = rows.join(",\n");
    writeln!(
        sql,
        "INSERT INTO versions (crate_id, precedence, version, position, cksum, line, placed) VALUES\n{rows};"
    )
    .expect("write SQL");
    write(&objects.join(index_file(at)), file.as_bytes());
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("create a directory");
    fs::write(path, bytes).expect("write an object");
}

/// The line of a release that its author signed and a registry countersigned.
fn template(author: &Author) -> String {
    let cksum = Digest::of(b"");
    let line = format!(
        "{{\"name\":\"{NAME}\",\"vers\":\"{VERSION}\",\"deps\":[{{\"name\":\"serde\",\"req\":\"^1\",\"features\":[],\
         \"optional\":false,\"default_features\":true,\"target\":null,\"kind\":\"normal\",\
         \"registry\":\"https://github.com/rust-lang/crates.io-index\"}}],\"cksum\":\"{cksum}\"}}"
    );
    let mut line = IndexLine::parse(&line).expect("a line");
    let statement = ReleaseStatement {
        name: author.name(NAME),
        version: line.vers.clone(),
        cksum,
        index: author.index.clone(),
        at: clock::now(),
    };
    line.pubtime = Some(clock::now());
    line.attestations = vec![statement.attest(&author.key)];
    let accepted = line.countersignature_of(&statement.name, &statement.index, statement.at).statement();
    line.countersignature = Some(accepted.signed_by(&Author::new("other.example").key).entry());
    line.to_line()
}
