//! Server ACLs.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{json_text, parse_object};
use crate::acl::{self, EduRooms, Protection};
use crate::evidence::Evidence;

/// The ACL of a room, compiled once.
#[wasm_bindgen]
pub struct ServerAcl {
    acl: acl::ServerAcl,
}

#[wasm_bindgen]
impl ServerAcl {
    /// From an `m.room.server_acl` event, or its content; without one, the room has no ACL.
    #[wasm_bindgen(constructor)]
    pub fn new(event: Option<Vec<u8>>) -> Result<Self, JsValue> {
        let acl = match event {
            None => acl::ServerAcl::none(),
            Some(event) => acl::ServerAcl::from_event(&parse_object(&event)?),
        };
        Ok(Self { acl })
    }

    /// May a server take part in the room?
    #[must_use]
    pub fn is_allowed(&self, server_name: &str) -> bool {
        self.acl.check(server_name).allowed()
    }

    /// May a server take part in the room, and why? As JSON.
    #[must_use]
    pub fn check(&self, server_name: &str) -> String {
        let decision = self.acl.check(server_name);
        json_text(
            &Evidence::object([
                ("allowed", decision.allowed().into()),
                ("code", decision.code().into()),
                ("reason", decision.reason().into()),
                ("evidence", decision.evidence()),
            ])
            .with_some("step", decision.step().map(i64::from)),
        )
    }

    /// What of the event is not as it should be: `{ignored?, skipped}` as JSON.
    #[must_use]
    pub fn describe(&self) -> String {
        let skipped = Evidence::object([("skipped", self.acl.skipped().into())]);
        json_text(&skipped.with_some("ignored", self.acl.ignored()))
    }
}

/// Which endpoint that ACLs protect a request path is, as JSON; `null` for others.
#[wasm_bindgen]
#[must_use]
pub fn protected_endpoint(path: &str) -> String {
    let Some(endpoint) = acl::protected_endpoint(path) else {
        return "null".to_owned();
    };
    let described =
        Evidence::object([("name", endpoint.name.into()), ("version", endpoint.version.into())]);
    json_text(&match endpoint.protection {
        Protection::Room { room_id } => {
            described.with("protection", "room").with_some("room_id", room_id)
        }
        Protection::PerEvent => described.with("protection", "per_event"),
        Protection::Optional => described.with("protection", "optional"),
    })
}

/// Which rooms' ACLs an EDU is subject to, as JSON.
#[wasm_bindgen]
pub fn edu_rooms(edu: &[u8]) -> Result<String, JsValue> {
    let edu = parse_object(edu)?;
    let described = match acl::edu_rooms(edu.value()) {
        EduRooms::Unprotected => Evidence::object([("protection", "none".into())]),
        EduRooms::Whole { room_id } => {
            Evidence::object([("protection", "whole".into())]).with_some("room_id", room_id)
        }
        EduRooms::ByRoom { rooms } => Evidence::object([
            ("protection", "by_room".into()),
            ("rooms", rooms.into_iter().map(Evidence::from).collect()),
        ]),
    };
    Ok(json_text(&described))
}
