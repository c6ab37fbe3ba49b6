//! Inviting a user of another server: that server signs the invite.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>,
//! <https://spec.matrix.org/v1.19/server-server-api/#third-party-invites>

use super::answer::{Answer, AnswerError};
use super::countersigned::Countersigned;
use super::remote_error::RemoteError;
use super::request::{
    EVENT_ANSWER, Request, SMALL_ANSWER, Target, TimeLimit, list, object, string,
};
use crate::identifiers::domain_of;
use crate::json::{Canonical, Value, insert_member};
use crate::keys::KeyRing;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;

/// An invite that our server has signed.
#[derive(Debug, Clone, Copy)]
pub struct Invitation<'a> {
    /// The room.
    pub room_id: &'a str,
    /// The version of the room.
    pub version: &'static RoomVersion,
    /// The ID of the event.
    pub event_id: &'a str,
    /// The event, signed.
    pub event: &'a Canonical,
    /// State of the room for the invited user to look at, the create event among it: events as they
    /// are, with their signatures.
    pub room_state: &'a [Canonical],
}

impl Invitation<'_> {
    /// The server of the invited user: the one to send the invite to, and to sign it.
    #[must_use]
    pub fn invited_server(&self) -> Option<String> {
        let user = self.event.get("state_key").and_then(Value::as_str)?;
        domain_of(&user, '@').map(str::to_owned)
    }
}

/// Sends an invite.
#[must_use]
pub fn invite(invitation: &Invitation<'_>) -> Request {
    let content = object([
        ("event", invitation.event.text().to_vec()),
        ("invite_room_state", list(invitation.room_state.iter().map(Canonical::text))),
        ("room_version", string(invitation.version.id)),
    ]);
    let target = Target::new("federation/v2/invite");
    let target = target.segment(invitation.room_id).segment(invitation.event_id);
    Request::put(target, content, EVENT_ANSWER, TimeLimit::Usual)
}

/// Sends an invite to a server that does not know [`invite`]. There is such a request for rooms of
/// versions 1 and 2 only.
#[must_use]
pub fn invite_v1(invitation: &Invitation<'_>) -> Option<Request> {
    if !invitation.version.event_id_format.is_field() {
        return None;
    }
    let state = list(invitation.room_state.iter().map(Canonical::text));
    let unsigned = insert_member(invitation.event.get("unsigned"), "invite_room_state", &state);
    let content = invitation.event.with_member("unsigned", Some(&unsigned)).into_text();
    let target = Target::new("federation/v1/invite");
    let target = target.segment(invitation.room_id).segment(invitation.event_id);
    Some(Request::put(target, content, EVENT_ANSWER, TimeLimit::Usual))
}

/// Does this refusal of [`invite`] say that the server may know [`invite_v1`]?
#[must_use]
pub fn is_v1_worth_trying(refusal: &RemoteError, version: &RoomVersion) -> bool {
    version.event_id_format.is_field() && refusal.code() == "remote_unrecognized"
}

/// The answer to an invite, read: the event came back with nothing but signatures added.
#[derive(Debug)]
pub struct SentInvite {
    event: Countersigned,
}

impl SentInvite {
    /// Reads the answer to [`invite`].
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none, or the event is changed.
    pub fn read(body: &[u8], invitation: &Invitation<'_>) -> Result<Self, AnswerError> {
        Self::of(&Answer::read(body, &[])?, invitation)
    }

    /// Reads the answer to [`invite_v1`].
    ///
    /// # Errors
    /// As of [`SentInvite::read`].
    pub fn read_v1(body: &[u8], invitation: &Invitation<'_>) -> Result<Self, AnswerError> {
        Self::of(&Answer::read_v1(body, &[])?, invitation)
    }

    fn of(answer: &Answer<'_>, invitation: &Invitation<'_>) -> Result<Self, AnswerError> {
        let returned = answer.field("event", "the event, signed by the invited server", Some)?;
        let server = invitation.invited_server().unwrap_or_default();
        let Invitation { event, version, .. } = *invitation;
        Ok(Self { event: Countersigned::read(event, returned, &server, version)? })
    }

    /// The keys that are missing for the signature of the invited server.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        self.event.keys_needed(ring)
    }

    /// The invite as all servers are to have it: ours, with the signatures of the invited server.
    ///
    /// # Errors
    /// [`AnswerError::Countersignature`] when that server did not sign, or wrongly.
    pub fn judge(&self, ring: &KeyRing) -> Result<Canonical, AnswerError> {
        self.event.judge(ring)
    }
}

/// Asks a server of a room to make the invite that a third party's invitation leads to. `event` is what
/// is known of it: `type`, `sender`, `state_key`, and a `content` with `third_party_invite`; its
/// `room_id` is set to the one in the path.
#[must_use]
pub fn exchange_third_party_invite(room_id: &str, event: &Canonical) -> Request {
    let content = event.with_member("room_id", Some(&string(room_id))).into_text();
    let target = Target::new("federation/v1/exchange_third_party_invite").segment(room_id);
    Request::put(target, content, SMALL_ANSWER, TimeLimit::Usual)
}

/// Reads the answer to [`exchange_third_party_invite`], which says no more than that it came.
///
/// # Errors
/// [`AnswerError`] when it is no object.
pub fn read_exchange(body: &[u8]) -> Result<(), AnswerError> {
    Answer::read(body, &[]).map(|_| ())
}
