#!/usr/bin/env python3
"""test_kill.py: kill -9 at random points under load, and nothing that was answered is lost, twice or out of order.

Each cycle: clients send commands under idempotency keys, the daemon is killed, its files are read by a
reader of our own and held against every answer the clients have heard. Then it is started again and the
commands without an answer are sent again. In some cycles fsm-cli first answers from the files as the kill
left them: it must say what the restarted daemon says, and change no byte. With a nats-server the
stream must at the end hold each record once and in order, and tasks are done by a worker.

kill -9 leaves the page cache alone and would not tell whether an answer waits for its fdatasync. So in
about half of its lives the daemon runs over a disk that loses its cache with it (drive_lost_cache.c).
"""
import argparse
import faulthandler
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests", "kill.d"))
sys.dont_write_bytecode = True

from check import Faults, Ledger  # noqa: E402
from free_port import free_port  # noqa: E402
from journal import Reader  # noqa: E402
from load import Client, Pilot, Shared, Wire  # noqa: E402
from nats import Worker, stream_messages  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
LOST_CACHE = os.path.join(BUILD, "tests", "drive_lost_cache")
WAIT = 120  # seconds: never reached when all is well
LIMIT = 580  # of all of it; ctest waits for 600. More by hand: so much for a cycle
# Each INC counts once, moves a region, and leaves or comes back to a place that a history remembers: one record.
COUNTER = {
    "id": "counter",
    "initial": "counting",
    "context": {"n": 0},
    "states": {
        "counting": {
            "type": "parallel",
            "states": {
                "count": {"on": {"INC": {"context": {"n": {"@expr": "context.n + 1"}}}}},
                "hand": {"initial": "left", "states": {"left": {"on": {"INC": "right"}}, "right": {"on": {"INC": "left"}}}},
                "place": {
                    "initial": "in",
                    "states": {
                        "in": {
                            "initial": "a",
                            "on": {"INC": "out"},
                            "states": {"a": {}, "b": {}, "before": {"type": "history", "target": "b"}},
                        },
                        "out": {"on": {"INC": "in.before"}},
                    },
                },
            },
        }
    },
}

# SET sets two timers under one id and one under another; OFF cancels the two. Each that fires counts once.
ALARM = {
    "id": "alarm",
    "initial": "quiet",
    "context": {"n": 0},
    "on": {
        "RING": {"context": {"n": {"@expr": "context.n + 1"}}},
        "SET": {
            "actions": [
                {"type": "@xstate.raise", "event": {"type": "RING"}, "id": id, "delay": {"@expr": "event.ms"}}
                for id in ("z", "a", "z")
            ]
        },
        "OFF": {"actions": {"type": "@xstate.cancel", "id": "z"}},
    },
    "states": {
        "quiet": {"on": {"WAKE": "loud"}},
        "loud": {"after": {"40": {"target": "quiet"}}, "on": {"WAKE": "quiet"}},
    },
}


def await_(what, condition):
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what + ": nothing for %d seconds" % WAIT)
        time.sleep(0.005)


# ---- the programs -----------------------------------------------------------------------------------


class NatsServer:
    def __init__(self, program, directory):
        self.port = free_port()
        self.url = "nats://127.0.0.1:%d" % self.port
        command = [program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", os.path.join(directory, "nats")]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        await_("nats-server", self.answers)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return self.process.poll() is not None

    def stop(self):
        self.process.kill()
        self.process.wait()


def find_nats_server():
    program = os.environ.get("FSM_NATS_SERVER") or "nats-server"
    try:
        subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return program
    except (OSError, subprocess.CalledProcessError):
        return None


class Daemon:
    def __init__(self, directory, nats, rng):
        self.rng, self.lossy, self.can_lose = rng, False, os.access(LOST_CACHE, os.X_OK)
        self.dir, self.data, self.nats = directory, os.path.join(directory, "data"), nats
        self.key, self.log = os.path.join(directory, "key"), os.path.join(directory, "log")
        with open(os.open(self.key, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as f:
            f.write(os.urandom(48).hex().encode())
        self.process, self.port = None, None

    def launch(self, publish=True):
        """Started, perhaps not ready."""
        self.port_file = os.path.join(self.dir, "port")
        if os.path.exists(self.port_file):
            os.unlink(self.port_file)
        self.lossy = self.can_lose and self.rng.random() < 0.5
        command = [LOST_CACHE if self.lossy else FSMD, "--data", self.data, "--listen", "127.0.0.1:0", "--port-file", self.port_file]
        command += ["--jwt-key", self.key, "--segment-bytes", str(self.rng.choice([2 << 20, 3 << 20, 16 << 20]))]
        if publish and self.nats:
            command += ["--nats", self.nats.url]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def start(self, publish=True):
        self.launch(publish)
        await_("fsmd", lambda: os.path.exists(self.port_file) or self.process.poll() is not None)
        if self.process.poll() is not None:
            raise AssertionError("fsmd does not start" + self.last_words())
        with open(self.port_file) as f:
            self.port = int(f.read())

    @property
    def addresses(self):
        return ("127.0.0.1", self.port), os.path.join(self.data, "fsmd.sock")

    def died(self):
        return self.process.poll() is not None

    def last_words(self):
        with open(self.log, errors="replace") as log:
            return ": exit %d\n%s" % (self.process.returncode, log.read()[-4000:])

    def stop(self, how):
        self.process.send_signal(how)
        return self.process.wait(WAIT)

    def get(self, path, method="GET"):
        wire = Wire(self.addresses[1], None)
        try:
            status, answer = wire.call(method, path)
        finally:
            wire.close()
        if status != 200:
            raise AssertionError("%s: %d %s" % (path, status, answer))
        return answer

    def pages(self, path):
        """All items of a list, and the rest of its first page."""
        items, after = [], ""
        while True:
            page = self.get(path + ("&" if "?" in path else "?") + "limit=1000" + after)
            items += page["items"]
            if page["next"] is None:
                return items
            after = "&after=" + page["next"]


def cli(*words):
    """(exit status, document) of fsm-cli with JSON output."""
    pipe = subprocess.PIPE
    run = subprocess.run([CLI, *words, "-o", "json"], stdout=pipe, stderr=pipe, timeout=WAIT)
    try:
        return run.returncode, json.loads(run.stdout or run.stderr)
    except ValueError:
        raise AssertionError("fsm-cli %s: %r %r" % (" ".join(words), run.stdout, run.stderr)) from None


# ---- the files of a killed daemon ---------------------------------------------------------------------


def fingerprint(directory):
    """What would tell that anything was written."""
    found = {}
    for base, directories, files in os.walk(directory):
        for name in directories + files:
            path = os.path.join(base, name)
            info = os.lstat(path)
            digest = ""
            if name in files and not name.endswith(".sock"):
                with open(path, "rb") as f:
                    digest = hashlib.sha256(f.read()).hexdigest()
            facts = (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ino, digest)
            found[os.path.relpath(path, directory)] = facts
    return found


def without_now(document):
    """An answer without what the clock alone moves, and without how far the store is behind the log."""
    if isinstance(document, dict):
        if document.get("status") == "nobody" and "token" in document:  # who does tasks is known to a daemon alone
            document = {**document, "status": "waiting"}
        leave = ("seq", "rows") if "head" in document else ("now", "for_ns")
        return {k: without_now(v) for k, v in document.items() if k not in leave}
    return [without_now(v) for v in document] if isinstance(document, list) else document


class Comparison:
    """The same questions to the files and to the daemon that was started on them."""

    def __init__(self, daemon, ledger, rng, faults):
        self.daemon, self.ledger, self.rng, self.faults = daemon, ledger, rng, faults
        self.questions = 0

    def ask_files(self, *words):
        status, document = cli("--data", self.daemon.data, *words)
        if status != 0:
            self.faults.add("wrong", "fsm-cli %s on the files: exit %d: %s" % (" ".join(words), status, document))
        return without_now(document)

    def plan(self):
        """(words of fsm-cli, method, path) with a path of pages where items are to be gathered."""
        names = sorted(self.ledger.instances)
        of = {"counter": [], "alarm": [], "document-approval": []}
        for name in names:
            of[self.ledger.instances[name].machine].append(name)
        plan = [
            (("ls", "--all"), "PAGES", "/v1/instances"),
            (("stuck", "--for", "1ms", "--all"), "PAGES", "/v1/stuck?for=1ms"),
            (("def", "ls"), "GET", "/v1/machines"),
            (("audit", "verify"), "POST", "/v1/verify"),
        ]
        for machine in of:
            for name in self.rng.sample(of[machine], min(2, len(of[machine]))):
                plan.append((("get", name), "GET", "/v1/instances/" + name))
                plan.append((("log", name, "--all"), "PAGES", "/v1/instances/%s/history" % name))
                plan.append((("events", name), "GET", "/v1/instances/%s/events" % name))
        return plan

    def ask_daemon(self, method, path):
        if method == "PAGES":
            return without_now(self.daemon.pages(path))
        return without_now(self.daemon.get(path, method))

    def run(self):
        """The daemon is down before and after. False: something was due at its start, so its answers are newer."""
        before = fingerprint(self.daemon.data)
        plan = self.plan()
        files = [self.ask_files(*words) for words, _, _ in plan]
        after = fingerprint(self.daemon.data)
        for path in sorted(before.keys() | after.keys()):
            if before.get(path) != after.get(path):
                self.faults.add("wrong", "fsm-cli on the files of a stopped daemon changed " + path)
        self.daemon.start(publish=False)
        answers = [self.ask_daemon(method, path) for _, method, path in plan]
        seq = self.daemon.get("/healthz")["seq"]
        self.daemon.stop(signal.SIGKILL)
        if seq != self.ledger.seq:
            return False
        self.ledger.check_rows(answers[0])
        for (words, method, path), said, says in zip(plan, files, answers):
            if method == "PAGES":
                said = said["items"]
            self.questions += 1
            if said != says:
                both = "the files say\n  %s\nthe daemon says\n  %s" % (said, says)
                self.faults.add("wrong", "fsm-cli %s: %s" % (" ".join(words), both))
        return True


# ---- the test -----------------------------------------------------------------------------------------


class Kill:
    def __init__(self, options, directory):
        self.options, self.dir = options, directory
        self.rng, self.faults = random.Random(options.seed), Faults()
        program = find_nats_server()
        self.server = NatsServer(program, directory) if program else None
        self.daemon = Daemon(directory, self.server, self.rng)
        self.reader = Reader(os.path.join(self.daemon.data, "journal", "0"))
        self.ledger = Ledger(self.reader, self.faults)
        self.comparison = Comparison(self.daemon, self.ledger, self.rng, self.faults)
        self.pilot, self.clients, self.worker = Pilot(), [], None
        self.checked, self.kills, self.compared, self.died_starting = {}, 0, 0, 0
        self.cycles = self.kills_lossy = self.answered_tasks = self.published_records = 0

    def prepare(self):
        self.daemon.start()
        shared = Shared()
        definitions = []
        for machine in (COUNTER, ALARM):
            definitions.append(os.path.join(self.dir, machine["id"] + ".json"))
            with open(definitions[-1], "w") as f:
                json.dump(machine, f)
        for path in (*definitions, os.path.join(SOURCE, "examples", "document-approval.json")):
            status, answer = cli("--data", self.daemon.data, "def", "deploy", path)
            if status != 0:
                raise AssertionError("deploy: %s" % answer)
        for number in range(self.options.clients):
            mint = [CLI, "token", "mint", "--key", self.daemon.key, "--sub", "client-%d" % number, "--ttl", "1h"]
            token = subprocess.run(mint, stdout=subprocess.PIPE, check=True).stdout.decode().strip()
            self.clients.append(Client(number, self.options.seed, token, self.pilot, shared))
        if self.server:
            self.worker = Worker(self.server.port, "submitForReview", self.review)
        for client in self.clients:
            client.start()

    @staticmethod
    def review(task):
        document = task["input"]["id"]
        if "fail" in document:
            return {"error": {"message": "no such form"}, "final": True}
        return {"output": {"reviewId": "R-" + document}}

    def cycle(self, number):
        if self.rng.random() < 0.5:
            # The moment an answer is heard: when it came too early, its record is not there yet.
            last = 1 + int(self.rng.uniform(0, 1000) * self.options.longest)
            self.pilot.open(self.daemon.addresses, len(self.clients), last, self.kill)
            self.daemon.process.wait(WAIT)
        else:
            self.pilot.open(self.daemon.addresses, len(self.clients))
            time.sleep(self.rng.uniform(0.02, self.options.longest))
            self.pilot.await_answers(1, self.daemon.died)
            self.kill()
        self.pilot.await_landing()
        self.check_files()
        if number % self.options.compare == self.options.compare - 1:
            self.compare()
        if self.rng.random() < 0.15:
            self.kill_starting()
        self.daemon.start()
        seq = self.daemon.get("/healthz")["seq"]
        if seq < self.ledger.seq:
            self.faults.add("lost", "the files had seq %d, the restarted daemon %d" % (self.ledger.seq, seq))

    def kill(self):
        if self.daemon.died():
            raise AssertionError("fsmd ended by itself" + self.daemon.last_words())
        os.kill(self.daemon.process.pid, signal.SIGKILL)
        self.daemon.process.wait(WAIT)
        self.kills += 1
        self.kills_lossy += self.daemon.lossy

    def kill_starting(self):
        self.daemon.launch()
        time.sleep(self.rng.uniform(0, 0.3))
        self.kill()
        self.died_starting += 1
        self.ledger.read()

    def check_files(self):
        """Every answer that was heard since the last time, on the files as the kill left them."""
        self.ledger.read()
        for client in self.clients:
            done, looked = self.checked.get(client, (0, 0))
            # The last one may be without an answer yet.
            commands = client.commands[done : len(client.commands) - (client.open is not None)]
            for command in commands:
                self.ledger.check(command)
            for seen in client.seen[looked:]:
                self.ledger.check_seen(*seen)
            self.checked[client] = done + len(commands), looked + len(client.seen[looked:])
        if self.worker:
            self.check_tasks()

    def check_tasks(self):
        with self.worker.lock:
            done, self.worker.done = self.worker.done, []
        self.answered_tasks += len(done)
        for token, reply in done:
            self.ledger.check_task(token, reply)

    def compare(self):
        for _ in range(5):
            same = self.comparison.run()
            self.kills += 1
            if same:
                self.compared += 1
                return
            self.ledger.read()
        self.faults.add("wrong", "something is due at each start: nothing could be compared")

    # ---- at the end -----------------------------------------------------------------------------------

    def finish(self):
        """No kill any more: every command gets its answer, then the whole is looked at."""
        self.pilot.ending = True
        self.pilot.open(self.daemon.addresses, len(self.clients))
        for client in self.clients:
            client.join(WAIT)
            if client.is_alive():
                raise AssertionError("a client waits for an answer")
            for fault in client.faults:
                self.faults.add("wrong", fault)
        if self.worker:
            self.worker.stop()
        self.check_store()
        self.check_timers()
        self.check_files()
        self.ledger.check_all(self.commands())
        if self.daemon.stop(signal.SIGTERM) != 0:
            self.faults.add("wrong", "fsmd did not end well on SIGTERM")
        self.check_proof()
        if self.server:
            self.check_stream()

    def commands(self):
        return [command for client in self.clients for command in client.commands]

    def check_timers(self):
        """No timer is forgotten."""
        now, end = time.time_ns(), time.monotonic() + 10
        while time.monotonic() < end:
            self.ledger.read()
            if not self.ledger.overdue(now):
                return
            time.sleep(0.05)
        for which in self.ledger.overdue(now):
            self.faults.add("lost", "the timer %s does not fire" % (which,))

    def check_store(self):
        rows, before = None, None
        while rows is None or not before == self.ledger.seq == self.daemon.get("/healthz")["seq"]:
            before = self.daemon.get("/healthz")["seq"]
            rows = self.daemon.pages("/v1/instances")  # once more: something was due in the meantime
            self.ledger.read()
        self.ledger.check_rows(rows)
        for name, instance in self.ledger.instances.items():
            if instance.machine == "counter":
                n = self.daemon.get("/v1/instances/" + name)["context"]["n"]
                if n != instance.n:
                    said = "%s: n is %s by the records and %s in the store" % (name, instance.n, n)
                    self.faults.add("wrong", said)

    def check_proof(self):
        """The log from its first byte is what was read piece by piece; and the daemon's own verify."""
        self.ledger.read()
        whole = Ledger(Reader(self.reader.dir), Faults())
        whole.read()
        if whole.leaves != self.ledger.leaves:
            self.faults.add("wrong", "records that were read after a kill are not the same at the end")
        status, proof = cli("--data", self.daemon.data, "audit", "verify")
        if status != 0 or (proof["records"], proof["head"]) != (self.ledger.seq, self.ledger.leaf.hex()):
            leaf = self.ledger.leaf.hex()
            self.faults.add("wrong", "verify: exit %d, %s; the last leaf is %s" % (status, proof, leaf))

    def check_stream(self):
        """Each record once and in its order, up to what the daemon says it has published."""
        self.daemon.start()  # the stop itself may have written records
        seq = self.daemon.get("/healthz")["seq"]
        await_("publishing", lambda: self.published() >= seq)
        self.daemon.stop(signal.SIGKILL)
        self.ledger.read()
        for message in stream_messages(self.server.port, "FSM_EVT_0"):
            self.published_records += 1
            here = self.published_records
            id, leaf = message.headers.get("Nats-Msg-Id"), message.headers.get("Fsm-Leaf")
            expected = "%s.%d" % (self.reader.origin, here)
            if id != expected or here > self.ledger.seq or leaf != self.ledger.leaves[here - 1].hex():
                self.faults.add("out of order", "message %d of the stream is %s (%s)" % (here, id, leaf))
            elif json.loads(message.data)["seq"] != here:
                self.faults.add("wrong", "message %d of the stream has another body" % here)
        if self.published_records < seq:
            self.faults.add("lost", "the stream has %d records of %d" % (self.published_records, seq))

    def published(self):
        return self.daemon.get("/healthz")["sinks"][0]["seq"]

    # ---- all of it ------------------------------------------------------------------------------------

    def run(self):
        self.prepare()
        for number in range(self.options.cycles):
            self.cycle(number)
            self.cycles += 1
            if any(self.faults.count.values()):
                return  # the files are kept as they are
        self.finish()

    def clean_up(self):
        """Ends what was started; called once or twice."""
        if self.daemon.process and not self.daemon.died():
            self.daemon.stop(signal.SIGKILL)
        if self.server:
            self.server.stop()

    def summary(self, seconds):
        commands, clients, ledger = self.commands(), self.clients, self.ledger
        count = self.faults.count
        of = {o: sum(c.outcome == o for c in commands) for o in ("taken", "refused", "given up")}
        lines = [
            "cycles %d, kills %d (%d while starting, %d with loss of the disk's cache), seed %d, %.0f s"
            % (self.cycles, self.kills, self.died_starting, self.kills_lossy, self.options.seed, seconds),
            "commands %d: acknowledged %d (taken %d, refused %d), given up %d"
            % (len(commands), of["taken"] + of["refused"], of["taken"], of["refused"], of["given up"]),
            "retried %d, of which %d had been taken before the kill"
            % (sum(c.retried for c in clients), sum(c.replayed for c in clients)),
            "records %d in %d segments, instances %d, tasks answered %d"
            % (self.ledger.seq, self.reader.ordinal, len(self.ledger.instances), self.answered_tasks),
            "timers set %d: fired %d, cancelled %d; first answers asked for again %d"
            % (ledger.timers_set, ledger.timers_fired, ledger.timers_cancelled, sum(c.repeated for c in clients)),
            "compared files and daemon %d times, %d questions" % (self.compared, self.comparison.questions),
            "published %d" % self.published_records if self.server else "published: not tested, no nats-server",
            "lost %d, duplicated %d, out of order %d, otherwise wrong %d"
            % (count["lost"], count["duplicated"], count["out of order"], count["wrong"]),
        ]
        return "\n".join(lines + self.faults.texts)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    environment = os.environ.get
    parser.add_argument("--cycles", type=int, default=int(environment("FSM_KILL_CYCLES", "20")))
    seed = int(environment("FSM_KILL_SEED", "0")) or int.from_bytes(os.urandom(4), "big")
    parser.add_argument("--seed", type=int, default=seed)
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--longest", type=float, default=1.0, help="seconds of load before a kill, at most")
    parser.add_argument("--compare", type=int, default=8, help="ask the files in every Nth cycle")
    parser.add_argument("--keep", action="store_true", help="leave the files where they are")
    return parser.parse_args()


def give_up(kill):
    """Before whoever started this ends it and leaves the daemon alone."""
    print("nothing moves", flush=True)
    faulthandler.dump_traceback()
    kill.clean_up()
    os._exit(1)


def main():
    options = read_options()
    if not os.access(FSMD, os.X_OK) or not os.access(CLI, os.X_OK):
        print("skipped: %s and %s are not built" % (FSMD, CLI))
        return 77
    print("seed %d" % options.seed, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    directory, begun = tempfile.mkdtemp(prefix="fsm-kill-"), time.monotonic()
    kill, passed = Kill(options, directory), False
    watchdog = threading.Timer(max(LIMIT, 5 * options.cycles), give_up, (kill,))
    watchdog.daemon = True
    watchdog.start()
    try:
        kill.run()
        passed = not any(kill.faults.count.values())
    finally:
        kill.clean_up()
        print(kill.summary(time.monotonic() - begun), flush=True)
        if passed and not options.keep:
            shutil.rmtree(directory)
        else:
            print("files: " + directory)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
