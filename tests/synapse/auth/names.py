"""Who lives in the small world: six users on three servers."""

ONE, TWO, THREE = "one.example", "two.example:8448", "three.example"
SERVERS = (ONE, TWO, THREE)

CREATOR = f"@creator:{ONE}"
ALICE = f"@alice:{ONE}"
BOB = f"@bob:{TWO}"
CAROL = f"@carol:{TWO}"
DAVE = f"@dave:{THREE}"
ERIN = f"@erin:{THREE}"
USERS = (CREATOR, ALICE, BOB, CAROL, DAVE, ERIN)

MEMBERSHIPS = ("join", "invite", "leave", "ban", "knock")
JOIN_RULES = ("public", "invite", "knock", "restricted", "knock_restricted", "private")


def server_of(identifier: str) -> str:
    """What stands behind the first colon."""
    return identifier.partition(":")[2]
