"""load.py: clients that send commands without a pause and write down what they sent and what they heard.

A command whose connection broke is neither answered nor forgotten: it is sent again under its key in the
daemon's next life, but for a few that are given up, which may then have happened or not.
"""
import json
import random
import socket
import threading
import time

ANSWER_WAIT = 120  # seconds: never reached when all is well
HOT_COMMANDS = 300  # keyed commands on one instance; its quota is 1000
DOCUMENT_COMMANDS = 12  # some never end
ALARM_COMMANDS = 40
REFUSALS_PER_LIFE = 60  # of one user and machine: below 100 each has a record of its own


class Command:
    """attempts: the correlation ids it was sent under. outcome: None (not known yet), taken, refused, given up."""

    __slots__ = (
        "key", "kind", "machine", "instance", "event", "path", "body", "headers", "recorded", "reuses",
        "attempts", "sent", "answered", "outcome", "answer",
    )  # fmt: skip

    def __init__(self, key, kind, machine, instance, event, path, body, headers=None, recorded=True, reuses=False):
        self.key, self.kind, self.machine, self.instance, self.event = key, kind, machine, instance, event
        self.path, self.body, self.headers = path, json.dumps(body).encode(), headers or {}
        self.recorded = recorded  # a refusal of it has a record of its own
        self.reuses = reuses  # its key is another command's
        self.attempts, self.sent, self.answered, self.outcome, self.answer = [], 0.0, 0.0, None, None


class Wire:
    """One HTTP connection, kept alive. OSError: it broke, and what was asked may have happened or not."""

    def __init__(self, address, token, heard=lambda: None):
        self.heard = heard  # called when an answer is there, before it is read
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(ANSWER_WAIT)
        try:
            self.socket.connect(address)
        except OSError:
            self.socket.close()
            raise
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token = token

    def close(self):
        self.socket.close()

    def call(self, method, path, body=b"", headers=None):
        """(status, document)"""
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: localhost"]
        if self.token:
            lines.append("Authorization: Bearer " + self.token)
        if method == "POST":
            lines += ["Content-Type: application/json", "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % pair for pair in (headers or {}).items()]
        self.socket.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.read()

    def read(self):
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.more()
        head = data[:end].decode("latin-1").lower()
        size = int(head.split("\r\ncontent-length:", 1)[1].split("\r\n", 1)[0])
        parts, have = [data[end + 4 :]], len(data) - end - 4
        while have < size:
            parts.append(self.more())
            have += len(parts[-1])
        self.heard()
        return int(head.split(" ", 2)[1]), json.loads(b"".join(parts))

    def more(self):
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionResetError("closed by the other side")
        return data


class Pilot:
    """Tells the clients when there is a daemon, and the driver when all of them have seen it go."""

    def __init__(self):
        self.changed = threading.Condition()
        self.life, self.addresses, self.flying, self.ending = 0, (), 0, False
        self.answers, self.last_answer, self.strike = 0, 0, None

    def open(self, addresses, clients, last_answer=0, strike=None):
        """strike: called by the client that hears the answer of this number, at once."""
        with self.changed:
            self.life, self.addresses, self.flying = self.life + 1, addresses, clients
            self.answers, self.last_answer, self.strike = 0, last_answer, strike
            self.changed.notify_all()

    def heard(self):
        self.answers += 1
        if self.answers == self.last_answer:
            self.strike()

    def await_life(self, seen):
        with self.changed:
            self.changed.wait_for(lambda: self.life > seen)
            return self.life

    def landed(self):
        with self.changed:
            self.flying -= 1
            self.changed.notify_all()

    def await_landing(self):
        with self.changed:
            if not self.changed.wait_for(lambda: self.flying == 0, ANSWER_WAIT):
                raise AssertionError("clients still wait for a daemon that is gone")

    def await_answers(self, count, died):
        while self.answers < count and not died():
            time.sleep(0.005)


class Shared:
    """Counters that all clients write to, and what is known of every counter."""

    def __init__(self):
        self.lock, self.hot, self.rev = threading.Lock(), [], {}

    def pick(self, rng):
        """An instance to write to; one that has had enough is dropped. None: a new one is wanted."""
        with self.lock:
            if len(self.hot) < 4:
                return None
            entry = rng.choice(self.hot)
            entry[1] += 1
            if entry[1] >= HOT_COMMANDS:
                self.hot.remove(entry)
            return entry[0]

    def heard(self, instance, rev):
        if self.rev.get(instance, 0) < rev:
            self.rev[instance] = rev


class Client(threading.Thread):
    """One user. commands: all it has sent; seen: (counter, rev, n) that a read has shown it."""

    def __init__(self, number, seed, token, pilot, shared):
        super().__init__(name="client-%d" % number, daemon=True)
        self.number, self.rng, self.token = number, random.Random(seed * 1000 + number), token
        self.pilot, self.shared = pilot, shared
        self.commands, self.seen, self.faults = [], [], []
        self.open = None  # the command that has no answer yet
        self.count = self.refusals = self.retried = self.replayed = self.repeated = 0
        self.counter = self.document = self.last_inc = None
        self.own_commands = self.document_commands = self.alarm_commands = 0
        self.alarm = None

    # ---- lives --------------------------------------------------------------------------------------

    def run(self):
        life = 0
        while True:
            life = self.pilot.await_life(life)
            try:
                self.live()
            except OSError:
                pass
            except Exception as fault:  # a mistake of this program must not look like a dead daemon
                self.faults.append("%s: %r" % (self.name, fault))
            finish = self.pilot.ending and self.open is None
            self.pilot.landed()
            if finish:
                return

    def live(self):
        self.refusals = 0
        wire = Wire(self.pilot.addresses[self.number % 4 == 3], self.token, self.pilot.heard)
        try:
            if self.open is not None and self.rng.random() < 0.1:
                self.open.outcome, self.open = "given up", None
            for _ in range(3):
                self.repeat(wire)
            while self.open is not None or not self.pilot.ending:
                if self.open is None and self.rng.random() < 0.08:
                    self.look(wire)
                    continue
                if self.open is None:
                    self.open = self.think()
                    self.commands.append(self.open)
                self.attempt(wire, self.open)
        finally:
            wire.close()

    def repeat(self, wire):
        """A command that was answered in any life before: its first answer again."""
        command = self.rng.choice(self.commands[-200:]) if self.commands else None
        if command is None or command.outcome != "taken" or command.reuses:
            return
        headers = {"Idempotency-Key": command.key, "X-Correlation-ID": command.attempts[-1], **command.headers}
        status, answer = wire.call("POST", command.path, command.body, headers)
        if status == 503:
            return
        self.repeated += 1
        same = ("seq", "rev", "instance", "correlation", "from", "to")
        if not answer.get("replayed") or any(answer.get(k) != command.answer.get(k) for k in same):
            self.faults.append("%s: %s was answered %r, again: %d %r" % (self.name, command.key, command.answer, status, answer))

    def attempt(self, wire, command):
        correlation = "%s/%d" % (command.key, len(command.attempts))
        if command.reuses:
            correlation = "again:" + correlation + "@%d" % len(self.commands)
        if command.attempts:
            self.retried += 1
        else:
            command.sent = time.monotonic()
        command.attempts.append(correlation)
        headers = {"Idempotency-Key": command.key, "X-Correlation-ID": correlation, **command.headers}
        status, answer = wire.call("POST", command.path, command.body, headers)
        if status == 503:
            time.sleep(0.01)  # busy, or shutting down: not taken in
            return
        command.answered, command.answer, self.open = time.monotonic(), answer, None
        command.outcome = "taken" if status < 300 else "refused"
        if command.outcome == "taken":
            self.replayed += answer.get("replayed", False)
            self.shared.heard(answer["instance"], answer["rev"])
        self.learn(command)

    # ---- what to do ---------------------------------------------------------------------------------

    def key(self):
        self.count += 1
        return "k-%d-%d" % (self.number, self.count)

    def begin(self, machine, instance, body=None, recorded=False):
        body = {"machine": machine, **({"id": instance} if instance else {}), **(body or {})}
        return Command(self.key(), "start", machine, instance, "", "/v1/instances", body, recorded=recorded)

    def send(self, machine, instance, event, data=None, **more):
        body = {"event": event, **({"data": data} if data is not None else {})}
        path = "/v1/instances/%s/events" % instance
        key = more.pop("key", None) or self.key()
        return Command(key, "send", machine, instance, event, path, body, **more)

    def think(self):
        if self.counter is None or self.own_commands >= HOT_COMMANDS:
            return self.begin("counter", "c-%d-%d" % (self.number, self.count))
        dice = self.rng.random()
        if dice < 0.10 and self.refusals < REFUSALS_PER_LIFE:
            return self.move_document()
        if dice < 0.16 and self.refusals < REFUSALS_PER_LIFE:
            return self.misbehave()
        if dice >= 0.92:
            return self.set_alarm()
        if dice < 0.18:  # the daemon makes the id; the key alone makes it one instance
            return self.begin("counter", None, {"key": "bk-%d-%d" % (self.number, self.count)})
        if dice < 0.60:
            hot = self.shared.pick(self.rng)
            if hot is None:
                return self.begin("counter", "hot-%d-%d" % (self.number, self.count))
            return self.send("counter", hot, "INC")
        self.own_commands += 1
        known = self.shared.rev[self.counter]
        return self.send("counter", self.counter, "INC", headers={"If-Match": '"%d"' % known} if dice < 0.7 else {})

    def misbehave(self):
        self.refusals += 1
        dice = self.rng.randrange(5)
        if dice == 0 and self.last_inc is not None:
            return self.send("counter", self.last_inc.instance, "NOPE", key=self.last_inc.key, reuses=True)
        if dice == 1:
            return self.send("counter", self.counter, "INC", headers={"If-Match": '"0"'})
        if dice == 2:
            return self.send("counter", "nobody", "INC", recorded=False)
        if dice == 3:
            return self.begin("counter", self.counter)
        return self.send("counter", self.counter, "NOPE", {"why": "x" * self.rng.randrange(300)})

    def move_document(self):
        """Any event at any time: the machine knows what it takes."""
        self.refusals += 1
        self.document_commands += 1
        if self.document is None or self.document_commands > DOCUMENT_COMMANDS:
            name = "doc-%d-%d%s" % (self.number, self.count, self.rng.choice(["", "", "-fail"]))
            body = {"id": name, "title": "Überweisung", "amount": self.count, "department": "it", "submitter": "ann"}
            return self.begin("document-approval", name, {"input": body})
        event = self.rng.choice(["SUBMIT", "SUBMIT", "RETRY", "APPROVE", "REJECT"])
        data = {"reason": "too dear"} if event == "REJECT" else None
        return self.send("document-approval", self.document, event, data)

    def set_alarm(self):
        """Timers soon due, some under one id, some cancelled again."""
        self.alarm_commands += 1
        if self.alarm is None or self.alarm_commands > ALARM_COMMANDS:
            return self.begin("alarm", "alarm-%d-%d" % (self.number, self.count))
        event = self.rng.choice(["SET", "SET", "SET", "WAKE", "OFF"])
        return self.send("alarm", self.alarm, event, {"ms": self.rng.choice([0, 1, 20, 300])} if event == "SET" else None)

    def learn(self, command):
        taken = command.outcome == "taken"
        if command.kind == "start" and taken:
            instance = command.answer["instance"]
            if instance.startswith("c-"):
                self.counter, self.own_commands = instance, 0
            elif instance.startswith("hot-"):
                with self.shared.lock:
                    self.shared.hot.append([instance, 0])
            elif instance.startswith("alarm-"):
                self.alarm, self.alarm_commands = instance, 0
            elif instance.startswith("doc-"):
                self.document, self.document_commands = instance, 0
        elif command.event == "INC" and taken:
            self.last_inc = command
        elif command.machine == "document-approval" and command.answer.get("code") == "completed":
            self.document = None

    def look(self, wire):
        instance = self.shared.pick(self.rng) or self.counter
        if instance is None:
            return
        floor = self.shared.rev.get(instance, 0)
        status, answer = wire.call("GET", "/v1/instances/" + instance)
        if status == 503:
            return
        if status != 200 or answer["rev"] < floor:
            self.faults.append("%s: rev %d was answered before, now: %r" % (instance, floor, answer))
        else:
            self.seen.append((instance, answer["rev"], answer["context"]["n"]))
