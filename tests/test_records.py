#!/usr/bin/env python3
"""test_records.py: the audit log over a real fsmd, in pages and as server-sent events: what a filter gives is what
looking at all records gives; what a stream gives is the journal, each record once, in order, over kill -9 of the
daemon, slow readers and many of them.

FSM_TEST_STREAMS: how many follow at once (200).
"""
import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time
import unittest
import urllib.parse

import http_daemon as h

STREAMS = int(os.environ.get("FSM_TEST_STREAMS", "200"))
MACHINE = {
    "id": "lamp",
    "initial": "off",
    "states": {
        "off": {"on": {"ON": "lit.low"}},
        "lit": {"initial": "low", "states": {"low": {"on": {"ON": "high"}}, "high": {}}, "on": {"OFF": "off"}},
    },
}


class Events:
    """A reader of server-sent events, as the standard has it: `records` is what was dispatched, `place` the last
    event id."""

    def __init__(self, daemon, query="", headers=None, auth=None, receive=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=h.WAIT)
        if receive:
            self.connection.sock = socket.socket()
            self.connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            self.connection.sock.settimeout(h.WAIT)
            self.connection.sock.connect(("127.0.0.1", daemon.port))
        self.connection.request(
            "GET",
            "/v1/records" + query,
            headers={"Accept": "text/event-stream", "Authorization": "Bearer " + (auth or h.token()), **(headers or {})},
        )
        self.response = self.connection.getresponse()
        self.records, self.place, self.end, self.ended = [], None, None, False
        if self.response.status == 200:
            assert self.response.headers["Content-Type"] == "text/event-stream"
            self.block()  # where it begins

    def block(self):
        """One block of lines; False: the stream is over."""
        fields, lines = {}, 0
        while True:
            try:
                line = self.response.readline()
            except (http.client.HTTPException, OSError):
                line = b""
            if not line.endswith(b"\n"):
                self.ended = True
                return False
            lines += 1
            if line == b"\n":
                break
            name, _, value = line.decode()[:-1].partition(":")
            fields[name] = value[1:] if value.startswith(" ") else value
        if "id" in fields:
            self.place = int(fields["id"])
        if "data" in fields and fields.get("event") == "end":
            self.end = json.loads(fields["data"])
        elif "data" in fields:
            record = json.loads(fields["data"])
            assert fields["event"] == record["kind"] and self.place == record["seq"], fields
            self.records.append(record)
        return True

    def until(self, seq):
        while self.place is None or self.place < seq:
            if not self.block():
                return self
        return self

    def close(self):
        self.response.close()
        self.connection.close()


class Records(unittest.TestCase):
    options = ()

    def setUp(self):
        self.d = h.Daemon(*self.options)
        self.assertEqual(self.d.request("POST", "/v1/machines", MACHINE).status, 201)
        for i in range(4):
            body = {"machine": "lamp", "id": "lamp-%d" % i, "labels": {"room": "r%d" % (i % 2)}}
            self.assertEqual(self.d.request("POST", "/v1/instances", body).status, 201)

    def tearDown(self):
        self.d.remove()

    def switch(self, count):
        """Events of several users under several correlations; some are refused."""
        local = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=h.WAIT)
        seq = 0
        for i in range(count):
            local.request(
                "POST",
                "/v1/instances/lamp-%d/events" % (i % 4),
                json.dumps({"event": random.choice(["ON", "OFF"])}),
                {
                    "Content-Type": "application/json",
                    "Authorization": "Bearer " + h.token(sub="user-%d" % (i % 3)),
                    "X-Correlation-ID": "case-%d" % (i % 5),
                },
            )
            answer = json.loads(local.getresponse().read())
            seq = max(seq, answer.get("seq", 0))
        local.close()
        return seq

    def page(self, query="", status=200):
        answer = self.d.request("GET", "/v1/records" + query)
        self.assertEqual(answer.status, status, answer)
        return answer.json

    def all(self, query=""):
        records, after = [], "0"
        while after is not None:
            page = self.page("?%s&limit=50&after=%s" % (query, after))
            records += page["items"]
            after = page["next"]
        return records

    def last(self):
        return self.page("?after=now")["seq"]


# A query, and what it means of a record.
def touches(r, state):
    leaves = (r.get("from") or []) + (r.get("to") or [])
    return any(leaf == state or leaf.startswith(state + ".") for leaf in leaves)


FILTERS = {
    "": lambda r: True,
    "machine=lamp": lambda r: r.get("mach") == "lamp",
    "machine=other,lam*": lambda r: r.get("mach", "").startswith("lam"),
    "kind=created": lambda r: r["kind"] == "created",
    "kind=rejected,deployed": lambda r: r["kind"] in ("rejected", "deployed"),
    "instance=lamp-2": lambda r: r.get("inst") == "lamp-2",
    "instance=lamp-2&event=ON": lambda r: r.get("inst") == "lamp-2" and r.get("trigger") == "ON",
    "correlation=case-3": lambda r: r.get("corr") == "case-3",
    "user=user-1": lambda r: r.get("act", {}).get("sub") == "user-1",
    "user=user-1&correlation=case-2&state=off": lambda r: r.get("act", {}).get("sub") == "user-1"
    and r.get("corr") == "case-2"
    and touches(r, "off"),
    "state=lit": lambda r: touches(r, "lit"),
    "state=lit.high": lambda r: touches(r, "lit.high"),
    "level=2": lambda r: r.get("level", 0) >= 2,
    "label=room%3Dr1": lambda r: r.get("inst") in ("lamp-1", "lamp-3"),  # all of theirs, not `created` alone
    "label=room%3Dr1&kind=rejected&user=user-1": lambda r: r.get("inst") in ("lamp-1", "lamp-3")
    and r["kind"] == "rejected"
    and r.get("act", {}).get("sub") == "user-1",
    "where=record.%3Frev.orValue(0)%20%25%203%20%3D%3D%200": lambda r: r.get("rev", 0) % 3 == 0,
}


class Pages(Records):
    def test_a_filter_is_what_looking_at_all_gives(self):
        self.switch(60)
        everything = self.all()
        self.assertEqual([r["seq"] for r in everything], list(range(1, len(everything) + 1)))
        for query, wanted in FILTERS.items():
            self.assertEqual(self.all(query), [r for r in everything if wanted(r)], query)
        middle = everything[30]["time"]
        self.assertEqual(self.all("since=" + middle), everything[30:])
        self.assertEqual(self.all("until=" + middle), everything[:30])
        self.assertEqual(self.page("?after=now"), {"items": [], "next": None, "seq": len(everything)})

    def test_wrong_parameters_are_named(self):
        for query, where in (
            ("after=x", "?after"),
            ("after=-1", "?after"),
            ("limit=0", "?limit"),
            ("limit=1001", "?limit"),
            ("kind=creatd", "?kind"),
            ("level=high", "?level"),
            ("level=256", "?level"),
            ("label=room", "?label"),
            ("label=%3Dx", "?label"),
            ("since=yesterday", "?since"),
            ("until=2026-13-01T00:00:00Z", "?until"),
            ("where=record.", "?where"),
            ("where=1%2B1", "?where"),
            ("instance=", "?instance"),
            ("user=" + "u" * 1025, "?user"),
            ("state=a*b", "?state"),
            ("order=desc", "?order"),
        ):
            for accept in ("application/json", "text/event-stream"):
                answer = self.d.request("GET", "/v1/records?" + query, headers={"Accept": accept})
                self.assertIn(answer.status, (400, 413, 422), (query, answer))
                self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
                if not (query.startswith("limit") and accept != "application/json"):
                    self.assertEqual(answer.json["where"], where, (query, accept, answer))

    def test_a_head_is_of_a_page(self):
        answer = self.d.request("HEAD", "/v1/records")
        self.assertEqual((answer.status, answer.headers["Content-Type"], answer.text), (200, "application/json", b""))


class Streams(Records):
    options = ("--streams-max", "8")

    def test_what_is_no_stream_is_a_problem(self):
        for query, headers, status, where in (
            ("?until=2026-01-01T00:00:00Z", {}, 400, "?until"),
            ("?limit=5", {}, 400, "?limit"),
            ("", {"Last-Event-ID": "x"}, 400, "Last-Event-ID"),
            ("", {"Last-Event-ID": "99999"}, 400, "after"),
            ("?after=18446744073709551616", {}, 400, "?after"),
        ):
            answer = self.d.request("GET", "/v1/records" + query, headers={"Accept": "text/event-stream", **headers})
            self.assertEqual((answer.status, answer.json["where"]), (status, where), answer)
        answer = self.d.request("HEAD", "/v1/records", headers={"Accept": "text/event-stream"})
        self.assertEqual((answer.status, answer.headers["Allow"]), (405, "GET"), answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        answer = self.d.request("GET", "/v1/records", headers={"Accept": "text/event-stream"}, auth="x.y.z")
        self.assertEqual(answer.status, 401)

    def test_accept_is_read(self):
        for accept, stream in (
            ("text/event-stream", True),
            ("text/html, text/event-stream;q=0.5", True),
            ("Text/Event-Stream ; q=1", True),
            ("text/event-stream;q=0", False),
            ("text/event-stream;q=0.00, */*", False),
            ("text/event-streams", False),
            ("*/*", False),
        ):
            connection = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=h.WAIT)
            headers = {"Accept": accept, "Authorization": "Bearer " + h.token()}
            connection.request("GET", "/v1/records", headers=headers)
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            self.assertEqual(response.headers["Content-Type"] == "text/event-stream", stream, accept)
            response.close()
            connection.close()

    def test_one_more_than_streams_max_is_told_to_come_again(self):
        streams = [Events(self.d) for _ in range(8)]
        answer = self.d.request("GET", "/v1/records", headers={"Accept": "text/event-stream"})
        self.assertEqual((answer.status, answer.json["code"]), (503, "busy"), answer)
        self.assertEqual(answer.headers["Retry-After"], "1")
        streams[0].close()
        self.switch(8)  # its next record finds it gone

        def again():
            one = Events(self.d)
            good = one.response.status == 200
            one.close()
            return good

        h.await_("a place", again)
        for stream in streams[1:]:
            stream.close()

    def test_a_stop_ends_streams(self):
        stream = Events(self.d, "?after=0")
        stream.until(self.last())
        self.assertEqual(self.d.stop(), 0)
        self.assertNotIn("still under way after stop-timeout", self.d.logged())
        self.assertFalse(stream.block())
        stream.close()

    def test_a_stream_ends_with_its_token(self):
        status = 401
        while status == 401:  # it was over when we came
            stream = Events(self.d, auth=h.token(exp=int(time.time()) - 28))  # 30 s of leeway
            status = stream.response.status
        begin = time.monotonic()
        while stream.block():
            pass
        self.assertLess(time.monotonic() - begin, h.WAIT)
        self.assertEqual(stream.end["code"], "bad_token", stream.end)
        stream.close()


class Many(Records):
    def test_each_gets_what_its_filter_wants(self):
        self.switch(20)
        queries = list(FILTERS)
        begin = self.last()
        streams = []
        for i in range(STREAMS):
            query = "?" + queries[i % len(queries)]
            streams.append(Events(self.d, query + "&after=0" if i % 2 else query))
        last = self.switch(60)
        everything = self.all()
        # One record that all want is the end.
        self.assertEqual(len(everything), self.last())
        for i, stream in enumerate(streams):
            wanted = FILTERS[queries[i % len(queries)]]
            expected = [r for r in everything if wanted(r) and (i % 2 or r["seq"] > begin)]
            if expected:
                stream.until(expected[-1]["seq"])
            self.assertEqual(stream.records, expected, queries[i % len(queries)])
            stream.close()
        self.assertGreater(last, begin)

    def test_a_slow_reader_gets_everything_and_holds_up_nobody(self):
        slow = Events(self.d, "?after=0", receive=4096)
        quick = Events(self.d, "?after=0")
        for _ in range(6):
            begin = time.monotonic()
            self.switch(100)
            self.assertLess(time.monotonic() - begin, h.WAIT)
            quick.until(self.last())
        everything = self.all()
        self.assertEqual(quick.records, everything)
        self.assertEqual(slow.until(self.last()).records, everything)
        slow.close()
        quick.close()


KILLED = {
    "": lambda r: True,
    "instance=lamp-1": lambda r: r.get("inst") == "lamp-1",
    "state=lit": lambda r: touches(r, "lit"),
    "user=user-2": lambda r: r.get("act", {}).get("sub") == "user-2",
}


class Kill(Records):
    def test_over_kills_each_record_comes_once_in_the_order_of_the_journal(self):
        readers, lock, stop = [], threading.Lock(), threading.Event()

        def follow(query, out):
            place = 0
            while not stop.is_set():
                try:
                    stream = Events(self.d, "?" + query, {"Last-Event-ID": str(place)})
                except OSError:
                    time.sleep(0.02)
                    continue
                if stream.response.status == 200:
                    while stream.block() and not stop.is_set():
                        place = stream.place
                        with lock:
                            out["place"] = place
                    with lock:
                        out["records"] += stream.records
                stream.close()

        for query in KILLED:
            out = {"records": [], "place": 0}
            thread = threading.Thread(target=follow, args=(query, out), daemon=True)
            thread.start()
            readers.append((query, out, thread))
        for _ in range(3):
            for _ in range(5):
                self.switch(12)
            self.d.stop(signal.SIGKILL)
            self.d.start()
        self.switch(40)
        # What all want, at the end, so that each is known to have come to it.
        for event in ("OFF", "ON"):
            who = h.token(sub="user-2")
            self.d.request("POST", "/v1/instances/lamp-1/events", {"event": event}, auth=who)
        everything = self.all()
        seqs = [r["seq"] for r in everything]
        self.assertEqual(seqs, list(range(1, len(seqs) + 1)))
        for query, out, _ in readers:
            wanted = [r["seq"] for r in everything if KILLED[query](r)]

            def there(wanted=wanted, out=out):
                with lock:
                    return out["place"] >= wanted[-1]

            h.await_("record %d of %s" % (wanted[-1], query), there)
        stop.set()
        self.d.stop()
        for query, out, thread in readers:
            thread.join(h.WAIT)
            wanted = [r for r in everything if KILLED[query](r)]
            got = [r for r in out["records"] if r["seq"] <= seqs[-1]]
            self.assertEqual([r["seq"] for r in got], [r["seq"] for r in wanted], query)
            self.assertEqual(got, wanted)


if __name__ == "__main__":
    if not os.path.exists(h.FSMD):
        sys.exit(77)
    unittest.main()
