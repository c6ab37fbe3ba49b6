//! SRV records (RFC 2782): which servers to try, in which order.

use super::addresses::is_dns_name;
use super::error::DiscoveryFailure;
use super::step::Step;
use super::trace::{Reply, TraceEntry, Trail, host_error, shown};
use crate::evidence::Evidence;
use crate::host::{HostErrorKind, SrvRecord};
use crate::ordered;

/// How many targets are tried at most, and shown.
const MAX_TARGETS: usize = 16;

/// How many random bytes choose one among targets of equal priority.
const BYTES_A_CHOICE: usize = 8;

/// The targets of `service` at `host`, in the order in which they are to be tried, never empty; `None`
/// when there is no such record and the next step is to be taken.
///
/// A question that the DNS leaves open is an error: to go on would send requests, and with them
/// signatures, to another port or server than the one that the name's owner chose.
pub(super) async fn look_up(
    trail: &mut Trail<'_>,
    step: Step,
    service: &str,
    host: &str,
) -> Result<Option<Vec<SrvRecord>>, DiscoveryFailure> {
    let name = format!("{service}.{host}");
    if !is_dns_name(&name) {
        let decision = format!("{name} is no name of the DNS, so it has no records");
        trail.note(TraceEntry::new(step, decision).code("srv_none"));
        return Ok(None);
    }
    if !trail.host.capabilities().srv {
        return Ok(unsupported(trail, step, &name));
    }
    let Reply { answer, took_ms } = trail.ask(trail.host.srv(&name)).await?;
    let entry = TraceEntry::new(step, "").asked(Evidence::object([("srv", (&name).into())]));
    let records = match answer {
        Ok(records) => records,
        Err(error) if error.kind == HostErrorKind::Unsupported => {
            return Ok(unsupported(trail, step, &name));
        }
        Err(error) => {
            let entry = entry.answered(host_error(&error), took_ms);
            return fail(trail, entry, DiscoveryFailure::SrvUnsettled { name, error });
        }
    };
    let entry = entry.answered(evidence(&records), took_ms);
    if records.is_empty() {
        let decision = format!("{name} has no SRV record: next step");
        trail.note(TraceEntry { decision, ..entry.code("srv_none") });
        return Ok(None);
    }
    if records.iter().all(|record| record.target.is_empty()) {
        return fail(trail, entry, DiscoveryFailure::SrvNotOffered(name));
    }
    let (usable, entry) = usable(records, entry);
    if usable.is_empty() {
        return fail(trail, entry, DiscoveryFailure::SrvUnusable(name));
    }
    let ordered = in_order(trail, usable).await?;
    let targets: Vec<_> =
        ordered.iter().map(|record| format!("{}:{}", record.target, record.port)).collect();
    trail.note(TraceEntry { decision: format!("try {}", targets.join(", then ")), ..entry });
    Ok(Some(ordered))
}

fn unsupported<T>(trail: &mut Trail<'_>, step: Step, name: &str) -> Option<T> {
    let decision = format!(
        "this host cannot look up SRV records: if {name} has one, the server is elsewhere than said here"
    );
    trail.note(TraceEntry::new(step, decision).code("srv_unsupported").flag("srv_unsupported"));
    None
}

fn fail<T>(
    trail: &mut Trail<'_>,
    entry: TraceEntry,
    failure: DiscoveryFailure,
) -> Result<T, DiscoveryFailure> {
    let entry = entry.code(failure.code());
    trail.note(TraceEntry { decision: failure.to_string(), ..entry });
    Err(failure)
}

/// Leaves out what cannot be connected to, and says so.
fn usable(records: Vec<SrvRecord>, mut entry: TraceEntry) -> (Vec<SrvRecord>, TraceEntry) {
    let mut usable = Vec::new();
    for record in records {
        let defect = if record.target.is_empty() {
            "srv_target_none"
        } else if record.port == 0 {
            "srv_port_zero"
        } else if !is_target(&record.target) {
            "srv_target_invalid"
        } else {
            usable.push(record);
            continue;
        };
        entry = entry.flag(defect);
    }
    if usable.len() > MAX_TARGETS {
        entry = entry.flag("srv_records_capped");
    }
    (usable, entry)
}

/// A name; or an IP address, which RFC 2782 does not allow and which servers in the wild follow.
fn is_target(target: &str) -> bool {
    is_dns_name(target) || target.parse::<std::net::IpAddr>().is_ok()
}

/// By priority, and by chance according to weight among equals; as many as are tried.
async fn in_order(
    trail: &Trail<'_>,
    mut records: Vec<SrvRecord>,
) -> Result<Vec<SrvRecord>, DiscoveryFailure> {
    // Those without weight first, so that they have a chance at all (RFC 2782).
    let rank = |record: &SrvRecord| (record.priority, record.weight != 0);
    ordered::sort_by(&mut records, |one, two| rank(one).cmp(&rank(two)));
    let equals = records.iter().zip(records.iter().skip(1)).any(|(a, b)| a.priority == b.priority);
    if !equals {
        records.truncate(MAX_TARGETS);
        return Ok(records);
    }
    let random = trail.host.random(MAX_TARGETS.saturating_mul(BYTES_A_CHOICE)).await?;
    let choices = random.chunks(BYTES_A_CHOICE).take(records.len());
    let mut ordered = Vec::new();
    for choice in choices {
        let number = choice.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        if let Some(index) = choose(&records, number) {
            ordered.push(records.remove(index));
        }
    }
    Ok(ordered)
}

/// Which of the records with the lowest priority is next, for a random number. They stand first, and
/// among them those without weight.
///
/// RFC 2782 draws from 0 to the sum of the weights and takes the first record whose running sum reaches
/// that. 0 belongs to a record without weight; where there is none, drawing begins at 1, or the first
/// record would have one share too many.
fn choose(records: &[SrvRecord], random: u64) -> Option<usize> {
    let first = records.first()?;
    let equals = || records.iter().take_while(|record| record.priority == first.priority);
    let sum = equals().fold(0u64, |sum, record| sum.saturating_add(u64::from(record.weight)));
    if sum == 0 {
        let index = random.checked_rem(u64::try_from(equals().count()).ok()?)?;
        return usize::try_from(index).ok();
    }
    let lowest = u64::from(first.weight != 0);
    let shares = sum.saturating_add(1).saturating_sub(lowest);
    let drawn = random.checked_rem(shares)?.saturating_add(lowest);
    let mut running = 0u64;
    equals().position(|record| {
        running = running.saturating_add(u64::from(record.weight));
        running >= drawn
    })
}

fn evidence(records: &[SrvRecord]) -> Evidence {
    let list: Evidence = records
        .iter()
        .take(MAX_TARGETS)
        .map(|record| {
            let target = if record.target.is_empty() { "." } else { record.target.as_str() };
            Evidence::object([
                ("priority", i64::from(record.priority).into()),
                ("weight", i64::from(record.weight).into()),
                ("port", i64::from(record.port).into()),
                ("target", shown(target).into()),
            ])
        })
        .collect();
    Evidence::object([("records", list), ("count", records.len().into())])
}
