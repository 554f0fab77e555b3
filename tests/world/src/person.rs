//! A person at a terminal in a world: lines typed, and what they print, in order.
//!
//! ```no_run
//! # use namespace_world::{World, Person};
//! let world = World::new(&["hello.example"]);
//! let mut author = Person::new(&world, "author");
//! author.run("cargo new --lib hello").success();
//! author.run("cd hello").success();
//! ```
//!
//! Each line runs in `sh`, with both outputs in one pipe, so that they come out as on a screen. `cd` and `export` hold
//! for the lines after them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::home::Home;
use crate::terminal::{self, Script};

/// What a line printed, and how it ended. The checks hand it on, so that they chain.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Both outputs in order, without colours.
    pub text: String,
    line: String,
}

/// A home, a directory, an environment. Several persons may live in one world.
#[derive(Debug)]
pub struct Person<'w> {
    base: &'w Home,
    home: PathBuf,
    directory: PathBuf,
    variables: BTreeMap<String, String>,
    screen: Screen,
}

/// Where the lines and their output go besides the return value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    /// Nowhere.
    Off,
    /// Standard output.
    Plain,
    /// Standard output, which is a terminal.
    Colored,
}

impl<'w> Person<'w> {
    /// A person with a home and a `CARGO_HOME` of their own, who has our commands. Prints to standard output.
    ///
    /// # Panics
    ///
    /// When our commands are not built or the home cannot be made.
    #[must_use]
    pub fn new(base: &'w Home, person: &str) -> Self {
        // Says so where they are not built; Cargo would only say that there is no such command.
        let _ = (base.nsadd(), base.nspublish(), base.nsvendor(), base.nsregistry());
        let home = base.root().join("people").join(person);
        fs::create_dir_all(&home).expect("create a home");
        let mut variables: BTreeMap<String, String> = base.environment().into_iter().collect();
        // Everybody builds where Cargo builds by default.
        variables.remove("CARGO_TARGET_DIR");
        for (name, place) in [("HOME", ""), ("CARGO_HOME", ".cargo"), ("XDG_CONFIG_HOME", ".config")] {
            variables.insert(name.to_owned(), home.join(place).display().to_string());
        }
        let mut person = Self { base, directory: home.clone(), home, variables, screen: Screen::Plain };
        if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            person.screen = Screen::Colored;
            person.set("CARGO_TERM_COLOR", "always");
        }
        person
    }

    /// A person who has nothing but the stock toolchain: none of our commands, none of their variables.
    ///
    /// # Panics
    ///
    /// As [`Self::new`].
    #[must_use]
    pub fn with_stock_cargo(base: &'w Home, person: &str) -> Self {
        let mut person = Self::new(base, person);
        person.variables.retain(|name, _| !name.starts_with("CARGO_NAMESPACES_"));
        let path = stock_path(&person.home.join(".toolchain"), &person.variables);
        person.set("PATH", &path);
        person
    }

    /// Prints nothing.
    #[must_use]
    pub fn quiet(mut self) -> Self {
        self.screen = Screen::Off;
        self.set("CARGO_TERM_COLOR", "never");
        self
    }

    /// Sets a variable for all later lines.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Unsets the variables whose names begin so.
    pub fn forget(&mut self, beginnings: &[&str]) {
        self.variables.retain(|name, _| !beginnings.iter().any(|beginning| name.starts_with(beginning)));
    }

    /// Types a line at a second terminal and waits until it has printed a line with `last`; it runs on until the first value is
    /// dropped. The second is what it printed, up to that line.
    ///
    /// # Panics
    ///
    /// When it cannot be started, ends before, or takes longer than a minute.
    #[must_use]
    pub fn start(&self, line: &str, last: &str) -> (Background, String) {
        let (mut reader, writer) = std::io::pipe().expect("make a pipe");
        let mut command = self.shell(&format!("exec {line}"));
        command.stdout(writer.try_clone().expect("share the pipe")).stderr(writer);
        let child =
            Background(command.spawn().unwrap_or_else(|error| panic!("cannot start `{line}`: {error}")));
        drop(command);
        let (send, pieces) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                // Whoever has read enough is gone, and the pipe is still emptied.
                let _ = send.send(String::from_utf8_lossy(&buffer[..length]).into_owned());
            }
        });
        let mut text = String::new();
        while !without_escapes(&text).lines().any(|line| line.contains(last)) {
            let piece = pieces.recv_timeout(Duration::from_secs(60));
            text +=
                &piece.unwrap_or_else(|error| panic!("`{line}` does not print {last:?} ({error}):\n{text}"));
        }
        (child, without_escapes(&text))
    }

    /// A variable's value; empty when it is not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Where the next line runs.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Below which everything of theirs lies: that of the world, where there is one.
    #[must_use]
    pub fn base(&self) -> &'w Home {
        self.base
    }

    /// A heading, and what it is about.
    pub fn say(&self, text: &str) {
        if self.screen == Screen::Off {
            return;
        }
        let (bold, end) = if self.screen == Screen::Colored { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        println!();
        for line in text.lines() {
            println!("{bold}# {line}{end}");
        }
    }

    /// Writes a file, relative to the directory, and shows it as `cat` does.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn edit(&mut self, path: &str, text: &str) {
        self.write(path, text);
        self.run(&format!("cat {path}")).success();
    }

    /// Writes a file, relative to the directory, without a word.
    ///
    /// # Panics
    ///
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.directory.join(path);
        fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("create a directory");
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// Types a line and waits for its end.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[track_caller]
    pub fn run(&mut self, line: &str) -> Ran {
        self.print("\n");
        for (number, part) in line.lines().enumerate() {
            self.print(&format!("{} {part}\n", if number == 0 { "$" } else { ">" }));
        }
        let shell = match self.built_in(line) {
            Some(script) => script,
            None => line.to_owned(),
        };
        let mut command = self.shell(&shell);
        let (status, bytes) = self.watch(&mut command, line, self.screen != Screen::Off);
        let mut text = without_escapes(&String::from_utf8_lossy(&bytes));
        if status.success() {
            self.remember(line, &mut text);
        }
        Ran { status, text, line: line.to_owned() }
    }

    /// Types a line at a terminal, and then each answer once the text before it has appeared (`\r` is the return key).
    /// What a terminal shows in the end is its output.
    ///
    /// # Panics
    ///
    /// As [`Self::run`].
    #[track_caller]
    pub fn answer(&mut self, line: &str, answers: &[(&str, &str)]) -> Ran {
        self.print(&format!("\n$ {line}\n"));
        let script = Script::new();
        let mut driver = script.driver(&self.shell(line), answers);
        // On paper, lines that were erased again would only confuse.
        let (status, bytes) = self.watch(&mut driver, line, self.screen == Screen::Colored);
        let text = terminal::shown(&String::from_utf8_lossy(&bytes));
        if self.screen == Screen::Plain {
            self.print(&text);
        }
        Ran { status, text, line: line.to_owned() }
    }

    /// Shows a line that is typed at a second terminal, a moment after `file` has come to be, and starts to wait for that.
    ///
    /// # Panics
    ///
    /// In the thread, when the file does not come or the line fails.
    #[must_use]
    pub fn meanwhile(&self, file: &Path, line: &str) -> JoinHandle<()> {
        self.print(&format!("\n(at a second terminal, once it is asked for)\n$ {line}\n"));
        let (mut command, file, line) = (self.shell(line), file.to_owned(), line.to_owned());
        std::thread::spawn(move || {
            let deadline = Instant::now() + Duration::from_secs(120);
            while !file.exists() {
                assert!(Instant::now() < deadline, "{} does not come to be", file.display());
                std::thread::sleep(Duration::from_millis(50));
            }
            std::thread::sleep(Duration::from_secs(1));
            let status = command.status().expect("start a shell");
            assert!(status.success(), "`{line}` failed: {status}");
        })
    }

    /// The shell that runs a line.
    fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).env_clear().envs(&self.variables).current_dir(&self.directory);
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end, printing what it prints where that is wanted.
    fn watch(&self, command: &mut Command, line: &str, live: bool) -> (ExitStatus, Vec<u8>) {
        let (mut reader, writer) = std::io::pipe().expect("make a pipe");
        command.stdin(Stdio::null()).stdout(writer.try_clone().expect("share the pipe")).stderr(writer);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start `{line}`: {error}"));
        // The command holds the pipe's other end too, and reading would never end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut bytes = Vec::new();
        let mut buffer = [0; 8 * 1024];
        while let Ok(length) = reader.read(&mut buffer) {
            if length == 0 {
                break;
            }
            bytes.extend(&buffer[..length]);
            if live {
                self.print_bytes(&buffer[..length]);
            }
        }
        (child.wait().expect("a child ends"), bytes)
    }

    /// What the shell runs for `cd` and `export`, to tell what they come to.
    fn built_in(&self, line: &str) -> Option<String> {
        match line.split_once(' ')? {
            ("cd", _) => Some(format!("{line} >/dev/null && pwd >\"$TMPDIR\"/built-in")),
            ("export", rest) => {
                let (name, _) = rest.split_once('=')?;
                Some(format!("{line} && printf %s \"${name}\" >\"$TMPDIR\"/built-in"))
            }
            _ => None,
        }
    }

    /// Lets `cd` and `export` hold.
    fn remember(&mut self, line: &str, text: &mut str) {
        let Some((word, rest)) = line.split_once(' ') else { return };
        if !matches!(word, "cd" | "export") || !text.is_empty() {
            return;
        }
        let Ok(value) = fs::read_to_string(Path::new(self.variable("TMPDIR")).join("built-in")) else {
            return;
        };
        match (word, rest.split_once('=')) {
            ("cd", _) => self.directory = PathBuf::from(value.trim_end()),
            ("export", Some((name, _))) => self.set(name, &value),
            _ => {}
        }
    }

    fn print(&self, text: &str) {
        self.print_bytes(text.as_bytes());
    }

    fn print_bytes(&self, bytes: &[u8]) {
        if self.screen != Screen::Off {
            let mut stdout = std::io::stdout().lock();
            // Nobody may be reading any more.
            let _ = stdout.write_all(bytes).and_then(|()| stdout.flush());
        }
    }
}

/// A program that runs on at another terminal, until this is dropped.
#[derive(Debug)]
pub struct Background(std::process::Child);

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ran {
    /// Exit code 0.
    #[track_caller]
    pub fn success(self) -> Self {
        assert!(self.status.success(), "should have succeeded: {self}");
        self
    }

    /// Any other end.
    #[track_caller]
    pub fn failure(self) -> Self {
        assert!(!self.status.success(), "should have failed: {self}");
        self
    }

    /// Exactly this exit code.
    #[track_caller]
    pub fn code(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "wrong exit code: {self}");
        self
    }

    /// The output contains `text`.
    #[track_caller]
    pub fn shows(self, text: &str) -> Self {
        assert!(self.text.contains(text), "the output should have {text:?}: {self}");
        self
    }
}

impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}`: {}\n{}---", self.line, self.status, self.text)
    }
}

/// The text without the escape sequences that colour it.
#[must_use]
pub fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        if next != '\x1b' {
            plain.push(next);
            continue;
        }
        // `ESC [ … letter` is a colour, `ESC ] … BEL` or `ESC ] … ESC \` a link.
        match rest.next() {
            Some('[') => {
                rest.by_ref().find(char::is_ascii_alphabetic);
            }
            Some(']') => {
                while let Some(next) = rest.next() {
                    if next == '\x07' || next == '\x1b' && rest.next_if_eq(&'\\').is_some() {
                        break;
                    }
                }
            }
            _ => {}
        }
    }
    plain
}

/// A search path on which Cargo finds the toolchain and the system, but no command of ours, installed or built.
fn stock_path(directory: &Path, variables: &BTreeMap<String, String>) -> String {
    fs::create_dir_all(directory).expect("create a directory");
    let old = variables.get("PATH").map(String::as_str).unwrap_or_default();
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).env_clear().envs(variables).output();
    let sysroot = String::from_utf8(sysroot.expect("start rustc").stdout).expect("a path is text");
    let bin = Path::new(sysroot.trim()).join("bin");
    for tool in ["cargo", "rustc", "rustdoc"] {
        // Links are left from an earlier life of the same person.
        let _ = std::os::unix::fs::symlink(bin.join(tool), directory.join(tool));
    }
    let ours = |place: &PathBuf| {
        ["cargo-nsadd", "cargo-nspublish", "cargo-nsvendor", "cargo-nsregistry", "cargo"]
            .iter()
            .any(|name| place.join(name).exists())
    };
    let system = std::env::split_paths(old).filter(|place| !ours(place));
    let path = std::env::join_paths(std::iter::once(directory.to_owned()).chain(system));
    path.expect("a path of a search path holds no colon").to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_links_are_taken_out() {
        let text = "\x1b[1m\x1b[92m   Compiling\x1b[0m app \x1b]8;;file:///x\x1b\\target\x1b]8;;\x07 done";
        assert_eq!(without_escapes(text), "   Compiling app target done");
    }
}
