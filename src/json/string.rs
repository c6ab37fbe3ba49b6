//! Strings: finding their end fast, reading escapes, writing the canonical ones.

use std::borrow::Cow;

use super::error::{Found, JsonError};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// How many bytes at the start of `bytes` need no attention: no quote, no backslash,
/// no control character.
///
/// Eight bytes at a time: for a byte `b`, `(b - n) & !b` has its high bit set when `b < n`
/// (and for zero when `n` is 1). Borrows only spoil bytes above a true hit, so the lowest
/// hit is exact.
pub(crate) fn plain_prefix(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut plain = 0usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES.wrapping_mul(0x22));
        let backslash = word ^ (ONES.wrapping_mul(0x5c));
        let hits = ((quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word))
            & HIGH;
        if hits != 0 {
            return plain.saturating_add(hits.trailing_zeros() as usize >> 3);
        }
        plain = plain.saturating_add(8);
    }
    let tail = rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..=0x1f));
    plain.saturating_add(tail.count())
}

/// Reads the string whose opening quote has just been read and appends it to `out` in
/// canonical form, quotes included.
///
/// `input` is the whole document, known to be UTF-8; `start` the offset after the quote.
/// Gives the offset after the closing quote, and whether the canonical form has an escape.
pub(super) fn canonicalise(
    input: &[u8],
    start: usize,
    out: &mut Vec<u8>,
) -> Result<(usize, bool), JsonError> {
    out.push(b'"');
    let mut at = start;
    let mut escaped = false;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let plain = plain_prefix(rest);
        out.extend_from_slice(rest.get(..plain).unwrap_or_default());
        at = at.saturating_add(plain);
        match input.get(at) {
            Some(b'"') => {
                out.push(b'"');
                return Ok((at.saturating_add(1), escaped));
            }
            Some(b'\\') => {
                let (code_point, next) = read_escape(input, at)?;
                escaped |= write_char(code_point, out);
                at = next;
            }
            Some(&byte) => return Err(JsonError::ControlCharacter { offset: at, byte }),
            None => {
                return Err(JsonError::Syntax {
                    offset: at,
                    expected: "the closing quote of a string",
                    found: Found::End,
                });
            }
        }
    }
}

/// Reads the escape whose backslash stands at `at`; gives the character and the offset after.
fn read_escape(input: &[u8], at: usize) -> Result<(char, usize), JsonError> {
    let kind_at = at.saturating_add(1);
    let after = at.saturating_add(2);
    let character = match input.get(kind_at) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return read_unicode_escape(input, at),
        other => {
            return Err(JsonError::Syntax {
                offset: kind_at,
                expected: "one of \" \\ / b f n r t u after a backslash",
                found: other.copied().into(),
            });
        }
    };
    Ok((character, after))
}

/// `\uXXXX` at `at`, or a pair of them that spells one code point above U+FFFF.
fn read_unicode_escape(input: &[u8], at: usize) -> Result<(char, usize), JsonError> {
    let unit = read_hex4(input, at.saturating_add(2))?;
    let after = at.saturating_add(6);
    if !(0xd800..=0xdfff).contains(&unit) {
        return match char::from_u32(unit) {
            Some(character) => Ok((character, after)),
            None => Err(JsonError::LoneSurrogate { offset: at }),
        };
    }
    let second = match (unit, input.get(after), input.get(after.saturating_add(1))) {
        (0xd800..=0xdbff, Some(b'\\'), Some(b'u')) => read_hex4(input, after.saturating_add(2))?,
        _ => return Err(JsonError::LoneSurrogate { offset: at }),
    };
    let pair = [unit as u16, second as u16];
    match char::decode_utf16(pair).next() {
        Some(Ok(character)) => Ok((character, after.saturating_add(6))),
        _ => Err(JsonError::LoneSurrogate { offset: at }),
    }
}

fn read_hex4(input: &[u8], at: usize) -> Result<u32, JsonError> {
    let mut value = 0u32;
    for index in 0..4usize {
        let offset = at.saturating_add(index);
        let byte = input.get(offset).copied();
        match byte.and_then(|byte| char::from(byte).to_digit(16)) {
            Some(digit) => value = (value << 4) | digit,
            None => {
                return Err(JsonError::Syntax {
                    offset,
                    expected: "four hexadecimal digits after \\u",
                    found: byte.into(),
                });
            }
        }
    }
    Ok(value)
}

/// Writes one character the canonical way; tells whether that took an escape.
fn write_char(character: char, out: &mut Vec<u8>) -> bool {
    let short = match character {
        '"' => b"\\\"",
        '\\' => b"\\\\",
        '\u{8}' => b"\\b",
        '\t' => b"\\t",
        '\n' => b"\\n",
        '\u{c}' => b"\\f",
        '\r' => b"\\r",
        '\0'..='\u{1f}' => {
            let code = character as u8;
            out.extend_from_slice(b"\\u00");
            for nibble in [code >> 4, code & 0xf] {
                out.push(if nibble < 10 {
                    b'0' | nibble
                } else {
                    b'a'.wrapping_add(nibble).wrapping_sub(10)
                });
            }
            return true;
        }
        plain => {
            out.extend_from_slice(plain.encode_utf8(&mut [0; 4]).as_bytes());
            return false;
        }
    };
    out.extend_from_slice(short);
    true
}

/// Appends `text` to `out` as a canonical JSON string, quotes included.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    loop {
        let (plain, special) =
            rest.split_at_checked(plain_prefix(rest.as_bytes())).unwrap_or((rest, ""));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        match characters.next() {
            Some(character) => {
                write_char(character, out);
            }
            None => break,
        }
        rest = characters.as_str();
    }
    out.push(b'"');
}

/// The text of a canonical string: `raw` is what stands between its quotes.
pub(super) fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        // Canonical text is UTF-8.
        return Cow::Borrowed(std::str::from_utf8(raw).unwrap_or_default());
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0usize;
    while let Some(&byte) = raw.get(at) {
        // Canonical text holds only good escapes, so the error arm is never taken; it drops
        // the byte rather than stop.
        match byte {
            b'\\' => match read_escape(raw, at) {
                Ok((character, next)) => {
                    out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    at = next;
                }
                Err(_) => at = at.saturating_add(1),
            },
            _ => {
                out.push(byte);
                at = at.saturating_add(1);
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Compares two canonical keys (without their quotes) by code point.
///
/// UTF-8 bytes sort as code points do, escapes do not: they are resolved first, if any.
pub(super) fn compare_keys(left: &[u8], right: &[u8], escapes: bool) -> std::cmp::Ordering {
    if escapes {
        unescape(left).as_bytes().cmp(unescape(right).as_bytes())
    } else {
        left.cmp(right)
    }
}

/// The first eight bytes of a key as a number, which sorts as they do. Most keys differ in these.
pub(super) fn key_prefix(key: &[u8]) -> u64 {
    match key.first_chunk::<8>() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => {
            let packed = key.iter().fold(0u64, |packed, byte| packed << 8 | u64::from(*byte));
            packed.checked_shl(64u32.saturating_sub((key.len() as u32) << 3)).unwrap_or(0)
        }
    }
}
