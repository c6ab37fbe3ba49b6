//! Numbers: the grammar of RFC 8259, the strict form of room versions 6 and later, and the
//! text that older rooms were hashed with.

use super::error::JsonError;

/// Largest integer of canonical JSON, 2^53 − 1.
pub const MAX_SAFE_INTEGER: i64 = 9_007_199_254_740_991;
/// Smallest integer of canonical JSON, −2^53 + 1.
pub const MIN_SAFE_INTEGER: i64 = -MAX_SAFE_INTEGER;

/// A number as it stands in the source.
pub(super) struct Scanned {
    /// Offset after its last character.
    pub end: usize,
    /// No fraction and no exponent.
    pub integer: bool,
}

/// Reads the number that begins at `start`, by grammar alone.
pub(super) fn scan(input: &[u8], start: usize) -> Result<Scanned, JsonError> {
    let mut at = start;
    if input.get(at) == Some(&b'-') {
        at = at.saturating_add(1);
    }
    let first = at;
    at = skip_digits(input, at, "a digit")?;
    // A leading zero stands alone.
    if input.get(first) == Some(&b'0') && at > first.saturating_add(1) {
        return Err(syntax(input, first.saturating_add(1), "no digit after a leading zero"));
    }
    let mut integer = true;
    if input.get(at) == Some(&b'.') {
        integer = false;
        at = skip_digits(input, at.saturating_add(1), "a digit after the decimal point")?;
    }
    if matches!(input.get(at), Some(b'e' | b'E')) {
        integer = false;
        at = at.saturating_add(1);
        if matches!(input.get(at), Some(b'+' | b'-')) {
            at = at.saturating_add(1);
        }
        at = skip_digits(input, at, "a digit in the exponent")?;
    }
    Ok(Scanned { end: at, integer })
}

fn skip_digits(input: &[u8], start: usize, expected: &'static str) -> Result<usize, JsonError> {
    let rest = input.get(start..).unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 {
        return Err(syntax(input, start, expected));
    }
    Ok(start.saturating_add(digits))
}

fn syntax(input: &[u8], offset: usize, expected: &'static str) -> JsonError {
    JsonError::Syntax { offset, expected, found: input.get(offset).copied().into() }
}

/// Is this integer (its text, without leading zeros) within ±(2^53 − 1)?
pub(super) fn is_safe_integer(text: &[u8]) -> bool {
    // 15 digits are always safe: the common case does not parse at all.
    text.len() <= 15
        || std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .is_some_and(|value| (MIN_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&value))
}

/// Is this number (with fraction or exponent) within the range of a double?
pub(super) fn is_finite(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

/// The digits of the integer that a number with fraction or exponent stands for, exactly; `None`
/// when it stands for none. The number must be within the range of a double, which bounds the
/// answer to some three hundred digits.
pub(super) fn as_exact_integer(text: &str) -> Option<String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some("0".to_owned());
    }
    // How many zeros follow the significant digits; fewer than none: they are a fraction.
    let zeros = exponent
        .parse::<i64>()
        .ok()?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(digits.len().checked_sub(significant.len())?).ok()?)?;
    Some(format!("{sign}{significant}{}", "0".repeat(usize::try_from(zeros).ok()?)))
}

/// Writes a double the way Python's `json.dumps` does, which is what events of room versions
/// 1 to 5 with fractions in them were hashed as.
///
/// The digits are ryu's: the fewest that read back as the same double, and among those the
/// closest to it, as in Python. (The standard library's differ from that in ties.) Python writes an exponent from 1e16 on and below 1e-4, of two digits at
/// least, and always a fraction where there is no exponent.
pub(super) fn write_python_float(value: f64, out: &mut Vec<u8>) {
    let mut buffer = ryu::Buffer::new();
    let text = buffer.format_finite(value);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    let digits = all.trim_start_matches('0');
    // The value is 0.digits × 10^point.
    let leading = all.len().saturating_sub(digits.len());
    let point = exponent
        .parse::<i32>()
        .unwrap_or(0)
        .saturating_add(i32::try_from(whole.len()).unwrap_or(0))
        .saturating_sub(i32::try_from(leading).unwrap_or(0));
    let digits = digits.trim_end_matches('0');
    let text = match (digits.split_at_checked(1), usize::try_from(point)) {
        (None, _) => "0.0".to_owned(),
        (Some((first, rest)), _) if !(-3..=16).contains(&point) => {
            let exponent = point.saturating_sub(1);
            let exponent_sign = if exponent < 0 { '-' } else { '+' };
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{first}{dot}{rest}e{exponent_sign}{:02}", exponent.unsigned_abs())
        }
        (_, Ok(0)) | (_, Err(_)) => {
            format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
        }
        (_, Ok(point)) => match digits.split_at_checked(point) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{whole}.{fraction}"),
            _ => format!("{digits}{}.0", "0".repeat(point.saturating_sub(digits.len()))),
        },
    };
    out.extend_from_slice(sign.as_bytes());
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::write_python_float;

    #[test]
    fn b10_floats_are_written_as_python_writes_them() {
        for (value, python) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.9, "-1.9"),
            (50.57, "50.57"),
            (0.1, "0.1"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (0.00001, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (123456.0, "123456.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (9007199254740992.0, "9007199254740992.0"),
            (1.2345678901234567e19, "1.2345678901234567e+19"),
            (1e100, "1e+100"),
            (f64::MAX, "1.7976931348623157e+308"),
        ] {
            let mut out = Vec::new();
            write_python_float(value, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), python);
        }
    }
}
