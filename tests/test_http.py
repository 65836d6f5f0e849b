#!/usr/bin/env python3
"""test_http.py: a real fsmd over its real sockets: every route, and who is asking."""
import http.client
import json
import os
import re
import socket
import sys
import threading
import time
import unittest

from http_daemon import DEFINITION, FSMD, WAIT, Alone, Case, Daemon, ref, token


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


class Anonymous(Alone):
    """Where tokens are not needed."""

    def test_a_page_that_points_its_name_here_is_refused_where_tokens_are_not_needed(self):
        d = Daemon("--auth", "none", key=False)
        try:
            answer = d.request("GET", "/v1/counts", auth="", headers={"Host": "evil.example:%d" % d.port})
            self.assertEqual((answer.status, answer.json["code"], answer.json["where"]), (403, "not_permitted", "Host"))
            self.assertEqual(d.request("GET", "/v1/counts", auth="", headers={"Host": "localhost"}).status, 200)
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
