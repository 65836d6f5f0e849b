"""cli_scene.py: fsm-cli and fsmd as processes, a server that lies, and what the tests of fsm-cli stand on."""
import contextlib
import fcntl
import http.server
import json
import os
import pty
import re
import shutil
import signal
import socketserver
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

BUILD = os.environ.get("FSM_BUILD_DIR", "")
FSMD, CLI = os.path.join(BUILD, "fsmd"), os.path.join(BUILD, "fsm-cli")
PATIENCE_S = 60
FOOTER = re.compile(r"^\d+ [a-z]+ · \d+ ms( · as of seq \d+)?\n$")
DOOR = {
    "id": "door",
    "description": "A door that opens once",
    "@exprLang": "cel",
    "schemas": {
        "events": {
            "NOTE": {
                "type": "object",
                "required": ["text"],
                "additionalProperties": False,
                "properties": {"text": {"type": "string"}, "by": {"type": "string"}},
            }
        }
    },
    "guards": {"fresh": {"@expr": "context.opened < 1"}},
    "context": {"opened": 0, "note": None},
    "initial": "closed",
    "states": {
        "closed": {
            "on": {
                "OPEN": {"target": "open", "guard": "fresh", "context": {"opened": {"@expr": "context.opened + 1"}}},
                "NOTE": {"context": {"note": {"@expr": "event.text"}}},
                "LEAVE": {"target": "gone"},
            }
        },
        "open": {"on": {"CLOSE": {"target": "closed"}}},
        "gone": {"type": "final"},
    },
}
WAITER = {
    "id": "waiter",
    "@exprLang": "cel",
    "initial": "asking",
    "states": {
        "asking": {"invoke": {"id": "review", "src": "submitForReview", "onDone": "sleeping", "onError": "sleeping"}, "on": {"SKIP": "sleeping"}},
        "sleeping": {"after": {"10800000": "done"}},
        "done": {"type": "final"},
    },
}
HOSTILE = "evil\x1b]0;pwned\x07\x1b[31m\u202e\u009b2J"


def environment():
    env = {k: v for k, v in os.environ.items() if not k.startswith("FSM_")}
    env.update(TERM="xterm", PAGER="cat", ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", ""))
    return env


def run(*args, input=None, env=None):
    done = subprocess.run(
        [CLI, *args], input=input, capture_output=True, timeout=PATIENCE_S, env={**environment(), **(env or {})}
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def run_in_terminal(columns, *args):
    """Output as a terminal of that width gets it."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([CLI, *args], stdin=side, stdout=side, stderr=side, env=environment())
    os.close(side)
    data = b""
    with contextlib.suppress(OSError):
        while chunk := os.read(main, 65536):
            data += chunk
    os.close(main)
    return child.wait(PATIENCE_S), data.decode().replace("\r\n", "\n")


class Daemon:
    def __init__(self, directory, *args):
        self.directory, self.args, self.process = directory, args, None
        self.start()

    def start(self):
        self.log = open(self.directory + ".log", "ab")
        self.process = subprocess.Popen(
            [FSMD, "--data", self.directory, *self.args], stderr=self.log, stdout=self.log, env=environment()
        )
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.answers():
                return
            time.sleep(0.02)
        with open(self.directory + ".log") as log:
            raise RuntimeError("fsmd did not start:\n" + log.read())

    def answers(self):
        path = next((self.args[i + 1] for i, a in enumerate(self.args) if a == "--socket"), None)
        return run("--socket", path or self.directory + "/fsmd.sock", "stats")[0] == 0

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(PATIENCE_S)
        self.log.close()


class Liar(http.server.BaseHTTPRequestHandler):
    """Answers of a server that is no fsmd, or a hostile one."""

    protocol_version = "HTTP/1.1"
    answers = {}
    seen = []

    def log_message(self, *args):
        pass

    def address_string(self):
        return "-"

    def do_GET(self):
        Liar.seen.append(self.path)
        answer = next((v for k, v in Liar.answers.items() if self.path.startswith(k)), None)
        if callable(answer):
            answer = answer(self.path)
        status, body = answer or (404, b"nothing here")
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_POST = do_GET


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextlib.contextmanager
def lying(answers):
    directory = tempfile.mkdtemp(prefix="fsm-cli-")
    Liar.answers, Liar.seen = answers, []
    server = Server(directory + "/s", Liar)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield directory + "/s"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        shutil.rmtree(directory)


class Case(unittest.TestCase):
    maxDiff = None

    def expect(self, code, *args, **kwargs):
        got, out, err = run(*args, **kwargs)
        self.assertEqual(got, code, f"fsm-cli {' '.join(args)}\n{out}{err}")
        if code != 0 and "lint" not in args:
            self.assertEqual(out, "", "data on stdout of a failed command")
        return out, err

    def ok(self, *args, **kwargs):
        out, err = self.expect(0, *args, **kwargs)
        self.assertEqual(FOOTER.sub("", err), "", "stderr of a command that went well")
        return out

    def json(self, *args, **kwargs):
        return json.loads(self.ok(*args, "-o", "json", **kwargs))


class WithDaemon(Case):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="fsm-cli-")
        cls.addClassCleanup(shutil.rmtree, cls.scratch)
        cls.key = os.path.join(cls.scratch, "key")
        with open(os.open(cls.key, os.O_CREAT | os.O_WRONLY, 0o600), "w") as f:
            f.write("k" * 48)
        cls.definition = os.path.join(cls.scratch, "door.json")
        with open(cls.definition, "w") as f:
            json.dump(DOOR, f)
        cls.data = os.path.join(cls.scratch, "data")
        port_file = os.path.join(cls.scratch, "port")
        cls.daemon = Daemon(
            cls.data, "--listen", "127.0.0.1:0", "--port-file", port_file, "--jwt-key", cls.key, "--segment-bytes", "2097152"
        )
        with open(port_file) as f:
            cls.url = "http://127.0.0.1:" + f.read().strip()
        code, _, err = run("--data", cls.data, "def", "deploy", cls.definition)
        assert code == 0, err

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def here(self, *args):
        return ("--data", self.data, *args)

    def start(self, name, *args):
        return self.json(*self.here("start", "door", "--id", name, *args))


def built_or_skip():
    if not (os.access(FSMD, os.X_OK) and os.access(CLI, os.X_OK)):
        print("fsmd or fsm-cli is not built; FSM_BUILD_DIR=" + BUILD)
        sys.exit(77)
