//! How many files and sockets this process may have open.
//!
//! Most systems start a program with a limit of 1024, for compatibility with very old programs, and let it ask for more.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not for connections with a slot: those of the database, of files that are being read and written, of
/// questions to domains (four each), and of connections that wait for a slot or have just lost theirs.
const RESERVED: usize = 768;

/// Raises the limit as far as possible. Returns how many of the `wanted` connections can be open.
pub fn connection_limit(wanted: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_ok();
    let limit = if raised { maximum } else { current };
    let limit = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let most = wanted.min(limit.saturating_sub(RESERVED).max(1));
    if most < wanted {
        tracing::error!(
            "at most {most} connections at a time, and not the {wanted} of `server.max-connections`: this process may open \
             {limit} files (raise the hard limit, such as `LimitNOFILE=` of systemd)"
        );
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_the_rest() {
        let most = connection_limit(usize::MAX);
        let limit =
            getrlimit(Resource::Nofile).current.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap());
        assert!(most == 1 || most <= limit - RESERVED);
        assert_eq!(connection_limit(1), 1);
    }
}
