"""token_maker.py: bearer tokens of any form, signed by the standard library's hmac and by openssl, and the keys and
files of keys that a daemon is to check them with. Nothing of it is ours, so that it can make what no library would."""
import base64
import hashlib
import hmac
import json
import os
import subprocess
import time

SECRETS = {"HS256": b"s" * 31 + b"!", "HS384": b"t" * 47 + b"!", "HS512": b"u" * 63 + b"!"}
PARTNER = b"the secret of a partner, 32 byte"
DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*words, data=None):
    return subprocess.run(("openssl",) + words, input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True).stdout


def write(path, data, mode=0o600):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return path


def raw_of_der(der):
    """r and s of an ECDSA signature, 32 bytes each."""
    at, out = 2, b""
    for _ in range(2):
        size = der[at + 1]
        out += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return out


def jwk_of(public_der, kid, **more):
    """The JWK of a public key on P-256, or of an RSA key of 2048 bits with the exponent 65537."""
    if len(public_der) == 91:
        return {"kty": "EC", "crv": "P-256", "x": b64(public_der[27:59]), "y": b64(public_der[59:]), "kid": kid, **more}
    return {"kty": "RSA", "n": b64(public_der[-5 - 256:-5]), "e": "AQAB", "kid": kid, **more}


class Keys:
    """Private keys as files in a directory, and KEYS.JSON over the public ones."""

    def __init__(self, path):
        self.dir = path
        os.makedirs(path, exist_ok=True)
        for alg, secret in SECRETS.items():
            write(self.at(alg), secret)
        write(self.at("partner"), PARTNER)
        for name, words in {"rsa": ("genrsa", "2048"), "rsa2": ("genrsa", "2048"), "small": ("genrsa", "1024"),
                            "ec": ("ecparam", "-name", "prime256v1", "-genkey", "-noout"),
                            "ec2": ("ecparam", "-name", "prime256v1", "-genkey", "-noout"),
                            "p384": ("ecparam", "-name", "secp384r1", "-genkey", "-noout")}.items():
            write(self.at(name), openssl(*words))
            write(self.at(name + ".pub"), openssl("pkey", "-in", self.at(name), "-pubout"), 0o644)
        jwks = {"keys": [jwk_of(self.der("rsa2"), "idp-rsa", use="sig", alg="RS256", x5t="abc", x5c=["MIIC"]),
                         jwk_of(self.der("ec2"), "idp-ec"),
                         jwk_of(self.der("rsa"), "idp-enc", use="enc", alg="RSA-OAEP")]}
        write(self.at("idp.json"), json.dumps(jwks), 0o644)

    def at(self, name):
        return os.path.join(self.dir, name)

    def pem(self, name):
        with open(self.at(name + ".pub"), "rb") as file:
            return file.read()

    def der(self, name):
        return openssl("pkey", "-pubin", "-in", self.at(name + ".pub"), "-outform", "DER")

    def entries(self):
        own = [{"kid": "h256", "alg": "HS256", "file": "HS256"}, {"kid": "h384", "alg": "HS384", "file": "HS384"},
               {"kid": "h512", "alg": "HS512", "file": self.at("HS512")},
               {"kid": "r256", "alg": "RS256", "file": "rsa.pub"}, {"kid": "e256", "alg": "ES256", "file": "ec.pub"},
               {"kid": "partner", "alg": "HS256", "file": "partner", "iss": "https://partner", "aud": ["billing", "flow"],
                "admin": False},
               {"kid": "ended", "alg": "HS384", "file": "HS384", "until": "2020-01-01T00:00:00Z"}]
        return own + [{"jwks": "idp.json", "iss": "https://idp"}]

    def write(self, entries=None):
        return write(self.at("keys.json"), json.dumps({"keys": self.entries() if entries is None else entries}), 0o644)

    def signature(self, alg, key, text):
        if alg in DIGESTS:
            return hmac.new(key, text, DIGESTS[alg]).digest()
        made = openssl("dgst", "-sha256", "-sign", self.at(key), data=text)
        return raw_of_der(made) if alg == "ES256" else made

    def sign(self, alg, key, header, payload):
        """header and payload: JSON text, bytes, or what becomes JSON."""
        parts = [part if isinstance(part, bytes) else (part if isinstance(part, str) else json.dumps(part)).encode()
                 for part in (header, payload)]
        text = b64(parts[0]) + "." + b64(parts[1])
        return text + "." + b64(self.signature(alg, key, text.encode()))

    def token(self, kid="h256", alg=None, key=None, header=None, **claims):
        """A good one for that kid, unless said otherwise; a claim or member of None is left out."""
        known = {"h256": "HS256", "h384": "HS384", "h512": "HS512", "r256": "RS256", "e256": "ES256",
                 "partner": "HS256", "ended": "HS384", "idp-rsa": "RS256", "idp-ec": "ES256"}
        places = {"r256": "rsa", "e256": "ec", "idp-rsa": "rsa2", "idp-ec": "ec2", "partner": PARTNER}
        used = alg or known[kid]
        now = int(time.time())
        bounds = {"idp": {"iss": "https://idp"}, "par": {"iss": "https://partner", "aud": "flow"}}.get(kid[:3], {})
        payload = {"sub": "ann", "jti": "s-1", "iat": now, "exp": now + 600, **bounds, **claims}
        head = {"alg": used, "typ": "JWT", "kid": kid, **(header or {})}
        return self.sign(used, places.get(kid) or SECRETS.get(used) if key is None else key,
                         {k: v for k, v in head.items() if v is not None},
                         {k: v for k, v in payload.items() if v is not None})


def resigned(keys, header, payload):
    """Rightly signed with the secret of h256, whatever the JSON texts are."""
    return keys.sign("HS256", SECRETS["HS256"], header, payload)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()
