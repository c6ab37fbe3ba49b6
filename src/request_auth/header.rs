//! The `Authorization` header of the scheme `X-Matrix`: written in the one form that every server
//! reads, read in every form that is legal, and in some that old servers write.
//!
//! Spec: <https://spec.matrix.org/v1.19/server-server-api/#request-authentication>,
//! <https://www.rfc-editor.org/rfc/rfc9110#name-credentials>

use thiserror::Error;

use super::request::is_token_byte;
use crate::evidence::{Evidence, Quoted};
use crate::identifiers::{ED25519, ServerName, ServerNameError, is_ed25519_key_id};

/// The most bytes that the `Authorization` headers of one request may have together. Servers of HTTP
/// take about as much for all headers.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// The most credentials of one request: one for each key of the sender, and servers have one key, or two
/// while they change it.
pub const MAX_CREDENTIALS: usize = 16;

/// One signature of a request, and whose it claims to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The sending server: a server name.
    pub origin: String,
    /// The receiving server as the sender names it; servers older than v1.3 do not.
    pub destination: Option<String>,
    /// The key that signed, `algorithm:version`.
    pub key_id: String,
    /// The signature, in base64.
    pub signature: String,
}

/// The header as old servers too can read it: one space, names in lower case, every value in quotes, no
/// escapes. Nothing needs one: names, key IDs and base64 have no quotes and no backslashes.
impl std::fmt::Display for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { origin, destination, key_id, signature } = self;
        write!(f, "X-Matrix origin=\"{origin}\"")?;
        if let Some(destination) = destination {
            write!(f, ",destination=\"{destination}\"")?;
        }
        write!(f, ",key=\"{key_id}\",sig=\"{signature}\"")
    }
}

/// What the `Authorization` headers of a request say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorization {
    /// The credentials of the scheme `X-Matrix`, in order; those of other schemes are passed over.
    pub credentials: Vec<Credentials>,
    /// A scheme is written in another case than `X-Matrix`.
    pub other_case: bool,
    /// A header is written so that it is legal and Synapse reads it otherwise, or not at all.
    pub divergent: bool,
    /// A value needs quotes for more than colons, and has none.
    pub unquoted: bool,
}

/// Why headers are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// There is too much of them.
    #[error(
        "the Authorization headers have {length} bytes together, the limit is {MAX_HEADER_BYTES}"
    )]
    TooLong {
        /// Their bytes.
        length: usize,
    },
    /// There are too many signatures.
    #[error("the Authorization headers have more than {MAX_CREDENTIALS} signatures")]
    TooMany,
    /// The grammar is broken.
    #[error("Authorization header {header}: expected {expected} at offset {offset}")]
    Malformed {
        /// Which header, from 1.
        header: usize,
        /// Where in its value, in bytes.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
    },
    /// A parameter stands twice.
    #[error("Authorization header {header} has \"{name}\" twice for one signature")]
    Duplicate {
        /// Which header, from 1.
        header: usize,
        /// The parameter.
        name: &'static str,
    },
    /// A parameter is missing.
    #[error("Authorization header {header} has no \"{name}\"")]
    Missing {
        /// Which header, from 1.
        header: usize,
        /// The parameter.
        name: &'static str,
    },
    /// The origin is no server name.
    #[error("the origin {} is not a server name: {error}", Quoted(origin))]
    Origin {
        /// What stands there.
        origin: String,
        /// What is wrong with it.
        error: ServerNameError,
    },
    /// The key ID is none.
    #[error("the key {} does not have the form algorithm:version, version of [a-zA-Z0-9_]", Quoted(.0))]
    KeyId(String),
}

impl HeaderError {
    /// The stable code of this failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } | Self::TooMany => "authorization_too_long",
            Self::Malformed { .. } => "authorization_malformed",
            Self::Duplicate { .. } => "authorization_parameter_twice",
            Self::Missing { .. } => "authorization_parameter_missing",
            Self::Origin { .. } => "authorization_origin_invalid",
            Self::KeyId(_) => "authorization_key_invalid",
        }
    }

    /// Where and what.
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        match self {
            Self::TooLong { length } => {
                Evidence::object([("bytes", (*length).into()), ("limit", MAX_HEADER_BYTES.into())])
            }
            Self::TooMany => Evidence::object([("limit", MAX_CREDENTIALS.into())]),
            Self::Malformed { header, offset, expected } => Evidence::object([
                ("header", (*header).into()),
                ("offset", (*offset).into()),
                ("expected", (*expected).into()),
            ]),
            Self::Duplicate { header, name } | Self::Missing { header, name } => {
                Evidence::object([("header", (*header).into()), ("parameter", (*name).into())])
            }
            Self::Origin { origin, .. } => Evidence::object([("origin", origin.into())]),
            Self::KeyId(key_id) => Evidence::object([("key_id", key_id.into())]),
        }
    }
}

/// Reads all `Authorization` headers of a request. A header may hold credentials of several schemes, and
/// several of one: proxies may join headers with commas. What has no `X-Matrix` in it is no error.
///
/// Takes time in proportion to the bytes.
///
/// # Errors
/// [`HeaderError`] when credentials of the scheme `X-Matrix` are malformed.
pub fn read_authorization(values: &[&[u8]]) -> Result<Authorization, HeaderError> {
    let length = values.iter().fold(0usize, |sum, value| sum.saturating_add(value.len()));
    if length > MAX_HEADER_BYTES {
        return Err(HeaderError::TooLong { length });
    }
    let mut found = Authorization::default();
    for (index, value) in values.iter().enumerate() {
        let header = index.saturating_add(1);
        Reader { value, at: 0, header, found: &mut found }.read()?;
    }
    Ok(found)
}

/// The parameters that count; unknown ones are passed over.
const NAMES: [&str; 4] = ["origin", "destination", "key", "sig"];

/// Whose parameters are being read.
enum Scheme {
    /// Of none yet, or of another one.
    Other,
    /// The values of [`NAMES`].
    XMatrix([Option<Vec<u8>>; 4]),
}

struct Reader<'a> {
    value: &'a [u8],
    at: usize,
    header: usize,
    found: &'a mut Authorization,
}

impl<'a> Reader<'a> {
    /// Reads a list. Its elements are parameters, or schemes with the first of their parameters.
    fn read(mut self) -> Result<(), HeaderError> {
        let mut scheme = Scheme::Other;
        let mut after_comma = false;
        loop {
            self.skip_white_space();
            let start = self.at;
            if matches!(self.peek(), None | Some(b',')) {
                // An empty element is legal; Synapse refuses it.
                let empty = after_comma || self.peek().is_some();
                self.found.divergent |= empty && matches!(scheme, Scheme::XMatrix(_));
                if self.peek().is_none() {
                    return self.finish(scheme);
                }
                self.advance();
                after_comma = true;
                continue;
            }
            let token = self.token();
            let gap = self.skip_white_space();
            let next = self.peek();
            if !token.is_empty() && next == Some(b'=') {
                match &mut scheme {
                    Scheme::XMatrix(values) => self.parameter(token, gap > 0, values)?,
                    Scheme::Other => self.skip_element(),
                }
            } else if !token.is_empty() && (gap > 0 || matches!(next, None | Some(b','))) {
                let is_ours = token.eq_ignore_ascii_case(b"X-Matrix");
                // Synapse knows one scheme a header.
                self.found.divergent |= matches!(scheme, Scheme::XMatrix(_));
                let new = if is_ours { Scheme::XMatrix(Default::default()) } else { Scheme::Other };
                self.finish(std::mem::replace(&mut scheme, new))?;
                if is_ours {
                    self.note_scheme(token, start, gap);
                    after_comma = false;
                    continue; // its first parameter follows without a comma
                }
                self.skip_element();
            } else if matches!(scheme, Scheme::XMatrix(_)) {
                return Err(self.malformed(start, "a parameter of the form name=value"));
            } else {
                self.skip_element();
            }
            after_comma = self.peek() == Some(b',');
            if after_comma {
                self.advance();
            }
        }
    }

    /// Notes what Synapse minds about a scheme that stands at `start`, with so much white space after it:
    /// the header must begin with it, and spaces must follow.
    fn note_scheme(&mut self, token: &[u8], start: usize, gap: usize) {
        self.found.other_case |= token != b"X-Matrix";
        let before = self.value.get(..start).unwrap_or_default();
        let after = self.value.get(self.at.saturating_sub(gap)..self.at).unwrap_or_default();
        self.found.divergent |= !before.iter().all(|byte| is_white_space(*byte))
            || after.is_empty()
            || after.contains(&b'\t')
            || std::str::from_utf8(self.value).is_err();
    }

    /// Reads a parameter from its `=` on.
    fn parameter(
        &mut self,
        name: &[u8],
        gap_before: bool,
        values: &mut [Option<Vec<u8>>; 4],
    ) -> Result<(), HeaderError> {
        self.advance();
        let gap_after = self.skip_white_space() > 0;
        let known =
            NAMES.iter().zip(values).find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()));
        // Legal, if only for old senders; Synapse takes it for a part of the name or of the value.
        self.found.divergent |= known.is_some() && (gap_before || gap_after);
        let value = if self.peek() == Some(b'"') { self.quoted()? } else { self.bare() };
        self.skip_white_space();
        if !matches!(self.peek(), None | Some(b',')) {
            return Err(self.malformed(self.at, "a comma or the end after a value"));
        }
        if let Some((name, place)) = known
            && place.replace(value).is_some()
        {
            return Err(HeaderError::Duplicate { header: self.header, name });
        }
        Ok(())
    }

    /// Reads a value in quotes, its escapes resolved.
    fn quoted(&mut self) -> Result<Vec<u8>, HeaderError> {
        self.advance();
        let mut value = Vec::new();
        loop {
            let mut byte = self.peek();
            if byte == Some(b'"') {
                self.advance();
                return Ok(value);
            }
            if byte == Some(b'\\') {
                self.advance();
                byte = self.peek();
            }
            match byte {
                Some(byte) if byte == b'\t' || !byte.is_ascii_control() => {
                    // Synapse splits at every comma.
                    self.found.divergent |= byte == b',';
                    value.push(byte);
                    self.advance();
                }
                _ => return Err(self.malformed(self.at, "a character or the closing quote")),
            }
        }
    }

    /// Reads a value without quotes. Old servers leave them away round what is no token: that is taken
    /// where it cannot be misread.
    fn bare(&mut self) -> Vec<u8> {
        let start = self.at;
        while let Some(byte) = self.peek()
            && byte.is_ascii_graphic()
            && !matches!(byte, b',' | b'"' | b'\\')
        {
            self.found.unquoted |= !is_token_byte(byte) && byte != b':';
            self.advance();
        }
        self.value.get(start..self.at).unwrap_or_default().to_vec()
    }

    /// Takes credentials that have ended.
    fn finish(&mut self, scheme: Scheme) -> Result<(), HeaderError> {
        let Scheme::XMatrix([origin, destination, key, sig]) = scheme else {
            return Ok(());
        };
        if self.found.credentials.len() >= MAX_CREDENTIALS {
            return Err(HeaderError::TooMany);
        }
        let header = self.header;
        let text = |value: Vec<u8>| {
            String::from_utf8(value).map_err(|_| self.malformed(0, "UTF-8 in every value"))
        };
        let required = |name, value: Option<Vec<u8>>| {
            value.ok_or(HeaderError::Missing { header, name }).and_then(text)
        };
        let origin = required("origin", origin)?;
        let key_id = required("key", key)?;
        let signature = required("sig", sig)?;
        let destination = destination.map(text).transpose()?;
        if let Err(error) = ServerName::parse(&origin) {
            return Err(HeaderError::Origin { origin, error });
        }
        // Keys of unknown algorithms may be named as they like.
        match key_id.split_once(':') {
            Some((ED25519, _)) if is_ed25519_key_id(&key_id) => {}
            Some((algorithm, version))
                if algorithm != ED25519 && !algorithm.is_empty() && !version.is_empty() => {}
            _ => return Err(HeaderError::KeyId(key_id)),
        }
        self.found.credentials.push(Credentials { origin, destination, key_id, signature });
        Ok(())
    }

    /// Passes over the rest of an element of another scheme, up to its comma.
    fn skip_element(&mut self) {
        let mut in_quotes = false;
        while let Some(byte) = self.peek() {
            match byte {
                b',' if !in_quotes => return,
                b'"' => in_quotes = !in_quotes,
                b'\\' if in_quotes => self.advance(),
                _ => {}
            }
            self.advance();
        }
    }

    /// Reads a token; it is empty when there is none.
    fn token(&mut self) -> &'a [u8] {
        let rest = self.value.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|byte| is_token_byte(**byte)).count();
        self.at = self.at.saturating_add(length);
        rest.get(..length).unwrap_or_default()
    }

    /// Passes over white space; gives how much of it there was.
    fn skip_white_space(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(is_white_space) {
            self.advance();
        }
        self.at.saturating_sub(start)
    }

    fn peek(&self) -> Option<u8> {
        self.value.get(self.at).copied()
    }

    fn advance(&mut self) {
        self.at = self.at.saturating_add(1);
    }

    fn malformed(&self, offset: usize, expected: &'static str) -> HeaderError {
        HeaderError::Malformed { header: self.header, offset, expected }
    }
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}
