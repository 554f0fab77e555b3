//! What the flags ask for, in plain types. [`crate::args`] makes it of the command line; nothing behind it knows clap.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::filter::FilterFlags;
use crate::form::Form;
use crate::sbom::SbomRequest;

/// One call of the command.
#[derive(Debug)]
pub struct Options {
    /// The directory that every relative path starts from: `-C`, or the current one; absolute.
    pub directory: PathBuf,
    /// `--manifest-path`
    pub manifest_path: Option<PathBuf>,
    /// `--offline` or `--frozen`
    pub offline: bool,
    /// `--config`, as given.
    pub config: Vec<String>,
    /// The flags that a cargo started by this command is given too.
    pub cargo_flags: Vec<OsString>,
    /// The directory to vendor into, as given.
    pub path: PathBuf,
    /// `--check`: compare, and write nothing.
    pub check: bool,
    /// Write the configuration instead of printing it.
    pub write_config: bool,
    /// `--trust`: a trust file or a git revision.
    pub trust: Option<String>,
    /// Refuse what could not be asked or checked.
    pub strict: bool,
    /// Compare every vendored file with its .crate, whatever is known from earlier runs.
    pub verify: bool,
    /// Keep packages that are not needed any more.
    pub no_delete: bool,
    /// `--sync`: manifests of further workspaces.
    pub sync: Vec<PathBuf>,
    /// Take packages also from directories that replace their sources.
    pub respect_source_config: bool,
    /// `--format`; with `--check`, `None` means the form that is found.
    pub form: Option<Form>,
    /// The file of `--format tar.zst`.
    pub output: Option<PathBuf>,
    /// The bills of materials to write.
    pub sbom: Vec<SbomRequest>,
    /// The filters that flags set; the manifest may set others.
    pub filters: FilterFlags,
}
