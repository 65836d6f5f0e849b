#!/usr/bin/env python3
"""fsm-cli log -f: each record once, in order, whatever becomes of the daemon meanwhile; of stopped files too. Exit 77: not built."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from test_cli_history import CLI, BUILD, FSMD, ORDER, WAIT, Daemon, cli

OTHER = {"id": "other", "initial": "on", "states": {"on": {"on": {"ADD": "on"}}}}
RECORDS = 1000


class Follower:
    """log -f -o jsonl, and what it has said so far."""

    def __init__(self, data, *args):
        self.process = subprocess.Popen([CLI, "log", "-f", *args], env={**os.environ, "FSM_DB": data, "NO_COLOR": "1"},
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
        self.lines = []
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line)
                self.changed.notify()

    def until(self, true):
        with self.changed:
            assert self.changed.wait_for(lambda: true(self.lines), WAIT), "\n".join(self.lines[-3:])
            return list(self.lines)

    def seqs(self, last):
        lines = self.until(lambda lines: any('"seq":%d,' % last in line for line in lines[-200:]))
        return [json.loads(line)["seq"] for line in lines]

    def ticks(self):
        with open("/proc/%d/stat" % self.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def end(self):
        self.process.terminate()
        code = self.process.wait(WAIT)
        self.thread.join()
        said = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        return code, said


class Follow(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fsm-follow-")
        self.data = self.folder + "/data"
        os.mkdir(self.data, 0o700)
        self.daemon = Daemon(self.data)
        for machine, name in ((ORDER, "o-1"), (OTHER, "x-1")):
            self.daemon.post("/v1/machines", machine)
            self.daemon.post("/v1/instances", {"machine": machine["id"], "id": name})

    def tearDown(self):
        if self.daemon.process.poll() is None:
            self.daemon.stop()
        shutil.rmtree(self.folder)

    def write(self, count):
        """So many of the machine order, and one of another in between each."""
        events = [{"instance": name, "event": "ADD"} for _ in range(count) for name in ("o-1", "x-1")]
        status, answer = self.daemon.post("/v1/events", {"events": events})
        self.assertEqual((status, answer["taken"]), (200, 2 * count))

    def written(self):
        done = cli(self.data, "log", "-m", "order", "--all", "-o", "jsonl")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line)["seq"] for line in done.stdout.splitlines()]

    def test_each_record_is_told_once_across_restarts_of_the_daemon(self):
        follower = Follower(self.data, "-m", "order", "-o", "jsonl")
        try:
            follower.until(len)
            for part in range(10):
                self.write(RECORDS // 10)
                if part == 3:
                    self.daemon.process.kill()
                    self.daemon.process.wait(WAIT)
                if part == 6:
                    self.daemon.stop()
                if part in (3, 6):
                    self.daemon = Daemon(self.data)
            written = self.written()
            self.assertEqual(len(written), RECORDS + 2)  # deployed, created
            self.assertEqual(follower.seqs(written[-1]), written)
        finally:
            code, said = follower.end()
        self.assertEqual((code, said), (-15, ""))

    def test_stopped_files_are_followed_and_leave_the_lock_to_others(self):
        self.daemon.stop()
        follower = Follower(self.data, "-m", "order", "-o", "jsonl")
        try:
            first = self.written()
            self.assertEqual(follower.seqs(first[-1]), first)
            done = cli(self.data, "note", "o-1", "by hand", "--offline")
            self.assertEqual(done.returncode, 0, done.stderr)
            follower.seqs(self.written()[-1])
            self.daemon = Daemon(self.data)  # nobody holds the lock
            self.write(5)
            written = self.written()
            self.assertEqual(follower.seqs(written[-1]), written)
        finally:
            code, said = follower.end()
        self.assertEqual((code, said), (-15, ""))

    def test_one_instance_is_followed_with_a_filter_and_as_a_table(self):
        self.write(1)
        rows, adds = Follower(self.data, "o-1"), Follower(self.data, "o-1", "-e", "ADD", "-o", "jsonl", "--limit", "1")
        try:
            rows.until(lambda lines: any(" ADD" in line for line in lines))
            adds.until(len)
            self.write(3)
            last = self.written()[-1]
            self.assertEqual(len(adds.seqs(last)), 1 + 3)
            lines = rows.until(lambda lines: " %d " % last in lines[-1])
            self.assertEqual([sum(word in line for line in lines) for word in ("created", " ADD")], [1, 1 + 3], lines)
        finally:
            self.assertEqual([rows.end(), adds.end()], [(-15, "")] * 2)

    def test_it_ends_with_its_reader_though_nothing_is_written(self):
        for stopped in (False, True):
            if stopped:
                self.daemon.stop()
            done = subprocess.run(["sh", "-c", '"$0" log -f -o jsonl | head -1', CLI], env={**os.environ, "FSM_DB": self.data},
                                  capture_output=True, text=True, timeout=WAIT)  # fmt: skip
            self.assertEqual((len(done.stdout.splitlines()), done.stderr), (1, ""))

    def test_it_costs_nothing_while_nothing_happens(self):
        followers = [Follower(self.data, "-o", "jsonl")]
        try:
            followers[0].seqs(self.written()[-1])
            before = followers[0].ticks()
            time.sleep(3)
            self.assertLess(followers[0].ticks() - before, 0.3 * os.sysconf("SC_CLK_TCK"))
        finally:
            for follower in followers:
                follower.end()

    def test_what_has_no_end_is_refused_what_needs_one(self):
        for args in (["-o", "json"], ["--format", "xes"], ["--until", "today"], ["--all"]):
            done = cli(self.data, "log", "-f", *args)
            self.assertEqual((done.returncode, done.stdout), (2, ""), args)
        done = cli(self.data, "log", "nobody", "-f")
        self.assertEqual(done.returncode, 3, done.stderr)


if __name__ == "__main__":
    if not BUILD or not os.path.exists(FSMD) or not os.path.exists(CLI):
        print("fsmd or fsm-cli is not built; FSM_BUILD_DIR=" + BUILD)
        sys.exit(77)
    unittest.main()
