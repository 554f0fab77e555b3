//! Whatever fails, and whenever: every file is as it was.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use namespace_world::{HostileHost, Server, World, run};

use super::Small;

#[test]
fn cargo_fails_in_the_middle() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    // `cargo add` edits the manifest first; then nothing has such a dependency.
    small.project.write("Cargo.toml", &format!("{}itoa = \"=999.0.0\"\n", small.manifest()));
    small
        .refused(101, &["a.example/leaf"])
        .stderr_has("nothing was changed")
        .stderr_has("itoa = \"=999.0.0\"");
}

#[test]
fn a_wrong_feature_is_cargo_s_error() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.refused(101, &["a.example/hello", "-F", "quiet"]).stderr_has("quiet");
}

#[test]
fn a_second_crate_fails_after_the_first_was_added() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .refused(101, &["a.example/hello", "no-such-crate-there-is-none@1"])
        .stderr_has("no-such-crate-there-is-none");
}

#[test]
fn a_file_in_cargo_s_directory_cannot_be_written() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    // A directory where the trust file would go: the last thing to be written fails.
    small.project.write(".cargo/namespaces.toml/keep", "");
    let before = small.project.snapshot();
    small.nsadd(&["a.example/hello"]).failure();
    small.project.assert_unchanged(&before);
}

#[test]
fn invalid_files_are_told_and_left() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let write = |path: &str, text: &str| {
        let old = small.project.read(path);
        small.project.write(path, text);
        let output = small.refused(6, &["a.example/leaf"]);
        small.project.write(path, &old);
        output
    };
    write(".cargo/namespaces.toml", "[\"a.example\"]\nindx = 1\n")
        .stderr_has("namespaces.toml")
        .stderr_has("line 2");
    write(".cargo/namespaces.toml", "<<<<<<< ours\n").stderr_has("merge-conflict");
    write("Cargo.lock", "version = 99\n").stderr_has("lock file version `99`");
    write(".cargo/config.toml", "[registries\n").stderr_has("config.toml");
}

#[test]
fn permissions_of_restored_files_are_as_before() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let manifest = small.project.path().join("Cargo.toml");
    std::fs::set_permissions(&manifest, std::fs::Permissions::from_mode(0o640)).expect("change the mode");
    small.site.release("hello", "1.2.0").unsigned().publish();
    small.refused(4, &["a.example/hello"]);
}

/// Waits until `happens`, then interrupts the command as Ctrl-C does: the whole process group.
fn interrupted(mut command: Command, happens: impl Fn() -> bool) -> i32 {
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happens() {
        assert!(Instant::now() < deadline, "nothing happened");
        assert!(child.try_wait().expect("ask").is_none(), "it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
    let group = format!("-{}", child.id());
    run(Command::new("kill").args(["-INT", "--", &group])).success();
    let status = child.wait().expect("it ends");
    assert!(status.signal().is_none(), "{status}");
    status.code().expect("a code")
}

#[test]
fn ctrl_c_while_the_domain_is_asked() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let host = HostileHost::silent(&world, "a.example");
    let before = small.project.snapshot();
    let mut command = world.nsadd();
    command.arg("a.example/hello").current_dir(small.project.path());
    assert_eq!(interrupted(command, || world.contacted().iter().any(|host| host == "a.example:443")), 130);
    small.project.assert_unchanged(&before);
    drop(host);
}

#[test]
fn ctrl_c_while_cargo_runs() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.release("other", "1.0.0").publish();
    let before = small.project.snapshot();
    // Cargo asks for the index's configuration and is kept waiting; we have read what we need before.
    let root = world.web_root("a.example");
    let host = Server::raw(&world, "a.example", "a.example", move |request, stream| {
        use std::io::{Read as _, Write as _};
        if request.path.ends_with("config.json") {
            return stream.read(&mut [0]).map(|_| ());
        }
        let body = std::fs::read(root.join(request.path.trim_start_matches('/')));
        let (status, body) = body.map_or((404, Vec::new()), |body| (200, body));
        let head =
            format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        stream.write_all(&body)
    });
    let mut command = world.nsadd();
    command.arg("a.example/other").current_dir(small.project.path());
    let asked = || host.requests().iter().any(|request| request.path.ends_with("config.json"));
    assert_eq!(interrupted(command, asked), 130);
    small.project.assert_unchanged(&before);
}
