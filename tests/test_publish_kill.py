#!/usr/bin/env python3
"""test_publish_kill.py: whatever happens to the daemon and to where records go, every sink has the journal.

fsmd publishes into five sinks at once: JetStream of a real nats-server, a file of lines, a file of stored
bytes, a file of what routes choose, and a small server that speaks `_bulk`. Clients send commands all the
time. In each cycle, at random moments: kill -9 of fsmd, of nats-server, of both; nats-server is silent; its
stream is purged, deleted, wiped, loses messages; the bulk server refuses, breaks off, says nothing; routes are
set and removed; another file of sinks comes by SIGHUP; an operator has records sent again.

Every few cycles the clients rest until no sink lags, and an oracle that shares no code with what it judges
(publish.d/oracle.py) holds everything against the journal. Exit 77: not built, or there is no nats-server.
"""
import argparse
import faulthandler
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in ("tests", "tests/kill.d", "tests/publish.d"):
    sys.path.insert(0, os.path.join(SOURCE, folder))
sys.dont_write_bytecode = True

from journal import Damage  # noqa: E402
from journal_docs import WHERES, Journal  # noqa: E402
from nats import stream_messages  # noqa: E402
from oracle import Account, read_documents, read_files, read_stream, take_lines, take_stored  # noqa: E402
from scene import ORDER, PING, STREAM, Bulk, Client, Daemon, NatsServer, await_, find_nats_server  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
FSMD, LOST_CACHE = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "tests", "drive_lost_cache")
TROUBLE = (
    "429 503 429:1 items429 items503 closed cut taken-then-cut slow notjson swapped short otherid nostatus empty "
    "500 silent taken-silent"
).split()
ROUTES = [
    {"machine": "order", "kind": "transition", "where": "record.seq % 3 == 0"},
    {"machine": ["ping", "ord*"], "event": ["ADD", "GO"], "to": "review"},
    {"kind": ["created", "rejected", "timer_fired", "route"]},
    {"where": "record.?data.?by.orValue(0) > 50"},
    {"from": "review.first", "where": "record.?rev.orValue(0) % 2 == 1 && record.level >= 1"},
    {"machine": "*"},
]
SETTLE = 180  # seconds for every sink to come to its end


class Proof:
    def __init__(self, options, directory, nats_program):
        self.options, self.dir, self.rng = options, directory, random.Random(options.seed)
        programs = [FSMD] + [LOST_CACHE] * os.access(LOST_CACHE, os.X_OK)
        self.nats, self.bulk = NatsServer(nats_program, directory), Bulk()
        self.daemon = Daemon(programs, directory, self.nats, self.rng)
        self.clients = [Client(n, options.seed, self.daemon.address) for n in range(options.clients)]
        self.journal = Journal(os.path.join(self.daemon.data, "journal", "0"), "chosen")
        self.batch, self.away, self.routes = {}, None, set()
        self.counts, self.faults, self.accounts, self.checked, self.cycles = {}, [], [], {}, 0

    def count(self, what, n=1):
        self.counts[what] = self.counts.get(what, 0) + n

    # ---- the file of sinks --------------------------------------------------------------------------------

    def sinks(self):
        soon = {"backoff": "5ms", "backoff_max": "200ms", "linger": "20ms"}
        file = {"kind": "file", "rotate_bytes": "128KiB", **soon}
        sinks = [
            {"name": "nats", "kind": "nats", "timeout": "1s", "sync": "500ms", **soon},
            {"name": "lines", "path": self.path("lines"), **file},
            {"name": "bytes", "path": self.path("bytes"), "format": "msgpack", **file},
            {"name": "chosen", "path": self.path("chosen"), "records": "routed", **file},
            {"name": "bulk", "kind": "http", "mode": "bulk", "url": self.bulk.url, "timeout": "1s", **soon},
        ]
        return [{**s, "batch": self.batch.get(s["name"], 100)} for s in sinks if s["name"] != self.away]

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_sinks(self, text=None):
        with open(self.daemon.sinks + ".new", "w") as file:
            file.write(text or json.dumps({"sinks": self.sinks()}))
        os.rename(self.daemon.sinks + ".new", self.daemon.sinks)

    # ---- what happens ---------------------------------------------------------------------------------------

    def kill_fsmd(self):
        self.count("fsmd killed", self.daemon.up)
        self.daemon.kill()

    def start_fsmd(self):
        if not self.daemon.up and self.rng.random() < 0.12:
            self.daemon.launch()
            time.sleep(self.rng.uniform(0, 0.3))
            self.kill_fsmd()
            self.count("of them starting")
        self.daemon.start()

    def kill_nats(self):
        self.count("nats killed", self.nats.up)
        self.nats.kill()

    def wipe_nats(self):
        self.kill_nats()
        self.nats.wipe()
        self.count("wiped")

    def silence_nats(self):
        self.count("silent", self.nats.up)
        self.nats.be_silent(True)

    def lose(self, what, document=None):
        answer = self.nats.ask(what, document)
        self.count({"PURGE": "purged", "DELETE": "deleted", "MSG.DELETE": "messages lost"}[what], bool(answer and answer.get("success")))

    def lose_messages(self):
        info = self.nats.ask("INFO")
        if info and "state" in info:
            first, last = info["state"]["first_seq"], info["state"]["last_seq"]
            at = self.rng.randint(first, max(first, last))
            for place in range(at, min(last, at + self.rng.choice([0, 3])) + 1):
                self.lose("MSG.DELETE", {"seq": place, "no_erase": True})

    def trouble_bulk(self):
        words = [self.rng.choice(TROUBLE) for _ in range(self.rng.randint(1, 6))]
        self.bulk.trouble(words)
        self.count("bulk troubled", len(words))

    def order(self, method, path, document, what):
        """Of an operator; it may come when there is nobody."""
        try:
            status, answer = self.daemon.call(method, path, document)
            if status in (200, 201):
                self.count(what)
            elif status not in (404, 409, 503, 504):
                self.faults.append("%s %s: %d %s" % (method, path, status, answer))
            return status
        except OSError:
            return None

    def change_route(self):
        name = self.rng.choice("abc")
        if name in self.routes and self.rng.random() < 0.4:
            status = self.order("DELETE", "/v1/routes/%s?reason=test" % name, None, "route changes")
            self.routes -= {name} if status == 200 else set()
            return
        if self.away == "chosen":
            return  # no route may name it now
        route = {**self.rng.choice(ROUTES), "sinks": self.rng.choice([["chosen"], ["nats", "chosen"]])}
        self.order("PUT", "/v1/routes/" + name, {"route": route, "reason": "test"}, "route changes")
        self.routes.add(name)

    def reload(self):
        if self.rng.random() < 0.2:
            self.write_sinks(self.rng.choice(["{", '{"sinks": [{"name": "lines", "kind": "none"}]}', '{"sinks": 1}']))
            self.hang_up()
            time.sleep(0.05)
        name = self.rng.choice(["nats", "lines", "bytes", "chosen", "bulk"])
        self.batch[name] = self.rng.choice([7, 50, 256, 500])
        self.away = None if self.away else self.rng.choice([None, "bytes", "chosen", "bulk", "lines"])
        self.write_sinks()
        self.hang_up()

    def hang_up(self):
        if self.daemon.up and os.path.exists(self.daemon.ready):
            self.daemon.process.send_signal(signal.SIGHUP)
            self.count("reloads")

    def resend(self):
        sink, to = self.rng.choice(["nats", "lines", "bytes", "chosen", "bulk"]), self.rng.randint(1, self.seq or 1)
        document = {"what": "resend", "from": max(1, to - self.rng.randrange(40)), "to": to, "reason": "test"}
        if sink == "nats" and self.away != sink:
            self.order("POST", "/v1/sinks/%s/orders" % sink, document, "sent again by order")

    # ---- cycles -----------------------------------------------------------------------------------------------

    def plan(self, longest):
        """[(when, what)] of one cycle."""
        rng, plan = self.rng, []

        def at(function, *then):
            when = rng.uniform(0, longest)
            plan.append((when, function))
            for later in then:
                when += rng.uniform(0.02, 0.6)
                plan.append((when, later))

        dice = rng.random()
        if dice < 0.55:
            at(self.kill_fsmd, self.start_fsmd)
        if 0.4 < dice < 0.8:
            at(self.wipe_nats if rng.random() < 0.12 else self.kill_nats, self.nats.start)
        if dice > 0.8:
            when = rng.uniform(0, longest)
            plan += [(when, self.silence_nats), (when + rng.choice([0.2, 0.7, 1.6]), lambda: self.nats.be_silent(False))]
        for chance, what in (
            (0.6, self.trouble_bulk), (0.4, self.change_route), (0.3, self.reload), (0.1, self.resend),
            (0.05, lambda: self.lose("PURGE")), (0.04, lambda: self.lose("DELETE")), (0.1, self.lose_messages),
        ):  # fmt: skip
            if rng.random() < chance:
                at(what)
        return sorted(plan, key=lambda step: step[0])

    def cycle(self):
        longest = self.rng.uniform(0.2, self.options.longest)
        begun = time.monotonic()
        for when, what in self.plan(longest) + [(longest, lambda: None)]:
            time.sleep(max(0, begun + when - time.monotonic()))
            self.daemon.check_alive()
            what()
        self.mend()

    def mend(self):
        """Everything is there again."""
        self.nats.be_silent(False)
        self.nats.start()
        self.daemon.start()
        self.seq = max([self.journal.seq] + [c.answers[-1][0] for c in self.clients if c.answers])

    # ---- the look at everything -------------------------------------------------------------------------------

    def settle(self):
        """No command, no trouble, no lag: the sinks and the journal stand still."""
        for client in self.clients:
            client.pause()
        self.mend()
        self.bulk.calm()
        self.away = None
        self.write_sinks()
        self.hang_up()
        self.nats.kill()  # a new connection: the stream is looked at
        self.nats.start()
        await_("every sink at its end", self.is_still, SETTLE, lambda: json.dumps(self.states))

    def is_still(self):
        self.states = self.daemon.sink_states()
        seq = self.daemon.call("GET", "/healthz")[1]["seq"]
        if len([s for s in self.states if s["configured"]]) != 5:
            return False
        if any(s["lag"] or s["seq"] != seq or s["status"] != "ok" for s in self.states):
            return False
        time.sleep(0.2)  # timers
        return self.daemon.call("GET", "/healthz")[1]["seq"] == seq

    def look(self):
        self.settle()
        try:
            self.journal.read()
        except Damage as damage:
            self.faults.append("the journal: %s" % damage)
            return
        self.faults += self.journal.faults
        for state in self.states:
            if state["parked"]:
                self.faults.append("%s has set aside %d records" % (state["name"], state["parked"]))
        self.check_answers()
        self.accounts = [self.look_at_stream()] + self.look_at_files() + [self.look_at_bulk()]
        for account in self.accounts:
            self.faults += account.complaint()
        for client in self.clients:
            client.going.set()

    def look_at_stream(self):
        """Repairs may be under way still, and nothing tells when they are done."""
        end = time.monotonic() + SETTLE
        while True:
            account = read_stream(Account("nats", self.journal), stream_messages(self.nats.port, STREAM))
            if not account.missing or account.faults or time.monotonic() > end:
                return account
            time.sleep(0.3)

    def look_at_files(self):
        lines, stored = Account("lines", self.journal), Account("bytes", self.journal)
        chosen = Account("chosen", self.journal, self.journal.chosen)
        return [
            read_files(lines, self.path("lines"), take_lines),
            read_files(stored, self.path("bytes"), take_stored),
            read_files(chosen, self.path("chosen"), take_lines),
        ]

    def look_at_bulk(self):
        if self.bulk.violations:
            self.faults.append("bulk: %s" % self.bulk.violations[:3])
        account = Account("bulk", self.journal)
        index_of = lambda time: "fsm-" + time[:10].replace("-", ".")  # noqa: E731
        read_documents(account, self.bulk.documents(), index_of)
        account.duplicates = self.bulk.again
        return account

    def check_answers(self):
        """What was answered is in the journal."""
        for client in self.clients:
            for seq, instance, correlation in client.answers[self.checked.get(client, 0) :]:
                if seq > self.journal.seq or self.journal.who[seq - 1] != (instance, correlation):
                    self.faults.append("%s was answered record %d of %s: it is not there" % (client.name, seq, instance))
            self.checked[client] = len(client.answers)

    # ---- all of it ----------------------------------------------------------------------------------------------

    def prepare(self):
        self.seq = 0
        self.write_sinks()
        self.daemon.start()  # nats-server is not there yet
        for machine in (ORDER, PING):
            status, answer = self.daemon.call("POST", "/v1/machines", machine)
            assert status == 201, answer
        for client in self.clients:
            client.start()
            client.going.set()
        self.nats.start()

    def run(self):
        self.prepare()
        for number in range(self.options.cycles):
            self.cycle()
            self.cycles += 1
            if (number + 1) % self.options.every == 0 or number + 1 == self.options.cycles:
                self.look()
                if self.faults:
                    return
                if self.options.every < self.options.cycles:
                    print("%4d: " % self.cycles + self.figures(), flush=True)
        if self.daemon.stop(signal.SIGTERM) != 0:
            self.faults.append("fsmd did not end well on SIGTERM")

    def clean_up(self):
        if self.daemon.up:
            self.daemon.stop(signal.SIGKILL)
        self.nats.kill()
        self.bulk.stop()

    def figures(self):
        sinks = ["%s %d (twice %d, repairs %d)" % (a.name, a.records, a.duplicates, a.repairs) for a in self.accounts]
        counts = ["%s %d" % pair for pair in sorted(self.counts.items())]
        slowest = max(c.slowest for c in self.clients)
        commands = "commands %d, the slowest %.2f s" % (sum(c.count for c in self.clients), slowest)
        return "; ".join([", ".join(counts), commands, "records %d" % self.journal.seq, ", ".join(sinks)])


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    environment = os.environ.get
    parser.add_argument("--cycles", type=int, default=int(environment("FSM_PUBLISH_CYCLES", "10")))
    seed = int(environment("FSM_PUBLISH_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--every", type=int, default=10, help="look at everything after so many cycles")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--longest", type=float, default=1.2, help="seconds of a cycle, at most")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    return parser.parse_args()


def give_up(proof):
    print("nothing moves", flush=True)
    faulthandler.dump_traceback()
    proof.clean_up()
    os._exit(1)


def main():
    options, program = read_options(), find_nats_server()
    if not os.access(FSMD, os.X_OK):
        print("skipped: %s is not built" % FSMD)
        return 77
    if program is None:
        print("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)")
        return 77
    print("seed %d" % options.seed, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    assert set(WHERES) >= {r["where"] for r in ROUTES if "where" in r}
    directory, begun, passed = tempfile.mkdtemp(prefix="fsm-publish-"), time.monotonic(), False
    proof = Proof(options, directory, program)
    watchdog = threading.Timer(max(560, 20 * options.cycles), give_up, (proof,))
    watchdog.daemon = True
    watchdog.start()
    try:
        proof.run()
        passed = not proof.faults
    finally:
        proof.clean_up()
        print("cycles %d, %.0f s, " % (proof.cycles, time.monotonic() - begun) + proof.figures(), flush=True)
        for fault in proof.faults:
            print(fault)
        if passed and not options.keep:
            shutil.rmtree(directory)
        else:
            print("files: " + directory)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
