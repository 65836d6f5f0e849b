#!/usr/bin/env python3
"""test_http.py: a real fsmd over its real sockets: every route, every bad input, the clean stop.

Each refusal is checked by status and problem code, and against a state that must not have moved.
"""
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from http_daemon import DEFINITION, FSMD, WAIT, Case, Daemon, NatsServer, await_, metrics, ref, token, write_key


class Routes(Case):
    def test_a_definition_is_deployed_once(self):
        first = self.d.request("POST", "/v1/machines", dict(DEFINITION, id="once"))
        self.assertEqual(first.status, 201, first)
        self.assertEqual((first.json["machine"], first.json["version"]), ("once", 1))
        self.assertTrue(re.fullmatch("[0-9a-f]{64}", first.json["hash"]))
        self.assertTrue(first.json["created"])
        again = self.d.request("POST", "/v1/machines", dict(DEFINITION, id="once"))
        self.assertEqual(again.status, 200, again)
        self.assertEqual((again.json["version"], again.json["hash"]), (1, first.json["hash"]))
        second = self.d.request("POST", "/v1/machines", dict(DEFINITION, id="once", description="new"))
        self.assertEqual((second.status, second.json["version"]), (201, 2), second)
        self.assertNotEqual(second.json["hash"], first.json["hash"])
        self.assertEqual(second.headers["Location"], "/v1/machines/once?version=2")
        shown = self.d.request("GET", "/v1/machines/once?version=1")
        self.assertEqual((shown.status, shown.json["hash"]), (200, first.json["hash"]))
        self.assertEqual(self.d.request("GET", "/v1/machines/once").json["version"], 2)

    def test_machines_are_listed(self):
        self.deployed()
        answer = self.d.request("GET", "/v1/machines")
        self.assertEqual(answer.status, 200, answer)
        self.assertIn("doc", [item["id"] for item in answer.json["items"]])

    def test_an_instance_starts_moves_and_shows(self):
        self.deployed()
        body = {"machine": "doc", "version": 1, "id": "life-1", "key": "K 1/ä", "labels": {"dep": "x"}, "input": {"a": 1}}
        made = self.d.request("POST", "/v1/instances", body)
        self.assertEqual(made.status, 201, made)
        self.assertEqual(made.headers["Location"], "/v1/instances/life-1")
        self.assertEqual(made.headers["ETag"], '"%d"' % made.json["rev"])
        self.assertEqual(made.json["instance"], "life-1")
        shown = self.d.request("GET", made.headers["Location"])
        self.assertEqual((shown.status, shown.headers["ETag"]), (200, made.headers["ETag"]))
        self.assertEqual((shown.json["key"], shown.json["machine"]), ("K 1/ä", "doc"))
        moved = self.send("life-1", "SUBMIT")
        self.assertEqual((moved.status, moved.json["from"], moved.json["to"]), (200, ["draft"], ["review"]), moved)
        self.assertEqual(moved.headers["ETag"], '"%d"' % (made.json["rev"] + 1))
        by_key = self.d.request("GET", "/v1/instances/" + ref("doc/key:K 1/ä"))
        self.assertEqual((by_key.status, by_key.json["rev"]), (200, moved.json["rev"]), by_key)
        done = self.send("doc/key:K 1/ä", "REJECT", {"reason": "late"})
        self.assertEqual((done.status, done.json["to"], done.json["status"]), (200, ["rejected"], "completed"), done)

    def test_an_id_is_made_when_none_is_given(self):
        self.deployed()
        made = self.d.request("POST", "/v1/instances", {"machine": "doc"})
        self.assertEqual(made.status, 201, made)
        self.assertEqual(made.headers["Location"], "/v1/instances/" + made.json["instance"])
        prefix = self.d.request("GET", made.headers["Location"][:-2])
        self.assertEqual((prefix.status, prefix.headers["ETag"]), (200, made.headers["ETag"]), prefix)

    def test_instances_are_listed_page_by_page(self):
        for i in range(5):
            self.started("SUBMIT")
        path, seen = "/v1/instances?machine=doc&state=review&status=open&limit=2", []
        while path:
            page = self.d.request("GET", path)
            self.assertEqual(page.status, 200, page)
            self.assertLessEqual(len(page.json["items"]), 2)
            seen += [item["id"] for item in page.json["items"]]
            after = page.json.get("next")
            path = after and "/v1/instances?machine=doc&state=review&status=open&limit=2&after=" + ref(after)
        self.assertGreaterEqual(len(seen), 5)
        self.assertEqual(len(seen), len(set(seen)))
        one = self.started(key="list me")
        found = self.d.request("GET", "/v1/instances?machine=doc&key=list+me")
        self.assertEqual([item["id"] for item in found.json["items"]], [one], found)

    def test_what_may_be_sent_is_shown(self):
        answer = self.d.request("GET", "/v1/instances/%s/events" % self.started("SUBMIT"))
        self.assertEqual(answer.status, 200, answer)
        for event in ("APPROVE", "REJECT", "RETRY"):
            self.assertIn('"%s"' % event, answer.text.decode())

    def test_history_has_every_change_and_who_did_it(self):
        one = self.started()
        self.send(one, "SUBMIT", headers={"X-Correlation-ID": "corr 7", "X-Request-ID": "req-7"})
        self.send(one, "NOPE")
        answer = self.d.request("GET", "/v1/instances/%s/history?limit=1" % one)
        self.assertEqual((answer.status, len(answer.json["items"])), (200, 1), answer)
        self.assertEqual(answer.json["items"][0]["kind"], "created")
        items = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"]
        moved = [item for item in items if item.get("trigger") == "SUBMIT"][0]
        self.assertEqual((moved["corr"], moved["req"]), ("corr 7", "req-7"))
        self.assertEqual((moved["act"]["sub"], moved["act"]["sid"], moved["act"]["authn"]), ("ann", "s-1", "verified"))
        after = self.d.request("GET", "/v1/instances/%s/history?after=%s" % (one, moved["seq"])).json["items"]
        self.assertNotIn(moved["seq"], [item["seq"] for item in after])

    def test_a_trace_goes_into_the_record_and_a_bad_one_does_not(self):
        one = self.started()
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        self.send(one, "SUBMIT", headers={"traceparent": "00-%s-00f067aa0ba902b7-01" % trace})
        self.send(one, "RETRY", headers={"traceparent": "00-%s-00f067aa0ba902b7-01" % trace.upper()})
        items = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"]
        traced = {item.get("trigger"): json.dumps(item.get("trace")) for item in items}
        self.assertIn(trace, traced["SUBMIT"])
        self.assertEqual(traced["RETRY"], "null")

    def test_stuck_and_counts(self):
        one = self.started("SUBMIT")
        stuck = self.d.request("GET", "/v1/stuck?for=0s&machine=doc&state=review&limit=1000")
        self.assertEqual(stuck.status, 200, stuck)
        self.assertIn(one, [item["id"] for item in stuck.json["items"]])
        self.assertEqual(self.d.request("GET", "/v1/stuck?for=30d").json["items"], [])
        counts = self.d.request("GET", "/v1/counts?machine=doc")
        self.assertEqual(counts.status, 200, counts)
        self.assertGreaterEqual({i["state"]: i["count"] for i in counts.json["items"]}["review"], 1)

    def test_verify_counts_what_it_checked(self):
        self.started("SUBMIT")
        answer = self.d.request("POST", "/v1/verify", local=True)
        self.assertEqual(answer.status, 200, answer)
        self.assertGreaterEqual(answer.json["records"], 3)
        self.assertTrue(re.fullmatch("[0-9a-f]{64}", answer.json["head"]))

    def test_health_needs_no_token(self):
        answer = self.d.request("GET", "/healthz", auth="")
        self.assertEqual((answer.status, answer.json["sinks"]), (200, []), answer)
        self.assertTrue(answer.json["version"] and answer.json["status"])
        head = self.d.request("HEAD", "/healthz", auth="")
        self.assertEqual((head.status, head.text), (200, b""))

    def test_the_same_idempotency_key_gives_the_first_answer(self):
        one = self.started()
        first = self.send(one, "SUBMIT", headers={"Idempotency-Key": "k1"})
        again = self.send(one, "SUBMIT", headers={"Idempotency-Key": "k1"})
        self.assertEqual((again.status, again.json["rev"], again.json["seq"]), (200, first.json["rev"], first.json["seq"]))
        self.assertTrue(again.json["replayed"])
        self.problem(self.send(one, "APPROVE", headers={"Idempotency-Key": "k1"}), 409, "duplicate")
        self.assertEqual(self.state(one)[0], first.json["rev"])

    def test_a_start_is_idempotent_too(self):
        self.deployed()
        body = {"machine": "doc", "key": "start-once"}
        first = self.d.request("POST", "/v1/instances", body, headers={"Idempotency-Key": "s1"})
        again = self.d.request("POST", "/v1/instances", body, headers={"Idempotency-Key": "s1"})
        self.assertEqual((first.status, again.json["instance"]), (201, first.json["instance"]), again)

    def test_an_expected_revision_is_held(self):
        one = self.started("SUBMIT")
        rev = self.state(one)[0]
        self.problem(self.send(one, "APPROVE", headers={"If-Match": '"%d"' % (rev - 1)}), 412, "stale")
        self.assertEqual(self.state(one)[0], rev)
        self.assertEqual(self.send(one, "APPROVE", headers={"If-Match": '"%d"' % rev}).status, 200)

    def test_a_correlation_id_is_taken_or_made_and_always_returned(self):
        given = self.d.request("GET", "/v1/counts", headers={"X-Correlation-ID": "a b~!"})
        self.assertEqual(given.headers["X-Correlation-ID"], "a b~!")
        seen = set()
        for path in ("/v1/counts", "/healthz", "/nope", "/v1/instances/none"):
            seen.add(self.d.request("GET", path).headers["X-Correlation-ID"])
        self.assertEqual(len(seen), 4)
        self.assertTrue(all(re.fullmatch("[0-9a-f-]{36}", text) for text in seen))

    def test_one_connection_serves_many_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=WAIT)
        for _ in range(50):
            connection.request("GET", "/v1/counts", headers={"Authorization": "Bearer " + token()})
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            response.read()
        connection.close()

    def test_many_clients_at_once_each_get_their_own_answer(self):
        ids = [self.started() for _ in range(16)]
        wrong = []

        def client(one):
            for event in ("SUBMIT", "RETRY", "SUBMIT", "APPROVE"):
                answer = self.send(one, event, headers={"X-Correlation-ID": one + event})
                if answer.status != 200 or answer.json["instance"] != one or answer.json["correlation"] != one + event:
                    wrong.append(answer)

        threads = [threading.Thread(target=client, args=(one,)) for one in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])

    def test_clients_that_leave_do_no_harm(self):
        one = self.started()
        body = b'{"event":"NOPE"}'
        text = (
            "POST /v1/instances/%s/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            "Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n" % (one, token(), len(body))
        ).encode() + body
        for cut in list(range(0, len(text), 7)) + [len(text)] * 50:
            with socket.create_connection(("127.0.0.1", self.d.port), timeout=WAIT) as s:
                s.sendall(text[:cut])
        self.assertEqual(self.state(one)[1], "running")

    def test_a_chunked_body_is_read(self):
        answer = self.d.raw(
            b"POST /v1/instances HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer " + token().encode() + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'5\r\n{"mac\r\n12\r\nhine":"no-such-m"}\r\n0\r\n\r\n'
        )
        self.assertIn(b"unknown_machine", answer)


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


class Refusals(Case):
    def test_a_false_guard_says_which_and_what_it_saw(self):
        one = self.started("SUBMIT", "RETRY", "SUBMIT")
        before = self.state(one)
        answer = self.send(one, "RETRY")
        self.problem(answer, 409, "guard_false")
        text = json.dumps(answer.json["refusal"])
        self.assertIn("context.retries < 1", text)
        self.assertEqual(self.state(one), before)

    def test_a_completed_instance_takes_nothing(self):
        one = self.started("SUBMIT", "APPROVE")
        self.problem(self.send(one, "REJECT", {"reason": "x"}), 409, "completed")


class Identity(Case):
    def test_bad_tokens_are_refused(self):
        now = int(time.time())
        bad = {
            "none": "", "garbage": "x.y.z", "unsigned": token(sign=False), "wrong key": token(key=b"x" * 32),
            "expired": token(exp=now - 60), "not yet": token(nbf=now + 600), "issued later": token(iat=now + 600),
            "exp text": token(exp=str(now + 600)), "no exp": token(exp=None), "no sub": token(sub=None),
            "alg none": token(header={"alg": "none"}, sign=False), "alg RS256": token(header={"alg": "RS256"}),
            "alg HS384": token(header={"alg": "HS384"}, digest="sha384"), "crit": token(header={"alg": "HS256", "crit": ["exp"]}),
            "huge": token(x="y" * 8192), "cut": token()[:-1], "jti number": token(jti=7), "roles number": token(roles=7),
        }
        for name, text in bad.items():
            answer = self.d.request("GET", "/v1/counts", auth=text)
            self.problem(answer, 401, "bad_token")
            self.assertTrue(answer.headers["WWW-Authenticate"].startswith("Bearer"), name)
            self.assertNotIn(text[:20] or "eyJ", answer.text.decode())
        for value in ("Basic YTpi", "Bearer", "Bearer  ", "bearer"):
            self.problem(self.d.request("GET", "/v1/counts", auth="", headers={"Authorization": value}), 401, "bad_token")

    def test_a_bad_token_changes_nothing(self):
        one = self.started()
        before = self.state(one)
        self.problem(self.send(one, "SUBMIT", auth=token(key=b"x" * 32)), 401, "bad_token")
        self.problem(self.d.request("POST", "/v1/machines", DEFINITION, auth=token(exp=5)), 401, "bad_token")
        self.assertEqual(self.state(one), before)

    def test_the_socket_knows_its_user(self):
        one = self.started()
        self.assertEqual(self.send(one, "SUBMIT", local=True).status, 200)
        items = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"]
        self.assertEqual((items[-1]["act"]["type"], items[-1]["act"]["authn"]), ("local", "local"))
        self.assertTrue(items[-1]["act"]["sub"])
        mode = os.stat(os.path.join(self.d.data, "fsmd.sock")).st_mode
        self.assertEqual(mode & 0o777, 0o600)

    def test_a_bad_token_on_the_socket_is_noted_in_the_record(self):
        one = self.started()
        self.assertEqual(self.send(one, "SUBMIT", local=True, auth="x.y.z").status, 200)
        act = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"][-1]["act"]
        self.assertEqual((act["type"], act["authn"], act["fault"]), ("anonymous", "none", "bad_token"))
        one = self.started()
        self.assertEqual(self.send(one, "SUBMIT", local=True, auth=token(sub="bob", roles=["boss"])).status, 200)
        act = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"][-1]["act"]
        self.assertEqual((act["type"], act["authn"], act["sub"], act["roles"]), ("user", "verified", "bob", ["boss"]))


class Operation(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="test_http.")

    def tearDown(self):
        shutil.rmtree(self.dir)

    def run_fsmd(self, *options):
        done = subprocess.run([FSMD] + list(options), capture_output=True, timeout=WAIT)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def refused(self, code, text, *options):
        got, out, err = self.run_fsmd(*options)
        self.assertEqual(got, code, err)
        self.assertIn(text, err)

    def test_versions_help_and_settings_are_printed(self):
        code, out, _ = self.run_fsmd("--version")
        self.assertEqual(code, 0)
        for word in ("fsmd ", "record 1", "journal 1", "store 2", "libmicrohttpd"):
            self.assertIn(word, out)
        self.assertIn("--segment-bytes", self.run_fsmd("--help")[1])
        self.assertIn("listen = 127.0.0.1:8480", self.run_fsmd("--print-config")[1])

    def test_wrong_settings_refuse_to_start_and_say_why(self):
        data = ["--data", os.path.join(self.dir, "d")]
        key = os.path.join(self.dir, "key")
        self.refused(2, "--data", "--no-listen")
        self.refused(2, "--bogus", *data, "--bogus")
        self.refused(2, "--auth none", *data)
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:80", "example.org:80"):
            self.refused(2, "--listen", *data, "--auth", "none", "--listen", address)
        self.refused(2, "ADDRESS:PORT", *data, "--auth", "none", "--listen", "8480")
        self.refused(2, "cannot be opened", *data, "--jwt-key", key)
        self.refused(2, "0644", *data, "--jwt-key", write_key(key, mode=0o644))
        self.refused(2, "32", *data, "--jwt-key", write_key(key, b"x" * 31 + b"\n"))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.refused(2, "in use", *data, "--auth", "none", "--listen", "127.0.0.1:%d" % taken.getsockname()[1])
        plain = os.path.join(self.dir, "file")
        open(plain, "w").close()
        self.refused(2, "is not a socket", *data, "--no-listen", "--socket", plain)
        self.assertTrue(os.path.exists(plain))

    def test_a_second_daemon_on_the_same_data_is_refused_with_9(self):
        d = Daemon()
        try:
            self.refused(9, "locked", "--data", d.data, "--no-listen", "--socket", os.path.join(self.dir, "s"))
            self.assertEqual(d.request("GET", "/healthz").status, 200)
        finally:
            d.remove()

    def test_a_reader_of_the_files_is_waited_for(self):
        d = Daemon("--log-format", "json")
        try:
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)  # as fsm-cli --data has it
                starting = threading.Thread(target=d.start)
                starting.start()
                end = time.time() + WAIT
                while "waiting for fsm-cli" not in d.logged() and time.time() < end:
                    time.sleep(0.01)
                fcntl.flock(lock, fcntl.LOCK_UN)
            starting.join()
            messages = [json.loads(line)["msg"] for line in d.logged().splitlines()]
            self.assertEqual(messages[3:], ["waiting for fsm-cli, which reads the files", "started"])
            self.assertEqual(d.request("GET", "/healthz").status, 200)
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()

    def test_a_reader_that_does_not_end_is_named_and_refused_with_9(self):
        d = Daemon()
        try:
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "lock")) as lock:
                fcntl.flock(lock, fcntl.LOCK_SH)
                self.refused(9, "fsm-cli reads the files; end it or wait", "--data", d.data, "--no-listen")
        finally:
            d.remove()

    def test_a_stop_is_clean_and_nothing_is_lost(self):
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            d = Daemon()
            try:
                self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
                self.assertEqual(d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}).status, 201)
                code = d.stop(how)
                self.assertEqual(code, -9 if how == signal.SIGKILL else 0, d.logged())
                if how != signal.SIGKILL:
                    self.assertFalse(os.path.exists(os.path.join(d.data, "fsmd.sock")))
                d.start()
                self.assertEqual(d.request("GET", "/v1/instances/i", local=True).json["rev"], 1)
                self.assertEqual(d.request("POST", "/v1/verify", local=True).status, 200)
                self.assertEqual(d.stop(), 0)
            finally:
                d.remove()

    def test_a_stop_under_load_answers_what_is_in_flight(self):
        d = Daemon()
        try:
            d.request("POST", "/v1/machines", DEFINITION)
            answered, broken, stop = [], [], threading.Event()

            def client(number):
                turn = 0
                while not stop.is_set():
                    turn += 1
                    one = "c%d-%d" % (number, turn)
                    try:
                        answer = d.request("POST", "/v1/instances", {"machine": "doc", "id": one})
                    except (OSError, http.client.HTTPException):
                        broken.append(one)
                        return
                    if answer.status == 201:
                        answered.append(one)

            threads = [threading.Thread(target=client, args=(i,)) for i in range(8)]
            for thread in threads:
                thread.start()
            while len(answered) < 100:
                time.sleep(0.01)
            self.assertEqual(d.stop(), 0, d.logged())
            stop.set()
            for thread in threads:
                thread.join()
            d.start()
            for one in answered:
                self.assertEqual(d.request("GET", "/v1/instances/" + one).status, 200, one)
        finally:
            d.remove()

    def test_refused_tokens_and_bodies_are_in_the_journal_but_no_token_is(self):
        d = Daemon()
        try:
            bad = token(key=b"x" * 32, sub="mallory")
            d.request("GET", "/v1/counts", auth=bad)
            d.request("POST", "/v1/instances", raw=b'{"machine":')
            self.assertEqual(d.stop(), 0)
            journal = b""
            for folder, _, files in os.walk(os.path.join(d.data, "journal")):
                for name in files:
                    with open(os.path.join(folder, name), "rb") as f:
                        journal += f.read()
            self.assertIn(b"bad_token", journal)
            self.assertIn(hashlib.sha256(bad.encode()).hexdigest().encode(), journal)
            self.assertIn(hashlib.sha256(b'{"machine":').hexdigest().encode(), journal)
            self.assertNotIn(bad.split(".")[1].encode(), journal)
            self.assertNotIn(bad, d.logged())
        finally:
            d.remove()

    def test_damage_refuses_to_start_with_7_and_names_the_place(self):
        d = Daemon()
        try:
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            self.assertEqual(d.stop(), 0)
            for folder, _, files in os.walk(os.path.join(d.data, "journal")):
                for name in files:
                    path = os.path.join(folder, name)
                    with open(path, "r+b") as f:
                        at = f.read().find(b"retries")
                        if at > 0:
                            f.seek(at)
                            f.write(b"R")
            self.refused(7, ".seg:", "--data", d.data, "--no-listen")
            self.refused(7, "stored data is damaged", "--data", d.data, "--no-listen")
        finally:
            d.remove()

    def test_damage_refuses_who_touches_it_and_nobody_else(self):
        d = Daemon("--log-format", "json")
        try:
            mark = b"flip-me-on-the-disk"
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION).status, 201)
            body = {"machine": "doc", "id": "i", "labels": {"mark": mark.decode()}}
            self.assertEqual(d.request("POST", "/v1/instances", body).status, 201)
            self.assertEqual(d.stop(), 0)  # so that the row is in LMDB and no longer in memory
            d.start()
            path = os.path.join(d.data, "store", "data.mdb")
            with open(path, "r+b") as f:  # LMDB maps this very file
                data = f.read()
                self.assertIn(mark, data)
                for found in re.finditer(re.escape(mark), data):
                    f.seek(found.start())
                    f.write(b"F")
            answer = d.request("GET", "/v1/instances/i", headers={"X-Correlation-ID": "look"})
            self.assertEqual((answer.status, answer.json["code"]), (500, "corrupt"), answer)
            failed = [line for line in map(json.loads, d.logged().splitlines()) if line["msg"] == "request failed"]
            self.assertEqual([(l["code"], l["correlation"], l["status"]) for l in failed], [("corrupt", "look", 500)])
            self.assertEqual((failed[0]["where"], failed[0]["detail"]), (answer.json["where"], answer.json["detail"]))
            self.assertTrue(failed[0]["where"] and failed[0]["detail"], failed)
            answer = d.request("POST", "/v1/instances/i/events", {"event": "SUBMIT"})
            self.assertEqual((answer.status, answer.json["code"]), (500, "corrupt"), answer)
            body = {"machine": "doc", "id": "j"}  # who does not touch the damage goes on
            self.assertEqual(d.request("POST", "/v1/instances", body).status, 201)
            self.assertEqual(d.request("POST", "/v1/instances/j/events", {"event": "SUBMIT"}).status, 200)
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()

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

    def test_damage_that_touches_all_is_called_damage_and_ends_it_with_7(self):
        d = Daemon()
        try:
            waits = {"id": "waits", "initial": "flipMeOnTheDisk",
                     "states": {"flipMeOnTheDisk": {"after": {"3600000": "late"}}, "late": {"type": "final"}}}
            self.assertEqual(d.request("POST", "/v1/machines", waits).status, 201)
            self.assertEqual(d.request("POST", "/v1/instances", {"machine": "waits", "id": "i"}).status, 201)
            self.assertEqual(d.stop(), 0)
            with open(os.path.join(d.data, "store", "data.mdb"), "r+b") as f:
                data = f.read()
                # The row of the timer in the table of what is due: its time, its order, the instance's number, t, its name.
                rows = [m.start() for m in re.finditer(b"txstate.after.3600000.flipMeOnTheDisk", data)]
                rows = [r for r in rows if abs(int.from_bytes(data[r - 24 : r - 16], "big") - time.time_ns()) < 10**14]
                self.assertTrue(rows)
                for row in rows:
                    f.seek(row + 1)
                    f.write(b"X")
            self.refused(7, "stored data is damaged; stopping", "--data", d.data, "--no-listen")
        finally:
            d.remove()

    def test_a_client_that_never_ends_its_request_does_not_hold_up_a_stop(self):
        for text in (b"", b"POST /v1/inst", b"POST /v1/instances HTTP/1.1\r\nHost: x\r\n",
                     b'POST /v1/instances HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"mach'):
            d = Daemon()
            try:
                with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as s:
                    s.sendall(text)
                    self.assertEqual(d.request("GET", "/healthz").status, 200)  # the bytes before are read
                    d.process.send_signal(signal.SIGTERM)
                    # 5 s, and time for a slow machine; without the deadline it would be 60 s
                    self.assertEqual(d.process.wait(30), 0, d.logged())
                    self.assertIn("stopped", d.logged().splitlines()[-1])
            finally:
                d.remove()

    def test_a_page_that_points_its_name_here_is_refused_where_tokens_are_not_needed(self):
        d = Daemon("--auth", "none", key=False)
        try:
            answer = d.request("GET", "/v1/counts", auth="", headers={"Host": "evil.example:%d" % d.port})
            self.assertEqual((answer.status, answer.json["code"], answer.json["where"]), (403, "not_permitted", "Host"))
            self.assertEqual(d.request("GET", "/v1/counts", auth="", headers={"Host": "localhost"}).status, 200)
        finally:
            d.remove()

    def test_the_log_is_one_line_per_fact(self):
        d = Daemon("--log-format", "json", "--node", "n7")
        try:
            d.stop()
            lines = [json.loads(line) for line in d.logged().splitlines()]
            self.assertEqual([line["msg"] for line in lines], ["started", "stopping", "stopped"])
            for name in ("version", "data", "store", "seq", "applied", "replayed", "listen", "auth", "socket", "nats"):
                self.assertIn(name, lines[0])
            self.assertEqual(lines[0]["listen"], "127.0.0.1:%d" % d.port)
        finally:
            d.remove()

    def test_without_tokens_everyone_is_anonymous(self):
        d = Daemon("--auth", "none", key=False)
        try:
            d.request("POST", "/v1/machines", DEFINITION, auth="")
            self.assertEqual(d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}, auth="").status, 201)
            item = d.request("GET", "/v1/instances/i/history", auth="").json["items"][0]
            self.assertEqual((item["act"]["type"], item["act"]["authn"]), ("anonymous", "none"))
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK):
        print("no fsmd at", FSMD)
        sys.exit(77)
    unittest.main(verbosity=2)
