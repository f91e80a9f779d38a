"""Bitmaps and packed lanes (sections 2.2, 3.4), Shamir's scheme (5.3), the RFC 6962 tree (5.2)."""
from fields import Refused, invalid
from suite import sha256

REDUCTION = 0x1100B  # x^16 + x^12 + x^3 + x + 1


def bitmap(members, n):
    bits = sum(1 << i for i in members)
    return bits.to_bytes(-(-n // 8), 'little')


def parse_bitmap(data, n):
    bits = int.from_bytes(data, 'little')
    if len(data) != -(-n // 8) or bits >> n:
        invalid()
    return [i for i in range(n) if bits >> i & 1]


def pack(lanes, widths):
    bits = offset = 0
    for lane, width in zip(lanes, widths, strict=True):
        bits |= lane % 2**width << offset
        offset += width
    return bits.to_bytes(-(-offset // 8), 'little')


def unpack(data, widths):
    bits, lanes = int.from_bytes(data, 'little'), []
    if len(data) != -(-sum(widths) // 8) or bits >> sum(widths):
        invalid()
    for width in widths:
        lanes.append(bits % 2**width)
        bits >>= width
    return lanes


def gf_product(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a, b = a << 1, b >> 1
        if a >> 16:
            a ^= REDUCTION
    return product


def gf_inverse(a):
    result = 1
    for _ in range(15):  # a^(2^16 − 2): the product of a^2, a^4 … a^(2^15)
        a = gf_product(a, a)
        result = gf_product(result, a)
    return result


def symbols(secret):
    if len(secret) != 32:
        raise Refused('shamir-length')
    return [int.from_bytes(secret[i:i + 2], 'little') for i in range(0, 32, 2)]


def octets_of(values):
    return b''.join(value.to_bytes(2, 'little') for value in values)


def check_indices(xs):
    if not all(isinstance(x, int) and 1 <= x <= 65535 for x in xs):
        raise Refused('shamir-index')
    if len(set(xs)) != len(xs):
        raise Refused('shamir-index-repeated')


def split(secret, t, xs, random):
    """Shares in the order of xs; `random`: the coefficients of x^1 … x^(t−1), 32 bytes each."""
    constant = symbols(secret)
    if not isinstance(t, int) or not 2 <= t <= len(xs):
        raise Refused('shamir-threshold')
    check_indices(xs)
    rows = [constant] + [symbols(random[32 * i:32 * i + 32]) for i in range(t - 1)]

    def share_at(x):
        values = [0] * 16
        for row in reversed(rows):
            values = [gf_product(value, x) ^ symbol for value, symbol in zip(values, row)]
        return octets_of(values)
    return [share_at(x) for x in xs]


def recover(shares, t):
    """The secret from (x, share) pairs, by Lagrange's interpolation at zero over the first t."""
    xs = [x for x, _ in shares]
    if t < 2:
        raise Refused('shamir-threshold')
    if len(shares) < t:
        raise Refused('shamir-too-few')
    check_indices(xs)
    values = [0] * 16
    for i in range(t):
        weight = 1
        for j in range(t):
            if j != i:
                weight = gf_product(weight, gf_product(xs[j], gf_inverse(xs[j] ^ xs[i])))
        for at, symbol in enumerate(symbols(shares[i][1])):
            values[at] ^= gf_product(weight, symbol)
    return octets_of(values)


def tree_root(leaves):
    if len(leaves) < 2:
        return sha256(b'\0' + leaves[0]) if leaves else sha256(b'')
    cut = left_size(len(leaves))
    return sha256(b'\1' + tree_root(leaves[:cut]) + tree_root(leaves[cut:]))


def tree_path(leaves, index):
    if len(leaves) < 2:
        return []
    cut = left_size(len(leaves))
    if index < cut:
        return tree_path(leaves[:cut], index) + [tree_root(leaves[cut:])]
    return tree_path(leaves[cut:], index - cut) + [tree_root(leaves[:cut])]


def root_from_path(leaf, index, size, path):
    """The root a path leads to, or None where its length is not that of the leaf's place."""
    if size == 1:
        return None if path else sha256(b'\0' + leaf)
    if not path:
        return None
    cut = left_size(size)
    if index < cut:
        left, right = root_from_path(leaf, index, cut, path[:-1]), path[-1]
    else:
        left, right = path[-1], root_from_path(leaf, index - cut, size - cut, path[:-1])
    return sha256(b'\1' + left + right) if left and right else None


def left_size(size):
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1
