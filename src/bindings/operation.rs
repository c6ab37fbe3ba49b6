//! Conversations as JavaScript drives them.
//!
//! No promise enters the module. [`Operation::poll`] tells what is asked for, as JSON; the driver
//! performs it and delivers each answer by the id of its question. Bodies cross as bytes.
//! Freeing the object cancels the conversation.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::task::Poll;

use js_sys::Reflect;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::{Result, Thrown, json_text, text};
use crate::evidence::{Evidence, Quoted};
use crate::host::{
    self, Addresses, Answer, Capabilities, Effect, EffectId, Host, HostError, HostErrorKind,
    HttpsAnswer, HttpsRequest, Notice, Redirects, SrvRecord,
};
use crate::json::{self, Canonical, MAX_SAFE_INTEGER, Numbers, Value};

/// A conversation that is under way.
#[wasm_bindgen]
pub struct Operation {
    operation: host::Operation<Result<Outcome>>,
    /// Of requests that were told and not yet performed, and messages to sign.
    bodies: HashMap<EffectId, Vec<u8>>,
    end: Option<Result<Outcome>>,
    attachment: Option<Vec<u8>>,
}

/// What a conversation ends with.
pub(super) struct Outcome {
    /// The result as JSON.
    pub json: String,
    /// What goes with it as it came: an answer that is too long to be copied into the result.
    pub attachment: Option<Vec<u8>>,
}

impl From<String> for Outcome {
    fn from(json: String) -> Self {
        Self { json, attachment: None }
    }
}

impl Operation {
    /// A conversation whose result is JSON text. Nothing happens before it is polled.
    ///
    /// `capabilities` is an object that the TypeScript face has made, of a boolean for each member
    /// of [`Capabilities`].
    pub(super) fn start<F>(capabilities: &JsValue, conversation: impl FnOnce(Host) -> F) -> Self
    where
        F: Future<Output = Result<Outcome>> + 'static,
    {
        let operation = host::Operation::new(read_capabilities(capabilities), conversation);
        Self { operation, bodies: HashMap::new(), end: None, attachment: None }
    }

    fn answer(&mut self, id: EffectId, answer: Answer) {
        self.operation.answer(id, Ok(answer));
    }
}

#[wasm_bindgen]
impl Operation {
    /// Runs as far as it comes. Gives JSON: `{ended, effects, dropped, notices}`; each effect with
    /// its `id` and `kind`, dropped ones by id.
    pub fn poll(&mut self) -> String {
        if let Poll::Ready(end) = self.operation.poll() {
            self.end = Some(end);
        }
        let effects = self.operation.take_effects();
        let effects: Evidence = effects
            .into_iter()
            .map(|(id, effect)| {
                let mut effect = effect;
                let body = match &mut effect {
                    Effect::Https(request) => request.body.take(),
                    Effect::Sign { message } => Some(std::mem::take(message)),
                    _ => None,
                };
                self.bodies.extend(body.map(|body| (id, body)));
                told(effect).with("id", i64::from(id))
            })
            .collect();
        let dropped = self.operation.take_dropped();
        for id in &dropped {
            self.bodies.remove(id);
        }
        json_text(&Evidence::object([
            ("ended", self.end.is_some().into()),
            ("effects", effects),
            ("dropped", dropped.into_iter().map(|id| i64::from(id).into()).collect()),
            ("notices", self.operation.take_notices().into_iter().map(noticed).collect()),
        ]))
    }

    /// The body of a request that was told, or the message to sign, once.
    pub fn take_body(&mut self, id: u32) -> Option<Vec<u8>> {
        self.bodies.remove(&id)
    }

    /// The result, once, after `poll` has told of the end.
    pub fn take_result(&mut self) -> std::result::Result<String, JsValue> {
        let unended = || Err(invalid("the operation has not ended, or its result was taken"));
        let Outcome { json, attachment } = self.end.take().unwrap_or_else(unended)?;
        self.attachment = attachment;
        Ok(json)
    }

    /// What goes with the result, once, after that was taken.
    pub fn take_attachment(&mut self) -> Option<Vec<u8>> {
        self.attachment.take()
    }

    /// Answers `srv`: a JSON array of `[priority, weight, port, target]`.
    pub fn answer_srv(&mut self, id: u32, records: &[u8]) -> std::result::Result<(), JsValue> {
        let records = read_list(records, read_record).ok_or_else(|| {
            invalid("SRV records have a priority, a weight and a port of 16 bits, and a target")
        })?;
        self.answer(id, Answer::Srv(records));
        Ok(())
    }

    /// Answers `addresses`: a JSON array of IP addresses, and the name behind an alias.
    pub fn answer_addresses(
        &mut self,
        id: u32,
        addresses: &[u8],
        canonical_name: Option<String>,
    ) -> std::result::Result<(), JsValue> {
        let document = json::parse(addresses, Numbers::Keep).map_err(Thrown::from)?;
        let addresses = document.value().as_array().into_iter().flatten().map(read_address);
        let addresses = addresses.collect::<Result<Vec<_>>>()?;
        self.answer(id, Answer::Addresses(Addresses { addresses, canonical_name }));
        Ok(())
    }

    /// Answers `https`. The headers are a JSON array of `[name, value]`.
    pub fn answer_https(
        &mut self,
        id: u32,
        status: f64,
        headers: &[u8],
        body: Vec<u8>,
    ) -> std::result::Result<(), JsValue> {
        let status = (100..=599).find(|known| f64::from(*known) == status);
        let status = status.ok_or_else(|| invalid("a status is a number from 100 to 599"))?;
        let headers = read_list(headers, |header| {
            let [name, value] = read_items(header)?;
            Some((name.as_str()?.to_ascii_lowercase(), value.as_str()?.into_owned()))
        });
        let headers = headers.ok_or_else(|| invalid("headers are pairs of text"))?;
        self.answer(id, Answer::Https(HttpsAnswer { status, headers, body }));
        Ok(())
    }

    /// Answers `now`, in milliseconds since 1970.
    pub fn answer_now(&mut self, id: u32, ms: f64) -> std::result::Result<(), JsValue> {
        if ms.fract() != 0.0 || !(0.0..=MAX_SAFE).contains(&ms) {
            return Err(invalid("a time is a whole number of milliseconds since 1970").into());
        }
        self.answer(id, Answer::Now(super::milliseconds(ms)));
        Ok(())
    }

    /// Answers `random`.
    pub fn answer_random(&mut self, id: u32, bytes: Vec<u8>) {
        self.answer(id, Answer::Random(bytes));
    }

    /// Answers `sign`.
    pub fn answer_signature(
        &mut self,
        id: u32,
        signature: &[u8],
    ) -> std::result::Result<(), JsValue> {
        let signature = signature.try_into().map_err(|_| invalid("a signature has 64 bytes"))?;
        self.answer(id, Answer::Signature(signature));
        Ok(())
    }

    /// Answers `wait`.
    pub fn answer_waited(&mut self, id: u32) {
        self.answer(id, Answer::Waited);
    }

    /// Tells that there is no answer. A code that is none of a host's counts as `host_failed`.
    pub fn fail(&mut self, id: u32, code: &str, message: &str) {
        let kind = HostErrorKind::of(code).unwrap_or(HostErrorKind::Failed);
        self.operation.answer(id, Err(HostError::new(kind, message)));
    }
}

/// Asks a host several things at once; ends with a JSON array of what came of each.
///
/// `questions` is a JSON array of effects as [`Operation::poll`] tells them; each request takes its
/// body from `bodies`, in which there is one, maybe empty, for each question.
#[wasm_bindgen]
pub fn ask_host(
    questions: &[u8],
    bodies: Vec<js_sys::Uint8Array>,
    capabilities: &JsValue,
) -> std::result::Result<Operation, JsValue> {
    let document = json::parse(questions, Numbers::Keep).map_err(Thrown::from)?;
    let questions = document.value().as_array().into_iter().flatten();
    let bodies = bodies.into_iter().map(|body| body.to_vec());
    let effects = questions.zip(bodies).map(|(question, body)| read_effect(question, body));
    let effects = effects
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| invalid("a question is not one that can be asked of a host"))?;
    Ok(Operation::start(capabilities, async move |host: Host| {
        let answers = host.ask_all(effects).await.into_iter().map(answered);
        Ok(json_text(&answers.collect::<Evidence>()).into())
    }))
}

/// The largest integer that doubles hold without gaps, as a double.
#[allow(clippy::cast_precision_loss)]
const MAX_SAFE: f64 = MAX_SAFE_INTEGER as f64;

fn invalid(message: &str) -> Thrown {
    Thrown::new("invalid_argument", message)
}

fn read_capabilities(given: &JsValue) -> Capabilities {
    let can = |what: &str| Reflect::get(given, &what.into()).unwrap_or_default().is_truthy();
    Capabilities {
        srv: can("srv"),
        addresses: can("addresses"),
        address: can("address"),
        names: can("names"),
        redirects: can("redirects"),
    }
}

/// A number that JavaScript holds exactly; a larger one is as good as the largest.
fn number(value: u64) -> Evidence {
    Evidence::Integer(i64::try_from(value).unwrap_or(i64::MAX).min(MAX_SAFE_INTEGER))
}

/// An effect on its way out; the body of a request goes separately.
fn told(effect: Effect) -> Evidence {
    let kind = Evidence::object([("kind", effect.name().into())]);
    match effect {
        Effect::Srv { name } | Effect::Addresses { name } => kind.with("name", name),
        Effect::Https(request) => told_request(kind, *request),
        Effect::Now | Effect::Sign { .. } => kind,
        Effect::Random { bytes } => kind.with("bytes", bytes),
        Effect::Wait { ms } => kind.with("ms", number(ms)),
    }
}

fn told_request(kind: Evidence, request: HttpsRequest) -> Evidence {
    let headers = request.headers.into_iter();
    let headers = headers.map(|(name, value)| Evidence::List(vec![name.into(), value.into()]));
    let follow = match request.redirects {
        Redirects::GiveBack => 0,
        Redirects::Follow(most) => most,
    };
    kind.with("connect_host", request.connect_host)
        .with_some("address", request.address.map(|address| address.to_string()))
        .with("port", i64::from(request.port))
        .with("host_header", request.host_header)
        .with_some("tls_name", request.tls_name)
        .with("method", request.method)
        .with("target", request.target)
        .with("headers", headers.collect::<Evidence>())
        .with("max_bytes", request.max_bytes)
        .with("time_limit", number(request.time_limit_ms))
        .with("follow_redirects", i64::from(follow))
}

fn noticed(notice: Notice) -> Evidence {
    match notice {
        Notice::Progress { stage, done, total } => {
            Evidence::object([("kind", "progress".into()), ("stage", stage.into())])
                .with("done", number(done))
                .with_some("total", total.map(number))
        }
        Notice::ServerKeys { document, response, passed_on } => Evidence::object([
            ("kind", "server_keys".into()),
            // It was verified, so it is text.
            ("document", text(document).into()),
            ("fetched_ts", response.fetched_ts.into()),
            ("passed_on", passed_on.into()),
            ("report", super::keys::report(&response, &[])),
        ]),
    }
}

/// What came of a question.
fn answered(answer: std::result::Result<Answer, HostError>) -> Evidence {
    let bytes = |bytes: &[u8]| Evidence::from(crate::encoding::encode(bytes));
    match answer {
        Err(error) => {
            Evidence::object([("code", error.code().into()), ("message", error.message.into())])
        }
        Ok(Answer::Srv(records)) => Evidence::object([(
            "srv",
            records
                .into_iter()
                .map(|record| {
                    Evidence::object([
                        ("priority", i64::from(record.priority).into()),
                        ("weight", i64::from(record.weight).into()),
                        ("port", i64::from(record.port).into()),
                        ("target", record.target.into()),
                    ])
                })
                .collect(),
        )]),
        Ok(Answer::Addresses(Addresses { addresses, canonical_name })) => Evidence::object([(
            "addresses",
            addresses.iter().map(|address| address.to_string().into()).collect(),
        )])
        .with_some("canonical_name", canonical_name),
        Ok(Answer::Https(answer)) => {
            let headers = answer.headers.into_iter();
            let headers =
                headers.map(|(name, value)| Evidence::List(vec![name.into(), value.into()]));
            Evidence::object([
                ("status", i64::from(answer.status).into()),
                ("headers", headers.collect()),
                ("body", bytes(&answer.body)),
            ])
        }
        Ok(Answer::Now(ms)) => Evidence::object([("now", ms.into())]),
        Ok(Answer::Random(random)) => Evidence::object([("random", bytes(&random))]),
        Ok(Answer::Signature(signature)) => Evidence::object([("signature", bytes(&signature))]),
        Ok(Answer::Waited) => Evidence::object([("waited", true.into())]),
    }
}

/// The items of a JSON array of `N`.
fn read_items<const N: usize>(value: Value<'_>) -> Option<[Value<'_>; N]> {
    value.as_array()?.collect::<Vec<_>>().try_into().ok()
}

fn read_list<T>(text: &[u8], read: impl Fn(Value<'_>) -> Option<T>) -> Option<Vec<T>> {
    let document: Canonical = json::parse(text, Numbers::Keep).ok()?;
    document.value().as_array()?.map(read).collect()
}

fn read_record(record: Value<'_>) -> Option<SrvRecord> {
    let [priority, weight, port, target] = read_items(record)?;
    let short = |value: Value<'_>| u16::try_from(value.as_i64()?).ok();
    Some(SrvRecord {
        priority: short(priority)?,
        weight: short(weight)?,
        port: short(port)?,
        target: target.as_str()?.trim_end_matches('.').to_owned(),
    })
}

fn read_address(address: Value<'_>) -> Result<IpAddr> {
    let text = address.as_str().unwrap_or_default();
    text.parse().map_err(|_| invalid(&format!("{} is no IP address", Quoted(&text))))
}

fn read_effect(question: Value<'_>, body: Vec<u8>) -> Option<Effect> {
    let text = |name: &str| Some(question.get(name)?.as_str()?.into_owned());
    let count = |name: &str| usize::try_from(question.get(name)?.as_i64()?).ok();
    let ms = |name: &str| u64::try_from(question.get(name)?.as_i64()?).ok();
    Some(match text("kind")?.as_str() {
        "srv" => Effect::Srv { name: text("name")? },
        "addresses" => Effect::Addresses { name: text("name")? },
        "https" => Effect::Https(Box::new(HttpsRequest {
            connect_host: text("connect_host")?,
            address: match text("address") {
                Some(address) => Some(address.parse().ok()?),
                None => None,
            },
            port: u16::try_from(question.get("port")?.as_i64()?).ok()?,
            host_header: text("host_header")?,
            tls_name: text("tls_name"),
            method: METHODS.into_iter().find(|method| text("method").as_deref() == Some(method))?,
            target: text("target")?,
            headers: Vec::new(),
            body: (!body.is_empty()).then_some(body),
            max_bytes: count("max_bytes")?,
            time_limit_ms: ms("time_limit")?,
            redirects: Redirects::GiveBack,
        })),
        "now" => Effect::Now,
        "random" => Effect::Random { bytes: count("bytes")? },
        "wait" => Effect::Wait { ms: ms("ms")? },
        _ => return None,
    })
}

/// What federation uses.
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
