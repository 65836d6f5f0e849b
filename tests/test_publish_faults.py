#!/usr/bin/env python3
"""Faults of NATS through the whole daemon: who we are, what we may, what is too large, a stream that is full, and
journals that do not fit what is there. Each must be told by `fsm-cli outbox ls` in words that somebody who is woken
by it understands, cost no record, and be over when its cause is.
"""

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from http_daemon import DEFINITION, FSMD, Daemon, NatsServer, await_

CLI = os.path.join(os.path.dirname(FSMD), "fsm-cli")
SECRET = "s3cr3t-of-alice"
BIG = "x" * 30000


class Server(NatsServer):
    """With a configuration, which may change between two starts."""

    def start(self, more=""):
        os.makedirs(self.dir, exist_ok=True)
        path = os.path.join(self.dir, "conf")
        with open(path, "w") as f:
            f.write('listen: "127.0.0.1:%d"\njetstream { store_dir: "%s" }\n%s\n' % (self.port, self.dir, more))
        self.process = subprocess.Popen([self.program, "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def restart(self, more=""):
        self.stop()
        self.start(more)

    def ask(self, subject, body):
        """An answer of JetStream, of a server that lets everybody in."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as s:
            data = json.dumps(body).encode() if body is not None else b""
            s.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB inbox 1\r\n'
                      + b"PUB %s inbox %d\r\n%s\r\n" % (subject.encode(), len(data), data))
            got = b""
            while b"MSG inbox" not in got or not got.endswith(b"}\r\n"):
                got += s.recv(65536)
        return json.loads(got[got.index(b"{", got.index(b"MSG inbox")):])

    def stream(self, what, **more):
        config = {"name": "FSM_EVT_0", "subjects": ["fsm.evt.>"], "storage": "file", "duplicate_window": 600 * 10**9, **more}
        answer = self.ask("$JS.API.STREAM.%s.FSM_EVT_0" % what, config)
        assert "error" not in answer, answer


# ---- what nsc writes -------------------------------------------------------------------------------------------


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def base32(data):
    return base64.b32encode(data).decode().rstrip("=")


class Key:
    """An nkey: operator, account or user."""

    def __init__(self, kind):
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        prefix = {"O": 14 << 3, "A": 0, "U": 20 << 3}[kind]
        raw = os.urandom(32)
        self.private = Ed25519PrivateKey.from_private_bytes(raw)
        public = bytes([prefix]) + self.private.public_key().public_bytes_raw()
        self.public = base32(public + crc16(public).to_bytes(2, "little"))
        seed = bytes([18 << 3 | prefix >> 5, (prefix & 31) << 3]) + raw
        self.seed = base32(seed + crc16(seed).to_bytes(2, "little"))

    def sign(self, name, subject, nats):
        def part(value):
            return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=")

        claims = {"iat": int(time.time()), "iss": self.public, "name": name, "sub": subject, "nats": {**nats, "version": 2}}
        claims["jti"] = base32(hashlib.sha256(json.dumps(claims).encode()).digest())
        text = part({"typ": "JWT", "alg": "ed25519-nkey"}) + b"." + part(claims)
        return (text + b"." + part(self.private.sign(text))).decode()


def nsc():
    """A server's configuration of an operator, and the credentials of a user of it and of one of nobody."""
    operator, system, account, user, stranger = Key("O"), Key("A"), Key("A"), Key("U"), Key("U")
    free = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True, "conn": -1,
            "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    accounts = {system.public: operator.sign("SYS", system.public, {"type": "account", "limits": {**free, "disk_storage": 0, "mem_storage": 0}}),
                account.public: operator.sign("A", account.public, {"type": "account", "limits": free})}
    conf = 'operator: "%s"\nsystem_account: "%s"\nresolver: MEMORY\nresolver_preload: {\n%s\n}\n' % (
        operator.sign("O", operator.public, {"type": "operator", "system_account": system.public}), system.public,
        "\n".join('%s: "%s"' % pair for pair in accounts.items()))

    def creds(key, by):
        text = by.sign("u", key.public, {"type": "user", "subs": -1, "data": -1, "payload": -1})
        return ("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
                "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n" % (text, key.seed))

    return conf, creds(user, account), creds(stranger, Key("A"))


@unittest.skipUnless(NatsServer.there(), "there is no nats-server (set FSM_NATS_SERVER or PATH)")
class Faults(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="test_faults.")
        self.server = Server(self.dir)
        self.d = None
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.addCleanup(self.server.stop)
        self.addCleanup(lambda: self.d and self.d.remove())

    def write(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o600)
        return path

    def daemon(self, **sink):
        config = {"name": "nats", "kind": "nats", "url": self.server.url, "timeout": "1s", "backoff_max": "100ms", **sink}
        self.d = Daemon("--sinks", self.write("sinks.json", json.dumps({"sinks": [config]})))
        self.assertEqual(self.d.request("POST", "/v1/machines", DEFINITION).status, 201)

    def start(self):
        answer = self.d.request("POST", "/v1/instances", {"machine": "doc"})
        self.assertEqual(answer.status, 201, answer)

    def cli(self, *words):
        done = subprocess.run([CLI, "--data", self.d.data, "outbox", *words], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn(SECRET, done.stdout + done.stderr + self.d.logged())
        return " ".join(done.stdout.split())

    def sink(self):
        """While sinks are made anew there is none for a moment."""
        items = json.loads(subprocess.run([CLI, "--data", self.d.data, "outbox", "ls", "-o", "json"], capture_output=True,
                                          text=True, timeout=60).stdout)["items"]
        return items[0] if items else {"status": "none", "lag": -1}

    def tells(self, *texts):
        """What somebody who is woken reads."""
        try:
            await_("the text", lambda: all(text in self.cli("ls", "nats") for text in texts))
        except AssertionError:
            self.fail("not %r in: %s" % (texts, self.cli("ls", "nats")))

    def is_well(self):
        try:
            await_("all of it", lambda: self.sink()["status"] == "ok" and self.sink()["lag"] == 0)
        except AssertionError:
            self.fail(self.cli("ls", "nats"))

    def test_who_we_are(self):
        self.server.start('authorization { user: alice, password: "%s" }' % SECRET)
        secret = self.write("secret", "wrong")
        self.daemon(user="alice", password_file=secret)
        self.tells("the server does not let us in")
        self.write("secret", SECRET)
        self.is_well()  # it is read again
        self.server.restart('authorization { token: "%s" }' % SECRET)
        self.tells("the server does not let us in")
        self.write("sinks.json", json.dumps({"sinks": [{"name": "nats", "kind": "nats", "url": self.server.url, "token_file": secret}]}))
        os.kill(self.d.process.pid, signal.SIGHUP)
        self.start()
        self.is_well()

    def test_a_sink_of_the_common_server_is_made_anew_while_it_runs(self):
        self.server.start()
        path = self.write("sinks.json", json.dumps({"sinks": [{"name": "copy", "kind": "nats", "stream": "COPY", "prefix": "c"}]}))
        self.d = Daemon("--nats", self.server.url, "--sinks", path)
        self.assertEqual(self.d.request("POST", "/v1/machines", DEFINITION).status, 201)

        def copies():
            answer = self.server.ask("$JS.API.STREAM.INFO.COPY", None)
            return answer["state"]["messages"] if "state" in answer else 0

        await_("the first", lambda: copies() == 1)
        self.write("sinks.json", json.dumps({"sinks": [{"name": "copy", "kind": "nats", "stream": "COPY", "prefix": "c", "format": "ecs"}]}))
        os.kill(self.d.process.pid, signal.SIGHUP)
        await_("another format", lambda: any(s["format"] == "ecs" for s in self.d.request("GET", "/v1/sinks").json["items"]))
        for _ in range(3):
            self.start()
        await_("the rest", lambda: copies() == 4)
        self.assertEqual({s["status"] for s in self.d.request("GET", "/v1/sinks").json["items"]}, {"ok"})

    def test_credentials_of_nsc(self):
        try:
            conf, creds, stranger = nsc()
        except ImportError:
            self.skipTest("there is no python3-cryptography")
        self.server.start(conf)
        self.daemon(creds_file=self.write("creds", stranger))
        self.tells("the server does not let us in")
        self.write("creds", creds)
        self.is_well()

    def test_what_we_may(self):
        users = 'authorization { users: [ { user: alice, password: "%s"%s } ] }'
        self.server.start(users % (SECRET, ', permissions: { publish: ["$JS.API.>", "_INBOX.>"], subscribe: [">"] }'))
        self.daemon(user="alice", password_file=self.write("secret", SECRET))
        self.tells("fsm.evt.", "allow it to the user")
        self.server.restart(users % (SECRET, ""))
        self.is_well()

    def test_a_record_over_the_servers_limit_is_parked_and_given_again(self):
        self.server.start("max_payload: 8192")
        self.daemon()
        self.is_well()
        answer = self.d.request("POST", "/v1/machines", {**DEFINITION, "id": "large", "description": BIG})
        self.assertEqual(answer.status, 201, answer)
        self.start()
        self.is_well()  # the rest goes on
        self.assertEqual(self.sink()["parked"], 1)
        self.tells("too_large", "8192")
        self.server.restart("max_payload: 1048576")
        self.cli("retry", "nats", "--reason", "the limit was raised")
        await_("none parked", lambda: self.sink()["parked"] == 0)
        self.is_well()

    def test_a_full_stream_is_waited_for(self):
        self.server.start()
        time.sleep(0.3)
        self.server.stream("CREATE", discard="new", max_msgs=2)
        self.daemon()
        for _ in range(3):
            self.start()
        self.tells("maximum messages exceeded")
        self.assertGreater(self.sink()["lag"], 0)
        self.server.stream("UPDATE", discard="new", max_msgs=1000)
        self.is_well()

    def test_journals_that_do_not_fit_what_is_there(self):
        self.server.start()
        self.daemon()
        self.start()
        self.is_well()
        self.assertEqual(self.d.stop(), 0)
        old = os.path.join(self.dir, "old")
        shutil.copytree(self.d.data, old, symlinks=True, ignore=shutil.ignore_patterns("*.sock"))
        self.d.start()
        for _ in range(3):
            self.start()
        self.is_well()
        self.assertEqual(self.d.stop(), 0)
        shutil.rmtree(self.d.data)
        shutil.copytree(old, self.d.data)
        self.d.start()  # ahead: the store was rolled back
        self.tells("stopped", "the store was rolled back", "fsm-cli db restore")
        self.server.stop()
        for _ in range(6):  # and now another one has its numbers
            self.start()
        self.server.start()
        self.tells("stopped", "the stream has another record")
        self.assertEqual(self.d.stop(), 0)
        shutil.rmtree(self.d.data)
        self.d.start()  # another store altogether
        self.tells("stopped", "records of another store", "outbox clear")
        self.cli("clear", "nats", "--reason", "the old store is gone for good")
        self.is_well()


if __name__ == "__main__":
    if not NatsServer.there():
        print("skipped: there is no nats-server (set FSM_NATS_SERVER or PATH)")
        raise SystemExit(77)
    unittest.main(verbosity=2)
