"""told.py: what the bytes of a journal tell, read by kill.d/journal.py: every record in columns, every instance as it
is now, every stay in a state. It shares no code and no idea with the runtime: an instance is followed from its
creation on, record by record.

Segments are decoded in processes of their own; what is kept of a record is some 40 bytes, of an instance some 1.5 KB.
"""
import array
import gc
import bisect
import glob
import marshal
import multiprocessing
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "kill.d"))
import journal  # noqa: E402

SEQ, TIME, KIND, OUTCOME, REASON, MACHINE, DEF, VERSION, ID, KEY, LABELS, REV = 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
NTH, OF, IPREV, FROM, TO, TRIGGER, CAUSE, DATA, CTX, CTXH, HIST, SINCE, OUT = 14, 15, 16, 17, 18, 20, 21, 22, 23, 24, 25, 26, 27
TIMERS, TASKS, CORR, CAUS, PARENT, TRACE, ACT, NODE, TOK, ATT, PREV, DETAIL = 28, 29, 31, 32, 33, 36, 37, 38, 39, 40, 44, 45
SENDS, MSG, FORCED = 48, 49, 50
UNFOLLOWED = (0, 3, DEF, CTXH, NODE, PREV)
NOBODY = 0xFFFFFFFF
MASKED = {"loan": {"iban"}}  # x-pii of the seeded machines


def texts_in(value, hidden):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item, hidden)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in hidden:
                yield from texts_in(item, hidden)


def searched(fields):
    """All texts of a record that a search looks at, in lower case."""
    hidden = MASKED.get(fields.get(MACHINE), ())
    who = {k: v for k, v in fields.get(ACT, {}).items() if k not in ("type", "iss", "sid", "authn", "roles")}
    told = {k: fields[DETAIL].get(k) for k in ("reason", "text", "error")} if isinstance(fields.get(DETAIL), dict) else {}
    found = [fields[ID], fields.get(KEY) or "", fields.get(CORR) or ""]
    for part in (fields.get(LABELS), who, told, {k: v[-1] for k, v in fields.get(CTX, {}).items()}, fields.get(DATA), fields.get(OUT)):
        if part:
            found += texts_in(part, hidden)
    return "\n".join(found).lower()


class Places(journal.Reader):
    """Records with the place where each begins in its segment."""

    def payload(self, data, records):
        base, at = self.at + journal.BATCH_HEAD, 0
        for frame in super().payload(data, records):
            at += 8
            placed = []
            for record in frame:
                placed.append((base + at + 4, record))
                at += 4 + len(record)
            yield placed


def decode(job):
    """A segment: where it begins and ends, and the fields of its records that are followed."""
    directory, ordinal, texts = job
    reader = Places(directory)
    reader.ordinal = ordinal
    with open(reader.path(ordinal), "rb") as file:
        data = file.read()
    if data[:8] == b"FSMLOG\r\n":
        reader.next_seq, first_batch = struct.unpack_from("<QQ", data, 56)
        reader.leaf, reader.number = data[72:104], first_batch - 1
    begins = (reader.next_seq, reader.leaf)
    if not reader.enter(data):
        return None
    out = []
    for frame in reader.batches(data):
        for place, record in frame:
            fields, end = journal.unpack(record)
            if end != len(record):
                raise journal.Damage("bytes behind a record")
            hits = 0
            if texts and ID in fields:
                all_texts = searched(fields)
                for i, text in enumerate(texts):
                    if text in all_texts:
                        hits |= 1 << i
            for name in UNFOLLOWED:
                fields.pop(name, None)
            out.append((place, hits, fields))
    return begins, (reader.next_seq, reader.leaf), reader.origin, marshal.dumps(out)


class Words:
    """Texts as small numbers."""

    def __init__(self):
        self.number, self.texts = {}, []

    def of(self, text):
        found = self.number.get(text)
        if found is None:
            found = self.number[text] = len(self.texts)
            self.texts.append(text)
        return found


class Instance:
    __slots__ = (
        "number id key machine version labels status state since context rev seq created created_seq updated corr corrs traces users "
        "timers tasks sends forced incident cancelled parent output refused reached leaves_at_end fate last"
    ).split()  # fmt: skip

    def open(self):
        return self.status in ("running", "paused", "incident")


def around(leaf):
    """The leaf and the states that it is in, without the root."""
    parts = leaf.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def with_one(some, one):
    return some if one in some else some + (one,)


class Told:
    def __init__(self, directory, texts=(), processes=2, until_seq=None):
        self.directory, self.until_seq = os.path.join(directory, "journal", "0"), until_seq
        self.texts = texts
        self.words = Words()
        self.instances, self.by_id = [], {}
        self.time, self.of, self.place = array.array("q"), array.array("I"), array.array("Q")
        self.kind, self.cause, self.outcome = array.array("B"), array.array("B"), array.array("B")
        self.machine, self.trigger, self.reason, self.user = (array.array("H") for _ in range(4))
        self.corr, self.weight = array.array("I"), {}  # weight: refusals that are summed in one record
        self.traces, self.hits = {}, [{} for _ in texts]  # hits: instance → its newest record with the text
        self.stays = [array.array(t) for t in "HHqqI"]  # machine, leaf, left, spent, instance
        self.entries = [array.array(t) for t in "HHqI"]  # machine, leaf, entered, instance
        self.reached = [array.array(t) for t in "IHq"]  # instance, path, after its creation
        self.people, self.deployed, self.frames = {}, {}, 0
        self.corrs = Words()
        self.frm, self.to, self.by = array.array("H"), array.array("H"), array.array("I")
        self.origin = None
        if processes:
            self.read(processes)

    # ---- reading ----

    def read(self, processes):
        gc.disable()  # nothing goes round in circles here
        ordinals = sorted(int(os.path.basename(p)[:-4]) for p in glob.glob(os.path.join(self.directory, "*.seg")))
        jobs = [(self.directory, ordinal, self.texts) for ordinal in ordinals]
        ended = (1, bytes(32))
        with multiprocessing.Pool(min(processes, len(jobs))) as pool:
            for ordinal, one in zip(ordinals, pool.imap(decode, jobs)):
                if one is None:
                    break
                if one[0] != ended:
                    raise journal.Damage("segment %d does not follow the one before" % ordinal)
                ended, self.origin = one[1], one[2]
                for place, hits, fields in marshal.loads(one[3]):
                    if self.until_seq is None or fields[SEQ] <= self.until_seq:
                        self.add(ordinal << 32 | place, hits, fields)

    def add(self, place, hits, r):
        if r[SEQ] != len(self.time) + 1:
            raise journal.Damage("seq %d follows %d" % (r[SEQ], len(self.time)))
        act, words = r.get(ACT), self.words
        self.frames += r[NTH] == 0
        self.time.append(r[TIME])
        self.place.append(place)
        self.kind.append(r[KIND])
        self.cause.append(r.get(CAUSE, 255))
        self.outcome.append(r[OUTCOME])
        self.machine.append(words.of(r.get(MACHINE)))
        self.trigger.append(words.of(r.get(TRIGGER)))
        self.reason.append(words.of(r.get(REASON)))
        self.user.append(words.of(act.get("sub") if act else None))
        self.corr.append(self.corrs.of(r.get(CORR)))
        self.frm.append(words.of(tuple(r.get(FROM) or ())))
        self.to.append(words.of(tuple(r.get(TO) or ())))
        self.by.append(self.cause_of(r))
        summed = journal.KINDS[r[KIND]] == "rejected" and "count" in r.get(DETAIL, {})
        if act and not summed:  # a sum names nobody but by sub
            self.people[act.get("sub"), act.get("type"), act.get("iss")] = (r[SEQ], r[TIME], act)
        if TRACE in r:
            self.traces.setdefault(r[TRACE][0].hex(), []).append(r[SEQ])
        kind = journal.KINDS[r[KIND]]
        if kind == "deployed":
            self.deployed[r[MACHINE]] = max(self.deployed.get(r[MACHINE], 0), r[VERSION])
        one = self.follow(kind, r) if ID in r else None
        self.of.append(NOBODY if one is None else one.number)
        if kind == "rejected" and one is None:
            self.weight[r[SEQ]] = r.get(DETAIL, {}).get("count", 1)
        for i in range(len(self.texts)) if hits else ():
            if hits >> i & 1:
                self.hits[i][one.number] = r[SEQ]

    def cause_of(self, r):
        """The record that caused it; 0: none of this store."""
        if r[NTH] > 0:
            return r[SEQ] - r[NTH]
        for name in (CAUS, PARENT):
            if name in r and r[name].startswith(self.origin + "."):
                return int(r[name].rpartition(".")[2])
        return 0

    # ---- one instance ----

    def create(self, r):
        one = Instance()
        one.number, one.id = len(self.instances), r[ID]
        one.key, one.machine, one.version, one.labels = r.get(KEY), sys.intern(r[MACHINE]), r[VERSION], r.get(LABELS, {})
        one.labels = {sys.intern(k): sys.intern(v) for k, v in one.labels.items()}
        one.status, one.state, one.since, one.context = "running", (), {}, {}
        one.created, one.created_seq, one.corr = r[TIME], r[SEQ], r.get(CORR)
        one.corrs = one.traces = one.users = one.refused = ()
        one.timers = one.tasks = one.sends = one.incident = one.cancelled = one.output = None
        one.forced, one.reached, one.leaves_at_end, one.fate = False, 0, (), "standing"
        one.parent = r.get(PARENT)
        self.instances.append(one)
        self.by_id[one.id] = one
        return one

    def follow(self, kind, r):
        if kind == "created":
            one = self.create(r)
        else:
            one = self.by_id.get(r[ID])
            if one is None:
                return None
        if MSG in r:  # consumed: the row of its sender goes
            sender = self.by_id.get(r[MSG]["from"])
            if sender is not None and sender.sends:
                sender.sends.pop(r[MSG]["id"], None)
        if kind == "rejected":
            one.refused += (r[SEQ],)
            return one
        self.move(one, kind, r)
        for name, (old_new) in r.get(CTX, {}).items():
            one.context[name] = old_new[-1]
        one.rev, one.seq, one.updated = r[REV], r[SEQ], r[TIME]
        one.corrs = with_one(one.corrs, r.get(CORR))
        sub = (r.get(ACT) or {}).get("sub")
        if sub is not None:
            one.users = with_one(one.users, sys.intern(sub))
        if TRACE in r:
            one.traces = with_one(one.traces, r[TRACE][0].hex())
        one.forced |= bool(r.get(FORCED))
        one.last = (kind, sys.intern(r.get(TRIGGER) or ""), sub)
        self.rows(one, kind, r)
        self.fate(one, kind, r)
        return one

    def move(self, one, kind, r):
        """Where it stands, and the stays that have ended."""
        entered, now, m = r.get(SINCE, ()), r[TIME], self.words.of(one.machine)
        leaves = one.state if one.fate != "cancelled" else ()
        if kind == "cancelled":
            for leaf in leaves:
                self.put(self.stays, m, self.words.of(leaf), now, now - one.since[leaf], one.number)
            one.leaves_at_end = tuple(sorted(leaves))
        elif TO in r and one.fate != "cancelled":
            to = tuple(map(sys.intern, r[TO]))
            for leaf in leaves:
                if leaf not in to or leaf in entered:
                    self.put(self.stays, m, self.words.of(leaf), now, now - one.since[leaf], one.number)
            for leaf in to:
                if leaf not in leaves or leaf in entered:
                    if leaf not in entered:
                        raise AssertionError((r[SEQ], leaf))
                    self.put(self.entries, m, self.words.of(leaf), now, one.number)
            active = {path for leaf in to for path in around(leaf)}
            one.since = {path: ns for path, ns in one.since.items() if path in active}
            for path in entered:
                if path in active:
                    one.since[sys.intern(path)] = now
            one.state = to
        for path in entered:
            bit = 1 << self.words.of(path)
            if not one.reached & bit:
                one.reached |= bit
                self.put(self.reached, one.number, self.words.of(path), now - one.created)

    @staticmethod
    def put(columns, *values):
        for column, value in zip(columns, values):
            column.append(value)

    @staticmethod
    def rows(one, kind, r):
        """Timers, tasks, messages."""
        for timer in r.get(TIMERS, ()):
            if "cancel" in timer:
                one.timers.pop(timer["cancel"], None)
            else:
                one.timers = {**(one.timers or {}), timer["id"]: (timer["event"], timer["due"], r[SEQ])}
        detail = r.get(DETAIL) or {}
        if kind == "timer_fired" and r.get(REASON) != "restarted":
            one.timers.pop(detail["timer"], None)
        for task in r.get(TASKS, ()):
            if "cancel" in task:
                one.tasks.pop(task["cancel"], None)
            else:
                task = {**task, "attempt": 0, "started": False, "error": None, "seq": r[SEQ], "corr": r.get(CORR), "trace": r.get(TRACE)}
                one.tasks = {**(one.tasks or {}), task["id"]: task}
        if kind == "task_started":
            one.tasks[detail["task"]].update(started=True, begun=r[TIME], deadline=detail["deadline"], attempt=r[ATT])
        elif kind == "task_failed" and "retry_at" in detail:
            one.tasks[detail["task"]].update(started=False, next=detail["retry_at"], attempt=r[ATT], error=detail["error"]["message"])
        elif kind in ("task_done", "task_failed"):
            one.tasks.pop(detail["task"], None)
        for send in r.get(SENDS, ()):
            if "cancel" in send:
                one.sends.pop(send["cancel"], None)
            else:
                one.sends = {**(one.sends or {}), send["id"]: send}

    @staticmethod
    def fate(one, kind, r):
        detail = r.get(DETAIL) or {}
        one.status = {"paused": "paused", "resumed": "running", "incident_opened": "incident", "incident_closed": "running",
                      "completed": "completed", "cancelled": "cancelled"}.get(kind, one.status)  # fmt: skip
        if kind == "forced" and one.status == "incident":
            one.status = "running"
        if kind == "incident_opened":
            one.incident = {"reason": r[REASON], "text": detail["text"], "seq": r[SEQ], "tried": detail.get("tried")}
        elif kind in ("incident_closed", "forced", "cancelled"):
            one.incident = None
        if kind in ("completed", "cancelled"):
            one.timers = one.tasks = None
        if kind == "cancelled":
            one.cancelled = {"reason": detail["reason"], "seq": r[SEQ]}
        if kind == "completed":
            one.output = r.get(OUT)
        fates = {"completed": "completed", "cancelled": "cancelled", "incident_opened": "incidents", "incident_closed": "standing"}
        one.fate = fates.get(kind, one.fate)

    # ---- asking ----

    @property
    def last_seq(self):
        return len(self.time)

    def seq_at(self, ns):
        """The first record at this time or later."""
        return bisect.bisect_left(self.time, ns) + 1

    def record(self, seq):
        """All fields of a record."""
        place = self.place[seq - 1]
        with open(os.path.join(self.directory, "%020d.seg" % (place >> 32)), "rb") as file:
            file.seek((place & 0xFFFFFFFF) - 4)
            size, = struct.unpack("<I", file.read(4))
            return journal.unpack(file.read(size))[0]

    def seqs_of(self, numbers):
        """The records of some instances: a list for each."""
        out = {number: [] for number in numbers}
        for seq, number in enumerate(self.of, 1):
            if number in out:
                out[number].append(seq)
        return out
