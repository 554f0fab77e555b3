//! What is said of downloads, as Cargo says it: `Downloading crates ...`, a bar, and in the end how much came in what time.

use std::time::Instant;

use crate::shell::{Progress, Shell};

/// Downloads under way.
pub(super) struct Told<'s> {
    shell: Option<&'s Shell>,
    progress: Option<Progress<'s>>,
    began: Instant,
    crates: u64,
    bytes: u64,
}

impl<'s> Told<'s> {
    /// Says that `count` downloads begin.
    pub(super) fn begin(shell: Option<&'s Shell>, count: usize) -> Self {
        let shell = shell.filter(|_| count > 0);
        if let Some(shell) = shell {
            shell.status("Downloading", "crates ...");
        }
        let progress = shell.map(|shell| shell.progress("Downloading", count as u64));
        Self { shell, progress, began: Instant::now(), crates: 0, bytes: 0 }
    }

    /// One ended; `bytes` of it came, if it did.
    pub(super) fn ended(&mut self, name: &str, bytes: Option<u64>) {
        if let Some(bytes) = bytes {
            self.crates += 1;
            self.bytes += bytes;
            if let Some(shell) = self.shell {
                shell.verbose("Downloaded", name);
            }
        }
        if let Some(progress) = &self.progress {
            progress.step();
        }
    }

    /// Says how much came.
    pub(super) fn end(mut self) {
        drop(self.progress.take());
        if let Some(shell) = self.shell.filter(|_| self.crates > 0) {
            let crates = if self.crates == 1 { "crate" } else { "crates" };
            let (size, seconds) = (human(self.bytes), self.began.elapsed().as_secs_f64());
            shell.status("Downloaded", format!("{} {crates} ({size}) in {seconds:.2}s", self.crates));
        }
    }
}

/// A number of bytes as Cargo shows it: `1.2MiB`.
fn human(bytes: u64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["KiB", "MiB", "GiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, larger);
    }
    if unit == "B" { format!("{value}{unit}") } else { format!("{value:.1}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::ShellOptions;

    #[test]
    fn sizes_are_shown_as_cargo_shows_them() {
        let shown = [0, 1023, 1024, 1536, 5 * 1024 * 1024].map(human);
        assert_eq!(shown, ["0B", "1023B", "1.0KiB", "1.5KiB", "5.0MiB"]);
    }

    #[test]
    fn what_came_is_counted_and_what_did_not_is_not() {
        let shell = Shell::captured(ShellOptions::default());
        let mut told = Told::begin(Some(&shell), 3);
        told.ended("a", Some(1000));
        told.ended("b", None);
        told.ended("c", Some(548));
        told.end();
        let said = shell.captured_text();
        assert!(said.starts_with(" Downloading crates ...\n  Downloaded 2 crates (1.5KiB) in 0."), "{said}");
        Told::begin(Some(&shell), 0).end();
        assert_eq!(shell.captured_text(), said);
    }
}
