//! Request authentication: rules M1 to M11, and the hostile rows I108 to I111.

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
    ONE, TS, TWO, draft, key_answer, key_response, known, one, one_b, ring_of, sign, two, verify,
    with,
};
use common::model::{self, Signer25519};
use common::{data, json_lines};
use fedproof::codes::{self, Kind};
use fedproof::json::{MAX_NESTING, Numbers, parse};
use fedproof::keys::{KeyRing, SigningKey};
use fedproof::request_auth::{
    Credentials, HeaderError, MAX_CREDENTIALS, MAX_HEADER_BYTES, ReceivedRequest, Receiver,
    RequestVerdict, SignedRequest, read_authorization, sign_request, verify_request,
};
use fedproof::verdict::Outcome;
use proptest::prelude::*;
use serde_json::{Value, json};

/// When the requests are received, and when the keys were fetched.
const NOW: i64 = TS;
const ASKED: i64 = TS - 1000;
const PATH: &str = "/_matrix/federation/v1/send/1";

/// A ring that has [`one`]'s and [`one_b`]'s keys in use, valid now.
fn ring() -> KeyRing {
    let answer = key_answer(&[&one(), &one_b()], &[], NOW + 1000);
    ring_of(&[key_response(&answer, &[&one()])], ASKED)
}

/// A request of [`ONE`] to [`TWO`], as the tests change it.
#[derive(Clone)]
struct Sent {
    method: String,
    uri: String,
    headers: Vec<Vec<u8>>,
    body: Option<Vec<u8>>,
    names: Vec<&'static str>,
    now: i64,
}

impl Sent {
    fn verify(&self, ring: &KeyRing) -> RequestVerdict {
        let headers: Vec<&[u8]> = self.headers.iter().map(Vec::as_slice).collect();
        let received = ReceivedRequest {
            method: &self.method,
            uri: &self.uri,
            authorization: &headers,
            body: self.body.as_deref(),
        };
        let receiver = Receiver { server_names: &self.names, now: self.now, evidence: true };
        verify_request(received, receiver, ring)
    }

    fn with_headers<H: AsRef<[u8]>>(&self, headers: &[H]) -> Self {
        let headers = headers.iter().map(|header| header.as_ref().to_vec()).collect();
        Self { headers, ..self.clone() }
    }

    fn with_header(&self, header: impl AsRef<[u8]>) -> Self {
        self.with_headers(&[header])
    }

    fn with_body(&self, body: &str) -> Self {
        Self { body: Some(body.as_bytes().to_vec()), ..self.clone() }
    }
}

/// The object that is signed, by the words of the specification.
fn object(
    method: &str,
    uri: &str,
    origin: &str,
    destination: &str,
    content: Option<&Value>,
) -> String {
    let mut object =
        json!({"method": method, "uri": uri, "origin": origin, "destination": destination});
    if let Some(content) = content {
        object["content"] = content.clone();
    }
    model::canonical(&object)
}

/// The signature of a `PUT` of `{}` by `signer`, for `destination`.
fn signature_for(signer: &Signer25519, destination: &str) -> String {
    signer.sign(&object("PUT", PATH, signer.server, destination, Some(&json!({}))))
}

fn signature(signer: &Signer25519) -> String {
    signature_for(signer, TWO)
}

fn header(signer: &Signer25519) -> String {
    let Signer25519 { server, key_id, .. } = signer;
    let signature = signature(signer);
    format!(r#"X-Matrix origin="{server}",destination="{TWO}",key="{key_id}",sig="{signature}""#)
}

/// A `PUT` of `{}`, signed.
fn put() -> Sent {
    Sent {
        method: "PUT".to_owned(),
        uri: PATH.to_owned(),
        headers: vec![header(&one()).into_bytes()],
        body: Some(b"{}".to_vec()),
        names: vec![TWO],
        now: NOW,
    }
}

fn get() -> Sent {
    let signature = one().sign(&object("GET", PATH, ONE, TWO, None));
    let header =
        format!(r#"X-Matrix origin="{ONE}",destination="{TWO}",key="ed25519:a",sig="{signature}""#);
    Sent { method: "GET".to_owned(), body: None, ..put().with_header(header) }
}

fn library_key(signer: &Signer25519) -> SigningKey {
    SigningKey::from_seed(signer.key_id, signer.key.as_bytes()).unwrap()
}

fn signed(method: &str, uri: &str, content: Option<&str>) -> Result<SignedRequest, &'static str> {
    let content = content.map(str::as_bytes);
    sign_request(method, uri, content, ONE, TWO, &library_key(&one())).map_err(|error| {
        assert!(error.to_string().len() > 10);
        error.code()
    })
}

#[track_caller]
fn assert_accepted(verdict: &RequestVerdict, flags: &[&str]) {
    let proven = verdict.result.as_ref().unwrap_or_else(|_| panic!("{verdict:#?}"));
    assert_eq!((proven.origin.as_str(), proven.destination.as_str()), (ONE, TWO));
    assert!(!proven.keys.is_empty());
    assert_eq!(verdict.flags, flags, "{verdict:#?}");
    assert_flags_are_known(verdict);
}

#[track_caller]
fn assert_refused(verdict: &RequestVerdict, status: u16, code: &str) {
    let refusal = verdict.result.as_ref().unwrap_err();
    assert_eq!((refusal.status, refusal.code), (Some(status), code), "{verdict:#?}");
    assert!(refusal.missing.is_empty() && refusal.reason.len() > 10, "{refusal:?}");
    assert!(refusal.errcode.starts_with("M_"));
    let entry = codes::find(code).unwrap();
    assert_eq!(entry.kind, Kind::Verdict, "{code}");
    if entry.check.is_none() {
        assert_eq!(entry.effect, Some("refused"), "{code}");
    }
    assert_flags_are_known(verdict);
}

#[track_caller]
fn assert_incomplete(verdict: &RequestVerdict, code: &str, key_ids: &[&str]) {
    let refusal = verdict.result.as_ref().unwrap_err();
    assert_eq!((refusal.status, refusal.code), (None, code), "{verdict:#?}");
    let missing: Vec<_> = refusal.missing.iter().map(|key| (&*key.server, &*key.key_id)).collect();
    let wanted: Vec<_> = key_ids.iter().map(|key_id| (ONE, *key_id)).collect();
    assert_eq!(missing, wanted);
    assert_eq!(codes::find(code).unwrap().effect, Some("incomplete"));
}

fn assert_flags_are_known(verdict: &RequestVerdict) {
    assert!(verdict.flags.is_sorted_by(|a, b| a < b));
    for flag in &verdict.flags {
        assert_eq!(codes::find(flag).map(|entry| entry.kind), Some(Kind::Flag), "{flag}");
    }
}

// M1: what is signed.

#[test]
fn m1_the_signed_object_is_method_target_origin_destination_and_content() {
    let body = r#"{ "b": 1, "a": [1, -0] }"#;
    let signed_put = signed("PUT", "/_matrix/x?a=b", Some(body)).unwrap();
    let content = json!({"a": [1, 0], "b": 1});
    assert_eq!(signed_put.signed, object("PUT", "/_matrix/x?a=b", ONE, TWO, Some(&content)));
    assert_eq!(signed_put.body.as_deref(), Some(r#"{"a":[1,0],"b":1}"#));
    let signed_get = signed("GET", "/_matrix/x", None).unwrap();
    assert_eq!(signed_get.signed, object("GET", "/_matrix/x", ONE, TWO, None));
    assert_eq!(signed_get.body, None);
    // The signature is over that, by the model too.
    let sig = one().sign(&signed_put.signed);
    assert!(signed_put.authorization.ends_with(&format!("sig=\"{sig}\"")));
}

#[test]
fn m1_the_target_is_signed_byte_for_byte() {
    for uri in [
        "/_matrix/federation/v1/event/$abc%2Fdef+ghi?x=%20&y=+",
        "/_matrix/federation/v1/make_join/!r:a.example/@u:b.example?ver=1&ver=2",
        "/_matrix/%c3%A9?",
        "/%21room%3Aa",
        "/a//b/../c;d",
        "/target",
    ] {
        let SignedRequest { authorization, .. } = signed("GET", uri, None).unwrap();
        let sent = Sent { uri: uri.to_owned(), ..get().with_header(&authorization) };
        assert_accepted(&sent.verify(&ring()), &[]);
        for other in [
            uri.replace('/', "//"),
            format!("{uri}?"),
            uri.to_uppercase(),
            uri.replace("%2F", "/") + "#",
        ] {
            let changed = Sent { uri: other, ..sent.clone() };
            assert_refused(&changed.verify(&ring()), 401, "signature_invalid");
        }
    }
}

#[test]
fn m1_a_target_that_cannot_be_sent_as_it_is() {
    for uri in ["", "x", "https://two.example/x", "/a b", "/é", "/a\n", "/a\u{0}", "*"] {
        assert_eq!(signed("GET", uri, None), Err("request_uri_invalid"), "{uri}");
        let sent = Sent { uri: uri.to_owned(), ..get() };
        assert_refused(&sent.verify(&ring()), 400, "request_uri_invalid");
    }
    assert_eq!(signed("GET", "/a#b", None), Err("request_uri_invalid"));
}

#[test]
fn m1_the_method_is_signed_as_it_is_sent() {
    for method in ["", "G T", "GET\n", "GÉT", "PUT,"] {
        assert_eq!(signed(method, "/x", None), Err("request_method_invalid"), "{method}");
        let sent = Sent { method: method.to_owned(), ..get() };
        assert_refused(&sent.verify(&ring()), 400, "request_method_invalid");
    }
    // `fetch` writes these in upper case, so that no receiver could verify what was signed.
    assert_eq!(signed("get", "/x", None), Err("request_method_invalid"));
    let sent = Sent { method: "get".to_owned(), ..get() };
    assert_refused(&sent.verify(&ring()), 401, "signature_invalid");
}

#[test]
fn m1_names_are_those_of_homeservers() {
    let key = library_key(&one());
    for name in ["", "a b", "u@h", "https://a", "h:abc"] {
        for (origin, destination) in [(name, TWO), (ONE, name)] {
            let error = sign_request("GET", "/x", None, origin, destination, &key).unwrap_err();
            assert_eq!(error.code(), "server_name_invalid");
        }
    }
    assert!(sign_request("GET", "/x", None, "[::1]:8448", "1.2.3.4", &key).is_ok());
}

// M2: the body.

#[test]
fn m2_put_and_post_have_an_object_and_get_has_none() {
    assert_accepted(&put().verify(&ring()), &[]);
    assert_accepted(&get().verify(&ring()), &[]);
    for method in ["PUT", "POST"] {
        assert!(signed(method, "/x", Some("{}")).unwrap().signed.starts_with(r#"{"content":{},"#));
        assert_eq!(signed(method, "/x", None), Err("request_content_missing"));
        assert_eq!(signed(method, "/x", Some("")), Err("request_content_missing"));
        assert_eq!(signed(method, "/x", Some("[]")), Err("not_an_object"));
    }
    assert_eq!(signed("GET", "/x", Some("{}")), Err("request_content_unexpected"));
    assert_eq!(codes::find("request_content_unexpected").unwrap().kind, Kind::Error);
    let nothing = Sent { body: None, ..put() };
    assert_refused(&nothing.verify(&ring()), 400, "request_content_missing");
    assert_refused(&put().with_body("").verify(&ring()), 400, "request_content_missing");
}

#[test]
fn m2_everything_that_was_received_must_be_signed() {
    // A body that came with a GET is not passed over.
    assert_refused(&get().with_body("{}").verify(&ring()), 401, "signature_invalid");
    let sig = one().sign(&object("GET", PATH, ONE, TWO, Some(&json!({}))));
    let header = format!(r#"X-Matrix origin={ONE},destination={TWO},key="ed25519:a",sig="{sig}""#);
    let with_content = get().with_header(header);
    assert_accepted(&with_content.with_body("{}").verify(&ring()), &[]);
    assert_refused(&with_content.verify(&ring()), 401, "signature_invalid");
}

#[test]
fn m2_a_body_is_what_it_means() {
    for (body, flags) in [
        (" {\n} ", &[][..]),
        (r#"{"a":1,"a":2}"#, &["duplicate_keys"]),
        (r#"{"a":-0}"#, &["negative_zero"]),
        (r#"{"a":1.0,"b":123456789012345678901234567890}"#, &["content_number_divergent"]),
    ] {
        let SignedRequest { authorization, body: sent, .. } =
            signed("PUT", PATH, Some(body)).unwrap();
        assert_accepted(&put().with_header(&authorization).with_body(body).verify(&ring()), flags);
        // What was sent in place of it means the same.
        let sent = put().with_header(&authorization).with_body(&sent.unwrap()).verify(&ring());
        assert!(sent.result.is_ok());
    }
}

#[test]
fn m2_an_event_as_deep_as_may_be_has_room_in_a_body() {
    let event = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let sent = |levels| {
        let body = format!("{{\"pdus\":[{}]}}", event(levels));
        let made = sign_request("PUT", PATH, Some(body.as_bytes()), ONE, TWO, &library_key(&one()));
        made.map(|made| {
            put().with_header(&made.authorization).with_body(&body).verify(&ring()).result.is_ok()
        })
    };
    assert!(sent(MAX_NESTING).unwrap());
    assert_eq!(sent(MAX_NESTING + 1).unwrap_err().code(), "json_too_deep");
}

#[test]
fn m2_a_malformed_body() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(129), "]".repeat(129));
    for (body, code, errcode) in [
        (&b"{"[..], "json_syntax", "M_NOT_JSON"),
        (b"{\"a\":\"\xff\"}", "json_invalid_utf8", "M_NOT_JSON"),
        (b"{}{}", "json_trailing_data", "M_NOT_JSON"),
        (b"{\"a\":\"\\ud800\"}", "json_lone_surrogate", "M_NOT_JSON"),
        (b"[]", "not_an_object", "M_BAD_JSON"),
        (b"{\"a\":1e999}", "json_number_overflow", "M_BAD_JSON"),
        (deep.as_bytes(), "json_too_deep", "M_BAD_JSON"),
    ] {
        let verdict = Sent { body: Some(body.to_vec()), ..put() }.verify(&ring());
        assert_refused(&verdict, 400, code);
        assert_eq!(verdict.result.unwrap_err().errcode, errcode);
        let error = sign_request("PUT", PATH, Some(body), ONE, TWO, &library_key(&one()));
        assert_eq!(error.unwrap_err().code(), code);
    }
}

// M3, M4: every form of a header that is legal, and what is tolerated.

#[test]
fn m3_names_in_any_case_and_order_unknown_ones_ignored_white_space_round_commas() {
    let sig = signature(&one());
    for header in [
        format!(r#"X-Matrix    sig="{sig}",key="ed25519:a",destination="{TWO}",origin="{ONE}""#),
        format!(r#"X-Matrix ORIGIN="{ONE}",Destination="{TWO}",kEY="ed25519:a",SIG="{sig}""#),
        format!(
            "X-Matrix origin=\"{ONE}\"  ,\t destination=\"{TWO}\" ,key=\"ed25519:a\",\tsig=\"{sig}\""
        ),
        format!(
            r#"X-Matrix new="x",origin="{ONE}",destination="{TWO}",new=y,key="ed25519:a",sig="{sig}",signature=z"#
        ),
        format!(r#"  X-Matrix origin="{ONE}",destination="{TWO}",key="ed25519:a",sig="{sig}"  "#),
    ] {
        assert_accepted(&put().with_header(&header).verify(&ring()), &[]);
    }
}

#[test]
fn m3_legal_forms_that_synapse_does_not_read() {
    let (good, sig) = (header(&one()), signature(&one()));
    for header in [
        format!(r#"X-Matrix comment="a, b",{}"#, &good[9..]),
        format!(r#"X-Matrix origin = "{ONE}",destination="{TWO}",key="ed25519:a",sig="{sig}""#),
        format!(r#"X-Matrix origin= "{ONE}",destination="{TWO}",key="ed25519:a",sig="{sig}""#),
        format!("X-Matrix\t{}", &good[9..]),
        format!("X-Matrix \t{}", &good[9..]),
        format!("{good},"),
        format!("{good} , , "),
        good.replacen(',', ",,", 1),
        format!("X-Matrix ,{}", &good[9..]),
        format!("Bearer abc, {good}"),
        format!(r#"Digest username="a, X-Matrix b=\"c", {good}"#),
        format!("{good}, Basic abc=="),
        format!("{good}, Negotiate"),
        format!("{good}, {good}"),
    ] {
        let verdict = put().with_header(&header).verify(&ring());
        assert!(verdict.result.is_ok(), "{header}: {verdict:#?}");
        assert_accepted(&verdict, &["authorization_divergent"]);
    }
    let obs_text = [b"X-Matrix new=\"\xff\",".as_slice(), &good.as_bytes()[9..]].concat();
    assert_accepted(&put().with_header(obs_text).verify(&ring()), &["authorization_divergent"]);
}

#[test]
fn m3_the_scheme_in_any_case() {
    for scheme in ["x-matrix", "X-MATRIX", "X-matrix"] {
        let header = header(&one()).replace("X-Matrix", scheme);
        assert_accepted(&put().with_header(header).verify(&ring()), &["authorization_scheme_case"]);
    }
    for scheme in ["X-MatrixFoo", "XMatrix", "X-Matrix2", "Bearer", "X-Matrix:", "\"X-Matrix\""] {
        let header = header(&one()).replace("X-Matrix", scheme);
        assert_refused(&put().with_header(header).verify(&ring()), 401, "authorization_missing");
    }
}

#[test]
fn m3_broken_grammar() {
    let good = header(&one());
    let headers = [
        format!("{good} x"),
        format!("{good} x=y"),
        format!("{good},@"),
        format!("{good},a/b=c"),
        format!("{good},=c"),
        good.replace("key=", "=key="),
        good.replace("\",key", "\"\"\",key"),
        good.replace("\",key", "\"x,key"),
        good.replace("\",key", "\";key"),
        good.replace(ONE, "one\u{1}example"),
        good.replace(ONE, "one\u{7f}example"),
        good.replace(ONE, "one\r\nexample"),
        good[..good.len() - 1].to_owned(),
        format!("{good},x=\"\\"),
        format!("{good},x=\"\\\u{0}\""),
        format!("{good},x=a\"b\""),
        format!("{good},x=a\\b"),
        format!("{good},x=é"),
    ];
    for header in headers {
        assert_refused(&put().with_header(&header).verify(&ring()), 400, "authorization_malformed");
    }
    let no_utf8 = [b"X-Matrix origin=\"\xff\",".as_slice(), &good.as_bytes()[37..]].concat();
    assert_refused(&put().with_header(no_utf8).verify(&ring()), 400, "authorization_malformed");
}

#[test]
fn m4_quotes_escapes_and_bare_colons() {
    let sig = signature(&one());
    for header in [
        format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig=\"{sig}\""),
        format!(
            r#"X-Matrix origin="\o\n\e.example",destination="two\.example",key="ed25519\:a",sig="{sig}""#
        ),
    ] {
        assert_accepted(&put().with_header(header).verify(&ring()), &[]);
    }
    // With a port, and with an address.
    for (name, flags) in
        [("one.example:8448", &[][..]), ("[::1]:8448", &["authorization_unquoted"])]
    {
        let signer = Signer25519::new(name, "ed25519:a");
        let sig = signature(&signer).replace(['/', '='], "");
        let header = format!("X-Matrix origin={name},destination={TWO},key=ed25519:a,sig={sig}");
        let read = read_authorization(&[header.as_bytes()]).unwrap();
        assert_eq!(read.credentials[0].origin, name);
        assert_eq!(read.unquoted, !flags.is_empty());
    }
}

#[test]
fn m4_base64_without_quotes_is_taken_and_told() {
    // Some path whose signature has a slash.
    let (uri, sig) = (0..)
        .map(|n| format!("/{n}"))
        .map(|uri| (uri.clone(), one().sign(&object("PUT", &uri, ONE, TWO, Some(&json!({}))))))
        .find(|(_, sig)| sig.contains('/'))
        .unwrap();
    for sig in [format!("{sig}=="), sig] {
        let header = format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig={sig}");
        let sent = Sent { uri: uri.clone(), ..put().with_header(header) };
        assert_accepted(&sent.verify(&ring()), &["authorization_unquoted"]);
    }
}

#[test]
fn m4_what_is_escaped_counts() {
    let escaped = header(&one()).replace(ONE, r"one\\.example");
    assert_refused(
        &put().with_header(escaped).verify(&ring()),
        400,
        "authorization_origin_invalid",
    );
}

#[test]
fn m3_m4_each_parameter_once_and_all_of_them() {
    let sig = signature(&one());
    let parts = [
        format!("origin=\"{ONE}\""),
        format!("destination=\"{TWO}\""),
        "key=\"ed25519:a\"".to_owned(),
        format!("sig=\"{sig}\""),
    ];
    let judge = |parts: &[String]| {
        put().with_header(format!("X-Matrix {}", parts.join(","))).verify(&ring())
    };
    assert_accepted(&judge(&parts), &[]);
    for index in 0..4 {
        let twice = [&parts[..], &parts[index..=index]].concat();
        assert_refused(&judge(&twice), 400, "authorization_parameter_twice");
        let upper = parts[index]
            .split_once('=')
            .map(|(name, value)| format!("{}={value}", name.to_uppercase()));
        assert_refused(
            &judge(&[&parts[..], &[upper.unwrap()]].concat()),
            400,
            "authorization_parameter_twice",
        );
        let mut without = parts.to_vec();
        without.remove(index);
        let verdict = judge(&without);
        if index == 1 {
            // It was signed with our name all the same.
            assert_accepted(&verdict, &["authorization_no_destination"]);
        } else {
            assert_refused(&verdict, 400, "authorization_parameter_missing");
        }
    }
    for empty in ["X-Matrix", "X-Matrix ", "X-Matrix,", "X-Matrix abc==", "X-Matrix X-Matrix"] {
        assert_refused(
            &put().with_header(empty).verify(&ring()),
            400,
            "authorization_parameter_missing",
        );
    }
}

// M5, M6: the header that we send.

#[test]
fn m5_our_header_is_the_form_that_every_server_reads() {
    let SignedRequest { authorization, signed, .. } = signed("PUT", PATH, Some("{}")).unwrap();
    assert_eq!(authorization, header(&one()));
    assert_eq!(signed, object("PUT", PATH, ONE, TWO, Some(&json!({}))));
    assert!(!authorization.contains('\\') && authorization.matches(' ').count() == 1);
    assert_accepted(&put().with_header(authorization).verify(&ring()), &[]);
}

#[test]
fn m6_the_signature_is_called_sig() {
    assert!(header(&one()).contains(",sig=\""));
    let prose = header(&one()).replace("sig=", "signature=");
    let verdict = put().with_header(prose).verify(&ring());
    assert_refused(&verdict, 400, "authorization_parameter_missing");
    assert!(verdict.result.unwrap_err().reason.contains("\"sig\""));
}

#[test]
fn the_header_of_the_specification() {
    let header = br#"X-Matrix origin="origin.hs.example.com",destination="destination.hs.example.com",key="ed25519:key1",sig="ABCDEF...""#;
    let read = read_authorization(&[header]).unwrap();
    let credentials = Credentials {
        origin: "origin.hs.example.com".to_owned(),
        destination: Some("destination.hs.example.com".to_owned()),
        key_id: "ed25519:key1".to_owned(),
        signature: "ABCDEF...".to_owned(),
    };
    assert_eq!(credentials.to_string().as_bytes(), header);
    assert_eq!(read.credentials, [credentials]);
    assert!(!read.divergent && !read.unquoted && !read.other_case);
}

// M7: destinations.

#[test]
fn m7_a_destination_that_is_named_must_be_ours() {
    for name in ["three.example", "Two.example", "two.example:8448", "", "a b", "two.example."] {
        let header = header(&one()).replace(TWO, name);
        let verdict = put().with_header(header).verify(&ring());
        assert_refused(&verdict, 401, "authorization_destination_mismatch");
        let evidence = serde_json::to_value(&verdict.evidence).unwrap();
        assert_eq!(evidence, json!({"destination": name, "server_names": [TWO]}));
    }
    // Nothing is for a server without a name.
    for header in [header(&one()), header(&one()).replace(&format!("destination=\"{TWO}\","), "")] {
        let sent = Sent { names: vec![], ..put().with_header(header) };
        assert!(sent.verify(&ring()).result.is_err());
    }
}

#[test]
fn m7_a_destination_that_is_not_named_is_verified_with_our_name() {
    let nameless = |destination| {
        let sig = signature_for(&one(), destination);
        put().with_header(format!("X-Matrix origin={ONE},key=ed25519:a,sig=\"{sig}\""))
    };
    assert_accepted(&nameless(TWO).verify(&ring()), &["authorization_no_destination"]);
    assert_refused(&nameless("three.example").verify(&ring()), 401, "signature_invalid");
    // The signature must have it even where the header has not.
    let object = json!({"method": "PUT", "uri": PATH, "origin": ONE, "content": {}});
    let sig = one().sign(&model::canonical(&object));
    let header = format!("X-Matrix origin={ONE},key=ed25519:a,sig=\"{sig}\"");
    assert_refused(&put().with_header(header).verify(&ring()), 401, "signature_invalid");
}

#[test]
fn m7_a_server_with_several_names() {
    let names = vec!["a.example", TWO, "b.example"];
    let named = Sent { names: names.clone(), ..put() };
    assert_accepted(&named.verify(&ring()), &[]);
    for (destination, accepted) in [("a.example", true), ("b.example", true), ("c.example", false)]
    {
        let sig = signature_for(&one(), destination);
        for header in [
            format!("X-Matrix origin={ONE},key=ed25519:a,sig=\"{sig}\""),
            format!("X-Matrix origin={ONE},destination={destination},key=ed25519:a,sig=\"{sig}\""),
        ] {
            let verdict =
                Sent { names: names.clone(), ..put().with_header(header) }.verify(&ring());
            match &verdict.result {
                Ok(proven) => assert_eq!(proven.destination, destination),
                Err(refusal) => assert_eq!(refusal.status, Some(401)),
            }
            assert_eq!(verdict.result.is_ok(), accepted);
        }
        // One name does not do for another.
        let header = format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig=\"{sig}\"");
        let verdict = Sent { names: names.clone(), ..put().with_header(header) }.verify(&ring());
        assert_refused(&verdict, 401, "signature_invalid");
    }
}

// M8: several signatures.

#[test]
fn m8_several_headers_or_one_that_a_proxy_made_of_them() {
    let (a, b) = (header(&one()), header(&one_b()));
    let both = put().with_headers(&[&a, &b]).verify(&ring());
    assert_accepted(&both, &[]);
    assert_eq!(both.result.unwrap().keys, ["ed25519:a", "ed25519:b"]);
    for joined in [format!("{a}, {b}"), format!("{a},{b}")] {
        let joined = put().with_header(joined).verify(&ring());
        assert_accepted(&joined, &["authorization_divergent"]);
        assert_eq!(joined.result.unwrap().keys.len(), 2);
    }
    let others =
        put().with_headers(&["Bearer x\"", &a, "", "Basic abc==", "origin=x"]).verify(&ring());
    assert_accepted(&others, &[]);
}

#[test]
fn m8_every_signature_by_a_known_key_must_be_right() {
    let a = header(&one());
    let wrong = header(&one_b()).replace(&signature(&one_b()), &"A".repeat(86));
    assert_refused(&put().with_headers(&[&a, &wrong]).verify(&ring()), 401, "signature_invalid");
    assert_refused(
        &put().with_header(format!("{wrong}, {a}")).verify(&ring()),
        401,
        "signature_invalid",
    );
    let junk = header(&one_b()).replace(&signature(&one_b()), "x");
    assert_refused(&put().with_headers(&[&a, &junk]).verify(&ring()), 401, "signature_malformed");
    // Those by unknown keys and algorithms are passed over, if another is right.
    let unknown = wrong.replace("ed25519:b", "ed25519:unknown");
    let future = wrong.replace("ed25519:b", "ml-dsa:1/x");
    let verdict = put().with_headers(&[&unknown, &a, &future]).verify(&ring());
    assert_accepted(&verdict, &[]);
    assert_eq!(verdict.result.unwrap().keys, ["ed25519:a"]);
    assert_incomplete(
        &put().with_header(&unknown).verify(&ring()),
        "signature_key_missing",
        &["ed25519:unknown"],
    );
    assert_refused(&put().with_header(&future).verify(&ring()), 401, "signature_unknown_algorithm");
}

#[test]
fn m8_limits() {
    let a = header(&one());
    let many = |count| put().with_headers(&vec![&a; count]).verify(&ring());
    assert_accepted(&many(MAX_CREDENTIALS), &[]);
    assert_refused(&many(MAX_CREDENTIALS + 1), 400, "authorization_too_long");
    let padded = |length: usize| {
        let filler = length - a.len() - "X-Matrix x=,".len() + "X-Matrix ".len();
        put().with_header(format!("X-Matrix x={},{}", "x".repeat(filler), &a[9..]))
    };
    assert_eq!(padded(MAX_HEADER_BYTES).headers[0].len(), MAX_HEADER_BYTES);
    assert_accepted(&padded(MAX_HEADER_BYTES).verify(&ring()), &[]);
    assert_refused(&padded(MAX_HEADER_BYTES + 1).verify(&ring()), 400, "authorization_too_long");
    let error = read_authorization(&[&[b','; MAX_HEADER_BYTES], b","]).unwrap_err();
    assert_eq!(error, HeaderError::TooLong { length: MAX_HEADER_BYTES + 1 });
}

// M9, and what keys a request may be signed with (E13, E15).

#[test]
fn m9_what_to_answer() {
    let good = header(&one());
    let status = |sent: Sent| {
        let refusal = sent.verify(&ring()).result.unwrap_err();
        (refusal.status, refusal.errcode)
    };
    assert_eq!(status(put().with_headers::<&str>(&[])), (Some(401), "M_UNAUTHORIZED"));
    assert_eq!(status(put().with_header("X-Matrix x")), (Some(400), "M_UNAUTHORIZED"));
    assert_eq!(status(put().with_body("{\"a\":1}")), (Some(401), "M_UNAUTHORIZED"));
    assert_eq!(status(put().with_body("{")), (Some(400), "M_NOT_JSON"));
    let unknown = put().with_header(good.replace("ed25519:a", "ed25519:x"));
    assert_eq!(status(unknown), (None, "M_UNAUTHORIZED"));
    assert!(put().verify(&ring()).result.is_ok());
}

#[test]
fn m9_evidence_is_what_was_signed_and_by_which_key() {
    let evidence = |verdict: &RequestVerdict| serde_json::to_value(&verdict.evidence).unwrap();
    let accepted = evidence(&put().verify(&ring()));
    assert_eq!(accepted["signed"], object("PUT", PATH, ONE, TWO, Some(&json!({}))));
    assert_eq!(accepted["signatures"], json!([{"key_id": "ed25519:a", "result": "valid"}]));
    assert_eq!((&accepted["server"], &accepted["destination"]), (&json!(ONE), &json!(TWO)));
    assert_eq!(accepted["now"], NOW);
    let refused = evidence(&put().with_body("{\"a\":1}").verify(&ring()));
    assert_eq!(refused["signatures"][0]["result"], "invalid");
    assert_eq!(refused["signed"], object("PUT", PATH, ONE, TWO, Some(&json!({"a": 1}))));
    // What is long is given if it is asked for.
    let headers = [header(&one()).into_bytes()];
    let received = ReceivedRequest {
        method: "PUT",
        uri: PATH,
        authorization: &[&headers[0]],
        body: Some(b"{}"),
    };
    let receiver = Receiver { server_names: &[TWO], now: NOW, evidence: false };
    let verdict = verify_request(received, receiver, &ring());
    assert_eq!(evidence(&verdict).get("signed"), None);
}

#[test]
fn e13_a_key_must_be_valid_when_the_request_comes() {
    let until = |valid_until, asked| {
        ring_of(&[key_response(&key_answer(&[&one()], &[], valid_until), &[&one()])], asked)
    };
    assert_accepted(&put().verify(&until(NOW, ASKED)), &[]);
    // It may have been prolonged since we asked.
    assert_incomplete(&put().verify(&until(NOW - 1, ASKED)), "request_key_stale", &["ed25519:a"]);
    // It has not.
    assert_refused(&put().verify(&until(NOW - 1, NOW)), 401, "signature_key_expired");
    // Seven days after it was fetched it is to be fetched again, whatever was promised.
    let week = 7 * 24 * 60 * 60 * 1000;
    assert_accepted(&put().verify(&until(NOW + week, NOW - week)), &[]);
    assert_incomplete(
        &put().verify(&until(NOW + week, NOW - week - 1)),
        "request_key_stale",
        &["ed25519:a"],
    );
    // One that is trusted for other reasons is trusted until then.
    let mut trusted = KeyRing::default();
    trusted.add_trusted(ONE, "ed25519:a", known(&one())).unwrap();
    assert_accepted(&put().verify(&trusted), &[]);
}

#[test]
fn e14_a_key_that_is_not_there() {
    assert_incomplete(&put().verify(&KeyRing::default()), "signature_key_missing", &["ed25519:a"]);
    let other = |asked| {
        ring_of(&[key_response(&key_answer(&[&one_b()], &[], NOW + 1000), &[&one_b()])], asked)
    };
    assert_incomplete(&put().verify(&other(ASKED)), "signature_key_missing", &["ed25519:a"]);
    // Asked again, its server does not list it.
    assert_refused(&put().verify(&other(NOW)), 401, "signature_key_unknown");
    // Of several, each is named once.
    let headers = [header(&one()), header(&one_b()), header(&one())];
    let verdict = put().with_headers(&headers).verify(&KeyRing::default());
    assert_incomplete(&verdict, "signature_key_missing", &["ed25519:a", "ed25519:b"]);
}

#[test]
fn e15_old_keys_sign_no_requests() {
    for expired in [NOW - 1, NOW, NOW + 1_000_000] {
        let answer = key_answer(&[&one_b()], &[(&one(), expired)], NOW + 1000);
        let ring = ring_of(&[key_response(&answer, &[&one_b()])], ASKED);
        assert_refused(&put().verify(&ring), 401, "request_key_old");
        assert_accepted(&put().with_header(header(&one_b())).verify(&ring), &[]);
    }
}

#[test]
fn keys_that_must_not_be_trusted_and_points_of_small_order() {
    let weak = model::base64(&[&[1][..], &[0; 31]].concat());
    let mut answer = key_answer(&[&one()], &[], NOW + 1000);
    answer["verify_keys"]["ed25519:weak"] = json!({"key": weak});
    let ring = ring_of(&[key_response(&answer, &[&one()])], ASKED);
    let small_order = model::base64(&[&[1][..], &[0; 63]].concat());
    let forged = header(&one())
        .replace("ed25519:a", "ed25519:weak")
        .replace(&signature(&one()), &small_order);
    let verdict = put().with_header(forged).verify(&ring);
    assert_refused(&verdict, 401, "signature_key_refused");
    assert_eq!(verdict.flags, ["ed25519_divergent"]);
}

#[test]
fn signatures_in_url_safe_base64_are_told() {
    let (uri, sig) = (0..)
        .map(|n| format!("/{n}"))
        .map(|uri| (uri.clone(), one().sign(&object("PUT", &uri, ONE, TWO, Some(&json!({}))))))
        .find(|(_, sig)| sig.contains('+'))
        .unwrap();
    let sig = sig.replace('+', "-").replace('/', "_");
    let header = format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig={sig}");
    let sent = Sent { uri, ..put().with_header(header) };
    assert_accepted(&sent.verify(&ring()), &["url_safe_base64"]);
}

// M10, M11: what authentication says nothing about.

fn transaction(origin: &str, pdu: &Value) -> Sent {
    let body = json!({"origin": origin, "origin_server_ts": TS, "pdus": [pdu]}).to_string();
    let SignedRequest { authorization, .. } = signed("PUT", PATH, Some(&body)).unwrap();
    put().with_header(authorization).with_body(&body)
}

#[test]
fn m10_the_origin_in_a_body_is_not_looked_at() {
    // The server in the header rules, whoever the body names.
    let sent = transaction("evil.example", &sign(&draft(11), 11));
    assert_accepted(&sent.verify(&ring()), &[]);
    // And only by its own signature.
    let header = String::from_utf8(sent.headers[0].clone()).unwrap().replace(ONE, "evil.example");
    let verdict = sent.with_header(header).verify(&ring());
    assert_eq!(verdict.result.unwrap_err().missing[0].server, "evil.example");
}

#[test]
fn m11_events_prove_themselves_whoever_brings_them() {
    let event = sign(&draft(11), 11);
    let forged = with(event.clone(), "/depth", json!(8));
    for (pdu, outcome) in [(&event, Outcome::Accepted), (&forged, Outcome::Dropped)] {
        // The request is authentic all the same; nor is an answer signed that would hold the event.
        assert_accepted(&transaction(ONE, pdu).verify(&ring()), &[]);
        assert_eq!(verify(pdu, 11).outcome, outcome);
    }
}

// The hostile rows.

#[test]
fn i108_forms_of_the_header() {
    let sig = signature(&one());
    for (header, flags) in [
        (format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig=\"{sig}\""), &[][..]),
        (
            format!(
                r#"X-Matrix origin="on\e.example",destination="{TWO}",key="ed25519:a",sig="{sig}""#
            ),
            &[],
        ),
        (
            format!("X-Matrix origin={ONE}\t,\tdestination={TWO},key=\"ed25519:a\",sig=\"{sig}\""),
            &[],
        ),
        (format!("X-Matrix ORIGIN={ONE},DESTINATION={TWO},KEY=\"ed25519:a\",SIG=\"{sig}\""), &[]),
        (
            format!(
                "X-Matrix origin={ONE},destination={TWO},key=\"ed25519:a\",sig=\"{sig}\",new=1"
            ),
            &[],
        ),
        (
            format!(
                "X-Matrix note=\"a,b\",origin={ONE},destination={TWO},key=\"ed25519:a\",sig=\"{sig}\""
            ),
            &["authorization_divergent"],
        ),
    ] {
        assert_accepted(&put().with_header(header).verify(&ring()), flags);
    }
}

#[test]
fn i109_destinations_origins_and_schemes() {
    let good = header(&one());
    let foreign = good.replace(TWO, "three.example");
    assert_refused(
        &put().with_header(foreign).verify(&ring()),
        401,
        "authorization_destination_mismatch",
    );
    let absent = good.replace(&format!("destination=\"{TWO}\","), "");
    assert_accepted(&put().with_header(absent).verify(&ring()), &["authorization_no_destination"]);
    let verdict = put().with_headers(&[&header(&two()), &good]).verify(&ring());
    assert_refused(&verdict, 401, "authorization_several_origins");
    assert_eq!(verdict.flags, ["several_origins_divergent"]);
    let twice = format!("{good},origin=\"{ONE}\"");
    assert_refused(&put().with_header(twice).verify(&ring()), 400, "authorization_parameter_twice");
    let lower = good.replace("X-Matrix", "x-matrix");
    assert_accepted(&put().with_header(lower).verify(&ring()), &["authorization_scheme_case"]);
    let other = good.replace("X-Matrix", "X-MatrixFoo");
    assert_refused(&put().with_header(other).verify(&ring()), 401, "authorization_missing");
}

#[test]
fn i110_origins_targets_and_bodies() {
    for origin in ["h:abc", "a/b", "u@h", "", &"a".repeat(300)] {
        let header = header(&one()).replace(ONE, origin);
        assert_refused(
            &put().with_header(header).verify(&ring()),
            400,
            "authorization_origin_invalid",
        );
    }
    for key in ["", "ed25519", "ed25519:", ":a", "ed25519:a-b", "x:"] {
        let header = header(&one()).replace("ed25519:a", key);
        assert_refused(
            &put().with_header(header).verify(&ring()),
            400,
            "authorization_key_invalid",
        );
    }
    let uri = "/_matrix/a%2Fb+c?d=e%2f+f";
    let SignedRequest { authorization, .. } = signed("PUT", uri, Some("{}")).unwrap();
    let sent = Sent { uri: uri.to_owned(), ..put().with_header(&authorization) };
    assert_accepted(&sent.verify(&ring()), &[]);
    for other in [
        "/_matrix/a/b+c?d=e%2f+f",
        "/_matrix/a%2Fb%20c?d=e%2f+f",
        "/_matrix/a%2Fb+c",
        "/_matrix/a%2fb+c?d=e%2f+f",
    ] {
        let changed = Sent { uri: other.to_owned(), ..sent.clone() };
        assert_refused(&changed.verify(&ring()), 401, "signature_invalid");
    }
    let options = |content| {
        let sig = one().sign(&object("OPTIONS", PATH, ONE, TWO, content));
        let header = format!("X-Matrix origin={ONE},destination={TWO},key=ed25519:a,sig=\"{sig}\"");
        Sent { method: "OPTIONS".to_owned(), ..put().with_header(header) }
    };
    let (empty, object) = (Sent { body: None, ..options(None) }, options(Some(&json!({}))));
    assert_accepted(&empty.verify(&ring()), &[]);
    assert_accepted(&object.verify(&ring()), &[]);
    assert_refused(&empty.with_body("{}").verify(&ring()), 401, "signature_invalid");
    assert_refused(&Sent { body: None, ..object }.verify(&ring()), 401, "signature_invalid");
    let bad = Sent { body: Some(b"{\"a\":\"\xc0\xaf\"}".to_vec()), ..put() };
    assert_refused(&bad.verify(&ring()), 400, "json_invalid_utf8");
}

#[test]
fn i111_a_key_that_has_expired_and_an_origin_that_is_not_the_authenticated_one() {
    let answer = key_response(&key_answer(&[&one()], &[], NOW - 1), &[&one()]);
    assert_refused(&put().verify(&ring_of(&[answer], NOW)), 401, "signature_key_expired");
    let sent = transaction(TWO, &sign(&draft(11), 11));
    assert_eq!(sent.verify(&ring()).result.unwrap().origin, ONE);
}

// Headers that Synapse's own reader has read (tests/synapse/make_headers.py).

#[test]
fn m3_m4_where_synapse_reads_a_header_otherwise_a_flag_says_so() {
    let (mut alike, mut told, mut refused) = (0, 0, 0);
    for line in json_lines(&data("authorization_headers.jsonl")) {
        let header = line["header"].as_str().unwrap();
        let Ok(read) = read_authorization(&[header.as_bytes()]) else {
            refused += 1;
            continue;
        };
        let ours = match read.credentials.as_slice() {
            [one] => json!([one.origin, one.destination, one.key_id, one.signature]),
            _ => Value::Null,
        };
        if ours == line["synapse"] {
            alike += 1;
        } else if read.divergent || read.other_case {
            told += 1;
        } else {
            // No header for us at all: nothing is accepted by it.
            assert_eq!(read.credentials, [], "{line}");
            refused += 1;
        }
    }
    assert!(alike > 100 && told > 100 && refused > 50, "{alike} {told} {refused}");
}

#[test]
fn m3_m4_what_synapse_reads_and_we_refuse_breaks_the_grammar() {
    for line in json_lines(&data("authorization_headers.jsonl")) {
        let header = line["header"].as_str().unwrap();
        if line["synapse"].is_null() {
            continue;
        }
        match read_authorization(&[header.as_bytes()]) {
            Ok(read) => assert!(!read.credentials.is_empty(), "{line}"),
            // White space inside a name makes it a scheme, so that what follows is not ours.
            Err(HeaderError::Missing { .. }) => {
                let parameters = header["X-Matrix".len()..].trim().split(',');
                let mut names = parameters.filter_map(|part| part.split_once('='));
                assert!(names.any(|(name, _)| name.trim().contains([' ', '\t'])), "{line}");
            }
            Err(error) => {
                let codes = [
                    "authorization_malformed",
                    "authorization_parameter_twice",
                    "authorization_key_invalid",
                ];
                assert!(codes.contains(&error.code()), "{line}: {error}");
            }
        }
    }
}

// What holds for every input.

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9.-]{1,40}",
        "[a-zA-Z0-9.-]{1,20}:[0-9]{1,5}",
        Just("[::1]:8448".to_owned()),
        Just("[2001:db8::1]".to_owned()),
    ]
}

fn content() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    prop::collection::btree_map(any::<String>(), value, 0..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

/// The text with one byte changed.
fn changed(text: &[u8], at: prop::sample::Index, by: u8) -> Vec<u8> {
    let mut text = text.to_vec();
    let at = at.index(text.len());
    text[at] = text[at].wrapping_add(by);
    text
}

/// What headers say to the server `name`: a destination that is not named is that one, and base64 has
/// several forms.
fn meaning(header: &[u8], name: &str) -> Option<Vec<(Credentials, Option<[u8; 64]>)>> {
    let read = read_authorization(&[header]).ok()?;
    let decode = |one: Credentials| {
        let bytes = fedproof::encoding::decode::<64>(&one.signature).map(|decoded| decoded.bytes);
        let destination = one.destination.or_else(|| Some(name.to_owned()));
        (Credentials { signature: String::new(), destination, ..one }, bytes)
    };
    Some(read.credentials.into_iter().map(decode).collect())
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn what_we_sign_is_accepted_and_every_change_of_it_refused(
        method in "[A-Z]{1,10}",
        path in "/[!-\"$-~]{0,60}",
        body in prop::option::of(content()),
        (origin, destination) in (name(), name()),
        seed in any::<[u8; 32]>(),
        version in "[a-zA-Z0-9_]{1,12}",
        at in any::<prop::sample::Index>(),
        by in 1..=255u8,
    ) {
        let body = match method.as_str() {
            "GET" | "HEAD" => None,
            "PUT" | "POST" => body.or(Some(json!({}))),
            _ => body,
        };
        let key = SigningKey::from_seed(&format!("ed25519:{version}"), &seed).unwrap();
        let text = body.map(|body| body.to_string());
        let bytes = text.as_ref().map(String::as_bytes);
        let signed = sign_request(&method, &path, bytes, &origin, &destination, &key).unwrap();
        let mut ring = KeyRing::default();
        let public = fedproof::keys::PublicKey::from_base64(&key.public_key()).unwrap();
        let known = fedproof::keys::KnownKey { key: public, ..known(&one()) };
        ring.add_trusted(&origin, key.key_id(), known).unwrap();
        let judge = |method: &str, uri: &str, header: &[u8], body: Option<&[u8]>, name: &str| {
            let received = ReceivedRequest { method, uri, authorization: &[header], body };
            let receiver = Receiver { server_names: &[name], now: NOW, evidence: false };
            verify_request(received, receiver, &ring).result
        };
        let header = signed.authorization.as_bytes();
        let sent = signed.body.as_ref().map(String::as_bytes);
        for body in [bytes, sent] {
            let proven = judge(&method, &path, header, body, &destination);
            prop_assert_eq!(&proven.unwrap().origin, &origin);
        }
        if let Ok(method) = String::from_utf8(changed(method.as_bytes(), at, by)) {
            prop_assert!(judge(&method, &path, header, bytes, &destination).is_err());
        }
        if let Ok(path) = String::from_utf8(changed(path.as_bytes(), at, by)) {
            prop_assert!(judge(&method, &path, header, bytes, &destination).is_err());
        }
        if let Ok(name) = String::from_utf8(changed(destination.as_bytes(), at, by)) {
            prop_assert!(judge(&method, &path, header, bytes, &name).is_err());
        }
        if let Some(bytes) = bytes {
            let body = changed(bytes, at, by);
            // White space in another place and another escape are no change.
            let same = parse(&body, Numbers::Keep).is_ok_and(|json| Some(json.as_str()) == signed.body.as_deref());
            prop_assert_eq!(judge(&method, &path, header, Some(&body), &destination).is_ok(), same);
            prop_assert!(judge(&method, &path, header, None, &destination).is_err());
        }
        let other = changed(header, at, by);
        let accepted = judge(&method, &path, &other, bytes, &destination).is_ok();
        if accepted {
            prop_assert_eq!(meaning(&other, &destination), meaning(header, &destination));
        }
    }
}

/// Pieces of headers, put together in all ways.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "X-Matrix",
        "x-matrix",
        "Bearer",
        " ",
        "\t",
        ",",
        "=",
        "\"",
        "\\",
        "origin",
        "destination",
        "key",
        "sig",
        "one.example",
        "ed25519:a",
        "AAAA",
        "é",
        "\u{0}",
        "x",
        "==",
        "[::1]",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(config(4000))]

    #[test]
    fn no_header_makes_the_reader_panic(
        headers in prop::collection::vec(
            prop_oneof![prop::collection::vec(any::<u8>(), 0..200), pieces()], 0..4,
        ),
    ) {
        let headers: Vec<&[u8]> = headers.iter().map(Vec::as_slice).collect();
        match read_authorization(&headers) {
            // What was read is written so that it is read again.
            Ok(read) => for one in read.credentials {
                let plain = [&one.signature, one.destination.as_ref().unwrap_or(&one.origin)]
                    .iter()
                    .all(|value| !value.contains(['"', '\\']) && !value.contains(char::is_control));
                if plain {
                    let again = read_authorization(&[one.to_string().as_bytes()]).unwrap();
                    prop_assert_eq!(again.credentials, [one]);
                }
            },
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                prop_assert!(codes::find(error.code()).is_some());
            }
        }
    }
}
