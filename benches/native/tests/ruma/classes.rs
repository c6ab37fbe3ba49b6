//! The differences that are known, each with the reason for it. They are the rows of
//! `docs/differences-ruma.md`.

use fedproof::json::{self, Canonical, Numbers};
use serde_json::Value;

use super::generate::Case;
use super::judges::{Answer, Question};
use super::world::*;

/// A kind of input about which the two sides differ.
pub struct Class {
    pub input: &'static str,
    pub ruma: &'static str,
    pub fedproof: &'static str,
    pub why: &'static str,
    /// Is this what the difference comes from? Asked in the order of the table.
    pub explains: fn(&Facts) -> bool,
}

/// What a class may look at.
pub struct Facts<'a> {
    question: Question,
    ours: &'a Answer,
    theirs: &'a Answer,
    version: u8,
    /// The event, read by a third reader; `Null` where that cannot.
    event: Value,
    canonical: Option<Canonical>,
}

impl<'a> Facts<'a> {
    pub fn new(case: &Case, question: Question, ours: &'a Answer, theirs: &'a Answer) -> Self {
        Self {
            question,
            ours,
            theirs,
            version: case.version.parse().unwrap(),
            event: serde_json::from_slice(&case.text).unwrap_or_default(),
            canonical: json::parse(&case.text, Numbers::Keep).ok(),
        }
    }

    /// ruma refuses what fedproof takes, or finds undecided; `why` is part of what it says.
    fn only_ruma_refuses(&self, why: &str) -> bool {
        !matches!(self.ours, Answer::Refused(_))
            && matches!(self.theirs, Answer::Refused(reason) if reason.contains(why))
    }

    /// fedproof refuses with `code` what ruma takes.
    fn only_fedproof_refuses(&self, code: &str) -> bool {
        matches!(self.theirs, Answer::Is(_)) && *self.ours == Answer::Refused(code.to_owned())
    }

    /// Both give a value, but not the same.
    fn values_differ(&self) -> bool {
        matches!((self.ours, self.theirs), (Answer::Is(_), Answer::Is(_)))
    }

    fn numbers_refused(&self) -> bool {
        ["float", "out of range", "out of the range"].iter().any(|why| self.only_ruma_refuses(why))
    }

    fn canonical_is(&self, wanted: impl Fn(&Canonical) -> bool) -> bool {
        self.canonical.as_ref().is_some_and(wanted)
    }

    fn is_member(&self) -> bool {
        self.event["type"] == "m.room.member"
    }

    fn third_party_invite(&self) -> &Value {
        &self.event["content"]["third_party_invite"]
    }

    /// The key IDs and signatures of the sender's server.
    fn signatures(&self) -> impl Iterator<Item = (&str, &str)> {
        let server = self.event["sender"].as_str().and_then(|sender| sender.split_once(':'));
        let signatures =
            server.and_then(|(_, server)| self.event["signatures"][server].as_object());
        signatures
            .into_iter()
            .flatten()
            .map(|(key_id, text)| (key_id.as_str(), text.as_str().unwrap_or_default()))
    }

    fn signed_by(&self, wanted: &[&str]) -> bool {
        self.signatures().any(|(key_id, _)| wanted.contains(&key_id))
    }

    fn size(&self) -> usize {
        self.canonical.as_ref().map_or(0, |event| event.text().len())
    }

    fn size_without_unsigned(&self) -> usize {
        let unsigned = self.canonical.as_ref().and_then(|event| event.get("unsigned"));
        self.size() - unsigned.map_or(0, |value| value.text().len() + ",\"unsigned\":".len())
    }
}

/// A signature in base64 begins so when its first half is the identity of the curve.
const SMALL_ORDER_BASE64: &str = "AQAAAAAAAAAAAAAA";

pub const CLASSES: &[Class] = &[
    Class {
        input: "`-0` as a number",
        ruma: "refuses: takes it for a float",
        fedproof: "takes it as `0`; flag `negative_zero`",
        why: "It is an integer by the grammar of JSON. Synapse and Python read `0`, and so do most others.",
        explains: |facts| {
            facts.numbers_refused() && facts.canonical_is(|event| event.notes().negative_zero)
        },
    },
    Class {
        input: "Numbers with fraction or exponent, or beyond ±(2^53 − 1), in `unsigned`",
        ruma: "refuses the event",
        fedproof: "takes it",
        why: "`unsigned` is not signed: every server on the way may write into it, and receivers throw most of it away (Synapse does so before it looks at numbers). It must not decide about the event.",
        explains: |facts| {
            facts.numbers_refused()
                && facts.canonical_is(|event| {
                    event.first_bad_number(true, Some("unsigned")).is_none()
                        && event.first_bad_number(true, None).is_some()
                })
        },
    },
    Class {
        input: "A key that stands twice on the outermost level, the first time with a number that is not allowed",
        ruma: "refuses: has looked at the first value",
        fedproof: "takes it, the last value wins; flag `duplicate_keys`",
        why: "Of equal keys only the last one counts, on every level (ruma does the same inside nested objects).",
        explains: |facts| {
            facts.numbers_refused()
                && facts.canonical_is(|event| {
                    event.notes().duplicate_keys && event.first_bad_number(true, None).is_none()
                })
        },
    },
    Class {
        input: "Hashes of an object of more than 65,535 bytes",
        ruma: "an error",
        fedproof: "the hash",
        why: "Hashing is a function of its own here; check 1 has judged the size.",
        explains: |facts| {
            matches!(facts.question, Question::ContentHash | Question::ReferenceHash)
                && facts.only_ruma_refuses("larger than maximum")
                && facts.size() > 65_535
        },
    },
    Class {
        input: "An event of exactly 65,536 bytes",
        ruma: "refuses: its limit is 65,535",
        fedproof: "takes it; flag `size_limit_divergent`",
        why: "The specification: events must not be larger than 65,536 bytes.",
        explains: |facts| {
            facts.only_ruma_refuses("larger than maximum")
                && facts.size_without_unsigned() == 65_536
        },
    },
    Class {
        input: "An event that is too large only with its `unsigned`",
        ruma: "refuses",
        fedproof: "takes it; flag `unsigned_oversized`",
        why: "As with numbers: what anybody on the way may add must not decide about the event.",
        explains: |facts| {
            facts.only_ruma_refuses("larger than maximum")
                && facts.size() > 65_535
                && facts.size_without_unsigned() <= 65_535
        },
    },
    Class {
        input: "Hashes and redaction of an object without a string `type`",
        ruma: "an error",
        fedproof: "those of an event of no known type",
        why: "These functions are defined for every object; check 1 refuses such an event.",
        explains: |facts| {
            matches!(facts.question, Question::Redacted | Question::ReferenceHash)
                && facts.only_ruma_refuses("`type`")
                && !facts.event["type"].is_string()
        },
    },
    Class {
        input: "Redaction of an event whose `content` is no object",
        ruma: "keeps the value",
        fedproof: "`{}`",
        why: "Redaction keeps what is named, and nothing is named inside a value that is no object. Check 1 refuses such an event.",
        explains: |facts| {
            matches!(facts.question, Question::Redacted | Question::ReferenceHash)
                && facts.values_differ()
                && !facts.event["content"].is_object()
        },
    },
    Class {
        input: "v11, v12: redaction of a membership event whose `third_party_invite` is no object",
        ruma: "keeps the value",
        fedproof: "drops it",
        why: "Only the key `signed` of it is kept, and there is none. Synapse drops it too. Signature and event ID differ accordingly.",
        explains: |facts| {
            let matters = facts.values_differ()
                || facts.only_ruma_refuses("signature verification failed")
                || facts.only_fedproof_refuses("signature_invalid");
            let invite = facts.event["content"].get("third_party_invite");
            matters
                && facts.version >= 11
                && facts.is_member()
                && invite.is_some_and(|invite| !invite.is_object())
        },
    },
    Class {
        input: "A content hash in URL-safe base64",
        ruma: "it matches nothing: the redacted event is used",
        fedproof: "is compared as bytes; flag `url_safe_base64`",
        why: "Synapse decodes both alphabets.",
        explains: |facts| {
            facts.question == Question::Verdict
                && facts.values_differ()
                && facts.event["hashes"]["sha256"]
                    .as_str()
                    .is_some_and(|hash| hash.contains(['-', '_']))
        },
    },
    Class {
        input: "A signature in URL-safe base64",
        ruma: "refuses",
        fedproof: "takes it; flag `url_safe_base64`",
        why: "Synapse decodes both alphabets.",
        explains: |facts| {
            facts.only_ruma_refuses("Could not parse base64-encoded signature")
                && facts.signatures().any(|(_, text)| text.contains(['-', '_']))
        },
    },
    Class {
        input: "v8 and later: `content.join_authorised_via_users_server` without a good signature of that user's server, or with something else than a user ID",
        ruma: "refuses, whatever type the event has",
        fedproof: "reports the signature with a membership event, decides nothing",
        why: "The authorization rules say when that server must have signed: for joins to rooms whose join rule is restricted (check 4 and later).",
        explains: |facts| {
            let authoriser = facts.event["content"].get("join_authorised_via_users_server");
            let says = [
                "Could not find",
                "Could not parse user ID",
                "signature verification failed",
                "join_authorised",
            ];
            facts.version >= 8
                && authoriser.is_some()
                && says.iter().any(|why| facts.only_ruma_refuses(why))
        },
    },
    Class {
        input: "A membership event without a string `membership`",
        ruma: "refuses, while it looks for third-party invites",
        fedproof: "takes it",
        why: "Contents are not judged before the authorization rules, which reject it (check 4).",
        explains: |facts| {
            facts.only_ruma_refuses("content.membership")
                && facts.is_member()
                && !facts.event["content"]["membership"].is_string()
        },
    },
    Class {
        input: "An invite whose `third_party_invite` is no object",
        ruma: "refuses",
        fedproof: "takes it, without a signature of the sender's server",
        why: "As above: the authorization rules reject it (check 4).",
        explains: |facts| {
            facts.only_ruma_refuses("content.third_party_invite")
                && facts.is_member()
                && !facts.third_party_invite().is_object()
        },
    },
    Class {
        input: "v6 to v10: `type`, `sender`, `room_id` or `state_key` of more than 255 bytes, but not more than 255 characters",
        ruma: "refuses",
        fedproof: "takes it; flag `byte_limit_divergent`",
        why: "Synapse counted characters, so such events are in rooms of these versions. From v11 on, both count bytes.",
        explains: |facts| {
            let long = |field: &&str| {
                facts.event[*field]
                    .as_str()
                    .is_some_and(|text| text.len() > 255 && text.chars().count() <= 255)
            };
            facts.version <= 10
                && facts.only_ruma_refuses("larger than maximum of 255 bytes")
                && ["type", "sender", "room_id", "state_key"].iter().any(|field| long(&field))
        },
    },
    Class {
        input: "A sender on a server with a port above 65,535",
        ruma: "refuses",
        fedproof: "takes it",
        why: "The grammar of server names allows any five digits.",
        explains: |facts| {
            let port = facts.event["sender"]
                .as_str()
                .and_then(|sender| sender.rsplit_once(':')?.1.parse::<u32>().ok());
            facts.only_ruma_refuses("Could not parse user ID")
                && port.is_some_and(|port| (65_536..=99_999).contains(&port))
        },
    },
    Class {
        input: "No key of the server that must have signed",
        ruma: "refuses",
        fedproof: "`incomplete`, with the name of the missing key",
        why: "A missing key proves nothing about the event: fetch it and ask again.",
        explains: |facts| {
            *facts.ours == Answer::Incomplete
                && (facts.only_ruma_refuses("Could not find public keys")
                    || facts.only_ruma_refuses("Could not find supported signature"))
        },
    },
    Class {
        input: "A field `event_id`",
        ruma: "takes it",
        fedproof: "refuses: `event_id_present`",
        why: "Room versions from 3 on have no such field. Synapse refuses it.",
        explains: |facts| {
            facts.only_fedproof_refuses("event_id_present") && facts.event.get("event_id").is_some()
        },
    },
    Class {
        input: "`content` or `origin_server_ts` missing",
        ruma: "takes it",
        fedproof: "refuses: `field_missing`",
        why: "The event format requires them.",
        explains: |facts| {
            facts.only_fedproof_refuses("field_missing")
                && ["content", "origin_server_ts"]
                    .iter()
                    .any(|field| facts.event.get(field).is_none())
        },
    },
    Class {
        input: "`content` no object, `origin_server_ts` no integer",
        ruma: "takes it",
        fedproof: "refuses: `field_wrong_type`",
        why: "The event format says what they are.",
        explains: |facts| {
            facts.only_fedproof_refuses("field_wrong_type")
                && (!facts.event["content"].is_object()
                    || !facts.event["origin_server_ts"].is_i64())
        },
    },
    Class {
        input: "Something that is no event ID in `prev_events` or `auth_events`",
        ruma: "takes it, except what is no string, or does not begin with `$`, in `auth_events` of v12",
        fedproof: "refuses: `reference_malformed`",
        why: "The event format says that they are event IDs.",
        explains: |facts| {
            let is_id = |value: &Value| {
                value.as_str().is_some_and(|id| id.starts_with('$') && id.len() <= 255)
            };
            let malformed = |field: &str| {
                facts.event[field].as_array().is_some_and(|list| !list.iter().all(is_id))
            };
            facts.only_fedproof_refuses("reference_malformed")
                && (malformed("prev_events") || malformed("auth_events"))
        },
    },
    Class {
        input: "v12: the create event of the room in `auth_events`",
        ruma: "refuses it as malformed",
        fedproof: "takes it",
        why: "The event is well formed; the authorization rules reject it (check 4).",
        explains: |facts| {
            facts.version == 12
                && facts.only_ruma_refuses("cannot contain the `m.room.create` event ID")
        },
    },
    Class {
        input: "A `room_id` that is none",
        ruma: "takes every string; in v12 every string that begins with `!`",
        fedproof: "refuses: `room_id_invalid`",
        why: "The event format says that it is a room ID; in v12 those are `!` and 43 characters of base64.",
        explains: |facts| {
            let room_id = facts.event["room_id"].as_str().unwrap_or_default();
            let good = match facts.version {
                12 => room_id.len() == 44,
                _ => room_id.starts_with('!') && room_id.ends_with(":one.example"),
            };
            let good = good && !room_id.contains(['\0', '+', '$']);
            facts.only_fedproof_refuses("room_id_invalid") && !good
        },
    },
    Class {
        input: "v6 to v10: an invite of a third party whose content does not fit its hash, without a good signature of the sender's server",
        ruma: "takes its redacted copy, which is an ordinary invite that nobody has signed",
        fedproof: "asks for the signature: refuses, or `incomplete` without the key",
        why: "The check is the same for an event and its redacted copy. Redaction takes `third_party_invite`, so it cannot excuse the sender's server from signing.",
        explains: |facts| {
            facts.version <= 10
                && facts.is_member()
                && facts.event["content"]["membership"] == "invite"
                && !facts.third_party_invite().is_null()
                && *facts.theirs == Answer::Is("accepted redacted".to_owned())
                && match facts.ours {
                    Answer::Refused(code) => code.starts_with("signature_"),
                    Answer::Incomplete => true,
                    Answer::Is(_) => false,
                }
        },
    },
    Class {
        input: "A `sender` that is no user ID, in a third party's invite",
        ruma: "takes it: the sender's server need not have signed",
        fedproof: "refuses: `sender_invalid`",
        why: "The event format says that it is a user ID.",
        explains: |facts| {
            facts.only_fedproof_refuses("sender_invalid")
                && facts.is_member()
                && facts.third_party_invite().is_object()
        },
    },
    Class {
        input: "Something else than an object of strings for a server in `signatures`, or a signature by an unknown key that is no string",
        ruma: "takes it, when the signature that is needed is there",
        fedproof: "refuses: `signatures_malformed`",
        why: "The event format says what `signatures` is. Synapse refuses it.",
        explains: |facts| {
            let well_formed = |server: &Value| {
                server.as_object().is_some_and(|keys| keys.values().all(Value::is_string))
            };
            let signatures = facts.event["signatures"].as_object();
            facts.only_fedproof_refuses("signatures_malformed")
                && signatures.is_some_and(|servers| !servers.values().all(well_formed))
        },
    },
    Class {
        input: "A signature whose point R is of small order",
        ruma: "takes it",
        fedproof: "refuses: `signature_invalid`; flag `ed25519_divergent`",
        why: "ruma calls dalek's `verify`; libsodium, so Synapse, refuses such points, and `verify_strict` does.",
        explains: |facts| {
            facts.only_fedproof_refuses("signature_invalid")
                && facts.signatures().any(|(_, text)| text.starts_with(SMALL_ORDER_BASE64))
        },
    },
    Class {
        input: "A signature by a key of small order",
        ruma: "takes it: it fits every event",
        fedproof: "refuses: `signature_key_refused`",
        why: "Anybody can make one.",
        explains: |facts| {
            facts.only_fedproof_refuses("signature_key_refused") && facts.signed_by(&[WEAK])
        },
    },
    Class {
        input: "A signature by a key that had expired, or was not known to be valid, when the event was made",
        ruma: "takes it: it knows keys, but not their validity",
        fedproof: "refuses: `signature_key_expired`",
        why: "From v5 on, keys count only while they are valid. (A server on ruma has to leave the key out itself.)",
        explains: |facts| {
            facts.only_fedproof_refuses("signature_key_expired")
                && (facts.signed_by(&[EXPIRED, OUTDATED])
                    || facts.event["origin_server_ts"].as_i64() > Some(TS + 1_000_000_000))
        },
    },
    Class {
        input: "A wrong signature, beside a good one, by a key that had expired or was not known to be valid",
        ruma: "refuses",
        fedproof: "takes the event: that signature is passed over",
        why: "The same, the other way round.",
        explains: |facts| {
            facts.only_ruma_refuses("signature verification failed")
                && facts.signed_by(&[EXPIRED, OUTDATED])
        },
    },
    Class {
        input: "`ed25519:policy_server` of the sender's own server, as the only signature or as a wrong one",
        ruma: "a key like others",
        fedproof: "passed over: `signature_missing` when it is the only one",
        why: "That key ID belongs to policy servers, whose signature says nothing about the sender (check 7).",
        explains: |facts| {
            facts.signed_by(&[POLICY_SERVER])
                && (facts.only_ruma_refuses("signature verification failed")
                    || facts.only_fedproof_refuses("signature_missing"))
        },
    },
    Class {
        input: "A key ID with other characters than `a-zA-Z0-9_` in its version, as the only signature or as a wrong one",
        ruma: "a key like others, if the server put it into the map",
        fedproof: "not taken from key responses, so the signature is passed over",
        why: "The grammar of key IDs.",
        explains: |facts| {
            facts.signed_by(&[BAD_KEY_ID])
                && (facts.only_ruma_refuses("signature verification failed")
                    || facts.only_fedproof_refuses("signature_key_unknown")
                    || *facts.ours == Answer::Incomplete)
        },
    },
];

pub fn document() -> String {
    let mut text = String::from(
        "# Where fedproof and ruma differ\n\n\
         ruma-signatures 0.22 and ruma-state-res 0.18, called the way its servers do: the text into a \
         `CanonicalJsonObject`, `check_pdu_format`, `verify_event`, `reference_hash`. A test \
         (`benches/native/tests/ruma`) gives 20,000 generated events of room versions 6 to 12, honest, odd and \
         tampered with, to both and compares canonical form, content hash, reference hash, redacted form and \
         verdict (checks 1 to 3). Every difference falls into one of these rows, and each row is seen; the test \
         writes this file. Rules without a version hold for all of 6 to 12; earlier versions ruma does not support.\n\n\
         | input | ruma | fedproof | why |\n|---|---|---|---|\n",
    );
    for Class { input, ruma, fedproof, why, .. } in CLASSES {
        text += &format!("| {input} | {ruma} | {fedproof} | {why} |\n");
    }
    text += "\nOnly fedproof says of both sides where they differ: the flags are in the verdict.\n";
    text += &super::auth::section();
    text
}
