//! What can be wrong with a JSON document, each with the place where it was seen.

use thiserror::Error;

/// Why bytes are not JSON, or not JSON that the federation lets through.
///
/// `offset` is always the position in bytes from the start of the input.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonError {
    /// The bytes are not UTF-8; surrogates encoded in UTF-8 count as that too.
    #[error("the bytes from offset {offset} on are not UTF-8")]
    InvalidUtf8 {
        /// First byte that does not belong to a UTF-8 sequence.
        offset: usize,
    },
    /// The grammar of RFC 8259 is broken.
    #[error("expected {expected} at offset {offset}, found {found}")]
    Syntax {
        /// Where it breaks.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
        /// What stands there instead.
        found: Found,
    },
    /// A `\ud800`–`\udfff` escape that is not half of a pair.
    #[error("the surrogate escaped at offset {offset} is not part of a pair")]
    LoneSurrogate {
        /// Where the escape begins.
        offset: usize,
    },
    /// A control character stands in a string unescaped.
    #[error("the control character 0x{byte:02x} at offset {offset} must be escaped")]
    ControlCharacter {
        /// Where it stands.
        offset: usize,
        /// The character.
        byte: u8,
    },
    /// Something follows the document.
    #[error("the document ends at offset {offset}, but more follows")]
    TrailingData {
        /// First byte after the document that is not white space.
        offset: usize,
    },
    /// Arrays and objects inside each other beyond the limit.
    #[error("more than {limit} arrays and objects inside each other at offset {offset}")]
    TooDeep {
        /// Where the first one too many opens.
        offset: usize,
        /// The limit that holds.
        limit: usize,
    },
}

impl JsonError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidUtf8 { .. } => "json_invalid_utf8",
            Self::Syntax { .. } => "json_syntax",
            Self::LoneSurrogate { .. } => "json_lone_surrogate",
            Self::ControlCharacter { .. } => "json_control_character",
            Self::TrailingData { .. } => "json_trailing_data",
            Self::TooDeep { .. } => "json_too_deep",
        }
    }

    /// Where in the input it was seen, in bytes.
    #[must_use]
    pub fn offset(&self) -> usize {
        match self {
            Self::InvalidUtf8 { offset }
            | Self::Syntax { offset, .. }
            | Self::LoneSurrogate { offset }
            | Self::ControlCharacter { offset, .. }
            | Self::TrailingData { offset }
            | Self::TooDeep { offset, .. } => *offset,
        }
    }
}

/// The byte that stands where the grammar is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// This byte.
    Byte(u8),
    /// Nothing: the input ends.
    End,
}

impl From<Option<u8>> for Found {
    fn from(byte: Option<u8>) -> Self {
        byte.map_or(Self::End, Self::Byte)
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::End => f.write_str("the end of the input"),
            Self::Byte(byte) if byte.is_ascii_graphic() => write!(f, "'{}'", char::from(*byte)),
            Self::Byte(byte) => write!(f, "the byte 0x{byte:02x}"),
        }
    }
}
