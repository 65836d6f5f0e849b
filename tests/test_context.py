#!/usr/bin/env python3
"""What a request says of where it comes from (correlation, causation, request id, trace) is in its record, in what is
published of it and in what its services are asked: over a real fsmd with a file sink and a claimed task. Exit 77: not built."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
SOURCE = os.environ.get("FSM_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(SOURCE, "tests"))

import http_daemon  # noqa: E402
from http_daemon import Daemon  # noqa: E402

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
MACHINE = {"id": "m", "initial": "a", "states": {"a": {"on": {"GO": "b"}}, "b": {"invoke": {"id": "t", "src": "somebody"}, "on": {"GO": "a"}}}}


class Context(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Daemon("--auth", "none", key=False)
        cls.addClassCleanup(cls.d.remove)
        assert cls.d.request("POST", "/v1/machines", MACHINE).status == 201

    def setUp(self):
        self.id = self.id_of()
        self.assertEqual(self.d.request("POST", "/v1/instances", {"machine": "m", "id": self.id}).status, 201)

    def id_of(self):
        return self._testMethodName[:60]

    def send(self, raw=None, **headers):
        """The answer, and the record that it made."""
        fields = raw or {k.replace("_", "-"): v for k, v in headers.items()}
        answer = self.d.request("POST", "/v1/instances/%s/events" % self.id, {"event": "GO"}, fields)
        if answer.status != 200:
            return answer, None
        items = self.d.request("GET", "/v1/records?instance=%s&after=%d" % (self.id, answer.json["seq"] - 1)).json["items"]
        return answer, items[0]

    def test_all_of_it_is_in_the_record(self):
        parent, state = "00-%s-%s-01" % (TRACE, SPAN), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"
        answer, record = self.send(X_Correlation_ID="order 7", X_Request_ID="req-1", X_Causation_ID="mail-3", traceparent=parent, tracestate=state)
        self.assertEqual(answer.headers["X-Correlation-ID"], "order 7")
        self.assertEqual((record["corr"], record["req"], record["caus"]), ("order 7", "req-1", "mail-3"))
        self.assertEqual((record["trace"], record["tracestate"]), (parent, state))

    def test_what_is_no_id_is_refused_and_what_is_no_trace_is_left_out(self):
        for name in ("X-Correlation-ID", "X-Request-ID", "X-Causation-ID"):
            for value in ("x" * 129, ""):
                answer, _ = self.send({name: value})
                self.assertEqual((answer.status, answer.json["code"], answer.json["where"]), (400, "invalid_argument", name))
            self.assertEqual(self.send({name: "x" * 128})[0].status, 200)
        for headers in ({"traceparent": "00-%s-%s-01x" % (TRACE, SPAN)}, {"b3": "0"}, {"tracestate": "a=1"}, {"X-B3-TraceId": TRACE}):
            answer, record = self.send(headers)
            self.assertEqual(answer.status, 200)
            self.assertNotIn("trace", record)
            self.assertNotIn("tracestate", record)

    def test_b3_is_read_where_there_is_no_traceparent(self):
        self.assertEqual(self.send({"b3": "%s-%s-1" % (TRACE, SPAN)})[1]["trace"], "00-%s-%s-01" % (TRACE, SPAN))
        half = {"X-B3-TraceId": TRACE[16:], "X-B3-SpanId": SPAN, "X-B3-Sampled": "0"}
        self.assertEqual(self.send(half)[1]["trace"], "00-%s%s-%s-00" % ("0" * 16, TRACE[16:], SPAN))
        both = {"b3": "%s-%s-1" % (SPAN * 2, SPAN), "traceparent": "00-%s-%s-00" % (TRACE, SPAN)}
        self.assertEqual(self.send(both)[1]["trace"], "00-%s-%s-00" % (TRACE, SPAN))

    def test_a_task_goes_on_below_the_record_that_opened_it(self):
        answer, record = self.send({"traceparent": "00-%s-%s-01" % (TRACE, SPAN), "X-Correlation-ID": "c-9"})
        self.assertEqual(answer.json["to"], ["b"])
        task = self.d.request("GET", "/v1/tasks?instance=" + self.id).json["items"][0]
        version, trace, span, flags = task["traceparent"].split("-")
        self.assertEqual((version, trace, flags, task["correlation"]), ("00", TRACE, "01", "c-9"))
        self.assertNotEqual(span, SPAN)
        claimed = self.d.request("POST", "/v1/tasks/claim", {"service": "somebody"}).json["items"]
        self.assertEqual([t["traceparent"] for t in claimed if t["instance"] == self.id], [task["traceparent"]])
        self.assertEqual(record["trace"].split("-")[2], SPAN)

    def test_what_is_made_is_returned(self):
        made = self.send()[0].headers["X-Correlation-ID"]
        self.assertRegex(made, "^[0-9a-f-]{36}$")
        self.assertEqual(self.d.request("GET", "/healthz", headers={"X-Correlation-ID": "h"}).headers["X-Correlation-ID"], "h")


if __name__ == "__main__":
    if not os.access(http_daemon.FSMD, os.X_OK):
        print("skipped: not built")
        sys.exit(77)
    unittest.main()
