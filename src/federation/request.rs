//! What goes out: a request, with the limits for its answer.
//!
//! Paths and queries are percent-encoded in one way, here: everything but the unreserved characters of
//! RFC 3986. What is signed is exactly what is sent (the specification does not say how to encode).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::json::write_string;
use crate::ordered;

/// All but the unreserved characters of RFC 3986, section 2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request to another server, all but the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// Path and query, exactly as they go out and are signed.
    pub target: String,
    /// The body, as canonical JSON; `GET` has none.
    pub content: Option<Vec<u8>>,
    /// The request proves by a signature that it is ours (X-Matrix).
    pub signed: bool,
    /// The most bytes that the answer may have.
    pub max_bytes: usize,
    /// How long it may take.
    pub time: TimeLimit,
}

/// How long an answer may take, by what the other server has to do for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeLimit {
    /// It reads something small that it has at hand.
    Short,
    /// It walks through a room, or asks others.
    Usual,
    /// It lets somebody into a room, or gives a whole state: large rooms take minutes.
    Long,
}

impl TimeLimit {
    /// In milliseconds.
    #[must_use]
    pub fn ms(self) -> u64 {
        match self {
            Self::Short => 10_000,
            Self::Usual => 60_000,
            Self::Long => 600_000,
        }
    }
}

/// An answer of a few short fields: a version, an empty object, an ID.
pub const SMALL_ANSWER: usize = 64 * 1024;
/// One event of 64 KiB, written with escapes and white space, and its `unsigned`.
pub const EVENT_ANSWER: usize = 1024 * 1024;
/// Keys: real servers list a handful.
pub const KEYS_ANSWER: usize = 1024 * 1024;
/// A page of rooms, each with a topic as long as an event allows.
pub const PAGE_ANSWER: usize = 16 * 1024 * 1024;
/// Event IDs of a state and its auth chain: two million of 45 bytes.
pub const IDS_ANSWER: usize = 100 * 1024 * 1024;
/// Events of a room's history: what Synapse takes.
pub const EVENTS_ANSWER: usize = 100 * 1024 * 1024;
/// The state of a large room with its auth chain: what Synapse takes.
pub const STATE_ANSWER: usize = 500 * 1024 * 1024;

impl Request {
    /// A signed request without a body.
    pub(super) fn get(target: Target, max_bytes: usize, time: TimeLimit) -> Self {
        Self { method: "GET", target: target.0, content: None, signed: true, max_bytes, time }
    }

    /// A signed request with a body.
    pub(super) fn put(target: Target, content: Vec<u8>, max_bytes: usize, time: TimeLimit) -> Self {
        Self { method: "PUT", content: Some(content), ..Self::get(target, max_bytes, time) }
    }

    /// The same, by another method.
    pub(super) fn post(
        target: Target,
        content: Vec<u8>,
        max_bytes: usize,
        time: TimeLimit,
    ) -> Self {
        Self { method: "POST", ..Self::put(target, content, max_bytes, time) }
    }

    /// The request without a signature: this endpoint asks for none.
    pub(super) fn unsigned(self) -> Self {
        Self { signed: false, ..self }
    }
}

/// A path with a query.
#[derive(Debug, Clone)]
pub(super) struct Target(String);

impl Target {
    /// The path of an endpoint below `/_matrix/`.
    pub fn new(endpoint: &str) -> Self {
        Self(format!("/_matrix/{endpoint}"))
    }

    /// With one more segment of the path.
    pub fn segment(mut self, text: &str) -> Self {
        self.0.push('/');
        self.push(text);
        self
    }

    /// With one more parameter of the query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.push(name);
        self.0.push('=');
        self.push(value);
        self
    }

    /// The same, if there is a value.
    pub fn query_some(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    fn push(&mut self, text: &str) {
        self.0.extend(utf8_percent_encode(text, RESERVED));
    }
}

/// A string as canonical JSON.
pub(super) fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    write_string(text, &mut out);
    out
}

/// A list as canonical JSON, of items that are.
pub(super) fn list<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.as_ref());
    }
    out.push(b']');
    out
}

/// An object as canonical JSON, of values that are. Keys stand once.
pub(super) fn object<'a>(members: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut members: Vec<_> = members.into_iter().collect();
    // In UTF-8 the order of bytes is that of code points.
    ordered::sort_by(&mut members, |a, b| a.0.cmp(b.0));
    let mut out = vec![b'{'];
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(key, &mut out);
        out.push(b':');
        out.extend_from_slice(value);
    }
    out.push(b'}');
    out
}
