//! Rooms with a fork at the end, whose two states are to be resolved.

use fedproof::room_version::RoomVersion;

use super::maker::{Branch, Made, Maker};

/// A room, and the two branches in which it ends.
pub struct Fork {
    pub version: &'static RoomVersion,
    pub events: Vec<Made>,
    pub branches: [Branch; 2],
}

impl Fork {
    /// Members that joined and changed their profiles twice; each branch changes the power levels and
    /// the profiles of some.
    pub fn of_profiles(version: &'static RoomVersion, members: usize, disputed: usize) -> Self {
        Self::new(
            version,
            |maker, trunk, events| {
                for _ in 0..3 {
                    events.extend((1..members).map(|number| maker.member(trunk, number)));
                }
            },
            |maker, branch, events| {
                events.push(maker.power_levels(branch));
                events.extend((1..=disputed).map(|number| maker.member(branch, number)));
            },
        )
    }

    /// Each branch has joins of its own of the same users.
    pub fn of_joins(version: &'static RoomVersion, disputed: usize) -> Self {
        Self::new(
            version,
            |_, _, _| {},
            |maker, branch, events| {
                events.extend((1..=disputed).map(|number| maker.member(branch, number)));
            },
        )
    }

    /// Each branch changes the power levels again and again.
    pub fn of_power_levels(version: &'static RoomVersion, disputed: usize) -> Self {
        Self::new(
            version,
            |_, _, _| {},
            |maker, branch, events| {
                events.extend((0..disputed).map(|_| maker.power_levels(branch)));
            },
        )
    }

    fn new(
        version: &'static RoomVersion,
        before: impl Fn(&mut Maker, &mut Branch, &mut Vec<Made>),
        each: impl Fn(&mut Maker, &mut Branch, &mut Vec<Made>),
    ) -> Self {
        let mut maker = Maker::new(version);
        let mut trunk = Branch::default();
        let mut events = maker.begin(&mut trunk);
        before(&mut maker, &mut trunk, &mut events);
        let mut branches = trunk.fork();
        for branch in &mut branches {
            each(&mut maker, branch, &mut events);
        }
        Self { version, events, branches }
    }
}
