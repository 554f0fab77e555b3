//! `cargo xtask install`: the commands, with their manual pages and completions.
//!
//! All commands are built at once. `cargo install` for one after the other would choose features for each, and compile most of
//! what they share again.
//!
//! | | with `--root DIR` | without |
//! |---|---|---|
//! | commands | `DIR/bin` | `bin` in `CARGO_INSTALL_ROOT`, or else in `CARGO_HOME` |
//! | manual pages | `DIR/share/man/man1` | `share/man/man1` beside that `bin`, where `man` looks |
//! | completions | in `DIR/share` | in `XDG_DATA_HOME`, or else in `~/.local/share` |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::step::{COMMANDS, Profile, Steps, build_commands, built_in, target};

/// How the script for bash begins. It serves `cargo` as well, whose completion may be somebody else's file.
const OUR_COMPLETION: &str = "# Completion of `cargo ";

/// The directories that an installation writes to.
pub struct Places {
    /// In `PATH`, for Cargo to find its subcommands.
    pub bin: PathBuf,
    /// A `man1` that `man` finds beside that directory.
    pub man: PathBuf,
    /// Above the directories in which bash, zsh and fish look for completions.
    pub data: PathBuf,
}

impl Places {
    /// Everything below one directory.
    pub fn below(root: &Path) -> Self {
        let data = root.join("share");
        Self { bin: root.join("bin"), man: data.join("man/man1"), data }
    }

    fn of_user() -> Result<Self, Failure> {
        let variable =
            |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = || variable("HOME").or_else(|| variable("USERPROFILE")).ok_or("`HOME` is not set");
        let root = match variable("CARGO_INSTALL_ROOT").or_else(|| variable("CARGO_HOME")) {
            Some(root) => root,
            None => home()?.join(".cargo"),
        };
        let data = match variable("XDG_DATA_HOME") {
            Some(data) => data,
            None => home()?.join(".local/share"),
        };
        Ok(Self { data, ..Self::below(&root) })
    }
}

/// Builds the commands, puts everything in its place, and says what is left to the user.
pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let places = match arguments {
        [] => Places::of_user()?,
        [flag, root] if flag == "--root" => Places::below(Path::new(root)),
        [flag] if flag.starts_with("--root=") => Places::below(Path::new(&flag["--root=".len()..])),
        [unexpected, ..] => return Err(format!("unexpected argument `{unexpected}`")),
    };
    let mut steps = Steps::default();
    build_commands(&mut steps, &target()?, &[])?;
    for file in lay_out(&built_in(Profile::Release)?, &places)? {
        eprintln!("   Installed {}", file.display());
    }
    steps.summary();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if !std::env::split_paths(&path).any(|directory| directory == places.bin) {
        eprintln!("note: add `{}` to `PATH`: Cargo finds its subcommands there", places.bin.display());
    }
    eprintln!(
        "note: zsh reads completions from the directories in `fpath`: add `{}` before `compinit` in ~/.zshrc",
        places.data.join("zsh/site-functions").display()
    );
    Ok(())
}

/// Copies the commands from where they were built, and has each print its manual page and completions. What was written.
pub fn lay_out(built_in: &Path, places: &Places) -> Result<Vec<PathBuf>, Failure> {
    let mut written = Vec::new();
    let mut bash = String::new();
    for name in COMMANDS {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        let program = places.bin.join(&file);
        let bytes = read(&built_in.join(&file))?;
        // Put in the place of one that may be running.
        let part = places.bin.join(format!(".{file}.part"));
        write(&part, &bytes)?;
        executable(&part)?;
        fs::rename(&part, &program).map_err(|error| failed("write", &program, &error))?;
        written.push(program.clone());
        let texts = [
            ("man", places.man.join(format!("{name}.1"))),
            ("zsh", places.data.join(format!("zsh/site-functions/_{name}"))),
            ("fish", places.data.join(format!("fish/vendor_conf.d/{name}.fish"))),
            ("bash", places.data.join(format!("bash-completion/completions/{name}"))),
        ];
        for (kind, path) in texts {
            let text = generated(&program, kind)?;
            write(&path, text.as_bytes())?;
            written.push(path);
            if kind == "bash" {
                bash.push_str(&text);
            }
        }
    }
    // bash looks for what completes `cargo nsadd` by the name of `cargo`.
    let cargos = places.data.join("bash-completion/completions/cargo");
    match fs::read_to_string(&cargos) {
        Ok(theirs) if !theirs.starts_with(OUR_COMPLETION) => eprintln!(
            "note: `{}` stays as it is: for `cargo nsadd <TAB>` in bash, source `{}` in ~/.bashrc",
            cargos.display(),
            cargos.with_file_name(COMMANDS[0]).display()
        ),
        _ => {
            write(&cargos, bash.as_bytes())?;
            written.push(cargos);
        }
    }
    Ok(written)
}

fn generated(program: &Path, kind: &str) -> Result<String, Failure> {
    let output = Command::new(program).args(["--generate", kind]).output();
    let output = output.map_err(|error| failed("start", program, &error))?;
    if !output.status.success() {
        return Err(format!("`{} --generate {kind}` failed", program.display()));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{}` printed no text", program.display()))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| failed("read", path, &error))
}

/// Writes a file, with the directories above it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let above = path.parent().unwrap_or(path);
    fs::create_dir_all(above).map_err(|error| failed("create", above, &error))?;
    fs::write(path, bytes).map_err(|error| failed("write", path, &error))
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::Permissions::from_mode(0o755);
    fs::set_permissions(path, mode).map_err(|error| failed("make executable", path, &error))
}

#[cfg(not(unix))]
fn executable(_path: &Path) -> Result<(), Failure> {
    Ok(())
}

fn failed(action: &str, path: &Path, error: &std::io::Error) -> Failure {
    format!("cannot {action} `{}`: {error}", path.display())
}
