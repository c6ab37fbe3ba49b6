//! Checks 1 to 3: what an event proves by itself, and by the keys of the servers that signed it.

use std::borrow::Cow;

use super::{Options, set_flags};
use crate::auth::{AuthoriserSignature, Event};
use crate::encoding::{self, Decoded};
use crate::event::redaction::{self, Form};
use crate::event::signatures::{
    self, EventSignatures, ServerFailure, ServerReport, SignatureReport, SignatureStatus,
};
use crate::event::{FormatError, Limits, MAX_AUTH_EVENTS, MAX_EVENT_BYTES, Pdu, hashes};
use crate::evidence::Evidence;
use crate::json::{self, Canonical, Kind, MAX_SAFE_INTEGER, Numbers};
use crate::keys::KeyRing;
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::sha256::Hash;
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// An event that passed check 1, and what is hashed of it.
pub(crate) struct Prepared {
    event: Pdu,
    /// Its redacted form without signatures: what is signed, and what the reference hash is of.
    signed: Vec<u8>,
    /// What the content hash is of.
    hashed: Vec<u8>,
}

/// What checks 1 to 3 gave.
pub(crate) struct Proof {
    pub verdict: Verdict,
    /// What became of the signature by which a server lets a user into a restricted room. Whether
    /// there had to be one is for the authorization rules to say.
    pub authoriser: AuthoriserSignature,
}

impl Prepared {
    pub fn new(
        bytes: &[u8],
        version: &'static RoomVersion,
        options: Options,
    ) -> Result<Self, Box<Verdict>> {
        let json = json::parse(bytes, Numbers::Keep)
            .map_err(|error| dropped(None, &FormatError::Json(error), version))?;
        let event = Pdu::from_canonical(json, version, options.limits)
            .map_err(|failure| dropped(Some(&failure.0), &failure.1, version))?;
        let mut signed = Vec::with_capacity(event.json().text().len());
        redaction::write_redacted(event.json(), version.redaction, Form::Signed, &mut signed);
        let mut hashed = Vec::with_capacity(event.json().text().len());
        hashes::write_hashed(event.json(), &mut hashed);
        Ok(Self { event, signed, hashed })
    }

    /// What the reference hash is of, and what servers sign.
    pub fn signed(&self) -> &[u8] {
        &self.signed
    }

    /// What the content hash is of.
    pub fn hashed(&self) -> &[u8] {
        &self.hashed
    }

    /// Frees what the content hash was made of, and all memory beyond what the event takes.
    pub fn settle(&mut self) {
        self.hashed = Vec::new();
        self.signed.shrink_to_fit();
        self.event.shrink_to_fit();
    }

    /// The event, as it came.
    pub fn pdu(&self) -> &Pdu {
        &self.event
    }

    pub fn prove(
        &self,
        reference_hash: &Hash,
        content_hash: &Hash,
        ring: &KeyRing,
        options: Options,
    ) -> Proof {
        let event = &self.event;
        let stated = event.stated_content_hash();
        let decoded = encoding::decode::<32>(&stated);
        let hash = hash_check(content_hash, &stated, decoded.as_ref(), options);
        // Check 3 is made before check 2, which must be the same for an event and its redacted copy:
        // else an invite could excuse its sender from signing by content that is then cut away.
        let is_third_party_invite = event.is_third_party_invite()
            && (hash.result == CheckResult::Pass
                || self.redacted().is_some_and(|redacted| redacted.is_third_party_invite()));
        let signatures = signatures::verify_event(event, is_third_party_invite, &self.signed, ring);
        let url_safe_hash = hash.result == CheckResult::Pass
            && decoded.as_ref().is_some_and(|decoded| decoded.url_safe);
        let authoriser = authoriser(&signatures);
        let flags = flags(event, &signatures, url_safe_hash);
        let signatures = signature_check(event, &signatures, options);

        let outcome = match signatures.result {
            CheckResult::Fail => Outcome::Dropped,
            CheckResult::Incomplete => Outcome::Incomplete,
            CheckResult::Pass | CheckResult::Skip => Outcome::Accepted,
        };
        let redacted = outcome != Outcome::Dropped && hash.result == CheckResult::Fail;
        let verdict = Verdict {
            outcome,
            redacted,
            checks: vec![format_check(event, options), signatures, hash],
            flags,
            ..self.verdict(reference_hash)
        };
        Proof { verdict, authoriser }
    }

    /// What becomes of the signature that lets a user into a restricted room, by the keys in a ring.
    pub fn authoriser(&self, ring: &KeyRing) -> AuthoriserSignature {
        let is_third_party_invite = self.event.is_third_party_invite();
        let signed = &self.signed;
        authoriser(&signatures::verify_event(&self.event, is_third_party_invite, signed, ring))
    }

    /// The verdict of check 1 alone.
    pub fn unproven(&self, reference_hash: &Hash, options: Options) -> Verdict {
        let unchecked = EventSignatures { required: Vec::new(), authoriser: None };
        Verdict {
            checks: vec![format_check(&self.event, options)],
            flags: flags(&self.event, &unchecked, false),
            ..self.verdict(reference_hash)
        }
    }

    fn verdict(&self, reference_hash: &Hash) -> Verdict {
        let event = &self.event;
        Verdict {
            event_id: hashes::event_id(event.json(), reference_hash, event.version()),
            room_version: event.version().id,
            event_type: Some(event.event_type().into_owned()),
            state_key: event.state_key().map(Cow::into_owned),
            sender: Some(event.sender().into_owned()),
            outcome: Outcome::Accepted,
            redacted: false,
            checks: Vec::new(),
            flags: Vec::new(),
        }
    }

    /// The event as the authorization rules read it: redacted, where its content hash differs.
    pub fn event(&self, verdict: &Verdict, authoriser: AuthoriserSignature) -> Event {
        let redacted = verdict.redacted.then(|| self.redacted()).flatten();
        let pdu = redacted.unwrap_or_else(|| self.event.clone());
        Event::new(pdu, verdict.event_id.clone().unwrap_or_default()).with_authoriser(authoriser)
    }

    /// The same, and what is signed of it; copies nothing.
    pub fn into_event(
        self,
        verdict: &Verdict,
        authoriser: AuthoriserSignature,
    ) -> (Event, Vec<u8>) {
        let redacted = verdict.redacted.then(|| self.redacted()).flatten();
        let pdu = redacted.unwrap_or(self.event);
        let event = Event::new(pdu, verdict.event_id.clone().unwrap_or_default());
        (event.with_authoriser(authoriser), self.signed)
    }

    /// The event, redacted.
    pub fn redacted(&self) -> Option<Pdu> {
        let version = self.event.version();
        let mut text = Vec::with_capacity(self.signed.len());
        redaction::write_redacted(self.event.json(), version.redaction, Form::Event, &mut text);
        let json = json::parse(&text, Numbers::Keep).ok()?;
        // It keeps every field that the format asks for, so it is well formed too.
        Pdu::from_canonical(json, version, Limits::Backfill).ok()
    }
}

fn authoriser(signatures: &EventSignatures) -> AuthoriserSignature {
    match signatures.authoriser.as_ref().map(ServerReport::judge) {
        None => AuthoriserSignature::Unchecked,
        Some(Ok(())) => AuthoriserSignature::Valid,
        Some(Err(failure)) => AuthoriserSignature::Failed(failure),
    }
}

/// The verdict about an event that was too long to be kept.
#[must_use]
pub fn too_long(length: usize, version: &'static RoomVersion) -> Verdict {
    *dropped(None, &FormatError::TooLarge(length), version)
}

/// The verdict about an event that is malformed. What it says of itself is passed on as far as
/// it can be read; its ID is not computed, for it has none.
fn dropped(
    json: Option<&Canonical>,
    error: &FormatError,
    version: &'static RoomVersion,
) -> Box<Verdict> {
    let text = |key| json.and_then(|json| json.get(key)?.as_str()).map(Cow::into_owned);
    Box::new(Verdict {
        event_id: None,
        room_version: version.id,
        event_type: text("type"),
        state_key: text("state_key"),
        sender: text("sender"),
        outcome: Outcome::Dropped,
        redacted: false,
        checks: vec![
            Check {
                code: Some(error.code()),
                reason: Some(error.to_string()),
                spec: Cow::Owned(error.spec(version)),
                evidence: Some(error.evidence()),
                ..Check::new(1, CheckResult::Fail)
            },
            Check::new(2, CheckResult::Skip),
            Check::new(3, CheckResult::Skip),
        ],
        flags: json
            .map(|json| {
                set_flags([
                    ("duplicate_keys", json.notes().duplicate_keys),
                    ("negative_zero", json.notes().negative_zero),
                ])
            })
            .unwrap_or_default(),
    })
}

fn format_check(event: &Pdu, options: Options) -> Check {
    let evidence = options.evidence.then(|| {
        Evidence::object([
            ("bytes", event.json().text().len().into()),
            ("nesting", event.json().notes().nesting.into()),
            ("depth", event.depth().into()),
            ("origin_server_ts", event.origin_server_ts().into()),
        ])
    });
    Check { evidence, ..Check::new(1, CheckResult::Pass) }
}

/// What Synapse adds to every event before it measures it.
const EMPTY_UNSIGNED: &str = ",\"unsigned\":{}";

/// What is worth knowing about an event that is well formed, above all where other
/// implementations judge otherwise (as measured with Synapse 1.163).
fn flags(event: &Pdu, signatures: &EventSignatures, url_safe_hash: bool) -> Vec<&'static str> {
    let json = event.json();
    let notes = json.notes();
    let implied_create_event = event.version().room_id_format == RoomIdFormat::CreateEventId;
    let signed = |wanted: fn(&SignatureReport) -> bool| {
        signatures.required.iter().flat_map(|server| &server.signatures).any(wanted)
    };
    set_flags([
        (
            "auth_events_limit_divergent",
            implied_create_event && event.auth_events().count() == MAX_AUTH_EVENTS,
        ),
        ("byte_limit_divergent", event.is_over_byte_limit()),
        ("depth_limit_divergent", event.depth() > MAX_SAFE_INTEGER),
        ("duplicate_keys", notes.duplicate_keys),
        ("ed25519_divergent", signed(|signature| signature.divergent)),
        ("negative_zero", notes.negative_zero),
        (
            "size_limit_divergent",
            event.size().saturating_add(EMPTY_UNSIGNED.len()) > MAX_EVENT_BYTES,
        ),
        ("unsigned_malformed", event.unsigned().is_some_and(|value| value.kind() != Kind::Object)),
        ("unsigned_oversized", json.text().len() > MAX_EVENT_BYTES),
        (
            "url_safe_base64",
            signed(|signature| signature.url_safe && signature.status == SignatureStatus::Valid)
                || url_safe_hash,
        ),
    ])
}

fn signature_check(event: &Pdu, signatures: &EventSignatures, options: Options) -> Check {
    let failures: Vec<(&ServerReport, ServerFailure)> = signatures
        .required
        .iter()
        .filter_map(|server| server.judge().err().map(|failure| (server, failure)))
        .collect();
    // A failure that decides goes before one that is for want of a key.
    let decisive = failures.iter().find(|(_, failure)| *failure != ServerFailure::KeyMissing);
    let Some((server, failure)) = decisive.or(failures.first()) else {
        let evidence = options.evidence.then(|| signature_evidence(event, signatures));
        return Check { evidence, ..Check::new(2, CheckResult::Pass) };
    };
    let mut missing = Vec::new();
    let result = if *failure == ServerFailure::KeyMissing {
        for (server, _) in &failures {
            let keys = server.signatures.iter().filter(|s| s.status == SignatureStatus::KeyMissing);
            missing.extend(keys.map(|signature| format!("{} {}", server.server, signature.key_id)));
        }
        CheckResult::Incomplete
    } else {
        CheckResult::Fail
    };
    Check {
        code: Some(failure.code()),
        reason: Some(signatures::sentence(
            "event",
            server,
            *failure,
            Some(event.origin_server_ts()),
        )),
        evidence: Some(signature_evidence(event, signatures)),
        missing,
        ..Check::new(2, result)
    }
}

fn signature_evidence(event: &Pdu, signatures: &EventSignatures) -> Evidence {
    Evidence::object([
        ("origin_server_ts", event.origin_server_ts().into()),
        ("required", signatures.required.iter().map(server_evidence).collect()),
    ])
    .with_some("join_authoriser", signatures.authoriser.as_ref().map(server_evidence))
}

/// What became of the signatures of a server, as data.
#[must_use]
pub fn server_evidence(report: &ServerReport) -> Evidence {
    Evidence::object([
        ("server", (&report.server).into()),
        ("signatures", report.signatures.iter().map(signature_evidence_of).collect()),
    ])
    .with_some("code", report.judge().err().map(ServerFailure::code))
}

fn signature_evidence_of(signature: &SignatureReport) -> Evidence {
    use SignatureStatus as Status;
    let result = |result: &'static str| {
        Evidence::object([("key_id", (&signature.key_id).into()), ("result", result.into())])
    };
    let skipped = |because: &'static str| result("skipped").with("because", because);
    match signature.status {
        Status::Valid => result("valid"),
        Status::Invalid => result("invalid"),
        Status::Malformed => result("malformed"),
        Status::PolicyServer => skipped("policy_server"),
        Status::UnknownAlgorithm => skipped("unknown_algorithm"),
        Status::KeyExpired { expired_ts } => {
            skipped("key_expired").with_some("expired_ts", expired_ts)
        }
        Status::KeyNotValidYet { valid_until_ts } => {
            skipped("key_expired").with_some("valid_until_ts", valid_until_ts)
        }
        Status::KeyRefused(refusal) => skipped(refusal.code()),
        Status::KeyUnknown { asked } => skipped("key_unknown").with("fetched_ts", asked),
        Status::KeyMissing => skipped("key_missing"),
    }
}

fn hash_check(
    computed: &Hash,
    stated: &str,
    decoded: Option<&Decoded<32>>,
    options: Options,
) -> Check {
    // As bytes: padding and trailing bits make no other hash.
    let matches = decoded.is_some_and(|decoded| decoded.bytes == *computed);
    let evidence = (!matches || options.evidence).then(|| {
        Evidence::object([
            ("computed", encoding::encode(computed).into()),
            ("stated", stated.into()),
        ])
    });
    if matches {
        return Check { evidence, ..Check::new(3, CheckResult::Pass) };
    }
    let reason = format!(
        "the content hashes to {}, the event states {stated}: its redacted copy is used",
        encoding::encode(computed)
    );
    Check {
        code: Some("content_hash_mismatch"),
        reason: Some(reason),
        evidence,
        ..Check::new(3, CheckResult::Fail)
    }
}
