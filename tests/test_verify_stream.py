#!/usr/bin/env python3
"""fsm-cli verify-stream over records of a real fsmd: whole, lost, altered, held against the journal. Exit 77: not built."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

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
        code, out, err = self.run_cli(*options, "-o", "json", "verify-stream", "-", input=lines)
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

    def test_the_last_one_altered_is_seen_beside_the_journal_only(self):
        changed = [dict(r) for r in self.records]
        changed[-1] = {**changed[-1], "data": {"by": 19, "note": "x"}}
        self.assertEqual(self.verify(changed)[0], 0)
        code, report, _ = self.verify(changed, "--data", self.data)
        self.assertEqual((code, report["counts"]), (7, {"alteration": 1}))

    def test_what_cannot_be_read_is_a_fault_of_its_own(self):
        code, _, err = self.run_cli("verify-stream", os.path.join(self.folder, "none"))
        self.assertEqual(code, 3)
        self.assertIn("none", err)
        self.assertEqual(self.run_cli("verify-stream")[0], 2)


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK) or not os.access(CLI, os.X_OK):
        sys.exit(77)
    unittest.main()
