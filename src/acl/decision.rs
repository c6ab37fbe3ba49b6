//! What an ACL says of a server: which step decided, and by which entry.

use crate::evidence::{Evidence, Quoted};
use crate::identifiers::ServerNameError;

/// The answer of [`super::ServerAcl::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// The server name that was asked about.
    pub server_name: &'a str,
    /// What of it is compared: the host without the port, an IPv6 address in its brackets.
    /// `None` when it is no server name.
    pub host: Option<&'a str>,
    /// What decided.
    pub ground: Ground<'a>,
}

/// What decided: the steps of the specification's algorithm, and what comes before them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground<'a> {
    /// It is no server name: denied, whatever the room says.
    ServerNameInvalid(ServerNameError),
    /// Step 1: the room has no ACL, so all are allowed.
    NoAcl {
        /// Why the event that was given is not the room's ACL.
        ignored: Option<&'a str>,
    },
    /// Step 2: the server name is an IP address, and those are denied.
    IpLiteral,
    /// Step 3: an entry of `deny` fits.
    Denied {
        /// The entry as it was written.
        entry: &'a str,
    },
    /// Step 4: an entry of `allow` fits.
    Allowed {
        /// The entry as it was written.
        entry: &'a str,
    },
    /// Step 5: no entry fits, and only those are allowed for whom there is one.
    NotAllowed {
        /// How many entries `allow` has.
        entries: usize,
    },
}

impl<'a> Decision<'a> {
    /// May the server take part in the room?
    #[must_use]
    pub fn allowed(&self) -> bool {
        matches!(self.ground, Ground::NoAcl { .. } | Ground::Allowed { .. })
    }

    /// The step of the algorithm that decided, from 1 to 5 as in the specification; `None` when
    /// it was not begun, since there is no server name.
    ///
    /// Spec: <https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl>
    #[must_use]
    pub fn step(&self) -> Option<u8> {
        match self.ground {
            Ground::ServerNameInvalid(_) => None,
            Ground::NoAcl { .. } => Some(1),
            Ground::IpLiteral => Some(2),
            Ground::Denied { .. } => Some(3),
            Ground::Allowed { .. } => Some(4),
            Ground::NotAllowed { .. } => Some(5),
        }
    }

    /// The code, as in [`crate::codes`].
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.ground {
            Ground::ServerNameInvalid(_) => "acl_server_name_invalid",
            Ground::NoAcl { .. } => "acl_none",
            Ground::IpLiteral => "acl_ip_literal",
            Ground::Denied { .. } => "acl_denied",
            Ground::Allowed { .. } => "acl_allowed",
            Ground::NotAllowed { .. } => "acl_not_allowed",
        }
    }

    /// The list that decided and its entry as it was written, where one did.
    #[must_use]
    pub fn entry(&self) -> Option<(&'static str, &'a str)> {
        match self.ground {
            Ground::Denied { entry } => Some(("deny", entry)),
            Ground::Allowed { entry } => Some(("allow", entry)),
            _ => None,
        }
    }

    /// The decision as a sentence, with the values compared.
    #[must_use]
    pub fn reason(&self) -> String {
        let name = Quoted(self.server_name);
        let host = Quoted(self.host.unwrap_or(self.server_name));
        match self.ground {
            Ground::ServerNameInvalid(error) => format!("{name} is not a server name: {error}"),
            Ground::NoAcl { ignored: None } => {
                format!("the room has no server ACL, so {name} is allowed")
            }
            Ground::NoAcl { ignored: Some(why) } => {
                format!("the room has no server ACL, so {name} is allowed; {why}")
            }
            Ground::IpLiteral => {
                format!("{host} is an IP address, and allow_ip_literals is false")
            }
            Ground::Denied { entry } => {
                format!("{host} matches the entry {} of deny", Quoted(entry))
            }
            Ground::Allowed { entry } => {
                format!("{host} matches the entry {} of allow, and none of deny", Quoted(entry))
            }
            Ground::NotAllowed { entries: 0 } => {
                format!("allow has no entries, which denies {host} and all other servers")
            }
            Ground::NotAllowed { entries } => {
                format!("{host} matches none of the entries of allow ({entries})")
            }
        }
    }

    /// What was seen and compared.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let (list, entry) = self.entry().unzip();
        let ignored = match self.ground {
            Ground::NoAcl { ignored } => ignored,
            _ => None,
        };
        Evidence::object([("server_name", self.server_name.into())])
            .with_some("host", self.host)
            .with_some("list", list)
            .with_some("entry", entry)
            .with_some("ignored", ignored)
    }
}
