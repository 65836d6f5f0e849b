#!/usr/bin/env python3
"""fsm-cli against a real fsmd, against the files of a stopped one, and against a server that lies.

Every command's happy path, every fault with its exit code. Exit 77: the programs are not built.
"""
import contextlib
import fcntl
import http.server
import json
import os
import pty
import re
import shutil
import signal
import socket
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


class Commands(WithDaemon):
    """The happy path of each, and each refusal, through the socket of a running daemon."""

    def start(self, name, *args):
        return self.json(*self.here("start", "door", "--id", name, *args))

    def test_a_definition_is_deployed_once_and_listed(self):
        again = self.json(*self.here("def", "deploy", self.definition))
        self.assertEqual((again["machine"], again["version"], again["created"]), ("door", 1, False))
        (row,) = self.json(*self.here("def", "ls"))["items"]
        self.assertEqual((row["id"], row["states"], row["hash"]), ("door", 3, again["hash"]))
        table = self.ok(*self.here("def", "ls")).splitlines()
        self.assertEqual(table[0].split(), ["ID", "VERSION", "LIVE", "STATES", "DEPLOYED", "HASH", "DESCRIPTION"])
        self.assertIn("A door that opens once", table[1])

    def test_lint_says_where_or_gives_the_hash(self):
        out = self.ok("def", "lint", self.definition)
        hash_ = self.json(*self.here("def", "ls"))["items"][0]["hash"]
        self.assertRegex(out, f"^{self.definition}: ok: door, 3 states, {hash_}(, 11 notes \\(--severity note shows them\\))\n$")
        broken = os.path.join(self.scratch, "broken.json")
        with open(broken, "w") as f:
            json.dump({**DOOR, "initial": "nowhere"}, f)
        out, err = self.expect(1, "def", "lint", self.definition, broken)
        self.assertTrue(out.splitlines()[1].startswith(f"{broken}: /initial"), out)
        self.assertEqual(err, "")
        out, _ = self.expect(1, "def", "lint", "-o", "json", broken)
        (finding,) = json.loads(out)["items"]
        self.assertEqual((finding["ok"], finding["code"]), (False, "invalid_definition"))
        self.expect(1, "def", "lint", "-", input=b"{")
        _, err = self.expect(1, *self.here("def", "deploy", broken))
        self.assertIn(f"{broken}: /initial", err)

    def test_convert_goes_there_and_back(self):
        scxml = self.ok("def", "convert", self.definition)
        self.assertIn('<scxml xmlns="http://www.w3.org/2005/07/scxml"', scxml)
        path = os.path.join(self.scratch, "door.scxml")
        with open(path, "w") as f:
            f.write(scxml)
        self.assertEqual(self.ok("def", "convert", "-o", "scxml", path), scxml)
        back = json.loads(self.ok("def", "convert", path))
        self.assertEqual(back["id"], "door")
        self.assertEqual(list(back["states"]), list(DOOR["states"]))
        self.assertIn("3 states", self.ok("def", "lint", path))
        _, err = self.expect(2, "def", "convert", "-o", "yaml", self.definition)
        self.assertIn("def convert -o takes json or scxml, not yaml", err)
        _, err = self.expect(1, "def", "convert", "-", input=b'<scxml xmlns="http://www.w3.org/2005/07/scxml"><stat/></scxml>')
        self.assertIn("<stat> is no element of SCXML", err)

    def test_start_takes_id_key_labels_and_input(self):
        got = self.start("s-1", "--key", "K-1", "-l", "a=b", "--label=c=d=e", "--input", "{}", "--corr", "c-1")
        self.assertEqual((got["instance"], got["to"], got["correlation"]), ("s-1", ["closed"], "c-1"))
        doc = self.json(*self.here("get", "door/key:K-1"))
        self.assertEqual((doc["id"], doc["labels"], doc["key"]), ("s-1", {"a": "b", "c": "d=e"}, "K-1"))
        made = self.json(*self.here("start", "door@1"))
        self.assertEqual(len(made["instance"]), 36)
        text = self.ok(*self.here("start", "door", "--id", "s-2"))
        self.assertEqual([line.split(":")[0] for line in text.splitlines()], ["instance", "state", "status", "rev", "seq", "correlation"])

    def test_start_is_refused_with_its_code(self):
        self.start("s-3", "--key", "K-3")
        self.expect(4, *self.here("start", "door", "--id", "s-3"))
        self.expect(4, *self.here("start", "door", "--key", "K-3"))
        _, err = self.expect(3, *self.here("start", "dor"))
        self.assertIn("see: fsm-cli def ls", err)
        self.expect(3, *self.here("start", "door@9"))
        for bad in (("door@x",), ("door", "--label", "novalue"), ("door", "-l", "a=1", "-l", "a=2"), ("door", "--input", "{"), ()):
            self.expect(2, *self.here("start", *bad))

    def test_a_refused_start_does_not_send_people_to_what_is_not_there(self):
        machine = {**DOOR, "id": "picky"}
        machine["schemas"] = {"input": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}, **DOOR["schemas"]}
        path = os.path.join(self.scratch, "picky.json")
        with open(path, "w") as f:
            json.dump(machine, f)
        self.ok(*self.here("def", "deploy", path))
        _, err = self.expect(4, *self.here("start", "picky", "--id", "never-1"))
        self.assertIn("(invalid_data)", err)
        self.assertNotIn("see:", err)
        self.assertNotIn("events", err)

    def test_a_file_that_cannot_be_read_is_two_with_its_path_and_why(self):
        self.start("unread-1")
        absent, folder = os.path.join(self.scratch, "absent.json"), self.scratch
        for path, why in ((absent, "No such file or directory"), (folder, "Is a directory")):
            for args in (
                ("--token-file", path, "ls"),
                ("send", "unread-1", "OPEN", "--data", "@" + path),
                ("start", "door", "--input", "@" + path),
                ("def", "deploy", path),
            ):
                _, err = self.expect(2, *self.here(*args))
                self.assertTrue(err.startswith(f"fsm-cli: {path}: cannot be "), err)
                self.assertIn(why, err.splitlines()[0])
                self.assertNotIn("data directory goes", err)
            out, _ = self.expect(2, "def", "lint", path)
            self.assertRegex(out, f"^{path}: cannot be .*{why}\n$")
            _, err = self.expect(2, "token", "mint", "--key", path, "--sub", "a")
            self.assertIn(path, err)
        self.assertIn("No such file", self.expect(2, "token", "mint", "--key", absent, "--sub", "a")[1])
        self.expect(1, "def", "lint", "/dev/null", absent)
        self.expect(2, "def", "lint", absent, "/dev/null")

    def test_a_bad_key_or_correlation_is_called_by_its_option(self):
        self.start("opt-1")
        for name in ("--idem", "--corr"):
            for value in ("", "x" * 129, "a\nb", "é", " a", "a "):
                _, err = self.expect(2, *self.here("send", "opt-1", "OPEN", name, value))
                self.assertIn(f"{name} takes 1 to 128 printable ASCII", err)
                self.expect(2, *self.here("start", "door", name, value))
            self.ok(*self.here("send", "opt-1", "NOTE", "--data", '{"text": "x"}', name, "x" * 128))
        _, err = self.expect(2, *self.here("def", "deploy", self.definition, "--corr", "a\nb"))
        self.assertIn("--corr takes", err)

    def test_a_reader_that_goes_away_is_no_fault(self):
        for i in range(3):
            self.start(f"pipe-{i}")
        for args in (("ls", "--all"), ("ls", "-o", "json"), ("get", "pipe-0"), ("--help",)):
            read, write = os.pipe()
            os.close(read)
            try:
                done = subprocess.run([CLI, *self.here(*args)], stdout=write, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE_S)
            finally:
                os.close(write)
            self.assertEqual((done.returncode, done.stderr), (-signal.SIGPIPE, b""), args)

    def test_send_by_id_prefix_and_key(self):
        self.start("send-by-0001", "--key", "K-9")
        got = self.json(*self.here("send", "send-by-0", "OPEN"))
        self.assertEqual((got["from"], got["to"]), (["closed"], ["open"]))
        text = self.ok(*self.here("send", "door/key:K-9", "CLOSE"))
        self.assertIn("state:        open → closed\n", text)
        text = self.ok(*self.here("send", "send-by-0001", "NOTE", "--data", '{"text": "hi"}'))
        self.assertIn("state:        closed\n", text)
        self.ok(*self.here("send", "send-by…", "NOTE", "--data", "-"), input=b'{"text": "from stdin"}')
        note = os.path.join(self.scratch, "note.json")
        with open(note, "w") as f:
            f.write('{"text": "from a file"}')
        self.ok(*self.here("send", "send-by-0001", "NOTE", "--data", "@" + note))
        self.assertEqual(self.json(*self.here("get", "send-by-0001"))["context"]["note"], "from a file")

    def test_a_false_guard_is_explained(self):
        self.start("guard-1")
        self.ok(*self.here("send", "guard-1", "OPEN"))
        self.ok(*self.here("send", "guard-1", "CLOSE"))
        _, err = self.expect(4, *self.here("send", "guard-1", "OPEN"))
        self.assertIn("(guard_false)", err)
        self.assertIn("guard: fresh: context.opened < 1\n", err)
        self.assertIn("saw:   context.opened = 1\n", err)
        self.assertIn("see: fsm-cli why guard-1\n", err)
        code, out, err = run(*self.here("send", "guard-1", "OPEN", "-o", "json"))
        problem = json.loads(err)
        self.assertEqual((code, out, problem["code"]), (4, "", "guard_false"))
        self.assertEqual(problem["refusal"]["candidates"][0]["guard_name"], "fresh")

    def test_every_other_refusal_has_its_exit_code(self):
        self.start("ref-1")
        for code, args, word in (
            (4, ("ref-1", "CLOSE"), "no_transition"),
            (4, ("ref-1", "JUMP"), "unknown_event"),
            (4, ("ref-1", "NOTE", "--data", '{"text": 1}'), "invalid_data"),
            (4, ("ref-1", "OPEN", "--expect-rev", "7"), "stale"),
            (3, ("absent", "OPEN"), "unknown_instance"),
            (3, ("door/key:absent", "OPEN"), "unknown_instance"),
            (3, ("nodoor/key:x", "OPEN"), "unknown_machine"),
        ):
            _, err = self.expect(code, *self.here("send", *args))
            self.assertIn(f"({word})", err)
        for args in (("ref-1",), ("ref-1", "OPEN", "x"), ("ref-1", "OPEN", "--data", "{"), ("ref-1", "OPEN", "--expect-rev", "x"), ("", "OPEN"), ("ref-1", "OPEN", "--corr", "a\nb")):
            self.expect(2, *self.here("send", *args))
        _, err = self.expect(2, *self.here("send", "ref-1", "OPEN", "--data", self.data))
        self.assertIn("before the command", err)
        self.start("ref-2")
        _, err = self.expect(3, *self.here("send", "ref-", "OPEN"))
        self.assertIn("(ambiguous)", err)
        self.ok(*self.here("send", "ref-2", "LEAVE"))
        _, err = self.expect(4, *self.here("send", "ref-2", "LEAVE"))
        self.assertIn("(completed)", err)
        self.assertIn("see: fsm-cli log ref-2", err)

    def test_a_key_makes_a_command_repeatable(self):
        self.start("idem-1")
        first = self.json(*self.here("send", "idem-1", "OPEN", "--idem", "k-1", "--expect-rev", "1"))
        again = self.ok(*self.here("send", "idem-1", "OPEN", "--idem", "k-1", "--expect-rev", "1"))
        self.assertIn(f"seq:          {first['seq']}\n", again)
        self.assertIn("replayed:     yes", again)
        _, err = self.expect(4, *self.here("send", "idem-1", "CLOSE", "--idem", "k-1"))
        self.assertIn("(duplicate)", err)

    def test_events_whose_guard_reads_what_is_sent_depend_on_it_and_who_asks_is_known(self):
        guards = {"GO": "actor.sub == 'x'", "DO": "actor.sub != 'x'", "PAY": "event.data.sum > 1", "NEVER": "1 > 2"}
        on = {name: {"target": "a", "guard": {"@expr": guard}} for name, guard in guards.items()}
        definition = {"id": "readers", "@exprLang": "cel", "initial": "a", "states": {"a": {"on": on}}}
        self.ok(*self.here("def", "deploy", "-"), input=json.dumps(definition).encode())
        self.ok(*self.here("start", "readers", "--id", "readers-1"))
        rows = dict(line.split()[:2] for line in self.ok(*self.here("events", "readers-1")).split("\n\n")[1].splitlines())
        self.assertEqual(rows, {"EVENT": "NOW", "GO": "no", "DO": "yes", "PAY": "depends", "NEVER": "no"})

    def test_a_log_says_how_many_leaves_where_their_names_have_no_room(self):
        leaves = {name: {"initial": "open", "states": {"open": {}}} for name in ("finance", "department", "director")}
        definition = {"id": "crowd", "initial": "calm", "states": {"calm": {"on": {"GO": "approvals"}},
                      "approvals": {"type": "parallel", "states": leaves}}}
        self.ok(*self.here("def", "deploy", "-"), input=json.dumps(definition).encode())
        self.ok(*self.here("start", "crowd", "--id", "crowd-1"))
        self.ok(*self.here("send", "crowd-1", "GO"))
        self.assertRegex(run_in_terminal(80, *self.here("log", "crowd-1"))[1], r"transition +→ approvals \(3\) +GO")

    def test_events_say_what_may_be_sent_and_why_not(self):
        self.start("ev-1")
        self.ok(*self.here("send", "ev-1", "OPEN"))
        self.ok(*self.here("send", "ev-1", "CLOSE"))
        rows = {e["event"]: e for e in self.json(*self.here("events", "ev-1"))["events"]}
        self.assertFalse(rows["OPEN"]["enabled"])
        self.assertEqual(rows["OPEN"]["seen"], {"context.opened": 1})
        lines = self.ok(*self.here("events", "ev-1")).splitlines()
        open_, note = (next(line for line in lines if line.startswith(name)) for name in ("OPEN", "NOTE"))
        self.assertRegex(open_, r"^OPEN +no .*context\.opened < 1 +context\.opened = 1$")
        self.assertRegex(note, r"^NOTE +yes .*text string, by\? string")
        self.ok(*self.here("send", "ev-1", "LEAVE"))
        self.assertIn("nothing can be sent", self.ok(*self.here("events", "ev-1")))
        self.expect(3, *self.here("events", "absent"))

    def test_what_it_waits_for_is_told_when_nobody_can_move_it(self):
        machine = json.loads(json.dumps(WAITER))
        del machine["states"]["asking"]["on"]
        path = os.path.join(self.scratch, "waiter.json")
        with open(path, "w") as f:
            json.dump(machine, f)
        self.ok(*self.here("def", "deploy", path))
        self.json(*self.here("start", "waiter", "--id", "wait-1"))
        out = self.ok(*self.here("events", "wait-1"))
        self.assertIn("nothing can be sent to it now\n", out)
        self.assertRegex(out, r"\nit waits for the task review \(service submitForReview\): nobody serves it, for \S+\n$")
        self.assertNotIn("waits", self.ok(*self.here("events", "wait-1", "-o", "json")))
        text = self.ok(*self.here("get", "wait-1"))
        self.assertRegex(text, r"\ntasks:\n  review\n    service:  submitForReview\n    state:    nobody serves it, for \S+\n    attempts: 0 of 1 begun\n    token:    [0-9a-f]{32}\n$")
        self.start("wait-2")
        self.ok(*self.here("send", "wait-2", "LEAVE"))
        self.assertIn("it has ended: completed\n", self.ok(*self.here("events", "wait-2")))

    def test_a_timer_says_when_it_is_due(self):
        path = os.path.join(self.scratch, "sleeper.json")
        with open(path, "w") as f:
            json.dump({**WAITER, "id": "sleeper", "initial": "sleeping"}, f)
        self.ok(*self.here("def", "deploy", path))
        self.json(*self.here("start", "sleeper", "--id", "sleep-1"))
        self.assertRegex(self.ok(*self.here("events", "sleep-1")), r"it waits for the timer \S+: due in (3h|2h59m\S*) \(\d{4}-\S+Z\)\n$")
        self.assertRegex(self.ok(*self.here("get", "sleep-1")), r"timers:\n  \S+\n    state:    due in (3h|2h59m\S*)\n    at:       \d{4}-\S+Z\n$")

    def test_health_says_how_far_it_is(self):
        self.start("health-1")
        doc = self.json(*self.here("health"))
        self.assertEqual((doc["status"], doc["sinks"]), ("ok", []))
        out = self.ok(*self.here("health"))
        self.assertRegex(out, r"^status:       ok\nseq:          \d+\napplied:      \d+\nlag:          \d+\nincidents:    0\n")
        self.assertRegex(out, r"\nmap:          [\d.]+ [GT]iB\n")
        self.assertIn("sinks:        none", out)

    def test_get_shows_the_instance(self):
        self.start("get-1", "-l", "dept=sales")
        doc = self.json(*self.here("get", "get-1"))
        self.assertEqual((doc["state"], doc["status"], doc["rev"]), (["closed"], "running", 1))
        text = self.ok(*self.here("get", "get-1"))
        self.assertRegex(text, r"(?m)^state: +closed for \S+, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertIn("\nlabels:\n  dept: sales\n", text)
        self.assertIn("\ncontext:\n  note: null\n  opened: 0\n", text)
        self.expect(3, *self.here("get", "absent"))

    def test_of_several_leaves_a_change_tells_those_that_moved(self):
        leaves = {name: {"initial": "off", "states": {"off": {"on": {name.upper(): "lit"}}, "lit": {"on": {"OFF": "off"}}}}
                  for name in ("kitchen", "cellar", "garden")}
        definition = json.dumps({"id": "lamps", "initial": "house", "states": {"house": {"type": "parallel", "states": leaves}}})
        self.ok(*self.here("def", "deploy", "-"), input=definition.encode())
        self.ok(*self.here("start", "lamps", "--id", "lamps-1"))
        text = self.ok(*self.here("send", "lamps-1", "CELLAR"))
        self.assertIn("state:        house.cellar.off → house.cellar.lit\n"
                      "still in:     house.kitchen.off, house.garden.off\n", text)
        self.expect(4, *self.here("send", "lamps-1", "CELLAR"))
        self.ok(*self.here("send", "lamps-1", "GARDEN"))
        text = self.ok(*self.here("send", "lamps-1", "OFF"))
        self.assertIn("state:        house.cellar.lit, house.garden.lit → house.cellar.off, house.garden.off\n", text)
        self.assertRegex(self.ok(*self.here("log", "lamps-1")), r"transition +house.garden.off → house.garden.lit +GARDEN")
        code, out = run_in_terminal(80, *self.here("log", "lamps-1"))
        self.assertEqual(code, 0)
        self.assertTrue(all(len(line) <= 80 for line in out.splitlines()), out)
        self.assertRegex(out, r"transition +→ cellar.lit +CELLAR")
        self.assertRegex(out, r"rejected +unchanged +CELLAR")
        self.assertRegex(out, r"transition +→ house \(2\) +OFF")
        self.assertRegex(out, r"created +house \(3\)  ")
        code, out = run_in_terminal(60, *self.here("events", "lamps-1"))
        self.assertIn("state:        house.kitchen.off, house.cellar.off,\n              house.garden.off\n", out)
        code, out = run_in_terminal(60, *self.here("send", "lamps-1", "KITCHEN"))
        self.assertIn("still in:     house.cellar.off, house.garden.off\n", out)
        code, out = run_in_terminal(60, *self.here("start", "lamps"))
        self.assertIn("state:        house.kitchen.off, house.cellar.off,\n              house.garden.off\n", out)

    def test_log_tells_the_story_with_its_refusals(self):
        self.start("log-1", "--corr", "c-log")
        self.ok(*self.here("send", "log-1", "OPEN", "--corr", "c-2"))
        self.expect(4, *self.here("send", "log-1", "OPEN"))
        items = self.json(*self.here("log", "log-1"))["items"]
        self.assertEqual([i["kind"] for i in items], ["created", "transition", "rejected"])
        lines = self.ok(*self.here("log", "log-1")).splitlines()
        self.assertEqual(lines[0].split(), ["TIME", "SEQ", "KIND", "FROM", "→", "TO", "TRIGGER", "USER", "CORRELATION", "REASON"])
        self.assertRegex(lines[1], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\d+  created +closed .* c-log$")
        self.assertRegex(lines[2], r"transition +closed → open +OPEN .* c-2$")
        self.assertRegex(lines[3], r"rejected .*OPEN .* no_transition$")
        code, out, err = run(*self.here("log", "log-1", "--limit", "1"))
        self.assertEqual((code, len(out.splitlines())), (0, 2))
        self.assertRegex(err, r"^1 record · .* · there are more: --limit N or --all\n$")
        full = self.ok(*self.here("log", "log-1", "--full"))
        self.assertEqual(full.count("\nkind:  "), 3)
        self.assertIn('\nctx:          {"opened":[0,1]}\n', full)
        self.expect(3, *self.here("log", "absent"))
        self.expect(2, *self.here("log", "log-1", "--limit", "0"))

    def test_lists_filter_and_page(self):
        for i in range(7):
            self.start(f"page-{i}", "--key", f"P-{i}")
        self.ok(*self.here("send", "page-3", "OPEN"))
        self.ok(*self.here("send", "page-4", "LEAVE"))
        names = lambda *args: {i["id"] for i in self.json(*self.here("ls", *args))["items"] if i["id"].startswith("page-")}
        every = {f"page-{i}" for i in range(7)}
        self.assertEqual(names("--all"), every)
        self.assertEqual(names("-m", "door", "-s", "open", "--all"), {"page-3"})
        self.assertEqual(names("--done", "--all"), {"page-4"})
        self.assertEqual(names("--open", "--all"), every - {"page-4"})
        self.assertEqual(names("--status", "completed", "--all"), {"page-4"})
        self.assertEqual(names("-k", "P-5"), {"page-5"})
        self.assertEqual(names("--for", "9d", "--all"), set())
        code, out, err = run(*self.here("ls", "--limit", "2"))
        self.assertEqual((code, len(out.splitlines())), (0, 3))
        self.assertRegex(err, r"^2 instances · \d+ ms · as of seq \d+ · there are more: --limit N or --all\n$")
        self.assertEqual(len(json.loads(run(*self.here("ls", "--limit", "3", "-o", "json"))[1])["items"]), 3)
        row = next(line for line in self.ok(*self.here("ls", "--all")).splitlines() if line.startswith("page-3"))
        self.assertEqual(row.split()[:5], ["page-3", "P-3", "door@1", "open", "running"])
        self.expect(2, *self.here("ls", "--open", "--done"))
        self.expect(2, *self.here("ls", "--for", "ten"))
        self.expect(2, *self.here("ls", "--all", "--limit", "2"))

    def test_stuck_lists_the_longest_first(self):
        self.start("stuck-1")
        self.start("stuck-2")
        self.start("stuck-3")
        self.ok(*self.here("send", "stuck-1", "OPEN"))
        self.ok(*self.here("send", "stuck-3", "LEAVE"))
        items = self.json(*self.here("stuck", "--for", "1ms", "-m", "door", "--all"))["items"]
        ids = [i["id"] for i in items]
        self.assertLess(ids.index("stuck-2"), ids.index("stuck-1"))
        self.assertNotIn("stuck-3", ids)
        self.assertEqual(items, sorted(items, key=lambda i: -int(i["for_ns"])))
        only = self.json(*self.here("stuck", "--for", "1ms", "-s", "open", "--all"))["items"]
        self.assertEqual({i["state"] if isinstance(i["state"], str) else i["state"][0] for i in only}, {"open"})
        self.assertNotIn("stuck", self.ok(*self.here("stuck", "--for", "10m")))
        self.assertNotIn("stuck-", self.ok(*self.here("stuck")))  # nothing is wrong with them

    def test_stats_count_by_state(self):
        self.start("stats-1")
        rows = {i["state"]: i["standing"]["count"] for i in self.json(*self.here("stats", "-m", "door"))["states"]}
        listed = [i for i in self.json(*self.here("ls", "--all", "-s", "closed"))["items"]]
        self.assertEqual(rows["closed"], len(listed))
        self.assertIn("MACHINE  STATE", self.ok(*self.here("stats")))

    def test_verify_says_what_it_read(self):
        self.start("verify-1")
        got = self.json(*self.here("audit", "verify"))
        self.assertEqual(len(got["head"]), 64)
        self.assertGreaterEqual(got["records"], 2)
        self.assertTrue(self.ok(*self.here("audit", "verify")).startswith("verified:     ok\nrecords:"))

    def test_hostile_values_never_reach_the_terminal(self):
        self.start("evil-1")
        self.ok(*self.here("send", "evil-1", "NOTE", "--data", json.dumps({"text": HOSTILE})))
        self.assertEqual(self.json(*self.here("get", "evil-1"))["context"]["note"], HOSTILE)
        for args in (("get", "evil-1"), ("log", "evil-1", "--full"), ("get", "evil-1", "-o", "json"), ("log", "evil-1", "-o", "json")):
            for _, out in (run(*self.here(*args))[:2], run_in_terminal(80, *self.here(*args))):
                self.assertIn("evil", out)
                self.assertNotIn("\x1b]", out)
                self.assertNotIn("\x1b[31m", out)
                self.assertFalse(set(out) & {"\x07", "\u202e", "\u009b"})

    def test_a_table_fits_the_terminal_and_is_whole_in_a_pipe(self):
        name = "wide-" + "x" * 60
        self.start(name, "--key", "W-" + "y" * 40)
        self.assertIn(name, self.ok(*self.here("ls", "--all")))
        for columns in (80, 66, 132):
            for args in (("ls",), ("log", "wide-"), ("events", "wide-"), ("def", "ls"), ("stats",), ("stuck", "--for", "1ms")):
                code, out = run_in_terminal(columns, *self.here(*args))
                self.assertEqual(code, 0, out)
                table = out[out.index("\x1b[1m") :].replace("\x1b[1m", "").replace("\x1b[0m", "")
                for line in table.splitlines():
                    if not line.startswith("fsm-cli: "):
                        self.assertLessEqual(len(line), columns, out)
        _, out = run_in_terminal(80, *self.here("ls"))
        self.assertIn("\x1b[1mID", out)
        _, out = run_in_terminal(80, *self.here("ls", "--no-color"))
        self.assertNotIn("\x1b", out)

    def test_a_token_names_the_user(self):
        self.start("tok-1")
        over_tcp = ("--url", self.url)
        _, err = self.expect(5, *over_tcp, "get", "tok-1")
        self.assertIn("fsm-cli token mint", err)
        token = self.ok("token", "mint", "--key", self.key, "--sub", "alice", "--jti", "session-7", "--ttl", "5m", "--role", "approver", "--role", "clerk").strip()
        path = os.path.join(self.scratch, "token")
        with open(path, "w") as f:
            f.write(token + "\n")
        self.ok(*over_tcp, "--token-file", path, "send", "tok-1", "OPEN")
        self.ok(*over_tcp, "send", "tok-1", "CLOSE", env={"FSM_TOKEN": token})
        for record in self.json(*over_tcp, "--token-file", path, "log", "tok-1")["items"][1:]:
            self.assertEqual((record["act"]["sub"], record["act"]["sid"]), ("alice", "session-7"))
        self.expect(5, *over_tcp, "ls", env={"FSM_TOKEN": token[:-3] + "xyz"})
        self.assertEqual(json.loads(self.ok("token", "mint", "--key", self.key, "--sub", "a", "-o", "json")).keys(), {"token"})
        self.expect(2, *over_tcp, "--token-file", "/dev/null", "ls")

    def test_a_key_that_others_can_read_mints_nothing(self):
        loose = os.path.join(self.scratch, "loose")
        with open(loose, "w") as f:
            f.write("k" * 48)
        os.chmod(loose, 0o644)
        self.expect(2, "token", "mint", "--key", loose, "--sub", "alice")
        self.expect(2, "token", "mint", "--key", os.path.join(self.scratch, "absent"), "--sub", "alice")
        self.expect(2, "token", "mint", "--key", self.key)
        self.expect(2, "token", "mint", "--key", self.key, "--sub", "alice", "--ttl", "soon")
        self.expect(2, "token", "mint", "--key", self.key, "--sub", "alice", "--ttl", "0s")

    def test_every_way_to_the_daemon_gives_the_same(self):
        self.start("way-1")
        ways = [("--data", self.data), ("--socket", self.data + "/fsmd.sock")]
        got = [self.ok(*way, "log", "way-1", "-o", "json") for way in ways]
        got.append(self.ok("log", "way-1", "-o", "json", env={"FSM_DATA": self.data}))
        got.append(self.ok("log", "way-1", "-o", "json", "--data", self.data))
        self.assertEqual(len(set(got)), 1)
        self.expect(2, "--data", self.data, "--url", self.url, "ls")


class Tls(unittest.TestCase):
    def test_a_daemon_with_tls_is_asked_when_it_is_known_who_signs_it(self):
        with tempfile.TemporaryDirectory(prefix="fsm-cli-") as scratch:
            ca, key, ports = (os.path.join(scratch, name) for name in ("ca.pem", "tls.key", "port"))
            subprocess.run(("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", ca,
                            "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"), check=True, capture_output=True)
            os.chmod(key, 0o600)
            daemon = Daemon(os.path.join(scratch, "data"), "--listen", "127.0.0.1:0", "--port-file", ports, "--auth", "none", "--tls-cert", ca, "--tls-key", key)
            try:
                self.asks("127.0.0.1:" + open(ports).read().strip(), ca)
            finally:
                daemon.stop()

    def asks(self, address, ca):
        https = ("--url", "https://" + address)
        self.assertEqual(run(*https, "--ca-file", ca, "ls")[0], 0)
        self.assertEqual(run(*https, "ls", env={"FSM_CA_FILE": ca})[0], 0)
        code, _, err = run(*https, "ls")
        self.assertEqual(code, 5)
        self.assertIn("--ca-file FILE", err)
        code, _, err = run("--url", "http://" + address, "ls")
        self.assertEqual(code, 9)
        self.assertIn("https://", err)
        self.assertEqual(run("--url", "http://" + address, "--ca-file", ca, "ls")[0], 2)
        self.assertEqual(run(*https, "--ca-file", ca + ".none", "ls")[0], 2)


class Routes(Case):
    def test_a_route_is_tried_set_changed_and_removed_and_all_of_it_is_told_from_the_files(self):
        with tempfile.TemporaryDirectory(prefix="fsm-cli-") as scratch:
            data = os.path.join(scratch, "data")
            daemon = Daemon(data, "--no-listen", "--nats", "nats://127.0.0.1:1")
            try:
                self.changes(("--data", data), scratch)
            finally:
                daemon.stop()
            listed = self.json("--data", data, "route", "ls", "claims")  # on stopped files
            self.assertEqual([(r["version"], r["reason"]) for r in listed["items"]],
                             [(3, "gone"), (2, "more"), (1, "audit")])
            out, err = self.expect(0, "--data", data, "route", "test", "--kind", "route", "--sink", "x")
            self.assertEqual(out.count(" yes\n"), 3)
            self.assertRegex(err, r"^3 of \d+ records would be given\n$")  # also of refusals, and of the sink

    def changes(self, at, scratch):
        definition = os.path.join(scratch, "door.json")
        with open(definition, "w") as f:
            json.dump(DOOR, f)
        self.ok(*at, "def", "deploy", definition)
        tried, err = self.expect(0, *at, "route", "test", "--machine", "do*", "--level", "9", "--sink", "nats")
        self.assertIn("no: level", tried)
        self.assertRegex(err, r"^0 of \d records would be given\n$")
        self.assertEqual(self.json(*at, "route", "ls")["items"], [])  # nothing was set by that
        out = self.ok(*at, "route", "set", "claims", "-m", "door", "-m", "gate", "-k", "transition", "--from", "shut",
                      "--to", "open", "-e", "OPEN", "--level", "2", "-l", "wing=north", "--where", "record.seq > 1",
                      "-s", "nats", "--reason", "audit")
        self.assertIn("version:      1", out)
        item = self.json(*at, "route", "ls")["items"][0]
        self.assertEqual(item["route"], {
            "machine": ["door", "gate"], "kind": "transition", "from": "shut", "to": "open", "event": "OPEN",
            "level": 2, "labels": {"wing": "north"}, "where": "record.seq > 1", "sinks": ["nats"]})
        document = json.dumps({"sinks": ["nats"]}).encode()
        self.ok(*at, "route", "set", "claims", "-", "--reason", "more", "--expect-version", "1", input=document)
        self.assertIn("it stands like that already",
                      self.ok(*at, "route", "set", "claims", "-", "--reason", "again", input=document))
        for code, said, words in [
            (2, "say why, for the record of it: --reason TEXT", ["set", "claims", "-s", "nats"]),
            (2, "say why, for the record of it: --reason TEXT", ["rm", "claims"]),
            (2, "--label takes NAME=VALUE", ["set", "c", "-l", "north", "-s", "nats", "--reason", "x"]),
            (2, "unknown sink \"nat\"; did you mean \"nats\"?", ["set", "c", "-s", "nat", "--reason", "x"]),
            (1, "1:1: record.levle: there is no member levle, did you mean level?",
             ["set", "c", "--where", "record.levle > 1", "-s", "nats", "--reason", "x"]),
            (4, "is at version 2, not 1",
             ["set", "claims", "-s", "nats", "-k", "*", "--reason", "x", "--expect-version", "1"]),
            (3, "no route \"other\" is in force", ["rm", "other", "--reason", "x"]),
            (3, "there never was a route", ["ls", "other"]),
        ]:
            _, err = self.expect(code, *at, "route", *words)
            self.assertIn(said, err)
        _, err = self.expect(2, *at, "route", "set", "c", "-", "-s", "nats", "--reason", "x", input=document)
        self.assertIn("--sink has no place beside it", err)
        self.ok(*at, "route", "rm", "claims", "--reason", "gone")


class Outbox(Case):
    def test_sinks_are_shown_and_ordered_about_and_their_files_tell_how_far_they_came(self):
        with tempfile.TemporaryDirectory(prefix="fsm-cli-") as scratch:
            data, file = os.path.join(scratch, "data"), os.path.join(scratch, "sinks.json")
            sinks = [{"name": "files", "kind": "file", "path": os.path.join(scratch, "out")},
                     {"name": "dead", "kind": "http", "url": "http://127.0.0.1:1/"}]
            with open(file, "w") as f:
                json.dump({"sinks": sinks}, f)
            here = ("--data", data, "outbox")
            daemon = Daemon(data, "--no-listen", "--sinks", file)
            try:
                out = self.ok(*here, "ls")
                self.assertRegex(out, r"^SINK +KIND +FORMAT +STATE +LAG +PARKED\nfiles +file +json +ok +0 +0\n")
                self.assertTrue(all(len(line) <= 80 for line in out.splitlines()), out)
                self.assertRegex(self.ok(*here, "lag"), r"^SINK +STATE +LAG +OLDEST +RATE +RETRIES +SETTLED +BUDGET %\n")
                self.assertEqual(self.json(*here, "ls", "dead"), {"sink": "dead", "items": [], "next": None})
                self.assertRegex(self.ok(*here, "ls", "dead"), r"(?s)^sink: +dead\nkind: +http\n.*\noldest: +0s\n")
                _, err = self.expect(2, *here, "clear", "dead")
                self.assertIn("--reason TEXT", err)
                self.assertEqual(self.json(*here, "clear", "dead", "--reason", "looked at")["what"], "clear")
                _, err = self.expect(3, *here, "drop", "dead", "7", "--reason", "x")
                self.assertIn("record 7 is not parked", err)
                self.expect(3, *here, "retry", "none", "--reason", "x")
                self.expect(2, *here, "park", "dead", "x", "--reason", "x")
                self.expect(2, *here, "resend", "files", "--reason", "x")
                _, err = self.expect(2, *here, "forget", "files", "--reason", "x")
                self.assertIn("take it out of the file", err)
                until = time.monotonic() + PATIENCE_S
                while time.monotonic() < until and next(s["lag"] for s in self.json(*here, "ls")["items"] if s["name"] == "files") > 0:
                    time.sleep(0.05)
            finally:
                daemon.stop()
            items = {s["name"]: s for s in self.json(*here, "ls")["items"]}
            self.assertEqual((items["dead"]["lag"], items["files"]["lag"]), (1, 0))  # that it was cleared
            self.assertEqual(self.json(*here, "ls", "dead"), {"sink": "dead", "items": [], "next": None})
            self.expect(3, *here, "ls", "none")
            _, err = self.expect(9, *here, "clear", "dead", "--reason", "x")
            self.assertIn("no daemon runs", err)
            cursor = os.path.join(here[1], "sinks", "files")
            with open(cursor, "r+b") as file:
                file.truncate(100)
            items = {s["name"]: s for s in self.json(*here, "ls")["items"]}
            self.assertEqual((items["dead"]["status"], items["dead"]["lag"]), ("no daemon", 1))
            self.assertEqual(items["files"], {"name": "files", "status": "damaged",
                                              "last_error": cursor + ": the cursor of the sink files is damaged"})
            self.assertRegex(self.expect(0, *here, "ls")[0], r"files +damaged")
            _, err = self.expect(7, *here, "ls", "files")
            self.assertIn("the cursor of the sink files is damaged", err)


class Stopped(WithDaemon):
    """The files of a daemon that was killed give the answers it gave, and those of the one after it."""

    def answers(self):
        self.assertEqual(self.json(*self.here("health"))["status"], "ok")
        asked = (("ls", "--all"), ("stats", "--since", "all"), ("def", "ls"), ("get", "a-1"), ("log", "a-1"), ("events", "a-1"), ("stuck", "--for", "0s"))
        got = {}
        for args in asked:
            doc = self.json(*self.here(*args))
            doc.pop("now", None)
            for item in doc.get("items", []):
                item.pop("for_ns", None)
            for state in doc.get("states", []):
                state["standing"] = state["standing"]["count"]  # their ages go on
            got[args] = doc
        return got

    def test_what_it_said_is_what_its_files_say(self):
        for i in range(20):
            self.ok(*self.here("start", "door", "--id", f"a-{i}", "--key", f"k-{i}", "-l", f"n={i}"))
            self.ok(*self.here("send", f"a-{i}", "OPEN"))
        running = self.answers()
        self.daemon.stop(signal.SIGKILL)
        try:
            before = self.listing()
            self.assertEqual(self.answers(), running)
            self.assertEqual(self.listing(), before, "reading the files changed them")
            offline = self.json(*self.here("audit", "verify"))
            self.assertTrue(self.ok(*self.here("health")).startswith("daemon:       none runs"))
            for args in (("send", "a-1", "CLOSE"), ("start", "door"), ("def", "deploy", self.definition)):
                _, err = self.expect(9, *self.here(*args))
                self.assertIn(f"fsmd --data {self.data}", err)
            self.expect(3, *self.here("get", "absent"))
            self.expect(3, *self.here("get", "a-"))
            self.damaged_files_are_refused()
        finally:
            self.daemon.start()
        self.assertEqual(self.answers(), running)
        self.assertEqual(self.json(*self.here("audit", "verify"))["records"], offline["records"])

    def listing(self):
        """Sizes and contents; LMDB's reader table is nobody's data."""
        got = {}
        for folder, _, names in os.walk(self.data):
            for name in names:
                path = os.path.join(folder, name)
                if name in ("lock", "lock.mdb", "fsmd.sock"):
                    continue
                with open(path, "rb") as f:
                    got[path] = hash(f.read())
        return got

    def damaged_files_are_refused(self):
        copy = os.path.join(self.scratch, "copy")
        shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("fsmd.sock"))
        folder = os.path.join(copy, "journal")
        segment = next(os.path.join(d, n) for d, _, names in sorted(os.walk(folder)) for n in sorted(names) if n.endswith(".seg"))
        with open(segment, "r+b") as f:
            body = f.read()
            at = body.index(b"door")
            f.seek(at)
            f.write(b"d0or")
        _, err = self.expect(7, "--data", copy, "audit", "verify")
        self.assertIn("keep the data directory as it is", err)
        self.expect(7, "--data", copy, "ls")

    def test_a_directory_without_a_store_is_not_found(self):
        self.expect(3, "--data", os.path.join(self.scratch, "nothing"), "ls")
        self.assertFalse(os.path.exists(os.path.join(self.scratch, "nothing")))

    def test_what_is_no_data_directory_is_called_so(self):
        for args in (("ls",), ("start", "door")):
            _, err = self.expect(2, "--data", self.key, *args)
            self.assertEqual(err, f"fsm-cli: {self.key}: is not a data directory\n")
            other = os.path.join(self.scratch, "other")
            os.makedirs(other, exist_ok=True)
            _, err = self.expect(2, "--data", other, *args)
            self.assertEqual(err, f"fsm-cli: {other}: is not a data directory of fsmd: it has no store and no journal\n")


class Trusted(WithDaemon):
    """The socket in a data directory is used only when nobody else can have put it there."""

    def refused(self, reason, *args):
        _, err = self.expect(5, *self.here("ls", *args))
        self.assertIn(reason, err)
        self.assertIn("(not_permitted)", err)

    def test_a_directory_that_others_may_write_is_refused(self):
        for mode in (0o777, 0o770, 0o702, 0o1777):
            os.chmod(self.data, mode)
            try:
                self.refused(f"mode {mode:04o}: set 0700")
            finally:
                os.chmod(self.data, 0o700)
        os.chmod(self.data, 0o755)  # others may look, which is the files' own matter
        self.ok(*self.here("ls"))
        os.chmod(self.data, 0o700)

    def test_what_is_no_socket_is_refused(self):
        other = os.path.join(self.scratch, "linked")
        os.mkdir(other, 0o700)
        os.symlink(self.data + "/fsmd.sock", other + "/fsmd.sock")
        _, err = self.expect(5, "--data", other, "ls")
        self.assertIn("is not a socket", err)

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_a_directory_or_socket_of_another_user_is_refused(self):
        for path in (self.data, self.data + "/fsmd.sock"):
            os.chown(path, 65534, -1)
            try:
                self.refused("belongs to user 65534")
                self.refused("--socket PATH")
            finally:
                os.chown(path, 0, -1)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_a_token_is_not_sent_to_a_server_of_another_user(self):
        folder = os.path.join(self.scratch, "theirs")
        os.mkdir(folder, 0o700)
        heard, tell = os.pipe()
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(folder + "/fsmd.sock")
            child = os.fork()
            if child == 0:
                os.setuid(65534)
                server.listen()
                server.settimeout(PATIENCE_S)
                os.write(tell, b"listening\n")
                for _ in range(2):  # a look whether somebody listens, and the request
                    with contextlib.suppress(OSError), server.accept()[0] as peer:
                        os.write(tell, peer.recv(65536))
                os._exit(0)
            os.close(tell)
            try:
                self.assertEqual(os.read(heard, 10), b"listening\n")
                _, err = self.expect(5, "--data", folder, "ls", env={"FSM_TOKEN": "secret"})
                self.assertIn("nothing was sent", err)
                self.assertEqual(os.read(heard, 65536), b"")
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                os.close(heard)


class Locked(Case):
    def test_files_that_a_daemon_holds_are_not_read_beside_it(self):
        scratch = tempfile.mkdtemp(prefix="fsm-cli-")
        self.addCleanup(shutil.rmtree, scratch)
        data, socket = scratch + "/data", scratch + "/other.sock"
        daemon = Daemon(data, "--no-listen", "--socket", socket, "--segment-bytes", "2097152")
        try:
            self.ok("--socket", socket, "ls")
            _, err = self.expect(9, "--data", data, "ls")
            self.assertIn("(locked)", err)
        finally:
            daemon.stop()


class Usage(Case):
    """What is wrong before anybody is asked."""

    def test_help_comes_from_the_entries(self):
        everything = self.ok("--help")
        for line in everything.splitlines():
            self.assertLessEqual(len(line), 80, line)
        commands = re.findall(r"^  ([a-z-]+(?: [a-z-]+)?) ", everything.partition("fsm-cli help TOPIC")[0], re.M)
        commands = [command if command.split()[0] in ("def", "token", "db", "route", "outbox", "task", "timer", "audit") else command.split()[0] for command in commands]
        self.assertGreater(len(commands), 30)
        for command in commands:
            page = self.ok(*command.split(), "--help")
            self.assertTrue(page.startswith(f"fsm-cli {command}: "), page)
            self.assertIn(f"usage: fsm-cli {command}", page)
            self.assertIn("examples:\n", page)
            self.assertEqual(self.ok("help", *command.split()), page)
            for line in page.splitlines():
                self.assertLessEqual(len(line), 80, line)
        self.assertIn("def lint", self.ok("def", "--help"))
        _, err = self.expect(2)
        self.assertIn("Find: ", err)
        self.expect(2, "def")

    def test_version(self):
        self.assertRegex(self.ok("--version"), r"^fsm-cli \d+\.\d+\.\d+\nbuild: .*\nformats: .*\nlibraries: .*libcurl ")
        self.ok("ls", "--version")

    def test_a_slip_is_answered_with_what_was_meant(self):
        for args, meant in ((("sned",), "send"), (("lint",), "def lint"), (("mint",), "token mint"), (("def", "lnt"), "def lint"), (("ls", "--sate", "x"), "--state"), (("tokn",), "token")):
            _, err = self.expect(2, *args)
            self.assertIn(f"did you mean {meant}?", err)

    def test_lint_tells_what_cannot_be_deployed(self):
        inner = "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' initial='x'><state id='x'/></scxml>"
        definition = f"<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' name='p' datamodel='ecmascript' initial='a'><state id='a'><invoke id='kid'><content>{inner}</content></invoke></state></scxml>"
        done = subprocess.run([CLI, "def", "lint", "-"], input=definition.encode(), capture_output=True, env=environment())
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertEqual(done.stdout, b"stdin: 1:120: cannot be deployed: a machine inside a machine is not started as a durable instance: deploy it and name it\n")

    def test_wrong_use_is_two(self):
        for args in (("frob",), ("ls", "--frob"), ("ls", "x"), ("ls", "-o", "xml"), ("ls",), ("get",), ("--timeout", "x", "--data", "/", "ls"), ("--timeout", "0s", "--data", "/", "ls"), ("--url", "ftp://x", "ls"), ("ls", "-m"), ("ls", "-m", "a", "-m", "b"), ("--socket", "/" + "a" * 200, "ls")):
            _, err = self.expect(2, *args)
            self.assertTrue(err.startswith("fsm-cli: "), err)

    def test_nobody_there_is_nine(self):
        _, err = self.expect(9, "--socket", "/nonexistent/fsmd.sock", "ls")
        self.assertTrue(err.startswith("fsm-cli: /nonexistent/fsmd.sock: nobody listens there (No such file or directory)"), err)
        self.assertNotIn("localhost", err)
        self.assertIn("is fsmd running?", err)
        self.expect(9, "--url", "http://127.0.0.1:1", "ls")

    def test_a_full_disk_under_stdout_is_told(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([CLI, "--help"], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"stdout", done.stderr)


class Lied(Case):
    """A server that says what no fsmd would."""

    def test_what_is_not_json_is_no_answer(self):
        with lying({"/v1/instances": (200, b"<html>")}) as socket:
            _, err = self.expect(9, "--socket", socket, "ls")
            self.assertIn("is that a fsmd?", err)
        with lying({"/v1/instances": (200, {"items": 5})}) as socket:
            self.expect(9, "--socket", socket, "ls")
        with lying({"/v1/instances": (502, b"<html>")}) as socket:
            self.expect(1, "--socket", socket, "ls")

    def test_a_status_alone_has_an_exit_code(self):
        for status, code in ((400, 2), (401, 5), (403, 5), (404, 3), (409, 1), (412, 4), (429, 4), (503, 8), (504, 8)):
            with lying({"/": (status, b"")}) as socket:
                self.expect(code, "--socket", socket, "get", "x")

    def test_silence_is_eight(self):
        hold = threading.Event()
        with lying({"/": lambda path: hold.wait(PATIENCE_S) and None}) as socket:
            _, err = self.expect(8, "--socket", socket, "--timeout", "200ms", "get", "x")
            hold.set()
            self.assertIn("--idem", err)

    def test_a_hostile_fault_is_escaped(self):
        problem = {"code": "guard_false", "where": "\x1b[2J", "detail": HOSTILE, "refusal": {"candidates": [{"guard": HOSTILE, "seen": {HOSTILE: HOSTILE}, "fault": HOSTILE}]}}
        with lying({"/": (409, problem)}) as socket:
            for extra in ((), ("-o", "json")):
                _, err = self.expect(4, "--socket", socket, "get", "x", *extra)
                self.assertFalse(set(err) & {"\x1b", "\x07", "\u202e", "\u009b"}, err)

    def test_health_that_is_not_ok_is_one(self):
        sink = {"name": "nats", "connected": False, "lag": 12, "last_error": "no servers", "status": "disconnected", "new_member": [1, 2]}
        document = {"status": "degraded", "seq": 20, "applied": 19, "sinks": [sink], "longer_than_a_label": 1}
        with lying({"/healthz": (200, document)}) as socket:
            code, out, err = run("--socket", socket, "health")
            self.assertEqual((code, err), (1, ""))
            self.assertEqual(
                out,
                "status:       degraded\nseq:          20\napplied:      19\nlonger_than_a_label: 1\n\n"
                "sink:         nats\nstatus:       disconnected\nconnected:    no\nlag:          12\nlast_error:   no servers\nnew_member:   1, 2\n",
            )
            code, out, err = run("--socket", socket, "health", "-o", "json")
            self.assertEqual((code, json.loads(out), err), (1, document, ""))
        with lying({"/healthz": (200, {"seq": 1})}) as socket:
            self.expect(9, "--socket", socket, "health")

    def table(self, columns, socket, *args):
        """The lines of a table on a terminal, without its header; none is too wide."""
        code, out = run_in_terminal(columns, "--socket", socket, "-q", *args)
        self.assertEqual(code, 0, out)
        for line in out.replace("\x1b[1m", "").replace("\x1b[0m", "").splitlines():
            self.assertLessEqual(len(line), columns, out)
        return out[out.index("\x1b[0m") + 4 :].splitlines()

    def test_a_log_cuts_where_it_went_before_who_and_never_kind_or_reason(self):
        kinds = ("created", "incident_opened", "incident_closed", "task_started", "task_failed", "transition")
        record = {"time": "2026-11-22T09:06:54.1Z", "from": ["waitingForApprovalOfTheBoard"], "to": ["waitingForApprovalOfTheCustomer"], "trigger": "CUSTOMER_HAS_APPROVED", "act": {"sub": "someone.with.a.long.name@example.com"}, "reason": "no_transition", "corr": "c" * 40}
        with lying({"/v1/instances/x/history": (200, {"items": [{**record, "kind": k, "seq": 1000000 + i} for i, k in enumerate(kinds)], "next": None})}) as socket:
            for columns in (78, 80, 100, 120):
                lines = self.table(columns, socket, "log", "x")
                for kind, line in zip(kinds, lines):
                    self.assertRegex(line, rf" {kind}  .* no_transition$")
                    self.assertIn("TheCustomer  …", line)
                    self.assertIn("  some", line)
        short = {**record, "act": {"sub": "alice.archer@example.com"}, "reason": None, "kind": "transition", "seq": 7}
        with lying({"/v1/instances/x/history": (200, {"items": [short], "next": None})}) as socket:
            (line,) = self.table(80, socket, "log", "x")
            self.assertIn("alice.archer@example.com", line)
            self.assertIn("…", line)

    def test_ids_that_differ_at_their_ends_stay_apart(self):
        ids = [f"purchase-order-2026-department-of-works-{i:05}" for i in range(3)]
        items = [{"id": i, "key": "K-" + i, "machine": "purchase-order-approval", "state": "waitingForApprovalOfTheBoard", "status": "running", "for_ns": 90000000000} for i in ids]
        with lying({"/v1/instances": (200, {"items": items, "next": None}), "/v1/stuck": (200, {"items": items, "next": None})}) as socket:
            for args in (("ls",), ("stuck", "--for", "1s")):
                self.assertEqual([line.split()[0] for line in self.table(80, socket, *args)], ids)
                cut = [line.split()[0] for line in self.table(60, socket, *args)]
                self.assertEqual(len(set(cut)), 3)
                for name, whole in zip(cut, ids):
                    head, tail = name.split("…")
                    self.assertTrue(whole.startswith(head) and whole.endswith(tail) and len(tail) >= 5, name)

    def test_a_cut_id_may_be_pasted_when_its_beginning_is_enough(self):
        with lying({"/v1/instances/case-1/": (200, {"items": [], "next": None}), "/v1/instances/case-1": (200, {"id": "case-1-and-so-on-77"})}) as socket:
            for name in ("case-1…", "case-1…-77", "case-1…case-1-and-so-on-77"):
                self.ok("--socket", socket, "get", name)
                self.ok("--socket", socket, "log", name)
            for args in (("get",), ("log",), ("send",)):
                rest = ("GO",) if args == ("send",) else ()
                _, err = self.expect(3, "--socket", socket, *args, "case-1…-78", *rest)
                self.assertIn("does not end in -78", err)
        with lying({"/": (409, {"code": "ambiguous", "detail": "many"})}) as socket:
            _, err = self.expect(3, "--socket", socket, "send", "case…77", "GO")
            self.assertIn("fsm-cli ls | cat", err)
            self.expect(2, "--socket", socket, "get", "…77")

    def test_a_guard_that_does_not_fit_stands_below_its_row(self):
        wide = {"event": "APPROVE", "enabled": False, "target": "approved", "guard_name": "mayApprove", "guard": "context.amount < 10000 && actor.roles.exists(r, r == 'approver') && context.retries < 3", "seen": {"context.amount": 12000, "context.note": "n" * 4000}}
        more = {"event": "CANCEL", "enabled": True, "target": "cancelled", "schema": {"type": "object", "required": ["reason"], "properties": {n: {"type": "string"} for n in ("reason", "comment", "department", "approver", "reference")}}}
        document = {"instance": "x", "state": ["waiting"], "status": "running", "events": [wide, more]}
        with lying({"/v1/instances/x/events": (200, document)}) as socket:
            lines = self.table(80, socket, "events", "x")
            self.assertRegex(lines[0], r"^APPROVE +no +approved$")
            self.assertEqual(lines[1], "  guard: mayApprove: context.amount < 10000 && actor.roles.exists(r, r ==")
            self.assertEqual(lines[2], "         'approver') && context.retries < 3")
            self.assertEqual(lines[3], "  saw:   context.amount = 12000")
            self.assertRegex(lines[4], r'^  saw:   context\.note = "n+…$')
            self.assertRegex(lines[5], r"^CANCEL +yes +cancelled$")
            self.assertEqual(lines[6], "  takes: reason string, approver? string, comment? string, department? string,")
            self.assertEqual(lines[7], "         reference? string")
            out = self.ok("--socket", socket, "events", "x")
            self.assertIn("context.retries < 3  context.amount = 12000, context.note = \"nnn", out)
            self.assertLess(max(map(len, out.splitlines())), 600)
            self.table(30, socket, "events", "x")

    def test_what_a_guard_saw_never_floods_the_refusal(self):
        for count, lines in ((3, 3), (10, 10), (40, 10)):
            seen = {f"context.v{i:02}": "x" * 5000 for i in range(count)}
            problem = {"code": "guard_false", "detail": "no", "refusal": {"candidates": [{"guard": "a", "seen": seen}]}}
            with lying({"/": (409, problem)}) as socket:
                _, err = self.expect(4, "--socket", socket, "get", "x")
                saw = [line for line in err.splitlines() if line.startswith("  saw:")]
                self.assertEqual(len(saw), lines)
                self.assertEqual({len(line) for line in saw[:9]}, {200})
                self.assertEqual("and 31 more: -o json" in saw[-1], count == 40)
                code, out = run_in_terminal(80, "--socket", socket, "get", "x")
                self.assertEqual((code, max(len(line) for line in out.splitlines() if "saw:" in line)), (4, 80))

    def test_get_on_a_narrow_terminal_wraps_no_line_of_a_task(self):
        state = "s" * 40
        document = {"id": "x", "machine": "m", "version": 1, "status": "running", "state": [state], "since": {state: "2026-11-22T09:00:00.1Z"}, "now": "2026-11-22T09:01:04.1Z", "tasks": [{"id": "t" * 64, "service": "s" * 64, "token": "0" * 32, "attempt": 1, "attempts": 10, "status": "started", "deadline": "2026-11-22T10:00:00.1Z"}], "timers": [{"id": "t" * 64, "event": "e" * 60, "due": "2026-11-22T10:00:00.1Z"}]}
        with lying({"/v1/instances/x": (200, document)}) as socket:
            code, out = run_in_terminal(80, "--socket", socket, "get", "x")
            self.assertEqual(code, 0)
            self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
            self.assertIn("    state:    attempt 1 of 10 runs until 2026-11-22T10:00:00Z (58m56s left)\n", out)
            self.assertIn(f"state:        {state}\nsince:        2026-11-22T09:00:00Z\n", out)
            self.assertIn(f"state:        {state} for 1m4s, since ", run("--socket", socket, "get", "x")[1])

    def test_get_tells_what_operators_and_other_instances_have_to_do_with_it(self):
        document = {"id": "x", "machine": "m", "version": 1, "status": "incident", "state": ["a"], "now": "2026-11-22T09:00:00.1Z", "forced": True, "parent": {"instance": "p", "task": "pay"}, "incident": {"reason": "task_failed", "text": "it is down", "seq": 7},
                    "tasks": [{"id": "t", "service": "http", "token": "0" * 32, "attempt": 1, "attempts": 3, "status": "nobody", "due": "2026-11-22T08:00:00Z", "why": "it is off", "error": "503"}],
                    "timers": [{"id": "same", "event": "same", "due": "2026-11-22T10:00:00Z"}],
                    "messages": [{"id": "m1", "kind": "event", "to": "y", "event": "HI", "due": "2026-11-22T10:00:00.1Z"}]}
        with lying({"/v1/instances/x": (200, document)}) as socket:
            out = run("--socket", socket, "get", "x")[1]
        self.assertIn("\nchild of:     p (task pay)\nforced:       yes: an operator has put it where it stood; see: fsm-cli log\nincident:\n  reason: task_failed\n", out)
        self.assertIn("    why:      it is off\n    error:    503\n", out)
        self.assertIn("timers:\n  same\n    state:    due in", out)
        self.assertIn("messages:\n  HI\n    to:       y\n    state:    due in 1h\n    at:       2026-11-22T10:00:00Z\n", out)

    def test_a_list_tells_who_is_parked_and_why_and_a_log_what_the_operator_said(self):
        item = {"id": "x", "machine": "m", "version": 1, "state": "a", "status": "incident", "since": "2026-11-22T09:00:00Z", "for_ns": 1, "rev": 1, "forced": True, "incident": {"reason": "task_failed", "text": "it is down", "seq": 7}}
        record = {"seq": 8, "time": "2026-11-22T09:06:54Z", "kind": "paused", "from": ["a"], "to": ["a"], "cause": "admin", "detail": {"command": "pause", "reason": "the bank asked for it, by telephone"}, "act": {"sub": "olga"}, "corr": "c"}
        with lying({"/v1/instances/x/history": (200, {"items": [record], "next": None}), "/v1/instances": (200, {"items": [item], "next": None, "seq": 9, "now": "2026-11-22T09:00:00Z"})}) as socket:
            self.assertRegex(run("--socket", socket, "ls")[1], r"\nx .* incident +\S+ +it is down, forced\n")
            self.assertRegex(run("--socket", socket, "log", "x")[1], r" paused .* olga +\S+ +the bank asked for it, by telephone\n")
            code, out = run_in_terminal(80, "--socket", socket, "--no-color", "log", "x")
            self.assertEqual(code, 0)
            self.assertLessEqual(max(map(len, out.splitlines())), 80, out)
            self.assertIn("olga", out)
            self.assertIn("the bank", out)

    def test_a_page_that_is_too_large_is_asked_for_in_halves(self):
        def page(path):
            limit = int(dict(p.split("=") for p in path.split("?")[1].split("&"))["limit"]) if "?" in path else 100
            return 200, {"items": [{"seq": i, "kind": "x" * 50000} for i in range(limit)], "next": None}

        with lying({"/v1/instances/x/history": page}) as socket:
            items = self.json("--socket", socket, "log", "x")["items"]
            self.assertEqual(len(items), 62)

    def test_pages_that_never_end_do(self):
        with lying({"/": (200, {"items": [], "next": "again"})}) as socket:
            self.assertEqual(run("--socket", socket, "ls", "--all")[0], 0)


if __name__ == "__main__":
    if not (os.access(FSMD, os.X_OK) and os.access(CLI, os.X_OK)):
        print("fsmd or fsm-cli is not built; FSM_BUILD_DIR=" + BUILD)
        sys.exit(77)
    unittest.main(verbosity=2)
