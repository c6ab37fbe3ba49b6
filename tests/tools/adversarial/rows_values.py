"""The value functions: canonical JSON in its three modes, hashes, ids, redaction, unknown room versions."""

import decimal
import json
import random
import struct

from .corpus import good, text_of
from .judge import Refused, parse
from .model import VERSIONS, Raw, canonical, content_hash, event_id, redact, reference_hash
from .rows_json import python_form


def overflows(text):
    return python_form(text) is None


def lenient(text):
    """How the lenient mode prints a number, or its error."""
    if overflows(text):
        return {"error": "json_number_overflow"}
    number = decimal.Decimal(text)
    if not number:
        return "0"
    whole = number.adjusted() >= 0 and (number.as_tuple().exponent >= 0 or number == number.to_integral_value())
    if not whole:
        return {"error": "number_not_integer"}
    if number.adjusted() > 15 or abs(number) >= 2**53:
        return {"error": "integer_out_of_range"}
    return str(int(number))


def strict(text):
    if overflows(text):
        return {"error": "json_number_overflow"}
    if any(letter in text for letter in ".eE"):
        return {"error": "number_not_integer"}
    return str(int(text)) if abs(int(text)) < 2**53 else {"error": "integer_out_of_range"}


def historical(text):
    return python_form(text) or {"error": "json_number_overflow"}


MODES = {"strict": strict, "lenient": lenient, "historical": historical}

NUMBERS = {
    "A1": "1.0 -0.0 1.5 0.0 -1.0 0.10 123.4500e2 9007199254740991.0 9007199254740991.5 9007199254740992.0 1.00000000000000000000001",
    "A2": "1e10 1E+2 10e-1 1e-1 0e400 -0e5 1e15 1e16 1e17 1e22 90071992547409910e-1 9007199254740991e0 9007199254740992e0",
    "A3": "-0 0",
    "A4": "9007199254740991 -9007199254740991 9007199254740992 -9007199254740992",
    "A5": "9223372036854775808 18446744073709551616 -123456789012345678901234567890",
    "A6": "1e-5 50.570 12345678901234567890.0 0.0001 0.00001 1e-7 123456789012345680.0 999999999999999.9 9999999999999999.0 "
    # halfway between two shortest spellings: Python takes the even digit, ryu and Rust the upper one
    "1125899906842624.25 94016776382514.625 -880642369926484.25 592778738149408.75 2.98023223876953125e-08 "
    "5e-324 2e-324 3e-324 1e-400 -1e-400 2.2250738585072011e-308 1.7976931348623157e308 1.7976931348623158e308 "
    "0.30000000000000004 0.1000000000000000055511151231257827 9007199254740993.0 100000000000000000000000.0 5e-7 1.5e300 4.35 2.5E-8 "
    "1.00000000000000011102230246251565404236316680908203125 1.00000000000000011102230246251565404236316680908203126",
    "A7": "1E400 -1E400 1.7976931348623159e308 1e99999999999 1e-99999999999",
}


def numbers(corpus):
    decimal.setcontext(decimal.Context(prec=2_000, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN))
    for row, texts in NUMBERS.items():
        for text in texts.split():
            for mode, form in MODES.items():
                expect = form(text)
                expect = f'{{"a":{expect}}}' if isinstance(expect, str) else expect
                corpus.value(row, f"{text}, {mode}", "canonical_json", f'{{"a": {text}}}', expect, numbers=mode)
    dice = random.Random(20261123)
    for n in range(20):
        texts = []
        while len(texts) < 100:
            bits = struct.unpack("<d", struct.pack("<Q", dice.getrandbits(64)))[0]
            number = bits if n % 2 else dice.uniform(-1, 1) * 10.0 ** dice.randint(-12, 25)
            if number != number or abs(number) == float("inf"):
                continue
            text = f"{number:.{dice.randint(0, 25)}e}" if dice.random() < 0.5 else repr(number)
            if python_form(text):
                texts.append(text)
        what = f"{len(texts)} floats, {'any bits' if n % 2 else 'everyday sizes'}"
        expect = "[" + ",".join(map(python_form, texts)) + "]"
        corpus.value("A6", what, "canonical_json", "[" + ", ".join(texts) + "]", expect, numbers="historical")

    def long(row, what, pieces, expect, mode):
        corpus.value(row, f"{what}, {mode}", "canonical_json", [['{"a": ', 1], *pieces, ["}", 1]], expect, numbers=mode)

    million = 1_000_000
    digits, zeros = [["7", million]], [["1.", 1], ["0", million]]
    long("A5", "a million digits", digits, [['{"a":', 1], *digits, ["}", 1]], "historical")
    long("A4", "a million digits", digits, {"error": "integer_out_of_range"}, "strict")
    long("A4", "a million digits", digits, {"error": "integer_out_of_range"}, "lenient")
    long("A1", "1. and a million zeros", zeros, {"error": "number_not_integer"}, "strict")
    long("A2", "1. and a million zeros", zeros, '{"a":1}', "lenient")
    long("A6", "1. and a million zeros", zeros, '{"a":1.0}', "historical")
    long("A6", "0., a million zeros and 1", [["0.", 1], ["0", million], ["1", 1]], '{"a":0.0}', "historical")


REFUSED = {
    "json_syntax": [
        "", " ", "{", "[", '{"a"', '{"a":', '{"a":1', '{"a":1,}', "[1,]", "[,1]", "{,}", '{"a" 1}', "{a:1}", "{1:1}", '{"a":1 "b":2}',
        "{'a':1}", '{"a":01}', '{"a":-01}', '{"a":+1}', '{"a":.5}', '{"a":1.}', '{"a":1e}', '{"a":1e+}', '{"a":-}', '{"a":--1}',
        '{"a":0x10}', '{"a":1_000}', '{"a":NaN}', '{"a":Infinity}', '{"a":-Infinity}', '{"a":nul}', '{"a":True}', '{"a":tru}',
        '{"a":"x}', '{"a":"\\x41"}', '{"a":"\\u12G4"}', '{"a":"\\u12"}', '{"a":"\\"}', '{"a":"\\U0041"}', "[}", "{]", "/**/{}", "#\n{}",
        "\ufeff{}", "\u00a0{}", "\x0c{}", "\x0b{}",
    ],
    "json_trailing_data": ["{}x", "{}{}", "{} {}", "{},", "[]]", "{}//x", "{}\0", "{}\ufeff", "{}\x0c"],
    "json_control_character": ['{"a":"\t"}', '{"a":"\x01"}', '{"a\n":1}', '{"a":"\0"}', '{"a":"\x1f"}'],
    "json_lone_surrogate": ['{"a":"\\ud800"}', '{"a":"\\udc00"}', '{"\\ud800":1,"\\ud801":2}', '{"a":"\\ud83d\\ud83d\\udc08"}'],
    "json_invalid_utf8": [
        b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\xc0\xaf"}', b'{"a":"\xf4\x90\x80\x80"}', b'{"a":"\xe2\x82"}', b'{"\x80":1}',
        b'{"a":"\xfe\xff"}', b'{"a":"\xf0\x80\x80\xaf"}', b'{"a":"\xed\xbf\xbf"}',
    ],
}  # fmt: skip


def texts(corpus):
    rows = {"json_lone_surrogate": "A9", "json_invalid_utf8": "A13"}
    for code, sources in REFUSED.items():
        for source in sources:
            try:
                parse(source if isinstance(source, bytes) else source.encode())
            except Refused as refused:
                assert refused.args == (code,), (source, refused)
            else:
                raise AssertionError(source)
            what = f"bytes {source.hex()}" if isinstance(source, bytes) else ascii(source)
            corpus.value(rows.get(code, "A12"), what, "canonical_json", source, {"error": code}, numbers="strict")

    controls = "".join(map(chr, range(32)))
    order = {"\U00010000": 1, "\ue000": 2, "10": 3, "9": 4, "": 5, "Z": 6, "a": 7, "\uffff": 8, "\ufb33": 9, "\U0001f600": 10, "aa": 11, "a\0": 12}
    nested = [['{"a":', 1], ["[", 126], ["]", 126], ["}", 1]]
    for mode in MODES:

        def add(row, what, source, expect):
            corpus.value(row, f"{what}, {mode}", "canonical_json", source, expect, numbers=mode)

        add("A8", "a twice, plain and escaped", '{"a":1,"\\u0061":2}', '{"a":2}')
        add("A8", "twice at every depth", '{"a":{"b":1,"b":[]},"a":{"b":3,"b":[{"c":4,"c":5}]}}', '{"a":{"b":[{"c":5}]}}')
        add("A8", "twice, the first deeper", '{"a":{"deep":[1,2,3]},"a":null}', '{"a":null}')
        add("A11", "escapes", '{"a":"\\udbff\\udfff\\u007f\\/\\u2028\\u0041"}', '{"a":"\U0010ffff\x7f/\u2028A"}')
        escaped = '{"a":"' + "".join(f"\\u{n:04X}" for n in range(32)) + '"}'
        add("A11", "every control character, escaped", escaped, canonical({"a": controls}).decode())
        spaced = ' \t\r\n{ "b" : [ 1 , true , null , false , "" ] , "a" : { } } \n'
        add("A11", "white space", spaced, '{"a":{},"b":[1,true,null,false,""]}')
        add("A14", "key order by code point", json.dumps(order, ensure_ascii=False), canonical(order).decode())
        add("A14", "keys that differ by a combining mark", '{"\u00e9":2,"e\u0301":1}', '{"e\u0301":1,"\u00e9":2}')
        source = '{"toString":1,"constructor":2,"__proto__":{"__proto__":3}}'
        add("A15", "__proto__ and friends", source, '{"__proto__":{"__proto__":3},"constructor":2,"toString":1}')
        add("A17", "127 levels", nested, nested)
        for levels in (128, 32_000, 1_000_000):
            add("A18", f"{levels:,} levels", [["[", levels], ["]", levels]], {"error": "json_too_deep"})


def events(corpus):
    for version in VERSIONS:
        event = good(version)
        text = json.dumps(event | {"unsigned": {"age": 1}})
        name = f"of an event with unsigned, v{version}"
        corpus.value("B37", f"content_hash {name}", "content_hash", text, content_hash(event))
        corpus.value("B37", f"reference_hash {name}", "reference_hash", text, reference_hash(event, version), room_version=version)
        corpus.value("B37", f"event_id {name}", "event_id", text, event_id(event, version), room_version=version)
    event = good("5", "m.room.power_levels", {"ban": Raw("5e1", "50.0"), "events": {"x": 10**25}}, state_key="")
    text = text_of(event)
    corpus.value("A6", "content_hash over a float and a big integer", "content_hash", text, content_hash(event))
    corpus.value("A6", "event_id over a float and a big integer", "event_id", text, event_id(event, "5"), room_version="5")
    kept = canonical(redact(event, "5")).decode()
    corpus.value("A6", "redact keeps a float and a big integer", "redact", text, kept, room_version="5")
    for name in ("13", "0", "", "01", "1 ", "V1", "constructor", "__proto__", "org.example.1"):
        for call in ("event_id", "reference_hash", "redact"):
            text = text_of(good("11"))
            corpus.value("A16", f"{call}, room version {name!r}", call, text, {"error": "unknown_room_version"}, room_version=name)


SECTIONS = [numbers, texts, events]
