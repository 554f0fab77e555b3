//! `cargo nspublish`.

fn main() {}
