//! The main job, end to end, as a terminal session that anybody can repeat; `cargo xtask demo` runs it.
//!
//! Every line shown is a line run, and its output is the real one. What must come out is checked, so that the demo is
//! also a test.

#![expect(
    clippy::disallowed_methods,
    reason = "throw-away files of a test world; what is banned guards user files"
)]

mod notation;
mod registry;
mod ripgrep;
mod small;

pub use notation::into_notation;
pub use registry::registry;
pub use ripgrep::ripgrep;
pub use small::{HELLO_LIBRARY, HELLO_MANIFEST, HELLO_PROGRAM, small};

use namespace_world::{Person, World};

/// Says what the world is, and by which configuration the commands reach it.
fn introduce(world: &World, person: &Person<'_>, hosts: &[&str]) {
    let served: Vec<String> = hosts.iter().map(|host| format!("https://{host}/")).collect();
    person.say(&format!(
        "A throw-away world: nginx serves {} from\n{}, with certificates of a private authority,\nand \
         knot has a signed DNS zone. Everything below reaches them by ordinary configuration, as in a company\nwith an \
         authority and a DNS of its own:",
        served.join(" and "),
        world.root().join("hosts").display(),
    ));
    for (name, value) in world.environment() {
        if name.starts_with("CARGO_HTTP_") || name.starts_with("CARGO_NAMESPACES_") {
            println!("{name}={value}");
        }
    }
}
