//! Every code that a verdict, a flag, a server ACL, an error or a trace can have, with what it means.
//!
//! This table is what the documentation, the command line and the types are made from.

use serde::Serialize;

/// What a code belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A check of a verdict that did not pass, or what a server ACL decided.
    Verdict,
    /// A flag of a verdict.
    Flag,
    /// An error: the call could not be done.
    Error,
    /// What an entry in the trace of server discovery says. Codes of errors stand there too.
    Trace,
}

/// A code and what it means.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Code {
    /// The code.
    pub code: &'static str,
    /// What it belongs to.
    pub kind: Kind,
    /// The check that gives it, for codes of checks.
    pub check: Option<u8>,
    /// What becomes of the event, for codes of checks; of the server, for those of ACLs; of the
    /// request, for those of requests.
    pub effect: Option<&'static str>,
    /// What it means.
    pub summary: &'static str,
    /// Where the specification speaks of it.
    pub spec: &'static str,
}

const SIZE_LIMITS: &str = "https://spec.matrix.org/v1.19/client-server-api/#size-limits";
const CANONICAL_JSON: &str = "https://spec.matrix.org/v1.19/appendices/#canonical-json";
const EVENT_FORMAT: &str = "https://spec.matrix.org/v1.19/rooms/v12/#event-format";
const SIGNATURES: &str = "https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events";
const KEYS: &str = "https://spec.matrix.org/v1.19/server-server-api/#publishing-keys";
const CONTENT_HASH: &str =
    "https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event";
const IDENTIFIERS: &str = "https://spec.matrix.org/v1.19/appendices/#identifier-grammar";
const ROOM_VERSIONS: &str = "https://spec.matrix.org/v1.19/rooms/";
const SIGNING_JSON: &str = "https://spec.matrix.org/v1.19/appendices/#signing-json";
const AUTH_RULES: &str = "https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules";
const POWER_LEVELS: &str = "https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels";
const POLICY_SERVER: &str =
    "https://spec.matrix.org/v1.19/server-server-api/#validating-policy-server-signatures";
const TEMPLATES: &str = "https://spec.matrix.org/v1.19/server-server-api/#joining-rooms";
const INVITES: &str = "https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room";
const JOINS: &str =
    "https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid";
const EVENTS: &str = "https://spec.matrix.org/v1.19/server-server-api/#retrieving-events";
const PDUS: &str = "https://spec.matrix.org/v1.19/server-server-api/#pdus";
const TRANSACTIONS: &str = "https://spec.matrix.org/v1.19/server-server-api/#transactions";
const ERRORS: &str = "https://spec.matrix.org/v1.19/client-server-api/#standard-error-response";
const STATE_RESOLUTION: &str = "https://spec.matrix.org/v1.19/rooms/v12/#state-resolution";
const BASE64: &str = "https://spec.matrix.org/v1.19/appendices/#unpadded-base64";
const FEDERATION: &str = "https://spec.matrix.org/v1.19/server-server-api/";
const REQUESTS: &str = "https://spec.matrix.org/v1.19/server-server-api/#request-authentication";
const DISCOVERY: &str = "https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names";
const RECEIPT: &str =
    "https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu";
const SERVER_ACL: &str = "https://spec.matrix.org/v1.19/client-server-api/#mroomserver_acl";

const fn format(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Verdict, check: Some(1), effect: Some("dropped"), summary, spec }
}

const fn signature(code: &'static str, effect: &'static str, summary: &'static str) -> Code {
    let spec = SIGNATURES;
    Code { code, kind: Kind::Verdict, check: Some(2), effect: Some(effect), summary, spec }
}

/// Of checks 4 to 6: rejected by the first two, soft failed by the third.
const fn auth(code: &'static str, summary: &'static str) -> Code {
    let (kind, spec) = (Kind::Verdict, AUTH_RULES);
    Code { code, kind, check: Some(4), effect: Some("rejected"), summary, spec }
}

/// Of checks 4 to 6, when something is missing.
const fn undecided(code: &'static str, summary: &'static str) -> Code {
    let (kind, spec) = (Kind::Verdict, AUTH_RULES);
    Code { code, kind, check: Some(4), effect: Some("incomplete"), summary, spec }
}

const fn policy(code: &'static str, summary: &'static str) -> Code {
    let (kind, spec) = (Kind::Verdict, POLICY_SERVER);
    Code { code, kind, check: Some(7), effect: Some("soft_failed"), summary, spec }
}

const fn acl(code: &'static str, effect: &'static str, summary: &'static str) -> Code {
    let spec = SERVER_ACL;
    Code { code, kind: Kind::Verdict, check: None, effect: Some(effect), summary, spec }
}

/// Of invites that our server is asked to sign.
const fn refusal(code: &'static str, summary: &'static str) -> Code {
    let (kind, spec) = (Kind::Verdict, INVITES);
    Code { code, kind, check: None, effect: Some("refused"), summary, spec }
}

/// Of requests by other servers, and of our own that are to be signed.
const fn request(code: &'static str, effect: &'static str, summary: &'static str) -> Code {
    let spec = REQUESTS;
    Code { code, kind: Kind::Verdict, check: None, effect: Some(effect), summary, spec }
}

const fn flag(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Flag, check: None, effect: None, summary, spec }
}

const fn error(code: &'static str, summary: &'static str, spec: &'static str) -> Code {
    Code { code, kind: Kind::Error, check: None, effect: None, summary, spec }
}

const fn trace(code: &'static str, summary: &'static str) -> Code {
    let (kind, spec) = (Kind::Trace, DISCOVERY);
    Code { code, kind, check: None, effect: None, summary, spec }
}

/// All codes. Those of check 1 about JSON and numbers are also errors of the functions that take
/// JSON, those about the parts of a request also errors of signing one.
pub static ALL: &[Code] = &[
    format("json_syntax", "The bytes are not JSON.", CANONICAL_JSON),
    format("json_invalid_utf8", "The bytes are not UTF-8.", CANONICAL_JSON),
    format("json_lone_surrogate", "A string escapes half of a surrogate pair.", CANONICAL_JSON),
    format(
        "json_control_character",
        "A string holds a control character unescaped.",
        CANONICAL_JSON,
    ),
    format("json_trailing_data", "Something follows the JSON document.", CANONICAL_JSON),
    format(
        "json_number_overflow",
        "A number is too large for a double (room versions 1 to 5 allow fractions, but no infinity).",
        CANONICAL_JSON,
    ),
    format(
        "json_too_deep",
        "More than 127 arrays and objects stand inside each other.",
        CANONICAL_JSON,
    ),
    format("not_an_object", "The event is JSON, but not an object.", EVENT_FORMAT),
    format(
        "number_not_integer",
        "A number has a fraction or an exponent (room versions 6 and later).",
        CANONICAL_JSON,
    ),
    format(
        "integer_out_of_range",
        "An integer is outside ±(2^53 − 1) (room versions 6 and later).",
        CANONICAL_JSON,
    ),
    format(
        "event_too_large",
        "The event has more than 65536 bytes as canonical JSON, `unsigned` not counted.",
        SIZE_LIMITS,
    ),
    format("field_missing", "A required field is missing.", EVENT_FORMAT),
    format("field_wrong_type", "A field is of the wrong type.", EVENT_FORMAT),
    format(
        "field_too_long",
        "`type`, `sender`, `room_id`, `event_id` or `state_key` is longer than 255.",
        SIZE_LIMITS,
    ),
    format("sender_invalid", "`sender` is not a user ID.", IDENTIFIERS),
    format("room_id_invalid", "`room_id` is not a room ID of the room version.", IDENTIFIERS),
    format(
        "event_id_invalid",
        "`event_id` of room version 1 or 2 is not an event ID.",
        IDENTIFIERS,
    ),
    format(
        "event_id_present",
        "`event_id` is there, which room versions 3 and later do not have.",
        EVENT_FORMAT,
    ),
    format("too_many_prev_events", "`prev_events` names more than 20 events.", EVENT_FORMAT),
    format("too_many_auth_events", "`auth_events` names more than 10 events.", EVENT_FORMAT),
    format(
        "reference_malformed",
        "An entry of `prev_events` or `auth_events` is not a reference to an event.",
        EVENT_FORMAT,
    ),
    format("depth_negative", "`depth` is negative.", EVENT_FORMAT),
    format("depth_too_large", "`depth` is above the limit of the room version.", EVENT_FORMAT),
    format("timestamp_out_of_range", "`origin_server_ts` does not fit 64 bits.", EVENT_FORMAT),
    format(
        "signatures_malformed",
        "`signatures` is not an object of objects of strings.",
        EVENT_FORMAT,
    ),
    format("content_hash_missing", "`hashes` has no string `sha256`.", EVENT_FORMAT),
    signature("signature_missing", "dropped", "A server that must sign did not."),
    signature(
        "signature_unknown_algorithm",
        "dropped",
        "A server that must sign did so with unknown algorithms only.",
    ),
    signature(
        "signature_malformed",
        "dropped",
        "A signature by a known key is not base64 of 64 bytes.",
    ),
    signature("signature_invalid", "dropped", "A signature by a known key does not fit the event."),
    signature(
        "signature_key_expired",
        "dropped",
        "The signing key was not valid when the event was made.",
    ),
    signature(
        "signature_key_refused",
        "dropped",
        "The signing key must not be trusted: its private half is public, or it is of small order.",
    ),
    signature(
        "signature_key_unknown",
        "dropped",
        "The server, asked for its keys after the event was made, does not list the signing key.",
    ),
    signature(
        "signature_key_missing",
        "incomplete",
        "The signing key is not there; it can be asked of the server or of a notary.",
    ),
    Code {
        code: "content_hash_mismatch",
        kind: Kind::Verdict,
        check: Some(3),
        effect: Some("redacted"),
        summary: "The content hash differs: the event was redacted, or changed on the way. Its redacted copy is used.",
        spec: CONTENT_HASH,
    },
    // Authorization: whether the event is of the room at all, then in the order of the rules.
    auth("event_other_room", "The event is of another room than the one that is received."),
    auth("create_has_prev_events", "A create event names previous events."),
    auth(
        "create_room_id_domain",
        "The room ID of a create event is of another server than its sender.",
    ),
    auth(
        "create_has_room_id",
        "A create event of room version 12 has a room ID, which is its own hash.",
    ),
    auth("create_room_version_unknown", "A create event names a room version that is not known."),
    auth("create_no_creator", "A create event names no creator (room versions 1 to 10)."),
    auth(
        "create_additional_creators_invalid",
        "`additional_creators` is no list of user IDs (room version 12).",
    ),
    auth(
        "room_id_not_create_event",
        "The room ID is that of no create event that is accepted (room version 12).",
    ),
    auth(
        "create_event_rejected",
        "The create event that the room ID names was rejected (room version 12).",
    ),
    undecided("create_event_missing", "The create event of the room is not there."),
    auth("auth_events_duplicate", "Two of the auth events are for one type and state key."),
    auth("auth_event_not_state", "One of the auth events is no state event."),
    auth(
        "auth_event_not_selected",
        "One of the auth events is not among those that this event must name.",
    ),
    auth("auth_event_rejected", "One of the auth events was itself rejected."),
    auth(
        "auth_events_no_create",
        "None of the auth events is the create event (room versions 1 to 11).",
    ),
    auth("auth_event_other_room", "One of the auth events is of another room."),
    undecided("event_loop", "What the event rests on cites each other in a circle."),
    undecided("event_missing", "Events are not there that this one names; it waits for them."),
    undecided(
        "auth_event_missing",
        "One of the auth events is not there; it can be asked of the sender's server.",
    ),
    undecided(
        "state_event_malformed",
        "An event of the given state is malformed, so it is no state.",
    ),
    undecided(
        "state_conflict",
        "The given state has two events for one type and state key, so it is no state.",
    ),
    undecided("state_other_room", "The given state is that of another room, or of several."),
    auth(
        "no_previous_events",
        "The event is not the first of its room and follows on no other, so no state allows it.",
    ),
    auth("room_not_federated", "The room is closed to servers other than its creator's."),
    auth("aliases_no_state_key", "Aliases without a state key (room versions 1 to 5)."),
    auth(
        "aliases_wrong_server",
        "Aliases of another server than the sender's (room versions 1 to 5).",
    ),
    auth("member_no_state_key", "A membership without a state key: nobody's."),
    auth("member_state_key_invalid", "The state key of a membership is not a user ID."),
    auth("member_no_membership", "A membership event without `membership`."),
    auth(
        "join_authoriser_invalid",
        "`join_authorised_via_users_server` is not a user ID (room versions 8 and later).",
    ),
    auth(
        "join_authoriser_not_signed",
        "The server of the user in `join_authorised_via_users_server` has not signed (room versions 8 and later).",
    ),
    undecided(
        "join_authoriser_key_missing",
        "The key is not there by which the server of `join_authorised_via_users_server` has signed.",
    ),
    auth("join_sender_mismatch", "Somebody makes another user join."),
    auth("join_banned", "A banned user joins."),
    auth("join_not_invited", "The join rule asks for an invite, and the user has none."),
    auth(
        "join_restricted_no_authoriser",
        "A restricted join by a user who is not invited names nobody who let them in.",
    ),
    auth(
        "join_restricted_authoriser_not_joined",
        "The user who let somebody into a restricted room is not joined.",
    ),
    auth(
        "join_restricted_authoriser_power",
        "The user who let somebody into a restricted room has not the level for inviting.",
    ),
    auth("join_rule_forbids", "The join rule lets nobody join, or is none of the room version."),
    auth("third_party_invite_target_banned", "A third party's invite for a banned user."),
    auth("third_party_invite_no_signed", "A third party's invite without `signed`."),
    auth("third_party_invite_no_mxid", "`signed` of a third party's invite has no `mxid`."),
    auth("third_party_invite_no_token", "`signed` of a third party's invite has no `token`."),
    auth(
        "third_party_invite_mxid_mismatch",
        "A third party's invite is for another user than it says.",
    ),
    auth(
        "third_party_invite_unknown_token",
        "The room has no `m.room.third_party_invite` for the token.",
    ),
    auth(
        "third_party_invite_sender_mismatch",
        "A third party's invite is used by another user than the one who sent it.",
    ),
    auth(
        "third_party_invite_not_signed",
        "No signature of a third party's invite fits a public key of it (of 128 pairs that are tried at most).",
    ),
    auth("invite_sender_not_joined", "Somebody who is not joined invites."),
    auth("invite_target_joined", "The invited user is joined already."),
    auth("invite_target_banned", "The invited user is banned."),
    auth("invite_power", "The sender has not the level for inviting."),
    auth("leave_not_member", "A user leaves who is not joined, invited or knocking."),
    auth("kick_sender_not_joined", "Somebody who is not joined removes another."),
    auth("unban_power", "The sender has not the level for banning, so cannot lift a ban."),
    auth("kick_power", "The sender has not the level for kicking."),
    auth("kick_target_power", "The sender does not stand above the user to be removed."),
    auth("ban_sender_not_joined", "Somebody who is not joined bans."),
    auth("ban_power", "The sender has not the level for banning."),
    auth("ban_target_power", "The sender does not stand above the user to be banned."),
    auth("knock_join_rule", "The join rule takes no knocks."),
    auth("knock_sender_mismatch", "Somebody knocks for another user."),
    auth("knock_membership", "A user knocks who is banned, invited or joined."),
    auth("membership_unknown", "The membership is none of the room version."),
    auth("sender_not_joined", "The sender is not joined."),
    auth(
        "third_party_invite_power",
        "The sender has not the level for inviting, so cannot invite third parties.",
    ),
    auth("event_power", "The sender has not the level for events of this type."),
    auth("state_key_not_sender", "The state key begins with @ and is not the sender."),
    auth(
        "power_levels_value_invalid",
        "A named power level is no integer (room versions 10 and later).",
    ),
    auth(
        "power_levels_events_invalid",
        "`events` of the power levels is no object of integers (room versions 10 and later).",
    ),
    auth(
        "power_levels_notifications_invalid",
        "`notifications` of the power levels is no object of integers (room versions 10 and later).",
    ),
    auth("power_levels_users_invalid", "`users` of the power levels is no object."),
    auth("power_levels_user_id_invalid", "A key of `users` in the power levels is not a user ID."),
    auth("power_levels_user_level_invalid", "A value of `users` in the power levels is no level."),
    auth(
        "power_levels_creator_listed",
        "`users` of the power levels lists a creator (room version 12).",
    ),
    auth("power_level_unreadable", "A power level that is needed, or to be compared, is no level."),
    auth(
        "power_levels_value_current",
        "A named power level is changed that is above the sender's.",
    ),
    auth("power_levels_value_new", "A named power level is raised above the sender's."),
    auth(
        "power_levels_event_current",
        "A level in `events` is changed that is above the sender's.",
    ),
    auth("power_levels_event_new", "A level in `events` is raised above the sender's."),
    auth(
        "power_levels_notification_current",
        "A level in `notifications` is changed that is above the sender's (room versions 6 and later).",
    ),
    auth(
        "power_levels_notification_new",
        "A level in `notifications` is raised above the sender's (room versions 6 and later).",
    ),
    auth(
        "power_levels_user_current",
        "The level of another user is changed who is not below the sender.",
    ),
    auth("power_levels_user_new", "The level of a user is raised above the sender's."),
    auth(
        "redaction_power",
        "The sender has not the level for redacting, and the redacted event is not of their server (room versions 1 and 2).",
    ),
    policy("policy_signature_missing", "The room's policy server has not signed the event."),
    policy(
        "policy_signature_malformed",
        "The signature of the room's policy server is not base64 of 64 bytes.",
    ),
    policy(
        "policy_signature_invalid",
        "The signature of the room's policy server does not fit the event, or is not by the key in m.room.policy.",
    ),
    acl("acl_none", "allowed", "The room has no server ACL."),
    acl("acl_ip_literal", "denied", "The server name is an IP address, which the ACL denies."),
    acl("acl_denied", "denied", "The server name matches an entry of `deny`."),
    acl(
        "acl_allowed",
        "allowed",
        "The server name matches an entry of `allow`, and none of `deny`.",
    ),
    acl("acl_not_allowed", "denied", "The server name matches no entry of `allow`."),
    acl("acl_server_name_invalid", "denied", "What is asked about is not a server name."),
    flag("duplicate_keys", "A key stands twice in an object; the last one counts.", CANONICAL_JSON),
    flag(
        "negative_zero",
        "`-0` stands in the event and counts as 0; servers built on ruma refuse it.",
        CANONICAL_JSON,
    ),
    flag(
        "ed25519_divergent",
        "A signature holds a point of small order: refused here as by Synapse, taken by implementations with a laxer check.",
        SIGNATURES,
    ),
    flag(
        "byte_limit_divergent",
        "An identifier has more than 255 bytes, but no more than 255 characters. Up to room version 10 Synapse counts characters, others bytes.",
        SIZE_LIMITS,
    ),
    flag(
        "depth_limit_divergent",
        "`depth` is above 2^53 − 1, which room versions 1 to 5 allow and Synapse refuses.",
        EVENT_FORMAT,
    ),
    flag(
        "url_safe_base64",
        "A signature or hash is written in URL-safe base64: taken as by Synapse, refused by others.",
        BASE64,
    ),
    flag(
        "unsigned_oversized",
        "Only with its `unsigned`, which is thrown away, the event is above the size limit.",
        SIZE_LIMITS,
    ),
    flag(
        "unsigned_malformed",
        "`unsigned` is not an object. It is thrown away in any case; Synapse refuses the event.",
        EVENT_FORMAT,
    ),
    flag(
        "size_limit_divergent",
        "The event has between 65523 and 65536 bytes: Synapse counts 14 more for an empty `unsigned` and refuses it.",
        SIZE_LIMITS,
    ),
    flag(
        "auth_events_limit_divergent",
        "`auth_events` of a room version 12 event names ten: Synapse counts the create event as an eleventh and refuses it.",
        EVENT_FORMAT,
    ),
    flag(
        "signatures_unchecked",
        "No keys were given, so signatures were not checked; where a rule asks for one, it is enough that there is one.",
        SIGNATURES,
    ),
    flag(
        "partial_state",
        "The state before the event lacks members (`members_omitted`): checks 6 and 7 were not made.",
        JOINS,
    ),
    flag(
        "power_level_divergent",
        "A power level is written as Synapse reads it and the specification does not (`1_000`, digits of other scripts, true): it is no level here.",
        POWER_LEVELS,
    ),
    flag(
        "power_events_inside_full_conflicted_set_only",
        "State resolution: by the text more events would count as power events, those that lie behind an event outside of the full conflicted set. Synapse does not look there, and is followed.",
        STATE_RESOLUTION,
    ),
    flag(
        "create_room_version_differs",
        "A create event names another room version than the one it is judged by.",
        AUTH_RULES,
    ),
    flag(
        "reference_hash_mismatch",
        "A reference of room version 1 or 2 has another hash than the event that it names; Synapse does not look at it.",
        EVENT_FORMAT,
    ),
    flag(
        "authorization_scheme_case",
        "The scheme of an Authorization header is not written `X-Matrix`: HTTP ignores case, Synapse does not.",
        REQUESTS,
    ),
    flag(
        "authorization_divergent",
        "An Authorization header is written in a way that is legal and that Synapse reads otherwise or refuses: a comma in quotes, white space round `=`, several credentials in one header.",
        REQUESTS,
    ),
    flag(
        "authorization_unquoted",
        "A value in an Authorization header needs quotes for more than colons and has none: old servers write so, strict readers refuse it.",
        REQUESTS,
    ),
    flag(
        "authorization_no_destination",
        "An Authorization header does not name its destination, as before v1.3: that the request is for this server is told by the signature alone.",
        REQUESTS,
    ),
    flag(
        "several_origins_divergent",
        "The Authorization headers name several origins: refused here, judged by the last one in Synapse.",
        REQUESTS,
    ),
    flag(
        "content_number_divergent",
        "The body of a request has a number that strict canonical JSON does not have: signed as Python prints it, refused by servers built on ruma.",
        REQUESTS,
    ),
    // Requests between servers.
    request(
        "request_method_invalid",
        "refused",
        "The method of a request is none of HTTP; when signing, also one that is not in upper case.",
    ),
    request(
        "request_uri_invalid",
        "refused",
        "The target of a request is not a path as it is sent: `/` and visible ASCII; when signing, also one with a fragment.",
    ),
    request(
        "request_content_missing",
        "refused",
        "A `PUT` or `POST` has no body; it is a JSON object, at least `{}`.",
    ),
    error("request_content_unexpected", "A `GET` or `HEAD` is to be signed with a body.", REQUESTS),
    request(
        "authorization_missing",
        "refused",
        "A request has no Authorization header of the scheme X-Matrix.",
    ),
    request(
        "authorization_too_long",
        "refused",
        "The Authorization headers have more than 16384 bytes or 16 signatures.",
    ),
    request(
        "authorization_malformed",
        "refused",
        "An Authorization header breaks the grammar of HTTP where it says X-Matrix.",
    ),
    request(
        "authorization_parameter_twice",
        "refused",
        "An Authorization header has `origin`, `destination`, `key` or `sig` twice.",
    ),
    request(
        "authorization_parameter_missing",
        "refused",
        "An Authorization header lacks `origin`, `key` or `sig`.",
    ),
    request(
        "authorization_origin_invalid",
        "refused",
        "The origin in an Authorization header is not a server name.",
    ),
    request(
        "authorization_key_invalid",
        "refused",
        "The key in an Authorization header is not a key ID.",
    ),
    request(
        "authorization_several_origins",
        "refused",
        "The Authorization headers name several origins.",
    ),
    request(
        "authorization_destination_mismatch",
        "refused",
        "The destination in an Authorization header is not this server.",
    ),
    request(
        "request_key_old",
        "refused",
        "A request is signed with an old key of its server, which is good for old events only.",
    ),
    request(
        "request_key_stale",
        "incomplete",
        "A request is signed with a key that was valid when its server was last asked, and is no longer: ask again.",
    ),
    // What other servers hand over.
    error("template_type_mismatch", "A template is of another type than m.room.member.", TEMPLATES),
    error("template_sender_mismatch", "A template is for another sender than the user.", TEMPLATES),
    error(
        "template_state_key_mismatch",
        "A template is for another state key than the user.",
        TEMPLATES,
    ),
    error("template_room_id_mismatch", "A template is for another room.", TEMPLATES),
    error("template_membership_mismatch", "A template is for another membership.", TEMPLATES),
    error(
        "template_user_not_ours",
        "The user of a template is not of the server that signs.",
        TEMPLATES,
    ),
    refusal("invite_no_event", "An invite request has no event."),
    refusal("invite_no_room_version", "An invite request has no room version."),
    refusal("invite_type", "The event of an invite request is not m.room.member."),
    refusal("invite_membership", "The membership of an invite request is not invite."),
    refusal("invite_sender_not_of_origin", "The sender of an invite is not of the asking server."),
    refusal("invite_target_not_ours", "The invited user is not of our server."),
    refusal(
        "invite_room_mismatch",
        "The path of an invite request names another room than the event.",
    ),
    refusal("invite_event_id_mismatch", "The path of an invite request names another event."),
    refusal(
        "invite_state_no_create",
        "The state with an invite has no create event (room version 12).",
    ),
    refusal(
        "invite_state_other_room",
        "The state with an invite is of another room (room version 12).",
    ),
    error("join_answer_incomplete", "The answer to a join lacks a list.", JOINS),
    error(
        "join_answer_no_create",
        "The answer to a join has no create event that is proven.",
        JOINS,
    ),
    error("join_answer_other_room", "The answer to a join is of another room.", JOINS),
    error(
        "join_answer_room_version",
        "The answer to a join is of a room of another version.",
        JOINS,
    ),
    error(
        "join_answer_conflict",
        "The state in the answer to a join has two events for one type and state key.",
        JOINS,
    ),
    // Answers of other servers, as a whole.
    error(
        "answer_field_invalid",
        "A field of an answer is missing or of the wrong type.",
        FEDERATION,
    ),
    error(
        "answer_not_one_event",
        "One event was asked for, the answer has none or several.",
        EVENTS,
    ),
    error(
        "answer_room_version",
        "A template is of a room version that was not offered.",
        TEMPLATES,
    ),
    error(
        "answer_other_room",
        "An answer is about another room than the one asked about.",
        FEDERATION,
    ),
    error("answer_state_no_create", "A state has no create event that is proven.", EVENTS),
    error(
        "answer_state_other_room",
        "The create event of a state is that of another room.",
        EVENTS,
    ),
    error("answer_state_room_version", "A state is of a room of another version.", EVENTS),
    error("answer_state_conflict", "A state has two events for one type and state key.", EVENTS),
    error(
        "answer_join_not_allowed",
        "The state in the answer to a join does not allow it, or does not say so.",
        JOINS,
    ),
    error(
        "answer_members_omitted",
        "The answer to a join leaves out members, though all were asked for.",
        JOINS,
    ),
    error(
        "answer_event_changed",
        "An event that another server was to sign came back with other changes.",
        INVITES,
    ),
    error(
        "answer_countersignature",
        "A server that was to sign an event of ours did not, or wrongly.",
        INVITES,
    ),
    error(
        "answer_wrong_direction",
        "The event that an answer names is on the other side of the time asked about.",
        EVENTS,
    ),
    error(
        "answer_other_server",
        "An answer names a user of another server than the one asked.",
        FEDERATION,
    ),
    // Events in them that fall out.
    error("answer_event_other_room", "An event in an answer is of another room.", EVENTS),
    error(
        "answer_event_other_id",
        "An event in an answer has another ID than the one asked for.",
        EVENTS,
    ),
    error("answer_event_twice", "An event in an answer has the ID of one before it.", EVENTS),
    error("answer_event_beyond_limit", "An answer has more events than were asked for.", EVENTS),
    error(
        "answer_event_not_reachable",
        "No path of `prev_events` leads to an event in an answer from those asked about.",
        EVENTS,
    ),
    error(
        "answer_event_below_min_depth",
        "An event in an answer has a depth below the least one asked for.",
        EVENTS,
    ),
    error("answer_event_not_state", "An event in a state has no state key.", EVENTS),
    error(
        "answer_event_not_in_auth_chain",
        "No path of `auth_events` leads to an event in an answer from the one asked about.",
        EVENTS,
    ),
    // Other entries in them that are left out.
    error(
        "answer_entry_invalid",
        "An entry in an answer, or a field of one, is malformed.",
        FEDERATION,
    ),
    error("answer_entry_twice", "An entry in an answer stands there twice.", FEDERATION),
    error(
        "answer_entry_unasked",
        "An entry in an answer is about what was not asked for.",
        FEDERATION,
    ),
    error("answer_text_cut", "A text in an answer was cut to 4096 characters.", FEDERATION),
    // Refusals by other servers.
    error(
        "remote_unable_to_authorise_join",
        "The server cannot tell whether the user may join a restricted room; another one may.",
        JOINS,
    ),
    error(
        "remote_unable_to_grant_join",
        "The server has nobody who could let the user into a restricted room; another one may.",
        JOINS,
    ),
    error(
        "remote_incompatible_room_version",
        "The room is of a version that was not offered; the refusal names it.",
        TEMPLATES,
    ),
    error("remote_invite_blocked", "The invited user takes no invites of this kind.", INVITES),
    error("remote_rate_limited", "The server was asked too often.", ERRORS),
    error("remote_unrecognized", "The server does not know the endpoint.", ERRORS),
    error("remote_forbidden", "The server says that this is not allowed.", ERRORS),
    error("remote_not_found", "The server does not have what was asked about.", ERRORS),
    error("remote_unauthorized", "The server does not believe that the request is ours.", ERRORS),
    error("remote_refused", "The server refuses the request for another reason.", ERRORS),
    error("remote_failed", "The server failed, or what answered is none.", ERRORS),
    // Transactions.
    error("transaction_too_many_pdus", "A transaction has more than 50 events.", TRANSACTIONS),
    error("transaction_too_many_edus", "A transaction has more than 100 EDUs.", TRANSACTIONS),
    error(
        "transaction_not_a_list",
        "A transaction has `pdus` or `edus` that are no list.",
        TRANSACTIONS,
    ),
    error("transaction_too_large", "A transaction has more than 13107200 bytes.", TRANSACTIONS),
    error(
        "join_answer_event_changed",
        "The answer to a join has another join event than the one that was sent.",
        JOINS,
    ),
    error(
        "draft_room_unknown",
        "An event was to be made for a room that is not there: it has no create event.",
        PDUS,
    ),
    error(
        "given_state_missing",
        "Events of a state that is given before an event are not there.",
        RECEIPT,
    ),
    error(
        "given_state_no_create",
        "A state that is given before an event has no create event that can be used.",
        RECEIPT,
    ),
    error(
        "given_state_other_room",
        "A state that is given before an event has the create event of another room.",
        RECEIPT,
    ),
    error(
        "given_state_room_version",
        "A state that is given before an event is of a room of another version.",
        RECEIPT,
    ),
    error(
        "given_state_conflict",
        "A state that is given before an event has two events for one type and state key.",
        RECEIPT,
    ),
    error(
        "resolve_event_malformed",
        "An event for state resolution is malformed.",
        STATE_RESOLUTION,
    ),
    error(
        "resolve_event_missing",
        "An event is needed for state resolution that is not given.",
        STATE_RESOLUTION,
    ),
    error("resolve_auth_loop", "Events cite each other in a circle.", STATE_RESOLUTION),
    error(
        "resolve_wrong_place",
        "A state set has an event where it does not belong.",
        STATE_RESOLUTION,
    ),
    error(
        "resolve_two_events",
        "A state set has two events for one type and state key.",
        STATE_RESOLUTION,
    ),
    error("unknown_room_version", "The room version is not known.", ROOM_VERSIONS),
    error("server_name_invalid", "The text is not a server name.", IDENTIFIERS),
    error("key_id_invalid", "The key ID has not the form ed25519:version.", SIGNING_JSON),
    error("key_invalid", "The key is not base64 of an ed25519 public key.", KEYS),
    error("key_weak", "The key is of small order: anyone can sign for it.", KEYS),
    error("key_leaked", "The private half of the key has been published.", KEYS),
    error("key_conflict", "The key ID stands for another key already.", KEYS),
    error(
        "key_without_expiry",
        "An old key without expired_ts: nobody knows which events it may have signed.",
        KEYS,
    ),
    error("seed_invalid", "A seed has 32 bytes.", SIGNING_JSON),
    error(
        "key_file_invalid",
        "The key file is not lines of \"ed25519 version seed\".",
        SIGNING_JSON,
    ),
    error(
        "key_response_invalid",
        "A key response lacks a field, or one is of the wrong type.",
        KEYS,
    ),
    error(
        "key_response_unsigned",
        "A key response is not signed by any of its own verify_keys.",
        KEYS,
    ),
    error(
        "key_response_signature_invalid",
        "A signature of a key response by one of its verify_keys is wrong.",
        KEYS,
    ),
    error(
        "key_response_wrong_server",
        "A key response is of another server than the one asked.",
        KEYS,
    ),
    error("random_unavailable", "The platform has no source of randomness.", SIGNING_JSON),
    error(
        "input_unreadable",
        "The document is no event, list of events, transaction or room file.",
        EVENT_FORMAT,
    ),
    error("input_empty", "The document holds no event.", EVENT_FORMAT),
    error("invalid_argument", "An argument is of the wrong type.", ROOM_VERSIONS),
    error("invalid_option", "An option is not known, or of the wrong type.", ROOM_VERSIONS),
    error(
        "lossy_object",
        "A JavaScript object holds something that JSON cannot hold; pass the text instead.",
        CANONICAL_JSON,
    ),
    error(
        "not_initialised",
        "The module has not been initialised yet: await init() first.",
        ROOM_VERSIONS,
    ),
    error("key_disposed", "The signing key has been disposed of.", SIGNING_JSON),
    error(
        "wasm_trap",
        "A fault inside the module; it has been replaced, and the next call works.",
        ROOM_VERSIONS,
    ),
    // Server discovery: what stops it, and what its trace says.
    error(
        "discovery_port_unusable",
        "The server name has a port that no server can listen on.",
        DISCOVERY,
    ),
    error(
        "discovery_name_unusable",
        "The server name cannot stand in the DNS: it has empty or too long labels, or is too long.",
        DISCOVERY,
    ),
    error(
        "discovery_name_numeric",
        "The name ends in a number, and the host would read it as an IP address.",
        DISCOVERY,
    ),
    error(
        "discovery_srv_unsettled",
        "Whether there are SRV records could not be settled, which is not the same as none.",
        DISCOVERY,
    ),
    error(
        "discovery_srv_not_offered",
        "The SRV record has the target `.`: there is no federation at this name.",
        DISCOVERY,
    ),
    error(
        "discovery_srv_unusable",
        "No SRV record has a port and a target that can be connected to.",
        DISCOVERY,
    ),
    error(
        "discovery_addresses_unsettled",
        "The addresses of a name could not be looked up.",
        DISCOVERY,
    ),
    error("discovery_no_addresses", "The name has no address.", DISCOVERY),
    error(
        "discovery_timed_out",
        "The resolution of a server name took longer than 30 s.",
        DISCOVERY,
    ),
    trace("well_known_status", "The `.well-known` document is not there: the status is not 200."),
    trace("well_known_redirect_location", "A redirect has no `Location` that is a URI."),
    trace("well_known_redirect_not_https", "A redirect leads away from https."),
    trace(
        "well_known_redirect_host",
        "A redirect names a host or port that cannot be connected to, or a user.",
    ),
    trace("well_known_redirect_loop", "A redirect leads to where it was before."),
    trace("well_known_too_many_redirects", "There are more than 10 redirects."),
    trace("well_known_not_json", "The `.well-known` document is not JSON."),
    trace(
        "well_known_no_delegate",
        "The `.well-known` document has no `m.server` that is a string.",
    ),
    trace("well_known_delegate_invalid", "`m.server` is no server name."),
    trace(
        "well_known_delegate_unusable",
        "`m.server` has a port that no server can listen on, or a host that cannot stand in the DNS.",
    ),
    trace(
        "well_known_timed_out",
        "The `.well-known` document took longer than 10 s, redirects included.",
    ),
    trace(
        "well_known_cached",
        "What came of asking for the `.well-known` document is known from before.",
    ),
    trace("srv_none", "There is no SRV record of this name."),
    trace(
        "srv_unsupported",
        "The host cannot look up SRV records: the server may be elsewhere than the trace says.",
    ),
    trace("srv_deprecated", "The server is found by the deprecated `_matrix._tcp` only."),
    trace("srv_target_none", "One of several SRV records has the target `.`; it is left out."),
    trace("srv_port_zero", "An SRV record has port 0; it is left out."),
    trace(
        "srv_target_invalid",
        "An SRV record has a target that cannot stand in the DNS; it is left out.",
    ),
    trace(
        "srv_target_ip",
        "The target of an SRV record is an IP address, which RFC 2782 does not allow; it is followed.",
    ),
    trace(
        "srv_target_alias",
        "The target of an SRV record is an alias (CNAME), which RFC 2782 does not allow; it is followed.",
    ),
    trace("srv_records_capped", "There are more than 16 SRV records; so many are tried."),
    trace(
        "addresses_unsupported",
        "The host cannot look up addresses: it chooses by itself what it connects to.",
    ),
    trace(
        "address_unsupported",
        "The host cannot be told which address to connect to: it looks the name up by itself.",
    ),
    trace(
        "redirects_unsupported",
        "The host does not give redirects back: it follows them by itself.",
    ),
    trace(
        "names_unsupported",
        "The host cannot connect to one name and ask for another: servers behind SRV records are out of its reach.",
    ),
    trace(
        "host_header_with_port",
        "The host puts the port into the `Host` header, where the specification has none.",
    ),
    error("aborted", "The call was aborted.", ROOM_VERSIONS),
    error("callback_failed", "A callback of the call, such as onProgress, threw.", FEDERATION),
    error("timed_out", "The call took longer than its time limit.", FEDERATION),
    error(
        "signing_key_missing",
        "Something must be signed, and our server was given no key.",
        SIGNING_JSON,
    ),
    error(
        "server_left_alone",
        "The server did not give its keys a short while ago, and is not asked again yet.",
        KEYS,
    ),
    error("no_server_helped", "Of several servers that were asked, none helped.", FEDERATION),
    error("host_timed_out", "A host callback did not settle within its time limit.", FEDERATION),
    error(
        "host_address_forbidden",
        "The host does not connect to this address: it is private, loopback or link-local.",
        FEDERATION,
    ),
    error("host_unreachable", "No connection came about, and nothing was sent.", FEDERATION),
    error("host_connection", "The connection broke.", FEDERATION),
    error(
        "host_tls",
        "The certificate is not for the expected name, or not by a trusted authority.",
        FEDERATION,
    ),
    error("host_answer_too_large", "An answer is longer than was asked for.", FEDERATION),
    error("host_unsupported", "The host cannot do this.", FEDERATION),
    error(
        "host_failed",
        "A host callback threw, rejected, or answered with what is no answer.",
        FEDERATION,
    ),
];

/// The entry of a code.
#[must_use]
pub fn find(code: &str) -> Option<&'static Code> {
    ALL.iter().find(|entry| entry.code == code)
}
