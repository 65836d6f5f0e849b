#!/usr/bin/env python3
"""examples/consume_once.c and .mjs (where node is) over files: killed at random points each effect is there once and in order; a
gap, an altered chain, another store, a newer epoch stop them; repairs are waited for. Exit 77: not built."""
import hashlib
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


def leaf(seq):
    return hashlib.sha256(b"%d" % seq).hexdigest()


def record(seq, **more):
    """As far as a consumer looks."""
    fields = {"seq": seq, "after": seq - 1, "store": "ab" * 16, "epoch": 0, "prev": leaf(seq - 1), "leaf": leaf(seq)}
    return json.dumps({**fields, "data": {"by": seq * seq % 97}, **more}) + "\n"


def effects(seqs):
    """What a consumer that took these, in this order, has: how many, and their sum."""
    total = 0
    for seq in seqs:
        total = (31 * total + seq * seq % 97) % 2**64
    return len(seqs), total


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
        done = subprocess.run([*self.program, self.state, self.records], stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stderr.decode()

    def read(self):
        """(seq, (count, sum))"""
        with open(self.state, encoding="utf-8") as file:
            words = file.read().split()
        return int(words[0]), (int(words[5]), int(words[6]))

    def stops(self, lines, exit, place, said, taken):
        self.write(lines)
        code, err = self.run_it()
        self.assertEqual(code, exit, err)
        self.assertIn("%s%s" % (self.records, place), err)
        self.assertIn(said, err)
        self.assertEqual(self.read(), (taken[-1], effects(taken)))

    def test_killed_anywhere_each_effect_is_there_once(self):
        lines = [record(seq) for seq in range(1, COUNT + 1)]
        lines[500:500] = lines[100:200]  # repeats
        lines[900:900] = [record(42, repair=True)]
        lines.append(lines.pop(2000))  # a repair behind newer ones
        self.write(lines)
        chance, killed = random.Random(7), 0
        for _ in range(KILLS):
            child = subprocess.Popen([*self.program, self.state, self.records])
            time.sleep(chance.random() * self.pause)
            killed += child.poll() is None
            child.kill()
            child.wait()
            if os.path.exists(self.state):
                seq, had = self.read()
                self.assertEqual(had, effects(range(1, seq + 1)))
        self.assertEqual(self.run_it()[0], 0)
        self.assertEqual(self.read(), (COUNT, effects(range(1, COUNT + 1))))
        self.assertGreater(killed, 0)

    def test_after_says_what_was_left_out_and_a_gap_stops_it(self):
        far = record(9, after=2)
        self.stops([record(1), record(2), far, record(12)], 7, "", "records 10 to 11 are missing", [1, 2, 9])

    def test_repairs_in_any_order_have_their_effects_in_order(self):
        self.write([record(n) for n in (1, 2, 6, 7, 5, 3, 8, 4)])
        self.assertEqual(self.run_it(), (0, ""))
        self.assertEqual(self.read(), (8, effects(range(1, 9))))

    def test_a_record_made_anew_breaks_the_chain(self):
        lines = [record(1), record(2, leaf=leaf(99)), record(3)]
        self.stops(lines, 7, ":3", "its prev is not the leaf of the record before", [1, 2])

    def test_another_store_is_not_taken(self):
        self.stops([record(1), record(2, store="cd" * 16)], 7, ":2", "it is of another store", [1])

    def test_a_newer_epoch_goes_on_behind_us_and_stops_it_before_us(self):
        forked = [record(n, epoch=1) for n in (3, 4)]
        self.write([record(1), record(2), *forked, record(5)])  # the last: of the branch that was left
        self.assertEqual(self.run_it(), (0, ""))
        self.assertEqual(self.read(), (4, effects(range(1, 5))))
        os.remove(self.state)
        self.stops([record(1), record(2), record(3), *forked], 7, ":4", "a newer epoch begins here", [1, 2, 3])

    def test_what_is_no_record_is_told_with_its_place(self):
        self.stops([record(1), "{}\n"], 1, ":2", "not a record", [1])
        self.stops([record(1), "[\n"], 1, ":2", "not JSON", [1])

    def test_a_torn_end_is_left_for_later(self):
        self.write([record(1), record(2)[:20]])
        self.assertEqual(self.run_it(), (0, ""))
        self.write([record(1), record(2)])
        self.assertEqual(self.run_it(), (0, ""))
        self.assertEqual(self.read(), (2, effects([1, 2])))

    def test_it_begins_behind_the_seq_that_is_in_its_state(self):
        with open(self.state, "w", encoding="utf-8") as file:
            file.write("6\n")
        self.write([record(n) for n in range(5, 9)])
        self.assertEqual(self.run_it(), (0, ""))
        self.assertEqual(self.read(), (8, effects([7, 8])))


class ConsumeOnceAnywhere(unittest.TestCase):
    """As examples/README.md says: a copy outside the tree, with what the system has, and nothing of fsmd."""

    @unittest.skipUnless(shutil.which("cc") and shutil.which("pkg-config"), "no compiler or no pkg-config")
    def test_it_is_built_by_the_command_of_the_readme(self):
        with open(os.path.join(SOURCE, "examples", "README.md"), encoding="utf-8") as file:
            (command,) = [line for line in file if line.startswith("cc consume_once.c ")]
        if subprocess.run(["pkg-config", "--exists", "libnats", "jansson"]).returncode != 0:
            self.skipTest("pkg-config knows no libnats or jansson")
        with tempfile.TemporaryDirectory(prefix="fsm-consume-") as folder:
            shutil.copy(os.path.join(SOURCE, "examples", "consume_once.c"), folder)
            done = subprocess.run(["sh", "-c", command.replace("cc ", "cc -Wall -Werror ", 1)], cwd=folder, capture_output=True)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            usage = subprocess.run([os.path.join(folder, "consume_once")], stderr=subprocess.PIPE)
            self.assertEqual((usage.returncode, usage.stderr[:20]), (2, b"usage: consume_once "))


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class ConsumeOnceInNode(ConsumeOnce):
    program, pause = ["node", os.path.join(SOURCE, "examples", "consume_once.mjs")], 0.25


if __name__ == "__main__":
    if not os.access(CONSUMER, os.X_OK):
        sys.exit(77)
    unittest.main(verbosity=2)
