#!/usr/bin/env python3
"""test_kill_service.py: kill -9 at random points of what a service does all day (kill.d/service.py): batches, instances made when
absent, claims, operators, machines retired and deployed again, roles; while others follow the audit log as server-sent events.

The journal is read by a reader of our own. What was answered is in it, once; what it says follows from what it said before, by
rules that are written here again; and each follower got the records that its filter wants, in order, each once.

--cycles N (FSM_KILL_CYCLES, 4), --seed S (FSM_KILL_SEED); --full: the disk is full now and then.
"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import test_kill  # noqa: E402
from test_kill import CLI, FSMD, Daemon, cli  # noqa: E402

from check import Faults, key_hash  # noqa: E402
from journal import Reader, Record  # noqa: E402
from load import Wire  # noqa: E402
from test_publish_full import empty, fill, mount  # noqa: E402
from service import CASE, JOB, Actor, Follower, Stage, version_of  # noqa: E402

WAIT = test_kill.WAIT
FOLLOWED = {
    "": lambda r: True,
    "machine=job": lambda r: r.mach == "job",
    "kind=task_started,task_done": lambda r: r.kind in ("task_started", "task_done"),
    "instance=job-1": lambda r: r.inst == "job-1",
    "user=boss-2": lambda r: (r.act or {}).get("sub") == "boss-2",
    "event=BUMP": lambda r: r.trigger == "BUMP",
    "machine=case&kind=rejected,created": lambda r: r.mach == "case" and r.kind in ("rejected", "created"),
}
ADMIN = {"pause": "paused", "resume": "resumed", "note": "note", "set": "admin"}
ENDS = ("completed", "cancelled")


class Log:
    """The journal from its first byte, and what it must mean."""

    def __init__(self, directory, faults):
        self.faults, self.records, self.keys, self.state = faults, [], {}, {}
        self.open, self.spans = {}, {}  # (machine, key): who has it; all who had it: (from seq, instance)
        self.machine, self.n = {}, {}
        self.live, self.newest = {}, {}  # machine: versions that are not retired; the newest one
        self.started, self.tasks_done = {}, {}
        for frame in Reader(directory).frames():
            self.take([Record(data) for data in frame])

    def take(self, frame):
        for record in frame:
            if record.seq != len(self.records) + 1:
                self.faults.add("out of order", "seq %d is record %d" % (record.seq, len(self.records) + 1))
            self.records.append(record)
            self.take_record(record)
        first = frame[0]
        if first.kind == "rejected":
            return
        if first.idem is not None:
            self.keys.setdefault(first.idem[0], []).append(first)
        if "BUMP" in {r.trigger for r in frame}:
            self.n[first.inst] = self.n.get(first.inst, 0) + 1
        if "SIGN" in {r.trigger for r in frame} and not first.act["sub"].startswith("boss"):
            self.faults.add("wrong", "seq %d: %s signs" % (first.seq, first.act))

    def take_record(self, r):
        sub = (r.act or {}).get("sub", "")
        if r.kind == "created":
            self.take_created(r)
        elif r.kind == "rejected" and r.reason == "not_permitted" and (r.trigger != "SIGN" or not sub.startswith("clerk")):
            self.faults.add("wrong", "seq %d: %s may not %s" % (r.seq, sub, r.trigger))
        elif r.kind in ENDS and r.inst is not None:
            key = next((k for k, inst in self.open.items() if inst == r.inst), None)
            self.open.pop(key, None)
        elif r.kind == "deployed":
            if r.defv != self.newest.get(r.mach, 0) + 1:
                self.faults.add("out of order", "seq %d deploys version %d of %s" % (r.seq, r.defv, r.mach))
            self.newest[r.mach] = r.defv
            self.live.setdefault(r.mach, set()).add(r.defv)
        elif r.kind == "retired":
            versions = set(r.detail["versions"])
            if not versions or not versions <= self.live[r.mach]:
                self.faults.add("wrong", "seq %d retires %s, live are %s" % (r.seq, versions, self.live[r.mach]))
            self.live[r.mach] -= versions
        elif r.kind == "task_started":
            if (r.tok, r.att) in self.started:
                self.faults.add("duplicated", "seq %d begins an attempt again: %s" % (r.seq, r.tok.hex()))
            self.started[r.tok, r.att] = sub
        elif r.kind == "task_done":
            if r.tok in self.tasks_done:
                self.faults.add("duplicated", "seq %d: the task %s is done again" % (r.seq, r.tok.hex()))
            self.tasks_done[r.tok] = (r.att, r.inst)
            self.n[r.inst] = self.n.get(r.inst, 0) + 1

    def take_created(self, r):
        if r.inst in self.machine:
            self.faults.add("duplicated", "seq %d creates %s again" % (r.seq, r.inst))
        self.machine[r.inst] = r.mach
        if r.defv not in self.live[r.mach] or r.defv != max(self.live[r.mach]):
            self.faults.add("wrong", "seq %d: version %d of %s, live are %s" % (r.seq, r.defv, r.mach, self.live[r.mach]))
        if r.key is not None:
            if (r.mach, r.key) in self.open:
                self.faults.add("duplicated", "seq %d: %s is open already" % (r.seq, r.key))
            self.open[r.mach, r.key] = r.inst
            self.spans.setdefault((r.mach, r.key), []).append((r.seq, r.inst))

    # ---- against what was heard ---------------------------------------------------------------------------

    def check(self, said):
        """taken: there is its record, or nothing was to be done. refused: there is none."""
        records = self.keys.get(key_hash(said.key), [])
        if len(records) > 1 and not self.another_between(said, records):
            self.faults.add("duplicated", "%s is seq %s" % (said.key, [r.seq for r in records]))
        if said.outcome == "refused" and records and not self.another_after(said, records[0]):
            self.faults.add("wrong", "%s was refused (%s), and is seq %d" % (said.key, said.code, records[0].seq))
        if said.event == "SIGN" and said.who.startswith("clerk") and said.outcome == "taken":
            self.faults.add("wrong", "%s: a clerk signed" % said.key)
        if said.outcome != "taken":
            return
        seq = said.answer.get("seq")  # None: nothing was changed
        mine = next((r for r in records if r.seq == seq), None)
        if mine is None and not (seq is None and not records and self.found(said)):
            self.faults.add("lost", "%s %s: answered %s, recorded %s" % (said.what, said.key, said.answer, [r.seq for r in records]))
        if mine is not None and (mine.inst != said.answer["instance"] or (mine.act or {}).get("sub") != said.who):
            self.faults.add("wrong", "%s: answered %s, recorded of %s by %s" % (said.key, said.answer, mine.inst, mine.act))
        if mine is not None and said.what in ADMIN and mine.kind != ADMIN[said.what]:
            self.faults.add("wrong", "%s %s is a %s" % (said.what, said.key, mine.kind))

    def another_between(self, said, records):
        """A send by key is known at the open instance and at the last that ended (runtime/README.md)."""
        spans = self.spans.get(("case", said.instance.partition(":")[2]), [])
        return all(any(a.seq < seq < b.seq for seq, _ in spans) for a, b in zip(records, records[1:]))

    def another_after(self, said, record):
        return any(seq > record.seq for seq, _ in self.spans.get(("case", said.instance.partition(":")[2]), []))

    def found(self, said):
        """A start that made nothing: there was one under the key."""
        had = [inst for _, inst in self.spans.get(("case", said.instance.partition(":")[2]), [])]
        return said.what == "start" and said.answer["instance"] in had

    def check_worker(self, actor):
        for token, attempt in actor.claims:
            if self.started.get((bytes.fromhex(token), attempt)) != actor.sub:
                self.faults.add("lost", "%s has attempt %d of %s, on record is %s"
                                % (actor.sub, attempt, token, self.started.get((bytes.fromhex(token), attempt))))
        for token, attempt, how, status, code in actor.done:
            if status == 200 and how == "complete" and self.tasks_done.get(bytes.fromhex(token), (0, ""))[0] != attempt:
                self.faults.add("lost", "task %s was completed" % token)
            if status != 200 and code != "unknown_task":
                self.faults.add("wrong", "task %s, %s: %d %s" % (token, how, status, code))

    def check_follower(self, follower, wanted):
        """Up to the last record that it was to wait for: sums of refusals come at any time."""
        got = [(r["seq"], r["kind"], r.get("corr")) for r in follower.seen if r["seq"] <= follower.last]
        want = [(r.seq, r.kind, r.corr) for r in self.records[: follower.last] if wanted(r)]
        if got == want:
            return
        if len(set(got)) != len(got):
            self.faults.add("duplicated", "%s: a record came twice" % follower.name)
        for which in sorted(set(want) - set(got))[:3]:
            self.faults.add("lost", "%s: %s did not come" % (follower.name, which))
        for which in sorted(set(got) - set(want), key=str)[:3]:
            self.faults.add("wrong", "%s: %s came" % (follower.name, which))
        if sorted(got) == sorted(want) and got != want:
            self.faults.add("out of order", follower.name)


class Kill:
    def __init__(self, options, directory):
        self.options, self.dir, self.faults = options, directory, Faults()
        self.rng = random.Random(options.seed)
        self.stage, self.actors, self.followers = Stage(), [], []
        self.kills = self.lossy = self.fulls = 0
        self.disk = directory if options.full and mount(directory, 400 << 20) else None
        self.daemon = Daemon(directory, None, self.rng)

    def token(self, role, sub):
        words = [CLI, "token", "mint", "--key", self.daemon.key, "--sub", sub, "--role", role, "--ttl", "2h"]
        run = subprocess.run(words + (["--admin"] if role == "ops" else []), stdout=subprocess.PIPE, check=True)
        return run.stdout.decode().strip()

    def prepare(self):
        self.daemon.start()
        for definition in (CASE, JOB, version_of(0)):
            self.local("POST", "/v1/machines", definition)
        for number in range(4):
            self.local("POST", "/v1/instances", {"machine": "job", "id": "job-%d" % number})
        self.actors = [Actor(n, self.options.seed, self.token, self.stage) for n in range(self.options.actors)]
        for number, query in enumerate(FOLLOWED):
            self.followers.append(Follower(query, self.token("clerk", "reader"), self.stage, slow=number % 3 == 2))
        self.followers.append(Follower("", self.token("clerk", "slow"), self.stage, slow=True))
        for thread in self.actors + self.followers:
            thread.start()

    def local(self, method, path, body=None):
        wire = Wire(self.daemon.addresses[1], None)
        try:
            status, answer = wire.call(method, path, json.dumps(body).encode())
        finally:
            wire.close()
        if status >= 300:
            raise AssertionError("%s: %d %s" % (path, status, answer))
        return answer

    def cycle(self):
        self.stage.open(self.daemon.port)
        time.sleep(self.rng.uniform(0.05, self.options.longest))
        if self.disk and self.rng.random() < 0.5:
            self.fill()
        self.stage.close()
        if self.daemon.died():
            raise AssertionError("fsmd ended by itself" + self.daemon.last_words())
        self.daemon.stop(signal.SIGKILL)
        self.kills += 1
        self.lossy += self.daemon.lossy
        if self.disk and os.path.exists(os.path.join(self.disk, "ballast")):
            empty(self.disk)
        self.daemon.start()

    def fill(self):
        """No room for a while; in half of the cases the kill comes before there is some again."""
        begun = sum(a.full for a in self.actors)
        fill(self.disk)
        end = time.monotonic() + 5
        while sum(a.full for a in self.actors) < begun + 20 and time.monotonic() < end and not self.daemon.died():
            time.sleep(0.01)
        self.fulls += 1
        if self.rng.random() < 0.5:
            empty(self.disk)
            time.sleep(self.rng.uniform(0, self.options.longest))

    def finish(self):
        """No kill any more: everything gets its answer, every follower what is left."""
        self.stage.open(self.daemon.port)
        self.stage.end()
        for actor in self.actors:
            actor.join(WAIT)
            if actor.is_alive():
                raise AssertionError("%s waits for an answer" % actor.name)
        # Nothing moves by itself any more, and the last record is one that all followers are told the place of.
        for number in range(4):
            if self.daemon.get("/v1/instances/job-%d" % number)["status"] != "paused":
                self.local("POST", "/v1/instances/job-%d/pause" % number, {"reason": "the end"})
        seq = self.local("POST", "/v1/instances/job-1/note", {"reason": "the end"})["seq"]
        for follower in self.followers:
            follower.last = seq
        end = time.monotonic() + WAIT
        for follower in self.followers:
            while not follower.ended():
                if time.monotonic() > end or (not follower.is_alive() and not follower.ended()):
                    self.faults.add("lost", "%s stands at %d of %d %s" % (follower.name, follower.place, seq, follower.faults))
                    break
                time.sleep(0.02)
        self.check()

    def check(self):
        log = Log(os.path.join(self.daemon.data, "journal", "0"), self.faults)
        for actor in self.actors:
            for said in actor.said:
                log.check(said)
            log.check_worker(actor)
        known = {key_hash(s.key) for a in self.actors for s in a.said}
        for key, records in log.keys.items():
            if key not in known:
                self.faults.add("wrong", "seq %d was said by nobody" % records[0].seq)
        for thread in self.actors + self.followers:
            for fault in thread.faults:
                self.faults.add("wrong", fault)
        for follower in self.followers:
            log.check_follower(follower, FOLLOWED[follower.query])
        for inst, n in log.n.items():
            shown = self.daemon.get("/v1/instances/" + inst)["context"]["n"]
            if shown != n:
                self.faults.add("lost" if shown < n else "duplicated", "%s: n is %d, %d records" % (inst, shown, n))
        self.log = log
        if self.daemon.stop(signal.SIGTERM) != 0:
            self.faults.add("wrong", "fsmd did not end well on SIGTERM" + self.daemon.last_words())
        self.check_copies()

    def check_copies(self):
        """What was kept is proved, copied and made anew, retired versions included."""
        copy, anew = os.path.join(self.dir, "copy"), os.path.join(self.dir, "anew")
        data = self.daemon.data
        for words in (("--data", data, "audit", "verify"), ("--data", data, "db", "check"), ("--data", data, "db", "backup", copy),
                      ("db", "restore", copy, anew), ("--data", anew, "audit", "verify"),
                      ("--data", data, "db", "rebuild"), ("--data", data, "audit", "verify")):  # fmt: skip
            status, answer = cli(*words)
            if status != 0:
                self.faults.add("wrong", "fsm-cli %s: exit %d: %s" % (" ".join(words), status, answer))
        said = [cli("--data", where, "def", "ls")[1] for where in (data, anew)]
        if said[0]["items"] != said[1]["items"]:
            self.faults.add("wrong", "machines are %s, restored %s" % (said[0], said[1]))

    def run(self):
        self.prepare()
        for _ in range(self.options.cycles):
            self.cycle()
        self.finish()

    def summary(self, seconds):
        said = [s for a in self.actors for s in a.said]
        of = {o: sum(s.outcome == o for s in said) for o in ("taken", "refused", None)}
        count, kinds = self.faults.count, {}
        for record in self.log.records if hasattr(self, "log") else ():
            kinds[record.kind] = kinds.get(record.kind, 0) + 1
        lines = [
            "kills %d (%d with loss of the disk's cache), disk full %d times and told %d times, seed %d, %.0f s"
            % (self.kills, self.lossy, self.fulls, sum(a.full for a in self.actors), self.options.seed, seconds),
            "commands %d: taken %d, refused %d, unanswered %d; not permitted %d, said again %d"
            % (len(said), of["taken"], of["refused"], of[None], sum(s.code == "not_permitted" for s in said), sum(s.tries > 1 for s in said)),
            "claims %d, answers %d" % (sum(len(a.claims) for a in self.actors), sum(len(a.done) for a in self.actors)),
            "followers %d over %d connections: %d records"
            % (len(self.followers), sum(f.connections for f in self.followers), sum(len(f.seen) for f in self.followers)),
            "records " + ", ".join("%s %d" % item for item in sorted(kinds.items())),
            "lost %d, duplicated %d, out of order %d, otherwise wrong %d"
            % (count["lost"], count["duplicated"], count["out of order"], count["wrong"]),
        ]
        return "\n".join(lines + self.faults.texts)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cycles", type=int, default=int(os.environ.get("FSM_KILL_CYCLES", "4")))
    seed = int(os.environ.get("FSM_KILL_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--actors", type=int, default=10)
    parser.add_argument("--longest", type=float, default=0.8, help="seconds before a kill, at most")
    parser.add_argument("--full", action="store_true", help="on a disk of its own (unshare -m), which is full now and then")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    return parser.parse_args()


def main():
    options = read_options()
    if not os.access(FSMD, os.X_OK) or not os.access(CLI, os.X_OK):
        print("skipped: %s and %s are not built" % (FSMD, CLI))
        return 77
    if options.full and os.environ.get("FSM_OWN_DISKS") != "yes":
        os.environ["FSM_OWN_DISKS"] = "yes"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    print("seed %d" % options.seed, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory, begun = tempfile.mkdtemp(prefix="fsm-kill-service-"), time.monotonic()
    kill, passed = Kill(options, directory), False
    try:
        kill.run()
        passed = not any(kill.faults.count.values())
    finally:
        if kill.daemon.process and not kill.daemon.died():
            kill.daemon.stop(signal.SIGKILL)
        print(kill.summary(time.monotonic() - begun), flush=True)
        if kill.disk and not passed:  # a disk of our own goes with us
            directory = shutil.copytree(directory, tempfile.mkdtemp(prefix="fsm-kill-service-"), dirs_exist_ok=True)
        if kill.disk:
            subprocess.run(["umount", "-l", kill.disk], check=False)
            os.rmdir(kill.disk)
        elif passed and not options.keep:
            shutil.rmtree(directory)
        if options.keep or not passed:
            print("files: " + directory)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
