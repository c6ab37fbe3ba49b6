//! Which servers are left alone for a while because they did not answer.

use std::collections::HashMap;

/// The first pause, in milliseconds.
pub const FIRST_PAUSE: i64 = 60 * 1000;
/// The longest pause, in milliseconds.
pub const LONGEST_PAUSE: i64 = 60 * 60 * 1000;
/// How many servers are remembered. Who names servers that do not exist cannot fill the memory.
const MOST_SERVERS: usize = 10_000;

/// Servers that failed. The pause doubles with each failure, from a minute up to an hour.
#[derive(Debug, Default)]
pub struct BackOff {
    servers: HashMap<String, Pause>,
}

#[derive(Debug, Clone, Copy)]
struct Pause {
    until: i64,
    length: i64,
}

impl BackOff {
    /// Until when a server is left alone, in milliseconds since 1970; `None` if it may be asked now.
    #[must_use]
    pub fn paused_until(&self, server: &str, now: i64) -> Option<i64> {
        let pause = self.servers.get(server)?;
        // A clock that was set back must not lengthen the pause.
        (now < pause.until && pause.until.saturating_sub(now) <= pause.length)
            .then_some(pause.until)
    }

    /// The server did not answer.
    pub fn failed(&mut self, server: &str, now: i64) {
        let earlier = self.servers.get(server).map_or(0, |pause| pause.length);
        let length = earlier.saturating_mul(2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
        if !self.servers.contains_key(server) {
            self.make_room(now);
        }
        let pause = Pause { until: now.saturating_add(length), length };
        self.servers.insert(server.to_owned(), pause);
    }

    /// The server answered.
    pub fn succeeded(&mut self, server: &str) {
        self.servers.remove(server);
    }

    /// Forgets servers whose pause is over, and if that does not do, all.
    fn make_room(&mut self, now: i64) {
        if self.servers.len() >= MOST_SERVERS {
            self.servers.retain(|_, pause| now < pause.until);
        }
        if self.servers.len() >= MOST_SERVERS {
            self.servers.clear();
        }
    }
}
