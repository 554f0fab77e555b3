//! What the commands print without a network: help, versions, usage errors. `TRYCMD=overwrite` writes the transcripts
//! again.

use namespace_world::Home;

#[test]
fn transcripts() {
    // No host, but a home: a command must not see the person's who runs the tests.
    let world = Home::new();
    let cases = trycmd::TestCases::new();
    for command in [world.nsadd(), world.nspublish(), world.nsvendor(), world.nsregistry()] {
        let path = std::path::Path::new(command.get_program());
        let name = path.file_name().expect("a program has a name").to_string_lossy();
        cases.register_bin(name, path);
    }
    let cargo = namespace_world::programs::find("cargo");
    cases.register_bin("cargo", cargo.as_path());
    for (name, value) in world.environment() {
        cases.env(name, value);
    }
    cases.env("COLUMNS", "100").case("transcripts/*.trycmd").run();
}
