"""journal_docs.py: what every reader of the journal must have seen: a digest of each record as JSON, told from
the stored bytes alone, and which records the routes of that moment give away.

Nothing here is of the code that is judged: segments and msgpack are read by kill.d/journal.py, the JSON form
and the routes are told again from their descriptions (schema/record.schema.json, runtime/routing.h).
"""
import hashlib
import json
import time

from journal import KINDS, OUTCOMES, Reader, leaf_of, unpack

NAMES = (
    "v seq time dur kind outcome reason mach def defv inst key labels rev i n iprev from to tr trigger cause data ctx "
    "ctxh hist since out timers tasks elapsed corr caus parent idem req trace act node tok att late level pii prev "
    "detail counter clock sends msg forced"
).split()
CAUSES = "external timer always raised task admin migrate".split()
DEADLINES = ("due", "next", "deadline", "expires", "retry_at", "heartbeat_by")
WHERES = {
    "record.seq % 3 == 0": lambda r: r["seq"] % 3 == 0,
    "record.?data.?by.orValue(0) > 50": lambda r: isinstance(r.get("data"), dict) and r["data"].get("by", 0) > 50,
    "record.?rev.orValue(0) % 2 == 1 && record.level >= 1": lambda r: r.get("rev", 0) % 2 == 1 and r["level"] >= 1,
}


def whole(number):
    """1.0 and 1 are one number to JSON."""
    return int(number) if number.is_integer() else number


def parse(line):
    return json.loads(line, parse_float=lambda text: whole(float(text)))


def digest(document):
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).digest()


# ---- the JSON form ------------------------------------------------------------------------------------


def clock(ns):
    """With 9, 6, 3 or no digits behind the point."""
    digits = "%09d" % (ns % 10**9)
    while digits.endswith("000"):
        digits = digits[:-3]
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + ("." + digits if digits else "") + "Z"


def plain(value):
    if isinstance(value, float):
        return whole(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list):
        return [plain(v) for v in value]
    return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value


def entry(value):
    if not isinstance(value, dict):
        return plain(value)
    shown = {}
    for name, member in value.items():
        name = "deadline" if name == "deadline_ns" else name
        shown[name] = clock(member) if name in DEADLINES and isinstance(member, int) else plain(member)
    return shown


def field(name, value):
    if name == "time":
        return clock(value)
    if name in ("kind", "outcome", "cause"):
        return {"kind": KINDS, "outcome": OUTCOMES, "cause": CAUSES}[name][value]
    if name in ("timers", "tasks", "sends"):
        return [entry(v) for v in value]
    if name in ("detail", "msg"):
        return entry(value)
    if name == "idem":
        return {"key": value[0].hex(), "fingerprint": value[1].hex(), "expires": clock(value[2])}
    if name == "trace":
        return "00-%s-%s-%02x" % (value[0].hex(), value[1].hex(), value[2])
    return plain(value)


def document_of(data, origin):
    fields, end = unpack(data)
    assert end == len(data)
    document = {NAMES[number]: field(NAMES[number], value) for number, value in fields.items()}
    if document["kind"] == "created":
        document.setdefault("from", None)
    store, part, epoch = origin.split(".")
    more = {"id": "%s.%d" % (origin, document["seq"]), "store": store, "part": int(part), "epoch": int(epoch)}
    return {**document, **more, "leaf": leaf_of(data).hex()}


# ---- routes -------------------------------------------------------------------------------------------


def texts(value):
    return value if isinstance(value, list) else [value]


def fits(pattern, text):
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def one_fits(patterns, text):
    return text is not None and any(fits(p, text) for p in texts(patterns))


def state_fits(patterns, leaves):
    return any(fits(p, leaf) or leaf.startswith(p + ".") for p in texts(patterns) for leaf in leaves or ())


def matches(route, record):
    names = {"machine": "mach", "kind": "kind", "event": "trigger"}
    if not all(one_fits(route[part], record.get(name)) for part, name in names.items() if part in route):
        return False
    if not all(state_fits(route[part], record.get(part)) for part in ("from", "to") if part in route):
        return False
    return "where" not in route or WHERES[route["where"]](record)


# ---- the whole journal --------------------------------------------------------------------------------


class Journal:
    """Grows with the files. All lists have record seq at [seq - 1]; those of `chosen` are routed to that sink."""

    def __init__(self, directory, routed_sink):
        self.reader, self.sink = Reader(directory), routed_sink
        self.leaves, self.digests, self.prevs, self.who, self.by_leaf = [], [], [], [], {}
        self.routes, self.chosen, self.faults = {}, [], []

    @property
    def seq(self):
        return len(self.leaves)

    def read(self):
        for frame in self.reader.frames():
            for data in frame:
                self.take(data)

    def take(self, data):
        record, leaf = document_of(data, self.reader.origin), leaf_of(data)
        seq, before = self.seq + 1, self.leaves[-1] if self.leaves else bytes(32)
        if record["seq"] != seq or record["prev"] != before.hex():
            self.faults.append("the journal's record %d does not follow the one before" % record["seq"])
        self.leaves.append(leaf)
        self.by_leaf[leaf] = seq
        self.digests.append(digest(record))
        self.prevs.append(before)
        self.who.append((record.get("inst"), record.get("corr")))
        if any(self.sink in texts(r["sinks"]) and matches(r, record) for r in self.routes.values()):
            self.chosen.append(seq)
        if record["kind"] == "route":
            detail = record["detail"]
            self.routes.pop(detail["name"], None)
            if "route" in detail:
                self.routes[detail["name"]] = detail["route"]
