"""reports_oracle.py: figures by brute force, from the journal as tests/kill.d/journal.py reads it: everything is kept
and counted at the end, nothing is estimated. It shares no code and no idea with runtime/survey*: an instance's
leaves are followed from its creation on, so that no record has to tell how long anything took.
"""
import collections
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kill.d"))
import journal  # noqa: E402

SECOND = 10**9
EVENT_KINDS = ("transition", "context", "rejected", "incident_opened")
ALWAYS = 2  # of causes


class Instance:
    def __init__(self, record):
        self.id, self.machine, self.created = record.inst, record.mach, record.time
        self.leaves, self.reached, self.fate, self.gone = {}, {}, "standing", False
        self.labels, self.key, self.corrs, self.users = record.labels or {}, record.key, {record.corr}, set()


class History:
    """All that the journal says, in order."""

    def __init__(self, directory, until_seq=None):
        self.records, self.stays, self.instances = [], [], {}
        self.entries, self.final_of = [], {}
        reader = journal.Reader(directory)
        for frame in reader.frames():
            for data in frame:
                record = journal.Record(data)
                if until_seq is None or record.seq <= until_seq:
                    self.records.append(record)
                    self.follow(record)

    def follow(self, r):
        if r.kind == "rejected" or r.inst is None:
            return
        if r.kind == "created":
            self.instances[r.inst] = Instance(r)
        one = self.instances[r.inst]
        one.corrs.add(r.corr)
        one.users.add((r.act or {}).get("sub"))
        entered = set(r.since or ())
        if r.kind == "cancelled":
            for leaf in one.leaves:
                self.stays.append((one.machine, leaf, r.time, r.time - one.leaves[leaf], one))
            one.leaves_at_end, one.leaves = sorted(one.leaves), {}
        elif r.to is not None and one.fate != "cancelled":  # a note on one that stands nowhere
            for leaf in list(one.leaves):
                if leaf not in r.to or leaf in entered:
                    self.stays.append((one.machine, leaf, r.time, r.time - one.leaves.pop(leaf), one))
            for leaf in r.to:
                if leaf not in one.leaves:
                    assert leaf in entered, (r.seq, leaf)
                    one.leaves[leaf] = r.time
                    self.entries.append((one.machine, leaf, r.time, one))
        for path in entered:
            one.reached.setdefault(path, r.time - one.created)
        fates = {"completed": "completed", "cancelled": "cancelled", "incident_opened": "incidents", "incident_closed": "standing"}
        one.fate = fates.get(r.kind, one.fate)
        one.gone |= r.kind == "purged" and not (r.detail or {}).get("next")

    # ---- figures ----

    def stats(self, machine, since, until, now, passes=None):
        """passes: of an instance, as it is at the end; None = all that is recorded."""
        whom = {one.id for one in self.instances.values() if passes and not one.gone and passes(one)}

        def inside(m, at, name=None):
            return (machine is None or m == machine) and since <= at < until and (passes is None or name in whom)

        of = [r for r in self.records if inside(r.mach, r.time, r.inst)]
        out = {"records": len(of), "instances": len(whom)}
        gone = {one.id for one in self.instances.values() if one.gone}
        out["left"] = sum((machine is None or r.mach == machine) and since <= r.time < until and r.inst in gone for r in self.records)
        kinds = collections.Counter((r.mach, r.kind) for r in of)
        out["machines"] = {}
        for (m, kind), count in kinds.items():
            out["machines"].setdefault(m, {})[kind] = count
        states = collections.defaultdict(lambda: {"entered": 0, "stays": [], "standing": []})
        for m, leaf, at, one in self.entries:
            if inside(m, at, one.id):
                states[m, leaf]["entered"] += 1
        for m, leaf, at, spent, one in self.stays:
            if inside(m, at, one.id):
                states[m, leaf]["stays"].append(spent)
        for one in self.instances.values():
            if not one.gone and (machine is None or one.machine == machine) and (passes is None or one.id in whom):
                for leaf, since_ns in one.leaves.items():
                    states[one.machine, leaf]["standing"].append(max(0, now - since_ns))
        out["states"] = dict(states)
        out["events"], out["refusals"] = collections.Counter(), collections.Counter()
        for r in of:
            sum_of = (r.detail or {}).get("count", 1) if r.kind == "rejected" and r.inst is None else 1
            if r.kind in EVENT_KINDS and r.trigger and r.cause != ALWAYS:
                out["events"][r.mach, r.trigger, r.outcome] += sum_of
            if r.kind == "rejected":
                out["refusals"][r.mach, r.trigger, r.reason] += sum_of
        return out

    def intervals(self, machine, since, until, every, begins, end):
        at = begins - begins % every
        while at < end:
            of = [r for r in self.records if (machine is None or r.mach == machine) and since <= r.time < until and at <= r.time < at + every]
            kinds = collections.Counter(r.kind for r in of)
            yield {
                "from": max(at, begins), "to": min(at + every, end), "records": len(of), "created": kinds["created"],
                "events": sum(r.outcome == "taken" and r.kind in EVENT_KINDS and bool(r.trigger) and r.cause != ALWAYS for r in of),
                "refused": sum((r.detail or {}).get("count", 1) if r.inst is None else 1 for r in of if r.kind == "rejected"),
                "incidents": kinds["incident_opened"], "completed": kinds["completed"], "cancelled": kinds["cancelled"],
            }  # fmt: skip
            at += every

    def funnel(self, machine, since, until, passes=None):
        of = [one for one in self.instances.values() if one.machine == machine and since <= one.created < until]
        of = [one for one in of if passes is None or (not one.gone and passes(one))]
        states = collections.defaultdict(lambda: {"times": [], **{fate: 0 for fate in ("standing", "incidents", "completed", "cancelled")}})
        for one in of:
            for path, spent in one.reached.items():
                states[path]["times"].append(spent)
            for leaf in one.leaves_at_end if one.fate == "cancelled" else one.leaves:
                states[leaf][one.fate] += 1
        return {"created": len(of), "fates": collections.Counter(one.fate for one in of), "states": states}


def spread_faults(got, spans):
    """What is wrong with {count, min_ns, …} of these spans."""
    n = len(spans)
    if got["count"] != n:
        return "count %d, not %d" % (got["count"], n)
    if n == 0:
        return None if got == {"count": 0} else "members of none"
    spans = sorted(spans)
    total, squares = sum(spans), sum(s * s for s in spans)
    exact = {"min_ns": spans[0], "max_ns": spans[-1], "mean_ns": total // n}
    for name, value in exact.items():
        if int(got[name]) != value:
            return "%s %s, not %d" % (name, got[name], value)
    deviation = math.isqrt(n * squares - total * total) / n
    if abs(int(got["stddev_ns"]) - deviation) > 2 + 1e-9 * deviation:
        return "stddev_ns %s, not %d" % (got["stddev_ns"], deviation)
    for name, part in (("p50_ns", 500), ("p95_ns", 950), ("p99_ns", 990)):
        true = spans[(n * part + 999) // 1000 - 1]
        if not true <= int(got[name]) <= min(true + true // 64 + 1, spans[-1]):
            return "%s %s, not %d" % (name, got[name], true)
    return None
