//! The steps by which a server name is resolved.

use serde::{Serialize, Serializer};

/// A step, as the specification numbers them.
///
/// Spec: <https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// 1: the name is an IP address.
    IpLiteral,
    /// 2: the name has a port.
    Port,
    /// 3: the `.well-known` document is asked for.
    WellKnown,
    /// 3.1: the delegate is an IP address.
    DelegateIpLiteral,
    /// 3.2: the delegate has a port.
    DelegatePort,
    /// 3.3: SRV records `_matrix-fed._tcp` of the delegate.
    DelegateSrv,
    /// 3.4: SRV records `_matrix._tcp` of the delegate, deprecated.
    DelegateOldSrv,
    /// 3.5: the delegate's own addresses and port 8448.
    DelegateName,
    /// 4: SRV records `_matrix-fed._tcp` of the name.
    Srv,
    /// 5: SRV records `_matrix._tcp` of the name, deprecated.
    OldSrv,
    /// 6: the name's own addresses and port 8448.
    Name,
}

impl Step {
    /// Its number.
    #[must_use]
    pub fn number(self) -> &'static str {
        match self {
            Self::IpLiteral => "1",
            Self::Port => "2",
            Self::WellKnown => "3",
            Self::DelegateIpLiteral => "3.1",
            Self::DelegatePort => "3.2",
            Self::DelegateSrv => "3.3",
            Self::DelegateOldSrv => "3.4",
            Self::DelegateName => "3.5",
            Self::Srv => "4",
            Self::OldSrv => "5",
            Self::Name => "6",
        }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.number())
    }
}

/// The steps for one name. Those for a delegate are those for the name itself, without a further
/// `.well-known`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ladder {
    pub ip_literal: Step,
    pub port: Step,
    pub srv: Step,
    pub old_srv: Step,
    pub name: Step,
}

impl Ladder {
    pub const OWN: Self = Self {
        ip_literal: Step::IpLiteral,
        port: Step::Port,
        srv: Step::Srv,
        old_srv: Step::OldSrv,
        name: Step::Name,
    };
    pub const DELEGATE: Self = Self {
        ip_literal: Step::DelegateIpLiteral,
        port: Step::DelegatePort,
        srv: Step::DelegateSrv,
        old_srv: Step::DelegateOldSrv,
        name: Step::DelegateName,
    };
}
