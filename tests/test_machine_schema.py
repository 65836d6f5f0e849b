#!/usr/bin/env python3
"""schema/machine.schema.json against the loader, on every definition there is: the examples, good ones,
bad ones, those of the corpus where it lies beside the project, and mutants of the good ones.

What the loader takes must validate; what it refuses for its shape must not. Some faults no schema can
see (a target that is not there, a bad expression): BEYOND knows them by what the loader says, and
cases/bad-definitions/beyond-the-schema.txt lists the cases that have one.
"""

import copy
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
except ImportError:
    print("skipped: there is no jsonschema for python (Debian: python3-jsonschema)")
    sys.exit(77)

SOURCE = os.environ.get("FSM_SOURCE_DIR", os.path.join(os.path.dirname(__file__), ".."))
BUILD = os.environ.get("FSM_BUILD_DIR", os.path.join(SOURCE, "build"))
LOADER = os.path.join(BUILD, "tests", "drive_definition")
CORPUS = os.path.join(SOURCE, "..", "shared", "corpus")
CASES = os.path.join(SOURCE, "tests", "cases")
MUTANTS = int(os.environ.get("FSM_MUTANTS", "1500"))

BEYOND = re.compile("|".join([
    r'there is no (state|guard|delay|invoke) ',
    r'there is no action "(?!@xstate\.)',
    r'the action "xstate\.',
    r'is there twice',
    r'there are two ',
    r'cannot be active together',
    r'is no sibling of the root',
    r'name one another more than',
    r'`params` is read here',
    r'needs a "target" to be the initial one',
    r'no transition of the machine takes',
    r'must be the last: the ones behind it',
    r'must have no "when", or nothing',  # one branch before it may have none
    r'is (longer|deeper) than',
    r'^expected .*, found |is required and missing|one of those the schema names|nothing is allowed here',
    r'is never asked here',
    r'a delay is 0 to ',  # of a duration or an `after` key, which are texts
]))


def beyond(said):
    return said["code"] in ("expression", "too_large", "malformed", "data") or BEYOND.search(said["text"])


def load(paths):
    """What the loader says of each file."""
    said = []
    for at in range(0, len(paths), 200):
        run = subprocess.run([LOADER, *paths[at:at + 200]], stdout=subprocess.PIPE, check=True)
        said += [json.loads(line) for line in run.stdout.decode().splitlines()]
    return said


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def files(*parts):
    return sorted(glob.glob(os.path.join(*parts, "*.json")))


def examples():
    """Those of them that are definitions."""
    return [path for path in files(SOURCE, "examples") if "states" in read(path)]


class MachineSchema(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = read(os.path.join(SOURCE, "schema", "machine.schema.json"))
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def valid(self, document):
        return self.validator.is_valid(document)

    def why(self, document):
        return [f"{e.json_path}: {e.message[:200]}" for e in self.validator.iter_errors(document)][:3]

    def check_good(self, paths):
        for path, said in zip(paths, load(paths)):
            with self.subTest(path=path):
                self.assertEqual((said["code"], said["where"], said["text"]), ("ok", "", ""))
                self.assertEqual(self.why(read(path)), [])

    def test_it_is_a_schema_of_the_draft_it_names(self):
        self.assertEqual(self.schema["$schema"], "https://json-schema.org/draft/2020-12/schema")
        jsonschema.Draft202012Validator.check_schema(self.schema)

    def test_every_example_is_good(self):
        paths = examples()
        self.assertGreaterEqual(len(paths), 1)
        self.check_good(paths)

    def test_every_good_definition_loads_and_validates(self):
        paths = files(CASES, "good-definitions")
        self.assertGreaterEqual(len(paths), 20)
        self.check_good(paths)

    def test_every_bad_definition_is_refused_by_both_but_for_what_is_beyond_a_schema(self):
        with open(os.path.join(CASES, "bad-definitions", "beyond-the-schema.txt"), encoding="utf-8") as file:
            listed = {line.split(":")[0] for line in file if line.strip()}
        paths, seen = files(CASES, "bad-definitions"), set()
        for path, said in zip(paths, load(paths)):
            name = os.path.basename(path)[:-5]
            with self.subTest(path=path):
                self.assertNotEqual(said["code"], "ok")
                try:
                    document = read(path)
                except ValueError:
                    continue
                if name in listed:
                    seen.add(name)
                    self.assertEqual(self.why(document), [])
                    self.assertTrue(beyond(said), f"{said} is of the shape")
                else:
                    self.assertFalse(self.valid(document), f"the loader said {said['text']}")
        self.assertEqual(listed - seen, set())

    def test_the_corpus_is_taken_or_refused_alike(self):
        real = files(CORPUS, "real", "xstate-json")
        if not real:
            self.skipTest("the corpus is not there")
        for path, said in zip(real, load(real)):
            with self.subTest(path=path):
                self.agree(read(path), said)

    def test_the_machines_of_scion_are_good(self):
        cases = files(CORPUS, "scion-xstate-json")
        if not cases:
            self.skipTest("the corpus is not there")
        with tempfile.TemporaryDirectory() as folder:
            self.check_good(written(folder, [read(case)["machine"] for case in cases]))

    def agree(self, document, said):
        if said["code"] == "ok":
            self.assertEqual(self.why(document), [], "the loader takes it")
        elif not beyond(said):
            self.assertFalse(self.valid(document), f"the loader says {said['where']}: {said['text']}")

    def test_mutants_are_taken_or_refused_alike(self):
        seed = int(os.environ.get("FSM_SEED", "1"))
        rng = random.Random(seed)
        good = [read(path) for path in files(CASES, "good-definitions") + examples()]
        mutants = [mutant(rng, rng.choice(good)) for _ in range(MUTANTS)]
        taken = 0
        with tempfile.TemporaryDirectory() as folder:
            for document, said in zip(mutants, load(written(folder, mutants))):
                taken += said["code"] == "ok"
                with self.subTest(seed=seed, document=json.dumps(document)):
                    self.agree(document, said)
        self.assertGreater(taken, MUTANTS // 20)
        self.assertLess(taken, MUTANTS)


def written(folder, documents):
    paths = []
    for number, document in enumerate(documents):
        paths.append(os.path.join(folder, f"{number:05}.json"))
        with open(paths[-1], "w", encoding="utf-8") as file:
            json.dump(document, file)
    return paths


# ---- mutants

WORDS = """id initial states on always after entry exit invoke onDone onError tags meta description output type
    history target choice timeout onTimeout guard actions reenter context when src input guards params event
    delay to args value label fsm sla level keep attempts schemas events properties required @expr @lang @code
    cond internal version types stateId stateValue guards delays x GO a b * a.* 5 0.5 a.b #x""".split()
VALUES = [None, True, False, 0, 5, -1, 2.5, 5.0, "", "a", "b", "x", "5", "GO", "final", "parallel", "history",
          "choice", "deep", "and", "@xstate.not", "xstate.raise", "@xstate.log", "1h", "PT5S", "#m", ".a", [], {},
          [[]], [{}], ["a"], ["b", "a"], {"@expr": "true"}, {"@expr": "1"}, {"@code": "f"}, {"type": "a"},
          {"type": "final"}, {"type": "history"}, {"type": "@xstate.raise", "event": {"type": "X"}},
          {"target": "a"}, {"target": "b", "when": {"@expr": "true"}}, {"a": {}}, {"a": 1}, {"fsm": {}}]


def places(node, found):
    """Every container in the document."""
    if isinstance(node, (dict, list)) and node:
        found.append(node)
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else []:
        places(child, found)
    return found


def change_map(rng, node):
    key = rng.choice(list(node))
    how = rng.randrange(6)
    if how == 0:
        del node[key]
    elif how == 1:
        node[rng.choice(WORDS)] = node.pop(key)
    elif how == 2:
        node[key + "s" if rng.random() < 0.5 else key[1:]] = node.pop(key)
    elif how == 3:
        node[rng.choice(WORDS)] = copy.deepcopy(rng.choice(VALUES))
    elif how == 4:
        node[key] = [node[key]]
    else:
        node[key] = copy.deepcopy(rng.choice(VALUES))


def change_list(rng, node):
    at = rng.randrange(len(node))
    how = rng.randrange(4)
    if how == 0:
        del node[at]
    elif how == 1:
        node.insert(at, copy.deepcopy(rng.choice(VALUES)))
    elif how == 2:
        node[at] = [node[at]]
    else:
        node.reverse()


def mutant(rng, document):
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 2))):
        node = rng.choice(places(document, [document]))
        if node:
            (change_map if isinstance(node, dict) else change_list)(rng, node)
    return document


if __name__ == "__main__":
    unittest.main(verbosity=2)
