//! How the rules say what they saw, as data and in words.

use crate::auth::decision::Why;
use crate::auth::event::{Event, Membership};
use crate::auth::power_levels::{Held, Source, Unread};
use crate::evidence::{Evidence, Quoted};
use crate::json::Value;

/// How many characters of a stranger's value are told.
const MAX_SHOWN: usize = 80;

/// `{user, membership, event_id}`; a user who never had a membership has none of the last two.
pub(super) fn standing(user: &str, member: Option<&Event>) -> Evidence {
    Evidence::object([("user", user.into())])
        .with_some("membership", member.and_then(Event::membership).map(Membership::name))
        .with_some("event_id", member.map(Event::id))
}

/// A value for a sentence: its text, cut when it is long.
pub(super) fn shown(value: Value<'_>) -> String {
    cut(&String::from_utf8_lossy(value.text()))
}

/// A value as evidence: a string as what it says, anything else as its text.
pub(super) fn seen(value: Value<'_>) -> Evidence {
    match value.as_str() {
        Some(text) => Evidence::Text(cut(&text)),
        None => Evidence::Text(shown(value)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

/// A user's membership in words that fit behind "is".
pub(super) fn is(membership: Option<Membership>) -> &'static str {
    match membership {
        Some(Membership::Join) => "joined",
        Some(Membership::Invite) => "invited",
        Some(Membership::Ban) => "banned",
        Some(Membership::Knock) => "knocking",
        Some(Membership::Leave) => "not in the room any more",
        Some(Membership::Unknown) => "of an unknown membership",
        None => "not in the room",
    }
}

/// A level and where it comes from, in words: `50 (state_default)`.
pub(super) fn level(held: Held<'_>) -> String {
    let from = match held.source {
        Source::PrivilegedCreator(_) => "a creator of the room",
        Source::Creator(_) => "the creator of a room without power levels",
        Source::Entry(_, key) => key,
        Source::Named(_, named) => named.key(),
        Source::Default(_) => "by default",
    };
    format!("{} ({from})", held.level)
}

/// `{user, level, from, event_id}`
pub(super) fn level_of(user: &str, held: Held<'_>) -> Evidence {
    match Evidence::from(held) {
        Evidence::Object(members) => {
            Evidence::Object([("user", user.into())].into_iter().chain(members).collect())
        }
        other => other,
    }
}

impl Unread<'_> {
    pub(super) fn why(self) -> Why {
        let Self { event, key, value } = self;
        Why::new(
            "power_level_unreadable",
            format!(
                "the power levels {} have {} in {}, which is no level",
                event.id(),
                value.text,
                Quoted(key)
            ),
            Evidence::object([
                ("event_id", event.id().into()),
                ("key", key.into()),
                ("value", (&*value.text).into()),
            ]),
        )
    }
}
