//! Which requests an ACL must be asked about, and for which room.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls>

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The endpoints that the specification names: API, version, name. Others must not be refused for
/// an ACL, even those that are about a room (`/event`, `/hierarchy`, …).
static ENDPOINTS: [[&str; 3]; 17] = [
    ["federation", "v1", "make_join"],
    ["federation", "v1", "make_leave"],
    ["federation", "v1", "send_join"],
    ["federation", "v2", "send_join"],
    ["federation", "v1", "send_leave"],
    ["federation", "v2", "send_leave"],
    ["federation", "v1", "invite"],
    ["federation", "v2", "invite"],
    ["federation", "v1", "make_knock"],
    ["federation", "v1", "send_knock"],
    ["federation", "v1", "state"],
    ["federation", "v1", "state_ids"],
    ["federation", "v1", "backfill"],
    ["federation", "v1", "event_auth"],
    ["federation", "v1", "get_missing_events"],
    ["federation", "v1", "send"],
    ["policy", "v1", "sign"],
];

/// An endpoint that an ACL protects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProtectedEndpoint {
    /// Its name, such as `make_join`.
    pub name: &'static str,
    /// Its version, such as `v1`.
    pub version: &'static str,
    /// What is protected.
    pub protection: Protection,
}

/// What an ACL protects of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// All of it: a server that is denied must be answered with 403 and `M_FORBIDDEN`.
    Room {
        /// The room that is asked about; `None` when the path does not tell, so that no ACL can
        /// be found and the request cannot be served.
        room_id: Option<String>,
    },
    /// Each event of a transaction by itself: PDUs by their `room_id` (a create event of room
    /// version 12 has none, and its own hash instead), EDUs as [`super::edu_rooms`] says.
    /// What is denied is ignored, and PDUs get an error in the answer.
    PerEvent,
    /// All of it, if the server so chooses.
    Optional,
}

/// The endpoint that an ACL protects under `path`, the path of a request from `/_matrix` on,
/// perhaps with a query; `None` when no ACL is to be asked.
#[must_use]
pub fn protected_endpoint(path: &str) -> Option<ProtectedEndpoint> {
    let path = path.split(['?', '#']).next()?;
    // Decoded after they were taken apart, as a room ID may hold an escaped slash; and decoded
    // all of them, as there are servers that find the endpoint `make%5Fjoin`.
    let mut segments = path.strip_prefix("/")?.split('/').map(percent_decoded);
    if segments.next()?? != "_matrix" {
        return None;
    }
    let wanted = [segments.next()??, segments.next()??, segments.next()??];
    let [api, version, name] = ENDPOINTS.iter().find(|endpoint| **endpoint == wanted)?;
    let protection = match (*api, *name) {
        ("policy", _) => Protection::Optional,
        (_, "send") => Protection::PerEvent,
        _ => {
            let room_id = segments.next().flatten().filter(|room_id| !room_id.is_empty());
            Protection::Room { room_id: room_id.map(Cow::into_owned) }
        }
    };
    Some(ProtectedEndpoint { name, version, protection })
}

/// A segment of a path; `None` when its escapes are not two digits each or not of UTF-8.
fn percent_decoded(segment: &str) -> Option<Cow<'_, str>> {
    let whole = segment.split('%').skip(1).all(|rest| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit))
    });
    whole.then(|| percent_decode_str(segment).decode_utf8().ok())?
}
