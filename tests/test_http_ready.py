#!/usr/bin/env python3
"""test_http_ready.py: GET /readyz of a real fsmd: may work be sent here?"""
import tempfile
import unittest

from http_daemon import Case, Daemon, NatsServer, await_

BIG = {"id": "big", "initial": "a", "context": {"pad": None},
       "states": {"a": {"on": {"PUT": {"context": {"pad": {"@expr": "event.pad"}}}}}}}


def checks(answer):
    return {c["name"]: c["status"] for c in answer.json["checks"]}


class Ready(Case):
    def test_it_is_ready_and_says_what_it_looked_at(self):
        answer = self.d.request("GET", "/readyz", auth="")
        self.assertEqual((answer.status, answer.json["status"]), (200, "ok"), answer)
        self.assertEqual(checks(answer), {"replayed": "ok", "disk": "ok", "store": "ok", "sinks": "ok"})
        self.assertRegex([c for c in answer.json["checks"] if c["name"] == "disk"][0]["detail"], "MiB are free")
        head = self.d.request("HEAD", "/readyz", auth="")
        self.assertEqual((head.status, head.text), (200, b""))
        self.problem(self.d.request("POST", "/readyz", {}), 405, "method_not_allowed")
        self.problem(self.d.request("GET", "/readyz?a=1", auth=""), 400, "invalid_argument", "?a")


class Trouble(unittest.TestCase):
    def test_a_store_without_room_is_not_ready_and_alive(self):
        d = Daemon("--store-bytes-max", "16777216")
        try:
            self.assertEqual(d.request("POST", "/v1/machines", BIG).status, 201)
            full = False
            for i in range(400):
                events = [{"machine": "big", "key": "%d.%d" % (i, j), "event": "PUT", "if_absent": True,
                           "data": {"pad": "x" * 60000}} for j in range(15)]
                items = d.request("POST", "/v1/events", {"events": events}).json["items"]
                full = any(item["status"] == 507 for item in items)
                if full:
                    break
            self.assertTrue(full, "it never was full")
            answer = d.request("GET", "/readyz", auth="")
            self.assertEqual((answer.status, answer.json["status"], checks(answer)["disk"]), (503, "failing", "failing"))
            self.assertEqual(d.request("HEAD", "/readyz", auth="").status, 503)
            self.assertEqual(d.request("GET", "/healthz", auth="").status, 200)
            self.assertIn(b"\nfsm_up 0\n", d.request("GET", "/metrics", auth="").text)
        finally:
            d.stop()
            d.remove()

    def test_nats_that_is_away_is_told_and_stops_nothing(self):
        with tempfile.TemporaryDirectory(prefix="test_http_ready.") as directory:
            nats = NatsServer(directory)  # not started
            d = Daemon("--nats", nats.url)
            try:
                await_("the sink to be missed", lambda: checks(d.request("GET", "/readyz", auth="")).get("nats") == "degraded")
                answer = d.request("GET", "/readyz", auth="")
                self.assertEqual((answer.status, answer.json["status"]), (200, "degraded"), answer)
            finally:
                self.assertEqual(d.stop(), 0)
                d.remove()


if __name__ == "__main__":
    unittest.main()
