//! What the commands print without a network: help, versions, usage errors. Each file below `transcripts` shows one
//! behaviour of the command whose folder it is in. `TRYCMD=overwrite` writes them again.

use namespace_world::Home;

#[test]
fn transcripts() {
    // A command must not see the home of the person who runs the tests.
    let home = Home::new();
    let cases = trycmd::TestCases::new();
    for command in [home.nsadd(), home.nspublish(), home.nsvendor(), home.nsregistry()] {
        let path = std::path::Path::new(command.get_program());
        let name = path.file_name().expect("a program has a name").to_string_lossy();
        cases.register_bin(name, path);
    }
    let cargo = namespace_world::programs::find("cargo");
    cases.register_bin("cargo", cargo.as_path());
    for (name, value) in home.environment() {
        cases.env(name, value);
    }
    cases.env("COLUMNS", "100").case("transcripts/*/*.trycmd").run();
}
