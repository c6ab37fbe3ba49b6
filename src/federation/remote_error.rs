//! Answers that refuse: what another server says, and what to do then.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#api-standards>,
//! <https://spec.matrix.org/v1.19/client-server-api/#standard-error-response>

use thiserror::Error;

use super::entries::{MAX_TEXT, cut};
use crate::evidence::Quoted;
use crate::json::{self, Canonical, Numbers};

/// The most characters of an error code that are kept.
const MAX_ERRCODE: usize = 255;

/// An answer whose status is not 200.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the server answered {status} {}{}", errcode.as_deref().unwrap_or("without an error code"),
    error.as_ref().map(|error| format!(": {}", Quoted(error))).unwrap_or_default())]
pub struct RemoteError {
    /// The HTTP status.
    pub status: u16,
    /// `errcode`, cut to 255 characters.
    pub errcode: Option<String>,
    /// `error`, for people, cut to 4096 characters.
    pub error: Option<String>,
    /// When to ask again, by the header `Retry-After` or by `retry_after_ms`.
    pub retry_after_ms: Option<u64>,
    /// `room_version`, with `M_INCOMPATIBLE_ROOM_VERSION`.
    pub room_version: Option<String>,
}

/// Whom the refused request could be made to as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Any server of a room, to let our user join, knock or leave. A refusal to the user is the room's.
    ForMembership,
    /// Any server of a room, for events that it may have or not.
    ForEvents,
    /// This server alone: it owns what was asked about.
    Alone,
}

/// What to do after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask another server of the room.
    AnotherServer,
    /// Use an older form of the request, if there is one; else another server.
    OlderEndpoint,
    /// Ask again later: after so many milliseconds, if the server says so.
    Later(Option<u64>),
    /// It stays refused.
    Stop,
}

impl RemoteError {
    /// Reads an answer whose status is not 200. Whatever its body, there is an error to be had.
    /// `retry_after` is the header of that name; if it is a number of seconds, it counts more than what
    /// the body says.
    #[must_use]
    pub fn read(status: u16, retry_after: Option<&str>, body: &[u8]) -> Self {
        let answer = json::parse(body, Numbers::Keep).ok().filter(Canonical::is_object);
        let text = |key, most| {
            let value = answer.as_ref()?.get(key)?.as_str()?;
            Some(cut(&value, most).to_owned())
        };
        let in_body = answer.as_ref().and_then(|answer| answer.get("retry_after_ms")?.as_i64());
        let in_body = in_body.and_then(|ms| u64::try_from(ms).ok());
        let in_header = retry_after.and_then(|seconds| seconds.trim().parse::<u64>().ok());
        let in_header = in_header.map(|seconds| seconds.saturating_mul(1000));
        Self {
            status,
            errcode: text("errcode", MAX_ERRCODE),
            error: text("error", MAX_TEXT),
            retry_after_ms: in_header.or(in_body),
            room_version: text("room_version", MAX_ERRCODE),
        }
    }

    /// The stable code of this refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match (self.status, self.errcode.as_deref()) {
            (_, Some("M_UNABLE_TO_AUTHORISE_JOIN")) => "remote_unable_to_authorise_join",
            (_, Some("M_UNABLE_TO_GRANT_JOIN")) => "remote_unable_to_grant_join",
            (_, Some("M_INCOMPATIBLE_ROOM_VERSION")) => "remote_incompatible_room_version",
            (_, Some("M_INVITE_BLOCKED")) => "remote_invite_blocked",
            (429, _) | (_, Some("M_LIMIT_EXCEEDED")) => "remote_rate_limited",
            // What is not Matrix knows no endpoint of it.
            (400 | 404 | 405, None) | (400..=405, Some("M_UNRECOGNIZED")) => "remote_unrecognized",
            (400 | 403, Some("M_FORBIDDEN")) | (403, _) => "remote_forbidden",
            (404, _) => "remote_not_found",
            (401, _) => "remote_unauthorized",
            (400..=499, _) => "remote_refused",
            _ => "remote_failed",
        }
    }

    /// What to do now.
    #[must_use]
    pub fn next(&self, asked: Asked) -> Next {
        let elsewhere = if asked == Asked::Alone { Next::Stop } else { Next::AnotherServer };
        match self.code() {
            "remote_unable_to_authorise_join"
            | "remote_unable_to_grant_join"
            | "remote_not_found"
            | "remote_unauthorized" => elsewhere,
            "remote_forbidden" if asked == Asked::ForEvents => elsewhere,
            "remote_unrecognized" => Next::OlderEndpoint,
            "remote_rate_limited" => Next::Later(self.retry_after_ms),
            "remote_failed" if asked == Asked::Alone => Next::Later(self.retry_after_ms),
            "remote_failed" => elsewhere,
            _ => Next::Stop,
        }
    }
}
