//! The mainline ordering: by how old the power levels are that an event rests on.

use std::collections::HashMap;

use super::graph::{EventIndex, Graph};

/// The power levels that a power levels event came out of, itself first.
#[derive(Debug)]
pub struct Mainline {
    /// From the newest to the oldest.
    pub events: Vec<EventIndex>,
    /// Where each stands, and where what rests on it does; `None` for what rests on none of them.
    positions: HashMap<EventIndex, Option<usize>>,
}

impl Mainline {
    /// The mainline of a power levels event; without one, it is empty.
    #[must_use]
    pub fn of(graph: &Graph, power_levels: Option<EventIndex>) -> Self {
        let mut events = Vec::new();
        let mut next = power_levels;
        while let Some(event) = next {
            events.push(event);
            next = graph.node(event).and_then(|node| node.power_levels);
        }
        let positions = events.iter().enumerate().map(|(at, event)| (*event, Some(at))).collect();
        Self { events, positions }
    }

    /// The mainline position of an event: that of the nearest event of the mainline among the power
    /// levels that it rests on. `None` stands for infinity: it rests on none of them.
    pub fn position(&mut self, graph: &Graph, event: EventIndex) -> Option<usize> {
        let mut passed = Vec::new();
        let mut next = graph.node(event).and_then(|node| node.power_levels);
        let position = loop {
            let Some(power_levels) = next else { break None };
            if let Some(known) = self.positions.get(&power_levels) {
                break *known;
            }
            passed.push(power_levels);
            next = graph.node(power_levels).and_then(|node| node.power_levels);
        };
        // Whoever comes by here again need not walk further.
        self.positions.extend(passed.into_iter().map(|event| (event, position)));
        position
    }

    /// Sorts events: those first whose power levels are older, then the earlier, then by ID.
    pub fn sort(
        &mut self,
        graph: &Graph,
        events: impl IntoIterator<Item = EventIndex>,
    ) -> Vec<(EventIndex, Option<usize>)> {
        let mut ranked: Vec<_> = events
            .into_iter()
            .map(|event| {
                let position = self.position(graph, event);
                let node = graph.node(event);
                let ts = node.map_or(0, |node| node.event.pdu().origin_server_ts());
                (position, ts, graph.id(event), event)
            })
            .collect();
        ranked.sort_unstable_by(|one, two| {
            // Greater positions first, and infinity is the greatest.
            let position = |position: Option<usize>| position.unwrap_or(usize::MAX);
            position(two.0).cmp(&position(one.0)).then(one.1.cmp(&two.1)).then(one.2.cmp(two.2))
        });
        ranked.into_iter().map(|(position, _, _, event)| (event, position)).collect()
    }
}
