//! Events out of the documents in which they travel: a list, a transaction, a room file, lines
//! of events, a single one.
//!
//! The document may come in pieces of any size, and only the events that have not been taken yet
//! are held. Where an event ends is found by its brackets and quotes alone, so an event that is
//! malformed inside them is handed on as it is, and judged on its own: it never spoils the
//! others.

use thiserror::Error;

use crate::event::MAX_EVENT_BYTES;
use crate::json::{self, Numbers, plain_prefix};

/// The most bytes that an event may have as it travels. Canonical JSON is shorter, by white space
/// and escapes (six bytes for one): what is longer than this cannot be an event, and is not held.
const MAX_RAW_BYTES: usize = 16 * MAX_EVENT_BYTES;
/// The most bytes that the other members of a room file may have, each.
const MAX_HEADER_BYTES: usize = 64 * 1024 * 1024;

/// Why a document cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// It is not one that holds events.
    #[error(
        "at offset {offset} stands {found}: this is no event, list of events, transaction or room file"
    )]
    Unreadable {
        /// Where, in bytes from the start.
        offset: usize,
        /// What stands there.
        found: String,
    },
    /// It ends in the middle.
    #[error("the document ends at offset {offset}, inside {inside}")]
    Truncated {
        /// Its length.
        offset: usize,
        /// What is not complete.
        inside: &'static str,
    },
    /// There is no event in it.
    #[error("there is no event in the document")]
    Empty,
}

impl ReadError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "input_empty",
            _ => "input_unreadable",
        }
    }
}

/// What kind of document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but white space so far.
    Unknown,
    /// One event (or the first of several, one after the other).
    Event,
    /// An array of events.
    Array,
    /// An object with `pdus`: a transaction or a room file.
    Room,
    /// Events one after the other, a line each.
    Lines,
    /// An object with several lists of events, known to be such.
    Lists,
}

impl Shape {
    /// The shape's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Event => "event",
            Self::Array => "array",
            Self::Room => "room",
            Self::Lines => "lines",
            Self::Lists => "lists",
        }
    }
}

/// An event as it stood in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawEvent {
    /// Its bytes.
    Bytes(Vec<u8>),
    /// It is too long to be an event; it has not been kept.
    TooLong(usize),
}

impl RawEvent {
    /// Its bytes, if they have been kept.
    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::TooLong(_) => None,
        }
    }
}

/// Takes a document in pieces and gives the events in it.
#[derive(Debug)]
pub struct EventReader {
    place: Place,
    shape: Shape,
    offset: usize,
    scanner: Scanner,
    current: Current,
    key: Vec<u8>,
    /// Where in `current` the value of the member being read begins.
    value_start: usize,
    /// The members that hold lists of events.
    lists: &'static [&'static str],
    /// Which of these have been found.
    found: Vec<&'static str>,
    /// Which one is being read, and with each event, in which it stood.
    list: &'static str,
    list_of: Vec<&'static str>,
    /// The members whose text is kept, and what it is.
    kept: &'static [&'static str],
    members: Vec<(&'static str, Vec<u8>)>,
    events: Vec<RawEvent>,
    seen: usize,
    room_id: Option<String>,
    room_version: Option<String>,
    create_room_version: Option<String>,
    server_keys: Vec<Vec<u8>>,
}

/// Where in the document the reader stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a value of the outermost level.
    Start,
    /// Inside the outermost object, before a key.
    Key,
    /// Inside a key.
    InKey,
    /// After a key.
    Colon,
    /// Before the value of a member.
    Member,
    /// Inside the value of a member that is not `pdus`.
    InMember,
    /// After the value of a member.
    AfterMember,
    /// Inside a list of events, before one.
    Item,
    /// Inside an event of a list.
    InItem,
    /// Inside a list of events, after one.
    AfterItem,
    /// After the outermost array or room.
    End,
    /// Inside a line.
    Line,
}

/// The value being read: its bytes, unless they are too many.
#[derive(Debug, Default)]
struct Current {
    bytes: Vec<u8>,
    length: usize,
}

impl Current {
    fn push(&mut self, bytes: &[u8], limit: usize) {
        self.length = self.length.saturating_add(bytes.len());
        if self.length <= limit {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.bytes = Vec::new();
        }
    }

    fn take(&mut self, limit: usize) -> Result<Vec<u8>, usize> {
        let taken = std::mem::take(self);
        if taken.length <= limit { Ok(taken.bytes) } else { Err(taken.length) }
    }
}

/// Finds the end of a value by brackets and quotes alone: where a comma or a closing bracket stands
/// that is not inside the value. It can be fed in pieces.
#[derive(Debug, Default)]
struct Scanner {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    /// How many of `bytes` belong to the value, and whether it ends there. A `key` ends with its
    /// closing quote.
    fn feed(&mut self, bytes: &[u8], key: bool) -> (usize, bool) {
        let mut at = 0usize;
        while let Some(&byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                at = at.saturating_add(plain_prefix(bytes.get(at..).unwrap_or_default()));
                match bytes.get(at) {
                    None => break,
                    Some(b'\\') => self.escaped = true,
                    Some(b'"') if key => return (at.saturating_add(1), true),
                    Some(b'"') => self.in_string = false,
                    Some(_) => {}
                }
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                    b'}' | b']' | b',' if self.depth == 0 => return (at, true),
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            at = at.saturating_add(1);
        }
        (at, false)
    }
}

impl EventReader {
    /// A reader that finds out the shape of the document, or, with `lines`, takes each line as
    /// an event whatever stands in it.
    #[must_use]
    pub fn new(lines: bool) -> Self {
        Self {
            place: if lines { Place::Line } else { Place::Start },
            shape: if lines { Shape::Lines } else { Shape::Unknown },
            offset: 0,
            scanner: Scanner::default(),
            current: Current::default(),
            key: Vec::new(),
            value_start: 0,
            lists: &["pdus"],
            found: Vec::new(),
            list: "",
            list_of: Vec::new(),
            kept: &["arrivals"],
            members: Vec::new(),
            events: Vec::new(),
            seen: 0,
            room_id: None,
            room_version: None,
            create_room_version: None,
            server_keys: Vec::new(),
        }
    }

    /// A reader of an object with several lists of events, all of which it must have. Of other members,
    /// those that are `kept` are there when it was read.
    #[must_use]
    pub fn of_lists(lists: &'static [&'static str], kept: &'static [&'static str]) -> Self {
        Self { shape: Shape::Lists, lists, kept, ..Self::new(false) }
    }

    /// The text of a member of the object that is kept, if there is one.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&[u8]> {
        let member = self.members.iter().find(|(key, _)| *key == name);
        member.map(|(_, value)| value.as_slice())
    }

    /// The first of the lists that is not there.
    #[must_use]
    pub fn lacking_list(&self) -> Option<&'static str> {
        self.lists.iter().copied().find(|list| !self.found.contains(list))
    }

    /// The events read since the last call, each with the list in which it stood.
    pub fn take_listed(&mut self) -> impl Iterator<Item = (&'static str, RawEvent)> + use<> {
        let lists = std::mem::take(&mut self.list_of);
        lists.into_iter().zip(std::mem::take(&mut self.events))
    }

    /// What kind of document it is, as far as that is known.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The `room_id` of a room file.
    #[must_use]
    pub fn room_id(&self) -> Option<&str> {
        self.room_id.as_deref()
    }

    /// The `room_version` of a room file.
    #[must_use]
    pub fn room_version(&self) -> Option<&str> {
        self.room_version.as_deref()
    }

    /// The room version that the first create event names, "1" when it names none.
    #[must_use]
    pub fn create_room_version(&self) -> Option<&str> {
        self.create_room_version.as_deref()
    }

    /// The key responses of a room file, each as its text.
    #[must_use]
    pub fn server_keys(&self) -> &[Vec<u8>] {
        &self.server_keys
    }

    /// How many events wait to be taken.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.events.len()
    }

    /// The events read since the last call.
    pub fn take_events(&mut self) -> Vec<RawEvent> {
        self.list_of.clear();
        std::mem::take(&mut self.events)
    }

    /// Takes the next piece of the document.
    ///
    /// # Errors
    /// [`ReadError::Unreadable`].
    pub fn push(&mut self, piece: &[u8]) -> Result<(), ReadError> {
        let mut rest = piece;
        while let Some(&byte) = rest.first() {
            let used = self.step(byte, rest)?;
            self.offset = self.offset.saturating_add(used);
            rest = rest.get(used..).unwrap_or_default();
        }
        Ok(())
    }

    /// Says that the document is complete.
    ///
    /// # Errors
    /// [`ReadError::Truncated`], [`ReadError::Empty`].
    pub fn end(&mut self) -> Result<(), ReadError> {
        let truncated = |inside| Err(ReadError::Truncated { offset: self.offset, inside });
        match self.place {
            Place::Line => self.finish_line(),
            Place::Start | Place::End => {}
            Place::Item | Place::InItem | Place::AfterItem => return truncated("a list of events"),
            Place::InKey | Place::InMember => return truncated("a member of an object"),
            Place::Key | Place::Colon | Place::Member | Place::AfterMember => {
                return truncated("an object");
            }
        }
        // A list that is there may be empty; a document that holds none is no document of events.
        if self.seen == 0 && !matches!(self.shape, Shape::Room | Shape::Array | Shape::Lists) {
            return Err(ReadError::Empty);
        }
        Ok(())
    }

    /// Takes some bytes from the front of `rest`, which begins with `byte`; gives how many.
    fn step(&mut self, byte: u8, rest: &[u8]) -> Result<usize, ReadError> {
        let white_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        match self.place {
            Place::Line => return Ok(self.line(rest)),
            Place::InKey | Place::InMember | Place::InItem => return Ok(self.inside(rest)),
            _ if white_space => {
                self.keep_white_space(byte);
                return Ok(1);
            }
            Place::Start => match (byte, self.shape) {
                (b'{', Shape::Lists) => self.place = Place::Key,
                (b'{', Shape::Unknown) => {
                    self.shape = Shape::Event;
                    self.begin_object();
                }
                (b'[', Shape::Unknown) => {
                    self.shape = Shape::Array;
                    self.place = Place::Item;
                }
                // A second value on the outermost level: from here on, each line is an event.
                (_, Shape::Event) => {
                    self.shape = Shape::Lines;
                    self.place = Place::Line;
                    return Ok(0);
                }
                _ => return Err(self.unreadable(byte)),
            },
            Place::Key => match byte {
                b'"' => {
                    self.place = Place::InKey;
                    self.key.clear();
                    return Ok(0);
                }
                b'}' => self.close_object(),
                _ => return Err(self.unreadable(byte)),
            },
            Place::Colon if byte == b':' => {
                self.keep(b":");
                self.place = Place::Member;
            }
            Place::Member => {
                let list = self.named(self.lists).filter(|_| byte == b'[');
                if let Some(list) = list {
                    if self.shape != Shape::Lists {
                        self.shape = Shape::Room;
                    }
                    self.found.push(list);
                    self.list = list;
                    self.current = Current::default();
                    self.place = Place::Item;
                } else {
                    self.place = Place::InMember;
                    if self.is_known() {
                        self.current = Current::default();
                    }
                    self.value_start = self.current.bytes.len();
                    return Ok(0);
                }
            }
            Place::AfterMember => match byte {
                b',' => {
                    self.keep(b",");
                    self.place = Place::Key;
                }
                b'}' => self.close_object(),
                _ => return Err(self.unreadable(byte)),
            },
            Place::Item => match byte {
                b']' => self.close_list(),
                // No value begins so; what follows could not be told apart.
                b',' | b'}' | b':' => return Err(self.unreadable(byte)),
                _ => {
                    self.place = Place::InItem;
                    return Ok(0);
                }
            },
            Place::AfterItem => match byte {
                b',' => self.place = Place::Item,
                b']' => self.close_list(),
                _ => return Err(self.unreadable(byte)),
            },
            Place::Colon | Place::End => return Err(self.unreadable(byte)),
        }
        Ok(1)
    }

    /// Inside a value: takes what belongs to it, and finishes it where it ends.
    fn inside(&mut self, rest: &[u8]) -> usize {
        let (used, ends) = self.scanner.feed(rest, self.place == Place::InKey);
        let bytes = rest.get(..used).unwrap_or_default();
        match self.place {
            Place::InKey => {
                // Only short keys are of interest.
                if self.key.len() <= 64 {
                    self.key.extend_from_slice(bytes);
                }
                self.keep(bytes);
            }
            Place::InItem => self.current.push(bytes, MAX_RAW_BYTES),
            _ => self.keep(bytes),
        }
        if ends {
            self.scanner = Scanner::default();
            match self.place {
                Place::InKey => self.place = Place::Colon,
                Place::InItem => {
                    let mut event = self.current.take(MAX_RAW_BYTES);
                    if let Ok(event) = &mut event {
                        event.truncate(event.trim_ascii_end().len());
                    }
                    self.event(event);
                    self.place = Place::AfterItem;
                }
                _ => {
                    self.finish_member();
                    self.place = Place::AfterMember;
                }
            }
        }
        used
    }

    /// Keeps bytes of the outermost object: all of them as long as it may be an event, those of
    /// one member once it is known to be a room.
    fn keep(&mut self, bytes: &[u8]) {
        // In a room, nothing between members is of interest.
        if !self.is_known() || self.place == Place::InMember {
            self.current.push(bytes, MAX_HEADER_BYTES);
        }
    }

    /// White space between the members of what may be an event is part of it.
    fn keep_white_space(&mut self, byte: u8) {
        if self.shape == Shape::Event && self.place != Place::Start {
            self.keep(&[byte]);
        }
    }

    fn begin_object(&mut self) {
        self.current = Current::default();
        self.place = Place::Key;
        self.keep(b"{");
    }

    fn close_object(&mut self) {
        if self.is_known() {
            self.place = Place::End;
            return;
        }
        self.keep(b"}");
        let object = self.current.take(MAX_HEADER_BYTES);
        self.event(object.and_then(|object| match object.len() {
            length if length > MAX_RAW_BYTES => Err(length),
            _ => Ok(object),
        }));
        self.place = Place::Start;
    }

    fn close_list(&mut self) {
        self.place = if self.is_known() { Place::AfterMember } else { Place::End };
    }

    /// Takes note of a member of a room file. Before `pdus` the value stands at the end of what has
    /// been kept of the object, which may still turn out to be an event; after, it is all there is.
    fn finish_member(&mut self) {
        let header = matches!(
            self.key.as_slice(),
            b"\"room_id\"" | b"\"room_version\"" | b"\"server_keys\""
        );
        if let Some(kept) = self.named(self.kept).filter(|_| self.is_known()) {
            let value = self.current.bytes.get(self.value_start..).unwrap_or_default().to_vec();
            self.members.retain(|(key, _)| *key != kept);
            self.members.push((kept, value));
        }
        if header {
            let value = self.current.bytes.get(self.value_start..).unwrap_or_default().to_vec();
            self.note_header(&value);
        }
        if self.is_known() {
            self.current = Current::default();
        }
    }

    /// Is it known that the object is no event?
    fn is_known(&self) -> bool {
        matches!(self.shape, Shape::Room | Shape::Lists)
    }

    /// Which of these names the present key is.
    fn named(&self, names: &'static [&'static str]) -> Option<&'static str> {
        let key = self.key.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        names.iter().copied().find(|name| name.as_bytes() == key)
    }

    fn note_header(&mut self, value: &[u8]) {
        if self.key == b"\"server_keys\"" {
            let mut items = EventReader::new(false);
            if items.push(value).is_ok() {
                let items = items.take_events().into_iter();
                self.server_keys = items
                    .filter_map(|item| match item {
                        RawEvent::Bytes(bytes) => Some(bytes),
                        RawEvent::TooLong(_) => None,
                    })
                    .collect();
            }
            return;
        }
        let text = json::parse(value, Numbers::Keep)
            .ok()
            .and_then(|value| value.value().as_str().map(std::borrow::Cow::into_owned));
        if self.key == b"\"room_id\"" {
            self.room_id = text;
        } else {
            self.room_version = text;
        }
    }

    fn line(&mut self, rest: &[u8]) -> usize {
        let end = rest.iter().position(|byte| *byte == b'\n');
        let (line, used) = match end {
            Some(end) => (rest.get(..end).unwrap_or_default(), end.saturating_add(1)),
            None => (rest, rest.len()),
        };
        self.current.push(line, MAX_RAW_BYTES);
        if end.is_some() {
            self.finish_line();
        }
        used
    }

    fn finish_line(&mut self) {
        match self.current.take(MAX_RAW_BYTES) {
            Ok(line) if line.trim_ascii().is_empty() => {}
            event => self.event(event),
        }
    }

    fn event(&mut self, event: Result<Vec<u8>, usize>) {
        if self.seen == 0 {
            self.create_room_version = event.as_deref().ok().and_then(create_room_version);
        }
        self.seen = self.seen.saturating_add(1);
        self.list_of.push(self.list);
        self.events.push(match event {
            Ok(bytes) => RawEvent::Bytes(bytes),
            Err(length) => RawEvent::TooLong(length),
        });
    }

    fn unreadable(&self, byte: u8) -> ReadError {
        let found = if byte.is_ascii_graphic() {
            format!("'{}'", char::from(byte))
        } else {
            format!("the byte 0x{byte:02x}")
        };
        ReadError::Unreadable { offset: self.offset, found }
    }
}

/// The room version that a create event names.
fn create_room_version(bytes: &[u8]) -> Option<String> {
    let event = json::parse(bytes, Numbers::Keep).ok()?;
    if event.get("type")?.as_str()? != "m.room.create" {
        return None;
    }
    match event.get("content")?.get("room_version") {
        Some(version) => version.as_str().map(std::borrow::Cow::into_owned),
        None => Some("1".to_owned()),
    }
}
