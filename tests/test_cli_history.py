#!/usr/bin/env python3
"""fsm-cli over the past: get --as-of, diff, log, trace, cause and audit, of a daemon and of its files; what log says held
against the whole log. Exit 77: not built."""
import csv
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import xml.etree.ElementTree as ElementTree

BUILD = os.environ.get("FSM_BUILD_DIR", "")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
WAIT = 60

ORDER = {
    "id": "order", "initial": "open", "context": {"n": 0, "iban": "none"},
    "schemas": {"context": {"type": "object", "properties": {"n": {"type": "integer"}, "iban": {"type": "string", "x-pii": True}}}},
    "states": {
        "open": {"on": {
            "ADD": {"context": {"n": {"@expr": "context.n + 1"}}},
            "PAY": {"target": "paid", "context": {"iban": {"@expr": "event.iban"}}},
            "NEVER": {"target": "paid", "guard": {"@expr": "context.n > 1000000"}},
            "CALL": "calling",
        }},
        "calling": {"invoke": {"id": "kid", "src": "machine", "input": {"machine": "kid"}, "onDone": "open"}},
        "paid": {"after": {"3600000": "late"}}, "late": {},
    },
}
KID = {"id": "kid", "initial": "busy", "states": {"busy": {"on": {"END": "end"}}, "end": {"type": "final"}}}
SECRET = "DE7799887766"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT)
        self.sock.connect(self.path)


class Daemon:
    def __init__(self, data):
        self.data = data
        self.process = subprocess.Popen([FSMD, "--data", data, "--no-listen"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            try:
                if self.get("/readyz") == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("fsmd does not come up")

    def get(self, path):
        c = Unix(self.data + "/fsmd.sock")
        try:
            c.request("GET", path)
            return c.getresponse().status
        finally:
            c.close()

    def post(self, path, body, **headers):
        c = Unix(self.data + "/fsmd.sock")
        try:
            c.request("POST", path, json.dumps(body), {"Content-Type": "application/json", **headers})
            answer = c.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            c.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(WAIT) == 0


def cli(data, *args, **more):
    env = {**os.environ, "FSM_DB": data, "NO_COLOR": "1"}
    return subprocess.run([CLI, *args], env=env, capture_output=True, text=True, timeout=WAIT, **more)


class History(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fsm-history-")
        cls.data = cls.folder + "/data"
        os.mkdir(cls.data, 0o700)
        cls.daemon = d = Daemon(cls.data)
        d.post("/v1/machines", ORDER)
        d.post("/v1/machines", KID)
        for name in ("o-1", "o-2"):
            d.post("/v1/instances", {"machine": "order", "id": name, "labels": {"dept": "a" if name == "o-1" else "b"}})
        d.post("/v1/instances/o-1/events", {"event": "ADD"}, **{"X-Correlation-ID": "case-1", "X-Causation-ID": "mail-9"})
        assert d.post("/v1/instances/o-1/events", {"event": "NEVER"})[0] == 409
        d.post("/v1/instances/o-2/events", {"event": "CALL"}, **{"X-Correlation-ID": "case-2", "traceparent": "00-%s-00f067aa0ba902b7-01" % TRACE})
        end = time.monotonic() + WAIT
        while "kid" not in json.dumps(cls.of("log", "-m", "kid", "-o", "json")):
            assert time.monotonic() < end
            time.sleep(0.05)
        kid = cls.of("log", "-m", "kid", "-o", "json")["items"][-1]["inst"]
        d.post("/v1/instances/%s/events" % kid, {"event": "END"}, **{"X-Correlation-ID": "case-3"})
        d.post("/v1/instances/o-1/events", {"event": "PAY", "data": {"iban": SECRET}}, **{"X-Correlation-ID": "case-1"})
        d.post("/v1/instances/o-1/note", {"reason": "a word"})
        cls.kid = kid
        while cls.of("get", "o-2", "-o", "json")["state"] != ["open"]:
            assert time.monotonic() < end
            time.sleep(0.05)

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.process.poll() is None:
            cls.daemon.stop()
        shutil.rmtree(cls.folder)

    @classmethod
    def of(cls, *args):
        done = cli(cls.data, *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused(self, code, *args):
        done = cli(self.data, *args)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr

    @property
    def all(self):
        return self.of("log", "--all", "-o", "json")["items"]

    def seq(self, inst, **wanted):
        return [r["seq"] for r in self.all if r.get("inst") == inst and all(r.get(k) == v for k, v in wanted.items())][-1]

    # ---- as of ----

    def test_a_moment_of_the_past_is_what_it_was(self):
        made, added = self.seq("o-1", kind="created"), self.seq("o-1", trigger="ADD")
        self.assertEqual(self.of("get", "o-1", "--as-of", "@%d" % made, "-o", "json")["context"]["n"], 0)
        then = self.of("get", "o-1", "--as-of", "@%d" % added, "-o", "json")
        self.assertEqual((then["context"]["n"], then["state"], then["as_of"]["seq"]), (1, ["open"], added))
        self.assertEqual(self.of("get", "o-1", "--as-of", then["now"], "-o", "json"), then)
        self.assertIn("as of:        seq %d, " % added, cli(self.data, "get", "o-1", "--as-of", "@%d" % added).stdout)
        err = self.refused(3, "get", "o-1", "--as-of", "@%d" % (made - 1))
        self.assertRegex(err, r'"o-1" was not there at seq %d: it was made at .* \(seq %d\)' % (made - 1, made))
        self.assertRegex(self.refused(3, "get", "o-1", "--as-of", "@999999"), r"no record 999999 yet: the last one is seq \d+")
        self.assertIn("still to come", self.refused(3, "get", "o-1", "--as-of", "2099-01-01"))
        self.refused(2, "get", "o-1", "--as-of", "@x")

    def test_a_difference_tells_what_changed(self):
        made = self.seq("o-1", kind="created")
        diff = self.of("diff", "o-1", "@%d" % made, "-o", "json")
        changes = {c["path"]: (c.get("old"), c.get("new")) for c in diff["changes"]}
        self.assertEqual(changes["context.n"], (0, 1))
        self.assertEqual(changes["state"], (["open"], ["paid"]))
        self.assertEqual(changes["rev"][0], 1)
        self.assertTrue(any(path.startswith("timers.") for path in changes))
        self.assertNotIn(SECRET, json.dumps(diff))
        self.assertEqual(self.of("diff", "o-1", "@%d" % made, "@%d" % made, "-o", "json")["changes"], [])
        self.assertIn("~ context.n: 0 → 1\n", cli(self.data, "diff", "o-1", "@%d" % made).stdout)

    # ---- the log ----

    def test_a_log_is_what_the_whole_log_has_of_it(self):
        for args, wanted in (
            (("o-1",), lambda r: r.get("inst") == "o-1"),
            (("-m", "kid"), lambda r: r.get("mach") == "kid" and "inst" in r),
            (("--corr", "case-1"), lambda r: r["corr"] == "case-1"),
            (("--corr", "case-1", "o-1", "-e", "ADD"), lambda r: r["corr"] == "case-1" and r.get("trigger") == "ADD"),
            (("--kind", "note", "--kind", "rejected"), lambda r: r["kind"] in ("note", "rejected")),
            (("--refusals", "only"), lambda r: r["outcome"] == "refused"),
            (("--refusals", "without"), lambda r: r["outcome"] != "refused"),
            (("-l", "dept=b"), lambda r: r.get("inst") == "o-2"),  # its labels
            (("-s", "calling"), lambda r: "calling" in (r.get("from") or []) + (r.get("to") or [])),
            (("--trace", TRACE), lambda r: TRACE in json.dumps(r.get("trace"))),
            (("--where", "record.seq > 5"), lambda r: r["seq"] > 5),
            (("-u", "nobody"), lambda r: False),
        ):
            with self.subTest(args):
                got = self.of("log", *args, "-o", "json")["items"]
                expected = [r["seq"] for r in self.all if wanted(r)]
                if args == ("-m", "kid"):
                    got = [r for r in got if "inst" in r]
                self.assertEqual([r["seq"] for r in got], expected)
                self.assertTrue(expected or "nobody" in args)

    def test_a_limit_is_of_the_last_ones_and_the_newest_is_last(self):
        whole = [r["seq"] for r in self.all]
        for args in ((), ("o-1",), ("--refusals", "without")):
            page = self.of("log", *args, "--limit", "3", "-o", "json")
            of = self.of("log", *args, "--all", "-o", "json")["items"]
            self.assertEqual([r["seq"] for r in page["items"]], [r["seq"] for r in of][-3:])
            self.assertEqual(page["next"], str(page["items"][0]["seq"]))
        self.assertEqual([r["seq"] for r in self.of("log", "--limit", str(len(whole)), "-o", "json")["items"]], whole)
        self.assertIn("there are more: --limit N or --all", cli(self.data, "log", "--limit", "1").stderr)
        self.assertNotIn("more", cli(self.data, "log", "--limit", "9999").stderr)
        self.refused(2, "log", "--limit", "10001")
        self.refused(2, "log", "--limit", "0")
        self.refused(2, "log", "--all", "--limit", "1")

    def test_times_bound_a_log(self):
        records = self.all
        since, until = records[3]["time"], records[6]["time"]
        got = self.of("log", "--since", since, "--until", until, "-o", "json")["items"]
        self.assertEqual([r["seq"] for r in got], [r["seq"] for r in records if since <= r["time"] < until])
        self.assertEqual(self.of("log", "--until", "2000-01-01", "-o", "json")["items"], [])

    def test_a_log_that_is_followed_goes_on(self):
        follower = subprocess.Popen([CLI, "log", "o-2", "-f", "-o", "jsonl", "--limit", "1"], env={**os.environ, "FSM_DB": self.data},
                                    stdout=subprocess.PIPE, text=True)
        try:
            first = json.loads(follower.stdout.readline())
            self.daemon.post("/v1/instances/o-2/note", {"reason": "more"})
            self.daemon.post("/v1/instances/o-1/note", {"reason": "of another"})
            self.daemon.post("/v1/instances/o-2/note", {"reason": "and more"})
            told = [json.loads(follower.stdout.readline()) for _ in range(2)]
            self.assertEqual([r["detail"]["reason"] for r in told], ["more", "and more"])
            self.assertLess(first["seq"], told[0]["seq"])
        finally:
            follower.terminate()
            follower.wait(WAIT)
            follower.stdout.close()
        self.assertIn("no end", self.refused(2, "log", "-f", "-o", "json"))
        self.refused(2, "log", "-f", "--format", "xes")

    def test_every_format_can_be_read(self):
        for form in ("json", "seed", "ecs", "otlp", "cloudevents"):
            lines = cli(self.data, "log", "--all", "--format", form).stdout.splitlines()
            self.assertEqual(len([json.loads(line) for line in lines]), len(self.all), form)
        rows = list(csv.DictReader(io.StringIO(cli(self.data, "log", "o-1", "--format", "csv").stdout)))
        self.assertEqual([int(r["seq"]) for r in rows], [r["seq"] for r in self.of("log", "o-1", "-o", "json")["items"]])
        self.assertIn("xes, not yaml", self.refused(2, "log", "--format", "yaml"))
        self.refused(2, "log", "--format", "csv", "-o", "json")

    def test_an_event_log_keeps_the_rules_of_xes(self):
        text = cli(self.data, "log", "--all", "--format", "xes").stdout
        root = ElementTree.fromstring(text.encode())
        name = "{http://www.xes-standard.org/}"
        self.assertEqual((root.tag, root.get("xes.version")), (name + "log", "1.0"))
        kinds = [child.tag.removeprefix(name) for child in root]
        order = ["extension", "global", "classifier", "string", "date", "int", "float", "boolean", "id", "list", "container", "trace"]
        self.assertEqual(kinds, sorted(kinds, key=order.index))
        prefixes = {e.get("prefix") for e in root.findall(name + "extension")}
        self.assertEqual([g.get("scope") for g in root.findall(name + "global")], ["trace", "event"])
        wanted = {a.get("key") for g in root.findall(name + "global") if g.get("scope") == "event" for a in g}
        life = {"schedule", "assign", "withdraw", "reassign", "start", "suspend", "resume", "pi_abort", "ate_abort", "complete",
                "autoskip", "manualskip", "unknown"}
        told = {}
        for trace in root.findall(name + "trace"):
            inside = [c.tag for c in trace]
            self.assertEqual(inside, sorted(inside, key=lambda t: t == name + "event"))
            key = trace.find(name + "string[@key='concept:name']").get("value")
            times = []
            for event in trace.findall(name + "event"):
                members = {a.get("key"): (a.tag.removeprefix(name), a.get("value")) for a in event}
                self.assertEqual(len(members), len(event))
                self.assertLessEqual(wanted, set(members))
                self.assertLessEqual({k.split(":")[0] for k in members} - {"fsm"}, prefixes)
                self.assertIn(members["lifecycle:transition"][1], life)
                self.assertEqual(members["time:timestamp"][0], "date")
                self.assertRegex(members["time:timestamp"][1], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
                times.append(members["time:timestamp"][1])
                told.setdefault(key, []).append(int(members["fsm:seq"][1]))
            self.assertEqual(times, sorted(times))
        expected = {}
        for r in self.all:
            if "inst" in r:
                expected.setdefault(r["inst"], []).append(r["seq"])
        self.assertEqual(told, expected)

    # ---- why it happened ----

    def test_a_trace_has_all_of_its_instances(self):
        document = self.of("trace", "case-2", "-o", "json")
        self.assertEqual([i["record"]["seq"] for i in document["items"]], [r["seq"] for r in self.all if r["corr"] == "case-2"])
        self.assertEqual(document["instances"], ["o-2", self.kid])
        made = [i for i in document["items"] if i["record"]["kind"] == "created"][0]
        self.assertEqual(made["by"], self.seq("o-2", trigger="CALL"))
        self.assertIn(TRACE, self.of("trace", TRACE, "-o", "json")["trace"])
        self.assertRegex(cli(self.data, "trace", "case-2").stdout, r"o-2  transition CALL .*\n.*└─ .*created")
        self.refused(3, "trace", "no-such")

    def test_a_cause_goes_back_to_what_came_from_outside(self):
        done = self.seq("o-2", kind="task_done")
        up = [i["record"] for i in self.of("cause", str(done), "-o", "json")["items"]]
        self.assertEqual((up[0]["inst"], up[0]["trigger"], up[-1]["seq"]), (self.kid, "END", done))
        by_id = self.of("cause", up[-1]["id"], "-o", "json")
        self.assertEqual([i["record"]["seq"] for i in by_id["items"]], [r["seq"] for r in up])
        self.assertEqual(self.of("cause", str(self.seq("o-1", trigger="ADD")), "-o", "json")["outside"], "mail-9")
        called = self.seq("o-2", trigger="CALL")
        down = self.of("cause", str(called), "--down", "-o", "json")["items"]
        self.assertIn(self.kid, [i["record"].get("inst") for i in down])
        self.assertEqual(down[0]["record"]["seq"], called)
        self.assertTrue(all(i["by"] < i["record"]["seq"] for i in down[1:]))
        self.refused(3, "cause", "999999")
        self.refused(3, "cause", "who")

    # ---- audit ----

    def test_the_audit_is_a_group(self):
        self.assertIn("did you mean audit verify?", self.refused(2, "verify"))
        self.assertIn("did you mean audit verify-stream?", self.refused(2, "verify-stream"))
        head = self.of("audit", "head", "-o", "json")
        last = self.all[-1]
        self.assertEqual((head["seq"], head["id"], head["leaf"], head["leaf_seq"]), (last["seq"], last["id"], last["prev"], last["seq"] - 1))
        self.assertEqual(self.of("audit", "verify", "-o", "json")["seq"] >= last["seq"], True)

    def test_nothing_shows_what_is_marked(self):
        paid = self.seq("o-1", trigger="PAY")
        for args in (("log", "o-1", "--full"), ("log", "o-1", "-o", "json"), ("trace", "case-1", "-o", "json"), ("cause", str(paid), "-o", "json"),
                     ("cause", str(paid), "--down"), ("get", "o-1", "--as-of", "@%d" % paid), ("diff", "o-1", "@%d" % (paid - 1), "@%d" % paid),
                     *(("log", "o-1", "--format", form) for form in ("json", "seed", "ecs", "otlp", "cloudevents", "csv", "xes"))):  # fmt: skip
            done = cli(self.data, *args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn(SECRET, done.stdout, args)
        self.assertEqual(self.of("log", "--where", "record.?data.?iban.orValue('') == '%s'" % SECRET, "-o", "json")["items"], [])

    def test_z_stopped_files_say_the_same(self):
        paid = self.seq("o-1", trigger="PAY")
        asked = [("log", "o-1"), ("log",), ("log", "-u", "nobody"), ("log", "--refusals", "only"), ("log", "--all", "--format", "xes"),
                 ("log", "o-1", "--format", "json"), ("get", "o-1", "--as-of", "@%d" % paid), ("diff", "o-1", "@%d" % (paid - 1), "@%d" % paid),
                 ("trace", "case-2"), ("cause", str(paid)), ("cause", "4", "--down"), ("audit", "head"), ("get", "o-1", "--as-of", "@1"),
                 ("get", "o-1", "--as-of", "@999999")]  # fmt: skip
        before = [cli(self.data, *args) for args in asked]
        self.daemon.stop()
        for args, running in zip(asked, before):
            stopped = cli(self.data, *args)
            self.assertEqual((stopped.returncode, stopped.stdout), (running.returncode, running.stdout), args)
            self.assertEqual(re.sub(r"\d+ ms", "", stopped.stderr), re.sub(r"\d+ ms", "", running.stderr), args)


if __name__ == "__main__":
    if not BUILD or not os.path.exists(FSMD) or not os.path.exists(CLI):
        print("fsmd or fsm-cli is not built; FSM_BUILD_DIR=" + BUILD)
        sys.exit(77)
    unittest.main()
