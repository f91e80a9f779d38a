"""graph-parameters.json and graph.json."""
from itertools import islice

from graph import draws, key_of, tables, words
from parameters import parameters
from suite import sha256


def check_parameters(file, checks):
    for row in file:
        assumed = row['n'], row['corruptPerMille'], row['dropoutPerMille']
        checks.equal(f'n, γ, δ = {assumed}', parameters(*assumed), (row['graph'], row['k'], row['t']))


def check_graph(file, checks):
    for case in file['words']:
        key = key_of(bytes.fromhex(case['seed']))
        checks.equal('key', key.hex(), case['key'])
        checks.equal('words', list(islice(words(key), len(case['words']))), case['words'])
    for case in file['drawn']:
        seated, neighbours = drawn(case)
        for i, (order, expected) in enumerate(zip(seated, case['tables'], strict=True)):
            checks.equal(f'{case["name"]}: table {i}', order, expected)
        checks.equal(f'{case["name"]}: neighbours', neighbours, case['neighbours'])
    for case in file['large']:
        _, neighbours = drawn(case)
        listed = b''.join(i.to_bytes(4, 'big') for others in neighbours for i in others)
        checks.equal(case['name'], sha256(listed).hex(), case['hash'])
    refused = file['refused']
    for case in refused['parameters']:
        assumed = case['n'], case['corruptPerMille'], case['dropoutPerMille']
        checks.refused(case['name'], lambda: parameters(*assumed), case)
    for case in refused['tables']:
        checks.refused(case['name'], lambda: drawn(case), case)


def drawn(case):
    return tables(case['n'], case['k'] // 2, draws(words(key_of(bytes.fromhex(case['seed'])))))
