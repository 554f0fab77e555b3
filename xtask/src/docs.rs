//! `cargo xtask docs`: the API documentation, where a broken link is an error. `--bless` instead puts what the examples
//! of the pages and the transcripts really print into them.

use std::process::Command;

use crate::step::{Steps, build, cargo, root};
use crate::{Failure, no_arguments, tools};

/// Builds it into `target/doc`, or brings the examples up to date.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    if let [flag] = arguments
        && flag == "--bless"
    {
        return bless();
    }
    no_arguments(arguments)?;
    Steps::default().run("docs", command(&mut cargo()))
}

/// Runs the examples and overwrites what they print. What failed for another reason than its output still fails.
fn bless() -> Result<(), Failure> {
    let mut steps = Steps::default();
    tools::debian_packages(&mut steps)?;
    build(&mut steps)?;
    let tests = ["test", "--locked", "--quiet", "--workspace", "--test", "all", "--"];
    let names = ["documentation::examples", "registry_client::transcript::", "transcripts::"];
    steps.run(
        "examples",
        cargo().env("EXAMPLES", "overwrite").env("TRYCMD", "overwrite").args(tests).args(names),
    )
}

/// Private items are documented too, so that a link to one leads somewhere; and the comments on flags are the help of
/// the commands, which is plain text with bare URLs and `<PLACEHOLDERS>`.
const RUSTDOCFLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links -A rustdoc::bare_urls \
                            -A rustdoc::invalid_html_tags";

/// The command that builds it, as a step of other tasks.
pub fn command(cargo: &mut Command) -> &mut Command {
    cargo.current_dir(root()).env("RUSTDOCFLAGS", RUSTDOCFLAGS).args([
        "doc",
        "--locked",
        "--workspace",
        "--no-deps",
        "--document-private-items",
    ])
}
