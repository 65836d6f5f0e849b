#!/usr/bin/env python3
"""test_http_slow.py [CLIENTS [SECONDS [RATIO]]]: slow clients beside good ones; and what an idle connection costs.

Slow ones send a head or a body a byte at a time, or take an answer a byte at a time, and come back when they
were ended. Good ones ask on connections that they keep. The good ones' p99 with the slow ones there is shorter than a slow one may take:
they wait for none. With RATIO it is at most so many times that without (1 ms at least is allowed for that): 2 by hand, with thousands, on a
release build of a machine that does nothing else. They are a process of their own: in one with the slow ones they would wait for these, not for fsmd.
"""
import multiprocessing
import os
import resource
import socket
import sys
import threading
import time

from http_daemon import DEFINITION, Daemon, await_

HOST = b"Host: localhost\r\n"
GOOD = b"GET /v1/instances/one HTTP/1.1\r\n" + HOST + b"\r\n"
DRIPS = (
    (b"GET /healthz HTTP/1.1\r\n" + HOST + b"X: ", b"a", False),
    (b"POST /v1/instances HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n", b" ", False),
    (b"GET /v1/instances HTTP/1.1\r\n" + HOST, b"", True),
)
WORKERS = 4  # good clients
PHASE_S = 2  # a head or a body may take so long


class Slow(threading.Thread):
    """All of the slow clients: each sends or takes a byte a second or so."""

    def __init__(self, port, count):
        super().__init__(daemon=True)
        self.port, self.count, self.ended, self.running = port, count, 0, True
        self.open = []
        self.all_there = threading.Event()

    def begin(self, i):
        s = socket.socket()
        s.setblocking(False)
        try:
            s.connect(("127.0.0.1", self.port))
        except BlockingIOError:
            pass
        return [s, i % len(DRIPS), False]

    def tick(self, client):
        s, kind, greeted = client
        first, drip, reads = DRIPS[kind]
        try:
            if not greeted:
                s.send(first + (b"\r\n" if reads else b""))
                client[2] = True
            elif reads:
                s.recv(1)
                s.send(GOOD)
            else:
                s.send(drip)
            return True
        except BlockingIOError:
            return True
        except OSError:
            return False

    def run(self):
        while self.running:
            begun = time.monotonic()
            while len(self.open) < self.count and time.monotonic() - begun < 0.5:
                self.open.append(self.begin(len(self.open)))
            if len(self.open) == self.count:
                self.all_there.set()
            for at, client in enumerate(self.open):
                if not self.tick(client):
                    client[0].close()
                    self.ended += 1
                    self.open[at] = self.begin(at)
                if at % 100 == 0:
                    time.sleep(0.002)  # not all in one burst
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))
        for client in self.open:
            client[0].close()


def good_ones(port, seconds):
    """The times of answers, sorted."""
    times, lock = [], threading.Lock()

    def work():
        own = []
        with socket.create_connection(("127.0.0.1", port), timeout=20) as s:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                begun = time.monotonic()
                s.sendall(GOOD)
                text = b""
                while not text.endswith(b"}"):
                    part = s.recv(65536)
                    assert part, "a good client was ended"
                    text += part
                assert text.startswith(b"HTTP/1.1 200"), text[:200]
                own.append(time.monotonic() - begun)
                time.sleep(0.002)
        with lock:
            times.extend(own)

    threads = [threading.Thread(target=work) for _ in range(WORKERS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    times.sort()
    return times


def p99(times):
    return times[len(times) * 99 // 100]


def rss_kb(pid):
    with open("/proc/%d/status" % pid) as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def is_small(kb, count):
    return kb < 10 * count + 8 * 1024


def idle_cost(d, count):
    """KB of resident memory that so many connections take which have asked once and are silent now."""
    before = rss_kb(d.process.pid)
    held = []
    for _ in range(count):
        s = socket.create_connection(("127.0.0.1", d.port), timeout=20)
        s.sendall(GOOD)
        held.append(s)
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    full = rss_kb(d.process.pid)
    await_("that they are given back", lambda: is_small(rss_kb(d.process.pid) - before, count))
    after = rss_kb(d.process.pid)
    for s in held[:: max(1, count // 50)]:  # they are as good as before
        s.sendall(GOOD)
        assert s.recv(65536).startswith(b"HTTP/1.1 200")
    for s in held:
        s.close()
    return before, full, after


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3
    ratio = float(sys.argv[3]) if len(sys.argv) > 3 else 0
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard < 2 * count + 200:
        print("the limit of open files is too low for %d clients" % count)
        return 77
    apart = multiprocessing.get_context("fork").Pool(1)  # before there are threads and thousands of files
    good = lambda seconds: apart.apply(good_ones, (d.port, seconds))  # noqa: E731
    d = Daemon("--auth", "none", "--header-timeout", "%ds" % PHASE_S, "--body-timeout", "%ds" % PHASE_S, key=False)
    try:
        assert d.request("POST", "/v1/machines", DEFINITION, local=True).status == 201
        assert d.request("POST", "/v1/instances", {"machine": "doc", "id": "one"}, local=True).status == 201
        good(0.5)
        alone = good(seconds)
        slow = Slow(d.port, count)
        slow.start()
        assert slow.all_there.wait(60), "the slow clients did not all come"
        beside = good(max(seconds, 5.5))  # longer than a phase may take
        await_("their end", lambda: slow.ended >= count // 4)
        slow.running = False
        slow.join()
        print("%d slow clients, %d of them ended: good ones' p99 %.2f ms alone, %.2f ms beside them (p50 %.2f, %.2f; %d, %d answers)" % (
            count, slow.ended, p99(alone) * 1e3, p99(beside) * 1e3, alone[len(alone) // 2] * 1e3, beside[len(beside) // 2] * 1e3,
            len(alone), len(beside)))
        assert p99(beside) < PHASE_S, "good clients wait for slow ones"
        assert ratio == 0 or p99(beside) <= ratio * max(p99(alone), 0.001), "good clients wait"
        await_("health", lambda: d.request("GET", "/healthz").status == 200)
        idle = 2 * count
        before, full, after = idle_cost(d, idle)
        print("%d idle connections: %d KB before, %d KB when they had asked, %d KB when idle" % (idle, before, full, after))
        assert d.stop() == 0, d.logged()
    finally:
        d.remove()
        apart.terminate()
        apart.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
