//! The status of an answer that is not the one that was asked for.

/// The status of an answer that is not what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("HTTP status {0}")]
pub struct HttpStatus(pub u16);

impl HttpStatus {
    /// Whether the server failed, and may answer later.
    pub fn is_of_server(self) -> bool {
        self.0 >= 500
    }
}
