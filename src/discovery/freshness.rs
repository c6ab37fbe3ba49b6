//! How long an answer may be kept, by its headers (RFC 9111).

use std::time::{SystemTime, UNIX_EPOCH};

use headers::{Age, CacheControl, Date, Expires, Header, HeaderValue};

use crate::host::HttpsAnswer;

/// How long the answer says that it may be kept, in milliseconds from `now` (since 1970); `None` when
/// it says nothing. What it says malformed counts as "not at all" (RFC 9111, 4.2.1 and 5.3).
pub(super) fn lifetime_ms(answer: &HttpsAnswer, now: i64) -> Option<i64> {
    let lifetime = match said_by_cache_control(answer) {
        Some(lifetime) => lifetime,
        None => said_by_expires(answer, now)?,
    };
    // How long others have kept it before.
    let age =
        header::<Age>(answer).and_then(Result::ok).map_or(0, |age| milliseconds(age.as_secs()));
    Some(lifetime.saturating_sub(age).max(0))
}

fn said_by_cache_control(answer: &HttpsAnswer) -> Option<i64> {
    match header::<CacheControl>(answer)? {
        Ok(said) if said.no_store() || said.no_cache() => Some(0),
        Ok(said) => said.max_age().map(|age| milliseconds(age.as_secs())),
        Err(_) => Some(0),
    }
}

fn said_by_expires(answer: &HttpsAnswer, now: i64) -> Option<i64> {
    let expires = header::<Expires>(answer)?;
    // By the server's own clock, where it tells it.
    let date = header::<Date>(answer).and_then(Result::ok);
    let from = date.and_then(|date| since_1970(date.into())).unwrap_or(now);
    let expires = expires.ok().and_then(|expires| since_1970(expires.into()));
    Some(expires.map_or(0, |expires| expires.saturating_sub(from)))
}

/// A header of an answer, read; `None` when it is not there. Names of directives are in any case, and
/// read in lower case.
fn header<H: Header>(answer: &HttpsAnswer) -> Option<Result<H, headers::Error>> {
    let lines = answer.headers.iter().filter(|(name, _)| name == H::name().as_str());
    let is_date = [Date::name(), Expires::name()].contains(&H::name());
    let value = |line: &str| if is_date { line.to_owned() } else { line.to_ascii_lowercase() };
    let values: Vec<_> =
        lines.map(|(_, line)| HeaderValue::from_str(&value(line.trim()))).collect();
    if values.is_empty() {
        return None;
    }
    let values: Result<Vec<_>, _> = values.into_iter().collect();
    let invalid = |_| headers::Error::invalid();
    Some(values.map_err(invalid).and_then(|values| H::decode(&mut values.iter())))
}

/// Seconds in milliseconds; more than there are count as very many.
fn milliseconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
}

/// A time in milliseconds since 1970.
fn since_1970(time: SystemTime) -> Option<i64> {
    i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}
