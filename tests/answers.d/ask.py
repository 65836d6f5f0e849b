"""ask.py: fsm-cli as a process, its times as nanoseconds, and what differs from what was to be."""
import calendar
import json
import re
import subprocess
import sys
import time

SECOND = 10**9
TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
days = {}


def ns(text):
    """An RFC 3339 time in UTC, exactly."""
    whole, fraction = TIME.fullmatch(text).groups()
    day = days.get(whole[:10])
    if day is None:
        day = days[whole[:10]] = calendar.timegm(time.strptime(whole[:10], "%Y-%m-%d"))
    second = day + int(whole[11:13]) * 3600 + int(whole[14:16]) * 60 + int(whole[17:19])
    return second * SECOND + int((fraction or "0").ljust(9, "0"))


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // SECOND)) + ".%09dZ" % (at % SECOND)


class Differences:
    def __init__(self, shown=30):
        self.count, self.shown, self.compared, self.answers = 0, shown, 0, 0
        self.began = time.time()

    def same(self, got, want, *where):
        self.compared += 1
        if got == want:
            return True
        self.count += 1
        if self.count <= self.shown:
            print("DIFFERS", *where, "\n    got ", str(got)[:1500], "\n    want", str(want)[:1500], flush=True)
        return False

    def begin(self, text):
        print("%6.1f s  %d answers, %d values, %d differ · %s" % (time.time() - self.began, self.answers, self.compared, self.count, text), flush=True)


class Client:
    def __init__(self, program, data, differences):
        self.program, self.data, self.differences = program, data, differences

    def command(self, args):
        self.differences.answers += 1
        group = 2 if args[0] in ("timer", "task", "def", "audit", "db") else 1
        return [self.program, *args[:group], "--data", self.data, *args[group:]]

    def json(self, *args):
        done = subprocess.run(self.command([*args, "-o", "json"]), capture_output=True, text=True, timeout=1200, check=False)
        if done.returncode != 0:
            raise AssertionError("%s: %d: %s" % (" ".join(args), done.returncode, done.stderr))
        return json.loads(done.stdout)

    def fails(self, *args):
        """Its exit code."""
        return subprocess.run(self.command(args), capture_output=True, text=True, timeout=1200, check=False).returncode

    def lines(self, *args):
        """The items of a list as they come."""
        with subprocess.Popen(self.command([*args, "-o", "jsonl", "-q"]), stdout=subprocess.PIPE, text=True, stderr=sys.stderr) as p:
            for line in p.stdout:
                yield json.loads(line)
        if p.returncode != 0:
            raise AssertionError("%s: %d" % (" ".join(args), p.returncode))
