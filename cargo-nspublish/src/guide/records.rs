//! What a domain's owner publishes where, in words: the three places and the exact records, each place complete by itself.

use std::fmt::Write as _;
use std::path::PathBuf;

use cargo_namespaces::discovery;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::{Record, Scope};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;
use serde_json::Value;

use super::place;
use crate::publisher::{Publisher, Served};
use crate::session::Session;

/// A TXT string holds at most this many bytes (RFC 1035, section 3.3); a longer value is written as several.
const TXT_STRING: usize = 255;

/// Prints the three places and what belongs there, the shortest first. Standard output: it is what was asked for.
///
/// # Errors
/// Ctrl-C, or the file of the long one cannot be written.
pub fn print(session: &Session<'_>, publisher: &Publisher) -> Result<(), CliError> {
    let shell = session.shell;
    let namespace = &publisher.namespace;
    let served = Served::by(session, namespace)?;
    let whole = merged(session, publisher.clone(), &served)?;
    shell.heading(format!(
        "1. {}",
        discovery::cargo_publishers_url(namespace, session.settings.namespaces.dev)
    ));
    shell.print("");
    shell.print(publishers(&whole, &served)?);
    let [apex, label] = discovery::txt_names(namespace);
    shell.heading(format!("2. DNS, TXT at {apex} or at {label} (signed with DNSSEC)"));
    shell.print("");
    for record in whole.records() {
        shell.print(zone_line(&apex, &record));
    }
    shell.print("");
    shell.heading(format!(
        "3. {}",
        discovery::well_known_json_url(namespace, session.settings.namespaces.dev)
    ));
    shell.print("");
    let file = upload(session, &whole, &Scope::Namespace(namespace.clone()))?;
    shell.print(format!("the file {}", file.display()));
    shell.print("");
    shell.say(format!(
        "Each record lets one key publish for {}. One of the three places is enough; only the third carries endorsements\n\
         and revocations, so put that one up too if you can. Nothing in them is secret.",
        namespace.display_both()
    ));
    say_unknown(session, namespace, &served);
    Ok(())
}

/// The places of a namespace's own documents, for programs; none where nobody reads them.
///
/// # Errors
/// As [`print()`].
pub fn places(session: &Session<'_>, publisher: &Publisher) -> Result<Vec<Value>, CliError> {
    if !session.shell.is_json() {
        return Ok(Vec::new());
    }
    let served = Served::by(session, &publisher.namespace)?;
    let whole = merged(session, publisher.clone(), &served)?;
    place::as_json(session, &whole, &Scope::Namespace(publisher.namespace.clone()), &served)
}

/// Says that others may be missing in what is shown.
pub fn say_unknown(session: &Session<'_>, namespace: &Namespace, served: &Served) {
    if let Some(why) = &served.unknown {
        session.shell.note(format!(
            "what {} serves now is not known ({why}): if other keys stand there, keep their records beside these",
            namespace.display_both()
        ));
    }
}

/// The author's documents, merged with what the domain serves.
///
/// # Errors
/// The key book cannot be read.
pub fn merged(session: &Session<'_>, publisher: Publisher, served: &Served) -> Result<Publisher, CliError> {
    Ok(match &served.json {
        Some(doc) => publisher.with_served(&session.store.book()?, doc),
        None => publisher,
    })
}

/// The whole text of `cargo-publishers`.
///
/// # Errors
/// It would be too long.
pub fn publishers(publisher: &Publisher, served: &Served) -> Result<String, CliError> {
    publisher
        .cargo_publishers(served.publishers.as_deref().unwrap_or_default())
        .exit_with(ExitCode::InvalidInput)
}

/// Writes `package-namespace.json` into a file that can be put up as it is.
///
/// # Errors
/// The file cannot be written.
pub fn upload(session: &Session<'_>, publisher: &Publisher, scope: &Scope) -> Result<PathBuf, CliError> {
    let directory =
        Publisher::path(&session.settings.cargo_home, &publisher.namespace).with_file_name("upload");
    let file = match scope {
        Scope::Namespace(_) => directory.join("package-namespace.json"),
        Scope::Crate(name) => directory.join(name.krate.as_str()).join("package-namespace.json"),
    };
    fs::write_if_changed(&file, publisher.doc.to_json().as_bytes())?;
    Ok(file)
}

/// Says which records must go, wherever they were put.
pub fn print_removed(session: &Session<'_>, publisher: &Publisher) {
    for token in publisher.removed() {
        session
            .shell
            .note(format!("take the record that begins with {token} out of every place where it stands"));
    }
}

/// The record as a line of a zone file.
pub fn zone_line(name: &str, record: &Record) -> String {
    let text = record.to_string();
    let mut line = format!("{name}. 3600 IN TXT");
    // A record is ASCII: tokens, URLs, and attributes that are kept as they were read.
    for string in text.as_bytes().chunks(TXT_STRING) {
        let string = String::from_utf8_lossy(string).replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(line, " \"{string}\"");
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_record_is_several_strings() {
        let token = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";
        let index = format!("sparse+https://crates.example/{}/", "x".repeat(250));
        let record: Record = format!("{token} index={index}").parse().unwrap();
        let line = zone_line("serde.rs", &record);
        assert!(line.starts_with("serde.rs. 3600 IN TXT \"sha256-kdRC"), "{line}");
        let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
        assert_eq!(strings.concat(), record.to_string());
        assert!(strings.iter().all(|string| string.len() <= 255));
    }
}
