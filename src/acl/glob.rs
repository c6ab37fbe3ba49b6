//! Glob patterns, matched against one host in time linear in the pattern.
//!
//! Patterns come from strangers, and matchers that backtrack, or are compiled to regular
//! expressions, have been brought down or passed by with patterns such as `*a*a*a*…`
//! (CVE-2023-45129). Here nothing is tried twice: all places of the host that the pattern can
//! have reached are the bits of one number, and each symbol of the pattern moves all of them at
//! once.
//!
//! Spec: <https://spec.matrix.org/v1.19/appendices/#glob-style-matching>

/// Places in a host, a bit each: before each of its characters, and behind the last one. A host
/// has at most 255 characters, so 256 bits are enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Places {
    /// The first 128.
    near: u128,
    far: u128,
}

impl Places {
    const NONE: Self = Self { near: 0, far: 0 };
    /// Before the first character.
    const START: Self = Self { near: 1, far: 0 };

    fn and(self, other: Self) -> Self {
        Self { near: self.near & other.near, far: self.far & other.far }
    }

    fn or(self, other: Self) -> Self {
        Self { near: self.near | other.near, far: self.far | other.far }
    }

    /// Each place moved one character on.
    fn moved(self) -> Self {
        Self { near: self.near << 1, far: self.far << 1 | self.near >> 127 }
    }

    /// The first of the places, and all behind it.
    fn onward(self) -> Self {
        let fill = |places: u128| places | places.wrapping_neg();
        let far = if self.near == 0 { fill(self.far) } else { u128::MAX };
        Self { near: fill(self.near), far }
    }
}

/// A host taken apart for matching: where in it each character stands.
pub(super) struct Host {
    /// By ASCII character, which is all that hosts are made of. `?` stands everywhere.
    places: [Places; 128],
    end: Places,
}

impl Host {
    /// `host` is the host of a server name, in lower case.
    pub fn new(host: &[u8]) -> Self {
        let mut places = [Places::NONE; 128];
        let mut here = Places::START;
        for byte in host {
            for symbol in [*byte, b'?'] {
                if let Some(places) = places.get_mut(usize::from(symbol)) {
                    *places = places.or(here);
                }
            }
            here = here.moved();
        }
        Self { places, end: here }
    }

    /// Where a symbol of a pattern other than `*` fits.
    fn places_of(&self, symbol: u8) -> Places {
        self.places.get(usize::from(symbol)).copied().unwrap_or(Places::NONE)
    }
}

/// A pattern, in lower case and without `**`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob(Box<[u8]>);

/// What a pattern asks for. The first three kinds can be looked up instead of matched.
pub(super) enum Shape<'a> {
    /// Exactly this.
    Exact(&'a [u8]),
    /// `*` and this.
    Ending(&'a [u8]),
    /// This and `*`.
    Beginning(&'a [u8]),
    /// More than that.
    Mixed,
}

impl Glob {
    pub fn new(pattern: &str) -> Self {
        // ASCII only: with all of Unicode, U+212A KELVIN SIGN would become a `k`.
        let mut symbols = pattern.to_ascii_lowercase().into_bytes();
        symbols.dedup_by(|symbol, before| *symbol == b'*' && *before == b'*');
        Self(symbols.into())
    }

    pub fn shape(&self) -> Shape<'_> {
        let literal = |text: &[u8]| !text.iter().any(|symbol| matches!(symbol, b'*' | b'?'));
        match &*self.0 {
            text if literal(text) => Shape::Exact(text),
            [b'*', text @ ..] if literal(text) => Shape::Ending(text),
            [text @ .., b'*'] if literal(text) => Shape::Beginning(text),
            _ => Shape::Mixed,
        }
    }

    /// Does the pattern fit the host from its beginning to its end?
    pub fn matches(&self, host: &Host) -> bool {
        let mut reached = Places::START;
        for symbol in &self.0 {
            reached = match symbol {
                b'*' => reached.onward(),
                symbol => reached.and(host.places_of(*symbol)).moved(),
            };
            if reached == Places::NONE {
                return false;
            }
        }
        reached.and(host.end) != Places::NONE
    }
}
