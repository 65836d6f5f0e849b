#!/usr/bin/env python3
"""test_openapi.py: schema/openapi.json and what a real fsmd answers are the same, both ways: nothing is answered that
is not documented (status, header, media type, member), and what is documented is met at least once, or stands in a list
with the reason why it cannot be. Wrong requests, one fault each, are refused; random ones never make it fail.

FSM_TEST_REQUESTS: how many random requests (600). FSM_TEST_SEED: of which seed (another each day).
"""
import copy
import http.client
import json
import os
import shutil
import socket
import sys
import tempfile
import time
import unittest

try:
    import jsonschema  # noqa: F401
except ImportError:
    print("skipped: python3-jsonschema is not there")
    sys.exit(77)

import openapi_document as written
from openapi_probe import Answer, Book, Probe
from openapi_requests import Random, wrong_bodies, wrong_parameters
from openapi_scene import NOWHERE, SCENES, TOKEN, Scene
from http_daemon import WAIT, Daemon, token

REQUESTS = int(os.environ.get("FSM_TEST_REQUESTS", "600"))
SEED = int(os.environ.get("FSM_TEST_SEED", str(int(time.time()) // 86400)))

# ---- what cannot be met here, and why ------------------------------------------------------------------

STATUSES_NOT_MET = {
    ("*", 500): "the disk fails or stored data is damaged: test_http_life.py damages a segment",
    ("*", 507): "the disk is full: test_disk_full.c, test_operation.py",
    ("getHealth", 503): "the queue of readings is full, or it is stopping",
    ("getMetrics", 503): "the queue of readings is full, or it is stopping",
    ("getReady", 503): "the disk has no room or stands still: test_http_ready.py",
    ("startInstance", 429): "ten million starts with a key in a day",
    ("orderSink", 504): "a sink that does not answer for as long as an order may take",
    ("listRecords", 404): "`after` is before what retention keeps: test_feed.c, test_retention.c",
}
CODES_NOT_MET = {
    "out_of_memory": "memory runs out",
    "verification_failed": "the data was changed under the daemon",
    "timeout": "see (orderSink, 504)",
    "closed": "the daemon is stopping: test_http_life.py",
    "full": "see 507",
    "io": "see 500",
    "corrupt": "see 500",
    "format_version": "files of another version: fsmd does not start, or they came under it",
}
# Met when refusals follow one another fast enough to be summed, which the machine decides.
MEMBERS_OF_SPEED = {"Why/summed": "of refusals in quick succession: test_why.c"}
MEMBERS_NOT_MET = {
    "FoundInstance/gone": "of an instance that was purged: test_search.py",
    "Figures/left": "of instances that were purged: test_cli_labels.py",
    "Funnel/left": "of instances that were purged: test_cli_labels.py",
    "ActorPage/cut": "of thousands of people: test_people.c",
    "ActorSeen/iss": "of tokens with an issuer",
    "InstanceRow/sla": "of machines with an sla, or an allow: test_cli_find.py",
    "RowSla/due": "of machines with an sla, or an allow: test_cli_find.py",
    "RowSla/left_ns": "of machines with an sla, or an allow: test_cli_find.py",
    "RowSla/overdue_ns": "of machines with an sla, or an allow: test_cli_find.py",
    "RowSla/state": "of machines with an sla, or an allow: test_cli_find.py",
    "RowWho/people": "of machines with an sla, or an allow: test_cli_find.py",
    "RowWho/more": "of machines with an sla, or an allow: test_cli_find.py",
    "Findings/findings/items/code": "of damage",
    "Findings/findings/items/where": "of damage",
    "Why/sla": "of a machine with meta.fsm.sla: test_why.c",
    "Why/inbound": "of instances that send to one another: test_why.c",
    "Why/unasked": "of what costs too much: test_why_bound.c",
    "EnabledEvent/unasked": "of what costs too much: test_why_bound.c",
    "Why/why": "of one that nothing can move any more: test_why.c",
    "Health/refusing": "commands are refused: a full disk",
    "Stat/retention/last_error": "of an archive that cannot be written: test_retention.c",
    "RouteVersion/error": "of a route that an older version took and this one does not read",
    "FigureState/cut": "of records that are not kept any more: test_cli_reports.py",
    "Figures/archived": "of records that are not kept any more: test_cli_reports.py",
    "History/archived": "of records that are not kept any more: test_past_kept.c",
    "Funnel/archived": "of records that are not kept any more: test_cli_reports.py",
    "Figures/cut": "of thousands of states or events: test_survey_tally.c",
    "Cause/stopped": "of more than one answer has: test_cause.c",
    "Record/after": "only in what is published",
    "Record/repair": "only in what is published",
    "Record/leaf": "only in what is published",
    "Record/clock": "the wall clock has gone back",
    "Record/pii": "reserved",
    "Record/counter": "ids that SCXML asks for (idlocation)",
}
# (operation, status, header); of those that stand with every answer
HEADERS_NOT_MET = ("vary", "content-encoding")  # in each answer of 1 KB and more: met once, they are one place in the daemon


class Drive:
    """Everything that is asked, once; the tests look at what came of it."""

    def __init__(self):
        self.where = tempfile.mkdtemp(prefix="test_openapi.")
        self.book = Book(written.Document())
        self.daemons, self.probes, self.findings, self.asked, self.exits = [], [], {}, {}, []
        try:
            self.run()
        finally:
            for probe in self.probes:
                probe.close()
            for daemon in self.daemons:
                self.exits.append((daemon.stop(), daemon.logged()))
                daemon.remove()
            shutil.rmtree(self.where)

    def daemon(self, *options, **more):
        self.daemons.append(Daemon(*options, **more))
        return self.daemons[-1]

    def probe(self, daemon, auth=None):
        self.probes.append(Probe(self.book, daemon, auth))
        return self.probes[-1]

    def phase(self, name, *work):
        before = self.book.count
        for step in work:
            step()
        self.asked[name] = self.book.count - before
        self.findings[name], self.book.findings = self.book.findings, []

    def run(self):
        sinks = os.path.join(self.where, "sinks.json")
        with open(sinks, "w", encoding="utf-8") as file:
            json.dump({"sinks": [
                {"name": "files", "kind": "file", "path": self.where + "/out"},
                {"name": "dead", "kind": "http", "url": "http://127.0.0.1:1/"},
                {"name": "unmade", "kind": "nats", "url": "tls://127.0.0.1:1", "ca_file": self.where + "/none"},
            ]}, file)
        people = os.path.join(self.where, "people.json")
        with open(people, "w", encoding="utf-8") as f:
            f.write('[{"sub": "zoe", "type": "user", "roles": ["director"]}]')
        d = self.daemon("--people", people, "--sinks", sinks, "--streams-max", "1", "--snapshot-every", "1m")
        self.user = self.probe(d, token())
        self.admin = self.probe(d, token(aud="fsmd-admin"))
        self.scene = Scene(self.user, self.admin, self.probe(d, token(sub="otto", roles=["officer"])), self.where)
        self.phase("scenes", *(getattr(self.scene, name) for name in SCENES))
        self.phase("common", self.common, self.other_names, self.full_house)
        self.phase("wrong", self.wrong)
        self.phase("random", self.random)

    def path_of(self, operation):
        """Something that is there, for each parameter of its path."""
        names = {"ref": "loan-key", "record": "1", "token": TOKEN, "id": "loan", "name": "claims" if "routes" in operation.path else "dead"}
        return {name: names[name] for name in operation.named("path")}

    def good(self, operation):
        """Arguments of call: the example, of things that are there."""
        out = self.path_of(operation)
        if operation.body and operation.body["required"]:
            out["raw"] = json.dumps(operation.body["content"]["application/json"]["example"]).encode()
        needed = {n: p["example"] for n, p in operation.named("query").items() if p.get("required")}
        return {**out, "query": needed}

    # ---- what goes for every operation ----

    def common(self):
        ids = [("X-Correlation-ID", "x" * 129)]
        for operation in self.book.document.operations.values():
            call, good = self.admin.call, self.good(operation)
            body = {**good, "raw": b"x" * (1 << 20) + b"x"}
            call(operation.id, expect=(400, "invalid_argument"), headers=dict(ids), **good)
            call(operation.id, expect=(400, "invalid_argument"), **{**good, "query": {**good["query"], "nonsense": "1"}})
            if operation.who != "everyone":
                call(operation.id, expect=(401, "bad_token"), auth=None, **good)
                call(operation.id, expect=(401, "bad_token"), auth="x.y.z", **good)
            if operation.who in ("admin", "deployer"):
                self.user.call(operation.id, expect=(403, "not_permitted"), **good)
            call(operation.id, expect=(413, "too_large"), **body)
            call(operation.id, expect=(414, "too_large"), **{**good, "query": {**good["query"], "n": "x" * 8192}})
            call(operation.id, expect=(417, "invalid_argument"), headers={"Expect": "200-ok"}, **good)
            call(operation.id, expect=(431, "too_large"), headers={"X-Long": "x" * 16384}, **good)
            call(operation.id, expect=(431, "too_large"), headers={"X-%d" % i: "x" for i in range(65)}, **good)
            if operation.body:
                call(operation.id, expect=(415, "malformed"), **{**good, "raw": b"{}"}, media="text/plain")
                call(operation.id, expect=400, **{**good, "raw": b"{"})
            elif operation.method != "DELETE":
                call(operation.id, expect=(400, "malformed"), **{**good, "raw": b"{}"})
            self.head(operation, good)

    def head(self, operation, good):
        """As GET, without the body."""
        if operation.method != "GET":
            return
        target = operation.path
        for name, value in self.path_of(operation).items():
            target = target.replace("{%s}" % name, value)
        whole = self.admin.ask("GET", target, {"Authorization": "Bearer " + self.admin.token})
        answer = self.admin.ask("HEAD", target, {"Authorization": "Bearer " + self.admin.token})
        self.book.check(operation, answer, "HEAD", sent="HEAD")
        if answer.text or answer.status != whole.status or set(answer.headers) != set(whole.headers):
            self.book.findings.append("HEAD is not as GET: %s: %s %s" % (operation.id, answer.headers, whole.headers))

    def other_names(self):
        """Where tokens are not required: names that are not of this machine, and a deployment by anyone."""
        d = self.daemon("--auth", "none", key=False)
        probe = self.probe(d)
        for operation in self.book.document.operations.values():
            probe.call(operation.id, expect=(403, "not_permitted"), headers={"Host": "example.org"}, **self.good(operation))
        probe.call("deployMachine", {"id": "open", "initial": "a", "states": {"a": {}}}, expect=201)
        probe.call("getHealth", expect=200)
        probe.call("listSinks", expect=200)
        probe.call("listParked", name="x", expect=(404, "not_found"))

    def full_house(self):
        """The last connections are for those who ask how it is."""
        d = self.daemon("--connections-max", "32")
        idle = [socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) for _ in range(24)]
        try:
            probe = self.probe(d, token(aud="fsmd-admin"))
            for operation in self.book.document.operations.values():
                if operation.id in ("getHealth", "getMetrics", "getReady"):
                    probe.call(operation.id, expect=200)
                else:
                    probe.call(operation.id, expect=(503, "busy"), **self.good(operation))
        finally:
            for connection in idle:
                connection.close()

    # ---- wrong requests ----

    def wrong(self):
        for operation in self.book.document.operations.values():
            for name, parameter in operation.named("query").items():
                for what, value in wrong_parameters(self.book.document, parameter):
                    self.refused(operation, "?%s: %s" % (name, what), {"query": {**self.good(operation)["query"], name: value}})
                if parameter.get("required"):
                    self.refused(operation, "without ?%s" % name, {"query": {}})
            for name, parameter in operation.named("header").items():
                schema = self.book.document.resolve(parameter["schema"])
                if "maxLength" in schema:
                    self.refused(operation, name, {"headers": {name: "x" * (schema["maxLength"] + 1)}})
                elif "pattern" in schema and name != "Last-Event-ID":  # which is of a stream
                    self.refused(operation, name, {"headers": {name: "x"}})
            content = (operation.body or {"content": {}})["content"].get("application/json")
            if content and operation.id != "deployMachine":
                for what, body in wrong_bodies(self.book.document, content["schema"], content["example"]):
                    self.refused(operation, what, {"raw": json.dumps(body).encode()})

    def refused(self, operation, what, more):
        answer = self.admin.call(operation.id, **{**self.good(operation), **more})
        if answer.status == 200 and operation.id in ("sendEvents", "commandInstances") and answer.json["taken"] == 0:
            answer = Answer(answer.json["items"][0]["status"], answer.headers, answer.text)
        if answer.status not in (400, 413, 422):
            self.book.findings.append("not refused: %s: %s: %r" % (operation.id, what, answer))

    # ---- random ones ----

    def random(self):
        known = ["loan", "mail", "loan-key", "K1", "loan/key:K9", "SUBMIT", "draft", "review", "job", "ann", "smtp", "files", "dead",
                 "claims", "r1", NOWHERE, TOKEN, "1", "0", "x", "*", "context.amount > 1", "record.seq > 3", "-age", "today", "10m"]
        # Not these: what they do takes long, or is done to files wherever the text says; and streams are not asked for.
        heavy = {"verify", "checkDatabase", "backupDatabase", "getStat", "orderSink"}
        asked = [o for o in self.book.document.operations.values() if o.id not in heavy]
        make = Random(self.book.document, SEED, known)
        for i in range(REQUESTS):
            operation = asked[i % len(asked)]
            more = {n: make.text() if make.random.random() < 0.5 else v for n, v in self.path_of(operation).items()}
            headers = {}
            for name, parameter in operation.named("header").items():
                if make.random.random() < 0.1:
                    headers[name] = str(make.random.choice([parameter.get("example", "x"), "x", '"1"', "*", "a b", "00-0"]))
            content = (operation.body or {"content": {}})["content"].get("application/json")
            if content:
                more["raw"] = json.dumps(make.body(content["schema"], content["example"])).encode()
            answer = self.admin.call(operation.id, query=make.query(operation), headers=headers, **more)
            if answer.status >= 500:
                self.book.findings.append("seed %d, request %d: %s %s: %r" % (SEED, i, operation.id, more, answer))
        self.user.call("getHealth", expect=200)


class Written(unittest.TestCase):
    """The document by itself and beside the tables of the daemon."""

    def test_it_is_whole(self):
        document = written.Document()
        for check in written.CHECKS:
            with self.subTest(check.__name__):
                self.assertEqual(check(document), [])

    def test_each_check_finds_what_is_wrong(self):
        def wrong(check, change):
            document = written.Document()
            document.raw = copy.deepcopy(document.raw)
            change(document.raw)
            self.assertNotEqual(check(document), [], check.__name__)

        def loan(raw):
            return raw["paths"]["/v1/instances"]["get"]

        wrong(written.check_shape, lambda raw: loan(raw).pop("summary"))
        wrong(written.check_shape, lambda raw: loan(raw).update(sumary="x"))
        wrong(written.check_shape, lambda raw: raw["components"]["parameters"]["Ref"].pop("required"))
        wrong(written.check_references, lambda raw: raw["components"]["schemas"].pop("Instance"))
        wrong(written.check_references, lambda raw: raw["components"]["schemas"].update(Nobody={"type": "string"}))
        wrong(written.check_schemas, lambda raw: raw["components"]["schemas"]["Task"].pop("additionalProperties"))
        wrong(written.check_schemas, lambda raw: raw["components"]["schemas"]["Task"].update(type="objekt"))
        wrong(written.check_schemas, lambda raw: raw["components"]["schemas"]["Task"]["required"].append("nonsense"))
        wrong(written.check_operations, lambda raw: loan(raw).update(operationId="getInstance"))
        wrong(written.check_operations, lambda raw: loan(raw)["responses"].pop("401"))
        wrong(written.check_operations, lambda raw: loan(raw)["parameters"].append({"$ref": "#/components/parameters/Ref"}))
        wrong(written.check_examples, lambda raw: raw["components"]["parameters"]["Limit"].update(example=0))
        wrong(written.check_routes, lambda raw: raw["paths"].pop("/v1/stuck"))
        wrong(written.check_routes, lambda raw: raw["paths"].update({"/v1/more": raw["paths"]["/v1/stuck"]}))
        wrong(written.check_routes, lambda raw: loan(raw)["parameters"].pop())
        wrong(written.check_routes, lambda raw: loan(raw).update({"x-who": "admin"}))
        wrong(written.check_codes, lambda raw: raw["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].remove("stale"))
        wrong(written.check_headers, lambda raw: raw["components"]["parameters"]["IfMatch"].update(name="If-Mach"))
        wrong(written.check_client, lambda raw: raw["components"]["schemas"]["Task"]["properties"].pop("due"))
        wrong(written.check_client, lambda raw: raw["components"]["schemas"]["Task"]["required"].remove("invoke"))
        wrong(written.check_client, lambda raw: raw["components"]["schemas"]["Task"]["properties"].update(state={"type": "integer"}, invoke={"type": "integer"}))
        wrong(written.check_record, lambda raw: raw["components"]["schemas"]["Record"]["properties"].pop("clock"))

    def test_an_answer_that_is_not_as_documented_is_found(self):
        good = {"correlation": "c", "from": ["a"], "instance": "i", "machine": "m", "rev": 2, "seq": 3, "status": "running", "to": ["b"], "version": 1}
        headers = {"Content-Type": "application/json", "X-Correlation-ID": "c", "Cache-Control": "no-store", "ETag": '"2"'}

        def findings(status=200, drop=None, more=(), **members):
            book = Book(written.Document())
            body = {k: v for k, v in {**good, **members}.items() if k != drop}
            fields = http.client.HTTPMessage()
            for name, value in {**headers, **dict(more)}.items():
                if value:
                    fields[name] = value
            book.check(book.document.operations["sendEvent"], Answer(status, fields, json.dumps(body).encode()), "")
            return book.findings

        self.assertEqual(findings(), [])
        for wrong in (
            {"status": 201}, {"drop": "rev"}, {"extra": 1}, {"rev": "x"}, {"to": "b"}, {"more": {"X-More": "1"}},
            {"more": {"ETag": None}}, {"more": {"ETag": "2"}}, {"more": {"Content-Type": "text/html"}},
        ):
            self.assertNotEqual(findings(**wrong), [], wrong)
        record = {"$ref": "#/components/schemas/Time"}
        self.assertEqual([bool(Book(written.Document()).value(record, t)) for t in ("2026-11-22T08:00:00.1Z", "2026-11-22 08:00", "x")], [False, True, True])


class Answered(unittest.TestCase):
    """The document and the daemon."""

    @classmethod
    def setUpClass(cls):
        cls.drive = Drive()
        cls.book = cls.drive.book

    def none(self, findings):
        self.assertEqual(findings, [], "%d of %d answers:\n%s" % (len(findings), self.book.count, "\n".join(findings[:20])))

    def test_every_operation_answers_as_documented(self):
        self.none(self.drive.findings["scenes"])

    def test_what_all_operations_have_in_common_is_as_documented(self):
        self.none(self.drive.findings["common"])

    def test_requests_with_one_fault_are_refused(self):
        self.none(self.drive.findings["wrong"])

    def test_as_much_was_asked_as_is_said(self):
        asked, least = self.drive.asked, {"scenes": 500, "common": 500, "wrong": 300, "random": REQUESTS}
        self.assertEqual({name: asked[name] for name in least if asked[name] < least[name]}, {})

    def test_random_requests_never_make_it_fail(self):
        self.none(self.drive.findings["random"])

    def test_the_daemons_stop_well(self):
        self.assertEqual([code for code, _ in self.drive.exits], [0] * 3, self.drive.exits)

    def test_all_that_is_documented_was_met(self):
        def explained(operation, status):
            return (operation, status) in STATUSES_NOT_MET or ("*", status) in STATUSES_NOT_MET

        statuses = {s for s in self.book.all_statuses() - self.book.statuses if not explained(*s)}
        self.assertEqual(sorted(statuses), [], "statuses that no answer had")
        headers = self.book.all_headers() - self.book.headers
        headers = {h for h in headers if h[2] not in HEADERS_NOT_MET and not explained(*h[:2])}
        self.assertEqual(sorted(headers), [], "headers that no answer had")
        for name in HEADERS_NOT_MET:
            self.assertTrue(any(h[2] == name for h in self.book.headers), name)
        prefix = "#/components/schemas/"
        members = {m.removeprefix(prefix) for m in self.book.all_members() - self.book.members}
        self.assertEqual(sorted(members - set(MEMBERS_NOT_MET) - set(MEMBERS_OF_SPEED)), [], "members that no answer had")
        codes = set(self.book.document.at(prefix + "Problem")["properties"]["code"]["enum"]) - self.book.codes
        self.assertEqual(sorted(codes - set(CODES_NOT_MET)), [], "codes that no answer had")

    def test_no_reason_is_given_for_what_was_met(self):
        met = {"#/components/schemas/" + m for m in MEMBERS_NOT_MET} & self.book.members
        self.assertEqual(sorted(met), [])
        self.assertEqual({(o, s) for o, s in STATUSES_NOT_MET if o != "*"} & self.book.statuses, set())
        self.assertEqual(set(CODES_NOT_MET) & self.book.codes, set())
        places = {m.removeprefix("#/components/schemas/") for m in self.book.all_members()}
        self.assertEqual(set(MEMBERS_NOT_MET) - places, set(), "there is no such member")


if __name__ == "__main__":
    unittest.main()
