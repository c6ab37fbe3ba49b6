//! Why a server name leads nowhere.

use thiserror::Error;

use super::trace::TraceEntry;
use crate::host::HostError;
use crate::identifiers::ServerNameError;

/// A server name that was not resolved, and what was tried.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{server_name} is not resolved: {failure}")]
pub struct DiscoveryError {
    /// The name that was to be resolved.
    pub server_name: String,
    /// What stopped it.
    pub failure: DiscoveryFailure,
    /// What was asked before, and what came back.
    pub trace: Vec<TraceEntry>,
}

impl DiscoveryError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.failure.code()
    }
}

/// What stopped the resolution of a name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DiscoveryFailure {
    /// It is no server name.
    #[error(transparent)]
    ServerName(#[from] ServerNameError),
    /// Nobody can listen on its port.
    #[error("no server can listen on port {0}")]
    Port(u32),
    /// It cannot stand in the DNS.
    #[error("{0} is no name of the DNS: it has empty or too long labels, or is too long")]
    Name(String),
    /// The host would read it as an IP address.
    #[error("this host looks names up by itself, and would read {0} as an IP address")]
    NumericName(String),
    /// Nobody knows whether there are SRV records.
    #[error("whether {name} has SRV records could not be settled ({error})")]
    SrvUnsettled {
        /// The name of the records.
        name: String,
        /// What the host said.
        error: HostError,
    },
    /// The SRV record says that the service is not there.
    #[error("the SRV record {0} has the target \".\": there is no federation at this name")]
    SrvNotOffered(String),
    /// There are SRV records, none of which can be used.
    #[error("no SRV record {0} has a port and a target that can be connected to")]
    SrvUnusable(String),
    /// Nobody knows which addresses there are.
    #[error("the addresses of {name} could not be looked up ({error})")]
    AddressesUnsettled {
        /// The name.
        name: String,
        /// What the host said.
        error: HostError,
    },
    /// There are no addresses.
    #[error("{0} has no address")]
    NoAddresses(String),
    /// All in all it took too long.
    #[error("it took longer than {} s", super::RESOLVE_LIMIT_MS / 1000)]
    TimedOut,
    /// The host has no clock, or no randomness.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl DiscoveryFailure {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ServerName(_) => "server_name_invalid",
            Self::Port(_) => "discovery_port_unusable",
            Self::Name(_) => "discovery_name_unusable",
            Self::NumericName(_) => "discovery_name_numeric",
            Self::SrvUnsettled { .. } => "discovery_srv_unsettled",
            Self::SrvNotOffered(_) => "discovery_srv_not_offered",
            Self::SrvUnusable(_) => "discovery_srv_unusable",
            Self::AddressesUnsettled { .. } => "discovery_addresses_unsettled",
            Self::NoAddresses(_) => "discovery_no_addresses",
            Self::TimedOut => "discovery_timed_out",
            Self::Host(error) => error.code(),
        }
    }

    /// Is the whole at an end, and not only the way by one name?
    pub(super) fn ends_all(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Host(_))
    }
}
