#!/usr/bin/env python3
"""README.md, its ```console blocks: every command is run, and prints what is written below it.

A line "…" stands for any lines, a … at the end of one for its rest. $FSM_DATA is in a scratch directory. Exit 77: the program is not built.
"""
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
CLI = os.path.join(BUILD, "fsm-cli")
PATIENCE_S = 60


def commands(text):
    """(command, the lines below it) in the order of the text."""
    found = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.S | re.M):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, printed = part.partition("\n")
            found.append((command, printed.strip("\n").split("\n")))
    return found


def pattern(lines):
    out = ""
    for line in lines:
        if line == "…":
            out += r"(?:.*\n)*?"
        elif line.endswith("…"):
            out += re.escape(line[:-1]) + r".*\n"
        else:
            out += re.escape(line) + r"\n"
    return re.compile(out + r"\n*\Z")


class Readme(unittest.TestCase):
    def test_every_command_prints_what_is_written_below_it(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            found = commands(file.read())
        self.assertGreaterEqual(len(found), 8)
        env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
        env["PATH"] = BUILD + ":" + env["PATH"]
        scratch = tempfile.TemporaryDirectory(prefix="fsm-readme-")
        self.addCleanup(scratch.cleanup)
        env["FSM_DATA"] = os.path.join(scratch.name, "data")
        for command, lines in found:
            with self.subTest(command=command):
                done = subprocess.run(["sh", "-c", command], env=env, cwd=SOURCE, timeout=PATIENCE_S,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
                said = done.stdout.decode()
                self.assertRegex(said, pattern(lines))


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        sys.exit(77)
    unittest.main(verbosity=1)
