//! What goes wrong with a registry in its life, done to the real one on purpose: `cargo xtask fault` shows it with its
//! figures, and the tests `registry::faults` run the same.
//!
//! Each fault builds a world and a registry of its own, does its harm, and checks what must hold all the same: whoever
//! asked got a clear answer, nothing acknowledged is lost, nothing is half visible, others are served, and once the harm
//! is over the registry goes on by itself.

#![expect(
    clippy::disallowed_methods,
    reason = "throw-away files of a test world; what is banned guards user files"
)]

mod bodies;
mod crowd;
mod database;
mod disk;
mod kill;
mod race;
mod slow;
mod starving;

use namespace_world::figures::Numbers;

/// A fault: a name, what is done, and what does it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// As the command line and its test call it.
    pub name: &'static str,
    /// What happens, in a line.
    pub about: &'static str,
    /// Does it; panics when the registry does not stand it. The figures; none where the person does without it
    /// ([`namespace_world::require()`]).
    pub run: fn() -> Numbers,
}

/// All of them.
pub const FAULTS: [Fault; 12] = [
    Fault {
        name: "full-disk",
        about: "the disk of the data directory fills up, and is freed",
        run: disk::full,
    },
    Fault {
        name: "read-only",
        about: "the objects' directory loses its write permission",
        run: disk::read_only,
    },
    Fault {
        name: "database-locked",
        about: "somebody else holds the database's lock",
        run: database::locked,
    },
    Fault {
        name: "database-gone",
        about: "the database's files go away, and come back",
        run: database::gone,
    },
    Fault { name: "slow-clients", about: "clients that send or read by drops", run: slow::clients },
    Fault { name: "huge-body", about: "2 GiB are sent, with a length and without", run: bodies::huge },
    Fault { name: "idle-connections", about: "10,000 connections that do nothing", run: crowd::idle },
    Fault {
        name: "two-publishers",
        about: "one version by several, at the same moment",
        run: race::publishers,
    },
    Fault {
        name: "slow-uploads",
        about: "fifty connections upload 64 MiB each, by nobody and by strangers with domains of their own",
        run: starving::uploads,
    },
    Fault {
        name: "slow-questions",
        about: "two hundred bodies that never end, where nobody needs a key",
        run: starving::questions,
    },
    Fault {
        name: "slow-domains",
        about: "96 domains that do not answer are asked for at once",
        run: starving::domains,
    },
    Fault { name: "kill-9", about: "killed in the middle of concurrent publishes", run: kill::nine },
];

/// Runs the fault of this name.
///
/// # Panics
///
/// When there is none, and when the registry does not stand it.
#[must_use]
pub fn run(name: &str) -> Numbers {
    let fault = FAULTS.iter().find(|fault| fault.name == name);
    let fault = fault.unwrap_or_else(|| panic!("no fault is called {name}"));
    let numbers = (fault.run)();
    eprint!("{numbers}");
    numbers
}
