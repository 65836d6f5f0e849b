#!/usr/bin/env python3
"""Policy hold through the whole daemon: a sink that is away too long first stops what makes new instances, then all
but repairs, notes and routes, says so to who is refused, and lets go when it has caught up.
"""

import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

from free_port import free_port
from http_daemon import FSMD, Daemon, await_

MIB = 1024 * 1024
MACHINE = {"id": "big", "initial": "on", "context": {"blob": ""}, "states": {"on": {"on": {"PING": {"actions": []}}}}}
BLOB = {"blob": "x" * 60000}


class Siem(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


class Hold(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="test_hold.")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def sinks(self, **more):
        self.port = free_port()
        sink = {"name": "siem", "kind": "http", "url": "http://127.0.0.1:%d/" % self.port, "backoff": "20ms", "backoff_max": "100ms", **more}
        path = os.path.join(self.dir, "sinks.json")
        with open(path, "w") as f:
            json.dump({"sinks": [sink]}, f)
        return path

    def test_spill_without_an_archive_is_refused_with_its_place(self):
        for field, value in (("budget_bytes", "24MiB"), ("budget_age", "1h")):
            path = self.sinks(**{field: value})
            done = subprocess.run([FSMD, "--data", os.path.join(self.dir, "data"), "--no-listen", "--sinks", path],
                                  capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("/sinks/0/%s: " % field, done.stderr)
            self.assertIn("--archive-dir", done.stderr)

    def test_a_sink_that_is_away_holds_up_first_starts_then_all_and_lets_go(self):
        d = Daemon("--sinks", self.sinks(policy="hold", budget_bytes="24MiB"), "--segment-bytes", str(2 * MIB))
        self.addCleanup(d.remove)
        route = {"route": {"kind": "deployed", "sinks": ["siem"]}, "reason": "asked for"}
        server = None

        def sink():
            return d.request("GET", "/v1/sinks").json["items"][0]

        def start():
            return d.request("POST", "/v1/instances", {"machine": "big", "input": BLOB})

        def send(to):
            return d.request("POST", "/v1/instances/%s/events" % to, {"event": "PING", "data": BLOB})

        def until_refused(ask):
            for count in range(2000):
                answer = ask()
                if count > 270:
                    time.sleep(0.03)  # budgets are looked at once a second; a segment takes 35
                if answer.status == 429:
                    return answer
                self.assertIn(answer.status, (200, 201), answer)
            raise AssertionError("never refused: %r" % sink())

        self.assertEqual(d.request("POST", "/v1/machines", MACHINE).status, 201)
        first = start()
        self.assertEqual(first.status, 201, first)
        to = first.json["instance"]
        answer = until_refused(start)
        self.assertEqual(answer.json["code"], "quota", answer)
        for text in ("sink siem is ", " records (", "no new instances are taken", "outbox ls", "raise its budget"):
            self.assertIn(text, answer.json["detail"])
        self.assertTrue(85 <= sink()["budget_percent"] < 95, sink())
        self.assertEqual(send(to).status, 200)  # what is under way goes on

        answer = until_refused(lambda: time.sleep(0.03) or send(to))
        self.assertIn("only repairs are taken", answer.json["detail"])
        self.assertGreaterEqual(sink()["budget_percent"], 95)
        self.assertEqual(start().status, 429)
        self.assertEqual(d.request("PUT", "/v1/routes/r", route, local=True).status, 201)
        self.assertEqual(d.request("POST", "/v1/sinks/siem/orders", {"what": "clear", "reason": "looked at"}, local=True).status, 200)
        self.assertEqual(d.request("GET", "/v1/instances/%s" % to).status, 200)

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Siem)
        self.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        await_("all of it", lambda: sink()["lag"] == 0)
        await_("the release", lambda: start().status == 201)
        self.assertEqual(d.stop(), 0, d.logged())
        for what in (b"held", b"released", b"looked at"):
            self.assertIn(what, d.journal())


if __name__ == "__main__":
    unittest.main()
