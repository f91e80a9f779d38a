"""Prints shamir.json. Shamir's sharing over GF(2^16), written from the definition, with nothing in
common with packages/crypto: python3 test/vectors/v1/shamir.py > test/vectors/v1/shamir.json"""
import hashlib
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
    for _ in range(exponent):
        result = times(result, a)
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


A = case("two of three", bytes(range(32)), 2, [1, 2, 3])
S, T = A["shares"][0], A["shares"][1]
print(
    json.dumps(
        {
            "source": "shamir.py in this folder. `random` is what the generator gives, 32 bytes for each "
            "coefficient from x^1 up; symbols are 16 bits, little-endian.",
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
