"""A device of one round on the complete graph, from Challenge to RevealShares: sections 5.0 to 5.7.

`secrets` are the values a device would draw, as round.json publishes them; `receive` gives the
bytes it answers with, or raises Refused.
"""
from fields import Refused, invalid
from rounds import (Roster, add_streams, channel_key, commitment, graph_parameters, pair_secret,
                    pair_stream_key, pair_tag, roster_leaf, self_stream_key)
from structures import pack, parse_bitmap, root_from_path, split
from suite import agreement_key, labelled, seal, sha256, sign, signing_key, unseal, verifies
from wire import MESSAGES, compose, decode, parse

NAMES = {number: name for name, (number, _) in MESSAGES.items()}
ONCE = ('Challenge', 'Offer', 'Roster', 'SharedSet', 'SurvivorSet')


class Device:
    def __init__(self, manifest, task_id, widths, now_ms, floor, secrets):
        self.manifest, self.task_id, self.widths, self.now_ms = manifest, task_id, widths, now_ms
        self.floor, self.secrets, self.seen = floor, secrets, {}
        self.registrar = bytes.fromhex(manifest['registrar'])
        self.c, self.s = (agreement_key(secrets[name]) for name in ('cSecret', 'sSecret'))

    def receive(self, data):
        frame = decode(data)
        name = NAMES[frame[0]]
        message = parse(name, data)
        if 'round' in message and message['round'] != getattr(self, 'round', message['round']):
            raise Refused('wrong-round')
        if name in ONCE and self.seen.setdefault(name, data) != data:
            raise Refused('second-message')
        return getattr(self, f'on_{name}', lambda _: None)(message)

    def on_Challenge(self, message):
        own = self.secrets
        seed, nonce = own['pseudonymSeed'], own['nonce']
        url = self.manifest['coordinator']['url']
        hello = labelled('onlysum/1 hello', message['challenge'], nonce, url, self.task_id)
        certificate = [own['epoch'], own['epochLengthMs'], signing_key(seed), own['signature']]
        return compose('Hello', 1, self.task_id, nonce, certificate, sign(seed, hello))

    def on_Offer(self, message):
        offer = message['announcement']
        self.round, self.window = message['round'], offer['window']
        self.incarnation = offer['incarnation']
        self.check_window()
        statement = labelled('onlysum/1 window', self.task_id, self.window, self.incarnation,
                             offer['enrolled'], offer['population'], offer['pools'],
                             offer['value'])
        self.demand(verifies(self.registrar, statement, offer['signature']),
                    'announcement-signature')
        keys = labelled('onlysum/1 advertise keys', self.task_id, self.window, self.incarnation,
                        self.round, self.c, self.s)
        seed = self.secrets['pseudonymSeed']
        return compose('AdvertiseKeys', self.round, self.c, self.s, sign(seed, keys))

    def on_Roster(self, message):
        n, k, t, i = (message[x] for x in ('n', 'k', 't', 'index'))
        cohort, floor, assumed = (self.manifest['cohort'], self.floor, self.manifest['assumptions'])
        self.check_window()
        fits = cohort['min'] <= n <= cohort['max'] and n <= floor['maxDevices'] and i < n
        expected = graph_parameters(n, assumed) if fits else None
        self.demand(expected and (k, t) == (expected.k, expected.t), 'roster-parameters')
        self.demand(expected.n - expected.dropped - expected.corrupt >= floor['minHonest']
                    and assumed['corrupt'] >= floor['minCorrupt']
                    and assumed['population'] >= floor['minPopulation'], 'below-floor')
        entries = message['neighbours']
        records = [entries[at:at + 68] for at in range(0, len(entries), 68)]
        self.indices = [int.from_bytes(record[:4], 'big') for record in records]
        if self.indices != [j for j in range(n) if j != i]:
            invalid()
        self.keys = {j: (r[4:36], r[36:]) for j, r in zip(self.indices, records)}
        leaf = roster_leaf(i, self.c, self.s, entries)
        self.demand(root_from_path(leaf, i, n, message['path']) == message['root'], 'roster-proof')
        roster = Roster(self.task_id, self.window, self.incarnation, self.round, n, k, t,
                        message['seed'], message['root'])
        self.demand(verifies(self.registrar, roster.statement(), message['signature']),
                    'roster-signature')
        self.i, self.t, self.n, self.least = i, t, n, n - expected.dropped
        return self.share_keys(roster.context())

    def share_keys(self, context):
        own = self.secrets
        xs = [j + 1 for j in self.indices]
        shares = list(zip(split(own['b'], self.t, xs, own['randomOfB']),
                          split(own['sSecret'], self.t, xs, own['randomOfS'])))
        self.context, self.pairs, self.inbound, boxes, tags = context, {}, {}, b'', b''
        for j, (share_of_b, share_of_s) in zip(self.indices, shares):
            c, s = self.keys[j]
            self.inbound[j] = channel_key(context, own['cSecret'], j, self.i, c, self.c, c)
            outbound = channel_key(context, own['cSecret'], self.i, j, self.c, c, c)
            boxes += seal(outbound, share_of_b + share_of_s)
            self.pairs[j] = pair_secret(context, own['sSecret'], self.i, j, self.s, s)
            tags += pair_tag(self.pairs[j])
        return compose('ShareKeys', self.round, boxes, tags)

    def on_SharedSet(self, message):
        members = parse_bitmap(message['members'], self.n)
        self.sharing = [j for j in self.indices if j in members]
        if len(message['boxes']) != 80 * len(self.sharing):
            invalid()
        self.demand(len(members) >= self.least, 'set-too-small')
        self.demand(self.i in members and len(self.sharing) >= self.t, 'left-out')
        statement = labelled('onlysum/1 shared set', self.context, message['members'])
        self.demand(verifies(self.registrar, statement, message['signature']),
                    'shared-set-signature')
        opened = {j: unseal(self.inbound[j], message['boxes'][80 * at:80 * at + 80])
                  for at, j in enumerate(self.sharing)}
        self.shares = {j: plain for j, plain in opened.items() if plain}
        self.demand(len(self.shares) >= self.t, 'too-few-shares')
        context2 = sha256(labelled('onlysum/1 context 2', self.context, message['members']))
        self.context2, self.shared, b = context2, members, self.secrets['b']
        if self.secrets['input'] is None:
            return compose('UploadRequest', self.round)
        streams = [(1, self_stream_key(context2, self.i, b))]
        self.after_self_mask = add_streams(self.secrets['input'], streams)
        streams = [(1 if self.i < j else -1, pair_stream_key(context2, self.i, j, self.pairs[j]))
                   for j in self.sharing]
        self.after_pair_masks = add_streams(self.after_self_mask, streams)
        self.ready = compose('MaskedInput', self.round, pack(self.after_pair_masks, self.widths),
                             commitment(context2, self.i, b))
        return compose('UploadRequest', self.round)

    def on_UploadGrant(self, _):
        return getattr(self, 'ready', None)

    def on_SurvivorSet(self, message):
        members = parse_bitmap(message['members'], self.n)
        survivors = max(self.manifest['minSurvivors'], self.least)
        self.demand(len(members) >= survivors and set(members) <= set(self.shared), 'set-too-small')
        statement = labelled('onlysum/1 survivor set', self.context2, message['members'])
        self.demand(verifies(self.registrar, statement, message['signature']),
                    'survivor-set-signature')
        self.survivors = members
        if self.i not in members:
            return None
        self.demand(sum(j in members for j in self.indices) >= self.t, 'left-out')
        dropped = [self.pairs[j] for j in self.sharing if j not in members]
        return compose('Unmasking', self.round, self.secrets['b'], b''.join(dropped))

    def on_Recover(self, message):
        silent, dropped = (parse_bitmap(message[x], self.n) for x in ('silent', 'dropped'))
        gone = set(self.shared) - set(self.survivors)
        self.demand(set(silent) <= set(self.survivors) and set(dropped) <= gone, 'recovery-refused')

        def records(dealers, part):
            return b''.join(j.to_bytes(4, 'big') + self.shares[j][part]
                            for j in dealers if j in self.shares)
        return compose('RevealShares', self.round, records(silent, slice(0, 32)),
                       records(dropped, slice(32, 64)))

    def check_window(self):
        length, validity = self.manifest['window']['lengthMs'], self.manifest['validity']
        begin, end = self.window * length, (self.window + 1) * length
        allowance = min(60_000, length / 10)
        valid = begin >= validity['notBeforeMs'] and end <= validity['notAfterMs']
        self.demand(valid and begin - allowance <= self.now_ms < end + allowance, 'window-not-now')

    @staticmethod
    def demand(fits, code):
        if not fits:
            raise Refused(code)
