//! What a domain answers when it is asked for one of its documents. Pure. Nothing else in this crate reads the HTTP status of
//! such an answer.

use cargo_namespaces_net::client::Response;

use crate::http_status::HttpStatus;

/// What a domain answers.
pub enum DocumentAnswer {
    /// The bytes of the document.
    Document(Vec<u8>),
    /// There is none.
    Absent,
    /// A redirect. A document counts only at its own URL.
    Redirected(HttpStatus),
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
