use clap::Parser;

use super::*;
use crate::env::Var;

/// Adds something
#[derive(Parser, Debug)]
#[command(version, after_help = "Examples:\n  cargo nsdemo serde.rs/serde-abc")]
struct Demo {
    /// What to add
    #[arg(required = true)]
    spec: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
}

impl HasCommon for Demo {
    fn common(&self) -> &CommonArgs {
        &self.common
    }
}

fn run(args: &[&str]) -> (ExitCode, Option<Demo>) {
    let mut seen = None;
    let args = args.iter().map(OsString::from).collect();
    let code = run_with("nsdemo", args, |_, demo: Demo| {
        seen = Some(demo);
        Ok(ExitCode::Ok)
    });
    (code, seen)
}

#[test]
fn it_runs_through_cargo_and_by_itself() {
    for args in [
        &["cargo-nsdemo", "nsdemo", "a.example/b", "--offline"][..],
        &["cargo-nsdemo", "--offline", "a.example/b"],
    ] {
        let (code, demo) = run(args);
        let demo = demo.unwrap();
        assert_eq!(code, ExitCode::Ok);
        assert_eq!(demo.spec, ["a.example/b"]);
        assert!(demo.common.is_offline() && !demo.common.is_locked());
    }
}

#[test]
fn a_mistyped_flag_is_a_usage_error() {
    let (code, demo) = run(&["cargo-nsdemo", "x", "--ofline"]);
    assert_eq!(code, ExitCode::Usage);
    assert!(demo.is_none());
}

#[test]
fn the_help_has_examples_and_the_exit_codes() {
    let help = dressed::<Demo>("nsdemo").render_long_help().to_string();
    for part in ["cargo nsdemo", "Examples:", "Exit codes:", "--generate", "cargo --offline nsdemo"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
}

#[test]
fn the_definition_holds_together() {
    dressed::<Demo>("nsdemo").debug_assert();
}

#[test]
fn pages_and_completions_need_no_other_argument() {
    for kind in ["man", "bash", "zsh", "fish", "elvish", "powershell"] {
        let flag = format!("--generate={kind}");
        let args = ["cargo-nsdemo", "nsdemo", &flag].map(OsString::from).to_vec();
        let args = without_subcommand("nsdemo", args);
        assert_eq!(generate::asked_for(&args).as_deref(), Some(kind));
    }
    assert_eq!(generate::asked_for(&["x".into(), "--generate=teapot".into()]), None);
}

#[test]
fn flags_win_over_the_environment() {
    let env = Environment::default().with(Var::CargoTermColor, "always").with(Var::CargoTermQuiet, "true");
    let (_, demo) = run(&["cargo-nsdemo", "x", "-v", "--color=never", "--message-format", "json"]);
    let options = demo.unwrap().common.shell_options(&env);
    assert_eq!(options.verbosity, Verbosity::Verbose);
    assert_eq!(options.color, When::Never);
    assert_eq!(options.format, MessageFormat::Json);
}

#[test]
fn flags_are_passed_on_to_cargo() {
    let (_, demo) = run(&["cargo-nsdemo", "x", "--frozen", "-q", "--config", "net.retry=1"]);
    let shell = Shell::captured(ShellOptions::default());
    assert_eq!(
        demo.unwrap().common.cargo_flags(&shell),
        ["--frozen", "--quiet", "--color=never", "--config", "net.retry=1"]
    );
}
