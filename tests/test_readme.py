#!/usr/bin/env python3
"""README.md, its ```console blocks: every command is run, and prints what is written below it.

A line "…" stands for any lines, a … in one for any part of it. Each section has a shell and a $FSM_DATA of its own in a scratch
directory, and ports nobody else uses. What asks how things are is asked again for a while. Without a nats-server what needs it is
left out (FSM_NATS_SERVER, or the one in PATH). Exit 77: the program is not built.
"""
import glob
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from free_port import free_port

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", "")
CLI = os.path.join(BUILD, "fsm-cli")
NATS = os.environ.get("FSM_NATS_SERVER") or shutil.which("nats-server")
PATIENCE_S = 60


def commands(text):
    """(section, command, the lines below it) in the order of the text."""
    found = []
    for section in re.split(r"^## ", text, flags=re.M):
        for block in re.findall(r"^```console\n(.*?)^```$", section, re.S | re.M):
            for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
                document = re.match(r".*<<END\n(?:.*\n)*?END\n", part)
                command = document.group(0) if document else part.partition("\n")[0] + "\n"
                found.append((section.partition("\n")[0], command, part[len(command):].strip("\n").splitlines()))
    return found


def pattern(lines):
    out = ""
    for line in lines:
        out += r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n"
    return re.compile(out + r"\n*\Z")


LOOKS = re.compile(r"fsm-cli (outbox ls|audit verify|route test)\b|tail -n |curl .*/(readyz|metrics)")


class Shell:
    """One sh for the commands of a section: what they define stays."""

    MARK = "--end of the command--"

    def __init__(self, env):
        self.process = subprocess.Popen(["sh"], env=env, cwd=SOURCE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def run(self, command):
        self.process.stdin.write((command + "\necho; echo '" + self.MARK + "'\n").encode())
        self.process.stdin.flush()
        said, until = b"", time.monotonic() + PATIENCE_S
        while not said.endswith(("\n" + self.MARK + "\n").encode()):
            if not select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))[0]:
                raise AssertionError("no end of %r in %d s: %s" % (command, PATIENCE_S, said.decode()))
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                raise AssertionError("%r ended the shell: %s" % (command, said.decode()))
            said += chunk
        return said.decode()[:-len(self.MARK) - 1]

    def end(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        self.process.stdout.close()


class Readme(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
            text = file.read()
        for port in ("4222", "9200", "8480"):
            text = text.replace("127.0.0.1:" + port, "127.0.0.1:%d" % (found := free_port())).replace("-p " + port, "-p %d" % found)
        self.found = commands(text.replace("$(tools/install --nats-path)", NATS or "no-nats-server"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
        self.env["PATH"] = BUILD + ":" + self.env["PATH"]
        scratch = tempfile.TemporaryDirectory(prefix="fsm-readme-")
        self.addCleanup(scratch.cleanup)
        self.addCleanup(self.stop_all, scratch.name)
        self.scratch = scratch.name

    @staticmethod
    def stop_all(scratch):
        """What a command left running, by the ids that it wrote down."""
        for name in glob.glob(os.path.join(scratch, "*", "*.pid")):
            with open(name) as file:
                pid = int(file.read())
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def expect(self, shell, command, lines):
        said, until = shell.run(command), time.monotonic() + PATIENCE_S
        while LOOKS.match(command) and not pattern(lines).match(said) and time.monotonic() < until:
            time.sleep(0.2)
            said = shell.run(command)
        self.assertRegex(said, pattern(lines))

    def shell_of(self, section):
        folder = os.path.join(self.scratch, re.sub(r"\W", "", section))
        os.makedirs(folder, mode=0o700)
        shell = Shell(dict(self.env, FSM_DATA=os.path.join(folder, "data")))
        self.addCleanup(shell.end)
        return shell

    def test_every_command_prints_what_is_written_below_it(self):
        self.assertGreaterEqual(len(self.found), 8)
        away = False  # the server that the commands from here on need
        shells = {section: self.shell_of(section) for section in dict.fromkeys(one[0] for one in self.found)}
        for section, command, lines in self.found:
            away = away or (NATS is None and "no-nats-server" in command)
            if away and "kill $(cat $FSM_DATA.pid)" not in command:
                continue
            away = False
            with self.subTest(command=command):
                self.expect(shells[section], command, lines)


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        sys.exit(77)
    unittest.main(verbosity=1)
