//! The demo is also a test: it checks every line that it shows.

#[test]
fn the_demo_of_the_main_job_runs_to_its_end() {
    namespace_demo::small();
}

#[test]
fn the_demo_of_the_registry_runs_to_its_end() {
    namespace_demo::registry();
}

/// The longest test of all: ripgrep and what it is made of, built four times over.
#[test]
fn the_demo_of_ripgrep_runs_to_its_end() {
    namespace_demo::ripgrep();
}
