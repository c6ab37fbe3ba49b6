"""A1-A18: numbers, bytes, JSON syntax, awkward keys, nesting."""

import json

from .corpus import KEYS_ONE, KEYS_TWO, MISSING, Key, accept, draft, drop, good, response, sign, text_of
from .model import Raw, canonical, content_hash

AWKWARD = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "length"]


def python_form(text):
    """How Python reads and prints a JSON number; None when it overflows."""
    value = json.loads(text)
    return None if value in (float("inf"), float("-inf")) else json.dumps(value)


def with_number(version, text, canon=None):
    return good(version, content={"body": "n", "a": Raw(text, canon or python_form(text) or "null")})


def numbers(corpus):
    def add(*args, **kw):
        corpus.event("numbers", *args, **kw)

    for version in ("6", "11", "12"):
        for text in ("1.0", "-0.0", "0.0", "1.5", "100e-2"):
            add("A1", f"{text} in content", version, with_number(version, text), drop("number_not_integer"))
        for text in ("1e10", "1E10", "1e+2", "0e0"):
            add("A2", f"{text} in content", version, with_number(version, text), drop("number_not_integer"))
        event = good(version, extra=Raw("1.0"))
        add("A1", "1.0 in an unknown top-level key", version, event, drop("number_not_integer"))
        event = good(version, content={"a": [{"b": [Raw("1.0")]}]})
        add("A1", "1.0 five levels down", version, event, drop("number_not_integer"))
        event = good(version, "m.room.power_levels", {"users": {"@alice:one.example": Raw("100.0")}}, state_key="")
        add("A1", "100.0 as a power level", version, event, drop("number_not_integer"))
        for text in ("9007199254740991", "-9007199254740991", "0"):
            event = with_number(version, text)
            add("A4", f"{text} in content", version, event, accept(event, version))
        for text in ("9007199254740992", "-9007199254740992", "9223372036854775807", "18446744073709551616"):
            add("A4", f"{text} in content", version, with_number(version, text), drop("integer_out_of_range"))
        add("A4", "2^53 in an unknown key", version, good(version, extra=2**53), drop("integer_out_of_range"))
    for version in ("1", "5", "6", "11", "12"):
        event = with_number(version, "-0", "0")
        add("A3", "-0 in content, hashed as 0", version, event, accept(event, version, "negative_zero"))
    event = sign(draft("11", depth=Raw("-0", "0")), "11")
    add("A3", "depth -0", "11", event, accept(event, "11", "negative_zero"))
    event = good("11", content={"a": Raw([["9", 300_000]])})
    add("A4", "300,000 digits in content", "11", event, drop("integer_out_of_range"))
    event = good("11", content={"a": Raw([["1.", 1], ["0", 1_000_000]], "1.0")})
    add("A1", "1. and a million zeros in content", "11", event, drop("number_not_integer"))

    for version in ("1", "2", "3", "4", "5"):
        for text in ("9007199254740992", "9223372036854775808", "18446744073709551616"):
            event = with_number(version, text)
            add("A5", f"{text} in content, kept exactly", version, event, accept(event, version))
    for text in ("9223372036854775807", "-9223372036854775809", "123456789012345678901234567890", "1" + "0" * 400):
        event = with_number("5", text)
        add("A5", f"integer of {len(text)} characters in content, kept exactly", "5", event, accept(event, "5"))
    event = sign(draft("5", content={"a": Raw([["9", 4301]])}), "5")
    add("A5", "4,301 digits in content, kept exactly", "5", event, accept(event, "5"))
    floats = "1e-5 1e16 50.570 12345678901234567890.0 1.0 -0.0 1e10 1E22 0.1 5e-324 1e-400 1.7976931348623157e308"
    ties = "1125899906842624.25 94016776382514.625 2.98023223876953125e-08"
    for version in ("1", "5"):
        for text in f"{floats} {ties}".split():
            event = with_number(version, text)
            add("A6", f"{text} in content, hashed as {python_form(text)}", version, event, accept(event, version))
    for version in ("1", "4", "5"):
        users = {"@alice:one.example": Raw("1e2", "100.0")}
        levels = {"users": users, "ban": Raw("50.570", "50.57"), "kick": Raw("1e-7", "1e-07")}
        event = good(version, "m.room.power_levels", levels, state_key="")
        what = "floats as power levels, which redaction keeps: in signature and id too"
        add("A6", what, version, event, accept(event, version))
    event = good("5", content={"a": Raw([["1.", 1], ["0", 80_000]], "1.0")})
    add("A6", "80 kB of zeros after 1., hashed as 1.0", "5", event, accept(event, "5"))

    for version in ("1", "5", "6", "11"):
        for text in ("NaN", "Infinity", "-Infinity"):
            add("A7", f"{text} in content", version, with_number(version, text, "null"), drop("json_syntax"))
        for text in ("1E400", "-1e999"):
            add("A7", f"{text} in content", version, with_number(version, text), drop("json_number_overflow"))


# --- bytes and syntax ---------------------------------------------------------------------------------


def front(event, members):
    """The event's bytes with `members` (text, with its comma) put before its first member."""
    return ("{" + members + text_of(event)[1:]).encode()


def back(event, members):
    return (text_of(event)[:-1] + members + "}").encode()


def duplicates(corpus):
    def add(*args, **kw):
        corpus.event("json", "A8", *args, **kw)

    for version in ("1", "3", "6", "11", "12"):
        event = good(version, content=Raw('{"a":1,"\\u0061":2}', '{"a":2}'))
        what = "key a twice, plain and escaped: the last is hashed"
        add(what, version, event, accept(event, version, "duplicate_keys"))
        event = good(version)
        fine = accept(event, version, "duplicate_keys")
        add("sender twice, the right one last", version, front(event, '"sender":"@eve:two.example",'), fine)
        add("type twice, the right one last", version, front(event, '"type":"m.room.create",'), fine)
        add("signatures twice, the good ones last", version, front(event, '"signatures":{},'), fine)
        add("hashes twice, the good ones last", version, front(event, '"hashes":{"sha256":"x"},'), fine)
        sent = back(event, ',"sender":"@eve:two.example"')
        expect = drop("signature_missing", "duplicate_keys")
        add("sender twice, one who did not sign last", version, sent, expect, keys=[KEYS_ONE, KEYS_TWO])
        add("signatures twice, empty ones last", version, back(event, ',"signatures":{}'), expect)
        sent = back(event, ',"type":"m.room.topic"')
        add("type twice, one that was not signed last", version, sent, drop("signature_invalid", "duplicate_keys"))
        sent = back(event, ',"\\u0063ontent":{"body":"other"}')
        what = "content twice, once spelled with an escape, another content last"
        add(what, version, sent, accept(event, version, "duplicate_keys", redacted=True))
    content = Raw('{"membership":"ban","membership":"join"}', '{"membership":"join"}', {"membership": "join"})
    event = good("11", "m.room.member", content, state_key="@alice:one.example")
    what = "membership twice, join last: what is signed is what is read"
    add(what, "11", event, accept(event, "11", "duplicate_keys"))
    event = good("11", content={"a": [{"b": Raw('{"c":1,"c":1}', '{"c":1}')}]})
    add("the same pair twice, four levels down", "11", event, accept(event, "11", "duplicate_keys"))
    event = good("11")
    sent = back(event, ',"unsigned":{"age":1,"age":2}')
    add("a key twice in unsigned", "11", sent, accept(event, "11", "duplicate_keys"))
    add("depth twice, text last", "11", back(event, ',"depth":"7"'), drop("field_wrong_type", "duplicate_keys"))


def strings(corpus):
    def add(*args, **kw):
        corpus.event("json", *args, **kw)

    lone = ["\\ud800", "\\udc00", "\\ud83d\\ud83d", "\\udc00\\ud800", "\\ud83d\\u0041", "\\ud83d!", "\\ud83d\\zdc08", "\\uDBFF"]
    for version in ("1", "6", "11"):
        text = text_of(good(version))
        for spelled in lone:
            add("A9", f"{spelled} in content", version, text.replace("hello", spelled).encode(), drop("json_lone_surrogate"))
        sent = text.replace('"body"', '"\\ud800"').encode()
        add("A9", "lone surrogate in a key", version, sent, drop("json_lone_surrogate"))
        sent = back(good(version), ',"unsigned":{"a":"\\udfff"}')
        add("A9", "lone surrogate in unsigned", version, sent, drop("json_lone_surrogate"))

    spellings = {
        "escaped surrogate pair U+10FFFF": ('"\\udbff\\udfff"', "\U0010ffff"),
        "escaped surrogate pair, upper and lower case": ('"\\uD83d\\uDc08"', "\U0001f408"),
        "escaped NUL": ('"\\u0000"', "\0"),
        "raw U+007F": ('"\x7f"', "\x7f"),
        "raw U+2028 and U+2029": ('"\u2028\u2029"', "\u2028\u2029"),
        "escaped slash": ('"\\/"', "/"),
        "all short escapes": ('"\\b\\t\\n\\f\\r\\"\\\\"', '\b\t\n\f\r"\\'),
        "short escapes spelled long": ('"\\u0008\\u0009\\u000A\\u000C\\u000D\\u0022\\u005C\\u001F"', '\b\t\n\f\r"\\\x1f'),
        "letters spelled as escapes": ('"\\u0061\\u00e9\\u65e5"', "a\u00e9\u65e5"),
        "noncharacters U+FFFE and U+FFFF": ('"\ufffe\\uffff"', "\ufffe\uffff"),
        "composed and decomposed letters, left as they are": ('"\u00e9e\u0301"', "\u00e9e\u0301"),
    }
    for version in ("1", "11"):
        for what, (wire, text) in spellings.items():
            value = Raw(wire, json.dumps(text, ensure_ascii=False))
            key = Raw("{" + wire + ":1}", canonical({text: 1}).decode())
            event = good(version, content={"body": value, "k": key})
            add("A11", f"{what}, in key and value", version, event, accept(event, version))
        state_key = Raw('"\\u0000\\ud83d\\udc08"', '"\\u0000\U0001f408"')
        event = good(version, "m.room.name", {"name": "x"}, state_key=state_key)
        add("A11", "escapes in a state key, so in signature and id", version, event, accept(event, version))
        event = good(version, content={"body": "x", "z": [1, {}], "a": []})
        spaced = json.dumps(event, indent="\t").replace("\n", "\r\n").encode()
        what = "all four white spaces between tokens, and around the event"
        add("A11", what, version, b" \r\n\t" + spaced + b" \r\n\t", accept(event, version))


def broken(corpus):
    for version in ("1", "11"):
        text = text_of(good(version)).encode()

        def swap(old, new):
            assert text.count(old) == 1
            return text.replace(old, new)

        depth = b'"depth":7'
        cases = {
            "raw tab in a string": (swap(b"hello", b"hel\tlo"), "json_control_character"),
            "raw 0x01 in a string": (swap(b"hello", b"hel\x01lo"), "json_control_character"),
            "raw newline in a key": (swap(b'"body"', b'"bo\ndy"'), "json_control_character"),
            "raw NUL in a string": (swap(b"hello", b"hel\0lo"), "json_control_character"),
            "byte order mark": (b"\xef\xbb\xbf" + text, "json_syntax"),
            "leading zero 01": (swap(depth, b'"depth":07'), "json_syntax"),
            "+1": (swap(depth, b'"depth":+7'), "json_syntax"),
            "1. without digits": (swap(depth, b'"depth":7.'), "json_syntax"),
            "1e without digits": (swap(depth, b'"depth":7e'), "json_syntax"),
            "trailing comma in an object": (text[:-1] + b",}", "json_syntax"),
            "trailing comma in an array": (text.replace(b"],", b",],", 1), "json_syntax"),
            "comment": (b"/* x */" + text, "json_syntax"),
            "U+00A0 as white space": (b"{\xc2\xa0" + text[1:], "json_syntax"),
            "form feed as white space": (b"{\x0c" + text[1:], "json_syntax"),
            "single quotes": (swap(b'"hello"', b"'hello'"), "json_syntax"),
            "bad escape": (swap(b"hello", b"hel\\xlo"), "json_syntax"),
            "short \\u escape": (swap(b"hello", b"hel\\u12"), "json_syntax"),
            "True": (swap(b'"hello"', b"True"), "json_syntax"),
            "missing colon": (swap(depth, b'"depth" 7'), "json_syntax"),
            "end missing": (text[:-1], "json_syntax"),
            "cut in a string": (text[: text.index(b"hello") + 2], "json_syntax"),
            "a letter after the event": (text + b"x", "json_trailing_data"),
            "a bracket after the event": (text + b"}", "json_trailing_data"),
            "NUL after the event": (text + b"\0", "json_trailing_data"),
            "byte FF": (swap(b"hello", b"hel\xfflo"), "json_invalid_utf8"),
            "ED A0 80, an encoded surrogate": (swap(b"hello", b"hel\xed\xa0\x80lo"), "json_invalid_utf8"),
            "C0 AF, an overlong slash": (swap(b"hello", b"hel\xc0\xaflo"), "json_invalid_utf8"),
            "F4 90 80 80, above U+10FFFF": (swap(b"hello", b"hel\xf4\x90\x80\x80lo"), "json_invalid_utf8"),
            "E2 82, a letter cut short": (swap(b"hello", b"hel\xe2\x82"), "json_invalid_utf8"),
            "bad UTF-8 in a key": (swap(b'"body"', b'"bo\x80dy"'), "json_invalid_utf8"),
            "bad UTF-8 in unsigned": (text[:-1] + b',"unsigned":{"a":"\xff"}}', "json_invalid_utf8"),
            "an array": (b"[]", "not_an_object"),
            "a string": (b'"x"', "not_an_object"),
            "null": (b"null", "not_an_object"),
            "a number": (b"1", "not_an_object"),
            "an array that holds the event": (b"[" + text + b"]", "not_an_object"),
        }
        for what, (sent, code) in cases.items():
            corpus.event("json", "A13" if code == "json_invalid_utf8" else "A12", what, version, sent, drop(code))


def keys_and_names(corpus):
    def add(*args, **kw):
        corpus.event("json", *args, **kw)

    content = {"\U00010000": 1, "\ue000": 2, "10": 3, "9": 4, "": 5, "Z": 6, "a": 7, "\uffff": 8, "\0": 9}
    for version in ("1", "6", "11", "12"):
        event = good(version, content=content)
        what = "keys that UTF-16 order or a JavaScript object would put elsewhere"
        add("A14", what, version, event, accept(event, version))
    for version in ("1", "11"):
        for key in AWKWARD:
            event = good(version, content={"body": "x", key: {"polluted": True}})
            add("A15", f"own key {key} in content", version, event, accept(event, version))
        event = good(version)
        sent = text_of(event).replace('"body"', '"__proto__":{"x":1},"body"').encode()
        what = "__proto__ added to content after signing"
        add("A15", what, version, sent, accept(event, version, redacted=True))
        event = good(version, **{"__proto__": {"sender": "@eve:two.example"}})
        add("A15", "own key __proto__ beside sender", version, event, accept(event, version))
        event = good(version, sender=MISSING, **{"__proto__": {"sender": "@alice:one.example"}})
        add("A15", "__proto__ that holds the sender, no sender itself", version, event, drop("field_missing"))
        levels = {"users": {key: 100 for key in AWKWARD}, "events": {"__proto__": 1}}
        event = good(version, "m.room.power_levels", levels, state_key="")
        what = "awkward keys in users and events, which redaction keeps"
        add("A15", what, version, event, accept(event, version))
        event = good(version)
        event["signatures"]["__proto__"] = event["signatures"]["constructor"] = {"ed25519:1": "x"}
        add("A15", "servers __proto__ and constructor in signatures", version, event, accept(event, version))
        event = good(version)
        event["signatures"] = {"__proto__": event["signatures"]["one.example"]}
        add("A15", "only __proto__ has signed", version, event, drop("signature_missing"))
        hashes = {"sha256": content_hash(draft(version)), "__proto__": "x"}
        event = sign(draft(version), version, hashes=hashes)
        add("A15", "__proto__ in hashes, so in signature and id", version, event, accept(event, version))
        event = good(version)
        sent = back(event, ',"unsigned":{"__proto__":{"x":1}}')
        add("A15", "__proto__ in unsigned", version, sent, accept(event, version))
        for name in ("constructor", "__proto__"):
            key = Key("one.example", f"ed25519:{name}")
            event = sign(draft(version), version, key)
            add("A15", f"signed by the listed key {key.key_id}", version, event, accept(event, version), keys=[response(key)])
        for name in ("toString", "__proto__"):
            event = sign(draft(version), version, Key("one.example", f"ed25519:{name}"))
            add("A15", f"signed by ed25519:{name}, which is not listed", version, event, drop("signature_key_unknown"))
        for kind in AWKWARD:
            event = good(version, kind)
            add("A16", f"type {kind}", version, event, accept(event, version))
        content = {"membership": "constructor", "__proto__": {"membership": "join"}}
        event = good(version, "m.room.member", content, state_key="__proto__")
        add("A16", "state key __proto__, membership constructor", version, event, accept(event, version))


def nesting(corpus):
    def add(row, what, version, event, ok):
        corpus.event("nesting", row, what, version, event, accept(event, version) if ok else drop("json_too_deep"))

    def arrays(levels):
        return Raw([["[", levels], ["]", levels]])

    def objects(levels):
        return Raw([['{"a":', levels], ["1", 1], ["}", levels]])

    for version in ("1", "6", "11", "12"):
        for n in (125, 126, 127, 900):
            add("A17", f"{n + 2} levels: event, content, arrays", version, good(version, content={"a": arrays(n)}), n == 125)
        for n in (126, 127):
            add("A17", f"{n + 1} levels: event, arrays", version, good(version, extra=arrays(n)), n == 126)
        for n in (125, 126):
            add("A17", f"{n + 2} levels: event, content, objects", version, good(version, content={"a": objects(n)}), n == 125)
            event = good(version) | {"unsigned": {"a": arrays(n)}}
            add("A17", f"{n + 2} levels: event, unsigned, arrays", version, event, n == 125)
        add("A18", "32,000 arrays in content", version, good(version, content={"a": arrays(32_000)}), False)
        add("A18", "10,000 objects in content", version, good(version, content={"a": objects(10_000)}), False)
        add("A18", "32,000 arrays in unsigned", version, good(version) | {"unsigned": {"a": arrays(32_000)}}, False)
    event = good("11", content={"a": Raw([["[", 1], ["[],", 5_000], ["[]]", 1]])})
    add("A17", "5,001 empty arrays side by side", "11", event, True)
    event = good("11", content={"body": Raw([['"', 1], ["[{", 5_000], ['"', 1]])})
    add("A17", "10,000 brackets in a string", "11", event, True)


SECTIONS = [numbers, duplicates, strings, broken, keys_and_names, nesting]
