#!/usr/bin/env python3
"""test_cli_find.py: what ls, stuck, groups and actors say of a store that a seed made, held against the plans of the seed
and a reading of the journal by a second hand: kinds, time left, groups, sums, who acts; of the daemon and of its files.
FSM_FIND_INSTANCES makes it larger, FSM_FIND_SEED another one.
"""
import calendar
import collections
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kill.d"))
import journal  # noqa: E402
from http_daemon import FSMD  # noqa: E402

CLI = os.path.join(os.path.dirname(FSMD), "fsm-cli")
SEEDED = os.path.join(os.path.dirname(FSMD), "tests", "seeded")
MACHINES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "seeded")
INSTANCES = int(os.environ.get("FSM_FIND_INSTANCES", "1500"))
SEED = int(os.environ.get("FSM_FIND_SEED", "11"))
NS, DAY = 10**9, 86400 * 10**9
TIME, KIND, MACHINE, VERSION, ID, LABELS, TO, CTX, SINCE, ACT = 2, 4, 7, 9, 10, 12, 18, 23, 26, 37
STATUS = {"created": "running", "incident_opened": "incident", "incident_closed": "running", "paused": "paused",
          "resumed": "running", "completed": "completed", "cancelled": "cancelled"}  # fmt: skip
OPEN = ("running", "paused", "incident")


def ns(text):
    whole, _, part = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * NS + int(part.ljust(9, "0") if part else 0)


def slas_of(machine):
    """path → nanoseconds, as the definition has them: here days at the top level only."""
    with open(os.path.join(MACHINES, machine + ".json"), encoding="utf-8") as file:
        states = json.load(file)["states"]
    texts = {name: state.get("meta", {}).get("fsm", {}).get("sla") for name, state in states.items()}
    return {name: int(text[:-1]) * DAY for name, text in texts.items() if text}


class Fact:
    def __init__(self):
        self.status, self.since, self.context, self.labels, self.leaves = "running", {}, {}, {}, []

    def take(self, fields, kind):
        self.machine, self.version = fields[MACHINE], fields[VERSION]
        self.status = STATUS.get(kind, self.status)
        self.labels = fields.get(LABELS, self.labels)
        self.leaves = fields.get(TO, self.leaves)
        for path in fields.get(SINCE) or ():
            self.since[path] = fields[TIME]
        for name, change in (fields.get(CTX) or {}).items():
            self.context[name] = change[-1]

    def due(self):
        active = {leaf[:n] for leaf in self.leaves for n in range(1, len(leaf) + 1) if n == len(leaf) or leaf[n] == "."}
        dues = [self.since[s] + length for s, length in slas_of(self.machine).items() if s in active]
        return min(dues) if dues and self.status in OPEN else None

    def oldest(self):
        return min(self.since[leaf] for leaf in self.leaves)


class Found(unittest.TestCase):
    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        cls.dir = tempfile.mkdtemp(prefix="fsm-find-", dir=room)
        cls.data, manifest = os.path.join(cls.dir, "data"), os.path.join(cls.dir, "manifest")
        subprocess.run([SEEDED, cls.data, "--instances", str(INSTANCES), "--seed", str(SEED), "--segment", "2", "--manifest",
                        manifest], check=True, stdout=subprocess.DEVNULL, timeout=550)  # fmt: skip
        with open(manifest, encoding="utf-8") as file:
            cls.plans = {line["id"]: line for line in map(json.loads, file)}
        cls.facts, cls.people = collections.defaultdict(Fact), {}
        for frame in journal.Reader(os.path.join(cls.data, "journal", "0")).frames():
            for record in frame:
                cls.read(journal.unpack(record)[0])

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.dir)

    @classmethod
    def read(cls, fields):
        kind = journal.KINDS[fields[KIND]]
        actor = fields.get(ACT) or {}
        if "sub" in actor:
            cls.people[(actor["sub"], actor.get("type"), actor.get("iss"))] = (fields[TIME], actor.get("roles"))
        if ID in fields and kind not in ("rejected", "note", "purged", "task_started"):
            cls.facts[fields[ID]].take(fields, kind)

    def ask(self, *args):
        done = subprocess.run([CLI, "--data", self.data, *args, "-o", "json"], capture_output=True, text=True, timeout=300, check=False)
        self.assertEqual(done.returncode, 0, f"{args}: {done.stderr}")
        return json.loads(done.stdout)

    def ids(self, *args):
        items = [item["id"] for item in self.ask(*args, "--all")["items"]]
        self.assertEqual(len(items), len(set(items)))
        return set(items)

    def planned(self, kind):
        wanted = {i for i, plan in self.plans.items() if plan.get("kind") == kind}
        self.assertTrue(wanted)
        return wanted

    def test_dead_and_orphans_are_those_that_were_made_so(self):
        for kind in ("dead", "orphan"):
            self.assertEqual(self.ids("ls", "--kind", kind), self.planned(kind))
            self.assertEqual(self.ids("stuck", "--kind", kind), self.planned(kind))

    def test_failed_are_incidents_and_what_ended_so(self):
        tagged = {("order", "expired"), ("claim", "denied")}
        wanted = {i for i, f in self.facts.items() if f.status == "incident"}
        wanted |= {i for i, f in self.facts.items() if f.status == "completed" and (f.machine, f.leaves[0]) in tagged}
        got = self.ids("ls", "--kind", "failed")
        self.assertLessEqual(self.planned("failed"), got)
        self.assertEqual(got, wanted)

    def test_sla_is_counted_from_when_its_state_was_entered(self):
        document = self.ask("ls", "--with", "sla,kind", "--all")
        now, over = ns(document["now"]), set()
        for item in document["items"]:
            due = self.facts[item["id"]].due()
            self.assertEqual(ns(item["sla"]["due"]) if "sla" in item else None, due, item)
            if due is None:
                continue
            left = item["sla"].get("left_ns", 0) or -item["sla"].get("overdue_ns", 0)
            self.assertLess(abs(left - (due - now)), 60 * NS)
            self.assertEqual("sla" in item["kind"], due <= now)
            over |= {item["id"]} if due <= now else set()
        self.assertTrue(over)
        self.assertEqual(self.ids("ls", "--kind", "sla"), over)
        dues = [self.facts[i["id"]].due() for i in self.ask("ls", "--sort", "sla", "--open", "--limit", "300")["items"]]
        some = [due for due in dues if due is not None]
        self.assertEqual(some, sorted(some))
        self.assertEqual(dues[:len(some)], some)

    def test_stuck_by_itself_is_all_that_is_wrong_and_says_what(self):
        done = subprocess.run([CLI, "--data", self.data, "stuck", "--all", "-o", "csv"], capture_output=True, text=True, timeout=300, check=True)
        got = {line.split(",")[0] for line in done.stdout.splitlines()[1:]}
        opened = {i for i, f in self.facts.items() if f.status in OPEN}
        wanted = set().union(*(self.ids("ls", "--kind", kind) for kind in ("sla", "dead", "orphan", "failed"))) & opened
        self.assertEqual(got, wanted)

    def test_silent_has_nothing_pending_and_nothing_happened(self):
        got = self.ids("ls", "--kind", "silent", "--for", "1d")
        self.assertLessEqual(self.planned("silent"), got)
        self.assertEqual({self.facts[i].machine for i in got} & {"order"}, set())  # they have timers, tasks or children
        self.assertEqual({self.facts[i].status for i in got} - set(OPEN), set())

    def test_groups_are_counted_and_added_up(self):
        wanted = collections.defaultdict(list)
        for fact in self.facts.values():
            wanted[(fact.machine, ", ".join(fact.leaves), fact.status)].append(fact)
        for more in ((), ("--open",)):
            items = self.ask("ls", "--group-by", "machine,state,status", "--sum", "amount", *more)["items"]
            self.assertEqual([i["count"] for i in items], sorted((i["count"] for i in items), reverse=True))
            kept = {key: facts for key, facts in wanted.items() if not more or key[2] in OPEN}
            self.assertEqual(len(items), len(kept))
            for item in items:
                facts = kept[tuple(item["by"][name] for name in ("machine", "state", "status"))]
                amounts = [f.context["amount"] for f in facts if isinstance(f.context.get("amount"), (int, float))]
                self.assertEqual(item["count"], len(facts), item)
                self.assertEqual(ns(item["oldest"]), min(f.oldest() for f in facts), item)
                self.assertEqual(item["sum"]["count"], len(amounts), item)
                if amounts:
                    self.assertEqual([item["sum"][n] for n in ("sum", "min", "max")], [sum(amounts), min(amounts), max(amounts)])

    def test_groups_by_label_and_field_have_one_of_those_without(self):
        for field, of in (("label:region", lambda f: f.labels.get("region")), ("field:article", lambda f: f.context.get("article"))):
            got = {item["by"][field]: item["count"] for item in self.ask("ls", "--group-by", field)["items"]}
            self.assertEqual(got, dict(collections.Counter(of(f) for f in self.facts.values())))
            self.assertIn(None, got)

    def test_what_is_masked_is_no_group_and_no_sum(self):
        items = self.ask("ls", "--group-by", "field:iban", "-m", "loan", "--sum", "iban")["items"]
        self.assertEqual([item["by"]["field:iban"] for item in items], ["[masked]"])
        self.assertEqual(items[0]["sum"], {"count": 0})

    def test_who_acts_is_read_from_the_log(self):
        items = self.ask("actors", "--all")["items"]
        got = {(i["sub"], i.get("type"), i.get("iss")): (ns(i["last"]), i.get("roles")) for i in items}
        self.assertEqual(got, self.people)
        self.assertEqual([i["seq"] for i in items], sorted((i["seq"] for i in items), reverse=True))
        self.assertEqual(self.ask("actors", "--limit", "1")["items"], items[:1])
        self.assertGreaterEqual(len(glob.glob(os.path.join(self.data, "journal", "0", "*.seg"))), 2)  # sealed ones, too

    def test_who_can_act_has_the_role_that_is_asked_for(self):
        roles = {key[0]: value[1] for key, value in self.people.items()}
        for item in self.ask("ls", "-m", "loan", "-s", "board", "--status", "running", "--with", "who,waits,last", "--limit", "20")["items"]:
            self.assertFalse(item["who"]["anybody"])
            self.assertTrue(item["who"]["people"])
            for sub in item["who"]["people"]:
                self.assertIn("director", roles[sub])
            self.assertGreaterEqual(ns(item["last"]["time"]), ns(item["since"]))

    def test_the_daemon_says_the_same(self):
        """Of a copy: a daemon fires what is due."""
        commands = (("ls", "--kind", "dead,orphan", "--all"), ("ls", "--group-by", "machine,state", "--sum", "amount"), ("actors", "--all"))
        data = os.path.join(self.dir, "copy")
        shutil.copytree(self.data, data)
        self.data, socket = data, os.path.join(data, "fsmd.sock")
        daemon = subprocess.Popen([FSMD, "--data", data, "--no-listen"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline, seq, served = time.monotonic() + 60, -1, None
            while time.monotonic() < deadline and (served is None or served[0]["seq"] != seq or served[-1]["seq"] != seq):
                self.assertIsNone(daemon.poll())
                time.sleep(0.2)
                if os.path.exists(socket):  # what is due goes before a command
                    subprocess.run([CLI, "--socket", socket, "start", "turn", "--dry-run"], capture_output=True, timeout=60, check=False)
                    seq = served[-1]["seq"] if served else -1
                    served = [self.ask(*c) for c in commands]
        finally:
            daemon.terminate()
            daemon.wait(60)
        for command, one in zip(commands, served):
            other = self.ask(*command)
            self.assertEqual(other["seq"], one["seq"])
            for item in other["items"] + one["items"]:
                item.pop("for_ns", None)
            self.assertEqual(other["items"], one["items"])


if __name__ == "__main__":
    unittest.main()
