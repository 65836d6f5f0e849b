#!/usr/bin/env python3
"""examples/consume_once.c and .mjs (where node is) over the stream of a real fsmd on a real nats-server.

Both consumers, the server and the daemon are killed at random while records flow; the stream is purged, made
anew, loses messages. At the end the effects are those of the journal, each once and in its order; the journal
is read by tests/kill.d/journal.py, which shares no code with what is judged. Exit 77: not built, no server.
  --cycles N, --seed N   more of it"""
import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
for folder in ("tests", "tests/kill.d", "tests/publish.d"):
    sys.path.insert(0, os.path.join(SOURCE, folder))
sys.dont_write_bytecode = True

from journal import Reader, unpack  # noqa: E402
from scene import STREAM, Daemon, NatsServer, await_, find_nats_server  # noqa: E402

BUILD = os.environ.get("FSM_BUILD_DIR", "build/dev")
FSMD, CONSUMER = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "consume_once")
SCRIPT = os.path.join(SOURCE, "examples", "consume_once.mjs")
SEQ, DATA = 1, 22  # keys of a record
COUNT = {"id": "count", "initial": "a", "context": {"n": 0},
         "states": {"a": {"on": {"ADD": {"context": {"n": {"@expr": "context.n + event.by"}}}}}}}  # fmt: skip
OPTIONS = argparse.Namespace(cycles=12, seed=1)


class Consumer:
    def __init__(self, program, folder, name, url):
        self.state = os.path.join(folder, name)
        self.command = [*program, self.state, url, STREAM]
        self.log, self.process, self.kills = open(self.state + ".log", "ab"), None, 0

    def start(self):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=self.log)

    def kill(self):
        if self.process is not None:
            process, self.process = self.process, None
            ended = process.poll()
            process.kill()
            process.wait()
            self.kills += 1
            assert ended is None, "the consumer ended: %d: %s" % (ended, self.said())

    def run(self, seconds):
        """Until nothing comes for so many seconds: how it exits."""
        return subprocess.run([*self.command, str(seconds)], stderr=self.log, timeout=300).returncode

    def said(self):
        with open(self.state + ".log", encoding="utf-8") as file:
            return file.read()[-2000:]

    def read(self):
        """(seq, count, sum)"""
        if not os.path.exists(self.state):
            return 0, 0, 0
        with open(self.state, encoding="utf-8") as file:
            words = file.read().split()
        return int(words[0]), int(words[5]), int(words[6])

    def close(self):
        self.kill()
        self.log.close()


class Load(threading.Thread):
    """Commands without a pause, over daemons that come and go."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.daemon_, self.ending, self.sent = daemon, False, 0

    def run(self):
        while not self.ending:
            try:
                body = {"event": "ADD", "data": {"by": self.sent * self.sent % 97}}
                status, _ = self.daemon_.call("POST", "/v1/instances/c/events", body)
                self.sent += status == 200
            except OSError:
                time.sleep(0.02)


class ConsumeOnceStream(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fsm-consume-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.rng, self.counts = random.Random(OPTIONS.seed), {}
        self.nats = NatsServer(find_nats_server(), self.dir)
        self.daemon = Daemon([FSMD], self.dir, self.nats, self.rng)
        self.addCleanup(self.nats.kill)
        self.addCleanup(self.daemon.kill)
        self.nats.start()
        sink = {"name": "nats", "kind": "nats", "timeout": "1s", "sync": "500ms", "backoff": "5ms",
                "backoff_max": "200ms"}  # fmt: skip
        with open(self.daemon.sinks, "w", encoding="utf-8") as file:
            json.dump({"sinks": [sink]}, file)
        self.daemon.start()
        self.assertIn(self.daemon.call("POST", "/v1/machines", COUNT)[0], (200, 201))
        self.assertIn(self.daemon.call("POST", "/v1/instances", {"machine": "count", "id": "c"})[0], (200, 201))
        programs = {"c": [CONSUMER]}
        if shutil.which("node"):
            programs["node"] = ["node", SCRIPT]
        else:
            print("node is not installed: its consumer is left out")
        self.consumers = [Consumer(p, self.dir, name, self.nats.url) for name, p in programs.items()]
        for consumer in self.consumers:
            self.addCleanup(consumer.close)

    def journal(self):
        """What a consumer of all of it has: (seq, count, sum)."""
        seq = count = total = 0
        for frame in Reader(os.path.join(self.daemon.data, "journal", "0")).frames():
            for data in frame:
                fields = unpack(data)[0]
                by = (fields.get(DATA) or {}).get("by", 0)
                seq, count, total = fields[SEQ], count + 1, (31 * total + by) % 2**64
        return seq, count, total

    # ---- what happens ----

    def restart_nats(self):
        self.nats.kill()
        time.sleep(self.rng.uniform(0, 0.3))
        self.nats.start()

    def wipe_nats(self):
        self.nats.kill()
        self.nats.wipe()
        self.nats.start()

    def restart_daemon(self):
        self.daemon.kill()
        self.daemon.start()

    def purge(self):
        self.nats.ask("PURGE")

    def delete_stream(self):
        self.nats.ask("DELETE")

    def lose_messages(self):
        state = (self.nats.ask("INFO") or {}).get("state")
        if state and state["messages"] > 0:
            at = self.rng.randint(state["first_seq"], state["last_seq"])
            for seq in range(at, min(at + self.rng.randint(1, 40), state["last_seq"])):
                self.nats.ask("MSG.DELETE", {"seq": seq})

    def kill_consumer(self):
        self.rng.choice(self.consumers).kill()

    def cycle(self):
        for consumer in self.consumers:
            consumer.start()
        time.sleep(self.rng.uniform(0.05, 0.6))
        acts = [self.kill_consumer] * 4 + [self.restart_nats] * 3 + [self.restart_daemon, self.lose_messages, self.lose_messages,
                self.wipe_nats, self.purge, self.delete_stream]  # fmt: skip
        for act in self.rng.sample(acts, 3):
            self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
            act()

    def come_to_the_end(self):
        for consumer in self.consumers:
            consumer.start()
        self.restart_nats()  # the daemon looks what the stream has lost when it connects
        end = self.journal()
        for consumer in self.consumers:
            await_(consumer.command[0], lambda: consumer.read()[0] >= end[0] or consumer.process.poll() is not None, 90,
                   lambda: "%s: %s, the journal is at %s\n%s" % (consumer.command, consumer.read(), end, consumer.said()))
            consumer.kill()
            self.assertEqual(consumer.read(), self.journal(), consumer.command)

    def test_whatever_is_killed_each_effect_is_there_once_and_in_order(self):
        load = Load(self.daemon)
        load.start()
        for _ in range(OPTIONS.cycles):
            self.cycle()
        await_("some commands", lambda: load.sent > 50)
        load.ending = True
        load.join()
        self.come_to_the_end()
        self.assertGreater(sum(c.kills for c in self.consumers), len(self.consumers))
        print(self.counts, "records: %d" % self.journal()[0])

    def test_a_loss_is_told_and_its_repair_is_waited_for(self):
        for by in range(60):
            self.daemon.call("POST", "/v1/instances/c/events", {"event": "ADD", "data": {"by": by}})
        end = self.journal()
        await_("the stream", lambda: (self.nats.ask("INFO") or {"state": {}})["state"].get("last_seq", 0) >= end[0])
        self.daemon.stop(signal.SIGTERM)
        for place in (30, 31, 32, 40):
            self.assertTrue(self.nats.ask("MSG.DELETE", {"seq": place})["success"])
        for consumer in self.consumers:
            self.assertEqual(consumer.run(3), 7, consumer.said())
            self.assertIn("%s: records 30 to 32 are missing" % STREAM, consumer.said())
            self.assertEqual(consumer.read()[:2], (29, 29))
        for consumer in self.consumers:
            consumer.start()
        self.daemon.start()
        for consumer in self.consumers:
            await_(consumer.command[0], lambda: consumer.read() == self.journal(), 90, consumer.said)
            consumer.kill()

    def test_a_place_that_the_stream_does_not_have_is_only_a_hint(self):
        for by in range(20):
            self.daemon.call("POST", "/v1/instances/c/events", {"event": "ADD", "data": {"by": by}})
        end = self.journal()
        await_("the stream", lambda: (self.nats.ask("INFO") or {"state": {}})["state"].get("last_seq", 0) >= end[0])
        for consumer in self.consumers:
            for place in (9999, 12):
                with open(consumer.state, "w", encoding="utf-8") as file:
                    file.write("0 0 - - %d 0 0\n" % place)
                self.assertEqual(consumer.run(4), 0, consumer.said())
                self.assertEqual(consumer.read(), end)

    def test_without_a_stream_it_says_so(self):
        for consumer in self.consumers:
            consumer.command[-1] = "NONE"
            self.assertEqual(consumer.run(1), 1, consumer.said())
            self.assertIn("NONE: ", consumer.said())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=OPTIONS.cycles)
    parser.add_argument("--seed", type=int, default=OPTIONS.seed)
    OPTIONS, rest = parser.parse_known_args()
    missing = "no nats-server" if find_nats_server() is None else ""
    if not os.access(FSMD, os.X_OK) or not os.access(CONSUMER, os.X_OK):
        missing = "not built"
    if missing:
        print("skipped: " + missing)
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *rest])
