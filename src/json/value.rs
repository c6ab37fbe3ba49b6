//! Reading from canonical text, without copying and without building a tree.
//!
//! Canonical text is made by [`super::parse`] only, so it is known to be well-formed. Should it
//! ever not be, every reader here ends early; none panics.

use std::borrow::Cow;

use super::string::{compare_keys, plain_prefix, unescape, write_string};

/// A value inside canonical text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a>(&'a [u8]);

/// The six kinds of JSON values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `{…}`
    Object,
    /// `[…]`
    Array,
    /// `"…"`
    String,
    /// `-12`, and in old rooms also `1.5` or `1e+16`
    Number,
    /// `true` or `false`
    Boolean,
    /// `null`
    Null,
}

impl Kind {
    /// The kind's name in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Null => "null",
        }
    }
}

/// A member of an object.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// The key as it is written, without its quotes.
    pub raw_key: &'a [u8],
    /// The value.
    pub value: Value<'a>,
}

impl<'a> Member<'a> {
    /// The key, its escapes resolved.
    #[must_use]
    pub fn key(&self) -> Cow<'a, str> {
        unescape(self.raw_key)
    }
}

impl<'a> Value<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// The canonical text of the value.
    #[must_use]
    pub fn text(self) -> &'a [u8] {
        self.0
    }

    /// Which kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self.0.first() {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b'"') => Kind::String,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'n') | None => Kind::Null,
            Some(_) => Kind::Number,
        }
    }

    /// The string, its escapes resolved; `None` when it is no string.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        let inner = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        Some(unescape(inner))
    }

    /// The integer; `None` for other kinds, for fractions and beyond 64 bits.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        std::str::from_utf8(self.0).ok()?.parse().ok()
    }

    /// A number without fraction and exponent, of whatever size?
    #[must_use]
    pub fn is_integer(self) -> bool {
        let digits = self.0.strip_prefix(b"-").unwrap_or(self.0);
        !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    }

    /// The members; `None` when it is no object.
    #[must_use]
    pub fn as_object(self) -> Option<Object<'a>> {
        self.0.strip_prefix(b"{").map(Object)
    }

    /// The items; `None` when it is no array.
    #[must_use]
    pub fn as_array(self) -> Option<Array<'a>> {
        self.0.strip_prefix(b"[").map(Array)
    }

    /// The value of the member `key`, compared as written (right for keys without escapes);
    /// `None` when there is none or when this is no object.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Value<'a>> {
        self.as_object()?.find(|member| member.raw_key == key.as_bytes()).map(|member| member.value)
    }
}

/// The members of an object, in canonical order.
#[derive(Debug, Clone)]
pub struct Object<'a>(&'a [u8]);

impl<'a> Iterator for Object<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.strip_prefix(b",").unwrap_or(self.0);
        let key_end = string_end(rest)?;
        let (key, rest) = rest.split_at_checked(key_end)?;
        let rest = rest.strip_prefix(b":")?;
        let (value, rest) = rest.split_at_checked(value_end(rest)?)?;
        self.0 = rest;
        Some(Member { raw_key: key.strip_prefix(b"\"")?.strip_suffix(b"\"")?, value: Value(value) })
    }
}

/// The items of an array.
#[derive(Debug, Clone)]
pub struct Array<'a>(&'a [u8]);

impl<'a> Iterator for Array<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.0.strip_prefix(b",").unwrap_or(self.0);
        let (value, rest) = rest.split_at_checked(value_end(rest)?)?;
        self.0 = rest;
        Some(Value(value))
    }
}

/// The length of the string that `text` begins with, quotes included.
fn string_end(text: &[u8]) -> Option<usize> {
    if text.first() != Some(&b'"') {
        return None;
    }
    let mut at = 1usize;
    loop {
        at = at.saturating_add(plain_prefix(text.get(at..)?));
        match text.get(at)? {
            b'"' => return Some(at.saturating_add(1)),
            // A backslash and what it escapes; the digits of \u00xx are plain.
            _ => at = at.saturating_add(2),
        }
    }
}

/// The length of the value that `text` begins with; `None` when it begins with none.
fn value_end(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' => string_end(text),
        b'{' | b'[' => container_end(text),
        b'}' | b']' | b',' => None,
        _ => Some(
            text.iter().position(|byte| matches!(byte, b',' | b'}' | b']')).unwrap_or(text.len()),
        ),
    }
}

fn container_end(text: &[u8]) -> Option<usize> {
    let mut at = 0usize;
    let mut depth = 0usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = at.saturating_add(string_end(text.get(at..)?)?);
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at = at.saturating_add(1);
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Appends `object` without some of its members, compared as written. What is no object counts as
/// an empty one.
pub fn write_object_without(object: Value<'_>, without: &[&str], out: &mut Vec<u8>) {
    out.push(b'{');
    let members = object.as_object().into_iter().flatten();
    let kept = members.filter(|member| !without.iter().any(|key| key.as_bytes() == member.raw_key));
    for (index, member) in kept.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(member.raw_key);
        out.extend_from_slice(b"\":");
        out.extend_from_slice(member.value.text());
    }
    out.push(b'}');
}

/// The canonical text of `object` with the member `key` set to `value` (canonical text). What is
/// no object counts as an empty one.
#[must_use]
pub fn insert_member(object: Option<Value<'_>>, key: &str, value: &[u8]) -> Vec<u8> {
    let mut new = Vec::with_capacity(value.len().saturating_add(key.len()).saturating_add(8));
    write_string(key, &mut new);
    let name = new.get(1..new.len().saturating_sub(1)).unwrap_or_default().to_vec();
    new.push(b':');
    new.extend_from_slice(value);
    let mut pending = Some(new);
    let mut members = Vec::new();
    for member in object.and_then(Value::as_object).into_iter().flatten() {
        let order = compare_keys(member.raw_key, &name, true);
        if order.is_ge() {
            members.extend(pending.take());
        }
        if order.is_ne() {
            members.push([b"\"", member.raw_key, b"\":", member.value.text()].concat());
        }
    }
    members.extend(pending);
    [b"{".as_slice(), &members.join(b",".as_slice()), b"}"].concat()
}
