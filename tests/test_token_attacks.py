#!/usr/bin/env python3
"""test_token_attacks.py: a real fsmd with keys of five algorithms and three issuers against more than a hundred
forged, bent and stale tokens: each is refused, all in the same words, nothing changes, and the record says why.

And against two dozen good ones, so that what refuses everything does not pass.
"""
import json
import os
import shutil
import socket
import tempfile
import time
import unittest

from http_daemon import DEFINITION, Daemon
from token_maker import PARTNER, SECRETS, Keys, b64, resigned, sha256, unb64

H256 = '{"alg":"HS256","kid":"h256"}'
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256


def claims(**more):
    now = int(time.time())
    return json.dumps({k: v for k, v in {"sub": "ann", "exp": now + 600, **more}.items() if v is not None})


def headers(keys):
    """Which algorithm, which key."""
    pem, der, ec = keys.pem("rsa"), keys.der("rsa"), keys.pem("ec")
    unsigned = {name: {"alg": name, "kid": "h256"} for name in ("none", "None", "NONE", "nOnE", "")}
    for name, header in unsigned.items():
        yield "alg %r without a signature" % name, b64(json.dumps(header).encode()) + "." + b64(claims().encode()) + "."
        yield "alg %r signed" % name, resigned(keys, header, claims())
    yield "alg missing", resigned(keys, {"kid": "h256"}, claims())
    for value in (None, 1, True, ["HS256"], {"HS256": 1}, "hs256", "HS256 ", "HS256\n", "HS1", "RS512", "PS256", "ES384", "EdDSA"):
        yield "alg is %r" % (value,), resigned(keys, json.dumps({"alg": value, "kid": "h256"}), claims())
    for name, secret in (("RSA key in PEM", pem), ("RSA key in PEM, no newline", pem.strip()), ("RSA key in DER", der)):
        yield "HS256 with the public " + name, keys.token("r256", alg="HS256", key=secret)
        yield "HS256 without kid with the public " + name, keys.token("r256", alg="HS256", key=secret, header={"kid": None})
        yield "HS256 under the kid of a secret with the public " + name, keys.token("h256", key=secret)
    yield "HS512 with the public RSA key in PEM", keys.token("r256", alg="HS512", key=pem)
    yield "HS256 with the public EC key in PEM", keys.token("e256", alg="HS256", key=ec)
    yield "HS256 with the public EC key in DER", keys.token("e256", alg="HS256", key=keys.der("ec"))
    yield "HS256 with the modulus of a JWKS", keys.token("idp-rsa", alg="HS256", key=keys.der("rsa2")[-261:-5])
    yield "RS256 under a key of ES256", keys.token("e256", alg="RS256", key="rsa")
    yield "ES256 under a key of RS256", keys.token("r256", alg="ES256", key="ec")
    yield "HS512 under a key of HS256", keys.token("h256", alg="HS512", key=SECRETS["HS256"])
    yield "HS256 under a key of HS512", keys.token("h512", alg="HS256", key=SECRETS["HS512"])
    yield "kid of another key of the same algorithm", keys.token("partner", key=SECRETS["HS256"])
    yield "another RSA key", keys.token("r256", key="rsa2")
    yield "another EC key", keys.token("e256", key="ec2")
    yield "an empty secret", keys.token("h256", key=b"")
    yield "a key that is for encryption", keys.token("r256", header={"kid": "idp-enc"})
    yield "a key whose time has ended", keys.token("ended")


def kids(keys):
    yield "kid missing with several keys", keys.token(header={"kid": None})
    for kid in ("unknown", "", "H256", "h256 ", "../../etc/passwd", "/dev/null", "../../../../../../dev/null", "h256\0",
                "' OR 1=1 --", "h256'; DROP TABLE keys", "|sleep 9", "$(id)", "%2e%2e%2f", "a" * 128, "a" * 129, "a" * 4000,
                "\u202eh256", "HS256", keys.at("HS256"), "credential:HS256"):
        yield "kid %r" % kid[:30], keys.token(header={"kid": kid})
        if kid:
            yield "kid %r over an empty key" % kid[:30], keys.token(key=b"\0", header={"kid": kid})
    for kid in (7, None, True, ["h256"], {"h256": 1}):
        yield "kid is %r" % (kid,), resigned(keys, json.dumps({"alg": "HS256", "kid": kid}), claims())


def members(keys):
    """A header that brings a key, a place of one, or an extension."""
    jwk = {"kty": "oct", "k": b64(SECRETS["HS256"])}
    for name, value in {"jwk": jwk, "jku": "http://127.0.0.1/jwks", "x5u": "http://127.0.0.1/x", "x5c": ["MIIC"],
                        "crit": ["exp"], "b64": False, "zip": "DEF", "cty": "JWT", "enc": "A128GCM", "epk": {}, "p2c": 1,
                        "x": 1, "Alg": "none", "x5t": 7}.items():
        yield "header with " + name, keys.token(header={name: value})
    yield "typ JWE", keys.token(header={"typ": "JWE"})
    yield "typ at+jwt", keys.token(header={"typ": "at+jwt"})  # libjwt does not take it
    yield "typ 1", keys.token(header={"typ": 1})
    yield "alg twice", resigned(keys, '{"alg":"HS256","alg":"none","kid":"h256"}', claims())
    yield "alg twice, escaped", resigned(keys, '{"alg":"HS256","\\u0061lg":"none","kid":"h256"}', claims())
    yield "kid twice", resigned(keys, '{"alg":"HS256","kid":"h256","kid":"h512"}', claims())
    yield "sub twice", resigned(keys, H256, claims()[:-1] + ',"sub":"root"}')
    yield "exp twice", resigned(keys, H256, claims()[:-1] + ',"exp":99999999999}')
    yield "aud twice", resigned(keys, H256, claims(aud="fsmd")[:-1] + ',"aud":"fsmd-admin"}')
    yield "nested member twice", resigned(keys, H256, claims()[:-1] + ',"x":{"a":1,"a":2}}')
    for name, text in {"an array": "[]", "null": "null", "a string": '"x"', "nothing": "", "two values": claims() + "{}",
                       "cut": claims()[:-1], "deep": '{"a":' * 2000 + "1" + "}" * 2000, "deep lists": "[" * 3000 + "]" * 3000,
                       "a huge number": claims()[:-1] + ',"x":1e999}', "many digits": claims()[:-1] + ',"x":' + "9" * 400 + "}",
                       "NaN": claims()[:-1] + ',"x":NaN}', "a comment": claims()[:-1] + "/**/}",
                       "NUL": claims()[:-1] + ',"x":"\\u0000"}', "half a pair": claims()[:-1] + ',"x":"\\ud800"}'}.items():
        yield "payload is " + name, resigned(keys, H256, text)
    yield "payload with bad UTF-8", resigned(keys, H256, claims()[:-1].encode() + b',"x":"\xff"}')
    yield "header is an array", resigned(keys, "[]", claims())
    yield "header with a mark of order", resigned(keys, b"\xef\xbb\xbf" + H256.encode(), claims())


def times(keys):
    now = int(time.time())
    for value in ("9999999999", -1, 0, -1.5, True, None, [], {}, [now + 600], 1e300, 2**63, 253402300800, now - 31, now - 3600, 1):
        yield "exp is %r" % (value,), resigned(keys, H256, json.dumps({"sub": "ann", "exp": value}))
    yield "exp is Infinity", resigned(keys, H256, '{"sub":"ann","exp":Infinity}')
    yield "exp missing", keys.token(exp=None)
    for name in ("nbf", "iat"):
        for value in (now + 120, now + 10**6, str(now), -1, True, [], 1e300):
            yield "%s is %r" % (name, value), keys.token(**{name: value})
        yield name + " is null", resigned(keys, H256, claims()[:-1] + ',"%s":null}' % name)


def names(keys):
    for name, value in {"sub": (None, "", 7, ["ann"], {}, "a\nb", "a\0b", "a\x9bb", "x" * 129),
                        "jti": ("", 7, [], "a\r\nX: y", "x" * 129), "iss": ("", 7, ["https://x"], "x" * 257),
                        "aud": ("", "other", "fsmd ", "FSMD", [], ["other"], ["fsmd", 7], 7, True, {}, {"fsmd": 1}, [["fsmd"]]),
                        "roles": (7, True, {}, [1], [""], [["a"]], ["x" * 129], ["r%d" % i for i in range(33)]),
                        "scope": (7, {}, "a\tb"), "groups": (1, [None])}.items():
        for one in value:
            yield "%s is %r" % (name, one if len(repr(one)) < 40 else repr(one)[:40]), keys.token(**{name: one})
    yield "aud is null", resigned(keys, H256, claims()[:-1] + ',"aud":null}')
    yield "iss of nobody under a key with one", keys.token("partner", iss=None)
    yield "iss of another", keys.token("partner", iss="https://idp")
    yield "iss with another case", keys.token("partner", iss="https://PARTNER")
    yield "iss as a list", keys.token("idp-rsa", iss=["https://idp"])
    yield "aud of ours under a key with its own", keys.token("partner", aud="fsmd")
    yield "no aud under a key with its own", keys.token("partner", aud=None)
    yield "aud of admins under a key that may not", keys.token("partner", aud="fsmd-admin")
    yield "iss missing under a JWKS", keys.token("idp-ec", iss=None)


def spelling(keys):
    good = keys.token()
    head, payload, signature = good.split(".")
    for name, text in {"header alone": head, "two parts": head + "." + payload, "no signature": head + "." + payload + ".",
                       "four parts": good + ".x", "five parts, as of a JWE": good + ".x.y", "no header": "." + payload + "." + signature,
                       "no payload": head + ".." + signature, "only dots": "..", "one dot more": good + ".",
                       "header cut": head[:-1] + "." + payload + "." + signature, "payload cut": head + "." + payload[:-2] + "." + signature,
                       "signature cut by 1": good[:-1], "signature cut by 4": good[:-4], "signature with more": good + "AA",
                       "signature of 32 zeroes": head + "." + payload + "." + b64(bytes(32)),
                       "signature of 16 bytes": head + "." + payload + "." + b64(unb64(signature)[:16]),
                       "padding behind": good + "=", "padding in the header": head + "=." + payload + "." + signature,
                       "standard alphabet": head + "." + payload + "." + "+/" + signature[2:], "a blank inside": head + ". " + payload + "." + signature,
                       "a tab inside": head + ".\t" + payload + "." + signature, "another word behind": good + " x", "a comma behind": good + ",",
                       "a quote around": '"' + good + '"', "percent escapes": good.replace(".", "%2e"), "parts turned round": ".".join((signature, payload, head)),
                       "header of another": keys.token("h384").split(".")[0] + "." + payload + "." + signature}.items():
        yield name, text
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for more in (1, 2, 3):  # the bits of the last digit that no byte has
        yield "another spelling of the signature %d" % more, good[:-1] + digits[digits.index(good[-1]) + more]
    yield "payload of another", head + "." + b64(claims(sub="root").encode()) + "." + signature
    large = 8193 * 3 // 4 - 300
    while len(keys.token(x="y" * large)) < 8193:
        large += 1
    yield "8193 bytes or a little more", keys.token(x="y" * large)
    yield "12 KB", keys.token(x="y" * 8800)


def asymmetric(keys):
    rsa, ec = keys.token("r256"), keys.token("e256")
    for name, good, size in (("RS256", rsa, 256), ("ES256", ec, 64)):
        text, _, signature = good.rpartition(".")
        raw = unb64(signature)
        assert len(raw) == size
        for what, other in {"empty": b"", "zero": bytes(size), "one byte less": raw[:-1], "one byte more": raw + b"\0", "a zero in front": b"\0" + raw,
                            "all ones": b"\xff" * size, "a bit changed": raw[:-1] + bytes([raw[-1] ^ 1]), "twice": raw + raw}.items():
            yield "%s, signature %s" % (name, what), text + "." + b64(other)
    text, _, signature = ec.rpartition(".")
    r, s = unb64(signature)[:32], unb64(signature)[32:]
    der = b"\x30\x44\x02\x20" + r + b"\x02\x20" + s
    order = ORDER.to_bytes(32, "big")
    for what, other in {"in DER": der, "r = 0": bytes(32) + s, "s = 0": r + bytes(32), "r = n": order + s, "s = n": r + order, "r = 1, s = 1":
                        bytes(31) + b"\1" + bytes(31) + b"\1", "halves turned round": s + r}.items():
        yield "ES256, signature " + what, text + "." + b64(other)
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for name, good in (("RS256", rsa), ("ES256", ec)):
        for more in (1, 15):  # four bits of the last digit are of no byte
            yield "%s, another spelling of the signature %d" % (name, more), good[:-1] + digits[digits.index(good[-1]) + more]
    # As long as the signature that the key wants, and libjwt would take them: alg is that of the key, or nothing is.
    yield "HS512 with the public EC key in PEM", keys.token("e256", alg="HS512", key=keys.pem("ec"))
    yield "RS256 signed with SHA-1", keys.token("r256", alg="RS256")[:-8] + "AAAAAAAA"


def good_tokens(keys):
    now = int(time.time())
    for kid in ("h256", "h384", "h512", "r256", "e256", "partner", "idp-rsa", "idp-ec"):
        yield kid, keys.token(kid), {"sub": "ann", "sid": "s-1"}
    yield "no typ", keys.token(header={"typ": None}), {}
    yield "typ in small letters", keys.token(header={"typ": "jwt"}), {}
    yield "a thumbprint", keys.token("idp-rsa", header={"x5t": "abc", "x5t#S256": "def"}), {}
    yield "aud", keys.token(aud="fsmd"), {}
    yield "aud among others", keys.token(aud=["billing", "fsmd"]), {}
    yield "aud of the key", keys.token("partner", aud=["other", "billing"]), {"iss": "https://partner"}
    yield "aud of admins", keys.token(aud="fsmd-admin"), {"admin": True}
    yield "just expired", keys.token(exp=now - 20), {}
    yield "not quite valid yet", keys.token(nbf=now + 20, iat=now + 20), {}
    yield "a fraction of a second", keys.token(exp=now + 600.5), {}
    yield "no session", keys.token(jti=None), {"sid": None}
    yield "roles of three claims", keys.token(roles=["a", "b"], scope="b c  d", groups=["e"]), {"roles": ["a", "b", "c", "d", "e"]}
    yield "a role with a blank", keys.token(groups="Document Approver"), {"roles": ["Document Approver"]}
    yield "32 roles, some twice", keys.token(roles=["r%d" % i for i in range(32)] + ["r1"]), {}
    yield "no roles", keys.token(roles=[]), {"roles": []}
    yield "claims that are not ours", keys.token(x={"a": [1, 2.5, None]}, azp="web"), {}
    yield "names of the world", keys.token(sub="Ærøskøbing 東京"), {"sub": "Ærøskøbing 東京"}
    yield "nearly 8 KB", keys.token(x="y" * 5800), {}


class Attacks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = tempfile.mkdtemp(prefix="test_token_attacks.")
        cls.keys = Keys(os.path.join(cls.dir, "keys"))
        cls.d = Daemon("--jwt-keys", cls.keys.write(), key=False)
        assert cls.d.request("POST", "/v1/machines", DEFINITION, local=True).status == 201
        assert cls.d.request("POST", "/v1/instances", {"machine": "doc", "id": "i"}, local=True).status == 201

    @classmethod
    def tearDownClass(cls):
        cls.d.remove()
        shutil.rmtree(cls.dir)

    def setUp(self):
        self.before = self.d.request("GET", "/v1/instances/i", local=True).json

    def tearDown(self):
        after = self.d.request("GET", "/v1/instances/i", local=True).json
        self.assertEqual({**after, "now": 0}, {**self.before, "now": 0})

    def attack(self, table):
        said, count = set(), 0
        for name, text in table(self.keys):
            header = {"Authorization": ("Bearer " + text).encode("utf-8", "surrogatepass").decode("latin-1")}
            if "\n" in header["Authorization"] or "\0" in header["Authorization"]:
                raise AssertionError("not a header: " + name)
            answer = self.d.request("POST", "/v1/instances/i/events", {"event": "SUBMIT"}, auth="", headers=header)
            with self.subTest(name):
                self.assertEqual((answer.status, answer.json["code"]), (401, "bad_token"), answer)
                self.assertEqual(answer.headers["WWW-Authenticate"], 'Bearer realm="fsmd", error="invalid_token"')
            said.add(json.dumps({**answer.json, "correlation": 0}))
            count += 1
        self.assertEqual(len(said), 1, said)  # who asks learns nothing of what was wrong
        self.assertIn("the token is not accepted", said.pop())
        return count

    def test_algorithms(self):
        self.assertGreater(self.attack(headers), 40)

    def test_kids(self):
        self.assertGreater(self.attack(kids), 40)

    def test_members_of_header_and_payload(self):
        self.assertGreater(self.attack(members), 35)

    def test_times(self):
        self.assertGreater(self.attack(times), 25)

    def test_names_and_audiences(self):
        self.assertGreater(self.attack(names), 40)

    def test_spelling(self):
        self.assertGreater(self.attack(spelling), 30)

    def test_signatures_of_public_keys(self):
        self.assertGreater(self.attack(asymmetric), 20)

    def test_headers_that_are_no_bearer_token(self):
        good = self.keys.token()
        for value in ("Bearer", "Bearer ", "bearer", good, "Basic " + good, "JWT " + good, "Token " + good, "Bearer:" + good, "Bearer=" + good,
                      "Bearer\t" + good, "Bearer,Bearer " + good, "DPoP " + good, "Bearer Bearer " + good, ""):
            with self.subTest(value[:20]):
                answer = self.d.request("GET", "/v1/counts", auth="", headers={"Authorization": value})
                self.assertEqual((answer.status, answer.json["code"]), (401, "bad_token"), answer)

    def test_a_token_elsewhere_is_not_looked_for(self):
        good = self.keys.token()
        for path, more in (("/v1/counts", {"Cookie": "access_token=" + good}), ("/v1/counts", {"X-Access-Token": good}),
                           ("/v1/counts", {"Proxy-Authorization": "Bearer " + good})):
            self.assertEqual(self.d.request("GET", path, auth="", headers=more).status, 401)
        for name in ("access_token", "token", "jwt"):
            self.assertEqual(self.d.request("GET", "/v1/counts?%s=%s" % (name, good), auth="").status, 401)

    def test_two_authorization_headers_are_one_too_many(self):
        good, bad = self.keys.token(), "a.b.c"
        for first, second in ((good, good), (good, bad), (bad, good)):
            with socket.create_connection(("127.0.0.1", self.d.port), 20) as wire:
                wire.sendall(("GET /v1/counts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nAuthorization: Bearer %s\r\n"
                              "Connection: close\r\n\r\n" % (first, second)).encode())
                self.assertRegex(wire.makefile("rb").readline(), rb"^HTTP/1.1 4\d\d ")

    def test_good_tokens_are_taken(self):
        count = 0
        for name, text, actor in good_tokens(self.keys):
            with self.subTest(name):
                self.assertEqual(self.d.request("GET", "/v1/counts", auth=text).status, 200)
                instance = "good-%d" % count
                made = self.d.request("POST", "/v1/instances", {"machine": "doc", "id": instance}, auth=text)
                self.assertEqual(made.status, 201, made)
                act = self.d.request("GET", "/v1/instances/%s/history" % instance, local=True).json["items"][0]["act"]
                self.assertEqual((act["type"], act["authn"]), ("user", "verified"))
                for member, value in {"admin": None, **actor}.items():
                    self.assertEqual(act.get(member), value, member)
            count += 1
        self.assertGreaterEqual(count, 20)


class Recorded(unittest.TestCase):
    """What is refused is on record: how often, why, and the hash of the first one; never the token."""

    def test_refusals_are_counted_with_hash_and_reason(self):
        scratch = tempfile.mkdtemp(prefix="test_token_attacks.")
        d = None
        try:
            keys = Keys(os.path.join(scratch, "keys"))
            d = Daemon("--jwt-keys", keys.write(), key=False)
            bad = keys.token("partner", key=SECRETS["HS256"])
            for _ in range(50):
                self.assertEqual(d.request("GET", "/v1/counts", auth=bad).status, 401)
            self.assertEqual(d.request("POST", "/v1/machines", DEFINITION, auth=keys.token()).status, 403)
            self.assertEqual(d.stop(), 0)
            d.start()
            items = d.request("GET", "/v1/records?kind=rejected", local=True).json["items"]
            refused = {item["reason"]: item for item in items}
            self.assertEqual(len(items), 2, items)
            text = json.dumps(refused["bad_token"])
            self.assertIn("token sha256 %s: signature: the signature is not right under the key" % sha256(bad), text)
            self.assertIn('"count": 50', text)
            self.assertIn("POST /v1/machines: who asks is no admin", json.dumps(refused["not_permitted"]))
            self.assertEqual(refused["not_permitted"]["act"]["sub"], "ann")
            for place in (d.journal(), d.logged().encode()):
                for secret in list(SECRETS.values()) + [PARTNER, bad.encode(), bad.split(".")[2].encode()]:
                    self.assertNotIn(secret, place)
            self.assertEqual(d.stop(), 0)
        finally:
            if d:
                d.remove()
            shutil.rmtree(scratch)


if __name__ == "__main__":
    unittest.main()
