//! Without the network, and with a lock file that must not change.

use std::fs;

use namespace_world::{Home, World, at_terminal};

use super::{Small, nsvendor};

/// A program that needs two crates of crates.io; locked, downloaded by nobody.
fn of_crates_io(world: &Home) -> namespace_world::Project {
    let dependencies = "itoa = \"=1.0.15\"\nmemchr = \"=2.7.4\"\n";
    let project = world.project("app").binary("app", dependencies, "fn main() {}\n");
    namespace_world::run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    project
}

#[test]
fn offline_every_missing_archive_is_named_with_the_way_out() {
    let world = World::new(&[]);
    let project = of_crates_io(&world);
    let before = project.snapshot();
    world.forget_contacts();
    let flags: [&[&str]; 3] = [&["--offline"], &["--frozen"], &["--config", "net.offline=true"]];
    for flags in flags {
        nsvendor(&world, &project, flags)
            .code(5)
            .stderr_has("error: the .crates of 2 packages are not cached")
            .stderr_has("`itoa` 1.0.15 of crates.io")
            .stderr_has("`memchr` 2.7.4 of crates.io")
            .stderr_has("help: run the command once without `--offline`");
    }
    world.set_env("CARGO_NET_OFFLINE", "true");
    nsvendor(&world, &project, &[]).code(5).stderr_has("not cached");
    assert_eq!(world.contacted(), Vec::<String>::new());
    project.assert_unchanged(&before);
}

#[test]
fn what_is_locked_and_cached_is_vendored_frozen() {
    let world = World::new(&[]);
    let project = of_crates_io(&world);
    namespace_world::run(world.cargo().arg("fetch").current_dir(project.path())).success();
    world.forget_contacts();
    nsvendor(&world, &project, &["--frozen"])
        .success()
        .stderr_has("Vendored 2 packages")
        .stderr_lacks("Download");
    assert_eq!(world.contacted(), Vec::<String>::new());
}

#[test]
fn a_lock_file_that_would_change_or_is_missing_is_left_with_locked_and_frozen() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("later", "2.0.0").publish();
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("later", "2")));
    for flag in ["--locked", "--frozen"] {
        small.refused(&[flag]).code(101).stderr_has(flag);
    }
    fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove it");
    for flag in ["--locked", "--frozen"] {
        small.refused(&[flag]).code(101).stderr_has(flag);
    }
    // Without these flags it is written.
    small.nsvendor(&[]).success().stderr_has("Vendored 3 packages");
    assert!(small.project.has("Cargo.lock"));
}

#[test]
fn a_bar_is_drawn_on_a_terminal_only_and_where_it_is_wanted() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("big", "1.0.0").file("noise", super::noise(60_000)).publish();
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("big", "1")));
    small.lock();
    world.trouble("a.example", namespace_world::Trouble::Slow);
    let lose = || {
        for lost in ["projects/app/vendor", "cargo/registry/cache", "cargo/namespaces"] {
            let _ = fs::remove_dir_all(world.root().join(lost));
        }
    };
    let shown = |arguments: &[&str], variables: &[(&str, &str)]| {
        lose();
        let mut command = world.nsvendor();
        command.args(arguments).current_dir(small.project.path()).envs(variables.iter().copied());
        at_terminal(&command, &[]).success().stdout
    };
    let drawn = shown(&[], &[]);
    assert!(drawn.contains(" Downloading [") && drawn.contains("] 2/3"), "{drawn}");
    let left = namespace_world::terminal::shown(&drawn);
    assert!(!left.contains("Downloading ["), "the bar stays: {left}");
    assert!(left.contains("  Downloaded 3 crates ("), "{left}");
    for (arguments, variables) in [
        (&["-q"][..], &[][..]),
        (&[], &[("CARGO_TERM_PROGRESS_WHEN", "never")]),
        (&["--config", "term.progress.when=\"never\""], &[]),
        (&[], &[("TERM", "dumb")]),
        (&[], &[("CI", "true")]),
    ] {
        let text = shown(arguments, variables);
        assert!(!text.contains("Downloading ["), "{arguments:?} {variables:?}: {text}");
    }
    // And none in a file.
    lose();
    let piped = small.nsvendor(&[]).success();
    assert!(!piped.stderr.contains('\r') && !piped.stderr.contains("Downloading ["), "{}", piped.stderr);
    piped.stderr_has(" Downloading crates ...\n").stderr_has("  Downloaded 3 crates (");
}
