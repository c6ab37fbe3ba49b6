//! A first look at the answer to a join, before the room is made of it: is it one, which version has the
//! room, which keys do its events need?
//!
//! The answer may be large. It is looked through in pieces, and no event of it is kept.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

use super::answer::AnswerError;
use super::countersigned::Countersigned;
use super::entries::as_bool;
use super::joining::{Join, countersigned};
use super::membership::StatedVersion;
use crate::event::{Limits, Pdu};
use crate::json::{self, Canonical, Numbers, Value};
use crate::keys::KeyRing;
use crate::reader::{EventReader, RawEvent};
use crate::receive::{NeededKey, NeededKeys};
use crate::room_version::RoomVersion;
use crate::state::whole::StateDefect;

/// An answer to a join that is being looked through.
#[derive(Debug)]
pub struct Survey<'a> {
    join: &'a Join<'a>,
    reader: EventReader,
    /// What the create event in the state says, where the version is not known before.
    of_create: Option<String>,
    needed: NeededKeys,
}

/// What was seen of an answer.
#[derive(Debug)]
pub struct Surveyed {
    /// The version of the room.
    pub version: &'static RoomVersion,
    event: Canonical,
    countersigned: Option<Countersigned>,
    needed: Vec<NeededKey>,
}

impl<'a> Survey<'a> {
    /// Begins to look through the answer to this join.
    #[must_use]
    pub fn new(join: &'a Join<'a>) -> Self {
        Self {
            join,
            reader: EventReader::of_lists(LISTS, MEMBERS),
            of_create: None,
            needed: NeededKeys::default(),
        }
    }

    /// Takes the next piece of the answer.
    ///
    /// # Errors
    /// [`AnswerError::Unreadable`].
    pub fn push(&mut self, piece: &[u8], ring: &KeyRing) -> Result<(), AnswerError> {
        self.reader.push(piece)?;
        for (list, event) in self.reader.take_listed() {
            // What is too long or malformed falls out later, and needs no key.
            if let RawEvent::Bytes(bytes) = event {
                self.look_at(list, &bytes, ring);
            }
        }
        Ok(())
    }

    fn look_at(&mut self, list: &str, event: &[u8], ring: &KeyRing) -> Option<()> {
        let event = json::parse(event, Numbers::Keep).ok()?;
        let pdu = Pdu::from_canonical(event, self.join.version.for_events()?, Limits::Backfill);
        let pdu = pdu.ok().filter(|pdu| {
            // Events of other rooms fall out as well. A create event need not say which it is of.
            pdu.room_id().is_none_or(|room_id| room_id == self.join.room_id)
        })?;
        if list == STATE && self.of_create.is_none() {
            self.of_create = created_version(&pdu);
        }
        self.needed.add_event(&pdu, ring);
        Some(())
    }

    /// Ends the answer.
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none.
    pub fn end(mut self) -> Result<Surveyed, AnswerError> {
        self.reader.end()?;
        if let Some(field) = self.reader.lacking_list() {
            return Err(AnswerError::Field { field, expected: "a list" });
        }
        let version = match self.join.version {
            StatedVersion::Known(version) => version,
            StatedVersion::OneOrTwo => one_or_two(self.of_create.ok_or(StateDefect::NoCreate)?)?,
        };
        let member = |name| self.reader.member(name).map(|text| json::parse(text, Numbers::Keep));
        let omitted = member("members_omitted").transpose()?;
        let omitted = omitted.as_ref().map_or(Some(false), |omitted| as_bool(omitted.value()));
        let (field, expected) = ("members_omitted", "a boolean");
        let omitted = omitted.ok_or(AnswerError::Field { field, expected })?;
        if omitted && !self.join.omit_members {
            return Err(AnswerError::MembersOmitted);
        }
        let servers = member("servers_in_room").transpose()?;
        if omitted && servers.is_none_or(|servers| servers.value().as_array().is_none()) {
            let (field, expected) = ("servers_in_room", "a list of server names");
            return Err(AnswerError::Field { field, expected });
        }
        let event = member("event").transpose()?;
        let event = event.as_ref().map(Canonical::value);
        Ok(Surveyed {
            version,
            event: self.join.event.clone(),
            countersigned: countersigned(event, self.join, version)?,
            needed: self.needed.list(),
        })
    }
}

impl Surveyed {
    /// The keys that are missing for the events.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        let of_event = self.countersigned.iter().flat_map(|event| event.keys_needed(ring));
        NeededKey::merge(self.needed.iter().cloned().chain(of_event))
    }

    /// The join as all servers are to have it: with the signature of the server that lets our user in,
    /// if it is a restricted one.
    ///
    /// # Errors
    /// [`AnswerError::Countersignature`] when that server did not sign, or wrongly.
    pub fn event(&self, ring: &KeyRing) -> Result<Canonical, AnswerError> {
        match &self.countersigned {
            Some(countersigned) => countersigned.judge(ring),
            None => Ok(self.event.clone()),
        }
    }
}

const STATE: &str = "state";
const LISTS: &[&str] = &[STATE, "auth_chain"];
const MEMBERS: &[&str] = &["event", "members_omitted", "servers_in_room"];

/// The version of the room that a create event says, if the event is one.
fn created_version(pdu: &Pdu) -> Option<String> {
    let is_create = pdu.event_type() == "m.room.create" && pdu.state_key().as_deref() == Some("");
    let stated = pdu.content().filter(|_| is_create)?.get("room_version");
    Some(stated.map_or(Some("1".into()), Value::as_str).unwrap_or_default().into_owned())
}

/// The version of a room of which only that was known that it is 1 or 2.
pub(super) fn one_or_two(stated: String) -> Result<&'static RoomVersion, AnswerError> {
    let version = RoomVersion::get(&stated).ok();
    let version = version.filter(|version| version.event_id_format.is_field());
    Ok(version.ok_or(StateDefect::RoomVersion(stated))?)
}
