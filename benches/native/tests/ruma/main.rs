//! fedproof and ruma on the same generated events of room versions 6 to 12 (ruma does not support
//! earlier ones). Wherever they differ, one of the classes in `classes.rs` must say why; the table
//! of those classes is `docs/differences-ruma.md`.

mod auth;
mod classes;
mod generate;
mod judges;
mod random;
mod text;
mod world;

use std::collections::BTreeMap;
use std::path::Path;

use classes::{CLASSES, Facts};
use generate::Case;
use judges::{Answer, Question};
use random::Random;
use world::World;

const EVENTS: usize = 20_000;
const SEED: u64 = 11;

#[test]
fn every_difference_is_explained() {
    let world = World::new();
    let mut random = Random::new(SEED);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    // One example for each pair of answers.
    let mut unexplained: BTreeMap<String, (usize, String)> = BTreeMap::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..EVENTS {
        let case = generate::case(&mut random);
        for (question, ours, theirs) in compare(&case, &world) {
            if question == Question::Verdict {
                *outcomes.entry(shown(&ours)).or_default() += 1;
            }
            if ours.agrees(&theirs) {
                continue;
            }
            let facts = Facts::new(&case, question, &ours, &theirs);
            match CLASSES.iter().find(|class| (class.explains)(&facts)) {
                Some(class) => *seen.entry(class.input).or_default() += 1,
                None => {
                    let kind = format!("{question:?} {} {}", kind(&ours), kind(&theirs));
                    let example = || (0, report(&case, question, &ours, &theirs));
                    unexplained.entry(kind).or_insert_with(example).0 += 1;
                }
            }
        }
    }
    println!("{EVENTS} events; verdicts by fedproof: {outcomes:#?}\ndifferences: {seen:#?}");
    for (count, example) in unexplained.values() {
        println!("\n{count} times, for example: {example}");
    }
    assert!(unexplained.is_empty(), "differences that no class explains");
    for class in CLASSES {
        assert!(seen.contains_key(class.input), "this difference is never seen: {}", class.input);
    }
    // The generator must not only make events that are thrown away.
    for (outcome, at_least) in [("accepted", EVENTS / 4), ("accepted redacted", EVENTS / 50)] {
        assert!(outcomes[outcome] > at_least, "only {} events are {outcome}", outcomes[outcome]);
    }
}

/// The answers of both sides to each question that both can be asked.
fn compare(case: &Case, world: &World) -> Vec<(Question, Answer, Answer)> {
    let ours = judges::fedproof(&case.text, case.version, world);
    let theirs = judges::ruma(&case.text, case.version, world);
    let same = |question| theirs.iter().find(|(theirs, _)| *theirs == question);
    ours.into_iter()
        .filter_map(|(question, ours)| Some((question, ours, same(question)?.1.clone())))
        .collect()
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Is(value) => value.clone(),
        Answer::Refused(why) => format!("refused: {why}"),
        Answer::Incomplete => "incomplete".to_owned(),
    }
}

/// What an answer has in common with others.
fn kind(answer: &Answer) -> String {
    match answer {
        Answer::Is(value) if value.starts_with("accepted") => value.clone(),
        Answer::Is(_) => "a value".to_owned(),
        // Without places and values.
        _ => shown(answer)
            .split([',', '`', '"'])
            .next()
            .unwrap_or_default()
            .replace(|c: char| c.is_ascii_digit(), ""),
    }
}

fn report(case: &Case, question: Question, ours: &Answer, theirs: &Answer) -> String {
    let text: String = String::from_utf8_lossy(&case.text).chars().take(900).collect();
    format!(
        "version {}: {}\n  {question:?}\n  fedproof: {:.300}\n  ruma:     {:.300}\n  {text}\n",
        case.version,
        case.story,
        shown(ours),
        shown(theirs)
    )
}

/// `UPDATE=1 cargo test` writes the table anew.
#[test]
fn the_table_in_the_docs_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/differences-ruma.md");
    let table = classes::document();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &table).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == table,
        "docs/differences-ruma.md is not what the classes say: run with UPDATE=1"
    );
}
