//! A whole room with many forks, in the order in which its events came.

use super::maker::{Branch, Made, Maker};

/// How many events come after one fork and before the next.
const APART: usize = 480;
/// How many events each branch of a fork has.
const LENGTH: usize = 10;
/// One in so many events, outside of forks, is a join.
const JOINS: usize = 5;

/// Gives the events of a room of so many events to `take`: a fifth of them members, and a fork every
/// 500, whose branches change the power levels and the same profiles.
pub fn events(maker: &mut Maker, count: usize, mut take: impl FnMut(Made)) {
    let mut trunk = Branch::default();
    let mut members = 1;
    maker.begin(&mut trunk).into_iter().for_each(&mut take);
    while maker.made() < count {
        for at in 0..APART.min(count - maker.made()) {
            // The share of joins that the forks leave out is made up for here.
            if at % JOINS == 0 || at % (APART / 4) == 1 {
                take(maker.member(&mut trunk, members));
                members += 1;
            } else {
                take(maker.message(&mut trunk, at % members));
            }
        }
        if maker.made() + 2 * LENGTH > count {
            continue;
        }
        let mut branches = trunk.fork();
        for at in 0..LENGTH {
            for branch in &mut branches {
                take(match at {
                    0 => maker.power_levels(branch),
                    1..=4 => maker.member(branch, at * members / LENGTH),
                    _ => maker.message(branch, at * members / LENGTH),
                });
            }
        }
        trunk.merge(branches);
    }
}
