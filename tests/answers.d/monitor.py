"""monitor.py: check, of a daemon that stands still on a copy of the store: held against the journal it leaves, what its two sinks
saw, and the store's file.
"""
import contextlib
import http.server
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import threading
import time

from ask import SECOND
from lists import leaves_of
from rules import DAY
import told as journal_told

journal = journal_told.journal
PATIENCE_S, LATE_NS, KEPT_NS = 600, 60 * SECOND, 60 * SECOND  # KEPT_NS: no longer are the gauges of a small store kept
STATUS = ("ok", "warning", "critical")
DEFAULTS = {"stuck": (1, None), "incidents": (1, 100), "outbox_lag": (10000, 1000000), "parked": (1, 1000), "overdue": (100, 10000), "map": (80, 95),
            "oldest_view": (60, 600), "disk": (2 << 30, 256 << 20)}  # fmt: skip


def used_bytes(store):
    """All pages that LMDB has ever taken, by the newer of its two first pages."""
    with open(os.path.join(store, "store", "data.mdb"), "rb") as file:
        data = file.read(2 * 65536)
    size = struct.unpack_from("<I", data, 40)[0]  # md_pad of the free list's table
    metas = [struct.unpack_from("<QQ", data, at + 16 + 24 + 2 * 48) for at in (0, size)]
    return (max(metas, key=lambda m: m[1])[0] + 1) * size


class Picky(http.server.BaseHTTPRequestHandler):
    """Takes all batches that have none of `bad`; under /silent it does not answer before its end."""

    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/silent":
            self.server.over.wait()
            self.close_connection = True
            return
        bad = {int(seq) for seq in re.findall(rb'"seq": ?(\d+)[,}]', body)} & self.server.bad
        self.send_response(400 if bad else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextlib.contextmanager
def picky(bad):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Picky)
    server.daemon_threads, server.bad, server.over = True, bad, threading.Event()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "http://127.0.0.1:%d/" % server.server_address[1]
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Monitor:
    samples = 0

    def __init__(self, told, rules, client, differences, chance):
        self.told, self.rules, self.client, self.d, self.chance = told, rules, client, differences, chance

    def checks(self):
        self.d.begin("check, of a daemon on a copy")
        room = tempfile.mkdtemp(prefix="fsm-check-", dir=os.path.dirname(os.path.abspath(self.client.data)))
        opened = journal.KINDS.index("incident_opened")
        bad = {seq for seq, kind in enumerate(self.told.kind, 1) if kind == opened}
        bad = set(sorted(bad)[:2])
        try:
            copy = os.path.join(room, "data")
            shutil.copytree(self.client.data, copy)
            with picky(bad) as url:
                config = [{"name": "silent", "kind": "http", "url": url + "silent", "timeout": "600s"},
                          {"name": "picky", "kind": "http", "url": url, "where": "record.kind == 'incident_opened'"}]  # fmt: skip
                with open(os.path.join(room, "sinks.json"), "w", encoding="utf-8") as file:
                    json.dump({"sinks": config}, file)
                for _ in range(5):  # a record that came behind the last answer tells nothing: once more
                    answers = self.asked(room, copy, len(bad))
                    told = journal_told.Told(copy)
                    if all(got["seq"] == told.last_seq for _, _, _, got, _ in answers):
                        break
            for args, asked_ns, began, got, code in answers:
                self.one(told, args, asked_ns, began, got, code, len(bad), copy)
        finally:
            shutil.rmtree(room)

    # ---- asking ----

    def asks(self):
        """Arguments, and whom `stuck` is about: (least, holds, state)."""
        yield [], None
        for args, least, holds, state in (
            (["--for", "1d"], DAY, lambda o, now: True, None),
            (["--for", "5d", "-m", "claim"], 5 * DAY, lambda o, now: o.machine == "claim", None),
            (["--for", "3d", "-s", "review"], 3 * DAY, lambda o, now: True, "review"),
            (["--for", "60h", "--kind", "orphan,dead"], 60 * 3600 * SECOND, lambda o, now: {"orphan", "dead"} & set(self.kinds(o, now)), None),
        ):
            yield [*args, "--warn", "stuck=10000000"], (least, holds, state)
        yield ["--warn", "incidents=never", "--critical", "outbox_lag=never", "--warn", "disk=0", "--critical", "parked=2", "--warn", "overdue=1"], None
        yield ["--critical", "incidents=1", "--warn", "outbox_lag=never", "--warn", "map=0", "--critical", "disk=1000000G"], None

    def asked(self, room, data, parked):
        """What a daemon that has nothing more to do says."""
        fsmd, room_log = os.path.join(os.path.dirname(self.client.program), "fsmd"), os.path.join(room, "log")
        began = (time.time_ns(), used_bytes(data))
        with open(room_log, "ab") as log:
            daemon = subprocess.Popen([fsmd, "--data", data, "--no-listen", "--sinks", os.path.join(room, "sinks.json")], stdout=log, stderr=log)
        try:
            until, before, seen = time.monotonic() + PATIENCE_S, None, None
            while seen is None or seen != before or seen["picky"] != (0, parked):
                if daemon.poll() is not None or time.monotonic() > until:
                    with open(room_log, encoding="utf-8") as log:
                        raise AssertionError("fsmd does not come to rest, %s:\n%s" % (seen, log.read()))
                before, (_, got) = seen, self.ask(data, "outbox", "ls")  # the gauges that check reads are kept for a while: not asked for yet
                seen = got and {item["name"]: (item["lag"], item["parked"]) for item in got["items"]}
            answers = []
            for args, _ in self.asks():
                now = time.time_ns()
                code, got = self.ask(data, "check", *args)
                answers.append((args, (now, time.time_ns()), began, got, code))
        finally:
            if daemon.poll() is None:
                daemon.send_signal(signal.SIGTERM)
            daemon.wait(PATIENCE_S)
        return answers

    def ask(self, data, *args):
        command = [self.client.program, "--socket", os.path.join(data, "fsmd.sock"), *args, "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.d.answers += 1
        return done.returncode, json.loads(done.stdout) if done.stdout.startswith("{") else None

    # ---- what it is to say ----

    def kinds(self, one, now):
        return self.of_copy.kinds(one, now)

    def one(self, told, args, asked_ns, began, got, code, parked, data):
        self.of_copy = type(self.rules)(told)
        items = {item["name"]: item for item in got["items"]}
        self.d.same(got["seq"], told.last_seq, "check: seq", *args)
        value = lambda name: items[name]["value"]
        self.d.same(value("incidents"), sum(o.status == "incident" for o in told.instances), "check: incidents", *args)
        self.d.same(value("outbox_lag"), told.last_seq, "check: outbox_lag", *args)
        self.d.same(value("parked"), parked, "check: parked", *args)
        late = [self.overdue(told, ns) for ns in (asked_ns[0] - KEPT_NS, asked_ns[1])]
        self.d.same(late[0] <= value("overdue") <= late[1], True, "check: overdue", value("overdue"), late, *args)
        used = [100 * n / self.map_bytes(data) for n in (began[1], used_bytes(data))]
        self.d.same(used[0] - 1e-9 <= value("map") <= used[1] + 1e-9, True, "check: map", value("map"), used, *args)
        self.d.same(0 <= value("oldest_view") <= (asked_ns[1] - began[0]) / SECOND, True, "check: oldest_view", value("oldest_view"), *args)
        disk = os.statvfs(data)
        free = disk.f_bavail * disk.f_frsize  # others write there, too
        self.d.same(free / 2 <= value("disk") <= free * 2, True, "check: disk", value("disk"), free, *args)
        about = next(about for words, about in self.asks() if words == args)
        if about:
            wanted = [self.stuck(told, ns, *about) for ns in asked_ns]
            self.d.same(wanted[0] <= value("stuck") <= wanted[1], True, "check: stuck", value("stuck"), wanted, *args)
        self.d.same("stuck" in items, bool(about), "check: stuck is asked for", *args)
        self.verdict(items, args, got, code)

    @staticmethod
    def map_bytes(data):
        with open(os.path.join(data, "store", "data.mdb"), "rb") as file:
            head = file.read(2 * 65536)
        size = struct.unpack_from("<I", head, 40)[0]
        return max(struct.unpack_from("<Q", head, at + 32)[0] for at in (0, size))

    @staticmethod
    def overdue(told, now):
        """Timers and tasks that are due for more than a minute: of tasks the next attempt, or the end of this one."""
        due = [due for one in told.instances for _, due, _ in (one.timers or {}).values()]
        due += [t["deadline"] if t["started"] else t["next"] for one in told.instances for t in (one.tasks or {}).values() if t["service"] != "machine"]
        return sum(now - at > LATE_NS for at in due)

    @staticmethod
    def stuck(told, now, least, holds, state):
        of = lambda one: leaves_of(one, state, stuck=True)
        return sum(1 for o in told.instances if o.open() and of(o) and now - min(o.since[p] for p in of(o)) >= least and holds(o, now))

    def verdict(self, items, args, got, code):
        """The thresholds are those that were asked for, and the worst of them is the whole's."""
        limits = {name: list(pair) for name, pair in DEFAULTS.items()}
        for option, text in zip(args, args[1:]):
            if option in ("--warn", "--critical"):
                name, _, number = text.partition("=")
                limits[name][option == "--critical"] = None if number == "never" else int(number.rstrip("G")) * (2**30 if number[-1] == "G" else 1)
        worst = 0
        for name, item in items.items():
            past = [at is not None and (item["value"] <= at if name == "disk" else item["value"] >= at) for at in limits[name]]
            status = 2 if past[1] else 1 if past[0] else 0
            worst = max(worst, status)
            self.d.same((item["status"], item["warn"], item["critical"]), (STATUS[status], *limits[name]), "check: status of", name, *args)
        self.d.same((got["status"], code), (STATUS[worst], worst), "check: status", *args)
