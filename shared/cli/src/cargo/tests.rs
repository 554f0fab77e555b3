//! The real cargo, and how it is started.

use super::*;
use crate::shell::{CliError, ExitCode};
use cargo_namespaces_net::fs::write_atomic;

fn project() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let manifest = b"[package]\nname = \"demo\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
    write_atomic(&root.path().join("Cargo.toml"), manifest).unwrap();
    write_atomic(&root.path().join("src/lib.rs"), b"").unwrap();
    root
}

#[test]
fn secrets_are_not_inherited() {
    let command = Cargo::new("/").command(["build"]);
    let removed: Vec<_> =
        command.get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
    let mut secrets = Var::SECRETS.map(Var::name);
    secrets.sort_unstable();
    assert_eq!(removed, secrets);
    assert!(
        secrets.contains(&"CARGO_NAMESPACES_KEY") && secrets.contains(&"CARGO_NAMESPACES_NEW_KEY_PASSPHRASE")
    );
}

#[test]
fn http_is_closed_only_where_nothing_asks_for_it() {
    use crate::env::Environment;
    let home = tempfile::tempdir().unwrap();
    let env = Environment::default().with(Var::CargoHome, home.path().join("home").into_os_string());
    let settings = |env: &Environment, flags: &[&str]| {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Settings::load(home.path(), env, &flags).unwrap()
    };
    let given = |settings: &Settings, texts: &[&str]| {
        let command = Cargo::new("/").https_only(settings, texts.iter().copied()).command(["fetch"]);
        let of = |name: &str| {
            let (_, value) = command.get_envs().find(|(key, _)| *key == name)?;
            Some(value.map(|value| value.to_string_lossy().into_owned()))
        };
        (of("http_proxy"), of("https_proxy"), of("CARGO_HTTP_PROXY"))
    };
    let closed = Some(Some(NO_HTTP.to_owned()));
    assert_eq!(
        given(&settings(&env, &[]), &["source = \"sparse+https://a.example/\""]),
        (closed.clone(), None, Some(None))
    );
    let proxied = env.clone().with(Var::CargoHttpProxy, "http://proxy.example:8080");
    let proxy = Some(Some("http://proxy.example:8080".to_owned()));
    assert_eq!(given(&settings(&proxied, &[]), &[]), (closed, proxy, Some(None)));
    let open = (None, None, None);
    assert_eq!(given(&settings(&env, &["http.proxy='http://proxy.example'"]), &[]), open);
    assert_eq!(given(&settings(&env, &["registries.x.index='sparse+http://x.example/'"]), &[]), open);
    assert_eq!(given(&settings(&env, &["source.x.registry='http://x.example/'"]), &[]), open);
    assert_eq!(given(&settings(&env, &[]), &["source = \"git+http://x.example/r?rev=1#2\""]), open);
    assert_eq!(given(&settings(&env, &["registries.x.index='https://x.example/index'"]), &[]), open);
    assert_eq!(given(&settings(&env, &["patch.crates-io.x.git='https://x.example/r'"]), &[]), open);
    for text in [
        "x = { git = \"http://x.example/r\" }",
        "x={git='https://x.example/r'}",
        "x.git = \"https://x.example/r\"",
        "x = { \"git\"= \"https://x.example/r\" }",
        "source = \"registry+https://x.example/index\"",
        "source = \"sparse+http://x.example/\"",
    ] {
        assert_eq!(given(&settings(&env, &[]), &[text]), open, "{text}");
    }
    let usual = "source = \"registry+https://github.com/rust-lang/crates.io-index\"\nrepository = \"https://x.example/git\"";
    assert_ne!(given(&settings(&env, &[]), &[usual]), open);
}

#[test]
fn versions_are_read_and_old_ones_warned_about() {
    let version = parse_version("cargo 1.95.0 (f2d3ce0bd 2026-03-21)\n").unwrap();
    assert_eq!(version, Version::new(1, 95, 0));
    assert!(unsafe_unpacking(&version).unwrap().contains("CVE-2026-5223"));
    let nightly = parse_version("cargo 1.97.0-nightly (0123456 2026-05-01)").unwrap();
    assert_eq!(unsafe_unpacking(&nightly), None);
    assert_eq!(unsafe_unpacking(&Version::new(1, 96, 0)), None);
    assert!(parse_version("rustc 1.95.0").is_none());
}

#[test]
fn the_real_cargo_answers() {
    let root = project();
    let cargo = Cargo::new(root.path());
    assert!(cargo.version().unwrap() >= Version::new(1, 90, 0));
    let manifest = cargo.locate_manifest(None, true).unwrap();
    assert_eq!(manifest.file_name(), Some(OsStr::new("Cargo.toml")));
    let metadata = cargo.metadata(Some(&manifest), ["--no-deps", "--offline"]).unwrap();
    assert_eq!(metadata.packages[0].name.as_str(), "demo");
}

#[test]
fn its_lines_arrive_one_by_one() {
    let mut lines = Vec::new();
    let cargo = Cargo::new(std::env::temp_dir());
    let error = cargo.run_lines(["no-such-command"], &mut |line| lines.push(line.to_owned()));
    assert!(lines.len() > 1 && lines[0].contains("no such command"), "{lines:?}");
    cargo.run_lines(["--version"], &mut |line| panic!("{line}")).unwrap();
    assert!(CliError::from(error.unwrap_err()).is_silent());
}

#[test]
fn a_failure_carries_what_cargo_said() {
    let empty = tempfile::tempdir().unwrap();
    let cargo = Cargo::new(empty.path());
    let error = CliError::from(cargo.capture(["tree"]).unwrap_err());
    assert_eq!(error.exit(), ExitCode::Cargo(101));
    assert!(error.causes()[0].contains("could not find `Cargo.toml`"), "{error}");
    let error = CliError::from(cargo.locate_manifest(None, false).unwrap_err());
    assert_eq!(error.exit(), ExitCode::InvalidInput);
    assert!(error.message().starts_with("could not find `Cargo.toml`"), "{error}");
}

#[test]
fn a_missing_cargo_is_said_with_the_way_out() {
    let cargo = Cargo { program: "no-such-cargo".into(), ..Cargo::new(".") };
    let error = CliError::from(cargo.version().unwrap_err());
    assert_eq!(error.message(), "failed to run `no-such-cargo`");
    assert!(error.hint_text().unwrap().contains("CARGO"));
}
