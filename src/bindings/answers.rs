//! What other servers answered, as JSON.

use super::json_text;
use crate::evidence::Evidence;
use crate::federation::client::{Delivery, KeyReport};
use crate::federation::events::{AuthChain, StateIds};
use crate::federation::knocking::Knocked;
use crate::federation::published_rooms::{Page, RoomSummary};
use crate::federation::queries::{AliasTarget, Profile};
use crate::federation::server_version::ServerVersion;
use crate::federation::spaces::Hierarchy;
use crate::federation::{FallenPdu, Gaps, Judged, LeftOut, ProvenPdu, ProvenState};

fn list<T>(items: &[T], json: impl Fn(&T) -> String) -> String {
    format!("[{}]", items.iter().map(json).collect::<Vec<_>>().join(","))
}

/// The members of an object for a proven event.
pub(super) fn pdu_json(pdu: &ProvenPdu) -> String {
    let (text, verdict) = (json_text(&pdu.event.as_str()), json_text(&pdu.verdict));
    format!("\"pdu\":{text},\"verdict\":{verdict}")
}

fn pdus_json(pdus: &[ProvenPdu]) -> String {
    list(pdus, |pdu| format!("{{{}}}", pdu_json(pdu)))
}

fn fallen_json(fallen: &[FallenPdu]) -> String {
    list(fallen, |pdu| {
        let (code, reason) = (json_text(&pdu.code()), json_text(&pdu.to_string()));
        let verdict = json_text(&pdu.verdict);
        format!("{{\"code\":{code},\"reason\":{reason},\"verdict\":{verdict}}}")
    })
}

/// The members of an object for a list of events.
pub(super) fn judged_json(judged: &Judged) -> String {
    let (events, fallen) = (pdus_json(&judged.proven), fallen_json(&judged.fallen));
    format!("\"events\":{events},\"dropped\":{fallen},\"fragments\":{}", judged.fragments)
}

fn gaps_json(gaps: &Gaps) -> String {
    let (missing, in_circle) = (json_text(&gaps.missing), json_text(&gaps.in_circle));
    format!("\"missing\":{missing},\"in_circle\":{in_circle}")
}

/// The members of an object for a state.
pub(super) fn state_json(state: &ProvenState) -> String {
    format!(
        "\"state\":{},\"auth_chain\":{},\"dropped\":{},\"fragments\":{},{}",
        pdus_json(&state.state),
        pdus_json(&state.auth_chain),
        fallen_json(&state.fallen),
        state.fragments,
        gaps_json(&state.gaps),
    )
}

/// The members of an object for an auth chain.
pub(super) fn auth_chain_json(chain: &AuthChain) -> String {
    format!(
        "\"auth_chain\":{},\"dropped\":{},\"is_whole\":{},{}",
        pdus_json(&chain.events.proven),
        fallen_json(&chain.events.fallen),
        chain.is_whole(),
        gaps_json(&chain.gaps),
    )
}

fn left_out(entries: &[LeftOut]) -> Evidence {
    let entry = |entry: &LeftOut| {
        Evidence::object([
            ("place", entry.place.as_str().into()),
            ("code", entry.code.into()),
            ("expected", entry.expected.into()),
        ])
    };
    entries.iter().map(entry).collect()
}

fn texts(list: &[String]) -> Evidence {
    list.iter().map(Evidence::from).collect()
}

pub(super) fn state_ids_json(ids: &StateIds) -> String {
    json_text(&Evidence::object([
        ("pdu_ids", texts(&ids.pdu_ids)),
        ("auth_chain_ids", texts(&ids.auth_chain_ids)),
        ("left_out", left_out(&ids.left_out)),
    ]))
}

pub(super) fn key_report_json(report: &KeyReport) -> String {
    let fetched = list(&report.fetched, |fetched| {
        let mut told = super::keys::report(&fetched.response, &fetched.refused);
        if let Some((notary, failure)) = &fetched.notary {
            told = told.with("notary", notary).with("notary_signed", failure.is_none());
        }
        let document = String::from_utf8_lossy(&fetched.document);
        json_text(&told.with("document", &*document))
    });
    let failed: Evidence = report
        .failed
        .iter()
        .map(|failure| {
            Evidence::object([("server_name", failure.server_name.as_str().into())])
                .with_some("notary", failure.notary.clone())
                .with("code", failure.code)
                .with("reason", failure.reason.as_str())
        })
        .collect();
    format!("{{\"fetched\":{fetched},\"failed\":{}}}", json_text(&failed))
}

/// The members of an object for what a knock brought.
pub(super) fn knocked_json(knocked: &Knocked) -> String {
    let state = list(&knocked.room_state, |stripped| {
        format!("{{\"event\":{},\"proven\":{}}}", stripped.event.as_str(), stripped.proven)
    });
    let (dropped, left_out) =
        (fallen_json(&knocked.fallen), json_text(&left_out(&knocked.left_out)));
    format!("\"room_state\":{state},\"dropped\":{dropped},\"left_out\":{left_out}")
}

pub(super) fn delivery_json(delivery: &Delivery) -> String {
    let transactions: Evidence = delivery
        .transactions
        .iter()
        .map(|sent| {
            let errors = sent.pdus.iter().map(|(id, error)| {
                Evidence::object([("event_id", id.into())]).with_some("error", error.clone())
            });
            Evidence::object([
                ("pdus", errors.collect()),
                ("not_mentioned", texts(&sent.not_mentioned)),
                ("left_out", left_out(&sent.left_out)),
            ])
        })
        .collect();
    let told = Evidence::object([
        ("transactions", transactions),
        ("pdus", delivery.pdus.into()),
        ("edus", delivery.edus.into()),
        ("retries", i64::from(delivery.retries).into()),
    ]);
    json_text(&told.with_some("failure", delivery.failure.as_ref().map(|error| error.told(""))))
}

pub(super) fn version_json(version: &ServerVersion) -> String {
    let told = Evidence::object([])
        .with_some("name", version.name.clone())
        .with_some("version", version.version.clone());
    json_text(&told.with("left_out", left_out(&version.left_out)))
}

fn summary(room: &RoomSummary) -> Evidence {
    let members = i64::try_from(room.num_joined_members).unwrap_or(i64::MAX);
    Evidence::object([
        ("room_id", room.room_id.as_str().into()),
        ("num_joined_members", members.into()),
        ("world_readable", room.world_readable.into()),
        ("guest_can_join", room.guest_can_join.into()),
    ])
    .with_some("name", room.name.clone())
    .with_some("topic", room.topic.clone())
    .with_some("canonical_alias", room.canonical_alias.clone())
    .with_some("avatar_url", room.avatar_url.clone())
    .with_some("join_rule", room.join_rule.clone())
    .with_some("room_type", room.room_type.clone())
}

pub(super) fn page_json(page: &Page) -> String {
    let count = page.total_room_count_estimate.and_then(|count| i64::try_from(count).ok());
    let told = Evidence::object([("rooms", page.rooms.iter().map(summary).collect())])
        .with_some("next_batch", page.next_batch.clone())
        .with_some("prev_batch", page.prev_batch.clone())
        .with_some("total_room_count_estimate", count);
    json_text(&told.with("left_out", left_out(&page.left_out)))
}

pub(super) fn hierarchy_json(space: &Hierarchy) -> String {
    let links = space.links.iter().map(|link| {
        Evidence::object([
            ("room_id", link.room_id.as_str().into()),
            ("via", texts(&link.via)),
            ("suggested", link.suggested.into()),
            ("sender", link.sender.as_str().into()),
            ("origin_server_ts", link.origin_server_ts.into()),
        ])
        .with_some("order", link.order.clone())
    });
    json_text(&Evidence::object([
        ("room", summary(&space.room)),
        ("links", links.collect()),
        ("children", space.children.iter().map(summary).collect()),
        ("inaccessible_children", texts(&space.inaccessible_children)),
        ("left_out", left_out(&space.left_out)),
    ]))
}

pub(super) fn alias_json(target: &AliasTarget) -> String {
    json_text(&Evidence::object([
        ("room_id", target.room_id.as_str().into()),
        ("servers", texts(&target.servers)),
        ("left_out", left_out(&target.left_out)),
    ]))
}

pub(super) fn profile_json(profile: &Profile) -> String {
    let fields = list(&profile.fields, |(name, value)| {
        format!("[{},{}]", json_text(name), json_text(&value.as_str()))
    });
    let told = Evidence::object([])
        .with_some("displayname", profile.displayname.clone())
        .with_some("avatar_url", profile.avatar_url.clone())
        .with("left_out", left_out(&profile.left_out));
    format!("{{\"profile\":{},\"fields\":{fields}}}", json_text(&told))
}
