#!/usr/bin/env python3
"""-o json of commands whose document is none of the HTTP interface is what schema/cli.schema.json says (the others:
test_cli_habits.py, Schemas). Exit 77: the programs are not built, or python3-jsonschema is not there.
"""
import json
import os
import sys
import unittest

import cli_scene as base
from cli_scene import CLI, run

SCHEMA = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "schema", "cli.schema.json")


class Documents(base.WithDaemon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(SCHEMA, encoding="utf-8") as file:
            cls.schema = json.load(file)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.changed = os.path.join(cls.scratch, "changed.json")
        cls.broken = os.path.join(cls.scratch, "broken.json")
        machine = json.loads(json.dumps(base.DOOR))
        machine["states"]["attic"] = {}
        del machine["states"]["open"]["on"]
        for path, text in ((cls.changed, json.dumps(machine)), (cls.broken, "{")):
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        for name in ("one", "two", "three"):
            code, _, err = run("--data", cls.data, "start", "door", "--id", name, "--corr", "c-1")
            assert code == 0, err
        code, _, err = run("--data", cls.data, "send", "one", "OPEN", "--corr", "c-1")
        assert code == 0, err

    def valid(self, name, document):
        schema = {"$ref": "#/$defs/" + name.replace(" ", "%20"), "$defs": self.schema["$defs"]}
        errors = jsonschema.Draft202012Validator(schema).iter_errors(document)
        self.assertEqual([(list(e.absolute_path), e.message[:300]) for e in errors], [], name)

    def document(self, name, *args, code=0):
        got, out, err = run(*args, "-o", "json")
        self.assertEqual(got, code, (args, out, err))
        self.valid(name, json.loads(out))
        return json.loads(out)

    def test_check(self):
        self.document("check", *self.here("check"))
        stuck = self.document("check", *self.here("check", "--for", "1ms"), code=1)
        self.assertEqual((stuck["status"], len(stuck["texts"]), len(stuck["items"])), ("warning", 1, 8))

    def test_what_is_told_of_definitions(self):
        self.assertTrue(self.document("def lint", "def", "lint", self.definition)["items"][0]["ok"])
        found = self.document("def lint", "def", "lint", self.changed, self.broken, code=1)["items"]
        self.assertGreater(len(found[0]["findings"]), 0)
        self.assertIn("code", found[1])
        self.assertGreater(len(self.document("def diff", "def", "diff", self.definition, self.changed)["items"]), 0)
        self.document("def paths", "def", "paths", self.definition)
        paths = self.document("def paths", *self.here("def", "paths", "door", "--coverage"))
        self.assertEqual(sum(one["taken"] for one in paths["transitions"]), 1)

    def test_the_past(self):
        head = json.loads(self.ok(*self.here("get", "one", "-o", "json")))["seq"]
        self.assertGreater(len(self.document("diff", *self.here("diff", "one", "@%d" % (head - 1), "@%d" % head))["changes"]), 0)
        self.assertEqual(self.document("trace", *self.here("trace", "c-1"))["instances"], ["one", "two", "three"])

    def test_many_at_a_time(self):
        many = self.document("many", *self.here("pause", "two", "three", "--reason", "x", "-y"))
        self.assertEqual((many["done"], many["failed"]), (2, 0))
        partly = self.document("many", *self.here("resume", "two", "one", "--reason", "x", "-y"), code=6)
        self.assertEqual((partly["done"], partly["failed"]), (1, 1))

    def test_a_member_that_nobody_knows_is_seen(self):
        with self.assertRaises(AssertionError):
            self.valid("many", {"items": [], "done": 0, "failed": 0, "left": 0, "also": 1})


if __name__ == "__main__":
    try:
        import jsonschema
    except ImportError:
        sys.exit(77)
    if not os.path.exists(CLI):
        sys.exit(77)
    unittest.main(verbosity=2)
