//! Why a conversation came to nothing.

use thiserror::Error;

use crate::discovery::{DiscoveryError, RequestError, TraceEntry};
use crate::event::FormatError;
use crate::evidence::Evidence;
use crate::federation::transactions::TransactionError;
use crate::federation::{AnswerError, RemoteError, TemplateError};
use crate::host::HostError;
use crate::json::JsonError;
use crate::keys::KeyResponseError;
use crate::request_auth;
use crate::room_version::UnknownRoomVersion;

/// Why a conversation came to nothing.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum FederationError {
    /// The server was not found.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// The server was found and does not answer.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The host failed.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The server refused.
    #[error("{server}: {error}")]
    Remote {
        /// The server.
        server: String,
        /// What it said.
        error: RemoteError,
    },
    /// The server has not what was asked for, and says so by the status alone.
    #[error("{server}: the server has no such event")]
    NotThere {
        /// The server.
        server: String,
    },
    /// The server answered something else than was asked for.
    #[error("{server}: {error}")]
    Answer {
        /// The server.
        server: String,
        /// What is wrong with it.
        error: AnswerError,
    },
    /// The answer about keys does not prove itself.
    #[error(transparent)]
    Keys(#[from] KeyResponseError),
    /// The server did not answer a short while ago, and is left alone.
    #[error("{server} did not answer a short while ago and is left alone for {} s more", (until_ts.saturating_sub(*now)).max(0) / 1000)]
    BackOff {
        /// The server.
        server: String,
        /// Until when, in milliseconds since 1970.
        until_ts: i64,
        /// When it was to be asked.
        now: i64,
    },
    /// Our server has no key.
    #[error("our server has no key to sign with")]
    NoKey,
    /// Our request cannot be signed.
    #[error(transparent)]
    Unsignable(#[from] request_auth::RequestError),
    /// The template is of something else than was asked for.
    #[error("{server}: {error}")]
    Template {
        /// The server.
        server: String,
        /// What differs.
        error: Box<TemplateError>,
    },
    /// The event that was to be made is malformed.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// What was given is no JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// What was given to be sent cannot be.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// Nobody knows this version.
    #[error(transparent)]
    RoomVersion(#[from] UnknownRoomVersion),
    /// What was asked for is no server's business.
    #[error("{what} must be {expected}")]
    Argument {
        /// What was given.
        what: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// All servers that could be asked failed.
    #[error("{}", all(.0))]
    AllFailed(Vec<(String, Box<FederationError>)>),
}

fn all(failures: &[(String, Box<FederationError>)]) -> String {
    match failures {
        [] => "there is no server to ask".to_owned(),
        [(_, only)] => only.to_string(),
        [(_, first), others @ ..] => {
            format!("all {} servers failed; the first: {first}", others.len().saturating_add(1))
        }
    }
}

impl FederationError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Discovery(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Host(error) => error.code(),
            Self::Remote { error, .. } => error.code(),
            Self::NotThere { .. } => "remote_not_found",
            Self::Answer { error, .. } => error.code(),
            Self::Keys(error) => error.code(),
            Self::BackOff { .. } => "server_left_alone",
            Self::NoKey => "signing_key_missing",
            Self::Unsignable(error) => error.code(),
            Self::Template { error, .. } => error.code(),
            Self::Format(error) => error.code(),
            Self::Json(error) => error.code(),
            Self::Transaction(error) => error.code(),
            Self::RoomVersion(_) => "unknown_room_version",
            Self::Argument { .. } => "invalid_argument",
            Self::AllFailed(failures) => match failures.as_slice() {
                [(_, only)] => only.code(),
                _ => "no_server_helped",
            },
        }
    }

    /// The whole as data: the server that was asked, code, message and evidence.
    #[must_use]
    pub fn told(&self, server: &str) -> Evidence {
        Evidence::object([
            ("server_name", server.into()),
            ("code", self.code().into()),
            ("message", self.to_string().into()),
            ("evidence", self.evidence()),
        ])
    }

    /// What there is to say beside code and message.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Discovery(error) => Evidence::object([
                ("server_name", error.server_name.as_str().into()),
                ("trace", error.trace.iter().map(TraceEntry::evidence).collect()),
            ]),
            Self::Request(error) => Evidence::object([
                ("server_name", error.server_name.as_str().into()),
                (
                    "attempts",
                    error
                        .attempts
                        .iter()
                        .map(|attempt| {
                            Evidence::object([
                                ("host", attempt.candidate.host.as_str().into()),
                                ("port", i64::from(attempt.candidate.port).into()),
                                ("code", attempt.error.code().into()),
                                ("message", attempt.error.message.as_str().into()),
                            ])
                            .with_some(
                                "address",
                                attempt.candidate.address.map(|address| address.to_string()),
                            )
                        })
                        .collect(),
                ),
            ]),
            Self::Remote { server, error } => Evidence::object([
                ("server_name", server.as_str().into()),
                ("status", i64::from(error.status).into()),
            ])
            .with_some("errcode", error.errcode.clone())
            .with_some("error", error.error.clone())
            .with_some("retry_after_ms", error.retry_after_ms.and_then(|ms| i64::try_from(ms).ok()))
            .with_some("room_version", error.room_version.clone()),
            Self::NotThere { server } => Evidence::object([
                ("server_name", server.as_str().into()),
                ("status", 404_i64.into()),
            ]),
            Self::Answer { server, .. } => {
                Evidence::object([("server_name", server.as_str().into())])
            }
            Self::Template { server, error } => {
                error.evidence().with("server_name", server.as_str())
            }
            Self::BackOff { server, until_ts, .. } => Evidence::object([
                ("server_name", server.as_str().into()),
                ("until_ts", (*until_ts).into()),
            ]),
            Self::Format(error) => error.evidence(),
            Self::AllFailed(failures) => Evidence::object([(
                "failures",
                failures.iter().map(|(server, error)| error.told(server)).collect(),
            )]),
            _ => Evidence::object([]),
        }
    }
}
