"""Events that need membership and a level: messages, state, redactions, aliases."""

from typing import Any

from names import SERVERS, USERS, server_of
from plan import ABSENT, Draft, Plan


def _sender(plan: Plan) -> str:
    if plan.draw.chance(82):
        return plan.draw.pick(plan.joined() or USERS)
    return plan.draw.pick(USERS)


def message(plan: Plan) -> Draft:
    """A message, or state under a key that is nobody's name."""
    draw = plan.draw
    kind = draw.pick(
        (
            "m.room.message",
            "m.room.message",
            "org.example.custom",
            "m.room.topic",
            "m.room.name",
            "m.room.join_rules",
            "m.room.members",
        )
    )
    state_key: Any = (
        ABSENT
        if kind == "m.room.message" or draw.chance(15)
        else draw.pick(("", "", "key", "a@b", "_@alice:one.example"))
    )
    plan.tell("message" if state_key is ABSENT else "state")
    draft = Draft(kind, _sender(plan), {"body": "Hello"}, state_key)
    if draw.chance(8):
        plan.spoil_level("users", "events", "state_default", "events_default", "users_default")
    if draw.chance(5):
        draft.prev = draw.pick((["create"], [], ["other"] * 20))
    return draft


def own_state(plan: Plan) -> Draft:
    """State under a key that begins with an `@`."""
    draw = plan.draw
    plan.tell("state of a user")
    sender = _sender(plan)
    key = (
        sender
        if draw.chance(50)
        else draw.pick((*USERS, "@", "@@", f"{sender} ", f"{sender}_key", sender.upper()))
    )
    return Draft(draw.pick(("org.example.custom", "m.room.topic")), sender, {}, key)


def redaction(plan: Plan) -> Draft:
    """A redaction. In versions 1 and 2 the rules ask whose server the redacted event is of."""
    draw = plan.draw
    plan.tell("redaction")
    sender = _sender(plan)
    if draw.chance(25):
        plan.spoil_level("redact")
    if plan.number >= 11:
        return Draft("m.room.redaction", sender, {"redacts": "$event"})
    draft = Draft("m.room.redaction", sender, {}, extra={"redacts": "$event"})
    if plan.number > 2:
        return draft
    draft.id_server = server_of(sender) if draw.chance(85) else draw.pick(SERVERS)
    domain = draft.id_server if draw.chance(50) else draw.pick((*SERVERS, "two.example", "ONE.example", ""))
    draft.extra["redacts"] = f"$event:{domain}"
    levels = plan.level_content()
    if levels is not None and draw.chance(40):
        levels["redact"] = 100
    if draw.chance(30):
        near = (f"event:{draft.id_server}", f":{draft.id_server}", f"$a:b:{draft.id_server}")
        odd = draw.pick(
            near if draw.chance(40) else (ABSENT, None, 5, ["$event:one.example"], {}, "", "$event")
        )
        draft.extra["redacts"] = odd
        plan.tell("odd redacts")
    return draft


def aliases(plan: Plan) -> Draft:
    """The addresses a server gives the room. Up to version 5 everybody's server may."""
    draw = plan.draw
    plan.tell("aliases")
    sender = draw.pick(USERS)
    key: Any = server_of(sender)
    if draw.chance(35):
        key = draw.pick((*SERVERS, "", "two.example", ABSENT, sender, key.upper()))
    return Draft("m.room.aliases", sender, {"aliases": [f"#room:{server_of(sender)}"]}, key)
