//! A small tokio runtime inside something synchronous.
//!
//! What asks the network here has blocking functions and a runtime of its own, which lives as long as the asker. An
//! asynchronous program owns askers too (the registry has a validator), and drops them where it pleases, also in its own
//! runtime. There a plain [`tokio::runtime::Runtime`] panics when it is dropped, since it waits for its blocking work.

use std::fmt::{Debug, Formatter};

/// The runtime, on the thread that calls [`OwnRuntime::block_on`]. Dropped, it waits for nothing, and may be dropped anywhere.
pub(crate) struct OwnRuntime(Option<tokio::runtime::Runtime>);

impl OwnRuntime {
    /// A new one.
    ///
    /// # Errors
    /// The system gives it no resources; a text for a person.
    pub(crate) fn new() -> Result<Self, String> {
        let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
        built.map(|runtime| Self(Some(runtime))).map_err(|error| error.to_string())
    }

    /// Runs `work` to its end.
    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.as_ref().expect("it is there until it is dropped").block_on(work)
    }
}

impl Debug for OwnRuntime {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("OwnRuntime")
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_be_dropped_in_another_runtime_and_while_its_work_blocks() {
        let inner = OwnRuntime::new().unwrap();
        inner.block_on(async {
            tokio::task::spawn_blocking(|| std::thread::sleep(std::time::Duration::from_secs(5)));
        });
        let begin = std::time::Instant::now();
        OwnRuntime::new().unwrap().block_on(async { drop(inner) });
        assert!(begin.elapsed() < std::time::Duration::from_secs(4), "it does not wait");
    }
}
