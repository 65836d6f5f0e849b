#!/usr/bin/env python3
"""test_identity.py: a real fsmd: keys read again while it runs, which files of keys are refused, who is an admin, who may
use the socket, claims by configuration; and that keys are nowhere but in its memory while they are in use."""
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from http_daemon import DEFINITION, FSMD, WAIT, Daemon, UnixConnection
from token_maker import SECRETS, Keys, jwk_of, openssl, write

CLI = os.path.join(os.path.dirname(FSMD), "fsm-cli")
NOBODY = 65534


def made(keep=[]):
    """RSA keys take their time: made once."""
    if not keep:
        keep.append(Keys(tempfile.mkdtemp(prefix="test_identity.keys.")))
    return keep[0]


def tearDownModule():
    shutil.rmtree(made().dir)


def copy_of(keys, path):
    copied = Keys.__new__(Keys)
    copied.dir = shutil.copytree(keys.dir, path)
    return copied


def python():
    """One that other users can run."""
    for path in (sys.executable, "/usr/bin/python3"):
        try:
            subprocess.run([path, "-S", "-c", ""], user=NOBODY, cwd="/", check=True, timeout=WAIT)
            return path
        except (OSError, subprocess.CalledProcessError):
            pass
    raise unittest.SkipTest("no other user can run this python")


class Scene(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="test_identity.")
        self.addCleanup(shutil.rmtree, self.dir)
        self.keys = copy_of(made(), os.path.join(self.dir, "keys"))

    def daemon(self, *options, entries=None):
        d = Daemon("--jwt-keys", self.keys.write(entries), *options, key=False)
        self.addCleanup(d.remove)
        return d

    def reload(self, d, line):
        before = d.logged().count(line)
        d.process.send_signal(signal.SIGHUP)
        end = time.time() + WAIT
        while d.logged().count(line) == before:
            self.assertLess(time.time(), end, d.logged())
            time.sleep(0.01)

    def status(self, d, text, path="/v1/counts"):
        return d.request("GET", path, auth=text).status


class Told(Scene):
    def test_at_debug_the_log_says_why_a_token_is_refused_and_not_which_it_was(self):
        d = self.daemon("--log-level", "debug")
        token = self.keys.token("r256", aud="elsewhere")
        self.assertEqual(self.status(d, token), 401)
        line = next(line for line in d.logged().splitlines() if 'msg="a token is refused"' in line)
        self.assertIn("aud", line)
        self.assertNotIn(token.split(".")[1], d.logged())

    def test_who_does_not_escape_a_key_is_told_how_it_is_written(self):
        d = self.daemon()
        said = d.request("GET", "/v1/instances/doc/key:K-1", auth=self.keys.token("r256"))
        self.assertEqual(said.status, 404)
        self.assertIn("MACHINE%2Fkey:KEY", said.json["detail"])
        self.assertIn("/v1/openapi.json", d.request("GET", "/v2/x", auth=self.keys.token("r256")).json["detail"])


READ, WRONG = "the keys of tokens were read again", "the keys of tokens are wrong; nothing changes"


class Rotation(Scene):
    def test_a_key_that_is_gone_is_taken_for_the_overlap_and_not_longer(self):
        d = self.daemon("--jwt-overlap", "3s")
        old, new = self.keys.token("h256"), self.keys.token("r256")
        self.assertEqual((self.status(d, old), self.status(d, new)), (200, 200))
        self.keys.write([e for e in self.keys.entries() if e.get("kid") != "h256"])
        began = time.time()
        self.reload(d, READ)
        taken = self.status(d, old), self.status(d, new), self.status(d, self.keys.token("h256", sub="bob"))
        if time.time() < began + 2.5:  # else we were too slow to see it
            self.assertEqual(taken, (200,) * 3)
        while self.status(d, old) == 200:
            self.assertLess(time.time(), began + WAIT)
            time.sleep(0.05)
        self.assertGreater(time.time(), began + 2.5)
        self.assertEqual((self.status(d, old), self.status(d, new)), (401, 200))

    def test_without_overlap_a_remembered_token_goes_with_its_key_and_comes_back_with_it(self):
        d = self.daemon("--jwt-overlap", "0s")
        old = self.keys.token("h256")
        self.assertEqual(self.status(d, old), 200)
        self.keys.write([e for e in self.keys.entries() if e.get("kid") != "h256"])
        self.reload(d, READ)
        self.assertEqual(self.status(d, old), 401)
        self.keys.write()
        self.reload(d, READ)
        self.assertEqual(self.status(d, old), 200)

    def test_other_bytes_under_the_same_kid_are_another_key(self):
        d = self.daemon("--jwt-overlap", "1h", entries=[{"kid": "h256", "alg": "HS256", "file": "HS256"}])
        old = self.keys.token("h256")
        write(self.keys.at("HS256"), b"x" * 40)
        new = self.keys.token("h256", key=b"x" * 40)
        self.assertEqual((self.status(d, old), self.status(d, new)), (200, 401))
        self.reload(d, READ)
        self.assertEqual((self.status(d, old), self.status(d, new)), (200, 200))
        self.keys.write([{"kid": "h256", "alg": "HS256", "file": "HS256", "until": "2021-01-01T00:00:00Z"}])
        self.reload(d, READ)
        self.assertEqual(self.status(d, new), 401)  # who is in the file and over is over at once

    def test_the_key_of_jwt_key_rotates_too(self):
        path = self.keys.at("HS256")
        d = Daemon("--jwt-key", path, "--jwt-overlap", "1h", key=False)
        self.addCleanup(d.remove)
        old = self.keys.token("h256", header={"kid": None})
        write(path, b"y" * 40)
        self.reload(d, READ)
        new = self.keys.token("h256", key=b"y" * 40, header={"kid": None})
        self.assertEqual((self.status(d, old), self.status(d, new)), (200, 200))
        self.assertEqual(self.status(d, self.keys.token("h256", key=b"z" * 40, header={"kid": None})), 401)

    def test_a_wrong_file_changes_nothing(self):
        d = self.daemon()
        good = self.keys.token("e256")
        self.assertEqual(self.status(d, good), 200)
        for text in ("", "{", '{"keys":[]}', '{"keys":[{"kid":"a","alg":"HS256","file":"none"}]}', '{"keys":7}'):
            write(self.keys.at("keys.json"), text, 0o644)
            self.reload(d, WRONG)
            self.assertEqual((self.status(d, good), self.status(d, self.keys.token("h512"))), (200, 200))
        self.assertRegex(d.logged(), "keys.json.*/keys/0/file: .*none: the key file cannot be opened")

    def test_rules_of_a_key_hold_from_the_reading_on(self):
        d = self.daemon()
        good = self.keys.token("h256")
        self.assertEqual(self.status(d, good), 200)
        self.keys.write([{**e, "iss": "https://us"} if e.get("kid") == "h256" else e for e in self.keys.entries()])
        self.reload(d, READ)
        self.assertEqual((self.status(d, good), self.status(d, self.keys.token("h256", iss="https://us"))), (401, 200))


class Files(Scene):
    """A wrong key is a refusal to start, with the file and what to do."""

    def refused(self, *options, env=None):
        done = subprocess.run([FSMD, "--data", os.path.join(self.dir, "data"), "--listen", "127.0.0.1:0", *options],
                              stderr=subprocess.PIPE, timeout=WAIT, env={**os.environ, **(env or {})})
        self.assertEqual(done.returncode, 2, done.stderr)
        return done.stderr.decode()

    def keys_refused(self, what, *entries):
        with self.subTest(what):
            self.assertIn(what, self.refused("--jwt-keys", self.keys.write(list(entries))))

    def test_what_no_key_may_be(self):
        k = self.keys
        write(k.at("private.pub"), open(k.at("rsa"), "rb").read(), 0o600)
        write(k.at("cert"), "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n", 0o644)
        write(k.at("pkcs1"), openssl("rsa", "-in", k.at("rsa"), "-RSAPublicKey_out"), 0o644)
        write(k.at("two"), k.pem("rsa") + k.pem("rsa2"), 0o644)
        write(k.at("broken"), k.pem("rsa").replace(b"A", b"B", 40), 0o644)
        write(k.at("exponent"), openssl("pkey", "-pubin", "-inform", "DER", data=k.der("rsa")[:-3] + b"\0\0\3"), 0o644)
        shutil.copy(k.at("HS256"), k.at("open"))
        os.chmod(k.at("open"), 0o640)
        shutil.copy(k.at("rsa.pub"), k.at("loose.pub"))
        os.chmod(k.at("loose.pub"), 0o664)
        rs, es, hs = {"kid": "a", "alg": "RS256"}, {"kid": "a", "alg": "ES256"}, {"kid": "a", "alg": "HS256"}
        for entry, what in (({**rs, "file": "private.pub"}, "this is a private key"), ({**rs, "file": "cert"}, "this is a certificate"),
                            ({**rs, "file": "pkcs1"}, "write it as PUBLIC KEY"), ({**rs, "file": "two"}, "more than one key"),
                            ({**rs, "file": "broken"}, "the public key"), ({**rs, "file": "small.pub"}, "has 2048 to 8192 bits, this one has 1024"),
                            ({**rs, "file": "exponent"}, "the exponent of the RSA key"),
                            ({**rs, "file": "HS512"}, "no public key in PEM"), ({**rs, "file": "ec.pub"}, "RS256 needs an RSA key, and this is P-256"),
                            ({**es, "file": "rsa.pub"}, "ES256 needs a P-256 key, and this is RSA"), ({**es, "file": "p384.pub"}, "another curve than P-256"),
                            ({**hs, "file": "rsa.pub"}, "others may read or change it"), ({**hs, "file": "rsa"}, "this is PEM, not a secret for HS256"),
                            ({**hs, "alg": "HS384", "file": "HS256"}, "a key for HS384 has 48 to 4096 bytes, this one has 32"),
                            ({**hs, "alg": "HS512", "file": "HS384"}, "a key for HS512 has 64 to 4096 bytes, this one has 48"),
                            ({**hs, "file": "open"}, "mode 0640"), ({**rs, "file": "loose.pub"}, "others may change it; set 0644"),
                            ({**hs, "file": "none"}, "cannot be opened"), ({**hs, "file": "/dev/zero"}, "not a regular file"),
                            ({**hs, "file": "credential:../x"}, "has no /"), ({**hs, "file": "credential:x"}, "LoadCredential=x:FILE")):
            self.keys_refused(what, entry)

    def test_what_no_entry_may_be(self):
        ec = jwk_of(self.keys.der("ec"), "a")
        hs = {"kid": "a", "alg": "HS256", "file": "HS256"}
        for entries, what in ((["x"], "/keys/0: a key is an object"), ([{"kid": "a"}], "/keys/0: a key has file, jwks or kty"),
                              ([{**hs, "kit": 1}], "there is no member kit here"), ([{**hs, "alg": "none"}], "/keys/0/alg: it is one of HS256"),
                              ([{**hs, "alg": "PS256"}], "/keys/0/alg"), ([{**hs, "kid": "a\n"}], "/keys/0/kid"), ([{**hs, "iss": 7}], "/keys/0/iss"),
                              ([{**hs, "aud": []}], "/keys/0/aud"), ([{**hs, "aud": [7]}], "/keys/0/aud"), ([{**hs, "admin": "no"}], "/keys/0/admin"),
                              ([{**hs, "until": "tomorrow"}], "/keys/0/until"), ([hs, hs], "/keys/1/kid: another key has the same kid"),
                              ([hs, {"alg": "HS512", "file": "HS512"}], "several keys, so each needs a kid"), ([], "there is no key in it"),
                              ([{"kty": "oct", "k": "AAAA"}], "a secret does not belong in this file"), ([{**ec, "d": "AAAA"}], "this is a private key"),
                              ([{**ec, "x": ec["y"]}], "x and y are not a point"), ([{**ec, "x": "AAAA"}], "32 bytes each"), ([{**ec, "x": "A=="}], "/keys/0/x"),
                              ([{**ec, "crv": "P-384"}], "there is no key in it"), ([{**ec, "use": "enc"}], "there is no key in it"),
                              ([{"kty": "RSA", "n": "AQAB", "e": "AQAB"}], "2048 to 8192 bits"), ([{"jwks": "none"}], "none"),
                              ([{"jwks": "idp.json", "kid": "x"}], "there is no member kid here"), ([dict(hs, kid="k%d" % i) for i in range(65)], "more than 64 keys")):
            self.keys_refused(what, *entries)
        self.assertIn("give one of them", self.refused("--jwt-keys", self.keys.write(), "--jwt-key", self.keys.at("HS256")))

    def test_a_published_jwks_is_a_file_of_keys(self):
        d = Daemon("--jwt-keys", self.keys.at("idp.json"), key=False)
        self.addCleanup(d.remove)
        for kid in ("idp-rsa", "idp-ec"):
            self.assertEqual(self.status(d, self.keys.token(kid)), 200)
        self.assertEqual(self.status(d, self.keys.token("r256")), 401)

    def test_a_single_key_needs_no_kid(self):
        d = self.daemon(entries=[{"alg": "ES256", "file": "ec.pub"}])
        for kid in (None, "any", "e256"):
            self.assertEqual(self.status(d, self.keys.token("e256", header={"kid": kid})), 200)
        self.assertEqual(self.status(d, self.keys.token("h256")), 401)

    def test_keys_come_as_credentials_too(self):
        credentials = os.path.join(self.dir, "credentials")
        os.mkdir(credentials)
        write(os.path.join(credentials, "hs"), SECRETS["HS256"], 0o440 if os.geteuid() == 0 else 0o400)
        write(os.path.join(credentials, "keys"), json.dumps({"keys": [{"alg": "HS256", "file": "credential:hs"}]}), 0o400)
        os.environ["CREDENTIALS_DIRECTORY"] = credentials
        self.addCleanup(os.environ.pop, "CREDENTIALS_DIRECTORY")
        for option, name in (("--jwt-key", "credential:hs"), ("--jwt-keys", "credential:keys")):
            d = Daemon(option, name, key=False)
            self.addCleanup(d.remove)
            self.assertEqual(self.status(d, self.keys.token("h256")), 200)
            self.assertEqual(d.stop(), 0)

    def test_wrong_settings_of_identity_are_refused(self):
        keys = ("--jwt-keys", self.keys.write())
        for words, what in ((("--admin-allow", "'ops' in actor.rols"), "--admin-allow detail=\"1:"), (("--admin-allow", "actor.sub =="), "--admin-allow detail=\"1:"),
                            (("--admin-allow", "actor.sub"), "--admin-allow detail=\"1:"), (("--admin-allow", "context.x == 1"), "--admin-allow detail=\"1:"),
                            (("--jwt-leeway", "301s"), "--jwt-leeway"), (("--jwt-overlap", "8d"), "--jwt-overlap"),
                            (("--socket-users", "root"), "give --socket PATH too"),
                            (("--socket", self.dir + "/s", "--socket-users", "nobody-of-that-name"), "there is no such user"),
                            (("--socket", self.dir + "/s", "--socket-users", "group:none-of-that-name"), "there is no such group")):
            with self.subTest(words):
                self.assertIn(what, self.refused(*keys, *words).replace("where=", ""))


class Claims(Scene):
    def test_claims_by_configuration(self):
        d = self.daemon("--jwt-sub-claim", "preferred_username", "--jwt-session-claim", "session.id", "--jwt-roles-claims",
                        "realm_access.roles", "--jwt-roles-claims", "https://example.org/roles", "--jwt-roles-claims", "scp",
                        "--jwt-audience", "workflow", "--jwt-leeway", "0s")
        self.assertEqual(d.request("POST", "/v1/machines", DEFINITION, local=True).status, 201)
        more = {"preferred_username": "ann b", "session": {"id": "s 7"}, "realm_access": {"roles": ["boss"]},
                "https://example.org/roles": ["x"], "scp": "read write", "roles": ["not these"], "aud": "workflow"}
        self.assertEqual(d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}, auth=self.keys.token(**more)).status, 201)
        act = d.request("GET", "/v1/instances/i/history", local=True).json["items"][0]["act"]
        self.assertEqual((act["sub"], act["sid"], act["roles"]), ("ann b", "s 7", ["boss", "x", "read", "write"]))
        for name, wrong in (("preferred_username", None), ("preferred_username", 7), ("session", {"id": 7}), ("realm_access", {"roles": 7}),
                            ("aud", "fsmd"), ("exp", int(time.time()) - 1)):
            self.assertEqual(self.status(d, self.keys.token(**{**more, name: wrong})), 401, name)
        self.assertEqual(self.status(d, self.keys.token(**{**more, "session": 7, "realm_access": "x"})), 200)  # no such path


class Admins(Scene):
    ORDER = ("POST", "/v1/db/check")

    def may(self, d, auth=None, **how):
        answer = d.request(*self.ORDER, auth=auth, **how)
        if answer.status == 403:
            self.assertEqual(answer.json["code"], "not_permitted")
        return answer.status

    def test_admin_is_denied_by_default(self):
        d = self.daemon()
        t = self.keys.token
        for name, text in {"none": t(), "ours": t(aud="fsmd"), "a role": t(roles=["admin", "fsmd-admin"]), "a claim": t(admin=True),
                           "sub": t(sub="root"), "another's": t("partner", aud=["flow", "fsmd-admin"]), "nearly": t(aud=["fsmd", "fsmd-admin "])}.items():
            with self.subTest(name):
                self.assertEqual(self.may(d, text), 403)
                self.assertEqual(d.request("POST", "/v1/machines", DEFINITION, auth=text).status, 403)
        self.assertEqual(d.request("GET", "/v1/machines", local=True).json["items"], [])
        for text in (t(aud="fsmd-admin"), t("idp-rsa", aud=["fsmd", "fsmd-admin"])):
            self.assertEqual(self.may(d, text), 200)
        self.assertEqual(d.request("POST", "/v1/machines", DEFINITION, auth=t(aud="fsmd-admin")).status, 201)

    def test_admin_allow_has_the_last_word(self):
        d = self.daemon("--admin-audience", "ops", "--admin-allow", "'ops' in actor.roles && actor.iss == 'https://idp'")
        t = self.keys.token
        self.assertEqual(self.may(d, t("idp-rsa", aud="ops", roles=["ops"])), 200)
        for text in (t("idp-rsa", aud="ops", roles=["dev"]), t("idp-rsa", aud="ops"), t(aud="ops", roles=["ops"]), t("idp-ec", roles=["ops"])):
            self.assertEqual(self.may(d, text), 403)
        self.assertEqual(self.status(d, t(aud="fsmd-admin")), 401)
        self.assertEqual(self.may(d, local=True), 200)  # whoever may change the files

    def test_on_the_socket_a_token_says_who_asks(self):
        """Else a gateway that runs as the daemon's user would make an admin of everyone whose token it passes on."""
        d = self.daemon()
        self.assertEqual(self.may(d, local=True), 200)
        self.assertEqual(self.may(d, self.keys.token(), local=True), 403)
        self.assertEqual(self.may(d, "a.b.c", local=True), 403)
        self.assertEqual(self.may(d, self.keys.token(aud="fsmd-admin"), local=True), 200)

    def test_without_tokens_everyone_deploys_and_nobody_administers(self):
        d = Daemon("--auth", "none", key=False)
        self.addCleanup(d.remove)
        self.assertEqual(d.request("POST", "/v1/machines", DEFINITION, auth="").status, 201)
        self.assertEqual(self.may(d, ""), 403)

    def test_minted_tokens_are_good(self):
        d = self.daemon()
        for words, admin in (((), 403), (("--admin",), 200), (("--aud", "fsmd"), 403), (("--aud", "fsmd", "--admin"), 200)):
            for kid, alg, key in (("h256", "HS256", "HS256"), ("h512", "HS512", "HS512"), ("r256", "RS256", "rsa"), ("e256", "ES256", "ec")):
                text = subprocess.run([CLI, "token", "mint", "--key", self.keys.at(key), "--alg", alg, "--kid", kid, "--sub", "dev", *words],
                                      check=True, stdout=subprocess.PIPE, timeout=WAIT).stdout.decode().strip()
                self.assertEqual((self.status(d, text), self.may(d, text)), (200, admin), (kid, words))


@unittest.skipUnless(os.geteuid() == 0, "needs other users")
class SocketUsers(Scene):
    def ask(self, d, path, uid, gid=NOBODY, groups=()):
        code = ("import http.client, socket, sys\n"
                "c = http.client.HTTPConnection('x', timeout=20); c.sock = socket.socket(socket.AF_UNIX); c.sock.connect(sys.argv[1])\n"
                "c.request(sys.argv[2], sys.argv[3]); r = c.getresponse(); print(r.status, r.read().decode())")
        done = []
        for method, target in (("GET", "/healthz"), ("GET", "/v1/counts"), ("POST", "/v1/db/check")):
            out = subprocess.run([python(), "-S", "-c", code, path, method, target], user=uid, group=gid, extra_groups=list(groups), cwd="/",
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=WAIT)
            done.append(int(out.stdout.split()[0]) if out.returncode == 0 else out.stderr.decode().strip().rpartition("\n")[2].split(":")[0])
        return done

    def test_others_use_the_socket_when_they_are_named(self):
        os.chmod(self.dir, 0o755)
        path = os.path.join(self.dir, "socket")
        d = self.daemon("--socket", path, "--socket-users", "2001", "--socket-users", "group:3001")
        self.assertEqual(self.ask(d, path, 2001), [200, 200, 403])
        self.assertEqual(self.ask(d, path, 2002, 3001), [200, 200, 403])
        self.assertEqual(self.ask(d, path, 2002, NOBODY, [3000, 3001]), [200, 200, 403])
        self.assertEqual(self.ask(d, path, 2002, NOBODY, [3000, 2001]), [403, 403, 403])
        self.assertEqual(self.ask(d, path, 0, 0), [200, 200, 200])
        self.assertEqual(d.stop(), 0)
        self.assertIn(b"uid 2002 is not among the users of the socket", d.journal())

    def test_by_default_the_socket_is_closed_to_others(self):
        os.chmod(self.dir, 0o755)
        path = os.path.join(self.dir, "socket")
        d = self.daemon("--socket", path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        self.assertEqual(self.ask(d, path, 2001), ["PermissionError"] * 3)


class Secrets(Scene):
    def memory(self, d):
        """All that the process can write to, as root sees it."""
        with open("/proc/%d/maps" % d.process.pid) as maps, open("/proc/%d/mem" % d.process.pid, "rb") as mem:
            for line in maps:
                begin, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
                size = int(end, 16) - int(begin, 16)
                if "w" in rights and size <= 256 << 20:
                    mem.seek(int(begin, 16))
                    try:
                        yield mem.read(size)
                    except OSError:
                        pass

    @unittest.skipUnless(os.geteuid() == 0, "only root reads the memory of another process")
    def test_a_key_that_is_gone_is_gone_from_memory(self):
        d = self.daemon("--jwt-overlap", "0s")
        kept = [e for e in self.keys.entries() if e.get("kid") != "h512"]
        self.assertEqual((self.status(d, self.keys.token("h512")), self.status(d, self.keys.token("h256"))), (200, 200))
        secret = SECRETS["HS512"][-32:]  # an allocator writes over the beginning of what is freed
        self.assertTrue(any(secret in part for part in self.memory(d)))  # it can be seen
        self.keys.write(kept)
        self.reload(d, READ)
        self.assertEqual(self.status(d, self.keys.token("h512")), 401)
        self.assertFalse(any(secret in part for part in self.memory(d)))

    def test_no_core_is_written(self):
        write(self.keys.at("HS256"), SECRETS["HS256"])
        limit = resource.getrlimit(resource.RLIMIT_CORE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_CORE, limit)
        resource.setrlimit(resource.RLIMIT_CORE, (limit[1], limit[1]))
        os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":disable_coredump=0:handle_abort=0"
        d = self.daemon()
        self.assertEqual(self.status(d, self.keys.token()), 200)
        os.kill(d.process.pid, signal.SIGABRT)
        _, status = os.waitpid(d.process.pid, 0)
        d.process.returncode = -signal.SIGABRT
        self.assertTrue(os.WIFSIGNALED(status))
        self.assertFalse(os.WCOREDUMP(status))

    @unittest.skipUnless(os.geteuid() == 0, "as another user, who could else trace it")
    def test_no_process_of_the_same_user_reads_it(self):
        os.chmod(self.dir, 0o755)
        home = os.path.join(self.dir, "home")
        os.mkdir(home)
        key = write(os.path.join(home, "key"), SECRETS["HS256"])
        program = shutil.copy(FSMD, os.path.join(self.dir, "fsmd"))
        for path in (home, key):
            os.chown(path, NOBODY, NOBODY)
        process = subprocess.Popen([program, "--data", home + "/data", "--listen", "127.0.0.1:0", "--jwt-key", key, "--port-file", home + "/port"],
                                   user=NOBODY, group=NOBODY, extra_groups=[], cwd="/", stderr=subprocess.DEVNULL)
        try:
            end = time.time() + WAIT
            while not os.path.exists(home + "/port"):
                self.assertLess(time.time(), end)
                self.assertIsNone(process.poll())
                time.sleep(0.01)
            self.assertEqual(os.stat("/proc/%d/mem" % process.pid).st_uid, 0)  # of root: it is not dumpable
            for name in ("mem", "environ"):
                done = subprocess.run(["cat", "/proc/%d/%s" % (process.pid, name)], user=NOBODY, group=NOBODY, stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL, timeout=WAIT)
                self.assertNotEqual(done.returncode, 0)
        finally:
            process.kill()
            process.wait()

    def test_words_and_environment_and_log_hold_no_key(self):
        d = self.daemon()
        bad = self.keys.token(key=b"z" * 32)
        self.assertEqual((self.status(d, self.keys.token()), self.status(d, bad)), (200, 401))
        for place in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (d.process.pid, place), "rb") as file:
                text = file.read()
            for secret in SECRETS.values():
                self.assertNotIn(secret, text)
        for secret in [s.decode() for s in SECRETS.values()] + [bad, bad.split(".")[2]]:
            self.assertNotIn(secret, d.logged())


if __name__ == "__main__":
    unittest.main(verbosity=2)
