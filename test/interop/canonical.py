"""Canonical JSON (RFC 8785), as far as section 2.1 needs it: no fractions, no null."""
import json

from fields import Refused, invalid

SAFE = 2**53 - 1


def canonical(value):
    if isinstance(value, (bool, int, str)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return f'[{",".join(map(canonical, value))}]'
    by_utf16 = sorted(value, key=lambda key: key.encode('utf-16-be', 'surrogatepass'))
    return f'{{{",".join(f"{canonical(key)}:{canonical(value[key])}" for key in by_utf16)}}}'


def parse_json(text):
    return json.loads(text, parse_float=invalid, parse_constant=invalid)


def parse_canonical(data):
    """The value of bytes that are exactly its canonical form, 16 levels deep at most."""
    def check(value, depth):
        inner = value.values() if isinstance(value, dict) else value
        if value is None or isinstance(value, int) and abs(value) > SAFE:
            invalid()
        if isinstance(value, (dict, list)):
            for each in inner if depth else invalid():
                check(each, depth - 1)
    try:
        value = parse_json(data.decode())
        check(value, 16)
        return value if canonical(value).encode() == data else invalid()
    except (ValueError, RecursionError) as error:  # what json and UTF-8 raise
        raise Refused('invalid') from error
