//! What the user calls a key, beside the key wherever it is shown to a person.

use std::collections::BTreeMap;

use crate::labels::Labels;
use cargo_namespaces::key::PublicKey;

/// How a public key begins in text.
const PREFIX: &str = "ed25519:";
/// How long it is in text: the prefix, and 32 bytes in base64.
const LENGTH: usize = PREFIX.len() + 44;

/// The labels by the text of their keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    pub(super) fn new(labels: &Labels) -> Self {
        let named = |(key, label): (&PublicKey, &str)| (key.to_string(), label.to_owned());
        Self(labels.iter().map(named).collect())
    }

    /// `text` with the label behind each key that has one, in parentheses. A key that is part of a command stays alone:
    /// between backquotes, behind a flag, or on a line that begins with `cargo`, it is there to be copied.
    pub(super) fn beside(&self, text: &str) -> String {
        if self.0.is_empty() || !text.contains(PREFIX) {
            return text.to_owned();
        }
        text.split_inclusive('\n').map(|line| self.on_line(line)).collect()
    }

    fn on_line(&self, line: &str) -> String {
        if line.trim_start().starts_with("cargo ") {
            return line.to_owned();
        }
        let mut shown = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find(PREFIX) {
            let end = at + LENGTH;
            let Some(key) = rest.get(at..end) else { break };
            shown.push_str(&rest[..end]);
            let before = &shown[..shown.len() - LENGTH];
            let in_command = before.matches('`').count() % 2 == 1
                || before.split_whitespace().next_back().is_some_and(|word| word.starts_with("--"));
            if let (Some(label), false) = (self.0.get(key), in_command) {
                shown.push_str(&format!(" ({label})"));
            }
            rest = &rest[end..];
        }
        shown + rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces::key::SecretKey;

    #[test]
    fn a_label_stands_beside_its_key_and_never_in_a_command() {
        let [known, other] = [0; 2].map(|_| SecretKey::generate().unwrap().public());
        let mut labels = Labels::default();
        labels.set(known, "work laptop").unwrap();
        let names = Names::new(&labels);
        assert_eq!(
            names.beside(&format!("trusting {known}, not {other}: it continues {known}\nthat is all")),
            format!(
                "trusting {known} (work laptop), not {other}: it continues {known} (work laptop)\nthat is all"
            )
        );
        for command in [
            format!("say `cargo nsadd x --trust={known}`"),
            format!("with --trust {known}"),
            format!("  cargo nspublish owner add a.example/b {known}"),
        ] {
            assert_eq!(names.beside(&command), command);
        }
        assert_eq!(names.beside("ed25519:short"), "ed25519:short");
    }
}
