//! The validators that the makers of CycloneDX and SPDX publish, in `target/validators` (`tests/validators.txt`).

use std::path::{Path, PathBuf};

use crate::{programs, run};

/// CycloneDX's own library, with the strict schema: what the schema does not name is an error.
const CYCLONEDX: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
sys.exit(0 if error is None else str(error))
";

/// SPDX's own tools, as `pyspdxtools` runs them: the shape, the licences, the identifiers.
const SPDX: &str = "
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
messages = validate_full_spdx_document(parse_file(sys.argv[1]), 'SPDX-2.3')
sys.exit(0 if not messages else '\\n'.join(m.validation_message for m in messages))
";

/// A CycloneDX document is valid.
#[track_caller]
pub fn assert_cyclonedx(path: &Path) {
    assert!(path.to_string_lossy().ends_with(".json"), "JSON is validated");
    validate(CYCLONEDX, path);
}

/// An SPDX document is valid.
#[track_caller]
pub fn assert_spdx(path: &Path) {
    assert!(path.to_string_lossy().ends_with(".spdx.json"), "the tools know the format by the name");
    validate(SPDX, path);
}

#[track_caller]
fn validate(script: &str, path: &Path) {
    let mut python = programs::command("python3");
    python.args(["-c", script]).arg(path).env("PYTHONPATH", installed());
    run(&mut python).success();
}

/// # Panics
///
/// When the validators are not installed: a bill of materials that nobody validated is not known to be valid.
fn installed() -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/validators");
    assert!(
        directory.join("spdx_tools").is_dir() && directory.join("cyclonedx").is_dir(),
        "the validators are not installed: `cargo xtask test` does it, or \
         `pip3 install --target target/validators -r tests/validators.txt`"
    );
    directory
}
