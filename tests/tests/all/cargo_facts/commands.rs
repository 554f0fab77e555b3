//! How Cargo runs a command of somebody else.

use std::os::unix::fs::PermissionsExt;

use namespace_world::{World, run};

/// A world whose `cargo-nsadd` is a script that says how it was called.
fn with_stand_in() -> World {
    let world = World::new(&[]);
    let program = world.cargo_home().join("bin/cargo-nsadd");
    std::fs::create_dir_all(program.parent().expect("a file is in a directory")).expect("create a directory");
    let script = "#!/bin/sh\necho \"arguments: $*\"\necho \"offline: ${CARGO_NET_OFFLINE-unset}\"\necho \"greeting: ${GREETING-unset}\"\n\
                  echo \"cargo: ${CARGO-unset}\"\n";
    std::fs::write(&program, script).expect("write the stand-in");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("make it executable");
    world
}

#[test]
fn flags_before_the_command_are_dropped_silently() {
    let world = with_stand_in();
    for flags in [
        &["--offline"][..],
        &["-q"],
        &["-v"],
        &["--locked"],
        &["--color", "always"],
        &["--config", "net.offline=true"],
    ] {
        let output = run(world.cargo().args(flags).args(["nsadd", "serde.rs/serde-abc"])).success();
        let output = output.stdout_has("arguments: nsadd serde.rs/serde-abc\n").stdout_has("offline: unset");
        assert!(output.stderr.is_empty(), "{output}");
    }
}

#[test]
fn flags_behind_the_command_arrive() {
    let world = with_stand_in();
    run(world.cargo().args(["nsadd", "--offline", "x"]))
        .success()
        .stdout_has("arguments: nsadd --offline x\n");
}

#[test]
fn help_for_a_command_runs_it_with_its_name_and_help() {
    let world = with_stand_in();
    run(world.cargo().args(["help", "nsadd"])).success().stdout_has("arguments: nsadd --help\n");
}

#[test]
fn the_env_table_is_not_exported_to_a_command_but_the_path_of_cargo_is() {
    let world = with_stand_in();
    let project = world
        .project("app")
        .library("app", "0.1.0", "")
        .file(".cargo/config.toml", "[env]\nGREETING = \"hello\"\n");
    run(world.cargo().arg("nsadd").current_dir(project.path()))
        .success()
        .stdout_has("greeting: unset")
        .stdout_has("cargo: /");
}
