#!/usr/bin/env python3
"""test_allow.py: who may, over a real fsmd with real tokens and the command line, with examples/loan-approval-roles.json:
what roles may do, what they may not, and what is said and recorded then.
"""
import json
import os
import subprocess
import unittest

from http_daemon import Daemon, token

SOURCE = os.environ.get("FSM_SOURCE_DIR", os.path.join(os.path.dirname(__file__), ".."))
CLI = os.path.join(os.environ.get("FSM_BUILD_DIR", "build/dev"), "fsm-cli")
EXAMPLE = os.path.join(SOURCE, "examples", "loan-approval-roles.json")
M = "loan-approval-roles"

CARA = token(sub="cara", roles=["clerk"])
OTTO = token(sub="otto", roles=["officer"])
CARO = token(sub="cara", roles=["clerk", "officer"])
BEA = token(sub="bea", roles=["board"])
AXEL = token(sub="axel", roles=["auditor"])
NOBODY = token(sub="nobody")


class Allow(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon("--auth", "optional")
        with open(EXAMPLE, encoding="utf-8") as example:
            answer = cls.d.request("POST", "/v1/machines", json.load(example), local=True)
        assert answer.status == 201, answer

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()

    count = 0

    def ask(self, who, method, path, body=None, **headers):
        """who: a token; "" nobody."""
        return self.d.request(method, path, body, auth=who, headers=headers)

    def entered(self, amount=1000):
        Allow.count += 1
        ref = f"loan-{Allow.count}"
        answer = self.ask(CARA, "POST", "/v1/instances", {"machine": M, "id": ref, "input": {"amount": amount, "enteredBy": "cara"}})
        self.assertEqual(answer.status, 201, answer)
        return ref

    def send(self, who, ref, event, data=None):
        return self.ask(who, "POST", f"/v1/instances/{ref}/events", {"event": event, **({"data": data} if data else {})})

    def submitted(self, amount=1000):
        ref = self.entered(amount)
        self.assertEqual(self.send(CARA, ref, "SUBMIT").status, 200)
        return ref

    def refused(self, answer, *expressions):
        self.assertEqual((answer.status, answer.json["code"]), (403, "not_permitted"), answer)
        self.assertEqual(answer.json["type"], "urn:fsmd:error:not_permitted")
        self.assertEqual([allow["expression"] for allow in answer.json["refusal"]["allow"]], list(expressions))
        self.assertNotIn("candidates", answer.json["refusal"])
        return answer.json

    def last_refusal(self, ref):
        items = self.ask(CARA, "GET", f"/v1/instances/{ref}/history").json["items"]
        return [record for record in items if record["kind"] == "rejected"][-1]

    def state(self, ref):
        return self.ask(CARA, "GET", f"/v1/instances/{ref}").json["state"]

    def test_an_officer_may_approve_and_the_one_who_entered_it_may_not(self):
        ref = self.submitted()
        rev = self.ask(CARA, "GET", f"/v1/instances/{ref}").json["rev"]
        said = self.refused(self.send(CARO, ref, "APPROVE"), "actor.sub != context.enteredBy", "'board' in actor.roles")
        self.assertIn('event "APPROVE" in state "decision" is not permitted (asked by "cara"): it needs actor.sub != context.enteredBy', said["detail"])
        self.assertNotIn("1000", json.dumps(said))
        self.assertEqual(self.ask(CARA, "GET", f"/v1/instances/{ref}").json["rev"], rev)
        record = self.last_refusal(ref)
        self.assertEqual((record["reason"], record["act"]["sub"], record["trigger"]), ("not_permitted", "cara", "APPROVE"))
        self.assertEqual(record["detail"]["allow"][0]["where"], "/states/decision/meta/fsm/allow")
        self.assertEqual(self.send(OTTO, ref, "APPROVE").status, 200)
        self.assertEqual(self.ask(OTTO, "GET", f"/v1/instances/{ref}").json["context"]["decidedBy"], "otto")

    def test_above_the_limit_it_is_the_boards(self):
        ref = self.submitted(90000)
        answer = self.send(OTTO, ref, "APPROVE")
        self.assertEqual((answer.status, answer.json["code"]), (403, "not_permitted"), answer)
        self.assertEqual(answer.json["refusal"]["allow"][0]["expression"], "'board' in actor.roles")
        self.assertEqual([c["guard"] for c in answer.json["refusal"]["candidates"]], ["context.amount <= 50000.0"])
        self.assertEqual(self.send(BEA, ref, "APPROVE").status, 200)

    def test_nobody_without_a_name_may_start_or_send(self):
        ref = self.submitted()
        body = {"machine": M, "id": "never", "input": {"amount": 1, "enteredBy": "cara"}}
        for who in ("", NOBODY):
            said = self.refused(self.ask(who, "POST", "/v1/instances", body), "has(actor.sub) && has(actor.roles)")
            self.assertIn("starting loan-approval-roles is not permitted", said["detail"])
            for event in ("APPROVE", "REJECT", "SUBMIT"):
                self.refused(self.send(who, ref, event, {"reason": "no"} if event == "REJECT" else None), "has(actor.sub) && has(actor.roles)")
        self.assertEqual(self.ask(CARA, "GET", "/v1/instances/never").status, 404)
        self.assertEqual(self.state(ref), ["decision"])

    def test_what_may_be_sent_says_by_whom_and_knows_who_asks(self):
        ref = self.submitted()
        for who, permitted in ((OTTO, [True, False, True]), (BEA, [False, True, True]), (CARO, [False, False, False]), ("", [False, False, False])):
            events = self.ask(who, "GET", f"/v1/instances/{ref}/events").json["events"]
            self.assertEqual([event["permitted"] for event in events], permitted)
        self.assertEqual([allow["expression"] for allow in events[0]["allow"]], ["has(actor.sub) && has(actor.roles)", "actor.sub != context.enteredBy", "'officer' in actor.roles"])

    def test_a_task_is_had_and_answered_by_auditors_only(self):
        ref = self.submitted()
        self.assertEqual(self.send(OTTO, ref, "APPROVE").status, 200)
        answer = self.ask(OTTO, "POST", "/v1/tasks/claim", {"service": "identity-check", "limit": 100})
        self.assertEqual((answer.status, answer.json["code"]), (403, "not_permitted"), answer)
        claimed = self.ask(AXEL, "POST", "/v1/tasks/claim", {"service": "identity-check", "limit": 100}).json["items"]
        mine = [task["token"] for task in claimed if task["instance"] == ref]
        self.assertEqual(len(mine), 1)
        self.refused(self.ask(OTTO, "POST", f"/v1/tasks/{mine[0]}/complete", {}), "'auditor' in actor.roles && actor.sub != context.decidedBy")
        self.refused(self.ask("", "POST", f"/v1/tasks/{mine[0]}/fail", {}), "'auditor' in actor.roles && actor.sub != context.decidedBy")
        self.assertEqual(self.last_refusal(ref)["reason"], "not_permitted")
        self.assertEqual(self.ask(AXEL, "POST", f"/v1/tasks/{mine[0]}/complete", {}).status, 200)
        self.assertEqual(self.state(ref), ["paid"])

    def test_a_refused_key_may_be_used_again(self):
        ref = self.submitted()
        for who, status in ((AXEL, 403), (OTTO, 200)):
            answer = self.ask(who, "POST", f"/v1/instances/{ref}/events", {"event": "APPROVE"}, **{"Idempotency-Key": "k"})
            self.assertEqual(answer.status, status, answer)

    def test_each_event_of_a_batch_is_asked_for(self):
        one, two = self.submitted(), self.submitted(90000)
        answer = self.ask(OTTO, "POST", "/v1/events", {"events": [{"instance": ref, "event": "APPROVE"} for ref in (one, two)]})
        self.assertEqual([item["status"] for item in answer.json["items"]][1], 403, answer)
        self.assertEqual((answer.json["taken"], answer.json["refused"]), (1, 1))

    def cli(self, *args, **env):
        run = subprocess.run([CLI, "--url", f"http://127.0.0.1:{self.d.port}", *args], capture_output=True, text=True, timeout=60,
                             env={**os.environ, "COLUMNS": "200", **env}, check=False)
        return run.returncode, run.stdout, run.stderr

    def test_the_command_line_says_who_may(self):
        ref = self.submitted()
        code, _, err = self.cli("send", ref, "APPROVE", FSM_TOKEN=AXEL)
        self.assertEqual(code, 5)
        self.assertIn('is not permitted (asked by "axel")', err)
        self.assertIn("  needs: 'officer' in actor.roles\n", err)
        self.assertIn("(/states/decision/on/APPROVE/0/meta/fsm/allow of the definition)", err)
        self.assertIn(f"see: fsm-cli events {ref}", err)
        code, out, _ = self.cli("events", ref, FSM_TOKEN=OTTO)
        self.assertEqual(code, 0)
        self.assertIn("WHO MAY", out)
        self.assertRegex(out, r"APPROVE +yes +checks +you: has\(actor.sub\)")
        self.assertRegex(out, r"not you, for want of: ")

    def test_a_definition_is_tried_as_somebody(self):
        script = "\n".join(json.dumps(line) for line in (
            {"actor": {"sub": "cara", "roles": ["clerk"]}}, {"event": "SUBMIT"},
            {"event": "APPROVE"}, {"actor": {"sub": "otto", "roles": ["officer"]}}, {"event": "APPROVE"}))
        path = os.path.join(self.d.dir, "script.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(script + "\n")
        run = subprocess.run([CLI, "def", "simulate", EXAMPLE, "-f", path, "--input", '{"amount": 10, "enteredBy": "cara"}', "--actor",
                              '{"sub": "cara", "roles": ["clerk"]}'], capture_output=True, text=True, timeout=60, check=False)
        self.assertIn("not_permitted", run.stdout + run.stderr, run)
        self.assertIn("checks", run.stdout, run)

    def test_the_journal_holds_it_all(self):
        self.refused(self.send(AXEL, self.entered(), "SUBMIT"), "'clerk' in actor.roles", "actor.sub == context.enteredBy")
        answer = self.d.request("POST", "/v1/verify", local=True)
        self.assertEqual(answer.status, 200, answer)


if __name__ == "__main__":
    unittest.main()
