#!/usr/bin/env python3
"""Reads of fsm-cli hold nothing: a reader that stands still lets the store reuse its pages, and no read writes to the files.

A pager is held open for FSM_HELD_S seconds (4; by hand 60) under writes as fast as they go. Exit 77: the programs are not built.
"""
import hashlib
import json
import os
import pty
import shutil
import subprocess
import sys
import threading
import time
import unittest

from http_daemon import Daemon, await_

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
CLI = os.path.join(BUILD, "fsm-cli")
HELD_S = float(os.environ.get("FSM_HELD_S", "4"))
INSTANCES = int(os.environ.get("FSM_HELD_INSTANCES", "4000"))
GROWTH_MAX = 1.3  # of the store's file while a reader stands still
VIEW_MAX_NS = (2 if HELD_S > 10 else 0.75 * HELD_S) * 10**9  # one that is held is as old as that in the end
PAGE = 500

LOOP = {
    "id": "loop",
    "initial": "a",
    "context": {"n": 0, "note": ""},
    "states": {
        name: {"on": {"GO": {"target": other, "context": {"n": {"@expr": "context.n + 1"}}}}}
        for name, other in (("a", "b"), ("b", "a"))
    },
}


def batch(first, count):
    return {"events": [{"machine": "loop", "key": "k%d" % (i % INSTANCES), "event": "GO", "if_absent": True} for i in range(first, first + count)]}


def content(directory):
    """Every file with its bytes and its time of change."""
    found = {}
    for at, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    found[path] = (hashlib.sha256(f.read()).hexdigest(), os.stat(path).st_mtime_ns)
    return found


class Writes:
    """Batches without a pause until it is told to stop."""

    def __init__(self, daemon):
        self.daemon, self.taken, self.going, self.wrong = daemon, 0, True, []
        self.thread = threading.Thread(target=self.run)

    def run(self):
        first = 0
        while self.going:
            answer = self.daemon.request("POST", "/v1/events", batch(first, PAGE), local=True)
            if answer.status == 200:
                self.taken += answer.json["taken"]
            elif answer.status != 503:
                self.wrong.append(repr(answer))
                return
            first += PAGE

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


class Safe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        assert cls.d.request("POST", "/v1/machines", LOOP, local=True).status in (200, 201)
        for first in range(0, INSTANCES, PAGE):
            assert cls.d.request("POST", "/v1/events", batch(first, PAGE), local=True).status == 200

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()

    def health(self):
        return self.d.request("GET", "/healthz", local=True).json

    def store_bytes(self):
        """Blocks of the file that are there: it is sparse."""
        return sum(os.stat(os.path.join(at, name)).st_blocks * 512 for at, _, names in os.walk(os.path.join(self.d.data, "store")) for name in names)

    def commands(self):
        return [
            ["ls", "--all"],
            ["ls", "--all", "--where", "context.n >= 0"],
            ["log", "loop/key:k1", "--limit", "1000"],
            ["stuck", "--for", "1ms", "--all"],
        ]

    def watched(self, seconds):
        """The oldest view that was seen in the time."""
        oldest, until = 0, time.monotonic() + seconds
        while time.monotonic() < until:
            oldest = max(oldest, int(self.health()["oldest_view_ns"]))
            time.sleep(0.05)
        return oldest

    def test_a_reader_that_stands_still_holds_no_pages(self):
        with Writes(self.d) as writes:
            self.watched(HELD_S)  # as large as it is without any reader
            before, taken = self.store_bytes(), writes.taken
            for words in self.commands():
                reader = subprocess.Popen([CLI, "--data", self.d.data] + words, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                oldest = self.watched(HELD_S)  # nobody reads what it says
                after = self.store_bytes()
                self.assertTrue(reader.stdout.readline(), words)
                reader.stdout.close()
                reader.stderr.read()
                reader.stderr.close()
                reader.wait(60)
                self.assertLess(oldest, VIEW_MAX_NS, words)
                self.assertLess(after, before * GROWTH_MAX + (1 << 20), words)
        self.assertEqual(writes.wrong, [])
        self.assertGreater(writes.taken, taken + PAGE)  # there were writes meanwhile

    def test_a_pager_that_is_left_open_holds_no_pages(self):
        pager = os.path.join(self.d.dir, "pager")
        with open(pager, "w") as f:
            f.write("#!/bin/sh\nread line\necho \"$line\"\necho held >%s.held\nsleep 1000\n" % pager)
        os.chmod(pager, 0o755)
        with Writes(self.d) as writes:
            self.watched(HELD_S)
            before = self.store_bytes()
            main, other = pty.openpty()
            env = {**os.environ, "PAGER": pager, "TERM": "xterm"}
            reader = subprocess.Popen([CLI, "--data", self.d.data, "ls", "--all"], stdin=other, stdout=other, stderr=other, env=env,
                                      start_new_session=True)
            os.close(other)
            drain = threading.Thread(target=self.drain, args=(main,))
            drain.start()
            await_("the pager", lambda: os.path.exists(pager + ".held"))
            oldest = self.watched(HELD_S)
            after = self.store_bytes()
            os.killpg(reader.pid, 15)
            reader.wait(60)
            drain.join()
            os.close(main)
        self.assertEqual(writes.wrong, [])
        self.assertLess(oldest, VIEW_MAX_NS)
        self.assertLess(after, before * GROWTH_MAX + (1 << 20))

    @staticmethod
    def drain(fd):
        try:
            while os.read(fd, 65536):
                pass
        except OSError:
            pass

    def test_reads_of_stopped_files_copies_and_backups_write_nothing_and_say_the_same(self):
        backup = os.path.join(self.d.dir, "backup")
        said = subprocess.run([CLI, "--data", self.d.data, "db", "backup", backup], capture_output=True, text=True)
        self.assertEqual(said.returncode, 0, said.stderr)
        reads = [["ls", "--sort", "key", "-o", "json"], ["stats", "-o", "json"], ["log", "loop/key:k1", "-o", "json"]]
        running = [self.asked(self.d.data, words) for words in reads]
        self.d.stop()
        try:
            copy = os.path.join(self.d.dir, "copy")
            shutil.copytree(self.d.data, copy, ignore=shutil.ignore_patterns("*.sock"))
            for directory in (self.d.data, copy, backup):
                for words, first in zip(reads, running):
                    before = content(directory)
                    self.assertEqual(self.asked(directory, words), first, (directory, words))
                    self.assertEqual(content(directory), before, (directory, words))
        finally:
            self.d.start()

    def asked(self, directory, words):
        said = subprocess.run([CLI, "--data", directory] + words, capture_output=True, text=True, timeout=120)
        self.assertEqual(said.returncode, 0, (directory, words, said.stderr))
        return self.timeless(json.loads(said.stdout))

    def timeless(self, value):
        """Without what is measured up to now: `standing` is how long they have been there."""
        if isinstance(value, dict):
            if "standing" in value and isinstance(value["standing"], dict):
                value = {**value, "standing": value["standing"]["count"]}
            return {name: self.timeless(part) for name, part in value.items() if name not in ("now", "for_ns", "next", "since", "until", "begins")}
        return [self.timeless(part) for part in value] if isinstance(value, list) else value


if __name__ == "__main__":
    if not os.path.exists(CLI):
        print("skip: fsm-cli is not built")
        sys.exit(77)
    unittest.main(verbosity=2)
