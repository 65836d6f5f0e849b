#!/usr/bin/env python3
"""test_http_admin.py: what operators do to instances over a real fsmd: pause, resume, cancel, force, set,
note, retry, skip; and starts and sends that make an instance only when it is absent.

Each refusal is checked by status and problem code, and against a state that must not have moved.
"""
import getpass
import os
import subprocess
import unittest

from http_daemon import FSMD, Case, ref, token

PARKED = {
    "id": "parked",
    "initial": "idle",
    "context": {"amount": 1},
    "schemas": {
        "context": {
            "type": "object",
            "properties": {"amount": {"type": "integer"}},
            "additionalProperties": False,
        }
    },
    "states": {
        "idle": {
            "on": {
                "WORK": "working",
                "DIVIDE": {"context": {"amount": {"@expr": "1 / (context.amount - context.amount)"}}},
            }
        },
        "working": {
            "invoke": {"id": "job", "src": "nobody", "onDone": "done", "onError": "idle"},
            "after": {"1000000": "idle"},
        },
        "done": {"type": "final"},
    },
}


class Admin(Case):
    def order(self, instance, verb, local=True, **body):
        headers = body.pop("headers", None)
        body.setdefault("reason", "ticket 7")
        body = {k: v for k, v in body.items() if v is not None}
        path = "/v1/instances/%s/%s" % (ref(instance), verb)
        return self.d.request("POST", path, body, headers=headers, local=local)

    def parked(self, *events):
        type(self).count += 1
        answer = self.d.request("POST", "/v1/machines", PARKED)
        self.assertIn(answer.status, (200, 201), answer)
        body = {"machine": "parked", "id": "parked-%d" % self.count}
        self.assertEqual(self.d.request("POST", "/v1/instances", body).status, 201)
        for event in events:
            self.send(body["id"], event)
        return body["id"]

    def last(self, instance):
        answer = self.d.request("GET", "/v1/instances/%s/history?limit=1000" % ref(instance))
        return answer.json["items"][-1]

    def test_pause_and_resume(self):
        one = self.started()
        answer = self.order(one, "pause")
        self.assertEqual((answer.status, answer.json["status"], answer.json["rev"]), (200, "paused", 2), answer)
        self.assertEqual(answer.headers["ETag"], '"2"')
        self.problem(self.send(one, "SUBMIT"), 409, "paused")
        self.problem(self.order(one, "pause"), 409, "paused")
        self.assertEqual(self.order(one, "resume").json["status"], "running")
        self.assertEqual(self.send(one, "SUBMIT").status, 200)
        self.problem(self.order(one, "resume"), 409, "running")

    def test_the_record_says_who_did_it_and_why(self):
        one = self.started()
        self.assertEqual(self.order(one, "note", reason="called the customer").status, 200)
        record = self.last(one)
        self.assertEqual((record["kind"], record["cause"]), ("note", "admin"))
        self.assertEqual(record["detail"]["reason"], "called the customer")
        self.assertEqual((record["act"]["type"], record["act"]["authn"]), ("local", "local"))

    def test_cancel_ends_it(self):
        one = self.started()
        self.assertEqual(self.order(one, "cancel").json["status"], "cancelled")
        self.problem(self.order(one, "cancel"), 409, "completed")
        self.assertEqual(self.order(one, "note").status, 200)

    def test_force_sets_the_configuration(self):
        one = self.started()
        answer = self.order(one, "force", states=["review"])
        self.assertEqual((answer.status, answer.json["to"]), (200, ["review"]), answer)
        before = self.state(one)
        self.assertEqual(self.order(one, "force", states=["nowhere"]).status // 100, 4)
        self.problem(self.order(one, "force", states="draft"), 400, "malformed", "/states")
        self.assertIn(self.order(one, "force").status, (400, 422))
        self.assertEqual(self.state(one), before)

    def test_set_patches_the_context(self):
        one = self.parked()
        answer = self.order(one, "set", data={"amount": 5})
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(self.d.request("GET", "/v1/instances/" + one).json["context"]["amount"], 5)
        before = self.state(one)
        self.problem(self.order(one, "set", data={"amount": "much"}), 422, "invalid_data")
        self.problem(self.order(one, "set"), 400, "malformed", "/data")
        self.problem(self.order(one, "set", data=[]), 400, "malformed", "/data")
        self.assertEqual(self.state(one), before)

    def test_an_incident_is_tried_again_and_passed_over(self):
        one = self.parked("DIVIDE")
        self.assertEqual(self.state(one)[1], "incident")
        self.problem(self.order(one, "retry"), 409, "incident")  # it would be done twice
        self.assertEqual(self.order(one, "skip").status, 200)
        self.assertEqual(self.state(one)[1:], ("running", ["idle"]))

    def test_a_task_is_passed_over_with_an_output(self):
        one = self.parked("WORK")
        self.assertEqual(self.state(one)[2], ["working"])
        self.assertEqual(self.order(one, "skip", name="nothing").status // 100, 4)
        self.assertEqual(self.order(one, "retry", name="job").status, 200)
        answer = self.order(one, "skip", name="job", data={"ok": True})
        self.assertEqual((answer.status, answer.json["status"]), (200, "completed"), answer)

    def test_the_same_key_gives_the_first_answer_and_a_revision_is_held(self):
        one = self.started()
        key = {"Idempotency-Key": "k-" + one}
        first = self.order(one, "pause", headers=key)
        second = self.order(one, "pause", headers=key)
        self.assertEqual((second.status, second.json["seq"], second.json["replayed"]), (200, first.json["seq"], True))
        self.problem(self.order(one, "resume", headers={"If-Match": '"1"'}), 412, "stale")
        self.assertEqual(self.order(one, "resume", headers={"If-Match": '"2"'}).status, 200)

    def test_it_needs_a_reason_and_takes_no_other_members(self):
        one = self.started()
        before = self.state(one)
        for verb in ("pause", "resume", "cancel", "force", "set", "note", "retry", "skip"):
            self.problem(self.order(one, verb, reason=None), 400, "malformed", "/reason")
            self.problem(self.order(one, verb, reason=""), 400, "malformed", "/reason")
            self.problem(self.order(one, verb, why="x"), 400, "malformed", "/why")
        self.problem(self.order(one, "note", reason="x" * 1025), 413, "too_large", "reason")
        self.problem(self.order(one, "pause", data={}), 400, "malformed", "/data")
        self.problem(self.order(one, "cancel", states=[]), 400, "malformed", "/states")
        self.assertEqual(self.state(one), before)

    def test_it_is_for_admins(self):
        one = self.started()
        before = self.state(one)
        for verb in ("pause", "resume", "cancel", "force", "set", "note", "retry", "skip"):
            self.problem(self.order(one, verb, local=False), 403, "not_permitted")
        self.assertEqual(self.state(one), before)

    def test_the_list_of_people_is_for_admins_and_those_of_one_instance_are_not(self):
        one = self.started("SUBMIT")
        for auth in (token(), token(sub="otto", roles=["clerk"])):
            self.problem(self.d.request("GET", "/v1/actors", auth=auth), 403, "not_permitted")
            self.assertEqual(self.d.request("GET", "/v1/instances/%s/why" % one, auth=auth).status, 200)
            self.assertEqual(self.d.request("GET", "/v1/instances?with=who", auth=auth).status, 200)
            self.assertEqual(self.d.request("GET", "/v1/search?q=otto", auth=auth).status, 200)
        for admin in ({"auth": token(aud="fsmd-admin")}, {"local": True}):
            answer = self.d.request("GET", "/v1/actors", **admin)
            self.assertEqual(answer.status, 200, answer)
            self.assertTrue(answer.json["items"])

    def test_unknown_instances_and_verbs(self):
        self.deployed()
        self.problem(self.order("nobody", "pause"), 404, "unknown_instance")
        self.problem(self.order("doc/key:nobody", "pause"), 404, "unknown_instance")
        self.problem(self.order("nobody", "destroy"), 404, "not_found")
        self.problem(self.d.request("GET", "/v1/instances/nobody/pause", local=True), 405, "method_not_allowed")


class Absent(Case):
    def test_a_start_that_finds_its_key_is_answered_with_that_instance(self):
        self.deployed()
        body = {"machine": "doc", "key": "S1", "if_absent": True}
        first = self.d.request("POST", "/v1/instances", body)
        second = self.d.request("POST", "/v1/instances", body)
        self.assertEqual((first.status, second.status), (201, 200), second)
        self.assertEqual(second.json["instance"], first.json["instance"])
        self.problem(self.d.request("POST", "/v1/instances", dict(body, if_absent=False)), 409, "exists")
        self.problem(self.d.request("POST", "/v1/instances", {"machine": "doc", "if_absent": True}), 400,
                     "invalid_argument", "key")
        self.problem(self.d.request("POST", "/v1/instances", dict(body, if_absent=1)), 400, "malformed", "/if_absent")

    def test_a_send_makes_the_instance_it_is_for(self):
        self.deployed()
        path = "/v1/instances/doc%2Fkey:A1/events"
        body = {"event": "SUBMIT", "if_absent": True, "labels": {"team": "red"}}
        answer = self.d.request("POST", path, body)
        self.assertEqual((answer.status, answer.json["to"], answer.json["rev"]), (200, ["review"], 1), answer)
        self.assertTrue(answer.json["created"])
        one = self.d.request("GET", "/v1/instances/" + answer.json["instance"]).json
        self.assertEqual((one["key"], one["labels"]), ("A1", {"team": "red"}))
        again = self.d.request("POST", path, {"event": "APPROVE", "if_absent": True})
        self.assertEqual((again.json["instance"], again.json["status"]), (answer.json["instance"], "completed"))

    def test_a_refused_event_makes_nothing(self):
        self.deployed()
        path = "/v1/instances/doc%2Fkey:A2/events"
        self.problem(self.d.request("POST", path, {"event": "APPROVE", "if_absent": True}), 409, "no_transition")
        self.problem(self.d.request("POST", path, {"event": "SUBMIT"}), 404, "unknown_instance")
        self.problem(self.d.request("POST", path, {"event": "SUBMIT", "input": {}}), 400, "invalid_argument",
                     "if_absent")
        self.problem(self.d.request("POST", path, {"event": "SUBMIT", "if_absent": True, "version": 9}), 404,
                     "unknown_machine", "version")
        self.problem(self.d.request("GET", "/v1/instances/doc%2Fkey:A2"), 404, "unknown_instance")


class Machines(Case):
    def deploy(self, machine, description=None):
        body = {"id": machine, "initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {}}}
        if description:
            body["description"] = description
        answer = self.d.request("POST", "/v1/machines", body)
        self.assertIn(answer.status, (200, 201), answer)
        return answer.json

    def start(self, machine, **more):
        return self.d.request("POST", "/v1/instances", {"machine": machine, **more})

    def retire(self, machine, local=True, headers=None, **body):
        body.setdefault("reason", "replaced")
        body = {k: v for k, v in body.items() if v is not None}
        return self.d.request("POST", "/v1/machines/%s/retire" % machine, body, local=local, headers=headers)

    def machine(self, machine):
        return self.d.request("GET", "/v1/machines/" + machine)

    def test_a_retired_machine_takes_no_new_instances_until_it_is_deployed_again(self):
        self.deploy("old")
        one = self.start("old").json["instance"]
        answer = self.retire("old")
        self.assertEqual((answer.status, answer.json["machine"], answer.json["version"]), (200, "old", 1), answer)
        self.assertNotIn("ETag", answer.headers)
        self.assertNotIn("seq", self.retire("old").json)  # it is already
        self.problem(self.start("old"), 409, "retired", "machine")
        self.problem(self.start("old", version=1), 409, "retired", "version")
        shown = self.machine("old").json
        self.assertEqual((shown["retired"]["reason"], shown["retired"]["by"]), ("replaced", getpass.getuser()))
        self.assertNotIn("live", shown)
        self.assertEqual(self.send(one, "GO").status, 200)
        again = self.deploy("old")
        self.assertEqual((again["created"], again["version"]), (True, 2))
        self.assertEqual((self.start("old").status, self.machine("old").json["live"]), (201, 2))

    def test_one_version_is_retired(self):
        self.deploy("two")
        self.deploy("two", "b")
        self.assertEqual(self.retire("two", version=2).status, 200)
        self.assertEqual(self.start("two").json["version"], 1)
        self.problem(self.start("two", version=2), 409, "retired")

    def test_versions_are_listed_and_a_machine_has_an_entity_tag(self):
        first = self.deploy("many")
        for name in ("b", "c"):
            self.deploy("many", name)
        page = self.d.request("GET", "/v1/machines/many/versions?limit=2").json
        self.assertEqual([v["version"] for v in page["items"]], [3, 2])
        self.assertEqual(page["items"][0]["by"], "ann")
        page = self.d.request("GET", "/v1/machines/many/versions?limit=2&after=" + page["next"]).json
        self.assertEqual(([v["hash"] for v in page["items"]], page["next"]), ([first["hash"]], None))
        answer = self.d.request("GET", "/v1/machines/many?version=1")
        self.assertEqual(answer.headers["ETag"], '"%s-1-3"' % first["hash"])
        same = {"If-None-Match": answer.headers["ETag"]}
        self.assertEqual(self.d.request("GET", "/v1/machines/many?version=1", headers=same).status, 304)
        self.assertEqual(self.d.request("GET", "/v1/machines/many", headers=same).status, 200)
        self.assertEqual(self.retire("many", version=1).status, 200)
        retired = self.d.request("GET", "/v1/machines/many?version=1", headers=same)
        self.assertEqual((retired.status, retired.json["retired"]["reason"]), (200, "replaced"), retired)
        for i in range(3):
            self.deploy("page%d" % i)
        seen, after = [], ""
        while after is not None:
            page = self.d.request("GET", "/v1/machines?limit=2" + after).json
            self.assertLessEqual(len(page["items"]), 2)
            seen += [m["id"] for m in page["items"]]
            after = page["next"] and "&after=" + page["next"]
        whole = [m["id"] for m in self.d.request("GET", "/v1/machines").json["items"]]
        self.assertEqual(seen, whole)
        self.problem(self.d.request("GET", "/v1/machines?after=x"), 400, "invalid_argument", "after")
        self.problem(self.d.request("GET", "/v1/machines/many/versions?after=0"), 400, "invalid_argument", "after")
        self.problem(self.d.request("GET", "/v1/machines/nothing/versions"), 404, "unknown_machine")

    def test_what_cannot_be_retired_says_why_and_changes_nothing(self):
        self.deploy("kept")
        self.problem(self.retire("kept", local=False), 403, "not_permitted")
        self.problem(self.retire("kept", reason=None), 400, "malformed", "/reason")
        self.problem(self.retire("kept", version=0), 400, "malformed", "/version")
        self.problem(self.retire("kept", version=9), 404, "unknown_machine", "version")
        self.problem(self.retire("nothing"), 404, "unknown_machine", "machine")
        self.problem(self.retire("k%20t"), 400, "invalid_argument", "machine")
        self.problem(self.retire("kept", headers={"Idempotency-Key": "k"}), 400, "invalid_argument")
        self.problem(self.retire("kept", headers={"If-Match": '"1"'}), 400, "invalid_argument")
        self.assertNotIn("retired", self.machine("kept").json)
        self.assertEqual(self.start("kept").status, 201)
        self.assertEqual(self.d.request("POST", "/v1/verify", local=True).status, 200)

    def test_the_command_line_retires(self):
        self.deploy("cli")
        base = [os.path.join(os.path.dirname(FSMD), "fsm-cli"), "--data", self.d.data]
        run = lambda *words: subprocess.run(base + list(words), capture_output=True, text=True, timeout=60)
        got = run("def", "retire", "cli", "--reason", "it's \"over\"")
        self.assertEqual((got.returncode, got.stdout), (0, "cli is retired\n"), got)
        self.assertEqual(run("def", "retire", "cli", "--reason", "x").stdout, "cli was retired before\n")
        self.assertEqual(self.machine("cli").json["retired"]["reason"], 'it\'s "over"')
        self.assertEqual(run("def", "retire", "cli").returncode, 2)
        self.assertEqual(run("start", "cli").returncode, 4)
        self.assertEqual(run("def", "retire", "none", "--reason", "x").returncode, 3)


if __name__ == "__main__":
    unittest.main()
