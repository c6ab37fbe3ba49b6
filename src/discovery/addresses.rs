//! From a name to the addresses to connect to.

use std::net::IpAddr;

use super::error::DiscoveryFailure;
use super::step::Step;
use super::trace::{Reply, TraceEntry, Trail, host_error, shown};
use crate::evidence::Evidence;
use crate::host::{Addresses, HostErrorKind};

/// How many addresses of one name are tried at most.
const MAX_ADDRESSES: usize = 16;

/// Can the name stand in the DNS (RFC 1035, 2.3.4)? Without a dot at its end.
///
/// Server names may be more: `a..b`, or 255 dots. Underscores are no part of server names, but
/// targets of SRV records have them.
pub(super) fn is_dns_name(name: &str) -> bool {
    let character = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.len() <= 253
        && name
            .split('.')
            .all(|label| (1..=63).contains(&label.len()) && label.bytes().all(character))
}

/// Does the name end in a number, as no name of the public DNS does? Then many programs read it as an
/// IPv4 address: `127.1`, `0177.0.0.1`, `0x7f000001`, `2130706433`.
fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_hex = hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex || last.bytes().all(|byte| byte.is_ascii_digit())
}

/// The addresses to connect to for `name`, in the order in which they are to be tried; `None` among
/// them: the host looks the name up by itself. Never empty. `is_target`: the name is the target of
/// an SRV record, which must be no alias.
pub(super) async fn look_up(
    trail: &mut Trail<'_>,
    step: Step,
    name: &str,
    is_target: bool,
) -> Result<Vec<Option<IpAddr>>, DiscoveryFailure> {
    let asked = Evidence::object([("addresses", name.into())]);
    if !is_dns_name(name) {
        return fail(trail, TraceEntry::new(step, ""), DiscoveryFailure::Name(name.to_owned()));
    }
    if !trail.host.capabilities().addresses {
        return left_to_host(trail, step, name);
    }
    let Reply { answer, took_ms } = trail.ask(trail.host.addresses(name)).await?;
    let entry = TraceEntry::new(step, "").asked(asked);
    let found = match answer {
        Ok(found) => found,
        Err(error) if error.kind == HostErrorKind::Unsupported => {
            return left_to_host(trail, step, name);
        }
        Err(error) => {
            let entry = entry.answered(host_error(&error), took_ms);
            let failure = DiscoveryFailure::AddressesUnsettled { name: name.to_owned(), error };
            return fail(trail, entry, failure);
        }
    };
    let usable = usable(&found);
    let mut entry = entry.answered(evidence(&found), took_ms);
    if is_target && found.canonical_name.is_some() {
        entry = entry.flag("srv_target_alias");
    }
    if usable.is_empty() {
        return fail(trail, entry, DiscoveryFailure::NoAddresses(name.to_owned()));
    }
    if !trail.host.capabilities().address {
        trail.note(TraceEntry { decision: format!("{name} has addresses"), ..entry });
        return left_to_host(trail, step, name);
    }
    let decision = format!("connect to {}", listed(&usable));
    trail.note(TraceEntry { decision, ..entry });
    Ok(usable.into_iter().map(Some).collect())
}

/// The host looks the name up by itself, or connects to what it thinks best: no address is told.
fn left_to_host(
    trail: &mut Trail<'_>,
    step: Step,
    name: &str,
) -> Result<Vec<Option<IpAddr>>, DiscoveryFailure> {
    let able = trail.host.capabilities();
    let mut entry = TraceEntry::new(step, "");
    if !able.addresses || able.address {
        entry = entry.flag("addresses_unsupported");
    }
    if !able.address {
        entry = entry.flag("address_unsupported");
    }
    if ends_in_number(name) {
        return fail(trail, entry, DiscoveryFailure::NumericName(name.to_owned()));
    }
    let decision = format!(
        "connect to {name}: this host chooses the address by itself, so which one it is cannot be said"
    );
    trail.note(TraceEntry { decision, ..entry });
    Ok(vec![None])
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

/// Each address once, IPv4 as IPv4 (`::ffff:127.0.0.1` is 127.0.0.1, wherever that is asked).
fn usable(found: &Addresses) -> Vec<IpAddr> {
    let mut usable = Vec::new();
    for address in &found.addresses {
        let address = address.to_canonical();
        if usable.len() < MAX_ADDRESSES && !usable.contains(&address) {
            usable.push(address);
        }
    }
    usable
}

fn evidence(found: &Addresses) -> Evidence {
    let shown_addresses = found.addresses.iter().take(MAX_ADDRESSES);
    let addresses: Evidence = shown_addresses.map(|address| address.to_string().into()).collect();
    Evidence::object([("addresses", addresses), ("count", found.addresses.len().into())])
        .with_some("canonical_name", found.canonical_name.as_deref().map(shown))
}

fn listed(addresses: &[IpAddr]) -> String {
    let texts: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", then ")
}
