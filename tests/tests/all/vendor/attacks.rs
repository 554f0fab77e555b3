//! What is refused, each with the project as it was.

use cargo_namespaces::digest::Digest;
use cargo_namespaces::key::SecretKey;
use namespace_world::archive::bomb;
use namespace_world::{Archive, Home, HostileHost, SignedSite, World, run};

use super::Small;

/// Where Cargo keeps the .crate.
fn cached(world: &Home, name: &str) -> std::path::PathBuf {
    let caches = world.cargo_home().join("registry/cache");
    let found =
        std::fs::read_dir(caches).expect("Cargo has a cache").map(|entry| entry.expect("an entry").path());
    found.map(|cache| cache.join(name)).find(|path| path.is_file()).expect("the .crate is in Cargo's cache")
}

fn altered() -> Vec<u8> {
    Archive::new("hello", "1.0.0")
        .file("Cargo.toml", "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2021\"\n")
        .file("src/lib.rs", "pub fn who() -> &'static str { \"altered\" }\n")
        .build()
}

#[test]
fn an_altered_crate_in_the_cache_is_never_vendored() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&[]).success();
    std::fs::remove_dir_all(world.cargo_home().join("namespaces/crates")).expect("remove our cache");
    let path = cached(&world, "hello-1.0.0.crate");
    let good = Digest::of(&std::fs::read(&path).expect("read the cache"));
    let bad = altered();
    std::fs::write(&path, &bad).expect("alter the cache");
    // Offline there is no other.
    small
        .refused(&["--offline"])
        .code(4)
        .stderr_has(&Digest::of(&bad).to_string())
        .stderr_has(&good.to_string());
    // With a network, the published one is fetched.
    small.nsvendor(&["--write-config"]).success();
    small.nsvendor(&["--check"]).success();
    assert!(small.project.read("vendor/a.example/hello-1.0.0/src/lib.rs").contains("a.example/hello 1.0.0"));
    // Published and altered: nothing is left to take.
    std::fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    std::fs::remove_dir_all(world.cargo_home().join("namespaces")).expect("remove our cache");
    std::fs::remove_dir_all(world.cargo_home().join("registry/cache")).expect("remove Cargo's cache");
    world.serve("a.example", &SignedSite::crate_path("hello", "1.0.0"), &bad);
    small.refused(&[]).code(4).stderr_has(&good.to_string()).stderr_has(&Digest::of(&bad).to_string());
}

#[test]
fn an_altered_checksum_in_the_lock_file_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let lock = small.project.read("Cargo.lock");
    let (_, rest) = lock.split_once("checksum = \"").expect("a checksum");
    let other = Digest::of(b"something else").to_string();
    small.project.write("Cargo.lock", &lock.replace(&rest[..64], &other));
    small.refused(&[]).code(4).stderr_has(&other);
    small.refused(&["--check"]).code(4).stderr_has(&other);
}

#[test]
fn a_lock_file_that_is_none_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let lock = small.project.read("Cargo.lock");
    small.project.write("Cargo.lock", &format!("<<<<<<< ours\n{lock}=======\n{lock}>>>>>>> theirs\n"));
    let cargo = run(world.cargo().args(["pkgid", "--offline"]).current_dir(small.project.path())).failure();
    let (_, words) = cargo.stderr.split_once("Caused by:").expect("Cargo says why");
    for arguments in [&[][..], &["--check"], &["--format", "local-registry"], &["--format", "tar.zst"]] {
        let said = small.refused(arguments).code(6).stderr_has("git checkout --ours Cargo.lock");
        for line in words.lines().map(str::trim).filter(|line| !line.is_empty()) {
            said.clone().stderr_has(line);
        }
    }
}

/// Published with the publisher's own key: the signature is good, the archive is not.
#[test]
fn a_hostile_archive_of_each_kind_is_refused_though_it_is_signed() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let package = || Archive::package("hello", "1.0.0");
    let archives: Vec<(&str, Vec<u8>)> = vec![
        ("a symbolic link", package().symlink("link", "../leaf-1.0.0").build()),
        ("a hard link", package().hard_link("link", "hello-1.0.0/Cargo.toml").build()),
        ("a device", package().device("null").build()),
        ("a named pipe", package().fifo("pipe").build()),
        ("a sparse file", package().special("sparse", b'S', "").build()),
        ("of unknown type", package().special("strange", b'Z', "").build()),
        ("component", package().file_at("hello-1.0.0/../leaf-1.0.0/src/lib.rs", "").build()),
        ("which is not under the folder", package().file_at("leaf-1.0.0/src/lib.rs", "").build()),
        ("absolute path", package().file_at("/tmp/evil", "").build()),
        ("reserves for itself", package().file(".cargo-ok", "").build()),
        ("reserves for itself", package().file(".cargo-checksum.json", "{}").build()),
        ("on systems that ignore case", package().file("cargo.toml", "").build()),
        ("which it already holds", package().file("src/lib.rs", "twice").build()),
        ("states another size", package().pax(&[("size", "1")]).file("sized", "12").build()),
        (
            "belongs to a sparse file",
            package().pax(&[("GNU.sparse.major", "1")]).file("sparse", "12").build(),
        ),
        (
            "can be read in two ways",
            package().pax(&[("path", "hello-1.0.0/a"), ("path", "hello-1.0.0/b")]).file("x", "").build(),
        ),
        ("ends in the middle", package().lying_size("short", b"", 1 << 20).build()),
        ("unpacks to more than", bomb("hello", "1.0.0", 520)),
        (
            "of crate",
            Archive::new("hello", "1.0.0")
                .file("Cargo.toml", "[package]\nname = \"other\"\nversion = \"1.0.0\"\n")
                .build(),
        ),
        ("no Cargo.toml", Archive::new("hello", "1.0.0").file("src/lib.rs", "").build()),
        ("gzip", b"no archive at all".to_vec()),
    ];
    for (expected, archive) in archives {
        small
            .site
            .release("hello", "1.0.0")
            .dependency(&small.site.dependency("leaf", "1"))
            .archive(archive)
            .publish();
        std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
        small.lock();
        small.refused(&[]).code(4).stderr_has("hello").stderr_has(expected);
        small.refused(&["--check"]).code(4).stderr_has(expected);
        let unpacked = run(world.command("find").args([
            world.cargo_home().as_os_str(),
            "-path".as_ref(),
            "*/src/*/hello-1.0.0".as_ref(),
        ]));
        assert_eq!(unpacked.success().stdout, "", "cargo unpacked it: {expected}");
    }
}

#[test]
fn a_dependency_that_the_index_added_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.site.release("evil", "1.0.0").publish();
    world.tamper_line("a.example", "leaf", "1.0.0", |line| {
        line["deps"] = serde_json::json!([{
            "name": "evil", "req": "^1", "features": [], "optional": false,
            "default_features": true, "target": null, "kind": "normal"
        }]);
    });
    small.refused(&[]).code(4).stderr_has("leaf v1.0.0").stderr_has("evil");
    small.refused(&["--check"]).code(4).stderr_has("evil");
}

#[test]
fn a_key_that_the_project_does_not_trust_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.project.write(".cargo/namespaces.toml", "");
    small.refused(&[]).code(4).stderr_has("hello");
    // Trusted for one crate, it signed another.
    let narrow = small.site.trust_entry_for(&small.site.key().public(), "a.example/hello");
    small.project.write(".cargo/namespaces.toml", &narrow);
    small.refused(&[]).code(4).stderr_has("leaf v1.0.0").stderr_lacks("hello v1.0.0");
    small.refused(&["--check"]).code(4).stderr_has("leaf v1.0.0");
}

#[test]
fn a_release_signed_by_somebody_else_is_refused() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let thief = SecretKey::generate().expect("a key");
    small.site.release("leaf", "1.0.0").signed_by(&thief).publish();
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    small.refused(&[]).code(4).stderr_has("leaf v1.0.0").stderr_has(&thief.public().to_string());
    small.site.release("leaf", "1.0.0").unsigned().publish();
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    small.refused(&[]).code(4).stderr_has("leaf v1.0.0").stderr_has("no signature");
}

#[test]
fn a_revoked_key_is_refused_and_the_revocation_named() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small.nsvendor(&[]).success();
    small.site.revoke_own_key("the laptop was stolen");
    small.refused(&[]).code(4).stderr_has("revo").stderr_has("the laptop was stolen");
    small.refused(&["--check"]).code(4).stderr_has("the laptop was stolen");
    // Noted in the trust file, it holds without the network.
    let key = small.site.key().public();
    let noted = format!(
        "{}revoked = [\n  \"{key}\",\n]\n",
        small.site.trust_entry().replace("trusted = [", "trusted = [\n  # none\n")
    );
    small.project.write(".cargo/namespaces.toml", &noted.replace(&format!("  \"{key} a.example\",\n"), ""));
    small.refused(&["--offline"]).code(4).stderr_has("revo");
}

#[test]
fn a_crate_of_crates_io_that_was_altered_in_the_cache_is_fetched_again() {
    let world = World::new(&[]);
    let project = world.project("app").binary("app", "itoa = \"=1.0.15\"\n", "fn main() {}\n");
    run(world.cargo().arg("fetch").current_dir(project.path())).success();
    let path = cached(&world, "itoa-1.0.15.crate");
    std::fs::write(&path, altered()).expect("alter the cache");
    let before = project.snapshot();
    super::nsvendor(&world, &project, &["--offline"]).code(4).stderr_has(&Digest::of(&altered()).to_string());
    project.assert_unchanged(&before);
    super::nsvendor(&world, &project, &[]).success();
    assert!(project.read("vendor/crates.io/itoa-1.0.15/Cargo.toml").contains("itoa"));
}

/// A copy of everything, signatures and all, at another host: what the lock file names is not what the domain declares.
#[test]
fn a_lock_file_that_names_a_registry_which_its_domain_does_not_declare_is_refused() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::vendored(&world);
    let copy = |from: &str, to: &str| {
        let (from, to) = (world.web_root(from).join("cargo"), world.web_root(to));
        run(world.command("cp").arg("-r").args([from, to])).success();
    };
    copy("a.example", "b.example");
    // The index says where its archives are, and whose it is.
    let config = small.site.registry_config().replace("a.example/cargo", "b.example/cargo");
    small.project.write(".cargo/config.toml", &config);
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
    assert!(small.project.read("Cargo.lock").contains("sparse+https://b.example/cargo/index/"));
    for arguments in [&[][..], &["--check"], &["--offline"], &["--check", "--offline"]] {
        small.refused(arguments).code(4).stderr_has("b.example");
    }
}

#[test]
fn an_index_without_end_for_cargo_alone_ends() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    std::fs::remove_dir_all(world.cargo_home().join("registry")).expect("remove Cargo's cache");
    let _host = HostileHost::endless_for_cargo(&world, "a.example", "/config.json");
    small.refused(&[]).code(5).stderr_has("was stopped: it took more than 2048 MiB of memory");
}
