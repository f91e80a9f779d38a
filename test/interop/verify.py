#!/usr/bin/python3
"""Checks the vectors of test/vectors/v1 with an implementation of its own, after docs/protocol.md.

    verify.py [folder of vectors [file …]]

Prints the number of checks of each file, what failed, and the totals; exits 1 if anything failed.
Needs Python 3.10 and the package python3-cryptography, nothing else.
"""
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import check_primitives as single  # noqa: E402
from check_graph import check_graph, check_parameters  # noqa: E402
from check_round import check_round  # noqa: E402
from fields import Refused  # noqa: E402

FILES = {
    'encoding.json': single.check_encoding, 'bitmap.json': single.check_bitmap,
    'packing.json': single.check_packing, 'shamir.json': single.check_shamir,
    'rfc/6962.json': single.check_tree, 'pools.json': single.check_pools,
    'manifest.json': single.check_manifest, 'metrics.json': single.check_metrics,
    'masks.json': single.check_masks, 'messages.json': single.check_messages,
    'graph-parameters.json': check_parameters, 'graph.json': check_graph,
    'round.json': check_round,
}
# Codes of docs/errors.md for bytes and fields of the wrong form; here that is one code.
FORM = ('wire-invalid', 'manifest-invalid')


class Checks:
    def __init__(self):
        self.passed, self.failures = 0, []

    def equal(self, name, actual, expected):
        if actual == expected and type(actual) is type(expected):
            self.passed += 1
        else:
            self.failures.append(f'{name}: {str(actual)[:200]}, expected {str(expected)[:200]}')

    def refused(self, name, action, case):
        """`case` has the code of the refusal and perhaps its field."""
        expected = ('invalid' if case['code'] in FORM else case['code'], case.get('field'))
        try:
            self.failures.append(f'{name}: accepted {str(action())[:200]}')
        except Refused as refusal:
            named = refusal.field if 'field' in case else None
            self.equal(name, (refusal.code, named), expected)


def verify(folder, names):
    total = Checks()
    for name in names:
        checks = Checks()
        try:
            file = json.loads((folder / name).read_text())
            if name == 'metrics.json':  # whose lanes are those of the manifest beside it
                manifest = json.loads((folder / 'manifest.json').read_text())
                single.check_metrics(file, checks, manifest)
            else:
                FILES[name](file, checks)
        except Exception as error:  # a broken vector may break anything: it is a failed check
            checks.failures.append(f'{type(error).__name__}: {error}')
        print(f'{name}: {checks.passed + len(checks.failures)} checks')
        for failure in checks.failures:
            print(f'  failed: {failure}')
        total.passed += checks.passed
        total.failures += checks.failures
    print(f'{total.passed} checks passed, {len(total.failures)} failed')
    return 1 if total.failures or not total.passed else 0


if __name__ == '__main__':
    default = Path(__file__).parent.parent / 'vectors' / 'v1'
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    sys.exit(verify(chosen, sys.argv[2:] or FILES))
