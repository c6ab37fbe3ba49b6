//! The reader: events out of the documents in which they travel, in pieces of any size.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::time::{Duration, Instant};

use common::make::{assert_accepted, assert_dropped, draft, sign, verify_text};
use fedproof::reader::{EventReader, RawEvent, Shape};

/// All that a reader has to say about a document.
#[derive(Debug, PartialEq, Eq, Default)]
struct Read {
    events: Vec<Vec<u8>>,
    too_long: usize,
    shape: &'static str,
    room_id: Option<String>,
    room_version: Option<String>,
    create_room_version: Option<String>,
    server_keys: Vec<Vec<u8>>,
    error: Option<&'static str>,
}

fn take(reader: &mut EventReader, read: &mut Read) {
    let waiting = reader.waiting();
    let events = reader.take_events();
    assert_eq!((events.len(), reader.waiting()), (waiting, 0));
    for event in events {
        match event {
            RawEvent::Bytes(bytes) => read.events.push(bytes),
            RawEvent::TooLong(_) => read.too_long += 1,
        }
    }
}

/// Reads a document in pieces of `size` bytes; events are taken after each piece.
fn read_in_pieces(document: &[u8], lines: bool, size: usize) -> Read {
    let mut reader = EventReader::new(lines);
    let mut read = Read::default();
    let mut result = Ok(());
    for piece in document.chunks(size) {
        result = result.and_then(|()| reader.push(piece));
        take(&mut reader, &mut read);
    }
    read.error = result.and_then(|()| reader.end()).err().map(|error| error.code());
    take(&mut reader, &mut read);
    read.shape = reader.shape().name();
    read.room_id = reader.room_id().map(str::to_owned);
    read.room_version = reader.room_version().map(str::to_owned);
    read.create_room_version = reader.create_room_version().map(str::to_owned);
    read.server_keys = reader.server_keys().to_vec();
    read
}

/// Reads a document whole, and makes sure that every other way to cut it gives the same.
#[track_caller]
fn read(document: &[u8], lines: bool) -> Read {
    let whole = read_in_pieces(document, lines, usize::MAX >> 1);
    for size in 1..=document.len().min(70) {
        let cut = read_in_pieces(document, lines, size);
        // After an error, what was gathered before it is the same too.
        assert_eq!(cut, whole, "in pieces of {size}: {}", String::from_utf8_lossy(document));
    }
    whole
}

#[track_caller]
fn assert_events(document: &str, shape: Shape, events: &[&str]) -> Read {
    let read = read(document.as_bytes(), false);
    let found: Vec<_> = read.events.iter().map(|event| String::from_utf8_lossy(event)).collect();
    assert_eq!(
        (found, read.error),
        (events.iter().map(|e| (*e).into()).collect(), None),
        "{document}"
    );
    assert_eq!(read.shape, shape.name(), "{document}");
    read
}

#[track_caller]
fn assert_error(document: &str, code: &str, events_before: usize) {
    let read = read(document.as_bytes(), false);
    assert_eq!((read.error, read.events.len()), (Some(code), events_before), "{document}");
}

#[test]
fn a_list() {
    assert_events(r#"[{"a":1},{"b":[2]}]"#, Shape::Array, &[r#"{"a":1}"#, r#"{"b":[2]}"#]);
    assert_events(" [ {\"a\" : 1 } ,\n\t{ } ]\r\n", Shape::Array, &[r#"{"a" : 1 }"#, "{ }"]);
    assert_events(
        r#"[{"]":"}]\"\\"},{"[":"{"}]"#,
        Shape::Array,
        &[r#"{"]":"}]\"\\"}"#, r#"{"[":"{"}"#],
    );
    assert_events("[]", Shape::Array, &[]);
    assert_events(" [ ] ", Shape::Array, &[]);
}

#[test]
fn a_transaction() {
    let transaction =
        r#"{"origin":"h","origin_server_ts":1,"edus":[{"x":[]}],"pdus":[{"a":1},{"b":2}]}"#;
    let read = assert_events(transaction, Shape::Room, &[r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!((read.room_id, read.room_version, read.server_keys), (None, None, vec![]));
    assert_events(r#"{"pdus":[]}"#, Shape::Room, &[]);
    assert_events(r#"{"pdus" : [ {} ] , "x" : 1 }"#, Shape::Room, &["{}"]);
}

#[test]
fn a_room_file_with_its_header_before_or_after_or_around() {
    let header = [
        r#""room_id":"!r:h""#,
        r#""room_version":"11""#,
        r#""server_keys":[{"server_name":"h"},{"server_name":"i"}]"#,
        r#""events":[{"x":1}]"#,
        r#""other":{"pdus":[{"no":1}],"room_version":"1"}"#,
    ];
    let pdus = r#""pdus":[{"a":1},{"b":2}]"#;
    for before in 0..=header.len() {
        let mut members = header.to_vec();
        members.insert(before, pdus);
        let document = format!("{{{}}}", members.join(","));
        let read = assert_events(&document, Shape::Room, &[r#"{"a":1}"#, r#"{"b":2}"#]);
        assert_eq!(read.room_id.as_deref(), Some("!r:h"), "{document}");
        assert_eq!(read.room_version.as_deref(), Some("11"), "{document}");
        let keys: Vec<_> = read.server_keys.iter().map(|k| String::from_utf8_lossy(k)).collect();
        assert_eq!(keys, [r#"{"server_name":"h"}"#, r#"{"server_name":"i"}"#], "{document}");
    }
}

#[test]
fn a_header_of_another_type_says_nothing() {
    for value in ["1", "null", "[]", "true", "-1.5e3"] {
        for document in [
            format!(
                r#"{{"room_id":{value},"room_version":{value},"server_keys":{value},"pdus":[]}}"#
            ),
            format!(
                r#"{{"pdus":[],"room_id":{value},"room_version":{value},"server_keys":{value}}}"#
            ),
        ] {
            let read = assert_events(&document, Shape::Room, &[]);
            assert_eq!((read.room_id, read.room_version), (None, None), "{document}");
            assert_eq!(read.server_keys.len(), 0, "{document}");
        }
    }
}

#[test]
fn one_event() {
    let read = assert_events(
        r#"{"room_id":"!r:h","type":"x"}"#,
        Shape::Event,
        &[r#"{"room_id":"!r:h","type":"x"}"#],
    );
    assert_eq!(read.create_room_version, None);
    let spaced = "{ \"a\" : 1 ,\n \"b\" : \"x y\" }";
    assert_events(spaced, Shape::Event, &[spaced]);
    assert_events(" \n{}\n\n", Shape::Event, &["{}"]);
    // A member called pdus makes a room only at the top, and only if it is a list.
    assert_events(r#"{"a":{"pdus":[1]}}"#, Shape::Event, &[r#"{"a":{"pdus":[1]}}"#]);
    assert_events(r#"{"pdus":{}}"#, Shape::Event, &[r#"{"pdus":{}}"#]);
    assert_events(r#"{"a":"pdus"}"#, Shape::Event, &[r#"{"a":"pdus"}"#]);
    // What stands between the brackets of a malformed one is judged later.
    for malformed in [r#"{"a":1;}"#, r#"{"a":}"#, r#"{"a":[1 2]}"#, "{\"a\":\"\t\"}"] {
        assert_events(malformed, Shape::Event, &[malformed]);
    }
}

#[test]
fn lines_of_events() {
    assert_events("{\"a\":1}\n{\"b\":2}", Shape::Lines, &[r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_events(
        "{\"a\":1}\r\n\r\n  \n{\"b\":2}\r\n",
        Shape::Lines,
        &[r#"{"a":1}"#, "{\"b\":2}\r"],
    );
    assert_events("{\n\"a\":1}\n{\"b\":2}", Shape::Lines, &["{\n\"a\":1}", r#"{"b":2}"#]);
    // A bad line is a bad event; the others are what they are.
    let bad = "{\"a\":1}\nnonsense\n]}\n{\"b\":\n[1]\n\"\n{\"c\":3}\n";
    let events = [r#"{"a":1}"#, "nonsense", "]}", "{\"b\":", "[1]", "\"", r#"{"c":3}"#];
    assert_events(bad, Shape::Lines, &events);
}

#[test]
fn lines_when_it_is_told_so() {
    let table: [(&str, &[&str]); 6] = [
        ("nonsense\n{\"a\":1}\n", &["nonsense", "{\"a\":1}"]),
        ("[1]\n[2]", &["[1]", "[2]"]),
        ("{\"pdus\":[]}\n", &["{\"pdus\":[]}"]),
        ("\n\n x \n", &[" x "]),
        ("{\"a\":\n1}", &["{\"a\":", "1}"]),
        ("\u{feff}{}\n{}", &["\u{feff}{}", "{}"]),
    ];
    for (document, events) in table {
        let read = read(document.as_bytes(), true);
        let found: Vec<_> = read.events.iter().map(|e| String::from_utf8_lossy(e)).collect();
        assert_eq!(found, events, "{document}");
        assert_eq!((read.shape, read.error), ("lines", None));
    }
}

#[test]
fn malformed_elements_do_not_spoil_the_others() {
    let good = r#"{"a":1}"#;
    let bad = [
        "nul",
        "tru",
        "1",
        "-",
        "01",
        "1e999",
        "null",
        "\"x\"",
        "\"\\ud800\"",
        "\"\t\"",
        "{a}",
        "{\"a\":}",
        "{\"a\" 1}",
        "{,}",
        "[[]]",
        "{\"a\":[}]}",
        "{]",
        "x\"y\"z",
        "{\"a\":nul}",
        "\u{feff}{}",
        "'x'",
        "{\"a\":\"\\x\"}",
        "{\"a\":1e}",
        "\u{a0}",
    ];
    for element in bad {
        // A bracket closes a bracket, whatever its shape: whoever mixes them ends the list.
        if element == "{]" || element == "{\"a\":[}]}" {
            continue;
        }
        for document in [
            format!("[{good},{element},{good}]"),
            format!("[{element},{good} , {element} ]"),
            format!("{{\"pdus\":[{good},{element},{good}],\"room_id\":\"!r:h\"}}"),
        ] {
            let read = read(document.as_bytes(), false);
            assert_eq!(read.error, None, "{document}");
            assert_eq!(read.events.len(), 3, "{document}");
            let (right, wrong): (Vec<_>, Vec<_>) =
                read.events.iter().partition(|event| *event == good.as_bytes());
            assert!(
                wrong.iter().all(|event| *event == element.as_bytes()),
                "{document}: {wrong:?}"
            );
            assert!(right.len() == 1 || right.len() == 2, "{document}");
        }
    }
    let invalid_utf8 = b"[{\"a\":1},{\"a\":\"\xff\"},\xff,{\"a\":1}]";
    let read = read(invalid_utf8, false);
    assert_eq!((read.events.len(), read.error), (4, None));
    assert_eq!(read.events[1], b"{\"a\":\"\xff\"}");
}

#[test]
fn one_bad_event_of_fifty_is_judged_alone() {
    let good = sign(&draft(11), 11).to_string();
    let mut events = vec![good.clone(); 50];
    events[20] = good.replace("\"depth\":7", "\"depth\":9007199254740992");
    events[30] = good.replace("\"depth\":7", "\"depth\":");
    let document = format!("{{\"origin\":\"one.example\",\"pdus\":[{}]}}", events.join(","));
    let read = read_in_pieces(document.as_bytes(), false, 1000);
    assert_eq!((read.events.len(), read.error), (50, None));
    for (index, event) in read.events.iter().enumerate() {
        let verdict = verify_text(event, 11);
        match index {
            20 => assert_dropped(&verdict, 1, "integer_out_of_range"),
            30 => assert_dropped(&verdict, 1, "json_syntax"),
            _ => assert_accepted(&verdict),
        }
    }
}

#[test]
fn what_is_no_document_of_events_is_unreadable() {
    for (document, events) in [
        ("x", 0),
        ("1", 0),
        ("\"x\"", 0),
        ("null", 0),
        ("]", 0),
        ("}", 0),
        ("\u{feff}[]", 0),
        ("{x}", 0),
        ("{1:2}", 0),
        ("{\"a\" 1}", 0),
        ("[{}]x", 1),
        ("[{}]]", 1),
        ("[] []", 0),
        ("[{}}", 1),
        ("{\"pdus\":[{}] x", 1),
        ("{\"pdus\":[{}]}x", 1),
        ("{\"pdus\":[{}]}{}", 1),
    ] {
        assert_error(document, "input_unreadable", events);
    }
}

#[test]
fn what_stands_between_commas_is_one_event_and_judged_as_such() {
    assert_events("{\"a\":1 2}", Shape::Event, &["{\"a\":1 2}"]);
    assert_events("[1 2]", Shape::Array, &["1 2"]);
    assert_events("[{} {} , {}]", Shape::Array, &["{} {}", "{}"]);
}

#[test]
fn a_document_that_ends_in_the_middle_is_unreadable() {
    let whole = r#"{"room_id":"!r:h","pdus":[{"a":"b"},{"c":[1]}],"room_version":"1"}"#;
    for end in 1..whole.len() {
        let read = read_in_pieces(&whole.as_bytes()[..end], false, 7);
        assert_eq!(read.error, Some("input_unreadable"), "{}", &whole[..end]);
    }
    let list = r#"[{"a":"b"},{"c":[1]},5]"#;
    for end in 1..list.len() {
        let read = read_in_pieces(&list.as_bytes()[..end], false, 7);
        assert_eq!(read.error, Some("input_unreadable"), "{}", &list[..end]);
        // The events after which a comma was seen are there.
        assert_eq!(read.events.len(), usize::from(end >= 11) + usize::from(end >= 21), "{end}");
    }
    // A line that ends early is an event that is not JSON.
    assert_events("{}\n{\"a\":", Shape::Lines, &["{}", "{\"a\":"]);
}

#[test]
fn a_document_without_events_is_empty() {
    for document in ["", " ", "\n\r\n\t"] {
        assert_error(document, "input_empty", 0);
        assert_eq!(read(document.as_bytes(), true).error, Some("input_empty"));
    }
    // A list that is there may be empty.
    assert_events("[]", Shape::Array, &[]);
}

#[test]
fn an_event_that_is_too_long_is_not_kept() {
    let limit = 16 * 65_536;
    let fitting = format!("\"{}\"", "x".repeat(limit - 2));
    let long = format!("\"{}\"", "x".repeat(limit - 1));
    for (document, lines) in [
        (format!("[{{}},{fitting},{long},{{}}]"), false),
        (format!("{{\"pdus\":[{{}},{fitting},{long},{{}}]}}"), false),
        (format!("{{}}\n{fitting}\n{long}\n{{}}\n"), false),
        (format!("{{}}\n{fitting}\n{long}\n{{}}"), true),
    ] {
        for size in [usize::MAX >> 1, 1000] {
            let read = read_in_pieces(document.as_bytes(), lines, size);
            assert_eq!((read.error, read.too_long, read.events.len()), (None, 1, 3));
            assert_eq!(read.events[1].len(), limit);
            assert_eq!(read.events[2], b"{}");
        }
    }
    let single = format!("{{\"a\":{long}}}");
    let read = read_in_pieces(single.as_bytes(), false, 1000);
    assert_eq!((read.error, read.too_long, read.events.len()), (None, 1, 0));
    let verdict = fedproof::receive::too_long(limit + 1, common::make::room_version(11));
    assert_dropped(&verdict, 1, "event_too_large");
}

#[test]
fn the_room_version_of_the_create_event() {
    let create = r#"{"type":"m.room.create","content":{"room_version":"9"}}"#;
    for document in [
        create.to_owned(),
        format!("[{create}]"),
        format!("{{\"pdus\":[{create},1]}}"),
        format!("{create}\n{{}}"),
    ] {
        assert_eq!(read(document.as_bytes(), false).create_room_version.as_deref(), Some("9"));
    }
    let message = r#"[{"type":"m.room.message","content":{"room_version":"9"}}]"#;
    assert_eq!(read(message.as_bytes(), false).create_room_version, None);
}

#[test]
fn deep_and_wide_documents_are_read_without_recursion() {
    let deep = format!("[{}{},{{}}]", "[".repeat(100_000), "]".repeat(100_000));
    let read = read_in_pieces(deep.as_bytes(), false, 4096);
    assert_eq!((read.error, read.events.len()), (None, 2));
    assert_dropped(&verify_text(&read.events[0], 11), 1, "json_too_deep");
}

#[test]
fn reading_takes_time_in_proportion_to_the_length() {
    let repeated = |member: &str| format!("{{{}\"x\":1}}", member.repeat(100_000 / member.len()));
    for document in [
        repeated("\"room_id\":\"a\","),
        repeated("\"server_keys\":[],"),
        repeated("\"pdus\":[],"),
        repeated("\"a\":1,"),
        format!("[{}]", "[],".repeat(30_000) + "1"),
        format!("[{}]", " ".repeat(100_000)),
        "\n".repeat(100_000),
    ] {
        let start = Instant::now();
        read_in_pieces(document.as_bytes(), false, 4096);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?} for {}…", &document[..20]);
    }
}
