#!/usr/bin/env python3
"""The otlp sink against a server that checks each request by the published JSON mapping (otlp_check.py)."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from otlp_check import faults
from sink_drive import Scratch, drive, equal, run_all

SCRATCH = Scratch()


class Collector:
    """`script`: what it does with the requests to come: a status, "429:1", "partial" (rejects those that are
    bad, and says how many), or "good"; behind its end it does `always`."""

    def __init__(self, script=(), always="good"):
        self.script, self.always = list(script), always
        self.spans, self.logs, self.wrong, self.seen, self.resources = [], [], [], [], []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer, more = collector.take(self.path, self.headers["Content-Type"], body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                for name, value in more:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        self.url = "http://127.0.0.1:%d/otlp/" % self.http.server_address[1]

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def take(self, path, kind, body):
        traces = path == "/otlp/v1/traces"
        request = json.loads(body)
        if kind != "application/json" or path not in ("/otlp/v1/traces", "/otlp/v1/logs"):
            self.wrong.append("%s %s" % (path, kind))
        self.wrong += faults("ExportTraceServiceRequest" if traces else "ExportLogsServiceRequest", request)
        (resource,) = request["resourceSpans" if traces else "resourceLogs"]
        (scope,) = resource["scopeSpans" if traces else "scopeLogs"]
        items = scope["spans" if traces else "logRecords"]
        self.resources.append(attributes(resource["resource"]))
        word = self.script.pop(0) if self.script else self.always
        self.seen.append((path, word, len(items)))
        if word[0].isdigit():
            status, _, wait = word.partition(":")
            return int(status), {"code": 14, "message": "as told"}, [("Retry-After", wait)] if wait else []
        bad = [i for i in items if word == "partial" and is_bad(i)]
        (self.spans if traces else self.logs).extend(i for i in items if i not in bad)
        if not bad:
            return 200, {}, []
        count = {"rejectedSpans" if traces else "rejectedLogRecords": str(len(bad)), "errorMessage": "not these"}
        return 200, {"partialSuccess": count}, []


def plain(value):
    ((kind, inner),) = value.items()
    if kind == "kvlistValue":
        return {i["key"]: plain(i["value"]) for i in inner["values"]}
    if kind == "arrayValue":
        return [plain(i) for i in inner["values"]]
    return int(inner) if kind == "intValue" else inner


def attributes(message):
    return {a["key"]: plain(a["value"]) for a in message["attributes"]}


def is_bad(item):
    return attributes(item).get("fsm.data", {}).get("bad", False)


def seq_of(item):
    return int(attributes(item)["fsm.seq"])


def otlp(collector, records=40, config=None, **more):
    sink = {"kind": "otlp", "url": collector.url, "batch": 15, **(config or {})}
    result, docs = drive(sink, records, SCRATCH, **more)
    collector.stop()
    equal(collector.wrong, [], "by the mapping")
    return result, {doc["seq"]: doc for doc in docs.values()}


def each_record_is_a_log_record_and_a_span():
    c = Collector()
    result, docs = otlp(c)
    equal(result["cursor"], 40, "cursor")
    equal([seq_of(i) for i in c.logs], list(docs), "log records")
    equal([seq_of(i) for i in c.spans], list(docs), "spans")
    for item in c.spans + c.logs:
        equal(attributes(item)["event.id"], docs[seq_of(item)]["id"], "id")
    equal({r["service.name"] for r in c.resources}, {"fsmd"}, "service.name")
    equal({r["service.instance.id"] for r in c.resources}, {docs[1]["store"] + ".3"}, "service.instance.id")


def a_span_belongs_to_its_caller_and_follows_the_previous_one():
    c = Collector()
    _, docs = otlp(c)
    spans = {seq_of(s): s for s in c.spans}
    for seq, span in spans.items():
        doc = docs[seq]
        equal(span["spanId"][:14], hashlib.sha256(doc["id"].encode()).hexdigest()[:14], "span id")
        if "trace" in doc:
            _, trace, caller, flags = doc["trace"].split("-")
            equal((span["traceId"], span["parentSpanId"], span["flags"]), (trace, caller, int(flags, 16)), "caller")
        else:
            equal(span["traceId"][:30], hashlib.sha256(doc["corr"].encode()).hexdigest()[:30], "trace id")
            assert "parentSpanId" not in span
        before = spans.get(doc["iprev"])
        links = [(link["traceId"], link["spanId"]) for link in span.get("links", [])]
        equal(links, [(before["traceId"], before["spanId"])] if before else [], "link of %d" % seq)
        equal(int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]), 250000, "what deciding took")
        equal(span.get("status", {}).get("code"), 2 if doc["outcome"] == "failed" else None, "status")
    equal(len({s["spanId"] for s in c.spans}), 40, "span ids")
    assert any(s["name"] == "order PAY" for s in c.spans) and any(s["name"] == "order created" for s in c.spans)


def what_is_sent_again_is_the_same_span():
    c = Collector(["good", "503", "good", "good"], always="good")  # the log records of the first part
    result, _ = otlp(c, 15)
    equal(result["cursor"], 15, "cursor")
    equal(len(c.spans), 30, "spans twice")
    equal(c.spans[:15], c.spans[15:], "the same")
    equal(len(c.logs), 15, "log records once")


def a_link_to_a_record_that_was_sent_before_the_start_is_read():
    c = Collector()
    otlp(c)
    spans = {seq_of(s): s for s in c.spans}
    c = Collector()
    otlp(c, first=20)
    equal([s["links"] for s in c.spans], [spans[n]["links"] for n in range(20, 41)], "links")


def signals_are_chosen():
    for chosen in ("spans", "logs"):
        c = Collector()
        result, docs = otlp(c, config={"signals": [chosen]})
        equal((len(c.spans), len(c.logs)), (40, 0) if chosen == "spans" else (0, 40), chosen)
        equal(result["cursor"], 40, "cursor")


def what_a_partial_success_took_is_not_sent_again():
    bad = (2, 15, 16, 40)
    c = Collector(always="partial")
    result, docs = otlp(c, bad=bad, config={"batch": 8})
    parked = [p["seq"] for p in result["parked"]]
    assert set(bad) <= set(parked) and len(parked) < 40, result["parked"]  # and who was sent with them
    assert all(p["code"] == "invalid_data" and "not these" in p["text"] for p in result["parked"]), result["parked"]
    assert "rejectedSpans: 1 of 8, and which is not said" in result["parked"][0]["text"], result["parked"][0]
    equal(result["given"], 40, "given")
    equal(result["cursor"], 40, "cursor")
    for items in (c.spans, c.logs):
        seqs = [seq_of(i) for i in items]
        equal(len(seqs), len(set(seqs)), "each once")
        assert not set(seqs) & set(bad)
    equal({seq_of(i) for i in c.logs} | set(parked), set(docs), "nothing lost")
    sizes = [count for path, _, count in c.seen if path == "/otlp/v1/traces"]
    equal(sizes[:2], [8, 4], "the next part is smaller")


def one_that_is_alone_in_its_part_is_parked_alone():
    c = Collector(always="partial")
    result, docs = otlp(c, bad=(2, 15), config={"batch": 1})
    equal([p["seq"] for p in result["parked"]], [2, 15], "parked")
    assert "of 1: not these" in result["parked"][0]["text"], result["parked"]


def what_fails_for_a_while_is_tried_again():
    for word in ("429", "500", "502", "503", "504", "408"):
        c = Collector([word, "good", word])
        result, docs = otlp(c)
        equal(result["cursor"], 40, word)
        equal({seq_of(i) for i in c.logs}, set(docs), word)
        equal(result["parked"], [], word)
    c = Collector(["429:1"])
    result, _ = otlp(c)
    assert result["ms"] >= 950 and any("Retry-After" in f["text"] for f in result["faults"]), result


def what_is_refused_stands_still_or_is_divided():
    c = Collector(["401"])
    result, _ = otlp(c)
    equal(result["faults"][0]["code"], "not_permitted", "401")
    c = Collector(["400", "413"])  # the two halves are taken
    result, docs = otlp(c)
    equal((result["cursor"], result["parked"], result["faults"]), (40, [], []), "400")
    equal({seq_of(i) for i in c.logs}, set(docs), "log records")


def a_collector_that_refuses_everything_is_not_believed():
    c = Collector(always="400")
    result, _ = otlp(c, seconds=0.3)
    equal([f["code"] for f in result["faults"]], ["not_as_expected"], "faults")


if __name__ == "__main__":
    run_all([
        each_record_is_a_log_record_and_a_span, a_span_belongs_to_its_caller_and_follows_the_previous_one,
        what_is_sent_again_is_the_same_span, a_link_to_a_record_that_was_sent_before_the_start_is_read, signals_are_chosen,
        what_a_partial_success_took_is_not_sent_again, one_that_is_alone_in_its_part_is_parked_alone, what_fails_for_a_while_is_tried_again,
        what_is_refused_stands_still_or_is_divided, a_collector_that_refuses_everything_is_not_believed])
