//! Everything end to end, as one program: real Cargo, real DNS, real HTTPS, on loopback.

mod site_builder;
mod world;
