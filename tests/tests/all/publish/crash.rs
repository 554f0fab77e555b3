//! Killed at any moment, a site is as before or as after, and a rerun finishes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use cargo_namespaces::digest::Digest;
use cargo_namespaces::index::parse_index_file;
use cargo_namespaces::integrity::check_integrity;
use cargo_namespaces::name::{IndexUrl, Namespace, QualifiedName};
use namespace_world::{World, snapshot};

use super::{Author, library};

/// Every release that the site's index names is there whole; the versions.
fn releases(world: &World) -> Vec<String> {
    let root = world.web_root("hello.example").join("cargo/index");
    let Ok(bytes) = std::fs::read(root.join("he/ll/hello")) else { return Vec::new() };
    let name = QualifiedName::parse("hello.example/hello").expect("a name");
    let index = IndexUrl::default_for(&Namespace::parse("hello.example").expect("a namespace"));
    let lines = parse_index_file(&bytes).expect("whole lines");
    for line in &lines {
        let package = root.join(format!("crates/hello/hello-{}.crate", line.vers));
        let package = std::fs::read(package).expect("the .crate is there before its line");
        assert_eq!(Digest::of(&package), line.cksum);
        check_integrity(line, &package, None, &name, &index).expect("a verified release");
    }
    lines.iter().map(|line| line.vers.to_string()).collect()
}

#[test]
fn killed_at_any_moment_the_site_is_as_before_or_as_after() {
    let world = World::new(&["hello.example"]);
    let author = Author::new(&world, "hello.example");
    let site = world.web_root("hello.example");
    author.publish(&library(&world, "hello", "hello.example/hello", "0.0.0", ""), &["--no-verify"]).success();
    let mut expected = vec!["0.0.0".to_owned()];
    let (mut before, mut after) = (0, 0);
    for round in 0..24_u32 {
        let version = format!("1.0.{round}");
        let project = library(&world, "hello", "hello.example/hello", &version, "");
        let mut child = world
            .nspublish()
            .arg("--site")
            .arg(&site)
            .args(["--allow-dirty", "--no-verify"])
            .current_dir(project.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("start it");
        // Nothing is written before the .crate; the kills fall upon the writing, a little later each time.
        let package = site.join(format!("cargo/index/crates/hello/hello-{version}.crate"));
        let begin = Instant::now();
        while !package.exists() && begin.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_micros(50));
        }
        std::thread::sleep(Duration::from_millis(2) * round);
        let _ = child.kill();
        child.wait().expect("it ends");
        let found = releases(&world);
        if found == expected {
            before += 1;
        } else {
            after += 1;
            expected.push(version.clone());
            assert_eq!(found, expected, "as before or as after");
        }
        author.publish(&project, &["--no-verify"]).success();
        if !expected.contains(&version) {
            expected.push(version);
        }
        assert_eq!(releases(&world), expected, "a rerun finishes");
    }
    println!("{before} kills left the site as before, {after} as after");
    assert!(before > 0 && after > 0, "the kills fell upon both sides of the change: {before}, {after}");
    let left: Vec<String> =
        snapshot(&site).paths().filter(|path| path.contains(".tmp")).map(str::to_owned).collect();
    assert!(left.is_empty(), "temporary files were left for good: {left:?}");
}
