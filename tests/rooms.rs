//! Rooms of a real Synapse, all room versions: every event passes checks 1 to 3.

mod common;

use common::Room;
use fedproof::receive::{Options, verify};
use fedproof::verdict::Outcome;

/// Synapse does not look at `expired_ts` of old keys in room versions 1 to 4; the specification
/// says to ignore keys that are known to have expired, in all versions.
fn signed_by_expired_key(room: &Room, code: Option<&str>) -> bool {
    !room.version.enforce_key_validity
        && room.name.starts_with("verdicts-")
        && code == Some("signature_key_expired")
}

#[test]
fn i1_i5_i6_every_event_of_every_room_is_accepted() {
    let mut events = 0;
    let mut expired = 0;
    for room in Room::all() {
        assert_eq!(room.pdus.len(), room.event_ids.len());
        for ((pdu, id), (_, redacted)) in room.pdus.iter().zip(&room.event_ids).zip(&room.synapse) {
            let verdict = verify(pdu, room.version, &room.ring, Options::default());
            assert_eq!(verdict.event_id.as_ref(), Some(id), "{}: {verdict:#?}", room.name);
            if signed_by_expired_key(&room, verdict.checks[1].code) {
                expired += 1;
                continue;
            }
            assert_eq!(verdict.outcome, Outcome::Accepted, "{}: {verdict:#?}", room.name);
            assert!(*redacted || !verdict.redacted, "{}: {verdict:#?}", room.name);
            events += 1;
        }
    }
    assert!(events > 1500, "only {events} events");
    assert_eq!(expired, 2);
}
