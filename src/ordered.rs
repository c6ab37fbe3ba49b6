//! Sorted lists, ordered sets and maps, for few items or where it seldom happens.
//!
//! The standard library makes an algorithm of some 5 KB for every type and order that is sorted, and
//! `collect` into an ordered set or map sorts, too. Here all share one.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// Sorts; equal items keep their order.
pub(crate) fn sort_by<T>(items: &mut Vec<T>, mut compare: impl FnMut(&T, &T) -> Ordering) {
    let order = order(items.len(), &mut |one, two| match (items.get(one), items.get(two)) {
        (Some(one), Some(two)) => compare(one, two),
        _ => Ordering::Equal,
    });
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|index| taken.get_mut(index)?.take()));
}

/// Sorts from the smallest to the greatest.
pub(crate) fn sort<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, T::cmp);
}

/// The indices of `count` items in the order of the items.
#[inline(never)]
fn order(count: usize, compare: &mut dyn FnMut(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by(|one, two| compare(*one, *two).then(one.cmp(two)));
    order
}

/// The set of these items.
pub(crate) fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    set.extend(items);
    set
}

/// The map of these pairs; of equal keys the last counts.
pub(crate) fn map<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    map.extend(pairs);
    map
}

#[cfg(test)]
mod tests {
    use super::{map, set, sort, sort_by};

    #[test]
    fn items_come_in_order_and_equal_ones_stay_as_they_were() {
        let mut words = vec!["bb", "a", "cc", "b", "aa"];
        sort_by(&mut words, |one, two| one.len().cmp(&two.len()));
        assert_eq!(words, ["a", "b", "bb", "cc", "aa"]);
        sort(&mut words);
        assert_eq!(words, ["a", "aa", "b", "bb", "cc"]);
        let mut none: Vec<String> = Vec::new();
        sort(&mut none);
        assert!(none.is_empty());
    }

    #[test]
    fn sets_and_maps_hold_what_was_given() {
        assert_eq!(set([3, 1, 3]).into_iter().collect::<Vec<_>>(), [1, 3]);
        assert_eq!(
            map([("a", 1), ("b", 2), ("a", 3)]).into_iter().collect::<Vec<_>>(),
            [("a", 3), ("b", 2)]
        );
    }
}
