#!/usr/bin/env python3
"""fsmd in operation: what it refuses to start with, what it says when it starts, signals, what a supervisor is told, limits,
files' modes, and log lines that nothing can forge.

Exit 77: the program is not built."""
import ctypes
import json
import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

FSMD = os.path.join(os.environ.get("FSM_BUILD_DIR", ""), "fsmd")
WAIT = 60
LOCAL, TCP = "--data d --no-listen", "--data d --auth none"
NO_KEY = "--auth: without --jwt-key or --jwt-keys nobody can be told apart on TCP: give a key, or --auth none to take everyone, or --no-listen"

# Words, and what is said of them. Files of the test: WRONG_FILES.
REFUSED = [
    ("", "--data: the data directory is needed: --data DIR"),
    ("--data", "--data: the option needs an argument"),
    ("--data=", "--data=: the argument is empty"),
    ("--bogus", "--bogus: there is no such option (see --help)"),
    ("--lisen 127.0.0.1:0", '--lisen: there is no such option (see --help); did you mean "listen"?'),
    ("extra", "extra: only options are taken; see --help"),
    ("-h", "-h: only options are taken; see --help"),
    ("--", "--: there is no such option (see --help)"),
    ("--data a --data b", "--data: the option is given twice"),
    ("--data d --no-listen=yes", "--no-listen: it is on or off"),
    ("--help=on", "--help=on: the option takes no argument"),
    ("--config nothing", "nothing: the file of settings cannot be opened: No such file or directory"),
    ("--config .", ".: the file of settings is not a regular file"),
    ("--config world", "world: the file of settings may be changed by everyone: take that right away (chmod o-w)"),
    (LOCAL + " --people nothing", "nothing: the file of people cannot be opened: No such file or directory"),
    (LOCAL + " --people people", 'people: /1/role: there is no member role; did you mean "roles"?'),
    ("--data d", NO_KEY),
    ("--data d --auth required", NO_KEY),
    ("--data d --auth optional", NO_KEY),
    (LOCAL + " --socket-auth required", "--socket-auth: tokens are required but there is no key: give --jwt-key FILE or --jwt-keys FILE"),
    (LOCAL + " --auth Required", "--auth: it is required, optional or none"),
    (LOCAL + " --socket-auth maybe", "--socket-auth: it is required, optional or none"),
    (LOCAL + " --jwt-key nothing", "nothing: the key file cannot be opened: No such file or directory"),
    (LOCAL + " --jwt-key key644", "key644: the key file has mode 0644: others may read or change it; set 0600"),
    (LOCAL + " --jwt-key short", "short: a key for HS256 has 32 to 4096 bytes, this one has 8"),
    (LOCAL + " --jwt-key .", ".: the key file is not a regular file"),
    (TCP + " --listen 8480", '--listen: "8480" is not ADDRESS:PORT, such as 127.0.0.1:8480'),
    (TCP + " --listen 0.0.0.0:0", "--listen: 0.0.0.0 is not a loopback address: give --tls-cert and --tls-key, or --behind-proxy when a proxy does TLS"),
    (TCP + " --listen [::]:0", "--listen: :: is not a loopback address: give --tls-cert and --tls-key, or --behind-proxy when a proxy does TLS"),
    (TCP + " --listen example.org:80", '--listen: "example.org" is not an IP address or localhost'),
    (TCP + " --listen 127.0.0.1:65536", '--listen: "127.0.0.1:65536" is not ADDRESS:PORT, such as 127.0.0.1:8480'),
    (TCP + " --listen 127.0.0.1:", '--listen: "127.0.0.1:" is not ADDRESS:PORT, such as 127.0.0.1:8480'),
    (LOCAL + " --socket plain", "--socket: plain is there and is not a socket"),
    (LOCAL + " --socket /nonexistent/s", "--socket: cannot listen on /nonexistent/s: No such file or directory"),
    (LOCAL + " --socket /" + "x" * 107, "--socket: the path of a unix socket has at most 107 bytes"),
    (LOCAL + " --port-file p", "--port-file: there is no port with --no-listen"),
    (TCP + " --listen 127.0.0.1:0 --port-file /nonexistent/p", "--port-file: /nonexistent/p.tmp cannot be written: No such file or directory"),
    (LOCAL + " --nats http://h", "--nats: it is nats://HOST:PORT or tls://HOST:PORT, several with commas between"),
    (LOCAL + " --nats nats://ann:secret@h:1", "--nats: a URL with a user or password is not taken, others could read it here: give --nats-creds FILE"),
    (LOCAL + " --nats nats://", "--nats: it is nats://HOST:PORT or tls://HOST:PORT, several with commas between"),
    (LOCAL + " --nats-creds f", "--nats-creds: it is of no use without --nats"),
    (LOCAL + " --nats-ca f", "--nats-ca: it is of no use without --nats"),
    (LOCAL + " --nats nats://h:1 --nats-creds nothing", '--nats-creds: there is no file "nothing"'),
    (LOCAL + " --nats nats://h:1 --nats-creds key644", '--nats-creds: others may read "key644": chmod 600 it'),
    (LOCAL + " --nats nats://h:1 --nats-ca nothing", '--nats-ca: there is no file "nothing"'),
    (LOCAL + " --sinks nothing", "nothing: the file of sinks cannot be opened: No such file or directory"),
    (LOCAL + " --sinks sinks", 'sinks: /sinks/0: the sink has no "kind"'),
    (LOCAL + " --sinks sinks2", "sinks2: 1:1: string or '}' expected near end of file"),
    (LOCAL + " --sinks .", ".: the file of sinks cannot be read"),
    (LOCAL + " --http-allow a.example", "--http-allow: a URL begins with http:// or https://"),
    (LOCAL + " --http-allow http://a/../c", '--http-allow: the path of "http://a/../c" has ".." in it, a "#", or what must be percent-encoded'),
    (LOCAL + " --http-allow http://u:p@a", "--http-allow: a URL with a user or password is not taken"),
    (LOCAL + " --http-concurrency 0", "--http-concurrency: it is a whole number from 1 to 256"),
    (LOCAL + " --http-concurrency 257", "--http-concurrency: it is a whole number from 1 to 256"),
    (LOCAL + " --http-concurrency 8.0", "--http-concurrency: it is a whole number from 1 to 256"),
    (LOCAL + " --node " + "n" * 65, "--node: the value has more than 64 bytes"),
    (LOCAL + " --node ä", "--node: the name is 1 to 64 printable ASCII characters, no spaces"),
    (LOCAL + " --segment-bytes 2097151", "--segment-bytes: it is a whole number from 2097152 to 1073741824, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --segment-bytes 1073741825", "--segment-bytes: it is a whole number from 2097152 to 1073741824, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --segment-bytes -1", "--segment-bytes: it is a whole number from 2097152 to 1073741824, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --segment-bytes 64M", "--segment-bytes: it is a whole number from 2097152 to 1073741824, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --store-bytes-max 16777215", "--store-bytes-max: it is a whole number from 16777216 to 1099511627776, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --store-bytes-max 2TiB", "--store-bytes-max: it is a whole number from 16777216 to 1099511627776, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --snapshot-every 59s", "--snapshot-every: it is a duration from 1m to 365d, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --snapshot-every 366d", "--snapshot-every: it is a duration from 1m to 365d, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --snapshot-every daily", "--snapshot-every: it is a duration from 1m to 365d, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --retain 59m --snapshot-every 1m", "--retain: it is a duration from 1h to 36500d, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --retain 36501d --snapshot-every 1d", "--retain: it is a duration from 1h to 36500d, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --retain 1d", "--retain: nothing goes without verified snapshots: give --snapshot-every too"),
    (LOCAL + " --retain-bytes 2097151 --snapshot-every 1d", "--retain-bytes: it is a whole number, 2097152 or more, or one with KiB, MiB, GiB or TiB"),
    (LOCAL + " --retain-bytes 4194304", "--retain-bytes: nothing goes without verified snapshots: give --snapshot-every too"),
    (LOCAL + " --archive-dir a", "--archive-dir: nothing goes there unless --retain or --retain-bytes is given"),
    (LOCAL + " --archive-dir plain --retain 1d --snapshot-every 1d", "--archive-dir: plain is not a directory"),
    (LOCAL + " --log-format xml", "--log-format: it is logfmt or json"),
    (LOCAL + " --log-level loud", "--log-level: it is debug, info, warn or error"),
    (LOCAL + " --stop-timeout 0s", "--stop-timeout: it is a duration from 1s to 5m, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --stop-timeout 301s", "--stop-timeout: it is a duration from 1s to 5m, with its unit (ms, s, m, h, d)"),
    (LOCAL + " --stop-timeout 5", "--stop-timeout: it is a duration from 1s to 5m, with its unit (ms, s, m, h, d)"),
    ("--data plain --no-listen", "plain: the data directory is not a directory"),
]
WRONG_FILES = {
    "plain": (0o644, b""),
    "key644": (0o644, b"x" * 40),
    "short": (0o600, b"x" * 8),
    "world": (0o646, b"data = d\n"),
    "sinks": (0o600, b'{"sinks": [{"name": "x"}]}'),
    "sinks2": (0o600, b"{"),
    "people": (0o600, b'[{"sub": "ana"}, {"sub": "kim", "role": ["x"]}]'),
}
# Lines of a file behind `data = d` and `no-listen = on`, and what is said of the third.
REFUSED_LINES = [
    ("retian = 1d", 'retian: there is no such setting (see --print-config); did you mean "retain"?'),
    ("listen: 127.0.0.1:1", "a line is name = value, or a comment with #"),
    ("data = e", "data: it is given twice, first in line 1"),
    ("node =", "node: the value is empty; to have the default, leave the line out or put # before it"),
    ('node = "n"', "node: a value stands without quotes"),
    ("node = n # ours", "node: a comment needs a line of its own"),
    ("retain = 1d", "retain: nothing goes without verified snapshots: give --snapshot-every too"),
    ("port-file = p", "port-file: there is no port with --no-listen"),
    ("socket = plain", "plain is there and is not a socket"),
    ("socket-auth = required", "socket-auth: tokens are required but there is no key: give --jwt-key FILE or --jwt-keys FILE"),
    ("nats = nats://a:b@h", "nats: a URL with a user or password is not taken, others could read it here: give --nats-creds FILE"),
    ("print-config = on", "print-config: it is an option only, not for a file"),
]


def logfmt(line):
    """The fields of a line; fails on anything that is not one."""
    fields, at = {}, 0
    pattern = re.compile(r'([a-z_]+)=("(?:[^"\\\x00-\x1f\x7f]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*"|[!#-<>-\[\]-~]+)( |$)')
    while at < len(line):
        m = pattern.match(line, at)
        assert m and m[1] not in fields, line
        fields[m[1]] = json.loads(m[2]) if m[2][0] == '"' else m[2]
        at = m.end()
    return fields


class Daemon:
    def __init__(self, directory, *options, env=None, preexec=None, tcp=True):
        self.dir, self.data = directory, os.path.join(directory, "data")
        self.log = os.path.join(directory, "log")
        port_file = os.path.join(directory, "port")
        where = ["--auth", "none", "--listen", "127.0.0.1:0", "--port-file", port_file] if tcp else ["--no-listen"]
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [FSMD, "--data", self.data, *where, *options], stderr=log, env={**os.environ, **(env or {})}, preexec_fn=preexec
            )
        self.wait_for("msg=started", '"msg":"started"')
        if tcp:
            with open(port_file) as f:
                self.port = int(f.read())

    def logged(self):
        with open(self.log, "rb") as f:
            return f.read().decode()  # whatever was asked, the log is UTF-8

    def wait_for(self, *texts):
        end = time.time() + WAIT
        while not any(text in self.logged() for text in texts):
            if self.process.poll() is not None or time.time() > end:
                raise AssertionError("no %r: %s" % (texts, self.logged()))
            time.sleep(0.01)

    def connect(self, local=False):
        if not local:
            return socket.create_connection(("127.0.0.1", self.port), WAIT)
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(WAIT)
        s.connect(self.data + "/fsmd.sock")
        return s

    def ask(self, raw, local=False):
        """All that is answered to these bytes."""
        with self.connect(local) as s:
            s.sendall(raw)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while part := s.recv(65536):
                answer += part
            return answer

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="test_operation.")
        self.addCleanup(shutil.rmtree, self.dir)

    def daemon(self, *options, **more):
        d = Daemon(self.dir, *options, **more)
        self.addCleanup(d.kill)
        return d

    def write(self, name, data, mode=0o600):
        path = os.path.join(self.dir, name)
        with open(path, "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        return path


class Refusals(Case):
    def said(self, words, **more):
        """(exit code, what is wrong where) in one form, whether it was noticed before there was a log or behind."""
        done = subprocess.run([FSMD, *words], cwd=self.dir, capture_output=True, timeout=WAIT, **more)
        last = done.stderr.decode().splitlines()[-1]
        if not last.startswith("fsmd: "):
            fields = logfmt(last)
            self.assertEqual((fields["level"], fields["msg"]), ("error", "cannot start"))
            last = "fsmd: %s: %s" % (fields["where"], fields["detail"])
        self.assertEqual(done.stdout, b"")
        return done.returncode, last[6:]

    def test_every_wrong_setting_is_refused_with_2_and_in_these_words(self):
        self.assertGreaterEqual(len(REFUSED), 60)
        for name, (mode, data) in WRONG_FILES.items():
            self.write(name, data, mode)
        for words, text in REFUSED:
            with self.subTest(words=words):
                self.assertEqual(self.said(words.split()), (2, text))

    def test_a_wrong_line_is_refused_with_2_and_its_place(self):
        self.write("plain", "")
        for line, text in REFUSED_LINES:
            with self.subTest(line=line):
                self.write("f", "data = d\nno-listen = on\n" + line + "\n")
                code, said = self.said(["--config", "f"])
                self.assertEqual(code, 2)
                self.assertIn(said, ("f:3: " + text, "f:3: %s: %s" % (line.split(" ")[0], text)))

    def test_a_refusal_of_settings_touches_no_data(self):
        self.said((LOCAL + " --retain 1d").split())
        self.assertEqual(os.listdir(self.dir), [])

    def test_what_is_wrong_is_one_line_whatever_it_holds(self):
        done = subprocess.run([FSMD, "--x\nfsmd: \x1b[2J"], capture_output=True, timeout=WAIT)
        self.assertEqual(done.stderr, b'fsmd: "--x\\nfsmd: \\u001b[2J": there is no such option (see --help)\n')

    def test_too_few_open_files_are_refused(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
        self.assertEqual(self.said(LOCAL.split(), preexec_fn=few), (2, "RLIMIT_NOFILE: 200 open files are allowed, at least 224 are "
                                                                    "needed: raise LimitNOFILE of the unit, or ulimit -n"))

    def test_a_socket_of_a_supervisor_that_is_not_there_is_refused(self):
        for name, text in (("relative", "it is the path of a unix socket, or @ and a name"), ("/nonexistent", "nobody listens there: No such file or directory"),
                           ("/" + "x" * 107, "it is longer than a unix socket's path can be"), ("@", "it is the path of a unix socket, or @ and a name")):
            self.assertEqual(self.said(LOCAL.split(), env={**os.environ, "NOTIFY_SOCKET": name}), (2, "NOTIFY_SOCKET: " + text))


class Settings(Case):
    def test_a_file_and_options_that_win_over_it(self):
        f = self.write("f", "data = %s/data\nno-listen = on\nnode = from-file\nlog-format = json\n" % self.dir)
        done = subprocess.run([FSMD, "--config", f, "--node", "from-option", "--print-config"], capture_output=True, timeout=WAIT)
        self.assertEqual(done.returncode, 0)
        for line in ("node = from-option", "log-format = json", "no-listen = on", "data = %s/data" % self.dir):
            self.assertIn("\n" + line + "\n", done.stdout.decode())

    def test_what_print_config_prints_starts_the_daemon(self):
        words = [FSMD, "--data", self.dir + "/data", "--no-listen", "--log-format", "json", "--print-config"]
        f = self.write("f", subprocess.run(words, capture_output=True, check=True, timeout=WAIT).stdout)
        process = subprocess.Popen([FSMD, "--config", f], stderr=subprocess.PIPE)
        started = json.loads(process.stderr.readline())
        self.assertEqual((started["msg"], started["config"], started["listen"]), ("started", f, "off"))
        process.terminate()
        process.communicate(timeout=WAIT)
        self.assertEqual(process.returncode, 0)


class Life(Case):
    def fields(self, d, message):
        return next(f for f in map(logfmt, d.logged().splitlines()) if f["msg"] == message)

    def test_the_first_line_says_what_is_served(self):
        few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 1000))
        d = self.daemon(preexec=few)
        started = self.fields(d, "started")
        self.assertEqual(started["listen"], "127.0.0.1:%d" % d.port)
        self.assertEqual(started["socket"], d.data + "/fsmd.sock")
        self.assertEqual((started["auth"], started["socket_auth"], started["nats"], started["sinks"]), ("none", "optional", "off", "off"))
        self.assertEqual((started["files"], started["connections"]), ("1000", "808"))  # the soft limit was raised
        with open("/proc/%d/limits" % d.process.pid) as f:
            limits = f.read()
        self.assertRegex(limits, r"Max open files +1000 +1000 ")
        self.assertRegex(limits, r"Max core file size +0 ")  # keys would be in one
        self.assertEqual((started["keys"], started["tls"]), ("none", "off"))

    def test_the_first_line_names_keys_and_never_shows_them(self):
        key = self.write("key", "k" * 20 + "geheim" + "k" * 20)
        d = self.daemon("--jwt-key", key)
        self.assertEqual(self.fields(d, "started")["keys"], "HS256")
        self.assertNotIn("geheim", d.logged())

    def half_a_request(self, d):
        s = d.connect()
        s.sendall(b"POST /v1/instances HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
        self.assertEqual(s.recv(65536), b"HTTP/1.1 100 Continue\r\n\r\n")  # it is under way
        s.sendall(b"{")
        return s

    def test_a_stop_waits_for_requests_no_longer_than_it_should(self):
        d = self.daemon("--stop-timeout", "1s", "--body-timeout", "1h")
        with self.half_a_request(d):
            self.assertEqual(d.stop(), 0)
        self.assertIn("stopped", [f["msg"] for f in map(logfmt, d.logged().splitlines())])

    def test_a_second_sigterm_ends_at_once(self):
        d = self.daemon("--stop-timeout", "300s", "--body-timeout", "1h")
        with self.half_a_request(d):
            d.process.send_signal(signal.SIGTERM)
            d.wait_for("msg=stopping")
            d.process.send_signal(signal.SIGTERM)
            self.assertEqual(d.process.wait(WAIT), -signal.SIGTERM)
        self.assertEqual(self.daemon().stop(), 0)  # nothing was broken by it

    def test_sighup_takes_the_log_level_and_tells_what_waits(self):
        f = self.write("f", "node = a\nlog-level = info\n")
        d = self.daemon("--config", f)
        d.ask(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.assertNotIn("msg=request", d.logged())
        self.write("f", "node = b\nlog-level = debug\n")
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("the file of settings was read again")
        self.assertEqual(self.fields(d, "a setting has changed; it is taken at the next start")["setting"], "node")
        d.ask(b"GET /v1/machines?limit=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        d.wait_for("msg=request")
        request = self.fields(d, "request")
        self.assertEqual((request["level"], request["method"], request["target"], request["status"]), ("debug", "GET", "/v1/machines?limit=1", "200"))
        self.write("f", "node = \n")
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("the settings are wrong; nothing changes")
        self.assertEqual(self.fields(d, "the settings are wrong; nothing changes")["where"], f + ":1")
        self.assertEqual(d.stop(), 0)

    def test_sighup_reads_the_people_again(self):
        f = self.write("p", '[{"sub": "zoe", "roles": ["director"]}]')
        d = self.daemon("--people", f)

        def people():
            answer = d.ask(b"GET /v1/actors HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", local=True)
            text = answer if isinstance(answer, str) else answer.decode()
            return [i["sub"] for i in json.loads(text[text.index("{"):text.rindex("}") + 1])["items"] if i.get("configured")]

        self.assertEqual(people(), ["zoe"])
        self.write("p", '[{"sub": "kim"},\n {"sub": ""}]')
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("the file of people is wrong; nothing changes")
        self.assertEqual(self.fields(d, "the file of people is wrong; nothing changes")["detail"], "/1/sub: sub is a text of 1 to 256 bytes")
        self.assertEqual(people(), ["zoe"])
        self.write("p", '[{"sub": "kim"}]')
        d.process.send_signal(signal.SIGHUP)
        d.wait_for("the file of people was read again")
        self.assertEqual(people(), ["kim"])
        self.assertEqual(d.stop(), 0)

    def test_files_are_private_whatever_the_umask(self):
        for mask in (0, 0o777):
            d = self.daemon(preexec=lambda: os.umask(mask))
            for at, folders, files in os.walk(d.data):
                self.assertEqual(stat.S_IMODE(os.lstat(at).st_mode), 0o700, at)
                for name in files:
                    self.assertEqual(stat.S_IMODE(os.lstat(os.path.join(at, name)).st_mode), 0o600, name)
            self.assertTrue(stat.S_ISSOCK(os.stat(d.data + "/fsmd.sock").st_mode))
            self.assertEqual(d.stop(), 0)
            shutil.rmtree(d.data)


class Supervised(Case):
    def told(self, path):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.bind("\0" + path[1:] if path[0] == "@" else path)
        s.settimeout(WAIT)
        self.addCleanup(s.close)
        return s

    @staticmethod
    def until(s, text):
        """What was told up to the first message that has a line of it."""
        messages = []
        while not messages or text not in messages[-1]:
            messages.append(s.recv(4096).decode().split("\n"))
        return messages

    def test_ready_reloading_stopping_are_told_over_both_kinds_of_socket(self):
        for path in (os.path.join(self.dir, "notify"), "@test_operation.%d" % os.getpid()):
            s = self.told(path)
            d = self.daemon(env={"NOTIFY_SOCKET": path})
            ready = self.until(s, "READY=1")[-1]
            self.assertRegex(ready[1], r"^STATUS=serving 127\.0\.0\.1:%d and .*/fsmd\.sock, from record \d+$" % d.port)
            with d.connect():
                pass  # ready means that it listens
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            d.process.send_signal(signal.SIGHUP)
            reloading = self.until(s, "RELOADING=1")[-1]
            self.assertLessEqual(before, int(reloading[1].removeprefix("MONOTONIC_USEC=")))
            self.until(s, "READY=1")
            d.process.send_signal(signal.SIGTERM)
            self.assertIn("STOPPING=1", self.until(s, "STOPPING=1")[-1])
            self.assertEqual(d.process.wait(WAIT), 0)

    def test_a_start_that_fails_says_why(self):
        s = self.told(os.path.join(self.dir, "notify"))
        plain = self.write("plain", "")
        done = subprocess.run([FSMD, "--data", self.dir + "/data", "--no-listen", "--socket", plain], capture_output=True, timeout=WAIT,
                              env={**os.environ, "NOTIFY_SOCKET": self.dir + "/notify"})
        self.assertEqual(done.returncode, 2)
        self.assertEqual(s.recv(4096).decode(), "STATUS=cannot start: --socket: %s is there and is not a socket" % plain)

    def test_signs_of_life_come_only_while_the_writer_turns(self):
        s = self.told(os.path.join(self.dir, "notify"))
        d = self.daemon(env={"NOTIFY_SOCKET": self.dir + "/notify", "WATCHDOG_USEC": "300000"})
        for _ in range(3):
            self.until(s, "WATCHDOG=1")
        libc = ctypes.CDLL(None, use_errno=True)
        seize, interrupt, detach = 0x4206, 0x4207, 17
        others = [int(t) for t in os.listdir("/proc/%d/task" % d.process.pid) if int(t) != d.process.pid]
        for thread in others:  # all but the loop stand still
            if libc.ptrace(seize, thread, None, None) != 0:
                self.skipTest("threads cannot be held here: " + os.strerror(ctypes.get_errno()))
            libc.ptrace(interrupt, thread, None, None)
        s.settimeout(2)  # they come each 0.15 s
        ends = time.monotonic() + WAIT
        with self.assertRaises(socket.timeout):
            while time.monotonic() < ends:
                s.recv(4096)
        s.settimeout(WAIT)
        for thread in others:
            os.waitpid(thread, 0x40000000)  # __WALL
            libc.ptrace(detach, thread, None, None)
        self.until(s, "WATCHDOG=1")
        self.assertEqual(d.stop(), 0)

    def test_a_watchdog_of_another_process_is_not_fed(self):
        s = self.told(os.path.join(self.dir, "notify"))
        d = self.daemon(env={"NOTIFY_SOCKET": self.dir + "/notify", "WATCHDOG_USEC": "60000", "WATCHDOG_PID": "1"})
        time.sleep(0.3)
        self.assertEqual(d.stop(), 0)
        s.setblocking(False)
        told = []
        try:
            while True:
                told.append(s.recv(4096).decode())
        except BlockingIOError:
            pass
        self.assertFalse([t for t in told if "WATCHDOG" in t], told)


class Log(Case):
    HOSTILE = [b'/v1/instances/a"b', b"/v1/instances/a\\", b"/v1/x=y", b"/\x1b[2J", b"/\xff\xfe", b"/v1/instances/%0alevel=error", b'/","level":"error',
               b"/\xc3\xa4", b"/\x7f", b"/\xe2\x80\xa8", b"/v1/records?where='\"\\"]
    HEADERS = [b"X-Correlation-ID: a\x1b[2J", b'X-Correlation-ID: "a" level=error', b"X-Request-ID: \xff", b"traceparent: 00-\"", b"If-Match: \\",
               b"Authorization: Bearer geheim.geheim.geheim"]

    def check(self, fmt, parse):
        d = self.daemon("--log-level", "debug", "--log-format", fmt)
        for target, header in [(t, b"Accept: */*") for t in self.HOSTILE] + [(b"/v1/machines", h) for h in self.HEADERS]:
            d.ask(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + header + b"\r\n\r\n")
        self.assertEqual(d.stop(), 0)
        lines = d.logged().split("\n")
        self.assertEqual(lines.pop(), "")
        requests = []
        for line in lines:
            self.assertTrue(line.isprintable(), line)
            fields = parse(line)
            self.assertIn(fields["msg"], ("started", "request", "request failed", "stopping", "stopped"))
            if fields["msg"] == "request":
                self.assertEqual(set(fields), {"time", "level", "msg", "method", "target", "status", "code", "took_us", "bytes", "correlation"})
                self.assertEqual(fields["level"], "debug")
                requests.append(fields["target"])
        self.assertNotIn("geheim", d.logged())
        self.assertIn('/v1/instances/a"b', requests)
        self.assertIn("/v1/instances/a\\", requests)
        self.assertIn("/v1/instances/%0alevel=error", requests)  # as it came, not as it would be read
        self.assertGreater(len(requests), len(self.HEADERS) + 4)

    def test_no_request_forges_a_line_or_a_field_of_logfmt(self):
        self.check("logfmt", logfmt)

    def test_nor_of_json(self):
        self.check("json", json.loads)


if __name__ == "__main__":
    if not os.path.exists(FSMD):
        print("fsmd is not built: " + FSMD)
        sys.exit(77)
    unittest.main(verbosity=2)
