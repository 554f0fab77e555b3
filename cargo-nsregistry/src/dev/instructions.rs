//! What `serve --dev` shows: the commands that publish, add and build, ready to be pasted into another terminal; and the two
//! packages that they work on.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use cargo_namespaces::discovery::DevRegistry;
use cargo_namespaces_cli::env::{Environment, Var};
use cargo_namespaces_net::fs::{self, FsError};

/// The key that the commands sign with, in the registry's directory: no keyring is needed, and no key of the user's is used.
pub const KEY_FILE: &str = "publisher.pem";

const LIBRARY: &str = r#"[package]
name = "hello.localhost/hello"
version = "1.0.0"
edition = "2024"
license = "MIT"
description = "Greets"

[dependencies]

[workspace]
"#;
const LIBRARY_SOURCE: &str = r#"/// A greeting.
pub fn greeting(name: &str) -> String {
    format!("Hello, {name}, from a crate of hello.localhost!")
}
"#;
const PROGRAM: &str = r#"[package]
name = "app"
version = "0.1.0"
edition = "2024"

[dependencies]

[workspace]
"#;
const PROGRAM_SOURCE: &str = r#"fn main() {
    println!("{}", hello::greeting("world"));
}
"#;
/// The commands that the instructions begin with need these beside Cargo.
const COMMANDS: [&str; 2] = ["cargo-nsadd", "cargo-nspublish"];

/// Writes the packages `hello`, in namespace notation, and `app`, which uses it. What is there already stays.
///
/// # Errors
/// A file cannot be written.
pub fn write_packages(data: &Path) -> Result<(), FsError> {
    for (path, text) in [
        ("hello/Cargo.toml", LIBRARY),
        ("hello/src/lib.rs", LIBRARY_SOURCE),
        ("app/Cargo.toml", PROGRAM),
        ("app/src/main.rs", PROGRAM_SOURCE),
    ] {
        let path = data.join(path);
        if !path.exists() {
            fs::write_atomic(&path, text.as_bytes())?;
        }
    }
    Ok(())
}

/// Where a program is searched for.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    /// The directories of the search path.
    pub path: Vec<PathBuf>,
    /// The directory of this program.
    pub own: Option<PathBuf>,
}

impl Programs {
    /// Those of this process.
    pub fn of_process() -> Self {
        let path = Var::Path.get_os().map(|path| std::env::split_paths(&path).collect());
        let own = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        Self { path: path.unwrap_or_default(), own }
    }

    fn are_in(directory: &Path) -> bool {
        let is_there =
            |name: &&str| directory.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)).is_file();
        COMMANDS.iter().all(is_there)
    }

    /// The directory that must be added to the search path, for Cargo to find its subcommands.
    fn to_add(&self) -> Option<&Path> {
        let found = self.path.iter().any(|directory| Self::are_in(directory));
        self.own.as_deref().filter(|own| !found && Self::are_in(own))
    }
}

/// The commands, for a shell of this system, a line each; an empty line ends them, for programs that read them.
pub fn commands(dev: DevRegistry, data: &Path, env: &Environment, programs: &Programs) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    if let Some(directory) = programs.to_add() {
        line(prepend_path(directory));
    }
    line(assign(Var::NamespacesDev, &dev.url()));
    line(assign(Var::NamespacesKeyFile, &data.join(KEY_FILE).display().to_string()));
    if let Some(except) = env.no_proxy_for_localhost() {
        line(assign(Var::NoProxyLower, &except));
    }
    line(format!("cd {}", quoted(&data.join("hello").display().to_string())));
    line("cargo nsadd".to_owned());
    line("cargo nspublish".to_owned());
    line("cd ../app".to_owned());
    line("cargo nsadd hello.localhost/hello".to_owned());
    line("cargo run".to_owned());
    line(String::new());
    text
}

#[cfg(not(windows))]
fn assign(var: Var, value: &str) -> String {
    format!("export {}={}", var.name(), quoted(value))
}

#[cfg(not(windows))]
fn prepend_path(directory: &Path) -> String {
    format!("export PATH={}:\"$PATH\"", quoted(&directory.display().to_string()))
}

#[cfg(not(windows))]
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// For PowerShell.
#[cfg(windows)]
fn assign(var: Var, value: &str) -> String {
    format!("$env:{} = {}", var.name(), quoted(value))
}

#[cfg(windows)]
fn prepend_path(directory: &Path) -> String {
    format!("$env:PATH = {} + ';' + $env:PATH", quoted(&directory.display().to_string()))
}

#[cfg(windows)]
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn shown(data: &str, env: &Environment) -> String {
        let dev = DevRegistry::at(7979).unwrap();
        commands(dev, Path::new(data), env, &Programs::default())
    }

    #[test]
    fn paths_and_proxies_are_written_for_the_shell() {
        let text = shown("/tmp/my registry's", &Environment::default());
        assert!(text.contains(r"CARGO_NAMESPACES_KEY_FILE='/tmp/my registry'\''s/publisher.pem'"), "{text}");
        assert!(text.contains(r"cd '/tmp/my registry'\''s/hello'"), "{text}");
        assert!(text.contains("export CARGO_NAMESPACES_DEV=http://localhost:7979\n"), "{text}");
        assert!(!text.contains("no_proxy"), "{text}");
        let env = Environment::default().with(Var::HttpProxyLower, "http://proxy.example:3128");
        assert!(shown("/d", &env).contains("export no_proxy=localhost,.localhost\n"));
        let env = env.with(Var::NoProxy, "corp.example");
        assert!(shown("/d", &env).contains("export no_proxy=corp.example,localhost,.localhost\n"));
    }

    #[test]
    fn commands_that_are_not_found_are_made_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let own = directory.path().to_owned();
        for name in COMMANDS {
            fs::write_atomic(&own.join(name), b"").unwrap();
        }
        let programs = |path| Programs { path, own: Some(own.clone()) };
        assert_eq!(programs(Vec::new()).to_add(), Some(own.as_path()));
        assert_eq!(programs(vec![own.clone()]).to_add(), None);
        assert_eq!(Programs { own: Some("/nowhere".into()), ..Programs::default() }.to_add(), None);
    }

    #[test]
    fn the_packages_are_written_once() {
        let directory = tempfile::tempdir().unwrap();
        write_packages(directory.path()).unwrap();
        let manifest = directory.path().join("hello/Cargo.toml");
        assert!(std::fs::read_to_string(&manifest).unwrap().contains("hello.localhost/hello"));
        fs::write_atomic(&manifest, b"changed").unwrap();
        write_packages(directory.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&manifest).unwrap(), "changed");
    }
}
