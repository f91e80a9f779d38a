"""round.json, from the signed manifest to the opened lanes."""
from canonical import canonical
from device import Device
from lanes import lanes_of
from manifest import parse_manifest
from rounds import (Roster, add_streams, channel_key, commitment, graph_parameters, pair_secret,
                    pair_stream_key, pair_tag, roster_leaf, self_stream_key)
from structures import bitmap, recover, split, tree_path, tree_root, unpack
from suite import agreement_key, labelled, sha256, sign, signing_key, unseal, verifies
from wire import compose, parse


def check_round(file, checks):
    device, task_id, widths = check_task(file, checks)
    enrolled, keys = check_enrolment(file, checks, task_id)
    context, context2 = check_statements(file, checks, task_id, enrolled, keys)
    check_dealt(file, checks, context, keys)
    devices = check_transcript(file, checks, device, context2)
    check_opening(file, checks, widths, context2, devices, keys)
    check_registrar(file, checks, task_id, enrolled)
    for case in file['refused']:
        victim = device(case['device'])
        down = [x['hex'] for x in file['transcript']
                if (x['device'], x['direction']) == (case['device'], 'down')]
        for data in down[:case['received']]:
            victim.receive(unhex(data))
        checks.refused(f'refused: {case["name"]}', lambda: victim.receive(unhex(case['hex'])), case)


def unhex(value):
    """The value with every hex text in it as bytes; other text stays."""
    if isinstance(value, dict):
        return {name: unhex(each) for name, each in value.items()}
    if isinstance(value, list):
        return [unhex(each) for each in value]
    try:
        return bytes.fromhex(value) if isinstance(value, str) and len(value) % 2 == 0 else value
    except ValueError:
        return value


def check_task(file, checks):
    signed = file['signedManifest']
    data = canonical(signed['manifest']).encode()
    manifest = parse_manifest(signed['manifest'])
    checks.equal('publisher signature', True, verifies(
        bytes.fromhex(manifest['publisher']), labelled('onlysum/1 manifest', data),
        bytes.fromhex(signed['signature'])))
    checks.equal('taskId', sha256(data).hex(), file['taskId'])
    for party, key in (('registrar', manifest['registrar']),
                       ('coordinator', manifest['coordinator']['key'])):
        checks.equal(f'{party} key', signing_key(unhex(file[f'{party}Seed'])).hex(), key)
    lanes = lanes_of(manifest)
    found = [{key: lane[key] for key in ('label', 'bound', 'width')} for lane in lanes]
    checks.equal('lanes', found, file['lanes'])
    widths = [lane['width'] for lane in lanes]

    def device(i):
        inputs = {x['index']: x['input'] for x in file['masked']}
        secrets = {**file['enrolment'][i], **file['advertised'][i], **file['dealt'][i]}
        return Device(manifest, sha256(data), widths, file['nowMs'], file['floor'],
                      {**unhex(secrets), 'input': inputs.get(i)})
    return device, sha256(data), widths


def check_enrolment(file, checks, task_id):
    registrar = unhex(file['signedManifest']['manifest']['registrar'])
    window = file['signedManifest']['manifest']['window']['lengthMs']
    checks.equal('window', file['nowMs'] // window, file['window'])
    for i, raw in enumerate(file['enrolment']):
        one, name = unhex(raw), f'enrolment[{i}]'
        pseudonym = signing_key(one['pseudonymSeed'])
        proof = labelled('onlysum/1 enrolment', registrar, raw['code'], pseudonym)
        statement = labelled('onlysum/1 certificate', registrar, one['epoch'], one['epochLengthMs'],
                             pseudonym)
        checks.equal(f'{name} pseudonym', pseudonym, one['pseudonym'])
        checks.equal(f'{name} proof', True, verifies(pseudonym, proof, one['proof']))
        checks.equal(f'{name} epoch', file['nowMs'] // one['epochLengthMs'], one['epoch'])
        checks.equal(f'{name} statement', statement, one['statement'])
        checks.equal(f'{name} signature', True, verifies(registrar, statement, one['signature']))
    keys = []
    for i, one in enumerate(unhex(file['advertised'])):
        keys.append((agreement_key(one['cSecret']), agreement_key(one['sSecret'])))
        checks.equal(f'advertised[{i}] keys', keys[i], (one['c'], one['s']))
    return unhex(file['enrolment']), keys


def check_statements(file, checks, task_id, enrolled, keys):
    """Announcement, roster, both sets: statement, signature and what follows from each."""
    registrar = unhex(file['signedManifest']['manifest']['registrar'])
    assumed = file['signedManifest']['manifest']['assumptions']
    offer, roster, shared, survivors = (
        unhex(file[x]) for x in ('announcement', 'roster', 'sharedSet', 'survivorSet'))
    n = len(enrolled)
    largest = file['signedManifest']['manifest']['cohort']['max']
    checks.equal('pools', max(1, n // (3 * largest)), offer['pools'])
    checks.equal('enrolled, population', [n, n], [offer['enrolled'], offer['population']])
    expected = graph_parameters(n, assumed)
    checks.equal('parameters', tuple(expected), tuple(
        roster[x] for x in ('n', 'k', 't', 'mostCorrupt', 'mostDropped')))
    leaves = []
    for i, (c, s) in enumerate(keys):
        records = [j.to_bytes(4, 'big') + c_j + s_j for j, (c_j, s_j) in enumerate(keys) if j != i]
        leaves.append(roster_leaf(i, c, s, b''.join(records)))
    checks.equal('leaves', leaves, roster['leaves'])
    checks.equal('root', tree_root(leaves), roster['root'])
    checks.equal('paths', [tree_path(leaves, i) for i in range(n)], roster['paths'])
    facts = Roster(task_id, file['window'], offer['incarnation'], unhex(file['round']), n,
                   expected.k, expected.t, roster['seed'], tree_root(leaves))
    context = facts.context()
    in_u2, in_u3 = (bitmap(each['members'], n) for each in (shared, survivors))
    context2 = sha256(labelled('onlysum/1 context 2', context, in_u2))
    checks.equal('context', context, roster['context'])
    checks.equal('context2', context2, shared['context2'])
    checks.equal('bitmaps', (in_u2, in_u3), (shared['bitmap'], survivors['bitmap']))
    for name, signed, statement in (
            ('announcement', offer, labelled('onlysum/1 window', task_id, file['window'],
                                             offer['incarnation'], n, n, offer['pools'],
                                             offer['value'])),
            ('roster', roster, facts.statement()),
            ('sharedSet', shared, labelled('onlysum/1 shared set', context, in_u2)),
            ('survivorSet', survivors, labelled('onlysum/1 survivor set', context2, in_u3))):
        checks.equal(f'{name} statement', statement, signed['statement'])
        checks.equal(f'{name} signature', True, verifies(registrar, statement, signed['signature']))
    heads = check_audit_heads(file, checks)
    closed = compose('Closed', unhex(file['round']), True, heads['coordinator'], heads['registrar'])
    told = [x['device'] for x in file['transcript'] if unhex(x['hex']) == closed]
    reached = {x['device'] for x in file['transcript'] if unhex(x['hex'])[1] == 7}
    checks.equal('who is told that it opened', sorted(told), sorted(reached))
    checks.equal('who is told is in the sum', True, reached <= set(survivors['members']))
    return context, context2


def check_audit_heads(file, checks):
    """Statement and signature of both heads; as fields of a message, by role."""
    manifest = file['signedManifest']['manifest']
    keys = {'coordinator': manifest['coordinator']['key'], 'registrar': manifest['registrar']}
    heads = {}
    for found in file['auditHeads']:
        head, role = unhex(found), found['role']
        statement = labelled('onlysum/1 audit head', role, unhex(file['round']),
                             head['sequence'], head['digest'])
        checks.equal(f'audit head of the {role}: statement', statement, head['statement'])
        checks.equal(f'audit head of the {role}: signature', True,
                     verifies(bytes.fromhex(keys[role]), statement, head['signature']))
        heads[role] = [head['sequence'], head['digest'], head['signature']]
    checks.equal('audit heads', sorted(heads), sorted(keys))
    return heads


def check_dealt(file, checks, context, keys):
    dealt, secrets = unhex(file['dealt']), unhex(file['advertised'])
    t = file['roster']['t']
    for i, dealer in enumerate(dealt):
        xs = [one['index'] + 1 for one in dealer['neighbours']]
        checks.equal(f'dealt[{i}] order', [j + 1 for j in range(len(keys)) if j != i], xs)
        of_b = split(dealer['b'], t, xs, dealer['randomOfB'])
        of_s = split(secrets[i]['sSecret'], t, xs, dealer['randomOfS'])
        for one, share_of_b, share_of_s in zip(dealer['neighbours'], of_b, of_s):
            j, name = one['index'], f'dealt[{i}] to {one["index"]}:'
            (c_i, s_i), (c_j, s_j) = keys[i], keys[j]
            key = channel_key(context, secrets[j]['cSecret'], i, j, c_i, c_j, c_i)
            secret = pair_secret(context, secrets[i]['sSecret'], i, j, s_i, s_j)
            checks.equal(f'{name} share of b', share_of_b, one['shareOfB'])
            checks.equal(f'{name} share of s', share_of_s, one['shareOfS'])
            checks.equal(f'{name} channel key, from the receiver', key, one['channelKey'])
            checks.equal(f'{name} box', unseal(key, one['box']), share_of_b + share_of_s)
            checks.equal(f'{name} pair secret', secret, one['pairSecret'])
            checks.equal(f'{name} tag', pair_tag(secret), one['tag'])


def check_transcript(file, checks, device, context2):
    """Every byte a device sends follows from what it was sent and what it drew."""
    devices = [device(i) for i in range(len(file['enrolment']))]
    answers, sent = [[] for _ in devices], [[] for _ in devices]
    for line in file['transcript']:
        i, data = line['device'], unhex(line['hex'])
        if line['direction'] == 'up':
            sent[i].append(data)
            continue
        checks.equal('transcript: direction', line['direction'], 'down')
        answers[i].append(devices[i].receive(data))
        if data[1] == 1:
            challenge = parse('Challenge', data)['challenge'].hex()
            checks.equal(f'challenge of {i}', challenge, file['advertised'][i]['challenge'])
        if data[1] == 4:
            boxes = [unhex(dealer['neighbours'][i - (j < i)]['box'])
                     for j, dealer in enumerate(file['dealt'])
                     if j != i and j in file['sharedSet']['members']]
            checks.equal(f'boxes for {i}', parse('SharedSet', data)['boxes'], b''.join(boxes))
    for i in range(len(devices)):
        expected = [answer for answer in answers[i] if answer][:len(sent[i])]
        checks.equal(f'transcript: what device {i} sends', expected, sent[i])
    for one in file['masked']:
        of, name = devices[one['index']], f'masked {one["index"]}:'
        checks.equal(f'{name} after the self mask', of.after_self_mask, one['afterSelfMask'])
        checks.equal(f'{name} after the pair masks', of.after_pair_masks, one['afterPairMasks'])
        message = compose('MaskedInput', unhex(file['round']), unhex(one['vector']),
                          unhex(one['commitment']))
        checks.equal(f'{name} as sent', True, message in sent[one['index']])
    return devices


def check_opening(file, checks, widths, context2, devices, keys):
    """The coordinator's side, from the masked vectors and what was revealed alone."""
    opened, survivors = unhex(file['opened']), file['survivorSet']['members']
    committed = {one['index']: unhex(one['commitment']) for one in file['masked']}
    t, context = file['roster']['t'], unhex(file['roster']['context'])
    up = [(x['device'], unhex(x['hex'])) for x in file['transcript'] if x['direction'] == 'up']
    tags = {i: parse('ShareKeys', data)['tags'] for i, data in up if data[1] == 34}
    unmasking = {i: parse('Unmasking', data) for i, data in up if data[1] == 36}
    shares = {i: parse('RevealShares', data) for i, data in up if data[1] == 37}
    masked = [parse('MaskedInput', data) for _, data in up if data[1] == 35]
    vectors = [unpack(message['vector'], widths) for message in masked]
    total = [sum(column) for column in zip(*vectors)]
    truncated = [x % 2**w for x, w in zip(total, widths)]
    checks.equal('sum of the masked', truncated, opened['sumOfMasked'])

    checks.equal('who reveals b', [x['index'] for x in opened['revealedB']], sorted(unmasking))
    b_of = {i: message['b'] for i, message in unmasking.items()}
    checks.equal('revealed b', b_of, {x['index']: x['b'] for x in opened['revealedB']})
    streams = []
    for field, records, secret in (('recoveredB', 'selfShares', 'b'),
                                   ('recoveredS', 'keyShares', 's')):
        for one in opened[field]:
            i, points = one['index'], [(x['x'], x['share']) for x in one['shares']]
            sent = [(j + 1, data[4:]) for j, message in sorted(shares.items())
                    for data in records_of(message[records]) if data[:4] == i.to_bytes(4, 'big')]
            checks.equal(f'{field} {i}: shares', sent, points)
            checks.equal(f'{field} {i}: recombined', recover(sent, t), one[secret])
            if secret == 'b':
                b_of[i] = one['b']
                continue
            checks.equal(f'{field} {i}: public key', agreement_key(one['s']), keys[i][1])
            silent = [j for j in survivors if j not in unmasking]
            checks.equal(f'{field} {i}: partners', silent, one['partners'])
            for j in survivors:
                secret_ij = pair_secret(context, one['s'], i, j, keys[i][1], keys[j][1])
                ends = [tags[x][16 * (y - (y > x)):][:16] for x, y in ((i, j), (j, i))]
                checks.equal(f'{field} {i}: tags with {j}', [pair_tag(secret_ij)] * 2, ends)
                if j in unmasking:
                    checks.equal(f'{field} {i}: p that {j} revealed', secret_ij,
                                 unmasking[j]['pairSecrets'])
                sign_of_j = 1 if j < i else -1
                streams.append((-sign_of_j, pair_stream_key(context2, i, j, secret_ij)))
    # Both ends hold the same p here, so what a survivor revealed is what the dropout's key gives.
    checks.equal('revealed pair secrets that were needed', len(opened['revealedPairs']),
                 sum(len(message['pairSecrets']) // 32 for message in unmasking.values()))
    for pair in opened['revealedPairs']:
        checks.equal(f"p that {pair['survivor']} revealed, as used", pair['pairSecret'],
                     unmasking[pair['survivor']]['pairSecrets'])
    for i in survivors:
        checks.equal(f'commitment of {i}', commitment(context2, i, b_of[i]), committed[i])
        streams.append((-1, self_stream_key(context2, i, b_of[i])))
    lanes = [x % 2**w for x, w in zip(add_streams(total, streams), widths)]
    checks.equal('opened lanes', lanes, opened['lanes'])
    inputs = [devices[i].secrets['input'] for i in survivors]
    checks.equal('opened lanes against the inputs', lanes, [sum(column) for column in zip(*inputs)])


def records_of(data):
    return [data[at:at + 36] for at in range(0, len(data), 36)]


def check_registrar(file, checks, task_id, enrolled):
    """The coordinator's requests and the registrar's answers, byte for byte."""
    seed, round_id = unhex(file['coordinatorSeed']), unhex(file['round'])
    offer, roster = unhex(file['announcement']), unhex(file['roster'])
    up = [x for x in unhex(file['transcript']) if x['direction'] == 'up' and x['hex'][1] == 33]
    adverts = [parse('AdvertiseKeys', x['hex']) for x in sorted(up, key=lambda x: x['device'])]
    certificates = [[x['epoch'], x['epochLengthMs'], x['pseudonym'], x['signature']]
                    for x in enrolled]
    members = [[certificate, x['c'], x['s'], x['signature']]
               for certificate, x in zip(certificates, adverts)]
    flat = [field for certificate, *rest in members for field in (*certificate, *rest)]
    lifetime = parse('RosterRequest', unhex(file['registrar'][1]['request']))['lifetimeMs']
    announcement = [file['window'], offer['incarnation'], offer['enrolled'], len(enrolled),
                    *(offer[x] for x in ('pools', 'value', 'signature'))]
    granted = [offer['incarnation'], *(roster[x] for x in ('k', 't', 'seed', 'root', 'signature'))]
    expected = [
        ('window', 'WindowRequest', [task_id, file['window']], None,
         compose('WindowResponse', announcement)),
        ('roster', 'RosterRequest', [task_id, file['window'], round_id, lifetime, members],
         [task_id, file['window'], round_id, lifetime, len(members), *flat],
         compose('RosterResponse', *granted))]
    head = next([unhex(x)[f] for f in ('sequence', 'digest', 'signature')]
                for x in file['auditHeads'] if x['role'] == 'registrar')
    for kind, name, signed in (('shared-set', 'SharedSetRequest', unhex(file['sharedSet'])),
                               ('survivor-set', 'SurvivorSetRequest', unhex(file['survivorSet']))):
        expected.append((kind, name, [round_id, signed['bitmap']], None,
                         compose('SetResponse', signed['signature'],
                                 head if kind == 'survivor-set' else None)))
    kinds = [x['kind'] for x in file['registrar']]
    checks.equal('registrar: kinds', kinds, [x[0] for x in expected])
    for found, (kind, name, fields, statement_fields, response) in zip(
            unhex(file['registrar']), expected):
        label = f'onlysum/1 {kind.replace("-", " ")} request'
        statement = labelled(label, *(statement_fields or fields))
        checks.equal(f'registrar: {kind} statement', statement, found['statement'])
        request = compose(name, *fields, sign(seed, statement))
        checks.equal(f'registrar: {kind} request', request, found['request'])
        checks.equal(f'registrar: {kind} response', response, found['response'])
