//! How many files and sockets this process may have open.
//!
//! Most systems start a program with 1024, for the sake of very old ones, and let it ask for more. A server asks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that connections leave alone: the database, files that are being read and written, questions to domains with
/// four descriptors each, connections that wait for a place or have just given theirs away.
const RESERVED: usize = 768;

/// Raises the limit as far as it goes. How many connections there is room for, of those that are `wanted`.
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
