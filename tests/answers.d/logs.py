"""logs.py: log, trace, cause, search, get --as-of, diff, why: held against the records, one by one."""
import collections
import itertools
import json
import time

from ask import SECOND, ns, stamp
from rules import AFTER, DAY, masked, events, sla
import told as journal_told

journal = journal_told.journal
NAMES = ("v seq time dur kind outcome reason mach def defv inst key labels rev i n iprev from to tr trigger cause data ctx ctxh hist since out "
         "timers tasks elapsed corr caus parent idem req trace act node tok att late level pii prev detail counter clock sends msg forced "
         "tracestate").split()  # fmt: skip
CAUSES = "external timer always raised task admin migrate".split()
TIMES = {"due", "next", "deadline", "expires", "first", "last", "retry_at", "heartbeat_by"}
ABSENT = "-"
LAST = 100  # of a log, when nothing is said


def some_texts(chance):
    """In lower case, what people look for: some is in many records, some in none."""
    return ("zoë", "überweisung", "503", "blue whale", "customer 4%03d" % chance.randrange(1000), "大阪", "a-%d" % chance.randrange(100, 999),
            "c-0%04d" % chance.randrange(300), "k-00%05d" % chance.randrange(1000), "seen on call", "fatima@example.org", "de000000000", "[masked]", "nobody-2",
            "loan-00%05d" % chance.randrange(1000), "ticket-000", "été-0000%03d" % chance.randrange(1000), "😢", "verified", "question 12")  # fmt: skip


def when(at):
    """As times are shown: 0, 3, 6 or 9 digits behind the second."""
    left = at % SECOND
    text = "" if left == 0 else ".%03d" % (left // 10**6) if left % 10**6 == 0 else ".%06d" % (left // 1000) if left % 1000 == 0 else ".%09d" % left
    return stamp(at)[:19] + text + "Z"


def entry(value):
    if not isinstance(value, dict):
        return value
    return {k: when(v) if k in TIMES and isinstance(v, int) else v.hex() if isinstance(v, bytes) else v for k, v in value.items()}


def view(fields, origin):
    """A record as it is shown."""
    out = {NAMES[k]: v.hex() if isinstance(v, bytes) else v for k, v in fields.items()}
    out.update(time=when(out["time"]), kind=journal.KINDS[out["kind"]], outcome=journal.OUTCOMES[out["outcome"]])
    if "cause" in out:
        out["cause"] = CAUSES[out["cause"]]
    for name in ("timers", "tasks", "sends"):
        if name in out:
            out[name] = [entry(v) for v in out[name]]
    for name in ("detail", "msg"):
        if name in out:
            out[name] = entry(out[name])
    if "trace" in out:
        a, b, flags = fields[journal_told.TRACE]
        out["trace"] = "00-%s-%s-%02x" % (a.hex(), b.hex(), flags)
    if out["kind"] == "created":
        out.setdefault("from", None)
    store, part, epoch = origin.split(".")
    out.update(store=store, part=int(part), epoch=int(epoch), id="%s.%d" % (origin, out["seq"]))
    hidden = journal_told.MASKED.get(out.get("mach"), ())
    for name in ("ctx", "data"):
        if isinstance(out.get(name), dict):
            out[name] = {k: ["[masked]"] * len(v) if k in hidden and name == "ctx" else "[masked]" if k in hidden else v for k, v in out[name].items()}
    return out


class Logs:
    samples = 0

    def __init__(self, told, rules, client, differences, chance):
        self.told, self.rules, self.client, self.d, self.chance = told, rules, client, differences, chance
        self.text = told.words.texts
        self.sampled = None

    def some(self):
        """Instances of every machine, status and kind, the same in all sections, with their records and those of their family."""
        if self.sampled is None:
            now, sorts = time.time_ns(), {}
            for one in self.chance.sample(self.told.instances, len(self.told.instances)):
                sort = (one.machine, one.status, one.state, one.forced, one.parent is not None, tuple(self.rules.kinds(one, now)))
                sorts.setdefault(sort, []).append(one)
            rounds = [one for of_each in itertools.zip_longest(*sorts.values()) for one in of_each if one is not None]
            want = rounds[: max(self.samples, len(sorts))]
            family = {}
            for one in want:
                family[one.number] = [one.number]
            ids = {one.id: one for one in want}
            for one in self.told.instances:
                parent = one.id.partition(".pay.")[0] if ".pay." in one.id else None
                if parent in ids:
                    family[ids[parent].number].append(one.number)
                if one.id in ids and parent:
                    family[one.number].append(self.told.by_id[parent].number)
            seqs = self.told.seqs_of({n for numbers in family.values() for n in numbers})
            self.sampled = [(one, seqs[one.number], sorted(s for n in family[one.number] for s in seqs[n])) for one in want]
        return self.sampled

    def record(self, seq):
        return view(self.told.record(seq), self.told.origin)

    def same_records(self, got, seqs, *where):
        """The same, and some of them whole."""
        self.d.same([r["seq"] for r in got], seqs, *where)
        for record in self.chance.sample(got, min(3, len(got))):
            self.d.same(record, self.record(record["seq"]), "record", record["seq"], *where)

    # ---- log ----

    def matching(self):
        """(arguments, does record i match)."""
        t, text, chance = self.told, self.text, self.chance
        i = chance.randrange(len(t.time))
        user = text[t.user[chance.choice([j for j in range(i, min(i + 1000, len(t.time))) if text[t.user[j]]] or [0])]]
        corr = t.corrs.texts[t.corr[i]]
        trace = chance.choice(sorted(t.traces)) if t.traces else None
        a, b = sorted((chance.randrange(len(t.time)), chance.randrange(len(t.time))))
        under = lambda leaves, state: any(p == state or p.startswith(state + ".") for p in leaves)
        kind = lambda *names: {journal.KINDS.index(n) for n in names}
        yield ["-u", user or "ana"], lambda j: text[t.user[j]] == (user or "ana")
        yield ["-u", "dora", "--corr", corr], lambda j: text[t.user[j]] == "dora" and t.corrs.texts[t.corr[j]] == corr
        yield ["--corr", corr], lambda j: t.corrs.texts[t.corr[j]] == corr
        if trace:
            seqs = set(t.traces[trace])
            yield ["--trace", trace], lambda j: j + 1 in seqs
        yield ["-m", "claim"], lambda j: text[t.machine[j]] == "claim"
        yield ["-m", "claim", "-m", "loan", "--kind", "forced", "--kind", "note"], lambda j: text[t.machine[j]] in ("claim", "loan") and t.kind[j] in kind("forced", "note")
        yield ["-e", "APPROVE"], lambda j: text[t.trigger[j]] == "APPROVE"
        yield ["-e", "xstate.after*"], lambda j: (text[t.trigger[j]] or "").startswith("xstate.after")
        yield ["-s", "payout"], lambda j: under(text[t.frm[j]], "payout") or under(text[t.to[j]], "payout")
        yield ["-s", "payout.letter.printed", "-m", "loan"], lambda j: under(text[t.frm[j]], "payout.letter.printed") or under(text[t.to[j]], "payout.letter.printed")
        yield ["--kind", "incident_opened"], lambda j: t.kind[j] in kind("incident_opened")
        yield ["--refusals", "only"], lambda j: t.kind[j] in kind("rejected")
        yield ["--refusals", "only", "-u", "app"], lambda j: t.kind[j] in kind("rejected") and text[t.user[j]] == "app"
        yield ["--refusals", "without", "-m", "ticket"], lambda j: t.kind[j] not in kind("rejected") and text[t.machine[j]] == "ticket"
        yield ["--since", stamp(t.time[a]), "--until", stamp(t.time[b])], lambda j: t.time[a] <= t.time[j] < t.time[b]
        yield ["--since", stamp(t.time[a]), "-u", "emil"], lambda j: t.time[a] <= t.time[j] and text[t.user[j]] == "emil"
        yield ["--level", "2"], lambda j: False
        yield ["--where", "record.kind == 'rejected' && record.reason == 'guard_false'"], lambda j: t.kind[j] in kind("rejected") and text[t.reason[j]] == "guard_false"
        yield [], lambda j: True

    def logs(self):
        for args, holds in self.matching():
            self.d.begin("log " + " ".join(args))
            want = [j + 1 for j in range(len(self.told.time)) if holds(j)]
            for more, part in (([], want[-LAST:]), (["--limit", "731"], want[-731:]), (["--all"], want)):
                if more != ["--all"] or len(want) < 20000:
                    self.same_records(self.client.json("log", *args, *more)["items"], part, "log", *args, *more)

    def of_one(self):
        self.d.begin("log of an instance")
        for one, seqs, _ in self.some():
            self.same_records(self.client.json("log", one.id)["items"], seqs[-1000:], "log", one.id)
            changes = [s for s in seqs if journal.KINDS[self.told.kind[s - 1]] != "rejected"]
            self.same_records(self.client.json("log", one.id, "--refusals", "without", "--limit", "3")["items"], changes[-3:], "log", one.id, "without")

    # ---- trace, cause ----

    def how(self, seq):
        fields, by = self.told.record(seq), self.told.by[seq - 1]
        return {"by": by, "how": "frame" if fields[journal_told.NTH] else "caus" if fields.get(journal_told.CAUS, "").endswith(".%d" % by) else "parent"} if by else {}

    def traces(self):
        self.d.begin("trace")
        of = collections.defaultdict(list)
        wanted = {self.told.corrs.number[one.corr] for one, _, _ in self.some()}
        for seq, corr in enumerate(self.told.corr, 1):
            if corr in wanted:
                of[self.told.corrs.texts[corr]].append(seq)
        for corr, seqs in of.items():
            got = self.client.json("trace", corr)
            instances = list(dict.fromkeys(self.told.instances[self.told.of[s - 1]].id for s in seqs if self.told.of[s - 1] != journal_told.NOBODY))
            self.d.same(got["instances"], instances, "trace", corr)
            self.d.same([i["record"]["seq"] for i in got["items"]], seqs[:1000], "trace", corr)
            for item in got["items"]:
                how = self.how(item["record"]["seq"])
                self.d.same({k: item[k] for k in ("by", "how") if k in item}, how if how.get("by") in seqs else {}, "trace", corr, item["record"]["seq"])
        for trace in self.chance.sample(sorted(self.told.traces), min(4, len(self.told.traces))):
            got = self.client.json("trace", trace)
            self.d.same([i["record"]["seq"] for i in got["items"]], self.told.traces[trace], "trace", trace)

    def causes(self):
        self.d.begin("cause")
        by = self.told.by
        for _, seqs, _ in self.some():
            seq = self.chance.choice(seqs)
            chain = [seq]
            while by[chain[-1] - 1]:
                chain.append(by[chain[-1] - 1])
            got = self.client.json("cause", str(seq))["items"]
            self.d.same([(i["record"]["seq"], {k: i[k] for k in ("by", "how") if k in i}) for i in got], [(s, self.how(s)) for s in chain[::-1]], "cause", seq)
            reached = {seqs[0]}
            for s in range(seqs[0] + 1, self.told.last_seq + 1):
                if by[s - 1] in reached:
                    reached.add(s)
            got = self.client.json("cause", "%s.%d" % (self.told.origin, seqs[0]), "--down")["items"]
            self.d.same([i["record"]["seq"] for i in got], sorted(reached), "cause --down", seqs[0])

    # ---- search ----

    def named(self, text):
        ids = sorted((one.id for one in self.told.instances if one.id.startswith(text)), key=str.encode)[:8]
        return set(ids) | {one.id for one in self.told.instances if one.key == text}

    def found(self, text, newest, *args, limit=2000):
        """newest: instance → its newest record that counts."""
        order = [self.told.instances[n].id for n, _ in sorted(newest.items(), key=lambda p: -p[1])]
        named = self.named(text)
        items = list(self.client.lines("search", text, *args, "--limit", str(limit)))
        ids = [i["id"] for i in items]
        want = [i for i in order if i not in named]
        self.d.same((set(ids[: len(named)]), ids[len(named) :]), (named, want[: max(0, limit - len(named))]), "search", text, *args)
        for item in items[:50]:
            one = self.told.by_id[item["id"]]
            if item["seq"] != newest.get(one.number, item["seq"]):
                self.d.same(item["seq"], newest.get(one.number), "search", text, item["id"])
            self.d.same((item["status"], item["rev"], item["state"]), (one.status, one.rev, list(one.state)), "search", text, item["id"])
            self.d.same(all(m["match"].lower() == text.lower() for m in item["matches"]) and bool(item["matches"]), True, "search", text, item["matches"])

    def searches(self):
        times = self.told.time
        for text, newest in zip(self.told.texts, self.told.hits):
            self.d.begin("search " + text)
            self.found(text, newest, "--since", "2020-01-01")
            since = times[len(times) * 9 // 10]
            self.found(text, {n: s for n, s in newest.items() if times[s - 1] >= since}, "--since", stamp(since))
        for text in self.chance.sample(self.told.texts, 6):  # in a window
            begin = self.chance.randrange(len(times))
            end = min(len(times) - 1, begin + 3000)
            newest = {}
            for seq in range(begin + 1, end + 1):
                number = self.told.of[seq - 1]
                if number != journal_told.NOBODY and text in journal_told.searched(self.told.record(seq)):
                    newest[number] = seq
            machine = self.chance.choice([None, "ticket", "loan"])
            items = self.client.json("search", text, "--since", stamp(times[begin]), "--until", stamp(times[end]), "--limit", "2000", *(["-m", machine] if machine else []))["items"]
            named = self.named(text)
            want = [self.told.instances[n].id for n, _ in sorted(newest.items(), key=lambda p: -p[1])]
            want = [i for i in want if i not in named and (machine is None or self.told.by_id[i].machine == machine)]
            self.d.same([i["id"] for i in items if i["id"] not in named], want, "search", text, begin, end, machine)

    # ---- the past ----

    def document(self, past, one):
        """An instance as it is shown."""
        tasks = []
        for name, t in sorted((one.tasks or {}).items()):
            if t["service"] == "machine":
                tasks.append({"id": name, "service": "machine", "child": t["child"]})
                continue
            tasks.append({"id": name, "service": t["service"], "token": t["tok"].hex(), "attempt": t["attempt"], "attempts": t["attempts"],
                          **({"status": "started", "begun": when(t["begun"]), "deadline": when(t["deadline"])} if t["started"] else {"status": "waiting", "due": when(t["next"])}),
                          **({"error": t["error"]} if t["error"] else {})})  # fmt: skip
        out = {"id": one.id, "machine": one.machine, "version": one.version, "status": one.status, "state": list(one.state), "rev": one.rev, "seq": one.seq,
               "since": {p: when(at) for p, at in one.since.items()}, "context": masked(one.machine, one.context), "correlation": one.corr, "tasks": tasks,
               "created": when(one.created), "updated": when(one.updated), "timers": [{"id": n, "event": e, "due": when(d)} for n, (e, d, _) in sorted((one.timers or {}).items())]}  # fmt: skip
        if one.key is not None:
            out["key"] = one.key
        if one.labels:
            out["labels"] = one.labels
        if one.sends:
            out["messages"] = [{"id": n, "kind": s["kind"], "to": s["to"], **({"event": s["event"]} if "event" in s else {}), "due": when(s.get("due", one.updated))} for n, s in sorted(one.sends.items())]
        if ".pay." in one.id:
            parent = past.by_id.get(one.id.partition(".pay.")[0])
            task = next((n for n, t in (parent.tasks or {}).items() if t.get("child") == one.id), None)
            out["parent"] = {"instance": parent.id, **({"task": task} if task else {})}
        if one.status == "completed":
            out["output"] = one.output
        if one.forced:
            out["forced"] = True
        if one.incident:
            out["incident"] = {k: v for k, v in one.incident.items() if v is not None}
        if one.cancelled:
            out["cancelled"] = one.cancelled
        return out

    def past(self, one, family, seq):
        """The document then; None: it was not there."""
        while seq < self.told.last_seq and self.told.by[seq] and self.how(seq + 1)["how"] == "frame":
            seq += 1
        past = journal_told.Told(self.client.data, processes=0)
        past.origin = self.told.origin
        for s in family:
            if s <= seq:
                fields = self.told.record(s)
                past.follow(journal.KINDS[fields[journal_told.KIND]], fields)
        return self.document(past, past.by_id[one.id]) if one.id in past.by_id else None

    def pasts(self):
        self.d.begin("get, get --as-of, diff")
        for one, seqs, family in self.some():
            got = self.client.json("get", one.id)
            got.pop("now")
            self.d.same(got, self.document(self.told, one), "get", one.id)
            moments = sorted({self.chance.choice(seqs), self.chance.choice(family), self.chance.randrange(seqs[0], self.told.last_seq + 1), seqs[0]} & set(range(seqs[0], self.told.last_seq + 1)))
            shown = []
            for seq in moments:
                want = self.past(one, family, seq)
                as_of = "@%d" % seq if self.chance.random() < 0.7 else stamp(self.told.time[seq - 1])
                got = self.client.json("get", one.id, "--as-of", as_of)
                self.d.same(got.pop("now"), when(self.told.time[seq - 1]), "get --as-of: now", one.id, as_of)
                self.d.same(got.pop("as_of")["time"], when(self.told.time[seq - 1]), "get --as-of: time", one.id, as_of)
                self.d.same(got, want, "get --as-of", one.id, as_of)
                shown.append((seq, want))
            if seqs[0] > 1:
                self.d.same(self.client.fails("get", one.id, "--as-of", "@%d" % (seqs[0] - 1)), 3, "get --as-of before it was there", one.id)
            (a, before), (b, after) = shown[0], shown[-1]
            got = self.client.json("diff", one.id, "@%d" % a, "@%d" % b)
            want = [(p, o, n) for p, o, n in changes(before, after) if p not in ("seq", "updated")]
            told = lambda *c: tuple(part if part is ABSENT else json.dumps(part, sort_keys=True) for part in c)
            got = [told(c["path"], c.get("old", ABSENT), c.get("new", ABSENT)) for c in got["changes"]]
            self.d.same(sorted(got, key=str), sorted((told(*c) for c in want), key=str), "diff", one.id, a, b)

    # ---- why ----

    def whys(self):
        self.d.begin("why")
        for one, seqs, _ in self.some():
            got = self.client.json("why", one.id)
            now = ns(got["now"])
            since = min(one.since[p] for p in one.state)
            want = {"instance": one.id, "machine": one.machine, "version": one.version, "status": one.status, "state": list(one.state), "rev": one.rev,
                    "since": since, "for_ns": now - since, "verdict": self.rules.verdict(one, now), "never": "dead" in self.rules.kinds(one, now),
                    "key": one.key, "forced": one.forced or None}  # fmt: skip
            got["since"] = ns(got["since"])
            self.d.same({k: got.get(k) for k in want}, want, "why", one.id)
            due = sla(one)
            self.d.same(got.get("sla"), {"due": when(due[0]), "overdue_ns" if due[0] < now else "left_ns": abs(now - due[0])} if due else None, "why: sla", one.id)
            self.tried(got, one)
            self.next(got, one)
            taken = [e["event"] for s in got["states"] for e in s.get("events", ())]
            self.d.same(taken, [name for name, _, _ in events(one)], "why: events", one.id)
            for state in got["states"]:
                for event in state.get("events", ()):
                    self.transition(event["transitions"][0], next(e for e in events(one) if e[0] == event["event"]), one)

    def transition(self, got, rule, one):
        _, guard, allow = rule
        self.d.same(got.get("guard"), guard and guard[0], "why: guard", one.id)
        self.d.same(got["result"], True if guard is None else guard[1](one.context), "why: result", one.id)
        people = [p["sub"] for p in self.rules.people if allow and self.rules.may(allow, p, one)]
        self.d.same([(a["text"], sorted(a["people"])) for a in got.get("allow", ())], [(allow, sorted(people))] if allow else [], "why: allow", one.id)

    def tried(self, got, one):
        want = []
        for seq in one.refused[::-1][:10]:
            r = self.told.record(seq)
            want.append({"seq": seq, "time": when(r[journal_told.TIME]), "reason": r[journal_told.REASON], "event": r[journal_told.TRIGGER],
                         "by": r[journal_told.ACT]["sub"], "text": r[journal_told.DETAIL]["text"]})  # fmt: skip
        self.d.same(got["tried"], want, "why: tried", one.id)

    def next(self, got, one):
        want = []
        for _, (event, due, _) in (one.timers or {}).items():
            want.append((due, "the timer of %s fires: to %s" % AFTER[event]))
        for name, t in (one.tasks or {}).items():
            if t["service"] != "machine":
                what = "attempt %d of %d of the task %s " % (t["attempt"] + (not t["started"]), t["attempts"], name)
                want.append((t["deadline"], what + "is out of time") if t["started"] else (t["next"], what + "may begin"))
        self.d.same([(ns(n["when"]), n["what"]) for n in got["next"]], sorted(want) if one.status == "running" else [], "why: next", one.id)

    # ---- health ----

    def health(self):
        self.d.begin("health")
        got = self.client.json("health")
        self.d.same((got["seq"], got["applied"], got["incidents"], got["store"]),
                    (self.told.last_seq, self.told.last_seq, sum(o.status == "incident" for o in self.told.instances), self.told.origin.partition(".")[0]), "health")


def changes(before, after, path=""):
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            yield from changes(before.get(name, ABSENT), after.get(name, ABSENT), (path + "." if path else "") + name)
    elif path in ("timers", "tasks", "messages"):
        by_id = lambda items: {} if items is ABSENT else {i["id"]: i for i in items}
        yield from changes(by_id(before), by_id(after), path)
    else:
        yield path, before, after
