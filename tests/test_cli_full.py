#!/usr/bin/env python3
"""fsm-cli while the disk of the daemon is full: what is asked is answered as it is, what would write is refused and
says why, and a run that was refused in its middle goes on under its key when there is room.

The disk is a small one of our own (tmpfs in a mount namespace). Exit 77: not built, or none may be mounted.
"""
import json
import os
import subprocess
import sys
import time
import unittest

from test_cli_bulk import MANY, Many
from test_cli_do import CLI, FSMD, PATIENCE_S, Daemon, environment, run
from test_publish_full import empty, fill, mount


class Small(Daemon):
    def start(self):
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen([FSMD, "--data", self.data, "--no-listen", "--segment-bytes", "2097152"], stdout=self.log, stderr=self.log, env=environment())
        deadline = time.monotonic() + PATIENCE_S
        while run("--socket", self.data + "/fsmd.sock", "health", "-q")[0] not in (0, 1):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("fsmd did not start: " + open(self.data + ".log").read())
            time.sleep(0.02)


class Full(Many):
    daemon_class = Small

    def place(self):
        disk = self.scratch + "/disk"
        if not mount(disk, 64 << 20):
            self.skipTest("no disk may be mounted")
        self.addCleanup(subprocess.run, ["umount", "-l", disk])
        self.disk = disk
        return disk + "/data"

    def total(self):
        """What all ADDs together have made."""
        (group,) = self.json("ls", "--group-by", "machine", "--sum", "n")["items"]
        return group["sum"]["sum"]

    def added(self, key):
        code, out, err = self.do("send", "-m", "job", "ADD", "-y", "-q", "--idem", key, "-o", "jsonl")
        told = [json.loads(line) for line in out.splitlines()]
        return code, sum(t["ok"] and not t["answer"].get("replayed") for t in told), [t["problem"]["code"] for t in told if not t["ok"]], err

    def reads(self):
        one = self.json("ls", "-k", "k007")["items"][0]["id"]
        said = []
        for words in (["ls", "--all"], ["get", one], ["why", one], ["events", one], ["log", one], ["search", "k007"], ["stats", "--since", "all"], ["log", "--limit", "20"], ["stuck", "--for", "1ms"], ["timer", "ls"], ["db", "stat"]):
            code, out, err = self.do(*words, "-o", "json")
            self.assertEqual(code, 0, "%s: %s" % (words, err))
            said.append(json.loads(out))
        return said[0]["items"][0]["id"], len(said[0]["items"]), said[1]["context"], [r["seq"] for r in said[4]["items"]], [i["id"] for i in said[5]["items"]]

    def test_reads_go_on_writes_say_why_and_a_run_goes_on_when_there_is_room(self):
        sent = self.total()
        fill(self.disk)
        code, runs = 0, 0
        while code == 0:
            runs += 1
            self.assertLess(runs, 200, "the disk does not get full")
            code, done, refused, err = self.added("run-%d" % runs)
            sent += done
        self.assertEqual((code, set(refused)), (6 if done else 1, {"full"}), err)
        self.assertEqual(self.total(), sent)
        before = self.reads()
        self.assertEqual(before[1], MANY)
        one = before[0]
        for words in (["send", one, "ADD"], ["send", one, "ADD", "--dry-run"], ["start", "job"]):
            code, out, err = self.do(*words)
            self.assertEqual((code, out), (1, "dry run:      nothing would be written\n" if "--dry-run" in words else ""), "%s: %s" % (words, err))
            said = err.replace("\n  ", " ")
            for word in ("(full)", "what takes the room: fsm-cli db stat"):
                self.assertIn(word, said)
            # Known to be full already, or found out by this very command.
            self.assertTrue("no room" in said and "reads go on" in said or "No space left on device" in said, said)
        self.assertEqual((self.reads(), self.total()), (before, sent))
        empty(self.disk)
        deadline = time.monotonic() + PATIENCE_S
        while self.added("room")[1] != MANY:  # it looks again now and then
            self.assertLess(time.monotonic(), deadline, "there is room, and nothing is taken")
        sent = self.total()
        code, done, refused, err = self.added("run-%d" % runs)
        self.assertEqual((code, refused), (0, []), err)
        self.assertEqual(self.total(), sent + done)
        self.ok("audit", "verify")


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        sys.exit(77)
    if os.environ.get("FSM_OWN_DISKS") != "yes":
        for options in (["-m"], ["-rm"]):
            if subprocess.run(["unshare", *options, "true"], stderr=subprocess.DEVNULL).returncode == 0:
                os.environ["FSM_OWN_DISKS"] = "yes"
                os.execvp("unshare", ["unshare", *options, "--propagation", "private", sys.executable, *sys.argv])
        print("skipped: no disk of our own may be mounted")
        sys.exit(77)
    unittest.main()
