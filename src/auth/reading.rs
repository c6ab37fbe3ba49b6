//! Reading one value of `m.room.power_levels`: an integer, and what older room versions take for
//! one.
//!
//! Spec: "`m.room.power_levels` events accept values as strings" (room versions 1 to 9) and "…as
//! floats" (1 to 5).

use super::level::Level;
use crate::json::{Kind, Value};
use crate::room_version::RoomVersion;

/// What a value of `m.room.power_levels` is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// A level.
    Level(Level),
    /// No level. `null` is one of these, but where a level is looked up it counts as not there.
    Unreadable(Unreadable),
}

/// A value that is no level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its canonical text, cut when it is long.
    pub text: Box<str>,
    /// It is `null`.
    pub null: bool,
    /// Synapse reads a level from it all the same: it calls Python's `int()`, which takes more
    /// than the specification (`1_000`, digits of other scripts, `true`).
    pub divergent: bool,
}

/// Python reads no more digits than these, so no level that is in use has more.
const MAX_DIGITS: usize = 4300;
/// How much of an unreadable value is kept.
const MAX_SHOWN: usize = 80;

impl Reading {
    pub(super) fn of(value: Value<'_>, version: &RoomVersion) -> Self {
        let level = match value.kind() {
            Kind::Number if value.is_integer() => Some(integer(value)),
            Kind::Number if version.float_power_levels => truncated(value),
            Kind::String if version.string_power_levels => {
                value.as_str().and_then(|text| from_string(&text))
            }
            _ => None,
        };
        level.map_or_else(|| Self::Unreadable(Unreadable::of(value, version)), Self::Level)
    }

    /// The level, if it is one.
    #[must_use]
    pub fn level(&self) -> Option<&Level> {
        match self {
            Self::Level(level) => Some(level),
            Self::Unreadable(_) => None,
        }
    }
}

impl Unreadable {
    pub(super) fn of(value: Value<'_>, version: &RoomVersion) -> Self {
        let text = String::from_utf8_lossy(value.text());
        Self {
            text: text.chars().take(MAX_SHOWN).collect::<String>().into(),
            null: value.kind() == Kind::Null,
            divergent: version.string_power_levels && python_reads(value),
        }
    }
}

fn integer(value: Value<'_>) -> Level {
    let text = std::str::from_utf8(value.text()).unwrap_or_default();
    match text.strip_prefix('-') {
        Some(digits) => Level::from_digits(true, digits),
        None => Level::from_digits(false, text),
    }
}

/// A number with fraction or exponent, its fraction cut off. Check 1 has seen that it is finite.
fn truncated(value: Value<'_>) -> Option<Level> {
    let number: f64 = std::str::from_utf8(value.text()).ok()?.parse().ok()?;
    number.is_finite().then(|| Level::from_digits(number < 0.0, &whole_digits(number)))
}

/// The digits of a finite double, its sign and fraction cut off, exactly. (What the standard library
/// has for it is 6 KB of the compressed module.)
fn whole_digits(number: f64) -> String {
    const BILLION: u64 = 1_000_000_000;
    let size = number.abs();
    if size < 18_446_744_073_709_551_616.0 {
        return (size as u64).to_string();
    }
    // 53 bits, and a power of two to multiply by, which is 2^11 at least.
    let bits = size.to_bits();
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    let mut power = (bits >> 52).saturating_sub(1075);
    // Nine digits each, the last ones first.
    let mut groups = vec![mantissa % BILLION, mantissa / BILLION];
    while power > 0 {
        let step = power.min(32);
        let mut carried = 0;
        for group in &mut groups {
            let product = (*group << step).saturating_add(carried);
            (*group, carried) = (product % BILLION, product / BILLION);
        }
        while carried > 0 {
            groups.push(carried % BILLION);
            carried /= BILLION;
        }
        power = power.saturating_sub(step);
    }
    groups.iter().rev().map(|group| format!("{group:09}")).collect()
}

/// White space, a sign or none, digits, white space.
fn from_string(text: &str) -> Option<Level> {
    let text = text.trim_matches(|character: char| character.is_ascii_whitespace());
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let plain = (1..=MAX_DIGITS).contains(&digits.len())
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| Level::from_digits(negative, digits))
}

/// Does Python's `int()` take a value that is no level by the specification?
fn python_reads(value: Value<'_>) -> bool {
    match value.kind() {
        Kind::Boolean => true,
        Kind::String => value.as_str().is_some_and(|text| python_reads_text(&text)),
        _ => false,
    }
}

/// Any white space, a sign or none, digits of any script, single underscores between them.
fn python_reads_text(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let groups = || digits.split('_');
    let count: usize = groups().map(|group| group.chars().count()).sum();
    count <= MAX_DIGITS && groups().all(|group| !group.is_empty() && group.chars().all(is_digit))
}

/// Is this a decimal digit of some script (Unicode's category Nd)? They come in runs of ten.
fn is_digit(character: char) -> bool {
    let code = u32::from(character);
    let run = ZEROS.partition_point(|zero| *zero <= code).checked_sub(1);
    run.and_then(|run| ZEROS.get(run)).is_some_and(|zero| code.saturating_sub(*zero) < 10)
}

/// The zeros of all scripts.
const ZEROS: [u32; 66] = [
    0x0030, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0c66, 0x0ce6,
    0x0d66, 0x0de6, 0x0e50, 0x0ed0, 0x0f20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80,
    0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
    0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::whole_digits;

    #[test]
    fn doubles_have_the_digits_of_the_integers_they_are() {
        let two_to_the_64 = 18_446_744_073_709_551_616.0;
        for number in [
            0.0,
            0.99,
            -1.5,
            9_007_199_254_740_991.0,
            1e19,
            two_to_the_64,
            two_to_the_64 * 2.0,
            -1e22,
            1e23,
            123_456_789e99,
            1e300,
            f64::MAX,
            2f64.powi(96),
            2f64.powi(97),
            2f64.powi(1023),
        ] {
            let expected = format!("{:.0}", number.abs().trunc());
            assert_eq!(
                whole_digits(number).trim_start_matches('0'),
                expected.trim_start_matches('0')
            );
        }
    }
}
