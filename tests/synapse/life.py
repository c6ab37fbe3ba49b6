"""The life of a room, played through the client API of two Synapses.

First server B is outside, so that what its users do travels by the handshakes
(invite, make_leave, make_knock, make_join); then it joins and events flow both ways.
"""

import threading
from functools import partial

from client import User, wait_until
from servers import World


class People:
    """The users of both servers. They outlive the rooms: one set serves all versions."""

    def __init__(self, world: World):
        self.alice = world.a.register("alice")  # creates every room
        self.andy = world.a.register("andy")
        self.anna = world.a.register("anna")
        self.bob = world.b.register("bob")  # stays in the room, so B keeps receiving
        self.beth = world.b.register("beth")
        self.bill = world.b.register("bill")


class Life:
    def __init__(self, world: World, people: People, version: str):
        self.world = world
        self.version = version
        self.people = people
        self.can_knock = int(version) >= 7
        self.has_restricted = int(version) >= 8
        self.has_knock_restricted = int(version) >= 10
        self.has_creators = int(version) >= 12  # the creator's power is above every level
        self.room = ""
        self.gate = ""

    def play(self) -> str:
        """Plays everything but the end; returns the room's id."""
        self.create()
        self.invite_and_decline()
        if self.can_knock:
            self.knock_from_outside()
        if self.has_restricted:
            self.restricted_join_from_outside()
        self.everybody_joins()
        self.power_levels()
        self.conversation()
        self.redactions()
        self.kick_and_ban()
        self.server_acl()
        self.profile_change()
        if self.has_knock_restricted:
            self.join_rule_knock_restricted()
        self.topics_at_the_same_time()
        return self.room

    def end(self) -> None:
        """The upgrade: a tombstone, and power levels that silence the old room."""
        self.people.alice.upgrade(self.room, self.version)
        alice = self.people.alice
        tombstone = wait_until("the tombstone", lambda: alice.state_event(self.room, "m.room.tombstone"))
        self.reaches_both(tombstone["event_id"])

    # One method a chapter, in the order played.

    def create(self) -> None:
        alice, andy = self.people.alice, self.people.andy
        creation_content = {"additional_creators": [andy.id]} if self.has_creators else {}
        self.room = alice.create_room(
            room_version=self.version,
            preset="private_chat",
            name=f"a room of version {self.version}",
            topic="its life",
            creation_content=creation_content,
        )

    def invite_and_decline(self) -> None:
        alice, beth, anna = self.people.alice, self.people.beth, self.people.anna
        alice.invite(self.room, beth)
        wait_until("the invite at B", lambda: beth.is_invited_to(self.room))
        beth.leave(self.room)
        self.membership_at_a(beth, "leave")
        alice.invite(self.room, anna)
        anna.leave(self.room)

    def knock_from_outside(self) -> None:
        alice, andy, beth, bill = (self.people.alice, self.people.andy, self.people.beth, self.people.bill)
        self.join_rule({"join_rule": "knock"})
        # Retracted, by a user of A: B's Synapse would only forget its knock and tell nobody.
        andy.knock(self.room)
        andy.leave(self.room)
        beth.knock(self.room, via=self.world.a.name)
        self.membership_at_a(beth, "knock")
        alice.kick(self.room, beth)  # refused
        bill.knock(self.room, via=self.world.a.name)
        self.membership_at_a(bill, "knock")
        alice.invite(self.room, bill)  # answered
        wait_until("the invite at B", lambda: bill.is_invited_to(self.room))
        bill.join(self.room, via=self.world.a.name)
        self.membership_at_a(bill, "join")
        bill.leave(self.room)
        self.membership_at_a(bill, "leave")

    def restricted_join_from_outside(self) -> None:
        """B joins because its user is in the gate; A vouches with a second signature."""
        alice, beth = self.people.alice, self.people.beth
        self.gate = alice.create_room(room_version=self.version, preset="public_chat", name="the gate")
        beth.join(self.gate, via=self.world.a.name)
        wait_until("beth in the gate", lambda: alice.state_event(self.gate, "m.room.member", beth.id))
        self.join_rule(self.behind_the_gate("restricted"))
        beth.join(self.room, via=self.world.a.name)
        self.membership_at_a(beth, "join")
        beth.leave(self.room)
        self.membership_at_a(beth, "leave")

    def everybody_joins(self) -> None:
        alice, andy, bob, beth = (self.people.alice, self.people.andy, self.people.bob, self.people.beth)
        self.join_rule({"join_rule": "public"})
        andy.join(self.room)
        bob.join(self.room, via=self.world.a.name)
        self.membership_at_both(bob, "join")
        beth.join(self.room)  # B is in the room now and needs nobody's help
        self.membership_at_both(beth, "join")
        alice.invite(self.room, self.people.anna)
        self.people.anna.join(self.room)
        self.membership_at_both(self.people.anna, "join")

    def power_levels(self) -> None:
        content = dict(self.people.alice.state_event(self.room, "m.room.power_levels")["content"])
        content["users"] = {**content.get("users", {}), self.people.bob.id: 50}
        content["events"] = {**content.get("events", {}), "m.room.topic": 40}
        content["notifications"] = {"room": 20}
        self.set_state(self.people.alice, "m.room.power_levels", content)

    def conversation(self) -> None:
        alice, andy, bob, beth = (self.people.alice, self.people.andy, self.people.bob, self.people.beth)
        for user, text in ((alice, "hello"), (bob, "hello from B"), (andy, 'é € 𝄞 \u2028 \\ " \x7f')):
            self.say(user, text)
        self.say(beth, "numbers", numbers=[0, -1, 2**53 - 1, -(2**53) + 1, {"b": None, "a": [True, False]}])
        self.set_state(bob, "m.room.topic", {"topic": "set from B"})
        self.set_state(alice, "org.example.note", {"text": "a state key of its own"}, "a note")

    def redactions(self) -> None:
        alice, bob, beth = self.people.alice, self.people.bob, self.people.beth
        for author, redactor in ((beth, beth), (beth, bob), (bob, alice)):
            said = self.say(author, "to be redacted")
            self.reaches_both(redactor.redact(self.room, said))

    def kick_and_ban(self) -> None:
        alice, bob, beth, andy = (self.people.alice, self.people.bob, self.people.beth, self.people.andy)
        alice.kick(self.room, beth)
        self.membership_at_both(beth, "leave")
        beth.join(self.room)
        self.membership_at_both(beth, "join")
        alice.ban(self.room, beth.id)
        self.membership_at_both(beth, "ban")
        alice.unban(self.room, beth)
        self.membership_at_both(beth, "leave")
        bob.invite(self.room, beth)
        self.membership_at_both(beth, "invite")
        beth.join(self.room)
        self.membership_at_both(beth, "join")
        alice.ban(self.room, "@nobody:example.org")  # who has never been here
        andy.leave(self.room)
        self.membership_at_both(andy, "leave")

    def server_acl(self) -> None:
        content = {"allow": ["*"], "deny": ["*.example.net"], "allow_ip_literals": True}
        self.set_state(self.people.alice, "m.room.server_acl", content)

    def profile_change(self) -> None:
        beth = self.people.beth
        name = f"Beth of {self.version}"
        beth.set_display_name(name)
        wait_until(
            "beth's new name at A",
            lambda: self.member(self.people.alice, beth).get("content", {}).get("displayname") == name,
        )

    def join_rule_knock_restricted(self) -> None:
        andy, alice = self.people.andy, self.people.alice
        self.join_rule(self.behind_the_gate("knock_restricted"))
        andy.join(self.gate)
        andy.join(self.room)
        self.membership_at_both(andy, "join")
        self.join_rule({"join_rule": "public"})
        alice.say(self.room, "open again")

    def topics_at_the_same_time(self) -> None:
        """A fork, most times: both servers set the topic without knowing of the other's."""
        sent: list[str] = []

        def set_topics(user: User) -> None:
            for number in range(3):
                topic = {"topic": f"{user.id} {number}"}
                sent.append(user.set_state(self.room, "m.room.topic", topic))

        threads = [
            threading.Thread(target=set_topics, args=(user,)) for user in (self.people.alice, self.people.bob)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for event_id in sent:
            self.reaches_both(event_id)
        self.say(self.people.alice, "merged")

    # What the chapters are told with.

    def behind_the_gate(self, join_rule: str) -> dict:
        return {"join_rule": join_rule, "allow": [{"type": "m.room_membership", "room_id": self.gate}]}

    def join_rule(self, content: dict) -> None:
        self.people.alice.set_state(self.room, "m.room.join_rules", content)

    def set_state(self, user: User, event_type: str, content: dict, state_key: str = "") -> None:
        self.reaches_both(user.set_state(self.room, event_type, content, state_key))

    def say(self, user: User, text: str, **more) -> str:
        event_id = user.say(self.room, text, **more)
        self.reaches_both(event_id)
        return event_id

    def reaches_both(self, event_id: str) -> None:
        for witness in (self.people.alice, self.people.bob):
            wait_until(f"{event_id} at {witness.id}", partial(witness.sees, self.room, event_id))

    def member(self, witness: User, user: User) -> dict:
        return witness.state_event(self.room, "m.room.member", user.id) or {}

    def membership_at_a(self, user: User, wanted: str) -> None:
        self._membership(self.people.alice, user, wanted)

    def membership_at_both(self, user: User, wanted: str) -> None:
        for witness in (self.people.alice, self.people.bob):
            self._membership(witness, user, wanted)

    def _membership(self, witness: User, user: User, wanted: str) -> None:
        def has_it() -> bool:
            return self.member(witness, user).get("content", {}).get("membership") == wanted

        wait_until(f"{user.id} «{wanted}» at {witness.id}", has_it)
