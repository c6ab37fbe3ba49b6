//! Where a `.well-known` request goes, and where a redirect sends it.

use std::net::IpAddr;

use iri_string::types::{UriAbsoluteStr, UriReferenceStr, UriStr};

use super::MAX_REDIRECTS;
use crate::identifiers::{HostKind, ServerName};

/// The port of HTTPS.
const HTTPS_PORT: u16 = 443;

/// The longest `Location` that is followed, in bytes.
const MAX_LOCATION: usize = 2048;

/// One request on the way to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    /// The host: a name without a dot at its end, or an IP address without brackets.
    pub host: String,
    /// Its address, when it is one.
    pub address: Option<IpAddr>,
    pub port: u16,
    /// As the URL has it; also the `Host` header.
    pub authority: String,
    /// Path and query.
    pub target: String,
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dead {
    /// No `Location`, or one that is no URI reference.
    Location,
    /// Another scheme than https.
    NotHttps,
    /// A host or port that nobody can be connected to, or one with a user name.
    Host,
    /// Where it was before.
    Loop,
    /// After too many.
    TooMany,
}

impl Dead {
    pub fn code(self) -> &'static str {
        match self {
            Self::Location => "well_known_redirect_location",
            Self::NotHttps => "well_known_redirect_not_https",
            Self::Host => "well_known_redirect_host",
            Self::Loop => "well_known_redirect_loop",
            Self::TooMany => "well_known_too_many_redirects",
        }
    }

    pub fn reason(self) -> &'static str {
        match self {
            Self::Location => "the redirect has no Location that is a URI",
            Self::NotHttps => "the redirect leads away from https",
            Self::Host => "the redirect names a host or port that cannot be connected to",
            Self::Loop => "the redirect leads to where it was before",
            Self::TooMany => "this is one redirect too many",
        }
    }
}

impl Hop {
    /// The first: the `.well-known` document of a server name without port.
    pub fn well_known(server_name: &ServerName<'_>) -> Self {
        Self {
            host: without_final_dot(server_name.host).to_owned(),
            address: None,
            port: HTTPS_PORT,
            authority: server_name.host.to_owned(),
            target: "/.well-known/matrix/server".to_owned(),
        }
    }

    pub fn url(&self) -> String {
        format!("https://{}{}", self.authority, self.target)
    }

    /// The name in the certificate; `None` for an IP address.
    pub fn tls_name(&self) -> Option<String> {
        self.address.is_none().then(|| self.host.clone())
    }

    /// Where `location` leads from here, after the hops `before`, of which this is the last.
    pub fn follow(&self, location: Option<&str>, before: &[Self]) -> Result<Self, Dead> {
        if before.len() > MAX_REDIRECTS {
            return Err(Dead::TooMany);
        }
        let next = self.next(location.ok_or(Dead::Location)?)?;
        let same = |hop: &Self| {
            (&hop.host, hop.port, &hop.target) == (&next.host, next.port, &next.target)
        };
        if before.iter().any(same) { Err(Dead::Loop) } else { Ok(next) }
    }

    fn next(&self, location: &str) -> Result<Self, Dead> {
        if location.len() > MAX_LOCATION {
            return Err(Dead::Location);
        }
        let here = self.url();
        let base = UriAbsoluteStr::new(&here).map_err(|_| Dead::Location)?;
        let location = UriReferenceStr::new(location).map_err(|_| Dead::Location)?;
        let resolved = location.resolve_against(base).to_string();
        let there = UriStr::new(&resolved).map_err(|_| Dead::Location)?;
        if !there.scheme_str().eq_ignore_ascii_case("https") {
            return Err(Dead::NotHttps);
        }
        let parts = there.authority_components().ok_or(Dead::Host)?;
        if parts.userinfo().is_some() {
            return Err(Dead::Host);
        }
        // A port may be empty (RFC 3986, 3.2.3), which is as if there was none.
        let authority = match parts.port().filter(|port| !port.is_empty()) {
            Some(port) => format!("{}:{port}", parts.host()),
            None => parts.host().to_owned(),
        };
        let name = ServerName::parse(&authority).map_err(|_| Dead::Host)?;
        let port = match name.port {
            Some(port) => usable_port(port).ok_or(Dead::Host)?,
            None => HTTPS_PORT,
        };
        let path = if there.path_str().is_empty() { "/" } else { there.path_str() };
        let target = match there.query_str() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Ok(Self {
            host: without_final_dot(name.host).to_owned(),
            address: literal(&name),
            port,
            target,
            authority,
        })
    }
}

/// The address that a server name is, if it is one.
pub(super) fn literal(name: &ServerName<'_>) -> Option<IpAddr> {
    let is_literal = name.kind != HostKind::Dns;
    name.host.parse::<IpAddr>().ok().filter(|_| is_literal).map(|address| address.to_canonical())
}

/// The port, if a server can listen on it.
pub(super) fn usable_port(port: u32) -> Option<u16> {
    u16::try_from(port).ok().filter(|port| *port != 0)
}

/// A name as DNS questions and certificates have it.
pub(super) fn without_final_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
