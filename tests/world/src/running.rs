//! A command that is watched while it runs: what it says is waited for, and signals are sent to it.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Nothing that is waited for takes longer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A running command, the leader of a process group of its own as a shell would start it.
#[derive(Debug)]
pub struct Running {
    child: Child,
    said: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Running {
    /// Starts it with empty standard input; its standard output is not kept.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    #[must_use]
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("start a command");
        let mut pipe = child.stderr.take().expect("standard error is a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = pipe.read(&mut buffer) {
                if length == 0 {
                    return;
                }
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            }
        });
        Self { child, said, reader: Some(reader) }
    }

    /// What it has said on standard error so far.
    #[must_use]
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it has said `text` on standard error.
    ///
    /// # Panics
    ///
    /// When it ends before, or takes too long.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(|said| said.contains(text), text);
    }

    /// Waits until `is_so`, which is given what it said.
    ///
    /// # Panics
    ///
    /// When it ends before, or takes too long.
    #[track_caller]
    pub fn wait_until(&mut self, is_so: impl Fn(&str) -> bool, what: &str) {
        let deadline = Instant::now() + TIMEOUT;
        while !is_so(&self.said()) {
            let ended = self.child.try_wait().expect("ask for a child's state");
            assert!(
                (ended.is_none() || is_so(&self.said())) && Instant::now() < deadline,
                "waited in vain for {what:?} ({ended:?}):\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal (`INT`) to its whole process group, as a terminal does.
    ///
    /// # Panics
    ///
    /// When that is not possible.
    pub fn signal(&self, name: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args(["-s", name, "--", &group]).status();
        assert!(sent.expect("run kill").success(), "no such process group");
    }

    /// Waits for its end; gives what it said on standard error.
    ///
    /// # Panics
    ///
    /// When it takes too long.
    #[track_caller]
    pub fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("ask for a child's state") {
                let _ = self.reader.take().map(JoinHandle::join);
                return (status, self.said());
            }
            assert!(Instant::now() < deadline, "did not end:\n{}", self.said());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
