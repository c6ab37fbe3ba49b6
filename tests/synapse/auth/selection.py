"""The auth events selection of the server-server API, sentence by sentence.

Spec: https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
"""

from plan import CREATE, POWER, RULES, Draft, Key, member


def selected(draft: Draft, version: int) -> list[Key]:
    """The keys of the state that belong into `auth_events`, each once."""
    keys: list[Key] = []

    def add(kind: str, state_key: object) -> None:
        # A field of the wrong type names nothing.
        if isinstance(state_key, str) and (kind, state_key) not in keys:
            keys.append((kind, state_key))

    if draft.type == "m.room.create":
        return keys
    if version < 12:
        add(*CREATE)
    add(*POWER)
    add(*member(draft.sender))
    if draft.type == "m.room.member":
        membership = draft.content.get("membership")
        add(*member(draft.state_key))
        if membership in ("join", "invite", "knock"):
            add(*RULES)
        if membership == "invite" and "third_party_invite" in draft.content:
            add("m.room.third_party_invite", _token(draft.content["third_party_invite"]))
        if membership == "join" and version >= 8:
            add("m.room.member", draft.content.get("join_authorised_via_users_server"))
    return keys


def _token(invite: object) -> object:
    signed = invite.get("signed") if isinstance(invite, dict) else None
    return signed.get("token") if isinstance(signed, dict) else None
