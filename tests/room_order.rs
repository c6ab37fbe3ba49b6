//! Rooms whose events come in any order: what is known at the end is the same.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{data, files};
use fedproof::keys::KeyRing;
use fedproof::receive::Options;
use fedproof::state::{Room, Snapshot, Step};
use fedproof::verdict::{Outcome, Verdict};

/// Rooms of which some events are dropped, so that others wait for them forever.
fn diverges(name: &str) -> bool {
    name.starts_with("verdicts-")
}

fn rooms() -> Vec<common::Room> {
    let rooms = files(&data("rooms")).into_iter();
    let rooms = rooms.filter(|path| !diverges(&path.file_stem().unwrap().to_string_lossy()));
    rooms.map(|path| common::Room::load(&path)).collect()
}

fn room_of(name: &str) -> common::Room {
    common::Room::load(&data(&format!("rooms/{name}.json")))
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for index in (1..count).rev() {
            order.swap(index, self.below(index + 1));
        }
        order
    }
}

/// Looks at all that came; gives what was judged.
fn work(room: &mut Room, ring: &KeyRing) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    loop {
        match room.step(ring) {
            Step::Verdict(verdict) | Step::Outlier(verdict) => verdicts.push(verdict),
            Step::Waits => {}
            Step::Again(event) => panic!("{} was judged before", room.graph().id(event)),
            Step::Idle => return verdicts,
        }
    }
}

/// What must not depend on the order.
#[derive(Debug, PartialEq, Eq)]
struct Known {
    current: BTreeSet<String>,
    extremities: BTreeSet<String>,
    before: BTreeMap<String, BTreeSet<String>>,
    after: BTreeMap<String, BTreeSet<String>>,
    rejected: BTreeSet<String>,
    soft_failed: BTreeSet<String>,
    /// What lost its content.
    redacted: BTreeSet<String>,
}

impl Known {
    fn of(file: &common::Room, room: &Room) -> Self {
        assert_eq!(room.undecided().count(), 0, "{}", file.name);
        assert_eq!(room.missing_events().count(), 0, "{}", file.name);
        let ids = |state: &Snapshot| -> BTreeSet<String> {
            state.iter().map(|(_, event)| room.graph().id(event).to_owned()).collect()
        };
        let find = |id: &String| room.graph().find(id).unwrap();
        let each = file.event_ids.iter();
        let with = |outcome| {
            let of_outcome = |id: &&String| room.outcome(find(id)) == Some(outcome);
            each.clone().filter(of_outcome).cloned().collect()
        };
        let redacted = |id: &&String| room.redacted_by(find(id)).is_some();
        let before = |id: &String| (id.clone(), ids(room.state_before(find(id)).unwrap()));
        let after = |id: &String| (id.clone(), ids(room.state_after(find(id)).unwrap()));
        Self {
            current: ids(room.current_state()),
            extremities: room
                .extremities()
                .map(|event| room.graph().id(event).to_owned())
                .collect(),
            before: each.clone().map(before).collect(),
            after: each.clone().map(after).collect(),
            rejected: with(Outcome::Rejected),
            soft_failed: with(Outcome::SoftFailed),
            redacted: each.clone().filter(redacted).cloned().collect(),
        }
    }
}

/// All events come at once.
fn receive(file: &common::Room, order: &[usize]) -> Known {
    receive_with_pauses(file, order, |_| 0)
}

/// Now and then, some of what came is looked at before more comes.
fn receive_with_pauses(
    file: &common::Room,
    order: &[usize],
    mut steps: impl FnMut(&Room) -> usize,
) -> Known {
    let mut room = Room::new(file.version, Options::default());
    let mut verdicts = 0;
    for index in order {
        room.push(file.pdus[*index].clone());
        for _ in 0..steps(&room) {
            verdicts += usize::from(matches!(room.step(&file.ring), Step::Verdict(_)));
        }
    }
    verdicts += work(&mut room, &file.ring).len();
    assert_eq!(verdicts, file.pdus.len(), "{}: {order:?}", file.name);
    Known::of(file, &room)
}

/// The same, but for what an order may change: an event that was sent without knowing of another fails
/// softly only if it comes later than that. Who is soft failed is no extremity, and not in the current
/// state.
#[track_caller]
fn assert_same(name: &str, order: &[usize], ours: &Known, expected: &Known) {
    assert_eq!(ours.before, expected.before, "{name}: {order:?}");
    assert_eq!(ours.after, expected.after, "{name}: {order:?}");
    assert_eq!(ours.rejected, expected.rejected, "{name}: {order:?}");
    if ours.soft_failed == expected.soft_failed {
        assert_eq!(ours.extremities, expected.extremities, "{name}: {order:?}");
        assert_eq!(ours.redacted, expected.redacted, "{name}: {order:?}");
    }
    assert_eq!(ours.current, expected.current, "{name}: {order:?}");
}

fn check(files: &[common::Room], orders: usize, seed: u64) {
    let mut random = Random(seed);
    for file in files {
        let in_order: Vec<usize> = (0..file.pdus.len()).collect();
        let expected = receive(file, &in_order);
        let backwards: Vec<usize> = in_order.iter().rev().copied().collect();
        assert_same(&file.name, &backwards, &receive(file, &backwards), &expected);
        for _ in 0..orders {
            let order = random.order(file.pdus.len());
            // At most every third time: chunks of all sizes come about.
            let pauses = |_: &Room| if random.below(3) == 0 { random.below(9) } else { 0 };
            let ours = receive_with_pauses(file, &order, pauses);
            assert_same(&file.name, &order, &ours, &expected);
        }
    }
}

#[test]
fn f85_small_rooms_are_the_same_in_a_hundred_orders() {
    check(&["gate-v1", "gate-v8", "policy-v12"].map(room_of), 100, 1);
}

#[test]
fn f85_rooms_with_forks_are_the_same_in_any_order() {
    check(&["forks-v1", "forks-v3", "forks-v6", "forks-v9", "forks-v12"].map(room_of), 10, 2);
}

#[test]
fn f85_other_rooms_are_the_same_in_any_order() {
    let files: Vec<_> =
        rooms().into_iter().filter(|file| !file.name.starts_with("forks-")).collect();
    let middle = files.len() / 2;
    std::thread::scope(|scope| {
        scope.spawn(|| check(&files[..middle], 10, 3));
        check(&files[middle..], 10, 4);
    });
}

#[test]
fn f97_what_is_missing_is_named_and_nothing_is_lost() {
    let mut random = Random(5);
    for name in ["life-v1", "life-v11", "forks-v12", "policy-v10"] {
        let file = room_of(name);
        let expected = receive(&file, &(0..file.pdus.len()).collect::<Vec<_>>());
        for late in [0, 1, file.pdus.len() / 2, random.below(file.pdus.len() - 1)] {
            let mut room = Room::new(file.version, Options::default());
            for (index, pdu) in file.pdus.iter().enumerate() {
                if index != late {
                    room.push(pdu.clone());
                }
            }
            let verdicts = work(&mut room, &file.ring);
            let waiting: Vec<Verdict> = room.undecided().collect();
            assert_eq!(verdicts.len() + waiting.len(), file.pdus.len() - 1, "{name}");
            let missing: Vec<_> =
                room.missing_events().map(|(id, count)| (id.to_owned(), count)).collect();
            let id = &file.event_ids[late];
            assert_eq!(missing.len(), 1, "{name} without {late}: {missing:?}");
            assert_eq!(&missing[0].0, id, "{name} without {late}");
            assert!(missing[0].1 > 0, "{name} without {late}");
            let direct = waiting.iter().filter(|verdict| {
                assert_eq!(verdict.outcome, Outcome::Incomplete, "{name}");
                let last = verdict.checks.last().unwrap();
                assert_eq!(last.code, Some("event_missing"), "{name}");
                assert!(!last.missing.is_empty(), "{name}");
                last.missing.contains(id)
            });
            assert_eq!(direct.count(), missing[0].1, "{name} without {late}");

            room.push(file.pdus[late].clone());
            let released = work(&mut room, &file.ring);
            assert_eq!(released.len(), waiting.len() + 1, "{name} without {late}");
            assert_same(name, &[late], &Known::of(&file, &room), &expected);
        }
    }
}

#[test]
fn f97_an_event_that_comes_twice_is_judged_once() {
    let file = room_of("life-v10");
    let mut room = Room::new(file.version, Options::default());
    for pdu in &file.pdus {
        room.push(pdu.clone());
    }
    work(&mut room, &file.ring);
    let known = Known::of(&file, &room);
    for (pdu, id) in file.pdus.iter().zip(&file.event_ids) {
        room.push(pdu.clone());
        assert!(!room.is_idle());
        let event = room.graph().find(id).unwrap();
        assert_eq!(room.step(&file.ring), Step::Again(event));
        assert_eq!(room.step(&file.ring), Step::Idle);
    }
    assert_eq!(Known::of(&file, &room), known);

    // While it waits, it goes on waiting once.
    let mut room = Room::new(file.version, Options::default());
    for pdu in [&file.pdus[1], &file.pdus[1]] {
        room.push(pdu.clone());
        assert_eq!(room.step(&file.ring), Step::Waits);
    }
    assert_eq!(room.undecided().count(), 1);
    assert!(room.missing_events().all(|(_, count)| count == 1));
    room.push(file.pdus[0].clone());
    assert_eq!(work(&mut room, &file.ring).len(), 2);
    assert_eq!((room.undecided().count(), room.missing_events().count()), (0, 0));
}

#[test]
fn f97_events_that_lack_keys_are_judged_when_these_come() {
    for name in ["life-v1", "life-v10", "forks-v12"] {
        let file = room_of(name);
        let expected = receive(&file, &(0..file.pdus.len()).collect::<Vec<_>>());
        let mut random = Random(6);
        let mut room = Room::new(file.version, Options::default());
        for index in random.order(file.pdus.len()) {
            room.push(file.pdus[index].clone());
        }
        let none = KeyRing::default();
        assert_eq!(work(&mut room, &none), Vec::new(), "{name}");
        assert_eq!(room.undecided().count(), file.pdus.len(), "{name}");
        assert!(room.is_idle());

        // Still none: everything goes on waiting.
        room.retry();
        assert!(!room.is_idle());
        assert_eq!(work(&mut room, &none), Vec::new(), "{name}");
        assert_eq!(room.undecided().count(), file.pdus.len(), "{name}");

        room.retry();
        assert_eq!(work(&mut room, &file.ring).len(), file.pdus.len(), "{name}");
        assert_same(name, &[], &Known::of(&file, &room), &expected);
        room.retry();
        assert!(room.is_idle());
    }
}
