//! Bytes to canonical text, in one pass over the input and without recursion.
//!
//! What is canonical already is not copied piece by piece: the parser remembers where such a run
//! began and copies it whole when something in the input has to be left out or changed. An event
//! that arrives in canonical form, as most do, is copied once.
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
/// The same for what events travel in: an object with a list of them.
const MAX_NESTING_AROUND: usize = MAX_NESTING.saturating_add(2);

/// What to do with numbers that are no plain integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbers {
    /// Keep them: integers with all their digits, doubles as Python prints them. This is the
    /// form that events of room versions 1 to 5 were hashed in; later versions refuse such
    /// events, which [`Canonical::first_bad_number`] tells.
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
    parse_up_to(MAX_NESTING, input, numbers)
}

/// The same for a document that events travel in: it is no deeper than any event that may be, and what
/// stands around it.
///
/// # Errors
/// [`JsonError`], with the offset of the first thing wrong.
pub fn parse_around_events(input: &[u8], numbers: Numbers) -> Result<Canonical, JsonError> {
    parse_up_to(MAX_NESTING_AROUND, input, numbers)
}

fn parse_up_to(max_nesting: usize, input: &[u8], numbers: Numbers) -> Result<Canonical, JsonError> {
    if let Err(error) = std::str::from_utf8(input) {
        return Err(JsonError::InvalidUtf8 { offset: error.valid_up_to() });
    }
    let mut parser = Parser {
        input,
        at: 0,
        numbers,
        max_nesting,
        run: 0,
        out: Vec::with_capacity(input.len()),
        open: Vec::new(),
        members: Vec::with_capacity(24),
        notes: Notes::default(),
    };
    parser.document()?;
    parser.flush();
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
    max_nesting: usize,
    /// From here to `at` the input is canonical, and not copied to the output yet.
    run: usize,
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
                Next::FirstItem if self.peek() == Some(b']') => self.close(),
                Next::FirstItem => self.value()?,
                Next::FirstKey if self.peek() == Some(b'}') => self.close(),
                Next::FirstKey => self.key()?,
                Next::AfterValue => match self.open.last() {
                    None => break,
                    Some(open) if open.object => self.after_member()?,
                    Some(_) => self.after_item()?,
                },
            };
        }
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(JsonError::TrailingData { offset: self.at }),
        }
    }

    #[inline(always)]
    fn peek(&self) -> Option<u8> {
        self.input.get(self.at).copied()
    }

    /// Takes bytes that are canonical.
    #[inline(always)]
    fn advance(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes);
    }

    /// Copies the pending run to the output.
    fn flush(&mut self) {
        self.out.extend_from_slice(self.input.get(self.run..self.at).unwrap_or_default());
        self.run = self.at;
    }

    /// Continues at `at`, leaving out what lies between the run and there.
    #[inline(always)]
    fn resume(&mut self, at: usize) {
        self.at = at;
        self.run = at;
    }

    /// How long the output is, with the pending run.
    #[inline(always)]
    fn written(&self) -> usize {
        self.out.len().saturating_add(self.at.saturating_sub(self.run))
    }

    #[inline(always)]
    fn skip_white_space(&mut self) {
        if !matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            return;
        }
        self.flush();
        let rest = self.input.get(self.at..).unwrap_or_default();
        let white = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
        self.resume(self.at.saturating_add(white.count()));
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

    fn after_member(&mut self) -> Result<Next, JsonError> {
        let end = self.written();
        match self.peek() {
            Some(b',') => {
                self.end_member(end);
                self.advance(1);
                self.skip_white_space();
                self.key()
            }
            Some(b'}') => {
                self.end_member(end);
                Ok(self.close())
            }
            _ => Err(self.syntax("a comma or the closing brace of an object")),
        }
    }

    #[inline(always)]
    fn end_member(&mut self, end: usize) {
        if let Some(member) = self.members.last_mut() {
            member.end = end;
        }
    }

    fn after_item(&mut self) -> Result<Next, JsonError> {
        match self.peek() {
            Some(b',') => {
                self.advance(1);
                Ok(Next::Value)
            }
            Some(b']') => Ok(self.close()),
            _ => Err(self.syntax("a comma or the closing bracket of an array")),
        }
    }

    fn open(&mut self, object: bool) -> Result<(), JsonError> {
        if self.open.len() >= self.max_nesting {
            return Err(JsonError::TooDeep { offset: self.at, limit: self.max_nesting });
        }
        self.open.push(Open {
            object,
            start: self.written(),
            members: self.members.len(),
            rearrange: false,
            escapes: false,
        });
        self.notes.nesting = self.notes.nesting.max(self.open.len());
        self.advance(1);
        Ok(())
    }

    /// Takes the closing bracket.
    fn close(&mut self) -> Next {
        if let Some(open) = self.open.pop() {
            if open.rearrange {
                self.flush();
                self.rearrange(&open);
            }
            // Only the outermost object's members are kept: they are the index of the event.
            if !self.open.is_empty() {
                self.members.truncate(open.members);
            }
        }
        self.advance(1);
        Next::AfterValue
    }

    /// Takes a string; tells whether its canonical form has an escape.
    fn string(&mut self) -> Result<bool, JsonError> {
        let body = self.at.saturating_add(1);
        let plain = string::plain_prefix(self.input.get(body..).unwrap_or_default());
        let end = body.saturating_add(plain);
        if self.input.get(end) == Some(&b'"') {
            self.at = end.saturating_add(1);
            return Ok(false);
        }
        self.flush();
        let (end, escaped) = string::canonicalise(self.input, body, &mut self.out)?;
        self.resume(end);
        Ok(escaped)
    }

    fn key(&mut self) -> Result<Next, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax("a key in double quotes"));
        }
        let start = self.written();
        let escaped = self.string()?;
        self.skip_white_space();
        if self.peek() != Some(b':') {
            return Err(self.syntax("a colon after a key"));
        }
        self.advance(1);
        let value = self.written();
        let mut member = Span { start, value, end: value, prefix: 0 };
        member.prefix = string::key_prefix(self.key_of(member));
        if let Some(open) = self.open.last_mut() {
            open.escapes |= escaped;
        }
        let ordered = match (self.open.last(), self.members.last()) {
            (Some(open), Some(previous)) if self.members.len() > open.members => {
                open.rearrange
                    || (!open.escapes && previous.prefix < member.prefix)
                    || string::compare_keys(
                        self.key_of(*previous),
                        self.key_of(member),
                        open.escapes,
                    )
                    .is_lt()
            }
            _ => true,
        };
        if !ordered && let Some(open) = self.open.last_mut() {
            open.rearrange = true;
        }
        self.members.push(member);
        Ok(Next::Value)
    }

    /// The key of a member, which stands either in the output or in the pending run, as a whole.
    fn key_of(&self, member: Span) -> &[u8] {
        match member.start.checked_sub(self.out.len()) {
            None => member.key(&self.out),
            Some(ahead) => {
                let start = self.run.saturating_add(ahead).saturating_add(1);
                let length = member.value.saturating_sub(member.start).saturating_sub(3);
                self.input.get(start..start.saturating_add(length)).unwrap_or_default()
            }
        }
    }

    /// Puts the members of an object in order and drops all but the last of equal keys.
    fn rearrange(&mut self, object: &Open) {
        let mut sorted = self.members.split_off(object.members.min(self.members.len()));
        let out = &self.out;
        sorted.sort_unstable_by(|left, right| {
            left.compare_keys(*right, out, object.escapes).then(left.start.cmp(&right.start))
        });
        let before = sorted.len();
        // `dedup_by` keeps the first of a run; seen from the back that is the last one read.
        sorted.reverse();
        sorted.dedup_by(|later, kept| later.compare_keys(*kept, out, object.escapes).is_eq());
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
                prefix: member.prefix,
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
        self.advance(word.len());
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        let scanned = number::scan(self.input, start)?;
        let text = self.input.get(start..scanned.end).unwrap_or_default();
        if scanned.integer && text != b"-0" {
            self.notes.non_strict_numbers |= !number::is_safe_integer(text);
            self.at = scanned.end;
            return Ok(());
        }
        self.flush();
        self.resume(scanned.end);
        if scanned.integer {
            self.notes.negative_zero = true;
            self.out.push(b'0');
            return Ok(());
        }
        let text = std::str::from_utf8(text).unwrap_or_default();
        let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
        match (value, self.numbers) {
            // Beyond a double: no room version has such numbers, which is told later, for a
            // part of the event may not count.
            (None, _) => {
                self.notes.non_strict_numbers = true;
                self.out.extend_from_slice(text.as_bytes());
            }
            (Some(value), Numbers::Integral) => match number::as_exact_integer(text) {
                Some(integer) => {
                    self.notes.non_strict_numbers |= !number::is_safe_integer(integer.as_bytes());
                    self.out.extend_from_slice(integer.as_bytes());
                }
                None => self.double(value),
            },
            (Some(value), Numbers::Keep) => self.double(value),
        }
        Ok(())
    }

    fn double(&mut self, value: f64) {
        self.notes.non_strict_numbers = true;
        number::write_python_float(value, &mut self.out);
    }
}
