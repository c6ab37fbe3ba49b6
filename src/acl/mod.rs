//! Server ACLs: which servers may take part in a room.
//!
//! An ACL is upheld where servers talk to each other and nowhere else. It asks about the server
//! that makes a request or sends a transaction, not about the senders of the events in it; it
//! has no part in authorization rules and state resolution; and servers that it denies are still
//! sent the events of the room while they are in it.
//!
//! [`ServerAcl`] answers whether a server may; [`protected_endpoint`] and [`edu_rooms`] tell
//! where, and for which room, that must be asked.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls>

mod decision;
mod edus;
mod endpoints;
mod entries;
mod glob;

pub use decision::{Decision, Ground};
pub use edus::{EduRooms, edu_rooms};
pub use endpoints::{ProtectedEndpoint, Protection, protected_endpoint};

use crate::evidence::Quoted;
use crate::identifiers::{HostKind, ServerName};
use crate::json::{Canonical, Kind, Value};
use entries::Entries;

const EVENT_TYPE: &str = "m.room.server_acl";

/// The ACL of a room, read once and asked often.
#[derive(Debug, Clone, Default)]
pub struct ServerAcl {
    rules: Option<Rules>,
    ignored: Option<String>,
}

/// The content of an `m.room.server_acl` event.
#[derive(Debug, Clone)]
struct Rules {
    allow_ip_literals: bool,
    deny: Entries,
    allow: Entries,
}

impl ServerAcl {
    /// The ACL of a room that has none.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The ACL in `event`: an object with a text as `type` and an object as `content`. Any other
    /// JSON is taken for the content alone, so use [`Self::from_content`] where that is known:
    /// a content could be made to look like an event.
    ///
    /// An event that is not the room's ACL counts as none: see [`Self::ignored`].
    #[must_use]
    pub fn from_event(event: &Canonical) -> Self {
        let event = event.value();
        let event_type = event.get("type").and_then(Value::as_str);
        let content = event.get("content").filter(|content| content.kind() == Kind::Object);
        let (Some(event_type), Some(content)) = (event_type, content) else {
            return Self::from_content(event);
        };
        match why_ignored(&event_type, event.get("state_key")) {
            None => Self::from_content(content),
            why => Self { rules: None, ignored: why },
        }
    }

    /// The ACL with this content. A list that is missing or no array is empty, what is no text
    /// in a list is skipped, and `allow_ip_literals` is true unless it is the boolean false.
    ///
    /// Spec: <https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl>
    #[must_use]
    pub fn from_content(content: Value<'_>) -> Self {
        let no_literals = content.get("allow_ip_literals").is_some_and(|it| it.text() == b"false");
        let rules = Rules {
            allow_ip_literals: !no_literals,
            deny: Entries::read(content.get("deny")),
            allow: Entries::read(content.get("allow")),
        };
        Self { rules: Some(rules), ignored: None }
    }

    /// Why the event that was given is not the room's ACL, when it is not.
    #[must_use]
    pub fn ignored(&self) -> Option<&str> {
        self.ignored.as_deref()
    }

    /// How many things in the two lists were no text, and are left out.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.rules
            .as_ref()
            .map_or(0, |Rules { deny, allow, .. }| deny.skipped().saturating_add(allow.skipped()))
    }

    /// May the server `server_name`, which makes a request or sends a transaction, take part in
    /// the room? Its port does not count, nor does the case of ASCII letters.
    #[must_use]
    pub fn check<'a>(&'a self, server_name: &'a str) -> Decision<'a> {
        let (host, ground) = match ServerName::parse(server_name) {
            Err(error) => (None, Ground::ServerNameInvalid(error)),
            Ok(ServerName { host, kind, .. }) => {
                let host = match kind {
                    HostKind::Ipv6 => with_brackets(server_name),
                    HostKind::Ipv4 | HostKind::Dns => host,
                };
                (Some(host), self.judge(host, kind))
            }
        };
        Decision { server_name, host, ground }
    }

    fn judge(&self, host: &str, kind: HostKind) -> Ground<'_> {
        let Some(rules) = &self.rules else {
            return Ground::NoAcl { ignored: self.ignored() };
        };
        if kind != HostKind::Dns && !rules.allow_ip_literals {
            return Ground::IpLiteral;
        }
        let host = host.to_ascii_lowercase();
        if let Some(entry) = rules.deny.find(&host) {
            return Ground::Denied { entry };
        }
        match rules.allow.find(&host) {
            Some(entry) => Ground::Allowed { entry },
            None => Ground::NotAllowed { entries: rules.allow.len() },
        }
    }
}

/// The host of a server name that is an IPv6 address, as entries of ACLs have it.
fn with_brackets(server_name: &str) -> &str {
    server_name.split_inclusive(']').next().unwrap_or(server_name)
}

/// Why an event of this type and state key is not the room's ACL.
fn why_ignored(event_type: &str, state_key: Option<Value<'_>>) -> Option<String> {
    if event_type != EVENT_TYPE {
        let event_type = Quoted(event_type);
        return Some(format!("the type of the event is {event_type}, not {EVENT_TYPE}"));
    }
    let Some(state_key) = state_key else {
        return Some("the event has no state_key, so it is not part of the state".to_owned());
    };
    let text = state_key.text();
    (text != b"\"\"").then(|| {
        let text = String::from_utf8_lossy(text);
        format!("the state_key of the event is {text}, and only that with an empty one counts")
    })
}
