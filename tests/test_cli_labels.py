#!/usr/bin/env python3
"""log -l: all records of the instances that have the label, also of one that left the store, of the next one with its id, and with
a label that is masked; the same of a daemon, of its stream and of its files. Exit 77: not built."""
import json
import os
import shutil
import sys
import tempfile
import time
import unittest

from test_cli_follow import Follower
from test_cli_history import BUILD, CLI, FSMD, WAIT, Daemon, cli

SHORT = {
    "id": "short", "initial": "on", "context": {"dept": "x"},
    "meta": {"fsm": {"keep": "1s"}},
    "schemas": {"context": {"type": "object", "properties": {"patient": {"type": "string", "x-pii": True}}}},
    "states": {"on": {"on": {"GO": "on", "END": "end"}}, "end": {"type": "final"}},
}  # fmt: skip


class Labels(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fsm-labels-")
        self.data = self.folder + "/data"
        os.mkdir(self.data, 0o700)
        self.daemon = Daemon(self.data)
        self.post("/v1/machines", SHORT)

    def tearDown(self):
        if self.daemon.process.poll() is None:
            self.daemon.stop()
        shutil.rmtree(self.folder)

    def post(self, path, body):
        status, answer = self.daemon.post(path, body)
        self.assertLess(status, 300, answer)

    def live(self, name, labels, events):
        self.post("/v1/instances", {"machine": "short", "id": name, "labels": labels})
        for event in events:
            self.post("/v1/instances/%s/events" % name, {"event": event})
        status, _ = self.daemon.post("/v1/instances/%s/events" % name, {"event": "NONE"})
        self.assertGreaterEqual(status, 400)

    def log(self, *args):
        done = cli(self.data, "log", "--all", "-o", "jsonl", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wanted(self, true):
        """By the labels of the newest `created` of the id so far."""
        labels, out = {}, []
        for record in self.log():
            name = record.get("inst")
            if record["kind"] == "created":
                labels[name] = record.get("labels", {})
            if name is not None and true(labels.get(name, {})):
                out.append(record)
        return out

    def test_a_label_means_the_instance_that_the_record_is_of(self):
        self.live("a", {"dept": "one", "patient": "Ann"}, ["GO", "END"])
        self.live("b", {"dept": "two", "patient": "Bob"}, ["GO"])
        self.live("gone", {"dept": "two"}, ["GO", "END"])
        end = time.monotonic() + WAIT
        while {r.get("inst") for r in self.log("--kind", "purged")} != {"a", "gone"}:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)
        self.live("a", {"dept": "two"}, ["GO"])
        self.live("c", {}, ["GO"])
        asked = {
            ("-l", "dept=one"): lambda labels: labels.get("dept") == "one",
            ("-l", "dept=two"): lambda labels: labels.get("dept") == "two",
            ("-l", "dept=*"): lambda labels: "dept" in labels,
            ("-l", "dept=two", "-l", "patient=[masked]"): lambda labels: labels.get("dept") == "two" and "patient" in labels,
            ("-l", "patient=Bob"): lambda labels: False,
        }
        answers = {}
        for args, true in asked.items():
            answers[args] = wanted = self.wanted(true)
            self.assertEqual(self.log(*args), wanted, args)
            back = json.loads(cli(self.data, "log", "--limit", "3", "-o", "json", *args).stdout)["items"]
            self.assertEqual(back, wanted[-3:], args)
            if wanted:
                follower = Follower(self.data, "-o", "jsonl", "--limit", "1", *args)
                follower.seqs(wanted[-1]["seq"])
                follower.end()
        self.assertEqual({r["kind"] for r in answers[("-l", "dept=one")]}, {"created", "transition", "rejected", "completed", "purged"})
        figures = json.loads(cli(self.data, "stats", "--since", "all", "-l", "dept=two", "-o", "json").stdout)
        left = [r["seq"] for r in self.log() if r.get("inst") == "gone"]
        counted = [r["seq"] for r in answers[("-l", "dept=two")] if r["inst"] != "gone"]
        self.assertEqual((figures["instances"], figures["left"], figures["records"]), (2, len(left), len(counted)))
        former = [r for r in self.log() if r.get("inst") == "a" and r["seq"] < min(c["seq"] for c in answers[("-l", "dept=two")] if c["inst"] == "a")]
        self.assertGreater(len(former), 3)  # of another instance under that id: not counted
        live = Follower(self.data, "-o", "jsonl", "--limit", "1", "-l", "dept=two")
        live.until(len)
        for name in "cab":
            self.post("/v1/instances/%s/events" % name, {"event": "GO"})
        wanted = self.wanted(asked[("-l", "dept=two")])
        self.assertEqual(live.seqs(wanted[-1]["seq"]), [r["seq"] for r in wanted[-3:]])
        live.end()
        self.daemon.stop()
        for args, true in asked.items():
            self.assertEqual(self.log(*args), self.wanted(true), args)


if __name__ == "__main__":
    if not BUILD or not os.path.exists(FSMD) or not os.path.exists(CLI):
        print("fsmd or fsm-cli is not built; FSM_BUILD_DIR=" + BUILD)
        sys.exit(77)
    unittest.main()
