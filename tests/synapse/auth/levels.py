"""Power levels: numbers in every form a room version allows, and in forms it does not."""

from typing import Any

from draw import Draw
from names import ALICE, BOB, CAROL, CREATOR, USERS

SCALARS = ("users_default", "events_default", "state_default", "ban", "redact", "kick", "invite")
TYPES = (
    "m.room.message",
    "m.room.topic",
    "m.room.power_levels",
    "m.room.redaction",
    "m.room.name",
    "m.room.third_party_invite",
    "org.example.custom",
)
NUMBERS = (-10, 0, 0, 10, 25, 49, 50, 50, 51, 75, 99, 100, 100, 101)

# Forms that Python's int() reads and the specification does not have.
ONLY_PYTHON = ("5_0", "1_000", "５０", "٥٠", "\u00a050", "50\u2003", "\x0b50", "50\x85", True, False)
# Forms that nobody reads.
UNREADABLE = (
    "",
    " ",
    "0x32",
    "1e2",
    "1__0",
    "_10",
    "10_",
    "50.0",
    "+ 50",
    "++5",
    "−5",
    "\u200b50",
    "50\x1c",
    "5 0",
    "ten",
)
NO_LEVELS = ([], [50], {}, {"level": 50}, None)


class Levels:
    """Values and contents for one room version."""

    def __init__(self, draw: Draw, version: int, creators: list[str]):
        self.draw = draw
        self.version = version
        self.creators = creators

    def value(self, level: int) -> Any:
        """`level`, in one of the forms of this version."""
        forms = [level]
        if self.version < 10:
            forms += [str(level), f" {level}\t", f"{level:+d}", f"{level:+05d}", f"\n{level:04d} "]
        if self.version < 6 and abs(level) < 2**53:
            away = 0.75 if level >= 0 else -0.75
            forms += [float(level), level + away]
        return level if self.draw.chance(70) else self.draw.pick(forms)

    def odd(self) -> Any:
        """Something that is no level, or none by everybody's reading, or a huge one."""
        if self.version < 10:
            kinds = {"python": ONLY_PYTHON, "unreadable": UNREADABLE, "none": NO_LEVELS, "huge": self.huge()}
            return self.draw.pick(
                kinds[self.draw.weighted({"python": 4, "unreadable": 3, "none": 3, "huge": 3})]
            )
        return self.draw.pick(("50", " +7 ", True, False, "1_000", *NO_LEVELS, *self.huge()))

    def huge(self) -> tuple[Any, ...]:
        numbers: tuple[Any, ...] = (2**53 - 1, 1 - 2**53)
        if self.version < 6:
            numbers += (
                2**53,
                2**63,
                -(2**63) - 1,
                2**64,
                10**30,
                -(10**40),
                10**400,
                1e17,
                1e300,
                -1e300,
                1e-300,
            )
        if self.version < 10:
            numbers += (str(2**63), "9" * 40, "-" + "9" * 400, "0" * 200 + "50")
        return numbers

    def level(self) -> Any:
        return self.value(self.draw.pick(NUMBERS))

    def users(self) -> dict[str, Any]:
        draw = self.draw
        users = {CREATOR: self.value(100)}
        for user in USERS[1:]:
            if draw.chance(55 if user in (ALICE, BOB, CAROL) else 25):
                users[user] = self.level()
        if draw.chance(10):
            del users[CREATOR]
        return {user: level for user, level in users.items() if user not in self.creators}

    def content(self) -> dict[str, Any]:
        """What stands in a room's power levels event."""
        draw = self.draw
        content: dict[str, Any] = {}
        if draw.chance(95):
            content["users"] = self.users()
        for scalar in SCALARS:
            if draw.chance(30):
                content[scalar] = self.value(draw.pick((0, 0, 10, 50, 50, 75, 100)))
        if draw.chance(50):
            content["events"] = {kind: self.level() for kind in draw.some(TYPES, draw.number(0, 4))}
        if draw.chance(45):
            content["notifications"] = {"room": self.level()}
        if draw.chance(11):
            self.spoil(content)
        return content

    def spoil(self, content: dict[str, Any]) -> str:
        """Puts something odd into a power levels content; says where."""
        draw = self.draw
        place = draw.weighted({"scalar": 45, "users": 25, "events": 15, "notifications": 7, "whole": 12})
        if place == "scalar":
            name = draw.pick(SCALARS)
            content[name] = None if draw.chance(12) else self.odd()
            return f"{name} {_short(content[name])}"
        if place == "whole":
            name = draw.pick(("users", "events", "notifications"))
            content[name] = draw.pick(([], None, "none", 50, [50], ""))
            return f"{name} {_short(content[name])}"
        inside = content.get(place)
        if not isinstance(inside, dict):
            inside = content[place] = {}
        else:
            inside = content[place] = dict(inside)
        name = {"users": draw.pick(USERS), "events": draw.pick(TYPES), "notifications": "room"}[place]
        if place == "users" and draw.chance(25):
            name = draw.pick(
                (
                    "@:one.example",
                    "@odd:",
                    "@odd:*",
                    "@odd:two words",
                    "@odd",
                    "odd:one.example",
                    "",
                    "@odd:one.example:0x1f",
                )
            )
            inside[name] = 50
            return f"a level for {name!r}"
        if name in self.creators:
            name = "@other:one.example"
        inside[name] = self.odd()
        return f"{place} {name} {_short(inside[name])}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 30 else text[:27] + "…"
