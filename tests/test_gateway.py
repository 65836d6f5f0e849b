#!/usr/bin/env python3
"""examples/express-gateway and examples/javascript-client against a real fsmd: one context on both sides, refusals passed on,
commands taken once while the daemon is killed, records followed through it, and the client's types.

Express and what it needs is installed by `npm ci` into the build directory, once; without node, npm or the packages this
is skipped. Exit 77: skipped."""
import base64
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(os.environ.get("FSM_SOURCE_DIR") or pathlib.Path(__file__).resolve().parent.parent)
BUILD = pathlib.Path(os.environ.get("FSM_BUILD_DIR", "build/dev")).resolve()
FSMD = BUILD / "fsmd"
PARTS = ("javascript-client", "express-gateway")
KEY = b"a secret of the gateway's test, long enough"
WAIT = 60


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def install():
    """The two as they are, beside each other in the build directory, with what package-lock.json names."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            skip("%s is not installed" % program)
    place = BUILD / "gateway"
    lock = SOURCE / "examples" / PARTS[1] / "package-lock.json"
    known = place / PARTS[1] / "package-lock.json"
    if not known.exists() or known.read_bytes() != lock.read_bytes():
        shutil.rmtree(place, ignore_errors=True)
    for part in PARTS:
        ignore = shutil.ignore_patterns("node_modules")
        shutil.copytree(SOURCE / "examples" / part, place / part, dirs_exist_ok=True, ignore=ignore)
    gateway = place / PARTS[1]
    if not (gateway / "node_modules" / "express" / "package.json").exists():
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=gateway, capture_output=True, text=True)
        if done.returncode != 0:
            shutil.rmtree(place, ignore_errors=True)
            skip("npm ci failed: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return gateway


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(sub="ana", key=KEY, **claims):
    claims = {"sub": sub, "aud": "fsmd", "jti": "session-" + sub, "exp": int(time.time()) + 600, **claims}
    text = b64(b'{"alg":"HS256","typ":"JWT"}') + "." + b64(json.dumps(claims).encode())
    return text + "." + b64(hmac.new(key, text.encode(), hashlib.sha256).digest())


def await_(what, holds):
    end = time.time() + WAIT
    while not holds():
        assert time.time() < end, what
        time.sleep(0.02)


class Scene(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fsm-gateway-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.key = self.dir / "key"
        self.key.touch(0o600)
        self.key.write_bytes(KEY)
        self.port = 0
        self.start_daemon()
        definition = json.loads((SOURCE / "examples" / "document-approval.json").read_text())
        self.assertEqual(self.local("POST", "/v1/machines", definition)[0], 201)

    def start_daemon(self):
        port_file = self.dir / "port"
        port_file.unlink(missing_ok=True)
        command = [FSMD, "--data", self.dir / "data", "--listen", "127.0.0.1:%d" % self.port, "--port-file", port_file,
                   "--jwt-key", self.key]  # fmt: skip
        with open(self.dir / "fsmd.log", "ab") as log:
            self.daemon = subprocess.Popen(command, stdout=log, stderr=log)
        self.addCleanup(self.end, self.daemon)
        await_("fsmd", lambda: port_file.exists() or self.daemon.poll() is not None)
        self.assertIsNone(self.daemon.poll(), (self.dir / "fsmd.log").read_text())
        self.port = int(port_file.read_text())

    def start_gateway(self):
        environment = {**os.environ, "GATEWAY_KEY": str(self.key), "FSM_URL": "http://127.0.0.1:%d" % self.port, "PORT": "0"}
        with open(self.dir / "gateway.log", "ab") as log:
            gateway = subprocess.Popen(["node", "server.js"], cwd=GATEWAY, env=environment, stdout=log, stderr=log)
        self.addCleanup(self.end, gateway)
        await_("the gateway", lambda: self.lines("started") or gateway.poll() is not None)
        self.assertIsNone(gateway.poll(), (self.dir / "gateway.log").read_text())
        self.gateway = self.lines("started")[0]["address"]["port"]
        return gateway

    def end(self, process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def lines(self, msg):
        """What the gateway logged; each line must be one JSON object."""
        path = self.dir / "gateway.log"
        whole = path.read_text().rpartition("\n")[0] if path.exists() else ""
        return [line for line in map(json.loads, whole.splitlines()) if line["msg"] == msg]

    def ask(self, method, path, body=None, sub="ana", auth=None, port=None, **headers):
        """(status, headers, document) of the gateway."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.gateway, timeout=WAIT)
        fields = {"Authorization": "Bearer " + (auth or token(sub)), **{k.replace("_", "-"): v for k, v in headers.items()}}
        data = None
        if body is not None:
            data, fields["Content-Type"] = json.dumps(body), "application/json"
        try:
            connection.request(method, path, data, fields)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
        finally:
            connection.close()

    def local(self, method, path, body=None):
        """The daemon itself, as its own user."""
        connection = http.client.HTTPConnection("localhost", timeout=WAIT)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.dir / "data" / "fsmd.sock"))
        try:
            connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def run_script(self, text, *args):
        """A program of the client's user."""
        path = GATEWAY / ("script-%d.mjs" % os.getpid())
        path.write_text(text)
        self.addCleanup(path.unlink)
        environment = {**os.environ, "FSM_URL": "http://127.0.0.1:%d" % self.port, "TOKEN": token()}
        process = subprocess.Popen(["node", path, *args], cwd=GATEWAY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process


DOCUMENT = {"title": "New laptops", "amount": 4200, "department": "IT", "submitter": "ana"}


class Gateway(Scene):
    def setUp(self):
        super().setUp()
        self.process = self.start_gateway()

    def create(self, name, **headers):
        return self.ask("POST", "/documents", {"id": name, **DOCUMENT}, **headers)

    def test_one_context_is_in_the_answer_the_gateway_s_lines_and_fsmd_s_records(self):
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        status, headers, answer = self.create("d1", X_Correlation_ID="order-7", X_Request_ID="req-1", traceparent=trace)
        self.assertEqual((status, answer["instance"], headers["Location"]), (201, "d1", "/documents/d1"))
        self.assertEqual(headers["X-Correlation-ID"], "order-7")
        status, headers, _ = self.ask("POST", "/documents/d1/submit", sub="bob")
        self.assertEqual(status, 200)
        made = headers["X-Correlation-ID"]
        self.assertRegex(made, "^[0-9a-f-]{36}$")
        created, moved = self.ask("GET", "/documents/d1/history")[2]["items"][:2]
        self.assertEqual((created["corr"], created["req"], created["act"]["sub"], created["act"]["sid"]), ("order-7", "req-1", "ana", "session-ana"))
        self.assertIn("0af7651916cd43dd8448eb211c80319c", json.dumps(created["trace"]))
        self.assertEqual((moved["corr"], moved["act"]["sub"]), (made, "bob"))
        line = self.lines("transition")[0]
        self.assertEqual((line["correlationId"], line["userId"], line["sessionId"]), (made, "bob", "session-bob"))
        self.assertEqual((line["fsm"]["event"], line["fsm"]["previousValue"]), ("SUBMIT", ["draft"]))
        await_("the request's own line", lambda: [x for x in self.lines("request") if x["correlationId"] == "order-7" and x["status"] == 201])

    def test_what_is_no_id_is_not_taken_as_one(self):
        for bad in ("x" * 129, " "):
            headers = self.create("x", X_Correlation_ID=bad)[1]
            self.assertRegex(headers["X-Correlation-ID"], "^[0-9a-f-]{36}$")

    def test_a_token_that_is_not_good_gets_no_further(self):
        for auth in (token(key=b"x" * 40), token(exp=1), token(aud="other"), "a.b.c", b64(b'{"alg":"none"}') + "." + b64(b'{"sub":"ana"}') + "."):
            status, _, problem = self.ask("GET", "/documents", auth=auth)
            self.assertEqual((status, problem["code"]), (401, "bad_token"))
            self.assertNotIn(auth, (self.dir / "gateway.log").read_text())
        self.assertEqual(len(self.lines("token refused")), 5)

    def test_a_refusal_of_the_machine_comes_through_as_it_is(self):
        self.create("d2")
        status, _, problem = self.ask("POST", "/documents/d2/approve")
        self.assertEqual((status, problem["code"], problem["type"]), (409, "no_transition", "urn:fsmd:error:no_transition"))
        self.assertEqual(self.ask("GET", "/documents/none")[0], 404)
        self.assertEqual(self.ask("POST", "/documents/d2/dance")[0], 404)
        self.assertEqual(self.create("d2")[0], 409)
        status, _, problem = self.ask("POST", "/documents", {"id": "d3"})
        self.assertEqual((status, problem["code"]), (422, "invalid_data"))

    def test_a_body_that_is_no_json_is_the_caller_s_fault(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway, timeout=WAIT)
        connection.request("POST", "/documents", "{", {"Authorization": "Bearer " + token(), "Content-Type": "application/json"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, json.loads(answer.read())["code"]), (400, "malformed"))
        connection.close()

    def test_what_is_asked_of_fsmd_while_it_is_killed_is_done_once(self):
        self.daemon.kill()
        self.daemon.wait()
        answers = []
        asking = threading.Thread(target=lambda: answers.append(self.create("k1", Idempotency_Key="key-k1")))
        asking.start()
        self.start_daemon()
        asking.join()
        answers.append(self.create("k1", Idempotency_Key="key-k1"))
        self.assertEqual([(status, document["instance"]) for status, _, document in answers], [(201, "k1")] * 2, answers)
        self.assertTrue(answers[1][2]["replayed"])
        self.assertEqual([r["kind"] for r in self.ask("GET", "/documents/k1/history")[2]["items"]], ["created"])

    def test_without_fsmd_the_answer_is_503_and_says_when_to_ask_again(self):
        self.daemon.kill()
        self.daemon.wait()
        status, headers, problem = self.create("d4")
        self.assertEqual((status, problem["code"], headers["Retry-After"]), (503, "unreachable", "1"))

    def test_it_stops_when_it_is_told_to(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(WAIT), 0)


class Client(Scene):
    def test_its_types_are_those_of_the_operations(self):
        done = subprocess.run(["node_modules/.bin/tsc", "-p", "."], cwd=GATEWAY, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_commands_are_taken_once_and_records_followed_while_the_daemon_is_killed(self):
        process = self.run_script("""
            import { FsmdClient } from "fsmd-client";
            const fsmd = new FsmdClient({ url: process.env.FSM_URL, token: process.env.TOKEN, timeout: 2000, retries: 50 });
            const stop = new AbortController();
            const seen = [];
            const following = (async () => {
              for await (const record of fsmd.follow({ after: 0, signal: stop.signal })) seen.push([record.seq, record.kind]);
            })();
            console.log("ready");
            for (let n = 0; n < 200; n++)
              await fsmd.start({ machine: "document-approval", id: `f${n}`, input: { id: `f${n}`, title: "t", amount: n, department: "IT", submitter: "ana" } });
            const rows = [];
            for await (const row of fsmd.instances({ machine: "document-approval", limit: 7 })) rows.push(row.id);
            const all = [];
            for await (const record of fsmd.records({ limit: 50 })) all.push([record.seq, record.kind]);
            while (seen.length < all.length) await new Promise((go) => setTimeout(go, 10));
            stop.abort();
            await following;
            console.log(JSON.stringify({ rows: new Set(rows).size, count: rows.length, same: JSON.stringify(seen) === JSON.stringify(all), created: all.filter(([, kind]) => kind === "created").length }));
            fsmd.close();
        """)
        self.assertEqual(process.stdout.readline(), "ready\n")
        for _ in range(3):
            time.sleep(0.15)
            self.daemon.kill()
            self.daemon.wait()
            self.start_daemon()
        said = process.stdout.read()
        self.assertEqual(process.wait(WAIT), 0, said)
        self.assertEqual(json.loads(said), {"rows": 200, "count": 200, "same": True, "created": 200})

    def test_refusals_are_errors_that_say_what_and_where(self):
        process = self.run_script("""
            import { FsmdClient } from "fsmd-client";
            const fsmd = new FsmdClient({ url: process.env.FSM_URL, token: process.env.TOKEN, retries: 0 });
            const told = async (asked) => { try { return await asked; } catch (e) { return [e.name, e.status, e.code]; } };
            const out = [
              await told(fsmd.get("none")),
              await told(fsmd.send("none", "SUBMIT")),
              await told(new FsmdClient({ url: process.env.FSM_URL, token: "x", retries: 0 }).get("none")),
              await told(new FsmdClient({ url: "http://127.0.0.1:1", retries: 0 }).health()),
            ];
            console.log(JSON.stringify(out));
            process.exit(0);
        """)
        said = process.stdout.read()
        self.assertEqual(json.loads(said), [["FsmdError", 404, "unknown_instance"], ["FsmdError", 404, "unknown_instance"],
                                            ["FsmdError", 401, "bad_token"], ["FsmdError", 0, "unreachable"]])  # fmt: skip


if __name__ == "__main__":
    if not os.access(FSMD, os.X_OK):
        skip("not built")
    GATEWAY = install()
    unittest.main()
