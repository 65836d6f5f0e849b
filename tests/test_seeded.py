#!/usr/bin/env python3
"""test_seeded.py: the store that a seed makes is what its manifest says: every instance, in the store and by a replay
of the journal, and the same bytes each time. FSM_SEEDED_INSTANCES makes it larger.
"""
import glob
import json
import os
import shutil
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
CLI = os.path.join(BUILD, "fsm-cli")
SEEDED = os.path.join(BUILD, "tests", "seeded")
INSTANCES = int(os.environ.get("FSM_SEEDED_INSTANCES", "1500"))


def make(directory, instances, seed):
    """The manifest by id."""
    manifest = directory + ".manifest"
    command = [SEEDED, directory, "--instances", str(instances), "--seed", str(seed), "--manifest", manifest]
    made = subprocess.run(command, capture_output=True, text=True, timeout=550, check=False)
    if made.returncode != 0:
        raise AssertionError(made.stderr)
    with open(manifest, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    summary = json.loads(made.stdout)
    if summary["instances"] != len(lines) or sum(s["count"] for s in summary["states"]) != len(lines):
        raise AssertionError("the summary is not of the manifest")
    return {line["id"]: line for line in lines}


def cli(*args):
    done = subprocess.run([CLI, *args], capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{args}: {done.stderr}")
    return json.loads(done.stdout)


def seconds(text):
    return text.partition(".")[0].rstrip("Z")


class Seeded(unittest.TestCase):
    def setUp(self):
        room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # a batch a sync, thousands of them
        self.dir = tempfile.mkdtemp(prefix="fsm-seeded-", dir=room)
        self.addCleanup(shutil.rmtree, self.dir)

    def test_store_is_what_the_manifest_says(self):
        data = os.path.join(self.dir, "data")
        wanted = make(data, INSTANCES, 1)
        rows = {row["id"]: row for row in cli("ls", "--data", data, "--all", "-o", "json")["items"]}
        children = [row for row in rows.values() if ".pay." in row["id"]]
        self.assertEqual(len(rows) - len(children), len(wanted))
        self.assertTrue(children)
        for want in wanted.values():
            got = rows[want["id"]]
            for name in ("machine", "status", "key", "forced"):
                self.assertEqual(got.get(name), want.get(name), want)
            self.assertEqual(sorted(got["state"]), want["state"], want)
            if "since" in want:
                self.assertEqual(seconds(got["since"]), seconds(want["since"]), want)
        self.assertEqual(cli("audit", "verify", "--data", data, "-o", "json")["rows"] > len(rows), True)

    def test_every_kind_is_there(self):
        wanted = make(os.path.join(self.dir, "data"), INSTANCES, 2)
        kinds = {line.get("kind") for line in wanted.values()}
        self.assertLessEqual({"orphan", "dead", "failed", "silent", "forced", "paused", "refused", "task"}, kinds)
        self.assertEqual({line["machine"] for line in wanted.values()}, {"loan", "claim", "order", "payment", "ticket"})
        self.assertGreater(len({line["correlation"] for line in wanted.values()}), INSTANCES // 4)

    def test_same_arguments_make_the_same_journal(self):
        def journal(name, seed):
            make(os.path.join(self.dir, name), 200, seed)
            found = b""
            for path in sorted(glob.glob(os.path.join(self.dir, name, "journal", "0", "*.seg"))):
                with open(path, "rb") as file:
                    found += file.read()
            return found

        first = journal("a", 3)
        self.assertTrue(first)
        self.assertEqual(first, journal("b", 3))
        self.assertNotEqual(first, journal("c", 4))


if __name__ == "__main__":
    unittest.main()
