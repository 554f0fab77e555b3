//! `cargo xtask demo`: the main job, end to end, on this machine alone.
//!
//! It needs nothing but Rust: a development registry (`cargo nsregistry serve --dev`) is started, and the very commands that it
//! shows are typed into a shell, which publish a crate, add it to a program and run that; then the program takes the crate in.
//! All of it happens below `target/demo`, with a `CARGO_HOME` of its own.
//!
//! `--ripgrep` shows the same with a large program in the world of the tests, with real DNS and TLS, whose Debian packages it
//! installs.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::step::{Profile, Steps, build_with, built, cargo, root, shown, without};
use crate::{Failure, tools};

/// How variables begin by which whoever runs the demo may have set up these commands for work of their own.
const OWN_SETTINGS: [&str; 2] = ["CARGO_NSREGISTRY_", "CARGO_NAMESPACES_"];
/// What is typed after the commands that the registry shows: the program builds without it then.
const AFTERWARDS: [&str; 3] =
    ["cargo nsvendor --write-config", "cargo nsvendor --check", "cargo run --offline"];

/// Builds the commands and shows the small demo, or with `--ripgrep` the large one.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    match arguments {
        [] => small(),
        [flag] if flag == "--ripgrep" => large(flag),
        [unexpected, ..] => {
            Err(format!("unexpected argument `{unexpected}`; `cargo xtask help` lists the flags"))
        }
    }
}

fn large(flag: &str) -> Result<(), Failure> {
    let mut steps = Steps::default();
    tools::debian_packages(&mut steps)?;
    build_with(&mut steps, Profile::Debug, "demo")?;
    steps.run("demo", built(Profile::Debug, "demo")?.arg(flag))?;
    steps.summary();
    Ok(())
}

fn small() -> Result<(), Failure> {
    let begin = Instant::now();
    let mut steps = Steps::default();
    steps.run("build", &mut build_only(&["cargo-nsadd", "cargo-nspublish", "cargo-nsregistry"]))?;
    let directory = empty_directory()?;
    let (registry, lines) = serve(&directory)?;
    steps.run("publish, add, build", &mut typed(&directory, "publish", &lines)?)?;
    let took = begin.elapsed().as_secs();
    // Not before it is needed.
    steps.run("build cargo-nsvendor", &mut build_only(&["cargo-nsvendor"]))?;
    let app = format!("cd {}", quoted(&directory.join("nsregistry-dev/app").display().to_string()));
    let afterwards: Vec<String> =
        variables(&lines).chain([app]).chain(AFTERWARDS.map(str::to_owned)).collect();
    steps.run("vendor", &mut typed(&directory, "vendor", &afterwards)?)?;
    drop(registry);
    steps.summary();
    eprintln!("the program ran {took} s after the start; everything is in {}", directory.display());
    Ok(())
}

/// Builds these packages and nothing else, for being run once: without debug information, and nothing kept for building again.
fn build_only(packages: &[&str]) -> Command {
    let mut build = cargo();
    build.args(["build", "--locked"]).args(packages.iter().flat_map(|package| ["--package", package]));
    build.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    build
}

/// `target/demo`, without what an earlier run left.
fn empty_directory() -> Result<PathBuf, Failure> {
    let directory = root().join("target/demo");
    let failed = |error| format!("cannot make {}: {error}", directory.display());
    if directory.exists() {
        std::fs::remove_dir_all(&directory).map_err(failed)?;
    }
    std::fs::create_dir_all(&directory).map_err(failed)?;
    Ok(directory)
}

/// The registry; it ends with this.
struct Registry(Child);

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the registry at a free port; the commands that it shows.
fn serve(directory: &Path) -> Result<(Registry, Vec<String>), Failure> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let address = free.map_err(|error| format!("no port is free: {error}"))?;
    let mut command = serving(built(Profile::Debug, "cargo-nsregistry")?, directory);
    command.args(["serve", "--dev", "--listen", &address.to_string()]);
    eprintln!("\n==> registry: {}", shown(&command));
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| format!("cannot start {}: {error}", shown(&command)))?;
    let output = child.stdout.take();
    let registry = Registry(child);
    let lines = BufReader::new(output.ok_or("the registry has no output")?).lines();
    // An empty line ends the commands.
    let commands = lines.map_while(Result::ok).take_while(|line| !line.is_empty());
    let commands: Vec<String> = commands.inspect(|line| println!("{line}")).collect();
    if commands.is_empty() { Err("the registry did not start".to_owned()) } else { Ok((registry, commands)) }
}

/// A registry's command, without the settings of one that is operated from here.
fn serving(mut command: Command, directory: &Path) -> Command {
    command.current_dir(directory);
    without(&mut command, &OWN_SETTINGS);
    // Its lines about single requests would stand among what the commands say.
    command.env("CARGO_NSREGISTRY_LOG_LEVEL", "warn");
    command
}

/// Those that set variables.
fn variables(lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().filter(|line| line.starts_with('$') || line.starts_with("export ")).cloned()
}

/// A shell that shows each line, then runs it, and ends at the first that fails. The lines are in a file of that name.
fn typed(directory: &Path, name: &str, lines: &[String]) -> Result<Command, Failure> {
    let mut script = String::new();
    for line in lines {
        let shown = quoted(&format!("{} {line}", if cfg!(windows) { ">" } else { "$" }));
        let _ = if cfg!(windows) {
            writeln!(script, "Write-Output '' {shown}\n{line}\nif ($LASTEXITCODE) {{ exit $LASTEXITCODE }}")
        } else {
            writeln!(script, "printf '\\n%s\\n' {shown}\n{line}")
        };
    }
    let file = directory.join(format!("{name}.{}", if cfg!(windows) { "ps1" } else { "sh" }));
    std::fs::write(&file, script).map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let mut shell = Command::new(if cfg!(windows) { "powershell" } else { "sh" });
    let flags: &[&str] =
        if cfg!(windows) { &["-NoProfile", "-ExecutionPolicy", "Bypass", "-File"] } else { &["-e"] };
    shell.args(flags).arg(file).current_dir(directory).env("CARGO_HOME", directory.join("cargo-home"));
    without(&mut shell, &OWN_SETTINGS);
    // Whoever builds elsewhere, builds the tasks there, and not what is shown.
    shell.env_remove("CARGO_TARGET_DIR");
    Ok(shell)
}

/// A text for either shell.
fn quoted(text: &str) -> String {
    let quote = if cfg!(windows) { "''" } else { r"'\''" };
    format!("'{}'", text.replace('\'', quote))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// What somebody may have set who works with these commands, or builds elsewhere.
    const SET: [(&str, &str); 4] = [
        ("CARGO_NAMESPACES_INSTANCE", "https://crates.example"),
        ("CARGO_NAMESPACES_KEY", "a secret"),
        ("CARGO_NSREGISTRY_DATA", "/srv/registry"),
        ("CARGO_TARGET_DIR", "/elsewhere"),
    ];
    /// Set in the process that this test starts.
    const INNER: &str = "XTASK_DEMO_INNER";

    fn names(mut command: Command) -> Vec<String> {
        let output = command.output().expect("start it");
        let text = String::from_utf8(output.stdout).expect("names are text");
        text.lines().filter_map(|line| Some(line.split_once('=')?.0.to_owned())).collect()
    }

    #[test]
    fn what_is_set_for_other_work_reaches_neither_the_registry_nor_the_commands() {
        if std::env::var_os(INNER).is_none() {
            let test =
                "demo::tests::what_is_set_for_other_work_reaches_neither_the_registry_nor_the_commands";
            let mut again = Command::new(std::env::current_exe().unwrap());
            let output = again.args(["--exact", test]).envs(SET).env(INNER, "1").output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("1 passed"), "{said}");
            return;
        }
        let directory = std::env::temp_dir().join(format!("xtask-demo-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let commands = names(typed(&directory, "names", &["env".to_owned()]).unwrap());
        let registry = names(serving(Command::new("env"), &directory));
        std::fs::remove_dir_all(&directory).unwrap();
        let is_set = |names: &[String], name: &str| names.iter().any(|found| found == name);
        assert!(is_set(&commands, "CARGO_HOME") && is_set(&commands, INNER));
        assert!(is_set(&registry, "CARGO_NSREGISTRY_LOG_LEVEL") && is_set(&registry, INNER));
        for (name, _) in SET {
            assert!(!is_set(&commands, name), "{name}");
            assert!(!is_set(&registry, name) || name == "CARGO_TARGET_DIR", "{name}");
        }
    }
}
