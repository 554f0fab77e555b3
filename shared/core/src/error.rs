//! An error and what caused it.
//!
//! Every error of these crates keeps its cause as its [`source`](std::error::Error::source) and does not repeat it in its own text. Whoever
//! shows an error walks the chain with [`chain`], or prints it on one line with [`one_line`].

use std::error::Error;
use std::iter;

/// Returns `error` and its sources, the outermost first. An [`std::io::Error`] that wraps another error hides it from `source`, so it
/// is looked into.
pub fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    iter::successors(Some(error), |link| {
        let link: &'e (dyn Error + 'static) = *link;
        let wrapped = link.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => link.source(),
        }
    })
}

/// Returns the texts of the [`chain`]. A text that repeats the one before it is left out: some errors show their source's text as
/// their own.
pub fn texts(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for link in chain(error) {
        let text = link.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
    }
    texts
}

/// Returns the texts of the [`chain`] on one line: `failed to read the index: connection reset`.
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    texts(error).join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("inner")]
    struct Inner;

    #[test]
    fn a_wrapped_error_is_found_and_not_said_twice() {
        let error = Outer(std::io::Error::other(Inner));
        assert_eq!(one_line(&error), "outer: inner");
        assert!(chain(&error).any(|link| link.is::<Inner>()));
    }
}
