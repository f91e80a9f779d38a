"""Lanes of a task and of one device: sections 3.1 and 3.2."""
from decimal import Decimal
from fractions import Fraction
from math import floor

from canonical import SAFE
from fields import Refused, invalid
from manifest import steps_between

WITHOUT_CLIPPED = ('flag', 'category', 'top-k', 'cross-tabulation')
ROLES = {'category': 'category', 'top-k': 'category', 'multi-select': 'option',
         'histogram': 'bucket', 'distribution': 'bucket', 'cross-tabulation': 'cell'}


def lanes_of(m):
    """Every lane of a parsed manifest, in order, named as in manifest.json."""
    lanes, largest = [], m['cohort']['max']

    def add(role, bound=1, cell='', **place):
        owner = {'group': group} if x is None else {'group': group, 'metric': x['name']}
        lanes.append({**owner, 'label': f'{list(owner.values())[-1]}.{role}{cell}', 'role': role, **place,
                      'bound': bound, 'width': width(largest, bound, 0)})
    for group, x in in_order(m):
        if x is None:
            add('respondents')
            continue
        for role, bound in amounts(x):
            if largest * bound > SAFE:
                raise Refused('metric-could-wrap', x['name'])
            count = limb_count(bound, largest)
            for i in range(count):
                limb = {'limb': {'index': i, 'count': count}} if count > 1 else {}
                most = 65535 if i < count - 1 else bound >> 16 * i
                add(role, most, f'.limb[{i}/{count}]' if limb else '', **limb)
        for position, cell in enumerate(cells(x, m)):
            add(ROLES[x['kind']], cell=cell, position=position)
        if has_reported(x):
            add('reported')
        if x['kind'] not in WITHOUT_CLIPPED:
            add('clipped')
    return lanes if len(lanes) <= 65535 else invalid('metrics')


def width(largest, bound, tail):
    return (largest * bound + 2 * tail).bit_length()


def lanes_of_device(m, values, consented):
    """What one device puts into the lanes, before any mask."""
    lanes = []
    for group, x in in_order(m):
        shares = group in consented
        if x is None:
            lanes.append(int(shares))
        else:
            own = lanes_of_value(x, m, values)
            lanes += own if shares else [0] * len(own)
    return lanes


def lanes_of_value(x, m, values):
    largest, held = m['cohort']['max'], value_of(x, m, values)
    numbers, chosen, clipped = (None, [], False) if held is None else held
    lanes = []
    for at, (_, bound) in enumerate(amounts(x)):
        number, count = 0 if numbers is None else numbers[at], limb_count(bound, largest)
        lanes += [number >> 16 * i & 65535 for i in range(count)] if count > 1 else [number]
    lanes += [int(i in chosen) for i in range(len(cells(x, m)))]
    if has_reported(x):
        lanes.append(int(held is not None))
    return lanes if x['kind'] in WITHOUT_CLIPPED else lanes + [int(clipped)]


def value_of(x, m, values):
    """(amounts, positions, clipped), or None without a value"""
    kind = x['kind']
    if kind == 'cross-tabulation':
        axes = [axis(x[name], m) for name in ('rows', 'columns')]
        held = [value_of(y, m, values) for y in axes]
        if None in held:
            return None
        (row,), (column,) = held[0][1], held[1][1]
        return [], [row * len(names_of(axes[1])) + column], False
    if x['name'] not in values:
        return None
    value = values[x['name']]
    if kind in ('category', 'top-k'):
        return [], [place(value, names_of(x))], False
    if kind == 'multi-select':
        found = sorted({place(each, names_of(x)) for each in value})
        return [], found[:x['most']], len(found) > x['most']
    if kind == 'flag':
        return [int(value)], [], False
    exact = Fraction(repr(value))  # a double is the shortest decimal that gives it
    if kind == 'histogram':
        edges = [Fraction(edge) for edge in x['edges']]
        cell = min(max(sum(edge <= exact for edge in edges) - 1, 0), len(edges) - 2)
        return [], [cell], not edges[0] <= exact <= edges[-1]
    if kind == 'distribution':  # between doubles, as they are
        edges = log_edges(x)
        cell = min(sum(edge <= value for edge in edges), len(edges) - 1)
        return [], [cell], value > edges[-1]
    steps = exact if kind == 'count' else steps_between(x, exact)
    inside = min(max(steps, 0), largest_value(x))
    number = floor(inside + Fraction(1, 2))
    squares = [(number - centre(x)) ** 2] if kind == 'variance' else []
    return [number, *squares], [], inside != steps


def in_order(m):
    for group in m['groups']:
        yield group['name'], None
        yield from ((group['name'], x) for x in m['metrics'] if x['group'] == group['name'])


def amounts(x):
    """Lanes that hold a number: (role, B before limbs)."""
    if x['kind'] in ROLES:
        return []
    square = [('square', (largest_value(x) - centre(x)) ** 2)] if x['kind'] == 'variance' else []
    return [('value', largest_value(x)), *square]


def has_reported(x):
    return x['kind'] not in ROLES or x['kind'] == 'multi-select'


def largest_value(x):
    return {'flag': 1, 'count': x.get('max')}.get(x['kind']) or int(steps_between(x))


def centre(x):
    return largest_value(x) // 2


def limb_count(bound, largest):
    return -(-bound.bit_length() // 16) if largest * bound > 2**32 - 1 else 1


def names_of(x):
    return next(x[list_] for list_ in ('categories', 'options', 'candidates') if list_ in x) + ['other']


def place(value, names):
    return names.index(value) if value in names else len(names) - 1


def axis(name, m):
    return next(y for y in m['metrics'] if y['name'] == name)


def log_edges(x):
    """min, min·γ, min·γ·γ … while below max, and max; every product a double."""
    error, edge, edges = float(x['relativeError']), float(x['min']), []
    gamma = (1 + error) / (1 - error)
    while edge < float(x['max']):
        edges.append(edge)
        edge *= gamma
    return [*edges, float(x['max'])]


def cells(x, m):
    kind = x['kind']
    if kind not in ROLES:
        return []
    if kind == 'cross-tabulation':
        rows, columns = (names_of(axis(x[name], m)) for name in ('rows', 'columns'))
        return [f'[{row}][{column}]' for row in rows for column in columns]
    if kind == 'histogram':
        return ranges([format(edge, 'f') for edge in x['edges']])
    if kind == 'distribution':
        inner = [format(Decimal(f'{edge:.9g}'), 'f') for edge in log_edges(x)[1:-1]]
        low, high = format(x['min'], 'f'), format(x['max'], 'f')
        return [f'[below {low}]', *ranges([low, *inner, high])]
    return [f'[{name}]' for name in names_of(x)]


def ranges(edges):
    last = len(edges) - 2
    return [f'[{edges[i]},{edges[i + 1]}{"]" if i == last else ")"}' for i in range(last + 1)]
