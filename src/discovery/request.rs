//! Requests to a server whose name is resolved.

use std::net::IpAddr;

use serde::Serialize;
use thiserror::Error;

use super::resolve::Resolution;
use crate::host::{Host, HostError, HostErrorKind, HttpsAnswer, HttpsRequest, Redirects};

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// The name that has the address: the server's own, its delegate's, or the target of an SRV record.
    /// An IP address is without brackets.
    pub host: String,
    /// The address; absent when the host looks names up by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The port.
    pub port: u16,
}

/// A request, in all that does not follow from the server's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestParts {
    /// `GET`, `PUT`, `POST`.
    pub method: &'static str,
    /// Path and query, exactly as they are signed and go out.
    pub target: String,
    /// Further headers, names in lower case; not `host`.
    pub headers: Vec<(&'static str, String)>,
    /// The body, exactly as it goes out.
    pub body: Option<Vec<u8>>,
    /// The longest body that may come back, in bytes.
    pub max_bytes: usize,
    /// How long all attempts together may take, in milliseconds.
    pub time_limit_ms: u64,
}

/// An attempt that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Where it went.
    pub candidate: Candidate,
    /// What came of it.
    pub error: HostError,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The answer.
    pub answer: HttpsAnswer,
    /// Who gave it.
    pub candidate: Candidate,
    /// Who was tried before.
    pub failed: Vec<Attempt>,
}

/// A request without an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{server_name} does not answer: {error}")]
pub struct RequestError {
    /// The server.
    pub server_name: String,
    /// The first failure: those after it are of candidates that the server wants less.
    pub error: HostError,
    /// All of them.
    pub attempts: Vec<Attempt>,
}

impl RequestError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.error.code()
    }
}

/// After this failure of a request, may the next candidate be tried?
///
/// Where nothing was sent, always. Where the server may have seen the request, only if seeing it twice
/// does no harm. Never after a wrong certificate: whoever holds the name stands behind all its
/// addresses, and a fault of one should not stay unseen because another works by chance.
pub(super) fn next_may_be_tried(error: &HostError, method: &str) -> bool {
    match error.kind {
        HostErrorKind::Unreachable | HostErrorKind::AddressForbidden => true,
        HostErrorKind::Connection | HostErrorKind::TimedOut => matches!(method, "GET" | "PUT"),
        HostErrorKind::Tls
        | HostErrorKind::TooLarge
        | HostErrorKind::Unsupported
        | HostErrorKind::Failed => false,
    }
}

/// Makes a request to a server: to its candidates in turn, until one answers. Redirects are given
/// back, never followed; a host that cannot give them back fails instead.
///
/// # Errors
/// [`RequestError`] when none answers, or when a failure forbids to try the next.
pub async fn request(
    host: &Host,
    resolution: &Resolution,
    parts: RequestParts,
) -> Result<Exchange, RequestError> {
    let mut attempts = Vec::new();
    match in_turn(host, resolution, parts, &mut attempts).await {
        Ok((answer, candidate)) => Ok(Exchange { answer, candidate, failed: attempts }),
        Err(error) => {
            let error = attempts.first().map_or(error, |first| first.error.clone());
            Err(RequestError { server_name: resolution.server_name.clone(), error, attempts })
        }
    }
}

async fn in_turn(
    host: &Host,
    resolution: &Resolution,
    mut parts: RequestParts,
    failed: &mut Vec<Attempt>,
) -> Result<(HttpsAnswer, Candidate), HostError> {
    let able = host.capabilities();
    let started = host.now().await?;
    let mut last = HostError::new(HostErrorKind::Unreachable, "there is nothing to connect to");
    let mut left = parts.time_limit_ms;
    let mut candidates = resolution.candidates.iter().peekable();
    while let Some(candidate) = candidates.next() {
        let out_of_reach = !able.names && !resolution.is_own_host(candidate);
        let error = if left == 0 {
            return Err(HostError::new(HostErrorKind::TimedOut, "there is no time left"));
        } else if out_of_reach {
            let message = format!(
                "this host cannot connect to {} and ask for {}",
                candidate.host, resolution.host_header
            );
            HostError::new(HostErrorKind::Unsupported, message)
        } else {
            let is_last = candidates.peek().is_none();
            let body = if is_last { parts.body.take() } else { parts.body.clone() };
            let request = HttpsRequest {
                connect_host: candidate.host.clone(),
                address: candidate.address.filter(|_| able.address),
                port: candidate.port,
                host_header: resolution.host_header.clone(),
                tls_name: resolution.tls_name.clone(),
                method: parts.method,
                target: parts.target.clone(),
                headers: parts.headers.clone(),
                body,
                max_bytes: parts.max_bytes,
                time_limit_ms: left,
                redirects: if able.redirects { Redirects::GiveBack } else { Redirects::Follow(0) },
            };
            match host.https(request).await {
                Ok(answer) => return Ok((answer, candidate.clone())),
                Err(error) => {
                    let now = host.now().await?;
                    let spent = now.saturating_sub(started).max(0).unsigned_abs();
                    left = parts.time_limit_ms.saturating_sub(spent);
                    error
                }
            }
        };
        // What this host cannot do for one candidate, it may be able to do for another.
        let go_on = out_of_reach || next_may_be_tried(&error, parts.method);
        failed.push(Attempt { candidate: candidate.clone(), error: error.clone() });
        last = error;
        if !go_on {
            break;
        }
    }
    Err(last)
}
