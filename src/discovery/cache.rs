//! What is kept of `.well-known` documents, and how long.

use std::collections::HashMap;

/// How long an answer is kept that does not say it, in milliseconds.
pub const DEFAULT_PERIOD_MS: i64 = 24 * 60 * 60 * 1000;

/// The longest that any answer is kept.
pub const MAX_PERIOD_MS: i64 = 48 * 60 * 60 * 1000;

/// The shortest: whatever a server says, it is not asked again before.
pub const MIN_PERIOD_MS: i64 = 5 * 60 * 1000;

/// The longest that an error is kept.
pub const MAX_ERROR_PERIOD_MS: i64 = 60 * 60 * 1000;

/// How many names are kept by default.
const CAPACITY: usize = 4096;

/// What is known of the `.well-known` documents of server names. Bounded: when it is full, the name
/// goes that was not asked about for the longest time.
#[derive(Debug, Clone)]
pub struct Cache {
    names: HashMap<String, Known>,
    turn: u64,
    capacity: usize,
}

#[derive(Debug, Clone)]
struct Known {
    entry: Entry,
    /// When it was last asked about.
    turn: u64,
}

/// What is known of one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What came of asking for it.
    pub found: Found,
    /// When it was asked for, in milliseconds since 1970.
    pub fetched_ts: i64,
    /// Until when that holds.
    pub expires_ts: i64,
    /// How often in a row no proper answer was to be had.
    failures: u32,
}

/// What came of asking for a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A server name to go to.
    Delegate {
        /// The name, as the document has it.
        delegate: String,
        /// Where the document was in the end.
        url: String,
        /// What the document says of how long it may be kept, in milliseconds.
        lifetime_ms: Option<i64>,
    },
    /// None.
    Nothing {
        /// Why.
        code: &'static str,
        /// The server may do better soon: it could not be reached, or has a fault of its own.
        temporary: bool,
    },
}

impl Default for Cache {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl Cache {
    /// A cache for so many names, one at least.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self { names: HashMap::new(), turn: 0, capacity }
    }

    /// For how many names there is something.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Is there nothing?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.names.clear();
    }

    /// What holds at `now`. A clock that was set back makes everything old.
    pub fn get(&mut self, host: &str, now: i64) -> Option<Entry> {
        let known = self.names.get(host)?;
        let entry = known.entry.clone();
        self.touch(host);
        ((entry.fetched_ts..entry.expires_ts).contains(&now)).then_some(entry)
    }

    /// Takes what came of asking at `now`, and gives what holds from now on: a delegate that is known
    /// and has not expired outlives a failure that may be gone soon.
    pub fn put(&mut self, host: &str, now: i64, found: Found) -> Entry {
        let before = self.names.get(host).map(|known| &known.entry);
        if let Some(before) = before
            && matches!(before.found, Found::Delegate { .. })
            && matches!(found, Found::Nothing { temporary: true, .. })
            && (before.fetched_ts..before.expires_ts).contains(&now)
        {
            return before.clone();
        }
        let failures = match &found {
            Found::Nothing { temporary: true, .. } => {
                before.map_or(0, |before| before.failures).saturating_add(1)
            }
            _ => 0,
        };
        let period = match &found {
            Found::Delegate { lifetime_ms, .. } => {
                lifetime_ms.unwrap_or(DEFAULT_PERIOD_MS).clamp(MIN_PERIOD_MS, MAX_PERIOD_MS)
            }
            Found::Nothing { temporary: false, .. } => MAX_ERROR_PERIOD_MS,
            Found::Nothing { temporary: true, .. } => back_off(failures),
        };
        let expires_ts = now.saturating_add(period);
        let entry = Entry { found, fetched_ts: now, expires_ts, failures };
        if before.is_none() && self.names.len() >= self.capacity {
            self.make_room();
        }
        // Turn 0 is nobody's: `touch` gives the real one.
        self.names
            .entry(host.to_owned())
            .and_modify(|known| known.entry = entry.clone())
            .or_insert_with(|| Known { entry: entry.clone(), turn: 0 });
        self.touch(host);
        entry
    }

    fn touch(&mut self, host: &str) {
        let Some(known) = self.names.get_mut(host) else { return };
        self.turn = self.turn.saturating_add(1);
        known.turn = self.turn;
    }

    fn make_room(&mut self) {
        let oldest = self.names.iter().min_by_key(|(_, known)| known.turn);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.names.remove(&name);
        }
    }
}

/// How long a failure is kept: 5, 10, 20, 40, then 60 minutes.
fn back_off(failures: u32) -> i64 {
    let doublings = failures.saturating_sub(1);
    let factor = 1i64.checked_shl(doublings).filter(|factor| *factor > 0).unwrap_or(i64::MAX);
    MIN_PERIOD_MS.saturating_mul(factor).min(MAX_ERROR_PERIOD_MS)
}
