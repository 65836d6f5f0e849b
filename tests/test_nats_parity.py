#!/usr/bin/env python3
"""test_nats_parity.py: the same asked over HTTP and over NATS gives the same status, headers and document, good or bad.
What has to differ (ids, times, sequences, correlations) is left out of the comparison, and nothing else."""
import json
import re
import sys
import unittest

from nats_scene import Scene, there
from http_daemon import DEFINITION, ref, token

FAULTY = {"id": "faulty", "initial": "a", "states": {"a": {"on": {"GO": "nowhere"}}}}
# Names and texts that are another thing each time.
OTHER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|\b[HN]-\d+\b")
LEFT_OUT = {"seq", "for_ns", "correlation", "elapsed", "prev", "iprev", "ctxh", "dur", "id", "corr", "expiry", "now", "next"}


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in LEFT_OUT}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return OTHER.sub("*", value) if isinstance(value, str) else value


class Parity(unittest.TestCase):
    """Each case: verb and message, and what it is over HTTP; @ is the id of an instance, one for each of the two."""

    @classmethod
    def setUpClass(cls):
        cls.s = Scene()
        cls.s.deploy()
        cls.count, cls.same = 0, 0

    @classmethod
    def tearDownClass(cls):
        cls.s.remove()
        print("%d operations are the same over both" % cls.same)

    def pair(self, *events):
        """Two instances that are alike."""
        type(self).count += 1
        names = ["%s-%d" % (kind, self.count) for kind in "HN"]
        for name in names:
            made = self.s.d.request("POST", "/v1/instances", {"machine": "doc", "id": name, "key": name, "labels": {"of": "x"}})
            self.assertEqual(made.status, 201, made)
            for event in events:
                self.assertEqual(self.s.d.request("POST", "/v1/instances/%s/events" % name, {"event": event}).status, 200)
        return names

    def check(self, verb, message, method, path, body=None, headers=None, auth="admin", events=()):
        ids = self.pair(*events)
        put = lambda value, name: json.loads(re.sub("@(?!expr)", name, json.dumps(value))) if value is not None else None
        bearer = {"admin": token(aud="fsmd-admin"), "user": token(), "bad": "x.y.z", None: None}[auth]
        over_http = self.s.d.request(method, path.replace("@", ref(ids[0])), put(body, ids[0]), {**(headers or {}), "Authorization": "Bearer " + bearer if bearer else None},
                                     auth="replaced")
        over_nats = self.s.client.ask(verb, put(message, ids[1]), put(headers, ids[1]), auth=bearer or False)
        told = (verb, message, over_http, over_nats)
        self.assertEqual(over_http.status, over_nats.status, told)
        self.assertEqual(plain(over_http.json), plain(over_nats.json), told)
        for name in ("Content-Type", "ETag", "Location", "Retry-After"):
            self.assertEqual(OTHER.sub("*", over_http.headers.get(name) or ""), OTHER.sub("*", over_nats.headers.get(name) or ""), (name, told))
        type(self).same += 1
        return over_http.status

    def checks(self, rows):
        for row in rows:
            wanted, arguments, more = row[0], row[1:-1], row[-1]
            with self.subTest(row):
                self.assertEqual(self.check(*arguments, **more), wanted, row)

    def test_commands(self):
        key = {"machine": "doc", "key": "@"}
        send, post = {"instance": "@", "event": "SUBMIT"}, "/v1/instances/@/events"
        self.checks((
            (201, "start", {"machine": "doc"}, "POST", "/v1/instances", {"machine": "doc"}, {}),
            (201, "start", {"machine": "doc", "version": 1, "key": "k@", "input": {"a": [1, 2.0, None]}}, "POST", "/v1/instances",
             {"machine": "doc", "version": 1, "key": "k@", "input": {"a": [1, 2.0, None]}}, {}),
            (200, "start", {**key, "if_absent": True}, "POST", "/v1/instances", {**key, "if_absent": True}, {}),
            (409, "start", {"machine": "doc", "id": "@"}, "POST", "/v1/instances", {"machine": "doc", "id": "@"}, {}),
            (404, "start", {"machine": "no"}, "POST", "/v1/instances", {"machine": "no"}, {}),
            (400, "start", {"machine": 7}, "POST", "/v1/instances", {"machine": 7}, {}),
            (400, "start", [], "POST", "/v1/instances", [], {}),
            (200, "send", send, "POST", post, {"event": "SUBMIT"}, {}),
            (200, "send", {**key, "event": "SUBMIT"}, "POST", "/v1/instances/doc%2Fkey:@/events", {"event": "SUBMIT"}, {}),
            (200, "send", send, "POST", post, {"event": "SUBMIT"}, {"headers": {"If-Match": '"1"', "X-Request-ID": "r"}}),
            (412, "send", send, "POST", post, {"event": "SUBMIT"}, {"headers": {"If-Match": '"9"'}}),
            (422, "send", {"instance": "@", "event": "REJECT", "data": {"reason": ""}}, "POST", post, {"event": "REJECT", "data": {"reason": ""}}, {"events": ["SUBMIT"]}),
            (422, "send", {"instance": "@", "event": "NOPE"}, "POST", post, {"event": "NOPE"}, {}),
            (404, "send", {"instance": "none", "event": "A"}, "POST", "/v1/instances/none/events", {"event": "A"}, {}),
            (400, "send", {"instance": "@"}, "POST", post, {}, {}),
            (200, "send", {**send, "dry_run": True}, "POST", post + "?dry_run=true", {"event": "SUBMIT"}, {}),
            (400, "send", {**send, "dry_run": 7}, "POST", post + "?dry_run=7", {"event": "SUBMIT"}, {}),
            (200, "start", {"machine": "doc", "dry_run": True}, "POST", "/v1/instances?dry_run=true", {"machine": "doc"}, {}),
            (400, "send", {"instance": "@", "event": "A", "x": 1}, "POST", post, {"event": "A", "x": 1}, {}),
            (200, "send", {"events": [{"instance": "@", "event": "SUBMIT"}, {"event": "A"}]}, "POST", "/v1/events",
             {"events": [{"instance": "@", "event": "SUBMIT"}, {"event": "A"}]}, {}),
            (400, "send", {"events": []}, "POST", "/v1/events", {"events": []}, {}),
            (422, "deploy", FAULTY, "POST", "/v1/machines", FAULTY, {}),
            (403, "deploy", DEFINITION, "POST", "/v1/machines", DEFINITION, {"auth": "user"}),
            (200, "deploy", DEFINITION, "POST", "/v1/machines", DEFINITION, {}),
        ))

    def test_reads(self):
        at = "/v1/instances/@"
        self.checks((
            (200, "get", {"instance": "@"}, "GET", at, {}),
            (200, "get", {"machine": "doc", "key": "@"}, "GET", "/v1/instances/doc%2Fkey:@", {}),
            (200, "get", {"instance": "@", "view": "events"}, "GET", at + "/events", {"events": ["SUBMIT"]}),
            (200, "get", {"instance": "@", "view": "why"}, "GET", at + "/why", {"events": ["SUBMIT"]}),
            (200, "get", {"instance": "@", "view": "history"}, "GET", at + "/history", {"events": ["SUBMIT"]}),
            (200, "get", {"instance": "@", "view": "history", "limit": 1}, "GET", at + "/history?limit=1", {"events": ["SUBMIT"]}),
            (400, "get", {"instance": "@", "view": "history", "limit": 0}, "GET", at + "/history?limit=0", {}),
            (404, "get", {"instance": "none"}, "GET", "/v1/instances/none", {}),
            (401, "get", {"instance": "@"}, "GET", at, {"auth": "bad"}),
            (401, "get", {"instance": "@"}, "GET", at, {"auth": None}),
            (200, "get", {"machine": "doc"}, "GET", "/v1/machines/doc", {}),
            (404, "get", {"machine": "doc", "version": 9}, "GET", "/v1/machines/doc?version=9", {}),
            (400, "get", {"instance": "@", "as_of": "then"}, "GET", at + "?as_of=then", {}),
            (200, "get", {"instance": "@", "view": "history", "before": "now"}, "GET", at + "/history?before=now", {"events": ["SUBMIT"]}),
            (200, "get", {"instance": "@", "view": "history", "brief": True}, "GET", at + "/history?brief=true", {"events": ["SUBMIT"]}),
            (400, "get", {"instance": "@", "view": "history", "brief": "x"}, "GET", at + "/history?brief=x", {}),
            (200, "get", {"record": "2"}, "GET", "/v1/records/2/cause", {}),
            (404, "get", {"record": "x"}, "GET", "/v1/records/x/cause", {}),
            (404, "get", {"task": "0" * 32}, "GET", "/v1/tasks/" + "0" * 32, {}),
            (404, "get", {"route": "no"}, "GET", "/v1/routes/no", {}),
            (200, "list", {"key": "@", "label": {"of": "x"}}, "GET", "/v1/instances?key=@&label=of%3Dx", {}),
            (200, "list", {"key": "@", "where": "key != '' && rev > 0"}, "GET", "/v1/instances?key=@&where=key%20!%3D%20''%20%26%26%20rev%20%3E%200", {}),
            (422, "list", {"where": "key =="}, "GET", "/v1/instances?where=key%20%3D%3D", {}),
            (400, "list", {"sort": "colour"}, "GET", "/v1/instances?sort=colour", {}),
            (400, "list", {"nope": True}, "GET", "/v1/instances?nope=true", {}),
            (404, "list", {"machine": "no"}, "GET", "/v1/instances?machine=no", {}),
            (200, "list", {"what": "search", "q": "@"}, "GET", "/v1/search?q=@", {}),
            (200, "list", {"what": "stuck", "key": "@"}, "GET", "/v1/stuck?key=@", {}),
            (200, "list", {"what": "tasks", "state": "open"}, "GET", "/v1/tasks?state=open", {}),
            (400, "list", {"what": "tasks", "state": "odd"}, "GET", "/v1/tasks?state=odd", {}),
            (200, "list", {"what": "timers", "late": True}, "GET", "/v1/timers?late=true", {}),
            (404, "list", {"what": "timers", "instance": "none"}, "GET", "/v1/timers?instance=none", {}),
            (400, "list", {"what": "timers", "late": "x"}, "GET", "/v1/timers?late=x", {}),
            (200, "list", {"what": "machines", "limit": 1}, "GET", "/v1/machines?limit=1", {}),
            (200, "list", {"what": "versions", "machine": "doc"}, "GET", "/v1/machines/doc/versions", {}),
            (200, "list", {"what": "records", "instance": "@", "kind": "created"}, "GET", "/v1/records?instance=@&kind=created", {}),
            (400, "list", {"what": "records", "kind": "odd"}, "GET", "/v1/records?kind=odd", {}),
            (200, "list", {"what": "counts", "machine": "doc"}, "GET", "/v1/counts?machine=doc", {}),
            (200, "list", {"what": "stuck", "kind": "dead", "with": "kind"}, "GET", "/v1/stuck?kind=dead&with=kind", {}),
            (200, "list", {"what": "groups", "by": "machine"}, "GET", "/v1/groups?by=machine", {}),
            (400, "list", {"what": "groups", "by": "x"}, "GET", "/v1/groups?by=x", {}),
            (400, "list", {"what": "actors", "after": "x"}, "GET", "/v1/actors?after=x", {}),
            (403, "list", {"what": "actors"}, "GET", "/v1/actors", {"auth": "user"}),
            (404, "list", {"what": "stats", "machine": "no"}, "GET", "/v1/stats?machine=no", {}),
            (400, "list", {"what": "stats", "since": "soon"}, "GET", "/v1/stats?since=soon", {}),
            (404, "list", {"what": "funnel", "machine": "no"}, "GET", "/v1/machines/no/funnel", {}),
            (200, "list", {"what": "routes"}, "GET", "/v1/routes", {}),
            (404, "list", {"what": "parked", "sink": "no"}, "GET", "/v1/sinks/no/parked", {}),
        ))

    def test_operators(self):
        def row(status, command, body=None, **more):
            given = {"reason": "test", **(body or {})}
            return status, "admin", {"command": command, "instance": "@", **given}, "POST", "/v1/instances/@/" + command, given, more
        self.checks((
            row(200, "pause"), row(200, "cancel"), row(200, "note"), row(200, "set", {"data": {"retries": 7}}),
            row(200, "force", {"states": ["review"]}), row(400, "force", {"states": ["nowhere"]}), row(409, "resume"), row(409, "retry"),
            (200, "admin", {"command": "note", "instance": "@", "reason": "r", "dry_run": True}, "POST",
             "/v1/instances/@/note?dry_run=true", {"reason": "r"}, {}),
            (200, "admin", {"commands": [{"command": "note", "instance": "@", "reason": "r"}, {"command": "x"}]}, "POST",
             "/v1/commands", {"commands": [{"command": "note", "instance": "@", "reason": "r"}, {"command": "x"}]}, {}),
            (200, "admin", {"commands": [{"command": "note", "instance": "@", "reason": "r"}], "dry_run": True}, "POST",
             "/v1/commands?dry_run=true", {"commands": [{"command": "note", "instance": "@", "reason": "r"}]}, {}),
            (403, "admin", {"commands": [{"command": "note", "instance": "@", "reason": "r"}]}, "POST",
             "/v1/commands", {"commands": [{"command": "note", "instance": "@", "reason": "r"}]}, {"auth": "user"}),
            row(400, "pause", {"reason": ""}), row(400, "pause", {"x": 1}), row(403, "pause", auth="user"), row(401, "pause", auth=None),
            row(200, "pause", headers={"If-Match": '"1"', "Idempotency-Key": "p@"}), row(412, "pause", headers={"If-Match": '"5"'}),
            (404, "admin", {"command": "retire", "machine": "no", "reason": "r"}, "POST", "/v1/machines/no/retire", {"reason": "r"}, {}),
            (400, "admin", {"command": "route_set", "name": "r", "reason": "r"}, "PUT", "/v1/routes/r", {"reason": "r"}, {}),
            (404, "admin", {"command": "route_remove", "name": "no", "reason": "r"}, "DELETE", "/v1/routes/no?reason=r", {}),
            (404, "admin", {"command": "sink_order", "sink": "no", "what": "clear", "reason": "r"}, "POST", "/v1/sinks/no/orders", {"what": "clear", "reason": "r"}, {}),
            (400, "admin", {"command": "db_backup", "dir": 7}, "POST", "/v1/db/backup", {"dir": 7}, {}),
        ))


if __name__ == "__main__":
    if not there():
        print("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)")
        sys.exit(77)
    unittest.main(verbosity=1)
