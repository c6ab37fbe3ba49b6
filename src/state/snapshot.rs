//! A room state that shares what it has in common with others.
//!
//! A room has as many states as events, and nearly all of each is that of the one before. A snapshot
//! is a tree over the numbers of places in the state; changing one place copies the few nodes above it
//! and shares the rest. Two snapshots are compared without looking at what they share.

use std::sync::Arc;

use super::graph::{EventIndex, Place};

/// How many bits of a place's number a level of the tree takes.
const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;

#[derive(Debug, Clone)]
enum Node {
    Branch([Option<Arc<Node>>; WIDTH]),
    Leaf([Option<EventIndex>; WIDTH]),
}

/// The event at each place of a room state. Cloning costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    root: Option<Arc<Node>>,
    /// How many branches stand above a leaf.
    height: u32,
}

/// Which child of a node, `height` branches above the leaves, leads to a place.
fn slot(place: Place, height: u32) -> usize {
    let shifted = place.0.checked_shr(height.saturating_mul(BITS)).unwrap_or(0);
    shifted as usize & (WIDTH - 1)
}

impl Node {
    fn empty(height: u32) -> Self {
        if height == 0 { Self::Leaf(Default::default()) } else { Self::Branch(Default::default()) }
    }
}

impl Snapshot {
    /// The event at a place.
    #[must_use]
    pub fn get(&self, place: Place) -> Option<EventIndex> {
        if self.height_for(place) > self.height {
            return None;
        }
        let mut node = self.root.as_deref()?;
        let mut height = self.height;
        loop {
            match node {
                Node::Branch(children) => node = children.get(slot(place, height))?.as_deref()?,
                Node::Leaf(events) => return *events.get(slot(place, 0))?,
            }
            height = height.saturating_sub(1);
        }
    }

    /// Sets or takes away the event at a place.
    pub fn set(&mut self, place: Place, event: Option<EventIndex>) {
        let height = self.height_for(place);
        if height > self.height || self.root.is_none() {
            if event.is_none() {
                return;
            }
            self.raise(height.max(self.height));
        }
        let mut height = self.height;
        let mut node = self.root.get_or_insert_with(|| Arc::new(Node::empty(height)));
        loop {
            let index = slot(place, height);
            match Arc::make_mut(node) {
                Node::Leaf(events) => {
                    if let Some(slot) = events.get_mut(index) {
                        *slot = event;
                    }
                    return;
                }
                Node::Branch(children) => {
                    height = height.saturating_sub(1);
                    let Some(child) = children.get_mut(index) else { return };
                    node = child.get_or_insert_with(|| Arc::new(Node::empty(height)));
                }
            }
        }
    }

    /// The height that a tree with this place must have.
    fn height_for(&self, place: Place) -> u32 {
        let bits = u32::BITS.saturating_sub(place.0.leading_zeros());
        bits.div_ceil(BITS).saturating_sub(1)
    }

    fn raise(&mut self, height: u32) {
        while self.height < height {
            self.height = self.height.saturating_add(1);
            if let Some(root) = self.root.take() {
                let mut children: [Option<Arc<Node>>; WIDTH] = Default::default();
                if let Some(first) = children.first_mut() {
                    *first = Some(root);
                }
                self.root = Some(Arc::new(Node::Branch(children)));
            }
        }
    }

    /// Do they share everything? Others may be equal too; this costs nothing to ask.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.root, &other.root) {
            (None, None) => true,
            (Some(one), Some(two)) => self.height == other.height && Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    /// All places with their events, in the order of places.
    pub fn iter(&self) -> impl Iterator<Item = (Place, EventIndex)> {
        let mut found = Vec::new();
        self.differences(&Self::default(), |place, event, _| {
            if let Some(event) = event {
                found.push((place, event));
            }
        });
        found.into_iter()
    }

    /// Gives every place at which two states differ to `visit`, with the event of each.
    pub fn differences(
        &self,
        other: &Self,
        mut visit: impl FnMut(Place, Option<EventIndex>, Option<EventIndex>),
    ) {
        let height = self.height.max(other.height);
        let raised = |snapshot: &Self| {
            let mut snapshot = snapshot.clone();
            snapshot.raise(height);
            snapshot.root
        };
        let mut pending = vec![(raised(self), raised(other), height, 0u32)];
        while let Some((one, two, height, base)) = pending.pop() {
            match (&one, &two) {
                (None, None) => continue,
                (Some(one), Some(two)) if Arc::ptr_eq(one, two) => continue,
                _ => {}
            }
            for index in (0..WIDTH).rev() {
                let number = base | u32::try_from(index).unwrap_or(0);
                if height == 0 {
                    continue;
                }
                let next = (child(&one, index), child(&two, index));
                pending.push((next.0, next.1, height.saturating_sub(1), number << BITS));
            }
            if height == 0 {
                for index in 0..WIDTH {
                    let events = (event(&one, index), event(&two, index));
                    if events.0 != events.1 {
                        visit(Place(base | u32::try_from(index).unwrap_or(0)), events.0, events.1);
                    }
                }
            }
        }
    }
}

fn child(node: &Option<Arc<Node>>, index: usize) -> Option<Arc<Node>> {
    match node.as_deref() {
        Some(Node::Branch(children)) => children.get(index)?.clone(),
        _ => None,
    }
}

fn event(node: &Option<Arc<Node>>, index: usize) -> Option<EventIndex> {
    match node.as_deref() {
        Some(Node::Leaf(events)) => *events.get(index)?,
        _ => None,
    }
}
