"""What can happen in a room, each kind of event in a file of its own.

A scenario is given the plan of a room. It may change the plan, and returns the draft of the event
to be judged.
"""

from collections.abc import Callable

from draw import Draw
from plan import Draft, Plan

from . import creates, membership, messages, power, third_party

Scenario = Callable[[Plan], Draft]


def chosen(draw: Draw, version: int) -> Scenario:
    weights: dict[Scenario, int] = {
        membership.transition: 34,
        membership.first_join: 7,
        membership.restricted_join: 9 if version >= 8 else 2,
        third_party.invite: 11,
        third_party.offer: 4,
        power.change: 22,
        messages.message: 10,
        messages.own_state: 5,
        messages.redaction: 14 if version <= 2 else 3,
        messages.aliases: 5 if version <= 5 else 1,
        creates.create: 12 if version == 12 else 7,
    }
    return draw.weighted(weights)
