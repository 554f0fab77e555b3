//! Downloads from hosts that are busy, slow, or hang up; and downloads that the user ends.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use namespace_world::trouble::Delivery;
use namespace_world::{Front, Home, HostileHost, Running, Trouble, World, run};

use super::{Small, noise};

const HOST: &str = "a.example";

/// The small project, which needs `big` besides: 200 kB packed. Nothing of it was downloaded.
fn with_a_big_one(world: &World) -> Small<'_> {
    let small = Small::new(world);
    small.site.release("big", "1.0.0").file("noise", noise(200_000)).publish();
    let manifest = small.project.read("Cargo.toml");
    small.project.write("Cargo.toml", &format!("{manifest}{}", small.site.consumer_dependency("big", "1")));
    small.lock();
    small
}

/// The same, vendored once; then everything that was downloaded is lost. No cargo has to be asked any more, so what happens
/// on the network is ours alone.
fn lost(world: &World) -> Small<'_> {
    let small = with_a_big_one(world);
    small.nsvendor(&[]).success();
    lose(&small);
    small
}

fn lose(small: &Small<'_>) {
    fs::remove_dir_all(small.project.path().join("vendor")).expect("remove it");
    fs::remove_dir_all(small.world.cargo_home().join("registry/cache")).expect("remove it");
    let _ = fs::remove_dir_all(small.world.cargo_home().join("namespaces/crates"));
}

fn start(small: &Small<'_>) -> Running {
    Running::start(small.world.nsvendor().current_dir(small.project.path()))
}

/// Every file of Cargo's home that is not a whole one.
fn parts(world: &Home) -> Vec<String> {
    let cargo_home = namespace_world::snapshot(&world.cargo_home());
    cargo_home
        .paths()
        .filter(|path| path.contains(".part-") || path.contains(".tmp"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_host_that_is_busy_is_asked_again() {
    for status in [503, 429] {
        let world = World::new(&[HOST]);
        let small = Small::new(&world);
        world.trouble(HOST, Trouble::Status(status));
        let mut running = start(&small);
        running.wait_for(&format!(
            "warning: spurious network error (3 tries remaining): `https://{HOST}/cargo/crates/"
        ));
        let leaf = |found: &Delivery| found.path.ends_with("/leaf-1.0.0.crate");
        // The warning may be about the other .crate.
        let begin = Instant::now();
        while !world.deliveries(HOST).iter().any(leaf) {
            assert!(begin.elapsed() < Duration::from_secs(30), "leaf was never asked for");
            std::thread::sleep(Duration::from_millis(10));
        }
        world.no_trouble(HOST, Trouble::Status(status));
        let (ended, said) = running.end();
        assert!(ended.success(), "{said}");
        assert!(said.contains(&format!("answered with HTTP status {status}")), "{said}");
        assert!(said.contains("Vendored 2 packages"), "{said}");
        let answers: Vec<u16> =
            world.deliveries(HOST).into_iter().filter(leaf).map(|found| found.status).collect();
        assert_eq!(answers.last(), Some(&200));
        assert!(
            answers.len() >= 2 && answers[..answers.len() - 1].iter().all(|found| *found == status),
            "{answers:?}"
        );
    }
}

#[test]
fn a_host_that_says_when_to_come_back_is_left_alone_until_then() {
    let world = World::new(&[HOST]);
    let small = Small::new(&world);
    world.trouble(HOST, Trouble::RetryAfter);
    world.trouble(HOST, Trouble::Status(429));
    let mut running = start(&small);
    running.wait_for("spurious network error (3 tries remaining)");
    world.no_trouble(HOST, Trouble::Status(429));
    let (ended, said) = running.end();
    assert!(ended.success(), "{said}");
    let leaf: Vec<Delivery> = world
        .deliveries(HOST)
        .into_iter()
        .filter(|found| found.path.ends_with("/leaf-1.0.0.crate"))
        .collect();
    assert!(leaf.len() >= 2, "{leaf:?}");
    for pair in leaf.windows(2) {
        assert!(pair[1].began - pair[0].ended >= 1.9, "{leaf:?}");
    }
}

#[test]
fn after_the_last_try_the_url_and_the_way_out_are_named() {
    let world = World::new(&[HOST]);
    let small = Small::new(&world);
    world.trouble(HOST, Trouble::Status(503));
    small
        .refused(&["--config", "net.retry=1"])
        .code(5)
        .stderr_has("spurious network error (1 try remaining): ")
        .stderr_has("failed to fetch its .crate: `https://a.example/cargo/crates/")
        .stderr_has(".crate` answered with HTTP status 503")
        .stderr_has("help: check the network and try again; `--offline` works with what is cached");
    assert_eq!(world.asked_for(HOST, "leaf-1.0.0.crate"), 2);
    world.set_env("CARGO_NET_RETRY", "0");
    small.refused(&[]).code(5).stderr_lacks("spurious");
    assert_eq!(world.asked_for(HOST, "leaf-1.0.0.crate"), 3);
}

#[test]
fn what_waiting_does_not_change_is_not_tried_again() {
    let world = World::new(&[HOST]);
    let small = Small::new(&world);
    world.trouble(HOST, Trouble::Status(404));
    small
        .refused(&[])
        .stderr_lacks("spurious")
        .stderr_has(".crate` is not at `https://a.example/cargo/crates/");
    assert_eq!(world.asked_for(HOST, "leaf-1.0.0.crate"), 1);
    world.no_trouble(HOST, Trouble::Status(404));
    world.trouble(HOST, Trouble::Status(403));
    small.refused(&[]).code(5).stderr_lacks("spurious").stderr_has(".crate` answered with HTTP status 403");
    assert_eq!(world.asked_for(HOST, "leaf-1.0.0.crate"), 2);
}

#[test]
fn a_wrong_crate_is_not_fetched_again_and_again() {
    let world = World::new(&[HOST]);
    let small = Small::new(&world);
    world.tamper(HOST, "cargo/crates/leaf/leaf-1.0.0.crate", |bytes| bytes.push(0));
    small.refused(&[]).code(4).stderr_lacks("spurious").stderr_has("is expected");
    assert_eq!(world.asked_for(HOST, "leaf-1.0.0.crate"), 1);
}

#[test]
fn a_body_that_breaks_off_is_fetched_again() {
    let world = World::new(&[HOST]);
    let small = lost(&world);
    let front = Front::cutting(&world, HOST, 2, 100_000);
    small
        .nsvendor(&[])
        .success()
        .stderr_has(
            "warning: spurious network error (3 tries remaining): the connection to `a.example` broke off",
        )
        .stderr_has("Vendored 3 packages");
    assert_eq!(front.left(), 0);
    assert_eq!(parts(&world), Vec::<String>::new());
}

#[test]
fn a_host_that_hangs_up_is_asked_again() {
    let world = World::new(&[HOST]);
    let small = lost(&world);
    let front = Front::cutting(&world, HOST, 2, 0);
    small
        .nsvendor(&[])
        .success()
        .stderr_has("warning: spurious network error (")
        .stderr_has("Vendored 3 packages");
    assert_eq!(front.left(), 0);
}

#[test]
fn a_host_that_never_answers_is_left_after_the_time_that_is_set() {
    let world = World::new(&[HOST]);
    let small = lost(&world);
    let _silent = HostileHost::silent(&world, HOST);
    let started = Instant::now();
    small
        .refused(&["--config", "http.timeout=1", "--config", "net.retry=0"])
        .code(5)
        .stderr_has("`a.example` did not answer `https://a.example/")
        .stderr_has("help: check the network");
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
}

/// Ctrl-C, a request to terminate, and a kill, each while one .crate has come and another is on its way.
#[test]
fn ended_while_downloading_the_next_run_goes_on() {
    for signal in ["INT", "TERM", "KILL"] {
        let world = World::new(&[HOST]);
        let small = with_a_big_one(&world);
        let before = small.project.snapshot();
        world.trouble(HOST, Trouble::Slow);
        let mut running = start(&small);
        let arrived = |name: &str| {
            let found =
                fs::read_dir(world.cargo_home().join("namespaces/crates")).into_iter().flatten().flatten();
            found.filter(|entry| entry.file_name().to_string_lossy().ends_with(name)).count()
        };
        running.wait_until(|_| arrived(".crate") == 2 && !parts(&world).is_empty(), "two .crates and a part");
        running.signal(signal);
        let (ended, said) = running.end();
        let clean = signal != "KILL";
        assert_eq!(ended.code(), clean.then_some(130), "{signal}: {said}");
        assert_eq!(ended.signal(), (!clean).then_some(9));
        if clean {
            small.project.assert_unchanged(&before);
            assert_eq!(parts(&world), Vec::<String>::new(), "{signal}");
            assert!(!said.contains("error:"), "{said}");
        }
        world.no_trouble(HOST, Trouble::Slow);
        small.nsvendor(&[]).success().stderr_has("Vendored 3 packages").stderr_has("Downloaded 1 crate (");
        for (name, times) in [("leaf-1.0.0.crate", 1), ("hello-1.0.0.crate", 1), ("big-1.0.0.crate", 2)] {
            assert_eq!(world.asked_for(HOST, name), times, "{signal}: {name}");
        }
        assert_eq!(parts(&world), Vec::<String>::new(), "{signal}");
        let now = small.project.snapshot();
        let strays: Vec<&str> =
            now.paths().filter(|path| !path.starts_with("vendor") && !before.has(path)).collect();
        assert_eq!(strays, Vec::<&str>::new(), "{signal}");
    }
}

/// The project, and eight .crates of 40 kB that are slow to come.
fn many(world: &World) -> Small<'_> {
    let small = Small::new(world);
    let mut manifest = small.project.read("Cargo.toml");
    for number in 0..8 {
        let name = format!("part-{number}");
        small.site.release(&name, "1.0.0").file("noise", noise(40_000)).publish();
        manifest.push_str(&small.site.consumer_dependency(&name, "1"));
    }
    small.project.write("Cargo.toml", &manifest);
    small.lock();
    world.trouble(HOST, Trouble::Slow);
    small
}

fn of_parts(world: &World) -> Vec<Delivery> {
    world.deliveries(HOST).into_iter().filter(|found| found.path.contains("/part-")).collect()
}

#[test]
fn downloads_share_one_connection_and_overlap() {
    let world = World::new(&[HOST]);
    let small = many(&world);
    small.nsvendor(&[]).success().stderr_has("Downloaded 10 crates (").stderr_has("KiB) in ");
    let found = of_parts(&world);
    assert_eq!(found.len(), 8);
    assert!(found.iter().all(|one| one.protocol == "HTTP/2.0"), "{found:?}");
    assert!(found.iter().all(|one| one.connection == found[0].connection), "{found:?}");
    assert!(found.iter().all(|one| one.user_agent.starts_with("cargo-namespaces/")), "{found:?}");
    let last_began = found.iter().map(|one| one.began).fold(0.0, f64::max);
    let first_ended = found.iter().map(|one| one.ended).fold(f64::MAX, f64::min);
    assert!(last_began < first_ended, "one after another: {found:?}");
}

#[test]
fn cargos_settings_for_http_are_ours() {
    let world = World::new(&[HOST]);
    let small = many(&world);
    let settings = "[http]\nmultiplexing = false\nuser-agent = \"the-agent/7\"\n";
    let config = small.project.read(".cargo/config.toml");
    small.project.write(".cargo/config.toml", &format!("{config}{settings}"));
    small.nsvendor(&[]).success();
    let found = of_parts(&world);
    assert_eq!(found.len(), 8);
    assert!(found.iter().all(|one| one.protocol == "HTTP/1.1"), "{found:?}");
    assert!(found.iter().all(|one| one.user_agent == "the-agent/7"), "{found:?}");
    let connections: std::collections::BTreeSet<&str> =
        found.iter().map(|one| one.connection.as_str()).collect();
    assert!(connections.len() > 1, "{found:?}");
    // Without the authority that the variables of the world name, no host is believed; without the proxy, none is found.
    lose(&small);
    let bare = |without: &str| {
        let mut command = world.nsvendor();
        command.env_remove(without).current_dir(small.project.path());
        run(command.args(["--strict", "--config", "net.retry=0"])).code(5)
    };
    bare("CARGO_HTTP_CAINFO").stderr_has("no trusted TLS connection to `a.example`");
    bare("CARGO_HTTP_PROXY").stderr_has("failed to find the address of `a.example`");
    let found = [
        ("http.proxy", world.variable("CARGO_HTTP_PROXY")),
        ("http.cainfo", world.variable("CARGO_HTTP_CAINFO")),
    ];
    let mut command = world.nsvendor();
    command.env_remove("CARGO_HTTP_CAINFO").env_remove("CARGO_HTTP_PROXY").current_dir(small.project.path());
    for (key, value) in found {
        command.args(["--config", &format!("{key}={value:?}")]);
    }
    run(&mut command).success();
}
