#!/usr/bin/env python3
"""test_http_sinks.py: where records go, over HTTP: routes, sinks, each change of publishing."""
import json
import os
import signal
import sys
import unittest

from http_daemon import DEFINITION, FSMD, Alone, Daemon, NatsServer, await_, metrics


class Publishing(Alone):
    def test_routes_are_set_listed_tried_and_removed(self):
        d = Daemon("--nats", "nats://127.0.0.1:1")
        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            put = {"route": {"kind": "deployed", "sinks": ["nats"]}, "reason": "asked by audit"}
            answer = d.request("PUT", "/v1/routes/claims", put, local=True)
            self.assertEqual((answer.status, answer.json["rev"]), (201, 1), answer)
            self.assertEqual(answer.headers["ETag"], '"1"')
            again = d.request("PUT", "/v1/routes/claims", put, local=True)
            self.assertEqual((again.status, again.json["rev"]), (200, 1), again)
            listed = d.request("GET", "/v1/routes").json
            self.assertEqual([(r["name"], r["version"], r["reason"]) for r in listed["items"]],
                             [("claims", 1, "asked by audit")])
            bad = d.request("PUT", "/v1/routes/claims", {"route": {"sinks": ["siem"]}, "reason": "x"}, local=True)
            self.assertEqual((bad.status, bad.json["where"]), (400, "/sinks/0"), bad)
            self.assertIn('unknown sink "siem"', bad.json["detail"])
            put["route"]["where"] = "record.level > 'x'"
            bad = d.request("PUT", "/v1/routes/claims", put, local=True)
            self.assertEqual((bad.status, bad.json["where"]), (422, "/where"), bad)
            bad = d.request("PUT", "/v1/routes/claims", {"route": {"sinks": ["nats"]}}, local=True)
            self.assertEqual((bad.status, bad.json["where"]), (400, "/reason"), bad)
            tried = d.request("POST", "/v1/routes/test", {"route": {"kind": "deployed", "sinks": ["nats"]}}).json
            self.assertEqual((tried["items"][0]["kind"], tried["items"][0]["matches"]), ("deployed", True))
            self.assertEqual((tried["items"][1]["kind"], tried["items"][1]["part"]), ("route", "kind"))
            self.assertEqual(d.request("POST", "/v1/routes/test", {"route": {"sinks": ["x"]}, "limit": 1001}).status, 400)
            stale = d.request("DELETE", "/v1/routes/claims?reason=gone", headers={"If-Match": '"7"'}, local=True)
            self.assertEqual(stale.status, 412, stale)
            self.assertEqual(d.request("DELETE", "/v1/routes/claims", local=True).status, 400)
            gone = d.request("DELETE", "/v1/routes/claims?reason=the%20siem%20is%20gone", local=True)
            self.assertEqual((gone.status, gone.json["rev"]), (200, 2), gone)
            self.assertEqual(d.request("DELETE", "/v1/routes/claims?reason=gone", local=True).status, 404)
            self.assertEqual(d.request("GET", "/v1/routes").json["items"], [])
            versions = d.request("GET", "/v1/routes/claims?limit=1").json
            self.assertEqual((versions["items"][0]["removed"], versions["items"][0]["reason"], versions["next"]),
                             (True, "the siem is gone", "2"))
            self.assertEqual(d.request("GET", "/v1/routes/claims?after=2").json["items"][0]["version"], 1)
            self.assertEqual(d.request("GET", "/v1/routes/never").status, 404)
            self.assertEqual(d.stop(), 0, d.logged())
        finally:
            d.remove()

    def test_where_records_go_is_for_the_daemons_user_on_the_socket(self):
        d = Daemon("--nats", "nats://127.0.0.1:1")
        put = {"route": {"kind": "deployed", "sinks": ["nats"]}, "reason": "x"}
        asked = (("PUT", "/v1/routes/claims", put), ("DELETE", "/v1/routes/claims?reason=x", None),
                 ("POST", "/v1/sinks/nats/orders", {"what": "clear", "reason": "x"}),
                 ("POST", "/v1/db/backup", {"dir": os.path.join(self.dir, "copy")}))
        try:
            for method, path, body in asked:  # a good token is not enough
                answer = d.request(method, path, body)
                self.assertEqual((answer.status, answer.json["code"]), (403, "not_permitted"), answer)
                self.assertIn("for admins", answer.json["detail"])
                self.assertEqual(d.request(method, path, body, auth="x").status, 401)
            for path in ("/v1/routes", "/v1/sinks", "/v1/sinks/nats/parked"):
                self.assertEqual(d.request("GET", path).status, 200, path)
            self.assertEqual([d.request(*one, local=True).status for one in asked], [201, 200, 200, 200])
            self.assertEqual(d.stop(), 0, d.logged())
            journal = d.journal()
            self.assertIn(b"PUT /v1/routes/claims: who asks is no admin", journal)
        finally:
            d.remove()

    def test_no_nats_server_stops_nothing(self):
        d = Daemon("--nats", "nats://127.0.0.1:1")
        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            answer = d.request("GET", "/healthz")
            self.assertEqual((answer.status, answer.json["status"]), (200, "degraded"), answer)
            sink = answer.json["sinks"][0]
            self.assertEqual((sink["name"], sink["connected"], sink["seq"]), ("nats", False, 0))
            self.assertEqual((sink["status"], sink["lag"]), ("disconnected", sink["durable_seq"]))
            self.assertGreaterEqual(sink["lag"], 1)
            await_("a reason", lambda: d.request("GET", "/healthz").json["sinks"][0]["last_error"])
            await_("a line", lambda: "NATS is not reached" in d.logged())
            self.assertEqual(d.stop(), 0, d.logged())
        finally:
            d.remove()

    def test_sinks_are_shown_ordered_reloaded_and_measured(self):
        file = os.path.join(self.dir, "sinks.json")
        out = os.path.join(self.dir, "out")

        def write(*sinks):
            with open(file, "w", encoding="utf-8") as f:
                json.dump({"sinks": sinks}, f)

        def sink(name):
            return next((s for s in d.request("GET", "/v1/sinks").json["items"] if s["name"] == name), None)

        def order(name, **body):
            return d.request("POST", f"/v1/sinks/{name}/orders", body, local=True)

        files = {"name": "files", "kind": "file", "path": out}
        dead = {"name": "dead", "kind": "http", "url": "http://127.0.0.1:1/"}
        write(files, dead)
        d = Daemon("--sinks", file)
        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            await_("the file", lambda: sink("files")["status"] == "ok" and sink("files")["lag"] == 0)
            await_("the dead one", lambda: sink("dead")["status"] == "disconnected")
            self.assertEqual(sink("files")["last_error"], None)  # nothing of the other's trouble
            self.assertIn("nobody listens", sink("dead")["last_error"])
            self.assertEqual(d.request("GET", "/healthz").json["status"], "degraded")
            figures = metrics(d.request("GET", "/metrics"))
            self.assertEqual(figures['fsm_sink_up{sink="files"}'], 1)
            self.assertEqual(figures['fsm_sink_up{sink="dead"}'], 0)
            self.assertGreaterEqual(figures['fsm_sink_lag_records{sink="dead"}'], 1)
            self.assertEqual(d.request("GET", "/v1/sinks/dead/parked").json, {"sink": "dead", "items": [], "next": None})
            self.assertEqual(d.request("GET", "/v1/sinks/none/parked").status, 404)
            self.assertEqual(order("dead", what="clear", reason="looked at").status, 200)
            for body, where in (({"what": "clear"}, "/reason"), ({"what": "x", "reason": "y"}, "/what"),
                                ({"what": "drop", "reason": "y"}, "from"),
                                ({"what": "drop", "from": 0, "reason": "y"}, "/from"),
                                ({"what": "forget", "reason": "y"}, "sink")):
                answer = order("dead", **body)
                self.assertEqual((answer.status, answer.json["where"]), (400, where), answer)
            one = {"what": "drop", "to": 1, "reason": "nobody wants it there"}
            self.assertEqual(order("dead", **one, **{"from": 2}).status, 400)
            self.assertEqual(order("dead", **{**one, "to": 99, "from": 1}).status, 400)
            answer = order("dead", **one, **{"from": 1})
            self.assertEqual((answer.status, answer.json["records"]), (200, 1), answer)
            self.assertEqual((sink("dead")["seq"], sink("dead")["sent_seq"]), (1, 1))
            self.assertIn(b"nobody wants it there", d.journal())  # already
            write({**files, "kind": "fiel"})
            os.kill(d.process.pid, signal.SIGHUP)
            await_("a line", lambda: "/sinks/0/kind" in d.logged())
            write({**files, "where": "record.levle > 1"})
            os.kill(d.process.pid, signal.SIGHUP)
            await_("a line", lambda: "/sinks/0/where: 1:" in d.logged())
            self.assertEqual(sink("dead")["status"], "disconnected")  # nothing has changed
            write(files)
            published = sink("files")["published"]
            os.kill(d.process.pid, signal.SIGHUP)
            await_("the new file", lambda: (sink("dead") or {}).get("status") == "not configured")
            self.assertGreaterEqual(sink("files")["published"], published)  # it went on
            self.assertEqual(d.request("GET", "/healthz").json["status"], "ok")
            self.assertEqual(metrics(d.request("GET", "/metrics"))['fsm_sink_configured{sink="dead"}'], 0)
            self.assertEqual(order("dead", what="forget", reason="it is gone").status, 200)
            self.assertIsNone(sink("dead"))
            self.assertEqual(d.stop(), 0, d.logged())
        finally:
            d.remove()

    @unittest.skipUnless(NatsServer.there(), "there is no nats-server (set FSM_NATS_SERVER or PATH)")
    def test_each_change_of_publishing_is_logged_and_shown(self):
        nats = NatsServer(self.dir)
        d = Daemon("--nats", nats.url, "--log-format", "json")
        other = None

        def lines(of):
            return [line for line in map(json.loads, of.logged().splitlines()) if line.get("sink")]

        def wait_for(of, status):
            await_(status, lambda: of.request("GET", "/healthz").json["sinks"][0]["status"] == status)
            await_(status + " in the log", lambda: lines(of) and lines(of)[-1]["status"] == status)
            return of.request("GET", "/healthz").json, lines(of)[-1]

        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            health, line = wait_for(d, "disconnected")
            self.assertEqual((health["status"], line["level"]), ("degraded", "warn"))
            nats.start()
            health, line = wait_for(d, "ok")
            self.assertEqual((health["status"], line["level"]), ("ok", "info"))
            await_("all", lambda: d.request("GET", "/healthz").json["sinks"][0]["lag"] == 0)
            self.assertIsNone(d.request("GET", "/healthz").json["sinks"][0]["last_error"])
            other = Daemon("--nats", nats.url, "--log-format", "json")
            health, line = wait_for(other, "stopped")
            self.assertEqual((health["status"], line["level"]), ("degraded", "error"))
            self.assertEqual(line["msg"], "publishing stands still")
            self.assertTrue(line["detail"])
            self.assertEqual(health["sinks"][0]["last_error"], line["detail"])
            nats.stop()
            self.assertEqual(d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}).status, 201)
            health, line = wait_for(d, "disconnected")
            self.assertEqual((line["level"], line["msg"]), ("warn", "NATS lost, records wait"))
            self.assertEqual(health["sinks"][0]["lag"], 1)
            nats.start()
            health, line = wait_for(d, "ok")
            await_("all", lambda: d.request("GET", "/healthz").json["sinks"][0]["lag"] == 0)
            self.assertEqual(d.stop(), 0, d.logged())
            told = [line["status"] for line in lines(d)]
            self.assertTrue(all(a != b for a, b in zip(told, told[1:])), told)  # a line a change
        finally:
            nats.stop()
            d.remove()
            if other:
                other.remove()


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK):
        print("no fsmd at", FSMD)
        sys.exit(77)
    unittest.main(verbosity=2)
