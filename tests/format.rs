//! Sections I1 to I4 and B11 to B14 of the rules: check 1, the format of events in each room version.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use common::make::{
    assert_accepted, assert_dropped, assert_flagged, draft, failure, lacking, references, ring,
    sign, state, verify, verify_draft, verify_text, versions, with,
};
use common::model;
use fedproof::event::Limits;
use fedproof::receive::{self, Options};
use fedproof::verdict::{CheckResult, Verdict};
use serde_json::{Value, json};

const MAX_SAFE: i64 = (1 << 53) - 1;

/// An event of any type, with a state key.
fn event(number: u8) -> Value {
    with(draft(number), "/state_key", json!(""))
}

/// The name in the evidence of check 1.
fn field_of(verdict: &Verdict) -> Value {
    serde_json::to_value(&verdict.checks[0]).unwrap()["evidence"]["field"].clone()
}

#[test]
fn i1_what_is_no_event_is_dropped() {
    for (number, _) in versions() {
        for text in ["[]", "null", "1", "\"x\"", "true", "[{}]"] {
            assert_dropped(&verify_text(text.as_bytes(), number), 1, "not_an_object");
        }
        for (text, code) in [
            ("", "json_syntax"),
            ("{", "json_syntax"),
            ("{}{}", "json_trailing_data"),
            ("{\"a\":\"\\ud800\"}", "json_lone_surrogate"),
            ("{\"a\":\"\t\"}", "json_control_character"),
            ("{\"a\":1e999}", "json_number_overflow"),
        ] {
            assert_dropped(&verify_text(text.as_bytes(), number), 1, code);
        }
        assert_dropped(&verify_text(b"{\"a\":\"\xff\"}", number), 1, "json_invalid_utf8");
        let deep = ["{\"a\":", &"[".repeat(127), &"]".repeat(127), "}"].concat();
        assert_dropped(&verify_text(deep.as_bytes(), number), 1, "json_too_deep");
        assert_dropped(&verify_text(b"{}", number), 1, "field_missing");
    }
}

#[test]
fn i1_a_dropped_event_is_not_checked_further_and_has_no_id() {
    for (number, _) in versions() {
        let verdict = verify_draft(&lacking(event(number), "depth"), number);
        let results: Vec<_> =
            verdict.checks.iter().map(|check| (check.check, check.result)).collect();
        use CheckResult::{Fail, Skip};
        assert_eq!(results, [(1, Fail), (2, Skip), (3, Skip)]);
        assert_eq!(verdict.event_id, None);
        // What it says of itself is passed on.
        assert_eq!(verdict.event_type.as_deref(), Some("m.room.message"));
        assert_eq!(verdict.sender.as_deref(), Some("@alice:one.example"));
        assert_eq!(verdict.state_key.as_deref(), Some(""));
        assert_eq!(verdict.room_version, number.to_string());
    }
}

/// Required fields, and values that are of another type.
fn required(number: u8) -> Vec<(&'static str, Vec<Value>)> {
    let no_string = vec![json!(null), json!(1), json!(true), json!([]), json!({})];
    let no_object = vec![json!(null), json!(1), json!(true), json!("x"), json!([])];
    let no_array = vec![json!(null), json!(1), json!(true), json!("x"), json!({})];
    let mut no_integer = vec![json!(null), json!("1"), json!(true), json!([]), json!({})];
    if number <= 5 {
        no_integer.extend([json!(1.0), json!(1.5), json!(-0.0)]);
    }
    let mut fields = vec![
        ("type", no_string.clone()),
        ("sender", no_string.clone()),
        ("room_id", no_string.clone()),
        ("content", no_object.clone()),
        ("origin_server_ts", no_integer.clone()),
        ("depth", no_integer),
        ("prev_events", no_array.clone()),
        ("auth_events", no_array),
        ("hashes", no_object.clone()),
        ("signatures", no_object),
    ];
    if number <= 2 {
        fields.insert(3, ("event_id", no_string));
    }
    fields
}

#[test]
fn i2_required_fields_and_their_types() {
    for (number, _) in versions() {
        let good = sign(&event(number), number);
        assert_accepted(&verify(&good, number));
        for (field, others) in required(number) {
            let verdict = verify(&lacking(good.clone(), field), number);
            assert_dropped(&verdict, 1, "field_missing");
            assert_eq!(field_of(&verdict), field);
            for other in others {
                let verdict = verify(&with(good.clone(), &format!("/{field}"), other), number);
                assert_dropped(&verdict, 1, "field_wrong_type");
                assert_eq!(field_of(&verdict), field);
            }
        }
    }
}

#[test]
fn i2_the_state_key_is_a_string_or_absent() {
    for (number, _) in versions() {
        for state_key in ["", "x", "@alice:one.example", "é", "\u{0}"] {
            assert_accepted(&verify_draft(
                &with(event(number), "/state_key", json!(state_key)),
                number,
            ));
        }
        assert_accepted(&verify_draft(&lacking(event(number), "state_key"), number));
        for other in [json!(null), json!(1), json!([]), json!({}), json!(false)] {
            let verdict = verify_draft(&with(event(number), "/state_key", other), number);
            assert_dropped(&verdict, 1, "field_wrong_type");
            assert_eq!(field_of(&verdict), "state_key");
        }
    }
}

#[test]
fn i2_what_is_not_required() {
    for (number, _) in versions() {
        // Neither `origin` nor anything else of old, and of any type.
        for key in ["origin", "membership", "prev_state", "age", "redacts", "user_id", "x"] {
            for value in [json!(null), json!(1), json!("x"), json!([{}])] {
                let verdict = verify_draft(&with(event(number), &format!("/{key}"), value), number);
                assert_accepted(&verdict);
            }
        }
        assert_accepted(&verify_draft(&with(event(number), "/type", json!("")), number));
        assert_accepted(&verify_draft(&with(event(number), "/prev_events", json!([])), number));
        assert_accepted(&verify_draft(&with(event(number), "/auth_events", json!([])), number));
    }
}

#[test]
fn i2_the_content_of_known_types_is_not_judged() {
    for (number, _) in versions() {
        for event_type in
            ["m.room.member", "m.room.create", "m.room.power_levels", "m.room.join_rules"]
        {
            for content in [
                json!({}),
                json!({"membership": 1, "users": [], "join_rule": null,
                                              "creator": [], "room_version": 99, "ban": "x"}),
            ] {
                let verdict = verify_draft(&state(number, event_type, "x", content), number);
                assert_accepted(&verdict);
            }
        }
    }
}

#[test]
fn i2_the_first_defect_in_the_order_of_the_checks_is_told() {
    // All of these at once; mended one by one from the front.
    let long = "x".repeat(256);
    for number in [2, 11] {
        let good = sign(&event(number), number);
        let too_many = references(number, 21);
        let mut defects = vec![
            ("type", json!(1), "field_wrong_type"),
            ("sender", json!(1), "field_wrong_type"),
            ("room_id", json!(1), "field_wrong_type"),
            ("state_key", json!(1), "field_wrong_type"),
            ("content", json!(1), "field_wrong_type"),
            ("origin_server_ts", json!("1"), "field_wrong_type"),
            ("depth", json!("1"), "field_wrong_type"),
            ("prev_events", json!(1), "field_wrong_type"),
            ("auth_events", json!(1), "field_wrong_type"),
            ("hashes", json!(1), "field_wrong_type"),
            ("signatures", json!(1), "field_wrong_type"),
        ];
        let id = if number == 2 {
            (json!(1), "field_wrong_type")
        } else {
            (json!(1), "event_id_present")
        };
        defects.insert(3, ("event_id", id.0, id.1));
        defects.extend([
            ("hashes", json!({}), "content_hash_missing"),
            ("signatures", json!({"x": 1}), "signatures_malformed"),
            ("type", json!(long), "field_too_long"),
            ("sender", json!("x"), "sender_invalid"),
            ("room_id", json!("x"), "room_id_invalid"),
            ("prev_events", json!([1]), "reference_malformed"),
            ("prev_events", too_many.clone(), "too_many_prev_events"),
            ("auth_events", json!([1]), "reference_malformed"),
            ("auth_events", too_many, "too_many_auth_events"),
            ("depth", json!(-1), "depth_negative"),
        ]);
        for first in 0..defects.len() {
            let mut event = good.clone();
            // From the back, so that of two defects of one field the earlier one is there.
            for (field, value, _) in defects[first..].iter().rev() {
                event[*field] = value.clone();
            }
            let verdict = verify(&event, number);
            let (field, _, code) = &defects[first];
            // `auth_events` is looked at before `prev_events` are counted.
            if failure(&verdict) == Some((1, "reference_malformed")) && *field == "prev_events" {
                continue;
            }
            assert_eq!(failure(&verdict), Some((1, *code)), "version {number}: {field}");
        }
    }
}

#[test]
fn i2_references_have_the_form_of_the_room_version() {
    let hash = json!({"sha256": "x"});
    let pair = json!(["$x:one.example", hash]);
    let old = [
        (pair.clone(), true),
        (json!(["$x", {}]), true),
        (json!(["$", {"md5": "x", "sha256": "y"}]), true),
        (json!("$x:one.example"), false),
        (json!(["$x"]), false),
        (json!([]), false),
        (json!(["$x", hash, 1]), false),
        (json!([1, hash]), false),
        (json!(["x", hash]), false),
        (json!(["", hash]), false),
        (json!(["$x", "x"]), false),
        (json!(["$x", null]), false),
        (json!(["$x", ["sha256", "x"]]), false),
        (json!(["$x", {"sha256": 1}]), false),
        (json!(["$x", {"sha256": "x", "md5": null}]), false),
        (json!([["$x", hash]]), false),
        (json!({"0": "$x", "1": hash}), false),
        (json!(null), false),
    ];
    let new = [
        (json!("$x"), true),
        (json!("$"), true),
        (json!("$x:one.example"), true),
        (pair, false),
        (json!(["$x"]), false),
        (json!("x"), false),
        (json!(""), false),
        (json!("!x"), false),
        (json!(null), false),
        (json!(1), false),
        (json!({}), false),
    ];
    for (number, _) in versions() {
        for (reference, right) in if number <= 2 { &old[..] } else { &new[..] } {
            for field in ["/prev_events", "/auth_events"] {
                let good = references(number, 1)[0].clone();
                let event = with(event(number), field, json!([good, reference]));
                let verdict = verify_draft(&event, number);
                if *right {
                    assert_accepted(&verdict);
                } else {
                    assert_dropped(&verdict, 1, "reference_malformed");
                    let check = serde_json::to_value(&verdict.checks[0]).unwrap();
                    assert_eq!(check["evidence"]["index"], 1);
                    assert_eq!(check["evidence"]["field"], field[1..]);
                }
            }
        }
        let long = |length: usize| {
            let id = format!("${}", "x".repeat(length - 1));
            let reference = if number <= 2 { json!([id, {}]) } else { json!(id) };
            verify_draft(&with(event(number), "/prev_events", json!([reference])), number)
        };
        assert_accepted(&long(255));
        assert_dropped(&long(256), 1, "reference_malformed");
    }
}

#[test]
fn i3_b14_twenty_previous_and_ten_auth_events() {
    for (number, _) in versions() {
        let with_counts = |prev, auth| {
            let event = with(event(number), "/prev_events", references(number, prev));
            verify_draft(&with(event, "/auth_events", references(number, auth)), number)
        };
        // Synapse counts the create event of version 12, which is implied, too.
        let at_the_limit: &[&str] =
            if number >= 12 { &["auth_events_limit_divergent"] } else { &[] };
        assert_accepted(&with_counts(20, 9));
        assert_flagged(&with_counts(20, 10), at_the_limit);
        assert_dropped(&with_counts(21, 10), 1, "too_many_prev_events");
        assert_dropped(&with_counts(20, 11), 1, "too_many_auth_events");
        // The same event many times counts as many.
        let same = vec![references(number, 1)[0].clone(); 11];
        let verdict = verify_draft(&with(event(number), "/auth_events", json!(same)), number);
        assert_dropped(&verdict, 1, "too_many_auth_events");
    }
}

#[test]
fn i3_history_may_name_any_number_of_events() {
    let options = Options { limits: Limits::Backfill, ..Options::default() };
    for (number, version) in versions() {
        let many = with(event(number), "/prev_events", references(number, 50));
        let many = sign(&with(many, "/auth_events", references(number, 40)), number);
        let text = many.to_string();
        assert_accepted(&receive::verify(text.as_bytes(), version, ring(), options));
        assert_dropped(&verify(&many, number), 1, "too_many_prev_events");
        // All else holds for history too.
        let text = lacking(many, "depth").to_string();
        let verdict = receive::verify(text.as_bytes(), version, ring(), options);
        assert_dropped(&verdict, 1, "field_missing");
    }
}

#[test]
fn i4_the_range_of_depth() {
    for (number, version) in versions() {
        assert_eq!(version.max_depth, if number <= 5 { i64::MAX } else { MAX_SAFE });
        let at = |depth: Value| verify_draft(&with(event(number), "/depth", depth), number);
        for depth in [0, 1, MAX_SAFE] {
            assert_accepted(&at(json!(depth)));
        }
        for depth in [-1, -MAX_SAFE] {
            assert_dropped(&at(json!(depth)), 1, "depth_negative");
        }
        for depth in [MAX_SAFE + 1, i64::MAX] {
            if number <= 5 {
                // Synapse has the lower limit in all versions.
                assert_flagged(&at(json!(depth)), &["depth_limit_divergent"]);
            } else {
                assert_dropped(&at(json!(depth)), 1, "integer_out_of_range");
            }
        }
        let above = at(json!(i64::MAX as u64 + 1));
        let code = if number <= 5 { "depth_too_large" } else { "integer_out_of_range" };
        assert_dropped(&above, 1, code);
    }
}

#[test]
fn i4_a_depth_of_minus_zero_is_zero() {
    for (number, _) in versions() {
        let signed = sign(&with(event(number), "/depth", json!(0)), number).to_string();
        let minus = signed.replace("\"depth\":0", "\"depth\":-0");
        assert_flagged(&verify_text(minus.as_bytes(), number), &["negative_zero"]);
    }
}

#[test]
fn i2_the_range_of_the_timestamp() {
    for (number, _) in versions() {
        let at = |ts: Value| verify_draft(&with(event(number), "/origin_server_ts", ts), number);
        // Any integer will do: no clock is asked. (The key of the test ends after TS.)
        for ts in [0, 1, -1, -MAX_SAFE] {
            assert_accepted(&at(json!(ts)));
        }
        for ts in [-MAX_SAFE - 1, i64::MIN] {
            if number <= 5 {
                assert_accepted(&at(json!(ts)));
            } else {
                assert_dropped(&at(json!(ts)), 1, "integer_out_of_range");
            }
        }
        let code = if number <= 5 { "timestamp_out_of_range" } else { "integer_out_of_range" };
        assert_dropped(&at(json!(i64::MAX as u64 + 1)), 1, code);
    }
}

#[test]
fn b11_numbers_from_version_6_on() {
    let wrong = [
        (json!(1.5), "number_not_integer"),
        (json!(1.0), "number_not_integer"),
        (json!(-0.0), "number_not_integer"),
        (json!(MAX_SAFE + 1), "integer_out_of_range"),
        (json!(-MAX_SAFE - 1), "integer_out_of_range"),
        (json!(u64::MAX), "integer_out_of_range"),
    ];
    let right = [json!(MAX_SAFE), json!(-MAX_SAFE), json!(0), json!("1.5")];
    let places = ["/content/x", "/x", "/state_key2"];
    for (number, version) in versions() {
        assert_eq!(version.strict_canonical_json, number >= 6);
        for place in places {
            for value in &right {
                assert_accepted(&verify_draft(&with(event(number), place, value.clone()), number));
            }
            for (value, code) in &wrong {
                for nested in [value.clone(), json!([{"y": [value]}])] {
                    let verdict = verify_draft(&with(event(number), place, nested.clone()), number);
                    if number <= 5 {
                        assert_accepted(&verdict);
                        continue;
                    }
                    assert_dropped(&verdict, 1, code);
                    let check = serde_json::to_value(&verdict.checks[0]).unwrap();
                    let end = if nested.is_array() { "/0/y/0" } else { "" };
                    assert_eq!(check["evidence"]["pointer"], format!("{place}{end}"));
                }
            }
        }
    }
}

#[test]
fn b11_numbers_inside_unsigned_are_thrown_away_with_it() {
    for (number, _) in versions() {
        for value in [json!(1.5), json!(u64::MAX), json!({"age": [-1.0]})] {
            let event = with(sign(&event(number), number), "/unsigned", json!({"age": value}));
            assert_accepted(&verify(&event, number));
        }
    }
}

#[test]
fn b11_numbers_beyond_a_double_are_refused_where_they_count() {
    for (number, _) in versions() {
        let good = sign(&event(number), number).to_string();
        for bad in ["1e999", "-1E400", "1.7976931348623159e308"] {
            let inside = good.replacen("\"hello\"", bad, 1);
            assert_dropped(&verify_text(inside.as_bytes(), number), 1, "json_number_overflow");
            let unsigned = good.replacen('{', &format!("{{\"unsigned\":{{\"age\":{bad}}},"), 1);
            assert_accepted(&verify_text(unsigned.as_bytes(), number));
        }
    }
}

#[test]
fn b11_unsigned_has_no_say() {
    for (number, _) in versions() {
        let good = sign(&event(number), number);
        let whole = verify(&good, number);
        for unsigned in [
            json!({}),
            json!({"age": "x", "age_ts": -1, "prev_content": 1}),
            json!({"redacted_because": {"type": "m.room.redaction"}}),
        ] {
            assert_eq!(verify(&with(good.clone(), "/unsigned", unsigned), number), whole);
        }
        for unsigned in [json!(null), json!([]), json!("x"), json!(1), json!(true)] {
            let verdict = verify(&with(good.clone(), "/unsigned", unsigned), number);
            assert_flagged(&verdict, &["unsigned_malformed"]);
            assert_eq!(verdict.event_id, whole.event_id);
        }
    }
}

/// A signed event of so many bytes.
fn of_size(number: u8, bytes: usize) -> Value {
    let sized = |length: usize| {
        let event = with(event(number), "/content/body", json!("x".repeat(length)));
        sign(&event, number)
    };
    let empty = model::canonical(&sized(0)).len();
    let event = sized(bytes - empty);
    assert_eq!(model::canonical(&event).len(), bytes);
    event
}

#[test]
fn b12_an_event_has_65536_bytes_at_most() {
    for (number, _) in versions() {
        // Synapse counts an empty `unsigned`, 14 bytes.
        assert_accepted(&verify(&of_size(number, 65_522), number));
        assert_flagged(&verify(&of_size(number, 65_523), number), &["size_limit_divergent"]);
        assert_flagged(&verify(&of_size(number, 65_536), number), &["size_limit_divergent"]);
        let verdict = verify(&of_size(number, 65_537), number);
        assert_dropped(&verdict, 1, "event_too_large");
        let check = serde_json::to_value(&verdict.checks[0]).unwrap();
        assert_eq!(check["evidence"], json!({"bytes": 65_537, "limit": 65_536}));
    }
}

#[test]
fn b12_it_is_the_canonical_form_that_counts() {
    let event = of_size(11, 65_522);
    let spaced = serde_json::to_string_pretty(&event).unwrap() + &" ".repeat(70_000);
    assert_accepted(&verify_text(spaced.as_bytes(), 11));
    // Six bytes for one.
    let escaped = event.to_string().replace("xxx", "\\u0078\\u0078\\u0078");
    assert!(escaped.len() > 300_000);
    assert_accepted(&verify_text(escaped.as_bytes(), 11));
}

#[test]
fn b12_signatures_count_and_unsigned_does_not() {
    for (number, _) in versions() {
        let event = of_size(number, 65_536);
        let more = with(event, "/signatures/two.example", json!({"ed25519:a": "x"}));
        assert_dropped(&verify(&more, number), 1, "event_too_large");

        let small = sign(&draft(number), number);
        let unsigned = with(small.clone(), "/unsigned", json!({"x": "x".repeat(66_000)}));
        assert_flagged(&verify(&unsigned, number), &["unsigned_oversized"]);
        let unsigned = with(small, "/unsigned", json!({"x": "x".repeat(60_000)}));
        assert_accepted(&verify(&unsigned, number));

        // The flag is about the whole of it, to the byte.
        let small = sign(&draft(number), number);
        let around = with(small.clone(), "/unsigned", json!({"x": ""})).to_string().len();
        let filled = |bytes: usize| {
            let unsigned = json!({"x": "x".repeat(bytes - around)});
            verify(&with(small.clone(), "/unsigned", unsigned), number)
        };
        assert_accepted(&filled(65_536));
        assert_flagged(&filled(65_537), &["unsigned_oversized"]);
    }
}

#[test]
fn b13_identifiers_types_and_state_keys_have_255_bytes_at_most() {
    for (number, version) in versions() {
        assert_eq!(version.strict_byte_limits, number >= 11);
        for field in ["type", "state_key", "sender", "room_id", "event_id"] {
            let filled = |length: usize, letter: &str| match field {
                "type" | "state_key" => letter.repeat(length),
                "sender" => format!("@{}:one.example", letter.repeat(length - 13)),
                "room_id" => format!("!{}:one.example", letter.repeat(length - 13)),
                _ => format!("${}:one.example", letter.repeat(length - 13)),
            };
            let has_it = match field {
                "room_id" => number <= 11,
                "event_id" => number <= 2,
                _ => true,
            };
            if !has_it {
                continue;
            }
            let of = |text: String| {
                verify_draft(&with(event(number), &format!("/{field}"), json!(text)), number)
            };
            assert_accepted(&of(filled(255, "x")));
            let verdict = of(filled(256, "x"));
            assert_dropped(&verdict, 1, "field_too_long");
            assert_eq!(field_of(&verdict), field);

            // 255 characters, but more bytes; and escapes, which are longer than what they mean.
            let verdict = of(filled(255, "é"));
            if number <= 10 {
                assert_flagged(&verdict, &["byte_limit_divergent"]);
                assert_dropped(&of(filled(256, "é")), 1, "field_too_long");
            } else {
                assert_dropped(&verdict, 1, "field_too_long");
            }
            assert_accepted(&of(filled(255, "\u{1}")));
            assert_accepted(&of(filled(255, "\"")));
        }
    }
}

#[test]
fn i2_the_version_decides_not_the_event() {
    // An event of version 2 has no place in version 3, and the other way round.
    for (number, _) in versions() {
        let event = sign(&event(number), number);
        for (other, _) in versions() {
            let verdict = verify(&event, other);
            let same_form = |a: u8, b: u8| (a <= 2) == (b <= 2) && (a == 12) == (b == 12);
            assert_eq!(failure(&verdict).is_none(), same_form(number, other), "{number} {other}");
        }
    }
}
