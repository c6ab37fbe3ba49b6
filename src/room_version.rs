//! Room versions: one table of what each of them changes.
//!
//! Every rule that differs between versions asks a flag of [`RoomVersion`]; nothing compares
//! version numbers, which are opaque by specification. To add a version, add a row.
//!
//! Spec: <https://spec.matrix.org/v1.19/rooms/>

use std::borrow::Cow;
use std::sync::OnceLock;

use serde::Serialize;
use thiserror::Error;

use crate::event::redaction::{self, RedactionRules};
use crate::evidence::{Evidence, Quoted};
use crate::json::MAX_SAFE_INTEGER;

/// What sets one room version apart from the others.
#[derive(Debug, Serialize)]
pub struct RoomVersion {
    /// The identifier, as `m.room.create` has it in `room_version`.
    #[serde(rename = "version")]
    pub id: &'static str,
    /// The state resolution algorithm.
    pub state_resolution: StateResolution,
    /// Where the event ID comes from.
    pub event_id_format: EventIdFormat,
    /// Where the room ID comes from.
    pub room_id_format: RoomIdFormat,
    /// Numbers outside strict canonical JSON make an event malformed.
    pub strict_canonical_json: bool,
    /// The largest `depth` an event may have.
    #[serde(serialize_with = "exact_integer")]
    pub max_depth: i64,
    /// Identifiers, types and state keys are limited to 255 bytes; before, servers counted
    /// characters.
    pub strict_byte_limits: bool,
    /// A signing key must have been valid at the event's `origin_server_ts`.
    pub enforce_key_validity: bool,
    /// Power levels may be strings.
    pub string_power_levels: bool,
    /// Power levels may be numbers with fraction or exponent.
    pub float_power_levels: bool,
    /// Changes of `notifications` in power levels need the power they ask for.
    pub notifications_power_levels: bool,
    /// `m.room.aliases` has an authorization rule of its own.
    pub aliases_rule: bool,
    /// `m.room.redaction` has an authorization rule of its own.
    pub redaction_rule: bool,
    /// Users may knock.
    pub knock: bool,
    /// The join rule `restricted` exists.
    pub restricted_join: bool,
    /// The join rule `knock_restricted` exists.
    pub knock_restricted_join: bool,
    /// The room's creator is named by `content.creator`; otherwise the sender is the creator.
    pub creator_field: bool,
    /// Creators, additional ones included, stand above all power levels.
    pub privileged_creators: bool,
    /// The event that a redaction names: in `content`, or at the top level.
    pub redacts_in_content: bool,
    /// What redaction keeps.
    #[serde(skip)]
    pub redaction: &'static RedactionRules,
}

/// The state resolution algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StateResolution {
    /// Version 1.
    #[serde(rename = "1")]
    V1,
    /// Version 2.
    #[serde(rename = "2")]
    V2,
    /// Version 2.1.
    #[serde(rename = "2.1")]
    V2_1,
}

/// The forms of event IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventIdFormat {
    /// `$opaque:domain`, a field of the event; references carry hashes.
    Domain,
    /// `$` and the reference hash in standard base64.
    Hash,
    /// `$` and the reference hash in URL-safe base64.
    UrlSafeHash,
}

impl EventIdFormat {
    /// The event says its own ID (and its references carry the hash of what they name).
    #[must_use]
    pub fn is_field(self) -> bool {
        self == Self::Domain
    }
}

/// The forms of room IDs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomIdFormat {
    /// `!opaque:domain`
    Domain,
    /// The ID of the create event, with `!` for `$`; the create event itself has none.
    CreateEventId,
}

/// A room version that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the room version {} is not known; known are 1 to 12", Quoted(.0))]
pub struct UnknownRoomVersion(pub String);

const V1: RoomVersion = RoomVersion {
    id: "1",
    state_resolution: StateResolution::V1,
    event_id_format: EventIdFormat::Domain,
    room_id_format: RoomIdFormat::Domain,
    strict_canonical_json: false,
    max_depth: i64::MAX,
    strict_byte_limits: false,
    enforce_key_validity: false,
    string_power_levels: true,
    float_power_levels: true,
    notifications_power_levels: false,
    aliases_rule: true,
    redaction_rule: true,
    knock: false,
    restricted_join: false,
    knock_restricted_join: false,
    creator_field: true,
    privileged_creators: false,
    redacts_in_content: false,
    redaction: &redaction::V1,
};
const V2: RoomVersion = RoomVersion { id: "2", state_resolution: StateResolution::V2, ..V1 };
const V3: RoomVersion =
    RoomVersion { id: "3", event_id_format: EventIdFormat::Hash, redaction_rule: false, ..V2 };
const V4: RoomVersion = RoomVersion { id: "4", event_id_format: EventIdFormat::UrlSafeHash, ..V3 };
const V5: RoomVersion = RoomVersion { id: "5", enforce_key_validity: true, ..V4 };
const V6: RoomVersion = RoomVersion {
    id: "6",
    strict_canonical_json: true,
    max_depth: MAX_SAFE_INTEGER,
    float_power_levels: false,
    notifications_power_levels: true,
    aliases_rule: false,
    redaction: &redaction::V6,
    ..V5
};
const V7: RoomVersion = RoomVersion { id: "7", knock: true, ..V6 };
const V8: RoomVersion =
    RoomVersion { id: "8", restricted_join: true, redaction: &redaction::V8, ..V7 };
const V9: RoomVersion = RoomVersion { id: "9", redaction: &redaction::V9, ..V8 };
const V10: RoomVersion =
    RoomVersion { id: "10", string_power_levels: false, knock_restricted_join: true, ..V9 };
const V11: RoomVersion = RoomVersion {
    id: "11",
    strict_byte_limits: true,
    creator_field: false,
    redacts_in_content: true,
    redaction: &redaction::V11,
    ..V10
};
const V12: RoomVersion = RoomVersion {
    id: "12",
    state_resolution: StateResolution::V2_1,
    room_id_format: RoomIdFormat::CreateEventId,
    privileged_creators: true,
    ..V11
};

/// All room versions, in the order they came.
pub static ALL: [RoomVersion; 12] = [V1, V2, V3, V4, V5, V6, V7, V8, V9, V10, V11, V12];

impl RoomVersion {
    /// The room version with the identifier `id`.
    ///
    /// # Errors
    /// [`UnknownRoomVersion`] when it is not in the table. Identifiers are compared whole:
    /// `"06"` and `"6 "` are no room versions.
    pub fn get(id: &str) -> Result<&'static Self, UnknownRoomVersion> {
        ALL.iter().find(|version| version.id == id).ok_or_else(|| UnknownRoomVersion(id.to_owned()))
    }

    /// Its place in [`ALL`].
    pub(crate) fn index(&self) -> Option<usize> {
        let itself = ALL.iter().position(|known| std::ptr::eq(known, self));
        itself.or_else(|| ALL.iter().position(|known| known.id == self.id))
    }

    /// Where the specification has the authorization rules of this version.
    #[must_use]
    pub fn authorization_rules(&self) -> Cow<'static, str> {
        // Every verdict links there: the links are written once.
        static LINKS: [OnceLock<String>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
        let link = || self.spec("authorisation-rules");
        match self.index().and_then(|index| LINKS.get(index)) {
            Some(known) => Cow::Borrowed(known.get_or_init(link)),
            None => Cow::Owned(link()),
        }
    }

    /// The page of the specification for this version.
    #[must_use]
    pub fn spec(&self, anchor: &str) -> String {
        format!("https://spec.matrix.org/v1.19/rooms/v{}/#{anchor}", self.id)
    }
}

/// Prints an integer that JavaScript would round as text.
fn exact_integer<S: serde::Serializer>(number: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    Evidence::from(*number).serialize(serializer)
}
