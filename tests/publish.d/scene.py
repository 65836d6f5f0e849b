"""scene.py: the programs of the test, each of which can be killed: fsmd, nats-server, something like
Elasticsearch; and clients that send commands all the time."""
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import threading
import time

from elastic_server import Elastic
from free_port import free_port
from load import Wire
from nats import Nats

WAIT = 120  # seconds: never reached when all is well
STREAM = "FSM_EVT_0"

ORDER = {
    "id": "order",
    "initial": "open",
    "context": {"n": 0, "note": "", "of": None},
    "on": {
        "ADD": {
            "context": {
                "n": {"@expr": "context.n + event.by"},
                "note": {"@expr": "event.note"},
                "of": {"@expr": "event.of"},
            }
        }
    },
    "states": {
        "open": {"on": {"GO": "review"}},
        "review": {
            "initial": "first",
            "after": {"60": "open"},
            "on": {"BACK": "open"},
            "states": {"first": {"on": {"GO": "second"}}, "second": {"on": {"GO": "first"}}},
        },
    },
}
PING = {"id": "ping", "initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {"on": {"GO": "a"}}}}


def await_(what, condition, seconds=WAIT, state=lambda: ""):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("%s: not within %d seconds %s" % (what, seconds, state()))
        time.sleep(0.01)


# ---- nats-server --------------------------------------------------------------------------------------


class NatsServer:
    def __init__(self, program, directory):
        self.program, self.dir = program, os.path.join(directory, "nats")
        self.port = free_port()
        self.url = "nats://127.0.0.1:%d" % self.port
        self.process, self.silent = None, False

    @property
    def up(self):
        return self.process is not None

    def start(self):
        if self.up:
            return
        command = [self.program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.dir]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        await_("nats-server", self.answers)
        if self.process.poll() is not None:
            raise AssertionError("nats-server does not start")

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return self.process.poll() is not None

    def be_silent(self, silent):
        if self.up:
            self.process.send_signal(signal.SIGSTOP if silent else signal.SIGCONT)
            self.silent = silent

    def kill(self):
        if self.up:
            self.process.kill()
            self.process.wait()
            self.process, self.silent = None, False

    def wipe(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, what, document=None):
        """An answer of JetStream about the stream; None: there was none."""
        if not self.up or self.silent:
            return None
        try:
            nats = Nats(self.port)
        except OSError:
            return None
        try:
            return nats.request("$JS.API.STREAM.%s.%s" % (what, STREAM), document or {}, timeout=3)
        except Exception:
            return None
        finally:
            nats.close()


def find_nats_server():
    program = os.environ.get("FSM_NATS_SERVER") or "nats-server"
    try:
        subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        return program
    except (OSError, subprocess.CalledProcessError):
        return None


# ---- something like Elasticsearch -----------------------------------------------------------------------


class Bulk(Elastic):
    """Counts documents that it was given again."""

    def __init__(self):
        self.again = 0
        super().__init__()

    def store(self, *action):
        item = super().store(*action)
        self.again += item["status"] == 409
        return item

    def trouble(self, words):
        with self.lock:
            self.script += words

    def calm(self):
        with self.lock:
            self.script.clear()


# ---- fsmd -----------------------------------------------------------------------------------------------


class Daemon:
    def __init__(self, programs, directory, nats, rng):
        self.programs, self.dir, self.nats, self.rng = programs, directory, nats, rng
        self.data, self.sinks = os.path.join(directory, "data"), os.path.join(directory, "sinks.json")
        self.log, self.process, self.lossy = os.path.join(directory, "log"), None, False

    @property
    def up(self):
        return self.process is not None

    @property
    def address(self):
        return os.path.join(self.data, "fsmd.sock")

    def launch(self):
        self.ready = os.path.join(self.dir, "port")
        if os.path.exists(self.ready):
            os.unlink(self.ready)
        self.lossy = len(self.programs) > 1 and self.rng.random() < 0.5
        command = [self.programs[self.lossy], "--data", self.data, "--listen", "127.0.0.1:0", "--auth", "none"]
        command += ["--port-file", self.ready, "--sinks", self.sinks, "--segment-bytes", str(2 << 20)]
        command += ["--nats", self.nats.url] if self.nats else []
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stderr=log)

    def start(self):
        if self.up:
            return
        self.launch()
        await_("fsmd", lambda: os.path.exists(self.ready) or self.process.poll() is not None)
        self.check_alive()

    def check_alive(self):
        if self.up and self.process.poll() is not None:
            with open(self.log, errors="replace") as log:
                raise AssertionError("fsmd ended: exit %d\n%s" % (self.process.returncode, log.read()[-4000:]))

    def kill(self):
        if self.up:
            self.check_alive()
            self.stop(signal.SIGKILL)

    def stop(self, how):
        self.process.send_signal(how)
        status = self.process.wait(WAIT)
        self.process = None
        return status

    def call(self, method, path, document=None):
        """(status, answer); OSError while it is down."""
        wire = Wire(self.address, None)
        try:
            return ask(wire, method, path, document)
        finally:
            wire.close()

    def sink_states(self):
        return self.call("GET", "/v1/sinks")[1]["items"]


def ask(wire, method, path, document=None):
    body = json.dumps(document).encode() if document is not None else b""
    head = "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    wire.socket.sendall((head % (method, path, len(body))).encode() + body)
    return wire.read()


# ---- clients --------------------------------------------------------------------------------------------


class Client(threading.Thread):
    """Commands one after the other; what was answered is written down: (seq, instance, correlation)."""

    def __init__(self, number, seed, address):
        super().__init__(name="client-%d" % number, daemon=True)
        self.number, self.address, self.rng = number, address, random.Random("%d/%d" % (seed, number))
        self.going, self.resting, self.ending = threading.Event(), threading.Event(), False
        self.answers, self.slowest, self.count, self.refused, self.broken = [], 0.0, 0, 0, 0
        self.instances, self.wire = [], None

    def pause(self):
        self.going.clear()
        self.resting.wait(WAIT)

    def run(self):
        while not self.ending:
            self.resting.set()
            self.going.wait()
            self.resting.clear()
            try:
                self.step()
            except OSError:
                self.broken += self.wire is not None
                self.close()
                time.sleep(0.02)
            time.sleep(self.rng.uniform(0, 0.02))

    def close(self):
        if self.wire is not None:
            self.wire.close()
        self.wire = None

    def step(self):
        if self.wire is None:
            self.wire = Wire(self.address, None)
        path, body = self.think()
        begun = time.monotonic()
        status, answer = ask(self.wire, "POST", path, body)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.count += 1
        if status in (200, 201):
            self.answers.append((answer["seq"], answer["instance"], answer["correlation"]))
            if path == "/v1/instances":
                self.instances.append(answer["instance"])
        elif status == 503:
            raise OSError("it ends")
        else:
            self.refused += 1

    def think(self):
        dice = self.rng.random()
        if len(self.instances) < 3 or dice < 0.03:
            machine = self.rng.choice(["order", "order", "ping"])
            return "/v1/instances", {"machine": machine, "labels": {"department": self.rng.choice(["a", "b"])}}
        path = "/v1/instances/%s/events" % self.rng.choice(self.instances[-8:])
        if dice < 0.5:
            return path, {"event": "ADD", "data": self.data()}
        return path, {"event": "NOPE" if dice < 0.52 else "BACK" if dice < 0.6 else "GO"}

    def data(self):
        note = self.rng.choice(["", "plain", "Überweisung ✓", '"\\\n\t\u0001', "x" * self.rng.randrange(2000)])
        of = self.rng.choice([None, True, 1.5, -(2**40), 2**53, 1e300, [1, [2, {}]], {"a": {"b": ["c"]}}])
        return {"by": self.rng.randrange(100), "note": note, "of": of}
