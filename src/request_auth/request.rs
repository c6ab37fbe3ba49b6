//! The object that is signed for a request, and the signing.

use thiserror::Error;

use super::header::Credentials;
use crate::encoding;
use crate::event::FormatError;
use crate::evidence::Quoted;
use crate::identifiers::{ServerName, ServerNameError};
use crate::json::{Canonical, JsonError, Numbers, parse_around_events, write_string};
use crate::keys::SigningKey;

/// A request as it is sent, but for its headers.
#[derive(Debug)]
pub struct Request<'a> {
    method: &'a str,
    uri: &'a str,
    content: Option<Canonical>,
}

/// Why a request cannot be signed, or is refused as malformed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The method is none of HTTP, or would not be sent as it is.
    #[error("{} is not a method of HTTP as it is sent: they are case-sensitive", Quoted(.0))]
    Method(String),
    /// The target is not a path.
    #[error("the target {} is not a path as it is sent: \"/\" and visible ASCII characters", Quoted(.0))]
    Uri(String),
    /// `PUT` or `POST` without a body.
    #[error("a request with the method {0} has a JSON object as its body, at least {{}}")]
    ContentMissing(String),
    /// `GET` or `HEAD` with a body.
    #[error("a request with the method {0} has no body")]
    ContentUnexpected(String),
    /// The body is not JSON.
    #[error("the body of the request is not valid JSON: {0}")]
    Json(#[from] JsonError),
    /// The body is JSON, but not an object.
    #[error("the body of a request is a JSON object, this is {0}")]
    NotAnObject(&'static str),
    /// The body has a number beyond the range of a double.
    #[error("in the body of the request, {0}")]
    Number(FormatError),
    /// The origin or the destination is no server name.
    #[error("{} is not a server name: {}", Quoted(.0), .1)]
    ServerName(String, ServerNameError),
}

impl RequestError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Method(_) => "request_method_invalid",
            Self::Uri(_) => "request_uri_invalid",
            Self::ContentMissing(_) => "request_content_missing",
            Self::ContentUnexpected(_) => "request_content_unexpected",
            Self::Json(error) => error.code(),
            Self::NotAnObject(_) => "not_an_object",
            Self::Number(error) => error.code(),
            Self::ServerName(..) => "server_name_invalid",
        }
    }

    /// The Matrix error code to answer with.
    #[must_use]
    pub fn errcode(&self) -> &'static str {
        match self {
            Self::Json(JsonError::TooDeep { .. }) | Self::NotAnObject(_) | Self::Number(_) => {
                "M_BAD_JSON"
            }
            Self::Json(_) | Self::ContentMissing(_) => "M_NOT_JSON",
            _ => "M_INVALID_PARAM",
        }
    }
}

impl<'a> Request<'a> {
    /// Reads a request as it came: `uri` is the target of the request line, path and query, `body` its
    /// bytes. No body and one of no bytes are the same: HTTP cannot tell them apart everywhere.
    ///
    /// The numbers of the body need not be those of strict canonical JSON: events of room versions 1
    /// to 5 may have others, and travel in requests that are signed all the same.
    ///
    /// # Errors
    /// [`RequestError`] for what no request of the federation looks like.
    pub fn read(method: &'a str, uri: &'a str, body: Option<&[u8]>) -> Result<Self, RequestError> {
        if method.is_empty() || !method.bytes().all(is_token_byte) {
            return Err(RequestError::Method(method.to_owned()));
        }
        // The bytes of the target are signed as they stand in the request line, whatever they encode.
        if !uri.starts_with('/') || !uri.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(RequestError::Uri(uri.to_owned()));
        }
        let content = body.filter(|body| !body.is_empty()).map(read_content).transpose()?;
        if content.is_none() && matches!(method, "PUT" | "POST") {
            return Err(RequestError::ContentMissing(method.to_owned()));
        }
        Ok(Self { method, uri, content })
    }

    /// The body, if there is one.
    #[must_use]
    pub fn content(&self) -> Option<&Canonical> {
        self.content.as_ref()
    }

    /// What `origin` signs for `destination`: canonical JSON, without signatures.
    #[must_use]
    pub fn signed_object(&self, origin: &str, destination: &str) -> Vec<u8> {
        let content = self.content.as_ref().map(Canonical::text);
        let length = content.map_or(0, <[u8]>::len).saturating_add(self.uri.len());
        let mut out = Vec::with_capacity(length.saturating_add(256));
        out.push(b'{');
        if let Some(content) = content {
            out.extend_from_slice(b"\"content\":");
            out.extend_from_slice(content);
            out.push(b',');
        }
        out.extend_from_slice(b"\"destination\":");
        write_string(destination, &mut out);
        out.extend_from_slice(b",\"method\":");
        write_string(self.method, &mut out);
        out.extend_from_slice(b",\"origin\":");
        write_string(origin, &mut out);
        out.extend_from_slice(b",\"uri\":");
        write_string(self.uri, &mut out);
        out.push(b'}');
        out
    }
}

fn read_content(body: &[u8]) -> Result<Canonical, RequestError> {
    let content = parse_around_events(body, Numbers::Keep)?;
    if !content.is_object() {
        return Err(RequestError::NotAnObject(content.value().kind().name()));
    }
    match content.first_bad_number(false, None) {
        Some(defect) => Err(RequestError::Number(FormatError::Number(defect))),
        None => Ok(content),
    }
}

/// May this byte stand in a token of HTTP?
///
/// Spec: <https://www.rfc-editor.org/rfc/rfc9110#name-tokens>
pub(super) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The value of the `Authorization` header.
    pub authorization: String,
    /// The body to send, as canonical JSON. Any other text of the same meaning is signed too.
    pub body: Option<String>,
    /// What was signed, as canonical JSON.
    pub signed: String,
}

/// Signs a request of the server `origin` to the server `destination`: names of homeservers, before any
/// delegation. Method and target must be sent as they are given: most libraries for URLs write a target
/// anew, and `fetch` some methods.
///
/// # Errors
/// [`RequestError`] for what no receiver could verify.
pub fn sign_request(
    method: &str,
    uri: &str,
    content: Option<&[u8]>,
    origin: &str,
    destination: &str,
    key: &SigningKey,
) -> Result<SignedRequest, RequestError> {
    for name in [origin, destination] {
        ServerName::parse(name)
            .map_err(|error| RequestError::ServerName(name.to_owned(), error))?;
    }
    if method.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(RequestError::Method(method.to_owned()));
    }
    // A fragment is not sent.
    if uri.contains('#') {
        return Err(RequestError::Uri(uri.to_owned()));
    }
    // Receivers do not look at it, so it would be signed for nothing.
    if content.is_some() && matches!(method, "GET" | "HEAD") {
        return Err(RequestError::ContentUnexpected(method.to_owned()));
    }
    let request = Request::read(method, uri, content)?;
    let signed = request.signed_object(origin, destination);
    let credentials = Credentials {
        origin: origin.to_owned(),
        destination: Some(destination.to_owned()),
        key_id: key.key_id().to_owned(),
        signature: encoding::encode(&key.sign(&signed)),
    };
    Ok(SignedRequest {
        authorization: credentials.to_string(),
        body: request.content().map(|content| content.as_str().to_owned()),
        signed: String::from_utf8(signed).unwrap_or_default(),
    })
}
