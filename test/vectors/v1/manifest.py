"""Writes manifest.json and metrics.json beside itself. Canonical form, layout, encoding and the
cases to refuse are written from the specification, with nothing in common with packages/task and
packages/metrics: python3 test/vectors/v1/manifest.py (needs python3-cryptography for Ed25519)"""
import hashlib
import json
import pathlib
from decimal import Decimal
from fractions import Fraction

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

HERE = pathlib.Path(__file__).parent
ROLES = ("publisher", "registrar", "coordinator")
SEEDS = {role: hashlib.sha256(f"onlysum test {role}".encode()).digest() for role in ROLES}
KEYS = {role: Ed25519PrivateKey.from_private_bytes(seed) for role, seed in SEEDS.items()}
PUBLIC = {
    role: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    for role, key in KEYS.items()
}


def metric(name, kind, group, purpose, **rest):
    owner = "Desktop team <desktop@acme.example>"
    return dict(
        name=name,
        kind=kind,
        group=group,
        purpose=purpose,
        owner=owner,
        retentionDays=90,
        access=["analyst", "privacy-officer"],
        **rest,
    )


MANIFEST = {
    "onlysum": 1,
    "suite": 1,
    "name": "acme-desktop",
    "version": 3,
    "publisher": PUBLIC["publisher"],
    "registrar": PUBLIC["registrar"],
    "coordinator": {"key": PUBLIC["coordinator"], "url": "wss://sum.acme.example/v1"},
    "window": {"lengthMs": 3600000},
    "epoch": {"lengthMs": 86400000},
    "cohort": {"min": 20, "target": 100, "max": 120},
    "minSurvivors": 10,
    "attempts": 3,
    "assumptions": {"corrupt": 10, "dropout": 200, "population": 10000},
    "minRespondents": 5,
    "privacy": {"mechanism": "none"},
    "validity": {"notBeforeMs": 1767225600000, "notAfterMs": 1798761600000},
    "groups": [
        {"name": "essential", "purpose": "Count installations in use", "essential": True},
        {"name": "performance", "purpose": "Find slow starts – and heavy use", "essential": False},
    ],
    "metrics": [
        metric("active", "flag", "essential", "How many installations are in use"),
        metric(
            "startup_ms",
            "histogram",
            "performance",
            "How long a start takes",
            edges=["0", "100", "250.5", "1000"],
            unit="ms",
        ),
        metric("crashes", "count", "essential", "How often the product crashes", max=1000),
        metric(
            "browser",
            "category",
            "essential",
            "Which versions run",
            categories=["chrome-120", "chrome-121"],
        ),
        metric(
            "disk",
            "sum",
            "performance",
            "How much is written",
            min="0",
            max="10000",
            resolution="0.5",
            unit="MiB",
        ),
        metric(
            "temperature",
            "mean",
            "performance",
            "Whether devices run hot",
            min="-40",
            max="125",
            resolution="0.25",
            unit="°C",
        ),
        metric(
            "traffic",
            "sum",
            "performance",
            "How much is sent",
            min="0",
            max="1099511627776",
            resolution="1",
            unit="B",
        ),
    ],
}


# The kinds that MANIFEST leaves out.

KINDS = {
    **MANIFEST,
    "name": "acme-kinds",
    "metrics": [
        metric(
            "channel",
            "category",
            "essential",
            "Which channels are in use",
            categories=["stable", "beta"],
        ),
        metric(
            "system",
            "category",
            "essential",
            "Which systems are in use",
            categories=["linux", "mac", "windows"],
        ),
        metric(
            "system_by_channel",
            "cross-tabulation",
            "essential",
            "Which systems run betas",
            rows="system",
            columns="channel",
        ),
        metric(
            "features",
            "multi-select",
            "performance",
            "Which features are used",
            options=["export", "print", "search", "share"],
            most=2,
        ),
        metric(
            "extension",
            "top-k",
            "performance",
            "Which extensions are worth testing",
            candidates=["alpha", "beta-2", "gamma"],
            k=2,
        ),
        metric(
            "save_ms",
            "variance",
            "performance",
            "How much saving varies",
            min="-5",
            max="102.5",
            resolution="0.5",
            unit="ms",
        ),
        metric(
            "far",
            "variance",
            "performance",
            "A square in limbs",
            min="0",
            max="60001",
            resolution="1",
            unit="m",
        ),
        metric(
            "latency_ms",
            "distribution",
            "performance",
            "How long an answer takes",
            min="0.5",
            max="40",
            relativeError="0.25",
            unit="ms",
        ),
    ],
}


# Canonical form and signature.


def canonical(value):
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


CANONICAL = canonical(MANIFEST).encode()
LABEL = b"onlysum/1 manifest"
SIGNED = (
    len(LABEL).to_bytes(2, "big") + LABEL + len(CANONICAL).to_bytes(4, "big") + CANONICAL
)


# Layout.


def amount_bounds(label, bound, largest):
    """The lanes of an amount as (label, bound, limb or None)."""
    if largest * bound < 2**32:
        return [(label, bound, None)]
    digits = []
    rest = bound
    while rest:
        digits.append(rest % 65536)
        rest //= 65536
    count = len(digits)
    return [
        (
            f"{label}.limb[{i}/{count}]",
            digit if i == count - 1 else 65535,
            {"index": i, "count": count},
        )
        for i, digit in enumerate(digits)
    ]


def steps(m):
    return int((Fraction(m["max"]) - Fraction(m["min"])) / Fraction(m["resolution"]))


def farthest(m):
    """Steps from the centre of a variance to the end farther from it."""
    return steps(m) - steps(m) // 2


def log_edges(m):
    """Ascending edges of a distribution, which begins with 0: products of doubles, nothing else."""
    error, low, high = float(m["relativeError"]), float(m["min"]), float(m["max"])
    ratio = (1 + error) / (1 - error)
    edges = [0.0]
    while low < high:
        edges.append(low)
        low = low * ratio
    return edges + [high]


def nine_digits(number):
    return format(Decimal(f"{number:.9g}"), "f")


def log_labels(m):
    inner = [m["min"]] + [nine_digits(edge) for edge in log_edges(m)[2:-1]] + [m["max"]]
    pairs = list(zip(inner, inner[1:]))
    ends = [")"] * (len(pairs) - 1) + ["]"]
    ranges = [f"[{low},{high}{end}" for (low, high), end in zip(pairs, ends)]
    return [f"[below {m['min']}]"] + ranges


def listed(m):
    return next(m[name] for name in ("categories", "options", "candidates") if name in m) + ["other"]


def unit_lanes(m, manifest):
    """(role, label) of the lanes by position, of kinds that have such lanes"""
    kind = m["kind"]
    if kind in ("category", "top-k", "multi-select"):
        role = "option" if kind == "multi-select" else "category"
        return [(role, f"[{name}]") for name in listed(m)]
    if kind == "histogram":
        edges = m["edges"]
        ends = [")"] * (len(edges) - 2) + ["]"]
        return [("bucket", f"[{a},{b}{end}") for a, b, end in zip(edges, edges[1:], ends)]
    if kind == "distribution":
        return [("bucket", label) for label in log_labels(m)]
    if kind == "cross-tabulation":
        by_name = {each["name"]: each for each in manifest["metrics"]}
        rows, columns = (listed(by_name[m[axis]]) for axis in ("rows", "columns"))
        return [("cell", f"[{row}][{column}]") for row in rows for column in columns]
    return []


def amounts(m):
    """(role, bound) of the lanes that hold more than a bit, before limbs"""
    kind = m["kind"]
    if kind == "flag":
        return [("value", 1)]
    if kind == "count":
        return [("value", m["max"])]
    if kind in ("sum", "mean"):
        return [("value", steps(m))]
    if kind == "variance":
        return [("value", steps(m)), ("square", farthest(m) ** 2)]
    return []


REPORTED = ("flag", "count", "sum", "mean", "variance", "multi-select")
CLIPPED = ("count", "sum", "mean", "variance", "multi-select", "histogram", "distribution")


def layout(manifest):
    largest = manifest["cohort"]["max"]
    lanes = []

    def add(name, group, role, label, bound, **rest):
        lane = {"index": len(lanes)}
        if name is not None:
            lane["metric"] = name
        width = (largest * bound).bit_length()
        assert width <= 32
        lane.update(group=group, role=role, label=label, bound=bound, tail=0, width=width, **rest)
        lanes.append(lane)

    for group in manifest["groups"]:
        g = group["name"]
        add(None, g, "respondents", f"{g}.respondents", 1)
        for m in manifest["metrics"]:
            name, kind = m["name"], m["kind"]
            if m["group"] != g:
                continue
            for role, bound in amounts(m):
                for label, lane_bound, limb in amount_bounds(f"{name}.{role}", bound, largest):
                    add(name, g, role, label, lane_bound, **({"limb": limb} if limb else {}))
            for i, (role, label) in enumerate(unit_lanes(m, manifest)):
                add(name, g, role, f"{name}.{role}{label}", 1, position=i)
            if kind in REPORTED:
                add(name, g, "reported", f"{name}.reported", 1)
            if kind in CLIPPED:
                add(name, g, "clipped", f"{name}.clipped", 1)
    return lanes


LANES, KIND_LANES = layout(MANIFEST), layout(KINDS)


def vector_bytes(lanes):
    return -(-sum(lane["width"] for lane in lanes) // 8)


# With noise a lane has room for a tail on both sides. (cohort.max, B, T)
WIDTHS = [
    {"max": most, "bound": bound, "tail": tail, "width": (most * bound + 2 * tail).bit_length()}
    for most, bound, tail in (
        (3, 1, 0),
        (4, 1, 0),
        (3, 1, 2),
        (120, 1, 60),
        (120, 1, 68),
        (1000, 1, 12),
        (10000, 20000, 1000000),
        (65535, 65537, 0),
        (65535, 65536, 32767),
    )
]


# Manifests to refuse.

INVALID = []
REMOVE = object()


def path_text(path):
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def bad(name, path, value, code="manifest-invalid", field=None):
    case = {"name": name, "path": path}
    if value is not REMOVE:
        case["value"] = value
    case.update(code=code, field=path_text(path) if field is None else field)
    INVALID.append(case)


def at(index, *rest):
    return ["metrics", index, *rest]


bad("another format version", ["onlysum"], 2)
bad("another suite", ["suite"], 2)
bad("missing field", ["attempts"], REMOVE)
bad("unknown field", ["colour"], "red")
bad("unknown field that every object inherits", ["constructor"], "x")
bad("unknown field of a group", ["groups", 0, "note"], "x")
bad("unknown field of a metric", at(0, "max"), 5)
bad("name with capitals", ["name"], "Acme")
bad("name not a string", ["name"], 7)
bad("name of 64 characters", ["name"], "a" * 64)
bad("version zero", ["version"], 0)
bad("version as a string", ["version"], "3")
bad("version beyond 2^53 - 1", ["version"], 2**53)
bad("fraction", ["window", "lengthMs"], 3600000.5)
bad("upper-case key", ["publisher"], PUBLIC["publisher"].upper())
bad("short key", ["registrar"], PUBLIC["registrar"][:-2])
bad("publisher is registrar", ["registrar"], PUBLIC["publisher"])
bad("coordinator is registrar", ["coordinator", "key"], PUBLIC["registrar"])
bad("coordinator is publisher", ["coordinator", "key"], PUBLIC["publisher"])
for url in (
    "http://sum.acme.example",
    "ws://sum.acme.example",
    "ws://127.0.0.1.acme.example",
    "wss://",
    "wss://user@sum.acme.example",
    "wss://:secret@sum.acme.example",
    "wss://sum.acme.example/#x",
    "wss://sum.acme.example/ x",
    "wss://sum.acme.example:99999",
    "sum.acme.example",
    "wss://sum.acme.example/#",
):
    bad(f"url {url}", ["coordinator", "url"], url)
bad("coordinator not an object", ["coordinator"], "wss://sum.acme.example")
bad("window too short", ["window", "lengthMs"], 999)
bad("epoch too short", ["epoch", "lengthMs"], 500)
bad("epoch not a multiple of the window", ["epoch", "lengthMs"], 86400001)
bad("cohort of two", ["cohort", "min"], 2)
bad("target below min", ["cohort", "target"], 19)
bad("max below target", ["cohort", "max"], 99)
bad("cohort beyond 16 bits", ["cohort", "max"], 65536)
bad("one survivor", ["minSurvivors"], 1)
bad("minSurvivors above cohort.min", ["minSurvivors"], 21)
bad("no attempt", ["attempts"], 0)
bad("too many attempts", ["attempts"], 17)
bad("corrupt out of range", ["assumptions", "corrupt"], 1000)
bad("negative dropout", ["assumptions", "dropout"], -1)
bad("corrupt and dropout make the whole cohort", ["assumptions", "dropout"], 990)
bad("population out of range", ["assumptions", "population"], 1000001)
SKELLAM = {
    "mechanism": "skellam",
    "epsilon": "1",
    "delta": "0.000001",
    "neighbours": "zero",
    "budget": {"epsilon": "8", "delta": "0.00001", "days": 30},
}
LAPLACE = {
    "mechanism": "discrete-laplace",
    "epsilon": "1",
    "neighbours": "replace",
    "budget": {"epsilon": "8", "delta": "0", "days": 30},
}


def bad_noise(name, noise, path, value):
    """`noise` with the value at `path` replaced, or removed"""
    changed = json.loads(json.dumps(noise))
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    if value is REMOVE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    bad(f"{noise['mechanism']}: {name}", ["privacy"], changed, field=path_text(["privacy", *path]))


bad("unknown mechanism", ["privacy", "mechanism"], "gaussian")
bad("mechanism not a string", ["privacy", "mechanism"], 5)
bad("mechanism missing", ["privacy", "mechanism"], REMOVE)
bad("none with a budget", ["privacy", "epsilon"], "1")
for noise in (SKELLAM, LAPLACE):
    for path in (["epsilon"], ["neighbours"], ["budget"], ["budget", "delta"], ["budget", "days"]):
        bad_noise(f"{path[-1]} missing", noise, path, REMOVE)
    bad_noise("epsilon zero", noise, ["epsilon"], "0")
    bad_noise("epsilon negative", noise, ["epsilon"], "-1")
    bad_noise("epsilon a number", noise, ["epsilon"], 1)
    bad_noise("other neighbours", noise, ["neighbours"], "add")
    bad_noise("budget below a window's epsilon", noise, ["budget", "epsilon"], "0.999")
    bad_noise("budget of epsilon 1000", noise, ["budget", "epsilon"], "1000")
    bad_noise("budget of delta 1", noise, ["budget", "delta"], "1")
    bad_noise("no days", noise, ["budget", "days"], 0)
    bad_noise("more than ten years", noise, ["budget", "days"], 3651)
    bad_noise("an unknown field", noise, ["total"], "10")
bad_noise("delta missing", SKELLAM, ["delta"], REMOVE)
bad_noise("delta zero", SKELLAM, ["delta"], "0")
bad_noise("delta below 10^-12", SKELLAM, ["delta"], "0.0000000000009")
bad_noise("budget below a window's delta", SKELLAM, ["budget", "delta"], "0.0000009")
bad_noise("delta of its own", LAPLACE, ["delta"], "0.000001")
bad_noise("negative delta of the budget", LAPLACE, ["budget", "delta"], "-0.1")
bad("no respondents asked for", ["minRespondents"], 0)
bad("more respondents than a cohort can have", ["minRespondents"], 65536)
bad("respondents missing", ["minRespondents"], REMOVE)
bad("empty validity", ["validity", "notAfterMs"], 1767225600000)
bad("negative time", ["validity", "notBeforeMs"], -1)
bad("no groups", ["groups"], [])
bad("group twice", ["groups", 1, "name"], "essential")
bad("group unused", ["groups", 1, "name"], "unused")
bad("essential not a boolean", ["groups", 0, "essential"], 1)
bad("group name with a dot", ["groups", 0, "name"], "a.b")
bad("purpose empty", ["groups", 0, "purpose"], "")
bad("purpose with a line end", at(0, "purpose"), "a\nb")
bad("purpose too long", at(0, "purpose"), "x" * 501)
bad("no metrics", ["metrics"], [])
bad("metrics not an array", ["metrics"], {})
bad("metric not an object", at(0), "active")
bad("unknown kind", at(0, "kind"), "gauge")
bad("kind missing", at(0, "kind"), REMOVE)
bad("metric twice", at(2, "name"), "active")
bad("metric name with a bracket", at(0, "name"), "active[0")
bad("metric in no group", at(0, "group"), "marketing")
bad("purpose missing", at(0, "purpose"), REMOVE)
bad("owner missing", at(0, "owner"), REMOVE)
bad("retention missing", at(0, "retentionDays"), REMOVE)
bad("retention zero", at(0, "retentionDays"), 0)
bad("retention beyond ten years", at(0, "retentionDays"), 3651)
bad("access missing", at(0, "access"), REMOVE)
bad("access of nobody", at(0, "access"), [])
bad("access of a role that is none", at(0, "access", 0), "everybody")
bad("access of a role twice", at(0, "access", 1), "analyst")
bad("count without max", at(2, "max"), REMOVE)
bad("count of max zero", at(2, "max"), 0)
bad("count with a decimal string", at(2, "max"), "1000")
bad("no categories", at(3, "categories"), [])
bad("other listed", at(3, "categories", 1), "other")
bad("category twice", at(3, "categories", 1), "chrome-120")
bad("category with a bracket", at(3, "categories", 0), "a]")
bad("category not a string", at(3, "categories", 0), 120)
for text in ("0.50", "00.5", ".5", "5.", "+1", "1e3", "-0", " 1", "", "1" * 19, "0x1", "١"):
    bad(f"decimal {json.dumps(text)}", at(4, "resolution"), text)
bad("decimal as a number", at(4, "resolution"), 1)
bad("resolution zero", at(4, "resolution"), "0")
bad("resolution negative", at(4, "resolution"), "-0.5")
bad("resolution does not divide", at(4, "resolution"), "0.3")
bad("max equals min", at(4, "max"), "0")
bad("max below min", at(5, "max"), "-41")
bad("unit missing", at(4, "unit"), REMOVE)
bad("one edge", at(1, "edges"), ["0"])
bad("edges repeat", at(1, "edges", 2), "100")
bad("edges fall", at(1, "edges", 3), "250.4")
bad("edge as a number", at(1, "edges", 0), 0)
bad("count could wrap", at(2, "max"), 2**53 - 1, "metric-could-wrap", "crashes")
bad("sum could wrap", at(6, "max"), str(10**17), "metric-could-wrap", "traffic")
bad("just too many steps", at(2, "max"), (2**53 - 1) // 120 + 1, "metric-could-wrap", "crashes")


def bad_kind(name, entry, code="manifest-invalid", field=None):
    """`active`, the first metric, replaced by `entry`"""
    where = path_text(at(0, *([] if field is None else [field])))
    bad(name, at(0), entry, code, where if code == "manifest-invalid" else entry["name"])


def kind_of(source, /, **change):
    """A metric of KINDS in the place of `active`, changed"""
    entry = next(m for m in KINDS["metrics"] if m["name"] == source)
    changed = {**entry, "name": "active", "group": "essential", **change}
    return {key: value for key, value in changed.items() if value is not REMOVE}


bad_kind("no options", kind_of("features", options=[]), field="options")
bad_kind("other among options", kind_of("features", options=["a", "b", "other"]), field="options[2]")
bad_kind("option twice", kind_of("features", options=["a", "b", "a"]), field="options[2]")
bad_kind("most of none", kind_of("features", most=0), field="most")
bad_kind("most beyond the options", kind_of("features", most=5), field="most")
bad_kind("most missing", kind_of("features", most=REMOVE), field="most")
bad_kind("candidate twice", kind_of("extension", candidates=["a", "b", "a"]), field="candidates[2]")
bad_kind("k of none", kind_of("extension", k=0), field="k")
bad_kind("k beyond the candidates", kind_of("extension", k=4), field="k")
bad_kind("variance: resolution does not divide", kind_of("save_ms", resolution="0.3"), field="resolution")
bad_kind("distribution from zero", kind_of("latency_ms", min="0"), field="min")
bad_kind("distribution from below zero", kind_of("latency_ms", min="-1"), field="min")
bad_kind("distribution: max equals min", kind_of("latency_ms", max="0.5"), field="max")
bad_kind("distribution too fine", kind_of("latency_ms", relativeError="0.0009"), field="relativeError")
for error in ("0.991", "0.999999999999999999", "1"):
    bad_kind(f"distribution of error {error}", kind_of("latency_ms", relativeError=error), field="relativeError")
for axis in ("rows", "columns"):
    both = {"rows": "browser", "columns": "browser"}
    for what, source in (
        ("a metric that is none", "nothing"),
        ("a count", "crashes"),
        ("a metric of another group", "startup_ms"),
        ("itself", "active"),
    ):
        entry = kind_of("system_by_channel", **{**both, axis: source})
        bad_kind(f"cross-tabulation: {axis} of {what}", entry, field=axis)
bad_kind("cross-tabulation of one with itself", kind_of("system_by_channel", **both), field="columns")
bad_kind(
    "variance could wrap",
    kind_of("save_ms", name="wide", min="0", max=str(10**8), resolution="1"),
    "metric-could-wrap",
)

NOT_CANONICAL = {
    "white space": b'{"a": 1}',
    "trailing line end": b'{"a":1}\n',
    "order of keys": b'{"b":1,"a":2}',
    "duplicate keys": b'{"a":1,"a":1}',
    "duplicate keys, different values": b'{"a":1,"a":2}',
    "number with exponent": b'{"a":1e2}',
    "number with fraction": b'{"a":1.0}',
    "a fraction": b'{"a":1.5}',
    "negative zero": b'{"a":-0}',
    "beyond 2^53 - 1": b'{"a":9007199254740992}',
    "null": b'{"a":null}',
    "needless escape": b'{"a":"\\u0041"}',
    "escaped solidus": b'{"a":"\\/"}',
    "upper-case escape": b'{"a":"\\u000F"}',
    "lone surrogate": b'{"a":"\\ud800"}',
    "lone surrogate in a key": b'{"\\udc00":1}',
    "byte order mark": b'\xef\xbb\xbf{"a":1}',
    "not UTF-8": b'{"a":"\xff"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "truncated": b'{"a":1',
    "empty": b"",
    "two values": b"{}{}",
    "17 levels": b"[" * 17 + b"]" * 17,
}

JCS = [
    (
        "RFC 8785 section 3.2.3, sorting of property names",
        r'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",'
        r'"1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",'
        r'"\u00f6":"Latin Small Letter O With Diaeresis"}',
        '{"\\r":"Carriage Return","1":"One","\u0080":"Control",'
        '"ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign",'
        '"😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ),
    (
        "RFC 8785 section 3.2.2, the string of its example",
        r"""{"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}""",
        r"""{"string":"€$\u000f\nA'B\"\\\\\"/"}""",
    ),
    (
        "integers, booleans, nesting",
        '{ "b" : [ true, false, -1, 0, -0, 9007199254740991 ], "a" : { } }',
        '{"a":{},"b":[true,false,-1,0,0,9007199254740991]}',
    ),
]


# Encoding of single devices. A number means its shortest decimal form, which is what repr prints.


def position_in(edges, number):
    """(bucket, clipped)"""
    clipped = number < edges[0] or number > edges[-1]
    inside = min(max(number, edges[0]), edges[-1])
    last = len(edges) - 2
    return next((i for i in range(last) if inside < edges[i + 1]), last), clipped


def encode_metric(m, recorded):
    """(value, positions, clipped)"""
    kind = m["kind"]
    if kind == "flag":
        return int(recorded), [], False
    if kind == "count":
        return min(recorded, m["max"]), [], recorded > m["max"]
    if kind in ("category", "top-k"):
        names = listed(m)
        return 0, [names.index(recorded if recorded in names else "other")], False
    if kind == "multi-select":
        names = listed(m)
        chosen = sorted({names.index(x if x in names else "other") for x in recorded})
        return 0, chosen[: m["most"]], len(chosen) > m["most"]
    if kind == "distribution":
        edges = log_edges(m)
        above = edges[1:-1]
        return 0, [sum(edge <= recorded for edge in above)], recorded > edges[-1]
    number = Fraction(repr(recorded))
    if kind == "histogram":
        position, clipped = position_in([Fraction(edge) for edge in m["edges"]], number)
        return 0, [position], clipped
    low, high = Fraction(m["min"]), Fraction(m["max"])
    inside = min(max(number, low), high)
    rounded = int((inside - low) / Fraction(m["resolution"]) + Fraction(1, 2))
    return rounded, [], inside != number


def encode_cell(m, manifest, values):
    """None unless both axes have a value"""
    if m["rows"] not in values or m["columns"] not in values:
        return None
    by_name = {each["name"]: each for each in manifest["metrics"]}
    (row,), (column,) = (encode_metric(by_name[x], values[x])[1] for x in (m["rows"], m["columns"]))
    return 0, [row * len(listed(by_name[m["columns"]])) + column], False


def encode(manifest, all_lanes, values, consented):
    by_name = {m["name"]: m for m in manifest["metrics"]}
    encoded = {name: encode_metric(by_name[name], value) for name, value in values.items()}
    for m in manifest["metrics"]:
        cell = encode_cell(m, manifest, values) if m["kind"] == "cross-tabulation" else None
        if cell is not None:
            encoded[m["name"]] = cell
    lanes = []
    for lane in all_lanes:
        name, role = lane.get("metric"), lane["role"]
        if lane["group"] not in consented or (name is not None and name not in encoded):
            lanes.append(0)
            continue
        if name is None or role == "reported":
            lanes.append(1)
            continue
        value, positions, clipped = encoded[name]
        if role == "clipped":
            lanes.append(int(clipped))
        elif role in ("value", "square"):
            m = by_name[name]
            amount = value if role == "value" else (value - steps(m) // 2) ** 2
            limb = lane.get("limb")
            lanes.append(amount if limb is None else amount // 65536 ** limb["index"] % 65536)
        else:
            lanes.append(int(lane["position"] in positions))
    return lanes


BOTH = ["essential", "performance"]
DEVICES = [
    (
        "one of everything",
        dict(
            active=True,
            startup_ms=99.9,
            crashes=3,
            browser="chrome-121",
            disk=12.25,
            temperature=36.6,
            traffic=123456789012,
        ),
        BOTH,
    ),
    (
        "edges belong to the bucket above, the last to the last",
        dict(
            active=False,
            startup_ms=100,
            crashes=0,
            browser="chrome-120",
            disk=0,
            temperature=-40,
            traffic=0,
        ),
        BOTH,
    ),
    ("last edge", dict(startup_ms=1000, disk=10000, temperature=125, traffic=1099511627776), BOTH),
    (
        "above the range",
        dict(startup_ms=1000.001, crashes=1001, disk=10000.1, temperature=125.0001, traffic=1e300),
        BOTH,
    ),
    ("below the range", dict(startup_ms=-0.1, disk=-1e-9, temperature=-300, traffic=-1), BOTH),
    ("a decimal edge", dict(startup_ms=250.5, disk=0.25, temperature=-39.875), BOTH),
    (
        "just below it, and halves that do not reach",
        dict(startup_ms=250.49999999999997, disk=0.24999999999999997, temperature=5e-324),
        BOTH,
    ),
    ("a category not listed", dict(browser="opera-7", active=True), BOTH),
    ("only essential", dict(active=True, startup_ms=5, crashes=1, disk=7), ["essential"]),
    ("nothing recorded", {}, BOTH),
    ("no consent at all", dict(active=True), []),
]
KIND_DEVICES = [
    (
        "one of everything",
        dict(
            channel="beta",
            system="mac",
            features=["print", "share"],
            extension="gamma",
            save_ms=12.25,
            far=7,
            latency_ms=3.5,
        ),
        BOTH,
    ),
    (
        "more selected than count: the first of the manifest do",
        dict(features=["share", "search", "print"], save_ms=102.5, far=60001, latency_ms=40),
        BOTH,
    ),
    ("nothing selected, and other with itself", dict(features=[], channel="nightly", system="bsd"), BOTH),
    ("selected twice, and what is not listed", dict(features=["x", "export", "y", "export"]), BOTH),
    ("below the range", dict(save_ms=-6, far=-1, latency_ms=0.49), BOTH),
    ("above the range", dict(save_ms=103, far=60002, latency_ms=40.01), BOTH),
    ("at the least", dict(save_ms=-5, far=0, latency_ms=0.5), BOTH),
    ("at an edge between two buckets", dict(latency_ms=0.5 * ((1 + 0.25) / (1 - 0.25))), BOTH),
    ("a table needs both of its axes", dict(system="linux", extension="delta"), BOTH),
    ("only essential", dict(channel="stable", system="windows", extension="alpha"), ["essential"]),
]


def lines(entries):
    return "[\n  " + ",\n  ".join(json.dumps(e, ensure_ascii=False) for e in entries) + "\n ]"


def write(name, fields):
    """One line per entry of a list, so that a change shows as the entries it touches."""
    parts = []
    for key, value in fields.items():
        listed = isinstance(value, list) and isinstance(value[0], dict)
        text = lines(value) if listed else json.dumps(value, ensure_ascii=False)
        parts.append(f"{json.dumps(key)}: {text}")
    body = ",\n ".join(parts)
    (HERE / name).write_text("{\n " + body + "\n}\n")


write(
    "manifest.json",
    {
        "about": "Task manifest, version 1, written by manifest.py. `canonical` is RFC 8785 of "
        "`manifest`, in hex; `taskId` its SHA-256; `signature` Ed25519 by `publisherSeed` over "
        'u16 18 || "onlysum/1 manifest" || u32 length || canonical. Each entry of `invalid` is '
        "`manifest` with the value at `path` replaced (or removed, if it has no `value`), with the "
        "code and field of the error. `kinds` is another manifest, with its lanes; each of `noise` a privacy "
        "that the manifest may have; `widths` are those of lanes with a tail.",
        "publisherSeed": SEEDS["publisher"].hex(),
        "manifest": MANIFEST,
        "canonical": CANONICAL.hex(),
        "taskId": hashlib.sha256(CANONICAL).hexdigest(),
        "signature": KEYS["publisher"].sign(SIGNED).hex(),
        "vectorBytes": vector_bytes(LANES),
        "lanes": LANES,
        "kinds": KINDS,
        "kindVectorBytes": vector_bytes(KIND_LANES),
        "kindLanes": KIND_LANES,
        "widths": WIDTHS,
        "noise": [SKELLAM, LAPLACE],
        "validUrls": [
            "wss://sum.acme.example",
            "wss://sum.acme.example:8443/a?b=c",
            "ws://localhost:8080",
            "ws://127.0.0.1:8080/v1",
            "ws://127.8.9.10",
            "ws://[::1]:8080",
        ],
        "invalid": INVALID,
        "notCanonical": [{"name": k, "bytes": v.hex()} for k, v in NOT_CANONICAL.items()],
        "jcs": [
            {"name": name, "input": text, "canonical": out.encode().hex()}
            for name, text, out in JCS
        ],
    },
)


def devices_of(manifest, lanes, devices):
    return [
        {
            "name": name,
            "values": values,
            "consented": consented,
            "lanes": encode(manifest, lanes, values, consented),
        }
        for name, values, consented in devices
    ]


def column_sums(devices):
    return [sum(column) for column in zip(*(device["lanes"] for device in devices))]


encoded = devices_of(MANIFEST, LANES, DEVICES)
kinds_encoded = devices_of(KINDS, KIND_LANES, KIND_DEVICES)
write(
    "metrics.json",
    {
        "about": "Lanes of single devices under the manifest of manifest.json, one number a lane in "
        "its order, and the sum of them all, written by manifest.py; then the same for its `kinds`.",
        "devices": encoded,
        "sum": column_sums(encoded),
        "kindDevices": kinds_encoded,
        "kindSum": column_sums(kinds_encoded),
    },
)
