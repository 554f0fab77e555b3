//! `cargo nsadd`.

fn main() {}
