#!/usr/bin/env python3
"""test_nats_queue.py: the work queue: a command is acknowledged when it is durable or refused for good, and taken once, in
the order of its instance, whatever is killed. usage: test_nats_queue.py [KILLS [SEED]]"""
import json
import os
import queue
import random
import signal
import sys
import threading
import time
import unittest

from nats_scene import Client, Reply, Scene, stamp, there
from http_daemon import DEFINITION, WAIT, await_, metrics, token

KILLS, SEED = 20, str(int(time.time()))

COUNTER = {
    "id": "counter",
    "initial": "a",
    "context": {"n": 0, "in_order": True},
    "states": {"a": {"on": {"ADD": {"context": {
        "n": {"@expr": "context.n + 1"},
        "in_order": {"@expr": "context.in_order && event.n == context.n + 1"},
    }}}}},
}


def left(client):
    """Messages that are still in the stream."""
    return client.request("$JS.API.STREAM.INFO.FSM_CMD", {})["state"]["messages"]


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.s = Scene("--nats-queue")
        cls.c = cls.s.client
        cls.s.deploy()
        cls.s.deploy(COUNTER)
        await_("the consumer", lambda: "error" not in cls.c.request("$JS.API.CONSUMER.INFO.FSM_CMD.fsmd", {}))

    @classmethod
    def tearDownClass(cls):
        code, logged = cls.s.d.stop(), cls.s.d.logged()
        cls.s.remove()
        assert code == 0, "exit %d: %s" % (code, logged)

    def told(self, verb, document, headers=None, auth=None, raw=None):
        """The answer that goes to Fsm-Reply-To."""
        to, arrived = self.c.inbox()
        self.c.queue(verb, document, {**(headers or {}), "Fsm-Reply-To": to}, auth, raw)
        return Reply(arrived.get(timeout=WAIT))

    def figure(self, what):
        return metrics(self.s.d.request("GET", "/metrics"))['fsm_nats_queue_total{what="%s"}' % what]

    def done(self):
        await_("an empty queue", lambda: left(self.c) == 0)


class Queue(Case):
    def test_commands_are_taken_and_acknowledged(self):
        before = self.figure("taken")
        self.c.queue("start", {"machine": "doc", "key": "Q-1"}, {"X-Correlation-ID": "q-1"})
        self.c.queue("send", {"machine": "doc", "key": "Q-1", "event": "SUBMIT"})
        self.c.queue("admin", {"command": "pause", "machine": "doc", "key": "Q-1", "reason": "test"})
        self.done()
        seen = self.c.ask("get", {"machine": "doc", "key": "Q-1"}).json
        self.assertEqual((seen["rev"], seen["status"], seen["correlation"]), (3, "paused", "q-1"))
        self.assertEqual(self.figure("taken"), before + 3)

    def test_an_answer_goes_where_the_message_says(self):
        made = self.told("start", {"machine": "doc"}, {"X-Correlation-ID": "q-2"})
        self.assertEqual((made.status, made.headers["X-Correlation-ID"], made.headers["ETag"]), (201, "q-2", '"1"'))
        before = self.figure("refused")
        for to in ("$JS.API.STREAM.PURGE.FSM_CMD", "fsm.cmd.start", "other", "_INBOX.*", "_INBOX.a..b", "_INBOX."):
            self.c.queue("start", {"machine": "doc", "key": "never"}, {"Fsm-Reply-To": to})
        await_("six refused", lambda: self.figure("refused") == before + 6)
        self.assertEqual(self.c.ask("get", {"machine": "doc", "key": "never"}).status, 404)

    def test_a_key_makes_it_once_whoever_repeats_it(self):
        for head in ({"Idempotency-Key": "k-1"}, {"Nats-Msg-Id": "m-1"}):
            one = self.told("start", {"machine": "doc"}, head)
            other = self.c.ask("start", {"machine": "doc"}, {"Idempotency-Key": list(head.values())[0]})
            self.assertEqual((one.status, other.json["instance"]), (201, one.json["instance"]))
        one, other = (self.told("start", {"machine": "doc"}) for _ in range(2))
        self.assertNotEqual(one.json["instance"], other.json["instance"])

    def test_what_is_refused_for_good_is_acknowledged(self):
        one = self.told("start", {"machine": "doc"}).json["instance"]
        send = {"instance": one, "event": "SUBMIT"}
        cases = (
            (401, self.told("send", send, auth=False)), (401, self.told("send", send, auth=token(exp=int(time.time()) - 600))),
            (403, self.told("admin", {"command": "pause", "instance": one, "reason": "r"}, auth=token())),
            (400, self.told("send", None, raw=b"{")), (400, self.told("send", {"event": "A"})), (404, self.told("nope", {})),
            (400, self.told("list", {})), (400, self.told("deploy", DEFINITION)),
            (400, self.told("send", {"events": [send]})), (400, self.told("admin", {"command": "retire", "machine": "doc", "reason": "r"})),
            (504, self.told("send", send, {"Fsm-Deadline": stamp(-1)})), (504, self.told("send", send, {"Fsm-Timeout": "0s"})),
            (404, self.told("send", {"instance": "gone", "event": "A"})), (413, self.told("start", {"machine": "doc", "labels": {"": ""}})),
            (400, self.told("start", {"machine": "doc"}, {"If-Match": '"1"'})))
        for i, (status, reply) in enumerate(cases):
            self.assertEqual(reply.status, status, (i, reply))
        self.done()
        self.assertEqual(self.c.ask("get", {"instance": one}).json["rev"], 1)

    def test_a_token_is_good_when_it_was_good_as_the_queue_took_it(self):
        one = self.told("start", {"machine": "doc"}).json["instance"]
        self.s.d.stop(signal.SIGKILL)
        leeway, ends = 30, 0
        while time.time() >= ends:  # else the queue took it too late: we were too slow
            ends = int(time.time()) + 3
            brief = token(exp=ends - leeway)
            self.c.queue("send", {"instance": one, "event": "SUBMIT"}, auth=brief)
        time.sleep(ends + 1 - time.time())
        self.s.d.start()
        self.s.wait_served()
        self.done()
        self.assertEqual(self.c.ask("get", {"instance": one}).json["rev"], 2)
        self.assertEqual(self.c.ask("list", {}, auth=brief).status, 401)

    def test_commands_of_an_instance_keep_their_order(self):
        one = self.told("start", {"machine": "counter", "key": "ord"}).json["instance"]
        for n in range(1, 301):
            self.c.publish_with("fsm.queue.send", json.dumps({"machine": "counter", "key": "ord", "event": "ADD", "data": {"n": n}}).encode(),
                                {"Authorization": "Bearer " + token()})
        self.c.send(b"PING\r\n")
        await_("300 events", lambda: self.c.ask("get", {"instance": one}).json["context"]["n"] == 300)
        self.assertTrue(self.c.ask("get", {"instance": one}).json["context"]["in_order"])
        self.done()

    def test_a_consumer_that_somebody_removes_is_made_again(self):
        self.assertTrue(self.c.request("$JS.API.CONSUMER.DELETE.FSM_CMD.fsmd", {})["success"])
        self.assertEqual(self.told("start", {"machine": "doc"}).status, 201)


class Alone(unittest.TestCase):
    def test_a_stream_that_is_no_work_queue_is_left_alone_and_told(self):
        s = Scene()
        self.addCleanup(s.remove)
        s.client.request("$JS.API.STREAM.CREATE.FSM_CMD", {"name": "FSM_CMD", "subjects": ["fsm.queue.*"], "storage": "file"})
        s.client.queue("start", {"machine": "doc"})
        self.assertEqual(s.d.stop(), 0)
        s.d.options.append("--nats-queue")
        s.d.start()
        line = "the stream is there and is no work queue of fsm.queue.*: its retention is not workqueue"
        await_("the line", lambda: line in s.d.logged())
        s.wait_served()
        self.assertEqual(left(s.client), 1)
        self.assertEqual(metrics(s.d.request("GET", "/metrics"))["fsm_nats_queue_up"], 0)
        self.assertEqual(s.d.stop(), 0)

    def test_absence_of_the_server_harms_nothing_and_the_queue_goes_on(self):
        s = Scene("--nats-queue")
        self.addCleanup(s.remove)
        s.deploy()
        s.server.stop()
        for _ in range(50):
            self.assertEqual(s.d.request("POST", "/v1/instances", {"machine": "doc"}).status, 201)
        time.sleep(1)
        s.start_server()
        s.wait_served()
        s.client = Client(s.server.port)
        s.client.queue("start", {"machine": "doc", "key": "back"})
        await_("the command", lambda: s.client.ask("get", {"machine": "doc", "key": "back"}).status == 200)
        self.assertEqual(s.d.stop(), 0)


class Busy(unittest.TestCase):
    def test_while_it_is_full_commands_wait_and_keep_their_order(self):
        s = Scene("--nats-queue", "--store-bytes-max", "16MiB")
        self.addCleanup(s.remove)
        s.deploy(COUNTER)
        s.deploy({"id": "fat", "initial": "a", "states": {"a": {}}, "context": {"x": {"@expr": "input"}}})
        made = s.client.ask("start", {"machine": "counter", "key": "c"}).json["instance"]
        for i in range(4000):
            reply = s.client.ask("start", {"machine": "fat", "input": "%d" % i + "x" * 60000})
            if reply.status != 201:
                break
        self.assertEqual(reply.status, 507, reply)
        for n in range(1, 31):
            s.client.queue("send", {"machine": "counter", "key": "c", "event": "ADD", "data": {"n": n}})
        again = 'fsm_nats_queue_total{what="again"}'
        await_("tried again", lambda: metrics(s.d.request("GET", "/metrics"))[again] > 3)
        self.assertEqual((left(s.client), s.client.ask("get", {"instance": made}).json["context"]["n"]), (30, 0))
        self.assertIn("a queued command waits", s.d.logged())
        self.assertEqual(s.d.stop(), 0)
        s.d.options[s.d.options.index("--store-bytes-max") + 1] = "64MiB"
        s.d.start()
        s.wait_served()
        await_("30 events", lambda: s.client.ask("get", {"instance": made}).json["context"]["n"] == 30)
        self.assertTrue(s.client.ask("get", {"instance": made}).json["context"]["in_order"])
        await_("an empty queue", lambda: left(s.client) == 0)
        self.assertEqual(s.d.stop(), 0)


class Writer(threading.Thread):
    """Puts commands of some instances into the queue, each until the stream has it, whatever is killed."""

    def __init__(self, port, names, seed):
        super().__init__(daemon=True)
        self.port, self.names, self.rng = port, names, random.Random(seed)
        self.sent, self.ending, self.client, self.doubled = {name: 0 for name in names}, False, None, 0

    def put(self, verb, document, headers):
        while True:
            try:
                if self.client is None or self.client.closed:
                    self.client = Client(self.port)
                reply, arrived = self.client.inbox()
                given = {"Authorization": "Bearer " + token(), **headers}
                self.client.publish_with("fsm.queue." + verb, json.dumps(document).encode(), given, reply)
                answer = json.loads(arrived.get(timeout=2).data)
                self.doubled += bool(answer.get("duplicate"))
                if "seq" in answer:
                    return
            except (OSError, queue.Empty, ValueError):
                if self.client is not None:
                    self.client.close()
                self.client = None
                time.sleep(0.05)

    def start_one(self, name):
        self.put("start", {"machine": "counter", "key": name}, {"Nats-Msg-Id": "start-" + name})
        self.sent[name] = 0

    def run(self):
        for name in self.names:
            self.start_one(name)
        while not self.ending:
            name = self.rng.choice(self.names)
            if self.sent[name] == 900:  # an instance keeps 1,000 idempotency keys
                self.names.remove(name)
                self.names.append(name + "'")
                self.start_one(name + "'")
                continue
            n = self.sent[name] + 1
            self.put("send", {"machine": "counter", "key": name, "event": "ADD", "data": {"n": n}}, {"Nats-Msg-Id": "%s-%d" % (name, n)})
            self.sent[name] = n
            if self.rng.random() < 0.3:
                time.sleep(self.rng.uniform(0, 0.02))


class Kills(unittest.TestCase):
    """fsmd and nats-server, killed and started again while commands are put in and taken out."""

    def test_every_command_is_taken_once_and_in_its_order(self):
        rng = random.Random(SEED)
        s = Scene("--nats-queue")
        self.addCleanup(s.remove)
        s.deploy(COUNTER)
        writers = [Writer(s.server.port, ["w%d-%d" % (w, i) for i in range(4)], "%s/%d" % (SEED, w)) for w in range(3)]
        for w in writers:
            w.start()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.02, 0.5))
            dice = rng.random()
            if dice < 0.7:
                s.d.stop(signal.SIGKILL)
            if dice > 0.5:
                s.server.stop()
                time.sleep(rng.choice([0, 0.2]))
                s.start_server()
            if dice < 0.7:
                s.d.start()
        for w in writers:
            w.ending = True
        for w in writers:
            w.join(WAIT)
        s.wait_served()
        s.client = Client(s.server.port)
        await_("an empty queue", lambda: left(s.client) == 0)
        total = 0
        for w in writers:
            for name, count in w.sent.items():
                seen = s.client.ask("get", {"machine": "counter", "key": name}).json
                events = [r.get("trigger") for r in self.history(s, seen["id"])]
                self.assertEqual((seen["context"], events.count("ADD"), seen["rev"]), ({"n": count, "in_order": True}, count, count + 1), (SEED, name, s.d.logged()[-2000:]))
                total += count
        self.assertEqual(s.d.stop(), 0)
        print("%d commands, each once and in order, over %d kills (seed %s)" % (total, KILLS, SEED))

    def history(self, s, instance):
        """Without refusals: those of a message that came twice are on record, too."""
        items, after = [], None
        while True:
            page = s.client.ask("get", {"instance": instance, "view": "history", "limit": 1000, "after": after}).json
            items += [r for r in page["items"] if r["outcome"] != "refused"]
            after = page["next"]
            if after is None:
                return items


if __name__ == "__main__":
    if not there():
        print("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)")
        sys.exit(77)
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        KILLS = int(sys.argv.pop(1))
    if len(sys.argv) > 1 and KILLS != 20:
        SEED = sys.argv.pop(1)
    unittest.main(verbosity=1)
