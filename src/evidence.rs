//! Evidence: what was seen and compared, as data.
//!
//! A type of its own and not `serde_json::Value`: it keeps the order in which things are said,
//! has no doubles, and prints integers that JavaScript would round as text.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::json::MAX_SAFE_INTEGER;

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// A text.
    Text(String),
    /// A number; printed as text when it is beyond ±(2^53 − 1).
    Integer(i64),
    /// Yes or no.
    Flag(bool),
    /// Several.
    List(Vec<Evidence>),
    /// Several with names.
    Object(Vec<(&'static str, Evidence)>),
}

impl Evidence {
    /// Several with names.
    #[must_use]
    pub fn object<const N: usize>(members: [(&'static str, Self); N]) -> Self {
        Self::Object(members.into())
    }

    /// This, with one more member; what is no object stays as it is.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Self>) -> Self {
        if let Self::Object(members) = &mut self {
            members.push((name, value.into()));
        }
        self
    }

    /// This, with one more member if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &'static str, value: Option<impl Into<Self>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl From<&str> for Evidence {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Evidence {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Evidence {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Evidence {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<usize> for Evidence {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Evidence {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl FromIterator<Evidence> for Evidence {
    fn from_iter<T: IntoIterator<Item = Evidence>>(items: T) -> Self {
        Self::List(items.into_iter().collect())
    }
}

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) if number.unsigned_abs() > MAX_SAFE_INTEGER.unsigned_abs() => {
                serializer.collect_str(number)
            }
            Self::Integer(number) => serializer.serialize_i64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(items) => serializer.collect_seq(items),
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// A text in quotes for a sentence, escaped as JSON does.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl std::fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = Vec::with_capacity(self.0.len().saturating_add(2));
        crate::json::write_string(self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}
