//! Server names: a host, and perhaps a port.

use core::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;
use thiserror::Error;

/// A server name taken apart.
///
/// Server names are compared as they are written, case included; only server ACLs ignore case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ServerName<'a> {
    /// The host as it is written; an IPv6 address without its brackets.
    pub host: &'a str,
    /// The port, where the name has one. The grammar allows any five digits, so this may be
    /// a port that no server can listen on.
    pub port: Option<u32>,
    /// What the host is.
    pub kind: HostKind,
}

/// What the host of a server name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HostKind {
    /// A name to be looked up. `1.2.3.999` is one too: it is no address, but has the form of a name.
    Dns,
    /// An IPv4 address.
    Ipv4,
    /// An IPv6 address, in brackets.
    Ipv6,
}

/// Why a text is no server name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ServerNameError {
    /// There is no host.
    #[error("the host is empty")]
    EmptyHost,
    /// The host has more than 255 characters.
    #[error("the host has more than 255 characters")]
    HostTooLong,
    /// A character that no host has.
    #[error("a host has only letters, digits, '-' and '.'")]
    HostCharacter,
    /// What stands in brackets is no IPv6 address.
    #[error("what stands in brackets is not an IPv6 address")]
    Ipv6,
    /// The port is not one to five digits.
    #[error("a port has one to five digits")]
    Port,
}

impl<'a> ServerName<'a> {
    /// Takes a server name apart.
    ///
    /// # Errors
    /// [`ServerNameError`] when `name` does not match the grammar.
    ///
    /// Spec: <https://spec.matrix.org/v1.19/appendices/#server-name>
    pub fn parse(name: &'a str) -> Result<Self, ServerNameError> {
        if let Some(rest) = name.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or(ServerNameError::Ipv6)?;
            // No zone IDs: `Ipv6Addr` does not read them, and the grammar does not have them.
            host.parse::<Ipv6Addr>().map_err(|_| ServerNameError::Ipv6)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if rest.is_empty() => None,
                None => return Err(ServerNameError::Port),
            };
            return Ok(Self { host, port, kind: HostKind::Ipv6 });
        }
        let (host, port) = match name.split_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (name, None),
        };
        if host.is_empty() {
            return Err(ServerNameError::EmptyHost);
        }
        if host.len() > 255 {
            return Err(ServerNameError::HostTooLong);
        }
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
            return Err(ServerNameError::HostCharacter);
        }
        let kind = if host.parse::<Ipv4Addr>().is_ok() { HostKind::Ipv4 } else { HostKind::Dns };
        Ok(Self { host, port, kind })
    }
}

fn parse_port(port: &str) -> Result<u32, ServerNameError> {
    let digits = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| digits).ok_or(ServerNameError::Port)
}
