"""The vector files of single steps, one function a file."""
import re
from itertools import combinations
from pathlib import Path

from canonical import canonical, parse_canonical, parse_json
from lanes import lanes_of, lanes_of_device, width
from manifest import parse_manifest, url
from rounds import (add_streams, channel_key, commitment, pair_secret, pair_stream_key, pair_tag,
                    self_stream_key)
from structures import (bitmap, gf_product, pack, parse_bitmap, recover, root_from_path, split,
                        tree_path, tree_root, unpack)
from suite import agreement_key, hmac_sha256, labelled, sha256, signing_key, verifies
from wire import MESSAGES, compose, parse

unhex = bytes.fromhex
PROTOCOL = Path(__file__).parents[2] / 'docs' / 'protocol.md'


def check_encoding(file, checks):
    def field(x):
        return unhex(x['value']) if x['kind'] == 'bytes' else x['value']
    for case in file['cases']:
        encoded = labelled(case['label'], *map(field, case['fields']))
        checks.equal(case['name'], encoded.hex(), case['encoded'])
    specified = set(re.findall(r'[`"](onlysum/1 [a-z0-9 ]+)[`"]', PROTOCOL.read_text()))
    checks.equal('labels of docs/protocol.md', sorted(file['labels'].values()), sorted(specified))


def check_bitmap(file, checks):
    for case in file['cases']:
        checks.equal(f'of {case["n"]}', bitmap(case['members'], case['n']).hex(), case['hex'])
        found = parse_bitmap(unhex(case['hex']), case['n'])
        checks.equal(f'in {case["n"]}', found, case['members'])
    for case in file['refused']:
        checks.refused(case['name'], lambda: parse_bitmap(unhex(case['hex']), case['n']), case)


def check_packing(file, checks):
    for case in file['cases']:
        lanes, widths = case['lanes'], case['widths']
        cut = [lane % 2**width for lane, width in zip(lanes, widths)]
        checks.equal(f'packed {widths}', pack(lanes, widths).hex(), case['packed'])
        checks.equal(f'unpacked {widths}', unpack(unhex(case['packed']), widths), cut)
    for case in file['sums']:
        columns = zip(*(unpack(unhex(packed), case['widths']) for packed in case['packed']))
        total = [sum(column) % 2**width for column, width in zip(columns, case['widths'])]
        checks.equal(f'sum {case["widths"]}', total, case['sum'])
    for case in file['refused']:
        checks.refused(case['name'], lambda: unpack(unhex(case['hex']), case['widths']), case)


def check_pools(file, checks):
    for case in file['pools']:
        tag = labelled('onlysum/1 pool', unhex(case['pseudonym']))
        pool = int.from_bytes(hmac_sha256(unhex(case['value']), tag), 'big') % case['pools']
        checks.equal(f'pool of {case["pools"]}', pool, case['pool'])
    for case in file['colluders']:
        enrolled, pools = case['enrolled'], max(1, case['enrolled'] // (3 * case['cohortMax']))
        corrupt = -(-case['perMillion'] * enrolled // 10**6)
        checks.equal(f'pools of {enrolled}', pools, case['pools'])
        checks.equal(f'colluders in {pools}', colluders(corrupt, pools), case['colluders'])


def colluders(corrupt, pools):
    """The least x with Pr[Binomial(corrupt, 1/pools) > x] ≤ 2^-60, in whole numbers."""
    if pools == 1:
        return corrupt
    tail, term = 0, 1  # term: C(corrupt, x)·(pools − 1)^(corrupt − x), for x from `corrupt` down
    for x in range(corrupt, 0, -1):
        tail += term
        if tail << 60 > pools**corrupt:
            return x
        term = term * x * (pools - 1) // (corrupt - x + 1)
    return 0


def check_masks(file, checks):
    for at, pair in enumerate(file['pairs']):
        i, j = pair['i'], pair['j']
        one, two, name = i['index'], j['index'], f'pairs[{at}]'
        context, context2, b = (unhex(pair[x]) for x in ('context', 'context2', 'b'))
        (ci, si, c_i, s_i), (cj, sj, c_j, s_j) = (
            [unhex(x[y]) for y in ('cSecret', 'sSecret', 'c', 's')] for x in (i, j))
        p = pair_secret(context, si, one, two, s_i, s_j)
        key, sign_of_i = pair_stream_key(context2, one, two, p), 1 if one < two else -1
        for what, actual, expected in (
                ('keys of i', (agreement_key(ci) + agreement_key(si)).hex(), i['c'] + i['s']),
                ('keys of j', (agreement_key(cj) + agreement_key(sj)).hex(), j['c'] + j['s']),
                ('i to j', channel_key(context, ci, one, two, c_i, c_j, c_j).hex(),
                 pair['channelKeyIToJ']),
                ('j to i', channel_key(context, ci, two, one, c_j, c_i, c_j).hex(),
                 pair['channelKeyJToI']),
                ('i to j, by j', channel_key(context, cj, one, two, c_i, c_j, c_i).hex(),
                 pair['channelKeyIToJ']),
                ('p', p.hex(), pair['pairSecret']),
                ('p, by j', pair_secret(context, sj, two, one, s_j, s_i), p),
                ('tag', pair_tag(p).hex(), pair['tag']),
                ('lanes at i', add_streams(file['lanes'], [(sign_of_i, key)]), pair['lanesAtI']),
                ('lanes at j', add_streams(file['lanes'], [(-sign_of_i, key)]), pair['lanesAtJ']),
                ('commitment', commitment(context2, one, b).hex(), pair['commitmentOfI']),
                ('self mask', add_streams(file['lanes'], [(1, self_stream_key(context2, one, b))]),
                 pair['lanesAfterSelfMaskOfI'])):
            checks.equal(f'{name} {what}', actual, expected)


def check_messages(file, checks):
    def plain(field):
        value = field['value']
        if field['kind'] == 'bytes':
            return unhex(value)
        return [plain(each) for each in value] if field['kind'] in ('record', 'list') else value

    def by_name(field):
        if field['kind'] == 'record':
            return {each['name']: by_name(each) for each in field['value']}
        return list(map(by_name, field['value'])) if field['kind'] == 'list' else plain(field)
    checks.equal('every message', sorted(x['name'] for x in file['messages']), sorted(MESSAGES))
    for case in file['messages']:
        data, name = unhex(case['hex']), case['name']
        checks.equal(f'{name} type', case['type'], MESSAGES[name][0])
        checks.equal(f'{name} composed', compose(name, *map(plain, case['fields'])), data)
        expected = {field['name']: by_name(field) for field in case['fields']}
        checks.equal(f'{name} parsed', parse(name, data), expected)
    for case in file['refused']:
        name = f'{case["message"]}: {case["name"]}'
        checks.refused(name, lambda: parse(case['message'], unhex(case['hex'])), case)


def check_manifest(file, checks):
    manifest, data = file['manifest'], unhex(file['canonical'])
    checks.equal('canonical', canonical(manifest).encode().hex(), file['canonical'])
    checks.equal('parsed', parse_canonical(data), manifest)
    checks.equal('taskId', sha256(data).hex(), file['taskId'])
    publisher = signing_key(unhex(file['publisherSeed']))
    checks.equal('publisher', publisher.hex(), manifest['publisher'])
    statement = labelled('onlysum/1 manifest', data)
    checks.equal('signature', True, verifies(publisher, statement, unhex(file['signature'])))
    check_lanes(manifest, file['lanes'], file['vectorBytes'], checks)
    check_lanes(file['kinds'], file['kindLanes'], file['kindVectorBytes'], checks)
    for case in file['widths']:
        bits = width(case['max'], case['bound'], case['tail'])
        checks.equal(f'width of {case}', bits, case['width'])
    for noise in file['noise']:
        accepted = parse_manifest({**manifest, 'privacy': noise})['privacy']['mechanism']
        checks.equal('noise', accepted, noise['mechanism'])
    for address in file['validUrls']:
        checks.equal(address, url(address, 'url'), address)
    for case in file['invalid']:
        wrong = changed(manifest, case)
        checks.refused(case['name'], lambda: lanes_of(parse_manifest(wrong)), case)
    for case in file['notCanonical']:
        data = unhex(case['bytes'])
        checks.refused(case['name'], lambda: parse_canonical(data), {'code': 'invalid'})
    for case in file['jcs']:
        form = canonical(parse_json(case['input'])).encode()
        checks.equal(case['name'], form.hex(), case['canonical'])


def check_lanes(manifest, published, vector_bytes, checks):
    lanes = lanes_of(parse_manifest(manifest))
    checks.equal('number of lanes', len(lanes), len(published))
    for index, (lane, expected) in enumerate(zip(lanes, published)):
        checks.equal(f'lane {index}', {**lane, 'index': index, 'tail': 0}, expected)
    checks.equal('vectorBytes', -(-sum(lane['width'] for lane in lanes) // 8), vector_bytes)


def changed(value, case, depth=0):
    """A copy of the manifest with the value at the case's path replaced, or removed."""
    if depth == len(case['path']):
        return case['value']
    key = case['path'][depth]
    copy = value.copy()
    if depth == len(case['path']) - 1 and 'value' not in case:
        del copy[key]
    else:
        inner = value[key] if isinstance(value, list) else value.get(key)
        copy[key] = changed(inner, case, depth + 1)
    return copy


def check_metrics(file, checks, manifest_file):
    check_devices(manifest_file['manifest'], file['devices'], file['sum'], checks)
    check_devices(manifest_file['kinds'], file['kindDevices'], file['kindSum'], checks)


def check_devices(unparsed, devices, total, checks):
    manifest = parse_manifest(unparsed)
    for case in devices:
        lanes = lanes_of_device(manifest, case['values'], case['consented'])
        checks.equal(case['name'], lanes, case['lanes'])
    columns = zip(*(case['lanes'] for case in devices))
    checks.equal('sum', [sum(column) for column in columns], total)


def check_shamir(file, checks):
    for case in file['products']:
        checks.equal(f'{case["a"]}·{case["b"]}', gf_product(case['a'], case['b']), case['product'])
    for case in file['cases']:
        xs, t = [share['x'] for share in case['shares']], case['t']
        shares = split(unhex(case['secret']), t, xs, unhex(case['random']))
        checks.equal(f'{case["name"]}: split', [x.hex() for x in shares],
                     [share['share'] for share in case['shares']])
        for chosen in (list(zip(xs, shares))[:t], list(zip(xs, shares))[-t:]):
            checks.equal(f'{case["name"]}: recovered', recover(chosen, t).hex(), case['secret'])
    for case in file['decodeCases']:
        check_decoded(case, checks)
    for case in file['splitRefused']:
        secret, random = bytes(case['secretBytes']), bytes(32 * 16)
        checks.refused(f'split {case}', lambda: split(secret, case['t'], case['xs'], random), case)
    for case in file['recoverRefused']:
        shares = [(share['x'], unhex(share['share'])) for share in case['shares']]
        checks.refused(case['name'], lambda: recover(shares, case['t']), case)


def check_decoded(case, checks):
    """Section 5.7: the one secret from which at most half of those beyond t deviate, or none."""
    shares, t = [(share['x'], unhex(share['share'])) for share in case['shares']], case['t']
    found = (None, None)
    for chosen in combinations(shares, t):
        secret = recover(chosen, t)
        wrong = sorted(x for x, share in shares if share_at(chosen, t, x) != share)
        if 2 * len(wrong) <= len(shares) - t:
            found = (secret.hex(), wrong)
            break
    checks.equal(case['name'], found, (case['secret'], case['wrong']))


def share_at(chosen, t, x):
    """The share at x of the polynomials through the chosen ones, by moving x to zero."""
    if x in dict(chosen):
        return dict(chosen)[x]
    return recover([(other ^ x, share) for other, share in chosen], t)


def check_tree(file, checks):
    leaves = [unhex(leaf) for leaf in file['leaves']]
    for size, root in enumerate(file['roots']):
        checks.equal(f'root of {size}', tree_root(leaves[:size]).hex(), root)
    for case in file['paths']:
        index, size, path = case['index'], case['size'], [unhex(x) for x in case['path']]
        name = f'path of {index} in {size}'
        checks.equal(name, tree_path(leaves[:size], index), path)
        checks.equal(f'{name} leads to the root', root_from_path(
            leaves[index], index, size, path), unhex(file['roots'][size]))
        checks.equal(f'{name} too long', root_from_path(
            leaves[index], index, size, path + [bytes(32)]), None)
