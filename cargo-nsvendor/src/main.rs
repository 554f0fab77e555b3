//! `cargo nsvendor`.

fn main() {}
