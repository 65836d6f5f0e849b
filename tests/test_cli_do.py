#!/usr/bin/env python3
"""fsm-cli where it changes things: one, many, stdin, a filter; dry; on stopped files; broken off and gone on.

FSM_TEST_CROWD: of how many instances a run that is killed is (60). Exit 77: the programs are not built.
"""
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = os.environ.get("FSM_BUILD_DIR", "")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
CROWD = int(os.environ.get("FSM_TEST_CROWD", "60"))
PATIENCE_S = 60
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

JOB = {
    "id": "job",
    "@exprLang": "cel",
    "context": {"n": 0, "who": None},
    "schemas": {"context": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    "initial": "idle",
    "states": {
        "idle": {
            "on": {
                "GO": "waits",
                "WORK": "works",
                "ADD": {"context": {"n": {"@expr": "context.n + 1"}}},
                "BREAK": "broken",
                "END": "done",
            }
        },
        "waits": {"after": {"10800000": "idle"}, "on": {"BACK": "idle"}},
        "works": {
            "invoke": {
                "id": "paint",
                "src": "painter",
                "input": {"colour": "red"},
                "meta": {"fsm": {"attempts": 2}},
                "onDone": {"target": "idle", "context": {"who": {"@expr": "event.output.by"}}},
                "onError": "idle",
            }
        },
        "broken": {"entry": {"type": "@xstate.assign", "context": {"n": {"@expr": "1 / (context.n * 0)"}}}, "on": {"BACK": "idle"}},
        "done": {"type": "final"},
    },
}


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
    env.update(TERM="xterm", PAGER="cat", LC_ALL="C.UTF-8")
    return env


def run(*args, input=None):
    done = subprocess.run([CLI, *args], input=input, capture_output=True, timeout=PATIENCE_S, env=environment(), text=True)
    return done.returncode, done.stdout, done.stderr


class Daemon:
    def __init__(self, data):
        self.data, self.process = data, None
        self.start()

    def start(self):
        self.log = open(self.data + ".log", "ab")
        self.process = subprocess.Popen([FSMD, "--data", self.data, "--no-listen"], stdout=self.log, stderr=self.log, env=environment())
        deadline = time.monotonic() + PATIENCE_S
        while run("--socket", self.data + "/fsmd.sock", "health", "-q")[0] != 0:
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("fsmd did not start: " + open(self.data + ".log").read())
            time.sleep(0.02)

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
        self.log.close()


class Case(unittest.TestCase):
    maxDiff = None
    daemon_class = Daemon

    def place(self):
        return self.scratch + "/data"

    def setUp(self):
        self.scratch = tempfile.mkdtemp(prefix="fsm-do-")
        self.addCleanup(shutil.rmtree, self.scratch)
        self.data = self.place()
        self.daemon = self.daemon_class(self.data)
        self.addCleanup(lambda: self.daemon.stop(signal.SIGKILL))
        with open(self.scratch + "/job.json", "w") as out:
            json.dump(JOB, out)
        self.ok("def", "deploy", self.scratch + "/job.json")

    def do(self, *args, **kwargs):
        return run("--data", self.data, *args, **kwargs)

    def expect(self, code, *args, **kwargs):
        got, out, err = self.do(*args, **kwargs)
        self.assertEqual(got, code, "fsm-cli %s\n%s%s" % (" ".join(args), out, err))
        return out, err

    def ok(self, *args, **kwargs):
        return self.expect(0, *args, **kwargs)[0]

    def json(self, *args, **kwargs):
        return json.loads(self.ok(*args, "-o", "json", **kwargs))

    def start(self, *ids, event=None):
        for one in ids:
            self.ok("start", "job", "--id", one)
            if event:
                self.ok("send", one, event)

    def records(self, one):
        return self.json("log", one)["items"]

    def count(self, kind, one):
        return sum(r["kind"] == kind for r in self.records(one))

    def seq(self):
        return self.json("ls")["seq"]


# What is done, and how it ends: the same by a daemon and on its stopped files.
STORY = (
    (0, "send", "one", "ADD"),
    (4, "send", "one", "BACK"),
    (4, "send", "one", "NONE"),
    (4, "send", "one", "ADD", "--expect-rev", "9"),
    (0, "send", "one", "ADD", "--idem", "k", "--corr", "c"),
    (0, "send", "one", "ADD", "--idem", "k", "--corr", "c"),
    (2, "pause", "one"),
    (0, "pause", "one", "--reason", "r"),
    (4, "pause", "one", "--reason", "r"),
    (4, "send", "one", "ADD"),
    (0, "resume", "one", "--reason", "r"),
    (0, "note", "one", "a word"),
    (0, "set", "one", "n=7", "who=ana", "--reason", "r"),
    (4, "set", "one", "n=many", "--reason", "r"),
    (0, "set", "one", '{"who": null}', "--reason", "r"),
    (2, "set", "one", "n.a=1", "--reason", "r"),
    (0, "send", "one", "BREAK"),
    (4, "retry", "one", "paint", "--reason", "r"),
    (0, "skip", "one", "--reason", "r"),
    (0, "force", "one", "waits", "--reason", "r"),
    (2, "force", "one", "nowhere", "--reason", "r"),
    (0, "timer", "fire", "one", "xstate.after.10800000.job.waits", "--reason", "r"),
    (0, "send", "one", "WORK"),
    (0, "retry", "one", "paint", "--reason", "r"),
    (0, "task", "fail", "one", "paint", "--error", "no paint"),
    (0, "task", "retry", "one", "paint", "--reason", "r"),
    (0, "task", "complete", "one", "paint", "--data", '{"by": "bob"}'),
    (3, "task", "complete", "one", "paint"),
    (0, "send", "one", "WORK"),
    (0, "skip", "one", "paint", "--data", '{"by": "ola"}', "--reason", "r"),
    (3, "cancel", "two", "--reason", "r"),
    (0, "cancel", "one", "--reason", "r"),
    (4, "send", "one", "ADD"),
)



class Story(Case):
    def told(self, more):
        """What each step said, without what is made by chance."""
        said = []
        for code, *words in STORY:
            words = ["xstate.after.10800000.waits" if w.startswith("xstate.after") else w for w in words]
            got, out, err = self.do(*words, *more)
            self.assertEqual(got, code, "fsm-cli %s\n%s%s" % (" ".join(words), out, err))
            said.append((words, UUID.sub("U", out), UUID.sub("U", err)))
        return said

    def test_files_are_changed_as_by_their_daemon_and_say_the_same(self):
        self.start("one")
        self.daemon.stop()
        shutil.copytree(self.data, self.scratch + "/copy", symlinks=True)
        offline = self.told(["--offline"])
        story = [{k: v for k, v in r.items() if k not in ("time", "dur", "prev", "node", "id", "epoch", "elapsed", "tok", "corr")} for r in self.records("one")]
        self.ok("audit", "verify")
        shutil.rmtree(self.data)
        os.rename(self.scratch + "/copy", self.data)
        self.daemon.start()
        online = self.told([])
        for a, b in zip(offline, online):
            self.assertEqual(a, b)
        self.assertEqual([r["kind"] for r in story], [r["kind"] for r in self.records("one")])
        self.assertEqual({r["act"]["type"] for r in story if "act" in r}, {"local"})
        self.daemon.stop()
        self.daemon.start()
        self.ok("audit", "verify")

    def test_a_dry_run_tells_the_records_that_are_then_written(self):
        """By a daemon, and over its stopped files; -o json has them whole."""
        self.start("one")
        made = ("seq", "id", "time", "dur", "prev", "tok", "corr", "elapsed", "epoch", "iprev", "late", "next", "timers", "tasks", "caus", "node", "detail")
        plain = lambda records: [{k: v for k, v in r.items() if k not in made} for r in records]
        for code, *words in STORY:
            words = ["xstate.after.10800000.waits" if w.startswith("xstate.after") else w for w in words]
            if code in (2, 3) or "--idem" in words:
                continue
            before = self.seq()
            got, out, err = self.do(*words, "--dry-run", "-o", "json")
            self.assertEqual(got, code, (words, out, err))
            document = json.loads(out if code == 0 else err)
            self.assertIs(document["dry_run"], True)
            self.assertEqual(self.seq(), before, words)
            self.assertEqual(self.do(*words)[0], code)
            written = [r for r in self.records("one") if r["seq"] > before]
            self.assertEqual(plain(document["records"]), plain(written), words)
        self.start("two")
        self.daemon.stop()
        before = self.seq()
        out = self.ok("cancel", "two", "--reason", "r", "--dry-run")
        self.assertIn("nothing was done; this record would be written\n  cancelled\n", out)
        self.assertEqual(self.seq(), before)
        self.assertEqual(self.json("get", "two")["status"], "running")


class Locks(Case):
    def test_while_a_daemon_has_the_files_nothing_is_written_beside_it(self):
        self.start("one")
        _, err = self.expect(9, "pause", "one", "--reason", "r", "--offline")
        self.assertIn("process %d holds it" % self.daemon.process.pid, err)
        self.assertIn("without --offline that daemon is asked", err)
        self.assertEqual(self.json("get", "one")["status"], "running")

    def test_without_a_daemon_both_ways_are_told(self):
        self.start("one")
        self.daemon.stop()
        _, err = self.expect(9, "pause", "one", "--reason", "r")
        self.assertIn("start one: fsmd --data %s, or change its files as they lie: --offline" % self.data, err)
        self.assertEqual(self.json("get", "one")["status"], "running")

    def test_offline_is_of_files(self):
        _, err = run("--url", "http://127.0.0.1:1", "pause", "one", "--reason", "r", "--offline")[1:]
        self.assertIn("--offline is of files", err)

    def test_what_is_due_waits_for_the_daemon(self):
        self.start("one", event="GO")
        self.start("two")
        self.daemon.stop()
        self.ok("send", "two", "ADD", "--offline")
        self.assertEqual(self.json("get", "one")["state"], ["waits"])
        self.assertEqual(self.json("timer", "ls")["items"][0]["instance"], "one")


class Crowds(Case):
    def setUp(self):
        super().setUp()
        self.start("a", "b", "c", "d")

    def test_many_are_shown_first_and_need_a_yes(self):
        before = self.seq()
        for words in (["a", "b"], ["-m", "job"], ["-"]):
            _, err = self.expect(2, "pause", *words, "--reason", "r", input="a b\n")
            self.assertIn("-y says yes", err)
            self.assertRegex(err, r"^pause: [124] instances? \(job [124]\)\n  a  job  idle  running\n")
        self.assertEqual(self.seq(), before)

    def test_each_has_its_line_in_the_order_in_which_they_were_named(self):
        self.ok("pause", "b", "--reason", "r")
        out, err = self.expect(6, "pause", "d", "b", "nope", "a", "d", "--reason", "r", "-y", "-o", "csv")
        rows = [line.split(",") for line in out.splitlines()]
        self.assertEqual([(r[0], r[1]) for r in rows], [("instance", "result"), ("d", "done"), ("b", "paused"), ("nope", "unknown_instance"), ("a", "done")])
        self.assertIn("fsm-cli: 2 of 4 done, 2 refused or failed\n", err)
        out, _ = self.expect(4, "pause", "a", "b", "--reason", "r", "-y")
        self.assertIn("it cannot be paused: the instance is paused already", out)

    def test_ids_come_on_stdin_and_a_filter_says_which(self):
        ids = self.ok("ls", "-o", "id", "-q", "--sort", "id")
        self.assertEqual(self.ok("pause", "-", "--reason", "r", "-y", "-o", "id", "--limit", "9", input=ids), ids)
        items = self.json("resume", "--paused", "-m", "job", "--where", "id != 'c'", "--reason", "r", "-y")
        self.assertEqual((items["done"], items["failed"], items["left"]), (3, 0, 0))
        self.assertEqual({i["instance"] for i in items["items"]}, {"a", "b", "d"})
        self.assertEqual(self.json("get", "c")["status"], "paused")
        lines = [json.loads(line) for line in self.ok("note", "--open", "--limit", "2", "hello", "-y", "-o", "jsonl").splitlines()]
        self.assertEqual([line["ok"] for line in lines], [True, True])
        self.assertEqual(self.expect(0, "resume", "-m", "job", "-s", "waits", "--reason", "r")[1], "fsm-cli: there is none: nothing to do\n")

    def test_what_cannot_be_meant_is_told(self):
        for words, told in (
            (["pause", "--reason", "r"], "which?"),
            (["pause", "a", "-m", "job", "--reason", "r"], "either instances are named, or a FILTER"),
            (["pause", "a", "-", "--reason", "r"], "- (stdin) stands alone"),
            (["pause", "a", "b", "--expect-rev", "1", "--reason", "r", "-y"], "--expect-rev is of one REF"),
            (["retry", "a", "b", "c", "--reason", "r"], "one too many"),
            (["force", "a", "--reason", "r"], "into which state?"),
            (["set", "a", "--reason", "r"], "which field"),
            (["set", "a", "n", "--reason", "r"], "expected FIELD=VALUE"),
            (["cancel", "a"], "--reason TEXT"),
            (["note", "a", ""], "a note says something"),
            (["note", "a", "b", "x", "-y", "--rate", "0"], "rate"),
        ):
            _, err = self.expect(2, *words)
            self.assertIn(told, err, words)

    def test_a_terminal_is_asked(self):
        for answer, code, status in (("n", 0, "running"), ("y", 0, "paused")):
            main, side = pty.openpty()
            child = subprocess.Popen([CLI, "--data", self.data, "pause", "a", "b", "--reason", "r"], stdin=side, stdout=subprocess.PIPE, stderr=side, env=environment())
            os.close(side)
            seen = b""
            while b"[y/N]" not in seen:
                seen += os.read(main, 4096)
            os.write(main, answer.encode() + b"\n")
            child.stdout.read()
            child.stdout.close()
            self.assertEqual(child.wait(PATIENCE_S), code)
            os.close(main)
            self.assertEqual(self.json("get", "a")["status"], status)

    def test_a_rate_is_kept(self):
        began = time.monotonic()
        self.ok("note", "-m", "job", "slowly", "-y", "--rate", "4")
        self.assertGreater(time.monotonic() - began, 0.74)  # the fourth begins after 3/4 s

    def test_a_key_makes_a_run_that_may_be_repeated(self):
        first = self.ok("send", "a", "b", "c", "ADD", "-y", "--idem", "k", "-o", "csv")
        again = self.ok("send", "a", "b", "c", "d", "ADD", "-y", "--idem", "k", "-o", "csv")
        self.assertEqual([row.split(",")[1] for row in first.splitlines()[1:]], ["done"] * 3)
        self.assertEqual([row.split(",")[1] for row in again.splitlines()[1:]], ["done before"] * 3 + ["done"])
        self.assertEqual([self.json("get", one)["context"]["n"] for one in "abcd"], [1] * 4)


class Broken(Case):
    def crowd(self):
        for i in range(CROWD):
            self.post("/v1/instances", {"machine": "job", "id": "m%03d" % i})
        return "".join("m%03d\n" % i for i in range(CROWD))

    def post(self, path, body):
        body = json.dumps(body).encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.data + "/fsmd.sock")
            s.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
            self.assertIn(b" 201 ", s.recv(65536)[:16])

    def begun(self, ids, *more):
        child = subprocess.Popen(
            [CLI, "--data", self.data, "send", "-", "ADD", "-y", "--idem", "run", "-o", "jsonl", *more],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True,
        )
        child.stdin.write(ids)
        child.stdin.close()
        child.stdin = None
        for _ in range(5):
            self.assertNotEqual(child.stdout.readline(), "")
        return child

    def sums(self):
        items = self.json("ls", "--all", "--where", "context.n == 1")["items"]
        more = self.json("ls", "--all", "--where", "context.n > 1")["items"]
        return len(items), len(more)

    def test_a_run_that_was_killed_goes_on_under_its_key_and_does_nothing_twice(self):
        ids = self.crowd()
        child = self.begun(ids, "--rate", "8")
        child.kill()
        child.communicate()
        done, twice = self.sums()
        self.assertTrue(5 <= done < CROWD, done)
        self.assertEqual(twice, 0)
        out = self.ok("send", "-", "ADD", "-y", "--idem", "run", "-o", "csv", input=ids)
        self.assertEqual(self.sums(), (CROWD, 0))
        self.assertEqual(out.count(",done before,"), done)

    def test_ctrl_c_stops_between_two_and_says_how_far_it_came(self):
        ids = self.crowd()
        child = self.begun(ids, "--rate", "8")
        child.send_signal(signal.SIGINT)
        _, err = child.communicate(timeout=PATIENCE_S)
        self.assertEqual(child.returncode, 6, err)
        said = re.search(r"stopped: (\d+) of (\d+) done, (\d+) not begun; to go on: the same with --idem run", err)
        self.assertIsNotNone(said, err)
        self.assertEqual((int(said[1]), 0), self.sums())
        self.assertEqual(int(said[1]) + int(said[3]), CROWD)

    def test_a_daemon_that_goes_ends_the_run(self):
        ids = self.crowd()
        child = self.begun(ids, "--rate", "8")
        self.daemon.stop(signal.SIGKILL)
        _, err = child.communicate(timeout=PATIENCE_S)
        self.assertEqual(child.returncode, 6, err)
        self.assertRegex(err, r"not begun; to go on")
        self.daemon.start()
        self.ok("send", "-", "ADD", "-y", "--idem", "run", input=ids)
        self.assertEqual(self.sums(), (CROWD, 0))


class Waits(Case):
    def test_it_is_there_comes_or_cannot_come(self):
        self.start("one")
        self.assertIn("idle", self.ok("wait", "one", "--state", "idle"))
        self.ok("wait", "one", "--status", "running")
        _, err = self.expect(8, "wait", "one", "--state", "waits", "--timeout", "200ms")
        self.assertIn("waits has not come", err)
        child = subprocess.Popen([CLI, "--data", self.data, "wait", "one", "--state", "waits", "--timeout", "30s"], stdout=subprocess.PIPE, env=environment(), text=True)
        while child.poll() is None:  # when it looks on, nobody knows
            self.ok("send", "one", "GO")
            self.ok("send", "one", "BACK")  # it was there, and has left
        self.assertIn("instance:     one\n", child.communicate(timeout=PATIENCE_S)[0])
        self.assertEqual(child.returncode, 0)
        child = subprocess.Popen([CLI, "--data", self.data, "wait", "one", "--event", "ADD"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True)
        self.ok("send", "one", "END")
        _, err = child.communicate(timeout=PATIENCE_S)
        self.assertEqual(child.returncode, 4, err)
        self.assertIn("ADD will not come: the instance is completed", err)
        self.expect(2, "wait", "one")
        self.expect(3, "wait", "none", "--state", "x")


class Waiting(Case):
    """What waits for somebody or for its time: task, timer."""

    def test_tasks_are_shown_by_daemon_and_files_and_answered(self):
        self.start("one", "two", event="WORK")
        told = self.ok("task", "ls", "one", "-q")
        self.assertRegex(told, r"^INSTANCE  TASK   SERVICE  STATE +ATTEMPT")
        self.assertIn("one       paint  painter", told)
        task = self.json("task", "get", "one", "paint")
        self.assertEqual((task["input"], task["attempts"]), ({"colour": "red"}, 2))
        self.assertEqual(self.ok("task", "ls", "--service", "painter", "-o", "id", "-q").split(), [t["token"] for t in self.json("task", "ls")["items"]])
        _, err = self.expect(3, "task", "get", "one", "nail")
        self.assertIn("no such open task; it has paint", err)
        self.expect(2, "task", "get", "one")
        self.expect(2, "task", "fail", task["token"])
        self.ok("task", "complete", task["token"], "--data", '{"by": "bob"}')
        self.assertEqual(self.json("get", "one")["context"]["who"], "bob")
        self.daemon.stop()
        self.assertEqual([t["instance"] for t in self.json("task", "ls")["items"]], ["two"])
        self.ok("task", "complete", "two", "paint", "--data", '{"by": "eve"}', "--offline")
        self.assertEqual(self.json("get", "two")["context"]["who"], "eve")
        self.assertEqual(self.json("task", "ls")["items"], [])

    def test_a_task_is_claimed_by_one_and_answered_by_its_token(self):
        ids = ["one", "two", "three", "four", "five"]
        self.start(*ids, event="WORK")
        claimers = [subprocess.Popen([CLI, "--data", self.data, "task", "claim", "painter", "--limit", "2", "-o", "json"], stdout=subprocess.PIPE, env=environment(), text=True) for _ in range(2)]
        got = [json.loads(c.communicate(timeout=PATIENCE_S)[0])["items"] for c in claimers]
        self.assertEqual([len(items) for items in got], [2, 2])
        tasks = got[0] + got[1]
        self.assertEqual(len({t["token"] for t in tasks}), 4)
        self.assertEqual({(t["state"], t["attempt"], json.dumps(t["input"])) for t in tasks}, {("running", 1, '{"colour": "red"}')})
        (token,) = self.ok("task", "claim", "painter", "--limit", "9", "-o", "id", "-q").split()
        out, err = self.expect(0, "task", "claim", "painter")
        self.assertEqual((out, "none to be had" in err), ("", True))
        self.ok("task", "heartbeat", token)
        self.ok("task", "complete", token, "--attempt", "1", "--data", '{"by": "zoe"}')
        self.assertEqual(sorted(t["instance"] for t in self.json("task", "ls")["items"]), sorted(t["instance"] for t in tasks))
        self.ok("task", "fail", tasks[0]["token"], "--error", "given back")
        _, err = self.expect(3, "task", "complete", tasks[0]["token"], "--attempt", "1")
        self.assertIn("attempt 1 is over", err)
        self.daemon.stop()
        _, err = self.expect(9, "task", "claim", "painter")
        self.assertIn("no daemon runs there", err)

    def test_timers_are_shown_in_the_order_in_which_they_are_due_and_fired(self):
        self.start("one", event="GO")
        self.start("two", event="GO")
        self.assertEqual([t["instance"] for t in self.json("timer", "ls")["items"]], ["one", "two"])
        told = self.ok("timer", "ls", "two", "-q")
        self.assertRegex(told, r"(?m)^\S+  2h5\dm\S*  two       xstate\.after\.10800000\.waits  running  job")
        self.assertEqual(self.json("timer", "ls", "--late")["items"], [])
        self.ok("timer", "fire", "one", "xstate.after.10800000.waits", "--reason", "r")
        self.assertEqual(self.json("get", "one")["state"], ["idle"])
        self.daemon.stop()
        self.assertEqual([t["instance"] for t in self.json("timer", "ls", "-m", "job")["items"]], ["two"])


class Forced(Case):
    def test_who_was_forced_is_marked_for_ever_in_every_view(self):
        self.start("one", "two")
        self.ok("force", "one", "waits", "--reason", "r")
        self.ok("send", "one", "BACK")
        self.ok("force", "one", "works", "--reason", "r")
        self.ok("send", "two", "WORK")
        for stopped in (False, True):
            if stopped:
                self.daemon.stop()
            for words in (["ls"], ["stuck", "--for", "1ms"], ["task", "ls"]):
                items = self.json(*words)["items"]
                marked = {i.get("instance") or i["id"]: i.get("forced", False) for i in items}
                self.assertEqual(marked, {"one": True, "two": False}, words)
                lines = {w: line for line in self.ok(*words, "-q").splitlines() for w in ("one", "two") if re.search(r"\b%s\b" % w, line)}
                self.assertIn("forced", lines["one"], words)
                self.assertNotIn("forced", lines["two"], words)
            for words in (["get"], ["why"], ["events"], ["task", "get", "paint"]):
                words = words[:2] + ["%s"] + words[2:] if words[0] == "task" else words + ["%s"]
                for one in ("one", "two"):
                    filled = [w % one if "%s" in w else w for w in words]
                    self.assertEqual(self.json(*filled).get("forced", False), one == "one", filled)
                    self.assertEqual("forced" in self.ok(*filled), one == "one", filled)
            forced = [r["seq"] for r in self.records("one") if r.get("forced")]
            self.assertEqual(forced, [r["seq"] for r in self.records("one")][-len(forced):])
            self.assertGreater(len(forced), 2)
            self.assertEqual([i["id"] for i in self.json("ls", "--forced")["items"]], ["one"])


if __name__ == "__main__":
    if not os.path.exists(CLI) or not os.path.exists(FSMD):
        print("skipped: the programs are not built (FSM_BUILD_DIR)")
        sys.exit(77)
    unittest.main(verbosity=1)
