//! Shows a domain's owner what to publish: the three locations and the exact records. Each location is complete by itself.

use std::fmt::Write as _;
use std::path::PathBuf;

use cargo_namespaces::discovery;
use cargo_namespaces::name::Namespace;
use cargo_namespaces::token::{Record, Scope};
use cargo_namespaces_cli::shell::{CliError, Context as _, ExitCode};
use cargo_namespaces_net::fs;

use crate::context::Context;
use crate::documents::{NamespaceDocuments, Served};

/// A TXT string holds at most this many bytes (RFC 1035, section 3.3); a longer value is written as several.
const TXT_STRING: usize = 255;

/// Prints the three locations and what belongs there to standard output, the shortest first.
///
/// # Errors
/// Ctrl-C, or the file of the long one cannot be written.
pub fn print(context: &Context<'_>, documents: &NamespaceDocuments) -> Result<(), CliError> {
    let shell = context.shell;
    let namespace = &documents.namespace;
    let served = Served::by(context, namespace)?;
    let whole = merged(context, documents.clone(), &served)?;
    shell.heading(format!(
        "1. {}",
        discovery::cargo_publishers_url(namespace, context.settings.namespaces.dev)
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
        discovery::well_known_json_url(namespace, context.settings.namespaces.dev)
    ));
    shell.print("");
    let file = upload(context, &whole, &Scope::Namespace(namespace.clone()))?;
    shell.print(format!("the file {}", file.display()));
    shell.print("");
    shell.say(format!(
        "Each record lets one key publish for {}. One of the three places is enough; only the third carries endorsements\n\
         and revocations, so put that one up too if you can. Nothing in them is secret.",
        namespace.display_both()
    ));
    say_unknown(context, namespace, &served);
    Ok(())
}

/// Says that the records of others may be missing in what is shown.
pub fn say_unknown(context: &Context<'_>, namespace: &Namespace, served: &Served) {
    if let Some(why) = &served.unknown {
        context.shell.note(format!(
            "failed to read the records of {} ({why}): if other keys are listed there, keep their records",
            namespace.display_both()
        ));
    }
}

/// Merges the author's documents with what the domain serves.
pub fn merged(
    context: &Context<'_>,
    documents: NamespaceDocuments,
    served: &Served,
) -> Result<NamespaceDocuments, CliError> {
    Ok(match &served.json {
        Some(doc) => documents.with_served(&context.store.book()?, doc),
        None => documents,
    })
}

/// Returns the whole text of `cargo-publishers`.
pub fn publishers(documents: &NamespaceDocuments, served: &Served) -> Result<String, CliError> {
    documents
        .cargo_publishers(served.publishers.as_deref().unwrap_or_default())
        .exit_with(ExitCode::InvalidInput)
}

/// Writes `package-namespace.json` into a file that can be put up as it is.
pub fn upload(
    context: &Context<'_>,
    documents: &NamespaceDocuments,
    scope: &Scope,
) -> Result<PathBuf, CliError> {
    let directory =
        NamespaceDocuments::path(&context.settings.cargo_home, &documents.namespace).with_file_name("upload");
    let file = match scope {
        Scope::Namespace(_) => directory.join("package-namespace.json"),
        Scope::Crate(name) => directory.join(name.krate.as_str()).join("package-namespace.json"),
    };
    fs::write_if_changed(&file, documents.doc.to_json().as_bytes())?;
    Ok(file)
}

/// Says which records must be removed.
pub fn print_removed(context: &Context<'_>, documents: &NamespaceDocuments) {
    for token in documents.removed() {
        context
            .shell
            .note(format!("remove the record that begins with {token} from every place that has it"));
    }
}

/// Formats the record as a line of a zone file.
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
