"""Readers of one field each, (value, path) → value, shared by the manifest and the messages."""
import re


class Refused(Exception):
    """What must not be accepted. `code` is 'invalid' where only the field's form is wrong."""

    def __init__(self, code, field=None):
        super().__init__(f'{code} {field or ""}')
        self.code, self.field = code, field


def invalid(at=None):
    raise Refused('invalid', at)


def whole(most, least=0):
    def read(value, at):
        return value if type(value) is int and least <= value <= most else invalid(at)
    return read


def flag(value, at):
    return value if type(value) is bool else invalid(at)


def text(most, least=0):
    def read(value, at):
        return value if type(value) is str and least <= len(value) <= most else invalid(at)
    return read


def pattern(expression):
    def read(value, at):
        fits = type(value) is str and re.fullmatch(expression, value, re.ASCII)
        return value if fits else invalid(at)
    return read


def octets(size=None, unit=1, most=None):
    """Binary of `size` bytes, or of a multiple of `unit`, at most `most`."""
    def read(value, at):
        fits = type(value) is bytes and size in (None, len(value)) and len(value) % unit == 0
        return value if fits and (most is None or len(value) <= most) else invalid(at)
    return read


def many(read_one, most, least=0):
    def read(value, at):
        if type(value) is not list or not least <= len(value) <= most:
            invalid(at)
        return [read_one(each, f'{at}[{i}]') for i, each in enumerate(value)]
    return read


def optional(read_one):
    """A value, or nil."""
    def read(value, at):
        return None if value is None else read_one(value, at)
    return read


def positional(**fields):
    """An array with exactly these fields in this order, as a dictionary."""
    def read(value, at):
        if type(value) is not list or len(value) != len(fields):
            invalid(at)
        return {name: read_one(each, f'{at}.{name}')
                for (name, read_one), each in zip(fields.items(), value)}
    return read


def named(**fields):
    """An object with exactly these members."""
    def read(value, at):
        def inside(name):
            return f'{at}.{name}' if at else name
        if type(value) is not dict:
            invalid(at)
        for name in value:
            if name not in fields:
                invalid(inside(name))
        return {name: read_one(value[name], inside(name)) if name in value
                else invalid(inside(name)) for name, read_one in fields.items()}
    return read
