//! Conversations with other servers: each method starts one, which the driver then carries out.

use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::answers::{
    alias_json, auth_chain_json, delivery_json, hierarchy_json, judged_json, key_report_json,
    knocked_json, page_json, pdu_json, profile_json, state_ids_json, state_json, version_json,
};
use super::keys::KeyRing;
use super::operation::{Operation, Outcome};
use super::values::check_server_name;
use super::{Result, Thrown, json_text, milliseconds, parse_object};
use crate::federation::client::{
    Client, FederationError, MemberRequest, Outgoing, Tried, WantedKeys,
};
use crate::federation::events::{Direction, MissingEvents};
use crate::federation::published_rooms::Filter;
use crate::federation::request::{EVENTS_ANSWER, Request, TimeLimit};
use crate::host::Host;
use crate::json::{self, Canonical, Numbers, Value};
use crate::keys::PublicKey;
use crate::receive::NeededKey;
use crate::room_version::RoomVersion;

type Started = std::result::Result<Operation, JsValue>;

/// Our server, as far as it speaks to others.
#[wasm_bindgen]
pub struct Federation {
    client: Rc<Client>,
    capabilities: JsValue,
}

impl Federation {
    /// Starts a conversation.
    fn start<F, T>(&self, conversation: impl FnOnce(Rc<Client>, Host) -> F) -> Operation
    where
        F: Future<Output = std::result::Result<T, FederationError>> + 'static,
        T: Into<Outcome>,
    {
        let client = Rc::clone(&self.client);
        Operation::start(&self.capabilities, move |host| {
            let conversation = conversation(client, host);
            async move { Ok(conversation.await?.into()) }
        })
    }
}

#[wasm_bindgen]
impl KeyRing {
    /// Our server, which finds the keys of others in this ring and puts them there. `capabilities` are
    /// those of the host. Requests are signed by the key `key_id`, if there is one.
    pub fn federation(
        &self,
        server_name: &str,
        key_id: Option<String>,
        notaries: Vec<String>,
        capabilities: JsValue,
    ) -> std::result::Result<Federation, JsValue> {
        check_server_name(server_name)?;
        for notary in &notaries {
            check_server_name(notary)?;
        }
        let ring = Rc::clone(&self.ring);
        let client = Rc::new(Client::new(server_name, key_id.as_deref(), ring, notaries));
        Ok(Federation { client, capabilities })
    }
}

#[wasm_bindgen]
impl Federation {
    /// Finds a server; ends with the resolution.
    pub fn resolve(&self, server: String) -> Operation {
        self.start(async move |client, host| Ok(json_text(&client.resolve(&host, &server).await?)))
    }

    /// Fetches keys. `wanted` is a JSON object: for each server an array of `[key_id, valid_until]`, or an
    /// empty one for all its keys.
    pub fn fetch_keys(&self, wanted: &[u8]) -> Started {
        let wanted = read_wanted(wanted)?;
        Ok(self.start(async move |client, host| {
            Ok(key_report_json(&client.fetch_keys(&host, wanted).await?))
        }))
    }

    /// Makes any request; ends with `{status, headers}` and the body.
    pub fn request(
        &self,
        server: String,
        method: &str,
        target: String,
        content: Option<Vec<u8>>,
        signed: bool,
    ) -> Started {
        let methods = ["GET", "POST", "PUT", "DELETE"];
        let method = methods.into_iter().find(|known| *known == method);
        let method = method.ok_or_else(|| invalid("the method is GET, POST, PUT or DELETE"))?;
        let content = content.map(|content| parse_object(&content)).transpose()?;
        let content = content.map(Canonical::into_text);
        let (max_bytes, time) = (EVENTS_ANSWER, TimeLimit::Long);
        let request = Request { method, target, content, signed, max_bytes, time };
        Ok(self.start(async move |client, host| {
            let answer = client.exchange(&host, &server, request).await?;
            let head = format!(
                "{{\"status\":{},\"headers\":{}}}",
                answer.status,
                json_text(&answer.headers)
            );
            Ok(Outcome { json: head, attachment: Some(answer.body) })
        }))
    }

    /// Asks what software a server runs.
    pub fn version(&self, server: String) -> Operation {
        self.start(async move |client, host| {
            Ok(version_json(&client.version(&host, &server).await?))
        })
    }

    /// Fetches one event.
    pub fn event(
        &self,
        server: String,
        event_id: String,
        room_id: Option<String>,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let room_id = room_id.as_deref();
            let (pdu, keys) = client.event(&host, &server, &event_id, room_id, version).await?;
            Ok(format!("{{{},\"keys\":{}}}", pdu_json(&pdu), key_report_json(&keys)))
        }))
    }

    /// Fetches the state before an event.
    pub fn state(
        &self,
        server: String,
        room_id: String,
        event_id: String,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let (state, keys) = client.state(&host, &server, &room_id, &event_id, version).await?;
            Ok(format!("{{{},\"keys\":{}}}", state_json(&state), key_report_json(&keys)))
        }))
    }

    /// Fetches the IDs of the state before an event.
    pub fn state_ids(
        &self,
        server: String,
        room_id: String,
        event_id: String,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let ids = client.state_ids(&host, &server, &room_id, &event_id, version).await?;
            Ok(state_ids_json(&ids))
        }))
    }

    /// Fetches the auth chain of an event.
    pub fn event_auth(
        &self,
        server: String,
        room_id: String,
        event_id: String,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let (chain, keys) =
                client.event_auth(&host, &server, &room_id, &event_id, version).await?;
            Ok(format!("{{{},\"keys\":{}}}", auth_chain_json(&chain), key_report_json(&keys)))
        }))
    }

    /// Fetches events at and before others.
    pub fn backfill(
        &self,
        server: String,
        room_id: String,
        from: Vec<String>,
        limit: u32,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let from: Vec<&str> = from.iter().map(String::as_str).collect();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let (judged, keys) =
                client.backfill(&host, &server, &room_id, &from, limit, version).await?;
            Ok(format!("{{{},\"keys\":{}}}", judged_json(&judged), key_report_json(&keys)))
        }))
    }

    /// Fetches events between some that are known and later ones. `latest` is a JSON array of
    /// `[event_id, [prev_event_id, …]]`.
    #[allow(clippy::too_many_arguments, reason = "a struct would be an object built key by key")]
    pub fn missing_events(
        &self,
        server: String,
        room_id: String,
        earliest: Vec<String>,
        latest: &[u8],
        limit: u32,
        min_depth: f64,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        let latest = read_latest(latest)?;
        Ok(self.start(async move |client, host| {
            let earliest: Vec<&str> = earliest.iter().map(String::as_str).collect();
            let previous: Vec<Vec<&str>> = latest
                .iter()
                .map(|(_, previous)| previous.iter().map(String::as_str).collect())
                .collect();
            let latest: Vec<(&str, &[&str])> = latest
                .iter()
                .zip(&previous)
                .map(|((id, _), previous)| (id.as_str(), previous.as_slice()))
                .collect();
            let asked = MissingEvents {
                room_id: &room_id,
                earliest_events: &earliest,
                latest_events: &latest,
                limit: usize::try_from(limit).unwrap_or(usize::MAX),
                min_depth: milliseconds(min_depth),
            };
            let (judged, keys) = client.missing_events(&host, &server, &asked, version).await?;
            Ok(format!("{{{},\"keys\":{}}}", judged_json(&judged), key_report_json(&keys)))
        }))
    }

    /// Fetches the event next to a time, in milliseconds.
    pub fn timestamp_to_event(
        &self,
        server: String,
        room_id: String,
        ts: f64,
        forwards: bool,
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        Ok(self.start(async move |client, host| {
            let direction = if forwards { Direction::Forwards } else { Direction::Backwards };
            let ts = milliseconds(ts);
            let (hint, pdu, keys) =
                client.timestamp_to_event(&host, &server, &room_id, ts, direction, version).await?;
            Ok(format!(
                "{{\"event_id\":{},\"origin_server_ts\":{},{},\"keys\":{}}}",
                json_text(&hint.event_id),
                hint.origin_server_ts,
                pdu_json(&pdu),
                key_report_json(&keys)
            ))
        }))
    }

    /// Joins a room; ends with what is known of the join, and the answer, which is not verified yet.
    pub fn join(
        &self,
        room_id: String,
        user_id: String,
        via: Vec<String>,
        content: Option<Vec<u8>>,
        omit_members: bool,
    ) -> Started {
        let content = content.map(|content| parse_object(&content)).transpose()?;
        Ok(self.start(async move |client, host| {
            let wanted = MemberRequest {
                room_id: &room_id,
                user_id: &user_id,
                via: &via,
                content: content.as_ref(),
            };
            let Tried { server, done, failures } =
                client.join(&host, &wanted, omit_members).await?;
            let json = format!(
                "{{\"server\":{},\"room_version\":{},\"event_id\":{},\"event\":{},\"keys\":{},\"failures\":{}}}",
                json_text(&server),
                json_text(&done.version.id),
                json_text(&done.event_id),
                json_text(&done.event.as_str()),
                key_report_json(&done.keys),
                failures_json(&failures),
            );
            Ok(Outcome { json, attachment: Some(done.answer) })
        }))
    }

    /// Knocks on a room.
    pub fn knock(
        &self,
        room_id: String,
        user_id: String,
        via: Vec<String>,
        content: Option<Vec<u8>>,
    ) -> Started {
        let content = content.map(|content| parse_object(&content)).transpose()?;
        Ok(self.start(async move |client, host| {
            let content = content.as_ref();
            let wanted =
                MemberRequest { room_id: &room_id, user_id: &user_id, via: &via, content };
            let Tried { server, done, failures } = client.knock(&host, &wanted).await?;
            let (knocked, keys) = &done.answer;
            Ok(format!(
                "{{\"server\":{},\"room_version\":{},\"event_id\":{},\"event\":{},{},\"keys\":{},\"failures\":{}}}",
                json_text(&server),
                json_text(&done.version.id),
                json_text(&done.event_id),
                json_text(&done.event.as_str()),
                knocked_json(knocked),
                key_report_json(keys),
                failures_json(&failures),
            ))
        }))
    }

    /// Leaves a room.
    pub fn leave(
        &self,
        room_id: String,
        user_id: String,
        via: Vec<String>,
        content: Option<Vec<u8>>,
    ) -> Started {
        let content = content.map(|content| parse_object(&content)).transpose()?;
        Ok(self.start(async move |client, host| {
            let content = content.as_ref();
            let wanted =
                MemberRequest { room_id: &room_id, user_id: &user_id, via: &via, content };
            let Tried { server, done, failures } = client.leave(&host, &wanted).await?;
            Ok(format!(
                "{{\"server\":{},\"room_version\":{},\"event_id\":{},\"event\":{},\"failures\":{}}}",
                json_text(&server),
                json_text(&done.version.id),
                json_text(&done.event_id),
                json_text(&done.event.as_str()),
                failures_json(&failures),
            ))
        }))
    }

    /// Signs an invite, and has the server of the invited user sign it. `room_state` is a JSON array of
    /// events.
    pub fn invite(
        &self,
        event: &[u8],
        room_id: String,
        room_state: &[u8],
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        let event = parse_object(event)?;
        let room_state = read_objects(room_state)?;
        Ok(self.start(async move |client, host| {
            let invited = client.invite(&host, &event, &room_id, &room_state, version).await?;
            Ok(format!(
                "{{\"server\":{},\"event_id\":{},\"event\":{},\"keys\":{}}}",
                json_text(&invited.server),
                json_text(&invited.event_id),
                json_text(&invited.event.as_str()),
                key_report_json(&invited.keys),
            ))
        }))
    }

    /// Has the invite made that a third party's invitation leads to.
    pub fn exchange_third_party_invite(
        &self,
        server: String,
        room_id: String,
        event: &[u8],
    ) -> Started {
        let event = parse_object(event)?;
        Ok(self.start(async move |client, host| {
            client.exchange_third_party_invite(&host, &server, &room_id, &event).await?;
            Ok("{}".to_owned())
        }))
    }

    /// Sends events and ephemeral data, each a JSON array; `ids` are the IDs of the events.
    pub fn send(
        &self,
        server: String,
        ids: Vec<String>,
        pdus: &[u8],
        edus: &[u8],
        attempts: u32,
    ) -> Started {
        let pdus: Vec<_> = ids.into_iter().zip(read_objects(pdus)?).collect();
        let edus = read_objects(edus)?;
        Ok(self.start(async move |client, host| {
            let outgoing = Outgoing { pdus: &pdus, edus: &edus, attempts };
            Ok(delivery_json(&client.send(&host, &server, &outgoing).await?))
        }))
    }

    /// Asks a policy server for its signature; ends with the event.
    pub fn policy_sign(
        &self,
        server: String,
        public_key: &str,
        event: &[u8],
        room_version: &str,
    ) -> Started {
        let version = version(room_version)?;
        let key = PublicKey::from_base64(public_key)
            .map_err(|refusal| Thrown::new(refusal.code(), refusal))?;
        let event = parse_object(event)?;
        Ok(self.start(async move |client, host| {
            let signed = client.policy_sign(&host, &server, &key, &event, version).await?;
            Ok(json_text(&signed.as_str()))
        }))
    }

    /// Fetches a page of published rooms. `filter` is an object that the TypeScript face has made.
    pub fn public_rooms(&self, server: String, filter: &JsValue) -> Operation {
        let get = |name: &str| Reflect::get(filter, &name.into()).unwrap_or_default();
        let (since, search) = (get("since").as_string(), get("search").as_string());
        let instance = get("third_party_instance_id").as_string();
        let all = get("include_all_networks").is_truthy();
        let limit = get("limit").as_f64().and_then(|limit| u32::try_from(milliseconds(limit)).ok());
        self.start(async move |client, host| {
            let filter = Filter {
                limit,
                since: since.as_deref(),
                search: search.as_deref(),
                include_all_networks: all,
                third_party_instance_id: instance.as_deref(),
            };
            Ok(page_json(&client.public_rooms(&host, &server, &filter).await?))
        })
    }

    /// Fetches a space.
    pub fn hierarchy(&self, server: String, room_id: String, suggested_only: bool) -> Operation {
        self.start(async move |client, host| {
            let space = client.hierarchy(&host, &server, &room_id, suggested_only).await?;
            Ok(hierarchy_json(&space))
        })
    }

    /// Finds the room of an alias.
    pub fn query_directory(&self, room_alias: String) -> Operation {
        self.start(async move |client, host| {
            Ok(alias_json(&client.query_directory(&host, &room_alias).await?))
        })
    }

    /// Fetches a profile.
    pub fn query_profile(&self, user_id: String, field: Option<String>) -> Operation {
        self.start(async move |client, host| {
            Ok(profile_json(&client.query_profile(&host, &user_id, field.as_deref()).await?))
        })
    }

    /// Asks whose token it is; ends with the user ID.
    pub fn openid_userinfo(&self, server: String, access_token: String) -> Operation {
        self.start(async move |client, host| {
            Ok(json_text(&client.openid_userinfo(&host, &server, &access_token).await?))
        })
    }
}

fn version(id: &str) -> Result<&'static RoomVersion> {
    Ok(RoomVersion::get(id)?)
}

fn invalid(message: &str) -> Thrown {
    Thrown::new("invalid_argument", message)
}

/// A JSON array of objects.
fn read_objects(list: &[u8]) -> Result<Vec<Canonical>> {
    let document = json::parse(list, Numbers::Keep)?;
    let items = document.value().as_array().into_iter().flatten();
    items.map(|item| parse_object(item.text())).collect()
}

fn read_wanted(wanted: &[u8]) -> Result<WantedKeys> {
    let document = json::parse(wanted, Numbers::Keep)?;
    let mut servers = BTreeMap::new();
    for member in document.value().as_object().into_iter().flatten() {
        let server = member.key().into_owned();
        check_server_name(&server)?;
        let keys = member.value.as_array().into_iter().flatten().filter_map(|key| {
            let mut parts = key.as_array()?;
            Some(NeededKey {
                server: server.clone(),
                key_id: parts.next()?.as_str()?.into_owned(),
                minimum_valid_until_ts: parts.next().and_then(Value::as_i64),
            })
        });
        let keys = keys.collect();
        servers.insert(server, keys);
    }
    Ok(servers)
}

fn read_latest(latest: &[u8]) -> Result<Vec<(String, Vec<String>)>> {
    let document = json::parse(latest, Numbers::Keep)?;
    let read = |entry: Value<'_>| {
        let mut parts = entry.as_array()?;
        let id = parts.next()?.as_str()?.into_owned();
        let text = |id: Value<'_>| id.as_str().map(Into::into);
        let previous: Option<Vec<String>> = parts.next()?.as_array()?.map(text).collect();
        Some((id, previous?))
    };
    let read = document.value().as_array().map(|list| list.map(read).collect::<Option<_>>());
    read.flatten().ok_or_else(|| invalid("latest events are [event_id, [prev_event_id, …]]"))
}

fn failures_json(failures: &[(String, Box<FederationError>)]) -> String {
    let failures: Vec<_> = failures.iter().map(|(server, error)| error.told(server)).collect();
    json_text(&failures)
}

impl From<FederationError> for Thrown {
    fn from(error: FederationError) -> Self {
        Self::new(error.code(), &error).with("evidence", error.evidence())
    }
}
