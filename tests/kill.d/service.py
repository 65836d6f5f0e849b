"""service.py: what a service does all day, without a pause, written down: events in batches, instances made when they are absent,
tasks claimed and completed, operators' commands, machines retired and deployed again, and roles that may not.

What was said stays said: a request whose connection broke is sent again under its keys in the daemon's next life.
"""
import http.client
import json
import random
import socket
import threading
import time

LATER = (503, 507)  # busy, or the disk is full: not taken, to be said again
ANSWER_WAIT = 120  # seconds: never reached when all is well


class Said:
    """One command and what was heard of it. outcome: None (not known), taken, refused, lost (never asked again)."""

    __slots__ = ("key", "what", "instance", "event", "who", "outcome", "answer", "tries", "code")

    def __init__(self, key, what, instance, event, who):
        self.key, self.what, self.instance, self.event, self.who = key, what, instance, event, who
        self.outcome, self.answer, self.tries, self.code = None, None, 0, None

    def hear(self, status, body):
        if status < 300:
            self.outcome, self.answer = "taken", body
        elif status not in LATER:
            self.outcome, self.code = "refused", body["code"]


class Stage:
    """Where the daemon is now; None between two lives."""

    def __init__(self):
        self.changed, self.port, self.life, self.ending = threading.Condition(), None, 0, False
        self.doing = 0  # clients that have not seen yet that the daemon is gone

    def open(self, port):
        with self.changed:
            self.port, self.life = port, self.life + 1
            self.changed.notify_all()

    def close(self):
        with self.changed:
            self.port = None

    def end(self):
        with self.changed:
            self.ending = True
            self.changed.notify_all()

    def await_port(self, seen):
        """(life, port) of a life after the one that was seen; port None: it is over."""
        with self.changed:
            self.changed.wait_for(lambda: self.ending or (self.port is not None and self.life > seen))
            return self.life, None if self.port is None or self.life <= seen else self.port


class Actor(threading.Thread):
    """One user with one role. said: all commands; claims: (token, attempt) it was given, done: tokens answered."""

    def __init__(self, number, seed, tokens, stage):
        super().__init__(name="actor-%d" % number, daemon=True)
        self.number, self.rng, self.stage = number, random.Random(seed * 100 + number), stage
        self.role = ("clerk", "clerk", "boss", "worker", "ops")[number % 5]
        self.sub, self.token = "%s-%d" % (self.role, number), tokens(self.role, "%s-%d" % (self.role, number))
        self.said, self.open, self.faults = [], None, []
        self.claims, self.done, self.count, self.wire = [], [], 0, None
        self.full = 0  # answers that there is no room
        self.mine = []  # tasks that it has and did not answer yet: (token, attempt, completion or None)

    def run(self):
        life = 0
        while True:
            life, port = self.stage.await_port(life)
            if port is None:
                return
            self.wire = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WAIT)
            try:
                self.live()
                return
            except (OSError, http.client.HTTPException):
                pass
            except Exception as fault:  # a mistake of this program must not look like a dead daemon
                self.faults.append("%s: %r" % (self.name, fault))
                return
            finally:
                self.wire.close()

    def live(self):
        while not (self.stage.ending and self.open is None and not self.mine):
            if self.open is None:
                self.open = self.think()
            if self.open() is not False:
                self.open = None

    def ask(self, method, path, body=None, **headers):
        fields = {"Authorization": "Bearer " + self.token, **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = None
        if body is not None:
            fields["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        self.wire.request(method, path, data, fields)
        response = self.wire.getresponse()
        answer = json.loads(response.read())
        if response.status not in LATER:
            return response.status, answer
        self.full += response.status == 507
        time.sleep(0.01)
        return 503, answer

    def key(self):
        self.count += 1
        return "%s-%d" % (self.sub, self.count)

    def say(self, what, instance, event=""):
        self.said.append(Said(self.key(), what, instance, event, self.sub))
        return self.said[-1]

    # ---- what to do: something that is called until it does not return False -------------------------

    def think(self):
        if self.role == "worker":
            return self.work()
        if self.role == "ops":
            return self.rng.choice([self.admin, self.admin, self.versions])()
        return self.rng.choice([self.batch, self.batch, self.begin, self.alone])()

    def counter(self):
        return "case-%d" % self.rng.randrange(6)

    def batch(self):
        """Events in one request, each under its own key: of instances by key, made when they are absent."""
        items, saids = [], []
        for _ in range(self.rng.choice([1, 2, 5, 30])):
            event = self.rng.choice(["BUMP", "BUMP", "BUMP", "SIGN", "NOPE", "END"] if self.rng.random() < 0.3 else ["BUMP"])
            key = self.counter()
            said = self.say("send", "key:" + key, event)
            item = {"machine": "case", "key": key, "event": event, "idem": said.key, "correlation": said.key}
            if self.rng.random() < 0.7:
                item["if_absent"] = True
            items.append(item)
            saids.append(said)

        def post():
            for said in saids:
                said.tries += 1
            status, answer = self.ask("POST", "/v1/events", {"events": items})
            if status == 503:
                return False
            if status != 200 or len(answer["items"]) != len(items):
                raise AssertionError("a batch of %d: %d %s" % (len(items), status, answer))
            again, full = [], any(one["status"] == 507 for one in answer["items"])
            self.full += full
            for said, item, one in zip(saids, items, answer["items"]):
                said.hear(one["status"], one.get("answer") or one.get("problem"))
                if said.outcome is None:
                    again.append((said, item))
            if full:
                time.sleep(0.01)
            saids[:], items[:] = [a[0] for a in again], [a[1] for a in again]
            return not again

        return post

    def one(self, said, path, body):
        def post():
            said.tries += 1
            status, answer = self.ask("POST", path, body, Idempotency_Key=said.key, X_Correlation_ID=said.key)
            said.hear(status, answer)
            return said.outcome is not None

        return post

    def begin(self):
        key = self.counter()
        said = self.say("start", "key:" + key)
        return self.one(said, "/v1/instances", {"machine": "case", "key": key, "if_absent": True})

    def alone(self):
        event = self.rng.choice(["SIGN", "BUMP"])
        said = self.say("send", "key:case-x", event)
        return self.one(said, "/v1/instances/case%2Fkey:case-x/events", {"event": event, "if_absent": True})

    def admin(self):
        verb = self.rng.choice(["pause", "resume", "note", "set"])
        said = self.say(verb, "job-%d" % self.rng.randrange(4))
        body = {"reason": "by chance", **({"data": {"s": self.count}} if verb == "set" else {})}
        return self.one(said, "/v1/instances/%s/%s" % (said.instance, verb), body)

    def versions(self):
        """Retire, deploy again, start without a version."""
        dice = self.rng.random()
        if dice < 0.3:
            return lambda: self.ask("POST", "/v1/machines/ver/retire", {"reason": "by chance"})[0] != 503
        if dice < 0.4:
            return lambda: self.ask("POST", "/v1/machines/ver/retire", {"reason": "one", "version": 1})[0] != 503
        if dice < 0.6:
            return lambda: self.ask("POST", "/v1/machines", version_of(self.rng.randrange(3)))[0] != 503
        said = self.say("start", "")
        return self.one(said, "/v1/instances", {"machine": "ver"})

    def work(self):
        """Claims tasks, then answers each; the first answer that is heard counts."""
        if self.mine and (self.rng.random() < 0.8 or self.stage.ending):
            token, attempt = self.mine[0]
            fails = self.rng.random() < 0.1

            def answer():
                body = {"attempt": attempt, **({"error": "by chance"} if fails else {"output": {"v": 1}})}
                status, told = self.ask("POST", "/v1/tasks/%s/%s" % (token, "fail" if fails else "complete"), body)
                if status == 503:
                    return False
                if status != 409:  # its instance is paused: later
                    self.mine.pop(0)
                    self.done.append((token, attempt, "fail" if fails else "complete", status, told.get("code")))
                elif self.stage.ending:
                    self.mine.pop(0)
                else:
                    self.mine.append(self.mine.pop(0))
                return True

            return answer

        def claim():
            status, answer = self.ask("POST", "/v1/tasks/claim", {"service": "w", "limit": self.rng.randrange(1, 4)})
            if status == 503:
                return False
            if status != 200:
                raise AssertionError("a claim: %d %s" % (status, answer))
            for task in answer["items"]:
                self.claims.append((task["token"], task["attempt"]))
                self.mine.append((task["token"], task["attempt"]))
            if not answer["items"]:
                time.sleep(0.005)
            return True

        return claim


CASE = {
    "id": "case",
    "initial": "open",
    "context": {"n": 0},
    "states": {
        "open": {
            "on": {
                "BUMP": {"context": {"n": {"@expr": "context.n + 1"}}},
                "SIGN": {"target": "signed", "meta": {"fsm": {"allow": "'boss' in actor.roles"}}},
                "END": "end",
            }
        },
        "signed": {"on": {"BUMP": {"target": "open", "context": {"n": {"@expr": "context.n + 1"}}}, "END": "end"}},
        "end": {"type": "final"},
    },
}
JOB = {
    "id": "job",
    "initial": "work",
    "context": {"n": 0, "s": 0},
    "states": {
        "work": {
            "invoke": {
                "id": "t",
                "src": "w",
                "meta": {"fsm": {"attempts": 100, "timeout": "2s", "backoff": "1ms", "backoff_max": "10ms"}},
                "onDone": {"target": "again", "context": {"n": {"@expr": "context.n + 1"}}},
                "onError": "again",
            }
        },
        "again": {"after": {"1": "work"}},
    },
}


def version_of(number):
    """One of a few definitions of the same machine."""
    return {"id": "ver", "description": "form %d" % number, "initial": "a", "states": {"a": {}}}


# ---- who follows -----------------------------------------------------------------------------------------


class Follower(threading.Thread):
    """Server-sent events over all lives of the daemon; seen: (seq, kind, bytes as JSON) in the order of their coming."""

    def __init__(self, query, token, stage, slow=False):
        super().__init__(name="follows " + query, daemon=True)
        self.query, self.token, self.stage, self.slow = query, token, stage, slow
        self.seen, self.place, self.faults, self.connections = [], 0, [], 0
        self.last = None  # followed up to there: enough

    def run(self):
        life = 0
        while True:
            life, port = self.stage.await_port(life)
            if port is None:
                return
            try:
                self.follow(port)
            except (OSError, http.client.HTTPException):
                pass
            except Exception as fault:
                self.faults.append("%s: %r" % (self.name, fault))
                return
            if self.ended():
                return

    def ended(self):
        return self.last is not None and self.place >= self.last

    def follow(self, port):
        wire = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_WAIT)
        if self.slow:
            wire.sock = socket.socket()
            wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.sock.settimeout(ANSWER_WAIT)
            wire.sock.connect(("127.0.0.1", port))
        fields = {"Accept": "text/event-stream", "Authorization": "Bearer " + self.token, "Last-Event-ID": str(self.place)}
        try:
            wire.request("GET", "/v1/records?" + self.query, headers=fields)
            response = wire.getresponse()
            if response.status != 200:
                raise AssertionError("%d %s" % (response.status, response.read()))
            self.connections += 1
            while self.block(response) and not self.ended():
                if self.slow and self.last is None:
                    time.sleep(0.002)
        finally:
            wire.close()

    def block(self, response):
        """One event, whole or not at all."""
        fields = {}
        while True:
            line = response.readline()
            if not line.endswith(b"\n"):
                return False
            if line == b"\n":
                break
            name, _, value = line.decode()[:-1].partition(":")
            fields[name] = value[1:] if value.startswith(" ") else value
        if "data" in fields:
            record = json.loads(fields["data"])
            if fields.get("event") == "end":
                raise AssertionError("the stream ends: %s" % record)
            if fields.get("event") != record["kind"] or int(fields["id"]) != record["seq"]:
                self.faults.append("%s: id %s, event %s: %s" % (self.name, fields["id"], fields["event"], record))
            self.seen.append(record)
        if "id" in fields:
            if int(fields["id"]) < self.place:
                self.faults.append("%s: id %s after %d" % (self.name, fields["id"], self.place))
            self.place = int(fields["id"])
        return True
