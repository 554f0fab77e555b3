//! A command at a terminal: a pseudo-terminal, questions waited for, answers typed.

use std::process::Command;

use crate::run::{Output, run};

/// Starts what follows the number of answers in a terminal of its own, and for each answer waits until its question
/// has appeared. Prints everything that appeared; ends with the command's exit code.
const DRIVER: &str = r#"
import os, pty, select, sys, time
count = int(sys.argv[1])
steps = [(sys.argv[2 + 2 * n], sys.argv[3 + 2 * n]) for n in range(count)]
command = sys.argv[2 + 2 * count:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
seen, start, deadline = b"", 0, time.monotonic() + 60
while True:
    if time.monotonic() > deadline:
        os.kill(pid, 9)
        sys.stdout.write("the terminal waited in vain: " + repr(steps[:1]) + "\n" + seen.decode(errors="replace"))
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
sys.stdout.write(seen.decode(errors="replace").replace("\r\n", "\n"))
sys.stdout.flush()
status = os.waitpid(pid, 0)[1]
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
    let script =
        tempfile::Builder::new().prefix("terminal-").suffix(".py").tempfile().expect("create a script");
    std::fs::write(script.path(), DRIVER).expect("write a script");
    let mut driver = Command::new(crate::programs::find("python3"));
    driver.arg(script.path()).arg(answers.len().to_string());
    driver.args(answers.iter().flat_map(|(question, answer)| [question, answer]));
    driver.arg(command.get_program()).args(command.get_args());
    driver.env_clear().env("TERM", "xterm");
    driver.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        driver.current_dir(directory);
    }
    run(&mut driver)
}
