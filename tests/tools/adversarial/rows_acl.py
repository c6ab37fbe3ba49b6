"""H104-H107: which servers an ACL lets speak."""

import json

from .auth_model import acl
from .corpus import TS
from .model import expand

ALLOWED, DENIED, NOT_ALLOWED = (True, "acl_allowed"), (False, "acl_denied"), (False, "acl_not_allowed")
IP, NONE, NO_NAME = (False, "acl_ip_literal"), (True, "acl_none"), (False, "acl_server_name_invalid")


def add(corpus, row, what, source, server_name, expect):
    """source: an event or its content, or that as a list of [text, count]."""
    pieces = source if isinstance(source, list) else [[json.dumps(source, ensure_ascii=False, separators=(",", ":")), 1]]
    line = {"call": "acl", **({"acl_repeat": pieces} if isinstance(source, list) else {"acl": pieces[0][0]})}
    expect = dict(zip(("allowed", "code"), expect))
    second = acl(expand(pieces), server_name)
    assert second == expect, (row, what, server_name, expect, second)
    corpus.add("acl", row, what, line | {"server_name": server_name, "expect": expect})


def deny(*patterns):
    return {"allow": ["*"], "deny": list(patterns)}


def globs(corpus):
    for pattern, name, hit in (
        ("EVIL.com", "evil.com:8448", True), ("EVIL.com", "evil.com", True), ("evil.com", "EVIL.COM", True),
        ("evil.com", "evil.com:1234", True), ("*.evil.com", "evil.com", False), ("*.evil.com", "xevil.com", False),
        ("*.evil.com", "x.evil.com", True), ("*.evil.com", "x.y.EVIL.com:1", True), ("*evil.com", "xevil.com", True),
        ("e.il", "exil", False), ("e.il", "e.il", True), ("e?il", "exil", True), ("e?il", "eil", False),
        ("e?il", "exxil", False),
        ("evil.com", "evil.com.org", False), ("evil.com", "not.evil.com", False), ("evil.*", "evil.com", True),
        ("evil.*", "evil.", True), ("*", "evil.com", True), ("**", "evil.com", True), ("?", "evil.com", False),
        ("", "evil.com", False), ("evil.com:8448", "evil.com:8448", False), ("evil.com:*", "evil.com:8448", False),
        ("[ex]vil.com", "evil.com", False), ("evil.co[m]", "evil.com", False), ("evil.(com|org)", "evil.com", False),
        ("evil\\.com", "evil.com", False), ("^evil.com$", "evil.com", False), ("evil.com\n", "evil.com", False),
        (" evil.com", "evil.com", False), ("evil.com*", "evil.com", True), ("*evil*com*", "evil.com", True),
        ("a*b*c", "a.b.b.c", True), ("a*b*c", "a.c.b", False), ("a?*c", "abc", True), ("a?*c", "ac", False),
        ("*.?", "evil.c", True), ("*?", "e", True), ("{evil,bad}.com", "evil.com", False), ("!evil.com", "good.com", False),
    ):  # fmt: skip
        expect = DENIED if hit else ALLOWED
        add(corpus, "H104", f"deny {pattern!r}, server {name}", deny(pattern), name, expect)
    for pattern, name, hit in (
        ("good.COM", "good.com:8448", True), ("*.good.com", "good.com", False), ("*.good.com", "a.good.com", True),
        ("good.com", "good.com.evil.com", False), ("g??d.com", "gooD.com", True),
    ):  # fmt: skip
        expect = ALLOWED if hit else NOT_ALLOWED
        add(corpus, "H104", f"allow {pattern!r}, server {name}", {"allow": [pattern]}, name, expect)
    both = {"allow": ["good.com", "*"], "deny": ["bad.com", "good.com"]}
    add(corpus, "H104", "denied and allowed by name", both, "good.com", DENIED)
    add(corpus, "H104", "neither denied nor allowed by name", both, "third.com", ALLOWED)


def literals(corpus):
    closed = {"allow": ["*"], "allow_ip_literals": False}
    for name in (
        "1.2.3.4", "1.2.3.4:8448", "[::1]", "[::1]:1", "0.0.0.0", "255.255.255.255", "[2001:DB8::1]:8448", "[::ffff:1.2.3.4]",
    ):  # fmt: skip
        add(corpus, "H105", f"allow_ip_literals false, server {name}", closed, name, IP)
    for name in (
        "a.example", "1.2.3.999", "1.2.3", "1.2.3.4.5", "1.2.3.4.example", "1-2-3-4", "1.2.3.4a", "256.1.1.1", "2130706433",
    ):  # fmt: skip
        add(corpus, "H105", f"allow_ip_literals false, server {name} is a name", closed, name, ALLOWED)
    for value in ("false", 0, None, [], True):
        source = {"allow": ["*"], "allow_ip_literals": value}
        add(corpus, "H105", f"allow_ip_literals {value!r} counts as true", source, "1.2.3.4", ALLOWED)
    add(corpus, "H105", "allow_ip_literals absent", {"allow": ["*"]}, "[::1]", ALLOWED)
    source = closed | {"deny": ["1.2.3.4"]}
    add(corpus, "H105", "literals are refused before deny is asked", source, "1.2.3.4", IP)
    add(corpus, "H105", "literals are refused before allow is asked", {**closed, "allow": ["1.2.3.4"]}, "1.2.3.4", IP)
    for pattern, name, hit in (
        ("1.2.3.*", "1.2.3.4:8448", True), ("1.2.3.4", "1.2.3.4", True), ("[::1]", "[::1]:8448", True), ("::1", "[::1]", False),
        ("[2001:db8::*]", "[2001:DB8::1]", True), ("[::1", "[::1]", False), ("[*", "[::1]:1", True), ("*:1", "[::1]:1", False),
        ("*:1]", "[::1]:1", True),
    ):  # fmt: skip
        expect = DENIED if hit else ALLOWED
        add(corpus, "H105", f"deny {pattern!r}, server {name}", deny(pattern), name, expect)
    for name in (
        "", ":8448", "a.example:", "a.example:abc", "a.example:123456", "a/b", "u@h", "a b", "[::1", "::1", "[::1]x",
        "ex\u00e4mple.com", "a_b", "a.example\n", "[fe80::1%25eth0]",
    ):  # fmt: skip
        add(corpus, "H105", f"server {name!r} is no server name", {"allow": ["*"]}, name, NO_NAME)


def bombs(corpus):
    """H106: patterns and lists that cost much to answer."""
    name, long = "a" * 230, "a" * 229 + "b"
    for what, pattern, server, expect in (
        ("30,000 x 'a*', more than there are letters", [["a*", 30_000]], name, ALLOWED),
        ("20,000 x '?'", [["?", 20_000]], name, ALLOWED),
        ("'*a' x 100, then 'c', server of 230 a", [["*a", 100], ["*c", 1]], name, ALLOWED),
        ("'*a' x 100, then '*', server of 230 a", [["*a", 100], ["*", 1]], name, DENIED),
        ("'a*' x 115, then 'b'", [["a*", 115], ["b", 1]], long, DENIED),
        ("'a*' x 229, then 'b'", [["a*", 229], ["b", 1]], long, DENIED),
        ("'a*' x 230, then 'b'", [["a*", 230], ["b", 1]], long, ALLOWED),
        ("30,000 x '*'", [["*", 30_000]], name, DENIED),
        ("15,000 x '*?'", [["*?", 15_000]], name, ALLOWED),
        ("230 x '?'", [["?", 230]], name, DENIED),
        ("231 x '?'", [["?", 231]], name, ALLOWED),
    ):
        source = [['{"allow":["*"],"deny":["', 1], *pattern, ['"]}', 1]]
        add(corpus, "H106", f"deny {what}", source, server, expect)
    for count, entry, last, server, expect in (
        (10_000, '"a.b",', "x", "a.c", ALLOWED), (10_000, '"a.b",', "a.c", "a.c", DENIED),
        (5_000, '"*a*a*b",', "x", name, ALLOWED), (9_000, '"*.x",', "*", "y.z", DENIED), (10_000, '"????",', "x", "y.z", ALLOWED),
    ):  # fmt: skip
        source = [['{"allow":["*"],"deny":[', 1], [entry, count], [f'"{last}"]}}', 1]]
        add(corpus, "H106", f"deny {count} x {entry[:-1]}, then '{last}'", source, server, expect)


def oddities(corpus):
    """H107: what is no list, no text, no ACL."""
    for what, source in {
        "allow missing": {"deny": []}, "allow []": {"allow": []}, "allow 'x'": {"allow": "x"},
        "allow '*', no list": {"allow": "*"},
        "allow null": {"allow": None}, "allow {}": {"allow": {"*": 1}}, "allow of 1 and null": {"allow": [1, None, ["*"]]},
        "nothing": {}, "the lists under other names": {"Allow": ["*"], "allowed": ["*"]},
    }.items():  # fmt: skip
        add(corpus, "H107", f"{what}: nobody is let in", source, "a.example", NOT_ALLOWED)
    for what, source, expect in (
        ("entries that are no text are passed over in allow", {"allow": [1, None, {}, "*"]}, ALLOWED),
        ("entries that are no text are passed over in deny", {"allow": ["*"], "deny": [1, None, "a.example"]}, DENIED),
        ("deny of nothing but such", {"allow": ["*"], "deny": [1, None]}, ALLOWED),
        ("deny 'a.example', no list", {"allow": ["*"], "deny": "a.example"}, ALLOWED),
        ("deny null", {"allow": ["*"], "deny": None}, ALLOWED),
        ("deny {}", {"allow": ["*"], "deny": {"a.example": True}}, ALLOWED),
    ):
        add(corpus, "H107", what, source, "a.example", expect)
    for what, pattern, name in (
        ("U+212A is no k", "\u212a.example", "k.example"), ("U+017F is no s", "\u017f.example", "s.example"),
        ("U+0130 is no i", "\u0130.example", "i.example"), ("a full stop of another script", "a\u3002example", "a.example"),
        ("full-width letters", "\uff41.example", "a.example"), ("a letter outside the BMP", "\U0001d41a.example", "a.example"),
    ):  # fmt: skip
        add(corpus, "H107", f"deny: {what}", deny(pattern), name, ALLOWED)
        add(corpus, "H107", f"allow: {what}", {"allow": [pattern]}, name, NOT_ALLOWED)
    add(corpus, "H107", "two letters outside ASCII do not match one", deny("\u00e4?.example"), "ab.example", ALLOWED)

    def event(content, **fields):
        base = {
            "type": "m.room.server_acl", "state_key": "", "sender": "@alice:one.example", "room_id": "!room:one.example",
            "origin_server_ts": TS, "content": content, "depth": 7, "prev_events": [], "auth_events": [],
            "hashes": {"sha256": "AAAA"}, "signatures": {},
        }  # fmt: skip
        return {key: value for key, value in (base | fields).items() if value != "none"}

    add(corpus, "H107", "an event that denies", event(deny("a.example")), "a.example:1", DENIED)
    add(corpus, "H107", "an event that allows", event({"allow": ["*"]}), "a.example", ALLOWED)
    add(corpus, "H107", "an event that redaction has emptied", event({}), "a.example", NOT_ALLOWED)
    add(corpus, "H107", "state_key 'x': no ACL", event(deny("*"), state_key="x"), "a.example", NONE)
    add(corpus, "H107", "no state_key: no ACL", event(deny("*"), state_key="none"), "a.example", NONE)


SECTIONS = [globs, literals, bombs, oddities]
