#!/usr/bin/env python3
"""Whom fsm-cli asks, and whom it trusts: sockets, addresses, tokens, certificates; the files of a daemon that is not there.

Exit 77: the programs are not built.
"""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from cli_scene import built_or_skip, Case, Daemon, PATIENCE_S, run, WithDaemon


class Ways(WithDaemon):
    """Of one daemon: as the user that the socket or a token names."""

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


if __name__ == "__main__":
    built_or_skip()
    unittest.main(verbosity=2)
