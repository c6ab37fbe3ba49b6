//! What came and has not been looked at. Checks 1 to 3 are made for several events at once: their
//! hashes side by side.

use std::collections::VecDeque;

use super::waiting::{Waiting, Wants};
use crate::event::Limits;
use crate::keys::KeyRing;
use crate::receive::proof::Prepared;
use crate::receive::{Options, hashes_of};
use crate::room_version::RoomVersion;
use crate::verdict::{Outcome, Verdict};

/// How many events are proven at once.
const BATCH: usize = 16;

/// An event as it travels.
#[derive(Debug, Default)]
pub(super) struct Raw {
    pub bytes: Vec<u8>,
    pub number: Option<u32>,
    pub wants: Option<Wants>,
}

#[derive(Debug)]
enum Incoming {
    Raw(Raw),
    /// Checks 1 to 3 have nothing against it, or lack a key; or it waited.
    Proven(Box<Waiting>),
    /// By check 1 or 2.
    Dropped(Box<Verdict>, Option<u32>),
}

/// An event on its way out of the queue.
pub(super) enum Next {
    Proven(Box<Waiting>),
    Dropped(Box<Verdict>, Option<u32>),
}

/// Events that came and have not been looked at, in order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    incoming: VecDeque<Incoming>,
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.incoming.is_empty()
    }

    pub fn push(&mut self, raw: Raw) {
        self.incoming.push_back(Incoming::Raw(raw));
    }

    /// An event that waited for others.
    pub fn push_ready(&mut self, waiting: Waiting) {
        self.incoming.push_back(Incoming::Proven(Box::new(waiting)));
    }

    /// One that is looked at next.
    pub fn push_first(&mut self, waiting: Waiting) {
        self.incoming.push_front(Incoming::Proven(Box::new(waiting)));
    }

    /// Those that lacked a key are proven again when their turn comes.
    pub fn retry(&mut self) {
        for incoming in &mut self.incoming {
            if let Incoming::Proven(waiting) = incoming
                && waiting.lacks_key()
            {
                let bytes = std::mem::take(&mut waiting.bytes);
                let (number, wants) = (waiting.number, Some(waiting.wants));
                *incoming = Incoming::Raw(Raw { bytes, number, wants });
            }
        }
    }

    pub fn next(
        &mut self,
        version: &'static RoomVersion,
        ring: &KeyRing,
        options: Options,
    ) -> Option<Next> {
        if matches!(self.incoming.front(), Some(Incoming::Raw(_))) {
            self.prove(version, ring, options);
        }
        match self.incoming.pop_front()? {
            Incoming::Proven(waiting) => Some(Next::Proven(waiting)),
            Incoming::Dropped(verdict, number) => Some(Next::Dropped(verdict, number)),
            // All that stand in front are proven by now.
            Incoming::Raw(_) => None,
        }
    }

    /// Checks 1 to 3 of the next events.
    fn prove(&mut self, version: &'static RoomVersion, ring: &KeyRing, options: Options) {
        let mut batch = Vec::with_capacity(BATCH);
        for incoming in self.incoming.iter_mut().take(BATCH) {
            let Incoming::Raw(raw) = incoming else { continue };
            let raw = std::mem::take(raw);
            let options = limited(&raw, options);
            let prepared = Prepared::new(&raw.bytes, version, options);
            batch.push((incoming, raw, prepared, options));
        }
        let well_formed = batch.iter().filter_map(|(_, _, prepared, _)| prepared.as_ref().ok());
        let mut hashes = hashes_of(well_formed).into_iter();
        for (incoming, raw, prepared, options) in batch {
            *incoming = match prepared {
                Err(verdict) => Incoming::Dropped(verdict, raw.number),
                Ok(prepared) => {
                    // There are as many pairs as events.
                    let (reference, content) = hashes.next().unwrap_or_default();
                    let proof = prepared.prove(&reference, &content, ring, options);
                    let verdict = proof.verdict;
                    if verdict.outcome == Outcome::Dropped {
                        Incoming::Dropped(Box::new(verdict), raw.number)
                    } else {
                        let (event, signed) = prepared.into_event(&verdict, proof.authoriser);
                        Incoming::Proven(Box::new(Waiting {
                            wants: wants(&raw),
                            bytes: raw.bytes,
                            number: raw.number,
                            event,
                            signed,
                            verdict,
                            undecided: None,
                            previous: Default::default(),
                            cited: Default::default(),
                            found_previous: Default::default(),
                            found_cited: Default::default(),
                        }))
                    }
                }
            };
        }
    }
}

fn wants(raw: &Raw) -> Wants {
    raw.wants.unwrap_or(Wants { outlier: false, full: true, backfill: false })
}

/// Only events that are sent have limits on how many others they name.
fn limited(raw: &Raw, options: Options) -> Options {
    let wants = wants(raw);
    let is_sent = wants.full && !wants.backfill;
    Options { limits: if is_sent { options.limits } else { Limits::Backfill }, ..options }
}
