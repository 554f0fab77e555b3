use super::*;

fn options() -> ShellOptions {
    ShellOptions::default()
}

#[test]
fn lines_look_like_cargos() {
    let shell = Shell::captured(options());
    shell.status("Adding", "serde.rs/serde-abc v1.0.3");
    shell.warn("an old answer");
    shell.hint("try again");
    assert_eq!(
        shell.captured_text(),
        "      Adding serde.rs/serde-abc v1.0.3\nwarning: an old answer\nhelp: try again\n"
    );
}

#[test]
fn colours_are_cargos() {
    let shell = Shell::captured(ShellOptions { color: When::Always, ..options() });
    shell.status("Adding", "x");
    shell.error("no");
    let text = shell.captured_text();
    assert!(text.contains("      Adding\u{1b}[0m x"), "{text:?}");
    assert!(text.starts_with("\u{1b}[1m\u{1b}[92m"), "{text:?}");
    assert!(text.contains("\u{1b}[1m\u{1b}[91merror\u{1b}[0m\u{1b}[1m:\u{1b}[0m no"));
}

#[test]
fn quiet_says_errors_only() {
    let shell = Shell::captured(ShellOptions { verbosity: Verbosity::Quiet, ..options() });
    shell.status("Adding", "x");
    shell.warn("w");
    shell.say("s");
    shell.error("e");
    assert_eq!(shell.captured_text(), "error: e\n");
}

#[test]
fn an_error_is_reported_with_its_causes_and_what_to_do() {
    let shell = Shell::captured(options());
    let error = CliError::new(ExitCode::Unreachable, "failed to read the index of `serde.rs`")
        .because("failed to connect to `serde.rs`")
        .because("connection refused\n(os error 111)")
        .hint("try again later");
    shell.report(&error);
    assert_eq!(
        shell.captured_text(),
        "error: failed to read the index of `serde.rs`\n\nCaused by:\n  failed to connect to `serde.rs`\n\n\
         Caused by:\n  connection refused\n  (os error 111)\n\nhelp: try again later\n"
    );
}

#[test]
fn json_lines_carry_a_reason_and_the_error() {
    let shell = Shell::captured(ShellOptions { format: MessageFormat::Json, ..options() });
    shell.print("not among JSON lines");
    shell.json("added", &serde_json::json!({"name": "serde-abc"}));
    shell.report(&CliError::new(ExitCode::Refused, "no"));
    assert_eq!(
        shell.captured_text(),
        "{\"reason\":\"added\",\"name\":\"serde-abc\"}\nerror: no\n\
         {\"reason\":\"error\",\"message\":\"no\",\"causes\":[],\"hint\":null,\"exit_code\":4}\n"
    );
}

#[test]
fn what_was_reported_already_is_not_said_again() {
    let shell = Shell::captured(options());
    shell.report(&CliError::already_reported(ExitCode::Cargo(101)));
    shell.report(&CliError::from(cargo_namespaces_net::interrupt::Interrupted).within("a step"));
    assert_eq!(shell.captured_text(), "");
}

#[test]
fn shown_text_is_escaped() {
    let shell = Shell::captured(options());
    shell.status("Adding", "a\u{1b}[2Jb");
    assert_eq!(shell.captured_text(), "      Adding a\\u{1b}[2Jb\n");
}

#[test]
fn nobody_is_asked_where_nobody_can_answer() {
    let shell = Shell::captured(options());
    assert!(!shell.can_prompt());
    assert_eq!(shell.confirm("sure?", true), Ok(None));
    let yes = Shell::captured(ShellOptions { assume_yes: true, ..options() });
    assert_eq!(yes.confirm("sure?", false), Ok(Some(true)));
    assert_eq!(yes.select("which?", &["a", "b"], 0), Ok(None));
}

#[test]
fn the_environment_sets_the_defaults() {
    let env = Environment::default()
        .with(Var::CargoTermColor, "always")
        .with(Var::CargoTermQuiet, "true")
        .with(Var::CargoTermProgressWhen, "never")
        .with(Var::Ci, "1")
        .with(Var::Term, "dumb");
    let options = ShellOptions::from_environment(&env);
    assert_eq!(options.color, When::Always);
    assert_eq!(options.verbosity, Verbosity::Quiet);
    assert_eq!(options.progress, When::Never);
    assert!(options.ci && options.dumb && !options.no_color);
}

#[test]
fn the_configuration_stands_below_the_environment() {
    let term = TermSettings { color: Some(When::Never), quiet: Some(true), ..TermSettings::default() };
    let empty = Environment::default();
    let options = ShellOptions::from_environment(&empty).over(&term, &empty);
    assert_eq!((options.color, options.verbosity), (When::Never, Verbosity::Quiet));
    let env = empty.with(Var::CargoTermColor, "always").with(Var::CargoTermVerbose, "true");
    let options = ShellOptions::from_environment(&env).over(&term, &env);
    assert_eq!((options.color, options.verbosity), (When::Always, Verbosity::Verbose));
}
