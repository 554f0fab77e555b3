//! The exit codes: one public table for all commands.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done.
    Ok,
    /// 1: a failure that none of the others describes.
    Failure,
    /// 2: the command line cannot be understood.
    Usage,
    /// 3: somebody must do something first; what, and the command to resume with, were printed.
    ActionRequired,
    /// 4: a release is not verified or not trusted.
    Refused,
    /// 5: a domain, index or registry cannot be reached.
    Unreachable,
    /// 6: a manifest, lock file, package or configuration is invalid.
    InvalidInput,
    /// What the cargo that was run ended with, passed on; 101 as a rule.
    Cargo(u8),
    /// 130: interrupted by Ctrl-C.
    Interrupted,
}

impl ExitCode {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::ActionRequired => 3,
            Self::Refused => 4,
            Self::Unreachable => 5,
            Self::InvalidInput => 6,
            Self::Cargo(code) => code,
            Self::Interrupted => 130,
        }
    }

    /// The table as the help and the manual pages print it.
    pub const TABLE: &'static str = "  0    done
  1    failed for another reason
  2    the command line cannot be understood
  3    action required: what to do, and how to resume, were printed
  4    refused: a release is not verified or not trusted
  5    unreachable: a domain, an index or a registry does not answer
  6    invalid input: a manifest, lock file, package or configuration
  101  cargo failed; its own exit code is passed on
  130  interrupted";
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_every_code() {
        let all = [
            ExitCode::Ok,
            ExitCode::Failure,
            ExitCode::Usage,
            ExitCode::ActionRequired,
            ExitCode::Refused,
            ExitCode::Unreachable,
            ExitCode::InvalidInput,
            ExitCode::Cargo(101),
            ExitCode::Interrupted,
        ];
        let numbers: Vec<u8> = ExitCode::TABLE
            .lines()
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, all.map(ExitCode::code));
    }
}
