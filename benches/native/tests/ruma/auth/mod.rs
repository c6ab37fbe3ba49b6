//! fedproof and ruma on the same events before the same rooms, of all room versions. Wherever they
//! differ, one of the rows in `rows.rs` must say why.

mod case;
mod invitation;
mod judges;
mod levels;
#[path = "../../../../shared/ruma.rs"]
mod pdu;
mod repair;
mod room;
mod rows;

use std::collections::BTreeMap;

use fedproof::auth::Rule;
use fedproof::room_version;

use crate::judges::Answer;
use crate::random::Random;
use crate::{kind, shown};
use case::Case;
use judges::By;
use room::Room;
use rows::{Facts, ROWS};

pub use rows::section;

const ROOMS: usize = 3_000;
const EVENTS_A_ROOM: usize = 12;
const SEED: u64 = 12;

#[test]
fn every_difference_in_authorization_is_explained() {
    let mut random = Random::new(SEED);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unexplained: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let mut events = 0;
    for number in 0..ROOMS {
        let version = &room_version::ALL[number % room_version::ALL.len()];
        let mut room = Room::new(version, &mut random);
        for _ in 0..EVENTS_A_ROOM {
            let Some(case) = case::case(&mut room, &mut random) else { continue };
            events += 1;
            let (answers, rule) = judges::fedproof(&case);
            *rules.entry(format!("{rule:?}")).or_default() += 1;
            for (by, ours) in answers {
                let theirs = judges::ruma(&case, by);
                *outcomes.entry(format!("{by:?}: {}", shown(&ours))).or_default() += 1;
                if ours.agrees(&theirs) {
                    continue;
                }
                let facts = Facts { case: &case, by, ours: &ours, theirs: &theirs };
                match facts.explained() {
                    Some(input) => *seen.entry(input).or_default() += 1,
                    None => {
                        let kind = format!("{by:?} {} {}", kind(&ours), kind(&theirs));
                        let example = || (0, report(&case, by, &ours, &theirs));
                        unexplained.entry(kind).or_insert_with(example).0 += 1;
                    }
                }
            }
        }
    }
    println!(
        "{events} events; by fedproof: {outcomes:#?}\ndeciding: {rules:#?}\ndifferences: {seen:#?}"
    );
    for (count, example) in unexplained.values() {
        println!("\n{count} times, for example: {example}");
    }
    assert!(unexplained.is_empty(), "differences that no row explains");
    for row in ROWS {
        assert!(seen.contains_key(row.input), "this difference is never seen: {}", row.input);
    }
    assert!(events > 30_000, "only {events} events");
    for rule in Rule::ALL.iter().filter(|rule| !is_heading(**rule)) {
        assert!(rules.contains_key(&format!("{rule:?}")), "{rule:?} never decides");
    }
    // The generator must not only make events that are thrown away.
    for by in [By::Cited, By::State] {
        let allowed = outcomes[&format!("{by:?}: allowed")];
        assert!(allowed > events / 5, "only {allowed} events are allowed by {by:?}");
    }
}

/// Are there rules below this one in any room version?
fn is_heading(rule: Rule) -> bool {
    room_version::ALL.iter().any(|version| {
        let below = rule.number(version).map(|number| format!("{number}."));
        let numbers = Rule::ALL.iter().filter_map(|other| other.number(version));
        below.is_some_and(|below| numbers.into_iter().any(|number| number.starts_with(&below)))
    })
}

fn report(case: &Case, by: By, ours: &Answer, theirs: &Answer) -> String {
    let short = |text: &[u8]| String::from_utf8_lossy(text).chars().take(900).collect::<String>();
    let mut text = format!(
        "version {}: {}\n  by {by:?}\n  fedproof: {:.300}\n  ruma:     {:.300}\n  {}\n",
        case.version.id,
        case.story,
        shown(ours),
        shown(theirs),
        short(case.event.ours.pdu().json().text())
    );
    let cited: Vec<_> = case.cited().filter_map(|(_, sent)| sent).collect();
    let context: Vec<_> = match by {
        By::Cited => cited,
        By::State => case.state.iter().map(AsRef::as_ref).collect(),
    };
    for sent in context {
        let key = &sent.tree["state_key"];
        let content = sent.ours.pdu().content().map(|content| short(content.text()));
        text +=
            &format!("    {} {} {key}: {}\n", sent.id, sent.kind(), content.unwrap_or_default());
    }
    text
}
