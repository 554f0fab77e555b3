//! What the command prints about a run: what was verified, which keys are trusted now, what changed; or why not.
//!
//! With `--message-format json` each of these is a line on standard output too:
//!
//! | `reason` | fields |
//! |---|---|
//! | `change` | `path`, `line`, `before`, `after`, `why` |
//! | `release` | `name`, `version`, `index`, `checksum`, `entering`, `key`, `how` |
//! | `trusted` | `namespace`, `index`, `key`, `scope` |
//! | `note` | `code`, `warning`, `text` |
//! | `problem` | `code`, `subject`, `message`, `next` |
//! | `file` | `path`, `what`: created, updated |
//! | `finished` | `dry_run` |

use std::collections::BTreeSet;

use cargo_namespaces::key::PublicKey;
use cargo_namespaces::manifest::Change;
use cargo_namespaces::name::{Namespace, QualifiedName};
use cargo_namespaces::trust::{Entering, Note};
use cargo_namespaces_cli::cli::command_line;
use cargo_namespaces_cli::shell::{CliError, Shell};
use cargo_namespaces_cli::verify::{Refused, Report, Verified};
use serde_json::json;

/// Reports why a release is not verified or not trusted: prints all problems but the last, and returns the last as the
/// error.
pub fn refused(shell: &Shell, refused: &Refused) -> CliError {
    notes(shell, &refused.notes);
    let exit = refused.exit();
    let resume = command_line("nsadd");
    let mut errors: Vec<CliError> = Vec::new();
    for problem in &refused.problems {
        let fields = json!({
            "code": problem.code(),
            "subject": problem.subject,
            "message": problem.to_string(),
            "next": problem.next(&resume),
        });
        shell.json("problem", &fields);
        let mut error = CliError::new(exit, problem.to_string());
        if let Some(meaning) = problem.meaning() {
            error = error.because(meaning);
        }
        errors.push(error.hint(problem.next(&resume)));
    }
    let last = errors.pop().unwrap_or_else(|| CliError::new(exit, refused.to_string()));
    errors.iter().for_each(|error| shell.report(error));
    last
}

/// Asks about each key that a person has to accept, if nothing else is wrong: its domain lists it. Returns the accepted keys;
/// `None` if something else is wrong, nobody can be asked, or the answer is no.
///
/// # Errors
/// Ctrl-C, or the terminal fails.
pub fn ask_about_keys(shell: &Shell, refused: &Refused) -> Result<Option<Vec<PublicKey>>, CliError> {
    let all: Option<Vec<_>> = refused
        .problems
        .iter()
        .map(|problem| problem.listed_key().map(|(key, places)| (problem, *key, places)))
        .collect();
    let Some(all) = all.filter(|_| shell.can_prompt()) else { return Ok(None) };
    let mut keys: Vec<PublicKey> = Vec::new();
    for (problem, key, places) in all {
        if keys.contains(&key) {
            continue;
        }
        shell.warn(format!("{problem}\n{}", problem.meaning().unwrap_or_default()));
        let domain = problem.namespace().map(Namespace::display_both).unwrap_or_default();
        let question = format!("{domain} lists this key at {}; trust it?", places.join(" and "));
        if shell.confirm(&question, false)? != Some(true) {
            return Ok(None);
        }
        keys.push(key);
    }
    Ok(Some(keys))
}

/// Reports what was verified. `named` are the crates that the user asked for; the others are their dependencies.
pub fn accepted(shell: &Shell, report: &Report, named: &BTreeSet<QualifiedName>) {
    let mut locked = 0_usize;
    for release in &report.releases {
        json_release(shell, release);
        if release.entering == Entering::Locked {
            locked += 1;
            continue;
        }
        let with = if named.contains(&release.name) { "" } else { " (dependency)" };
        shell.status("Verified", format!("{} v{}{with}", release.name.display_both(), release.version));
    }
    if locked > 0 {
        let releases = if locked == 1 { "1 release".to_owned() } else { format!("{locked} releases") };
        shell.verbose("Verified", format!("{releases} that were locked before"));
    }
    trusted(shell, report);
    let mut said: Vec<&str> = Vec::new();
    let all = report.releases.iter().flat_map(|release| &release.notes).filter(|note| note.trusted.is_none());
    for note in all.chain(&report.notes) {
        if !said.contains(&note.text.as_str()) {
            said.push(&note.text);
            one_note(shell, note);
        }
    }
}

/// Reports the keys that are newly trusted, each once with the places that list it.
fn trusted(shell: &Shell, report: &Report) {
    let mut said: Vec<(PublicKey, &str)> = Vec::new();
    for note in report.releases.iter().flat_map(|release| &release.notes) {
        let Some(key) = note.trusted else { continue };
        if said.contains(&(key, &note.text)) {
            continue;
        }
        said.push((key, &note.text));
        json_note(shell, note);
        let text = note.text.strip_prefix("trusting ").unwrap_or(&note.text);
        if note.warning {
            shell.status_warn("Trusting", text);
        } else {
            shell.status("Trusting", text);
        }
    }
    for pin in &report.new_pins {
        let fields = json!({
            "namespace": pin.namespace,
            "index": pin.index,
            "key": pin.key.to_string(),
            "scope": pin.scope.to_string(),
        });
        shell.json("trusted", &fields);
        // A recovery key signs no release, so no note is about it.
        if !said.iter().any(|(key, _)| *key == pin.key) {
            shell.status("Trusting", format!("{} for {}, the recovery key", pin.key, pin.scope));
        }
    }
    for (namespace, key) in &report.revoked {
        shell.warn(format!("{key} of {} is revoked, and no longer trusted", namespace.display_both()));
    }
}

pub fn notes(shell: &Shell, notes: &[Note]) {
    notes.iter().for_each(|note| one_note(shell, note));
}

fn one_note(shell: &Shell, note: &Note) {
    json_note(shell, note);
    if note.warning {
        shell.warn(&note.text);
    } else {
        shell.note(&note.text);
    }
}

fn json_note(shell: &Shell, note: &Note) {
    shell.json("note", &json!({ "code": note.code, "warning": note.warning, "text": note.text }));
}

fn json_release(shell: &Shell, release: &Verified) {
    let entering = match release.entering {
        Entering::NewCrate => "new-crate",
        Entering::NewRelease => "new-release",
        Entering::Locked => "locked",
    };
    let fields = json!({
        "name": release.name,
        "version": release.version.to_string(),
        "index": release.index,
        "checksum": release.digest.to_string(),
        "entering": entering,
        "key": release.key.to_string(),
        "how": release.how.code(),
    });
    shell.json("release", &fields);
}

/// Reports the changes of a file line by line: `path:line: before → after`.
pub fn changes(shell: &Shell, path: &str, changes: &[Change]) {
    let mut previous = None;
    for change in changes {
        let fields = json!({
            "path": path,
            "line": change.line,
            "before": change.before,
            "after": change.after,
            "why": change.why,
        });
        shell.json("change", &fields);
        let added_at = change.before.is_empty().then_some(change.line);
        let text = change_text(path, change);
        // Several additions at one line are shown as one.
        match text.split_once('\n') {
            Some((_, lines)) if added_at.is_some() && added_at == previous => shell.say(lines),
            _ => shell.say(text),
        }
        previous = added_at;
    }
}

fn change_text(path: &str, change: &Change) -> String {
    let place = format!("{path}:{}:", change.line);
    let (before, after) = (change.before.trim(), change.after.trim());
    if !before.contains('\n') && !after.contains('\n') && !before.is_empty() && !after.is_empty() {
        return format!("{place} {before} → {after}");
    }
    let marked = |mark: char, text: &str| -> String {
        text.lines().map(|line| format!("\n  {mark} {line}")).collect()
    };
    format!("{place}{}{}", marked('-', change.before.trim_end()), marked('+', change.after.trim_end()))
}

/// Reports a file that was written, or would be.
pub fn file(shell: &Shell, path: &str, existed: bool, dry_run: bool) {
    let what = if existed { "updated" } else { "created" };
    shell.json("file", &json!({ "path": path, "what": what }));
    match (dry_run, existed) {
        (false, true) => shell.status("Updated", path),
        (false, false) => shell.status("Created", path),
        (true, true) => shell.status("Would update", path),
        (true, false) => shell.status("Would create", path),
    }
}

/// Reports the end of a run that succeeded.
pub fn finished(shell: &Shell, dry_run: bool) {
    shell.json("finished", &json!({ "dry_run": dry_run }));
    if dry_run {
        shell.warn("nothing was changed: this was a dry run");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, after: &str) -> String {
        let change =
            Change { line: 7, before: before.to_owned(), after: after.to_owned(), why: String::new() };
        change_text("a/Cargo.toml", &change)
    }

    #[test]
    fn one_line_for_one_line_and_a_diff_for_more() {
        assert_eq!(change("  x = 1", "x = 2"), "a/Cargo.toml:7: x = 1 → x = 2");
        assert_eq!(change("", "[t]\nx = 1\n"), "a/Cargo.toml:7:\n  + [t]\n  + x = 1");
        assert_eq!(change("x = 1", ""), "a/Cargo.toml:7:\n  - x = 1");
    }
}
