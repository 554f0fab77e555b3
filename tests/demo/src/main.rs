//! Shows the main job; `cargo xtask demo` builds what it needs and runs it.

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let show: fn() = match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => main_job,
        [flag] if flag == "--ripgrep" => namespace_demo::ripgrep,
        _ => {
            eprintln!("error: the only flag is `--ripgrep`");
            return ExitCode::from(2);
        }
    };
    let begin = Instant::now();
    show();
    println!("\n# Done in {:.0} s.", begin.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

/// By a static site, then by a registry.
fn main_job() {
    namespace_demo::small();
    println!("\n# ----------------------------------------------------------------------------\n");
    namespace_demo::registry();
}
