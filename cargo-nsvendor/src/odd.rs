//! Archives that nobody could publish with these commands, but that Cargo unpacks and that do no harm here: they are vendored as
//! `cargo vendor` does it, and said once, when they are unpacked or first looked into.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cargo_namespaces::package::Odd;
use cargo_namespaces_cli::shell::Shell;
use serde::Serialize;

use crate::plan::{Package, Plan, SourceDir};
use crate::run::plural;

/// What is odd, by the path of the package below the vendored directory.
#[derive(Debug, Default)]
pub struct OddArchives(Mutex<BTreeMap<String, Odd>>);

/// An odd archive, for machines.
#[derive(Serialize)]
struct Described<'a> {
    name: &'a str,
    version: String,
    source: String,
    /// The first few things that are odd, as sentences.
    what: &'a [String],
    /// How many they are.
    count: usize,
}

/// Packages that the note names, unless it is to be verbose.
const MOST_NAMED: usize = 5;

impl OddArchives {
    /// Notes what is odd about a package, if anything is.
    pub fn add(&self, source: &SourceDir, package: &Package, odd: Odd) {
        if odd.count > 0 {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.insert(source.path_of(package), odd);
        }
    }

    /// Says it of those that are in the plan, in one note.
    pub fn tell(&self, shell: &Shell, plan: &Plan) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut said = Vec::new();
        for (source, package) in plan.packages() {
            let Some(odd) = all.get(&source.path_of(package)) else { continue };
            let Package { name, version, .. } = package;
            let described = Described {
                name,
                version: version.to_string(),
                source: source.source.url(),
                what: &odd.first,
                count: odd.count,
            };
            shell.json("odd-archive", &described);
            let more = if odd.count > 1 { format!(" (and {} more)", odd.count - 1) } else { String::new() };
            let first = odd.first.first().map_or("", String::as_str);
            said.push(format!("`{name}` {version}: {first}{more}"));
        }
        if said.is_empty() {
            return;
        }
        let count = said.len();
        if count > MOST_NAMED && !shell.is_verbose() {
            said.truncate(MOST_NAMED);
            said.push(format!("and {} more; `-v` names them all", count - MOST_NAMED));
        }
        shell.note(format!(
            "{count} {} may not work on other systems, or with other programs; vendored as `cargo vendor` does it\n{}",
            plural(count, "package"),
            said.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
        ));
    }
}
