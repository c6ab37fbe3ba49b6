//! The checks on receipt of a PDU, in order: bytes in, verdict out.
//!
//! Checks 1 to 3 need nothing but the event and the keys of the servers that signed it.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu>

use std::borrow::Cow;

use serde_json::json;

use crate::encoding;
use crate::event::redaction::{self, Form};
use crate::event::signatures::{
    self, EventSignatures, ServerFailure, ServerReport, SignatureReport, SignatureStatus,
};
use crate::event::{
    FormatError, Limits, MAX_AUTH_EVENTS, MAX_EVENT_BYTES, Pdu, exceeds_byte_limit, hashes,
    size_without_unsigned,
};
use crate::json::{self, Canonical, Kind, MAX_SAFE_INTEGER, Numbers};
use crate::keys::KeyRing;
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// How to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Which limits hold.
    pub limits: Limits,
    /// Give evidence for checks that passed, too.
    pub evidence: bool,
}

/// Judges one event by checks 1 (format), 2 (signatures) and 3 (hash).
#[must_use]
pub fn verify(
    bytes: &[u8],
    version: &'static RoomVersion,
    ring: &KeyRing,
    options: Options,
) -> Verdict {
    let json = match json::parse(bytes, Numbers::Keep) {
        Ok(json) => json,
        Err(error) => return dropped(None, &FormatError::Json(error), version),
    };
    let event = match Pdu::from_canonical(json, version, options.limits) {
        Ok(event) => event,
        Err(failure) => return dropped(Some(&failure.0), &failure.1, version),
    };
    let mut signed = Vec::with_capacity(event.json().text().len());
    redaction::write_redacted(event.json(), version.redaction, Form::Signed, &mut signed);
    let event_id = hashes::event_id(event.json(), &hashes::sha256(&signed), version);

    let mut flags = format_flags(&event);
    let signatures = signatures::verify_event(&event, &signed, ring);
    signature_flags(&signatures, &mut flags);
    let signatures = signature_check(&event, &signatures, options);
    let hash = hash_check(&event, options, &mut flags);
    flags.sort_unstable();

    let outcome = match signatures.result {
        CheckResult::Fail => Outcome::Dropped,
        CheckResult::Incomplete => Outcome::Incomplete,
        CheckResult::Pass | CheckResult::Skip => Outcome::Accepted,
    };
    Verdict {
        event_id,
        room_version: version.id,
        event_type: Some(event.event_type().into_owned()),
        state_key: event.state_key().map(Cow::into_owned),
        sender: Some(event.sender().into_owned()),
        outcome,
        redacted: outcome != Outcome::Dropped && hash.result == CheckResult::Fail,
        checks: vec![format_check(&event, options), signatures, hash],
        flags,
    }
}

/// The verdict about an event that was too long to be kept.
#[must_use]
pub fn too_long(length: usize, version: &'static RoomVersion) -> Verdict {
    dropped(None, &FormatError::TooLarge(length), version)
}

/// The verdict about an event that is malformed. What it says of itself is passed on as far as
/// it can be read; its ID is not computed, for it has none.
fn dropped(
    json: Option<&Canonical>,
    error: &FormatError,
    version: &'static RoomVersion,
) -> Verdict {
    let text = |key| {
        json.and_then(|json| json.get(key)?.as_str())
            .map(Cow::into_owned)
    };
    Verdict {
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
        flags: json.map(note_flags).unwrap_or_default(),
    }
}

fn format_check(event: &Pdu, options: Options) -> Check {
    let evidence = options.evidence.then(|| {
        json!({
            "bytes": event.json().text().len(),
            "nesting": event.json().notes().nesting,
            "depth": integer(event.depth()),
            "origin_server_ts": integer(event.origin_server_ts()),
        })
    });
    Check {
        evidence,
        ..Check::new(1, CheckResult::Pass)
    }
}

fn note_flags(json: &Canonical) -> Vec<&'static str> {
    let notes = json.notes();
    let flags = [
        ("duplicate_keys", notes.duplicate_keys),
        ("negative_zero", notes.negative_zero),
    ];
    flags
        .into_iter()
        .filter(|(_, set)| *set)
        .map(|(flag, _)| flag)
        .collect()
}

/// Where other implementations judge the format otherwise, as measured with Synapse 1.163.
fn format_flags(event: &Pdu) -> Vec<&'static str> {
    let json = event.json();
    let size = size_without_unsigned(json);
    let unsigned = json.get("unsigned");
    let counts_create_event = event.version().room_id_format == RoomIdFormat::CreateEventId;
    let mut flags = note_flags(json);
    let found = [
        ("unsigned_oversized", json.text().len() > MAX_EVENT_BYTES),
        (
            "unsigned_malformed",
            unsigned.is_some_and(|value| value.kind() != Kind::Object),
        ),
        (
            "size_limit_divergent",
            size.saturating_add(EMPTY_UNSIGNED.len()) > MAX_EVENT_BYTES,
        ),
        ("byte_limit_divergent", exceeds_byte_limit(json)),
        ("depth_limit_divergent", event.depth() > MAX_SAFE_INTEGER),
        (
            "auth_events_limit_divergent",
            counts_create_event && event.auth_events().count() == MAX_AUTH_EVENTS,
        ),
    ];
    flags.extend(
        found
            .into_iter()
            .filter(|(_, set)| *set)
            .map(|(flag, _)| flag),
    );
    flags
}

/// What Synapse adds to every event before it measures it.
const EMPTY_UNSIGNED: &str = ",\"unsigned\":{}";

fn signature_flags(signatures: &EventSignatures, flags: &mut Vec<&'static str>) {
    let all = || {
        signatures
            .required
            .iter()
            .flat_map(|server| &server.signatures)
    };
    if all().any(|signature| signature.url_safe && signature.status == SignatureStatus::Valid) {
        flags.push(URL_SAFE);
    }
    if all().any(|signature| signature.divergent) {
        flags.push("ed25519_divergent");
    }
}

fn signature_check(event: &Pdu, signatures: &EventSignatures, options: Options) -> Check {
    // A failure that decides goes before one that is for want of a key.
    let mut failures: Vec<(&ServerReport, ServerFailure)> = signatures
        .required
        .iter()
        .filter_map(|server| server.judge().err().map(|failure| (server, failure)))
        .collect();
    failures.sort_by_key(|(_, failure)| *failure == ServerFailure::KeyMissing);
    let Some((server, failure)) = failures.first() else {
        let evidence = options
            .evidence
            .then(|| signature_evidence(event, signatures));
        return Check {
            evidence,
            ..Check::new(2, CheckResult::Pass)
        };
    };
    let mut missing = Vec::new();
    let result = if *failure == ServerFailure::KeyMissing {
        for (server, _) in &failures {
            let keys = server
                .signatures
                .iter()
                .filter(|s| s.status == SignatureStatus::KeyMissing);
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

fn signature_evidence(event: &Pdu, signatures: &EventSignatures) -> serde_json::Value {
    let required: Vec<_> = signatures.required.iter().map(server_evidence).collect();
    let mut evidence = json!({
        "origin_server_ts": integer(event.origin_server_ts()),
        "required": required,
    });
    if let (Some(authoriser), Some(object)) = (&signatures.authoriser, evidence.as_object_mut()) {
        object.insert("join_authoriser".to_owned(), server_evidence(authoriser));
    }
    evidence
}

/// What became of the signatures of a server, as data.
#[must_use]
pub fn server_evidence(report: &ServerReport) -> serde_json::Value {
    let signatures: Vec<_> = report.signatures.iter().map(signature_report).collect();
    let mut evidence = json!({ "server": report.server, "signatures": signatures });
    if let (Err(failure), Some(object)) = (report.judge(), evidence.as_object_mut()) {
        object.insert("code".to_owned(), failure.code().into());
    }
    evidence
}

fn signature_report(signature: &SignatureReport) -> serde_json::Value {
    use SignatureStatus as Status;
    let key_id = &signature.key_id;
    match signature.status {
        Status::Valid => json!({ "key_id": key_id, "result": "valid" }),
        Status::Invalid => json!({ "key_id": key_id, "result": "invalid" }),
        Status::Malformed => json!({ "key_id": key_id, "result": "malformed" }),
        Status::PolicyServer => {
            json!({ "key_id": key_id, "result": "skipped", "because": "policy_server" })
        }
        Status::UnknownAlgorithm => {
            json!({ "key_id": key_id, "result": "skipped", "because": "unknown_algorithm" })
        }
        Status::KeyExpired { expired_ts } => json!({
            "key_id": key_id, "result": "skipped", "because": "key_expired",
            "expired_ts": expired_ts.map(integer),
        }),
        Status::KeyNotValidYet { valid_until_ts } => json!({
            "key_id": key_id, "result": "skipped", "because": "key_expired",
            "valid_until_ts": valid_until_ts.map(integer),
        }),
        Status::KeyRefused(refusal) => json!({
            "key_id": key_id, "result": "skipped", "because": refusal.code(),
        }),
        Status::KeyUnknown { asked } => json!({
            "key_id": key_id, "result": "skipped", "because": "key_unknown",
            "fetched_ts": integer(asked),
        }),
        Status::KeyMissing => {
            json!({ "key_id": key_id, "result": "skipped", "because": "key_missing" })
        }
    }
}

const URL_SAFE: &str = "url_safe_base64";

fn hash_check(event: &Pdu, options: Options, flags: &mut Vec<&'static str>) -> Check {
    let computed = hashes::content_hash(event.json());
    let stated = hashes::stated_content_hash(event.json()).unwrap_or_default();
    // As bytes: padding and trailing bits make no other hash.
    let decoded = encoding::decode::<32>(&stated);
    let matches = decoded
        .as_ref()
        .is_some_and(|decoded| decoded.bytes == computed);
    if matches && decoded.is_some_and(|decoded| decoded.url_safe) && !flags.contains(&URL_SAFE) {
        flags.push(URL_SAFE);
    }
    let evidence = (!matches || options.evidence)
        .then(|| json!({ "computed": encoding::encode(&computed), "stated": stated }));
    if matches {
        return Check {
            evidence,
            ..Check::new(3, CheckResult::Pass)
        };
    }
    let reason = format!(
        "the content hashes to {}, the event states {stated}: its redacted copy is used",
        encoding::encode(&computed)
    );
    Check {
        code: Some("content_hash_mismatch"),
        reason: Some(reason),
        evidence,
        ..Check::new(3, CheckResult::Fail)
    }
}

/// A number for people who read it with JavaScript: as text where a double would round it.
pub(crate) fn integer(value: i64) -> serde_json::Value {
    if value.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() {
        value.into()
    } else {
        value.to_string().into()
    }
}
