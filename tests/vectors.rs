//! Other projects' test vectors, read from beside the project when they are there.

// Tests fail by panicking.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used
)]

mod common;

use std::path::Path;

use common::make::canonicalise;
use common::{files, hex, vectors};
use fedproof::encoding;
use fedproof::json::{Numbers, parse};
use fedproof::keys::{Dalek, HotKeys, PublicKey, SignatureCheck, SignatureOutcome};
use serde_json::Value;

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex(value.as_str().unwrap())
}

/// The answer of every way to check a signature; they must be one. Key and signature come as base64,
/// as they do in events.
fn check(key: &[u8], message: &[u8], signature: &[u8]) -> SignatureOutcome {
    let Ok(key) = PublicKey::from_base64(&encoding::encode(key)) else {
        return SignatureOutcome::Invalid;
    };
    let Some(signature) = encoding::decode::<64>(&encoding::encode(signature)) else {
        return SignatureOutcome::Invalid;
    };
    let outcome = Dalek.check(&key, message, &signature.bytes);
    // The first checks by a key are made without its table, the later ones with it.
    let hot_keys = HotKeys::default();
    for turn in 0..6 {
        let hot = hot_keys.check(&key, message, &signature.bytes);
        assert_eq!(hot, outcome, "HotKeys, turn {turn}");
    }
    outcome
}

/// What dalek itself says: `verify_strict`, and whether plain `verify` differs.
fn dalek(key: &[u8], message: &[u8], signature: &[u8]) -> SignatureOutcome {
    use ed25519_dalek::{Signature, Verifier, VerifyingKey};
    let key = key.try_into().ok().and_then(|key| VerifyingKey::from_bytes(key).ok());
    let signature = Signature::from_slice(signature).ok();
    let (Some(key), Some(signature)) = (key, signature) else { return SignatureOutcome::Invalid };
    match (key.verify_strict(message, &signature), key.verify(message, &signature)) {
        (Ok(()), _) => SignatureOutcome::Valid,
        (Err(_), Ok(())) => SignatureOutcome::Divergent,
        (Err(_), Err(_)) => SignatureOutcome::Invalid,
    }
}

/// Checks a vector against dalek and gives the answer.
#[track_caller]
fn judge(key: &[u8], message: &[u8], signature: &[u8]) -> SignatureOutcome {
    let outcome = check(key, message, signature);
    assert_eq!(outcome, dalek(key, message, signature), "{key:x?} {signature:x?}");
    outcome
}

#[test]
fn b27_wycheproof() {
    let Some(path) = vectors("wycheproof/ed25519_test.json") else { return };
    let mut counts = [0, 0];
    for group in read_json(&path)["testGroups"].as_array().unwrap() {
        let key = bytes(&group["publicKey"]["pk"]);
        for test in group["tests"].as_array().unwrap() {
            let valid = test["result"] == "valid";
            let outcome = judge(&key, &bytes(&test["msg"]), &bytes(&test["sig"]));
            assert_eq!(outcome == SignatureOutcome::Valid, valid, "{test}");
            counts[usize::from(valid)] += 1;
        }
    }
    assert_eq!(counts, [63, 88]);
}

#[test]
fn b26_speccheck() {
    let Some(path) = vectors("ed25519-speccheck/cases.json") else { return };
    let letters: String = read_json(&path)
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let (key, signature) = (bytes(&case["pub_key"]), bytes(&case["signature"]));
            match judge(&key, &bytes(&case["message"]), &signature) {
                SignatureOutcome::Valid => 'V',
                SignatureOutcome::Invalid => 'X',
                SignatureOutcome::Divergent => 'd',
            }
        })
        .collect();
    // libsodium takes number 3 alone; plain verification takes four more.
    assert_eq!(letters, "dddVXXXXXXXd");
}

#[test]
fn b28_dalek_validation_vectors() {
    let Some(path) = vectors("dalek/VALIDATIONVECTORS") else { return };
    let cases = read_json(&path);
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 914);
    let (mut valid, mut divergent) = (0, 0);
    for case in cases {
        let message = case["msg"].as_str().unwrap().as_bytes();
        match judge(&bytes(&case["key"]), message, &bytes(&case["sig"])) {
            SignatureOutcome::Valid => valid += 1,
            SignatureOutcome::Divergent => divergent += 1,
            SignatureOutcome::Invalid => {}
        }
    }
    assert!(valid > 0 && divergent > 0, "{valid} valid, {divergent} divergent");
}

#[test]
fn b28_dalek_test_vectors() {
    let Some(path) = vectors("dalek/TESTVECTORS") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count(), 128);
    for line in text.lines() {
        let parts: Vec<_> = line.split(':').map(hex).collect();
        let [seed_and_key, key, message, signature_and_message, ..] = parts.as_slice() else {
            panic!("{line}");
        };
        let signature = &signature_and_message[..64];
        assert_eq!(judge(key, message, signature), SignatureOutcome::Valid);
        let signing =
            fedproof::keys::SigningKey::from_seed("ed25519:x", &seed_and_key[..32]).unwrap();
        assert_eq!(signing.public_key(), encoding::encode(key));
        assert_eq!(signing.sign(message), *signature);
        let longer = [message, &b"x"[..]].concat();
        assert_eq!(judge(key, &longer, signature), SignatureOutcome::Invalid);
    }
}

#[test]
fn b28_noble_zip215() {
    let Some(path) = vectors("noble-curves/zip215.json") else { return };
    let cases = read_json(&path);
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 196);
    let mut divergent = 0;
    for case in cases {
        // Small-order keys and R throughout: never taken.
        let outcome = judge(&bytes(&case["vk_bytes"]), b"Zcash", &bytes(&case["sig_bytes"]));
        assert_ne!(outcome, SignatureOutcome::Valid, "{case}");
        divergent += usize::from(outcome == SignatureOutcome::Divergent);
    }
    assert!(divergent > 0);
}

#[test]
fn b28_own_edge_cases() {
    let Some(path) = vectors("ed25519-edge/vectors.jsonl") else { return };
    let cases = common::json_lines(&path);
    assert_eq!(cases.len(), 14);
    for case in cases {
        let outcome = judge(&bytes(&case["pk"]), &bytes(&case["msg"]), &bytes(&case["sig"]));
        let (strict, plain) = (&case["r"]["dalek strict"], &case["r"]["dalek verify"]);
        assert_eq!(outcome == SignatureOutcome::Valid, *strict, "{case}");
        assert_eq!(outcome != SignatureOutcome::Invalid, *plain, "{case}");
    }
}

#[test]
fn b_json_test_suite() {
    let Some(folder) = vectors("JSONTestSuite/test_parsing") else { return };
    let mut counts = [0; 3];
    for path in files(&folder) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let answer = canonicalise(&std::fs::read(&path).unwrap(), Numbers::Keep);
        match name.split_at(2).0 {
            "y_" => {
                counts[0] += 1;
                let canonical = answer.unwrap_or_else(|code| panic!("{name} is refused: {code}"));
                assert_eq!(
                    canonicalise(canonical.as_bytes(), Numbers::Keep),
                    Ok(canonical),
                    "{name}"
                );
            }
            "n_" => {
                counts[1] += 1;
                assert!(answer.is_err(), "{name} is taken for {answer:?}");
            }
            _ => {
                counts[2] += 1;
                let decided = OPEN.iter().find(|(file, _)| *file == name);
                let (_, decided) =
                    decided.unwrap_or_else(|| panic!("{name}: {answer:?} is not decided"));
                assert_eq!(answer.as_deref().map_err(|code| *code), *decided, "{name}");
            }
        }
    }
    assert_eq!(counts, [95, 188, OPEN.len()]);
}

/// What we decided where the suite leaves it open.
const OPEN: &[(&str, Result<&str, &str>)] = &[
    ("i_number_double_huge_neg_exp.json", Ok("[0.0]")),
    ("i_number_huge_exp.json", Err("json_number_overflow")),
    ("i_number_neg_int_huge_exp.json", Err("json_number_overflow")),
    ("i_number_pos_double_huge_exp.json", Err("json_number_overflow")),
    ("i_number_real_neg_overflow.json", Err("json_number_overflow")),
    ("i_number_real_pos_overflow.json", Err("json_number_overflow")),
    ("i_number_real_underflow.json", Ok("[0.0]")),
    ("i_number_too_big_neg_int.json", Ok("[-123123123123123123123123123123]")),
    ("i_number_too_big_pos_int.json", Ok("[100000000000000000000]")),
    (
        "i_number_very_big_negative_int.json",
        Ok("[-237462374673276894279832749832423479823246327846]"),
    ),
    ("i_object_key_lone_2nd_surrogate.json", Err("json_lone_surrogate")),
    ("i_string_1st_surrogate_but_2nd_missing.json", Err("json_lone_surrogate")),
    ("i_string_1st_valid_surrogate_2nd_invalid.json", Err("json_lone_surrogate")),
    ("i_string_UTF-16LE_with_BOM.json", Err("json_invalid_utf8")),
    ("i_string_UTF-8_invalid_sequence.json", Err("json_invalid_utf8")),
    ("i_string_UTF8_surrogate_U+D800.json", Err("json_invalid_utf8")),
    ("i_string_incomplete_surrogate_and_escape_valid.json", Err("json_lone_surrogate")),
    ("i_string_incomplete_surrogate_pair.json", Err("json_lone_surrogate")),
    ("i_string_incomplete_surrogates_escape_valid.json", Err("json_lone_surrogate")),
    ("i_string_invalid_lonely_surrogate.json", Err("json_lone_surrogate")),
    ("i_string_invalid_surrogate.json", Err("json_lone_surrogate")),
    ("i_string_invalid_utf-8.json", Err("json_invalid_utf8")),
    ("i_string_inverted_surrogates_U+1D11E.json", Err("json_lone_surrogate")),
    ("i_string_iso_latin_1.json", Err("json_invalid_utf8")),
    ("i_string_lone_second_surrogate.json", Err("json_lone_surrogate")),
    ("i_string_lone_utf8_continuation_byte.json", Err("json_invalid_utf8")),
    ("i_string_not_in_unicode_range.json", Err("json_invalid_utf8")),
    ("i_string_overlong_sequence_2_bytes.json", Err("json_invalid_utf8")),
    ("i_string_overlong_sequence_6_bytes.json", Err("json_invalid_utf8")),
    ("i_string_overlong_sequence_6_bytes_null.json", Err("json_invalid_utf8")),
    ("i_string_truncated-utf-8.json", Err("json_invalid_utf8")),
    ("i_string_utf16BE_no_BOM.json", Err("json_invalid_utf8")),
    ("i_string_utf16LE_no_BOM.json", Err("json_invalid_utf8")),
    ("i_structure_500_nested_arrays.json", Err("json_too_deep")),
    ("i_structure_UTF-8_BOM_empty_object.json", Err("json_syntax")),
];

#[test]
fn b_json_test_suite_transforms() {
    let Some(folder) = vectors("JSONTestSuite/test_transform") else { return };
    let files = files(&folder);
    for path in &files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let answer = canonicalise(&std::fs::read(path).unwrap(), Numbers::Keep);
        let decided = TRANSFORMS.iter().find(|(file, _)| *file == name);
        let (_, decided) = decided.unwrap_or_else(|| panic!("{name}: {answer:?} is not decided"));
        assert_eq!(answer.as_deref().map_err(|code| *code), *decided, "{name}");
    }
    assert_eq!(files.len(), TRANSFORMS.len());
}

/// What becomes of inputs that parsers change: nothing is lost, but the first of equal keys.
const TRANSFORMS: &[(&str, Result<&str, &str>)] = &[
    ("number_-9223372036854775808.json", Ok("[-9223372036854775808]")),
    ("number_-9223372036854775809.json", Ok("[-9223372036854775809]")),
    ("number_1.0.json", Ok("[1.0]")),
    ("number_1.000000000000000005.json", Ok("[1.0]")),
    ("number_1000000000000000.json", Ok("[1000000000000000]")),
    ("number_10000000000000000999.json", Ok("[10000000000000000999]")),
    ("number_1e-999.json", Ok("[0.0]")),
    ("number_1e6.json", Ok("[1000000.0]")),
    ("number_9223372036854775807.json", Ok("[9223372036854775807]")),
    ("number_9223372036854775808.json", Ok("[9223372036854775808]")),
    ("object_key_nfc_nfd.json", Ok("{\"e\u{301}\":\"NFD\",\"\u{e9}\":\"NFC\"}")),
    ("object_key_nfd_nfc.json", Ok("{\"e\u{301}\":\"NFD\",\"\u{e9}\":\"NFC\"}")),
    ("object_same_key_different_values.json", Ok("{\"a\":2}")),
    ("object_same_key_same_value.json", Ok("{\"a\":1}")),
    ("object_same_key_unclear_values.json", Ok("{\"a\":0}")),
    ("string_1_escaped_invalid_codepoint.json", Err("json_lone_surrogate")),
    ("string_1_invalid_codepoint.json", Err("json_invalid_utf8")),
    ("string_2_escaped_invalid_codepoints.json", Err("json_lone_surrogate")),
    ("string_2_invalid_codepoints.json", Err("json_invalid_utf8")),
    ("string_3_escaped_invalid_codepoints.json", Err("json_lone_surrogate")),
    ("string_3_invalid_codepoints.json", Err("json_invalid_utf8")),
    ("string_with_escaped_NULL.json", Ok("[\"A\\u0000B\"]")),
];

#[test]
fn b_msc4458() {
    let Some(folder) = vectors("MSC4458/testcases") else { return };
    let files = files(&folder);
    assert_eq!(files.len(), 11);
    for path in files {
        let file = std::fs::read(&path).unwrap();
        let lines: Vec<&[u8]> = file.split(|byte| *byte == b'\n').collect();
        let split = lines.iter().position(|line| *line == b"---").unwrap();
        let input: Vec<&[u8]> =
            lines[..split].iter().copied().skip_while(|line| line.starts_with(b"#")).collect();
        let input = input.join(&b'\n');
        let accepted: Vec<String> = lines[split + 1..]
            .iter()
            .filter(|line| !line.is_empty())
            .map(|line| String::from_utf8(line.to_vec()).unwrap())
            .collect();
        for numbers in [Numbers::Keep, Numbers::Integral] {
            // Strict, as room versions 6 and later are; lenient, as the specification's example is.
            let canonical = parse(&input, numbers).ok();
            let canonical = canonical.filter(|json| json.first_bad_number(true, None).is_none());
            let answer = canonical.map_or("REJECT".to_owned(), |json| json.as_str().to_owned());
            assert!(accepted.contains(&answer), "{}: {numbers:?} gives {answer}", path.display());
            let name = path.file_name().unwrap().to_str().unwrap();
            let exponent =
                if numbers == Numbers::Keep { "REJECT" } else { r#"{"a":0,"b":10000000000}"# };
            match name {
                "03-object-duplicate-keys" => assert_eq!(answer, r#"{"a":2}"#),
                "10-float1" => assert_eq!(answer, "REJECT"),
                "11-exponent" => assert_eq!(answer, exponent),
                _ => assert_eq!(accepted.len(), 1, "{name}"),
            }
        }
    }
}
