"""The task manifest: section 2.1."""
import re
from decimal import Decimal
from fractions import Fraction

from canonical import SAFE
from fields import flag, invalid, many, named, pattern, whole

HOST, REST = r'(\[[0-9a-f:.]+\]|[A-Za-z0-9.-]+)(?::(\d{1,5}))?', r'([/?][!-"$-~]*)?'
URL = re.compile(f'(?=.{{6,2006}}$)(wss?)://{HOST}{REST}', re.ASCII)
LOOPBACK = re.compile(r'localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]', re.ASCII)


def line(most):
    return pattern(rf'[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{1,{most}}}')


def decimal(value, at):
    form = r'(?!-0$)-?(0|[1-9][0-9]*)(\.[0-9]*[1-9])?'
    fits = len(re.sub('[-.]', '', pattern(form)(value, at))) <= 18
    return Decimal(value) if fits else invalid(at)


def url(value, at):
    match = URL.fullmatch(value) if type(value) is str else None
    if not match or int(match[3] or 0) > 65535:
        invalid(at)
    return value if match[1] == 'wss' or LOOPBACK.fullmatch(match[2]) else invalid(at)


def metric(value, at):
    kind = value.get('kind') if type(value) is dict else invalid(at)
    if type(kind) is not str or kind not in KINDS:
        invalid(f'{at}.kind')
    return named(name=METRIC, kind=line(20), group=GROUP, purpose=PURPOSE, owner=line(200),
                 retentionDays=whole(3650, 1), access=many(pattern(ROLE), 4, least=1),
                 **KINDS[kind])(value, at)


def privacy(value, at):
    mechanism = value.get('mechanism') if type(value) is dict else invalid(at)
    if type(mechanism) is not str or mechanism not in NOISE:
        invalid(f'{at}.mechanism')
    return named(mechanism=line(20), **NOISE[mechanism])(value, at)


KEY, GROUP = pattern('[0-9a-f]{64}'), pattern('[a-z][a-z0-9_-]{0,62}')
METRIC, ROLE = pattern('[a-z][a-z0-9_]{0,62}'), 'operator|analyst|auditor|privacy-officer'
LISTED = many(pattern('[A-Za-z0-9][A-Za-z0-9 ._+:/-]{0,63}'), 1000, least=1)
PROMISE = {'epsilon': decimal, 'neighbours': pattern('zero|replace'),
           'budget': named(epsilon=decimal, delta=decimal, days=whole(3650, 1))}
NOISE = {'none': {}, 'skellam': {'delta': decimal, **PROMISE}, 'discrete-laplace': PROMISE}
PURPOSE, UNIT, DEVICES = line(500), line(32), whole(65535, 3)
RANGE = {'min': decimal, 'max': decimal, 'resolution': decimal, 'unit': UNIT}
KINDS = {
    'flag': {}, 'count': {'max': whole(SAFE, 1)}, 'sum': RANGE, 'mean': RANGE,
    'variance': RANGE, 'category': {'categories': LISTED},
    'multi-select': {'options': LISTED, 'most': whole(1000, 1)},
    'top-k': {'candidates': LISTED, 'k': whole(1000, 1)},
    'histogram': {'edges': many(decimal, 1001, least=2), 'unit': UNIT},
    'distribution': {'min': decimal, 'max': decimal, 'relativeError': decimal, 'unit': UNIT},
    'cross-tabulation': {'rows': METRIC, 'columns': METRIC},
}
MANIFEST = named(
    onlysum=whole(1, 1), suite=whole(1, 1), name=pattern('[a-z][a-z0-9-]{0,62}'),
    version=whole(SAFE, 1), publisher=KEY, registrar=KEY, coordinator=named(key=KEY, url=url),
    window=named(lengthMs=whole(SAFE, 1000)), epoch=named(lengthMs=whole(SAFE, 1000)),
    cohort=named(min=DEVICES, target=DEVICES, max=DEVICES), minSurvivors=whole(65535, 2),
    attempts=whole(16, 1), assumptions=named(corrupt=whole(999), dropout=whole(999),
                                             population=whole(10**6)),
    minRespondents=whole(65535, 1), privacy=privacy, validity=named(notBeforeMs=whole(SAFE), notAfterMs=whole(SAFE)),
    groups=many(named(name=GROUP, purpose=PURPOSE, essential=flag), 64, least=1),
    metrics=many(metric, 1000, least=1))


def parse_manifest(value):
    """The manifest, decimals as numbers; what its fields demand of one another comes last."""
    def demand(fits, at):
        if not fits:
            invalid(at)
    m = MANIFEST(value, '')
    cohort, assumed, validity = m['cohort'], m['assumptions'], m['validity']
    demand(m['registrar'] != m['publisher'], 'registrar')
    demand(m['coordinator']['key'] not in (m['registrar'], m['publisher']), 'coordinator.key')
    demand(m['epoch']['lengthMs'] % m['window']['lengthMs'] == 0, 'epoch.lengthMs')
    demand(cohort['min'] <= cohort['target'], 'cohort.target')
    demand(cohort['target'] <= cohort['max'], 'cohort.max')
    demand(m['minSurvivors'] <= cohort['min'], 'minSurvivors')
    demand(assumed['corrupt'] + assumed['dropout'] < 1000, 'assumptions.dropout')
    demand(validity['notBeforeMs'] < validity['notAfterMs'], 'validity.notAfterMs')
    check_privacy(m['privacy'], demand)
    groups, names = [g['name'] for g in m['groups']], [x['name'] for x in m['metrics']]
    for i, name in enumerate(groups):
        used = any(x['group'] == name for x in m['metrics'])
        demand(used and name not in groups[:i], f'groups[{i}].name')
    for i, x in enumerate(m['metrics']):
        at = f'metrics[{i}]'
        demand(x['name'] not in names[:i], f'{at}.name')
        demand(x['group'] in groups, f'{at}.group')
        for j, role in enumerate(x['access']):
            demand(role not in x['access'][:j], f'{at}.access[{j}]')
        for name in ('categories', 'options', 'candidates'):
            for j, entry in enumerate(x.get(name, [])):
                demand(entry not in ['other'] + x[name][:j], f'{at}.{name}[{j}]')
        check_kind(x, m['metrics'], at, demand)
    return m


def check_privacy(noise, demand):
    if noise['mechanism'] == 'none':
        return
    epsilon, delta, budget = noise['epsilon'], noise.get('delta', 0), noise['budget']
    demand(epsilon > 0, 'privacy.epsilon')
    demand('delta' not in noise or delta >= Decimal('1e-12'), 'privacy.delta')
    demand(epsilon <= budget['epsilon'] < 1000, 'privacy.budget.epsilon')
    demand(delta <= budget['delta'] < 1, 'privacy.budget.delta')


def check_kind(x, metrics, at, demand):
    demand(x.get('most', 0) <= len(x.get('options', [])), f'{at}.most')
    demand(x.get('k', 0) <= len(x.get('candidates', [])), f'{at}.k')
    if 'relativeError' in x:
        demand(x['min'] > 0, f'{at}.min')
        demand(Decimal('0.001') <= x['relativeError'] <= Decimal('0.99'), f'{at}.relativeError')
    if 'max' in x and 'min' in x:
        demand(x['min'] < x['max'], f'{at}.max')
    if 'resolution' in x:
        demand(x['resolution'] > 0 and steps_between(x) % 1 == 0, f'{at}.resolution')
    for j, edge in enumerate(x.get('edges', [])):
        demand(j == 0 or x['edges'][j - 1] < edge, f'{at}.edges[{j}]')
    if 'rows' in x:
        sources = [y['name'] for y in metrics if y['kind'] == 'category' and y['group'] == x['group']]
        demand(x['rows'] in sources, f'{at}.rows')
        demand(x['columns'] in sources and x['columns'] != x['rows'], f'{at}.columns')


def steps_between(x, value=None):
    """How many resolutions a value of a range, by default its largest, is above the least."""
    top = Fraction(x['max'] if value is None else value)
    return (top - Fraction(x['min'])) / Fraction(x['resolution'])
