#!/usr/bin/env python3
"""Nothing that a machine marks (x-pii) is in a byte that the daemon, the command line or a log shows: over HTTP, with
the daemon and on its files after a kill. The bytes on disk keep it, and the commands that work on them go on.

Exit 77: the programs are not built.
"""
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", ""), os.environ.get("FSM_SOURCE_DIR", ".")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
MACHINE = os.path.join(SOURCE, "tests", "cases", "masked.json")
SECRET = "DE89370400440532013000"
PATIENCE_S = 60


def environment():
    return {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}


class Masked(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="fsm-masked-")
        self.data, self.log = os.path.join(self.folder, "data"), os.path.join(self.folder, "log")
        self.shown = 0
        self.begin()

    def tearDown(self):
        if self.daemon.poll() is None:
            self.end(signal.SIGKILL)
        shutil.rmtree(self.folder)

    def begin(self):
        port = os.path.join(self.folder, "port")
        if os.path.exists(port):
            os.unlink(port)
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen(
                [FSMD, "--data", self.data, "--listen", "127.0.0.1:0", "--port-file", port, "--auth", "none"],
                stderr=log, stdout=log, env=environment(),
            )
        deadline = time.monotonic() + PATIENCE_S
        while not os.path.exists(port):
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                with open(self.log) as log:
                    self.fail(log.read())
            time.sleep(0.02)
        with open(port) as file:
            self.port = int(file.read())

    def end(self, how=signal.SIGTERM):
        self.daemon.send_signal(how)
        self.daemon.wait(PATIENCE_S)

    def clean(self, what, data):
        self.assertNotIn(SECRET.encode(), data, what)
        self.shown += len(data)

    def request(self, method, path, body=None):
        to = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        to.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
        answer = to.getresponse()
        data = answer.read()
        self.clean(method + " " + path, data + str(answer.getheaders()).encode())
        to.close()
        return answer.status, data

    def cli(self, *args, code=0):
        done = subprocess.run([CLI, *args], capture_output=True, timeout=PATIENCE_S, env=environment())
        self.assertEqual(done.returncode, code, (args, done.stdout, done.stderr))
        self.clean(args, done.stdout + done.stderr)
        return done.stdout.decode()

    def here(self, *args, code=0):
        return self.cli("--data", self.data, *args, code=code)

    def everything(self):
        for name in ("l-1", "l-2", "l-3"):
            for form in ("table", "json"):
                for command in ("get", "log", "events"):
                    self.here(command, name, "-o", form)
        for command in (("ls", "--all"), ("stuck", "--for", "0s"), ("stats",), ("health",)):
            self.here(*command)
            self.here(*command, "-o", "json")

    def life(self):
        with open(MACHINE, encoding="utf-8") as file:
            self.assertEqual(self.request("POST", "/v1/machines", json.load(file))[0], 201)
        for name in ("l-1", "l-2"):
            body = {"machine": "loan", "id": name, "input": {"iban": SECRET}}
            self.assertEqual(self.request("POST", "/v1/instances", body)[0], 201)
        self.here("start", "loan", "--id", "l-3", "--input", json.dumps({"iban": SECRET}))
        self.here("send", "l-3", "CHECK", "--data", json.dumps({"card": "x"}), code=4)
        status, refused = self.request("POST", "/v1/instances/l-1/events", {"event": "CHECK", "data": {"card": "x"}})
        self.assertEqual(status, 409)
        self.assertIn(b"[masked]", refused)
        self.request("POST", "/v1/instances/l-2/events", {"event": "BREAK", "data": {"card": "x" + SECRET}})
        pay = {"card": SECRET, "lines": [{"name": SECRET, "amount": 5}]}
        self.assertEqual(self.request("POST", "/v1/instances/l-1/events", {"event": "PAY", "data": pay})[0], 200)
        self.here("send", "l-3", "PAY", "--data", json.dumps(pay))

    def guess(self):
        """An expression is no way to read either, but for admins: here who is on the socket."""
        where = f"record.?data.?iban.orValue('') == '{SECRET}'"
        tried = self.request("POST", "/v1/routes/test", {"route": {"where": where, "sinks": ["x"]}, "limit": 1000})
        self.assertEqual((tried[0], json.loads(tried[1])["matched"]), (200, 0))
        route = ("route", "test", "--where", where, "--sink", "x", "--limit", "1000", "-o", "json")
        self.assertEqual(json.loads(self.here(*route))["matched"], 3)

    def on_disk(self):
        found = 0
        for folder, _, names in os.walk(self.data):
            for name in (n for n in names if not n.endswith(".sock")):
                with open(os.path.join(folder, name), "rb") as file:
                    found += SECRET.encode() in file.read()
        return found

    def test_no_face_shows_it(self):
        self.life()
        for path in ("/v1/instances", "/v1/stuck", "/v1/records", "/v1/machines/loan", "/v1/instances/l-1",
                     "/v1/instances/l-2", "/v1/instances/l-1/events", "/v1/instances/l-1/history", "/metrics",
                     "/v1/instances/l-2/history", "/v1/tasks", "/healthz", "/readyz"):
            self.request("GET", path)
        self.assertIn(b'"iban":"[masked]"', self.request("GET", "/v1/instances/l-1")[1])
        self.assertIn(b'"status":"incident"', self.request("GET", "/v1/instances/l-2")[1])
        self.everything()
        self.guess()
        self.here("audit", "verify")
        self.end(signal.SIGKILL)
        self.everything()
        self.assertGreater(self.on_disk(), 0, "the journal keeps it")
        self.here("audit", "verify")
        self.here("db", "check")
        self.here("db", "rebuild", "--reason", "a test")
        self.here("db", "repair", "--yes", "--reason", "a test")
        self.everything()
        self.begin()
        self.everything()
        self.end()
        with open(self.log, "rb") as log:
            self.clean("the daemon's log", log.read())
        self.assertGreater(self.shown, 50000)

    def test_what_a_developer_simulates_is_shown(self):
        done = subprocess.run([CLI, "def", "simulate", MACHINE, "--input", json.dumps({"iban": SECRET})], input=b"",
                              capture_output=True, timeout=PATIENCE_S, env=environment())
        self.assertIn(SECRET.encode(), done.stdout + done.stderr)


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK) or not os.access(CLI, os.X_OK):
        sys.exit(77)
    unittest.main()
