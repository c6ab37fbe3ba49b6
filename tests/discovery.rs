//! Server discovery: worlds of DNS records and servers, and where a name leads in them.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use common::data;
use common::host::{Fault, World};
use fedproof::codes::{self, Kind};
use fedproof::discovery::{
    Cache, DiscoveryError, Exchange, MAX_REDIRECTS, RequestError, RequestParts, Resolution,
    TraceEntry, request, resolve,
};
use fedproof::host::{
    Addresses, Answer, Capabilities, Effect, Host, HostErrorKind, HttpsAnswer, Operation,
    Redirects, SrvRecord,
};
use proptest::prelude::*;
use serde_json::{Value, json};

type Shared = Rc<RefCell<Cache>>;

const WELL_KNOWN: &str = "https://a.test/.well-known/matrix/server";
const HOUR: i64 = 60 * 60 * 1000;
const MINUTE: i64 = 60 * 1000;

// From the table of cases to worlds.

fn kind(code: &str) -> HostErrorKind {
    HostErrorKind::of(code).unwrap_or_else(|| panic!("{code} is no kind of failure"))
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn addresses(value: &Value) -> Result<Addresses, HostErrorKind> {
    if let Some(code) = value.as_str() {
        return Err(kind(code));
    }
    let list = value.get("addresses").unwrap_or(value);
    Ok(Addresses {
        addresses: texts(list).iter().map(|text| text.parse().unwrap()).collect(),
        canonical_name: value["alias_of"].as_str().map(str::to_owned),
    })
}

fn record(value: &Value) -> SrvRecord {
    let number = |index: usize| u16::try_from(value[index].as_u64().unwrap()).unwrap();
    let target = value[3].as_str().unwrap().to_owned();
    SrvRecord { priority: number(0), weight: number(1), port: number(2), target }
}

fn site(value: &Value) -> Result<HttpsAnswer, HostErrorKind> {
    if let Some(code) = value.as_str() {
        return Err(kind(code));
    }
    let mut headers: Vec<_> = value["headers"].as_object().into_iter().flatten().collect();
    headers.extend(value.get("redirect").map(|location| (const { &String::new() }, location)));
    let headers = headers.into_iter().map(|(name, text)| {
        let name = if name.is_empty() { "location" } else { name };
        (name.to_owned(), text.as_str().unwrap().to_owned())
    });
    let otherwise = if value.get("redirect").is_some() { 302 } else { 200 };
    let mut body = match value.get("m.server") {
        Some(delegate) => json!({"m.server": delegate}).to_string(),
        None => value["body"].as_str().unwrap_or_default().to_owned(),
    };
    if let Some(bytes) = value["bytes"].as_u64() {
        body += &" ".repeat(usize::try_from(bytes).unwrap() - body.len());
    }
    Ok(HttpsAnswer {
        status: u16::try_from(value["status"].as_u64().unwrap_or(otherwise)).unwrap(),
        headers: headers.collect(),
        body: body.into_bytes(),
    })
}

fn world(case: &Value) -> World {
    let mut world = World::default();
    let members = |name: &str| case[name].as_object().cloned().unwrap_or_default();
    for lack in case["lacks"].as_array().into_iter().flatten() {
        let able = &mut world.capabilities;
        match lack.as_str().unwrap() {
            "srv" => able.srv = false,
            "addresses" => able.addresses = false,
            "address" => able.address = false,
            "names" => able.names = false,
            "redirects" => able.redirects = false,
            other => panic!("{other} is no capability"),
        }
    }
    for (name, value) in members("srv") {
        let records = match value.as_str() {
            Some(code) => Err(kind(code)),
            None => Ok(value.as_array().unwrap().iter().map(record).collect()),
        };
        world.srv.insert(name, records);
    }
    for (name, value) in members("addresses") {
        let several = value.as_array().is_some_and(|list| list.iter().all(Value::is_array));
        let answers = match several {
            true => value.as_array().unwrap().iter().map(addresses).collect(),
            false => vec![addresses(&value)],
        };
        world.addresses.insert(name, answers);
    }
    world.sites = members("sites").into_iter().map(|(url, value)| (url, site(&value))).collect();
    for (address, code) in members("down") {
        world.down.insert(address.parse().unwrap(), kind(code.as_str().unwrap()));
    }
    for (address, names) in members("certificates") {
        world.certificates.insert(address.parse().unwrap(), texts(&names));
    }
    world
}

/// A world as a case of the table has it.
fn made(case: Value) -> World {
    world(&case)
}

/// A world in which `a.test` has an address, and its document is this.
fn documented(site: Value) -> World {
    made(json!({
        "addresses": {"a.test": ["192.0.2.1"], "b.test": ["192.0.2.3"], "c.test": ["192.0.2.4"]},
        "sites": {WELL_KNOWN: site},
    }))
}

fn shared() -> Shared {
    Rc::default()
}

fn resolved(world: &mut World, cache: &Shared, name: &str) -> Result<Resolution, DiscoveryError> {
    let (cache, name) = (Rc::clone(cache), name.to_owned());
    world.run(async move |host: Host| resolve(&host, &cache, &name).await)
}

fn parts(method: &'static str) -> RequestParts {
    RequestParts {
        method,
        target: "/_matrix/federation/v1/version".into(),
        headers: vec![("authorization", "x".into())],
        body: (method != "GET").then(|| b"{}".to_vec()),
        max_bytes: 1000,
        time_limit_ms: 10_000,
    }
}

fn requested(
    world: &mut World,
    resolution: &Resolution,
    parts: RequestParts,
) -> Result<Exchange, RequestError> {
    let resolution = resolution.clone();
    world.run(async move |host: Host| request(&host, &resolution, parts).await)
}

fn codes_of(trace: &[TraceEntry]) -> Vec<&'static str> {
    trace.iter().filter_map(|entry| entry.code).collect()
}

/// What holds of every trace: its codes are in the table, and it can be shown.
fn assert_trace(trace: &[TraceEntry]) {
    for entry in trace {
        assert!(!entry.decision.is_empty(), "{entry:?}");
        for code in entry.code.iter().chain(&entry.flags) {
            let known = codes::find(code).map(|entry| entry.kind);
            assert!(known.is_some(), "{code} is not in the table");
        }
        let json = serde_json::to_value(entry).unwrap();
        assert!(json.to_string().len() < 8000, "{json}");
    }
}

/// Runs the cases of the table whose IDs begin so.
fn run(prefix: &str) {
    let prefix = format!("{prefix}_");
    let mut count = 0;
    for case in table().iter().filter(|case| id(case).starts_with(&prefix)) {
        check(case);
        count += 1;
    }
    assert!(count > 0, "there are no cases {prefix}");
}

fn table() -> Vec<Value> {
    let text = std::fs::read_to_string(data("discovery.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn id(case: &Value) -> &str {
    case["id"].as_str().unwrap()
}

fn check(case: &Value) {
    let (id, expect) = (id(case), &case["expect"]);
    let mut world = world(case);
    let outcome = resolved(&mut world, &shared(), case["name"].as_str().unwrap());
    let trace = match &outcome {
        Ok(resolution) => &resolution.trace,
        Err(error) => &error.trace,
    };
    assert_trace(trace);
    if let Some(codes) = expect.get("codes") {
        assert_eq!(codes_of(trace), texts(codes), "{id}: {trace:#?}");
    }
    match &outcome {
        Ok(resolution) => check_resolution(id, expect, resolution, &mut world),
        Err(error) => {
            assert_eq!(Some(error.code()), expect["error"].as_str(), "{id}: {error:#?}");
            assert_eq!(codes::find(error.code()).unwrap().kind, Kind::Error, "{id}");
        }
    }
    if let Some(asked) = expect.get("asked") {
        assert_eq!(world.asked_lines(), texts(asked), "{id}");
    }
    if let Some(count) = expect["asked_count"].as_u64() {
        assert_eq!(world.asked_lines().len() as u64, count, "{id}: {:?}", world.asked_lines());
    }
}

fn check_resolution(id: &str, expect: &Value, resolution: &Resolution, world: &mut World) {
    assert_eq!(Some(resolution.step.number()), expect["step"].as_str(), "{id}: {resolution:#?}");
    assert_eq!(Some(&*resolution.host_header), expect["host"].as_str(), "{id}");
    assert_eq!(resolution.tls_name.as_deref(), expect["tls"].as_str(), "{id}");
    let to = resolution.candidates.iter().map(|to| {
        let address = to.address.map_or("?".to_owned(), |address| address.to_string());
        format!("{}@{address}:{}", to.host, to.port)
    });
    let to: Vec<_> = to.collect();
    match expect["to_count"].as_u64() {
        Some(count) => assert_eq!(to.len() as u64, count, "{id}"),
        None => assert_eq!(to, texts(&expect["to"]), "{id}"),
    }
    if let Some(flags) = expect.get("flags") {
        assert_eq!(resolution.flags, texts(flags), "{id}");
    }
    if let Some(expires) = expect.get("expires_s") {
        let left = resolution.expires_ts.map(|ts| (ts - world.now) / 1000);
        assert_eq!(left, expires.as_i64(), "{id}");
    }
    if let Some(url) = expect["url"].as_str() {
        assert_eq!(resolution.well_known.as_ref().unwrap().url, url, "{id}");
    }
    let delegated = resolution.step.number().starts_with("3.");
    assert_eq!(resolution.well_known.is_some(), delegated, "{id}");
    if let Some(expected) = expect.get("request") {
        let end = match requested(world, resolution, parts("GET")) {
            Ok(exchange) => json!(exchange.answer.status),
            Err(error) => json!(error.code()),
        };
        assert_eq!(end, *expected, "{id}");
    }
}

#[test]
fn every_case_of_the_table_is_run() {
    let run = [
        "l1", "l2", "l3", "l4", "l6", "l7", "l8", "l9", "l10", "l11", "l12", "l13", "l14", "l15",
        "l17", "k115", "k116", "k117",
    ];
    let prefix = |case: &Value| id(case).split('_').next().unwrap().to_owned();
    let there: BTreeSet<_> = table().iter().map(prefix).collect();
    assert_eq!(there, run.map(str::to_owned).into());
    let ids: BTreeSet<_> = table().iter().map(|case| id(case).to_owned()).collect();
    assert_eq!(ids.len(), table().len(), "two cases have one ID");
}

#[test]
fn l1_an_ip_address() {
    run("l1");
}

#[test]
fn l2_a_name_with_port() {
    run("l2");
}

#[test]
fn l3_the_well_known_document() {
    run("l3");
}

#[test]
fn l4_what_a_valid_document_is() {
    run("l4");
}

#[test]
fn l6_a_delegate_that_is_an_ip_address() {
    run("l6");
}

#[test]
fn l7_a_delegate_with_port() {
    run("l7");
}

#[test]
fn l8_srv_records_of_the_delegate() {
    run("l8");
}

#[test]
fn l9_deprecated_srv_records_of_the_delegate() {
    run("l9");
}

#[test]
fn l10_a_delegate_without_srv_records() {
    run("l10");
}

#[test]
fn l11_srv_records_of_the_name() {
    run("l11");
}

#[test]
fn l12_deprecated_srv_records_of_the_name() {
    run("l12");
}

#[test]
fn l13_the_name_alone() {
    run("l13");
}

#[test]
fn l14_targets_of_srv_records() {
    run("l14");
}

#[test]
fn l15_what_hosts_cannot_do() {
    run("l15");
}

#[test]
fn l17_certificates() {
    run("l17");
}

#[test]
fn k115_sizes_and_redirects() {
    run("k115");
}

#[test]
fn k116_delegates_and_lifetimes() {
    run("k116");
}

#[test]
fn k117_addresses_and_srv_records() {
    run("k117");
}

#[test]
fn k115_ten_redirects_are_followed_and_the_eleventh_is_not() {
    for (redirects, step) in [(MAX_REDIRECTS, "3.2"), (MAX_REDIRECTS + 1, "6")] {
        let mut world = documented(json!({"redirect": "/1"}));
        for number in 1..redirects {
            let url = format!("https://a.test/{number}");
            let to = json!({"redirect": format!("/{}", number + 1)});
            world.sites.insert(url, site(&to));
        }
        let last = format!("https://a.test/{redirects}");
        world.sites.insert(last, site(&json!({"m.server": "b.test:1"})));
        let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
        assert_eq!(resolution.step.number(), step);
        let too_many = codes_of(&resolution.trace).contains(&"well_known_too_many_redirects");
        assert_eq!(too_many, step == "6");
        let asked = world.requests().count();
        assert_eq!(asked, MAX_REDIRECTS + 1, "each redirect is asked for once");
    }
}

#[test]
fn k115_a_location_of_more_than_2048_bytes_is_not_followed() {
    for (bytes, step) in [(2048, "3.2"), (2049, "6")] {
        let location = format!("/{}", "x".repeat(bytes - 1));
        let mut world = documented(json!({"redirect": location}));
        let url = format!("https://a.test{location}");
        world.sites.insert(url, site(&json!({"m.server": "b.test:1"})));
        let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
        assert_eq!(resolution.step.number(), step);
    }
}

#[test]
fn k117_of_1000_srv_records_16_are_tried() {
    let mut world = documented(json!({"status": 404}));
    let records = (0..1000).map(|number| SrvRecord {
        priority: 1000 - number,
        weight: 0,
        port: number + 1,
        target: if number == 999 { "b.test".into() } else { "c.test".into() },
    });
    world.srv.insert("_matrix-fed._tcp.a.test".into(), Ok(records.collect()));
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    assert_eq!(resolution.candidates.len(), 16);
    assert_eq!(resolution.candidates[0].host, "b.test", "the lowest priority is first");
    assert_eq!(resolution.flags, ["srv_records_capped"]);
    assert_trace(&resolution.trace);
}

#[test]
fn k117_the_connection_goes_to_the_address_that_was_vetted() {
    let mut world = made(json!({"addresses": {"a.test": [["192.0.2.1"], ["127.0.0.1"]]}}));
    let resolution = resolved(&mut world, &shared(), "a.test:8448").unwrap();
    for _ in 0..3 {
        requested(&mut world, &resolution, parts("GET")).unwrap();
    }
    assert_eq!(world.asked_lines().iter().filter(|line| line.starts_with("addresses")).count(), 1);
    assert!(world.requests().all(|to| to.address == Some("192.0.2.1".parse().unwrap())));
}

/// How often, of 2,000 times, the one with weight `a` comes before the one with weight `b`.
fn first_of(a: u16, b: u16) -> usize {
    let mut world = documented(json!({"status": 404}));
    let record = |weight, target: &str| SrvRecord {
        priority: 1,
        weight,
        port: 1,
        target: target.to_owned(),
    };
    let records = vec![record(a, "b.test"), record(b, "c.test")];
    world.srv.insert("_matrix-fed._tcp.a.test".into(), Ok(records));
    let cache = shared();
    let mut first = || resolved(&mut world, &cache, "a.test").unwrap().candidates[0].host.clone();
    (0..2000).filter(|_| first() == "b.test").count()
}

#[test]
fn l14_equal_priorities_are_ordered_by_chance_according_to_weight() {
    for (a, b, expected) in [(1, 1, 1000), (0, 0, 1000), (30, 10, 1500), (10, 30, 500)] {
        let first = first_of(a, b);
        assert!((expected - 150..expected + 150).contains(&first), "{a}:{b}: {first}");
    }
    // Without weight beside a heavy one: seldom, but not never.
    let seldom = first_of(0, 100);
    assert!((1..100).contains(&seldom), "{seldom}");
}

#[test]
fn l14_randomness_is_asked_for_only_where_it_decides() {
    for (priorities, asked) in [([1, 2], 0), ([1, 1], 1)] {
        let mut world = documented(json!({"status": 404}));
        let records = priorities.map(|priority| SrvRecord {
            priority,
            weight: 5,
            port: priority,
            target: "b.test".into(),
        });
        world.srv.insert("_matrix-fed._tcp.a.test".into(), Ok(records.into()));
        resolved(&mut world, &shared(), "a.test").unwrap();
        let random = |effect: &&Effect| matches!(effect, Effect::Random { .. });
        assert_eq!(world.asked.iter().filter(random).count(), asked);
    }
}

// How long documents are kept.

/// For how many milliseconds a document with these headers is kept.
fn kept(headers: Value) -> i64 {
    let mut world = documented(json!({"m.server": "192.0.2.9", "headers": headers}));
    world.latency = 0;
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    resolution.well_known.unwrap().expires_ts - world.now
}

#[test]
fn l5_headers_are_honoured_between_5_minutes_and_48_hours() {
    // The world's clock stands at Tue, 14 Nov 2023 22:13:20 GMT.
    for (headers, expected) in [
        (json!({}), 24 * HOUR),
        (json!({"cache-control": "public"}), 24 * HOUR),
        (json!({"cache-control": "max-age=3600"}), HOUR),
        (json!({"cache-control": "public , MAX-AGE=\"3600\", x=\"y\""}), HOUR),
        (json!({"cache-control": "max-age=3600, max-age=7200"}), 2 * HOUR),
        (json!({"cache-control": "s-maxage=60, max-age=3600"}), HOUR),
        (json!({"cache-control": "max-age=3600", "age": "600"}), 50 * MINUTE),
        (json!({"cache-control": "max-age=3600", "age": "x"}), HOUR),
        (json!({"cache-control": "max-age=3600", "age": "99999999999999999999"}), HOUR),
        (json!({"cache-control": "max-age=299"}), 5 * MINUTE),
        (json!({"cache-control": "max-age=301"}), 301_000),
        (json!({"cache-control": "max-age=0"}), 5 * MINUTE),
        (json!({"cache-control": "max-age"}), 24 * HOUR),
        (json!({"cache-control": "max-age=172801"}), 48 * HOUR),
        (json!({"cache-control": "max-age=99999999999999999999999"}), 5 * MINUTE),
        (json!({"cache-control": "no-store"}), 5 * MINUTE),
        (json!({"cache-control": "max-age=3600, no-cache"}), 5 * MINUTE),
        (json!({"expires": "Tue, 14 Nov 2023 23:13:20 GMT"}), HOUR),
        (json!({"expires": "Tue, 14 Nov 2023 23:13:20 GMT", "age": "600"}), 50 * MINUTE),
        (json!({"expires": "Tue, 14 Nov 2023 21:13:20 GMT"}), 5 * MINUTE),
        (json!({"expires": "0"}), 5 * MINUTE),
        (json!({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}), 48 * HOUR),
        // A server whose clock is an hour ahead.
        (
            json!({"expires": "Wed, 15 Nov 2023 00:13:20 GMT", "date": "Tue, 14 Nov 2023 23:13:20 GMT"}),
            HOUR,
        ),
        (json!({"expires": "Tue, 14 Nov 2023 23:13:20 GMT", "date": "x"}), HOUR),
        (json!({"cache-control": "max-age=600", "expires": "0"}), 10 * MINUTE),
    ] {
        assert_eq!(kept(headers.clone()), expected, "{headers}");
    }
}

#[test]
fn l5_a_document_is_asked_for_again_only_after_it_expired() {
    let cache = shared();
    let document = json!({"m.server": "192.0.2.9", "headers": {"cache-control": "max-age=3600"}});
    let mut world = documented(document);
    let first = resolved(&mut world, &cache, "a.test").unwrap();
    let expires = first.well_known.as_ref().unwrap().expires_ts;
    assert!(!first.well_known.unwrap().cached);
    for (now, requests) in [(expires - 1, 1), (expires, 2)] {
        world.now = now;
        let again = resolved(&mut world, &cache, "a.test").unwrap();
        assert_eq!(again.well_known.unwrap().cached, requests == 1);
        assert_eq!(again.flags.contains(&"well_known_cached"), requests == 1);
        assert_eq!(world.requests().count(), requests);
        assert_trace(&again.trace);
    }
}

#[test]
fn l5_what_is_kept_expires_the_resolution() {
    let cache = shared();
    let document = json!({"m.server": "b.test", "headers": {"cache-control": "max-age=3600"}});
    let mut world = documented(document);
    let first = resolved(&mut world, &cache, "a.test").unwrap();
    assert_eq!(first.expires_ts, Some(world.now + 5 * MINUTE), "hosts do not tell it of DNS");
    let expires = first.well_known.unwrap().expires_ts;
    world.now = expires - MINUTE;
    assert_eq!(resolved(&mut world, &cache, "a.test").unwrap().expires_ts, Some(expires));
}

/// For how long each of these answers is kept, one after the other, each asked for when the one before
/// has expired.
fn kept_in_turn(sites: &[Value]) -> Vec<i64> {
    let cache = shared();
    let mut world = documented(json!({}));
    world.latency = 0;
    let mut periods = vec![];
    for answer in sites {
        world.sites.insert(WELL_KNOWN.into(), site(answer));
        let before = world.requests().count();
        resolved(&mut world, &cache, "a.test").unwrap();
        assert_eq!(world.requests().count(), before + 1, "{answer}");
        let entry = cache.borrow_mut().get("a.test", world.now).unwrap();
        periods.push((entry.expires_ts - world.now) / MINUTE);
        world.now = entry.expires_ts;
    }
    periods
}

#[test]
fn l5_failures_back_off_up_to_an_hour() {
    let (down, good, gone) =
        (json!("host_connection"), json!({"m.server": "b.test"}), json!({"status": 404}));
    let busy = json!({"status": 503});
    let six = vec![down.clone(); 7];
    assert_eq!(kept_in_turn(&six), [5, 10, 20, 40, 60, 60, 60]);
    let mixed = [busy.clone(), json!({"status": 429}), json!("host_tls"), json!("host_timed_out")];
    assert_eq!(kept_in_turn(&mixed), [5, 10, 20, 40]);
    // A server that answers is well again; what it says holds.
    let turns = [down.clone(), down.clone(), good, down.clone(), gone, down, busy];
    assert_eq!(kept_in_turn(&turns), [5, 10, 24 * 60, 5, 60, 5, 10]);
    for definite in [json!({"body": "x"}), json!({"body": "{}"}), json!({"m.server": "h:0"})] {
        assert_eq!(kept_in_turn(&[definite]), [60]);
    }
    let large = json!({"m.server": "b.test", "bytes": 51_201});
    assert_eq!(kept_in_turn(&[large, json!({"redirect": "http://x/"})]), [60, 60]);
}

#[test]
fn l5_a_known_failure_is_not_asked_for_again() {
    let cache = shared();
    let mut world = documented(json!("host_tls"));
    for _ in 0..3 {
        let resolution = resolved(&mut world, &cache, "a.test").unwrap();
        assert_eq!((resolution.step.number(), codes_of(&resolution.trace)[0]), ("6", "host_tls"));
        assert!(resolution.expires_ts.unwrap() <= world.now + 5 * MINUTE);
    }
    assert_eq!(world.requests().count(), 1);
}

#[test]
fn l5_a_clock_that_is_set_back_makes_what_is_kept_old() {
    let cache = shared();
    let mut world = documented(json!({"m.server": "b.test"}));
    resolved(&mut world, &cache, "a.test").unwrap();
    world.now -= HOUR;
    resolved(&mut world, &cache, "a.test").unwrap();
    assert_eq!(world.requests().count(), 2);
}

#[test]
fn l5_the_cache_is_bounded_and_the_longest_unused_goes_first() {
    let cache = Rc::new(RefCell::new(Cache::with_capacity(2)));
    let mut world = documented(json!({"status": 404}));
    for name in ["a.test", "b.test", "a.test", "c.test"] {
        resolved(&mut world, &cache, name).unwrap();
        assert!(cache.borrow().len() <= 2);
    }
    let now = world.now;
    let kept =
        ["a.test", "b.test", "c.test"].map(|name| cache.borrow_mut().get(name, now).is_some());
    assert_eq!(kept, [true, false, true]);
    cache.borrow_mut().clear();
    assert!(cache.borrow().is_empty() && cache.borrow_mut().get("a.test", now).is_none());
    assert_eq!(Cache::with_capacity(0).len(), 0);
    let cache = Rc::new(RefCell::new(Cache::with_capacity(0)));
    resolved(&mut world, &cache, "a.test").unwrap();
    assert_eq!(cache.borrow().len(), 1);
}

/// Takes the operation to its next effects, and answers all but HTTPS requests.
fn advance<T>(operation: &mut Operation<T>, world: &mut World) -> Vec<(u32, Effect)> {
    loop {
        assert!(operation.poll().is_pending(), "it has ended");
        let effects = operation.take_effects();
        let (https, others): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|(_, effect)| matches!(effect, Effect::Https(_)));
        for (id, effect) in others {
            operation.answer(id, world.answer(&effect));
        }
        if !https.is_empty() {
            return https;
        }
    }
}

#[test]
fn l5_two_at_once_share_the_cache_and_a_failure_does_not_undo_a_delegate() {
    let cache = shared();
    let mut world = documented(json!({"m.server": "192.0.2.9"}));
    let start = || {
        let cache = Rc::clone(&cache);
        Operation::new(Capabilities::ALL, async move |host| resolve(&host, &cache, "a.test").await)
    };
    let (mut good, mut bad) = (start(), start());
    let (of_good, of_bad) = (advance(&mut good, &mut world), advance(&mut bad, &mut world));
    let (id, effect) = &of_good[0];
    good.answer(*id, world.answer(effect));
    let end = |operation: &mut Operation<Result<Resolution, DiscoveryError>>, world: &mut World| {
        loop {
            if let std::task::Poll::Ready(end) = operation.poll() {
                return end.unwrap();
            }
            for (id, effect) in operation.take_effects() {
                operation.answer(id, world.answer(&effect));
            }
        }
    };
    assert_eq!(end(&mut good, &mut world).step.number(), "3.1");
    bad.answer(of_bad[0].0, Err(common::host::failure(HostErrorKind::Connection)));
    let bad = end(&mut bad, &mut world);
    assert_eq!((bad.step.number(), bad.well_known.unwrap().cached), ("3.1", true));
    assert_eq!(codes_of(&bad.trace)[0], "host_connection");
}

// Requests.

#[test]
fn l16_the_name_that_requests_are_signed_for_is_never_the_delegates() {
    let mut world = documented(json!({"m.server": "b.test"}));
    world
        .srv
        .insert("_matrix-fed._tcp.b.test".into(), Ok(vec![record(&json!([0, 0, 1, "c.test"]))]));
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    assert_eq!(resolution.server_name, "a.test");
    assert_eq!(resolution.host_header, "b.test");
    assert_eq!(resolution.candidates[0].host, "c.test");
}

#[test]
fn l15_a_request_carries_host_sni_and_address_apart() {
    let mut world = documented(json!({"m.server": "b.test"}));
    world
        .srv
        .insert("_matrix-fed._tcp.b.test".into(), Ok(vec![record(&json!([0, 0, 99, "c.test"]))]));
    world.certificates.insert("192.0.2.4".parse().unwrap(), vec!["b.test".into()]);
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    let exchange = requested(&mut world, &resolution, parts("PUT")).unwrap();
    assert_eq!(exchange.candidate, resolution.candidates[0]);
    let sent = world.requests().last().unwrap();
    assert_eq!((&*sent.connect_host, sent.port), ("c.test", 99));
    assert_eq!(sent.address, Some("192.0.2.4".parse().unwrap()));
    assert_eq!((&*sent.host_header, sent.tls_name.as_deref()), ("b.test", Some("b.test")));
    assert_eq!((sent.method, &*sent.target), ("PUT", "/_matrix/federation/v1/version"));
    assert_eq!(sent.body.as_deref(), Some(b"{}".as_slice()));
    assert_eq!(sent.headers, [("authorization", "x".to_owned())]);
    assert_eq!((sent.max_bytes, sent.redirects), (1000, Redirects::GiveBack));
    // The target's own certificate is not the one that counts.
    world.certificates.insert("192.0.2.4".parse().unwrap(), vec!["c.test".into()]);
    let error = requested(&mut world, &resolution, parts("PUT")).unwrap_err();
    assert_eq!(error.code(), "host_tls");
}

/// A server at three addresses, of which the first two fail in these ways.
fn two_fail(first: &str, second: &str) -> (World, Resolution) {
    let mut world = made(json!({
        "addresses": {"a.test": ["192.0.2.1", "192.0.2.2", "192.0.2.3"]},
        "down": {"192.0.2.1": first, "192.0.2.2": second},
    }));
    let resolution = resolved(&mut world, &shared(), "a.test:1").unwrap();
    (world, resolution)
}

#[test]
fn l17_candidates_are_tried_in_turn() {
    for (first, method, goes_on) in [
        ("host_unreachable", "POST", true),
        ("host_address_forbidden", "POST", true),
        ("host_connection", "GET", true),
        ("host_connection", "PUT", true),
        ("host_timed_out", "PUT", true),
        // The server may have seen it.
        ("host_connection", "POST", false),
        ("host_timed_out", "POST", false),
        // Another address would only hide what is wrong.
        ("host_tls", "GET", false),
        ("host_answer_too_large", "GET", false),
        ("host_unsupported", "GET", false),
        ("host_failed", "GET", false),
    ] {
        let (mut world, resolution) = two_fail(first, "host_unreachable");
        match requested(&mut world, &resolution, parts(method)) {
            Ok(exchange) => {
                assert!(goes_on, "{first} {method}");
                assert_eq!(exchange.candidate, resolution.candidates[2]);
                assert_eq!(exchange.failed.len(), 2);
                assert_eq!(exchange.failed[0].error.code(), first);
                assert_eq!(exchange.failed[0].candidate, resolution.candidates[0]);
            }
            Err(error) => {
                assert!(!goes_on, "{first} {method}");
                assert_eq!((error.code(), error.attempts.len()), (first, 1));
            }
        }
    }
}

#[test]
fn l17_the_first_failure_is_the_one_that_is_told() {
    let (mut world, resolution) = two_fail("host_unreachable", "host_tls");
    let error = requested(&mut world, &resolution, parts("GET")).unwrap_err();
    assert_eq!((error.code(), error.attempts.len()), ("host_unreachable", 2));
    assert!(error.to_string().starts_with("a.test:1 does not answer: "));
    let none = Resolution { candidates: vec![], ..resolution };
    let error = requested(&mut world, &none, parts("GET")).unwrap_err();
    assert_eq!((error.code(), error.attempts.len()), ("host_unreachable", 0));
}

#[test]
fn a_request_has_one_time_limit_for_all_attempts() {
    let (mut world, resolution) = two_fail("host_timed_out", "host_timed_out");
    world.latency = 6000;
    let error = requested(&mut world, &resolution, parts("GET")).unwrap_err();
    assert_eq!((error.code(), error.attempts.len()), ("host_timed_out", 2));
    let limits: Vec<_> = world.requests().map(|request| request.time_limit_ms).collect();
    assert_eq!(limits, [10_000, 4000]);
    let unlimited = RequestParts { time_limit_ms: 0, ..parts("GET") };
    let error = requested(&mut world, &resolution, unlimited).unwrap_err();
    assert_eq!((error.code(), error.attempts.len()), ("host_timed_out", 0));
}

#[test]
fn l15_a_host_without_names_reaches_what_srv_does_not_move() {
    let lacks = json!(["address", "names", "redirects"]);
    for (target, reached) in [("c.test", false), ("A.test", true)] {
        let mut world = made(json!({
            "lacks": lacks,
            "addresses": {"a.test": ["192.0.2.1"], "c.test": ["192.0.2.4"], "A.test": ["192.0.2.1"]},
            "srv": {"_matrix-fed._tcp.a.test": [[0, 0, 443, "c.test"], [1, 0, 443, target]]},
        }));
        let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
        match requested(&mut world, &resolution, parts("POST")) {
            Ok(exchange) => {
                assert!(reached);
                assert_eq!(exchange.failed[0].error.code(), "host_unsupported");
                let sent = world.requests().last().unwrap();
                assert_eq!((sent.address, sent.redirects), (None, Redirects::Follow(0)));
            }
            Err(error) => {
                assert!(!reached);
                assert_eq!(error.code(), "host_unsupported");
                assert!(error.to_string().contains("cannot connect to c.test and ask for a.test"));
            }
        }
        assert_eq!(world.requests().filter(|to| to.connect_host == "c.test").count(), 0);
    }
}

// Time, and hosts that fail.

#[test]
fn a_document_has_10_seconds_and_a_resolution_30() {
    // Each answer takes 4 s: a.test, its redirect, b.test: 12 s.
    let mut world = documented(json!({"redirect": "https://b.test/"}));
    world.latency = 4000;
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    assert_eq!(codes_of(&resolution.trace), ["well_known_timed_out", "srv_none", "srv_none"]);
    assert_eq!(world.requests().next().unwrap().time_limit_ms, 6000);
    let mut world = documented(json!({"status": 404}));
    world.latency = 11_000;
    let error = resolved(&mut world, &shared(), "a.test").unwrap_err();
    assert_eq!(error.code(), "discovery_timed_out");
    assert_eq!(codes_of(&error.trace), ["well_known_timed_out", "srv_none", "srv_none"]);
}

#[test]
fn a_host_without_clock_or_randomness_is_a_typed_error() {
    for broken in ["now", "random"] {
        let mut world = documented(json!({"status": 404}));
        let twice = vec![record(&json!([1, 1, 1, "b.test"])), record(&json!([1, 1, 1, "c.test"]))];
        world.srv.insert("_matrix-fed._tcp.a.test".into(), Ok(twice));
        let cache = shared();
        let mut operation = Operation::new(Capabilities::ALL, async move |host| {
            resolve(&host, &cache, "a.test").await
        });
        let error = loop {
            if let std::task::Poll::Ready(end) = operation.poll() {
                break end.unwrap_err();
            }
            for (id, effect) in operation.take_effects() {
                let answer = match effect.name() == broken {
                    true => Ok(Answer::Waited),
                    false => world.answer(&effect),
                };
                operation.answer(id, answer);
            }
        };
        assert_eq!(error.code(), "host_failed", "{broken}");
        assert_eq!(error.server_name, "a.test");
    }
}

#[test]
fn a_resolution_as_json_has_the_promised_form() {
    let mut world =
        documented(json!({"m.server": "b.test", "headers": {"cache-control": "max-age=60"}}));
    world
        .srv
        .insert("_matrix-fed._tcp.b.test".into(), Ok(vec![record(&json!([0, 5, 99, "c.test"]))]));
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    let json = serde_json::to_value(&resolution).unwrap();
    let now = world.now;
    assert_eq!(json["server_name"], "a.test");
    assert_eq!((&json["step"], &json["host_header"]), (&json!("3.3"), &json!("b.test")));
    assert_eq!(json["tls_name"], "b.test");
    assert_eq!(json["candidates"], json!([{"host": "c.test", "address": "192.0.2.4", "port": 99}]));
    assert_eq!(json["well_known"]["delegate"], "b.test");
    assert_eq!(json["well_known"]["url"], WELL_KNOWN);
    assert_eq!(json["well_known"]["cached"], false);
    assert!(json["expires_ts"].as_i64().unwrap() <= now + 5 * MINUTE);
    let trace = &json["trace"];
    assert_eq!(trace[0]["asked"], json!({"addresses": "a.test"}));
    assert_eq!(trace[0]["answer"], json!({"addresses": ["192.0.2.1"], "count": 1}));
    assert_eq!(
        trace[1]["asked"],
        json!({
            "https": format!("GET {WELL_KNOWN}"), "connect_host": "a.test", "address": "192.0.2.1",
            "port": 443, "host_header": "a.test", "tls_name": "a.test",
        })
    );
    assert_eq!(trace[1]["answer"]["status"], 200);
    assert_eq!(trace[1]["answer"]["cache_control"], "max-age=60");
    assert_eq!((&trace[1]["took_ms"], &trace[1]["step"]), (&json!(1), &json!("3")));
    assert_eq!(trace[2]["asked"], json!({"srv": "_matrix-fed._tcp.b.test"}));
    assert_eq!(
        trace[2]["answer"],
        json!({"records": [{"priority": 0, "weight": 5, "port": 99, "target": "c.test"}], "count": 1})
    );
    assert_eq!(trace[3]["decision"], "connect to 192.0.2.4");
    assert!(trace[3].get("code").is_none());
    // What there is not is absent.
    let literal = resolved(&mut world, &shared(), "192.0.2.9").unwrap();
    let json = serde_json::to_value(&literal).unwrap();
    for key in ["tls_name", "well_known", "expires_ts"] {
        assert!(json.get(key).is_none(), "{key}");
    }
}

#[test]
fn what_strangers_say_is_cut_in_the_trace() {
    let long = "x".repeat(50_000);
    let mut world = documented(json!({"body": long, "headers": {"expires": long}}));
    let resolution = resolved(&mut world, &shared(), "a.test").unwrap();
    assert_trace(&resolution.trace);
    let mut world = documented(json!({"m.server": format!("{long} ")}));
    assert_trace(&resolved(&mut world, &shared(), "a.test").unwrap().trace);
}

// Random worlds.

/// Names that random worlds know, and some that they do not.
fn any_name() -> impl Strategy<Value = String> {
    let names = ["a.test", "b.test", "c.test", "d.test", "e.test.", "127.1", "a..b", "x.test"];
    prop::sample::select(names.map(str::to_owned).to_vec())
}

fn any_host() -> impl Strategy<Value = String> {
    let literals = ["192.0.2.77", "[2001:db8::77]", "10.0.0.1", "[::ffff:127.0.0.1]"];
    prop_oneof![any_name(), prop::sample::select(literals.map(str::to_owned).to_vec())]
}

fn any_server_name() -> impl Strategy<Value = String> {
    let port = prop_oneof![Just(""), Just(":443"), Just(":0"), Just(":70000"), Just(":x")];
    (any_host(), port).prop_map(|(host, port)| format!("{host}{port}"))
}

fn any_address() -> impl Strategy<Value = std::net::IpAddr> {
    prop_oneof![
        (0..9u8).prop_map(|last| std::net::Ipv4Addr::new(192, 0, 2, last).into()),
        (0..9u16)
            .prop_map(|last| std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last).into()),
        Just(std::net::Ipv4Addr::LOCALHOST.into()),
        Just("::ffff:192.0.2.1".parse().unwrap()),
    ]
}

fn any_failure() -> impl Strategy<Value = HostErrorKind> {
    prop::sample::select(HostErrorKind::ALL.to_vec())
}

fn any_answer() -> impl Strategy<Value = Result<HttpsAnswer, HostErrorKind>> {
    let document = any_server_name().prop_map(|name| site(&json!({"m.server": name})));
    let location =
        (prop_oneof![Just("https"), Just("http"), Just("HTTPS")], any_server_name(), 0..3u8)
            .prop_map(|(scheme, name, path)| format!("{scheme}://{name}/{path}"));
    let location = prop_oneof![
        location,
        Just("/.well-known/matrix/server".to_owned()),
        Just("//b.test".to_owned()),
        "\\PC{0,12}",
    ];
    let redirect = location.prop_map(|to| site(&json!({"redirect": to})));
    let other = ("\\PC{0,20}", any::<u16>())
        .prop_map(|(body, status)| site(&json!({"body": body, "status": status})));
    let headers = ("\\PC{0,12}", "[0-9a-z=,\"]{0,20}", any_server_name()).prop_map(
        |(expires, control, name)| {
            let headers = json!({"expires": expires, "cache-control": control, "age": "1"});
            site(&json!({"m.server": name, "headers": headers}))
        },
    );
    prop_oneof![3 => document, 3 => redirect, 1 => other, 1 => headers, 1 => any_failure().prop_map(Err)]
}

fn any_srv() -> impl Strategy<Value = Result<Vec<SrvRecord>, HostErrorKind>> {
    let target = prop_oneof![4 => any_name(), 1 => Just(String::new()), 1 => "\\PC{0,5}", 1 => Just("192.0.2.5".to_owned())];
    let record = (0..3u16, any::<u16>(), 0..4u16, target)
        .prop_map(|(priority, weight, port, target)| SrvRecord { priority, weight, port, target });
    prop_oneof![
        4 => prop::collection::vec(record.clone(), 0..5).prop_map(Ok),
        1 => prop::collection::vec(record, 0..40).prop_map(Ok),
        1 => any_failure().prop_map(Err),
    ]
}

fn any_addresses() -> impl Strategy<Value = Result<Addresses, HostErrorKind>> {
    let found = (prop::collection::vec(any_address(), 0..4), any::<bool>()).prop_map(
        |(addresses, alias)| {
            Ok(Addresses { addresses, canonical_name: alias.then(|| "z.test".to_owned()) })
        },
    );
    prop_oneof![8 => found, 1 => any_failure().prop_map(Err)]
}

fn any_capabilities() -> impl Strategy<Value = Capabilities> {
    let mostly = || prop::bool::weighted(0.8);
    (mostly(), mostly(), mostly(), mostly(), mostly()).prop_map(
        |(srv, addresses, address, names, redirects)| Capabilities {
            srv,
            addresses,
            address,
            names,
            redirects,
        },
    )
}

fn any_fault() -> impl Strategy<Value = Fault> {
    prop_oneof![Just(Fault::Drop), Just(Fault::Delay), Just(Fault::Truncate), Just(Fault::Garbage)]
}

fn any_world() -> impl Strategy<Value = World> {
    let service = prop_oneof![Just("_matrix-fed._tcp"), Just("_matrix._tcp")];
    let srv_name = (service, any_name())
        .prop_map(|(service, name)| format!("{service}.{}", name.trim_end_matches('.')));
    let path = prop_oneof![
        3 => Just("/.well-known/matrix/server"),
        1 => Just("/"), 1 => Just("/0"), 1 => Just("/1"), 1 => Just("/2"),
    ];
    let url = (any_server_name(), path).prop_map(|(name, path)| format!("https://{name}{path}"));
    let name = any_name().prop_map(|name| name.trim_end_matches('.').to_owned());
    let answers = prop::collection::vec(any_addresses(), 1..3);
    (
        any_capabilities(),
        prop::collection::btree_map(srv_name, any_srv(), 0..8),
        prop::collection::btree_map(name, answers, 3..8),
        prop::collection::btree_map(url, any_answer(), 0..25),
        prop::collection::btree_map(any_address(), any_failure(), 0..4),
        prop::collection::btree_map(0..30usize, any_fault(), 0..3),
        any::<u64>(),
        prop_oneof![Just(0i64), Just(1), Just(3000)],
    )
        .prop_map(|(capabilities, srv, addresses, sites, down, faults, random, latency)| {
            World {
                capabilities,
                srv,
                addresses,
                sites,
                down,
                faults,
                random,
                latency,
                ..World::default()
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// In every world, a resolution ends, and says only what it was told; the world itself sees to it
    /// that each connection goes to an address that it gave for that name.
    #[test]
    fn in_any_world_it_ends_and_connects_to_nothing_but_what_was_given(
        mut world in any_world(),
        names in prop::collection::vec(any_server_name(), 1..4),
        method in prop_oneof![Just("GET"), Just("PUT"), Just("POST")],
    ) {
        let cache = shared();
        for name in names {
            let before = world.asked.len();
            let outcome = resolved(&mut world, &cache, &name);
            prop_assert!(world.asked.len() - before < 250, "{} effects", world.asked.len() - before);
            match outcome {
                Err(error) => {
                    assert_trace(&error.trace);
                    prop_assert!(codes::find(error.code()).is_some());
                    prop_assert!(!error.to_string().is_empty());
                }
                Ok(resolution) => {
                    assert_trace(&resolution.trace);
                    prop_assert!((1..=32).contains(&resolution.candidates.len()));
                    prop_assert!(resolution.candidates.iter().all(|to| to.port > 0));
                    prop_assert_eq!(&resolution.server_name, &name);
                    let delegated = resolution.well_known.as_ref().map(|document| &document.delegate);
                    prop_assert_eq!(&resolution.host_header, delegated.unwrap_or(&name));
                    if let Err(error) = requested(&mut world, &resolution, parts(method)) {
                        prop_assert!(codes::find(error.code()).is_some());
                    }
                }
            }
        }
    }

    /// Whatever a name, a document or a Location says.
    #[test]
    fn no_text_is_too_strange(
        name in "\\PC{0,30}",
        body in prop::collection::vec(any::<u8>(), 0..80),
        location in "\\PC{0,60}",
        expires in "(Mon|Sun), [0-3][0-9] (Jan|Feb|Dec|Foo) [0-9]{4} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] GMT",
    ) {
        let period = kept(json!({"expires": expires}));
        prop_assert!((5 * MINUTE..=48 * HOUR).contains(&period));
        let mut world = documented(json!({"redirect": location}));
        let _ = resolved(&mut world, &shared(), &name);
        resolved(&mut world, &shared(), "a.test").unwrap();
        let mut world = documented(json!({}));
        world.sites.insert(WELL_KNOWN.into(), Ok(HttpsAnswer { status: 200, body, ..Default::default() }));
        assert_trace(&resolved(&mut world, &shared(), "a.test").unwrap().trace);
    }
}
