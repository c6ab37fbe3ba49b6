//! Power levels as numbers: integers of any size, and what stands above them all.

use std::cmp::Ordering;

use crate::evidence::Evidence;

/// A power level.
///
/// Room versions 1 to 9 know no bounds for levels, so none are set here: an integer that does not
/// fit 64 bits is kept by its digits, and compared exactly.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Level {
    /// An integer.
    Integer(i64),
    /// An integer beyond 64 bits; its digits have no leading zeros.
    Large {
        /// It is below zero.
        negative: bool,
        /// Its digits.
        digits: Box<str>,
    },
    /// That of the creators of a room of version 12 and later.
    Infinite,
}

impl Level {
    /// The level that decimal digits stand for, whatever zeros they begin with.
    pub(super) fn from_digits(negative: bool, digits: &str) -> Self {
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Self::Integer(0);
        }
        let sign = if negative { "-" } else { "" };
        match [sign, digits].concat().parse() {
            Ok(integer) => Self::Integer(integer),
            Err(_) => Self::Large { negative, digits: digits.into() },
        }
    }

    /// Where this stands to zero, in steps no level can leap: what is beyond 64 bits is below or
    /// above all that is not.
    fn rank(&self) -> i8 {
        match self {
            Self::Large { negative: true, .. } => -1,
            Self::Integer(_) => 0,
            Self::Large { negative: false, .. } => 1,
            Self::Infinite => 2,
        }
    }
}

impl Ord for Level {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(two)) => one.cmp(two),
            (Self::Large { negative, digits: one }, Self::Large { negative: too, digits: two })
                if negative == too =>
            {
                let by_size = one.len().cmp(&two.len()).then_with(|| one.cmp(two));
                if *negative { by_size.reverse() } else { by_size }
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(integer) => integer.fmt(f),
            Self::Large { negative, digits } => {
                let sign = if *negative { "-" } else { "" };
                write!(f, "{sign}{digits}")
            }
            Self::Infinite => f.write_str("infinite"),
        }
    }
}

impl From<&Level> for Evidence {
    fn from(level: &Level) -> Self {
        match level {
            Level::Integer(integer) => (*integer).into(),
            other => other.to_string().into(),
        }
    }
}
