"""Changes of power levels: one's own, a peer's, a higher one's; and those that are none."""

from typing import Any

from levels import SCALARS, TYPES
from names import USERS
from plan import ABSENT, Draft, Plan

TYPE = "m.room.power_levels"


def change(plan: Plan) -> Draft:
    draw = plan.draw
    plan.tell("power levels")
    sender = draw.pick(plan.joined() or USERS) if draw.chance(90) else draw.pick(USERS)
    _empower(plan, sender)
    if draw.chance(5):
        plan.spoil_level("events", "notifications", "ban", "state_default")
    current = plan.level_content()
    if current is None or draw.chance(8):
        plan.tell("new" if current is None else "made anew")
        content = plan.levels().content()
    else:
        content = {name: dict(value) if isinstance(value, dict) else value for name, value in current.items()}
        for _ in range(draw.weighted({0: 5, 1: 65, 2: 20, 3: 10})):
            _alter(plan, content, sender)
    if plan.number == 12 and draw.chance(12) and isinstance(content.get("users", {}), dict):
        content.setdefault("users", {})[draw.pick(plan.creators())] = draw.pick((100, 0))
        plan.tell("a level for a creator")
    state_key: Any = draw.weighted({"": 96, "other": 1, sender: 1, ABSENT: 2})
    if state_key != "":
        plan.tell("not the room's")
    return Draft(TYPE, sender, content, state_key)


def _empower(plan: Plan, sender: str) -> None:
    """Mostly, the sender may send power levels at all."""
    draw, current = plan.draw, plan.level_content()
    if current is None or not isinstance(current.get("users"), dict) or draw.chance(25):
        return
    if sender in plan.creators():
        return
    level = draw.pick((50, 50, 75, 100))
    current["users"][sender] = plan.levels().value(level)
    if draw.chance(60):
        current["state_default"] = plan.levels().value(draw.pick((0, 25, 50)))
    if draw.chance(80) and isinstance(current.get("events"), dict):
        current["events"].pop(TYPE, None)


def _alter(plan: Plan, content: dict[str, Any], sender: str) -> None:
    draw, levels = plan.draw, plan.levels()
    what = draw.weighted(
        {
            "own": 15,
            "user": 30,
            "scalar": 20,
            "events": 20,
            "notifications": 13,
            "form": 8,
            "odd": 12,
            "drop": 5,
        }
    )
    if what == "own" or what == "user":
        user = sender if what == "own" else draw.pick(USERS)
        if user not in plan.creators():
            plan.tell("own level" if user == sender else "another's level")
            _put(plan, content, "users", user)
    elif what == "scalar":
        name = draw.pick(SCALARS)
        plan.tell(name)
        if name in content and draw.chance(30):
            del content[name]
        else:
            content[name] = levels.level()
    elif what == "events":
        plan.tell("events")
        listed = sorted(content["events"]) if isinstance(content.get("events"), dict) else []
        _put(plan, content, "events", draw.pick(listed if listed and draw.chance(50) else TYPES))
    elif what == "notifications":
        plan.tell("notifications")
        _put(plan, content, "notifications", draw.pick(("room", "room", "other")))
    elif what == "form":
        plan.tell("other forms")
        _rewrite(plan, content)
    elif what == "odd" and draw.chance(20):
        name = draw.pick(("events", "notifications"))
        content[name] = draw.pick(([], ""))
        plan.tell(f"empty {name}")
    elif what == "odd":
        plan.tell(levels.spoil(content))
    elif content:
        name = draw.pick(sorted(content))
        plan.tell(f"without {name}")
        del content[name]


def _put(plan: Plan, content: dict[str, Any], place: str, name: str) -> None:
    """Sets or removes one entry."""
    inside = content.get(place)
    if not isinstance(inside, dict):
        inside = content[place] = {}
    if name in inside and plan.draw.chance(30):
        del inside[name]
    else:
        inside[name] = plan.levels().level()


def _rewrite(plan: Plan, content: dict[str, Any]) -> None:
    """The same levels written otherwise: `50`, `"50"`, `50.5`."""
    for place in (content, *(value for value in content.values() if isinstance(value, dict))):
        for name, value in place.items():
            if type(value) is int:
                place[name] = plan.levels().value(value)
