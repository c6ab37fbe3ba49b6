//! Joining a room by way of another server.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

use super::answer::{Answer, AnswerError};
use super::countersigned::Countersigned;
use super::entries::{LeftOut, Reading, as_bool, is_server_name};
use super::membership::{self, StatedVersion, Template};
use super::request::{Request, STATE_ANSWER, TimeLimit};
use super::room_state::{ProvenState, StatePdus};
use super::survey;
use crate::auth::Selection;
use crate::identifiers::domain_of;
use crate::json::{self, Canonical, Numbers, Value};
use crate::keys::KeyRing;
use crate::receive::{Given, GivenEvents, NeededKey, Options};
use crate::room_version::RoomVersion;
use crate::state::whole::StateDefect;
use crate::verdict::{Outcome, Verdict};

/// Asks for a template of a join; `offered` are the room versions that our server knows.
#[must_use]
pub fn make_join(room_id: &str, user_id: &str, offered: &[&'static RoomVersion]) -> Request {
    membership::make("make_join", room_id, user_id, offered)
}

/// Reads the answer to [`make_join`].
///
/// # Errors
/// [`AnswerError`] when it is none, or of a room version that was not offered.
pub fn read_make_join(
    body: &[u8],
    offered: &[&'static RoomVersion],
) -> Result<Template, AnswerError> {
    membership::read_template(body, offered, false)
}

/// A join that our server has signed.
#[derive(Debug, Clone, Copy)]
pub struct Join<'a> {
    /// The room.
    pub room_id: &'a str,
    /// The ID of the event.
    pub event_id: &'a str,
    /// The event, signed.
    pub event: &'a Canonical,
    /// The version of the room, as the template said it.
    pub version: StatedVersion,
    /// The other server may leave out the members of the room, but for those that matter to the join.
    pub omit_members: bool,
    /// Our server.
    pub server_name: &'a str,
}

/// Sends a join.
#[must_use]
pub fn send_join(join: &Join<'_>) -> Request {
    let Join { room_id, event_id, event, .. } = *join;
    let (target, content) = membership::send("federation/v2/send_join", room_id, event_id, event);
    let target = if join.omit_members { target.query("omit_members", "true") } else { target };
    Request::put(target, content, STATE_ANSWER, TimeLimit::Long)
}

/// Sends a join to a server that does not know [`send_join`]; it gives no restricted joins.
#[must_use]
pub fn send_join_v1(join: &Join<'_>) -> Request {
    let Join { room_id, event_id, event, .. } = *join;
    let (target, content) = membership::send("federation/v1/send_join", room_id, event_id, event);
    Request::put(target, content, STATE_ANSWER, TimeLimit::Long)
}

/// The answer to [`send_join_v1`] as it would be to [`send_join`]: without the status in front of it.
///
/// # Errors
/// [`AnswerError::Field`] when it is none.
pub fn unwrap_v1(body: &[u8]) -> Result<&[u8], AnswerError> {
    let inner = || {
        let rest = body.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
        let rest = rest.trim_ascii_start().strip_prefix(b"200")?.trim_ascii_start();
        Some(rest.strip_prefix(b",")?.trim_ascii())
    };
    inner().ok_or(AnswerError::Field { field: "", expected: "[200, an object]" })
}

/// The answer to a join, read.
#[derive(Debug)]
pub struct SendJoin {
    version: &'static RoomVersion,
    event: Canonical,
    countersigned: Option<Countersigned>,
    state: StatePdus,
    members_omitted: bool,
    servers_in_room: Vec<String>,
    left_out: Vec<LeftOut>,
}

/// A room that our user is in now.
#[derive(Debug, Clone)]
pub struct Joined {
    /// The version of the room.
    pub version: &'static RoomVersion,
    /// The join, as all servers have it: with the signature of the server that let our user in, if it
    /// is a restricted one.
    pub event: Canonical,
    /// What checks 1, 4 and 5 say of the join, by the state below.
    pub verdict: Verdict,
    /// The state before the join, with its auth chain.
    pub state: ProvenState,
    /// Members are left out of the state.
    pub members_omitted: bool,
    /// The servers in the room, as the other server says; empty unless members are left out.
    pub servers_in_room: Vec<String>,
    /// Entries of `servers_in_room` that are no server names, or that stand twice.
    pub left_out: Vec<LeftOut>,
}

impl SendJoin {
    /// Reads the answer to [`send_join`].
    ///
    /// # Errors
    /// [`AnswerError`] when the answer as a whole is none.
    pub fn read(body: &[u8], join: &Join<'_>) -> Result<Self, AnswerError> {
        Self::of(&Answer::read(body, LISTS)?, join)
    }

    /// Reads the answer to [`send_join_v1`].
    ///
    /// # Errors
    /// As of [`SendJoin::read`].
    pub fn read_v1(body: &[u8], join: &Join<'_>) -> Result<Self, AnswerError> {
        Self::of(&Answer::read_v1(body, LISTS)?, join)
    }

    fn of(answer: &Answer<'_>, join: &Join<'_>) -> Result<Self, AnswerError> {
        let (state, auth_chain) = (answer.list("state")?, answer.list("auth_chain")?);
        let version = match join.version {
            StatedVersion::Known(version) => version,
            StatedVersion::OneOrTwo => one_or_two(state)?,
        };
        let members_omitted = match answer.get("members_omitted") {
            None => false,
            Some(_) => answer.field("members_omitted", "a boolean", as_bool)?,
        };
        if members_omitted && !join.omit_members {
            return Err(AnswerError::MembersOmitted);
        }
        let mut reading = Reading::default();
        let mut servers_in_room = Vec::new();
        if members_omitted {
            let field = "servers_in_room";
            let servers = answer.field(field, "a list of server names", Value::as_array)?;
            servers_in_room = reading.ids(servers, field, "a server name", is_server_name);
        }
        Ok(Self {
            version,
            event: join.event.clone(),
            countersigned: countersigned(answer.get("event"), join, version)?,
            state: StatePdus::read(state, auth_chain, join.room_id, version),
            members_omitted,
            servers_in_room,
            left_out: reading.left_out,
        })
    }

    /// The version of the room.
    #[must_use]
    pub fn version(&self) -> &'static RoomVersion {
        self.version
    }

    /// The keys that are missing for the events.
    #[must_use]
    pub fn keys_needed(&self, ring: &KeyRing) -> Vec<NeededKey> {
        let of_event = self.countersigned.iter().flat_map(|event| event.keys_needed(ring));
        NeededKey::merge(self.state.keys_needed(ring).into_iter().chain(of_event))
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

    /// Judges the state event by event and as a whole, and whether it allows the join.
    ///
    /// # Errors
    /// [`AnswerError`] when our user is not in the room by this answer.
    pub fn judge(&self, ring: &KeyRing) -> Result<Joined, AnswerError> {
        let event = self.event(ring)?;
        let state = self.state.judge(ring)?;
        let verdict = self.authorize(&event, &state, ring);
        if verdict.outcome != Outcome::Accepted {
            return Err(AnswerError::JoinNotAllowed(Box::new(verdict)));
        }
        Ok(Joined {
            version: self.version,
            event,
            verdict,
            state,
            members_omitted: self.members_omitted,
            servers_in_room: self.servers_in_room.clone(),
            left_out: self.left_out.clone(),
        })
    }

    fn authorize(&self, join: &Canonical, state: &ProvenState, ring: &KeyRing) -> Verdict {
        let text = |key| join.get(key).and_then(Value::as_str).unwrap_or_default();
        let (sender, state_key) = (text("sender"), text("state_key"));
        let selection = Selection::new(
            self.version,
            "m.room.member",
            &sender,
            Some(&state_key),
            join.get("content"),
        );
        let mut wanted = selection.list();
        wanted.push(("m.room.create", String::new()));
        let selected = state
            .state
            .iter()
            .filter(|pdu| wanted.iter().any(|(event_type, key)| pdu.is_state(event_type, key)));
        let cited: Vec<_> = references(join).collect();
        let all = state.state.iter().chain(&state.auth_chain);
        let auth_events = all.filter(|pdu| cited.iter().any(|id| id == pdu.event_id()));
        let create = state.get("m.room.create", "");
        let given = GivenEvents {
            auth_events: Some(auth_events.map(|pdu| pdu.event.text()).collect()),
            state: Some(selected.map(|pdu| pdu.event.text()).collect()),
            create_event: create.map(|pdu| pdu.event.text()),
            ..GivenEvents::default()
        };
        Given::read(&given, self.version).check_auth(join.text(), Some(ring), Options::default())
    }
}

const LISTS: &[&str] = &["state", "auth_chain"];

/// The IDs of the auth events that our join names, in either form.
fn references(join: &Canonical) -> impl Iterator<Item = String> {
    let list = join.get("auth_events").and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| {
        let id = entry.as_array().map_or(Some(entry), |mut pair| pair.next())?;
        Some(id.as_str()?.into_owned())
    })
}

/// The version of a room of which only that is known that it is 1 or 2.
fn one_or_two(state: &[&[u8]]) -> Result<&'static RoomVersion, AnswerError> {
    const CREATE: &[u8] = b"m.room.create";
    let looks_like_create = |item: &&&[u8]| item.windows(CREATE.len()).any(|part| part == CREATE);
    let is_create = |event: &Canonical| {
        let says = |key, text| event.get(key).and_then(Value::as_str).as_deref() == Some(text);
        says("type", "m.room.create") && says("state_key", "")
    };
    let create = state
        .iter()
        .filter(looks_like_create)
        .filter_map(|item| json::parse(item, Numbers::Keep).ok())
        .find(is_create)
        .ok_or(StateDefect::NoCreate)?;
    let stated = create.get("content").and_then(|content| content.get("room_version"));
    let stated = stated.map_or(Some("1".into()), Value::as_str).unwrap_or_default();
    survey::one_or_two(stated.into_owned())
}

/// The join as it came back, if a server had to sign it that is not ours.
pub(super) fn countersigned(
    returned: Option<Value<'_>>,
    join: &Join<'_>,
    version: &'static RoomVersion,
) -> Result<Option<Countersigned>, AnswerError> {
    let authoriser = join
        .event
        .get("content")
        .filter(|_| version.restricted_join)
        .and_then(|content| content.get("join_authorised_via_users_server")?.as_str());
    let authoriser = authoriser.as_deref().and_then(|user| domain_of(user, '@'));
    let Some(server) = authoriser.filter(|server| *server != join.server_name) else {
        return Ok(None);
    };
    let (field, expected) = ("event", "the join, signed by the server that lets it in");
    let returned = returned.ok_or(AnswerError::Field { field, expected })?;
    Countersigned::read(join.event, returned, server, version).map(Some)
}
