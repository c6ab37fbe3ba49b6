//! Policy servers: a room may name one, whose signature recommends each event (check 7).
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures>,
//! <https://spec.matrix.org/v1.19/client-server-api/#mroompolicy>

use std::borrow::Cow;

use crate::auth::{Event, State};
use crate::encoding;
use crate::event::signatures::POLICY_SERVER_KEY_ID;
use crate::evidence::Evidence;
use crate::json::Value;
use crate::keys::{Dalek, PublicKey, SignatureCheck, SignatureOutcome};
use crate::verdict::{Check, CheckResult};

const POLICY: &str = "m.room.policy";

/// The policy server that a room uses.
#[derive(Debug, Clone)]
pub struct PolicyServer<'a> {
    /// The event that names it.
    pub event: &'a Event,
    /// The server.
    pub server: Cow<'a, str>,
    /// Its key for this room. It is the only one that counts, whatever keys the server publishes.
    pub key: PublicKey,
}

/// Why a room uses no policy server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUsed {
    /// There is no `m.room.policy`.
    NoEvent,
    /// It names no server.
    NoServer,
    /// It has no usable ed25519 key.
    NoKey,
    /// No user of the server is joined.
    NotJoined,
}

impl NotUsed {
    /// In words.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::NoEvent => "the room names no policy server",
            Self::NoServer => "m.room.policy names no server",
            Self::NoKey => "m.room.policy has no usable ed25519 key",
            Self::NotJoined => "no user of the policy server is joined",
        }
    }
}

impl<'a> PolicyServer<'a> {
    /// The policy server of a room, by its current state.
    ///
    /// # Errors
    /// [`NotUsed`] with why there is none: then nothing is asked of events.
    pub fn of(state: &'a dyn State) -> Result<Self, NotUsed> {
        let event = state.get(POLICY, "").ok_or(NotUsed::NoEvent)?;
        let server = event.content("via").and_then(Value::as_str).ok_or(NotUsed::NoServer)?;
        let key = event.content("public_keys").and_then(|keys| keys.get("ed25519")?.as_str());
        let key = key.and_then(|key| PublicKey::from_base64(&key).ok()).ok_or(NotUsed::NoKey)?;
        // With a key that anybody can sign for, a signature would recommend nothing.
        if key.refusal().is_some() {
            return Err(NotUsed::NoKey);
        }
        if !state.has_joined_user_of(&server) {
            return Err(NotUsed::NotJoined);
        }
        Ok(Self { event, server, key })
    }

    /// Has it signed an event? `signed` is what servers sign of the event.
    ///
    /// # Errors
    /// The code of what is wrong with the signature.
    pub fn verify(&self, event: &Event, signed: &[u8]) -> Result<(), &'static str> {
        let servers = event.pdu().signatures().and_then(Value::as_object).into_iter().flatten();
        let signature = servers
            .filter(|entry| entry.key() == self.server)
            .find_map(|entry| entry.value.get(POLICY_SERVER_KEY_ID));
        let text = signature.and_then(Value::as_str).ok_or("policy_signature_missing")?;
        check_signature(&self.key, &text, signed).map(|_| ())
    }
}

/// Is this text the signature of a policy server that has this key, on these bytes? Gives its bytes.
///
/// # Errors
/// The code of what is wrong with it.
pub fn check_signature(
    key: &PublicKey,
    text: &str,
    signed: &[u8],
) -> Result<[u8; 64], &'static str> {
    let decoded = encoding::decode::<64>(text).ok_or("policy_signature_malformed")?;
    match Dalek.check(key, signed, &decoded.bytes) {
        SignatureOutcome::Valid => Ok(decoded.bytes),
        SignatureOutcome::Invalid | SignatureOutcome::Divergent => Err("policy_signature_invalid"),
    }
}

/// Check 7: is the event recommended by the policy server, if the room uses one? Skipped when it uses
/// none; passed by the event that names one, which it is not asked about.
#[must_use]
pub fn check(event: &Event, signed: &[u8], state: &dyn State, evidence: bool) -> Check {
    let told = |result, facts: Evidence| Check {
        evidence: evidence.then_some(facts),
        ..Check::new(7, result)
    };
    let server = match PolicyServer::of(state) {
        Ok(server) => server,
        Err(why) => {
            return told(CheckResult::Skip, Evidence::object([("not_used", why.reason().into())]));
        }
    };
    let facts = Evidence::object([
        ("server", (&*server.server).into()),
        ("key_id", POLICY_SERVER_KEY_ID.into()),
        ("public_key", server.key.to_base64().into()),
        ("policy_event", server.event.id().into()),
    ]);
    if event.is_state(POLICY, "") {
        return told(CheckResult::Pass, facts.with("exempt", true));
    }
    let Err(code) = server.verify(event, signed) else {
        return told(CheckResult::Pass, facts);
    };
    let wrong = match code {
        "policy_signature_missing" => "has not signed the event",
        "policy_signature_malformed" => "has put on the event what is not base64 of 64 bytes",
        _ => "has put a signature on the event that does not fit",
    };
    Check {
        code: Some(code),
        reason: Some(format!("the room's policy server {} {wrong}", server.server)),
        evidence: Some(facts),
        ..Check::new(7, CheckResult::Fail)
    }
}
