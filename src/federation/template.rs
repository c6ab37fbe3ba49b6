//! Templates: to join, knock or leave by way of another server, ours asks that one for an event to
//! sign.
//!
//! A template is never signed as it comes: who signs whatever a stranger hands them can be made to
//! sign a change of power levels. What it must say is compared, and the event is made anew from what
//! was wanted; only its place in the room (`depth`, `prev_events`, `auth_events`) and the user who lets
//! ours into a restricted room are taken over.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#joining-rooms>

use thiserror::Error;

use crate::auth::Membership;
use crate::evidence::{Evidence, Quoted};
use crate::json::{Canonical, JsonError, Numbers, Value, insert_member, parse, write_string};
use crate::room_version::RoomVersion;

/// The change of a membership that our server wants.
#[derive(Debug, Clone, Copy)]
pub struct MembershipChange<'a> {
    /// The room.
    pub room_id: &'a str,
    /// Our user.
    pub user_id: &'a str,
    /// `join`, `knock` or `leave`.
    pub membership: Membership,
    /// When the event is made, in milliseconds since 1970.
    pub origin_server_ts: i64,
    /// The event's ID, in room versions 1 and 2 only.
    pub event_id: Option<&'a str>,
    /// What else the content is to say, such as `displayname`.
    pub content: Option<Value<'a>>,
}

/// A template is of something else than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A field says something else.
    #[error("{field} of the template must be {}, it is {found}", Quoted(expected))]
    Mismatch {
        /// The field.
        field: &'static str,
        /// What was asked for.
        expected: String,
        /// What it says.
        found: String,
    },
    /// What was made of it is no JSON: never for a template that is.
    #[error(transparent)]
    Json(#[from] JsonError),
}

impl TemplateError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => error.code(),
            Self::Mismatch { field: "type", .. } => "template_type_mismatch",
            Self::Mismatch { field: "sender", .. } => "template_sender_mismatch",
            Self::Mismatch { field: "state_key", .. } => "template_state_key_mismatch",
            Self::Mismatch { field: "room_id", .. } => "template_room_id_mismatch",
            Self::Mismatch { .. } => "template_membership_mismatch",
        }
    }

    /// What was seen, as data.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::Json(error) => Evidence::object([("offset", error.offset().into())]),
            Self::Mismatch { field, expected, found } => Evidence::object([
                ("field", (*field).into()),
                ("expected", expected.into()),
                ("found", found.into()),
            ]),
        }
    }
}

/// The event to sign, made by a template for `change`.
///
/// # Errors
/// [`TemplateError`] when the template is not one for this change.
pub fn event_from_template(
    template: &Canonical,
    version: &RoomVersion,
    change: &MembershipChange<'_>,
) -> Result<Canonical, TemplateError> {
    let content = template.get("content");
    let membership = content.and_then(|content| content.get("membership"));
    for (field, value, expected) in [
        ("type", template.get("type"), "m.room.member"),
        ("sender", template.get("sender"), change.user_id),
        ("state_key", template.get("state_key"), change.user_id),
        ("room_id", template.get("room_id"), change.room_id),
        ("content.membership", membership, change.membership.name()),
    ] {
        if value.and_then(Value::as_str).as_deref() != Some(expected) {
            let found = value.map_or("missing".to_owned(), shown);
            return Err(TemplateError::Mismatch { field, expected: expected.to_owned(), found });
        }
    }
    let content = new_content(content, version, change)?;
    let mut event = parse(b"{}", Numbers::Keep)?;
    for field in ["depth", "prev_events", "auth_events"] {
        event = event.with_member(field, template.get(field).map(Value::text));
    }
    event = event
        .with_member("type", Some(b"\"m.room.member\""))
        .with_member("sender", Some(&string(change.user_id)))
        .with_member("state_key", Some(&string(change.user_id)))
        .with_member("room_id", Some(&string(change.room_id)))
        .with_member("origin_server_ts", Some(change.origin_server_ts.to_string().as_bytes()))
        .with_member("content", Some(&content));
    let event_id = change.event_id.filter(|_| version.event_id_format.is_field()).map(string);
    if event_id.is_some() {
        event = event.with_member("event_id", event_id.as_deref());
    }
    // Read once more: numbers of the template must be judged as those of any event.
    Ok(parse(event.text(), Numbers::Keep)?)
}

/// What the caller wants to say, the membership, and who lets our user in.
fn new_content(
    of_template: Option<Value<'_>>,
    version: &RoomVersion,
    change: &MembershipChange<'_>,
) -> Result<Vec<u8>, JsonError> {
    const AUTHORISER: &str = "join_authorised_via_users_server";
    let content = insert_member(change.content, "membership", &string(change.membership.name()));
    let authoriser = of_template
        .filter(|_| version.restricted_join && change.membership == Membership::Join)
        .and_then(|content| content.get(AUTHORISER)?.as_str());
    let Some(authoriser) = authoriser else { return Ok(content) };
    let content = parse(&content, Numbers::Keep)?;
    Ok(insert_member(Some(content.value()), AUTHORISER, &string(&authoriser)))
}

fn string(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(2));
    write_string(text, &mut out);
    out
}

fn shown(value: Value<'_>) -> String {
    String::from_utf8_lossy(value.text()).chars().take(80).collect()
}
