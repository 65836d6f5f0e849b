#!/usr/bin/env python3
"""test_nats_api.py: a real fsmd and a real nats-server: every subject of the API over NATS, what refuses a message, and
what its headers say. That answers are those of HTTP is test_nats_parity.py; the work queue is test_nats_queue.py."""
import hashlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import unittest

from nats_scene import Client, Scene, stamp, there
from http_daemon import DEFINITION, WAIT, Daemon, await_, metrics, token

EXPIRED = dict(exp=int(time.time()) - 600)


class Case(unittest.TestCase):
    options, key = (), True

    @classmethod
    def setUpClass(cls):
        cls.s = Scene(*cls.options, key=cls.key)
        cls.c = cls.s.client
        cls.s.deploy() if cls.key else None
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        code, logged = cls.s.d.stop(), cls.s.d.logged()
        cls.s.remove()
        assert code == 0, "exit %d: %s" % (code, logged)

    def started(self, *events):
        type(self).count += 1
        made = self.c.ask("start", {"machine": "doc", "id": "%s-%d" % (type(self).__name__, self.count)})
        self.assertEqual(made.status, 201, made)
        for event in events:
            self.assertEqual(self.c.ask("send", {"instance": made.json["instance"], "event": event}).status, 200)
        return made.json["instance"]

    def problem(self, reply, status, code, where=None):
        self.assertEqual((reply.status, reply.json.get("code")), (status, code), reply)
        self.assertEqual(reply.headers["Content-Type"], "application/problem+json")
        self.assertEqual(reply.json["status"], status)
        self.assertEqual(reply.json["type"], "urn:fsmd:error:" + code)
        self.assertEqual(reply.json["correlation"], reply.headers["X-Correlation-ID"])
        if where is not None:
            self.assertEqual(reply.json.get("where", ""), where, reply)
        return reply

    def figure(self, name):
        return metrics(self.s.d.request("GET", "/metrics"))[name]


class Subjects(Case):
    def test_a_command_is_answered_with_status_correlation_etag_and_location(self):
        made = self.c.ask("start", {"machine": "doc", "key": "K-1"}, {"X-Correlation-ID": "order-7"})
        self.assertEqual((made.status, made.headers["X-Correlation-ID"], made.json["correlation"]), (201, "order-7", "order-7"))
        self.assertEqual(made.headers["ETag"], '"1"')
        self.assertEqual(made.headers["Location"], "/v1/instances/" + made.json["instance"])
        self.assertEqual(made.headers["Content-Type"], "application/json")
        sent = self.c.ask("send", {"machine": "doc", "key": "K-1", "event": "SUBMIT"}, {"if-match": '"1"'})
        self.assertEqual((sent.status, sent.json["to"], sent.headers["ETag"]), (200, ["review"], '"2"'))
        late = self.c.ask("send", {"machine": "doc", "key": "K-1", "event": "APPROVE"}, {"If-Match": '"1"'})
        self.problem(late, 412, "stale")

    def test_idempotency_keys_and_traces_hold_as_over_http(self):
        head = {"Idempotency-Key": "once", "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        one, other = self.c.ask("start", {"machine": "doc"}, head), self.c.ask("start", {"machine": "doc"}, head)
        self.assertEqual((one.status, other.json["instance"]), (201, one.json["instance"]))
        found = self.c.ask("list", {"trace": "4bf92f3577b34da6a3ce929d0e0e4736"}).json["items"]
        self.assertEqual([i["id"] for i in found], [one.json["instance"]])

    def test_reads_take_members_where_http_takes_parameters(self):
        one = self.started("SUBMIT")
        self.c.ask("start", {"machine": "doc", "key": "L-1", "labels": {"dept": "a b&c", "level": "1"}})
        for filter in ({"label": {"dept": "a b&c"}}, {"label": ["dept=a b&c", "level=1"]}, {"key": "L-?"},
                       {"where": "key == 'L-1' && labels['level'] == '1'", "version": 1, "status": ["open"]}):
            self.assertEqual([i["key"] for i in self.c.ask("list", filter).json["items"]], ["L-1"], filter)
        page = self.c.ask("list", {"what": "instances", "limit": 1})
        more = self.c.ask("list", {"limit": 1, "after": page.json["next"]})
        self.assertNotEqual(page.json["items"][0]["id"], more.json["items"][0]["id"])
        self.assertEqual(self.c.ask("list", raw=b"").status, 200)
        self.assertEqual([r["kind"] for r in self.c.ask("get", {"instance": one, "view": "history"}).json["items"]],
                         ["created", "transition"])
        self.assertIn("APPROVE", str(self.c.ask("get", {"instance": one, "view": "events"}).json))
        self.assertEqual(self.c.ask("get", {"machine": "doc", "version": 1}).json["id"], "doc")
        self.assertEqual(self.c.ask("get", {"instance": one}, {"If-None-Match": '"2"'}).status, 304)

    def test_operators_command_instances_and_retire_machines(self):
        one = self.started("SUBMIT")
        for command, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
            done = self.c.ask("admin", {"command": command, "instance": one, "reason": "test"})
            self.assertEqual((done.status, done.json["status"]), (200, status), done)
        self.assertEqual(self.s.deploy(dict(DEFINITION, id="gone")).status, 201)
        self.assertEqual(self.c.ask("admin", {"command": "retire", "machine": "gone", "reason": "old"}).status, 200)
        self.problem(self.c.ask("start", {"machine": "gone"}), 409, "retired")

    def test_operators_have_the_data_looked_at_and_copied(self):
        for command, more in (("verify", {}), ("db_check", {}), ("db_backup", {"dir": os.path.join(self.s.dir, "copy")})):
            self.assertEqual(self.c.ask("admin", {"command": command, **more}).status, 200, command)

    def test_many_events_are_one_message(self):
        one = self.started()
        done = self.c.ask("send", {"events": [{"instance": one, "event": "SUBMIT"}, {"instance": one, "event": "NOPE"}]})
        self.assertEqual((done.status, done.json["taken"], done.json["refused"]), (200, 1, 1), done)

    def test_a_definition_goes_in_as_it_is_written(self):
        text = json.dumps(dict(DEFINITION, id="big", context={"retries": 0, "n": 2**60})).encode()
        first = self.c.ask("deploy", raw=text)
        self.assertEqual(first.status, 201, first)
        again = self.s.d.request("POST", "/v1/machines", raw=text, headers={"Content-Type": "application/json"})
        self.assertEqual((again.status, again.json["hash"]), (200, first.json["hash"]))
        scxml = b'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="x" initial="a"><state id="a"/></scxml>'
        self.assertEqual(self.c.ask("deploy", raw=scxml, headers={"Content-Type": "application/scxml+xml"}).status, 201)

    def test_numbers_arrive_as_they_were_sent(self):
        self.s.deploy({"id": "num", "initial": "a", "context": {"n": 0, "d": 0.5},
                       "states": {"a": {"on": {"SET": {"context": {"n": {"@expr": "event.n"}, "d": {"@expr": "event.d"}}}}}}})
        one = self.c.ask("start", {"machine": "num"}).json["instance"]
        data = {"n": 2**60 + 1, "d": 1.0}
        self.assertEqual(self.c.ask("send", {"instance": one, "event": "SET", "data": data}).status, 200)
        over_http = self.c.ask("start", {"machine": "num"}).json["instance"]
        self.s.d.request("POST", "/v1/instances/%s/events" % over_http, {"event": "SET", "data": data})
        self.assertEqual(*(self.c.ask("get", {"instance": i}).json["context"] for i in (one, over_http)))

    def test_what_is_not_there_is_said(self):
        self.problem(self.c.ask("nope"), 404, "not_found", "subject")
        self.problem(self.c.ask("task"), 404, "not_found", "subject")
        self.assertEqual(self.c.begin("task.complete", {"token": "0" * 32, "output": {}}).get(timeout=WAIT).headers, {})

    def test_without_a_reply_subject_commands_are_done_and_reads_are_not(self):
        one, before = self.started(), self.figure('fsm_nats_lost_total{why="no_reply"}')
        head = {"Authorization": "Bearer " + token()}
        self.c.publish_with("fsm.cmd.list", b"{}", head)
        self.c.publish_with("fsm.cmd.send", json.dumps({"instance": one, "event": "SUBMIT"}).encode(), head)
        await_("the event", lambda: self.c.ask("get", {"instance": one}).json["rev"] == 2)
        self.assertEqual(self.figure('fsm_nats_lost_total{why="no_reply"}'), before + 1)

    def test_an_answer_goes_to_no_subject_of_the_server_or_of_ours(self):
        one, before = self.started(), self.figure('fsm_nats_lost_total{why="no_reply"}')
        heard = queue.Queue()
        for subject in ("fsm.queue.send", "fsm.evt.x", "fsm.task.x"):
            self.c.subscribe(subject, heard.put)
        head = {"Authorization": "Bearer " + token()}
        for reply in ("$JS.API.STREAM.DELETE.FSM_EVT_0", "fsm.cmd.send", "fsm.queue.send", "fsm.evt.x", "fsm.task.x"):
            self.c.publish_with("fsm.cmd.send", json.dumps({"instance": one, "event": "SUBMIT"}).encode(), head, reply)
        await_("five dropped", lambda: self.figure('fsm_nats_lost_total{why="no_reply"}') == before + 5)
        self.assertEqual(self.c.ask("get", {"instance": one}).json["rev"], 1)
        self.assertTrue(heard.empty())


class Refusals(Case):
    def test_bodies_that_cannot_be_read_are_refused_with_their_place(self):
        one = self.started()
        cases = (
            ("start", b'{"machine":', None), ("start", b"[]", ""), ("start", {"machine": "doc", "x": 1}, "/x"), ("start", {}, "/machine"),
            ("send", {"instance": one}, "/event"), ("send", {"event": "A"}, ""), ("send", {"key": "a", "event": "A"}, "/machine"),
            ("send", {"machine": "doc", "event": "A"}, "/key"), ("send", {"machine": "doc/x", "key": "a", "event": "A"}, "/machine"),
            ("send", {"instance": one, "key": "a", "event": "A"}, "/instance"), ("send", {"instance": 7, "event": "A"}, "/instance"),
            ("send", {"instance": "", "event": "A"}, "/instance"), ("send", {"instance": one, "event": "A", "x": 1}, "/x"),
            ("send", b"", None), ("send", b"\xff", None), ("send", b'{"event":"A","event":"A"}', None),
            ("get", {}, ""), ("get", {"instance": one, "view": "x"}, "/view"), ("get", {"instance": one, "view": "machine"}, "/view"),
            ("get", {"instance": one, "machine": "doc"}, "/instance"), ("list", {"what": "x"}, "/what"), ("list", {"what": 1}, "/what"),
            ("list", {"key": {"a": "b"}}, "?key"), ("list", {"label": {"a": 1}}, "?label"), ("list", b"{", None),
            ("admin", {}, "/command"), ("admin", {"command": "explode"}, "/command"), ("admin", {"command": "pause"}, ""),
            ("admin", {"command": "pause", "instance": one, "reason": "r", "x": 1}, "/x"), ("admin", {"command": "verify", "x": 1}, ""),
            ("admin", {"command": "retire", "reason": "r"}, "/machine"))
        for verb, body, where in cases:
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.problem(self.c.ask(verb, raw=raw), 400, "malformed", where)
        self.assertEqual(self.c.ask("get", {"instance": one}).json["rev"], 1)

    def test_parameters_that_are_not_there_are_refused_as_over_http(self):
        one = self.started()
        for verb, body, where in (("list", {"nope": "1"}, "?nope"), ("get", {"instance": one, "limit": 3}, "?limit"),
                                  ("list", {"limit": 0}, "?limit"), ("list", {"limit": 1001}, "?limit"),
                                  ("list", {"what": "machines", "state": "a"}, "?state")):
            self.problem(self.c.ask(verb, body), 400, "invalid_argument", where)
        self.problem(self.c.ask("get", {"instance": "x" * 9000}), 413, "too_large")
        self.problem(self.c.ask("get", {"instance": "nothing"}), 404, "unknown_instance")

    def test_refusals_are_on_record_with_hash_and_reason(self):
        s = Scene()
        self.addCleanup(s.remove)
        s.deploy()
        bad, raw = token(key=b"x" * 32), b'{"machine":"doc",,}'
        self.problem(s.client.ask("start", raw=raw), 400, "malformed")
        self.problem(s.client.ask("list", auth=bad), 401, "bad_token")
        self.problem(s.client.ask("admin", {"command": "pause", "instance": "i", "reason": "r"}, auth=token()), 403, "not_permitted")
        self.assertEqual(s.d.stop(), 0)
        journal = s.d.journal()
        for text in (hashlib.sha256(raw).hexdigest(), hashlib.sha256(bad.encode()).hexdigest(), "POST /v1/instances/i/pause: who asks is no admin"):
            self.assertIn(text.encode(), journal)
        self.assertNotIn(bad.encode(), journal)

    def test_tokens_that_are_not_good_are_refused_without_detail(self):
        for text in (False, token(EXPIRED), token(key=b"x" * 32), "nonsense"):
            for verb in ("start", "send", "get", "list", "admin", "deploy"):
                body = {"instance": "i", "event": "E", "command": "pause", "machine": "doc", "reason": "r"}
                reply = self.problem(self.c.ask(verb, body, auth=text), 401, "bad_token", "Authorization")
                self.assertEqual(reply.json["detail"], "the token is not accepted" if text else "a bearer token is required here")

    def test_admin_and_deploying_are_for_admins(self):
        one = self.started()
        plain = token()
        self.problem(self.c.ask("admin", {"command": "pause", "instance": one, "reason": "r"}, auth=plain), 403, "not_permitted")
        self.problem(self.c.ask("deploy", dict(DEFINITION, id="mine"), auth=plain), 403, "not_permitted")
        self.problem(self.c.ask("admin", {"command": "explode"}, auth=plain), 403, "not_permitted")
        self.assertEqual(self.c.ask("get", {"instance": one}, auth=plain).json["status"], "running")

    def test_headers_are_as_strict_as_those_of_http(self):
        for head, where in (({"X-Correlation-ID": "x" * 129}, "X-Correlation-ID"), ({"Idempotency-Key": "ü"}, "Idempotency-Key"),
                            ({"If-Match": "7"}, "If-Match"), ({"Fsm-Deadline": "soon"}, "Fsm-Deadline"),
                            ({"Fsm-Timeout": "soon"}, "Fsm-Timeout"), ({"Fsm-Timeout": "-5s"}, "Fsm-Timeout")):
            reply = self.c.ask("send", {"instance": "i", "event": "E"}, head)
            self.problem(reply, 400, "invalid_argument", where)
        for head, where in (([("If-Match", '"1"'), ("if-match", '"1"')], "If-Match"), ([("X-%d" % i, "a") for i in range(65)], "header"), ([("X-Request-ID", "")], "header"),
                            ([("X-Request-ID", ""), ("Idempotency-Key", "k")], "header"), ([("X-Else", "")], "header"),
                            ([("X-A", "y" * 9000), ("X-B", "y" * 9000)], "header"), ([("X-Request-ID", "a\x01b")], "header")):
            self.problem(self.c.ask("list", {}, head), 400, "malformed", where)
        self.problem(self.c.ask("start", {"machine": "doc"}, {"Content-Type": "text/plain"}), 415, "malformed", "Content-Type")
        stream = self.c.ask("list", {"what": "records"}, {"Accept": "text/event-stream", "Accept-Encoding": "gzip", "Host": "evil"})
        self.assertEqual(stream.status, 200)
        self.assertIn("items", stream.json)

    def test_a_body_over_its_limit_is_413_and_one_at_it_is_read(self):
        self.s.server.stop()
        # The server's own limit is 1 MB with headers: one that carries more.
        with open(self.s.dir + "/conf", "w") as conf:
            conf.write("max_payload: 4MB\n")
        program = self.s.server.program
        self.addCleanup(self.again)
        self.s.server.process = subprocess.Popen([program, "-c", self.s.dir + "/conf", "-a", "127.0.0.1", "-p", str(self.s.server.port), "-js",
                                                  "-sd", self.s.server.dir], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        await_("nats-server", self.s.server_answers)
        self.s.wait_served()
        c = Client(self.s.server.port)
        self.addCleanup(c.close)
        for more, status in ((0, 404), (1, 413)):
            raw = b'{"instance":"i","event":"E"}'.ljust(1024 * 1024 + more)
            self.assertEqual(c.ask("send", raw=raw).status, status)

    def again(self):
        self.s.server.stop()
        self.s.start_server()
        self.s.wait_served()
        type(self).c = self.s.client = Client(self.s.server.port)


class Times(Case):
    def test_what_is_over_its_deadline_is_not_done(self):
        one = self.started()
        for head in ({"Fsm-Deadline": stamp(-1)}, {"Fsm-Timeout": "0s"}, {"Fsm-Deadline": "1960-01-01T00:00:00Z"},
                     {"Fsm-Deadline": stamp(60), "Fsm-Timeout": "0s"}):
            self.problem(self.c.ask("send", {"instance": one, "event": "SUBMIT"}, head), 504, "timeout")
        self.assertEqual(self.c.ask("get", {"instance": one}).json["rev"], 1)
        for head in ({"Fsm-Deadline": stamp(60)}, {"Fsm-Timeout": "10s"}, {"Fsm-Deadline": "9999-12-31T23:59:59Z"}):
            self.assertEqual(self.c.ask("get", {"instance": one}, head).status, 200)

    def test_an_answer_after_the_deadline_is_not_sent(self):
        before = self.figure('fsm_nats_lost_total{why="late"}')
        arrived = []

        def late():  # who is slow to begin says at once that it is too late
            arrived.extend(self.c.begin("list", {"what": "records", "limit": 1000}, {"Fsm-Timeout": "1ms"}) for _ in range(200))
            self.assertEqual(self.c.ask("list", {"limit": 1}).status, 200)
            return self.figure('fsm_nats_lost_total{why="late"}') - before

        await_("late answers", lambda: late() > 0)
        lost, seen = self.figure('fsm_nats_lost_total{why="late"}') - before, []
        for one in arrived:
            try:
                seen.append(one.get(timeout=0.01).headers["Fsm-Status"])
            except queue.Empty:
                pass
        self.assertLessEqual(len(seen), len(arrived) - lost)
        self.assertLessEqual(set(seen), {"200", "504"})


class Size(Case):
    def test_an_answer_that_the_server_does_not_carry_says_so(self):
        self.s.deploy({"id": "fat", "initial": "a", "context": {"t": ""},
                       "states": {"a": {"on": {"SET": {"context": {"t": {"@expr": "event.t"}}}}}}})
        one = self.c.ask("start", {"machine": "fat"}).json["instance"]
        for text in (chr(97 + i) * 60000 for i in range(20)):
            self.assertEqual(self.c.ask("send", {"instance": one, "event": "SET", "data": {"t": text}}).status, 200)
        self.problem(self.c.ask("get", {"instance": one, "view": "history"}), 413, "too_large", "answer")
        page = self.c.ask("get", {"instance": one, "view": "history", "limit": 2})
        self.assertEqual((page.status, len(page.json["items"])), (200, 2))

    def test_a_client_that_does_not_read_holds_up_nobody(self):
        slow = socket.create_connection(("127.0.0.1", self.s.server.port))
        self.addCleanup(slow.close)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.sendall(b'CONNECT {"verbose":false,"headers":true}\r\nSUB slow 1\r\n')
        self.c.send(b"PING\r\n")
        head = {"Authorization": "Bearer " + token()}
        for _ in range(500):
            self.c.publish_with("fsm.cmd.list", b'{"what":"records","limit":1000}', head, "slow")
        began = time.monotonic()
        for _ in range(20):
            self.assertEqual(self.c.ask("list", {"limit": 1}).status, 200)
        self.assertLess(time.monotonic() - began, WAIT)


class Life(Case):
    def test_requests_are_served_again_after_the_server_was_away(self):
        one = self.started()
        self.s.server.stop()
        self.assertEqual(self.s.d.request("POST", "/v1/instances/%s/events" % one, {"event": "SUBMIT"}).status, 200)
        self.s.start_server()
        self.s.wait_served()
        type(self).c = self.s.client = Client(self.s.server.port)
        self.assertEqual(self.c.ask("send", {"instance": one, "event": "APPROVE"}).status, 200)

    def test_many_at_once_are_each_answered_once(self):
        counts, lock = {}, threading.Lock()

        def on_reply(message):
            with lock:
                counts[message.subject] = counts.get(message.subject, 0) + 1

        box = self.c.inbox()[0] + "x"
        self.c.subscribe(box + ".*", on_reply)
        head = {"Authorization": "Bearer " + token()}
        for i in range(2000):
            self.c.publish_with("fsm.cmd.start", b'{"machine":"doc"}', head, "%s.%d" % (box, i))
        await_("2000 answers", lambda: len(counts) == 2000)
        time.sleep(0.2)
        self.assertEqual(set(counts.values()), {1})

    def test_two_daemons_share_what_comes(self):
        other = Daemon("--nats", self.s.server.url)
        self.addCleanup(other.remove)
        self.assertEqual(other.request("POST", "/v1/machines", DEFINITION).status, 201)
        await_("two in the group", lambda: self.shared(other))
        made = [self.c.ask("start", {"machine": "doc"}) for _ in range(60)]
        self.assertEqual({m.status for m in made}, {201})
        there = [sum(d.request("GET", "/v1/instances/" + m.json["instance"]).status == 200 for d in (self.s.d, other)) for m in made]
        self.assertEqual(set(there), {1})
        self.assertEqual(other.stop(), 0)

    def shared(self, other):
        self.c.ask("start", {"machine": "doc"})
        return len(other.request("GET", "/v1/instances?limit=1").json["items"]) > 0

    def test_a_daemon_that_stops_answers_what_it_has_begun(self):
        d = Scene()
        self.addCleanup(d.remove)
        d.deploy()
        arrived = [d.client.begin("start", {"machine": "doc"}) for _ in range(300)]
        arrived[0].get(timeout=WAIT)
        self.assertEqual(d.d.stop(), 0)
        got = []
        for one in arrived[1:]:
            try:
                message = one.get(timeout=1)
                got.append(message.headers.get("Fsm-Status") or message.headers["status"])
            except queue.Empty:
                got.append("none")
                break
        self.assertLessEqual(set(got), {"201", "503"})


class Open(Case):
    options, key = ("--auth", "none", "--nats-auth", "none"), False

    def test_without_tokens_everyone_whom_the_server_lets_in_is_served(self):
        self.assertEqual(self.c.ask("deploy", DEFINITION, auth=False).status, 201)
        made = self.c.ask("start", {"machine": "doc"}, auth=False)
        self.assertEqual(made.status, 201)
        record = self.c.ask("get", {"instance": made.json["instance"], "view": "history"}, auth=False).json["items"][0]
        self.assertEqual((record["act"]["type"], record["act"]["authn"]), ("anonymous", "none"))
        self.problem(self.c.ask("admin", {"command": "pause", "instance": made.json["instance"], "reason": "r"}, auth=False), 403, "not_permitted")


class Settings(unittest.TestCase):
    def test_without_keys_it_is_off_and_the_line_of_the_start_says_why(self):
        d = Daemon("--auth", "none", "--nats", "nats://127.0.0.1:1", key=False)
        self.addCleanup(d.remove)
        await_("why it is off", lambda: 'nats_api="off: there is no key of tokens, and --nats-auth is not none"' in d.logged())
        self.assertEqual(d.stop(), 0)

    def test_settings_that_cannot_be_are_refused(self):
        for options, where in ((("--nats-api", "on"), "--nats-api"), (("--nats-queue",), "--nats-queue"),
                               (("--nats", "nats://127.0.0.1:1", "--nats-api", "off", "--nats-queue"), "--nats-queue"),
                               (("--nats", "nats://127.0.0.1:1", "--nats-api", "on"), "--nats-api"),
                               (("--nats-queue-stream", "a.b"), "--nats-queue-stream")):
            with self.assertRaises(AssertionError) as raised:
                Daemon("--auth", "none", *options, key=False)
            self.assertIn("did not start", str(raised.exception))
        d = Daemon("--nats", "nats://127.0.0.1:1", "--nats-queue")
        self.addCleanup(d.remove)
        self.assertEqual(d.stop(), 0)


if __name__ == "__main__":
    if not there():
        print("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)")
        sys.exit(77)
    unittest.main(verbosity=1)
