//! Which EDUs of a transaction an ACL must be asked about, and for which rooms.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls>

use std::borrow::Cow;

use crate::json::Value;

/// The rooms whose ACLs an EDU hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EduRooms {
    /// None: it is not about rooms, and no ACL touches it.
    Unprotected,
    /// One: where its server is denied, the whole EDU is ignored.
    Whole {
        /// The room; `None` when the EDU does not tell, so that it means nothing.
        room_id: Option<String>,
    },
    /// Several, each with a part of its own (`content[room_id]`): where its server is denied, that
    /// part is ignored.
    ByRoom {
        /// The rooms, in canonical order.
        rooms: Vec<String>,
    },
}

/// The rooms whose ACLs must be asked about `edu`, an EDU as it stands in a transaction.
#[must_use]
pub fn edu_rooms(edu: Value<'_>) -> EduRooms {
    let content = edu.get("content");
    match edu.get("edu_type").and_then(Value::as_str).as_deref() {
        Some("m.typing") => {
            let room_id = content.and_then(|content| content.get("room_id")?.as_str());
            EduRooms::Whole { room_id: room_id.map(Cow::into_owned) }
        }
        Some("m.receipt") => {
            let rooms = content.and_then(Value::as_object).into_iter().flatten();
            EduRooms::ByRoom { rooms: rooms.map(|room| room.key().into_owned()).collect() }
        }
        _ => EduRooms::Unprotected,
    }
}
