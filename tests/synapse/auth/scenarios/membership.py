"""Membership events: every change of a membership, by oneself and by others."""

from typing import Any

from names import (
    ALICE,
    BOB,
    CAROL,
    CREATOR,
    DAVE,
    ERIN,
    MEMBERSHIPS,
    SERVERS,
    USERS,
    server_of,
)
from plan import ABSENT, Draft, Plan

ODD_MEMBERSHIPS = ("JOIN", "", "mod", "join ", None, 5, True, ["join"], {"join": 1}, ABSENT)
# Without a user's ID for a state key there is no membership; some of these have a colon, some none.
ODD_STATE_KEYS = (
    ABSENT,
    "",
    "alice",
    "@alice",
    "alice:one.example",
    "@dave:three.example ",
    "@dave:three example",
    ":",
    "@:",
    "!room:one.example",
)


def transition(plan: Plan) -> Draft:
    """Somebody changes somebody's membership."""
    draw = plan.draw
    knocks = 13 if plan.number >= 7 else 3
    membership = draw.weighted({"join": 26, "invite": 22, "leave": 24, "ban": 13, "knock": knocks})
    alone = {"join": 86, "knock": 86, "leave": 42, "invite": 6, "ban": 6}[membership]
    target = draw.pick(USERS)
    sender = target if draw.chance(alone) else draw.pick([user for user in USERS if user != target])
    if draw.chance(50):
        plan.set_member(target, draw.pick((None, *MEMBERSHIPS)))
    if sender != target and draw.chance(75):
        if target != CREATOR and draw.chance(40):
            sender = CREATOR  # who mostly has the power
        plan.set_member(sender, "join")
    if membership == "knock" and draw.chance(75):
        plan.set_join_rule(draw.pick(("knock", "knock_restricted")))
        if draw.chance(50):
            plan.set_member(target, draw.pick((None, "leave", "knock")))
    if membership == "leave" and sender != target and draw.chance(30):
        plan.set_member(target, "ban")
    if draw.chance(1.5):
        plan.set_member(draw.pick((sender, target)), draw.pick(("mod", "", None, 5, ["join"])) or "")
    plan.tell(f"{membership}, by {'oneself' if sender == target else 'another'}")

    content: dict[str, Any] = {"membership": membership}
    if draw.chance(4):
        content["membership"] = draw.pick(ODD_MEMBERSHIPS)
        if content["membership"] is ABSENT:
            del content["membership"]
        plan.tell("odd membership")
    state_key: Any = target
    if draw.chance(3):
        state_key = draw.pick(ODD_STATE_KEYS)
        plan.tell("odd state_key")
    draft = Draft("m.room.member", sender, content, state_key)
    if draw.chance(15):
        content["displayname"] = "Somebody"
    if draw.chance(2):
        content["third_party_invite"] = draw.pick((None, {}, {"signed": {}}, "somebody"))
        plan.tell("odd third_party_invite")
    if draw.chance(14):
        authorise(plan, draft)
    if draw.chance(5):
        plan.spoil_level("kick", "ban", "invite", "users_default")
    if draw.chance(6):
        draft.prev = draw.pick((["create"], ["create", "other"], [], ["other", "other"]))
    return draft


def first_join(plan: Plan) -> Draft:
    """The creator joins right after the create event; or somebody pretends to."""
    draw = plan.draw
    plan.tell("join after the create event")
    if plan.number < 11 and draw.chance(35):
        creator = draw.pick(
            (
                BOB,
                ALICE,
                "nobody",
                "@nobody",
                "nobody:one.example",
                5,
                None,
                [CREATOR],
                "@creator:one.example ",
            )
        )
        plan.create_content["creator"] = creator
        plan.tell("another creator")
    if draw.chance(60):
        plan.state.clear()
        plan.tell("nothing else in the room")
    else:
        plan.set_member(CREATOR, draw.pick((None, *MEMBERSHIPS)))
    creator = plan.creator()
    target = creator if isinstance(creator, str) and draw.chance(70) else draw.pick(USERS)
    sender = target if target in USERS and draw.chance(75) else draw.pick(USERS)
    draft = Draft("m.room.member", sender, {"membership": "join"}, target, prev=["create"])
    if draw.chance(20):
        draft.prev = draw.pick((["create", "create"], ["create", "other"], ["other"], []))
        plan.tell("other prev_events")
    if draw.chance(10):
        authorise(plan, draft)
    return draft


def restricted_join(plan: Plan) -> Draft:
    """A join that a member's server has to vouch for."""
    draw = plan.draw
    plan.tell("restricted join")
    plan.set_join_rule(draw.weighted({"restricted": 5, "knock_restricted": 4, "public": 1}))
    joining = draw.pick((BOB, CAROL, DAVE, ERIN))
    plan.set_member(
        joining, draw.weighted({None: 5, "leave": 4, "invite": 1, "knock": 1, "join": 1, "ban": 1})
    )
    levels = plan.level_content()
    if levels is not None and draw.chance(25):
        levels["invite"] = plan.levels().value(draw.pick((25, 50, 100)))
    draft = Draft("m.room.member", joining, {"membership": "join"}, joining)
    if draw.chance(90):
        authorise(plan, draft)
    return draft


def authorise(plan: Plan, draft: Draft) -> None:
    """Names a user that vouches for the join, mostly with the signature of the user's server."""
    draw = plan.draw
    joined = [user for user in plan.joined() if user != draft.sender]
    by: Any = draw.pick(joined) if joined and draw.chance(75) else draw.pick(USERS)
    plan.tell("authorised")
    if draw.chance(15):
        by = draw.pick(
            (
                None,
                5,
                "",
                [ALICE],
                {},
                "alice",
                "alice:one.example",
                "@alice:one example",
                "@nobody:one.example",
            )
        )
        plan.tell("by an odd user")
    draft.content["join_authorised_via_users_server"] = by
    if isinstance(by, str) and ":" in by and draw.chance(75):
        draft.signers.add(server_of(by))
    elif draw.chance(40):
        draft.signers.add(draw.pick(SERVERS))
