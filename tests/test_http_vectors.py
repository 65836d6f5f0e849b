#!/usr/bin/env python3
"""test_http_vectors.py: requests that are wrong (tests/cases/http_vectors.txt), each on a connection of its own.

Each gets exactly the answers that the table says, in a form that its column says, and the connection ends where it
has to. Afterwards the daemon answers, no request that was smuggled behind another was served, and nothing that
is kept has changed.
"""
import json
import os
import random
import re
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from http_daemon import DEFINITION, WAIT, Daemon  # noqa: E402

TABLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases", "http_vectors.txt")
AT_ONCE = 24
HOST = b"Host: localhost\r\n"
TYPE = b"Content-Type: application/json\r\n"
GOOD = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"
STOLEN = json.dumps({"machine": "doc", "id": "smuggled"}).encode()
SMUGGLED = (b"POST /v1/instances HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: %d\r\n\r\n" % len(STOLEN)) + STOLEN


def padded(size):
    """A good head of exactly that many bytes, in headers of at most 4 KB."""
    start, end = b"GET /healthz HTTP/1.1\r\n" + HOST, b"\r\n"
    left = size - len(start) - len(end)
    lines = b""
    while left > 0:
        take = left if left <= 4000 else min(4000, left - 16)
        lines += b"X-Pad: " + b"a" * (take - 9) + b"\r\n"
        left -= take
    text = start + lines + end
    assert len(text) == size
    return text


def filled(kind, count):
    return {
        b"A": lambda: b"a" * count,
        b"B": lambda: (b'{"a":' * count)[:count],
        b"L": lambda: b"".join(b"X-%d: a\r\n" % i for i in range(count)),
        b"Q": lambda: b"&".join(b"p%d=1" % i for i in range(count)),
        b"P": lambda: padded(count),
    }[kind]()


FIXED = {b"H": HOST, b"J": TYPE, b"R": HOST + TYPE, b"S": SMUGGLED, b"G": GOOD, b"N": b"%d" % len(SMUGGLED)}


def payload(text):
    data = re.sub(rb"\\(r|n|t|\\|x[0-9a-f]{2})",
                  lambda m: {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}.get(m[1]) or bytes([int(m[1][1:], 16)]),
                  text.encode())
    data = re.sub(rb"<([A-Z])>", lambda m: FIXED[m[1]], data)
    return re.sub(rb"<([A-Z]):(\d+)>", lambda m: filled(m[1], int(m[2])), data)


class Vector:
    def __init__(self, line):
        self.name, status, self.by, answers, text = line.split(" | ", 4)
        self.status, self.answers = int(status), int(answers)
        self.data = payload(text)
        self.got, self.ended = b"", False

    def run(self, port):
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT) as s:
            try:
                s.sendall(self.data)
            except OSError:
                pass  # it was refused before it had all come
            try:  # one that lives on is ended when it has been idle
                while True:
                    part = s.recv(65536)
                    if not part:
                        break
                    self.got += part
                self.ended = True
            except ConnectionResetError:
                self.ended = True

    def parsed(self):
        """[(status, headers, body)]; what is no answer is an error."""
        rest, out = self.got, []
        if self.by == "twice":
            head, sep, again = rest.partition(b"\r\n\r\n")
            if again.startswith(head + sep):
                rest = again
        while rest:
            head, sep, rest = rest.partition(b"\r\n\r\n")
            m = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
            assert m and sep, head[:80]
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            size = int(fields.get(b"content-length", b"0"))
            if self.name == "pair-head-then-good" and not out:
                size = 0
            out.append((int(m[1]), fields, rest[:size]))
            assert len(rest) >= size, "cut"
            rest = rest[size:]
        return out

    def check(self):
        answers = self.parsed()
        assert len(answers) == self.answers, "%d answers" % len(answers)
        assert self.ended, "the connection lives on"
        if not answers:
            return
        status, fields, body = answers[-1]
        assert status == self.status, "status %d" % status
        if self.by in ("ours", "route"):
            problem = json.loads(body)
            assert fields[b"content-type"] == b"application/problem+json", fields
            assert problem["status"] == status and problem["detail"] and problem["type"].startswith("urn:fsmd:error:")
            assert problem["correlation"].encode().lower() == fields[b"x-correlation-id"]
        if self.by in ("library", "twice"):
            assert b"x-correlation-id" not in fields, "it is ours"
        if self.by == "ours":
            assert fields.get(b"connection") == b"close", fields
        assert self.by != "taken" or b"problem" not in fields[b"content-type"]


def vectors():
    with open(TABLE) as f:
        return [Vector(line.rstrip("\n")) for line in f if line.strip() and not line.startswith("#")]


class Vectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon("--auth", "none", "--header-timeout", "1s", "--body-timeout", "1s", "--idle-timeout", "1s", key=False)
        answer = cls.d.request("POST", "/v1/machines", DEFINITION, local=True)
        assert answer.status == 201, answer
        assert cls.d.request("POST", "/v1/instances", {"machine": "doc", "id": "one"}, local=True).status == 201

    @classmethod
    def tearDownClass(cls):
        code = cls.d.stop()
        logged = cls.d.logged()
        cls.d.remove()
        assert code == 0, "exit %d: %s" % (code, logged)

    def kept(self):
        """All that is on record but refusals, and what there is."""
        records, after = [], 0
        while True:
            page = self.d.request("GET", "/v1/records?limit=1000&after=%s" % after, local=True)
            self.assertEqual(page.status, 200, page)
            records += [r for r in page.json["items"] if r["kind"] != "rejected"]
            after = page.json["next"]
            if not page.json["items"] or after is None:
                break
        return records, self.d.request("GET", "/v1/instances", local=True).json["items"]

    @staticmethod
    def steady(kept):
        records, instances = kept
        return records, [{k: v for k, v in i.items() if k != "for_ns"} for i in instances]

    def test_there_are_enough_and_their_names_differ(self):
        names = [v.name for v in vectors()]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 150)

    def test_each_is_answered_as_the_table_says_and_changes_nothing(self):
        before = self.kept()
        waiting = vectors()
        todo, faults = list(waiting), []

        def work():
            while True:
                try:
                    v = todo.pop()
                except IndexError:
                    return
                try:
                    v.run(self.d.port)
                    v.check()
                except Exception as e:  # noqa: BLE001: told with its name
                    faults.append("%s: %s: %r: %r" % (v.name, type(e).__name__, str(e), v.got[:300]))

        threads = [threading.Thread(target=work) for _ in range(AT_ONCE)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(faults, [], "\n" + "\n".join(sorted(faults)))
        self.assertEqual(self.d.request("GET", "/healthz").status, 200)
        self.assertEqual(self.steady(self.kept()), self.steady(before))
        self.assertEqual(self.d.request("GET", "/v1/instances/smuggled", local=True).status, 404)

    def test_z_changed_at_chance_they_end_nothing(self):
        """Bytes of the table cut, doubled and changed: the daemon goes on. FSM_VECTORS: how many."""
        count, rng, table = int(os.environ.get("FSM_VECTORS", "300")), random.Random(20261122), vectors()
        for i in range(count):
            data = bytearray(rng.choice(table).data[:20000])
            for _ in range(rng.randint(1, 4)):
                at, what = rng.randrange(len(data)), rng.randrange(4)
                if what == 0:
                    data[at] = rng.choice(b"\r\n\0 \t:;,0aA/%\xff")
                elif what == 1:
                    del data[at:at + rng.randint(1, 8)]
                elif what == 2:
                    data[at:at] = data[at:at + rng.randint(1, 40)]
                else:
                    data += rng.choice(table).data[:2000]
                data = data or bytearray(b"x")
            with socket.create_connection(("127.0.0.1", self.d.port), timeout=WAIT) as s:
                try:
                    s.sendall(data)
                    if i % 2:
                        s.shutdown(socket.SHUT_WR)
                        while s.recv(65536):
                            pass
                except OSError:
                    pass
        self.assertEqual(self.d.request("GET", "/healthz").status, 200)

    def test_a_client_that_drips_is_ended_however_busy_it_looks(self):
        for first, drip in ((b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ", b"a"),
                            (b"GET /", b"a"),
                            (b"POST /v1/instances HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: 1000\r\n\r\n", b"a"),
                            (b"POST /v1/instances HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n")):
            with socket.create_connection(("127.0.0.1", self.d.port), timeout=WAIT) as s:
                with self.assertRaises(OSError, msg=first):
                    s.sendall(first)
                    for _ in range(1200):
                        s.sendall(drip)
                        time.sleep(0.05)

    def test_a_client_that_drips_its_second_request_is_ended_too(self):
        d = Daemon("--auth", "none", "--header-timeout", "1s", "--idle-timeout", "1s", key=False)
        self.addCleanup(d.remove)
        with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as s:
            s.sendall(GOOD)
            self.assertTrue(s.recv(65536).startswith(b"HTTP/1.1 200"))
            with self.assertRaises(OSError):
                for _ in range(1200):
                    s.sendall(b"G")
                    time.sleep(0.05)
        self.assertEqual(d.stop(), 0)

    def served_slowly(self):
        """None: we took longer than a body may, which shows nothing."""
        body = json.dumps({"machine": "doc", "id": "one"}).encode()
        with socket.create_connection(("127.0.0.1", self.d.port), timeout=WAIT) as s:
            begun = time.monotonic()
            s.sendall(b"POST /v1/instances HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: %d\r\n\r\n" % len(body))
            for i in range(len(body)):
                s.sendall(body[i:i + 1])
                time.sleep(0.01)
            answer = s.recv(65536)
            return b"HTTP/1.1 409" in answer or (time.monotonic() - begun > 0.9 and None)

    def test_a_body_that_is_slow_but_in_time_is_served(self):
        served = None
        while served is None:
            served = self.served_slowly()
        self.assertTrue(served)

    def test_expect_is_told_to_go_on(self):
        body = b'{"machine":"nope"}'
        with socket.create_connection(("127.0.0.1", self.d.port), timeout=WAIT) as s:
            s.sendall(b"POST /v1/instances HTTP/1.1\r\n" + HOST + TYPE + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
            self.assertEqual(s.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(body)
            self.assertIn(b"HTTP/1.1 404", s.recv(65536))


if __name__ == "__main__":
    unittest.main()
