"""A case before it is made: the room as a plan, and the event to be judged as a draft.

Scenarios write both; IDs and hashes follow when `Room` builds the plan.
"""

from dataclasses import dataclass, field
from typing import Any

from draw import Draw
from levels import Levels
from names import (
    ALICE,
    BOB,
    CAROL,
    CREATOR,
    DAVE,
    JOIN_RULES,
    MEMBERSHIPS,
    USERS,
    server_of,
)
from pdus import Maker, Pdu

Key = tuple[str, str]

CREATE: Key = ("m.room.create", "")
POWER: Key = ("m.room.power_levels", "")
RULES: Key = ("m.room.join_rules", "")

ABSENT = object()


def member(user: str) -> Key:
    return ("m.room.member", user)


@dataclass
class Draft:
    """The event to be judged."""

    type: str
    sender: str
    content: dict[str, Any]
    state_key: Any = ABSENT
    # Fields on the outermost level that only some events have.
    extra: dict[str, Any] = field(default_factory=dict)
    # "create" stands for the room's create event, "other" for events nobody looks at.
    prev: list[str] = field(default_factory=lambda: ["other"])
    signers: set[str] = field(default_factory=set)
    # The server in the event's ID, where that is a field.
    id_server: str | None = None
    # Hostile auth_events would hide what the scenario is about.
    plain_claims: bool = False


class Plan:
    """The room as it should be: who made it, and its state."""

    def __init__(self, draw: Draw, version: str):
        self.draw = draw
        self.version = version
        self.number = int(version)
        self.create_sender = CREATOR
        self.create_content = self._create_content()
        # (type, state_key) -> (sender, content)
        self.state: dict[Key, tuple[str, dict[str, Any]]] = {}
        self.story: list[str] = []
        self._people()
        self._join_rules()
        if draw.chance(85):
            self.state[POWER] = (CREATOR, self.levels().content())

    def tell(self, words: str) -> None:
        self.story.append(words)

    def levels(self) -> Levels:
        return Levels(self.draw, self.number, self.creators())

    def creators(self) -> list[str]:
        """Who must not stand in `users` of power levels."""
        if self.number < 12:
            return []
        return [self.create_sender, *self.create_content.get("additional_creators", [])]

    def creator(self) -> str:
        """Who may join first."""
        if self.number < 11:
            return self.create_content.get("creator", CREATOR)
        return self.create_sender

    def set_member(self, user: str, membership: Any, **content: Any) -> None:
        """`None` stands for a user the room has never heard of."""
        if membership is None:
            self.state.pop(member(user), None)
        else:
            by = CREATOR if membership in ("invite", "ban") else user
            self.state[member(user)] = (by, {"membership": membership, **content})

    def membership(self, user: str) -> Any:
        return self.state.get(member(user), (None, {}))[1].get("membership")

    def joined(self) -> list[str]:
        return [user for user in USERS if self.membership(user) == "join"]

    def set_join_rule(self, rule: Any, **content: Any) -> None:
        self.state[RULES] = (CREATOR, {"join_rule": rule, **content})

    def level_content(self) -> dict[str, Any] | None:
        entry = self.state.get(POWER)
        return entry and entry[1]

    def spoil_level(self, *names: str) -> None:
        """Puts something that is no level under one of these names into the room's power levels."""
        levels = self.level_content()
        if levels is not None:
            name = self.draw.pick(names)
            levels[name] = None if self.draw.chance(60) else self.levels().odd()
            self.tell(f"the room's {name} is no level")

    def _create_content(self) -> dict[str, Any]:
        draw = self.draw
        content: dict[str, Any] = {"room_version": self.version}
        if self.version == "1" and draw.chance(50):
            del content["room_version"]
        if self.number < 11:
            content["creator"] = draw.weighted({CREATOR: 94, BOB: 3, ALICE: 3})
        elif draw.chance(10):
            content["creator"] = BOB  # a leftover that means nothing any more
        if draw.chance(9):
            content["m.federate"] = draw.pick(
                [False, False, False, True, True, "false", "true", None, 0, 1, [], {}]
            )
        if self.number == 12 and draw.chance(50):
            content["additional_creators"] = draw.some([ALICE, BOB, DAVE], draw.number(0, 2))
        return content

    def _people(self) -> None:
        draw = self.draw
        self.set_member(CREATOR, draw.weighted({"join": 94, "leave": 3, None: 3}))
        for user in (ALICE, BOB, CAROL):
            self.set_member(user, "join" if draw.chance(70) else draw.pick((None, *MEMBERSHIPS)))
        for user in USERS[4:]:
            self.set_member(user, draw.pick((None, *MEMBERSHIPS)))

    def _join_rules(self) -> None:
        draw = self.draw
        if draw.chance(4):
            return
        if draw.chance(6):
            odd = draw.pick(
                [None, "", "Public", "made_up", 1, True, ["public"], {"join_rule": "public"}, ABSENT]
            )
            self.set_join_rule(odd)
            if odd is ABSENT:
                self.state[RULES] = (CREATOR, {})
            return
        rule = draw.pick(JOIN_RULES)
        allow = [{"type": "m.room_membership", "room_id": "!elsewhere:one.example"}]
        self.set_join_rule(rule, **({"allow": allow} if "restricted" in rule else {}))


class Room:
    """The plan made real: every event of the state, with its ID."""

    def __init__(self, plan: Plan, opaque: str = "room"):
        self.plan = plan
        self.maker = Maker(plan.version)
        self._opaque = opaque
        self.room_id = f"!{opaque}:{server_of(plan.create_sender)}"
        self.create = self.make_create()
        if plan.number == 12:
            self.room_id = "!" + self.create.id[1:]
        self.state: dict[Key, Pdu] = {CREATE: self.create}
        self._make_state()

    def make_create(self) -> Pdu:
        plan = self.plan
        fields = {
            "type": "m.room.create",
            "state_key": "",
            "sender": plan.create_sender,
            "content": plan.create_content,
        }
        if plan.number < 12:
            fields["room_id"] = self.room_id
        return self.maker.make(fields, prev=[], auth=[])

    def _make_state(self) -> None:
        # The creator's membership stands first, so that others can refer to it.
        order = sorted(self.plan.state, key=lambda key: key != member(CREATOR))
        for key in order:
            self.state[key] = self.make_state(key, *self.plan.state[key])

    def make_state(self, key: Key, sender: str, content: dict[str, Any], **more: Any) -> Pdu:
        return self.make_event(
            {"type": key[0], "state_key": key[1], "sender": sender, "content": content}, **more
        )

    def make_event(self, fields: dict[str, Any], **more: Any) -> Pdu:
        """An event of this room that need not be a good one."""
        auth = [] if self.plan.number == 12 else [self.create.reference]
        return self.maker.make(
            {"room_id": self.room_id, **fields}, prev=[self.maker.invented_reference()], auth=auth, **more
        )

    def judged(self, draft: Draft, claimed: list[Any]) -> Pdu:
        """The draft made real, with these references as `auth_events`."""
        fields = {
            "type": draft.type,
            "sender": draft.sender,
            "content": draft.content,
            "room_id": self.room_id,
            "state_key": draft.state_key,
            **draft.extra,
        }
        fields = {name: value for name, value in fields.items() if value is not ABSENT}
        prev = [
            self.create.reference if which == "create" else self.maker.invented_reference()
            for which in draft.prev
        ]
        return self.maker.make(
            fields, prev=prev, auth=claimed, signers=draft.signers, id_server=draft.id_server, readable=False
        )
