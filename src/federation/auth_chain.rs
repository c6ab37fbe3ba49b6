//! Where events lead: is an auth chain whole, which holds every event that one of its events cites; and
//! which events can be reached from others?

use std::collections::{HashMap, HashSet};

/// What keeps an auth chain from being whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// The IDs of events that are cited and not there, each once, in order.
    pub missing: Vec<String>,
    /// The IDs of events that cite each other in a circle, or that rest on such: only in room versions
    /// 1 and 2, where an ID is no hash, can there be any.
    pub in_circle: Vec<String>,
}

impl Gaps {
    /// Is the chain whole?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.in_circle.is_empty()
    }
}

/// What is missing in a chain of events, given by their IDs and those that they cite. The work is
/// linear in the citations.
pub(super) fn gaps(events: &[(String, Vec<String>)]) -> Gaps {
    let indices: HashMap<&str, usize> =
        events.iter().enumerate().map(|(index, (id, _))| (id.as_str(), index)).collect();
    let mut missing = Vec::new();
    let mut told = HashSet::new();
    let mut waiting = vec![0usize; events.len()];
    let mut cited_by: Vec<Vec<usize>> = vec![Vec::new(); events.len()];
    for (index, (_, cited)) in events.iter().enumerate() {
        for id in cited {
            match indices.get(id.as_str()) {
                None if told.insert(id) => missing.push(id.clone()),
                None => {}
                Some(&of) => {
                    if let (Some(count), Some(citing)) =
                        (waiting.get_mut(index), cited_by.get_mut(of))
                    {
                        *count = count.saturating_add(1);
                        citing.push(index);
                    }
                }
            }
        }
    }
    // Whoever rests on nothing that waits is settled, from the create event upwards.
    let mut settled: Vec<usize> = indices_of(&waiting, |count| count == 0).collect();
    while let Some(index) = settled.pop() {
        for citing in cited_by.get(index).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*citing) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    settled.push(*citing);
                }
            }
        }
    }
    let in_circle = indices_of(&waiting, |count| count > 0);
    let in_circle = in_circle.filter_map(|index| Some(events.get(index)?.0.clone())).collect();
    Gaps { missing, in_circle }
}

fn indices_of(counts: &[usize], wanted: fn(usize) -> bool) -> impl Iterator<Item = usize> {
    counts.iter().enumerate().filter(move |(_, count)| wanted(**count)).map(|(index, _)| index)
}

/// The IDs that can be reached from `from`, each event leading to those that `next` names.
pub(super) fn reachable<'a>(
    from: impl IntoIterator<Item = &'a str>,
    next: &HashMap<String, Vec<String>>,
    stop: &HashSet<&str>,
) -> HashSet<String> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut open: Vec<String> = from.into_iter().map(str::to_owned).collect();
    while let Some(id) = open.pop() {
        if stop.contains(id.as_str()) || seen.contains(&id) {
            continue;
        }
        open.extend(next.get(&id).into_iter().flatten().cloned());
        seen.insert(id);
    }
    seen
}
