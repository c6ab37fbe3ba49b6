//! The ladder: from a server name to where to connect to.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;

use serde::Serialize;

use super::addresses::{self, is_dns_name};
use super::cache::Cache;
use super::error::{DiscoveryError, DiscoveryFailure};
use super::redirect::{literal, usable_port, without_final_dot};
use super::request::Candidate;
use super::srv;
use super::step::{Ladder, Step};
use super::trace::{TraceEntry, Trail};
use super::well_known::{self, WellKnown};
use crate::evidence::Evidence;
use crate::host::{Host, SrvRecord};
use crate::identifiers::ServerName;

/// The port of federation.
const FEDERATION_PORT: u16 = 8448;

/// How long DNS answers are relied on, in milliseconds: hosts do not say how long they hold.
const DNS_PERIOD_MS: i64 = 5 * 60 * 1000;

/// How many places to connect to there are at most.
const MAX_CANDIDATES: usize = 32;

/// What a server name leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resolution {
    /// The name, as it was asked for. It is this one that requests are signed for, never the delegate's.
    pub server_name: String,
    /// The step that decided.
    pub step: Step,
    /// The `Host` header of requests.
    pub host_header: String,
    /// The name that is sent as SNI and that the certificate must be for; absent for an IP address: the
    /// certificate must be for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_name: Option<String>,
    /// Where to connect to, in the order in which it is to be tried; at least one.
    pub candidates: Vec<Candidate>,
    /// The document that named a delegate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub well_known: Option<WellKnown>,
    /// When to resolve the name anew, in milliseconds since 1970; absent when that would not change
    /// anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_ts: Option<i64>,
    /// What is worth knowing: all flags of the trace.
    pub flags: Vec<&'static str>,
    /// What was asked, what came back, and what followed.
    pub trace: Vec<TraceEntry>,
}

impl Resolution {
    /// Is this candidate the server that `Host` and certificate name, and not one that an SRV record
    /// names?
    pub(super) fn is_own_host(&self, candidate: &Candidate) -> bool {
        match &self.tls_name {
            Some(name) => name.eq_ignore_ascii_case(&candidate.host),
            None => true,
        }
    }
}

/// Resolves a server name.
///
/// # Errors
/// [`DiscoveryError`], with the trace of what was tried.
///
/// Spec: <https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names>
pub async fn resolve(
    host: &Host,
    cache: &Rc<RefCell<Cache>>,
    server_name: &str,
) -> Result<Resolution, DiscoveryError> {
    let failed =
        |failure, trace| DiscoveryError { server_name: server_name.to_owned(), failure, trace };
    let mut trail = match Trail::start(host).await {
        Ok(trail) => trail,
        Err(error) => return Err(failed(error.into(), Vec::new())),
    };
    match climb(&mut trail, cache, server_name).await {
        Ok(found) => Ok(Resolution { flags: trail.flags(), trace: trail.entries, ..found }),
        Err(failure) => Err(failed(failure, trail.entries)),
    }
}

/// The resolution, without its trace.
async fn climb(
    trail: &mut Trail<'_>,
    cache: &RefCell<Cache>,
    server_name: &str,
) -> Result<Resolution, DiscoveryFailure> {
    let own = ServerName::parse(server_name)?;
    let by_well_known =
        literal(&own).is_none() && own.port.is_none() && is_dns_name(without_final_dot(own.host));
    let (well_known, kept_until) = if by_well_known {
        let outcome = well_known::look_up(trail, cache, &own).await?;
        (outcome.well_known, Some(outcome.expires_ts))
    } else {
        (None, None)
    };
    let (text, ladder) = match &well_known {
        Some(document) => (document.delegate.as_str(), Ladder::DELEGATE),
        None => (server_name, Ladder::OWN),
    };
    let name = ServerName::parse(text)?;
    let (step, candidates) = locate(trail, &name, ladder).await?;
    let has_port = name.port.is_some();
    let address = literal(&name);
    let dns_until = address.is_none().then(|| trail.now().saturating_add(DNS_PERIOD_MS));
    let resolution = Resolution {
        server_name: server_name.to_owned(),
        step,
        host_header: text.to_owned(),
        tls_name: address.is_none().then(|| without_final_dot(name.host).to_owned()),
        candidates,
        expires_ts: kept_until.into_iter().chain(dns_until).min(),
        well_known,
        flags: Vec::new(),
        trace: Vec::new(),
    };
    note_names(trail, &resolution, has_port);
    Ok(resolution)
}

/// Where to connect to for a name, its own `.well-known` apart.
async fn locate(
    trail: &mut Trail<'_>,
    name: &ServerName<'_>,
    ladder: Ladder,
) -> Result<(Step, Vec<Candidate>), DiscoveryFailure> {
    let port = match name.port {
        Some(port) => Some(usable_port(port).ok_or(DiscoveryFailure::Port(port))?),
        None => None,
    };
    if let Some(address) = literal(name) {
        let port = port.unwrap_or(FEDERATION_PORT);
        let decision = format!("an IP address: connect to it, port {port}");
        trail.note(TraceEntry::new(ladder.ip_literal, decision));
        let candidate = Candidate { host: name.host.to_owned(), address: Some(address), port };
        return Ok((ladder.ip_literal, vec![candidate]));
    }
    let host = without_final_dot(name.host);
    if !is_dns_name(host) {
        return Err(DiscoveryFailure::Name(host.to_owned()));
    }
    if let Some(port) = port {
        return Ok((ladder.port, own_addresses(trail, ladder.port, host, port).await?));
    }
    for (step, service) in [(ladder.srv, "_matrix-fed._tcp"), (ladder.old_srv, "_matrix._tcp")] {
        if let Some(targets) = srv::look_up(trail, step, service, host).await? {
            if step == ladder.old_srv {
                let decision = "this step is deprecated: the records belong under _matrix-fed._tcp";
                trail.note(TraceEntry::new(step, decision).flag("srv_deprecated"));
            }
            return Ok((step, target_addresses(trail, step, targets).await?));
        }
    }
    Ok((ladder.name, own_addresses(trail, ladder.name, host, FEDERATION_PORT).await?))
}

async fn own_addresses(
    trail: &mut Trail<'_>,
    step: Step,
    host: &str,
    port: u16,
) -> Result<Vec<Candidate>, DiscoveryFailure> {
    let addresses = addresses::look_up(trail, step, host, false).await?;
    Ok(candidates(host, addresses, port).collect())
}

fn candidates(
    host: &str,
    addresses: Vec<Option<IpAddr>>,
    port: u16,
) -> impl Iterator<Item = Candidate> {
    addresses.into_iter().map(move |address| Candidate { host: host.to_owned(), address, port })
}

/// The addresses of all targets, in their order. A target without any is passed over while there are
/// others.
async fn target_addresses(
    trail: &mut Trail<'_>,
    step: Step,
    targets: Vec<SrvRecord>,
) -> Result<Vec<Candidate>, DiscoveryFailure> {
    let mut found = Vec::new();
    let mut first_failure = None;
    for SrvRecord { target, port, .. } in targets {
        if found.len() >= MAX_CANDIDATES {
            break;
        }
        if let Ok(address) = target.parse::<IpAddr>() {
            let decision =
                format!("connect to {target}, which a target must not be: an IP address");
            let asked = Evidence::object([("target", (&target).into())]);
            trail.note(TraceEntry::new(step, decision).asked(asked).flag("srv_target_ip"));
            found.push(Candidate { host: target, address: Some(address.to_canonical()), port });
            continue;
        }
        match addresses::look_up(trail, step, &target, true).await {
            Ok(addresses) => found.extend(candidates(&target, addresses, port)),
            Err(failure) if failure.ends_all() => return Err(failure),
            Err(failure) => first_failure = first_failure.or(Some(failure)),
        }
    }
    found.truncate(MAX_CANDIDATES);
    match first_failure {
        Some(failure) if found.is_empty() => Err(failure),
        _ => Ok(found),
    }
}

/// Says what a host cannot do that chooses `Host` and the name for the certificate by itself.
fn note_names(trail: &mut Trail<'_>, resolution: &Resolution, has_port: bool) {
    if trail.host.capabilities().names {
        return;
    }
    let header = &resolution.host_header;
    let entry = if !resolution.candidates.iter().all(|to| resolution.is_own_host(to)) {
        let decision = format!(
            "this host asks whatever it connects to for its own name: it cannot ask a target of an SRV record for {header}"
        );
        TraceEntry::new(resolution.step, decision).flag("names_unsupported")
    } else if !has_port {
        let decision = format!(
            "this host will send {header}:{FEDERATION_PORT} as Host header, which should be {header}"
        );
        TraceEntry::new(resolution.step, decision).flag("host_header_with_port")
    } else {
        return;
    };
    trail.note(entry);
}
