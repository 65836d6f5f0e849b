#!/usr/bin/env python3
"""test_http_tasks.py: tasks over a real fsmd: listed, claimed, answered by whoever has them.

Each refusal is checked by status and problem code, and against a task that must not have moved.
"""
import shutil
import tempfile
import threading
import time
import unittest

from http_daemon import Case, Daemon, NatsServer, await_, ref, token


def machine(name, service, **policy):
    return {
        "id": name,
        "initial": "work",
        "schemas": {
            "context": {"type": "object", "properties": {"iban": {"type": "string", "x-pii": True}}},
            "events": {
                "xstate.done.actor.job": {
                    "type": "object",
                    "properties": {"ok": {"type": "boolean"}},
                    "required": ["ok"],
                }
            },
        },
        "states": {
            "work": {
                "invoke": {
                    "id": "job",
                    "src": service,
                    "input": {"n": 1, "iban": "DE02"},
                    "meta": {"fsm": {"attempts": 3, "timeout": "1h", "backoff": "1ms", **policy}},
                    "onDone": "done",
                    "onError": "failed",
                },
                "on": {"LEAVE": "failed"},
            },
            "done": {"type": "final"},
            "failed": {},
        },
    }


class Tasks(Case):
    def opened(self, count=1, **policy):
        """count instances of a machine of its own, whose service nobody else has; the service's name."""
        type(self).count += 1
        name = "%s%d" % (type(self).__name__, self.count)
        answer = self.d.request("POST", "/v1/machines", machine(name, "svc-" + name, **policy))
        self.assertEqual(answer.status, 201, answer)
        for i in range(count):
            body = {"machine": name, "id": "%s-%d" % (name, i), "key": "K%d" % i}
            self.assertEqual(self.d.request("POST", "/v1/instances", body).status, 201)
        return "svc-" + name

    def tasks(self, query):
        answer = self.d.request("GET", "/v1/tasks?" + query)
        self.assertEqual(answer.status, 200, answer)
        return answer.json["items"]

    def task(self, one):
        return self.d.request("GET", "/v1/tasks/" + one)

    def claim(self, service, limit=None, **more):
        body = {"service": service}
        if limit is not None:
            body["limit"] = limit
        return self.d.request("POST", "/v1/tasks/claim", body, **more)

    def claimed(self, service, **more):
        answer = self.claim(service, **more)
        self.assertEqual((answer.status, len(answer.json["items"])), (200, 1), answer)
        return answer.json["items"][0]

    def say(self, one, verb, body=None, **more):
        return self.d.request("POST", "/v1/tasks/%s/%s" % (one["token"], verb), body or {}, **more)

    def test_a_task_is_listed_claimed_and_completed(self):
        service = self.opened()
        listed = self.tasks("service=" + service)[0]
        self.assertEqual((listed["state"], listed["attempt"], listed["attempts"]), ("open", 1, 3))
        self.assertEqual((listed["input"], listed["key"]), ({"n": 1, "iban": "[masked]"}, "K0"))
        self.assertNotIn("deadline", listed)
        one = self.claimed(service, auth=token(sub="bea"))
        self.assertEqual((one["token"], one["state"], one["attempt"]), (listed["token"], "running", 1))
        self.assertEqual(one["input"], {"n": 1, "iban": "DE02"})  # whoever has it has it whole
        shown = self.task(one["token"]).json
        self.assertEqual({**shown, "input": one["input"]}, one)
        self.assertEqual(self.tasks("service=%s&state=open" % service), [])
        self.assertEqual(self.tasks("service=%s&state=running" % service)[0]["token"], one["token"])
        self.problem(self.say(one, "complete", {"output": {"ok": 7}}), 422, "invalid_data")
        self.assertEqual(self.task(one["token"]).status, 200)
        answer = self.say(one, "complete", {"attempt": 1, "output": {"ok": True}})
        self.assertEqual((answer.status, answer.json["status"]), (200, "completed"), answer)
        self.problem(self.task(one["token"]), 404, "unknown_task")
        self.problem(self.say(one, "complete", {"output": {"ok": True}}), 404, "unknown_task")
        history = self.d.request("GET", "/v1/instances/%s/history" % ref(one["instance"])).json["items"]
        began = [r for r in history if r["kind"] == "task_started"]
        self.assertEqual([(r["act"]["sub"], r["att"]) for r in began], [("bea", 1)])

    def test_nobody_gets_what_another_has(self):
        service = self.opened(count=40)
        got, threads = [], []

        def run(i):
            while True:
                answer = self.claim(service, limit=1 + i % 4, auth=token(sub="w%d" % i))
                if answer.status != 200 or not answer.json["items"]:
                    got.append(answer.status)
                    return
                got.extend(t["token"] for t in answer.json["items"])

        for i in range(8):
            threads.append(threading.Thread(target=run, args=(i,)))
            threads[-1].start()
        for t in threads:
            t.join()
        tokens = [g for g in got if isinstance(g, str)]
        self.assertEqual([g for g in got if isinstance(g, int)], [200] * 8)
        self.assertEqual((len(tokens), len(set(tokens))), (40, 40))
        self.assertEqual(len(self.tasks("limit=1000&state=running&service=" + service)), 40)
        self.assertEqual(self.d.request("POST", "/v1/verify", local=True).status, 200)

    def test_a_failure_is_tried_again_and_the_last_is_told_to_the_machine(self):
        service = self.opened(attempts=2)
        one = self.claimed(service)
        answer = self.say(one, "fail", {"attempt": 1, "error": "the printer is out", "retry_after": "1h"})
        self.assertEqual(answer.status, 200, answer)
        shown = self.task(one["token"]).json
        self.assertEqual((shown["state"], shown["attempt"]), ("waiting", 2))
        self.assertEqual(self.claim(service).json["items"], [])
        self.problem(self.say(one, "fail", {"attempt": 1}), 404, "unknown_task", "attempt")
        answer = self.say(one, "fail", {"final": True})
        self.assertEqual((answer.status, answer.json["to"]), (200, ["failed"]), answer)

    def test_a_retry_comes_back(self):
        service = self.opened()
        one = self.claimed(service)
        self.assertEqual(self.say(one, "fail").status, 200)
        await_("the second attempt", lambda: self.tasks("state=open&service=" + service))
        again = self.claimed(service)
        self.assertEqual((again["token"], again["attempt"]), (one["token"], 2))

    def test_who_claims_and_is_gone_loses_it_at_the_deadline(self):
        service = self.opened(timeout="300ms")
        one = self.claimed(service)
        await_("the second attempt", lambda: self.tasks("state=open&service=" + service))
        self.problem(self.say(one, "complete", {"attempt": 1, "output": {"ok": True}}), 404, "unknown_task", "attempt")
        self.assertEqual(self.claimed(service)["attempt"], 2)

    def kept_alive(self):
        """A task that was held for longer than a heartbeat may take. None: we were too slow ourselves, which shows nothing."""
        one, heard = self.claimed(self.opened(heartbeat="600ms")), time.monotonic()
        self.assertIn("heartbeat_by", one)
        for wait in (0.25,) * 5 + (0,):
            time.sleep(wait)
            if wait:
                said = self.say(one, "heartbeat", {"attempt": 1}).status == 200
            else:
                said = self.task(one["token"]).json["state"] == "running"
            if time.monotonic() - heard > 0.5:
                return None
            self.assertTrue(said)
            heard = time.monotonic()
        return one

    def test_a_heartbeat_keeps_it(self):
        one = self.kept_alive()
        while one is None:
            one = self.kept_alive()
        await_("its silence to be noticed", lambda: self.task(one["token"]).json["state"] != "running")
        self.problem(self.say(one, "heartbeat", {"attempt": 1}), 404, "unknown_task")

    def test_the_tasks_of_paused_instances_wait(self):
        service = self.opened()
        listed = self.tasks("service=" + service)[0]
        path = "/v1/instances/%s/" % listed["instance"]
        self.assertEqual(self.d.request("POST", path + "pause", {"reason": "x"}, local=True).status, 200)
        self.assertEqual(self.task(listed["token"]).json["state"], "waiting")
        self.assertEqual(self.claim(service).json["items"], [])
        self.assertEqual(self.d.request("POST", path + "resume", {"reason": "x"}, local=True).status, 200)
        self.claimed(service)

    def test_pages_and_filters(self):
        service = self.opened(count=5)
        whole = [t["token"] for t in self.tasks("service=" + service)]
        self.assertEqual(len(set(whole)), 5)
        seen, after = [], ""
        while after is not None:
            page = self.d.request("GET", "/v1/tasks?limit=2&service=%s%s" % (service, after)).json
            seen += [t["token"] for t in page["items"]]
            after = page["next"] and "&after=" + page["next"]
        self.assertEqual(seen, whole)
        name = service[4:]
        self.assertEqual(len(self.tasks("machine=" + name)), 5)
        self.assertEqual([t["key"] for t in self.tasks("instance=%s-3" % name)], ["K3"])
        self.assertEqual([t["key"] for t in self.tasks("instance=%s%%2Fkey:K2" % name)], ["K2"])
        self.assertEqual(self.tasks("instance=%s-3&state=running" % name), [])
        for query, code, where in (("state=closed", "invalid_argument", "state"),
                                   ("after=zz", "invalid_argument", "after"), ("after=00", None, None),
                                   ("limit=0", "invalid_argument", "?limit"), ("service=", "invalid_argument", "?service"),
                                   ("instance=", "invalid_argument", "?instance"), ("colour=1", "invalid_argument", "?colour"),
                                   ("instance=nobody", "unknown_instance", None), ("machine=none", "unknown_machine", "machine")):
            answer = self.d.request("GET", "/v1/tasks?" + query)
            if code:
                self.problem(answer, 404 if "unknown" in code else 400, code, where)

    def test_what_is_no_claim_and_no_answer_is_refused_and_changes_nothing(self):
        service = self.opened()
        one = self.tasks("service=" + service)[0]
        post = lambda path, body, **more: self.d.request("POST", "/v1/tasks/" + path, body, **more)
        for body, where in (({}, "/service"), ({"service": ""}, "/service"), ({"service": service, "limit": 0}, "/limit"),
                            ({"service": service, "limit": 101}, "/limit"), ({"service": service, "limit": "1"}, "/limit"),
                            ({"service": service, "who": "me"}, "/who"), ({"service": 1}, "/service")):
            self.problem(post("claim", body), 400, "malformed", where)
        self.problem(post("claim", {"service": service}, auth="x.y.z"), 401, "bad_token")
        self.problem(post("claim", {"service": service}, headers={"Idempotency-Key": "k"}), 400, "invalid_argument")
        for verb, body, where in (("complete", {"error": 1}, "/error"), ("complete", {"token": one["token"]}, "/token"),
                                  ("fail", {"output": 1}, "/output"), ("fail", {"final": 1}, "/final"),
                                  ("fail", {"retry_after": 5}, "/retry_after"), ("fail", {"retry_after": "x"}, "/retry_after"),
                                  ("heartbeat", {"attempt": 0}, "/attempt"), ("heartbeat", [], None)):
            self.problem(self.say(one, verb, body) if body != [] else post(one["token"] + "/heartbeat", []), 400,
                         "malformed", where)
        self.problem(self.say(one, "fail", {"retry_after": "2h"}), 413, "too_large", "/retry_after")
        for bad in ("00", "z" * 32, "0" * 32):
            self.problem(post(bad + "/complete", {}), 404, "unknown_task")
            self.problem(self.task(bad), 404, "unknown_task")
        self.assertEqual(self.task(one["token"]).json, one)


class Nats(unittest.TestCase):
    def test_tasks_that_no_worker_takes_are_claimed_all_the_same(self):
        if not NatsServer.there():
            self.skipTest("no nats-server")
        directory = tempfile.mkdtemp(prefix="test_http_tasks.")
        server = NatsServer(directory)
        server.start()
        d = Daemon("--nats", server.url)
        try:
            self.assertEqual(d.request("POST", "/v1/machines", machine("m", "svc")).status, 201)
            self.assertEqual(d.request("POST", "/v1/instances", {"machine": "m"}).status, 201)
            got = []
            claim = lambda: d.request("POST", "/v1/tasks/claim", {"service": "svc"}).json["items"]
            await_("the claim", lambda: got or got.extend(claim()) or got)
            path = "/v1/tasks/%s/complete" % got[0]["token"]
            self.assertEqual(d.request("POST", path, {"output": {"ok": True}}).json["status"], "completed")
            self.assertEqual(d.stop(), 0)
        finally:
            d.remove()
            server.stop()
            shutil.rmtree(directory)


if __name__ == "__main__":
    unittest.main(verbosity=2)
