#!/usr/bin/env python3
"""test_publish_full.py: full disks and spoiled cursors cost sinks time, and nobody a command or a record.

A file sink's directory, and the directory of cursors and of what is set aside, are small disks of their own
(tmpfs in a mount namespace). They are full while clients send commands, while the daemon is killed, and while
a record has to be set aside. Then cursors are as a loss of power may leave them: torn, old, empty, gone, of
another sink. Afterwards the oracle of publish.d holds every sink against the journal. Exit 77: not built, or
no disk may be mounted.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in ("tests", "tests/kill.d", "tests/publish.d"):
    sys.path.insert(0, os.path.join(SOURCE, folder))
sys.dont_write_bytecode = True

import json  # noqa: E402
import random  # noqa: E402

from journal_docs import Journal  # noqa: E402
from oracle import Account, read_documents, read_files, take_lines, take_stored  # noqa: E402
from scene import ORDER, PING, Bulk, Client, Daemon, await_  # noqa: E402

FSMD = os.path.join(os.environ.get("FSM_BUILD_DIR", "build/dev"), "fsmd")
NAMES = ("lines", "bytes", "bulk")
SETTLE = 180


def mount(path, size):
    os.makedirs(path, mode=0o700, exist_ok=True)
    how = "size=%d,mode=0700" % size
    return subprocess.run(["mount", "-t", "tmpfs", "-o", how, "fsm-test", path], stderr=subprocess.DEVNULL).returncode == 0


def fill(path):
    """Not a byte is left."""
    fd = os.open(os.path.join(path, "ballast"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        for size in (65536, 4096, 1):
            try:
                while os.write(fd, bytes(size)) == size:
                    pass
            except OSError:
                pass
    finally:
        os.close(fd)


def empty(path):
    os.unlink(os.path.join(path, "ballast"))


class FullDisks(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fsm-publish-full-")
        self.bulk, self.daemon = Bulk(), Daemon([FSMD], self.dir, None, random.Random(1))
        self.cursors, self.lines = os.path.join(self.daemon.data, "sinks"), self.path("lines")
        os.mkdir(self.daemon.data, 0o700)
        self.mounted = [p for p, size in ((self.cursors, 1 << 20), (self.lines, 32 << 20)) if mount(p, size)]
        self.client = Client(0, 1, self.daemon.address)
        if len(self.mounted) < 2:
            self.skipTest("no disk may be mounted")
        soon = {"backoff": "5ms", "backoff_max": "100ms", "linger": "5ms"}
        sinks = [
            {"name": "lines", "kind": "file", "path": self.lines, "rotate_bytes": "64KiB", **soon},
            {"name": "bytes", "kind": "file", "path": self.path("bytes"), "format": "msgpack", **soon},
            {"name": "bulk", "kind": "http", "mode": "bulk", "url": self.bulk.url, **soon},
        ]
        with open(self.daemon.sinks, "w") as file:
            json.dump({"sinks": sinks}, file)
        self.daemon.start()
        for machine in (ORDER, PING):
            self.assertEqual(self.daemon.call("POST", "/v1/machines", machine)[0], 201)
        self.client.start()

    def tearDown(self):
        self.client.pause() if self.client.is_alive() else None
        if self.daemon.up:
            self.daemon.stop(signal.SIGKILL)
        self.bulk.stop()
        for path in self.mounted:
            subprocess.run(["umount", "-l", path])
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def state(self, name):
        return next(s for s in self.daemon.sink_states() if s["name"] == name)

    def load(self, seconds):
        """Commands for so long; each has been answered, none was refused for want of room."""
        before = len(self.client.answers)
        self.client.going.set()
        time.sleep(seconds)
        await_("an answer", lambda: len(self.client.answers) > before, SETTLE)
        self.client.pause()
        self.daemon.check_alive()
        self.assertEqual(self.client.broken, 0)
        self.assertLess(self.client.slowest, 30)

    def is_still(self):
        seq = self.daemon.call("GET", "/healthz")[1]["seq"]
        self.states = self.daemon.sink_states()
        if not all(s["seq"] == seq and s["status"] == "ok" for s in self.states):
            return False
        time.sleep(0.2)  # timers
        return self.daemon.call("GET", "/healthz")[1]["seq"] == seq

    def check(self, aside=()):
        """Every sink has every record, but for those that are set aside."""
        await_("every sink at its end", self.is_still, SETTLE, lambda: json.dumps(self.states))
        journal = Journal(os.path.join(self.daemon.data, "journal", "0"), "none")
        journal.read()
        lines, stored, bulk = Account("lines", journal), Account("bytes", journal), Account("bulk", journal)
        read_files(lines, self.lines, take_lines)
        read_files(stored, self.path("bytes"), take_stored)
        read_documents(bulk, self.bulk.documents(), lambda time: "fsm-" + time[:10].replace("-", "."))
        self.assertEqual(bulk.missing, list(aside))
        bulk.missing = []
        for account in (lines, stored, bulk):
            self.assertEqual(account.complaint(), [])
        for seq, instance, correlation in self.client.answers:
            self.assertEqual(journal.who[seq - 1], (instance, correlation))
        return journal

    def test_the_disk_of_a_file_sink_is_full(self):
        self.load(0.3)
        fill(self.lines)
        self.load(1.0)
        await_("the fault", lambda: self.load(0.1) or "No space left" in (self.state("lines")["last_error"] or ""), SETTLE)
        self.assertGreater(self.state("lines")["lag"], 0)
        self.assertIsNone(self.state("bytes")["last_error"])
        self.daemon.kill()  # and it starts with the disk full
        self.client.close()
        self.daemon.start()
        self.load(0.3)
        empty(self.lines)
        self.check()

    def test_the_disk_of_the_cursors_is_full(self):
        self.load(0.3)
        fill(self.cursors)
        self.load(1.5)  # longer than a cursor rests unsaved
        for name in NAMES:
            await_("it goes on", lambda: self.state(name)["lag"] == 0, SETTLE)
        self.daemon.kill()  # what is saved is old
        self.client.close()
        self.daemon.start()
        self.load(0.3)
        empty(self.cursors)
        self.check()

    def test_a_record_is_set_aside_when_there_is_room_for_that(self):
        self.load(0.3)
        instance = next(i for s, i, c in self.client.answers)
        await_("every sink at its end", self.is_still, SETTLE)
        fill(self.cursors)
        event = {"event": "ADD", "data": {"by": 1, "note": "", "of": None, "bad": True}}
        status, answer = self.daemon.call("POST", "/v1/instances/%s/events" % instance, event)
        self.load(0.5)
        for name in ("lines", "bytes"):
            await_("it goes on", lambda: self.state(name)["lag"] == 0, SETTLE)
        await_("the fault", lambda: "No space left" in (self.state("bulk")["last_error"] or ""), SETTLE)
        self.assertEqual((self.state("bulk")["parked"], self.state("bulk")["seq"] < answer["seq"]), (0, True))
        empty(self.cursors)
        self.check([answer["seq"]] if status == 200 else [])
        self.assertEqual(self.state("bulk")["parked"], 1)

    def test_cursors_as_a_loss_of_power_may_leave_them(self):
        def write(path, data):
            with open(path, "wb") as file:
                file.write(data)

        self.load(1.2)
        old = {}
        for name in NAMES:
            with open(os.path.join(self.cursors, name), "rb") as file:
                old[name] = file.read()
        spoil = {
            "torn": lambda path, data: write(path, data[: len(data) // 2]),
            "empty": lambda path, data: write(path, b""),
            "one bit": lambda path, data: write(path, data[:-9] + bytes([data[-9] ^ 4]) + data[-8:]),
            "zeroes": lambda path, data: write(path, bytes(len(data))),
            "old": lambda path, data: write(path, old[os.path.basename(path)]),
            "gone": lambda path, data: os.unlink(path),
            "torn beside": lambda path, data: write(path + ".tmp", data[:7]),
        }
        for what, do in spoil.items():
            with self.subTest(what):
                self.load(0.2)
                self.daemon.kill()
                self.client.close()
                for name in NAMES:
                    path = os.path.join(self.cursors, name)
                    with open(path, "rb") as file:
                        data = file.read()
                    do(path, data)
                self.daemon.start()
                self.check()


def main():
    if not os.access(FSMD, os.X_OK):
        print("skipped: %s is not built" % FSMD)
        return 77
    if os.environ.get("FSM_OWN_DISKS") != "yes":
        for options in (["-m"], ["-rm"]):
            if subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                os.environ["FSM_OWN_DISKS"] = "yes"
                os.execvp("unshare", ["unshare", *options, "--propagation", "private", sys.executable, *sys.argv])
        print("skipped: no disk of our own may be mounted")
        return 77
    unittest.main(verbosity=2)


if __name__ == "__main__":
    sys.exit(main())
