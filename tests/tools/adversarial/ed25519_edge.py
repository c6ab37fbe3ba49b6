"""Ed25519 on plain integers, for the signatures and keys that no honest signer makes.

Only to build test data: slow, and nothing here is secret.
"""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def negate(a):
    return -a[0] % P, a[1]


def multiply(n, a):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, a)
        a, n = add(a, a), n >> 1
    return total


def encode(a):
    return (a[1] | (a[0] & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point, taking encodings that are not the shortest one, as dalek does; None when off the curve."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, (number & (2**255 - 1)) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * SQRT_M1 % P
    if v * x * x % P != u:
        return None
    return (-x % P if (x & 1) != sign else x), y


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
TORSION = decode(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
assert multiply(8, TORSION) == (0, 1) != multiply(4, TORSION) and multiply(L, BASE) == (0, 1)


def secret_scalar(seed):
    number = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return number & (2**254 - 8) | 2**254


def challenge(r, public, message):
    return int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % L


def plain_accepts(public, message, signature):
    """dalek's and Go's `verify`: no look at small orders, R compared as bytes."""
    point, s = decode(public), int.from_bytes(signature[32:], "little")
    if point is None or s >= L:
        return False
    k = challenge(signature[:32], public, message)
    return encode(add(multiply(s, BASE), multiply(k, negate(point)))) == signature[:32]


def with_identity_r(seed, public, message):
    """A signature whose R is the neutral element: only the key's holder can make it, `verify` takes it."""
    r = encode((0, 1))
    return r + (challenge(r, public, message) * secret_scalar(seed) % L).to_bytes(32, "little")


def plus_order(signature):
    """The same signature with S + L in place of S."""
    return signature[:32] + (int.from_bytes(signature[32:], "little") + L).to_bytes(32, "little")


def forged_for_identity(message):
    """Accepted by `verify` for the neutral element as public key, whatever the message."""
    return encode(multiply(7, BASE)) + (7).to_bytes(32, "little")


def mixed_key(seed):
    """The public key of a seed with a point of order 8 added: not weak, not quite honest."""
    return encode(add(multiply(secret_scalar(seed), BASE), TORSION))


def mixed_signature(seed, message, clean):
    """Under mixed_key: clean = the torsion part cancels (all accept), else only cofactored verifiers accept."""
    public, secret = mixed_key(seed), secret_scalar(seed)
    for nonce in range(1, 1000):
        r = encode(multiply(nonce, BASE))
        k = challenge(r, public, message)
        if (k % 8 == 0) == clean:
            return r + ((nonce + k * secret) % L).to_bytes(32, "little")
    raise AssertionError("no nonce found")


def small_order_encodings():
    """The 8 small-order points, and their spellings that are not the canonical one."""
    points = {encode(multiply(n, TORSION)) for n in range(8)}
    for y in (0, 1):
        for sign in (0, 1):
            points.add((P + y | sign << 255).to_bytes(32, "little"))
    for y in (1, P - 1):
        points.add((y | 1 << 255).to_bytes(32, "little"))
    return sorted(points)
