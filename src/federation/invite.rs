//! Invites: another server asks ours to sign an invite for one of our users.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room>

use crate::evidence::Quoted;
use crate::identifiers::domain_of;
use crate::json::{Canonical, Numbers, Value, parse};
use crate::keys::KeyRing;
use crate::receive::{self, Options};
use crate::room_version::{RoomIdFormat, RoomVersion};
use crate::verdict::{Check, CheckResult, Outcome, Verdict};

/// An invite request, and what is known of it beside its body.
#[derive(Debug, Clone, Copy)]
pub struct IncomingInvite<'a> {
    /// `{room_version, event, invite_room_state}`
    pub body: &'a Canonical,
    /// The room ID in the path.
    pub room_id: &'a str,
    /// The event ID in the path.
    pub event_id: &'a str,
    /// The server that made the request, as its authentication proved.
    pub origin: &'a str,
    /// Our server.
    pub server_name: &'a str,
}

/// An invite that may be signed.
#[derive(Debug, Clone)]
pub struct Invite {
    /// The version of the room.
    pub version: &'static RoomVersion,
    /// The event, as it came.
    pub event: Canonical,
    /// Checks 1 to 3 of the event.
    pub verdict: Verdict,
    /// State of the room, for the invited user to look at. It is not trusted for anything.
    pub room_state: Vec<Canonical>,
}

/// Why an invite is not signed.
#[derive(Debug, Clone, PartialEq)]
pub struct InviteRefusal {
    /// The stable code.
    pub code: &'static str,
    /// One sentence with the values compared.
    pub reason: String,
    /// The HTTP status to answer with; `None` while keys are missing that could still be fetched.
    pub status: Option<u16>,
    /// The Matrix error code to answer with.
    pub errcode: &'static str,
    /// Keys that are missing, as `server key_id`.
    pub missing: Vec<String>,
}

impl InviteRefusal {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        let (status, errcode) = (Some(400), "M_INVALID_PARAM");
        Self { code, reason: reason.into(), status, errcode, missing: Vec::new() }
    }

    fn answer(self, status: u16, errcode: &'static str) -> Self {
        Self { status: Some(status), errcode, ..self }
    }
}

type Judged<T> = Result<T, Box<InviteRefusal>>;

/// Judges whether our server may sign an invite.
///
/// # Errors
/// [`InviteRefusal`] with the answer to give.
pub fn check_invite(invite: &IncomingInvite<'_>, ring: &KeyRing) -> Judged<Invite> {
    let version = room_version(invite.body)?;
    let event = invite.body.get("event").ok_or_else(|| {
        Box::new(
            InviteRefusal::new("invite_no_event", "the request has no event")
                .answer(400, "M_MISSING_PARAM"),
        )
    })?;
    // What was changed on the way is not signed, though its redacted copy would be an event.
    let (event, verdict) = verified(event, true, version, ring)?;
    let text = |field| event.get(field).and_then(Value::as_str);
    let content = |field| event.get("content").and_then(|content| content.get(field)?.as_str());
    let (sender, state_key) =
        (text("sender").unwrap_or_default(), text("state_key").unwrap_or_default());
    let refuse = |code, reason: String| Err(Box::new(InviteRefusal::new(code, reason)));
    if text("type").as_deref() != Some("m.room.member") {
        return refuse("invite_type", "the event is not m.room.member".to_owned());
    }
    if content("membership").as_deref() != Some("invite") {
        return refuse("invite_membership", "the membership is not invite".to_owned());
    }
    if domain_of(&sender, '@') != Some(invite.origin) {
        let reason = format!("the sender {sender} is not of the asking server {}", invite.origin);
        let refusal = InviteRefusal::new("invite_sender_not_of_origin", reason);
        return Err(Box::new(refusal.answer(403, "M_FORBIDDEN")));
    }
    if domain_of(&state_key, '@') != Some(invite.server_name) {
        let reason =
            format!("the invited user {} is not of {}", Quoted(&state_key), invite.server_name);
        return refuse("invite_target_not_ours", reason);
    }
    if text("room_id").as_deref() != Some(invite.room_id) {
        let reason = format!("the path says {}, the event another room", Quoted(invite.room_id));
        return refuse("invite_room_mismatch", reason);
    }
    if verdict.event_id.as_deref() != Some(invite.event_id) {
        let id = verdict.event_id.unwrap_or_default();
        let reason = format!("the path says {}, the event is {id}", Quoted(invite.event_id));
        return refuse("invite_event_id_mismatch", reason);
    }
    let room_state = room_state(invite, version, ring)?;
    Ok(Invite { version, event, verdict, room_state })
}

fn room_version(body: &Canonical) -> Judged<&'static RoomVersion> {
    let stated = body.get("room_version").and_then(Value::as_str);
    let stated = stated.ok_or_else(|| {
        let reason = "the request has no room_version";
        Box::new(
            InviteRefusal::new("invite_no_room_version", reason).answer(400, "M_MISSING_PARAM"),
        )
    })?;
    RoomVersion::get(&stated).map_err(|error| {
        let refusal = InviteRefusal::new("unknown_room_version", error.to_string());
        Box::new(refusal.answer(400, "M_INCOMPATIBLE_ROOM_VERSION"))
    })
}

/// An event that checks 1 and 2 have nothing against; and nor has check 3, if it must be `whole`.
fn verified(
    event: Value<'_>,
    whole: bool,
    version: &'static RoomVersion,
    ring: &KeyRing,
) -> Judged<(Canonical, Verdict)> {
    let verdict = receive::verify(event.text(), version, ring, Options::default());
    let counts = |check: &&Check| whole || check.check < 3;
    let mut checks = verdict.checks.iter().filter(counts);
    let failed = checks.find(|check| check.result != CheckResult::Pass);
    if let Some(check) = failed {
        let (code, reason) = (check.code.unwrap_or_default(), check.reason.clone());
        let mut refusal = InviteRefusal::new(code, reason.unwrap_or_default());
        if verdict.outcome == Outcome::Incomplete {
            refusal.status = None;
            refusal.missing.clone_from(&check.missing);
        }
        return Err(Box::new(refusal));
    }
    let event = parse(event.text(), Numbers::Keep)
        .map_err(|error| Box::new(InviteRefusal::new(error.code(), error.to_string())))?;
    Ok((event, verdict))
}

/// The state that comes along. Where the room ID is that of the create event, it must be there, and
/// every event must be one of that room, signed; older rooms may send anything, of which what has the
/// form of state is kept.
fn room_state(
    invite: &IncomingInvite<'_>,
    version: &'static RoomVersion,
    ring: &KeyRing,
) -> Judged<Vec<Canonical>> {
    let list = invite.body.get("invite_room_state").and_then(Value::as_array);
    let entries = list.into_iter().flatten();
    if version.room_id_format == RoomIdFormat::Domain {
        let entries = entries.filter_map(|entry| parse(entry.text(), Numbers::Keep).ok());
        return Ok(entries.filter(has_form_of_state).collect());
    }
    let mut state = Vec::new();
    let mut has_create = false;
    for entry in entries {
        let (event, verdict) = verified(entry, false, version, ring)?;
        let room_id = match event.get("type").and_then(Value::as_str).as_deref() {
            Some("m.room.create") => {
                has_create = true;
                verdict.event_id.map(|id| id.replacen('$', "!", 1))
            }
            _ => event.get("room_id").and_then(Value::as_str).map(Into::into),
        };
        if room_id.as_deref() != Some(invite.room_id) {
            let reason = format!(
                "an event of invite_room_state is of the room {}",
                Quoted(room_id.as_deref().unwrap_or_default())
            );
            return Err(Box::new(InviteRefusal::new("invite_state_other_room", reason)));
        }
        state.push(event);
    }
    if !has_create {
        let reason = "invite_room_state has no m.room.create event";
        return Err(Box::new(
            InviteRefusal::new("invite_state_no_create", reason).answer(400, "M_MISSING_PARAM"),
        ));
    }
    Ok(state)
}

/// Stripped state: a type, a state key, a sender and a content.
fn has_form_of_state(entry: &Canonical) -> bool {
    let is_text = |key| entry.get(key).is_some_and(|value| value.as_str().is_some());
    ["type", "state_key", "sender"].into_iter().all(is_text)
        && entry.get("content").is_some_and(|content| content.as_object().is_some())
}
