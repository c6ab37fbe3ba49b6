//! JSON as the federation needs it: bytes in, canonical text out, nothing lost on the way.
//!
//! [`parse`] reads the bytes of a document once and writes its canonical form while it
//! reads (spec appendices, "Canonical JSON"): keys sorted by code point, no white space,
//! the shortest escapes, duplicate keys dropped. The canonical text *is* the parsed value:
//! hashes and signatures are taken over slices of it, and fields are read from it through
//! [`Value`], so what is verified and what is interpreted can never differ.
//!
//! Numbers keep every digit. Whether they are allowed is the room version's business:
//! [`Canonical::first_bad_number`] tells where a document leaves the allowed form.

mod canonical;
mod error;
mod number;
mod parse;
mod string;
mod value;

pub(crate) use canonical::Place;
pub use canonical::{Canonical, Notes, NumberDefect, NumberDefectKind};
pub use error::JsonError;
pub use number::{MAX_SAFE_INTEGER, MIN_SAFE_INTEGER};
pub use parse::{MAX_NESTING, Numbers, parse, parse_around_events};
pub(crate) use string::plain_prefix;
pub use string::write_string;
pub use value::{Array, Kind, Member, Object, Value, insert_member, write_object_without};
