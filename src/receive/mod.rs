//! The checks on receipt of a PDU, in order: bytes in, verdict out.
//!
//! | checks | what they need | where |
//! |---|---|---|
//! | 1 format, 2 signatures, 3 hash | the event, and the keys of the servers that signed it | `proof` |
//! | 4 auth events, 5 state before, 6 current state | the room around the event ([`Room`]) | `room` |
//! | 7 policy server | the current state | [`crate::policy_server`] |
//!
//! A malformed event, or one by somebody else than it says, is dropped (1, 2). One whose content was
//! changed is redacted, and goes on as that (3). One that is not allowed is rejected (4, 5); one that
//! is not allowed any more, or that the room's policy server did not sign, is soft failed (6, 7).
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu>

mod batch;
mod given;
pub(crate) mod proof;
mod room;

pub use batch::{Batch, NeededKey, NeededKeys, keys_needed_of};
pub use given::{Given, GivenEvents};
pub use proof::{server_evidence, too_long};
pub use room::Room;

use crate::auth::{Ask, AuthoriserSignature};
use crate::event::Limits;
use crate::keys::KeyRing;
use crate::room_version::RoomVersion;
use crate::sha256::{self, Hash};
use crate::verdict::{Check, CheckResult, Outcome, Verdict};
use proof::Prepared;

/// How to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Which limits hold.
    pub limits: Limits,
    /// Give evidence for checks that passed, too.
    pub evidence: bool,
    /// Tell every authorization rule that was considered.
    pub path: bool,
}

impl Options {
    fn ask(self) -> Ask {
        if self.path { Ask::Path } else { Ask::Reason }
    }
}

/// Judges one event by checks 1 (format), 2 (signatures) and 3 (hash).
#[must_use]
pub fn verify(
    bytes: &[u8],
    version: &'static RoomVersion,
    ring: &KeyRing,
    options: Options,
) -> Verdict {
    match Prepared::new(bytes, version, options) {
        Err(verdict) => *verdict,
        Ok(event) => {
            let reference_hash = sha256::hash(event.signed());
            let content_hash = sha256::hash(event.hashed());
            event.prove(&reference_hash, &content_hash, ring, options).verdict
        }
    }
}

/// Judges many events as [`verify`] does one, in less time: their hashes are made side by side.
pub fn verify_all<'a>(
    events: impl IntoIterator<Item = &'a [u8]>,
    version: &'static RoomVersion,
    ring: &KeyRing,
    options: Options,
) -> Vec<Verdict> {
    Batch::read(events, version, options).verdicts(ring)
}

/// The reference hash and the content hash of each event, made side by side.
pub(crate) fn hashes_of<'a>(
    prepared: impl Iterator<Item = &'a Prepared> + Clone,
) -> Vec<(Hash, Hash)> {
    // Messages that are hashed side by side should be of like length: first all of one kind.
    let messages: Vec<&[u8]> =
        prepared.clone().map(Prepared::signed).chain(prepared.map(Prepared::hashed)).collect();
    let hashes = sha256::hash_all(&messages);
    let (reference, content) = hashes.split_at(hashes.len() >> 1);
    reference.iter().copied().zip(content.iter().copied()).collect()
}

/// Judges one event by all seven checks. Those for which `room` does not have what they need are
/// skipped.
#[must_use]
pub fn receive(
    bytes: &[u8],
    version: &'static RoomVersion,
    ring: &KeyRing,
    room: &Room<'_>,
    options: Options,
) -> Verdict {
    let prepared = match Prepared::new(bytes, version, options) {
        Err(mut verdict) => {
            verdict.checks.extend((4..=7).map(|check| Check::new(check, CheckResult::Skip)));
            return *verdict;
        }
        Ok(prepared) => prepared,
    };
    let reference_hash = sha256::hash(prepared.signed());
    let content_hash = sha256::hash(prepared.hashed());
    let proof = prepared.prove(&reference_hash, &content_hash, ring, options);
    let mut verdict = proof.verdict;
    if verdict.outcome == Outcome::Dropped {
        verdict.checks.extend((4..=7).map(|check| Check::new(check, CheckResult::Skip)));
        return verdict;
    }
    let event = prepared.event(&verdict, proof.authoriser);
    room.judge(&event, prepared.signed(), &mut verdict, options);
    verdict
}

/// Judges whether an event is allowed, and nothing else but its format: checks 1, 4 and 5. Signatures
/// are not looked at, but for the one that lets a user into a restricted room: by the keys in `ring`,
/// and without a ring by whether there is one.
#[must_use]
pub fn check_auth(
    bytes: &[u8],
    version: &'static RoomVersion,
    ring: Option<&KeyRing>,
    room: &Room<'_>,
    options: Options,
) -> Verdict {
    let prepared = match Prepared::new(bytes, version, options) {
        Err(mut verdict) => {
            verdict.checks.truncate(1);
            verdict.checks.extend([4, 5].map(|check| Check::new(check, CheckResult::Skip)));
            return *verdict;
        }
        Ok(prepared) => prepared,
    };
    let reference_hash = sha256::hash(prepared.signed());
    let mut verdict = prepared.unproven(&reference_hash, options);
    let authoriser = match ring {
        None => AuthoriserSignature::Unchecked,
        Some(ring) => prepared.authoriser(ring),
    };
    if ring.is_none() {
        verdict.add_flags(&["signatures_unchecked"]);
    }
    let event = prepared.event(&verdict, authoriser);
    room.authorize(&event, &mut verdict, options);
    verdict
}

pub(crate) fn set_flags<const N: usize>(flags: [(&'static str, bool); N]) -> Vec<&'static str> {
    flags.into_iter().filter(|(_, set)| *set).map(|(flag, _)| flag).collect()
}
