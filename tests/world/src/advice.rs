//! Doing what a command's messages say: whether advice leads on is seen by following it.
//!
//! A message advises a command (`cargo …` in backquotes or on a line of its own) or a flag (`--…` in backquotes), behind
//! `help:` or `note:`, or behind `Then run again:`. [`Follower::reach`] types a line, and as long as it fails, does what
//! it is told and nothing else, as somebody would who knows nothing.

use std::collections::BTreeSet;

use crate::person::{Person, Ran};

/// Something that a message says to type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// A whole command line.
    Command(String),
    /// More words for the line that was typed.
    Flag(String),
}

/// What a command's output advises, in its order.
#[must_use]
pub fn advice(output: &str) -> Vec<Advice> {
    let mut found = Vec::new();
    let mut is_advice = false;
    for line in output.lines() {
        if let Some(command) = line.strip_prefix("Then run again: ") {
            found.push(Advice::Command(command.to_owned()));
            continue;
        }
        let said = ["help: ", "note: "].iter().find_map(|head| line.strip_prefix(head));
        is_advice =
            said.is_some() || is_advice && !line.starts_with("error: ") && !line.starts_with("warning: ");
        if !is_advice {
            continue;
        }
        let text = said.unwrap_or(line);
        if let Some(command) = text.trim().strip_prefix("cargo ").filter(|_| !text.contains('`')) {
            found.push(Advice::Command(format!("cargo {command}")));
        }
        // Every second piece stands between backquotes.
        for piece in text.split('`').skip(1).step_by(2) {
            if piece.starts_with("cargo ") {
                found.push(Advice::Command(piece.to_owned()));
            } else if piece.starts_with("--") {
                found.push(Advice::Flag(piece.to_owned()));
            }
        }
    }
    found
}

/// What a person does besides typing commands, when a message asks for it: `true` when something was done.
pub type Chore<'c> = &'c mut dyn FnMut(&mut Person<'_>, &Ran) -> bool;

/// Somebody who does what they are told.
pub struct Follower<'p, 'w> {
    person: &'p mut Person<'w>,
    /// What stands in messages in the place of what only the person knows, and what it is here.
    pub fill: Vec<(&'p str, String)>,
    /// Of several pieces of advice, one with one of these words is taken; otherwise the first.
    pub prefer: Vec<&'p str>,
}

/// No flow of ours takes more commands.
const MOST_COMMANDS: usize = 12;

impl<'p, 'w> Follower<'p, 'w> {
    /// A follower at a person's place.
    pub fn new(person: &'p mut Person<'w>) -> Self {
        Self { person, fill: Vec::new(), prefer: Vec::new() }
    }

    /// Types a line until it succeeds, doing in between what its messages say. Gives the last output.
    ///
    /// # Panics
    ///
    /// When a failed command advises nothing, or itself without anything to do, or what was tried before.
    #[track_caller]
    pub fn reach(&mut self, line: &str, chore: Chore<'_>) -> Ran {
        let mut stack = vec![line.to_owned()];
        let mut seen = BTreeSet::new();
        for _ in 0..MOST_COMMANDS {
            let Some(current) = stack.last().cloned() else { break };
            let ran = self.person.run(&current);
            if ran.status.success() {
                stack.pop();
                if stack.is_empty() {
                    return ran;
                }
                continue;
            }
            let done = chore(self.person, &ran);
            assert!(done || seen.insert((current.clone(), ran.text.clone())), "this leads nowhere: {ran}");
            match self.choose(&ran) {
                Some(Advice::Command(next)) if next == current => {
                    assert!(done, "the advice is the command that was just run: {ran}");
                }
                // Another way to the same end takes its place.
                Some(Advice::Command(next)) if head(&next) == head(&current) => {
                    stack.pop();
                    stack.push(next);
                }
                Some(Advice::Command(next)) => stack.push(next),
                Some(Advice::Flag(flag)) => {
                    stack.pop();
                    stack.push(format!("{current} {flag}"));
                }
                // What was asked for was done: the same again.
                None if done => {}
                None => panic!("this advises nothing: {ran}"),
            }
        }
        panic!("`{line}` was not reached; left to do: {stack:?}");
    }

    fn choose(&self, ran: &Ran) -> Option<Advice> {
        let all: Vec<Advice> = advice(&ran.text).into_iter().map(|advice| self.filled(advice)).collect();
        let has = |advice: &Advice, word: &str| match advice {
            Advice::Command(text) | Advice::Flag(text) => text.contains(word),
        };
        let preferred = self.prefer.iter().find_map(|word| all.iter().find(|advice| has(advice, word)));
        preferred.or(all.first()).cloned()
    }

    fn filled(&self, advice: Advice) -> Advice {
        let fill = |text: String| self.fill.iter().fold(text, |text, (what, with)| text.replace(what, with));
        match advice {
            Advice::Command(text) => Advice::Command(fill(text)),
            Advice::Flag(text) => Advice::Flag(fill(text)),
        }
    }
}

/// The command and its subcommands, up to the first argument or flag.
fn head(line: &str) -> Vec<&str> {
    let word = |word: &&str| !word.starts_with('-') && !word.contains(['.', '/']);
    line.split(' ').take_while(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_flags_behind_help_and_notes() {
        let output = "   Asking about `--this`\nerror: no `cargo x`\n\nCaused by:\n  `--no`\nhelp: type `cargo nsadd a/b`, or \
                      add `--yes`:\n    cargo nspublish --site DIR\nor:\n    cargo nsadd\nerror: `cargo z`\nThen run again: cargo y --z\n";
        let command = |text: &str| Advice::Command(text.to_owned());
        assert_eq!(
            advice(output),
            [
                command("cargo nsadd a/b"),
                Advice::Flag("--yes".to_owned()),
                command("cargo nspublish --site DIR"),
                command("cargo nsadd"),
                command("cargo y --z"),
            ]
        );
    }

    #[test]
    fn the_head_of_a_line() {
        assert_eq!(head("cargo nspublish setup b.example --x"), ["cargo", "nspublish", "setup"]);
        assert_eq!(head("cargo nspublish --site d"), ["cargo", "nspublish"]);
        assert_eq!(head("cargo nsadd a.example/b"), ["cargo", "nsadd"]);
    }
}
