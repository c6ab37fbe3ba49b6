//! How a host can fail.

use thiserror::Error;

/// An effect that was not performed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct HostError {
    /// What kind of failure it is.
    pub kind: HostErrorKind,
    /// What happened, for people.
    pub message: String,
}

/// The kinds of failure that make a difference to what is done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostErrorKind {
    /// It took longer than allowed.
    TimedOut,
    /// The address is one that the host does not connect to: private, loopback, link-local.
    AddressForbidden,
    /// No connection came about, nor was anything sent: refused, no route, or not within the time that
    /// the host gives a connection.
    Unreachable,
    /// The connection broke.
    Connection,
    /// The certificate is not for the expected name, or not by a trusted authority.
    Tls,
    /// The answer is longer than allowed.
    TooLarge,
    /// The host cannot do this.
    Unsupported,
    /// The callback threw, rejected, or answered with what is no answer.
    Failed,
}

impl HostErrorKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::TimedOut,
        Self::AddressForbidden,
        Self::Unreachable,
        Self::Connection,
        Self::Tls,
        Self::TooLarge,
        Self::Unsupported,
        Self::Failed,
    ];

    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "host_timed_out",
            Self::AddressForbidden => "host_address_forbidden",
            Self::Unreachable => "host_unreachable",
            Self::Connection => "host_connection",
            Self::Tls => "host_tls",
            Self::TooLarge => "host_answer_too_large",
            Self::Unsupported => "host_unsupported",
            Self::Failed => "host_failed",
        }
    }

    /// The kind with a code.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl HostError {
    /// An error of a kind.
    #[must_use]
    pub fn new(kind: HostErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}
