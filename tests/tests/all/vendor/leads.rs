//! Packaged manifests that would lead Cargo elsewhere once they are vendored.

use namespace_world::{Archive, Project, World, run};

use super::registries::forget;
use super::{Small, nsvendor, run_offline};
use crate::cargo_facts::{Dependency, Index};

const GIT: &str = "git = \"https://host.example/leaf\"";

/// `hello` 1.0.0 with this manifest instead of the one that the index line was made of.
fn publish(small: &Small<'_>, text: &str) {
    let head = "[package]\nname = \"hello\"\nversion = \"1.0.0\"\nedition = \"2021\"\n";
    let archive = Archive::new("hello", "1.0.0")
        .file("Cargo.toml", format!("{head}{text}"))
        .file("src/lib.rs", "pub fn who() -> &'static str {\n    \"hello\"\n}\n")
        .build();
    let dependency = small.site.dependency("leaf", "1");
    small.site.release("hello", "1.0.0").dependency(&dependency).archive(archive).publish();
    std::fs::remove_file(small.project.path().join("Cargo.lock")).expect("remove the lock file");
    small.lock();
}

#[test]
fn a_signed_package_whose_manifest_leads_elsewhere_is_refused_in_every_form() {
    let world = World::new(&["a.example", "host.example"]);
    let small = Small::new(&world);
    let index = small.site.index().to_string();
    let leaf = |key: &str| format!("leaf = {{ version = \"1\", registry-index = \"{index}\", {key} }}\n");
    let plain = format!("[dependencies]\nleaf = {{ version = \"1\", registry-index = \"{index}\" }}\n");
    let mut texts: Vec<String> = Vec::new();
    for table in [
        "dependencies",
        "build-dependencies",
        "build_dependencies",
        "dev-dependencies",
        "dev_dependencies",
        "target.'cfg(windows)'.dependencies",
        "target.'cfg(windows)'.build-dependencies",
        "target.'cfg(windows)'.dev-dependencies",
    ] {
        texts.push(format!("[{table}]\n{}", leaf(GIT)));
    }
    for key in [
        "branch = \"b\"",
        "tag = \"t\"",
        "rev = \"r\"",
        "path = \"../leaf-1.0.0\"",
        "base = \"workspace\"",
        "workspace = true",
    ] {
        texts.push(format!("[dependencies]\n{}", leaf(key)));
    }
    texts.push(format!("[dependencies]\n{}", leaf(&format!("optional = true, {GIT}"))));
    texts.push(format!("{plain}[patch.crates-io]\nleaf = {{ {GIT} }}\n"));
    texts.push(format!("{plain}[replace]\n\"leaf:1.0.0\" = {{ {GIT} }}\n"));
    texts.push(format!("workspace = \"../../..\"\n{plain}"));
    texts.push(format!("build = \"../leaf-1.0.0/build.rs\"\n{plain}"));
    texts.push(format!("{plain}[lib]\npath = \"../leaf-1.0.0/src/lib.rs\"\n"));
    for text in texts {
        publish(&small, &text);
        world.forget_contacts();
        for arguments in [&[][..], &["--check"], &["--format", "local-registry"], &["--format", "tar.zst"]] {
            let output = small
                .refused(arguments)
                .code(4)
                .stderr_has("a.example/hello v1.0.0")
                .stderr_has("Cargo.toml");
            assert!(!output.stderr.contains("panicked"), "{text}: {output}");
        }
        assert!(world.contacted().iter().all(|host| host == "a.example:443"), "{:?}", world.contacted());
    }
    publish(&small, &plain);
    small.nsvendor(&["--write-config"]).success();
    run_offline(&world, &small.project).success().stdout_has("hello");
}

/// A program that uses `dep` of crates.io, played by this world, whose packaged manifest says this.
fn of_crates_io(world: &World, text: &str) -> Project {
    let index = Index::crates_io(world);
    index.publish("leaf", "1.0.0", &[]);
    let manifest = format!("[package]\nname = \"dep\"\nversion = \"1.0.0\"\nedition = \"2021\"\n{text}");
    let archive = Archive::new("dep", "1.0.0").file("Cargo.toml", manifest).file("src/lib.rs", "").build();
    index.add("dep", "1.0.0", &[Dependency("leaf", "1", None)], &archive);
    for name in ["dep", "leaf"] {
        let there = world.web_root("index.crates.io").join(format!("crates/{name}/1.0.0/download"));
        let path = format!("crates/{name}/{name}-1.0.0.crate");
        world.serve("static.crates.io", &path, std::fs::read(there).expect("it was just published"));
    }
    let project = world.project("app").binary("app", "dep = \"1\"\n", "fn main() {}\n");
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    project
}

#[test]
fn a_package_of_crates_io_that_leads_elsewhere_is_refused_where_cargo_would_read_its_manifest() {
    let world = World::new(&["index.crates.io", "static.crates.io", "host.example"]);
    let project = of_crates_io(&world, &format!("[dependencies]\nleaf = {{ version = \"1\", {GIT} }}\n"));
    let before = project.snapshot();
    for arguments in [&[][..], &["--format", "tar.zst"]] {
        world.forget_contacts();
        let output = nsvendor(&world, &project, arguments).code(4);
        output.stderr_has("Cargo does not resolve the lock file from the vendored packages");
        assert!(
            world.contacted().iter().all(|host| host.ends_with(".crates.io:443")),
            "{:?}",
            world.contacted()
        );
        project.assert_unchanged(&before);
    }
    nsvendor(&world, &project, &[])
        .code(4)
        .stderr_has("`dep` 1.0.0 of crates.io says `dependencies.leaf.git`");
    // Vendored by somebody else, it is found too.
    run(world.cargo().args(["vendor", "--versioned-dirs", "vendor/crates.io"]).current_dir(project.path()))
        .success();
    project.write(
        ".cargo/config.toml",
        "[source.crates-io]\nreplace-with = \"vendored-crates.io\"\n[source.\"vendored-crates.io\"]\ndirectory = \"vendor/crates.io\"\n",
    );
    nsvendor(&world, &project, &["--check"])
        .code(4)
        .stderr_has("says `dependencies.leaf.git` in its Cargo.toml");
    // From a local registry Cargo resolves by the index lines.
    std::fs::remove_dir_all(project.path().join("vendor")).expect("remove it");
    std::fs::remove_file(project.path().join(".cargo/config.toml")).expect("remove it");
    nsvendor(&world, &project, &["--format", "local-registry", "--write-config"]).success();
    nsvendor(&world, &project, &["--check"]).success();
    run_offline(&world, &project).success();
}

/// Cargo is asked while packages are still being unpacked, by what seem to be their manifests.
#[test]
fn a_wrong_archive_with_a_harmless_manifest_does_not_answer_for_the_right_one() {
    let world = World::new(&["index.crates.io", "static.crates.io", "host.example"]);
    let project = of_crates_io(&world, &format!("[dependencies]\nleaf = {{ version = \"1\", {GIT} }}\n"));
    nsvendor(&world, &project, &[]).code(4);
    let cache = world.cargo_home().join("registry/cache/index.crates.io-0000000000000000");
    std::fs::create_dir_all(&cache).expect("create it");
    let harmless = Archive::new("dep", "1.0.0")
        .file(
            "Cargo.toml",
            "[package]\nname = \"dep\"\nversion = \"1.0.0\"\nedition = \"2021\"\n[dependencies]\nleaf = \"1\"\n",
        )
        .file("src/lib.rs", "")
        .build();
    std::fs::write(cache.join("dep-1.0.0.crate"), harmless).expect("write it");
    // The larger ones are unpacked first; this one is none at all.
    std::fs::write(cache.join("leaf-1.0.0.crate"), [0; 100_000]).expect("write it");
    nsvendor(&world, &project, &["--offline"])
        .code(4)
        .stderr_has("`dep` 1.0.0 of crates.io says `dependencies.leaf.git`");
    assert!(!project.path().join("vendor").exists());
}

/// Where all packages seem to stand, Cargo is asked about these before they are compared with their archives.
#[test]
fn a_harmless_manifest_that_stands_does_not_answer_for_the_published_one() {
    let world = World::new(&["index.crates.io", "static.crates.io", "host.example"]);
    let project = of_crates_io(&world, &format!("[dependencies]\nleaf = {{ version = \"1\", {GIT} }}\n"));
    run(world.cargo().args(["vendor", "--versioned-dirs", "vendor/crates.io"]).current_dir(project.path()))
        .success();
    let path = "vendor/crates.io/dep-1.0.0/Cargo.toml";
    let harmless = project.read(path).replace(GIT, "optional = false");
    project.write(path, &harmless);
    nsvendor(&world, &project, &[])
        .code(4)
        .stderr_has("`dep` 1.0.0 of crates.io says `dependencies.leaf.git`");
    assert_eq!(project.read(path), harmless);
}

/// Cargo would wait for ever for somebody to write into it.
#[test]
fn a_pipe_among_what_stands_is_not_shown_to_cargo() {
    let world = World::new(&["index.crates.io", "static.crates.io"]);
    let project = of_crates_io(&world, "[dependencies]\nleaf = \"1\"\n");
    nsvendor(&world, &project, &["--write-config"]).success();
    let manifest = project.read("Cargo.toml");
    for (round, file) in ["Cargo.toml", ".cargo-checksum.json"].into_iter().enumerate() {
        let path = project.path().join("vendor/crates.io/dep-1.0.0").join(file);
        let content = std::fs::read(&path).expect("it was vendored");
        std::fs::remove_file(&path).expect("remove the file");
        run(world.command("mkfifo").arg(&path)).success();
        // Another state than the one that was vendored: Cargo is asked anew.
        project.write("Cargo.toml", &format!("{manifest}# {round}\n"));
        let mut limited = world.command("timeout");
        limited.args(["60", "cargo-nsvendor", "nsvendor"]).current_dir(project.path());
        run(&mut limited).code(1).stderr_has(&format!("holds `crates.io/dep-1.0.0/{file}`"));
        std::fs::remove_file(&path).expect("remove the pipe");
        std::fs::write(&path, content).expect("put the file back");
    }
    nsvendor(&world, &project, &["--check"]).success();
}

/// Cargo takes the repository from its own checkouts while it is asked about the archives.
#[test]
fn a_package_that_leads_elsewhere_is_refused_in_an_archive_though_the_project_uses_a_repository() {
    let world = World::new(&["index.crates.io", "static.crates.io", "host.example"]);
    let project = of_crates_io(&world, &format!("[dependencies]\nleaf = {{ version = \"1\", {GIT} }}\n"));
    let sub = world.project("sub").library("sub", "1.0.0", "");
    for arguments in [&["init", "--quiet"][..], &["add", "."], &["commit", "--quiet", "-m", "One"]] {
        run(world.command("git").args(arguments).current_dir(sub.path())).success();
    }
    let url = format!("file://{}", sub.path().display());
    project.write("Cargo.toml", &format!("{}sub = {{ git = \"{url}\" }}\n", project.read("Cargo.toml")));
    run(world.cargo().arg("generate-lockfile").current_dir(project.path())).success();
    forget(&world);
    world.forget_contacts();
    let before = project.snapshot();
    nsvendor(&world, &project, &["--format", "tar.zst"])
        .code(4)
        .stderr_has("`dep` 1.0.0 of crates.io says `dependencies.leaf.git`");
    project.assert_unchanged(&before);
    assert!(
        !world.contacted().iter().any(|host| host.starts_with("host.example")),
        "{:?}",
        world.contacted()
    );
}

#[test]
fn a_package_of_crates_io_with_keys_that_cargo_does_not_follow_is_vendored() {
    let world = World::new(&["index.crates.io", "static.crates.io"]);
    for text in [
        "[dependencies]\nleaf = { version = \"1\", path = \"../leaf\" }\n".to_owned(),
        format!("[dependencies]\nleaf = \"1\"\n[dev-dependencies]\nother = {{ version = \"1\", {GIT} }}\n"),
        format!("[dependencies]\nleaf = \"1\"\n[patch.crates-io]\nleaf = {{ {GIT} }}\n"),
        "readme = \"../README.md\"\n[dependencies]\nleaf = { version = \"1\", unknown = 1 }\n[workspace]\n"
            .to_owned(),
    ] {
        for directory in ["registry", "namespaces"] {
            let _ = std::fs::remove_dir_all(world.cargo_home().join(directory));
        }
        let _ = std::fs::remove_dir_all(world.web_root("index.crates.io"));
        let _ = std::fs::remove_dir_all(world.project("app").path());
        let project = of_crates_io(&world, &text);
        nsvendor(&world, &project, &["--write-config"]).success();
        nsvendor(&world, &project, &["--check"]).success();
        run_offline(&world, &project).success();
    }
}

/// The lines of a mirror become those of a local registry: one that names another registry is followed from there.
#[test]
fn a_line_of_a_local_registry_that_leads_elsewhere_is_refused() {
    let world = World::new(&["index.crates.io", "static.crates.io", "host.example"]);
    let project = of_crates_io(&world, "[dependencies]\nleaf = \"1\"\n");
    nsvendor(&world, &project, &["--format", "local-registry", "--write-config"]).success();
    let path = "vendor/crates.io/index/3/d/dep";
    let line = project.read(path);
    let evil = line.replace("\"registry\":null", "\"registry\":\"sparse+https://host.example/index/\"");
    assert_ne!(line, evil);
    project.write(path, &evil);
    nsvendor(&world, &project, &["--check", "--offline"]).failure();
}
