"""lists.py: ls, stuck, groups, timers, tasks, actors: held against the instances that the journal tells of."""
import fnmatch
import re
import time

from ask import SECOND, ns, stamp
from rules import AFTER, DAY, FINAL, failed, masked, sla

PAGE = 2000


def row_of(rules, one, now, withs=(), silent_ns=None):
    """A row as it is to be, its times in nanoseconds."""
    since = min(one.since[leaf] for leaf in one.state)
    row = {"id": one.id, "machine": one.machine, "version": one.version, "state": list(one.state), "status": one.status, "rev": one.rev,
           "since": since, "for_ns": max(0, now - since)}  # fmt: skip
    if one.key is not None:
        row["key"] = one.key
    if one.forced:
        row["forced"] = True
    if one.incident:
        row["incident"] = {k: v for k, v in one.incident.items() if k != "tried"}
    due = sla(one) if "sla" in withs else None
    if due:
        over = due[0] <= now
        row["sla"] = {"due": due[0], "state": due[1], "overdue_ns" if over else "left_ns": abs(now - due[0])}
    if "kind" in withs:
        row["kind"] = rules.kinds(one, now, silent_ns)
    if "waits" in withs and one.open():
        row["waits"] = [{"what": w, "name": n, **({"due": d} if d else {})} for w, n, d in rules.waits(one)]
    if "who" in withs and one.open():
        row["who"] = rules.who(one)
        if row["who"]["anybody"]:
            row["who"].pop("people", None)
    if "last" in withs:
        kind, event, by = one.last
        row["last"] = {"kind": kind, "time": one.updated, **({"event": event} if event else {}), **({"by": by} if by is not None else {})}
    return row


def in_ns(row):
    row["since"] = ns(row["since"])
    if "sla" in row:
        row["sla"]["due"] = ns(row["sla"]["due"])
    for wait in row.get("waits", ()):
        if "due" in wait:
            wait["due"] = ns(wait["due"])
    if "last" in row:
        row["last"]["time"] = ns(row["last"]["time"])
    return row


def leaves_of(one, state=None, stuck=False):
    """The leaves that its age is counted of."""
    if one.status == "cancelled" and (state is not None or stuck):
        return []
    leaves = [p for p in one.state if state is None or p == state or p.startswith(state + ".")]
    return [p for p in leaves if p not in FINAL[one.machine]] if stuck else leaves


class Lists:
    def __init__(self, told, rules, client, differences, chance):
        self.told, self.rules, self.client, self.d, self.chance = told, rules, client, differences, chance

    # ---- every column of every row ----

    def columns(self):
        self.d.begin("ls with every column, all instances")
        withs, now, count = ("kind", "sla", "waits", "who", "last"), None, 0
        for count, row in enumerate(self.client.lines("ls", "--all", "--with", ",".join(withs)), 1):
            row = in_ns(row)
            now = now or row["since"] + row["for_ns"]
            one = self.told.instances[count - 1] if count <= len(self.told.instances) else None
            self.d.same(row, one and row_of(self.rules, one, now, withs), "ls", row["id"])
        self.d.same(count, len(self.told.instances), "ls --all: instances")
        now = time.time_ns()
        tried = [o for o in self.told.instances if o.open() and o.refused and o.refused[-1] > o.seq and not self.rules.pending(o)]
        spans = [3 * DAY]  # and so long that its change was before, and the refusal is not
        spans += [now - (o.updated + self.told.time[o.refused[-1] - 1]) // 2 for o in self.chance.sample(tried, min(2, len(tried)))]
        for span in spans:
            self.silent(span // SECOND)

    def silent(self, seconds):
        args = ["--kind", "silent", "--for", "%ds" % seconds]
        self.d.begin("ls %s with its kinds" % " ".join(args))
        rows = [in_ns(r) for r in self.client.lines("ls", *args, "--with", "kind", "--all")]
        now, span = rows[0]["since"] + rows[0]["for_ns"] if rows else time.time_ns(), seconds * SECOND
        want = [o for o in self.told.instances if o.open() and age(o, now) >= span and "silent" in self.rules.kinds(o, now, span)]
        self.d.same([r["id"] for r in rows], [o.id for o in want], *args)
        for row, one in zip(rows, want):
            self.d.same(row, row_of(self.rules, one, now, ("kind",), span), *args, row["id"])

    # ---- filters and sorts ----

    def filters(self):
        """(arguments, does it match at `now`, state, stuck)."""
        told, chance = self.told, self.chance
        some = lambda: chance.choice(told.instances)
        a, b = some(), some()
        user = chance.choice(sorted({u for o in chance.choices(told.instances, k=200) for u in o.users}))
        traced = next((o for o in chance.sample(told.instances, len(told.instances)) if o.traces), a)
        keyed = next(o for o in chance.sample(told.instances, len(told.instances)) if o.key)
        suffix = keyed.key[-3:]
        before, behind = sorted([some().created, some().created])
        low, high = sorted([some().updated, some().updated])
        yield ["-m", a.machine], lambda o, now: o.machine == a.machine
        for version in ("1", "2"):
            yield ["-m", "ticket", "--machine-version", version], lambda o, now, v=int(version): o.machine == "ticket" and o.version == v
        for status in ("running", "paused", "incident", "completed", "cancelled", "open", "done", "failed", "forced", "paused,incident", "failed,cancelled"):
            yield ["--status", status], lambda o, now, words=status.split(","): any(has_status(o, w) for w in words)
        yield ["--open", "--forced"], lambda o, now: o.open() and o.forced
        for state in ("review", "payout", "payout.letter", "payout.letter.printed", "open", "paying", "limbo", "denied"):
            yield ["-s", state], lambda o, now, s=state: bool(leaves_of(o, s)), state
            yield ["-s", state, "--for", "4d"], lambda o, now, s=state: age(o, now, s) >= 4 * DAY, state
        yield ["--for", "2d..9d", "--open"], lambda o, now: 2 * DAY <= age(o, now) < 9 * DAY and o.open()
        yield ["--for", "..60h"], lambda o, now: 0 <= age(o, now) < 60 * 3600 * SECOND
        for kind in ("sla", "orphan", "dead", "failed", "any", "dead,failed"):
            names = {"sla", "orphan", "dead", "failed"} if kind == "any" else set(kind.split(","))
            yield ["--kind", kind], lambda o, now, n=names: bool(n & set(self.rules.kinds(o, now))) and (o.open() or "failed" in n)
        yield ["--kind", "sla", "--kind", "orphan"], lambda o, now: {"sla", "orphan"} <= set(self.rules.kinds(o, now))
        yield ["--kind", "failed", "--open"], lambda o, now: o.status == "incident"
        yield ["-u", user, "-m", b.machine], lambda o, now: user in o.users and o.machine == b.machine
        yield ["-u", "dora"], lambda o, now: "dora" in o.users
        yield ["-k", keyed.key], lambda o, now: o.key == keyed.key
        yield ["-k", "*" + suffix], lambda o, now: o.key is not None and o.key.endswith(suffix)
        yield ["-k", "注文-*" + suffix[-2:] + "?"], lambda o, now: o.key is not None and fnmatch.fnmatchcase(o.key, "注文-*" + suffix[-2:] + "?")
        yield ["-l", "region=" + a.labels.get("region", "東京"), "-l", "channel=web"], lambda o, now: o.labels == {"region": a.labels.get("region", "東京"), "channel": "web"}
        yield ["--corr", a.corr], lambda o, now: a.corr in o.corrs
        if traced.traces:
            yield ["--trace", traced.traces[0]], lambda o, now: traced.traces[0] in o.traces
        yield ["--since", stamp(before), "--until", stamp(behind)], lambda o, now: before <= o.created < behind
        yield ["--updated-since", stamp(low), "--updated-until", stamp(high)], lambda o, now: low <= o.updated < high
        yield ["--updated-since", "8d", "-m", "claim"], lambda o, now: o.updated >= now - 8 * DAY and o.machine == "claim"
        for text, holds in WHERES:
            yield ["--where", text], lambda o, now, h=holds: h(o, now)

    def one_filter(self, args, holds, state=None, command="ls"):
        """All that match, in the order of their creation; of many the first."""
        now = time.time_ns()
        many = sum(1 for one in self.told.instances if holds(one, now)) > 4 * PAGE
        rows = list(self.client.lines(command, *args, *(["--limit", str(PAGE)] if many else ["--all"])))
        if rows:
            now = ns(rows[0]["since"]) + rows[0]["for_ns"]
        want = (one.id for one in self.told.instances if holds(one, now))
        self.d.same([row["id"] for row in rows], [one for one, _ in zip(want, range(PAGE))] if many else list(want), command, *args)

    def all_filters(self):
        self.d.begin("filters")
        for args, holds, *state in self.filters():
            self.one_filter(args, holds, *state)

    def sorts(self):
        self.d.begin("sorts")
        keys = {
            "created": lambda o: o.number, "updated": lambda o: o.updated, "id": lambda o: o.id.encode(), "key": lambda o: o.key and o.key.encode(),
            "machine": lambda o: (o.machine,), "state": lambda o: o.state[0].encode(), "sla": lambda o: (sla(o) or [None])[0],
            "age": lambda o: -min(o.since[p] for p in o.state),
        }  # fmt: skip
        corr, now = self.chance.choice(self.told.instances).corr, time.time_ns()
        cases = [(["-m", "loan"], [o for o in self.told.instances if o.machine == "loan"]), (["--corr", corr], [o for o in self.told.instances if corr in o.corrs]),
                 (["--kind", "failed,orphan"], [o for o in self.told.instances if {"failed", "orphan"} & set(self.rules.kinds(o, now))])]  # fmt: skip
        for name, key in keys.items():
            for sign in ("", "-"):
                for args, all_of in cases:
                    limit = [] if len(all_of) <= 4 * PAGE else ["--limit", str(PAGE)]
                    got = [r["id"] for r in self.client.lines("ls", *args, "--sort", sign + name, *(limit or ["--all"]))]
                    self.in_order(got, all_of, name, key, sign == "-", bool(limit), args)

    def in_order(self, got, all_of, name, key, downwards, cut, args):
        """What has no such thing comes last either way; of equals the one that was created first."""
        some, none = [o for o in all_of if key(o) is not None], [o for o in all_of if key(o) is None]
        some.sort(key=key, reverse=downwards)
        if downwards:  # sort keeps the order of equals
            some.sort(key=lambda o: o.number)
            some.sort(key=key, reverse=True)
        want = [o.id for o in some + none]
        want = want[:PAGE] if cut else want
        self.d.same(got, want, "sort", "-" if downwards else "+", name, *args)

    # ---- stuck ----

    def stuck(self):
        self.d.begin("stuck")
        cases = [([], {"sla", "orphan", "dead", "failed"}, 0)]
        cases += [(["--kind", k], {k}, 0) for k in ("sla", "orphan", "dead", "failed")]
        cases += [(["--for", "%dd" % n], None, n * DAY) for n in (1, 12)]
        cases += [(["--for", "5d", "--kind", k], {k}, 5 * DAY) for k in ("sla", "orphan", "dead", "failed", "silent")]
        cases += [(["--kind", "dead,orphan", "-m", "claim"], {"dead", "orphan"}, 0)]
        cases += [(["--for", "20d", "--kind", "sla", "-u", "dora", "-m", "loan"], {"sla"}, 20 * DAY)]
        for args, kinds, least in cases:
            rows = list(self.client.lines("stuck", *args, "--limit", str(10 * PAGE)))
            now = ns(rows[0]["since"]) + rows[0]["for_ns"] if rows else time.time_ns()
            since, machine = {}, args[args.index("-m") + 1] if "-m" in args else None
            for one in self.told.instances:
                if not one.open() or (machine and one.machine != machine) or ("-u" in args and "dora" not in one.users):
                    continue
                leaves = leaves_of(one, stuck=True)
                if leaves and now - min(one.since[p] for p in leaves) >= least:
                    if kinds is None or kinds & set(self.rules.kinds(one, now, least or None)):
                        since[one.id] = min(one.since[p] for p in leaves)
            got = [row["id"] for row in rows]
            want = sorted(since.values())[: 10 * PAGE]
            self.d.same([since.get(i) for i in got], want, "stuck", *args)
            self.d.same(len(set(got)), len(want), "stuck: each once", *args)

    # ---- groups and sums ----

    def groups(self):
        self.d.begin("groups and sums")
        state = lambda o: ", ".join(o.state) if o.status != "cancelled" else ", ".join(o.state)
        field = lambda name: lambda o: masked(o.machine, o.context).get(name)
        of = {"state": state, "machine": lambda o: o.machine, "version": lambda o: o.version, "status": lambda o: o.status,
              "label:region": lambda o: o.labels.get("region"), "label:none": lambda o: None, "field:handler": field("handler"),
              "field:turns": field("turns"), "field:iban": field("iban"), "field:refused": field("refused")}  # fmt: skip
        for by, sum_of, args, holds in (
            ("state", None, [], lambda o: True), ("machine,status", "amount", [], lambda o: True), ("machine,version", "damage", [], lambda o: True),
            ("label:region,field:refused", "total", ["--open"], lambda o: o.open()), ("field:handler,state", "damage", ["-m", "claim"], lambda o: o.machine == "claim"),
            ("field:turns", "turns", [], lambda o: True), ("label:none,field:iban", "iban", [], lambda o: True),
            ("status,machine,state,label:region", None, ["--kind", "failed,orphan,dead"], lambda o: {"failed", "orphan", "dead"} & set(self.rules.kinds(o, 0))),
        ):  # fmt: skip
            got = self.client.json("ls", "--group-by", by, *(["--sum", sum_of] if sum_of else []), *args)["items"]
            want = {}
            for one in self.told.instances:
                if not holds(one):
                    continue
                group = want.setdefault(tuple(of[name](one) for name in by.split(",")), [0, None, []])
                group[0] += 1
                since = min(one.since[p] for p in one.state)
                group[1] = since if group[1] is None else min(since, group[1])
                number = masked(one.machine, one.context).get(sum_of) if sum_of else None
                if isinstance(number, (int, float)) and not isinstance(number, bool):
                    group[2].append(number)
            self.d.same([g["count"] for g in got], sorted((g[0] for g in want.values()), reverse=True), "group-by", by)
            for item in got:
                values = tuple(item["by"][name] for name in by.split(","))
                count, oldest, numbers = want.get(values, (0, None, []))
                self.d.same((item["count"], ns(item["oldest"])), (count, oldest), "group-by", by, values)
                if sum_of:
                    self.d.same({k: float(v) for k, v in item["sum"].items() if k != "mean"},
                                {"count": len(numbers), **({"sum": sum(numbers), "min": min(numbers), "max": max(numbers)} if numbers else {})}, "sum", by, values)
                    self.d.same(not numbers or abs(item["sum"]["mean"] - sum(numbers) / len(numbers)) < 1e-6, True, "mean", by, values)

    # ---- timers, tasks, actors ----

    def timers(self):
        self.d.begin("timers, tasks, actors")
        for args, machine in (([], None), (["-m", "order"], "order"), (["--late"], None)):
            rows = list(self.client.lines("timer", "ls", "--all", *args))
            nows = [ns(r["due"]) + (r["overdue_ns"] if r["late"] else -r["left_ns"]) for r in rows]  # of each page its own
            self.d.same(nows, sorted(nows), "timers: now", *args)
            now, want = nows[0] if rows else time.time_ns(), []
            for one in self.told.instances:
                for name, (event, due, set_by) in (one.timers or {}).items():
                    late = due <= now
                    if (machine and one.machine != machine) or ("--late" in args and not late):
                        continue
                    want.append({"id": name, "event": event, "instance": one.id, "machine": one.machine, "version": one.version, "status": one.status, "due": due,
                                 "late": late, "overdue_ns" if late else "left_ns": abs(now - due), "set": set_by, **({"key": one.key} if one.key else {}),
                                 **({"forced": True} if one.forced else {})})  # fmt: skip
            want.sort(key=lambda t: (t["due"], t["set"]))
            for row in rows:
                row["due"] = ns(row["due"])
            self.d.same(len(rows), len(want), "timers", *args)
            for row, wanted, at in zip(rows, want, nows):
                wanted.pop("overdue_ns" if wanted["late"] else "left_ns")
                wanted["late"] = wanted["due"] <= at
                wanted["overdue_ns" if wanted["late"] else "left_ns"] = abs(at - wanted["due"])
                self.d.same(row, wanted, "timer ls", *args)

    def tasks(self):
        for args in ([], ["--service", "warehouse"], ["-m", "payment"], ["--state", "waiting"], ["--state", "open"]):
            rows = list(self.client.lines("task", "ls", "--all", *args))
            now, want = time.time_ns(), []
            for one in self.told.instances:
                for name, t in (one.tasks or {}).items():
                    if t["service"] == "machine":
                        continue
                    state = "running" if t["started"] else "open" if one.status == "running" and t["next"] <= now else "waiting"
                    if ("-m" in args and one.machine != "payment") or ("--service" in args and t["service"] != "warehouse") or ("--state" in args and state != args[1]):
                        continue
                    want.append({"token": t["tok"].hex(), "service": t["service"], "machine": one.machine, "version": one.version, "instance": one.id, "invoke": name,
                                 "state": state, "attempt": t["attempt"] + (not t["started"]), "attempts": t["attempts"], "timeout_ns": t["timeout"], "due": t["next"],
                                 "input": masked(one.machine, t.get("input") or {}) or None, "correlation": t["corr"], **({"key": one.key} if one.key else {}),
                                 **({"error": t["error"]} if t["error"] else {}), **({"forced": True} if one.forced else {})})  # fmt: skip
            for row in rows:
                row["due"] = ns(row["due"])
                row.pop("traceparent", None)
                row["input"] = row.get("input") or None
            by_due = lambda t: (t["due"], t["token"])
            self.d.same([r["due"] for r in rows], sorted(r["due"] for r in rows), "task ls: order", *args)
            self.d.same(len(rows), len(want), "tasks", *args)
            for row, wanted in zip(sorted(rows, key=by_due), sorted(want, key=by_due)):
                self.d.same(row, wanted, "task ls", *args)

    def actors(self):
        want = []
        for seq, at, act in sorted(self.told.people.values(), key=lambda p: -p[0]):
            want.append({**{k: act[k] for k in ("type", "sub", "iss", "roles") if k in act}, "last": at, "seq": seq})
        got = [{**a, "last": ns(a["last"])} for a in self.client.lines("actors")]
        self.d.same(got, want, "actors")


def age(one, now, state=None):
    leaves = leaves_of(one, state)
    return max(0, now - min(one.since[p] for p in leaves)) if leaves else -1


def has_status(one, word):
    return {"open": one.open(), "done": one.status == "completed", "failed": failed(one), "forced": one.forced}.get(word, one.status == word)


# An expression and what it means.
WHERES = [
    ("context.amount > 15000", lambda o, now: o.context.get("amount", 0) > 15000),
    ("context.handler == 'hana' && age > duration('240h')", lambda o, now: o.context.get("handler") == "hana" and age(o, now) > 10 * DAY),
    ("context.iban.contains('7')", lambda o, now: False),
    ("labels.region == '東京' && key != null && key.startsWith('Ärger')", lambda o, now: o.labels.get("region") == "東京" and (o.key or "").startswith("Ärger")),
    ("forced && status == 'running'", lambda o, now: o.forced and o.status == "running"),
    ("In('payout.transfer') && rev > 5", lambda o, now: "payout.transfer" in o.since and o.rev > 5 and o.status != "cancelled"),
    ("size(state) == 2 && version == 1", lambda o, now: len(o.state) == 2 and o.version == 1),
    ("context.text.matches('[0-9]{5}') && context.turns == 2", lambda o, now: bool(re.search("[0-9]{5}", o.context.get("text", ""))) and o.context.get("turns") == 2),
    ("updated - created > duration('200h') && machine == 'claim'", lambda o, now: o.machine == "claim" and o.updated - o.created > 200 * 3600 * SECOND),
    ("id.contains('.pay.') && correlation.endsWith('7')", lambda o, now: ".pay." in o.id and o.corr.endswith("7")),
]
