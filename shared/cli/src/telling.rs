//! A client that tells the user what it tries again.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use cargo_namespaces_net::client::{HttpClient, Outcome, Request, Transport};

use crate::shell::Shell;

/// A client that says on the shell what it tries again: once for each host and number of tries left, for of hundreds of
/// downloads from one host all fail when it does.
#[derive(Debug)]
pub struct Telling<'s> {
    client: HttpClient,
    shell: &'s Shell,
    said: Mutex<BTreeSet<(String, u32)>>,
}

impl<'s> Telling<'s> {
    /// The client, telling on `shell` what is tried again.
    #[must_use]
    pub fn new(client: HttpClient, shell: &'s Shell) -> Self {
        Self { client, shell, said: Mutex::default() }
    }
}

impl Transport for Telling<'_> {
    fn fetch_each(&self, requests: Vec<Request>, done: &mut dyn FnMut(usize, Outcome)) {
        self.client.fetch_each_telling(requests, done, &mut |retry| {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.insert((retry.host.clone(), retry.remaining)) {
                self.shell.warn(retry);
            }
        });
    }
}
