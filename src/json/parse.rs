//! Bytes to canonical text, in one pass over the input and without recursion.
//!
//! Values are written to the output as they are read. An object whose keys come in order, as
//! most servers send them, is finished when its brace closes; one whose keys do not is put in
//! order then, by moving its members. What is open is kept on a stack of its own, bounded by
//! [`MAX_NESTING`], so no input can exhaust the machine's stack, and no byte is moved more
//! often than the document is deep.

use super::canonical::{Canonical, Notes, Span};
use super::error::JsonError;
use super::{number, string};

/// How many arrays and objects may stand inside each other, the outermost included.
///
/// The specification names no limit. This one is what Synapse and the servers built on ruma
/// share: the depth that serde_json reads.
pub const MAX_NESTING: usize = 127;

/// What to do with numbers that are no plain integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Keep them: integers with all their digits, doubles as Python prints them. This is the
    /// form that events of room versions 1 to 5 were hashed in; later versions refuse such
    /// events, which [`Canonical::first_non_strict_number`] tells.
    Keep,
    /// Write `1e3` and `1.0` as the integers they are, the way the example in the
    /// specification's appendices does; keep all others for the caller to refuse.
    Integral,
}

/// Parses `input` and gives its canonical form.
///
/// # Errors
/// [`JsonError`], with the offset of the first thing wrong.
///
/// Spec: appendices, "Canonical JSON"; MSC4458 for what to do with bad input.
pub fn parse(input: &[u8], numbers: Numbers) -> Result<Canonical, JsonError> {
    if let Err(error) = std::str::from_utf8(input) {
        return Err(JsonError::InvalidUtf8 { offset: error.valid_up_to() });
    }
    let mut parser = Parser {
        input,
        at: 0,
        numbers,
        out: Vec::with_capacity(input.len()),
        open: Vec::new(),
        members: Vec::with_capacity(24),
        notes: Notes::default(),
    };
    parser.document()?;
    Ok(Canonical::new(parser.out, parser.members, parser.notes))
}

/// An array or object that is not closed yet.
struct Open {
    object: bool,
    /// Where its opening bracket stands in the output.
    start: usize,
    /// How many members were on the member stack when it opened.
    members: usize,
    /// A key came out of order, or twice: the members must be rearranged.
    rearrange: bool,
    /// One of the keys has an escape, so keys cannot be compared as they are written.
    escapes: bool,
}

/// What the grammar wants next.
enum Next {
    Value,
    /// The first key of an object, or its closing brace.
    FirstKey,
    /// The first value of an array, or its closing bracket.
    FirstItem,
    /// A comma or a closing bracket, or the end of the document.
    AfterValue,
}

struct Parser<'a> {
    input: &'a [u8],
    at: usize,
    numbers: Numbers,
    out: Vec<u8>,
    open: Vec<Open>,
    members: Vec<Span>,
    notes: Notes,
}

impl Parser<'_> {
    fn document(&mut self) -> Result<(), JsonError> {
        let mut next = Next::Value;
        loop {
            self.skip_white_space();
            next = match next {
                Next::Value => self.value()?,
                Next::FirstItem if self.peek() == Some(b']') => self.close()?,
                Next::FirstItem => self.value()?,
                Next::FirstKey if self.peek() == Some(b'}') => self.close()?,
                Next::FirstKey => self.key()?,
                Next::AfterValue => match self.open.last() {
                    None => break,
                    Some(open) => {
                        let object = open.object;
                        self.after_value(object)?
                    }
                },
            };
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(JsonError::TrailingData { offset: self.at }),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.advance(1);
        }
    }

    fn syntax(&self, expected: &'static str) -> JsonError {
        JsonError::Syntax { offset: self.at, expected, found: self.peek().into() }
    }

    fn value(&mut self) -> Result<Next, JsonError> {
        match self.peek() {
            Some(b'"') => {
                self.string()?;
            }
            Some(b'{') => {
                self.open(true)?;
                return Ok(Next::FirstKey);
            }
            Some(b'[') => {
                self.open(false)?;
                return Ok(Next::FirstItem);
            }
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => return Err(self.syntax("a value")),
        }
        Ok(Next::AfterValue)
    }

    fn after_value(&mut self, object: bool) -> Result<Next, JsonError> {
        match (self.peek(), object) {
            (Some(b','), _) => {
                self.end_member(object);
                self.advance(1);
                self.out.push(b',');
                if !object {
                    return Ok(Next::Value);
                }
                self.skip_white_space();
                self.key()
            }
            (Some(b'}'), true) | (Some(b']'), false) => {
                self.end_member(object);
                self.close()
            }
            (_, true) => Err(self.syntax("a comma or the closing brace of an object")),
            (_, false) => Err(self.syntax("a comma or the closing bracket of an array")),
        }
    }

    fn end_member(&mut self, object: bool) {
        if object && let Some(member) = self.members.last_mut() {
            member.end = self.out.len();
        }
    }

    fn open(&mut self, object: bool) -> Result<(), JsonError> {
        if self.open.len() >= MAX_NESTING {
            return Err(JsonError::TooDeep { offset: self.at, limit: MAX_NESTING });
        }
        self.open.push(Open {
            object,
            start: self.out.len(),
            members: self.members.len(),
            rearrange: false,
            escapes: false,
        });
        self.notes.nesting = self.notes.nesting.max(self.open.len());
        self.out.push(if object { b'{' } else { b'[' });
        self.advance(1);
        Ok(())
    }

    fn close(&mut self) -> Result<Next, JsonError> {
        self.advance(1);
        if let Some(open) = self.open.pop() {
            if open.rearrange {
                self.rearrange(&open);
            }
            self.out.push(if open.object { b'}' } else { b']' });
            // Only the outermost object's members are kept: they are the index of the event.
            if !self.open.is_empty() {
                self.members.truncate(open.members);
            }
        }
        Ok(Next::AfterValue)
    }

    fn string(&mut self) -> Result<bool, JsonError> {
        let (end, escaped) =
            string::canonicalise(self.input, self.at.saturating_add(1), &mut self.out)?;
        self.at = end;
        Ok(escaped)
    }

    fn key(&mut self) -> Result<Next, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key in double quotes"));
        }
        let start = self.out.len();
        let escaped = self.string()?;
        self.skip_white_space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("a colon after a key"));
        }
        self.advance(1);
        self.out.push(b':');
        let member = Span { start, value: self.out.len(), end: self.out.len() };
        if let Some(open) = self.open.last_mut() {
            open.escapes |= escaped;
            if !open.rearrange
                && self.members.len() > open.members
                && let Some(previous) = self.members.last()
            {
                let order = string::compare_keys(
                    previous.key(&self.out),
                    member.key(&self.out),
                    open.escapes,
                );
                open.rearrange = order.is_ge();
            }
        }
        self.members.push(member);
        Ok(Next::Value)
    }

    /// Puts the members of an object in order and drops all but the last of equal keys.
    fn rearrange(&mut self, object: &Open) {
        let mut sorted = self.members.split_off(object.members.min(self.members.len()));
        let out = &self.out;
        sorted.sort_unstable_by(|left, right| {
            string::compare_keys(left.key(out), right.key(out), object.escapes)
                .then(left.start.cmp(&right.start))
        });
        let before = sorted.len();
        // `dedup_by` keeps the first of a run; seen from the back that is the last one read.
        sorted.reverse();
        sorted.dedup_by(|later, kept| {
            string::compare_keys(later.key(out), kept.key(out), object.escapes).is_eq()
        });
        sorted.reverse();
        self.notes.duplicate_keys |= sorted.len() < before;

        let body = object.start.saturating_add(1);
        let mut text = Vec::with_capacity(self.out.len().saturating_sub(body));
        for member in &mut sorted {
            if !text.is_empty() {
                text.push(b',');
            }
            let moved = Span {
                start: body.saturating_add(text.len()),
                value: body
                    .saturating_add(text.len())
                    .saturating_add(member.value.saturating_sub(member.start)),
                end: body
                    .saturating_add(text.len())
                    .saturating_add(member.end.saturating_sub(member.start)),
            };
            text.extend_from_slice(self.out.get(member.start..member.end).unwrap_or_default());
            *member = moved;
        }
        self.out.truncate(body);
        self.out.append(&mut text);
        self.members.append(&mut sorted);
    }

    fn literal(&mut self, word: &'static [u8]) -> Result<(), JsonError> {
        let rest = self.input.get(self.at..).unwrap_or_default();
        if !rest.starts_with(word) {
            return Err(self.syntax("true, false or null"));
        }
        self.out.extend_from_slice(word);
        self.advance(word.len());
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let scanned = number::scan(self.input, start)?;
        self.at = scanned.end;
        let text = self.input.get(start..scanned.end).unwrap_or_default();
        if scanned.integer {
            if text == b"-0" {
                self.notes.negative_zero = true;
                self.out.push(b'0');
            } else {
                self.notes.non_strict_numbers |= !number::is_safe_integer(text);
                self.out.extend_from_slice(text);
            }
            return Ok(());
        }
        let text = std::str::from_utf8(text).unwrap_or_default();
        let value = match text.parse::<f64>() {
            Ok(value) if value.is_finite() => value,
            _ => return Err(JsonError::NumberOverflow { offset: start }),
        };
        if self.numbers == Numbers::Integral
            && let Some(integer) = number::as_exact_integer(text)
        {
            self.out.extend_from_slice(integer.to_string().as_bytes());
        } else {
            self.notes.non_strict_numbers = true;
            number::write_python_float(value, &mut self.out);
        }
        Ok(())
    }
}
