"""One side of a fork, and what people can do there. Each deed is True if the rules allowed it.

A deed that they do not allow is no event; who calls tries something else.
"""

import copy
from typing import Any

import shared  # noqa: F401
from levels import Levels
from names import CREATOR, USERS, server_of
from plan import CREATE, POWER, RULES, Draft, member

from room import Branch, Room


def short(user: str) -> str:
    return user[1:].partition(":")[0]


class Side:
    """A branch with eyes and hands."""

    def __init__(self, room: Room, branch: Branch):
        self.room = room
        self.branch = branch
        self.draw = room.draw

    # What is seen.

    def content(self, key: tuple[str, str]) -> dict[str, Any]:
        found = self.branch.state.get(key)
        return found.event.content if found else {}

    def membership(self, user: str) -> str:
        return self.content(member(user)).get("membership", "leave")

    def having(self, *memberships: str) -> list[str]:
        return [user for user in USERS if self.membership(user) in memberships]

    def creators(self) -> list[str]:
        """Who cannot lose power, in v12."""
        if self.room.number < 12:
            return []
        create = self.branch.state[CREATE].event
        return [create.sender, *create.content.get("additional_creators", [])]

    def level(self, user: str) -> int:
        if user in self.creators():
            return 10**6
        if POWER not in self.branch.state:
            return 100 if user == CREATOR else 0
        levels = self.content(POWER)
        return int(levels.get("users", {}).get(user, levels.get("users_default", 0)))

    def strong(self) -> list[str]:
        """Those in the room, who can do more come first."""
        return sorted(self.having("join"), key=lambda user: -self.level(user))

    def below(self, user: str, *memberships: str) -> list[str]:
        """Others with less power."""
        return [
            other
            for other in self.having(*memberships)
            if other != user and self.level(other) < self.level(user)
        ]

    # What is done.

    def send(self, words: str, kind: str, sender: str, content: dict[str, Any], key: str = "", **more: Any):
        draft = Draft(kind, sender, content, key, **more)
        return self.room.append(self.branch, draft, f"{short(sender)} {words}")

    def _member(self, words: str, sender: str, target: str, membership: str, **content: Any) -> bool:
        content = {"membership": membership, **content}
        return self.send(words, "m.room.member", sender, content, target)

    def join(self, user: str) -> bool:
        return self._member("joins", user, user, "join", displayname=f"{self.draw.number(0, 9999)}")

    def join_by(self, user: str, authoriser: str) -> bool:
        """A restricted join, signed by the server of a member."""
        content = {"membership": "join", "join_authorised_via_users_server": authoriser}
        return self.send(
            f"joins by {short(authoriser)}",
            "m.room.member",
            user,
            content,
            user,
            signers={server_of(authoriser)},
        )

    def leave(self, user: str) -> bool:
        return self._member("leaves", user, user, "leave")

    def knock(self, user: str) -> bool:
        return self._member("knocks", user, user, "knock")

    def invite(self, sender: str, target: str) -> bool:
        return self._member(f"invites {short(target)}", sender, target, "invite")

    def kick(self, sender: str, target: str) -> bool:
        """Or an unban, if the target is banned."""
        return self._member(f"sends {short(target)} away", sender, target, "leave")

    def ban(self, sender: str, target: str) -> bool:
        return self._member(f"bans {short(target)}", sender, target, "ban")

    def join_rule(self, sender: str, rule: str, key: str = "") -> bool:
        content: dict[str, Any] = {"join_rule": rule}
        if "restricted" in rule:
            content["allow"] = [{"type": "m.room_membership", "room_id": "!elsewhere:one.example"}]
        if self.draw.chance(30):
            content["note"] = self.draw.number(0, 9999)
        return self.send(f"sets the join rule {rule}", "m.room.join_rules", sender, content, key)

    def levels(self, sender: str, words: str = "sets levels", **changes: Any) -> bool:
        """New power levels: the old ones with changes; `users` and `events` are added to what is there."""
        content = copy.deepcopy(dict(self.content(POWER)))
        if POWER not in self.branch.state:
            content = self.first_levels()
        for name, value in changes.items():
            if isinstance(value, dict):
                content[name] = {**_plain(content.get(name, {})), **value}
            else:
                content[name] = value
        content["note"] = self.draw.number(0, 9999)
        return self.send(words, POWER[0], sender, _plain(content))

    def first_levels(self) -> dict[str, Any]:
        return {"users": {} if self.room.number == 12 else {CREATOR: 100}}

    def set_level(self, sender: str, target: str, level: int) -> bool:
        words = f"makes {short(target)} {level}"
        return target not in self.creators() and self.levels(sender, words, users={target: self.form(level)})

    def state(self, sender: str, kind: str, key: str = "", **more: Any) -> bool:
        content = {kind.rpartition(".")[2]: f"{self.draw.number(0, 9999)}"}
        if kind == "m.room.aliases":
            key, content = server_of(sender), {"aliases": []}
        if key == "@":
            key = sender
        return self.send(f"sets {kind.rpartition('.')[2]} {key}".rstrip(), kind, sender, content, key, **more)

    def form(self, level: int) -> Any:
        """A level, sometimes as text or with a fraction where the version has that."""
        if self.draw.chance(80):
            return level
        return Levels(self.draw, self.room.number, self.creators()).value(level)

    def rules(self) -> list[str]:
        """The join rules of this version."""
        rules = ["public", "public", "invite", "invite", "private"]
        if self.room.number >= 7:
            rules.append("knock")
        if self.room.number >= 8:
            rules += ["restricted", "restricted"]
        if self.room.number >= 10:
            rules.append("knock_restricted")
        return rules

    def rule(self) -> str:
        return self.content(RULES).get("join_rule", "invite")


def _plain(content: Any) -> Any:
    """A copy that is a dict all through; Synapse's contents are frozen."""
    if hasattr(content, "items"):
        return {name: _plain(value) for name, value in content.items()}
    return content
