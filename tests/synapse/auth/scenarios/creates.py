"""Create events. The room around is another one; the rules look at the create event alone."""

from typing import Any

from names import ALICE, BOB, CREATOR, DAVE, SERVERS
from plan import ABSENT, Draft, Plan

ODD_VERSIONS = ("13", "0", "", "1.0", " 1", "one", 1, 11, None, True, [], ["1"], {})
UNSTABLE_VERSIONS = ("org.matrix.hydra.11", "org.matrix.msc3757.10")
NUL_CREATORS = (["@a\u0000b:one.example"], [ALICE, "@\u0000:one.example"])
LONG_CREATORS = (["@" + "a" * 300 + ":one.example"], [ALICE, "@" + "ä" * 130 + ":one.example"])
ODD_CREATORS = (
    "@alice:one.example",
    {},
    None,
    5,
    {ALICE: 100},
    [5],
    [None],
    [ALICE, 5],
    [[ALICE]],
    ["alice"],
    ["@alice"],
    [""],
    [ALICE, "@alice:"],
    ["@alice:one example"],
    ["@:one.example"],
    ["@alice:one.example:99999"],
    ["@alice:[::1]"],
    ["@alice:one_two.example"],
    ["@Alice Ω:one.example"],
    ["alice:one.example"],
    [ALICE, ALICE],
    [],
)


def create(plan: Plan) -> Draft:
    draw = plan.draw
    plan.tell("create")
    sender = draw.pick((CREATOR, ALICE, BOB))
    content: dict[str, Any] = {"room_version": plan.version}
    if plan.number < 11 or draw.chance(20):
        content["creator"] = sender
    draft = Draft("m.room.create", sender, content, "", prev=[])
    draft.extra["room_id"] = ABSENT if plan.number == 12 else f"!new:{sender.partition(':')[2]}"
    for _ in range(draw.weighted({0: 3, 1: 7, 2: 2})):
        _alter(plan, draft)
    return draft


def _alter(plan: Plan, draft: Draft) -> None:
    draw, content = plan.draw, draft.content
    ways = [
        "prev_events",
        "room_id",
        "room_id",
        "room_version",
        "room_version",
        "creator",
        "state_key",
        "m.federate",
    ]
    ways += ["additional_creators"] * 12 + ["state_key"] * 2 if plan.number == 12 else ["additional_creators"]
    way = draw.pick(ways)
    plan.tell(way)
    if way == "prev_events":
        draft.prev = draw.pick((["other"], ["create"], ["other", "other"]))
    elif way == "room_id":
        domain = draw.pick((*SERVERS, "two.example"))
        draft.extra["room_id"] = (
            f"!new:{domain}"
            if plan.number < 12
            else draw.pick(("!new:one.example", "!" + "A" * 43, None, ""))
        )
    elif way == "room_version":
        version: Any = str(draw.number(1, 12))
        if draw.chance(65):
            version = draw.pick(UNSTABLE_VERSIONS if draw.chance(25) else ODD_VERSIONS)
        if draw.chance(15):
            content.pop("room_version", None)
        else:
            content["room_version"] = version
    elif way == "creator":
        if draw.chance(60):
            content.pop("creator", None)
        else:
            content["creator"] = draw.pick((None, 5, "", DAVE))
    elif way == "state_key":
        draft.state_key = draw.pick((ABSENT, "key", draft.sender))
    elif way == "m.federate":
        content["m.federate"] = draw.pick((False, None, "false"))
    else:
        content["additional_creators"] = draw.pick(
            draw.pick((NUL_CREATORS, LONG_CREATORS, *[ODD_CREATORS] * 6))
        )
