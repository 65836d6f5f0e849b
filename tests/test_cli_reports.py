#!/usr/bin/env python3
"""test_cli_reports.py: every number of the figures held against a recomputation from the journal's bytes
(reports_oracle.py): over HTTP, by fsm-cli from a daemon and from its stopped files, of all machines and of one, of all
time and of parts of it. FSM_REPORTS_INSTANCES and FSM_REPORTS_SEED make another store.
"""
import fcntl
import json
import os
import pty
import random
import re
import shutil
import struct
import subprocess
import termios
import unittest
import urllib.parse

from http_daemon import FSMD, Daemon
from reports_oracle import SECOND, History, spread_faults
from test_cli_graph import DOT, bad_mermaid_lines, check_dot
from test_filter_oracle import Link, ns, stamp

BUILD = os.path.dirname(FSMD)
CLI, SEEDED = os.path.join(BUILD, "fsm-cli"), os.path.join(BUILD, "tests", "seeded")
INSTANCES = int(os.environ.get("FSM_REPORTS_INSTANCES", "1500"))
SEED = int(os.environ.get("FSM_REPORTS_SEED", "1"))
MERMAID_HEAT = r"%% [\w :%]+$|classDef heat\d fill:#[0-9a-f]{6},color:#[0-9a-f]{6}$|class s_\w+ heat\d$"
ANY = (-(2**63), 2**63 - 1)

# What is easily miscounted: left and entered again, left in the step that entered it, several leaves left at once,
# regions that go their own ways, timers, steps that fail.
EDGES = {
    "id": "edges",
    "initial": "a",
    "context": {"n": 0, "zero": 0},
    "on": {"BOOM": {"context": {"n": {"@expr": "1 / context.zero"}}}},
    "states": {
        "a": {
            "on": {"SELF": {"target": "a", "reenter": True}, "NEXT": "p", "COUNT": {"context": {"n": {"@expr": "context.n + 1"}}},
                   "JUMP": {"target": "a", "reenter": True, "context": {"n": 100}}, "WAIT": "w"},
            "always": {"target": "choice", "guard": {"@expr": "context.n >= 100"}, "context": {"n": 0}},
        },
        "choice": {"always": "b"},
        "b": {"on": {"NEXT": "a", "END": "end"}},
        "w": {"after": {"20": "b"}},
        "p": {
            "type": "parallel",
            "on": {"OUT": "b", "RESET": {"target": "p", "reenter": True}},
            "states": {
                "x": {"initial": "x1", "states": {"x1": {"on": {"X": "x2"}}, "x2": {"on": {"X": "x1", "XX": {"target": "x2", "reenter": True}}}}},
                "y": {"initial": "y1", "states": {"y1": {"on": {"Y": "y2"}}, "y2": {"type": "final"}}},
                "z": {"initial": "z1", "states": {"z1": {"on": {"X": "z2"}}, "z2": {"on": {"Y": "z1"}}}},
            },
        },
        "end": {"type": "final"},
    },
}  # fmt: skip
EVENTS = ["SELF", "NEXT", "COUNT", "JUMP", "WAIT", "OUT", "RESET", "X", "X", "XX", "Y", "NEXT", "NEXT", "NOPE"] * 3 + ["END", "BOOM"]


def play(link):
    """Instances of `edges`, each a random life."""
    rng = random.Random(SEED)
    assert link.ask("POST", "/v1/machines", EDGES)[0] == 201
    ids = []
    for _ in range(max(60, INSTANCES // 12)):
        status, answer = link.ask("POST", "/v1/instances", {"machine": "edges"})
        assert status == 201, answer
        ids.append(answer["instance"])
    for _ in range(14):
        events = [{"instance": rng.choice(ids), "event": rng.choice(EVENTS)} for _ in range(2 * len(ids))]
        for at in range(0, len(events), 1000):
            assert link.ask("POST", "/v1/events", {"events": events[at : at + 1000]})[0] == 200
        for _ in range(len(ids) // 12):
            what, ref = rng.choice(["pause", "resume", "cancel", "force", "skip", "note", "retry"]), rng.choice(ids)
            states = rng.choice([["a"], ["b"], ["p.x.x2", "p.y.y1", "p.z.z1"], ["p.x.x1", "p.y.y2", "p.z.z2"], ["end"]])
            body = {"reason": "test", **({"states": states} if what == "force" else {})}
            link.ask("POST", "/v1/instances/%s/%s" % (ref, what), body)
    for _ in range(3):  # a start that is refused and events to nobody: summed up when it stops
        link.ask("POST", "/v1/instances", {"machine": "edges", "input": 7, "instance": ids[0]})
        link.ask("POST", "/v1/instances/nobody/events", {"event": "X"})


class Scene(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.d.stop()
        shutil.rmtree(cls.d.data)
        made = subprocess.run([SEEDED, cls.d.data, "--instances", str(INSTANCES), "--seed", str(SEED), "--until", "now"],
                              capture_output=True, text=True, timeout=500)
        assert made.returncode == 0, made.stderr
        cls.d.start()
        play(Link(cls.d, local=True))
        cls.d.stop()  # what was only summed up is written now
        cls.d.start()

        cls.histories = {}

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()

    def history(self, seq=None):
        """Nothing happens any more but at the daemon's stop and start, so it is read once for each seq."""
        if seq not in self.histories:
            self.histories[seq] = History(os.path.join(self.d.data, "journal", "0"), seq)
        return self.histories[seq]

    def ask(self, path, **params):
        """The last document of a walk over HTTP."""
        link, after, pages = Link(self.d, local=True), {}, 0
        while True:
            query = urllib.parse.urlencode({**{k: v for k, v in params.items() if v is not None}, **after})
            status, document = link.ask("GET", path + ("?" + query if query else ""))
            self.assertEqual(status, 200, document)
            pages += 1
            if document["next"] is None:
                return document
            self.assertNotIn("states", document)
            self.assertLessEqual(int(document["looked"]), int(document["of"]))
            after = {"after": document["next"]}

    # ---- held against the journal ----

    def check_stats(self, got, machine=None, since=None, until=None, every=None, passes=None):
        history = self.history(int(got["seq"]))
        since_ns, until_ns = ns(since) if since else ANY[0], ns(until) if until else ANY[1]
        want = history.stats(machine, since_ns, until_ns, ns(got["now"]), passes)
        self.assertEqual(int(got["records"]), want["records"])
        if passes is not None:
            self.assertEqual((int(got["instances"]), int(got.get("left", 0))), (want["instances"], want["left"]))
        self.assertEqual({m.get("machine"): m["kinds"] for m in got["machines"]}, want["machines"])
        states = {(s["machine"], s["state"]): s for s in got["states"]}
        self.assertEqual(set(states), set(want["states"]))
        for name, state in states.items():
            self.assertEqual(state["entered"], want["states"][name]["entered"], name)
            self.assertNotIn("cut", state)
            for part in ("stays", "standing"):
                self.assertIsNone(spread_faults(state[part], want["states"][name][part]), (name, part))
        events = {(e.get("machine"), e["event"], o): e[o] for e in got["events"] for o in ("taken", "refused", "failed") if e[o]}
        self.assertEqual(events, dict(want["events"]))
        refusals = {(r.get("machine"), r.get("event"), r["reason"]): r["count"] for r in got["refusals"]}
        self.assertEqual(refusals, dict(want["refusals"]))
        if every is not None:
            begins, end = ns(got["begins"]), min(until_ns, ns(got["now"]))
            wanted = list(history.intervals(machine, since_ns, until_ns, every, begins, end))
            shown = [{**i, "from": ns(i["from"]), "to": ns(i["to"])} for i in got["intervals"]]
            self.assertEqual(shown[: len(wanted)], wanted)
        return want

    def check_funnel(self, got, machine, since=None, until=None, passes=None):
        want = self.history(int(got["seq"])).funnel(machine, ns(since) if since else ANY[0], ns(until) if until else ANY[1], passes)
        self.assertEqual(got["created"], want["created"])
        for fate in ("standing", "incidents", "completed", "cancelled"):
            self.assertEqual(got[fate], want["fates"][fate], fate)
        shown = {s["state"]: s for s in got["states"]}
        self.assertEqual(set(want["states"]) - set(shown), set())
        for name, state in shown.items():
            wanted = want["states"][name]
            self.assertEqual(state["reached"], len(wanted["times"]), name)
            self.assertIsNone(spread_faults(state["time"], wanted["times"]), name)
            for fate in ("standing", "incidents", "completed", "cancelled"):
                self.assertEqual(state[fate], wanted[fate], (name, fate))
            if want["created"]:
                self.assertAlmostEqual(state["part"], len(wanted["times"]) / want["created"], 12)
        return want

    def ranges(self):
        records = self.history().records
        seeded = [r.time for r in records if r.mach != "edges"]
        lived = [r.time for r in records if r.mach == "edges"]
        yield None, None
        yield stamp(seeded[len(seeded) // 3]), stamp(seeded[len(seeded) * 2 // 3])
        yield stamp(lived[len(lived) // 2]), None
        yield None, stamp(lived[len(lived) // 2])
        yield stamp(lived[len(lived) // 3]), stamp(lived[len(lived) * 2 // 3])
        yield stamp(records[-1].time + 1), None


class Figures(Scene):
    def test_the_store_has_all_that_is_easily_miscounted(self):
        want = self.check_stats(self.ask("/v1/stats"))
        kinds = want["machines"]["edges"]
        for kind in ("created", "transition", "rejected", "forced", "cancelled", "incident_opened", "incident_closed", "paused", "timer_fired", "completed"):
            self.assertGreater(kinds.get(kind, 0), 0, kind)
        self.assertGreater(len(want["machines"]), 5)
        self.assertTrue(any(event is None for _, event, _ in want["refusals"]), "sums of refusals")
        self.assertTrue(all(s == 0 for s in want["states"]["edges", "choice"]["stays"]))

    def test_stats_are_what_the_journal_says(self):
        for since, until in self.ranges():
            for machine in (None, "edges", "loan"):
                with self.subTest(since=since, until=until, machine=machine):
                    got = self.ask("/v1/stats", machine=machine, since=since, until=until)
                    self.check_stats(got, machine, since, until)

    def test_intervals_are_what_the_journal_says(self):
        for (since, until), every in zip(self.ranges(), ("1d", "6h", "1s", "7d", "100ms", "1h")):
            length = {"d": 86400, "h": 3600}.get(every[-1], 1) * SECOND * int(every.rstrip("dhms")) // (1000 if every.endswith("ms") else 1)
            with self.subTest(since=since, until=until, every=every):
                got = self.ask("/v1/stats", since=since, until=until, every=every)
                self.check_stats(got, None, since, until, length)
                if since is None and until is None:
                    for name in ("records", "created", "refused"):
                        whole = {"records": got["records"], "refused": sum(r["count"] for r in got["refusals"])}.get(name)
                        self.assertTrue(whole is None or sum(i[name] for i in got["intervals"]) == whole, name)

    def test_funnels_are_what_the_journal_says(self):
        for since, until in self.ranges():
            for machine in ("edges", "loan", "ticket", "order"):
                with self.subTest(since=since, until=until, machine=machine):
                    self.check_funnel(self.ask("/v1/machines/%s/funnel" % machine, since=since, until=until), machine, since, until)

    def filters(self):
        """Parameters of FILTER, and what they mean of an instance as it is at the end."""
        chance, everyone = random.Random(SEED), list(self.history().instances.values())
        some = chance.sample(everyone, 40)
        label = next((n, v) for one in some for n, v in sorted(one.labels.items()))
        user = next(u for one in some for u in sorted(one.users - {None}))
        key = next(one.key for one in some if one.key)
        middle = sorted(one.created for one in everyone)[len(everyone) // 2]
        leaf = next(leaf for one in some for leaf in one.leaves if "." in leaf or len(one.leaves) == 1)
        first = leaf.split(".")[0]
        corr = sorted(some[0].corrs)[0]
        yield {"label": "%s=%s" % label}, lambda one: one.labels.get(label[0]) == label[1]
        yield {"user": user}, lambda one: user in one.users
        yield {"key": key[:2] + "*"}, lambda one: one.key is not None and one.key.startswith(key[:2])
        yield {"correlation": corr}, lambda one: corr in one.corrs
        yield {"created_since": stamp(middle)}, lambda one: one.created >= middle
        yield {"created_until": stamp(middle)}, lambda one: one.created < middle
        yield {"state": first}, lambda one: one.fate != "cancelled" and any(s == first or s.startswith(first + ".") for s in one.leaves)
        yield {"status": "open"}, lambda one: one.fate in ("standing", "incidents")
        yield {"status": "cancelled", "where": "size(labels) > 0"}, lambda one: one.fate == "cancelled" and len(one.labels) > 0
        yield {"kind": "failed", "status": "incident"}, lambda one: one.fate == "incidents"
        yield {"where": "machine == 'edges' || machine == 'loan'"}, lambda one: one.machine in ("edges", "loan")
        yield {"key": "nobody has it"}, lambda one: False

    def test_figures_of_a_filter_are_of_the_instances_that_pass_it(self):
        ranges, counted = list(self.ranges()), 0
        for i, (params, passes) in enumerate(self.filters()):
            (since, until), machine = ranges[i % 2 * 4], (None, "edges", "loan")[i % 3]
            with self.subTest(**params):
                got = self.ask("/v1/stats", machine=machine, since=since, until=until, **params)
                counted += int(self.check_stats(got, machine, since, until, passes=passes)["records"] > 0)
                got = self.ask("/v1/machines/%s/funnel" % (machine or "ticket"), since=since, until=until, **params)
                self.check_funnel(got, machine or "ticket", since, until, passes)
        self.assertGreater(counted, 5)

    def test_what_no_figure_is_asked_by_is_refused(self):
        link = Link(self.d, local=True)
        for query, code in (("sort=age", 400), ("status=nice", 400), ("where=1", 422), ("created_since=soon", 400)):
            status, answer = link.ask("GET", "/v1/stats?" + query)
            self.assertEqual((status, answer["where"]), (code, "?" + query.split("=")[0]))
        status, answer = link.ask("GET", "/v1/stats?state=nowhere")
        self.assertEqual((status, answer["code"]), (404, "not_found"))


class CommandLine(Scene):
    def cli(self, *args, code=0):
        done = subprocess.run([CLI, "--data", self.d.data, *args], capture_output=True, text=True, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"})
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def json(self, *args):
        return json.loads(self.cli(*args, "-o", "json"))

    def rows(self, *args):
        lines = self.cli(*args, "-o", "csv").splitlines()
        names = lines[0].split(",")
        return [dict(zip(names, line.split(","))) for line in lines[1:]]

    def both(self):
        """Of the daemon, then of its files."""
        yield "daemon"
        self.d.stop()
        try:
            yield "files"
        finally:
            self.d.start()

    def test_daemon_and_files_say_what_the_journal_says(self):
        since, until = list(self.ranges())[4]
        for where in self.both():
            with self.subTest(where=where):
                self.check_stats(self.json("stats", "--since", "all"))
                self.check_stats(self.json("stats", "--since", since, "--until", until, "-m", "edges", "--every", "1s"), "edges", since, until, SECOND)
                self.check_funnel(self.json("funnel", "edges", "--since", since, "--until", until), "edges", since, until)
                self.check_funnel(self.json("funnel", "loan", "--since", "all"), "loan")

    def test_a_filter_is_told_the_same_by_daemon_and_files(self):
        middle = sorted(one.created for one in self.history().instances.values())[INSTANCES // 2]
        for where in self.both():
            for args, passes in (
                (["--created-since", stamp(middle), "--status", "open"], lambda one: one.created >= middle and one.fate in ("standing", "incidents")),
                (["--where", "machine == 'edges'"], lambda one: one.machine == "edges"),
            ):
                with self.subTest(where=where, args=args):
                    self.check_stats(self.json("stats", "--since", "all", *args), passes=passes)
                    self.check_funnel(self.json("funnel", "edges", "--since", "all", *args), "edges", passes=passes)
        self.assertIn("instances: where=", self.cli("stats", "--since", "all", "--where", "machine == 'edges'"))

    def test_csv_has_the_members_of_the_document(self):
        got = self.json("stats", "--since", "all")
        rows = self.rows("stats", "--since", "all")
        self.assertEqual([(r["machine"], r["state"], r["entered"], r["stays.p95_ns"]) for r in rows],
                         [(s["machine"], s["state"], str(s["entered"]), str(s["stays"].get("p95_ns", ""))) for s in got["states"]])
        for by, member, name in (("event", "events", "taken"), ("refusal", "refusals", "count"), ("machine", "machines", "records")):
            rows = self.rows("stats", "--since", "all", "--by", by)
            self.assertEqual([r[name] for r in rows], [str(i[name]) for i in got[member]])
        rows = self.rows("funnel", "loan", "--since", "all")
        self.assertEqual([(r["state"], int(r["reached"])) for r in rows], [(s["state"], s["reached"]) for s in self.json("funnel", "loan", "--since", "all")["states"]])
        rows = self.rows("stats", "--since", "all", "--every", "7d")
        self.assertEqual(sum(int(r["events"]) for r in rows), sum(e["taken"] for e in got["events"]))

    def test_sums_of_a_field_are_those_of_the_instances_now(self):
        wanted = {}
        for one in self.json("ls", "--all", "-m", "edges")["items"]:
            state = one["state"] if isinstance(one["state"], str) else ", ".join(one["state"])
            wanted.setdefault(state, []).append(self.json("get", one["id"])["context"]["n"])
        for path in ("context.n", "n"):
            items = self.json("stats", "-m", "edges", "--sum", path)["items"]
            self.assertEqual({i["by"]["state"]: (i["count"], i["sum"]["sum"]) for i in items},
                             {state: (len(values), sum(values)) for state, values in wanted.items()})

    def test_heat_draws_what_stats_count(self):
        figures = {s["state"]: s for s in self.json("stats", "--since", "all", "-m", "loan")["states"]}
        wanted = {path: "%d now, %d visit%s" % (s["standing"]["count"], s["entered"], "s" * (s["entered"] != 1)) for path, s in figures.items()}
        mermaid = self.cli("heat", "loan", "--since", "all", "--format", "mermaid")
        self.assertEqual([line for line in bad_mermaid_lines(mermaid) if not re.match(MERMAID_HEAT, line.strip())], [])
        for path, line in wanted.items():
            self.assertRegex(mermaid, r"s_%s : %s" % (path.replace(".", "__"), line))
        open_ones = [p for p in figures if "final" not in figures[p]]
        self.assertEqual(len(re.findall(r"^  class s_\w+ heat[1-5]$", mermaid, re.M)), len(open_ones))
        dot = self.cli("heat", "loan", "--since", "all", "--format", "dot")
        for line in wanted.values():
            self.assertIn("\\n" + line, dot)
        self.assertEqual(dot.count("fillcolor"), len(open_ones) + 5)
        if DOT:
            self.assertIsNone(check_dot(dot))
            svg = self.cli("heat", "loan", "--since", "all", "--format", "svg")
            self.assertIn("</svg>", svg)
            self.assertIn(wanted["draft"], svg)
        tree = self.cli("heat", "loan", "--since", "all")
        shares = [float(x) for x in re.findall(r"(\d+\.\d) %", tree)]
        self.assertEqual(len(shares), len(open_ones))
        self.assertAlmostEqual(sum(shares), 100, delta=0.1 * len(shares))
        spent = {p: sum(int(figures[p][part].get("mean_ns", 0)) * figures[p][part]["count"] for part in ("stays", "standing")) for p in open_ones}
        self.assertAlmostEqual(float(re.search(r"draft .* (\d+\.\d) %", tree)[1]), 100 * spent["draft"] / sum(spent.values()), delta=0.06)

    def test_nothing_is_cut_at_any_width_and_bars_need_a_terminal(self):
        for args in (("stats", "--since", "all", "--every", "7d"), ("funnel", "loan"), ("heat", "loan")):
            self.assertNotIn("█", self.cli(*args))
            for columns in (66, 80, 140):
                out = in_terminal(columns, CLI, "--no-pager", "--data", self.d.data, *args)
                self.assertTrue("█" in out or columns < 80, out)
                for line in out.splitlines():
                    self.assertLessEqual(len(line), columns, out)

    def test_what_is_wrong_is_told(self):
        for args, code, text in (
            (("stats", "--by", "colour"), 2, "machine, state, event"),
            (("stats", "--by", "interval"), 2, "--every"),
            (("stats", "--every", "0s"), 2, "--every"),
            (("stats", "--every", "1ms", "--since", "2d"), 2, "intervals"),
            (("stats", "--since", "soon"), 2, "soon"),
            (("stats", "--sum", "context.n", "--since", "1d"), 2, "as they are now"),
            (("stats", "-m", "nope"), 3, "nope"),
            (("funnel", "nope"), 3, "nope"),
            (("funnel",), 2, "MACHINE"),
            (("heat", "nope"), 3, "nope"),
            (("heat", "loan", "--format", "gif"), 2, "mermaid"),
        ):
            for _ in self.both() if args[-1] == "soon" else (0,):
                self.assertIn(text, self.cli(*args, code=code))


def in_terminal(columns, *command):
    """What it writes to a terminal of that width, without its colours."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(command, stdout=slave, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=env)
    os.close(slave)
    out = b""
    while True:
        try:
            got = os.read(master, 65536)
        except OSError:
            break
        if not got:
            break
        out += got
    os.close(master)
    assert process.wait(60) == 0, out
    return re.sub(r"\x1b\[[0-9;]*m", "", out.decode()).replace("\r\n", "\n")


if __name__ == "__main__":
    unittest.main()
