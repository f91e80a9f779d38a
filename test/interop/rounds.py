"""What every party of a round derives: sections 4 and 5.2 to 5.4."""
from collections import namedtuple

from fields import Refused
from suite import agree, hkdf, key_stream, labelled, sha256

Parameters = namedtuple('Parameters', 'n k t corrupt dropped')


def graph_parameters(n, assumed):
    """(k, t) of the complete graph, with A and D."""
    corrupt, dropped = -(-assumed['corrupt'] * n // 1000), assumed['dropout'] * n // 1000
    k = n - 1
    t = max(corrupt + 1, k // 2 + 1)
    if t > k - dropped:
        raise Refused('no-graph')
    return Parameters(n, k, t, corrupt, dropped)


class Roster(namedtuple('Roster', 'task_id window incarnation round n k t seed root')):
    """F, without the suite."""

    def statement(self):
        return labelled('onlysum/1 roster', 1, *self)

    def context(self):
        return sha256(labelled('onlysum/1 context', 1, *self))


def roster_leaf(i, c, s, neighbours):
    return labelled('onlysum/1 roster leaf', i, c, s, neighbours)


def channel_key(context, secret, sender, receiver, c_sender, c_receiver, other):
    info = labelled('onlysum/1 channel key', sender, receiver, c_sender, c_receiver)
    return hkdf(agree(secret, other), context, info)


def pair_secret(context, secret, i, j, s_i, s_j):
    (lo, s_lo), (hi, s_hi) = sorted([(i, s_i), (j, s_j)])
    return hkdf(agree(secret, s_j), context,
                labelled('onlysum/1 pair secret', lo, hi, s_lo, s_hi))


def pair_tag(secret):
    return sha256(labelled('onlysum/1 pair tag', secret))[:16]


def self_stream_key(context2, i, b):
    return hkdf(b, context2, labelled('onlysum/1 self stream', i))


def pair_stream_key(context2, i, j, secret):
    return hkdf(secret, context2, labelled('onlysum/1 pair stream', min(i, j), max(i, j)))


def commitment(context2, i, b):
    return sha256(labelled('onlysum/1 self mask commitment', context2, i, b))


def add_streams(lanes, streams):
    """The lanes plus or minus each key's ChaCha20 stream, modulo 2^32; streams are (sign, key)."""
    for sign, key in streams:
        stream = key_stream(key, 4 * len(lanes))
        words = (int.from_bytes(stream[at:at + 4], 'little') for at in range(0, len(stream), 4))
        lanes = [(lane + sign * word) % 2**32 for lane, word in zip(lanes, words)]
    return lanes
