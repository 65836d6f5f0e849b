#!/usr/bin/env python3
"""The http sink against servers that fail: whatever they do, they end up with each record once, and what they
refuse for its content is parked, and nothing else. Elasticsearch itself is not here: elastic_server.py speaks
its _bulk."""

import hashlib
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from elastic_server import Elastic
from sink_drive import Scratch, drive, equal, make_certificates, run_all

SCRATCH = Scratch()
CERTS = {}


def bulk(server, records=60, config=None, **more):
    sink = {"kind": "http", "mode": "bulk", "url": server.url, "batch": 20, **(config or {})}
    return drive(sink, records, SCRATCH, **more)


def whole(server, result, records, bad=(), code="invalid_data"):
    """The server has every record but the bad ones, each once, as it is; those are parked."""
    by_seq = {doc["seq"]: key for key, doc in records.items()}
    has = server.documents()
    missing = set(records) - {by_seq[s] for s in bad} - set(has)
    extra = set(has) - (set(records) - {by_seq[s] for s in bad})
    assert not missing and not extra, "missing %s, extra %s, %s" % (sorted(missing)[:3], sorted(extra)[:3],
                                                                  result)
    for key, (index, doc) in has.items():
        equal(doc, records[key], key)
        equal(index, "fsm-" + records[key]["time"][:10].replace("-", "."), "index")
    equal([p["seq"] for p in result["parked"]], sorted(bad), "parked")
    assert all(p["code"] == code for p in result["parked"]), result["parked"]
    equal(result["cursor"], len(records), "cursor")
    equal(server.violations, [], "violations")


def with_script(*script, records=60, bad=(), config=None, max_bytes=None, big=()):
    server = Elastic(script, max_bytes=max_bytes)
    try:
        result, docs = bulk(server, records, config, bad=bad, big=big)
        whole(server, result, docs, bad)
        return server, result
    finally:
        server.stop()


# ---- bulk


def documents_go_into_the_index_of_their_day_under_their_id():
    server, result = with_script(records=2500, config={"batch": 500})
    equal(sorted(server.indices), ["fsm-2026.11.22", "fsm-2026.11.23"], "indices")
    equal(result["given"], 2500, "given")
    equal([r[1] for r in server.requests], [500] * 5, "requests")


def a_batch_has_at_most_what_is_configured_in_records_and_bytes():
    most = {"batch": 4096, "batch_bytes": "8MiB"}
    server, _ = with_script(records=4097, config=most)
    equal([r[1] for r in server.requests], [4096, 1], "records")
    result, _ = bulk(server, 1, {"batch": 4097})
    equal(result["refused"], "invalid_argument", "one more")
    server, _ = with_script(records=200, config={"batch": 4096, "batch_bytes": "4KiB"})
    assert max(r[2] for r in server.requests) < 4096 + 8 * 200 and len(server.requests) > 20, server.requests
    server, _ = with_script(records=3, config={"batch_bytes": "1KiB"}, big=(1, 2, 3))
    equal([r[1] for r in server.requests], [1, 1, 1], "one record may be larger")


def whatever_fails_for_a_while_is_tried_again():
    for word in ("429", "503", "500", "408", "closed", "cut", "taken-then-cut", "notjson", "short", "long", "swapped",
                 "otherid", "nostatus", "empty", "huge", "slow"):
        _, result = with_script("good", word, word, "good")
        equal(bool(result["faults"]), word != "slow", word)
        for fault in result["faults"]:
            equal(fault["code"], "unreachable", word)


def only_items_that_were_too_many_are_sent_again():
    server, result = with_script("items429", "items503", "good")
    equal([r[1] for r in server.requests][:3], [20, 7, 3], "items of requests")
    equal(result["faults"], [], "faults")
    server, result = with_script(*["items429"] * 6)  # too often: from the cursor, where what is there is 409
    equal(result["faults"][0]["code"], "unreachable", "after some tries the outbox waits")
    assert "queue is full" in result["faults"][0]["text"], result["faults"]


def an_answer_that_never_comes_or_never_ends_is_a_timeout():
    for word in ("silent", "taken-silent", "dribble"):
        _, result = with_script(word, config={"timeout": "300ms"})
        equal([f["code"] for f in result["faults"]], ["timeout"], word)


def a_clash_of_types_parks_that_record_with_the_reason():
    _, result = with_script("good", "items429", records=100, bad=(1, 20, 21, 77, 100))
    assert all("400, mapper_parsing_exception: failed to parse field [data.bad]" in p["text"]
               for p in result["parked"]), result["parked"]


def a_request_that_is_too_large_is_divided_and_those_after_it_are_smaller():
    server, result = with_script(records=400, max_bytes=9000, config={"batch": 100})
    refused = [r for r in server.requests if r[0] == "413"]
    assert len(refused) <= 8, "%d were too large" % len(refused)
    equal(result["faults"], [], "faults")


def a_record_that_is_too_large_alone_is_parked():
    server = Elastic(max_bytes=30000)
    result, docs = bulk(server, 40, big=(5, 33))
    server.stop()
    whole(server, result, docs, (5, 33), code="too_large")


def retry_after_is_heeded():
    server, result = with_script("good", "429:1", "good")
    times = [r[3] for r in server.requests]
    assert times[2] - times[1] >= 0.95, times
    assert any("Retry-After" in f["text"] for f in result["faults"]), result["faults"]


def what_trying_again_soon_does_not_mend_says_what_to_do():
    for word, code, text in (("401", "not_permitted", "token_file"), ("403", "not_permitted", "may not"),
                             ("404", "not_found", "check the url"), ("405", "not_found", "check the url"),
                             ("302", "invalid_argument", "redirects"), ("418", "not_as_expected", "418"),
                             ("index404", "not_permitted", "index_not_found_exception")):
        server, result = with_script("good", word, "good")
        equal(result["faults"][0]["code"], code, word)
        assert text in result["faults"][0]["text"], result["faults"]
        equal(result["faults"][0]["times"], 1, "then it is tried again")


def a_server_that_refuses_everything_is_not_believed():
    server = Elastic()
    result, docs = bulk(server, 40, bad=range(1, 41), seconds=0.2)
    server.stop()
    equal([f["code"] for f in result["faults"]], ["not_as_expected"], "faults")
    assert "in a row" in result["faults"][0]["text"], result["faults"]


def what_answers_must_be_elasticsearch():
    server = Elastic(greeting={"hello": "world"})
    result, _ = bulk(server, 5, seconds=0.3)
    server.stop()
    equal(server.requests, [], "requests")
    assert "neither Elasticsearch nor OpenSearch" in result["faults"][0]["text"], result["faults"]


def at_random(seed, rounds=1):
    import random
    words = ["good", "429", "503", "closed", "cut", "taken-then-cut", "notjson", "short", "swapped", "items429",
             "items503", "otherid"]
    for n in range(rounds):
        dice = random.Random(seed + n)
        bad = tuple(sorted(dice.sample(range(1, 1501), 9)))
        with_script(*(dice.choice(words) for _ in range(80)), records=1500, bad=bad,
                    max_bytes=dice.choice((None, 8000)), config={"batch": dice.choice((1, 7, 100, 500)), "batch_bytes": "16KiB"})


def any_order_of_failures_ends_with_each_record_once():
    rounds = int(os.environ.get("FSM_SINK_ROUNDS", "4"))
    at_random(int(os.environ.get("FSM_SINK_SEED", "1")), rounds)


def driven_by_the_outbox_it_is_the_same():
    for script in ((), ("503", "taken-then-cut", "items429", "closed", "short", "429", "items503", "notjson")):
        server = Elastic(script, max_bytes=9000)
        result, docs = bulk(server, 1000, {"linger": "5ms"}, bad=(3, 20, 21, 999), outbox=True)
        server.stop()
        whole(server, result, docs, (3, 20, 21, 999))


def the_outbox_stops_while_an_answer_is_out():
    server = Elastic(["good", "silent"])
    began = time.monotonic()
    result, _ = bulk(server, 100, {"timeout": "2m"}, seconds=0.3, outbox=True)
    server.stop()
    equal(result["cursor"], 20, "cursor")
    assert time.monotonic() - began < 30, "it waited for the answer"


# ---- TLS and who we are


def certificates():
    if not CERTS:
        CERTS.update(make_certificates(SCRATCH))
        time.sleep(1.1)  # "0 days" is over in a second
    return CERTS


def over_tls(name, config=None, **tls):
    server = Elastic(tls={**certificates()[name], **tls})
    sink = {"ca_file": CERTS["ca"]["cert"], **(config or {})}
    result, docs = bulk(server, 20, sink, seconds=0.4 if name != "good" else 20)
    server.stop()
    return server, result, docs


def a_good_certificate_is_accepted():
    server, result, docs = over_tls("good")
    whole(server, result, docs)
    equal(result["faults"], [], "faults")


def a_certificate_that_does_not_verify_says_why_and_nothing_is_sent():
    for name, text in (("expired", "expired"), ("otherhost", "another host"), ("unknown", "not trusted")):
        server, result, _ = over_tls(name)
        equal(server.requests, [], name)
        equal({f["code"] for f in result["faults"]}, {"not_permitted"}, name)
        assert text in result["faults"][0]["text"], result["faults"]
        equal(result["cursor"], 0, name)


def the_systems_authorities_do_not_know_ours():
    server = Elastic(tls=certificates()["good"])
    result, _ = bulk(server, 5, seconds=0.3)
    server.stop()
    equal({f["code"] for f in result["faults"]}, {"not_permitted"}, "faults")


def a_server_that_wants_to_know_us_gets_our_certificate():
    client = {"cert_file": CERTS["client"]["cert"], "key_file": CERTS["client"]["key"]}
    server, result, docs = over_tls("good", client, client_ca=CERTS["ca"]["cert"])
    whole(server, result, docs)
    server = Elastic(tls={**CERTS["good"], "client_ca": CERTS["ca"]["cert"]})
    result, _ = bulk(server, 5, {"ca_file": CERTS["ca"]["cert"]}, seconds=0.4)
    server.stop()
    equal(server.requests, [], "without it")
    assert result["faults"], "without it"


def plain_http_where_tls_is_expected_is_told():
    server = Elastic()
    result, _ = bulk(server, 5, {"url": server.url.replace("http:", "https:")}, seconds=0.3)
    server.stop()
    assert "TLS was not agreed on" in result["faults"][0]["text"], result["faults"]


def a_token_that_is_renewed_while_running_is_used():
    token = SCRATCH.write("token", "old\n")
    server = Elastic(only_token="Bearer new")

    def renew():
        equal(server.requests, [], "with the old one")
        SCRATCH.write("token.new", "new\n")
        os.rename(SCRATCH.path("token.new"), token)

    result, _ = bulk(server, 60, {"token_file": token, "batch": 20}, at_fault=renew)
    server.stop()
    equal(result["cursor"], 60, "cursor")
    assert any("401" in f["text"] for f in result["faults"]), result["faults"]
    out = json.dumps(result)
    assert "old" not in out and "new" not in out, "a secret is told"


def a_scheme_in_the_token_file_and_basic_authentication_are_sent():
    for config, value in (
            ({"token_file": SCRATCH.write("key", "ApiKey abc==\n")}, "ApiKey abc=="),
            ({"user": "u", "password_file": SCRATCH.write("password", "p w\n")}, "Basic dTpwIHc=")):
        server = Elastic(only_token=value)
        result, docs = bulk(server, 20, config)
        server.stop()
        whole(server, result, docs)


def a_file_that_comes_later_is_waited_for():
    token = SCRATCH.path("later")
    server = Elastic(only_token="Bearer t")
    result, _ = bulk(server, 20, {"token_file": token}, at_fault=lambda: SCRATCH.write("later", "t\n"))
    server.stop()
    equal(result["cursor"], 20, "cursor")
    equal(result["faults"][0]["where"], "token_file", "where")


def a_header_that_is_a_secret_comes_from_its_file_and_is_never_shown():
    key = SCRATCH.path("api-key")
    server, result, docs = hook({"header_files": ["X-Api-Key: " + SCRATCH.write("api-key", "s3cr3t-key\n")]})
    equal({h["X-Api-Key"] for _, _, h in server.seen}, {"s3cr3t-key"}, "key")
    os.unlink(key)

    def only(body, headers):
        if headers["X-Api-Key"] == "newer":
            return 204
        SCRATCH.write("api-key.new", "newer\n")
        os.rename(SCRATCH.path("api-key.new"), key)
        return 503

    later = lambda: SCRATCH.write("api-key", "older-s3cr3t\n")  # noqa: E731
    server, result, docs = hook({"header_files": ["X-Api-Key: " + key]}, only, at_fault=later)  # it is waited for, and read again
    equal(result["cursor"], len(docs), "cursor")
    equal(result["faults"][0]["where"], "header_files", "where")
    assert server.seen[0][2]["X-Api-Key"] == "older-s3cr3t" and "s3cr3t" not in json.dumps(result), result


def nobody_there_is_tried_again():
    server = Elastic()
    server.stop()
    result, _ = bulk(server, 5, seconds=1)
    equal([f["code"] for f in result["faults"]], ["unreachable"], "faults")
    assert "nobody listens" in result["faults"][0]["text"] and result["faults"][0]["times"] > 1, result


def a_stop_does_not_wait_for_an_answer():
    server = Elastic(["silent"])
    result, _ = bulk(server, 20, {"timeout": "2m"}, interrupt=200)
    server.stop()
    assert result["ms"] < 60000, result
    equal([f["code"] for f in result["faults"]], ["closed"], "faults")


# ---- webhooks


class Hook:
    """Takes what it gets; `refuse(body, headers)` may name a status."""

    def __init__(self, refuse=None):
        self.bodies, self.seen = [], []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode("latin-1")
                status = refuse(body, self.headers) if refuse else None
                hook.seen.append((status or 204, self.path, dict(self.headers)))
                if not status:
                    hook.bodies.append(body)
                self.send_response(status or 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True).start()
        self.url = "http://127.0.0.1:%d/in/here" % self.http.server_address[1]

    def stop(self):
        self.http.shutdown()
        self.http.server_close()


def hook(config=None, refuse=None, records=50, **more):
    server = Hook(refuse)
    result, docs = drive({"kind": "http", "url": server.url, "batch": 20, **(config or {})}, records, SCRATCH, **more)
    server.stop()
    return server, result, docs


def a_webhook_gets_batches_it_can_tell_apart():
    server, result, docs = hook({"headers": ["X-Tenant: a b", "X-Empty:"]})
    lines = [json.loads(line) for body in server.bodies for line in body.splitlines()]
    equal(lines, list(docs.values()), "records in their order")
    equal(len(server.bodies), 3, "requests")
    _, path, headers = server.seen[1]
    ids = list(docs)
    equal(path, "/in/here", "path")
    equal(headers["Content-Type"], "application/x-ndjson", "type")
    equal(headers["Idempotency-Key"], ids[20] + ".." + ids[39], "key")
    equal((headers["Fsm-Seq-First"], headers["Fsm-Seq-Last"]), ("21", "40"), "seqs")
    equal((headers["X-Tenant"], headers["X-Empty"]), ("a b", ""), "configured ones")
    assert all(body.endswith("\n") for body in server.bodies)


def what_is_behind_the_server_in_a_url_is_not_told():
    """Of many a webhook it is the secret."""
    for status in (401, 404, 302, 500):
        _, result, _ = hook({}, lambda body, headers, s=status: s, records=3, seconds=0.3)
        assert result["faults"], "no fault of %d" % status
        assert "/in/here" not in json.dumps(result), "%d: %r" % (status, result["faults"][0])


def a_batch_of_one_is_the_record_itself():
    server, _, docs = hook({"batch": 1}, records=3)
    equal([json.loads(b) for b in server.bodies], list(docs.values()), "bodies")
    equal(server.seen[0][2]["Content-Type"], "application/json", "type")
    equal([s[2]["Idempotency-Key"] for s in server.seen], list(docs), "keys")


def the_same_batch_tried_again_has_the_same_key():
    state = {"left": 5}

    def refuse(body, headers):
        state["left"] -= 1
        return 503 if state["left"] >= 0 else None

    server, result, docs = hook(refuse=refuse, records=20)
    equal({s[2]["Idempotency-Key"] for s in server.seen}, {list(docs)[0] + ".." + list(docs)[19]}, "keys")
    equal(result["cursor"], 20, "cursor")


def a_poison_record_is_found_by_halves_and_parked():
    for status, code in ((400, "invalid_data"), (422, "invalid_data"), (413, "too_large")):
        bad = (1, 18, 19, 50)
        server, result, docs = hook(refuse=lambda body, _: status if '"bad":true' in body else None, bad=bad)
        lines = [json.loads(line) for body in server.bodies for line in body.splitlines()]
        equal([d["seq"] for d in lines], [s for s in range(1, 51) if s not in bad], "taken")
        equal([(p["seq"], p["code"]) for p in result["parked"]], [(s, code) for s in bad], "parked")
        equal(result["faults"], [], "faults")
        equal(result["given"], 50, "nothing is given again")


def stored_bytes_lie_one_behind_the_other():
    alone, _, docs = hook({"format": "msgpack", "batch": 1})
    leaves = [hashlib.sha256(b"\0" + body.encode("latin-1")).hexdigest() for body in alone.bodies]
    equal(leaves, [doc["leaf"] for doc in docs.values()], "leaves")
    server, result, _ = hook({"format": "msgpack"})
    equal(result["cursor"], 50, "cursor")
    equal("".join(server.bodies), "".join(alone.bodies), "bodies")
    equal(server.seen[0][2]["Content-Type"], "application/msgpack", "type")


def cloud_events_come_as_their_batch_or_alone():
    server, _, docs = hook({"format": "cloudevents"})
    events = [json.loads(body) for body in server.bodies]
    equal([len(e) for e in events], [20, 20, 10], "arrays")
    equal([e["id"] for batch in events for e in batch], list(docs), "ids")
    equal(server.seen[0][2]["Content-Type"].split(";")[0], "application/cloudevents-batch+json", "type")
    server, _, docs = hook({"format": "cloudevents", "batch": 1}, records=2)
    equal([json.loads(body)["id"] for body in server.bodies], list(docs), "ids")
    equal(server.seen[0][2]["Content-Type"].split(";")[0], "application/cloudevents+json", "type")


def each_part_of_csv_begins_with_its_head():
    server, _, docs = hook({"format": "csv", "columns": ["seq", "kind"]})
    equal(server.bodies[1].split("\r\n")[:2], ["seq,kind", "21,%s" % list(docs.values())[20]["kind"]], "lines")
    equal([body.count("\r\n") for body in server.bodies], [21, 21, 11], "lines")


def mistakes_of_a_configuration_are_told_at_once():
    token = SCRATCH.write("t", "x\n")
    for config, where in (
            ({"url": "http://u:p@h/"}, "url"), ({"url": "ftp://h/"}, "url"), ({"url": "http://h/../x"}, "url"),
            ({"headers": ["Host: x"]}, "headers"), ({"headers": ["A: b", "nothing"]}, "headers"),
            ({"headers": ["Authorization: Bearer x"]}, "headers"), ({"headers": ["A: b", "Fsm-Seq: 1"]}, "headers[1]"),
            ({"headers": ["idempotency-key: x"]}, "headers[0]"),
            ({"url": "http://elsewhere.example/", "token_file": token}, "url"),
            ({"mode": "bulk", "index": "Fsm-%Y"}, "index"), ({"mode": "bulk", "index": "fsm-%j"}, "index"),
            ({"mode": "bulk", "format": "msgpack"}, "format")):
        server = Hook()
        result, _ = drive({"kind": "http", "url": server.url, **config}, 1, SCRATCH)
        server.stop()
        equal(result.get("where", "").split("/")[-1], where, str(config))


if __name__ == "__main__":
    run_all([
        documents_go_into_the_index_of_their_day_under_their_id,
        a_batch_has_at_most_what_is_configured_in_records_and_bytes, whatever_fails_for_a_while_is_tried_again,
        only_items_that_were_too_many_are_sent_again, an_answer_that_never_comes_or_never_ends_is_a_timeout,
        a_clash_of_types_parks_that_record_with_the_reason,
        a_request_that_is_too_large_is_divided_and_those_after_it_are_smaller,
        a_record_that_is_too_large_alone_is_parked, retry_after_is_heeded,
        what_trying_again_soon_does_not_mend_says_what_to_do, a_server_that_refuses_everything_is_not_believed,
        what_answers_must_be_elasticsearch, any_order_of_failures_ends_with_each_record_once,
        driven_by_the_outbox_it_is_the_same, the_outbox_stops_while_an_answer_is_out,
        a_good_certificate_is_accepted, a_certificate_that_does_not_verify_says_why_and_nothing_is_sent,
        the_systems_authorities_do_not_know_ours, a_server_that_wants_to_know_us_gets_our_certificate,
        plain_http_where_tls_is_expected_is_told, a_token_that_is_renewed_while_running_is_used,
        a_header_that_is_a_secret_comes_from_its_file_and_is_never_shown,
        a_scheme_in_the_token_file_and_basic_authentication_are_sent, a_file_that_comes_later_is_waited_for,
        nobody_there_is_tried_again, a_stop_does_not_wait_for_an_answer, a_webhook_gets_batches_it_can_tell_apart,
        what_is_behind_the_server_in_a_url_is_not_told, a_batch_of_one_is_the_record_itself, the_same_batch_tried_again_has_the_same_key,
        a_poison_record_is_found_by_halves_and_parked, stored_bytes_lie_one_behind_the_other,
        cloud_events_come_as_their_batch_or_alone, each_part_of_csv_begins_with_its_head,
        mistakes_of_a_configuration_are_told_at_once])
