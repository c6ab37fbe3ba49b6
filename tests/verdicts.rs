//! What a real Synapse made of some 150 events of each of six room versions, one a rule, and what
//! checks 1 to 3 make of them.
//!
//! What Synapse dropped, they drop; what it accepted, or rejected by a later check, they accept. Where
//! that is not so, [`DIVERGENCES`] says why.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::BTreeSet;

use common::{Room, data, files, make};
use fedproof::receive::{self, Options};
use fedproof::verdict::{Outcome, Verdict};
use serde_json::Value;

/// Synapse throws while it looks at the contents of known types, and stores nothing. The
/// authorization rules (checks 4 and 5) reject these events; their format is right.
const CONTENT: &str = "Synapse throws on the content, which is for the authorization rules";
/// Synapse looks at the room before it looks at the event.
const ROOM: &str = "Synapse has no such room, or its ACL denies the server";

/// The case, the room versions, the check of ours that fails with its code (or none does), and why.
type Divergence = (&'static str, &'static [u8], Option<(u8, &'static str)>, &'static str);

/// Cases of which Synapse's answer and ours differ.
const DIVERGENCES: &[Divergence] = &[
    ("membership missing", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("member event without state_key", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("state_key not a user id", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("power levels: null", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("power levels: string \"abc\"", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("power levels: a key in users is no user id", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("power levels: users is a list", &[1, 4, 6, 8, 10, 12], None, CONTENT),
    ("power levels: level as string \"50\"", &[10, 12], None, CONTENT),
    ("power levels: string with spaces and plus \" +7 \"", &[10, 12], None, CONTENT),
    ("power levels: string \"1_000\"", &[10, 12], None, CONTENT),
    ("power levels: true", &[10, 12], None, CONTENT),
    ("power levels: ban as string", &[10, 12], None, CONTENT),
    ("power levels: an event level as string", &[10, 12], None, CONTENT),
    ("power levels: creator listed in users", &[12], None, CONTENT),
    ("auth_events list m.room.create", &[12], None, "a rule of authorization (3.2)"),
    (
        "restricted join authorised by another server's user, without that server's signature",
        &[8, 10, 12],
        None,
        "a rule of authorization (4.2 or 5.2); the signature is reported to it",
    ),
    ("room_id of no known room", &[1, 4, 6, 8, 10], None, ROOM),
    ("message from a server the ACL denies", &[1, 4, 6, 8, 10, 12], None, ROOM),
    (
        "depth 2^63-1",
        &[1, 4],
        None,
        "the specification's limit up to version 5; flagged depth_limit_divergent",
    ),
    (
        "key expired (old_verify_keys) before the event was made",
        &[1, 4],
        Some((2, "signature_key_expired")),
        "Synapse does not look at expired_ts up to version 4, the specification says to",
    ),
];

/// Flags that events of the rooms bear.
const FLAGS: &[(&str, &[u8], &str)] = &[
    ("depth 2^63-1", &[1, 4], "depth_limit_divergent"),
    ("type of 200 two-byte characters (400 bytes)", &[1, 4, 6, 8, 10], "byte_limit_divergent"),
];

/// A case: the version, Synapse's answer, and ours.
struct Case {
    version: u8,
    row: Value,
    verdict: Verdict,
}

impl Case {
    fn name(&self) -> &str {
        self.row["case"].as_str().unwrap()
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in files(&data("verdicts")) {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let room = Room::load(&data(&format!("rooms/verdicts-{name}.json")));
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            // Byte for byte: serde_json would round the large numbers.
            let (_, pdu) = line.split_once(",\"pdu\":").unwrap();
            let pdu = pdu.strip_suffix('}').unwrap().as_bytes();
            cases.push(Case {
                version: name[1..].parse().unwrap(),
                row: serde_json::from_str(line).unwrap(),
                verdict: receive::verify(pdu, room.version, &room.ring, Options::default()),
            });
        }
    }
    assert_eq!(cases.len(), 896);
    cases
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Accepted { redacted: bool },
    Dropped,
}

fn ours(verdict: &Verdict) -> Answer {
    match verdict.outcome {
        Outcome::Accepted => Answer::Accepted { redacted: verdict.redacted },
        Outcome::Dropped => Answer::Dropped,
        other => panic!("{other:?}: {verdict:#?}"),
    }
}

fn synapse(row: &Value) -> Answer {
    match row["synapse"].as_str().unwrap() {
        "drop" => Answer::Dropped,
        answer => Answer::Accepted { redacted: answer == "accept_redacted" },
    }
}

#[test]
fn i1_i5_i6_as_synapse_judges() {
    let mut unseen: BTreeSet<(&str, u8)> = DIVERGENCES
        .iter()
        .flat_map(|(case, versions, _, _)| versions.iter().map(|version| (*case, *version)))
        .collect();
    for case in cases() {
        let (name, number, verdict) = (case.name(), case.version, &case.verdict);
        let here = |versions: &[u8]| versions.contains(&number);

        let flags = FLAGS.iter().filter(|(case, versions, _)| *case == name && here(versions));
        let flags: Vec<_> = flags.map(|(_, _, flag)| *flag).collect();
        assert_eq!(verdict.flags, flags, "v{number} {name}");

        let divergence = DIVERGENCES.iter().find(|row| row.0 == name && here(row.1));
        if let Some((name, _, failure, why)) = divergence {
            unseen.remove(&(*name, number));
            assert_ne!(ours(verdict), synapse(&case.row), "v{number} {name}: no divergence");
            assert_eq!(make::failure(verdict), *failure, "v{number} {name}: {why}");
        } else {
            assert_eq!(ours(verdict), synapse(&case.row), "v{number} {name}: {verdict:#?}");
        }
        if verdict.event_id.is_some() && !case.row["event_id"].is_null() {
            assert_eq!(verdict.event_id.as_deref(), case.row["event_id"].as_str(), "{name}");
        }
    }
    assert!(unseen.is_empty(), "divergences that are none: {unseen:?}");
}

/// For each stage at which Synapse dropped an event, the code with which it is dropped here.
#[test]
fn i1_i5_for_the_reason_synapse_gives() {
    let reasons = [
        ("Depth too large", 1, "integer_out_of_range"),
        ("Depth too small", 1, "depth_negative"),
        ("Depth '5' not an intger", 1, "field_wrong_type"),
        ("Bad JSON value: float", 1, "number_not_integer"),
        ("JSON integer out of range", 1, "integer_out_of_range"),
        ("event too large", 1, "event_too_large"),
        ("'type' too large", 1, "field_too_long"),
        ("'state_key' too large", 1, "field_too_long"),
        ("Invalid ID: 'pat'", 1, "sender_invalid"),
        ("which has 21 prev_events", 1, "too_many_prev_events"),
        ("which has 11 auth_events", 1, "too_many_auth_events"),
        ("for sender domain localhost:18803: 401: Invalid signature", 2, "signature_invalid"),
        ("Not signed by localhost:18803", 2, "signature_missing"),
        ("for sender domain localhost:18801: 400: Not signed", 2, "signature_missing"),
        ("for event domain other.example: 400: Not signed", 2, "signature_missing"),
    ];
    let mut seen = BTreeSet::new();
    for case in cases() {
        let said = case.row["reason"].as_str().unwrap_or_default();
        if ours(&case.verdict) != Answer::Dropped || synapse(&case.row) != Answer::Dropped {
            continue;
        }
        for (reason, check, code) in reasons.iter().filter(|row| said.contains(row.0)) {
            let failure = make::failure(&case.verdict);
            assert_eq!(failure, Some((*check, *code)), "v{} {}: {said}", case.version, case.name());
            seen.insert(*reason);
        }
    }
    assert_eq!(seen.len(), reasons.len(), "{seen:?}");
}
