//! Completion in real shells, beside the toolchain's own: `cargo nsadd <TAB>` is ours, `cargo build <TAB>` is Cargo's.

use std::process::Command;

use namespace_world::{Home, Project, SignedSite, World, at_terminal, programs, run};

/// A project that uses `a.example/hello`.
fn project(world: &World) -> Project {
    SignedSite::new(world, "a.example").release("hello", "1.0.0").publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    run(world.nsadd().arg("a.example/hello").current_dir(project.path())).success();
    project
}

/// The script of a command for a shell.
fn script(world: &Home, command: &str, shell: &str) -> String {
    let mut command = match command {
        "nsadd" => world.nsadd(),
        "nspublish" => world.nspublish(),
        "nsvendor" => world.nsvendor(),
        _ => world.nsregistry(),
    };
    run(command.args(["--generate", shell])).success().stdout
}

const COMMANDS: [&str; 4] = ["nsadd", "nspublish", "nsvendor", "nsregistry"];

fn shell(world: &Home, project: &Project, program: &str) -> Command {
    let mut command = Command::new(programs::find(program));
    command.env_clear().envs(world.environment()).env("TERM", "dumb").current_dir(project.path());
    command
}

/// What is typed, once what stands before it has appeared.
const TYPED: &[(&str, &str)] = &[
    ("READY> ", "cargo nsadd a.example/h\t"),
    ("a.example/hello", "\x15cargo nsadd --sy\t"),
    ("--sync", "\x15cargo nsadd --register=a.ex\t"),
    ("--register=a.example", "\x15cargo +stable nspublish key rot\t"),
    ("key rotate", "\x15cargo-nsvendor --ch\t"),
    ("--check", "\x15cargo nspubl\t"),
    ("cargo nspublish", "\x15cargo bui\t"),
    ("cargo build", "\x15cargo build --rele\t"),
    ("--release", "\x15cargo nsvendor sr\t"),
    ("nsvendor src", "\x15exit\r"),
];

#[test]
fn bash_completes_ours_and_what_is_cargos() {
    let world = World::new(&["a.example"]);
    let project = project(&world);
    for command in COMMANDS {
        project.write(&format!("../bash/cargo-{command}"), &script(&world, command, "bash"));
    }
    let sources: String = COMMANDS.iter().map(|command| format!(". ../bash/cargo-{command}\n")).collect();
    // What the user has already: bash-completion, with or without the toolchain's script read before or after ours.
    let toolchains = ". \"$(rustc --print sysroot)/etc/bash_completion.d/cargo\"\n";
    for before in ["", toolchains] {
        project.write(
            "../bash/rc",
            &format!("PS1='READY> '\n. /usr/share/bash-completion/bash_completion\n{before}{sources}"),
        );
        let mut bash = shell(&world, &project, "bash");
        bash.args(["--noprofile", "--rcfile", "../bash/rc", "-i"]);
        at_terminal(&bash, TYPED).success();
    }
    // Without the package bash-completion, of which the toolchain's script needs some functions.
    project.write("../bash/rc", &format!("PS1='READY> '\n{sources}"));
    let mut bash = shell(&world, &project, "bash");
    bash.args(["--noprofile", "--rcfile", "../bash/rc", "-i"]);
    at_terminal(&bash, &[TYPED[0], TYPED[1], ("--sync", "\x15exit\r")]).success();
}

#[test]
fn zsh_completes_ours_and_what_is_cargos() {
    let world = World::new(&["a.example"]);
    let project = project(&world);
    for command in COMMANDS {
        project.write(&format!("../zsh/_cargo-{command}"), &script(&world, command, "zsh"));
    }
    project.write(
        "../zsh/.zshrc",
        "PS1='READY> '\nunsetopt prompt_sp prompt_cr\nfpath=($ZDOTDIR \"$(rustc --print sysroot)/share/zsh/site-functions\" $fpath)\n\
         autoload -U compinit\ncompinit -u -d $ZDOTDIR/dump\nbindkey -e\nbindkey '^I' complete-word\n",
    );
    let mut zsh = shell(&world, &project, "zsh");
    zsh.env("ZDOTDIR", project.path().join("../zsh")).args(["-d", "-i"]);
    at_terminal(&zsh, TYPED).success();
}

#[test]
fn fish_completes_ours_and_what_is_cargos() {
    let world = World::new(&["a.example"]);
    let project = project(&world);
    for command in COMMANDS {
        project.write(&format!("../xdg/fish/conf.d/cargo-{command}.fish"), &script(&world, command, "fish"));
    }
    let offers = |line: &str| {
        let mut fish = shell(&world, &project, "fish");
        fish.env("XDG_CONFIG_HOME", project.path().join("../xdg"));
        run(fish.args(["-c", &format!("complete -C '{line}'")])).success().stdout
    };
    let has = |line: &str, word: &str| {
        let offers = offers(line);
        assert!(
            offers.lines().any(|offer| offer.split('\t').next() == Some(word)),
            "`{line}` should offer {word}: {offers}"
        );
        offers
    };
    assert_eq!(has("cargo nsadd a.example/h", "a.example/hello").lines().count(), 1);
    has("cargo nsadd ", "a.example/");
    has("cargo nsadd --reg", "--register");
    has("cargo nsadd --register=a.ex", "--register=a.example");
    has("cargo +stable nspublish key rot", "rotate");
    has("cargo-nsvendor --ch", "--check");
    has("cargo nsvendor sr", "src/");
    has("cargo nspubl", "nspublish");
    has("cargo bui", "build");
    has("cargo build --rele", "--release");
}
