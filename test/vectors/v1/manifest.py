"""Writes manifest.json and metrics.json beside itself. Canonical form, layout, encoding and the
cases to refuse are written from the specification, with nothing in common with packages/task and
packages/metrics: python3 test/vectors/v1/manifest.py (needs python3-cryptography for Ed25519)"""
import hashlib
import json
import pathlib
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
        name=name, kind=kind, group=group, purpose=purpose, owner=owner, retentionDays=90, **rest
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


def value_bounds(name, bound, largest):
    """The value lanes of a metric as (label, bound, limb or None)."""
    if largest * bound < 2**32:
        return [(f"{name}.value", bound, None)]
    digits = []
    rest = bound
    while rest:
        digits.append(rest % 65536)
        rest //= 65536
    count = len(digits)
    return [
        (
            f"{name}.value.limb[{i}/{count}]",
            digit if i == count - 1 else 65535,
            {"index": i, "count": count},
        )
        for i, digit in enumerate(digits)
    ]


def steps(m):
    return int((Fraction(m["max"]) - Fraction(m["min"])) / Fraction(m["resolution"]))


def layout():
    largest = MANIFEST["cohort"]["max"]
    lanes = []

    def add(name, group, role, label, bound, **rest):
        lane = {"index": len(lanes)}
        if name is not None:
            lane["metric"] = name
        width = (largest * bound).bit_length()
        assert width <= 32
        lane.update(group=group, role=role, label=label, bound=bound, tail=0, width=width, **rest)
        lanes.append(lane)

    for group in MANIFEST["groups"]:
        g = group["name"]
        add(None, g, "respondents", f"{g}.respondents", 1)
        for m in MANIFEST["metrics"]:
            name, kind = m["name"], m["kind"]
            if m["group"] != g:
                continue
            if kind == "category":
                for i, category in enumerate(m["categories"] + ["other"]):
                    add(name, g, "category", f"{name}.category[{category}]", 1, position=i)
                continue
            if kind == "histogram":
                edges = m["edges"]
                for i in range(len(edges) - 1):
                    end = "]" if i == len(edges) - 2 else ")"
                    label = f"{name}.bucket[{edges[i]},{edges[i + 1]}{end}"
                    add(name, g, "bucket", label, 1, position=i)
                add(name, g, "clipped", f"{name}.clipped", 1)
                continue
            bound = 1 if kind == "flag" else m["max"] if kind == "count" else steps(m)
            for label, lane_bound, limb in value_bounds(name, bound, largest):
                add(name, g, "value", label, lane_bound, **({"limb": limb} if limb else {}))
            add(name, g, "reported", f"{name}.reported", 1)
            if kind != "flag":
                add(name, g, "clipped", f"{name}.clipped", 1)
    return lanes


LANES = layout()


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
for mechanism in ("skellam", "discrete-laplace"):
    budget = {"mechanism": mechanism, "epsilon": "1", "delta": "0.000001", "total": "10"}
    bad(f"noise: {mechanism}", ["privacy"], budget, "noise-unsupported", "privacy.mechanism")
bad("unknown mechanism", ["privacy", "mechanism"], "gaussian", "noise-unsupported")
bad("mechanism not a string", ["privacy", "mechanism"], 5)
bad("none with a budget", ["privacy", "epsilon"], "1")
bad("noise without its budget", ["privacy"], {"mechanism": "skellam"}, "noise-unsupported", "privacy.mechanism")
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
    """(value, position, clipped)"""
    kind = m["kind"]
    if kind == "flag":
        return int(recorded), 0, False
    if kind == "count":
        return min(recorded, m["max"]), 0, recorded > m["max"]
    if kind == "category":
        categories = m["categories"]
        listed = recorded in categories
        return 0, categories.index(recorded) if listed else len(categories), False
    number = Fraction(repr(recorded))
    if kind == "histogram":
        return 0, *position_in([Fraction(edge) for edge in m["edges"]], number)
    low, high = Fraction(m["min"]), Fraction(m["max"])
    inside = min(max(number, low), high)
    rounded = int((inside - low) / Fraction(m["resolution"]) + Fraction(1, 2))
    return rounded, 0, inside != number


def encode(values, consented):
    by_name = {m["name"]: m for m in MANIFEST["metrics"]}
    lanes = []
    for lane in LANES:
        name, role = lane.get("metric"), lane["role"]
        if lane["group"] not in consented or (name is not None and name not in values):
            lanes.append(0)
            continue
        if name is None or role == "reported":
            lanes.append(1)
            continue
        value, position, clipped = encode_metric(by_name[name], values[name])
        if role == "clipped":
            lanes.append(int(clipped))
        elif role == "value":
            limb = lane.get("limb")
            lanes.append(value if limb is None else value // 65536 ** limb["index"] % 65536)
        else:
            lanes.append(int(position == lane["position"]))
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
        "code and field of the error.",
        "publisherSeed": SEEDS["publisher"].hex(),
        "manifest": MANIFEST,
        "canonical": CANONICAL.hex(),
        "taskId": hashlib.sha256(CANONICAL).hexdigest(),
        "signature": KEYS["publisher"].sign(SIGNED).hex(),
        "vectorBytes": -(-sum(lane["width"] for lane in LANES) // 8),
        "lanes": LANES,
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
encoded = [
    {"name": name, "values": values, "consented": consented, "lanes": encode(values, consented)}
    for name, values, consented in DEVICES
]
write(
    "metrics.json",
    {
        "about": "Lanes of single devices under the manifest of manifest.json, one number a lane in "
        "its order, and the sum of them all, written by manifest.py.",
        "devices": encoded,
        "sum": [sum(column) for column in zip(*(device["lanes"] for device in encoded))],
    },
)
