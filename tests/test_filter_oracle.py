#!/usr/bin/env python3
"""test_filter_oracle.py: what FILTER finds, held against a recomputation from the instances' own documents and
histories: every field alone, random combinations, sorts, pages under load, fsm-cli on a daemon and on files.

FSM_ORACLE_INSTANCES and FSM_ORACLE_FILTERS make it larger, FSM_ORACLE_SEED another one.
"""
import calendar
import concurrent.futures
import fnmatch
import http.client
import json
import os
import random
import re
import subprocess
import threading
import time
import unittest
import urllib.parse

from http_daemon import FSMD, Daemon, UnixConnection, token

CLI = os.path.join(os.path.dirname(FSMD), "fsm-cli")
INSTANCES = int(os.environ.get("FSM_ORACLE_INSTANCES", "600"))
FILTERS = int(os.environ.get("FSM_ORACLE_FILTERS", "300"))
SEED = int(os.environ.get("FSM_ORACLE_SEED", "7"))
USERS = ["ana", "bob", "cyd", "dee"]
SECOND = 10**9

CLAIM = {
    "id": "claim",
    "initial": "draft",
    "context": {"amount": 0, "zero": 0, "iban": "CH00", "tags": []},
    "schemas": {
        "context": {
            "type": "object",
            "properties": {"iban": {"type": "string", "x-pii": True}, "amount": {"type": "integer"}},
        }
    },
    "states": {
        "draft": {"on": {"GO": "review"}},
        "review": {
            "initial": "first",
            "on": {"BOOM": {"target": "draft", "context": {"amount": {"@expr": "1 / context.zero"}}}},
            "states": {
                "first": {"on": {"GO": "second"}},
                "second": {"on": {"GO": "#claim.approved", "NO": "#claim.rejected"}},
            },
        },
        "approved": {"type": "final"},
        "rejected": {"type": "final", "tags": ["failed"]},
    },
}
CLAIM["states"]["review"]["states"]["second"]["on"] = {"GO": "#approved", "NO": "#rejected"}
CLAIM["states"]["approved"]["id"] = "approved"
CLAIM["states"]["rejected"]["id"] = "rejected"
BOTH = {
    "id": "both",
    "type": "parallel",
    "context": {"amount": 0, "city": "Bern"},
    "states": {
        "left": {"initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {"on": {"NO": "a"}}}},
        "right": {"initial": "a", "states": {"a": {"on": {"NO": "z"}}, "z": {"type": "final"}}},
    },
}
PLAIN = {"id": "plain", "initial": "review", "states": {"review": {"on": {"GO": "end"}}, "end": {"type": "final"}}}


def ns(text):
    """An RFC 3339 time in UTC, exactly."""
    whole, fraction = re.fullmatch(r"([^.Z]+)(?:\.(\d+))?Z", text).groups()
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * SECOND + int((fraction or "0").ljust(9, "0"))


def stamp(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // SECOND)) + ".%09dZ" % (at % SECOND)


class Link:
    """A connection that is kept."""

    def __init__(self, daemon, local=False):
        self.c = (
            UnixConnection(os.path.join(daemon.data, "fsmd.sock"))
            if local
            else http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=60)
        )
        self.c.timeout = 60
        self.local = local
        self.tokens = {}

    def __del__(self):
        self.c.close()

    def ask(self, method, path, body=None, user="ana", headers=None):
        fields = dict(headers or {})
        if not self.local:
            fields["Authorization"] = "Bearer " + self.tokens.setdefault(user, token(sub=user))
        if body is not None:
            fields["Content-Type"] = "application/json"
        self.c.request(method, path, body=None if body is None else json.dumps(body), headers=fields)
        answer = self.c.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


class Fact:
    def __init__(self, document, records):
        self.__dict__.update(document)
        self.doc = document
        self.paths = set(document["since"])
        self.waits = {p: ns(t) for p, t in document["since"].items() if p in document["state"]}
        self.oldest = min(self.waits.values())
        self.created_ns, self.updated_ns = ns(document["created"]), ns(document["updated"])
        changes = [r for r in records if r["kind"] != "rejected"]
        self.users = {r.get("act", {}).get("sub") for r in changes}
        self.corrs = {r.get("corr") for r in changes} | {document["correlation"]}
        self.traces = {r["trace"].split("-")[1] if "-" in r.get("trace", "") else r.get("trace") for r in changes}
        self.is_open = self.status in ("running", "paused", "incident")
        self.failed = self.status == "incident" or (self.status == "completed" and "rejected" in self.state)

    def has_status(self, word):
        return {"open": self.is_open, "done": self.status == "completed", "failed": self.failed,
                "forced": bool(self.doc.get("forced"))}.get(word, self.status == word)


def under(path, wanted):
    return path == wanted or path.startswith(wanted + ".")


def age_of(fact, filters, now, stuck):
    """Nanoseconds in the leaf that counts; None: it is in none."""
    leaves = dict(fact.waits)
    if "state" in filters:
        leaves = {p: t for p, t in leaves.items() if under(p, filters["state"])}
    if stuck:
        leaves = {p: t for p, t in leaves.items() if p not in ("approved", "rejected", "end", "right.z")}
    return max(0, now - min(leaves.values())) if leaves else None


def seconds(text):
    units = {"ms": 10**6, "s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": 86400 * SECOND}
    return sum(int(n) * units[u] for n, u in re.findall(r"(\d+)(ms|s|m|h|d)", text))


def moment(text, now):
    return ns(text) if text.endswith("Z") else now - seconds(text)


# An expression and what it means; a missing field is no match.
WHERES = [
    ("context.amount > 500", lambda f, now: f.context["amount"] > 500),
    ("context.amount % 2 == 0 && rev > 2", lambda f, now: f.context["amount"] % 2 == 0 and f.rev > 2),
    ("context.city == 'Bern'", lambda f, now: f.context["city"] == "Bern"),
    ("'x' in context.tags", lambda f, now: "x" in f.context["tags"]),
    ("context.iban == 'CH00'", lambda f, now: False if "iban" in f.context else f.context["iban"]),
    ("size(context) > 2", lambda f, now: len(f.context) > 2),
    ("status == 'running' && machine == 'both'", lambda f, now: f.status == "running" and f.machine == "both"),
    ("'left.b' in state", lambda f, now: "left.b" in f.state),
    ("labels.dept == 'it'", lambda f, now: f.labels["dept"] == "it"),
    ("key != null && key.startsWith('K-1')", lambda f, now: f.doc.get("key", "").startswith("K-1")),
    ("has(labels.dept) || version == 2", lambda f, now: "dept" in f.doc.get("labels", {}) or f.version == 2),
    ("In('review')", lambda f, now: f.status != "cancelled" and "review" in f.paths),
    ("age > duration('2s') && forced == false", lambda f, now: now - f.oldest > 2 * SECOND and "forced" not in f.doc),
    ("created < updated && id.contains('1')", lambda f, now: f.created_ns < f.updated_ns and "1" in f.id),
]


def passes(fact, filters, now, stuck=False):
    age = age_of(fact, filters, now, stuck)
    if stuck and (not fact.is_open or age is None):
        return False
    for name, value in filters.items():
        if name == "machine":
            good = fact.machine == value
        elif name == "version":
            good = fact.version == int(value)
        elif name == "state":
            good = fact.status != "cancelled" and age is not None
        elif name == "status":
            good = all(any(fact.has_status(w) for w in one.split(",")) for one in value)
        elif name == "user":
            good = value in fact.users
        elif name == "key":
            good = "key" in fact.doc and fnmatch.fnmatchcase(fact.key, value)
        elif name == "label":
            good = all(fact.doc.get("labels", {}).get(one.split("=")[0]) == one.split("=")[1] for one in value)
        elif name == "correlation":
            good = value in fact.corrs
        elif name == "trace":
            good = value in fact.traces
        elif name == "for":
            least, _, less = value.partition("..")
            good = age is not None and age >= seconds(least) and (not less or age < seconds(less))
        elif name == "since":
            good = fact.created_ns >= moment(value, now)
        elif name == "until":
            good = fact.created_ns < moment(value, now)
        elif name == "updated_since":
            good = fact.updated_ns >= moment(value, now)
        elif name == "updated_until":
            good = fact.updated_ns < moment(value, now)
        elif name == "where":
            try:
                good = dict(WHERES)[value](fact, now)
            except (KeyError, AttributeError):
                good = False
        if not good:
            return False
    return True


def path_of(filters, stuck=False, **more):
    pairs = []
    for name, value in {**filters, **more}.items():
        pairs += [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
    return ("/v1/stuck?" if stuck else "/v1/instances?") + urllib.parse.urlencode(pairs)


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon()
        cls.random = random.Random(SEED)
        try:
            cls.fill()
        except BaseException:
            cls.d.remove()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()

    @classmethod
    def fill(cls):
        local = Link(cls.d, local=True)
        for machine in (CLAIM, BOTH, PLAIN):
            status, answer = local.ask("POST", "/v1/machines", machine)
            assert status == 201, answer
        half = INSTANCES // 2
        cls.life(range(half))
        CLAIM["description"] = "the second version"
        assert local.ask("POST", "/v1/machines", CLAIM)[0] == 201
        cls.life(range(half, INSTANCES))
        cls.facts = cls.read_facts()

    @classmethod
    def life(cls, numbers):
        seeds = [(i, cls.random.randrange(2**32)) for i in numbers]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(cls.live, seeds[k::4]) for k in range(4)]:
                done.result()

    @classmethod
    def live(cls, seeds):
        link, local = Link(cls.d), Link(cls.d, local=True)
        for i, seed in seeds:
            r = random.Random(seed)
            machine = r.choice(["claim", "claim", "both", "plain"])
            headers = lambda: {
                "X-Correlation-ID": "c-%d" % r.randrange(40),
                "traceparent": "00-%032x-00f067aa0ba902b7-01" % (1 + r.randrange(30)),
            }
            body = {"machine": machine, "id": "i-%04d" % i}
            if r.random() < 0.6:
                body["key"] = "K-%d%s" % (i, r.choice(["", "-x", "?"]))
            if r.random() < 0.6:
                body["labels"] = {"dept": r.choice(["it", "hr"]), "n": str(r.randrange(3))}
            status, answer = link.ask("POST", "/v1/instances", body, r.choice(USERS), headers())
            assert status == 201, answer
            at = "/v1/instances/i-%04d" % i
            for _ in range(r.randrange(4)):
                event = r.choice(["GO", "GO", "NO", "BOOM"])
                link.ask("POST", at + "/events", {"event": event}, r.choice(USERS), headers())
            luck = r.random()
            if luck < 0.5 and machine != "plain":
                data = {"amount": r.randrange(1000)}
                if machine == "claim":
                    data["tags"] = r.choice([[], ["x"], ["x", "y"]])
                local.ask("POST", at + "/set", {"reason": "test", "data": data})
            if luck < 0.1:
                local.ask("POST", at + "/pause", {"reason": "test"})
            elif luck < 0.2:
                local.ask("POST", at + "/cancel", {"reason": "test"})
            elif luck < 0.3 and machine == "claim":
                state = r.choice(["draft", "review.second", "rejected"])
                local.ask("POST", at + "/force", {"reason": "test", "states": [state]})

    @classmethod
    def read_facts(cls):
        link, facts = Link(cls.d), {}
        for i in range(INSTANCES):
            at = "/v1/instances/i-%04d" % i
            document, history = link.ask("GET", at)[1], link.ask("GET", at + "/history?limit=1000")[1]
            facts[document["id"]] = Fact(document, history["items"])
        return facts

    def pages(self, filters, stuck=False, limit=1000, **more):
        """All items, and the time of the first page."""
        link, items, now, after = Link(self.d), [], None, {}
        while True:
            status, page = link.ask("GET", path_of(filters, stuck, limit=limit, **more, **after))
            self.assertEqual(status, 200, (filters, page))
            items += page["items"]
            now = now or ns(page["now"])
            if page["next"] is None:
                return items, now
            after = {"after": page["next"]}

    def a_value(self, name):
        r, f = self.random, self.random.choice(list(self.facts.values()))
        if name == "machine":
            return r.choice(["claim", "both", "plain"])
        if name == "version":
            return r.choice(["1", "2"])
        if name == "state":
            return r.choice(["draft", "review", "review.first", "left", "left.a", "right", "right.z", "end", "rejected"])
        if name == "status":
            words = ["running", "paused", "incident", "completed", "cancelled", "open", "done", "failed", "forced"]
            return [",".join(r.sample(words, r.randrange(1, 4))) for _ in range(r.choice([1, 1, 2]))]
        if name == "user":
            return r.choice(USERS + ["nobody"])
        if name == "key":
            return r.choice([f.doc.get("key", "K-1").replace("?", "[?]"), "K-1*", "*-x", "K-?", "*", "K-12*", "*5*"])
        if name == "label":
            return r.choice([["dept=it"], ["n=1"], ["dept=hr", "n=2"], ["none=x"]])
        if name == "correlation":
            return "c-%d" % r.randrange(41)
        if name == "trace":
            return "%032x" % r.randrange(1, 32)
        if name == "for":
            return r.choice(["1s", "3s", "500ms..4s", "..2s", "1h", "0s"])
        if name in ("since", "until"):
            return r.choice([stamp(f.created_ns), "2s", "1h"])
        if name in ("updated_since", "updated_until"):
            return r.choice([stamp(f.updated_ns), "2s", "1d"])
        return r.choice(WHERES)[0]

    NAMES = ["machine", "version", "state", "status", "user", "key", "label", "correlation", "trace", "for", "since",
             "until", "updated_since", "updated_until", "where"]

    def ask_key(self, filters):
        """fnmatch's [?] is our \\?."""
        asked = dict(filters)
        if "key" in asked:
            asked["key"] = asked["key"].replace("[?]", "\\?")
        return asked

    def check(self, filters, stuck, limit):
        asked = self.ask_key(filters)
        items, now = self.pages(asked, stuck, limit)
        ids = [i["id"] for i in items]
        wanted = {f.id for f in self.facts.values() if passes(f, filters, now, stuck)}
        self.assertEqual(len(ids), len(set(ids)), filters)
        self.assertEqual(set(ids), wanted, (filters, stuck))
        return ids, now

    def test_a_the_store_has_all_kinds(self):
        facts = self.facts.values()
        for status in ("running", "paused", "incident", "completed", "cancelled"):
            self.assertGreater(sum(f.status == status for f in facts), 3, status)
        self.assertGreater(sum(bool(f.doc.get("forced")) for f in facts), 3)
        self.assertGreater(sum(f.failed and f.status == "completed" for f in facts), 3)
        self.assertTrue(all(len(f.traces) >= 1 for f in facts))

    def test_b_every_field_alone(self):
        for stuck in (False, True):
            for name in self.NAMES:
                for _ in range(4):
                    self.check({name: self.a_value(name)}, stuck, self.random.choice([7, 100, 1000]))
        for text, _ in WHERES:
            self.check({"where": text}, False, 1000)
        for user in USERS + ["nobody"]:
            self.check({"user": user}, False, 50)

    def test_c_combinations(self):
        found = 0
        for _ in range(FILTERS):
            names = self.random.sample(self.NAMES, self.random.choice([2, 2, 3, 4]))
            filters = {name: self.a_value(name) for name in names}
            if not self.possible(filters):
                continue
            found += len(self.check(filters, self.random.random() < 0.3, self.random.choice([3, 50, 1000]))[0])
        self.assertGreater(found, FILTERS)

    def possible(self, filters):
        """A state that the machine does not have is refused."""
        if "machine" not in filters or "state" not in filters:
            return True
        status, answer = Link(self.d).ask("GET", path_of(self.ask_key(filters)))
        self.assertIn(status, (200, 404), answer)
        return status == 200

    def test_d_orders(self):
        facts = self.facts
        keys = {
            "created": lambda i, now: facts[i].created_ns,
            "updated": lambda i, now: facts[i].updated_ns,
            "age": lambda i, now: now - facts[i].oldest,
            "id": lambda i, now: i,
            "key": lambda i, now: facts[i].doc.get("key"),
        }
        for filters in ({}, {"status": ["open"]}, {"user": "ana"}, {"correlation": "c-3"}, {"where": WHERES[0][0]}):
            for sort, key in keys.items():
                for down in ("", "-"):
                    items, now = self.pages(filters, limit=self.random.choice([9, 1000]), sort=down + sort)
                    ids = [i["id"] for i in items]
                    self.assertEqual(set(ids), {f.id for f in facts.values() if passes(f, filters, now)})
                    self.assertEqual(len(ids), len(set(ids)))
                    values = [key(i, now) for i in ids if key(i, now) is not None]
                    self.assertEqual(values, sorted(values, reverse=bool(down)), (filters, down + sort))
                    self.assertTrue(all(key(i, now) is None for i in ids[len(values):]))
        ids, now = self.check({"for": "1s"}, True, 1000)
        ages = [age_of(facts[i], {}, now, True) for i in ids]
        self.assertEqual(ages, sorted(ages, reverse=True))

    def test_e_a_cursor_is_of_its_filter(self):
        link = Link(self.d)
        page = link.ask("GET", path_of({"machine": "claim"}, limit=3))[1]
        for filters, stuck in (({"machine": "both"}, False), ({}, False), ({"machine": "claim"}, True),
                               ({"machine": "claim", "sort": "-created"}, False)):
            status, answer = link.ask("GET", path_of(filters, stuck, after=page["next"]))
            self.assertEqual((status, answer["where"]), (400, "after"), answer)
        for bad in ("00", "x", page["next"][:-2], page["next"][:-1] + ("0" if page["next"][-1] != "0" else "1")):
            status, answer = link.ask("GET", path_of({"machine": "claim"}, after=bad))
            self.assertEqual((status, answer["where"]), (400, "after"), answer)
        self.assertEqual(link.ask("GET", path_of({"machine": "claim"}, limit=900, after=page["next"]))[0], 200)

    def test_f_what_cannot_be_is_refused_by_name(self):
        link = Link(self.d)
        for query, where in (("user=", "?user"), ("for=ten", "?for"), ("for=2h..1h", "?for"), ("status=opn", "?status"),
                             ("since=soon", "?since"), ("label=x", "?label"), ("where=1%2B", "?where"),
                             ("where=nothing", "?where"), ("sort=size", "?sort"), ("trace=1", "?trace"),
                             ("machin=x", "?machin"), ("FILTER=1", "?FILTER"), ("state=draft&state=review", "?state"),
                             ("version=0", "?version"), ("machine=none", "machine"), ("state=nowhere", "state"),
                             ("label=a=1&label=a=2", "?label")):
            status, answer = link.ask("GET", "/v1/instances?" + query)
            self.assertEqual(answer["where"], where, (query, answer))
            self.assertIn(status, (400, 404, 422), answer)
        status, answer = link.ask("GET", "/v1/stuck?sort=id")
        self.assertEqual((status, answer["where"]), (400, "sort"))

    def test_g_pages_under_load_have_who_does_not_change_once(self):
        local, stop = Link(self.d, local=True), threading.Event()
        for i in range(20):
            assert local.ask("POST", "/v1/instances", {"machine": "both", "id": "busy-%d" % i})[0] == 201

        def run():
            link, n = Link(self.d, local=True), 0
            while not stop.is_set():
                n += 1
                link.ask("POST", "/v1/instances/busy-%d/events" % (n % 20), {"event": "GO" if n // 20 % 2 else "NO"})
                if n % 10 == 0:
                    link.ask("POST", "/v1/instances", {"machine": "both", "id": "born-%d-%d" % (id(link), n)})

        threads = [threading.Thread(target=run) for _ in range(2)]
        for t in threads:
            t.start()
        try:
            for filters, stuck in (({"machine": "both"}, False), ({"state": "left.a"}, False), ({"user": "bob"}, False),
                                   ({"machine": "both", "status": ["open"]}, True), ({"where": WHERES[0][0]}, False),
                                   ({"machine": "both", "sort": "-created"}, False), ({"user": "ana"}, True)):
                items, now = self.pages(filters, stuck, 7)
                ids = [i["id"] for i in items if i["id"] in self.facts]
                plain = {n: v for n, v in filters.items() if n != "sort"}
                self.assertEqual(len(ids), len(set(ids)), filters)
                self.assertEqual(set(ids), {f.id for f in self.facts.values() if passes(f, plain, now, stuck)}, filters)
        finally:
            stop.set()
            for t in threads:
                t.join()

    def test_h_the_cli_says_the_same_of_a_daemon_and_of_its_files(self):
        asked = [["ls", "--all"], ["ls", "--failed", "--all"], ["ls", "--open", "--forced", "--all"],
                 ["ls", "-u", "ana", "-m", "claim", "--all"], ["ls", "-l", "dept=it", "-l", "n=1", "--all"],
                 ["ls", "--corr", "c-3", "--all"], ["ls", "--trace", "%032x" % 3, "--all"], ["ls", "-k", "K-1*", "--all"],
                 ["ls", "--where", "context.amount > 500", "--sort", "-updated", "--limit", "20"],
                 ["ls", "--paused", "--sort", "id"], ["stuck", "--for", "1ms", "-s", "review", "--all"],
                 ["ls", "--updated-since", stamp(min(f.updated_ns for f in self.facts.values())), "--machine-version", "2"]]

        def answers():
            out = []
            for words in asked:
                run = subprocess.run([CLI, "--data", self.d.data, *words, "-o", "json"], capture_output=True, timeout=120)
                self.assertEqual(run.returncode, 0, (words, run.stderr))
                items = json.loads(run.stdout)["items"]
                out.append([{k: v for k, v in i.items() if k != "for_ns"} for i in items])
            return out

        running = answers()
        self.assertTrue(all(running), [w for w, a in zip(asked, running) if not a])
        for words, text in ((["--since", "soon"], "--since"), (["--where", "1 +"], "--where"), (["-l", "x"], "--label"),
                            (["--sort", "size"], "--sort"), (["--trace", "1"], "--trace")):
            run = subprocess.run([CLI, "--data", self.d.data, "ls", *words], capture_output=True, timeout=60, text=True)
            self.assertEqual(run.returncode, 2, run.stderr)
            self.assertIn(text, run.stderr)
        self.assertEqual(self.d.stop(), 0)
        self.assertEqual(answers(), running)


if __name__ == "__main__":
    unittest.main(verbosity=2)
