//! What a domain's owner publishes where, in words: the three places and the exact records.

use std::fmt::Write as _;

use cargo_namespaces::discovery;
use cargo_namespaces::token::Record;

use crate::publisher::Publisher;
use crate::session::Session;

/// A TXT string holds at most this many bytes (RFC 1035, section 3.3); a longer value is written as several.
const TXT_STRING: usize = 255;

/// Prints the three places and what belongs there. Standard output: it is what was asked for.
pub fn print(session: &Session<'_>, publisher: &Publisher) {
    let shell = session.shell;
    let namespace = &publisher.namespace;
    let records = publisher.records();
    shell.heading(format!(
        "1. {}",
        discovery::well_known_json_url(namespace, session.settings.namespaces.dev)
    ));
    shell.print("");
    shell.print(publisher.doc.to_json());
    shell.heading(format!(
        "2. {}",
        discovery::cargo_publishers_url(namespace, session.settings.namespaces.dev)
    ));
    shell.print("");
    shell.print(discovery::render_cargo_publishers(&records));
    let [apex, label] = discovery::txt_names(namespace);
    shell.heading(format!("3. DNS, TXT at {apex} or at {label} (signed with DNSSEC)"));
    shell.print("");
    for record in &records {
        shell.print(zone_line(&apex, record));
    }
    shell.print("");
    shell.say(format!(
        "Each record lets one key publish for {}. They may stand in any of the three places; only the first carries\n\
         endorsements and revocations, so put that one up if you can. Nothing in them is secret.",
        namespace.display_both()
    ));
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
