//! Request authentication: which server made a request, proven by its signature over what was sent
//! (`X-Matrix`).
//!
//! Responses have nothing of the kind: the connection proves who answers, and each event in an
//! answer proves itself, by its own checks. The same goes for events that come in a request: who
//! sent it says nothing about them.
//!
//! | file | what it is |
//! |---|---|
//! | `request.rs` | the object that is signed |
//! | `header.rs` | the `Authorization` header, written and read |
//! | `verify.rs` | is a received request by whom it says? |
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>

mod header;
mod request;
mod verify;

pub use header::{
    Authorization, Credentials, HeaderError, MAX_CREDENTIALS, MAX_HEADER_BYTES, read_authorization,
};
pub use request::{Request, RequestError, SignedRequest, sign_request};
pub use verify::{
    Authenticated, MissingKey, ReceivedRequest, Receiver, RequestRefusal, RequestVerdict,
    verify_request,
};
