//! fedproof beside ruma, natively, on the events of a corpus file (`benches/run.mjs` makes it).
//! Prints its results as JSON, for the table.
//!
//! CPU time; short blocks in turn, the order turned round each round; a ratio is the median of the
//! ratios of neighbouring blocks.

mod auth;
#[path = "../../shared/made/mod.rs"]
mod made;
#[path = "../../shared/ruma.rs"]
mod ruma;
mod state;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cpu_time::ProcessTime;
use fedproof::json::{self, Numbers};
use fedproof::keys::{Dalek, KeyResponse, KeyRing};
use fedproof::receive::{self, Options};
use fedproof::room_version::RoomVersion;
use fedproof::verdict::Outcome;
use made::trusting::Trusting;
use ruma_common::room_version_rules::RoomVersionRules;
use ruma_common::serde::Base64;
use ruma_common::{CanonicalJsonObject, RoomVersionId};
use ruma_signatures::{PublicKeyMap, Verified};
use serde_json::{Value, json};

const USAGE: &str = "usage: fedproof-bench CORPUS.json | auth | state | serve-ruma MEMBERS DISPUTED | \
    write-room VERSION COUNT FILE";
/// Rounds, and how many events a block has, for what takes microseconds.
const PACE: Pace = Pace { rounds: 201, block: 25 };
const FETCHED_TS: i64 = 1_780_086_400_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["auth"] => println!("{}", Value::from(auth::rows())),
        ["state"] => println!("{}", Value::from(state::rows())),
        ["serve-ruma", members, disputed] => {
            state::serve_ruma(members.parse().unwrap(), disputed.parse().unwrap());
        }
        ["write-room", version, count, file] => {
            state::write_room(version, count.parse().unwrap(), file);
        }
        [file] => corpus_rows(file),
        _ => panic!("{USAGE}"),
    }
}

fn corpus_rows(file: &str) {
    let corpus: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let fedproof = |check| Fedproof::new(&corpus, check);
    let ours = fedproof(KeyRing::default());
    let by_dalek = fedproof(KeyRing::with_check(Arc::new(Dalek)));
    let unsigned = fedproof(KeyRing::with_check(Arc::new(Trusting)));
    let ruma = Ruma::new(&corpus);

    let mut rows = Vec::new();
    for (form, name) in [("events", "keys in any order"), ("canonical", "keys in canonical order")]
    {
        let events = texts(&corpus[form]);
        let times = race(
            PACE,
            &events,
            [
                &|event| ours.verify(event),
                &|event| by_dalek.verify(event),
                &|event| ruma.verify(event),
                &|event| unsigned.verify(event),
                &|event| ruma.all_but_the_signature(event),
                &|event| {
                    black_box(json::parse(event.as_bytes(), Numbers::Keep).unwrap().into_text())
                        .len()
                },
                &|event| {
                    let value: Value = serde_json::from_str(event).unwrap();
                    black_box(serde_json::to_string(&value).unwrap()).len()
                },
            ],
        );
        let [ours, by_dalek, ruma, unsigned, ruma_unsigned, streaming, value] = &times;
        let mut row = |what: &str,
                       against: &str,
                       ours: &Times,
                       theirs: &Times,
                       goal: Option<f64>| {
            rows.push((name, json!({
                "part": "Native", "what": format!("{what}, {name}"), "against": against,
                "ours": ours.median(), "theirs": theirs.median(), "ratio": ours.ratio(theirs), "goal": goal,
            })));
        };
        row("checks 1-3, one signature", "ruma", ours, ruma, Some(1.2));
        row("the same by the reference (dalek)", "ruma", by_dalek, ruma, None);
        row("the same without the signature", "ruma", unsigned, ruma_unsigned, Some(2.0));
        row("canonical JSON", "serde_json::Value", streaming, value, None);
    }
    let rows = rows.into_iter().map(|(_, row)| row).chain(auth::rows());
    let rows: Vec<Value> = rows.collect();
    println!("{}", Value::from(rows));
}

/// Checks 1 to 3 by fedproof.
struct Fedproof {
    version: &'static RoomVersion,
    ring: KeyRing,
}

impl Fedproof {
    fn new(corpus: &Value, mut ring: KeyRing) -> Self {
        for response in corpus["server_keys"].as_array().unwrap() {
            let bytes = response.to_string();
            ring.add(KeyResponse::verify(bytes.as_bytes(), None, FETCHED_TS, &Dalek).unwrap());
        }
        let version = RoomVersion::get(corpus["room_version"].as_str().unwrap()).unwrap();
        Self { version, ring }
    }

    fn verify(&self, event: &str) -> usize {
        let verdict =
            receive::verify(event.as_bytes(), self.version, &self.ring, Options::default());
        assert!(verdict.outcome == Outcome::Accepted && !verdict.redacted);
        black_box(verdict).checks.len()
    }
}

/// The same by ruma's functions, in the order in which its servers call them.
struct Ruma {
    rules: RoomVersionRules,
    keys: PublicKeyMap,
}

impl Ruma {
    fn new(corpus: &Value) -> Self {
        let mut keys = PublicKeyMap::new();
        for response in corpus["server_keys"].as_array().unwrap() {
            let server =
                keys.entry(response["server_name"].as_str().unwrap().to_owned()).or_default();
            for (id, key) in response["verify_keys"].as_object().unwrap() {
                server.insert(id.clone(), Base64::parse(key["key"].as_str().unwrap()).unwrap());
            }
        }
        let version = RoomVersionId::try_from(corpus["room_version"].as_str().unwrap()).unwrap();
        Self { rules: version.rules().unwrap(), keys }
    }

    fn read(&self, event: &str) -> CanonicalJsonObject {
        let object = serde_json::from_str(event).unwrap();
        ruma_state_res::check_pdu_format(&object, &self.rules.event_format).unwrap();
        object
    }

    fn event_id(&self, object: &CanonicalJsonObject) -> String {
        format!("${}", ruma_signatures::reference_hash(object, &self.rules).unwrap())
    }

    fn verify(&self, event: &str) -> usize {
        let object = self.read(event);
        assert_eq!(
            ruma_signatures::verify_event(&self.keys, &object, &self.rules).unwrap(),
            Verified::All
        );
        black_box(self.event_id(&object)).len()
    }

    fn all_but_the_signature(&self, event: &str) -> usize {
        let object = self.read(event);
        let stated = object["hashes"].as_object().unwrap()["sha256"].as_str().unwrap();
        assert_eq!(ruma_signatures::content_hash(&object).unwrap().encode(), stated);
        black_box(self.event_id(&object)).len()
    }
}

fn texts(events: &Value) -> Vec<&str> {
    events.as_array().unwrap().iter().map(|event| event.as_str().unwrap()).collect()
}

/// Microseconds of CPU time for an event, one number a round.
struct Times(Vec<f64>);

impl Times {
    fn median(&self) -> f64 {
        median(self.0.clone())
    }

    /// How many times faster than `theirs`.
    fn ratio(&self, theirs: &Self) -> f64 {
        median(self.0.iter().zip(&theirs.0).map(|(ours, theirs)| theirs / ours).collect())
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Pace {
    rounds: usize,
    block: usize,
}

fn race<const N: usize>(
    pace: Pace,
    events: &[&str],
    contenders: [&dyn Fn(&str) -> usize; N],
) -> [Times; N] {
    let mut times = [const { Vec::new() }; N];
    for contender in contenders {
        for event in events {
            contender(event);
        }
    }
    for round in 0..pace.rounds {
        let first = round * pace.block % events.len();
        let block: Vec<&str> =
            events.iter().cycle().skip(first).take(pace.block).copied().collect();
        for turn in 0..N {
            let contender = if round % 2 == 0 { turn } else { N - 1 - turn };
            let mut events_done = 0;
            let since = ProcessTime::now();
            // Fast ones go over the block again: the clock has its price.
            while events_done == 0 || since.elapsed() < Duration::from_micros(400) {
                for event in &block {
                    black_box(contenders[contender](black_box(event)));
                }
                events_done += block.len();
            }
            times[contender].push(since.elapsed().as_secs_f64() * 1e6 / events_done as f64);
        }
    }
    times.map(Times)
}
