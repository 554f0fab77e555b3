//! Where a namespace is published: what was decided is said with its reason, and a flag that contradicts it is refused.

use super::{Flow, commands, follower, put_up};

const DEFAULT: &str = "sparse+https://hello.example/cargo/index/";
const AT_REGISTRY: &str = "sparse+https://crates.example/index/hello.example/";

#[test]
fn a_plain_set_up_says_which_index_it_chose_and_what_chooses_another() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    let ran = author.run("cargo nspublish setup hello.example --recovery-file ../recovery.pem").success();
    let ran = ran.shows(&format!("Using the index {DEFAULT} (the default: nothing names another)"));
    let to_registry = "cargo nspublish setup hello.example --instance https://REGISTRY --change-index";
    let to_site = "cargo nspublish setup hello.example --site DIR --change-index";
    assert_eq!(commands(&ran.text), [to_registry, to_site], "{ran}");
    author.run(&to_registry.replace("https://REGISTRY", "https://crates.example")).success();
    let ran = author.run("cargo nspublish setup hello.example").success();
    ran.shows(&format!("Using the index {AT_REGISTRY} (as it was set up on this machine)"));
    let ran = author.run(&to_site.replace("DIR", "../site")).success().shows(DEFAULT);
    assert!(commands(&ran.text).iter().all(|line| !line.contains("--change-index")), "{ran}");
    author.run("cargo nspublish --allow-dirty").success().shows("into ../site");
}

#[test]
fn set_up_says_what_named_the_index() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    let config = format!("[registries.hello_example]\nindex = \"{AT_REGISTRY}\"\n");
    author.write(".cargo/config.toml", &config);
    let setup = "cargo nspublish setup hello.example --no-recovery";
    let ran = author.run(setup).success();
    ran.shows(&format!("Using the index {AT_REGISTRY} (by `[registries.hello_example]` in "));
    author.run("rm -r .cargo $CARGO_HOME/namespaces $CARGO_HOME/config.toml").success();
    author.set("CARGO_NAMESPACES_INSTANCE", "https://crates.example");
    author
        .run(setup)
        .success()
        .shows(&format!("Using the index {AT_REGISTRY} (what https://crates.example gives it"));
    // What the domain says goes before the instance.
    author.run(&format!("cargo nspublish setup --index {DEFAULT} --change-index")).success();
    author.run("mkdir -p $WWW/.well-known/rust-lang.org && cp $CARGO_HOME/namespaces/publisher/hello.example/*.json $WWW/.well-known/rust-lang.org").success();
    let mut other = flow.other_machine();
    other.set("CARGO_NAMESPACES_INSTANCE", "https://crates.example");
    let place = "https://hello.example/.well-known/rust-lang.org/package-namespace.json";
    other.run(setup).success().shows(&format!("Using the index {DEFAULT} (by {place})"));
}

#[test]
fn a_configured_index_that_differs_is_said_before_anything_is_made() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    author.run("cargo nspublish setup hello.example --no-recovery").success();
    let config = format!("[registries.hello_example]\nindex = \"{AT_REGISTRY}\"\n");
    author.write(".cargo/config.toml", &config);
    author.run("cargo nspublish setup hello.example").code(6).shows("was set up with the index");
    author
        .run(&format!("cargo nspublish setup hello.example --index {DEFAULT}"))
        .success()
        .shows(&format!("has another index: write `index = \"{DEFAULT}\"` there before you publish"));
}

#[test]
fn who_names_a_site_without_documents_is_told_the_set_up_for_that_site() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    let ran = author.run("cargo nspublish --site ../site").code(3);
    assert_eq!(commands(&ran.text), ["cargo nspublish setup hello.example --site ../site"], "{ran}");
    follower(&mut author, &[]).reach("cargo nspublish --site ../site --allow-dirty", &mut put_up);
    // Keys as well.
    let mut other = flow.other_machine();
    other.run("cargo nspublish key new laptop").success();
    let ran = other.run("cargo nspublish key rotate --namespace hello.example --well-known ../w").code(3);
    assert_eq!(
        commands(&ran.text),
        ["cargo nspublish setup hello.example --site ../site --well-known ../w"],
        "{ran}"
    );
}

#[test]
fn a_site_is_refused_for_a_namespace_that_is_on_a_registry() {
    let flow = Flow::new();
    let mut author = flow.published_to_registry();
    for line in [
        "cargo nspublish --site ../site",
        "cargo nspublish yank hello.example/hello@1.0.0 --site ../site",
        "cargo nspublish key rotate --namespace hello.example --site ../site",
        "cargo nspublish key revoke device --namespace hello.example --yes --site ../site",
        "cargo nspublish setup hello.example --site ../site",
    ] {
        let ran = author
            .run(line)
            .code(3)
            .shows("hello.example is published to the registry crates.example, not into the site `../site`")
            .shows(AT_REGISTRY)
            .shows("leave `--site` out to publish there");
        let moving = "cargo nspublish setup hello.example --site ../site --change-index";
        assert_eq!(commands(&ran.text), [moving], "{ran}");
        author.run("test ! -e ../site").success();
        author.run("cargo nspublish key list").success().shows("device");
    }
    // Where the domain alone says so, and where the project does.
    let mut other = flow.other_machine();
    other.run("rm -rf .cargo").success();
    let line = "cargo nspublish --allow-dirty --site ../site";
    let place = "https://hello.example/.well-known/rust-lang.org/package-namespace.json";
    other.run(line).code(3).shows(&format!("{AT_REGISTRY} (by {place})"));
    other.run("cargo nsadd --register hello.example && rm $WWW/.well-known -r; true").success();
    author.run("rm -r $WWW/.well-known").success();
    other.run(line).code(3).shows(&format!("{AT_REGISTRY} (by `[registries.hello_example]` in "));
}

#[test]
fn a_remembered_site_goes_when_the_namespace_moves_to_a_registry() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    author.run("cargo nspublish setup hello.example --site ../site --no-recovery").success();
    author.run("grep 'site =' Cargo.toml").success();
    author
        .run("cargo nspublish setup hello.example --instance https://crates.example --change-index")
        .success()
        .shows("Removed the site from Cargo.toml");
    author.run("grep 'site =' Cargo.toml").failure();
    follower(&mut author, &[]).reach("cargo nspublish --allow-dirty", &mut put_up);
    // Written again by hand.
    author.run("printf 'site = \"../site\"\\n' >> Cargo.toml; tail -4 Cargo.toml").success();
    let manifest = author.run("cat Cargo.toml").text;
    assert!(manifest.contains("[package.metadata.namespaces]"), "{manifest}");
    author.write(
        "Cargo.toml",
        &manifest
            .lines()
            .filter(|line| !line.starts_with("site"))
            .map(|line| match line {
                "[package.metadata.namespaces]" => format!("{line}\nsite = \"../site\"\n"),
                line => format!("{line}\n"),
            })
            .collect::<String>(),
    );
    author
        .run("cargo nspublish --allow-dirty")
        .code(3)
        .shows("remove `site` below `[package.metadata.namespaces]` in Cargo.toml to publish there");
}

#[test]
fn a_registry_is_refused_for_a_namespace_that_is_a_site() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    follower(&mut author, &[]).reach("cargo nspublish --allow-dirty --site ../site", &mut put_up);
    author.run("cp -r ../site/. $WWW").success();
    author.run("cargo nspublish --allow-dirty --instance https://crates.example").code(3).shows(&format!(
        "hello.example has the index {DEFAULT}, and `--instance https://crates.example` would give it another"
    ));
    author
        .run("cargo nspublish setup hello.example --instance https://crates.example")
        .code(3)
        .shows("was set up with another index");
    author
        .run("cargo nspublish setup hello.example --instance https://crates.example --site ../site")
        .code(2);
}

#[test]
fn status_says_that_nothing_is_decided_and_what_decides() {
    let flow = Flow::new();
    let mut author = flow.author_with_package();
    author.run("cargo nspublish key new laptop").success();
    let ran = author
        .run("cargo nspublish status hello.example")
        .code(3)
        .shows(&format!("index      not decided: {DEFAULT} would be it (the default: nothing names another)"))
        .shows("registry   not decided");
    let deciding = ["cargo nspublish --site DIR", "cargo nspublish --instance https://REGISTRY"];
    assert_eq!(commands(&ran.text), deciding, "{ran}");
    let json = author.run("cargo nspublish status hello.example --message-format json").code(3);
    json.shows("\"index_decided\":false").shows("\"index_from\":\"default\"");
    author.set("CARGO_NAMESPACES_INSTANCE", "https://crates.example");
    author.run("cargo nspublish status hello.example").code(3).shows(&format!(
        "index      not decided: {AT_REGISTRY} would be it (what https://crates.example gives it"
    ));
    author.forget(&["CARGO_NAMESPACES_INSTANCE"]);
    follower(&mut author, &[]).reach("cargo nspublish --allow-dirty --site ../site", &mut put_up);
    author.run("cargo nspublish status hello.example").success().shows(&format!("index      {DEFAULT}\n"));
}
