//! The layers of the workspace: what each crate may depend on, and that the pure library is pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace").to_owned()
}

/// The names of all packages that `package` is built from, without those for tests.
fn dependencies(package: &str, more: &[&str]) -> BTreeSet<String> {
    let tree = ["tree", "--locked", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}"];
    let output = Command::new(env!("CARGO"))
        .args(tree)
        .args(["--package", package])
        .args(more)
        .current_dir(root())
        .output()
        .expect("start cargo");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo prints text");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

fn present<'a>(of: &BTreeSet<String>, names: &[&'a str]) -> Vec<&'a str> {
    names.iter().copied().filter(|name| of.contains(*name)).collect()
}

#[test]
fn the_pure_library_depends_on_nothing_that_does_input_or_output() {
    let built_from = dependencies("cargo-namespaces", &[]);
    assert!(built_from.contains("ed25519-dalek"), "the list was not read: {built_from:?}");
    let impure = [
        "cargo-namespaces-cli",
        "cargo-namespaces-net",
        "clap",
        "ctrlc",
        "hickory-resolver",
        "hyper",
        "keyring",
        "mio",
        "reqwest",
        "rustix",
        "rustls",
        "socket2",
        "tempfile",
        "tokio",
        "tracing",
    ];
    assert_eq!(present(&built_from, &impure), Vec::<&str>::new());
}

#[test]
fn dependencies_point_downwards() {
    let net = dependencies("cargo-namespaces-net", &[]);
    assert_eq!(
        present(&net, &["cargo-namespaces-cli", "clap", "dialoguer", "indicatif", "keyring"]),
        Vec::<&str>::new()
    );
    let registry = dependencies("cargo-nsregistry", &[]);
    for below in ["cargo-namespaces", "cargo-namespaces-net", "cargo-namespaces-cli"] {
        assert!(registry.contains(below), "{below}");
    }
    assert_eq!(
        present(&registry, &["cargo_metadata", "dialoguer", "indicatif", "keyring"]),
        Vec::<&str>::new()
    );
    let commands = ["cargo-nsadd", "cargo-nspublish", "cargo-nsvendor", "cargo-nsregistry"];
    for command in commands {
        let others: Vec<&str> = commands.into_iter().filter(|other| *other != command).collect();
        assert_eq!(present(&dependencies(command, &[]), &others), Vec::<&str>::new(), "{command}");
    }
}

/// What a pure module has no use for, and what stands in its place.
const IMPURE: [&str; 13] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "std::time",
    "File::",
    "Instant::now",
    "SystemTime",
    "TcpStream",
    "UdpSocket",
    "ToSocketAddrs",
    "println!",
    "async fn",
];

#[test]
fn the_pure_library_names_no_file_network_clock_or_environment() {
    let mut pending: Vec<PathBuf> = vec![root().join("shared/core/src")];
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut files = 0;
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory).expect("list a directory") {
            let path = entry.expect("read an entry").path();
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let is_test = path
                .components()
                .any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs" | "testing.rs")));
            if is_test || path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).expect("read a source file");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code: Vec<&str> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let code = code.join("\n");
            let names: Vec<&str> = IMPURE.into_iter().filter(|name| code.contains(name)).collect();
            if !names.is_empty() {
                found.insert(path.display().to_string(), names);
            }
        }
    }
    assert!(files > 50, "only {files} files were read");
    assert!(found.is_empty(), "{found:#?}");
}
