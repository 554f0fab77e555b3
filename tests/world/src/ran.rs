//! What a line that a person typed has printed.

use std::process::ExitStatus;

/// What a line printed, and how it ended. The checks hand it on, so that they chain.
#[derive(Clone, Debug)]
pub struct Ran {
    /// How it ended.
    pub status: ExitStatus,
    /// Both outputs in order, without colours.
    pub text: String,
    pub(crate) line: String,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_links_are_taken_out() {
        let text = "\x1b[1m\x1b[92m   Compiling\x1b[0m app \x1b]8;;file:///x\x1b\\target\x1b]8;;\x07 done";
        assert_eq!(without_escapes(text), "   Compiling app target done");
    }
}
