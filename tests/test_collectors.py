#!/usr/bin/env python3
"""test_collectors.py: the examples of examples/collectors: rsyslog is run for real, the others are asked to check their
configuration where they are installed. FSM_RSYSLOG names an rsyslogd; else that of tools/install, or of PATH."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = os.environ.get("FSM_SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
COLLECTORS = os.path.join(SOURCE, "examples", "collectors")
PATIENCE_S = 60


def rsyslogd():
    """(program, environment, arguments): an unpacked package brings its libraries and modules with it."""
    named = os.environ.get("FSM_RSYSLOG", "")
    if not named:
        got = subprocess.run([os.path.join(SOURCE, "tools", "install"), "--rsyslog-path"], capture_output=True, text=True)
        named = got.stdout.strip() if got.returncode == 0 else ""
    if not named or not os.access(named, os.X_OK):
        return None
    env, more = dict(os.environ), []
    for modules in glob.glob(os.path.join(named[:-len("/usr/sbin/rsyslogd")], "usr/lib/*/rsyslog")):
        if not named.startswith("/usr/"):
            env["LD_LIBRARY_PATH"] = os.path.dirname(modules)
            more = ["-M", modules]
    return named, env, more


def golden(first, count):
    """Lines as the format ecs writes them, with the seqs that are asked for."""
    with open(os.path.join(SOURCE, "tests", "golden", "export-ecs.txt"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    out = []
    for seq in range(first, first + count):
        record = json.loads(lines[seq % len(lines)])
        record["event"]["sequence"] = seq
        out.append(json.dumps(record, ensure_ascii=False))
    return out


class Rsyslog(unittest.TestCase):
    def setUp(self):
        self.found = rsyslogd()
        if self.found is None:
            self.skipTest("there is no rsyslogd: tools/install fetches it")
        self.dir = tempfile.mkdtemp(prefix="fsm-rsyslog-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        for name in ("spool", "siem"):
            os.mkdir(os.path.join(self.dir, name))
        with open(os.path.join(COLLECTORS, "rsyslog.conf"), encoding="utf-8") as file:
            text = file.read()
        for path, here in (("/var/spool/rsyslog", "spool"), ("/var/lib/fsmd/siem", "siem"), ("/var/log/", "")):
            self.assertIn(path, text)
            text = text.replace(path, os.path.join(self.dir, here))
        self.conf = os.path.join(self.dir, "rsyslog.conf")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(text)
        self.out = os.path.join(self.dir, "fsmd.ndjson")
        self.process = None

    def run_it(self):
        program, env, more = self.found
        log = open(os.path.join(self.dir, "log"), "ab")
        self.process = subprocess.Popen([program, "-n", "-f", self.conf, "-i", os.path.join(self.dir, "pid")] + more,
                                        env=env, stdout=log, stderr=log)
        log.close()
        self.addCleanup(self.end)

    def end(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE_S)

    def got(self):
        if not os.path.exists(self.out):
            return []
        with open(self.out, encoding="utf-8") as file:
            return [json.loads(line)["event"]["sequence"] for line in file.read().splitlines()]

    def append(self, lines):
        with open(os.path.join(self.dir, "siem", "siem-current.ndjson"), "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def rotate(self, stamp, first):
        where = os.path.join(self.dir, "siem")
        os.rename(os.path.join(where, "siem-current.ndjson"), os.path.join(where, "siem-%s-%d.ndjson" % (stamp, first)))

    def await_count(self, count):
        end = time.monotonic() + PATIENCE_S
        while len(self.got()) < count and time.monotonic() < end and self.process.poll() is None:
            time.sleep(0.2)
        self.assertEqual(sorted(self.got()), list(range(1, count + 1)))

    def test_the_configuration_is_sound(self):
        program, env, more = self.found
        done = subprocess.run([program, "-N1", "-f", self.conf] + more, env=env, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("error", done.stderr.lower().replace("errors: 0", ""))

    def test_each_record_arrives_once_over_rotations_and_a_restart(self):
        self.append(golden(1, 20))
        self.rotate("20261122T100000Z", 1)
        self.run_it()
        self.await_count(20)
        self.append(golden(21, 30))
        self.rotate("20261122T110000Z", 21)
        self.append(golden(51, 10))
        self.await_count(50)
        self.end()
        self.rotate("20261122T120000Z", 51)
        self.run_it()
        self.await_count(60)
        time.sleep(2.5)  # two rounds of polling: nothing comes twice
        self.assertEqual(sorted(self.got()), list(range(1, 61)))
        with open(self.out, encoding="utf-8") as file:
            first = file.readline().rstrip("\n")
        self.assertEqual(first, golden(1, 1)[0])  # byte for byte


class Others(unittest.TestCase):
    def check(self, program, *args):
        if shutil.which(program) is None:
            self.skipTest(program + " is not here")
        done = subprocess.run([program] + list(args), cwd=COLLECTORS, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_filebeat(self):
        self.check("filebeat", "test", "config", "-c", os.path.join(COLLECTORS, "filebeat.yml"))

    def test_fluent_bit(self):
        self.check("fluent-bit", "--dry-run", "-c", "fluent-bit.conf")

    def test_logstash(self):
        self.check("logstash", "-t", "-f", "logstash.conf")


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if rsyslogd() is None else 0)
