"""Prints shamir.json. Shamir's sharing over GF(2^16), written from the definition, with nothing in
common with packages/crypto: python3 test/vectors/v1/shamir.py > test/vectors/v1/shamir.json"""
import hashlib
import itertools
import json

POLYNOMIAL = 0x1100B  # x^16 + x^12 + x^3 + x + 1


def times(a, b):
    product = 0
    for bit in range(16):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(30, 15, -1):
        if product >> bit & 1:
            product ^= POLYNOMIAL << (bit - 16)
    return product


def power(a, exponent):
    result = 1
    for bit in range(exponent.bit_length()):
        if exponent >> bit & 1:
            result = times(result, a)
        a = times(a, a)
    return result


def symbols(data):
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]


def evaluate(coefficients, x):
    share = b""
    for column in zip(*map(symbols, coefficients)):
        value = 0
        for degree, coefficient in enumerate(column):
            value ^= times(coefficient, power(x, degree))
        share += value.to_bytes(2, "little")
    return share


def case(name, secret, t, xs):
    random = b"".join(hashlib.sha256(f"{name} {i}".encode()).digest() for i in range(1, t))
    coefficients = [secret] + [random[i : i + 32] for i in range(0, len(random), 32)]
    return {
        "name": name,
        "secret": secret.hex(),
        "t": t,
        "random": random.hex(),
        "shares": [{"x": x, "share": evaluate(coefficients, x).hex()} for x in xs],
    }


def value_at(shares, x):
    """The polynomial through these shares at x, by Lagrange."""
    total = [0] * 16
    for xi, yi in shares:
        weight = 1
        for xj, _ in shares:
            if xj != xi:
                weight = times(weight, times(x ^ xj, power(xi ^ xj, 2**16 - 2)))
        total = [a ^ times(weight, b) for a, b in zip(total, yi)]
    return total


def decoded(shares, t):
    """What decoding must give, by exhaustion: the secret on which all but (r - t) // 2 shares agree."""
    held = [(s["x"], symbols(bytes.fromhex(s["share"]))) for s in shares]
    radius = (len(held) - t) // 2
    for basis in itertools.combinations(held, t):
        wrong = [x for x, y in held if value_at(basis, x) != y]
        if len(wrong) <= radius:
            secret = b"".join(v.to_bytes(2, "little") for v in value_at(basis, 0))
            return {"secret": secret.hex(), "wrong": sorted(wrong)}
    return {"secret": None, "wrong": None}


def decode_case(name, source, changes, count=None):
    """`changes`: x to (symbol, bits to flip) pairs; `count`: how many shares are held."""
    shares = []
    for share in source["shares"][:count]:
        values = symbols(bytes.fromhex(share["share"]))
        for symbol, bits in changes.get(share["x"], []):
            values[symbol] ^= bits
        data = b"".join(v.to_bytes(2, "little") for v in values)
        shares.append({"x": share["x"], "share": data.hex()})
    return {"name": name, "t": source["t"], "shares": shares, **decoded(shares, source["t"])}


def mixed(name, one, other, from_other):
    """The shares of two secrets in one list."""
    pairs = zip(one["shares"], other["shares"])
    shares = [b if b["x"] in from_other else a for a, b in pairs]
    return {"name": name, "t": one["t"], "shares": shares, **decoded(shares, one["t"])}


A = case("two of three", bytes(range(32)), 2, [1, 2, 3])
EVERY = [(symbol, 257 * symbol + 1) for symbol in range(16)]
D = case("decode", hashlib.sha256(b"decode").digest(), 3, [9, 65535, 2, 300, 1, 4096, 77, 8])
E = case("decode, another secret", hashlib.sha256(b"another").digest(), 3, [9, 65535, 2, 300, 1, 4096, 77, 8])
S, T = A["shares"][0], A["shares"][1]
print(
    json.dumps(
        {
            "source": "shamir.py in this folder. `random` is what the generator gives, 32 bytes for each "
            "coefficient from x^1 up; symbols are 16 bits, little-endian. decodeCases: `wrong` are the x of the "
            "wrong shares, at most half of those beyond t; null where no secret has so few wrong shares.",
            "products": [
                {"a": a, "b": b, "product": times(a, b)}
                for a, b in [(0, 5), (1, 65535), (2, 32768), (32768, 32768), (4660, 22136), (65535, 65535)]
            ],
            "cases": [
                A,
                case("five of eight, far indices", hashlib.sha256(b"secret").digest(), 5,
                     [1, 2, 7, 255, 256, 4097, 32768, 65535]),
                case("all of four, zero secret", bytes(32), 4, [4, 3, 2, 1]),
                case("all ones", bytes([255] * 32), 3, [1000, 1001, 1002, 1003]),
            ],
            "decodeCases": [
                decode_case("all true", D, {}),
                decode_case("one wrong, every symbol", D, {300: EVERY}),
                decode_case("two wrong, every symbol, the first shares", D, {9: EVERY, 65535: EVERY}),
                decode_case("two wrong, one bit each, different symbols", D,
                            {8: [(0, 1)], 2: [(15, 0x8000)]}),
                decode_case("two wrong by the same amount", D, {1: [(7, 0xFFFF)], 77: [(7, 0xFFFF)]}),
                decode_case("three wrong, every symbol: beyond the radius", D,
                            {9: EVERY, 2: EVERY, 4096: EVERY}),
                decode_case("three wrong, each symbol within the radius: beyond it together", D,
                            {9: [(0, 1)], 2: [(5, 1)], 4096: [(11, 1)]}),
                mixed("three wrong of two secrets", D, E, [9, 2, 4096]),
                mixed("six wrong that agree: the other secret", D, E, [9, 65535, 2, 300, 1, 4096]),
                decode_case("seven shares, two wrong", D, {65535: EVERY, 300: EVERY}, 7),
                decode_case("six shares, two wrong: beyond the radius", D, {65535: EVERY, 300: EVERY}, 6),
                decode_case("t + 1 shares, one wrong: seen, not corrected", D, {2: [(3, 2)]}, 4),
                decode_case("t shares, one wrong: not seen", D, {2: [(3, 2)]}, 3),
            ],
            "splitRefused": [
                {"secretBytes": 31, "t": 2, "xs": [1, 2], "code": "shamir-length"},
                {"secretBytes": 33, "t": 2, "xs": [1, 2], "code": "shamir-length"},
                {"secretBytes": 32, "t": 1, "xs": [1, 2], "code": "shamir-threshold"},
                {"secretBytes": 32, "t": 3, "xs": [1, 2], "code": "shamir-threshold"},
                {"secretBytes": 32, "t": 2.5, "xs": [1, 2, 3], "code": "shamir-threshold"},
                {"secretBytes": 32, "t": 2, "xs": [0, 1], "code": "shamir-index"},
                {"secretBytes": 32, "t": 2, "xs": [1, 65536], "code": "shamir-index"},
                {"secretBytes": 32, "t": 2, "xs": [1, -1], "code": "shamir-index"},
                {"secretBytes": 32, "t": 2, "xs": [1, 1.5], "code": "shamir-index"},
                {"secretBytes": 32, "t": 2, "xs": [7, 8, 7], "code": "shamir-index-repeated"},
            ],
            "recoverRefused": [
                {"name": "too few", "t": 2, "shares": [S], "code": "shamir-too-few"},
                {"name": "none", "t": 2, "shares": [], "code": "shamir-too-few"},
                {"name": "threshold 1", "t": 1, "shares": [S, T], "code": "shamir-threshold"},
                {"name": "repeated x", "t": 2, "shares": [S, S], "code": "shamir-index-repeated"},
                {"name": "repeated x beyond the first t", "t": 2, "shares": [S, T, S],
                 "code": "shamir-index-repeated"},
                {"name": "x = 0", "t": 2, "shares": [S, {"x": 0, "share": T["share"]}],
                 "code": "shamir-index"},
                {"name": "x = 65536", "t": 2, "shares": [S, {"x": 65536, "share": T["share"]}],
                 "code": "shamir-index"},
                {"name": "short share", "t": 2, "shares": [S, {"x": 2, "share": T["share"][2:]}],
                 "code": "shamir-length"},
            ],
        },
        indent=2,
    )
)
