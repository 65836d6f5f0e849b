#!/usr/bin/env python3
"""Transcripts of fsm-cli (tests/transcripts/README.md): every command is run and says what is written below it.

    test_transcripts.py [NAME…]     FSM_GOLDEN=write: writes what was said into the files

Exit 77: the programs are not built.
"""
import concurrent.futures
import glob
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import fcntl
import time
import unittest

BUILD, SOURCE = os.path.abspath(os.environ.get("FSM_BUILD_DIR", "build/dev")), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TRANSCRIPTS = os.path.join(SOURCE, "tests", "transcripts")
STEADY = os.path.join(BUILD, "tests", "steady.so")
WRITE = os.environ.get("FSM_GOLDEN") == "write"
BEGIN_NS = 1772442000 * 10**9  # 2026-03-02T09:00:00Z
PATIENCE_S = 60
AT_ONCE = 3
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# What is made by chance, or measured.
MASKS = [
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<token>"),
    (re.compile(r"· [0-9.]+ m?s ·"), "· N ms ·"),
    (re.compile(r"· [0-9.]+ m?s$"), "· N ms"),
    (re.compile(r"\bcli-[0-9a-f]{16}\b"), "cli-<key>"),
    (re.compile(r"\bprocess [0-9]+\b"), "process N"),
    # How often a clock that stands still was looked at.
    (re.compile(r"(:\d\d\.\d{3})\d{6}Z"), r"\1…Z"),
    (re.compile(r"(_ns\"?: ?\d+)\d{6}\b"), r"\1…"),
]


def masked(text):
    for pattern, name in MASKS:
        text = pattern.sub(name, text)
    return text


def span_s(text):
    parts = re.findall(r"([0-9]+)([smhd])", text)
    assert parts and "".join(a + b for a, b in parts) == text, "no span: %r" % text
    return sum(int(a) * UNITS_S[b] for a, b in parts)


def matches(want, got):
    """A line … stands for any lines, a … in one for any part of it."""
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + r"\n" for line in want)
    return re.fullmatch(pattern, "".join(line + "\n" for line in got)) is not None


class Step:
    """A line that does something, with what is expected below it."""

    def __init__(self, line):
        self.line, self.input, self.expected = line, [], []

    def command(self):
        return self.line[2:] if self.line.startswith("$ ") else None


def read(path):
    """Steps and plain lines (comments, empty lines) in the order of the file."""
    parts, step, in_file = [], None, False
    with open(path, encoding="utf-8") as f:
        for line in f.read().split("\n"):
            if in_file:
                step.input.append(line)
                in_file = line != "@end"
            elif step and step.line.startswith("$ ") and step.line.endswith("\\") and not step.expected:
                step.line = step.line + "\n" + line
            elif line.startswith(("$ ", "@")):
                step = Step(line)
                parts.append(step)
                in_file = line.startswith("@file ")
            elif line.startswith("#") or (line == "" and (step is None or not step.line.startswith("$ "))):
                parts.append(line)
                step = None
            elif line == "":
                step.expected.append(line)
            elif line.startswith("< ") and step and not step.expected:
                step.input.append(line)
            elif step is None:
                raise AssertionError("%s: a line that belongs to no command: %r" % (path, line))
            else:
                step.expected.append(line)
    for part in parts:  # empty lines before the next command are no output
        if isinstance(part, Step) and not part.line.startswith("@file "):
            part.blank = 0
            while part.expected and part.expected[-1] == "":
                part.expected.pop()
                part.blank += 1
    return parts


def written(parts):
    lines = []
    for part in parts:
        if isinstance(part, str):
            lines.append(part)
        else:
            lines += [part.line] + part.input + part.expected + [""] * getattr(part, "blank", 0)
    return "\n".join(lines).rstrip("\n") + "\n"


class World:
    """A scratch directory, its clock and its daemon."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="fsm-said-")
        self.clock = os.path.join(self.dir, "clock")
        self.home = os.path.join(self.dir, "home")
        self.data = os.path.join(self.home, "data")
        os.mkdir(self.home)
        os.symlink(os.path.join(SOURCE, "examples"), os.path.join(self.home, "examples"))
        self.now_ns, self.columns, self.daemon, self.options = BEGIN_NS, 0, None, []
        self.tick(0)
        known = ("PATH", "LD_LIBRARY_PATH", "UBSAN_OPTIONS", "TMPDIR")
        self.env = {name: os.environ[name] for name in known if name in os.environ}
        self.env.update(
            PATH=BUILD + ":" + self.env.get("PATH", "/usr/bin:/bin"), FSM_DB=self.data, FSM_DATA=self.data, HOME=self.home, TZ="UTC", PAGER="cat",
            LC_ALL="C.UTF-8", FSM_STEADY_CLOCK=self.clock, LD_PRELOAD=STEADY, TERM="xterm", NO_COLOR="1",
            ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0",
        )

    def tick(self, seconds):
        self.now_ns += int(seconds * 10**9)
        mode = "r+b" if os.path.exists(self.clock) else "wb"
        with open(self.clock, mode) as f:
            f.write(struct.pack("=q", self.now_ns))

    def start(self, options=None):
        self.stop()
        self.options = self.options if options is None else options
        where = [] if "--listen" in self.options else ["--no-listen"]
        with open(os.path.join(self.dir, "log"), "ab") as log:
            self.daemon = subprocess.Popen([os.path.join(BUILD, "fsmd"), "--data", self.data] + where + self.options,
                                           env=self.env, cwd=self.home, stderr=log, stdout=log)
        until = time.monotonic() + PATIENCE_S
        while self.seq() < 0:
            if self.daemon.poll() is not None or time.monotonic() > until:
                with open(os.path.join(self.dir, "log"), errors="replace") as log:
                    raise AssertionError("fsmd did not start: " + log.read()[-3000:])
            time.sleep(0.02)

    def stop(self, how=signal.SIGTERM):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(how)
            self.daemon.wait(PATIENCE_S)
        self.daemon = None

    def seq(self):
        """Of the last record, as the daemon knows it; -1 when none answers."""
        found = re.search(r'"seq": ?"?([0-9]+)', self.asked("health", "-o", "json").stdout)
        return int(found.group(1)) if found else -1

    def asked(self, *words):
        return subprocess.run(["fsm-cli", "--socket", os.path.join(self.data, "fsmd.sock"), *words],
                              env={**self.env, "FSM_DB": "", "FSM_DATA": ""}, cwd=self.home, capture_output=True, text=True)

    def advance(self, text):
        self.rest()  # what was due before belongs before
        self.tick(span_s(text) + 0.001)  # times of records differ by nanoseconds; spans are shown whole
        self.rest()

    def rest(self):
        """Until nothing is due."""
        before, until = None, time.monotonic() + PATIENCE_S
        while self.daemon and before != (now := self.turned()):
            assert time.monotonic() < until, "what became due goes on and on, at seq %d" % now
            before = now

    def turned(self):
        """The last record, after a turn of the writer: what is due goes before a command, so it has been done
        when a turn brought nothing. The command is a dry one, which leaves nothing."""
        turn = self.asked("start", "turn", "--dry-run")
        assert turn.returncode == 3, "a turn of the writer: [%d] %s" % (turn.returncode, turn.stderr)
        return self.seq()

    def run(self, command, text):
        if self.columns:
            return self.run_on_terminal(command)
        said = subprocess.run(["sh", "-c", command], env=self.env, cwd=self.home, input="\n".join(text) + "\n" if text else "",
                              capture_output=True, text=True, timeout=PATIENCE_S)
        return said.stdout, said.stderr, said.returncode

    def run_on_terminal(self, command):
        main, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 200, self.columns, 0, 0))
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(["sh", "-c", command], env={**self.env, "COLUMNS": str(self.columns), "PAGER": "cat"},
                                       cwd=self.home, stdin=subprocess.DEVNULL, stdout=other, stderr=errors)
            os.close(other)
            said, until = b"", time.monotonic() + PATIENCE_S
            while time.monotonic() < until:
                if not select.select([main], [], [], 1)[0]:
                    continue
                try:
                    chunk = os.read(main, 65536)
                except OSError:
                    break
                if not chunk:
                    break
                said += chunk
            code = process.wait(PATIENCE_S)
            os.close(main)
            errors.seek(0)
            return said.decode().replace("\r\n", "\n"), errors.read().decode(), code

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


def lines_of(text):
    return text.rstrip("\n").split("\n") if text.rstrip("\n") else []


class Transcript:
    def __init__(self, path):
        self.path, self.parts, self.world, self.wrong = path, read(path), World(), []
        self.soon = False

    def said(self, step):
        out, errors, code = self.world.run(step.command(), [line[2:] for line in step.input])
        out, errors = (masked(said.replace(self.world.home, "<home>")) for said in (out, errors))
        got = lines_of(out) + ["! " + line for line in lines_of(errors)]
        return got + ["[%d]" % code] if code != 0 else got

    def do(self, step, write=WRITE):
        until = time.monotonic() + (PATIENCE_S if self.soon else 0)
        got, self.soon = self.said(step), False
        while not matches(step.expected, got) and time.monotonic() < until:
            time.sleep(0.05)
            got = self.said(step)
        if matches(step.expected, got):
            return
        if write:
            step.expected = got
        else:
            self.wrong.append("%s: $ %s\n--- wanted\n%s\n--- said\n%s" % (
                os.path.basename(self.path), step.line[2:], "\n".join(step.expected), "\n".join(got)))

    def direct(self, step):
        word, _, rest = step.line[1:].partition(" ")
        if word == "daemon":
            self.world.start(rest.split())
        elif word in ("stop", "kill"):
            self.world.stop(signal.SIGKILL if word == "kill" else signal.SIGTERM)
        elif word == "advance":
            self.world.advance(rest)
        elif word == "soon":
            self.soon = True
        elif word == "columns":
            self.world.columns = int(rest or 0)
        elif word == "file":
            with open(os.path.join(self.world.home, rest), "w", encoding="utf-8") as f:
                f.write("\n".join(step.input[:-1]) + "\n")
        else:
            raise AssertionError("%s: no such directive: %s" % (self.path, step.line))

    def both(self, steps):
        for step in steps:
            self.do(step)
        self.world.stop()
        for step in steps:
            self.do(step, write=False)
        self.world.start()

    def run(self):
        try:
            steps, block = iter([part for part in self.parts if isinstance(part, Step)]), None
            for step in steps:
                if step.line == "@both":
                    block = []
                elif step.line == "@end":
                    self.both(block)
                    block = None
                elif block is not None:
                    assert step.command(), "%s: only commands stand in @both: %s" % (self.path, step.line)
                    block.append(step)
                elif step.command():
                    self.do(step)
                else:
                    self.direct(step)
        finally:
            self.world.remove()
        if WRITE:
            with open(self.path, "w", encoding="utf-8") as f:
                f.write(written(self.parts))


class Transcripts(unittest.TestCase):
    maxDiff = None


def said(path):
    transcript = Transcript(path)
    transcript.run()
    return transcript.wrong


def one(path, pool):
    """Begun when the first test begins, several at a time: most of their time they wait for a clock."""
    result = pool.submit(said, path)

    def test(self):
        wrong = result.result()
        self.assertEqual(wrong, [], "\n\n".join([""] + wrong))

    return test


if __name__ == "__main__":
    if not os.path.exists(STEADY):
        print("skip: %s is not built" % STEADY)
        sys.exit(77)
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    sys.argv = sys.argv[:1]
    at_once = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
    for path in sorted(glob.glob(os.path.join(TRANSCRIPTS, "*.txt"))):
        name = os.path.basename(path)[:-4]
        if not names or name in names:
            setattr(Transcripts, "test_" + name.replace("-", "_"), one(path, at_once))
    unittest.main(verbosity=2)
