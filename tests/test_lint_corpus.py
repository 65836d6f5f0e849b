#!/usr/bin/env python3
"""def lint over charts that nobody here wrote: no state that a public script reaches is told as unreachable, no state
`pass` of the W3C's documents, and of the definitions from public repositories only what was looked at and is right.

Exit 77: the program is not built, or the corpus is not there (../shared/corpus, FSM_CORPUS).
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE = os.environ.get("FSM_BUILD_DIR", "build/dev"), os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CLI = os.path.join(BUILD, "fsm-cli")
CORPUS = os.environ.get("FSM_CORPUS", os.path.join(SOURCE, "..", "shared", "corpus"))
PATIENCE_S, AT_ONCE = 120, 40
# Findings of warning and above on real/, each looked at: a failure that nothing takes.
REAL = {("workflow-parallel.json", "L017")}


def read(path):
    """With a name, which a deployed machine needs."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    if path.endswith(".json"):
        document = json.loads(text)
        document = document.get("machine", document)
        return json.dumps(document if "id" in document else {"id": "m", **document})
    return text if re.search(r"<scxml[^>]*\bname=", text) else re.sub(r"<scxml\b", '<scxml name="m"', text, count=1)


def lint(paths):
    """{path: findings}, of those that can be loaded."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        names = {}
        for i, path in enumerate(paths):
            name = os.path.join(scratch, f"{i}{os.path.splitext(path)[1]}")
            with open(name, "w", encoding="utf-8") as f:
                f.write(read(path))
            names[name] = path
        listed = list(names)
        for i in range(0, len(listed), AT_ONCE):
            done = subprocess.run([CLI, "def", "lint", "-o", "json", *listed[i : i + AT_ONCE]], capture_output=True, timeout=PATIENCE_S)
            for item in json.loads(done.stdout)["items"]:
                if "findings" in item:
                    found[names[item["file"]]] = item["findings"]
    return found


def unreachable(findings):
    return {name for f in findings if f["id"] == "L001" for name in re.findall(r'"([^"]+)"', f["text"])}


class Corpus(unittest.TestCase):
    def files(self, *patterns):
        return sorted(p for pattern in patterns for p in glob.glob(os.path.join(CORPUS, pattern)))

    def test_what_a_script_reaches_is_not_told_as_unreachable(self):
        scripts = {p: p[: -len("scxml")] + "json" for p in self.files("scion/*/*.scxml", "gap/*.scxml")}
        found = lint([p for p, script in scripts.items() if os.path.exists(script)])
        self.assertGreater(len(found), 80)
        told = 0
        for path, findings in found.items():
            with open(scripts[path]) as f:
                script = json.load(f)
            reached = set(script.get("initialConfiguration", []))
            for event in script.get("events", []):
                reached |= set(event.get("nextConfiguration", []))
            self.assertEqual(reached & unreachable(findings), set(), path)
            told += len(findings)
        self.assertGreater(told, 0)

    def test_every_document_of_the_w3c_can_pass(self):
        found = lint(self.files("w3c-irp/test*.scxml"))
        self.assertGreater(len(found), 80)
        for path, findings in found.items():
            self.assertNotIn("pass", unreachable(findings), path)

    def test_definitions_of_others_have_only_what_was_looked_at(self):
        found = lint(self.files("real/scxml/*.scxml", "real/xstate-json/*.json"))
        self.assertGreater(len(found), 5)
        self.assertEqual({(os.path.basename(p), f["id"]) for p, findings in found.items() for f in findings}, REAL)

    def test_the_examples_have_no_findings(self):
        names = ["document-approval.json", "expense-claim.json", "expense-payment.json", "loan-approval-roles.json", "purchase-order.json", "loan.scxml"]
        done = subprocess.run([CLI, "def", "lint", *(os.path.join(SOURCE, "examples", n) for n in names)], capture_output=True, timeout=PATIENCE_S)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done.stdout.decode())


if __name__ == "__main__":
    if not os.path.exists(CLI) or not os.path.isdir(CORPUS):
        print("fsm-cli is not built" if not os.path.exists(CLI) else "there is no corpus in " + CORPUS)
        sys.exit(77)
    unittest.main(verbosity=2)
