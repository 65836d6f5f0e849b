"""openapi_scene.py: what a daemon is filled with so that every operation has something to tell: instances in every
status and in states of every kind, tasks, children, incidents, routes, sinks. Each scene drives the operations that
it is about, with every status that they can be brought to."""
import http.client
import json
import os
import time

from http_daemon import WAIT, await_

NOWHERE = "01a20000-0000-7000-8000-000000000000"
TOKEN = "0" * 32

LOAN = {
    "id": "loan",
    "description": "A loan.",
    "initial": "draft",
    "context": {"amount": 1, "iban": "DE02"},
    "output": {"amount": {"@expr": "context.amount"}},
    "schemas": {
        "context": {"type": "object", "properties": {"amount": {"type": "integer"}, "iban": {"type": "string", "x-pii": True}}},
        "events": {"REJECT": {"type": "object", "properties": {"reason": {"type": "string"}}, "required": ["reason"]}},
    },
    "guards": {"large": {"when": {"@expr": "context.amount > 10"}}},
    "states": {
        "draft": {
            "on": {
                "SUBMIT": "review",
                "SELF": {"context": {"amount": {"@expr": "context.amount + 1"}}},
                "BOARD": {"target": "review", "guard": "large"},
                "DIVIDE": {"context": {"amount": {"@expr": "1 / (context.amount - context.amount)"}}},
                "BROKEN": {"target": "review", "guard": {"@expr": "context.nothing > 1"}},
                "IF": {"target": "review", "guard": {"@expr": "event.data.ok"}},
            },
            "after": {"100000000": "review"},
        },
        "review": {
            "initial": "first",
            "states": {
                "first": {"on": {"NEXT": "second"}},
                "second": {},
                "back": {"type": "history", "target": "first"},
            },
            "on": {
                "APPROVE": {"target": "approved", "meta": {"fsm": {"allow": "'officer' in actor.roles"}}},
                "REJECT": {"target": "rejected", "guard": {"@expr": "context.amount < 100"}},
                "HOLD": "held",
            },
        },
        "held": {"on": {"BACK": "review.back"}},
        "odd": {"invoke": {"src": "smtp", "input": {"n": {"@expr": "1 / (context.amount - context.amount)"}}}},
        "approved": {"type": "final"},
        "rejected": {"type": "final"},
    },
}
MAIL = {
    "id": "mail",
    "initial": "sending",
    "schemas": {
        "events": {
            "xstate.done.actor.job": {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
        }
    },
    "states": {
        "sending": {
            "invoke": {
                "id": "job",
                "src": "smtp",
                "input": {"to": "ann"},
                "meta": {"fsm": {"attempts": 3, "timeout": "1h", "backoff": "1ms", "heartbeat": "30m"}},
                "onDone": "sent",
                "onError": "failed",
            },
        },
        "sent": {"type": "final"},
        "failed": {},
    },
}
BOARD = json.loads(json.dumps(MAIL).replace('"mail"', '"board"').replace('"smtp"', '"members"'))
BOARD["states"]["sending"]["invoke"]["meta"]["fsm"]["allow"] = "'officer' in actor.roles"
CALL = {"id": "call", "initial": "calling", "states": {"calling": {"invoke": {"id": "ring", "src": "http", "input": {"url": "http://127.0.0.1/"}, "onDone": "called"}}, "called": {}}}
KID = {"id": "kid", "initial": "playing", "states": {"playing": {"on": {"FINISH": "done"}}, "done": {"type": "final"}}}
PARENT = {
    "id": "parent",
    "initial": "waiting",
    "states": {
        "waiting": {
            "invoke": {"id": "kid", "src": "machine", "input": {"machine": "kid"}, "onDone": "over", "onError": "over"},
            "on": {"SOON": {"actions": [{"type": "@xstate.sendTo", "to": "kid", "delay": "PT1H", "id": "x", "event": {"type": "FINISH"}}]}},
        },
        "over": {"type": "final"},
    },
}
ONCE = {
    "id": "once",
    "initial": "calling",
    "states": {
        "calling": {
            "invoke": {"src": "ring", "input": {"n": 1}, "meta": {"fsm": {"attempts": 1, "heartbeat": "30m"}}, "onDone": "called"},
        },
        "called": {},
    },
}
TICK = {"id": "tick", "initial": "early", "states": {"early": {"after": {"20": "late"}}, "late": {}}}
LOOP = {"id": "loop", "initial": "idle", "states": {"idle": {"on": {"GO": "a"}}, "a": {"always": "b"}, "b": {"always": "a"}}}


class Scene:
    """user and admin: probes of one daemon with tokens; where: a directory for files."""

    def __init__(self, user, admin, officer, where):
        self.user, self.admin, self.officer, self.where, self.count = user, admin, officer, where, 0

    def started(self, machine="loan", *events, **more):
        self.count += 1
        body = {"machine": machine, "id": "%s-%d" % (machine, self.count), **more}
        self.user.call("startInstance", body, expect=201)
        for event in events:
            self.user.call("sendEvent", {"event": event}, ref=body["id"], expect=200)
        return body["id"]

    def token_of(self, instance):
        return self.user.call("listTasks", query={"instance": instance}).json["items"][0]["token"]

    # ---- machines ----

    def machines(self):
        user, admin = self.user, self.admin
        for definition in (LOAN, MAIL, BOARD, CALL, KID, PARENT, ONCE, TICK, LOOP):
            admin.call("deployMachine", definition, expect=201)
        admin.call("deployMachine", LOAN, expect=200)
        user.call("deployMachine", LOAN, expect=(403, "not_permitted"))
        admin.call("deployMachine", {"id": "x", "states": {"a": {}}}, expect=(422, "invalid_definition"))
        admin.call("deployMachine", {**LOOP, "id": "x", "context": {"a": {"@expr": "1 +"}}}, expect=(422, "expression"))
        admin.call("deployMachine", {**LOOP, "id": "x", "types": {}, "strict": True}, expect=422)
        xml = b'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" name="scx" initial="a"><state id="a"/></scxml>'
        admin.call("deployMachine", raw=xml, media="application/scxml+xml", expect=201)
        admin.call("deployMachine", raw=b"{", expect=(400, "malformed"))
        old = {**KID, "id": "old"}
        for description in ("a", "b", "c"):
            admin.call("deployMachine", {**old, "description": description}, expect=201)
        one = user.call("getMachine", id="old", query={"version": 1}, expect=200)
        user.call("getMachine", id="old", query={"version": 1}, headers={"If-None-Match": one.headers["ETag"]}, expect=304)
        admin.call("retireMachine", {"reason": "replaced", "version": 1}, id="old", expect=200)
        admin.call("retireMachine", {"reason": "replaced"}, id="old", expect=200)
        admin.call("retireMachine", {"reason": "replaced"}, id="old", expect=200)
        admin.call("retireMachine", {"reason": "replaced"}, id="none", expect=(404, "unknown_machine"))
        user.call("startInstance", {"machine": "old"}, expect=(409, "retired"))
        user.call("getMachine", id="old", expect=200)
        user.call("getMachine", id="none", expect=404)
        page = user.call("listVersions", id="old", query={"limit": 2}, expect=200)
        user.call("listVersions", id="old", query={"limit": 2, "after": page.json["next"]}, expect=200)
        user.call("listVersions", id="none", expect=404)
        page = user.call("listMachines", query={"limit": 1}, expect=200)
        user.call("listMachines", query={"after": page.json["next"]}, expect=200)
        user.call("listMachines", query={"after": "x"}, expect=400)

    # ---- instances ----

    def starts(self):
        user = self.user
        key = {"Idempotency-Key": "start-1"}
        body = {"machine": "loan", "id": "loan-key", "key": "K1", "labels": {"dept": "claims"}, "input": {"n": 1}}
        user.call("startInstance", body, headers=key, expect=201)
        user.call("startInstance", body, headers=key, expect=201)
        user.call("startInstance", {**body, "key": "K2"}, headers=key, expect=(409, "duplicate"))
        user.call("startInstance", {"machine": "loan", "key": "K1", "if_absent": True}, expect=200)
        user.call("startInstance", {"machine": "loan", "key": "K1"}, expect=(409, "exists"))
        user.call("startInstance", {"machine": "none"}, expect=(404, "unknown_machine"))
        broken = {**KID, "id": "broken", "output": 1, "schemas": {"input": {"type": "object", "required": ["n"]}}}
        self.admin.call("deployMachine", broken, expect=201)
        user.call("startInstance", {"machine": "broken"}, expect=(422, "invalid_data"))

    def events(self):
        user = self.user
        one = self.started()
        user.call("sendEvent", {"event": "BOARD"}, ref=one, expect=(409, "guard_false"))
        user.call("sendEvent", {"event": "BROKEN"}, ref=one)
        user.call("sendEvent", {"event": "IF", "data": {"ok": False}}, ref=one, expect=(409, "guard_false"))
        user.call("sendEvent", {"event": "NEXT"}, ref=one, expect=(409, "no_transition"))
        user.call("sendEvent", {"event": "STRANGE"}, ref=one, expect=(422, "unknown_event"))
        user.call("sendEvent", {"event": "SELF"}, ref=one, headers={"If-Match": '"99"'}, expect=(412, "stale"))
        again = {"Idempotency-Key": "send-1", "If-Match": '"1"', "X-Request-ID": "r-1", "X-Causation-ID": "c-1",
                 "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "vendor=1"}
        user.call("sendEvent", {"event": "SELF"}, ref=one, headers=again, expect=200)
        user.call("sendEvent", {"event": "SELF"}, ref=one, headers=again, expect=200)
        user.call("sendEvent", {"event": "SUBMIT"}, ref=one, expect=200)
        user.call("sendEvent", {"event": "REJECT", "data": {"reason": 1}}, ref=one, expect=(422, "invalid_data"))
        user.call("sendEvent", {"event": "APPROVE"}, ref=one, expect=(403, "not_permitted"))
        user.call("listEvents", ref=one, expect=200)
        self.officer.call("sendEvent", {"event": "APPROVE"}, ref=one, expect=200)
        user.call("getInstance", ref=one, expect=200)
        user.call("getInstance", ref=one, query={"as_of": "@%d" % int(user.call("getInstance", ref=one).json["seq"])}, expect=200)
        user.call("sendEvent", {"event": "SUBMIT"}, ref=one, expect=(409, "completed"))
        user.call("sendEvent", {"event": "SUBMIT"}, ref=NOWHERE, expect=(404, "unknown_instance"))
        user.call("sendEvent", {"event": "GO"}, ref=self.started("loop"), expect=(409, "loop_limit"))
        absent = {"event": "SUBMIT", "if_absent": True, "input": {}, "version": 1, "labels": {"dept": "loans"}}
        user.call("sendEvent", absent, ref="loan/key:K9", expect=200)
        user.call("sendEvent", {"event": "NEXT"}, ref="loan/key:K9", expect=200)
        for event in ("HOLD", "BACK"):
            user.call("sendEvent", {"event": event}, ref="loan/key:K9", expect=200)
        many = {
            "events": [
                {"instance": self.started(), "event": "SUBMIT", "idem": "b-1", "expect_rev": 1, "correlation": "case-8"},
                {"machine": "loan", "key": "K10", "event": "SUBMIT", "if_absent": True},
                {"instance": NOWHERE, "event": "SUBMIT"},
                {"event": "SUBMIT"},
            ]
        }
        user.call("sendEvents", many, expect=200)
        user.call("sendEvents", {"events": []}, expect=400)
        user.call("sendEvents", {"events": [{"event": "X"}] * 1001}, expect=(413, "too_large"))

    def quota(self):
        """As many keys of one instance as are kept: one more is refused, whatever the command."""
        one = self.started()
        keys = [{"instance": one, "event": "SELF", "idem": "q-%d" % i} for i in range(1000)]
        self.user.call("sendEvents", {"events": keys}, expect=200)
        key = {"Idempotency-Key": "one-more"}
        self.user.call("sendEvent", {"event": "SELF"}, ref=one, headers=key, expect=(429, "quota"))
        for name, body in ORDERS.items():
            if name != "resumeInstance":
                self.admin.call(name, body, ref=one, headers=key, expect=(429, "quota"))
        self.admin.call("pauseInstance", {"reason": "x"}, ref=one, expect=200)
        self.admin.call("resumeInstance", {"reason": "x"}, ref=one, headers=key, expect=(429, "quota"))

    def shown(self):
        """Whatever an instance may be, shown in every way."""
        user, admin = self.user, self.admin
        parent = self.started("parent")
        await_("the child", lambda: any("child" in t for t in user.call("getInstance", ref=parent).json["tasks"]))
        user.call("sendEvent", {"event": "SOON"}, ref=parent, expect=200)
        kid = [t["child"] for t in user.call("getInstance", ref=parent).json["tasks"] if "child" in t][0]
        incident = self.started()
        user.call("sendEvent", {"event": "DIVIDE"}, ref=incident)
        cancelled = self.started()
        admin.call("cancelInstance", {"reason": "a mistake"}, ref=cancelled, expect=200)
        paused = self.started()
        admin.call("pauseInstance", {"reason": "a mistake"}, ref=paused, expect=200)
        user.call("sendEvent", {"event": "SUBMIT"}, ref=paused, expect=(409, "paused"))
        forced = self.started()
        admin.call("forceInstance", {"reason": "a mistake", "states": ["review.second"]}, ref=forced, expect=200)
        refs = [parent, kid, incident, cancelled, paused, forced, "loan/key:K9", "loan-key", self.started("call"), self.started("mail")]
        for ref in refs:
            one = user.call("getInstance", ref=ref, expect=200)
            user.call("getInstance", ref=ref, headers={"If-None-Match": one.headers["ETag"]}, expect=304)
            user.call("listEvents", ref=ref, expect=200)
            user.call("getWhy", ref=ref, expect=200)
            user.call("getHistory", ref=ref, expect=200)
        page = user.call("getHistory", ref=forced, query={"limit": 1}, expect=200)
        user.call("getHistory", ref=forced, query={"limit": 1, "after": page.json["next"]}, expect=200)
        user.call("getHistory", ref=forced, query={"after": "x"}, expect=400)
        for name in ("getInstance", "listEvents", "getWhy", "getHistory"):
            user.call(name, ref=NOWHERE, expect=(404, "unknown_instance"))
            user.call(name, ref="loan-", expect=(409, "ambiguous"))
        self.incident, self.paused, self.ended, self.mailed = incident, paused, cancelled, refs[-1]

    def lists(self):
        user = self.user
        for name in ("listInstances", "listStuck"):
            operation = user.book.document.operations[name]
            page = user.call(name, query={"limit": 1}, expect=200)
            user.call(name, query={"limit": 1, "after": page.json["next"]}, expect=200)
            user.call(name, query={"limit": 1000}, headers={"Accept-Encoding": "gzip"}, expect=200)
            for field in operation.named("query").values():
                if field["name"] not in ("limit", "after", "sort", "version"):
                    value = field["example"][0] if isinstance(field["example"], list) else field["example"]
                    user.call(name, query={field["name"]: value}, expect=200)
            user.call(name, query={"machine": "loan", "version": 1, "sort": "-age"}, expect=200)
            user.call(name, query={"where": "context.nothing > 1", "machine": "loan"}, expect=200)
            user.call(name, query={"machine": "none"}, expect=(404, "unknown_machine"))
            user.call(name, query={"where": "1 +"}, expect=(422, "expression"))
            user.call(name, query={"after": "x"}, expect=400)
        self.search(user)
        user.call("countInstances", expect=200)
        user.call("countInstances", query={"machine": "loan"}, expect=200)
        user.call("countInstances", query={"machine": "none"}, expect=404)

    def search(self, user):
        page = user.call("searchInstances", query={"q": "loan-", "limit": 1}, expect=200)
        user.call("searchInstances", query={"q": "loan-", "limit": 1, "after": page.json["next"]}, expect=200)
        user.call("searchInstances", query={"q": "loan-", "limit": 1000, "since": "1d", "until": "1m", "machine": "loan"}, expect=200)
        user.call("searchInstances", query={"q": "loan-", "machine": "none"}, expect=(404, "unknown_machine"))
        for wrong in ({}, {"q": "x"}, {"q": "loan-", "since": "soon"}, {"q": "loan-", "after": "x"}):
            user.call("searchInstances", query=wrong, expect=400)

    # ---- operators ----

    def operators(self):
        user, admin = self.user, self.admin
        for name, body in ORDERS.items():
            user.call(name, body, ref=self.paused, expect=(403, "not_permitted"))
            admin.call(name, body, ref=NOWHERE, expect=(404, "unknown_instance"))
            one = {"resumeInstance": self.paused, "retryInstance": self.incident, "skipInstance": self.incident}.get(name) or self.started()
            admin.call(name, body, ref=one, headers={"If-Match": '"99"'}, expect=(412, "stale"))
            one = self.started()
            admin.call("noteInstance", {"reason": "x"}, ref=one, headers={"Idempotency-Key": "n-" + name}, expect=200)
            admin.call(name, {**body, "reason": "other"}, ref=one, headers={"Idempotency-Key": "n-" + name}, expect=(409, "duplicate"))
            if name != "noteInstance":
                admin.call(name, body, ref=self.ended)
        admin.call("pauseInstance", {"reason": "x"}, ref=self.paused, expect=(409, "paused"))
        admin.call("resumeInstance", {"reason": "x"}, ref=self.paused, expect=200)
        admin.call("resumeInstance", {"reason": "x"}, ref=self.paused, expect=(409, "running"))
        admin.call("setInstance", {"reason": "x", "data": {"amount": "many"}}, ref=self.paused, expect=(422, "invalid_data"))
        admin.call("setInstance", {"reason": "x", "data": {"amount": 7}}, ref=self.paused, expect=200)
        admin.call("forceInstance", {"reason": "x", "states": ["nowhere"]}, ref=self.paused)
        admin.call("forceInstance", {"reason": "x", "states": ["odd"]}, ref=self.paused, expect=(422, "expression"))
        admin.call("pauseInstance", {"reason": "x"}, ref=self.incident, expect=(409, "incident"))
        admin.call("retryInstance", {"reason": "x"}, ref=self.incident)
        admin.call("skipInstance", {"reason": "x"}, ref=self.incident, expect=200)
        admin.call("noteInstance", {"reason": "x"}, ref=self.paused, query={"dry_run": "true"}, expect=200)
        admin.call("resumeInstance", {"reason": "x"}, ref=self.started(), query={"dry_run": "true"}, expect=(409, "running"))
        admin.call("retryInstance", {"reason": "x", "name": "none"}, ref=self.paused, expect=404)
        admin.call("skipInstance", {"reason": "x", "name": "job", "data": {"ok": 1}}, ref=self.mailed, expect=(422, "invalid_data"))
        admin.call("retryInstance", {"reason": "x", "name": "job"}, ref=self.mailed, expect=200)
        admin.call("skipInstance", {"reason": "x", "name": "job", "data": {"ok": True}}, ref=self.mailed, expect=200)
        user.call("getHistory", ref=self.mailed, expect=200)

    def timers(self):
        """One that is late, for its instance was paused; and what there is of them."""
        user, admin = self.user, self.admin
        while True:
            one = self.started("tick")
            if admin.call("pauseInstance", {"reason": "x"}, ref=one, expect=200).json["to"] == ["early"]:
                break  # else it was faster
        time.sleep(0.03)
        admin.call("forceInstance", {"reason": "x", "states": ["early"]}, ref=one, expect=200)
        time.sleep(0.03)
        self.started("loan", key="timed")
        user.call("listTimers", query={"late": "true"}, expect=200)
        page = user.call("listTimers", query={"machine": "loan", "limit": 1}, expect=200)
        user.call("listTimers", query={"machine": "loan", "after": page.json["next"]}, expect=200)
        user.call("listTimers", query={"instance": one, "late": "false"}, expect=200)
        user.call("listTimers", query={"instance": NOWHERE}, expect=404)
        user.call("listTimers", query={"instance": "loan-"}, expect=(409, "ambiguous"))
        user.call("listTimers", query={"late": "x"}, expect=400)
        user.call("listTimers", query={"after": "x"}, expect=400)
        admin.call("resumeInstance", {"reason": "x"}, ref=one, expect=200)
        await_("its timer", lambda: user.call("getInstance", ref=one).json["state"] == ["late"])

    # ---- tasks ----

    def tasks(self):
        user, admin = self.user, self.admin
        names = [self.started("mail", key="M%d" % i) for i in range(3)]
        moved = self.started("mail")
        self.admin.call("forceInstance", {"reason": "x", "states": ["sending"]}, ref=moved, expect=200)
        user.call("listTasks", query={"instance": moved}, expect=200)
        user.call("listEvents", ref=moved, expect=200)
        page = user.call("listTasks", query={"service": "smtp", "limit": 1}, expect=200)
        user.call("listTasks", query={"service": "smtp", "limit": 1, "after": page.json["next"]}, expect=200)
        user.call("listTasks", query={"machine": "mail", "state": "open", "instance": names[0]}, expect=200)
        user.call("listTasks", query={"instance": NOWHERE}, expect=404)
        user.call("listTasks", query={"instance": "loan-"}, expect=(409, "ambiguous"))
        user.call("listTasks", query={"state": "x"}, expect=400)
        user.call("claimTasks", {"service": "nobody"}, expect=200)
        headers = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        traced = self.count = self.count + 1
        user.call("startInstance", {"machine": "mail", "id": "mail-%d" % traced}, headers=headers, expect=201)
        claimed = user.call("claimTasks", {"service": "smtp", "limit": 100}, expect=200).json["items"]
        token, other = [next(t["token"] for t in claimed if t["instance"] == name) for name in names[:2]]
        user.call("getTask", token=token, expect=200)
        user.call("getTask", token=TOKEN, expect=(404, "unknown_task"))
        user.call("getInstance", ref=names[0], expect=200)
        user.call("listTasks", query={"instance": names[0], "state": "running"}, expect=200)
        user.call("heartbeatTask", {"attempt": 1}, token=token, expect=200)
        user.call("failTask", {"attempt": 1, "error": {"code": "smtp"}, "retry_after": "1h"}, token=token, expect=200)
        user.call("getTask", token=token, expect=200)
        user.call("getInstance", ref=names[0], expect=200)
        user.call("completeTask", {"output": {"ok": 1}}, token=other, expect=(422, "invalid_data"))
        user.call("completeTask", {"output": {"ok": True}}, token=other, query={"dry_run": "true"}, expect=200)
        user.call("completeTask", {"output": {"ok": True}}, token=other, expect=200)
        bodies = {"completeTask": {"output": {"ok": True}}, "failTask": {"error": "no"}, "heartbeatTask": {}}
        for name, body in bodies.items():
            user.call(name, body, token=other, expect=(404, "unknown_task"))
            user.call(name, body, token="x", expect=404)
        parked = self.started("mail")
        token = self.token_of(parked)
        user.call("claimTasks", {"service": "smtp"}, expect=200)
        admin.call("pauseInstance", {"reason": "x"}, ref=parked, expect=200)
        for name, body in bodies.items():
            user.call(name, body, token=token)
        once = self.started("once")
        [claimed] = user.call("claimTasks", {"service": "ring"}, expect=200).json["items"]
        user.call("failTask", {"final": True, "error": "no"}, token=claimed["token"], expect=200)
        user.call("getInstance", ref=once, expect=200)
        admin.call("retryInstance", {"reason": "x"}, ref=once, expect=200)
        board = self.started("board")
        user.call("claimTasks", {"service": "members"}, expect=(403, "not_permitted"))
        for name, body in bodies.items():
            user.call(name, body, token=self.token_of(board), expect=403)
        user.call("listEvents", ref=board, expect=200)

    # ---- the audit log ----

    def records(self):
        user = self.user
        page = user.call("listRecords", query={"limit": 2}, expect=200)
        user.call("listRecords", query={"limit": 2, "after": page.json["next"]}, expect=200)
        user.call("listRecords", query={"after": "now"}, expect=200)
        user.call("listRecords", query={"before": "now", "after": "1"}, expect=400)
        for record in user.call("listRecords", query={"before": "now", "limit": 1000}, expect=200).json["items"]:
            if "caus" in record or "parent" in record:
                user.call("getCause", record=str(record["seq"]), expect=200)
        for brief in ("true", "false"):
            user.call("listRecords", query={"before": "now", "limit": 1000, "brief": brief}, expect=200)
        user.call("listRecords", query={"brief": "x"}, expect=400)
        seq = user.call("sendEvent", {"event": "SELF"}, ref=self.started(), headers={"X-Causation-ID": "c-9"}, expect=200).json["seq"]
        user.call("getCause", record=str(seq), expect=200)
        user.call("getCause", record="1", query={"down": "true"}, expect=200)
        user.call("getCause", record="99999999", expect=404)
        user.call("listRecords", query={"limit": 1000}, headers={"Accept-Encoding": "gzip"}, expect=200)
        for field in user.book.document.operations["listRecords"].named("query").values():
            if field["name"] not in ("limit", "after", "instance"):
                value = field["example"][0] if isinstance(field["example"], list) else field["example"]
                user.call("listRecords", query={field["name"]: value}, expect=200)
        user.call("listRecords", query={"instance": self.ended}, expect=200)
        user.call("listRecords", query={"where": "1 +"}, expect=(422, "expression"))
        user.call("listRecords", query={"since": "x"}, expect=400)
        self.figures()
        self.groups()
        self.stream()

    def groups(self):
        user = self.user
        user.call("countGroups", query={"by": "machine,state", "sum": "amount"}, expect=200)
        user.call("countGroups", query={"by": "label:dept,field:amount", "where": "context.amount > 1"}, expect=200)
        for query in ({"by": "x"}, {"by": "state", "sum": "a-b"}, {"by": "state", "after": "x"}, {"by": "state", "sort": "id"}):
            user.call("countGroups", query=query, expect=400)
        user.call("countGroups", query={"by": "state", "machine": "none"}, expect=(404, "unknown_machine"))
        user.call("countGroups", query={"by": "state", "where": "1 +"}, expect=(422, "expression"))
        user.call("listActors", expect=(403, "not_permitted"))
        page = self.admin.call("listActors", query={"limit": 1}, expect=200)
        self.admin.call("listActors", query={"after": page.json["items"][0]["seq"]}, expect=200)
        self.admin.call("listActors", query={"after": "x"}, expect=400)
        user.call("listInstances", query={"with": "kind,sla,waits,who,last,parent"}, expect=200)
        user.call("listStuck", query={"kind": "dead,orphan", "with": "kind"}, expect=200)
        user.call("listStuck", query={"with": "x"}, expect=400)
        user.call("listStuck", query={"kind": "silent"}, expect=400)

    def figures(self):
        user, when = self.user, {"since": "2026-01-01", "until": "2262-01-01"}
        user.call("figures", expect=200)
        user.call("figures", query={**when, "machine": "loan", "every": "365d"}, expect=200)
        user.call("funnelOfMachine", query=when, id="loan", expect=200)
        for state in ("old", "new"):
            self.admin.call("deployMachine", {"id": "changed", "initial": state, "states": {state: {}}}, expect=201)
            user.call("startInstance", {"machine": "changed"}, expect=201)
        user.call("funnelOfMachine", id="changed", expect=200)
        for query in ({"every": "0s"}, {"since": "soon"}, {"since": "2026-02-01", "until": "2026-01-01"}, {"after": "x"}):
            user.call("figures", query=query, expect=400)
        user.call("figures", query={"machine": "none"}, expect=(404, "unknown_machine"))
        user.call("figures", query={"label": "dept=claims", "status": "open", "where": "context.amount > 1", "created_since": "1d"}, expect=200)
        user.call("figures", query={"where": "1 +"}, expect=(422, "expression"))
        user.call("figures", query={"sort": "age"}, expect=400)
        user.call("funnelOfMachine", query={"status": "open,done", "created_until": "today"}, id="loan", expect=200)
        user.call("funnelOfMachine", query={"where": "1 +"}, id="loan", expect=(422, "expression"))
        user.call("figures", query={"after": "7"}, expect=(404, "not_found"))
        user.call("figures", query={**when, "every": "1ms"}, expect=(413, "too_large"))

    def stream(self):
        """One stream from the beginning, for as long as there are records; a second is one too many (--streams-max 1)."""
        user, book = self.user, self.user.book
        operation = book.document.operations["listRecords"]
        seq = user.call("listRecords", query={"after": "now"}).json["seq"]
        one = http.client.HTTPConnection("127.0.0.1", user.daemon.port, timeout=WAIT)
        headers = {"Accept": "text/event-stream", "Authorization": "Bearer " + user.token, "Last-Event-ID": "0"}
        one.request("GET", "/v1/records", headers=headers)
        response = one.getresponse()
        response.text = b""
        book.check(operation, response, "a stream")
        assert response.headers["Content-Type"] == "text/event-stream"
        user.call("listRecords", headers={"Accept": "text/event-stream"}, expect=(503, "busy"))
        place, fields = 0, {}
        while place < seq:
            line = response.readline().decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
                continue
            place = int(fields.get("id", place))
            if "data" in fields:
                record = json.loads(fields["data"])
                found = book.value({"$ref": "#/components/schemas/Record"}, record)
                if found or fields["event"] != record["kind"] or place != record["seq"]:
                    book.findings.append("a stream: %s: %s" % (fields, found))
            elif fields.keys() - {"id", "retry", ""}:
                book.findings.append("a stream: a block of %s" % fields)
            fields = {}
        response.close()
        one.close()
        user.call("listRecords", headers={"Accept": "text/event-stream"}, query={"limit": 1}, expect=400)

    # ---- routes, sinks, data, the daemon ----

    def routes(self):
        user, admin = self.user, self.admin
        route = {"kind": "deployed", "sinks": ["files"]}
        whole = {"machine": ["loan", "m*"], "kind": "transition", "event": "SUBMIT", "from": "draft", "to": "review", "level": 1,
                 "labels": {"dept": "claims"}, "where": "record.data.amount > 1", "sinks": ["files", "dead"]}
        admin.call("setRoute", {"route": route, "reason": "asked"}, name="claims", expect=201)
        admin.call("setRoute", {"route": route, "reason": "asked"}, name="claims", expect=200)
        admin.call("setRoute", {"route": whole, "reason": "asked"}, name="claims", headers={"If-Match": '"1"'}, expect=200)
        admin.call("setRoute", {"route": route, "reason": "asked"}, name="claims", headers={"If-Match": '"1"'}, expect=(412, "stale"))
        admin.call("setRoute", {"route": {**route, "where": "1 +"}, "reason": "asked"}, name="claims", expect=(422, "expression"))
        admin.call("setRoute", {"route": {"sinks": ["none"]}, "reason": "asked"}, name="claims", expect=400)
        user.call("listRoutes", expect=200)
        user.call("testRoute", {"route": whole, "limit": 1000}, expect=200)
        user.call("testRoute", {"route": {"where": "record.data.amount > 1", "sinks": ["x"]}, "after": "0", "limit": 5}, expect=200)
        user.call("testRoute", {"route": {"where": "1 +", "sinks": ["x"]}}, expect=(422, "expression"))
        admin.call("removeRoute", name="claims", query={"reason": "gone"}, headers={"If-Match": '"9"'}, expect=(412, "stale"))
        admin.call("removeRoute", name="claims", query={"reason": "gone"}, expect=200)
        admin.call("removeRoute", name="claims", query={"reason": "gone"}, expect=(404, "not_found"))
        page = user.call("getRoute", name="claims", query={"limit": 1}, expect=200)
        user.call("getRoute", name="claims", query={"limit": 1, "after": page.json["next"]}, expect=200)
        user.call("getRoute", name="never", expect=404)
        for i in range(256):
            admin.call("setRoute", {"route": route, "reason": "many"}, name="r%d" % i, expect=201)
        admin.call("setRoute", {"route": route, "reason": "many"}, name="one-more", expect=(429, "quota"))

    def sinks(self):
        user, admin = self.user, self.admin

        def sink(name):
            return next(s for s in user.call("listSinks", expect=200).json["items"] if s["name"] == name)

        await_("a sink that is away", lambda: sink("dead")["status"] == "disconnected" and sink("dead")["last_error"])
        await_("a sink that is well", lambda: sink("files")["lag"] == 0)
        seq = sink("dead")["seq"] + 1
        admin.call("orderSink", {"what": "park", "from": seq, "reason": "x"}, name="dead", expect=200)
        await_("it is parked", lambda: user.call("listParked", name="dead", expect=200).json["items"])
        admin.call("orderSink", {"what": "drop", "from": seq + 1, "to": seq + 1, "reason": "x"}, name="dead", expect=200)
        admin.call("orderSink", {"what": "drop", "from": seq, "to": seq, "reason": "x"}, name="dead", expect=400)
        admin.call("orderSink", {"what": "clear", "reason": "x"}, name="dead", expect=200)
        admin.call("orderSink", {"what": "forget", "reason": "x"}, name="dead", expect=400)
        admin.call("orderSink", {"what": "clear", "reason": "x"}, name="none", expect=404)
        admin.call("orderSink", {"what": "clear", "reason": "x"}, name="unmade", expect=(503, "unreachable"))
        user.call("orderSink", {"what": "clear", "reason": "x"}, name="dead", expect=403)
        user.call("listParked", name="none", expect=404)
        user.call("getHealth", auth=None, expect=200)

    def data(self):
        user, admin = self.user, self.admin
        admin.call("verify", expect=200)
        admin.call("verify", {}, expect=200)
        admin.call("checkDatabase", expect=200)
        admin.call("checkDatabase", {"all": True}, expect=400)
        to = os.path.join(self.where, "copy")
        admin.call("backupDatabase", {"dir": to, "verify": True}, expect=200)
        admin.call("backupDatabase", {"dir": to}, expect=409)
        admin.call("backupDatabase", {"dir": "copy"}, expect=400)
        await_("a snapshot", lambda: user.call("getStat", expect=200).json["snapshots"])

    def service(self):
        user = self.user
        user.call("getMetrics", auth=None, expect=200)
        user.call("getReady", auth=None, expect=200)
        document = user.call("getOpenapi", auth=None, expect=200)
        user.call("getOpenapi", auth=None, headers={"If-None-Match": document.headers["ETag"]}, expect=304)
        user.call("getOpenapi", auth=None, headers={"Accept-Encoding": "gzip"}, expect=200)
        if document.text.decode() != user.book.document.text:
            user.book.findings.append("GET /v1/openapi.json is not schema/openapi.json")
        user.other("GET", "/v1/nothing", (404, "not_found"))
        user.other("GET", "/", (404, "not_found"))
        user.other("DELETE", "/v1/machines", (405, "method_not_allowed"))
        user.other("PUT", "/v1/instances/x/pause", (405, "method_not_allowed"))
        user.other("TRACY", "/v1/machines", (501, "method_not_allowed"))


ORDERS = {
    "pauseInstance": {"reason": "x"},
    "resumeInstance": {"reason": "x"},
    "cancelInstance": {"reason": "x"},
    "forceInstance": {"reason": "x", "states": ["draft"]},
    "setInstance": {"reason": "x", "data": {"amount": 3}},
    "noteInstance": {"reason": "x"},
    "retryInstance": {"reason": "x"},
    "skipInstance": {"reason": "x"},
}
SCENES = ("machines", "starts", "events", "quota", "shown", "lists", "operators", "timers", "tasks", "sinks", "routes", "records", "data", "service")
