//! Questions that only the server can answer that owns what is asked about.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#querying-for-information>

use super::answer::{Answer, AnswerError};
use super::entries::{LeftOut, Reading, is_room_alias, is_room_id, is_server_name, is_user_id};
use super::published_rooms::is_mxc;
use super::request::{EVENT_ANSWER, Request, Target, TimeLimit};
use crate::identifiers::domain_of;
use crate::json::{Canonical, Numbers, Value, parse};

/// Asks for the room of an alias; gives the server to ask, which is that of the alias. `None` for what
/// is no alias.
#[must_use]
pub fn directory(room_alias: &str) -> Option<(&str, Request)> {
    let server = domain_of(room_alias, '#').filter(|_| is_room_alias(room_alias))?;
    let target = Target::new("federation/v1/query/directory").query("room_alias", room_alias);
    // A server of a large room names thousands of others.
    Some((server, Request::get(target, EVENT_ANSWER, TimeLimit::Usual)))
}

/// The room of an alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasTarget {
    /// The room.
    pub room_id: String,
    /// Servers to join it by.
    pub servers: Vec<String>,
    /// Entries that are no server names, or that stand twice.
    pub left_out: Vec<LeftOut>,
}

/// Reads the answer to [`directory`].
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_directory(body: &[u8]) -> Result<AliasTarget, AnswerError> {
    let answer = Answer::read(body, &[])?;
    let room_id = answer.field("room_id", "a room ID", |value| {
        value.as_str().filter(|room_id| is_room_id(room_id))
    })?;
    let servers = answer.field("servers", "a list of server names", Value::as_array)?;
    let mut reading = Reading::default();
    let servers = reading.ids(servers, "servers", "a server name", is_server_name);
    Ok(AliasTarget { room_id: room_id.into_owned(), servers, left_out: reading.left_out })
}

/// Asks for the profile of a user, or for one field of it; gives the server to ask, which is that of
/// the user. `None` for what is no user ID.
#[must_use]
pub fn profile<'a>(user_id: &'a str, field: Option<&str>) -> Option<(&'a str, Request)> {
    let server = domain_of(user_id, '@').filter(|_| is_user_id(user_id))?;
    let target = Target::new("federation/v1/query/profile");
    let target = target.query_some("field", field).query("user_id", user_id);
    // A profile has at most 64 KiB; escapes make it longer.
    Some((server, Request::get(target, EVENT_ANSWER, TimeLimit::Usual)))
}

/// The profile of a user.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The name to show, cut to 4096 characters.
    pub displayname: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
    /// Further fields, as they are.
    pub fields: Vec<(String, Canonical)>,
    /// Fields that are malformed or were cut.
    pub left_out: Vec<LeftOut>,
}

/// The most bytes of the name of a field of a profile.
const MAX_FIELD_NAME: usize = 255;

/// Reads the answer to [`profile`]; of a single `field`, if one was asked for.
///
/// # Errors
/// [`AnswerError`] when the answer as a whole is none.
pub fn read_profile(body: &[u8], field: Option<&str>) -> Result<Profile, AnswerError> {
    let profile = Answer::read(body, &[]).and_then(|_| Ok(parse(body, Numbers::Keep)?))?;
    let mut reading = Reading::default();
    let mut fields = Vec::new();
    for member in profile.value().as_object().into_iter().flatten() {
        let key = member.key();
        if field.is_some_and(|field| field != key) || key.len() > MAX_FIELD_NAME {
            let place = || super::entries::cut(&key, MAX_FIELD_NAME).to_owned();
            reading.tell(place, "answer_entry_unasked", "a field that was asked for");
        } else if !matches!(&*key, "displayname" | "avatar_url") {
            fields.push((key.into_owned(), parse(member.value.text(), Numbers::Keep)?));
        }
    }
    let wanted = |key| field.is_none_or(|field| field == key);
    let value = profile.value();
    let displayname =
        wanted("displayname").then(|| reading.text(value, "displayname", "")).flatten();
    let avatar_url = profile.get("avatar_url").filter(|_| wanted("avatar_url"));
    let place = || "avatar_url".to_owned();
    // An empty one takes the picture away.
    let is_good = |uri: &std::borrow::Cow<'_, str>| uri.is_empty() || is_mxc(uri);
    let avatar_url = reading
        .optional(avatar_url, place, "an mxc:// URI", |value| value.as_str().filter(is_good))
        .filter(|uri| !uri.is_empty());
    Ok(Profile {
        displayname,
        avatar_url: avatar_url.map(Into::into),
        fields,
        left_out: reading.left_out,
    })
}
