//! What can be asked of a host, and what it answers.

use std::net::IpAddr;

use crate::keys::KeyResponse;

/// Something only the world outside can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The SRV records of a name.
    Srv {
        /// The whole name, `_matrix-fed._tcp.example.org`.
        name: String,
    },
    /// The addresses of a name, by its A and AAAA records, aliases (CNAME) followed.
    Addresses {
        /// The name.
        name: String,
    },
    /// An HTTPS request.
    Https(Box<HttpsRequest>),
    /// The time.
    Now,
    /// Bytes that nobody can guess.
    Random {
        /// How many.
        bytes: usize,
    },
    /// Our server's signature. The key stays with the host.
    Sign {
        /// What is signed.
        message: Vec<u8>,
    },
    /// A pause. Of 0 ms: let others run.
    Wait {
        /// How long, in milliseconds.
        ms: u64,
    },
}

impl Effect {
    /// Its name, as hosts and traces have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Srv { .. } => "srv",
            Self::Addresses { .. } => "addresses",
            Self::Https(_) => "https",
            Self::Now => "now",
            Self::Random { .. } => "random",
            Self::Sign { .. } => "sign",
            Self::Wait { .. } => "wait",
        }
    }
}

/// The answer to an [`Effect`], of the same kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The records; none when there is no such name, or none of its kind.
    Srv(Vec<SrvRecord>),
    /// The addresses; none when there is no such name, or none of their kinds.
    Addresses(Addresses),
    /// What the server answered.
    Https(HttpsAnswer),
    /// Milliseconds since 1970.
    Now(i64),
    /// As many bytes as were asked for.
    Random(Vec<u8>),
    /// The signature by ed25519.
    Signature([u8; 64]),
    /// The pause is over.
    Waited,
}

/// An SRV record (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SrvRecord {
    /// The lowest is tried first.
    pub priority: u16,
    /// Of equal priority, this one's share.
    pub weight: u16,
    /// The port to connect to.
    pub port: u16,
    /// The host to connect to, without a dot at its end; empty for `.`: the service is not there.
    pub target: String,
}

/// The addresses of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// In the order in which they are to be tried.
    pub addresses: Vec<IpAddr>,
    /// The name that has them, if the one asked for is an alias (CNAME) of it and the host can tell.
    pub canonical_name: Option<String>,
}

/// An HTTPS request, in all that may differ from one to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsRequest {
    /// The name whose address is connected to, for people: a delegate or the target of an SRV record.
    pub connect_host: String,
    /// The address to connect to, and no other; `None` when the host looks names up by itself.
    pub address: Option<IpAddr>,
    /// The port to connect to.
    pub port: u16,
    /// The `Host` header.
    pub host_header: String,
    /// The name that is sent as SNI and that the certificate must be for; `None`: the certificate must
    /// be for the address, and no SNI is sent.
    pub tls_name: Option<String>,
    /// `GET`, `PUT`, …
    pub method: &'static str,
    /// Path and query, exactly as they go out.
    pub target: String,
    /// Further headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, exactly as it goes out.
    pub body: Option<Vec<u8>>,
    /// The longest body that may come back, in bytes; a longer one is an error.
    pub max_bytes: usize,
    /// How long the whole may take, in milliseconds.
    pub time_limit_ms: u64,
    /// What becomes of redirects.
    pub redirects: Redirects,
}

/// What a host does with a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redirects {
    /// Gives it back as the answer it is.
    GiveBack,
    /// Follows up to this many, one more is a failure; for hosts that cannot give them back.
    Follow(u32),
}

/// The answer to an [`HttpsRequest`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpsAnswer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case, one entry for each line.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl HttpsAnswer {
    /// The first header of a name, which is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// What a host is able to do. What it cannot, the core works around or says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Looks up SRV records.
    pub srv: bool,
    /// Looks up addresses.
    pub addresses: bool,
    /// Connects to the address it is told.
    pub address: bool,
    /// Sends the `Host` header and expects the certificate it is told, whatever it connects to.
    pub names: bool,
    /// Gives redirects back.
    pub redirects: bool,
}

impl Capabilities {
    /// A host that can do everything.
    pub const ALL: Self =
        Self { srv: true, addresses: true, address: true, names: true, redirects: true };
}

/// What an operation tells on its way; nobody has to answer.
#[derive(Debug, Clone)]
pub enum Notice {
    /// How far it has come.
    Progress {
        /// What it is at, a stable word.
        stage: &'static str,
        /// How many are done.
        done: u64,
        /// Of how many, if that is known.
        total: Option<u64>,
    },
    /// A verified answer with keys entered the key ring.
    ServerKeys {
        /// The key response, as it came.
        document: Vec<u8>,
        /// What it says.
        response: Box<KeyResponse>,
        /// It came from a notary.
        passed_on: bool,
    },
}
