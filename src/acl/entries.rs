//! One list of an ACL, made ready for many questions.
//!
//! Rooms under attack deny thousands of servers, and every request asks the list. Nearly all
//! entries are names, or `*.name`: those are looked up. Only the others are matched one by one.

use std::collections::BTreeMap;

use super::glob::{Glob, Host, Shape};
use crate::json::Value;

/// Texts, and at which place of the list each stands first. A tree and not a hash table: no
/// choice of entries makes it slow.
type Index = BTreeMap<Box<[u8]>, usize>;

/// The entries of `allow` or of `deny`.
#[derive(Debug, Clone, Default)]
pub(super) struct Entries {
    /// As they were written, in order.
    written: Vec<String>,
    exact: Index,
    endings: Index,
    beginnings: Index,
    globs: Vec<(usize, Glob)>,
    skipped: usize,
}

impl Entries {
    /// Reads a list; what is no array counts as an empty one.
    pub fn read(list: Option<Value<'_>>) -> Self {
        let mut entries = Self::default();
        for item in list.and_then(Value::as_array).into_iter().flatten() {
            match item.as_str() {
                Some(entry) => entries.push(entry.into_owned()),
                None => entries.skipped = entries.skipped.saturating_add(1),
            }
        }
        entries
    }

    fn push(&mut self, entry: String) {
        let place = self.written.len();
        let glob = Glob::new(&entry);
        self.written.push(entry);
        let (index, text) = match glob.shape() {
            Shape::Exact(text) => (&mut self.exact, text),
            Shape::Ending(text) => (&mut self.endings, text),
            Shape::Beginning(text) => (&mut self.beginnings, text),
            Shape::Mixed => return self.globs.push((place, glob)),
        };
        index.entry(text.into()).or_insert(place);
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// How many things in the list were no text, and are left out.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// The first entry, as it was written, that fits `host`: the host of a server name, in
    /// lower case.
    pub fn find(&self, host: &str) -> Option<&str> {
        let host = host.as_bytes();
        let looked_up = self.look_up(host);
        let earlier = |place| looked_up.is_none_or(|found| place < found);
        let matched = self.first_match(host, earlier);
        self.written.get(matched.or(looked_up)?).map(String::as_str)
    }

    /// The place of the first of the entries that can be looked up.
    fn look_up(&self, host: &[u8]) -> Option<usize> {
        let exact = self.exact.get(host);
        let cuts = || 0..=host.len();
        let endings = cuts().filter_map(|cut| self.endings.get(host.get(cut..)?));
        let beginnings = cuts().filter_map(|cut| self.beginnings.get(host.get(..cut)?));
        exact.into_iter().chain(endings).chain(beginnings).min().copied()
    }

    /// The place of the first of the other entries that fits, while they are `wanted`.
    fn first_match(&self, host: &[u8], wanted: impl Fn(usize) -> bool) -> Option<usize> {
        let mut globs = self.globs.iter().take_while(|(place, _)| wanted(*place)).peekable();
        globs.peek()?;
        let host = Host::new(host);
        globs.find(|(_, glob)| glob.matches(&host)).map(|(place, _)| *place)
    }
}
