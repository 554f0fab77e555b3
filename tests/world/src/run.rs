//! Running a command to its end and saying what it should have done.
//!
//! Every check that fails prints the whole command, its exit code and both of its outputs.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No command of a test runs longer. Less than nextest allows a test, so that what was printed until then is shown.
const TIMEOUT: Duration = Duration::from_secs(540);

/// What a command printed, and how it ended. The checks hand it on, so that they chain.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    command: String,
}

/// Runs to the end with empty standard input, and captures.
///
/// # Panics
///
/// When the program cannot be started or does not end in time.
#[track_caller]
pub fn run(command: &mut Command) -> Output {
    run_with_input(command, "")
}

/// As [`run`], with text on standard input.
///
/// # Panics
///
/// As [`run`].
#[track_caller]
pub fn run_with_input(command: &mut Command, input: &str) -> Output {
    let shown = show(command);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let input = input.to_owned();
    std::thread::spawn(move || {
        // A command need not read what it is given.
        let _ = stdin.write_all(input.as_bytes());
    });
    let stdout = collect(child.stdout.take().expect("standard output is a pipe"));
    let stderr = collect(child.stderr.take().expect("standard error is a pipe"));
    let status = wait(&mut child);
    let text = |thread: std::thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&thread.join().expect("the reader does not panic")).into_owned()
    };
    let killed = status.is_none();
    let status = status.unwrap_or_else(|| {
        let _ = child.kill();
        child.wait().expect("a killed child ends")
    });
    let output = Output { status, stdout: text(stdout), stderr: text(stderr), command: shown };
    assert!(!killed, "did not end within {TIMEOUT:?}: {output}");
    output
}

fn collect(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + TIMEOUT;
    let mut pause = Duration::from_millis(1);
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("ask for a child's state") {
            return Some(status);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
    None
}

fn show(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy().into_owned()));
    match command.get_current_dir() {
        Some(directory) => format!("`{}` in {}", words.join(" "), directory.display()),
        None => format!("`{}`", words.join(" ")),
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}\n{}\n--- stdout\n{}--- stderr\n{}---",
            self.command, self.status, self.stdout, self.stderr
        )
    }
}

impl Output {
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

    /// Standard output contains `text`.
    #[track_caller]
    pub fn stdout_has(self, text: &str) -> Self {
        assert!(self.stdout.contains(text), "standard output should have {text:?}: {self}");
        self
    }

    /// Standard output does not contain `text`.
    #[track_caller]
    pub fn stdout_lacks(self, text: &str) -> Self {
        assert!(!self.stdout.contains(text), "standard output should not have {text:?}: {self}");
        self
    }

    /// Standard error contains `text`.
    #[track_caller]
    pub fn stderr_has(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "standard error should have {text:?}: {self}");
        self
    }

    /// Standard error does not contain `text`.
    #[track_caller]
    pub fn stderr_lacks(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "standard error should not have {text:?}: {self}");
        self
    }
}
