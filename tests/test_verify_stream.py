#!/usr/bin/env python3
"""fsm-cli audit verify-stream over records of a real fsmd: whole, lost, altered, held against the journal. Exit 77: not built."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "kill.d"))
sys.dont_write_bytecode = True

from free_port import free_port  # noqa: E402
from nats import Nats  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
PATIENCE_S = 60
MACHINE = {"id": "count", "initial": "a", "context": {"n": 0},
           "states": {"a": {"on": {"ADD": {"context": {"n": {"@expr": "context.n + event.by"}}}}}}}


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}


class VerifyStream(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="fsm-verify-stream-")
        cls.data = os.path.join(cls.folder, "data")
        cls.daemon = subprocess.Popen([FSMD, "--data", cls.data, "--no-listen"], stderr=subprocess.DEVNULL, env=environment())
        end = time.monotonic() + PATIENCE_S
        while cls.run_cli("--data", cls.data, "stats")[0] != 0:
            if time.monotonic() > end:
                raise RuntimeError("fsmd did not start")
            time.sleep(0.05)
        machine = os.path.join(cls.folder, "machine.json")
        with open(machine, "w", encoding="utf-8") as file:
            json.dump(MACHINE, file)
        for args in [("def", "deploy", machine), ("start", "count", "--id", "c")] + [
            ("send", "c", "ADD", "--data", json.dumps({"by": i, "note": "n%d" % i})) for i in range(20)
        ]:
            code, _, err = cls.run_cli("--data", cls.data, *args)
            assert code == 0, err
        _, out, _ = cls.run_cli("--data", cls.data, "log", "c", "-o", "json")
        cls.records = json.loads(out)["items"]
        cls.daemon.send_signal(signal.SIGTERM)
        cls.daemon.wait(PATIENCE_S)

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.poll() is None:
            cls.daemon.kill()
            cls.daemon.wait()
        shutil.rmtree(cls.folder)

    @staticmethod
    def run_cli(*args, input=None):
        done = subprocess.run([CLI, *args], input=input, capture_output=True, timeout=PATIENCE_S, env=environment())
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def verify(self, records, *options):
        lines = "".join(json.dumps(r) + "\n" for r in records).encode()
        code, out, err = self.run_cli(*options, "-o", "json", "audit", "verify-stream", "-", input=lines)
        return code, json.loads(out), err

    def test_whole_beside_the_journal_and_alone(self):
        self.assertEqual(len(self.records), 21)
        for options in ((), ("--data", self.data)):
            code, report, err = self.verify(self.records, *options)
            self.assertEqual((code, report["ok"], report["records"]), (0, True, 21), err)
            self.assertEqual(report["unproved"], 0)

    def test_a_loss_is_told_with_seq_and_place(self):
        code, report, err = self.verify(self.records[:5] + self.records[6:])
        self.assertEqual((code, report["counts"]), (7, {"loss": 1}))
        self.assertEqual(report["findings"][0]["seq"], self.records[5]["seq"])
        self.assertIn("-:6", err)

    def test_each_kind_of_finding_is_told_with_its_place(self):
        path = os.path.join(self.folder, "r.ndjson")
        for name, case in cases(self.records).items():
            with self.subTest(name):
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(json.dumps(r) + "\n" for r in case[0])
                code, out, err = self.run_cli("audit", "verify-stream", path)
                self.assertEqual(out, transcript(self.records, case, lambda i: "%s:%d" % (path, i + 1)), err)
                self.assertEqual(code, 7 if case[1] else 0)

    def test_the_last_one_altered_is_seen_beside_the_journal_only(self):
        changed = [dict(r) for r in self.records]
        changed[-1] = {**changed[-1], "data": {"by": 19, "note": "x"}}
        self.assertEqual(self.verify(changed)[0], 0)
        code, report, _ = self.verify(changed, "--data", self.data)
        self.assertEqual((code, report["counts"]), (7, {"alteration": 1}))

    def test_what_cannot_be_read_is_a_fault_of_its_own(self):
        code, _, err = self.run_cli("audit", "verify-stream", os.path.join(self.folder, "none"))
        self.assertEqual(code, 3)
        self.assertIn("none", err)
        self.assertEqual(self.run_cli("audit", "verify-stream")[0], 2)


def seqs(*parts):
    """1-21 is 1 to 21."""
    for part in parts:
        yield from range(part[0], part[1] + 1) if isinstance(part, tuple) else [part]


def cases(records):
    """Each kind of finding: its lines, and what is said of them, as (kind, index of the line, text), after the totals that are
    not 0."""
    leaves = {r["seq"] - 1: r["prev"] for r in records}
    records = [{**r, "leaf": leaves[r["seq"]]} for r in records if r["seq"] in leaves]
    by_seq = {r["seq"]: r for r in records}
    first, last = records[0]["seq"], records[-1]["seq"]

    def at(*parts):
        return [by_seq[n] for n in seqs(*parts)]

    def put(lines, index, **change):
        return lines[:index] + [{**lines[index], **change}] + lines[index + 1 :]

    n = first + 9
    altered = {**by_seq[n]["data"], "by": 77}
    dead = [{**r, "epoch": 1} for r in at((n, last))]
    anew = [{**dead[0], "data": altered}]
    return {
        "loss": (at((first, n), (n + 4, last)), [("loss", 10, "seq %d to %d did not come" % (n + 1, n + 3))]),
        "duplication": (at((first, n), (n - 3, last)), [], "repeats", 4),
        "reordering": (at((first, n - 1), n + 1, n, (n + 2, last)),
                       [("order", 10, "seq %d comes behind seq %d and is no repair" % (n, n + 1))]),
        "repair": (at((first, n - 1), n + 1) + [{**by_seq[n], "repair": True}] + at((n + 2, last)), [], "repaired", 1),
        "alteration": (put(at((first, last)), 9, data=altered),
                       [("alteration", 9, "its content does not give the leaf that it tells")]),
        "conflict": (at((first, last)) + [{k: v for k, v in by_seq[n].items() if k != "leaf"} | {"data": altered}],
                     [("conflict", len(records), "another record has come under seq %d before" % n)]),
        "chain": ([{k: v for k, v in r.items() if k != "leaf"} for r in put(at((first, last)), 9, data=altered)],
                  [("chain", 10, "prev of seq %d is not the leaf of seq %d" % (n + 1, n))]),
        "foreign": (put(at((first, last)), 9, store="ab" * 16),
                    [("foreign", 9, "it is of another store or partition"), ("loss", 10, "seq %d did not come" % n)]),
        "malformed": (at((first, n)) + [{"seq": 1}] + at((n + 1, last)),
                      [("malformed", 10, "not a record in the format json: v: the field is missing at byte 2 of the record")]),
        "unknown": (put(at((first, last)), 9, after=n - 3),
                    [("order", 9, "it says that it came behind seq %d, but seq %d was there" % (n - 3, n - 1))]),
        "dead branch": (at((first, last)) + dead, [], "dead", last - n + 1),
        "dead branch made anew": (at((first, last)) + anew,
                                  [("alteration", len(records), "its content does not give the leaf that it tells")], "dead", last - n + 1),
    }  # fmt: skip


def transcript(records, case, place):
    """What fsm-cli writes of it on stdout."""
    lines, findings, *total = case
    seen = [r["seq"] for r in lines if "time" in r]
    last = max(seen) if not (total and total[0] == "dead") else seen[-1]
    out = ["verified:     ok"] * (not findings)
    out += ["records:      %d" % len(seen), "first:        %d" % seen[0], "last:         %d" % last]
    out += ["%-13s %d" % (total[0] + ":", total[1])] if total else []
    order = sorted(findings, key=lambda f: f[0] == "loss")  # a gap is told at the end, when no repair came
    for what, index, text in order:
        out.append("%-13s %s: %s" % (what + ":", place(index), text))
    return "\n".join(out) + "\n"


def nats_server():
    named = os.environ.get("FSM_NATS_SERVER") or shutil.which("nats-server")
    return named if named and os.access(named, os.X_OK) else None


class VerifyNats(unittest.TestCase):
    """What a daemon has published, read back from JetStream."""

    def setUp(self):
        if nats_server() is None:
            self.skipTest("there is no nats-server (set FSM_NATS_SERVER or PATH)")
        self.folder = tempfile.mkdtemp(prefix="fsm-verify-nats-")
        self.children = []
        port = free_port()
        self.url = "nats://127.0.0.1:%d" % port
        self.begin([nats_server(), "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", os.path.join(self.folder, "js")])
        self.data = os.path.join(self.folder, "data")
        self.begin([FSMD, "--data", self.data, "--no-listen", "--nats", self.url])

    def begin(self, args):
        self.children.append(subprocess.Popen(args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()))

    def tearDown(self):
        for child in getattr(self, "children", []):
            child.kill()
            child.wait(PATIENCE_S)
        shutil.rmtree(getattr(self, "folder", ""), ignore_errors=True)

    def wait(self, what, until):
        end = time.monotonic() + PATIENCE_S
        while not until():
            self.assertLess(time.monotonic(), end, what)
            time.sleep(0.05)

    def cli(self, *args):
        return VerifyStream.run_cli("--data", self.data, *args)

    def check(self):
        code, out, err = VerifyStream.run_cli("-o", "json", "audit", "verify-stream", "--nats", self.url, "--stream", "FSM_EVT_0")
        return code, json.loads(out) if out else {}, err

    def nothing_marked_is_published(self):
        """The files of the stream are searched for what x-pii marks."""
        secret = "DE89370400440532013000"
        marked = os.path.join(os.environ.get("FSM_SOURCE_DIR", "."), "tests", "cases", "masked.json")
        before = self.check()[1]["records"]
        self.assertEqual(self.cli("def", "deploy", marked)[0], 0)
        self.assertEqual(self.cli("start", "loan", "--id", "l", "--input", json.dumps({"iban": secret}))[0], 0)
        pay = {"card": secret, "lines": [{"name": secret}]}
        self.assertEqual(self.cli("send", "l", "PAY", "--data", json.dumps(pay))[0], 0)
        self.wait("the marked ones", lambda: self.check()[1]["records"] >= before + 3)
        code, report, err = self.check()
        self.assertEqual(code, 0, err)
        self.assertGreaterEqual(report["unproved"], 2)
        found = 0
        for folder, _, names in os.walk(os.path.join(self.folder, "js")):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    data = file.read()
                self.assertNotIn(secret.encode(), data)
                found += data.count(b"[masked]")
        self.assertGreater(found, 0)

    def test_each_kind_of_finding_is_told_with_its_place(self):
        self.wait("fsmd", lambda: self.cli("stats")[0] == 0)
        self.wait("the stream", lambda: self.check()[0] == 0)
        nats = Nats(int(self.url.rpartition(":")[2]))
        VerifyStream.setUpClass()
        try:
            for number, (name, case) in enumerate(cases(VerifyStream.records).items()):
                stream = "CASE%d" % number
                made = nats.request("$JS.API.STREAM.CREATE." + stream, {"name": stream, "subjects": [stream + ".x"]})
                self.assertNotIn("error", made)
                for record in case[0]:
                    self.assertNotIn("error", nats.request(stream + ".x", record))
                with self.subTest(name):
                    code, out, err = VerifyStream.run_cli("audit", "verify-stream", "--nats", self.url, "--stream", stream)
                    self.assertEqual(out, transcript(VerifyStream.records, case, lambda i: "%s:%d" % (stream, i + 1)), err)
                    self.assertEqual(code, 7 if case[1] else 0)
        finally:
            VerifyStream.tearDownClass()
            nats.close()

    def test_what_does_not_let_us_in_is_told(self):
        for option, said in ((("--ca-file", "/none"), "ca_file: there is no file"), (("--user", "a"), "password_file")):
            code, _, err = VerifyStream.run_cli("audit", "verify-stream", "--nats", self.url, "--stream", "S", *option)
            self.assertNotEqual(code, 0)
            self.assertIn(said, err)
        code, _, err = VerifyStream.run_cli("audit", "verify-stream", "--user", "a", "-")
        self.assertEqual(code, 2, err)
        self.assertIn("--user goes with --nats", err)

    def test_a_stream_is_whole(self):
        self.wait("fsmd", lambda: self.cli("stats")[0] == 0)
        machine = os.path.join(self.folder, "machine.json")
        with open(machine, "w", encoding="utf-8") as file:
            json.dump(MACHINE, file)
        self.assertEqual(self.cli("def", "deploy", machine)[0], 0)
        self.assertEqual(self.cli("start", "count", "--id", "c")[0], 0)
        for i in range(10):
            self.assertEqual(self.cli("send", "c", "ADD", "--data", json.dumps({"by": i}))[0], 0)
        self.wait("all records", lambda: self.check()[1].get("records", 0) >= 12)
        code, report, err = self.check()
        self.assertEqual((code, report["ok"], report["first"], report["unproved"]), (0, True, 1, 0), err)
        self.nothing_marked_is_published()
        code, _, err = VerifyStream.run_cli("audit", "verify-stream", "--nats", self.url, "--stream", "NONE")
        self.assertEqual(code, 3, err)


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK) or not os.access(CLI, os.X_OK):
        sys.exit(77)
    unittest.main(verbosity=2)
