#!/usr/bin/env python3
"""test_http_wrong.py: every bad input, checked by status and problem code, and against a state that must not have moved."""
import json
import os
import sys
import unittest

from http_daemon import DEFINITION, FSMD, Case


class BadInput(Case):
    def setUp(self):
        self.one = self.started("SUBMIT")
        self.before = self.state(self.one)

    def tearDown(self):
        self.assertEqual(self.state(self.one), self.before)

    def post(self, raw, path=None, **headers):
        return self.d.request("POST", path or "/v1/instances/%s/events" % self.one, raw=raw, headers=headers)

    def test_malformed_json(self):
        for raw in (b"", b"{", b"[]", b"7", b'{"event":}', b'{"event":"A"}x', b'{"event":"\xff"}', b"{'event':1}",
                    b'{"event":"APPROVE","event":"REJECT"}', b"[" * 100 + b"]" * 100, b"\xef\xbb\xbf{}"):
            self.problem(self.post(raw), 400, "malformed")
        self.problem(self.post(b'{"event":'), 400, "malformed", "1:9")
        self.assertEqual(self.post(b"{", path="/v1/machines").json["code"], "malformed")

    def test_unknown_and_missing_members_and_wrong_types(self):
        for body, where in (({"event": "APPROVE", "force": 1}, "/force"), ({"event": "A", "a/b~c": 1}, "/a~1b~0c"),
                            ({}, "/event"), ({"event": 7}, "/event"), ({"event": ""}, "/event"), ({"event": None}, "/event"),
                            ({"event": "AP\0PROVE"}, None)):
            self.problem(self.post(json.dumps(body).encode()), 400, "malformed", where)
        for body, where in (({"machine": "doc", "ID": "x"}, "/ID"), ({"id": "x"}, "/machine"),
                            ({"machine": "doc", "version": "1"}, "/version"), ({"machine": "doc", "version": 0}, "/version"),
                            ({"machine": "doc", "version": 1.5}, "/version"), ({"machine": "doc", "labels": []}, "/labels")):
            self.problem(self.post(json.dumps(body).encode(), path="/v1/instances"), 400, "malformed", where)

    def test_values_out_of_their_limits(self):
        for body in ({"machine": "doc", "id": "a b"}, {"machine": "doc", "key": "a\nb"}, {"machine": "do c"},
                     {"machine": "doc", "labels": {"a": 1}}):
            self.problem(self.post(json.dumps(body).encode(), path="/v1/instances"), 400, "invalid_argument")
        for body in ({"machine": "doc", "id": "x" * 129}, {"machine": "doc", "key": "x" * 129}):
            self.problem(self.post(json.dumps(body).encode(), path="/v1/instances"), 413, "too_large")

    def test_definitions_that_cannot_be_loaded(self):
        for change, code in (({"states": {"draft": {"on": {"GO": "nowhere"}}}}, "invalid_definition"),
                             ({"initial": "nowhere"}, "invalid_definition"), ({"bogus": 1}, "invalid_definition"),
                             ({"type": "parallel"}, "invalid_definition")):
            answer = self.d.request("POST", "/v1/machines", dict(DEFINITION, id="bad", **change))
            self.problem(answer, 422, code)
            self.assertTrue(answer.json["where"].startswith("/"), answer)
        self.problem(self.d.request("GET", "/v1/machines/bad"), 404, "unknown_machine")

    def test_oversize_bodies(self):
        for size in (1048577, 3000000):
            self.problem(self.post(b" " * size), 413, "too_large")
        self.problem(self.post(b" " * 1048576), 400, "malformed")
        answer = self.d.raw(b"POST /v1/instances HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        self.assertIn(b"HTTP/1.1 413", answer)
        self.assertIn(b'"code":"too_large"', answer)

    def test_unknown_machines_and_instances(self):
        self.problem(self.d.request("POST", "/v1/instances", {"machine": "nope"}), 404, "unknown_machine")
        self.problem(self.d.request("POST", "/v1/instances", {"machine": "doc", "version": 99}), 404, "unknown_machine")
        self.problem(self.d.request("GET", "/v1/machines/nope"), 404, "unknown_machine")
        self.problem(self.d.request("GET", "/v1/instances/nope"), 404, "unknown_instance")
        self.problem(self.d.request("GET", "/v1/instances/nope/history"), 404, "unknown_instance")
        self.problem(self.send("nope", "SUBMIT"), 404, "unknown_instance")
        self.problem(self.send("doc/key:nope", "SUBMIT"), 404, "unknown_instance")
        self.problem(self.send("nope/key:nope", "SUBMIT"), 404, "unknown_machine")

    def test_a_prefix_of_two_is_ambiguous(self):
        self.started()
        self.problem(self.d.request("GET", "/v1/instances/BadInput-"), 409, "ambiguous")

    def test_an_instance_that_exists(self):
        self.problem(self.d.request("POST", "/v1/instances", {"machine": "doc", "id": self.one}), 409, "exists")

    def test_wrong_methods_and_paths(self):
        for method, path, allow in (("PUT", "/v1/instances", {"GET", "HEAD", "POST"}), ("DELETE", "/v1/instances/x", {"GET", "HEAD"}),
                                    ("GET", "/v1/verify", {"POST"}), ("POST", "/healthz", {"GET", "HEAD"}),
                                    ("PATCH", "/v1/instances/x/events", {"GET", "HEAD", "POST"})):
            answer = self.d.request(method, path)
            self.problem(answer, 405, "method_not_allowed")
            self.assertEqual(set(answer.headers["Allow"].split(", ")), allow)
        for path in ("/", "/v1", "/v1/", "/v2/machines", "/v1/machines/", "/v1/instances/x/", "/v1/instances//events",
                     "/v1/instances/x/y", "//v1/counts", "/v1/counts/x", "/" + "a/" * 100):
            self.problem(self.d.request("GET", path), 404, "not_found")

    def test_allow_stands_beside_405_alone(self):
        for path in ("/v1/machines", "/v1/instances", "/v1/instances/%s/events" % self.one, "/v1/counts"):
            for method in ("GET", "HEAD"):
                answer = self.d.request(method, path)
                self.assertEqual((answer.status, answer.headers["Allow"]), (200, None), path)

    def test_escapes_and_parameters(self):
        for path in ("/v1/instances/%", "/v1/instances/%4", "/v1/instances/%zz", "/v1/instances/a%00b", "/v1/instances/%ff",
                     "/v1/counts?machine=%0", "/v1/counts?machine=a&machine=b"):
            self.problem(self.d.request("GET", path), 400, "malformed")
        for path, where in (("/v1/counts?x=1", "?x"), ("/v1/machines?x=1", "?x"), ("/healthz?a", "?a"),
                            ("/v1/instances?limit=0", "?limit"), ("/v1/instances?limit=1001", "?limit"),
                            ("/v1/instances?limit=-1", "?limit"), ("/v1/instances?limit=1e3", "?limit"),
                            ("/v1/instances?limit=", "?limit"), ("/v1/stuck?for=soon", "?for"), ("/v1/stuck?for=-1s", "?for"),
                            ("/v1/instances?machine=", "?machine"), ("/v1/machines/doc?version=0", "?version"),
                            ("/v1/machines/doc?version=4294967296", "?version")):
            self.problem(self.d.request("GET", path), 400, "invalid_argument", where)
        for path in ("/v1/instances?status=asleep", "/v1/instances?machine=doc&after=zz",
                     "/v1/instances/%s/history?after=x" % self.one):
            self.problem(self.d.request("GET", path), 400, "invalid_argument")

    def test_headers(self):
        for name, value in (("X-Correlation-ID", "a" * 129), ("X-Correlation-ID", ""), ("X-Correlation-ID", "\xe4"),
                            ("X-Request-ID", "a\tb"), ("Idempotency-Key", "k" * 129), ("If-Match", "7"), ("If-Match", "*"),
                            ("If-Match", 'W/"7"'), ("If-Match", '"7", "8"'), ("If-Match", '"-1"'), ("If-Match", '"07"'),
                            ("If-Match", '"99999999999999999999"')):
            self.problem(self.send(self.one, "APPROVE", headers={name: value}), 400, "invalid_argument", name)
        self.assertNotEqual(self.send(self.one, "NOPE", headers={"X-Correlation-ID": ""}).headers["X-Correlation-ID"], "")
        for name in ("If-Match", "Idempotency-Key"):
            answer = self.d.request("POST", "/v1/machines", DEFINITION, headers={name: '"1"'})
            self.problem(answer, 400, "invalid_argument", name)

    def test_media_types(self):
        for value in (None, "text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""):
            answer = self.d.request("POST", "/v1/instances", raw=b"{}", headers={"Content-Type": value})
            self.problem(answer, 415, "malformed", "Content-Type")
        good = self.d.request("POST", "/v1/instances", raw=b'{"machine":"nope"}',
                              headers={"Content-Type": "Application/JSON; charset=utf-8"})
        self.problem(good, 404, "unknown_machine")

    def test_a_definition_may_be_scxml(self):
        text = ('<scxml xmlns="http://www.w3.org/2005/07/scxml" name="lamp" datamodel="ecmascript">'
                '<datamodel><data id="n" expr="0"/></datamodel><state id="off"><transition event="PRESS" target="on">'
                '<assign location="n" expr="n + 1"/></transition></state><state id="on"/></scxml>').encode()
        for value in ("application/scxml+xml", "text/xml; charset=utf-8"):
            answer = self.d.request("POST", "/v1/machines", raw=text, headers={"Content-Type": value})
            self.assertEqual(answer.json["version"], 1)
        self.assertEqual(self.d.request("GET", "/v1/machines/lamp").json["source"], text.decode())
        made = self.d.request("POST", "/v1/instances", {"machine": "lamp"}).json["instance"]
        answer = self.send(made, "PRESS")
        self.assertEqual(answer.json["to"], ["on"])
        bad = self.d.request("POST", "/v1/machines", raw=text.replace(b'"on">', b'"of">'),
                             headers={"Content-Type": "text/xml"})
        self.problem(bad, 422, "invalid_definition", "1:179")
        answer = self.d.request("POST", "/v1/instances", raw=text, headers={"Content-Type": "text/xml"})
        self.problem(answer, 415, "malformed", "Content-Type")

    def test_a_message_with_two_ends_is_refused_and_the_connection_closed(self):
        head = b"POST /v1/instances HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        for lines in (b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
                      b"Content-Length: 4\r\nContent-Length: 5\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
                      b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"):
            answer = self.d.raw(head + lines + b"\r\n0\r\n\r\n")
            self.assertIn(b"HTTP/1.1 400", answer)
            self.assertIn(b'"code":"malformed"', answer)
            self.assertEqual(answer.count(b"HTTP/1.1"), 1)
        twice = self.d.raw(b"GET /v1/counts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n")
        self.assertIn(b'"where":"Authorization"', twice)
        self.problem(self.d.request("GET", "/v1/counts", raw=b"{}"), 400, "malformed", "body")

    def test_events_that_cannot_be_taken(self):
        answer = self.send(self.one, "SUBMIT")
        self.problem(answer, 409, "no_transition")
        self.problem(self.send(self.one, "NOPE"), 422, "unknown_event")
        self.problem(self.send(self.one, "REJECT", {"reason": ""}), 422, "invalid_data")
        self.problem(self.send(self.one, "REJECT", {"reason": "x", "more": 1}), 422, "invalid_data")
        self.problem(self.send(self.one, "REJECT"), 422, "invalid_data")

    def test_refusals_are_in_the_history(self):
        self.send(self.one, "SUBMIT")
        items = self.d.request("GET", "/v1/instances/%s/history" % self.one).json["items"]
        self.assertIn(("rejected", "no_transition"), [(item["kind"], item.get("reason")) for item in items])


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK):
        print("no fsmd at", FSMD)
        sys.exit(77)
    unittest.main(verbosity=2)
