//! A parsed document: its canonical text, and the index of its outermost object.

use super::value::{Kind, Value};
use super::{number, string};

/// What was noticed while parsing and is gone from the canonical text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes {
    /// A key stood twice in an object; the last one won.
    pub duplicate_keys: bool,
    /// `-0` stood there and became `0`.
    pub negative_zero: bool,
    /// How many arrays and objects stood inside each other at most.
    pub nesting: usize,
    /// A number was seen that strict canonical JSON does not have. A duplicate key may have
    /// swallowed it again, so this is a hint to look, not a verdict.
    pub(super) non_strict_numbers: bool,
}

/// Where a member of an object stands in the canonical text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Its key's opening quote.
    pub start: usize,
    /// The first byte of its value.
    pub value: usize,
    /// The byte after its value.
    pub end: usize,
    /// [`string::key_prefix`] of the key.
    pub prefix: u64,
}

impl Span {
    /// Compares the keys of two members of an object written to `text`; `escapes` is whether any
    /// key of the object has one.
    pub fn compare_keys(self, other: Self, text: &[u8], escapes: bool) -> std::cmp::Ordering {
        if !escapes && self.prefix != other.prefix {
            return self.prefix.cmp(&other.prefix);
        }
        string::compare_keys(self.key(text), other.key(text), escapes)
    }

    /// The key as it is written, without the quotes.
    pub fn key(self, text: &[u8]) -> &[u8] {
        text.get(self.start.saturating_add(1)..self.value.saturating_sub(2)).unwrap_or_default()
    }
}

/// Where a value stands in the canonical text; nowhere by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place(usize, usize);

/// A JSON document in canonical form.
#[derive(Debug, Clone)]
pub struct Canonical {
    text: Vec<u8>,
    members: Vec<Span>,
    notes: Notes,
}

/// A number that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberDefect {
    /// What is wrong with it.
    pub kind: NumberDefectKind,
    /// Where it stands, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// The number, as the canonical text has it.
    pub number: String,
}

/// Why a number is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberDefectKind {
    /// It has a fraction or an exponent.
    NotInteger,
    /// It is outside ±(2^53 − 1).
    OutOfRange,
    /// It is beyond the range of a double.
    Overflow,
}

impl Canonical {
    pub(super) fn new(text: Vec<u8>, members: Vec<Span>, notes: Notes) -> Self {
        Self { text, members, notes }
    }

    /// Frees memory that was reserved for more.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.members.shrink_to_fit();
    }

    /// The canonical text.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The canonical text as a string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made from valid UTF-8 by copying and escaping, so it is valid too.
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// The canonical text, by value.
    #[must_use]
    pub fn into_text(self) -> Vec<u8> {
        self.text
    }

    /// What was noticed while parsing.
    #[must_use]
    pub fn notes(&self) -> Notes {
        self.notes
    }

    /// The document as a value to read from.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        Value::new(&self.text)
    }

    /// Is the document an object?
    #[must_use]
    pub fn is_object(&self) -> bool {
        self.value().kind() == Kind::Object
    }

    /// The members of the outermost object, in canonical order: key (as written, without its
    /// quotes), value, and the whole member `"key":value` as text. Empty for other documents.
    pub fn members(&self) -> impl Iterator<Item = (&[u8], Value<'_>, &[u8])> {
        self.members.iter().map(|span| {
            let value = self.text.get(span.value..span.end).unwrap_or_default();
            let member = self.text.get(span.start..span.end).unwrap_or_default();
            (span.key(&self.text), Value::new(value), member)
        })
    }

    /// The keys of the outermost object (as written) and where their values stand.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&[u8], Place)> {
        self.members.iter().map(|span| (span.key(&self.text), Place(span.value, span.end)))
    }

    /// The value at a place found before; `None` for the place of what was not found.
    pub(crate) fn at(&self, Place(start, end): Place) -> Option<Value<'_>> {
        self.text.get(start..end).filter(|text| !text.is_empty()).map(Value::new)
    }

    /// Appends the members of the outermost object whose keys `keep` wants, without braces, and
    /// with a comma before each but the `first`. Neighbours stand together in the text and are
    /// copied together.
    pub(crate) fn write_members(
        &self,
        mut keep: impl FnMut(&[u8]) -> bool,
        first: &mut bool,
        out: &mut Vec<u8>,
    ) {
        let mut run = 0..0;
        let mut flush = |run: std::ops::Range<usize>| {
            if !run.is_empty() {
                if !std::mem::take(first) {
                    out.push(b',');
                }
                out.extend_from_slice(self.text.get(run).unwrap_or_default());
            }
        };
        for span in &self.members {
            if !keep(span.key(&self.text)) {
                flush(std::mem::replace(&mut run, 0..0));
            } else if run.is_empty() {
                run = span.start..span.end;
            } else {
                run.end = span.end;
            }
        }
        flush(run);
    }

    /// The value of a member of the outermost object.
    ///
    /// `key` is compared as written: right for all keys that need no escape.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.members().find(|(name, _, _)| *name == key.as_bytes()).map(|(_, value, _)| value)
    }

    /// The first number, outside the outermost member `except`, that is not allowed: one beyond
    /// the range of a double, and, with `strict`, also one that strict canonical JSON (room
    /// versions 6 and later) does not have.
    #[must_use]
    pub fn first_bad_number(&self, strict: bool, except: Option<&str>) -> Option<NumberDefect> {
        if !self.notes.non_strict_numbers {
            return None;
        }
        if !self.is_object() {
            return find_defect(self.value(), None, strict);
        }
        self.members()
            .filter(|(key, _, _)| except.is_none_or(|except| *key != except.as_bytes()))
            .find_map(|(key, value, _)| find_defect(value, Some(Step::Key(key)), strict))
    }

    /// A copy with the member `key` set to `value` (canonical text), or taken away.
    ///
    /// `key` must need no escape.
    #[must_use]
    pub fn with_member(&self, key: &str, value: Option<&[u8]>) -> Self {
        let mut text = Vec::with_capacity(
            self.text.len().saturating_add(value.map_or(0, <[u8]>::len)).saturating_add(key.len()),
        );
        let mut members = Vec::with_capacity(self.members.len().saturating_add(1));
        let mut push = |name: &[u8], member: &[u8]| {
            text.push(if members.is_empty() { b'{' } else { b',' });
            let start = text.len();
            text.extend_from_slice(member);
            let value = start.saturating_add(name.len()).saturating_add(3);
            members.push(Span { start, value, end: text.len(), prefix: string::key_prefix(name) });
        };
        let new = value.map(|value| [b"\"", key.as_bytes(), b"\":", value].concat());
        let mut pending = new.as_deref();
        for (name, _, member) in self.members() {
            let order = string::compare_keys(name, key.as_bytes(), true);
            if order.is_ge()
                && let Some(new) = pending.take()
            {
                push(key.as_bytes(), new);
            }
            if order.is_ne() {
                push(name, member);
            }
        }
        if let Some(new) = pending {
            push(key.as_bytes(), new);
        }
        if members.is_empty() {
            text.push(b'{');
        }
        text.push(b'}');
        Self { text, members, notes: self.notes }
    }
}

/// One step down from a value to a value inside it.
enum Step<'a> {
    Key(&'a [u8]),
    Index(usize),
}

/// The first defect in `root`, found without recursion: `steps` remembers how each value is
/// reached, as a link to its parent's step.
fn find_defect<'a>(root: Value<'a>, first: Option<Step<'a>>, strict: bool) -> Option<NumberDefect> {
    let mut steps: Vec<(Option<usize>, Step<'a>)> =
        first.map(|step| (None, step)).into_iter().collect();
    let mut pending = vec![(root, steps.len().checked_sub(1))];
    while let Some((value, reached)) = pending.pop() {
        let first_child = pending.len();
        match value.kind() {
            Kind::Number => {
                if let Some(kind) = number_defect(value.text(), strict) {
                    let number = String::from_utf8_lossy(value.text()).into_owned();
                    return Some(NumberDefect { kind, pointer: pointer(&steps, reached), number });
                }
            }
            Kind::Object => {
                for member in value.as_object().into_iter().flatten() {
                    pending.push((member.value, Some(steps.len())));
                    steps.push((reached, Step::Key(member.raw_key)));
                }
            }
            Kind::Array => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    pending.push((item, Some(steps.len())));
                    steps.push((reached, Step::Index(index)));
                }
            }
            Kind::String | Kind::Boolean | Kind::Null => {}
        }
        // The last one pushed is looked at first: turn the children round to go in order.
        if let Some(children) = pending.get_mut(first_child..) {
            children.reverse();
        }
    }
    None
}

fn number_defect(text: &[u8], strict: bool) -> Option<NumberDefectKind> {
    let integer = !text.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if !integer && !std::str::from_utf8(text).is_ok_and(number::is_finite) {
        Some(NumberDefectKind::Overflow)
    } else if strict && !integer {
        Some(NumberDefectKind::NotInteger)
    } else if strict && !number::is_safe_integer(text) {
        Some(NumberDefectKind::OutOfRange)
    } else {
        None
    }
}

/// The JSON pointer (RFC 6901) of the value reached by the step `last`.
fn pointer(steps: &[(Option<usize>, Step<'_>)], last: Option<usize>) -> String {
    let mut parts = Vec::new();
    let mut at = last;
    while let Some((parent, step)) = at.and_then(|index| steps.get(index)) {
        parts.push(match step {
            Step::Key(key) => string::unescape(key).replace('~', "~0").replace('/', "~1"),
            Step::Index(index) => index.to_string(),
        });
        at = *parent;
    }
    parts.iter().rev().fold(String::new(), |pointer, part| pointer + "/" + part)
}
