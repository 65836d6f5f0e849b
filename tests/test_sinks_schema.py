#!/usr/bin/env python3
"""schema/sinks.schema.json against the loader: every field of every kind, good and bad, at its edges and one past.

What the loader takes must validate; what it refuses for its shape must not. BEYOND are faults that no schema sees,
by what the loader says of them.
"""

import json
import os
import re
import subprocess
import sys
import unittest

try:
    import jsonschema
except ImportError:
    print("skipped: there is no jsonschema for python (Debian: python3-jsonschema)")
    sys.exit(77)

SOURCE = os.environ.get("FSM_SOURCE_DIR", os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.environ.get("FSM_BUILD_DIR", os.path.join(SOURCE, "build"))
BEYOND = re.compile("|".join([
    r"^\d+:\d+: ", r"a record has no such field", r"cannot be lifted", r"two fields are lifted", r"two sinks of this name",
    r"the sink \w+ (writes there|publishes into)", r"expected a duration", r"expected a number of bytes, such as .* from ",
    r"^it is longer than backoff_max", r"without budget_bytes or budget_age", r"it needs a url: without one",
    r"only one of user, token_file", r"a secret would go over the network", r"no effect on http://",
    r"they are of the format csv alone", r"stored bytes are given as they are", r"_bulk takes JSON", r'it is of "mode": "bulk"',
    r"is not given here", r"others may read", r"the same is there twice$", r"cannot be read$", r"linger and",
]))
BASE = {"nats": {"name": "n", "kind": "nats"}, "file": {"name": "f", "kind": "file", "path": "/tmp/f"},
        "http": {"name": "h", "kind": "http", "url": "https://h/"}, "otlp": {"name": "o", "kind": "otlp", "url": "https://h/"}}
# of each field: what goes with it, good values, bad ones
URL = {"nats": ["nats://h:1", "tls://h", "nats://a,nats://b"], "http": ["http://h/x", "https://h"], "otlp": ["https://h:1/x"]}
TLS, FILE = {"url": "tls://h"}, (["/none"], ["", "a\nb", 7, "x" * 4096])
FIELDS = {
    "name": ({}, ["a", "A-b_9", "x" * 31], ["", "x" * 32, "a b", "ä", 7]),
    "kind": ({}, [], ["mail", "", 7]),
    "records": ({}, ["all", "routed"], ["some", 1]),
    "level": ({}, [0, 255], [-1, 256, "1", 1.5]),
    "where": ({}, ["record.level > 1"], ["", 7, "x" * 4097, "record.levle > 1"]),
    "format": ({}, [], ["xml", 7]),
    "lift": ({}, [["labels.a", "context.amount=amount_eur"]], [[], ["labels.a", 7], "labels.a", ["labels.a"] * 33, ["nonsense"]]),
    "columns": ({"format": "csv"}, [["seq", "labels.a"]], [[], [7], ["seq"] * 65, "seq", ["sqe"]]),
    "batch": ({}, [1, 4096], [0, 4097, "1"]),
    "batch_bytes": ({}, [1024, "8MiB", 8 * 1024 * 1024], [1023, "1KB", 8 * 1024 * 1024 + 1, "", 1.5, "1kib"]),
    "linger": ({}, ["0s", "10s", "1ms"], ["", 1, "soon", "11s", "-1s"]),
    "backoff": ({}, ["1ms"], ["0ms", 5, "x"]),
    "backoff_max": ({}, ["1h"], ["61m", None]),
    "timeout": ({}, ["100ms", "10m"], ["99ms", []]),
    "window": ({}, [1, 16384], [0, 16385, "9"]),
    "budget_bytes": ({}, [0, "0", "1MiB", 2**40], [1, 2**40 + 1, "1 MiB", True]),
    "budget_age": ({}, ["0s", "24h", "36500d"], [1, "1"]),
    "policy": ({"budget_age": "24h"}, ["spill", "hold"], ["drop", 0]),
    "url": ({}, None, ["", 7, "ftp://h", "https://u:p@h/", "nats://u@h", "h"]),
    "ca_file": (TLS, *FILE), "creds_file": (TLS, *FILE), "nkey_file": (TLS, *FILE), "token_file": (TLS, *FILE),
    "cert_file": ({**TLS, "key_file": "/none"}, *FILE), "key_file": ({**TLS, "cert_file": "/none"}, *FILE),
    "user": ({**TLS, "password_file": "/none"}, ["u"], ["", "x" * 257, 7]),
    "password_file": ({**TLS, "user": "u"}, *FILE),
    "stream": ({}, ["S", "a-b_1", "x" * 64], ["", "a.b", "x" * 65]),
    "prefix": ({}, ["p", "a.b-c"], ["", ".a", "a.", "a..b", "a b"]),
    "replicas": ({}, [1, 3, 5], [0, 2, 4, 6, "3"]),
    "sync": ({}, ["1ms", "1h"], [2, "2h"]),
    "path": ({}, ["-", "/tmp/x"], ["", 7, "/" * 4001]),
    "rotate_bytes": ({}, ["1KiB", "64GiB"], [1, "1GB"]),
    "rotate": ({}, ["1s", "24h"], [60, "25h"]),
    "mode": ({}, ["webhook", "bulk"], ["list", True]),
    "index": ({"mode": "bulk"}, ["fsm-%Y.%m.%d", "x"], ["", "X", "_x", "x-%y", "x-%", "x-Y", "x" * 129]),
    "headers": ({}, [["A: b", "X-Empty:"]], [[], ["x"], [": x"], ["A b: x"], ["A: x\r\nB: y"], ["A: b"] * 17, ["Host: x"]]),
    "header_files": ({}, [["X-Key: /none"]], [[], ["X-Key: "], ["X-Key"], ["A: /b"] * 9, ["Cookie: /none"]]),
    "signals": ({}, [["spans"], ["logs", "spans"]], [[], ["metrics"], ["logs", "logs"], "logs"]),
}


def load(documents):
    text = "".join(json.dumps(d) + "\n" for d in documents)
    done = subprocess.run([os.path.join(BUILD, "tests", "drive_sinks_file")], input=text, capture_output=True, text=True,
                          timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class SinksSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(os.path.join(SOURCE, "schema", "sinks.schema.json"), encoding="utf-8") as file:
            cls.schema = json.load(file)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def kinds_of(self, field):
        return [kind for kind in BASE if field in self.schema["$defs"][kind]["properties"]]

    def check(self, cases):
        """(document, is it good; None: as the loader says)"""
        for (document, good), said in zip(cases, load([d for d, _ in cases]), strict=True):
            why = [f"{e.json_path}: {e.message[:200]}" for e in self.validator.iter_errors(document)]
            with self.subTest(document=json.dumps(document)[:300], said=said, why=why[:3]):
                if good is not None:
                    self.assertEqual(said["code"] == "ok", good)
                if said["code"] == "ok":
                    self.assertEqual(why, [])
                elif not BEYOND.search(said["text"]):
                    self.assertNotEqual(why, [])

    def test_it_is_a_schema_and_has_the_fields_of_the_reference(self):
        jsonschema.Draft202012Validator.check_schema(self.schema)
        text = subprocess.run([os.path.join(BUILD, "fsmd"), "--print-sinks"], capture_output=True, text=True, check=True).stdout
        told = re.findall(r"^  (\w+) (?:TEXT|FILE|WORD|N|BYTES|DURATION|\[TEXT…\])$", text, re.M)
        self.assertEqual(set(told), set(self.schema["$defs"]["field"]["properties"]))
        self.assertEqual(set(told), set(FIELDS))

    def test_each_field_of_each_kind_as_the_loader_takes_it(self):
        cases = []
        for field, (more, good, bad) in FIELDS.items():
            for kind in BASE:
                own = {**BASE[kind], **more}
                if "url" in more and kind != "nats":
                    own["url"] = BASE[kind].get("url")
                    if own["url"] is None:
                        del own["url"]
                if kind == "otlp" and "format" in own:
                    continue
                values = URL.get(kind, []) if good is None else good
                mine = kind in self.kinds_of(field)
                for value in values:
                    cases.append(({"sinks": [{**own, field: value}]}, mine if field != "kind" else None))
                for value in bad:
                    cases.append(({"sinks": [{**own, field: value}]}, False))
        self.assertGreater(len(cases), 600)
        self.check(cases)

    def test_formats_of_kinds_and_what_is_missing(self):
        formats = ("json", "seed", "ecs", "cloudevents", "otlp", "msgpack", "csv")
        cases = [({"sinks": [{**base, "format": f}]}, None) for base in BASE.values() for f in formats]
        for base in BASE.values():
            cases += [({"sinks": [{k: v for k, v in base.items() if k != gone}]}, None) for gone in base]
            cases += [({"sinks": [{**base, "nmae": "x"}]}, False), ({"sinks": [base, {**base, "name": base["name"].upper()}]}, False)]
        cases += [({"sinks": []}, True), ({}, False), ({"sinks": {}}, False), ({"sinks": [7]}, False), ({"sinks": [], "x": 1}, False), ([], False)]
        many = [{"name": f"f{i}", "kind": "file", "path": f"/tmp/{i}"} for i in range(17)]
        cases += [({"sinks": many[:16]}, True), ({"sinks": many}, False)]
        for pair in ({"user": "u"}, {"password_file": "/none"}, {"cert_file": "/none"}, {"key_file": "/none"}):
            cases.append(({"sinks": [{**BASE["http"], **pair}]}, False))
        self.check(cases)


if __name__ == "__main__":
    unittest.main()
