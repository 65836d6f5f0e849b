"""figures.py: stats and funnel, held against stays and entries that are followed from the creation on."""
import bisect
import collections
import math

from ask import SECOND, ns, stamp
from rules import DAY
import told as journal_told

journal = journal_told.journal
EVENT_KINDS = {journal.KINDS.index(k) for k in ("transition", "context", "rejected", "incident_opened")}
REJECTED, ALWAYS = journal.KINDS.index("rejected"), 2
FATES = ("standing", "incidents", "completed", "cancelled")


def spread_faults(got, spans):
    """What is wrong with {count, min_ns, …} of these spans."""
    n = len(spans)
    if got["count"] != n or n == 0:
        return None if got == {"count": n} == {"count": 0} else "count %d, not %d" % (got["count"], n)
    spans = sorted(spans)
    total, squares = sum(spans), sum(s * s for s in spans)
    for name, value in {"min_ns": spans[0], "max_ns": spans[-1], "mean_ns": total // n}.items():
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


class Figures:
    def __init__(self, told, rules, client, differences, chance):
        self.told, self.client, self.d = told, client, differences
        times, n = told.time, len(told.time)
        self.ranges = [(None, None), (times[n // 3], times[2 * n // 3]), (times[chance.randrange(n)], None), (None, times[chance.randrange(n)])]
        self.text = told.words.texts

    def of_range(self, since, until):
        """The seqs of the records in that time."""
        times = self.told.time
        return (0 if since is None else bisect.bisect_left(times, since)), (len(times) if until is None else bisect.bisect_left(times, until))

    def args(self, since, until):
        return ["--since", stamp(since) if since is not None else "all", *(["--until", stamp(until)] if until is not None else [])]

    def is_event(self, i):
        t = self.told
        return t.kind[i] in EVENT_KINDS and self.text[t.trigger[i]] and t.cause[i] != ALWAYS

    # ---- stats ----

    def stats(self):
        for (since, until), machine, every in zip(self.ranges * 2, [None] * 4 + ["loan", "ticket", "order", "payment"], [None, 6 * 3600, None, DAY // SECOND] * 2):
            args = [*self.args(since, until), *(["-m", machine] if machine else []), *(["--every", "%ds" % every] if every else [])]
            self.d.begin("stats " + " ".join(args))
            got = self.client.json("stats", *args)
            self.check(got, machine, since, until, args)
            if every:
                self.intervals(got, machine, since, until, every * SECOND, args)
        whole = self.client.json("stats", "--since", "all")
        for by, name in (("machine", "machines"), ("state", "states"), ("event", "events"), ("refusal", "refusals")):
            got = [{k: v for k, v in i.items() if k != "standing"} for i in self.client.json("stats", "--since", "all", "--by", by)["items"]]
            self.d.same(got, [{k: v for k, v in i.items() if k != "standing"} for i in whole[name]], "stats --by", by)
        got = self.client.json("stats", "--sum", "context.damage")
        sums = collections.defaultdict(list)
        for one in self.told.instances:
            number = one.context.get("damage")
            sums[one.machine, ", ".join(one.state)].append(number)
        for item in got["items"]:
            numbers = [n for n in sums.pop((item["by"]["machine"], item["by"]["state"])) if n is not None]
            self.d.same((item["sum"]["count"], item["sum"].get("sum", 0)), (len(numbers), sum(numbers)), "stats --sum", item["by"])
        self.d.same(sums, {}, "stats --sum: all states")

    def filtered(self):
        """Of the instances that pass a filter as they are at the end: all that happened to them."""
        t, everyone = self.told, self.told.instances
        one, middle = everyone[len(everyone) // 3], everyone[len(everyone) // 2].created
        name, value = next((n, v) for o in everyone for n, v in sorted(o.labels.items()))
        user, key = next(u for o in everyone for u in o.users), next(o.key for o in everyone if o.key)
        top = one.state[0].split(".")[0] if one.state else "open"
        since, until = self.ranges[1]
        for params, passes in (
            (["-l", "%s=%s" % (name, value)], lambda o: o.labels.get(name) == value),
            (["-u", user], lambda o: user in o.users),
            (["-k", key[:2] + "*", "--status", "open"], lambda o: o.key is not None and o.key.startswith(key[:2]) and o.status in ("running", "paused", "incident")),
            (["--corr", one.corr], lambda o: one.corr in o.corrs),
            (["-s", top], lambda o: o.status != "cancelled" and any(s == top or s.startswith(top + ".") for s in o.state)),
            (["--created-since", stamp(middle)], lambda o: o.created >= middle),
            (["--updated-until", stamp(middle)], lambda o: o.updated < middle),
            (["--where", "machine == 'loan' && rev > 2"], lambda o: o.machine == "loan" and o.rev > 2),
            (["--status", "incident"], lambda o: o.status == "incident"),
        ):
            whom = {o.number for o in everyone if passes(o)}
            for machine in (None, "loan"):
                args = [*self.args(since, until), *params, *(["-m", machine] if machine else [])]
                self.d.begin("stats " + " ".join(args))
                got = self.client.json("stats", *args)
                self.d.same(got["instances"], len(whom), "instances", *args)
                self.check(got, machine, since, until, args, whom)

    def check(self, got, machine, since, until, args, whom=None):
        t, text = self.told, self.text
        begin, end = self.of_range(since, until)
        wanted = range(begin, end) if machine is None else [i for i in range(begin, end) if text[t.machine[i]] == machine]
        wanted = wanted if whom is None else [i for i in wanted if t.of[i] in whom]
        kinds, events, refusals, count = collections.Counter(), collections.Counter(), collections.Counter(), 0
        for i in wanted:
            kinds[t.machine[i], t.kind[i]] += 1
            count += 1
            weight = t.weight.get(i + 1, 1)
            if self.is_event(i):
                events[t.machine[i], t.trigger[i], t.outcome[i]] += weight
            if t.kind[i] == REJECTED:
                refusals[t.machine[i], t.trigger[i], t.reason[i]] += weight
        self.d.same(int(got["records"]), count, "records", *args)
        self.d.same({(m.get("machine"), k): n for m in got["machines"] for k, n in m["kinds"].items()},
                    {(text[m], journal.KINDS[k]): n for (m, k), n in kinds.items()}, "kinds", *args)
        self.d.same({(e.get("machine"), e["event"], o): e[o] for e in got["events"] for o in journal.OUTCOMES if e[o]},
                    {(text[m], text[e], journal.OUTCOMES[o]): n for (m, e, o), n in events.items()}, "events", *args)
        self.d.same({(r.get("machine"), r.get("event"), r["reason"]): r["count"] for r in got["refusals"]},
                    {(text[m], text[e], text[r]): n for (m, e, r), n in refusals.items()}, "refusals", *args)
        self.states(got, machine, since, until, args, whom)

    def states(self, got, machine, since, until, args, whom=None):
        t, text, now = self.told, self.text, ns(got["now"])
        low, high = -(2**63) if since is None else since, 2**63 if until is None else until
        want = collections.defaultdict(lambda: [0, [], []])
        for m, leaf, at, number in zip(*t.entries):
            if low <= at < high and (whom is None or number in whom):
                want[m, leaf][0] += 1
        for m, leaf, at, spent, number in zip(*t.stays):
            if low <= at < high and (whom is None or number in whom):
                want[m, leaf][1].append(spent)
        for one in t.instances:
            for leaf in one.state if one.fate != "cancelled" and (whom is None or one.number in whom) else ():
                want[t.words.of(one.machine), t.words.of(leaf)][2].append(max(0, now - one.since[leaf]))
        want = {(text[m], text[leaf]): v for (m, leaf), v in want.items() if machine is None or text[m] == machine}
        shown = {(s["machine"], s["state"]): s for s in got["states"]}
        self.d.same(sorted(shown), sorted(want), "states", *args)
        for name in set(shown) & set(want):
            entered, stays, standing = want[name]
            self.d.same(shown[name]["entered"], entered, "entered", name, *args)
            self.d.same(spread_faults(shown[name]["stays"], stays), None, "stays", name, *args)
            self.d.same(spread_faults(shown[name]["standing"], standing), None, "standing", name, *args)

    def intervals(self, got, machine, since, until, every, args):
        t, text = self.told, self.text
        begins, end = ns(got["begins"]), min(2**63 if until is None else until, ns(got["now"]))
        self.d.same(begins, t.time[0] if since is None else since, "begins", *args)
        at, shown = begins - begins % every, iter(got["intervals"])
        while at < end:
            first, last = self.of_range(max(at, begins), min(at + every, end))
            want = collections.Counter()
            for i in range(first, last):
                if machine is not None and text[t.machine[i]] != machine:
                    continue
                kind = journal.KINDS[t.kind[i]]
                want["records"] += 1
                want["events"] += bool(t.outcome[i] == 0 and self.is_event(i))
                want["refused"] += t.weight.get(i + 1, 1) if kind == "rejected" else 0
                name = {"created": "created", "incident_opened": "incidents", "completed": "completed", "cancelled": "cancelled"}.get(kind)
                if name:
                    want[name] += 1
            got_one = next(shown, {})
            names = ("records", "created", "events", "refused", "incidents", "completed", "cancelled")
            self.d.same({**{k: v for k, v in got_one.items() if k not in ("from", "to")}, "from": ns(got_one["from"]), "to": ns(got_one["to"])} if got_one else None,
                        {**{n: want[n] for n in names}, "from": max(at, begins), "to": min(at + every, end)}, "interval", *args)
            at += every

    # ---- funnel ----

    def funnels(self):
        t = self.told
        for i, machine in enumerate(sorted(t.deployed)):
            since, until = self.ranges[i % 4]
            args = [machine, *self.args(since, until)]
            self.d.begin("funnel " + " ".join(args))
            low, high = -(2**63) if since is None else since, 2**63 if until is None else until
            of = [one for one in t.instances if one.machine == machine and low <= one.created < high]
            inside = {one.number for one in of}
            times, fates, stands = collections.defaultdict(list), collections.Counter(), collections.Counter()
            for number, path, spent in zip(*t.reached):
                if number in inside:
                    times[self.text[path]].append(spent)
            for one in of:
                fates[one.fate] += 1
                for leaf in one.leaves_at_end if one.fate == "cancelled" else one.state:
                    stands[leaf, one.fate] += 1
            got = self.client.json("funnel", *args)
            self.d.same((got["created"], {f: got[f] for f in FATES}), (len(of), {f: fates[f] for f in FATES}), "funnel", *args)
            shown = {s["state"]: s for s in got["states"]}
            self.d.same(set(times) - set(shown), set(), "funnel: states", *args)
            for name, state in shown.items():
                self.d.same(state["reached"], len(times[name]), "reached", name, *args)
                self.d.same(spread_faults(state["time"], times[name]), None, "time", name, *args)
                self.d.same({f: state[f] for f in FATES}, {f: stands[name, f] for f in FATES}, "fates", name, *args)
                self.d.same(not of or abs(state["part"] - len(times[name]) / len(of)) < 1e-9, True, "part", name, *args)
