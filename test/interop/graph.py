"""Round tables drawn from a seed (section 4.2)."""
from fields import Refused
from suite import key_stream, labelled, sha256


def key_of(seed):
    return sha256(labelled('onlysum/1 graph', seed))


def words(key):
    length, at = 1 << 14, 0
    while True:
        stream = key_stream(key, length)
        for at in range(at, length, 4):
            yield int.from_bytes(stream[at:at + 4], 'little')
        at, length = length, 2 * length


def draws(stream):
    def draw(m):
        word = next(stream)
        while word >= 2**32 - 2**32 % m:
            word = next(stream)
        return word % m
    return draw


def tables(n, count, draw):
    """Section 4.2: the orders of the tables."""
    met, seated = [set() for _ in range(n)], []
    for _ in range(count):
        order = list(range(n))
        for _ in range(1000):
            for i in range(n - 1, 0, -1):
                swap(order, i, draw(i + 1))
            if all(mend(order, p, met, draw) for p in range(n)):
                break
        else:
            raise Refused('internal')
        for p, one in enumerate(order):
            other = order[(p + 1) % n]
            met[one].add(other)
            met[other].add(one)
        seated.append(order)
    return seated, [sorted(others) for others in met]


def mend(order, p, met, draw):
    n = len(order)

    def clashes(seat):
        return order[(seat + 1) % n] in met[order[seat]]
    if not clashes(p):
        return True
    q = (p + 1) % n
    for _ in range(100):
        r = draw(n)
        if r in (p, q):
            continue
        swap(order, q, r)
        if not any(clashes(seat % n) for seat in (p, q, r - 1, r)):
            return True
        swap(order, q, r)
    return False


def swap(order, a, b):
    order[a], order[b] = order[b], order[a]
