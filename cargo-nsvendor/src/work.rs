//! Independent items, worked on by all cores.
//!
//! Items are taken one after another in their order: if the largest come first, no core waits for another at the end.

use std::cell::RefCell;
use std::sync::{LazyLock, mpsc};
use std::thread;

use cargo_namespaces::package::Scratch;
use cargo_namespaces_cli::interrupt::{self, Interrupted};
use rayon::iter::{ParallelBridge as _, ParallelIterator as _};
use rayon::{ThreadPool, ThreadPoolBuilder};

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Calls `work` with this thread's buffer for an unpacked .crate.
pub fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(work)
}

/// More threads than this only compete for the disk.
const MAX_THREADS: usize = 16;

static POOL: LazyLock<ThreadPool> = LazyLock::new(|| {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    ThreadPoolBuilder::new().num_threads(threads).build().expect("the system starts a few threads")
});

/// Runs `work` on every item. Returns the results in the order of the items.
///
/// # Errors
/// The first error that happens. After it no further item is begun. Ctrl-C counts as one.
pub fn for_each<I, T, E, F>(items: &[I], work: F) -> Result<Vec<T>, E>
where
    I: Sync,
    T: Send,
    E: From<Interrupted> + Send,
    F: Fn(&I) -> Result<T, E> + Sync,
{
    let mut done = run(items.iter().enumerate(), |item| work(item))?;
    done.sort_unstable_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}

/// As [`for_each`] for items whose positions arrive one after another, until the sender is gone. The results are those of the
/// positions that arrived, in no order.
pub fn for_each_arriving<I, T, E, F>(
    items: &[I],
    arriving: mpsc::Receiver<usize>,
    work: F,
) -> Result<Vec<(usize, T)>, E>
where
    I: Sync,
    T: Send,
    E: From<Interrupted> + Send,
    F: Fn(&I) -> Result<T, E> + Sync,
{
    run(arriving.into_iter().map(|at| (at, &items[at])), work)
}

fn run<'i, I, T, E, F>(
    items: impl Iterator<Item = (usize, &'i I)> + Send,
    work: F,
) -> Result<Vec<(usize, T)>, E>
where
    I: Sync + 'i,
    T: Send,
    E: From<Interrupted> + Send,
    F: Fn(&I) -> Result<T, E> + Sync,
{
    let one = |(at, item)| {
        interrupt::check()?;
        Ok((at, work(item)?))
    };
    POOL.install(|| items.par_bridge().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_cli::shell::{CliError, ExitCode};
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn results_are_in_order_whatever_finishes_first() {
        let items: Vec<u64> = (0..100).collect();
        let doubled = for_each(&items, |item| {
            thread::sleep(std::time::Duration::from_micros(100 - item));
            Ok::<_, CliError>(item * 2)
        });
        assert_eq!(doubled.unwrap(), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(for_each::<u8, u8, CliError, _>(&[], |_| Ok(0)).unwrap(), Vec::<u8>::new());
    }

    #[test]
    fn after_an_error_nothing_is_begun() {
        let begun = AtomicUsize::new(0);
        let items: Vec<usize> = (0..10_000).collect();
        let error = for_each(&items, |item| {
            begun.fetch_add(1, Ordering::Relaxed);
            if *item == 3 { Err(CliError::new(ExitCode::Failure, "three")) } else { Ok(()) }
        });
        assert_eq!(error.unwrap_err().message(), "three");
        assert!(begun.load(Ordering::Relaxed) < 10_000);
    }

    #[test]
    fn what_arrives_is_worked_on_and_what_does_not_is_not() {
        let items: Vec<usize> = (0..10).collect();
        let (send, arriving) = mpsc::channel();
        [7, 2].into_iter().for_each(|at| send.send(at).unwrap());
        drop(send);
        let mut done = for_each_arriving(&items, arriving, |item| Ok::<_, CliError>(item * 2)).unwrap();
        done.sort_unstable();
        assert_eq!(done, [(2, 4), (7, 14)]);
    }
}
