//! How long an answer may be kept, by its headers (RFC 9111).

use std::time::UNIX_EPOCH;

use crate::host::HttpsAnswer;

/// How long the answer says that it may be kept, in milliseconds from `now` (since 1970); `None` when
/// it says nothing. What it says malformed counts as "not at all" (RFC 9111, 4.2.1 and 5.3).
pub(super) fn lifetime_ms(answer: &HttpsAnswer, now: i64) -> Option<i64> {
    let lifetime = match said_by_cache_control(answer) {
        Some(lifetime) => lifetime,
        None => said_by_expires(answer, now)?,
    };
    // `Age` is how long others have kept it before.
    let age = answer.header("age").and_then(seconds).unwrap_or(0);
    Some(lifetime.saturating_sub(age).max(0))
}

fn said_by_cache_control(answer: &HttpsAnswer) -> Option<i64> {
    let lines = answer.headers.iter().filter(|(name, _)| name == "cache-control");
    let directives = lines.flat_map(|(_, line)| line.split(',')).map(|directive| {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'))
    });
    let mut max_age = None;
    for (name, value) in directives {
        match name.as_str() {
            "no-store" | "no-cache" => return Some(0),
            // Of several, the first.
            "max-age" => max_age = max_age.or(Some(seconds(value).unwrap_or(0))),
            _ => {}
        }
    }
    max_age
}

fn said_by_expires(answer: &HttpsAnswer, now: i64) -> Option<i64> {
    let expires = answer.header("expires")?;
    // By the server's own clock, where it tells it.
    let from = answer.header("date").and_then(date).unwrap_or(now);
    Some(date(expires).map_or(0, |expires| expires.saturating_sub(from)))
}

/// A number of seconds, in milliseconds. Too large a one counts as very large (RFC 9111, 1.2.2).
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1000))
}

/// A date, in milliseconds since 1970.
fn date(text: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(text).ok()?.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
