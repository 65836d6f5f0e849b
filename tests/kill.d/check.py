"""check.py: what the records say, held against what was promised to the clients.

The ledger folds records into the instances they describe, with rules of its own; a record that does not
follow from those before it is out of order, a key with two frames is duplicated, an answer without its
record is lost.
"""
import hashlib

from journal import Damage, Record

SLACK = 5_000_000  # ns: the two clocks of timers are not read in one moment
BOOKKEEPING = ("task_started",)  # in the chain, but the instance is where it was: no new rev


def key_hash(key):
    return hashlib.sha256(key.encode()).digest()[:16]


class Instance:
    __slots__ = ("machine", "rev", "last", "to", "status", "n", "incs", "timers")

    def __init__(self, machine):
        self.machine, self.rev, self.last, self.to, self.status = machine, 0, 0, None, "running"
        self.n, self.incs = None, 0
        self.timers = {}  # (id, seq of the record that set it, place in it): when it is due


class Entry:
    """The first record of a command under a key, and the instance's rev after it."""

    __slots__ = ("seq", "rev", "instance", "trigger", "corr")

    def __init__(self, record):
        self.seq, self.rev, self.instance = record.seq, record.rev, record.inst
        self.trigger, self.corr = record.trigger, record.corr


class Faults:
    def __init__(self):
        self.count, self.texts = {"lost": 0, "duplicated": 0, "out of order": 0, "wrong": 0}, []

    def add(self, kind, text):
        self.count[kind] += 1
        if len(self.texts) < 40:
            self.texts.append(kind + ": " + text)


class Ledger:
    def __init__(self, reader, faults):
        self.reader, self.faults = reader, faults
        self.seq, self.leaf, self.time, self.leaves = 0, bytes(32), 0, []
        self.instances, self.keys, self.refusals, self.tasks = {}, {}, {}, {}
        self.last_fired, self.timers_set, self.timers_fired, self.timers_cancelled = (0, 0, 0), 0, 0, 0

    def read(self):
        try:
            for frame in self.reader.frames():
                self.take([Record(data) for data in frame])
        except Damage as damage:
            self.faults.add("out of order", str(damage))

    # ---- the log as one ------------------------------------------------------------------------------

    def take(self, frame):
        for at, record in enumerate(frame):
            where = "seq %s" % record.seq
            if record.seq != self.seq + 1 or record.prev != self.leaf:
                self.faults.add("out of order", "%s does not follow %d in the chain" % (where, self.seq))
            if record.time < self.time:
                self.faults.add("out of order", where + " is older than the one before")
            self.seq, self.leaf, self.time = record.seq, record.leaf, record.time
            self.leaves.append(record.leaf)
            if record.inst is not None and (record.i, record.n) != (at, len(frame)):
                self.faults.add("out of order", "%s: record %s of %s" % (where, record.i, record.n))
        if frame[0].inst is not None:
            self.take_frame(frame)

    # ---- an instance ---------------------------------------------------------------------------------

    def take_frame(self, frame):
        first = frame[0]
        instance = self.instances.get(first.inst)
        if first.kind == "created":
            if instance is not None:
                self.faults.add("duplicated", "instance %s is created again" % first.inst)
            instance = self.instances[first.inst] = Instance(first.mach)
        if instance is None:
            self.faults.add("lost", "seq %d: %s was never created" % (first.seq, first.inst))
            return
        if first.kind == "rejected":
            self.take_refusal(instance, first)
            return
        instance.rev += first.kind not in BOOKKEEPING
        for record in frame:
            self.take_change(instance, record)
        self.take_key(first)

    def take_refusal(self, instance, record):
        if record.rev != instance.rev or record.iprev != instance.last:
            said = "seq %d: refused at rev %s, not %d" % (record.seq, record.rev, instance.rev)
            self.faults.add("out of order", said)
        if record.corr in self.refusals:
            self.faults.add("duplicated", "the refusal of %s" % record.corr)
        self.refusals[record.corr] = record.reason

    def take_change(self, instance, record):
        where = "seq %d of %s" % (record.seq, record.inst)
        if record.rev != instance.rev or record.iprev != instance.last:
            self.faults.add("out of order", "%s: rev %s after %d, iprev %s instead of %d"
                            % (where, record.rev, instance.rev - 1, record.iprev, instance.last))
        if getattr(record, "from") != instance.to and record.kind != "created":
            self.faults.add("out of order", "%s comes from %s, not %s" % (where, getattr(record, "from"), instance.to))
        instance.last, instance.to = record.seq, record.to
        self.take_timers(instance, record, where)
        if record.kind in ("completed", "cancelled"):
            instance.status, instance.timers = record.kind, {}
        if instance.machine in ("counter", "alarm"):
            self.take_count(instance, record, where)
        if record.kind in ("task_done", "task_failed"):
            if record.tok in self.tasks:
                self.faults.add("duplicated", where + ": the task was answered before")
            self.tasks[record.tok] = record.seq

    def take_timers(self, instance, record, where):
        """Each that was set fires once, not before it is due, not after it was cancelled, and in order."""
        if record.kind == "timer_fired":
            which = (record.detail["timer"], record.detail["set"], record.detail.get("place", 0))
            due = instance.timers.pop(which, None)
            self.timers_fired += 1
            if due is None:
                self.faults.add("duplicated", "%s fires %s, which is not set" % (where, which))
                return
            if record.time < due:
                self.faults.add("out of order", "%s fires %s %d ns early" % (where, which, due - record.time))
            fired, last = (due,) + which[1:], self.last_fired
            if fired[0] < last[0] - SLACK or fired[0] == last[0] and fired < last:
                self.faults.add("out of order", "%s fires %s after %s" % (where, fired, last))
            self.last_fired = fired
        for place, timer in enumerate(record.timers or []):
            if "cancel" not in timer:
                instance.timers[timer["id"], record.seq, place] = timer["due"]
                self.timers_set += 1
                continue
            for which in [w for w in instance.timers if w[0] == timer["cancel"]]:
                del instance.timers[which]
                self.timers_cancelled += 1

    def overdue(self, now):
        """Timers that should have fired by then."""
        late = []
        for name, instance in self.instances.items():
            late += [(name,) + which for which, due in instance.timers.items() if due < now and instance.status == "running"]
        return late

    def take_count(self, instance, record, where):
        counts = record.trigger in ("INC", "RING") and record.kind != "timer_fired"
        if instance.machine == "alarm" and not counts and record.kind != "created":
            return
        old, new = instance.n, (record.ctx or {}).get("n", [None])
        instance.n = new[-1]
        if counts:
            instance.incs += 1
            if new != [old, (old or 0) + 1]:
                self.faults.add("out of order", "%s counts %s after %s" % (where, new, old))

    def take_key(self, record):
        if record.idem is None:
            return
        scope = record.mach if record.kind == "created" else record.inst
        place = (record.kind == "created", scope, record.idem[0])
        if place in self.keys:
            self.faults.add("duplicated", "seq %d has the key of seq %d" % (record.seq, self.keys[place].seq))
        self.keys[place] = Entry(record)

    # ---- against the clients -------------------------------------------------------------------------

    def find(self, command):
        start = command.kind == "start"
        return self.keys.get((start, command.machine if start else command.instance, key_hash(command.key)))

    def check(self, command):
        """A command whose outcome is known."""
        if command.outcome == "taken":
            self.check_taken(command)
        elif command.outcome == "refused":
            self.check_refused(command)

    def check_taken(self, command):
        answer, entry = command.answer, self.find(command)
        if entry is None:
            self.faults.add("lost", "%s was answered with seq %d, rev %d" % (command.key, answer["seq"], answer["rev"]))
            return
        said = (answer["seq"], answer["rev"], answer["instance"], answer["correlation"])
        recorded = (entry.seq, entry.rev, entry.instance, entry.corr)
        if said != recorded or command.kind == "send" and command.event != entry.trigger:
            self.faults.add("wrong", "%s: answered %s, recorded %s" % (command.key, said, recorded))
        if entry.corr not in command.attempts:
            self.faults.add("wrong", "%s was recorded as %s" % (command.key, entry.corr))

    def check_refused(self, command):
        reason, entry = command.answer.get("code"), self.find(command)
        if entry is not None and not command.reuses:
            self.faults.add("wrong", "%s was refused (%s) but is seq %d" % (command.key, reason, entry.seq))
        if command.recorded and self.refusals.get(command.attempts[-1]) != reason:
            self.faults.add("lost", "the refusal of %s: %s" % (command.attempts[-1], reason))

    def check_seen(self, instance, rev, n):
        """What a read has shown must be there, and a counter's n follows from its rev."""
        known = self.instances.get(instance)
        if known is None or known.rev < rev:
            self.faults.add("lost", "a read showed rev %d of %s" % (rev, instance))
        elif n != rev - 1:
            self.faults.add("wrong", "a read showed n %d at rev %d of %s" % (n, rev, instance))

    def check_task(self, token, reply):
        """What a worker was told: taken, or not open any more because it was taken before."""
        error = reply.get("error", {}).get("code")
        if error not in (None, "unknown_task"):
            self.faults.add("wrong", "the answer of task %s: %s" % (token, reply))
        elif bytes.fromhex(token) not in self.tasks:
            self.faults.add("lost", "the answer of task %s: %s" % (token, reply))

    def check_rows(self, rows):
        """The daemon's list of instances is what the records say."""
        said = {row["id"]: (row["machine"], row["rev"], row["state"], row["status"]) for row in rows}
        for name in said.keys() | self.instances.keys():
            instance = self.instances.get(name)
            known = instance and (instance.machine, instance.rev, instance.to, instance.status)
            if said.get(name) != known:
                self.faults.add("wrong", "%s: the records say %s, the rows %s" % (name, known, said.get(name)))

    def check_all(self, commands):
        """At the end: each counter is the number of the commands that count; no record is nobody's."""
        self.check_order(commands)
        sure, perhaps, places = {}, {}, set()
        for c in commands:
            scope = c.machine if c.kind == "start" else c.instance
            places.add((c.kind == "start", scope, key_hash(c.key)))
            if c.event == "INC" and c.outcome in ("taken", "given up"):
                table = sure if c.outcome == "taken" else perhaps
                table[c.instance] = table.get(c.instance, 0) + 1
        for place, entry in self.keys.items():
            if place not in places:
                self.faults.add("wrong", "seq %d was sent by nobody" % entry.seq)
        for name, instance in self.instances.items():
            low = sure.get(name, 0)
            if instance.machine != "counter":
                continue
            if not low <= instance.incs <= low + perhaps.get(name, 0) or instance.n != instance.incs:
                self.faults.add("lost" if instance.n < low else "duplicated",
                                "%s: %d commands, %d records, n = %d" % (name, low, instance.incs, instance.n))

    def check_order(self, commands):
        """What was answered before another was sent comes before it in the log."""
        taken = [c for c in commands if c.outcome == "taken" and not c.reuses]
        answered = sorted(taken, key=lambda c: c.answered)
        highest, at = 0, 0
        for command in sorted(taken, key=lambda c: c.sent):
            while at < len(answered) and answered[at].answered < command.sent:
                highest = max(highest, answered[at].answer["seq"])
                at += 1
            if command.answer["seq"] <= highest:
                self.faults.add("out of order", "%s is seq %d, but %d was answered before it was sent"
                                % (command.key, command.answer["seq"], highest))
