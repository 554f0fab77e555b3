//! A queue of independent items and a few threads that work it off.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

use cargo_namespaces::package::Scratch;
use cargo_namespaces_cli::shell::CliError;
use cargo_namespaces_net::interrupt;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Calls `work` with this thread's room for an unpacked .crate.
pub fn with_scratch<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    SCRATCH.with_borrow_mut(work)
}

/// More threads than this only fight over the disk.
const MAX_THREADS: usize = 16;

/// Runs `work` on every item, on all cores; the results are in the items' order.
///
/// # Errors
/// The first error by the items' order among those that happened: after one, no further item is begun. Ctrl-C
/// counts as one.
pub fn for_each<I, T, F>(items: &[I], work: F) -> Result<Vec<T>, CliError>
where
    I: Sync,
    T: Send,
    F: Fn(&I) -> Result<T, CliError> + Sync,
{
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let done: Mutex<Vec<(usize, Result<T, CliError>)>> = Mutex::new(Vec::with_capacity(items.len()));
    let worker = || {
        while !failed.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return };
            let result = interrupt::check().map_err(CliError::from).and_then(|()| work(item));
            if result.is_err() {
                failed.store(true, Ordering::Relaxed);
            }
            done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(items.len());
    if threads < 2 {
        worker();
    } else {
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(worker);
            }
        });
    }
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

/// As [`for_each`] for items whose positions arrive one after another, until the sender is gone; the results are those of the
/// positions that arrived, in no order.
///
/// # Errors
/// One of the errors that happened. Ctrl-C counts as one.
pub fn for_each_arriving<I, T, F>(
    items: &[I],
    arriving: mpsc::Receiver<usize>,
    work: F,
) -> Result<Vec<(usize, T)>, CliError>
where
    I: Sync,
    T: Send,
    F: Fn(&I) -> Result<T, CliError> + Sync,
{
    let arriving = Mutex::new(arriving);
    let done: Mutex<Vec<Result<(usize, T), CliError>>> = Mutex::default();
    let next = || arriving.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let worker = || {
        while let Some(at) = next() {
            let result = interrupt::check().map_err(CliError::from).and_then(|()| work(&items[at]));
            let failed = result.is_err();
            done.lock().unwrap_or_else(PoisonError::into_inner).push(result.map(|result| (at, result)));
            if failed {
                return;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cargo_namespaces_cli::shell::ExitCode;

    #[test]
    fn results_are_in_order_whatever_finishes_first() {
        let items: Vec<u64> = (0..100).collect();
        let doubled = for_each(&items, |item| {
            thread::sleep(std::time::Duration::from_micros(100 - item));
            Ok(item * 2)
        });
        assert_eq!(doubled.unwrap(), items.iter().map(|item| item * 2).collect::<Vec<_>>());
        assert_eq!(for_each::<u8, u8, _>(&[], |_| Ok(0)).unwrap(), Vec::<u8>::new());
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
        let mut done = for_each_arriving(&items, arriving, |item| Ok(item * 2)).unwrap();
        done.sort_unstable();
        assert_eq!(done, [(2, 4), (7, 14)]);
    }
}
