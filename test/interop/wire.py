"""MessagePack as section 6.1 allows it, and the messages of its tables."""
from fields import flag, invalid, many, octets, optional, positional, text, whole

U16, U32, SAFE = 65535, 2**32 - 1, 2**53 - 1


def decode(data):
    """One value that fills the bytes: integers, binary, text, booleans, nil, arrays four deep."""
    at = 0

    def take(count):
        nonlocal at
        if at + count > len(data):
            invalid()
        at += count
        return data[at - count:at]

    def number(size, signed=False):
        return int.from_bytes(take(size), 'big', signed=signed)

    def value(depth):
        kind = take(1)[0]
        if kind < 0x80 or kind >= 0xe0:
            return kind if kind < 0x80 else kind - 256
        if 0xa0 <= kind < 0xc0:
            return string(kind & 31)
        if kind in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[kind]
        if 0xc4 <= kind <= 0xc6:
            return take(number(1 << kind - 0xc4))
        if 0xcc <= kind <= 0xd3:
            return number(1 << (kind - 0xcc) % 4, kind >= 0xd0)
        if 0xd9 <= kind <= 0xdb:
            return string(number(1 << kind - 0xd9))
        if 0x90 <= kind < 0xa0 or kind in (0xdc, 0xdd):
            count = kind & 15 if kind < 0xa0 else number(2 << kind - 0xdc)
            if depth == 4:
                invalid()
            return [value(depth + 1) for _ in range(count)]
        return invalid()

    def string(size):
        try:
            return take(size).decode()
        except UnicodeDecodeError:
            return invalid()

    result = value(0)
    if at != len(data):
        invalid()
    return result


def encode(value):
    """The shortest form of each value; integers beyond 32 bits as int 64."""
    def sized(kinds, size, sizes=(1, 2, 4)):
        index = next(i for i, s in enumerate(sizes) if size < 1 << 8 * s)
        return bytes([kinds[index]]) + size.to_bytes(sizes[index], 'big')

    if value is None or isinstance(value, bool):
        return {None: b'\xc0', False: b'\xc2', True: b'\xc3'}[value]
    if isinstance(value, int):
        if -32 <= value < 128:
            return value.to_bytes(1, 'big', signed=value < 0)
        if not 0 <= value <= U32:
            return b'\xd3' + value.to_bytes(8, 'big', signed=True)
        return sized((0xcc, 0xcd, 0xce), value)
    if isinstance(value, bytes):
        return sized((0xc4, 0xc5, 0xc6), len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        short = bytes([0xa0 | len(data)]) if len(data) < 32 else None
        return (short or sized((0xd9, 0xda, 0xdb), len(data))) + data
    short = bytes([0x90 | len(value)]) if len(value) < 16 else None
    return (short or sized((0xdc, 0xdd), len(value), (2, 4))) + b''.join(map(encode, value))


MS, DAY_MS = 2**41, 86_400_000
KEY, SIGNATURE, HASH, ROUND = octets(32), octets(64), octets(32), octets(16)
MEMBERS = octets(most=8192)
AUDIT_HEAD = optional(positional(sequence=whole(SAFE), digest=HASH, signature=SIGNATURE))
COUNT, WINDOW = whole(U16), whole(SAFE)
POSITIVE = whole(U16, least=1)
ANNOUNCEMENT = positional(window=WINDOW, incarnation=whole(SAFE), enrolled=whole(SAFE),
                          population=whole(SAFE), pools=whole(U32, least=1), value=HASH,
                          signature=SIGNATURE)
CERTIFICATE = positional(epoch=whole(SAFE), epochLengthMs=whole(SAFE, least=1), pseudonym=KEY,
                         signature=SIGNATURE)
MEMBER = positional(certificate=CERTIFICATE, c=KEY, s=KEY, signature=SIGNATURE)
SET = {'round': ROUND, 'members': MEMBERS, 'signature': SIGNATURE}
MESSAGES = {
    'Challenge': (1, positional(challenge=HASH)),
    'Offer': (2, positional(round=ROUND, remainingMs=whole(MS), announcement=ANNOUNCEMENT,
                            token=HASH)),
    'Roster': (3, positional(round=ROUND, n=COUNT, k=COUNT, t=COUNT, seed=HASH, root=HASH,
                             signature=SIGNATURE, index=COUNT, neighbours=octets(unit=68),
                             path=many(HASH, 16))),
    'SharedSet': (4, positional(**SET, boxes=octets(unit=80))),
    'SurvivorSet': (5, positional(**SET)),
    'Recover': (6, positional(round=ROUND, silent=MEMBERS, dropped=MEMBERS)),
    'Closed': (7, positional(round=ROUND, opened=flag, coordinatorHead=AUDIT_HEAD,
                             registrarHead=AUDIT_HEAD)),
    'Progress': (8, positional(missing=COUNT, closesInMs=whole(MS), remainingMs=whole(MS))),
    'Dropped': (9, positional(code=text(64), detail=text(512), retryInMs=whole(MS, least=-1))),
    'Resumed': (10, positional(round=ROUND, stage=text(32), remainingMs=whole(MS),
                               accepted=HASH, token=HASH)),
    'UploadGrant': (11, positional(round=ROUND)),
    'Hello': (32, positional(version=whole(1, least=1), taskId=HASH, nonce=octets(16),
                             certificate=CERTIFICATE, signature=SIGNATURE)),
    'AdvertiseKeys': (33, positional(round=ROUND, c=KEY, s=KEY, signature=SIGNATURE)),
    'ShareKeys': (34, positional(round=ROUND, boxes=octets(unit=80), tags=octets(unit=16))),
    'MaskedInput': (35, positional(round=ROUND, vector=octets(), commitment=HASH)),
    'Unmasking': (36, positional(round=ROUND, b=HASH, pairSecrets=octets(unit=32))),
    'RevealShares': (37, positional(round=ROUND, selfShares=octets(unit=36),
                                    keyShares=octets(unit=36))),
    'Resume': (38, positional(round=ROUND, token=HASH)),
    'UploadRequest': (39, positional(round=ROUND)),
    'WindowRequest': (64, positional(taskId=HASH, window=WINDOW, signature=SIGNATURE)),
    'RosterRequest': (65, positional(taskId=HASH, window=WINDOW, round=ROUND,
                                     lifetimeMs=whole(DAY_MS, least=1),
                                     members=many(MEMBER, U16), signature=SIGNATURE)),
    'SharedSetRequest': (66, positional(**SET)),
    'SurvivorSetRequest': (67, positional(**SET)),
    'CloseRequest': (68, positional(round=ROUND, signature=SIGNATURE)),
    'WindowResponse': (80, positional(announcement=ANNOUNCEMENT)),
    'RosterResponse': (81, positional(incarnation=whole(SAFE), k=POSITIVE, t=POSITIVE, seed=HASH,
                                      root=HASH, signature=SIGNATURE)),
    'SetResponse': (82, positional(signature=SIGNATURE, auditHead=AUDIT_HEAD)),
    'CloseResponse': (83, positional(closed=flag)),
    'RefusalResponse': (84, positional(
        code=text(64), detail=text(512),
        members=many(positional(index=COUNT, code=text(64)), U16))),
}


def parse(name, data):
    """The fields of the message `name` by their names, or a refusal."""
    type_number, read = MESSAGES[name]
    frame = decode(data)
    if type(frame) is not list:
        invalid('frame')
    if not frame or type(frame[0]) is not int or frame[0] != type_number:
        invalid('type')
    return read(frame[1:], name)


def compose(name, *fields):
    return encode([MESSAGES[name][0], *fields])
