"""Lanes of a task and of one device: sections 3.1 and 3.2."""
from fractions import Fraction
from math import floor

from canonical import SAFE
from fields import Refused, invalid
from manifest import steps_between


def lanes_of(m):
    """Every lane of a parsed manifest, in order, named as in manifest.json."""
    lanes, largest = [], m['cohort']['max']

    def add(role, bound=1, cell='', **place):
        owner = {'group': group} if x is None else {'group': group, 'metric': x['name']}
        lanes.append({**owner, 'label': f'{list(owner.values())[-1]}.{role}{cell}', 'role': role, **place,
                      'bound': bound, 'width': (largest * bound).bit_length()})
    for group, x in in_order(m):
        if x is None:
            add('respondents')
        elif x['kind'] in ('category', 'histogram'):
            role = 'category' if x['kind'] == 'category' else 'bucket'
            for position, cell in enumerate(cells(x)):
                add(role, cell=f'[{cell}', position=position)
        else:
            bound = largest_value(x)
            if largest * bound > SAFE:
                raise Refused('metric-could-wrap', x['name'])
            count = limb_count(x, largest)
            for i in range(count):
                limb = {'limb': {'index': i, 'count': count}} if count > 1 else {}
                most = 65535 if i < count - 1 else bound >> 16 * i
                add('value', most, f'.limb[{i}/{count}]' if limb else '', **limb)
            add('reported')
        if x and x['kind'] not in ('flag', 'category'):
            add('clipped')
    return lanes if len(lanes) <= 65535 else invalid('metrics')


def lanes_of_device(m, values, consented):
    """What one device puts into the lanes, before any mask."""
    lanes = []
    for group, x in in_order(m):
        shares = group in consented
        if x is None:
            lanes.append(int(shares))
        else:
            counted = shares and x['name'] in values
            value = values[x['name']] if counted else 0
            own = lanes_of_value(x, value, m['cohort']['max'])
            lanes += own if counted else [0] * len(own)
    return lanes


def lanes_of_value(x, value, largest):
    kind = x['kind']
    if kind == 'category':
        cell = x['categories'].index(value) if value in x['categories'] else len(x['categories'])
        return [int(i == cell) for i in range(len(x['categories']) + 1)]
    if kind == 'flag':
        return [int(value), 1]
    exact = Fraction(repr(value))  # a double is the shortest decimal that gives it
    if kind == 'histogram':
        edges = [Fraction(edge) for edge in x['edges']]
        cell = min(max(sum(edge <= exact for edge in edges) - 1, 0), len(edges) - 2)
        clipped = not edges[0] <= exact <= edges[-1]
        return [int(i == cell) for i in range(len(edges) - 1)] + [int(clipped)]
    steps = exact if kind == 'count' else steps_between(x, exact)
    inside = min(max(steps, 0), largest_value(x))
    number, count = floor(inside + Fraction(1, 2)), limb_count(x, largest)
    limbs = [number >> 16 * i & 65535 for i in range(count)] if count > 1 else [number]
    return limbs + [1, int(inside != steps)]


def in_order(m):
    for group in m['groups']:
        yield group['name'], None
        yield from ((group['name'], x) for x in m['metrics'] if x['group'] == group['name'])


def largest_value(x):
    return {'flag': 1, 'count': x.get('max')}.get(x['kind']) or int(steps_between(x))


def limb_count(x, largest):
    bound = largest_value(x)
    return -(-bound.bit_length() // 16) if largest * bound > 2**32 - 1 else 1


def cells(x):
    if x['kind'] == 'category':
        return [f'{name}]' for name in x['categories'] + ['other']]
    edges, last = [format(edge, 'f') for edge in x['edges']], len(x['edges']) - 2
    return [f'{edges[i]},{edges[i + 1]}{"]" if i == last else ")"}' for i in range(last + 1)]
