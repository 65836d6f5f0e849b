#!/usr/bin/env python3
"""fsm-cli on many: several in one request, each once whatever breaks, and a daemon that has no such request.

Between fsm-cli and the daemon stands a socket that counts requests, and answers some itself or not at all.
"""
import http.client
import http.server
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import unittest

from test_cli_do import CLI, PATIENCE_S, Case, environment, run

MANY = 450  # some four requests


class Between(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """told(method, path, body) -> None: the daemon is asked; (status, problem): that is the answer; "lost":
    the daemon is asked, and nobody is told what it said."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path, daemon, told=lambda *request: None):
        self.daemon_path, self.told, self.seen = daemon, told, []
        super().__init__(path, Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # who asked has gone

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return ""

    def log_message(self, *_):
        pass

    def ask_daemon(self, body):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.server.daemon_path)
            head = "".join("%s: %s\r\n" % h for h in self.headers.items() if h[0] not in ("Connection", "Accept-Encoding"))
            s.sendall(("%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n" % (self.command, self.path, head)).encode() + body)
            answer = http.client.HTTPResponse(s, method=self.command)
            answer.begin()
            return answer.status, answer.headers.get("Content-Type"), answer.read()

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path.split("?")[0]))
        word = self.server.told(self.command, self.path, body)
        if isinstance(word, tuple):
            status, kind, text = word[0], "application/problem+json", json.dumps(word[1]).encode()
        else:
            status, kind, text = self.ask_daemon(body)
        if word == "lost":
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", kind or "")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = serve


def problem(status, code, where):
    return status, {"type": "urn:fsmd:error:" + code, "title": code, "status": status, "detail": "nothing is served under this path", "code": code, "where": where}


class Many(Case):
    """MANY instances, each of which has been sent ADD once."""

    def setUp(self):
        super().setUp()
        events = [{"machine": "job", "key": "k%03d" % i, "event": "ADD", "if_absent": True} for i in range(MANY)]
        answer = self.asked("/v1/events", {"events": events})
        self.assertEqual(answer["taken"], MANY)

    def asked(self, path, body):
        body = json.dumps(body).encode()
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.data + "/fsmd.sock")
            s.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body)
            answer = http.client.HTTPResponse(s)
            answer.begin()
            return json.loads(answer.read())


class Bulk(Many):
    def between(self, told=lambda *request: None):
        self.middle = Between(self.scratch + "/between.sock", self.data + "/fsmd.sock", told)
        self.addCleanup(self.middle.stop)
        return "--socket", self.scratch + "/between.sock"

    def posts(self):
        return [path for method, path in self.middle.seen if method == "POST"]

    def sums(self):
        """Of how many is n what it is after one ADD more; of how many not."""
        self.assertEqual(self.json("ls", "--all", "--where", "context.n > 2")["items"], [])
        return len(self.json("ls", "--all", "--where", "context.n == 2")["items"])

    def test_several_go_in_one_request_and_are_told_in_their_order(self):
        place = self.between()
        ids = [i["id"] for i in self.json("ls", "--all", "--sort", "key")["items"]]
        code, out, err = run(*place, "send", "-", "ADD", "-y", "-o", "jsonl", input="\n".join(ids) + "\nnobody\n")
        self.assertEqual(code, 6, err)
        told = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([t["instance"] for t in told], ids + ["nobody"])
        self.assertEqual({t["ok"] for t in told[:-1]}, {True})
        self.assertEqual(told[-1]["problem"]["code"], "unknown_instance")
        self.assertEqual((set(self.posts()), self.sums()), ({"/v1/events"}, MANY))
        self.assertLess(len(self.posts()), 8)

    def test_what_operators_do_goes_together_too_and_is_found_by_the_key(self):
        place = self.between()
        for verb, more in (("pause", ["--open"]), ("resume", ["--paused"]), ("set", ["--open", "who=ana"]), ("force", ["--open", "waits"]), ("note", ["--open", "x"]), ("cancel", ["--open"])):
            reason = [] if verb == "note" else ["--reason", "r"]
            code, out, err = run(*place, verb, "-m", "job", *more, *reason, "-y", "-o", "jsonl")
            self.assertEqual((code, {json.loads(line)["ok"] for line in out.splitlines()}, len(out.splitlines())), (0, {True}, MANY), err)
            key = re.search(r"key: (cli-[0-9a-f]{16});", err)[1]
            self.assertEqual(len(self.json("log", "--corr", key, "--all")["items"]), MANY, verb)
        self.assertEqual(set(self.posts()), {"/v1/commands"})
        self.assertLess(len(self.posts()), 6 * 8)

    def test_of_what_is_refused_each_has_its_own_fault_in_its_own_words(self):
        place = self.between()
        one = self.json("ls", "-k", "k001")["items"][0]["id"]
        self.ok("pause", one, "--reason", "r")
        code, out, err = run(*place, "send", "-m", "job", "ADD", "-y", "-o", "json")
        self.assertEqual(code, 6, err)
        document = json.loads(out)
        wrong = [i for i in document["items"] if not i["ok"]]
        self.assertEqual([(w["instance"], w["problem"]["code"]) for w in wrong], [(one, "paused")])
        self.assertEqual((document["done"], document["failed"], document["left"]), (MANY - 1, 1, 0))
        code, out, err = run(*place, "send", "-m", "job", "GONE", "-y", "-o", "jsonl")
        self.assertEqual(code, 4, err)
        self.assertEqual({json.loads(line)["problem"].get("where") for line in out.splitlines()}, {"event", None})
        code, out, err = run(*place, "set", "-m", "job", "n=many", "--reason", "r", "-y", "-o", "jsonl")
        self.assertEqual(code, 4, err)
        self.assertNotIn("commands", {json.loads(line)["problem"].get("where", "")[1:9] for line in out.splitlines()})

    def test_a_dry_run_does_nothing_and_shows_each(self):
        place = self.between()
        code, out, err = run(*place, "pause", "-m", "job", "--reason", "r", "--dry-run", "-o", "jsonl")
        self.assertEqual(code, 0, err)
        self.assertEqual([len(json.loads(line)["answer"]["records"]) for line in out.splitlines()], [1] * MANY)
        self.assertEqual(len(self.json("ls", "--all", "--paused")["items"]), 0)
        self.assertEqual(set(self.posts()), {"/v1/commands"})

    def test_a_daemon_that_has_no_such_request_is_given_one_at_a_time(self):
        place = self.between(lambda method, path, body: problem(404, "not_found", "path") if path == "/v1/commands" else None)
        code, out, err = run(*place, "pause", "-m", "job", "--reason", "r", "-y", "-o", "id")
        self.assertEqual((code, len(out.split())), (0, MANY), err)
        self.assertEqual(len(self.json("ls", "--all", "--paused")["items"]), MANY)
        self.assertGreaterEqual(len([p for p in self.posts() if p.endswith("/pause")]), MANY)

    def test_an_answer_that_is_lost_ends_the_run_and_again_does_each_once(self):
        lost = []

        def told(method, path, body):
            if method == "POST" and not lost:
                lost.append(path)
                return "lost"
            return None

        place = self.between(told)
        code, out, err = run(*place, "send", "-m", "job", "ADD", "-y", "--idem", "run", "-o", "jsonl")
        self.assertIn(code, (6, 9), err)
        done = sum(json.loads(line)["ok"] for line in out.splitlines())
        self.assertLess(done, MANY)
        self.assertGreater(self.sums(), done)
        code, out, err = run(*place, "send", "-m", "job", "ADD", "-y", "--idem", "run", "-o", "csv")
        self.assertEqual((code, self.sums()), (0, MANY), err)
        self.assertGreaterEqual(out.count(",done before,"), done + 50)

    def test_killed_between_requests_and_again_each_once(self):
        reached, go_on = threading.Event(), threading.Event()
        count = []

        def told(method, path, body):
            if method == "POST":
                count.append(path)
                if len(count) >= 2:
                    reached.set()
                    go_on.wait(PATIENCE_S)
            return None

        self.addCleanup(go_on.set)
        place = self.between(told)
        child = subprocess.Popen([CLI, *place, "send", "-m", "job", "ADD", "-y", "--idem", "run"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
        self.assertTrue(reached.wait(PATIENCE_S))
        child.send_signal(signal.SIGKILL)
        child.wait(PATIENCE_S)
        go_on.set()
        code, _, err = run("--data", self.data, "send", "-m", "job", "ADD", "-y", "--idem", "run")
        self.assertEqual((code, self.sums()), (0, MANY), err)

    def test_a_reader_who_is_slow_holds_the_run_back_and_gets_all(self):
        child = subprocess.Popen([CLI, "--data", self.data, "note", "-m", "job", "x", "-y", "-q", "-o", "json"], stdout=subprocess.PIPE, env=environment(), text=True)
        first = child.stdout.read(64)
        rest = child.stdout.read()
        self.assertEqual(child.wait(PATIENCE_S), 0)
        child.stdout.close()
        self.assertEqual(len(json.loads(first + rest)["items"]), MANY)


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        raise SystemExit(77)
    unittest.main()
