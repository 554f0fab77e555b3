//! A command at a terminal: a pseudo-terminal, questions waited for, answers typed.

use std::process::Command;

use crate::run::{Output, run};

/// Starts what follows the number of answers in a terminal of its own, and for each answer waits until its question
/// has appeared. Prints everything as it appears; ends with the command's exit code. It is 80 columns wide, unless
/// `TERMINAL_COLUMNS` says otherwise. A command that leaves it without cursor, or without showing what is typed, ends with 98.
const DRIVER: &str = r#"
import fcntl, os, pty, select, struct, sys, termios, time
count = int(sys.argv[1])
steps = [(sys.argv[2 + 2 * n], sys.argv[3 + 2 * n]) for n in range(count)]
command = sys.argv[2 + 2 * count:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
size = struct.pack("HHHH", 24, int(os.environ.get("TERMINAL_COLUMNS", "80")), 0, 0)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
seen, start, deadline = b"", 0, time.monotonic() + 60
while True:
    if time.monotonic() > deadline:
        os.kill(pid, 9)
        os.write(1, ("\nthe terminal waited in vain: " + repr(steps[:1]) + "\n").encode())
        sys.exit(99)
    while steps and steps[0][0].encode() in seen[start:]:
        start += seen[start:].index(steps[0][0].encode()) + len(steps[0][0].encode())
        time.sleep(0.1)
        os.write(terminal, steps.pop(0)[1].encode())
    if select.select([terminal], [], [], 0.2)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:
            data = b""
        if not data:
            break
        seen += data
        os.write(1, data)
status = os.waitpid(pid, 0)[1]
shows_what_is_typed = termios.tcgetattr(terminal)[3] & termios.ECHO
shows_the_cursor = seen.rfind(b"\x1b[?25l") <= seen.rfind(b"\x1b[?25h")
for state, is_good in [("echo", shows_what_is_typed), ("cursor", shows_the_cursor)]:
    if not is_good:
        os.write(1, ("\nthe terminal is left without its " + state + "\n").encode())
        sys.exit(98)
sys.exit(os.waitstatus_to_exitcode(status) % 256)
"#;

/// Runs a command at a terminal. Each pair is a text to wait for and what is typed then (`\r` is the return key,
/// `\x03` Ctrl-C). Everything that appeared is the output's `stdout`.
///
/// # Panics
///
/// As [`run`].
#[track_caller]
pub fn at_terminal(command: &Command, answers: &[(&str, &str)]) -> Output {
    let script = Script::new();
    let mut output = run(&mut script.driver(command, answers));
    output.stdout = output.stdout.replace("\r\n", "\n");
    output
}

/// The driver as a file; removed when dropped.
pub(crate) struct Script(tempfile::NamedTempFile);

impl Script {
    pub(crate) fn new() -> Self {
        let script = tempfile::Builder::new().prefix("terminal-").suffix(".py").tempfile();
        let script = script.expect("create a script");
        std::fs::write(script.path(), DRIVER).expect("write a script");
        Self(script)
    }

    /// What runs `command` in a terminal of its own, with its environment and directory.
    pub(crate) fn driver(&self, command: &Command, answers: &[(&str, &str)]) -> Command {
        let mut driver = Command::new(crate::programs::find("python3"));
        driver.arg(self.0.path()).arg(answers.len().to_string());
        driver.args(answers.iter().flat_map(|(question, answer)| [question, answer]));
        driver.arg(command.get_program()).args(command.get_args());
        driver.env_clear().env("TERM", "xterm");
        driver.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = command.get_current_dir() {
            driver.current_dir(directory);
        }
        driver
    }
}

/// What a terminal shows in the end of what was written to it: lines that were moved to and erased again are gone, and
/// so are the colours.
///
/// # Panics
///
/// Never, for what our commands write.
#[must_use]
pub fn shown(written: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    let mut row = 0;
    let mut rest = written.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(String::new());
                }
            }
            '\r' => {}
            '\x1b' if rest.next_if_eq(&'[').is_some() => {
                let mut argument = String::new();
                let letter = loop {
                    match rest.next() {
                        Some(c) if c.is_ascii_alphabetic() => break c,
                        Some(c) => argument.push(c),
                        None => break ' ',
                    }
                };
                let count = argument.parse().unwrap_or(1);
                match letter {
                    'A' => row = row.saturating_sub(count),
                    'B' => row = (row + count).min(lines.len() - 1),
                    'K' => lines[row].clear(),
                    _ => {}
                }
            }
            c => lines[row].push(c),
        }
    }
    lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_erased_is_not_shown() {
        assert_eq!(shown("a\r\nb\r\n\x1b[1A\x1b[2Kc\r\n\x1b[1;32md\x1b[0m"), "a\nc\nd\n");
    }
}
