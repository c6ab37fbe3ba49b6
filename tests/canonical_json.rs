//! Section B of the rules: canonical JSON, incoming JSON, base64. (B11 to B14, the limits of events,
//! are in `format.rs`.)

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
    assert_accepted, assert_dropped, assert_flagged, canonicalise, draft, parsed, sign, verify_text,
};
use common::model;
use fedproof::encoding;
use fedproof::event::hashes;
use fedproof::json::{Kind, NumberDefectKind, Numbers, parse, write_string};

/// The canonical form, numbers kept as they are.
fn keep(input: &str) -> Result<String, &'static str> {
    canonicalise(input.as_bytes(), Numbers::Keep)
}

#[track_caller]
fn assert_canonical(table: &[(&str, &str)]) {
    for (input, expected) in table {
        assert_eq!(keep(input).as_deref(), Ok(*expected), "{input}");
    }
}

#[track_caller]
fn assert_refused(code: &str, table: &[&str]) {
    for input in table {
        assert_eq!(keep(input), Err(code), "{input:?}");
    }
}

#[test]
fn p_canonical_json_examples_of_the_specification() {
    assert_canonical(&[
        ("{}", "{}"),
        ("{\n    \"one\": 1,\n    \"two\": \"Two\"\n}", r#"{"one":1,"two":"Two"}"#),
        ("{\n    \"b\": \"2\",\n    \"a\": \"1\"\n}", r#"{"a":"1","b":"2"}"#),
        (r#"{"b":"2","a":"1"}"#, r#"{"a":"1","b":"2"}"#),
        (
            r#"{
                "auth": {
                    "success": true,
                    "mxid": "@john.doe:example.com",
                    "profile": {
                        "display_name": "John Doe",
                        "three_pids": [
                            {"medium": "email", "address": "john.doe@example.org"},
                            {"medium": "msisdn", "address": "123456789"}
                        ]
                    }
                }
            }"#,
            concat!(
                r#"{"auth":{"mxid":"@john.doe:example.com","profile":{"display_name":"John Doe","#,
                r#""three_pids":[{"address":"john.doe@example.org","medium":"email"},"#,
                r#"{"address":"123456789","medium":"msisdn"}]},"success":true}}"#
            ),
        ),
        (r#"{"a": "日本語"}"#, r#"{"a":"日本語"}"#),
        (r#"{"本": 2, "日": 1}"#, r#"{"日":1,"本":2}"#),
        (r#"{"a": "\u65E5"}"#, r#"{"a":"日"}"#),
        (r#"{"a": null}"#, r#"{"a":null}"#),
    ]);
    let tenth = canonicalise(br#"{"a": -0, "b": 1e10}"#, Numbers::Integral);
    assert_eq!(tenth.as_deref(), Ok(r#"{"a":0,"b":10000000000}"#));
}

#[test]
fn p_unpadded_base64_examples_of_the_specification() {
    fn check<const N: usize>(text: &str) {
        let bytes: [u8; N] = "foobar".as_bytes()[..N].try_into().unwrap();
        assert_eq!(encoding::encode(&bytes), text);
        let decoded = encoding::decode::<N>(text).unwrap();
        assert_eq!((decoded.bytes, decoded.url_safe), (bytes, false));
    }
    check::<0>("");
    check::<1>("Zg");
    check::<2>("Zm8");
    check::<3>("Zm9v");
    check::<4>("Zm9vYg");
    check::<5>("Zm9vYmE");
    check::<6>("Zm9vYmFy");
}

#[test]
fn b1_no_insignificant_white_space() {
    assert_canonical(&[
        (" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", r#"{"a":[1,2],"b":{}}"#),
        ("[ ]", "[]"),
        (" \"a b\" ", r#""a b""#),
    ]);
    // What others call white space is none.
    assert_refused("json_syntax", &["\u{a0}{}", "\u{c}{}", "\u{b}{}", "{\u{2028}}", "\u{feff}{}"]);
}

#[test]
fn b2_keys_in_the_order_of_code_points() {
    assert_canonical(&[
        (r#"{"10":0,"9":0,"B":0,"a":0}"#, r#"{"10":0,"9":0,"B":0,"a":0}"#),
        (r#"{"a":0,"B":0,"9":0,"10":0}"#, r#"{"10":0,"9":0,"B":0,"a":0}"#),
        (r#"{"ab":0,"a":0,"":0}"#, r#"{"":0,"a":0,"ab":0}"#),
        // In UTF-16, U+10000 would come first.
        ("{\"\u{10000}\":0,\"\u{e000}\":0}", "{\"\u{e000}\":0,\"\u{10000}\":0}"),
        ("{\"\\ud83d\\ude00\":0,\"\\ufb33\":0}", "{\"\u{fb33}\":0,\"\u{1f600}\":0}"),
        // By what escapes stand for, not by how they are written: U+0001 < '"' < '#' < '\' < 'a'.
        (
            r##"{"a":0,"\\":0,"#":0,"\"":0,"\u0001":0}"##,
            r##"{"\u0001":0,"\"":0,"#":0,"\\":0,"a":0}"##,
        ),
        (r#"{"\n":0,"\t":0,"\u0000":0," ":0}"#, r#"{"\u0000":0,"\t":0,"\n":0," ":0}"#),
        // At every depth.
        (r#"[{"b":{"d":0,"c":0},"a":0}]"#, r#"[{"a":0,"b":{"c":0,"d":0}}]"#),
        (r#"{"__proto__":0,"constructor":0,"a":0}"#, r#"{"__proto__":0,"a":0,"constructor":0}"#),
    ]);
}

#[test]
fn b3_strict_numbers_are_integers_within_2_to_the_53() {
    let defect = |text: &str| {
        let json = parse(text.as_bytes(), Numbers::Keep).unwrap();
        json.first_bad_number(true, None).map(|defect| (defect.kind, defect.pointer))
    };
    let right = ["0", "-1", "9007199254740991", "-9007199254740991", "[1,2]", r#"{"a":"1.5"}"#];
    for text in right {
        assert_eq!(defect(text), None, "{text}");
    }
    use NumberDefectKind::{NotInteger, OutOfRange};
    let wrong = [
        ("9007199254740992", OutOfRange, ""),
        ("-9007199254740992", OutOfRange, ""),
        ("18446744073709551616", OutOfRange, ""),
        ("1.0", NotInteger, ""),
        ("-0.0", NotInteger, ""),
        ("1e2", NotInteger, ""),
        ("1E-2", NotInteger, ""),
        (r#"{"a":[0,{"b/~":1.5}]}"#, NotInteger, "/a/1/b~1~0"),
        // The first in canonical order.
        (r#"{"b":1.5,"a":9007199254740992}"#, OutOfRange, "/a"),
        (r#"[[0,1.5,9007199254740992],2.5]"#, NotInteger, "/0/1"),
        (r#"[{"b":1.5,"a":9007199254740992}]"#, OutOfRange, "/0/a"),
        (r#"[[1],[2,3e0]]"#, NotInteger, "/1/1"),
    ];
    for (text, kind, pointer) in wrong {
        assert_eq!(defect(text), Some((kind, pointer.to_owned())), "{text}");
    }
    // One member can be left out; a duplicate that was dropped does not count.
    let json = parse(br#"{"a":1.5,"b":2.5}"#, Numbers::Keep).unwrap();
    assert_eq!(json.first_bad_number(true, Some("a")).unwrap().pointer, "/b");
    let json = parse(br#"{"a":1.5,"a":2}"#, Numbers::Keep).unwrap();
    assert_eq!(json.first_bad_number(true, None), None);
}

#[test]
fn b3_the_grammar_of_numbers() {
    assert_canonical(&[("[0,-1,10]", "[0,-1,10]"), ("9007199254740991", "9007199254740991")]);
    assert_refused(
        "json_syntax",
        &[
            "01",
            "-01",
            "00",
            "-",
            "+1",
            ".5",
            "1.",
            "1.e1",
            "1e",
            "1e+",
            "[0x10]",
            "[1_0]",
            "NaN",
            "Infinity",
            "-Infinity",
            "١",
            "--1",
            "[-]",
        ],
    );
}

#[test]
fn b4_minus_zero_becomes_zero() {
    for (text, canonical, noted) in
        [("-0", "0", true), ("[0]", "[0]", false), ("[-0]", "[0]", true), ("-1", "-1", false)]
    {
        let json = parse(text.as_bytes(), Numbers::Keep).unwrap();
        assert_eq!((json.as_str(), json.notes().negative_zero), (canonical, noted), "{text}");
    }
    // A fraction is no integer, not even this one.
    assert_eq!(keep("-0.0").as_deref(), Ok("-0.0"));
}

#[test]
fn b5_exponents_become_integers_only_when_asked() {
    let lenient = |text: &str| canonicalise(text.as_bytes(), Numbers::Integral).unwrap();
    let table = [
        ("1e10", "10000000000"),
        ("1E+2", "100"),
        ("1.0", "1"),
        ("-1.0", "-1"),
        ("-0.0", "0"),
        ("0e5", "0"),
        ("0.0e-5", "0"),
        ("12.5e1", "125"),
        ("1200e-2", "12"),
        ("5.00", "5"),
        ("9007199254740991.0", "9007199254740991"),
        ("9.007199254740991e15", "9007199254740991"),
        ("0e99999999999999999999", "0"),
    ];
    for (text, integer) in table {
        assert_eq!(lenient(text), integer, "{text}");
        let strict = parse(text.as_bytes(), Numbers::Keep).unwrap();
        let kind = strict.first_bad_number(true, None).map(|defect| defect.kind);
        assert_eq!(kind, Some(NumberDefectKind::NotInteger), "{text}");
    }
    // What stands for no safe integer stays, to be refused.
    for text in ["1.5", "1e-1", "9007199254740992.0", "1e16", "1e300", "1e-999", "12e-2"] {
        let json = parse(text.as_bytes(), Numbers::Integral).unwrap();
        assert!(json.first_bad_number(true, None).is_some(), "{text}");
    }
}

#[test]
fn b6_only_the_shortest_escapes() {
    assert_canonical(&[
        (r#""\u0008\u0009\u000a\u000c\u000d\u0022\u005c""#, r#""\b\t\n\f\r\"\\""#),
        (r#""\b\t\n\f\r\"\\\/""#, r#""\b\t\n\f\r\"\\/""#),
        (r#""\u0000\u0001\u000B\u001F\u001f""#, r#""\u0000\u0001\u000b\u001f\u001f""#),
        (
            r#""\u002F\u007f\u0080\u2028\u2029\u00e9\uFFFF""#,
            "\"/\u{7f}\u{80}\u{2028}\u{2029}é\u{ffff}\"",
        ),
        ("\"\u{7f}\u{2028}<>&'\"", "\"\u{7f}\u{2028}<>&'\""),
        (r#"{"\u0061\/":1}"#, r#"{"a/":1}"#),
    ]);
    assert_refused(
        "json_syntax",
        &[
            r#""\x""#,
            r#""\U0041""#,
            r#""\u""#,
            r#""\u12""#,
            r#""\u12g4""#,
            r#""\ ""#,
            r#""\'""#,
            r#""\0""#,
            "\"\\\u{e9}\"",
            r#""\"#,
            r#"""#,
            r#""a"#,
            "'a'",
        ],
    );
}

#[test]
fn b6_control_characters_must_be_escaped() {
    for byte in 0..0x20u8 {
        for input in [vec![b'"', byte, b'"'], vec![b'{', b'"', byte, b'"', b':', b'1', b'}']] {
            assert_eq!(
                canonicalise(&input, Numbers::Keep),
                Err("json_control_character"),
                "{byte}"
            );
        }
    }
    assert_eq!(keep("\"\u{20}\u{7f}\"").as_deref(), Ok("\"\u{20}\u{7f}\""));
}

#[test]
fn b7_the_last_of_equal_keys_wins_and_is_noted() {
    let table = [
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":1,"\u0061":2}"#, r#"{"a":2}"#),
        (r#"{"\u0061":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":1,"b":0,"a":2,"a":3}"#, r#"{"a":3,"b":0}"#),
        (r#"{"b":0,"a":1,"a":{"c":1,"c":2}}"#, r#"{"a":{"c":2},"b":0}"#),
        (r#"[{"x":{"a":1,"a":null}}]"#, r#"[{"x":{"a":null}}]"#),
        (r#"{"\n":1,"\u000a":2}"#, r#"{"\n":2}"#),
        (r#"{"/":1,"\/":2}"#, r#"{"/":2}"#),
        (r#"{"":1,"":2}"#, r#"{"":2}"#),
        ("{\"\\ud83d\\ude00\":1,\"😀\":2}", "{\"😀\":2}"),
    ];
    for (input, canonical) in table {
        let json = parse(input.as_bytes(), Numbers::Keep).unwrap();
        assert_eq!((json.as_str(), json.notes().duplicate_keys), (canonical, true), "{input}");
    }
    for input in [r#"{"a":1,"A":1}"#, r#"[{"a":1},{"a":1}]"#, r#"{"a":{"a":1}}"#, r#"["a","a"]"#] {
        let json = parse(input.as_bytes(), Numbers::Keep).unwrap();
        assert!(!json.notes().duplicate_keys, "{input}");
    }
    // Every reader sees the value that is hashed.
    let json = parse(br#"{"type":"x","type":"y"}"#, Numbers::Keep).unwrap();
    assert_eq!(json.get("type").unwrap().as_str().unwrap(), "y");
    assert_eq!(hashes::content_hash(&json), model::sha256(r#"{"type":"y"}"#));
}

#[test]
fn b8_pairs_of_surrogates_are_one_character() {
    assert_canonical(&[
        (r#""\ud83d\ude00""#, "\"😀\""),
        (r#""\uD83D\uDE00""#, "\"😀\""),
        (r#""\ud800\udc00\udbff\udfff""#, "\"\u{10000}\u{10ffff}\""),
        (r#""\ud7ff\ue000""#, "\"\u{d7ff}\u{e000}\""),
    ]);
    assert_refused(
        "json_lone_surrogate",
        &[
            r#""\ud800""#,
            r#""\udc00""#,
            r#""\ud83d z""#,
            r#""\ude00\ud83d""#,
            r#""\ud83d\ud83d""#,
            r#""\ud83d\u0041""#,
            r#""\ud83d\n""#,
            r#""\ud83d😀""#,
            r#"{"\ud800":1}"#,
            r#""\udc00\u""#,
            r#""\udfff""#,
        ],
    );
    // What should be the second half is no escape at all.
    assert_refused("json_lone_surrogate", &[r#""\ud83d\zdc08""#]);
    assert_refused("json_syntax", &[r#""\ud83d\ude0g""#, r#""\ud83d\u""#]);
}

#[test]
fn b8_invalid_utf_8_is_refused() {
    let table: [(&[u8], usize); 9] = [
        (b"\"\xff\"", 1),
        (b"\"\xed\xa0\x80\"", 1),     // a surrogate
        (b"\"\xc0\xaf\"", 1),         // overlong
        (b"\"\xf4\x90\x80\x80\"", 1), // above U+10FFFF
        (b"\"a\x80\"", 2),            // no beginning
        (b"\"ab\xe2\x82\"", 3),       // no end
        (b"{}\xff", 2),
        (b"\xff\xfe{\0}\0", 0), // UTF-16
        (b"{\"\xf8\x88\x80\x80\x80\":1}", 2),
    ];
    for (input, offset) in table {
        let error = parse(input, Numbers::Keep).unwrap_err();
        assert_eq!((error.code(), error.offset()), ("json_invalid_utf8", offset), "{input:x?}");
    }
    assert_eq!(keep("\"\u{10ffff}\u{fffd}é\"").as_deref(), Ok("\"\u{10ffff}\u{fffd}é\""));
}

#[test]
fn b9_every_spelling_of_an_event_is_the_same_event() {
    let event = sign(&draft(11), 11).to_string();
    let first = verify_text(event.as_bytes(), 11);
    assert_accepted(&first);
    let spellings = [
        event.replace(r#"","#, "\" ,\t").replace(r#"":"#, "\" :\r\n"),
        event.replace("content", "c\\u006fntent").replace("hello", "\\u0068ello"),
        event.replace("one.example", "one\\u002Eexample"),
        serde_json::to_string_pretty(&sign(&draft(11), 11)).unwrap(),
    ];
    for spelling in spellings {
        assert_ne!(spelling, event);
        assert_eq!(verify_text(spelling.as_bytes(), 11), first, "{spelling}");
    }
    // The value that comes last is the one that is hashed: the first is as if it were not there.
    let forged = format!("{{\"type\":\"forged\",{}", &event[1..]);
    let verdict = verify_text(forged.as_bytes(), 11);
    assert_flagged(&verdict, &["duplicate_keys"]);
    assert_eq!(verdict.event_id, first.event_id);
    let forged = format!("{},\"type\":\"forged\"}}", &event[..event.len() - 1]);
    assert_dropped(&verify_text(forged.as_bytes(), 11), 2, "signature_invalid");
}

#[test]
fn b10_integers_of_any_size_keep_their_digits() {
    let digits = "9".repeat(5000);
    for text in ["9007199254740992", "18446744073709551616", "-9223372036854775809", &digits] {
        assert_eq!(keep(text).as_deref(), Ok(text));
    }
}

#[test]
fn b10_fractions_are_written_as_python_writes_them() {
    assert_canonical(&[
        ("1.0", "1.0"),
        ("-0.0", "-0.0"),
        ("0.0", "0.0"),
        ("1.50", "1.5"),
        ("50.570", "50.57"),
        ("0.1", "0.1"),
        ("1e0", "1.0"),
        ("1e2", "100.0"),
        ("1e15", "1000000000000000.0"),
        ("1e16", "1e+16"),
        ("1E16", "1e+16"),
        ("123456789012345678.0", "1.2345678901234568e+17"),
        ("12345678901234567890.0", "1.2345678901234567e+19"),
        ("9999999999999998.0", "9999999999999998.0"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e-5", "1e-05"),
        ("1E-7", "1e-07"),
        ("1.5e-7", "1.5e-07"),
        ("0.000123", "0.000123"),
        ("0.0000123", "1.23e-05"),
        ("5e-324", "5e-324"),
        ("2e-324", "0.0"),
        ("-2e-324", "-0.0"),
        ("1e-400", "0.0"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e100", "1e+100"),
        ("9007199254740993.0", "9007199254740992.0"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("5.114698E4", "51146.98"),
        ("99.999999999999999", "100.0"),
        ("2.2250738585072014e-308", "2.2250738585072014e-308"),
        ("-1.9", "-1.9"),
    ]);
    assert_refused(
        "json_number_overflow",
        &["1E400", "-1E400", "1.7976931348623159e308", "[1e309]"],
    );
}

#[test]
fn b10_numbers_beyond_a_double_are_told_with_their_place() {
    let json = parse(br#"{"a":[1,{"b":-1E400}],"unsigned":1e999}"#, Numbers::Keep).unwrap();
    for strict in [false, true] {
        let defect = json.first_bad_number(strict, Some("unsigned")).unwrap();
        assert_eq!((defect.kind, defect.pointer.as_str()), (NumberDefectKind::Overflow, "/a/1/b"));
        assert_eq!(defect.number, "-1E400");
    }
    let json = parse(br#"{"a":1,"unsigned":1e999}"#, Numbers::Keep).unwrap();
    assert_eq!(json.first_bad_number(true, Some("unsigned")), None);
    assert_eq!(json.first_bad_number(false, None).unwrap().kind, NumberDefectKind::Overflow);
}

#[test]
fn b10_old_rooms_hash_what_python_would_have_printed() {
    let event = parse(br#"{"content":{"b":1E-5,"a":[1e16,18446744073709551616]}}"#, Numbers::Keep);
    let text = r#"{"content":{"a":[1e+16,18446744073709551616],"b":1e-05}}"#;
    assert_eq!(hashes::content_hash(&event.unwrap()), model::sha256(text));
}

#[test]
fn b16_base64_is_read_generously_and_written_strictly() {
    let bytes = [0xfb, 0xff, 0xbf, 0x01];
    assert_eq!(encoding::encode(&bytes), "+/+/AQ");
    assert_eq!(encoding::encode_url_safe(&bytes), "-_-_AQ");
    let table = [
        ("+/+/AQ", false),
        ("+/+/AQ==", false), // padded
        ("+/+/AR", false),   // trailing bits
        ("+/+/AR==", false),
        ("-_-_AQ", true),
        ("-_-_AR==", true),
    ];
    for (text, url_safe) in table {
        let decoded = encoding::decode::<4>(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!((decoded.bytes, decoded.url_safe), (bytes, url_safe), "{text}");
    }
    // Either of its two letters makes it the other alphabet.
    for (text, byte, url_safe) in
        [("/w", 0xff, false), ("_w", 0xff, true), ("+w", 0xfb, false), ("-w", 0xfb, true)]
    {
        let decoded = encoding::decode::<1>(text).unwrap();
        assert_eq!((decoded.bytes, decoded.url_safe), ([byte], url_safe), "{text}");
    }
    let wrong = [
        "",
        "+/+/",
        "+/+/A",
        "+/+/AQE",
        "+/+/AQ===",
        "+/+/=AQ",
        "+/+/ AQ",
        " +/+/AQ",
        "+/+/AQ\n",
        "+/+/AQ!!",
        "+-+-AQ",
        "é+/AQ",
        "+/+/AQ==AQ",
        "=+/+/AQ",
        "+/+/\0Q",
    ];
    for text in wrong {
        assert_eq!(encoding::decode::<4>(text), None, "{text:?}");
    }
}

#[test]
fn b16_the_seed_of_the_specification_has_trailing_bits() {
    let seed = encoding::decode::<32>("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1");
    assert!(seed.is_some());
}

#[test]
fn json_documents_have_one_value() {
    assert_canonical(&[
        ("null", "null"),
        ("true", "true"),
        ("[false]", "[false]"),
        ("\"\"", "\"\""),
    ]);
    assert_refused(
        "json_trailing_data",
        &["{}x", "{}{}", "1 2", "[],", "null null", "{}\0", "\"\"\"", "{}]"],
    );
    assert_refused(
        "json_syntax",
        &[
            "",
            " ",
            "{",
            "[",
            "]",
            "}",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{a:1}",
            "{1:1}",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "[1}",
            "{\"a\":1]",
            "tru",
            "True",
            "nul",
            "nu",
            "/* */1",
            "// 1",
            "\0",
            "[1;2]",
            "{\"a\"::1}",
        ],
    );
}

#[test]
fn json_errors_say_where() {
    let table: [(&str, &str, usize); 7] = [
        ("[1,x]", "json_syntax", 3),
        ("{\"a\":1,}", "json_syntax", 7),
        ("{} x", "json_trailing_data", 3),
        ("[\"a\tb\"]", "json_control_character", 3),
        ("[\"\\ud800\"]", "json_lone_surrogate", 2),
        ("[01]", "json_syntax", 2),
        ("[\"abc", "json_syntax", 5),
    ];
    for (input, code, offset) in table {
        let error = parse(input.as_bytes(), Numbers::Keep).unwrap_err();
        assert_eq!((error.code(), error.offset()), (code, offset), "{input}: {error}");
        assert!(!error.to_string().is_empty());
    }
    let deep = "[".repeat(128);
    let error = parse(deep.as_bytes(), Numbers::Keep).unwrap_err();
    assert_eq!((error.code(), error.offset()), ("json_too_deep", 127));
}

#[test]
fn json_nesting_ends_at_127_whatever_the_brackets() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
        let levels = open.matches(['[', '{']).count();
        let nested = |times: usize| [&open.repeat(times), "1", &close.repeat(times)].concat();
        assert!(keep(&nested(126 / levels)).is_ok(), "{open}");
        assert_eq!(keep(&nested(128 / levels)), Err("json_too_deep"), "{open}");
        assert_eq!(keep(&open.repeat(100_000)), Err("json_too_deep"), "{open}");
    }
    let exact = ["[".repeat(127), "]".repeat(127)].concat();
    assert_eq!(parse(exact.as_bytes(), Numbers::Keep).unwrap().notes().nesting, 127);
    // Side by side is not inside.
    let wide = format!("[{}[]]", "[],".repeat(1000));
    assert_eq!(parse(wide.as_bytes(), Numbers::Keep).unwrap().notes().nesting, 2);
}

#[test]
fn values_are_read_as_they_were_written() {
    let json = parse(
        br#"{"s":"a\n\"\u00e9","i":-12,"b":[1,"x]",{"k":[]},null],"f":1.5,"\"":true}"#,
        Numbers::Keep,
    )
    .unwrap();
    assert_eq!(json.get("s").unwrap().as_str().unwrap(), "a\n\"é");
    assert_eq!(json.get("i").unwrap().as_i64(), Some(-12));
    assert_eq!(json.get("f").unwrap().as_i64(), None);
    assert_eq!(json.get("missing"), None);
    let kinds: Vec<_> =
        json.get("b").unwrap().as_array().unwrap().map(|item| item.kind()).collect();
    assert_eq!(kinds, [Kind::Number, Kind::String, Kind::Object, Kind::Null]);
    let keys: Vec<_> =
        json.value().as_object().unwrap().map(|member| member.key().into_owned()).collect();
    assert_eq!(keys, ["\"", "b", "f", "i", "s"]);
    assert_eq!(json.get("b").unwrap().get("k"), None);
}

#[test]
fn members_are_set_and_taken_in_canonical_order() {
    let json = parsed(&serde_json::json!({"b": 1, "d": 2}));
    let set = |key, value: &str| json.with_member(key, Some(value.as_bytes())).as_str().to_owned();
    assert_eq!(set("a", "0"), r#"{"a":0,"b":1,"d":2}"#);
    assert_eq!(set("b", "[]"), r#"{"b":[],"d":2}"#);
    assert_eq!(set("c", "0"), r#"{"b":1,"c":0,"d":2}"#);
    assert_eq!(set("e", "0"), r#"{"b":1,"d":2,"e":0}"#);
    assert_eq!(json.with_member("b", None).as_str(), r#"{"d":2}"#);
    assert_eq!(json.with_member("x", None).as_str(), r#"{"b":1,"d":2}"#);
    let empty = parsed(&serde_json::json!({"b": 1})).with_member("b", None);
    assert_eq!((empty.as_str(), empty.get("b")), ("{}", None));
}

#[test]
fn written_strings_are_canonical() {
    let mut out = Vec::new();
    write_string("a\"\\\u{1}\n/\u{7f}é😀", &mut out);
    assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\\\\\u0001\\n/\u{7f}é😀\"");
}
