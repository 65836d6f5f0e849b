"""http_daemon.py: a real fsmd and who asks it over HTTP: what the tests of the service stand on."""
import base64
import hmac
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from free_port import free_port

FSMD = os.path.join(os.environ.get("FSM_BUILD_DIR", "build/dev"), "fsmd")
KEY = b"0123456789abcdef0123456789abcdef"
WAIT = 60  # seconds: never reached when all is well

DEFINITION = {
    "id": "doc",
    "initial": "draft",
    "context": {"retries": 0},
    "schemas": {
        "events": {
            "REJECT": {
                "type": "object",
                "properties": {"reason": {"type": "string", "minLength": 1}},
                "required": ["reason"],
                "additionalProperties": False,
            }
        }
    },
    "states": {
        "draft": {"on": {"SUBMIT": "review"}},
        "review": {
            "on": {
                "APPROVE": "approved",
                "REJECT": "rejected",
                "RETRY": {
                    "target": "draft",
                    "guard": {"@expr": "context.retries < 1"},
                    "context": {"retries": {"@expr": "context.retries + 1"}},
                },
            }
        },
        "approved": {"type": "final"},
        "rejected": {"type": "final"},
    },
}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(claims=None, header=None, key=KEY, digest="sha256", sign=True, **more):
    claims = {"sub": "ann", "jti": "s-1", "exp": int(time.time()) + 600, **(claims or {}), **more}
    claims = {k: v for k, v in claims.items() if v is not None}
    text = b64(json.dumps(header or {"alg": "HS256", "typ": "JWT"}).encode()) + "." + b64(json.dumps(claims).encode())
    return text + "." + (b64(hmac.new(key, text.encode(), digest).digest()) if sign else "")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body
        plain = headers.get("Content-Type", "").startswith("text/plain")
        self.json = json.loads(body) if body and not plain else None

    def __repr__(self):
        return "%d %s" % (self.status, self.text.decode("utf-8", "replace"))


def metrics(answer):
    """The text format 0.0.4 of Prometheus, strictly: each family begun once with HELP and TYPE, its lines
    behind them, no line twice."""
    assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer
    figures, families, family = {}, set(), None
    text = answer.text.decode()
    assert text.endswith("\n")
    lines = iter(text[:-1].split("\n"))
    for line in lines:
        begin = re.fullmatch(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) [^\n]+", line)
        if begin:
            family = begin[1]
            assert family not in families, line
            families.add(family)
            kind = re.fullmatch(rf"# TYPE {family} (gauge|counter|histogram)", next(lines))
            assert kind and (kind[1] == "counter") == family.endswith("_total"), line
            continue
        value = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? (\S+)', line)
        parts = ("_bucket", "_sum", "_count") if kind[1] == "histogram" else ("",)
        assert value and value[1] in [family + part for part in parts], line
        assert value[1] + (value[2] or "") not in figures, line
        figures[value[1] + (value[2] or "")] = float(value[3])
    return figures


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=WAIT)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(WAIT)
        self.sock.connect(self.path)


def write_key(path, data=KEY, mode=0o600):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)
    return path


class Daemon:
    """One fsmd on a scratch directory; restartable."""

    def __init__(self, *options, key=True):
        self.dir = tempfile.mkdtemp(prefix="fsm-http-")
        self.data = os.path.join(self.dir, "data")
        self.log = os.path.join(self.dir, "log")
        self.options = list(options)
        if key:
            self.options += ["--jwt-key", write_key(os.path.join(self.dir, "key"))]
        self.process = None
        self.start()

    def start(self):
        port_file = os.path.join(self.dir, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [FSMD, "--data", self.data, "--listen", "127.0.0.1:0", "--port-file", port_file] + self.options,
                stderr=log,
            )
        end = time.time() + WAIT
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.time() > end:
                raise AssertionError("fsmd did not start: " + self.logged())
            time.sleep(0.01)
        with open(port_file) as f:
            self.port = int(f.read())

    def logged(self):
        with open(self.log, "rb") as f:
            return f.read().decode("utf-8", "replace")

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(WAIT)

    def remove(self):
        """It ends well: with AddressSanitizer what it leaked is told at its end, and its exit code is not 0."""
        code = self.stop() if self.process.poll() is None else 0
        logged = self.logged() if code else ""
        shutil.rmtree(self.dir)
        assert code == 0, "exit %d: %s" % (code, logged[-4000:])

    def journal(self):
        """All bytes of its segments."""
        whole = b""
        for at, _, names in os.walk(os.path.join(self.data, "journal")):
            for name in names:
                with open(os.path.join(at, name), "rb") as segment:
                    whole += segment.read()
        return whole

    def request(self, method, path, body=None, headers=None, auth=None, local=False, raw=None):
        connection = (
            UnixConnection(os.path.join(self.data, "fsmd.sock"))
            if local
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        )
        fields = {}
        if auth is None and not local:
            # Deploying is for admins.
            auth = token(aud="fsmd-admin") if (method, path) == ("POST", "/v1/machines") else token()
        if auth:
            fields["Authorization"] = "Bearer " + auth
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        fields = {k: v for k, v in fields.items() if v is not None}
        try:
            connection.request(method, path, body=data, headers=fields)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def raw(self, data):
        """Bytes as they are; everything that comes back until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=WAIT) as s:
            s.sendall(data)
            out = b""
            while True:
                got = s.recv(65536)
                if not got:
                    return out
                out += got


def await_(what, condition):
    end = time.monotonic() + WAIT
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(what + " never came")
        time.sleep(0.01)


class NatsServer:
    """A private one on a free port; can be ended and started again."""

    program = os.environ.get("FSM_NATS_SERVER") or "nats-server"

    @classmethod
    def there(cls):
        return shutil.which(cls.program) is not None

    def __init__(self, directory):
        self.port = free_port()
        self.url = "nats://127.0.0.1:%d" % self.port
        self.dir = os.path.join(directory, "nats")
        self.process = None

    def start(self):
        command = [self.program, "-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self.dir]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


def ref(text):
    return urllib.parse.quote(text, safe="")


class Case(unittest.TestCase):
    options = ()

    @classmethod
    def setUpClass(cls):
        cls.d = Daemon(*cls.options)
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        code = cls.d.stop()
        logged = cls.d.logged()
        cls.d.remove()
        assert code == 0, "exit %d: %s" % (code, logged)

    def deployed(self):
        answer = self.d.request("POST", "/v1/machines", DEFINITION)
        self.assertIn(answer.status, (200, 201), answer)
        return answer

    def started(self, *events, key=None):
        type(self).count += 1
        self.deployed()
        body = {"machine": "doc", "id": "%s-%d" % (type(self).__name__, self.count)}
        if key:
            body["key"] = key
        answer = self.d.request("POST", "/v1/instances", body)
        self.assertEqual(answer.status, 201, answer)
        for event in events:
            self.assertEqual(self.send(body["id"], event).status, 200)
        return body["id"]

    def send(self, instance, event, data=None, **more):
        body = {"event": event}
        if data is not None:
            body["data"] = data
        return self.d.request("POST", "/v1/instances/%s/events" % ref(instance), body, **more)

    def state(self, instance):
        answer = self.d.request("GET", "/v1/instances/" + ref(instance))
        self.assertEqual(answer.status, 200, answer)
        return answer.json["rev"], answer.json["status"], answer.json.get("state")

    def problem(self, answer, status, code, where=None):
        self.assertEqual((answer.status, answer.json.get("code")), (status, code), answer)
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        self.assertEqual(answer.json["type"], "urn:fsmd:error:" + code)
        self.assertEqual(answer.json["status"], status)
        self.assertTrue(answer.json["title"] and answer.json["detail"])
        self.assertEqual(answer.json["correlation"], answer.headers["X-Correlation-ID"])
        if where is not None:
            self.assertEqual(answer.json.get("where"), where, answer)


class Alone(unittest.TestCase):
    """Each test has daemons of its own, and a directory."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="fsm-http-")
        self.addCleanup(shutil.rmtree, self.dir)

    def run_fsmd(self, *options):
        done = subprocess.run([FSMD] + list(options), capture_output=True, timeout=WAIT)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def refused(self, code, text, *options):
        got, out, err = self.run_fsmd(*options)
        self.assertEqual(got, code, err)
        self.assertIn(text, err)
