//! Signatures of events and of other JSON: who must have signed, and did they?
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events>,
//! <https://spec.matrix.org/v1.19/appendices/#signing-json>

use super::Pdu;
use super::hashes::{self, write_without};
use super::redaction::{self, Form};
use crate::encoding;
use crate::identifiers::{ED25519, domain_of};
use crate::json::{Canonical, Value, insert_member, write_string};
use crate::keys::{KeyRing, KeyStanding, Moment, SignatureCheck, SignatureOutcome, SigningKey};
use crate::room_version::RoomVersion;

/// The key ID of policy servers. Their signatures are judged on their own (check 7) and prove
/// nothing about the sender.
pub const POLICY_SERVER_KEY_ID: &str = "ed25519:policy_server";

/// What became of one signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureStatus {
    /// It is right.
    Valid,
    /// It is wrong.
    Invalid,
    /// It is not base64 of 64 bytes.
    Malformed,
    /// It is by a policy server, which is not looked at here.
    PolicyServer,
    /// Its algorithm is not ed25519.
    UnknownAlgorithm,
    /// Its key had been taken out of use.
    KeyExpired {
        /// Since when, in milliseconds.
        expired_ts: Option<i64>,
    },
    /// Its key was not known to be valid so late.
    KeyNotValidYet {
        /// Until when it was, in milliseconds.
        valid_until_ts: Option<i64>,
    },
    /// Its key must not be trusted.
    KeyRefused(crate::keys::KeyRefusal),
    /// The server does not list its key, and was asked late enough to know.
    KeyUnknown {
        /// When the server was asked, in milliseconds.
        asked: i64,
    },
    /// Its key is not there.
    KeyMissing,
}

/// One signature and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureReport {
    /// The key it claims to be by.
    pub key_id: String,
    /// What became of it.
    pub status: SignatureStatus,
    /// It was written in URL-safe base64.
    pub url_safe: bool,
    /// Implementations that do not refuse points of small order take it.
    pub divergent: bool,
}

impl SignatureReport {
    fn new(key_id: String, status: SignatureStatus) -> Self {
        Self { key_id, status, url_safe: false, divergent: false }
    }
}

/// The signatures of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerReport {
    /// The server.
    pub server: String,
    /// Its signatures, all of them.
    pub signatures: Vec<SignatureReport>,
}

/// Why the signatures of a server do not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerFailure {
    /// There is none.
    Missing,
    /// There are only ones of unknown algorithms.
    UnknownAlgorithm,
    /// One by a known key is not base64 of 64 bytes.
    Malformed,
    /// One by a known key is wrong.
    Invalid,
    /// The keys were not valid when the event was made.
    KeyExpired,
    /// The keys must not be trusted.
    KeyRefused,
    /// The server does not list the keys.
    KeyUnknown,
    /// A key is not there: not decidable.
    KeyMissing,
}

impl ServerFailure {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "signature_missing",
            Self::UnknownAlgorithm => "signature_unknown_algorithm",
            Self::Malformed => "signature_malformed",
            Self::Invalid => "signature_invalid",
            Self::KeyExpired => "signature_key_expired",
            Self::KeyRefused => "signature_key_refused",
            Self::KeyUnknown => "signature_key_unknown",
            Self::KeyMissing => "signature_key_missing",
        }
    }
}

impl ServerReport {
    /// Every signature by a known key that was valid at the time must be right, and there must
    /// be one; signatures by other keys are passed over.
    ///
    /// # Errors
    /// [`ServerFailure`] with what keeps the signatures from being enough.
    pub fn judge(&self) -> Result<(), ServerFailure> {
        use SignatureStatus as Status;
        let any = |wanted: fn(&Status) -> bool| {
            self.signatures.iter().any(|signature| wanted(&signature.status))
        };
        if any(|status| matches!(status, Status::Invalid)) {
            Err(ServerFailure::Invalid)
        } else if any(|status| matches!(status, Status::Malformed)) {
            Err(ServerFailure::Malformed)
        } else if any(|status| matches!(status, Status::Valid)) {
            Ok(())
        } else if any(|status| matches!(status, Status::KeyMissing)) {
            Err(ServerFailure::KeyMissing)
        } else if any(|status| matches!(status, Status::KeyRefused(_))) {
            Err(ServerFailure::KeyRefused)
        } else if any(|status| {
            matches!(status, Status::KeyExpired { .. } | Status::KeyNotValidYet { .. })
        }) {
            Err(ServerFailure::KeyExpired)
        } else if any(|status| matches!(status, Status::KeyUnknown { .. })) {
            Err(ServerFailure::KeyUnknown)
        } else if any(|status| matches!(status, Status::UnknownAlgorithm)) {
            Err(ServerFailure::UnknownAlgorithm)
        } else {
            Err(ServerFailure::Missing)
        }
    }
}

/// The signatures of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSignatures {
    /// The servers that must have signed. Empty for an invite that a third party's invitation
    /// led to: what proves that one is judged by the authorization rules.
    pub required: Vec<ServerReport>,
    /// The server of the user that authorised a restricted join. Whether it had to sign is for
    /// the authorization rules to say; here is what they need to know.
    pub authoriser: Option<ServerReport>,
}

/// The servers that must have signed an event. `is_third_party_invite` is whether it is one in the form
/// that counts: what an event says by content that does not fit its hash excuses nobody.
pub fn required_servers(event: &Pdu, is_third_party_invite: bool) -> impl Iterator<Item = String> {
    // The format check has seen server names behind the first colons.
    let server = |identifier: &str| identifier.split_once(':').map(|(_, server)| server.to_owned());
    let sender = server(&event.sender());
    let sender_signs = !is_third_party_invite;
    let event_id =
        event.event_id_field().and_then(|id| server(&id)).filter(|id| Some(id) != sender.as_ref());
    sender.filter(|_| sender_signs).into_iter().chain(event_id)
}

/// Checks the signatures of an event. `signed` is its redacted form without signatures, which
/// is what servers sign ([`Form::Signed`]).
#[must_use]
pub fn verify_event(
    event: &Pdu,
    is_third_party_invite: bool,
    signed: &[u8],
    ring: &KeyRing,
) -> EventSignatures {
    let moment = Moment {
        ts: event.origin_server_ts(),
        enforce_validity: event.version().enforce_key_validity,
    };
    let report = |server: String| verify(event.signatures(), signed, server, moment, ring);
    EventSignatures {
        required: required_servers(event, is_third_party_invite).map(report).collect(),
        authoriser: event
            .join_authoriser()
            .and_then(|user| domain_of(&user, '@').map(str::to_owned))
            .map(report),
    }
}

/// Checks the signatures of one server on an event, whether or not it must sign. `signed` is as in
/// [`verify_event`].
#[must_use]
pub fn verify_event_by(server: &str, event: &Pdu, signed: &[u8], ring: &KeyRing) -> ServerReport {
    let moment = Moment {
        ts: event.origin_server_ts(),
        enforce_validity: event.version().enforce_key_validity,
    };
    verify(event.signatures(), signed, server.to_owned(), moment, ring)
}

/// Checks the signatures of `server` on a JSON object, made at `moment`.
///
/// Spec: <https://spec.matrix.org/v1.19/appendices/#checking-for-a-signature>
#[must_use]
pub fn verify_json(
    object: &Canonical,
    server: &str,
    moment: Moment,
    ring: &KeyRing,
) -> ServerReport {
    let mut message = Vec::with_capacity(object.text().len());
    write_without(object, &["signatures", "unsigned"], &mut message);
    verify(object.get("signatures"), &message, server.to_owned(), moment, ring)
}

fn verify(
    signatures: Option<Value<'_>>,
    message: &[u8],
    server: String,
    moment: Moment,
    ring: &KeyRing,
) -> ServerReport {
    let signatures = signatures
        .and_then(Value::as_object)
        .and_then(|mut servers| servers.find(|member| member.key() == server))
        .and_then(|member| member.value.as_object());
    let signatures = signatures
        .into_iter()
        .flatten()
        .map(|member| {
            let key_id = member.key();
            if key_id == POLICY_SERVER_KEY_ID {
                return SignatureReport::new(key_id.into_owned(), SignatureStatus::PolicyServer);
            }
            let signature = member.value.as_str().unwrap_or_default();
            let standing = ring.standing(&server, &key_id, moment);
            verify_signature(key_id.into_owned(), &signature, message, standing, ring.check())
        })
        .collect();
    ServerReport { server, signatures }
}

/// Checks one signature over `message`, in base64, by the key `key_id`, of which the ring says
/// `standing`.
#[must_use]
pub fn verify_signature(
    key_id: String,
    signature: &str,
    message: &[u8],
    standing: KeyStanding<'_>,
    check: &dyn SignatureCheck,
) -> SignatureReport {
    use SignatureStatus as Status;
    if key_id.split_once(':').map(|(algorithm, _)| algorithm) != Some(ED25519) {
        return SignatureReport::new(key_id, Status::UnknownAlgorithm);
    }
    let (known, refusal) = match standing {
        KeyStanding::Good(known) => (known, None),
        KeyStanding::Refused(known, refusal) => (known, Some(refusal)),
        KeyStanding::Missing => return SignatureReport::new(key_id, Status::KeyMissing),
        KeyStanding::Disowned { asked } => {
            return SignatureReport::new(key_id, Status::KeyUnknown { asked });
        }
        KeyStanding::Expired(known) => {
            let expired_ts = known.expired_ts;
            return SignatureReport::new(key_id, Status::KeyExpired { expired_ts });
        }
        KeyStanding::NotValidYet(known) => {
            let valid_until_ts = known.valid_until_ts;
            return SignatureReport::new(key_id, Status::KeyNotValidYet { valid_until_ts });
        }
    };
    let mut report = SignatureReport::new(key_id, Status::Malformed);
    if let Some(decoded) = encoding::decode::<64>(signature) {
        let outcome = check.check(&known.key, message, &decoded.bytes);
        report.url_safe = decoded.url_safe;
        report.divergent = outcome == SignatureOutcome::Divergent;
        report.status =
            if outcome == SignatureOutcome::Valid { Status::Valid } else { Status::Invalid };
    }
    if let Some(refusal) = refusal {
        report.status = Status::KeyRefused(refusal);
    }
    report
}

/// Says what is wrong with the signatures of a server on `what` (an event, another object), made
/// at `ts`.
#[must_use]
pub fn sentence(
    what: &str,
    report: &ServerReport,
    failure: ServerFailure,
    ts: Option<i64>,
) -> String {
    use SignatureStatus as Status;
    let server = &report.server;
    let made = ts.map(|ts| format!(" at {ts}")).unwrap_or_default();
    let the = |wanted: fn(&SignatureStatus) -> bool| {
        report.signatures.iter().find(|signature| wanted(&signature.status))
    };
    let key = |signature: Option<&SignatureReport>| {
        signature.map(|signature| signature.key_id.clone()).unwrap_or_default()
    };
    match failure {
        ServerFailure::Missing => format!("the {what} is not signed by {server}"),
        ServerFailure::UnknownAlgorithm => {
            format!(
                "{server} signed the {what} with unknown algorithms only; ed25519 is the one known"
            )
        }
        ServerFailure::Malformed => format!(
            "the signature of {server} by {} is not base64 of 64 bytes",
            key(the(|status| matches!(status, Status::Malformed)))
        ),
        ServerFailure::Invalid => {
            let wrong = the(|status| matches!(status, Status::Invalid));
            let why = if wrong.is_some_and(|signature| signature.divergent) {
                "has a point of small order, which libsodium refuses, on"
            } else {
                "does not fit"
            };
            format!("the signature of {server} by {} {why} the {what}", key(wrong))
        }
        ServerFailure::KeyExpired => {
            let late = the(|status| {
                matches!(status, Status::KeyExpired { .. } | Status::KeyNotValidYet { .. })
            });
            let validity = match late.map(|signature| signature.status) {
                Some(Status::KeyExpired { expired_ts: Some(i64::MIN) | None }) => {
                    "is an old key of which nobody knows when it expired".to_owned()
                }
                Some(Status::KeyExpired { expired_ts: Some(expired) }) => {
                    format!("expired at {expired}, before the {what} was made{made}")
                }
                Some(Status::KeyNotValidYet { valid_until_ts: Some(valid_until) }) => {
                    format!("was valid until {valid_until}, but the {what} was made{made}")
                }
                _ => format!("was not valid when the {what} was made"),
            };
            format!("the key {} of {server} {validity}", key(late))
        }
        ServerFailure::KeyRefused => {
            let refused = the(|status| matches!(status, Status::KeyRefused(_)));
            let why = match refused.map(|signature| signature.status) {
                Some(Status::KeyRefused(refusal)) => refusal.to_string(),
                _ => String::new(),
            };
            format!("the key {} of {server} must not be trusted: {why}", key(refused))
        }
        ServerFailure::KeyUnknown => format!(
            "{server}, asked for its keys after the {what} was made, does not list {}",
            key(the(|status| matches!(status, Status::KeyUnknown { .. })))
        ),
        ServerFailure::KeyMissing => format!(
            "the key {} of {server} is needed to check the signature",
            key(the(|status| matches!(status, Status::KeyMissing)))
        ),
    }
}

/// A copy of `object` with the signature of `server` by `key` added; signatures that are there
/// stay.
///
/// Spec: <https://spec.matrix.org/v1.19/appendices/#signing-details>
#[must_use]
pub fn sign_json(object: &Canonical, server: &str, key: &SigningKey) -> Canonical {
    let mut message = Vec::with_capacity(object.text().len());
    write_without(object, &["signatures", "unsigned"], &mut message);
    add_signature(object, server, key.key_id(), &key.sign(&message))
}

/// A copy of `event` with its content hash set and the signature of `server` by `key` added;
/// signatures that are there stay.
///
/// Spec: <https://spec.matrix.org/v1.19/server-server-api/#signing-events>
#[must_use]
pub fn sign_event(
    event: &Canonical,
    version: &RoomVersion,
    server: &str,
    key: &SigningKey,
) -> Canonical {
    let (event, message) = to_sign(event, version);
    add_signature(&event, server, key.key_id(), &key.sign(&message))
}

/// A copy of `event` with its content hash set, and what is signed of it: for keys that are kept
/// elsewhere. The signature is then added by [`add_signature`].
#[must_use]
pub fn to_sign(event: &Canonical, version: &RoomVersion) -> (Canonical, Vec<u8>) {
    let hash = encoding::encode(&hashes::content_hash(event));
    let mut hash_text = Vec::new();
    write_string(&hash, &mut hash_text);
    let hashes = insert_member(event.get("hashes"), "sha256", &hash_text);
    let event = event.with_member("hashes", Some(&hashes));
    let mut message = Vec::with_capacity(event.text().len());
    redaction::write_redacted(&event, version.redaction, Form::Signed, &mut message);
    (event, message)
}

/// A copy of `object` with a signature added; those that are there stay, also of the same server.
#[must_use]
pub fn add_signature(
    object: &Canonical,
    server: &str,
    key_id: &str,
    signature: &[u8; 64],
) -> Canonical {
    let mut text = Vec::new();
    write_string(&encoding::encode(signature), &mut text);
    let signatures = object.get("signatures");
    let own = signatures
        .and_then(Value::as_object)
        .and_then(|mut servers| servers.find(|member| member.key() == server))
        .map(|member| member.value);
    let own = insert_member(own, key_id, &text);
    object.with_member("signatures", Some(&insert_member(signatures, server, &own)))
}
