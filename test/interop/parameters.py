"""Graph parameters: k and t of a roster (section 4.1)."""
from math import ceil, comb, exp, inf, lgamma, log, log1p

from fields import Refused


def ln_choose(n, k):
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf


def parameters(n, corrupt, dropout):
    """(graph, k, t); rules 1 and 3 in whole numbers."""
    A, D = -(-n * corrupt // 1000), n * dropout // 1000

    def few(ways, bits, k):  # ways / C(n − 1, k) ≤ 2^−bits / n
        return ways * n << bits <= comb(n - 1, k)

    for k in range(4, n // 4 + 1, 2):
        t1, above = min(A, k), 0
        while t1 and few(above := above + comb(A, t1) * comb(n - 1 - A, k - t1), 61, k):
            t1 -= 1
        t = max(t1 + 1, k // 2 + 1)
        below = sum(comb(n - 1 - D, x) * comb(D, k - x) for x in range(t))
        if few(below, 20, k) and connected(n, A, D, k, t):
            return 'tables', k, t
    t = max(A + 1, (n - 1) // 2 + 1)
    if t > n - 1 - D:
        raise Refused('parameters-infeasible')
    return 'complete', n - 1, t


def connected(n, A, D, k, t):
    """Rule 4."""
    h, total = k // 2, 0.0
    for s in range(2, (n - A - D) // 2 + 1):
        total += exp(min(ln_inward(n, A, h, t, s), ln_apart(n, A, D, h, s), 0.0))
        if total >= 2.0**-61:
            return False
    return True


def ln_inward(n, A, h, t, s):
    if n - 1 - 2 * s <= A:
        return inf
    E = min(s * h, ceil(s * t / 2), s * (s - 1) // 2)

    def term(e):
        f = max(0, s * t - 2 * e)
        if f > 2 * s * h or (f and not A):
            return -inf
        colluders = ln_choose(2 * s * h, f) + f * log(A / (n - 1 - 2 * s)) if f else 0.0
        return ln_choose(s * h, e) + e * log((s - 1) / (n - 1)) + colluders

    low, high = (0, E) if A else (E, E)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if term(middle + 1) > term(middle) else (low, middle)
    return ln_choose(n, s) + log(E + 1) + term(low)


def ln_apart(n, A, D, h, s):
    return ln_choose(n, s) + ln_choose(n - s, D) + s * h * log1p(-(n - s - A - D) / n)
