#!/usr/bin/env python3
"""fsm-cli before a daemon of another version: it says which the two are, and what to do. The daemon is a small
one that is made here and knows less. Exit 77: the program is not built."""
import http.server
import json
import os
import subprocess
import threading
import unittest

CLI = os.path.join(os.environ.get("FSM_BUILD_DIR", ""), "fsm-cli")
PATIENCE_S = 60


class Older(http.server.ThreadingHTTPServer):
    """version: of /healthz; None: nothing is there. All else is refused with `refusal`."""

    daemon_threads = True

    def __init__(self, version, refusal):
        self.version, self.refusal, self.asked = version, refusal, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def serve(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(self.path.split("?")[0])
        status, kind, body = self.server.refusal["status"], "application/problem+json", self.server.refusal
        if self.path == "/healthz" and self.server.version:
            status, kind, body = 200, "application/json", {"status": "ok", "version": self.server.version}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = serve


def refusal(status, code, where, detail):
    return {"type": "urn:fsmd:error:" + code, "title": code, "status": status, "detail": detail, "code": code, "where": where, "correlation": "c"}


PARAMETER = refusal(400, "invalid_argument", "?brief", "there is no such parameter here")
MEMBER = refusal(400, "malformed", "/attempt", "there is no such member")
PATH = refusal(404, "not_found", "path", "nothing is served under this path: GET /v1/openapi.json lists what is")
METHOD = refusal(405, "method_not_allowed", "method", "here the methods are GET, HEAD")


class Versions(unittest.TestCase):
    def run_cli(self, version, answer, *args):
        older = Older(version, answer)
        env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
        try:
            done = subprocess.run([CLI, "--url", "http://127.0.0.1:%d" % older.server_address[1], *args], capture_output=True, timeout=PATIENCE_S, text=True, env={**env, "LC_ALL": "C.UTF-8"})
        finally:
            older.stop()
        self.asked = older.asked
        return done.returncode, done.stderr.replace("\n  ", " "), done.stdout

    def own(self):
        return subprocess.run([CLI, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]

    def test_what_an_older_daemon_does_not_know_is_told_with_both_versions(self):
        for answer, what in ((PARAMETER, "?brief"), (MEMBER, "/attempt"), (PATH, "this request"), (METHOD, "this request")):
            code, err, out = self.run_cli("0.0.7", answer, "log", "doc-1")
            self.assertEqual((code, out), (1, ""), err)
            for word in ("does not know %s:" % what, "fsmd 0.0.7", "fsm-cli " + self.own(), "use the fsm-cli of its version, or upgrade the daemon", "(unsupported)"):
                self.assertIn(word, err)
            self.assertNotIn("usage", err)
            self.assertEqual(self.asked[-1], "/healthz")

    def test_of_the_same_version_it_is_another_build(self):
        code, err, _ = self.run_cli(self.own(), PARAMETER, "ls")
        self.assertEqual(code, 1, err)
        self.assertIn("but of another build; if it was installed anew, restart it", err)

    def test_what_does_not_say_what_it_is(self):
        code, err, _ = self.run_cli(None, PATH, "ls")
        self.assertEqual(code, 1, err)
        self.assertIn("does not say what it is", err)

    def test_in_json_it_is_a_document(self):
        code, err, _ = self.run_cli("0.0.7", PARAMETER, "ls", "-o", "json")
        document = json.loads(err)
        self.assertEqual((code, document["code"], "fsmd 0.0.7" in document["detail"]), (1, "unsupported", True))

    def test_other_faults_stay_what_they_are_and_ask_nothing(self):
        for answer, code in ((refusal(404, "unknown_instance", "", "no instance"), 3), (refusal(400, "invalid_argument", "?sort", "there is no order nope"), 2), (refusal(404, "not_found", "", "no such sink"), 3)):
            got, err, _ = self.run_cli("0.0.7", answer, "get", "doc-1")
            self.assertEqual(got, code, err)
            self.assertNotIn("0.0.7", err)
            self.assertNotIn("/healthz", self.asked)


if __name__ == "__main__":
    if not os.access(CLI, os.X_OK):
        print("fsm-cli is not built")
        raise SystemExit(77)
    unittest.main()
