//! Hosts that do not answer, or do not stop.

use std::time::{Duration, Instant};

use namespace_world::{HostileHost, SignedSite, World};

use super::Small;

/// Nobody waits longer for a host than this, whatever it does.
const PATIENCE: Duration = Duration::from_secs(45);

#[test]
fn a_domain_that_is_down() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    world.take_down("a.example");
    world.stop_dns();
    small
        .refused(5, &["a.example/hello"])
        .stderr_has("error: failed to reach a.example")
        .stderr_has("help: check the spelling of a.example and the network");
}

#[test]
fn an_index_that_is_down_though_its_domain_is_pinned() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    small.site.release("other", "1.0.0").publish();
    world.take_down("a.example");
    small
        .refused(5, &["a.example/other"])
        .stderr_has("failed to look up a.example/other")
        .stderr_has("a.example");
}

#[test]
fn a_domain_that_answers_without_end() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::endless(&world, "a.example");
    let begin = Instant::now();
    small.refused(5, &["a.example/hello"]).stderr_has("failed to reach a.example");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn an_index_that_answers_without_end_though_its_domain_is_pinned() {
    let world = World::new(&["a.example"]);
    let small = Small::added(&world);
    let _host = HostileHost::endless(&world, "a.example");
    let begin = Instant::now();
    small.refused(5, &["a.example/leaf"]).stderr_has("failed to look up a.example/leaf");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn a_dependency_s_index_that_answers_without_end() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    let other = SignedSite::new(&world, "b.example");
    small.site.release("hello", "1.2.0").dependency(&other.dependency("deep", "1")).publish();
    let _host = HostileHost::endless(&world, "b.example");
    let begin = Instant::now();
    small.refused(5, &["a.example/hello"]).stderr_has("b.example");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn a_host_with_a_certificate_for_another() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::wrong_certificate(&world, "a.example");
    small.refused(5, &["a.example/hello"]).stderr_has("certificate");
}

#[test]
fn an_error_page_is_not_an_answer() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::status(&world, "a.example", 500);
    small.refused(5, &["a.example/hello"]).stderr_has("500");
}

#[test]
fn a_namespace_without_an_index() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    small
        .refused(5, &["b.example/hello"])
        .stderr_has("failed to reach the index of b.example")
        .stderr_has("its owner may not have published yet");
}

#[test]
fn a_silent_domain_is_enough_for_a_pinned_key_and_not_with_strict() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::new(&world);
    // The index is on another host than the domain.
    let site = SignedSite::new(&world, "b.example");
    site.release("b", "1.0.0").publish();
    small.nsadd(&["b.example/b"]).success();
    site.release("b", "1.1.0").publish();
    world.stop_dns();
    let documents = world.web_root("b.example").join(".well-known");
    std::fs::remove_dir_all(documents).expect("the documents go");
    // TXT could not be asked, and the documents list nothing: silent.
    small.refused(5, &["b.example/b@1.1", "--strict"]).stderr_has("--strict");
    small.nsadd(&["b.example/b@1.1"]).success().stderr_has("warning: b.example/b v1.1.0 is accepted because");
}

#[test]
fn offline_a_new_namespace_cannot_be_added() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    small
        .refused(5, &["a.example/hello", "--offline"])
        .stderr_has("a.example is new to the project, and the command runs offline")
        .stderr_has("run it once without `--offline`");
}

#[test]
fn what_is_locked_already_needs_no_answer_from_its_index() {
    let world = World::new(&["a.example", "b.example"]);
    let small = Small::added(&world);
    SignedSite::new(&world, "b.example").release("b", "1.0.0").publish();
    world.take_down("a.example");
    small.nsadd(&["b.example/b"]).success().stderr_has("Verified b.example/b v1.0.0");
}

#[test]
fn a_namespace_that_looks_like_a_known_one_and_is_nowhere() {
    let world = World::new(&["grep.example"]);
    let site = SignedSite::new(&world, "grep.example");
    site.release("grep", "1.0.0").publish();
    let project = world.project("app").binary("app", "", "fn main() {}\n");
    super::nsadd(&world, &project, &["grep.example/grep"]).success();
    let before = project.snapshot();
    super::nsadd(&world, &project, &["gerp.example/grep"]).code(5).stderr_has("did you mean grep.example");
    project.assert_unchanged(&before);
}

#[test]
fn a_domain_that_accepts_and_never_answers() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::silent(&world, "a.example");
    let begin = Instant::now();
    small.refused(5, &["a.example/hello"]).stderr_has("failed to reach a.example");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}

#[test]
fn a_domain_that_answers_drop_by_drop() {
    let world = World::new(&["a.example"]);
    let small = Small::new(&world);
    let _host = HostileHost::slow(&world, "a.example", Duration::from_millis(300));
    let begin = Instant::now();
    small.refused(5, &["a.example/hello"]).stderr_has("failed to reach a.example");
    assert!(begin.elapsed() < PATIENCE, "{:?}", begin.elapsed());
}
