#!/usr/bin/env python3
"""examples/consume_once.c and .mjs (where node is) killed at random points has each effect once; a gap stops it. Exit 77: not built."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("FSM_SOURCE_DIR", ".")
CONSUMER = os.path.join(os.environ.get("FSM_BUILD_DIR", ""), "consume_once")
COUNT, KILLS = 3000, 40


def record(seq, **more):
    return json.dumps({"seq": seq, "data": {"by": seq}, **more}) + "\n"


class ConsumeOnce(unittest.TestCase):
    program, pause = [CONSUMER], 0.05

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fsm-consume-")
        self.state, self.records = os.path.join(self.folder, "state"), os.path.join(self.folder, "records.ndjson")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def write(self, lines):
        with open(self.records, "w", encoding="utf-8") as file:
            file.writelines(lines)

    def run_it(self):
        return subprocess.run([*self.program, self.state, self.records], stderr=subprocess.PIPE, timeout=60)

    def read(self):
        with open(self.state, encoding="utf-8") as file:
            return [int(n) for n in file.read().split()]

    def test_killed_anywhere_each_effect_is_there_once(self):
        lines = [record(seq) for seq in range(1, COUNT + 1)]
        lines[500:500] = lines[100:200]  # repeats
        lines[900:900] = [record(42, repair=True)]
        self.write(lines)
        chance, killed = random.Random(7), 0
        for _ in range(KILLS):
            child = subprocess.Popen([*self.program, self.state, self.records])
            time.sleep(chance.random() * self.pause)
            killed += child.poll() is None
            child.kill()
            child.wait()
            if os.path.exists(self.state):
                seq, count, total = self.read()
                self.assertEqual((count, total), (seq, seq * (seq + 1) // 2))
        self.assertEqual(self.run_it().returncode, 0)
        self.assertEqual(self.read(), [COUNT, COUNT, COUNT * (COUNT + 1) // 2])
        self.assertGreater(killed, 0)

    def test_a_gap_stops_it_and_after_says_what_was_left_out(self):
        self.write([record(1), record(2), record(9, after=2), record(12)])
        done = self.run_it()
        self.assertEqual(done.returncode, 7)
        self.assertIn(b":4: records 10 to 11 are missing", done.stderr)
        self.assertEqual(self.read(), [9, 3, 12])


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class ConsumeOnceInNode(ConsumeOnce):
    program, pause = ["node", os.path.join(SOURCE, "examples", "consume_once.mjs")], 0.25


if __name__ == "__main__":
    if not os.access(CONSUMER, os.X_OK):
        sys.exit(77)
    unittest.main()
