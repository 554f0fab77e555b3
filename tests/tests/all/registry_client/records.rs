//! The records that are shown are complete: whoever puts up just what stands at one place may publish.

use serde_json::Value;

use super::{Desk, index};

const DOCUMENT: &str = ".well-known/rust-lang.org/package-namespace.json";
const PUBLISHERS: &str = ".well-known/cargo-publishers";

/// What a publish without a terminal says is to be put where: the contents by place, for the whole namespace.
fn asked_for(desk: &Desk, project: &namespace_world::Project) -> Value {
    let output = desk
        .nspublish(&["--allow-dirty", "--no-verify", "--message-format", "json", "--instance"])
        .arg("https://crates.example")
        .within(project)
        .run()
        .code(3);
    let message: Value = serde_json::from_str(output.stdout.trim()).unwrap();
    message["places"].clone()
}

fn content<'v>(places: &'v Value, place: &str, scope: &str) -> &'v Value {
    places.as_array().unwrap().iter().find(|one| one["place"] == place && one["scope"] == scope).unwrap()
}

/// A key that comes from a variable, on a machine where nothing was set up.
#[test]
fn each_place_alone_is_enough() {
    for (place, path) in [("publishers", PUBLISHERS), ("json", DOCUMENT)] {
        for scope in ["hello.example", "hello.example/hello"] {
            let desk = Desk::new();
            desk.nspublish(&["key", "new", "ci", "--file", "ci.pem", "--plain"]).success();
            let pem = std::fs::read_to_string(desk.world.home().join("ci.pem")).unwrap();
            desk.nspublish(&["key", "delete", "ci", "--yes"]).success();
            desk.world.set_env("CARGO_NAMESPACES_KEY", &pem);
            let project = desk.package("hello", "hello", "1.0.0", "");
            let places = asked_for(&desk, &project);
            let shown = content(&places, place, scope);
            let text = match shown["file"].as_str() {
                Some(file) => std::fs::read_to_string(file).unwrap(),
                None => shown["content"].as_str().unwrap().to_owned(),
            };
            assert_eq!(shown["file"].is_string(), place == "json", "only the long one goes into a file");
            assert_eq!(text, shown["content"].as_str().unwrap());
            desk.world.serve("hello.example", path, &text);
            desk.nspublish(&["--allow-dirty", "--no-verify"])
                .within(&project)
                .success()
                .stderr_has("Published hello v1.0.0");
        }
    }
}

#[test]
fn the_shortest_place_comes_first_and_no_json_is_on_the_terminal() {
    let desk = Desk::set_up();
    let project = desk.package("hello", "hello", "1.0.0", "");
    let output = desk.nspublish(&["--allow-dirty"]).within(&project).run().code(3);
    let at = |text: &str| output.stdout.find(text).unwrap_or_else(|| panic!("{text}: {output}"));
    assert!(at("cargo-publishers:\n") < at("DNS, TXT at hello.example"), "{output}");
    assert!(at("DNS, TXT at hello.example") < at("package-namespace.json:\n"), "{output}");
    assert!(!output.stdout.contains("authorized_keys"), "{output}");
    let setup = desk.nspublish(&["setup", "hello.example", "--yes"]).success();
    assert!(!setup.stdout.contains("authorized_keys"), "{setup}");
    let file = setup.stdout.lines().find_map(|line| line.strip_prefix("the file ")).expect("it is named");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(document["index"], index("hello.example").as_str());
    assert_eq!(document["authorized_keys"].as_array().unwrap().len(), 2);
}

/// What others have at the domain stays in what is shown; what was dropped here does not come back.
#[test]
fn what_is_shown_is_merged_with_what_the_domain_serves() {
    let desk = Desk::set_up();
    desk.nspublish(&["key", "new", "gone", "--file", "gone.pem"]).success();
    desk.nspublish(&["setup", "hello.example", "--yes", "--key", "device", "--authorize", "gone"]).success();
    let other = "sha256-kdRCstHTc6I8OxwyuW+QC8gFkn4tT8/g4a0M//cvCXk=";
    let served =
        desk.nspublish(&["setup", "hello.example", "--yes", "--key", "device", "--message-format", "json"]);
    let said: Value = serde_json::from_str(served.success().stdout.lines().last().unwrap()).unwrap();
    let mut document: Value = serde_json::from_str(said["package_namespace_json"].as_str().unwrap()).unwrap();
    let gone = document["authorized_keys"].as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
    document["authorized_keys"].as_array_mut().unwrap().push(other.into());
    document["contact"] = "them@hello.example".into();
    desk.world.serve("hello.example", DOCUMENT, document.to_string());
    desk.world.serve(
        "hello.example",
        PUBLISHERS,
        format!("# ours\n{other} index={}\n", index("hello.example")),
    );

    desk.nspublish(&["setup", "hello.example", "--yes", "--key", "device", "--drop", "gone"]).success();
    let shown = desk.nspublish(&["setup", "hello.example", "--yes", "--key", "device"]).success();
    assert!(shown.stdout.contains("# ours"), "{shown}");
    assert!(!shown.stdout.contains(&gone), "what was dropped is back: {shown}");
    let file = shown.stdout.lines().find_map(|line| line.strip_prefix("the file ")).unwrap();
    let whole = std::fs::read_to_string(file).unwrap();
    assert!(
        whole.contains(other) && whole.contains("them@hello.example") && !whole.contains(&gone),
        "{whole}"
    );
}
