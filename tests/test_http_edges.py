#!/usr/bin/env python3
"""test_http_edges.py: what stands around the routes of a real fsmd: places, gzip, revisions, CORS, TLS, proxies."""
import gzip
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import unittest
import warnings

from http_daemon import DEFINITION, FSMD, WAIT, Case, Daemon, await_, token

GET = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connected(d, count):
    out = []
    for _ in range(count):
        out.append(socket.create_connection(("127.0.0.1", d.port), timeout=WAIT))
    return out


def close_all(sockets):
    for s in sockets:
        s.close()


def asked(s, path=b"/v1/counts"):
    s.sendall(GET % path)
    text = b""
    while b"\r\n\r\n" not in text:
        part = s.recv(65536)
        if not part:
            break
        text += part
    return text


class Wide(Daemon):
    """One that listens on every address."""

    def start(self):
        port_file = os.path.join(self.dir, "port")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([FSMD, "--data", self.data, "--listen", "0.0.0.0:0", "--port-file", port_file] +
                                            self.options, stderr=log)
        end = time.time() + WAIT
        while not os.path.exists(port_file):
            if self.process.poll() is not None or time.time() > end:
                raise AssertionError("fsmd did not start: " + self.logged())
            time.sleep(0.01)
        with open(port_file) as port:
            self.port = int(port.read())


class Places(unittest.TestCase):
    def setUp(self):
        self.d = Daemon("--auth", "none", "--connections-max", "64", "--header-timeout", "3s", key=False)
        self.addCleanup(self.d.remove)

    def test_the_last_places_are_for_who_asks_how_we_do(self):
        held = connected(self.d, 55)  # of 64 the last 8 are kept; one more may come
        self.addCleanup(close_all, held)
        edge = connected(self.d, 1)[0]
        self.assertIn(b"HTTP/1.1 200", asked(edge))
        past = connected(self.d, 1)[0]
        answer = asked(past)
        self.assertIn(b"HTTP/1.1 503", answer)
        self.assertIn(b"Connection: close", answer)
        self.assertIn(b"Retry-After: 1", answer)
        for path in (b"/healthz", b"/metrics"):
            s = connected(self.d, 1)[0]
            answer = asked(s, path)
            self.assertIn(b"HTTP/1.1 200", answer)
            self.assertIn(b"Connection: close", answer)
            s.close()
        self.assertEqual(self.d.request("GET", "/v1/counts", local=True).status, 200)
        self.assertIn(b"HTTP/1.1 200", asked(edge))  # who has a place keeps it
        close_all(held + [edge, past])
        end = time.time() + WAIT
        while time.time() < end:
            s = connected(self.d, 1)[0]
            good = b"HTTP/1.1 200" in asked(s)
            s.close()
            if good:
                break
        self.assertTrue(good)

    def test_silent_ones_in_all_places_do_not_keep_health_out_for_long(self):
        held = connected(self.d, 64)
        begun = time.monotonic()
        self.assertEqual(self.d.request("GET", "/v1/counts", local=True).status, 200)
        s = connected(self.d, 1)[0]  # waits unaccepted until one of the reserve is over
        self.assertIn(b"HTTP/1.1 200", asked(s, b"/healthz"))
        self.assertLess(time.monotonic() - begun, WAIT / 2)
        close_all(held + [s])


class Answers(Case):
    options = ("--cors-origin", "https://app.example", "--cors-origin", "http://localhost:3000")

    def large(self):
        one = self.started()
        for _ in range(30):
            self.send(one, "NOPE")
        return "/v1/instances/%s/history" % one

    def test_gzip_is_given_to_who_asks_and_is_the_same(self):
        path = self.large()
        plain = self.d.request("GET", path)
        self.assertIsNone(plain.headers["Content-Encoding"])
        self.assertIn("Accept-Encoding", plain.headers["Vary"])
        connection = http.client.HTTPConnection("127.0.0.1", self.d.port, timeout=WAIT)
        for accept, packed in (("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("gzip;q=0", False), ("br", False)):
            connection.request("GET", path, headers={"Authorization": "Bearer " + token(), "Accept-Encoding": accept})
            answer = connection.getresponse()
            body = answer.read()
            self.assertEqual(answer.getheader("Content-Encoding"), "gzip" if packed else None, accept)
            self.assertIn("Accept-Encoding", answer.getheader("Vary"))
            if packed:
                self.assertLess(len(body), len(plain.text) // 3)
                body = gzip.decompress(body)
            self.assertEqual(json.loads(body), plain.json)
        connection.request("GET", "/v1/counts", headers={"Authorization": "Bearer " + token(), "Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        self.assertLess(len(answer.read()), 1024)
        self.assertIsNone(answer.getheader("Content-Encoding"))
        connection.close()

    def test_who_has_the_revision_is_not_sent_it_again(self):
        one = self.started()
        path = "/v1/instances/" + one
        etag = self.d.request("GET", path).headers["ETag"]
        for match in (etag, "W/" + etag, '"x", ' + etag, "*"):
            answer = self.d.request("GET", path, headers={"If-None-Match": match})
            self.assertEqual((answer.status, answer.text), (304, b""), match)
            self.assertEqual(answer.headers["ETag"], etag)
            self.assertEqual(answer.headers["Cache-Control"], "private, no-cache")
            self.assertIsNone(answer.headers["Content-Type"])
        for match in ('"999"', etag.strip('"'), "x"):
            self.assertEqual(self.d.request("GET", path, headers={"If-None-Match": match}).status, 200)
        self.send(one, "SUBMIT")
        answer = self.d.request("GET", path, headers={"If-None-Match": etag})
        self.assertEqual(answer.status, 200)
        self.assertNotEqual(answer.headers["ETag"], etag)
        missing = self.d.request("GET", "/v1/instances/none-such", headers={"If-None-Match": "*"})
        self.problem(missing, 404, "unknown_instance")
        answer = self.d.request("GET", "/v1/machines/doc")
        self.assertIsNotNone(answer.headers["ETag"])
        again = self.d.request("GET", "/v1/machines/doc", headers={"If-None-Match": answer.headers["ETag"]})
        self.assertEqual((again.status, again.text), (304, b""))

    def test_pages_of_allowed_origins_may_ask_and_no_others(self):
        ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
        for origin in ("https://app.example", "http://localhost:3000"):
            answer = self.d.request("OPTIONS", "/v1/instances", headers={"Origin": origin, "Authorization": None, **ask})
            self.assertEqual((answer.status, answer.text), (204, b""))
            self.assertEqual(answer.headers["Access-Control-Allow-Origin"], origin)
            self.assertIn("POST", answer.headers["Access-Control-Allow-Methods"])
            self.assertIn("Idempotency-Key", answer.headers["Access-Control-Allow-Headers"])
            self.assertIn("Origin", answer.headers["Vary"])
            self.assertIsNone(answer.headers["Access-Control-Allow-Credentials"])
            got = self.d.request("GET", "/v1/counts", headers={"Origin": origin})
            self.assertEqual((got.status, got.headers["Access-Control-Allow-Origin"]), (200, origin))
            self.assertIn("ETag", got.headers["Access-Control-Expose-Headers"])
            bad = self.d.request("GET", "/v1/none", headers={"Origin": origin})
            self.assertEqual((bad.status, bad.headers["Access-Control-Allow-Origin"]), (404, origin))
        for origin in ("https://app.example.evil.example", "http://app.example", "null", "https://app.example:8443"):
            answer = self.d.request("OPTIONS", "/v1/instances", headers={"Origin": origin, **ask})
            self.assertEqual(answer.status, 405)
            self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
            got = self.d.request("GET", "/v1/counts", headers={"Origin": origin})
            self.assertIsNone(got.headers["Access-Control-Allow-Origin"])
            self.assertIn("Origin", got.headers["Vary"])


class Off(Case):
    def test_without_a_setting_no_origin_is_allowed(self):
        answer = self.d.request("GET", "/v1/counts", headers={"Origin": "https://app.example"})
        self.assertIsNone(answer.headers["Access-Control-Allow-Origin"])
        self.assertIsNone(answer.headers["Vary"])


@unittest.skipIf(shutil.which("openssl") is None, "no openssl")
class Secure(unittest.TestCase):
    def pair(self, d):
        key, cert = os.path.join(d, "tls.key"), os.path.join(d, "tls.crt")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
                        cert, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                       check=True, stderr=subprocess.DEVNULL)
        os.chmod(key, 0o600)
        return key, cert

    def setUp(self):
        self.dir = os.path.realpath(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
        self.addCleanup(shutil.rmtree, self.dir)
        self.key, self.cert = self.pair(self.dir)

    def refused(self, *options):
        run = subprocess.run([FSMD, "--data", os.path.join(self.dir, "data"), "--auth", "none", *options],
                             stderr=subprocess.PIPE, text=True, timeout=WAIT)
        self.assertEqual(run.returncode, 2, run.stderr)
        return run.stderr

    def test_tls_is_served_from_1_2_on_and_plain_text_is_not(self):
        d = Daemon("--tls-cert", self.cert, "--tls-key", self.key)
        self.addCleanup(d.remove)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=self.cert)
            context.minimum_version = context.maximum_version = version
            connection = http.client.HTTPSConnection("localhost", d.port, context=context, timeout=WAIT)
            for _ in range(3):
                connection.request("GET", "/v1/counts", headers={"Authorization": "Bearer " + token(), "Host": "fsmd.example"})
                answer = connection.getresponse()
                self.assertEqual((answer.status, json.loads(answer.read())["items"]), (200, []))
            body = json.dumps(DEFINITION)
            connection.request("POST", "/v1/events", body='{"events":[' + " " * 500000 + "]}", headers={
                "Authorization": "Bearer " + token(), "Content-Type": "application/json"})
            self.assertIn(connection.getresponse().status, (200, 400, 422), body)
            connection.close()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                context.minimum_version = ssl.TLSVersion.TLSv1
                context.maximum_version = ssl.TLSVersion.TLSv1_1
        except ValueError:
            context = None
        if context:
            with self.assertRaises((ssl.SSLError, OSError)):
                context.wrap_socket(socket.create_connection(("127.0.0.1", d.port), timeout=WAIT))
        with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as s:
            s.sendall(GET % b"/healthz")
            try:
                self.assertNotIn(b"HTTP/1.1 200", s.recv(65536))
            except ConnectionResetError:
                pass
        self.assertEqual(d.request("GET", "/v1/counts", local=True).status, 200)
        self.assertEqual(d.stop(), 0)
        with open(self.key) as f:
            secret = f.read().split("\n")[1]
        self.assertNotIn(secret, d.logged())

    def shown(self, d):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(socket.create_connection(("127.0.0.1", d.port), timeout=WAIT)) as s:
            s.sendall(GET % b"/healthz")
            self.assertIn(b"HTTP/1.1 200", s.recv(65536))
            return s.getpeercert(binary_form=True)

    def renewed(self, d, says):
        before = d.logged().count(says)
        d.process.send_signal(signal.SIGHUP)
        await_("the line " + says, lambda: d.logged().count(says) > before)

    def test_a_certificate_is_renewed_while_it_serves_and_a_wrong_one_changes_nothing(self):
        d = Daemon("--tls-cert", self.cert, "--tls-key", self.key)
        self.addCleanup(d.remove)
        first = self.shown(d)
        context = ssl.create_default_context(cafile=self.cert)
        held = http.client.HTTPSConnection("localhost", d.port, context=context, timeout=WAIT)
        held.request("GET", "/healthz")
        self.assertEqual(held.getresponse().read()[:1], b"{")
        with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as waits:  # a handshake that has not begun
            with open(self.cert, "rb") as f:
                old = f.read()
            self.pair(self.dir)
            self.renewed(d, "certificate and key were read again")
            second = self.shown(d)
            self.assertNotEqual(first, second)
            waits.close()
        held.request("GET", "/healthz")  # goes on
        self.assertEqual(held.getresponse().read()[:1], b"{")
        held.close()
        for wrong in (old, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None):
            if wrong is None:
                os.chmod(self.key, 0o644)
            else:
                with open(self.cert, "wb") as f:
                    f.write(wrong)
            self.renewed(d, "the certificate or its key is wrong; nothing changes")
            self.assertEqual(self.shown(d), second)
        self.assertEqual(d.stop(), 0)

    def test_beyond_loopback_only_tls_or_a_proxy_is_served(self):
        self.assertIn("loopback", self.refused("--listen", "0.0.0.0:0"))
        d = Wide("--tls-cert", self.cert, "--tls-key", self.key)
        self.addCleanup(d.remove)
        self.assertEqual(d.stop(), 0)
        d = Wide("--behind-proxy", "--auth", "none", key=False)
        self.addCleanup(d.remove)
        with socket.create_connection(("127.0.0.1", d.port), timeout=WAIT) as s:
            s.sendall(b"GET /v1/counts HTTP/1.1\r\nHost: fsmd.example\r\n\r\n")
            self.assertIn(b"HTTP/1.1 200", s.recv(65536))
        self.assertEqual(d.stop(), 0)

    def test_what_cannot_be_used_is_refused_at_the_start(self):
        os.mkdir(os.path.join(self.dir, "other"))
        other, _ = self.pair(os.path.join(self.dir, "other"))
        self.assertIn("needs --tls-key", self.refused("--tls-cert", self.cert))
        self.assertIn("needs --tls-cert", self.refused("--tls-key", self.key))
        self.assertIn("belong together", self.refused("--tls-cert", self.cert, "--tls-key", other))
        self.assertIn("tls-cert", self.refused("--tls-cert", FSMD, "--tls-key", self.key))
        self.assertIn("opened", self.refused("--tls-cert", self.cert, "--tls-key", self.key + ".none"))
        self.assertIn("not both", self.refused("--tls-cert", self.cert, "--tls-key", self.key, "--behind-proxy"))
        self.assertIn("--no-listen", self.refused("--tls-cert", self.cert, "--tls-key", self.key, "--no-listen"))
        os.chmod(self.key, 0o640)
        said = self.refused("--tls-cert", self.cert, "--tls-key", self.key)
        self.assertIn("chmod 600", said)
        self.assertIn("tls-key", said)
        for origin in ("*", "app.example", "https://app.example/", "https://App.example"):
            self.assertIn("cors-origin", self.refused("--cors-origin", origin))


if __name__ == "__main__":
    unittest.main()
