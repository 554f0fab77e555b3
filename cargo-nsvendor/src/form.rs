//! The forms of what is vendored. All hold the same packages, verified in the same way.

use crate::suggest::UnknownWord;

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// One directory source for each source, unpacked.
    #[default]
    Directory,
    /// One of Cargo's local registries for each registry: .crate files and an index.
    LocalRegistry,
    /// The directory in one file.
    TarZst,
}

const NAMES: [(&str, Form); 3] =
    [("dir", Form::Directory), ("local-registry", Form::LocalRegistry), ("tar.zst", Form::TarZst)];

impl Form {
    /// Reads `dir`, `local-registry`, `tar.zst`; `directory` and `tar.zstd` mean the same.
    ///
    /// # Errors
    /// Anything else; what was meant.
    pub fn parse(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "directory" => Ok(Self::Directory),
            "tar.zstd" => Ok(Self::TarZst),
            other => NAMES
                .iter()
                .find(|(name, _)| *name == other)
                .map(|(_, form)| *form)
                .ok_or_else(|| UnknownWord::new("form", other, NAMES.iter().map(|(name, _)| *name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_read_by_its_names() {
        assert_eq!(Form::parse("local-registry"), Ok(Form::LocalRegistry));
        assert_eq!(
            (Form::parse("directory"), Form::parse("tar.zstd")),
            (Ok(Form::Directory), Ok(Form::TarZst))
        );
        assert!(
            Form::parse("local_registry").unwrap_err().to_string().contains("did you mean `local-registry`?")
        );
    }
}
