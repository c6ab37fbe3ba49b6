//! Step 3: the `.well-known` document of a server name.
//!
//! Whatever is wrong with it, the name may still be found by the steps after it.

use std::cell::RefCell;

use serde::Serialize;

use super::addresses::{self, is_dns_name};
use super::cache::{Cache, Entry, Found};
use super::error::DiscoveryFailure;
use super::freshness::lifetime_ms;
use super::redirect::{Hop, literal, usable_port, without_final_dot};
use super::request::next_may_be_tried;
use super::step::Step;
use super::trace::{Reply, TraceEntry, Trail, host_error, shown};
use super::{MAX_REDIRECTS, MAX_WELL_KNOWN_BYTES, WELL_KNOWN_LIMIT_MS};
use crate::evidence::{Evidence, Quoted};
use crate::host::{HostErrorKind, HttpsAnswer, HttpsRequest, Redirects};
use crate::identifiers::ServerName;
use crate::json::{Numbers, Value, parse};

/// The document that named the delegate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WellKnown {
    /// Where it sends: `m.server`, as it stands there.
    pub delegate: String,
    /// Where the document was, redirects followed.
    pub url: String,
    /// When it was fetched, in milliseconds since 1970.
    pub fetched_ts: i64,
    /// Until when it is not asked for again.
    pub expires_ts: i64,
    /// It was known from before.
    pub cached: bool,
}

/// What came of step 3.
pub(super) struct Outcome {
    /// The delegate; `None`: the name itself is looked for, by steps 4 to 6.
    pub well_known: Option<WellKnown>,
    /// Until when that holds, in milliseconds since 1970.
    pub expires_ts: i64,
}

/// The delegate of a server name that is neither an IP address nor has a port.
pub(super) async fn look_up(
    trail: &mut Trail<'_>,
    cache: &RefCell<Cache>,
    name: &ServerName<'_>,
) -> Result<Outcome, DiscoveryFailure> {
    let kept = cache.borrow_mut().get(name.host, trail.now());
    if let Some(entry) = kept {
        note_kept(trail, &entry);
        return Ok(outcome(entry, true));
    }
    let found = fetch(trail, name).await?;
    let entry = cache.borrow_mut().put(name.host, trail.now(), found.clone());
    let outlived = entry.found != found;
    if outlived {
        note_kept(trail, &entry);
    }
    Ok(outcome(entry, outlived))
}

fn outcome(entry: Entry, cached: bool) -> Outcome {
    let Entry { found, fetched_ts, expires_ts, .. } = entry;
    let well_known = match found {
        Found::Delegate { delegate, url, .. } => {
            Some(WellKnown { delegate, url, fetched_ts, expires_ts, cached })
        }
        Found::Nothing { .. } => None,
    };
    Outcome { well_known, expires_ts }
}

fn note_kept(trail: &mut Trail<'_>, entry: &Entry) {
    let times = Evidence::object([
        ("fetched_ts", entry.fetched_ts.into()),
        ("expires_ts", entry.expires_ts.into()),
    ]);
    let note = match &entry.found {
        Found::Delegate { delegate, url, .. } => TraceEntry {
            answer: Some(times.with("m.server", delegate).with("url", shown(url))),
            ..TraceEntry::new(Step::WellKnown, format!("known from before: go to {delegate}"))
        },
        Found::Nothing { code, .. } => TraceEntry {
            answer: Some(times),
            ..TraceEntry::new(Step::WellKnown, "known from before to lead nowhere: step 4")
        }
        .code(code),
    };
    trail.note(note.flag("well_known_cached"));
}

async fn fetch(trail: &mut Trail<'_>, name: &ServerName<'_>) -> Result<Found, DiscoveryFailure> {
    let until = trail.now().saturating_add(WELL_KNOWN_LIMIT_MS);
    let mut hop = Hop::well_known(name);
    let mut before = Vec::new();
    loop {
        let (answer, entry) = match get(trail, &hop, until).await? {
            Ok(answered) => answered,
            Err(nothing) => return Ok(nothing),
        };
        if !is_redirect(answer.status) || !trail.host.capabilities().redirects {
            return Ok(judge(trail, &hop, &answer, entry));
        }
        before.push(hop.clone());
        match hop.follow(answer.header("location"), &before) {
            Ok(next) => {
                let decision = format!("follow the redirect to {}", shown(&next.url()));
                trail.note(TraceEntry { decision, ..entry });
                hop = next;
            }
            Err(dead) => return Ok(nothing(trail, entry, dead.code(), dead.reason(), false)),
        }
    }
}

fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Notes that there is no delegate, and why.
fn nothing(
    trail: &mut Trail<'_>,
    entry: TraceEntry,
    code: &'static str,
    reason: &str,
    temporary: bool,
) -> Found {
    let decision = format!("{reason}: step 4");
    trail.note(TraceEntry { decision, ..entry.code(code) });
    Found::Nothing { code, temporary }
}

/// What a server answered, and the trace of it, not yet noted; or that there is nothing to be had.
type Got = Result<(HttpsAnswer, TraceEntry), Found>;

async fn get(trail: &mut Trail<'_>, hop: &Hop, until: i64) -> Result<Got, DiscoveryFailure> {
    let able = trail.host.capabilities();
    let addresses = match hop.address {
        Some(address) => vec![able.address.then_some(address)],
        None => match addresses::look_up(trail, Step::WellKnown, &hop.host, false).await {
            Ok(addresses) => addresses,
            Err(failure) if failure.ends_all() => return Err(failure),
            Err(failure) => {
                return Ok(Err(Found::Nothing { code: failure.code(), temporary: true }));
            }
        },
    };
    let mut last = Found::Nothing { code: "well_known_timed_out", temporary: true };
    for address in addresses {
        let left =
            until.saturating_sub(trail.now()).max(0).unsigned_abs().min(trail.time_left_ms());
        if left == 0 {
            let entry = TraceEntry::new(Step::WellKnown, "");
            let reason = "there is no time left for this document";
            return Ok(Err(nothing(trail, entry, "well_known_timed_out", reason, true)));
        }
        let request = HttpsRequest {
            connect_host: hop.host.clone(),
            address,
            port: hop.port,
            host_header: hop.authority.clone(),
            tls_name: hop.tls_name(),
            method: "GET",
            target: hop.target.clone(),
            headers: Vec::new(),
            body: None,
            max_bytes: MAX_WELL_KNOWN_BYTES,
            time_limit_ms: left,
            redirects: match able.redirects {
                true => Redirects::GiveBack,
                false => Redirects::Follow(u32::try_from(MAX_REDIRECTS).unwrap_or(0)),
            },
        };
        let mut entry = TraceEntry::new(Step::WellKnown, "").asked(asked(hop, &request));
        if !able.redirects {
            entry = entry.flag("redirects_unsupported");
        }
        let Reply { answer, took_ms } = trail.ask(trail.host.https(request)).await?;
        let error = match answer {
            Ok(answer) => {
                let seen = answered(&answer);
                return Ok(Ok((answer, entry.answered(seen, took_ms))));
            }
            Err(error) => error,
        };
        entry = entry.answered(host_error(&error), took_ms);
        // Too much is an answer, and a server that gives it will not soon give less.
        let temporary = error.kind != HostErrorKind::TooLarge;
        let reason = format!("no document ({})", shown(&error.message));
        last = Found::Nothing { code: error.code(), temporary };
        if !next_may_be_tried(&error, "GET") {
            return Ok(Err(nothing(trail, entry, error.code(), &reason, temporary)));
        }
        trail.note(TraceEntry { decision: reason, ..entry.code(error.code()) });
    }
    let decision = "no address gave a document: step 4";
    trail.note(TraceEntry::new(Step::WellKnown, decision));
    Ok(Err(last))
}

/// What a document says, if it is one.
fn judge(trail: &mut Trail<'_>, hop: &Hop, answer: &HttpsAnswer, mut entry: TraceEntry) -> Found {
    if answer.status != 200 {
        let temporary = answer.status >= 500 || answer.status == 429;
        let reason = format!("no document (status {})", answer.status);
        return nothing(trail, entry, "well_known_status", &reason, temporary);
    }
    let document = match parse(&answer.body, Numbers::Keep) {
        Ok(document) => document,
        Err(error) => {
            let reason = format!("the document is not JSON ({error})");
            return nothing(trail, entry, "well_known_not_json", &reason, false);
        }
    };
    if document.notes().duplicate_keys {
        entry = entry.flag("duplicate_keys");
    }
    let Some(delegate) = document.value().get("m.server").and_then(Value::as_str) else {
        let reason = "the document has no m.server that is a string";
        return nothing(trail, entry, "well_known_no_delegate", reason, false);
    };
    let name = match ServerName::parse(&delegate) {
        Ok(name) => name,
        Err(error) => {
            let text = shown(&delegate);
            let reason = format!("m.server {} is no server name ({error})", Quoted(&text));
            return nothing(trail, entry, "well_known_delegate_invalid", &reason, false);
        }
    };
    let port_usable = name.port.is_none_or(|port| usable_port(port).is_some());
    let host_usable = literal(&name).is_some() || is_dns_name(without_final_dot(name.host));
    if !port_usable || !host_usable {
        let reason = format!("m.server {delegate} is nothing that can be connected to");
        return nothing(trail, entry, "well_known_delegate_unusable", &reason, false);
    }
    let said = lifetime_ms(answer, trail.now());
    let kept = match said {
        Some(ms) => format!("it may be kept {} s", ms / 1000),
        None => "it does not say how long it may be kept".to_owned(),
    };
    let decision = format!("go to {delegate}, without asking for a document there ({kept})");
    trail.note(TraceEntry { decision, ..entry });
    Found::Delegate { delegate: delegate.into_owned(), url: hop.url(), lifetime_ms: said }
}

fn asked(hop: &Hop, request: &HttpsRequest) -> Evidence {
    let address = request.address.map(|address| address.to_string());
    Evidence::object([("https", format!("GET {}", shown(&hop.url())).into())])
        .with("connect_host", &request.connect_host)
        .with_some("address", address)
        .with("port", i64::from(request.port))
        .with("host_header", &request.host_header)
        .with_some("tls_name", request.tls_name.as_ref())
}

fn answered(answer: &HttpsAnswer) -> Evidence {
    let mut seen = Evidence::object([
        ("status", i64::from(answer.status).into()),
        ("bytes", answer.body.len().into()),
    ]);
    for (name, header) in [
        ("location", "location"),
        ("content_type", "content-type"),
        ("cache_control", "cache-control"),
        ("expires", "expires"),
        ("age", "age"),
    ] {
        seen = seen.with_some(name, answer.header(header).map(shown));
    }
    // As much of the body as `shown` may need: a character has four bytes at most.
    let start = answer.body.get(..answer.body.len().min(1000)).unwrap_or_default();
    seen.with("body", shown(&String::from_utf8_lossy(start)))
}
