#!/usr/bin/env python3
"""test_search.py: what search finds in a store that a seed made, held against a reading of the journal by a second hand:
which instances, in which order, over pages, ranges of time and machines; that nothing masked is found; one that left.
FSM_SEARCH_INSTANCES and FSM_SEARCH_TEXTS make it larger, FSM_SEARCH_SEED another one.
"""
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "kill.d"))
import journal  # noqa: E402
from http_daemon import FSMD, Daemon, UnixConnection  # noqa: E402

CLI = os.path.join(os.path.dirname(FSMD), "fsm-cli")
SEEDED = os.path.join(os.path.dirname(FSMD), "tests", "seeded")
INSTANCES = int(os.environ.get("FSM_SEARCH_INSTANCES", "1500"))
TEXTS = int(os.environ.get("FSM_SEARCH_TEXTS", "60"))
SEED = int(os.environ.get("FSM_SEARCH_SEED", "5"))
UNTIL = 1795348800  # 2026-11-22T12:00:00Z
DAY = 86400
MASKED = {"loan": {"iban"}}
SEQ, TIME, MACHINE, ID, KEY, LABELS, DATA, CTX, OUT, CORR, ACT, DETAIL = 1, 2, 7, 10, 11, 12, 22, 23, 27, 31, 37, 45


def texts_in(value, hidden):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item, hidden)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name not in hidden:
                yield from texts_in(item, hidden)


class Entry:
    """A record of an instance: what is searched in it."""

    def __init__(self, fields):
        self.seq, self.time, self.machine, self.id = fields[SEQ], fields[TIME] / 1e9, fields.get(MACHINE), fields[ID]
        hidden = MASKED.get(self.machine, set())
        self.key = fields.get(KEY)
        who = {k: v for k, v in fields.get(ACT, {}).items() if k not in ("type", "iss", "sid", "authn", "roles")}
        told = {k: fields[DETAIL].get(k) for k in ("reason", "text", "error")} if isinstance(fields.get(DETAIL), dict) else {}
        changed = {k: v[-1] for k, v in fields.get(CTX, {}).items()}
        self.texts = [self.id] + [t for t in (self.key, fields.get(CORR)) if t]
        for part in (fields.get(LABELS), who, told, changed, fields.get(DATA), fields.get(OUT)):
            self.texts += texts_in(part, hidden)
        self.folded = [t.lower() for t in self.texts]


def read(data):
    """The records of instances, the newest first."""
    entries = []
    for frame in journal.Reader(os.path.join(data, "journal", "0")).frames():
        for record in frame:
            fields, _ = journal.unpack(record)
            if ID in fields:
                entries.append(Entry(fields))
    return entries[::-1]


class Asked:
    def __init__(self, items, pages):
        self.items, self.ids, self.pages = items, [item["id"] for item in items], pages


class Search(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        room = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        cls.dir = tempfile.mkdtemp(prefix="fsm-search-", dir=room)
        cls.data = os.path.join(cls.dir, "data")
        # segments of 2 MiB: several of them
        subprocess.run([SEEDED, cls.data, "--instances", str(INSTANCES), "--seed", str(SEED), "--segment", "2"], check=True, capture_output=True, timeout=500)
        cls.daemon = subprocess.Popen([FSMD, "--data", cls.data, "--no-listen"], stderr=subprocess.DEVNULL)
        cls.socket = os.path.join(cls.data, "fsmd.sock")
        for _ in range(600):
            try:
                cls.http("/healthz")
                break
            except OSError:
                time.sleep(0.1)
        seen = 0
        while seen != (seen := cls.turned()):
            pass
        cls.entries = read(cls.data)

    @classmethod
    def tearDownClass(cls):
        if cls.daemon.poll() is None:
            cls.daemon.terminate()
            cls.daemon.wait(60)
        shutil.rmtree(cls.dir)

    @classmethod
    def turned(cls):
        """The last record, after a turn of the writer: what is due goes before a command."""
        turn = subprocess.run([CLI, "--socket", cls.socket, "start", "turn", "--dry-run"], capture_output=True, timeout=60, check=False)
        assert turn.returncode == 3, turn
        return int(cls.http("/healthz")["seq"])

    @classmethod
    def http(cls, path, status=200):
        connection = UnixConnection(cls.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != status:
            raise AssertionError(f"{path}: {answer.status} {body}")
        return body

    def ask(self, text, limit=100, **more):
        items, after, pages = [], None, 0
        while pages == 0 or after is not None:
            params = {"q": text, "limit": limit, **more, **({"after": after} if after else {})}
            page = self.http("/v1/search?" + urllib.parse.urlencode(params))
            self.assertLessEqual(len(page["items"]), max(limit, 16))
            items, after, pages = items + page["items"], page["next"], pages + 1
            self.assertLess(pages, 20000)
        return Asked(items, pages)

    def names(self, text):
        """The instances that it names, whatever their age."""
        ids = sorted({e.id for e in self.entries if e.id.startswith(text)}, key=str.encode)[:8]
        return set(ids) | {e.id for e in self.entries if e.key == text}

    def wanted(self, text, since=None, until=None, machine=None):
        found, folded = {}, text.lower()  # in the order they were put
        for entry in self.entries:
            if (since and entry.time < since) or (until and entry.time >= until) or (machine and entry.machine != machine):
                continue
            if entry.id not in found and any(folded in t for t in entry.folded):
                found[entry.id] = True
        return list(found)

    def check(self, text, wanted, asked, named):
        self.assertEqual(set(asked.ids[: len(named)]), named, text)
        self.assertEqual(asked.ids[len(named) :], [i for i in wanted if i not in named], text)
        self.assertEqual(len(set(asked.ids)), len(asked.ids), text)
        for item in asked.items:
            self.assertTrue(item["matches"], item)
            for match in item["matches"]:
                self.assertEqual(match["match"].lower(), text.lower(), item)

    def test_what_is_found_is_what_the_journal_has(self):
        chance = random.Random(SEED)
        hits = 0
        for number in range(TEXTS):
            source = chance.choice(chance.choice(self.entries).texts) or "ana"
            begin = chance.randrange(len(source))
            text = source[begin : begin + chance.choice([2, 3, 5, 8, 30])]
            text = chance.choice([text, text.lower(), text.upper()])
            if len(text.encode()) < 2 or not text.strip() or text.lower().upper().lower() != text.lower() or len(text.upper()) != len(text):
                continue
            machine = chance.choice([None, None, None, "loan", "ticket"])
            named = {i for i in self.names(text) if machine is None or i.startswith(machine) or (machine == "payment" and ".pay." in i)}
            wanted = self.wanted(text, machine=machine)
            asked = self.ask(text, since="2020-01-01", limit=chance.choice([1000, 1000, 300, 20 if len(wanted) < 60 else 200]), **({"machine": machine} if machine else {}))
            self.check(text, wanted, asked, named)
            hits += len(wanted)
        self.assertGreater(hits, TEXTS)

    def test_every_record_may_match(self):
        wanted = self.wanted("c-0")
        self.assertGreater(len(wanted), INSTANCES * 0.9)
        asked = self.ask("c-0", since="2020-01-01", limit=499)
        self.check("c-0", wanted, asked, set())
        self.assertGreater(asked.pages, 2)

    def test_ranges_of_time(self):
        for since, until in ((UNTIL - 5 * DAY, None), (UNTIL - 9 * DAY, UNTIL - 4 * DAY), (UNTIL - 400 * DAY, UNTIL - 27 * DAY)):
            stamp = {"since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(since))}
            if until:
                stamp["until"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(until))
            for text in ("zoë", "überweisung", "ops-1"):
                self.check(text, self.wanted(text, since, until), self.ask(text, **stamp), set())

    def test_what_is_named_is_found_whatever_its_age(self):
        old = self.entries[-1]
        self.assertIn(old.id, self.ask(old.id, since="1s").ids)
        keyed = next(e for e in reversed(self.entries) if e.key)
        self.assertIn(keyed.id, self.ask(keyed.key, since="1s").ids)
        self.assertEqual(self.ask("zoë", since="1s").ids, [])

    def test_what_is_masked_is_not_found(self):
        ibans = [e for e in self.entries if e.machine == "loan"]
        self.assertTrue(ibans)
        with_iban = []
        for frame in journal.Reader(os.path.join(self.data, "journal", "0")).frames():
            for record in frame:
                fields, _ = journal.unpack(record)
                if fields.get(MACHINE) == "loan" and CTX in fields and "iban" in fields[CTX]:
                    with_iban.append(fields[CTX]["iban"][-1])
        self.assertGreater(len(with_iban), 50)
        for iban in with_iban[:20]:
            self.assertEqual(self.ask(iban, since="2020-01-01").ids, [])
            self.assertEqual(self.ask(iban[:12], since="2020-01-01").ids, [])
        self.assertEqual(self.ask("[masked]", since="2020-01-01").ids, [])
        self.assertEqual(self.ask("masked", since="2020-01-01").ids, [])

    def test_bounds_and_mistakes(self):
        self.http("/v1/search", 400)
        for wrong in ("q=x", "q=" + "x" * 257, "q=%20%20", "q=ab&since=soon", "q=ab&after=zz", "q=ab&limit=0", "q=ab&limit=1001", "q=ab&nope=1"):
            self.assertTrue(self.http("/v1/search?" + wrong, 400)["detail"])
        self.http("/v1/search?q=" + "x" * 256)
        self.http("/v1/search?q=ab&machine=none", 404)
        page = self.http("/v1/search?q=zo%C3%AB&limit=1&since=2020-01-01")
        self.http("/v1/search?q=ana&limit=1&since=2020-01-01&after=" + page["next"], 400)  # of another search

    def test_files_and_daemon_say_the_same(self):
        for text in ("überweisung", self.entries[-1].id, "503"):
            args = ["search", text, "--since", "2020-01-01", "--limit", "20", "-o", "id"]
            asked = subprocess.run([CLI, "--data", self.data, *args], capture_output=True, text=True, timeout=60, check=True).stdout.split()
            copy = os.path.join(self.dir, "copy")
            shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("*.sock"))
            read_by = subprocess.run([CLI, "--data", copy, *args], capture_output=True, text=True, timeout=60, check=False)
            shutil.rmtree(copy)
            self.assertEqual(read_by.stdout.split(), asked, read_by.stderr)
            self.assertTrue(asked)


class Gone(unittest.TestCase):
    def test_one_that_left_the_store_is_found_by_its_records(self):
        machine = {"id": "brief", "initial": "a", "meta": {"fsm": {"keep": "1s"}}, "context": {"word": {"@expr": "input.word"}},
                   "states": {"a": {"on": {"END": "b"}}, "b": {"type": "final"}}}  # fmt: skip
        daemon = Daemon()
        self.addCleanup(daemon.remove)
        self.assertEqual(daemon.request("POST", "/v1/machines", machine).status, 201)
        self.assertEqual(daemon.request("POST", "/v1/instances", {"machine": "brief", "id": "b-1", "input": {"word": "Schnurrbart"}}).status, 201)
        self.assertEqual(daemon.request("POST", "/v1/instances/b-1/events", {"event": "END"}).status, 200)
        for _ in range(300):
            if daemon.request("GET", "/v1/instances/b-1").status == 404:
                break
            time.sleep(0.1)
        item, = daemon.request("GET", "/v1/search?q=schnurrBART").json["items"]
        self.assertEqual((item["id"], item["machine"], item["gone"]), ("b-1", "brief", True))
        self.assertEqual(item["matches"][0]["match"], "Schnurrbart")


if __name__ == "__main__":
    unittest.main()
