#!/usr/bin/env python3
"""Every command of fsm-cli against a daemon that lies: its answers are those of a real one, spoilt. Whatever comes, fsm-cli
ends, in bounded memory, with an exit code of its own and a sentence where it failed, and nothing reaches the terminal raw.

FSM_HOSTILE_RUNS: how often each command is run (default 3; each time with the next ways to spoil what it is told).
FSM_HOSTILE_SEED, FSM_HOSTILE_ONLY=words of one command: one again. Exit 77: the programs are not built.
"""
import concurrent.futures
import contextlib
import json
import os
import random
import re
import resource
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import unittest

import cli_scene as base
from cli_scene import CLI, HOSTILE, PATIENCE_S, environment, run
from test_transcripts_whole import listed

RUNS, SEED = int(os.environ.get("FSM_HOSTILE_RUNS", "3")), int(os.environ.get("FSM_HOSTILE_SEED", "1"))
ONLY = os.environ.get("FSM_HOSTILE_ONLY")
SANITIZED = os.path.exists(CLI) and b"__asan_init" in open(CLI, "rb").read()
MEMORY_MAX = (1200 if SANITIZED else 400) * 2**20
SECONDS_MAX = PATIENCE_S
RAW = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

# How each command is asked; {f}: a file of its own, {o}: a name that is free. What needs no daemon is not here.
ASKED = {
    "ls": [["ls", "--with", "kind,sla,waits,who,last"], ["ls", "-o", "wide", "--all"], ["ls", "-o", "json", "--all"], ["ls", "--group-by", "state,label:dept", "--sum", "opened"], ["ls", "-o", "tree"], ["ls", "-o", "csv"], ["ls", "-o", "id"], ["ls", "-o", "jsonl"]],
    "stuck": [["stuck"], ["stuck", "--for", "0s", "-o", "wide"]],
    "search": [["search", "d"], ["search", "d", "-o", "csv"]],
    "actors": [["actors"], ["actors", "-o", "wide"]],
    "stats": [["stats", "--since", "all"], ["stats", "--since", "all", "--every", "1h"], ["stats", "--sum", "opened"]],
    "funnel": [["funnel", "door", "--since", "all"]],
    "heat": [["heat", "door", "--since", "all"], ["heat", "door", "--since", "all", "--format", "svg"], ["heat", "door", "--since", "all", "--format", "mermaid"], ["heat", "door", "--since", "all", "--format", "dot"]],
    "top": [["top", "--once"]],
    "why": [["why", "d-1"], ["why", "w-1"]],
    "events": [["events", "d-1"], ["events", "d-1", "-o", "jsonl"]],
    "get": [["get", "d-1"], ["get", "w-1", "-o", "csv"], ["get", "d-1", "--as-of", "@3"]],
    "log": [["log", "d-1"], ["log", "--full"], ["log", "--all"]] + [["log", "d-1", "--format", f] for f in ("json", "seed", "ecs", "otlp", "cloudevents", "xes", "csv")],
    "diff": [["diff", "d-1", "@3"]],
    "trace": [["trace", "c-1"]],
    "cause": [["cause", "3"], ["cause", "3", "--down"]],
    "start": [["start", "door"]],
    "send": [["send", "d-1", "NOTE", "--data", '{"text":"x"}'], ["send", "-m", "door", "-y", "NOTE", "--data", '{"text":"x"}'], ["send", "d-1", "OPEN", "--dry-run"]],
    "retry": [["retry", "w-1", "--reason", "x"]],
    "skip": [["skip", "w-1", "review", "--reason", "x"]],
    "pause": [["pause", "d-1", "--reason", "x"], ["pause", "d-1", "d-2", "-y", "--reason", "x"]],
    "resume": [["resume", "d-1", "--reason", "x"]],
    "cancel": [["cancel", "d-2", "--reason", "x", "--dry-run"]],
    "force": [["force", "d-1", "closed", "--reason", "x"]],
    "set": [["set", "d-1", "opened=0", "--reason", "x"]],
    "note": [["note", "d-1", "a note"]],
    "wait": [["wait", "d-1", "--state", "closed", "--timeout", "2s"]],
    "def lint": [["def", "lint", "door"]],
    "def diff": [["def", "diff", "door", "door"]],
    "def paths": [["def", "paths", "door", "--coverage"]],
    "def deploy": [["def", "deploy", "{door}"]],
    "def retire": [["def", "retire", "waiter", "--reason", "x"]],
    "def ls": [["def", "ls"], ["def", "ls", "-o", "wide"]],
    "task ls": [["task", "ls"], ["task", "ls", "-o", "wide"]],
    "task get": [["task", "get", "w-1", "review"]],
    "task claim": [["task", "claim", "submitForReview"]],
    "task heartbeat": [["task", "heartbeat", "0" * 32]],
    "task complete": [["task", "complete", "w-1", "review", "--data", "{}"]],
    "task fail": [["task", "fail", "w-1", "review", "--error", "x"]],
    "task retry": [["task", "retry", "w-1", "review", "--reason", "x"]],
    "timer ls": [["timer", "ls"]],
    "timer fire": [["timer", "fire", "w-2", "{timer}", "--reason", "x"]],
    "outbox ls": [["outbox", "ls"], ["outbox", "ls", "dead"]],
    "outbox lag": [["outbox", "lag"]],
    "outbox retry": [["outbox", "retry", "dead", "--reason", "x"]],
    "outbox resend": [["outbox", "resend", "dead", "--from", "1", "--to", "2", "--reason", "x"]],
    "outbox park": [["outbox", "park", "dead", "1", "--reason", "x"]],
    "outbox drop": [["outbox", "drop", "dead", "1", "--reason", "x"]],
    "outbox clear": [["outbox", "clear", "dead", "--reason", "x"]],
    "outbox forget": [["outbox", "forget", "gone", "--reason", "x"]],
    "route ls": [["route", "ls"], ["route", "ls", "all"]],
    "route set": [["route", "set", "all", "--sink", "dead", "--kind", "created", "--reason", "x"]],
    "route test": [["route", "test", "--kind", "created"]],
    "route rm": [["route", "rm", "all", "--reason", "x"]],
    "audit verify": [["audit", "verify"]],
    "audit head": [["audit", "head"]],
    "audit export": [["audit", "export", "{o}"]],
    "db stat": [["db", "stat"]],
    "db check": [["db", "check"]],
    "db backup": [["db", "backup", "{o}"]],
    "health": [["health"]],
    "check": [["check", "--for", "0s"]],
}
# They ask no daemon.
ALONE = {"audit verify-stream", "def graph", "def simulate", "def convert", "db restore", "db rebuild", "db repair", "token mint", "completion"}

# ---- what is said instead ----


def deep(n):
    return "[" * n + "]" * n


VALUES = [None, True, False, -1, 0, 1.5, 1e308, -(2**63), 2**63, 2**64 - 1, 10**30, "", "x", HOSTILE, "\u0000", "a\nb\tc", "-y", "9" * 400, "é" * 5000, "\U0001f469\u200d\U0001f4bb" * 300,
          "2026-13-45T99:99:99Z", "9999-12-31T23:59:59.999999999Z", "0000-01-01T00:00:00Z", "x" * 1000000, [], {}, [[]], [None], [HOSTILE] * 50, {"": ""}, {HOSTILE: HOSTILE}, [{}], [{"id": None}],
          {"items": None}, [[[[[[[[[[1]]]]]]]]]], {"state": {"a": 1}}]  # fmt: skip


def places(value, path=()):
    yield path
    for key in range(len(value)) if isinstance(value, list) else value if isinstance(value, dict) else ():
        yield from places(value[key], (*path, key))


def put(value, path, new):
    """The value with another one at that place; no new one: without it."""
    if not path:
        return None if new is KeyError else new
    copy = list(value) if isinstance(value, list) else dict(value)
    if new is KeyError and len(path) == 1:
        del copy[path[0]]
    else:
        copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


def at(value, path):
    for key in path:
        value = value[key]
    return value


def spoil_document(chance, document):
    for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
        where = chance.choice(list(places(document)))
        how = chance.randrange(10)
        if how == 0:
            document = put(document, where, KeyError)
        elif how == 1:
            document = put(document, where, [at(document, where)] * 300)
        elif how == 2 and isinstance(at(document, where), list) and at(document, where):
            document = put(document, where, at(document, where) * 50)
        else:
            document = put(document, where, chance.choice(VALUES))
    return document


def spoil_texts(document):
    """All texts are hostile ones that begin as they did."""
    if isinstance(document, str):
        return document + HOSTILE
    if isinstance(document, list):
        return [spoil_texts(v) for v in document]
    return {k: spoil_texts(v) for k, v in document.items()} if isinstance(document, dict) else document


def head(status, length=None, extra=""):
    size = "" if length is None else "Content-Length: %d\r\n" % length
    return ("HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s%s\r\n" % (status, size, extra)).encode()


def endless(start, again):
    def parts():
        yield start
        while True:
            yield again * 1000

    return parts()


def chunks(body):
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in body) + b"0\r\n\r\n"


# name → parts to send of a sound answer (status, body)
WIRE = {
    "nothing": lambda s, b: [],
    "cut": lambda s, b: [head(s, len(b)), b[: len(b) // 2]],
    "cut and closed without a length": lambda s, b: [head(s), b[: len(b) // 2]],
    "too long a length": lambda s, b: [head(s, len(b) + 1000), b],
    "too short a length": lambda s, b: [head(s, max(0, len(b) - 5)), b],
    "a huge length": lambda s, b: [head(s, 2**63 - 1), b],
    "a length past all": lambda s, b: [head(s, 10**30), b],
    "a negative length": lambda s, b: [head(s, -1), b],
    "two lengths": lambda s, b: [head(s, len(b), "Content-Length: 3\r\n"), b],
    "endless": lambda s, b: endless(head(s), b'{"items":[],'),
    "endless spaces": lambda s, b: endless(head(s), b"          "),
    "endless chunks": lambda s, b: endless(head(s, None, "Transfer-Encoding: chunked\r\n"), b"5\r\n[[[[[\r\n"),
    "endless headers": lambda s, b: endless(b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n"),
    "an endless header": lambda s, b: endless(b"HTTP/1.1 200 OK\r\nX-More: ", b"and more"),
    "an endless status": lambda s, b: endless(b"HTTP/1.1 200 ", b"and more"),
    "endless interim answers": lambda s, b: endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a bad chunk": lambda s, b: [head(s, None, "Transfer-Encoding: chunked\r\n"), b"zz\r\n" + b],
    "a huge chunk": lambda s, b: [head(s, None, "Transfer-Encoding: chunked\r\n"), b"ffffffffffffffff\r\n" + b],
    "chunks": lambda s, b: [head(s, None, "Transfer-Encoding: chunked\r\n"), chunks([b[:1], b[1:]])],
    "no http": lambda s, b: [b"SSH-2.0-x\r\n" + b],
    "http 0.9": lambda s, b: [b],
    "binary": lambda s, b: [bytes(range(256)) * 100],
    "another status": lambda s, b: [head("999 What"), b],
    "no content": lambda s, b: [head("204 No", 0)],
    "moved to itself": lambda s, b: [head("301 Moved", 0, "Location: /v1/instances\r\n")],
    "moved elsewhere": lambda s, b: [head("302 Moved", 0, "Location: file:///etc/passwd\r\n")],
    "who are you": lambda s, b: [head("401 Who", 0, "WWW-Authenticate: Basic\r\n")],
    "gone": lambda s, b: [head("410 Gone", len(b)), b],
    "busy": lambda s, b: [head("503 Busy", len(b), "Retry-After: 99999999999\r\n"), b],
    "zipped": lambda s, b: [head(s, len(b), "Content-Encoding: gzip\r\n"), b],
    "html": lambda s, b: [head(s, 6), b"<html>"],
    "empty": lambda s, b: [head(s, 0)],
    "utf-16": lambda s, b: [head(s, 2 * len(b) + 2), b.decode().encode("utf-16")],
    "a mark first": lambda s, b: [head(s, len(b) + 3), b"\xef\xbb\xbf" + b],
    "no utf-8": lambda s, b: [head(s, len(b)), b.replace(b"a", b"\xff").replace(b"e", b"\xc0")],
    "nul": lambda s, b: [head(s, len(b)), b.replace(b"e", b"\0")],
    "deep": lambda s, b: [head(s), deep(1000000).encode()],
    "deep maps": lambda s, b: [head(s), b'{"items":' * 100000],
    "not a number": lambda s, b: [head(s), re.sub(rb"\d+", b"NaN", b)],
    "huge numbers": lambda s, b: [head(s), re.sub(rb":\d+", b":" + b"9" * 300, b)],
    "large numbers": lambda s, b: [head(s), re.sub(rb":\d+", b":1e400", b)],
    "twice a member": lambda s, b: [head(s), b.replace(b"{", b'{"id":"a","id":"b",', 1)],
    "more behind it": lambda s, b: [head(s), b + b"{}"],
    "too many": lambda s, b: [head(s), b'{"items":[' + b"{}," * 400000 + b'{}],"next":null,"seq":1}'],
    "wide": lambda s, b: [head(s), b'{"items":[{' + b",".join(b'"%d":0' % i for i in range(100000)) + b'}],"next":null,"seq":1}'],
}


class Plan:
    """What is said to one run: the answers of the real daemon to its requests, one of them spoilt, or all."""

    def __init__(self, answers, number, name):
        self.answers, self.asked, self.lock = answers, 0, threading.Lock()
        self.chance = random.Random("%d %d %s" % (SEED, number, name))
        self.which = self.chance.randrange(max(1, len(answers)) + 1)  # the last: all of them
        ways = list(WIRE)
        self.way = ways[(hash_of(name) + number // 3) % len(ways)] if number % 3 == 0 else ("texts" if number % 3 == 1 and number % 2 == 0 else "document")

    def answer(self, line):
        """Parts, for a request line."""
        with self.lock:
            number, self.asked = self.asked, self.asked + 1
        path = line.split(" ")[1].partition("?")[0] if line.count(" ") == 2 else ""
        same = [a for a in self.answers if a[0] == line] or [a for a in self.answers if a[0].split(" ")[1].partition("?")[0] == path]
        _, status, body = same[number % len(same)] if same else (None, "404 No", b'{"code":"not_found","detail":"no"}')
        if number != self.which and self.which < len(self.answers):
            return [head(status, len(body)), body]
        if self.way in WIRE:
            return WIRE[self.way](status, body)
        with contextlib.suppress(ValueError):
            document = json.loads(body)
            body = json.dumps(spoil_texts(document) if self.way == "texts" else spoil_document(self.chance, document)).encode()
        return [head(status, len(body)), body]


def hash_of(text):
    return sum(ord(c) * (i + 1) for i, c in enumerate(text))


class Door(socketserver.BaseRequestHandler):
    """One connection: each request is answered by server.answer(line, request) → parts; it ends after one that is not sound."""

    def handle(self):
        with contextlib.suppress(OSError), self.request.makefile("rb") as lines:
            while line := lines.readline():
                request, length = line, 0
                while (more := lines.readline()) not in (b"\r\n", b""):
                    request += more
                    if more.lower().startswith(b"content-length:"):
                        length = int(more.split(b":")[1])
                request += b"\r\n" + lines.read(length)
                for part in self.server.answer(line.decode().strip(), request):
                    self.request.sendall(part)
                return


@contextlib.contextmanager
def door(path, answer):
    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 64

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = Server(path, Door)
    server.answer = answer
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def forward(daemon, request):
    """What the real one says: (status and its word, body)."""
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(daemon)
        first, rest = request.split(b"\r\n", 1)
        other.sendall(first + b"\r\nConnection: close\r\n" + rest)
        data = b""
        while part := other.recv(65536):
            data += part
    top, _, body = data.partition(b"\r\n\r\n")
    if b"chunked" in top.lower():
        out = b""
        while body:
            size, _, body = body.partition(b"\r\n")
            out, body = out + body[: int(size, 16)], body[int(size, 16) + 2 :]
        body = out
    return top.split(b"\r\n")[0].split(b" ", 1)[1].decode(), body


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="fsm-hostile-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.data = os.path.join(cls.scratch, "data")
        sinks = os.path.join(cls.scratch, "sinks.json")
        with open(sinks, "w") as f:
            json.dump({"sinks": [{"name": "dead", "kind": "http", "url": "http://127.0.0.1:1/"}]}, f)
        cls.daemon = base.Daemon(cls.data, "--no-listen", "--sinks", sinks)
        cls.addClassCleanup(cls.daemon.stop)
        cls.door = os.path.join(cls.scratch, "door.json")
        waits = {"id": "later", "initial": "a", "states": {"a": {"after": {"86400000": "b"}}, "b": {}}}
        for machine in (base.DOOR, base.WAITER, waits):
            with open(cls.door, "w") as f:
                json.dump(machine, f)
            cls.do("def", "deploy", cls.door)
        with open(cls.door, "w") as f:
            json.dump(base.DOOR, f)
        for words in (["door", "--id", "d-1", "--key", "K-1", "--label", "dept=claims", "--corr", "c-1"], ["door", "--id", "d-2"], ["waiter", "--id", "w-1"], ["later", "--id", "w-2"]):
            cls.do("start", *words)
        cls.do("send", "d-1", "NOTE", "--data", '{"text":"a note"}', "--corr", "c-1")
        cls.do("pause", "d-1", "--reason", "wait")
        cls.do("resume", "d-1", "--reason", "go on")
        cls.timer = json.loads(run("--data", cls.data, "timer", "ls", "-o", "json")[1])["items"][0]["id"]
        cls.do("route", "set", "all", "--sink", "dead", "--reason", "x")
        run("--data", cls.data, "send", "d-1", "CLOSE")

    @classmethod
    def do(cls, *words):
        code, _, err = run("--data", cls.data, *words)
        assert code == 0, err

    def learn(self, words):
        """The answers that a daemon gives to these words: [(request line, status, body)]."""
        path, heard, lock = os.path.join(self.scratch, "learn-%d" % threading.get_ident()), [], threading.Lock()

        def answer(line, request):
            status, body = forward(self.data + "/fsmd.sock", request)
            with lock:
                heard.append((line, status, body))
            return [head(status, len(body), "Connection: close\r\n"), body]

        with door(path, answer):
            code, out, err = run("--socket", path, *self.filled(words, "learn"))
        self.assertIn(code, (0, 1, 2, 3, 4, 6, 8), (words, out, err))
        self.assertTrue(heard, "%s asks nobody: %s" % (words, err))
        return heard

    def filled(self, words, name):
        free = os.path.join(self.scratch, "free-%s-%d" % (name, threading.get_ident()))
        shutil.rmtree(free, ignore_errors=True)
        for end in ("", ".manifest.json"):
            with contextlib.suppress(OSError):
                os.unlink(free + end)
        return [{"{o}": free, "{door}": self.door, "{timer}": self.timer}.get(word, word) for word in words]

    def attack(self, words, answers, number):
        name, path = " ".join(words), os.path.join(self.scratch, "s-%d" % threading.get_ident())
        plan = Plan(answers, number, name)
        what = "%s: %s of %s (run %d)" % (name, plan.way, plan.which, number)
        with door(path, lambda line, _: plan.answer(line)), tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            child = subprocess.Popen([CLI, "--socket", path, *(["--timeout", "20s"] if words[0] != "wait" else []), *self.filled(words, "run")], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                     env=environment(), preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**28, 2**28)))  # fmt: skip
            timer = threading.Timer(SECONDS_MAX, child.kill)
            timer.start()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            timer.cancel()
            out.seek(0)
            err.seek(0)
            said, fault = out.read().decode(errors="replace"), err.read().decode(errors="replace")
        end = fault[-2000:] + "\n" + what
        crash = re.search(r"(?s)ERROR: .*?Sanitizer|runtime error:|assert", fault)
        self.assertIsNone(crash, what + "\n" + fault[crash.start() :][:2500] if crash else "")
        self.assertIn(child.returncode, range(11), end)
        self.assertLess(used.ru_maxrss * 1024, MEMORY_MAX, what)
        self.assertFalse(RAW.search(fault), end)
        if "--format" not in words:
            self.assertFalse(RAW.search(said), "%s\n%s" % (repr(said[:3000]), what))
        if child.returncode not in (0, 10) and words[:2] not in (["check", "--for"], ["health"], ["def", "lint"]):
            self.assertRegex(fault, r"\S", "it says nothing\n" + what)

    def test_no_command_is_left_out(self):
        commands, _ = listed()
        self.assertEqual({" ".join(c) for c in commands} - set(ASKED) - ALONE, set())

    def test_whatever_is_said_every_command_ends_well(self):
        wanted = [words for many in ASKED.values() for words in many if ONLY in (None, " ".join(words))]
        known, wrong = [(words, self.learn(words)) for words in wanted], []

        def all_of(words, answers):
            for number in range(RUNS):
                try:
                    self.attack(words, answers, number)
                except AssertionError as e:
                    wrong.append(str(e))
                    print(str(e)[-3000:], file=sys.stderr, flush=True)

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(all_of, *each) for each in known]:
                done.result()
        self.assertEqual(len(wrong), 0, "\n\n".join(sorted(wrong)[:40]))


    def test_pages_without_end_that_bring_nothing_are_followed_so_far(self):
        """Each has another `next` and no items. 50,001 are asked for."""
        path, asked = os.path.join(self.scratch, "nothing"), [0]

        class Nothing(socketserver.StreamRequestHandler):
            def handle(self):
                while self.rfile.readline():
                    while self.rfile.readline() not in (b"\r\n", b""):
                        pass
                    asked[0] += 1
                    body = b'{"items":[],"next":"%d","seq":99999999}' % (99999999 - asked[0])
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        with Server(path, Nothing) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                with tempfile.TemporaryFile() as err:
                    child = subprocess.Popen([CLI, "--socket", path, "log"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, env=environment())
                    _, status, used = os.wait4(child.pid, 0)
                    child.returncode = os.waitstatus_to_exitcode(status)
                    err.seek(0)
                    fault = err.read().decode()
            finally:
                server.shutdown()
                thread.join()
        self.assertEqual((child.returncode, asked[0]), (9, 50001), fault)
        self.assertIn("50000 pages brought nothing", fault)
        self.assertLess(used.ru_maxrss * 1024, MEMORY_MAX / 2)

    def test_a_daemon_that_is_silent_is_waited_for_as_long_as_was_said(self):
        for words in ("ls", "get x", "health", "check", "top --once", "outbox ls", "outbox lag", "outbox ls dead", "route ls", "db stat", "db check", "audit verify", "audit head", "actors", "log", "note x y"):
            over, path = threading.Event(), os.path.join(self.scratch, "silent")
            with door(path, lambda line, _: over.wait(PATIENCE_S) and []):
                code, out, err = run("--socket", path, "--timeout", "200ms", *words.split())
                over.set()
            self.assertEqual(code, 2 if words == "check" else 8, words + out + err)

    def test_pages_without_end_take_no_memory_and_the_same_page_again_is_told(self):
        """30 pages of 100 KB, each with another `next`; and two with the same one."""
        items = [{"id": "i-%d" % n, "seq": n, "kind": "note", "name": "n", "inst": "i", "time": "2026-01-01T00:00:00Z", "filler": "x" * 1000} for n in range(100)]
        for words in (["ls", "--all"], ["ls", "--all", "-o", "json"], ["ls", "-o", "tree"], ["stuck", "--all", "--for", "0s"], ["search", "x", "--all"], ["log", "--all"], ["log", "--all", "-o", "jsonl"],
                      ["log", "--all", "--format", "csv"], ["actors", "--all"], ["task", "ls", "--all"], ["timer", "ls", "--all"], ["trace", "c"], ["stats"], ["funnel", "door"]):  # fmt: skip
            for same in (False, True):
                asked, path = [], os.path.join(self.scratch, "pages")

                def answer(line, _):
                    asked.append(line)
                    if len(asked) > 30:
                        return []
                    some = [] if words[0] in ("stats", "funnel") else items
                    body = json.dumps({"items": some, "next": "again" if same else "p-%d" % len(asked), "seq": 1, "looked": len(asked), "of": 30}).encode()
                    return [head("200 OK", len(body)), body]

                with door(path, answer), tempfile.TemporaryFile() as err:
                    child = subprocess.Popen([CLI, "--socket", path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=err, env=environment())
                    _, status, used = os.wait4(child.pid, 0)
                    child.returncode = os.waitstatus_to_exitcode(status)
                    err.seek(0)
                    fault = err.read().decode()
                what = "%s, the same: %s, %d pages: %s" % (words, same, len(asked), fault)
                self.assertLess(used.ru_maxrss * 1024, MEMORY_MAX / 2, what)
                self.assertIn(child.returncode, (0, 1, 9), what)
                if same and words[0] not in ("stats", "funnel"):  # a walk goes on under one cursor
                    self.assertLess(len(asked), 10, what)


if __name__ == "__main__":
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)
