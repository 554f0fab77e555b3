//! What a domain answers to the question for one of its documents. Pure: nothing else in this crate reads the HTTP status
//! of one.

use cargo_namespaces_net::client::Response;

use crate::network::HttpStatus;

/// What a domain answers.
pub enum DocumentAnswer {
    /// The bytes of the document.
    Document(Vec<u8>),
    /// There is none.
    Absent,
    /// It is said to be elsewhere, where it does not count.
    Redirected(HttpStatus),
    /// Something else.
    Other(HttpStatus),
}

/// Reads the answer.
pub fn document(response: Response) -> DocumentAnswer {
    match response.status {
        200 => DocumentAnswer::Document(response.into_bytes()),
        404 | 410 => DocumentAnswer::Absent,
        status @ 300..400 => DocumentAnswer::Redirected(HttpStatus(status)),
        status => DocumentAnswer::Other(HttpStatus(status)),
    }
}
