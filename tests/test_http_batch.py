#!/usr/bin/env python3
"""test_http_batch.py: POST /v1/events and /v1/commands over a real fsmd: each by itself, in their order."""
import http.client
import json
import threading
import unittest

from http_daemon import Case, token


class Batch(Case):
    def post(self, *events, **more):
        return self.d.request("POST", "/v1/events", {"events": list(events)}, **more)

    def item_problem(self, item, status, code, where=None):
        self.assertEqual(set(item), {"status", "problem"}, item)
        self.assertEqual((item["status"], item["problem"]["status"], item["problem"]["code"]), (status, status, code))
        self.assertEqual(item["problem"]["type"], "urn:fsmd:error:" + code)
        self.assertTrue(item["problem"]["detail"])
        if where is not None:
            self.assertEqual(item["problem"].get("where"), where, item)

    def test_each_event_has_its_own_answer_in_their_order(self):
        one, two = self.started(), self.started(key="B1")
        answer = self.post(
            {"instance": one, "event": "SUBMIT"},
            {"instance": one, "event": "NONE"},
            {"machine": "doc", "key": "B1", "event": "SUBMIT", "correlation": "mine"},
            {"instance": one, "event": "APPROVE"},
            {"instance": "nobody", "event": "SUBMIT"},
        )
        self.assertEqual((answer.status, answer.json["taken"], answer.json["refused"]), (200, 3, 2), answer)
        items = answer.json["items"]
        self.assertEqual([i["status"] for i in items], [200, 422, 200, 200, 404])
        self.assertEqual(items[0]["answer"]["to"], ["review"])
        self.assertEqual((items[2]["answer"]["instance"], items[2]["answer"]["correlation"]), (two, "mine"))
        self.assertEqual(items[3]["answer"]["status"], "completed")
        self.item_problem(items[1], 422, "unknown_event", "event")
        self.item_problem(items[4], 404, "unknown_instance")
        self.assertEqual(items[0]["answer"]["correlation"], answer.headers["X-Correlation-ID"])
        self.assertEqual(items[4]["problem"]["correlation"], answer.headers["X-Correlation-ID"])

    def test_what_is_no_command_is_refused_alone_and_says_where(self):
        one = self.started()
        answer = self.post(
            {"event": "SUBMIT"},
            {"instance": one, "key": "x", "event": "SUBMIT"},
            {"instance": one},
            {"instance": one, "event": "SUBMIT", "colour": 1},
            "SUBMIT",
            {"instance": one, "event": "SUBMIT"},
            {"instance": one, "event": "APPROVE", "idem": "\u00e9"},
            {"instance": one, "event": "APPROVE", "expect_rev": -1},
            {"instance": one, "event": "X" * 300},
            {"instance": one, "event": "APPROVE", "correlation": "a\nb"},
        )
        self.assertEqual((answer.status, answer.json["taken"], answer.json["refused"]), (200, 1, 9), answer)
        items = answer.json["items"]
        self.item_problem(items[0], 400, "invalid_argument", "/events/0/instance")
        self.item_problem(items[1], 400, "invalid_argument", "/events/1/instance")
        self.item_problem(items[2], 400, "malformed", "/events/2/event")
        self.item_problem(items[3], 400, "malformed", "/events/3/colour")
        self.item_problem(items[4], 400, "malformed", "/events/4")
        self.item_problem(items[6], 400, "invalid_argument", "/events/6/idem")
        self.item_problem(items[7], 400, "malformed", "/events/7/expect_rev")
        self.item_problem(items[8], 413, "too_large", "/events/8/event")
        self.item_problem(items[9], 400, "invalid_argument", "/events/9/correlation")
        self.assertEqual(self.state(one)[2], ["review"])
        self.assertEqual(self.post({"event": "SUBMIT"}).json["refused"], 1)

    def test_keys_revisions_and_absent_instances_are_of_each_event(self):
        one = self.started()
        self.deployed()
        events = [
            {"instance": one, "event": "SUBMIT", "idem": "b-" + one, "expect_rev": 1},
            {"instance": one, "event": "SUBMIT", "idem": "b-" + one},
            {"instance": one, "event": "APPROVE", "expect_rev": 9},
            {"machine": "doc", "key": "B-new", "event": "SUBMIT", "if_absent": True, "labels": {"a": "b"}},
        ]
        items = self.post(*events).json["items"]
        self.assertEqual([i["status"] for i in items], [200, 200, 412, 200], items)
        self.assertTrue(items[1]["answer"]["replayed"])
        self.assertEqual(items[1]["answer"]["seq"], items[0]["answer"]["seq"])
        self.item_problem(items[2], 412, "stale")
        self.assertTrue(items[3]["answer"]["created"])

    def test_who_sent_them_is_in_each_record(self):
        one = self.started()
        self.post({"instance": one, "event": "SUBMIT"}, auth=token(sub="bea"))
        items = self.d.request("GET", "/v1/instances/%s/history" % one).json["items"]
        self.assertEqual(items[-1]["act"]["sub"], "bea")

    def test_its_limits(self):
        self.problem(self.post(), 400, "invalid_argument", "/events")
        self.problem(self.d.request("POST", "/v1/events", {}), 400, "malformed", "/events")
        self.problem(self.d.request("POST", "/v1/events", {"events": {}}), 400, "malformed", "/events")
        self.problem(self.d.request("POST", "/v1/events", []), 400, "malformed")
        self.problem(self.post({"event": "A"}, headers={"Idempotency-Key": "k"}), 400, "invalid_argument",
                     "Idempotency-Key")
        self.problem(self.post({"event": "A"}, headers={"If-Match": '"1"'}), 400, "invalid_argument", "If-Match")
        self.problem(self.post({"event": "A"}, auth="x.y.z"), 401, "bad_token")
        many = [{"instance": "n", "event": "A"}] * 1000
        answer = self.post(*many)
        self.assertEqual((answer.status, answer.json["taken"], answer.json["refused"]), (200, 0, 1000))
        self.assertEqual(len(answer.json["items"]), 1000)
        self.problem(self.post(*many, many[0]), 413, "too_large", "/events")
        self.problem(self.post({"instance": "n", "event": "A", "data": "x" * (1 << 20)}), 413, "too_large", "body")

    def test_dry_runs_of_large_records_are_told_as_far_as_16_MiB_go(self):
        fat = {"id": "fat", "initial": "a", "context": {"big": "", "too": ""}, "states": {"a": {"on": {
            "BIG": {"context": {"big": {"@expr": "event.blob"}}}, "COPY": {"context": {"too": {"@expr": "context.big"}}}}}}}
        self.assertIn(self.d.request("POST", "/v1/machines", fat, local=True).status, (200, 201))
        one = self.d.request("POST", "/v1/instances", {"machine": "fat"}).json["instance"]
        answer = self.d.request("POST", "/v1/instances/%s/events" % one, {"event": "BIG", "data": {"blob": "b" * 60000}})
        self.assertEqual(answer.status, 200, answer)
        copies = {"events": [{"instance": one, "event": "COPY"}] * 400}
        items = self.d.request("POST", "/v1/events?dry_run=true", copies).json["items"]
        told = [i for i in items if i["status"] == 200]
        self.assertEqual(items, told + items[len(told):])  # the first ones
        sizes = [len(json.dumps(i, separators=(",", ":"))) for i in told]
        self.assertGreater(min(sizes), 60000)
        self.assertLess(sum(sizes[:-1]), 16 << 20)
        self.assertGreater(sum(sizes) + 10000, 16 << 20)
        self.assertGreater(len(items), len(told))
        for item in items[len(told):]:
            self.item_problem(item, 503, "busy")
        self.assertIn("another request", items[-1]["problem"]["detail"])
        alone = self.d.request("POST", "/v1/events?dry_run=true", {"events": copies["events"][:1]}).json["items"]
        self.assertEqual(alone[0]["status"], 200)
        self.assertEqual(self.d.request("POST", "/v1/events", copies).json["taken"], 400)  # what is done is told, always

    def test_many_batches_at_once_and_clients_that_leave(self):
        ones = [self.started() for _ in range(6)]
        before = [self.state(one)[0] for one in ones]
        events = [{"instance": one, "event": e} for one in ones for e in ("SUBMIT", "RETRY")]
        body = json.dumps({"events": events}).encode()
        headers = {"Content-Type": "application/json", "Authorization": "Bearer " + token()}
        gone = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=60)
        gone.request("POST", "/v1/events", body, headers)
        gone.close()
        seen = []
        threads = [threading.Thread(target=lambda: seen.append(self.post(*events))) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual({(a.status, len(a.json["items"])) for a in seen}, {(200, len(events))})
        for one, rev in zip(ones, before):  # SUBMIT, RETRY, SUBMIT: the guard takes RETRY once
            self.assertEqual(self.state(one), (rev + 3, "running", ["review"]))
        self.assertEqual(self.d.request("POST", "/v1/verify", local=True).status, 200)


class Commands(Case):
    def post(self, *commands, **more):
        return self.d.request("POST", "/v1/commands", {"commands": list(commands)}, **{"local": True, **more})

    def told(self, answer):
        return [(i["status"], (i.get("problem") or {}).get("where"), (i.get("problem") or {}).get("code")) for i in answer.json["items"]]

    def test_each_has_the_answer_that_it_has_alone(self):
        one, two = self.started("SUBMIT"), self.started(key="C1")
        answer = self.post(
            {"command": "pause", "instance": one, "reason": "r", "idem": "c-" + one, "expect_rev": 2},
            {"command": "pause", "instance": one, "reason": "r", "idem": "c-" + one},
            {"command": "resume", "instance": one, "reason": "r", "correlation": "mine"},
            {"command": "set", "machine": "doc", "key": "C1", "reason": "r", "data": {"retries": 7}},
            {"command": "force", "instance": two, "reason": "r", "states": ["review"]},
            {"command": "note", "instance": two, "reason": "said"},
            {"command": "resume", "instance": two, "reason": "r"},
            {"command": "skip", "instance": two, "reason": "r", "name": "none"},
            {"command": "cancel", "instance": one, "reason": "r"},
            {"command": "note", "instance": "nobody", "reason": "r"},
        )
        self.assertEqual((answer.status, answer.json["taken"], answer.json["refused"]), (200, 7, 3), answer)
        items = answer.json["items"]
        self.assertEqual([i["status"] for i in items], [200, 200, 200, 200, 200, 200, 409, 404, 200, 404])
        self.assertTrue(items[1]["answer"]["replayed"])
        self.assertEqual(items[2]["answer"]["correlation"], "mine")
        self.assertEqual(items[4]["answer"]["to"], ["review"])
        alone = self.d.request("POST", "/v1/instances/%s/resume" % two, {"reason": "r"}, local=True).json
        self.assertEqual({**items[6]["problem"], "correlation": 0}, {**alone, "correlation": 0})
        records = self.d.request("GET", "/v1/instances/%s/history" % two).json["items"]
        self.assertEqual([r["kind"] for r in records][1:4], ["admin", "forced", "note"])
        self.assertEqual(self.state(one)[1], "cancelled")

    def test_what_is_no_command_is_refused_alone_and_says_where(self):
        one = self.started()
        answer = self.post(
            "pause",
            {"instance": one, "reason": "r"},
            {"command": "send", "instance": one, "reason": "r"},
            {"command": "pause", "instance": one},
            {"command": "pause", "instance": one, "reason": "r", "states": ["review"]},
            {"command": "set", "instance": one, "reason": "r"},
            {"command": "pause", "reason": "r"},
            {"command": "pause", "instance": one, "reason": "r", "idem": "\u00e9"},
            {"command": "note", "instance": one, "reason": "r"},
        )
        self.assertEqual(self.told(answer), [
            (400, "/commands/0", "malformed"), (400, "/commands/1/command", "malformed"), (400, "/commands/2/command", "malformed"),
            (400, "/commands/3/reason", "malformed"), (400, "/commands/4/states", "malformed"), (400, "/commands/5/data", "malformed"),
            (400, "/commands/6/instance", "invalid_argument"), (400, "/commands/7/idem", "invalid_argument"), (200, None, None)])
        self.assertEqual(self.state(one)[1], "running")

    def test_they_are_for_admins_and_bounded_and_may_be_dry(self):
        one = self.started()
        pause = {"command": "pause", "instance": one, "reason": "r"}
        self.problem(self.post(pause, local=False), 403, "not_permitted")
        self.problem(self.post(pause, local=False, auth="x.y.z"), 401, "bad_token")
        self.problem(self.post(), 400, "invalid_argument", "/commands")
        self.problem(self.d.request("POST", "/v1/commands", {"events": [pause]}, local=True), 400, "malformed")
        self.problem(self.post(*[pause] * 1001), 413, "too_large", "/commands")
        dry = self.d.request("POST", "/v1/commands?dry_run=true", {"commands": [pause, {**pause, "command": "resume"}]}, local=True)
        self.assertEqual([len((i.get("answer") or i.get("problem"))["records"]) for i in dry.json["items"]], [1, 1], dry)
        self.assertEqual(self.state(one)[:2], (1, "running"))


if __name__ == "__main__":
    unittest.main()
