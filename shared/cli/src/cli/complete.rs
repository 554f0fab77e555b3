//! `--complete -- WORD…`: what may stand in the place of the last word, from the same definition as the help. A line each:
//! the word, a tab, what it is. `:files` and `:directories` leave it to the shell. The completion scripts call it.

use std::ffi::OsString;
use std::io::Write as _;

use clap::{Arg, ArgAction, Command};

use super::known::{Known, Word};
use crate::env::Environment;
use crate::shell::ExitCode;
use cargo_namespaces::escape::escape_line;

/// What may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Offer {
    Files,
    Directories,
    Words(Vec<Word>),
}

/// The words to complete, when that is what is asked.
pub(super) fn asked_for(args: &[OsString]) -> Option<Vec<String>> {
    let [_, flag, dashes, words @ ..] = args else { return None };
    let asked = flag == "--complete" && dashes == "--";
    asked.then(|| words.iter().map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Prints what may stand in the place of the last word.
pub(super) fn print(mut command: Command, words: &[String], env: &Environment) -> ExitCode {
    command.build();
    let lines = match offer(&command, words, &|| Known::here(env)) {
        Offer::Files => ":files\n".to_owned(),
        Offer::Directories => ":directories\n".to_owned(),
        Offer::Words(words) => words
            .iter()
            // What a project's files say is not to move the cursor.
            .map(|word| format!("{}\t{}\n", escape_line(&word.text), escape_line(&word.help)))
            .collect(),
    };
    match std::io::stdout().write_all(lines.as_bytes()) {
        Ok(()) => ExitCode::Ok,
        Err(_) => ExitCode::Failure,
    }
}

fn offer(root: &Command, words: &[String], known: &dyn Fn() -> Known) -> Offer {
    let Some((current, before)) = words.split_last() else { return Offer::Words(Vec::new()) };
    let place = Cursor::after(root, before);
    let offer = match (place.value_of, current.split_once('=')) {
        (Some(arg), _) => values(arg, known),
        (None, Some((flag, _))) if !place.only_positionals && flag.starts_with("--") => {
            match long(place.command, flag).map(|arg| values(arg, known)) {
                Some(Offer::Words(words)) => {
                    let with_flag = |word: Word| Word::new(format!("{flag}={}", word.text), word.help);
                    Offer::Words(words.into_iter().map(with_flag).collect())
                }
                Some(files) => files,
                None => Offer::Words(Vec::new()),
            }
        }
        (None, _) if !place.only_positionals && current.starts_with('-') => {
            Offer::Words(flags(place.command))
        }
        (None, _) => place.next(known),
    };
    match offer {
        Offer::Words(mut words) => {
            words.retain(|word| word.text.starts_with(current.as_str()));
            Offer::Words(words)
        }
        files => files,
    }
}

/// Where the last word stands.
struct Cursor<'c> {
    command: &'c Command,
    /// It is the value of this flag.
    value_of: Option<&'c Arg>,
    /// How many positional arguments stand before it.
    positionals: usize,
    /// `--` stands before it.
    only_positionals: bool,
}

impl<'c> Cursor<'c> {
    fn after(root: &'c Command, before: &[String]) -> Self {
        let mut place = Self { command: root, value_of: None, positionals: 0, only_positionals: false };
        for word in before {
            place.pass(word);
        }
        place
    }

    fn pass(&mut self, word: &str) {
        if self.value_of.take().is_some() {
            return;
        }
        if self.only_positionals {
            self.positionals += 1;
        } else if word == "--" {
            self.only_positionals = true;
        } else if word.starts_with("--") {
            self.value_of = long(self.command, word).filter(|arg| needs_value(arg));
        } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
            // `-p` takes the next word, `-pname` has its value already.
            let mut letters = letters.chars();
            let first = letters.next().and_then(|letter| short(self.command, letter));
            self.value_of = first.filter(|arg| needs_value(arg) && letters.next().is_none());
        } else if let Some(sub) = self.command.find_subcommand(word).filter(|_| self.positionals == 0) {
            self.command = sub;
        } else {
            self.positionals += 1;
        }
    }

    /// A subcommand, or the next positional argument.
    fn next(&self, known: &dyn Fn() -> Known) -> Offer {
        let mut words = Vec::new();
        if self.positionals == 0 && !self.only_positionals {
            let subs = self.command.get_subcommands().filter(|sub| !sub.is_hide_set());
            words.extend(subs.map(|sub| Word::new(sub.get_name(), text(sub.get_about()))));
        }
        let positionals: Vec<&Arg> = self.command.get_positionals().collect();
        let next = positionals
            .get(self.positionals)
            .or(positionals.last().filter(|last| matches!(last.get_action(), ArgAction::Append)));
        match next.map(|arg| values(arg, known)) {
            Some(Offer::Words(more)) => words.extend(more),
            Some(files) if words.is_empty() => return files,
            _ => {}
        }
        Offer::Words(words)
    }
}

fn long<'c>(command: &'c Command, flag: &str) -> Option<&'c Arg> {
    let name = flag.strip_prefix("--")?;
    command.get_arguments().find(|arg| arg.get_long() == Some(name))
}

fn short(command: &Command, letter: char) -> Option<&Arg> {
    command.get_arguments().find(|arg| arg.get_short() == Some(letter))
}

/// `--rename` takes a name or none: what follows it may be something else.
fn needs_value(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_none_or(|count| count.min_values() > 0)
}

fn flags(command: &Command) -> Vec<Word> {
    let shown = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    shown
        .flat_map(|arg| {
            let long = arg.get_long().map(|name| format!("--{name}"));
            let short = arg.get_short().map(|letter| format!("-{letter}"));
            long.into_iter().chain(short).map(|flag| Word::new(flag, text(arg.get_help())))
        })
        .collect()
}

/// What a value may be, by its possible values or by what the help calls it.
fn values(arg: &Arg, known: &dyn Fn() -> Known) -> Offer {
    let possible = arg.get_possible_values();
    if !possible.is_empty() {
        let shown = possible.iter().filter(|value| !value.is_hide_set());
        return Offer::Words(
            shown.map(|value| Word::new(value.get_name(), text(value.get_help()))).collect(),
        );
    }
    let name = arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str());
    if name.contains("DIR") {
        Offer::Directories
    } else if name.contains("FILE") || name.contains("PATH") {
        Offer::Files
    } else if name.contains("CRATE") && !name.starts_with("[CRATE=]") {
        Offer::Words(known().crates)
    } else if name.contains("NAMESPACE") {
        Offer::Words(known().namespaces)
    } else {
        Offer::Words(Vec::new())
    }
}

fn text(help: Option<&clap::builder::StyledStr>) -> String {
    help.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        let arg = |name: &'static str, value: &'static str| Arg::new(name).long(name).value_name(value);
        let mut command = Command::new("cargo-x")
            .arg(Arg::new("crates").value_name("NAMESPACE/CRATE[@REQ]").action(ArgAction::Append))
            .arg(Arg::new("rename").long("rename").num_args(0..=1))
            .arg(arg("register", "NAMESPACE"))
            .arg(arg("site", "DIR"))
            .arg(arg("file", "FILE").short('f'))
            .arg(arg("format", "FMT").value_parser(["human", "json"]))
            .arg(Arg::new("quiet").long("quiet").short('q').action(ArgAction::SetTrue).help("Say less"))
            .arg(arg("secret", "X").hide(true))
            .subcommand(
                Command::new("key")
                    .about("Keys")
                    .subcommand(Command::new("list").arg(arg("namespace", "NAMESPACE"))),
            );
        command.build();
        command
    }

    fn offered(words: &[&str]) -> Offer {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let known = || Known {
            namespaces: vec![Word::new("serde.rs", "")],
            crates: vec![Word::new("serde.rs/", "namespace"), Word::new("serde.rs/serde-abc", "v1.0.0")],
        };
        offer(&command(), &words, &known)
    }

    fn texts(words: &[&str]) -> Vec<String> {
        match offered(words) {
            Offer::Words(words) => words.into_iter().map(|word| word.text).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_stands_where() {
        assert_eq!(texts(&[""]), ["key", "help", "serde.rs/", "serde.rs/serde-abc"]);
        assert_eq!(texts(&["serde.rs/s"]), ["serde.rs/serde-abc"]);
        assert_eq!(texts(&["a/b", "serde.rs/s"]), ["serde.rs/serde-abc"]);
        assert_eq!(texts(&["--rename", "serde.rs/s"]), ["serde.rs/serde-abc"]);
        assert_eq!(texts(&["--register", ""]), ["serde.rs"]);
        assert_eq!(texts(&["--register=s"]), ["--register=serde.rs"]);
        assert_eq!(texts(&["--format", "j"]), ["json"]);
        assert_eq!(texts(&["--format=j"]), ["--format=json"]);
        assert_eq!(texts(&["key", ""]), ["list", "help"]);
        assert_eq!(texts(&["key", "list", "--namespace", ""]), ["serde.rs"]);
        assert_eq!(texts(&["--q"]), ["--quiet"]);
        assert_eq!(texts(&["-"]).iter().filter(|flag| flag.as_str() == "-q").count(), 1);
        assert!(texts(&["--"]).iter().all(|flag| flag != "--secret"));
        assert_eq!(texts(&["--", "-"]), Vec::<String>::new());
        assert_eq!(texts(&["--unknown=x"]), Vec::<String>::new());
        for words in [&["--site", ""][..], &["--site=x"]] {
            assert_eq!(offered(words), Offer::Directories);
        }
        for words in [&["--file", ""][..], &["-f", "x"]] {
            assert_eq!(offered(words), Offer::Files);
        }
        assert_eq!(texts(&["-fx", "serde.rs/s"]), ["serde.rs/serde-abc"]);
        assert_eq!(offered(&[]), Offer::Words(Vec::new()));
    }

    #[test]
    fn a_description_is_its_first_line() {
        let Offer::Words(words) = offered(&["--qui"]) else { panic!() };
        assert_eq!(words, [Word::new("--quiet", "Say less")]);
    }
}
